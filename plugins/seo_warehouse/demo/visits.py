"""Who visits the demo's sites: people, crawlers of search engines and of AI, tools, and those who lie about themselves.

Every visit follows from the seed and its day. The operators' lists of addresses change once: Googlebot comes from a new
range some days before its list has it, as lists are published late.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from ipaddress import ip_network

import numpy as np

from seo_warehouse.demo.arrivals import arrivals
from seo_warehouse.demo.catalogue import DemoProperty
from seo_warehouse.demo.chance import draw, generator
from seo_warehouse.demo.referring import passed, rate_of, state_of
from seo_warehouse.demo.world import World

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
MOVED_AFTER_DAYS = 100
"""Of the first day: from then on Googlebot comes from its new range too."""
LISTED_AFTER_DAYS = 103
STREAMS = ("web", "edge")
CONSENT = 0.6
"""Share of people who let a browser's tool count them."""
CALLED_AGAIN = 0.1
"""Chance of a day that Googlebot comes back to a page that was published lately."""
OUTAGE_AFTER_DAYS = 60
"""Of the first day: on that day the edge wrote no log."""

OLD_LISTS = {
    "googlebot": ("66.249.64.0/27", "2001:4860:4801:10::/64"),
    "common-crawlers": ("66.249.64.0/27", "2001:4860:4801:10::/64"),
    "special-crawlers": ("66.249.90.0/27",),
    "user-triggered-fetchers": ("66.102.6.0/27",),
    "user-triggered-fetchers-google": ("66.102.7.0/27",),
    "user-triggered-agents": ("66.102.8.0/27",),
    "bingbot": ("40.77.167.0/24",),
    "gptbot": ("20.171.206.0/28",),
    "searchbot": ("20.42.10.176/28",),
    "chatgpt-user": ("23.98.142.176/28",),
    "perplexitybot": ("107.20.236.150/32",),
    "perplexity-user": ("44.208.221.197/32",),
    "applebot": ("17.241.208.160/27",),
    "bots": ("160.79.104.0/23",),
}
NEW_RANGE = "66.249.80.0/27"


@dataclass(frozen=True)
class Guest:
    """A kind of visitor: `bot` is who it is for the warehouse, empty for people."""

    name: str
    agent: str
    network: str
    per_day: float
    bot: str = ""
    operator: str = ""
    verdict: str = ""
    from_day: int = 0


GUESTS = (
    Guest("googlebot", GOOGLEBOT, "66.249.64.0/27", 14, "Googlebot", "google", "verified"),
    Guest("googlebot_v6", GOOGLEBOT, "2001:4860:4801:10::/64", 3, "Googlebot", "google", "verified"),
    Guest("googlebot_moved", GOOGLEBOT, NEW_RANGE, 6, "Googlebot", "google", "verified", MOVED_AFTER_DAYS),
    Guest(
        "bingbot",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "40.77.167.0/24",
        6,
        "Bingbot",
        "microsoft",
        "verified",
    ),
    Guest("gptbot", "Mozilla/5.0 (compatible; GPTBot/1.2)", "20.171.206.0/28", 5, "GPTBot", "openai", "verified"),
    Guest("oai_searchbot", "OAI-SearchBot/1.0", "20.42.10.176/28", 2, "OAI-SearchBot", "openai", "verified"),
    Guest(
        "claudebot",
        "Mozilla/5.0 (compatible; ClaudeBot/1.0)",
        "160.79.104.0/23",
        3,
        "ClaudeBot",
        "anthropic",
        "verified",
    ),
    Guest("liar", GOOGLEBOT, "203.0.113.0/24", 4, "Googlebot", "google", "spoofed"),
    # Its reverse name is crawl-198-51-100-7.googlebot.com, which leads to nobody.
    Guest("named_liar", GOOGLEBOT, "198.51.100.0/28", 1, "Googlebot", "google", "spoofed"),
    Guest("unnamed", BROWSER, "66.102.7.0/27", 1, "(unnamed)", "google", "undeclared"),
    Guest(
        "ahrefs", "Mozilla/5.0 (compatible; AhrefsBot/7.0)", "54.36.148.0/24", 4, "AhrefsBot", "ahrefs", "unverifiable"
    ),
    Guest("script", "python-requests/2.32", "192.0.2.128/25", 1, "other", "other", "unverifiable"),
    Guest("people", BROWSER, "192.0.2.0/25", 60),
)


PEOPLE = GUESTS[-1]
ELSEWHERE = (("https://www.google.com/", 6), ("https://chatgpt.com/", 1), ("https://www.named-only.example/", 1))


@dataclass(frozen=True)
class Visit:
    """One request as it truly was. `is_written` unless the stream wrote no log then."""

    stream: str
    at: datetime
    guest: Guest
    address: str
    target: str
    status: int
    size: int
    is_written: bool
    referrer: str = ""
    """What its browser says of where it came from."""
    link_id: int | None = None
    """The link that somebody came by, whatever the browser says."""


def visits(world: World, prop: DemoProperty, day: date) -> list[Visit]:
    """The visits of a property's day, in their order."""
    since = (day - world.first_day).days
    rng = generator(world.seed, "visits", prop.key, day)
    found = [
        _visit(world, prop, day, guest, rng)
        for guest in GUESTS
        if since >= guest.from_day
        for _ in range(int(rng.poisson(guest.per_day)))
    ]
    found += _calls(world, prop, day)
    found += _visitors(world, prop, day)
    return sorted(found, key=lambda visit: (visit.at, visit.guest.name, visit.address, visit.target))


def all_visits(world: World, prop: DemoProperty, last: date) -> Iterator[Visit]:
    """The visits from the world's first day to a last one."""
    for number in range((last - world.first_day).days + 1):
        yield from visits(world, prop, world.first_day + timedelta(days=number))


def is_counted(world: World, visit: Visit) -> bool:
    """Whether whoever visits lets a browser's tool count the visit."""
    return draw(world.seed, "consent", visit.at, visit.address, visit.target) < CONSENT


def lists_on(world: World, day: date) -> dict[str, tuple[str, ...]]:
    """The operators' lists of addresses as they are published on a day."""
    if (day - world.first_day).days < LISTED_AFTER_DAYS:
        return dict(OLD_LISTS)
    more = {name: (*OLD_LISTS[name], NEW_RANGE) for name in ("googlebot", "common-crawlers")}
    return OLD_LISTS | more


def list_document(world: World, name: str, now: datetime) -> dict[str, object]:
    """A list as its operator serves it."""
    prefixes = [
        {"ipv6Prefix" if ":" in prefix else "ipv4Prefix": prefix} for prefix in lists_on(world, now.date())[name]
    ]
    return {"creationTime": f"{now:%Y-%m-%dT%H:%M:%S}.000000", "prefixes": prefixes}


def _calls(world: World, prop: DemoProperty, day: date) -> Iterator[Visit]:
    """Googlebot's visits to pages that were published lately: its first, and some later ones."""
    rng = generator(world.seed, "calls", prop.key, day)
    for new in arrivals(world.seed, prop, world.first_day):
        if day == new.visited or (day > new.visited and rng.random() < CALLED_AGAIN):
            yield replace(_visit(world, prop, day, GUESTS[0], rng), target=new.page.path, status=200, size=20_000)


def _visitors(world: World, prop: DemoProperty, day: date) -> Iterator[Visit]:
    """People who come from elsewhere: by links, from a search, an assistant, and a site that only names the brand."""
    rng = generator(world.seed, "visitors", prop.key, day)
    for link in world.links[prop.key]:
        state = state_of(link, datetime.combine(day, time(12), UTC))
        if state is None or not state.is_live:
            continue
        referrer = {"full": link.url_from, "origin": f"{link.site.root}/", "none": ""}
        said = referrer[passed(world.seed, link, state.rel)]
        for _ in range(int(rng.poisson(rate_of(world.seed, link, day)))):
            came = replace(_visit(world, prop, day, PEOPLE, rng), target=link.path, status=200)
            yield replace(came, referrer=said, link_id=link.link_id)
    for site, per_day in ELSEWHERE:
        for _ in range(int(rng.poisson(per_day))):
            page = prop.pages[int(rng.integers(len(prop.pages)))]
            yield replace(_visit(world, prop, day, PEOPLE, rng), target=page.path, status=200, referrer=site)


def _visit(world: World, prop: DemoProperty, day: date, guest: Guest, rng: np.random.Generator) -> Visit:
    at = datetime.combine(day, time(), UTC) + timedelta(seconds=int(rng.integers(86_400)))
    network = ip_network(guest.network)
    address = (
        str(network[int(rng.integers(1, min(network.num_addresses, 1 << 16)))])
        if network.num_addresses > 1
        else str(network[0])
    )
    target, status = _target(prop, guest, rng)
    size = 0 if status in (301, 304) else int(rng.integers(500, 60_000))
    stream = STREAMS[int(rng.random() < 0.5)]
    is_out = stream == "edge" and (day - world.first_day).days == OUTAGE_AFTER_DAYS
    return Visit(stream, at, guest, address, target, status, size, is_written=not is_out)


def _target(prop: DemoProperty, guest: Guest, rng: np.random.Generator) -> tuple[str, int]:
    page = prop.pages[int(rng.integers(len(prop.pages)))]
    place = rng.random()
    if place < 0.08:
        return f"{page.path}?ref=self", 200
    if place < 0.14:
        return f"/old-{prop.pages[3].topic}", 301
    if place < 0.18:
        return "/catalogue-2019", 404
    if place < 0.24:
        return f"/images/{page.topic}.jpg", 200
    if place < 0.25:
        return page.path, 503
    if place < 0.27:
        return f"{page.path}?mail=somebody@example.com" if not guest.bot else "/orphan-offer", 200
    return page.path, 304 if place < 0.4 and guest.bot else 200
