"""What is kept of a log: a file of its own, from which everything else is made, again if need be.

Of bots, and of addresses that are some operator's, each visit as the log has it; of people sums without address, query
or agent; of malformed lines the first, with what may be an address masked. Each line is a letter and JSON:

    r  [address, end of its reverse name that is an operator's, if the name leads back], the first lines
    b  [address, instant, request, status, size, agent, microseconds]
    h  [day, hour, lines, visits that are kept, first instant, last instant]
    p  [day, path, has a query, class, class of status, hits, bytes]
    e  [day, state of the referrer, its URL, its key, path, tag, entries]
    m  [number of the line, reason, text]
    n  {lines, malformed, by reason ...}, the last line
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import IO, Any

import orjson

from seo_warehouse.logs import fronts
from seo_warehouse.logs.bots import Bot, make_memo
from seo_warehouse.logs.cells import Cells
from seo_warehouse.logs.entries import Entries
from seo_warehouse.logs.fields import DIRECTIVE
from seo_warehouse.logs.hits import Hits
from seo_warehouse.logs.lines import LONGEST, cut_blocks, read_chunks
from seo_warehouse.logs.memo import Memo
from seo_warehouse.logs.people import DAY, EPOCH, People, name_day
from seo_warehouse.logs.recognising import Format, recognise
from seo_warehouse.logs.resuming import Checkpoint, Reached, Start

KEPT_MALFORMED = 1000
SHOWN_BYTES = 300
HOUR = 3600
_MASKED = re.compile(r"^\s*\S+|[0-9a-fA-F]*[:.][0-9a-fA-F:.]*[0-9a-fA-F]|[\w.+-]+@[\w.-]+")
_QUERY = re.compile(r"\?[^\s\"]*")
FIRST_DAY, LAST_DAY = date(1990, 1, 1).toordinal(), date(2100, 1, 1).toordinal()


@dataclass(slots=True)
class Kept:
    """What was read of a log, where reading it goes on, and the addresses of bots that no list has."""

    format_name: str
    checkpoint: Checkpoint | None
    facts: dict[str, Any]
    unlisted: tuple[str, ...]


def keep(
    path: Path,
    start: Start,
    kept: IO[bytes],
    find_owner: Callable[[str], str | None],
    *,
    domain: str,
    takes_rest: bool,
    stated: str | None = None,
    zone: tzinfo | None = None,
    address: str | None = None,
    most_unlisted: int = 0,
) -> Kept:
    """Read a log from a place on, in flat memory, and write what is kept of it.

    Args:
        path: The file.
        start: Where it goes on.
        kept: Where what is kept is written.
        find_owner: The operator of an address, by any list that was ever read.
        domain: The property's: a referrer of it, or of a host below, is from within.
        takes_rest: The log has ended.
        stated: Its format, where it was stated.
        zone: That of times that say none.
        address: The directive of its stated format that has the client's address.
        most_unlisted: How many addresses to tell of bots that are in no list of their operator, and may have a name.

    Raises:
        LogError: it cannot be read, or its format is not recognised.
    """
    log_format = recognise(path, stated, zone, address=address, takes_rest=takes_rest)
    reached = Reached(read_chunks(path), start, takes_rest=takes_rest)
    directive = start.checkpoint.directive if start.checkpoint else None
    with Cells() as people, Cells() as came:
        keeping = _Keeping(kept, People(people), people, Entries(domain, came), came, find_owner, most_unlisted)
        if directive:
            for _ in log_format.read(directive):
                pass
        for block, long_count in cut_blocks(reached.read(), takes_rest=takes_rest):
            keeping.add(log_format, block, long_count)
            directive = _last_directive(block) or directive
        facts = keeping.finish()
    has_lines = facts["line_count"] > 0
    point = reached.checkpoint(directive) if has_lines else None
    return Kept(log_format.name, point, facts, tuple(keeping.unlisted))


def name_lines(suffixes: Mapping[str, str]) -> bytes:
    """The lines that stand before the others: ends of reverse names by address."""
    return b"".join(b"r" + orjson.dumps([address, suffix]) + b"\n" for address, suffix in suffixes.items())


def _last_directive(block: str) -> str | None:
    place = f"\n{block}".rfind(f"\n{DIRECTIVE}")
    return block[place:].partition("\n")[0] if place >= 0 else None


@dataclass(slots=True)
class _Hour:
    lines: int = 0
    kept: int = 0
    first: int = 2**62
    last: int = -(2**62)

    def add(self, instants: Sequence[int], kept: int) -> None:
        self.lines += len(instants)
        self.kept += kept
        self.first, self.last = min(self.first, min(instants)), max(self.last, max(instants))


@dataclass(slots=True)
class _Keeping:
    kept: IO[bytes]
    people: People
    cells: Cells
    entries: Entries
    came: Cells
    find_owner: Callable[[str], str | None]
    most_unlisted: int
    number: int = 0
    malformed: Counter[str] = field(default_factory=Counter)
    hours: dict[int, _Hour] = field(default_factory=dict)
    bots: Memo[Bot | None] = field(default_factory=make_memo)
    fronts: Memo[bool] = field(default_factory=fronts.make_memo)
    front_count: int = 0
    kept_malformed: int = 0
    unlisted: dict[str, None] = field(default_factory=dict)
    odd_day_count: int = 0

    def add(self, log_format: Format, block: str, long_count: int) -> None:
        """Take in a block of lines."""
        self.number += long_count
        if long_count:
            self.malformed[f"longer than {LONGEST:,} bytes"] += long_count
        lines: list[str] | None = None
        line_count = 0
        for hits in log_format.read(block):
            self._add_hits(hits)
            line_count += hits.line_count
            for offset, reason in hits.malformed:
                self.malformed[reason] += 1
                if self.kept_malformed < KEPT_MALFORMED:
                    self.kept_malformed += 1
                    lines = block.split("\n") if lines is None else lines
                    self._write(b"m", [self.number + offset + 1, reason, mask(lines[offset])])
        self.number += line_count

    def _add_hits(self, hits: Hits) -> None:
        if not hits.addresses:
            return
        instants = hits.instants
        if not all(map(_is_usual, (min(instants), max(instants)))):
            self._add_hits(self._without_odd_days(hits))
            return
        self.front_count += sum(map(self.fronts.__getitem__, hits.addresses))
        bots = list(map(self.bots.__getitem__, hits.agents))
        owners = list(map(self.find_owner, hits.addresses))
        kept = [i for i, (bot, owner) in enumerate(zip(bots, owners, strict=True)) if bot or owner]
        self._count_hours(instants, kept)
        for i in kept:
            told = (hits.addresses[i], instants[i], hits.requests[i], hits.statuses[i], hits.sizes[i], hits.agents[i])
            self._write(b"b", (*told, hits.durations[i] if hits.durations else None))
            bot = bots[i]
            if bot and bot.name_suffixes and bot.operator != owners[i] and len(self.unlisted) < self.most_unlisted:
                self.unlisted[hits.addresses[i]] = None
        of_bots = set(kept)
        self._count_people(hits, of_bots)
        self.entries.add(hits, of_bots)

    def _count_people(self, hits: Hits, kept: set[int]) -> None:
        days = [instant // DAY for instant in hits.instants]
        visits = zip(hits.requests, hits.statuses, hits.sizes, strict=True)
        if min(days) == max(days):
            self.people.add(days[0], (visit for i, visit in enumerate(visits) if i not in kept) if kept else visits)
            return
        for i, visit in enumerate(visits):
            if i not in kept:
                self.people.add(days[i], [visit])

    def _without_odd_days(self, hits: Hits) -> Hits:
        """The hits of days that a calendar of ours can have."""
        usual = [i for i, instant in enumerate(hits.instants) if _is_usual(instant)]
        self.odd_day_count += len(hits.instants) - len(usual)
        return Hits(
            addresses=[hits.addresses[i] for i in usual],
            instants=[hits.instants[i] for i in usual],
            requests=[hits.requests[i] for i in usual],
            statuses=[hits.statuses[i] for i in usual],
            sizes=[hits.sizes[i] for i in usual],
            agents=[hits.agents[i] for i in usual],
            durations=[hits.durations[i] for i in usual] if hits.durations else None,
            referrers=[hits.referrers[i] for i in usual] if hits.referrers else None,
            line_count=0,
        )

    def _count_hours(self, instants: Sequence[int], kept: Sequence[int]) -> None:
        if min(instants) // HOUR == max(instants) // HOUR:
            self._hour(instants[0]).add(instants, len(kept))
            return
        for instant in instants:
            self._hour(instant).add((instant,), 0)
        for i in kept:
            self._hour(instants[i]).kept += 1

    def _hour(self, instant: int) -> _Hour:
        found = self.hours.get(instant // HOUR)
        if found is None:
            found = self.hours[instant // HOUR] = _Hour()
        return found

    def finish(self) -> dict[str, Any]:
        """Write what was counted, and tell how much there was."""
        for hour, found in sorted(self.hours.items()):
            self._write(
                b"h", [name_day(hour * HOUR // DAY), hour % 24, found.lines, found.kept, found.first, found.last]
            )
        self.people.put_aside()
        for (day, path, has_query, kind, status), (hits, size, *_) in self.cells.items():
            self._write(b"p", [day, path, bool(has_query), kind, int(status), hits, size])
        for (day, state, url, key, path, tag), (entries, *_) in self.came.items():
            self._write(b"e", [day, state, url, key, path, tag, entries])
        if self.odd_day_count:
            self.malformed["no day of these times"] += self.odd_day_count
        good_count = sum(hour.lines for hour in self.hours.values())
        facts = {
            "line_count": good_count + self.malformed.total(),
            "malformed_count": self.malformed.total(),
            "malformed": dict(self.malformed),
            "front_count": self.front_count,
        }
        self._write(b"n", facts)
        return facts

    def _write(self, letter: bytes, content: Any) -> None:
        self.kept.write(letter + orjson.dumps(content) + b"\n")


def _is_usual(instant: int) -> bool:
    return FIRST_DAY <= instant // DAY + EPOCH < LAST_DAY


def mask(line: str) -> str:
    """A malformed line as it is kept: short, without its first word, what may be an address, and queries."""
    shown = line[: 4 * SHOWN_BYTES].encode("latin-1", "replace").decode("utf-8", "backslashreplace")
    return _MASKED.sub("*", _QUERY.sub("?*", shown))[:SHOWN_BYTES]


def read_kept(kept: IO[bytes]) -> Iterator[tuple[str, Any]]:
    """The lines of what was kept: letter and content."""
    for line in kept:
        yield chr(line[0]), orjson.loads(line[1:])


def at(instant: int) -> datetime:
    """An instant as UTC."""
    return datetime.fromtimestamp(instant, UTC)
