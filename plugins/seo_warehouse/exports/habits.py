"""How a file writes what can be written in two ways, found by looking through all of its cells."""

from __future__ import annotations

from typing import Literal

from seo_warehouse.exports.dates import YEAR_LAST, month_of
from seo_warehouse.exports.values import BLANKS, Habits


class HabitSeeker:
    """Looks through cells for those that can be read in one way only, and tells the habit that they show."""

    def __init__(self) -> None:
        self._orders: set[bool] = set()
        self._marks: set[Literal[".", ","]] = set()
        self._months: frozenset[str] | None = None

    def see_day(self, cell: str) -> None:
        parts = YEAR_LAST.fullmatch(cell.strip(BLANKS))
        if parts and parts[2] != ".":
            first, second = int(parts[1]), int(parts[3])
            if first > 12 or second > 12:
                self._orders.add(first > 12)
        elif not parts and (months := month_of(cell)):
            languages = frozenset().union(*months.values())
            self._months = languages if self._months is None else self._months & languages

    def see_number(self, cell: str) -> None:
        value = cell.strip(BLANKS).removesuffix("%").strip(BLANKS)
        points, commas = value.count("."), value.count(",")
        if points and commas:
            self._marks.add("." if value.rfind(".") > value.rfind(",") else ",")
        elif points + commas > 1:
            self._marks.add("," if points else ".")
        elif points + commas == 1:
            mark: Literal[".", ","] = "." if points else ","
            whole, _, rest = value.partition(mark)
            if rest.isdecimal() and (len(rest) != 3 or len(whole) > 3 or not whole.strip("0")):
                self._marks.add(mark)

    def habits(self, delimiter: str) -> Habits:
        """What was seen. A file with semicolons between cells was written where the comma is decimal."""
        fallback: Literal[".", ","] | None = "," if delimiter == ";" and not self._marks else None
        return Habits(
            is_known=True,
            day_first=next(iter(self._orders)) if len(self._orders) == 1 else None,
            decimal=next(iter(self._marks)) if len(self._marks) == 1 else fallback,
            months=self._months,
        )
