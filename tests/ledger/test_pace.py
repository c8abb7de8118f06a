"""Calls on an account are allotted one after another, whoever asks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise

import psycopg

from seo_warehouse.ledger.pace import allot_call, slow_down

A_MINUTE = 600
GAP = timedelta(seconds=60 / A_MINUTE)


def ask(dsn: str, count: int) -> list[datetime]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return [allot_call(connection, "vendor", A_MINUTE)[0] for _ in range(count)]


def test_calls_of_several_processes_have_the_accounts_gap(database: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = sorted(at for each in pool.map(ask, [database] * 4, [8] * 4) for at in each)
    assert all(later - earlier >= GAP for earlier, later in pairwise(found))
    with psycopg.connect(database, autocommit=True) as connection:
        at, seconds = allot_call(connection, "vendor", A_MINUTE)
        assert seconds > 0
        slow_down(connection, "vendor")
        assert allot_call(connection, "vendor", A_MINUTE)[0] - at == 2 * GAP
        # After a rest nothing is saved up, and another account is another's.
        connection.execute("update ops.call_pace set called_at = now() - interval '1 hour', slow_until = null")
        assert allot_call(connection, "vendor", A_MINUTE)[1] == 0
        assert allot_call(connection, "other", A_MINUTE)[1] == 0
