"""Search Console and DataForSEO's backlinks on loopback, in a process of their own, in the vendors' true shape.

Every answer is made before the first is asked for, so that whoever is measured waits for none.
`python -m benchmarks.vendors --help` says what can be served; once it serves, it prints its address.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import click
import numpy as np
import orjson

from benchmarks.measuring import say
from seo_warehouse.sources import dataforseo_backlinks
from seo_warehouse.sources.search_console import DAY_CAP_ROWS, PAGE_ROWS

SITE = "https://www.shop.example"
COUNTRIES = ("usa", "gbr", "deu", "fra", "can", "aus", "nld", "zzz")
DEVICES = ("MOBILE", "DESKTOP", "TABLET")
SHOWN_OFTEN = 150_000
"""Page, query, country and device that are ever shown; a day has a third of them."""
TOKEN = {"access_token": "token", "expires_in": 3_600, "token_type": "Bearer"}


@dataclass
class Console:
    """Days of Search Console: as many rows as exist for a day, in two answers; totals to match."""

    days: list[date]
    by_query: dict[tuple[str, int], bytes] = field(default_factory=dict)
    totals: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make every answer."""
        rng = np.random.default_rng(7)
        shown = [
            (
                f"{SITE}/category-{page % 40}/product-{page}/",
                f"{word} shoes {query}",
                COUNTRIES[country],
                DEVICES[device],
            )
            for page, query, word, country, device in zip(
                (5_000 * rng.random(SHOWN_OFTEN) ** 3).astype(int).tolist(),
                range(SHOWN_OFTEN),
                rng.choice(["best", "cheap", "red", "größte", "how to clean", "where to buy"], SHOWN_OFTEN).tolist(),
                rng.choice(len(COUNTRIES), SHOWN_OFTEN, p=[0.5, 0.2, 0.1, 0.05, 0.05, 0.05, 0.03, 0.02]).tolist(),
                rng.choice(len(DEVICES), SHOWN_OFTEN, p=[0.6, 0.35, 0.05]).tolist(),
                strict=True,
            )
        ]
        for day in map(str, self.days):
            picked = rng.permutation(SHOWN_OFTEN)[:DAY_CAP_ROWS]
            impressions = rng.geometric(0.2, DAY_CAP_ROWS)
            clicks = rng.binomial(impressions, 0.04)
            # Google's means are of whole positions, and the most clicked come first.
            positions = 1 + rng.integers(0, 40 * impressions) / impressions
            order = np.argsort(-clicks, kind="stable")
            rows = [
                {"keys": [day, *shown[place]], "clicks": c, "impressions": i, "ctr": c / i, "position": p}
                for place, c, i, p in zip(
                    picked.tolist(),
                    *(column[order].tolist() for column in (clicks, impressions, positions)),
                    strict=True,
                )
            ]
            self.totals[day] = int(clicks.sum()), int(impressions.sum())
            for start in range(0, DAY_CAP_ROWS, PAGE_ROWS):
                self.by_query[day, start] = _rows(rows[start : start + PAGE_ROWS], "byPage")

    def answer(self, asked: dict[str, Any]) -> bytes:
        """What is answered to a query."""
        first, last, start = asked["startDate"], asked["endDate"], asked["startRow"]
        if "QUERY" in asked["dimensions"]:
            return self.by_query.get((first, start)) or _rows([], "byPage")
        keys = [f"{SITE}/", "usa", "MOBILE"] if "PAGE" in asked["dimensions"] else []
        rows = [
            {"keys": [day, *keys], "clicks": clicks, "impressions": shown, "ctr": clicks / shown, "position": 20.5}
            for day, (clicks, shown) in self.totals.items()
            if first <= day <= last and not start
        ]
        return _rows(rows, "byPage" if keys else "byProperty")


def _rows(rows: list[dict[str, Any]], aggregation: str) -> bytes:
    return orjson.dumps({"rows": rows, "responseAggregationType": aggregation})


@dataclass
class Index:
    """A target's live links, a thousand an answer, and no lost ones. Texts are as long as those of recorded answers."""

    count: int
    answers: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make every answer."""
        rng = np.random.default_rng(7)
        size = dataforseo_backlinks.PAGE_ROWS
        for start in range(0, self.count, size):
            items = [_link(number, rng) for number in range(start, min(start + size, self.count))]
            self.answers.append(_envelope(self.count, items, token=str(len(self.answers) + 1)))

    def answer(self, asked: dict[str, Any]) -> bytes:
        """What is answered to a task."""
        number = int(asked.get("search_after_token", 0))
        if asked["backlinks_status_type"] == "lost":
            return _envelope(0, [], None)
        return self.answers[number] if number < len(self.answers) else _envelope(self.count, [], None)


def _envelope(total: int, items: list[dict[str, Any]], token: str | None) -> bytes:
    result = {
        "target": "shop.example", "mode": "as_is", "custom_mode": None, "total_count": total, "items_count": len(items),
        "items": items or None, "search_after_token": token,
    }  # fmt: skip
    cost = 0.02 + 0.00003 * len(items)
    status = {"status_code": 20000, "status_message": "Ok.", "time": "0.1233 sec.", "cost": cost}
    task = {
        "id": "03302045-6273-0269-0000-e7c9832f8b9b", **status, "result_count": 1,
        "path": ["v3", "backlinks", "backlinks", "live"],
        "data": {"api": "backlinks", "function": "backlinks", "target": "shop.example", "limit": 1000},
        "result": [result],
    }  # fmt: skip
    return orjson.dumps({"version": "0.1.20240313", **status, "tasks_count": 1, "tasks_error": 0, "tasks": [task]})


def _link(number: int, rng: np.random.Generator) -> dict[str, Any]:
    """A link in the vendor's fields, of which about as many are null as in recorded answers."""
    a, b, c, d = rng.integers(1 << 30, size=4).tolist()
    domain = f"{'www.' * (a % 2)}blog-{a % 20_000}.example.{('com', 'de', 'co.uk', 'sk')[a % 4]}"
    target = f"{SITE}/category-{b % 40}/product-{b % 5_000}/"
    is_image, is_followed = c % 7 == 0, d % 5 > 0
    before = "years ago we bought a pair of them in the market hall, and they are “fine” still, number"
    after = "nobody in the town of many inhabitants has ever seen any that would have been better than those of"
    seen = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=a % 10_000_000)
    return {
        "type": "backlink",
        "domain_from": domain,
        "url_from": f"https://{domain}/2025/{1 + c % 12}/a-post-about-shoes-{number}",
        "url_from_https": True,
        "domain_to": "shop.example",
        "url_to": target,
        "url_to_https": True,
        "tld_from": domain.rpartition(".")[2],
        "is_new": d % 20 == 0,
        "is_lost": False,
        "backlink_spam_score": a % 60,
        "rank": a % 500,
        "page_from_rank": b % 500,
        "domain_from_rank": a % 700,
        "domain_from_platform_type": (["cms", "blogs"], ["organization"], ["cms", "blogs", "news"], ["unknown"])[a % 4],
        "domain_from_is_ip": False,
        "domain_from_ip": f"192.0.2.{a % 256}",
        "domain_from_country": "DE" if a % 5 < 2 else None,
        "page_from_external_links": c % 90,
        "page_from_internal_links": d % 200,
        "page_from_size": 20_000 + c % 200_000,
        "page_from_encoding": "utf-8",
        "page_from_language": ("en", "de", "sk", None)[a % 4],
        "page_from_title": f"Schuhe für {c % 90_000} Füße | all that we know of shoes, {number}",
        "page_from_status_code": 200,
        "first_seen": f"{seen:%Y-%m-%d %H:%M:%S} +00:00",
        "prev_seen": f"{seen + timedelta(days=30, seconds=b % 5_000):%Y-%m-%d %H:%M:%S} +00:00" if b % 4 else None,
        "last_seen": f"{seen + timedelta(days=60, seconds=c % 90_000):%Y-%m-%d %H:%M:%S} +00:00",
        "item_type": "image" if is_image else "anchor",
        "attributes": None if is_followed else ["nofollow", "noopener"],
        "dofollow": is_followed,
        "original": c % 3 == 0,
        "alt": f"a shoe, {c % 1_000}" if is_image else None,
        "image_url": f"https://{domain}/uploads/2025/{1 + c % 12}/a-red-shoe-{d % 100_000}.jpeg" if is_image else None,
        "anchor": None if is_image else f"shoes that last {b % 300} years",
        "text_pre": f"{before} {number}: " if d % 2 else None,
        "text_post": f"; {after} {c % 500}" if d % 2 else None,
        "semantic_location": ("article", "section", "footer", None, "main")[d % 5],
        "links_count": 1 + (d % 40 == 0),
        "group_count": 0,
        "is_broken": False,
        "url_to_status_code": 301,
        "url_to_spam_score": 0,
        "url_to_redirect_target": target.removesuffix("/"),
        "ranked_keywords_info": {f"page_from_keywords_count_top_{top}": c % top for top in (3, 10, 100)},
        "is_indirect_link": False,
        "indirect_link_path": None,
    }  # fmt: skip


def handler(console: Console, index: Index) -> type[BaseHTTPRequestHandler]:
    """What answers requests."""

    class Handler(BaseHTTPRequestHandler):
        """Tokens for everybody, and the two vendors' answers."""

        protocol_version = "HTTP/1.1"
        # Else an answer's head and body wait for each other's acknowledgement.
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            """Answer."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/token":
                data = orjson.dumps(TOKEN)
            elif self.path == dataforseo_backlinks.PATH:
                data = index.answer(orjson.loads(body)[0])
            else:
                data = console.answer(orjson.loads(body))
            self.send_response(200)
            self.send_header("Content-Type", "application/json; charset=UTF-8")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


@contextmanager
def vendors(first: date, days: int, links: int) -> Iterator[str]:
    """The address at which the vendors answer."""
    command = [sys.executable, "-m", "benchmarks.vendors", str(first), str(days), str(links)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None or not (address := process.stdout.readline().strip()):
                raise SystemExit("the vendors do not serve")
            yield address
        finally:
            process.terminate()


@click.command()
@click.argument("first", type=click.DateTime(["%Y-%m-%d"]))
@click.argument("days", type=int)
@click.argument("links", type=int)
def main(first: datetime, days: int, links: int) -> None:
    """Serve so many DAYS of Search Console from FIRST on, and so many LINKS."""
    console = Console([first.date() + timedelta(number) for number in range(days)])
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(console, Index(links))) as server:
        say(f"http://127.0.0.1:{server.server_address[1]}")
        server.serve_forever()


if __name__ == "__main__":
    main()
