"""A night's plan: what a source is told to ask, kept in its archive before any answer.

Readers, replays and retries of a night all see the plan that was kept first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

import orjson

from seo_warehouse.client.archive import Answer, Archive
from seo_warehouse.errors import NotArchivedError

KEY = "plan"


@dataclass(frozen=True)
class Ask:
    """One thing to ask for: a page, a URL, a domain. `score`: how much was expected of it; `reason`: why."""

    ask: str
    score: float
    reason: str


def has_plan(archive: Archive) -> bool:
    """Whether a plan was kept."""
    return archive.has(KEY)


def keep_plan(archive: Archive, model: str, asks: Iterable[Ask], made_at: datetime) -> None:
    """Keep what `model` said at an instant, in the order of asking."""
    body = orjson.dumps([asdict(ask) for ask in asks])
    archive.put(KEY, Answer(url=model, status=200, headers={}, body=body, received_at=made_at, seconds=0.0))


def read_plan(archive: Archive) -> tuple[Ask, ...]:
    """The plan that was kept. Raises NotArchivedError where none was."""
    return tuple(Ask(**entry) for entry in orjson.loads(_kept(archive).body))


def planned_at(archive: Archive) -> datetime:
    """When the plan was kept. Raises NotArchivedError where none was."""
    return _kept(archive).received_at


def _kept(archive: Archive) -> Answer:
    answer = archive.get(KEY)
    if answer is None:
        raise NotArchivedError(f"the archive holds no plan ({archive.scope})")
    return answer
