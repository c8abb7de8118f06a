"""A simulated panel as rows of the warehouse's tables.

Keys are small integers: a page's, a keyword's and a link's key is its number plus 1. Locale and device are the
demo's. Only what was seen within the panel's days is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np

from seo_warehouse.demo.panel import NO_CHECK, STATES, Panel
from seo_warehouse.demo.panel_links import CLASSES, FOLLOWED, KINDS, START, UNKNOWN

FIRST_DAY = date(2026, 1, 5)
PROPERTY_KEY = 1
ENGINE = "google"
LOCALE = "2840-en"
DEVICES = ("desktop", "mobile", "tablet")
WITNESS = "dataforseo"
UPDATE_NAMES = "simulated update {}"
Row = dict[str, Any]


def date_of(day: int, first_day: date = FIRST_DAY) -> date:
    """The date of a day of the panel."""
    return first_day + timedelta(days=int(day))


def check_rows(panel: Panel, property_key: int = PROPERTY_KEY, first_day: date = FIRST_DAY) -> Iterator[Row]:
    """Rank checks as rows of marts.fct_serp_position: one for each series and day with a check, by day."""
    checks, series = panel.checks, panel.series
    for day in range(panel.knobs.days):
        for each in np.flatnonzero(checks.state[:, day] != NO_CHECK):
            is_found = checks.position[each, day] > 0
            yield {
                "property_key": property_key,
                "day": date_of(day, first_day),
                "keyword_key": int(series.keyword[each]) + 1,
                "engine": ENGINE,
                "locale": LOCALE,
                "device": DEVICES[int(series.device[each])],
                "state": STATES[int(checks.state[each, day])],
                "depth": int(checks.depth[each, day]),
                "position": int(checks.position[each, day]) if is_found else None,
                "ranking_page_key": int(checks.ranking_page[each, day]) + 1 if is_found else None,
            }


def link_rows(panel: Panel, property_key: int = PROPERTY_KEY, first_day: date = FIRST_DAY) -> Iterator[Row]:
    """Link events as rows of marts.fct_link_event; `event_key` is the event's number plus 1."""
    links = panel.links
    for number in np.flatnonzero(links.seen_day < panel.knobs.days):
        is_start = links.kind[number] == START
        seen, earliest = int(links.seen_day[number]), int(links.earliest_day[number])
        rel_class = int(links.rel_class[number])
        yield {
            "property_key": property_key,
            "event_key": int(number) + 1,
            "link_key": int(links.link[number]) + 1,
            "event_type": KINDS[int(links.kind[number])],
            "event_date": None if is_start else date_of(seen, first_day),
            "earliest_date": None if is_start else date_of(earliest, first_day),
            "date_uncertainty_days": None if is_start else seen - earliest,
            "is_uncertain_date": bool(is_start or seen - earliest > 14),
            "observed_date": date_of(seen, first_day),
            "witness": WITNESS,
            "evidence": "inferred" if is_start else "dated",
            "rel": {"followed": [], "nofollow": ["nofollow"], "unknown": None}[CLASSES[rel_class]],
            "is_followed": None if rel_class == UNKNOWN else rel_class == FOLLOWED,
            "source_domain_key": int(links.domain[number]) + 1,
            "source_domain": f"site{int(links.domain[number]) + 1}.example",
            "target_url_key": int(links.page[number]) + 1,
            "page_key": int(links.page[number]) + 1,
            "authority": int(links.authority[number]),
        }


def edit_rows(panel: Panel, property_key: int = PROPERTY_KEY, first_day: date = FIRST_DAY) -> Iterator[Row]:
    """On-page changes: property, page and date, each once."""
    made = sorted(set(zip(panel.edits.page.tolist(), panel.edits.day.tolist(), strict=True)))
    for page, day in made:
        yield {"property_key": property_key, "page_key": page + 1, "change_date": date_of(day, first_day)}


def page_rows(panel: Panel, property_key: int = PROPERTY_KEY) -> Iterator[Row]:
    """Pages with their topics."""
    for page, topic in enumerate(panel.topic.tolist()):
        yield {"property_key": property_key, "page_key": page + 1, "topic": f"topic-{topic}"}


def keyword_rows(panel: Panel, property_key: int = PROPERTY_KEY) -> Iterator[Row]:
    """Tracked keywords with the page that was stated for each; None where none was."""
    pages = dict(zip(panel.series.keyword.tolist(), panel.series.configured.tolist(), strict=True))
    for keyword, page in pages.items():
        yield {
            "property_key": property_key,
            "keyword_key": keyword + 1,
            "keyword": f"keyword {keyword + 1}",
            "page_key": page + 1 if page >= 0 else None,
        }


def update_rows(panel: Panel, first_day: date = FIRST_DAY) -> Iterator[Row]:
    """The engine's updates, first and last day."""
    for number, (begin, end) in enumerate(panel.updates.tolist(), 1):
        yield {
            "update_name": UPDATE_NAMES.format(number),
            "begin_date": date_of(begin, first_day),
            "end_date": date_of(end, first_day),
        }


def look_dates(panel: Panel, first_day: date = FIRST_DAY) -> list[date]:
    """Days on which a witness saw all links: every day of the panel."""
    return [date_of(day, first_day) for day in range(panel.knobs.days)]
