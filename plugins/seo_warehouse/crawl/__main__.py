"""The crawler's process: `python -m seo_warehouse.crawl`, speaking frames over its standard input and output.

Started by crawl/process.py and by nothing else; Scrapy is imported here and in what this imports.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

from scrapy import signals
from scrapy.crawler import AsyncCrawlerProcess

from seo_warehouse.crawl.frontier import Frontier
from seo_warehouse.crawl.pipe import Store, read_frame
from seo_warehouse.crawl.plan import Plan, unpacked_plan
from seo_warehouse.crawl.records import HEAD_KEY, PART_ROWS, Asked, Head, packed_head, packed_part, part_key
from seo_warehouse.crawl.spider import SiteSpider
from seo_warehouse.crawl.visitor import AT_ONCE, VisitSpider
from seo_warehouse.crawl.visits import HEAD_KEY as VISITS_HEAD
from seo_warehouse.crawl.visits import PART_ROWS as VISITS_PER_PART
from seo_warehouse.crawl.visits import (
    VisitHead,
    VisitPlan,
    packed_visit_head,
    packed_visits,
    unpacked_visit_plan,
    visits_key,
)

CONCURRENT_REQUESTS = 8
KNOWN_PER_PAGE = 4
"""URLs kept in the frontier for each page that may be asked for: room for those that robots.txt refuses."""
_CRASHED = 70
"""Exit status after an error of our own (EX_SOFTWARE of sysexits.h)."""

log = logging.getLogger("seo_warehouse.crawl")


def scrapy_settings(plan: Plan | VisitPlan) -> dict[str, Any]:
    """Scrapy, with what we do not use left out: it starts faster, and opens no port."""
    is_polite = plan.delay_seconds > 0
    middlewares = "scrapy.downloadermiddlewares"
    return {
        "USER_AGENT": plan.user_agent,
        "DEFAULT_REQUEST_HEADERS": {
            "Accept": "text/html,application/xhtml+xml,*/*;q=0.5",
            "Accept-Encoding": "gzip",
        },
        "SCHEDULER": "seo_warehouse.crawl.scheduler.FrontierScheduler",
        "TWISTED_DNS_RESOLVER": "seo_warehouse.crawl.network.GuardedResolver",
        "CRAWL_NETWORKS": list(plan.allowed_networks),
        "CRAWL_RESOLVE": plan.resolve,
        "DOWNLOAD_HANDLERS_BASE": dict.fromkeys(("http", "https"), "seo_warehouse.crawl.network.BoundedHandler"),
        "DOWNLOADER_MIDDLEWARES_BASE": {
            "seo_warehouse.crawl.middleware.ArchiveMiddleware": 100,
            "seo_warehouse.crawl.middleware.RobotsMiddleware": 200,
            f"{middlewares}.defaultheaders.DefaultHeadersMiddleware": 400,
            f"{middlewares}.useragent.UserAgentMiddleware": 500,
            f"{middlewares}.retry.RetryMiddleware": 550,
        },
        "SPIDER_MIDDLEWARES_BASE": {},
        "EXTENSIONS_BASE": {"scrapy.extensions.throttle.AutoThrottle": 0} if is_polite else {},
        "AUTOTHROTTLE_ENABLED": is_polite,
        "AUTOTHROTTLE_START_DELAY": plan.delay_seconds,
        "DOWNLOAD_DELAY": plan.delay_seconds,
        "DOWNLOAD_DELAY_JITTER": 0,
        "DOWNLOAD_TIMEOUT": plan.timeout_seconds,
        "DOWNLOAD_MAXSIZE": 0,
        "DOWNLOAD_WARNSIZE": 0,
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "CONCURRENT_REQUESTS": CONCURRENT_REQUESTS,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 2 if is_polite else CONCURRENT_REQUESTS,
        # Scrapy makes a task for each, whatever a page gives it: ours gives it nothing.
        "CONCURRENT_ITEMS": 1,
        "RETRY_TIMES": 1,
        "RETRY_HTTP_CODES": [408, 429, 502, 503, 504],
        "RETRY_GIVE_UP_LOG_LEVEL": "INFO",
        "LOG_LEVEL": "WARNING",
        "LOG_VERSIONS": [],
        "STATS_DUMP": False,
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
    }


def visit_settings(plan: VisitPlan) -> dict[str, Any]:
    """Scrapy for single pages: the spider keeps the turns of hosts and asks for robots.txt, and nothing is repeated."""
    settings = scrapy_settings(plan)
    middlewares = settings["DOWNLOADER_MIDDLEWARES_BASE"]
    left_out = ("RobotsMiddleware", "RetryMiddleware")
    return settings | {
        "SCHEDULER": "seo_warehouse.crawl.scheduler.NoScheduler",
        "DOWNLOADER_MIDDLEWARES_BASE": {n: place for n, place in middlewares.items() if not n.endswith(left_out)},
        "EXTENSIONS_BASE": {},
        "AUTOTHROTTLE_ENABLED": False,
        "DOWNLOAD_DELAY": 0,
        "CONCURRENT_REQUESTS": AT_ONCE,
        "CONCURRENT_REQUESTS_PER_DOMAIN": AT_ONCE,
    }


def run_visits(plan: VisitPlan, store: Store) -> None:
    """Visit, and leave what came of it in the archive."""
    process = AsyncCrawlerProcess(visit_settings(plan))
    crawler = process.create_crawler(VisitSpider)
    process.crawl(crawler, plan=plan, store=store)
    process.start()
    spider = crawler.spider
    if not isinstance(spider, VisitSpider) or spider.visited is None:
        store.fail("transient", "the visits were stopped")
        return
    url = plan.errands[0].url if plan.errands else "about:blank"
    parts = [spider.visited[at : at + VISITS_PER_PART] for at in range(0, len(spider.visited), VISITS_PER_PART)]
    for number, part in enumerate(parts):
        store.keep_document(visits_key(number), url, packed_visits(part))
    head = VisitHead(part_count=len(parts), count=len(spider.visited), robots=spider.robots_statuses)
    store.keep_document(VISITS_HEAD, url, packed_visit_head(head))
    store.end()


def run(plan: Plan, store: Store) -> None:
    """Crawl, and leave the manifest in the archive; what kept the crawl from it is told to the parent."""
    frontier = Frontier(
        max_pages=plan.max_pages,
        max_depth=plan.max_depth,
        max_redirects=plan.max_redirects,
        max_urls=KNOWN_PER_PAGE * plan.max_pages + 10_000,
    )
    process = AsyncCrawlerProcess(scrapy_settings(plan))
    crawler = process.create_crawler(SiteSpider)
    closing: list[str] = []
    crawler.signals.connect(lambda spider, reason: closing.append(reason), signals.spider_closed, weak=False)
    crawler.signals.connect(_crash, signals.spider_error)
    process.crawl(crawler, plan=plan, store=store, frontier=frontier)
    process.start()
    spider = crawler.spider
    if not isinstance(spider, SiteSpider) or closing != ["finished"]:
        store.fail("transient", f"the crawl was stopped: {', '.join(closing) or 'it did not start'}")
    elif spider.failure:
        store.fail(*spider.failure)
    else:
        _keep_manifest(spider, plan, store)
        store.end()


def _keep_manifest(spider: SiteSpider, plan: Plan, store: Store) -> None:
    start = plan.start_urls[0]
    rows: list[Asked] = []
    part_count = url_count = 0
    for row in spider.frontier.asked():
        rows.append(row)
        url_count += 1
        if len(rows) == PART_ROWS:
            store.keep_document(part_key(part_count), start, packed_part(rows))
            rows, part_count = [], part_count + 1
    if rows:
        store.keep_document(part_key(part_count), start, packed_part(rows))
        part_count += 1
    head = Head(
        part_count=part_count,
        url_count=url_count,
        hosts=plan.hosts,
        max_redirects=plan.max_redirects,
        max_links_per_page=plan.max_links_per_page,
        caps=tuple(sorted(spider.frontier.caps)),
        robots=spider.robots_statuses,
        sitemap_count=len(spider.sitemaps),
        sitemaps=tuple(spider.sitemaps),
    )
    store.keep_document(HEAD_KEY, start, packed_head(head))


def _crash(failure: Any) -> None:
    """An error of our own must not end as a crawl with a hole in it."""
    log.critical("the spider failed: %s", failure.getTraceback())
    logging.shutdown()
    os._exit(_CRASHED)


def main() -> None:
    """Read the plan, crawl."""
    answers = os.fdopen(os.dup(0), "rb")
    requests = os.fdopen(os.dup(1), "wb")
    # Whatever prints must not print into the frames.
    os.dup2(2, 1)
    frame = read_frame(answers)
    if frame is None:
        sys.exit("no plan came")
    task, plan = frame[0]["task"], frame[0]["plan"]
    store = Store(answers, requests)
    if task == VisitPlan.source:
        run_visits(unpacked_visit_plan(plan), store)
    else:
        run(unpacked_plan(plan), store)


if __name__ == "__main__":
    main()
