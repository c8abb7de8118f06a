"""A file of a log as blocks of whole lines: plain, gzip or zstd, members in a row too; memory stays flat.

Lines are cut at the line feed and nowhere else: no quote, NUL or odd separator carries a broken line into the next.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from seo_warehouse.errors import LogError

BLOCK = 32 * 1024
"""Bytes read at once: a block and all that is cut from it stay in the processor's cache, where larger ones do not."""
LONGEST = 64 * 1024
"""Bytes of a line. Servers refuse requests of more than 8 to 32 KiB; a longer line is no line of a log."""
MOST_EXPANDED = 1000
"""Times of its size that a file may unpack to: real logs do to 10 to 100, and deflate cannot do more than 1032."""
BORNE = 64 * 1024 * 1024
"""Bytes that any file may unpack to, so that a few repeated lines are no bomb."""


def read_blocks(path: Path) -> Iterator[tuple[str, int]]:
    """Yield whole lines as latin-1, the last one's end left out, and how many too long ones went before them."""
    rest, is_skipping, long_count = b"", False, 0
    for chunk in _read_chunks(path):
        if is_skipping:
            end = chunk.find(b"\n")
            if end < 0:
                continue
            chunk, is_skipping = chunk[end + 1 :], False
        end = chunk.rfind(b"\n")
        if end >= 0:
            yield _decoded(rest + chunk[:end]), long_count
            rest, long_count = chunk[end + 1 :], 0
        else:
            rest += chunk
        if len(rest) > LONGEST:
            rest, is_skipping, long_count = b"", True, long_count + 1
    if rest or long_count:
        yield _decoded(rest), long_count


def _decoded(block: bytes) -> str:
    text = block.decode("latin-1")
    return text.replace("\r\n", "\n").removesuffix("\r") if "\r" in text else text


def _read_chunks(path: Path) -> Iterator[bytes]:
    most = max(BORNE, path.stat().st_size * MOST_EXPANDED)
    read = 0
    with path.open("rb") as file, _unpacked(file) as stream:
        try:
            while chunk := stream.read(BLOCK):
                read += len(chunk)
                if read > most:
                    raise LogError(f"{path.name} unpacks to more than {MOST_EXPANDED:,} times its size: it is no log")
                yield chunk
        except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as error:
            raise LogError(f"{path.name} is damaged: {error}") from error


def _unpacked(file: BinaryIO) -> BinaryIO:
    magic = file.read(4)
    file.seek(0)
    if magic[:2] == b"\x1f\x8b":
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if magic == b"\x28\xb5\x2f\xfd":
        return cast(BinaryIO, zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True))
    return file
