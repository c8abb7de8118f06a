"""What Airflow shows its administrator: every answer of its interfaces and its pages, and no secret in any of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from tests.pipeline.browser import Browser
from tests.pipeline.conftest import Running, secrets_of

REFUSED = {"match": "searchAnalytics/query", "kind": "status", "status": 403}
"""Search Console turns its own service account away."""
CONNECTION, VARIABLE = "walked", "walked_api_key"
WAIT_SECONDS = 900
TOKENS = (re.compile(r"demo-[\w-]{32}"), re.compile(r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\."))
"""What the demo's token endpoint hands out, and the tokens by which Airflow's own parts and users are known."""

LEFT_OUT = {
    "/api/v2/auth/logout",
    # Answers only who began such a test, and has its token.
    "/api/v2/connections/enqueue-test",
}
UNREACHED = {
    # Nothing here keeps state, aliases an asset or fails to be imported, and perhaps nobody has back-filled.
    "/api/v2/assets/{asset_id}/state-store/{key}",
    "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/state-store/{key}",
    "/api/v2/assets/aliases/{asset_alias_id}",
    "/api/v2/importErrors/{import_error_id}",
    "/api/v2/backfills/{backfill_id}",
}
SILENT = {
    # Not shown; there are no teams; nothing waits for an asset or for a person's answer; logs are local.
    "/api/v2/config",
    "/api/v2/config/section/{section}/option/{option}",
    "/api/v2/dags/{dag_id}/assets/{asset_id}/queuedEvents",
    "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/hitlDetails",
    "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/hitlDetails/tries/{try_number}",
    "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/externalLogUrl/{try_number}",
    "/ui/pending_partitioned_dag_run/{dag_id}",
    "/ui/teams",
}
OPENAPI = "airflow/api_fastapi/core_api/openapi"
CONFIGURED = (("database", "sql_alchemy_conn"), ("core", "fernet_key"), ("api_auth", "jwt_secret"))

Known = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """One answer: the path as the document names it, the address, the status, and all that came."""

    path: str
    url: str
    status: int
    text: str


@pytest.fixture(scope="module")
def kept(running: Running) -> Iterator[dict[str, str]]:
    """What a person keeps in Airflow beside: a connection with password and key, a variable; their secrets."""
    account = {"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\nkept-private-key-6f1c\n"}
    secrets = {"password": "kept-password-8d2e", "api key": "kept-api-key-41ab", "private key": "kept-private-key-6f1c"}
    extra = {"keyfile_dict": account, "api_key": secrets["api key"]}
    connection = {"connection_id": CONNECTION, "conn_type": "http", "host": "https://api.example", "login": "reader"}
    body = {**connection, "password": secrets["password"], "extra": json.dumps(extra)}
    running.airflow.call("POST", "connections", json=body)
    running.airflow.call("POST", "variables", json={"key": VARIABLE, "value": secrets["api key"]})
    yield secrets
    running.airflow.call("DELETE", f"connections/{CONNECTION}")
    running.airflow.call("DELETE", f"variables/{VARIABLE}")


@pytest.fixture(scope="module")
def refused(running: Running) -> Iterator[Known]:
    """A run whose loads fail with their credentials in hand."""
    night = running.one("select max(night) from ops.night") + timedelta(days=1)
    running.set_clock(datetime.combine(night, time(6), UTC))
    running.control("failures", [REFUSED])
    try:
        run_id = running.airflow.trigger("ingest__search_console", night.isoformat())
        yield running.airflow.wait("ingest__search_console", run_id=run_id, timeout_seconds=WAIT_SECONDS)
    finally:
        running.control("failures", [])
        running.set_clock(None)


@pytest.fixture(scope="module")
def secrets(running: Running, kept: dict[str, str]) -> dict[str, str]:
    return secrets_of(running) | {f"kept {name}": secret for name, secret in kept.items()}


@pytest.fixture(scope="module")
def told(running: Running, refused: Known, kept: dict[str, str]) -> list[Told]:
    """Every GET that Airflow's own description of its interfaces names, with all that is known to ask for."""
    with requests.Session() as session:
        session.trust_env = False
        # A server may close a kept connection just as it is used; a GET is asked again, as browsers do.
        session.mount("http://", HTTPAdapter(max_retries=Retry(3, backoff_factor=1)))
        login = {"username": running.airflow.user, "password": running.airflow.password}
        token = session.post(f"{running.airflow.url}/auth/token", json=login, timeout=60).json()["access_token"]
        session.headers["Authorization"] = f"Bearer {token}"
        return list(_walk(session, running, list(_known(running))))


def test_the_walk_met_loads_that_failed_and_every_interface_there_is(
    running: Running, refused: Known, told: list[Told]
) -> None:
    assert refused["state"] == "failed"
    assert any(each.path.endswith("/logs/{try_number}") and "TerminalSourceError" in each.text for each in told)
    answered = {each.path for each in told if each.status < 400}
    asked = {each.path for each in told}
    assert len(answered) > 70
    assert {path for path, _ in _paths(running)} - asked <= LEFT_OUT | UNREACHED
    assert asked - answered <= SILENT


def test_airflow_does_not_show_its_own_settings(told: list[Told]) -> None:
    shown = [each for each in told if each.path.startswith("/api/v2/config")]
    assert {each.status for each in shown} == {403}
    assert len(shown) == 1 + len(CONFIGURED)


def test_a_connection_is_shown_with_its_secrets_masked(told: list[Told]) -> None:
    [shown] = [each for each in told if each.url.endswith(f"/connections/{CONNECTION}")]
    stated = json.loads(shown.text)
    assert (stated["login"], stated["password"]) == ("reader", "***")
    assert "***" in stated["extra"]


def test_no_answer_of_airflow_holds_a_secret(told: list[Told], secrets: dict[str, str]) -> None:
    assert len(secrets) > 12
    assert [(each.url, name) for each in told for name in _found(each.text, secrets)] == []


@pytest.mark.parametrize(
    ("route", "shows"),
    [
        ("/dags/ingest__search_console/code", "ingest_dag"),
        ("/dags/ingest__search_console/details", "seo-data"),
        ("/connections", CONNECTION),
        ("/variables", VARIABLE),
        ("/events", "ingest__search_console"),
        ("/xcoms", "return_value"),
        ("/plugins", ""),
        ("/configs", ""),
    ],
)
def test_no_page_shows_a_secret(
    running: Running, refused: Known, browser: Browser, secrets: dict[str, str], route: str, shows: str
) -> None:
    browser.open(f"{running.airflow.url}{route}")
    browser.wait_for(shows)
    page = str(browser.run("return document.documentElement.outerHTML"))
    assert _found(page.replace("&quot;", '"'), secrets) == []


def test_the_log_of_a_failed_load_shows_why_and_no_secret(
    running: Running, refused: Known, browser: Browser, secrets: dict[str, str]
) -> None:
    address = f"{running.airflow.url}/dags/ingest__search_console/runs/{refused['dag_run_id']}"
    browser.open(f"{address}/tasks/performance.write/mapped/0")
    text = browser.wait_for("TerminalSourceError")
    assert _found(text, secrets) == []


def _found(text: str, secrets: dict[str, str]) -> list[str]:
    """Names of the secrets in a text; tokens by their form."""
    found = [name for name, secret in secrets.items() if secret in text]
    return found + [f"token {pattern.pattern}" for pattern in TOKENS if pattern.search(text)]


def _known(running: Running) -> Iterator[Known]:
    """What there is to ask for, by the names that the paths use."""
    airflow = running.airflow
    yield {"start_date": "2026-01-01T00:00:00Z"}
    for section, option in CONFIGURED:
        yield {"section": section, "option": option}
    for what, place, name, number in (
        ("connection_id", "connections", "connections", "connection_id"),
        ("variable_key", "variables", "variables", "key"),
        ("pool_name", "pools", "pools", "name"),
        ("asset_id", "assets", "assets", "id"),
    ):
        yield from ({what: each[number]} for each in airflow.call("GET", place)[name])
    events = airflow.call("GET", "eventLogs", params={"limit": 20, "order_by": "-id"})["event_logs"]
    yield from ({"event_log_id": event["event_log_id"]} for event in events)
    for dag_id in sorted(airflow.dag_ids()):
        # The newest of those that ended well, and of those that did not; one that still runs would be waited for.
        runs = {run["state"]: run for run in airflow.runs(dag_id) if run["state"] in ("success", "failed")}
        backfills = airflow.call("GET", "backfills", params={"dag_id": dag_id})["backfills"]
        asset = {"asset_id": airflow.call("GET", "assets")["assets"][0]["id"]}
        yield {"dag_id": dag_id, "version_number": 1, "partition_key": running.night.isoformat(), **asset}
        yield from ({"backfill_id": backfill["id"]} for backfill in backfills)
        for state, run in runs.items():
            of_run = {"dag_id": dag_id, "dag_run_id": run["dag_run_id"], "run_id": run["dag_run_id"], "interval": 1}
            yield of_run
            for task in _chosen(airflow.tasks(dag_id, run["dag_run_id"]), whole=state == "failed"):
                tries = {"try_number": max(1, task["try_number"]), "task_try_number": max(1, task["try_number"])}
                of_task = {"task_id": task["task_id"], "map_index": task["map_index"], "xcom_key": "return_value"}
                yield {**of_run, **of_task, **tries}


def _chosen(tasks: list[Known], *, whole: bool) -> list[Known]:
    """All task instances, or one of each task."""
    return tasks if whole else list({task["task_id"]: task for task in tasks}.values())


def _paths(running: Running) -> Iterator[tuple[str, Known]]:
    """Each path that answers GET, and what Airflow says of it: its interface's as served, its pages' as shipped."""
    answer = requests.get(f"{running.airflow.url}/openapi.json", timeout=60)
    answer.raise_for_status()
    of_pages = distribution("apache-airflow-core").locate_file(f"{OPENAPI}/_private_ui.yaml")
    for document in (answer.json(), yaml.safe_load(Path(str(of_pages)).read_text(encoding="utf-8"))):
        for path, methods in document["paths"].items():
            if "get" in methods:
                yield path, methods["get"]


def _walk(session: requests.Session, running: Running, known: list[Known]) -> Iterator[Told]:
    for path, described in _paths(running):
        parameters = {p["name"]: p for p in described.get("parameters", ())}
        needed = set(re.findall(r"{(\w+)}", path)) | {name for name, p in parameters.items() if p.get("required")}
        # Of a mapped task by number, where the path does not say it.
        also = {"map_index"} & parameters.keys()
        asked = {
            tuple(sorted((name, values[name]) for name in needed | (also & values.keys()))): values
            for values in known
            if needed <= values.keys()
        }
        for values in asked.values() if path not in LEFT_OUT else ():
            url = running.airflow.url + path.format_map(values)
            params = {name: values[name] for name in (needed | also) & values.keys() if f"{{{name}}}" not in path}
            params |= {name: value for name, value in (("limit", 1000), ("full_content", True)) if name in parameters}
            answer = session.get(url, params=params, timeout=120, allow_redirects=False)
            yield Told(path, answer.url.partition("?")[0], answer.status_code, answer.text)
