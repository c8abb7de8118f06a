from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from seo_warehouse.demo import disclosed
from seo_warehouse.demo.failures import Failures, Rule
from tests.demo.conftest import Client

LIVE = "/v3/backlinks/backlinks/live"
POST = "/v3/serp/google/organic/task_post"
TASK = {"keyword": "gaiwan", "location_code": 2840, "language_code": "en"}


def ask(client: Client, path: str = LIVE, body: Any = None) -> requests.Response:
    return client.vendor.post(client.url + path, json=body or [{"target": "alderwood.example"}], timeout=60)


def fail(client: Client, kind: str, **rule: Any) -> None:
    client.put("failures", [{"match": "^/v3/", "kind": kind, "times": 1, **rule}])


@pytest.mark.parametrize("kind", ["truncated", "wrong_length", "reset", "lost"])
def test_a_cut_answer_is_an_error_of_the_connection(client: Client, kind: str) -> None:
    fail(client, kind)
    before = len(disclosed(client.server.folder, "backlinks"))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        ask(client)
    assert len(disclosed(client.server.folder, "backlinks")) == before
    assert ask(client).json()["tasks"][0]["status_code"] == 20000


def test_a_gzip_stream_that_ends_early_cannot_be_read_whole(client: Client) -> None:
    fail(client, "gzip_cut")
    try:
        answer = ask(client)
    except requests.exceptions.RequestException:
        return
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize("kind", ["malformed", "html"])
def test_an_answer_that_is_no_json(client: Client, kind: str) -> None:
    fail(client, kind)
    with pytest.raises(requests.exceptions.JSONDecodeError):
        ask(client).json()


def test_too_many_requests_come_with_retry_after(client: Client) -> None:
    fail(client, "status", status=429, retry_after="7")
    answer = ask(client)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_a_quota_is_refused_in_googles_form(client: Client) -> None:
    client.put("failures", [{"match": "searchAnalytics", "kind": "quota"}])
    answer = client.query(dimensions=["date"])
    assert answer.status_code == 403
    assert answer.json()["error"]["errors"][0] == {
        "message": answer.json()["error"]["message"],
        "domain": "usageLimits",
        "reason": "quotaExceeded",
    }


def test_slow_and_stalled_answers_are_true_but_late(client: Client) -> None:
    expected = ask(client).json()["tasks"][0]["result"]
    for kind in ("slow", "stall"):
        fail(client, kind, seconds=0.3)
        began = time.monotonic()
        assert ask(client).json()["tasks"][0]["result"] == expected
        assert time.monotonic() - began >= 0.28


def test_a_task_may_fail_inside_a_good_envelope_and_does_nothing(client: Client) -> None:
    placed = client.control("calls")["orders"]["placed"]
    fail(client, "task_error", status=50000)
    answer = ask(client, POST, [TASK, TASK]).json()
    assert (answer["status_code"], answer["tasks_error"]) == (20000, 2)
    assert {t["status_code"] for t in answer["tasks"]} == {50000}
    assert client.control("calls")["orders"]["placed"] == placed


def test_reset_does_nothing_and_lost_does_all_but_answer(client: Client) -> None:
    placed = client.control("calls")["orders"]["placed"]
    for kind, more in (("reset", 0), ("lost", 1)):
        fail(client, kind)
        with pytest.raises(requests.ConnectionError):
            ask(client, POST, [TASK])
        assert client.control("calls")["orders"]["placed"] == placed + more


def test_an_undocumented_member_can_be_added(client: Client) -> None:
    fail(client, "unknown_field")
    assert ask(client).json()["tasks"][0]["result"][0]["items"][0]["never_documented"] == 1


def test_rules_count_and_skip_as_told() -> None:
    failures = Failures()
    failures.set([Rule(match="/a", kind="html", times=2, after=1)])
    assert [failures.choose("/a") is not None for _ in range(5)] == [False, True, True, False, False]
    assert failures.choose("/b") is None
    assert (failures.report()[0]["passed"], failures.report()[0]["failed"]) == (3, 2)


def test_a_share_of_failures_is_the_same_for_the_same_seed() -> None:
    def drawn(seed: int) -> list[bool]:
        failures = Failures()
        failures.set([Rule(match="", kind="html", probability=0.3, seed=seed)])
        return [failures.choose("/a") is not None for _ in range(200)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert 30 < sum(drawn(1)) < 90


@pytest.mark.parametrize(
    "rule", [{"match": "("}, {"match": "", "kind": "fire"}, {"match": "", "kind": "html", "often": 1}]
)
def test_a_wrong_rule_is_refused(client: Client, rule: dict[str, Any]) -> None:
    answer = requests.put(f"{client.url}/control/failures", json=[{"kind": "html", **rule}], timeout=60)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_calls_are_counted_by_path_and_failures_too(client: Client) -> None:
    client.put("calls", {})
    fail(client, "html")
    ask(client)
    ask(client)
    client.get("/v3/serp/google/organic/task_get/regular/01010101-0000-0000-0000-000000000000")
    assert client.control("calls")["calls"] == {
        f"POST {LIVE}": 2,
        "GET /v3/serp/google/organic/task_get/regular/*": 1,
    }
