"""Rows of one file that say the same thing twice, found without keeping the rows.

For each row two 64-bit hashes go to a temporary file: of its grain, and of all of it. They are then compared a share
of the grains at a time. Memory is a bit for each row, and what one share takes.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

BUFFERED = 1 << 15
SHARE = 1 << 17
"""Rows that are compared at a time."""


FIRST = 20
"""Contradicted rows that are named."""


@dataclass(frozen=True)
class Judgement:
    """Which rows say what others say.

    `replaced` has one bit for each row, set where a later row takes its place. `equal` of these say the same,
    `contradicted` say otherwise, and `first` are the first of the latter.
    """

    replaced: bytes
    equal: int
    contradicted: int
    first: frozenset[int]


class Repeats:
    """Collects the rows of one table of a file; `close` releases the temporary file."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # it lives as long as the pass
        self._buffer = array("q")
        self.row_count = 0
        """Rows seen; known once they are judged."""

    def see(self, grain: Hashable, row: Hashable) -> None:
        buffer = self._buffer
        buffer.append(hash(grain))
        buffer.append(hash(row))
        if len(buffer) >= BUFFERED:
            self._flush()

    def close(self) -> None:
        self._file.close()

    def judge(self) -> Judgement:
        self._flush()
        replaced = np.zeros(self.row_count, dtype=bool)
        equal = contradicted = 0
        first: list[int] = []
        shares = self.row_count // SHARE + 1
        for share in range(shares):
            rows, grains, contents = self._of_share(share, shares)
            order = np.argsort(grains, kind="stable")
            rows, grains, contents = rows[order], grains[order], contents[order]
            # A row is replaced by the next one of its grain; the last of them stands.
            earlier = np.flatnonzero(grains[:-1] == grains[1:])
            replaced[rows[earlier]] = True
            otherwise = rows[earlier][contents[earlier] != contents[earlier + 1]]
            equal += len(earlier) - len(otherwise)
            contradicted += len(otherwise)
            first = sorted([*first, *np.sort(otherwise)[:FIRST].tolist()])[:FIRST]
        bits = np.packbits(replaced).tobytes() if equal + contradicted else b""
        return Judgement(bits, equal, contradicted, frozenset(first))

    def _flush(self) -> None:
        self.row_count += len(self._buffer) // 2
        self._buffer.tofile(self._file)
        del self._buffer[:]

    def _of_share(self, share: int, shares: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        self._file.seek(0)
        rows, grains, contents = [], [], []
        first = 0
        while piece := self._file.read(SHARE * 16):
            pairs = np.frombuffer(piece, dtype=np.int64).reshape(-1, 2)
            mine = np.flatnonzero(pairs[:, 0] % shares == share)
            rows.append(mine + first)
            grains.append(pairs[mine, 0])
            contents.append(pairs[mine, 1])
            first += len(pairs)
        if not rows:
            empty = np.zeros(0, dtype=np.int64)
            return empty, empty, empty
        return np.concatenate(rows), np.concatenate(grains), np.concatenate(contents)


def is_replaced(replaced: bytes, row: int) -> bool:
    """Whether the bit of that row, counted from 0, is set; no bits at all: none is."""
    return bool(replaced) and bool(replaced[row >> 3] & (128 >> (row & 7)))
