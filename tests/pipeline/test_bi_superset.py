"""Superset itself with the dashboards of `bi/`, where `make bi` has installed it: each chart, by users of two logins.

Skipped elsewhere: nothing that runs nightly needs it, and what charts ask is asked of PostgreSQL by `test_bi.py`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from bi import bundle, run
from bi.dashboards import DASHBOARDS, Chart, Dashboard
from seo_warehouse.embedded import processes
from tests.pipeline.browser import WAIT_SECONDS, Browser, chromium
from tests.pipeline.conftest import Running
from tests.pipeline.test_bi import PROPERTY

LOGIN = "bi_of_one"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not run.PYTHON.exists(), reason="Superset is not installed: `make bi` does it"),
]


@dataclass(frozen=True)
class Served:
    """Superset, and who may sign in; `password` is LOGIN's in the database."""

    kept: run.Kept
    running: Running
    password: str


@pytest.fixture(scope="module")
def served(running: Running) -> Iterator[Served]:
    """Superset with two bundles: of who reads all, and of who reads one property."""
    made = running.command("grant", LOGIN, "--property", PROPERTY)
    [address] = re.findall(r"postgresql://\S+", made.stdout)
    password = str(urlsplit(address).password)
    kept = run.serve(running.wh, {LOGIN: password})
    # Again, as after a change of a dashboard: nobody's password is needed, and nothing is there twice.
    kept = run.serve(running.wh, {})
    yield Served(kept, running, password)
    processes.stop([kept.component])
    assert running.command("grant", LOGIN, "--property", PROPERTY, "--revoke").returncode == 0


@pytest.fixture(scope="module", params=[run.OWN_LOGIN, LOGIN])
def user(served: Served, request: pytest.FixtureRequest) -> tuple[str, run.Api]:
    """A login, and Superset's interface as the user of its name."""
    return request.param, run.Api(served.kept, request.param, served.kept.analysts[request.param])


@pytest.fixture(scope="module")
def found(user: tuple[str, run.Api]) -> dict[str, int]:
    """The number of each dataset that a user sees."""
    _, api = user
    answer = api.call("GET", "dataset/", params={"q": json.dumps({"page_size": 100})})
    return {row["table_name"].partition(" ")[0]: row["id"] for row in answer["result"]}


@pytest.mark.parametrize("chart", bundle.CHARTS, ids=lambda chart: chart.title)
def test_superset_shows_what_the_login_reads(
    served: Served, user: tuple[str, run.Api], found: dict[str, int], chart: Chart
) -> None:
    login, api = user
    source = {"id": found[chart.dataset], "type": "table"}
    asked = {"datasource": source, "queries": [bundle.asked_of_superset(chart)], "force": True}
    [answer] = api.call("POST", "chart/data", json=asked)["result"]
    assert answer["error"] is None
    condition = f"property = '{PROPERTY}'" if login == LOGIN else ""
    rows = served.running.rows(bundle.statement(chart, condition), role="analyst")
    assert answer["rowcount"] == len(rows)
    assert rows or login == LOGIN
    if "property" in answer["colnames"]:
        told = {row["property"] for row in answer["data"]}
        assert told == {row[bundle.cuts_of(chart).index("property")] for row in rows}
        assert login != LOGIN or told <= {PROPERTY}
    for figure in chart.figures:
        index = len(bundle.cuts_of(chart)) + chart.figures.index(figure)
        shown = [float(row[figure]) for row in answer["data"] if row[figure] is not None]
        assert sum(shown) == pytest.approx(sum(float(row[index]) for row in rows if row[index] is not None))


def test_a_user_sees_one_login_s_dashboards_and_nothing_of_the_other(user: tuple[str, run.Api]) -> None:
    login, api = user
    dashboards = api.call("GET", "dashboard/", params={"q": json.dumps({"page_size": 100})})["result"]
    assert {row["dashboard_title"] for row in dashboards} == {f"{each.title} ({login})" for each in DASHBOARDS}
    databases = api.call("GET", "database/")["result"]
    assert [row["database_name"] for row in databases] == [bundle.database_name(login)]
    query = {"database_id": databases[0]["id"], "sql": "select distinct property_name from marts.dim_property"}
    answer = api.call("POST", "sqllab/execute/", json=query | {"runAsync": False})
    names = {row["property_name"] for row in answer["data"]}
    assert names == {PROPERTY} if login == LOGIN else names > {PROPERTY}
    for statement in ("create table marts.mine (n integer)", "delete from marts.dim_page"):
        with pytest.raises(run.EmbeddedError):
            api.call("POST", "sqllab/execute/", json=query | {"sql": statement, "runAsync": False})


@pytest.fixture(scope="module")
def window(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A window in which the user of the product's own login is signed in."""
    with chromium(tmp_path_factory.mktemp("chromium")) as window:
        window.open(f"{served.kept.url}/login/")
        window.write("#username", run.OWN_LOGIN)
        window.write("#password", served.kept.analysts[run.OWN_LOGIN])
        window.click("button[type=submit]")
        window.wait_for("Dashboards")
        yield window


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.slug)
def test_a_dashboard_is_drawn_and_asks_nobody_else(served: Served, window: Browser, dashboard: Dashboard) -> None:
    window.log("performance")
    window.open(f"{served.kept.url}/superset/dashboard/{run.OWN_LOGIN}-{dashboard.slug}/?standalone=1")
    window.wait_for(*(chart.title for chart in dashboard.charts))
    # What is out of sight is drawn once somebody scrolls; of each page the first two charts are pictures.
    deadline = time.monotonic() + WAIT_SECONDS
    while window.run("return document.querySelectorAll('canvas').length") < 2:
        assert time.monotonic() < deadline, window.text()[:2000]
        time.sleep(0.2)
    assert "Unexpected error" not in window.text()
    assert "No results were returned" not in window.text()
    sent = [event["params"]["request"]["url"] for event in window.log("performance") if _is_request(event)]
    assert {urlsplit(url).hostname for url in sent if not url.startswith(("data:", "blob:"))} == {"127.0.0.1"}


def _is_request(event: dict[str, Any]) -> bool:
    return bool(event["method"] == "Network.requestWillBeSent")


def test_nothing_of_superset_is_anybody_else_s_to_read(served: Served) -> None:
    assert requests.get(f"{served.kept.url}/api/v1/chart/", timeout=60).status_code in (401, 403, 404)
    for path in (served.kept.path, Path(served.kept.folder) / "superset.db"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_who_is_granted_nothing_any_more_is_let_in_no_more_until_somebody_grants_again(served: Served) -> None:
    password = served.kept.analysts[LOGIN]
    assert served.running.command("grant", LOGIN, "--property", PROPERTY, "--revoke").returncode == 0
    kept = run.serve(served.running.wh, {})
    assert kept.analysts.keys() == {run.OWN_LOGIN}
    with pytest.raises(run.EmbeddedError, match="401"):
        run.Api(kept, LOGIN, password)
    databases = run.Api(kept).call("GET", "database/")["result"]
    assert [row["database_name"] for row in databases] == [bundle.database_name(run.OWN_LOGIN)]
    with pytest.raises(run.ConfigError, match=f"grant {LOGIN}"):
        run.serve(served.running.wh, {LOGIN: served.password})
    assert served.running.command("grant", LOGIN, "--property", PROPERTY).returncode == 0
    kept = run.serve(served.running.wh, {LOGIN: served.password})
    seen = run.Api(kept, LOGIN, kept.analysts[LOGIN]).call("GET", "dashboard/")["count"]
    assert seen == len(DASHBOARDS)
