"""The archive of raw answers; replaying it.

One zstd file per answer, `<root>/<source>/p<property_key>/<scope>/<key>.zst`: a line of JSON (address, status,
headers, instants; of a dropped file what is known of it), then the body as it came. `<key>.sent` beside it says that
the call was sent; alone, it says that a process ended between sending and answer. Local files are written aside and
renamed, so that a kill leaves a whole answer or none; object stores show an object only when it is whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from io import BufferedReader, RawIOBase
from pathlib import Path, PosixPath, WindowsPath
from typing import IO, Any, BinaryIO, Protocol, Self
from urllib.parse import unquote, urlsplit

import orjson
import zstandard

from seo_warehouse.errors import ConfigError, NotArchivedError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]*")
_MAX_ANSWER_BYTES = 2**31
"""What a damaged file may pretend to hold."""
_BUFFER_BYTES = 1 << 20
_LARGE_BYTES = 1 << 20
"""Of an answer that takes longer to pack than a thread to begin."""


class Folder(Protocol):
    """What is needed of a path that may be in an object store: pathlib's and Airflow's ObjectStoragePath have it."""

    @property
    def name(self) -> str: ...
    def __truediv__(self, name: str, /) -> Self: ...
    def mkdir(self, mode: int = ..., parents: bool = ..., exist_ok: bool = ...) -> None: ...
    def read_bytes(self) -> bytes: ...
    def write_bytes(self, data: Any, /) -> int: ...
    def exists(self) -> bool: ...
    def is_dir(self) -> bool: ...
    def stat(self) -> Any: ...
    def unlink(self, missing_ok: bool = ...) -> None: ...
    def open(self, mode: str, /) -> IO[Any]: ...
    def iterdir(self) -> Iterable[Self]: ...
    def rmdir(self) -> None: ...


@dataclass(frozen=True)
class Answer:
    """One HTTP answer as kept: `headers` lower-cased and free of secrets, `received_at` the instant it was whole."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes
    received_at: datetime
    seconds: float

    @property
    def observed_at(self) -> datetime:
        """The answer's own instant, UTC: its Date header where that is valid, else `received_at`."""
        try:
            stated = parsedate_to_datetime(self.headers["date"])
            return stated.replace(tzinfo=UTC) if stated.tzinfo is None else stated.astimezone(UTC)
        except (KeyError, ValueError, OverflowError):
            return self.received_at


def is_local(uri: str) -> bool:
    """Whether a place is a folder of this machine: `file://`, or a plain path."""
    return uri.startswith("file://") or "://" not in uri


def open_root(uri: str) -> Folder:
    """The root of an archive in a folder of this machine. Raises ConfigError for any other place."""
    if not is_local(uri):
        raise ConfigError(f"the archive {urlsplit(uri).scheme}:// is no folder of this machine")
    return Path(unquote(urlsplit(uri).path)) if uri.startswith("file://") else Path(uri)


def open_archive(base: Folder, *, source: str, property_key: int, scope: str) -> Archive:
    """The archive of one source and property within one scope, `night=<date>` or `history=<month>`."""
    return Archive(base, source=source, property_key=property_key, scope=scope)


def forget(root: Folder, source: str, is_old: Callable[[int, str], bool]) -> list[str]:
    """Remove the scopes of a source that `is_old(property_key, scope)` says nobody needs. Returns their places.

    Cut in the middle, it goes on when it is called again.
    """
    gone: list[str] = []
    top = root / _checked(source)
    for prop in list(top.iterdir()) if top.exists() else []:
        key = prop.name.removeprefix("p")
        for scope in list(prop.iterdir()) if key.isdecimal() else []:
            if is_old(int(key), scope.name):
                for file in list(scope.iterdir()):
                    file.unlink(missing_ok=True)
                if scope.exists():  # of an object store a folder is gone with the last file in it
                    scope.rmdir()
                gone.append(f"{source}/{prop.name}/{scope.name}")
    return gone


class Archive:
    """Answers, and intents to ask, by key. Keys are file names: letters, digits and `.`, `_`, `=`, `-`."""

    def __init__(self, root: Folder, *, source: str, property_key: int, scope: str) -> None:
        self.scope = _checked(scope)
        self.folder = root / _checked(source) / f"p{property_key:d}" / self.scope
        self._has_folder = False

    def intend(self, key: str, request: dict[str, Any], *, durable: bool = False) -> None:
        """Record that a call is about to be sent. `durable`: a power cut too must not make it be sent twice."""
        self._write(f"{_checked(key)}.sent", orjson.dumps(request), durable=durable)

    def withdraw(self, key: str) -> None:
        """Forget an intent: the call was surely not carried out."""
        (self.folder / f"{_checked(key)}.sent").unlink(missing_ok=True)

    def put(self, key: str, answer: Answer, packed: Callable[[], bytes] | None = None) -> None:
        """Keep an answer, which `packing` may have begun to pack."""
        self._write(f"{_checked(key)}.zst", packed() if packed else _packed(answer))

    def put_refused(self, key: str, answer: Answer) -> None:
        """Keep the last answer that was no use, for a person to look at; `get` never returns it."""
        self._write(f"{_checked(key)}.refused", _packed(answer))

    def get(self, key: str) -> Answer | None:
        """The answer kept under `key`. Raises NotArchivedError where its file is damaged."""
        path = self.folder / f"{_checked(key)}.zst"
        try:
            packed = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return _unpacked(packed)
        except (zstandard.ZstdError, ValueError, KeyError, TypeError) as error:
            raise NotArchivedError(f"the archived answer {path} is damaged ({error}); remove it to ask again") from None

    def has(self, key: str) -> bool:
        """Whether there is an answer under `key`."""
        return (self.folder / f"{_checked(key)}.zst").exists()

    def put_file(self, key: str, facts: dict[str, Any], chunks: Iterable[bytes]) -> None:
        """Keep a file of any size with what is known of it, its size as `bytes`. Whatever is raised leaves none."""
        path = self._path(f"{_checked(key)}.zst")
        aside = path
        if isinstance(path, PosixPath | WindowsPath):
            for stale in path.parent.glob(f".{path.name}.*"):
                stale.unlink(missing_ok=True)
            aside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with aside.open("wb") as file:
                with zstandard.ZstdCompressor(write_checksum=True).stream_writer(file, closefd=False) as writer:
                    writer.write(orjson.dumps(facts) + b"\n")
                    for chunk in chunks:
                        writer.write(chunk)
                if isinstance(aside, PosixPath | WindowsPath):
                    _sync(file)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        if isinstance(aside, PosixPath | WindowsPath):
            aside.replace(Path(str(path)))

    def open_file(self, key: str) -> BinaryIO:
        """The bytes of a kept file, one after another. Raises NotArchivedError where it is not there or damaged."""
        path = self.folder / f"{_checked(key)}.zst"
        try:
            packed = path.open("rb")
        except FileNotFoundError:
            raise NotArchivedError(f"the archive lacks {path}") from None
        return BufferedReader(_Unpacked(packed, str(path)), _BUFFER_BYTES)

    def has_intent(self, key: str) -> bool:
        """Whether a call was recorded as sent, answered or not."""
        return (self.folder / f"{_checked(key)}.sent").exists()

    def _path(self, name: str) -> Folder:
        if not self._has_folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._has_folder = True
        return self.folder / name

    def _write(self, name: str, content: bytes, *, durable: bool = False) -> None:
        path = self._path(name)
        if not isinstance(path, PosixPath | WindowsPath):
            path.write_bytes(content)
            return
        aside = path.with_name(f".{name}.{os.getpid()}")
        try:
            with aside.open("wb") as file:
                file.write(content)
                if durable:
                    _sync(file)
        except BaseException as error:
            # On a full disk each attempt would leave another half, and nobody would ever make room.
            aside.unlink(missing_ok=True)
            if isinstance(error, OSError) and error.filename is None:
                # A failed write does not say where; whoever makes room needs to know.
                error.filename = str(path)
            raise
        aside.replace(path)
        if durable:
            _sync_folder(path.parent)


class _Unpacked(RawIOBase):
    """The content of a kept file. One that is cut short is damaged, not short."""

    def __init__(self, packed: IO[bytes], name: str) -> None:
        self._name = name
        self._unpacked = BufferedReader(zstandard.ZstdDecompressor().stream_reader(packed), _BUFFER_BYTES)
        try:
            self._missing: int = orjson.loads(self._unpacked.readline())["bytes"]
        except (zstandard.ZstdError, ValueError, KeyError, TypeError) as error:
            raise self._damaged(error) from None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            count = self._unpacked.readinto(buffer)
        except zstandard.ZstdError as error:
            raise self._damaged(error) from None
        self._missing -= count
        if not count and self._missing:
            raise self._damaged(f"{self._missing} bytes are missing")
        return count

    def close(self) -> None:
        self._unpacked.close()
        super().close()

    def _damaged(self, why: object) -> NotArchivedError:
        return NotArchivedError(f"the archived file {self._name} is damaged ({why})")


def _sync_folder(folder: Path) -> None:
    """A new name is as lasting as the folder that holds it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a file name in the archive")
    return name


def packing(answer: Answer) -> Callable[[], bytes]:
    """Pack an answer for `put`: a large one beside what its caller does until then, on another core if there is one."""
    if len(answer.body) < _LARGE_BYTES:
        return partial(_packed, answer)
    packer = ThreadPoolExecutor(1)
    packed = packer.submit(_packed, answer)
    packer.shutdown(wait=False)
    return packed.result


def _packed(answer: Answer) -> bytes:
    head = {
        "url": answer.url,
        "status": answer.status,
        "headers": answer.headers,
        "received_at": answer.received_at.isoformat(),
        "seconds": answer.seconds,
    }
    # With a checksum: a damaged file must not pass for what a provider said.
    packer = zstandard.ZstdCompressor(write_checksum=True)
    return packer.compress(orjson.dumps(head) + b"\n" + answer.body)


def _unpacked(packed: bytes) -> Answer:
    size = zstandard.frame_content_size(packed)
    if not 0 <= size <= _MAX_ANSWER_BYTES:
        raise ValueError(f"it says that it holds {size} bytes")
    head, _, body = zstandard.ZstdDecompressor().decompress(packed).partition(b"\n")
    facts = orjson.loads(head)
    return Answer(
        url=facts["url"],
        status=facts["status"],
        headers=facts["headers"],
        body=body,
        received_at=datetime.fromisoformat(facts["received_at"]),
        seconds=facts["seconds"],
    )
