"""Whether the parts of the embedded Airflow that run show signs of life, too: one may hang, or have been stopped."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests

HUNG_SECONDS = 120.0
"""After so long without a sign of life a part is taken to hang; Airflow itself asks for one in twenty."""
PARTS = {"scheduler": "airflow-scheduler", "dag_processor": "airflow-dag-processor"}
SERVER = "airflow-api-server"


@dataclass(frozen=True)
class Silence:
    """A part that runs and is not healthy. `seconds`: since its last sign of life, where one is known."""

    component: str
    seconds: float | None

    def __str__(self) -> str:
        since = "does not answer" if self.seconds is None else f"has shown no sign of life for {self.seconds:.0f} s"
        return f"{self.component} {since}"


def ailing(url: str, started: Collection[str], began: datetime) -> list[str]:
    """The parts that are not healthy; for one in `started`, a heartbeat before `began` is its predecessor's."""
    health = _health(url)
    if not health:
        return ["api server"]
    found = [] if health["metadatabase"]["status"] == "healthy" else ["metadata database"]
    for part, component in PARTS.items():
        beat = _beat(health, part)
        if health[part]["status"] != "healthy" or not beat or (component in started and beat < began):
            found.append(part.replace("_", " "))
    # Built at its first request, which takes the server many seconds: better now than while a task waits for it.
    return found if _get(f"{url}/execution/health") else [*found, "tasks' interface"]


def silences(url: str, running: Collection[str], seconds: float = 30.0) -> Iterator[Silence]:
    """Those of the running components that are silent. `seconds`: how long an answer is waited for."""
    if not running:
        return
    health = _health(url, seconds)
    if not health:
        if SERVER in running:
            yield Silence(SERVER, None)
        return
    for part, component in PARTS.items():
        beat = _beat(health, part)
        if component in running and beat and health[part]["status"] != "healthy":
            yield Silence(component, (datetime.now(UTC) - beat).total_seconds())


def say_running(running: Collection[str], port: int | None, say: Callable[[str], None]) -> None:
    """What runs, and what of Airflow, at its port, is silent all the same."""
    say(f"running: {', '.join(running) or 'nothing'}")
    for silence in silences(f"http://127.0.0.1:{port}", running, seconds=5.0) if SERVER in running else ():
        say(f"{silence}: where it stays so, `make run` starts it anew")


def _health(url: str, seconds: float = 30.0) -> Any:
    return _get(f"{url}/api/v2/monitor/health", seconds)


def _beat(health: Any, part: str) -> datetime | None:
    beat = health[part].get(f"latest_{part}_heartbeat")
    return datetime.fromisoformat(beat) if beat else None


def _get(url: str, seconds: float = 30.0) -> Any:
    """The answer's document, or None where there is none yet."""
    with requests.Session() as session:
        session.trust_env = False  # no proxy stands between us and loopback
        try:
            answer = session.get(url, timeout=seconds)
            return answer.json() if answer.ok else None
        except (requests.RequestException, ValueError):
            return None
