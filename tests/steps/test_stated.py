"""What a home states of the world outside, and what it is asked for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from seo_warehouse.client.access import Connection
from seo_warehouse.config import Settings
from seo_warehouse.errors import ConfigError, TransientSourceError
from seo_warehouse.steps.stated import CONNECTIONS_FILE, find_connection, read_clock
from seo_warehouse.steps.warehouse import Warehouse

PROPERTIES = "properties: [{key: 1, name: shop, domain: shop.example, history_start: 2026-05-01}]\n"
INSTANT = datetime(2026, 5, 9, 6, 30, tzinfo=UTC)


def home(folder: Path, more: str = "") -> Settings:
    (folder / "properties.yml").write_text(PROPERTIES + more)
    return Settings({"SEO_WAREHOUSE_HOME": str(folder)})


@contextmanager
def clock(answer: str) -> Iterator[str]:
    """The address of a clock that says `answer`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/clock"
        finally:
            server.shutdown()
            thread.join()


def test_without_a_clock_of_its_own_a_home_lives_in_the_hosts_time(tmp_path: Path) -> None:
    assert abs(Warehouse(home(tmp_path)).now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_stated_clock_is_the_only_one(tmp_path: Path) -> None:
    with clock(json.dumps({"now": "2026-05-09T08:30:00+02:00"})) as url:
        assert Warehouse(home(tmp_path, f"clock_url: {url}")).now() == INSTANT


@pytest.mark.parametrize("answer", ["", "[]", "{}", '{"now": null}', '{"now": "soon"}'])
def test_a_clock_that_tells_no_time_is_a_sentence(tmp_path: Path, answer: str) -> None:
    with clock(answer) as url, pytest.raises(TransientSourceError, match="does not tell the time"):
        read_clock(home(tmp_path, f"clock_url: {url}"))


def test_a_clock_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TransientSourceError, match="does not tell the time"):
        read_clock(home(tmp_path, "clock_url: http://127.0.0.1:9/clock"))


@pytest.mark.parametrize("url", ["http://me:secret@127.0.0.1/clock", "ftp://127.0.0.1/clock", "clock"])
def test_a_clock_with_credentials_or_without_an_address_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match=r"clock_url: .*address without credentials") as told:
        read_clock(home(tmp_path, f"clock_url: {url}"))
    assert "secret" not in str(told.value)


def test_a_clocks_key_is_not_said(tmp_path: Path) -> None:
    with pytest.raises(TransientSourceError) as told:
        read_clock(home(tmp_path, "clock_url: http://127.0.0.1:9/clock?key=secret"))
    assert "secret" not in str(told.value)


def test_a_clock_may_be_handed_in(tmp_path: Path) -> None:
    wh = Warehouse(home(tmp_path), clock=lambda _: INSTANT)
    assert wh.is_open(INSTANT.date())
    assert not wh.is_open(INSTANT.date() - timedelta(days=1))


def test_a_home_with_a_file_of_connections_has_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = home(tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"login": "paid for"}))
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", json.dumps({"login": "paid for"}))
    assert find_connection(settings, "shop") == Connection(login="paid for")
    stated = {"AIRFLOW_CONN_SHOP": json.dumps({"login": "harmless", "extra": json.dumps({"calls_per_minute": None})})}
    (tmp_path / CONNECTIONS_FILE).write_text(json.dumps(stated))
    assert find_connection(settings, "shop") == Connection(login="harmless", extra={"calls_per_minute": None})
    with pytest.raises(ConfigError, match=r"connections.json has no connection 'other'"):
        find_connection(settings, "other")


def test_a_connection_that_nobody_states_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_SHOP", raising=False)
    with pytest.raises(ConfigError, match="no connection 'shop': set AIRFLOW_CONN_SHOP"):
        find_connection(home(tmp_path), "shop")
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", "http://user:secret@shop.example")
    with pytest.raises(ConfigError, match="AIRFLOW_CONN_SHOP is not a JSON object"):
        find_connection(home(tmp_path), "shop")
