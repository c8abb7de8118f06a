"""What the ledger gives up by age changes no answer that it gives."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from seo_warehouse.config import Properties
from seo_warehouse.ledger.completeness import sync_source_tables
from seo_warehouse.ledger.cutting import cut_ledger
from seo_warehouse.ledger.settings import sync_properties
from tests.load.loading import SOURCE, fetch, reading

FIRST, BEFORE = date(2026, 1, 1), date(2026, 3, 1)
AS_OF = datetime(2026, 4, 1, 12, tzinfo=UTC)
STATES = ("failed", "unchanged", "superseded", "deferred", "published", "published", "quarantined", "rejected")


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as opened:
        yield opened


def live(connection: psycopg.Connection[Any], seed: int) -> None:
    """Three months of attempts at days, some of them at several days at once, whatever came of each."""
    dice = random.Random(seed)
    for number in range(400):
        first = FIRST + timedelta(days=dice.randrange(85))
        last = first + timedelta(days=dice.choice((0, 0, 0, 2)))
        at = datetime.combine(last, datetime.min.time(), UTC) + timedelta(days=dice.randrange(2, 6), minutes=number)
        state = dice.choice(STATES)
        (load_id,) = connection.execute(
            """
            insert into ops.load (source, table_name, property_key, first_day, last_day, night, purpose, attempt, state,
                                  rows_read, calls, calls_reused, calls_cut, bytes_read, units, money, read_at,
                                  started_at, ended_at, archive_scope)
            values ('made_up', 'hit', 1, %s, %s, %s, 'night', 1, %s, 10, 2, 1, 0, 100, 0, %s, %s, %s, %s, %s)
            returning load_id
            """,
            (
                *(first, last, at.date(), state, dice.choice((0, 0, 0, 0.5)), at, at),
                *(None if state == "quarantined" else at, dice.choice(("night=2026-01-01", "file=abc"))),
            ),
        ).fetchall()[0]
        connection.execute(
            "insert into ops.verdict values (%s, 'rule', 'warn', %s, 1, 'so')", (load_id, number % 2 > 0)
        )
        for offset in range((last - first).days + 1):
            day = first + timedelta(days=offset)
            connection.execute("insert into ops.load_day values (%s, %s, 10, %s)", (load_id, day, str(number % 3)))
            if state == "published":
                connection.execute(
                    "update ops.publication set is_current = false where day = %s and is_current", (day,)
                )
                connection.execute(
                    "insert into ops.publication (source, table_name, property_key, day, load_id, row_count, checksum,"
                    " totals, facts, read_at) values ('made_up', 'hit', 1, %s, %s, 10, %s, %s, %s, %s)",
                    (day, load_id, str(number % 3), Jsonb({}), Jsonb({}), at),
                )
        connection.execute(
            "insert into ops.order_usage values (default, 'made_up', 1, %s, 1, 0, 0, 10, 3, 0.25, %s)", (first, at)
        )


def answers(connection: psycopg.Connection[Any]) -> list[list[tuple[Any, ...]]]:
    """The state of each day, what was spent on each date, what each night's order was billed, and calls by month."""
    return [
        fetch(connection, "select day, state from ops.completeness_at(%s) order by 1", (AS_OF,)),
        fetch(
            connection, "select day, sum(money), sum(units) from ops.spend group by 1 having sum(money) > 0 order by 1"
        ),
        fetch(connection, "select night, sum(money), sum(units) from ops.order_usage group by 1 order by 1"),
        fetch(connection, "select date_trunc('month', day), sum(calls) from ops.spend group by 1 order by 1"),
        fetch(
            connection,
            "select load_id, state, reason from ops.load where state = any(%s) order by 1",
            (["quarantined"],),
        ),
    ]


@pytest.mark.parametrize("seed", range(3))
def test_no_day_and_no_dollar_changes_by_what_is_given_up(connection: psycopg.Connection[Any], seed: int) -> None:
    site = {"key": 1, "name": "shop", "domain": "shop.example", "history_start": FIRST}
    properties = Properties.model_validate({"properties": [site]})
    sync_properties(connection, properties)
    sync_source_tables(connection, [SOURCE], reading(properties, SOURCE))
    live(connection, seed)
    before, verdicts = answers(connection), fetch(connection, "select count(*) from ops.verdict")[0][0]
    loads = fetch(connection, "select count(*) from ops.load")[0][0]
    looks = fetch(connection, "select count(*) from ops.order_usage")[0][0]
    gone = cut_ledger(connection, BEFORE)
    assert answers(connection) == before
    assert gone > 20
    assert fetch(connection, "select count(*), (select sum(load_count) from ops.load_month) from ops.load") == [
        (loads - gone, gone)
    ]
    assert fetch(
        connection, "select count(*) from ops.verdict join ops.load using (load_id) where ended_at < %s", (BEFORE,)
    ) == [(0,)]
    assert 0 < fetch(connection, "select count(*) from ops.verdict")[0][0] < verdicts
    assert fetch(connection, "select count(*) from ops.order_usage")[0][0] < looks
    assert cut_ledger(connection, BEFORE) == 0
    assert answers(connection) == before
    # What is cut later comes to what is there already.
    assert cut_ledger(connection, BEFORE + timedelta(days=20)) > 0
    assert answers(connection) == before
