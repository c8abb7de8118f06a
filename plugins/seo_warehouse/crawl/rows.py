"""From the archive of a crawl that ended to rows, in the crawl's own order; without a request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from seo_warehouse.crawl.headers import directives, media_type
from seo_warehouse.crawl.parse import Link, Page, parse_links, parse_page
from seo_warehouse.crawl.process import fetched_of
from seo_warehouse.crawl.records import (
    HEAD_KEY,
    SKIPPED_HEADER,
    Asked,
    Fetched,
    Head,
    attempt,
    is_page,
    part_key,
    unpacked_head,
    unpacked_part,
    url_key,
)
from seo_warehouse.crawl.sitemaps import read_sitemap
from seo_warehouse.errors import NotArchivedError
from seo_warehouse.spec import Row
from seo_warehouse.urls import host_of, resolve

if TYPE_CHECKING:
    from seo_warehouse.client.api import Api
    from seo_warehouse.client.archive import Archive


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?=T|$)")


def head_of(archive: Archive) -> Head | None:
    """Facts of the crawl in an archive; None where none has ended there."""
    answer = archive.get(HEAD_KEY)
    if answer is None:
        return None
    try:
        return unpacked_head(answer.body)
    except (ValueError, TypeError, KeyError) as error:
        raise NotArchivedError(f"site_crawl: the manifest of {archive.scope} is damaged: {error}") from None


@dataclass
class Crawl:
    """An ended crawl in its archive. What is read of it passes `api`'s books."""

    api: Api
    head: Head
    _redirects: dict[str, str] = field(init=False)
    _ends: dict[str, tuple[int | None, str | None]] = field(init=False)

    def __post_init__(self) -> None:
        # Two passes over the manifest: what a redirect leads to may stand before it or after it.
        self._redirects = {row.url: row.location for row in self.asked() if row.location}
        wanted = set(self._redirects.values())
        self._ends = {row.url: (row.status, row.error) for row in self.asked() if row.url in wanted}

    def asked(self) -> Iterator[Asked]:
        """The rows of the manifest."""
        archive = self.api.archive
        for number in range(self.head.part_count):
            answer = archive.get(part_key(number))
            if answer is None:
                raise NotArchivedError(f"site_crawl: part {number} of the manifest of {archive.scope} is missing")
            try:
                yield from unpacked_part(answer.body)
            except (ValueError, TypeError) as error:
                raise NotArchivedError(
                    f"site_crawl: part {number} of the manifest of {archive.scope} is damaged: {error}"
                ) from None

    def fetched(self, asked: Asked) -> Fetched | None:
        """What a URL answered; None where nothing did."""
        self.api.usage.see(_instant(asked))
        if asked.status is None:
            return None
        answer = self.api.recall(url_key(asked.url))
        return None if answer is None else fetched_of(answer)

    def page(self, fetched: Fetched | None) -> Page | None:
        """The page in an answer; None where it is none, or cannot be read."""
        if fetched is None or not is_page(fetched):
            return None
        limit = self.head.max_links_per_page
        return attempt(fetched.url, lambda: parse_page(fetched.url, fetched.headers, fetched.body, max_links=limit))

    def links(self, fetched: Fetched | None) -> tuple[Link, ...]:
        """The links of the page in an answer."""
        if fetched is None or not is_page(fetched):
            return ()
        limit = self.head.max_links_per_page
        links = attempt(fetched.url, lambda: parse_links(fetched.url, fetched.headers, fetched.body, max_links=limit))
        return links or ()

    def is_internal(self, url: str) -> bool:
        """Whether a URL leads to one of the crawl's hosts."""
        return host_of(url) in self.head.hosts

    def chain(self, asked: Asked) -> tuple[list[str], str | None, int | None, str | None]:
        """(URLs after the first, the one that answered, its status, why none did) of a URL's redirects."""
        urls: list[str] = []
        at, status, error = asked.url, asked.status, asked.error
        while (target := self._redirects.get(at)) is not None:
            if target == asked.url or target in urls:
                return [*urls, target], None, None, "redirect_loop"
            if len(urls) == self.head.max_redirects:
                return urls, None, None, "too_many_redirects"
            urls.append(target)
            if target not in self._ends:
                return urls, None, None, "not_crawled" if self.is_internal(target) else "external_redirect"
            at = target
            status, error = self._ends[at]
        return urls, at if status is not None else None, status, error


def page_rows(crawl: Crawl, day: date) -> Iterator[Row]:
    """Rows of table page."""
    for asked in crawl.asked():
        fetched = crawl.fetched(asked)
        urls, final_url, final_status, error = crawl.chain(asked)
        page = crawl.page(fetched)
        if page is None and error is None and fetched and is_page(fetched):
            error = "unreadable"
        yield {
            "day": day,
            "url": asked.url,
            "final_url": final_url,
            "status_code": asked.status,
            "final_status_code": final_status,
            "error": error,
            "redirect_urls": urls,
            "depth": asked.depth,
            "is_in_sitemap": asked.is_in_sitemap,
            "is_robots_allowed": asked.is_allowed,
            **_answer_columns(fetched),
            **_page_columns(crawl, page),
            "observed_at": _instant(asked),
        }


def link_rows(crawl: Crawl, day: date) -> Iterator[Row]:
    """Rows of table link."""
    for asked in crawl.asked():
        observed_at = _instant(asked)
        for number, link in enumerate(crawl.links(crawl.fetched(asked)), start=1):
            yield {
                "day": day,
                "source_url": asked.url,
                "link_no": number,
                "target_url": link.target,
                "anchor": link.anchor,
                "rel": list(link.rel),
                "place": link.place,
                "is_internal": crawl.is_internal(link.target),
                "observed_at": observed_at,
            }


def listed_rows(crawl: Crawl, day: date) -> Iterator[Row]:
    """Rows of table sitemap_url: what each sitemap names, once."""
    for sitemap in dict.fromkeys(crawl.head.sitemaps or ()):
        answer = crawl.api.recall(url_key(sitemap))
        if answer is None:
            raise NotArchivedError(f"site_crawl: the sitemap {sitemap} is missing in {crawl.api.archive.scope}")
        fetched = fetched_of(answer)
        # As the crawl read it: what it could not read named nothing.
        found = attempt(sitemap, partial(read_sitemap, fetched.body))
        if found is None:
            continue
        listed: dict[str, str | None] = {}
        for literal in found.pages:
            if (url := resolve(sitemap, literal)) is not None:
                listed.setdefault(url.partition("#")[0], found.modified.get(literal))
        for url, modified in listed.items():
            yield {
                "day": day,
                "sitemap_url": sitemap,
                "url": url,
                "lastmod": modified,
                "lastmod_date": _stated_day(modified),
                "observed_at": fetched.observed_at,
            }


def _stated_day(modified: str | None) -> date | None:
    """The day of a date by https://www.w3.org/TR/NOTE-datetime; None: it is none, or a month or year."""
    written = _DAY.match(modified or "")
    try:
        return None if written is None else date.fromisoformat(written[0])
    except ValueError:
        return None


def _instant(asked: Asked) -> datetime:
    return datetime.fromisoformat(asked.at)


def _answer_columns(fetched: Fetched | None) -> Row:
    if fetched is None:
        return {"x_robots_tag": None, "content_type": None, "byte_count": None, "response_ms": None}
    return {
        "x_robots_tag": directives(fetched.headers.get("x-robots-tag", "")),
        "content_type": media_type(fetched.headers),
        "byte_count": _byte_count(fetched),
        "response_ms": round(fetched.seconds * 1000, 3),
    }


def _byte_count(fetched: Fetched) -> int | None:
    """Bytes of the body; of one that was not read, what its answer said, where it said so."""
    if fetched.error is None and SKIPPED_HEADER not in fetched.headers:
        return len(fetched.body)
    stated = fetched.headers.get("content-length", "")
    # isdecimal alone would let other scripts' digits and numbers beyond bigint through.
    return int(stated) if stated.isascii() and stated.isdecimal() and len(stated) < 19 else None


def _page_columns(crawl: Crawl, page: Page | None) -> dict[str, Any]:
    if page is None:
        return dict.fromkeys(_PAGE_COLUMNS)
    internal = sum(crawl.is_internal(link.target) for link in page.links)
    values = (
        page.canonical,
        list(page.meta_robots),
        [{"lang": lang, "url": url} for lang, url in page.hreflangs],
        page.title,
        [{"level": level, "text": text} for level, text in page.headings],
        page.word_count,
        list(page.structured_data_types),
        page.content_hash,
        internal,
        len(page.links) - internal,
    )
    return dict(zip(_PAGE_COLUMNS, values, strict=True))


_PAGE_COLUMNS = (
    "canonical_url",
    "meta_robots",
    "hreflangs",
    "title",
    "headings",
    "word_count",
    "structured_data_types",
    "content_hash",
    "internal_link_count",
    "external_link_count",
)
