"""The embedded Airflow: real processes, on the test's own PostgreSQL."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from seo_warehouse.embedded import airflow as embedded
from seo_warehouse.embedded import health, processes
from seo_warehouse.embedded.airflow import Airflow
from seo_warehouse.embedded.postgres import Postgres, free_port
from seo_warehouse.embedded.processes import Component
from seo_warehouse.embedded.rest import Client
from seo_warehouse.errors import EmbeddedError
from tests.conftest import PASSWORDS
from tests.security.modes import lying_open

pytestmark = pytest.mark.slow


VIEWER = "onlooker"


def _ignore(_: str) -> None:
    """What is reported is of no matter here."""


@dataclass(frozen=True)
class Started:
    """An Airflow that was made where the making of an earlier one had been cut, and what was told meanwhile."""

    airflow: Airflow
    told: tuple[str, ...]


@pytest.fixture(scope="module")
def started(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    home = tmp_path_factory.mktemp("home")
    before = os.umask(0o077)  # as `seo-warehouse` sets it
    half_made = f"{embedded.DATABASE}_new"
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute(f"create database {half_made}")
    with psycopg.connect(postgres.dsn(half_made), autocommit=True) as connection:
        connection.execute("create table dag (half integer)")
    airflow = Airflow(
        home=home,
        port=free_port(),
        server_dsn=postgres.dsn(),
        database_password="airflow-in-tests",
        admin_password="admin-in-tests",
        variables={
            "SMALL_FOLDER": str(home),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{embedded.ADMIN}:ADMIN,{VIEWER}:VIEWER",
        },
        dags=Path(__file__).parent / "dags",
    )
    told: list[str] = []
    embedded.prepare(airflow, told.append)
    embedded.start(airflow, told.append)
    os.umask(before)
    yield Started(airflow, tuple(told))
    embedded.stop(home, _ignore)
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute(f"drop database {embedded.DATABASE} with (force)")
        connection.execute(f"drop role {embedded.DATABASE}")


@pytest.fixture
def airflow(started: Started) -> Airflow:
    return started.airflow


@pytest.fixture
def client(airflow: Airflow) -> Client:
    client = Client(airflow.url, embedded.ADMIN, airflow.admin_password)
    client.wait_for_dags(["quick", "waiting"])
    return client


def _pids(airflow: Airflow) -> dict[str, int]:
    return {c.name: stat.pid for c in airflow.components if (stat := processes.find(c))}


def _scheduler(airflow: Airflow) -> Component:
    return next(component for component in airflow.components if component.name == "airflow-scheduler")


def _until(path: Path) -> None:
    deadline = time.monotonic() + 300
    while not path.exists():
        assert time.monotonic() < deadline, path
        time.sleep(0.1)


def test_a_database_whose_making_was_cut_is_made_anew(started: Started, postgres: Postgres) -> None:
    assert started.told[0] == "making Airflow's metadata database"
    with psycopg.connect(postgres.dsn(embedded.DATABASE)) as connection:
        half = "select count(*) from information_schema.columns where table_name = 'dag' and column_name = 'half'"
        assert connection.execute(half).fetchone() == (0,)
        assert connection.execute("select count(*) from dag_run").fetchone() == (0,)
        found = "select datname from pg_database where datname like %s"
        assert connection.execute(found, (f"{embedded.DATABASE}%",)).fetchall() == [(embedded.DATABASE,)]


def test_a_task_runs_and_knows_its_night(client: Client) -> None:
    client.unpause("quick")
    run_id = client.trigger("quick", "2026-11-22")
    assert client.wait("quick", run_id=run_id)["state"] == "success"
    assert [run["dag_run_id"] for run in client.runs("quick", "2026-11-22")] == [run_id]
    assert [task["state"] for task in client.tasks("quick", run_id)] == ["success"]
    assert "Returned value was: 2026-11-22" in client.log("quick", run_id, "tell")


def test_what_airflow_and_its_tasks_write_is_their_owners_alone(airflow: Airflow, client: Client) -> None:
    assert any((airflow.folder / "logs").rglob("*.log"))
    assert dict(lying_open(airflow.folder)) == {}


def test_files_are_read_again_at_once_where_that_is_asked_for(client: Client) -> None:
    """By itself Airflow would read them in five minutes; waiting for that would end in an error before."""
    asked_at = datetime.now(UTC)
    assert client.dag_ids(read_since=asked_at) == set()
    client.read_files_again(asked_at)
    client.wait_for_dags(["quick", "waiting"], read_since=asked_at)
    client.read_files_again(asked_at)
    assert client.dag_ids(read_since=asked_at) == {"quick", "waiting"}


def test_dags_start_paused(client: Client) -> None:
    assert client.call("GET", "dags/waiting")["is_paused"] is True


def test_all_of_it_listens_on_loopback_only(airflow: Airflow) -> None:
    inodes = {
        str(fd.readlink())
        for component in airflow.components
        for stat in processes.members(component)
        for fd in Path(f"/proc/{stat.pid}/fd").iterdir()
        if fd.is_symlink()
    }
    tables = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
    listening = [line.split() for table in tables for line in table.read_text().splitlines()[1:]]
    addresses = {line[1].split(":")[0] for line in listening if line[3] == "0A" and f"socket:[{line[9]}]" in inodes}
    assert addresses == {"0100007F"}


def test_nobody_gets_in_without_the_password(airflow: Airflow) -> None:
    assert requests.get(f"{airflow.url}/api/v2/dags", timeout=10).status_code == 401
    body = {"username": embedded.ADMIN, "password": "guess"}
    assert requests.post(f"{airflow.url}/auth/token", json=body, timeout=10).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "connections", None),
        ("GET", "variables", None),
        ("GET", "config", None),
        ("POST", "dags/quick/dagRuns", {"logical_date": None, "partition_key": "2026-11-22"}),
        ("PATCH", "dags/quick", {"is_paused": True}),
        ("POST", "dags/quick/clearTaskInstances", {"dry_run": False, "reset_dag_runs": True}),
        ("POST", "backfills", {"dag_id": "quick", "from_date": "2026-11-01", "to_date": "2026-11-02"}),
        ("POST", "connections", {"connection_id": "mine", "conn_type": "http"}),
        ("DELETE", "dags/quick", None),
    ],
)
def test_a_viewer_sees_runs_and_neither_starts_nor_changes_nor_learns_anything(
    airflow: Airflow, client: Client, method: str, path: str, body: dict[str, Any] | None
) -> None:
    viewer = Client(airflow.url, VIEWER, json.loads((airflow.folder / "passwords.json").read_text())[VIEWER])
    assert viewer.dag_ids() == {"quick", "waiting"}
    before = client.runs("quick")
    with pytest.raises(EmbeddedError, match="403"):
        viewer.call(method, path, json=body)
    assert viewer.runs("quick") == before


def test_no_other_role_gets_into_its_database(started: Started, postgres: Postgres) -> None:
    for role in ("analyst", "loader", "transformer"):
        dsn = postgres.dsn(embedded.DATABASE, f"seo_{role}", PASSWORDS[role])
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(dsn)


def test_a_second_start_takes_over_what_runs(airflow: Airflow) -> None:
    before = _pids(airflow)
    told: list[str] = []
    embedded.prepare(airflow, told.append)
    embedded.start(airflow, told.append)
    assert _pids(airflow) == before
    # Neither its database made again nor a component started; a busy one may be waited for.
    assert [line for line in told if not line.startswith("waiting for Airflow")] == []


def test_a_scheduler_that_was_stopped_goes_on_when_it_is_woken(airflow: Airflow, client: Client) -> None:
    client.unpause("quick")
    before = _pids(airflow)
    group = [stat.pid for stat in processes.members(_scheduler(airflow))]
    for pid in group:
        os.kill(pid, signal.SIGSTOP)
    run_id = client.trigger("quick", "2026-11-23")
    time.sleep(2)
    assert [run["state"] for run in client.runs("quick", "2026-11-23")] == ["queued"]
    for pid in group:
        os.kill(pid, signal.SIGCONT)
    assert client.wait("quick", run_id=run_id)["state"] == "success"
    assert len(client.runs("quick", "2026-11-23")) == 1
    assert _pids(airflow) == before


def test_a_scheduler_that_hangs_is_named_and_started_anew(
    airflow: Airflow, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "HUNG_SECONDS", 20.0)
    before = _pids(airflow)
    for stat in processes.members(_scheduler(airflow)):
        os.kill(stat.pid, signal.SIGSTOP)
    deadline = time.monotonic() + 300
    named = re.compile(r"airflow-scheduler has shown no sign of life for \d+ s: .*`make run` starts it anew")
    told: list[str] = []
    while not any(named.fullmatch(line) for line in told):
        assert time.monotonic() < deadline, told
        time.sleep(0.5)
        told.clear()
        health.say_running(before, airflow.port, told.append)
    assert told[0] == f"running: {', '.join(before)}"
    told.clear()
    embedded.start(airflow, told.append)
    assert any(re.fullmatch(r"airflow-scheduler has .*: it is started anew", line) for line in told)
    after = _pids(airflow)
    assert after.keys() == before.keys()
    assert after["airflow-scheduler"] != before["airflow-scheduler"]
    client.unpause("quick")
    run_id = client.trigger("quick", "2026-11-24")
    assert client.wait("quick", run_id=run_id, timeout_seconds=300)["state"] == "success"


def test_a_killed_scheduler_is_replaced_and_its_task_comes_to_its_end(airflow: Airflow, client: Client) -> None:
    client.unpause("waiting")
    run_id = client.trigger("waiting")
    _until(airflow.home / "began")
    before = _pids(airflow)
    os.kill(before["airflow-scheduler"], signal.SIGKILL)
    orphans = {stat.pid for stat in processes.members(_scheduler(airflow))} - {before["airflow-scheduler"]}
    assert orphans
    while processes.find(_scheduler(airflow)):
        time.sleep(0.05)
    (airflow.home / "began").unlink()
    embedded.start(airflow, _ignore)
    assert not [pid for pid in orphans if (stat := processes.read_stat(pid)) and stat.is_alive]
    after = _pids(airflow)
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {"airflow-scheduler"}
    _until(airflow.home / "began")
    (airflow.home / "go on").touch()
    assert client.wait("waiting", run_id=run_id, timeout_seconds=300)["state"] == "success"


def test_stop_ends_every_process_also_while_a_task_runs(airflow: Airflow, client: Client) -> None:
    for name in ("began", "go on"):
        (airflow.home / name).unlink(missing_ok=True)
    client.unpause("waiting")
    client.trigger("waiting")
    _until(airflow.home / "began")
    pids = [stat.pid for component in airflow.components for stat in processes.members(component)]
    assert len(pids) > 3
    embedded.stop(airflow.home, _ignore)
    assert not [pid for pid in pids if (stat := processes.read_stat(pid)) and stat.is_alive]
    assert _pids(airflow) == {}


def test_a_port_in_use_is_told_in_one_sentence(airflow: Airflow) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(EmbeddedError, match=r"^port \d+ of 127.0.0.1, meant for Airflow, is in use by another"):
            embedded.start(replace(airflow, home=airflow.home / "other", port=taken.getsockname()[1]), _ignore)


def test_a_full_disk_is_told_in_one_sentence(airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "LEAST_FREE_BYTES", 10**18)
    with pytest.raises(EmbeddedError, match=r"^the disk of .* has \d+ MB free, at least \d+ MB are needed$"):
        embedded.prepare(airflow, _ignore)
