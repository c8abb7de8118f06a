"""From bytes to lines of text, whatever wrote them; and into a zip without being harmed by it.

A file is looked through once, in small pieces, before anything is made of it: how it is encoded, and whether its lines
are lines. What is read afterwards fits into memory line by line.

UTF-8 and UTF-16 are known by their marks or by being valid; everything else is one of the single-byte encodings that
spreadsheets write, guessed by charset-normalizer where the guess is clear, else Windows-1252.
"""

from __future__ import annotations

import codecs
import html
import io
import re
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import AnyStr, BinaryIO, cast

from charset_normalizer import from_bytes

from seo_warehouse.errors import ExportError

OpenStream = Callable[[], BinaryIO]

CHUNK = 1 << 16
LONGEST_LINE = 1 << 20
"""Bytes (or characters of UTF-16). The longest lines that vendors write have a few thousand."""
SAMPLE = 1 << 16
MOST_ZIPPED = 1 << 28
MOST_UNZIPPED = 1 << 30
MOST_ENTRIES = 50
MOST_RATIO = 200
"""Bytes of an entry for each of its bytes in the zip: rows of digits and commas come to about 20."""
SMALL_ENTRY = 1 << 20
"""Whatever its ratio, an entry of a megabyte harms nobody."""
COPIED = 1 << 23
"""Bytes of a zip that are kept in memory; beyond, it goes to a temporary file."""

CLEARLY = 0.1
"""Difference of charset-normalizer's coherence (0-1) that tells languages apart."""
SINGLE_BYTE = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_FOREIGN = (
    (b"\xd0\xcf\x11\xe0", "an Excel workbook: export it as CSV, or save the sheet that is meant as CSV UTF-8"),
    (b"%PDF", "a PDF: export it as CSV"),
    (b"\x1f\x8b", "compressed by gzip: decompress it first"),
    (b"(\xb5\x2f\xfd", "compressed by zstd: decompress it first"),
    (b"7z\xbc\xaf", "a 7z archive: unpack it first"),
    (b"Rar!", "a RAR archive: unpack it first"),
    (codecs.BOM_UTF32_LE, "encoded as UTF-32: save it as UTF-8"),
    (codecs.BOM_UTF32_BE, "encoded as UTF-32: save it as UTF-8"),
)
_MARKUP = (
    (b"<!doctype html", "a web page, as it comes where a session has ended: sign in and export it again as CSV"),
    (b"<html", "a web page, as it comes where a session has ended: sign in and export it again as CSV"),
    (b"<?xml", "XML: export it as CSV"),
)
_NOT_WESTERN = re.compile(
    r"[\u00c0-\u00ff]{4}|[^\W\d_][\u00a1-\u00b6\u00b8-\u00bf][^\W\d_]|[\u00d0\u00dd\u00de\u00f0\u00fd\u00fe]"
)
"""No Western language has four accented letters in a row, nor a sign like \u00b3 within a word; and the letters where
Windows-1254 has Turkish ones are Icelandic ones, which are rarer."""
_LEADING_OUT = re.compile(r"^/|^[A-Za-z]:|(^|/)\.\.(/|$)")
ZIP = b"PK\x03\x04"
WORKBOOK_PART = "[Content_Types].xml"
_SHEET = re.compile(r'<sheet\b[^>]*?\bname="([^"]*)"')
_PERFORMANCE_NAME = "-Performance-on-"
_PERFORMANCE_SHEETS = frozenset(("Chart", "Queries", "Pages", "Countries", "Devices", "Filters"))
_OF_DAMAGED_DIRECTORY = (ValueError, IndexError, OverflowError, RuntimeError, OSError, struct.error)
"""What zipfile raises beside BadZipFile where offsets and sizes are nonsense."""


@dataclass(frozen=True)
class Text:
    """How the bytes of a file become text; `mark` is the length of the mark that they begin with."""

    encoding: str
    mark: int = 0


def is_zip(head: bytes) -> bool:
    """Whether a file that begins so is a zip (of any use)."""
    return head.startswith(ZIP)


def head_of(open_stream: OpenStream) -> bytes:
    """The first bytes of a file, as many as `SAMPLE` where there are so many."""
    with open_stream() as stream:
        return _filled(stream, SAMPLE)


def examine(name: str, open_stream: OpenStream) -> Text:
    """How a file is to be read. Raises ExportError where it is no text, or its lines are no lines."""
    head = head_of(open_stream)
    if not head.strip(b"\0 \r\n\t"):
        raise ExportError(f"{name} is empty: export it again")
    for magic, reason in _FOREIGN:
        if head.startswith(magic):
            raise ExportError(f"{name} is {reason}")
    beginning = head.removeprefix(codecs.BOM_UTF8).lstrip()[:20].lower()
    for mark, reason in _MARKUP:
        if beginning.startswith(mark):
            raise ExportError(f"{name} is {reason}")
    text = _marked(head) or _wide(head)
    with open_stream() as stream:
        if text is not None and text.encoding != "utf-8":
            _check_wide(name, stream, text)
            return text
        is_utf8, sample = _check_narrow(name, stream)
    if is_utf8:
        return text or Text("utf-8")
    if text is not None:
        raise ExportError(f"{name} says that it is UTF-8, and is not: export it again, or save it as UTF-8")
    return Text(_guessed(name, sample))


@contextmanager
def lines_of(open_stream: OpenStream, text: Text) -> Iterator[io.TextIOWrapper]:
    """The file's text, its line ends as they are. UnicodeDecodeError where the bytes are not what they were."""
    with open_stream() as stream:
        _filled(stream, text.mark)
        buffered = io.BufferedReader(cast(io.RawIOBase, stream), CHUNK)
        wrapper = io.TextIOWrapper(buffered, encoding=text.encoding, newline="")
        try:
            yield wrapper
        finally:
            wrapper.detach()
            buffered.detach()


def _filled(stream: BinaryIO, size: int) -> bytes:
    """As many bytes as asked for, where there are so many: a decompressing stream may give fewer at a time."""
    pieces, missing = [], size
    while missing > 0 and (piece := stream.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _marked(head: bytes) -> Text | None:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return Text(encoding, len(mark))
    return None


def _wide(head: bytes) -> Text | None:
    """UTF-16 without its mark: in headings every other byte is zero."""
    first = head[:200]
    if len(first) < 4:
        return None
    even, odd = first[0::2], first[1::2]
    if odd.count(0) > 0.8 * len(odd) and not even.count(0):
        return Text("utf-16-le")
    if even.count(0) > 0.8 * len(even) and not odd.count(0):
        return Text("utf-16-be")
    return None


def _check_wide(name: str, stream: BinaryIO, text: Text) -> None:
    decoder = codecs.getincrementaldecoder(text.encoding)("strict")
    run = 0
    try:
        while True:
            piece = stream.read(CHUNK)
            run = _longest_open(name, decoder.decode(piece, not piece), run, "\n", "\r")
            if not piece:
                return
    except UnicodeDecodeError:
        raise ExportError(f"{name} says that it is UTF-16, and is not: export it again, or save it as UTF-8") from None


def _check_narrow(name: str, stream: BinaryIO) -> tuple[bool, bytes]:
    """Whether all is UTF-8, and lines from all over the file that are more than ASCII."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    is_utf8, run, sample = True, 0, bytearray()
    while True:
        piece = stream.read(CHUNK)
        run = _longest_open(name, piece, run, b"\n", b"\r")
        if is_utf8:
            try:
                decoder.decode(piece, not piece)
            except UnicodeDecodeError:
                is_utf8 = False
        if not piece:
            return is_utf8, bytes(sample)
        if len(sample) < SAMPLE and not piece.isascii():
            sample += b"\n".join(line for line in piece.splitlines() if not line.isascii())[: SAMPLE // 8]


def _longest_open(name: str, piece: AnyStr, run: int, feed: AnyStr, turn: AnyStr) -> int:
    """Length of the line that is still open after the piece. Raises ExportError where a line is too long.

    Inside a piece no line can be: it is shorter than the limit.
    """
    first = min((at for at in (piece.find(feed), piece.find(turn)) if at >= 0), default=-1)
    if run + (len(piece) if first < 0 else first) > LONGEST_LINE:
        raise ExportError(
            f"{name} has a line of more than {LONGEST_LINE:,} characters: it is no table, or a quote is never closed"
        )
    return run + len(piece) if first < 0 else len(piece) - 1 - max(piece.rfind(feed), piece.rfind(turn))


def _guessed(name: str, sample: bytes) -> str:
    """Windows-1252, unless another encoding makes clearly better words, or it makes none."""
    matches = from_bytes(sample, cp_isolation=list(SINGLE_BYTE))
    best = matches.best()
    coherence = {encoding: match.coherence for match in matches for encoding in match.could_be_from_charset}
    if best is not None and best.coherence >= coherence.get("cp1252", 0) + CLEARLY:
        return best.encoding
    try:
        is_western = not _NOT_WESTERN.search(sample.decode("cp1252"))
    except UnicodeDecodeError:
        is_western = False
    if not is_western:
        raise ExportError(f"{name} is in an encoding that cannot be told for certain: save it as UTF-8")
    return "cp1252"


@contextmanager
def unzipped(name: str, open_stream: OpenStream) -> Iterator[dict[str, OpenStream]]:
    """The files in a zip, by name. Raises ExportError where the zip might do harm or cannot be read."""
    with tempfile.SpooledTemporaryFile(COPIED) as copy:
        with open_stream() as stream:
            while piece := stream.read(CHUNK):
                copy.write(piece)
                if copy.tell() > MOST_ZIPPED:
                    raise ExportError(f"{name} is a zip of more than {MOST_ZIPPED:,} bytes: unpack it first")
        with _broken(name, zipfile.BadZipFile, zlib.error, EOFError):
            with _broken(name, *_OF_DAMAGED_DIRECTORY):
                archive = zipfile.ZipFile(copy)
            with archive:
                yield _entries(name, archive)


@contextmanager
def _broken(name: str, *errors: type[Exception]) -> Iterator[None]:
    """Makes of these errors the one that says that the zip is broken."""
    try:
        yield
    except errors as error:
        raise ExportError(f"{name} is a broken zip ({error}): download it again") from None


def _entries(name: str, archive: zipfile.ZipFile) -> dict[str, OpenStream]:
    infos = archive.infolist()
    if len(infos) > MOST_ENTRIES:
        raise ExportError(f"{name} holds {len(infos)} files: unpack it first and drop the files that are meant")
    if WORKBOOK_PART in archive.namelist():
        raise ExportError(_workbook(name, archive))
    if {"mimetype", "content.xml"} <= set(archive.namelist()):
        raise ExportError(f"{name} is an OpenDocument spreadsheet: save the sheet that is meant as CSV UTF-8")
    found: dict[str, OpenStream] = {}
    total = 0
    for info in infos:
        _check_entry(name, info)
        total += info.file_size
        if info.is_dir() or info.filename.startswith("__MACOSX/"):
            continue
        base = PurePosixPath(info.filename).name
        if base in found:
            raise ExportError(f"{name} holds two files named {base}: unpack it first")
        found[base] = _opener(name, archive, info)
    if total > MOST_UNZIPPED:
        raise ExportError(f"{name} holds more than {MOST_UNZIPPED:,} bytes: it looks like a zip bomb and was not read")
    return found


def _workbook(name: str, archive: zipfile.ZipFile) -> str:
    """What a workbook is. One of Search Console's sheets alone does not say of which days and filters it is."""
    try:
        with archive.open("xl/workbook.xml") as part:
            sheets = {html.unescape(found) for found in _SHEET.findall(part.read(SAMPLE).decode("utf-8", "replace"))}
    except KeyError:
        sheets = set()
    shown = f", with the sheets {', '.join(sorted(sheets)[:8])}" if sheets else ""
    if _PERFORMANCE_NAME in name or len(sheets & _PERFORMANCE_SHEETS) > 1:
        return (
            f"{name} is Search Console's performance report as an Excel workbook{shown}: choose Export, Download CSV"
            " there and drop the whole zip"
        )
    return f"{name} is an Excel workbook{shown}: export it as CSV, or save the sheet that is meant as CSV UTF-8"


def _check_entry(name: str, info: zipfile.ZipInfo) -> None:
    path = info.filename.replace("\\", "/")
    # A name is cut at its first zero byte when it is read; orig_filename is what the zip says.
    if _LEADING_OUT.search(path) or "\0" in info.orig_filename:
        raise ExportError(f"{name} holds a file named {info.orig_filename!r}, which leads out of it: it was not read")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise ExportError(f"{name} holds a link, {path}: it was not read")
    if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ExportError(f"{name} is locked with a password or packed in an unusual way: unpack it first")
    if path.lower().endswith((".zip", ".xlsx", ".gz", ".7z", ".rar")):
        raise ExportError(f"{name} holds another archive, {path}: unpack it first")
    if info.file_size > max(SMALL_ENTRY, MOST_RATIO * info.compress_size):
        raise ExportError(
            f"{name} holds {path}, {info.file_size:,} bytes from {info.compress_size:,}: it looks like a zip bomb and"
            " was not read"
        )


def _opener(name: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> OpenStream:
    def open_entry() -> BinaryIO:
        # zipfile gives no more bytes than the entry states, and compares their checksum.
        with _broken(name, *_OF_DAMAGED_DIRECTORY):
            return cast(BinaryIO, archive.open(info))

    return open_entry
