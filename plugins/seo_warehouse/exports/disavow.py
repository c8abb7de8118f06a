"""Disavow files, read and written: domains and URLs whose links Google is told to leave out of account.

https://support.google.com/webmasters/answer/2648487: text in UTF-8 or 7-bit ASCII, `domain:HOST` or one URL a line,
comments after `#`. A file is a complete statement: uploaded, it takes the place of the one before, and what it lacks is
no longer disavowed. So a line that cannot be understood refuses the file whole, by its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal
from urllib.parse import urlsplit

from seo_warehouse.errors import ExportError
from seo_warehouse.exports.opening import OpenStream
from seo_warehouse.exports.parts import Part
from seo_warehouse.exports.values import CellError, shown
from seo_warehouse.sources.exports import DISAVOWAL
from seo_warehouse.spec import EXPORTED_AT, Row
from seo_warehouse.terminal import harmless
from seo_warehouse.urls import host_of, identity, registrable_domain, resolve

PART = "google_disavow"
MOST_BYTES = 2_000_000
"""The limit is 2 MB; of both readings of that the smaller, since a file that is written must be taken."""
MOST_LINES = 100_000
"""Blank ones and comments among them."""
LONGEST_URL = 2_048
NAMED = 10
"""Lines in error that are said."""
DOMAIN = "domain:"

_NAME = re.compile(r"disavow.*\.txt", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\r|\n")
_BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")
_HOST = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z0-9_-]+")
_ADDRESS = re.compile(r"[0-9]+(?:\.[0-9]+){3}")


@dataclass(frozen=True, order=True)
class Entry:
    """What is disavowed: a domain with its subdomains, by its host in punycode; or a URL as a browser writes it."""

    kind: Literal["domain", "url"]
    value: str

    def __str__(self) -> str:
        return f"{DOMAIN}{self.value}" if self.kind == "domain" else self.value


@dataclass(frozen=True)
class Statement:
    """What a file disavows, in its order, each entry once; `repeat_count` lines say again what one before them says."""

    entries: tuple[Entry, ...]
    repeat_count: int


def is_named(name: str) -> bool:
    """Whether a file's name says that it is one: `disavow*.txt`."""
    return _NAME.fullmatch(name.rpartition("/")[2]) is not None


def parse_entry(text: str) -> Entry:
    """What a line disavows that is neither blank nor a comment. Raises CellError."""
    if len(text) > LONGEST_URL:
        raise CellError(f"has {len(text):,} characters, and {LONGEST_URL:,} at most are taken")
    if _BLANK.search(text):
        raise CellError(f"is {shown(text)}, which holds a blank or a control character: write one entry a line")
    entry = _domain(text[len(DOMAIN) :]) if text.startswith(DOMAIN) else _url(text)
    if len(entry.value) > LONGEST_URL:
        raise CellError(f"has {len(entry.value):,} characters in punycode and percent-encoding: too many")
    return entry


def parse(name: str, content: bytes) -> Statement:
    """What a file disavows. Raises ExportError naming each line that cannot be understood."""
    entries: dict[Entry, None] = {}
    wrong: list[str] = []
    count = 0
    for number, line in enumerate(_lines(name, content), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        try:
            entries[parse_entry(text)] = None
            count += 1
        except CellError as error:
            wrong.append(f"line {number}: {error}")
    if wrong:
        more = f"; and {len(wrong) - NAMED:,} more" if len(wrong) > NAMED else ""
        raise ExportError(
            f"{name}, {'; '.join(wrong[:NAMED])}{more}. What such a file lacks is no longer disavowed, so that none is"
            " read in part: mend the lines and drop it again"
        )
    return Statement(tuple(entries), count - len(entries))


def write(listed: Iterable[tuple[Entry, str]]) -> bytes:
    """A file that disavows these entries, sorted, each below a comment with its reason.

    Raises ExportError where it would be larger than is taken.
    """
    lines = [f"# {harmless(' '.join(reason.split()))}\n{entry}\n" for entry, reason in sorted(listed)]
    content = "".join(lines).encode()
    if len(content) > MOST_BYTES or 2 * len(lines) > MOST_LINES:
        raise ExportError(
            f"{len(lines):,} entries with their reasons make {2 * len(lines):,} lines and {len(content):,} bytes, and"
            f" {MOST_LINES:,} lines and {MOST_BYTES:,} bytes at most are taken: disavow domains instead of their URLs"
        )
    return content


def survey(name: str, open_stream: OpenStream, at: datetime) -> Part:
    """What a file exported at that instant holds. Raises ExportError."""
    statement = parse(name, _content(name, open_stream))
    return Part(
        table=DISAVOWAL.name,
        part=PART,
        first_day=at.date(),
        last_day=at.date(),
        exported_at=at,
        row_count=1 + len(statement.entries),
        equal_count=statement.repeat_count,
        notes=(
            f"is a complete statement of {len(statement.entries):,} entries: what it lacks is no longer disavowed from"
            f" {at.date()}",
        ),
    )


def read_rows(name: str, open_stream: OpenStream, at: datetime) -> Iterator[Row]:
    """A row of the file itself, which an empty one has too, and one of each entry."""
    entries = parse(name, _content(name, open_stream)).entries
    said = sha256("\n".join(map(str, sorted(entries))).encode()).hexdigest()
    shared = {"day": at.date(), EXPORTED_AT: at, "statement": said}
    yield {**shared, "host": None, "url": None, "source_domain": None}
    for entry in entries:
        is_domain = entry.kind == "domain"
        host = entry.value if is_domain else host_of(entry.value) or ""
        yield {
            **shared,
            "host": host if is_domain else None,
            "url": None if is_domain else entry.value,
            "source_domain": registrable_domain(host) or host,
        }


def _content(name: str, open_stream: OpenStream) -> bytes:
    content = bytearray()
    with open_stream() as stream:
        while len(content) <= MOST_BYTES and (piece := stream.read(1 << 16)):
            content += piece
    if len(content) > MOST_BYTES:
        raise ExportError(f"{name} has more than {MOST_BYTES:,} bytes, and no disavow file may")
    return bytes(content)


def _lines(name: str, content: bytes) -> list[str]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = len(_LINE_END.findall(content[: error.start].decode("latin-1"))) + 1
        raise ExportError(f"{name}, line {line}: bytes that are no UTF-8: save it as UTF-8") from None
    lines = _LINE_END.split(text)
    if not lines[-1]:
        del lines[-1]
    if len(lines) > MOST_LINES:
        raise ExportError(f"{name} has {len(lines):,} lines, and {MOST_LINES:,} at most are taken, comments included")
    return lines


def _domain(host: str) -> Entry:
    if "/" in host:
        raise CellError(f"is {shown(DOMAIN + host)}: domain: takes a host alone, without http:// and path")
    found = host_of(f"https://{host}/")
    if found is None or not _HOST.fullmatch(found) or set(host) & set("?#:@%\\"):
        raise CellError(f"is {shown(DOMAIN + host)}, which is no host: write it as in domain:spam.example")
    if _ADDRESS.fullmatch(found):
        if found != host:
            raise CellError(f"is {shown(DOMAIN + host)}, an address in an unusual form: write domain:{found}")
    elif registrable_domain(found) is None:
        raise CellError(
            f"is {shown(DOMAIN + host)}, below which anybody may have a site: it would disavow all of them. Name the"
            f" site, as in domain:spam.{found}"
        )
    return Entry("domain", found)


def _url(text: str) -> Entry:
    if not text.lower().startswith(("https://", "http://")):
        raise CellError(
            f"is {shown(text)}, neither a URL with http:// or https:// nor domain: before a host, and means nothing to"
            " Google"
        )
    url = (resolve(text, text) or "").partition("#")[0]
    if identity(url) is None:
        raise CellError(f"is {shown(text)}, no URL")
    if "@" in urlsplit(url).netloc:
        raise CellError(f"is a URL of {host_of(url)} with a user's name: leave the name out")
    return Entry("url", url)
