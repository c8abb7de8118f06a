"""One table of text: which form its headings have, and its lines as rows or refusals."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import product

from seo_warehouse.errors import ExportError
from seo_warehouse.exports import search_console, strangers
from seo_warehouse.exports.generic import GENERIC
from seo_warehouse.exports.habits import HabitSeeker
from seo_warehouse.exports.layout import Columns, Form, Reading, match, nearest, row_maker
from seo_warehouse.exports.opening import OpenStream, Text, examine, lines_of
from seo_warehouse.exports.parts import Refusal
from seo_warehouse.exports.records import records
from seo_warehouse.exports.search_console import LATEST_LINKS, PERFORMANCE_FORM
from seo_warehouse.exports.values import BearableError, CellError, Habits
from seo_warehouse.exports.vendors import VENDORS
from seo_warehouse.exports.wide import SE_RANKING, WIDE, DayColumn, Layout, group_lines, is_title, layout_of, rows_maker
from seo_warehouse.spec import Row

DELIMITERS = (",", ";", "\t", "|")
HEADING_CHARACTERS = 1 << 16
LONGEST_CONTENT = 500
MOST_BEFORE = 10
"""Lines with content that may stand above the headings: Semrush writes five of them, Moz six."""
CELLS_BEFORE = 2
"""Cells that such a line may have, or a third of the headings': with more, it is a line of headings itself."""
_SEPARATOR_LINE = re.compile(r"sep=(.)", re.IGNORECASE)
_GENERIC_NAME = re.compile(r"[\s-]+")


@dataclass(frozen=True)
class Sheet:
    """A table of text whose form is known. `skipped` records come before its first row, the last of them `headings`.

    `entry` is its name within a zip. `days` are the columns of a wide layout. The lines in `passed` are passed over.
    """

    form: Form
    text: Text
    delimiter: str
    skipped: int
    headings: tuple[str, ...]
    columns: Columns
    reading: Reading
    entry: str = ""
    days: tuple[DayColumn, ...] = ()
    passed: frozenset[int] = frozenset()

    @property
    def width(self) -> int:
        """How many cells its lines have."""
        return len(self.headings)

    def records(self, name: str, open_stream: OpenStream) -> Iterator[tuple[int, list[str], str | None]]:
        """What stands below its headings."""
        found = records(name, open_stream, self.text, self.delimiter, self.skipped)
        return (record for record in found if record[0] not in self.passed) if self.passed else found

    def with_constants(self, **constants: object) -> Sheet:
        """The sheet with these values in every row."""
        reading = replace(self.reading, constants={**self.reading.constants, **constants})
        return replace(self, reading=reading)


@dataclass(frozen=True)
class Heading:
    """What may be the headings of a table, split by one of the delimiters; `before` are the lines above with content.

    `skipped` records end with it.
    """

    delimiter: str
    skipped: int
    row: list[str]
    before: tuple[list[str], ...] = ()


def headings_of(name: str, open_stream: OpenStream, text: Text) -> tuple[Heading, ...]:
    """The first line with content, split by each delimiter. Excel's `sep=;` before it decides."""
    found = tuple(heading for heading in _candidates(open_stream, text) if not heading.before)
    if not found:
        raise ExportError(f"{name} has no line of headings: export it again")
    return found


def _candidates(open_stream: OpenStream, text: Text) -> list[Heading]:
    """The first lines with content, split by each delimiter."""
    with lines_of(open_stream, text) as lines:
        start = lines.read(HEADING_CHARACTERS)
    stated = _SEPARATOR_LINE.fullmatch(start.lstrip("\ufeff").split("\n", 1)[0].strip("\r"))
    found = []
    for delimiter in [stated[1]] if stated and stated[1] in DELIMITERS else DELIMITERS:
        reader = csv.reader(io.StringIO(start, newline=""), delimiter=delimiter, strict=True)
        before: tuple[list[str], ...] = ()
        try:
            for skipped, row in enumerate(reader, start=1):
                if any(cell.strip() for cell in row) and not (stated and skipped == 1):
                    found.append(Heading(delimiter, skipped, row, before))
                    before = (*before, row)
                    if len(before) > MOST_BEFORE:
                        break
        except csv.Error:
            continue
    return found


def identify(name: str, open_stream: OpenStream, latest: date) -> Sheet:
    """The form of a file. Raises ExportError where it has none, or headings that its form has not."""
    text = examine(name, open_stream)
    found = headings_of(name, open_stream, text)
    chosen = _vendor_form(name, found, latest) or _vendor_form(name, _candidates(open_stream, text), latest)
    if chosen is None:
        chosen = _Chosen(*_generic_form(name, found))
    form, heading, layout = chosen.form, chosen.heading, chosen.layout
    columns = match(form, layout.headings if layout else heading.row)
    _check(name, form, heading, columns)
    reading = Reading(Habits(), latest, layout.constants if layout else {})
    days = layout.days if layout else ()
    sheet = Sheet(form, text, heading.delimiter, heading.skipped, tuple(heading.row), columns, reading, days=days)
    if form.part != SE_RANKING.part:
        return sheet
    whole = ((line, cells) for line, cells, problem in sheet.records(name, open_stream) if problem is None)
    return replace(sheet, passed=group_lines(heading.row, whole))


@dataclass(frozen=True)
class _Chosen:
    """The form of a file, by which line of it, and as which wide layout."""

    form: Form
    heading: Heading
    layout: Layout | None = None
    fit: int = 0


def _vendor_form(name: str, found: Iterable[Heading], latest: date) -> _Chosen | None:
    """The form of a vendor whose needed headings are all there, the one with most of them."""
    fitting: list[_Chosen] = []
    for heading in found:
        most = max(CELLS_BEFORE, len(heading.row) // 3)
        if any(sum(map(bool, row)) > most for row in heading.before):
            continue
        for form in (*VENDORS, LATEST_LINKS, PERFORMANCE_FORM, WIDE):
            columns = match(form, heading.row)
            names = {f.name for _, f in columns.fields}
            if columns.missing or (form is PERFORMANCE_FORM and not names & set(search_console.DIMENSIONS)):
                continue
            layout = layout_of(name, heading.row, heading.before, latest) if form is WIDE else None
            if form is WIDE and layout is None:
                continue
            needed = sum(f.is_needed for _, f in columns.fields)
            fitting.append(_Chosen(layout.form if layout else form, heading, layout, needed))
    return max(fitting, key=lambda chosen: chosen.fit, default=None)


def _generic_form(name: str, found: tuple[Heading, ...]) -> tuple[Form, Heading]:
    """The generic form that has all headings, else the one that the file is named after or that they are nearest to.

    Raises ExportError where they are another file's.
    """
    for heading, form in product(found, GENERIC):
        columns = match(form, heading.row)
        if not (columns.missing or columns.unknown or columns.twice):
            return form, heading
    strangers.refuse(name, [heading.row for heading in found])
    base = _GENERIC_NAME.sub("_", name.rpartition("/")[2].casefold())
    named = [form for form in GENERIC if form.prefix and base.startswith(form.prefix)]
    best: tuple[tuple[int, int, int], Form, Heading] | None = None
    for heading in found:
        for form in named or GENERIC:
            columns = match(form, heading.row)
            near = sum(nearest(form, cell) is not None for cell in columns.unknown)
            fit = len(columns.fields) + near - len(columns.missing)
            score = (fit, -len(columns.unknown) if columns.fields else 0, len(heading.row))
            if (named or columns.fields) and (best is None or score > best[0]):
                best = (score, form, heading)
    if best is None or (not named and best[0][0] < 0):
        row = max((heading.row for heading in found), key=len)
        shown = ", ".join(cell.strip()[:30] for cell in row[:12])
        raise ExportError(f"{name}, line 1: the headings {shown!r} are of no form that is known; see docs/exports.md")
    return best[1], best[2]


def _check(name: str, form: Form, heading: Heading, columns: Columns) -> None:
    """Raises ExportError for headings that are missing, stated twice, or, where a person wrote them, not known."""
    place = f"{name}, line {heading.skipped}"
    if columns.twice:
        raise ExportError(f"{place}: heading {columns.twice[0]!r} appears twice: take one of the columns out")
    if not form.is_strict:
        return
    if columns.unknown:
        raise ExportError(f"{place}: {_unknown(form, columns.unknown)}")
    if columns.missing:
        missing = columns.missing[0].headings[0].replace(" ", "_")
        raise ExportError(f"{place}: {form.label} needs a column {missing!r}")


def _unknown(form: Form, unknown: tuple[str, ...]) -> str:
    """All headings that are not known, so that nobody takes out column after column."""
    near = nearest(form, unknown[0])
    if near or len(unknown) == 1:
        meant = f"; did you mean {near.replace(' ', '_')!r}?" if near else f" in {form.label}: take the column out"
        return f"heading {unknown[0][:60]!r} is not known{meant}"
    shown = ", ".join(repr(cell[:30]) for cell in unknown[:MOST_BEFORE])
    known = ", ".join(f.label for f in form.fields)
    return f"headings {shown} are not known in {form.label}, which has {known}: keep those that are meant"


def outcomes(name: str, open_stream: OpenStream, sheet: Sheet) -> Iterator[Row | Refusal]:
    """Each row of the sheet's table, or the reason why a line gives none.

    Raises ExportError where the file cannot be read on, and HabitUnknownError where its habits are needed.
    """
    return (outcome for _, _, outcome in lined_outcomes(name, open_stream, sheet))


def lined_outcomes(name: str, open_stream: OpenStream, sheet: Sheet) -> Iterator[tuple[int, list[str], Row | Refusal]]:
    """Like `outcomes`, each with its line and the cells of it."""
    fallback = sheet.reading.constants.get("day")
    make = row_maker(sheet.form, sheet.columns, sheet.reading)
    make_rows = rows_maker(sheet.form, sheet.columns, sheet.days, sheet.reading) if sheet.days else None
    width = sheet.width
    for line, cells, problem in sheet.records(name, open_stream):
        try:
            if problem is not None:
                raise CellError(problem)
            if len(cells) != width:
                _check_width(name, line, cells, width)
            if make_rows is not None:
                for made in make_rows(cells):
                    yield line, cells, _refusal(sheet, line, cells, made) if isinstance(made, CellError) else made
                continue
            row = make(cells)
            if row["day"] is None:
                row["day"] = fallback
            yield line, cells, row
        except CellError as error:
            yield line, cells, _refusal(sheet, line, cells, error, rows=len(sheet.days) or 1)


def _refusal(sheet: Sheet, line: int, cells: list[str], error: CellError, rows: int = 1) -> Refusal:
    content = sheet.delimiter.join(cells)[:LONGEST_CONTENT].replace("\0", "\ufffd")
    is_borne = isinstance(error, BearableError)
    return Refusal(line, error.column, str(error), content, sheet.entry, rows, is_borne)


def has_rows(name: str, open_stream: OpenStream, sheet: Sheet) -> bool:
    """Whether anything stands below the headings."""
    return next(sheet.records(name, open_stream), None) is not None


def find_habits(name: str, open_stream: OpenStream, sheet: Sheet) -> Habits:
    """Looks through all days and numbers of a sheet for how they are written."""
    seeker = HabitSeeker()
    days = [index for index, f in sheet.columns.fields if f.kind in ("day", "ahead")]
    numbers = [index for index, f in sheet.columns.fields if f.kind in ("number", "percent")]
    for _, cells, _ in sheet.records(name, open_stream):
        if len(cells) == sheet.width:
            for index in days:
                seeker.see_day(cells[index])
            for index in numbers:
                seeker.see_number(cells[index])
    return seeker.habits(sheet.delimiter)


def _check_width(name: str, line: int, cells: list[str], width: int) -> None:
    if is_title(cells):
        raise ExportError(f"{name}, line {line}: another search engine begins here: export each alone")
    if len(cells) < width:
        raise CellError(f"has {len(cells)} cells and the headings {width}: the line was cut")
    if any(cell.strip() for cell in cells[width:]):
        raise CellError(f"has {len(cells)} cells and the headings {width}: quote cells with the separator in them")
