from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from seo_warehouse.client.archive import Archive, open_archive
from seo_warehouse.client.plans import Ask, keep_plan
from seo_warehouse.config import Property, SourceSettings
from seo_warehouse.errors import NotArchivedError, TerminalSourceError
from seo_warehouse.sources.link_check import LINK_CHECK, LinkCheckSettings, order_visits, read_links, read_pages
from seo_warehouse.spec import Period, Row
from seo_warehouse.urls import normalise
from tests.crawl.documentation import SQLITE, Anchors, serving, target_of
from tests.crawl.site import Reply, Site, api_over, redirect, serve, text

TODAY = datetime.now(UTC).date()
PERIOD = Period(TODAY, TODAY)
TARGET = "https://www.shop.example/shoes"
WORDS = " ".join(f"word{n}" for n in range(80))
LINK = Reply(f'<p>{WORDS}<a href="{TARGET}">red shoes</a>'.encode())
NO_LINK = Reply(f"<title>About</title><p>{WORDS[::-1]}".encode())


def a_page(url: str, **changes: Any) -> dict[str, Any]:
    """A page to visit for one link."""
    link = {"target": TARGET, "urls": [TARGET], "rel": [], "anchor": "red shoes", "place": "main"}
    return {"url": url, "links": [link | changes]}


def archive_with(folder: Path, *pages: dict[str, Any]) -> Archive:
    """An archive with a night's plan."""
    archive = open_archive(folder, source="link_check", property_key=1, scope=f"night={TODAY}")
    asks = [Ask(orjson.dumps(page).decode(), 1.0, "schedule") for page in pages]
    keep_plan(archive, "plans.plan_link_check", asks, datetime.now(UTC))
    return archive


def a_property(port: int, hosts: list[str], domain: str = "shop.example", **changes: Any) -> Property:
    """Whose links are visited, on hosts that a port stands for."""
    values: dict[str, Any] = {
        "delay_seconds": 0,
        "timeout_seconds": 3,
        "resolve": dict.fromkeys(hosts, f"127.0.0.1:{port}"),
    }
    return Property(
        key=1,
        name="shop",
        domain=domain,
        history_start=date(2026, 1, 1),
        sources=SourceSettings(link_check=LinkCheckSettings(**{**values, **changes})),
    )


class Told:
    """What visits came to: rows of both tables, by URL, and what was asked."""

    def __init__(self, pages: list[Row], links: list[Row], site: Site) -> None:
        self.pages = {row["url"]: row for row in pages}
        self.links = {(row["source_url"], row["target_url"]): row for row in links}
        self.rows = {"page": pages, "link": links}
        self.asked = [f"{host}{path}" for host, path, _ in site.asked]

    def grade(self, url: str) -> str:
        """The grade of the one link of a page."""
        return str(self.links[url, TARGET]["grade"])


@contextmanager
def visited(folder: Path, replies: Mapping[str, Reply], *pages: dict[str, Any], **changes: Any) -> Iterator[Told]:
    """Visit for real."""
    hosts = sorted({name.partition("/")[0] for name in replies})
    with serve(dict(replies)) as site:
        archive, prop = archive_with(folder, *pages), a_property(site.port, hosts, **changes)
        assert order_visits(api_over(archive), prop, PERIOD)
        reader = api_over(archive, may_call=False)
        yield Told(list(read_pages(reader, prop, PERIOD)), list(read_links(reader, prop, PERIOD)), site)


def test_a_plan_without_pages_gives_no_row(tmp_path: Path) -> None:
    with visited(tmp_path, {}) as told:
        assert (told.rows, told.asked) == ({"page": [], "link": []}, [])


@pytest.mark.slow
def test_each_page_gets_its_grade_and_rows_have_exactly_the_declared_columns(tmp_path: Path) -> None:
    missing = Reply(f"<title>Not found</title><p>{WORDS}".encode())
    shown = {
        "live.example/a": LINK,
        "live.example/b": Reply(f'<a rel=nofollow href="{TARGET}">shoes</a><a href="http://shop.example/">x'.encode()),
        "gone.example/a": NO_LINK,
        "soft.example/a": missing,
        "soft.example/": NO_LINK,
        "missing.example/x": LINK,
        "moved.example/a": redirect("http://moved.example/b"),
        "moved.example/b": LINK,
        "left.example/a": redirect("http://live.example/a"),
        "closed.example/robots.txt": text("User-agent: *\nDisallow: /a"),
        "closed.example/a": LINK,
        "mute.example/robots.txt": text("", status=503),
        "mute.example/a": LINK,
        "refused.example/a": Reply(status=403),
        "file.example/a": Reply(b"%PDF", headers=(("Content-Type", "application/pdf"),)),
        "loop.example/a": redirect("http://loop.example/a"),
        "refresh.example/a": Reply(b'<meta http-equiv=refresh content="0;url=/b">'),
        "refresh.example/b": LINK,
        "copy.example/a": Reply(b'<link rel=canonical href="http://gone.example/a">' + LINK.body),
    }
    # A path that nobody made is any that the host of soft 404s is asked for.
    soft = {f"soft.example/{made_up('http://soft.example')}": missing}
    urls = ["live.example/a", "live.example/b", *(f"{host}.example/a" for host in
        "gone soft missing moved left closed mute refused file loop refresh copy".split())]  # fmt: skip
    with visited(tmp_path, shown | soft, *(a_page(f"http://{url}") for url in urls)) as told:
        assert {url: told.grade(f"http://{url}") for url in urls} == {
            "live.example/a": "live",
            "live.example/b": "rel_changed",
            "gone.example/a": "gone",
            "soft.example/a": "page_gone",
            "missing.example/a": "page_gone",
            "moved.example/a": "live",
            "left.example/a": "redirected",
            "closed.example/a": "blocked",
            "mute.example/a": "blocked",
            "refused.example/a": "blocked",
            "file.example/a": "unsupported",
            "loop.example/a": "unreachable",
            "refresh.example/a": "live",
            "copy.example/a": "canonicalised",
        }
        other = told.links["http://live.example/b", "http://shop.example/"]
        assert (other["is_expected"], other["grade"], other["anchor"]) == (False, "live", "x")
        assert "closed.example/a" not in told.asked
        assert "mute.example/a" not in told.asked
        assert told.pages["http://moved.example/a"]["redirect_urls"] == ["http://moved.example/b"]
        assert told.pages["http://mute.example/a"]["robots_state"] == "unknown"
        for table in LINK_CHECK.tables:
            names = {column.name for column in table.columns}
            assert all(set(row) == names for row in told.rows[table.name])


def made_up(origin: str) -> str:
    """The path that nobody made, of a host this night."""
    digest = sha256(f"shop.example {TODAY} {origin}".encode()).digest()
    return "".join(chr(ord("a") + byte % 26) for byte in digest[:20])


@pytest.mark.slow
def test_pages_of_one_domain_that_are_one_page_are_a_parked_domain(tmp_path: Path) -> None:
    parked = Reply(b"<title>parked.example</title><p>Related searches")
    urls = [f"http://{host}.parked.example/{n}" for n, host in enumerate("abc")]
    shown = {url.removeprefix("http://"): parked for url in urls} | {"other.example/0": parked}
    pages = (a_page(url) for url in [*urls, "http://other.example/0"])
    with visited(tmp_path, shown, *pages) as told:
        assert {told.grade(url) for url in urls} == {"page_gone"}
        assert told.grade("http://other.example/0") == "gone"


@pytest.mark.slow
def test_private_addresses_are_never_visited_whatever_leads_there(tmp_path: Path) -> None:
    with serve({"/secret": LINK}) as inside:
        secret = f"http://127.0.0.1:{inside.port}/secret"
        shown = {
            "a.example/a": redirect(secret),
            "a.example/b": Reply(f'<link rel=canonical href="{secret}">'.encode() + LINK.body),
        }
        pages = [a_page(secret), a_page("http://a.example/a"), a_page("http://a.example/b")]
        with visited(tmp_path, shown, *pages) as told:
            assert told.pages[secret]["reason"] == "refused_address"
            assert told.pages["http://a.example/a"]["reason"] == "refused_address"
            assert told.grade("http://a.example/b") == "live"
        assert inside.asked == []


@pytest.mark.slow
def test_a_host_that_fails_five_times_or_throttles_is_left_alone_for_the_night(tmp_path: Path) -> None:
    shown = {f"down.example/{n}": Reply(status=500) for n in range(9)}
    shown |= {f"busy.example/{n}": Reply(status=429) for n in range(3)}
    shown |= {f"later.example/{n}": Reply(status=503, headers=(("Retry-After", "3600"),)) for n in range(3)}
    urls = [f"http://{name}" for name in shown]
    with visited(tmp_path, shown, *(a_page(url) for url in urls)) as told:
        asked = {host: sum(f"{host}.example/{n}" in told.asked for n in range(9)) for host in ("down", "busy", "later")}
        assert asked == {"down": 5, "busy": 1, "later": 1}
        assert told.pages["http://busy.example/2"]["reason"] == "not_asked_throttled"
        assert told.pages["http://down.example/8"]["is_asked"] is False
        assert told.grade("http://down.example/8") == "unreachable"


@pytest.mark.slow
def test_hosts_of_one_address_wait_for_one_another(tmp_path: Path) -> None:
    shown = {f"{host}.example/a": LINK for host in "abc"}
    with serve(shown) as site:
        prop = a_property(site.port, [f"{host}.example" for host in "abc"], delay_seconds=0.15)
        archive = archive_with(tmp_path, *(a_page(f"http://{url}") for url in shown))
        assert order_visits(api_over(archive), prop, PERIOD)
        instants = [at for _, _, at in site.asked]
    assert len(instants) == 6
    assert min(later - earlier for earlier, later in pairwise(instants)) >= 0.14


@pytest.mark.slow
def test_what_was_answered_is_never_asked_again(tmp_path: Path) -> None:
    shown = {"a.example/a": LINK, "a.example/b": NO_LINK, "down.example/a": Reply(status=500)}
    pages = [a_page(f"http://{url}") for url in shown]
    with serve(shown) as site:
        prop, archive = a_property(site.port, ["a.example", "down.example"]), archive_with(tmp_path, *pages)
        assert order_visits(api_over(archive), prop, PERIOD)
        first = list(read_links(api_over(archive, may_call=False), prop, PERIOD))
        (archive.folder / "visits.zst").unlink()
        asked = len(site.asked)
        assert order_visits(api_over(archive), prop, PERIOD)
        assert len(site.asked) == asked
        assert list(read_links(api_over(archive, may_call=False), prop, PERIOD)) == first


def test_a_replay_asks_nobody(tmp_path: Path) -> None:
    with serve({}) as site:
        prop, archive = a_property(site.port, ["a.example"]), archive_with(tmp_path, a_page("http://a.example/a"))
        with pytest.raises(NotArchivedError, match="no whole visits"):
            order_visits(api_over(archive, may_call=False), prop, PERIOD)
        with pytest.raises(NotArchivedError, match="no whole visits"):
            list(read_links(api_over(archive, may_call=False), prop, PERIOD))
        assert site.asked == []


def test_a_plan_that_asks_for_no_page_is_refused(tmp_path: Path) -> None:
    with serve({}) as site, pytest.raises(TerminalSourceError, match="what is no page"):
        order_visits(api_over(archive_with(tmp_path, {"url": "http://a.example/"})), a_property(site.port, []), PERIOD)


@pytest.mark.slow
def test_a_clock_that_goes_wrong_dates_nothing(tmp_path: Path) -> None:
    headers = (("Content-Type", "text/html"), ("Date", "Mon, 01 Jan 2001 00:00:00 GMT"))
    with visited(tmp_path, {"a.example/a": Reply(LINK.body, headers=headers)}, a_page("http://a.example/a")) as told:
        assert told.pages["http://a.example/a"]["observed_at"].year != 2001


@pytest.mark.external
@pytest.mark.slow
def test_links_of_real_pages_are_those_that_stand_in_their_files(tmp_path: Path) -> None:
    if not SQLITE.is_installed:
        if os.environ.get("CI"):
            pytest.fail(f"{SQLITE.folder} is missing: CI installs {SQLITE.package}")
        pytest.skip(f"{SQLITE.folder} is missing: apt-get install {SQLITE.package}")
    domain, links = "wikipedia.org", {}
    for file in sorted(SQLITE.folder.glob("*.html")):
        url, anchors = f"http://{SQLITE.host}/{file.name}", Anchors()
        anchors.feed(file.read_text(encoding="utf-8", errors="replace"))
        targets = {target_of(url, url, reference) for reference in anchors.references}
        if found := {str(normalise(target)) for target in targets if target and f".{domain}/" in target}:
            links[url] = found
    forbidden, removed, *others = links
    assert len(others) > 40
    folder = tmp_path / "site"
    folder.mkdir()
    for url in (forbidden, *others):
        shutil.copy(SQLITE.folder / url.rpartition("/")[2], folder)
    (folder / "robots.txt").write_text(f"User-agent: *\nDisallow: /{forbidden.rpartition('/')[2]}\n")
    asked = [a_page(url, target=min(targets), urls=[], rel=None, anchor=None) for url, targets in links.items()]
    with serving(folder) as port:
        archive, prop = archive_with(tmp_path / "archive", *asked), a_property(port, [SQLITE.host], domain)
        order_visits(api_over(archive), prop, PERIOD)
    rows = list(read_links(api_over(archive, may_call=False), prop, PERIOD))
    told = {url: {row["target_url"] for row in rows if row["source_url"] == url} for url in links}
    assert told == links | {url: {min(links[url])} for url in (forbidden, removed)}
    grades = {url: {row["grade"] for row in rows if row["source_url"] == url} for url in links}
    assert grades == {url: {"live"} for url in others} | {forbidden: {"blocked"}, removed: {"page_gone"}}
