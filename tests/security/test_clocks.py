"""Clocks that are ahead, behind or in another zone: no night is lost by them, and none is built twice for long."""

from __future__ import annotations

import os
import time as host
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from seo_warehouse.errors import ClockError, TransientSourceError
from seo_warehouse.ledger import builds, nights
from seo_warehouse.load.schema import ensure_partition
from seo_warehouse.steps import nightly, retention
from seo_warehouse.steps.days import say_days
from seo_warehouse.steps.stated import read_clock
from seo_warehouse.steps.warehouse import Warehouse
from tests.load.loading import fetch, open_warehouse
from tests.steps.dropping import open_shop
from tests.steps.test_stated import clock as serving_clock
from tests.steps.test_stated import home

NIGHT = date(2026, 5, 6)
DAY = timedelta(days=1)
SOURCES = ("a", "b")


def at(night: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(night, time(hour, minute), UTC)


def end(connection: psycopg.Connection[Any], night: date, sources: tuple[str, ...] = SOURCES) -> bool:
    """All sources end a night in its morning; whether it closed and waits for a build."""
    for source in sources:
        nights.end_source_night(connection, source, night)
    return nights.close_night(connection, night, at(night, 9), SOURCES)


def build(connection: psycopg.Connection[Any]) -> None:
    """The build that follows, with nothing published."""
    with builds.warehouse_lock(connection):
        assert builds.claim_build(connection) is None


def tick(connection: psycopg.Connection[Any], now: datetime) -> list[date]:
    """One hourly tick, and the build that it wakes."""
    closed = nights.close_overdue(connection, now, SOURCES)
    if closed:
        build(connection)
    return closed


def carried(connection: psycopg.Connection[Any]) -> list[date]:
    return sorted(night for (night,) in fetch(connection, "select unnest(nights) from ops.build"))


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    """The loader's, of a warehouse in which `NIGHT` has closed and is built."""
    with open_warehouse(database) as opened:
        assert end(opened, NIGHT)
        build(opened)
        yield opened


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A host in another time zone."""
    monkeypatch.setitem(os.environ, "TZ", request.param)
    host.tzset()
    yield
    monkeypatch.undo()
    host.tzset()


@pytest.mark.parametrize("ahead", [DAY, timedelta(days=2), timedelta(days=365)])
def test_a_clock_that_was_ahead_for_an_hour_costs_no_build(
    connection: psycopg.Connection[Any], ahead: timedelta
) -> None:
    following = NIGHT + DAY
    assert tick(connection, at(NIGHT, 23, 30) + ahead) == [following]
    assert end(connection, following), "closed again by its own night"
    build(connection)
    assert end(connection, following + DAY)
    assert fetch(connection, "select night, closed_by from ops.night order by 1") == [
        (NIGHT + n * DAY, "sources") for n in range(3)
    ]


def test_a_clock_that_stays_ahead_closes_a_night_an_hour_and_all_are_taken_back(
    connection: psycopg.Connection[Any],
) -> None:
    wrong = at(NIGHT, 23, 30) + timedelta(days=365)
    assert [tick(connection, wrong + timedelta(hours=n)) for n in range(5)] == [[NIGHT + n * DAY] for n in range(1, 6)]
    assert tick(connection, at(NIGHT + DAY, 4)) == []
    assert (fetch(connection, "select night from ops.night"), carried(connection)) == ([(NIGHT,)], [NIGHT])
    for n in range(1, 6):
        assert end(connection, NIGHT + n * DAY)
        build(connection)


def test_a_night_that_a_clock_closed_too_early_closes_at_its_deadline_with_who_is_missing(
    connection: psycopg.Connection[Any],
) -> None:
    following = NIGHT + DAY
    nights.end_source_night(connection, "a", following)
    assert tick(connection, at(following, 10) + DAY) == [following]
    assert tick(connection, at(following, 11)) == []
    assert tick(connection, at(following, 23)) == [following]
    assert fetch(connection, "select missing_sources from ops.night where night = %s", (following,)) == [(["b"],)]


def test_what_sources_ended_in_a_future_night_does_not_close_it_when_it_comes(
    connection: psycopg.Connection[Any],
) -> None:
    future = NIGHT + timedelta(days=365)
    assert end(connection, future)
    build(connection)
    for n in range(1, 365):
        if n in (1, 364):
            assert end(connection, NIGHT + n * DAY)
    nights.end_source_night(connection, "a", future)
    assert not nights.close_night(connection, future, at(future, 8), SOURCES), "b has not ended it"
    assert end(connection, future)


def test_a_build_at_work_does_not_carry_what_is_taken_back(connection: psycopg.Connection[Any]) -> None:
    following = NIGHT + DAY
    nights.close_overdue(connection, at(NIGHT, 23, 30) + timedelta(days=365), SOURCES)
    connection.execute("insert into ops.build (state, nights) values ('claimed', array[%s])", (following,))
    assert nights.close_overdue(connection, at(following, 4), SOURCES) == []
    connection.execute("update ops.build set state = 'finished' where state = 'claimed'")
    assert end(connection, following)


def test_a_clock_that_is_a_day_behind_takes_back_nothing_that_sources_ended(
    connection: psycopg.Connection[Any],
) -> None:
    assert end(connection, NIGHT + DAY)
    build(connection)
    for hour in (0, 12, 23):
        assert tick(connection, at(NIGHT, hour)) == []
    assert not nights.close_night(connection, NIGHT + DAY, at(NIGHT + DAY, 12), SOURCES), "it is built"
    assert tick(connection, at(NIGHT + DAY, 23)) == []


@pytest.mark.parametrize("wrong", [at(NIGHT - 5 * DAY, 12), datetime(1970, 1, 1, 0, 5, tzinfo=UTC)])
def test_a_clock_that_is_far_behind_takes_back_nothing(connection: psycopg.Connection[Any], wrong: datetime) -> None:
    for n in range(-9, 0):
        nights.end_source_night(connection, "a", NIGHT + n * DAY)
    assert tick(connection, at(NIGHT + DAY, 23, 5)) == [NIGHT + DAY]
    assert end(connection, NIGHT + 2 * DAY)
    build(connection)
    kept = (fetch(connection, "select * from ops.night"), fetch(connection, "select * from ops.source_night"))
    assert tick(connection, wrong) == []
    assert not nights.close_night(connection, NIGHT, wrong, SOURCES)
    assert (fetch(connection, "select * from ops.night"), fetch(connection, "select * from ops.source_night")) == kept
    assert carried(connection) == [NIGHT + n * DAY for n in range(3)]


def test_a_night_that_closed_at_its_deadline_closes_once_more_where_the_clock_is_set_back_over_it(
    connection: psycopg.Connection[Any],
) -> None:
    assert tick(connection, at(NIGHT + DAY, 23, 5)) == [NIGHT + DAY]
    assert tick(connection, at(NIGHT, 23, 5)) == []
    assert tick(connection, at(NIGHT + DAY, 23, 5)) == [NIGHT + DAY]
    assert tick(connection, at(NIGHT + 2 * DAY, 0, 5)) == []


def test_midnight_closes_what_the_deadline_did_and_nothing_of_the_new_day(
    connection: psycopg.Connection[Any],
) -> None:
    following = NIGHT + DAY
    assert tick(connection, at(following, 22, 59)) == []
    assert tick(connection, at(following + DAY, 0)) == [following]
    assert tick(connection, at(following + DAY, 22, 59)) == []


def test_a_leap_day_is_a_night_like_any_other(database: str) -> None:
    with open_warehouse(database) as connection:
        assert end(connection, date(2028, 2, 28))
        build(connection)
        assert tick(connection, datetime(2028, 2, 29, 22, 59, tzinfo=UTC)) == []
        assert tick(connection, datetime(2028, 2, 29, 23, tzinfo=UTC)) == [date(2028, 2, 29)]
        assert tick(connection, datetime(2028, 3, 1, 22, 59, tzinfo=UTC)) == []
        assert end(connection, date(2028, 3, 1))


@pytest.mark.parametrize("elsewhere", ["America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago"], indirect=True)
def test_a_night_is_a_date_of_utc_wherever_the_host_is(elsewhere: None, connection: psycopg.Connection[Any]) -> None:
    following = NIGHT + DAY
    assert tick(connection, at(following, 22, 59).astimezone()) == []
    assert tick(connection, at(following, 23).astimezone()) == [following]


@pytest.mark.parametrize("elsewhere", ["Europe/Berlin"], indirect=True)
@pytest.mark.parametrize("changes_on", [date(2026, 3, 29), date(2026, 10, 25)])
def test_the_day_on_which_the_hosts_clock_changes_has_one_night(
    elsewhere: None, database: str, changes_on: date
) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    with open_warehouse(database) as connection:
        assert end(connection, changes_on - DAY)
        build(connection)
        ticks = [(at(changes_on, 0) + timedelta(hours=n)).astimezone(berlin) for n in range(48)]
        closed = [closed for now in ticks for closed in tick(connection, now)]
        assert closed == [changes_on, changes_on + DAY]


@pytest.mark.parametrize("elsewhere", ["America/New_York", "Pacific/Kiritimati"], indirect=True)
def test_the_instant_of_a_host_elsewhere_is_in_utc(elsewhere: None, tmp_path: Path) -> None:
    told = Warehouse(home(tmp_path)).now()
    assert told.utcoffset() == timedelta(0)
    assert abs(told.timestamp() - host.time()) < 60


def test_a_clock_that_does_not_tell_its_zone_is_refused(tmp_path: Path) -> None:
    with (
        serving_clock('{"now": "2026-05-09T06:30:00"}') as url,
        pytest.raises(TransientSourceError, match="does not tell the time"),
    ):
        read_clock(home(tmp_path, f"clock_url: {url}"))


@pytest.fixture
def wh(connection: psycopg.Connection[Any], database: str, tmp_path: Path) -> Warehouse:
    """The same warehouse as the steps see it."""
    return open_shop(tmp_path / "home", database).wh


def when(wh: Warehouse, now: datetime) -> Warehouse:
    return replace(wh, clock=lambda _: now)


def test_a_tick_that_is_days_ahead_is_red_and_an_ordinary_one_is_not(wh: Warehouse) -> None:
    for now in (at(NIGHT, 23, 30), at(NIGHT + DAY, 23, 5), at(NIGHT + 2 * DAY, 23, 5)):
        nightly.close_overdue(when(wh, now))
        nightly.check_clock(when(wh, now))
    ahead = when(wh, at(NIGHT, 23, 30) + timedelta(days=365))
    nightly.close_overdue(ahead)
    with pytest.raises(ClockError, match="2027-05-06 23:30 UTC, and 362 nights from 2026-05-10 to 2027-05-06"):
        nightly.check_clock(ahead)


def test_status_names_nights_that_are_overdue(wh: Warehouse) -> None:
    said: list[str] = []
    say_days(when(wh, at(NIGHT + DAY, 23, 5)), said.append)
    assert not any("have not closed" in line for line in said), "the next tick closes it"
    say_days(when(wh, at(NIGHT + 3 * DAY, 23, 5)), said.append)
    assert sum("3 nights from 2026-05-07 to 2026-05-09 have not closed" in line for line in said) == 1


def test_nothing_is_given_up_while_the_clock_may_be_ahead(wh: Warehouse) -> None:
    path = wh.settings.properties_path
    path.write_text(path.read_text() + "retention: {raw_months: {search_console: 6}}\n")
    wh = Warehouse(wh.settings)
    with wh.connect("loader") as connection:
        ensure_partition(connection, "raw_search_console__page_total", date(2026, 5, 1))
    assert retention.give_up_old(when(wh, at(NIGHT, 23, 30) + timedelta(days=365))) == []
    nightly.close_overdue(when(wh, at(NIGHT + DAY, 23, 5)))
    assert retention.give_up_old(when(wh, at(NIGHT + DAY, 23, 30))) == []
