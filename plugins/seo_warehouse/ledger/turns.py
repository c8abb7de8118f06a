"""Turns: what one session at a time does, ordered by rows and relations of `ops`, which analysts cannot reach.

Advisory locks would do the same, but PostgreSQL lets every role take any of them, and shows everybody which are held.
A turn is a row of `ops.turn` that names the session that has it; it is over when the session ends it or is gone, so a
killed process lets go. The warehouse is held by the turn of that name, and entered by publications through a lock.

`hold_row`, `enter_warehouse` and `empty_warehouse` work in the caller's transaction; all others commit by themselves.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib.resources import files

import psycopg

from seo_warehouse.errors import TransientLoadError
from seo_warehouse.ledger.session import Connection, one

WAREHOUSE = "warehouse"
_PAUSE = "select pg_sleep(0.1) /* waits for a turn */"
"""Asked of the server, so that pg_stat_activity shows who waits."""
_IS_TAKEN = """
select exists (
    select from ops.turn as t join pg_stat_activity as s on s.pid = t.pid and s.backend_start = t.session_at
    where t.name = %s and s.pid <> pg_backend_pid()
)
"""
_TAKE = """
update ops.turn as t set pid = s.pid, session_at = s.backend_start
from pg_stat_activity as s
where s.pid = pg_backend_pid() and t.name = %s and not exists (
    select from pg_stat_activity as o where o.pid = t.pid and o.backend_start = t.session_at and o.pid <> s.pid
)
"""
_OURS = """
from ops.turn as t
where t.name = %s and t.pid = pg_backend_pid()
    and t.session_at = (select backend_start from pg_stat_activity where pid = pg_backend_pid())
"""
_HAS = "select exists (select " + _OURS + ")"
_END = "delete " + _OURS


def make_turns(conn: Connection) -> None:
    """Make what a migration itself needs (first.sql), unless it is there; of two at once each finds it made."""
    for _ in range(3):
        try:
            with conn.transaction():
                conn.execute(files("seo_warehouse.ledger").joinpath("first.sql").read_bytes())
        except (psycopg.errors.UniqueViolation, psycopg.errors.DuplicateTable, psycopg.errors.DuplicateSchema):
            continue
        return


def try_turn(conn: Connection, name: str) -> bool:
    """Take a turn for as long as the session lives, or have it already; False where another session has it."""
    with conn.transaction():
        conn.execute("insert into ops.turn (name) values (%s) on conflict do nothing", (name,))
        # Who holds the row is just taking the turn. And a transaction else sees the sessions that it saw first.
        held = conn.execute(
            "select pg_stat_clear_snapshot() from ops.turn where name = %s for update skip locked", (name,)
        ).fetchone()
        return held is not None and conn.execute(_TAKE, (name,)).rowcount == 1


def _is_taken(conn: Connection, name: str) -> bool:
    """Whether a living session other than this one has a turn."""
    # Else a transaction sees the sessions that it saw first.
    conn.execute("select pg_stat_clear_snapshot()")
    return bool(one(conn, _IS_TAKEN, (name,)))


def wait_for_turn(conn: Connection, name: str, wait: timedelta | None = None) -> bool:
    """Take a turn once whoever has it lets it go; False where that is not within `wait` (default: without end)."""
    deadline = None if wait is None else time.monotonic() + wait.total_seconds()
    while not try_turn(conn, name):
        if deadline is not None and time.monotonic() >= deadline:
            return False
        conn.execute(_PAUSE)
    return True


def has_turn(conn: Connection, name: str) -> bool:
    """Whether this session itself has a turn."""
    return bool(one(conn, _HAS, (name,)))


def end_turn(conn: Connection, name: str) -> None:
    """Let go of a turn, where this session has it."""
    conn.execute(_END, (name,))


def end_turns(conn: Connection) -> None:
    """Let go of every turn that this session has, as if it ended."""
    conn.execute(
        """
        delete from ops.turn as t using pg_stat_activity as s
        where s.pid = pg_backend_pid() and t.pid = s.pid and t.session_at = s.backend_start
        """
    )


@contextmanager
def turn(conn: Connection, name: str) -> Iterator[None]:
    """Have a turn until the block ends; whoever has it is waited for."""
    wait_for_turn(conn, name)
    try:
        yield
    finally:
        if not conn.closed:
            end_turn(conn, name)


def take_warehouse(conn: Connection, wait: timedelta) -> bool:
    """Hold the warehouse while the session lives, once nobody publishes; False where that is not within `wait`."""
    deadline = time.monotonic() + wait.total_seconds()
    while True:
        left = max(1, int((deadline - time.monotonic()) * 1000))
        try:
            with conn.transaction():
                conn.execute("select set_config('lock_timeout', %s, true)", (f"{left}ms",))
                conn.execute("lock table ops.warehouse_door in exclusive mode")
                if try_turn(conn, WAREHOUSE):
                    return True
        except psycopg.errors.LockNotAvailable:
            return False
        if time.monotonic() >= deadline:
            return False
        conn.execute(_PAUSE)


def enter_warehouse(conn: Connection, wait: timedelta) -> None:
    """Keep who would hold the warehouse alone from it, until the caller's transaction ends.

    Raises TransientLoadError where another session holds it longer than `wait`.
    """
    deadline = time.monotonic() + wait.total_seconds()
    while not _entered(conn):
        if time.monotonic() >= deadline:
            raise TransientLoadError(f"the warehouse was not free within {wait}: a build is at work")
        conn.execute(_PAUSE)


def _entered(conn: Connection) -> bool:
    with conn.transaction() as attempt:
        conn.execute("lock table ops.warehouse_door in share mode")
        is_free = not _is_taken(conn, WAREHOUSE)
        if not is_free:
            raise psycopg.Rollback(attempt)
    return is_free


def empty_warehouse(conn: Connection) -> bool:
    """Hold the warehouse alone until the caller's transaction ends; False where somebody is in it."""
    try:
        with conn.transaction():
            conn.execute("lock table ops.warehouse_door in exclusive mode nowait")
    except psycopg.errors.LockNotAvailable:
        return False
    return not _is_taken(conn, WAREHOUSE)


def hold_row(conn: Connection, name: str) -> None:
    """One at a time until the caller's transaction ends."""
    conn.execute("insert into ops.turn (name) values (%s) on conflict do nothing", (name,))
    conn.execute("select from ops.turn where name = %s for update", (name,))


def forget_turns(conn: Connection) -> None:
    """Remove the rows of sessions that are gone. The connection is the owner's, who sees every session of ours."""
    conn.execute(
        """
        delete from ops.turn as t where t.pid is not null and not exists (
            select from pg_stat_activity as s where s.pid = t.pid and s.backend_start = t.session_at
        )
        """
    )
