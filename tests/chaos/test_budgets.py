"""Workers that spend from one budget and are killed: never more than it holds, nothing twice, nothing left undone."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psycopg
import pytest

from tests.chaos.buyer import CALLS, MONEY, ORDERS, PRICE
from tests.load.loading import fetch
from tests.sources.provider import Provider, serving

ROUNDS, WORKERS = 4, 3
SEED = 20261122


def start(dsn: str, provider: Provider, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.buyer", dsn, provider.base_url, str(folder), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def finish(process: subprocess.Popen[str]) -> None:
    try:
        process.communicate(timeout=120)
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()


def billed(provider: Provider) -> Counter[tuple[int, int]]:
    return Counter((asked.json["order"], asked.json["call"]) for asked in provider.asked)


@pytest.mark.slow
def test_killed_workers_never_pass_their_budget_and_buy_nothing_twice(database: str, tmp_path: Path) -> None:
    dice = random.Random(SEED)
    with serving() as provider, psycopg.connect(database, autocommit=True) as connection:
        for number in range(ROUNDS):
            workers = [start(database, provider, tmp_path, f"{number}-{worker}") for worker in range(WORKERS)]
            try:
                for worker in workers:
                    assert worker.stdout is not None
                    assert worker.stdout.readline() == "begun\n"
                for worker in workers:
                    time.sleep(dice.uniform(0, 0.1))
                    worker.kill()
            finally:
                for worker in workers:
                    worker.kill()
                    worker.wait()
            assert len(provider.asked) * PRICE <= MONEY
        finish(start(database, provider, tmp_path, "last"))
        assert set(billed(provider).values()) == {1}
        spent = fetch(connection, "select sum(money) from ops.spend")[0][0]
        assert len(provider.asked) * PRICE <= spent <= MONEY
        assert spent + PRICE > MONEY
        assert fetch(connection, "select count(*) from ops.reservation") == [(0,)]
        waiting = fetch(connection, "select reason from ops.deferral")
        assert waiting
        assert all("the month's budget of 0.50 US dollars for the account vendor" in reason for (reason,) in waiting)
        finish(start(database, provider, tmp_path, "raised", "9"))
        assert set(billed(provider).values()) == {1}
        assert fetch(connection, "select sum(money) from ops.spend") == [(ORDERS * CALLS * PRICE,)]
        assert fetch(connection, "select count(*) from ops.deferral") == [(0,)]
        assert fetch(connection, "select count(*) from ops.reservation") == [(0,)]
