"""Rows of every source in which one text is what nobody expects, published as a night publishes them."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from hypothesis import find
from hypothesis import strategies as st

from seo_warehouse.ledger import loads
from seo_warehouse.load.batch import write_batch
from seo_warehouse.load.publish import publish
from seo_warehouse.sources import SOURCES
from seo_warehouse.spec import Column, Kind, Row, Source, Table, Type
from tests.load.loading import make_noted, make_reading
from tests.warehouse.world import Warehouse

FIRST_DAY = date(2026, 2, 1)
HOST = "https://shop.example/"
_DRAWN = random.Random(3)
TEXTS = {
    # Drawn at random: PostgreSQL packs what repeats.
    "long": "".join(_DRAWN.choices(string.ascii_letters + string.digits, k=10_000)),
    "wide": "".join(chr(_DRAWN.randrange(0x10000, 0x14000)) for _ in range(10_000)),
    "nul": "a\0b",
    "surrogate": "a\ud800b",
}
"""What a stranger may write; the last two are no text of PostgreSQL's."""
FREE = (Type.TEXT, Type.URL, Type.TEXTS, Type.JSON)


def free_columns(table: Table) -> list[Column]:
    """The columns in which the gate lets any text pass."""
    return [c for c in table.columns if c.type in FREE and c.values is None and c.pattern is None]


def publish_everything(warehouse: Warehouse, property_key: int) -> None:
    """Publish, of each table of each source, a day for each free column and text."""
    for source in SOURCES:
        for table in source.tables:
            rows = list(hostile_rows(source, table))
            if rows:
                _publish(warehouse, source, table, property_key, rows)


def hostile_rows(source: Source, table: Table) -> Iterator[Row]:
    """A row for each free column and text, each of its own day."""
    usual = {column.name: _usual(column) for column in table.columns}
    day = FIRST_DAY
    for column in free_columns(table):
        for text in TEXTS.values():
            dates = {c.name: day for c in table.columns if c.type is Type.DATE}
            # On one day after another, since a row may differ from the next in that text alone.
            yield usual | dates | {column.name: _hostile(table, column, text), "day": day}
            day += timedelta(days=1)


def _hostile(table: Table, column: Column, text: str) -> Any:
    if column.type is Type.URL:
        return f"{HOST}{text}/{table.name}"
    if column.type is Type.TEXTS:
        return [text, "plain"]
    return [text, {text: [text]}] if column.type is Type.JSON else text


def _usual(column: Column) -> Any:
    if column.values is not None:
        return list(column.values[:1]) if column.type is Type.TEXTS else column.values[0]
    if column.pattern is not None:
        return find(st.from_regex(column.pattern, fullmatch=True), lambda _: True)
    usual: dict[Type, Any] = {
        Type.TEXT: "words",
        Type.URL: f"{HOST}pans",
        Type.TEXTS: ["words"],
        Type.JSON: [],
        Type.BOOLEAN: True,
        Type.DATE: FIRST_DAY,
        Type.INSTANT: datetime.combine(FIRST_DAY, time(4), UTC),
    }
    return usual[column.type] if column.type in usual else max(1, int(column.minimum or 0))


def _publish(warehouse: Warehouse, source: Source, table: Table, property_key: int, rows: list[Row]) -> None:
    alone = replace(source, tables=(table,))
    days = [row["day"] for row in rows]
    part = f"generic_{table.name}" if source.kind is Kind.DROP else ""
    reading = make_reading(alone, days=days, property_key=property_key, part=part, scope=f"hostile={table.name}")
    load_id = loads.begin_load(warehouse.connection, reading)
    write_batch(warehouse.connection, load_id, reading, iter(rows), make_noted(days))
    loads.move(warehouse.connection, load_id, "passed")
    publish(warehouse.connection, source, table, load_id)
