"""How fast pages that link are visited, beside the crawl of a site and a bare Scrapy spider.

The same 3,000 pages for all: those of `benchmarks.site_crawl`, for the visits and the spider spread over 200 hosts
(addresses of loopback), each with a robots.txt of its own. Measured is all that the source link_check does: visits,
archive, rows of both tables, read one beside the other. The spider asks for the same pages, obeys the same robots.txt,
looks for the links, and keeps nothing. Each runs three times, in turn; medians are compared. Nobody waits between two.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Any

import click
import orjson

from benchmarks.measuring import Figure, keep
from benchmarks.site_crawl import LEAST_SHARE, PAGES, PERIOD, api_of, cpu_seconds, in_turn, pages, serving, told_of
from benchmarks.site_crawl import ours as crawl
from seo_warehouse.client.plans import Ask, keep_plan
from seo_warehouse.config import Property
from seo_warehouse.sources.link_check import order_visits, read_links, read_pages
from seo_warehouse.spec import Reader

HOSTS = 200
DOMAIN = "partner-3.example"
TARGET = f"https://{DOMAIN}/"
"""What each of the made-up pages links to in its footer."""


def urls(port: int, count: int) -> list[str]:
    """The pages to visit, one host after the other."""
    return [f"http://127.0.0.{1 + number % HOSTS}:{port}{path}" for number, path in enumerate(pages(count))]


def ours(port: int, count: int) -> dict[str, float]:
    """The source's order, then its two readers, each in a process of its own."""
    settings = {"delay_seconds": 0, "allowed_networks": ["127.0.0.0/8"], "max_pages": count}
    stated = {"key": 1, "name": "shop", "domain": DOMAIN, "history_start": PERIOD.first_day}
    shop = Property.model_validate({**stated, "sources": {"link_check": settings}})
    link = {"target": TARGET, "urls": [TARGET], "rel": ["nofollow"], "anchor": "partner 3", "place": "footer"}
    asks = [Ask(orjson.dumps({"url": url, "links": [link]}).decode(), 1.0, "new") for url in urls(port, count)]
    with tempfile.TemporaryDirectory(prefix="seo-warehouse-bench-") as name:
        api = api_of(name, "link_check")
        keep_plan(api.archive, "plans.plan_link_check", asks, datetime.now(UTC))
        before, began = cpu_seconds(), time.monotonic()
        order_visits(api, shop, PERIOD)
        visited = time.monotonic()
        with ProcessPoolExecutor(2, get_context("fork")) as night:
            came = night.submit(read, name, read_pages, shop, "outcome", "came")
            live = night.submit(read, name, read_links, shop, "grade", "live")
        ended = time.monotonic()
        return {
            "pages": came.result(),
            "links": live.result(),
            "seconds": ended - began,
            "visit_seconds": visited - began,
            "cpu_seconds": cpu_seconds() - before,
        }


def read(folder: str, reader: Reader, shop: Property, column: str, value: str) -> int:
    """How many rows of a reader have a value."""
    return sum(row[column] == value for row in reader(api_of(folder, "link_check"), shop, PERIOD))


def bare(port: int, count: int) -> dict[str, float]:
    """A spider that asks for the pages and looks for the link on each."""
    asked = urls(port, count)
    before, began = cpu_seconds(), time.monotonic()
    # What a process of its own would import counts, as it does in ours.
    from scrapy import Spider
    from scrapy.crawler import AsyncCrawlerProcess

    from seo_warehouse.crawl.visitor import AT_ONCE

    found: set[str] = set()

    class Visitor(Spider):
        name = "visitor"
        start_urls = asked

        def parse(self, response: Any) -> Iterator[Any]:
            if TARGET in response.css("a::attr(href)").getall():
                found.add(response.url)
            yield from ()

    settings = {
        "ROBOTSTXT_OBEY": True,
        "CONCURRENT_REQUESTS": AT_ONCE,
        "CONCURRENT_REQUESTS_PER_DOMAIN": AT_ONCE,
        "DOWNLOAD_DELAY": 0,
        "TELNETCONSOLE_ENABLED": False,
        "LOG_LEVEL": "WARNING",
    }
    process = AsyncCrawlerProcess(settings)
    process.crawl(Visitor)
    process.start()
    return {"pages": len(found), "seconds": time.monotonic() - began, "cpu_seconds": cpu_seconds() - before}


@click.command()
@click.option("--share", default=1.0, show_default=True, help="Of the pages.")
@click.option("--write/--no-write", default=True, help="Whether results/link_visits.json is replaced.")
def main(share: float, write: bool) -> None:
    """Measure and print."""
    count = round(PAGES * share)
    with serving(count, HOSTS) as port:
        runs = in_turn({"ours": ours, "crawl": crawl, "bare": bare}, port, count)
    speed = {name: count / statistics.median(run["seconds"] for run in each) for name, each in runs.items()}
    figures = [
        Figure("pages a second, of the site crawl's", speed["ours"] / speed["crawl"], "at least", LEAST_SHARE),
        Figure("pages a second, of a bare spider's", speed["ours"] / speed["bare"], "at least", LEAST_SHARE),
    ]
    keep("link_visits", figures, {"pages": count, "hosts": HOSTS, **told_of(runs, speed)}, write=write)


if __name__ == "__main__":
    main()
