"""The archive of raw answers; replaying it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Answer:
    """One HTTP answer as kept: `headers` lower-cased and free of secrets, `received_at` the instant it was whole."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes
    received_at: datetime
    seconds: float
