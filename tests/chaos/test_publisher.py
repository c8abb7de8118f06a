"""Publishers killed by SIGKILL, at random instants and in the middle of a swap."""

from __future__ import annotations

import random
import time

import psycopg
import pytest

from tests.chaos.conftest import PROPERTY, Base, Case, Undisturbed
from tests.chaos.state import NIGHT, expect_the_night, read_sizes, until, watching

pytestmark = pytest.mark.slow

SOURCE = "search_console"
TABLE = "performance"


def judge(case: Case, table: str) -> None:
    """Write and audit a table's night, so that its loads wait to be published."""
    case.step("steps.nightly.write", SOURCE, table, PROPERTY, NIGHT).succeed()
    case.step("steps.nightly.audit", SOURCE, table, NIGHT).succeed()


@pytest.mark.parametrize("seed", [5, 6])
def test_a_killed_publisher_shows_nobody_half_a_day(
    base: Base, undisturbed: Undisturbed, case: Case, seed: int
) -> None:
    dice = random.Random(seed)
    judge(case, "page_total")
    judge(case, TABLE)
    with watching(case.superuser_dsn, base.sizes, undisturbed.sizes):
        began = time.monotonic()
        case.step("steps.nightly.publish", SOURCE, "page_total", PROPERTY, NIGHT).succeed()
        took = time.monotonic() - began
        publisher = case.step("steps.nightly.publish", SOURCE, TABLE, PROPERTY, NIGHT)
        time.sleep(dice.uniform(0, took))
        publisher.kill()
        case.step("steps.nightly.publish", SOURCE, TABLE, PROPERTY, NIGHT).succeed()
    expect_the_night(case, undisturbed, SOURCE, TABLE, "page_total")


def test_a_publisher_killed_between_swap_and_ledger_has_done_nothing(
    base: Base, undisturbed: Undisturbed, case: Case
) -> None:
    judge(case, TABLE)
    with watching(case.superuser_dsn, base.sizes, undisturbed.sizes):
        with psycopg.connect(case.superuser_dsn) as obstacle:
            obstacle.execute("lock table ops.publication in share mode")
            publisher = case.step("steps.nightly.publish", SOURCE, TABLE, PROPERTY, NIGHT)
            with case.connect() as connection:
                until(lambda: _waits_with_rows_swapped(connection))
                publisher.kill()
                assert read_sizes(connection) == base.sizes
        case.step("steps.nightly.publish", SOURCE, TABLE, PROPERTY, NIGHT).succeed()
    expect_the_night(case, undisturbed, SOURCE, TABLE)


def _waits_with_rows_swapped(connection: psycopg.Connection[tuple[int]]) -> bool:
    """A session has written into `raw` and waits for the lock that it needs for the ledger."""
    waiting = connection.execute(
        """
        select count(*) from pg_locks as ledger join pg_locks as raw using (pid)
        where ledger.relation = 'ops.publication'::regclass and not ledger.granted
          and raw.mode = 'RowExclusiveLock' and raw.granted
          and raw.relation = 'raw.raw_search_console__performance'::regclass
        """
    ).fetchone()
    return waiting == (1,)
