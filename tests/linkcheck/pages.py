"""Visits, made of what a test states."""

from __future__ import annotations

from datetime import UTC, datetime

from seo_warehouse.crawl.parse import Page, parse_page
from seo_warehouse.crawl.records import Fetched
from seo_warehouse.linkcheck.grades import Beside, Expected, Verdict, judge
from seo_warehouse.linkcheck.looks import Visit, look_at

SOURCE = "https://blog.example/posts/shoes"
TARGET = "https://www.shop.example/shoes"
LINK = f'<p>Read of <a href="{TARGET}">red shoes</a> there.</p>'
EXPECTED = Expected(frozenset({TARGET}), rel=frozenset(), anchor="red shoes", place="main")
WORDS = " ".join(f"word{n}" for n in range(100))


def visit(
    body: str | bytes = LINK,
    *,
    status: int | None = 200,
    headers: dict[str, str] | None = None,
    error: str | None = None,
    url: str = SOURCE,
    final: str | None = None,
) -> Visit:
    kept = {"content-type": "text/html; charset=utf-8", **(headers or {})}
    content = body.encode() if isinstance(body, str) else body
    answer = Fetched(final or url, status, kept, content, datetime(2026, 5, 1, tzinfo=UTC), 0.1)
    return Visit(url, answer, error)


def page(body: str) -> Page:
    return parse_page(SOURCE, {"content-type": "text/html; charset=utf-8"}, body.encode(), max_links=1_000)


def graded(
    found: Visit | str,
    expected: Expected = EXPECTED,
    beside: Beside | None = None,
    *,
    others: frozenset[str] = frozenset(),
) -> Verdict:
    one = visit(found) if isinstance(found, str) else found
    return judge(look_at(one), expected, beside or Beside(), domain="shop.example", others=others)
