"""Nights of a backlink vendor for tests: what each pull answered, published as the reader would note it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from tests.warehouse.world import Warehouse

START = date(2026, 1, 5)
Item = Mapping[str, Any]


def day(number: int) -> date:
    """The night `number` days after the first."""
    return START + timedelta(days=number)


def instant(number: int | None) -> datetime | None:
    """01:00 UTC of a night, before its pull."""
    return None if number is None else datetime.combine(day(number), time(1), UTC)


def item(
    name: str,
    *,
    first: int | None = None,
    seen: int | None = None,
    before: int | None = None,
    lost: bool = False,
    rel: Sequence[str] | None = None,
    followed: bool | None = True,
    anchor: str | None = "words",
    target: str = "https://shop.example/pans",
    page: str | None = None,
) -> dict[str, Any]:
    """A backlink from a page of `<name>.example`; `first`, `seen` and `before` are the vendor's visits, as nights."""
    return {
        "url_from": page or f"https://www.{name}.example/post",
        "url_to": target,
        "is_lost": lost,
        "first_seen": instant(first),
        "last_seen": instant(seen if seen is not None else first),
        "prev_seen": instant(before),
        "attributes": list(rel) if rel is not None else None,
        "dofollow": followed if rel is None else not {"nofollow", "ugc", "sponsored"}.intersection(rel),
        "anchor": anchor,
        "item_type": "anchor",
        "domain_from_rank": 300,
    }


def publish_night(
    warehouse: Warehouse,
    property_key: int,
    number: int,
    *,
    full: Sequence[Item] | None = None,
    new: Sequence[Item] = (),
    lost: Sequence[Item] = (),
    unread: int = 0,
    rejected: int = 0,
) -> int:
    """Publish a night: a full pull, or the new and the lost.

    `unread` rows were stated and never came; `rejected` rows came and the gate kept them out.
    """
    pulls = {"full": full} if full is not None else {"new": new, "lost": lost}
    rows = [
        {**row, "pull": pull, "item_no": number, "observed_at": datetime.combine(day(number), time(4), UTC)}
        for pull, items in pulls.items()
        for number, row in enumerate(items, 1)
    ]
    tallies = {
        pull: {"rows": len(items) + rejected, "stated": len(items) + rejected + unread} for pull, items in pulls.items()
    }
    return warehouse.publish(
        "dataforseo_backlinks",
        "backlink",
        property_key,
        day(number),
        rows,
        is_full=full is not None,
        is_complete=unread == 0,
        stated_count=sum(tally["stated"] for tally in tallies.values()),
        pulls=tallies,
    )


PRESENCE = {"live": "present", "gone": "absent", "blocked": "unknown", "unreachable": "unknown"}


def publish_visits(warehouse: Warehouse, property_key: int, number: int, grades: Mapping[tuple[str, str], str]) -> None:
    """Publish a night of our visits: what came of each link, by its page and target."""
    at = {"observed_at": datetime.combine(day(number), time(3), UTC)}
    outcomes = {page: grade for (page, _), grade in grades.items() if PRESENCE[grade] == "unknown"}
    pages: list[dict[str, Any]] = [
        {"url": page, "due_reason": "schedule", "is_asked": True, "redirect_urls": [], "robots_state": "allowed"}
        | {"outcome": outcomes.get(page, "came")}
        | at
        for page in dict.fromkeys(page for page, _ in grades)
    ]
    links: list[dict[str, Any]] = [
        {"source_url": page, "target_url": target, "is_expected": True, "presence": PRESENCE[grade], "grade": grade}
        | ({"link_count": 1, "rel": [], "anchor": "words", "is_noindex": False} if grade == "live" else {})
        | at
        for (page, target), grade in grades.items()
    ]
    for table, rows in (("page", pages), ("link", links)):
        warehouse.publish("link_check", table, property_key, day(number), rows)


MODELS = ("+dim_link", "+fct_link_event")
"""What a build of the links runs."""


def events(warehouse: Warehouse, property_key: int) -> list[tuple[Any, ...]]:
    """(type, linking domain, event, earliest, uncertainty) of each event, dates as nights, in order."""
    found = warehouse.rows(
        """
        select
            event_type,
            replace(source_domain, '.example', '') as name,
            event_date,
            earliest_date,
            date_uncertainty_days
        from marts.fct_link_event
        where property_key = %s
        order by event_date nulls first, name, event_type
        """,
        property_key,
    )
    return [
        (
            row["event_type"],
            row["name"],
            _number(row["event_date"]),
            _number(row["earliest_date"]),
            row["date_uncertainty_days"],
        )
        for row in found
    ]


def _number(value: date | None) -> int | None:
    return None if value is None else (value - START).days
