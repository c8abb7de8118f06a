"""Values of JSON documents, taken by the type of the column they are for.

Each function raises MalformedAnswerError, naming the field, where a value is not of its documented type or could
not be stored as it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from seo_warehouse.client.answers import Decode, Items
from seo_warehouse.errors import MalformedAnswerError
from seo_warehouse.spec import Column, Row, Type

_YEARS = range(1900, 2100)
"""Of instants. Beyond lie 0001 and 2106, which is what computers write where they know of none."""
_YEARS_OF_THE_WEB = range(1990, 2100)
_EXCERPT = 80
D = TypeVar("D", bound=date)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WCF_INSTANT = re.compile(r"/Date\((-?[0-9]{1,16})(?:([+-])([0-9]{2})([0-9]{2}))?\)/")
_SPACED_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{2}:[0-9]{2}")


def mapping(value: Any, name: str) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise _wrong(name, value, "an object")
    return value


def sequence(value: Any, name: str) -> list[Any]:
    """A JSON array; null is an empty one."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise _wrong(name, value, "an array")
    return value


def text(value: Any, name: str) -> str:
    """A string."""
    if not isinstance(value, str):
        raise _wrong(name, value, "a string")
    return value


def integer(value: Any, name: str, bits: int = 32) -> int:
    """A whole number, also one written 12.0."""
    reach = 1 << (bits - 1)
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    if isinstance(whole, bool) or not isinstance(whole, int) or not -reach <= whole < reach:
        raise _wrong(name, value, f"a whole number of {bits} bits")
    return whole


def number(value: Any, name: str) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(name, value, "a number")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise _wrong(name, value, "a finite number")
    return result


def money(value: Any, name: str) -> Decimal:
    """An amount, not below nothing; null is nothing."""
    amount = number(0 if value is None else value, name)
    if amount < 0:
        raise _wrong(name, value, "an amount")
    return Decimal(str(amount))


def whole(value: Any, name: str) -> int:
    """A whole number, written as text."""
    written = text(value, name)
    if not re.fullmatch(r"-?[0-9]{1,18}", written):
        raise _wrong(name, value, "a whole number")
    return int(written)


def decimal(value: Any, name: str) -> float:
    """A number, written as text."""
    try:
        return number(float(text(value, name)), name)
    except ValueError:
        raise _wrong(name, value, "a number") from None


def boolean(value: Any, name: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise _wrong(name, value, "true or false")
    return value


def texts(value: Any, name: str) -> list[str]:
    """An array of strings."""
    return [text(entry, name) for entry in sequence(value, name)]


def iso_day(value: Any, name: str) -> date:
    """A day written `2026-11-22`."""
    try:
        return date.fromisoformat(text(value, name))
    except ValueError:
        raise MalformedAnswerError(f"{name} is {value!r}, expected a day like 2026-11-22") from None


def day_or_blank(value: Any, name: str) -> date | None:
    """A day written `2026-11-22`; None of an empty text, and of a day on which no crawler can have been."""
    return None if value == "" else of_the_web(iso_day(value, name))


def of_the_web(day: D) -> D | None:
    """A day or an instant of a sight; None, which is unknown, before 1990 and from 2100 on."""
    return day if day.year in _YEARS_OF_THE_WEB else None


def iso_instant(value: Any, name: str) -> datetime:
    """An instant written `2026-05-21T15:40:00+00:00`, as UTC."""
    try:
        instant = datetime.fromisoformat(text(value, name))
        if instant.tzinfo is None:
            raise ValueError
        result = instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise MalformedAnswerError(f"{name} is {value!r}, expected an instant like 2026-05-21T15:40:00+00:00") from None
    return _in_years(result, value, name)


def spaced_instant(value: Any, name: str) -> datetime:
    """An instant written `2019-11-15 12:57:46 +00:00`, as UTC."""
    written = text(value, name)
    try:
        if not _SPACED_INSTANT.fullmatch(written):
            raise ValueError
        # Ten times as fast as strptime, and a link has three of them.
        result = datetime.fromisoformat(written[:19] + written[20:]).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _wrong(name, value, "an instant like '2019-11-15 12:57:46 +00:00'") from None
    return _in_years(result, value, name)


def _in_years(instant: datetime, value: Any, name: str) -> datetime:
    if instant.year not in _YEARS:
        raise _wrong(name, value, f"an instant from {_YEARS.start} to {_YEARS.stop}")
    return instant


def wcf_day(value: Any, name: str) -> date:
    """A day written as its first instant and the zone of that, `/Date(1728975600000-0700)/`; else of UTC."""
    written = _WCF_INSTANT.fullmatch(text(value, name))
    if written is None:
        raise _wrong(name, value, "a day like /Date(1728975600000-0700)/")
    milliseconds, sign, hours, minutes = written.groups(default="0")
    zone = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
    try:
        return (_EPOCH + timedelta(milliseconds=int(milliseconds)) + zone).date()
    except OverflowError:
        raise _wrong(name, value, "a day of the calendar") from None


def document(value: Any, name: str) -> Any:
    """An object or an array, kept as it is."""
    if not isinstance(value, dict | list):
        raise _wrong(name, value, "an object or an array")
    return value


def _bigint(value: Any, name: str) -> int:
    return integer(value, name, bits=64)


Take = Callable[[Any, str], Any]
"""Takes a value that is not null, of a field of that name. Raises MalformedAnswerError."""

_TAKE: Mapping[Type, Take] = {
    Type.TEXT: text,
    Type.URL: text,
    Type.INTEGER: integer,
    Type.BIGINT: _bigint,
    Type.FLOAT: number,
    Type.BOOLEAN: boolean,
    Type.TEXTS: texts,
    Type.DATE: iso_day,
    Type.INSTANT: iso_instant,
    Type.JSON: document,
}


def pascal(column: str) -> str:
    """A column's name as .NET spells fields: `LinkCount` of `link_count`."""
    return "".join(map(str.capitalize, column.split("_")))


def camel(column: str) -> str:
    """A column's name as JSON of Google's spells fields: `lastCrawlTime` of `last_crawl_time`."""
    first, *others = column.split("_")
    return first + "".join(map(str.capitalize, others))


class Shape:
    """The documented fields of an item: makes a row of it, and finds the names that are out of place.

    A column is taken from the field of its own name, or of that which `names` gives it or makes of it, by its type, or
    by what `takes` names for the column or for all of a type. `unused` fields are documented and not kept;
    `optional` ones are not missing where they are left out.
    """

    def __init__(
        self,
        *columns: Column,
        names: Mapping[str, str] | Callable[[str], str] | None = None,
        takes: Mapping[str, Take] | None = None,
        unused: Iterable[str] = (),
        optional: Iterable[str] = (),
    ) -> None:
        self.columns = columns
        takes = takes or {}
        named = names if callable(names) else lambda column: (names or {}).get(column, column)
        fields = self.fields = {column.name: named(column.name) for column in self.columns}
        self._takers = [
            (c.name, fields[c.name], takes.get(c.name) or takes.get(c.type) or _TAKE[c.type]) for c in self.columns
        ]
        self.known = frozenset(fields.values()) | frozenset(unused)
        self.needed = frozenset(fields.values()) - frozenset(optional)

    def row(self, item: Mapping[str, Any]) -> Row:
        """The values for the columns; None where the item has null or nothing. Raises MalformedAnswerError."""
        get = item.get
        return {
            name: None if (value := get(field)) is None else take(value, field) for name, field, take in self._takers
        }

    def under(self, *path: str, page_count: str | None = None) -> Decode:
        """A decode of documents in which the items stand at a place: `under("result", "links")`.

        `page_count`: the field beside them that says how many pages of answers there are.
        """

        def decode(document: Any) -> Items:
            beside: Mapping[str, Any] = {}
            for name in path:
                if name not in mapping(document, "the answer"):
                    raise MalformedAnswerError(f"the answer has no {name}")
                beside, document = document, document[name]
            items = self.items(document, path[-1] if path else "items")
            if page_count is None:
                return items
            return replace(items, page_count=integer(beside.get(page_count), page_count))

        return decode

    def items(self, entries: Any, name: str = "items") -> Items:
        """The rows of an array of objects, and the names out of place. Raises MalformedAnswerError."""
        found = [mapping(entry, f"{name}[]") for entry in sequence(entries, name)]
        return self.around(found, [self.row(item) for item in found])

    def around(self, entries: Iterable[Mapping[str, Any]], rows: list[Row]) -> Items:
        """Rows that were made of `entries`, with the names out of place."""
        # Mostly one: all items have the same fields.
        shapes = [frozenset(shape) for shape in set(map(tuple, entries))]
        return Items(
            rows,
            unknown=frozenset(name for shape in shapes for name in shape - self.known),
            missing=frozenset(name for shape in shapes for name in self.needed - shape),
        )


def _wrong(name: str, value: Any, expected: str) -> MalformedAnswerError:
    shown = repr(value)
    shown = shown if len(shown) <= _EXCERPT else f"{shown[:_EXCERPT]}..."
    return MalformedAnswerError(f"{name} is {shown}, expected {expected}")
