"""The documentation is served to this machine alone, and is of the newest build."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from seo_warehouse.errors import ConfigError
from seo_warehouse.steps.documentation import is_outdated, open_server
from tests.steps.dropping import open_shop


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where a page is served."""
    page = tmp_path / "static_index.html"
    page.write_text("<title>models</title>")
    (tmp_path / "manifest.json").write_text("{}")
    with open_server(page, 0) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def test_the_page_is_served_and_nothing_beside_it(address: str) -> None:
    answer = requests.get(f"{address}/?g_v=1", timeout=60)
    assert (answer.status_code, answer.text) == (200, "<title>models</title>")
    assert requests.get(f"{address}/manifest.json", timeout=60).status_code == 404


def test_a_name_of_another_site_leads_nowhere(address: str) -> None:
    assert requests.get(address, headers={"Host": "evil.example:80"}, timeout=60).status_code == 403


def test_a_port_in_use_is_refused_in_a_sentence(address: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--port"):
        open_server(tmp_path / "static_index.html", int(address.rpartition(":")[2]))


def test_a_page_is_outdated_once_a_build_has_ended_since(database: str, tmp_path: Path) -> None:
    wh = open_shop(tmp_path, database).wh
    page = tmp_path / "static_index.html"
    assert is_outdated(wh, page)
    page.write_text("")
    assert not is_outdated(wh, page)
    with wh.connect("loader") as connection:
        connection.execute("insert into ops.build (state, ended_at) values ('finished', now() - interval '1 day')")
    assert not is_outdated(wh, page)
    os.utime(page, (0, 0))
    assert is_outdated(wh, page)
