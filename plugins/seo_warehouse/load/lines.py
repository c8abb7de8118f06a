"""Rows as lines of PostgreSQL's COPY, in its text format.

https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS

Lines are made here and not by psycopg's `write_row`, which takes several times as long. Some hundred rows are written
at once, column by column: what is asked of a value is mostly asked of all of them in one call, as whether they are
texts without anything to escape, or finite numbers. URLs, dates and instants come again and again, so each is checked,
normalised and written once and then found. Only where a value does not fit are the rows written one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from functools import partial
from math import isfinite
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from seo_warehouse.errors import LoadError
from seo_warehouse.ledger.text import mend
from seo_warehouse.load import stored
from seo_warehouse.load.schema import stored_columns
from seo_warehouse.spec import Row, Table, Type
from seo_warehouse.urls import identity

NULL = r"\N"
KNOWN_CELLS = 1 << 14
"""Of a column, before all are forgotten: some 5 MB."""
LONGEST_KNOWN = 500
"""Characters; a few monsters must not fill memory."""

_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_REPEATED = (Type.URL, Type.DATE, Type.INSTANT)
"""Types whose equal values are one cell: 1, 1.0 and True are equal too, so no number is among them."""
_Cells = Callable[[Sequence[Any]], Iterable[str]]


class _Plain(NamedTuple):
    """What is asked of all values of a column at once, and how they are then written. There is one value at least."""

    type: type
    are_fit: Callable[[Sequence[Any]], bool]
    write: _Cells


def _within(bits: int) -> Callable[[Sequence[int]], bool]:
    limit = 1 << (bits - 1)
    return lambda numbers: -limit <= min(numbers) and max(numbers) < limit


def _numbers(values: Sequence[float]) -> list[str]:
    """The shortest decimals that are these numbers: as `repr` finds them, in a fifth of its time."""
    return orjson.dumps(values).decode()[1:-1].split(",")


def _are_plain(texts: Sequence[str]) -> bool:
    """Whether nothing in them is escaped, or cannot be stored; a pattern would take ten times as long."""
    together = " ".join(texts)
    if any(special in together for special in "\\\t\n\r\0"):
        return False
    try:
        return together.isascii() or bool(together.encode())
    except UnicodeEncodeError:
        return False


_PLAIN = {
    Type.TEXT: _Plain(str, _are_plain, lambda texts: texts),
    Type.INTEGER: _Plain(int, _within(32), _numbers),
    Type.BIGINT: _Plain(int, _within(64), _numbers),
    Type.FLOAT: _Plain(float, lambda numbers: all(map(isfinite, numbers)), _numbers),
    Type.BOOLEAN: _Plain(bool, lambda _: True, partial(map, "ft".__getitem__)),
}
"""Types whose values can be judged together; of the rest each is judged alone."""


_REST = "%d\t\\N\t\\N\n"
"""The last cells of a row that its columns can hold: its number, `unfit` and `unfit_content`."""


class _Known(dict[Any, str]):
    """Cells of a column by value."""

    def __init__(self, kind: Type) -> None:
        super().__init__({None: _null(kind)})
        self._kind = kind

    def __missing__(self, value: Any) -> str:
        cell = _cell(self._kind, value)
        # Of two instants that differ in `fold` alone, as a zone's do, one would be written as the other.
        if len(cell) <= LONGEST_KNOWN and (self._kind is not Type.INSTANT or isinstance(value.tzinfo, timezone)):
            if len(self) >= KNOWN_CELLS:
                self.clear()
                self[None] = _null(self._kind)
            self[value] = cell
        return cell


@dataclass
class RowEncoder:
    """Turns rows of one table into lines of COPY, in the order of `columns`; counts them."""

    table: Table
    what: str
    row_count: int = 0
    mended: dict[date, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [column.name for column in self.table.columns]
        self._names = set(names)
        self._pick: Callable[[Row], tuple[Any, ...]] = (
            itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)
        )
        self._cells = [_cells_of(column.type) for column in self.table.columns]
        self.columns = (
            *(name for name, _ in stored_columns(self.table.columns)),
            "row_no",
            "unfit",
            "unfit_content",
        )

    def lines(self, rows: Sequence[Row]) -> str:
        """Rows as COPY takes them. Raises LoadError naming the columns that a row lacks or should not have."""
        try:
            picked = list(map(self._pick, rows))
            are_named = set(map(len, rows)) <= {len(self._names)}
        except KeyError:
            are_named = False
        if not are_named:
            raise self._misnamed(rows)
        numbers = range(self.row_count + 1, self.row_count + 1 + len(rows))
        self.row_count += len(rows)
        try:
            columns = [cells(values) for cells, values in zip(self._cells, zip(*picked, strict=True), strict=True)]
            return "".join(map("\t".join, zip(*columns, map(_REST.__mod__, numbers), strict=True)))
        # A list where a URL belongs cannot be looked up.
        except (stored.UnfitError, TypeError):
            return "".join(map(self._mended_line, rows, picked, numbers))

    def _misnamed(self, rows: Sequence[Row]) -> LoadError:
        number, found = next((number, set(row)) for number, row in enumerate(rows, 1) if set(row) != self._names)
        missing, unknown = sorted(self._names - found), sorted(map(repr, found - self._names))
        return LoadError(
            f"{self.what}: row {self.row_count + number} lacks {', '.join(missing) or 'nothing'}"
            f" and has unknown {', '.join(unknown) or 'nothing'}"
        )

    def _mended_line(self, row: Row, values: tuple[Any, ...], number: int) -> str:
        cells: list[str] = []
        unfit: list[str] = []
        is_mended = False
        for value, column in zip(values, self.table.columns, strict=True):
            try:
                cells.append(_null(column.type) if value is None else _cell(column.type, value))
            except stored.UnmendedError:
                cells.append(_cell(column.type, mend(value)))
                is_mended = True
            except stored.UnfitError:
                cells.append(_null(column.type))
                unfit.append(f"unstorable_{column.name}")
        if is_mended and not unfit:
            self.mended[row["day"]] = self.mended.get(row["day"], 0) + 1
        names = f"{{{','.join(unfit)}}}" if unfit else NULL
        content = _escaped(stored.as_json(row)) if unfit else NULL
        return "\t".join((*cells, str(number), names, content)) + "\n"


def _cells_of(kind: Type) -> _Cells:
    """From a column's values, None among them, to its cells. Raises UnfitError, or TypeError for one without a hash."""
    if kind in _REPEATED:
        known = _Known(kind)
        return lambda values: map(known.__getitem__, values)
    plain = _PLAIN.get(kind)

    def cells(values: Sequence[Any]) -> Iterable[str]:
        there = [value for value in values if value is not None] if None in values else values
        if plain and set(map(type, there)) == {plain.type} and plain.are_fit(there):
            written = plain.write(there)
        else:
            written = map(partial(_cell, kind), there)
        if there is values:
            return written
        ahead = iter(written)
        return [NULL if value is None else next(ahead) for value in values]

    return cells


def _null(kind: Type) -> str:
    return "\t".join((NULL, NULL, NULL)) if kind is Type.URL else NULL


def _cell(kind: Type, value: Any) -> str:
    """A value as its column's cell; of a URL its three. Raises UnfitError."""
    held = stored.CONVERTERS[kind](value)
    if kind is Type.URL:
        found = identity(held)
        companions = (NULL, NULL) if found is None else (_escaped(found.url), _escaped(found.domain))
        return "\t".join((_escaped(held), *companions))
    if isinstance(held, str):
        return _escaped(held)
    if isinstance(held, bool):
        return "t" if held else "f"
    if isinstance(held, date | datetime):
        return held.isoformat()
    return str(held)


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES) if _SPECIAL.search(text) else text
