"""Documentation sites that Debian packages, under their own host names: crawled, and counted otherwise.

The count uses html.parser and urllib on the files themselves: neither our parser, nor our URL rules, nor HTTP.
"""

from __future__ import annotations

import mimetypes
import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urldefrag, urljoin, urlsplit

from seo_warehouse.crawl.rows import link_rows
from seo_warehouse.sources.site_crawl import CrawlSettings
from tests.crawl.site import archive_in, crawl

DAY = date(2026, 11, 22)
START = "/index.html"
UNLIMITED = {"max_pages": 100_000, "max_depth": 1_000, "max_links_per_page": 100_000, "max_page_bytes": 20_000_000}


@dataclass(frozen=True)
class Site:
    """The files of a site, and the package that brings them."""

    package: str
    host: str
    folder: Path

    @property
    def is_installed(self) -> bool:
        """Whether there is anything to crawl."""
        return (self.folder / START.lstrip("/")).is_file()


SQLITE = Site("sqlite3-doc", "www.sqlite.org", Path("/usr/share/doc/sqlite3"))
PYTHON = Site("python3.11-doc", "docs.python.org", Path("/usr/share/doc/python3.11/html"))
APACHE = Site("apache2-doc", "httpd.apache.org", Path("/usr/share/doc/apache2-doc/manual/en"))


@dataclass
class Found:
    """Statuses by URL, how often a page links to a target, and the hosts that links lead out to."""

    statuses: dict[str, int | None] = field(default_factory=dict)
    links: Counter[tuple[str, str]] = field(default_factory=Counter)
    external_hosts: set[str] = field(default_factory=set)


class Anchors(HTMLParser):
    """The references of a page, as they stand."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[str] = []
        self.base: str | None = None
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(reversed(attrs))
        self._unseen += tag in ("noscript", "template")
        if tag == "base" and self.base is None:
            self.base = values.get("href")
        if tag in ("a", "area") and "href" in values and not self._unseen:
            self.references.append((values["href"] or "").strip(" \t\r\n\f"))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("noscript", "template"):
            self._unseen = max(0, self._unseen - 1)


def answer(folder: Path, path: str) -> tuple[int, str | None, Path | None]:
    """What the server says to a path: status, where it redirects to, the file."""
    file = folder / unquote(urlsplit(path).path).lstrip("/")
    if ".." in file.parts:
        return 404, None, None
    if file.is_dir() and not path.endswith("/"):
        return 301, f"{path}/", None
    if file.is_dir():
        file = file / "index.html"
    return (200, None, file) if file.is_file() else (404, None, None)


def is_html(file: Path | None) -> bool:
    return file is not None and (mimetypes.guess_type(file.name)[0] or "") in ("text/html", "application/xhtml+xml")


def target_of(page: str, base: str, reference: str) -> str | None:
    """A reference's absolute URL; None where it is no link to a document."""
    if reference.startswith("#"):
        return None
    # As browsers read them: no line ends, a backslash is a slash, a port may be empty.
    url = urljoin(base, reference.translate({10: None, 13: None, 9: None, 92: "/"}))
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    host = parts.netloc.rpartition("@")[2].lower().removesuffix(":")
    path, query = (
        quote(parts.path or "/", safe="%/:=&~+!$,;'@()*[]|^\\"),
        quote(parts.query, safe="%/:=&?~+!$,;@()*[]|^`{}\\"),
    )
    return parts._replace(netloc=host, path=path, query=query, fragment="").geturl()


def counted(site: Site) -> Found:
    """Breadth first over the files."""
    found, waiting = Found(), deque([f"http://{site.host}{START}"])
    while waiting:
        url = waiting.popleft()
        if url in found.statuses:
            continue
        parts = urlsplit(url)
        status, location, file = answer(site.folder, parts.path + (f"?{parts.query}" if parts.query else ""))
        found.statuses[url] = status
        if location:
            waiting.append(urljoin(url, location))
        if file is None or not is_html(file):
            continue
        anchors = Anchors()
        anchors.feed(file.read_text(encoding="utf-8", errors="replace"))
        for reference in anchors.references:
            target = target_of(url, urljoin(url, anchors.base or ""), reference)
            if target is None:
                continue
            found.links[url, target] += 1
            if urlsplit(target).hostname != site.host:
                found.external_hosts.add(urlsplit(target).hostname or "")
            elif target.startswith("https:"):
                found.statuses[target] = None  # the same host, so it is asked, but nobody listens for TLS there
            else:
                waiting.append(target)
    return found


def crawled(site: Site, archive: Path) -> Found:
    """The same by our crawler over HTTP."""
    with serving(site.folder) as port:
        settings = CrawlSettings(
            start_urls=(f"http://{site.host}{START}",),
            delay_seconds=0,
            resolve={site.host: f"127.0.0.1:{port}"},
            **UNLIMITED,
        )
        result = crawl(settings, archive_in(archive))
    assert result.head.caps == ()
    found = Found({row.url: row.status for row in result.asked()})
    for row in link_rows(result, DAY):
        target = urldefrag(row["target_url"]).url
        found.links[row["source_url"], target] += 1
        if not row["is_internal"]:
            found.external_hosts.add(urlsplit(target).hostname or "")
    return found


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    """A folder over HTTP, on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, location, file = answer(folder, self.path)
            body = file.read_bytes() if file else b""
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            kind = mimetypes.guess_type(file.name)[0] if file else "text/html"
            self.send_header("Content-Type", kind or "application/octet-stream")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
