"""What is left out of a file, and when it is too much.

Rows that cannot be understood are left out and named; where they are more than one in a hundred, the file is refused.
Those that only lack what nobody told, as the name of a country that is not known here, cost no more than themselves.
"""

from __future__ import annotations

from seo_warehouse.errors import ExportError
from seo_warehouse.exports.parts import Refusal

FEW_REFUSED = 10
MOST_REFUSED = 0.01
"""Share of rows; up to `FEW_REFUSED` are borne in any file."""
KEPT_REFUSALS = 10_000
NAMED = 5
"""Reasons of rows left out alone that are said with the file."""


class Refusals:
    """What was left out, and whether it is too much."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.kept: list[Refusal] = []
        self.count = self.borne_count = 0
        self._counted_count = self._lost_count = 0
        self._first: Refusal | None = None
        self._borne: dict[str, Refusal] = {}

    def see(self, refusal: Refusal) -> None:
        self.count += 1
        if refusal.is_borne:
            self.borne_count += 1
            if len(self._borne) < NAMED:
                self._borne.setdefault(refusal.reason, refusal)
        else:
            self._counted_count += 1
            self._lost_count += refusal.rows
            self._first = self._first or refusal
        if len(self.kept) < KEPT_REFUSALS:
            self.kept.append(refusal)

    def check(self, row_count: int) -> None:
        """Raise ExportError where no row can be read, or too many cannot."""
        total = row_count + self._lost_count
        if not row_count and not self.count:
            raise ExportError(f"{self._name} has headings and no rows: export it again")
        if not row_count and self._first is None:
            raise NothingKeptError(f"{self._name}, {self._reasons()}; no row can be kept")
        if self._first and (
            not row_count or (self._counted_count > FEW_REFUSED and self._lost_count > MOST_REFUSED * total)
        ):
            raise ExportError(
                f"{self._name}, {self._first}; {self._lost_count:,} of {total:,} rows cannot be read: mend the export"
                " and drop it again"
            )

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of rows that are left out alone."""
        if not self.borne_count:
            return ()
        rows = "1 row is" if self.borne_count == 1 else f"{self.borne_count:,} rows are"
        return (f"{rows} left out, and the rest stands: {self._reasons()}",)

    def _reasons(self) -> str:
        return "; ".join(map(str, self._borne.values()))


class NothingKeptError(ExportError):
    """Every row of a part is one that costs itself alone."""


def is_too_much(rows: int, total: int) -> bool:
    """Whether so many of all rows refuse their file."""
    return rows > FEW_REFUSED and rows > MOST_REFUSED * total
