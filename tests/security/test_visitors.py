"""A night of four witnesses of visits, who tell all they know of a visitor: none of it is kept anywhere."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from seo_warehouse.demo.accounts import service_account
from seo_warehouse.steps import drop, history
from tests.logs.files import combined_line
from tests.security.test_secrets import archived
from tests.sources.provider import Act, Asked, Provider, said, serving
from tests.sources.test_ga4 import NAMES, entry, report
from tests.sources.test_matomo import VISIT
from tests.sources.test_plausible import answer as plausible_answer
from tests.steps.dropping import NIGHT, Shop, open_shop

DAY = NIGHT - timedelta(days=1)
NAME, ADDRESS, IDENTITY = "hedwig", "198.18.77.31", "61e8cc2d51fea26d"
MAIL = f"{NAME}.canary@visitor.example"
SENT = f"https://forum.example/thread?user={MAIL}"
OPENED = f"/pans?mail={MAIL}&size=2"
SOURCES = ("matomo", "ga4", "plausible", "server_logs")
PROPERTIES = """
properties:
  - key: 1
    name: shop
    domain: example.com
    history_start: 2026-05-01
    sources:
      matomo: {site_id: 1}
      ga4: {property_id: "123456789"}
      plausible: {site_id: example.com}
      server_logs: {site: "https://www.example.com"}
"""


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as server:
        server.answer = _answer
        yield server


def _answer(asked: Asked) -> Act:
    """Google's tokens, Google Analytics, Plausible and Matomo, whoever is meant."""
    if asked.path == "/token":
        return said({"access_token": "a-token", "expires_in": 3599, "token_type": "Bearer"})
    if asked.path.endswith("/metadata"):
        return said({"dimensions": [], "metrics": [{"apiName": name} for name in NAMES]})
    if asked.path.endswith(":checkCompatibility"):
        return said({})
    if asked.path.endswith(":runReport"):
        row = entry(asked.json, pageReferrer=SENT, pagePathPlusQueryString=OPENED, landingPagePlusQueryString=OPENED)
        return said(report(asked.json, [row]))
    if asked.path.startswith("/api/v2/query"):
        # By itself it tells of no query.
        page = {"dimensions": ["forum.example/thread", "/pans", "www.example.com"], "metrics": [3]}
        return said(plausible_answer([page]))
    call = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
    if call["method"] == "SitesManager.getSiteFromId":
        return said([{"idsite": "1", "timezone": "UTC", "currency": "EUR"}])
    if call["method"] == "VisitsSummary.get":
        return said({"nb_visits": 1})
    noon = datetime.combine(datetime.fromisoformat(call["date"]).date(), time(12), UTC)
    action = {"type": "action", "url": f"https://www.example.com{OPENED}", "pageTitle": f"Welcome, {NAME}"}
    visit = VISIT | {
        "visitIp": ADDRESS,
        "visitorId": IDENTITY,
        "userId": MAIL,
        "referrerUrl": SENT,
        "serverTimestamp": int(noon.timestamp()),
        "serverDate": call["date"],
        "actionDetails": [action, action | {"url": f"https://www.example.com/account/{NAME}"}],
    }
    return said([visit] if call.get("filter_offset", "0") == "0" else [])


def _log() -> str:
    minutes = (f"{DAY:%d/%b/%Y}:{minute // 60:02}:{minute % 60:02}:00 +0000" for minute in range(300))
    request = f"GET {OPENED} HTTP/1.1"
    told = [combined_line(address=ADDRESS, time=at, request=request, referrer=SENT) for at in minutes]
    # A line that nobody can read may hold anything; what looks like an address is masked.
    return "\n".join([*told, f"{ADDRESS} - - broken off", ""])


def test_what_is_told_of_a_visitor_is_in_no_archive_no_table_and_no_log(
    provider: Provider,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    stated: dict[str, Any] = {"host": provider.base_url, "extra": {"calls_per_minute": None}}
    token = {**stated, "password": "a-token-of-somebody"}
    account = service_account(tmp_path, provider.base_url)
    monkeypatch.setenv("AIRFLOW_CONN_MATOMO", json.dumps(token))
    monkeypatch.setenv("AIRFLOW_CONN_PLAUSIBLE", json.dumps(token))
    stated["extra"]["keyfile_dict"] = account
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_ANALYTICS", json.dumps(stated))
    shop = open_shop(tmp_path / "home", database, PROPERTIES)
    assert history.load_history(shop.wh, "shop", NIGHT - timedelta(days=4), NIGHT) == []
    folder = shop.folder / "logs" / "web"
    folder.mkdir(parents=True)
    (folder / "access.log").write_text(_log())
    assert drop.ingest(shop.wh, "server_logs", "shop", NIGHT, shop.say)
    places = {
        "logs": "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records),
        "what was said": "\n".join(shop.said),
        "archive": "\n".join(archived(shop)),
        **dict(_tables(shop)),
    }
    told = [table for table, text in places.items() if table.startswith("raw.") and text]
    assert {table.split("__")[0] for table in told} == {f"raw.raw_{name}" for name in SOURCES}
    assert "forum.example/thread" in places["archive"]
    found = [
        (place, canary)
        for place, text in places.items()
        for canary in (NAME, ADDRESS, IDENTITY)
        if canary in text.lower()
    ]
    assert found == []


def _tables(shop: Shop) -> Iterator[tuple[str, str]]:
    schemas = "('audit', 'ops', 'personal', 'raw')"
    for (table,) in shop.fetch(
        "select oid::regclass::text from pg_class"
        f" where relnamespace::regnamespace::text in {schemas} and relkind = 'r'"
    ):
        rows: list[tuple[Any, ...]] = shop.fetch(f"select t::text from {table} as t")
        yield table, "\n".join(text for (text,) in rows)
