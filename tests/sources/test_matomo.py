from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seo_warehouse.client.access import Connection
from seo_warehouse.client.api import Api
from seo_warehouse.client.archive import open_archive
from seo_warehouse.config import Property, SourceSettings
from seo_warehouse.errors import CredentialsError, MalformedAnswerError, SourceError, TerminalSourceError
from seo_warehouse.sources import matomo
from seo_warehouse.sources.matomo import MATOMO, Token, probe_site, strip
from seo_warehouse.spec import Period, Row
from seo_warehouse.urls import key64
from tests.sources.fuzzing import JSON, mutated, places
from tests.sources.properties import check_columns
from tests.sources.provider import QUICK, Act, Asked, Provider, archived, said

DAY = date(2026, 11, 20)
NOON = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())
TOKEN = "0123456789abcdef0123456789abcdef"
VISIT: dict[str, Any] = {
    "idSite": 1,
    "idVisit": 35,
    "visitIp": "194.57.91.215",
    "visitorId": "61e8cc2d51fea26d",
    "fingerprint": "5041e282fc23fef1",
    "actionDetails": [
        {"type": "goal", "goalName": "all", "url": "https://www.example.com/pans", "revenue": 5},
        {
            "type": "action",
            "url": "https://www.example.com/pans?size=2&mail=a@b.example",
            "pageTitle": "Pans",
            "pageIdAction": 2,
        },
        {"type": "action", "url": "https://www.example.com/basket?session=41", "pageTitle": "Basket"},
    ],
    "goalConversions": 1,
    "siteCurrency": "EUR",
    "siteCurrencySymbol": "€",
    "serverDate": "2026-11-20",
    "serverTimestamp": NOON,
    "userId": "userid.email@example.org",
    "visitDuration": "361",
    "actions": "3",
    "referrerType": "website",
    "referrerName": "forum.example",
    "referrerKeyword": "",
    "referrerUrl": "https://forum.example/thread?t=41&user=bob",
    "totalEcommerceRevenue": "12.50",
    "country": "Germany",
    "city": "Ulm",
    "latitude": "48.4",
    "deviceModel": "Generic Desktop",
}
"""Fields as in Matomo's own tests (plugins/Live/tests/System/expected, plugins/Live/VisitorDetails.php)."""
PERSONAL = (
    *("194.57.91.215", "61e8cc2d51fea26d", "5041e282fc23fef1", "userid.email", "Ulm", "48.4", "Generic Desktop"),
    *("t=41", "user=bob", "session=41", "a@b", TOKEN),
)


def make_property(**stated: Any) -> Property:
    return Property(
        key=7,
        name="shop",
        domain="example.com",
        history_start=date(2026, 1, 1),
        sources=SourceSettings(matomo={"site_id": 1, **stated}),
    )


def open_matomo(provider: Provider, folder: Path) -> Api:
    return Api(
        base_url=provider.base_url,
        auth=Token(Connection(password=TOKEN)),
        archive=open_archive(folder, source="matomo", property_key=7, scope="night=2026-11-22"),
        may_call=True,
        explain=MATOMO.explain,
        strip=lambda _, document: strip(document),
        limits=QUICK,
    )


def asked_of(asked: Asked) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}


def answering(visits: list[dict[str, Any]], **other: Any) -> Any:
    """A Matomo with these visits, newest first."""

    def answer(asked: Asked) -> Act:
        call = asked_of(asked)
        if call["method"] == "SitesManager.getSiteFromId":
            return said([{"idsite": "1", "timezone": "Europe/Berlin", "currency": "EUR", "creator_login": "root"}])
        if call["method"] == "VisitsSummary.get":
            return said({"nb_uniq_visitors": 1, "nb_visits": len(visits)})
        if call["method"] in other:
            return said(other[call["method"]])
        start = int(call.get("filter_offset", 0))
        return said(visits[start : start + int(call["filter_limit"])])

    return answer


def read(api: Api, prop: Property | None = None) -> list[Row]:
    rows = list(MATOMO.table("visit").read(api, prop or make_property(), Period(DAY, DAY)))
    check_columns(MATOMO, "visit", rows)
    return rows


def test_a_visit_is_kept_without_the_person(provider: Provider, tmp_path: Path) -> None:
    provider.answer = answering([VISIT])
    api = open_matomo(provider, tmp_path)
    (row,) = read(api)
    assert row == {
        "day": DAY,
        "row_key": 35,
        "referrer_state": "known",
        "referrer": "https://forum.example/thread",
        "referrer_key": key64("https://forum.example/thread?t=41&user=bob"),
        "landing": "https://www.example.com/pans?size=2&mail=",
        "landing_tag": None,
        "visits": 1,
        "actions": 3,
        "visit_duration": 361,
        "goal_conversions": 1,
        "revenue": 12.5,
        "currency": "EUR",
    }
    assert api.facts[DAY] == {
        "time_zone": "Europe/Berlin", "currency": "EUR", "visit_count": 1, "own_count": 0, "is_log": True
    }  # fmt: skip
    found = archived(tmp_path)
    assert not [word for word in PERSONAL if word in found]
    assert "https://forum.example/thread" in found
    # Read again, all comes of the archive.
    assert read(open_matomo(provider, tmp_path)) == [row]
    assert len(provider.asked) == 3


def test_what_is_no_json_is_kept_nowhere(provider: Provider, tmp_path: Path) -> None:
    provider.answer = lambda asked: Act(b"<pre>" + orjson.dumps(VISIT), status=500)
    with pytest.raises(SourceError) as raised:
        read(open_matomo(provider, tmp_path))
    assert not [word for word in PERSONAL if word in archived(tmp_path) + str(raised.value)]


def test_the_token_goes_in_the_body_alone(provider: Provider, tmp_path: Path) -> None:
    provider.answer = answering([VISIT])
    read(open_matomo(provider, tmp_path))
    for asked in provider.asked:
        assert asked.path == "/index.php"
        assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert asked_of(asked)["token_auth"] == TOKEN
    log = asked_of(provider.asked[-1])
    wanted = ("module", "method", "idSite", "period", "date", "format", "filter_limit", "filter_offset")
    assert [log[name] for name in wanted] == [
        "API", "Live.getLastVisitsDetails", "1", "day", "2026-11-20", "JSON", "500", "0"
    ]  # fmt: skip
    assert "visitIp" not in log["showColumns"]
    assert "idVisit" in log["showColumns"]


def test_nobody_asks_for_the_person(provider: Provider, tmp_path: Path) -> None:
    provider.answer = answering([VISIT])
    api = open_matomo(provider, tmp_path)
    probe_site(api, make_property())
    read(api)
    logs = [asked_of(asked) for asked in provider.asked if b"getLastVisits" in asked.body]
    shown = {name for log in logs for name in log["showColumns"].split(",")}
    assert (len(logs), shown - {"type", "url"}) == (2, set(matomo.WANTED))


@pytest.mark.parametrize(("count", "calls"), [(0, 1), (1, 1), (9, 1), (10, 2), (11, 2), (18, 3), (19, 3)])
def test_pages_overlap_and_no_visit_comes_twice(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, calls: int
) -> None:
    monkeypatch.setattr(matomo, "PAGE_ROWS", 10)
    monkeypatch.setattr(matomo, "OVERLAP", 2)
    provider.answer = answering([VISIT | {"idVisit": 1000 - n} for n in range(count)])
    api = open_matomo(provider, tmp_path)
    rows = read(api)
    assert [row["row_key"] for row in rows] == [1000 - n for n in range(count)]
    logs = [asked_of(asked) for asked in provider.asked if b"getLastVisits" in asked.body]
    assert [log["filter_offset"] for log in logs] == [str(8 * n) for n in range(calls)]
    assert api.facts[DAY]["visit_count"] == count


def test_pages_between_which_visits_may_lie_are_not_read(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matomo, "PAGE_ROWS", 10)
    monkeypatch.setattr(matomo, "OVERLAP", 2)
    visits = [VISIT | {"idVisit": 1000 - n} for n in range(30)]
    whole = answering(visits)
    gone = answering(visits[4:])
    provider.answer = lambda asked: (gone if b"filter_offset=8" in asked.body else whole)(asked)
    with pytest.raises(MalformedAnswerError, match="none of 10 visits was on the page before"):
        read(open_matomo(provider, tmp_path))


def test_a_visit_of_another_day_is_refused(provider: Provider, tmp_path: Path) -> None:
    provider.answer = answering([VISIT | {"serverTimestamp": NOON - 3 * 86_400}])
    with pytest.raises(MalformedAnswerError, match="a visit of 2026-11-17 12:00 UTC, asked for 2026-11-20"):
        read(open_matomo(provider, tmp_path))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"referrerUrl": "", "referrerType": "direct"}, {"referrer_state": "none", "referrer": None}),
        ({"referrerUrl": None}, {"referrer_state": "none"}),
        ({"referrerUrl": "https://forum.example"}, {"referrer": "https://forum.example/", "referrer_key": None}),
        ({"referrerUrl": "javascript:alert(1)"}, {"referrer_state": "odd", "referrer": None}),
        ({"referrerType": "campaign"}, {"landing_tag": "campaign"}),
        ({"actionDetails": []}, {"landing": None}),
        ({"actionDetails": False}, {"landing": None}),
        ({"totalEcommerceRevenue": 0, "goalConversions": "0"}, {"revenue": 0.0, "goal_conversions": 0}),
    ],
)
def test_what_a_visit_lacks_is_unknown(
    provider: Provider, tmp_path: Path, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    provider.answer = answering([VISIT | given])
    (row,) = read(open_matomo(provider, tmp_path))
    assert row.items() >= expected.items()


def test_pages_of_the_property_itself_are_counted_and_left_out(provider: Provider, tmp_path: Path) -> None:
    provider.answer = answering([VISIT, VISIT | {"idVisit": 34, "referrerUrl": "https://shop.example.com/a"}])
    api = open_matomo(provider, tmp_path)
    assert [row["row_key"] for row in read(api)] == [35]
    assert api.facts[DAY].items() >= {"visit_count": 2, "own_count": 1}.items()


def test_a_field_that_is_gone_is_told_of(provider: Provider, tmp_path: Path) -> None:
    provider.answer = answering([{name: value for name, value in VISIT.items() if name != "siteCurrency"}])
    api = open_matomo(provider, tmp_path)
    read(api)
    assert api.facts[DAY]["missing_fields"] == ["siteCurrency"]


@pytest.mark.parametrize(
    ("message", "kind", "said_more"),
    [
        ("You can't access this resource as it requires 'view' access for the website id = 1.", CredentialsError, "."),
        ("Unable to authenticate with the provided token.", CredentialsError, "."),
        ("Visits log has been disabled in website settings", TerminalSourceError, "state `has_log: false`"),
        ("Visits log is deactivated globally.", TerminalSourceError, "state `has_log: false`"),
        ("The method 'x' does not exist", TerminalSourceError, "."),
    ],
)
@pytest.mark.parametrize("status", [200, 400])
def test_an_error_comes_with_any_status(
    provider: Provider, tmp_path: Path, message: str, kind: type[SourceError], said_more: str, status: int
) -> None:
    provider.answer = lambda asked: said({"result": "error", "message": message}, status=status)
    with pytest.raises(kind, match=said_more) as raised:
        probe_site(open_matomo(provider, tmp_path), make_property())
    assert message in str(raised.value)


@pytest.mark.parametrize("has_assistants", [True, False])
def test_without_a_log_the_reports_are_read(provider: Provider, tmp_path: Path, has_assistants: bool) -> None:
    websites = [
        {
            "label": "forum.example",
            "nb_visits": 9,
            "subtable": [
                {"label": "thread?t=41", "url": "https://forum.example/thread?t=41", "nb_visits": 4},
                {"label": "https://forum.example/", "nb_visits": "3"},
                {"label": "deep?user=bob", "nb_visits": 1},
            ],
        },
        {"label": "Others", "nb_visits": 2},
    ]
    reports = [{"module": "Referrers", "action": "getAIAssistants", "name": "AI"}] if has_assistants else []
    provider.answer = answering(
        [],
        **{
            "Referrers.getWebsites": websites,
            "Referrers.getAIAssistants": [{"label": "chatgpt.com", "nb_visits": 5}],
            "API.getReportMetadata": reports,
        },
    )
    api = open_matomo(provider, tmp_path)
    rows = read(api, make_property(has_log=False))
    told = [(row["referrer"], row["referrer_key"], row["visits"], row["landing"]) for row in rows]
    assert told == [
        ("https://forum.example/thread", key64("https://forum.example/thread?t=41"), 4, None),
        ("https://forum.example/", None, 3, None),
        ("https://forum.example/", None, 2, None),
        (None, None, 2, None),
        *([("https://chatgpt.com/", None, 5, None)] if has_assistants else []),
    ]
    assert len({row["row_key"] for row in rows}) == len(rows)
    assert not [word for word in PERSONAL if word in archived(tmp_path)]


@given(place=st.sampled_from(list(places([VISIT]))), value=JSON)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_answer_breaks_the_reader_otherwise_than_by_its_errors(place: Any, value: Any) -> None:
    stripped = strip(mutated([VISIT], place, value))
    assert strip(stripped) == stripped
    for decode in (matomo._decoder(DAY, ()), matomo._pages, matomo._methods, matomo._site, matomo._visit_count):
        try:
            decode(stripped)
        except SourceError:
            continue
