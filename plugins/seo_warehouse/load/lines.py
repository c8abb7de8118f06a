"""Rows as lines of PostgreSQL's COPY, in its text format.

https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS

A line is made here and not by psycopg's `write_row`, which takes several times as long: most texts, URLs and dates of a
column come again and again, so each is checked, normalised and written once and then found.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from operator import call, itemgetter
from typing import Any

from seo_warehouse.errors import LoadError
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
_REPEATED = (Type.TEXT, Type.URL, Type.DATE, Type.INSTANT)
"""Types whose equal values are one cell: 1, 1.0 and True are equal too, so no number is among them."""


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
        self._encoders = [_encoder(column.type) for column in self.table.columns]
        self.columns = (
            *(name for name, _ in stored_columns(self.table.columns)),
            "row_no",
            "unfit",
            "unfit_content",
        )

    def line(self, row: Row) -> str:
        """One row as COPY takes it. Raises LoadError naming the columns that are missing or unknown."""
        if row.keys() != self._names:
            missing, unknown = sorted(self._names - row.keys()), sorted(map(repr, row.keys() - self._names))
            raise LoadError(
                f"{self.what}: row {self.row_count + 1} lacks {', '.join(missing) or 'nothing'}"
                f" and has unknown {', '.join(unknown) or 'nothing'}"
            )
        self.row_count += 1
        values = self._pick(row)
        try:
            cells = list(map(call, self._encoders, values))
        # A list where a text belongs cannot be looked up.
        except (stored.UnfitError, TypeError):
            return self._mended_line(row, values)
        return "\t".join(cells) + f"\t{self.row_count}\t\\N\t\\N\n"

    def _mended_line(self, row: Row, values: tuple[Any, ...]) -> str:
        cells: list[str] = []
        unfit: list[str] = []
        is_mended = False
        for value, column in zip(values, self.table.columns, strict=True):
            try:
                cells.append(_null(column.type) if value is None else _cell(column.type, value))
            except stored.UnmendedError:
                cells.append(_cell(column.type, stored.mend(value)))
                is_mended = True
            except stored.UnfitError:
                cells.append(_null(column.type))
                unfit.append(f"unstorable_{column.name}")
        if is_mended and not unfit:
            self.mended[row["day"]] = self.mended.get(row["day"], 0) + 1
        names = f"{{{','.join(unfit)}}}" if unfit else NULL
        content = _escaped(stored.as_json(row)) if unfit else NULL
        return "\t".join((*cells, str(self.row_count), names, content)) + "\n"


def _encoder(kind: Type) -> Callable[[Any], str]:
    """From a value, or None, to its cell. Raises UnfitError, and TypeError where the value has no hash."""
    if kind in _REPEATED:
        return _Known(kind).__getitem__
    convert = stored.CONVERTERS[kind]
    if kind in (Type.JSON, Type.TEXTS):
        return lambda value: NULL if value is None else _escaped(convert(value))
    if kind is Type.BOOLEAN:
        return lambda value: NULL if value is None else "t" if convert(value) else "f"
    return lambda value: NULL if value is None else str(convert(value))


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
