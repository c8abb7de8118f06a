from __future__ import annotations

import random
import resource
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse.client.archive import Answer, Archive, open_archive, open_root
from seo_warehouse.errors import ConfigError, NotArchivedError

AT = datetime(2026, 11, 22, 4, 0, 0, 123456, tzinfo=UTC)


def make_answer(body: bytes = b"{}", headers: dict[str, str] | None = None) -> Answer:
    return Answer("https://api.example/x?y=1", 200, headers or {}, body, AT, 0.25)


def make_archive(folder: Path, scope: str = "night=2026-11-22") -> Archive:
    return open_archive(folder, source="any", property_key=7, scope=scope)


@given(body=st.binary(max_size=2_000), value=st.text(max_size=40))
def test_an_answer_comes_back_byte_for_byte(tmp_path_factory: pytest.TempPathFactory, body: bytes, value: str) -> None:
    archive = make_archive(tmp_path_factory.mktemp("archive"))
    answer = make_answer(body, {"x-any": value})
    archive.put("key", answer)
    assert archive.get("key") == answer


def test_what_was_never_put_is_not_there(tmp_path: Path) -> None:
    archive = make_archive(tmp_path)
    assert archive.get("key") is None
    assert not archive.has("key")
    assert not archive.has_intent("key")


def test_scopes_properties_and_sources_do_not_share_answers(tmp_path: Path) -> None:
    make_archive(tmp_path).put("key", make_answer())
    assert make_archive(tmp_path, "night=2026-11-23").get("key") is None
    assert open_archive(tmp_path, source="any", property_key=8, scope="night=2026-11-22").get("key") is None
    assert open_archive(tmp_path, source="other", property_key=7, scope="night=2026-11-22").get("key") is None
    assert make_archive(tmp_path).get("key") is not None


def test_an_intent_stays_beside_its_answer_until_it_is_withdrawn(tmp_path: Path) -> None:
    archive = make_archive(tmp_path)
    for key in ("answered", "cut", "withdrawn"):
        archive.intend(key, {"method": "GET"}, durable=True)
    archive.put("answered", make_answer())
    archive.withdraw("withdrawn")
    archive.withdraw("withdrawn")
    known = {key: (archive.has_intent(key), archive.has(key)) for key in ("answered", "cut", "withdrawn")}
    assert known == {"answered": (True, True), "cut": (True, False), "withdrawn": (False, False)}


def test_a_refused_answer_is_kept_apart(tmp_path: Path) -> None:
    archive = make_archive(tmp_path)
    archive.put_refused("key", make_answer(b"<html>"))
    assert archive.get("key") is None
    assert [path.name for path in archive.folder.iterdir()] == ["key.refused"]


def test_nothing_is_left_aside(tmp_path: Path) -> None:
    archive = make_archive(tmp_path)
    archive.put("key", make_answer())
    archive.put("key", make_answer(b"second"))
    assert [path.name for path in archive.folder.iterdir()] == ["key.zst"]


def test_an_answer_that_the_disk_does_not_take_leaves_nothing_behind(tmp_path: Path) -> None:
    archive = make_archive(tmp_path)
    archive.put("first", make_answer())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The kernel refuses the file's later bytes, as it does where a disk is full.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        with pytest.raises(OSError, match=r"File too large: .*second\.zst"):
            archive.put("second", make_answer(random.Random(1).randbytes(100_000)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in archive.folder.iterdir()] == ["first.zst"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "foreign"])
def test_a_damaged_file_is_named_and_never_returned(tmp_path: Path, damage: str) -> None:
    archive = make_archive(tmp_path)
    archive.put("key", make_answer(bytes(range(256)) * 40))
    path = tmp_path / "any" / "p7" / "night=2026-11-22" / "key.zst"
    packed = bytearray(path.read_bytes())
    if damage == "flipped":
        packed[len(packed) // 2] ^= 0xFF
    path.write_bytes(
        {"cut": packed[: len(packed) // 2], "emptied": b"", "foreign": b"hello"}.get(damage, bytes(packed))
    )
    with pytest.raises(NotArchivedError, match=r"key\.zst is damaged"):
        archive.get("key")


@pytest.mark.parametrize("key", ["", "../other", "a/b", ".hidden", "a\x00b"])
def test_a_key_that_leaves_the_folder_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="cannot be a file name"):
        make_archive(tmp_path).put(key, make_answer())


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("Sun, 22 Nov 2026 03:59:58 GMT", datetime(2026, 11, 22, 3, 59, 58, tzinfo=UTC)),
        ("Sun, 22 Nov 2026 05:59:58 +0200", datetime(2026, 11, 22, 3, 59, 58, tzinfo=UTC)),
        ("Sun, 22 Nov 2026 03:59:58 -0000", datetime(2026, 11, 22, 3, 59, 58, tzinfo=UTC)),
        ("yesterday", AT),
        ("", AT),
        ("Fri, 31 Dec 9999 23:59:59 -1200", AT),
    ],
)
def test_an_answer_speaks_of_the_instant_in_its_date_header(stated: str, expected: datetime) -> None:
    assert make_answer(headers={"date": stated}).observed_at == expected


@given(
    stated=st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, \d{1,4} [A-Z][a-z]{2} \d{1,6} \d+:\d+:\d+ [+-]?\w+")
)
def test_no_date_header_can_do_harm(stated: str) -> None:
    assert make_answer(headers={"date": stated}).observed_at.tzinfo is UTC


def test_without_a_date_header_an_answer_speaks_of_when_it_came() -> None:
    assert make_answer().observed_at == AT


def test_a_root_may_be_a_path_or_a_file_uri() -> None:
    assert open_root("file:///var/lib/some%20where") == Path("/var/lib/some where")
    assert open_root("relative/place") == Path("relative/place")


def test_a_root_elsewhere_is_not_taken_for_a_folder() -> None:
    with pytest.raises(ConfigError, match="s3:// is no folder"):
        open_root("s3://user:secret@bucket/path")


def test_a_file_of_any_size_comes_back_byte_by_byte(tmp_path: Path) -> None:
    pieces = [b"a,b\r\n", bytes(range(256)) * 10_000, b"\n"]
    archive = open_archive(tmp_path, source="exports", property_key=1, scope="file=abc")
    archive.put_file("file", {"name": "ünïcode.csv", "bytes": sum(map(len, pieces))}, iter(pieces))
    with archive.open_file("file") as file:
        assert file.read() == b"".join(pieces)
    assert [path.name for path in archive.folder.iterdir()] == ["file.zst"]


def test_a_file_whose_reading_fails_leaves_nothing_and_a_killed_one_is_cleared_away(tmp_path: Path) -> None:
    def cut() -> Iterator[bytes]:
        yield b"half"
        raise OSError(28, "No space left on device")

    archive = open_archive(tmp_path, source="exports", property_key=1, scope="file=abc")
    with pytest.raises(OSError, match="No space"):
        archive.put_file("file", {"bytes": 8}, cut())
    assert list(archive.folder.iterdir()) == []
    with pytest.raises(NotArchivedError, match="lacks"):
        archive.open_file("file")
    (archive.folder / ".file.zst.4711").write_bytes(b"of a process that was killed")
    archive.put_file("file", {"bytes": 4}, [b"full"])
    assert [path.name for path in archive.folder.iterdir()] == ["file.zst"]


@pytest.mark.parametrize("damage", [lambda packed: packed[:-30], lambda packed: packed[:40] + b"!!" + packed[42:]])
def test_a_damaged_file_is_never_read_as_a_shorter_one(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    archive = open_archive(tmp_path, source="exports", property_key=1, scope="file=abc")
    content = random.Random(1).randbytes(3_000_000)
    archive.put_file("file", {"bytes": len(content)}, [content])
    path = archive.folder / "file.zst"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(NotArchivedError, match="damaged"), archive.open_file("file") as file:
        file.read()
