"""The forms of dropped files: which a file has, and its rows.

Reading takes two passes: `recognise` looks at every line, once, and decides what one line alone cannot tell (the order
of day and month, which of two contradicting lines stands); `read` then yields the rows. What is left out, and when
that refuses the file, is for `refusals`; rows that contradict each other are for `contradictions`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from typing import Any

from seo_warehouse.errors import ExportError
from seo_warehouse.exports import disavow, labs
from seo_warehouse.exports.contradictions import find_first
from seo_warehouse.exports.looks import Looks
from seo_warehouse.exports.opening import OpenStream, head_of, is_zip, unzipped
from seo_warehouse.exports.parts import Part, Refusal
from seo_warehouse.exports.refusals import NothingKeptError, Refusals, is_too_much
from seo_warehouse.exports.repeats import Repeats, is_replaced
from seo_warehouse.exports.sheets import Sheet, find_habits, has_rows, identify, outcomes
from seo_warehouse.exports.values import HabitUnknownError
from seo_warehouse.exports.zipped import sheets_of_zip
from seo_warehouse.sources.exports import BACKLINK, RANKING
from seo_warehouse.spec import EXPORTED_AT, Row, Table

LOCATION = "location"
NAMED_COLUMNS = 6

_NAMED_DAY = re.compile(r"(?<!\d)(20\d\d)([-_]?)(\d\d)\2(\d\d)(?!\d)")

Outcomes = Callable[[datetime], Iterable[Row | Refusal]]
"""The rows and refusals of a part, given the instant of the export."""


@dataclass(frozen=True)
class Plan:
    """What reading a part needs to know: its tables of text (none: JSON), and which of its rows are replaced.

    `depth` is that of rank checks which found something and do not say how deep they looked, where the file tells.
    `first` are the first rows that a later one contradicts.
    """

    sheets: tuple[Sheet, ...]
    replaced: bytes
    depth: int | None = None
    first: frozenset[int] = frozenset()


def recognise(name: str, open_stream: OpenStream, written_at: datetime) -> tuple[Part, ...]:
    """What the file holds. `written_at`: when it was written, for forms that do not state the instant of the export.

    Raises ExportError where the file is refused as a whole.
    """
    written_at = written_at.astimezone(UTC)
    if disavow.is_named(name):
        return (disavow.survey(name, open_stream, next(_instants(name, written_at))),)
    latest = written_at.date() + timedelta(days=1)
    head = head_of(open_stream)
    with ExitStack() as stack:
        if is_zip(head):
            entries = stack.enter_context(unzipped(name, open_stream))
            return _parts_of_zip(name, entries, written_at, latest)
        if labs.is_json(head):
            part = _survey(
                name, RANKING, labs.PART, lambda at: _labs_outcomes(name, open_stream, latest, at), written_at
            )
            return (replace(part, plan=replace(part.plan, sheets=())),)
        sheet = identify(name, open_stream, latest)
        return (survey_sheets(name, (sheet,), {"": open_stream}, written_at),)


def read(name: str, open_stream: OpenStream, part: Part) -> Iterator[Row]:
    """The rows of one part that `recognise` found, in the order of the file. Memory does not grow with the file."""
    if part.part == disavow.PART:
        yield from disavow.read_rows(name, open_stream, part.exported_at)
        return
    plan: Plan = part.plan
    with ExitStack() as stack:
        if not plan.sheets:
            latest = part.exported_at.date() + timedelta(days=1)
            found: Iterable[Row | Refusal] = _labs_outcomes(name, open_stream, latest, part.exported_at)
        else:
            is_entry = bool(plan.sheets[0].entry)
            openers = stack.enter_context(unzipped(name, open_stream)) if is_entry else {"": open_stream}
            found = _all_outcomes(name, plan.sheets, openers, part.exported_at)
        rows = (outcome for outcome in found if type(outcome) is dict)
        if plan.depth is not None:
            rows = (_to_depth(row, plan.depth) for row in rows)
        if not plan.replaced:
            yield from rows
        else:
            yield from (row for number, row in enumerate(rows) if not is_replaced(plan.replaced, number))


def survey_sheets(name: str, sheets: tuple[Sheet, ...], openers: dict[str, OpenStream], written_at: datetime) -> Part:
    """The part that some sheets of one table are. Looks for the habits of a sheet as soon as they matter."""
    table, part = sheets[0].form.table, sheets[0].form.part
    try:
        found = _survey(name, table, part, lambda at: _all_outcomes(name, sheets, openers, at), written_at)
        if found.contradicted_count:
            found = _contradicted(name, sheets, openers, found)
    except HabitUnknownError:
        known = tuple(
            replace(s, reading=replace(s.reading, habits=find_habits(_place(name, s), openers[s.entry], s)))
            for s in sheets
        )
        return survey_sheets(name, known, openers, written_at)
    unknown = _left_aside(dict.fromkeys(cell for s in sheets for cell in s.columns.unknown))
    if groups := sum(len(s.passed) for s in sheets):
        unknown = (*unknown, f"{groups:,} lines with the names of groups of keywords are left aside")
    if any(f.name == LOCATION for s in sheets for _, f in s.columns.fields):
        unknown = (*unknown, "of column 'Location' the country is kept")
    encodings = sorted({s.text.encoding for s in sheets if not s.text.encoding.startswith("utf")})
    guessed = tuple(f"read as {e}, a guess: save it as UTF-8 if letters look wrong" for e in encodings)
    return replace(found, notes=(*found.notes, *guessed, *unknown), plan=replace(found.plan, sheets=sheets))


def _left_aside(headings: Iterable[str]) -> tuple[str, ...]:
    named = [repr(heading) for heading in headings]
    if len(named) <= NAMED_COLUMNS:
        return tuple(f"column {heading} is left aside" for heading in named)
    more = len(named) - NAMED_COLUMNS
    return (f"columns {', '.join(named[:NAMED_COLUMNS])} and {more} more are left aside",)


def _contradicted(name: str, sheets: tuple[Sheet, ...], openers: dict[str, OpenStream], found: Part) -> Part:
    """The part with a word about its rows that contradict each other.

    Raises ExportError where they are many, or where a column that is not read tells checks of positions apart.
    """
    placed = [(_place(name, sheet), openers[sheet.entry], sheet) for sheet in _dated(sheets, found.exported_at)]
    first = find_first(placed, found.plan.first, sheets[0].form.table.grain)
    total = found.row_count + found.equal_count + found.contradicted_count
    many = is_too_much(found.contradicted_count, total)
    said = f"{found.contradicted_count:,} of {total:,} rows say otherwise than a later row of the same {first}"
    if first.columns and (many or sheets[0].form.table is RANKING):
        raise ExportError(
            f"{name}: {said}. Column {' or '.join(map(repr, first.columns))} tells them apart, and is not kept: leave"
            " the lines of one value and drop the file again"
        )
    if many:
        raise ExportError(f"{name}: {said}: leave one line of each thing and drop the file again")
    return replace(found, notes=(*found.notes, f"{said}; the later row stands"))


def _dated(sheets: tuple[Sheet, ...], at: datetime) -> Iterator[Sheet]:
    """The sheets with what their rows have of the export's instant."""
    for sheet in sheets:
        constants: dict[str, Any] = {EXPORTED_AT: at}
        if "day" not in sheet.reading.constants:
            constants["day"] = at.date()
        yield sheet.with_constants(**constants)


def _all_outcomes(
    name: str, sheets: tuple[Sheet, ...], openers: dict[str, OpenStream], at: datetime
) -> Iterator[Row | Refusal]:
    for sheet in _dated(sheets, at):
        yield from outcomes(_place(name, sheet), openers[sheet.entry], sheet)


def _place(name: str, sheet: Sheet) -> str:
    return f"{name}/{sheet.entry}" if sheet.entry else name


def _survey(name: str, table: Table, part: str, outcomes_at: Outcomes, written_at: datetime) -> Part:
    """One pass over a part. The day in the file's name is that of the export, unless a row speaks of a later one."""
    for at in _instants(name, written_at):
        found = _pass(name, table, part, outcomes_at(at), at)
        if found.last_day <= at.date() + timedelta(days=1):
            return found
    return found


def _instants(name: str, written_at: datetime) -> Iterator[datetime]:
    days = []
    for year, _, month, day in _NAMED_DAY.findall(name):
        try:
            days.append(date(int(year), int(month), int(day)))
        except ValueError:
            continue
    if days and days[-1] < written_at.date():
        yield datetime.combine(days[-1], datetime.min.time(), UTC)
    yield written_at


class _Depths:
    """How deep the tool looked that made a file of rank checks, where it says so only with what it did not find."""

    def __init__(self) -> None:
        self._least: int | None = None
        self._is_stated = self._is_lacking = False

    def see(self, row: Row) -> None:
        state, depth = row["state"], row["depth"]
        if state == "found":
            self._is_stated |= depth is not None
            self._is_lacking |= depth is None
        elif state == "not_found" and (self._least is None or depth < self._least):
            self._least = depth

    @property
    def of_found(self) -> int | None:
        return self._least if self._is_lacking and not self._is_stated else None


def _to_depth(row: Row, depth: int) -> Row:
    if row["state"] == "found" and row["position"] <= depth:
        row["depth"] = depth
    return row


def _pass(name: str, table: Table, part: str, found: Iterable[Row | Refusal], at: datetime) -> Part:
    grain_of = itemgetter(*table.grain)
    repeats = Repeats()
    depths = _Depths() if table is RANKING else None
    looks = Looks() if table is BACKLINK else None
    refusals = Refusals(name)
    first, last = date.max, date.min
    try:
        see = repeats.see
        for outcome in found:
            if type(outcome) is dict:
                see(grain_of(outcome), tuple(outcome.values()))
                if depths is not None:
                    depths.see(outcome)
                if looks is not None:
                    looks.see(outcome)
                day = outcome["day"]
                if day < first:
                    first = day
                if day > last:
                    last = day
            elif isinstance(outcome, Refusal):
                refusals.see(outcome)
        judged = repeats.judge()
    finally:
        repeats.close()
    refusals.check(repeats.row_count)
    depth = depths.of_found if depths is not None else None
    notes = () if depth is None else (f"what was found is taken to be found among {depth}, as the rest of the file",)
    surveyed = Part(
        table=table.name,
        part=part,
        first_day=first,
        last_day=last,
        exported_at=at,
        row_count=repeats.row_count - judged.equal - judged.contradicted,
        refused=tuple(refusals.kept),
        refused_count=refusals.count,
        equal_count=judged.equal,
        contradicted_count=judged.contradicted,
        notes=(*notes, *refusals.notes),
        plan=Plan((), judged.replaced, depth, judged.first),
    )
    return surveyed if looks is None else looks.finish(surveyed)


def _parts_of_zip(name: str, entries: dict[str, OpenStream], written_at: datetime, latest: date) -> tuple[Part, ...]:
    totals, summaries, notes = sheets_of_zip(name, entries, latest)
    dates = survey_sheets(name, (totals,), entries, written_at)
    parts = [replace(dates, notes=(*dates.notes, *notes))]
    ranged = tuple(
        s.with_constants(day=dates.first_day, last_day=dates.last_day)
        for s in summaries
        if has_rows(_place(name, s), entries[s.entry], s)
    )
    if ranged:
        try:
            parts.append(survey_sheets(name, ranged, entries, written_at))
        except NothingKeptError as error:
            parts[0] = replace(parts[0], notes=(*parts[0].notes, str(error)))
    return tuple(parts)


def _labs_outcomes(name: str, open_stream: OpenStream, latest: date, at: datetime) -> Iterator[Row | Refusal]:
    with open_stream() as stream:
        content = bytearray()
        while len(content) <= labs.MOST_BYTES and (piece := stream.read(1 << 20)):
            content += piece
    if len(content) > labs.MOST_BYTES:
        raise ExportError(f"{name} is JSON of more than {labs.MOST_BYTES:,} bytes: save fewer keywords a file")
    for item in labs.items_of(name, bytes(content), latest):
        if item.row is not None:
            yield {**item.row, EXPORTED_AT: at}
        elif item.reason is not None:
            yield Refusal(item.number, None, item.reason, "")
