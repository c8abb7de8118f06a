"""Who may read what lies in a folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def lying_open(folder: Path) -> Iterator[tuple[str, str]]:
    """What below a folder others may read or enter, or anybody run; links have no permissions of their own."""
    # Processes are at work in it: what has gone meanwhile is passed over.
    for place, _, names in os.walk(folder):
        for path in (Path(place), *(Path(place, name) for name in names)):
            with suppress(FileNotFoundError):
                mode = path.lstat().st_mode
                if not stat.S_ISLNK(mode) and stat.S_IMODE(mode) != (0o700 if stat.S_ISDIR(mode) else 0o600):
                    yield str(path), stat.filemode(mode)
