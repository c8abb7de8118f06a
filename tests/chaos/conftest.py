"""One small world with a history, and copies of it: one is left alone, the others are disturbed.

All copies talk to demos on the same port, one after another, so that their properties.yml are the same.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time as clock
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from seo_warehouse import demo
from seo_warehouse.config import Settings
from seo_warehouse.demo.knobs import Knobs
from seo_warehouse.demo.server import DemoServer
from seo_warehouse.embedded.postgres import Postgres, free_port
from seo_warehouse.steps.stated import CONNECTIONS_FILE
from seo_warehouse.steps.warehouse import Warehouse, read_secrets
from tests.chaos.child import CONNECTIONS, Child, start_command, start_step
from tests.chaos.state import FIRST_DAY, NIGHT, Rows, Sizes, read_calls, read_marts, read_nodes, read_raw, read_sizes

ROOT = Path(__file__).parents[2]
DBT = "dbt_project"
WAREHOUSE = "warehouse"
"""The one database that is worked in. Under another name than before, dbt would parse the whole project again."""
SEED = 20
PROPERTY = "alderwood"
SOURCES = ("search_console", "dataforseo_backlinks", "dataforseo_serp", "site_crawl")


@dataclass(frozen=True)
class Case:
    """A home, its database and its demo, whose clock stands within the night."""

    home: Path
    dsn: str
    superuser_dsn: str
    demo: DemoServer
    dbt_project: Path

    @property
    def environment(self) -> dict[str, str]:
        """What its commands find in their environment."""
        return {
            "SEO_WAREHOUSE_HOME": str(self.home),
            "SEO_WAREHOUSE_DSN": self.dsn,
            "SEO_WAREHOUSE_DBT_PROJECT": str(self.dbt_project),
        }

    @property
    def wh(self) -> Warehouse:
        """The warehouse, for calls in this process."""
        return Warehouse(Settings(self.environment))

    def connect(self) -> psycopg.Connection[Any]:
        """A superuser's connection in autocommit mode."""
        return psycopg.connect(self.superuser_dsn, autocommit=True)

    def command(self, *arguments: str) -> Child:
        """Start `seo-warehouse <arguments>`."""
        return start_command(self.environment, self._log("command"), *arguments)

    def ingest(self, source: str) -> Child:
        """Start `seo-warehouse ingest` of the night."""
        return self.command("ingest", "--source", source, "--property", PROPERTY, "--night", NIGHT.isoformat())

    def build(self) -> Child:
        """Start `seo-warehouse build`."""
        return self.command("-v", "build")

    def step(self, name: str, *arguments: str | date) -> Child:
        """Start a function that is handed the warehouse: `room.module.function`."""
        return start_step(self.environment, self._log(name), name, *arguments)

    def _log(self, name: str) -> Path:
        return self.home / f"{name}-{clock.monotonic_ns()}.log"


@dataclass(frozen=True)
class Base:
    """The world after its history, before the night."""

    folder: Path
    server: Postgres
    demo_port: int
    sizes: Sizes

    def keep(self, name: str, home: str) -> None:
        """Copy the warehouse that is worked in, and its home, for cases to be copied from."""
        shutil.copytree(self.folder / home, self.folder / name)
        self._copy_database(name, WAREHOUSE)

    def _copy_database(self, name: str, template: str) -> None:
        with psycopg.connect(self.server.dsn(), autocommit=True) as connection:
            connection.execute(f"create database {name} template {template} owner seo_owner")
            # A copied sequence believes that its next 32 numbers are in the WAL, where the original's are; a crash
            # before the next checkpoint would give them out again.
            connection.execute("checkpoint")

    @contextmanager
    def copy(self, name: str, template: str = "base") -> Iterator[Case]:
        """A copy of a home, its demo's state and its database."""
        home = self.folder / name
        shutil.copytree(self.folder / template, home)
        self._copy_database(WAREHOUSE, template)
        try:
            with demo.running(home / "demo", port=self.demo_port) as server:
                yield Case(home, _owner_dsn(self.server, home), self.server.dsn(WAREHOUSE), server, self.folder / DBT)
            expect_nobody_left(home)
        finally:
            self.server.start()
            with psycopg.connect(self.server.dsn(), autocommit=True) as connection:
                connection.execute(f"drop database {WAREHOUSE} with (force)")
            shutil.rmtree(home, ignore_errors=True)


@dataclass(frozen=True)
class Undisturbed:
    """What the night left behind where nobody disturbed it.

    Of each source's ingest its calls and how long it took, of the build how many nodes it had.
    """

    raw: Rows
    marts: Rows
    sizes: Sizes
    calls: dict[str, dict[str, int]]
    seconds: dict[str, float]
    nodes: int


def expect_nobody_left(home: Path) -> None:
    """No step has tried to reach anything but this machine."""
    tries = home / CONNECTIONS
    assert not tries.exists(), tries.read_text()


def _owner_dsn(server: Postgres, home: Path) -> str:
    return server.dsn(WAREHOUSE, "seo_owner", read_secrets(home)["owner"])


@contextmanager
def serving(folder: Path) -> Iterator[Postgres]:
    """A PostgreSQL of its own, since it gets killed, with an empty database; dbt's project beside it."""
    secrets = read_secrets(folder / "base")
    server = Postgres(folder / "postgres", free_port(), secrets["postgres"])
    # Of its own: a model that is edited meanwhile would be a reason to model everything again.
    shutil.copytree(ROOT / DBT, folder / DBT, ignore=shutil.ignore_patterns("target", "logs"))
    server.initialise()
    server.start()
    try:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute(f"create role seo_owner login createrole password '{secrets['owner']}'")
            connection.execute(f"create database {WAREHOUSE} owner seo_owner")
        yield server
    finally:
        server.stop()


@contextmanager
def founding(
    folder: Path, server: Postgres, *, count: int, history_start: date, knobs: Knobs | None = None
) -> Iterator[Case]:
    """A home for the first `count` of the demo's properties, migrated, with nothing loaded; its demo runs meanwhile.

    What the caller makes of it is then `base`, which cases are copied from.
    """
    home = folder / "base"
    with demo.running(home / "demo", seed=SEED, first_day=FIRST_DAY, knobs=knobs) as world:
        port = int(world.server_address[1])
        demo.write_properties(home / "properties.yml", port, history_start)
        document = yaml.safe_load((home / "properties.yml").read_text())
        document["properties"] = document["properties"][:count]
        (home / "properties.yml").write_text(yaml.safe_dump(document))
        (home / CONNECTIONS_FILE).write_text(json.dumps(demo.connections(port)))
        case = Case(home, _owner_dsn(server, home), server.dsn(WAREHOUSE), world, folder / DBT)
        case.wh.migrate()
        yield case
        expect_nobody_left(home)
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(f"alter database {WAREHOUSE} rename to base")


@pytest.fixture(scope="session")
def base() -> Iterator[Base]:
    """Two weeks of history, modelled; of the crawled property alone, since half the calls tell as much."""
    folder = Path(tempfile.mkdtemp(prefix="seo-warehouse-chaos-"))
    try:
        with serving(folder) as server:
            with founding(folder, server, count=1, history_start=FIRST_DAY) as case:
                case.demo.clock.set(datetime.combine(NIGHT, time(6), UTC))
                case.step("demo.history.load_history", PROPERTY, FIRST_DAY, NIGHT - timedelta(days=1)).succeed()
                case.build().succeed()
                with case.connect() as connection:
                    sizes = read_sizes(connection)
            yield Base(folder, server, int(case.demo.server_address[1]), sizes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def undisturbed(base: Base) -> Undisturbed:
    """The same night in a copy that is left alone."""
    seconds: dict[str, float] = {}
    calls: dict[str, dict[str, int]] = {}
    with base.copy("undisturbed") as case:
        for source in SOURCES:
            case.demo.calls.reset()
            began = clock.monotonic()
            case.ingest(source).succeed()
            seconds[source] = clock.monotonic() - began
            calls[source] = read_calls(case.demo)
        base.keep("night", "undisturbed")
        case.build().succeed()
        with case.connect() as connection:
            return Undisturbed(
                raw=read_raw(connection),
                marts=read_marts(connection),
                sizes=read_sizes(connection),
                calls=calls,
                seconds=seconds,
                nodes=read_nodes(connection),
            )


@pytest.fixture
def case(base: Base, undisturbed: Undisturbed, request: pytest.FixtureRequest) -> Iterator[Case]:
    """A copy to disturb: of `base`, before the night, unless the test asks for `night`, after its loads."""
    with base.copy("disturbed", getattr(request, "param", "base")) as copied:
        yield copied
