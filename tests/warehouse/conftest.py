"""A warehouse to run dbt over: raw rows and publications go in, models come out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from seo_warehouse.embedded.postgres import Postgres
from tests.conftest import PASSWORDS
from tests.warehouse.world import DATABASE, Dbt, Template, Warehouse

MODELLED = "warehouse_modelled"
"""The database that modules copy."""


@pytest.fixture(scope="session")
def dbt(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dbt]:
    """dbt, parsed once: the database's name is part of what dbt parses, so every test uses the same name."""
    settings = {
        "SEO_DBT_HOST": "127.0.0.1",
        "SEO_DBT_PORT": str(postgres.port),
        "SEO_DBT_USER": "seo_transformer",
        "SEO_DBT_PASSWORD": PASSWORDS["transformer"],
        "SEO_DBT_DATABASE": DATABASE,
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    yield Dbt(tmp_path_factory.mktemp("dbt"))
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


@pytest.fixture(scope="session")
def template(postgres: Postgres, dbt: Dbt) -> Template:
    """Every seed and model, made once while nothing is published; modules begin with a copy."""
    with _warehouse(postgres, dbt, "warehouse_template") as warehouse:
        made = warehouse.dbt.invoke("build", "--resource-type", "seed", "--resource-type", "model")
    assert made.success, [r.message for r in made.result.results if str(r.status) == "error"] or made.exception
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute(f"alter database {DATABASE} rename to {MODELLED}")
    return Template({r.node.name: r.node.compiled_code for r in made.result.results if r.node.resource_type == "model"})


@pytest.fixture(scope="module")
def warehouse(postgres: Postgres, dbt: Dbt, template: Template) -> Iterator[Warehouse]:
    """A warehouse for the tests of one module: every model is made, of nothing yet."""
    with _warehouse(postgres, replace(dbt, is_modelled=True), MODELLED) as warehouse:
        yield warehouse


@pytest.fixture(scope="module")
def bare_warehouse(postgres: Postgres, dbt: Dbt) -> Iterator[Warehouse]:
    """A warehouse without models, for a module that does not use `warehouse`."""
    with _warehouse(postgres, dbt, "warehouse_template") as warehouse:
        yield warehouse


@contextmanager
def _warehouse(postgres: Postgres, dbt: Dbt, template: str) -> Iterator[Warehouse]:
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute(f"drop database if exists {DATABASE} with (force)")
        connection.execute(f"create database {DATABASE} template {template} strategy file_copy")
    with psycopg.connect(postgres.dsn(DATABASE), autocommit=True) as connection:
        yield Warehouse(connection, dbt)


@pytest.fixture(scope="session")
def project() -> Path:
    """The dbt project's folder."""
    return Path(__file__).parents[2] / "dbt_project"
