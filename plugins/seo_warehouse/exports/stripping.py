"""A file of outreach without the people in it: what may be kept of it, and nothing else.

Columns of people are dropped but for one, which gets a random id instead. An address that stands anywhere else is
replaced by the id of whom it names. What is written is a table in UTF-8 with the headings of its form; no message says
what a cell holds.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter

from seo_warehouse.errors import ExportError
from seo_warehouse.exports.layout import Reading, match, plain
from seo_warehouse.exports.opening import OpenStream, Text, examine, head_of, is_zip
from seo_warehouse.exports.outreach import NAMED, Named
from seo_warehouse.exports.records import records
from seo_warehouse.exports.sheets import Heading, Sheet, headings_of

Find = Callable[[Mapping[str, str], Mapping[str, str]], str | None]
"""The random id of whom some values name, by kind (id, email, phone, name), given what else is said of them; None where
they name nobody, or somebody who was erased."""
ADDRESS = re.compile(r"[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[\w-]{2,63}")
BROKEN = "?"
"""Stands for a line that cannot be split into the cells of its headings, which reading then refuses."""


@dataclass(frozen=True)
class _Layout:
    """Which form a file has, how its lines are split, and where in a line each of the form's headings is."""

    named: Named
    text: Text
    heading: Heading
    places: Mapping[str, int]


def strip(name: str, open_stream: OpenStream, find: Find) -> Iterator[bytes]:
    """The file without people, in pieces. Raises ExportError where it has no form of outreach, naming no cell."""
    layout = _recognise(name, open_stream)
    named, places = layout.named, layout.places
    kept = [label for label in named.kept if label in places and plain(label) not in named.people]
    number = named.number
    if number is not None and number not in kept:
        kept.append(number)
    id_column = named.id_column if named.id_column in places else None
    headings = [*kept, *([id_column] if id_column else [])]
    counted: Counter[int] = Counter()
    yield _line(headings)
    width = len(layout.heading.row)
    for _, cells, problem in records(name, open_stream, layout.text, layout.heading.delimiter, layout.heading.skipped):
        if problem is not None or len(cells) < width or any(cell.strip() for cell in cells[width:]):
            yield _line([BROKEN])
            continue
        row = {label: _without_addresses(cells[place], find) for label, place in places.items() if label in kept}
        if number is not None and not row.get(number, "").strip():
            same = hash(tuple(row[label].strip().casefold() for label in named.numbered))
            counted[same] += 1
            row[number] = f"#{counted[same]}"
        if id_column:
            about = {label: row[label] for label in named.about if label in row}
            person = find(_people(named, places, cells), about)
            if person is None and named.form is None:
                continue
            row[id_column] = person or ""
        yield _line([row[label] for label in headings])


def is_of_outreach(name: str, head: bytes) -> bool:
    """Whether a file that begins so has a form of outreach."""
    try:
        _recognise(name, lambda: io.BytesIO(head))
    except ExportError:
        return False
    return True


def sheet_of(name: str, open_stream: OpenStream, reading: Reading) -> Sheet | None:
    """The table in a file that `strip` wrote; None where it is of people alone."""
    layout = _recognise(name, open_stream)
    form, heading = layout.named.form, layout.heading
    if form is None:
        return None
    return Sheet(
        form, layout.text, heading.delimiter, heading.skipped, tuple(heading.row), match(form, heading.row), reading
    )


def _recognise(name: str, open_stream: OpenStream) -> _Layout:
    if is_zip(head_of(open_stream)):
        raise ExportError(f"{name} is a zip or a workbook: unpack it, and save each table as CSV UTF-8")
    text = examine(name, open_stream)
    nearly: list[tuple[int, str]] = []
    for heading in headings_of(name, open_stream, text):
        found = [plain(cell) for cell in heading.row]
        for named in NAMED:
            labels = {plain(label): label for label in _labels(named)}
            unknown = sum(cell not in labels for cell in found if cell)
            missing = [label for label in named.required if plain(label) not in found]
            if not unknown and not missing and len(set(found)) == len(found):
                places = {labels[cell]: place for place, cell in enumerate(found) if cell}
                return _Layout(named, text, heading, places)
            common = len({*found} & labels.keys())
            nearly.append((common - unknown, _lacking(named, heading, unknown, missing)))
    _, said = max(nearly, key=itemgetter(0))
    raise ExportError(f"{name}, line 1: {said}; see docs/relationships.md")


def _lacking(named: Named, heading: Heading, unknown: int, missing: list[str]) -> str:
    """What keeps a line of headings from being those of a form, without what it says: it may be a row of people."""
    said = [f"{named.label} needs a column {label!r}" for label in missing]
    if unknown:
        said.append(f"{unknown} of its headings {named.label} has not, which has {', '.join(_labels(named))}")
    return "; ".join(said or [f"a heading of {named.label} appears twice"])


def _labels(named: Named) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*named.kept, *named.people)))


def _people(named: Named, places: Mapping[str, int], cells: list[str]) -> dict[str, str]:
    """What a line says of a person, by kind. An address where an id belongs is an address."""
    found: dict[str, str] = {}
    for label, kind in named.people.items():
        value = cells[places[label]].strip() if label in places else ""
        if value:
            found.setdefault("email" if kind == "id" and ADDRESS.fullmatch(value) else kind, value)
    return found


def _without_addresses(cell: str, find: Find) -> str:
    if "@" not in cell:
        return cell
    return ADDRESS.sub(lambda found: find({"email": found[0]}, {}) or "", cell)


def _line(cells: list[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode("utf-8", "replace")
