"""The state of each day: the first that holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

from seo_warehouse.config import Properties
from seo_warehouse.ledger import loads
from seo_warehouse.ledger.completeness import STATES, read_days, read_waiting, sync_source_tables
from seo_warehouse.ledger.settings import sync_properties
from seo_warehouse.load import decisions
from seo_warehouse.load.publish import publish
from seo_warehouse.spec import Kind, Source
from tests.load.loading import SOURCE, TABLE, fetch, make_row, open_warehouse, passed, reading, write

FIRST = date(2026, 5, 1)
NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
SNAPSHOT = replace(SOURCE, name="made_now", kind=Kind.SNAPSHOT, delay_days=0, lookback_days=0)
"""Of SOURCE the delay is 2 and the lookback 3: a day is final once it was read 5 days later."""


def day(number: int) -> date:
    return date(2026, 5, number)


def at(number: int, hour: int = 6) -> datetime:
    return datetime(2026, 5, number, hour, tzinfo=UTC)


def prepare(connection: psycopg.Connection[Any], *sources: Source, interval_days: int = 1) -> None:
    site = {"key": 1, "name": "shop", "domain": "example.com", "history_start": FIRST}
    properties = Properties.model_validate({"properties": [site]})
    sync_properties(connection, properties)
    sync_source_tables(connection, sources, reading(properties, *sources, interval_days=interval_days))


def put(
    connection: psycopg.Connection[Any], days: Iterable[date], read_at: datetime, clicks: float = 9, **changes: Any
) -> int:
    days = list(days)
    rows = [make_row(day, clicks=clicks) for day in days]
    load_id = passed(connection, write(connection, rows, days=days, read_at=read_at, **changes))
    publish(connection, changes.get("source", SOURCE), TABLE, load_id)
    return load_id


def hold(connection: psycopg.Connection[Any], state: str, *days: date, read_at: datetime = NOW, **changes: Any) -> int:
    load_id = write(connection, [], days=days, read_at=read_at, **changes)
    loads.move(connection, load_id, state, reason="held")
    return load_id


def states(connection: psycopg.Connection[Any], as_of: datetime = NOW) -> dict[date, str]:
    (found,) = read_days(connection, as_of)
    assert set(found.states.values()) <= set(STATES)
    return found.states


def test_each_day_that_could_be_read_has_the_first_state_that_holds(database: str) -> None:
    with open_warehouse(database) as connection:
        prepare(connection, SOURCE)
        put(connection, [day(1)], at(6))
        put(connection, [day(2)], at(6))
        put(connection, [day(3)], at(8))
        put(connection, [day(3)], at(12), clicks=10)
        hold(connection, "quarantined", day(4))
        hold(connection, "failed", day(5))
        put(connection, [day(6)], at(8))
        hold(connection, "failed", day(6), read_at=at(9))
        put(connection, [day(7)], at(8))
        hold(connection, "quarantined", day(7))
        assert states(connection) == {
            day(1): "final",
            day(2): "provisional",
            day(3): "restated",
            day(4): "quarantined",
            day(5): "failed",
            day(6): "failed",
            day(7): "quarantined",
        } | {day(n): "absent" for n in range(8, 19)}


def test_a_day_is_final_once_a_reading_at_delay_plus_lookback_is_published_also_one_that_found_it_equal(
    database: str,
) -> None:
    with open_warehouse(database) as connection:
        prepare(connection, SOURCE)
        put(connection, [FIRST], at(3))
        put(connection, [FIRST], at(5, 23))
        assert states(connection)[FIRST] == "provisional"
        put(connection, [FIRST], at(6, 0))
        assert states(connection)[FIRST] == "final"
        assert fetch(connection, "select count(*) from ops.publication") == [(1,)]


def test_a_change_before_a_day_was_final_is_no_restatement(database: str) -> None:
    with open_warehouse(database) as connection:
        prepare(connection, SOURCE)
        put(connection, [FIRST], at(3))
        put(connection, [FIRST], at(4), clicks=10)
        put(connection, [FIRST], at(6), clicks=11)
        assert states(connection)[FIRST] == "final"


def test_a_later_attempt_ends_a_failure_and_a_failed_one_takes_nothing_from_a_final_day(database: str) -> None:
    with open_warehouse(database) as connection:
        prepare(connection, SOURCE)
        hold(connection, "failed", FIRST)
        hold(connection, "failed", day(2))
        put(connection, [FIRST, day(2)], at(4))
        assert (states(connection)[FIRST], states(connection)[day(2)]) == ("provisional", "provisional")
        put(connection, [FIRST], at(7))
        hold(connection, "failed", FIRST, day(2))
        assert (states(connection)[FIRST], states(connection)[day(2)]) == ("final", "failed")


def test_a_snapshot_whose_night_passed_unread_is_never_available(database: str) -> None:
    with open_warehouse(database, SNAPSHOT) as connection:
        prepare(connection, SNAPSHOT)
        put(connection, [day(18)], at(18), source=SNAPSHOT)
        hold(connection, "failed", day(19), source=SNAPSHOT)
        early = {day(n): "never available" for n in range(1, 18)}
        read = {day(18): "final", day(19): "failed"}
        assert states(connection) == early | read | {day(20): "absent"}
        assert states(connection, at(20, 23)) == early | read | {day(20): "never available"}


def test_a_snapshot_is_not_missed_within_its_interval(database: str) -> None:
    with open_warehouse(database, SNAPSHOT) as connection:
        prepare(connection, SNAPSHOT, interval_days=7)
        put(connection, [FIRST, day(8)], at(8), source=SNAPSHOT)
        assert states(connection) == {FIRST: "final", day(8): "final"} | {
            day(n): "never available" for n in range(15, 20)
        } | {day(20): "absent"}


def test_what_a_source_keeps_no_more_is_never_available_unless_it_was_read(database: str) -> None:
    with open_warehouse(database) as connection:
        prepare(connection, replace(SOURCE, kept_months=1))
        put(connection, [day(3)], at(12))
        found = states(connection, datetime(2026, 6, 5, 6, tzinfo=UTC))
        assert [found[day(n)] for n in range(1, 7)] == ["never available"] * 2 + ["final"] + ["never available"] + [
            "absent",
            "absent",
        ]


def test_files_have_the_days_that_they_brought(database: str) -> None:
    with open_warehouse(database) as connection:
        prepare(connection, SOURCE)
        put(connection, [day(3)], at(4), part="a")
        put(connection, [day(3)], at(5), part="b")
        connection.execute("update ops.source_table set kind = 'drop'")
        assert states(connection) == {day(3): "final"}


def test_the_newest_of_several_held_readings_waits_for_a_person(database: str) -> None:
    with open_warehouse(database) as connection:
        prepare(connection, SOURCE)
        hold(connection, "quarantined", FIRST)
        newest = hold(connection, "quarantined", FIRST)
        shared = hold(connection, "quarantined", FIRST, property_key=0)
        assert [
            (load.load_id, load.property_name, load.reason, load.decision) for load in read_waiting(connection)
        ] == [
            (shared, "all", "held", None),
            (newest, "shop", "held", None),
        ]
        decisions.decide(connection, newest, "approve", who="ada", why="x")
        assert [load.decision for load in read_waiting(connection, property_key=1)] == ["approve"]
        put(connection, [FIRST], NOW + timedelta(hours=1))
        assert [load.property_name for load in read_waiting(connection)] == ["all"]


def test_what_is_not_read_any_more_is_left_out(database: str) -> None:
    with open_warehouse(database) as connection:
        prepare(connection, SOURCE, SNAPSHOT)
        assert {found.source for found in read_days(connection, NOW)} == {"made_up", "made_now"}
        assert read_days(connection, NOW, property_key=2) == []
        prepare(connection, SNAPSHOT)
        assert [found.source for found in read_days(connection, NOW)] == ["made_now"]


def test_years_of_days_are_judged(database: str) -> None:
    """Eight tables, four years of days, each published twice."""
    with open_warehouse(database) as connection:
        connection.execute(
            """
            insert into ops.source_table
            select 's', 't' || n, 1, 'dated', '2022-01-01', 2, 3, 1, '23:00', true from generate_series(1, 8) as n;
            insert into ops.property values (1, 'shop', 'example.com', '2022-01-01', 'google', 1, 'en', 10, true);
            insert into ops.load (source, table_name, property_key, first_day, last_day, purpose, attempt,
                                  state, read_at)
            select 's', 't' || n, 1, day, day, 'night', 1,
                   case when extract(day from day) = 9 then 'failed' else 'published' end, day + interval '3 days'
            from generate_series(1, 8) as n, generate_series(timestamp '2022-01-01', '2025-12-31', '1 day') as day;
            insert into ops.publication (source, table_name, property_key, day, load_id, row_count, checksum, totals,
                                         facts, read_at, is_current)
            select source, table_name, property_key, first_day, load_id, 1, n::text, '{}', '{}',
                   read_at + n * interval '3 days', n = 1
            from ops.load, generate_series(0, 1) as n where state = 'published';
            analyze;
            """
        )
        found = read_days(connection, datetime(2026, 1, 3, 6, tzinfo=UTC))
    assert sum(list(days.states.values()).count("failed") for days in found) == 8 * 48
    assert sum(len(days.states) for days in found) == 8 * 1462


def test_the_marts_are_told_the_state_of_the_newest_closed_night_and_what_is_hidden_from_them(database: str) -> None:
    told = "select day, state from ops.night_completeness"
    with open_warehouse(database, SNAPSHOT) as connection:
        prepare(connection, SNAPSHOT)
        assert fetch(connection, told) == []
        put(connection, [day(1)], at(1), source=SNAPSHOT)
        connection.execute("insert into ops.night (night, closed_by) values ('2026-05-03', 'deadline')")
        # The third may still be read until its end.
        assert dict(fetch(connection, told)) == {day(1): "final", day(2): "never available", day(3): "absent"}
        connection.execute("insert into ops.build (state) values ('finished')")
        connection.execute(
            "insert into ops.build_day (build_id, publication_id, source, table_name, property_key, day, is_hidden)"
            " select b.build_id, p.publication_id, p.source, p.table_name, p.property_key, p.day, true"
            " from ops.build as b cross join ops.publication as p"
        )
        assert dict(fetch(connection, told))[day(1)] == "set aside"
        connection.execute("insert into ops.build (state) values ('finished')")
        assert dict(fetch(connection, told))[day(1)] == "final"
