from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dataforseo_client.models.serp_google_organic_task_get_advanced_response_info import (
    SerpGoogleOrganicTaskGetAdvancedResponseInfo,
)
from dataforseo_client.models.serp_google_organic_task_get_regular_response_info import (
    SerpGoogleOrganicTaskGetRegularResponseInfo,
)
from dataforseo_client.models.serp_google_organic_task_post_response_info import (
    SerpGoogleOrganicTaskPostResponseInfo,
)
from dataforseo_client.models.serp_google_organic_tasks_ready_response_info import (
    SerpGoogleOrganicTasksReadyResponseInfo,
)
from dataforseo_client.models.serp_id_list_response_info import SerpIdListResponseInfo

from seo_warehouse.demo import DEMO_PROPERTIES, disclosed
from seo_warehouse.demo.elements import CITED, FEATURES, slots
from seo_warehouse.demo.serp import cost_of
from seo_warehouse.sources.serp_answers import decode_serp
from tests.demo.conftest import Client
from tests.demo.models import assert_fits

BASE = "/v3/serp/google/organic"
ASKED = {"keyword": "oak garden bench", "location_code": 2840, "language_code": "en", "depth": 30}


def order(client: Client, *tasks: dict[str, Any]) -> Any:
    return client.post(f"{BASE}/task_post", [{**ASKED, **task} for task in tasks])


def collect(client: Client, id: str, form: str = "regular") -> Any:
    return client.get(f"{BASE}/task_get/{form}/{id}")["tasks"][0]


def check(client: Client, form: str = "regular", **task: Any) -> Any:
    return collect(client, order(client, task)["tasks"][0]["id"], form)


def test_every_step_fits_the_vendors_own_models(client: Client) -> None:
    posted = order(client, {"tag": "a"}, {"device": "mobile"})
    assert_fits(SerpGoogleOrganicTaskPostResponseInfo, posted)
    assert_fits(SerpGoogleOrganicTasksReadyResponseInfo, client.get(f"{BASE}/tasks_ready"))
    for task in posted["tasks"]:
        answer = client.get(f"{BASE}/task_get/regular/{task['id']}")
        assert_fits(SerpGoogleOrganicTaskGetRegularResponseInfo, answer)
        whole = client.get(f"{BASE}/task_get/advanced/{task['id']}")
        assert_fits(SerpGoogleOrganicTaskGetAdvancedResponseInfo, whole)
    span = {"datetime_from": "2026-10-05 00:00:00 +00:00", "datetime_to": "2026-10-06 00:00:00 +00:00"}
    assert_fits(SerpIdListResponseInfo, client.post("/v3/serp/id_list", [{**span, "include_metadata": True}]))


@pytest.mark.external
def test_a_serp_has_the_members_of_a_real_one(client: Client, shared_data: Path) -> None:
    folder = shared_data / "api_responses/dataforseo"
    real = json.loads((folder / "serp_google_organic_task_get_regular.json").read_text())["tasks"][0]
    ours = check(client)
    assert ours.keys() == real.keys()
    # Added by the vendor after the recording, and in its models.
    assert ours["result"][0].keys() - real["result"][0].keys() == {"refinement_chips", "pages_count"}
    assert real["result"][0].keys() <= ours["result"][0].keys()
    assert list(ours["result"][0]["items"][-1]) == list(real["result"][0]["items"][0])
    posted = json.loads((folder / "serp_google_organic_task_post.json").read_text())
    assert order(client, {})["tasks"][0].keys() == posted["tasks"][0].keys()


def test_an_order_is_ready_until_it_is_collected(client: Client) -> None:
    id = order(client, {"tag": "night-1"})["tasks"][0]["id"]
    ready = {r["id"]: r for r in client.get(f"{BASE}/tasks_ready")["tasks"][0]["result"]}
    assert ready[id]["tag"] == "night-1"
    assert client.get(ready[id]["endpoint_regular"])["tasks"][0]["status_code"] == 20000
    left = client.get(f"{BASE}/tasks_ready")["tasks"][0]["result"] or []
    assert id not in {r["id"] for r in left}
    assert collect(client, id)["status_code"] == 20000


def test_a_task_in_the_queue_is_neither_ready_nor_readable(client: Client) -> None:
    client.put("settings", {"serp_delay_seconds": 60})
    id = order(client, {})["tasks"][0]["id"]
    task = collect(client, id)
    assert (task["status_code"], task["result"]) == (40602, None)
    assert id not in {r["id"] for r in client.get(f"{BASE}/tasks_ready")["tasks"][0]["result"] or []}


def test_an_unknown_id_is_not_found(client: Client) -> None:
    assert collect(client, "01010101-0000-0000-0000-000000000000")["status_code"] == 40401


def test_orders_are_found_again_by_their_tags(client: Client) -> None:
    client.put("clock", {"now": "2026-09-09T04:00:00Z"})
    ids = [t["id"] for t in order(client, {"tag": "a"}, {"tag": "b"})["tasks"]]
    span = {"datetime_from": "2026-09-09 00:00:00 +00:00", "datetime_to": "2026-09-09 23:59:59 +00:00"}
    found = client.post("/v3/serp/id_list", [{**span, "include_metadata": True}])["tasks"][0]["result"]
    assert {f["metadata"]["tag"]: f["id"] for f in found} == dict(zip("ab", ids, strict=True))
    page = client.post("/v3/serp/id_list", [{**span, "limit": 1, "offset": 1}])["tasks"][0]["result"]
    assert [f["id"] for f in page] == ids[1:]
    assert client.post("/v3/serp/id_list", [{}])["tasks"][0]["status_code"] == 40501


def test_more_than_a_hundred_tasks_are_refused_whole(client: Client) -> None:
    before = client.control("calls")["orders"]["placed"]
    answer = order(client, *[{}] * 101)
    assert answer["status_code"] == 40006
    assert client.control("calls")["orders"]["placed"] == before


def test_a_refused_task_costs_nothing_and_stops_no_other(client: Client) -> None:
    before = client.control("calls")["orders"]["placed"]
    answer = order(client, {"keyword": ""}, {}, {"depth": 701}, {"device": "watch"}, {"location_code": None})
    assert [t["status_code"] for t in answer["tasks"]] == [40501, 20100, 40501, 40501, 40501]
    assert answer["tasks_error"] == 4
    assert answer["cost"] == cost_of(30, 1)
    assert client.control("calls")["orders"]["placed"] == before + 1


def test_each_page_of_ten_is_paid_for() -> None:
    assert cost_of(10, 1) == 0.0006
    assert cost_of(30, 1) == 0.0015
    assert cost_of(100, 2) == pytest.approx(0.0093)
    assert cost_of(10, 1, with_overview=True) == 0.0012


def test_an_advanced_answer_is_the_same_page_with_what_a_regular_one_leaves_out(client: Client) -> None:
    kinds: Counter[str] = Counter()
    for prop in DEMO_PROPERTIES:
        for tracked in prop.tracked:
            regular = check(client, keyword=tracked.keyword)["result"]
            answer = check(client, "advanced", keyword=tracked.keyword, load_async_ai_overview=True)
            assert_fits(SerpGoogleOrganicTaskGetAdvancedResponseInfo, {"tasks": [answer]})
            if regular is None:
                assert answer["result"] is None
                continue
            whole = answer["result"][0]
            results = [item for item in whole["items"] if item["type"] in ("organic", "paid")]
            assert results == regular[0]["items"]
            absolute = [item["rank_absolute"] for item in whole["items"]]
            assert absolute == list(range(1, len(absolute) + 1))
            assert {item["type"] for item in whole["items"]} == set(whole["item_types"])
            assert whole["item_types"] == regular[0]["item_types"]
            kinds.update(whole["item_types"])
            told = decode_serp({"tasks": [answer]}, "advanced")
            assert (len(told.unknown), len(told.missing)) == (0, 0)
    assert kinds.keys() == {"organic", "paid", "ai_overview", *FEATURES}


def test_an_ai_overview_cites_who_ranks_first_and_is_empty_unless_it_is_waited_for(client: Client) -> None:
    words = (tracked.keyword for prop in DEMO_PROPERTIES for tracked in prop.tracked)
    keyword = next(word for word in words if "ai_overview" in slots(word, "desktop").values())
    for is_waited_for in (True, False):
        items = check(client, "advanced", keyword=keyword, load_async_ai_overview=is_waited_for)["result"][0]["items"]
        [overview] = [item for item in items if item["type"] == "ai_overview"]
        first = [item["url"] for item in items if item["type"] == "organic"][:CITED]
        cited = [reference["url"] for reference in overview["references"] or ()]
        assert (overview["asynchronous_ai_overview"], cited) == (True, first if is_waited_for else [])


def test_ranks_count_from_one_without_gap_in_their_group(client: Client) -> None:
    for prop in DEMO_PROPERTIES:
        for tracked in prop.tracked:
            task = check(client, keyword=tracked.keyword, device="mobile")
            if task["result"] is None:
                continue
            result = task["result"][0]
            assert result["items_count"] == len(result["items"])
            absolute = [item["rank_absolute"] for item in result["items"]]
            assert absolute == sorted(set(absolute))
            for kind in ("organic", "paid"):
                groups = [item["rank_group"] for item in result["items"] if item["type"] == kind]
                assert groups == list(range(1, len(groups) + 1))
            assert len({item["url"] for item in result["items"]}) == len(result["items"])


def test_what_is_shown_is_what_is_true_and_what_is_logged(client: Client) -> None:
    world = client.server.world
    found = 0
    for prop in DEMO_PROPERTIES:
        for tracked in prop.tracked:
            task = check(client, keyword=tracked.keyword)
            line = disclosed(client.server.folder, "serp")[-1]
            truth = world.position(prop, tracked.keyword, "desktop", client.server.clock.now().date())
            assert truth is not None
            assert line["id"] == task["id"]
            items = [
                i
                for i in (task["result"] or [{"items": []}])[0]["items"]
                if i["type"] == "organic" and i["domain"].endswith(prop.domain)
            ]
            if line["state"] == "found":
                found += 1
                assert [(i["rank_group"], i["url"]) for i in items] == [(line["position"], line["url"])]
                assert (line["position"], line["url"]) == (truth.position, prop.url(truth.path))
            else:
                assert items == []
                assert line["position"] is None
    assert found >= 12


def test_the_same_day_shows_the_same_serp_again(client: Client) -> None:
    first, second = check(client), check(client)
    assert first["result"] == second["result"]
    client.put("clock", {"now": "2026-10-04T04:00:00Z"})
    assert check(client)["result"] != first["result"]


def test_a_serp_is_of_the_day_it_was_ordered(client: Client) -> None:
    client.put("clock", {"now": "2026-09-20T22:00:00Z"})
    id = order(client, {})["tasks"][0]["id"]
    client.put("clock", {"now": "2026-09-21T02:00:00Z"})
    assert collect(client, id)["result"][0]["datetime"] == "2026-09-20 22:00:00 +00:00"


def test_a_keyword_nobody_ranks_for_has_only_others(client: Client) -> None:
    items = check(client, keyword="how tall is a giraffe", depth=100)["result"][0]["items"]
    assert len(items) >= 98
    assert not [i for i in items if "alderwood" in i["domain"] or "teaharbour" in i["domain"]]


def test_a_serp_may_be_whole_though_short(client: Client) -> None:
    result = check(client, keyword=DEMO_PROPERTIES[1].niche_keyword)["result"][0]
    assert len([i for i in result["items"] if i["type"] == "organic"]) == result["se_results_count"] == 14


def test_all_four_states_occur_and_each_looks_like_itself(demo: Callable[..., Client]) -> None:
    client = demo(failed_share=0.2, truncated_share=0.2)
    states: Counter[str] = Counter()
    for day in range(1, 29):
        client.put("clock", {"now": f"2026-09-{day:02}T03:00:00Z"})
        # Near the middle of the panel, so that found, not found and truncated all have their chance.
        task = check(client, keyword="picnic table for 8")
        line = disclosed(client.server.folder, "serp")[-1]
        states[line["state"]] += 1
        if line["state"] == "failed":
            assert (task["status_code"], task["result"], task["result_count"]) == (40101, None, 0)
            continue
        result = task["result"][0]
        organic = [i for i in result["items"] if i["type"] == "organic"]
        if line["state"] == "truncated":
            assert result["pages_count"] == 1
            assert len(organic) < 10 < result["se_results_count"]
        else:
            assert result["pages_count"] == 3
            assert len(organic) >= 28
    far = demo(failed_share=0.0, truncated_share=0.0)
    assert check(far, keyword="folding balcony table")["status_code"] == 20000
    states[disclosed(far.server.folder, "serp")[-1]["state"]] += 1
    assert states.keys() == {"found", "failed", "truncated", "not_found"}


def test_ordering_twice_is_reported(demo: Callable[..., Client]) -> None:
    client = demo()
    order(client, {}, {"device": "mobile"})
    assert client.control("calls")["orders"] == {"placed": 2, "repeated": []}
    order(client, {})
    assert [r["times"] for r in client.control("calls")["orders"]["repeated"]] == [2]
