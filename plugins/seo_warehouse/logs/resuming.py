"""Where reading a log goes on: known by its beginning and by what stands before the place, never by name or inode.

So a log that is rotated, renamed, packed, copied or delivered twice is read once; one that was truncated and begins
anew is another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from seo_warehouse.errors import LogError
from seo_warehouse.logs.lines import read_chunks

LINE_FEED = 10
SHOWN = 4096
"""Bytes by which the beginning of a log, and what stands before a place in it, are known."""
LENGTHS = (*range(16, 512, 16), 512, 1024, 2048, SHOWN)
"""Bytes of a beginning that are compared: so a copy is known that is shorter than what was read since."""
MOST_HEAD = 4 * SHOWN
"""Bytes that are looked at for a beginning, the lines that name columns included."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A place up to which a log was read.

    `fingerprint` is the log's, the same at all of its places. `heads` are lengths and hashes of its beginning, as
    much of it as was there; `directive` is the line that names the columns.
    """

    fingerprint: str
    heads: tuple[str, ...]
    to_byte: int
    tail_sha256: str
    directive: str | None = None


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where to go on in a file. `checkpoint` is None at the beginning of a log that nobody knows."""

    from_byte: int = 0
    checkpoint: Checkpoint | None = None


def find_start(path: Path, known: Iterable[Checkpoint]) -> Start | None:
    """Where a file goes on; None where all of it was read, under whatever name.

    Raises:
        LogError: it begins as a log that was read and goes on otherwise.
    """
    head = _read_head(path)
    first = _hash_heads(head)[:1]
    # A stream may have logs by the ten thousand, and few begin alike.
    alike = [(point, _begins_as(head, point.heads)) for point in known if point.heads[:1] == first]
    others = {point.fingerprint for point, is_same in alike if not is_same}
    of_this = [point for point, is_same in alike if is_same and point.fingerprint not in others]
    if not of_this:
        return Start()
    size, tails = _read_tails(path, {point.to_byte for point in of_this})
    reached = [point for point in of_this if tails.get(point.to_byte) == point.tail_sha256]
    for point in sorted(reached, key=lambda point: -point.to_byte):
        later = [p.to_byte for p, _ in alike if p.fingerprint == point.fingerprint and p.to_byte > point.to_byte]
        if not later:
            return Start(from_byte=point.to_byte, checkpoint=point) if size > point.to_byte else None
        if min(later) > size:
            return None  # an older copy of what was read since
    if all(point.to_byte > size for point in of_this):
        return None
    raise LogError(f"{path.name} begins as a log that was read, and goes on otherwise: a log is only ever added to")


def _begins_as(head: bytes, heads: tuple[str, ...]) -> bool:
    """Whether a beginning is that of a log, as far as both are there."""
    shared = [(length, known) for length, known in map(_split, heads) if length <= len(head)]
    return bool(shared) and all(_hash(head[:length])[:8] == known for length, known in shared)


def _hash_heads(head: bytes) -> tuple[str, ...]:
    lengths = sorted({length for length in LENGTHS if length <= len(head)} | {len(head)})
    return tuple(f"{length}:{_hash(head[:length])[:8]}" for length in lengths)


def _split(head: str) -> tuple[int, str]:
    length, _, known = head.partition(":")
    return int(length), known


def _read_head(path: Path) -> bytes:
    head = b""
    for chunk in read_chunks(path):
        head += chunk
        if len(head) >= MOST_HEAD:
            break
    return _own(head)[:SHOWN]


def _own(head: bytes) -> bytes:
    """A beginning without the lines that name columns: all logs of a server begin with these."""
    while head.startswith(b"#"):
        head = head.partition(b"\n")[2]
    return head


def _read_tails(path: Path, places: set[int]) -> tuple[int, dict[int, str]]:
    """The size of a file, unpacked, and the hash of what stands before each of these places."""
    waiting = sorted(places)
    tails: dict[int, str] = {}
    size, before = 0, b""
    for chunk in read_chunks(path):
        while waiting and waiting[0] <= size + len(chunk):
            place = waiting.pop(0)
            tails[place] = _hash((before + chunk[: place - size])[-SHOWN:])
        before = (before + chunk)[-SHOWN:]
        size += len(chunk)
    return size, tails


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Reached:
    """Passes on the bytes of a log from a place, and knows afterwards how far whole lines reach.

    `takes_rest`: the log has ended, and a last line without an end is one.
    """

    def __init__(self, chunks: Iterator[bytes], start: Start, *, takes_rest: bool) -> None:
        self._chunks, self._start, self._takes_rest = chunks, start, takes_rest
        self._head = self._tail = self._rest = b""
        self._size = self._rest_size = 0

    def read(self) -> Iterator[bytes]:
        """The bytes from the place on. A line whose first part was taken for a whole one is left out."""
        is_within_line = False
        for chunk in self._chunks:
            self._head += chunk if len(self._head) < MOST_HEAD else b""
            fresh = chunk[max(0, self._start.from_byte - self._size) :]
            if 0 < self._start.from_byte - self._size <= len(chunk):
                is_within_line = chunk[self._start.from_byte - self._size - 1] != LINE_FEED
            self._see(chunk)
            if is_within_line and fresh:
                end = fresh.find(b"\n")
                fresh = fresh[end + 1 :] if end >= 0 else b""
                is_within_line = end < 0
            if fresh:
                yield fresh

    def _see(self, chunk: bytes) -> None:
        self._size += len(chunk)
        end = chunk.rfind(b"\n") + 1
        if end:
            self._tail = (self._tail + self._rest + chunk[:end])[-SHOWN:]
            self._rest, self._rest_size = chunk[end:][-SHOWN:], len(chunk) - end
        else:
            self._rest, self._rest_size = (self._rest + chunk)[-SHOWN:], self._rest_size + len(chunk)

    def checkpoint(self, directive: str | None) -> Checkpoint | None:
        """The place that was reached; None where that is where it began."""
        to_byte = self._size if self._takes_rest else self._size - self._rest_size
        if to_byte <= self._start.from_byte:
            return None
        tail = (self._tail + self._rest)[-SHOWN:] if self._takes_rest else self._tail
        known = self._start.checkpoint
        head = _own(self._head[:to_byte])[:SHOWN]
        return Checkpoint(
            fingerprint=known.fingerprint if known else _hash(head),
            heads=_hash_heads(head),
            to_byte=to_byte,
            tail_sha256=_hash(tail),
            directive=directive,
        )
