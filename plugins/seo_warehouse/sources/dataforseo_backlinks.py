"""DataForSEO Backlinks, live.

POST https://api.dataforseo.com/v3/backlinks/backlinks/live
https://docs.dataforseo.com/v3/backlinks/backlinks/live/

One row for each referring page and target; further links of the page to it are in `links_count`. Every answer and
every row costs money. Pages follow each other by `search_after_token`, which unlike an offset does not end at 20,000.
A lost link carries no date of its loss: `last_seen` is "most recent date when our crawler visited the backlink", and
`is_lost` says that "the backlink or the entire page was removed" (dataforseo-client, BacklinksBacklinksLiveItem), so
the loss was found at that visit, and happened after `prev_seen`. An index that knows nothing of a target answers a
`result` of null or of one entry without items: no failure, since a failure has a status of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from pydantic import Field

from seo_warehouse.client.api import Api, Items
from seo_warehouse.client.archive import Answer
from seo_warehouse.errors import MalformedAnswerError, SourceError
from seo_warehouse.property import Property, Strict
from seo_warehouse.sources.dataforseo import (
    ACCESS,
    CONNECTION,
    MONEY_PER_NIGHT,
    cost_of,
    explain_envelope,
    first_error,
    only_result,
    opened,
    probe_account,
    tasks_of,
)
from seo_warehouse.sources.fields import Shape, integer, spaced_instant, text
from seo_warehouse.sources.links import LOST_DAYS, PULL, keeps_its_size
from seo_warehouse.spec import (
    DAY,
    OBSERVED_AT,
    Column,
    Feed,
    Kind,
    Period,
    Row,
    RowRule,
    Source,
    Table,
    Type,
)

PATH = "/v3/backlinks/backlinks/live"
PAGE_ROWS = 1_000
"""The most rows of one answer."""
PAGE_PRICE = Decimal("0.05")
"""US dollars for a full answer: 0.02 a request and 0.00003 a row (https://dataforseo.com/pricing/backlinks/backlinks,
and a recorded answer of 100 rows cost 0.023). What an answer costs is known from itself only."""
LAST_OFFSET = 20_000
"""The furthest an offset reaches."""
ORDER = ["first_seen,asc", "url_from,asc", "url_to,asc"]
"""What is found while pages are read then comes last, and moves nothing from page to page."""
UNUSED_FIELDS = frozenset(
    "type url_from_https url_to_https domain_from_is_ip page_from_size page_from_encoding ranked_keywords_info".split()
)
"""Documented and not kept."""


class BacklinksSettings(Strict):
    """What of a property's links is bought."""

    connection: str = CONNECTION
    target: str = Field(
        description="Domain without www, subdomain, or absolute URL of one page.", examples=["example.com"]
    )
    full_interval_days: int = Field(
        28,
        ge=1,
        description="Days between full pulls. Every row costs money; only full pulls can show that a link is gone.",
    )
    money_per_night: float = MONEY_PER_NIGHT


@dataclass(frozen=True)
class _Page(Items):
    """One answer: its rows without what the reader adds, and the total it states."""

    total: int = 0
    token: str | None = None
    cost: Decimal = Decimal(0)


def read_backlinks(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Every live backlink and the lost ones of late (full pull), or the new and the lost ones since `period.since`.

    Raises BudgetError before the next answer may cost more than the night is allowed.
    """
    night, since = period.first_day, period.since
    pulls: dict[str, dict[str, int]] = {}
    target = property.settings_of(DATAFORSEO_BACKLINKS).target
    for pull, request in _requests(target, night, since).items():
        pulls[pull] = {"stated": 0, "rows": 0}
        yield from _rows(api, night, pull, request, pulls[pull])
    api.note(
        night,
        is_full=since is None,
        since=None if since is None else since.isoformat(),
        is_complete=all(pull["stated"] == pull["rows"] for pull in pulls.values()),
        stated_count=sum(pull["stated"] for pull in pulls.values()),
        pulls=pulls,
    )


def _requests(target: str, night: date, since: date | None) -> dict[str, dict[str, Any]]:
    """The first request of each pull."""

    def after(field: str, day: date) -> list[Any]:
        return [field, ">", f"{day:%Y-%m-%d} 00:00:00 +00:00"]

    def request(status: str, filters: list[Any] | None) -> dict[str, Any]:
        asked = {
            "target": target,
            "mode": "as_is",
            "backlinks_status_type": status,
            "include_subdomains": True,
            "order_by": ORDER,
            "limit": PAGE_ROWS,
        }
        return asked if filters is None else {**asked, "filters": filters}

    if since is None:
        lost_after = after("last_seen", night - timedelta(days=LOST_DAYS))
        return {"full": request("live", None), "lost": request("lost", lost_after)}
    # From the midnight before the last read: what came later on that day was not in it.
    return {
        "new": request("live", after("first_seen", since)),
        "lost": request("lost", after("last_seen", since)),
    }


def _rows(api: Api, night: date, pull: str, request: dict[str, Any], tally: dict[str, int]) -> Iterator[Row]:
    """Page after page, until the first that is not full or the furthest that can be asked for."""
    following: dict[str, Any] | None = {}
    price = PAGE_PRICE
    while following is not None:
        asked = [{**request, **following}]
        if not api.holds("POST", PATH, asked):
            api.afford(price)
        reply = api.post(PATH, asked, decode=_page)
        page: _Page = reply.json
        api.spend(money=page.cost, units=len(page.rows))
        price = max(price, page.cost)
        for number, row in enumerate(api.rows(reply, night), start=tally["rows"] + 1):
            yield {**row, "pull": pull, "item_no": number}
        tally["stated"] = page.total
        tally["rows"] += len(page.rows)
        following = _next(page, following, tally["rows"])


def _next(page: _Page, previous: dict[str, Any], row_count: int) -> dict[str, Any] | None:
    """What to add to the first request for the next page; None after the last that can be had."""
    if len(page.rows) < PAGE_ROWS:
        return None
    if page.token is not None:
        if page.token == previous.get("search_after_token"):
            raise MalformedAnswerError("search_after_token leads to itself")
        return {"search_after_token": page.token}
    return {"offset": row_count} if row_count <= LAST_OFFSET else None


def _page(document: Any) -> _Page:
    """Makes of an answer its page. Raises MalformedAnswerError."""
    cost = cost_of(document if isinstance(document, dict) else {})
    result = only_result(document)
    if result is None:
        return _Page(cost=cost)
    items = LINK.items(result.get("items"))
    if len(items.rows) > PAGE_ROWS:
        raise MalformedAnswerError(f"{len(items.rows):,} items, {PAGE_ROWS:,} were asked for")
    token = result.get("search_after_token")
    return _Page(
        items.rows,
        items.unknown,
        items.missing,
        total=integer(result.get("total_count"), "total_count", bits=64),
        token=None if token is None else text(token, "search_after_token"),
        cost=cost,
    )


def explain(answer: Answer) -> SourceError | None:
    """The envelope's or the task's status as an error."""
    document = opened(answer)
    if document is None:
        return None
    try:
        return explain_envelope(document) or first_error(tasks_of(document))
    except MalformedAnswerError as error:
        return error


LINK = Shape(
    Column("url_from", Type.URL, "Page that links.", required=True),
    Column("url_to", Type.URL, "Literal target of the link.", required=True),
    Column("domain_from", Type.TEXT, "Referring domain as the vendor cuts it."),
    Column("domain_to", Type.TEXT, "Target domain as the vendor cuts it."),
    Column("is_new", Type.BOOLEAN, "Found at the vendor's last visit."),
    Column("is_lost", Type.BOOLEAN, "The link or the whole page was removed."),
    Column("backlink_spam_score", Type.INTEGER, "Vendor's spam score.", minimum=0, maximum=100),
    Column("rank", Type.INTEGER, "Rank the link passes, 0-1000.", minimum=0, maximum=1000),
    Column("page_from_rank", Type.INTEGER, "Rank of the page, 0-1000.", minimum=0, maximum=1000),
    Column("domain_from_rank", Type.INTEGER, "Rank of the domain, 0-1000.", minimum=0, maximum=1000),
    Column("domain_from_platform_type", Type.TEXTS, "Kinds of the referring site."),
    Column("domain_from_country", Type.TEXT, "ISO country code."),
    Column("domain_from_ip", Type.TEXT, "Address of the referring site."),
    Column("tld_from", Type.TEXT, "Public suffix of the referring domain."),
    Column("page_from_external_links", Type.INTEGER, "External links on the page."),
    Column("page_from_internal_links", Type.INTEGER, "Internal links on the page."),
    Column("page_from_title", Type.TEXT, "Title of the page."),
    Column("page_from_status_code", Type.INTEGER, "HTTP status of the page."),
    Column("page_from_language", Type.TEXT, "ISO 639-1."),
    Column("first_seen", Type.INSTANT, "First seen by the vendor.", required=True),
    Column("prev_seen", Type.INSTANT, "Visit before the last."),
    Column("last_seen", Type.INSTANT, "Last seen by the vendor."),
    Column("item_type", Type.TEXT, "anchor, image, meta, canonical, alternate, redirect ..."),
    Column("attributes", Type.TEXTS, "rel tokens; NULL where the vendor gives none."),
    Column("dofollow", Type.BOOLEAN, "No nofollow, ugc or sponsored, by the vendor."),
    Column("original", Type.BOOLEAN, "Present when the page was first indexed."),
    Column("anchor", Type.TEXT, "Anchor text."),
    Column("alt", Type.TEXT, "Alternative text of an image link."),
    Column("image_url", Type.TEXT, "Address of the image of an image link."),
    Column("text_pre", Type.TEXT, "Text before the anchor."),
    Column("text_post", Type.TEXT, "Text after the anchor."),
    Column("semantic_location", Type.TEXT, "HTML element around the link."),
    Column("links_count", Type.INTEGER, "Identical links on the page."),
    Column("group_count", Type.INTEGER, "Backlinks left out by grouping."),
    Column("is_broken", Type.BOOLEAN, "Target answers 4xx or 5xx."),
    Column("url_to_status_code", Type.INTEGER, "HTTP status of the target."),
    Column("url_to_spam_score", Type.INTEGER, "Spam score of the target."),
    Column("url_to_redirect_target", Type.TEXT, "Where the target redirects."),
    Column("is_indirect_link", Type.BOOLEAN, "The link leads through a redirect or canonical."),
    Column("indirect_link_path", Type.JSON, "The steps of that way; NULL of a direct link."),
    takes={Type.INSTANT: spaced_instant},
    unused=UNUSED_FIELDS,
)

ODD_ROWS = 0.01
"""Share of rows that may break a row rule: of a web-sized index, one odd page in a hundred is no fault of the pull."""
DATAFORSEO_BACKLINKS = Source(
    name="dataforseo_backlinks",
    vendor="dataforseo",
    description="DataForSEO: backlinks of the property as its crawler knows them now.",
    kind=Kind.SNAPSHOT,
    cron="0 4 * * *",
    settings=BacklinksSettings,
    access=ACCESS,
    probe=probe_account,
    explain=explain,
    tables=(
        Table(
            name="backlink",
            description="Backlinks as answered in a night, one row for each item.",
            read=read_backlinks,
            grain=("day", "pull", "item_no"),
            feeds=Feed.LINKS,
            shape=LINK,
            columns=(DAY, *PULL, *LINK.columns, OBSERVED_AT),
            row_rules=(
                RowRule(
                    name="seen_in_order",
                    sql="coalesce(first_seen <= last_seen, true) and coalesce(first_seen <= observed_at, true)",
                    reason="A link cannot be seen before it is seen first, nor first seen after the answer.",
                ),
                RowRule(
                    name="lost_is_lost",
                    sql="coalesce((pull = 'lost') = is_lost, true)",
                    reason="A pull of lost links that returns live ones was not filtered, and the reverse.",
                ),
            ),
            tolerance=ODD_ROWS,
            batch_rules=(keeps_its_size("dataforseo_backlinks"),),
        ),
    ),
)
