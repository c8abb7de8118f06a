"""The demo's Google Analytics, read by the product's own source: its figures are the truth's."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from seo_warehouse.config import Property, SourceSettings
from seo_warehouse.demo.analytics import OTHER_DAY, OTHER_ROWS, PROPERTY_ID, WITHHELD_DAY, Analytics
from seo_warehouse.demo.catalogue import DEMO_PROPERTIES
from seo_warehouse.demo.google import GoogleError
from seo_warehouse.demo.logs import truth
from seo_warehouse.demo.world import World
from seo_warehouse.sources.ga4 import GA4, probe_referrers
from seo_warehouse.spec import Period, Row
from tests.sources.provider import Act, Asked, Provider, open_api, said, serving
from tests.sources.test_ga4 import expect_form

FIRST = date(2026, 5, 4)
PROP = DEMO_PROPERTIES[0]
DAY = FIRST + timedelta(days=40)
SETTLED_DAYS = 3


@pytest.fixture(scope="module")
def analytics() -> Analytics:
    return Analytics(World(7, FIRST), PROP)


@pytest.fixture
def answering(analytics: Analytics) -> Iterator[Provider]:
    """A provider that answers as the demo does some days later."""

    def answer(asked: Asked) -> Act:
        body = asked.json if asked.body else None
        try:
            return said(analytics.answer(asked.path.removeprefix("/v1beta/properties/"), body, _at(SETTLED_DAYS)))
        except GoogleError as error:
            return said(error.body(), status=error.code)

    with serving() as provider:
        provider.answer = answer
        yield provider


def _at(age: int) -> datetime:
    return datetime.combine(DAY + timedelta(days=age), time(9, 30), UTC)


def read(provider: Provider, folder: Path, table: str, day: date = DAY) -> tuple[list[Row], dict[str, Any]]:
    """A table's rows of a day, and what was noted of it."""
    prop = Property(
        key=1,
        name=PROP.name,
        domain=PROP.domain,
        history_start=FIRST,
        sources=SourceSettings(ga4={"property_id": PROPERTY_ID, "scheme": "http"}),
    )
    api = open_api(provider, folder / f"{table} {day}", GA4)
    probe_referrers(api, prop)
    rows = list(GA4.table(table).read(api, prop, Period(day, day)))
    return rows, api.facts[day]


def test_sessions_are_those_who_let_themselves_be_counted_by_what_their_browsers_said(
    answering: Provider, analytics: Analytics, tmp_path: Path
) -> None:
    visits = [visit for visit in truth(analytics.world, PROP, DAY) if visit["at"].startswith(str(DAY))]
    counted = Counter(
        (visit["referrer"], visit["url"].partition("?")[0])
        for visit in visits
        if visit["is_counted"] and visit["status"] == 200 and "/images/" not in visit["url"]
    )
    assert 20 < counted.total() < 0.7 * sum(not visit["bot"] for visit in visits)
    referrers, _ = read(answering, tmp_path, "referrer")
    seen: Counter[tuple[str, str]] = Counter()
    for row in referrers:
        seen[row["referrer"] or "", row["landing"].partition("?")[0]] += row["event_count"]
    # A bare host is kept as its root, with the slash.
    assert seen == counted
    landings, _ = read(answering, tmp_path, "landing")
    ((total,), _) = read(answering, tmp_path, "total")
    for name in ("sessions", "engaged_sessions", "key_events"):
        assert sum(row[name] for row in landings) == total[name]
    assert sum(row["total_revenue"] for row in landings) == pytest.approx(total["total_revenue"])
    assert total["sessions"] == counted.total()
    assert {row["session_medium"] for row in landings} == {"(none)", "referral", "organic"}


def test_some_of_a_day_are_known_days_later_and_none_of_today(analytics: Analytics) -> None:
    def sessions(age: int) -> int:
        body = {
            "dateRanges": [{"startDate": str(DAY), "endDate": str(DAY)}],
            "metrics": [{"name": "sessions"}],
        }
        rows = analytics.answer(f"{PROPERTY_ID}:runReport", body, _at(age)).get("rows", [])
        return int(rows[0]["metricValues"][0]["value"]) if rows else 0

    known = [sessions(age) for age in range(5)]
    assert known == sorted(known)
    assert known[0] == 0 < known[1] < known[3] == known[4]


def test_days_say_that_rows_are_withheld_or_summed_up(answering: Provider, tmp_path: Path) -> None:
    withheld, other = (FIRST + timedelta(days=number) for number in (WITHHELD_DAY, OTHER_DAY))
    ((total,), told) = read(answering, tmp_path, "total", withheld)
    assert not told["is_thresholded"]
    rows, told = read(answering, tmp_path, "landing", withheld)
    assert told["is_thresholded"]
    assert min(row["sessions"] for row in rows) >= 2
    assert sum(row["sessions"] for row in rows) < total["sessions"]
    rows, told = read(answering, tmp_path, "landing", other)
    ((total,), _) = read(answering, tmp_path, "total", other)
    assert (told["is_other"], len(rows)) == (True, OTHER_ROWS + 1)
    assert sum(row["sessions"] for row in rows) == total["sessions"]
    assert [row["landing"] for row in rows if row["session_source"] == "(other)"] == [None]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"dimensions": [{"name": "pageReferer"}]}, 400),
        ({"metrics": [{"name": "conversion"}]}, 400),
        ({"dateRanges": []}, 400),
        ({"dateRanges": [{"startDate": "2026-06-02", "endDate": "2026-06-01"}]}, 400),
        ({"dimensionFilter": {"orGroup": {}}}, 400),
        ({"property": "1"}, 403),
    ],
)
def test_what_google_would_refuse_is_refused(analytics: Analytics, changes: dict[str, Any], status: int) -> None:
    body = {"dateRanges": [{"startDate": "yesterday", "endDate": "yesterday"}], "metrics": [{"name": "sessions"}]}
    with pytest.raises(GoogleError) as raised:
        analytics.answer(f"{changes.get('property', PROPERTY_ID)}:runReport", body | changes, _at(1))
    assert raised.value.code == status


@pytest.mark.external
def test_answers_are_of_the_documented_form(
    answering: Provider, analytics: Analytics, tmp_path: Path, shared_data: Path
) -> None:
    schemas = json.loads((shared_data / "specs" / "google" / "analyticsdata.v1beta.json").read_text())["schemas"]
    read(answering, tmp_path, "referrer")
    read(answering, tmp_path, "landing", FIRST + timedelta(days=OTHER_DAY))
    for asked in answering.asked:
        path = asked.path.removeprefix("/v1beta/properties/")
        answer = analytics.answer(path, asked.json if asked.body else None, _at(SETTLED_DAYS))
        expect_form(answer, "Metadata" if path.endswith("/metadata") else "RunReportResponse", schemas)
