"""What a form is: its headings, and how the cells below them become a row.

Headings are compared without regard to case, blanks and underscores.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from operator import getitem, itemgetter
from typing import Any, Literal

from seo_warehouse.exports import dates, values
from seo_warehouse.exports.values import CellError, Convert, Habits
from seo_warehouse.spec import Row, Table

Finish = Callable[[Row], Row]
"""Makes of the values of a form's fields the values of its table's columns. Raises CellError."""

Kind = Convert | Literal["day", "ahead", "number", "percent"]
"""How a cell becomes a value; those by name depend on the file's habits. `ahead`: a day that may be to come."""
_SEPARATORS = re.compile(r"[\s_\u00a0\u202f]+")
REMEMBERED = 1 << 12
LONGEST_REMEMBERED = 200
"""Cells and characters of cells: what was understood once is looked up, without letting a file fill memory."""
NEAR = 0.75
"""difflib's likeness (0-1) from which an unknown heading is taken for a misspelt one."""
LATEST = date(2099, 12, 31)


@dataclass(frozen=True)
class Field:
    """One column of a file. `headings`: what it is called; `filled`: a row without a value there is refused.

    `is_needed`: a file without that column is not of this form.
    """

    name: str
    kind: Kind
    headings: tuple[str, ...]
    is_needed: bool = False
    filled: bool = False

    label: str = ""
    """The first of its headings as it was written here."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", self.label or self.headings[0])
        object.__setattr__(self, "headings", tuple(plain(heading) for heading in self.headings))


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form of file. `part` is vendor and form; `label` is how people call it.

    `left_aside`: headings that are known and not kept. `is_strict`: a heading that is not known refuses the file, since
    a person wrote it; a vendor's new column is left aside and noted. `prefix`: file names of this form begin with it.
    """

    part: str
    label: str
    table: Table
    fields: tuple[Field, ...]
    left_aside: frozenset[str] = frozenset()
    finish: Finish | None = None
    is_strict: bool = False
    prefix: str | None = None

    def field_of(self, heading: str) -> Field | None:
        """The field with that plain heading."""
        return next((f for f in self.fields if heading in f.headings), None)

    def known(self) -> list[str]:
        """All plain headings of the form."""
        return [heading for f in self.fields for heading in f.headings] + sorted(self.left_aside)


@dataclass(frozen=True)
class Columns:
    """Which column of one file holds which field; `unknown` are headings that no field has."""

    fields: tuple[tuple[int, Field], ...]
    unknown: tuple[str, ...] = ()
    missing: tuple[Field, ...] = ()
    twice: tuple[str, ...] = ()


def plain(heading: str) -> str:
    """A heading as it is compared."""
    return _SEPARATORS.sub(" ", heading.replace("\ufeff", "").strip().strip("\"'")).strip().casefold()


def headings(*names: str) -> frozenset[str]:
    """Plain headings, as `Form.left_aside` takes them."""
    return frozenset(map(plain, names))


def match(form: Form, row: list[str]) -> Columns:
    """The form's fields in a row of headings."""
    fields: dict[str, tuple[int, Field]] = {}
    unknown, twice = [], []
    for index, heading in enumerate(row):
        name = plain(heading)
        found = form.field_of(name)
        if found is None:
            if name and name not in form.left_aside:
                unknown.append(heading.strip())
        elif found.name in fields:
            twice.append(heading.strip())
        else:
            fields[found.name] = (index, found)
    missing = [f for f in form.fields if f.is_needed and f.name not in fields]
    return Columns(tuple(fields.values()), tuple(unknown), tuple(missing), tuple(twice))


def nearest(form: Form, heading: str) -> str | None:
    """The form's heading that an unknown one was probably meant to be."""
    found = get_close_matches(plain(heading), form.known(), n=1, cutoff=NEAR)
    return found[0] if found else None


class _Memory(dict[str, Any]):
    """Values by cell; a cell that is not understood is never kept."""

    def __init__(self, convert: Convert, column: str, *, filled: bool) -> None:
        super().__init__()
        self._convert, self._column, self._filled = convert, column, filled

    def __missing__(self, cell: str) -> Any:
        try:
            value = self._convert(cell)
        except CellError as error:
            error.column = self._column
            raise
        if value is None and self._filled:
            raise CellError("is empty", self._column)
        if len(cell) <= LONGEST_REMEMBERED:
            if len(self) >= REMEMBERED:
                self.clear()
            self[cell] = value
        return value


@dataclass(frozen=True)
class Reading:
    """What reading the rows of one file needs beside its columns."""

    habits: Habits
    latest: date
    constants: Mapping[str, Any] = field(default_factory=dict)


def row_maker(form: Form, columns: Columns, reading: Reading) -> Callable[[list[str]], Row]:
    """A function from the cells of a line to a row of the form's table.

    It raises CellError where a cell is not understood, and HabitUnknownError where the file's habits are needed.
    """
    names = [f.name for _, f in columns.fields]
    memories = [_Memory(converter(f.kind, reading), f.name, filled=f.filled) for _, f in columns.fields]
    everything = (*(column.name for column in form.table.columns), *(f.name for f in form.fields))
    rest = {name: reading.constants.get(name) for name in everything if name not in names}
    indices = [index for index, _ in columns.fields]
    pick: Callable[[list[str]], Iterable[str]] = (
        itemgetter(*indices) if len(indices) > 1 else lambda c: (c[indices[0]],)
    )
    width = 1 + max(indices)
    finish = form.finish

    def make(cells: list[str]) -> Row:
        if len(cells) < width:
            raise CellError(f"has {len(cells)} cells, fewer than the headings: the line was cut")
        # All of it runs in C: a loop over the columns takes twice as long.
        row: Row = dict(zip(names, map(getitem, memories, pick(cells)), strict=True))
        row |= rest
        return row if finish is None else finish(row)

    return make


def converter(kind: Kind, reading: Reading) -> Convert:
    """The function that makes a value of a cell of that kind."""
    if kind == "day":
        return dates.day(reading.habits, reading.latest)
    if kind == "ahead":
        return dates.day(reading.habits, LATEST)
    if kind == "number":
        return values.number(reading.habits)
    if kind == "percent":
        return values.percent(reading.habits)
    return kind
