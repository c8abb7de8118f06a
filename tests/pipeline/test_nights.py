"""Two nights more: one in which a property's load is not fit, one in which a source is paused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from tests.pipeline import test_facts as facts
from tests.pipeline.conftest import Running
from tests.pipeline.test_facts import reads_made, world_of

BROKEN = {"match": "alderwood.*/searchAnalytics/query", "kind": "unknown_field"}
"""Search Console answers one of its two properties with a field that nobody documented."""
PAUSED = "dataforseo_backlinks"
WAIT_SECONDS = 900

ALDERWOOD, TEAHARBOUR = 1, 2


@dataclass(frozen=True)
class Night:
    """A night that was brought through the scheduler: each DAG's run of it."""

    night: date
    runs: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def unfit(running: Running) -> Iterator[Night]:
    """The next night, in which one property's Search Console loads fail their gate."""
    night = running.night + timedelta(days=1)
    running.set_clock(datetime.combine(night, time(6), UTC))
    running.control("failures", [BROKEN])
    with running.wh.connect("transformer") as connection:
        connection.execute("drop view staging.stg_exports__keyword cascade")
    try:
        runs = _bring(running, night, [source.name for source in running.wh.sources])
        runs["warehouse"] = running.airflow.wait(
            "warehouse", partition_key=night.isoformat(), timeout_seconds=WAIT_SECONDS
        )
        yield Night(night, runs)
    finally:
        running.control("failures", [])
        running.set_clock(None)


@pytest.fixture(scope="module")
def overdue(running: Running, unfit: Night) -> Iterator[Night]:
    """The night after it, whose deadline passes while one source is paused."""
    night = unfit.night + timedelta(days=1)
    running.control("failures", [])
    running.set_clock(datetime.combine(night, time(6), UTC))
    running.airflow.set_paused(f"ingest__{PAUSED}", True)
    try:
        runs = _bring(running, night, [source.name for source in running.wh.sources if source.name != PAUSED])
        assert running.rows("select night from ops.night where night = %s", night) == []
        running.set_clock(datetime.combine(night, time(23, 1), UTC))
        run_id = running.airflow.trigger("maintenance")
        runs["maintenance"] = running.airflow.wait("maintenance", run_id=run_id, timeout_seconds=WAIT_SECONDS)
        runs["warehouse"] = running.airflow.wait(
            "warehouse", partition_key=night.isoformat(), timeout_seconds=WAIT_SECONDS
        )
        yield Night(night, runs)
    finally:
        running.set_clock(None)
        running.airflow.unpause(f"ingest__{PAUSED}")


def test_only_the_ingest_run_of_the_unfit_load_is_red(unfit: Night) -> None:
    assert {dag_id: run["state"] for dag_id, run in unfit.runs.items()} == {
        "ingest__search_console": "failed",
        "ingest__site_crawl": "success",
        "ingest__google_updates": "success",
        "ingest__dataforseo_serp": "success",
        "ingest__dataforseo_backlinks": "success",
        "ingest__exports": "success",
        "ingest__outreach": "success",
        "ingest__hubspot": "success",
        "ingest__link_check": "success",
        "ingest__ga4": "success",
        "ingest__bot_range": "success",
        "ingest__server_logs": "success",
        "warehouse": "success",
    }


def test_the_verdict_names_the_property_the_tables_and_the_reason(running: Running, unfit: Night) -> None:
    run_id = unfit.runs["ingest__search_console"]["dag_run_id"]
    tasks = running.airflow.tasks("ingest__search_console", run_id)
    assert {task["task_id"] for task in tasks if task["state"] == "failed"} == {"verdict"}
    # Nothing to publish for one property; nothing to close while a source is still at work.
    skipped = {task["task_id"] for task in tasks if task["state"] == "skipped"} - {"close_night"}
    assert skipped == {f"{table}.publish" for table in ("performance", "property_total", "page_total")}
    log = running.airflow.log("ingest__search_console", run_id, "verdict")
    for word in ("alderwood", "performance", "property_total", "page_total", "quarantined", "never_documented"):
        assert word in log
    assert "teaharbour" not in log


def test_the_unfit_loads_stay_out_and_all_others_are_published(running: Running, unfit: Night) -> None:
    loads = running.rows(
        "select source, property_key, state, reason from ops.load where night = %s and purpose = 'night'", unfit.night
    )
    held = [(state, reason) for source, key, state, reason in loads if (source, key) == ("search_console", ALDERWOOD)]
    # Four days of each of three tables: the newest, and three that may have changed.
    assert len(held) == 12
    assert all(state == "quarantined" and "never_documented" in reason for state, reason in held)
    others = {(source, key, state) for source, key, state, _ in loads} - {("search_console", ALDERWOOD, "quarantined")}
    assert {state for *_, state in others} <= {"published", "unchanged"}
    assert {(source, key) for source, key, _ in others} == {
        ("search_console", TEAHARBOUR),
        ("google_updates", 0),
        ("bot_range", 0),
        ("link_check", TEAHARBOUR),
        ("ga4", ALDERWOOD),
        *(("dataforseo_serp", key) for key in (ALDERWOOD, TEAHARBOUR)),
        # The panels' positions are checked by the week.
        *((PAUSED, prop.key) for prop in running.wh.properties.properties),
    }
    newest = running.rows(
        "select property_key, max(day) from raw.raw_search_console__performance group by 1 order by 1"
    )
    assert newest == [
        (ALDERWOOD, unfit.night - timedelta(days=3)),
        (TEAHARBOUR, unfit.night - timedelta(days=2)),
    ]


def test_the_night_closed_by_itself_with_nothing_missing_and_was_modelled(running: Running, unfit: Night) -> None:
    assert running.rows(
        "select closed_by, missing_sources from ops.night where night = %s", unfit.night
    ) == [("sources", [])]  # fmt: skip
    assert running.rows(
        "select state, missing_sources from ops.build where %s = any(nights)", unfit.night
    ) == [("finished", [])]  # fmt: skip
    checks = dict(
        running.rows(
            "select property_key, count(*) from marts.fct_serp_position where day = %s group by 1", unfit.night
        )
    )
    assert checks == {ALDERWOOD: 20, TEAHARBOUR: 20}
    newest = unfit.night - timedelta(days=2)
    assert running.rows("select property_key from marts.fct_search_total where day = %s", newest) == [(TEAHARBOUR,)]


def test_what_stayed_out_is_named_by_status(running: Running, unfit: Night) -> None:
    [line] = [
        line
        for line in running.command("status").stdout.splitlines()
        if line.split()[:4] == ["search_console", "performance", "alderwood", "quarantined"]
    ] or [""]
    assert "never_documented" in line


def test_the_deadline_closes_a_night_and_names_the_paused_source(running: Running, overdue: Night) -> None:
    assert {dag_id: run["state"] for dag_id, run in overdue.runs.items()} == {
        "ingest__search_console": "success",
        "ingest__site_crawl": "success",
        "ingest__google_updates": "success",
        "ingest__dataforseo_serp": "success",
        "ingest__exports": "success",
        "ingest__outreach": "success",
        "ingest__hubspot": "success",
        "ingest__link_check": "success",
        "ingest__ga4": "success",
        "ingest__bot_range": "success",
        "ingest__server_logs": "success",
        "maintenance": "success",
        "warehouse": "success",
    }
    assert running.rows(
        "select closed_by, missing_sources from ops.night where night = %s", overdue.night
    ) == [("deadline", [PAUSED])]  # fmt: skip
    assert running.rows(
        "select state, missing_sources from ops.build where %s = any(nights)", overdue.night
    ) == [("finished", [f"{overdue.night} {PAUSED}"])]  # fmt: skip


def test_what_was_there_of_an_overdue_night_is_modelled(running: Running, overdue: Night) -> None:
    checks = running.rows("select distinct property_key from marts.fct_serp_position where day = %s", overdue.night)
    assert sorted(checks) == [(ALDERWOOD,), (TEAHARBOUR,)]
    assert running.one("select max(day) from intermediate.int_link__fold_sightings") == overdue.night - timedelta(
        days=1
    )


def test_views_of_staging_and_seeds_are_made_anew_only_where_one_was_missing(
    running: Running, unfit: Night, overdue: Night
) -> None:
    made = {
        night: running.one(
            """
            select count(*) filter (where unique_id ~ '^(seed[.]|model[.].*[.]stg_)')
            from ops.dbt_node_result as r join ops.build as b using (build_id) where %s = any(b.nights)
            """,
            night,
        )
        for night in (unfit.night, overdue.night)
    }
    assert made[unfit.night] > 20
    assert made[overdue.night] == 0


def test_the_next_fit_reading_heals_what_the_gate_kept_out(running: Running, overdue: Night) -> None:
    newest = running.rows("select property_key, max(day), count(*) from marts.fct_search_total group by 1 order by 1")
    days = (overdue.night - timedelta(days=2) - world_of(running).first_day).days + 1
    assert newest == [(key, overdue.night - timedelta(days=2), days) for key in (ALDERWOOD, TEAHARBOUR)]


def test_after_these_nights_the_facts_still_are_what_the_demo_disclosed(running: Running, overdue: Night) -> None:
    world, made = world_of(running), reads_made(running)
    assert made[-1].night == overdue.night - timedelta(days=1)
    facts.test_every_disclosed_sighting_of_a_link_is_known_and_no_other(running)
    facts.test_a_links_lifespan_begins_with_its_first_sight_and_ends_with_its_last(running)
    facts.test_every_link_that_came_is_acquired_on_its_true_date_and_no_other(running, world, made)
    facts.test_every_loss_return_and_change_that_a_read_can_show_is_an_event_and_no_other(running, world, made)
    facts.test_every_rank_check_has_the_disclosed_state_position_page_and_depth(running)
    facts.test_search_totals_are_those_of_the_last_reading(running)
    facts.test_every_page_that_the_site_served_to_the_crawl_is_known_with_its_status(running)


def _bring(running: Running, night: date, sources: list[str]) -> dict[str, dict[str, Any]]:
    """Start these sources' runs of a night and wait until each has ended."""
    run_ids = {f"ingest__{name}": running.airflow.trigger(f"ingest__{name}", night.isoformat()) for name in sources}
    return {
        dag_id: running.airflow.wait(dag_id, run_id=run_id, timeout_seconds=WAIT_SECONDS)
        for dag_id, run_id in run_ids.items()
    }
