"""Python imports this first where its folder is in PYTHONPATH: nothing but loopback is reached, and each try is noted.

`WATCHED_CONNECTIONS` names the file of notes. An audit hook sees what every library written in Python does, and cannot
be taken back. PostgreSQL's own client library is not seen; it goes where it is told.
"""

from __future__ import annotations

import os
import socket
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import Any


def deny_network(notes: Path) -> None:
    """Refuse, and note, whatever would leave this machine, from now on in this process."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            address = arguments[1]
            place = str(address[0]) if isinstance(address, tuple) else ""
        elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
            place = str(arguments[0] or "")
        else:
            return
        if not _is_local(place):
            with notes.open("a") as file:
                file.write(f"{event} {place} by {sys.orig_argv[:6]!r}\n")
            raise PermissionError(f"{place} is not on this machine")

    sys.addaudithook(hook)


def _is_local(place: str) -> bool:
    place = place.strip("[]").removeprefix("b'").removesuffix("'")
    if place in ("", "localhost", socket.gethostname()):
        return True
    try:
        return ip_address(place.partition("%")[0]).is_loopback or place in ("0.0.0.0", "::")  # noqa: S104
    except ValueError:
        return False


if "WATCHED_CONNECTIONS" in os.environ:
    deny_network(Path(os.environ["WATCHED_CONNECTIONS"]))
