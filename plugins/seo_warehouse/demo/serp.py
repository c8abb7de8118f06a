"""The demo's rank tracker: Google organic SERPs by the vendor's standard (queued) method.

https://docs.dataforseo.com/v3/serp/google/organic/task_post/

How a SERP may end before the depth asked for:
* the engine has no more (`se_results_count` is not above the results given): then absent is absent;
* the vendor stopped early (`pages_count` short of the depth, `se_results_count` far above): truncated.
A check that the engine failed ends as a task of status 40101 without result; the vendor bills it and does
not count it in `tasks_error` (https://dataforseo.com/help-center/what-does-the-40101-error-mean).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import numpy as np
import orjson

from seo_warehouse.demo.catalogue import ALL_PROPERTIES, DEVICES, DemoProperty
from seo_warehouse.demo.chance import draw, generator, number
from seo_warehouse.demo.elements import elements, slots
from seo_warehouse.demo.envelope import VERSION, Json, stamp
from seo_warehouse.demo.world import World

OVERVIEW = "load_async_ai_overview"
PAGE_COST = 0.0006
NEXT_PAGE_SHARE = 0.75
OVERVIEW_COST = 0.0006
RIVALS = 140
PAID = b'{"type":"paid"'
NICHE_RESULTS = 14
RIVAL_FIRST = (
    "bright",
    "green",
    "north",
    "simple",
    "daily",
    "home",
    "urban",
    "village",
    "classic",
    "little",
    "true",
    "open",
)
RIVAL_SECOND = ("garden", "store", "shop", "guide", "reviews", "living", "supply", "house", "world", "outlet", "forum")


@dataclass(frozen=True)
class Order:
    """A rank check as ordered. `ready_at` is real time (seconds since 1970), `posted_at` the demo's clock."""

    id: str
    keyword: str
    location_code: int
    language_code: str
    device: str
    os: str
    depth: int
    priority: int
    tag: str | None
    cost: float
    posted_at: str
    ready_at: float
    account: str
    load_async_ai_overview: bool | None = None

    @property
    def posted(self) -> datetime:
        """When it was ordered."""
        return datetime.fromisoformat(self.posted_at)

    def data(self, function: str) -> Json:
        """The `data` object of an answer: the request, given back."""
        data: Json = {"api": "serp", "function": function, "se": "google", "se_type": "organic"}
        for name in ("keyword", "language_code", "location_code", "priority", "tag", "device", "os", "depth", OVERVIEW):
            value = getattr(self, name)
            if value is not None:
                data[name] = value
        return data

    def to_dict(self) -> Json:
        """All fields by name."""
        return vars(self)


@dataclass(frozen=True)
class Serp:
    """What a check of an order found. `state` and `position` are the property's, for the disclosure log."""

    state: str
    result: bytes
    position: int | None
    url: str | None
    items: int


def cost_of(depth: int, priority: int, *, with_overview: bool = False) -> float:
    """US dollars: each page of ten, the first in full; high priority doubles. Waiting for an AI overview is extra."""
    pages = -(-depth // 10)
    paged = (PAGE_COST + (pages - 1) * PAGE_COST * NEXT_PAGE_SHARE) * (2 if priority == 2 else 1)
    return round(paged + (OVERVIEW_COST if with_overview else 0), 6)


class Serps:
    """SERPs of any keyword on any day, always the same for the same world, keyword, device and day."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rivals = lru_cache(maxsize=512)(self._make_rivals)
        self._orders = lru_cache(maxsize=512)(self._make_orders)

    def _make_rivals(self, keyword: str) -> tuple[bytes, ...]:
        slug = quote(keyword.replace(" ", "-"))
        found = []
        for place in range(RIVALS):
            seed = number("rival", keyword, place)
            name = f"{RIVAL_FIRST[seed % 12]}-{RIVAL_SECOND[seed // 12 % 11]}{place}"
            host = f"www.{name}.example"
            path = ("", "products/", "blog/", "category/", "guide/")[seed % 5]
            title = f"{keyword.title()} - {name.replace('-', ' ').title()}"
            found.append(
                _fragment(
                    host, f"https://{host}/{path}{slug}", title, f"Everything about {keyword}, compared and explained."
                )
            )
        return tuple(found)

    def _make_orders(self, keyword: str) -> tuple[tuple[int, ...], ...]:
        rng = generator("order", keyword)
        places = np.arange(RIVALS, dtype=np.float64)
        return tuple(tuple(np.argsort(places + rng.normal(0, 1.2 + places * 0.06)).tolist()) for _ in range(32))

    def check(self, order: Order, day: date, at: datetime, form: str = "regular") -> Serp:
        """What the engine shows on `day`, all of it where `advanced`; `at` is written as the SERP's instant."""
        knobs, seed = self._world.knobs, self._world.seed
        names = (order.keyword, order.location_code, order.language_code, order.device, day)
        luck = draw(seed, "check", *names)
        if luck < knobs.failed_share:
            return Serp("failed", b"null", None, None, 0)
        is_truncated = luck < knobs.failed_share + knobs.truncated_share and order.depth > 10
        prop, position = self._own(order.keyword, order.device, day)
        count = order.depth - (0, 0, 0, 1, 2)[number(seed, "count", *names) % 5]
        total = 400_000 + number("total", order.keyword) % 9_000_000 + number(seed, "total", *names) % 4_000
        pages = -(-count // 10)
        if prop and order.keyword == prop.niche_keyword:
            count = total = min(count, NICHE_RESULTS)
            pages = -(-count // 10)
        elif is_truncated:
            pages = 1
            count = 9
        place = position[0] if position and position[0] <= count else None
        own_url = prop.url(position[1]) if prop and position and place else None
        placed = self._items(order, day, count, place, prop, own_url)
        last = placed[-1][0] if placed else 0
        free = {slot: kind for slot, kind in slots(order.keyword, order.device).items() if slot < last}
        items = _with_elements(order, placed, free) if form == "advanced" else [item for _, item in placed]
        state = "found" if place else "truncated" if is_truncated else "not_found"
        types = {*free.values(), *("paid" for _, item in placed[:1] if item.startswith(PAID))}
        return Serp(state, _result(order, at, total, pages, types, items), place, own_url, len(items))

    def _own(self, keyword: str, device: str, day: date) -> tuple[DemoProperty | None, tuple[int, str] | None]:
        for prop in ALL_PROPERTIES:
            found = self._world.position(prop, keyword, device if device in DEVICES else "desktop", day)
            if found:
                return prop, (found.position, found.path)
        return None, None

    def _items(
        self, order: Order, day: date, count: int, place: int | None, prop: DemoProperty | None, url: str | None
    ) -> list[tuple[int, bytes]]:
        rivals, orders = self._rivals(order.keyword), self._orders(order.keyword)
        ranking = orders[number("day", order.keyword, order.device, day) % len(orders)]
        seed = number("features", order.keyword, order.device)
        taken = slots(order.keyword, order.device)
        items, absolute = [], 0
        # The brand's own advertisement stands above its first result: paid, so no position of the property's.
        if prop and (seed % 4 == 0 or any(t.keyword == order.keyword and t.is_brand for t in prop.tracked)):
            absolute = 1
            advertisement = _fragment(
                prop.host, prop.url("/?ad=1"), f"{prop.brand} - Official Site", "Delivered to your door."
            )
            items.append((absolute, PAID + b',"rank_group":1,"rank_absolute":1' + advertisement))
        own = (
            _fragment(prop.host, url, f"{order.keyword.title()} | {prop.brand}", f"{prop.brand}: {order.keyword}.")
            if prop and url
            else b""
        )
        used = 0
        for group in range(1, count + 1):
            absolute += 1
            while absolute in taken:
                absolute += 1
            if group == place:
                fragment = own
            else:
                fragment = rivals[ranking[used % RIVALS]]
                used += 1
            item = b'{"type":"organic","rank_group":%d,"rank_absolute":%d%b' % (group, absolute, fragment)
            items.append((absolute, item))
        return items


def _with_elements(order: Order, placed: list[tuple[int, bytes]], free: dict[int, str]) -> list[bytes]:
    results = [orjson.loads(item) for _, item in placed if not item.startswith(PAID)]
    shown = elements(order.keyword, free, results, is_overview_loaded=bool(order.load_async_ai_overview))
    return [item for _, item in sorted([*placed, *((absolute, orjson.dumps(each)) for absolute, each in shown)])]


def _fragment(host: str, url: str, title: str, description: str) -> bytes:
    """The part of an item that no rank changes, as JSON from its second member on."""
    values = {
        "domain": host,
        "title": title,
        "description": description,
        "url": url,
        "breadcrumb": " › ".join((f"{url.split(':')[0]}://{host}", *url.split("?")[0].split("/")[3:])).removesuffix(
            " › "
        ),
    }
    return b"," + orjson.dumps(values)[1:]


def _result(order: Order, at: datetime, total: int, pages: int, types: set[str], items: list[bytes]) -> bytes:
    head: dict[str, Any] = {
        "keyword": order.keyword,
        "type": "organic",
        "se_domain": "google.com",
        "location_code": order.location_code,
        "language_code": order.language_code,
        "check_url": f"https://www.google.com/search?q={quote(order.keyword)}&num={order.depth}&hl={order.language_code}&gl=US",
        "datetime": stamp(at),
        "spell": None,
        "refinement_chips": None,
        "item_types": sorted({"organic", *types}),
        "se_results_count": total,
        "pages_count": pages,
        "items_count": len(items),
    }
    return orjson.dumps([head])[:-2] + b',"items":[' + b",".join(items) + b"]}]"


def task_answer(order: Order, path: str, status: tuple[int, str], result: bytes) -> bytes:
    """The answer to one task's collection, as bytes. `result` is the JSON of the result array, or null."""
    task = {
        "id": order.id,
        "status_code": status[0],
        "status_message": status[1],
        "time": "0.0427 sec.",
        "cost": 0,
        "result_count": 0 if result == b"null" else 1,
        "path": path.strip("/").split("/"),
        "data": order.data("task_get"),
    }
    head = {
        "version": VERSION,
        "status_code": 20000,
        "status_message": "Ok.",
        "time": "0.0782 sec.",
        "cost": 0,
        "tasks_count": 1,
        "tasks_error": 0,
    }
    inner = orjson.dumps(task)[:-1] + b',"result":' + result + b"}"
    return orjson.dumps(head)[:-1] + b',"tasks":[' + inner + b"]}"
