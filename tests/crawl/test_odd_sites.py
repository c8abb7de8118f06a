"""Sites as people have them, through the whole road: what is odd about a file costs at most that file."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import pytest

from seo_warehouse.crawl.rows import Crawl, link_rows, page_rows
from seo_warehouse.errors import TerminalSourceError
from tests.crawl.site import HOST, Reply, archive_in, by_path, crawl, html, serve, text, xml

pytestmark = pytest.mark.slow

DAY = date(2026, 11, 22)
REFRESHED = "start.shop.example"


def listed(crawled: Crawl) -> set[str]:
    """What the sitemaps named, as it was asked for."""
    return {row.url for row in crawled.asked() if row.is_in_sitemap}


def test_no_file_of_a_site_ends_its_crawl_or_is_lost(tmp_path: Path) -> None:
    names = ["prefix.xml", "soft-404", "flaws.xml", "index.xml", "two.xml.gz", "news.rss", "news.atom", "latin.xml"]
    wide = html(title="木のベンチ").body.decode()
    packed = b"".join(map(gzip.compress, (b"<title>Two</title><p>a b c</p><a href='/fr", b"om-two'>d</a>")))
    pages = {
        "/robots.txt": text("".join(f"Sitemap: http://{HOST}/{name}\n" for name in names)),
        f"{REFRESHED}/robots.txt": text(""),
        "/prefix.xml": xml(f"<urlset><url><loc>http://{HOST}/a</loc><image:image/></url></urlset>"),
        "/soft-404": Reply(b"<!doctype html><html><title>x</title><fb:like></fb:like></html>"),
        "/flaws.xml": xml(
            f"\n<?xml version='1.0'?><urlset><url><loc>http://{HOST}/b?x=1&amp;y=2</loc><lastmod>&nbsp;<</url>"
            f"<url><loc>http://{HOST}/b?q=tea & cake</loc></url><url><loc>http://{HOST}/b?x=1&amp;y=3</loc></url>"
        ),
        "/index.xml": xml(
            f"<sitemapindex><sitemap><loc>https://{HOST}:{0}/never.xml</loc></sitemap><sitemap><loc>http://shop.example/"
            "child.xml</loc></sitemap><sitemap><loc>http://other.example/s.xml</loc></sitemap></sitemapindex>"
        ),
        "shop.example/child.xml": xml(f"<urlset><url><loc>http://{HOST}/c</loc></url></urlset>"),
        "/two.xml.gz": Reply(
            gzip.compress(f"<urlset><url><loc>http://{HOST}/d".encode()) + gzip.compress(b"e</loc></url></urlset>"),
            headers=(("Content-Type", "application/gzip"),),
        ),
        "/news.rss": xml(f"<rss><channel><link>/no</link><item><link>http://{HOST}/f</link></item></channel></rss>"),
        "/news.atom": xml(f"<feed><link href='/no'/><entry><link href='http://{HOST}/g'/></entry></feed>"),
        "/latin.xml": Reply(
            f"<?xml version='1.0' encoding='latin1'?><urlset><url><loc>http://{HOST}/é</loc></url></urlset>".encode(
                "cp1252"
            )
        ),
        f"{HOST}/": html("/wide", "/two", "/qualified"),
        "/wide": Reply(wide.replace("<title>", "<meta charset=ms_kanji><title>").encode("cp932"), headers=()),
        "/two": Reply(packed, headers=(("Content-Encoding", "gzip"), ("Content-Type", "text/html"))),
        "/from-two": html(),
        "/qualified": Reply(b"<a href=http://b.example/ rel='nofollow,noindex'>b</a>"),
        f"{REFRESHED}/": Reply(b"<meta http-equiv=refresh content='0;url=/en/'>"),
        f"{REFRESHED}/en/": html("/en/tea", title="Home"),
        f"{REFRESHED}/en/tea": Reply(b"<title>Tea</title>", headers=(("Refresh", "9; url=/en/cake"),)),
        f"{REFRESHED}/en/cake": html(title="Cake"),
    }
    with serve(pages) as site:
        resolve = dict.fromkeys((HOST, REFRESHED, "shop.example"), f"127.0.0.1:{site.port}")
        crawled = crawl(
            site.settings(start_urls=(f"http://{HOST}/", f"http://{REFRESHED}/"), resolve=resolve),
            archive_in(tmp_path),
        )
        paths = ["a", "b?x=1&y=2", "b?q=tea%20&%20cake", "b?x=1&y=3", "c", "de", "f", "g", "%C3%A9"]
        assert listed(crawled) == {f"http://{HOST}/{path}" for path in paths}
        assert crawled.head.caps == ("foreign_sitemaps",)
        rows = {row["url"]: row for row in page_rows(crawled, DAY)}
        assert rows[f"http://{HOST}/wide"]["title"] == "木のベンチ"
        assert (rows[f"http://{HOST}/two"]["word_count"], rows[f"http://{HOST}/from-two"]["status_code"]) == (4, 200)
        start = rows[f"http://{REFRESHED}/"]
        assert (start["status_code"], start["final_url"]) == (200, f"http://{REFRESHED}/en/")
        assert start["redirect_urls"] == [f"http://{REFRESHED}/en/"]
        tea = rows[f"http://{REFRESHED}/en/tea"]
        assert (tea["redirect_urls"], rows[f"http://{REFRESHED}/en/cake"]["depth"]) == ([], 2)
        assert [row["rel"] for row in link_rows(crawled, DAY) if row["target_url"] == "http://b.example/"] == [
            ["nofollow", "noindex"]
        ]


def test_a_start_page_that_refreshes_to_another_host_wants_a_person(tmp_path: Path) -> None:
    page = Reply(b"<meta http-equiv=refresh content='0;url=https://shop.example/'>")
    with serve({"/": page}) as site, pytest.raises(TerminalSourceError, match=r"leads to https://shop\.example/"):
        crawl(site.settings(), archive_in(tmp_path))


@pytest.mark.external
def test_real_oddities_are_read(tmp_path: Path, shared_cases: Path) -> None:
    def case(path: str, *headers: tuple[str, str]) -> Reply:
        return Reply((shared_cases / path).read_bytes(), headers=headers)

    sitemaps = [
        "sitemap-undeclared-prefix/sitemap.xml",
        "sitemap-undeclared-prefix/soft-404.html",
        "sitemap-ampersands-lost/blank-line-first.xml",
        "sitemap-ampersands-lost/html-entity.xml",
        "sitemap-ampersands-lost/one-bare-ampersand.xml",
        "sitemap-index-other-scheme/sitemap_index.xml",
        "gzip-two-members/sitemap.xml.gz",
        "sitemap-feed/feed.atom",
        "sitemap-feed/feed.rss",
    ]
    pages = {f"/{path}": case(path) for path in sitemaps}
    pages |= {
        "/robots.txt": text("".join(f"Sitemap: http://{HOST}/{path}\n" for path in sitemaps)),
        f"{REFRESHED}/robots.txt": text(""),
        "/pages.xml": case("sitemap-index-other-scheme/pages.xml"),
        f"{HOST}/": html("/links", "/sjis", "/two"),
        "/links": case("rel-with-commas/page.html", ("Content-Type", "text/html")),
        "/sjis": case("charset-in-meta/x-sjis.html", ("Content-Type", "text/html")),
        "/two": case("gzip-two-members/page.html.gz", ("Content-Type", "text/html"), ("Content-Encoding", "gzip")),
        f"{REFRESHED}/": case("meta-refresh-home/index.html"),
        f"{REFRESHED}/en/": html(title="Home"),
    }
    with serve(pages) as site:
        starts = (f"http://{HOST}/", f"http://{REFRESHED}/")
        crawled = crawl(site.settings(HOST, REFRESHED, start_urls=starts), archive_in(tmp_path))
    paths = ["oak-bench", "tea-table", "bench", "list?cat=1&page=2", "list?cat=1&page=3", "search?q=tea%20&%20cake"]
    paths += [f"p{n}" for n in range(6)]
    assert listed(crawled) == {f"https://{HOST}/{path}" for path in paths} | {f"http://{HOST}/oak-bench"}
    assert crawled.head.caps == ()
    rows = {row["url"]: row for row in page_rows(crawled, DAY)}
    assert rows[f"http://{HOST}/sjis"]["title"] == "木のベンチ"
    assert rows[f"http://{HOST}/two"]["word_count"] == 203
    assert rows[f"http://{HOST}/two"]["internal_link_count"] == 1
    assert rows[f"http://{REFRESHED}/"]["final_url"] == f"http://{REFRESHED}/en/"
    assert "/en/" in by_path(crawled)
    rels = [row["rel"] for row in link_rows(crawled, DAY) if row["source_url"].endswith("/links")]
    assert rels == [["nofollow", "noindex"], ["ugc", "nofollow"], ["external", "nofollow"]]
