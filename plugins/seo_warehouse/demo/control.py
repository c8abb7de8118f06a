"""What whoever runs a demo tells it, which instant it lives in, and asks it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

import requests

from seo_warehouse.errors import TransientSourceError


def clock_url(port: int) -> str:
    """Where the demo that serves on `port` tells the time, and is told it."""
    return f"http://127.0.0.1:{port}/control/clock"


def plan(url: str, property_name: str) -> list[dict[str, Any]]:
    """The pages to visit at the instant of a property, told by the demo whose clock `url` is; see linking.asks.

    Raises TransientSourceError where no demo answers.
    """
    asked = f"{url.removesuffix('clock')}plan?property={quote(property_name)}"
    found: list[dict[str, Any]] = _control(url, "GET", asked)
    return found


def set_clock(url: str, instant: datetime | None, property_name: str | None = None) -> None:
    """Set the clock at `url`, or that of one property alone; None takes the setting back.

    A property then follows the world, and the world real time. Raises TransientSourceError where no demo answers.
    """
    asked = f"{url}?property={quote(property_name)}" if property_name else url
    _control(url, "PUT", asked, {"now": instant.isoformat() if instant else None})


def _control(url: str, method: str, asked: str, value: Any = None) -> Any:
    try:
        with requests.Session() as session:
            # It serves on this machine: a proxy of the user's has no part in it.
            session.trust_env = False
            answer = session.request(method, asked, json=value, timeout=30)
            answer.raise_for_status()
            return answer.json()
    except requests.RequestException:
        raise TransientSourceError(f"no demo answers at {url}: start it with `make run`") from None
