"""The demo's backlink vendor: POST /v3/backlinks/backlinks/live.

https://docs.dataforseo.com/v3/backlinks/backlinks/live/
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from seo_warehouse.demo.catalogue import ALL_PROPERTIES, DemoProperty
from seo_warehouse.demo.chance import draw, number
from seo_warehouse.demo.envelope import OK, Json, Status, envelope, invalid, stamp, task, task_id
from seo_warehouse.demo.hosting import address_of, burst_of
from seo_warehouse.demo.links import TEXTS, Sight, is_followed
from seo_warehouse.demo.world import World

PATH = "v3/backlinks/backlinks/live"
REQUEST_COST = 0.02
ROW_COST = 0.00003
MOST_ROWS = 1_000
MOST_FILTERS = 8
FIELDS = frozenset(
    "target mode custom_mode filters order_by offset search_after_token limit backlinks_status_type "
    "include_subdomains exclude_internal_backlinks rank_scale tag".split()
)
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda have, want: bool(have == want),
    "<>": lambda have, want: bool(have != want),
    "<": lambda have, want: have is not None and bool(have < want),
    "<=": lambda have, want: have is not None and bool(have <= want),
    ">": lambda have, want: have is not None and bool(have > want),
    ">=": lambda have, want: have is not None and bool(have >= want),
    "in": lambda have, want: have in want,
    "not_in": lambda have, want: have not in want,
    "like": lambda have, want: have is not None and _like(want).fullmatch(have) is not None,
    "not_like": lambda have, want: have is None or _like(want).fullmatch(have) is None,
    "ilike": lambda have, want: have is not None and _like(want.lower()).fullmatch(have.lower()) is not None,
    "not_ilike": lambda have, want: have is None or _like(want.lower()).fullmatch(have.lower()) is None,
    "regex": lambda have, want: have is not None and re.search(want, have) is not None,
    "not_regex": lambda have, want: have is None or re.search(want, have) is None,
}
Test = Callable[[Json], bool]


class RefusedError(Exception):
    """The task is refused with a status of its own."""

    def __init__(self, status: Status) -> None:
        super().__init__(status[1])
        self.status = status


def _like(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("%")), re.DOTALL)


def compile_filter(filters: list[Any], known: frozenset[str]) -> tuple[Test, int]:
    """A test of the vendor's filter form, and how many conditions it holds. Raises RefusedError."""
    if len(filters) == 3 and isinstance(filters[0], str) and filters[1] in COMPARISONS:
        name, operator, want = filters
        if name not in known:
            raise RefusedError(invalid("filters"))
        compare = COMPARISONS[operator]

        def compared(item: Json) -> bool:
            have = item[name]
            # Numbers may be written as text: ["rank", ">", "80"] is the vendor's own example.
            is_number = isinstance(have, int) and not isinstance(have, bool) and isinstance(want, str)
            return compare(have, float(want) if is_number else want)

        return compared, 1
    if len(filters) % 2 == 0 or any(word not in ("and", "or") for word in filters[1::2]):
        raise RefusedError(invalid("filters"))
    if not all(isinstance(part, list) for part in filters[::2]):
        raise RefusedError(invalid("filters"))
    parts = [compile_filter(part, known) for part in filters[::2]]

    def holds(item: Json) -> bool:
        value = parts[0][0](item)
        for word, (test, _) in zip(filters[1::2], parts[1:], strict=True):
            value = (value and test(item)) if word == "and" else (value or test(item))
        return value

    return holds, sum(count for _, count in parts)


class Backlinks:
    """Backlinks of the demo's properties as the vendor knows them at an instant."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._bursts = {key: burst_of(links) for key, links in world.links.items()}
        self._fixed: dict[tuple[int, int], Json] = {}
        self._items: dict[tuple[int, int, datetime], Json] = {}

    def item(self, sight: Sight) -> Json:
        """One backlink in the vendor's form."""
        key = (sight.link.property_key, sight.link.link_id, sight.last_seen)
        if key not in self._items:
            self._items[key] = self._make_item(sight)
        return self._items[key]

    def _make_item(self, sight: Sight) -> Json:
        link, change = sight.link, sight.change
        key = (link.property_key, link.link_id)
        if key not in self._fixed:
            self._fixed[key] = self._fixed_part(sight)
        drift = int(12 * draw("rank", link.site.host, f"{sight.last_seen:%Y-%m}"))
        domain_rank = 40 + int(820 * link.site.authority) + drift
        return {
            **self._fixed[key],
            "is_new": sight.prev_seen is None,
            "is_lost": not change.is_live,
            "rank": domain_rank // 2,
            "page_from_rank": max(0, domain_rank - 60),
            "domain_from_rank": domain_rank,
            "first_seen": stamp(sight.first_seen),
            "prev_seen": stamp(sight.prev_seen) if sight.prev_seen else None,
            "last_seen": stamp(sight.last_seen),
            "attributes": list(change.rel) or None,
            "dofollow": is_followed(change.rel),
            "alt": change.anchor if link.is_image else None,
            "anchor": None if link.is_image else change.anchor,
        }

    def _fixed_part(self, sight: Sight) -> Json:
        link = sight.link
        seed = number("item", link.property_key, link.link_id)
        target = urlsplit(link.url_to)
        return {
            "type": "backlink",
            "domain_from": link.site.host,
            "url_from": link.url_from,
            "url_from_https": True,
            "domain_to": (target.hostname or "").lower(),
            "url_to": link.url_to,
            "url_to_https": False,
            "tld_from": "example",
            "is_new": False,
            "is_lost": False,
            "backlink_spam_score": seed % 100 if link.site.authority < 0.1 else seed % 20,
            "rank": 0,
            "page_from_rank": 0,
            "domain_from_rank": 0,
            "domain_from_platform_type": list(link.site.platforms),
            "domain_from_is_ip": False,
            "domain_from_ip": address_of(self._world.seed, link.site.host, self._bursts[link.property_key]),
            "domain_from_country": link.site.country,
            "page_from_external_links": 3 + seed % 40,
            "page_from_internal_links": 12 + seed % 90,
            "page_from_size": 14_000 + seed % 180_000,
            "page_from_encoding": "utf-8",
            "page_from_language": "en",
            "page_from_title": link.title,
            "page_from_status_code": 200,
            "first_seen": None,
            "prev_seen": None,
            "last_seen": None,
            "item_type": "image" if link.is_image else "anchor",
            "attributes": None,
            "dofollow": None,
            "original": link.is_original,
            "alt": None,
            "image_url": f"{link.site.root}/images/{link.link_id}.jpg" if link.is_image else None,
            "anchor": None,
            "text_pre": TEXTS[seed % len(TEXTS)],
            "text_post": ".",
            "semantic_location": ("article", "main", "section", None)[seed % 4],
            "links_count": 1 if seed % 9 else 2,
            "group_count": 0,
            "is_broken": False,
            "url_to_status_code": 200 if (target.hostname or "").startswith("www.") else 301,
            "url_to_spam_score": 2,
            "url_to_redirect_target": None,
            "ranked_keywords_info": {
                "page_from_keywords_count_top_3": seed % 3,
                "page_from_keywords_count_top_10": seed % 11,
                "page_from_keywords_count_top_100": seed % 60,
            },
            "is_indirect_link": False,
            "indirect_link_path": None,
        }

    def live(self, body: Any, now: datetime) -> tuple[Json, list[Json]]:
        """The answer to a task array, and what it disclosed: each item's identity and dates."""
        tasks, shown = [], []
        for place, asked in enumerate(body):
            id = task_id(now, number(now, json.dumps(asked, sort_keys=True), place) % 2**48)
            data = {"api": "backlinks", "function": "backlinks", **asked}
            try:
                result, cost = self._answer(asked, now)
            except RefusedError as refusal:
                tasks.append(task(id, refusal.status, PATH, data))
                continue
            tasks.append(task(id, OK, PATH, data, cost=cost, result=[result]))
            key = next((p.key for p in ALL_PROPERTIES if _is_of(asked["target"], p)), None)
            shown += [_disclosed(item, key, asked) for item in result["items"]]
        return envelope(tasks), shown

    def _answer(self, asked: Json, now: datetime) -> tuple[Json, float]:
        unknown = sorted(set(asked) - FIELDS)
        if unknown:
            raise RefusedError(invalid(unknown[0]))
        limit, offset = asked.get("limit", 100), asked.get("offset", 0)
        if not isinstance(limit, int) or not 1 <= limit <= MOST_ROWS:
            raise RefusedError(invalid("limit"))
        if not isinstance(offset, int) or not 0 <= offset <= self._world.knobs.offset_cap:
            raise RefusedError(invalid("offset"))
        start = _token_offset(asked) if asked.get("search_after_token") else offset
        items = self._matching(asked, now)
        page = items[start : start + limit]
        result = {
            "target": asked["target"],
            "mode": asked.get("mode", "as_is"),
            "custom_mode": asked.get("custom_mode"),
            "total_count": len(items),
            "items_count": len(page),
            "items": page,
            "search_after_token": _token(asked, start + limit) if start + limit < len(items) else None,
        }
        return result, round(REQUEST_COST + ROW_COST * len(page), 6)

    def _matching(self, asked: Json, now: datetime) -> list[Json]:
        target = asked.get("target")
        if not isinstance(target, str) or not target or target.startswith("www."):
            raise RefusedError(invalid("target"))
        status = asked.get("backlinks_status_type", "live")
        if status not in ("all", "live", "lost"):
            raise RefusedError(invalid("backlinks_status_type"))
        prop = next((p for p in ALL_PROPERTIES if _is_of(target, p)), None)
        items = [self.item(sight) for sight in self._world.sights(prop.key, now)] if prop else []
        if prop and target != prop.domain:
            items = [i for i in items if i["url_to"] == target or i["domain_to"] == target.lower()]
        if status != "all":
            items = [item for item in items if item["is_lost"] == (status == "lost")]
        if (filters := asked.get("filters")) and items:
            test, count = compile_filter(filters, frozenset(items[0]))
            if count > MOST_FILTERS:
                raise RefusedError(invalid("filters"))
            items = [item for item in items if test(item)]
        return _sorted(items, asked.get("order_by") or ["rank,desc"])


def _is_of(target: Any, prop: DemoProperty) -> bool:
    host = urlsplit(target).hostname if "://" in str(target) else str(target)
    return host is not None and (host.lower() == prop.domain or host.lower().endswith(f".{prop.domain}"))


def _sorted(items: list[Json], rules: list[str]) -> list[Json]:
    # The vendor orders ties as it likes; address and first sight make the demo's order its own at every page.
    items = sorted(items, key=lambda item: (item["url_from"], item["url_to"]))
    for rule in reversed(rules[:3]):
        name, _, direction = rule.partition(",")
        if items and name not in items[0]:
            raise RefusedError(invalid("order_by"))
        items.sort(key=lambda item: _rank_of(item[name]), reverse=direction == "desc")
    return items


def _rank_of(value: Any) -> tuple[bool, Any]:
    return value is not None, 0 if value is None else value


def _asked_again(asked: Json) -> Json:
    return {name: value for name, value in asked.items() if name not in ("search_after_token", "offset")}


def _token(asked: Json, offset: int) -> str:
    raw = {"CurrentOffset": offset, "RawRequest": _asked_again(asked)}
    return base64.b64encode(json.dumps(raw, sort_keys=True).encode()).decode()


def _token_offset(asked: Json) -> int:
    try:
        raw = json.loads(base64.b64decode(asked["search_after_token"], validate=True))
        offset, request = int(raw["CurrentOffset"]), raw["RawRequest"]
    except (ValueError, KeyError, TypeError):
        raise RefusedError(invalid("search_after_token")) from None
    if request != _asked_again(asked):
        raise RefusedError(invalid("search_after_token"))
    return offset


def _disclosed(item: Json, property_key: int | None, asked: Json) -> Json:
    names = (
        "url_from",
        "url_to",
        "first_seen",
        "prev_seen",
        "last_seen",
        "is_lost",
        "is_new",
        "attributes",
        "anchor",
        "alt",
    )
    kept = {name: item[name] for name in names}
    return {"property_key": property_key, "status": asked.get("backlinks_status_type", "live"), **kept}
