"""What a page's HTTP headers say about it: canonical, alternates, robots directives, media type."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

HTML_TYPES = ("text/html", "application/xhtml+xml")
MAX_DIRECTIVES = 50
MAX_DIRECTIVE_CHARACTERS = 200

_LINK = re.compile(r"<([^<>]*)>([^<>]*)")
_PARAMETER = re.compile(r';\s*([A-Za-z*-]+)\s*=\s*(?:"([^"]*)"|([^\s;,"]+))')
_DIRECTIVE_START = re.compile(r"\s*([A-Za-z0-9_-]+)\s*(:?)")

DIRECTIVES = frozenset(
    "all none index noindex follow nofollow noarchive nocache nosnippet noimageindex notranslate noodp noydir"
    " indexifembedded nositelinkssearchbox unavailable_after max-snippet max-image-preview max-video-preview"
    " noai noimageai".split()
)
"""Names of directives, https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag and older ones.

A name before a colon that is none of them is a crawler's (X-Robots-Tag: googlebot: noindex).
"""


def media_type(headers: Mapping[str, str]) -> str | None:
    """Media type of Content-Type, lower case, without parameters."""
    value = headers.get("content-type", "").partition(";")[0].strip().lower()
    return value or None


def is_html(headers: Mapping[str, str]) -> bool:
    """Whether an answer says that it is HTML; one that says nothing is taken for it, as browsers do."""
    return (media_type(headers) or "text/html") in HTML_TYPES


def charset(headers: Mapping[str, str]) -> str | None:
    """The charset parameter of Content-Type, as written."""
    found = re.search(r"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]+)", headers.get("content-type", ""), re.IGNORECASE)
    return found[1] if found else None


def links(headers: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Each (literal target, parameters) of the Link header (RFC 8288); names and rel in lower case."""
    for target, rest in _LINK.findall(headers.get("link", "")):
        parameters: dict[str, str] = {}
        for name, quoted, plain in _PARAMETER.findall(rest):
            parameters.setdefault(name.lower(), quoted or plain)
        if "rel" in parameters:
            parameters["rel"] = parameters["rel"].lower()
        yield target.strip(), parameters


def directives(value: str) -> list[str]:
    """Directives of a robots meta element or header, lower case, in order, each once.

    Those addressed to Googlebot are kept without its name; those addressed to any other crawler are left out. A
    crawler's name holds to the end of its line; lines are what a repeated header was.
    """
    kept: dict[str, None] = {}
    for line in value.replace("\x00", "").lower().splitlines():
        is_ours = True
        for piece in _pieces(line):
            start = _DIRECTIVE_START.match(piece)
            if start and start[2] and start[1] not in DIRECTIVES:
                is_ours = start[1] == "googlebot"
                piece = piece[start.end() :]
            text = " ".join(piece.split())[:MAX_DIRECTIVE_CHARACTERS]
            if text and is_ours:
                kept[text] = None
    return list(kept)[:MAX_DIRECTIVES]


def _pieces(value: str) -> Iterator[str]:
    """Split at commas, but not inside the date of unavailable_after ("Saturday, 25 Jun 2026")."""
    pending = ""
    for piece in value.split(","):
        if pending and (_DIRECTIVE_START.match(piece) or _NOTHING)[1] not in DIRECTIVES:
            pending = f"{pending},{piece}"
            continue
        if pending:
            yield pending
            pending = ""
        if piece.strip().startswith("unavailable_after"):
            pending = piece
        else:
            yield piece
    if pending:
        yield pending


_NOTHING = ("", "", "")
