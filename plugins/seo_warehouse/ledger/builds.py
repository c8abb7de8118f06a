"""How builds begin and end.

A build claims, by id and never by time, the current publications that no finished build has claimed, and holds the
warehouse lock from claim to end, so `raw` does not move under it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from seo_warehouse.errors import LoadError, TransientLoadError
from seo_warehouse.ledger import claims, turns
from seo_warehouse.ledger.session import Connection, one, step
from seo_warehouse.spec import partition_name

log = logging.getLogger(__name__)

BUILD_WAIT = timedelta(hours=1)
"""How long a build waits for publications, or another build, to end."""


@dataclass(frozen=True)
class Build:
    """A claimed build; `missing_sources` reads "2026-11-22 site_crawl" for each source a night closed without."""

    build_id: int
    attempt: int
    is_full: bool
    day_count: int
    nights: tuple[date, ...]
    missing_sources: tuple[str, ...]


@contextmanager
def warehouse_lock(conn: Connection, wait: timedelta = BUILD_WAIT) -> Iterator[None]:
    """Hold the warehouse alone: nothing is published meanwhile. The session holds it, so a killed holder lets it go.

    Raises TransientLoadError where it is not to be had within `wait`, LoadError outside autocommit mode.
    """
    if not conn.autocommit:
        raise LoadError("the warehouse is held by a connection in autocommit mode only")
    if not turns.take_warehouse(conn, wait):
        raise TransientLoadError(f"the warehouse was not free within {wait}")
    try:
        yield
    finally:
        if not conn.closed:
            turns.end_turn(conn, turns.WAREHOUSE)


def claim_build(
    conn: Connection,
    full: bool = False,
    *,
    left_out: Collection[int] = (),
    emptied: Collection[int] = (),
    even_empty: bool = False,
) -> Build | None:
    """Freeze what a build reads; None where that is nothing, unless `even_empty`. The caller holds the warehouse.

    Nights that wait for a build are then carried by an empty one, finished at once.

    Claims every current publication that no finished build has claimed; with `full`, every current one. Properties
    `left_out` are made anew of what is modelled of them: all they have is claimed, and what waits is claimed hidden;
    of those `emptied` all is claimed hidden. A build that failed or died with the very same set is taken up again as
    its next attempt; else a new one takes the union, since what it had claimed and is still current is unclaimed, and
    what was replaced is claimed by its replacement. Raises LoadError where this session does not hold the warehouse.
    """
    _expect_warehouse(conn)
    with conn.transaction():
        dead = conn.execute(
            "update ops.build set state = 'failed', ended_at = clock_timestamp(), reason = 'died'"
            " where state = 'claimed' returning build_id"
        ).fetchall()
        for (build_id,) in dead:
            log.warning("build %s died before it ended", build_id)
        is_full = full or bool(
            one(
                conn,
                """
                select exists (select from ops.build where state = 'failed' and is_full and build_id >
                    coalesce((select max(build_id) from ops.build where state = 'finished' and is_full), 0))
                """,
            )
        )
        wanted = claims.Claims(is_full, sorted({*left_out, *emptied}), sorted(emptied))
        if not even_empty and not claims.are_there(conn, wanted):
            _carry_nights_without_days(conn)
            return None
        build_id = claims.unfinished_twin(conn, wanted)
        return _read_build(conn, claims.new_build(conn, wanted) if build_id is None else build_id)


_GROWN = """
select parent.relname, claimed.month, stored.row_count > 1.1 * greatest(parent.reltuples, 0)
from (
    select distinct source, table_name, date_trunc('month', day)::date as month from ops.build_day where build_id = %s
) as claimed
inner join (
    select source, table_name, sum(row_count) as row_count from ops.publication where is_current group by 1, 2
) as stored using (source, table_name)
inner join pg_class as parent on parent.oid = to_regclass('raw.raw_' || claimed.source || '__' || claimed.table_name)
order by 1, 2
"""
"""Claimed months, and whether their table has grown by a tenth since it was analyzed."""


def is_right_after(conn: Connection, build: Build, finished_id: int) -> bool:
    """Whether the build before this one is that finished one, and this one is tried first and sees all days."""
    state, before_id, is_hiding = conn.execute(
        """
        select before.state, before.build_id,
            exists (select from ops.build_day where build_id = %(id)s and is_hidden)
        from (select max(build_id) as build_id from ops.build where build_id < %(id)s) as newest
        left join ops.build as before using (build_id)
        """,
        {"id": build.build_id},
    ).fetchall()[0]
    return build.attempt == 1 and (state, before_id) == ("finished", finished_id) and not is_hiding


def analyze_claimed(conn: Connection, build_id: int) -> None:
    """Let the planner know what a build reads: autovacuum never looks at a partitioned table as a whole.

    Of a table that was analyzed when most of it was there the claimed months alone are looked at: a sample of all
    months, every night, takes longer than what the night adds. The connection is the owner's, in autocommit mode.
    """
    names = dict.fromkeys([("ops", "publication"), ("ops", "build_day")])
    for relation, month, is_grown in conn.execute(_GROWN, (build_id,)).fetchall():
        name = relation if is_grown else partition_name(relation, month)
        # A month without rows has no partition.
        if one(conn, "select to_regclass(%s) is not null", (f"raw.{name}",)):
            names["raw", name] = None
    conn.execute(sql.SQL("analyze {}").format(sql.SQL(", ").join(sql.Identifier(*name) for name in names)))


def finish_build(
    conn: Connection,
    build_id: int,
    made_from: Mapping[str, str] | None = None,
    noted: Mapping[str, Any] | None = None,
) -> None:
    """Every node passed: the claim closes, and what the next build compares with becomes what this one was made from.

    `made_from` is as for `note_made_from`; `noted` are settings (ops.setting) by name. Raises LoadError where the build
    is not claimed or the warehouse was lost meanwhile.
    """
    _expect_warehouse(conn)
    with step(conn, f"finish build {build_id}"), conn.transaction():
        _end_build(conn, build_id, "finished", None)
        # What an earlier build had modelled of these days is gone.
        conn.execute(
            """
            update ops.build_day as earlier set is_hidden = true from ops.build_day as d
            where d.build_id = %s and d.is_hidden and not earlier.is_hidden
              and earlier.publication_id = d.publication_id
            """,
            (build_id,),
        )
        note_made_from(conn, made_from or {})
        for name, value in (noted or {}).items():
            conn.execute(
                "insert into ops.setting values (%s, %s) on conflict (name) do update set value = excluded.value",
                (name, Jsonb(value)),
            )


def note_made_from(conn: Connection, made_from: Mapping[str, str]) -> None:
    """Make tables of `ops` copies of relations of `intermediate`: by the name of each table that of the relation."""
    for table, relation in made_from.items():
        columns = conn.execute(
            "select attname from pg_attribute where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped",
            (f"ops.{table}",),
        ).fetchall()
        conn.execute(sql.SQL("truncate {}").format(sql.Identifier("ops", table)))
        # What has no property is on every node of a cluster, and Citus would lock what it reads as if it wrote it.
        is_of_property = ("property_key",) in columns
        conn.execute(
            sql.SQL(
                "with made as {kind} (select {columns} from {relation}) insert into {table} ({columns})"
                " select {columns} from made"
            ).format(
                kind=sql.SQL("not materialized" if is_of_property else "materialized"),
                table=sql.Identifier("ops", table),
                relation=sql.Identifier("intermediate", relation),
                columns=sql.SQL(", ").join(sql.Identifier(name) for (name,) in columns),
            )
        )


def fail_build(conn: Connection, build_id: int, reason: str) -> None:
    """Not every node passed: the next build takes the claim over. Raises LoadError where the build is not claimed."""
    _end_build(conn, build_id, "failed", reason)


def _expect_warehouse(conn: Connection) -> None:
    if not turns.has_turn(conn, turns.WAREHOUSE):
        raise LoadError("this session does not hold the warehouse: it was never taken, or the connection was lost")


def last_build(conn: Connection) -> int:
    """The newest finished build that modelled any day; 0 where there is none."""
    return int(
        one(
            conn,
            """
            select coalesce(max(build_id), 0) from ops.build as b
            where state = 'finished' and exists (select from ops.build_day as d where d.build_id = b.build_id)
            """,
        )
    )


def count_unmodelled(conn: Connection) -> int:
    """How many published days the last build has not seen: it may have been kept from some."""
    query = sql.SQL(
        """
        select p.publication_id from ops.publication as p
        where p.is_current and not {is_modelled}
          and not exists (
              select from ops.build_day as d
              where d.publication_id = p.publication_id and d.is_hidden and d.build_id = %s
          )
        """
    ).format(is_modelled=claims.IS_MODELLED)
    return len(conn.execute(query, (last_build(conn),)).fetchall())


def _read_build(conn: Connection, build_id: int) -> Build:
    _carry_nights(conn, build_id)
    row = conn.execute(
        """
        select build_id, attempt, is_full,
               (select count(*) from ops.build_day as d where d.build_id = b.build_id and not d.is_hidden),
               nights, missing_sources
        from ops.build as b where build_id = %s
        """,
        (build_id,),
    ).fetchall()[0]
    return Build(
        build_id=row[0],
        attempt=row[1],
        is_full=row[2],
        day_count=row[3],
        nights=tuple(row[4]),
        missing_sources=tuple(row[5]),
    )


def _carry_nights(conn: Connection, build_id: int) -> None:
    """Have a build carry the nights that closed and that no finished build carries, with who was missing."""
    conn.execute(
        """
        with waiting as (
            select n.night, n.missing_sources from ops.night as n
            where not exists (select from ops.build as b where b.state = 'finished' and n.night = any(b.nights))
        )
        update ops.build set
            nights = array(select night from waiting order by night),
            missing_sources = array(
                select waiting.night || ' ' || source from waiting, unnest(waiting.missing_sources) as source order by 1
            )
        where build_id = %s
        """,
        (build_id,),
    )


def _carry_nights_without_days(conn: Connection) -> None:
    """Nothing was published in them: an empty build carries them, else they would wait for ever."""
    row = conn.execute(
        """
        insert into ops.build (state)
        select 'claimed' where exists (
            select from ops.night as n
            where not exists (select from ops.build as b where b.state = 'finished' and n.night = any(b.nights))
        )
        returning build_id
        """
    ).fetchone()
    if row is not None:
        _carry_nights(conn, row[0])
        _end_build(conn, row[0], "finished", "nothing to model")


def _end_build(conn: Connection, build_id: int, state: str, reason: str | None) -> None:
    ended = conn.execute(
        """
        update ops.build set state = %s, reason = %s, ended_at = clock_timestamp()
        where build_id = %s and state = 'claimed' returning build_id
        """,
        (state, reason, build_id),
    ).fetchone()
    if ended is None:
        raise LoadError(f"build {build_id} is not claimed and cannot become {state}")
    log.info("build %s: %s", build_id, state)
