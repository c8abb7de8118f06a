"""Publish a load: swap its days into `raw` in one transaction; those of a file are merged, see merge.py.

A month that nobody has published to is not filled row by row: the load's own table, with its index, becomes it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from psycopg import sql

from seo_warehouse.errors import LoadError
from seo_warehouse.ledger import turns
from seo_warehouse.ledger.loads import audit_table, drop_audit_table, move, publication_turn
from seo_warehouse.ledger.session import PUBLISH_WAIT, Connection, one, step, transaction
from seo_warehouse.load.merge import merge
from seo_warehouse.load.schema import attach_load, ensure_partition, is_cluster, stored_columns
from seo_warehouse.spec import Kind, Source, Table, partition_name

log = logging.getLogger(__name__)

SETTLED = ("published", "unchanged", "superseded")


@dataclass(frozen=True)
class _Load:
    load_id: int
    property_key: int
    part: str
    read_at: datetime


@dataclass(frozen=True)
class _Days:
    """A load's days by what becomes of each."""

    changed: list[date]
    equal: list[date]
    later: list[date]
    """Days that `raw` holds otherwise, from a later reading."""
    changed_rows: int
    all_rows: int


def publish(conn: Connection, source: Source, table: Table, load_id: int, *, wait: timedelta = PUBLISH_WAIT) -> str:
    """Swap the days that differ of a load that passed, or that a person approved, into `raw`; returns its last state.

    The load of a file ends as merge.merge says. Of any other:
    `published`: a day differed, in rows or in what the reader noted. `unchanged`: none did, but where a later reading
    is published. `superseded`: all differ from a later reading. Publishing a settled load again returns its state.

    While a build holds the warehouse it waits, for `wait` at most; then, and where a connection is lost, raises
    TransientLoadError. Raises LoadError where the load has not passed and was not approved.
    """
    what = f"publish load {load_id} of {source.name}.{table.name}"
    with step(conn, what):
        months = _months(conn, load_id)
        if len(months) > 1 or source.kind is Kind.DROP or is_cluster(conn):
            # In transactions of their own, so that nobody waits for the months of a long publication.
            _ensure_partitions(conn, source, table, months)
        with transaction(conn, lock_wait=wait):
            turns.enter_warehouse(conn, wait)
            load, state = _lock_load(conn, what, source, table, load_id)
            if state in SETTLED:
                return state
            if state != "passed" and not (state == "quarantined" and _is_approved(conn, load_id)):
                raise LoadError(f"{what}: it is {state}, not passed")
            if source.kind is Kind.DROP:
                state = merge(conn, what, source, table, load_id)
                drop_audit_table(conn, load_id)
                return state
            days = _compare(conn, source, table, load)
            _swap(conn, what, source, table, load, days, months)
            replaced = _record(conn, source, table, load, days)
            state = "published" if days.changed else "unchanged" if days.equal or not days.later else "superseded"
            left = f"{len(days.later)} days are published from a later reading" if days.later else None
            move(conn, load_id, state, reason=left)
            _supersede(conn, source, table, load, replaced)
            drop_audit_table(conn, load_id)
    log.info(
        "%s, property %s: %s (%s days changed, %s equal, %s later)",
        what, load.property_key, state, len(days.changed), len(days.equal), len(days.later),
    )  # fmt: skip
    return state


def _ensure_partitions(conn: Connection, source: Source, table: Table, months: list[date]) -> None:
    for month in months:
        ensure_partition(conn, source.raw_name(table), month)


def _months(conn: Connection, load_id: int) -> list[date]:
    """The months of which a load has rows."""
    months = conn.execute(
        """
        select distinct date_trunc('month', day)::date from ops.load_day
        where load_id = %s and row_count > 0 order by 1
        """,
        (load_id,),
    ).fetchall()
    return [month for (month,) in months]


def _lock_load(conn: Connection, what: str, source: Source, table: Table, load_id: int) -> tuple[_Load, str]:
    row = conn.execute(
        "select source, table_name, property_key, part, read_at from ops.load where load_id = %s", (load_id,)
    ).fetchone()
    if row is None or row[:2] != (source.name, table.name):
        raise LoadError(f"{what}: there is no such load of that table")
    load = _Load(load_id, *row[2:])
    turns.hold_row(conn, publication_turn(source.name, table.name, load.property_key))
    return load, str(one(conn, "select state from ops.load where load_id = %s for update", (load_id,)))


def _is_approved(conn: Connection, load_id: int) -> bool:
    row = conn.execute("select decision from ops.quality_decision where load_id = %s", (load_id,)).fetchone()
    return row == ("approve",)


def _compare(conn: Connection, source: Source, table: Table, load: _Load) -> _Days:
    changed: list[date] = []
    equal: list[date] = []
    later: list[date] = []
    changed_rows = all_rows = 0
    rows = conn.execute(
        """
        select d.day,
               d.row_count,
               c.read_at > %s as is_later,
               (c.checksum, c.facts) is not distinct from (d.checksum, d.facts) as is_equal
        from ops.load_day as d
        left join ops.publication as c
            on (c.source, c.table_name, c.property_key, c.part, c.day) = (%s, %s, %s, %s, d.day) and c.is_current
        where d.load_id = %s
        order by d.day
        """,
        (load.read_at, source.name, table.name, load.property_key, load.part, load.load_id),
    )
    for day, row_count, is_later, is_equal in rows:
        of_a_kind = equal if is_equal else later if is_later else changed
        of_a_kind.append(day)
        all_rows += row_count
        changed_rows += row_count if of_a_kind is changed else 0
    return _Days(changed, equal, later, changed_rows, all_rows)


def _swap(
    conn: Connection, what: str, source: Source, table: Table, load: _Load, days: _Days, months: list[date]
) -> None:
    swapped = None
    if days.changed_rows == days.all_rows and len(months) == 1:
        swapped = _become_month(conn, source, table, load, months[0])
    if swapped is None:
        _ensure_partitions(conn, source, table, months)
        swapped = _replace(conn, source, table, load, days.changed)
    if swapped != days.changed_rows:
        raise LoadError(f"{what}: audit holds {swapped} rows of its days, the ledger says {days.changed_rows}")


def _become_month(conn: Connection, source: Source, table: Table, load: _Load, month: date) -> int | None:
    """How many rows the load is a new month of `raw` with; None where `raw` has that month."""
    if not attach_load(conn, source, table, audit_table(load.load_id), month):
        return None
    partition = sql.Identifier("raw", partition_name(source.raw_name(table), month))
    return int(conn.execute(sql.SQL("select count(*) from {}").format(partition)).fetchall()[0][0])


def _replace(conn: Connection, source: Source, table: Table, load: _Load, days: list[date]) -> int:
    """Write the load's rows of some days in the place of those in `raw`. Returns how many."""
    raw = sql.Identifier("raw", source.raw_name(table))
    columns = sql.SQL(", ").join(sql.Identifier(name) for name, _ in stored_columns(table.columns))
    place: dict[str, Any] = {"property_key": load.property_key, "part": load.part, "days": days}
    conn.execute(
        sql.SQL(
            "delete from {} where property_key = %(property_key)s and part = %(part)s and day = any(%(days)s)"
        ).format(raw),
        place,
    )
    return conn.execute(
        sql.SQL(
            "insert into {raw} (property_key, part, {columns}, load_id)"
            " select property_key, part, {columns}, load_id from {audit} where day = any(%(days)s)"
        ).format(raw=raw, columns=columns, audit=audit_table(load.load_id)),
        place,
    ).rowcount


def _record(conn: Connection, source: Source, table: Table, load: _Load, days: _Days) -> list[int]:
    """Write the swapped days into the ledger. Returns the loads that lost a current day."""
    batch = (source.name, table.name, load.property_key, load.part)
    replaced = conn.execute(
        """
        with replaced as (
            update ops.publication set is_current = false, dropped_at = null
            where (source, table_name, property_key, part) = (%s, %s, %s, %s) and day = any(%s)
              and (is_current or dropped_at is not null)
            returning load_id
        )
        select distinct load_id from replaced
        """,
        (*batch, days.changed),
    ).fetchall()
    conn.execute(
        """
        insert into ops.publication (source, table_name, property_key, part, day, load_id,
                                     row_count, checksum, totals, facts, read_at)
        select %s, %s, %s, %s, day, load_id, row_count, checksum, totals, facts, %s
        from ops.load_day where load_id = %s and day = any(%s) order by day
        """,
        (*batch, load.read_at, load.load_id, days.changed),
    )
    if days.equal:
        # Read again and found equal: from now on nothing read before this moment may replace it.
        conn.execute(
            """
            update ops.publication set read_at = greatest(read_at, %s)
            where (source, table_name, property_key, part) = (%s, %s, %s, %s) and day = any(%s) and is_current
            """,
            (load.read_at, *batch, days.equal),
        )
    return [load_id for (load_id,) in replaced]


def _supersede(conn: Connection, source: Source, table: Table, load: _Load, replaced: list[int]) -> None:
    """Supersede the older loads that say nothing any more.

    These are the `replaced` ones no day of which is current, and the quarantined ones each day of which is published
    from a reading as late or later.
    """
    silent = conn.execute(
        """
        select l.load_id from ops.load as l
        where l.load_id = any(%s) and l.state = 'published'
          and not exists (select from ops.publication as p where p.load_id = l.load_id and p.is_current)
        union all
        select l.load_id from ops.load as l
        where (l.source, l.table_name, l.property_key, l.part) = (%s, %s, %s, %s) and l.state = 'quarantined'
          and not exists (
              select from ops.load_day as d
              left join ops.publication as c
                  on (c.source, c.table_name, c.property_key, c.part, c.day)
                     = (l.source, l.table_name, l.property_key, l.part, d.day)
                 and c.is_current and c.read_at >= l.read_at
              where d.load_id = l.load_id and c.publication_id is null
          )
        order by 1
        """,
        (replaced, source.name, table.name, load.property_key, load.part),
    ).fetchall()
    for (load_id,) in silent:
        move(conn, load_id, "superseded")
        drop_audit_table(conn, load_id)
