"""A property as the sources' tests know it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from seo_warehouse.config import Property, SourceSettings
from seo_warehouse.property import Keyword, Panel
from seo_warehouse.spec import Period, Row, Source

NIGHT = date(2026, 11, 22)
TONIGHT = Period(NIGHT, NIGHT)
DATE = "Sun, 22 Nov 2026 04:00:00 GMT"
AT = datetime(2026, 11, 22, 4, tzinfo=UTC)


def make_property(*keywords: str, **panel: Any) -> Property:
    """A property with every API source and these tracked keywords."""
    return Property(
        key=7,
        name="shop",
        domain="example.com",
        history_start=date(2026, 1, 1),
        panel=Panel(**panel),
        keywords=tuple(Keyword(keyword=keyword) for keyword in keywords),
        sources=SourceSettings(
            search_console={"site": "sc-domain:example.com"},
            dataforseo_backlinks={"target": "example.com"},
            dataforseo_serp={},
        ),
    )


def check_columns(source: Source, table: str, rows: list[Row]) -> None:
    """Each row has every declared column of its table, and nothing else."""
    names = {column.name for column in source.table(table).columns}
    for row in rows:
        assert row.keys() == names, row.keys() ^ names
