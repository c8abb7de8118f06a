"""What `raw` holds, in business columns alone."""

from __future__ import annotations

import hashlib

from psycopg import sql

from seo_warehouse.load.schema import grain_key, stored_columns
from seo_warehouse.sources import SOURCES
from tests.pipeline.conftest import Running


def digests(running: Running) -> dict[str, str]:
    """A hash of every raw table's business columns, byte by byte in the order of the key."""
    return {
        source.raw_name(table): _digest(running, source.raw_name(table), columns, grain_key(table))
        for source in SOURCES
        for table in source.tables
        for columns in [["property_key", "part", *(name for name, _ in stored_columns(table.columns))]]
    }


def _digest(running: Running, relation: str, columns: list[str], grain: sql.Composable) -> str:
    query = sql.SQL("copy (select {} from {} order by property_key, day, part{}) to stdout").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier("raw", relation), grain
    )
    held = hashlib.sha256()
    with running.wh.connect("loader") as connection, connection.cursor().copy(query) as rows:
        for block in rows:
            held.update(block)
    return held.hexdigest()
