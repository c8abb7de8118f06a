"""Bing Webmaster: links to a site's pages, how many there are, and what Bing's crawler met on it.

GET, with the key in the query: https://learn.microsoft.com/en-us/bingwebmaster/getting-access
Pages of an answer count from 0, and each says how many there are: 0 of nothing. A link has neither date nor rel, and is
told by the page that it leads to. Days of the crawler are Pacific, each in the zone that it had. A failure comes with
HTTP 400 and a code:
https://learn.microsoft.com/en-us/dotnet/api/microsoft.bing.webmaster.api.interfaces.apierrorcode
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from pydantic import Field

from seo_warehouse.client.access import Access, QueryKey
from seo_warehouse.client.answers import excerpt
from seo_warehouse.client.api import Api
from seo_warehouse.client.archive import Answer
from seo_warehouse.errors import CredentialsError, SourceError, ThrottledError
from seo_warehouse.property import Property, Strict
from seo_warehouse.sources.fields import Shape, mapping, pascal, wcf_day
from seo_warehouse.spec import DAY, OBSERVED_AT, Column, Feed, Kind, Period, Plan, Row, Source, Table, Type

PATH = "/webmaster/api.svc/json/"
NOT_ACCEPTED = {3, 6, 10}
"""InvalidApiKey, UserBlocked, UserNotFound."""
THROTTLED = {4, 5}
"""ThrottleUser, ThrottleHost."""
URL = Column("url", Type.URL, "Page.", required=True)
PLACE = (Column("target_url", Type.URL, "Page asked about."), Column("item_no", Type.INTEGER, "Place among its links."))
COUNT = Shape(URL, Column("count", Type.INTEGER, "Links to it.", required=True, minimum=0), names=pascal)
ASKED = Column("is_asked", Type.BOOLEAN, "The plan says to ask for them.", required=True)
LINK = Shape(URL, Column("anchor_text", Type.TEXT, "Its words."), names=pascal)
CRAWL = Shape(
    Column("date", Type.DATE, "Day of the crawler.", required=True),
    Column("crawled_pages", Type.INTEGER, "Pages crawled."),
    Column("in_index", Type.INTEGER, "Pages of the site in the index, in all."),
    Column("in_links", Type.INTEGER, "Links to the site, in all."),
    Column("crawl_errors", Type.INTEGER, "Errors."),
    Column("code_2xx", Type.INTEGER, "Answers 2xx."),
    Column("code_301", Type.INTEGER, "Answers 301."),
    Column("code_302", Type.INTEGER, "Answers 302."),
    Column("code_4xx", Type.INTEGER, "Answers 4xx."),
    Column("code_5xx", Type.INTEGER, "Answers 5xx."),
    Column("all_other_codes", Type.INTEGER, "Other answers."),
    Column("blocked_by_robots_txt", Type.INTEGER, "Pages that robots.txt forbade."),
    Column("connection_timeout", Type.INTEGER, "Connections not had in time."),
    Column("contains_malware", Type.INTEGER, "Pages with malware."),
    Column("dns_failures", Type.INTEGER, "Names not resolved."),
    names=pascal,
    takes={"date": wcf_day},
    unused=["__type"],
)


class BingWebmasterSettings(Strict):
    """A site that is verified with Bing."""

    connection: str = Field("bing_webmaster", description="Airflow connection whose password is the API's key.")
    site: str = Field(description="The site's address, as Bing has it.", examples=["https://www.example.com/"])
    pages_per_night: int = Field(200, ge=0, description="Pages whose links a night asks for, a call or more each.")


def explain(answer: Answer) -> SourceError | None:
    """Tells a key and a quota from the other requests that Bing refuses with 400. None of any other answer."""
    if answer.status != 400:
        return None
    try:
        code = orjson.loads(answer.body)["ErrorCode"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    sentence = f"HTTP 400: {excerpt(answer.body)}"
    if code in THROTTLED:
        return ThrottledError(sentence)
    return CredentialsError(sentence) if code in NOT_ACCEPTED else None


def probe_site(api: Api, property: Property) -> None:
    """The key may read the site: GetCrawlSettings is the smallest answer about one."""
    api.get(PATH + "GetCrawlSettings", _site(property), decode=_settings)


def _settings(document: Any) -> dict[str, Any]:
    return mapping(mapping(document, "the answer").get("d"), "d")


def read_counts(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Every page that links lead to, and whether the plan says to ask for them."""
    site, decode = _site(property), COUNT.under("d", "Links", page_count="TotalPages")
    asked = {ask.ask for ask in api.plan()}
    for row in api.pages(PATH + "GetLinkCounts", site, "page", period.last_day, decode=decode):
        yield {**row, "is_asked": row["url"] in asked}


def read_links(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """The links to the pages of the plan: a complete look only where it names each page, and all its links came."""
    left = {row["url"]: row["count"] for row in read_counts(api, property, period)}
    for ask in api.plan():
        asked, decode = {**_site(property), "link": ask.ask}, LINK.under("d", "Details", page_count="TotalPages")
        links = api.pages(PATH + "GetUrlLinks", asked, "page", period.last_day, decode=decode)
        for number, row in enumerate(links, start=1):
            yield {**row, "target_url": ask.ask, "item_no": number}
            left[ask.ask] = left.get(ask.ask, 0) - 1
    api.note(period.last_day, is_full=not any(left.values()), is_complete=not any(left.values()))


def read_crawls(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """What the crawler met on each day of the last months."""
    yield from api.rows(api.get(PATH + "GetCrawlStats", _site(property), decode=CRAWL.under("d")), period.last_day)


def _site(property: Property) -> dict[str, str]:
    return {"siteUrl": property.settings_of(BING_WEBMASTER).site}


BING_WEBMASTER = Source(
    name="bing_webmaster",
    description="Bing Webmaster: links to the property's pages, and what Bing's crawler met.",
    kind=Kind.SNAPSHOT,
    cron="0 7 * * *",
    settings=BingWebmasterSettings,
    access=Access(host="https://ssl.bing.com", auth=QueryKey.named("apikey"), example={"password": "not-a-key"}),
    explain=explain,
    probe=probe_site,
    plan=Plan("plan_linked_page", limit="pages_per_night"),
    tables=(
        Table(
            "link_count",
            "How many links lead to each page.",
            read_counts,
            COUNT,
            columns=(DAY, *COUNT.columns, ASKED, OBSERVED_AT),
            grain=("url",),
            feeds=Feed.LINK_COUNTS,
        ),
        Table(
            "link",
            "Links to the pages asked about.",
            read_links,
            LINK,
            columns=(DAY, *PLACE, *LINK.columns, OBSERVED_AT),
            grain=("target_url", "item_no"),
            feeds=Feed.LINKS,
        ),
        Table("crawl_stat", "Days of Bing's crawler, as of a night.", read_crawls, CRAWL, grain=("date",)),
    ),
)
