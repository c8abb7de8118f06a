"""Which DAGs there are, and what waits for what."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse.sources import SOURCES
from seo_warehouse.sources.site_crawl import SITE_CRAWL
from seo_warehouse.spec import Kind, Source

ROOT = Path(__file__).parents[2]


def test_every_configured_source_has_its_dag(dags: dict[str, Any]) -> None:
    ingests = {f"ingest__{source.name}" for source in SOURCES}
    assert set(dags) == ingests | {
        "warehouse",
        "decide",
        "maintenance",
        "maintenance__daily",
        "maintenance__guests",
        "onboarding",
        "release",
    }


def test_a_source_that_no_property_asks_for_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from seo_warehouse.orchestration.dag_parts import configured_sources

    path = tmp_path / "properties.yml"
    path.write_text(
        "properties: [{key: 1, name: a, domain: a.example, history_start: 2026-05-01,"
        " sources: {search_console: {site: 'sc-domain:a.example'}}}]"
    )
    monkeypatch.setenv("SEO_WAREHOUSE_PROPERTIES", str(path))
    assert [(source.name, groups) for source, groups in configured_sources()] == [("search_console", [["a"]])]


def groups(source: Source) -> list[str]:
    """What is written, audited and published together: a table, or all that files hold."""
    return ["files"] if source.kind is Kind.DROP else [table.name for table in source.tables]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_each_table_is_written_audited_and_published_before_the_night_is_announced(
    dags: dict[str, Any], source: Any
) -> None:
    dag = dags[f"ingest__{source.name}"]
    ordered = {"order"} if source.order else set()
    tables = {f"{group}.{verb}" for group in groups(source) for verb in ("write", "audit", "publish")}
    assert set(dag.task_ids) == ordered | tables | {"announce", "close_night", "verdict"}
    for group in groups(source):
        assert dag.get_task(f"{group}.write").upstream_task_ids == ordered
        assert dag.get_task(f"{group}.audit").upstream_task_ids == {f"{group}.write"}
        assert dag.get_task(f"{group}.publish").upstream_task_ids == {f"{group}.audit"}
    assert dag.get_task("announce").upstream_task_ids == {f"{group}.publish" for group in groups(source)}
    assert {task.task_id for task in dag.leaves} == {"close_night", "verdict"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_nothing_that_fails_stops_what_does_not_depend_on_it(dags: dict[str, Any], source: Any) -> None:
    dag = dags[f"ingest__{source.name}"]
    needs_success = {task.task_id for task in dag.tasks if task.trigger_rule != "all_done"}
    assert needs_success == ({"order"} if source.order else set()) | {"close_night"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_orders_writes_and_publications_are_mapped_over_groups_of_properties(dags: dict[str, Any], source: Any) -> None:
    dag = dags[f"ingest__{source.name}"]
    groups_of = [["all"]] if source.is_shared else [["alpha"]] if source is SITE_CRAWL else [["alpha"], ["beta"]]
    mapped = {task.task_id: task for task in dag.tasks if task.is_mapped}
    wanted = {f"{group}.{verb}" for group in groups(source) for verb in ("write", "publish")}
    assert set(mapped) == wanted | ({"order"} if source.order else set())
    for task in mapped.values():
        assert task.op_kwargs_expand_input.value == {"property_names": groups_of}
        assert "property_names" in task.partial_kwargs["map_index_template"]


@given(st.lists(st.text(), unique=True), st.integers(1, 20))
def test_each_property_is_in_one_group_and_groups_are_few_and_even(names: list[str], count: int) -> None:
    from seo_warehouse.orchestration.dag_parts import in_groups

    made = in_groups(names, count)
    assert sorted(name for group in made for name in group) == sorted(names)
    assert len(made) == min(count, len(names))
    assert not made or max(map(len, made)) - min(map(len, made)) <= 1


def test_there_are_as_many_groups_as_tasks_that_run_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.configuration import conf

    from seo_warehouse.orchestration.dag_parts import configured_sources

    names = [f"shop-{key}" for key in range(1, 1001)]
    sites = [
        {"key": key, "name": name, "domain": f"{name}.example", "history_start": "2026-05-01"}
        | {"sources": {"search_console": {"site": f"sc-domain:{name}.example"}}}
        for key, name in enumerate(names, start=1)
    ]
    path = tmp_path / "properties.yml"
    path.write_text(yaml.safe_dump({"properties": sites}))
    monkeypatch.setenv("SEO_WAREHOUSE_PROPERTIES", str(path))
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "4")
    assert conf.getint("core", "parallelism") == 4
    [(_, groups)] = configured_sources()
    assert [len(group) for group in groups] == [250] * 4
    assert sorted(name for group in groups for name in group) == sorted(names)


def test_a_task_makes_its_own_dag_and_no_other(properties_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from seo_warehouse.orchestration.dag_parts import configured_sources

    monkeypatch.setenv("SEO_WAREHOUSE_PROPERTIES", str(properties_file))
    assert len(configured_sources()) == len(SOURCES)
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "ingest__search_console")
    assert [source.name for source, _ in configured_sources()] == ["search_console"]


def test_the_wait_for_an_order_holds_no_worker_slot(dags: dict[str, Any]) -> None:
    for source in SOURCES:
        if source.order:
            order = dags[f"ingest__{source.name}"].get_task("order")
            assert order.partial_kwargs["mode"] == "reschedule"


def test_a_night_is_the_utc_date_of_its_tick(dags: dict[str, Any]) -> None:
    for source in SOURCES:
        timetable = dags[f"ingest__{source.name}"].timetable
        assert (timetable.expression, str(timetable.timezone)) == (source.cron, "UTC")
        assert (timetable.key_format, timetable.run_offset or 0) == ("%Y-%m-%d", 0)


def test_a_closed_night_wakes_the_warehouse_and_a_held_load_a_request_and_nothing_else_does(
    dags: dict[str, Any],
) -> None:
    emitting = {
        (dag.dag_id, task.task_id, asset.name) for dag in dags.values() for task in dag.tasks for asset in task.outlets
    }
    ours = {(dag_id, task_id, name) for dag_id, task_id, name in emitting if name.startswith("ops/")}
    assert ours == {(f"ingest__{source.name}", "close_night", "ops/night") for source in SOURCES} | {
        ("maintenance", "close_overdue", "ops/night"),
        ("maintenance", "ask", "ops/held"),
        ("warehouse", "ask", "ops/held"),
    }
    marts = [path.stem for path in (ROOT / "dbt_project" / "models" / "marts").rglob("*.sql")]
    assert len(marts) > 50
    assert emitting - ours == {
        (f"ingest__{source.name}", f"{group}.publish", f"raw/{source.raw_name(table)}")
        for source in SOURCES
        for table in source.tables
        for group in groups(source)
        if group in (table.name, "files")
    } | {("warehouse", "build", f"marts/{name}") for name in marts}
    assert dags["warehouse"].timetable.asset_condition.name == "ops/night"
    assert dags["decide"].timetable.asset_condition.name == "ops/held"


def test_a_person_is_asked_without_keeping_a_night_or_another_request_waiting(dags: dict[str, Any]) -> None:
    from seo_warehouse.ledger.answers import OPTIONS

    dag = dags["decide"]
    assert {task.task_id: task.upstream_task_ids for task in dag.tasks} == {
        "describe": set(),
        "request": {"describe"},
        "carry_out": {"request"},
    }
    assert (dag.max_active_runs, dag.is_paused_upon_creation) == (1000, False)
    request = dag.get_task("request")
    assert (request.options, request.defaults) == (list(OPTIONS), ["leave it"])
    assert request.response_timeout == timedelta(days=14)
    # Of the build nothing waits for it: people may be asked while it runs.
    assert dags["warehouse"].get_task("ask").upstream_task_ids == set()
    ending = dags["maintenance"].get_task("end_request")
    assert (ending.is_mapped, ending.upstream_task_ids) == (True, {"find_overtaken"})
    reading = dags["maintenance"].get_task("read_deferred")
    assert (reading.is_mapped, reading.upstream_task_ids) == (True, {"find_deferred"})


@pytest.mark.parametrize("key", [None, "", "0", "-1", "x", "2026-11-22", "1" * 19])
def test_a_request_about_no_load_is_refused_at_once(key: str | None) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from seo_warehouse.orchestration.tasks import load_of

    assert load_of("412") == 412
    with pytest.raises(AirflowFailException, match="partition key"):
        load_of(key)


def test_reports_are_written_once_the_models_are_built(dags: dict[str, Any]) -> None:
    dag = dags["warehouse"]
    assert set(dag.task_ids) == {"build", "report", "verdict", "ask"}
    assert dag.get_task("report").upstream_task_ids == {"build"}
    # A property that is set aside makes the run red, and keeps nobody's report from being written.
    assert dag.get_task("verdict").upstream_task_ids == {"build"}


def test_overdue_nights_are_closed_soon_after_the_deadline(dags: dict[str, Any]) -> None:
    assert dags["maintenance"].timetable.expression == "5 * * * *"
    check = dags["maintenance"].get_task("check_clock")
    assert (check.upstream_task_ids, check.trigger_rule) == ({"close_overdue"}, "all_done")


def test_an_onboarding_asks_for_a_property_and_a_day_and_leaves_the_other_slots_to_the_nights(
    dags: dict[str, Any],
) -> None:
    dag = dags["onboarding"]
    assert dag.schedule is None
    assert dag.is_paused_upon_creation is False
    assert (dag.max_active_runs, dag.task_ids) == (1, ["load_history"])
    assert dag.params.get_param("property").schema["enum"] == ["alpha", "beta"]
    assert dag.params["first_day"] is None
    for name, bad in (("property", "gamma"), ("property", None), ("first_day", "last year"), ("first_day", 2025)):
        with pytest.raises(Exception, match=name):
            deepcopy(dag.params)[name] = bad


def test_a_dag_file_is_thin() -> None:
    files = sorted((ROOT / "dags").glob("*.py"))
    assert files
    for file in files:
        lines = file.read_text().splitlines()
        assert len(lines) <= 40, file.name
        assert not [line for line in lines if line.lstrip().startswith("if ")], file.name


def test_a_release_asks_for_a_load_a_decision_and_a_reason_and_is_never_paused(dags: dict[str, Any]) -> None:
    dag = dags["release"]
    assert dag.schedule is None
    assert dag.is_paused_upon_creation is False
    for name, bad in (("load", 0), ("load", "x"), ("decision", "maybe"), ("why", "")):
        with pytest.raises(Exception, match=name):
            deepcopy(dag.params)[name] = bad
