"""Days as people, spreadsheets and vendors write them, in the languages of Search Console.

A day stands alone or before a time, which tells its zone or does not. Names of months are Unicode's CLDR's, whole or
short. A name that means two months (`listopada` is November in Poland and October in Croatia) means what the other
names of its file allow.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import cache
from itertools import product
from typing import Literal

from babel.dates import get_month_names

from seo_warehouse.exports.languages import LANGUAGES
from seo_warehouse.exports.values import (
    BLANKS,
    UNKNOWN,
    CellError,
    Convert,
    Habits,
    HabitUnknownError,
    refuse_formula,
    shown,
)

LEAST_YEAR = 1990

_TIME = (
    r"(?:,?(?:\s+|T)(?:at\s+)?(\d{1,2}:\d\d(?::\d\d)?)(?:[.,]\d+)?"
    r"\s*([AaPp]\.?\s?[Mm]\.?)?\s*(Z|[A-Z]{3,4}|[+-]\d\d:?\d\d)?)?"
)
_NAME = r"([^\W\d_][^\s\d,/:_-]{2,19}?)\.?"
YEAR_LAST = re.compile(rf"(\d\d?)([/.-])(\d\d?)\2(\d{{4}}){_TIME}", re.ASCII)
"""Day and month in either order."""
_YEAR_FIRST = re.compile(rf"(\d{{4}})([/.-])(\d\d?)\2(\d\d?){_TIME}", re.ASCII)
_DIGITS = re.compile(rf"(\d{{4}})(\d\d)(\d\d){_TIME}", re.ASCII)
_EAST_ASIAN = re.compile(rf"(\d{{4}})\s?[年년]\s?(\d\d?)\s?[月월]\s?(\d\d?)\s?[日일]{_TIME}", re.ASCII)
_DAY_MONTH = re.compile(rf"([0-9]{{1,2}})(?:st|nd|rd|th)?[\s.-]+(?:de\s+)?{_NAME},?[\s-]+(?:de\s+)?([0-9]{{4}}){_TIME}")
_MONTH_DAY = re.compile(rf"{_NAME}\s+([0-9]{{1,2}})(?:st|nd|rd|th)?,?\s+([0-9]{{4}}){_TIME}")
_WIDTHS: tuple[Literal["wide", "abbreviated"], ...] = ("wide", "abbreviated")
_CONTEXTS: tuple[Literal["format", "stand-alone"], ...] = ("format", "stand-alone")

Months = Mapping[int, frozenset[str]]
"""Numbers of months that a name may mean, each with the languages in which it does."""


def day(habits: Habits, latest: date) -> Convert:
    """Of a file with these habits: a day between 1990 and `latest`. A time of day with a zone is taken to UTC."""

    def convert(cell: str) -> date | None:
        value = cell.strip(BLANKS)
        if value.lower() in UNKNOWN:
            return None
        found = _day(value, habits)
        if found.year < LEAST_YEAR or found > latest:
            raise CellError(f"is {found}, expected a day between {LEAST_YEAR} and {latest}")
        return found

    return convert


def month_of(cell: str) -> Months:
    """What the month that a cell names may mean; nothing where it names none."""
    value = cell.strip(BLANKS)
    if parts := _DAY_MONTH.fullmatch(value):
        return _meanings(parts[2])
    if parts := _MONTH_DAY.fullmatch(value):
        return _meanings(parts[1])
    return {}


def _day(value: str, habits: Habits) -> date:
    try:
        for form, made in _FORMS:
            if parts := form.fullmatch(value):
                return _at(made(value, parts, habits), *parts.groups()[-3:])
    except (ValueError, OverflowError) as error:
        if isinstance(error, CellError):
            raise
        raise CellError(f"is {shown(value)}, which is no day of the calendar") from None
    refuse_formula(value)
    raise CellError(f"is {shown(value)}, expected a day like 2026-11-22")


def _at(written: date, clock: str | None, half: str | None, zone: str | None) -> date:
    """The day in UTC of a time in a zone that is told by its distance; without one, the day as written."""
    if clock is None:
        return written
    hour, minute, *second = map(int, clock.split(":"))
    if half is not None:
        hour = hour % 12 + (12 if half[0] in "Pp" else 0)
    at = datetime.combine(written, time(hour, minute, second[0] if second else 0))
    if zone is None or zone[0] not in "+-":
        return written
    sign = -1 if zone[0] == "-" else 1
    distance = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return at.replace(tzinfo=timezone(sign * distance)).astimezone(UTC).date()


def _year_first(_value: str, parts: re.Match[str], _habits: Habits) -> date:
    return date(int(parts[1]), int(parts[3]), int(parts[4]))


def _in_order(_value: str, parts: re.Match[str], _habits: Habits) -> date:
    return date(int(parts[1]), int(parts[2]), int(parts[3]))


def _year_last(value: str, parts: re.Match[str], habits: Habits) -> date:
    """With points the day comes first wherever it is written so; with slashes it depends on who writes."""
    first, mark, second, year = int(parts[1]), parts[2], int(parts[3]), int(parts[4])
    if mark == "." or first > 12 or first == second:
        return date(year, second, first)
    if second > 12:
        return date(year, first, second)
    if not habits.is_known:
        raise HabitUnknownError
    if habits.day_first is None:
        raise CellError(f"is {shown(value)}: nothing in its column tells day from month, write it as 2026-11-22")
    return date(year, second, first) if habits.day_first else date(year, first, second)


def _day_month(_value: str, parts: re.Match[str], habits: Habits) -> date:
    return date(int(parts[3]), _month(parts[2], habits), int(parts[1]))


def _month_day(_value: str, parts: re.Match[str], habits: Habits) -> date:
    return date(int(parts[3]), _month(parts[1], habits), int(parts[2]))


_FORMS: tuple[tuple[re.Pattern[str], Callable[[str, re.Match[str], Habits], date]], ...] = (
    (_YEAR_FIRST, _year_first),
    (YEAR_LAST, _year_last),
    (_DIGITS, _in_order),
    (_DAY_MONTH, _day_month),
    (_MONTH_DAY, _month_day),
    (_EAST_ASIAN, _in_order),
)


def _month(name: str, habits: Habits) -> int:
    found = _meanings(name)
    if len(found) > 1:
        if not habits.is_known:
            raise HabitUnknownError
        if habits.months is not None:
            found = {number: languages for number, languages in found.items() if languages & habits.months}
    if len(found) != 1:
        raise CellError(f"names the month {shown(name)}: write the day as 2026-11-22")
    return next(iter(found))


def _meanings(name: str) -> Months:
    """A name as it is listed, else the months whose names begin with it."""
    bare = _bare(name)
    if bare in _months():
        return _months()[bare]
    found: dict[int, frozenset[str]] = defaultdict(frozenset)
    for month, numbers in _months().items():
        if month.startswith(bare):
            for number, languages in numbers.items():
                found[number] |= languages
    return found


@cache
def _months() -> dict[str, dict[int, frozenset[str]]]:
    found: dict[str, dict[int, frozenset[str]]] = defaultdict(lambda: defaultdict(frozenset))
    for language, width, context in product(LANGUAGES, _WIDTHS, _CONTEXTS):
        for number, name in get_month_names(width, context, language).items():
            found[_bare(name)][number] |= {language}
    return {name: dict(numbers) for name, numbers in found.items()}


def _bare(name: str) -> str:
    """A name in lower case without accents and points, which not everybody writes."""
    letters = unicodedata.normalize("NFKD", name.lower().rstrip("."))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
