"""Which published days a build claims, and how.

A day waits that is published and that no finished build has modelled. A build claims every day that waits; one that
makes everything anew claims every published day. Of a property that is left out it claims all days too, and those that
wait it claims hidden: the property is made anew of the others, and the hidden days go on waiting. Of one that is
emptied it claims all days hidden, and once it has finished they all wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import sql

from seo_warehouse.ledger.session import Connection, one

IS_MODELLED = sql.SQL(
    """
    exists (
        select from ops.build_day as d join ops.build as b using (build_id)
        where d.publication_id = p.publication_id and b.state = 'finished' and not d.is_hidden)
    """
)
"""Of a publication `p`."""
_WAITING = sql.SQL(
    """
    select p.publication_id, false as is_hidden from ops.publication as p
    where p.is_current and (%(is_full)s or not {is_modelled})
    """
).format(is_modelled=IS_MODELLED)
_LEAVING_OUT = sql.SQL(
    """
    select p.publication_id,
           p.property_key = any(%(emptied)s) or p.property_key = any(%(left_out)s) and not {is_modelled} as is_hidden
    from ops.publication as p
    where p.is_current and (%(is_full)s or p.property_key = any(%(left_out)s) or not {is_modelled})
    """
).format(is_modelled=IS_MODELLED)
_ANY = sql.SQL(
    """
    select from ops.publication as p
    where p.is_current and p.property_key <> all(%(left_out)s) and (%(is_full)s or not {is_modelled}) limit 1
    """
).format(is_modelled=IS_MODELLED)


@dataclass(frozen=True)
class Claims:
    """What a build is to claim. `left_out`: keys of properties; of those of them `emptied` nothing is modelled."""

    is_full: bool
    left_out: list[int]
    emptied: list[int]

    @property
    def days(self) -> sql.Composed:
        """A query: publication_id and is_hidden, with the parameters `values`."""
        return _LEAVING_OUT if self.left_out else _WAITING

    @property
    def values(self) -> dict[str, Any]:
        """Parameters of the query."""
        return {"is_full": self.is_full, "left_out": self.left_out, "emptied": self.emptied}


def are_there(conn: Connection, wanted: Claims) -> bool:
    """Whether there is any day to claim but those of who is left out."""
    return conn.execute(_ANY, wanted.values).fetchone() is not None


def unfinished_twin(conn: Connection, wanted: Claims) -> int | None:
    """The newest build, where it failed with the set that would be claimed now; it is claimed again."""
    row = conn.execute(
        sql.SQL(
            """
        with latest as (select * from ops.build order by build_id desc limit 1),
             wanted as ({days}),
             claimed as (select d.publication_id, d.is_hidden from ops.build_day as d join latest using (build_id))
        update ops.build as b set state = 'claimed', attempt = b.attempt + 1, claimed_at = clock_timestamp(),
                                  ended_at = null, reason = null
        from latest
        where b.build_id = latest.build_id and latest.state = 'failed' and latest.is_full = %(is_full)s
          and not exists (table wanted except table claimed)
          and not exists (table claimed except table wanted)
          and exists (table wanted)
        returning b.build_id
        """
        ).format(days=wanted.days),
        wanted.values,
    ).fetchone()
    return row[0] if row else None


def new_build(conn: Connection, wanted: Claims) -> int:
    """Begin a build with these claims. Returns its number."""
    build_id = int(
        one(conn, "insert into ops.build (state, is_full) values ('claimed', %s) returning build_id", (wanted.is_full,))
    )
    conn.execute(
        sql.SQL(
            """
        insert into ops.build_day (build_id, publication_id, source, table_name, property_key, day, is_hidden)
        select %(build_id)s, p.publication_id, p.source, p.table_name, p.property_key, p.day, wanted.is_hidden
        from ({days}) as wanted join ops.publication as p using (publication_id)
        """
        ).format(days=wanted.days),
        wanted.values | {"build_id": build_id},
    )
    return build_id
