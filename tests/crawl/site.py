"""A site on loopback that answers by table and remembers what it was asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from seo_warehouse.client.api import Api, Limits
from seo_warehouse.client.archive import Archive, open_archive
from seo_warehouse.crawl.plan import plan_of
from seo_warehouse.crawl.process import run_crawl
from seo_warehouse.crawl.records import Asked
from seo_warehouse.crawl.rows import Crawl, head_of
from seo_warehouse.sources.site_crawl import CrawlSettings

HOST = "www.shop.example"


@dataclass(frozen=True)
class Reply:
    """`chunks`: sent one after the other without a stated length, `pause` seconds apart."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/html; charset=utf-8"),)
    chunks: int = 0
    pause: float = 0.0


def html(*links: str, title: str = "Page", head: str = "") -> Reply:
    """A page with links."""
    anchors = "".join(f'<p><a href="{link}">to {link}</a></p>' for link in links)
    return Reply(f"<!doctype html><title>{title}</title>{head}<body><h1>{title}</h1>{anchors}".encode())


def redirect(location: str, status: int = 301) -> Reply:
    """A redirect."""
    return Reply(status=status, headers=(("Location", location), ("Content-Type", "text/html")))


def text(body: str, status: int = 200) -> Reply:
    """A plain text file."""
    return Reply(body.encode(), status, (("Content-Type", "text/plain"),))


def xml(body: str) -> Reply:
    """An XML file."""
    return Reply(body.encode(), 200, (("Content-Type", "application/xml"),))


@dataclass
class Site:
    """`pages` by path with query, or by "host/path" where hosts differ. `asked`: (host, path, instant) in order."""

    port: int
    pages: dict[str, Reply]
    asked: list[tuple[str, str, float]] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)

    def paths(self) -> list[str]:
        """Paths asked for, without robots.txt and sitemap.xml."""
        return [path for _, path, _ in self.asked if path not in ("/robots.txt", "/sitemap.xml")]

    def settings(self, *hosts: str, **changes: Any) -> CrawlSettings:
        """Settings of a crawl of this site, from "/" and without delay."""
        names = hosts or (HOST,)
        values: dict[str, Any] = {
            "start_urls": (f"http://{names[0]}/",),
            "delay_seconds": 0,
            "timeout_seconds": 5,
            "resolve": dict.fromkeys(names, f"127.0.0.1:{self.port}"),
        }
        return CrawlSettings(**{**values, **changes})


@contextmanager
def serve(pages: dict[str, Reply]) -> Iterator[Site]:
    """The site, on a port of its own."""
    server = _Server(("127.0.0.1", 0), _Handler)
    site = server.site = Site(server.server_port, pages)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    site: Site


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        site, host = self.server.site, (self.headers["Host"] or "").partition(":")[0]
        site.asked.append((host, self.path, time.monotonic()))
        site.agents.add(self.headers["User-Agent"])
        reply = site.pages.get(f"{host}{self.path}") or site.pages.get(self.path) or Reply(b"<h1>none</h1>", 404)
        self.send_response_only(reply.status)
        for name, value in ({"Date": self.date_time_string()} | dict(reply.headers)).items():
            self.send_header(name, value)
        if not reply.chunks:
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            time.sleep(reply.pause)
            self.wfile.write(reply.body)
            return
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for _ in range(reply.chunks):
            self.wfile.write(reply.body)
            self.wfile.flush()
            time.sleep(reply.pause)

    def handle(self) -> None:
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


def archive_in(folder: Path) -> Archive:
    """An archive for one crawl."""
    return open_archive(folder, source="site_crawl", property_key=1, scope="night=2026-11-22")


def api_over(archive: Archive, *, may_call: bool = True) -> Api:
    """The books of a crawl, which asks for nothing through this client itself."""
    return Api(
        base_url="http://unused.example", auth=None, archive=archive, may_call=may_call, explain=None, limits=Limits()
    )


def crawl(settings: CrawlSettings, archive: Archive) -> Crawl:
    """Crawl for real, and open what came of it."""
    api = api_over(archive)
    run_crawl(plan_of(settings, domain="shop.example"), api)
    head = head_of(archive)
    if head is None:
        raise AssertionError("the crawl left no manifest")
    return Crawl(api, head)


def by_path(crawled: Crawl) -> dict[str, Asked]:
    """The manifest by path (of whichever host)."""
    return {"/" + row.url.split("/", 3)[3]: row for row in crawled.asked()}
