"""dbt's documentation of the models, as of the newest build, served to this machine alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from seo_warehouse.errors import ConfigError
from seo_warehouse.steps.build import generate_docs
from seo_warehouse.steps.warehouse import Warehouse

PAGE = "static_index.html"
"""One file that needs nothing else, as `dbt docs generate --static` writes it."""
LOCAL = ("127.0.0.1", "localhost")


def serve_docs(wh: Warehouse, port: int, say: Callable[[str], None]) -> None:
    """Write the documentation where a build has ended since, and serve it until interrupted."""
    page = wh.settings.home / "dbt" / "docs" / PAGE
    if is_outdated(wh, page):
        say("writing dbt's documentation, which takes a while")
        page = generate_docs(wh) / PAGE
    with open_server(page, port) as server:
        say(f"http://127.0.0.1:{server.server_port}/ until Ctrl-C; the same page is {page.as_uri()}")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


def is_outdated(wh: Warehouse, page: Path) -> bool:
    """Whether there is no page, or a build has ended since it was written."""
    if not page.exists():
        return True
    with wh.connect("loader") as connection:
        row = connection.execute("select max(ended_at) from ops.build where state = 'finished'").fetchone()
    ended_at = row[0] if row else None
    return ended_at is not None and ended_at > datetime.fromtimestamp(page.stat().st_mtime, UTC)


def open_server(page: Path, port: int) -> ThreadingHTTPServer:
    """A server of this page alone, on this machine's loopback; port 0 is any that is free. Raises ConfigError."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # By a name of its own another site could have a browser read this page.
            if self.headers.get("Host", "").rpartition(":")[0] not in LOCAL:
                self.send_error(403)
            elif self.path.partition("?")[0] != "/":
                self.send_error(404)
            else:
                body = page.read_bytes()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: who reads what is nobody's business."""

    try:
        return ThreadingHTTPServer((LOCAL[0], port), Handler)
    except OSError as error:
        raise ConfigError(f"port {port} cannot be served on: {error.strerror}; `--port` takes another") from None
