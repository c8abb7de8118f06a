from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seo_warehouse.client.api import Api
from seo_warehouse.config import Property
from seo_warehouse.errors import MalformedAnswerError, SourceError, TerminalSourceError, ThrottledError
from seo_warehouse.sources.search_console import DAY_CAP_ROWS, PAGE_ROWS, SEARCH_CONSOLE, _decoder
from seo_warehouse.spec import Period, Row
from tests.sources.fuzzing import JSON, mutated, places
from tests.sources.properties import check_columns, make_property
from tests.sources.provider import Act, Asked, Provider, open_api, said

DAY = date(2026, 11, 20)
ONE_DAY = Period(DAY, DAY)
SHOP = make_property()
PATH = "/webmasters/v3/sites/sc-domain%3Aexample.com/searchAnalytics/query"
VALUES = {"PAGE": "https://example.com/", "QUERY": "shoes", "COUNTRY": "usa", "DEVICE": "MOBILE"}
AGGREGATIONS = {"BY_PAGE": "byPage", "BY_PROPERTY": "byProperty"}


def read(api: Api, table: str, period: Period = ONE_DAY, prop: Property = SHOP) -> list[Row]:
    rows = list(SEARCH_CONSOLE.table(table).read(api, prop, period))
    check_columns(SEARCH_CONSOLE, table, rows)
    return rows


def entry(asked: dict[str, Any], number: int = 0, **metrics: float) -> dict[str, Any]:
    keys = [asked["startDate"] if d == "DATE" else VALUES[d] for d in asked["dimensions"]]
    if "QUERY" in asked["dimensions"]:
        keys[asked["dimensions"].index("QUERY")] += f" {number}"
    return {"keys": keys, "clicks": 1, "impressions": 4.0, "ctr": 0.25, "position": 1.5, **metrics}


def answering(count: int, **extra: Any) -> Callable[[Asked], Act]:
    """A day of `count` rows, paged as asked."""

    def answer(request: Asked) -> Act:
        asked = request.json
        last = min(count, asked["startRow"] + asked["rowLimit"])
        rows = [entry(asked, number) for number in range(asked["startRow"], last)]
        document = {"responseAggregationType": AGGREGATIONS[asked["aggregationType"]], **extra}
        return said({**document, "rows": rows} if rows else document)

    return answer


@pytest.mark.parametrize(
    ("count", "calls", "is_capped"),
    [
        (0, 1, False),
        (1, 1, False),
        (PAGE_ROWS - 1, 1, False),
        (PAGE_ROWS, 2, False),
        (PAGE_ROWS + 1, 2, False),
        (DAY_CAP_ROWS, 3, True),
    ],
)
def test_pages_are_read_until_one_is_not_full(
    provider: Provider, tmp_path: Path, count: int, calls: int, is_capped: bool
) -> None:
    provider.answer = answering(count)
    api = open_api(provider, tmp_path, SEARCH_CONSOLE)
    rows = read(api, "performance")
    assert [row["query"] for row in rows] == [f"shoes {number}" for number in range(count)]
    assert [asked.json["startRow"] for asked in provider.asked] == [PAGE_ROWS * n for n in range(calls)]
    assert bool(api.facts.get(DAY, {}).get("is_capped")) == is_capped


def test_a_provider_that_does_not_page_is_not_read_without_end(provider: Provider, tmp_path: Path) -> None:
    always = answering(PAGE_ROWS)
    provider.answer = lambda asked: always(
        replace(asked, body=asked.body.replace(b'"startRow":25000', b'"startRow":0'))
    )
    with pytest.raises(MalformedAnswerError, match="the rows from 25,000 on are the same as those before"):
        read(open_api(provider, tmp_path, SEARCH_CONSOLE), "performance")
    assert len(provider.asked) == 2


def test_rows_come_before_the_next_page_is_asked_for(provider: Provider, tmp_path: Path) -> None:
    provider.answer = answering(PAGE_ROWS + 1)
    rows = SEARCH_CONSOLE.table("performance").read(open_api(provider, tmp_path, SEARCH_CONSOLE), SHOP, ONE_DAY)
    for _ in range(PAGE_ROWS):
        next(rows)
    assert len(provider.asked) == 1


def test_a_row_keeps_what_google_says(provider: Provider, tmp_path: Path) -> None:
    provider.answer = answering(1)
    assert read(open_api(provider, tmp_path, SEARCH_CONSOLE), "performance") == [
        {
            "day": DAY,
            "page_url": "https://example.com/",
            "query": "shoes 0",
            "country": "usa",
            "device": "MOBILE",
            "clicks": 1.0,
            "impressions": 4.0,
            "ctr": 0.25,
            "position": 1.5,
        }
    ]


@given(
    odd=st.dictionaries(
        st.sampled_from(["clicks", "impressions", "ctr", "position"]),
        st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**60), 2**60)),
    ),
    left_out=st.sets(st.sampled_from(["clicks", "ctr"])),
)
def test_a_row_is_read_among_others_as_it_is_alone(odd: dict[str, float], left_out: set[str]) -> None:
    dimensions = ("DATE", "QUERY")
    asked = {"startDate": DAY.isoformat(), "dimensions": dimensions}
    entries = [entry(asked, number) for number in range(3)]
    entries[1] = {name: value for name, value in (entries[1] | odd).items() if name not in left_out}
    decode = _decoder(DAY, DAY, dimensions, "BY_PAGE")
    together = decode({"rows": entries}).rows
    assert together == [row for alone in entries for row in decode({"rows": [alone]}).rows]
    assert all(type(row["clicks"]) is float for row in (together[0], together[2]))
    for name in odd.keys() - left_out:
        assert together[1][name] == float(odd[name])


def test_performance_is_asked_for_day_by_day(provider: Provider, tmp_path: Path) -> None:
    provider.answer = answering(1)
    rows = read(open_api(provider, tmp_path, SEARCH_CONSOLE), "performance", Period(date(2026, 11, 18), DAY))
    assert [row["day"].day for row in rows] == [18, 19, 20]
    assert [(a.json["startDate"], a.json["endDate"]) for a in provider.asked] == [
        (f"2026-11-{day}", f"2026-11-{day}") for day in (18, 19, 20)
    ]
    assert {a.path for a in provider.asked} == {PATH}
    assert {a.method for a in provider.asked} == {"POST"}
    assert provider.asked[0].json["dataState"] == "ALL"
    assert provider.asked[0].json["type"] == "WEB"


def test_property_totals_of_a_period_take_one_call(provider: Provider, tmp_path: Path) -> None:
    days = [f"2026-11-{day}" for day in (17, 19, 20)]
    rows = [{"keys": [day], "clicks": 0, "impressions": 0, "ctr": 0, "position": 0} for day in days]
    provider.answer = lambda asked: said({"rows": rows, "responseAggregationType": "byProperty"})
    found = read(
        open_api(provider, tmp_path, SEARCH_CONSOLE), "property_total", Period(date(2026, 11, 17), date(2026, 11, 20))
    )
    assert [row["day"].isoformat() for row in found] == days
    assert len(provider.asked) == 1
    assert provider.asked[0].json["aggregationType"] == "BY_PROPERTY"


def test_page_totals_are_asked_for_by_page(provider: Provider, tmp_path: Path) -> None:
    provider.answer = answering(1)
    rows = read(open_api(provider, tmp_path, SEARCH_CONSOLE), "page_total")
    assert rows[0]["page_url"] == "https://example.com/"
    assert provider.asked[0].json["aggregationType"] == "BY_PAGE"
    assert provider.asked[0].json["dimensions"] == ["DATE", "PAGE", "COUNTRY", "DEVICE"]


@pytest.mark.parametrize("spelling", ["firstIncompleteDate", "first_incomplete_date"])
def test_days_that_google_calls_incomplete_are_provisional(provider: Provider, tmp_path: Path, spelling: str) -> None:
    provider.answer = lambda asked: said({"metadata": {spelling: "2026-11-19"}})
    api = open_api(provider, tmp_path, SEARCH_CONSOLE)
    read(api, "property_total", Period(date(2026, 11, 17), date(2026, 11, 20)))
    assert [day.day for day, facts in sorted(api.facts.items()) if facts.get("is_provisional")] == [19, 20]


def test_fields_out_of_place_are_noted(provider: Provider, tmp_path: Path) -> None:
    def answer(asked: Asked) -> Act:
        row = {**entry(asked.json), "saves": 3}
        del row["ctr"]
        return said({"rows": [row], "nextPage": 2})

    provider.answer = answer
    api = open_api(provider, tmp_path, SEARCH_CONSOLE)
    assert read(api, "performance")[0]["ctr"] is None
    assert api.facts == {DAY: {"unknown_fields": ["nextPage", "saves"], "missing_fields": ["ctr"]}}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "the answer is"),
        ({"rows": {}}, "rows is"),
        ({"rows": [1]}, r"rows\[\] is 1"),
        ({"rows": [{}]}, "0 keys for 5 dimensions"),
        ({"rows": [{"keys": ["2026-11-20", "u", "q", "usa"]}]}, "4 keys for 5"),
        ({"rows": [{"keys": ["2026-11-19", "u", "q", "usa", "MOBILE"]}]}, "a row of 2026-11-19"),
        ({"rows": [{"keys": ["today", "u", "q", "usa", "MOBILE"]}]}, "keys is 'today'"),
        ({"rows": [{"keys": ["2026-11-20", None, "q", "usa", "MOBILE"]}]}, "page_url is None"),
        ({"rows": [{"keys": ["2026-11-20", "u", "q", "usa", "MOBILE"], "clicks": "1"}]}, "clicks is '1'"),
        ({"rows": [{"keys": ["2026-11-20", "u", "q", "usa", "MOBILE"], "clicks": True}]}, "clicks is True"),
        ({"responseAggregationType": "byProperty"}, "asked for BY_PAGE, answered byProperty"),
        ({"metadata": {"firstIncompleteDate": "soon"}}, "firstIncompleteDate is 'soon'"),
        ({"metadata": [1]}, "metadata is"),
    ],
)
def test_an_answer_out_of_form_is_not_read(provider: Provider, tmp_path: Path, document: object, message: str) -> None:
    provider.answer = lambda asked: said(document)
    with pytest.raises(MalformedAnswerError, match=message):
        read(open_api(provider, tmp_path, SEARCH_CONSOLE), "performance")
    assert len(provider.asked) == 1


def refusal(code: int, reason: str, message: str = "No.") -> Act:
    detail = {"message": message, "domain": "usageLimits", "reason": reason}
    return said({"error": {"code": code, "message": message, "errors": [detail]}}, status=code)


@pytest.mark.parametrize(
    ("act", "kind", "message"),
    [
        (refusal(403, "quotaExceeded"), ThrottledError, "HTTP 403: No"),
        (refusal(403, "rateLimitExceeded"), ThrottledError, "HTTP 403"),
        (refusal(403, "userRateLimitExceeded"), ThrottledError, "HTTP 403"),
        (refusal(429, "anything"), ThrottledError, "HTTP 429"),
        (said({"error": {"status": "RESOURCE_EXHAUSTED"}}, status=429), ThrottledError, "HTTP 429"),
        (refusal(403, "forbidden"), TerminalSourceError, "is the service account a user"),
        (Act(b"<html>", 403), TerminalSourceError, "is the service account a user"),
        (refusal(401, "authError"), TerminalSourceError, "credentials are not accepted"),
        (refusal(400, "invalidParameter"), TerminalSourceError, "HTTP 400: No"),
        (Act(b'{"error": "invalid"}', 400), TerminalSourceError, "HTTP 400"),
        (refusal(404, "notFound"), TerminalSourceError, "HTTP 404"),
    ],
)
def test_a_quota_is_told_from_a_refusal(
    provider: Provider, tmp_path: Path, act: Act, kind: type[SourceError], message: str
) -> None:
    provider.answer = lambda asked: act
    with pytest.raises(kind, match=message):
        read(open_api(provider, tmp_path, SEARCH_CONSOLE), "performance")
    assert len(provider.asked) == (3 if kind is ThrottledError else 1)


def test_a_days_quota_is_left_to_the_scheduler(provider: Provider, tmp_path: Path) -> None:
    provider.answer = lambda asked: refusal(403, "dailyLimitExceeded")
    with pytest.raises(ThrottledError) as raised:
        read(open_api(provider, tmp_path, SEARCH_CONSOLE), "performance")
    assert raised.value.retry_after_seconds == 3_600
    assert len(provider.asked) == 1


def test_a_retry_continues_after_the_pages_that_came(provider: Provider, tmp_path: Path) -> None:
    provider.script.append(answering(PAGE_ROWS + 1)(asked_first()))
    provider.answer = lambda asked: Act(status=500)
    with pytest.raises(SourceError):
        read(open_api(provider, tmp_path, SEARCH_CONSOLE), "performance")
    before = len(provider.asked)
    provider.answer = answering(PAGE_ROWS + 1)
    api = open_api(provider, tmp_path, SEARCH_CONSOLE)
    assert len(read(api, "performance")) == PAGE_ROWS + 1
    assert len(provider.asked) == before + 1
    assert (api.usage.calls, api.usage.reused, api.usage.cut) == (1, 1, 1)
    assert read(open_api(provider, tmp_path, SEARCH_CONSOLE, may_call=False), "performance") == read(api, "performance")


def asked_first() -> Asked:
    body = {
        "startDate": "2026-11-20",
        "dimensions": ["DATE", "PAGE", "QUERY", "COUNTRY", "DEVICE"],
        "aggregationType": "BY_PAGE",
        "startRow": 0,
        "rowLimit": PAGE_ROWS,
    }
    return Asked("POST", PATH, {}, json.dumps(body).encode())


GOOD = {
    "rows": [entry(asked_first().json, number) for number in range(2)],
    "responseAggregationType": "byPage",
    "metadata": {"firstIncompleteDate": "2026-11-20"},
}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(list(places(GOOD))), JSON, st.sampled_from([200, 403]))
def test_no_answer_gets_anything_but_rows_or_a_typed_error_out(
    provider: Provider, tmp_path: Path, path: tuple[Any, ...], value: Any, status: int
) -> None:
    provider.answer = lambda asked: said(mutated(GOOD, path, value), status=status)
    api = open_api(provider, tmp_path / str(len(provider.asked)), SEARCH_CONSOLE)
    try:
        rows = read(api, "performance")
    except SourceError:
        return
    assert all(row["day"] == DAY for row in rows)


@pytest.mark.external
def test_requests_and_answers_keep_to_googles_discovery_document(
    provider: Provider, tmp_path: Path, shared_data: Path
) -> None:
    document = json.loads((shared_data / "specs/google/searchconsole.v1.json").read_text())
    query = document["schemas"]["SearchAnalyticsQueryRequest"]["properties"]
    provider.answer = answering(1)
    for table in SEARCH_CONSOLE.tables:
        read(open_api(provider, tmp_path, SEARCH_CONSOLE), table.name)
    for asked in provider.asked:
        assert asked.json.keys() <= query.keys()
        for name, value in asked.json.items():
            kind = query[name]["type"]
            assert isinstance(value, {"string": str, "integer": int, "array": list}[kind]), name
            allowed = query[name].get("enum") or query[name].get("items", {}).get("enum")
            assert allowed is None or set(value if kind == "array" else [value]) <= set(allowed), name
    method = document["resources"]["searchanalytics"]["methods"]["query"]
    assert provider.asked[0].path == "/" + method["path"].replace("{siteUrl}", "sc-domain%3Aexample.com")
    assert provider.asked[0].method == method["httpMethod"]
    assert "firstIncompleteDate" in document["schemas"]["Metadata"]["properties"]
    assert set(document["schemas"]["ApiDataRow"]["properties"]) == {"keys", "clicks", "impressions", "ctr", "position"}
