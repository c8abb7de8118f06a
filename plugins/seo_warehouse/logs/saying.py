"""A log's summary as people read it in a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from seo_warehouse.logs.fronts import WRONG_SHARE
from seo_warehouse.logs.summary import Summary
from seo_warehouse.logs.verdicts import Verdict
from seo_warehouse.logs.waste import Kind
from seo_warehouse.terminal import say_table

MALFORMED_WARNED = 0.01
MALFORMED_WRONG = 0.2
"""Share of malformed lines from which the format is taken for the wrong one."""
ORDER: tuple[Verdict, ...] = ("verified", "undeclared", "unverifiable", "spoofed")

Say = Callable[[str], None]


def say_summary(summary: Summary, say: Say) -> None:
    """Say what a log holds."""
    _say_lines(summary, say)
    if not summary.visits:
        say("No bot came.")
        return
    say("")
    rows = sorted(summary.visits.items(), key=lambda row: (ORDER.index(row[0].verdict), -row[1], row[0]))
    say_table(
        ("verdict", "operator", "bot", "visits", "MB"),
        [(who.verdict, who.operator, who.bot, f"{n:,}", f"{summary.sizes[who] / 1e6:,.1f}") for who, n in rows],
        say,
    )
    say("")
    _say_waste(summary, say)


def _say_lines(summary: Summary, say: Say) -> None:
    say(
        f"{summary.line_count:,} lines: {summary.good_count:,} good, {summary.malformed_count:,} malformed;"
        f" {summary.visits.total():,} of bots, {summary.people_count:,} of people"
    )
    if summary.first is not None and summary.last is not None:
        say(f"From {_instant(summary.first)} to {_instant(summary.last)}")
    if summary.malformed:
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in summary.malformed.most_common())
        lines = ", ".join(map(str, summary.malformed_lines))
        say(f"Malformed: {reasons}{f' (first in lines {lines})' if lines else ''}")
    share = summary.malformed_count / summary.line_count if summary.line_count else 0
    if share > MALFORMED_WRONG:
        say(f"{share:.0%} of the lines are malformed: this is the wrong format; state it with --format")
    elif share > MALFORMED_WARNED:
        say(f"{share:.1%} of the lines are malformed: more than a healthy log has")
    if summary.front_count > WRONG_SHARE * summary.line_count:
        say(
            f"{summary.front_count / summary.line_count:.0%} of the lines have the address of a proxy or a CDN, not the"
            " visitor's: each bot would be a liar; log the client's address, or read the CDN's own log"
        )


def _say_waste(summary: Summary, say: Say) -> None:
    """Of verified visits; where nobody could be verified, of those whose claim nothing speaks against."""
    verdict: Verdict = "verified" if any(who.verdict == "verified" for who in summary.visits) else "unverifiable"
    by_operator: dict[str, Counter[Kind]] = {}
    for (who, kind), n in summary.kinds.items():
        if who.verdict == verdict and who.operator != "other":
            by_operator.setdefault(who.operator, Counter())[kind] += n
    if not by_operator:
        say("No visit of a known bot that could be believed: nothing to say of waste.")
        return
    say("Where verified visits went:" if verdict == "verified" else "Where visits went, unverified (see --ranges):")
    say_table(
        ("operator", "kind", "visits", "share"),
        [
            (operator, kind, f"{n:,}", f"{n / kinds.total():.1%}")
            for operator, kinds in sorted(by_operator.items(), key=lambda row: (-row[1].total(), row[0]))
            for kind, n in kinds.most_common()
        ],
        say,
    )


def _instant(seconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError):  # the last day of 9999 in the far west is in no year that a date can have
        return "no known year"
