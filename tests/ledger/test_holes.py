"""Which days a night reads, and how often a day that keeps failing is tried."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from seo_warehouse.config import Properties, Property
from seo_warehouse.ledger import loads
from seo_warehouse.ledger.holes import due_loads
from seo_warehouse.load.publish import publish
from seo_warehouse.spec import Period
from tests.load.loading import SOURCE, TABLE, open_warehouse, passed, write

FIRST = date(2026, 4, 1)
HOLE = date(2026, 4, 5)
PROPERTY = {"key": 1, "name": "shop", "domain": "example.com", "history_start": FIRST}


@pytest.fixture
def prop() -> Property:
    return Properties.model_validate({"properties": [PROPERTY]}).properties[0]


def due(connection: psycopg.Connection[Any], prop: Property, night: date) -> list[Period]:
    return [period for periods in due_loads(connection, SOURCE, TABLE.name, prop, night) for period in periods]


def fill(connection: psycopg.Connection[Any], *, until: date, but: tuple[date, ...] = (HOLE,)) -> None:
    days = [day for day in Period(FIRST, until).days() if day not in but]
    publish(connection, SOURCE, TABLE, passed(connection, write(connection, [], days=days, purpose="history")))


def hold(connection: psycopg.Connection[Any], night: date, days: list[date], state: str = "quarantined") -> None:
    load_id = write(connection, [], days=days, night=night)
    loads.move(connection, load_id, state, reason="held")


def days_of(day: int, last: int, month: int = 4) -> list[Period]:
    return [Period(date(2026, month, n), date(2026, month, n)) for n in range(day, last + 1)]


def test_a_night_reads_its_window_day_by_day_and_older_holes_by_month(database: str, prop: Property) -> None:
    with open_warehouse(database) as connection:
        # Delay 2, lookback 3: of 7 May the window is 2 to 5 May.
        assert due(connection, prop, date(2026, 5, 7)) == [
            *days_of(2, 5, month=5), Period(FIRST, date(2026, 4, 30)), Period(date(2026, 5, 1), date(2026, 5, 1))
        ]  # fmt: skip
        fill(connection, until=date(2026, 4, 18), but=(HOLE, date(2026, 4, 17)))
        assert due(connection, prop, date(2026, 4, 20)) == [*days_of(15, 18), Period(HOLE, HOLE)]


def test_no_night_asks_for_days_that_the_source_no_longer_keeps(database: str, prop: Property) -> None:
    with open_warehouse(database) as connection:
        loads = due_loads(connection, replace(SOURCE, kept_months=1), TABLE.name, prop, date(2026, 5, 20))
    assert loads.untried == [
        Period(date(2026, 4, 20), date(2026, 4, 30)), Period(date(2026, 5, 1), date(2026, 5, 14))
    ]  # fmt: skip


def test_no_night_reads_before_the_history_or_after_its_horizon(database: str, prop: Property) -> None:
    with open_warehouse(database) as connection:
        assert due(connection, prop, date(2026, 4, 2)) == []
        assert due(connection, prop, date(2026, 4, 4)) == days_of(1, 2)


def test_a_day_that_keeps_failing_is_tried_after_pauses_that_grow_to_four_weeks(database: str, prop: Property) -> None:
    tried = []
    with open_warehouse(database) as connection:
        fill(connection, until=date(2026, 10, 1))
        # 11 April is the first night whose window, 6 to 9 April, is past the hole.
        for night in Period(date(2026, 4, 11), date(2026, 7, 31)).days():
            if Period(HOLE, HOLE) in due(connection, prop, night):
                tried.append(night)
                hold(connection, night, [HOLE])
    pauses = [(later - earlier).days for earlier, later in pairwise(tried)]
    assert tried[0] == date(2026, 4, 11)
    assert pauses == [1, 2, 4, 8, 16, 28, 28]


def test_trying_again_in_the_same_night_is_one_try(database: str, prop: Property) -> None:
    night = date(2026, 5, 20)
    with open_warehouse(database) as connection:
        fill(connection, until=date(2026, 10, 1))
        for _ in range(3):
            assert Period(HOLE, HOLE) in due(connection, prop, night)
            hold(connection, night, [HOLE])
        assert Period(HOLE, HOLE) in due(connection, prop, night + timedelta(1))


def test_one_broken_day_holds_no_month_back(database: str, prop: Property) -> None:
    night = date(2026, 5, 6)
    with open_warehouse(database) as connection:
        fill(connection, until=date(2026, 10, 1), but=tuple(Period(HOLE, HOLE + timedelta(2)).days()))
        month = Period(HOLE, HOLE + timedelta(2))
        assert due(connection, prop, night)[4:] == [month]
        hold(connection, night, list(month.days()))
        assert due(connection, prop, night + timedelta(1))[4:] == days_of(5, 7)


def test_a_provider_that_is_away_is_no_fault_of_the_day(database: str, prop: Property) -> None:
    with open_warehouse(database) as connection:
        fill(connection, until=date(2026, 10, 1))
        for night in Period(date(2026, 5, 1), date(2026, 5, 9)).days():
            hold(connection, night, [HOLE], "failed")
        assert Period(HOLE, HOLE) in due(connection, prop, date(2026, 5, 10))
        for night in Period(date(2026, 5, 1), date(2026, 5, 9)).days():
            publish(connection, SOURCE, TABLE, passed(connection, write(connection, [], days=[FIRST], night=night)))
        assert Period(HOLE, HOLE) not in due(connection, prop, date(2026, 5, 10))
        assert Period(HOLE, HOLE) in due(connection, prop, date(2026, 6, 6))


def test_what_was_held_while_its_window_was_open_is_tried_at_once_afterwards(database: str, prop: Property) -> None:
    with open_warehouse(database) as connection:
        fill(connection, until=date(2026, 10, 1))
        for night in Period(HOLE + timedelta(2), HOLE + timedelta(5)).days():
            hold(connection, night, [HOLE])
        assert due(connection, prop, HOLE + timedelta(6))[4:] == [Period(HOLE, HOLE)]
