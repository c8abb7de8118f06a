"""How a value of a row is told to PostgreSQL's COPY, and which values its column cannot hold.

Text is mended, never refused: U+0000 and lone surrogates, which PostgreSQL's text cannot hold, become U+FFFD.
Anything else that its column cannot hold (a word where a number belongs, a number out of range, NaN, an instant
without a time zone) makes the row unfit: it is kept as JSON, apart, for the gate to judge.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

from seo_warehouse.ledger.text import UNSTORABLE, mend
from seo_warehouse.spec import Type

NUMERIC_DIGITS = 1_000
"""Digits before or after the point that a numeric column takes from us; PostgreSQL's own limits lie far beyond."""
LONGEST_KEPT_TEXT = 10_000
"""Characters of an unfit value that are kept."""
DEEPEST_JSON = 200
"""Levels of a JSON value that are kept; orjson writes 254."""

_QUOTED = re.compile(r'(["\\])')


class UnfitError(ValueError):
    """A value that its column cannot hold."""


class UnmendedError(UnfitError):
    """A text that its column can hold once it is mended."""


def as_json(value: Any) -> str:
    """The value as JSON that jsonb takes, whatever it is; what JSON lacks becomes its text."""
    return json.dumps(mend(_plain(value)), ensure_ascii=False, allow_nan=False)


def _plain(value: Any, levels: int = DEEPEST_JSON) -> Any:
    if levels == 0:
        return "..."
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value[:LONGEST_KEPT_TEXT]
    if isinstance(value, int):
        # Python refuses to print integers of more than 4,300 digits.
        return value if abs(value) < 10**NUMERIC_DIGITS else hex(value)[:LONGEST_KEPT_TEXT]
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, list | tuple):
        return [_plain(item, levels - 1) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item, levels - 1) for key, item in value.items()}
    return str(value)[:LONGEST_KEPT_TEXT]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise UnfitError("no text")
    if not value.isascii():
        if UNSTORABLE.search(value):
            raise UnmendedError("text with characters that PostgreSQL cannot hold")
    elif "\0" in value:
        raise UnmendedError("text with U+0000")
    return value


def _integer(bits: int) -> Callable[[Any], int]:
    limit = 1 << (bits - 1)

    def convert(value: Any) -> int:
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int:
            raise UnfitError("no integer")
        if not -limit <= value < limit:
            raise UnfitError(f"an integer of more than {bits} bits")
        return value

    return convert


def _float(value: Any) -> float:
    if type(value) is int:
        try:
            value = float(value)
        except OverflowError:
            raise UnfitError("a number too large") from None
    if type(value) is not float:
        raise UnfitError("no number")
    if not math.isfinite(value):
        raise UnfitError("not a finite number")
    return value


def _numeric(value: Any) -> Decimal:
    if type(value) is int and value.bit_length() > NUMERIC_DIGITS * 3:
        raise UnfitError("a number too large")
    if type(value) in (int, float):
        value = Decimal(str(value))
    if not isinstance(value, Decimal):
        raise UnfitError("no number")
    if not value.is_finite():
        raise UnfitError("not a finite number")
    if abs(value.adjusted()) > NUMERIC_DIGITS or abs(int(value.as_tuple().exponent)) > NUMERIC_DIGITS:
        raise UnfitError("a number of too many digits")
    return value


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise UnfitError("no boolean")
    return value


def _date(value: Any) -> date:
    if type(value) is not date:
        raise UnfitError("no date")
    return value


def _instant(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise UnfitError("no instant")
    if value.utcoffset() is None:
        raise UnfitError("an instant without a time zone")
    return value


def _json(value: Any) -> str:
    try:
        text = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, orjson.JSONEncodeError):
        text = _hard_json(value)
    if "\\u0000" in text and mend(value) != value:
        raise UnmendedError("JSON with U+0000")
    return text


def _hard_json(value: Any) -> str:
    """Lone surrogates and integers beyond 64 bits are what orjson refuses and a vendor may send."""
    if _is_deeper(value, DEEPEST_JSON):
        raise UnfitError("JSON of too many levels")
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        raise UnfitError("no JSON") from None
    if UNSTORABLE.search(text):
        raise UnmendedError("JSON with a lone surrogate")
    return text


def _is_deeper(value: Any, levels: int) -> bool:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in items)


def _texts(value: Any) -> str:
    """An array literal: formatting it here costs a third of what psycopg's list dumper does."""
    if type(value) not in (list, tuple):
        raise UnfitError("no list")
    return "{" + ",".join(['"' + _QUOTED.sub(r"\\\1", _text(item)) + '"' for item in value]) + "}"


CONVERTERS: dict[Type, Callable[[Any], Any]] = {
    Type.TEXT: _text,
    Type.URL: _text,
    Type.INTEGER: _integer(32),
    Type.BIGINT: _integer(64),
    Type.FLOAT: _float,
    Type.NUMERIC: _numeric,
    Type.BOOLEAN: _boolean,
    Type.DATE: _date,
    Type.INSTANT: _instant,
    Type.JSON: _json,
    Type.TEXTS: _texts,
}
"""Per column type, the value as COPY takes it. Raises UnfitError. None is not given to them."""
