"""Months that are old enough leave raw, once they are modelled, and leave the ledger as it was."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from seo_warehouse.config import Properties
from seo_warehouse.ledger import known, turns
from seo_warehouse.ledger.completeness import read_days, sync_source_tables
from seo_warehouse.ledger.settings import sync_properties
from seo_warehouse.load import retention
from seo_warehouse.load.publish import publish
from seo_warehouse.load.retention import day_of, drop_old_months, months_before
from tests.load.loading import SOURCE, TABLE, business_rows, fetch, make_row, open_warehouse, passed, reading, write

APRIL, MAY, JUNE = date(2026, 4, 30), date(2026, 5, 31), date(2026, 6, 1)


def put(connection: psycopg.Connection[Any], day: date, **changes: Any) -> None:
    publish(connection, SOURCE, TABLE, passed(connection, write(connection, [make_row(day)], days=[day], **changes)))


def model(connection: psycopg.Connection[Any], last: date) -> None:
    connection.execute("insert into ops.build (state) values ('finished')")
    connection.execute(
        """
        insert into ops.build_day
        select (select max(build_id) from ops.build), publication_id, source, table_name, property_key, day
        from ops.publication where day <= %s and is_current
        """,
        (last,),
    )


def days(connection: psycopg.Connection[Any]) -> list[date]:
    return [day for (day,) in fetch(connection, "select day from raw.raw_made_up__hit order by 1")]


def test_months_are_dropped_whole_once_they_have_ended_and_are_modelled(database: str) -> None:
    with open_warehouse(database) as connection:
        for day in (APRIL, MAY, JUNE):
            put(connection, day)
        assert drop_old_months(connection, SOURCE, TABLE, before=JUNE) == []
        model(connection, APRIL)
        assert drop_old_months(connection, SOURCE, TABLE, before=APRIL) == []
        assert drop_old_months(connection, SOURCE, TABLE, before=MAY) == ["raw_made_up__hit_2026_04"]
        model(connection, JUNE)
        assert drop_old_months(connection, SOURCE, TABLE, before=JUNE) == ["raw_made_up__hit_2026_05"]
        assert days(connection) == [JUNE]


def test_a_dropped_day_stays_read_keeps_its_state_and_comes_back_by_a_replay(database: str) -> None:
    site = {"key": 1, "name": "shop", "domain": "example.com", "history_start": APRIL}
    properties = Properties.model_validate({"properties": [site]})
    now = datetime(2026, 5, 3, 12, tzinfo=UTC)
    with open_warehouse(database) as connection:
        sync_properties(connection, properties)
        sync_source_tables(connection, [SOURCE], reading(properties, SOURCE))
        put(connection, APRIL)
        before, states = business_rows(connection), read_days(connection, now)
        model(connection, APRIL)
        assert drop_old_months(connection, SOURCE, TABLE, before=JUNE)
        assert business_rows(connection) == []
        assert known.published_days(connection, SOURCE.name, TABLE.name, 1) == {APRIL}
        assert read_days(connection, now) == states
        put(connection, APRIL, purpose="replay")
        assert business_rows(connection) == before
        assert fetch(connection, "select is_current, dropped_at from ops.publication order by 1") == [
            (False, None),
            (True, None),
        ]


def test_nothing_is_dropped_beside_a_publication_or_under_a_reader(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "LOCK_WAIT", timedelta(milliseconds=50))
    with open_warehouse(database) as connection, psycopg.connect(database) as other:
        put(connection, APRIL)
        model(connection, APRIL)
        other.execute("select")
        turns.enter_warehouse(other, timedelta(0))
        assert drop_old_months(connection, SOURCE, TABLE, before=JUNE) == []
        other.rollback()
        other.execute("select count(*) from raw.raw_made_up__hit")
        assert drop_old_months(connection, SOURCE, TABLE, before=JUNE) == []
        assert fetch(connection, "select is_current from ops.publication") == [(True,)]
        other.rollback()
        assert drop_old_months(connection, SOURCE, TABLE, before=JUNE) == ["raw_made_up__hit_2026_04"]


def test_months_are_counted_from_the_running_one() -> None:
    assert months_before(date(2026, 6, 30), 6) == date(2025, 12, 1)
    assert months_before(date(2026, 12, 31), 0) == date(2026, 12, 1)
    assert months_before(date(2026, 12, 1), -1) == date(2027, 1, 1)


@pytest.mark.parametrize(
    ("scope", "day"),
    [
        ("night=2026-11-22", date(2026, 11, 22)),
        ("history=2026-11", date(2026, 11, 1)),
        ("backfill=2026-01-31", date(2026, 1, 31)),
        ("file=" + "2026-11".ljust(64, "0"), None),
        ("nights", None),
    ],
)
def test_what_bears_no_day_is_never_old(scope: str, day: date | None) -> None:
    assert day_of(scope) == day
