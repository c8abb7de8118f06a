"""Entries: pages that somebody came to from elsewhere, counted by where from. Nothing is kept of who it was.

An entry is a page that was got (GET, 200 or 304), not by who says that he is a bot, nor from any operator's address,
whose referrer is not of the property, and before which the same address and agent met no page of the property for half
an hour. Who did is held as hashes in memory alone, and at most a million of them: what is forgotten counts as new.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from seo_warehouse.logs.cells import NO_TIMES, Cells, Key
from seo_warehouse.logs.hits import Hits
from seo_warehouse.logs.memo import Memo
from seo_warehouse.logs.people import DAY, name_day, read_page
from seo_warehouse.logs.waste import NOT_MODIFIED, read_url
from seo_warehouse.referrers import Referrer, Tag, read_referrer, read_tag

WINDOW = 1800
"""Seconds for which a page view makes the next one no entry, as sessions are cut everywhere."""
MOST_PAIRS = 500_000
"""Of address and agent, held twice: those of this half hour, and of the one before."""
MOST_ENTRIES = 50_000
"""Cells of a segment; what comes from yet other pages is summed up: no flood of referrers fills the warehouse."""
MOST_OWN = 16
"""Beginnings of referrers that are known to be the property's: scheme and host."""
OK = 200

_NO_PAGE = re.compile(r"\.(?:txt|xml|rss|atom|webmanifest)$", re.IGNORECASE)
_ORIGIN = re.compile(r"https?://[^/?#]+/", re.IGNORECASE)


class Entries:
    """Sums of entries by day, referrer and landing page."""

    def __init__(self, domain: str, cells: Cells) -> None:
        self._cells = cells
        self._own: tuple[str, ...] = ()
        self._referrers: Memo[Referrer | None] = Memo(
            lambda text: read_referrer(text.encode("latin-1").decode("utf-8", "backslashreplace"), domain), most=20_000
        )
        self._landings: Memo[tuple[str, Tag] | None] = Memo(read_landing, most=20_000)
        self._recent: dict[int, int] = {}
        self._before: dict[int, int] = {}
        self._began = 0
        self._known: set[int] = set()

    def add(self, hits: Hits, bots: Collection[int]) -> None:
        """Add the entries of a block; `bots` are the places of those who are no people."""
        if hits.referrers is None:
            return
        own = self._own
        outside = [i for i, text in enumerate(hits.referrers) if text is None or not text.startswith(own)]
        pairs = list(map(hash, zip(hits.addresses, hits.agents, strict=True)))
        instants = hits.instants
        if abs(instants[0] - self._began) >= WINDOW or len(self._recent) >= MOST_PAIRS:
            self._before, self._recent, self._began = self._recent, {}, instants[0]
        # A referrer of the property proves that a page of it was open: noted at once, up to each line without.
        begin = 0
        for i in outside:
            if begin < i:
                self._recent.update(zip(pairs[begin:i], instants[begin:i], strict=True))
            begin = i + 1
            if i not in bots:
                self._meet(hits, i, hits.referrers[i], pairs[i])
        if begin < len(pairs):
            self._recent.update(zip(pairs[begin:], instants[begin:], strict=True))

    def _meet(self, hits: Hits, i: int, text: str | None, pair: int) -> None:
        """Take in a line whose referrer is not known to be of the property."""
        instant = hits.instants[i]
        referrer = None if text is None else self._referrers[text]
        if text is not None and referrer is None:
            self._recent[pair] = instant
            self._learn(text)
            return
        landing = self._landings[hits.requests[i]]
        if landing is None:
            return
        last = self._recent.get(pair) or self._before.get(pair)
        self._recent[pair] = instant
        is_new = last is None or abs(instant - last) >= WINDOW
        if referrer and is_new and hits.statuses[i] in (OK, NOT_MODIFIED):
            self._count((name_day(instant // DAY), *referrer, *landing))

    def _learn(self, text: str) -> None:
        """Know the next referrer of the property by its beginning."""
        found = _ORIGIN.match(text)
        if found and found.group() not in self._own and len(self._own) < MOST_OWN:
            self._own += (found.group(),)

    def _count(self, key: Key) -> None:
        if hash(key) not in self._known:
            if len(self._known) >= MOST_ENTRIES:
                key = (key[0], "overflow", "", "", "", "")
            else:
                self._known.add(hash(key))
        self._cells.add(key, (1, 0, *NO_TIMES))


def read_landing(request: str) -> tuple[str, Tag] | None:
    """Path of the page that a request asks for, and what its query says of ads and campaigns; None of no page."""
    if not request.startswith("GET "):
        return None
    path, has_query, kind = read_page(request)
    if kind != "page" or _NO_PAGE.search(path):
        return None
    return path, read_tag(read_url(request) or "") if has_query else ""
