"""The marts of two warehouses, row by row."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.chaos.state import MEASURED
from tests.warehouse.comparing import is_same

OF_THE_RUN = ("rpt_completeness", "rpt_spend")
"""What a night met on its way and what it cost."""
MARTS = """
    select table_name from information_schema.tables where table_schema = 'marts' and table_name <> all (%s) order by 1
"""
Rows = list[tuple[Any, ...]]


def marts_of(connection: psycopg.Connection[Any]) -> list[str]:
    """The marts that speak of the properties, not of how a night went."""
    return [name for (name,) in connection.execute(MARTS, [list(OF_THE_RUN)])]


def rows_of(connection: psycopg.Connection[Any], mart: str) -> Rows:
    """A mart's rows but for what no two runs share, ordered by all that is no mean."""
    columns = connection.execute(
        "select column_name, data_type = 'double precision' from information_schema.columns"
        " where table_schema = 'marts' and table_name = %s and column_name <> all (%s) order by 2, 1",
        [mart, list(MEASURED)],
    ).fetchall()
    exact = ", ".join(name for name, is_mean in columns if not is_mean)
    means = "".join(f", {name}" for name, is_mean in columns if is_mean)
    return connection.execute(f"select row({exact})::text{means} from marts.{mart} order by 1{means}").fetchall()


def are_equal(one: Rows, other: Rows) -> bool:
    """Whether all rows are the same, means to 1e-9."""
    return len(one) == len(other) and all(all(map(is_same, *pair)) for pair in zip(one, other, strict=True))
