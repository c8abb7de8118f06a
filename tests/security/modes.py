"""Who may read what lies in a folder."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path


def lying_open(folder: Path) -> Iterator[tuple[str, str]]:
    """What below a folder others may read or enter, or anybody run; links have no permissions of their own."""
    for path in (folder, *folder.rglob("*")):
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:  # processes are at work in it
            continue
        if not stat.S_ISLNK(mode) and stat.S_IMODE(mode) != (0o700 if stat.S_ISDIR(mode) else 0o600):
            yield str(path), stat.filemode(mode)
