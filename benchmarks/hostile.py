"""How long pages and robots.txt that are made to keep a crawler busy do so: CPU time, of what one of them may take."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import click

from benchmarks.measuring import Figure, keep, say
from seo_warehouse.crawl.parse import parse_page
from seo_warehouse.crawl.robots import rules_of
from seo_warehouse.sources.site_crawl import CrawlSettings
from tests.crawl.hostile import PAGES, ROBOTS, ROBOTS_PAGE

PAGE_SECONDS, ROBOTS_SECONDS = 10, 5


def measure(read: Callable[[bytes], object], bodies: Mapping[str, bytes]) -> dict[str, float]:
    """CPU seconds for each body."""
    found = {}
    for name, body in bodies.items():
        began = time.process_time()
        read(body)
        found[name] = round(time.process_time() - began, 3)
        say(f"  {name}: {found[name]} s")
    return found


@click.command()
@click.option("--write/--no-write", default=True, help="Whether results/hostile.json is replaced.")
def main(write: bool) -> None:
    """Measure and print."""
    url, html = "https://shop.example/", {"content-type": "text/html; charset=utf-8"}
    max_links = CrawlSettings(start_urls=(url,)).max_links_per_page
    pages = measure(lambda body: parse_page(url, html, body, max_links=max_links), PAGES)
    robots = measure(lambda body: rules_of(200, body).allows(ROBOTS_PAGE), ROBOTS)
    figures = [
        Figure("the longest page, of 10 s of CPU", max(pages.values()) / PAGE_SECONDS, limit=1),
        Figure("the longest robots.txt, of 5 s of CPU", max(robots.values()) / ROBOTS_SECONDS, limit=1),
    ]
    keep("hostile", figures, {"pages": pages, "robots": robots}, write=write)


if __name__ == "__main__":
    main()
