"""Airflow's scheduler killed in the middle of a source's night."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator

import pytest

from seo_warehouse.embedded import airflow as embedded
from seo_warehouse.embedded import processes
from seo_warehouse.embedded.airflow import Airflow
from seo_warehouse.embedded.postgres import free_port
from seo_warehouse.embedded.rest import Client
from tests.chaos.conftest import Base, Case, Undisturbed
from tests.chaos.state import NIGHT, check_traffic, expect_the_night, read_traffic, until, watching

pytestmark = pytest.mark.slow

SOURCE = "dataforseo_backlinks"
DAG = f"ingest__{SOURCE}"


def _ignore(_: str) -> None:
    """What is reported is of no matter here."""


@pytest.fixture
def airflow(base: Base, case: Case) -> Iterator[Airflow]:
    airflow = Airflow(
        home=case.home,
        port=free_port(),
        server_dsn=base.server.dsn(),
        database_password="airflow-in-tests",
        admin_password="admin-in-tests",
        variables=case.environment | {"SEO_WAREHOUSE_RETRY_SECONDS": "1", "SEO_WAREHOUSE_POLL_SECONDS": "1"},
    )
    embedded.prepare(airflow, _ignore)
    embedded.start(airflow, _ignore)
    yield airflow
    embedded.stop(case.home, _ignore)


@pytest.mark.parametrize("seed", [8])
def test_a_night_whose_scheduler_was_killed_ends_as_if_nothing_had_been(
    base: Base, undisturbed: Undisturbed, case: Case, airflow: Airflow, seed: int
) -> None:
    dice = random.Random(seed)
    client = Client(airflow.url, embedded.ADMIN, airflow.admin_password)
    client.wait_for_dags([DAG])
    with watching(case.superuser_dsn, base.sizes, undisturbed.sizes), case.connect() as connection:
        client.unpause(DAG)
        run_id = client.trigger(DAG, NIGHT.isoformat())
        begun = "select count(*) from ops.load where night = %s"
        until(lambda: connection.execute(begun, (NIGHT,)).fetchone() != (0,))
        time.sleep(dice.uniform(0, 4))
        scheduler = next(c for c in airflow.components if c.name == "airflow-scheduler")
        running = processes.find(scheduler)
        assert running is not None
        os.kill(running.pid, signal.SIGKILL)
        until(lambda: processes.find(scheduler) is None)
        at_kill = read_traffic(case.demo, case.home, SOURCE, NIGHT)
        embedded.start(airflow, _ignore)
        assert client.wait(DAG, run_id=run_id, timeout_seconds=600)["state"] == "success"
        at_end = read_traffic(case.demo, case.home, SOURCE, NIGHT)
        check_traffic(connection, SOURCE, NIGHT, at_kill, at_end, tasks_live_on=True)
        # Unpaused, the DAG runs its last real tick too, of a night that the demo's clock has not reached.
        ended = connection.execute("select source from ops.source_night where night = %s", (NIGHT,)).fetchall()
    assert ended == [(SOURCE,)]
    expect_the_night(case, undisturbed, SOURCE)
