"""Rank checks ordered once and fetched when they are ready.

https://docs.dataforseo.com/v3/serp/google/organic/task_post/, .../tasks_ready/
https://docs.dataforseo.com/v3/serp/id_list/

What is to be ordered in a night is planned once and kept in the archive, so that a keyword added at noon neither
orders the others again nor changes a replay. An order that was cut is never sent again: its tasks are looked for by
their tags.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson

from seo_warehouse.api import Api, Reply
from seo_warehouse.config import NIGHT_DEADLINE, Property
from seo_warehouse.errors import MalformedAnswerError, NotArchivedError, NotYetError, ThrottledError
from seo_warehouse.landing import Answer
from seo_warehouse.sources.dataforseo import CREATED, cost_of, status_of
from seo_warehouse.sources.fields import text
from seo_warehouse.sources.serp_answers import (
    GET_PATH,
    ID_LIST_PATH,
    LIST_ROWS,
    POST_PATH,
    READY_PATH,
    decode_listed,
    decode_posted,
    decode_ready,
    decode_serp,
)
from seo_warehouse.spec import Period

log = logging.getLogger(__name__)

BATCH_TASKS = 100
"""The most tasks of one order."""
LOOKS = 3
"""Looks, one in each call of `order_checks`, after which a cut order that no list names was never placed."""
PLAN_KEY = "plan"
FOUND_KEY = "found"


@dataclass(frozen=True)
class Check:
    """One rank check of a night's plan, with its order as it is sent."""

    keyword: str
    order: dict[str, Any]

    @property
    def tag(self) -> str:
        """Our tag of the order."""
        return str(self.order["tag"])


@dataclass(frozen=True)
class Placed:
    """What became of one order: accepted (with an id), refused, or lost (neither)."""

    task_id: str | None
    status_code: int | None
    status_message: str
    cost: Decimal
    at: datetime


@dataclass
class _Found:
    """Tasks of cut orders as the vendor's lists name them, by tag, and how often they were looked for."""

    looks: int = 0
    tasks: dict[str, dict[str, str]] = field(default_factory=dict)


def order_checks(api: Api, property: Property, period: Period) -> bool:
    """Order each tracked keyword once on each device and fetch what is ready; True when all that will come came."""
    plan = planned(api, property, period.first_day)
    for batch in _batches(plan):
        if not api.holds("POST", POST_PATH, batch) and not api.is_cut("POST", POST_PATH, batch):
            reply = api.post(POST_PATH, batch, once=True, decode=decode_posted)
            api.spend(reply, money=sum((cost_of(task) for task in reply.json), Decimal(0)))
    placed = placed_orders(api, plan, period.first_day)
    cut = {check.tag for check in plan} - placed.keys()
    waiting = [p.task_id for p in placed.values() if p.task_id and not api.holds("GET", GET_PATH + p.task_id)]
    if not cut and not waiting:
        return True
    try:
        ready = _newest_ready(api)
        if cut:
            _look_for(api, plan, cut, ready, period.first_day)
        came = _fetch(api, waiting, ready.json)
    except ThrottledError as error:
        # Lists and answers cost nothing and wait for days: asking less often is all that is asked for.
        log.info("%s: %s", property.name, error)
        return False
    return not cut and came == len(waiting)


def planned(api: Api, property: Property, night: date) -> list[Check]:
    """The night's checks, as first planned. Raises NotArchivedError where none may be planned any more."""
    kept = api.archive.get(PLAN_KEY)
    if kept is not None:
        return [Check(entry["keyword"], entry["order"]) for entry in orjson.loads(kept.body)]
    if not api.may_call:
        raise NotArchivedError(f"{property.name}: no rank check was ordered for the night of {night}")
    panel = property.panel
    plan = [
        Check(
            tracked.keyword,
            {
                # The vendor decodes both characters.
                "keyword": tracked.keyword.replace("%", "%25").replace("+", "%2B"),
                "location_code": panel.location_code,
                "language_code": panel.language_code,
                "device": device,
                "depth": panel.depth,
                "tag": _tag(property, night, tracked.keyword, device),
            },
        )
        for tracked in property.keywords
        for device in panel.devices
    ]
    _keep(api, PLAN_KEY, [{"keyword": c.keyword, "order": c.order} for c in plan], _deadline(night))
    return plan


def placed_orders(api: Api, plan: list[Check], night: date) -> dict[str, Placed]:
    """What is known of each order, by its tag; a cut order that may still be found is left out."""
    placed: dict[str, Placed] = {}
    found = _found(api)
    for batch in _batches(plan):
        reply = api.find("POST", POST_PATH, batch, decode=decode_posted)
        for place, order in enumerate(batch):
            tag = order["tag"]
            if reply is not None:
                placed[tag] = _answered(reply, place, tag)
            elif tag in found.tasks:
                task = found.tasks[tag]
                cost, at = Decimal(task["cost"]), datetime.fromisoformat(task["at"])
                placed[tag] = Placed(task["id"], None, "", cost, at)
            elif found.looks >= LOOKS:
                placed[tag] = unfound(night)
    return placed


def unfound(night: date) -> Placed:
    """A cut order that no list names."""
    return Placed(
        None, None, "the order was cut short and no list of the vendor names it", Decimal(0), _deadline(night)
    )


def _tag(property: Property, night: date, keyword: str, device: str) -> str:
    return f"{property.key}:{night}:{hashlib.sha256(keyword.encode()).hexdigest()[:16]}:{device}"


def _deadline(night: date) -> datetime:
    return datetime.combine(night, NIGHT_DEADLINE, UTC)


def _batches(plan: list[Check]) -> Iterator[list[dict[str, Any]]]:
    for first in range(0, len(plan), BATCH_TASKS):
        yield [check.order for check in plan[first : first + BATCH_TASKS]]


def _answered(reply: Reply, place: int, tag: str) -> Placed:
    """The order's part of the answer, by its tag, else by its place."""
    tasks: list[dict[str, Any]] = reply.json
    tagged = [task for task in tasks if (task.get("data") or {}).get("tag") == tag]
    if not tagged and place >= len(tasks):
        return Placed(None, None, "the vendor's answer to the order does not name it", Decimal(0), reply.observed_at)
    task = tagged[0] if tagged else tasks[place]
    code, message = status_of(task)
    task_id = text(task.get("id"), "id") if code == CREATED else None
    return Placed(task_id, code, message, cost_of(task), reply.observed_at)


def _newest_ready(api: Api) -> Reply:
    """The list of tasks that are ready, asked for now: earlier polls of the night are passed over."""
    while True:
        ready = api.get(READY_PATH, fresh=True, decode=decode_ready)
        if not ready.is_reused:
            return ready


def _fetch(api: Api, waiting: list[str], ready: Set[str]) -> int:
    """Fetch the tasks that are ready and return how many came.

    A full list may leave ours out, and a fetch that was cut has taken its task off the list: these are asked for too.
    Raises MalformedAnswerError where every answer was; a single one must not hold up the others.
    """
    is_full = len(ready) >= LIST_ROWS
    came = 0
    malformed: list[MalformedAnswerError] = []
    for task_id in waiting:
        if not is_full and task_id not in ready and not api.is_cut("GET", GET_PATH + task_id):
            continue
        try:
            api.get(GET_PATH + task_id, decode=decode_serp)
            came += 1
        except NotYetError:
            continue
        except MalformedAnswerError as error:
            malformed.append(error)
    if malformed and not came:
        raise malformed[-1]
    return came


def _look_for(api: Api, plan: list[Check], tags: set[str], ready: Reply, night: date) -> None:
    """Look for the tags of cut orders among the tasks that are ready and all of the night; keep what was found."""
    found = _found(api)
    at = ready.observed_at.isoformat()
    for task_id, tag in ready.json.items():
        if tag in tags:
            found.tasks[tag] = {"id": task_id, "cost": "0", "at": at}
    rows, offset = LIST_ROWS, 0
    while rows >= LIST_ROWS:
        asked = {
            "datetime_from": f"{night:%Y-%m-%d} 00:00:00 +00:00",
            "datetime_to": f"{ready.observed_at:%Y-%m-%d %H:%M:%S} +00:00",
            "limit": LIST_ROWS,
            "offset": offset,
            "sort": "asc",
            "include_metadata": True,
        }
        listed = api.post(ID_LIST_PATH, [asked], fresh=True, decode=decode_listed).json
        found.tasks |= {tag: {**task, "at": at} for tag, task in listed.by_tag.items() if tag in tags}
        rows = listed.row_count
        offset += rows
    _keep(api, FOUND_KEY, {"looks": found.looks + 1, "tasks": found.tasks}, ready.observed_at)
    if found.looks == 0:
        # The client counts a cut call when it is sent again, which an order never is.
        api.usage.cut += sum(api.is_cut("POST", POST_PATH, batch) for batch in _batches(plan))


def _found(api: Api) -> _Found:
    kept = api.archive.get(FOUND_KEY)
    return _Found() if kept is None else _Found(**orjson.loads(kept.body))


def _keep(api: Api, key: str, content: Any, at: datetime) -> None:
    """Keep a note of ours beside the answers."""
    api.archive.put(key, Answer("", 200, {}, orjson.dumps(content), at, 0.0))
