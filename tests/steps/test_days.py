"""The calendar of days as people see it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import click
import psycopg
from click.testing import CliRunner

from seo_warehouse.cli import main
from seo_warehouse.ledger.completeness import STATES, Days, WaitingLoad
from seo_warehouse.steps.days import MARKS, calendar_lines, waiting_lines
from tests.steps.dropping import open_shop

TODAY = date(2026, 3, 3)
LABEL = "shop  search_console.page  "


def row(states: dict[date, str], name: str = "shop") -> Days:
    return Days("search_console", "page", name, states)


def plain(rows: list[Days], first: date | None = None, width: int = 70) -> list[str]:
    return [click.unstyle(line) for line in calendar_lines(rows, TODAY, first, width)]


def test_every_state_has_a_letter_of_its_own() -> None:
    assert set(MARKS) == set(STATES)
    assert len({letter for letter, _ in MARKS.values()}) == len(MARKS)


def test_each_day_stands_under_its_month() -> None:
    states = {date(2026, 2, 27): "final", date(2026, 2, 28): "failed", date(2026, 3, 1): "provisional", TODAY: "absent"}
    assert plain([row(states), row({TODAY: "quarantined"}, "teahouse")], date(2026, 2, 1)) == [
        "\nDays:",
        "                               Feb 2026                    Mar",
        "shop  search_console.page                                " + ".Fp a",
        "teahouse  search_console.page                                Q",
        ". final  p provisional  R restated  a absent  n never available  Q quarantined  F failed",
    ]


def test_as_many_days_are_shown_as_fit_and_the_holes_before_are_told() -> None:
    days = [TODAY - timedelta(days=n) for n in range(400)]
    states = dict.fromkeys(days, "final") | {date(2025, 9, 1): "absent", date(2025, 9, 2): "failed"}
    lines = plain([row(states)], width=100)
    assert all(len(line) <= 100 for line in lines[:-1])
    assert lines[2] == LABEL + "." * (100 - len(LABEL))
    assert lines[-1] == "Before 2025-12-21: 1 failed, 1 absent; `seo-warehouse status --from 2025-09-01` shows where"


def test_a_year_is_shown_in_blocks() -> None:
    days = [TODAY - timedelta(days=n) for n in range(365)]
    lines = plain([row(dict.fromkeys(days, "final"))], days[-1], width=120)
    assert "".join(line.removeprefix(LABEL) for line in lines if line.startswith(LABEL)) == "." * 365
    months = " ".join(line for line in lines if line.startswith(" ")).split()
    assert [name for name in months if name.isalpha()].count("Jan") == 1
    assert all(len(line) <= 120 for line in lines)


def test_letters_are_coloured_for_a_terminal_only_by_escape_codes() -> None:
    (letters,) = [line for line in calendar_lines([row({TODAY: "failed"})], TODAY, TODAY, 80) if "shop" in line]
    assert click.unstyle(letters).endswith("F")
    assert letters != click.unstyle(letters)


def test_a_load_that_waits_comes_with_its_reason_and_the_command_to_type() -> None:
    load = WaitingLoad(7, "search_console", "page", "shop", TODAY, TODAY, "least_share: 3 rows, 90 are usual", None)
    assert waiting_lines([]) == []
    assert waiting_lines([load])[1:] == [
        "load 7: search_console.page of shop, 2026-03-03..2026-03-03: least_share: 3 rows, 90 are usual",
        '    seo-warehouse release 7 --approve --why "..."    (or --reject)',
    ]


def test_a_load_of_a_file_that_waits_is_told_by_the_files_name() -> None:
    load = WaitingLoad(7, "exports", "backlink", "shop", TODAY, TODAY, "of another domain", None, "links (1).csv")
    what = "load 7: exports.backlink of shop from links (1).csv, 2026-03-03..2026-03-03: of another domain"
    assert waiting_lines([load])[1] == what


def test_status_shows_what_waits_and_of_ledgers_made_by_an_older_version_says_what_to_do(
    database: str, tmp_path: Path
) -> None:
    shop = open_shop(tmp_path, database)
    (tmp_path / "ports.json").write_text('{"airflow": 1}')
    connection = psycopg.connect(database, autocommit=True)
    connection.execute(
        """
        insert into ops.load (source, table_name, property_key, first_day, last_day, purpose, attempt, state, reason)
        values ('exports', 'ranking', 1, '2026-06-01', '2026-06-01', 'night', 1, 'quarantined', 'held')
        """
    )
    done = CliRunner().invoke(main, ["status", "--property", "shop"], env=shop.environment)
    assert done.exit_code == 0, done.output
    assert "load 1: exports.ranking of shop, 2026-06-01..2026-06-01: held" in done.output
    connection.execute("drop function ops.completeness_at cascade")
    connection.close()
    done = CliRunner().invoke(main, ["status"], env=shop.environment)
    assert done.exit_code == 1
    assert "the ledgers are of an older version: `seo-warehouse migrate`" in done.output
