"""The embedded Airflow: scheduler, DAG processor and API server, each a process of its own on 127.0.0.1.

Not `airflow standalone`: that starts twelve processes, orphans them on SIGTERM and restarts none. No triggerer:
nothing here defers. All settings are environment variables; nothing of the user's own Airflow settings is
inherited but connections and variables (AIRFLOW_CONN_*, AIRFLOW_VAR_*).
Settings: https://airflow.apache.org/docs/apache-airflow/3.3.2/configurations-ref.html
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

from seo_warehouse.embedded import health, processes
from seo_warehouse.embedded.processes import Component
from seo_warehouse.embedded.room import is_free, require_space
from seo_warehouse.errors import EmbeddedError
from seo_warehouse.ledger.roles import scrambled

ROOT = Path(__file__).parents[3]
"""The checkout: dags/ and plugins/ lie here."""

COMMANDS = {
    "airflow-scheduler": ("scheduler", "--skip-serve-logs"),
    "airflow-dag-processor": ("dag-processor",),
    "airflow-api-server": ("api-server",),
}
DATABASE = "seo_warehouse_airflow"
"""Name of the metadata database and of its role; not Airflow's own default, which somebody else may use."""
ADMIN = "admin"
LEAST_FREE_BYTES = 300_000_000
"""Airflow's logs and PostgreSQL's write-ahead log of a first run, with room to end in order."""
START_SECONDS = 300.0

Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Airflow:
    """One embedded Airflow. `home` is the state folder of `make run`.

    `server_dsn` is a libpq URI of a role that may create roles and databases; the metadata database `airflow`
    is made there. `variables` reach every component: connections, and where the warehouse is.
    """

    home: Path
    port: int
    server_dsn: str
    database_password: str
    admin_password: str
    variables: Mapping[str, str]
    dags: Path = ROOT / "dags"
    plugins: Path = ROOT / "plugins"

    @property
    def url(self) -> str:
        """Address of the user interface and the REST API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def folder(self) -> Path:
        """AIRFLOW_HOME."""
        return self.home / "airflow"

    @property
    def components(self) -> tuple[Component, ...]:
        """What runs, in the order in which it is started."""
        return components(self.home)


def components(home: Path) -> tuple[Component, ...]:
    """The components of the embedded Airflow whose state is in `home`."""
    return tuple(Component(name, home / "processes") for name in COMMANDS)


def prepare(airflow: Airflow, report: Report) -> None:
    """Make the metadata database, the folders and the password file, as far as they are missing.

    Killed at any point it starts cleanly again: the database bears its name only once it is whole.
    Raises EmbeddedError.
    """
    require_space(airflow.home, LEAST_FREE_BYTES)
    airflow.folder.mkdir(parents=True, exist_ok=True)
    passwords = airflow.folder / "passwords.json"
    _write_private(passwords, json.dumps({ADMIN: airflow.admin_password}) + "\n")
    try:
        with psycopg.connect(airflow.server_dsn, autocommit=True) as connection:
            _make_database(airflow, connection, report)
    except psycopg.Error as error:
        raise EmbeddedError(f"Airflow's metadata database could not be made: {error}") from None


def start(airflow: Airflow, report: Report) -> None:
    """Start what does not run, and anew what hangs, and wait until all of it is healthy.

    Raises EmbeddedError naming what is not.
    """
    require_space(airflow.home, LEAST_FREE_BYTES)
    began, deadline, told = datetime.now(UTC), time.monotonic() + START_SECONDS, 0.0
    started = _start_missing(airflow, frozenset(), report)
    while ailing := health.ailing(airflow.url, started, began):
        if time.monotonic() > deadline:
            parts = ", ".join(ailing)
            raise EmbeddedError(f"Airflow is not healthy after {START_SECONDS:.0f} s: {parts}; see {airflow.home}")
        if time.monotonic() - told > 5:
            report(f"waiting for Airflow: {', '.join(ailing)}")
            told = time.monotonic()
        time.sleep(0.3)
        _end_hung(airflow, started, began, report)
        # One that ran before may be about to end, its database having gone: it gets the same chance as the others.
        started |= _start_missing(airflow, started, report)


def stop(home: Path, report: Report) -> None:
    """End every process of the embedded Airflow in `home`. Raises EmbeddedError naming one that will not end."""
    if any(processes.members(component) for component in components(home)):
        report("stopping Airflow")
    processes.stop(components(home))


def environment(airflow: Airflow, database: str = DATABASE) -> dict[str, str]:
    """The variables that every component gets."""
    return _inherited() | _settings(airflow, database) | dict(airflow.variables)


def _settings(airflow: Airflow, database: str) -> dict[str, str]:
    server = urlsplit(airflow.server_dsn)
    login = f"{DATABASE}:{quote(airflow.database_password, safe='')}"
    address = f"{login}@{server.hostname}:{server.port or 5432}/{database}{'?' + server.query if server.query else ''}"
    settings = {
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": "4",
        "CORE__DAGS_FOLDER": str(airflow.dags),
        "CORE__PLUGINS_FOLDER": str(airflow.plugins),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "CORE__DEFAULT_TIMEZONE": "utc",
        "CORE__FERNET_KEY": base64.urlsafe_b64encode(_derived(airflow, "fernet")).decode(),
        "CORE__EXECUTION_API_SERVER_URL": f"{airflow.url}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:ADMIN",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(airflow.folder / "passwords.json"),
        "DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{address}",
        # psycopg 3 speaks asynchronously too; Airflow's own default, asyncpg, would be one driver more.
        "DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"postgresql+psycopg://{address}",
        "API__HOST": "127.0.0.1",
        "API__PORT": str(airflow.port),
        "API__BASE_URL": airflow.url,
        "API__WORKERS": "1",
        "API__SECRET_KEY": _derived(airflow, "session").hex(),
        "API__EXPOSE_CONFIG": "False",
        # A run over fifty properties has hundreds of tasks.
        "API__MAXIMUM_PAGE_LIMIT": "1000",
        "API_AUTH__JWT_SECRET": _derived(airflow, "token").hex(),
        "DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "SCHEDULER__ENABLE_TRACEMALLOC": "False",
        # A killed scheduler's tasks are taken over by the next one after these, not after ten minutes.
        "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "20",
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "15",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        # On a busy machine an answer takes longer than the five seconds after which a task gives up by default.
        "WORKERS__EXECUTION_API_TIMEOUT": "60",
        "LOGGING__BASE_LOG_FOLDER": str(airflow.folder / "logs"),
        "LOGGING__COLORED_CONSOLE_LOG": "False",
        "LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o700",
        "LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o600",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    return {f"AIRFLOW__{name}": value for name, value in settings.items()} | {
        "AIRFLOW_HOME": str(airflow.folder),
        "PYTHONPATH": str(Path(__file__).parent / "airflow_home"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '/usr/bin:/bin')}",
        # Components talk to each other on loopback; a proxy of the user's must not stand between them.
        "NO_PROXY": ",".join(filter(None, (os.environ.get("NO_PROXY"), "127.0.0.1,localhost"))),
        "no_proxy": ",".join(filter(None, (os.environ.get("no_proxy"), "127.0.0.1,localhost"))),
        "GX_ANALYTICS_ENABLED": "false",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


def _inherited() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AIRFLOW_") or name.startswith(("AIRFLOW_CONN_", "AIRFLOW_VAR_"))
    }


def _derived(airflow: Airflow, purpose: str) -> bytes:
    # One kept secret is enough: 32 bytes for each purpose follow from it.
    return hashlib.sha256(f"{purpose}\0{airflow.database_password}".encode()).digest()


def _make_database(airflow: Airflow, connection: psycopg.Connection[tuple[object, ...]], report: Report) -> None:
    built_by = f"apache-airflow {version('apache-airflow')}"
    role = sql.Identifier(DATABASE)
    if reason := why_unusable(connection):
        raise EmbeddedError(reason)
    found = _find_database(connection)
    if not connection.execute("select 1 from pg_roles where rolname = %s", (DATABASE,)).fetchone():
        connection.execute(sql.SQL("create role {} login").format(role))
    password = scrambled(connection, DATABASE, airflow.database_password)
    connection.execute(sql.SQL("alter role {} password {}").format(role, sql.Literal(password)))
    if found is not None:
        _close_to_others(connection)
    if found == (built_by,):
        return
    report("making Airflow's metadata database" if found is None else "migrating Airflow's metadata database")
    if found is None:
        fresh = sql.Identifier(f"{DATABASE}_new")
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(fresh))
        connection.execute(sql.SQL("grant {} to current_user").format(role))
        connection.execute(sql.SQL("create database {} owner {}").format(fresh, role))
        _migrate(airflow, f"{DATABASE}_new")
        connection.execute(sql.SQL("comment on database {} is {}").format(fresh, sql.Literal(built_by)))
        connection.execute(sql.SQL("alter database {} rename to {}").format(fresh, role))
        _close_to_others(connection)
    else:
        _migrate(airflow, DATABASE)
    connection.execute(sql.SQL("comment on database {} is {}").format(role, sql.Literal(built_by)))


def why_unusable(connection: psycopg.Connection[tuple[object, ...]]) -> str | None:
    """Why a server cannot hold the metadata database of this Airflow, for whoever the connection is; None: it can."""
    found = _find_database(connection)
    if found is not None and not str(found[0]).startswith("apache-airflow "):
        return f"the server has a database {DATABASE} that is none of ours: rename it, or use another server"
    may_make = connection.execute(
        "select rolsuper or rolcreatedb, rolname from pg_roles where rolname = current_user"
    ).fetchone()
    if found is None and may_make is not None and not may_make[0]:
        return (
            f"{may_make[1]} may not create databases, and Airflow needs one: `alter role {may_make[1]} createdb`,"
            " or another user"
        )
    return None


def _find_database(connection: psycopg.Connection[tuple[object, ...]]) -> tuple[object, ...] | None:
    """What is said of the metadata database; None where there is none."""
    return connection.execute(
        "select shobj_description(oid, 'pg_database') from pg_database where datname = %s", (DATABASE,)
    ).fetchone()


def _close_to_others(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """PostgreSQL lets every role of a server into every database: an analyst has no business in this one."""
    connection.execute(sql.SQL("revoke connect, temporary on database {} from public").format(sql.Identifier(DATABASE)))


def _migrate(airflow: Airflow, database: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"],
        env=environment(airflow, database),
        cwd=airflow.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        umask=0o077,
        check=False,
    )
    if done.returncode:
        last = (done.stdout.strip().splitlines() or ["no message"])[-1]
        raise EmbeddedError(f"airflow db migrate failed ({done.returncode}): {last}")


def _end_hung(airflow: Airflow, started: frozenset[str], began: datetime, report: Report) -> None:
    """End what ran before and hangs; those of `started` have just begun, and others may have begun a moment before."""
    running = {c.name: c for c in airflow.components if c.name not in started and processes.find(c)}
    old = {name: c for name, c in running.items() if time.time() - c.record.stat().st_mtime > health.HUNG_SECONDS}
    for silence in health.silences(airflow.url, old):
        waited = (datetime.now(UTC) - began).total_seconds()
        if (waited if silence.seconds is None else silence.seconds) > health.HUNG_SECONDS:
            report(f"{silence}: it is started anew")
            # One that is stopped hears no request to end.
            processes.stop([running[silence.component]], patience_seconds=5.0)


def _start_missing(airflow: Airflow, started: frozenset[str], report: Report) -> frozenset[str]:
    """Start what does not run. Returns the names. Raises EmbeddedError for one of `started` that has ended again."""
    missing = [component for component in airflow.components if processes.find(component) is None]
    if any(component.name == "airflow-api-server" for component in missing) and not is_free(airflow.port):
        raise EmbeddedError(f"port {airflow.port} of 127.0.0.1, meant for Airflow, is in use by another program")
    for component in missing:
        if component.name in started:
            words = processes.last_words(component) or "no message"
            raise EmbeddedError(f"{component.name} ended while starting: {words} ({component.log})")
        report(f"starting {component.name}")
        command = [sys.executable, "-m", "airflow", *COMMANDS[component.name]]
        processes.start(component, command, environment=environment(airflow), folder=airflow.folder)
    return frozenset(component.name for component in missing)


def _write_private(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.rename(path)
