"""Take rows out of a load in `audit`; each is kept in `ops.rejected_row` with the names of the rules that it breaks."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql

from seo_warehouse.ledger.loads import BESIDE, audit_table
from seo_warehouse.ledger.session import Connection
from seo_warehouse.load.schema import grain_index
from seo_warehouse.spec import Table

STORABLE = "storable"
"""Rule of a row that its columns can hold; the row itself names the columns that cannot."""
DUPLICATE_GRAIN = "duplicate_grain"


def reject_broken(conn: Connection, load_id: int, conditions: Mapping[str, sql.Composable]) -> int:
    """Take out the rows that break a rule: name -> condition that holds for a good row. Returns how many."""
    names = sql.SQL(", ").join(
        sql.SQL("case when not ({}) then {} end").format(condition, sql.Literal(name))
        for name, condition in conditions.items()
        if name != STORABLE
    )
    any_broken = sql.SQL(" or ").join(sql.SQL("not ({})").format(condition) for condition in conditions.values())
    conn.execute(
        sql.SQL(
            """
            insert into ops.rejected_row (load_id, row_no, rules, row_content)
            select {load_id}, row_no, unfit || array_remove(array[{names}]::text[], null),
                   coalesce(unfit_content, to_jsonb(a) - {beside})
            from {audit} as a where {any_broken}
            """
        ).format(
            load_id=sql.Literal(load_id),
            names=names,
            beside=sql.Literal(list(BESIDE)),
            audit=audit_table(load_id),
            any_broken=any_broken,
        )
    )
    return _delete_rejected(conn, load_id)


def reject_doubles(conn: Connection, table: Table, load_id: int) -> int:
    """Of rows that share a grain keep the first. Returns how many were taken out."""
    conn.execute(
        sql.SQL(
            """
            insert into ops.rejected_row (load_id, row_no, rules, row_content)
            select {load_id}, row_no, array[{rule}],
                   to_jsonb(a) - {beside} - 'place_in_grain'
            from (
                select *, row_number() over (partition by {grain} order by row_no) as place_in_grain from {audit}
            ) as a
            where place_in_grain > 1
            """
        ).format(
            load_id=sql.Literal(load_id),
            rule=sql.Literal(DUPLICATE_GRAIN),
            beside=sql.Literal(list(BESIDE)),
            grain=sql.SQL(", ").join(sql.Identifier(name) for name in dict.fromkeys(("day", *table.grain))),
            audit=audit_table(load_id),
        )
    )
    return _delete_rejected(conn, load_id)


def has_unique_grain(conn: Connection, table: Table, load_id: int) -> bool:
    """Put the unique index on the batch, or find that two rows share a grain."""
    try:
        with conn.transaction():
            conn.execute(grain_index(table, audit_table(load_id)))
    except psycopg.errors.UniqueViolation:
        return False
    return True


def _delete_rejected(conn: Connection, load_id: int) -> int:
    return conn.execute(
        sql.SQL("delete from {} as a using ops.rejected_row as r where r.load_id = {} and r.row_no = a.row_no").format(
            audit_table(load_id), sql.Literal(load_id)
        )
    ).rowcount
