"""Two nights by two Celery workers, of which one is killed in the second, beside the same nights by the LocalExecutor.

The workers are processes with homes of their own. What they share is PostgreSQL, the broker (Debian's redis-server, on
127.0.0.1 and with a password) and the folder of the archive. The raw tables and marts must be equal in the end, both
workers must have run tasks, and the kill must have cut some: else it fails. All of it runs in an environment made of
pyproject.toml and uv.lock as docker/Dockerfile makes it, since Celery is an extra.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from urllib.parse import quote

import click
import psycopg
import yaml

from benchmarks.measuring import Figure, keep, load_average, say
from seo_warehouse import demo
from seo_warehouse.config import Settings
from seo_warehouse.demo.control import set_clock
from seo_warehouse.embedded import airflow as embedded
from seo_warehouse.embedded.airflow import Airflow
from seo_warehouse.embedded.postgres import Postgres, free_port
from seo_warehouse.embedded.rest import Client
from seo_warehouse.steps.stated import CONNECTIONS_FILE
from seo_warehouse.steps.warehouse import Warehouse, read_secrets
from tests.chaos.state import Rows, read_marts, read_raw

ROOT = Path(__file__).parents[1]
SEED = 20
FIRST_DAY = date(2026, 10, 12)
NIGHTS = (FIRST_DAY + timedelta(days=3), FIRST_DAY + timedelta(days=4))
AT = time_of_day(6)
REDIS = "redis-server"
CONCURRENCY = 2
SETTINGS = {
    # The killed worker's tasks go to the other one soon, not after five and ten minutes; but one that waits for a free
    # worker is begun again twice and then given up, so that a busy machine needs some patience.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "120",
    "SEO_WAREHOUSE_RETRY_SECONDS": "1",
    "SEO_WAREHOUSE_POLL_SECONDS": "1",
}
PATIENCE_SECONDS = 1_800


@dataclass
class World:
    """An empty warehouse, a demo that it reads, and an Airflow that is not started yet."""

    folder: Path
    wh: Warehouse
    airflow: Airflow
    superuser_dsn: str
    environment: dict[str, str]
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = Client(self.airflow.url, embedded.ADMIN, self.airflow.admin_password)

    @property
    def dag_ids(self) -> list[str]:
        """The DAGs that read."""
        return [f"ingest__{source.name}" for source in self.wh.sources]

    def open(self) -> None:
        """Let the DAGs run; the one that builds first, since what it does not hear is lost."""
        self.client.wait_for_dags(["warehouse", *self.dag_ids], PATIENCE_SECONDS)
        for dag_id in ("warehouse", *self.dag_ids):
            self.client.unpause(dag_id)
        # Unpaused, each runs its last real tick, of a night that the demo's clock has not reached.
        for dag_id in self.dag_ids:
            until(lambda dag_id=dag_id: self._has_ticked(dag_id), f"{dag_id} has not ticked")
            for run in self.client.runs(dag_id):
                self.client.call("DELETE", f"dags/{dag_id}/dagRuns/{quote(run['dag_run_id'], safe='')}")

    def _has_ticked(self, dag_id: str) -> bool:
        tick = self.client.next_tick(dag_id)
        return tick is not None and tick > datetime.now(UTC)

    def begin(self, night: date) -> dict[str, str]:
        """Start a night: its runs by DAG."""
        set_clock(str(self.wh.properties.clock_url), datetime.combine(night, AT, UTC))
        return {dag_id: self.client.trigger(dag_id, night.isoformat()) for dag_id in self.dag_ids}

    def end(self, night: date, runs: dict[str, str]) -> int:
        """Wait until it is built; how many of its tasks had to be begun again. Raises SystemExit where a run failed."""
        runs["warehouse"] = ""
        again = 0
        for dag_id, run_id in runs.items():
            run = self.client.wait(
                dag_id, run_id=run_id or None, partition_key=night.isoformat(), timeout_seconds=PATIENCE_SECONDS
            )
            if run["state"] != "success":
                raise SystemExit(f"{dag_id} of {night} is {run['state']}")
            again += sum(task["try_number"] > 1 for task in self.client.tasks(dag_id, run["dag_run_id"]))
        return again

    def read(self) -> tuple[Rows, Rows]:
        """What the raw tables and the marts hold."""
        with psycopg.connect(self.superuser_dsn) as connection:
            return read_raw(connection), read_marts(connection)


def write_properties(path: Path, port: int, sources: Sequence[str]) -> None:
    """The crawled one of the demo's properties alone, of which these sources, or all, are read."""
    demo.write_properties(path, port, FIRST_DAY)
    document = yaml.safe_load(path.read_text())
    document["properties"] = [first, *_] = document["properties"][:1]
    if sources:
        first["sources"] = {name: stated for name, stated in first["sources"].items() if name in sources}
        del document["google_updates"]
    path.write_text(yaml.safe_dump(document))


@contextmanager
def world(folder: Path, demo_port: int, sources: Sequence[str], more: dict[str, str]) -> Iterator[World]:
    """A world in an empty folder; `more` is told to Airflow. Its Airflow is ended at the end."""
    home = folder / "home"
    passwords = read_secrets(home)
    server = Postgres(folder / "postgres", free_port(), passwords["postgres"])
    with ExitStack() as stack:
        server.initialise()
        server.start()
        stack.callback(server.stop)
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute(f"create role seo_owner login createrole password '{passwords['owner']}'")
            connection.execute("create database seo_warehouse owner seo_owner")
        stack.enter_context(demo.running(folder / "demo", seed=SEED, first_day=FIRST_DAY, port=demo_port))
        write_properties(home / "properties.yml", demo_port, sources)
        (home / CONNECTIONS_FILE).write_text(json.dumps(demo.connections(demo_port)))
        environment = SETTINGS | {
            "SEO_WAREHOUSE_HOME": str(home),
            "SEO_WAREHOUSE_DSN": server.dsn("seo_warehouse", "seo_owner", passwords["owner"]),
            "SEO_WAREHOUSE_ARCHIVE": f"file://{folder / 'archive'}",
        }
        wh = Warehouse(Settings(environment))
        wh.migrate()
        airflow = Airflow(
            home=home,
            port=free_port(),
            server_dsn=server.dsn(),
            database_password="airflow-of-a-benchmark",  # noqa: S106
            admin_password="admin-of-a-benchmark",  # noqa: S106
            variables=environment | more,
        )
        embedded.prepare(airflow, _silent)
        stack.callback(embedded.stop, home, _silent)
        yield World(folder, wh, airflow, server.dsn("seo_warehouse"), environment)


def _silent(_: str) -> None:
    """What is reported is of no matter here."""


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """A Redis of its own, as docker-compose starts one; its URL."""
    port, password = free_port(), "redis-of-a-benchmark"
    settings = folder / "redis.conf"
    settings.write_text(f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\ndir {folder}\n')
    process = subprocess.Popen([REDIS, settings], stdout=subprocess.DEVNULL)
    try:
        yield f"redis://:{password}@127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait()


@dataclass
class Worker:
    """A Celery worker with a home of its own."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def task_count(self) -> int:
        """Tasks that it has begun."""
        return len(list((self.folder / "airflow" / "logs").rglob("attempt=*.log")))

    def kill(self) -> None:
        """All of its processes at once, as where a machine fails."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextmanager
def worker(place: World, name: str) -> Iterator[Worker]:
    """Start one. Of the warehouse's home it has a copy of what is stated there, and of Airflow's nothing."""
    folder = place.folder / name
    home = folder / "home"
    home.mkdir(parents=True)
    for stated in ("properties.yml", "secrets.json", CONNECTIONS_FILE):
        shutil.copy(place.airflow.home / stated, home)
    environment = embedded.environment(place.airflow) | {
        "SEO_WAREHOUSE_HOME": str(home),
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folder / "airflow" / "logs"),
    }
    with (folder / "worker.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", "celery", "worker", "--skip-serve-logs", "--without-mingle",
             "--celery-hostname", f"{name}@%h", "--concurrency", str(CONCURRENCY)],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    started = Worker(folder, process)
    try:
        yield started
    finally:
        started.kill()


def until(is_so: Callable[[], bool], what: str) -> None:
    """Wait until it is so. Raises SystemExit where it never is."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit(f"after {PATIENCE_SECONDS} s: {what}")
        time.sleep(0.1)


def by_local_executor(folder: Path, demo_port: int, sources: Sequence[str]) -> tuple[list[float], tuple[Rows, Rows]]:
    """Seconds of each night, and what is there in the end."""
    with world(folder, demo_port, sources, {}) as place:
        embedded.start(place.airflow, _silent)
        place.open()
        seconds = []
        for night in NIGHTS:
            began = time.monotonic()
            place.end(night, place.begin(night))
            seconds.append(time.monotonic() - began)
            say(f"{night} by the LocalExecutor: {seconds[-1]:.0f} s")
        return seconds, place.read()


def by_celery(
    folder: Path, demo_port: int, sources: Sequence[str]
) -> tuple[list[float], tuple[Rows, Rows], dict[str, int]]:
    """The same, and how many tasks each worker ran and how many were begun again after the kill."""
    folder.mkdir()
    with broker(folder) as url:
        more = {"AIRFLOW__CORE__EXECUTOR": "CeleryExecutor", "AIRFLOW__CELERY__BROKER_URL": url}
        with world(folder / "world", demo_port, sources, more) as place:
            metadata = embedded.environment(place.airflow)["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
            results = {"AIRFLOW__CELERY__RESULT_BACKEND": f"db+{metadata}"}
            place.airflow = replace(place.airflow, variables={**place.airflow.variables, **results})
            embedded.start(place.airflow, _silent)
            with worker(place, "first") as first, worker(place, "second") as second:
                place.open()
                seconds = []
                began = time.monotonic()
                place.end(NIGHTS[0], place.begin(NIGHTS[0]))
                seconds.append(time.monotonic() - began)
                say(f"{NIGHTS[0]} by Celery: {seconds[0]:.0f} s; {first.task_count} and {second.task_count} tasks")
                began, before = time.monotonic(), second.task_count
                runs = place.begin(NIGHTS[1])
                until(lambda: second.task_count > before + CONCURRENCY, "the second worker has begun no task")
                second.kill()
                again = place.end(NIGHTS[1], runs)
                seconds.append(time.monotonic() - began)
                tasks = {"first": first.task_count, "second": second.task_count, "again": again}
                say(f"{NIGHTS[1]} by Celery, one worker killed: {seconds[1]:.0f} s; {tasks}")
                return seconds, place.read(), tasks


def compare(alone: tuple[Rows, Rows], shared: tuple[Rows, Rows]) -> int:
    """How many rows both have. Raises SystemExit where they differ."""
    count = 0
    for ours, theirs in zip(alone, shared, strict=True):
        differing = [table for table in ours.keys() | theirs.keys() if ours.get(table) != theirs.get(table)]
        if differing:
            raise SystemExit(f"differ from the nights by the LocalExecutor: {', '.join(sorted(differing))}")
        count += sum(map(len, ours.values()))
    return count


def measure(sources: Sequence[str]) -> None:
    """Both pairs of nights, in this environment; of some sources alone nothing is kept."""
    with tempfile.TemporaryDirectory(prefix="seo-warehouse-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        port = free_port()
        seconds, shared, tasks = by_celery(folder / "celery", port, sources)
        local_seconds, alone = by_local_executor(folder / "local", port, sources)
    rows = compare(alone, shared)
    if not all(tasks.values()):
        raise SystemExit(f"each worker must run tasks, and the kill must cut some: {tasks}")
    say(f"{rows} rows of raw tables and marts are equal")
    figures = [
        Figure("a night by two Celery workers, of one by the LocalExecutor", seconds[0] / local_seconds[0]),
        Figure("a night of which a worker is killed, of one by the LocalExecutor", seconds[1] / local_seconds[1]),
    ]
    found = {"local_seconds": local_seconds, "celery_seconds": seconds, "tasks": tasks, "equal_rows": rows}
    keep("celery_nights", figures, found | {"load": load_average()}, write=not sources)


def install(folder: Path) -> Path:
    """The environment of docker/Dockerfile, from this checkout. Returns its interpreter."""
    uv = shutil.which("uv") or str(ROOT / ".uv/bin/uv")
    subprocess.run(
        [uv, "sync", "--quiet", "--locked", "--no-dev", "--extra", "celery", "--python", sys.executable],
        env=os.environ | {"UV_PROJECT_ENVIRONMENT": str(folder)},
        cwd=ROOT,
        check=True,
    )
    return folder / "bin/python"


@click.command()
@click.option("--source", "sources", multiple=True, help="Read this source alone, or these: a quicker look.")
@click.option("--here", is_flag=True, hidden=True)
def main(sources: tuple[str, ...], here: bool) -> None:
    """Measure, in an environment that has Celery."""
    if shutil.which(REDIS) is None:
        raise SystemExit(f"{REDIS} is missing; on Debian: apt-get install --no-install-recommends {REDIS}")
    if here:
        return measure(sources)
    with tempfile.TemporaryDirectory(prefix="seo-warehouse-celery-") as name:
        # Its PostgreSQL is another user's too.
        Path(name).chmod(0o755)
        python = install(Path(name) / "venv")
        more = [word for source in sources for word in ("--source", source)]
        process = subprocess.Popen([python, "-m", "benchmarks.celery_nights", "--here", *more], cwd=ROOT)
        try:
            status = process.wait()
        except SystemExit:
            # Told to end; at an interrupt both of us are told. It stops its servers first.
            process.terminate()
            raise
        finally:
            process.wait()
        raise SystemExit(status)


if __name__ == "__main__":
    main()
