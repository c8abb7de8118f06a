"""How a report asks the marts, which may be of a time before some of its tables and columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import psycopg
from psycopg.rows import class_row

from seo_warehouse.errors import ConfigError

Row = TypeVar("Row")
EARLIER = "the marts were made by an earlier version, or of other properties: `seo-warehouse build` makes them anew"


def has_tables(connection: psycopg.Connection[Any], *tables: str) -> bool:
    """Whether the marts hold all of these tables."""
    names = [f"marts.{table}" for table in tables]
    row = connection.execute("select bool_and(to_regclass(name) is not null) from unnest(%s::text[]) as name", (names,))
    return bool(row.fetchone() == (True,))


def read_rows(
    connection: psycopg.Connection[Any], kind: type[Row], query: str, which: Mapping[str, Any]
) -> tuple[Row, ...]:
    """The rows of a query, whose columns are the fields of `kind`. Raises ConfigError where the marts lack one."""
    try:
        with connection.cursor(row_factory=class_row(kind)) as cursor:
            return tuple(cursor.execute(query, which).fetchall())
    except psycopg.errors.UndefinedColumn as error:
        raise ConfigError(EARLIER) from error
