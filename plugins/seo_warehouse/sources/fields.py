"""Values of JSON documents, taken by the type of the column they are for.

Each function raises MalformedAnswerError, naming the field, where a value is not of its documented type or could
not be stored as it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from seo_warehouse.errors import MalformedAnswerError
from seo_warehouse.spec import Column, Row, Type

_LEAST_YEAR = 1900
_EXCERPT = 80
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{2}:[0-9]{2}")


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


def boolean(value: Any, name: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise _wrong(name, value, "true or false")
    return value


def texts(value: Any, name: str) -> list[str]:
    """An array of strings."""
    return [text(entry, name) for entry in sequence(value, name)]


def instant(value: Any, name: str) -> datetime:
    """An instant written `2019-11-15 12:57:46 +00:00`, as UTC."""
    written = text(value, name)
    try:
        if not _INSTANT.fullmatch(written):
            raise ValueError
        # Ten times as fast as strptime, and a link has three of them.
        result = datetime.fromisoformat(written[:19] + written[20:]).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _wrong(name, value, "an instant like '2019-11-15 12:57:46 +00:00'") from None
    if result.year < _LEAST_YEAR:
        raise _wrong(name, value, f"an instant after {_LEAST_YEAR}")
    return result


def _bigint(value: Any, name: str) -> int:
    return integer(value, name, bits=64)


_TAKE: Mapping[Type, Callable[[Any, str], Any]] = {
    Type.TEXT: text,
    Type.URL: text,
    Type.INTEGER: integer,
    Type.BIGINT: _bigint,
    Type.FLOAT: number,
    Type.BOOLEAN: boolean,
    Type.TEXTS: texts,
    Type.INSTANT: instant,
}


def row_maker(columns: Iterable[Column]) -> Callable[[Mapping[str, Any]], Row]:
    """A function from an item to its values for `columns`, by name and type; None where it has null or nothing."""
    takers = [(column.name, _TAKE[column.type]) for column in columns]

    def make(item: Mapping[str, Any]) -> Row:
        get = item.get
        return {name: None if (value := get(name)) is None else take(value, name) for name, take in takers}

    return make


def _wrong(name: str, value: Any, expected: str) -> MalformedAnswerError:
    shown = repr(value)
    shown = shown if len(shown) <= _EXCERPT else f"{shown[:_EXCERPT]}..."
    return MalformedAnswerError(f"{name} is {shown}, expected {expected}")
