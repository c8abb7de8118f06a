from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seo_warehouse.client.api import Api
from seo_warehouse.client.archive import Answer, Archive
from seo_warehouse.client.plans import Ask, keep_plan
from seo_warehouse.config import Property, SourceSettings
from seo_warehouse.crawl.records import (
    HEAD_KEY,
    Asked,
    Head,
    packed_head,
    packed_part,
    part_key,
    url_key,
)
from seo_warehouse.errors import NotArchivedError, TransientSourceError
from seo_warehouse.sources.site_crawl import (
    SITE_CRAWL,
    CrawlSettings,
    order_crawl,
    read_links,
    read_pages,
    read_sitemap_urls,
)
from seo_warehouse.spec import Period, Row
from tests.crawl.site import HOST, Reply, api_over, archive_in, html, redirect, serve, text, xml

NIGHT = date(2026, 11, 22)
PERIOD = Period(NIGHT, NIGHT)
HEAD = Head(part_count=1, url_count=1, hosts=(HOST,), max_redirects=10, max_links_per_page=100)
EMPTY = dataclasses.replace(HEAD, part_count=0, url_count=0)
ASKED = Asked(f"http://{HOST}/", 0, False, True, 200, None, None, "2026-11-22T02:00:00+00:00")


def a_property(crawl: CrawlSettings | None) -> Property:
    return Property(
        key=1,
        name="shop",
        domain="shop.example",
        history_start=date(2026, 1, 1),
        sources=SourceSettings(site_crawl=crawl),
    )


def rows(api: Api, prop: Property) -> tuple[list[Row], list[Row]]:
    return list(read_pages(api, prop, PERIOD)), list(read_links(api, prop, PERIOD))


def put(archive: Archive, key: str, body: bytes, *, url: str = "http://unused.example/") -> None:
    archive.put(key, Answer(url, 200, {"content-type": "text/html"}, body, datetime(2026, 11, 22, 2, tzinfo=UTC), 0.1))


def planned(archive: Archive, *urls: str) -> Archive:
    """An archive with a night's plan of what to visit since other sites link to it."""
    asks = [Ask(url, 1.0, "never_visited") for url in urls]
    keep_plan(archive, "plans.plan_backlinked_page", asks, datetime(2026, 11, 22, 2, tzinfo=UTC))
    return archive


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return planned(archive_in(tmp_path))


@pytest.mark.slow
def test_rows_have_exactly_the_declared_columns_and_keep_their_rules(archive: Archive) -> None:
    pages = {
        "/robots.txt": text("User-agent: *\nDisallow: /no"),
        "/sitemap.xml": xml(f"<urlset><url><loc>http://{HOST}/a</loc><lastmod>2026-11-01</lastmod></url></urlset>"),
        "/": html("/a", "/old", "/no", "/file", "http://other.example/x", title="Shop"),
        "/a": html("/", "/missing"),
        "/old": redirect("/a"),
        "/file": Reply(b"%PDF", headers=(("Content-Type", "application/pdf"),)),
    }
    with serve(pages) as site:
        prop = a_property(site.settings())
        api = api_over(archive)
        assert order_crawl(api, prop, PERIOD)
        assert api.usage.calls == 7
        found = (*rows(api, prop), list(read_sitemap_urls(api, prop, PERIOD)))
    for table, table_rows in zip(SITE_CRAWL.tables, found, strict=True):
        names = [column.name for column in table.columns]
        required = {column.name for column in table.columns if column.required}
        grains = [tuple(row[name] for name in table.grain) for row in table_rows]
        assert len(set(grains)) == len(grains)
        for row in table_rows:
            assert sorted(row) == sorted(names)
            assert not {name for name in required if row[name] is None}
    page_rows, link_rows, listed = found
    assert len(listed) == 1
    by_url = {row["url"].split("/", 3)[3]: row for row in page_rows}
    assert set(by_url) == {"", "a", "old", "no", "file", "missing"}
    start = by_url[""]
    assert (start["title"], start["internal_link_count"], start["external_link_count"]) == ("Shop", 4, 1)
    assert start["headings"] == [{"level": 1, "text": "Shop"}]
    assert by_url["missing"]["status_code"] == 404
    assert [row["is_internal"] for row in link_rows] == [True, True, True, True, False, True, True]
    facts = api.facts[NIGHT]
    assert (facts["stated_count"], facts["is_complete"], facts["is_capped"]) == (6, True, False)
    assert facts["robots_statuses"] == {f"http://{HOST}": 200}


@pytest.mark.slow
def test_what_other_sites_link_to_is_visited_on_every_host_of_the_domain_and_on_no_other(tmp_path: Path) -> None:
    pages = {
        "/robots.txt": text("User-agent: *\nDisallow: /no"),
        f"{HOST}/": html("/a"),
        "/a": html(),
        "shop.example/robots.txt": text(""),
        "shop.example/": redirect(f"http://{HOST}/"),
        "shop.example/moved": redirect("http://blog.shop.example/post"),
        "blog.shop.example/post": html("/further", title="Post"),
        "blog.shop.example/away": redirect("http://other.example/"),
        "blog.shop.example/no": html(),
    }
    hosts = (HOST, "shop.example", "blog.shop.example", "other.example", "evilshop.example")
    archive = planned(
        archive_in(tmp_path),
        f"http://{HOST}/a", "http://shop.example/", "http://shop.example/moved#part", f"http://{HOST}/dead",
        "http://blog.shop.example/away", "http://blog.shop.example/no", "http://other.example/", "ftp://shop.example/",
        "http://evilshop.example/", "http://shop.example:99/", "http://user@blog.shop.example/", "nonsense",
        "http://not.resolved.shop.example/",
    )  # fmt: skip
    with serve(pages) as site:
        prop, api = a_property(site.settings(*hosts, start_urls=(f"http://{HOST}/",))), api_over(archive)
        assert order_crawl(api, prop, PERIOD)
        found, links = rows(api, prop)
        asked = {host for host, _, _ in site.asked}
    assert asked == {HOST, "shop.example", "blog.shop.example"}
    by_url = {row["url"]: row for row in found}
    assert {url: (row["status_code"], row["final_url"], row["final_status_code"], row["error"], row["depth"])
            for url, row in by_url.items()} == {
        f"http://{HOST}/": (200, f"http://{HOST}/", 200, None, 0),
        f"http://{HOST}/a": (200, f"http://{HOST}/a", 200, None, 1),
        "http://shop.example/": (301, f"http://{HOST}/", 200, None, None),
        "http://shop.example/moved": (301, "http://blog.shop.example/post", 200, None, None),
        f"http://{HOST}/dead": (404, f"http://{HOST}/dead", 404, None, None),
        "http://blog.shop.example/away": (301, None, None, "external_redirect", None),
        "http://blog.shop.example/no": (None, None, None, "robots", None),
        "http://blog.shop.example/post": (200, "http://blog.shop.example/post", 200, None, None),
        "http://not.resolved.shop.example/": (None, None, None, "robots_unreachable", None),
    }  # fmt: skip
    assert "http://blog.shop.example/further" in {row["target_url"] for row in links}


@pytest.mark.slow
def test_each_sitemap_tells_what_it_names_and_when_that_was_changed(archive: Archive) -> None:
    index = "<sitemapindex><sitemap><loc>/moved.xml</loc><lastmod>2026-11-20</lastmod></sitemap></sitemapindex>"
    named = f"<url><loc>http://{HOST}/a#top</loc><lastmod>2026-11-01T08:00:00+01:00</lastmod></url>"
    named += f"<url><loc>http://{HOST}/a</loc><lastmod>2020</lastmod></url><url><loc>/b</loc></url>"
    named += "<url><lastmod>2026-02-30</lastmod><loc>http://other.example/</loc></url>"
    pages = {
        "/": html(),
        "/sitemap.xml": xml(index),
        "/moved.xml": redirect("/pages.xml"),
        "/pages.xml": xml(f"<urlset>{named}</urlset>"),
    }
    with serve(pages) as site:
        prop = a_property(site.settings())
        assert order_crawl(api_over(archive), prop, PERIOD)
        asked = len(site.asked)
        found = list(read_sitemap_urls(api_over(archive, may_call=False), prop, PERIOD))
        assert len(site.asked) == asked
    assert [tuple(row.values())[1:5] for row in found] == [
        (f"http://{HOST}/pages.xml", f"http://{HOST}/a", "2026-11-01T08:00:00+01:00", date(2026, 11, 1)),
        (f"http://{HOST}/pages.xml", f"http://{HOST}/b", None, None),
        (f"http://{HOST}/pages.xml", "http://other.example/", "2026-02-30", None),
    ]


def test_a_crawl_from_before_sitemaps_were_kept_tells_of_none(archive: Archive) -> None:
    put(archive, HEAD_KEY, packed_head(EMPTY))
    assert list(read_sitemap_urls(api_over(archive, may_call=False), a_property(None), PERIOD)) == []


def test_a_sitemap_that_the_archive_has_lost_is_named(archive: Archive) -> None:
    put(archive, HEAD_KEY, packed_head(dataclasses.replace(EMPTY, sitemaps=(f"http://{HOST}/sitemap.xml",))))
    with pytest.raises(NotArchivedError, match=r"the sitemap http://\S+/sitemap\.xml is missing"):
        list(read_sitemap_urls(api_over(archive, may_call=False), a_property(None), PERIOD))


@pytest.mark.slow
def test_a_replay_makes_the_same_rows_without_a_request(archive: Archive) -> None:
    with serve({"/": html("/a"), "/a": html("/")}) as site:
        prop = a_property(site.settings())
        order_crawl(api_over(archive), prop, PERIOD)
        first = rows(api_over(archive), prop)
        count = len(site.asked)
        replayed = api_over(archive, may_call=False)
        assert order_crawl(replayed, prop, PERIOD)
        assert rows(replayed, prop) == first
        assert len(site.asked) == count
        assert replayed.usage.calls == 0


@pytest.mark.slow
def test_the_ledger_hears_of_every_call_of_a_crawl_and_of_the_answers_own_instants(archive: Archive) -> None:
    at = [f"Sun, 22 Nov 2026 02:0{minute}:00 GMT" for minute in range(6)]

    def dated(reply: Reply, minute: int) -> Reply:
        return dataclasses.replace(reply, headers=(*reply.headers, ("Date", at[minute])))

    page = html("/a", "/moved", "/private")
    pages = {
        "/robots.txt": dated(text("User-agent: *\nDisallow: /private"), 1),
        # The sitemap and the first page are asked for at once, and what is refused has the instant of the last answer.
        "/sitemap.xml": dated(text("", 404), 3),
        "/": dated(page, 3),
        "/a": dated(html(), 5),
        "/moved": dated(redirect("http://gone.example/"), 4),
    }
    with serve(pages) as site:
        prop = a_property(site.settings())
        crawled = api_over(archive)
        order_crawl(crawled, prop, PERIOD)
        assert len(site.asked) == 5
    usage = crawled.usage
    sizes = sum(len(reply.body) for reply in pages.values())
    assert (usage.calls, usage.reused, usage.cut, usage.bytes) == (5, 0, 0, sizes)
    minutes = [datetime(2026, 11, 22, 2, minute, tzinfo=UTC) for minute in range(6)]
    assert (usage.first_answer_at, usage.last_answer_at) == (minutes[1], minutes[5])
    for reader in (read_pages, read_links):
        replayed = api_over(archive, may_call=False)
        list(reader(replayed, prop, PERIOD))
        usage = replayed.usage
        assert (usage.calls, usage.reused, usage.bytes) == (0, 3, sum(len(pages[path].body) for path in ("/", "/a")))
        assert (usage.first_answer_at, usage.last_answer_at) == (minutes[3], minutes[5])


@pytest.mark.slow
def test_a_site_that_is_not_there_was_not_called(archive: Archive) -> None:
    with serve({}) as site:
        settings = site.settings()
    api = api_over(archive)
    with pytest.raises(TransientSourceError, match="nobody knows what may be crawled"):
        order_crawl(api, a_property(settings), PERIOD)
    assert (api.usage.calls, api.usage.cut) == (0, 0)
    with pytest.raises(TransientSourceError):
        order_crawl(again := api_over(archive), a_property(settings), PERIOD)
    assert again.usage.cut == 0


@pytest.mark.slow
def test_an_outage_that_answered_is_no_cut_call(archive: Archive) -> None:
    with serve({"/robots.txt": text("", 503)}) as site:
        prop = a_property(site.settings())
        for _ in range(2):
            api = api_over(archive)
            with pytest.raises(TransientSourceError, match="answered 503"):
                order_crawl(api, prop, PERIOD)
            # Asked twice: a 503 is tried again at once.
            assert (api.usage.calls, api.usage.cut) == (2, 0)


def test_a_replay_of_a_crawl_that_never_ended_is_refused(archive: Archive) -> None:
    prop = a_property(CrawlSettings(start_urls=("http://shop.example/",)))
    put(archive, url_key("http://shop.example/"), b"<p>half")
    api = api_over(archive, may_call=False)
    with pytest.raises(NotArchivedError, match="no whole crawl of shop"):
        order_crawl(api, prop, PERIOD)
    with pytest.raises(NotArchivedError, match="no whole crawl of shop"):
        list(read_pages(api, prop, PERIOD))


def test_an_empty_crawl_has_no_rows(archive: Archive) -> None:
    put(archive, HEAD_KEY, packed_head(dataclasses.replace(HEAD, part_count=0, url_count=0)))
    assert rows(api_over(archive), a_property(None)) == ([], [])


def test_a_crawl_that_met_a_limit_says_so(archive: Archive) -> None:
    put(archive, HEAD_KEY, packed_head(dataclasses.replace(HEAD, caps=("max_pages",))))
    put(archive, part_key(0), packed_part([ASKED]))
    api = api_over(archive)
    page_rows, _ = rows(api, a_property(None))
    assert page_rows[0]["title"] is None  # its answer was not kept, as that of a start URL that failed
    assert api.facts[NIGHT]["is_capped"]
    assert api.facts[NIGHT]["caps"] == ["max_pages"]


def test_a_manifest_with_a_part_missing_is_refused(archive: Archive) -> None:
    put(archive, HEAD_KEY, packed_head(HEAD))
    with pytest.raises(NotArchivedError, match="part 0"):
        list(read_pages(api_over(archive), a_property(None), PERIOD))


KEYS = st.sampled_from(["url", "depth", "hosts", "caps", "part_count", "status"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=60) | JSON.map(orjson.dumps),
    st.binary(max_size=300) | JSON.map(orjson.dumps),
    st.binary(max_size=300),
)
def test_fuzzed_archives_give_rows_or_our_own_errors(archive: Archive, head: bytes, part: bytes, body: bytes) -> None:
    put(archive, url_key(ASKED.url), body, url=ASKED.url)
    for heads, parts in ((head, part), (packed_head(HEAD), part), (packed_head(HEAD), packed_part([ASKED]))):
        put(archive, HEAD_KEY, heads)
        put(archive, part_key(0), parts)
        for reader in (read_pages, read_links):
            assert _read(reader(api_over(archive), a_property(None), PERIOD))


def _read(found: Iterator[Row]) -> Any:
    try:
        return list(found) or True
    except NotArchivedError as error:
        return error
