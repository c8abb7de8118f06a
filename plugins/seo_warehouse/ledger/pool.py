"""The pool: of which properties the marts' rows of all properties together (property 0) are made.

A property that left properties.yml leaves it with the next build. Until that has finished the old rows stand, or may
stand again, and are read by nobody who may not read each property in them (`ops.analyst_property`).
"""

from __future__ import annotations

from seo_warehouse.ledger.session import Connection

FEWEST_TO_TELL = 5
"""Of a pool of fewer, one property's own figures leave too little to hide the others': reports do not tell of it."""


def begin_pool(conn: Connection) -> None:
    """From now on what a build makes is of the active properties. The caller holds the warehouse."""
    conn.execute(
        """
        update ops.property set pool_state = case when is_active then 'in' else 'leaving' end
        where pool_state <> case when is_active then 'in' when pool_state = 'out' then 'out' else 'leaving' end
        """
    )


def end_pool(conn: Connection) -> None:
    """A build has finished: nothing is there any more of who was leaving. The caller holds the warehouse."""
    conn.execute("update ops.property set pool_state = 'out' where pool_state = 'leaving'")


def count_pool(conn: Connection) -> int:
    """How many properties' rows may be in what is there of all together."""
    return len(conn.execute("select from ops.property where pool_state <> 'out'").fetchall())
