"""How fast a site is crawled, beside a bare Scrapy spider and `wget -r`.

The site is made up: 3,000 pages of an ordinary shop's weight (27 kB, 62 links), served on loopback by a process of its
own from memory. Measured is all that the source site_crawl does: fetch, archive, rows of both tables, of which a night
reads one beside the other. The bare spiders follow links and do nothing else, with the same
Scrapy, concurrency and robots.txt: one as Scrapy's tutorial has it, one that gives Scrapy each URL once only. wget has
one connection and keeps files. Each runs three times, in turn; medians are compared.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import click

from benchmarks.measuring import Figure, apart, keep, load_average, say
from seo_warehouse.client.api import Api, Limits
from seo_warehouse.client.archive import open_archive
from seo_warehouse.client.plans import keep_plan
from seo_warehouse.config import Property
from seo_warehouse.sources.site_crawl import order_crawl, read_links, read_pages
from seo_warehouse.spec import Period, Reader

PAGES = 3_000
REPEATS = 3
LEAST_SHARE = 0.8
BRANCHES = 8
"""New pages that each page links to: the site is a tree of four levels, with links across."""
HOST = "www.shop.example"
NIGHT = date(2026, 11, 22)
PERIOD = Period(NIGHT, NIGHT, None)
ROBOTS = b"User-agent: *\nDisallow: /basket\nDisallow: /search?\n"
WORDS = (
    "oak table garden bench solid shelf chair round small large natural oiled made hand joint leg top board grain light"
    " dark warm room kitchen order sample delivery week year care finish wood forest frame drawer handle brass plain"
).split()


def pages(count: int) -> dict[str, bytes]:
    """The site by path."""
    rng = random.Random(7)  # noqa: S311 - a site to look at
    paths = ["/", *(f"/{WORDS[n % 30]}/{WORDS[n % 31]}-{WORDS[n % 37]}-{n}/" for n in range(1, count))]
    menu = "".join(f'<li><a href="{path}">{path.split("/")[1]}</a></li>' for path in paths[1:31])
    script = f"<script>{'window.shop=window.shop||[];shop.push({event:1});' * 120}</script>"
    return {path: _page(paths, number, menu, script, rng).encode() for number, path in enumerate(paths)}


def _page(paths: list[str], number: int, menu: str, script: str, rng: random.Random) -> str:
    title = f"{rng.choice(WORDS)} {rng.choice(WORDS)} {number}"
    children = paths[BRANCHES * number + 1 : BRANCHES * number + 1 + BRANCHES]
    related = [paths[rng.randrange(len(paths))] for _ in range(12)]
    cards = "".join(
        f'<article class="card"><a href="{path}"><img src="/i/{n}.jpg" alt="">'
        f"<h3>{path.strip('/')}</h3>"
        f'<span class="price"><b>{rng.randrange(900)}</b>.00</span></a><p>{_text(rng, 30)}</p></article>'
        for n, path in enumerate([*children, *related])
    )
    prose = "".join(
        f'<h2>{_text(rng, 4)}</h2><p>{_text(rng, 60)} <a href="{rng.choice(paths)}#care">{_text(rng, 2)}</a> '
        f"<em>{_text(rng, 3)}</em> {_text(rng, 40)}</p>"
        for _ in range(8)
    )
    rows = "".join(f"<tr><th>{_text(rng, 1)}</th><td>{_text(rng, 5)}</td></tr>" for _ in range(30))
    data = json.dumps({"@context": "https://schema.org", "@type": "Product", "name": title})
    footer = "".join(
        f'<li><a href="https://partner-{n}.example/" rel="nofollow">partner {n}</a></li>' for n in range(10)
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="robots" content="index,follow"><link rel="canonical" href="{paths[number]}">{script}'
        f'<script type="application/ld+json">{data}</script></head><body><header><nav><ul>{menu}</ul></nav>'
        f'<a href="/basket">Basket</a></header><main><h1>{title}</h1>{prose}<table>{rows}</table>{cards}</main>'
        f"<footer><ul>{footer}</ul></footer>{script}</body></html>"
    )


def _text(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(WORDS, k=words))


class Server(asyncio.Protocol):
    """HTTP/1.1 as far as the three ask for it: GET, one after another on a connection."""

    answers: dict[bytes, bytes]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport, self.waiting = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self.waiting += data
        while b"\r\n\r\n" in self.waiting:
            head, _, self.waiting = self.waiting.partition(b"\r\n\r\n")
            answer = self.answers.get(head.split(b" ", 2)[1], self.answers[b""])
            self.transport.write(answer)  # type: ignore[attr-defined]


def answer(status: str, kind: str, body: bytes) -> bytes:
    """A whole HTTP answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Date: Sun, 22 Nov 2026 02:00:00 GMT\r\nServer: bench\r\n\r\n".encode() + body


def serve_in(pipe: Connection, count: int, hosts: int) -> None:
    """The server's process: tells its port, serves until it is ended."""
    Server.answers = {
        path.encode(): answer("200 OK", "text/html; charset=utf-8", body) for path, body in pages(count).items()
    }
    Server.answers[b"/robots.txt"] = answer("200 OK", "text/plain", ROBOTS)
    Server.answers[b""] = answer("404 Not Found", "text/html", b"<h1>none</h1>")

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Server, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        if hosts > 1:
            await loop.create_server(Server, [f"127.0.0.{number}" for number in range(2, hosts + 1)], port)
        pipe.send(port)
        await server.serve_forever()

    asyncio.run(serve())


@contextmanager
def serving(count: int, hosts: int = 1) -> Iterator[int]:
    """The site on a port of its own, of as many addresses of loopback."""
    here, there = get_context("spawn").Pipe(duplex=False)
    process = get_context("spawn").Process(target=serve_in, args=(there, count, hosts), daemon=True)
    process.start()
    there.close()
    try:
        yield here.recv()
    finally:
        process.terminate()
        process.join()


def cpu_seconds() -> float:
    """Of this process and its ended children."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def ours(port: int, count: int) -> dict[str, float]:
    """The source's order, then its two readers, each in a process of its own."""
    settings = {
        "start_urls": [f"http://{HOST}/"],
        "delay_seconds": 0,
        "max_pages": count + 10,
        "resolve": {HOST: f"127.0.0.1:{port}"},
    }
    stated = {"key": 1, "name": "shop", "domain": "shop.example", "history_start": NIGHT}
    shop = Property.model_validate({**stated, "sources": {"site_crawl": settings}})
    with tempfile.TemporaryDirectory(prefix="seo-warehouse-bench-") as name:
        api = api_of(name)
        keep_plan(api.archive, "plans.plan_backlinked_page", [], datetime.now(UTC))
        before, began = cpu_seconds(), time.monotonic()
        order_crawl(api, shop, PERIOD)
        crawled = time.monotonic()
        # As the scheduler forks them; what they import is imported.
        with ProcessPoolExecutor(2, get_context("fork")) as night:
            found = night.submit(read, name, read_pages, shop)
            links = night.submit(read, name, read_links, shop)
        ended = time.monotonic()
        return {
            "pages": found.result(),
            "links": links.result(),
            "seconds": ended - began,
            "crawl_seconds": crawled - began,
            "cpu_seconds": cpu_seconds() - before,
        }


def api_of(folder: str, source: str = "site_crawl") -> Api:
    """The books of a crawl whose archive is in a folder."""
    archive = open_archive(Path(folder), source=source, property_key=1, scope=f"night={NIGHT}")
    return Api(
        base_url="http://unused.example", auth=None, archive=archive, may_call=True, explain=None, limits=Limits()
    )


def read(folder: str, reader: Reader, shop: Property) -> int:
    """How many rows a reader gives, but for pages that were not served."""
    return sum(row.get("status_code", 200) == 200 for row in reader(api_of(folder), shop, PERIOD))


def bare(port: int, count: int) -> dict[str, float]:
    """The spider of Scrapy's tutorial, which follows links; Scrapy sorts out those that it has met."""

    def follow(response: Any, _: set[str]) -> Iterator[Any]:
        yield from response.follow_all(css="a::attr(href)")

    return _spider(port, follow)


def sieving(port: int, count: int) -> dict[str, float]:
    """One that sorts them out itself, before Scrapy makes a request of each."""

    def follow(response: Any, met: set[str]) -> Iterator[Any]:
        for literal in response.css("a::attr(href)").getall():
            url = response.urljoin(literal).partition("#")[0]
            if url not in met:
                met.add(url)
                yield response.follow(url)

    return _spider(port, follow)


def _spider(port: int, follow: Callable[[Any, set[str]], Iterator[Any]]) -> dict[str, float]:
    before, began = cpu_seconds(), time.monotonic()
    # What a process of its own would import counts, as it does in ours.
    from scrapy import Spider
    from scrapy.crawler import AsyncCrawlerProcess

    from seo_warehouse.crawl.__main__ import CONCURRENT_REQUESTS

    found: set[str] = set()
    met: set[str] = set()

    class Follower(Spider):
        name = "follower"
        start_urls = [f"http://127.0.0.1:{port}/"]  # noqa: RUF012
        allowed_domains = ["127.0.0.1"]  # noqa: RUF012

        def parse(self, response: Any) -> Iterator[Any]:
            found.add(response.url)
            return follow(response, met)

    settings = {
        "ROBOTSTXT_OBEY": True,
        "CONCURRENT_REQUESTS": CONCURRENT_REQUESTS,
        "CONCURRENT_REQUESTS_PER_DOMAIN": CONCURRENT_REQUESTS,
        "DOWNLOAD_DELAY": 0,
        "TELNETCONSOLE_ENABLED": False,
        "LOG_LEVEL": "WARNING",
    }
    process = AsyncCrawlerProcess(settings)
    process.crawl(Follower)
    process.start()
    return {"pages": len(found), "seconds": time.monotonic() - began, "cpu_seconds": cpu_seconds() - before}


def wget(port: int, count: int) -> dict[str, float]:
    """`wget -r`, which keeps the pages as files."""
    with tempfile.TemporaryDirectory(prefix="seo-warehouse-bench-") as name:
        before, began = cpu_seconds(), time.monotonic()
        command = ["wget", "-r", "-l", "inf", "-nv", "-o", "log", "--reject", "jpg", f"http://127.0.0.1:{port}/"]
        # It ends with 8 where a page was missing.
        subprocess.run(command, cwd=name, check=False)
        seconds = time.monotonic() - began
        found = sum(1 for path in Path(name).rglob("index.html") if path.is_file())
        return {"pages": found, "seconds": seconds, "cpu_seconds": cpu_seconds() - before}


def in_turn(
    ways: Mapping[str, Callable[[int, int], dict[str, float]]], port: int, count: int
) -> dict[str, list[dict[str, float]]]:
    """Each way's runs over a site of so many pages; who begins changes."""
    names = [*ways]
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for number in range(REPEATS):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            run = apart(ways[name], port, count)
            if run["pages"] != count:
                raise SystemExit(f"{name} found {run['pages']} of {count} pages")
            say(f"  {name}: {', '.join(f'{what} {value:.6g}' for what, value in run.items())}")
            runs[name].append(run)
    return runs


def told_of(runs: Mapping[str, list[dict[str, float]]], speed: Mapping[str, float]) -> dict[str, Any]:
    """What is kept of the runs beside their figures."""
    return {
        "pages_a_second": {name: round(value, 1) for name, value in speed.items()},
        "load": load_average(),
        "runs": {name: [{k: round(v, 2) for k, v in run.items()} for run in each] for name, each in runs.items()},
    }


@click.command()
@click.option("--share", default=1.0, show_default=True, help="Of the pages.")
@click.option("--write/--no-write", default=True, help="Whether results/site_crawl.json is replaced.")
def main(share: float, write: bool) -> None:
    """Measure and print."""
    count = round(PAGES * share)
    with serving(count) as port:
        runs = in_turn({way.__name__: way for way in (ours, bare, sieving, wget)}, port, count)
    speed = {name: count / statistics.median(run["seconds"] for run in each) for name, each in runs.items()}
    figures = [
        Figure("pages a second, of the tutorial's spider", speed["ours"] / speed["bare"], "at least", LEAST_SHARE),
        Figure("pages a second, of the sieving spider", speed["ours"] / speed["sieving"], "at least", LEAST_SHARE),
        Figure("pages a second, of wget's", speed["ours"] / speed["wget"]),
    ]
    keep("site_crawl", figures, {"pages": count, **told_of(runs, speed)}, write=write)


if __name__ == "__main__":
    main()
