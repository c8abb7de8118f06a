"""What people read in a terminal: tables, and nothing that a terminal would obey."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

WIDEST = 60
"""Characters of a column; longer cells are cut, but for the last one of a row."""


_COLOUR = r"\x1b\[(?:0|3[1-6]|90)m"
_OBEYED = re.compile("(" + _COLOUR + ")|[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""Controls of terminals, what turns the order of letters round, and halves of letters; our own colours aside."""


def harmless(text: str) -> str:
    """A text as it may be shown: names of files, words of providers and of pages may hold commands to a terminal."""
    return _OBEYED.sub(lambda found: found[1] or _visible(found[0]), text)


def _visible(character: str) -> str:
    return f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"


def one_line(text: str) -> str:
    """The same of what stands within a line of ours, which it neither ends nor colours."""
    return harmless(re.sub(r"[\t\n\x1b]", lambda found: _visible(found[0]), text))


def say_table(headings: Sequence[str], rows: Sequence[Sequence[Any]], say: Callable[[str], None]) -> None:
    """Say a table line by line."""
    cells = [headings, *[["" if value is None else one_line(str(value)) for value in row] for row in rows]]
    widths = [min(WIDEST, max(len(row[i]) for row in cells)) for i in range(len(headings) - 1)]
    for row in cells:
        padded = [value[:width].ljust(width) for value, width in zip(row, widths, strict=False)]
        say("  ".join((*padded, row[-1])).rstrip())
    if not rows:
        say("(none yet)")
