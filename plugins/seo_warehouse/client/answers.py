"""What the body and headers of an answer say: its document, decoded; how long to wait; an excerpt for a message."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from seo_warehouse.client.archive import Answer
from seo_warehouse.cycles import uncollected
from seo_warehouse.errors import MalformedAnswerError

_EXCERPT_CHARACTERS = 300

Decode = Callable[[Any], Any]
"""Makes of a document what a reader works with; raises MalformedAnswerError where it is not as documented."""


@dataclass(frozen=True)
class OfText:
    """A decode of answers that are text, in UTF-8, and no JSON."""

    decode: Callable[[str], Any]

    def __call__(self, text: str) -> Any:
        return self.decode(text)


@dataclass(frozen=True)
class Items:
    """The items of an answer as rows, and which fields in it nobody documented, or were not there."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    unknown: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    odd: frozenset[str] = frozenset()
    """The same, and values not of their type, where nobody recorded what is usual: told, and no reason to hold."""
    page_count: int = 0
    """How many pages of answers there are, where the answer says so."""


class UndocumentedError(MalformedAnswerError):
    """A whole answer that is not as documented: asking again within seconds would only buy it again."""


def excerpt(body: bytes) -> str:
    """The beginning of a body in one printable line, for messages."""
    text = re.sub(r"\s+", " ", body[: 4 * _EXCERPT_CHARACTERS].decode("utf-8", "replace")).strip()
    line = "".join(c if c.isprintable() else "?" for c in text)
    return line if len(line) <= _EXCERPT_CHARACTERS else line[:_EXCERPT_CHARACTERS] + "..."


def read_document(name: str, answer: Answer, decode: Decode | None, see: Callable[[Any], None] | None = None) -> Any:
    """The document in an answer, or what `decode` makes of it. Raises MalformedAnswerError with `name`, the call's.

    `see` is shown each document of JSON as it is, also one that `decode` refuses.
    """
    with uncollected():
        return _read_document(name, answer, decode, see)


def _read_document(name: str, answer: Answer, decode: Decode | None, see: Callable[[Any], None] | None) -> Any:
    # Apart, so that the document is gone before there are searches again.
    is_text = isinstance(decode, OfText)
    try:
        document = answer.body.decode() if is_text else orjson.loads(answer.body)
    except (orjson.JSONDecodeError, UnicodeDecodeError) as error:
        size, form = len(answer.body), "UTF-8" if is_text else "JSON"
        message = f"{name}: {size} bytes that are not {form} ({error}): {excerpt(answer.body)}"
        raise MalformedAnswerError(message) from None
    if see is not None and not is_text:
        see(document)
    if decode is None:
        return document
    try:
        return decode(document)
    except MalformedAnswerError as error:
        raise UndocumentedError(f"{name}: {error}") from None


def retry_after_seconds(answer: Answer) -> float | None:
    """What an answer's Retry-After asks for; None where it has none, or none that can be read."""
    stated = answer.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", stated):
        return float(stated)
    try:
        until = parsedate_to_datetime(stated)
    except ValueError:
        return None
    until = until.replace(tzinfo=UTC) if until.tzinfo is None else until
    return max(0.0, (until - answer.observed_at).total_seconds())
