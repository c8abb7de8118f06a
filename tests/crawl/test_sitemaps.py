from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seo_warehouse.crawl import sitemaps
from seo_warehouse.crawl.sitemaps import read_sitemap, unpack

URL = "https://shop.example/a?b=1&c=2"
XML = (
    '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    f"<url><loc> {URL.replace('&', '&amp;')}\n</loc></url></urlset>"
).encode()


def test_urls_are_read_from_xml_plain_or_packed() -> None:
    for body in (XML, b"\xef\xbb\xbf" + XML, gzip.compress(XML)):
        found = read_sitemap(body)
        assert (found.urls, found.is_index, found.is_cut) == ((URL,), False, False)


def test_an_index_is_told_from_a_list() -> None:
    found = read_sitemap(b"<sitemapindex><sitemap><loc>https://shop.example/1.xml</loc></sitemap></sitemapindex>")
    assert (found.urls, found.is_index) == (("https://shop.example/1.xml",), True)


def test_locations_of_images_and_videos_are_no_pages() -> None:
    body = (
        b'<urlset xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"><url><loc>https://shop.example/a</loc>'
        b"<image:image><image:loc>https://shop.example/a.png</image:loc></image:image></url></urlset>"
    )
    assert read_sitemap(body).urls == ("https://shop.example/a",)


def test_lines_of_plain_text_are_read() -> None:
    assert read_sitemap(b"https://shop.example/a\r\n\r\nnot a url\nhttps://shop.example/b").urls == (
        "https://shop.example/a",
        "https://shop.example/b",
    )


def test_a_broken_file_gives_what_stands_before_the_break() -> None:
    assert read_sitemap(b"<urlset><url><loc>https://shop.example/a</loc></url><url><loc>x").urls[:1] == (
        "https://shop.example/a",
    )


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("https://shop.example/secret")
    bomb = '<!DOCTYPE z [<!ENTITY a "' + "x" * 1000 + '">' + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1 or str()};" * 10}">' for n in range(1, 9)
    ) + "]><urlset><url><loc>&a8;</loc></url></urlset>"  # fmt: skip
    outside = f'<!DOCTYPE z [<!ENTITY s SYSTEM "file://{secret}">]><urlset><url><loc>&s;</loc></url></urlset>'
    assert sum(map(len, read_sitemap(bomb.encode()).urls)) < 100_000
    assert read_sitemap(outside.encode()).urls == ()


def test_a_file_with_too_many_urls_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemaps, "MAX_SITEMAP_URLS", 3)
    xml = b"<urlset>" + b"".join(b"<url><loc>https://shop.example/%d</loc></url>" % n for n in range(4)) + b"</urlset>"
    assert (len(read_sitemap(xml).urls), read_sitemap(xml).is_cut) == (3, True)
    text = b"\n".join(b"https://shop.example/%d" % n for n in range(4))
    assert (len(read_sitemap(text).urls), read_sitemap(text).is_cut) == (3, True)


@pytest.mark.parametrize("wbits", [31, 15, -15])
def test_unpacking_stops_at_the_limit(wbits: int) -> None:
    packer = zlib.compressobj(wbits=wbits)
    packed = packer.compress(b"x" * 1_000_000) + packer.flush()
    content, is_more = unpack(packed, 1_000)
    assert (len(content), is_more) == (1_000, True)
    content, is_more = unpack(packed, 1_000_000)
    assert (len(content), is_more) == (1_000_000, False)


def test_what_is_not_packed_is_said_to_be_so() -> None:
    with pytest.raises(ValueError, match="gzip"):
        unpack(b"<html>", 1_000)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=2_000)
    | st.binary(max_size=500).map(gzip.compress)
    | st.binary(max_size=500).map(lambda b: b"<urlset>" + b)
)
def test_no_body_gets_anything_but_a_sitemap_out(body: bytes) -> None:
    assert len(read_sitemap(body).urls) <= 2_000


@pytest.mark.external
def test_real_sitemaps_are_read(shared_data: Path) -> None:
    folder = shared_data / "robots_urls" / "crawler_commons" / "sitemaps"
    counts = {path.name: len(read_sitemap(path.read_bytes()).urls) for path in folder.rglob("*") if path.is_file()}
    assert counts == {
        "atom.xml": 0,  # a feed, no sitemap
        "do-not-visit.txt": 1,
        "sitemap-with-bom.txt": 2,
        "sitemap.badns.xml": 2,
        "sitemap.index.xml": 0,  # its URLs stand outside any `loc`
        "sitemap.ns.xml": 2,
        "sitemap.txt": 2,
        "sitemap.txt.gz": 5,
        "xmlSitemap.gz": 5,
        "hebdenbridgetimes-articles-sitemap.xml": 74,
        "pagemaps-sitemap.xml": 2,
        "shinpaideshou-news-sitemap.xml": 3,
        "sitemap-images.xml": 1,
        "sitemap-links.xml": 3,
        "sitemap-mobile.xml": 3,
        "sitemap-news.xml": 2,
        "sitemap-videos-tvshow.xml": 1,
        "sitemap-videos.xml": 3,
    }
