from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from seo_warehouse.demo import disclosed
from seo_warehouse.demo.truth import demand
from tests.demo.conftest import Client

ROWS = ["date", "page", "query", "country", "device"]
PAGES = ["date", "page", "country", "device"]


def sums(rows: list[dict[str, Any]]) -> tuple[float, float]:
    return sum(r["clicks"] for r in rows), sum(r["impressions"] for r in rows)


def fits(schemas: dict[str, Any], schema: dict[str, Any], value: Any, where: str) -> None:
    """The value is of the schema and has no member it does not know."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"]]
    kind = schema["type"]
    if kind == "object":
        unknown = value.keys() - schema["properties"].keys()
        assert not unknown, f"{where}: {unknown}"
        for name, each in value.items():
            fits(schemas, schema["properties"][name], each, f"{where}.{name}")
    elif kind == "array":
        for each in value:
            fits(schemas, schema["items"], each, f"{where}[]")
    elif kind == "number":
        assert isinstance(value, int | float), where
    else:
        assert isinstance(value, str), where
        if "enum" in schema:
            # The API writes byPage where the document lists BY_PAGE.
            assert value.upper() in [name.replace("_", "") for name in schema["enum"]], where


@pytest.mark.external
def test_answers_fit_the_discovery_document(client: Client, shared_data: Path) -> None:
    document = json.loads((shared_data / "specs/google/searchconsole.v1.json").read_text())
    for asked in ({"dimensions": ["date"], "dataState": "all", "endDate": "2026-10-04"}, {"dimensions": ROWS}, {}):
        answer = client.query(**asked)
        assert answer.status_code == 200
        fits(document["schemas"], {"$ref": "SearchAnalyticsQueryResponse"}, answer.json(), "answer")


def test_pages_of_rows_hold_every_row_once(client: Client) -> None:
    whole = client.query(dimensions=ROWS, rowLimit=25_000).json()["rows"]
    assert len(whole) > 1_000
    paged: list[Any] = []
    while True:
        page = client.query(dimensions=ROWS, rowLimit=700, startRow=len(paged)).json().get("rows", [])
        paged += page
        if len(page) < 700:
            break
    assert paged == whole
    assert len({tuple(r["keys"]) for r in whole}) == len(whole)
    assert len(client.query(dimensions=ROWS).json()["rows"]) == 1_000


def test_an_empty_page_has_no_rows_at_all(client: Client) -> None:
    assert "rows" not in client.query(dimensions=["date"], startRow=99).json()


def test_totals_are_the_rows_by_query_and_the_anonymised(client: Client) -> None:
    for site, key in (("sc-domain:alderwood.example", 1), ("http://www.teaharbour.example/", 2)):
        rows = client.query(site, dimensions=ROWS, rowLimit=25_000).json()["rows"]
        pages = client.query(site, dimensions=PAGES, rowLimit=25_000).json()["rows"]
        world = client.server.world
        truth = [
            t
            for t in demand(client.server.demand, world.first_day, client.server.clock.now().date())
            if t["property_key"] == key and "2026-09-01" <= t["day"] <= "2026-09-07"
        ]
        assert sums(pages) == (sum(t["clicks"] for t in truth), sum(t["impressions"] for t in truth))
        hidden = sum(t["anonymised_clicks"] for t in truth), sum(t["anonymised_impressions"] for t in truth)
        assert sums(rows) == (sums(pages)[0] - hidden[0], sums(pages)[1] - hidden[1])
        assert 0.1 < hidden[1] / sums(pages)[1] < 0.5


def test_by_property_a_search_counts_once(client: Client) -> None:
    by_property = client.query(dimensions=["date"]).json()
    by_page = client.query(dimensions=["date"], aggregationType="byPage").json()
    assert (by_property["responseAggregationType"], by_page["responseAggregationType"]) == ("byProperty", "byPage")
    for one, other in zip(by_property["rows"], by_page["rows"], strict=True):
        assert one["keys"] == other["keys"]
        assert one["clicks"] == other["clicks"]
        assert other["impressions"] * 0.9 < one["impressions"] <= other["impressions"]


def test_pages_sum_to_the_days_by_page(client: Client) -> None:
    days: dict[str, float] = defaultdict(float)
    for row in client.query(dimensions=PAGES, rowLimit=25_000).json()["rows"]:
        days[row["keys"][0]] += row["impressions"]
    by_page = client.query(dimensions=["date"], aggregationType="byPage").json()["rows"]
    assert {r["keys"][0]: r["impressions"] for r in by_page} == dict(days)


def test_the_last_days_come_late_and_are_restated(client: Client) -> None:
    asked = {"dimensions": ["date"], "startDate": "2026-09-28", "endDate": "2026-10-05", "dataState": "all"}
    early = client.query(**asked).json()
    first = {r["keys"][0]: r["impressions"] for r in early["rows"]}
    assert max(first) == "2026-10-03"
    assert early["metadata"] == {"firstIncompleteDate": "2026-10-02"}
    assert "metadata" not in client.query(**{**asked, "endDate": "2026-09-30"}).json()
    final = client.query(**{**asked, "dataState": "final"}).json()
    assert max(r["keys"][0] for r in final["rows"]) == "2026-10-01"
    client.put("clock", {"now": "2026-10-12T04:00:00Z"})
    settled = {r["keys"][0]: r["impressions"] for r in client.query(**asked).json()["rows"]}
    for day, impressions in first.items():
        if day >= "2026-10-02":
            assert 0.8 * settled[day] < impressions < settled[day]
        else:
            assert impressions == settled[day]


def test_the_days_cap_is_kept_however_one_pages(demo: Callable[..., Client]) -> None:
    client = demo(day_cap=50)
    asked = {"dimensions": ROWS, "endDate": "2026-09-02", "rowLimit": 25_000}
    rows = client.query(**asked).json()["rows"]
    assert [sum(r["keys"][0] == day for r in rows) for day in ("2026-09-01", "2026-09-02")] == [50, 50]
    assert "rows" not in client.query(**asked, startRow=100).json()


def test_filters_keep_what_they_name(client: Client) -> None:
    rows = client.query(dimensions=ROWS, rowLimit=25_000).json()["rows"]
    test = {"dimension": "country", "operator": "equals", "expression": "GBR"}
    kept = client.query(dimensions=ROWS, rowLimit=25_000, dimensionFilterGroups=[{"filters": [test]}]).json()["rows"]
    assert kept == [r for r in rows if r["keys"][3] == "gbr"]


def test_figures_are_possible(client: Client) -> None:
    for row in client.query(dimensions=ROWS, rowLimit=25_000).json()["rows"]:
        assert 0 <= row["clicks"] <= row["impressions"]
        assert row["position"] >= 1
        assert row["ctr"] == row["clicks"] / row["impressions"]


@pytest.mark.parametrize(
    "asked",
    [
        {"startDate": "yesterday"},
        {"startDate": "2026-09-08"},
        {"rowLimit": 25_001},
        {"startRow": -1},
        {"dimensions": ["date", "weather"]},
        {"dimensions": ["page"], "aggregationType": "byProperty"},
        {"dataState": "fresh"},
    ],
)
def test_a_wrong_request_is_refused_in_googles_form(client: Client, asked: dict[str, Any]) -> None:
    answer = client.query(**asked)
    assert answer.status_code == 400
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"


def test_another_site_is_forbidden(client: Client) -> None:
    answer = client.query("sc-domain:other.example")
    assert answer.status_code == 403
    assert answer.json()["error"]["errors"][0]["reason"] == "forbidden"


def test_a_request_without_token_is_refused(client: Client) -> None:
    address = f"{client.url}/webmasters/v3/sites/sc-domain%3Aalderwood.example/searchAnalytics/query"
    answer = requests.post(address, json={}, headers={"Authorization": "Bearer stolen"}, timeout=10)
    assert answer.status_code == 401
    assert answer.json()["error"]["status"] == "UNAUTHENTICATED"


def test_a_token_needs_our_own_signature(client: Client) -> None:
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "e30.e30.c2ln"}
    answer = requests.post(f"{client.url}/token", data=form, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_grant"


def test_totals_shown_are_disclosed_by_day(client: Client) -> None:
    before = len(disclosed(client.server.folder, "search_console"))
    rows = client.query(dimensions=["date"]).json()["rows"]
    lines = disclosed(client.server.folder, "search_console")[before:]
    assert [(x["day"], x["clicks"], x["impressions"]) for x in lines] == [
        (r["keys"][0], r["clicks"], r["impressions"]) for r in rows
    ]


def sitemaps(client: Client, site: str = "sc-domain:alderwood.example", **asked: str) -> requests.Response:
    address = f"{client.url}/webmasters/v3/sites/{requests.utils.quote(site, safe='')}/sitemaps"
    return client.google.get(address, params=asked, timeout=10)


@pytest.mark.external
def test_sitemaps_fit_the_discovery_document(client: Client, shared_data: Path) -> None:
    document = json.loads((shared_data / "specs/google/searchconsole.v1.json").read_text())
    schema = document["schemas"]["WmxSitemap"]["properties"]
    top, pages = "http://www.alderwood.example/sitemap.xml", "http://www.alderwood.example/sitemap-pages.xml"
    for asked, path in (({}, top), ({"sitemapIndex": top}, pages)):
        (listed,) = sitemaps(client, **asked).json()["sitemap"]
        assert (listed.keys() <= schema.keys(), listed["path"], listed["isSitemapsIndex"]) == (True, path, not asked)
        assert {type(listed[name]) for name in ("warnings", "errors")} == {str}


def test_the_sitemaps_of_another_site_or_index_are_refused(client: Client) -> None:
    assert sitemaps(client, "sc-domain:other.example").status_code == 403
    assert sitemaps(client, sitemapIndex="http://www.alderwood.example/none.xml").status_code == 404
