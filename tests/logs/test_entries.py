"""Entries: who came from elsewhere is counted once, by where from, and nothing of him is kept."""

from __future__ import annotations

from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seo_warehouse.logs import entries
from seo_warehouse.logs.entries import read_landing
from seo_warehouse.logs.fields import NamedColumns
from seo_warehouse.logs.hits import Hit, Parser
from seo_warehouse.logs.json_lines import KNOWN, make_parser, read_map
from seo_warehouse.logs.keeping import keep, read_kept
from seo_warehouse.logs.resuming import find_start
from seo_warehouse.referrers import Referrer, read_referrer
from seo_warehouse.urls import key64
from tests.logs.files import GOOGLEBOT, PARSE, combined_line, hit_of
from tests.logs.test_formats import ALB, CADDY, CLOUDFLARE, CLOUDFRONT, CLOUDFRONT_HEAD, IIS, IIS_HEAD

FORUM = "https://forum.example/thread?t=41"
OWN = "https://www.shop.example/b"


def entries_of(path: Path, domain: str = "shop.example") -> Counter[tuple[str, ...]]:
    """The entries of a log: state and URL of the referrer, its key, path and tag."""
    start = find_start(path, [])
    assert start is not None
    spool = BytesIO()
    keep(path, start, spool, lambda address: None, domain=domain, takes_rest=True)
    spool.seek(0)
    found: Counter[tuple[str, ...]] = Counter()
    for letter, content in read_kept(spool):
        if letter == "e":
            found[tuple(content[1:6])] += content[6]
    return found


def log_of(path: Path, lines: list[str]) -> Path:
    path.write_bytes("".join(f"{line}\n" for line in lines).encode("latin-1"))
    return path


def at(minute: int, second: int = 0, **told: Any) -> str:
    return combined_line(time=f"22/Nov/2021:{minute // 60:02}:{minute % 60:02}:{second:02} +0000", **told)


def test_an_entry_is_a_page_got_from_elsewhere_after_half_an_hour(tmp_path: Path) -> None:
    lines = [
        at(0, referrer=FORUM),  # an entry
        at(1, referrer="https://forum.example/"),  # one minute after a page of ours
        at(1, referrer=FORUM, agent="browser/2"),  # another agent: an entry
        at(30, 59, referrer="https://forum.example/"),
        at(61, 0, referrer="https://forum.example/"),  # half an hour and a second after the last: an entry
        at(62, request="GET /style.css HTTP/1.1", referrer="https://forum.example/x", address="192.0.2.8"),
        at(
            62, 1, referrer="https://forum.example/x", address="192.0.2.8"
        ),  # a picture elsewhere was no visit: an entry
        at(63, referrer=OWN, address="192.0.2.9"),
        at(64, referrer=FORUM, address="192.0.2.9"),  # he was here a minute ago
        at(65, request="GET /c?utm_source=x HTTP/1.1", address="192.0.2.10"),  # an entry from nowhere that is told
        at(66, request="POST /c HTTP/1.1", referrer=FORUM, address="192.0.2.11"),
        at(67, request="GET /gone HTTP/1.1", status=404, referrer=FORUM, address="192.0.2.12"),
        at(68, request="GET /robots.txt HTTP/1.1", address="192.0.2.13"),
        at(69, agent=GOOGLEBOT, referrer=FORUM, address="192.0.2.14"),
        at(70, status=304, referrer="javascript:alert(1)", address="192.0.2.15"),  # an entry from no URL
    ]
    key = str(key64(FORUM))
    assert entries_of(log_of(tmp_path / "access.log", lines)) == {
        ("known", "https://forum.example/thread", key, "/a", ""): 2,
        ("known", "https://forum.example/", "", "/a", ""): 1,
        ("known", "https://forum.example/x", str(key64("https://forum.example/x")), "/a", ""): 1,
        ("none", "", "", "/c", "campaign"): 1,
        ("odd", "", "", "/a", ""): 1,
    }


visits = st.lists(
    st.tuples(
        st.integers(0, 50),
        st.sampled_from(["192.0.2.1", "192.0.2.2"]),
        st.sampled_from(["-", FORUM, OWN, "https://shop.example/", "http://notshop.example/"]),
        st.sampled_from(["/a", "/b.css"]),
    ),
    max_size=60,
)


@given(visits)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_blocks_are_counted_as_line_by_line(tmp_path: Path, visits: list[tuple[int, str, str, str]]) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    seen: dict[str, int] = {}
    lines = [at(0, address="198.51.100.1", referrer=OWN)]
    minute = 0
    for wait, address, referrer, path in visits:
        minute += wait % 40
        is_own = referrer.startswith((OWN, "https://shop.example/"))
        if not is_own and path == "/a" and minute - seen.get(address, -99) >= 30:
            expected[referrer, path] += 1
        if is_own or path == "/a":
            seen[address] = minute
        lines.append(at(minute % 1440, address=address, referrer=referrer, request=f"GET {path} HTTP/1.1"))
        if minute >= 1400:
            break
    found = entries_of(log_of(tmp_path / "access.log", lines))
    assert sum(found.values()) == sum(expected.values())
    assert found["known", "https://forum.example/thread", str(key64(FORUM)), "/a", ""] == expected[FORUM, "/a"]
    assert found["known", "http://notshop.example/", "", "/a", ""] == expected["http://notshop.example/", "/a"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-", Referrer("none", "", "")),
        ("", Referrer("none", "", "")),
        ("https://WWW.Shop.example/a", None),
        ("http://shop.example:8080", None),
        ("https://notshop.example/", Referrer("known", "https://notshop.example/", "")),
        ("https://forum.example", Referrer("known", "https://forum.example/", "")),
        ("https://forum.example/?q=1", Referrer("known", "https://forum.example/", str(key64("https://forum.example/?q=1")))),
        ("https://forum.example/?utm_source=x", Referrer("known", "https://forum.example/", "")),
        ("https://f.example/é#x", Referrer("known", "https://f.example/%C3%A9", str(key64("https://f.example/%C3%A9")))),
        ("android-app://com.Example.mail/x?y", Referrer("app", "android-app://com.example.mail", "")),
        ("https://a@forum.example/", Referrer("odd", "", "")),
        ("https://forum.example/\x1b[2J", Referrer("odd", "", "")),
        ("javascript:alert(1)", Referrer("odd", "", "")),
        ("https://forum.example/" + "a" * 2000, Referrer("odd", "", "")),
        ("=cmd|' /C calc'!A0", Referrer("odd", "", "")),
    ],
)  # fmt: skip
def test_of_a_referrer_is_kept_what_is_an_address(text: str, expected: Referrer | None) -> None:
    assert read_referrer(text, "shop.example") == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("GET /a HTTP/1.1", ("/a", "")),
        ("GET /a?gclid=1 HTTP/1.1", ("/a", "paid")),
        ("GET /a?utm_medium=CPC&utm_source=x HTTP/1.1", ("/a", "paid")),
        ("GET /a?utm_medium=email HTTP/1.1", ("/a", "campaign")),
        ("GET /a?mail=a@example.com HTTP/1.1", ("/a", "")),
        ("GET /a?" + "b=1&" * 300 + " HTTP/1.1", ("/a", "")),
        ("HEAD /a HTTP/1.1", None),
        ("GET /a.png HTTP/1.1", None),
        ("GET /feed.xml HTTP/1.1", None),
        ("GET", None),
        ("", None),
    ],
)
def test_of_a_landing_page_is_kept_its_path_and_who_is_paid(asked: str, expected: tuple[str, str] | None) -> None:
    assert read_landing(asked) == expected


CLOUDFLARE_TOLD = [
    orjson.dumps({**CLOUDFLARE, **told}).decode()
    for told in ({}, {"ClientRequestReferer": ""}, {"ClientRequestReferer": FORUM})
]
MAPPED = {"a": "192.0.2.7", "t": "2021-11-22T00:18:22Z", "m": "GET", "u": "/", "s": 200, "r": FORUM}
IIS_COLUMNS = NamedColumns()
CLOUDFRONT_COLUMNS = NamedColumns()
CLOUDFRONT_FROM = f"{CLOUDFRONT_HEAD}\n{CLOUDFRONT}".replace("200\t-", "200\thttps://a.example/%2520b")
CADDY_FROM = {**CADDY, "request": {**CADDY["request"], "headers": {"Referer": [FORUM]}}}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("parse", "lines", "referrer"),
    [
        (PARSE, combined_line(referrer=FORUM), FORUM),
        (PARSE, combined_line(), "-"),
        (IIS_COLUMNS, f"{IIS_HEAD}\n{IIS.replace(' - 200', f' {FORUM} 200')}", FORUM),
        (CLOUDFRONT_COLUMNS, CLOUDFRONT_FROM, "https://a.example/ b"),
        (make_parser(KNOWN["cloudflare"], None), CLOUDFLARE_TOLD[0], None),
        (make_parser(KNOWN["cloudflare"], None), CLOUDFLARE_TOLD[1], ""),
        (make_parser(KNOWN["cloudflare"], None), CLOUDFLARE_TOLD[2], FORUM),
        (make_parser(KNOWN["caddy"], None), orjson.dumps(CADDY).decode(), ""),
        (make_parser(KNOWN["caddy"], None), orjson.dumps(CADDY_FROM).decode(), FORUM),
        (
            make_parser(read_map("address=a,time=t,method=m,url=u,status=s,referrer=r"), None),
            orjson.dumps(MAPPED).decode(),
            FORUM,
        ),
    ],
)  # fmt: skip
def test_each_format_tells_its_referrer_or_that_none_is_logged(parse: Parser, lines: str, referrer: str | None) -> None:
    *heads, line = lines.split("\n")
    for head in heads:
        parse(head)
    assert hit_of(parse, line).referrer == referrer


def test_a_log_without_referrers_tells_of_no_entries(tmp_path: Path) -> None:
    assert entries_of(log_of(tmp_path / "alb.log", [ALB])) == {}


def test_a_flood_of_referrers_is_summed_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "MOST_ENTRIES", 10)
    lines = [combined_line(f"192.0.2.{n}", referrer=f"https://spam-{n}.example/") for n in range(100)]
    found = entries_of(log_of(tmp_path / "access.log", lines))
    assert len(found) == 11
    assert found["overflow", "", "", "", ""] == 90


def test_what_is_forgotten_counts_as_new_and_memory_stays_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "MOST_PAIRS", 1)
    many = [combined_line(f"192.0.2.{n % 200}", referrer=OWN) for n in range(2000)]
    lines = [combined_line("198.51.100.1", referrer=OWN), *many, combined_line("198.51.100.1", referrer=FORUM)]
    assert sum(entries_of(log_of(tmp_path / "access.log", lines)).values()) == 1


@pytest.mark.external
def test_real_logs_tell_of_the_entries_that_were_counted_by_hand(shared_data: Path) -> None:
    found = entries_of(shared_data / "logs" / "advertools_nginx_access.log", "adver.tools")
    hosts: Counter[str] = Counter()
    for (state, url, *_), count in found.items():
        hosts[url.split("/")[2] if state == "known" else state] += count
    # Of seven lines from Google and t.co six are redirects, or follow a page of a minute ago; scanners post.
    assert {host: n for host, n in hosts.items() if host != "none"} == {
        "www.google.com": 1,
        "github.com": 2,
        "172.105.72.121": 1,
    }


@pytest.mark.external
@pytest.mark.parametrize(
    ("name", "none", "origin", "path", "hosts"),
    [
        (
            "advertools_nginx_access.log",
            *(560, 19, 421),
            {"adver.tools": 422, "www.google.com": 5, "github.com": 2, "t.co": 2},
        ),
        ("advertools_dreamhost_apache_access.log", 73, 51, 5, {"208.113.171.66": 46}),
        ("advertools_combined_latin1_enc.log", 145, 0, 24, {"packt.live": 10}),
        ("advertools_combined_with_errors.log", 885, 0, 0, {}),
        ("advertools_nginx_custom_date.log", 19, 1, 0, {"www.google.com": 1}),
    ],
)
def test_real_lines_have_the_referrers_that_others_counted(
    name: str, none: int, origin: int, path: int, hosts: dict[str, int], shared_data: Path
) -> None:
    lines = (shared_data / "logs" / name).read_bytes().decode("latin-1").split("\n")
    told = [hit.referrer or "-" for hit in map(PARSE, lines) if isinstance(hit, Hit)]
    urls = [urlsplit(referrer) for referrer in told if referrer != "-"]
    bare = sum(not url.path.strip("/") and not url.query for url in urls)
    assert (len(told) - len(urls), bare, len(urls) - bare) == (none, origin, path)
    found = Counter(url.netloc for url in urls)
    assert {host: found[host] for host in hosts} == hosts
