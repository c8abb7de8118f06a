"""Cells of exports as values: numbers, URLs and words as people, spreadsheets and vendors write them.

An empty cell is unknown (None); so is, where no text is expected, a dash or one of `UNKNOWN`. A cell that cannot be
understood raises CellError with the reason. What one cell cannot tell, its column can: whether a day comes before its
month, and which mark is the decimal one. Until that is known a cell that depends on it raises HabitUnknownError.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Convert = Callable[[str], Any]

UNKNOWN = frozenset(("", "-", "--", "\u2013", "\u2014", "n/a", "null", "none", "nan", "unknown", "(not set)"))
TRUE = frozenset(("true", "yes", "y", "t", "1"))
FALSE = frozenset(("false", "no", "n", "f", "0"))
FOLLOWED = frozenset(("followed", "follow", "dofollow"))
REL_TOKENS = ("nofollow", "sponsored", "ugc")
LONGEST_SHOWN = 60

BLANKS = " \t\r\n\v\f\u00a0\u202f\u2009\ufeff\u200b"
_GROUP_MARKS = " \u00a0\u202f\u2009'\u2019"
_GROUPED = re.compile(rf"[0-9]{{1,3}}(?:([.,{_GROUP_MARKS}])[0-9]{{3}})(?:\1[0-9]{{3}})*")
_WHOLE = re.compile(r"[0-9]+[.,]0{1,2}")
_DECIMAL = re.compile(r"[-\u2212]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_FORMULA = re.compile(r"""=\s*[A-Za-z0-9_("'+\-@$\[{.]|[+\-@][\d+\-*/.\s(]*[A-Za-z_]\w*(?:\(|\|[^!]*!)""")
_TEXT_FORMULA = re.compile(r'="([^"]*)"')
"""How spreadsheets are told that a cell is text: a repair, and no formula."""
_URL = re.compile(r"https?://[^\s/?#\"<>\\]+.*", re.IGNORECASE)
_LINE_ENDS = re.compile(r"[\t\r\n]")
"""What a URL loses before it is parsed, https://url.spec.whatwg.org/#url-parsing; Search Console breaks long ones."""


class CellError(ValueError):
    """A cell that cannot be understood. The message is the reason; `column` is set by who knows it."""

    def __init__(self, reason: str, column: str | None = None) -> None:
        super().__init__(reason)
        self.column = column


class BearableError(CellError):
    """A cell that is understood as far as can be, as a vendor's name of a country that is not known here.

    It costs its own row and never the file.
    """


class HabitUnknownError(Exception):
    """A cell that can be read in two ways, before the file's habits have been looked for."""


@dataclass(frozen=True)
class Habits:
    """How a file writes what can be written in two ways. None: nothing in the file tells.

    `months`: the languages that all names of its months belong to. `is_known` is false until all of the file has been
    looked through.
    """

    is_known: bool = False
    day_first: bool | None = None
    decimal: Literal[".", ","] | None = None
    months: frozenset[str] | None = None


def shown(cell: str) -> str:
    """The cell as it may stand in a message."""
    return repr(cell if len(cell) <= LONGEST_SHOWN else cell[:LONGEST_SHOWN] + "...")


def text(cell: str) -> str | None:
    """Any text. CellError where it is a formula or holds a NUL byte."""
    value = cell.strip(BLANKS)
    if not value:
        return None
    if "\0" in value:
        raise CellError("holds a NUL byte: export the file again")
    if value[0] in "=+-@":
        unwrapped = _TEXT_FORMULA.fullmatch(value)
        if unwrapped:
            return unwrapped[1].strip(BLANKS) or None
        refuse_formula(value)
    return value


def word(cell: str) -> str | None:
    """A text in lower case."""
    value = text(cell)
    return None if value is None else value.lower()


def url(cell: str) -> str | None:
    """An absolute URL, as written but for line ends."""
    value = text(cell)
    if value is None or value in UNKNOWN:
        return None
    value = _LINE_ENDS.sub("", value)
    if not _URL.fullmatch(value):
        raise CellError(f"is {shown(value)}, no absolute URL: write it with https://")
    return value


def boolean(cell: str) -> bool | None:
    """True or false, yes or no, 1 or 0."""
    value = _plain(cell)
    if value is None:
        return None
    if value not in TRUE and value not in FALSE:
        raise CellError(f"is {shown(value)}, expected true or false")
    return value in TRUE


def flag(cell: str) -> bool:
    """Like `boolean`, in columns where an empty cell or a dash says no."""
    value = _plain(cell)
    return value is not None and (value == "+" or bool(boolean(value)))


def integer(cell: str) -> int | None:
    """A whole number, not below nothing; marks between groups of three digits are dropped."""
    value = _plain(cell)
    if value is None:
        return None
    if not value.isdecimal() or not value.isascii():
        if _GROUPED.fullmatch(value):
            value = re.sub(r"[^0-9]", "", value)
        elif _WHOLE.fullmatch(value):
            value = re.split(r"[.,]", value)[0]
        else:
            refuse_formula(value)
            raise CellError(f"is {shown(value)}, expected a whole number")
    if len(value) > 15:
        raise CellError(f"is {shown(value)}, a number too large")
    return int(value)


def number(habits: Habits) -> Convert:
    """Of a file with these habits: a number, not below nothing. `<5` says only what it is not: unknown."""

    def convert(cell: str) -> float | None:
        value = _plain(cell)
        if value is None or value.startswith("<"):
            return None
        plain = _decimal_point(value, habits)
        if not _DECIMAL.fullmatch(plain):
            refuse_formula(value)
            raise CellError(f"is {shown(value)}, expected a number")
        result = float(plain.replace("\u2212", "-"))
        if not 0 <= result < 1e15:
            raise CellError(f"is {shown(value)}, expected a number from 0")
        return result

    return convert


def percent(habits: Habits) -> Convert:
    """Like `number`, of a scale from 0 to 100 that may be written with a percent sign."""
    convert_number = number(habits)

    def convert(cell: str) -> float | None:
        value: float | None = convert_number(cell.strip(BLANKS).removesuffix("%"))
        return value

    return convert


def _decimal_point(value: str, habits: Habits) -> str:
    """The number with a point for its decimal mark and nothing between its groups."""
    points, commas = value.count("."), value.count(",")
    if not points and not commas:
        return re.sub(rf"[{_GROUP_MARKS}]", "", value) if _GROUPED.fullmatch(value) else value
    if points and commas:
        mark, other = (".", ",") if value.rfind(".") > value.rfind(",") else (",", ".")
        whole, _, rest = value.rpartition(mark)
        if not _GROUPED.fullmatch(whole) or other not in whole:
            raise CellError(f"is {shown(value)}, expected a number")
        return f"{whole.replace(other, '')}.{rest}"
    mark = "." if points else ","
    if points + commas > 1:
        if not _GROUPED.fullmatch(value):
            raise CellError(f"is {shown(value)}, expected a number")
        return value.replace(mark, "")
    whole, _, rest = value.partition(mark)
    whole = re.sub(rf"[{_GROUP_MARKS}]", "", whole)
    if len(rest) == 3 and whole.isdecimal() and 1 <= len(whole) <= 3 and whole.strip("0"):
        return _of_habit(value, mark, whole, rest, habits)
    return f"{whole}.{rest}"


def _of_habit(value: str, mark: str, whole: str, rest: str, habits: Habits) -> str:
    """1.234 and 1,234: a number with three decimals, or a thousand and more. A lone point is taken for decimal."""
    if not habits.is_known:
        raise HabitUnknownError
    decimal = habits.decimal or ("." if mark == "." else None)
    if decimal is None:
        raise CellError(f"is {shown(value)}: nothing in the file tells whether the comma is decimal")
    return f"{whole}.{rest}" if decimal == mark else whole + rest


def rel(cell: str) -> tuple[str, ...] | None:
    """`followed`, or a list of nofollow, ugc, sponsored; other tokens of rel say nothing about passing rank."""
    value = text(cell)
    if value is None:
        return None
    tokens = {token for token in re.split(r"[\s,;|/+]+", value.lower()) if token}
    kept = tuple(token for token in REL_TOKENS if token in tokens)
    followed = tokens & FOLLOWED
    if kept and followed:
        raise CellError(f"is {shown(value)}: a link is followed or it is not")
    if not kept and not followed and not tokens <= _SILENT_TOKENS:
        raise CellError(f"is {shown(value)}, expected followed, or some of nofollow, ugc, sponsored")
    return kept


_SILENT_TOKENS = frozenset(
    "alternate author bookmark canonical external help license me next noopener noreferrer opener prev privacy-policy"
    " search tag terms-of-service".split()
)
"""https://html.spec.whatwg.org/multipage/links.html#linkTypes"""


def _plain(cell: str) -> str | None:
    """The cell without blanks around it, in lower case; None where it says that nothing is known."""
    value = cell.strip(BLANKS).lower()
    if value in UNKNOWN:
        return None
    if "\0" in value:
        raise CellError("holds a NUL byte: export the file again")
    unwrapped = _TEXT_FORMULA.fullmatch(value)
    return unwrapped[1] if unwrapped else value


def refuse_formula(value: str) -> None:
    """Raise CellError where a cell is a formula."""
    if _FORMULA.match(value):
        raise CellError(f"is {shown(value)}, a formula: paste values and export again")
