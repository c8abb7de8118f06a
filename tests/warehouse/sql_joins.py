"""The joins of a SQL text, found well enough to hold models to a rule."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r"'(?:[^']|'')*'")
_JOIN = re.compile(r"\b(?:(cross)\s+|(?:left|right|full)\s+(?:outer\s+)?|inner\s+)?join\s+(lateral\s+)?", re.IGNORECASE)
_END = re.compile(
    r"\b(?:(?:left|right|full|inner|cross)\s+(?:outer\s+)?)?join\b"
    r"|\b(?:where|group\s+by|order\s+by|having|window|union|limit|except|intersect|returning)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r'(?:"?\w+"?\.)*"?(\w+)"?')


@dataclass(frozen=True)
class Join:
    """One join: what is joined, and its condition (empty for a cross join)."""

    table: str
    condition: str
    is_of_rows_at_hand: bool
    """A cross join of a function, of values or of one row of the same query: no table is read."""

    def has(self, column: str) -> bool:
        """Whether the condition equates `column` on both sides."""
        return bool(
            re.search(rf"\b\w+\.{column}\s*=\s*\w+\.{column}\b|\busing\s*\([^)]*\b{column}\b", self.condition, re.I)
        )


def without_comments(sql: str) -> str:
    """The text without comments and without what stands in quotes."""
    return _STRING.sub("''", _COMMENT.sub(" ", sql))


def joins(sql: str) -> list[Join]:
    """Each join of the text, inner queries included."""
    return list(_joins(without_comments(sql)))


def cte_reads(sql: str, name: str) -> set[str]:
    """The tables that the CTE of this name reads; empty where there is none."""
    text = without_comments(sql)
    start = re.search(rf"(?<![.\w]){name}\s+as\s+(?:not\s+)?(?:materialized\s+)?\(", text, re.IGNORECASE)
    if start is None:
        return set()
    body = text[start.end() :]
    body = body[: _close(body)]
    return {match.group(1) for match in re.finditer(rf"\b(?:from|join)\s+{_NAME.pattern}", body, re.IGNORECASE)}


def _close(body: str) -> int:
    depth = 1
    for token in re.finditer(r"[()]", body):
        depth += 1 if token.group() == "(" else -1
        if depth == 0:
            return token.start()
    return len(body)


def _joins(text: str) -> Iterator[Join]:
    for match in _JOIN.finditer(text):
        rest = text[match.end() :]
        is_lateral = bool(match.group(2))
        is_query = rest.startswith("(")
        name = _NAME.match(rest)
        is_function = bool(name) and rest[name.end() :].lstrip().startswith("(") if name else False
        table = "(query)" if is_query or name is None else name.group(1)
        span = _span(rest)
        at_hand = bool(match.group(1)) and is_function
        # The condition of a lateral query stands inside it.
        condition = rest[: _close(rest[1:]) + 1] if is_lateral and is_query else rest[:span]
        yield Join(table, "" if match.group(1) and not is_lateral else condition, at_hand)


def _span(rest: str) -> int:
    """Where the join ends: at the next clause of its level, or where its query does."""
    depth = 0
    for token in re.finditer(r"[()]|" + _END.pattern, rest, re.IGNORECASE):
        if token.group() == "(":
            depth += 1
        elif token.group() == ")":
            depth -= 1
            if depth < 0:
                return token.start()
        elif depth == 0:
            return token.start()
    return len(rest)
