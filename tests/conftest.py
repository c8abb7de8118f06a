"""Fixtures that more than one folder uses."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import hypothesis
import psycopg
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from seo_warehouse.embedded import postgres as embedded
from seo_warehouse.embedded.postgres import Postgres, binaries, free_port
from seo_warehouse.load.schema import prepare
from seo_warehouse.sources import SOURCES

# A deadline would measure how busy the machine is.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

TOGETHER = ("pipeline", "chaos", "warehouse a-l", "warehouse m-z", "embedded")
"""Folders whose tests share what takes long to make, the longest first.

One is in halves, which two processes can share: what both have to make, a minute's work, is less than what a process
waits for at the end.
"""

PASSWORDS = {role: f"test-{role}" for role in ("owner", "loader", "transformer", "analyst", "operator")}


NO_COMMIT = "0000000"
"""What seeds are drawn by where no commit is known, as in a tree that was downloaded."""


PROGRAMS = {
    15: Path("/usr/lib/postgresql/15/bin"),
    16: binaries().parents[1] / "pginstall/bin",
    17: Path("/usr/lib/postgresql/17/bin"),
    18: binaries(),
}
"""Of PostgreSQL by version: 16 and 18 are embedded, 15 and 17 Debian's where they are installed."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--seed`: what tests that take seeds run on. `--postgres`: on which server the others of PostgreSQL run."""
    parser.addoption("--seed", help="a seed, or the first and the last of them (0-99); else some drawn by the commit")
    parser.addoption("--postgres", type=int, choices=PROGRAMS, default=18, help="the major version of PostgreSQL")


def pytest_configure(config: pytest.Config) -> None:
    """The embedded server's programs are those of the version asked for."""
    programs = PROGRAMS[config.getoption("--postgres")]
    if not programs.exists():
        raise pytest.UsageError(f"{programs} is not there: install that version of PostgreSQL")
    embedded.binaries = lambda: programs


def pytest_report_header() -> str:
    """By what seeds are drawn; the seeds themselves are in the names of their tests."""
    return f"seeds: drawn by commit {_commit()}"


def seeds(config: pytest.Config, count: int, of: int) -> Sequence[int]:
    """The seeds that `--seed` names; else `count` of the first `of`: others for each commit, the same in each process.

    For `pytest_generate_tests`, so that the seeds stand in the names of their tests.
    """
    if named := config.getoption("--seed"):
        first, _, last = named.partition("-")
        return range(int(first), int(last or first) + 1)
    return sorted(random.Random(_commit()).sample(range(of), count))


@cache
def _commit() -> str:
    root = Path(__file__).parents[1]
    # Whoever owns the tree: a container's root may not.
    asked = ["git", "-c", "safe.directory=*", "-C", str(root), "rev-parse", "HEAD"]
    try:
        return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return NO_COMMIT


class Scheduling(LoadScopeScheduling):
    """Gives a process a whole module, or all of one of `TOGETHER`, one after another as they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """How tests are spread over processes (`-n 3`)."""
    config.option.loadscopereorder = False
    return Scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest where tests are spread over processes."""
    if hasattr(config, "workerinput"):
        ranks = {name: rank for rank, name in enumerate(TOGETHER)}
        items.sort(key=lambda item: ranks.get(_group(item.nodeid), len(ranks)))


def _group(nodeid: str) -> str:
    module = nodeid.partition("::")[0]
    folder, _, name = module.removeprefix("tests/").partition("/")
    if folder == "warehouse":
        folder += " a-l" if name < "test_m" else " m-z"
    return folder if folder in TOGETHER else module


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A throw-away PostgreSQL with a template database `warehouse_template`."""
    folder = Path(tempfile.mkdtemp(prefix="seo-warehouse-test-"))
    server = Postgres(folder / "pg", free_port(), "test-superuser")
    server.initialise()
    server.start()
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("create database warehouse_template")
        # Nobody needs these databases after a power cut, and a copy of files costs a tenth of one by the log.
        for setting in ("fsync", "full_page_writes"):
            connection.execute(f"alter system set {setting} = off")
        connection.execute("select pg_reload_conf()")
    with psycopg.connect(server.dsn("warehouse_template"), autocommit=True) as connection:
        prepare(connection, SOURCES, PASSWORDS)
    yield server
    has_ended, said = not server.is_running(), server.log.read_text()[-3000:]
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)
    assert not has_ended, f"the tests' server has ended by itself:\n{said}"


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """Superuser DSN of a fresh warehouse database."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute(f"create database {name} template warehouse_template strategy file_copy")
    yield postgres.dsn(name)
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings and specifications, which is not part of the repository."""
    return _shared("data")


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """The folder of cases made after public reports and real files, which is not part of the repository."""
    return _shared("cases")


def _shared(name: str) -> Path:
    folder = Path(__file__).parents[1] / ".." / "shared" / name
    if folder.is_dir():
        return folder.resolve()
    if os.environ.get("CI"):
        pytest.fail(f"{folder} is missing: external tests must run in CI")
    pytest.skip(f"{folder} is missing: it is not part of the repository")
