"""What the ledger knows of days already read."""

from __future__ import annotations

from datetime import date
from typing import Any

from psycopg.types.json import Jsonb

from seo_warehouse.ledger.session import Connection, one
from seo_warehouse.spec import Kind, Period, Source, Table


def published_days(conn: Connection, source: str, table: str, property_key: int) -> set[date]:
    """The days that `raw` holds now, also those without rows, or held until their month was dropped by age."""
    rows = conn.execute(
        """
        select distinct day from ops.publication
        where source = %s and table_name = %s and property_key = %s and (is_current or dropped_at is not null)
        """,
        (source, table, property_key),
    )
    return {day for (day,) in rows}


def last_published(conn: Connection, source: str, table: str, property_key: int, *, before: date) -> date | None:
    """The last published day before a date."""
    return _last(conn, source, table, property_key, before, {})


def last_complete(conn: Connection, source: str, table: str, property_key: int, *, before: date) -> date | None:
    """The last published day before a date whose reading the reader noted as complete."""
    return _last(conn, source, table, property_key, before, {"is_complete": True})


def last_full(conn: Connection, source: str, table: str, property_key: int, *, before: date) -> date | None:
    """The last published day before a date that was read in full, and completely."""
    return _last(conn, source, table, property_key, before, {"is_complete": True, "is_full": True})


def has_rejected(conn: Connection, source: str, table: str, property_key: int, scope: str) -> bool:
    """Whether a person rejected a load of what the archive holds in a scope."""
    return bool(
        one(
            conn,
            """
            select exists (
                select from ops.load
                where source = %s and table_name = %s and property_key = %s and archive_scope = %s
                  and state = 'rejected'
            )
            """,
            (source, table, property_key, scope),
        )
    )


def readings(
    conn: Connection, source: Source, table: Table, property_key: int, first: date, last: date
) -> list[tuple[Period, date | None, str | None]]:
    """(period, night, archive scope) of each reading that passed and whose days overlap first..last, oldest first.

    A snapshot's are given night by night, whatever load read them, each with what it was read since; their scope is
    None: the archive keeps each by its own night.
    """
    query = _SNAPSHOT_READINGS if source.kind is Kind.SNAPSHOT else _DATED_READINGS
    values = {"source": source.name, "table": table.name, "property": property_key, "first": first, "last": last}
    rows = conn.execute(query, values).fetchall()
    return [(Period(start, end, since), night, scope) for start, end, since, night, scope in rows]


def read_since(conn: Connection, source: Source, property_key: int, night: date) -> tuple[bool, date | None]:
    """Whether a snapshot's night was ever read, whatever came of it, and since what date its newest reading asked."""
    row = conn.execute(
        """
        select (d.facts ->> 'since')::date from ops.load as l join ops.load_day as d using (load_id)
        where l.source = %s and l.property_key = %s and d.day = %s and d.facts ? 'since'
        order by l.load_id desc limit 1
        """,
        (source.name, property_key, night),
    ).fetchone()
    return (False, None) if row is None else (True, row[0])


_DATED_READINGS = """
select first_day, last_day, null::date, night, archive_scope
from ops.load
where source = %(source)s and table_name = %(table)s and property_key = %(property)s
  and first_day <= %(last)s and last_day >= %(first)s
  and (state in ('published', 'unchanged') or state = 'superseded' and published_at is not null)
  and archive_scope is not null
group by first_day, last_day, night, archive_scope
order by min(read_at), min(load_id)
"""
_SNAPSHOT_READINGS = """
select d.day, d.day, (d.facts ->> 'since')::date, null::date, null::text
from ops.load as l join ops.load_day as d using (load_id)
where l.source = %(source)s and l.table_name = %(table)s and l.property_key = %(property)s
  and d.day between %(first)s and %(last)s
  and (l.state in ('published', 'unchanged') or l.state = 'superseded' and l.published_at is not null)
group by d.day, d.facts ->> 'since'
order by d.day, min(l.load_id)
"""


def _last(
    conn: Connection, source: str, table: str, property_key: int, before: date, facts: dict[str, Any]
) -> date | None:
    row = conn.execute(
        """
        select max(day) from ops.publication
        where source = %s and table_name = %s and property_key = %s and is_current and day < %s and facts @> %s
        """,
        (source, table, property_key, before, Jsonb(facts)),
    ).fetchone()
    return row[0] if row else None
