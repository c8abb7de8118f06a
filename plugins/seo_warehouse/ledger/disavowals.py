"""What people decided to disavow: `ops.disavow_decision`, of which the last decision about an entry stands."""

from __future__ import annotations

from collections.abc import Iterable

from seo_warehouse.ledger.session import Connection


def decide(
    conn: Connection,
    property_key: int,
    entries: Iterable[str],
    *,
    is_disavowed: bool,
    who: str,
    why: str,
    evidence: str | None,
) -> None:
    """Keep what a person decided about entries, in the caller's transaction."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into ops.disavow_decision (property_key, entry, is_disavowed, decided_by, why, evidence)"
            " values (%s, %s, %s, %s, %s, %s)",
            [(property_key, entry, is_disavowed, who, why, evidence) for entry in entries],
        )


def read_standing(conn: Connection, property_key: int) -> dict[str, str]:
    """What is to be disavowed by the decisions so far, each entry with the reason of the last one."""
    rows = conn.execute(
        """
        select entry, why
        from (
            select distinct on (entry) entry, is_disavowed, why
            from ops.disavow_decision
            where property_key = %s
            order by entry, decision_id desc
        ) as latest
        where is_disavowed
        """,
        (property_key,),
    ).fetchall()
    return dict(rows)
