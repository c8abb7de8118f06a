"""One table of text: which form its headings have, and its lines as rows or refusals."""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain

from seo_warehouse.errors import ExportError
from seo_warehouse.exports import search_console
from seo_warehouse.exports.generic import GENERIC
from seo_warehouse.exports.layout import Columns, Form, Reading, match, nearest, row_maker
from seo_warehouse.exports.opening import LONGEST_LINE, OpenStream, Text, examine, lines_of
from seo_warehouse.exports.parts import Refusal
from seo_warehouse.exports.search_console import LATEST_LINKS, PERFORMANCE_FORM, SUMMARIES, TOTALS
from seo_warehouse.exports.values import CellError, Habits, HabitSeeker
from seo_warehouse.exports.vendors import VENDORS
from seo_warehouse.exports.wide import WIDE, days_of, rows_maker
from seo_warehouse.spec import Row

DELIMITERS = (",", ";", "\t", "|")
HEADING_CHARACTERS = 1 << 16
LONGEST_CONTENT = 500
BLOCK = 1 << 16
KEPT_BLOCKS = LONGEST_LINE // BLOCK + 3
MOST_BROKEN = 1_000
"""Lines whose quotes are not closed, each of which may cost a look through `csv.field_size_limit()` characters."""
_SEPARATOR_LINE = re.compile(r"sep=(.)", re.IGNORECASE)
_GENERIC_NAME = re.compile(r"[\s-]+")


@dataclass(frozen=True)
class Sheet:
    """A table of text whose form is known. `skipped` records come before its first row.

    `entry` is its name within a zip. `days` are the columns of a wide layout.
    """

    form: Form
    text: Text
    delimiter: str
    skipped: int
    width: int
    columns: Columns
    reading: Reading
    entry: str = ""
    days: tuple[tuple[int, date], ...] = ()

    def with_constants(self, **constants: object) -> Sheet:
        """The sheet with these values in every row."""
        reading = replace(self.reading, constants={**self.reading.constants, **constants})
        return replace(self, reading=reading)


@dataclass(frozen=True)
class Heading:
    """The headings of a table, split by one of the delimiters."""

    delimiter: str
    skipped: int
    row: list[str]


def headings_of(name: str, open_stream: OpenStream, text: Text) -> tuple[Heading, ...]:
    """The first line with content, split by each delimiter. Excel's `sep=;` before it decides."""
    with lines_of(open_stream, text) as lines:
        start = lines.read(HEADING_CHARACTERS)
    stated = _SEPARATOR_LINE.fullmatch(start.lstrip("\ufeff").split("\n", 1)[0].strip("\r"))
    found = []
    for delimiter in [stated[1]] if stated and stated[1] in DELIMITERS else DELIMITERS:
        reader = csv.reader(io.StringIO(start, newline=""), delimiter=delimiter, strict=True)
        try:
            for skipped, row in enumerate(reader, start=1):
                if any(cell.strip() for cell in row) and not (stated and skipped == 1):
                    found.append(Heading(delimiter, skipped, row))
                    break
        except csv.Error:
            continue
    if not found:
        raise ExportError(f"{name} has no line of headings: export it again")
    return tuple(found)


def identify(name: str, open_stream: OpenStream, latest: date) -> Sheet:
    """The form of a file. Raises ExportError where it has none, or headings that its form has not."""
    text = examine(name, open_stream)
    found = headings_of(name, open_stream, text)
    chosen = _vendor_form(found, latest)
    if chosen is None:
        _refuse_undated(name, found)
        chosen = _generic_form(name, found)
    form, heading = chosen
    days = days_of(heading.row, latest) if form is WIDE else ()
    row = heading.row
    if days:
        row = ["" if index in dict(days) else cell for index, cell in enumerate(row)]
    columns = match(form, row)
    _check(name, form, heading, columns)
    return Sheet(
        form, text, heading.delimiter, heading.skipped, len(row), columns, Reading(Habits(), latest), days=days
    )


def _vendor_form(found: Iterable[Heading], latest: date) -> tuple[Form, Heading] | None:
    """The form of a vendor whose needed headings are all there, the one with most of them."""
    fitting: list[tuple[int, Form, Heading]] = []
    for heading in found:
        for form in (*VENDORS, LATEST_LINKS, PERFORMANCE_FORM, WIDE):
            columns = match(form, heading.row)
            names = {f.name for _, f in columns.fields}
            if columns.missing or (form is PERFORMANCE_FORM and not names & set(search_console.DIMENSIONS)):
                continue
            if form is WIDE and not days_of(heading.row, latest):
                continue
            fitting.append((sum(f.is_needed for _, f in columns.fields), form, heading))
    if not fitting:
        return None
    _, form, heading = max(fitting, key=lambda fit: fit[0])
    return form, heading


def _generic_form(name: str, found: Iterable[Heading]) -> tuple[Form, Heading]:
    """The generic form that the file is named after, else the one that its headings are nearest to."""
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


def _refuse_undated(name: str, found: Iterable[Heading]) -> None:
    for heading in found:
        if search_console.compares(heading.row):
            raise ExportError(f"{name} compares two ranges of days: export one range")
        if any(not match(form, heading.row).missing for form in (TOTALS, *SUMMARIES.values())):
            raise ExportError(
                f"{name} is one sheet of Search Console's export, and does not say what the others do"
                " (which days, which filters): drop the whole zip"
            )


def _check(name: str, form: Form, heading: Heading, columns: Columns) -> None:
    """Raises ExportError for headings that are missing, stated twice, or, where a person wrote them, not known."""
    place = f"{name}, line {heading.skipped}"
    if columns.twice:
        raise ExportError(f"{place}: heading {columns.twice[0]!r} appears twice: take one of the columns out")
    if not form.is_strict:
        return
    for cell in columns.unknown:
        near = nearest(form, cell)
        meant = f"; did you mean {near.replace(' ', '_')!r}?" if near else f" in {form.label}: take the column out"
        raise ExportError(f"{place}: heading {cell[:60]!r} is not known{meant}")
    if columns.missing:
        missing = columns.missing[0].headings[0].replace(" ", "_")
        raise ExportError(f"{place}: {form.label} needs a column {missing!r}")


def outcomes(name: str, open_stream: OpenStream, sheet: Sheet) -> Iterator[Row | Refusal]:
    """Each row of the sheet's table, or the reason why a line gives none.

    Raises ExportError where the file cannot be read on, and HabitUnknownError where its habits are needed.
    """
    fallback = sheet.reading.constants.get("day")
    make = row_maker(sheet.form, sheet.columns, sheet.reading)
    make_rows = rows_maker(sheet.columns, sheet.days, sheet.reading) if sheet.days else None
    width = sheet.width
    for line, cells, problem in _records(name, open_stream, sheet):
        try:
            if problem is not None:
                raise CellError(problem)
            if len(cells) != width:
                _check_width(cells, width)
            if make_rows is not None:
                yield from (
                    _refusal(sheet, line, cells, made) if isinstance(made, CellError) else made
                    for made in make_rows(cells)
                )
                continue
            row = make(cells)
            if row["day"] is None:
                row["day"] = fallback
            yield row
        except CellError as error:
            yield _refusal(sheet, line, cells, error, rows=len(sheet.days) or 1)


def _refusal(sheet: Sheet, line: int, cells: list[str], error: CellError, rows: int = 1) -> Refusal:
    content = sheet.delimiter.join(cells)[:LONGEST_CONTENT].replace("\0", "\ufffd")
    return Refusal(line, error.column, str(error), content, sheet.entry, rows)


def has_rows(name: str, open_stream: OpenStream, sheet: Sheet) -> bool:
    """Whether anything stands below the headings."""
    return next(_records(name, open_stream, sheet), None) is not None


def find_habits(name: str, open_stream: OpenStream, sheet: Sheet) -> Habits:
    """Looks through all days and numbers of a sheet for how they are written."""
    seeker = HabitSeeker()
    days = [index for index, f in sheet.columns.fields if f.kind == "day"]
    numbers = [index for index, f in sheet.columns.fields if f.kind in ("number", "percent")]
    for _, cells, _ in _records(name, open_stream, sheet):
        if len(cells) == sheet.width:
            for index in days:
                seeker.see_day(cells[index])
            for index in numbers:
                seeker.see_number(cells[index])
    return seeker.habits(sheet.delimiter)


class _Lines:
    """Lines of a text, in blocks; `record` is set to the line of each record that they become.

    A record for which block after block is needed would fill memory. The lines of the last record can be had again.
    """

    def __init__(self, name: str, text: io.TextIOWrapper) -> None:
        self._name, self._text = name, text
        self._kept: deque[tuple[int, list[str]]] = deque(maxlen=KEPT_BLOCKS)
        self._broken_count = 0
        self.record = 0

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._blocks())

    def again(self, first: int, last: int) -> list[str]:
        """Lines that a broken record took with it. Raises ExportError where this happens too often."""
        self._broken_count += 1
        if self._broken_count > MOST_BROKEN:
            raise ExportError(f"{self._name}, line {first}: quotes are not closed, here and in earlier lines")
        return [line for at, block in self._kept for line in block[max(0, first - at) : max(0, last + 1 - at)]]

    def _blocks(self) -> Iterator[list[str]]:
        size, record, at = 0, -1, 1
        while block := self._text.readlines(BLOCK):
            size = size + BLOCK if self.record == record else 0
            if size > LONGEST_LINE:
                raise ExportError(
                    f"{self._name}, line {record}: a row of more than {LONGEST_LINE:,} characters: a quote is never"
                    " closed"
                )
            record = self.record
            self._kept.append((at, block))
            at += len(block)
            yield block


def _records(name: str, open_stream: OpenStream, sheet: Sheet) -> Iterator[tuple[int, list[str], str | None]]:
    """Line, cells and, where the line cannot be split into cells, the reason. Blank lines are passed over.

    A quote that is never closed costs its own line only: those it would swallow are read as if it were not there.
    """
    with lines_of(open_stream, sheet.text) as text:
        lines = _Lines(name, text)
        current, before = iter(lines), 0
        reader = csv.reader(current, delimiter=sheet.delimiter, strict=True)
        try:
            for _ in range(sheet.skipped):
                next(reader)
        except (csv.Error, StopIteration):
            raise ExportError(f"{name}, line {sheet.skipped}: the headings cannot be split into cells") from None
        while True:
            line = before + reader.line_num + 1
            lines.record = line
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                taken = lines.again(line, before + reader.line_num)
                yield line, [taken[0].rstrip("\r\n")], f"cannot be split into cells ({error})"
                current = chain(taken[1:], current)
                reader = csv.reader(current, delimiter=sheet.delimiter, strict=True)
                before = line
                continue
            except UnicodeDecodeError:
                raise ExportError(f"{name}, line {line}: bytes that are no {sheet.text.encoding}") from None
            if any(cells):
                yield line, cells, None


def _check_width(cells: list[str], width: int) -> None:
    if len(cells) < width:
        raise CellError(f"has {len(cells)} cells and the headings {width}: the line was cut")
    if any(cell.strip() for cell in cells[width:]):
        raise CellError(f"has {len(cells)} cells and the headings {width}: quote cells with the separator in them")
