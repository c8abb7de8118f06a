from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import requests
from selectolax.lexbor import LexborHTMLParser

from seo_warehouse.demo import DEMO_PROPERTIES, disclosed
from seo_warehouse.demo.arrivals import arrivals
from seo_warehouse.demo.catalogue import ALDERWOOD
from tests.demo.conftest import FIRST_DAY, SEED, Client

HOSTS = {p.host for p in DEMO_PROPERTIES} | {p.domain for p in DEMO_PROPERTIES}


def fetch(client: Client, url: str) -> requests.Response:
    """A request as a crawler makes it that resolves the host to the demo."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    headers = {"Host": parts.netloc}
    return requests.get(client.url + target, headers=headers, allow_redirects=False, timeout=10)


def locations(sitemap: str) -> list[str]:
    return re.findall("<loc>([^<]+)</loc>", sitemap)


def crawl(client: Client, start: str) -> dict[str, requests.Response]:
    """Every internal URL that can be reached by links and redirects."""
    waiting, found = [start], {}
    while waiting:
        url = waiting.pop()
        if url in found:
            continue
        answer = found[url] = fetch(client, url)
        targets = [answer.headers["Location"]] if answer.is_redirect else []
        if answer.headers["Content-Type"].startswith("text/html") and answer.status_code == 200:
            targets = [a.attributes["href"] or "" for a in LexborHTMLParser(answer.text).css("a[href]")]
        for target in targets:
            absolute = urljoin(url, target)
            if urlsplit(absolute).hostname in HOSTS:
                waiting.append(absolute)
    return found


@pytest.fixture(scope="module")
def crawled(client: Client) -> dict[str, requests.Response]:
    return crawl(client, ALDERWOOD.url("/"))


def test_every_page_can_be_reached_and_nothing_is_broken_but_one_link(crawled: dict[str, Any]) -> None:
    reachable = {p.path for p in ALDERWOOD.pages if p.kind != "archive"}
    assert reachable <= {urlsplit(url).path for url in crawled}
    by_status: dict[int, set[str]] = {}
    for url, answer in crawled.items():
        by_status.setdefault(answer.status_code, set()).add(urlsplit(url).path)
    assert by_status[404] == {"/catalogue-2019"}
    assert by_status.keys() == {200, 301, 302, 404}
    assert {"/sale", "/offers", "/old-benches"} <= by_status[301] | by_status[302]


def test_the_sale_leads_through_two_redirects(client: Client) -> None:
    first = fetch(client, ALDERWOOD.url("/sale"))
    second = fetch(client, first.headers["Location"])
    assert (first.status_code, second.status_code) == (302, 301)
    assert fetch(client, second.headers["Location"]).status_code == 200


def test_the_bare_domain_leads_to_the_host(client: Client) -> None:
    answer = fetch(client, "http://alderwood.example/tables/?a=1")
    assert (answer.status_code, answer.headers["Location"]) == (301, ALDERWOOD.url("/tables/?a=1"))


def test_pages_have_what_a_crawl_reads(crawled: dict[str, Any]) -> None:
    tree = LexborHTMLParser(crawled[ALDERWOOD.url("/benches/oak-garden-bench")].text)
    for part in ("header", "nav", "main", "aside", "footer"):
        assert tree.css(f"{part} a[href]"), part
    assert [h.tag for h in tree.css("h1, h2")][:2] == ["h1", "h2"]
    assert tree.css_first("title").text()
    assert '"Product"' in tree.css_first('script[type="application/ld+json"]').text()
    canonical = tree.css_first('link[rel="canonical"]').attributes["href"]
    assert canonical == ALDERWOOD.url("/benches/oak-garden-bench")
    shared = LexborHTMLParser(crawled[ALDERWOOD.url("/benches/oak-garden-bench?ref=self")].text)
    assert shared.css_first('link[rel="canonical"]').attributes["href"] == canonical


def test_rel_tokens_hreflang_and_robots_are_there(client: Client, crawled: dict[str, Any]) -> None:
    rels = {
        a.attributes.get("rel") for answer in crawled.values() for a in LexborHTMLParser(answer.text).css("a[href]")
    }
    assert {None, "nofollow", "noopener nofollow"} <= rels
    hub = LexborHTMLParser(crawled[ALDERWOOD.url("/benches/")].text)
    assert {link.attributes["hreflang"] for link in hub.css("link[hreflang]")} == {"en", "de", "x-default"}
    assert fetch(client, ALDERWOOD.url("/de/benches/")).status_code == 200
    assert "noindex" in fetch(client, ALDERWOOD.url("/guides/archive")).text
    assert fetch(client, ALDERWOOD.url("/files/care-guide.pdf")).headers["X-Robots-Tag"] == "noindex, nofollow"


def test_sitemaps_name_every_page_to_be_indexed(client: Client) -> None:
    assert ALDERWOOD.url("/sitemap.xml") in fetch(client, ALDERWOOD.url("/robots.txt")).text
    sitemaps = locations(fetch(client, ALDERWOOD.url("/sitemap.xml")).text)
    listed = [url for sitemap in sitemaps for url in locations(fetch(client, sitemap).text)]
    pages = {ALDERWOOD.url(p.path) for p in ALDERWOOD.pages if p.kind != "archive"}
    new = {ALDERWOOD.url(each.page.path) for each in arrivals(SEED, ALDERWOOD, FIRST_DAY)}
    assert set(listed) == pages | new | {ALDERWOOD.url("/orphan-offer")}
    assert all(fetch(client, url).status_code == 200 for url in listed)


def test_an_edit_shows_from_its_day_on_and_nothing_else_changes(client: Client) -> None:
    edit = next(e for e in client.server.world.edits[1] if e.kind == "text")
    url = ALDERWOOD.url(edit.path)
    texts = []
    for day, hour in ((edit.day.replace(), "00"), (edit.day, "23")):
        client.put("clock", {"now": f"{day}T{hour}:30:00Z"})
        texts.append(fetch(client, url).text)
    assert texts[0] == texts[1]
    client.put("clock", {"now": f"{client.server.world.first_day}T10:00:00Z"})
    assert fetch(client, url).text != texts[0]


def test_each_answer_of_the_site_is_disclosed(client: Client) -> None:
    fetch(client, ALDERWOOD.url("/tables/"))
    line = disclosed(client.server.folder, "site")[-1]
    assert (line["url"], line["status"], line["property_key"]) == (ALDERWOOD.url("/tables/"), 200, 1)
