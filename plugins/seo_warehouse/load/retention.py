"""What is given up by age: months of a raw table as whole partitions, and which archived answers nobody needs."""

from __future__ import annotations

import logging
import re
from datetime import date, timedelta

import psycopg
from psycopg import sql

from seo_warehouse.ledger import turns
from seo_warehouse.ledger.session import Connection, one, step, transaction
from seo_warehouse.spec import Source, Table

log = logging.getLogger(__name__)

LOCK_WAIT = timedelta(seconds=10)
"""How long readers are made to wait behind a drop that waits for one of them; then it is left to the next day."""


def months_before(day: date, months: int) -> date:
    """The first day of the month that lies `months` months before a day's own."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, 1)


def drop_old_months(conn: Connection, source: Source, table: Table, before: date) -> list[str]:
    """Drop each partition of a raw table whose month ended before a date. Returns the names of those dropped.

    Their days stay in the ledger as read (`ops.publication.dropped_at`), so that no night reads them again. A month
    with a day that no finished build has modelled stays, and all stay while a build or a publication is at work or a
    reader does not let go: the next day tries again. Raises LoadError.
    """
    dropped: list[str] = []
    with step(conn, f"drop old months of {source.name}.{table.name}"):
        for name, first, following in _partitions(conn, source.raw_name(table)):
            if following > before or _has_unmodelled(conn, source, table, first, following):
                continue
            try:
                if not _drop(conn, source, table, name, first, following):
                    break
            except psycopg.errors.LockNotAvailable:
                log.warning("raw.%s is being read: it is dropped another day", name)
                continue
            dropped.append(name)
    if dropped:
        log.info("%s.%s: dropped %s", source.name, table.name, ", ".join(dropped))
    return dropped


def _partitions(conn: Connection, relation: str) -> list[tuple[str, date, date]]:
    """(name, first day, first day of the month after) of each partition, oldest first."""
    rows = conn.execute(
        """
        select c.relname
        from pg_inherits as i
        join pg_class as c on c.oid = i.inhrelid
        join pg_class as parent on parent.oid = i.inhparent
        where parent.relnamespace = 'raw'::regnamespace and parent.relname = %s order by 1
        """,
        (relation,),
    ).fetchall()
    found: list[tuple[str, date, date]] = []
    for (name,) in rows:
        if month := re.fullmatch(re.escape(relation) + r"_(\d{4})_(\d{2})", name):
            first = date(int(month[1]), int(month[2]), 1)
            found.append((name, first, months_before(first, -1)))
    return found


def _has_unmodelled(conn: Connection, source: Source, table: Table, first: date, following: date) -> bool:
    return bool(
        one(
            conn,
            """
            select exists (
                select from ops.publication as p
                where p.source = %s and p.table_name = %s and p.day >= %s and p.day < %s and p.is_current
                  and not exists (
                      select from ops.build_day as d join ops.build as b using (build_id)
                      where d.publication_id = p.publication_id and b.state = 'finished' and not d.is_hidden
                  )
            )
            """,
            (source.name, table.name, first, following),
        )
    )


def _drop(conn: Connection, source: Source, table: Table, name: str, first: date, following: date) -> bool:
    """Drop a partition and say so in the ledger; False while a build or a publication is at work."""
    with transaction(conn, lock_wait=LOCK_WAIT):
        if not turns.empty_warehouse(conn):
            log.info("a build or a publication is at work: %s.%s is left as it is", source.name, table.name)
            return False
        if _has_unmodelled(conn, source, table, first, following):
            return False
        conn.execute(
            """
            update ops.publication set is_current = false, dropped_at = now()
            where source = %s and table_name = %s and day >= %s and day < %s and is_current
            """,
            (source.name, table.name, first, following),
        )
        conn.execute(sql.SQL("drop table {}").format(sql.Identifier("raw", name)))
    return True


Uses = dict[tuple[int, str], date]
"""(property key, scope) -> the last day on which a load used it."""

_DAY = re.compile(r"[a-z]+=(\d{4})-(\d{2})(?:-(\d{2}))?")


def day_of(scope: str) -> date | None:
    """The day, or the first day of the month, that a scope of the archive bears; a dropped file's bears none."""
    stated = _DAY.fullmatch(scope)
    return date(int(stated[1]), int(stated[2]), int(stated[3] or 1)) if stated else None


def last_uses(conn: Connection, source: str) -> Uses:
    """When each scope of a source's archive was last read into a load, as the ledger knows it."""
    rows = conn.execute(
        """
        select property_key, archive_scope, (max(greatest(started_at, ended_at)) at time zone 'UTC')::date
        from ops.load where source = %s and archive_scope is not null group by 1, 2
        """,
        (source,),
    ).fetchall()
    return {(key, scope): day for key, scope, day in rows}
