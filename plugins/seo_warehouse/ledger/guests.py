"""Analysts' sessions: guests, which the warehouse ends where they would be in the way. As the warehouse's owner."""

from __future__ import annotations

import logging
from collections.abc import Collection

import psycopg
from psycopg import sql

from seo_warehouse.ledger.session import Connection

log = logging.getLogger(__name__)

END = """
with ended as (
    select usename, left(query, 500) as query, pg_terminate_backend(pid) as is_ended
    from pg_stat_activity
    where usename = any(%(analysts)s) and datname = current_database() and pid <> pg_backend_pid()
)
insert into ops.ended_session (analyst, why, query) select usename, %(why)s, query from ended where is_ended
"""


def own_login(conn: Connection, analyst: str) -> bool:
    """Let the owner end an analyst's sessions; False where the server does not let it, as of a directory's roles."""
    row = conn.execute("select pg_has_role(oid, 'usage') from pg_roles where rolname = %s", (analyst,)).fetchone()
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
    if ours:
        count = conn.execute(END, {"analysts": ours, "why": why}).rowcount
        log.info("%s sessions of %s ended: %s", count, ", ".join(ours), why)
    return sorted(set(analysts) - set(ours))
