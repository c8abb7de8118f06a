"""What an onboarding asks for, and what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from seo_warehouse.config import Settings
from seo_warehouse.errors import ConfigError, TransientLoadError
from seo_warehouse.ledger import turns
from seo_warehouse.load.schema import create_roles
from seo_warehouse.sources.dataforseo_serp import DATAFORSEO_SERP
from seo_warehouse.sources.search_console import SEARCH_CONSOLE
from seo_warehouse.steps import reading
from seo_warehouse.steps.check import dollars
from seo_warehouse.steps.forecast import foretell
from seo_warehouse.steps.history import load_history, onboard
from seo_warehouse.steps.warehouse import Warehouse
from tests.conftest import PASSWORDS
from tests.load.loading import SOURCE, TABLE, make_row, open_warehouse, passed, write

PROPERTIES = """
properties: [{key: 1, name: shop, domain: shop.example, history_start: 2026-05-01, sources: {
  search_console: {site: "sc-domain:shop.example"}, dataforseo_serp: {}, exports: {}}}]
"""


@pytest.fixture
def wh(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """A warehouse without any connection to a provider."""
    monkeypatch.delenv("AIRFLOW_CONN_GOOGLE_SEARCH_CONSOLE", raising=False)
    (tmp_path / "properties.yml").write_text(PROPERTIES)
    (tmp_path / "secrets.json").write_text(json.dumps(PASSWORDS))
    return Warehouse(Settings({"SEO_WAREHOUSE_HOME": str(tmp_path), "SEO_WAREHOUSE_DSN": database}))


@pytest.mark.parametrize(
    ("today", "first"),
    [
        (date(2026, 11, 22), date(2025, 7, 22)),
        (date(2026, 4, 1), date(2024, 12, 1)),
        # February 2025 has no 30th: two days after its last.
        (date(2026, 6, 30), date(2025, 3, 2)),
    ],
)
def test_search_console_is_asked_for_sixteen_months(today: date, first: date) -> None:
    assert SEARCH_CONSOLE.first_kept(today) == first


def test_what_a_source_no_longer_keeps_is_a_sentence_and_no_call(wh: Warehouse) -> None:
    said: list[str] = []
    assert load_history(wh, "shop", date(2020, 1, 1), date(2020, 3, 1), said.append) == []
    kept = SEARCH_CONSOLE.first_kept(wh.now().date())
    assert sorted(said) == [
        "shop: dataforseo_serp answers for now only; its history begins tonight",
        f"shop: search_console keeps 16 months: nothing before {kept} can be had",
    ]


def test_nights_that_lie_ahead_or_end_before_they_begin_are_refused(wh: Warehouse) -> None:
    said: list[str] = []
    today = wh.now().date()
    with pytest.raises(ConfigError, match="has not begun"):
        onboard(wh, "shop", None, today + timedelta(days=1), said.append)
    with pytest.raises(ConfigError, match="end before they begin"):
        onboard(wh, "shop", today, None, said.append)
    assert said == []


def test_months_that_fail_stop_no_other_are_told_and_raise_at_the_end(wh: Warehouse, database: str) -> None:
    said: list[str] = []
    # Two days of one month and three of the next are settled on the last night.
    last = date(2026, 9, 3) + timedelta(days=SEARCH_CONSOLE.delay_days + SEARCH_CONSOLE.lookback_days)
    with pytest.raises(ConfigError, match="no connection 'google_search_console'"):
        onboard(wh, "shop", date(2026, 8, 30), last, said.append)
    months = [
        f"shop: search_console.{table.name} {month}"
        for table in SEARCH_CONSOLE.tables
        for month in ("2026-08", "2026-09")
    ]
    assert [line.partition(",")[0] for line in said if "FAILED" in line] == months
    assert said[-1] == "shop: 6 months are not loaded; run it again to load them alone"
    with psycopg.connect(database) as connection:
        loads = connection.execute("select distinct first_day, last_day, state, archive_scope from ops.load order by 1")
        assert loads.fetchall() == [
            (date(2026, 8, 30), date(2026, 8, 31), "failed", "history=2026-08"),
            (date(2026, 9, 1), date(2026, 9, 3), "failed", "history=2026-09"),
        ]


@contextmanager
def interrupted(wh: Warehouse, database: str, pauses: Sequence[float]) -> Iterator[tuple[int, Future[list[str]]]]:
    """A load whose publication waits for a build and has lost its connection once; the build has ended."""
    with (
        open_warehouse(database) as connection,
        wh.connect("loader", autocommit=True) as builder,
        ThreadPoolExecutor(1) as beside,
    ):
        create_roles(connection, PASSWORDS)
        with wh.connect("loader", autocommit=True) as loader:
            load_id = passed(loader, write(loader, [make_row()], purpose="history"))
        assert turns.take_warehouse(builder, timedelta(0))
        publishing = beside.submit(reading.settle, wh, SOURCE, TABLE, [load_id], pauses=pauses)
        while not connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where query ~ '^select pg_sleep.*waits for a turn'"
        ).fetchall():
            assert not publishing.done(), publishing.result()
        turns.end_turn(builder, turns.WAREHOUSE)
        yield load_id, publishing


def test_a_publication_of_history_that_met_a_transient_error_is_tried_again(wh: Warehouse, database: str) -> None:
    with interrupted(wh, database, pauses=(0.01,)) as (_, publishing):
        assert publishing.result() == ["published"]


def test_one_that_is_not_tried_again_stays_for_later(wh: Warehouse, database: str) -> None:
    with interrupted(wh, database, pauses=()) as (load_id, publishing):
        with pytest.raises(TransientLoadError):
            publishing.result()
        assert reading.settle(wh, SOURCE, TABLE, [load_id]) == ["published"]


def test_history_waits_as_long_between_its_tries_as_tasks_do(wh: Warehouse) -> None:
    assert reading.patience(wh) == (300, 600, 1200, 2400)


def test_onboarding_before_the_demos_days_says_so_and_begins_with_them(wh: Warehouse) -> None:
    path = wh.settings.properties_path
    path.write_text(f"clock_url: http://127.0.0.1:1/clock\n{PROPERTIES}")
    today = datetime(2026, 5, 20, 9, tzinfo=UTC)
    demo = Warehouse(
        Settings({"SEO_WAREHOUSE_HOME": str(wh.settings.home), "SEO_WAREHOUSE_DSN": str(wh.settings.owner_dsn)}),
        clock=lambda _: today,
    )
    said: list[str] = []
    onboard(demo, "shop", date(2026, 4, 1), date(2026, 4, 20), said.append)
    assert "after night 2026-04-20: nothing is loaded" in said[0]
    assert said[1].endswith("(clock_url), and no day before 2026-05-01")


def test_a_dry_run_says_what_would_be_read_and_cost_and_asks_nobody(wh: Warehouse) -> None:
    path = wh.settings.properties_path
    budget = ", budgets: {dataforseo_serp: {money: 1}}, keywords: [{keyword: oak}], sources: {"
    path.write_text(path.read_text().replace(", sources: {", budget))
    wh = Warehouse(wh.settings)
    today = wh.now().date()
    first, last = today - timedelta(days=20), today - timedelta(days=1)
    said: list[str] = []
    # There is no connection to anybody.
    foretell(wh, "shop", first, last, said.append)
    days = (last - first).days + 1 - SEARCH_CONSOLE.delay_days - SEARCH_CONSOLE.lookback_days
    assert "shop: dataforseo_serp answers for now only; its history begins tonight" in said
    [history] = [line for line in said if "search_console.page_total" in line]
    assert history.startswith(f"shop: history of search_console.page_total: {days} days in ")
    assert history.endswith("loads, calls are not known before the first of them")
    # Two devices, ten results a page: the vendor's list.
    price = DATAFORSEO_SERP.price(wh.properties.named("shop"))  # type: ignore[misc]
    assert f"shop: each night dataforseo_serp: {dollars(price)} by the price list; money_per_night allows 20" in said
    assert said[-1] == (
        f"shop: the month's budget for dataforseo_serp has 1.00 US dollars left, {int(1 / price)} such nights"
    )
    with wh.connect("loader") as connection:
        assert connection.execute("select count(*) from ops.load").fetchone() == (0,)
        learn(connection, 2, "0.5", today)
    said.clear()
    foretell(wh, "shop", first, last, said.append)
    [night] = [line for line in said if "each night dataforseo_serp" in line]
    assert "some 6 calls and 9 rows, 0.5 US dollars (by other properties' last 1); money_per_night allows 20" in night
    wh.sync_properties()
    with wh.connect("loader") as connection:
        learn(connection, 1, "0.25", today)
        learn(connection, 1, "0.05", today - timedelta(days=1))
    said.clear()
    foretell(wh, "shop", first, last, said.append)
    assert "shop: a night costs some 0.15 US dollars in all" in said
    assert said[-1].endswith(" 0.70 US dollars left, 4 such nights")


def learn(connection: psycopg.Connection[Any], key: int, money: str, night: date) -> None:
    """A night that was read today: what its order cost, and what came of it."""
    connection.execute(
        "insert into ops.order_usage values (default, 'dataforseo_serp', %s, %s, 6, 0, 0, 10, 0, %s, now())",
        (key, night, money),
    )
    connection.execute(
        "insert into ops.load (source, table_name, property_key, first_day, last_day, night, purpose, attempt, state,"
        " rows_read, calls, money)"
        " values ('dataforseo_serp', 'task', %s, %s, %s, %s, 'night', 1, 'published', 9, 0, 0)",
        (key, night, night, night),
    )
