"""The URLs of one crawl, on disk: what is known, what is next, what came of it.

Waves are asked for one after the other and never overlap: all URLs at depth 0, what those redirect to, all at depth 1,
and so on; then, as a second phase, what only sitemaps name, and what those link to; at last, as a third, what only
other sites link to, of which redirects alone are followed, and for which room is kept within `max_pages`. Within a wave
the order is that of the pages and of the links on them. So depth is exact and the same site is crawled in the same
order, however the answers of concurrent requests overtake one another.

The file is a temporary one of SQLite's (https://sqlite.org/inmemorydb.html#temp_db), gone with the process. What a
killed crawl had done is in the archive; the next one comes past it again there, without a request.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from seo_warehouse.crawl.records import Asked

BATCH = 200
MAX_URL = 2_000
"""Characters of a URL that is asked for: a table's key must fit a page of PostgreSQL's index."""

LINKED, LISTED, BACKLINKED = 0, 1, 2
"""Phases: reached by links from a start URL; named by sitemaps only, or reached from there; known by backlinks only."""

_SCHEMA = """
create table url (
    url text primary key, phase int, depth int, hop int, source_no int, link_no int,
    no int, is_in_sitemap int not null default 0,
    is_done int not null default 0, is_allowed int, status int, error text, location text, at text
) without rowid;
create index next_url on url (no, phase, depth, hop, source_no, link_no);
"""
_INSERT = """
insert into url (url, phase, depth, hop, source_no, link_no) values (?, ?, ?, ?, ?, ?) on conflict (url) do nothing
"""
_BRING_FORWARD = """
update url set phase = ?2, depth = ?3, hop = ?4, source_no = ?5, link_no = ?6
where url = ?1 and no is null and (?2, ?3, ?4, ?5, ?6) < (phase, depth, hop, source_no, link_no)
"""

Wave = tuple[int, int, int]


@dataclass(frozen=True)
class Entry:
    """A URL to ask for now. `no` is its place in the order of the crawl."""

    no: int
    url: str
    phase: int
    depth: int
    hop: int


class Frontier:
    """`max_urls` bounds what is known at all; beyond it new URLs are not taken, and `caps` says so."""

    def __init__(self, *, max_pages: int, max_depth: int, max_redirects: int, max_urls: int) -> None:
        self._max_pages, self._max_depth, self._max_redirects = max_pages, max_depth, max_redirects
        self._max_urls = max_urls
        self._limit, self._least_phase = max_pages, LINKED
        self.caps: set[str] = set()
        self.asked_count = 0
        self._count = 0
        self._next_no = 1
        self._in_flight = 0
        self._wave: Wave | None = None
        self._queue: deque[Entry] = deque()
        # The empty name is a file on disk, not memory; SQLite removes it.
        self._db = sqlite3.connect("", isolation_level=None)
        for setting in ("journal_mode = off", "synchronous = off", "cache_size = -16384", "temp_store = file"):
            self._db.execute(f"pragma {setting}")
        self._db.executescript(_SCHEMA)

    def add_starts(self, urls: Iterable[str]) -> None:
        """The URLs a crawl starts from."""
        self._add((url, LINKED, 0, 0, 0, n) for n, url in enumerate(urls))

    def add_listed(self, urls: Iterable[str]) -> None:
        """URLs that a sitemap names."""
        found = list(urls)
        self._add((url, LISTED, 0, 0, 0, n) for n, url in enumerate(found))
        self._db.executemany("update url set is_in_sitemap = 1 where url = ?", ((url,) for url in found))

    def add_backlinked(self, urls: Iterable[str]) -> None:
        """URLs that other sites link to. Room is kept for them and a redirect of each, half of all pages at most."""
        found = list(urls)
        self._limit = self._max_pages - min(2 * len(found), self._max_pages // 2)
        self._add((url, BACKLINKED, 0, 0, 0, n) for n, url in enumerate(found))

    def add_links(self, source: Entry, urls: Iterable[str]) -> None:
        """What a page links to; of one that is known by backlinks only nothing is followed."""
        if source.phase == BACKLINKED:
            return
        if source.depth == self._max_depth:
            if any(not self._is_known(url) for url in urls):
                self.caps.add("max_depth")
            return
        self._add((url, source.phase, source.depth + 1, 0, source.no, n) for n, url in enumerate(urls))

    def add_redirect(self, source: Entry, url: str) -> None:
        """What a URL redirects to: as deep as it is itself."""
        if source.hop < self._max_redirects:
            self._add([(url, source.phase, source.depth, source.hop + 1, source.no, 0)])

    def next(self) -> Entry | None:
        """The next URL to ask for; None while a wave is not complete, and at the end."""
        if self.asked_count + self._in_flight >= self._limit:
            is_last = self._limit == self._max_pages
            if self._is_waiting(BACKLINKED if is_last else LISTED):
                self.caps.add("max_pages")
            if self._in_flight or is_last:
                return None
            self._queue.clear()
            self._limit, self._least_phase = self._max_pages, BACKLINKED
        if not self._queue:
            self._fill()
        if not self._queue:
            return None
        self._in_flight += 1
        return self._queue.popleft()

    def has_more(self) -> bool:
        """Whether `next` will give a URL yet, now or when those in flight are done."""
        return self.asked_count < self._max_pages and self._is_waiting()

    def finish(self, entry: Entry, *, is_allowed: bool, status: int | None, error: str | None, location: str | None,
               at: str) -> None:  # fmt: skip
        """Record what came of a URL that `next` gave."""
        self._in_flight -= 1
        self.asked_count += is_allowed
        self._db.execute(
            "update url set is_done = 1, is_allowed = ?, status = ?, error = ?, location = ?, at = ? where url = ?",
            (is_allowed, status, error, location, at, entry.url),
        )

    def asked(self) -> Iterator[Asked]:
        """Every URL that was asked for or kept from it, in the order of the crawl."""
        rows = self._db.execute(
            "select url, phase, depth, is_in_sitemap, is_allowed, status, error, location, at"
            " from url where is_done = 1 order by no"
        )
        for url, phase, depth, is_in_sitemap, is_allowed, status, error, location, at in rows:
            depth = depth if phase == LINKED else None
            yield Asked(url, depth, bool(is_in_sitemap), bool(is_allowed), status, error, location, at)

    def _add(self, rows: Iterable[tuple[str, int, int, int, int, int]]) -> None:
        self._db.execute("begin")
        for row in rows:
            url = row[0]
            if len(url) > MAX_URL:
                self.caps.add("url_length")
            elif self._count < self._max_urls or self._is_known(url):
                is_new = self._db.execute(_INSERT, row).rowcount == 1
                self._count += is_new
                if not is_new:
                    self._db.execute(_BRING_FORWARD, row)
            else:
                self.caps.add("max_urls")
        self._db.execute("commit")

    def _is_known(self, url: str) -> bool:
        return self._db.execute("select 1 from url where url = ?", (url,)).fetchone() is not None

    def _is_waiting(self, last_phase: int = BACKLINKED) -> bool:
        if self._queue:
            return True
        query = "select 1 from url where no is null and phase between ? and ? limit 1"
        return self._db.execute(query, (self._least_phase, last_phase)).fetchone() is not None

    def _fill(self) -> None:
        if self._in_flight == 0:
            self._wave = self._db.execute(
                "select phase, depth, hop from url where no is null and phase >= ? order by phase, depth, hop limit 1",
                (self._least_phase,),
            ).fetchone()
            if self._wave and self._wave[0] == BACKLINKED:
                self._limit = self._max_pages
        if self._wave is None:
            return
        rows = self._db.execute(
            "select url from url where no is null and phase = ? and depth = ? and hop = ?"
            " order by source_no, link_no limit ?",
            (*self._wave, BATCH),
        ).fetchall()
        for (url,) in rows:
            self._queue.append(Entry(self._next_no, url, *self._wave))
            self._db.execute("update url set no = ? where url = ?", (self._next_no, url))
            self._next_no += 1
