from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seo_warehouse.client.api import Api, Limits
from seo_warehouse.client.archive import Archive
from seo_warehouse.config import Property
from seo_warehouse.errors import (
    BudgetError,
    MalformedAnswerError,
    NightOverError,
    NotArchivedError,
    SourceError,
    TerminalSourceError,
    ThrottledError,
    TransientSourceError,
)
from seo_warehouse.sources.dataforseo_serp import DATAFORSEO_SERP, order_night
from seo_warehouse.sources.serp_answers import GET_PATH, ITEM, READY_PATH, RESULT
from seo_warehouse.sources.serp_plan import list_price
from seo_warehouse.spec import Period, Row
from tests.sources.fuzzing import JSON, mutated, places
from tests.sources.properties import AT, DATE, NIGHT, TONIGHT, check_columns, make_property
from tests.sources.provider import QUICK, Act, Asked, Provider, open_api, said

REGULAR_PATH = GET_PATH + "regular/"
SHOP = make_property("red shoes", "50% off +1")
CREATED = (20100, "Task Created.")
OK = (20000, "Ok.")
IN_QUEUE = (40602, "Task In Queue.")
SE_ERROR = (40101, "Internal SE Server Error.")
NO_RESULTS = (40102, "No Search Results.")


def task(
    id: str | None, status: tuple[int, str], data: Any = None, result: Any = None, cost: float = 0
) -> dict[str, Any]:
    code, message = status
    return {
        "id": id,
        "status_code": code,
        "status_message": message,
        "cost": cost,
        "data": data or {},
        "result": result,
    }


def envelope(*tasks: dict[str, Any], status: tuple[int, str] = OK) -> dict[str, Any]:
    return {"status_code": status[0], "status_message": status[1], "tasks_error": 0, "tasks": list(tasks)}


def serp(keyword: str, count: int = 2, **other: Any) -> list[dict[str, Any]]:
    items = [
        {
            "type": "organic",
            "rank_group": place,
            "rank_absolute": place + 1,
            "domain": "shop.example",
            "title": "Shoes",
            "description": None,
            "url": f"https://shop.example/{place}",
            "breadcrumb": "shop.example",
        }
        for place in range(1, count + 1)
    ]
    result = {
        "keyword": keyword,
        "type": "organic",
        "se_domain": "google.com",
        "location_code": 2840,
        "language_code": "en",
        "check_url": "https://www.google.com/search?q=x",
        "datetime": "2026-11-22 03:30:00 +00:00",
        "spell": None,
        "item_types": ["organic"],
        "se_results_count": 4_000_000_000,
        "items_count": count,
        "items": items or None,
    }
    return [{**result, **other}]


@dataclass
class Vendor:
    """DataForSEO's queue: what was ordered, what is ready, what is answered. It follows the documentation."""

    ordered: dict[str, dict[str, Any]] = field(default_factory=dict)
    ready: set[str] = field(default_factory=set)
    collected: set[str] = field(default_factory=set)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    posts: list[list[dict[str, Any]]] = field(default_factory=list)
    others: int = 0
    refused: dict[str, tuple[int, str]] = field(default_factory=dict)

    def __call__(self, asked: Asked) -> Act:
        if asked.path.endswith("/task_post"):
            return said(self.post(asked.json))
        if asked.path.endswith("/tasks_ready"):
            names = [self.name(id) for id in self.ready - self.collected]
            names += [{"id": f"other-{n}", "tag": None} for n in range(self.others)]
            return said(envelope(task("0", OK, result=names[:1_000] or None)))
        if asked.path.endswith("/id_list"):
            [request] = asked.json
            rows = [{**self.name(id), "cost": 0.0012, "metadata": {"tag": o["tag"]}} for id, o in self.ordered.items()]
            rows = [{"id": f"other-{n}", "cost": 0, "metadata": None} for n in range(self.others)] + rows
            return said(envelope(task("0", OK, result=rows[request["offset"] :][: request["limit"]] or None)))
        id = asked.path.rsplit("/", 1)[1]
        if id not in self.ready:
            return said(envelope(task(id, IN_QUEUE)))
        self.collected.add(id)
        return said(envelope(self.answers.get(id) or task(id, OK, result=serp(self.ordered[id]["keyword"]))))

    def post(self, body: list[dict[str, Any]]) -> dict[str, Any]:
        self.posts.append(body)
        tasks = []
        for order in body:
            if order["keyword"] in self.refused:
                tasks.append(task(None, self.refused[order["keyword"]], order))
                continue
            id = f"id-{len(self.ordered):04}"
            self.ordered[id] = order
            tasks.append(task(id, CREATED, order, cost=0.0012))
        return envelope(*tasks)

    def name(self, id: str) -> dict[str, Any]:
        return {"id": id, "tag": self.ordered[id]["tag"], "se": "google"}

    def finish(self) -> None:
        """All that is ordered becomes ready."""
        self.ready |= set(self.ordered)


@pytest.fixture
def vendor(provider: Provider) -> Vendor:
    provider.date = DATE
    provider.answer = found = Vendor()
    return found


def order(provider: Provider, folder: Path, prop: Property = SHOP) -> bool:
    return order_night(open_api(provider, folder, DATAFORSEO_SERP), prop, TONIGHT)


def read(api: Api, table: str, prop: Property = SHOP, period: Period = TONIGHT) -> list[Row]:
    rows = list(DATAFORSEO_SERP.table(table).read(api, prop, period))
    check_columns(DATAFORSEO_SERP, table, rows)
    return rows


def replay(provider: Provider, folder: Path) -> Api:
    return open_api(provider, folder, DATAFORSEO_SERP, may_call=False)


def paths(provider: Provider) -> list[str]:
    return [asked.path.rsplit("/", 1)[1] for asked in provider.asked]


def test_each_keyword_is_ordered_once_on_each_device(provider: Provider, vendor: Vendor, tmp_path: Path) -> None:
    assert order(provider, tmp_path) is False
    assert order(provider, tmp_path) is False
    [batch] = vendor.posts
    assert [(o["keyword"], o["device"], o["depth"]) for o in batch] == [
        ("red shoes", "desktop", 100),
        ("red shoes", "mobile", 100),
        ("50%25 off %2B1", "desktop", 100),
        ("50%25 off %2B1", "mobile", 100),
    ]
    assert re.fullmatch(r"7:2026-11-22:[0-9a-f]{16}:desktop", batch[0]["tag"])
    assert len({o["tag"] for o in batch}) == 4
    assert paths(provider) == ["task_post", "tasks_ready", "tasks_ready"]


def test_a_night_asks_for_the_depth_of_its_day(provider: Provider, vendor: Vendor, tmp_path: Path) -> None:
    since = {"2026-01-01": 100, "2026-11-22": 20, "2026-11-23": 50}
    order(provider, tmp_path, make_property("shoes", depth=[{"from": day, "depth": n} for day, n in since.items()]))
    assert [o["depth"] for o in vendor.posts[0]] == [20, 20]


def test_what_is_ready_is_fetched_and_the_rest_waited_for(provider: Provider, vendor: Vendor, tmp_path: Path) -> None:
    order(provider, tmp_path)
    vendor.ready = {"id-0001"}
    assert order(provider, tmp_path) is False
    assert paths(provider)[-1] == "id-0001"
    vendor.finish()
    assert order(provider, tmp_path) is True
    count = len(provider.asked)
    assert order(provider, tmp_path) is True
    assert len(provider.asked) == count
    assert sorted(path for path in paths(provider) if path.startswith("id-")) == [f"id-000{n}" for n in range(4)]


@pytest.mark.parametrize(("keywords", "sizes"), [(0, []), (1, [2]), (50, [100]), (51, [100, 2])])
def test_orders_go_in_batches_of_a_hundred(
    provider: Provider, vendor: Vendor, tmp_path: Path, keywords: int, sizes: list[int]
) -> None:
    prop = make_property(*(f"word {n}" for n in range(keywords)))
    vendor.others = 3
    done = order(provider, tmp_path, prop)
    assert [len(batch) for batch in vendor.posts] == sizes
    assert done is (keywords == 0)


def test_a_keyword_added_later_in_the_night_orders_nothing_again(
    provider: Provider, vendor: Vendor, tmp_path: Path
) -> None:
    order(provider, tmp_path)
    vendor.finish()
    more = make_property("new", "red shoes", "50% off +1", depth=20)
    assert order(provider, tmp_path, more) is True
    assert len(vendor.posts) == 1
    assert len(read(replay(provider, tmp_path), "task", more)) == 4


def test_rows_of_a_check_and_its_results(provider: Provider, vendor: Vendor, tmp_path: Path) -> None:
    order(provider, tmp_path)
    vendor.finish()
    order(provider, tmp_path)
    api = replay(provider, tmp_path)
    rows = read(api, "task")
    assert [(row["keyword"], row["device"]) for row in rows] == [
        (keyword, device) for keyword in ("red shoes", "50% off +1") for device in ("desktop", "mobile")
    ]
    at = datetime(2026, 11, 22, 3, 30, tzinfo=UTC)
    assert rows[0] == {
        "day": NIGHT,
        "keyword": "red shoes",
        "location_code": 2840,
        "language_code": "en",
        "device": "desktop",
        "task_id": "id-0000",
        "tag": vendor.posts[0][0]["tag"],
        "depth": 100,
        "answer": "regular",
        "status_code": 20000,
        "status_message": "Ok.",
        "se_domain": "google.com",
        "check_url": "https://www.google.com/search?q=x",
        "item_types": ["organic"],
        "se_results_count": 4_000_000_000,
        "items_count": 2,
        "money": Decimal("0.0012"),
        "observed_at": at,
    }
    results = read(api, "result")
    assert [row["item_no"] for row in results] == [1, 2] * 4
    assert (results[1]["rank_group"], results[1]["rank_absolute"], results[1]["url"]) == (
        2,
        3,
        "https://shop.example/2",
    )
    assert results[1]["observed_at"] == at
    assert api.facts == {NIGHT: {"stated_count": 8}}


def test_every_look_and_reading_knows_what_the_night_cost(provider: Provider, vendor: Vendor, tmp_path: Path) -> None:
    looks = [open_api(provider, tmp_path, DATAFORSEO_SERP) for _ in range(2)]
    for api in looks:
        order_night(api, SHOP, TONIGHT)
    reading, results = replay(provider, tmp_path), replay(provider, tmp_path)
    read(reading, "task")
    read(results, "result")
    assert [api.usage.money for api in (*looks, reading)] == [Decimal("0.0048")] * 3
    assert results.usage.money == 0


@pytest.mark.parametrize(
    ("keyword", "depth", "price"),
    # A first page of ten results for 0.0006 and each further one for three quarters of that; an operator makes it five.
    [("red shoes", 10, "0.0006"), ("red shoes", 11, "0.00105"), ("red shoes", 100, "0.00465")]
    + [("Site:example.com shoes", 100, "0.02325"), ("website: shoes", 10, "0.0006")],
)
def test_the_list_price_is_by_page_and_operator(keyword: str, depth: int, price: str) -> None:
    assert list_price({"keyword": keyword, "depth": depth}) == Decimal(price)


def within(money: float) -> Limits:
    return replace(QUICK, money=money)


WORDS = tuple(f"word {n}" for n in range(51))
"""Two orders: of 100 checks and of 2, 0.0006 each at a depth of 10."""


def test_nothing_is_ordered_of_a_night_that_cannot_be_paid_for(
    provider: Provider, vendor: Vendor, tmp_path: Path
) -> None:
    prop = make_property(*WORDS, depth=10)
    refused = open_api(provider, tmp_path, DATAFORSEO_SERP, limits=within(0.061))
    with pytest.raises(BudgetError, match=r"0 US dollars are spent and 0\.0612 more would be, 0\.061 are allowed"):
        order_night(refused, prop, TONIGHT)
    assert (vendor.posts, provider.asked) == ([], [])
    with pytest.raises(NotArchivedError, match="no rank check was ordered"):
        read(replay(provider, tmp_path), "task", prop)
    fewer = make_property(*WORDS[:50], depth=10)
    order_night(open_api(provider, tmp_path, DATAFORSEO_SERP, limits=within(0.061)), fewer, TONIGHT)
    assert [len(batch) for batch in vendor.posts] == [100]


def test_a_dearer_answer_stops_what_is_left_and_what_was_bought_is_fetched(
    provider: Provider, vendor: Vendor, tmp_path: Path
) -> None:
    prop = make_property(*WORDS, depth=10)
    # The vendor's tasks cost 0.0012 here, twice the list: 0.12 for the first order, 0.0024 for the second.
    limits = within(0.122)
    first = open_api(provider, tmp_path, DATAFORSEO_SERP, limits=limits)
    assert order_night(first, prop, TONIGHT) is False
    vendor.finish()
    for _ in range(2):
        again = open_api(provider, tmp_path, DATAFORSEO_SERP, limits=limits)
        with pytest.raises(BudgetError, match=r"0\.12 US dollars are spent and 0\.0024 more would be"):
            order_night(again, prop, TONIGHT)
    assert [len(batch) for batch in vendor.posts] == [100]
    rows = read(replay(provider, tmp_path), "task", prop)
    assert [row["status_code"] for row in rows] == [20000] * 100 + [None] * 2
    assert {row["status_message"] for row in rows[100:]} == {"the order was not sent"}
    more = open_api(provider, tmp_path, DATAFORSEO_SERP, limits=within(0.1224))
    assert order_night(more, prop, TONIGHT) is False
    vendor.finish()
    assert order_night(open_api(provider, tmp_path, DATAFORSEO_SERP, limits=limits), prop, TONIGHT) is True
    assert [len(batch) for batch in vendor.posts] == [100, 2]


def test_a_cut_order_counts_as_placed_until_the_vendor_names_it(
    provider: Provider, vendor: Vendor, tmp_path: Path
) -> None:
    prop = make_property(*WORDS, depth=10)
    provider.answer = Cut(vendor)
    with pytest.raises(TransientSourceError):
        order_night(open_api(provider, tmp_path, DATAFORSEO_SERP, limits=within(0.0612)), prop, TONIGHT)
    provider.answer = vendor
    for _ in range(2):
        # The first look finds it at twice the list price, so that the second has no money for the rest.
        look = open_api(provider, tmp_path, DATAFORSEO_SERP, limits=within(0.0611))
        assert order_night(look, prop, TONIGHT) is False
    assert (len(vendor.posts), look.usage.money) == (1, Decimal("0.12"))


def test_a_look_reads_none_of_the_polls_before_it(
    provider: Provider, vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(21):
        order(provider, tmp_path)
    asked: list[str] = []
    get = Archive.get
    monkeypatch.setattr(Archive, "get", lambda archive, key: asked.append(key) or get(archive, key))
    api = open_api(provider, tmp_path, DATAFORSEO_SERP)
    assert order_night(api, SHOP, TONIGHT) is False
    polls = [key for key in asked if "." in key]
    assert [key.rpartition(".")[2] for key in polls] == ["000022"]
    assert paths(provider) == ["task_post"] + ["tasks_ready"] * 22


@pytest.mark.parametrize(
    "status", [SE_ERROR, NO_RESULTS, (40103, "Task Execution Failed."), (40401, "Task Not Found.")]
)
def test_a_check_that_failed_is_a_row_with_its_status(
    provider: Provider, vendor: Vendor, tmp_path: Path, status: tuple[int, str]
) -> None:
    order(provider, tmp_path)
    vendor.finish()
    vendor.answers["id-0001"] = task("id-0001", status)
    assert order(provider, tmp_path) is True
    api = replay(provider, tmp_path)
    row = read(api, "task")[1]
    assert (row["status_code"], row["status_message"], row["items_count"]) == (*status, None)
    assert row["observed_at"] == AT
    assert len(read(api, "result")) == 6


@pytest.mark.parametrize("status", [IN_QUEUE, (40601, "Task Handed."), (50401, "Internal Service Timeout.")])
def test_a_task_not_done_is_neither_kept_nor_in_the_way(
    provider: Provider, vendor: Vendor, tmp_path: Path, status: tuple[int, str]
) -> None:
    order(provider, tmp_path)
    vendor.finish()
    vendor.answers["id-0000"] = task("id-0000", status)
    assert order(provider, tmp_path) is False
    assert not open_api(provider, tmp_path, DATAFORSEO_SERP).holds("GET", REGULAR_PATH + "id-0000")
    del vendor.answers["id-0000"]
    vendor.collected.clear()
    assert order(provider, tmp_path) is True
    assert [row["status_code"] for row in read(replay(provider, tmp_path), "task")] == [20000] * 4


def test_a_check_without_an_answer_is_a_row_with_a_sentence(provider: Provider, vendor: Vendor, tmp_path: Path) -> None:
    order(provider, tmp_path)
    api = replay(provider, tmp_path)
    row = read(api, "task")[0]
    assert (row["task_id"], row["status_code"], row["status_message"]) == (
        "id-0000",
        None,
        "no answer within the night",
    )
    assert (row["observed_at"], row["money"]) == (AT, Decimal("0.0012"))
    assert read(api, "result") == []


def test_a_serp_of_another_day_is_no_answer(provider: Provider, vendor: Vendor, tmp_path: Path) -> None:
    order(provider, tmp_path)
    vendor.finish()
    late = serp("red shoes", datetime="2026-11-23 00:00:01 +00:00")
    vendor.answers["id-0000"] = task("id-0000", OK, result=late)
    order(provider, tmp_path)
    api = replay(provider, tmp_path)
    assert [row["status_code"] for row in read(api, "task")] == [None, 20000, 20000, 20000]
    assert len(read(api, "result")) == 6


def test_an_order_of_another_day_is_refused(provider: Provider, vendor: Vendor, tmp_path: Path) -> None:
    provider.date = "Mon, 23 Nov 2026 00:00:01 GMT"
    order(provider, tmp_path)
    with pytest.raises(NightOverError):
        read(replay(provider, tmp_path), "task")


def test_an_order_refused_in_part_is_kept_with_its_reason(provider: Provider, vendor: Vendor, tmp_path: Path) -> None:
    vendor.refused["red shoes"] = (40501, "Invalid Field: 'keyword'.")
    order(provider, tmp_path)
    vendor.finish()
    assert order(provider, tmp_path) is True
    rows = read(replay(provider, tmp_path), "task")
    assert [(row["task_id"], row["status_code"]) for row in rows[:3]] == [
        (None, 40501),
        (None, 40501),
        ("id-0000", 20000),
    ]
    assert rows[0]["status_message"] == "Invalid Field: 'keyword'."
    assert len(vendor.posts) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ((40501, "Invalid Field."), TerminalSourceError),
        ((40210, "Insufficient Funds."), TerminalSourceError),
        ((40202, "Rate limit per minute exceeded."), ThrottledError),
    ],
)
def test_an_order_refused_whole_may_be_sent_again(
    provider: Provider, vendor: Vendor, tmp_path: Path, status: tuple[int, str], kind: type[SourceError]
) -> None:
    vendor.refused = {"red shoes": status, "50%25 off %2B1": status}
    with pytest.raises(kind):
        order(provider, tmp_path)
    vendor.refused = {}
    order(provider, tmp_path)
    assert len(vendor.ordered) == 4


@pytest.mark.parametrize("status", [(40100, "Not authorized."), (40200, "Payment Required."), (40210, "No funds.")])
def test_a_status_of_the_account_is_no_result_of_a_check(
    provider: Provider, vendor: Vendor, tmp_path: Path, status: tuple[int, str]
) -> None:
    order(provider, tmp_path)
    vendor.finish()
    vendor.answers["id-0000"] = task("id-0000", status)
    with pytest.raises(TerminalSourceError):
        order(provider, tmp_path)
    assert not open_api(provider, tmp_path, DATAFORSEO_SERP).holds("GET", REGULAR_PATH + "id-0000")


@pytest.mark.parametrize("end", ["tasks_ready", "id-0000"])
def test_a_vendor_that_asks_for_patience_is_asked_later(
    provider: Provider, vendor: Vendor, tmp_path: Path, end: str
) -> None:
    order(provider, tmp_path)
    vendor.finish()
    throttled = said(envelope(task("0", (40202, "Rate limit per minute exceeded."))))
    provider.answer = lambda asked: throttled if asked.path.endswith(end) else vendor(asked)
    assert order(provider, tmp_path) is False
    provider.answer = vendor
    assert order(provider, tmp_path) is True


class Cut:
    """The vendor takes the order, and its answer is lost."""

    def __init__(self, vendor: Vendor, *, is_taken: bool = True) -> None:
        self.vendor, self.is_taken = vendor, is_taken

    def __call__(self, asked: Asked) -> Act:
        if asked.path.endswith("/task_post") and self.is_taken:
            self.vendor(asked)
        return Act(is_reset=True)


def test_an_order_that_was_cut_is_found_by_its_tags_and_not_sent_again(
    provider: Provider, vendor: Vendor, tmp_path: Path
) -> None:
    provider.answer = Cut(vendor)
    with pytest.raises(TransientSourceError):
        order(provider, tmp_path)
    provider.answer = vendor
    assert order(provider, tmp_path) is False
    vendor.finish()
    assert order(provider, tmp_path) is True
    assert len(vendor.posts) == 1
    rows = read(replay(provider, tmp_path), "task")
    assert [(row["task_id"], row["status_code"], row["money"]) for row in rows] == [
        (f"id-000{n}", 20000, Decimal("0.0012")) for n in range(4)
    ]


def test_a_cut_order_is_found_in_a_list_of_many(provider: Provider, vendor: Vendor, tmp_path: Path) -> None:
    provider.answer = Cut(vendor)
    with pytest.raises(TransientSourceError):
        order(provider, tmp_path)
    provider.answer = vendor
    vendor.others = 1_999
    order(provider, tmp_path)
    offsets = [asked.json[0]["offset"] for asked in provider.asked if asked.path.endswith("id_list")]
    assert offsets == [0, 1_000, 2_000]
    vendor.finish()
    assert order(provider, tmp_path) is True


def test_a_cut_order_that_was_never_placed_is_given_up_and_said_so(
    provider: Provider, vendor: Vendor, tmp_path: Path
) -> None:
    provider.answer = Cut(vendor, is_taken=False)
    with pytest.raises(TransientSourceError):
        order(provider, tmp_path)
    provider.answer = vendor
    assert [order(provider, tmp_path) for _ in range(4)] == [False, False, False, True]
    assert vendor.posts == []
    row = read(replay(provider, tmp_path), "task")[0]
    assert (row["task_id"], row["status_code"]) == (None, None)
    assert row["status_message"] == "the order was cut short and no list of the vendor names it"
    assert row["observed_at"].date() == NIGHT


def test_a_fetch_that_was_cut_is_made_again(provider: Provider, vendor: Vendor, tmp_path: Path) -> None:
    order(provider, tmp_path)
    vendor.finish()

    def answer(asked: Asked) -> Act:
        act = vendor(asked)
        return Act(is_reset=True) if asked.path.endswith("id-0001") else act

    provider.answer = answer
    with pytest.raises(TransientSourceError):
        order(provider, tmp_path)
    provider.answer = vendor
    assert "id-0001" in vendor.collected
    assert order(provider, tmp_path) is True


def test_a_full_list_of_ready_tasks_hides_none_of_ours(provider: Provider, vendor: Vendor, tmp_path: Path) -> None:
    order(provider, tmp_path)
    vendor.finish()
    hidden, vendor.others = set(vendor.ready), 1_000

    def answer(asked: Asked) -> Act:
        vendor.ready = set() if asked.path == READY_PATH else hidden
        return vendor(asked)

    provider.answer = answer
    assert order(provider, tmp_path) is True


def test_one_answer_out_of_form_holds_up_no_other(provider: Provider, vendor: Vendor, tmp_path: Path) -> None:
    order(provider, tmp_path)
    vendor.finish()
    vendor.answers["id-0000"] = task("id-0000", OK, result=serp("red shoes", items="none"))
    assert order(provider, tmp_path) is False
    assert [row["status_code"] for row in read(replay(provider, tmp_path), "task")] == [None, 20000, 20000, 20000]
    for id in vendor.ordered:
        vendor.answers[id] = vendor.answers["id-0000"]
    vendor.collected.clear()
    with pytest.raises(MalformedAnswerError, match="items is 'none'"):
        order(provider, tmp_path)


def test_a_night_without_an_order_is_not_read(provider: Provider, tmp_path: Path) -> None:
    with pytest.raises(NotArchivedError, match="no rank check was ordered for the night of 2026-11-22"):
        read(replay(provider, tmp_path), "task")


@pytest.mark.parametrize(("stated", "count"), [(None, 0), (0, 0), (2, 2), (5, 2)])
def test_the_vendors_count_of_results_is_kept_beside_ours(
    provider: Provider, vendor: Vendor, tmp_path: Path, stated: int | None, count: int
) -> None:
    prop = make_property("one", devices=("desktop",))
    order(provider, tmp_path, prop)
    vendor.finish()
    vendor.answers["id-0000"] = task("id-0000", OK, result=serp("one", count, items_count=stated))
    order(provider, tmp_path, prop)
    api = replay(provider, tmp_path)
    assert len(read(api, "result", prop)) == count
    assert api.facts[NIGHT]["stated_count"] == (stated or 0)


def test_fields_out_of_place_are_noted(provider: Provider, vendor: Vendor, tmp_path: Path) -> None:
    prop = make_property("one", devices=("desktop",))
    order(provider, tmp_path, prop)
    vendor.finish()
    result = serp("one", mood="good")
    result[0]["items"][1]["stars"] = 5
    del result[0]["items"][0]["url"]
    vendor.answers["id-0000"] = task("id-0000", OK, result=result)
    order(provider, tmp_path, prop)
    api = replay(provider, tmp_path)
    read(api, "result", prop)
    assert api.facts[NIGHT] == {"stated_count": 2, "unknown_fields": ["mood", "stars"], "missing_fields": ["url"]}


GOOD_SERP = envelope(task("id-0000", OK, {"tag": "t"}, serp("red shoes")))
GOOD_LIST = envelope(task("0", OK, result=[{"id": "id-0000", "tag": "t", "cost": 0.1, "metadata": {"tag": "t"}}]))


def spoiled() -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    posted = envelope(task("id-0000", CREATED, {"tag": "t"}, cost=0.1), task("id-0001", CREATED))
    for end, document in (
        ("task_post", posted),
        ("tasks_ready", GOOD_LIST),
        ("id_list", GOOD_LIST),
        ("id-", GOOD_SERP),
    ):
        for place in places(document):
            yield end, document, place


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(list(spoiled())), JSON, st.booleans())
def test_no_answer_gets_anything_but_rows_or_a_typed_error_out(
    provider: Provider, tmp_path: Path, spoilt: tuple[str, Any, tuple[Any, ...]], value: Any, is_cut: bool
) -> None:
    end, document, place = spoilt
    healthy = Vendor()
    provider.date = DATE

    def answer(asked: Asked) -> Act:
        healthy.finish()
        if is_cut and asked.path.endswith("task_post"):
            healthy(asked)
            return Act(is_reset=True)
        if end in asked.path.rsplit("/", 1)[1]:
            return said(mutated(document, place, value))
        return healthy(asked)

    provider.answer = answer
    folder = tmp_path / str(len(provider.asked))
    prop = make_property("red shoes", devices=("desktop",))
    for _ in range(4):
        try:
            order_night(open_api(provider, folder, DATAFORSEO_SERP, limits=replace(QUICK, attempts=1)), prop, TONIGHT)
        except SourceError:
            continue
    assert len(healthy.posts) <= 1
    api = replay(provider, folder)
    try:
        rows = read(api, "task", prop)
        results = read(api, "result", prop)
    except SourceError:
        return
    assert len(rows) == 1
    assert {row["keyword"] for row in results} <= {"red shoes"}


@pytest.mark.external
def test_a_recorded_serp_is_read_whole(provider: Provider, tmp_path: Path, shared_data: Path) -> None:
    folder = shared_data / "api_responses/dataforseo"
    recorded = json.loads((folder / "serp_google_organic_task_get_regular.json").read_text())
    id = recorded["tasks"][0]["id"]
    prop = make_property("pots and pans", devices=("desktop",), location_code=2208)
    night = Period(date(2024, 1, 15), date(2024, 1, 15))
    provider.date = "Mon, 15 Jan 2024 20:39:40 GMT"

    def answer(asked: Asked) -> Act:
        if asked.path.endswith("task_post"):
            return said(envelope(task(id, CREATED, asked.json[0], cost=0.0006)))
        return said(recorded if asked.path.endswith(id) else envelope(task("0", OK, result=[{"id": id, "tag": None}])))

    provider.answer = answer
    api = open_api(provider, tmp_path, DATAFORSEO_SERP, scope="night=2024-01-15")
    assert order_night(api, prop, night) is True
    [row] = read(api, "task", prop, night)
    assert (row["items_count"], row["se_results_count"], row["se_domain"]) == (98, 1_100_000_000, "google.dk")
    results = read(api, "result", prop, night)
    items = recorded["tasks"][0]["result"][0]["items"]
    assert len(results) == 98
    for result, item in zip(results, items, strict=True):
        assert {name: result[name] for name in item} == item
    assert {result["observed_at"] for result in results} == {datetime(2024, 1, 15, 20, 39, 31, tzinfo=UTC)}
    assert api.facts == {date(2024, 1, 15): {"stated_count": 98}}


@pytest.mark.external
def test_a_recorded_answer_to_an_order_is_understood(provider: Provider, tmp_path: Path, shared_data: Path) -> None:
    text = (shared_data / "api_responses/dataforseo/serp_google_organic_task_post.json").read_text()
    provider.date = DATE
    provider.answer = lambda asked: said(
        json.loads(text) if asked.path.endswith("task_post") else envelope(task("0", OK, result=None))
    )
    prop = make_property("gryder", "töpfe", devices=("desktop",))
    api = open_api(provider, tmp_path, DATAFORSEO_SERP)
    assert order_night(api, prop, TONIGHT) is False
    assert api.usage.money == Decimal("0.0012")
    rows = read(replay(provider, tmp_path), "task", prop)
    assert [row["task_id"] for row in rows] == [
        "01152311-6273-0066-0000-4d9092a29356",
        "01152311-6273-0066-0000-75c25f9d00d1",
    ]


@pytest.mark.external
def test_requests_and_known_fields_are_the_vendors_own(provider: Provider, vendor: Vendor, tmp_path: Path) -> None:
    from dataforseo_client.models.featured_snippet_serp_element_item import FeaturedSnippetSerpElementItem
    from dataforseo_client.models.organic_serp_element_item import OrganicSerpElementItem
    from dataforseo_client.models.paid_serp_element_item import PaidSerpElementItem
    from dataforseo_client.models.serp_google_organic_task_get_regular_result_info import (
        SerpGoogleOrganicTaskGetRegularResultInfo,
    )
    from dataforseo_client.models.serp_google_organic_task_post_request_info import (
        SerpGoogleOrganicTaskPostRequestInfo,
    )
    from dataforseo_client.models.serp_id_list_request_info import SerpIdListRequestInfo

    provider.answer = Cut(vendor)
    with pytest.raises(TransientSourceError):
        order(provider, tmp_path)
    provider.answer = vendor
    order(provider, tmp_path)
    models = {"task_post": SerpGoogleOrganicTaskPostRequestInfo, "id_list": SerpIdListRequestInfo}
    asked = [(a.path.rsplit("/", 1)[1], part) for a in provider.asked if a.method == "POST" for part in a.json]
    assert {end for end, _ in asked} == models.keys()
    for end, part in asked:
        model = models[end].from_dict(part)
        assert {name: value for name, value in model.to_dict().items() if value is not None} == part
    kinds = (OrganicSerpElementItem, PaidSerpElementItem, FeaturedSnippetSerpElementItem)
    documented = set().union(*(kind.model_fields for kind in kinds)) - {"additional_properties"}
    assert documented == ITEM.known
    assert SerpGoogleOrganicTaskGetRegularResultInfo.model_fields.keys() - {"additional_properties"} == RESULT.known
