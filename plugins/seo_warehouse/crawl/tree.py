"""From the bytes of a page to its tree: encodings as browsers read them, nesting bounded."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping

from selectolax.lexbor import LexborHTMLParser

from seo_warehouse.crawl import headers as http_headers

SMALL_BODY = 20_000
"""Bytes up to which no nesting can cost much."""
MAX_NESTING = 5_000
MAX_FORMATTED = 2_000_000
"""Open formatting elements times tags: a bound on the elements that the parser makes by itself."""
_FORMATS = frozenset(b"a b big code em font i nobr s small strike strong tt u".split())
_FORMAT_TAG = re.compile(rb"<(?:%s)(?![a-z0-9-])" % b"|".join(sorted(_FORMATS)), re.IGNORECASE)
_NESTING_TAG = re.compile(
    # Neither elements without content, nor those that their successors close.
    rb"<(/?)(?!(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr|p|li|dt|dd|option|optgroup|td|th|tr"
    rb"|tbody|thead|tfoot|colgroup|rp|rt|path|rect|circle|ellipse|line|poly\w+|use|stop)[\s/>])([a-z][a-z0-9-]{0,20})",
    re.IGNORECASE,
)

# The codecs that the WHATWG encoding standard has (https://encoding.spec.whatwg.org/#names-and-labels), by Python's
# names, and what it reads for labels that promise less than is sent. Python's others (idna, punycode, base64 ...)
# are no encodings of pages, and some take quadratic time.
_READ_AS = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "big5": "big5hkscs",
}  # fmt: skip
_CODECS = {
    *_READ_AS.values(), "utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp866", "iso8859-2", "iso8859-3", "iso8859-4",
    "iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8", "iso8859-10", "iso8859-13", "iso8859-14", "iso8859-15",
    "iso8859-16", "koi8-r", "koi8-u", "mac-roman", "mac-cyrillic", "cp1250", "cp1251", "cp1253", "cp1255", "cp1256",
    "cp1257", "cp1258", "euc_jp", "iso2022_jp",
}  # fmt: skip


def is_too_deep(body: bytes) -> bool:
    """Whether elements are nested so deep, or so many formats left open, that building the tree would take for ever.

    The HTML standard's own algorithm takes quadratic time there; no page that people wrote comes near.
    """
    if len(body) <= SMALL_BODY:
        return False
    tags = body.count(b"<")
    opening = tags - body.count(b"</")
    if opening <= MAX_NESTING and len(_FORMAT_TAG.findall(body)) * tags <= MAX_FORMATTED:
        # Not even if none were ever closed: so it is with nearly every page, and counting is several times as fast.
        return False
    open_by_name: dict[bytes, int] = {}
    depth = formats = deepest_formats = count = 0
    for found in _NESTING_TAG.finditer(body):
        count += 1
        closes, name = found[1], found[2].lower()
        if closes and not open_by_name.get(name):
            continue
        step = -1 if closes else 1
        open_by_name[name] = open_by_name.get(name, 0) + step
        depth += step
        if name in _FORMATS:
            formats += step
            deepest_formats = max(deepest_formats, formats)
        if depth > MAX_NESTING or deepest_formats * count > MAX_FORMATTED:
            return True
    # Each paragraph opens again all formats that are open.
    return deepest_formats * tags > MAX_FORMATTED


def tree_of(headers: Mapping[str, str], body: bytes) -> LexborHTMLParser:
    """Byte order mark, then the header, then meta elements, then UTF-8 if it is valid, else windows-1252."""
    if not body.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        codec = _codec(http_headers.charset(headers))
        if codec is None and b"charset" not in body[:1024].lower() and not _is_utf8(body):
            codec = "cp1252"
        if codec:
            return LexborHTMLParser(body.decode(codec, "replace"), scripting=True)
    return LexborHTMLParser(body, encoding=True, scripting=True)


def _codec(label: str | None) -> str | None:
    try:
        name = codecs.lookup(label or "").name
    except (LookupError, ValueError):
        return None
    name = _READ_AS.get(name, name)
    return name if name in _CODECS else None


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
