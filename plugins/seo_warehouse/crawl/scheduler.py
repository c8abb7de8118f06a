"""Scrapy's scheduler, over our frontier."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Self

from scrapy import Request
from scrapy.core.scheduler import BaseScheduler

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

    from seo_warehouse.crawl.spider import SiteSpider


class FrontierScheduler(BaseScheduler):
    """Gives out the frontier's URLs while there is time. What Scrapy puts in are repeats of requests in flight."""

    def __init__(self, spider: SiteSpider) -> None:
        self._spider = spider
        self._frontier = spider.frontier
        self._again: deque[Request] = deque()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler.spider)

    def has_pending_requests(self) -> bool:
        """Whether there is more to ask for."""
        return bool(self._again) or (not self._is_late() and self._frontier.has_more())

    def enqueue_request(self, request: Request) -> bool:
        """Take back a request that is to be sent again."""
        self._again.append(request)
        return True

    def next_request(self) -> Request | None:
        """The next request; None while a wave is not complete, and at the end."""
        if self._again:
            return self._again.popleft()
        entry = None if self._is_late() else self._frontier.next()
        if entry is None:
            return None
        return Request(entry.url, dont_filter=True, meta={"entry": entry})

    def _is_late(self) -> bool:
        if not self._spider.is_late():
            return False
        if self._frontier.has_more():
            self._frontier.caps.add("max_seconds")
        return True


class NoScheduler(BaseScheduler):
    """Gives out nothing: the spider asks by itself, and ends when it has asked all."""

    def has_pending_requests(self) -> bool:
        return False

    def enqueue_request(self, request: Request) -> bool:
        return False

    def next_request(self) -> Request | None:
        return None
