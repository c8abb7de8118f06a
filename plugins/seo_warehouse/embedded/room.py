"""What must be there before a part of `make run` can start: room on the disk, a free port."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

from seo_warehouse.errors import EmbeddedError


def require_space(folder: Path, least_bytes: int) -> None:
    """Make `folder`. Raises EmbeddedError where its disk has less than `least_bytes` free."""
    folder.mkdir(parents=True, exist_ok=True)
    if reason := why_full(folder, least_bytes):
        raise EmbeddedError(reason)


def why_full(folder: Path, least_bytes: int) -> str | None:
    """What is wrong where the disk of a folder, which need not be there yet, has less than `least_bytes` free."""
    free, least = (count // 1_000_000 for count in (shutil.disk_usage(nearest(folder)).free, least_bytes))
    if free < least:
        return f"the disk of {folder} has {free} MB free, at least {least} MB are needed"
    return None


def nearest(folder: Path) -> Path:
    """A folder, or of those above it the nearest that is there."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def is_free(port: int) -> bool:
    """Whether a server could listen on a port of 127.0.0.1 now."""
    with socket.socket() as probe:
        # As servers do: a connection of the last run that is still closing does not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
