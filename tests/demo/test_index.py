"""What the demo's Google says of single URLs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from seo_warehouse.client.access import Connection
from seo_warehouse.client.api import Api, Limits
from seo_warehouse.client.archive import open_archive
from seo_warehouse.client.plans import Ask, keep_plan
from seo_warehouse.config import Property, SourceSettings
from seo_warehouse.demo import connections, disclosed
from seo_warehouse.demo.catalogue import ALDERWOOD, DEMO_PROPERTIES
from seo_warehouse.demo.google import GoogleError
from seo_warehouse.demo.index import DAILY_CALLS, Index
from seo_warehouse.sources.url_inspection import URL_INSPECTION, explain
from seo_warehouse.spec import Period
from tests.demo.conftest import FIRST_DAY, SEED, Client
from tests.demo.test_google import fits

SITE = ALDERWOOD.search_console_site
NOW = datetime(2026, 10, 5, 4, tzinfo=UTC)


def inspect(client: Client, path: str = "/", **asked: Any) -> requests.Response:
    body = {"inspectionUrl": ALDERWOOD.url(path), "siteUrl": SITE, "languageCode": "en-US"} | asked
    body = {name: value for name, value in body.items() if value is not None}
    return client.google.post(f"{client.url}/v1/urlInspection/index:inspect", json=body, timeout=10)


@pytest.mark.external
@pytest.mark.parametrize("path", ["/", "/orphan-offer", "/guides/archive", "/catalogue-2019", "/cart/view", "/never"])
def test_answers_fit_the_discovery_document(client: Client, shared_data: Path, path: str) -> None:
    document = json.loads((shared_data / "specs/google/searchconsole.v1.json").read_text())
    answer = inspect(client, path)
    assert answer.status_code == 200
    status = answer.json()["inspectionResult"]["indexStatusResult"]
    properties = document["schemas"]["IndexStatusInspectionResult"]["properties"]
    assert all(value in properties[name].get("enum", [value]) for name, value in status.items())
    for named in properties.values():
        named.pop("enum", None)
    fits(document["schemas"], {"$ref": "InspectUrlIndexResponse"}, answer.json(), "answer")


@pytest.mark.parametrize(
    ("asked", "status", "word"),
    [
        ({"inspectionUrl": None}, 400, "INVALID_ARGUMENT"),
        ({"siteUrl": None}, 400, "INVALID_ARGUMENT"),
        ({"inspectionUrl": 5}, 400, "INVALID_ARGUMENT"),
        ({"inspectionUrl": "not a url"}, 400, "INVALID_ARGUMENT"),
        ({"url": "http://www.alderwood.example/"}, 400, "INVALID_ARGUMENT"),
        ({"inspectionUrl": "http://www.other.example/"}, 403, "PERMISSION_DENIED"),
        ({"inspectionUrl": "http://notalderwood.example/"}, 403, "PERMISSION_DENIED"),
        ({"siteUrl": "sc-domain:other.example"}, 403, "PERMISSION_DENIED"),
    ],
)
def test_a_wrong_request_is_refused_in_googles_form(
    client: Client, asked: dict[str, Any], status: int, word: str
) -> None:
    answer = inspect(client, **asked)
    assert (answer.status_code, answer.json()["error"]["status"]) == (status, word)


def test_a_request_without_token_is_refused(client: Client) -> None:
    answer = requests.post(f"{client.url}/v1/urlInspection/index:inspect", json={}, timeout=10)
    assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_what_is_shown_in_searches_is_in_the_index_and_nothing_else_is_known(client: Client) -> None:
    shown = {row["keys"][0] for row in client.query(dimensions=["page"], rowLimit=25_000).json()["rows"]}
    assert shown
    for page in ALDERWOOD.pages:
        status = inspect(client, page.path).json()["inspectionResult"]["indexStatusResult"]
        assert (status["verdict"] == "PASS") == (ALDERWOOD.url(page.path) in shown), page
    never = inspect(client, "/never").json()["inspectionResult"]["indexStatusResult"]
    assert (never["coverageState"], "lastCrawlTime" in never) == ("URL is unknown to Google", False)


def test_an_inspection_is_as_old_as_the_last_crawl_and_the_truth_says_what_that_met(client: Client) -> None:
    truth = [json.loads(line) for line in (client.server.folder / "truth/index.jsonl").read_text().splitlines()]
    url = ALDERWOOD.url("/orphan-offer")
    stays = [(line["since"], line["coverage_state"]) for line in truth if line["url"] == url]
    assert [coverage for _, coverage in stays] == [
        "Discovered - currently not indexed",
        "Crawled - currently not indexed",
        "Submitted and indexed",
        "Crawled - currently not indexed",
    ]
    lags = 0
    for number in range(150):
        day = FIRST_DAY + timedelta(days=number)
        client.put("clock", {"now": f"{day}T04:00:00Z"})
        status = inspect(client, "/orphan-offer").json()["inspectionResult"]["indexStatusResult"]
        seen = status.get("lastCrawlTime", f"{day}")[:10]
        assert seen <= f"{day}"
        assert status["coverageState"] == [coverage for since, coverage in stays if since <= seen][-1]
        lags += status["coverageState"] != [coverage for since, coverage in stays if since <= f"{day}"][-1]
    assert lags > 0


def test_a_site_has_so_many_calls_a_day_and_its_day_is_pacific() -> None:
    index = Index(SEED, FIRST_DAY)
    index.minute_calls = 10**6
    asked = {"inspectionUrl": ALDERWOOD.url("/"), "siteUrl": SITE}
    for _ in range(DAILY_CALLS):
        index.inspect(asked, NOW)
    other = DEMO_PROPERTIES[1]
    with pytest.raises(GoogleError) as error:
        index.inspect(asked, NOW)
    assert (error.value.code, error.value.status) == (429, "RESOURCE_EXHAUSTED")
    index.inspect({"inspectionUrl": other.url("/"), "siteUrl": other.search_console_site}, NOW)
    with pytest.raises(GoogleError):
        index.inspect(asked, NOW.replace(hour=6, minute=59))
    index.inspect(asked, NOW.replace(hour=7))


def test_a_site_has_so_many_calls_a_minute() -> None:
    index = Index(SEED, FIRST_DAY)
    index.minute_calls = 3
    asked = {"inspectionUrl": ALDERWOOD.url("/"), "siteUrl": SITE}
    for _ in range(3):
        index.inspect(asked, NOW)
    with pytest.raises(GoogleError, match="Quota exceeded"):
        index.inspect(asked, NOW)


def test_a_property_that_lives_in_the_past_is_told_of_its_day(client: Client) -> None:
    client.put("clock?property=alderwood", {"now": "2026-06-01T06:00:00Z"})
    answer = inspect(client)
    client.put("clock?property=alderwood", {"now": None})
    assert answer.headers["Date"] == "Mon, 01 Jun 2026 06:00:00 GMT"
    assert answer.json()["inspectionResult"]["indexStatusResult"]["lastCrawlTime"] < "2026-06-01T06"


def test_the_source_reads_each_state_as_the_truth_has_it(client: Client, tmp_path: Path) -> None:
    truth = [json.loads(line) for line in (client.server.folder / "truth/index.jsonl").read_text().splitlines()]
    urls = [*dict.fromkeys(line["url"] for line in truth if line["property_key"] == ALDERWOOD.key)]
    variables = connections(client.server.server_address[1])
    extra = json.loads(variables["AIRFLOW_CONN_GOOGLE_SEARCH_CONSOLE"])["extra"]
    assert URL_INSPECTION.access is not None
    auth = URL_INSPECTION.access.auth(Connection(host=client.url, extra=extra))
    prop = Property(
        key=1,
        name="alderwood",
        domain=ALDERWOOD.domain,
        history_start=FIRST_DAY,
        sources=SourceSettings(url_inspection={"site": SITE}),
    )
    for day in (FIRST_DAY + timedelta(days=number) for number in range(0, 150, 30)):
        client.put("clock", {"now": f"{day}T09:00:00Z"})
        archive = open_archive(tmp_path, source="url_inspection", property_key=1, scope=f"night={day}")
        keep_plan(archive, "plans.plan_inspected_url", [Ask(url, 1.0, "young") for url in urls], NOW)
        limits = Limits(calls_per_minute=None)
        with Api(
            base_url=client.url, auth=auth, archive=archive, may_call=True, explain=explain, limits=limits,
            networks=("127.0.0.0/8",), night=day,
        ) as api:  # fmt: skip
            rows = list(URL_INSPECTION.table("result").read(api, prop, Period(day, day)))
            assert api.facts[day] == {"planned_count": len(urls), "unanswered_count": 0}
        for row in rows:
            seen = f"{(row['last_crawl_time'] or row['observed_at']).date()}"
            stays = [line for line in truth if line["url"] == row["url"] and line["since"] <= seen]
            assert (row["verdict"], row["coverage_state"]) == (stays[-1]["verdict"], stays[-1]["coverage_state"])


def test_what_was_told_is_disclosed(client: Client) -> None:
    inspect(client, "/guides/archive")
    line = disclosed(client.server.folder, "index")[-1]
    assert (line["url"], line["verdict"]) == (ALDERWOOD.url("/guides/archive"), "NEUTRAL")
