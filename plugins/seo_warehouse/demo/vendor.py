"""DataForSEO's paths: which request is answered by what."""

from __future__ import annotations

import secrets
import time
from datetime import datetime
from typing import Any

import orjson

from seo_warehouse.demo.accounts import login
from seo_warehouse.demo.backlinks import PATH as BACKLINKS_PATH
from seo_warehouse.demo.backlinks import Backlinks
from seo_warehouse.demo.chance import number
from seo_warehouse.demo.envelope import (
    CREATED,
    IN_QUEUE,
    NOT_FOUND,
    OK,
    SE_ERROR,
    TASK_NOT_FOUND,
    UNAUTHORIZED,
    Json,
    Status,
    envelope,
    invalid,
    stamp,
    task,
    task_id,
)
from seo_warehouse.demo.records import Orders
from seo_warehouse.demo.serp import OVERVIEW, Order, Serps, cost_of, task_answer
from seo_warehouse.demo.world import World

SERP = "v3/serp/google/organic"
COLLECTED = tuple(f"{SERP}/task_get/{form}/" for form in ("regular", "advanced"))
ACCOUNT = "v3/appendix/user_data"
DEPOSIT = 1_000_000.0
"""US dollars: whoever runs the demo never runs out of money."""
MOST_TASKS = 100
MOST_READY = 1_000
MOST_DEPTH = 700
MOST_KEYWORD = 700

Shown = tuple[str, list[Json]]
"""Kind of disclosure and what was disclosed."""


def unauthorized() -> bytes:
    """The body of a 401."""
    return orjson.dumps({**envelope([], status=UNAUTHORIZED), "tasks": None})


def _refusal(asked: Json) -> Status | None:
    keyword, depth = asked.get("keyword"), asked.get("depth", 10)
    if not isinstance(keyword, str) or not 0 < len(keyword) <= MOST_KEYWORD:
        return invalid("keyword")
    if not isinstance(asked.get("location_code"), int):
        return invalid("location_code")
    if not isinstance(asked.get("language_code"), str):
        return invalid("language_code")
    if asked.get("device", "desktop") not in ("desktop", "mobile"):
        return invalid("device")
    if not isinstance(depth, int) or not 1 <= depth <= MOST_DEPTH:
        return invalid("depth")
    if asked.get("priority", 1) not in (1, 2):
        return invalid("priority")
    if not isinstance(asked.get(OVERVIEW, False), bool):
        return invalid(OVERVIEW)
    tag = asked.get("tag")
    if tag is not None and (not isinstance(tag, str) or len(tag) > 255):
        return invalid("tag")
    return None


class Vendor:
    """DataForSEO as the demo plays it."""

    def __init__(self, world: World, orders: Orders) -> None:
        self._world = world
        self._orders = orders
        self._backlinks = Backlinks(world)
        self._serps = Serps(world)
        self.serp_delay_seconds = world.knobs.serp_delay_seconds

    def answer(
        self, account: str, method: str, path: str, body: bytes, now: datetime
    ) -> tuple[int, bytes, Shown | None]:
        """HTTP status, body and disclosure of an account's request without its host. An account sees its own orders."""
        path = path.strip("/")
        if method == "GET" and path == ACCOUNT:
            return 200, orjson.dumps(self._account(account, path, now)), None
        if method == "GET" and path.startswith(COLLECTED):
            return 200, *self._collect(account, path, now)
        if method == "GET" and path == f"{SERP}/tasks_ready":
            return 200, orjson.dumps(self._ready(account, path, now)), None
        if method == "POST" and path in (f"{SERP}/task_post", "v3/serp/id_list", BACKLINKS_PATH):
            tasks = self._parse(body)
            if tasks is None:
                return 200, orjson.dumps({**envelope([], status=(40503, "POST Data Is Invalid.")), "tasks": None}), None
            if path == BACKLINKS_PATH and len(tasks) > 1:
                only_one = (40000, "You can set only one task at a time.")
                return 200, orjson.dumps({**envelope([], status=only_one), "tasks": None}), None
            if path == BACKLINKS_PATH:
                answer, shown = self._backlinks.live(tasks, now)
                at = now.isoformat()
                return 200, orjson.dumps(answer), ("backlinks", [{"at": at, **item} for item in shown])
            if path.endswith("id_list"):
                return 200, orjson.dumps(self._id_list(account, path, tasks, now)), None
            return 200, orjson.dumps(self._post(account, path, tasks, now)), None
        return 404, orjson.dumps({**envelope([], status=NOT_FOUND), "tasks": None}), None

    def fail_tasks(self, path: str, body: bytes, status: int, now: datetime) -> bytes:
        """The answer in which every task asked for failed with `status`, nothing done."""
        message = "Internal Error." if status == 50000 else "Task failed."
        asked = self._parse(body) or [{}]
        tasks = [
            task(task_id(now, number(now, place) % 2**48), (status, message), path, each)
            for place, each in enumerate(asked)
        ]
        return orjson.dumps(envelope(tasks))

    def _parse(self, body: bytes) -> list[Json] | None:
        try:
            tasks: Any = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        is_array = isinstance(tasks, list) and bool(tasks) and all(isinstance(each, dict) for each in tasks)
        return tasks if is_array else None

    def _account(self, account: str, path: str, now: datetime) -> Json:
        told = {
            "login": login(account),
            "timezone": "UTC",
            "money": {"total": DEPOSIT, "balance": DEPOSIT, "limits": {}, "statistics": {}},
            "backlinks_subscription_expiry_date": None,
        }
        data = {"api": "appendix", "function": "user_data"}
        return envelope([task(task_id(now, number("account", now) % 2**48), OK, path, data, result=[told])])

    def _post(self, account: str, path: str, asked: list[Json], now: datetime) -> Json:
        if len(asked) > MOST_TASKS:
            return {**envelope([], status=(40006, "You can set only 100 tasks at a time.")), "tasks": None}
        orders, tasks = [], []
        for each in asked:
            id = task_id(now, secrets.randbits(48))
            refusal = _refusal(each)
            data = {"api": "serp", "function": "task_post", "se": "google", "se_type": "organic", **each}
            if refusal:
                tasks.append(task(id, refusal, path, data))
                continue
            device, depth = each.get("device", "desktop"), each.get("depth", 10)
            order = Order(
                id=id,
                keyword=each["keyword"],
                location_code=each["location_code"],
                language_code=each["language_code"],
                device=device,
                os=each.get("os") or ("windows" if device == "desktop" else "android"),
                depth=depth,
                priority=each.get("priority", 1),
                tag=each.get("tag"),
                cost=cost_of(depth, each.get("priority", 1), with_overview=bool(each.get(OVERVIEW))),
                posted_at=now.isoformat(),
                ready_at=time.time() + self.serp_delay_seconds,
                account=account,
                load_async_ai_overview=each.get(OVERVIEW),
            )
            orders.append(order)
            tasks.append(task(id, CREATED, path, {**data, "device": device, "os": order.os}, cost=order.cost))
        self._orders.place(orders)
        return envelope(tasks)

    def _ready(self, account: str, path: str, now: datetime) -> Json:
        ready = self._orders.ready(account, time.time())[:MOST_READY]
        result = [
            {
                "id": order.id,
                "se": "google",
                "se_type": "organic",
                "date_posted": stamp(order.posted),
                "tag": order.tag,
                "endpoint_regular": f"/{SERP}/task_get/regular/{order.id}",
                "endpoint_advanced": f"/{SERP}/task_get/advanced/{order.id}",
                "endpoint_html": f"/{SERP}/task_get/html/{order.id}",
            }
            for order in ready
        ]
        data = {"api": "serp", "function": "tasks_ready", "se": "google", "se_type": "organic"}
        return envelope([task(task_id(now, number("ready", now) % 2**48), OK, path, data, result=result or None)])

    def _collect(self, account: str, path: str, now: datetime) -> tuple[bytes, Shown | None]:
        form, id = path.rsplit("/", 2)[1:]
        order = self._orders.find(id)
        if order is None or order.account != account:
            data = {"api": "serp", "function": "task_get", "se": "google", "se_type": "organic"}
            return orjson.dumps(envelope([task(id, TASK_NOT_FOUND, path, data)])), None
        if order.ready_at > time.time():
            return task_answer(order, path, IN_QUEUE, b"null"), None
        serp = self._serps.check(order, order.posted.date(), order.posted, form)
        status = SE_ERROR if serp.state == "failed" else OK
        self._orders.collect(order)
        shown = {
            "at": now.isoformat(),
            "id": id,
            "tag": order.tag,
            "keyword": order.keyword,
            "location_code": order.location_code,
            "language_code": order.language_code,
            "device": order.device,
            "depth": order.depth,
            "day": order.posted_at[:10],
            "state": serp.state,
            "position": serp.position,
            "url": serp.url,
            "items": serp.items,
            "status_code": status[0],
        }
        return task_answer(order, path, status, serp.result), ("serp", [shown])

    def _id_list(self, account: str, path: str, asked: list[Json], now: datetime) -> Json:
        tasks = []
        for place, each in enumerate(asked):
            id = task_id(now, number("id_list", now, place) % 2**48)
            data = {"api": "serp", "function": "id_list", **each}
            try:
                first, last = _instant(each["datetime_from"]), _instant(each["datetime_to"])
            except (KeyError, TypeError, ValueError):
                tasks.append(task(id, invalid("datetime_from"), path, data))
                continue
            limit, offset = each.get("limit", 1_000), each.get("offset", 0)
            if not isinstance(limit, int) or not 1 <= limit <= 1_000:
                tasks.append(task(id, invalid("limit"), path, data))
                continue
            own = (order for order in self._orders.all() if order.account == account)
            found = [order for order in own if first <= order.posted <= last]
            if each.get("sort") == "desc":
                found.reverse()
            result = [_listed(order, bool(each.get("include_metadata"))) for order in found[offset : offset + limit]]
            tasks.append(task(id, OK, path, data, result=result or None))
        return envelope(tasks)


def _instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z")


def _listed(order: Order, with_metadata: bool) -> Json:
    is_done = order.ready_at <= time.time()
    return {
        "id": order.id,
        "url": f"https://api.dataforseo.com/{SERP}/task_post",
        "datetime_posted": stamp(order.posted),
        "datetime_done": stamp(order.posted) if is_done else None,
        "status": "Ok." if is_done else IN_QUEUE[1],
        "cost": order.cost,
        "metadata": order.data("task_post") if with_metadata else None,
    }
