"""Ahrefs: links to a site, as its crawler knows them now.

GET https://api.ahrefs.com/v3/site-explorer/all-backlinks, with a bearer's token; every parameter and field is in the
reference of Ahrefs' own client (https://github.com/ahrefs/ahrefs-python, docs/api-reference.md and filter-syntax.md).

A row costs a unit for each field that is selected, some 5 or 10, and a call 50 at least. There is no cursor: links
follow each other by the instant at which they were first seen, and those of the last instant of an answer are asked for
again. `last_seen` is the day of the loss, `last_visited` the last sight (their words). What the index dropped
(`drop_reason`) was not lost. `is_nofollow` may come from the page's robots instead of the link.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from datetime import date, timedelta
from typing import Any

import orjson
from pydantic import Field

from seo_warehouse.client.access import Access, HeaderKey
from seo_warehouse.client.answers import Items
from seo_warehouse.client.api import Api
from seo_warehouse.errors import MalformedAnswerError
from seo_warehouse.property import Property, Strict
from seo_warehouse.sources.fields import Shape, integer, mapping
from seo_warehouse.sources.links import LOST_DAYS, PULL, keeps_its_size
from seo_warehouse.spec import DAY, OBSERVED_AT, Column, Feed, Kind, Period, Row, Source, Table, Type

SITE_EXPLORER = "/v3/site-explorer/"
PAGE_ROWS = 1_000
LEAST_UNITS = 50

LINK = Shape(
    Column("url_from", Type.URL, "Page that links.", required=True),
    Column("url_to", Type.URL, "Literal target of the link.", required=True),
    Column("anchor", Type.TEXT, "Anchor text."),
    Column("alt", Type.TEXT, "Alternative text of an image link."),
    Column("title", Type.TEXT, "Title of the page that links."),
    Column("link_type", Type.TEXT, "text, image, redirect, canonical, alternate, frame, form, rss."),
    Column("is_dofollow", Type.BOOLEAN, "No nofollow, ugc or sponsored."),
    Column("is_nofollow", Type.BOOLEAN, "The link or its page is nofollow."),
    Column("is_ugc", Type.BOOLEAN, "The link is marked as user-generated."),
    Column("is_sponsored", Type.BOOLEAN, "The link is marked as sponsored."),
    Column("is_lost", Type.BOOLEAN, "The link is not there any more."),
    Column("lost_reason", Type.TEXT, "Why it was lost: removedfromhtml, notcanonical, noindex, pageerror ..."),
    Column("drop_reason", Type.TEXT, "Why the index dropped the row, which is no loss."),
    Column("first_seen_link", Type.INSTANT, "First seen by Ahrefs.", required=True),
    Column("last_visited", Type.INSTANT, "Last seen by Ahrefs."),
    Column("last_seen", Type.INSTANT, "When it was found lost; NULL while it is there."),
    Column("domain_rating_source", Type.FLOAT, "Domain Rating of the domain that links.", minimum=0, maximum=100),
    Column("url_rating_source", Type.FLOAT, "URL Rating of the page that links.", minimum=0, maximum=100),
    Column("http_code", Type.INTEGER, "HTTP status of the page that links."),
    Column("http_crawl", Type.BOOLEAN, "The link stands in the HTML."),
    Column("js_crawl", Type.BOOLEAN, "The link stands in the rendered page."),
    Column("links_external", Type.INTEGER, "Links on the page to other sites."),
)
SELECTED = [column.name for column in LINK.columns]
"""Each is worth one unit a row."""
IDENTITY = ("url_from", "url_to", "anchor", "alt", "link_type", "first_seen_link")
DECODE = LINK.under("backlinks")


class AhrefsSettings(Strict):
    """Whose links are read, and for how many units."""

    connection: str = Field("ahrefs", description="Airflow connection whose password is the API's token.")
    target: str = Field(description="Domain, with its subdomains.", examples=["example.com"])
    full_interval_days: int = Field(
        28,
        ge=1,
        description="Days between full pulls. Every row costs units; only full pulls can show that a link is gone.",
    )
    units_per_night: int = Field(200_000, ge=LEAST_UNITS, description="Units that a night may use, 22 a link.")


def probe_account(api: Api, property: Property) -> None:
    """The token is accepted; what is asked for costs nothing."""
    api.get("/v3/subscription-info/limits-and-usage")


def read_links(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Every link that is there and those lost of late (full pull), or the new and lost ones since `period.since`."""
    night, since = period.first_day, period.since
    settings = property.settings_of(AHREFS)
    whole = {"target": settings.target, "mode": "subdomains"}
    asked = {**whole, "aggregation": "all", "select": ",".join(SELECTED), "order_by": "first_seen_link:asc"}
    lost_since = night - timedelta(days=LOST_DAYS) if since is None else since
    pulls: dict[str, tuple[str, list[Any]]] = {
        "full" if since is None else "new": ("live", [] if since is None else [_after(f"{since}T00:00:00Z")]),
        "lost": (f"since:{lost_since}", [{"field": "is_lost", "is": ["eq", True]}]),
    }
    counts: dict[str, int] = {}
    is_whole = True
    for pull, (history, filters) in pulls.items():
        counts[pull], has_ended = yield from _pull(
            api, night, pull, {**asked, "history": history}, filters, settings.units_per_night
        )
        is_whole = is_whole and has_ended
    stated = _stated(api, whole, night) if since is None else counts["new"]
    api.note(
        night,
        is_full=since is None,
        since=None if since is None else since.isoformat(),
        is_complete=is_whole and counts.get("full", stated) == stated,
        stated_count=stated + counts["lost"],
        is_capped=not is_whole,
        pulls={pull: {"rows": count} for pull, count in counts.items()},
    )


def _pull(
    api: Api, night: date, pull: str, asked: dict[str, Any], filters: list[Any], most_units: int
) -> Generator[Row, None, tuple[int, bool]]:
    """The rows of a pull, each once. Returns their number, and whether they are all.

    They are not where the units, or an instant with more links than an answer holds, ended it before.
    """
    count = 0
    told: Counter[tuple[Any, ...]] = Counter()
    while True:
        # The count of links at the end costs the least.
        left = most_units - int(api.usage.units) - LEAST_UNITS
        limit = min(PAGE_ROWS, left // len(SELECTED))
        if left < LEAST_UNITS or limit <= told.total():
            return count, False
        where = {"where": orjson.dumps({"and": filters}).decode()} if filters else {}
        reply = api.get(f"{SITE_EXPLORER}all-backlinks", {**asked, "limit": limit, **where}, decode=DECODE)
        rows = list(api.rows(reply, night))
        api.spend(units=max(LEAST_UNITS, len(rows) * len(SELECTED)))
        again = told.copy()
        for row in rows:
            if again[_identity(row)] > 0:
                again[_identity(row)] -= 1
            else:
                count += 1
                yield {**row, "pull": pull, "item_no": count}
        if len(rows) < limit:
            return count, True
        last = rows[-1]["first_seen_link"]
        if rows[0]["first_seen_link"] == last:
            return count, False
        told = Counter(_identity(row) for row in rows if row["first_seen_link"] == last)
        filters = [each for each in filters if each["field"] != "first_seen_link"]
        filters.append(_after(f"{last:%Y-%m-%dT%H:%M:%SZ}"))


def _identity(row: Row) -> tuple[Any, ...]:
    """What two tellings of one link have in common, whatever was seen of it between them."""
    return tuple(row[name] for name in IDENTITY)


def _after(instant: str) -> dict[str, Any]:
    return {"field": "first_seen_link", "is": ["gte", instant]}


def _stated(api: Api, whole: dict[str, Any], night: date) -> int:
    """How many links there are, by Ahrefs' own count."""

    def decode(document: Any) -> Items:
        metrics = mapping(mapping(document, "the answer").get("metrics"), "metrics")
        if "live" not in metrics:
            raise MalformedAnswerError("metrics has no live")
        return Items([{"live": integer(metrics["live"], "live", bits=64)}])

    reply = api.get(f"{SITE_EXPLORER}backlinks-stats", {**whole, "date": night.isoformat()}, decode=decode)
    api.spend(units=LEAST_UNITS)
    return int(reply.json.rows[0]["live"])


AHREFS = Source(
    name="ahrefs",
    description="Ahrefs: links to the property, as its crawler knows them now.",
    kind=Kind.SNAPSHOT,
    cron="20 7 * * *",
    settings=AhrefsSettings,
    access=Access(
        host="https://api.ahrefs.com",
        auth=HeaderKey.named("Authorization", "Bearer "),
        example={"password": "not-a-token"},
        calls_per_minute=60,
    ),
    probe=probe_account,
    tables=(
        Table(
            "backlink",
            "Links as answered in a night.",
            read_links,
            LINK,
            columns=(DAY, *PULL, *LINK.columns, OBSERVED_AT),
            grain=("pull", "item_no"),
            feeds=Feed.LINKS,
            batch_rules=(keeps_its_size("ahrefs"),),
        ),
    ),
)
