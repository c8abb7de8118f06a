"""Properties that are set aside, since a build of their waiting days failed, and what a build must not see.

A day waits that is published and that no finished build has modelled. The waiting days of who is set aside are tried
alone; every other build takes them as not published: it makes the property anew of its other days, and is kept from
the waiting ones by row-level security, so that no model has to know. Where those other days cannot be modelled any more
the property is emptied by a build that takes none of them as published, and all of them wait (steps/apart.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from psycopg import sql

from seo_warehouse.ledger.claims import IS_MODELLED
from seo_warehouse.ledger.session import Connection
from seo_warehouse.ledger.text import mend

REASON_CHARACTERS = 2_000
POLICY = "not_set_aside"
PUBLICATION = ("ops", "publication")


@dataclass(frozen=True)
class Aside:
    """A property that is set aside, with what waits. `name` is `all` for what concerns all properties."""

    property_key: int
    name: str
    since: datetime
    reason: str
    day_count: int
    first_day: date | None
    last_day: date | None

    @property
    def waiting(self) -> str:
        """What waits: `3 published days (2026-05-01 to 2026-05-03)`."""
        days = f"{self.day_count} published day{'' if self.day_count == 1 else 's'}"
        return f"{days} ({self.first_day} to {self.last_day})"

    def __str__(self) -> str:
        return f"{self.name}: {self.waiting} cannot be modelled since {self.since:%Y-%m-%d}: {self.reason}"


def aside_keys(conn: Connection) -> set[int]:
    """Who is set aside."""
    return {key for (key,) in conn.execute("select property_key from ops.set_aside").fetchall()}


def read_aside(conn: Connection) -> list[Aside]:
    """Who is set aside, by property."""
    if not aside_keys(conn):
        # As in nearly every night: the ledger is not read for it.
        return []
    rows = conn.execute(
        sql.SQL(
            """
            select a.property_key, coalesce(max(o.property_name), 'all'), a.since, a.reason,
                   count(p.publication_id), min(p.day), max(p.day)
            from ops.set_aside as a
            left join ops.property as o using (property_key)
            left join ops.publication as p
                on p.property_key = a.property_key and p.is_current and not {is_modelled}
            group by a.property_key order by a.property_key
            """
        ).format(is_modelled=IS_MODELLED)
    ).fetchall()
    return [Aside(*row) for row in rows]


def waiting_keys(conn: Connection) -> set[int]:
    """The properties with days that wait."""
    rows = conn.execute(
        sql.SQL("select distinct p.property_key from ops.publication as p where p.is_current and not {}").format(
            IS_MODELLED
        )
    ).fetchall()
    return {key for (key,) in rows}


def published_keys(conn: Connection) -> set[int]:
    """The properties with published days."""
    rows = conn.execute("select distinct property_key from ops.publication where is_current").fetchall()
    return {key for (key,) in rows}


def modelled_properties(conn: Connection) -> dict[int, bool]:
    """By key the properties with days that were modelled, and whether each is active."""
    rows = conn.execute(
        sql.SQL(
            """
            select o.property_key, o.is_active from ops.property as o
            where exists (
                select from ops.publication as p
                where p.property_key = o.property_key and p.is_current and {is_modelled})
            """
        ).format(is_modelled=IS_MODELLED)
    ).fetchall()
    return dict(rows)


def set_aside(conn: Connection, property_key: int, reason: str) -> None:
    """Have the waiting days of a property tried alone from now on, or note why they failed again."""
    conn.execute(
        """
        insert into ops.set_aside (property_key, reason) values (%s, %s)
        on conflict (property_key) do update set reason = excluded.reason, tried_at = clock_timestamp()
        """,
        (property_key, mend(" ".join(reason.split()))[:REASON_CHARACTERS]),
    )


def take_back(conn: Connection, property_key: int) -> None:
    """A property is like every other again."""
    conn.execute("delete from ops.set_aside where property_key = %s", (property_key,))


def hide_days(conn: Connection, build_id: int) -> None:
    """Keep the models from the days that a build claims hidden, and from no other. The connection is the owner's.

    Where nothing is hidden, now or before, as in nearly every night, nothing is changed.
    """
    wanted = _hidden(conn, build_id)
    found = conn.execute(
        "select n.nspname, c.relname from pg_policy as p join pg_class as c on c.oid = p.polrelid"
        " join pg_namespace as n on n.oid = c.relnamespace where p.polname = %s",
        (POLICY,),
    ).fetchall()
    with conn.transaction():
        for name in found:
            _open(conn, name)
        for name, condition in wanted.items():
            _close(conn, name, condition)


def _hidden(conn: Connection, build_id: int) -> dict[tuple[str, str], sql.Composable]:
    """By relation the condition that its visible rows meet."""
    rows = conn.execute(
        """
        select 'raw_' || d.source || '__' || d.table_name, d.property_key, p.part,
               array_agg(d.day order by d.day), array_agg(d.publication_id)
        from ops.build_day as d join ops.publication as p using (publication_id)
        where d.build_id = %s and d.is_hidden
        group by 1, 2, 3 order by 1, 2, 3
        """,
        (build_id,),
    ).fetchall()
    conditions: dict[tuple[str, str], list[sql.Composable]] = {}
    for relation, key, part, days, ids in rows:
        conditions.setdefault(("raw", relation), []).append(
            sql.SQL("not (property_key = {} and part = {} and day = any({}))").format(
                sql.Literal(key), sql.Literal(part), sql.Literal(days)
            )
        )
        conditions.setdefault(PUBLICATION, []).append(
            sql.SQL("publication_id <> all({})").format(sql.Literal(ids)),
        )
    return {name: sql.SQL(" and ").join(found) for name, found in conditions.items()}


def _open(conn: Connection, name: tuple[str, str]) -> None:
    table = sql.Identifier(*name)
    conn.execute(sql.SQL("drop policy {} on {}").format(sql.Identifier(POLICY), table))
    conn.execute(sql.SQL("drop policy if exists of_loader on {}").format(table))
    conn.execute(sql.SQL("alter table {} disable row level security").format(table))


def _close(conn: Connection, name: tuple[str, str], condition: sql.Composable) -> None:
    table = sql.Identifier(*name)
    conn.execute(
        sql.SQL("create policy {} on {} for select to seo_transformer using ({})").format(
            sql.Identifier(POLICY), table, condition
        )
    )
    # Of the raw tables it is the owner, whom no policy binds.
    conn.execute(sql.SQL("create policy of_loader on {} to seo_loader using (true) with check (true)").format(table))
    conn.execute(sql.SQL("alter table {} enable row level security").format(table))
