"""A file of a log as blocks of whole lines: plain, gzip or zstd, members in a row too; memory stays flat.

Lines are cut at the line feed and nowhere else: no quote, NUL or odd separator carries a broken line into the next.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from os import SEEK_END
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
_ZSTD = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = b"\x2a\x4d\x18"
"""The end of the mark of a frame that holds no data."""
_LARGEST_HEADER = 18


def read_blocks(path: Path) -> Iterator[tuple[str, int]]:
    """Yield whole lines as latin-1, the last one's end left out, and how many too long ones went before them."""
    return cut_blocks(read_chunks(path))


def cut_blocks(chunks: Iterable[bytes], *, takes_rest: bool = True) -> Iterator[tuple[str, int]]:
    """The same of bytes. `takes_rest`: what stands behind the last line feed is a line too."""
    rest, is_skipping, long_count = b"", False, 0
    for chunk in chunks:
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
    if not takes_rest:
        rest, long_count = b"", long_count - is_skipping
    if rest or long_count:
        yield _decoded(rest), long_count


def _decoded(block: bytes) -> str:
    text = block.decode("latin-1")
    return text.replace("\r\n", "\n").removesuffix("\r") if "\r" in text else text


def read_chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a file, unpacked, some at a time."""
    if not path.is_file():
        raise LogError(
            f"{path.name} is no file that can be read twice: its format is recognised first, then it is read"
        )
    most = max(BORNE, path.stat().st_size * MOST_EXPANDED)
    read = 0
    with path.open("rb") as file:
        try:
            stream = _unpacked(file)
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
    if magic == _ZSTD:
        _check_end(file)
        return cast(BinaryIO, zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True))
    return file


def _check_end(file: BinaryIO) -> None:
    """Walk over a zstd file's frames, since its decompressor takes one that was cut short for a whole one.

    Raises:
        EOFError: the file ends before its last frame does.
    """
    size = file.seek(0, SEEK_END)
    place = 0
    while place < size:
        file.seek(place)
        head = file.read(_LARGEST_HEADER)
        if head[1:4] == _SKIPPABLE:
            place += 8 + int.from_bytes(head[4:8], "little")
            continue
        has_checksum = zstandard.get_frame_parameters(head).has_checksum
        place = _find_last_block(file, place + zstandard.frame_header_size(head)) + 4 * has_checksum
    file.seek(0)
    if place > size:
        raise EOFError("it ends before its end")


def _find_last_block(file: BinaryIO, place: int) -> int:
    """The end of the last block of a frame whose first begins here."""
    while True:
        file.seek(place)
        head = file.read(3)
        if len(head) < 3:
            raise EOFError("it ends before its end")
        number = int.from_bytes(head, "little")
        # A block of one repeated byte is that byte, whatever its size.
        place += 3 + (1 if number >> 1 & 3 == 1 else number >> 3)
        if number & 1:
            return place
