"""Rank checks whose writer is killed while the vendor holds an answer back."""

from __future__ import annotations

import random

import pytest

from seo_warehouse.demo.failures import Rule
from tests.chaos.conftest import Case, Undisturbed
from tests.chaos.state import NIGHT, check_traffic, expect_the_night, read_traffic, until

pytestmark = pytest.mark.slow

SOURCE = "dataforseo_serp"
CHECKS = 20
"""Ten keywords on two devices."""


@pytest.mark.parametrize(
    ("path", "after"),
    [("task_post", 0), ("tasks_ready", 0), ("task_get", random.Random(20261122).randrange(CHECKS))],
)
def test_a_writer_killed_between_call_and_answer_orders_nothing_twice(
    undisturbed: Undisturbed, case: Case, path: str, after: int
) -> None:
    before = len(case.demo.orders)
    case.demo.failures.set([Rule(match=path, kind="stall", seconds=120, times=1, after=after)])
    writer = case.ingest(SOURCE)
    until(lambda: case.demo.failures.report()[0]["failed"] == 1 and len(case.demo.orders) == before + CHECKS)
    writer.kill()
    at_kill = read_traffic(case.demo, case.home, SOURCE, NIGHT)
    assert len(at_kill.cut) == 1
    case.ingest(SOURCE).succeed()
    at_end = read_traffic(case.demo, case.home, SOURCE, NIGHT)
    with case.connect() as connection:
        check_traffic(connection, SOURCE, NIGHT, at_kill, at_end)
    assert len(case.demo.orders) == before + CHECKS
    assert case.demo.orders.repeated() == []
    expect_the_night(case, undisturbed, SOURCE)
