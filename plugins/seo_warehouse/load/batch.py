"""Write a batch: stream a reader's rows by COPY into a table of their own in `audit`.

The table has every column of the raw table, so that it can become a month of that (publish.py); the row's number; and
two columns that are filled for a row that its columns cannot hold: `unfit` (the names of the rules it breaks) and
`unfit_content` (the whole row as JSON).

A checksum of a day is made of the row count and the sum of the rows' 64-bit hashes over every stored column. It does
not depend on the rows' order and needs no memory. PostgreSQL's hash of a row is a sum over its columns, so it is hashed
once more: else two rows that exchange a value would go unnoticed. `write_batch` computes it of what came; the gate
computes it again where it takes rows out, so `ops.load_day` always speaks of the rows in `audit`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import islice
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from seo_warehouse.errors import DeferredError, LoadError
from seo_warehouse.ledger.loads import audit_table, fail_load, load_state, move, note_usage, release_batch
from seo_warehouse.ledger.session import Connection, step, transaction
from seo_warehouse.load import stored
from seo_warehouse.load.lines import RowEncoder
from seo_warehouse.load.schema import stored_columns
from seo_warehouse.spec import Facts, Reading, Row, Table

if TYPE_CHECKING:
    from seo_warehouse.client.api import Noted, Usage

log = logging.getLogger(__name__)

COPIED_ROWS = 500
"""Rows that are sent at once."""
MENDED = "mended_text_rows"
"""Fact of a day: rows in which a character that PostgreSQL's text cannot hold was replaced."""


def write_batch(conn: Connection, load_id: int, reading: Reading, rows: Iterator[Row], noted: Noted) -> int:
    """Copy a begun load's rows into `audit` and return how many there were; the load is `written`.

    `noted` is looked at after the last row. One transaction: whatever is raised, by the reader too, leaves no row and
    the load `failed`. Raises LoadError where a row has not exactly the table's columns.
    """
    table = reading.table
    what = f"write load {load_id} of {reading.source.name}.{table.name}, property {reading.property.key}"
    try:
        with step(conn, what):
            with transaction(conn):
                _expect_load(conn, load_id, reading)
                _create_audit_table(conn, reading, load_id)
                encoder = RowEncoder(table, what)
                _copy(conn, load_id, encoder, rows)
                facts = _facts_by_day(what, noted, encoder.mended)
                _note_written(conn, table, load_id, encoder.row_count, facts, noted.usage)
                move(conn, load_id, "written")
            release_batch(conn, reading)
    except Exception as error:
        _note_failed(conn, load_id, error, noted.usage)
        raise
    log.info("%s: %s rows", what, encoder.row_count)
    return encoder.row_count


def sum_days(table: Table, relation: sql.Composable, condition: sql.Composable) -> sql.Composable:
    """A query: day, row_count, checksum and totals of the rows `a` of a relation that meet a condition."""
    columns = sql.SQL(", ").join(sql.Identifier("a", name) for name, _ in stored_columns(table.columns))
    totals = sql.SQL(", ").join(
        sql.SQL("{}, coalesce(sum({}::numeric), 0)").format(sql.Literal(name), sql.Identifier("a", name))
        for name in table.totals
    )
    return sql.SQL(
        """
        select a.day, count(*) as row_count, jsonb_build_object({totals}) as totals,
               md5(concat_ws(':', count(*), sum(hashint8extended(hash_record_extended(row({columns}), 0), 0))))
                   as checksum
        from {relation} as a
        where {condition}
        group by a.day
        """
    ).format(totals=totals, columns=columns, relation=relation, condition=condition)


def note_days(conn: Connection, table: Table, load_id: int) -> None:
    """Write row count, checksum and totals of each day of a load into `ops.load_day`, from its rows in `audit`."""
    # Read by itself: PostgreSQL reads with several processes only where nothing is written.
    summed = conn.execute(
        sql.SQL("select day, row_count, totals::text, checksum from ({}) as summed").format(
            sum_days(table, audit_table(load_id), sql.SQL("a.unfit is null"))
        )
    ).fetchall()
    days, counts, totals, checksums = ([row[place] for row in summed] for place in range(4))
    conn.execute(
        """
        update ops.load_day as d set
            row_count = coalesce(s.row_count, 0),
            totals = coalesce(s.totals::jsonb, %s),
            checksum = coalesce(s.checksum, md5('0'))
        from ops.load_day as all_days
        left join unnest(%s::date[], %s::bigint[], %s::text[], %s::text[]) as s (day, row_count, totals, checksum)
            on s.day = all_days.day
        where all_days.load_id = %s and d.load_id = all_days.load_id and d.day = all_days.day
        """,
        (Jsonb(dict.fromkeys(table.totals, 0)), days, counts, totals, checksums, load_id),
    )
    conn.execute(
        """
        update ops.load set checksum = (
            select md5(string_agg(day::text || ':' || checksum, ',' order by day)) from ops.load_day where load_id = %s
        ) where load_id = %s
        """,
        (load_id, load_id),
    )


def _expect_load(conn: Connection, load_id: int, reading: Reading) -> None:
    expected = (reading.source.name, reading.table.name, reading.property.key, reading.part)
    row = conn.execute(
        "select source, table_name, property_key, part, state from ops.load where load_id = %s for update", (load_id,)
    ).fetchone()
    if row is None:
        raise LoadError(f"there is no load {load_id}")
    if row[:4] != expected:
        raise LoadError(f"load {load_id} is of {row[:4]}, not of {expected}")
    if row[4] != "started":
        raise LoadError(f"load {load_id} is {row[4]} and cannot become written")


def _create_audit_table(conn: Connection, reading: Reading, load_id: int) -> None:
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
        for name, kind in stored_columns(reading.table.columns)
    )
    conn.execute(
        sql.SQL(
            "create table {} (property_key integer not null default {}, part text not null default {}, {},"
            " load_id bigint not null default {}, row_no bigint not null, unfit text[], unfit_content jsonb)"
        ).format(
            audit_table(load_id),
            sql.Literal(reading.property.key),
            sql.Literal(reading.part),
            columns,
            sql.Literal(load_id),
        )
    )


def _copy(conn: Connection, load_id: int, encoder: RowEncoder, rows: Iterator[Row]) -> None:
    # Frozen, since the table was made in this transaction: else the first to read it would write every page once more.
    statement = sql.SQL("copy {} ({}) from stdin (freeze)").format(
        audit_table(load_id), sql.SQL(", ").join(map(sql.Identifier, encoder.columns))
    )
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        while some := list(islice(rows, COPIED_ROWS)):
            copy.write(encoder.lines(some))


def _facts_by_day(what: str, noted: Noted, mended: dict[date, int]) -> dict[date, Facts]:
    foreign = sorted(noted.facts.keys() - noted.days)
    if foreign:
        raise LoadError(f"{what}: the reader noted facts of days it was not asked for: {', '.join(map(str, foreign))}")
    return {
        day: noted.facts.get(day, {}) | ({MENDED: mended[day]} if day in mended else {})
        for day in sorted(noted.days)
    }  # fmt: skip


def _note_written(
    conn: Connection, table: Table, load_id: int, row_count: int, facts: dict[date, Facts], usage: Usage
) -> None:
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into ops.load_day (load_id, day, row_count, checksum, facts) values (%s, %s, 0, '', %s)",
            [(load_id, day, Jsonb(day_facts, dumps=stored.as_json)) for day, day_facts in facts.items()],
        )
    note_days(conn, table, load_id)
    read_at = usage.last_answer_at or datetime.now(UTC)
    conn.execute(
        "update ops.load set rows_read = %s, rows_rejected = 0, read_at = %s where load_id = %s",
        (row_count, read_at, load_id),
    )
    note_usage(conn, load_id, usage, is_done=True)


def _note_failed(conn: Connection, load_id: int, error: Exception, usage: Usage) -> None:
    """Keep the reason and the cost; where the ledger cannot be told, the next attempt finds the load dead."""
    try:
        if load_state(conn, load_id)[0] == "started":
            is_deferred = isinstance(error, DeferredError)
            reason = str(error) if is_deferred else f"{type(error).__name__}: {error}"
            fail_load(conn, load_id, reason, usage, is_deferred=is_deferred)
    except (psycopg.Error, LoadError):
        log.exception("load %s failed and the ledger could not be told", load_id)
