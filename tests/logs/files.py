"""Lines of logs that tests make."""

from __future__ import annotations

import random
from pathlib import Path

from seo_warehouse.logs.combined import make_block_reader
from seo_warehouse.logs.hits import Hit, Hits, Parser
from seo_warehouse.logs.patterns import COMBINED, compile_format, make_parser
from seo_warehouse.logs.ranges import Ranges
from seo_warehouse.logs.summary import Summary, Summing, read_log

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0"
PARSE = make_parser(compile_format(COMBINED), None)
READ = make_block_reader(PARSE)


def combined_line(
    address: str = "192.0.2.7",
    time: str = "22/Nov/2021:00:18:22 +0000",
    request: str = "GET /a HTTP/1.1",
    status: int | str = 200,
    size: int | str = 1916,
    agent: str = BROWSER,
    referrer: str = "-",
) -> str:
    """One line as nginx and Apache write it."""
    return f'{address} - - [{time}] "{request}" {status} {size} "{referrer}" "{agent}"'


def some_lines(seed: int, count: int) -> list[str]:
    """Plain lines with odd and broken ones among them."""
    rng = random.Random(seed)
    odd = [
        "",
        "broken",
        combined_line(request=r"GET /\"x HTTP/1.1"),
        combined_line() + " 0.003",
        '"',
        combined_line(size="x"),
    ]
    plain = [
        combined_line(address=f"192.0.2.{i % 250}", status=rng.choice((200, 304, 404)), size=rng.choice(("-", i)))
        for i in range(count)
    ]
    return [rng.choice(odd) if rng.random() < 0.05 else line for line in plain]


def rows_of(blocks: list[Hits]) -> list[Hit]:
    """The hits of blocks, row by row."""
    return [
        Hit(*row)
        for hits in blocks
        for row in zip(
            hits.addresses,
            hits.instants,
            hits.requests,
            hits.statuses,
            hits.sizes,
            hits.agents,
            [None] * len(hits.agents),
            hits.referrers or [None] * len(hits.agents),
            strict=True,
        )
    ]


def hit_of(parse: Parser, line: str) -> Hit:
    """The hit of a good line."""
    found = parse(line)
    assert isinstance(found, Hit), found
    return found


def summary_of(path: Path, ranges: Ranges | None = None) -> Summary:
    """What a file holds."""
    summary = Summary()
    read_log(path, Summing(ranges or Ranges([])), summary)
    return summary
