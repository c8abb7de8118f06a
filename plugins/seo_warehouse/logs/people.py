"""Visits of people, summed up by what is kept of them: day, path, a mark for a query, class and class of status."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from seo_warehouse.logs.cells import NO_TIMES, Cells
from seo_warehouse.logs.waste import is_static, read_url

DAY = 86_400
EPOCH = date(1970, 1, 1).toordinal()
MOST_LETTERS = 2_000_000
"""Of requests that are summed up as they are: some megabytes."""


class People:
    """Sums of people's visits: by request and status while they are few, then by what is kept of a request."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self._day: int | None = None
        self._held: dict[tuple[str, int], list[int]] = {}
        self._letters = 0

    def add(self, day: int, visits: Iterable[tuple[str, int, int]]) -> None:
        """Add visits of a day: request, status and size of each."""
        if day != self._day:
            self.put_aside()
            self._day = day
        held = self._held
        for request, status, size in visits:
            found = held.get((request, status))
            if found is None:
                held[request, status] = [1, size]
                self._letters += len(request)
            else:
                found[0] += 1
                found[1] += size
        if self._letters > MOST_LETTERS:
            self.put_aside()

    def put_aside(self) -> None:
        """Cut what is held into pages."""
        if self._day is not None:
            day = name_day(self._day)
            for (request, status), (count, size) in self._held.items():
                self._cells.add((day, *read_page(request), str(status // 100)), (count, size, *NO_TIMES))
        self._held.clear()
        self._letters = 0


def read_page(request: str) -> tuple[str, str, str]:
    """What is kept of a request of somebody who is no bot: path, whether it has a query, and class."""
    url = read_url(request)
    if url is None:
        return ("", "", "odd")
    path, mark, _ = url.partition("?")
    path = path.partition("#")[0]
    return (path, mark, "static" if is_static(path) else "page")


def name_day(number: int) -> str:
    """A day by its number since 1970."""
    return date.fromordinal(EPOCH + number).isoformat()


def day_of(instant: int) -> date:
    """The day of an instant, UTC."""
    return date.fromordinal(EPOCH + instant // DAY)
