"""The forms in which a text is said back: as it is, in an address, in JSON, in HTML, in base64, one within another."""

from __future__ import annotations

import base64
import html.entities
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

_LEAST_PACKED = 6
"""Fewer characters of base64 are met by chance."""
_LEAST_RUN = 4
"""Shorter runs of letters and digits are met everywhere."""
_LONGEST_FORM = 64
"""Bytes that a character takes at most, in a form within a form."""
# Nested as deep as anybody nests, but not without end: a long run of one mark would be tried from each of its places.
_PERCENT = rb"%(?:25){0,8}"
_BACKSLASH = rb"(?:\\|%(?:25){0,8}5[Cc]){1,16}"
_AND = rb"(?:&|%(?:25){0,8}26|\\{1,16}u0026)(?:amp(?:;|%(?:25){0,8}3[Bb])){0,8}"
_HASH = rb"(?:\#|%(?:25){0,8}23)"
_END = rb"(?:;|%(?:25){0,8}3[Bb])?"
_NAMES: dict[str, set[str]] = {}
for _name, _character in html.entities.html5.items():
    _NAMES.setdefault(_character, set()).add(_name.removesuffix(";").lower())


@dataclass(frozen=True)
class Spoken:
    """A text that is looked for in bytes, each of its characters in any form."""

    text: str

    def cut(self, body: bytes, instead: bytes, *, is_coded: bool) -> bytes:
        """`body` with `instead` wherever the text stands. `is_coded`: what `has_coded_letters` says of it."""
        place, _ = self._run
        pieces, end = [], 0
        for hit in self._hits(body, is_coded):
            starts = range(max(end, hit - place * _LONGEST_FORM), hit + 1)
            found = next(filter(None, (self._pattern.match(body, start) for start in starts)), None)
            if found is not None:
                pieces += [body[end : found.start()], instead]
                end = found.end()
        return b"".join([*pieces, body[end:]]) if pieces else body

    def _hits(self, body: bytes, is_coded: bool) -> list[int]:
        """Places where the text may be, by a part of it that stands out: nearly always there is none."""
        _, run = self._run
        if not run:
            first = re.escape(b"".join(raw[:1] for raw in _encodings(self.text[0])))
            return [found.start() for found in re.finditer(rb"[%\\&+" + first + b"]", body)]
        hits = [found.start() for found in re.finditer(re.escape(run), body)] if run in body else []
        for pattern in _coded(_any_case(f"{run[0]:x}"), b"%d" % run[0]) if is_coded else ():
            hits += [found.start() for found in pattern.finditer(body)]
        return sorted(hits)

    @cached_property
    def _run(self) -> tuple[int, bytes]:
        """Place and bytes of the first letters and digits that are many enough, else of the most."""
        runs = list(re.finditer(r"[0-9A-Za-z]+", self.text))
        if not runs:
            return 0, b""
        run = next((run for run in runs if len(run[0]) >= _LEAST_RUN), max(runs, key=lambda run: len(run[0])))
        return run.start(), run[0].encode()

    @cached_property
    def _pattern(self) -> re.Pattern[bytes]:
        return re.compile(b"".join(b"(?:" + b"|".join(_ways(character)) + b")" for character in self.text))


def has_coded_letters(body: bytes) -> bool:
    """Whether a letter or digit of ASCII is encoded in it, which few encoders do, and these to every one."""
    return any(pattern.search(body) for pattern in _CODED_LETTERS)


def packed_forms(text: str) -> Iterator[str]:
    """What base64 makes of a text, whatever stands before and after it, without characters that share its bits."""
    said = dict.fromkeys((text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], quote(text, "")))
    for raw in dict.fromkeys(raw for form in said for raw in _encodings(form)):
        for before in range(3):
            packed = base64.b64encode(bytes(before) + raw).decode()
            core = packed[-(-8 * before // 6) : (before + len(raw)) * 8 // 6]
            if len(core) >= _LEAST_PACKED:
                yield core
                yield core.translate(str.maketrans("+/", "-_"))


def _coded(hexadecimal: bytes, number: bytes) -> tuple[re.Pattern[bytes], ...]:
    """Patterns of a character of ASCII that is encoded. Each begins with its mark: bytes without marks cost nothing."""
    return (
        re.compile(_PERCENT + b"(?:" + hexadecimal + rb"|5[Cc](?:u00|x)" + hexadecimal + b")"),
        re.compile(rb"\\\\{0,15}(?:u00|x)" + hexadecimal),
        re.compile(rb"&(?:amp(?:;|%(?:25){0,8}3[Bb])){0,8}" + _HASH + b"0{0,8}" + number),
        re.compile(rb"&(?:amp(?:;|%(?:25){0,8}3[Bb])){0,8}" + _HASH + b"[xX]0{0,8}" + hexadecimal),
    )


_CODED_LETTERS = _coded(
    rb"(?:3[0-9]|[46][1-9a-fA-F]|[57][0-9aA])", rb"(?:4[89]|5[0-7]|6[5-9]|[78][0-9]|9[0789]|1[01][0-9]|12[0-2])"
)


def _ways(character: str) -> Iterator[bytes]:
    """Patterns of one character; the longer before those that they begin with."""
    ways = list(_plain_ways(character))
    if not character.isalnum():
        yield _BACKSLASH + b"(?:" + b"|".join(ways) + b")"
    yield from ways


def _plain_ways(character: str) -> Iterator[bytes]:
    number, raws = ord(character), list(_encodings(character))
    for raw in raws:
        for mark in (_PERCENT, _BACKSLASH + b"x"):
            yield b"".join(mark + _any_case(f"{byte:02x}") for byte in raw)
    units = character.encode("utf-16-be", "surrogatepass").hex()
    yield b"".join(_BACKSLASH + b"u" + _any_case(units[place : place + 4]) for place in range(0, len(units), 4))
    for name in sorted(_NAMES.get(character, ())):
        yield _AND + _any_case(name) + _END
    yield _AND + _HASH + b"[xX]0{0,8}" + _any_case(f"{number:x}") + _END
    yield _AND + _HASH + b"0{0,8}%d" % number + _END
    if character == " ":
        yield rb"\+"
    yield from (re.escape(raw) for raw in raws)


def _encodings(text: str) -> Iterator[bytes]:
    """A text's bytes in UTF-8, and in Latin-1, as user names and passwords are written."""
    yield text.encode("utf-8", "surrogatepass")
    if not text.isascii() and all(ord(character) < 256 for character in text):
        yield text.encode("latin-1")


def _any_case(text: str) -> bytes:
    return b"(?i:" + re.escape(text.encode()) + b")"
