"""What a person decides about a quarantined load."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from seo_warehouse.errors import LoadError, TransientLoadError
from seo_warehouse.ledger import builds, loads
from seo_warehouse.load import decisions
from seo_warehouse.load.publish import publish
from tests.load.loading import (
    DAY,
    READ_AT,
    SOURCE,
    TABLE,
    business_rows,
    fetch,
    make_row,
    open_warehouse,
    passed,
    state,
    write,
)

NEXT = DAY + timedelta(1)
RAW = f"raw.{SOURCE.raw_name(TABLE)}"


def held(connection: psycopg.Connection[Any], rows: list[Any], **changes: Any) -> int:
    load_id = write(connection, rows, **changes)
    loads.move(connection, load_id, "quarantined", reason="clicks_range: too many")
    return load_id


def approve(connection: psycopg.Connection[Any], load_id: int) -> str:
    decisions.decide(connection, load_id, "approve", who="ada", why="the campaign was real")
    return decisions.carry_out(connection, SOURCE, TABLE, load_id)


def test_an_approved_load_is_published_with_rows_that_break_rules_and_awaits_the_next_build(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id = held(connection, [make_row(clicks=-5), make_row(number=2)])
        assert approve(connection, load_id) == "published"
        assert fetch(connection, f"select clicks, load_id from {RAW} order by 1") == [(-5, load_id), (5, load_id)]
        assert fetch(connection, "select row_count, totals from ops.publication") == [(2, {"clicks": 0})]
        kept = "select decision, decided_by, why, decided_at <= now() from ops.quality_decision"
        assert fetch(connection, kept) == [("approve", "ada", "the campaign was real", True)]
        with builds.warehouse_lock(connection):
            build = builds.claim_build(connection)
        assert build is not None
        assert build.day_count == 1


def test_what_the_raw_table_cannot_hold_is_kept_as_rejected(database: str) -> None:
    rows = [make_row(), make_row(clicks=9), make_row(number=2, visits="many"), make_row(NEXT, 3), make_row(number=4)]
    with open_warehouse(database) as connection:
        load_id = held(connection, rows)
        assert approve(connection, load_id) == "published"
        assert fetch(connection, f"select clicks from {RAW} order by 1") == [(4,), (7,)]
        assert fetch(connection, "select row_no, rules from ops.rejected_row order by 1") == [
            (2, ["duplicate_grain"]),
            (3, ["unstorable_visits"]),
            (4, ["day_in_load"]),
        ]
        assert fetch(connection, "select rows_read, rows_rejected from ops.load") == [(5, 3)]
        assert fetch(connection, "select row_count, totals from ops.publication") == [(2, {"clicks": 11})]


def test_a_later_reading_stays_and_the_load_is_superseded(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id = held(connection, [make_row()], days=[DAY, NEXT])
        decisions.decide(connection, load_id, "approve", who="ada", why="fine")
        later = write(connection, [make_row(clicks=8)], read_at=READ_AT + timedelta(hours=1))
        publish(connection, SOURCE, TABLE, passed(connection, later))
        before = business_rows(connection)
        assert decisions.carry_out(connection, SOURCE, TABLE, load_id) == "published"
        assert business_rows(connection) == before
        assert fetch(connection, "select day, load_id from ops.publication where is_current order by 1") == [
            (DAY, later),
            (NEXT, load_id),
        ]
        other = held(connection, [make_row(clicks=7)], read_at=READ_AT + timedelta(minutes=1))
        assert approve(connection, other) == "superseded"
        assert loads.load_state(connection, other)[1] == "1 days are published from a later reading"
        assert business_rows(connection) == before


def test_an_equal_reading_is_unchanged(database: str) -> None:
    with open_warehouse(database) as connection:
        publish(connection, SOURCE, TABLE, passed(connection, write(connection, [make_row()])))
        load_id = held(connection, [make_row()], read_at=READ_AT + timedelta(days=1))
        assert approve(connection, load_id) == "unchanged"


def test_a_rejected_load_leaves_the_warehouse_as_it_is(database: str) -> None:
    with open_warehouse(database) as connection:
        publish(connection, SOURCE, TABLE, passed(connection, write(connection, [make_row()])))
        before = business_rows(connection)
        load_id = held(connection, [make_row(clicks=8)], read_at=READ_AT + timedelta(days=1))
        decisions.decide(connection, load_id, "reject", who="ada", why="a broken export")
        assert decisions.carry_out(connection, SOURCE, TABLE, load_id) == "rejected"
        assert business_rows(connection) == before
        assert fetch(connection, "select count(*) from pg_tables where schemaname = 'audit'") == [(0,)]
        assert decisions.carry_out(connection, SOURCE, TABLE, load_id) == "rejected"


def test_a_decision_stands(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id = held(connection, [make_row()])
        approve(connection, load_id)
        assert approve(connection, load_id) == "published"
        with pytest.raises(LoadError, match=r"ada said approve at .*the campaign was real"):
            decisions.decide(connection, load_id, "reject", who="bob", why="no")
        decisions.decide(connection, load_id, "approve", who="bob", why="me too")
        assert fetch(connection, "select decided_by from ops.quality_decision") == [("ada",)]


@pytest.mark.parametrize("other", ["started", "written", "passed", "published", "unchanged", "superseded", "failed"])
def test_only_a_quarantined_load_is_decided_about(database: str, other: str) -> None:
    with open_warehouse(database) as connection:
        load_id = write(connection, [make_row()])
        connection.execute("update ops.load set state = %s", (other,))
        with pytest.raises(LoadError, match=f"load {load_id} is {other}, not quarantined"):
            decisions.decide(connection, load_id, "approve", who="ada", why="x")


def test_nothing_is_released_without_a_decision_a_person_and_a_reason(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id = held(connection, [make_row()])
        with pytest.raises(LoadError, match="nobody has decided"):
            decisions.carry_out(connection, SOURCE, TABLE, load_id)
        with pytest.raises(LoadError, match="is quarantined, not passed"):
            publish(connection, SOURCE, TABLE, load_id)
        for who, why in (("ada", " "), ("", "x")):
            with pytest.raises(LoadError, match="say who decides, and why"):
                decisions.decide(connection, load_id, "approve", who=who, why=why)
        with pytest.raises(LoadError, match="no load 99"):
            decisions.decide(connection, 99, "approve", who="ada", why="x")
        assert state(connection, load_id) == "quarantined"


def test_a_release_waits_for_a_build_and_keeps_its_decision_meanwhile(database: str) -> None:
    with open_warehouse(database) as connection, psycopg.connect(database, autocommit=True) as builder:
        load_id = held(connection, [make_row()])
        with builds.warehouse_lock(builder):
            decisions.decide(connection, load_id, "approve", who="ada", why="x")
            with pytest.raises(TransientLoadError):
                decisions.carry_out(connection, SOURCE, TABLE, load_id, wait=timedelta(milliseconds=50))
        assert decisions.undone(connection) == [load_id]
        assert decisions.carry_out(connection, SOURCE, TABLE, load_id) == "published"
        assert decisions.undone(connection) == []
