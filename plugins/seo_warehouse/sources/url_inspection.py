"""Google Search Console, URL inspection: what Google's index holds of a URL.

POST https://searchconsole.googleapis.com/v1/urlInspection/index:inspect, one URL a call
https://developers.google.com/webmaster-tools/v1/urlInspection.index/inspect

An answer speaks of Google's last crawl of the URL, not of now. Google answers 2,000 calls a day and 600 a minute of a
site (https://developers.google.com/webmaster-tools/limits), so a call is sent once a night, whatever becomes of it:
what it was to tell, a later night asks. Its days are Pacific: the tick lies behind their beginning, winter and summer.
`coverageState` is prose in the language asked for, which therefore never changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field

from seo_warehouse.client.access import Access
from seo_warehouse.client.api import Api, Items, Reply
from seo_warehouse.client.archive import Answer
from seo_warehouse.client.transport import UnsentError
from seo_warehouse.errors import MalformedAnswerError, SourceError, ThrottledError, TransientSourceError
from seo_warehouse.property import Property, Strict
from seo_warehouse.sources import google
from seo_warehouse.sources.fields import Shape, camel, mapping, text
from seo_warehouse.spec import (
    DAY,
    OBSERVED_AT,
    BatchRule,
    Column,
    Feed,
    Kind,
    Period,
    Plan,
    Row,
    RowRule,
    Source,
    Table,
    Type,
)

PATH = "/v1/urlInspection/index:inspect"
LANGUAGE = "en-US"
CALLS_PER_MINUTE = 600
REFUSED = 400
"""The status that is about the URL asked for alone."""
MOST_LOST = 3
"""Calls in a row without an answer, after which Google is not asked on: each would be lost to the night."""
OUTSIDE = "outside of the site: not asked"

_RESULT_FIELDS = {
    "inspectionResultLink",
    "indexStatusResult",
    "ampResult",
    "mobileUsabilityResult",
    "richResultsResult",
}
VERDICTS = ("VERDICT_UNSPECIFIED", "PASS", "PARTIAL", "FAIL", "NEUTRAL")
INDEXING_STATES = (
    "INDEXING_STATE_UNSPECIFIED",
    "INDEXING_ALLOWED",
    "BLOCKED_BY_META_TAG",
    "BLOCKED_BY_HTTP_HEADER",
    "BLOCKED_BY_ROBOTS_TXT",
)
ROBOTS_TXT_STATES = ("ROBOTS_TXT_STATE_UNSPECIFIED", "ALLOWED", "DISALLOWED")
PAGE_FETCH_STATES = (
    "PAGE_FETCH_STATE_UNSPECIFIED",
    "SUCCESSFUL",
    "SOFT_404",
    "BLOCKED_ROBOTS_TXT",
    "NOT_FOUND",
    "ACCESS_DENIED",
    "SERVER_ERROR",
    "REDIRECT_ERROR",
    "ACCESS_FORBIDDEN",
    "BLOCKED_4XX",
    "INTERNAL_CRAWL_ERROR",
    "INVALID_URL",
)
CRAWLERS = ("CRAWLING_USER_AGENT_UNSPECIFIED", "DESKTOP", "MOBILE")
ENUMS = {
    "verdict": VERDICTS,
    "indexing_state": INDEXING_STATES,
    "robots_txt_state": ROBOTS_TXT_STATES,
    "page_fetch_state": PAGE_FETCH_STATES,
    "crawled_as": CRAWLERS,
}
"""Values that Google documents. One that it does not is kept as it came, and a warning says so."""


STATUS = Shape(
    Column("verdict", Type.TEXT, "Google's verdict; PASS: indexed. NULL where it refuses the URL."),
    Column("coverage_state", Type.TEXT, "Why, in Google's English prose."),
    Column("indexing_state", Type.TEXT, "Whether the page forbids indexing."),
    Column("robots_txt_state", Type.TEXT, "Whether robots.txt forbids the crawl."),
    Column("page_fetch_state", Type.TEXT, "What the last fetch met."),
    Column("crawled_as", Type.TEXT, "Crawler of the last crawl."),
    Column("last_crawl_time", Type.INSTANT, "Last successful crawl; NULL: there never was one."),
    Column("google_canonical", Type.URL, "Canonical that Google chose."),
    Column("user_canonical", Type.URL, "Canonical that the page declares."),
    Column("sitemap", Type.TEXTS, "Sitemaps in which Google found the URL; not all."),
    Column("referring_urls", Type.TEXTS, "URLs that led Google there: a hint, not all."),
    names=camel,
    optional=[
        *("verdict", "coverageState", "indexingState", "robotsTxtState", "pageFetchState", "crawledAs"),
        *("lastCrawlTime", "googleCanonical", "userCanonical", "sitemap", "referringUrls"),
    ],
)
"""Google leaves out what it has nothing to say of."""
URL = Column("url", Type.URL, "URL as asked for.", required=True)
LINK = Column("inspection_result_link", Type.TEXT, "The same in Search Console.")
REFUSAL = Column("refusal", Type.TEXT, "Why Google would not tell, or was not asked, of this URL.")


class UrlInspectionSettings(Strict):
    """Whose URLs are inspected."""

    connection: str = Field(
        google.SITES_CONNECTION, description="Airflow connection with a service account that may read the site."
    )
    site: str = Field(
        description="As Search Console names it: `sc-domain:example.com`, or a URL prefix.",
        examples=["sc-domain:example.com"],
    )
    urls_per_night: int = Field(
        1_900, ge=0, le=2_000, description="URLs that a night asks for, a call each; Google answers 2,000 a day."
    )


def probe_site(api: Api, property: Property) -> None:
    """The service account may read the site."""
    google.probe_site(api, property.settings_of(URL_INSPECTION).site)


def read_results(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """What Google says of each URL of the plan, in its order, until it answers no more.

    Raises TransientSourceError where several calls in a row are lost.
    """
    site, day = property.settings_of(URL_INSPECTION).site, period.last_day
    asks = [ask.ask for ask in api.plan()]
    told = lost_in_a_row = 0
    for place, url in enumerate(asks):
        if not is_of_site(url, site):
            told += 1
            yield {**_refused(url, OUTSIDE), "day": day, "observed_at": api.planned_at()}
            continue
        try:
            reply = _inspect(api, url, site)
        except UnsentError:
            raise
        except ThrottledError as error:
            api.note(day, is_capped=True, caps=[f"{len(asks) - place} of {len(asks)} URLs not asked: {error}"])
            break
        except TransientSourceError:
            lost_in_a_row += 1
            if lost_in_a_row == MOST_LOST:
                raise
            reply = None
        if reply is not None:
            told, lost_in_a_row = told + 1, 0
            yield from api.rows(reply, day)
    api.note(day, planned_count=len(asks), unanswered_count=len(asks) - told)


def _inspect(api: Api, url: str, site: str) -> Reply | None:
    """The answer about a URL; None where the night's call was sent and its answer lost, or nobody may call now."""
    body = {"inspectionUrl": url, "siteUrl": site, "languageCode": LANGUAGE}
    if api.is_cut("POST", PATH, body) or not (api.may_call or api.holds("POST", PATH, body)):
        return None
    return api.post(PATH, body, once=True, accepts={REFUSED}, decode=_decoder(url))


def is_of_site(url: str, site: str) -> bool:
    """Whether a URL belongs to what Search Console calls a site: a domain with all its hosts, or a prefix."""
    domain = site.removeprefix("sc-domain:")
    if domain == site:
        return url.startswith(site)
    host = urlsplit(url).hostname or ""
    return host == domain or host.endswith(f".{domain}")


def _decoder(url: str) -> Callable[[Any], Items]:
    """Makes of an answer about a URL its row: of a refusal, too, for that is an answer."""

    def decode(document: Any) -> Items:
        answer = mapping(document, "the answer")
        if "error" in answer:
            return Items([_refused(url, text(mapping(answer["error"], "error").get("message"), "error.message"))])
        if "inspectionResult" not in answer:
            raise MalformedAnswerError("the answer has no inspectionResult")
        result = mapping(answer["inspectionResult"], "inspectionResult")
        status = mapping(result.get("indexStatusResult"), "indexStatusResult")
        link = result.get("inspectionResultLink")
        row = {
            "url": url,
            **STATUS.row(status),
            "inspection_result_link": None if link is None else text(link, "inspectionResultLink"),
            "refusal": None,
        }
        items = STATUS.around([status], [row])
        strange = (answer.keys() - {"inspectionResult"}) | (result.keys() - _RESULT_FIELDS)
        return Items(items.rows, items.unknown | strange, items.missing)

    return decode


def _refused(url: str, refusal: str) -> Row:
    names = [*(column.name for column in STATUS.columns), LINK.name]
    return {"url": url, **dict.fromkeys(names), "refusal": refusal}


def explain(answer: Answer) -> SourceError | None:
    """As of all of Google's, but that a URL which is refused costs the others nothing."""
    error = google.explain(answer)
    return None if answer.status == REFUSED and not isinstance(error, ThrottledError) else error


def _listed(column: str, values: tuple[str, ...]) -> RowRule:
    named = ", ".join(f"'{value}'" for value in values)
    return RowRule(
        name=f"{column}_is_documented",
        sql=f"coalesce({column} in ({named}), true)",
        reason="Google documents no such value: what it means is not known.",
        severity="warn",
    )


URL_INSPECTION = Source(
    name="url_inspection",
    description="Google Search Console: what Google's index holds of single URLs.",
    kind=Kind.SNAPSHOT,
    cron="30 8 * * *",
    settings=UrlInspectionSettings,
    access=Access(
        host="https://searchconsole.googleapis.com",
        auth=google.service_account("https://www.googleapis.com/auth/webmasters.readonly"),
        example=google.EXAMPLE,
        calls_per_minute=CALLS_PER_MINUTE,
    ),
    probe=probe_site,
    explain=explain,
    plan=Plan("plan_inspected_url", limit="urls_per_night"),
    tables=(
        Table(
            name="result",
            description="One row for each URL that Google was asked about.",
            read=read_results,
            shape=STATUS,
            columns=(DAY, URL, *STATUS.columns, LINK, REFUSAL, OBSERVED_AT),
            grain=("day", "url"),
            feeds=Feed.INDEX_LOOKS,
            row_rules=(
                RowRule(
                    name="verdict_or_refusal",
                    sql="verdict is null or refusal is null",
                    reason="Who will not tell of a URL has no verdict on it.",
                ),
                *(_listed(column, values) for column, values in ENUMS.items()),
            ),
            batch_rules=(
                BatchRule(
                    name="some_url_is_told_of",
                    sql="select 1 from {batch} having count(*) >= 10 and count(verdict) = 0",
                    reason="Where every URL is refused the site is stated wrongly, not the URLs.",
                ),
            ),
        ),
    ),
)
