"""Writers and publishers killed by SIGKILL at random points."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from seo_warehouse.errors import TransientLoadError
from seo_warehouse.load.publish import publish
from tests.load.child import DAYS, ROWS_A_DAY
from tests.load.loading import READ_AT, SOURCE, TABLE, fetch, make_row, open_warehouse, passed, write

RAW = f"raw.{SOURCE.raw_name(TABLE)}"
KILLS = 10
SEED = 20261122


@contextmanager
def child(dsn: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.load.child", dsn],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def attempt(connection: psycopg.Connection[Any], clicks: float) -> int:
    """The next attempt at the same batch, once the server has noticed the death."""
    rows = [make_row(day, number, clicks=clicks) for day in DAYS for number in range(ROWS_A_DAY)]
    read_at = fetch(connection, "select coalesce(max(read_at), %s) from ops.load", (READ_AT,))[0][0]
    for _ in range(100):
        try:
            load_id = passed(connection, write(connection, rows, days=DAYS, read_at=read_at))
        except TransientLoadError:
            time.sleep(0.1)
        else:
            assert publish(connection, SOURCE, TABLE, load_id) == "published"
            return load_id
    raise AssertionError("the killed writer's batch was never let go")


@pytest.mark.slow
def test_a_killed_step_leaves_nothing_half_published_and_the_next_attempt_notes_it(database: str) -> None:
    dice = random.Random(SEED)
    with open_warehouse(database) as connection:
        for number in range(KILLS):
            with child(database) as process:
                assert process.stdout is not None
                assert process.stdout.readline().strip().isdigit()
                time.sleep(dice.uniform(0, 0.25))
                process.kill()
                process.wait()
                # What a reader finds right after the kill: every day whole, all of one reading.
                seen = fetch(connection, f"select day, count(*) from {RAW} group by day order by day")
                assert seen == [(day, ROWS_A_DAY) for day in DAYS]
                assert len(fetch(connection, f"select distinct clicks, load_id from {RAW}")) == 1
            mended = attempt(connection, 1_000.0 + number)
            assert fetch(connection, f"select distinct load_id from {RAW}") == [(mended,)]
            unfinished = "select load_id, state from ops.load where state in ('started', 'written', 'passed')"
            assert fetch(connection, unfinished) == []
            assert fetch(connection, "select tablename from pg_tables where schemaname = 'audit'") == []
            assert fetch(connection, "select count(*) from ops.publication where is_current") == [(len(DAYS),)]
        states = dict(fetch(connection, "select state, count(*) from ops.load group by state"))
        assert states["published"] == 1
        assert 1 <= states["failed"] <= KILLS
        dead = fetch(connection, "select reason from ops.load where state = 'failed'")
        assert {reason for (reason,) in dead} <= {"a dead attempt: the next one at this batch began"}
