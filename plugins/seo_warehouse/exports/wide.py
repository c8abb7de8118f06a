"""Rank trackers' wide layouts: a line a keyword, and a column for each day that it was checked.

A cell is the position on that day; empty or `No data`: not checked. `>100` and `100+` say that it was not found among
so many; a dash that it was not found among as many as column Depth states, or the vendor.

SE Ranking's file begins with a line that names the search engine. Semrush's has the site and the day in each heading,
and beside each position its kind and its page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from seo_warehouse.errors import ExportError
from seo_warehouse.exports import dates, places, values
from seo_warehouse.exports.generic import Beyond, finish_ranking, rank
from seo_warehouse.exports.habits import HabitSeeker
from seo_warehouse.exports.layout import Columns, Field, Form, Reading, headings, plain, row_maker
from seo_warehouse.exports.values import BearableError, CellError
from seo_warehouse.sources.exports import RANKING
from seo_warehouse.spec import Row

NOT_CHECKED = "no data"
ORGANIC = "organic"
SEMRUSH_DEPTH = 100
"""https://www.semrush.com/kb/20-position-tracking-overview: a dash is a position beyond the first 100."""
GROUP_URL, GROUP_VOLUME = "url", "search vol."
_TITLE = re.compile(r"(\w+) (.+?)(?: \((.+)\))?, interface language: (.+)")
_SITE_DAY = re.compile(r"(.+)_(20\d{6})(?:_(type|landing))?")


@dataclass(frozen=True)
class DayColumn:
    """The column of a day's positions, and those of their kinds and pages where there are any."""

    index: int
    day: date
    kind: int | None = None
    url: int | None = None


def _to_country(row: Row) -> Row:
    """The warehouse tells checks apart by country, and of a finer place keeps that."""
    location = row.pop("location")
    if row["country"] is None and location is not None:
        row["country"] = places.country_of_location(location)
    return row


WIDE = Form(
    part="rank_tracker_wide",
    label="a rank tracker's table, one column a day",
    table=RANKING,
    finish=_to_country,
    fields=(
        Field("keyword", values.text, ("Keyword", "Keywords"), is_needed=True, filled=True),
        Field("engine", places.engine, ("Engine", "Search engine")),
        Field("country", places.country, ("Country",)),
        Field("location", values.text, ("Location",)),
        Field("language", places.language, ("Language",)),
        Field("device", places.device, ("Device",)),
        Field("depth", values.integer, ("Depth",)),
    ),
    left_aside=headings(
        *("Volume", "Search volume", "Search vol.", "Tags", "Labels", "Group", "URL", "Landing page", "Dynamics"),
        *("Map", "Change", "Content Score", "Website SERP Features", "Found SERP Features"),
    ),
)
SE_RANKING = replace(WIDE, part="se_ranking_positions", label="SE Ranking, Rankings: Detailed")
SEMRUSH_TRACKING = replace(
    WIDE,
    part="semrush_position_tracking",
    label="Semrush, Position Tracking: Overview",
    left_aside=headings("Tags", "Intents", "CPC", "Search Volume", "Keyword Difficulty"),
)
FORMS = (WIDE, SE_RANKING, SEMRUSH_TRACKING)


@dataclass(frozen=True)
class Layout:
    """Which wide layout a line of headings has. `headings` has blanks where a column belongs to a day."""

    form: Form
    days: tuple[DayColumn, ...]
    headings: list[str]
    constants: Mapping[str, Any]


def layout_of(name: str, row: list[str], before: Iterable[list[str]], latest: date) -> Layout | None:
    """The wide layout of a line of headings below some others; None where no heading is a day.

    Raises ExportError where it has the days of several sites, or one of them twice.
    """
    tracked = _of_sites(name, row)
    days = tracked or _dated(row, latest)
    if not days:
        return None
    if len({column.day for column in days}) < len(days):
        raise ExportError(f"{name} has two columns of one day: take one of them out")
    title = _title(before)
    form = SEMRUSH_TRACKING if tracked else SE_RANKING if title else WIDE
    taken = {index for column in days for index in (column.index, column.kind, column.url)}
    kept = ["" if index in taken or (tracked and _is_difference(cell)) else cell for index, cell in enumerate(row)]
    constants = {"engine": "google", "depth": SEMRUSH_DEPTH} if tracked else title
    return Layout(form, days, kept, constants)


def is_title(row: list[str]) -> bool:
    """Whether a line is the one with which SE Ranking begins a search engine's keywords."""
    return bool(_title([row]))


def group_lines(row: list[str], lines: Iterable[tuple[int, list[str]]]) -> frozenset[int]:
    """The lines of a file of SE Ranking that are names of groups of keywords, and no keywords.

    Such a line has `--` for its URL and the search volume of all lines below it, up to the next one.
    """
    names = list(map(plain, row))
    if not {GROUP_URL, GROUP_VOLUME} <= set(names):
        return frozenset()
    url, volume = names.index(GROUP_URL), names.index(GROUP_VOLUME)
    found: set[int] = set()
    head, stated, total = 0, 0, 0
    for line, cells in (*lines, (0, [])):
        is_head = len(cells) == len(row) and cells[url].strip() == "--"
        if (is_head or not cells) and head and total == stated > 0:
            found.add(head)
        if is_head:
            head, stated, total = line, _whole(cells[volume]), 0
        elif len(cells) == len(row):
            total += _whole(cells[volume])
    return frozenset(found)


def _whole(cell: str) -> int:
    value = _known(values.integer, cell)
    return value if isinstance(value, int) else 0


def _dated(row: list[str], latest: date) -> tuple[DayColumn, ...]:
    """The columns whose headings are days. CellError where nothing tells their days from their months."""
    seeker = HabitSeeker()
    for heading in row:
        seeker.see_day(heading)
    convert = dates.day(seeker.habits(","), latest)
    found = []
    for index, heading in enumerate(row):
        if any(character.isdigit() for character in heading):
            try:
                day = convert(heading)
            except CellError:
                continue
            if day is not None:
                found.append(DayColumn(index, day))
    return tuple(found)


def _of_sites(name: str, row: list[str]) -> tuple[DayColumn, ...]:
    """The columns whose headings are Semrush's: the site, the day, and what is told of both."""
    found: dict[tuple[str, date], dict[str, int]] = {}
    for index, heading in enumerate(row):
        parts = _SITE_DAY.fullmatch(heading.strip())
        if parts and (day := _day(parts[2])):
            found.setdefault((parts[1], day), {})[parts[3] or "position"] = index
    days = {key: columns for key, columns in found.items() if "position" in columns}
    sites = sorted({site for site, _ in days})
    if len(sites) > 1:
        raise ExportError(f"{name} has positions of {len(sites)} sites ({', '.join(sites[:5])}): export that of one")
    return tuple(
        DayColumn(columns["position"], day, columns.get("type"), columns.get("landing"))
        for (_, day), columns in days.items()
    )


def _day(digits: str) -> date | None:
    try:
        return date.fromisoformat(digits)
    except ValueError:
        return None


def _is_difference(heading: str) -> bool:
    return heading.strip().endswith("_difference")


def _title(before: Iterable[list[str]]) -> dict[str, Any]:
    """The search engine that a line above the headings names: `Google Germany, interface language: German`."""
    for row in before:
        cells = [cell.strip() for cell in row if cell.strip()]
        if len(cells) == 1 and (parts := _TITLE.fullmatch(cells[0].strip("\ufeff"))):
            engine, country, location, language = parts.groups()
            return {
                "engine": places.engine(engine),
                "country": places.country_of_location(country) or places.country_of_location(location or ""),
                "language": _known(places.language, language),
            }
    return {}


def _known(convert: values.Convert, cell: str) -> Any:
    try:
        return convert(cell)
    except CellError:
        return None


def rows_maker(
    form: Form, columns: Columns, days: tuple[DayColumn, ...], reading: Reading
) -> Callable[[list[str]], list[Row | CellError]]:
    """A function from the cells of a line to one row, or the reason why there is none, for each day that was checked.

    It raises CellError where the line as a whole is not understood.
    """
    make = row_maker(form, columns, reading)
    width = 1 + max(column.index for column in days)

    def make_rows(cells: list[str]) -> list[Row | CellError]:
        if len(cells) < width:
            raise CellError(f"has {len(cells)} cells, fewer than the headings: the line was cut")
        base = make(cells)
        rows: list[Row | CellError] = []
        for column in days:
            try:
                row = _check(base, cells, column)
                if row is not None:
                    rows.append(row)
            except CellError as error:
                rows.append(type(error)(f"{error.column or 'position'} {error}", column.day.isoformat()))
        return rows

    return make_rows


def _check(base: Row, cells: list[str], column: DayColumn) -> Row | None:
    cell = cells[column.index]
    if cell.strip().lower() == NOT_CHECKED:
        return None
    position = rank(cell)
    if position is None:
        return None
    if position == Beyond(None) and base["depth"] is None:
        raise BearableError("is empty: not found among how many results? Add a column Depth that says it", "depth")
    if column.kind is not None and (kind := cells[column.kind].strip().lower()) not in ("", ORGANIC):
        raise BearableError(f"is that of {values.shown(kind)}, and only ranks among organic results are kept")
    row = {**base, "day": column.day, "position": position}
    if column.url is not None:
        row["url"] = values.url(cells[column.url])
    return finish_ranking(row)
