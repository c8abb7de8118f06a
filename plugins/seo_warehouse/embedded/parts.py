"""The parts of `make run` other than Airflow's own: PostgreSQL, the demo world, and what they are told."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import psycopg
from psycopg import sql

from seo_warehouse import demo
from seo_warehouse.config import Settings
from seo_warehouse.embedded import processes
from seo_warehouse.embedded.airflow import Airflow
from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.embedded.processes import Component
from seo_warehouse.errors import EmbeddedError
from seo_warehouse.ledger.roles import role_name, scrambled
from seo_warehouse.steps.stated import CONNECTIONS_FILE
from seo_warehouse.steps.warehouse import DATABASE, read_secrets

Progress = Callable[[str], None]
DEMO_WEEKS = 26
EARLIER_FILE = "demo_connections.json"
"""What releases before this one called the file of the demo's connections."""


def is_demo(settings: Settings) -> bool:
    """Whether a home serves the demo."""
    return (settings.home / "demo").exists()


def variables(settings: Settings) -> dict[str, str]:
    """The variables by which every process of ours finds this home."""
    told = {
        "SEO_WAREHOUSE_HOME": str(settings.home),
        "SEO_WAREHOUSE_PROPERTIES": str(settings.properties_path),
        "SEO_WAREHOUSE_ARCHIVE": settings.archive,
        # Whole paths: each process works in a folder of its own.
        "SEO_WAREHOUSE_DROP": str(settings.drop),
        "SEO_WAREHOUSE_DBT_PROJECT": str(settings.dbt_project),
    }
    if settings.owner_dsn is not None:
        told["SEO_WAREHOUSE_DSN"] = settings.owner_dsn
    if is_demo(settings):
        told |= {"SEO_WAREHOUSE_RETRY_SECONDS": "5", "SEO_WAREHOUSE_POLL_SECONDS": "10"}
    return told


def airflow(settings: Settings, ports: dict[str, int]) -> Airflow:
    """The embedded Airflow of a home."""
    secrets = read_secrets(settings.home)
    server = settings.owner_dsn or postgres(settings, ports).dsn()
    return Airflow(
        home=settings.home,
        port=ports["airflow"],
        server_dsn=server,
        database_password=secrets["airflow"],
        admin_password=secrets["airflow_admin"],
        variables=variables(settings),
    )


def postgres(settings: Settings, ports: dict[str, int]) -> Postgres:
    """The embedded PostgreSQL of a home."""
    return Postgres(settings.home / "postgres", ports["postgres"], read_secrets(settings.home)["postgres"])


def start_postgres(settings: Settings, ports: dict[str, int], progress: Progress) -> None:
    """Start PostgreSQL unless it runs, with the warehouse's owner and database in it. Raises EmbeddedError."""
    server = postgres(settings, ports)
    if not server.is_running():
        progress(f"starting PostgreSQL on 127.0.0.1:{server.port}")
    server.initialise()
    server.start()
    owner = role_name("owner")
    password = read_secrets(settings.home)["owner"]
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        there = connection.execute("select 1 from pg_roles where rolname = %s", (owner,)).fetchone()
        verb = sql.SQL("alter" if there else "create")
        connection.execute(
            sql.SQL("{} role {} login createrole password {}").format(
                verb, sql.Identifier(owner), sql.Literal(scrambled(connection, owner, password))
            )
        )
        if not connection.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone():
            connection.execute(
                sql.SQL("create database {} owner {}").format(sql.Identifier(DATABASE), sql.Identifier(owner))
            )
        # Every role may connect to every database, and fill its disk there.
        connection.execute("revoke connect on database postgres, template1 from public")
    with psycopg.connect(server.dsn(DATABASE), autocommit=True) as connection:
        connection.execute(files("seo_warehouse.ledger").joinpath("public.sql").read_bytes())


def demo_component(home: Path) -> Component:
    """The demo world's process."""
    return Component("demo", home / "processes")


def start_demo(settings: Settings, ports: dict[str, int], progress: Progress) -> None:
    """Start the demo unless it runs; write the properties.yml, the credentials and the sample files that belong to it.

    Raises EmbeddedError where it does not come up.
    """
    component = demo_component(settings.home)
    folder = settings.home / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    first_day = _demo_first_day(folder)
    connections = settings.home / CONNECTIONS_FILE
    if not connections.exists():
        # First of all: with this file, whatever credentials lie in the environment are nobody's here.
        connections.write_text("{}")
    # Whether it runs or not: it may have been started by an earlier release, which wrote other files.
    demo.write_properties(settings.properties_path, ports["demo"], first_day, demo.ALL_PROPERTIES)
    if processes.find(component) is None:
        progress(f"starting the demo world on 127.0.0.1:{ports['demo']}")
        command = [sys.executable, "-m", "seo_warehouse.demo", "--port", str(ports["demo"]), "--folder", str(folder),
                   "--first-day", first_day.isoformat()]  # fmt: skip
        processes.start(component, command, environment=os.environ, folder=settings.home)
    _wait_for_port(component, ports["demo"])
    world = demo.stored_world(folder)
    if world is not None:
        demo.write_exports(settings.drop, world, datetime.now(UTC).date())
    connections.write_text(json.dumps(demo.connections(ports["demo"])))
    (settings.home / EARLIER_FILE).unlink(missing_ok=True)


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
