"""Analysts' sessions: guests, who have limits and are ended where they would be in the way. As the warehouse's owner.

A login role changes most of its own settings as it likes: those are how it begins, and what it exceeds is ended by
`end_overlong`, which maintenance asks for. How many sessions it has, and what it writes into temporary files, the
server holds to by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import timedelta

import psycopg
from psycopg import sql

from seo_warehouse.ledger.session import Connection

log = logging.getLogger(__name__)

MOST_SESSIONS = 10
"""Of one login: a BI tool keeps a handful open, and the embedded server has 200 for all."""
STATEMENT = timedelta(minutes=15)
"""Long enough to copy a large mart out; what takes longer is forgotten or meant to hurt."""
IDLE_IN_TRANSACTION = timedelta(minutes=5)
"""As long as a swap gives way to readers (`ops.rename_between_readers`)."""
TRANSACTION = timedelta(hours=1)
IN_THE_WAY = timedelta(seconds=10)
"""How long somebody of the warehouse's waits behind a guest."""
SETTINGS = {
    "statement_timeout": f"{STATEMENT // timedelta(milliseconds=1)}ms",
    "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION // timedelta(milliseconds=1)}ms",
    "work_mem": "32MB",
    "max_parallel_workers_per_gather": "2",
}
FIRM_SETTINGS = {"temp_file_limit": "10GB"}
"""What a role cannot change for itself; who sets it needs the right to (`grant set on parameter`)."""

_END = sql.SQL(
    """
    with ended as (
        select a.usename, left(a.query, 500) as query, pg_terminate_backend(a.pid) as is_ended
        from pg_stat_activity as a
        where a.usename = any(%(ours)s) and a.datname = current_database() and a.pid <> pg_backend_pid() and ({})
    )
    insert into ops.ended_session (analyst, why, query) select usename, %(why)s, query from ended where is_ended
    """
)
_OVERLONG = {
    "a statement of more than 15 minutes": "a.state = 'active' and a.query_start < now() - %(statement)s",
    "an idle transaction of more than 5 minutes": (
        "a.state like 'idle in transaction%%' and a.state_change < now() - %(idle)s"
    ),
    "a transaction of more than an hour": "a.xact_start < now() - %(transaction)s",
    "somebody waited for it": """
        a.pid in (
            select unnest(pg_blocking_pids(l.pid)) from pg_locks as l join pg_stat_activity as w on w.pid = l.pid
            where not l.granted and l.waitstart < now() - %(in_the_way)s
              and w.usename not in (select analyst from ops.guest)
        )
    """,
}


def limit_login(conn: Connection, analyst: str) -> list[str]:
    """Give a login its limits, and the marts as where names without a schema are looked up in this database.

    Returns those that the server does not let us give.
    """
    role = sql.Identifier(analyst)
    left: list[str] = []
    wishes = {"connection limit": sql.SQL("alter role {} connection limit {}").format(role, MOST_SESSIONS)}
    wishes["search_path"] = sql.SQL("alter role {} in database {} set search_path = marts").format(
        role, sql.Identifier(conn.info.dbname)
    )
    for name, value in (SETTINGS | FIRM_SETTINGS).items():
        wishes[name] = sql.SQL("alter role {} set {} = {}").format(role, sql.Identifier(name), value)
    for name, wish in wishes.items():
        try:
            with conn.transaction():
                conn.execute(wish)
        except psycopg.errors.InsufficientPrivilege:
            left.append(name)
    return left


def own_login(conn: Connection, analyst: str) -> bool:
    """Let the owner end an analyst's sessions; False where the server does not let it, as of a directory's roles."""
    row = conn.execute(
        "select pg_has_role(oid, 'usage') or pg_has_role('pg_signal_backend', 'usage') from pg_roles"
        " where rolname = %s",
        (analyst,),
    ).fetchone()
    if row is None or row[0]:
        return row is not None
    try:
        with conn.transaction():
            conn.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(analyst)))
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def end_sessions(conn: Connection, analysts: Collection[str], why: str) -> list[str]:
    """End the analysts' sessions in this database, and keep that in `ops.ended_session`.

    The connection is in autocommit mode. Returns the analysts whose sessions cannot be ended by us.
    """
    ours = [analyst for analyst in analysts if own_login(conn, analyst)]
    _end(conn, ours, "true", why)
    return sorted(set(analysts) - set(ours))


def end_transactions(conn: Connection, why: str) -> int:
    """End every guest's session that is in a transaction. Returns how many there were."""
    return _end(conn, _guests(conn), "a.xact_start is not null", why)


def end_overlong(conn: Connection) -> int:
    """End the sessions of guests that are over their limits or in the way. Returns how many there were."""
    ours = _guests(conn)
    return sum(_end(conn, ours, condition, why) for why, condition in _OVERLONG.items())


def _guests(conn: Connection) -> list[str]:
    rows = conn.execute("select analyst from ops.guest order by 1").fetchall()
    return [analyst for (analyst,) in rows if own_login(conn, analyst)]


def _end(conn: Connection, ours: list[str], condition: str, why: str) -> int:
    if not ours:
        return 0
    limits = {
        "statement": STATEMENT,
        "idle": IDLE_IN_TRANSACTION,
        "transaction": TRANSACTION,
        "in_the_way": IN_THE_WAY,
    }
    # Conditions are ours, above.
    statement = _END.format(sql.SQL(condition))
    count = conn.execute(statement, {"ours": ours, "why": why, **limits}).rowcount
    if count:
        log.warning("%s sessions of analysts ended: %s", count, why)
    return count
