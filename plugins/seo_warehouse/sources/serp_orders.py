"""Rank checks ordered once and fetched when they are ready.

https://docs.dataforseo.com/v3/serp/google/organic/task_post/, .../tasks_ready/
https://docs.dataforseo.com/v3/serp/id_list/ (free, ten calls a minute)

What is to be ordered in a night is planned once and kept in the archive, so that a keyword added at noon neither
orders the others again nor changes a replay. An order that was cut is never sent again: its tasks are looked for by
their tags.

Money is bounded before it is spent: a night's checks are ordered where those ordered before, those that may have been
(cut) and all that are left can be paid for. What a task costs is known from the vendor's answer only; until then it
counts with the list price, and where this night's answers charged more than that, with as much more.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

from seo_warehouse.client.api import Api, Reply
from seo_warehouse.errors import (
    BudgetError,
    MalformedAnswerError,
    NotYetError,
    ThrottledError,
)
from seo_warehouse.property import Property
from seo_warehouse.sources.dataforseo import CREATED, cost_of, status_of
from seo_warehouse.sources.fields import text
from seo_warehouse.sources.serp_answers import (
    ID_LIST_PATH,
    LIST_ROWS,
    POST_PATH,
    READY_PATH,
    Form,
    decode_listed,
    decode_posted,
    decode_ready,
)
from seo_warehouse.sources.serp_plan import Check, batches, deadline, keep_note, keep_plan, list_price, planned
from seo_warehouse.spec import Period

log = logging.getLogger(__name__)

LOOKS = 3
"""Looks, one in each call of `order_checks`, after which a cut order that no list names was never placed."""
FOUND_KEY = "found"


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


def order_checks(api: Api, property: Property, period: Period, form: Form) -> bool:
    """Order each tracked keyword once on each device and fetch what is ready; True when all that will come came.

    Raises BudgetError where not all can be paid for, once what was bought has come.
    """
    night = period.first_day
    plan = planned(api, property, night, form)
    placed = placed_orders(api, plan, night)
    api.spend(money=sum((order.cost for order in placed.values()), Decimal(0)))
    ordered, refusal = _order_rest(api, plan, placed, night)
    placed |= ordered
    cut = {check.tag for check in plan} - placed.keys()
    tasks = {p.task_id: check for check in plan if (p := placed.get(check.tag)) and p.task_id}
    waiting = {id: check for id, check in tasks.items() if not api.holds("GET", check.path(id))}
    if cut or waiting:
        try:
            api.pass_over(READY_PATH)
            ready = api.get(READY_PATH, fresh=True, decode=decode_ready)
            if cut:
                _look_for(api, plan, cut, ready, night)
            came = _fetch(api, waiting, ready.json)
        except ThrottledError as error:
            # Lists and answers cost nothing and wait for days: asking less often is all that is asked for.
            log.info("%s: %s", property.name, error)
            return False
        if cut or came < len(waiting):
            return False
    if refusal is not None:
        raise refusal
    return True


def _order_rest(
    api: Api, plan: list[Check], placed: dict[str, Placed], night: date
) -> tuple[dict[str, Placed], BudgetError | None]:
    """Send the orders that were never sent. Returns what became of them, and why not all could be paid for.

    Raises BudgetError where none at all was ever sent: the plan is not kept then, so that a shorter one may follow.
    """
    prices = {check.tag: list_price(check.order) for check in plan}
    rest = [batch for batch in batches(plan) if not _is_sent(api, batch)]
    owed = {check.tag for check in plan} - placed.keys() | {order["tag"] for batch in rest for order in batch}
    ordered: dict[str, Placed] = {}
    if not rest:
        keep_plan(api, plan, night)
    for batch in rest:
        dearer = max([p.cost / prices[tag] for tag, p in {**placed, **ordered}.items()], default=Decimal(1))
        try:
            api.afford(max(dearer, Decimal(1)) * sum(prices[tag] for tag in owed))
        except BudgetError as error:
            if not ordered and len(rest) == len(list(batches(plan))):
                raise
            return ordered, error
        keep_plan(api, plan, night)
        reply = api.post(POST_PATH, batch, once=True, decode=decode_posted)
        came = _answered(reply, batch)
        api.spend(money=sum((order.cost for order in came.values()), Decimal(0)))
        ordered |= came
        owed -= came.keys()
    return ordered, None


def placed_orders(api: Api, plan: list[Check], night: date) -> dict[str, Placed]:
    """What is known of each order, by its tag; a cut order that may still be found is left out."""
    placed: dict[str, Placed] = {}
    found = _found(api)
    for batch in batches(plan):
        reply = api.find("POST", POST_PATH, batch, decode=decode_posted)
        if reply is not None:
            placed |= _answered(reply, batch)
            continue
        was_sent = _is_sent(api, batch)
        for tag in (order["tag"] for order in batch):
            if tag in found.tasks:
                task = found.tasks[tag]
                cost, at = Decimal(task["cost"]), datetime.fromisoformat(task["at"])
                placed[tag] = Placed(task["id"], None, "", cost, at)
            elif not was_sent:
                placed[tag] = unfound(night, "the order was not sent")
            elif found.looks >= LOOKS:
                placed[tag] = unfound(night)
    return placed


def unfound(night: date, why: str = "the order was cut short and no list of the vendor names it") -> Placed:
    """An order that no task is known of."""
    return Placed(None, None, why, Decimal(0), deadline(night))


def _is_sent(api: Api, batch: list[dict[str, Any]]) -> bool:
    """Whether an order was sent, answered or not."""
    return api.holds("POST", POST_PATH, batch) or api.is_cut("POST", POST_PATH, batch)


def _answered(reply: Reply, batch: list[dict[str, Any]]) -> dict[str, Placed]:
    """What an answer says of each order, by its tag; an order's part is found by the tag, else by its place."""
    tasks: list[dict[str, Any]] = reply.json
    tags = [(task.get("data") or {}).get("tag") for task in tasks]
    placed: dict[str, Placed] = {}
    for place, tag in enumerate(order["tag"] for order in batch):
        task = tasks[tags.index(tag)] if tag in tags else (tasks[place] if place < len(tasks) else None)
        if task is None:
            nameless = "the vendor's answer to the order does not name it"
            placed[tag] = Placed(None, None, nameless, Decimal(0), reply.observed_at)
            continue
        code, message = status_of(task)
        task_id = text(task.get("id"), "id") if code == CREATED else None
        placed[tag] = Placed(task_id, code, message, cost_of(task), reply.observed_at)
    return placed


def _fetch(api: Api, waiting: Mapping[str, Check], ready: Set[str]) -> int:
    """Fetch the tasks that are ready, of the checks that wait by their task, and return how many came.

    A full list may leave ours out, and a fetch that was cut has taken its task off the list: these are asked for too.
    Raises MalformedAnswerError where every answer was; a single one must not hold up the others.
    """
    is_full = len(ready) >= LIST_ROWS
    came = 0
    malformed: list[MalformedAnswerError] = []
    for task_id, check in waiting.items():
        path = check.path(task_id)
        if not is_full and task_id not in ready and not api.is_cut("GET", path):
            continue
        try:
            api.get(path, decode=check.decode)
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
    keep_note(api, FOUND_KEY, {"looks": found.looks + 1, "tasks": found.tasks}, ready.observed_at)
    if found.looks == 0:
        # The client counts a cut call when it is sent again, which an order never is.
        api.usage.cut += sum(api.is_cut("POST", POST_PATH, batch) for batch in batches(plan))


def _found(api: Api) -> _Found:
    kept = api.archive.get(FOUND_KEY)
    return _Found() if kept is None else _Found(**orjson.loads(kept.body))
