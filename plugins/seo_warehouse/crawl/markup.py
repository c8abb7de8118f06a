"""XML as programs write it, token by token: a flaw costs what it stands in, and nothing of how the rest is read.

No tree promises that: libxml2, told to recover, drops every `&amp;` behind the first flaw, and ends at some; HTML's
rules know neither CDATA nor a `link` that holds text. So nothing counts but what a token is by itself: a `<` that
begins none is text, and what begins and never ends is passed over. Entities are not expanded and nothing is loaded,
so that a small file cannot become a large one. Time grows with the bytes: none is sought beyond where its like begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

_TOKEN = re.compile(
    rb"""<(?:
        (/?)([A-Za-z_\x80-\xff][^\s<>/="'&;]*+) (?=[\s/>])((?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+>|[^<>]*+>)
        | !--(?:[^<-]++|<(?!!--)|-(?!->))*+-->
        | !\[CDATA\[((?:[^<\]]++|<(?!!\[CDATA\[)|\](?!\]>))*+)\]\]>
        | !DOCTYPE[^<>\[]*+(?:\[(?:[^<\]]++|<(?=\?|!(?!DOCTYPE|\[))|\](?!\s*+>))*+\]\s*+)?>
        | \?(?:[^<?]++|\?(?!>))*+\?>
        | [!?][^<>]*+>
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(rb"""([^\s=/<>"']++)\s*+=\s*+(?:"([^"<]*+)"|'([^'<]*+)')""")
_REFERENCE = re.compile(r"&(?:#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6})|([A-Za-z_][\w.-]{0,99}));", re.ASCII)
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_BLANKS = " \t\r\n"


class Text(NamedTuple):
    """A piece of text as it is written; `is_literal`: nothing in it stands for anything else."""

    written: bytes
    is_literal: bool

    def meant(self) -> str | None:
        """The text; None where it cannot be told for certain."""
        return _decoded(self.written) if self.is_literal else text_in(self.written)


class Tag(NamedTuple):
    """A start or end tag; `prefix` and `name` in lower case."""

    prefix: bytes
    name: bytes
    is_end: bool
    rest: bytes

    @property
    def is_empty(self) -> bool:
        """Whether it has no content by itself."""
        return self.rest.endswith(b"/>")

    def attribute(self, name: bytes) -> str | None:
        """The value of an attribute; None where there is none, or none that can be told."""
        for found, double, single in _ATTRIBUTE.findall(self.rest):
            if found.lower() == name:
                return text_in(double or single)
        return None


def tokens(content: bytes) -> Iterator[Tag | Text]:
    """Tags of UTF-8 bytes, and the text between them, piece by piece."""
    at = 0
    for found in _TOKEN.finditer(content):
        start, end = found.span()
        if start > at:
            yield Text(content[at:start], is_literal=False)
        at = end
        closing, name, rest, data = found.groups()
        if name is not None:
            prefix, local = _split(name)
            yield Tag(prefix, local, closing == b"/", rest)
        elif data is not None:
            yield Text(data, is_literal=True)


@lru_cache(maxsize=1_000)
def _split(name: bytes) -> tuple[bytes, bytes]:
    prefix, _, local = name.lower().rpartition(b":")
    return prefix, local


def text_in(written: bytes) -> str | None:
    """Text as it is meant. A bare ampersand is one; a reference to what XML does not define makes it None."""
    text = _decoded(written)
    if text is None or "&" not in text:
        return text
    unknown = False

    def meant(found: re.Match[str]) -> str:
        nonlocal unknown
        decimal, hexadecimal, name = found.groups()
        number = int(decimal or hexadecimal or "0", 10 if decimal else 16)
        character = _NAMED.get(name) if name else chr(number) if _is_character(number) else None
        unknown = unknown or character is None
        return character or ""

    text = _REFERENCE.sub(meant, text)
    return None if unknown else text


def stripped(text: str) -> str:
    """Text without the blanks around it: XML's, no others."""
    return text.strip(_BLANKS)


def _decoded(written: bytes) -> str | None:
    try:
        return written.decode()
    except UnicodeDecodeError:
        return None


def _is_character(number: int) -> bool:
    return number in (9, 10, 13) or 0x20 <= number < 0xD800 or 0xE000 <= number <= 0x10FFFF
