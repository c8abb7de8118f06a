"""A crawl that is killed goes on where it was: nothing is lost, nothing archived is asked for again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from seo_warehouse.client.archive import Archive
from seo_warehouse.crawl.plan import plan_of
from seo_warehouse.crawl.process import run_crawl
from seo_warehouse.crawl.rows import head_of, link_rows, page_rows
from seo_warehouse.errors import TransientSourceError
from seo_warehouse.sources.site_crawl import CrawlSettings
from tests.crawl.site import Reply, Site, api_over, archive_in, crawl, html, serve

pytestmark = pytest.mark.slow

DAY = date(2026, 11, 22)
PAGES = 120
SLOW = 0.02
"""Seconds an answer takes, so that a kill finds requests in flight."""

PARENT = """
import sys
from pathlib import Path
from seo_warehouse.sources.site_crawl import CrawlSettings
from tests.crawl.site import archive_in, crawl
crawl(CrawlSettings.model_validate_json(sys.argv[1]), archive_in(Path(sys.argv[2])))
"""


def a_site() -> dict[str, Reply]:
    """Pages in a web of links, some found on one page only, with a redirect and an error."""
    chosen = random.Random(7)
    pages = {"/": html("/1", "/2", "/3", "/moved")}
    for n in range(1, PAGES):
        page = html(f"/{min(2 * n, PAGES - 1)}", f"/{min(2 * n + 1, PAGES - 1)}", f"/{chosen.randrange(1, PAGES)}")
        pages[f"/{n}"] = Reply(page.body, pause=SLOW)
    pages["/moved"] = Reply(status=301, headers=(("Location", "/77"),))
    pages["/13"] = Reply(b"broken", 500)
    return pages


def kept_urls(archive: Archive) -> int:
    """How many answers are kept."""
    return len(list(Path(str(archive.folder)).glob("url-*.zst")))


def crawlers_of(parent: int) -> list[int]:
    """Process ids of the crawlers that a process started: servers that tests share are children of theirs too."""
    command = ["pgrep", "-P", str(parent), "-f", "seo_warehouse.crawl$"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return [int(line) for line in listed.split()]


def kill_when(archive: Archive, count: int, pid: int) -> threading.Thread:
    """Kill the crawler of a process once the archive holds `count` answers."""

    def wait() -> None:
        while kept_urls(archive) < count:
            time.sleep(0.005)
        for crawler in crawlers_of(pid):
            os.kill(crawler, signal.SIGKILL)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def business(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Rows without what differs from one crawl to the next."""
    return [{k: v for k, v in row.items() if k not in ("observed_at", "response_ms")} for row in rows]


def rows_of(settings: CrawlSettings, archive: Archive) -> list[dict[str, object]]:
    crawled = crawl(settings, archive)
    return business([*page_rows(crawled, DAY), *link_rows(crawled, DAY)])


def asked_counts(site: Site) -> Counter[str]:
    return Counter(path for _, path, _ in site.asked)


def test_a_crawler_killed_three_times_ends_with_the_same_rows(tmp_path: Path) -> None:
    with serve(a_site()) as site:
        settings = site.settings()
        whole = rows_of(settings, archive_in(tmp_path / "whole"))
        site.asked.clear()
        archive = archive_in(tmp_path / "killed")
        books = [api_over(archive) for _ in range(4)]
        for count, api in zip((10, 50, 90), books, strict=False):
            thread = kill_when(archive, count, os.getpid())
            with pytest.raises(TransientSourceError, match="ended by signal 9"):
                run_crawl(plan_of(settings, domain="shop.example"), api)
            thread.join()
            assert head_of(archive) is None
        run_crawl(plan_of(settings, domain="shop.example"), books[-1])
        assert sum(api.usage.calls for api in books) >= len(site.asked)
        # Each call was answered once, or was in flight at a kill and is counted when it is found so.
        assert sum(api.usage.calls - api.usage.cut for api in books) == kept_urls(archive)
        assert books[0].usage.cut == 0
        assert sum(api.usage.cut for api in books) > 0
        # The answers of the first three are come past by the last.
        assert books[-1].usage.reused + books[-1].usage.calls == kept_urls(archive)
        assert rows_of(settings, archive) == whole
        # In flight at a kill: what had been sent (at most 8 each time) and not yet archived is asked for once more.
        repeated = {path: count for path, count in asked_counts(site).items() if count > 1}
        assert sum(count - 1 for count in repeated.values()) <= 3 * 8 + site_retries(site)


def site_retries(site: Site) -> int:
    """robots.txt and the sitemap may be cut by a kill as well."""
    counts = asked_counts(site)
    return counts["/robots.txt"] + counts["/sitemap.xml"]


def test_what_is_archived_is_never_asked_for_again(tmp_path: Path) -> None:
    with serve(a_site()) as site:
        archive = archive_in(tmp_path)
        thread = kill_when(archive, 60, os.getpid())
        with pytest.raises(TransientSourceError):
            crawl(site.settings(), archive)
        thread.join()
        archived = {
            answer.url.split("/", 3)[3]
            for path in archive.folder.iterdir()
            if path.name.startswith("url-") and (answer := archive.get(path.name.removesuffix(".zst")))
        }
        assert len(archived) >= 60
        site.asked.clear()
        crawl(site.settings(), archive)
        assert archived.isdisjoint(path.removeprefix("/") for _, path, _ in site.asked)
        assert set(asked_counts(site).values()) == {1}


def test_a_crawler_ends_with_its_parent(tmp_path: Path) -> None:
    with serve(a_site()) as site:
        settings = site.settings(delay_seconds=0.05)
        parent = subprocess.Popen([sys.executable, "-c", PARENT, settings.model_dump_json(), str(tmp_path)])
        archive = archive_in(tmp_path)
        while kept_urls(archive) < 10:
            assert parent.poll() is None
            time.sleep(0.02)
        crawlers = crawlers_of(parent.pid)
        assert len(crawlers) == 1
        parent.kill()
        parent.wait()
        deadline = time.monotonic() + 10
        while Path(f"/proc/{crawlers[0]}/cmdline").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not Path(f"/proc/{crawlers[0]}/cmdline").exists()
        crawl(site.settings(), archive)
        assert head_of(archive) is not None
