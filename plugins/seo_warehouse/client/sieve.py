"""A packed file too large to be kept: read once, line by line; what a sieve lets through is kept in its place."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator

import orjson

from seo_warehouse.client.unpacking import Unpacker
from seo_warehouse.errors import BudgetError, MalformedAnswerError

MAX_BYTES = 32 * 2**30
"""Of the packed file: the ranks of all domains of the web are some 4 GB."""
MAX_SECONDS = 6 * 3600.0
MAX_LINE_BYTES = 1_000_000
MAX_KEPT_BYTES = 256 * 2**20

Sieve = Callable[[Iterator[bytes]], Iterable[bytes]]
"""Of the lines of a file, those to keep, verbatim. ValueError or IndexError: a line is not of the documented form."""


def sift(chunks: Iterable[bytes], sieve: Sieve) -> bytes:
    """A JSON document of the kept lines of a gzip file, with its number of lines and bytes, and its SHA-256.

    Raises PackedWrongError, BudgetError, MalformedAnswerError.
    """
    digest, byte_count, line_count, kept_bytes = hashlib.sha256(), 0, 0, 0

    def lines() -> Iterator[bytes]:
        nonlocal byte_count, line_count
        unpacker, rest = Unpacker("gzip"), b""
        for chunk in chunks:
            byte_count += len(chunk)
            digest.update(chunk)
            for piece in unpacker.feed(chunk):
                *whole, rest = (rest + piece).split(b"\n")
                line_count += len(whole)
                yield from whole
                if len(rest) > MAX_LINE_BYTES:
                    raise MalformedAnswerError(f"line {line_count + 1} is longer than {MAX_LINE_BYTES:,} bytes")
        unpacker.end()
        if rest:
            line_count += 1
            yield rest

    kept: list[str] = []
    try:
        for line in sieve(lines()):
            kept_bytes += len(line)
            if kept_bytes > MAX_KEPT_BYTES:
                raise BudgetError(f"more than {MAX_KEPT_BYTES:,} bytes would be kept")
            kept.append(line.decode("utf-8", "replace"))
    except (ValueError, IndexError):
        raise MalformedAnswerError(
            f"a line of the file, of {byte_count:,} bytes so far, is not as documented"
        ) from None
    facts = {"line_count": line_count, "byte_count": byte_count, "sha256": digest.hexdigest()}
    return orjson.dumps({**facts, "lines": kept})
