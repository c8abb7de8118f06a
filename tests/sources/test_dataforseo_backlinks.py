from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seo_warehouse.client.api import Api
from seo_warehouse.config import Property
from seo_warehouse.errors import (
    BudgetError,
    MalformedAnswerError,
    NightOverError,
    SourceError,
    TerminalSourceError,
    ThrottledError,
    TransientSourceError,
)
from seo_warehouse.sources.dataforseo_backlinks import DATAFORSEO_BACKLINKS, LINK, PAGE_ROWS
from seo_warehouse.spec import Period, Row
from tests.sources.fuzzing import JSON, mutated, places
from tests.sources.properties import AT, DATE, NIGHT, TONIGHT, check_columns, make_property
from tests.sources.provider import QUICK, Act, Asked, Provider, open_api, said

SINCE = Period(NIGHT, NIGHT, since=date(2026, 11, 21))
SHOP = make_property()
ITEM: dict[str, Any] = {
    "type": "backlink",
    "domain_from": "blog.example",
    "url_from": "https://blog.example/0",
    "url_from_https": True,
    "domain_to": "example.com",
    "url_to": "http://example.com/shoes",
    "url_to_https": False,
    "tld_from": "example",
    "is_new": False,
    "is_lost": False,
    "backlink_spam_score": 3,
    "rank": 129,
    "page_from_rank": 211,
    "domain_from_rank": 300,
    "domain_from_platform_type": ["blogs"],
    "domain_from_is_ip": False,
    "domain_from_ip": "192.0.2.1",
    "domain_from_country": None,
    "page_from_external_links": 10,
    "page_from_internal_links": 4,
    "page_from_size": 9_000,
    "page_from_encoding": "utf-8",
    "page_from_language": "en",
    "page_from_title": "Shoes",
    "page_from_status_code": 200,
    "first_seen": "2026-11-21 10:11:12 +00:00",
    "prev_seen": None,
    "last_seen": "2026-11-21 23:00:00 +00:00",
    "item_type": "anchor",
    "attributes": ["nofollow", "ugc"],
    "dofollow": False,
    "original": True,
    "alt": None,
    "image_url": None,
    "anchor": "shoes",
    "text_pre": None,
    "text_post": None,
    "semantic_location": "article",
    "links_count": 1,
    "group_count": 0,
    "is_broken": False,
    "url_to_status_code": None,
    "url_to_spam_score": None,
    "url_to_redirect_target": None,
    "ranked_keywords_info": None,
    "is_indirect_link": False,
    "indirect_link_path": None,
}


def read(api: Api, period: Period = TONIGHT, prop: Property = SHOP) -> list[Row]:
    rows = list(DATAFORSEO_BACKLINKS.tables[0].read(api, prop, period))
    check_columns(DATAFORSEO_BACKLINKS, "backlink", rows)
    return rows


def envelope(
    result: Any, *, status: tuple[int, str] = (20000, "Ok."), cost: float = 0.02, **head: Any
) -> dict[str, Any]:
    task = {
        "id": "1",
        "status_code": status[0],
        "status_message": status[1],
        "cost": cost,
        "data": {},
        "result": result,
    }
    return {
        "version": "0.1",
        "status_code": 20000,
        "status_message": "Ok.",
        "cost": cost,
        "tasks_count": 1,
        "tasks_error": int(status[0] >= 40000),
        "tasks": [task],
        **head,
    }


def page(items: list[dict[str, Any]], total: int, token: str | None = None) -> dict[str, Any]:
    result = {"target": "example.com", "total_count": total, "items_count": len(items), "items": items or None}
    return envelope([result if token is None else {**result, "search_after_token": token}])


def answering(count: int, *, with_token: bool = True, total: int | None = None) -> Callable[[Asked], Act]:
    """`count` live links, paged by token or offset, and no lost one."""

    def answer(request: Asked) -> Act:
        [asked] = request.json
        if asked["backlinks_status_type"] == "lost":
            return said(page([], 0))
        start = int(asked.get("search_after_token") or asked.get("offset") or 0)
        end = min(count, start + asked["limit"])
        items = [{**ITEM, "url_from": f"https://blog.example/{n}"} for n in range(start, end)]
        return said(page(items, count if total is None else total, str(end) if with_token else None))

    return answer


@pytest.fixture(autouse=True)
def _of_the_night(provider: Provider) -> None:
    provider.date = DATE


@pytest.mark.parametrize("with_token", [True, False])
@pytest.mark.parametrize(
    ("count", "calls"), [(0, 1), (1, 1), (PAGE_ROWS, 2), (PAGE_ROWS + 1, 2), (2 * PAGE_ROWS + 5, 3)]
)
def test_pages_are_read_until_one_is_not_full(
    provider: Provider, tmp_path: Path, count: int, calls: int, with_token: bool
) -> None:
    provider.answer = answering(count, with_token=with_token)
    api = open_api(provider, tmp_path, DATAFORSEO_BACKLINKS)
    rows = read(api)
    assert [row["url_from"] for row in rows] == [f"https://blog.example/{n}" for n in range(count)]
    assert [row["item_no"] for row in rows] == list(range(1, count + 1))
    assert len(provider.asked) == calls + 1
    assert api.usage.money == Decimal("0.02") * (calls + 1)
    assert api.facts[NIGHT] == {
        "is_full": True,
        "since": None,
        "is_complete": True,
        "stated_count": count,
        "pulls": {"full": {"stated": count, "rows": count}, "lost": {"stated": 0, "rows": 0}},
    }


def test_beyond_twenty_thousand_only_a_token_leads_on(provider: Provider, tmp_path: Path) -> None:
    provider.answer = answering(21_500)
    assert len(read(open_api(provider, tmp_path / "token", DATAFORSEO_BACKLINKS))) == 21_500
    provider.answer = answering(21_500, with_token=False)
    api = open_api(provider, tmp_path / "offset", DATAFORSEO_BACKLINKS)
    assert len(read(api)) == 21_000
    assert api.facts[NIGHT]["is_complete"] is False


def test_the_next_page_is_the_same_request_with_a_token(provider: Provider, tmp_path: Path) -> None:
    provider.answer = answering(PAGE_ROWS + 1)
    read(open_api(provider, tmp_path, DATAFORSEO_BACKLINKS))
    [first], [second], _ = (asked.json for asked in provider.asked)
    assert second == {**first, "search_after_token": str(PAGE_ROWS)}
    assert first == {
        "target": "example.com",
        "mode": "as_is",
        "backlinks_status_type": "live",
        "include_subdomains": True,
        "order_by": ["first_seen,asc", "url_from,asc", "url_to,asc"],
        "limit": 1_000,
    }


def test_a_token_that_leads_to_itself_is_not_followed(provider: Provider, tmp_path: Path) -> None:
    items = [ITEM] * PAGE_ROWS
    provider.answer = lambda asked: said(page(items, 10_000, "same"))
    with pytest.raises(MalformedAnswerError, match="search_after_token leads to itself"):
        read(open_api(provider, tmp_path, DATAFORSEO_BACKLINKS))
    assert len(provider.asked) == 2


def test_between_full_pulls_the_new_and_the_lost_are_read(provider: Provider, tmp_path: Path) -> None:
    def answer(request: Asked) -> Act:
        [asked] = request.json
        is_lost = asked["backlinks_status_type"] == "lost"
        return said(page([{**ITEM, "is_lost": is_lost}] * (2 if is_lost else 1), 2 if is_lost else 1))

    provider.answer = answer
    api = open_api(provider, tmp_path, DATAFORSEO_BACKLINKS)
    assert [(row["pull"], row["item_no"], row["is_lost"]) for row in read(api, SINCE)] == [
        ("new", 1, False),
        ("lost", 1, True),
        ("lost", 2, True),
    ]
    assert [(a.json[0]["backlinks_status_type"], a.json[0]["filters"]) for a in provider.asked] == [
        ("live", ["first_seen", ">", "2026-11-21 00:00:00 +00:00"]),
        ("lost", ["last_seen", ">", "2026-11-21 00:00:00 +00:00"]),
    ]
    assert api.facts[NIGHT] == {
        "is_full": False,
        "since": "2026-11-21",
        "is_complete": True,
        "stated_count": 3,
        "pulls": {"new": {"stated": 1, "rows": 1}, "lost": {"stated": 2, "rows": 2}},
    }


def test_a_full_pull_asks_for_the_losses_of_four_weeks_too(provider: Provider, tmp_path: Path) -> None:
    def answer(request: Asked) -> Act:
        is_lost = request.json[0]["backlinks_status_type"] == "lost"
        return said(page([{**ITEM, "is_lost": is_lost}], 1))

    provider.answer = answer
    api = open_api(provider, tmp_path, DATAFORSEO_BACKLINKS)
    assert [(row["pull"], row["is_lost"]) for row in read(api)] == [("full", False), ("lost", True)]
    assert [a.json[0].get("filters") for a in provider.asked] == [
        None,
        ["last_seen", ">", "2026-10-25 00:00:00 +00:00"],
    ]
    assert api.facts[NIGHT]["pulls"] == {"full": {"stated": 1, "rows": 1}, "lost": {"stated": 1, "rows": 1}}


def test_no_answer_is_asked_for_that_the_night_cannot_pay(provider: Provider, tmp_path: Path) -> None:
    provider.answer = answering(2 * PAGE_ROWS + 5)

    def api_with(money: float) -> Api:
        return open_api(provider, tmp_path, DATAFORSEO_BACKLINKS, limits=replace(QUICK, money=money))

    # An answer costs 0.02 here, and may cost 0.05.
    with pytest.raises(BudgetError, match=r"0\.02 US dollars are spent and 0\.05 more would be, 0\.06 are allowed"):
        read(api_with(0.06))
    assert len(provider.asked) == 1
    api = api_with(0.11)
    assert len(read(api)) == 2 * PAGE_ROWS + 5
    assert (len(provider.asked), api.usage.money, api.usage.units) == (4, Decimal("0.08"), 2 * PAGE_ROWS + 5)
    again = api_with(0.01)
    read(again)
    assert (again.usage.calls, again.usage.money) == (0, Decimal("0.08"))


def test_a_row_keeps_what_the_vendor_says(provider: Provider, tmp_path: Path) -> None:
    provider.answer = lambda asked: said(page([ITEM], 1))
    row, _ = read(open_api(provider, tmp_path, DATAFORSEO_BACKLINKS))
    assert row["first_seen"] == datetime(2026, 11, 21, 10, 11, 12, tzinfo=UTC)
    assert row["prev_seen"] is None
    assert row["attributes"] == ["nofollow", "ugc"]
    assert (row["day"], row["observed_at"]) == (NIGHT, AT)
    assert (row["url_to"], row["anchor"], row["dofollow"]) == ("http://example.com/shoes", "shoes", False)


def test_rows_short_of_the_stated_total_are_no_complete_look(provider: Provider, tmp_path: Path) -> None:
    provider.answer = answering(3, total=500)
    api = open_api(provider, tmp_path, DATAFORSEO_BACKLINKS)
    assert len(read(api)) == 3
    assert (api.facts[NIGHT]["is_complete"], api.facts[NIGHT]["stated_count"]) == (False, 500)


def test_fields_out_of_place_are_noted(provider: Provider, tmp_path: Path) -> None:
    odd = {name: value for name, value in ITEM.items() if name not in ("rank", "anchor", "page_from_size")}
    provider.answer = lambda asked: said(page([ITEM, {**odd, "mood": "good"}], 2))
    api = open_api(provider, tmp_path, DATAFORSEO_BACKLINKS)
    assert [row["rank"] for row in read(api)] == [129, None] * 2
    assert api.facts[NIGHT]["unknown_fields"] == ["mood"]
    assert api.facts[NIGHT]["missing_fields"] == ["anchor", "rank"]


def test_an_answer_of_another_day_is_refused(provider: Provider, tmp_path: Path) -> None:
    provider.date = "Mon, 23 Nov 2026 00:00:10 GMT"
    provider.answer = answering(1)
    with pytest.raises(NightOverError, match="asked for the night of 2026-11-22, answered at 2026-11-23 00:00 UTC"):
        read(open_api(provider, tmp_path, DATAFORSEO_BACKLINKS))


@pytest.mark.parametrize("result", [None, [], [None], [{"total_count": 0, "items_count": 0, "items": None}]])
def test_a_target_that_the_index_does_not_know_has_no_rows(provider: Provider, tmp_path: Path, result: Any) -> None:
    provider.answer = lambda asked: said(envelope(result))
    api = open_api(provider, tmp_path, DATAFORSEO_BACKLINKS)
    assert read(api) == []
    assert api.facts[NIGHT]["is_complete"] is True


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ((40100, "You are not authorized."), TerminalSourceError),
        ((40200, "Payment Required."), TerminalSourceError),
        ((40202, "Rate limit per minute exceeded."), ThrottledError),
        ((40209, "Too many simultaneous requests."), ThrottledError),
        ((40210, "Insufficient Funds."), TerminalSourceError),
        ((40501, "Invalid Field: 'target'."), TerminalSourceError),
        ((50000, "Internal Error."), TransientSourceError),
        ((50401, "Internal Service Timeout."), TransientSourceError),
    ],
)
@pytest.mark.parametrize("where", ["envelope", "task"])
def test_a_status_is_an_error_of_its_kind(
    provider: Provider, tmp_path: Path, status: tuple[int, str], kind: type[SourceError], where: str
) -> None:
    inside = envelope(None, status=status)
    outside = envelope(None, status_code=status[0], status_message=status[1], tasks=None)
    provider.answer = lambda asked: said(inside if where == "task" else outside)
    with pytest.raises(kind, match=re.escape(f"DataForSEO status {status[0]}: {status[1]}")):
        read(open_api(provider, tmp_path, DATAFORSEO_BACKLINKS))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "the answer is"),
        ({"status_code": "20000"}, "status_code is '20000'"),
        (envelope([{}]), "total_count is None"),
        (envelope([{"total_count": 1, "items": {}}]), "items is"),
        (envelope([{"total_count": 1, "items": [7]}]), r"items\[\] is 7"),
        (envelope([{"total_count": 1, "items": [{**ITEM, "url_from": 7}]}]), "url_from is 7"),
        (envelope([{"total_count": 1, "items": [{**ITEM, "rank": 2**31}]}]), "rank is 2147483648"),
        (envelope([{"total_count": 1, "items": [{**ITEM, "first_seen": "2026-11-21"}]}]), "first_seen is"),
        (envelope([{"total_count": 1, "items": [{**ITEM, "first_seen": "0001-01-01 00:00:00 +00:00"}]}]), "first_seen"),
        *(
            (envelope([{"total_count": 1, "items": [{**ITEM, name: instant}]}]), f"{name} is '{re.escape(instant)}'")
            for name in ("first_seen", "prev_seen", "last_seen")
            for instant in ("0001-01-01 00:00:00 +14:00", "2106-02-07 06:28:15 +00:00", "9999-12-31 23:59:59 -12:00")
        ),
        (envelope([{"total_count": 1, "items": [{**ITEM, "attributes": "nofollow"}]}]), "attributes is"),
        (envelope([{}, {}]), "2 results"),
        (envelope([], tasks=[]), "0 tasks"),
        (envelope([], cost=-1), "cost is -1"),
        (envelope([{"total_count": 1, "items": [ITEM] * 1_001}]), "1,001 items"),
    ],
)
def test_an_answer_out_of_form_is_not_read(provider: Provider, tmp_path: Path, document: Any, message: str) -> None:
    provider.answer = lambda asked: said(document)
    with pytest.raises(MalformedAnswerError, match=message):
        read(open_api(provider, tmp_path, DATAFORSEO_BACKLINKS))


def test_a_replay_buys_nothing(provider: Provider, tmp_path: Path) -> None:
    provider.answer = answering(PAGE_ROWS + 1)
    bought = open_api(provider, tmp_path, DATAFORSEO_BACKLINKS)
    rows = read(bought)
    replay = open_api(provider, tmp_path, DATAFORSEO_BACKLINKS, may_call=False)
    assert read(replay) == rows
    assert len(provider.asked) == 3
    assert (replay.usage.money, replay.usage.calls) == (bought.usage.money, 0)
    assert replay.facts == bought.facts


GOOD = page([ITEM, {**ITEM, "is_lost": True}], 2, "token")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(list(places(GOOD))), JSON)
def test_no_answer_gets_anything_but_rows_or_a_typed_error_out(
    provider: Provider, tmp_path: Path, path: tuple[Any, ...], value: Any
) -> None:
    provider.answer = lambda asked: said(mutated(GOOD, path, value))
    api = open_api(provider, tmp_path / str(len(provider.asked)), DATAFORSEO_BACKLINKS)
    try:
        rows = read(api)
    except SourceError:
        return
    assert {row["day"] for row in rows} <= {NIGHT}
    assert api.facts[NIGHT]["is_complete"] == (api.facts[NIGHT]["stated_count"] == len(rows))


@pytest.mark.external
def test_a_recorded_answer_is_read_whole(provider: Provider, tmp_path: Path, shared_data: Path) -> None:
    body = (shared_data / "api_responses/dataforseo/backlinks_live.json").read_bytes()
    provider.date = "Sat, 30 Mar 2024 20:45:00 GMT"
    provider.answer = lambda asked: said(page([], 0)) if "lost" in str(asked.json) else Act(body)
    night = date(2024, 3, 30)
    api = open_api(provider, tmp_path, DATAFORSEO_BACKLINKS, scope="night=2024-03-30")
    rows = read(api, Period(night, night))
    items = json.loads(body)["tasks"][0]["result"][0]["items"]
    assert len(rows) == 100
    assert len({row["domain_from"] for row in rows}) == 78
    for row, item in zip(rows, items, strict=True):
        for name in ("url_from", "url_to", "rank", "anchor", "attributes", "dofollow", "links_count", "is_new"):
            assert row[name] == item[name]
        assert f"{row['first_seen']:%Y-%m-%d %H:%M:%S} +00:00" == item["first_seen"]
    assert api.facts[night] == {
        "is_full": True,
        "since": None,
        "is_complete": False,
        "stated_count": 578_310,
        "pulls": {"full": {"stated": 578_310, "rows": 100}, "lost": {"stated": 0, "rows": 0}},
    }
    assert api.usage.money == Decimal("0.043")


@pytest.mark.external
def test_a_recorded_partial_failure_is_no_empty_answer(provider: Provider, tmp_path: Path, shared_data: Path) -> None:
    text = (shared_data / "api_responses/dataforseo/backlinks_examples_partial_failure.md").read_text()
    cut = text.split("```json", 1)[1].split("```", 1)[0].strip()
    assert '"result": null' in cut
    # The file breaks off after the first task.
    recorded = json.loads(re.sub(r"\s*\.\.\.$", "", cut))
    assert (recorded["status_code"], recorded["tasks_error"], recorded["tasks"][0]["result"]) == (20000, 1, None)
    provider.answer = lambda asked: said(recorded)
    with pytest.raises(MalformedAnswerError, match="tasks_error is 1, yet the task says"):
        read(open_api(provider, tmp_path, DATAFORSEO_BACKLINKS))


@pytest.mark.external
def test_requests_and_known_fields_are_the_vendors_own(provider: Provider, tmp_path: Path) -> None:
    from dataforseo_client.models.backlinks_backlinks_live_item import BacklinksBacklinksLiveItem
    from dataforseo_client.models.backlinks_backlinks_live_request_info import BacklinksBacklinksLiveRequestInfo

    provider.answer = answering(PAGE_ROWS + 1)
    read(open_api(provider, tmp_path / "full", DATAFORSEO_BACKLINKS))
    read(open_api(provider, tmp_path / "since", DATAFORSEO_BACKLINKS), SINCE)
    for asked in provider.asked:
        [request] = asked.json
        assert request.keys() <= BacklinksBacklinksLiveRequestInfo.model_fields.keys()
        model = BacklinksBacklinksLiveRequestInfo.from_dict(request)
        assert model is not None
        assert {name: value for name, value in model.to_dict().items() if value is not None} == request
    fields = BacklinksBacklinksLiveItem.model_fields.keys() - {"additional_properties"}
    assert fields == LINK.known
    assert set(ITEM) == LINK.known
