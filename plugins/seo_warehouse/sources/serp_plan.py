"""What is to be checked in a night, how it is ordered, and what it would cost.

https://docs.dataforseo.com/v3/serp/google/organic/task_post/
https://dataforseo.com/update/organic-serp-api-pricing-changes-now-in-effect

Both forms of an answer cost the same, but for what is ordered with the advanced one: without it an AI overview that the
page loads by itself is missing, and would pass for one that is not shown.

An order is charged for its whole depth; what the engine does not have is refunded later, and no answer says so. The
cost of an order is therefore the most that was paid for it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson

from seo_warehouse.client.api import Answer, Api
from seo_warehouse.errors import NotArchivedError
from seo_warehouse.property import Panel, Property
from seo_warehouse.sources.serp_answers import GET_PATH, Form, Serp, decode_serp
from seo_warehouse.spec import NIGHT_DEADLINE

BATCH_TASKS = 100
"""The most tasks of one order."""
PAGE_RESULTS = 10
PAGE_PRICE, NEXT_PAGE_PRICE = Decimal("0.0006"), Decimal("0.00045")
"""US dollars for a page of results, normal priority: the first, and each further one."""
AI_OVERVIEW_PRICE = Decimal("0.0006")
"""US dollars more for a task that waits for the AI overview; given back where there is none."""
OPERATORS = re.compile(
    r"\b(allinanchor|allintext|allintitle|allinurl|cache|define|filetype|id|inanchor|info|intext|intitle|inurl|link"
    r"|site):",
    re.IGNORECASE,
)
OPERATOR_FACTOR = 5
"""What one of these in a keyword multiplies the charge by."""
PLAN_KEY = "plan"


@dataclass(frozen=True)
class Check:
    """One rank check of a night's plan, with its order as it is sent and the form of answer that it is to have."""

    keyword: str
    order: dict[str, Any]
    form: Form

    @property
    def tag(self) -> str:
        """Our tag of the order."""
        return str(self.order["tag"])

    def path(self, task_id: str) -> str:
        """Where the answer of its task is."""
        return f"{GET_PATH}{self.form}/{task_id}"

    def decode(self, document: Any) -> Serp:
        """What is kept of that answer. Raises MalformedAnswerError."""
        return decode_serp(document, self.form)


def planned(api: Api, property: Property, night: date, form: Form) -> list[Check]:
    """The night's checks, as they were ordered if so. Raises NotArchivedError where none may be planned any more."""
    kept = api.archive.get(PLAN_KEY)
    if kept is not None:
        # Plans of before there were two forms name none.
        return [Check(e["keyword"], e["order"], e.get("form", "regular")) for e in orjson.loads(kept.body)]
    if not api.may_call:
        raise NotArchivedError(f"{property.name}: no rank check was ordered for the night of {night}")
    panel = property.panel
    return [
        Check(
            tracked.keyword,
            {
                # The vendor decodes both characters.
                "keyword": tracked.keyword.replace("%", "%25").replace("+", "%2B"),
                "location_code": panel.location_code,
                "language_code": panel.language_code,
                "device": device,
                **_extent(panel, night, form),
                "tag": _tag(property, night, tracked.keyword, device),
            },
            form,
        )
        for tracked in property.keywords
        for device in panel.devices
    ]


def _extent(panel: Panel, night: date, form: Form) -> dict[str, Any]:
    """What of an order is paid by."""
    return {"depth": panel.depth_on(night), **({"load_async_ai_overview": True} if form == "advanced" else {})}


def keep_plan(api: Api, plan: list[Check], night: date) -> None:
    """Keep a plan that is about to be ordered, where none is kept."""
    if not api.archive.has(PLAN_KEY):
        entries = [{"keyword": c.keyword, "order": c.order, "form": c.form} for c in plan]
        keep_note(api, PLAN_KEY, entries, deadline(night))


def batches(plan: list[Check]) -> Iterator[list[dict[str, Any]]]:
    """The bodies of the orders."""
    for first in range(0, len(plan), BATCH_TASKS):
        yield [check.order for check in plan[first : first + BATCH_TASKS]]


def list_price(order: dict[str, Any]) -> Decimal:
    """US dollars that the vendor's price list asks for a task."""
    pages: int = -(-order["depth"] // PAGE_RESULTS)
    price = PAGE_PRICE + (pages - 1) * NEXT_PAGE_PRICE
    if order.get("load_async_ai_overview"):
        price += AI_OVERVIEW_PRICE
    return price * OPERATOR_FACTOR if OPERATORS.search(order["keyword"]) else price


def night_price(property: Property, form: Form) -> Decimal:
    """US dollars that the vendor's price list asks for a night's checks."""
    panel = property.panel
    extent = _extent(panel, date.max, form)
    prices = (list_price({"keyword": tracked.keyword, **extent}) for tracked in property.keywords)
    return len(panel.devices) * sum(prices, Decimal(0))


def deadline(night: date) -> datetime:
    """The instant of what never came in a night."""
    return datetime.combine(night, NIGHT_DEADLINE, UTC)


def keep_note(api: Api, key: str, content: Any, at: datetime) -> None:
    """Keep a note of ours beside the answers."""
    api.archive.put(key, Answer("", 200, {}, orjson.dumps(content), at, 0.0))


def _tag(property: Property, night: date, keyword: str, device: str) -> str:
    return f"{property.key}:{night}:{hashlib.sha256(keyword.encode()).hexdigest()[:16]}:{device}"
