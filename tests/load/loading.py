"""A source made for these tests, and a batch taken through its life."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import psycopg
from psycopg import sql
from pydantic import Field

from seo_warehouse.client.api import Noted, Usage
from seo_warehouse.config import Properties
from seo_warehouse.ledger import loads
from seo_warehouse.load.batch import write_batch
from seo_warehouse.load.schema import create_raw
from seo_warehouse.property import Property, Strict
from seo_warehouse.spec import Column, Kind, Period, Reading, Row, RowRule, Source, Table, Type

DAY = date(2026, 5, 4)
READ_AT = datetime(2026, 5, 6, 6, 0, tzinfo=UTC)


class MadeUp(Strict):
    """What a property may state for the source made here."""

    interval_days: int = Field(1, description="Days between two nights.")


def reading(properties: Properties, *sources: Source, **settings: Any) -> Properties:
    """The properties, each with these sources, which are none of the product's."""
    stated: Any = SimpleNamespace(**{source.name: MadeUp(**settings) for source in sources})
    there = [prop.model_copy(update={"sources": stated}) for prop in properties.properties]
    return properties.model_copy(update={"properties": tuple(there)})


def read_nothing(api: Any, property: Any, period: Period) -> Iterator[Row]:
    """The tests hand in the rows themselves."""
    yield from ()


def make_table(**changes: Any) -> Table:
    """A table with a column of every type."""
    settings: dict[str, Any] = {
        "name": "hit",
        "description": "Hits, it's 100% made up: no :provider has them.",
        "read": read_nothing,
        "grain": ("day", "url", "device"),
        "unshaped": "The tests hand in the rows themselves.",
        "totals": ("clicks",),
        "columns": (
            Column(name="day", type=Type.DATE, description="The day.", required=True),
            Column(name="url", type=Type.URL, description="Address.", required=True),
            Column(name="device", type=Type.TEXT, description="Device.", required=True, values=("DESKTOP", "MOBILE")),
            Column(name="clicks", type=Type.FLOAT, description="Clicks.", minimum=0),
            Column(name="visits", type=Type.INTEGER, description="Visits.", minimum=0, maximum=1_000_000),
            Column(name="bytes", type=Type.BIGINT, description="Bytes."),
            Column(name="money", type=Type.NUMERIC, description="Cost."),
            Column(name="is_new", type=Type.BOOLEAN, description="New."),
            Column(name="seen_at", type=Type.INSTANT, description="Instant."),
            Column(name="extra", type=Type.JSON, description="More."),
            Column(name="tags", type=Type.TEXTS, description="Tags."),
            Column(name="country", type=Type.TEXT, description="Country.", pattern="^[a-z]{3}$"),
        ),
        "row_rules": (
            RowRule(
                name="visits_have_clicks",
                sql="clicks is null or visits is null or visits <= clicks or country = '100%:of it'",
                reason="A visit needs a click.",
            ),
        ),
    }
    return Table(**settings | changes)


def make_source(*tables: Table) -> Source:
    """A dated source of these tables, or of the one with every type."""
    return Source(
        name="made_up",
        description="Made up.",
        kind=Kind.DATED,
        cron="0 6 * * *",
        tables=tables or (make_table(),),
        settings=MadeUp,
        delay_days=2,
        lookback_days=3,
    )


SOURCE = make_source()
TABLE = SOURCE.tables[0]


def make_row(day: date = DAY, number: int = 1, **changes: Any) -> Row:
    """A good row; rows of different numbers differ in their grain."""
    return {
        "day": day,
        "url": f"https://www.example.com/page/{number}?utm_source=x",
        "device": "MOBILE",
        "clicks": 3.0 + number,
        "visits": 2,
        "bytes": 1 << 40,
        "money": Decimal("0.015"),
        "is_new": True,
        "seen_at": datetime(2026, 5, 4, 12, 30, 1, 5, tzinfo=UTC),
        "extra": {"a": [1, None, "ü"]},
        "tags": ["nofollow", 'a "quoted", {one} \\ back', ""],
        "country": "deu",
    } | changes


def make_reading(
    source: Source = SOURCE,
    *,
    days: Iterable[date] = (DAY,),
    property_key: int = 1,
    scope: str = "night=2026-05-06",
    purpose: str = "night",
    **changes: Any,
) -> Reading:
    """A reading of a source's first table, from the first of some days to the last."""
    # Not validated: what concerns all properties has the key 0.
    prop = Property.model_construct(key=property_key, name="shop", domain="shop.example", history_start=DAY)
    period = Period(min(days), max(days))
    table = source.tables[0]
    wanted: dict[str, Any] = {"source": source, "table": table, "property": prop, "period": period}
    return Reading(**wanted | {"scope": scope, "purpose": purpose} | changes)


def make_noted(
    days: Iterable[date] = (DAY,),
    facts: dict[date, dict[str, Any]] | None = None,
    read_at: datetime | None = READ_AT,
    **used: Any,
) -> Noted:
    """What is noted beside rows of some days: one call that cost two cents, unless said otherwise."""
    use: dict[str, Any] = {"calls": 1, "bytes": 10, "money": Decimal("0.02")}
    usage = Usage(last_answer_at=read_at, first_answer_at=read_at, **use | used)
    return Noted(days=set(days), facts=facts or {}, usage=usage)


def open_warehouse(dsn: str, source: Source = SOURCE) -> psycopg.Connection[Any]:
    """A connection in autocommit mode; the source's raw tables are there."""
    connection = psycopg.connect(dsn, autocommit=True)
    create_raw(connection, (source,))
    return connection


def write(
    connection: psycopg.Connection[Any],
    rows: Iterable[Row],
    *,
    source: Source = SOURCE,
    days: Iterable[date] = (DAY,),
    property_key: int = 1,
    part: str = "",
    facts: dict[date, dict[str, Any]] | None = None,
    read_at: datetime | None = READ_AT,
    night: date | None = None,
    purpose: str = "night",
) -> int:
    """Begin and write one load. Returns its id."""
    days = list(days)
    reading = make_reading(
        source, days=days, property_key=property_key, part=part, night=night, purpose=purpose, scope="night=2026-05-06"
    )
    load_id = loads.begin_load(connection, reading)
    write_batch(connection, load_id, reading, iter(rows), make_noted(days, facts, read_at))
    return load_id


def passed(connection: psycopg.Connection[Any], load_id: int) -> int:
    """Let a written load pass without a gate."""
    loads.move(connection, load_id, "passed")
    return load_id


def state(connection: psycopg.Connection[Any], load_id: int) -> str:
    """The state of a load."""
    return loads.load_state(connection, load_id)[0]


def business_rows(connection: psycopg.Connection[Any], source: Source = SOURCE) -> list[str]:
    """What raw holds, without load ids, as text in the order of the key."""
    table = source.tables[0]
    names = ["property_key", "part", *(name for name, _ in ledger_columns(table))]
    query = sql.SQL("select row({})::text from {} order by 1").format(
        sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier("raw", source.raw_name(table))
    )
    return [row for (row,) in connection.execute(query)]


def ledger_columns(table: Table) -> list[tuple[str, str]]:
    """The stored columns of a table."""
    from seo_warehouse.load.schema import stored_columns

    return stored_columns(table.columns)


def fetch(connection: psycopg.Connection[Any], query: Any, values: Any = None) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    return connection.execute(query, values).fetchall()
