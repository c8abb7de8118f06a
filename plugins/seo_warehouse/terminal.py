"""Tables as people read them in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

WIDEST = 60
"""Characters of a column; longer cells are cut, but for the last one of a row."""


def say_table(headings: Sequence[str], rows: Sequence[Sequence[Any]], say: Callable[[str], None]) -> None:
    """Say a table line by line."""
    cells = [headings, *[["" if value is None else str(value) for value in row] for row in rows]]
    widths = [min(WIDEST, max(len(row[i]) for row in cells)) for i in range(len(headings) - 1)]
    for row in cells:
        padded = [value[:width].ljust(width) for value, width in zip(row, widths, strict=False)]
        say("  ".join((*padded, row[-1])).rstrip())
    if not rows:
        say("(none yet)")
