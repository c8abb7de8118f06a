"""Where a bot's visit went, as far as its line alone tells."""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["error", "not_found", "refused", "redirect", "parameter", "static", "good"]
"""Exclusive, and the first that holds. What needs a crawl (robots, canonicals, noindex, orphans) is not told here."""

_STATIC = re.compile(
    r"\.(?:css|m?js|map|json|png|jpe?g|gif|webp|avif|svg|ico|bmp|woff2?|ttf|otf|eot|mp[34]|webm|ogg|wav|avi|mov|zip|gz)$",
    re.IGNORECASE,
)
NOT_MODIFIED = 304


def read_url(request: str) -> str | None:
    """The URL of a request as logged, bytes that are no UTF-8 escaped; None where it is not three words."""
    words = request.split(" ")
    if len(words) != 3 or not words[0].isalpha():
        return None
    return words[1].encode("latin-1").decode("utf-8", "backslashreplace")


def find_kind(url: str | None, status: int) -> Kind:
    """The kind of a visit; one without a URL that was not refused counts as an error."""
    if status >= 500 or url is None:
        return "error"
    if status in (404, 410):
        return "not_found"
    if status >= 400:
        return "refused"
    if status >= 300 and status != NOT_MODIFIED:
        return "redirect"
    if "?" in url:
        return "parameter"
    return "static" if is_static(url) else "good"


def is_static(path: str) -> bool:
    """Whether a path is that of a picture, a script, a font and the like."""
    return _STATIC.search(path) is not None
