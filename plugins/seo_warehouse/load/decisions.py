"""What a person decides about a quarantined load, and how it is carried out.

The decision is committed before anything follows from it. Whoever is killed in between loses nothing: the same command,
or the hourly maintenance, carries out every decision whose load is still in quarantine.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Literal

from psycopg import sql

from seo_warehouse.errors import LoadError
from seo_warehouse.ledger.loads import drop_audit_table, load_state, move
from seo_warehouse.ledger.session import PUBLISH_WAIT, Connection, step, transaction
from seo_warehouse.load.batch import note_days
from seo_warehouse.load.publish import publish
from seo_warehouse.load.rejects import STORABLE, has_unique_grain, reject_broken, reject_doubles
from seo_warehouse.spec import Source, Table

log = logging.getLogger(__name__)
Verb = Literal["approve", "reject"]


def decide(conn: Connection, load_id: int, decision: Verb, *, who: str, why: str) -> None:
    """Keep a decision about a load. The same decision again changes nothing; the first person and reason stay.

    Raises LoadError where the load is not in quarantine, or the other decision was taken before.
    """
    if not why.strip() or not who.strip():
        raise LoadError(f"decide about load {load_id}: say who decides, and why")
    with step(conn, f"decide about load {load_id}"), transaction(conn):
        conn.execute("select from ops.load where load_id = %s for update", (load_id,))
        state, _ = load_state(conn, load_id)
        kept = conn.execute(
            "select decision, decided_by, decided_at::timestamp(0), why from ops.quality_decision where load_id = %s",
            (load_id,),
        ).fetchone()
        if kept is not None and kept[0] != decision:
            raise LoadError(f"load {load_id}: {kept[1]} said {kept[0]} at {kept[2]} UTC ({kept[3]}), and that stands")
        if kept is not None:
            return
        if state != "quarantined":
            raise LoadError(f"load {load_id} is {state}, not quarantined: there is nothing to decide about it")
        conn.execute(
            "insert into ops.quality_decision (load_id, decision, decided_by, why) values (%s, %s, %s, %s)",
            (load_id, decision, who.strip(), why.strip()),
        )
    log.info("load %s: %s, says %s: %s", load_id, decision, who, why)


def undone(conn: Connection) -> list[int]:
    """The loads about which something was decided that has not been carried out, in the order of the decisions."""
    rows = conn.execute(
        """
        select load_id from ops.quality_decision join ops.load using (load_id)
        where state = 'quarantined' order by decided_at, load_id
        """
    ).fetchall()
    return [load_id for (load_id,) in rows]


def carry_out(conn: Connection, source: Source, table: Table, load_id: int, *, wait: timedelta = PUBLISH_WAIT) -> str:
    """Carry out what was decided about a load, or find it done. Returns the state that the load ends in.

    Approved: every row that the raw table can hold is published, whatever other rules it breaks; where a later reading
    is published already, that stays. Rejected: its rows in `audit` go. Raises LoadError where nothing was decided,
    TransientLoadError where a build holds the warehouse for longer than `wait`.
    """
    what = f"release load {load_id} of {source.name}.{table.name}"
    with step(conn, what), transaction(conn):
        conn.execute("select from ops.load where load_id = %s for update", (load_id,))
        state, _ = load_state(conn, load_id)
        row = conn.execute("select decision from ops.quality_decision where load_id = %s", (load_id,)).fetchone()
        if row is None:
            raise LoadError(f"{what}: nobody has decided about it")
        if state != "quarantined":
            return state
        if row == ("reject",):
            move(conn, load_id, "rejected")
            drop_audit_table(conn, load_id)
            return "rejected"
        _take_out_what_raw_cannot_hold(conn, what, table, load_id)
    return publish(conn, source, table, load_id, wait=wait)


def _take_out_what_raw_cannot_hold(conn: Connection, what: str, table: Table, load_id: int) -> None:
    """Rows with a value that its column cannot hold, of a day that the load was not begun for, of one grain."""
    asked = sql.SQL("(day in (select d.day from ops.load_day as d where d.load_id = {})) is true").format(
        sql.Literal(load_id)
    )
    taken = reject_broken(conn, load_id, {STORABLE: sql.SQL("unfit is null"), "day_in_load": asked})
    if not has_unique_grain(conn, table, load_id):
        taken += reject_doubles(conn, table, load_id)
        if not has_unique_grain(conn, table, load_id):
            raise LoadError(f"{what}: two of its rows share a grain after the doubles were taken out")
    if taken:
        conn.execute("update ops.load set rows_rejected = rows_rejected + %s where load_id = %s", (taken, load_id))
        note_days(conn, table, load_id)
