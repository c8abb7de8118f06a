"""A migration that is killed in the middle is ended by the next one."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.ledger.migrate import read_migrations
from tests.chaos.child import Child, start_command
from tests.chaos.state import until
from tests.conftest import PASSWORDS
from tests.ledger.test_migrate import CATALOG
from tests.steps.dropping import PROPERTIES

pytestmark = pytest.mark.slow


@pytest.fixture
def empty(postgres: Postgres) -> Iterator[str]:
    """Superuser DSN of a database with nothing in it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute(f"create database {name}")
        yield postgres.dsn(name)
        connection.execute(f"drop database {name} with (force)")


def migrate(home: Path, dsn: str) -> Child:
    return start_command({"SEO_WAREHOUSE_HOME": str(home), "SEO_WAREHOUSE_DSN": dsn}, home / "migrate.log", "migrate")


def catalog(connection: psycopg.Connection[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return connection.execute(CATALOG).fetchall()


def applied(connection: psycopg.Connection[tuple[object, ...]]) -> int:
    """How many migrations a database has."""
    if connection.execute("select to_regclass('ops.migration')").fetchall() == [(None,)]:
        return 0
    return len(connection.execute("select from ops.migration").fetchall())


def kill_once(child: Child, connection: psycopg.Connection[tuple[object, ...]], count: int) -> None:
    until(lambda: applied(connection) >= count)
    child.kill()


def test_a_migration_that_is_killed_again_and_again_ends_as_one_that_was_left_alone(
    database: str, empty: str, tmp_path: Path
) -> None:
    (tmp_path / "properties.yml").write_text(PROPERTIES)
    (tmp_path / "secrets.json").write_text(
        json.dumps(PASSWORDS | dict.fromkeys(("postgres", "airflow", "airflow_admin"), "x"))
    )
    last = len(read_migrations())
    with psycopg.connect(empty, autocommit=True) as connection:
        # The last time it is killed while it completes what is no migration: raw tables, roles, views.
        for count in (1, 2, last):
            kill_once(migrate(tmp_path, empty), connection, count)
        migrate(tmp_path, empty).succeed()
        with psycopg.connect(database, autocommit=True) as whole:
            assert catalog(connection) == catalog(whole)
        assert applied(connection) == last
        kept = connection.execute("select property_name from ops.property order by 1").fetchall()
        assert kept == [("blog",), ("shop",)]
