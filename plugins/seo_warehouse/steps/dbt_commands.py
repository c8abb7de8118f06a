"""dbt in this process, told which warehouse: for builds, and for whoever types dbt's own commands."""

from __future__ import annotations

import gc
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from seo_warehouse.errors import BuildError
from seo_warehouse.load.schema import is_cluster
from seo_warehouse.steps.dbt_shortcuts import shortcuts
from seo_warehouse.steps.warehouse import Warehouse

BUILDING = "seo_warehouse_build"
"""The name of sessions that change models: the next build ends those that a killed one left."""
ADDED_TO = {"_event_status", "extra_ctes"}
"""Fields of a node, empty after parsing."""
FLAGS_SOURCE = "dbt.adapters.base.impl"
"""What makes flags of dbt's behaviour."""
DEAD_SESSION_MILLISECONDS = 30_000
"""How long a dead build's session may take to end."""


def end_sessions_of_dead_builds(wh: Warehouse) -> None:
    """A killed dbt leaves its last statement running; we hold the warehouse lock, so whoever builds is dead.

    Waits until they are gone: one that is just committing would else change a table under the new build.
    """
    with wh.connect("transformer", autocommit=True) as connection:
        connection.execute(
            """
            select pg_terminate_backend(pid, %s) from pg_stat_activity
            where application_name = %s and datname = current_database()
            """,
            (DEAD_SESSION_MILLISECONDS, BUILDING),
        )


def parse(wh: Warehouse, target: Path) -> Any:
    """The project's manifest, read anew only where a file has changed. Raises BuildError.

    Apart from what is run, whose variable is another each time: to dbt that is a reason to parse everything again.
    """
    parsed = invoke(["parse", *common(wh, target), "--quiet", "--no-write-json"])
    if not parsed.success:
        raise BuildError(f"the models cannot be parsed: {' '.join(str(parsed.exception).split())}")
    return parsed.result


def invoke(
    arguments: Sequence[str],
    callbacks: Sequence[Any] = (),
    manifest: Any = None,
    heard: Collection[str] | None = None,
) -> Any:
    """Run a command; dbt's own result. `heard`: names of events of dbt's debug level, where not all are wanted."""
    from dbt.cli.main import dbtRunner

    with sparingly(heard):
        fresh = unused(manifest) if manifest is not None else None
        return dbtRunner(manifest=fresh, callbacks=list(callbacks)).invoke(list(arguments))


def unused(manifest: Any) -> Any:
    """A copy of a manifest for one command: dbt notes in its nodes what it makes of them, and only reads the rest.

    Of nodes that it has used, dbt leaves the ephemeral models out of the queries that they are part of.
    """
    nodes = {}
    for unique_id, node in manifest.nodes.items():
        nodes[unique_id] = fresh = copy(node)
        # What it adds to; all else it puts in its place.
        vars(fresh).update({name: type(value)() for name, value in vars(node).items() if name in ADDED_TO})
    return replace(manifest, nodes=nodes)


@contextmanager
def sparingly(heard: Collection[str] | None = None) -> Iterator[None]:
    """Have dbt do without what costs its commands more than it gives.

    Python's collector leaves alone what is there by now, and looks seldom for what is dead of the rest. A manifest is
    half a million objects that live until dbt ends: walked each time that a quarter more has come, they take a sixth of
    dbt's time.

    The module that flags of dbt's behaviour come from is named, not looked for in the files of all frames of the stack:
    of as many flags as the process has begun commands, since each adds its own once more to a list that they share.

    A thread keeps its connection from one node to the next: half of what PostgreSQL does for a night in which nothing
    came is beginning sessions. dbt closes them as its command ends.
    """
    from dbt.adapters.postgres.connections import PostgresConnectionManager
    from dbt_common.behavior_flags import BehaviorFlagRendered

    before, found = gc.get_threshold(), BehaviorFlagRendered.__dict__["_default_source"]
    closing = PostgresConnectionManager.release
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    BehaviorFlagRendered._default_source = staticmethod(lambda: FLAGS_SOURCE)
    PostgresConnectionManager.release = lambda manager: _is_renewed(manager) or closing(manager)
    try:
        with shortcuts(heard):
            yield
    finally:
        PostgresConnectionManager.release = closing
        BehaviorFlagRendered._default_source = found
        gc.set_threshold(*before)
        gc.unfreeze()


def _is_renewed(manager: Any) -> bool:
    """Make the session of the thread's connection as a new one is, where there is one and it still answers."""
    import psycopg2

    connection = manager.get_if_exists()
    if connection is None or connection.state != "open":
        return False
    session = connection.handle
    try:
        session.rollback()
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute("discard all")
        session.autocommit = False
    except psycopg2.Error:  # dbt closes it
        return False
    connection.transaction_open = False
    return True


def common(wh: Warehouse, target: Path) -> list[str]:
    """Where the project is, and where what comes of it goes."""
    project = str(wh.settings.dbt_project)
    return [
        "--project-dir", project, "--profiles-dir", project,
        "--target-path", str(target), "--log-path", str(target),
        "--no-use-colors", "--no-send-anonymous-usage-stats", "--no-version-check",
    ]  # fmt: skip


@contextmanager
def environment(wh: Warehouse, application: str) -> Iterator[None]:
    """Set the connection that dbt reads from the environment, for the run, then put back what was there."""
    with wh.connect("transformer") as connection:
        target = "citus" if is_cluster(connection) else "warehouse"
    dsn = {name: str(value) for name, value in conninfo_to_dict(wh.dsn("transformer")).items()}
    wanted = {
        "SEO_DBT_HOST": dsn.get("host", "127.0.0.1"),
        "SEO_DBT_PORT": dsn.get("port", "5432"),
        "SEO_DBT_USER": dsn["user"],
        "SEO_DBT_PASSWORD": dsn["password"],
        "SEO_DBT_DATABASE": dsn["dbname"],
        "SEO_DBT_SSLMODE": dsn.get("sslmode", "prefer"),
        "SEO_DBT_APPLICATION": application,
        "SEO_DBT_TARGET": target,
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
