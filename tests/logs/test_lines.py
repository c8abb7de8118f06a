"""Files of logs: packed ones, bombs, and lines without end."""

from __future__ import annotations

import gzip
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seo_warehouse.errors import LogError
from seo_warehouse.logs import lines
from seo_warehouse.logs.lines import LONGEST, read_blocks
from tests.logs.files import combined_line, summary_of


def lines_of(path: Path) -> list[str]:
    return [line for block, _ in read_blocks(path) for line in block.split("\n")]


@given(
    st.lists(st.text(st.characters(max_codepoint=255, exclude_characters="\n\r"), max_size=40), min_size=1),
    st.integers(1, 50),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_are_cut_at_the_line_feed_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: list[str], block: int
) -> None:
    path = tmp_path / "access.log"
    path.write_bytes("".join(f"{line}\n" for line in written).encode("latin-1"))
    monkeypatch.setattr(lines, "BLOCK", block)
    assert lines_of(path) == written


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_packed_members_in_a_row_are_one_file(tmp_path: Path, pack: object) -> None:
    path = tmp_path / "access.log.1"
    path.write_bytes(pack(b"one\ntw") + pack(b"o\r\nthree"))  # type: ignore[operator]
    assert lines_of(path) == ["one", "two", "three"]


WHOLE = "".join(f"line {i * 7919}\n" for i in range(100_000)).encode()


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
@pytest.mark.parametrize("kept", [0.3, 0.999])
def test_a_packed_file_that_was_cut_short_is_refused_in_words(
    tmp_path: Path, pack: Callable[[bytes], bytes], kept: float
) -> None:
    path = tmp_path / "access.log.1"
    packed = pack(WHOLE[:7]) + pack(WHOLE)
    path.write_bytes(packed)
    assert len(lines_of(path)) == 100_001
    path.write_bytes(packed[: int(kept * len(packed))])
    with pytest.raises(LogError, match=r"access\.log\.1 is damaged"):
        lines_of(path)


def test_a_frame_without_data_costs_no_line(tmp_path: Path) -> None:
    path = tmp_path / "access.log.zst"
    checked = zstandard.ZstdCompressor(write_checksum=True).compress(b"one\n" + b"\n" * 200_000)
    path.write_bytes(zstandard.compress(b"") + b"\x50\x2a\x4d\x18\x03\0\0\0abc" + checked)
    assert lines_of(path) == ["one", *[""] * 200_000]


def test_what_cannot_be_read_twice_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(LogError, match="no file that can be read twice"):
        lines_of(path)


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BORNE", 1000)
    path = tmp_path / "access.log.zst"
    path.write_bytes(zstandard.compress(b"\n" * 10_000_000))
    with pytest.raises(LogError, match="unpacks to more than 1,000 times its size"):
        lines_of(path)


def test_a_line_without_end_is_counted_and_costs_no_memory_and_no_neighbour(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    with path.open("wb") as file:
        file.write(f"{combined_line()}\n".encode())
        for _ in range(200):
            file.write(b"x" * LONGEST)
        file.write(f"\n{combined_line()}\nbroken\n".encode())
    tracemalloc.start()
    summary = summary_of(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (summary.good_count, summary.malformed_count) == (2, 2)
    assert summary.malformed_lines == [4]
    assert peak < 10 * LONGEST


def test_a_line_without_end_at_the_end_of_a_file_is_counted_too(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(combined_line().encode() + b"\n" + b"x" * (3 * LONGEST))
    assert summary_of(path).malformed == {"longer than 65,536 bytes": 1}
