"""A demo served by a thread, its clock in the world's fifth month."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests
from google.auth.transport.requests import AuthorizedSession
from google.oauth2 import service_account

from seo_warehouse.demo import connections, running
from seo_warehouse.demo.catalogue import DemoProperty
from seo_warehouse.demo.knobs import Knobs
from seo_warehouse.demo.server import DemoServer

FIRST_DAY = date(2026, 5, 4)
NOW = "2026-10-05T04:00:00+00:00"
SEED = 11


@dataclass
class Client:
    """A client of one demo, with the credentials of its connections."""

    server: DemoServer
    vendor: requests.Session
    google: requests.Session

    def close(self) -> None:
        self.vendor.close()
        self.google.close()

    @property
    def url(self) -> str:
        return self.server.base_url

    def put(self, name: str, value: Any) -> Any:
        answer = self.vendor.put(f"{self.url}/control/{name}", json=value, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def control(self, name: str) -> Any:
        return self.vendor.get(f"{self.url}/control/{name}", timeout=10).json()

    def post(self, path: str, body: Any) -> Any:
        return self.vendor.post(self.url + path, json=body, timeout=10).json()

    def get(self, path: str) -> Any:
        return self.vendor.get(self.url + path, timeout=10).json()

    def backlinks(self, **asked: Any) -> Any:
        task = self.post("/v3/backlinks/backlinks/live", [{"target": "alderwood.example", **asked}])["tasks"][0]
        return task["result"][0] if task["result"] else task

    def query(self, site: str = "sc-domain:alderwood.example", **asked: Any) -> requests.Response:
        body = {"startDate": "2026-09-01", "endDate": "2026-09-07", **asked}
        address = f"{self.url}/webmasters/v3/sites/{requests.utils.quote(site, safe='')}/searchAnalytics/query"
        return self.google.post(address, json=body, timeout=10)


def client_of(server: DemoServer) -> Client:
    """Sessions made from the Airflow connections alone."""
    variables = connections(server.server_address[1])
    http = json.loads(variables["AIRFLOW_CONN_DATAFORSEO"])
    vendor = requests.Session()
    vendor.auth = (http["login"], http["password"])
    keyfile = json.loads(variables["AIRFLOW_CONN_GOOGLE_SEARCH_CONSOLE"])["extra"]["keyfile_dict"]
    credentials = service_account.Credentials.from_service_account_info(
        keyfile, scopes=["https://www.googleapis.com/auth/webmasters.readonly"]
    )
    return Client(server, vendor, AuthorizedSession(credentials))


def account_of(client: Client, prop: DemoProperty) -> requests.Session:
    """A session of a property's own DataForSEO account."""
    http = json.loads(client.control("connections")[f"AIRFLOW_CONN_DATAFORSEO_{prop.name.upper()}"])
    session = requests.Session()
    session.auth = (http["login"], http["password"])
    return session


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """One demo for all tests of a module."""
    with running(tmp_path_factory.mktemp("demo"), seed=SEED, first_day=FIRST_DAY) as server:
        made = client_of(server)
        made.put("clock", {"now": NOW})
        yield made
        made.close()


@pytest.fixture(autouse=True)
def _as_found(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test finds the clock and the failures as the first one did."""
    yield
    if "client" in request.fixturenames:
        shared = request.getfixturevalue("client")
        shared.put("failures", [])
        shared.put("clock", {"now": NOW})
        shared.put("settings", {"serp_delay_seconds": 0})


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Callable[..., Client]]:
    """Makes demos of other knobs."""
    with ExitStack() as stack:

        def start(**knobs: Any) -> Client:
            folder = tmp_path / f"demo-{uuid.uuid4().hex}"
            server = stack.enter_context(running(folder, seed=SEED, first_day=FIRST_DAY, knobs=Knobs(**knobs)))
            made = stack.enter_context(closing(client_of(server)))
            made.put("clock", {"now": NOW})
            return made

        yield start
