"""Whether memory is flat while the history of Search Console is loaded.

A local server answers as Search Console does, 50,000 rows a day in pages of 25,000. Peak memory is that of the process
that reads, judges and publishes 200,000 and 2 M rows, each in a process and a warehouse of its own.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click

from benchmarks.measuring import FLAT, apart, peak_mebibytes, warehouse
from seo_warehouse.config import Settings
from seo_warehouse.demo.accounts import service_account
from seo_warehouse.orchestration.history import onboard
from seo_warehouse.orchestration.warehouse import Warehouse
from seo_warehouse.sources.search_console import DAY_CAP_ROWS, PAGE_ROWS, SEARCH_CONSOLE

PROPERTIES = """
properties: [{key: 1, name: shop, domain: shop.example, history_start: 2025-01-01,
              sources: {search_console: {site: "sc-domain:shop.example"}}}]
"""


class Handler(BaseHTTPRequestHandler):
    """Tokens for everybody; full days by query, one row a day for totals."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/token":
            self._send({"access_token": "token", "expires_in": 3_600, "token_type": "Bearer"})
        else:
            self._send({"rows": rows(json.loads(body))})

    def _send(self, document: Any) -> None:
        data = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def rows(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """One page of an answer."""
    first, last = date.fromisoformat(asked["startDate"]), date.fromisoformat(asked["endDate"])
    if "QUERY" not in asked["dimensions"]:
        totals = ["https://www.shop.example/", "usa", "MOBILE"] if "PAGE" in asked["dimensions"] else []
        days = [first + timedelta(n) for n in range((last - first).days + 1)] if asked["startRow"] == 0 else []
        return [_row([str(day), *totals], DAY_CAP_ROWS) for day in days]
    return [
        _row([str(first), f"https://www.shop.example/product-{n % 5_000}/", f"best shoes {n}", "usa", "MOBILE"], 1)
        for n in range(asked["startRow"], min(asked["startRow"] + PAGE_ROWS, DAY_CAP_ROWS))
    ]


def _row(keys: list[str], impressions: int) -> dict[str, Any]:
    return {"keys": keys, "clicks": 0, "impressions": impressions, "ctr": 0, "position": 5.5}


@contextmanager
def search_console(home: Path) -> Iterator[str]:
    """The variable of a connection that leads to the server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base_url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield json.dumps({"host": base_url, "extra": {"keyfile_dict": service_account(home, base_url)}})
        finally:
            server.shutdown()


def load(environment: dict[str, str], first: date) -> tuple[float, float]:
    """Onboard in this process: seconds, and the peak of its memory in MiB."""
    os.environ.update(environment)
    began = time.monotonic()
    onboard(Warehouse(Settings()), "shop", first, None, lambda line: click.echo(f"    {line}"))
    return time.monotonic() - began, peak_mebibytes()


def peak_of(days: int) -> float:
    """Peak MiB of an onboarding of so many days."""
    with warehouse(PROPERTIES) as wh, search_console(wh.settings.home) as connection:
        environment = {
            "SEO_WAREHOUSE_HOME": str(wh.settings.home),
            "SEO_WAREHOUSE_DSN": wh.dsn("owner"),
            "AIRFLOW_CONN_GOOGLE_SEARCH_CONSOLE": connection,
        }
        # The last day is the one before yesterday's window.
        settling = SEARCH_CONSOLE.delay_days + SEARCH_CONSOLE.lookback_days
        first = wh.now().date() - timedelta(days=settling + days)
        seconds, peak = apart(load, environment, first)
        with wh.connect("loader") as database:
            found = database.execute("select count(*) from raw.raw_search_console__performance").fetchone()
        count = found[0] if found else 0
        click.echo(f"  {count:,} rows: {seconds:.1f} s, peak {peak:.0f} MiB")
        return float(peak)


def main() -> None:
    """Memory at two sizes."""
    small, large = peak_of(4), peak_of(40)
    click.echo(f"memory: {large / small:.2f} from 200,000 to 2 M rows (limit {FLAT})")


if __name__ == "__main__":
    main()
