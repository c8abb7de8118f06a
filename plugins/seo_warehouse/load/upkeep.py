"""What the tables need once a day: partitions ahead, and vacuum where nights delete."""

from __future__ import annotations

from datetime import date

from psycopg import sql

from seo_warehouse.ledger.session import Connection
from seo_warehouse.ledger.turns import forget_turns
from seo_warehouse.load.schema import ensure_partition
from seo_warehouse.spec import Source

_VACUUM = sql.SQL("vacuum (analyze) {}")


def make_partitions(conn: Connection, sources: tuple[Source, ...], day: date) -> None:
    """Make the partition of the day's month for every raw table."""
    for source in sources:
        for table in source.tables:
            ensure_partition(conn, source.raw_name(table), day)


def vacuum_raw(conn: Connection, sources: tuple[Source, ...]) -> None:
    """Vacuum every raw table. The connection, their owner's, is in autocommit mode."""
    for source in sources:
        for table in source.tables:
            conn.execute(_VACUUM.format(sql.Identifier("raw", source.raw_name(table))))


def vacuum_ledgers(conn: Connection) -> None:
    """Vacuum every table of `ops`. The connection, their owner's, is in autocommit mode."""
    forget_turns(conn)
    tables = conn.execute(
        "select relname from pg_class where relnamespace = 'ops'::regnamespace and relkind = 'r'"
    ).fetchall()
    for (table,) in tables:
        conn.execute(_VACUUM.format(sql.Identifier("ops", table)))
