"""Who crawled and where that went, in sentences and a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seo_warehouse.report.crawls import Crawler
from seo_warehouse.report.sections import NONE, Table
from seo_warehouse.report.words import capital, count_of, plain

OPERATORS = {"microsoft": "Bing", "openai": "OpenAI"}
PURPOSES = {
    "search_index": "a search engine's index",
    "ai_training": "training an AI",
    "ai_search": "an AI's search",
    "ai_user": "people who ask an AI",
}
WASTES: tuple[tuple[str, Callable[[Crawler], int]], ...] = (
    ("errors", lambda crawler: crawler.error_count),
    ("redirects", lambda crawler: crawler.redirect_count),
    ("parameters", lambda crawler: crawler.parameter_count),
    ("pages that are not to be indexed, or that nothing names", lambda crawler: crawler.other_waste_count),
)
LIMITS = (
    "A visit counts as a crawler's where its address is its operator's, by the operator's own lists or its name.",
    "What a network answers from its cache is in its own log alone.",
)


def say_crawls(crawlers: Sequence[Crawler]) -> list[str]:
    """A sentence for each search engine whose crawlers came, and one for those of AI."""
    operators = dict.fromkeys(each.operator for each in crawlers if each.purpose == "search_index")
    said = [
        _say_engine([c for c in crawlers if (c.operator, c.purpose) == (name, "search_index")]) for name in operators
    ]
    return [each for each in (*said, _say_ai([c for c in crawlers if c.purpose != "search_index"])) if each]


def _say_engine(crawlers: Sequence[Crawler]) -> str | None:
    verified = sum(crawler.verified_count for crawler in crawlers)
    if not verified:
        return None
    name, last = _operator(crawlers[0]), crawlers[0].last_day
    shares = [(sum(map(count, crawlers)) / verified, what) for what, count in WASTES]
    told = [f"{_percent(share)} to {what}" for share, what in sorted(shares, reverse=True) if share]
    went = f"; {_percent(sum(share for share, _ in shares))} of that was waste: {', '.join(told)}" if told else ""
    return f"{name}'s crawlers came {count_of(verified, 'time')} in the four weeks to {last}{went}."


def _say_ai(crawlers: Sequence[Crawler]) -> str | None:
    claimed = sum(c.verified_count + c.spoofed_count + c.unverifiable_count for c in crawlers)
    if not claimed:
        return None
    verified = sum(crawler.verified_count for crawler in crawlers)
    asked = sum(crawler.verified_count for crawler in crawlers if crawler.purpose == "ai_user")
    came = [c for c in sorted(crawlers, key=lambda c: (-c.verified_count, c.bot)) if c.verified_count]
    who = f" ({', '.join(f'{c.bot} {c.verified_count:,}' for c in came[:5])})" if came else ""
    fetched = f", {asked:,} of these for people who asked one" if asked else ""
    liars = sum(crawler.spoofed_count for crawler in crawlers) / claimed
    return f"AI crawlers came {count_of(verified, 'time')}{who}{fetched}; {_percent(liars)} of who said so lied."


def crawl_table(crawlers: Sequence[Crawler]) -> Table:
    """A row for each crawler that came, or that somebody claimed to be."""
    rows = tuple(
        (
            plain(crawler.bot),
            _operator(crawler),
            PURPOSES.get(crawler.purpose, plain(crawler.purpose)),
            f"{crawler.verified_count:,}",
            _percent(crawler.wasted_count / crawler.verified_count) if crawler.verified_count else NONE,
            f"{crawler.spoofed_count:,}",
            f"{crawler.unverifiable_count:,}",
        )
        for crawler in crawlers
    )
    headings = ("crawler", "whose", "for", "visits", "of them wasted", "liars' visits", "of whom nobody can say")
    return Table("Who crawled in the four weeks", headings, rows)


def _operator(crawler: Crawler) -> str:
    return OPERATORS.get(crawler.operator) or capital(plain(crawler.operator))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
