"""`make run`: from nothing to a served warehouse, and back.

Everything started is recorded first, so that `stop` ends it whatever happened; every step may be cut anywhere and is
taken up again by the next run.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg import sql

from seo_warehouse import demo
from seo_warehouse.config import Settings
from seo_warehouse.embedded import airflow as embedded_airflow
from seo_warehouse.embedded import processes, report
from seo_warehouse.embedded.airflow import Airflow
from seo_warehouse.embedded.postgres import Postgres, free_port
from seo_warehouse.embedded.processes import Component
from seo_warehouse.embedded.rest import Client
from seo_warehouse.errors import ConfigError, EmbeddedError
from seo_warehouse.load import nights, schema
from seo_warehouse.orchestration.connections import DEMO_CONNECTIONS
from seo_warehouse.orchestration.history import load_history
from seo_warehouse.orchestration.warehouse import DATABASE, Warehouse, open_warehouse, read_ports, read_secrets

Say = Callable[[str], None]
LEAST_FREE_BYTES = 3 * 10**9
DEMO_WEEKS = 26
NIGHT_TIMEOUT_SECONDS = 1_800
TICK_SECONDS = 15
"""How long the scheduler may take to begin the run of a tick that has passed."""


@dataclass(frozen=True)
class Progress:
    """Says each step with the seconds since the run began."""

    say: Say
    began: float

    def __call__(self, message: str) -> None:
        self.say(f"[{time.monotonic() - self.began:4.0f} s] {message}")


def run(properties: Path | None, say: Say) -> None:
    """Start what does not run, load history, run the newest night through the scheduler, and say what is there.

    Raises EmbeddedError or ConfigError with one sentence.
    """
    settings = Settings()
    progress = Progress(say, time.monotonic())
    with _only_one(settings.home):
        _check_space(settings.home)
        own = settings.home / "properties.yml"
        if properties is None and settings.properties_path != own:
            properties = settings.properties_path  # SEO_WAREHOUSE_PROPERTIES says so
        settings.properties_path = own
        _take_properties(settings, properties)
        ports = _choose_ports(settings, is_demo=properties is None)
        if settings.owner_dsn is None:
            _start_postgres(settings, ports, progress)
        if properties is None:
            _start_demo(settings, ports, progress)
        wh = open_warehouse(settings)
        progress("preparing schemas, roles and ledgers")
        wh.migrate()
        airflow = _airflow(settings, ports)
        with ThreadPoolExecutor(1) as beside:
            # Airflow's components import for half a minute; history is loaded meanwhile.
            started = beside.submit(_start_airflow, airflow, progress)
            night = _load_all_history(wh, progress)
            started.result()
        client = Client(airflow.url, embedded_airflow.ADMIN, airflow.admin_password)
        red = _run_night(wh, client, night, progress)
        progress("done; everything stays serving until `make stop`")
        report.say_result(wh, airflow, say)
    if red:
        raise EmbeddedError(f"not all of night {night} is green: {', '.join(red)}; their tasks in Airflow say why")


def _start_airflow(airflow: Airflow, progress: Progress) -> None:
    embedded_airflow.prepare(airflow, progress)
    embedded_airflow.start(airflow, progress)


def _load_all_history(wh: Warehouse, progress: Progress) -> date:
    """Load every property's nights before the newest one. Returns that one."""
    if wh.properties.demo_control_url:
        # A run that was cut may have left the clock in the past.
        wh.set_demo_clock(None)
    night = wh.now().date()
    for prop in wh.properties.properties:
        progress(f"{prop.name}: history since {prop.history_start}")
        load_history(wh, prop.name, prop.history_start, night - timedelta(days=1), progress)
    if wh.properties.demo_control_url:
        wh.set_demo_clock(None)
    return night


def stop(say: Say) -> None:
    """End every process that `run` started in this home. Raises EmbeddedError naming one that will not end."""
    settings = Settings()
    with _only_one(settings.home):
        embedded_airflow.stop(settings.home, say)
        processes.stop([_demo_component(settings.home)])
        if settings.owner_dsn is None and "postgres" in read_ports(settings.home):
            say("stopping PostgreSQL")
            _postgres(settings, read_ports(settings.home)).stop()
    say("nothing of it runs any more")


def status(say: Say) -> None:
    """What runs, the newest night's loads and the last builds. Raises ConfigError before the first run."""
    settings = Settings()
    ports = read_ports(settings.home)
    if not ports:
        raise ConfigError(f"nothing was ever started in {settings.home}: run `make run`")
    running = [
        c.name
        for c in (*embedded_airflow.components(settings.home), _demo_component(settings.home))
        if processes.find(c)
    ]
    if settings.owner_dsn is None and _postgres(settings, ports).is_running():
        running.insert(0, "postgres")
    say(f"running: {', '.join(running) or 'nothing'}")
    if settings.owner_dsn is not None or "postgres" in running:
        report.say_loads(open_warehouse(settings), say)


def _run_night(wh: Warehouse, client: Client, night: date, progress: Progress) -> list[str]:
    """Unpause the DAGs and bring `night` through them, unless a build carries it already. Returns those that failed."""
    dag_ids = [f"ingest__{source.name}" for source in wh.sources]
    keepers = ["maintenance", "maintenance__daily"]
    client.wait_for_dags(["warehouse", *dag_ids, *keepers])
    for dag_id in keepers:
        client.unpause(dag_id)
    if _is_built(wh, night):
        progress(f"night {night} is built already")
        return []
    before = len(client.runs("warehouse"))
    # The listener first: an event that nobody hears is lost.
    client.unpause("warehouse")
    for dag_id in dag_ids:
        client.unpause(dag_id)
    progress(f"night {night} runs through the scheduler: {', '.join(dag_ids)}")
    runs = {dag_id: _run_of(client, dag_id, night, progress) for dag_id in dag_ids}
    states = {}
    for dag_id, run_id in runs.items():
        states[dag_id] = client.wait(dag_id, run_id=run_id, timeout_seconds=NIGHT_TIMEOUT_SECONDS)["state"]
        progress(f"{dag_id}: {states[dag_id]}")
    if len(client.runs("warehouse")) == before and _is_closed(wh, night):
        # The night had closed in an earlier, cut run whose event is spent.
        client.trigger("warehouse", night.isoformat())
    states["warehouse"] = client.wait("warehouse", timeout_seconds=NIGHT_TIMEOUT_SECONDS)["state"]
    progress(f"warehouse: {states['warehouse']}")
    return [dag_id for dag_id, state in states.items() if state != "success"]


def _run_of(client: Client, dag_id: str, night: date, progress: Progress) -> str:
    """The run of a night: the one that its tick starts, else one started now."""
    key = night.isoformat()
    deadline = time.monotonic() + TICK_SECONDS
    while time.monotonic() < deadline:
        runs = client.runs(dag_id, key)
        if runs:
            return str(runs[-1]["dag_run_id"])
        tick = client.next_tick(dag_id)
        if tick is None or tick > datetime.now(UTC):
            break
        time.sleep(0.5)
    progress(f"{dag_id}: started by hand for {night}, since no tick of it is due now")
    return client.trigger(dag_id, key)


def _is_closed(wh: Warehouse, night: date) -> bool:
    with wh.connect("loader") as connection:
        return connection.execute("select 1 from ops.night where night = %s", (night,)).fetchone() is not None


def _is_built(wh: Warehouse, night: date) -> bool:
    with wh.connect("loader") as connection:
        return nights.is_carried(connection, night)


def _airflow(settings: Settings, ports: dict[str, int]) -> Airflow:
    secrets = read_secrets(settings.home)
    variables = {
        "SEO_WAREHOUSE_HOME": str(settings.home),
        "SEO_WAREHOUSE_PROPERTIES": str(settings.properties_path),
        "SEO_WAREHOUSE_ARCHIVE": settings.archive,
    }
    if settings.owner_dsn is not None:
        variables["SEO_WAREHOUSE_DSN"] = settings.owner_dsn
    if (settings.home / "demo").exists():
        variables |= {"SEO_WAREHOUSE_RETRY_SECONDS": "5", "SEO_WAREHOUSE_POLL_SECONDS": "10"}
    server = settings.owner_dsn or _postgres(settings, ports).dsn()
    return Airflow(
        home=settings.home,
        port=ports["airflow"],
        server_dsn=server,
        database_password=secrets["airflow"],
        admin_password=secrets["airflow_admin"],
        variables=variables,
    )


def _postgres(settings: Settings, ports: dict[str, int]) -> Postgres:
    return Postgres(settings.home / "postgres", ports["postgres"], read_secrets(settings.home)["postgres"])


def _start_postgres(settings: Settings, ports: dict[str, int], progress: Progress) -> None:
    server = _postgres(settings, ports)
    if not server.is_running():
        progress(f"starting PostgreSQL on 127.0.0.1:{server.port}")
    server.initialise()
    server.start()
    owner = schema.role_name("owner")
    password = read_secrets(settings.home)["owner"]
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        there = connection.execute("select 1 from pg_roles where rolname = %s", (owner,)).fetchone()
        verb = sql.SQL("alter" if there else "create")
        connection.execute(
            sql.SQL("{} role {} login createrole password {}").format(
                verb, sql.Identifier(owner), sql.Literal(password)
            )
        )
        if not connection.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone():
            connection.execute(
                sql.SQL("create database {} owner {}").format(sql.Identifier(DATABASE), sql.Identifier(owner))
            )


def _demo_component(home: Path) -> Component:
    return Component("demo", home / "processes")


def _start_demo(settings: Settings, ports: dict[str, int], progress: Progress) -> None:
    component = _demo_component(settings.home)
    if processes.find(component) is None:
        progress(f"starting the demo world on 127.0.0.1:{ports['demo']}")
        folder = settings.home / "demo"
        folder.mkdir(parents=True, exist_ok=True)
        first_day = _demo_first_day(folder)
        demo.write_properties(settings.properties_path, ports["demo"], first_day)
        command = [sys.executable, "-m", "seo_warehouse.demo", "--port", str(ports["demo"]), "--folder", str(folder),
                   "--first-day", first_day.isoformat()]  # fmt: skip
        processes.start(component, command, environment=os.environ, folder=settings.home)
    _wait_for_port(component, ports["demo"])
    (settings.home / DEMO_CONNECTIONS).write_text(json.dumps(demo.connections(ports["demo"])))


def _demo_first_day(folder: Path) -> date:
    """The first day of the demo's history: fixed at its first start, whatever day it is later."""
    kept = folder / "first_day"
    if not kept.exists():
        kept.write_text((datetime.now(UTC).date() - timedelta(weeks=DEMO_WEEKS)).isoformat())
    return date.fromisoformat(kept.read_text())


def _wait_for_port(component: Component, port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if processes.find(component) is None:
            raise EmbeddedError(f"{component.name} did not start: {processes.last_words(component)}")
        time.sleep(0.1)
    raise EmbeddedError(f"{component.name} does not answer on port {port}")


def _take_properties(settings: Settings, properties: Path | None) -> None:
    """Make the home's properties.yml the user's own file, or leave it to the demo. A home serves one of the two."""
    kept = settings.home / "properties.yml"
    is_demo_home = (settings.home / "demo").exists()
    if properties is None:
        if kept.is_symlink():
            raise ConfigError(
                f"{settings.home} belongs to {kept.resolve()}: give PROPERTIES={kept.resolve()}, "
                "or set SEO_WAREHOUSE_HOME to another folder for the demo"
            )
        return
    if is_demo_home:
        raise ConfigError(
            f"{settings.home} holds the demo: set SEO_WAREHOUSE_HOME to another folder for your own properties"
        )
    fresh = kept.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(properties.resolve())
    fresh.rename(kept)
    _ = settings.properties


def _choose_ports(settings: Settings, *, is_demo: bool) -> dict[str, int]:
    """The ports of each component, chosen once and kept. SEO_WAREHOUSE_<COMPONENT>_PORT states one.

    One that was kept and that somebody else has now is chosen anew. Raises EmbeddedError where a stated port is taken,
    or another one serves already.
    """
    home = settings.home
    ports = read_ports(home)
    wanted = ["airflow"] + (["postgres"] if settings.owner_dsn is None else []) + (["demo"] if is_demo else [])
    for name in wanted:
        variable = f"SEO_WAREHOUSE_{name.upper()}_PORT"
        stated = os.environ.get(variable)
        if stated is not None and not stated.isdecimal():
            raise ConfigError(f"{variable}={stated!r} is no port number")
        port = int(stated) if stated else ports.get(name)
        if stated and name in ports and port != ports[name] and _is_ours(settings, name, ports):
            raise EmbeddedError(f"{name} serves on port {ports[name]} already: `make stop` before {variable}={port}")
        if port is None:
            port = free_port()
        elif not (port == ports.get(name) and _is_ours(settings, name, ports)) and not _is_free(port):
            if stated:
                raise EmbeddedError(f"port {port} ({variable}) is in use by another program: state another, or none")
            port = free_port()
        ports[name] = port
    fresh = home / "ports.json.new"
    fresh.write_text(json.dumps(ports))
    fresh.rename(home / "ports.json")
    return ports


def _is_ours(settings: Settings, name: str, ports: dict[str, int]) -> bool:
    if name == "postgres":
        return "postgres" in ports and _postgres(settings, ports).is_running()
    if name == "demo":
        return processes.find(_demo_component(settings.home)) is not None
    return any(processes.find(c) for c in embedded_airflow.components(settings.home) if c.name == "airflow-api-server")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _check_space(home: Path) -> None:
    free = shutil.disk_usage(home).free
    if free < LEAST_FREE_BYTES:
        raise EmbeddedError(f"{home} has {free / 1e9:.1f} GB free; {LEAST_FREE_BYTES / 1e9:.0f} GB are needed")


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """One `run` or `stop` at a time in a home. Raises EmbeddedError where that cannot be."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = (home / "run.lock").open("w")
    except OSError as error:
        raise EmbeddedError(f"{home} cannot be used: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedError(f"another `seo-warehouse run` or `stop` is at work in {home}") from None
        yield
