"""The spider of single pages: it visits what it is told to, and follows redirects alone."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from scrapy import Request, Spider

from seo_warehouse.crawl.frontier import MAX_URL
from seo_warehouse.crawl.parse import Page, parse_page, parse_ways
from seo_warehouse.crawl.records import Fetched, attempt, is_page, kept_headers, location_of, stated_instant
from seo_warehouse.crawl.robots import MAX_ROBOTS_BYTES, MAX_ROBOTS_REDIRECTS, Rules, rules_of
from seo_warehouse.crawl.turns import Turns
from seo_warehouse.crawl.visits import NOT_ASKED, Errand, Visited
from seo_warehouse.crawl.ways import Ways
from seo_warehouse.linkcheck.looks import MAX_LINKS
from seo_warehouse.linkcheck.shapes import is_same_shape
from seo_warehouse.urls import identity, leading_to

if TYPE_CHECKING:
    from scrapy.http import Response

    from seo_warehouse.crawl.network import GuardedResolver
    from seo_warehouse.crawl.pipe import Store
    from seo_warehouse.crawl.visits import VisitPlan

AT_ONCE = 16
"""Requests in flight, each to another host."""
HOSTS_AT_ONCE = 400
"""Hosts whose pages wait for their turn: at 10 seconds a host enough for as many requests as go at once."""
MAX_VISIT_DELAY = 60.0
"""Seconds of a crawl delay, or of Retry-After, that are waited for; who wishes for more is left alone for the night."""
FAILURES_IN_A_ROW = 5
"""After which a host rests."""
LETTERS = 20

log = logging.getLogger(__name__)


class NightClock:
    """The instant of what has no answer of its own: the latest that any host stated on the night, else ours."""

    def __init__(self) -> None:
        self._latest: datetime | None = None

    def see(self, fetched: Fetched) -> None:
        """Remember the instant of an answer."""
        if stated_instant(fetched.headers):
            self._latest = max(fetched.observed_at, self._latest or fetched.observed_at)

    def instant(self, url: str) -> datetime:
        """The latest instant known."""
        return self._latest or datetime.now(UTC)


class VisitSpider(Spider):
    """Asks robots.txt, then the page; then, where a link is missed, a path that nobody made, and a canonical.

    `visited`: what came of each errand, in their order; None until all have ended.
    """

    name = "visits"

    def __init__(self, *, plan: VisitPlan, store: Store, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan, self.store = plan, store
        self.clock = NightClock()
        self.robots_statuses: dict[str, int | None] = {}
        self.visited: list[Visited] | None = None
        self._night = date.fromisoformat(plan.night)
        self._began = monotonic()
        self._turns = Turns(pause=plan.delay_seconds, at_once=AT_ONCE)
        self._rules: dict[str, asyncio.Task[Rules | str]] = {}
        self._made_up: dict[str, asyncio.Task[tuple[str | None, str | None]]] = {}
        self._pauses: dict[str, float] = {}
        self._resting: dict[str, str] = {}
        self._failures: defaultdict[str, int] = defaultdict(int)

    def is_vital(self, request: Request) -> bool:
        """Whether the visits cannot do without an answer: they can without any."""
        return False

    def kept(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers worth keeping. A date that is not the night's is a clock that goes wrong."""
        kept = kept_headers(headers)
        stated = stated_instant(kept)
        if stated is None or stated.date() != self._night:
            kept.pop("date", None)
        return kept

    @property
    def refused_hosts(self) -> set[str]:
        """Hosts of which an address was refused."""
        return self._resolver.refused

    @property
    def _resolver(self) -> GuardedResolver:
        from twisted.internet import reactor

        resolver: GuardedResolver = reactor.nameResolver
        return resolver

    async def start(self) -> AsyncIterator[Request]:
        """Run all errands: pages of one host one after the other, in their order."""
        by_host: defaultdict[str, list[Errand]] = defaultdict(list)
        for errand in self.plan.errands:
            by_host[_host(errand.url)].append(errand)
        found: dict[str, Visited] = {}
        hosts = iter(list(by_host.values()))
        await asyncio.gather(*(self._work(hosts, found) for _ in range(min(HOSTS_AT_ONCE, len(by_host)))))
        self.visited = [found[errand.url] for errand in self.plan.errands]
        requests: tuple[Request, ...] = ()
        for request in requests:
            yield request

    async def _work(self, hosts: Iterator[list[Errand]], found: dict[str, Visited]) -> None:
        for errands in hosts:
            for errand in errands:
                found[errand.url] = await self._visit(errand)

    def parse(self, response: Response) -> Iterator[Request]:
        """Nothing comes here: the spider asks by itself."""
        yield from ()

    async def _visit(self, errand: Errand) -> Visited:
        urls, fetched, error = await self._arrive(errand.url)
        at = fetched.observed_at.isoformat()
        ways = _ways(fetched) if error is None else None
        made_up = home = canonical = missed = None
        if ways is not None and _domain(fetched.url) == _domain(errand.url):
            if not all(leading_to(ways.targets, wanted) for wanted in errand.wanted):
                page = _page(fetched)
                missed = page.content_hash if page else None
                made_up, home = await self._answer_to_nobody(fetched.url)
            if ways.canonical and not is_same_shape(ways.canonical, fetched.url):
                canonical = await self._page_at(ways.canonical)
        error = error or fetched.error
        return Visited(errand.url, tuple(urls), error, at, fetched.status, made_up, home, canonical, missed)

    async def _arrive(self, url: str) -> tuple[list[str], Fetched, str | None]:
        """(URLs after the first, the last answer, why they lead nowhere) of a URL's redirects."""
        urls: list[str] = []
        while True:
            at = urls[-1] if urls else url
            error = await self._refusal(at)
            fetched = self._failed(at, error) if error else await self._fetch(at)
            location = _onward(fetched)
            if location is None:
                return urls, fetched, None
            if location == url or location in urls:
                return urls, fetched, "redirect_loop"
            if len(urls) == self.plan.max_redirects or len(location) > MAX_URL:
                return urls, fetched, "too_many_redirects"
            urls.append(location)

    async def _page_at(self, url: str) -> str | None:
        """Where a page lies that a URL leads to; None where it leads to none."""
        _, fetched, error = await self._arrive(url)
        return fetched.url if error is None and _ways(fetched) else None

    async def _answer_to_nobody(self, url: str) -> tuple[str | None, str | None]:
        """(page that a path gave that nobody made, home page) of a URL's host, asked for once."""
        origin = _origin(url)
        if origin not in self._made_up:
            self._made_up[origin] = asyncio.ensure_future(self._ask_for_nothing(origin, url))
        return await self._made_up[origin]

    async def _ask_for_nothing(self, origin: str, url: str) -> tuple[str | None, str | None]:
        digest = sha256(f"{self.plan.salt} {origin}".encode()).digest()
        path = "".join(chr(ord("a") + byte % 26) for byte in digest[:LETTERS])
        made_up = await self._page_at(urljoin(url, path))
        return made_up, (await self._page_at(f"{origin}/")) if made_up else None

    async def _refusal(self, url: str) -> str | None:
        """Why a page may not be asked for; None where it may."""
        origin = _origin(url)
        if origin not in self._rules:
            self._rules[origin] = asyncio.ensure_future(self._read_rules(origin))
        rules = await self._rules[origin]
        if isinstance(rules, str):
            return rules
        if rules.allows(url):
            return None
        return "robots" if rules.is_known else "robots_unreachable"

    async def _read_rules(self, origin: str) -> Rules | str:
        """Rules of a host; where it gave no answer at all, why."""
        url = f"{origin}/robots.txt"
        for _ in range(MAX_ROBOTS_REDIRECTS + 1):
            fetched = await self._fetch(url, is_robots=True)
            location = location_of(fetched)
            if location is None:
                break
            url = location
        self.robots_statuses[origin] = fetched.status
        if fetched.status is None and fetched.error:
            return fetched.error
        # A chain without end counts as a missing file.
        rules = rules_of(404 if location else fetched.status, fetched.body, max_delay=MAX_VISIT_DELAY)
        self._pauses[_host(origin)] = rules.crawl_delay
        return rules

    async def _fetch(self, url: str, *, is_robots: bool = False) -> Fetched:
        """What a URL answers, or has answered this night already."""
        known = self.store.find(url)
        if known is not None:
            self.clock.see(known)
            return known
        host = _host(url)
        addresses = await self._resolver.addresses(host)
        if not addresses:
            return self._failed(url, "refused_address" if host in self.refused_hosts else "dns")
        if not_now := self._not_now(host):
            return self._failed(url, not_now)
        names = {host, *addresses}
        async with self._turns.turn(names, pause=self._pauses.get(host, 0.0)):
            if not_now := self._not_now(host):
                return self._failed(url, not_now)
            if self.crawler.engine is None:
                raise RuntimeError("the engine has not started")
            limit = MAX_ROBOTS_BYTES if is_robots else self.plan.max_page_bytes
            meta = {"max_bytes": limit, "is_cut_allowed": is_robots, "is_page": not is_robots}
            response = await self.crawler.engine.download_async(Request(url, dont_filter=True, meta=meta))
            fetched: Fetched = response.meta["fetched"]
            self._learn(host, fetched)
        return fetched

    def _not_now(self, host: str) -> str | None:
        if monotonic() >= self._began + self.plan.max_seconds:
            return f"{NOT_ASKED}_late"
        return self._resting.get(host)

    def _learn(self, host: str, fetched: Fetched) -> None:
        """What an answer says of when its host may be asked again."""
        is_failed = fetched.status is None or fetched.status >= 500
        self._failures[host] = self._failures[host] + 1 if is_failed else 0
        if self._failures[host] == FAILURES_IN_A_ROW:
            self._resting[host] = f"{NOT_ASKED}_failing"
        if fetched.status not in (429, 503):
            return
        seconds = _retry_after(fetched)
        if seconds is not None and seconds <= MAX_VISIT_DELAY:
            self._turns.hold({host}, seconds)
        elif seconds is not None or fetched.status == 429:
            self._resting[host] = f"{NOT_ASKED}_throttled"

    def _failed(self, url: str, error: str) -> Fetched:
        return Fetched(url, None, {}, b"", self.clock.instant(url), 0.0, error)


def _ways(fetched: Fetched) -> Ways | None:
    """Where the page in an answer of status 200 leads; None where it is none, or cannot be read."""
    if fetched.status != 200 or not is_page(fetched):
        return None
    return attempt(fetched.url, lambda: parse_ways(fetched.url, fetched.headers, fetched.body, max_links=MAX_LINKS))


def _page(fetched: Fetched) -> Page | None:
    """The same page, all of it."""
    return attempt(fetched.url, lambda: parse_page(fetched.url, fetched.headers, fetched.body, max_links=MAX_LINKS))


def _onward(fetched: Fetched) -> str | None:
    """Where an answer sends whoever comes, at once."""
    location = location_of(fetched)
    if location is None and is_page(fetched) and (b"refresh" in fetched.body.lower() or "refresh" in fetched.headers):
        ways = attempt(fetched.url, lambda: parse_ways(fetched.url, fetched.headers, fetched.body, max_links=0))
        location = ways.redirect if ways else None
    return location


def _retry_after(fetched: Fetched) -> float | None:
    """Seconds that an answer asks to wait for; None where it does not say, or not so that one understands."""
    stated = fetched.headers.get("retry-after", "").strip()
    if stated.isascii() and stated.isdecimal() and len(stated) < 10:
        return float(stated)
    with suppress(TypeError):
        until = stated_instant({"date": stated})
        return max(0.0, (until - fetched.observed_at).total_seconds()) if until else None
    return None


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _domain(url: str) -> str | None:
    found = identity(url)
    return found.domain if found else None
