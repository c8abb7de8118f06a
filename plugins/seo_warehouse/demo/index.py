"""The demo's index of Google: what it truly holds of each URL, and URL inspection, which speaks as of the last crawl.

https://developers.google.com/webmaster-tools/v1/urlInspection.index/inspect
https://developers.google.com/webmaster-tools/v1/sitemaps/list

Pages that are shown in searches are in the index from the first day. Others wait, are left out or are lost; what no
page of the site ever was, is unknown.
"""

from __future__ import annotations

import time as clock
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from seo_warehouse.demo.arrivals import Arrival, arrivals
from seo_warehouse.demo.catalogue import DEMO_PROPERTIES, DemoProperty
from seo_warehouse.demo.chance import draw
from seo_warehouse.demo.google import GoogleError

Json = dict[str, Any]

FIELDS = ("inspectionUrl", "siteUrl", "languageCode")
DAILY_CALLS = 2_000
CALLS_PER_MINUTE = 600
PACIFIC = ZoneInfo("America/Los_Angeles")
"""Whose days Google counts calls by."""


@dataclass(frozen=True)
class Holding:
    """What the index holds of a URL from a day on."""

    since: date
    verdict: str
    coverage: str
    is_crawled: bool = True
    indexing: str = "INDEXING_ALLOWED"
    robots: str = "ALLOWED"
    fetch: str = "SUCCESSFUL"

    @property
    def is_indexed(self) -> bool:
        """It may be shown in searches."""
        return self.verdict == "PASS"


def _unknown(since: date) -> Holding:
    unspecified = ("INDEXING_STATE_UNSPECIFIED", "ROBOTS_TXT_STATE_UNSPECIFIED", "PAGE_FETCH_STATE_UNSPECIFIED")
    return Holding(since, "NEUTRAL", "URL is unknown to Google", False, *unspecified)


def _discovered(since: date) -> Holding:
    unspecified = ("INDEXING_STATE_UNSPECIFIED", "ROBOTS_TXT_STATE_UNSPECIFIED", "PAGE_FETCH_STATE_UNSPECIFIED")
    return Holding(since, "NEUTRAL", "Discovered - currently not indexed", False, *unspecified)


def holdings(seed: int, prop: DemoProperty, first_day: date) -> dict[str, tuple[Holding, ...]]:
    """By path what the index truly holds, in order of time. What is not named is unknown to it."""
    topic = prop.pages[3].topic
    noindex = "Excluded by ‘noindex’ tag"
    gone = Holding(first_day, "NEUTRAL", "Not found (404)", fetch="NOT_FOUND")
    moved = Holding(first_day, "NEUTRAL", "Page with redirect")
    found: dict[str, tuple[Holding, ...]] = {
        page.path: (Holding(first_day, "PASS", "Submitted and indexed"),) for page in prop.pages
    }
    found["/guides/archive"] = (Holding(first_day, "NEUTRAL", noindex, indexing="BLOCKED_BY_META_TAG"),)
    found["/files/care-guide.pdf"] = (Holding(first_day, "NEUTRAL", noindex, indexing="BLOCKED_BY_HTTP_HEADER"),)
    found["/cart/view"] = (
        Holding(first_day, "NEUTRAL", "Blocked by robots.txt", False, robots="DISALLOWED", fetch="BLOCKED_ROBOTS_TXT"),
    )
    found |= {f"/old-{topic}": (moved,), "/sale": (moved,), f"/{topic}": (moved,), "/catalogue-2019": (gone,)}
    found["/orphan-offer"] = tuple(_wait(seed, prop, first_day))
    if prop.key == 1:
        found["/de/benches/"] = (Holding(first_day, "PASS", "Indexed, not submitted in sitemap"),)
    return found | {each.page.path: tuple(_arrive(each, first_day)) for each in arrivals(seed, prop, first_day)}


def _arrive(page: Arrival, first_day: date) -> Iterator[Holding]:
    """What becomes of a page that is published while the site is watched."""
    yield _unknown(first_day)
    yield _discovered(page.published)
    yield Holding(page.visited, "NEUTRAL", "Crawled - currently not indexed")
    if page.indexed:
        yield Holding(page.indexed, "PASS", "Submitted and indexed")


def _wait(seed: int, prop: DemoProperty, first_day: date) -> Iterator[Holding]:
    """What becomes of a page that only the sitemap knows: found, visited, taken in and lost."""
    day = first_day
    yield _discovered(day)
    for name, least, spread, verdict, coverage in (
        ("visited", 8, 10, "NEUTRAL", "Crawled - currently not indexed"),
        ("indexed", 20, 20, "PASS", "Submitted and indexed"),
        ("lost", 60, 60, "NEUTRAL", "Crawled - currently not indexed"),
    ):
        day += timedelta(days=least + int(spread * draw(seed, "index", prop.key, name)))
        yield Holding(day, verdict, coverage)


class Index:
    """The index of the demo's properties, and how many calls each site has had."""

    def __init__(self, seed: int, first_day: date) -> None:
        self._seed = seed
        self._first_day = first_day
        self._sites = {p.search_console_site: p for p in DEMO_PROPERTIES}
        self.held = {p.key: holdings(seed, p, first_day) for p in DEMO_PROPERTIES}
        self.minute_calls = CALLS_PER_MINUTE
        self._calls: Counter[tuple[str, date]] = Counter()
        self._lately: dict[str, deque[float]] = {site: deque() for site in self._sites}

    def inspect(self, body: Json, now: datetime) -> tuple[Json, Json]:
        """The answer, and what it disclosed. Raises GoogleError."""
        prop, url = self._asked(body)
        self._count(prop.search_console_site, now)
        path = url.removeprefix(prop.root) or "/"
        crawled_at = self.crawled_at(prop, path, now)
        held = self.as_of(prop, path, now.date() if crawled_at is None else crawled_at.date())
        status: Json = {
            "verdict": held.verdict,
            "coverageState": held.coverage,
            "robotsTxtState": held.robots,
            "indexingState": held.indexing,
            "pageFetchState": held.fetch,
        }
        if crawled_at is not None:
            status |= {"lastCrawlTime": crawled_at.isoformat().replace("+00:00", "Z"), "crawledAs": "MOBILE"}
        if held.is_indexed:
            status |= {"googleCanonical": url, "userCanonical": url, "referringUrls": [prop.url("/")]}
            if held.coverage.startswith("Submitted"):
                status["sitemap"] = [prop.url("/sitemap.xml")]
        link = f"https://search.google.com/search-console/inspect?resource_id={prop.search_console_site}"
        shown = {"property_key": prop.key, "url": url, "verdict": held.verdict, "coverage_state": held.coverage}
        return {"inspectionResult": {"inspectionResultLink": link, "indexStatusResult": status}}, shown

    def as_of(self, prop: DemoProperty, path: str, day: date) -> Holding:
        """What the index truly holds of a path on a day."""
        known = [held for held in self.held[prop.key].get(path, ()) if held.since <= day]
        return known[-1] if known else _unknown(day)

    def crawled_at(self, prop: DemoProperty, path: str, now: datetime) -> datetime | None:
        """The last crawl of a path before an instant; None where there was none."""
        if path not in self.held[prop.key]:
            return None
        step = 2 + int(9 * draw(self._seed, "crawl step", prop.key, path))
        minute = int(1440 * draw(self._seed, "crawl time", prop.key, path))
        start = datetime.combine(self._first_day, time(), UTC) + timedelta(minutes=minute) - timedelta(days=step)
        at = start + (now - start) // timedelta(days=step) * timedelta(days=step)
        return at if self.as_of(prop, path, at.date()).is_crawled else None

    def sitemaps(self, site: str, index: str | None, now: datetime) -> Json:
        """The sitemaps of a site, or those that an index names, fetched at the last midnight. Raises GoogleError."""
        prop = self._sites.get(site)
        if prop is None:
            raise GoogleError(403, "PERMISSION_DENIED", "forbidden", f"No sufficient permission for site '{site}'.")
        top, pages = prop.url("/sitemap.xml"), prop.url("/sitemap-pages.xml")
        if index not in (None, top):
            raise GoogleError(404, "NOT_FOUND", "notFound", f"'{index}' is not a sitemap index of '{site}'.")
        new = arrivals(self._seed, prop, self._first_day)
        listed = (
            sum(page.kind != "archive" for page in prop.pages) + sum(each.published <= now.date() for each in new) + 1
        )
        found = {
            "path": top if index is None else pages,
            "lastSubmitted": f"{self._first_day}T08:00:00.000Z",
            "lastDownloaded": f"{now.date()}T00:00:00.000Z",
            "isPending": False,
            "isSitemapsIndex": index is None,
            "type": "sitemap",
            "warnings": "0",
            "errors": "0",
            "contents": [{"type": "web", "submitted": str(listed), "indexed": "0"}],
        }
        return {"sitemap": [found]}

    def _asked(self, body: Json) -> tuple[DemoProperty, str]:
        for name in body:
            if name not in FIELDS:
                raise _bad(f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.')
        for name in FIELDS:
            if not isinstance(body.get(name, ""), str):
                raise _bad(f"Invalid value at '{name}' (TYPE_STRING), {body[name]}")
        url, site = body.get("inspectionUrl", ""), body.get("siteUrl", "")
        if not url or not site:
            raise _bad(f"'{'inspectionUrl' if not url else 'siteUrl'}' is required.")
        if not url.startswith(("http://", "https://")) or " " in url:
            raise _bad("Inspected URL is not valid.")
        prop = self._sites.get(site)
        host = url.split("/")[2].partition(":")[0]
        if prop is None or not (host == prop.domain or host.endswith(f".{prop.domain}")) or not _is_under(url, site):
            message = "You do not own this site, or the inspected URL is not part of this property."
            raise GoogleError(403, "PERMISSION_DENIED", "forbidden", message)
        return prop, url

    def _count(self, site: str, now: datetime) -> None:
        """Count a call. Raises GoogleError where the site has had those of its day or minute."""
        lately, moment = self._lately[site], clock.monotonic()
        while lately and lately[0] <= moment - 60:
            lately.popleft()
        day = (site, now.astimezone(PACIFIC).date())
        if self._calls[day] >= DAILY_CALLS or len(lately) >= self.minute_calls:
            raise GoogleError(429, "RESOURCE_EXHAUSTED", "rateLimitExceeded", f"Quota exceeded for {site}.")
        self._calls[day] += 1
        lately.append(moment)


def _is_under(url: str, site: str) -> bool:
    return site.startswith("sc-domain:") or url.startswith(site)


def _bad(message: str) -> GoogleError:
    return GoogleError(400, "INVALID_ARGUMENT", "badRequest", message)
