"""Stopping, and starting again what was stopped."""

from __future__ import annotations

import os
import re
import socket
import time
from pathlib import Path

from seo_warehouse.embedded import processes
from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.embedded.processes import Component
from seo_warehouse.steps.warehouse import read_ports, read_secrets
from tests.pipeline.conftest import Running, make
from tests.pipeline.raw import digests

WAIT_SECONDS = 600


def test_after_make_stop_nothing_lives_and_make_run_serves_the_same_again(running: Running) -> None:
    _wait_until_quiet(running)
    before = _what_is_served(running)
    loads = _loads(running)
    ours = _processes_of(running.home)
    components = [Component(record.stem, record.parent) for record in running.home.glob("processes/*.process")]
    recorded = {stat.pid for component in components for stat in processes.members(component)}
    postmaster = _postgres(running.home).pid()
    assert postmaster in ours
    assert recorded <= ours
    assert [component.name for component in components if processes.find(component) is None] == []
    assert len(components) == 4

    stopped = make("stop", running.home)
    assert stopped.returncode == 0, stopped.stdout
    assert stopped.stdout.splitlines()[-1] == "nothing of it runs any more"
    assert _processes_of(running.home) == set()
    assert [pid for pid in recorded | {postmaster} if (stat := processes.read_stat(pid)) and stat.is_alive] == []
    for port in read_ports(running.home).values():
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    said = running.command("status")
    assert said.stdout == "running: nothing\n"

    started = make("run", running.home)
    assert started.returncode == 0, started.stdout
    _wait_until_quiet(running)
    assert _what_is_served(running) == before
    # After a backfill of an earlier night Airflow may make up for tonight's tick: it reads, and publishes nothing.
    after = _loads(running)
    assert {load_id: after[load_id] for load_id in loads} == loads
    assert {after[load_id] for load_id in after.keys() - loads.keys()}.isdisjoint(
        {"published", "quarantined", "failed"}
    )
    for line in re.findall(r"^(?:Airflow|Warehouse) .*$", running.output, re.MULTILINE):
        assert line in started.stdout


def _wait_until_quiet(running: Running) -> None:
    """What other tests unpaused or started may still be at work; a request to a person may stay open for days."""
    deadline = time.monotonic() + WAIT_SECONDS
    while active := [
        run["dag_run_id"]
        for dag_id in set(running.airflow.dag_ids()) - {"decide"}
        for run in running.airflow.runs(dag_id)
        if run["state"] in ("queued", "running")
    ]:
        assert time.monotonic() < deadline, active
        time.sleep(1)


def _loads(running: Running) -> dict[int, str]:
    return dict(running.rows("select load_id, state from ops.load"))


def _what_is_served(running: Running) -> dict[str, object]:
    marts = running.rows("select table_name from information_schema.tables where table_schema = 'marts' order by 1")
    return {
        "raw": digests(running),
        "marts": {name: running.one(f"select count(*) from marts.{name}", role="analyst") for (name,) in marts},
        "builds": running.rows("select build_id, state from ops.build order by 1"),
        "dags": running.airflow.dag_ids(),
        "nights": {run["partition_key"] for run in running.airflow.runs("warehouse")},
    }


def _postgres(home: Path) -> Postgres:
    return Postgres(home / "postgres", read_ports(home)["postgres"], read_secrets(home)["postgres"])


def _processes_of(home: Path) -> set[int]:
    """Every living process that works in this home, or was told of it."""
    found = set()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            told = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            place = (folder / "cwd").readlink()
        except OSError:
            # It ended meanwhile, or is another user's.
            continue
        if str(home).encode() in told or place.is_relative_to(home):
            found.add(int(folder.name))
    return found
