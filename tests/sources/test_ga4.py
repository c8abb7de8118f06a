from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seo_warehouse.client.api import Api
from seo_warehouse.config import Property, SourceSettings
from seo_warehouse.errors import MalformedAnswerError, SourceError, TerminalSourceError, ThrottledError
from seo_warehouse.sources import ga4
from seo_warehouse.sources.ga4 import GA4, probe_referrers
from seo_warehouse.spec import Period, Row
from seo_warehouse.urls import key64
from tests.sources.fuzzing import JSON, mutated, places
from tests.sources.properties import check_columns
from tests.sources.provider import Act, Asked, Provider, archived, open_api, said

DAY = date(2026, 11, 20)
ONE_DAY = Period(DAY, DAY)
PATH = "/v1beta/properties/123456789"
NAMES = (*ga4.LANDING_DIMENSIONS, *ga4.REFERRER_DIMENSIONS[1:], *ga4.SESSION_METRICS, "eventCount")
METADATA = {"timeZone": "America/New_York", "currencyCode": "USD"}
VALUES = {
    "sessionSource": "forum.example",
    "sessionMedium": "referral",
    "sessionDefaultChannelGroup": "Referral",
    "hostName": "www.example.com",
    "landingPagePlusQueryString": "/pans?size=2",
    "pagePathPlusQueryString": "/pans?size=2",
    "pageReferrer": "https://forum.example/thread?t=41",
    "sessions": "12",
    "engagedSessions": "9",
    "keyEvents": "1.5",
    "conversions": "1.5",
    "totalRevenue": "-3.25",
    "eventCount": "12",
}


def make_property(**stated: str) -> Property:
    return Property(
        key=7,
        name="shop",
        domain="example.com",
        history_start=date(2026, 1, 1),
        sources=SourceSettings(ga4={"property_id": "123456789", **stated}),
    )


def open_ga4(provider: Provider, folder: Path) -> Api:
    return open_api(provider, folder, GA4)


def read(api: Api, table: str, period: Period = ONE_DAY, prop: Property | None = None) -> list[Row]:
    rows = list(GA4.table(table).read(api, prop or make_property(), period))
    check_columns(GA4, table, rows)
    return rows


def entry(asked: dict[str, Any], number: int = 0, **told: str) -> dict[str, Any]:
    values = VALUES | {"date": asked["dateRanges"][0]["startDate"].replace("-", "")} | told
    values["sessionSource"] += f"/{number}" if number else ""
    values["pageReferrer"] += f"&n={number}" if number else ""
    return {
        "dimensionValues": [{"value": values[d["name"]]} for d in asked["dimensions"]],
        "metricValues": [{"value": values[m["name"]]} for m in asked["metrics"]],
    }


def report(asked: dict[str, Any], rows: list[dict[str, Any]], count: int | None = None, **more: Any) -> dict[str, Any]:
    """An answer in the form of RunReportResponse."""
    quota = {
        "tokensPerDay": {"consumed": 7, "remaining": 150_000},
        "tokensPerHour": {"consumed": 7, "remaining": 30_000},
    }
    document = {
        "dimensionHeaders": [{"name": d["name"]} for d in asked["dimensions"]],
        "metricHeaders": [{"name": m["name"], "type": "TYPE_INTEGER"} for m in asked["metrics"]],
        "metadata": METADATA,
        "propertyQuota": quota,
        "kind": "analyticsData#runReport",
    }
    counted = len(rows) if count is None else count
    return document | ({"rows": rows} if rows else {}) | ({"rowCount": counted} if counted else {}) | more


def answering(
    tell: Callable[[dict[str, Any]], dict[str, Any]], names: tuple[str, ...] = NAMES
) -> Callable[[Asked], Act]:
    """A property that knows these names and answers reports by `tell`."""

    def answer(asked: Asked) -> Act:
        if asked.path.endswith("/metadata"):
            return said({"dimensions": [], "metrics": [{"apiName": name} for name in names], "name": "x"})
        if asked.path.endswith(":checkCompatibility"):
            return said({})
        return said(tell(asked.json))

    return answer


def reports(provider: Provider) -> list[dict[str, Any]]:
    return [asked.json for asked in provider.asked if asked.path == f"{PATH}:runReport"]


@pytest.mark.parametrize(("count", "calls"), [(0, 1), (1, 1), (9, 1), (10, 1), (11, 2), (20, 2), (21, 3)])
def test_pages_are_read_until_all_rows_came(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, calls: int
) -> None:
    monkeypatch.setattr(ga4, "PAGE_ROWS", 10)

    def tell(asked: dict[str, Any]) -> dict[str, Any]:
        start = int(asked["offset"])
        return report(asked, [entry(asked, n) for n in range(start, min(count, start + int(asked["limit"])))], count)

    provider.answer = answering(tell)
    api = open_ga4(provider, tmp_path)
    rows = read(api, "landing")
    assert len({row["row_key"] for row in rows}) == len(rows) == count
    assert [asked["offset"] for asked in reports(provider)] == [str(10 * n) for n in range(calls)]
    assert api.facts[DAY]["stated_count"] == count
    assert api.usage.units == 7 * calls


@pytest.mark.parametrize(
    ("start", "rows", "count"),
    [(0, 9, 11), (10, 1, 12), (10, 0, 11), (0, 11, 11)],
    ids=["too few", "more in all", "none where one is left", "too many"],
)
def test_a_day_that_changes_between_pages_is_not_half_read(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: int, rows: int, count: int
) -> None:
    monkeypatch.setattr(ga4, "PAGE_ROWS", 10)

    def tell(asked: dict[str, Any]) -> dict[str, Any]:
        is_odd = int(asked["offset"]) == start
        told = rows if is_odd else 10 if asked["offset"] == "0" else 1
        return report(asked, [entry(asked, n) for n in range(told)], count if is_odd else 11)

    provider.answer = answering(tell)
    with pytest.raises(MalformedAnswerError, match="rows"):
        read(open_ga4(provider, tmp_path), "landing")


def test_a_quota_that_ends_between_pages_costs_no_row(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ga4, "PAGE_ROWS", 10)
    exhausted = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Exhausted property tokens."}}
    is_exhausted = True

    def tell(asked: dict[str, Any]) -> dict[str, Any]:
        start = int(asked["offset"])
        return report(asked, [entry(asked, n) for n in range(start, min(11, start + 10))], 11)

    usual = answering(tell)
    provider.answer = lambda asked: (
        said(exhausted, status=429) if is_exhausted and b'"offset":"10"' in asked.body else usual(asked)
    )
    with pytest.raises(ThrottledError, match="Exhausted property tokens"):
        read(open_ga4(provider, tmp_path), "landing")
    is_exhausted, before = False, len(reports(provider))
    rows = read(open_ga4(provider, tmp_path), "landing")
    assert len({row["row_key"] for row in rows}) == len(rows) == 11
    # The first page came of the archive.
    assert [asked["offset"] for asked in reports(provider)[before:]] == ["10"]


def test_a_failure_of_googles_is_tried_again(provider: Provider, tmp_path: Path) -> None:
    usual = answering(lambda asked: report(asked, [entry(asked)]))
    failures = iter([True, False])
    error = {"error": {"code": 500, "status": "INTERNAL", "message": "An internal error has occurred."}}
    provider.answer = lambda asked: (
        said(error, status=500) if asked.path.endswith(":runReport") and next(failures, False) else usual(asked)
    )
    assert len(read(open_ga4(provider, tmp_path), "total")) == 1


def test_rows_keep_what_google_says(provider: Provider, tmp_path: Path) -> None:
    provider.answer = answering(lambda asked: report(asked, [entry(asked)]))
    api = open_ga4(provider, tmp_path)
    sums = {"sessions": 12, "engaged_sessions": 9, "key_events": 1.5, "total_revenue": -3.25, "currency": "USD"}
    (landing,) = read(api, "landing")
    assert landing.items() >= (sums | {"day": DAY, "landing": "https://www.example.com/pans?size=2"}).items()
    assert read(api, "total") == [{"day": DAY, **sums}]
    (referrer,) = read(api, "referrer")
    assert referrer == {
        "day": DAY,
        "row_key": key64(str(key64(VALUES["pageReferrer"])), "www.example.com", "/pans?size=2"),
        "referrer_state": "known",
        "referrer": "https://forum.example/thread",
        "referrer_key": key64(VALUES["pageReferrer"]),
        "is_cut": False,
        "host_name": "www.example.com",
        "landing": "https://www.example.com/pans?size=2",
        "landing_tag": None,
        "event_count": 12,
    }
    facts = {"time_zone": "America/New_York", "currency": "USD", "sample_share": 1.0, "is_other": False}
    assert api.facts[DAY].items() >= facts.items()


def test_a_report_is_asked_for_in_the_documented_form(provider: Provider, tmp_path: Path) -> None:
    provider.answer = answering(lambda asked: report(asked, [entry(asked)]))
    read(open_ga4(provider, tmp_path), "referrer", Period(date(2026, 11, 19), DAY))
    first, second = reports(provider)
    assert [asked["dateRanges"] for asked in (first, second)] == [
        [{"startDate": f"2026-11-{day}", "endDate": f"2026-11-{day}"}] for day in (19, 20)
    ]
    assert [order["dimension"]["dimensionName"] for order in first["orderBys"]] == list(ga4.REFERRER_DIMENSIONS)
    is_event, is_foreign = first["dimensionFilter"]["andGroup"]["expressions"]
    assert is_event["filter"]["stringFilter"] == {"matchType": "EXACT", "value": "session_start"}
    own = is_foreign["notExpression"]["filter"]["stringFilter"]
    assert own["matchType"] == "FULL_REGEXP"
    for url, is_own in [
        ("https://example.com", True),
        ("http://www.example.com:8080/a?b", True),
        ("https://notexample.com/", False),
        ("https://forum.example/?u=https://example.com/", False),
        ("https://exampleXcom/", False),
    ]:
        assert (re.fullmatch(own["value"], url) is not None) is is_own, url


def test_no_query_of_a_referrer_is_kept(provider: Provider, tmp_path: Path) -> None:
    provider.answer = answering(
        lambda asked: report(asked, [entry(asked, pageReferrer="https://f.example/a?user=bob")])
    )
    rows = read(open_ga4(provider, tmp_path), "referrer")
    assert "user=bob" not in archived(tmp_path)
    assert "https://f.example/a" in archived(tmp_path)
    assert read(open_ga4(provider, tmp_path), "referrer") == rows
    assert len(reports(provider)) == 1


@pytest.mark.parametrize("table", ["landing", "referrer"])
def test_no_address_of_mail_in_a_page_is_kept_and_no_two_pages_become_one(
    provider: Provider, tmp_path: Path, table: str
) -> None:
    pages = ("/a?mail=bob@example.com", "/a?mail=eve%40example.com", "/a?mail=")

    def told(asked: dict[str, Any], page: str) -> dict[str, Any]:
        return entry(asked, landingPagePlusQueryString=page, pagePathPlusQueryString=page)

    provider.answer = answering(lambda asked: report(asked, [told(asked, page) for page in pages]))
    rows = read(open_ga4(provider, tmp_path), table)
    assert len({row["row_key"] for row in rows}) == 3
    assert {row["landing"] for row in rows} == {"https://www.example.com/a?mail="}
    assert not {mail for mail in ("bob@", "eve%40") if mail in archived(tmp_path)}
    assert read(open_ga4(provider, tmp_path), table) == rows


@pytest.mark.parametrize("headers", [[], [{"name": "date"}], None, "x"])
def test_nothing_is_kept_of_values_without_a_name(provider: Provider, tmp_path: Path, headers: Any) -> None:
    told = "https://f.example/a?user=bob"
    provider.answer = answering(
        lambda asked: report(asked, [entry(asked, pageReferrer=told)], dimensionHeaders=headers)
    )
    with pytest.raises(MalformedAnswerError) as raised:
        read(open_ga4(provider, tmp_path), "referrer")
    assert "user=bob" not in archived(tmp_path) + str(raised.value)


def test_a_page_of_the_property_itself_is_no_row_and_none_that_is_missing(provider: Provider, tmp_path: Path) -> None:
    told = ("https://WWW.Example.com/a", "https://f.example/")
    provider.answer = answering(lambda asked: report(asked, [entry(asked, pageReferrer=one) for one in told]))
    api = open_ga4(provider, tmp_path)
    assert [row["referrer"] for row in read(api, "referrer")] == ["https://f.example/"]
    assert api.facts[DAY]["stated_count"] == 1


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"pageReferrer": ""}, {"referrer_state": "none", "referrer": None}),
        ({"pageReferrer": "(not set)"}, {"referrer_state": "none"}),
        ({"pageReferrer": "android-app://com.example.app/"}, {"referrer": "android-app://com.example.app"}),
        ({"pageReferrer": "https://a@b.example/"}, {"referrer_state": "odd", "referrer": None}),
        ({"pageReferrer": "https://f.example/" + "a" * 402}, {"is_cut": True}),
        ({"hostName": "(not set)"}, {"landing": None}),
        ({"pagePathPlusQueryString": "(other)"}, {"landing": None}),
        (
            {"pagePathPlusQueryString": "/a?mail=x%40y.example&b=1&c=x@y.example"},
            {"landing": "https://www.example.com/a?mail=&b=1&c="},
        ),
        ({"pagePathPlusQueryString": "/a?gclid=1"}, {"landing_tag": "paid"}),
    ],
)
def test_words_of_googles_and_what_is_anybodys_are_no_addresses(
    provider: Provider, tmp_path: Path, told: dict[str, str], expected: Row
) -> None:
    provider.answer = answering(lambda asked: report(asked, [entry(asked, **told)]))
    (row,) = read(open_ga4(provider, tmp_path), "referrer")
    assert row.items() >= expected.items()


def test_pages_of_a_site_without_tls_are_its_own(provider: Provider, tmp_path: Path) -> None:
    provider.answer = answering(lambda asked: report(asked, [entry(asked)]))
    for table in ("landing", "referrer"):
        (row,) = read(open_ga4(provider, tmp_path), table, prop=make_property(scheme="http"))
        assert row["landing"] == "http://www.example.com/pans?size=2"


def test_an_empty_day_is_a_day_with_its_reason(provider: Provider, tmp_path: Path) -> None:
    empty = METADATA | {"emptyReason": "NO_DATA"}
    provider.answer = answering(lambda asked: report(asked, [], metadata=empty))
    api = open_ga4(provider, tmp_path)
    assert read(api, "landing") == []
    assert api.facts[DAY].items() >= {"empty_reason": "NO_DATA", "stated_count": 0}.items()


def test_what_is_not_whole_about_a_day_is_noted(provider: Provider, tmp_path: Path) -> None:
    told = {
        "dataLossFromOtherRow": True,
        "subjectToThresholding": True,
        "samplingMetadatas": [{"samplesReadCount": "25", "samplingSpaceSize": "100"}],
        "dataTruncationReasons": [{"reason": "x"}],
    }
    provider.answer = answering(lambda asked: report(asked, [entry(asked)], metadata=METADATA | told))
    api = open_ga4(provider, tmp_path)
    read(api, "landing")
    flags = {"is_other": True, "is_thresholded": True, "sample_share": 0.25, "is_truncated": True}
    assert api.facts[DAY].items() >= flags.items()


def test_key_events_were_conversions_and_a_lost_name_is_named(provider: Provider, tmp_path: Path) -> None:
    old = tuple("conversions" if name == "keyEvents" else name for name in NAMES)
    provider.answer = answering(lambda asked: report(asked, [entry(asked)]), old)
    (row,) = read(open_ga4(provider, tmp_path / "old"), "total")
    assert row["key_events"] == 1.5
    assert reports(provider)[0]["metrics"][2] == {"name": "conversions"}
    provider.answer = answering(lambda asked: report(asked, []), tuple(set(NAMES) - {"pageReferrer"}))
    with pytest.raises(TerminalSourceError, match="knows no pageReferrer any more"):
        read(open_ga4(provider, tmp_path / "new"), "referrer")


def test_names_that_no_longer_go_together_are_named(provider: Provider, tmp_path: Path) -> None:
    usual = answering(lambda asked: report(asked, []))
    at_odds = {"dimensionMetadata": {"apiName": "hostName"}, "compatibility": "INCOMPATIBLE"}
    provider.answer = lambda asked: (
        said({"dimensionCompatibilities": [at_odds]}) if asked.path.endswith(":checkCompatibility") else usual(asked)
    )
    with pytest.raises(TerminalSourceError, match="no longer counts by hostName"):
        read(open_ga4(provider, tmp_path), "landing")


@pytest.mark.parametrize("name", ["tokensPerDay", "tokensPerHour"])
def test_a_tenth_of_the_quota_is_left_to_others(provider: Provider, tmp_path: Path, name: str) -> None:
    quota = {name: {"consumed": 9, "remaining": 3_999}}
    provider.answer = answering(lambda asked: report(asked, [entry(asked)], propertyQuota=quota))
    with pytest.raises(ThrottledError, match="3,999 tokens are left of this"):
        read(open_ga4(provider, tmp_path), "total")
    provider.answer = answering(lambda asked: report(asked, [entry(asked)], propertyQuota={name: {"consumed": 9}}))
    with pytest.raises(ThrottledError, match="0 tokens are left"):
        read(open_ga4(provider, tmp_path / "used"), "total")


@pytest.mark.parametrize(
    ("events", "told", "stated", "is_refused"),
    [
        (1000, 400, {}, False),
        (905, 400, {}, False),
        (895, 400, {}, True),
        (1000, 0, {}, True),
        (0, 0, {"referrer_event": "page_view"}, False),
    ],
)
def test_a_trial_says_whether_session_start_stands_for_sessions(
    provider: Provider, tmp_path: Path, events: int, told: int, stated: dict[str, str], is_refused: bool
) -> None:
    def tell(asked: dict[str, Any]) -> dict[str, Any]:
        is_told = "pageReferrer" in json.dumps(asked)
        count = 1000 if asked["metrics"] == [{"name": "sessions"}] else told if is_told else events
        return report(asked, [{"metricValues": [{"value": str(count)}]}] if count else [])

    provider.answer = answering(tell)
    api = open_ga4(provider, tmp_path)
    if is_refused:
        with pytest.raises(TerminalSourceError, match="state `referrer_event: page_view`"):
            probe_referrers(api, make_property(**stated))
    else:
        probe_referrers(api, make_property(**stated))


def test_a_row_of_another_day_and_names_that_were_not_asked_for_are_refused(provider: Provider, tmp_path: Path) -> None:
    provider.answer = answering(lambda asked: report(asked, [entry(asked, date="20261119")]))
    with pytest.raises(MalformedAnswerError, match="a row of 20261119, asked for 2026-11-20"):
        read(open_ga4(provider, tmp_path / "day"), "total")
    provider.answer = answering(lambda asked: report(asked, [entry(asked)], metricHeaders=[{"name": "users"}]))
    with pytest.raises(MalformedAnswerError, match="answered users"):
        read(open_ga4(provider, tmp_path / "name"), "total")


def test_a_refusal_says_who_is_to_let_the_account_in(provider: Provider, tmp_path: Path) -> None:
    error = {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "User does not have access."}}
    provider.answer = lambda asked: said(error, status=403)
    with pytest.raises(TerminalSourceError, match="viewer of this Google Analytics property"):
        read(open_ga4(provider, tmp_path), "total")


SAMPLE = report(
    {"dimensions": [{"name": "date"}], "metrics": [{"name": "sessions"}]},
    [{"dimensionValues": [{"value": "20261120"}], "metricValues": [{"value": "3"}]}],
)


@given(place=st.sampled_from(list(places(SAMPLE))), value=JSON)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_answer_breaks_the_reader_otherwise_than_by_its_errors(place: Any, value: Any) -> None:
    decode = ga4._decoder(DAY, ("date",), ("sessions",), 0, None)
    try:
        page = decode(mutated(SAMPLE, place, value))
    except SourceError:
        return
    assert all(row["date"] == "20261120" for row in page.rows)


@pytest.mark.external
def test_requests_are_of_the_documented_form(provider: Provider, tmp_path: Path, shared_data: Path) -> None:
    schemas = json.loads((shared_data / "specs" / "google" / "analyticsdata.v1beta.json").read_text())["schemas"]
    provider.answer = answering(lambda asked: report(asked, [entry(asked)] if asked["dimensions"] else []))
    api = open_ga4(provider, tmp_path)
    for table in ("landing", "referrer", "total"):
        read(api, table)
    probe_referrers(api, make_property())
    for asked in provider.asked:
        if asked.path.endswith(":runReport"):
            expect_form(asked.json, "RunReportRequest", schemas)
            expect_form(
                report(asked.json, [entry(asked.json)] if asked.json["dimensions"] else []),
                "RunReportResponse",
                schemas,
            )
        elif asked.path.endswith(":checkCompatibility"):
            expect_form(asked.json, "CheckCompatibilityRequest", schemas)


def expect_form(value: Any, name: str, schemas: dict[str, Any]) -> None:
    """Every field is one of the schema's, of its type."""
    types = {"string": str, "boolean": bool, "integer": int}
    for field, found in value.items():
        told = schemas[name]["properties"][field]
        each, item = (found, told["items"]) if told.get("type") == "array" else ([found], told)
        for one in each:
            if "$ref" in item:
                expect_form(one, item["$ref"], schemas)
            else:
                assert isinstance(one, types[item["type"]]), (name, field, one)
                assert one in item.get("enum", [one])
