from __future__ import annotations

import gzip
import zlib
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from seo_warehouse.crawl.plan import plan_of
from seo_warehouse.crawl.process import run_crawl
from seo_warehouse.crawl.records import SKIPPED_HEADER, url_key
from seo_warehouse.crawl.rows import head_of, link_rows, page_rows
from seo_warehouse.errors import TerminalSourceError, TransientSourceError
from tests.crawl.site import HOST, Reply, api_over, archive_in, by_path, crawl, html, redirect, serve, text, xml

pytestmark = pytest.mark.slow

DAY = date(2026, 11, 22)


def test_pages_are_found_by_links_with_their_exact_depth(tmp_path: Path) -> None:
    pages = {
        "/": html("/a", "/b", "http://other.example/"),
        "/a": html("/c"),
        "/b": html("/c", "/deep"),
        "/c": html("/"),
        "/deep": html("/deeper"),
        "/deeper": html(),
    }
    with serve(pages) as site:
        found = by_path(crawl(site.settings(), archive_in(tmp_path)))
        assert {path: row.depth for path, row in found.items()} == {
            "/": 0, "/a": 1, "/b": 1, "/c": 2, "/deep": 2, "/deeper": 3,
        }  # fmt: skip
        assert list(found) == ["/", "/a", "/b", "/c", "/deep", "/deeper"]
        assert sorted(site.paths()) == sorted(pages)
        assert {agent.split("/")[0] for agent in site.agents} == {"seo-warehouse"}
        assert all("(+https://shop.example/)" in agent for agent in site.agents)


def test_only_the_hosts_of_the_start_urls_are_asked(tmp_path: Path) -> None:
    with serve({"/": html("http://cdn.shop.example/x", f"http://{HOST}:8080/y", "/z#part"), "/z": html()}) as site:
        settings = site.settings(HOST, "cdn.shop.example")
        assert list(by_path(crawl(settings, archive_in(tmp_path)))) == ["/", "/z"]
        assert {host for host, _, _ in site.asked} == {HOST}


def test_robots_txt_keeps_pages_from_being_asked_for(tmp_path: Path) -> None:
    robots = text("User-agent: *\nDisallow: /\n\nUser-agent: seo-warehouse\nDisallow: /private\n")
    with serve({"/robots.txt": robots, "/": html("/private/a", "/open"), "/open": html()}) as site:
        crawled = crawl(site.settings(), archive_in(tmp_path))
        rows = {row["url"]: row for row in page_rows(crawled, DAY)}
        refused = rows[f"http://{HOST}/private/a"]
        assert (refused["is_robots_allowed"], refused["error"], refused["status_code"]) == (False, "robots", None)
        assert refused["observed_at"] is not None
        assert site.paths() == ["/", "/open"]


@pytest.mark.parametrize("status", [404, 403, 410])
def test_a_missing_robots_txt_allows_all(tmp_path: Path, status: int) -> None:
    with serve({"/robots.txt": text("User-agent: *\nDisallow: /", status), "/": html()}) as site:
        assert by_path(crawl(site.settings(), archive_in(tmp_path)))["/"].status == 200


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_failing_robots_txt_is_no_empty_crawl(tmp_path: Path, status: int) -> None:
    pages = {"/robots.txt": text("", status), "/": html()}
    with serve(pages) as site:
        archive = archive_in(tmp_path)
        with pytest.raises(TransientSourceError, match=f"robots.txt answered {status}"):
            crawl(site.settings(), archive)
        assert site.paths() == []
        assert head_of(archive) is None
        pages["/robots.txt"] = text("")
        assert list(by_path(crawl(site.settings(), archive))) == ["/"]


def test_robots_txt_is_followed_through_redirects(tmp_path: Path) -> None:
    pages = {
        f"{HOST}/robots.txt": redirect("http://static.shop.example/r"),
        "static.shop.example/r": text("User-agent: *\nDisallow: /a"),
        "/": html("/a"),
    }
    with serve(pages) as site:
        found = by_path(crawl(site.settings(HOST, "static.shop.example"), archive_in(tmp_path)))
        assert found["/a"].error == "robots"


def test_a_crawl_delay_is_honoured(tmp_path: Path) -> None:
    pages = {"/robots.txt": text("User-agent: *\nCrawl-delay: 0.4"), "/": html("/a", "/b"), "/a": html(), "/b": html()}
    with serve(pages) as site:
        crawl(site.settings(), archive_in(tmp_path))
        instants = [at for _, path, at in site.asked if path in pages and path != "/robots.txt"]
        assert all(later - earlier > 0.35 for earlier, later in pairwise(instants))


def test_requests_keep_the_stated_delay(tmp_path: Path) -> None:
    with serve({"/": html("/a", "/b"), "/a": html(), "/b": html()}) as site:
        crawl(site.settings(delay_seconds=0.3), archive_in(tmp_path))
        instants = [at for _, _, at in site.asked]
        assert len(instants) == 5
        assert all(later - earlier > 0.25 for earlier, later in pairwise(instants))


def test_what_only_sitemaps_name_is_crawled_last_and_has_no_depth(tmp_path: Path) -> None:
    index = f"<sitemapindex><sitemap><loc>http://{HOST}/one.xml.gz</loc></sitemap></sitemapindex>"
    urls = f"<urlset><url><loc>http://{HOST}/a</loc></url><url><loc>http://{HOST}/orphan</loc></url>" + (
        "<url><loc>http://elsewhere.example/</loc></url></urlset>"
    )
    pages = {
        "/robots.txt": text(f"Sitemap: http://{HOST}/index.xml"),
        "/index.xml": xml(index),
        "/one.xml.gz": Reply(gzip.compress(urls.encode()), 200, (("Content-Type", "application/gzip"),)),
        "/sitemap.xml": text(f"http://{HOST}/listed\n"),
        "/": html("/a"),
        "/a": html(),
        "/orphan": html("/beyond"),
        "/beyond": html(),
        "/listed": html(),
    }
    with serve(pages) as site:
        crawled = crawl(site.settings(), archive_in(tmp_path))
        found = [(path, row.depth, row.is_in_sitemap) for path, row in by_path(crawled).items()]
        assert found[:2] == [("/", 0, False), ("/a", 1, True)]
        assert set(found[2:4]) == {("/orphan", None, True), ("/listed", None, True)}
        assert found[4:] == [("/beyond", None, False)]
        assert crawled.head.sitemap_count == 3


def test_each_hop_of_a_redirect_is_a_row(tmp_path: Path) -> None:
    pages = {
        "/": html("/old", "/away", "/loop", "/gone"),
        "/old": redirect("/older", 302),
        "/older": redirect("new#part"),
        "/new": html(title="New"),
        "/away": redirect("https://elsewhere.example/x"),
        "/loop": redirect("/pool"),
        "/pool": redirect("/loop"),
        "/gone": redirect("/nowhere"),
    }
    with serve(pages) as site:
        rows = {
            row["url"].split("/", 3)[3]: row for row in page_rows(crawl(site.settings(), archive_in(tmp_path)), DAY)
        }
        base = f"http://{HOST}"
        old = rows["old"]
        assert old["redirect_urls"] == [f"{base}/older", f"{base}/new"]
        assert (old["status_code"], old["final_url"], old["final_status_code"]) == (302, f"{base}/new", 200)
        assert (old["title"], rows["new"]["title"]) == (None, "New")
        assert [rows[path]["depth"] for path in ("old", "older", "new")] == [1, 1, 1]
        away = rows["away"]
        assert away["redirect_urls"] == ["https://elsewhere.example/x"]
        assert (away["final_url"], away["final_status_code"], away["error"]) == (None, None, "external_redirect")
        assert rows["loop"]["error"] == rows["pool"]["error"] == "redirect_loop"
        assert (rows["gone"]["final_status_code"], rows["gone"]["error"]) == (404, None)


def test_a_chain_of_redirects_has_an_end(tmp_path: Path) -> None:
    pages = {f"/{n}": redirect(f"/{n + 1}") for n in range(1, 9)} | {"/": html("/1"), "/9": html()}
    with serve(pages) as site:
        rows = {row["url"].split("/", 3)[3]: row for row in page_rows(
            crawl(site.settings(max_redirects=3), archive_in(tmp_path)), DAY
        )}  # fmt: skip
        assert rows["1"]["error"] == "too_many_redirects"
        assert site.paths() == ["/", "/1", "/2", "/3", "/4"]


def test_limits_on_pages_and_depth_hold_and_are_noted(tmp_path: Path) -> None:
    pages = {f"/{n}": html(f"/{n + 1}") for n in range(50)} | {"/": html(*(f"/{n}" for n in range(0, 50, 10)))}
    with serve(pages) as site:
        crawled = crawl(site.settings(max_pages=4), archive_in(tmp_path / "pages"))
        assert len(site.paths()) == crawled.head.url_count == 4
        assert crawled.head.caps == ("max_pages",)
        crawled = crawl(site.settings(max_depth=2), archive_in(tmp_path / "depth"))
        assert max(row.depth or 0 for row in crawled.asked()) == 2
        assert crawled.head.caps == ("max_depth",)


def test_a_limit_on_time_ends_the_crawl_with_what_there_is(tmp_path: Path) -> None:
    pages = {f"/{n}": html(f"/{n + 1}") for n in range(1000)} | {"/": html("/0")}
    with serve(pages) as site:
        crawled = crawl(site.settings(delay_seconds=0.2, max_seconds=2), archive_in(tmp_path))
        assert crawled.head.caps == ("max_seconds",)
        assert 1 < crawled.head.url_count < 15


def test_sitemaps_without_end_leave_time_for_the_pages(tmp_path: Path) -> None:
    names = [f"http://{HOST}/{number}.xml" for number in range(200)]
    index = "".join(f"<sitemap><loc>{name}</loc></sitemap>" for name in names)
    pages = {"/": html(), "/sitemap.xml": xml(f"<sitemapindex>{index}</sitemapindex>")}
    pages |= {f"/{number}.xml": replace(xml("<urlset></urlset>"), pause=0.2) for number in range(200)}
    with serve(pages) as site:
        crawled = crawl(site.settings(max_seconds=8), archive_in(tmp_path))
        # The index, and 0.2 seconds at least for each of the others, one after the other, for half of the time.
        assert crawled.head.sitemap_count <= 1 + 20
        assert crawled.head.caps == ("max_seconds",)
        assert list(by_path(crawled)) == ["/"]


def test_too_many_links_on_a_page_are_cut_and_noted(tmp_path: Path) -> None:
    with serve({"/": html(*(f"/{n}" for n in range(20)))}) as site:
        crawled = crawl(site.settings(max_links_per_page=5), archive_in(tmp_path))
        assert crawled.head.caps == ("max_links_per_page",)
        assert [row["link_no"] for row in link_rows(crawled, DAY)] == [1, 2, 3, 4, 5]
        assert len(site.paths()) == 6


def test_bodies_beyond_the_limit_are_not_read_however_they_come(tmp_path: Path) -> None:
    bomb = gzip.compress(b"<p>" + b"x" * 50_000_000)
    pages = {
        "/": html("/stated", "/streamed", "/bomb", "/broken", "/unknown", "/fits"),
        "/stated": Reply(b"x" * 200_000),
        "/streamed": Reply(b"x" * 10_000, chunks=100_000),
        "/bomb": Reply(bomb, headers=(("Content-Type", "text/html"), ("Content-Encoding", "gzip"))),
        "/broken": Reply(b"no gzip", headers=(("Content-Type", "text/html"), ("Content-Encoding", "gzip"))),
        "/unknown": Reply(b"?", headers=(("Content-Type", "text/html"), ("Content-Encoding", "br"))),
        "/fits": Reply(zlib.compress(html(title="Fits").body), headers=(("Content-Encoding", "deflate"),)),
    }
    assert len(bomb) < 100_000
    with serve(pages) as site:
        crawled = crawl(site.settings(max_page_bytes=100_000), archive_in(tmp_path))
        found = {path: (row.status, row.error) for path, row in by_path(crawled).items()}
        assert found["/stated"] == found["/streamed"] == found["/bomb"] == (200, "too_large")
        assert found["/broken"] == found["/unknown"] == (200, "bad_encoding")
        rows = {row["url"].split("/", 3)[3]: row for row in page_rows(crawled, DAY)}
        assert (rows["fits"]["title"], rows["fits"]["error"]) == ("Fits", None)
        assert rows["fits"]["byte_count"] == len(html(title="Fits").body)
        assert "max_page_bytes" in crawled.head.caps


def test_endless_headers_are_cut(tmp_path: Path) -> None:
    endless = tuple((f"X-{n}", "y" * 8_000) for n in range(200))
    with serve({"/": html("/endless", "/next"), "/endless": Reply(b"", headers=endless), "/next": html()}) as site:
        found = by_path(crawl(site.settings(), archive_in(tmp_path)))
        assert (found["/endless"].status, found["/endless"].error) == (None, "connection")
        assert found["/next"].status == 200


def test_what_is_no_html_is_asked_for_and_not_read(tmp_path: Path) -> None:
    pdf = Reply(b"%PDF" * 1000, headers=(("Content-Type", "application/pdf"),))
    with serve({"/": html("/file.pdf"), "/file.pdf": pdf}) as site:
        archive = archive_in(tmp_path)
        row = list(page_rows(crawl(site.settings(), archive), DAY))[1]
        assert (row["content_type"], row["status_code"], row["byte_count"]) == ("application/pdf", 200, 4000)
        assert row["title"] is row["word_count"] is row["content_hash"] is None
        kept = archive.get(url_key(f"http://{HOST}/file.pdf"))
        assert kept is not None
        assert kept.body == b""
        assert SKIPPED_HEADER in kept.headers


def test_a_page_that_never_ends_times_out(tmp_path: Path) -> None:
    with serve({"/": html("/slow", "/next"), "/slow": Reply(b"x", chunks=1000, pause=0.2), "/next": html()}) as site:
        found = by_path(crawl(site.settings(timeout_seconds=0.7), archive_in(tmp_path)))
        assert (found["/slow"].status, found["/slow"].error) == (None, "timeout")
        assert found["/next"].status == 200


def test_a_site_that_is_down_is_no_empty_crawl(tmp_path: Path) -> None:
    with serve({}) as site:
        settings = site.settings()
    with pytest.raises(TransientSourceError, match=r"robots\.txt gave no answer"):
        crawl(settings, archive_in(tmp_path))


def test_start_urls_that_all_fail_are_no_crawl_and_are_asked_again(tmp_path: Path) -> None:
    pages = {"/": Reply(b"down", 500)}
    with serve(pages) as site:
        archive = archive_in(tmp_path)
        with pytest.raises(TransientSourceError, match="no start URL could be read"):
            crawl(site.settings(), archive)
        pages["/"] = html()
        assert by_path(crawl(site.settings(), archive))["/"].status == 200


def test_start_urls_that_lead_to_another_host_want_a_person(tmp_path: Path) -> None:
    with serve({"/": redirect("https://shop.example/")}) as site:
        archive = archive_in(tmp_path)
        with pytest.raises(TerminalSourceError, match=r"leads to https://shop\.example/"):
            crawl(site.settings(), archive)
        assert head_of(archive) is None


def test_server_errors_are_rows(tmp_path: Path) -> None:
    with serve({"/": html("/bad"), "/bad": Reply(b"<h1>oops</h1>", 500)}) as site:
        row = list(page_rows(crawl(site.settings(), archive_in(tmp_path)), DAY))[1]
        assert (row["status_code"], row["error"], row["title"], row["word_count"]) == (500, None, None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"start_urls": ("ftp://shop.example/",)},
        {"start_urls": ("http://user:secret@shop.example/",)},
        {"allowed_networks": ("10.0.0.0/99",)},
        {"resolve": {"shop.example": "localhost:80"}},
        {"resolve": {"shop.example": "127.0.0.1"}},
    ],
)
def test_settings_that_cannot_be_used_are_refused_before_anything_starts(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    with serve({}) as site:
        with pytest.raises(TerminalSourceError, match="site_crawl"):
            crawl(site.settings(**changes), archive_in(tmp_path))
        assert site.asked == []


def test_a_crawl_that_ended_is_come_past_without_a_request(tmp_path: Path) -> None:
    with serve({"/": html("/a", "/a"), "/a": html("/")}) as site:
        archive = archive_in(tmp_path)
        first = crawl(site.settings(), archive)
        rows = [*page_rows(first, DAY), *link_rows(first, DAY)]
        count = len(site.asked)
        books = api_over(archive)
        run_crawl(plan_of(site.settings(), domain="shop.example"), books)
        # robots.txt, the sitemap and two pages.
        assert (books.usage.calls, books.usage.reused, books.usage.cut) == (0, 4, 0)
        again = crawl(site.settings(), archive)
        assert len(site.asked) == count
        assert [*page_rows(again, DAY), *link_rows(again, DAY)] == rows
