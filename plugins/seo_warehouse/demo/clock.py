"""The demo's clock: real time, or an instant that somebody set; a property may have one of its own.

What was set survives a restart.
"""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, time
from pathlib import Path

LATEST = time(22, 59)
"""Real time is never shown later than this, so that a demo started at night has its day before it."""
COMMON = ""
"""Name of the clock that everything follows which has none of its own."""


def real_now() -> datetime:
    """Real time in UTC, held back to `LATEST` of its day."""
    now = datetime.now(UTC).replace(microsecond=0)
    return min(now, datetime.combine(now.date(), LATEST, UTC))


class Clock:
    """`now()` is what every answer is dated with; `name` is a property's."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._set: dict[str, datetime] = {}
        if path.exists():
            kept = json.loads(path.read_text(encoding="utf-8"))
            self._set = {name: datetime.fromisoformat(text) for name, text in kept.items()}

    def is_set(self, name: str = COMMON) -> bool:
        """Somebody set an instant."""
        return name in self._set

    def now(self, name: str = COMMON) -> datetime:
        """The instant that a property lives in: its own, else the common one, else real time."""
        instants = self._set
        return instants.get(name) or instants.get(COMMON) or real_now()

    def set(self, now: datetime | None, name: str = COMMON) -> None:
        """Live in `now` from here on; None: as if nobody had set it."""
        with self._lock:
            instants = {other: at for other, at in self._set.items() if other != name}
            if now is not None:
                instants[name] = now.astimezone(UTC)
            aside = self._path.with_suffix(".part")
            aside.write_text(json.dumps({each: at.isoformat() for each, at in instants.items()}), encoding="utf-8")
            aside.replace(self._path)
            self._set = instants
