"""What people start in Airflow by hand: a release, and nights run again."""

from __future__ import annotations

import time
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from tests.pipeline.browser import Browser
from tests.pipeline.conftest import Running, hold

DAG = "ingest__search_console"
WAIT_SECONDS = 900


def test_a_release_by_hand_publishes_the_load_and_keeps_who_and_why(running: Running) -> None:
    load_id = hold(running, 1_000)
    conf = {"load": load_id, "decision": "approve", "why": "a quiet day"}
    run = running.airflow.call("POST", "dags/release/dagRuns", json={"logical_date": None, "conf": conf})
    done = running.airflow.wait("release", run_id=run["dag_run_id"], timeout_seconds=WAIT_SECONDS)
    log = running.airflow.log("release", run["dag_run_id"], "release")
    assert done["state"] == "success", log
    assert running.one("select state from ops.load where load_id = %s", load_id) == "published"
    assert running.rows("select decision, decided_by, why from ops.quality_decision where load_id = %s", load_id) == [
        ("approve", "admin (Airflow)", "a quiet day")
    ]


def test_airflow_asks_about_held_loads_does_what_is_answered_and_ends_what_was_decided_elsewhere(
    running: Running,
) -> None:
    answered, elsewhere = hold(running, 1_001), hold(running, 1_002)
    running.airflow.trigger("maintenance")
    runs = {load_id: _run_that_asks(running, load_id) for load_id in (answered, elsewhere)}
    rejected = running.command("release", str(elsewhere), "--reject", "--why", "cut short")
    assert rejected.returncode == 0, rejected.stderr
    _answer_until_done(running, runs[answered], "approve", "a quiet day")
    assert running.rows("select decision, decided_by, why from ops.quality_decision where load_id = %s", answered) == [
        ("approve", "admin (Airflow)", "a quiet day")
    ]
    assert running.one("select state from ops.load where load_id = %s", answered) == "published"
    running.airflow.trigger("maintenance")
    done = running.airflow.wait("decide", run_id=runs[elsewhere], timeout_seconds=WAIT_SECONDS)
    tasks = {task["task_id"]: task["state"] for task in running.airflow.tasks("decide", runs[elsewhere])}
    assert (done["state"], tasks) == ("success", dict.fromkeys(("describe", "request", "carry_out"), "skipped"))


def test_a_person_answers_under_required_actions(running: Running, browser: Browser) -> None:
    load_id = hold(running, 1_003)
    running.airflow.trigger("maintenance")
    run = _run_that_asks(running, load_id)
    browser.open(f"{running.airflow.url}/dags/decide/runs/{quote(run, safe='')}/tasks/request/required_actions")
    browser.wait_for(f"load {load_id}")
    browser.write("#element_why", "a quiet day")
    browser.click("[data-testid='hitl-option-approve']")
    done = running.airflow.wait("decide", run_id=run, timeout_seconds=WAIT_SECONDS)
    assert done["state"] == "success", running.airflow.log("decide", run, "carry_out")
    assert running.rows("select decision, decided_by, why from ops.quality_decision where load_id = %s", load_id) == [
        ("approve", "admin (Airflow)", "a quiet day")
    ]
    assert running.one("select state from ops.load where load_id = %s", load_id) == "published"


def _run_that_asks(running: Running, load_id: int) -> str:
    """Wait until a request about a load stands; its run."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        for run in running.airflow.runs("decide", str(load_id)):
            run_id: str = run["dag_run_id"]
            if "awaiting_input" in {task["state"] for task in running.airflow.tasks("decide", run_id)}:
                return run_id
        assert time.monotonic() < deadline, running.airflow.runs("decide")
        time.sleep(0.5)


def _answer_until_done(running: Running, run_id: str, option: str, why: str) -> None:
    """Airflow may lose an answer that is given in the second in which the request appears; it asks again then."""
    task = f"dags/decide/dagRuns/{run_id}/taskInstances/request/-1"
    body = {"chosen_options": [option], "params_input": {"why": why}}
    deadline = time.monotonic() + WAIT_SECONDS
    while running.airflow.run("decide", run_id)["state"] not in ("success", "failed"):
        if not running.airflow.call("GET", f"{task}/hitlDetails")["response_received"]:
            running.airflow.call("PATCH", f"{task}/hitlDetails", json=body)
        assert time.monotonic() < deadline, running.airflow.tasks("decide", run_id)
        time.sleep(0.5)
    log = running.airflow.log("decide", run_id, "carry_out")
    assert running.airflow.run("decide", run_id)["state"] == "success", log


def test_airflows_own_backfill_runs_a_night_by_rest(running: Running) -> None:
    night = running.night - timedelta(days=1)
    body = {"dag_id": DAG, "from_date": f"{night}T00:00:00Z", "to_date": f"{night}T23:59:59Z"}
    running.airflow.call("POST", "backfills", json=body)
    _expect_night(running, night)


def test_airflows_own_command_runs_nights_too_also_those_that_have_run(running: Running) -> None:
    first, last = running.night - timedelta(days=2), running.night - timedelta(days=1)
    before = running.airflow.runs(DAG, last.isoformat())
    deadline = time.monotonic() + WAIT_SECONDS
    while [backfill for backfill in _backfills(running) if backfill["completed_at"] is None]:
        assert time.monotonic() < deadline
        time.sleep(1)
    done = running.command(
        *("airflow", "backfill", "create", "--dag-id", DAG),
        *("--from-date", str(first), "--to-date", f"{last}T23:59:59"),
        *("--max-active-runs", "1", "--reprocess-behavior", "completed"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(running.airflow.runs(DAG, last.isoformat())) == len(before) + 1
    _expect_night(running, first)
    _expect_night(running, last)


def _backfills(running: Running) -> list[dict[str, Any]]:
    return list(running.airflow.call("GET", "backfills", params={"dag_id": DAG})["backfills"])


def _expect_night(running: Running, night: date) -> None:
    done = running.airflow.wait(DAG, partition_key=night.isoformat(), timeout_seconds=WAIT_SECONDS)
    assert (done["run_type"], done["state"]) == ("backfill", "success")
    days = running.rows(
        """
        select distinct first_day, state in ('published', 'unchanged', 'superseded') from ops.load
        where source = 'search_console' and night = %s and purpose = 'night' order by 1
        """,
        night,
    )
    # Delay 2, lookback 3, and no hole behind them.
    assert days == [(night - timedelta(days=age), True) for age in (5, 4, 3, 2)]
