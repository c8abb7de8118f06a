from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seo_warehouse.crawl.robots import MAX_CRAWL_DELAY, rules_of
from tests.crawl.hostile import ROBOTS, ROBOTS_PAGE

PAGE = "https://shop.example/a"


@pytest.mark.parametrize("status", [None, 500, 502, 503, 599, 429])
def test_nothing_is_allowed_while_the_owners_wish_is_unknown(status: int | None) -> None:
    rules = rules_of(status, b"User-agent: *\nAllow: /")
    assert not rules.is_known
    assert not rules.allows(PAGE)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 301])
def test_all_is_allowed_where_there_is_no_file(status: int) -> None:
    assert rules_of(status, b"User-agent: *\nDisallow: /").allows(PAGE)


@pytest.mark.parametrize(
    "name", ["seo-warehouse", "SEO-Warehouse", "seo-warehouse/0.1", "seo-warehouse (+https://shop.example/)"]
)
def test_a_group_for_us_is_obeyed_however_it_writes_our_name(name: str) -> None:
    rules = rules_of(200, f"User-agent: *\nDisallow:\n\nUser-agent: {name}\nDisallow: /\n".encode())
    assert not rules.allows(PAGE)


@pytest.mark.parametrize("name", ["warehouse", "seo-warehouse-other", "googlebot"])
def test_a_group_for_others_is_not_ours(name: str) -> None:
    assert rules_of(200, f"User-agent: {name}\nDisallow: /\n".encode()).allows(PAGE)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.binary(max_size=30)
        | st.builds(
            lambda name, value: f"{name}: {value}".encode("utf-8", "replace"),
            st.sampled_from(["User-agent", "Disallow", "Crawl-delay", "Sitemap", "Request-rate", "Visit-time"]),
            st.text(max_size=12)
            | st.sampled_from(["*", "nan", "inf", "-1", "1e999", "1/0s", "http://[", "/*$", "%", "%zz"]),
        ),
        max_size=12,
    ).map(b"\n".join)
)
def test_no_file_gets_anything_but_rules_out(body: bytes) -> None:
    rules = rules_of(200, body)
    assert rules.allows(PAGE) in (True, False)
    assert 0 <= rules.crawl_delay <= MAX_CRAWL_DELAY


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, b"\xef\xbb", b"\xef"])
def test_a_byte_order_mark_hides_no_line(mark: bytes) -> None:
    assert not rules_of(200, mark + b"User-agent: *\nDisallow: /").allows(PAGE)


def test_utf_16_is_read() -> None:
    text = "User-agent: *\nDisallow: /"
    assert not rules_of(200, codecs.BOM_UTF16_LE + text.encode("utf-16-le")).allows(PAGE)


def test_robots_txt_itself_is_always_allowed() -> None:
    assert rules_of(200, b"User-agent: *\nDisallow: /").allows("https://shop.example/robots.txt")


@pytest.mark.parametrize(
    ("stated", "kept"), [("2", 2.0), ("0.5", 0.5), ("86400", MAX_CRAWL_DELAY), ("-1", 0.0), ("x", 0.0)]
)
def test_a_crawl_delay_is_kept_within_reason(stated: str, kept: float) -> None:
    assert rules_of(200, f"User-agent: *\nCrawl-delay: {stated}".encode()).crawl_delay == kept


def test_sitemaps_are_named_once_each() -> None:
    body = b"Sitemap: https://shop.example/a.xml\nSitemap: /b.xml\nSitemap: https://shop.example/a.xml"
    assert rules_of(200, body).sitemaps == ("https://shop.example/a.xml", "/b.xml")


@pytest.mark.parametrize("body", ROBOTS.values(), ids=ROBOTS)
@pytest.mark.timeout(60)
def test_a_hostile_file_ends_in_an_answer(body: bytes) -> None:
    assert rules_of(200, body).allows(ROBOTS_PAGE) in (True, False)
