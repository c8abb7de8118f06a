"""The zip of Search Console's performance report: one sheet of days, one for each dimension, one of filters.

A filtered report is refused: totals of some queries or pages are no totals of the property. Its sheet of filters has
the type of search and the range of days and nothing else, in any language; the type must be Web.
"""

from __future__ import annotations

import csv
from datetime import date
from itertools import islice

from seo_warehouse.errors import ExportError
from seo_warehouse.exports import search_console
from seo_warehouse.exports.layout import Form, Reading, match, plain
from seo_warehouse.exports.layout import headings as plain_headings
from seo_warehouse.exports.opening import OpenStream, Text, examine, lines_of
from seo_warehouse.exports.search_console import SUMMARIES, TOTALS, WEB
from seo_warehouse.exports.sheets import Heading, Sheet, headings_of
from seo_warehouse.exports.values import Habits

UNFILTERED_ROWS = 2
"""Type of search and range of days; each row is a filter and its value."""
MOST_FILTERS = 100
PAGE_INDEXING = plain_headings("Date", "Not indexed", "Indexed")


def sheets_of_zip(
    name: str, entries: dict[str, OpenStream], latest: date
) -> tuple[Sheet, tuple[Sheet, ...], tuple[str, ...]]:
    """The sheet of days, those of dimensions, and what is left aside. Raises ExportError where it is no such zip."""
    found: dict[str, Sheet] = {}
    notes = []
    filters = []
    headings_seen: set[str] = set()
    for entry, open_entry in entries.items():
        place = f"{name}/{entry}"
        text = examine(place, open_entry)
        headings = headings_of(place, open_entry, text)
        headings_seen.update(plain(cell) for heading in headings for cell in heading.row)
        if any(search_console.compares(heading.row) for heading in headings):
            raise ExportError(f"{place} compares two ranges of days: export one range")
        for dimension, form in (("", TOTALS), *SUMMARIES.items()):
            sheet = _sheet(form, headings, text, entry, latest)
            if sheet is not None and dimension in found:
                raise ExportError(f"{place} is a second sheet of what {found[dimension].entry} has: export again")
            if sheet is not None:
                found[dimension] = sheet.with_constants(dimension=dimension) if dimension else sheet
                break
        else:
            if all(len(heading.row) <= UNFILTERED_ROWS for heading in headings):
                filters.append((place, open_entry, text, headings))
            else:
                notes.append(f"{entry} is left aside")
    totals = found.pop("", None)
    if totals is None:
        raise ExportError(f"{name} {_stranger(entries, headings_seen)}")
    for filtered in filters:
        _check_filters(*filtered)
    return totals, tuple(found.values()), tuple(notes)


def _stranger(entries: dict[str, OpenStream], headings_seen: set[str]) -> str:
    """What a zip is that has no days with clicks and impressions, as far as its headings tell, and what to do."""
    if headings_seen >= PAGE_INDEXING:
        return "is Search Console's page indexing report (coverage), which is not read: export its performance report"
    shown = ", ".join(sorted(entries)[:8]) or "nothing"
    return (
        f"holds {shown}, and no sheet of days with clicks and impressions: of Search Console's zips the performance"
        " report is read. If it is that, export it with Search Console in English; else unpack it and drop its files"
    )


def _sheet(form: Form, found: tuple[Heading, ...], text: Text, entry: str, latest: date) -> Sheet | None:
    """The entry as a sheet of that form, where its headings are."""
    for heading in found:
        columns = match(form, heading.row)
        if not columns.missing and not columns.twice:
            reading = Reading(Habits(), latest)
            return Sheet(form, text, heading.delimiter, heading.skipped, tuple(heading.row), columns, reading, entry)
    return None


def _check_filters(place: str, open_entry: OpenStream, text: Text, found: tuple[Heading, ...]) -> None:
    """Raises ExportError where the report is of some queries, pages, countries or devices only, or not of the web."""
    heading = max(found, key=lambda h: len(h.row))
    with lines_of(open_entry, text) as lines:
        try:
            rows = list(islice(csv.reader(lines, delimiter=heading.delimiter), MOST_FILTERS))
        except csv.Error as error:
            raise ExportError(f"{place} cannot be read: {error}") from None
    filters = [row for row in rows[heading.skipped :] if any(row)]
    if len(filters) > UNFILTERED_ROWS or not any(row[-1].strip().casefold() in WEB for row in filters):
        stated = "; ".join(": ".join(row) for row in filters[:6])
        raise ExportError(f"{place} says {stated!r}: export the report of web search without filters")
