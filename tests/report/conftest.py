"""Marts of made-up rows in a real PostgreSQL, read as the analyst reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.conftest import PASSWORDS
from tests.report import world


@pytest.fixture
def marts(database: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection that may write; the marts are there, and empty."""
    with psycopg.connect(database, autocommit=True) as connection:
        world.create_marts(connection)
        yield connection


@pytest.fixture
def analyst(database: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the role that reports read with."""
    dsn = make_conninfo(database, user="seo_analyst", password=PASSWORDS["analyst"])
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection
