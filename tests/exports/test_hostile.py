from __future__ import annotations

import io
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import BinaryIO

import pytest

from seo_warehouse.errors import ExportError
from seo_warehouse.exports import opening
from seo_warehouse.exports.forms import recognise
from tests.exports.files import WRITTEN, part_of, parts_of, zipped

PEAK = str(Path(__file__).with_name("peak.py"))
CHART = "Date,Clicks,Impressions\n2026-02-01,1,2\n"


class Endless(io.RawIOBase):
    """Some bytes, then others without end; it says how many were taken."""

    def __init__(self, start: bytes, pattern: bytes) -> None:
        self._start, self._pattern, self.taken = io.BytesIO(start), pattern, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        piece = self._start.read(len(view)) or (self._pattern * (len(view) // len(self._pattern) + 1))[: len(view)]
        view[: len(piece)] = piece
        self.taken += len(piece)
        return len(piece)


@pytest.mark.parametrize(
    ("start", "pattern"),
    [
        (b"url,topic\n", b"a"),
        (b"url,topic\n", b'"a,'),
        (b"", b"\0"),
        (b"\xff\xfeu\0r\0l\0,\0t\0o\0p\0i\0c\0\n\0", b"a\0"),
        (b"\xff\xfeu\0r\0l\0,\0t\0o\0p\0i\0c\0\n\0", b"\x0a\x0a"),
    ],
)
def test_a_line_without_end_is_refused_after_its_first_megabytes(start: bytes, pattern: bytes) -> None:
    streams: list[Endless] = []

    def open_stream() -> BinaryIO:
        streams.append(Endless(start, pattern))
        return streams[-1]  # type: ignore[return-value]

    with pytest.raises(ExportError, match=r"more than|empty"):
        recognise("pages.csv", open_stream, WRITTEN)
    assert sum(stream.taken for stream in streams) < 8 * opening.LONGEST_LINE


def test_a_row_without_end_is_refused_however_short_its_lines_are() -> None:
    row = b'"a\n","b\n",' * 200_000
    with pytest.raises(ExportError, match=r"a quote is never closed"):
        part_of("pages.csv", b"url,topic\nhttps://s.example/,a\n" + row)


@pytest.mark.parametrize("cell", ["a" * 200_000, '"' + "a" * 200_000, "a," * 100_000])
def test_headings_without_end_are_refused(cell: str) -> None:
    with pytest.raises(ExportError):
        part_of("links.csv", f"Source url,Target url,Page ascore,{cell}\nhttps://a.example/,https://s.example/,1,x\n")


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "Excel"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"(\xb5\x2f\xfd\0", "zstd"),
        ("url,topic\n".encode("utf-32"), "UTF-32"),
        (b"\xef\xbb\xbfurl,topic\nhttps://s.example/,\xff\n", "says that it is UTF-8"),
        (b"\xff\xfeu\0r\0l\0\n\0\0\xd8x\0", "says that it is UTF-16"),
        (b"PK\x03\x04" + b"\0" * 100, "broken zip"),
    ],
)
def test_files_that_are_no_tables_are_refused_by_what_they_are(head: bytes, reason: str) -> None:
    with pytest.raises(ExportError, match=reason):
        parts_of("x.csv", head)


def test_an_encoding_that_makes_no_words_is_refused() -> None:
    greek = "url,topic\nhttps://s.example/,παπούτσια\n".encode("cp1253")
    with pytest.raises(ExportError, match="save it as UTF-8"):
        parts_of("pages.csv", greek)


def test_russian_in_its_old_encoding_is_told_by_its_words() -> None:
    rows = "".join(f"https://s.example/{i},купить зимнюю обувь в магазине\n" for i in range(5))
    content = ("url,topic\n" + rows).encode("cp1251")
    part = part_of("pages.csv", content)
    assert part.notes == ("read as cp1251, a guess: save it as UTF-8 if letters look wrong",)


@pytest.mark.parametrize(
    "name", ["../x.csv", "/etc/x.csv", "a/../../x.csv", "..\\x.csv", "C:\\x.csv", "c:x.csv", "\\\\host\\x.csv", ".."]
)
def test_names_that_lead_out_of_a_zip_are_refused(name: str) -> None:
    with pytest.raises(ExportError, match="leads out of it"):
        parts_of("x.zip", zipped({"Chart.csv": CHART, name: "x"}))


@pytest.mark.parametrize("name", ["x.zip", "a/b.ZIP", "x.xlsx", "x.gz"])
def test_archives_in_a_zip_are_refused(name: str) -> None:
    with pytest.raises(ExportError, match="another archive"):
        parts_of("x.zip", zipped({"Chart.csv": CHART, name: "x"}))


def test_a_zip_in_a_zip_is_refused_whatever_it_is_called() -> None:
    with pytest.raises(ExportError):
        parts_of("x.zip", zipped({"Chart.csv": zipped({"Chart.csv": CHART})}))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("\ufeff\n<!DOCTYPE html><html><body>Sign in</body></html>", "a web page, .* sign in and export it again"),
        ("<HTML><table><tr><td>Keyword</td></tr></table>", "a web page"),
        ('<?xml version="1.0"?><Workbook/>', "XML: export it as CSV"),
        (zipped({"mimetype": "x", "content.xml": "<x/>"}), "an OpenDocument spreadsheet: save the sheet"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "an Excel workbook: export it as CSV"),
    ],
)
def test_what_is_no_table_is_refused_as_what_it_is(content: str | bytes, what: str) -> None:
    for name in ("links.csv", "rankings.xls", "x.zip"):
        with pytest.raises(ExportError, match=f"{name} is {what}"):
            parts_of(name, content)


def test_a_workbook_is_refused_as_one() -> None:
    with pytest.raises(ExportError, match="Excel workbook"):
        parts_of("x.zip", zipped({"[Content_Types].xml": "<x/>", "xl/workbook.xml": "<x/>"}))


def test_a_link_in_a_zip_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("Chart.csv")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(ExportError, match="link"):
        parts_of("x.zip", buffer.getvalue())


def test_a_zip_bomb_is_refused_by_its_ratio_before_it_is_opened() -> None:
    bomb = zipped({"Chart.csv": CHART, "Queries.csv": b"0" * (64 << 20)})
    assert len(bomb) < 100_000
    with pytest.raises(ExportError, match="zip bomb"):
        parts_of("x.zip", bomb)


def test_a_zip_that_lies_about_its_sizes_gives_no_more_than_it_states() -> None:
    content = bytearray(zipped({"Chart.csv": CHART + "2026-02-02,1,2\n" * 50_000}))
    # The size of the decompressed entry, in its own header and in the directory.
    for magic, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.index(magic)
        content[at + offset : at + offset + 4] = struct.pack("<I", 100)
    with pytest.raises(ExportError, match="broken zip"):
        parts_of("x.zip", bytes(content))


def test_a_zip_of_many_files_is_refused() -> None:
    with pytest.raises(ExportError, match="51 files"):
        parts_of("x.zip", zipped({f"{i}.csv": "x" for i in range(51)}))


def test_what_a_mac_adds_to_a_zip_is_passed_over() -> None:
    filters = "Filter,Value\nSearch type,Web\n"
    content = zipped({"Chart.csv": CHART, "__MACOSX/._Chart.csv": b"\0\5\x16\7", "Filters.csv": filters})
    assert [part.table for part in parts_of("x.zip", content)] == ["search_total"]


def test_a_zip_that_was_cut_anywhere_is_refused() -> None:
    content = zipped({"Chart.csv": CHART, "Filters.csv": "Filter,Value\nSearch type,Web\n"})
    for at in range(4, len(content)):
        with pytest.raises(ExportError):
            parts_of("x.zip", content[: at - 1] + content[at:])


def test_a_damaged_zip_is_refused() -> None:
    content = bytearray(zipped({"Chart.csv": CHART + "2026-02-02,1,2\n" * 1_000}))
    content[60] ^= 0xFF
    with pytest.raises(ExportError, match="broken zip"):
        parts_of("x.zip", bytes(content))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    peaks = []
    for rows in (30_000, 300_000):
        path = tmp_path / f"rankings-{rows}.csv"
        with path.open("w") as file:
            file.write("checked_on,keyword,device,position\n")
            for number in range(rows // 2):
                check = f"2026-02-{number % 28 + 1:02d},keyword {number // 28}"
                file.write(f"{check},desktop,5\n{check},mobile,>100\n")
        peaks.append(int(subprocess.check_output([sys.executable, PEAK, str(path)])))
    assert peaks[1] < 1.2 * peaks[0]
