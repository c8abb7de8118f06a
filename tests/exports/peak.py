"""Prints the bytes of memory that reading a file takes at most."""

from __future__ import annotations

import resource
import sys
from datetime import UTC, datetime
from pathlib import Path

from seo_warehouse.exports.forms import read, recognise


def main(path: Path) -> None:
    (part,) = recognise(path.name, lambda: path.open("rb"), datetime(2026, 3, 2, tzinfo=UTC))
    for _ in read(path.name, lambda: path.open("rb"), part):
        pass
    sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))


main(Path(sys.argv[1]))
