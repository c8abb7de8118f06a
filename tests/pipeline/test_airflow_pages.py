"""Airflow's pages, as somebody sees them who logs in with what `make run` printed."""

from __future__ import annotations

from tests.pipeline.browser import Browser
from tests.pipeline.conftest import Running


def test_the_list_of_dags_shows_each_of_them(running: Running, browser: Browser) -> None:
    browser.open(f"{running.airflow.url}/dags")
    browser.wait_for(
        *(f"ingest__{source.name}" for source in running.wh.sources),
        "warehouse",
        "maintenance",
        "maintenance__daily",
        "maintenance__guests",
    )


def test_the_grid_of_a_dag_shows_its_tasks(running: Running, browser: Browser) -> None:
    browser.open(f"{running.airflow.url}/dags/ingest__search_console")
    browser.wait_for("ingest__search_console", "performance", "property_total", "page_total", "announce", "verdict")


def test_a_run_shows_its_night_and_that_it_succeeded(running: Running, browser: Browser) -> None:
    run = running.airflow.runs("warehouse", running.night.isoformat())[0]
    browser.open(f"{running.airflow.url}/dags/warehouse/runs/{run['dag_run_id']}")
    browser.wait_for("warehouse", "build", "Success")
