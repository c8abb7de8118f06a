"""Batches on their way from a reader into raw."""

from __future__ import annotations

from datetime import timedelta

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


def test_same_content_twice_ends_unchanged_and_raw_is_byte_equal(database: str) -> None:
    with open_warehouse(database) as connection:
        rows = [make_row(number=n) for n in range(50)]
        first = passed(connection, write(connection, rows))
        assert publish(connection, SOURCE, TABLE, first) == "published"
        before = business_rows(connection)
        assert len(before) == 50
        second = passed(connection, write(connection, reversed(rows), read_at=READ_AT + timedelta(hours=1)))
        assert publish(connection, SOURCE, TABLE, second) == "unchanged"
        assert business_rows(connection) == before
        assert state(connection, second) == "unchanged"
        assert fetch(connection, "select read_at, row_count, totals from ops.publication") == [
            (READ_AT + timedelta(hours=1), 50, {"clicks": sum(3 + n for n in range(50))})
        ]
        assert fetch(connection, "select count(*) from pg_tables where schemaname = 'audit'") == [(0,)]
        assert fetch(connection, f"select distinct day, url_domain from raw.{SOURCE.raw_name(TABLE)}") == [
            (DAY, "example.com")
        ]
