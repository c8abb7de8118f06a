"""What was worked out once, by text, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

V = TypeVar("V")

LONGEST = 500
"""Characters of a text that is remembered: one who sends long ones that never return fills no memory."""


class Memo(dict[str, V]):
    """A function of a text that remembers its values; full, it forgets all of them at once."""

    def __init__(self, work: Callable[[str], V], most: int) -> None:
        super().__init__()
        self._work, self._most = work, most

    def __missing__(self, text: str) -> V:
        value = self._work(text)
        if len(text) <= LONGEST:
            if len(self) >= self._most:
                self.clear()
            self[text] = value
        return value
