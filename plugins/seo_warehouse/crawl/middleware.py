"""Between Scrapy's engine and the network: the archive first, robots.txt next, limits while bytes arrive."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from OpenSSL.SSL import Error as TlsError
from scrapy import signals
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
    StopDownload,
)
from scrapy.http import Headers, Response
from scrapy.utils.httpobj import urlparse_cached
from service_identity import VerificationError

from seo_warehouse.crawl.headers import is_html
from seo_warehouse.crawl.packing import unpack
from seo_warehouse.crawl.records import ERROR_HEADER, SKIPPED_HEADER, Fetched, is_outage

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

    from seo_warehouse.crawl.spider import SiteSpider
    from seo_warehouse.crawl.visitor import VisitSpider

log = logging.getLogger(__name__)

_NO_STATUS = 599
"""Status of the stand-in for an answer that never came; nobody reads it, and no middleware repeats it."""


_OF_ONE_ATTEMPT = ("bytes", "is_too_large", "is_skipped", "seconds")
"""What a request that is sent again has still in its meta from the first time."""


class RobotsRefusal(IgnoreRequest):
    """robots.txt keeps us from a URL; `error` says whether it does so itself or by its absence."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class ArchiveMiddleware:
    """Answers from the archive, keeps what comes from the network, and makes an outcome of every failure.

    Each request leaves here with its outcome in `meta["fetched"]`.
    """

    def __init__(self, spider: SiteSpider | VisitSpider) -> None:
        self._spider = spider

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        middleware = cls(crawler.spider)
        crawler.signals.connect(middleware.on_headers, signals.headers_received)
        crawler.signals.connect(middleware.on_bytes, signals.bytes_received)
        return middleware

    def process_request(self, request: Request) -> Response | None:
        """Answer from the archive where it has the URL."""
        for name in _OF_ONE_ATTEMPT:
            request.meta.pop(name, None)
        fetched = self._spider.store.find(request.url)
        if fetched is None:
            return None
        request.meta["fetched"] = fetched
        self._spider.clock.see(fetched)
        return _stand_in(request)

    def process_response(self, request: Request, response: Response) -> Response:
        """Keep an answer."""
        if "fetched" not in request.meta:
            fetched = self._fetched(request, response)
            request.meta["fetched"] = fetched
            self._spider.clock.see(fetched)
            # A start that fails ends the crawl; kept, its failure would be all that a later attempt ever sees.
            if self._spider.is_vital(request) and is_outage(fetched.status):
                self._spider.store.dismiss(request.url)
            else:
                self._spider.store.keep(fetched)
        return response

    def process_exception(self, request: Request, exception: Exception) -> Response:
        """Turn a failure into an outcome, for the manifest. It is not archived: a later attempt asks again."""
        error = self._error(request, exception)
        now = self._spider.clock.instant(request.url)
        seconds = request.meta.get("seconds", 0.0)
        request.meta["fetched"] = Fetched(request.url, None, {}, b"", now, seconds, error)
        return _stand_in(request)

    def on_headers(self, headers: Headers, body_length: int, request: Request) -> None:
        """Stop where the body is too long, or no HTML."""
        if body_length > request.meta.get("max_bytes", self._spider.plan.max_page_bytes):
            request.meta["is_too_large"] = True
            raise StopDownload(fail=False)
        if ("entry" in request.meta or request.meta.get("is_page")) and not is_html(_lower(headers)):
            request.meta["is_skipped"] = True
            raise StopDownload(fail=False)

    def on_bytes(self, data: bytes, request: Request) -> None:
        """Stop where the body grows too long."""
        request.meta["bytes"] = request.meta.get("bytes", 0) + len(data)
        if request.meta["bytes"] > request.meta.get("max_bytes", self._spider.plan.max_page_bytes):
            request.meta["is_too_large"] = True
            raise StopDownload(fail=False)

    def _fetched(self, request: Request, response: Response) -> Fetched:
        headers = _lower(response.headers)
        kept = self._spider.kept(headers)
        now, seconds = datetime.now(UTC), request.meta.get("seconds", 0.0)
        fetched = Fetched(request.url, response.status, kept, b"", now, seconds)
        if request.meta.get("is_skipped"):
            return replace(fetched, headers={**kept, SKIPPED_HEADER: "not HTML"})
        limit = request.meta.get("max_bytes", self._spider.plan.max_page_bytes)
        body, error = _decoded(response.body, headers.get("content-encoding", ""), limit)
        if request.meta.get("is_too_large"):
            error = "too_large"
        if error is None or request.meta.get("is_cut_allowed"):
            return replace(fetched, body=body[:limit], error=None)
        return replace(fetched, headers={**kept, ERROR_HEADER: error}, error=error)

    def _error(self, request: Request, exception: Exception) -> str:
        match exception:
            case RobotsRefusal():
                return exception.error
            case CannotResolveHostError():
                return "refused_address" if _host(request) in self._spider.refused_hosts else "dns"
            case DownloadTimeoutError():
                return "timeout"
            case DownloadConnectionRefusedError():
                return "connection_refused"
            case DownloadCancelledError():
                return "too_large"
            case ResponseDataLossError():
                return "cut_short"
            case DownloadFailedError():
                return "tls" if _is_tls(exception) else "connection"
        log.warning("%s could not be fetched", request.url, exc_info=exception)
        return "connection"


class RobotsMiddleware:
    """Keeps requests for pages to what robots.txt allows; the spider asks for the file when it first meets a host."""

    def __init__(self, spider: SiteSpider) -> None:
        self._spider = spider

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler.spider)

    async def process_request(self, request: Request) -> None:
        """Let pass or raise RobotsRefusal."""
        if "entry" not in request.meta:
            return
        rules = await self._spider.rules_for(request.url)
        if rules.crawl_delay:
            self._spider.slow_down(request, rules.crawl_delay)
        if not rules.allows(request.url):
            raise RobotsRefusal("robots" if rules.is_known else "robots_unreachable")


def _decoded(body: bytes, encoding: str, limit: int) -> tuple[bytes, str | None]:
    """The body as it was before transfer, up to one byte beyond `limit`, and what is wrong with it."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity") or not body:
        return body, None
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return b"", "bad_encoding"
    try:
        content, is_more = unpack(body, limit)
    except ValueError:
        return b"", "bad_encoding"
    return content, "too_large" if is_more else None


def _stand_in(request: Request) -> Response:
    return Response(request.url, status=_NO_STATUS, request=request)


def _lower(headers: Headers) -> dict[str, str]:
    """Headers by lower-case name. A repeated one is joined as HTTP does, robots directives by line."""
    joined: dict[str, str] = {}
    for name, values in headers.items():
        key = name.decode("latin-1").lower()
        joined[key] = ("\n" if key == "x-robots-tag" else ", ").join(_text(value) for value in values)
    return joined


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8").replace("\x00", "")
    except UnicodeDecodeError:
        return value.decode("latin-1").replace("\x00", "")


def _host(request: Request) -> str:
    return urlparse_cached(request).hostname or ""


def _is_tls(exception: BaseException) -> bool:
    found: Any = getattr(exception.__cause__, "reasons", None) or []
    return any(isinstance(reason.value, TlsError | VerificationError) for reason in found)
