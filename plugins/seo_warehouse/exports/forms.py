"""The forms of dropped files: which a file has, and its rows.

Reading takes two passes: `recognise` looks at every line, once, and decides what one line alone cannot tell (the order
of day and month, which of two contradicting lines stands); `read` then yields the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import BinaryIO

from seo_warehouse.errors import ExportError
from seo_warehouse.exports.parts import Part
from seo_warehouse.spec import Row

OpenStream = Callable[[], BinaryIO]


def recognise(name: str, open_stream: OpenStream, written_at: datetime) -> tuple[Part, ...]:
    """What the file holds. `written_at`: when it was written, for forms that do not state the instant of the export.

    Raises ExportError where the file is refused as a whole.
    """
    raise ExportError(f"{name}: no form is known")


def read(name: str, open_stream: OpenStream, part: Part) -> Iterator[Row]:
    """The rows of one part that `recognise` found, in the order of the file. Memory does not grow with the file."""
    yield from ()
