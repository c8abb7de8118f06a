"""The pages that link to the demo's properties, looked at as our visits do: each gets its true grade."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

import pytest

from seo_warehouse.authority.flags import Arrival, flag_networks
from seo_warehouse.crawl.parse import Page
from seo_warehouse.crawl.records import Fetched, location_of
from seo_warehouse.crawl.robots import rules_of
from seo_warehouse.demo import DEMO_PROPERTIES
from seo_warehouse.demo.linking import LinkingSites, asks, end_of, linking_pages, manner_of
from seo_warehouse.demo.links import Link, is_followed
from seo_warehouse.demo.referring import passed, state_of
from seo_warehouse.demo.world import World
from seo_warehouse.linkcheck.grades import Beside, Expected, Verdict, judge
from seo_warehouse.linkcheck.looks import Visit, look_at
from seo_warehouse.linkcheck.tags import tag_ids
from seo_warehouse.networks import CDNS
from seo_warehouse.urls import identity

FIRST = date(2026, 1, 1)
KEY = 1
OF_MANNER = {
    "noindex": "noindex_source",
    "canonical": "canonicalised",
    "forbidden": "blocked",
    "refuses": "blocked",
    "challenge": "blocked",
    "script": "js_only",
}
OF_END = {
    "removed": "gone",
    "missing": "page_gone",
    "gone": "page_gone",
    "soft_404": "page_gone",
    "parked": "page_gone",
    "home": "redirected",
    "elsewhere": "redirected",
}


@pytest.fixture(scope="module")
def web() -> LinkingSites:
    return LinkingSites(World(7, FIRST))


def true_grade(web: LinkingSites, link: Link, now: datetime) -> str:
    """What a visit is to find."""
    state, manner = state_of(link, now), manner_of(web.world.seed, link)
    if manner == "forbidden":
        return "blocked"
    if state is None:
        return "page_gone"
    if not state.is_live:
        return OF_END[end_of(web.world.seed, link)]
    if manner == "rotating" and not web.is_shown(link, now):
        return "gone"
    return OF_MANNER.get(manner, "live")


def fetch(web: LinkingSites, url: str, now: datetime, hops: int = 5) -> Visit:
    """A visit without a network: robots.txt, then the page and its redirects."""
    at = url
    for _ in range(hops):
        host = urlsplit(at).netloc
        if web.property_of(host) is None:
            return Visit(url, Fetched(at, 200, {}, b"<p>elsewhere", now, 0.0))
        if not rules_of(200, web.answer(host, "/robots.txt", now).body).allows(at):
            return Visit(url, None, "robots")
        answer = web.answer(host, urlsplit(at).path, now)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        fetched = Fetched(at, answer.status, headers, answer.body, now, 0.0)
        location = location_of(fetched)
        if location is None:
            return Visit(url, fetched)
        at = location
    raise AssertionError(f"{url} leads on and on")


def graded(web: LinkingSites, link: Link, now: datetime) -> Verdict:
    """The grade of a link at an instant, by what was known of it."""
    state = state_of(link, now) or link.changes[0]
    rel = frozenset(() if is_followed(state.rel) else {"nofollow", "sponsored", "ugc"}.intersection(state.rel))
    if manner_of(web.world.seed, link) == "page_nofollow":
        rel |= {"nofollow"}
    target = identity(link.url_to)
    assert target is not None
    expected = Expected(frozenset({target.url}), rel, state.anchor)

    def page(path: str) -> Page | None:
        return look_at(fetch(web, f"{link.site.root}{path}", now)).page

    beside = Beside(made_up=page("/2026/01/qwertyuiopasdfghjklz"), home=page("/"), canonical=page("/all"))
    domain = next(p.domain for p in web.world.properties if p.key == link.property_key)
    return judge(look_at(fetch(web, link.url_from, now)), expected, beside, domain=domain, others=frozenset())


@pytest.mark.parametrize("day", [1, 90, 180])
def test_every_page_gets_its_true_grade(web: LinkingSites, day: int) -> None:
    now = datetime(FIRST.year, 1, 1, 3, tzinfo=UTC) + timedelta(days=day)
    links = web.world.links[KEY]
    wrong = {
        link.url_from: (graded(web, link, now).grade, true_grade(web, link, now))
        for link in links
        if state_of(link, now) is not None and graded(web, link, now).grade != true_grade(web, link, now)
    }
    assert len(links) > 50
    assert wrong == {}


def test_each_page_lets_through_what_its_visitors_tell(web: LinkingSites) -> None:
    now = datetime(FIRST.year, 1, 1, 3, tzinfo=UTC) + timedelta(days=90)
    told: Counter[str] = Counter()
    for link in web.world.links[KEY]:
        state = state_of(link, now)
        if state is not None and true_grade(web, link, now) == "live":
            assert graded(web, link, now).referrer_policy == passed(web.world.seed, link, state.rel), link.url_from
            told[passed(web.world.seed, link, state.rel)] += 1
    assert told.keys() == {"full", "origin", "none"}


def test_every_manner_and_every_end_is_met(web: LinkingSites) -> None:
    pages = list(linking_pages(web.world))
    manners, ends = Counter(page["manner"] for page in pages), Counter(page["end"] for page in pages)
    assert set(OF_MANNER) | {"plain", "rotating", "page_nofollow"} == set(manners)
    assert set(ends) == set(OF_END)


def test_a_link_that_changed_since_it_was_seen_is_told_so(web: LinkingSites) -> None:
    link = next(
        link
        for link in web.world.links[KEY]
        if manner_of(web.world.seed, link) == "plain" and link.changes[-1].kind == "rel_changed"
    )
    after = link.changes[-1].at + timedelta(seconds=1)
    before = link.changes[-2]
    rel = frozenset({"nofollow", "sponsored", "ugc"}.intersection(before.rel))
    target = identity(link.url_to)
    assert target is not None
    look = look_at(fetch(web, link.url_from, after))
    verdict = judge(
        look, Expected(frozenset({target.url}), rel, before.anchor), Beside(), domain="x", others=frozenset()
    )
    assert verdict.grade == "rel_changed"


def test_a_plan_asks_for_the_pages_that_the_vendor_knows_what_changed_last_first(web: LinkingSites) -> None:
    now = datetime(FIRST.year, 1, 1, 3, tzinfo=UTC) + timedelta(days=90)
    states = {link.url_from: state_of(link, now) for link in web.world.links[KEY]}
    told = {url: state for url, state in states.items() if state is not None}
    asked = asks(web.world, KEY, now)
    urls = [ask["ask"]["url"] for ask in asked]
    assert sorted(urls) == sorted(told)
    assert [told[url].at for url in urls] == sorted((state.at for state in told.values()), reverse=True)
    for ask, url in zip(asked, urls, strict=True):
        assert ask["reason"] == ("schedule" if told[url].is_live else "claim")
        assert ask["ask"]["links"][0]["anchor"] == told[url].anchor
        assert is_followed(tuple(ask["ask"]["links"][0]["rel"])) == is_followed(told[url].rel)


def test_what_a_page_hides_and_whose_tag_it_carries_is_met(web: LinkingSites) -> None:
    now = datetime(FIRST.year, 1, 1, 3, tzinfo=UTC) + timedelta(days=90)
    told = {(page["property_key"], page["link_id"]): page for page in linking_pages(web.world)}
    hidden, owned = 0, 0
    for links in web.world.links.values():
        for link in links:
            if manner_of(web.world.seed, link) != "plain" or true_grade(web, link, now) != "live":
                continue
            truth, verdict = told[link.property_key, link.link_id], graded(web, link, now)
            assert verdict.is_hidden is truth["is_hidden"], link.url_from
            answer = fetch(web, link.url_from, now).answer
            assert answer is not None
            assert len(tag_ids(answer.body)) == (truth["tag_id"] is not None)
            hidden, owned = hidden + truth["is_hidden"], owned + (truth["tag_id"] is not None)
    assert hidden > 3
    assert owned > 20


def test_networks_that_came_at_once_stand_out_and_no_others(web: LinkingSites) -> None:
    planted: set[str] = set()
    for prop in DEMO_PROPERTIES:
        first: dict[str, Arrival] = {}
        pages = {page["link_id"]: page for page in linking_pages(web.world) if page["property_key"] == prop.key}
        for link in sorted(web.world.links[prop.key], key=lambda link: link.changes[0].at):
            address = ip_address(pages[link.link_id]["address"])
            is_cdn = any(address in ip_network(network) for network in CDNS["Cloudflare"] if ":" not in network)
            network = None if is_cdn else str(ip_network(f"{address}/24", strict=False))
            first.setdefault(link.site.host, Arrival(link.changes[0].at.date(), network, link.link_id))
        came = [one for one in first.values() if one.day >= FIRST]
        networks = {page["address"].rpartition(".")[0] + ".0/24" for page in pages.values() if page["is_of_burst"]}
        assert [flag.subject for flag in flag_networks(came)] == sorted(networks)
        planted |= networks
    assert planted == {"198.19.0.0/24"}
