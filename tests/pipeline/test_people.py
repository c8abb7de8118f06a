"""What people start in Airflow by hand: a release, and nights run again."""

from __future__ import annotations

import time
from datetime import date, timedelta
from typing import Any

from tests.load.loading import write
from tests.pipeline.conftest import Running

DAG = "ingest__search_console"
WAIT_SECONDS = 900


def test_a_release_by_hand_publishes_the_load_and_keeps_who_and_why(running: Running) -> None:
    source = next(source for source in running.wh.sources if source.name == "search_console")
    day = running.night - timedelta(days=1_000)
    with running.wh.connect("loader", autocommit=True) as connection:
        load_id = write(connection, [], source=source, days=[day])
        connection.execute("update ops.load set state = 'quarantined', reason = 'held' where load_id = %s", (load_id,))
    conf = {"load": load_id, "decision": "approve", "why": "a quiet day"}
    run = running.airflow.call("POST", "dags/release/dagRuns", json={"logical_date": None, "conf": conf})
    done = running.airflow.wait("release", run_id=run["dag_run_id"], timeout_seconds=WAIT_SECONDS)
    log = running.airflow.log("release", run["dag_run_id"], "release")
    assert done["state"] == "success", log
    assert running.one("select state from ops.load where load_id = %s", load_id) == "published"
    assert running.rows("select decision, decided_by, why from ops.quality_decision where load_id = %s", load_id) == [
        ("approve", "admin (Airflow)", "a quiet day")
    ]


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
