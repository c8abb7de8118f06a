"""Days of dropped files for tests, published as a merge leaves them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from tests.warehouse.links import day
from tests.warehouse.world import Warehouse

PARTS = {
    "ranking": "generic_rankings",
    "page": "generic_pages",
    "page_change": "generic_page_changes",
    "keyword": "generic_keywords",
    "performance": "search_console_performance",
    "search_total": "search_console_zip",
    "search_summary": "search_console_zip",
    "crawl_page": "screaming_frog_internal_all",
    "disavowal": "google_disavow",
}


def publish_export(
    warehouse: Warehouse,
    table: str,
    property_key: int,
    number: int,
    rows: Sequence[dict[str, Any]],
    *,
    part: str | None = None,
    exported: int | None = None,
) -> None:
    """Publish what a part of the exports says of a night, exported on night `exported` (default: the same)."""
    exported_at = datetime.combine(day(number if exported is None else exported), time(8), UTC)
    stored = [{"exported_at": exported_at, **row} for row in rows]
    warehouse.publish("exports", table, property_key, day(number), stored, part=part or PARTS[table])


def exported_link(
    name: str,
    *,
    first: int | None = None,
    seen: int | None = None,
    lost: int | None = None,
    rel: Sequence[str] | None = None,
    anchor: str | None = "words",
    target: str | None = "https://shop.example/pans",
    authority: float | None = None,
    page: str | None = None,
) -> dict[str, Any]:
    """A row about a link from a page of `<name>.example`; days are nights."""
    return {
        "source_url": page or f"https://www.{name}.example/post",
        "target_url": target,
        "anchor": anchor,
        "rel": None if rel is None else list(rel),
        "first_seen": _date(first),
        "last_seen": _date(seen),
        "lost_on": _date(lost),
        "is_lost": None if lost is None else True,
        "domain_authority": authority,
    }


def _date(number: int | None) -> date | None:
    return None if number is None else day(number)
