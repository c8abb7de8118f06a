"""What a crawl leaves in the archive: an answer under each URL, and a manifest of what was asked for, and why.

The manifest is written last, in parts and then its head: a crawl without a head has not ended.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import urlsplit

import orjson

from seo_warehouse.crawl.headers import is_html
from seo_warehouse.urls import resolve

log = logging.getLogger(__name__)
T = TypeVar("T")

HEAD_KEY = "manifest"
PART_ROWS = 5_000
"""Rows of the manifest in one archived part: what a reader holds in memory at a time."""

ERROR_HEADER = "crawl-error"
"""Ours, added to an answer that was not read whole; a site's header of that name is never kept."""
SKIPPED_HEADER = "crawl-skipped-body"
"""Ours: the body was not asked for further, since it is no HTML."""

KEPT_HEADERS = frozenset(
    "cache-control cf-mitigated content-language content-length content-type date etag last-modified link location"
    " referrer-policy refresh retry-after server vary x-amzn-waf-action x-robots-tag".split()
)
MAX_HEADER_CHARACTERS = 16_384


def is_outage(status: int | None) -> bool:
    """Whether a status says "not now": no answer, 5xx, 429."""
    return status is None or status >= 500 or status == 429


@dataclass(frozen=True)
class Fetched:
    """One request's outcome. `status` None: nothing answered, and `error` says why; `seconds` to the whole answer."""

    url: str
    status: int | None
    headers: dict[str, str]
    body: bytes
    received_at: datetime
    seconds: float
    error: str | None = None

    @property
    def observed_at(self) -> datetime:
        """The answer's own instant: its Date header where that is valid, else when it was received."""
        return stated_instant(self.headers) or self.received_at


@dataclass(frozen=True)
class Asked:
    """One row of the manifest: a URL that was asked for, or kept from it by robots.txt.

    `depth`: links from a start URL; None where only sitemaps lead there. `location`: absolute target of a redirect.
    `at`: instant of the answer, else of the failure.
    """

    url: str
    depth: int | None
    is_in_sitemap: bool
    is_allowed: bool
    status: int | None
    error: str | None
    location: str | None
    at: str


@dataclass(frozen=True)
class Head:
    """Facts of a crawl that ended. `caps`: limits that kept it from going on; `robots`: status by origin.

    `sitemaps`: URLs that answered with one, in order; None of a crawl from before they were kept.
    """

    part_count: int
    url_count: int
    hosts: tuple[str, ...]
    max_redirects: int
    max_links_per_page: int
    caps: tuple[str, ...] = ()
    robots: dict[str, int | None] = field(default_factory=dict)
    sitemap_count: int = 0
    sitemaps: tuple[str, ...] | None = None


def url_key(url: str) -> str:
    """The archive's key of the answer that `url` gave."""
    return f"url-{sha256(url.encode()).hexdigest()[:40]}"


def part_key(number: int) -> str:
    """The archive's key of one part of the manifest, from 0."""
    return f"manifest-{number:05d}"


def packed_part(rows: list[Asked]) -> bytes:
    """A part of the manifest: JSON lines."""
    return b"\n".join(orjson.dumps(asdict(row)) for row in rows)


def unpacked_part(body: bytes) -> Iterator[Asked]:
    """The rows of a part. Raises ValueError or TypeError where it is not one."""
    for line in body.splitlines():
        yield Asked(**orjson.loads(line))


def packed_head(head: Head) -> bytes:
    """The head of the manifest, as JSON."""
    return orjson.dumps(asdict(head))


def unpacked_head(body: bytes) -> Head:
    """The head of the manifest. Raises ValueError or TypeError where it is not one."""
    values: Any = orjson.loads(body)
    if not isinstance(values, dict):
        raise TypeError("the head is no object")
    sitemaps = values.get("sitemaps")
    told = {"sitemaps": None if sitemaps is None else tuple(sitemaps)}
    return Head(**{**values, **told, "hosts": tuple(values["hosts"]), "caps": tuple(values["caps"])})


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers worth keeping, of headers with lower-case names."""
    return {name: value[:MAX_HEADER_CHARACTERS] for name, value in headers.items() if name in KEPT_HEADERS}


def stated_instant(headers: Mapping[str, str]) -> datetime | None:
    """The Date header, in UTC; None where it is missing or no date."""
    try:
        stated = parsedate_to_datetime(headers["date"])
        return stated.replace(tzinfo=UTC) if stated.tzinfo is None else stated.astimezone(UTC)
    except (KeyError, ValueError, OverflowError):
        return None


def location_of(fetched: Fetched) -> str | None:
    """Where an answer redirects to, absolute and without fragment and credentials; None where it does not."""
    if fetched.status not in (301, 302, 303, 307, 308):
        return None
    url = resolve(fetched.url, fetched.headers.get("location", ""))
    if not fetched.headers.get("location") or url is None:
        return None
    parts = urlsplit(url.partition("#")[0])
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def attempt(url: str, read: Callable[[], T]) -> T | None:
    """What can be read of a site's file; None where reading it raises.

    Whatever a parser does with a stranger's file is that file's affair: it ends neither a crawl nor the reading of one.
    """
    try:
        return read()
    except Exception:
        log.warning("%s could not be read", url, exc_info=True)
        return None


def is_page(fetched: Fetched) -> bool:
    """Whether an answer is a page: 2xx, HTML, read whole."""
    return (
        fetched.status is not None
        and 200 <= fetched.status < 300
        and fetched.error is None
        and SKIPPED_HEADER not in fetched.headers
        and is_html(fetched.headers)
    )
