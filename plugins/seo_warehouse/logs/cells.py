"""Counts by key in bounded memory: what is too much is put aside in sorted runs, which are merged as they are read."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import ExitStack
from functools import reduce
from itertools import groupby
from operator import itemgetter
from tempfile import TemporaryFile
from typing import IO, Self

import orjson

LARGEST = 2**62
"""Of a sum: what a log says of sizes may be anything, and PostgreSQL's integers end."""
MOST = 100_000
"""Cells that are held in memory: some 60 MB of long URLs."""

Key = tuple[str, ...]
Counts = tuple[int, int, int, int, int, int]
"""Hits, bytes, first and last instant, microseconds, and how many hits say these."""
NO_TIMES = (0, 0, 0, 0)
"""Instants and durations of people's visits, of which none are kept."""


class Cells:
    """Sums of hits by key. To be closed, as `with Cells() as cells` does: its runs are files."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._held: dict[Key, Counts] = {}
        self._runs: list[IO[bytes]] = []
        self._files = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def add(self, key: Key, counts: Counts) -> None:
        """Add to a cell."""
        found = self._held.get(key)
        self._held[key] = counts if found is None else _added(found, counts)
        if found is None and len(self._held) >= self._most:
            self._put_aside()

    def items(self) -> Iterator[tuple[Key, Counts]]:
        """Every cell once, by key."""
        held = iter(sorted(self._held.items()))
        merged = heapq.merge(held, *map(_read, self._runs), key=itemgetter(0))
        for key, same in groupby(merged, key=itemgetter(0)):
            yield key, reduce(_added, (counts for _, counts in same))

    def _put_aside(self) -> None:
        run = self._files.enter_context(TemporaryFile())  # noqa: SIM115  it is: the stack closes it
        run.writelines(orjson.dumps(cell) + b"\n" for cell in sorted(self._held.items()))
        self._runs.append(run)
        self._held.clear()


def _read(run: IO[bytes]) -> Iterator[tuple[Key, Counts]]:
    run.seek(0)
    for line in run:
        key, counts = orjson.loads(line)
        yield tuple(key), tuple(counts)


def _added(one: Counts, other: Counts) -> Counts:
    return (
        one[0] + other[0],
        min(LARGEST, one[1] + other[1]),
        min(one[2], other[2]),
        max(one[3], other[3]),
        min(LARGEST, one[4] + other[4]),
        one[5] + other[5],
    )
