"""Logs in an object store: what lies under a prefix, and its bytes as a file of this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from seo_warehouse.client.archive import Folder
from seo_warehouse.exports import folder


@dataclass(frozen=True)
class Object:
    """An object by its name below the prefix. `signature` changes with it."""

    name: str
    size: int
    written_at: datetime
    root: Folder

    @property
    def signature(self) -> str:
        """Of its size and of when it was written: stores show an object only when it is whole."""
        return f"{self.size}:{self.written_at.timestamp():.6f}"

    @contextmanager
    def fetch(self) -> Iterator[folder.Found]:
        """Its bytes as a file, which is gone afterwards."""
        with NamedTemporaryFile() as copy:
            with self.root.open("rb") as content:
                shutil.copyfileobj(content, copy, folder.CHUNK_BYTES)
            copy.flush()
            yield folder.Found(self.name, Path(copy.name), self.size, self.written_at, self.signature)


def look(root: Folder) -> list[Object]:
    """What lies under a prefix, however deep, in the order in which it was written."""
    return sorted(_below(root, ""), key=lambda found: (found.written_at, found.name))


def _below(root: Folder, prefix: str) -> Iterator[Object]:
    for entry in root.iterdir():
        name = f"{prefix}{folder.shown(entry.name)}"
        if entry.is_dir():
            yield from _below(entry, f"{name}/")
        else:
            told = entry.stat()
            yield Object(name, told.st_size, datetime.fromtimestamp(told.st_mtime, UTC), entry)
