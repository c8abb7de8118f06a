"""The drop folder of a property: what lies there, and its bytes.

Anybody may be able to put things there, so nothing is followed and nothing is trusted: links, devices, pipes and
sockets are refused by name, folders are not entered, and a file is opened once and must be the same at its last byte
as it was when it was found. Nothing is ever moved, changed or deleted here.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from seo_warehouse.errors import ConfigError

QUIET_SECONDS = 3.0
"""A file that was written to within these is looked at again after them: it may be on its way still."""
CHUNK_BYTES = 1 << 20
TEMPORARY = (".part", ".partial", ".crdownload", ".download", ".filepart", ".tmp", ".temp", ".swp", ".lock", "~")
"""How names end while browsers, transfer programs and editors still write."""


class ChangedError(Exception):
    """A file is not what it was when it was found."""


@dataclass(frozen=True)
class Found:
    """A regular file. `name` can be printed and stored, whatever the real one is; `signature` changes with the file.

    `written_at` is never ahead of our own clock: else the file would be the latest export for ever.
    """

    name: str
    path: Path
    size: int
    written_at: datetime
    signature: str

    def chunks(self) -> Iterator[bytes]:
        """The bytes. Raises ChangedError where they are not, or not any more, those of the file that was found."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ELOOP, errno.ENXIO):
                raise
            raise ChangedError(f"{self.name} is not there any more") from None
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            if _signature(os.fstat(descriptor)) != self.signature:
                raise ChangedError(f"{self.name} was replaced")
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
            if _signature(os.fstat(descriptor)) != self.signature:
                raise ChangedError(f"{self.name} was written to while it was read")

    def sha256(self) -> str:
        """Identity of the content. Raises ChangedError."""
        digest = hashlib.sha256()
        for chunk in self.chunks():
            digest.update(chunk)
        return digest.hexdigest()


@dataclass(frozen=True)
class Refused:
    """What is no file that may be read."""

    name: str
    signature: str
    reason: str


@dataclass(frozen=True)
class Look:
    """What lies in the folder, by name. `left` (name and reason) is for the next look, or not for us at all."""

    files: list[Found]
    refused: list[Refused]
    left: list[tuple[str, str]]


def unchanged(found: Found, sha256: str) -> Iterator[bytes]:
    """The bytes once more. Raises ChangedError where they are others than before."""
    digest = hashlib.sha256()
    for chunk in found.chunks():
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != sha256:
        raise ChangedError(f"{found.name} was written to while it was read")


def look(folder: Path, quiet_seconds: float = QUIET_SECONDS) -> Look:
    """What lies in a drop folder, which is made where it is missing. Waits where a file was written to just now.

    Raises ConfigError where the folder cannot be had or is a link.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        os.close(descriptor)
        entries = sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        reason = "it is a link" if folder.is_symlink() else error.strerror
        raise ConfigError(f"the drop folder {folder} cannot be read: {reason}") from None
    seen = Look([], [], [])
    fresh: dict[str, Found] = {}
    for entry in entries:
        _judge(entry, seen, fresh, quiet_seconds)
    if fresh:
        time.sleep(quiet_seconds)
    for found in fresh.values():
        try:
            is_same = _signature(os.lstat(found.path)) == found.signature
        except FileNotFoundError:
            is_same = False
        if is_same:
            seen.files.append(found)
        else:
            seen.left.append((found.name, "it is still being written"))
    return seen


def _judge(entry: os.DirEntry[str], seen: Look, fresh: dict[str, Found], quiet_seconds: float) -> None:
    name = shown(entry.name)
    if entry.name.startswith((".", "~")) or entry.name.lower().endswith(TEMPORARY):
        seen.left.append((name, "its name is that of a hidden or unfinished file"))
        return
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return
    if stat.S_ISDIR(status.st_mode):
        seen.left.append((name, "it is a folder, and folders are not entered"))
    elif stat.S_ISLNK(status.st_mode):
        seen.refused.append(
            Refused(name, _signature(status), "it is a link, and links are not followed: copy the file")
        )
    elif not stat.S_ISREG(status.st_mode):
        seen.refused.append(Refused(name, _signature(status), "it is no regular file"))
    elif not os.access(entry.path, os.R_OK):
        seen.refused.append(Refused(name, _signature(status), "it may not be read: permission denied"))
    else:
        written_at = datetime.fromtimestamp(min(status.st_mtime, time.time()), UTC)
        found = Found(name, Path(entry.path), status.st_size, written_at, _signature(status))
        # A date ahead of ours tells nothing about when it was written.
        if time.time() - status.st_mtime < quiet_seconds:
            fresh[name] = found
        else:
            seen.files.append(found)


def shown(name: str) -> str:
    """A file's name as text that can be printed and stored: what cannot is written as an escape."""
    text = name.replace("\\", "\\\\").encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _signature(status: os.stat_result) -> str:
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_dev}:{status.st_ino}"
