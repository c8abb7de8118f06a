"""The combined format, a block at a time.

Where every line of a block has its quotes and spaces where the format has them, the block is cut at all of them at once
and its columns are slices: several times as fast as a pattern for each line. A block that does not come out even is
halved until only the odd lines are left, and these are read by the format's pattern, which decides what is malformed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import sub
from typing import cast

from seo_warehouse.logs.hits import ADDRESSES, LARGEST_SIZE, STATUSES, Hits, Parser, Reader, read_by_line
from seo_warehouse.logs.memo import Memo
from seo_warehouse.logs.times import MOST_TIMES, read_clock, read_offset

FEW = 8
"""Lines that are no longer halved."""
QUOTES = 6
"""Of a line: request, referrer and agent."""
WORDS = 5
"""Of a line before its request: address, identity, user, time and zone."""


def is_plain(line: str) -> bool:
    """Whether a line has nothing after its agent, as the format says."""
    return line.count('"') == QUOTES and line.endswith('"')


def make_block_reader(parse: Parser) -> Reader:
    """A reader of blocks of combined lines; `parse` reads the odd ones."""
    clocks = Memo(lambda text: read_clock(text[1:]) if text[:1] == "[" else None, MOST_TIMES)
    offsets = Memo(lambda text: read_offset(text[:-1]) if text[-1:] == "]" else None, most=1000)

    def read(block: str) -> Iterator[Hits]:
        waiting: list[tuple[int, Sequence[str] | str]] = [(0, block)]
        while waiting:
            first, part = waiting.pop()
            text = part if isinstance(part, str) else "\n".join(part)
            hits = _read_even(text, clocks, offsets)
            if hits is not None:
                yield hits
                continue
            lines = part.split("\n") if isinstance(part, str) else part
            if len(lines) <= FEW:
                yield read_by_line(parse, lines, first)
            else:
                half = len(lines) // 2
                waiting += [(first + half, lines[half:]), (first, lines[:half])]

    return read


def _read_even(block: str, clocks: Memo[int | None], offsets: Memo[int | None]) -> Hits | None:
    """The columns of a block whose lines are all of the plain form; None where one is not."""
    count = block.count("\n") + 1
    pieces = f"\n{block}".split('"')
    if len(pieces) != QUOTES * count + 1 or pieces[-1]:
        return None
    # One character is looked for hundreds of times as fast as two.
    if "\\" in block and '\\"' in block:
        return None
    words = "".join(pieces[0:-1:QUOTES]).split(" ")
    codes = "".join(pieces[2::QUOTES]).split(" ")
    if len(words) != WORDS * count + 1 or len(codes) != 3 * count + 1:
        return None
    if any(codes[0::3]) or pieces[4::QUOTES] != [" "] * count:
        return None
    heads = words[0:-1:WORDS]
    # No address that can be read has more than one end of a line, and that in front: so each has its own, and none
    # stands within a field.
    if "".join(heads).count("\n") != count:
        return None
    addresses = list(map(ADDRESSES.__getitem__, heads))
    instants = _instants(words[3::WORDS], words[4::WORDS], clocks, offsets)
    statuses = list(map(STATUSES.__getitem__, codes[1::3]))
    sizes = _sizes(codes[2::3])
    if instants is None or sizes is None or None in addresses or None in statuses:
        return None
    return Hits(
        cast(list[str], addresses),
        instants,
        pieces[1::QUOTES],
        cast(list[int], statuses),
        sizes,
        pieces[5::QUOTES],
        durations=None,
        referrers=pieces[3::QUOTES],
        line_count=count,
    )


def _instants(
    times: list[str], zones: list[str], clocks: Memo[int | None], offsets: Memo[int | None]
) -> list[int] | None:
    seconds = list(map(clocks.__getitem__, times))
    if None in seconds:
        return None
    before = {zone: offsets[zone] for zone in set(zones)}
    if None in before.values():
        return None
    if not any(before.values()):
        return cast(list[int], seconds)
    return list(map(sub, cast(list[int], seconds), [cast(int, before[zone]) for zone in zones]))


def _sizes(texts: list[str]) -> list[int] | None:
    if not "".join(texts).isdecimal():
        if not all(text == "-" or text.isdecimal() for text in texts):
            return None
        texts = ["0" if text == "-" else text for text in texts]
    try:
        sizes = list(map(int, texts))
    except ValueError:
        return None
    return sizes if max(sizes) < LARGEST_SIZE else None
