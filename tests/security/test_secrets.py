"""A provider that says everything back, and what of it is found afterwards: nothing that is secret."""

from __future__ import annotations

import base64
import io
import json
import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path

import psycopg
import pytest
import zstandard

from seo_warehouse.errors import SeoWarehouseError
from seo_warehouse.steps import nightly
from seo_warehouse.steps.warehouse import Warehouse
from tests.sources.provider import Act, Asked, Provider, serving
from tests.steps.dropping import NIGHT, Shop, open_shop

LOGIN, PASSWORD = "buyer@example.com", "correct-horse-battery-staple"
BASIC = base64.b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()
PROPERTIES = """
properties:
  - key: 1
    name: shop
    domain: shop.example
    history_start: 2026-05-01
    sources: {dataforseo_backlinks: {target: shop.example}}
"""


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as server:
        yield server


def echo(asked: Asked, status: int) -> Act:
    """Header, login and password in the body, the headers, the reason: as a proxy in trouble would."""
    said = {"status_code": 40100, "status_message": f"{dict(asked.headers)} {PASSWORD}", "you": dict(asked.headers)}
    headers = {
        "X-Debug": asked.headers["Authorization"],
        "Set-Cookie": f"s={PASSWORD}",
        "Location": f"/?password={PASSWORD}",
    }
    return Act(json.dumps(said).encode(), status=status, headers=headers)


@pytest.mark.parametrize("status", [200, 302, 401, 403, 404])
def test_what_a_provider_echoes_is_in_no_log_no_error_no_archive_and_no_ledger(
    provider: Provider,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    status: int,
) -> None:
    caplog.set_level(logging.DEBUG)
    stated = {"host": provider.base_url, "login": LOGIN, "password": PASSWORD}
    monkeypatch.setenv("AIRFLOW_CONN_DATAFORSEO", json.dumps(stated))
    shop = open_shop(tmp_path / "home", database)
    (shop.home / "properties.yml").write_text(PROPERTIES)
    # A snapshot is read until its night's deadline.
    monkeypatch.setattr(Warehouse, "now", lambda _: datetime.combine(NIGHT, time(12), UTC))
    wh = shop.wh
    wh.sync_properties()
    provider.answer = lambda asked: echo(asked, status)
    with pytest.raises(SeoWarehouseError) as raised:
        nightly.ingest(wh, "dataforseo_backlinks", "shop", NIGHT)
    assert provider.asked, raised.value
    told = "".join(traceback.format_exception(raised.value))
    places = {
        "the error": told + repr(raised.value.__dict__),
        "logs": "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records),
        "archive": "\n".join(archived(shop)),
        "ledger": "\n".join(_ledger(shop)),
    }
    assert all(places.values())
    for place, text in places.items():
        for secret in (PASSWORD, BASIC):
            assert secret not in text, place


def archived(shop: Shop) -> Iterator[str]:
    for path in (shop.home / "archive").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            if content.startswith(b"\x28\xb5\x2f\xfd"):
                content = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(content)).read()
            yield content.decode("utf-8", "replace")


def _ledger(shop: Shop) -> Iterator[str]:
    with psycopg.connect(shop.dsn) as connection:
        tables = connection.execute(
            "select oid::regclass::text from pg_class where relnamespace = 'ops'::regnamespace and relkind = 'r'"
        ).fetchall()
        for (table,) in tables:
            yield from (row for (row,) in connection.execute(f"select t::text from {table} as t"))  # type: ignore[arg-type]
