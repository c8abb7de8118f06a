"""Requests to people about held loads: one at a time for each load, in whichever run of Airflow asks it."""

from __future__ import annotations

from collections.abc import Sequence

from seo_warehouse.ledger.answers import UNANSWERED
from seo_warehouse.ledger.session import Connection


def ask(conn: Connection, load_ids: Sequence[int]) -> list[int]:
    """Note that somebody is asked about loads. Returns those about which nobody was.

    A request that no run took up within the hour was lost with its process, one that no run ended within its 14 days
    with Airflow's own database; one whose answer could not be carried out is made anew, and so is one whose answer was
    lost with the process that had it, once Airflow has tried that again for longer than it does.
    """
    rows = conn.execute(
        """
        insert into ops.decision_request as r (load_id) select unnest(%s::bigint[])
        on conflict (load_id) do update set asked_at = now(), run_id = null, ended_at = null, answer = null
        where r.ended_at is not null and r.answer is null
            or r.ended_at < now() - interval '3 hours' and split_part(r.answer, ',', 1) <> %s
            or r.ended_at is null
            and r.asked_at < now() - case when r.run_id is null then interval '50 minutes' else interval '15 days' end
        returning load_id
        """,
        (list(load_ids), UNANSWERED),
    ).fetchall()
    return sorted(load_id for (load_id,) in rows)


def take_up(conn: Connection, load_id: int, run_id: str) -> bool:
    """Note which run asks about a load; False where another one does."""
    taken = conn.execute(
        """
        insert into ops.decision_request as r (load_id, run_id) values (%s, %s)
        on conflict (load_id) do update set run_id = excluded.run_id, ended_at = null, answer = null
        where r.run_id is null or r.run_id = excluded.run_id or r.ended_at is not null
        returning load_id
        """,
        (load_id, run_id),
    ).fetchone()
    return taken is not None


def end(conn: Connection, load_id: int, answer: str | None) -> None:
    """Note that nobody is asked any more about a load, and why; without an answer somebody is asked again."""
    conn.execute("update ops.decision_request set ended_at = now(), answer = %s where load_id = %s", (answer, load_id))


def overtaken(conn: Connection, waiting: Sequence[int]) -> list[str]:
    """The runs that still ask about a load that is not among those that wait for a person."""
    rows = conn.execute(
        """
        select run_id from ops.decision_request
        where run_id is not null and ended_at is null and load_id <> all(%s) order by load_id
        """,
        (list(waiting),),
    ).fetchall()
    return [run_id for (run_id,) in rows]
