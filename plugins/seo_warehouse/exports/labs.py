"""DataForSEO Labs' answer about ranked keywords, as saved from the API.

https://docs.dataforseo.com/v3/dataforseo_labs/google/ranked_keywords/live/

Each item is a keyword and the result that the domain had at the vendor's last check. `rank_group` counts results of
one type; only those of organic results are positions here, other types are left aside. `check_url` is the search as it
was asked, with the number of results in `num`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from seo_warehouse.errors import ExportError, MalformedAnswerError
from seo_warehouse.exports import places, values
from seo_warehouse.exports.values import CellError
from seo_warehouse.sources.fields import integer, mapping, sequence, spaced_instant, text
from seo_warehouse.spec import Row

PART = "dataforseo_labs_ranked_keywords"
MOST_BYTES = 1 << 26
"""JSON is held whole; an answer of 1,000 keywords has about 8 MB."""
COUNTRIES_FROM = 2000
"""A country's location code is this and its number in ISO 3166-1."""


@dataclass(frozen=True)
class Item:
    """One item: its row, or the reason why it has none; neither where it is no organic result."""

    number: int
    row: Row | None
    reason: str | None


def is_json(head: bytes) -> bool:
    """Whether a file that begins so may be JSON."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def items_of(name: str, content: bytes, latest: date) -> Iterator[Item]:
    """The items of an answer in the order of the file. Raises ExportError where it is no such answer."""
    try:
        document = mapping(orjson.loads(content.removeprefix(b"\xef\xbb\xbf")), "the file")
        if "tasks" not in document:
            raise MalformedAnswerError("it has no tasks")
        number = 0
        for task in sequence(document.get("tasks"), "tasks"):
            asked = mapping(mapping(task, "tasks[]").get("data"), "tasks[].data")
            if text(asked.get("function"), "tasks[].data.function") != "ranked_keywords":
                raise ExportError(f"{name} is an answer about {asked['function']}: only ranked_keywords is read")
            for result in sequence(task.get("result"), "result"):
                for item in sequence(mapping(result, "result[]").get("items"), "items"):
                    number += 1
                    yield _item(number, item, result, latest)
    except (orjson.JSONDecodeError, MalformedAnswerError, RecursionError) as error:
        raise ExportError(
            f"{name} is JSON, of which only DataForSEO Labs' answer about ranked_keywords is read, and it is none"
            f" ({error}): export it as CSV"
        ) from None


def _item(number: int, item: Any, result: dict[str, Any], latest: date) -> Item:
    try:
        element = mapping(mapping(item, "items[]").get("ranked_serp_element"), "ranked_serp_element")
        found = mapping(element.get("serp_item"), "serp_item")
        if text(found.get("type"), "serp_item.type") != "organic":
            return Item(number, None, None)
        return Item(number, _row(item, element, found, result, latest), None)
    except (MalformedAnswerError, CellError) as error:
        return Item(number, None, str(error))


def _row(item: Any, element: dict[str, Any], found: dict[str, Any], result: dict[str, Any], latest: date) -> Row:
    checked: datetime = spaced_instant(element.get("last_updated_time"), "last_updated_time")
    if checked.date() > latest:
        raise CellError(f"last_updated_time is {checked.date()}, after the file was written")
    search = urlsplit(text(element.get("check_url"), "check_url"))
    asked = parse_qs(search.query).get("num", [""])[0]
    position = integer(found.get("rank_group"), "rank_group")
    depth = int(asked) if asked.isdecimal() and 0 < int(asked) <= 10_000 else None
    if position < 1 or (depth is not None and position > depth):
        raise CellError(f"rank_group is {position}, expected a position from 1 to {depth or 'the last'}")
    location = integer(result.get("location_code"), "location_code")
    return {
        "day": checked.date(),
        "keyword": values.text(text(mapping(item.get("keyword_data"), "keyword_data").get("keyword"), "keyword")),
        "engine": places.engine(search.hostname or ""),
        "country": places.country_of_number(location - COUNTRIES_FROM),
        "language": places.language(text(result.get("language_code"), "language_code")),
        "device": None,
        "state": "found",
        "position": position,
        "url": values.url(text(found.get("url"), "url")),
        "depth": depth,
    }
