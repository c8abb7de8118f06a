"""Publish a load of a file: merge its rows, by grain, into the days that `raw` holds of the same part.

A row that an export does not name stays, whole or not: another of the same day named it. Of two rows of one grain the
one exported later stays; of two exported at the same instant that of the file read later. A file that is replayed takes
back those of its own rows that it does not name any more. A row keeps the id of the load that brought it, so a
published day may hold rows of many loads, and its newest publication speaks of all of them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime
from typing import LiteralString

from psycopg import sql

from seo_warehouse.errors import LoadError
from seo_warehouse.ledger.loads import audit_table, move
from seo_warehouse.ledger.session import Connection
from seo_warehouse.load.batch import MENDED, sum_days
from seo_warehouse.load.schema import stored_columns
from seo_warehouse.spec import EXPORTED_AT, Source, Table

log = logging.getLogger(__name__)

SETTINGS = "set local enable_nestloop = off; set local work_mem = '64MB'"
"""Fresh tables have no statistics, and of all plans for them only nested loops would not end."""
_Touched = set[tuple[date, int]]
"""Days of `raw`, each with a load that lost a row there."""


@dataclass(frozen=True)
class _File:
    """A load of a file; `earlier` are those of the same file, table and part."""

    load_id: int
    property_key: int
    part: str
    is_replay: bool
    read_at: datetime
    row_count: int
    days: list[date]
    earlier: list[int]


def merge(conn: Connection, what: str, source: Source, table: Table, load_id: int) -> str:
    """Merge a passed load into `raw` and the ledgers, in the caller's transaction. Returns the state it ends in.

    `published`: `raw` changed. `unchanged`: it held every row of the load. `superseded`: what it lacks of them is there
    from later exports. What became of the rows is counted in `ops.merge`.
    """
    conn.execute(SETTINGS)
    load = _read(conn, load_id)
    merging = _Merging(conn, source, table, load)
    lost = merging.take_back() if load.earlier else set()
    equal, outdated = merging.set_aside()
    lost |= merging.make_room()
    put, days = merging.put()
    if put + equal + outdated != load.row_count:
        raise LoadError(f"{what}: {put} put, {equal} equal and {outdated} outdated rows are not its {load.row_count}")
    changed = sorted(days | {day for day, _ in lost} | merging.told())
    merging.record(changed)
    conn.execute("insert into ops.merge values (%s, %s, %s, %s)", (load_id, put, equal, outdated))
    state = "published" if changed else "superseded" if outdated and not equal else "unchanged"
    move(conn, load_id, state, reason=f"{outdated} rows are there from later exports" if outdated else None)
    merging.supersede(sorted({loser for _, loser in lost}))
    log.info("%s: %s, %s rows put, %s equal, %s outdated, %s days", what, state, put, equal, outdated, len(changed))
    return state


def _read(conn: Connection, load_id: int) -> _File:
    row = conn.execute(
        """
        select l.load_id, l.property_key, l.part, l.purpose = 'replay', l.read_at,
               (select coalesce(sum(d.row_count), 0) from ops.load_day as d where d.load_id = l.load_id),
               array(select d.day from ops.load_day as d where d.load_id = l.load_id order by d.day),
               array(
                   select e.load_id from ops.load as e
                   where (e.source, e.table_name, e.property_key, e.part, e.archive_scope)
                         = (l.source, l.table_name, l.property_key, l.part, l.archive_scope)
                     and e.state = 'published'
               )
        from ops.load as l where l.load_id = %s
        """,
        (load_id,),
    ).fetchall()[0]
    return _File(*row)


class _Merging:
    """The statements of one merge; `r` is a stored row, `a` one of the load."""

    def __init__(self, conn: Connection, source: Source, table: Table, load: _File) -> None:
        self.conn, self.source, self.table, self.load = conn, source, table, load
        names = [name for name, _ in stored_columns(table.columns)]
        grain = list(dict.fromkeys(("day", *table.grain)))
        self._words: dict[str, sql.Composable] = {
            "raw": sql.Identifier("raw", source.raw_name(table)),
            "audit": audit_table(load.load_id),
            "load_id": sql.Literal(load.load_id),
            "earlier": sql.Literal(load.earlier),
            "days": sql.Literal(load.days),
            "property_key": sql.Literal(load.property_key),
            "part": sql.Literal(load.part),
            "columns": sql.SQL(", ").join(map(sql.Identifier, names)),
            "stored": _row("r", names),
            "new": _row("a", names),
            "exported_at": sql.Identifier(EXPORTED_AT),
            # Of two files of the same instant the one read later stands, and a replay does not make it later.
            "stays": sql.SQL(">=" if load.is_replay else ">"),
            # Equal by hash, so that they can be joined by hash; NULLs in a grain are equal.
            "is_same": sql.SQL("r.day = a.day and {0} = {1} and {2} is not distinct from {3}").format(
                *(sql.SQL("hash_record_extended({}, 0)").format(_row(alias, grain)) for alias in "ra"),
                *(_row(alias, grain) for alias in "ra"),
            ),
        }
        self._words["is_here"] = self._made(
            "r.property_key = {property_key} and r.part = {part} and r.day = any({days})"
        )

    def take_back(self) -> _Touched:
        """Delete what the same file brought before and does not name any more."""
        return self._lost(
            """
            delete from {raw} as r
            where r.property_key = {property_key} and r.part = {part} and r.load_id = any({earlier})
              and r.day = any(array(select day from ops.load_day where load_id = any({earlier})))
              and not exists (select from {audit} as a where {is_same})
            returning r.day, r.load_id
            """
        )

    def set_aside(self) -> tuple[int, int]:
        """Take out of the load what `raw` holds equal, and what a later export says: how many of each."""
        row = self.conn.execute(
            self._made(
                """
                with aside as (
                    delete from {audit} as a using {raw} as r
                    where {is_here} and {is_same} and (
                        {stored} is not distinct from {new}
                        or r.{exported_at} {stays} a.{exported_at} and r.load_id <> all({earlier})
                    )
                    returning {stored} is not distinct from {new} as is_equal
                )
                select count(*) filter (where is_equal), count(*) filter (where not is_equal) from aside
                """
            )
        ).fetchall()[0]
        return row[0], row[1]

    def make_room(self) -> _Touched:
        """Delete the stored rows that what is left of the load replaces."""
        return self._lost(
            "delete from {raw} as r using {audit} as a where {is_here} and {is_same} returning r.day, r.load_id"
        )

    def put(self) -> tuple[int, set[date]]:
        """Insert what is left of the load: how many rows, of which days."""
        days = {day for (day,) in self.conn.execute(self._made("select distinct day from {audit}"))}
        count = self.conn.execute(
            self._made(
                """
                insert into {raw} (property_key, part, {columns}, load_id)
                select {property_key}, {part}, {columns}, {load_id} from {audit}
                """
            )
        ).rowcount
        return count, days

    def told(self) -> set[date]:
        """The days of which the load notes what the ledger does not say of them."""
        return {
            day
            for (day,) in self.conn.execute(
                """
                select d.day from ops.load_day as d
                left join ops.publication as b
                    on b.is_current and (b.source, b.table_name, b.property_key, b.part) = (%s, %s, %s, %s)
                   and b.day = d.day
                where d.load_id = %s and not d.facts - %s::text <@ coalesce(b.facts, '{}')
                """,
                (self.source.name, self.table.name, self.load.property_key, self.load.part, self.load.load_id, MENDED),
            )
        }

    def record(self, changed: list[date]) -> None:
        """Write the merged days into the ledger. An equal day was said again by this export."""
        batch = (self.source.name, self.table.name, self.load.property_key, self.load.part)
        replaced = self.conn.execute(
            """
            update ops.publication set is_current = false, dropped_at = null
            where (source, table_name, property_key, part) = (%s, %s, %s, %s) and day = any(%s)
              and (is_current or dropped_at is not null)
            returning publication_id, day
            """,
            (*batch, changed),
        ).fetchall()
        merged = [day for _, day in replaced]
        at = sql.SQL("a.property_key = {} and a.part = {} and a.day = any({})").format(
            sql.Literal(self.load.property_key), sql.Literal(self.load.part), sql.Literal(merged)
        )
        self.conn.execute(
            sql.SQL(
                """
                with summed as (
                    {merged}
                    union all
                    select day, row_count, totals, checksum from ops.load_day
                    where load_id = %(load_id)s and day <> all(%(merged)s)
                )
                insert into ops.publication (source, table_name, property_key, part, day, load_id,
                                             row_count, checksum, totals, facts, read_at)
                select %(source)s, %(table)s, %(property_key)s, %(part)s, c.day, %(load_id)s,
                       coalesce(s.row_count, 0), coalesce(s.checksum, md5('0')), coalesce(s.totals, '{{}}'),
                       coalesce(b.facts, '{{}}') || coalesce(d.facts, '{{}}'), greatest(b.read_at, %(read_at)s)
                from unnest(%(changed)s::date[]) as c (day)
                left join summed as s on s.day = c.day
                left join ops.load_day as d on d.load_id = %(load_id)s and d.day = c.day
                left join ops.publication as b on b.publication_id = any(%(replaced)s) and b.day = c.day
                order by c.day
                """
            ).format(merged=sum_days(self.table, self._words["raw"], at)),
            {
                "source": self.source.name,
                "table": self.table.name,
                "property_key": self.load.property_key,
                "part": self.load.part,
                "load_id": self.load.load_id,
                "read_at": self.load.read_at,
                "merged": merged,
                "changed": changed,
                "replaced": [publication_id for publication_id, _ in replaced],
            },
        )
        self.conn.execute(
            """
            update ops.publication set read_at = greatest(read_at, %s)
            where (source, table_name, property_key, part) = (%s, %s, %s, %s) and day = any(%s) and is_current
            """,
            (self.load.read_at, *batch, sorted(set(self.load.days) - set(changed))),
        )

    def supersede(self, losers: list[int]) -> None:
        """Supersede those of the loads that have no row left in `raw`."""
        silent = self.conn.execute(
            self._made(
                """
                select load_id from unnest({losers}::bigint[]) as load_id
                except
                select r.load_id from {raw} as r
                where r.property_key = {property_key} and r.part = {part} and r.load_id = any({losers})
                  and r.day = any(array(select day from ops.load_day where load_id = any({losers})))
                """,
                losers=sql.Literal(losers),
            )
        ).fetchall()
        for (load_id,) in silent:
            move(self.conn, load_id, "superseded")

    def _lost(self, statement: LiteralString) -> _Touched:
        gone = self._made(statement)
        return set(self.conn.execute(sql.SQL("with gone as ({}) select distinct day, load_id from gone").format(gone)))

    def _made(self, statement: LiteralString, **more: sql.Composable) -> sql.Composed:
        return sql.SQL(statement).format(**self._words, **more)


def _row(alias: str, names: list[str]) -> sql.Composed:
    return sql.SQL("row({})").format(sql.SQL(", ").join(sql.Identifier(alias, name) for name in names))
