"""Sitemap files (https://www.sitemaps.org/protocol.html): XML and plain text, indexes, gzip; bounded and lenient."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

MAX_SITEMAP_BYTES = 52_428_800
"""Unpacked; the protocol's own limit."""
MAX_SITEMAP_URLS = 50_000
"""In one file; the protocol's own limit."""
MAX_SITEMAP_FILES = 1_000

_CHUNK = 65_536


@dataclass(frozen=True)
class Sitemap:
    """URLs of pages, or (`is_index`) of further sitemaps, literal and in order. `is_cut`: it held more, or too much."""

    urls: tuple[str, ...]
    is_index: bool
    is_cut: bool


def read_sitemap(body: bytes) -> Sitemap:
    """A sitemap's URLs. What is no sitemap has none."""
    content, is_cut = _unpacked(body)
    start = content[:1024].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00")
    if not start.startswith((b"<", b"\x00<")):
        lines = content.decode("utf-8-sig", "replace").splitlines()
        urls = [text for line in lines if (text := line.strip()).startswith(("http://", "https://"))]
        return Sitemap(tuple(urls[:MAX_SITEMAP_URLS]), False, is_cut or len(urls) > MAX_SITEMAP_URLS)
    urls, is_index = [], False
    for parent, text in _locations(content):
        if len(urls) == MAX_SITEMAP_URLS:
            return Sitemap(tuple(urls), is_index, True)
        urls.append(text)
        is_index = is_index or parent == "sitemap"
    return Sitemap(tuple(urls), is_index, is_cut)


def unpack(body: bytes, limit: int) -> tuple[bytes, bool]:
    """gzip or zlib data unpacked up to `limit` bytes, and whether it went on. Raises ValueError where it is neither."""
    unpacker = zlib.decompressobj(wbits=47)
    try:
        content = unpacker.decompress(body, limit)
        # Asked once more only when full: is that the end, or are there more bytes?
        more = len(content) == limit and not unpacker.eof and bool(unpacker.decompress(unpacker.unconsumed_tail, 1))
    except zlib.error:
        try:
            raw = zlib.decompressobj(wbits=-15)
            content = raw.decompress(body, limit)
            more = len(content) == limit and not raw.eof
        except zlib.error as error:
            raise ValueError(f"not gzip or deflate: {error}") from None
    return content, more


def _unpacked(body: bytes) -> tuple[bytes, bool]:
    if not body.startswith(b"\x1f\x8b"):
        return body[:MAX_SITEMAP_BYTES], len(body) > MAX_SITEMAP_BYTES
    try:
        return unpack(body, MAX_SITEMAP_BYTES)
    except ValueError:
        return b"", True


def _locations(content: bytes) -> Iterator[tuple[str, str]]:
    """(name of the parent, text) of each `loc` directly in `url` or `sitemap`, whatever the namespace.

    Entities are not expanded and nothing is loaded, so that a small file cannot become a large one.
    """
    from lxml import etree  # type: ignore[import-untyped]

    events = etree.iterparse(
        BytesIO(content), events=("end",), recover=True, resolve_entities=False, no_network=True, load_dtd=False
    )
    try:
        for _, element in events:
            if not isinstance(element.tag, str):
                continue
            name, parent = etree.QName(element).localname, element.getparent()
            if name == "loc" and parent is not None and isinstance(parent.tag, str):
                holder = etree.QName(parent).localname
                text = (element.text or "").strip()
                if text and holder in ("url", "sitemap"):
                    yield holder, text
            elif name in ("url", "sitemap"):
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
    except etree.XMLSyntaxError:
        return
