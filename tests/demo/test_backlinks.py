from __future__ import annotations

import json
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from dataforseo_client.models.backlinks_backlinks_live_response_info import BacklinksBacklinksLiveResponseInfo

from seo_warehouse.demo import disclosed
from tests.demo.conftest import NOW, Client
from tests.demo.models import assert_fits

LIVE = "/v3/backlinks/backlinks/live"


def read_all(client: Client, **asked: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    token = None
    while True:
        result = client.backlinks(**asked, **({"search_after_token": token} if token else {}))
        items += result["items"]
        token = result["search_after_token"]
        if not token:
            assert result["total_count"] == len(items)
            return items


def test_answers_fit_the_vendors_own_model(client: Client) -> None:
    answer = client.post(LIVE, [{"target": "alderwood.example", "limit": 1000, "backlinks_status_type": "all"}])
    assert answer["tasks"][0]["result"][0]["items_count"] > 100
    assert_fits(BacklinksBacklinksLiveResponseInfo, answer)


@pytest.mark.external
def test_items_have_exactly_the_members_of_a_real_answer(client: Client, shared_data: Path) -> None:
    real = json.loads((shared_data / "api_responses/dataforseo/backlinks_live.json").read_text())
    ours = client.post(LIVE, [{"target": "alderwood.example"}])
    assert ours.keys() == real.keys()
    assert ours["tasks"][0].keys() == real["tasks"][0].keys()
    real_result, result = real["tasks"][0]["result"][0], ours["tasks"][0]["result"][0]
    assert result.keys() == real_result.keys()
    assert list(result["items"][0]) == list(real_result["items"][0])


def test_the_cost_of_a_real_answer_of_100_rows_is_asked_here_too(client: Client) -> None:
    answer = client.post(LIVE, [{"target": "alderwood.example", "limit": 100}])
    assert answer["cost"] == answer["tasks"][0]["cost"] == 0.023


def test_pages_by_offset_and_by_token_hold_every_row_once(client: Client) -> None:
    whole = client.backlinks(limit=1000)["items"]
    by_token = read_all(client, limit=7)
    by_offset = [i for start in range(0, len(whole), 50) for i in client.backlinks(limit=50, offset=start)["items"]]
    assert by_token == by_offset == whole


def test_offsets_beyond_the_cap_need_the_token(demo: Callable[..., Client]) -> None:
    client = demo(offset_cap=20)
    assert client.backlinks(offset=20)["items_count"] > 0
    assert client.backlinks(offset=21)["status_code"] == 40501
    assert len(read_all(client, limit=9)) > 60


def test_a_token_with_other_parameters_is_refused(client: Client) -> None:
    token = client.backlinks(limit=5)["search_after_token"]
    assert client.backlinks(limit=6, search_after_token=token)["status_code"] == 40501
    assert client.backlinks(limit=5, search_after_token="bm8=")["status_code"] == 40501


@pytest.mark.parametrize(
    "asked",
    [
        {"limit": 1001},
        {"limit": 0},
        {"target": "www.alderwood.example"},
        {"target": ""},
        {"backlinks_status_type": "gone"},
        {"filters": ["no_such_field", "=", 1]},
        {"filters": [["rank", ">", 1], "xor", ["rank", "<", 9]]},
        {"order_by": ["no_such_field,asc"]},
        {"limits": 5},
    ],
)
def test_a_wrong_field_fails_the_task_inside_a_good_envelope(client: Client, asked: dict[str, Any]) -> None:
    answer = client.post(LIVE, [{"target": "alderwood.example", **asked}])
    assert answer["status_code"] == 20000
    assert answer["tasks_error"] == 1
    assert answer["tasks"][0]["status_code"] == 40501
    assert answer["tasks"][0]["result"] is None
    assert answer["cost"] == 0


def test_more_than_eight_filters_are_refused(client: Client) -> None:
    filters: list[Any] = [["rank", ">", 0]]
    for _ in range(8):
        filters += ["and", ["rank", ">", 0]]
    assert client.backlinks(filters=filters[:15])["items_count"] > 0
    assert client.backlinks(filters=filters)["status_code"] == 40501


def test_filters_and_orders_do_what_they_say(client: Client) -> None:
    since = "2026-09-01 00:00:00 +00:00"
    items = client.backlinks(limit=1000)["items"]
    new = client.backlinks(limit=1000, filters=["first_seen", ">", since], order_by=["first_seen,asc"])["items"]
    assert new == sorted((i for i in items if i["first_seen"] > since), key=lambda i: i["first_seen"])
    assert new
    both = client.backlinks(limit=1000, filters=[["dofollow", "=", True], "and", ["url_from", "like", "%journal%"]])
    assert both["items"] == [i for i in items if i["dofollow"] and "journal" in i["url_from"]]
    assert client.backlinks(limit=1000, filters=["rank", ">", "80"])["items"] == [i for i in items if i["rank"] > 80]


def test_live_and_lost_share_out_what_all_holds(client: Client) -> None:
    count = {
        status: client.backlinks(limit=1, backlinks_status_type=status)["total_count"]
        for status in ("live", "lost", "all")
    }
    assert count["all"] == count["live"] + count["lost"]
    assert count["lost"] > 3


def test_nothing_is_known_before_its_time(client: Client) -> None:
    client.put("clock", {"now": "2026-07-01T04:00:00Z"})
    items = client.backlinks(limit=1000, backlinks_status_type="all")["items"]
    assert max(max(i["first_seen"], i["last_seen"]) for i in items) <= "2026-07-01 04:00:00 +00:00"
    client.put("clock", {"now": NOW})
    later = client.backlinks(limit=1000, backlinks_status_type="all")["items"]
    assert {i["url_from"] for i in items} < {i["url_from"] for i in later}


def test_new_and_attributes_agree_with_each_other(client: Client) -> None:
    for item in client.backlinks(limit=1000, backlinks_status_type="all")["items"]:
        assert item["is_new"] == (item["prev_seen"] is None)
        assert item["first_seen"] <= (item["prev_seen"] or item["first_seen"]) <= item["last_seen"]
        assert item["dofollow"] == (not {"nofollow", "ugc", "sponsored"} & set(item["attributes"] or ()))
        assert item["attributes"] != []


def test_a_page_or_another_domain_can_be_the_target(client: Client) -> None:
    page = client.backlinks(target="http://www.alderwood.example/", limit=1000)
    assert {i["url_to"] for i in page["items"]} == {"http://www.alderwood.example/"}
    assert client.backlinks(target="nowhere.example")["total_count"] == 0


def test_every_item_answered_is_disclosed_with_the_instant_of_the_answer(client: Client) -> None:
    before = len(disclosed(client.server.folder, "backlinks"))
    result = client.backlinks(limit=40, backlinks_status_type="all")
    lines = disclosed(client.server.folder, "backlinks")[before:]
    assert [(x["url_from"], x["first_seen"], x["is_lost"]) for x in lines] == [
        (i["url_from"], i["first_seen"], i["is_lost"]) for i in result["items"]
    ]
    assert {x["at"] for x in lines} == {NOW}
    assert {x["property_key"] for x in lines} == {1}


def test_only_one_task_at_a_time(client: Client) -> None:
    answer = client.post(LIVE, [{"target": "alderwood.example"}] * 2)
    assert answer["status_code"] == 40000


def test_wrong_credentials_are_refused_with_401(client: Client) -> None:
    for auth in (None, ("demo@seo-warehouse.example", "wrong")):
        answer = requests.post(client.url + LIVE, json=[{"target": "alderwood.example"}], auth=auth, timeout=10)
        assert answer.status_code == 401
        assert answer.json()["status_code"] == 40100


def test_the_date_header_follows_the_clock(client: Client) -> None:
    answer = client.vendor.post(client.url + LIVE, json=[{"target": "alderwood.example"}], timeout=10)
    assert parsedate_to_datetime(answer.headers["Date"]).isoformat() == NOW
