"""What a log holds: lines, malformed ones, bots by operator and verdict, where their visits went. Nothing of people."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import NamedTuple

from seo_warehouse.logs import fronts
from seo_warehouse.logs.bots import Bot, make_memo
from seo_warehouse.logs.hits import Hits
from seo_warehouse.logs.lines import LONGEST, read_blocks
from seo_warehouse.logs.names import Confirm, ask_nobody
from seo_warehouse.logs.ranges import Ranges
from seo_warehouse.logs.recognising import recognise
from seo_warehouse.logs.verdicts import Verdict, judge
from seo_warehouse.logs.waste import Kind, find_kind, read_url

NAMED_LINES = 5
"""Malformed lines whose numbers are kept."""
UNNAMED = "(unnamed)"
"""The bot of an operator's address whose agent names none."""


class Visitor(NamedTuple):
    """A bot and what is known of its truth."""

    operator: str
    bot: str
    verdict: Verdict


@dataclass(slots=True)
class Summary:
    """The counts of one file or of more."""

    good_count: int = 0
    malformed: Counter[str] = field(default_factory=Counter)
    malformed_lines: list[int] = field(default_factory=list)
    front_count: int = 0
    """Good lines with an address that is no visitor's: of a network of one's own, or of a CDN."""
    odd_request_count: int = 0
    """Good lines of bots whose request is not three words."""
    first: int | None = None
    last: int | None = None
    statuses: Counter[int] = field(default_factory=Counter)
    visits: Counter[Visitor] = field(default_factory=Counter)
    sizes: Counter[Visitor] = field(default_factory=Counter)
    kinds: Counter[tuple[Visitor, Kind]] = field(default_factory=Counter)

    @property
    def malformed_count(self) -> int:
        return self.malformed.total()

    @property
    def line_count(self) -> int:
        """Lines that are not blank and no directives."""
        return self.good_count + self.malformed_count

    @property
    def people_count(self) -> int:
        """Visits whose agents name no bot, from addresses that are no operator's."""
        return self.good_count - self.visits.total()


class Summing:
    """Sums hits of bots by visitor; an address is held no longer than its block and a memo do."""

    def __init__(self, ranges: Ranges, confirm: Confirm = ask_nobody) -> None:
        self._ranges, self._confirm = ranges, confirm
        self._bots = make_memo()
        self._fronts = fronts.make_memo()

    def add(self, hits: Hits, summary: Summary) -> None:
        """Add a block's hits."""
        if not hits.addresses:
            return
        summary.good_count += len(hits.addresses)
        summary.front_count += sum(map(self._fronts.__getitem__, hits.addresses))
        summary.statuses.update(hits.statuses)
        first, last = min(hits.instants), max(hits.instants)
        summary.first = first if summary.first is None else min(summary.first, first)
        summary.last = last if summary.last is None else max(summary.last, last)
        bots = map(self._bots.__getitem__, hits.agents)
        owners = map(self._ranges.memo.__getitem__, hits.addresses)
        for i, (bot, owner) in enumerate(zip(bots, owners, strict=True)):
            if bot or owner:
                self._add_visit(hits, i, bot, owner, summary)

    def _add_visit(self, hits: Hits, i: int, bot: Bot | None, owner: str | None, summary: Summary) -> None:
        verdict = judge(bot, owner, hits.addresses[i], self._ranges, self._confirm)
        if verdict is None:
            return
        is_claimed = bot is not None and verdict != "undeclared"
        visitor = (
            Visitor(bot.operator, bot.name, verdict) if bot and is_claimed else Visitor(owner or "", UNNAMED, verdict)
        )
        url = read_url(hits.requests[i])
        summary.odd_request_count += url is None
        summary.visits[visitor] += 1
        summary.sizes[visitor] += hits.sizes[i]
        summary.kinds[visitor, find_kind(url, hits.statuses[i])] += 1


def read_log(
    path: Path, summing: Summing, summary: Summary, *, stated: str | None = None, zone: tzinfo | None = None
) -> str:
    """Add a file to a summary, in one pass and flat memory, and return the name of its format.

    Raises:
        LogError: it cannot be read, or its format is not recognised.
    """
    log_format = recognise(path, stated, zone)
    number = 0
    for block, long_count in read_blocks(path):
        number += long_count
        if long_count:
            summary.malformed[f"longer than {LONGEST:,} bytes"] += long_count
        line_count = 0
        for hits in log_format.read(block):
            summing.add(hits, summary)
            line_count += hits.line_count
            for offset, reason in hits.malformed:
                summary.malformed[reason] += 1
                if len(summary.malformed_lines) < NAMED_LINES:
                    summary.malformed_lines.append(number + offset + 1)
        number += line_count
    return log_format.name
