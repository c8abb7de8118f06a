"""A rank tracker's wide layout: a line a keyword, and a column for each day that it was checked.

A cell is the position on that day; empty: not checked. `>100` and `100+` say that it was not found among so many; a
dash that it was not found among as many as column depth states.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from seo_warehouse.exports import places, values
from seo_warehouse.exports.generic import finish_ranking, rank
from seo_warehouse.exports.layout import Columns, Field, Form, Reading, headings, row_maker
from seo_warehouse.exports.values import CellError, HabitSeeker
from seo_warehouse.sources.exports import RANKING
from seo_warehouse.spec import Row

WIDE = Form(
    part="rank_tracker_wide",
    label="a rank tracker's table, one column a day",
    table=RANKING,
    fields=(
        Field("keyword", values.text, ("Keyword", "Keywords"), is_needed=True, filled=True),
        Field("engine", places.engine, ("Engine", "Search engine")),
        Field("country", places.country, ("Country",)),
        Field("language", places.language, ("Language",)),
        Field("device", places.device, ("Device",)),
        Field("depth", values.integer, ("Depth",)),
    ),
    left_aside=headings("Volume", "Search volume", "Tags", "Group", "URL", "Landing page"),
)


def days_of(headings_row: list[str], latest: date) -> tuple[tuple[int, date], ...]:
    """The columns whose headings are days. CellError where nothing tells their days from their months."""
    seeker = HabitSeeker()
    for heading in headings_row:
        seeker.see_day(heading)
    convert = values.day(seeker.habits(","), latest)
    found = []
    for index, heading in enumerate(headings_row):
        if any(character.isdigit() for character in heading):
            try:
                day = convert(heading)
            except CellError:
                continue
            if day is not None:
                found.append((index, day))
    return tuple(found)


def rows_maker(
    columns: Columns, days: tuple[tuple[int, date], ...], reading: Reading
) -> Callable[[list[str]], list[Row | CellError]]:
    """A function from the cells of a line to one row, or the reason why there is none, for each day that was checked.

    It raises CellError where the line as a whole is not understood.
    """
    make = row_maker(WIDE, columns, reading)
    width = 1 + max(index for index, _ in days)

    def make_rows(cells: list[str]) -> list[Row | CellError]:
        if len(cells) < width:
            raise CellError(f"has {len(cells)} cells, fewer than the headings: the line was cut")
        base = make(cells)
        rows: list[Row | CellError] = []
        for index, day in days:
            try:
                position = rank(cells[index])
                if position is not None:
                    rows.append(finish_ranking({**base, "day": day, "position": position}))
            except CellError as error:
                rows.append(CellError(f"{error.column or 'position'} {error}", day.isoformat()))
        return rows

    return make_rows
