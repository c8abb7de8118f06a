"""The demo's clock: real time, or an instant that somebody set. It survives a restart."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, time
from pathlib import Path

LATEST = time(22, 59)
"""Real time is never shown later than this, so that a demo started at night has its day before it."""


def real_now() -> datetime:
    """Real time in UTC, held back to `LATEST` of its day."""
    now = datetime.now(UTC).replace(microsecond=0)
    return min(now, datetime.combine(now.date(), LATEST, UTC))


class Clock:
    """`now()` is what every answer is dated with."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._set: datetime | None = None
        if path.exists():
            text = json.loads(path.read_text(encoding="utf-8"))["now"]
            self._set = datetime.fromisoformat(text) if text else None

    @property
    def is_set(self) -> bool:
        """Somebody set an instant."""
        return self._set is not None

    def now(self) -> datetime:
        """The instant that the demo lives in."""
        return self._set or real_now()

    def set(self, now: datetime | None) -> None:
        """Live in `now` from here on; None: in real time."""
        with self._lock:
            aside = self._path.with_suffix(".part")
            aside.write_text(json.dumps({"now": now.isoformat() if now else None}), encoding="utf-8")
            aside.replace(self._path)
            self._set = now.astimezone(UTC) if now else None
