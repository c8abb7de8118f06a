"""Sitemap files (https://www.sitemaps.org/protocol.html), bounded and lenient.

XML, its indexes, plain text, RSS and Atom; also packed. Whatever is wrong with a file, each address that is itself
sound is given exactly; one that is not is given as it is written, or left out, and never shortened or joined.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from seo_warehouse.crawl.encodings import stated_in_xml, utf8_of
from seo_warehouse.crawl.headers import HTML_TYPES
from seo_warehouse.crawl.markup import Tag, Text, stripped, tokens
from seo_warehouse.crawl.packing import is_gzip, unpacked

MAX_SITEMAP_BYTES = 52_428_800
"""Unpacked; the protocol's own limit."""
MAX_SITEMAP_URLS = 50_000
"""In one file; the protocol's own limit."""
MAX_SITEMAP_FILES = 1_000

_HOLDERS = {b"loc": (b"url", b"sitemap"), b"link": (b"item", b"entry")}
"""What holds an address, by the element in it that is one: of sitemaps, and of RSS and Atom."""
_TEXTS = frozenset(b"loc lastmod changefreq priority link title description author category guid id updated published"
    b" pubdate summary".split())  # fmt: skip
"""Elements that hold text alone: where another begins, one was not closed."""
_MODIFIED = b"lastmod"
_MODIFIED_BYTES = 100
"""No date of any format is as long."""
_MAX_OPEN = 100
"""Elements open in one holder; no format nests as deep."""

_MAX_TOKENS = 6_000_000
"""Tags and texts of one file; in the protocol's 50 MB there is not room for more that mean anything."""
_HEAD = 65_536
_ROOT = re.compile(rb"<(?:[\w.-]{1,50}:)?(?:urlset|sitemapindex|rss|feed|rdf|url|sitemap)[\s/>]", re.IGNORECASE)
_MARK = b"\xef\xbb\xbf"
_LINE = re.compile(rb"[^\r\n]+")


@dataclass(frozen=True)
class Sitemap:
    """URLs of pages and of further sitemaps, literal and in order. `is_cut`: it held more, or breaks off.

    `modified`: when a page was changed last, as it is written, of those whose sitemap says so.
    """

    pages: tuple[str, ...] = ()
    sitemaps: tuple[str, ...] = ()
    is_cut: bool = False
    modified: Mapping[str, str] = field(default_factory=dict)


def read_sitemap(body: bytes) -> Sitemap:
    """A sitemap's URLs. What is no sitemap has none."""
    content, is_cut = _unpacked(body)
    content = _utf8(content)
    is_markup = content[:_HEAD].lstrip(_MARK + b" \t\r\n").startswith(b"<") or _ROOT.search(content, 0, _HEAD)
    pages: list[str] = []
    sitemaps: list[str] = []
    modified: dict[str, str] = {}
    try:
        for is_page, url, date in _addresses(content) if is_markup else _lines(content):
            if date is not None:
                modified.setdefault(url, date)
                continue
            if len(pages) + len(sitemaps) == MAX_SITEMAP_URLS:
                raise EOFError("too many URLs")
            (pages if is_page else sitemaps).append(url)
    except EOFError:
        is_cut = True
    return Sitemap(tuple(pages), tuple(sitemaps), is_cut, modified)


def _unpacked(body: bytes) -> tuple[bytes, bool]:
    if not is_gzip(body):
        return body[:MAX_SITEMAP_BYTES], len(body) > MAX_SITEMAP_BYTES
    content = bytearray()
    try:
        for piece in unpacked(body):
            content += piece
            if len(content) > MAX_SITEMAP_BYTES:
                return bytes(content[:MAX_SITEMAP_BYTES]), True
    except (EOFError, ValueError):
        return bytes(content), True
    return bytes(content), False


def _utf8(content: bytes) -> bytes:
    # Markup and addresses are full of NULs in UTF-16 and in nothing else, whatever mark and declaration say.
    head = content[:2_000]
    for name, nulls in (("utf-16le", head[1::2]), ("utf-16be", head[0::2])):
        if 2 * nulls.count(0) > len(nulls):
            return utf8_of(content, name)
    stated = stated_in_xml(head)
    return content if stated is None or stated in ("utf-8", "replacement") else utf8_of(content, stated)


Found = tuple[bool, str, str | None]
"""Is it a page's, address, and when that was changed last: told of an address again, once both are known."""


def _lines(content: bytes) -> Iterator[Found]:
    for found in _LINE.finditer(content.removeprefix(_MARK)):
        line = found[0].strip(b" \t")
        if line.startswith((b"http://", b"https://")):
            try:
                yield True, line.decode(), None
            except UnicodeDecodeError:
                continue


def _addresses(content: bytes) -> Iterator[Found]:
    """What the holders hold. Raises EOFError where there are too many tokens."""
    holders: dict[tuple[bytes, bytes], _Holder] = {}
    text: list[Text] | None = None
    text_of = b""
    is_first = True
    for number, token in enumerate(tokens(content)):
        if number == _MAX_TOKENS:
            raise EOFError("too many tokens")
        if isinstance(token, Text):
            if text is not None:
                text.append(token)
            continue
        if is_first and token.name == b"html":
            return
        is_first = False
        begun: list[Text] | None = None
        # An address has its holder's prefix; what other vocabularies hold is theirs, and so are loc and link apart.
        for place in _HOLDERS:
            holder = holders.get((token.prefix, place))
            if holder and token.is_end:
                if text and text_of == place and token.name in (holder.name, place):
                    yield from _told(holder, [piece.meant() for piece in text])
                elif text and text_of == _MODIFIED == token.name:
                    yield from holder.date(_known([piece.meant() for piece in text]))
                if holder.close(token.name):
                    del holders[token.prefix, place]
            elif holder and token.name == place and holder.is_direct() and (text is None or text_of == _MODIFIED):
                linked = token.attribute(b"href")
                if linked and _is_alternate(token):
                    yield from _told(holder, [linked])
                begun = [] if linked is None and not token.is_empty else None
            elif holder and token.name == _MODIFIED and place == b"loc" and holder.is_direct() and text is None:
                begun = None if token.is_empty else []
            if token.is_end:
                continue
            if token.name in _HOLDERS[place] and (holder or len(holders) < _MAX_OPEN):
                holders[token.prefix, place] = _Holder(token.name)
            elif holder and not token.is_empty:
                holder.open(token.name)
        text, text_of = begun, token.name


@dataclass
class _Holder:
    """An element that holds an address, and the names of those of its prefix that are open in it."""

    name: bytes
    opened: list[bytes] = field(default_factory=list)
    address: str | None = None
    modified: str | None = None

    def date(self, modified: str) -> Iterator[Found]:
        """Take when its page was changed last, the first time that it says so; a page's only."""
        is_date = modified.isascii() and modified.isprintable() and 0 < len(modified) <= _MODIFIED_BYTES
        if is_date and self.modified is None and self.name != b"sitemap":
            self.modified = modified
            if self.address is not None:
                yield True, self.address, modified

    def is_direct(self) -> bool:
        """Whether what begins here lies directly in it, but for what was not closed."""
        return not self.opened or _TEXTS.issuperset(self.opened)

    def open(self, name: bytes) -> None:
        if len(self.opened) < _MAX_OPEN:
            self.opened.append(name)

    def close(self, name: bytes) -> bool:
        """Whether that is its own end."""
        if name in self.opened:
            while self.opened.pop() != name:
                pass
            return False
        return name == self.name


def _told(holder: _Holder, pieces: list[str | None]) -> Iterator[Found]:
    """The address, if it is known whole, and its date, if that came before."""
    if address := _known(pieces):
        holder.address = address
        yield holder.name != b"sitemap", address, None
        if holder.modified is not None:
            yield True, address, holder.modified


def _known(pieces: list[str | None]) -> str:
    """The text of pieces that are known whole; else nothing."""
    known = [piece for piece in pieces if piece is not None and "\ufffd" not in piece]
    return stripped("".join(known)) if len(known) == len(pieces) else ""


def _is_alternate(link: Tag) -> bool:
    """Whether an Atom link leads to what its entry is about, and that is a page."""
    kind = link.attribute(b"type")
    return link.attribute(b"rel") in (None, "alternate") and (kind is None or kind.startswith(HTML_TYPES))
