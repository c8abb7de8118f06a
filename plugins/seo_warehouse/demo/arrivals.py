"""Pages that the demo's crawled site publishes while it is watched, and what Google truly does with each.

They are named by the sitemap from their day on and answer 404 before; Googlebot fetches each some days later, the index
takes it in, and a search shows it. Some are visited and never taken in. Nothing else of the world knows of them, so
that everything else is as it would be without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from seo_warehouse.demo.catalogue import DemoProperty, Page
from seo_warehouse.demo.chance import generator

COUNT = 40
FIRST_AFTER_DAYS, LAST_AFTER_DAYS = 10, 130
"""Of the first day: between them they are published."""
LEFT_OUT_EVERY = 8
"""One page of so many is visited and never taken into the index."""
VISIT_DAYS, INDEX_DAYS, SHOW_DAYS = 4, 5, 4
"""What each step takes on average."""
TOPIC = "journal"
WOODS = ("acacia", "ash", "beech", "cedar", "iroko", "larch", "oak", "pine", "robinia", "teak")
WORKS = ("oiling {} in spring", "mending {}", "{} and rain", "choosing {}")


@dataclass(frozen=True)
class Arrival:
    """A page and the days of what happened to it; None: never."""

    page: Page
    published: date
    visited: date
    indexed: date | None
    shown: date | None


@cache
def arrivals(seed: int, prop: DemoProperty, first_day: date) -> tuple[Arrival, ...]:
    """The pages that a property publishes, in order of their paths; none where it is not crawled."""
    if not prop.is_crawled:
        return ()
    subjects = [work.format(wood) for work in WORKS for wood in WOODS]
    return tuple(_arrival(seed, prop, first_day, number, subject) for number, subject in enumerate(subjects[:COUNT]))


def _arrival(seed: int, prop: DemoProperty, first_day: date, number: int, subject: str) -> Arrival:
    path = f"/{TOPIC}/{subject.replace(' ', '-')}"
    rng = generator(seed, "arrival", prop.key, path)
    published = first_day + timedelta(days=int(rng.integers(FIRST_AFTER_DAYS, LAST_AFTER_DAYS)))
    visited, indexed, shown = (
        timedelta(days=int(rng.geometric(1 / step))) for step in (VISIT_DAYS, INDEX_DAYS, SHOW_DAYS)
    )
    is_left_out = number % LEFT_OUT_EVERY == LEFT_OUT_EVERY - 1
    return Arrival(
        page=Page(path, TOPIC, subject, "note", 0),
        published=published,
        visited=published + visited,
        indexed=None if is_left_out else published + visited + indexed,
        shown=None if is_left_out else published + visited + indexed + shown,
    )
