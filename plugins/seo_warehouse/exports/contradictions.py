"""Rows of one file that say otherwise of the same thing: where they stand, and what tells them apart.

A vendor's export does not contradict itself. Where rows do, what tells them apart is probably in a column that is not
read: a tracker's two cities are no two days of one city.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from seo_warehouse.exports.layout import plain
from seo_warehouse.exports.opening import OpenStream
from seo_warehouse.exports.sheets import Sheet, lined_outcomes

MOST_COLUMNS = 3
_NUMBER = re.compile(r"[-+]?[\d.,]*%?")

Placed = tuple[str, OpenStream, Sheet]


@dataclass(frozen=True)
class First:
    """The first rows of which a later one says otherwise: their grain, lines, and the columns that tell them apart."""

    grain: tuple[str, ...]
    line: int
    later_line: int
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return f"{', '.join(self.grain).replace('_', ' ')}, the first in lines {self.line} and {self.later_line}"


@dataclass
class _Group:
    """The lines that speak of one thing."""

    lines: list[int] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)
    cells: list[tuple[str, ...]] = field(default_factory=list)


def find_first(placed: list[Placed], rows: frozenset[int], grain: tuple[str, ...]) -> First:
    """What is to be said of the rows with these numbers, in two passes over the file."""
    grain_of = itemgetter(*grain)
    numbered = enumerate(row for _, _, row in _rows(placed))
    wanted = {grain_of(row) for number, row in numbered if number in rows}
    groups: dict[Any, _Group] = defaultdict(_Group)
    for sheet, (line, cells), row in _rows(placed):
        if (key := grain_of(row)) in wanted:
            groups[key].lines.append(line)
            groups[key].cells.append(tuple(cells))
            groups[key].columns |= _unread(sheet, groups[key].cells)
    ordered = sorted(groups.values(), key=lambda group: group.lines[0])
    told = [heading for heading in _headings(placed) if all(heading in group.columns for group in ordered)]
    lines = sorted(set(ordered[0].lines))
    return First(grain, lines[0], lines[-1], tuple(told[:MOST_COLUMNS]))


def _rows(placed: list[Placed]) -> Iterable[tuple[Sheet, tuple[int, list[str]], dict[str, Any]]]:
    for place, open_stream, sheet in placed:
        for line, cells, outcome in lined_outcomes(place, open_stream, sheet):
            if type(outcome) is dict:
                yield sheet, (line, cells), outcome


def _unread(sheet: Sheet, lines: list[tuple[str, ...]]) -> set[str]:
    """Headings of columns that are not kept and differ among the lines.

    Neither those that describe what the lines speak of, as a keyword's tags, nor numbers: these are measured.
    """
    kept = {column.name for column in sheet.form.table.columns}
    read = {index for index, f in sheet.columns.fields if f.name in kept}
    read |= {index for day in sheet.days for index in (day.index, day.kind, day.url) if index is not None}
    return {
        heading
        for index, heading in enumerate(sheet.headings)
        if heading and index not in read and plain(heading) not in sheet.form.left_aside
        if _tell_apart({line[index].strip() for line in lines})
    }


def _tell_apart(cells: set[str]) -> bool:
    return len(cells) > 1 and not all(_NUMBER.fullmatch(cell) for cell in cells)


def _headings(placed: list[Placed]) -> list[str]:
    return list(dict.fromkeys(heading for _, _, sheet in placed for heading in sheet.headings))
