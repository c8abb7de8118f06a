"""PostgreSQL killed under a writer, as a crash would, and started again."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.embedded.processes import signal_process
from tests.chaos.conftest import Base, Case, Undisturbed
from tests.chaos.state import NIGHT, check_traffic, expect_the_night, read_traffic, watching

pytestmark = pytest.mark.slow

SOURCE = "search_console"


def crash(server: Postgres, *, with_backends: bool) -> None:
    """SIGKILL to the postmaster, and to its backends before they notice."""
    victims = server.processes()
    postmaster = server.pid()
    assert postmaster is not None
    os.kill(postmaster, signal.SIGKILL)
    for stat in victims:
        if with_backends and stat.pid != postmaster:
            signal_process(stat, signal.SIGKILL)


@pytest.mark.parametrize(("seed", "with_backends"), [(9, True), (10, False)])
def test_a_server_that_crashed_under_a_writer_starts_again_with_all_that_was_published(
    base: Base, undisturbed: Undisturbed, case: Case, seed: int, with_backends: bool
) -> None:
    dice = random.Random(seed)
    with watching(case.superuser_dsn, base.sizes, undisturbed.sizes):
        writer = case.ingest(SOURCE)
        time.sleep(dice.uniform(0, undisturbed.seconds[SOURCE]))
        crash(base.server, with_backends=with_backends)
        writer.end()
        at_crash = read_traffic(case.demo, case.home, SOURCE, NIGHT)
        base.server.start()
        case.ingest(SOURCE).succeed()
    at_end = read_traffic(case.demo, case.home, SOURCE, NIGHT)
    with case.connect() as connection:
        check_traffic(connection, SOURCE, NIGHT, at_crash, at_end)
    expect_the_night(case, undisturbed, SOURCE)
