"""What the steps between the models and what is published of them share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from seo_warehouse.errors import BuildError


@contextmanager
def estimating(what: str) -> Iterator[None]:
    """Raise BuildError, with what cannot be estimated, where the figures that the models left allow of none.

    As of a model that fails, whose figures these are is found out by building without some (apart.py).
    """
    try:
        yield
    except (ArithmeticError, LookupError, TypeError, ValueError, psycopg.DataError, psycopg.IntegrityError) as error:
        raise BuildError(
            f"{what} cannot be estimated: {type(error).__name__}: {' '.join(str(error).split())}"
        ) from error


def replace_rows(
    writer: psycopg.Connection[Any], table: str, names: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Put rows of these columns in the place of all that a table of `ops` holds."""
    writer.execute(sql.SQL("delete from ops.{}").format(sql.Identifier(table)))
    statement = sql.SQL("copy ops.{} ({}) from stdin").format(sql.Identifier(table), columns_of(names))
    with writer.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def columns_of(names: Sequence[str]) -> sql.Composed:
    """Names of columns as a statement lists them."""
    return sql.SQL(", ").join([sql.Identifier(name) for name in names])
