"""What `make run` says, and what it does while everything is served already."""

from __future__ import annotations

import math
import re
from pathlib import Path

import psycopg
import pytest
import requests

from seo_warehouse.demo import effects, stored_world
from seo_warehouse.embedded import airflow as embedded_airflow
from seo_warehouse.embedded import processes
from seo_warehouse.spec import Kind
from tests.pipeline.conftest import ROOT, Running, make

OF_SAMPLES = {"ranking", "page_change"}
"""Tables that the demo's sample files fill."""
JUDGED = """
    select distinct source_url
    from marts.fct_link_rank_change as compared
    join marts.dim_property using (property_key)
    join marts.dim_link as link using (property_key, link_key)
    join marts.rpt_link_contribution as judged using (property_key, event_key)
    where property_name = %s and compared.window_name = 'headline' and compared.reason is null
        and judged.panel = 'google' and judged.outcome = 'log_position' and judged.arm = 'acquired_followed'
"""
HONEST = """
    select sample_honest_low, sample_honest_high
    from marts.rpt_link_effect
    join marts.dim_property using (property_key)
    where property_name = 'quillmark' and panel = 'google' and cut = 'all' and arm = 'acquired_followed'
        and outcome = 'log_position' and window_name = 'headline' and weighting = 'variance'
"""


def test_the_output_says_where_airflow_is_and_its_password(running: Running) -> None:
    address, user, password = re.search(
        r"^Airflow +(http://127\.0\.0\.1:\d+)  user (\w+)  password (\S+)$", running.output, re.MULTILINE
    ).groups()  # type: ignore[union-attr]
    answer = requests.post(f"{address}/auth/token", json={"username": user, "password": password}, timeout=30)
    assert answer.status_code == 201
    health = requests.get(f"{address}/api/v2/monitor/health", timeout=30).json()
    assert {health[part]["status"] for part in ("metadatabase", "scheduler", "dag_processor")} == {"healthy"}


def test_the_output_says_how_to_connect_to_the_warehouse(running: Running) -> None:
    dsn = re.search(r'^Warehouse +psql "([^"]+)"', running.output, re.MULTILINE).group(1)  # type: ignore[union-attr]
    with psycopg.connect(dsn) as connection:
        [(user, events)] = connection.execute("select current_user, count(*) from marts.fct_link_event").fetchall()
    assert (user, events > 0) == ("seo_analyst", True)


def test_the_output_says_the_state_of_each_load_and_shows_progress(running: Running) -> None:
    for source in running.wh.sources:
        for table in source.tables:
            if source.kind is Kind.DROP and table.name not in OF_SAMPLES:
                continue
            for prop in running.wh.properties.with_source(source):
                state = rf"^{source.name} +{table.name} +{prop.name} +published +\d+ +[\d-]+ +[\d-]+ +\d+"
                assert re.search(state, running.output, re.MULTILINE), state
    assert f"Last night closed: {running.night} by sources" in running.output
    assert re.search(r"^Last build: \d+, finished", running.output, re.MULTILINE)
    seconds = [int(number) for number in re.findall(r"^\[ *(\d+) s\]", running.output, re.MULTILINE)]
    assert seconds == sorted(seconds)
    assert len(seconds) > 50


def test_the_events_of_assets_tell_what_the_night_and_the_build_brought(running: Running) -> None:
    events = {
        (event["name"], name): told
        for event in running.airflow.asset_events()
        for name, told in event["extra"].get("properties", {None: event["extra"]}).items()
    }
    told = events["raw/raw_search_console__performance", "alderwood"]
    assert told["states"].keys() <= {"published", "unchanged"}
    assert (told["rows"] > 0, told["days"] > 0) == (True, True)
    assert events["raw/raw_dataforseo_backlinks__backlink", "alderwood"]["money"] > 0
    assert {name for name, _ in events if name.startswith("raw/")} >= {
        f"raw/{source.raw_name(table)}" for source in running.wh.sources for table in source.tables
    }
    marts = {name: told for (name, _), told in events.items() if name.startswith("marts/")}
    made = [told for told in marts.values() if told["state"] != "left"]
    assert len(made) > 50
    assert {told["state"] for told in made} == {"success"}
    assert marts["marts/fct_link_event"]["rows"] > 0
    assert min(told["days"] for told in made) > 0


def test_the_output_shows_the_first_rows_that_join_links_to_positions(running: Running) -> None:
    facts = running.output.partition("Links and positions")[2].splitlines()
    assert facts[1].split()[:5] == ["property", "date", "event", "page", "keyword"]
    # Before, after, the controls' change, their number, the difference of the differences.
    judged = [line for line in facts[2:10] if re.search(r"  \d+\.\d +\d+\.\d +-?\d+\.\d +\d+ +-?\d+\.\d$", line)]
    assert judged


STATUSES = {
    "alderwood": "Not enough data",
    "teaharbour": "Not enough data",
    "quillmark": "Estimate",
    "fernlight": "Exploratory",
}


def test_the_output_ends_with_what_links_did_beside_the_demos_truth(running: Running) -> None:
    told = running.output.partition("What a new followed link did")[2]
    assert _statuses(told) == STATUSES
    truths = re.findall(r"^  The demo's truth: (\d+(?:\.\d+)?) % nearer to the top\.$", told, re.MULTILINE)
    made = effects(stored_world(running.home / "demo"))  # type: ignore[arg-type]
    for name, truth in zip(("quillmark", "fernlight"), truths, strict=True):
        urls = running.rows(JUDGED, name)
        key = running.wh.properties.named(name).key
        mean = sum(made[key, url] for (url,) in urls) / len(urls)
        assert float(truth) == pytest.approx(100 * -math.expm1(mean), rel=0.05)
    [shown] = re.findall(r"^  Honest interval: between (\S+) and (\S+) % nearer to the top\.$", told, re.MULTILINE)
    [kept] = running.rows(HONEST, role="analyst")
    assert [float(end) for end in shown] == pytest.approx(sorted(100 * -math.expm1(end) for end in kept), rel=0.05)


def test_the_reports_address_is_that_of_a_page(running: Running) -> None:
    [address] = re.findall(r"^Reports +file://(\S+)", running.output, re.MULTILINE)
    assert "quillmark" in Path(address).read_text()


def test_the_readme_shows_what_is_printed() -> None:
    shown = (ROOT / "README.md").read_text().partition("What a new followed link did")[2]
    assert _statuses(shown) == STATUSES


def _statuses(told: str) -> dict[str, str]:
    return dict(re.findall(r"^\* (\w+)\. (\w[\w ]+): ", told, re.MULTILINE))


def test_a_second_make_run_while_serving_changes_nothing(running: Running) -> None:
    before = _what_there_is(running)
    done = make("run", running.home)
    assert done.returncode == 0, done.stdout
    assert f"night {running.night} is built already" in done.stdout
    assert _what_there_is(running) == before


def _what_there_is(running: Running) -> dict[str, object]:
    components = embedded_airflow.components(running.home)
    return {
        "processes": {component.name: processes.find(component).pid for component in components},  # type: ignore[union-attr]
        "loads": running.one("select count(*) from ops.load"),
        "publications": running.one("select count(*) from ops.publication"),
        "builds": running.one("select count(*) from ops.build"),
        "runs": {
            dag_id: len(running.airflow.runs(dag_id)) for dag_id in running.airflow.dag_ids() if "maint" not in dag_id
        },
        "clock": running.control("clock")["is_set"],
    }
