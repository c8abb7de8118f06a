"""Airflow's pages, as somebody sees them who logs in with what `make run` printed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.pipeline.browser import Browser, chromium
from tests.pipeline.conftest import Running


@pytest.fixture(scope="module")
def browser(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A window in which the printed user is logged in."""
    if shutil.which("chromedriver") is None and not os.environ.get("CI"):
        pytest.skip("chromedriver is missing: apt-get install chromium-driver")
    with chromium(tmp_path_factory.mktemp("chromium")) as window:
        window.open(running.airflow.url)
        window.write("input[name=username]", running.airflow.user)
        window.write("input[name=password]", running.airflow.password)
        window.click("button[type=submit]")
        window.wait_for("Dags")
        yield window


def test_the_list_of_dags_shows_each_of_them(running: Running, browser: Browser) -> None:
    browser.open(f"{running.airflow.url}/dags")
    browser.wait_for(
        *(f"ingest__{source.name}" for source in running.wh.sources), "warehouse", "maintenance", "maintenance__daily"
    )


def test_the_grid_of_a_dag_shows_its_tasks(running: Running, browser: Browser) -> None:
    browser.open(f"{running.airflow.url}/dags/ingest__search_console")
    browser.wait_for("ingest__search_console", "performance", "property_total", "page_total", "announce", "verdict")


def test_a_run_shows_its_night_and_that_it_succeeded(running: Running, browser: Browser) -> None:
    run = running.airflow.runs("warehouse", running.night.isoformat())[0]
    browser.open(f"{running.airflow.url}/dags/warehouse/runs/{run['dag_run_id']}")
    browser.wait_for("warehouse", "build", "Success")
