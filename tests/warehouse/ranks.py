"""Nights of rank checks and crawls for tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time

from tests.warehouse.links import day
from tests.warehouse.world import Warehouse

HOST = "https://shop.example"
Outcome = int | str
"""A position, or `absent`, `failed`, `cut` (fewer results than the answer had) or `shallow` (checked to less depth)."""


def publish_checks(
    warehouse: Warehouse, property_key: int, number: int, checks: Mapping[str, tuple[str, Outcome]], depth: int = 10
) -> None:
    """Publish a night of rank checks: by keyword the path of the page that ranks, and what the check says."""
    night = day(number)
    tasks, results = [], []
    for keyword, (path, outcome) in checks.items():
        check = {
            "keyword": keyword,
            "location_code": 2840,
            "language_code": "en",
            "device": "desktop",
            "observed_at": _instant(night),
        }
        found = outcome if isinstance(outcome, int) else None
        count = {"cut": 5, "failed": None}.get(str(outcome), 0 if found is None else 1)
        tasks.append(
            check
            | {
                "tag": f"{keyword} {night}",
                "depth": 5 if outcome == "shallow" else depth,
                "status_code": 40501 if outcome == "failed" else 20000,
                "status_message": "told",
                "items_count": count,
                "se_results_count": count,
            }
        )
        if found is not None:
            results.append(
                check
                | {
                    "item_no": 1,
                    "type": "organic",
                    "rank_group": found,
                    "rank_absolute": found,
                    "domain": "shop.example",
                    "url": HOST + path,
                }
            )
    warehouse.publish("dataforseo_serp", "task", property_key, night, tasks)
    warehouse.publish("dataforseo_serp", "result", property_key, night, results)


def publish_crawl(
    warehouse: Warehouse,
    property_key: int,
    number: int,
    contents: Mapping[str, str],
    moved: Mapping[str, str] | None = None,
) -> None:
    """Publish a crawl: by path what the page says; where a path is moved, the path that it redirects to."""
    night = day(number)
    led = moved or {}
    rows = [
        {
            "url": HOST + path,
            "final_url": HOST + led.get(path, path),
            "status_code": 301 if path in led else 200,
            "final_status_code": 200,
            "redirect_urls": [],
            "is_in_sitemap": True,
            "is_robots_allowed": True,
            "title": "title",
            "content_hash": content,
            "observed_at": _instant(night),
        }
        for path, content in contents.items()
    ]
    warehouse.publish("site_crawl", "page", property_key, night, rows)


def _instant(night: date) -> datetime:
    return datetime.combine(night, time(3), UTC)
