"""What one pass over a dropped file finds out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True)
class Refusal:
    """A row that was left out. `line` counts the file's lines from 1, headings included; `content` is cut."""

    line: int
    column: str | None
    reason: str
    content: str


@dataclass(frozen=True)
class Part:
    """The rows of one table that a file holds, found by a pass over all of it.

    `part` is vendor and form. `row_count` rows of `first_day..last_day` will be read. `exported_at` is the instant of
    the export, UTC. `refused` are the rows left out. `equal_count` rows were said before in the same words;
    `contradicted_count` were contradicted by a later line of the file, which stands. `notes` say what was repaired or
    left aside. `plan` is what reading needs to know of the file.
    """

    table: str
    part: str
    first_day: date
    last_day: date
    exported_at: datetime
    row_count: int
    refused: tuple[Refusal, ...] = ()
    equal_count: int = 0
    contradicted_count: int = 0
    notes: tuple[str, ...] = ()
    plan: Any = None
