"""What one pass over a dropped file finds out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True)
class Refusal:
    """What was left out. `line` counts the file's lines from 1, headings included (of JSON: its items).

    `sheet` is the file within a zip; `content` is cut. `rows` would have come of it at most: a line of a wide layout
    has many. `is_borne`: however many there are, the rest of the file stands.
    """

    line: int
    column: str | None
    reason: str
    content: str
    sheet: str = ""
    rows: int = 1
    is_borne: bool = False

    def __str__(self) -> str:
        place = f"{self.sheet + ', ' if self.sheet else ''}line {self.line}"
        return f"{place}: {self.column + ' ' if self.column else ''}{self.reason}"


@dataclass(frozen=True)
class Part:
    """The rows of one table that a file holds, found by a pass over all of it.

    `part` is vendor and form. `row_count` rows of `first_day..last_day` will be read. `exported_at` is the instant of
    the export, UTC. Of the `refused_count` rows left out `refused` are the first. `equal_count` rows say what a later
    one says; `contradicted_count` say otherwise of the same thing, and the later one stands. `notes` say what was
    left aside. `look_day`: the day that all links of the part are of; where there is none, `no_look` says why. `plan`
    is what reading needs to know of the file.
    """

    table: str
    part: str
    first_day: date
    last_day: date
    exported_at: datetime
    row_count: int
    refused: tuple[Refusal, ...] = ()
    refused_count: int = 0
    equal_count: int = 0
    contradicted_count: int = 0
    notes: tuple[str, ...] = ()
    look_day: date | None = None
    no_look: str | None = None
    plan: Any = None
