"""What of people goes from `raw`: their ids, never a row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from psycopg import sql

from seo_warehouse.ledger.session import Connection
from seo_warehouse.load.batch import sum_days
from seo_warehouse.spec import Source, Table

SAID_ON = "said_on"
"""Day of a touch in tables whose `day` is that of reading."""


def forget_silent(conn: Connection, tables: Sequence[tuple[Source, Table]], property_key: int, before: date) -> int:
    """Forget a property's people whom no row of the tables names on or after a day, nor a file since.

    Returns how many.
    """
    return conn.execute(
        sql.SQL(
            "delete from personal.person as p where p.property_key = {key} and p.seen_at < {before} {silent}"
        ).format(
            key=sql.Literal(property_key),
            before=sql.Literal(before),
            silent=sql.SQL(" ").join(_unnamed(source, table, property_key, before) for source, table in tables),
        )
    ).rowcount


def _unnamed(source: Source, table: Table, property_key: int, before: date) -> sql.Composed:
    """The condition that no row of a table names the person `p` on or after a day."""
    [name] = (column.name for column in table.columns if column.personal)
    said_on = SAID_ON if any(column.name == SAID_ON for column in table.columns) else "day"
    return sql.SQL(
        "and not exists (select from {raw} as r where r.property_key = {key} and r.{column} = p.person_id::text"
        " and r.{said_on} >= {before})"
    ).format(
        key=sql.Literal(property_key),
        before=sql.Literal(before),
        raw=sql.Identifier("raw", source.raw_name(table)),
        column=sql.Identifier(name),
        said_on=sql.Identifier(said_on),
    )


def blank(conn: Connection, sources: Iterable[Source]) -> int:
    """Empty each id in `raw` that is nobody's any more. Returns in how many rows.

    Counts and sums stay as they are; the ledger's checksums follow.
    """
    count = 0
    for source in sources:
        for table in source.tables:
            for name in (column.name for column in table.columns if column.personal):
                count += _blank(conn, source, table, name)
    return count


def _blank(conn: Connection, source: Source, table: Table, name: str) -> int:
    raw, column = sql.Identifier("raw", source.raw_name(table)), sql.Identifier(name)
    rows = conn.execute(
        sql.SQL(
            """
            with gone as (
                update {raw} as r set {column} = null
                where r.{column} is not null
                  and not exists (select from personal.person as p where p.person_id::text = r.{column})
                returning r.property_key, r.part, r.day
            )
            select property_key, part, day, count(*) from gone group by 1, 2, 3
            """
        ).format(raw=raw, column=column)
    ).fetchall()
    for key, part, day, _ in rows:
        at = sql.SQL("a.property_key = {} and a.part = {} and a.day = {}").format(*map(sql.Literal, (key, part, day)))
        conn.execute(
            sql.SQL(
                """
                update ops.publication as b set checksum = s.checksum
                from ({summed}) as s
                where b.is_current and b.source = {source} and b.table_name = {table} and b.property_key = {key}
                  and b.part = {part} and b.day = s.day
                """
            ).format(
                summed=sum_days(table, raw, at),
                source=sql.Literal(source.name),
                table=sql.Literal(table.name),
                key=sql.Literal(key),
                part=sql.Literal(part),
            )
        )
    return sum(int(rows_of) for *_, rows_of in rows)
