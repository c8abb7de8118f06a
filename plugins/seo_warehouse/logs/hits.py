"""What a line of any log says, and lines column by column."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from seo_warehouse.logs.memo import Memo

LARGEST_SIZE = 10**18
"""Of bytes; no answer is as large, and sums of many that are would not fit 64 bits."""
_DURATION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
SECOND, MILLISECOND, MICROSECOND = 1_000_000, 1_000, 1
"""In microseconds."""
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")


class Hit(NamedTuple):
    """One request. Texts are latin-1, as bytes were in the file."""

    address: str
    instant: int
    """Seconds since 1970, UTC."""
    request: str
    """Method, URL and protocol as logged; what is not three words is an odd request, and a good line."""
    status: int
    size: int
    agent: str
    duration: int | None = None
    """Microseconds that the answer took, where that is logged."""
    referrer: str | None = None
    """As logged, a dash or nothing where the browser sent none; None where it is not logged."""


@dataclass(frozen=True, slots=True)
class Hits:
    """The lines of a block that were understood, column by column, and those that were not."""

    addresses: Sequence[str]
    instants: Sequence[int]
    requests: Sequence[str]
    statuses: Sequence[int]
    sizes: Sequence[int]
    agents: Sequence[str]
    durations: Sequence[int | None] | None
    """None where the format does not log them."""
    referrers: Sequence[str | None] | None
    """None where no line of the block logs one."""
    line_count: int
    """All that were read, blank ones and directives too."""
    malformed: Sequence[tuple[int, str]] = ()
    """Number of the line in its block, from 0, and the reason."""


Parser = Callable[[str], Hit | str | None]
"""A line's hit, the reason why it has none, or nothing where it is blank or a directive."""
Reader = Callable[[str], Iterable[Hits]]
"""The hits of a block of lines."""


def read_by_line(parse: Parser, lines: Sequence[str], first: int = 0) -> Hits:
    """Read line by line; the first line has this number."""
    hits: list[Hit] = []
    malformed: list[tuple[int, str]] = []
    for number, line in enumerate(lines, first):
        found = parse(line)
        if isinstance(found, Hit):
            hits.append(found)
        elif found is not None:
            malformed.append((number, found))
    return Hits(
        addresses=[hit.address for hit in hits],
        instants=[hit.instant for hit in hits],
        requests=[hit.request for hit in hits],
        statuses=[hit.status for hit in hits],
        sizes=[hit.size for hit in hits],
        agents=[hit.agent for hit in hits],
        durations=[hit.duration for hit in hits],
        referrers=[hit.referrer for hit in hits] if any(hit.referrer is not None for hit in hits) else None,
        line_count=len(lines),
        malformed=malformed,
    )


def _read_address(text: str) -> str | None:
    """An address in one form, or a host name; None where the text is neither."""
    text = text.removeprefix("\n").partition("%")[0]
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            packed = socket.inet_pton(family, text)
        except (OSError, ValueError):
            continue
        if packed[:12] == b"\0" * 10 + b"\xff\xff":
            return socket.inet_ntop(socket.AF_INET, packed[12:])
        return socket.inet_ntop(family, packed)
    return text.lower() if _HOST.fullmatch(text) and not text.replace(".", "").isdecimal() else None


def _read_status(text: str) -> int | None:
    return int(text) if len(text) == 3 and text.isascii() and text.isdecimal() else None


def _read_size(text: str) -> int | None:
    if text in ("-", ""):
        return 0
    try:
        size = int(text) if text.isascii() and text.isdecimal() else LARGEST_SIZE
    except ValueError:  # thousands of digits
        return None
    return size if size < LARGEST_SIZE else None


ADDRESSES: Memo[str | None] = Memo(_read_address, most=100_000)
STATUSES: Memo[int | None] = Memo(_read_status, most=1000)


def read_duration(text: str, unit: int) -> int | None:
    """How long an answer took, in microseconds; None where nothing sensible is said, which makes no line malformed."""
    return round(float(text) * unit) if _DURATION.fullmatch(text) else None


def make_hit(
    address: str,
    instant: int | None,
    request: str,
    status: str,
    size: str,
    agent: str,
    duration: int | None = None,
    referrer: str | None = None,
) -> Hit | str:
    """The hit that these fields make, or the reason why they make none."""
    known, code = ADDRESSES[address], STATUSES[status]
    if known is None:
        return "no address"
    if instant is None:
        return "no time"
    if code is None:
        return "no status"
    count = _read_size(size)
    return "no size" if count is None else Hit(known, instant, request, code, count, agent, duration, referrer)
