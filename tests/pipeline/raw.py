"""What `raw` holds, in business columns alone."""

from __future__ import annotations

from decimal import Decimal

from psycopg import sql

from seo_warehouse.load.schema import stored_columns
from seo_warehouse.sources import SOURCES
from tests.pipeline.conftest import Running

Digest = tuple[int, Decimal]


def digests(running: Running, *sources: str) -> dict[str, Digest]:
    """Row count and hash of every raw table's business columns, of these sources or of all.

    The hash is the sum of the rows' own, over their text: keys are unique, so rows that are equal in any order are
    equal in the order of their keys, and nobody has to sort a million of them.
    """
    return {
        source.raw_name(table): _digest(running, source.raw_name(table), columns)
        for source in SOURCES
        if not sources or source.name in sources
        for table in source.tables
        for columns in [["property_key", "part", *(name for name, _ in stored_columns(table.columns))]]
    }


def _digest(running: Running, relation: str, columns: list[str]) -> Digest:
    query = sql.SQL("select count(*), coalesce(sum(hashtextextended(row({})::text, 0)), 0) from {}").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier("raw", relation)
    )
    with running.wh.connect("loader") as connection:
        [(count, sum_of_hashes)] = connection.execute(query).fetchall()
    return count, sum_of_hashes
