"""What every step on the warehouse's database shares: transactions of its own and errors by type."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from seo_warehouse.errors import LoadError, TransientLoadError

Connection = psycopg.Connection[Any]

PUBLISH_WAIT = timedelta(minutes=30)
"""How long a publication waits for a build to end."""
DEAD_CLIENT_CHECK = "2s"
"""A killed step's statement ends, and its locks with it, within this time."""

_SAME_TEXT = sql.SQL(
    """
    set local timezone to 'UTC'; set local datestyle to 'ISO, YMD'; set local extra_float_digits to 1;
    set local intervalstyle to 'postgres'; set local bytea_output to 'hex';
    set local client_connection_check_interval to {};
    """
).format(DEAD_CLIENT_CHECK)

TRANSIENT = (
    psycopg.OperationalError,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.QueryCanceled,
    psycopg.errors.AdminShutdown,
    psycopg.errors.InsufficientResources,
)


@contextmanager
def step(conn: Connection, what: str) -> Iterator[None]:
    """Run one step; `what` begins the message of whatever PostgreSQL refuses.

    Raises LoadError where the connection is not in autocommit mode or is inside a transaction (a step commits by
    itself) or the statement is refused, TransientLoadError where the same step may work later.
    """
    if not conn.autocommit or conn.info.transaction_status not in (TransactionStatus.IDLE, TransactionStatus.UNKNOWN):
        raise LoadError(f"{what}: this step commits by itself and needs a connection in autocommit mode, at rest")
    try:
        yield
    except TRANSIENT as error:
        raise TransientLoadError(f"{what}: {_told(error)}") from error
    except psycopg.Error as error:
        raise LoadError(f"{what}: {_told(error)}") from error


@contextmanager
def transaction(conn: Connection, lock_wait: timedelta | None = None) -> Iterator[None]:
    """One transaction in which values read the same as text everywhere, so that checksums compare.

    `lock_wait`: how long it waits for any one lock; default: without end.
    """
    with conn.transaction():
        settings = _SAME_TEXT
        if lock_wait is not None:
            settings += sql.SQL("set local lock_timeout to {}").format(max(1, int(lock_wait.total_seconds() * 1000)))
        # At once: each statement by itself is a way to the server and back.
        conn.execute(settings)
        yield


def one(conn: Connection, query: LiteralString, values: Any = None) -> Any:
    """The only column of the only row of a query. Raises LoadError where there is no row."""
    row = conn.execute(query, values).fetchone()
    if row is None:
        raise LoadError(f"the ledger lacks a row: {' '.join(query.split())[:120]} {values!r}")
    return row[0]


def _told(error: psycopg.Error) -> str:
    """PostgreSQL's words on one line, without the values it shows in DETAIL and CONTEXT."""
    message = error.diag.message_primary or str(error)
    return f"{type(error).__name__}: {' '.join(message.split())}"
