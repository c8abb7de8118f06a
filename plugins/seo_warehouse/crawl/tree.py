"""From the bytes of a page to its tree: encodings as browsers read them, nesting bounded."""

from __future__ import annotations

import re
from collections.abc import Mapping

from selectolax.lexbor import LexborHTMLParser

from seo_warehouse.crawl import headers as http_headers
from seo_warehouse.crawl.encodings import marked, name_of, stated_in_page, text_of

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
    """Byte order mark, then the header, then what the page states, then UTF-8 if it is valid, else windows-1252."""
    name = marked(body) or name_of(http_headers.charset(headers)) or stated_in_page(body)
    return LexborHTMLParser(text_of(body, name) if name else _guessed(body), scripting=True)


def _guessed(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return text_of(body, "windows-1252")
