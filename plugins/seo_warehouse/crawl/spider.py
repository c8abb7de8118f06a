"""The spider of a property's own site."""

from __future__ import annotations

import logging
from asyncio import Future, get_running_loop
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from scrapy import Request, Spider

from seo_warehouse.crawl.frontier import BACKLINKED, Entry, Frontier
from seo_warehouse.crawl.parse import parse_ways
from seo_warehouse.crawl.records import Fetched, attempt, is_outage, is_page, kept_headers, location_of
from seo_warehouse.crawl.robots import MAX_ROBOTS_BYTES, MAX_ROBOTS_REDIRECTS, Rules, rules_of
from seo_warehouse.crawl.sitemaps import MAX_SITEMAP_BYTES, MAX_SITEMAP_FILES, Sitemap, read_sitemap
from seo_warehouse.crawl.ways import Ways
from seo_warehouse.urls import resolve

if TYPE_CHECKING:
    from scrapy.http import Response

    from seo_warehouse.crawl.pipe import Store
    from seo_warehouse.crawl.plan import Plan

log = logging.getLogger(__name__)


SITEMAPS_SHARE = 0.5
"""Of the crawl's time: sitemaps without end must leave some for the pages."""
KNOWN_SITEMAPS = 4 * MAX_SITEMAP_FILES
"""Sitemaps remembered: room for those that are not there."""


class HostClock:
    """The instant of what has no answer of its own: the host's clock as it was last seen, else ours."""

    def __init__(self) -> None:
        self._seen: dict[str, datetime] = {}

    def see(self, fetched: Fetched) -> None:
        """Remember the instant of an answer."""
        self._seen[urlsplit(fetched.url).netloc] = fetched.observed_at

    def instant(self, url: str) -> datetime:
        """The latest instant known of a URL's host."""
        return self._seen.get(urlsplit(url).netloc) or datetime.now(UTC)


class SiteSpider(Spider):
    """Asks robots.txt, then sitemaps, then pages in the order of the frontier.

    `failure` is set where there is nothing to crawl: (kind, sentence).
    """

    name = "site"

    def __init__(self, *, plan: Plan, store: Store, frontier: Frontier, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan, self.store, self.frontier = plan, store, frontier
        self._began = monotonic()
        self.clock = HostClock()
        self.failure: tuple[str, str] | None = None
        self.robots_statuses: dict[str, int | None] = {}
        self.sitemaps: list[str] = []
        self._rules: dict[str, Future[Rules]] = {}
        self._failed_starts: dict[str, str] = {}

    def is_late(self, share: float = 1.0) -> bool:
        """Whether that share of the crawl's time is over."""
        return monotonic() >= self._began + share * self.plan.max_seconds

    @property
    def refused_hosts(self) -> set[str]:
        """Hosts of which an address was refused."""
        from twisted.internet import reactor

        refused: set[str] = reactor.nameResolver.refused
        return refused

    def kept(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers worth keeping."""
        return kept_headers(headers)

    def is_vital(self, request: Request) -> bool:
        """Whether the crawl cannot do without an answer: a start URL, or the robots.txt of one."""
        return bool(request.meta.get("is_vital")) or request.url in self.plan.start_urls

    async def start(self) -> AsyncIterator[Request]:
        """Prepare the frontier, from which the scheduler takes all requests."""
        await self._prepare()
        requests: tuple[Request, ...] = ()
        for request in requests:
            yield request

    async def _prepare(self) -> None:
        for origin in dict.fromkeys(_origin(url) for url in self.plan.start_urls):
            rules = await self.rules_for(f"{origin}/")
            if not rules.is_known:
                self._fail_on_robots(origin)
                return
        self.frontier.add_starts(self.plan.start_urls)
        for origin in dict.fromkeys(_origin(url) for url in self.plan.start_urls):
            await self._read_sitemaps(origin)
        self.frontier.add_backlinked(self.plan.backlinked_urls)

    def parse(self, response: Response) -> Iterator[Request]:
        """Take in what a URL gave: where it redirects to, or what it links to."""
        entry: Entry = response.meta["entry"]
        fetched: Fetched = response.meta["fetched"]
        location = location_of(fetched)
        is_allowed = fetched.error not in ("robots", "robots_unreachable")
        if location and self._is_followed(entry, location):
            self.frontier.add_redirect(entry, location)
        elif is_page(fetched):
            ways = self._ways(fetched)
            location = ways.redirect
            if location and self._is_followed(entry, location):
                self.frontier.add_redirect(entry, location)
            targets = (*ways.targets, ways.later) if ways.later else ways.targets
            self.frontier.add_links(entry, [url for url in targets if self.plan.is_in_scope(url)])
        elif fetched.error == "too_large":
            self.frontier.caps.add("max_page_bytes")
        self.frontier.finish(
            entry,
            is_allowed=is_allowed,
            status=fetched.status,
            error=fetched.error,
            location=location,
            at=fetched.observed_at.isoformat(),
        )
        self._watch_starts(fetched, location)
        yield from ()

    def _is_followed(self, entry: Entry, location: str) -> bool:
        """Whether a redirect is: within the crawl's hosts, of what other sites link to within the whole domain."""
        return self.plan.is_in_scope(location) or (entry.phase == BACKLINKED and self.plan.is_own(location))

    def _ways(self, fetched: Fetched) -> Ways:
        limit = self.plan.max_links_per_page
        ways = attempt(fetched.url, lambda: parse_ways(fetched.url, fetched.headers, fetched.body, max_links=limit))
        if ways is None:
            self.frontier.caps.add("unreadable_files")
            return Ways()
        if ways.is_cut:
            self.frontier.caps.add("max_links_per_page")
        return ways

    async def rules_for(self, url: str) -> Rules:
        """Rules of a URL's host, asked for once; those who come while it is asked for wait."""
        origin = _origin(url)
        if origin not in self._rules:
            self._rules[origin] = get_running_loop().create_future()
            fetched = await self._follow(f"{origin}/robots.txt", MAX_ROBOTS_REDIRECTS, MAX_ROBOTS_BYTES)
            self.robots_statuses[origin] = fetched.status
            # A chain without end counts as a missing file.
            status = 404 if location_of(fetched) else fetched.status
            self._rules[origin].set_result(rules_of(status, fetched.body))
            if fetched.error:
                log.warning("%s/robots.txt: %s", origin, fetched.error)
        return await self._rules[origin]

    def slow_down(self, request: Request, seconds: float) -> None:
        """Honour a crawl delay: as AutoThrottle does it, and without it undoing that."""
        if self.crawler.engine is None or seconds <= self.plan.delay_seconds:
            return
        request.meta["autothrottle_dont_adjust_delay"] = True
        downloader = self.crawler.engine.downloader
        host = downloader.get_slot_key(request)
        downloader.per_slot_settings[host] = {"delay": seconds, "concurrency": 1}
        if host in downloader.slots:
            downloader.slots[host].delay = seconds

    async def _read_sitemaps(self, origin: str) -> None:
        stated = [url for literal in (await self.rules_for(f"{origin}/")).sitemaps if (url := resolve(origin, literal))]
        waiting = list(dict.fromkeys([*stated, f"{origin}/sitemap.xml"]))
        seen = set(waiting)
        while waiting:
            if self.is_late(SITEMAPS_SHARE):
                self.frontier.caps.add("max_seconds")
                return
            url = waiting.pop(0)
            if len(self.sitemaps) >= MAX_SITEMAP_FILES:
                self.frontier.caps.add("max_sitemaps")
                return
            sitemap = await self._sitemap(url)
            if sitemap.is_cut:
                self.frontier.caps.add("max_sitemap_size")
            pages = (found for literal in sitemap.pages if (found := resolve(url, literal)))
            self.frontier.add_listed(page.partition("#")[0] for page in pages if self.plan.is_in_scope(page))
            for child in self._children(url, sitemap):
                if len(seen) == KNOWN_SITEMAPS:
                    self.frontier.caps.add("max_sitemaps")
                    break
                if child not in seen:
                    seen.add(child)
                    waiting.append(child)

    def _children(self, url: str, index: Sitemap) -> Iterator[str]:
        """The sitemaps that an index may speak for: of its own site, or of the property's hosts."""
        foreign = 0
        for literal in index.sitemaps:
            child = resolve(url, literal)
            if child and (_site(child) == _site(url) or self.plan.is_in_scope(child)):
                yield child
            else:
                foreign += 1
        if foreign:
            self.frontier.caps.add("foreign_sitemaps")
            log.warning("%s names %d sitemaps of other sites, which are left out", url, foreign)

    async def _sitemap(self, url: str) -> Sitemap:
        if self.plan.is_in_scope(url) and not (await self.rules_for(url)).allows(url):
            return Sitemap()
        fetched = await self._follow(url, self.plan.max_redirects, MAX_SITEMAP_BYTES)
        if fetched.status != 200 or fetched.error:
            return Sitemap(is_cut=fetched.error == "too_large")
        self.sitemaps.append(fetched.url)
        sitemap = attempt(url, lambda: read_sitemap(fetched.body))
        if sitemap is None:
            self.frontier.caps.add("unreadable_files")
        return sitemap or Sitemap()

    async def _follow(self, url: str, max_redirects: int, max_bytes: int) -> Fetched:
        """Fetch a file beside the pages, through redirects; the last answer, a redirect where there are too many."""
        if self.crawler.engine is None:
            raise RuntimeError("the engine has not started")
        is_robots = max_bytes == MAX_ROBOTS_BYTES
        for _ in range(max_redirects + 1):
            meta = {"max_bytes": max_bytes, "is_cut_allowed": is_robots, "is_vital": is_robots}
            request = Request(url, dont_filter=True, meta=meta)
            response = await self.crawler.engine.download_async(request)
            fetched: Fetched = response.meta["fetched"]
            location = location_of(fetched)
            if location is None:
                break
            url = location
        return fetched

    def _fail_on_robots(self, origin: str) -> None:
        host = urlsplit(origin).hostname
        if host in self.refused_hosts:
            self.failure = ("terminal", f"{origin} lies at an address that site_crawl.allowed_networks does not open")
            return
        status = self.robots_statuses[origin]
        reason = f"answered {status}" if status else "gave no answer"
        self.failure = ("transient", f"{origin}/robots.txt {reason}: nobody knows what may be crawled")

    def _watch_starts(self, fetched: Fetched, location: str | None) -> None:
        """Notice when no start URL leads into the site: that is no crawl, however it ends."""
        if fetched.url not in self.plan.start_urls:
            return
        if location and not self.plan.is_in_scope(location):
            self._failed_starts[fetched.url] = f"leads to {location}, which no start URL names"
        elif is_outage(fetched.status) and fetched.error not in ("robots", "too_large"):
            self._failed_starts[fetched.url] = fetched.error or str(fetched.status)
        if len(self._failed_starts) == len(self.plan.start_urls):
            reasons = "; ".join(f"{url} {reason}" for url, reason in self._failed_starts.items())
            is_moved = all(" leads to " in f" {reason}" for reason in self._failed_starts.values())
            self.failure = ("terminal" if is_moved else "transient", f"no start URL could be read: {reasons}")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _site(url: str) -> str:
    """Host and port of a URL, but for www: with it and without, over http and https, it is one site."""
    return urlsplit(url).netloc.rpartition("@")[2].removeprefix("www.")
