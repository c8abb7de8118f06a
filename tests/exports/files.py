"""Files of exports, made in memory, and what is read of them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, BinaryIO

from seo_warehouse.exports.forms import read, recognise
from seo_warehouse.exports.parts import Part

WRITTEN = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


class Drip(io.RawIOBase):
    """A stream that cannot seek and gives a few bytes at a time, as one that is decompressed may."""

    def __init__(self, content: bytes, piece: int = 1 << 16) -> None:
        self._stream, self._piece = io.BytesIO(content), piece

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._stream.read(min(len(buffer), self._piece))
        buffer[: len(piece)] = piece
        return len(piece)


def opener(content: bytes, piece: int = 1 << 16) -> Callable[[], BinaryIO]:
    return lambda: Drip(content, piece)  # type: ignore[return-value]


def parts_of(name: str, content: bytes | str, written_at: datetime = WRITTEN) -> tuple[Part, ...]:
    return recognise(name, opener(content.encode() if isinstance(content, str) else content), written_at)


def part_of(name: str, content: bytes | str, written_at: datetime = WRITTEN) -> Part:
    (part,) = parts_of(name, content, written_at)
    return part


def rows_of(name: str, content: bytes | str, written_at: datetime = WRITTEN) -> list[dict[str, Any]]:
    """All rows of a file that is one part."""
    content = content.encode() if isinstance(content, str) else content
    (part,) = recognise(name, opener(content), written_at)
    rows = list(read(name, opener(content), part))
    assert len(rows) == part.row_count
    return rows


def zipped(entries: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()
