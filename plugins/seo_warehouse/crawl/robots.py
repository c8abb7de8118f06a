"""What a host's robots.txt lets us fetch (RFC 9309, matched by Protego), and what its absence means.

No answer, 5xx and 429 (https://developers.google.com/crawling/docs/robots-txt/robots-txt-spec#http-status-codes) mean
that the owner's wish is unknown: nothing may be fetched. Any other 4xx means that there is none: all may.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PRODUCT = "seo-warehouse"
"""Name under which robots.txt may address us."""
MAX_ROBOTS_BYTES = 512_000
"""What RFC 9309, 2.5, asks a crawler to read at least; what lies beyond is not read."""
MAX_ROBOTS_REDIRECTS = 5
"""RFC 9309, 2.3.1.2: after five the file counts as unavailable."""
MAX_CRAWL_DELAY = 30.0
"""Seconds. A longer wish would never let a crawl end; it is honoured this far."""
MAX_SITEMAPS = 200

# Cut marks are met in the wild, and would hide the first line.
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\xef\xbb", "utf-8"), (b"\xef", "utf-8"),
)  # fmt: skip
# A group is addressed by a product token (RFC 9309, 2.2.1); Protego would compare the version or comment behind it too,
# and so pass by a group that says "seo-warehouse/0.1".
_AGENT = re.compile(r"(?im)^([ \t]*user-?agent[ \t]*:[ \t]*[a-z_-]+)[^\r\n]*$")


@dataclass(frozen=True)
class Rules:
    """A host's rules. `is_known` is False where its wish could not be learnt; nothing is allowed then."""

    is_known: bool
    crawl_delay: float
    sitemaps: tuple[str, ...]
    _file: Any

    def allows(self, url: str, *, agent: str = PRODUCT) -> bool:
        """Whether `agent` may fetch `url`. robots.txt itself always may be."""
        if urlsplit(url).path == "/robots.txt":
            return True
        if not self.is_known:
            return False
        return self._file is None or bool(self._file.can_fetch(url, agent))


UNKNOWN = Rules(is_known=False, crawl_delay=0.0, sitemaps=(), _file=None)
NO_RULES = Rules(is_known=True, crawl_delay=0.0, sitemaps=(), _file=None)


def rules_of(status: int | None, body: bytes, *, max_delay: float = MAX_CRAWL_DELAY) -> Rules:
    """Rules by the last answer to a request for robots.txt, redirects followed; status None: nothing answered."""
    if status is None or status >= 500 or status == 429:
        return UNKNOWN
    if not 200 <= status < 300:
        return NO_RULES
    # Here, not above: the readers, which import this package while DAGs are parsed, have no use for it.
    from protego import Protego

    file = Protego.parse(_AGENT.sub(r"\1", _text(body[:MAX_ROBOTS_BYTES])))
    delay = file.crawl_delay(PRODUCT) or 0.0
    sitemaps = tuple(dict.fromkeys(file.sitemaps))[:MAX_SITEMAPS]
    return Rules(is_known=True, crawl_delay=min(max(float(delay), 0.0), max_delay), sitemaps=sitemaps, _file=file)


def _text(body: bytes) -> str:
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace")
    return body.decode("utf-8", "replace")
