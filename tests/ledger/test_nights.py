"""How nights end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from seo_warehouse.ledger import builds, nights
from tests.ledger.test_builds import claim, put
from tests.load.loading import fetch, open_warehouse, write
from tests.load.test_batch import begin

NIGHT = date(2026, 5, 6)
MORNING = datetime(2026, 5, 6, 9, tzinfo=UTC)
BOTH = ("a", "b")
NEXT = timedelta(1)


def test_a_night_closes_when_every_configured_source_has_ended_it(database: str) -> None:
    with open_warehouse(database) as connection:
        nights.end_source_night(connection, "a", NIGHT)
        assert not nights.close_night(connection, NIGHT, MORNING, BOTH)
        nights.end_source_night(connection, "b", NIGHT)
        nights.end_source_night(connection, "b", NIGHT)
        assert nights.close_night(connection, NIGHT, MORNING, BOTH)
        assert fetch(connection, "select night, closed_by, missing_sources from ops.night") == [(NIGHT, "sources", [])]


def test_a_night_waits_for_a_build_until_one_has_carried_it(database: str) -> None:
    with open_warehouse(database) as connection:
        for source in BOTH:
            nights.end_source_night(connection, source, NIGHT)
        assert nights.close_night(connection, NIGHT, MORNING, BOTH)
        assert nights.close_night(connection, NIGHT, MORNING, BOTH), "what follows the first may have been killed"
        put(connection, 1.0)
        with builds.warehouse_lock(connection):
            build = claim(connection)
            assert build.nights == (NIGHT,)
            assert nights.close_night(connection, NIGHT, MORNING, BOTH)
            builds.finish_build(connection, build.build_id)
        assert not nights.close_night(connection, NIGHT, MORNING, BOTH)


def test_of_a_closed_night_the_run_of_one_source_tells_and_of_another_night_another_may(database: str) -> None:
    with open_warehouse(database) as connection:
        for night in (NIGHT, NIGHT + NEXT):
            for source in BOTH:
                nights.end_source_night(connection, source, night)
            assert nights.close_night(connection, night, datetime.combine(night, MORNING.timetz()), BOTH)
        told = [nights.is_teller(connection, source, NIGHT) for source in ("b", "a", "b", "a")]
        assert told == [True, False, True, False]
        assert nights.is_teller(connection, "a", NIGHT + NEXT)


@pytest.mark.parametrize(
    ("closed", "is_heard", "told"),
    [("1 minute", False, []), ("31 minutes", False, [NIGHT]), ("31 minutes", True, []), ("49 hours", False, [])],
)
def test_a_night_that_nobody_heard_of_is_told_of_again_while_it_matters(
    database: str, closed: str, is_heard: bool, told: list[date]
) -> None:
    """Who was to tell of it was killed for good; of one whose build failed the next night's takes the days."""
    with open_warehouse(database) as connection:
        for source in BOTH:
            nights.end_source_night(connection, source, NIGHT)
        assert nights.close_night(connection, NIGHT, MORNING, BOTH)
        connection.execute("update ops.night set closed_at = now() - %s::interval", (closed,))
        if is_heard:
            put(connection, 1.0)
            with builds.warehouse_lock(connection):
                build = claim(connection)
                builds.fail_build(connection, build.build_id, "a model failed")
        assert nights.close_overdue(connection, MORNING, BOTH) == told


def test_what_was_written_and_never_judged_waits_for_a_day(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id = write(connection, [], night=NIGHT, purpose="night")
        of = fetch(connection, "select source, table_name, night, property_key from ops.load")[0]
        days = fetch(connection, "select first_day, last_day from ops.load")[0]
        assert nights.waiting_loads(connection, *of) == {days: load_id}
        connection.execute("update ops.load set written_at = written_at - interval '25 hours'")
        assert nights.waiting_loads(connection, *of) == {}


def test_of_sources_that_end_at_once_at_least_one_closes_the_night(database: str) -> None:
    def end(source: str) -> bool:
        with psycopg.connect(database) as connection:
            nights.end_source_night(connection, source, NIGHT)
        with psycopg.connect(database) as connection:
            return nights.close_night(connection, NIGHT, MORNING, ("a", "b", "c", "d"))

    with ThreadPoolExecutor(4) as pool:
        assert any(pool.map(end, ("a", "b", "c", "d")))


def test_a_night_closes_at_its_deadline_naming_who_is_missing(database: str) -> None:
    deadline = datetime(2026, 5, 6, 23, tzinfo=UTC)
    with open_warehouse(database) as connection:
        nights.end_source_night(connection, "a", NIGHT)
        assert nights.close_overdue(connection, deadline - timedelta(seconds=1), BOTH) == []
        assert nights.close_overdue(connection, deadline, BOTH) == [NIGHT]
        assert nights.close_overdue(connection, deadline + timedelta(hours=47), BOTH) == [NIGHT, NIGHT + NEXT]
        assert fetch(connection, "select night, closed_by, missing_sources from ops.night order by night") == [
            (NIGHT, "deadline", ["b"]),
            (NIGHT + NEXT, "deadline", ["a", "b"]),
        ]


def test_a_night_that_closed_at_its_deadline_is_told_until_a_build_has_carried_it(database: str) -> None:
    with open_warehouse(database) as connection:
        nights.end_source_night(connection, "a", NIGHT)
        deadline = datetime(2026, 5, 6, 23, tzinfo=UTC)
        for _ in range(2):
            assert nights.close_overdue(connection, deadline, BOTH) == [NIGHT]
        with builds.warehouse_lock(connection):
            assert builds.claim_build(connection) is None, "nothing was published"
            assert builds.claim_build(connection) is None
        assert nights.close_overdue(connection, deadline, BOTH) == []
        assert fetch(connection, "select state, nights, missing_sources from ops.build") == [
            ("finished", [NIGHT], ["2026-05-06 b"])
        ]


def test_nights_before_the_first_scheduled_one_are_never_overdue(database: str) -> None:
    later = datetime(2026, 6, 1, tzinfo=UTC)
    with open_warehouse(database) as connection:
        assert nights.close_overdue(connection, later, BOTH) == []
        write(connection, [], purpose="history")
        assert nights.close_overdue(connection, later, BOTH) == []
        begin(connection, night=date(2026, 5, 30), purpose="night")
        assert nights.close_overdue(connection, later, BOTH) == [], "read by hand: no source's night has ended"
        nights.end_source_night(connection, "a", date(2026, 5, 30))
        assert nights.close_overdue(connection, later, BOTH) == [date(2026, 5, 30)]
        assert nights.close_overdue(connection, later, BOTH) == [date(2026, 5, 30), date(2026, 5, 31)], "one a tick"


def test_a_back_filled_night_before_the_first_scheduled_one_is_not_closed_and_makes_none_overdue(database: str) -> None:
    later = datetime(2026, 5, 6, 12, tzinfo=UTC)
    with open_warehouse(database) as connection:
        nights.end_source_night(connection, "a", NIGHT)
        long_before = date(2026, 1, 1)
        for source in BOTH:
            nights.end_source_night(connection, source, long_before)
        assert not nights.close_night(connection, long_before, later, BOTH)
        assert nights.close_overdue(connection, later, BOTH) == []


def test_a_late_source_closes_no_night_that_a_build_has_carried(database: str) -> None:
    with open_warehouse(database) as connection:
        nights.end_source_night(connection, "a", NIGHT)
        nights.close_overdue(connection, datetime(2026, 5, 6, 23, tzinfo=UTC), BOTH)
        put(connection, 1.0)
        with builds.warehouse_lock(connection):
            build = claim(connection)
            assert build.missing_sources == ("2026-05-06 b",)
            builds.finish_build(connection, build.build_id)
        nights.end_source_night(connection, "b", NIGHT)
        assert not nights.close_night(connection, NIGHT, datetime(2026, 5, 6, 23, 30, tzinfo=UTC), BOTH)
