from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seo_warehouse.crawl import sitemaps
from seo_warehouse.crawl.sitemaps import Sitemap, read_sitemap

URL = "https://shop.example/a?b=1&c=2"
XML = (
    '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    f"<url><loc> {URL.replace('&', '&amp;')}\n</loc></url></urlset>"
).encode()


def test_urls_are_read_from_xml_plain_or_packed() -> None:
    text = XML.decode()
    for body in (XML, b"\xef\xbb\xbf" + XML, gzip.compress(XML), text.encode("utf-16"), text.encode("utf-16-be")):
        assert read_sitemap(body) == Sitemap((URL,), (), is_cut=False)


def test_an_index_is_told_from_a_list() -> None:
    found = read_sitemap(b"<sitemapindex><sitemap><loc>https://shop.example/1.xml</loc></sitemap></sitemapindex>")
    assert found == Sitemap((), ("https://shop.example/1.xml",), is_cut=False)


def test_locations_of_images_and_videos_are_no_pages() -> None:
    body = (
        b'<urlset xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"><url><loc>https://shop.example/a</loc>'
        b"<image:image><image:loc>https://shop.example/a.png</image:loc></image:image></url></urlset>"
    )
    assert read_sitemap(body).pages == ("https://shop.example/a",)


def test_lines_of_plain_text_are_read() -> None:
    assert read_sitemap(b"https://shop.example/a\r\n\r\nnot a url\nhttps://shop.example/b").pages == (
        "https://shop.example/a",
        "https://shop.example/b",
    )


def test_a_broken_file_gives_what_stands_before_the_break() -> None:
    assert read_sitemap(b"<urlset><url><loc>https://shop.example/a</loc></url><url><loc>x").pages[:1] == (
        "https://shop.example/a",
    )


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("https://shop.example/secret")
    bomb = '<!DOCTYPE z [<!ENTITY a "' + "x" * 1000 + '">' + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1 or str()};" * 10}">' for n in range(1, 9)
    ) + "]><urlset><url><loc>&a8;</loc></url></urlset>"  # fmt: skip
    outside = f'<!DOCTYPE z [<!ENTITY s SYSTEM "file://{secret}">]><urlset><url><loc>&s;</loc></url></urlset>'
    assert sum(map(len, read_sitemap(bomb.encode()).pages)) < 100_000
    assert read_sitemap(outside.encode()).pages == ()


@pytest.mark.parametrize(
    ("entry", "modified"),
    [
        (b"<loc>%s</loc><lastmod> 2026-11-22 </lastmod>", "2026-11-22"),
        (b"<lastmod><![CDATA[2026-11-22T10:00:00Z]]></lastmod><loc>%s</loc>", "2026-11-22T10:00:00Z"),
        (b"<loc>%s</loc><lastmod>2026</lastmod><lastmod>2025</lastmod>", "2026"),
        (b"<loc>%s</loc><lastmod>yesterday</lastmod>", "yesterday"),
        (b"<loc>%s</loc><lastmod></lastmod><lastmod/>", None),
        (b"<loc>%s</loc><lastmod>2026-11-22", None),
        (b"<lastmod>2026-11-22<loc>%s</loc>", None),
        (b"<loc>%s</loc><image:image><image:lastmod>2026</image:lastmod></image:image>", None),
        (b"<loc>%s</loc><lastmod>" + b"9" * 101 + b"</lastmod>", None),
        (b"<loc>%s</loc><lastmod>2026&#0;</lastmod>", None),
        ("<loc>%s</loc><lastmod>٢٠٢٦</lastmod>".encode(), None),
    ],
)
def test_a_page_was_changed_when_its_entry_says(entry: bytes, modified: str | None) -> None:
    body = b"<urlset><url>%s</url><url><loc>https://shop.example/z</loc></url></urlset>" % (entry % URL.encode())
    found = read_sitemap(body)
    assert found.pages == (URL, "https://shop.example/z")
    assert found.modified == ({} if modified is None else {URL: modified})


def test_of_a_sitemap_in_an_index_no_page_was_changed() -> None:
    entry = b"<sitemap><loc>https://shop.example/1.xml</loc><lastmod>2026-11-22</lastmod></sitemap>"
    assert read_sitemap(b"<sitemapindex>%s</sitemapindex>" % entry).modified == {}


def test_a_file_with_too_many_urls_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemaps, "MAX_SITEMAP_URLS", 3)
    xml = b"<urlset>" + b"".join(b"<url><loc>https://shop.example/%d</loc></url>" % n for n in range(4)) + b"</urlset>"
    assert (len(read_sitemap(xml).pages), read_sitemap(xml).is_cut) == (3, True)
    text = b"\n".join(b"https://shop.example/%d" % n for n in range(4))
    assert (len(read_sitemap(text).pages), read_sitemap(text).is_cut) == (3, True)


SCRAPS = [
    b"\n", b" & ", b"&nbsp;", b"&#0;", b"&amp", b"<", b">", b"<<", b"</", b"<!", b"<?", b"<!--", b"<![CDATA[",
    b"<!DOCTYPE x [", b"]]>", b"-->", b"]>", b"?>", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\x00", b"\x0b",
    b"\xc3", b"</url>", b"</loc>", b"</urlset>", b"<url>", b"<loc>", b"<url><loc>https://shop.example/half",
    b"<url><lastmod>2026", b"<sitemap>", b"<item>", b"<entry>", b"<link>", b"<image:image>", b"<image:loc>x",
    b"</image:image>", b"<a b='", b'<a b="', b"<a b='1' b='1'>", b"<a:b:c>", b"<:a>", b"<br>",
    b"<b>Warning</b>: x in y on line 7<br />", b'<?xml version="1.0" encoding="utf-16"?>', b"<?php echo 1",
    b"<html>", b"<p:url>",
]  # fmt: skip
"""What breaks XML, each in its way."""
PIECES = [*SCRAPS, b"https://shop.example/a", b"<url><loc>https://shop.example/b</loc></url>", b" ", b"a", b"/>"]
ADDRESSES = st.text("abc/?&=;#%+.'\"<>] \u00e9\u6728-", min_size=1, max_size=20).map(
    lambda t: f"https://shop.example/{t}z"
)
STYLES = (
    "<url><loc>{escaped}</loc></url>",
    "<url>\n <loc>\n  {escaped}\n </loc>\n <lastmod>2026-11-22</lastmod>\n</url>",
    "<url><lastmod>2026-11-22</lastmod><loc><![CDATA[{literal}]]></loc><image:image><image:loc>x</image:loc></image:image></url>",
    "<URL><xhtml:link rel='alternate' href='https://shop.example/fr'/><LOC a='1'>{escaped}</LOC></URL>",
    "<url><priority>0.5<loc>{numbered}</loc></url>",
    "<item><title>&lt;b&gt;</title><link>{escaped}</link><guid>1</guid></item>",
    "<entry><link rel='self' href='x'/><link type='text/html' href='{escaped}'/></entry>",
)


def written(address: str, style: str) -> bytes:
    """An address in a sitemap, in one of the ways that are all right."""
    escaped = address.translate(
        {ord(c): f"&{n};" for c, n in zip("&<>'\"", ("amp", "lt", "gt", "apos", "quot"), strict=True)}
    )
    numbered = "".join(f"&#{ord(c)};" if c in "&<z" else f"&#x{ord(c):X};" for c in address)
    return style.format(escaped=escaped, literal=address.replace("]]>", "]]"), numbered=numbered).encode()


def meant(address: str, style: str) -> str:
    """What a reader is to find there."""
    return address.replace("]]>", "]]") if "literal" in style else address


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(ADDRESSES, st.sampled_from(STYLES)), min_size=1, max_size=6),
    st.sampled_from(SCRAPS),
    st.integers(0, 6),
    st.booleans(),
)
def test_a_flaw_changes_nothing_of_the_other_addresses(
    told: list[tuple[str, str]], scrap: bytes, place: int, is_packed: bool
) -> None:
    blocks = [written(address, style) for address, style in told]
    blocks.insert(min(place, len(blocks)), scrap)
    body = b'<?xml version="1.0"?><urlset>' + b"\n".join(blocks) + b"</urlset>"
    sitemap = read_sitemap(gzip.compress(body) if is_packed else body)
    found = sitemap.pages
    rest = iter(found)
    assert all(meant(address, style) in rest for address, style in told), found
    dated = {meant(address, style) for address, style in told if "lastmod" in style}
    assert dict.fromkeys(dated, "2026-11-22") == sitemap.modified
    assert len(found) <= len(told) + 1


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([scrap for scrap in SCRAPS if b"half" not in scrap]), ADDRESSES, st.sampled_from(STYLES[:2]))
def test_an_address_with_a_flaw_is_left_out_or_given_as_it_is_written(scrap: bytes, address: str, style: str) -> None:
    start, end = written(address, style).split(b"</loc>", 1)
    broken = start + scrap + b"z</loc>" + end
    body = b"<urlset>" + broken + written("https://shop.example/next?a=1&b=2", style) + b"</urlset>"
    *flawed, sound = read_sitemap(body).pages
    assert sound == "https://shop.example/next?a=1&b=2"
    assert all(url.startswith(address) and url.endswith("z") and len(url) >= len(address) for url in flawed)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=2_000)
    | st.binary(max_size=500).map(gzip.compress)
    | st.binary(max_size=500).map(lambda b: b"<urlset>" + b)
    | st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)
)
def test_no_body_gets_anything_but_a_sitemap_out(body: bytes) -> None:
    found = read_sitemap(body)
    assert len(found.pages) + len(found.sitemaps) <= 2_000


@pytest.mark.external
def test_real_sitemaps_are_read(shared_data: Path) -> None:
    folder = shared_data / "robots_urls" / "crawler_commons" / "sitemaps"
    found = {path.name: read_sitemap(path.read_bytes()) for path in folder.rglob("*") if path.is_file()}
    dates = {name: len(sitemap.modified) for name, sitemap in found.items() if sitemap.modified}
    assert dates == {"hebdenbridgetimes-articles-sitemap.xml": 74, "xmlSitemap.gz": 4}
    assert {name: len(sitemap.pages) for name, sitemap in found.items()} == {
        "atom.xml": 2,  # of one entry
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
