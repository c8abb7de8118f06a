"""Markers of pages that are not what was asked for: challenges to visitors, and parked domains (`markers.csv`)."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from seo_warehouse.crawl.parse import Page
from seo_warehouse.crawl.records import Fetched

LONGEST_CHALLENGE = 2_000
"""Characters of text. Firewalls lay scripts of theirs on ordinary pages too, which have more to say."""


class Marker(NamedTuple):
    """A text in lower case that tells a page: a whole header, a whole title, or a piece of the body."""

    kind: str
    place: str
    text: str


@cache
def markers() -> tuple[Marker, ...]:
    """The markers that are known."""
    with Path(__file__).with_name("markers.csv").open(encoding="utf-8", newline="") as file:
        return tuple(Marker(row["kind"], row["place"], row["text"]) for row in csv.DictReader(file))


def marker_in(kind: Literal["challenge", "parked"], fetched: Fetched, page: Page | None) -> str | None:
    """The first marker of a kind that an answer holds; None where it holds none. `page`: what was read of it."""
    title = (page.title or "").lower() if page else None
    body = fetched.body.lower()
    is_short = page is not None and len(page.text) <= LONGEST_CHALLENGE
    for marker in markers():
        if marker.kind != kind:
            continue
        match marker.place:
            case "header":
                name, _, value = marker.text.partition(": ")
                is_there = fetched.headers.get(name, "").strip().lower() == value
            case "title":
                is_there = title == marker.text
            case _:
                is_there = (is_short or kind == "parked") and marker.text.encode() in body
        if is_there:
            return marker.text
    return None
