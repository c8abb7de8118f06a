"""One cold `make run`, as its user types it, that every test of this folder uses.

Modules run in the order of their names: those that bring further nights, or stop what is served, come last.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

import tests.airflow_home  # noqa: F401
from seo_warehouse.config import Role, Settings
from seo_warehouse.embedded import parts
from seo_warehouse.embedded.airflow import ADMIN
from seo_warehouse.embedded.airflow import environment as airflow_environment
from seo_warehouse.embedded.rest import Client
from seo_warehouse.steps.stated import CONNECTIONS_FILE
from seo_warehouse.steps.warehouse import Warehouse, open_warehouse, read_ports, read_secrets
from tests.load.loading import write
from tests.pipeline.browser import Browser, chromium

ROOT = Path(__file__).parents[2]
MAKE_RUN_SECONDS = 1_200


@dataclass(frozen=True)
class Running:
    """What `make run` left serving. `night` is the one it brought through the scheduler."""

    home: Path
    wh: Warehouse
    airflow: Client
    output: str
    night: date

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a command in this home."""
        return environment(self.home)

    def rows(self, query: str, *values: Any, role: Role = "transformer", **named: Any) -> list[tuple[Any, ...]]:
        """What a query returns."""
        with self.wh.connect(role) as connection:
            return connection.execute(query, values or named).fetchall()

    def one(self, query: str, *values: Any, role: Role = "transformer") -> Any:
        """The one value that a query returns."""
        [(value,)] = self.rows(query, *values, role=role)
        return value

    def command(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """`seo-warehouse <arguments>` in this home."""
        return command(self.home, *arguments, **variables)

    def control(self, name: str, value: Any = None) -> Any:
        """Read what the demo's control says, or set it first."""
        url = f"http://127.0.0.1:{read_ports(self.home)['demo']}/control/{name}"
        answer = requests.get(url, timeout=60) if value is None else requests.put(url, json=value, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def set_clock(self, instant: datetime | None) -> None:
        """Set the demo's clock, which the warehouse's own follows; None: real time."""
        self.control("clock", {"now": instant.isoformat() if instant else None})

    def provider_calls(self) -> dict[str, int]:
        """Calls that the demo's providers got since they were counted from nothing."""
        calls: dict[str, int] = self.control("calls")["calls"]
        return calls


def environment(home: Path) -> dict[str, str]:
    """A user's environment with nothing of ours in it but where the state lies."""
    # Of MAKE: a make below another one says where it enters and leaves.
    ours = ("SEO_WAREHOUSE", "AIRFLOW", "PYTHON", "MAKE", "MFLAGS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"HOME": str(home.parent), "SEO_WAREHOUSE_HOME": str(home)}


def make(target: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`make <target>` in the checkout."""
    return subprocess.run(
        ["make", target, *arguments],
        cwd=ROOT,
        env=environment(home),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        timeout=MAKE_RUN_SECONDS,
        check=False,
    )


def command(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`seo-warehouse <arguments>` with its state in `home`."""
    return subprocess.run(
        [ROOT / ".venv" / "bin" / "seo-warehouse", *arguments],
        cwd=ROOT,
        env=environment(home) | variables,
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=MAKE_RUN_SECONDS,
        check=False,
    )


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    """A cold `make run` in a fresh home; stopped at the end."""
    folder = Path(tempfile.mkdtemp(prefix="seo-warehouse-run-"))
    home = folder / "state"
    began = time.monotonic()
    try:
        done = make("run", home)
        output = f"{done.stdout}\nmake run took {time.monotonic() - began:.0f} s"
        assert done.returncode == 0, output
        yield describe(home, output)
    finally:
        stopped = make("stop", home)
        assert stopped.returncode == 0, stopped.stdout
        shutil.rmtree(folder, ignore_errors=True)


def hold(running: Running, days: int) -> int:
    """A held load of so many days before the night."""
    source = next(source for source in running.wh.sources if source.name == "search_console")
    with running.wh.connect("loader", autocommit=True) as connection:
        load_id = write(connection, [], source=source, days=[running.night - timedelta(days)])
        connection.execute("update ops.load set state = 'quarantined', reason = 'held' where load_id = %s", (load_id,))
    return load_id


def describe(home: Path, output: str) -> Running:
    """The running warehouse of a home."""
    wh = open_warehouse(Settings({"SEO_WAREHOUSE_HOME": str(home)}))
    airflow = Client(f"http://127.0.0.1:{read_ports(home)['airflow']}", ADMIN, read_secrets(home)["airflow_admin"])
    with wh.connect("loader") as connection:
        night = connection.execute("select max(night) from ops.night").fetchone()
    assert night is not None, output
    assert night[0] is not None, output
    return Running(home, wh, airflow, output, night[0])


@pytest.fixture(scope="module")
def browser(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A window in which the printed user is logged in. A module's own: Airflow's pages never rest."""
    if shutil.which("chromedriver") is None and not os.environ.get("CI"):
        pytest.skip("chromedriver is missing: apt-get install chromium-driver")
    with chromium(tmp_path_factory.mktemp("chromium")) as window:
        window.open(running.airflow.url)
        window.write("input[name=username]", running.airflow.user)
        window.write("input[name=password]", running.airflow.password)
        window.click("button[type=submit]")
        window.wait_for("Dags")
        yield window


def secrets_of(running: Running) -> dict[str, str]:
    """Passwords of roles and users, Airflow's own keys, the providers' credentials, the lines of a private key."""
    secrets = dict(read_secrets(running.home))
    told = airflow_environment(parts.airflow(running.wh.settings, read_ports(running.home)))
    keys = ("CORE__FERNET_KEY", "API__SECRET_KEY", "API_AUTH__JWT_SECRET")
    secrets |= {name: told[f"AIRFLOW__{name}"] for name in keys}
    for name, stated in json.loads((running.home / CONNECTIONS_FILE).read_text()).items():
        connection = json.loads(stated)
        if password := connection.get("password"):
            secrets[name] = password
        if login := connection.get("login"):
            secrets[f"{name} as sent"] = base64.b64encode(f"{login}:{password}".encode()).decode()
        key = connection.get("extra", {}).get("keyfile_dict", {}).get("private_key", "")
        secrets |= {f"{name} {number}": line for number, line in enumerate(key.split("\n")) if len(line) > 60}
    return secrets
