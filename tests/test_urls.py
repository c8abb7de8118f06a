"""URL identity: our rules, and other people's cases for them."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse import urls

# What URLs are made of, so that the generator meets their grammar and not only noise.
FRAGMENTS = st.sampled_from(
    "http https : / // ? & = # % %2 %25 %2E %2e . .. @ [ ] | ^ ' \" { } < > \\ + * ; ~ www example com co.uk 127 0x7f"
    " :80 :443 :8080 utm_source gclid ÿ 食狮 xn-- a B 1".split()
    + [" ", "\t", "\x00", "\ud800"]
)
MADE_OF_FRAGMENTS = st.lists(FRAGMENTS, max_size=14).map("".join)
AFTER_HOST = MADE_OF_FRAGMENTS.map("https://example.com/".__add__)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("HTTP://Example.COM", "http://example.com/"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("https://example.com:80/a", "https://example.com:80/a"),
        ("https://example.com./a", "https://example.com/a"),
        ("https://user:secret@example.com/a#part", "https://example.com/a"),
        ("https://bücher.example/ä?q=ä", "https://xn--bcher-kva.example/%C3%A4?q=%C3%A4"),
        ("https://example.com/%7euser/%2f/%e2%82%ac", "https://example.com/~user/%2F/%E2%82%AC"),
        ("https://example.com/90%/%zz", "https://example.com/90%25/%25zz"),
        ("https://example.com/a|b?c[]=[d]", "https://example.com/a%7Cb?c%5B%5D=%5Bd%5D"),
        ("https://example.com/a/./b/../c", "https://example.com/a/c"),
        ("https://example.com/?", "https://example.com/"),
        ("https://example.com/?b=2&&a=1&", "https://example.com/?b=2&a=1"),
        ("https://example.com/?utm_source=x&id=7&UTM_Medium=y&gclid=1", "https://example.com/?id=7"),
        ("https://example.com/?utm%5Fsource=x", "https://example.com/"),
        ("https://example.com/?srsltid=1&fbclid=2&msclkid=3", "https://example.com/"),
        ("https://example.com/?ref=x&source=y", "https://example.com/?ref=x&source=y"),
        ("https://[2001:DB8::0]/", "https://[2001:db8::]/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
    ],
)
def test_a_url_has_one_form(written: str, normal: str) -> None:
    assert urls.normalise(written) == normal


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.com/a", "https://example.com/a/"),
        ("https://example.com/a", "http://example.com/a"),
        ("https://example.com/a", "https://www.example.com/a"),
        ("https://example.com/a", "https://example.com/A"),
        ("https://example.com/?a=1&b=2", "https://example.com/?b=2&a=1"),
        ("https://example.com/?a", "https://example.com/?a="),
    ],
)
def test_only_the_site_itself_may_merge_pages(one: str, other: str) -> None:
    assert urls.normalise(one) != urls.normalise(other)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/a",
        "mailto:a@example.com",
        "ftp://example.com/",
        "https://",
        "https://a b/",
        "https://.example.com/",
        "https://a..example.com/",
        "https://./",
        "https://example.com../",
        "https://\ud800.com/",
    ],
)
def test_what_is_no_web_address_has_no_identity(url: str) -> None:
    assert urls.identity(url) is None
    assert urls.normalise(url) is None
    assert urls.host_of(url) is None


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.example.co.uk", "example.co.uk"),
        ("a.b.example.com", "example.com"),
        ("author.github.io", "author.github.io"),
        ("a.author.blogspot.com", "author.blogspot.com"),
        ("www.shop.example", "shop.example"),
        ("www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
        ("github.io", None),
        ("co.uk", None),
        ("localhost", None),
        ("127.0.0.1", None),
        ("[2001:db8::]", None),
    ],
)
def test_the_registrable_domain_is_one_label_below_the_public_suffix(host: str, domain: str | None) -> None:
    assert urls.registrable_domain(host) == domain


@pytest.mark.parametrize("host", ["github.io", "localhost", "127.0.0.1", "[2001:db8::]"])
def test_a_host_without_a_registrable_domain_is_its_own_domain(host: str) -> None:
    assert urls.identity(f"http://{host}/") == urls.Identity(f"http://{host}/", host, host)


@pytest.mark.parametrize(
    ("href", "absolute"),
    [
        ("b?x=1#y", "https://example.com/a/b?x=1#y"),
        ("//other.example/%7e", "https://other.example/%7e"),
        ("mailto:a@example.com", None),
        ("https://[", None),
        ("\ud800", None),
    ],
)
def test_a_reference_is_resolved_literally(href: str, absolute: str | None) -> None:
    assert urls.resolve("https://example.com/a/", href) == absolute


@given(MADE_OF_FRAGMENTS | AFTER_HOST | st.text())
def test_a_normalised_url_stays_as_it_is(text: str) -> None:
    found = urls.identity(text)
    if found is not None:
        assert urls.identity(found.url) == found
        assert found.url.isascii()
        assert found.host.endswith(found.domain)


@given(AFTER_HOST.filter(lambda url: "#" not in url))
def test_fragment_and_tracking_never_change_an_identity(url: str) -> None:
    bare = url.rstrip("".join(map(chr, range(0x21))))
    joint = "&" if "?" in bare else "?"
    assert urls.identity(f"{bare}{joint}utm_campaign=spring#top") == urls.identity(bare)


@given(MADE_OF_FRAGMENTS)
def test_what_leads_to_a_url_is_what_normalises_to_it(text: str) -> None:
    target = urls.resolve("https://example.com/a", text)
    url = target and urls.normalise(target)
    if target and url:
        assert urls.leading_to([target, "https://example.com.evil/", "https://other.example/"], [url]) == [target]
        assert urls.leading_to([target], [f"{url}x", "https://other.example/", "no url"]) == []


def test_long_urls_are_not_kept_in_memory() -> None:
    before = urls._cached_identity.cache_info().currsize  # type: ignore[attr-defined]
    assert urls.identity("https://example.com/" + "a" * urls.LONGEST_CACHED_URL) is not None
    assert urls._cached_identity.cache_info().currsize == before  # type: ignore[attr-defined]


def test_a_key_is_the_one_that_the_database_computes(database: str) -> None:
    parts = ("https://example.com/ä", "", "7", "2026-11-22")
    with psycopg.connect(database) as connection:
        row = connection.execute(
            r"select ('x' || substr(md5(concat_ws(E'\x1f', variadic %s::text[])), 1, 16))::bit(64)::bigint",
            (list(parts),),
        ).fetchone()
    assert row == (urls.key64(parts[0], "", 7, date(2026, 11, 22)),)


def test_keys_do_not_depend_on_where_parts_meet() -> None:
    assert urls.key64("ab", "c") != urls.key64("a", "bc")


def test_a_key_needs_all_its_parts() -> None:
    with pytest.raises(TypeError, match="missing"):
        urls.key64("a", None)  # type: ignore[arg-type]


def _is_web(url: str | None) -> bool:
    return url is not None and url.startswith(("http://", "https://"))


def _wpt_cases(folder: Path) -> list[dict[str, Any]]:
    cases = json.loads((folder / "robots_urls/crawler_commons/url-utils/wpt-urltestdata.json").read_text("utf-8"))
    return [case for case in cases if isinstance(case, dict)]


@pytest.mark.external
def test_references_resolve_as_the_web_platform_tests_say(shared_data: Path) -> None:
    cases = [case for case in _wpt_cases(shared_data) if case.get("failure") or _is_web(case["href"])]
    # An opaque base gives nothing to inherit, which is what "no base" means.
    wrong = {
        (case["base"], case["input"]): found
        for case in cases
        if (found := urls.resolve(case["base"] or "about:blank", case["input"])) != case.get("href")
    }
    assert wrong == {}
    assert len(cases) > 500


@pytest.mark.external
def test_identities_agree_with_the_web_platform_tests(shared_data: Path) -> None:
    cases = [case for case in _wpt_cases(shared_data) if _is_web(case.get("href"))]
    without = set()
    for case in cases:
        found = urls.identity(case["href"])
        if found is None:
            without.add(case["hostname"])
            continue
        assert found.host == case["hostname"].removesuffix(".")
        authority = f"{found.host}:{case['port']}" if case["port"] else found.host
        assert found.url.startswith(f"{case['protocol']}//{authority}/")
    assert len(cases) > 200
    assert without == {".", "..", "foo.09.."}, "an empty label is in no name that DNS can answer"


DIFFERENCES = {
    "crawler-commons sorts parameters; we keep their order, since a site may give it a meaning": (
        "http://example.com/?b=1&a=1",
        "http://foo.com/foo.html?b=1&a=1",
        "http://foo.com/index?b=2&a=1",
        "http://foo.com/index?b=2&a=1#c",
        "http://foo.com/index?b&a=1",
        "http://foo.com/index?b=1&a=1&",
        "http://foo.com/index?&b=1&a=1",
    ),
    "it takes b= for b and drops parameters without a name; a server can read both": (
        "http://foo.com/index?a=1&b=",
        "http://foo.com/index?b=&a=1",
        "http://foo.com/index?&=1&a=1",
        "http://foo.com/index?=1&b=1&a=1",
    ),
    "it merges slashes; the paths may be different pages, and the site's redirects say so": (
        "http://foo.com//aa/bb/foo.html",
        "http://foo.com/aa//bb/foo.html",
        "http://foo.com/aa/bb//foo.html",
        "http://foo.com//aa//bb//foo.html",
        "http://foo.com////aa////bb//foo.html",
        "http://foo.com////aa////bb////foo.html",
    ),
    "neither http nor https, or without a host: not a page of the web": (
        "file:///foo/bar.txt",
        "ftp:/",
        "http:////",
        "http:///////",
        "foo.com/index.html",
        "ftp://foo.com/index.html",
        "file:/path/index.html",
        "file:/var/www/html/////./bar/index.html",
        "file:/var/www/html/foo/../bar/index.html",
    ),
}


@pytest.mark.external
def test_normal_forms_are_those_of_crawler_commons_except_where_our_rules_differ(shared_data: Path) -> None:
    path = shared_data / "robots_urls/crawler_commons/normalizer/weirdToNormalizedUrls.csv"
    lines = [line for line in path.read_text("utf-8").split("\n") if line.strip() and not line.startswith("#")]
    rows = [[cell.strip(" ") for cell in row] for row in csv.reader(lines, skipinitialspace=True)]
    differing = sorted(url for url, normal in rows if urls.normalise(url) != normal)
    assert len(rows) > 100
    assert differing == sorted(url for listed in DIFFERENCES.values() for url in listed)


@pytest.mark.external
def test_references_resolve_as_crawler_commons_says(shared_data: Path) -> None:
    path = shared_data / "robots_urls/crawler_commons/url-utils/url-resolve.csv"
    lines = [line for line in path.read_text("utf-8").split("\n") if line.strip() and not line.startswith("#")]
    rows = [row for row in csv.reader(lines, skipinitialspace=True) if _is_web(row[2])]
    assert len(rows) > 10
    assert [row for row in rows if urls.resolve(row[1] or "about:blank", row[0]) != row[2]] == []


@pytest.mark.external
def test_invalid_urls_of_crawler_commons_have_no_identity(shared_data: Path) -> None:
    path = shared_data / "robots_urls/crawler_commons/normalizer/invalidUrls.csv"
    invalid = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert invalid
    assert [url for url in invalid if urls.identity(url) is not None] == []


@pytest.mark.external
def test_domains_are_those_of_the_public_suffix_list(shared_data: Path) -> None:
    lines = (shared_data / "robots_urls/psl_tests.txt").read_text("utf-8").splitlines()
    cases = [line.split() for line in lines if line and not line.startswith("//") and line != "null null"]
    wrong = {}
    for given_host, expected in cases:
        host = urls.host_of(f"http://{given_host}/")
        found = urls.registrable_domain(host) if host else None
        if found != (None if expected == "null" else urls.host_of(f"http://{expected}/")):
            wrong[given_host] = found
    assert len(cases) > 70
    assert wrong == {}
