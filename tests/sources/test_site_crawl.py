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

from seo_warehouse.api import Api, Limits
from seo_warehouse.config import CrawlSettings, Property, SourceSettings
from seo_warehouse.crawl.records import (
    HEAD_KEY,
    Asked,
    Head,
    packed_head,
    packed_part,
    part_key,
    url_key,
)
from seo_warehouse.errors import NotArchivedError, TerminalSourceError
from seo_warehouse.landing import Answer, Archive
from seo_warehouse.sources.site_crawl import SITE_CRAWL, order_crawl, read_links, read_pages
from seo_warehouse.spec import Period, Row
from tests.crawl.site import HOST, Reply, archive_in, html, redirect, serve, text

NIGHT = date(2026, 11, 22)
PERIOD = Period(NIGHT, NIGHT)
HEAD = Head(part_count=1, url_count=1, hosts=(HOST,), max_redirects=10, max_links_per_page=100)
ASKED = Asked(f"http://{HOST}/", 0, False, True, 200, None, None, "2026-11-22T02:00:00+00:00")


def a_property(crawl: CrawlSettings | None) -> Property:
    return Property(
        key=1,
        name="shop",
        domain="shop.example",
        history_start=date(2026, 1, 1),
        sources=SourceSettings(site_crawl=crawl),
    )


def api_over(archive: Archive, *, may_call: bool = True) -> Api:
    return Api(
        base_url="http://unused.example", auth=None, archive=archive, may_call=may_call, explain=None, limits=Limits()
    )


def rows(api: Api, prop: Property) -> tuple[list[Row], list[Row]]:
    return list(read_pages(api, prop, PERIOD)), list(read_links(api, prop, PERIOD))


def put(archive: Archive, key: str, body: bytes, *, url: str = "http://unused.example/") -> None:
    archive.put(key, Answer(url, 200, {"content-type": "text/html"}, body, datetime(2026, 11, 22, 2, tzinfo=UTC), 0.1))


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return archive_in(tmp_path)


@pytest.mark.slow
def test_rows_have_exactly_the_declared_columns_and_keep_their_rules(archive: Archive) -> None:
    pages = {
        "/robots.txt": text("User-agent: *\nDisallow: /no"),
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
        found = rows(api, prop)
    for table, table_rows in zip(SITE_CRAWL.tables, found, strict=True):
        names = [column.name for column in table.columns]
        required = {column.name for column in table.columns if column.required}
        grains = [tuple(row[name] for name in table.grain) for row in table_rows]
        assert len(set(grains)) == len(grains)
        for row in table_rows:
            assert sorted(row) == sorted(names)
            assert not {name for name in required if row[name] is None}
    page_rows, link_rows = found
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


def test_a_replay_of_a_crawl_that_never_ended_is_refused(archive: Archive) -> None:
    prop = a_property(CrawlSettings(start_urls=("http://shop.example/",)))
    put(archive, url_key("http://shop.example/"), b"<p>half")
    api = api_over(archive, may_call=False)
    with pytest.raises(NotArchivedError, match="no whole crawl of shop"):
        order_crawl(api, prop, PERIOD)
    with pytest.raises(NotArchivedError, match="no whole crawl of shop"):
        list(read_pages(api, prop, PERIOD))


def test_a_property_without_settings_is_refused(archive: Archive) -> None:
    with pytest.raises(TerminalSourceError, match="not configured for shop"):
        order_crawl(api_over(archive), a_property(None), PERIOD)


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
