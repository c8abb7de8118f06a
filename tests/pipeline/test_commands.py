"""The command line beside a running warehouse, and its one sentence where something is wrong."""

from __future__ import annotations

import socket
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from tests.pipeline.conftest import Running, command


def test_status_says_what_runs_and_what_was_loaded(running: Running) -> None:
    done = running.command("status")
    assert (done.returncode, done.stderr) == (0, "")
    parts = "postgres, airflow-scheduler, airflow-dag-processor, airflow-api-server, demo"
    assert done.stdout.splitlines()[0] == f"running: {parts}"
    assert f"Last night closed: {running.night} by sources" in done.stdout


def test_status_shows_what_is_there_of_each_day_of_a_property(running: Running) -> None:
    done = running.command("status", "--property", "teaharbour", COLUMNS="120")
    *rows, legend = done.stdout.splitlines()[done.stdout.splitlines().index("Days:") + 2 :]
    assert {row.split()[0] for row in rows} == {"teaharbour"}
    assert "\033" not in done.stdout
    assert legend.startswith(". final  p provisional")
    (totals,) = (row for row in rows if "search_console.page_total" in row)
    # Tonight's window is 5 to 2 days old; at 5 days a day is final.
    assert totals.split()[-1].endswith("...ppp")
    assert set(totals.split()[-1]) == {".", "p"}


@pytest.mark.parametrize("role", ["owner", "loader", "transformer", "analyst", "operator"])
def test_dsn_leads_into_the_warehouse_as_each_role(running: Running, role: str) -> None:
    done = running.command("dsn", "--role", role)
    with psycopg.connect(done.stdout.strip()) as connection:
        assert connection.execute("select current_user, current_database()").fetchall() == [
            (f"seo_{role}", "seo_warehouse")
        ]


def test_dsn_is_the_analysts_unless_another_role_is_asked_for(running: Running) -> None:
    assert running.command("dsn").stdout == running.command("dsn", "--role", "analyst").stdout


def test_ingest_says_what_became_of_each_load(running: Running) -> None:
    done = running.command("ingest", "--source", "search_console", "--property", "teaharbour")
    # Four days of three tables.
    assert (done.returncode, done.stdout, done.stderr) == (0, "12 unchanged\n", "")


def test_replay_says_what_became_of_each_load(running: Running) -> None:
    night = str(running.night)
    done = running.command(
        "replay", "--source", "dataforseo_backlinks", "--property", "alderwood", "--from", night, "--to", night
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 unchanged\n", "")


def test_build_says_that_nothing_is_left_to_model(running: Running) -> None:
    done = running.command("build")
    assert (done.returncode, done.stdout) == (0, "nothing to build: every published day is modelled\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["ingest", "--source", "search_console", "--property", "nobody"],
            "no property 'nobody'; there are: alderwood, teaharbour, quillmark, fernlight",
        ),
        (
            ["replay", "--source", "nothing", "--property", "alderwood", "--from", "2026-01-01", "--to", "2026-01-02"],
            "no source 'nothing': site_crawl, dataforseo_serp, dataforseo_backlinks, search_console",
        ),
        (
            ["ingest", "--source", "site_crawl", "--property", "teaharbour"],
            "site_crawl is not configured for teaharbour",
        ),
        (["run", "--properties", "properties.example.yml"], "holds the demo: set SEO_WAREHOUSE_HOME to another folder"),
    ],
)
def test_a_wrong_request_is_one_sentence(running: Running, arguments: list[str], sentence: str) -> None:
    _expect_sentence(running.command(*arguments), sentence)


@pytest.mark.parametrize("source", ["dataforseo_backlinks", "dataforseo_serp", "site_crawl"])
def test_a_snapshot_of_a_night_that_is_over_is_refused_with_a_sentence(running: Running, source: str) -> None:
    before = running.wh.properties.named("alderwood").history_start - timedelta(days=1)
    done = running.command("ingest", "--source", source, "--property", "alderwood", "--night", str(before))
    _expect_sentence(done, f"{source} answers for now only, and night {before} of alderwood is over")


def test_a_night_that_has_not_begun_is_refused_with_a_sentence(running: Running) -> None:
    later = str(running.night + timedelta(days=9))
    done = running.command("ingest", "--source", "search_console", "--property", "alderwood", "--night", later)
    _expect_sentence(done, f"night {later} has not begun")


def test_a_port_that_somebody_has_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = command(tmp_path / "home", "run", SEO_WAREHOUSE_AIRFLOW_PORT=port)
    assert f"to mend: port {port} (SEO_WAREHOUSE_AIRFLOW_PORT) is in use by another program" in done.stdout
    assert done.stderr.splitlines()[-1].startswith("seo-warehouse: nothing was started: 1 to mend first")
    assert done.returncode == 1


def test_a_home_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    _expect_sentence(command(tmp_path / "file" / "home", "run"), "cannot be used: Not a directory")


@pytest.mark.parametrize("arguments", [["dsn"], ["status"], ["build"]])
def test_before_the_first_run_each_command_says_what_to_do(tmp_path: Path, arguments: list[str]) -> None:
    _expect_sentence(command(tmp_path / "home", *arguments), "run `make run`")


def _expect_sentence(done: object, sentence: str) -> None:
    *_, last = done.stderr.splitlines()  # type: ignore[attr-defined]
    assert last.startswith("seo-warehouse: ")
    assert sentence in last
    assert (done.returncode, done.stdout) == (1, "")  # type: ignore[attr-defined]
    assert "Traceback" not in done.stderr  # type: ignore[attr-defined]
