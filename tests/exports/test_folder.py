"""What lies in a drop folder, whoever put it there."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seo_warehouse.errors import ConfigError
from seo_warehouse.exports.folder import ChangedError, Found, look, shown

QUIET = 0.2


def put(folder: Path, name: str, content: bytes = b"a,b\n", age_seconds: float = 60) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    at = time.time() - age_seconds
    os.utime(path, (at, at))
    return path


def only(folder: Path) -> Found:
    (found,) = look(folder, QUIET).files
    return found


def test_a_missing_folder_is_made_so_that_people_find_where_to_put_files(tmp_path: Path) -> None:
    seen = look(tmp_path / "drop" / "shop", QUIET)
    assert (seen.files, seen.refused, seen.left) == ([], [], [])
    assert (tmp_path / "drop" / "shop").is_dir()


def test_nothing_is_followed_out_of_the_folder(tmp_path: Path) -> None:
    secret = put(tmp_path / "elsewhere", "secret.csv")
    folder = tmp_path / "shop"
    put(folder, "good.csv")
    (folder / "link.csv").symlink_to(secret)
    (folder / "dangling.csv").symlink_to("/nowhere")
    (folder / "folder-link").symlink_to(tmp_path / "elsewhere")
    put(folder / "old", "older.csv")
    os.mkfifo(folder / "pipe.csv")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket.csv"))
        seen = look(folder, QUIET)
    assert [found.name for found in seen.files] == ["good.csv"]
    assert {refused.name: refused.reason.split(",")[0] for refused in seen.refused} == {
        "link.csv": "it is a link",
        "dangling.csv": "it is a link",
        "folder-link": "it is a link",
        "pipe.csv": "it is no regular file",
        "socket.csv": "it is no regular file",
    }
    assert seen.left == [("old", "it is a folder, and folders are not entered")]


def test_a_folder_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere", "secret.csv")
    (tmp_path / "shop").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="it is a link"):
        look(tmp_path / "shop", QUIET)


@pytest.mark.parametrize(
    "name", [".DS_Store", "~$open.csv", "x.csv.part", "x.crdownload", "x.tmp", "x.csv~", ".x.csv.Abc123", "X.CSV.PART"]
)
def test_hidden_and_unfinished_files_are_left(tmp_path: Path, name: str) -> None:
    put(tmp_path / "shop", name)
    seen = look(tmp_path / "shop", QUIET)
    assert (seen.files, seen.refused, [left for left, _ in seen.left]) == ([], [], [name])


def test_a_file_that_still_grows_is_left_and_one_at_rest_is_taken_after_a_moment(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    put(folder, "done.csv", age_seconds=0)
    growing = put(folder, "growing.csv", age_seconds=0)
    done = threading.Event()

    def grow() -> None:
        while not done.wait(0.02):
            with growing.open("ab") as file:
                file.write(b"more\n")

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        seen = look(folder, QUIET)
    finally:
        done.set()
        writer.join()
    assert [found.name for found in seen.files] == ["done.csv"]
    assert seen.left == [("growing.csv", "it is still being written")]


def test_a_date_ahead_of_our_clock_does_not_make_a_file_the_latest_for_ever(tmp_path: Path) -> None:
    put(tmp_path / "shop", "ahead.csv", age_seconds=-86_400)
    assert only(tmp_path / "shop").written_at <= datetime.now(UTC)
    put(tmp_path / "shop", "ahead.csv", age_seconds=3_600)
    assert abs(only(tmp_path / "shop").written_at - datetime.now(UTC) + timedelta(hours=1)) < timedelta(minutes=1)


def _rewritten(path: Path) -> None:
    path.write_bytes(b"changed in place, and longer")


def _replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)


def _linked(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hosts")


def _removed(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("change", [_rewritten, _replaced, _linked, _removed])
def test_what_changes_between_the_look_and_the_reading_is_not_read(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    path = put(tmp_path / "shop", "a.csv")
    found = only(tmp_path / "shop")
    change(path)
    with pytest.raises(ChangedError):
        found.sha256()


def test_a_file_that_is_written_to_while_it_is_read_is_not_taken_for_whole(tmp_path: Path) -> None:
    path = put(tmp_path / "shop", "a.csv", bytes(3 << 20))

    def read() -> Iterator[bytes]:
        for number, chunk in enumerate(only(tmp_path / "shop").chunks()):
            if number == 1:
                with path.open("r+b") as file:
                    file.write(b"x")
            yield chunk

    with pytest.raises(ChangedError, match="written to while it was read"):
        list(read())


def test_a_file_is_known_by_its_bytes(tmp_path: Path) -> None:
    put(tmp_path / "shop", "a.csv", b"abc")
    assert only(tmp_path / "shop").sha256() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_names_can_be_printed_and_told_apart_whatever_their_bytes() -> None:
    names = ["a\nb.csv", "a\\nb.csv", "\x1b[31mred.csv", os.fsdecode(b"caf\xe9.csv"), "café.csv", "‮cod.csv"]
    told = [shown(name) for name in names]
    assert len(set(told)) == len(names)
    assert all(name.isprintable() for name in told)
    assert told[0] == "a\\nb.csv"
    assert told[4] == "café.csv"
    assert all(name.encode() for name in told)
