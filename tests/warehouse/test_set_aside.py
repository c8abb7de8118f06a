"""A row that cannot be modelled costs its property alone, and that no more than the days that wait."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Collection
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from seo_warehouse.config import Settings
from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.errors import BuildError
from seo_warehouse.ledger import aside, builds
from seo_warehouse.steps import warehouse as steps
from seo_warehouse.steps.apart import BuildSummary, build_apart
from seo_warehouse.steps.effect import estimate_effects
from tests.conftest import PASSWORDS
from tests.effect.test_inference import BASE
from tests.warehouse.world import DATABASE, Dbt, Warehouse

MODELS = ("run", "--select", "int_page__collect_pages", "fct_search_page", "dim_page")
"""One kept by claimed days, one that only grows, and one that is made anew of what that holds."""
FIRST = date(2026, 5, 1)
BROKEN = 1e30
"""A position that the gate lets pass, and whose sum overflows in fct_search_page."""
SOUND, SICK, LATE = 1, 2, 3


class KilledError(BaseException):
    """Stands for the end of the process: nobody catches it."""


class Building:
    """The builds of a night, each of some models; `killed_at` says which of them is cut, once dbt has run."""

    def __init__(self, warehouse: Warehouse, killed_at: int | None = None) -> None:
        self.warehouse, self.killed_at = warehouse, killed_at
        self.claimed: list[builds.Build] = []

    def __call__(
        self,
        left_out: Collection[int],
        *,
        emptied: Collection[int] = (),
        full: bool = False,
        even_empty: bool = False,
    ) -> BuildSummary:
        connection = self.warehouse.connection
        build = builds.claim_build(connection, full, left_out=left_out, emptied=emptied, even_empty=even_empty)
        if build is None:
            return BuildSummary(None)
        self.claimed.append(build)
        aside.hide_days(connection, build.build_id)
        full_refresh = ("--full-refresh",) if build.is_full else ()
        unseen = sorted({*left_out, *emptied})
        done = self.warehouse.dbt.invoke(*MODELS, *full_refresh, build_id=build.build_id, left_out=unseen)
        if len(self.claimed) == self.killed_at:
            raise KilledError
        if not done.success:
            broken = [str(r.message) for r in done.result.results if str(r.status) == "error"]
            builds.fail_build(connection, build.build_id, "; ".join(broken))
            raise BuildError("; ".join(broken))
        builds.finish_build(connection, build.build_id)
        return BuildSummary(build.build_id, build.day_count)


def _build(warehouse: Warehouse, *, full: bool = False, killed_at: int | None = None) -> BuildSummary:
    with builds.warehouse_lock(warehouse.connection):
        return build_apart(warehouse.connection, Building(warehouse, killed_at), full=full)


def _build_elsewhere(dsn: str, folder: Path) -> None:
    """Build in a process that is to be killed."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        _build(Warehouse(connection, Dbt(folder)))


def _day(number: int) -> date:
    return FIRST + timedelta(days=number)


def _publish(warehouse: Warehouse, key: int, number: int, position: float = 2.0, path: str | None = None) -> None:
    row = {
        "page_url": f"https://site{key}.example/{path or number}",
        "country": "deu",
        "device": "MOBILE",
        "clicks": 1.0,
        "impressions": 10.0,
        "position": position,
    }
    warehouse.publish("search_console", "page_total", key, _day(number), [row])


def _rows(warehouse: Warehouse, key: int) -> dict[str, list[dict[str, Any]]]:
    """What the marts hold of a property."""
    return {
        mart: warehouse.rows(f"select * from {mart} where property_key = %s order by 2, 3", key)
        for mart in ("marts.fct_search_page", "marts.dim_page")
    }


def _days(warehouse: Warehouse, key: int) -> list[int]:
    rows = warehouse.rows("select day from marts.fct_search_page where property_key = %s order by 1", key)
    return [(row["day"] - FIRST).days for row in rows]


def _last(warehouse: Warehouse) -> int:
    (row,) = warehouse.rows("select max(build_id) as build_id from ops.build")
    return int(row["build_id"])


def _aside(warehouse: Warehouse) -> list[tuple[int, int]]:
    return [(each.property_key, each.day_count) for each in aside.read_aside(warehouse.connection)]


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Warehouse:
    """Three properties with a day each, built."""
    for key in (SOUND, SICK, LATE):
        warehouse.add_property(key, f"site{key}.example")
        _publish(warehouse, key, 0)
    assert _build(warehouse).aside == ()
    return warehouse


@pytest.fixture(scope="module")
def broken_night(built: Warehouse) -> tuple[Warehouse, BuildSummary, dict[str, list[dict[str, Any]]]]:
    """The night in which a property's second day holds a row that no model can hold."""
    before = _rows(built, SICK)
    for key in (SOUND, LATE):
        _publish(built, key, 1)
    _publish(built, SICK, 1, BROKEN)
    return built, _build(built), before


def test_the_others_are_built_the_same_night(broken_night: tuple[Warehouse, BuildSummary, Any]) -> None:
    warehouse, done, before = broken_night
    assert _days(warehouse, SOUND) == _days(warehouse, LATE) == [0, 1]
    assert _rows(warehouse, SICK) == before
    assert _aside(warehouse) == [(SICK, 1)]
    (sentence,) = done.aside
    assert sentence.startswith("property-2: 1 published day (2026-05-02 to 2026-05-02) cannot be modelled since ")
    assert "numeric field overflow" in sentence


def test_no_model_of_it_keeps_what_a_failed_build_put_there(broken_night: tuple[Warehouse, Any, Any]) -> None:
    warehouse, *_ = broken_night
    pages = warehouse.rows("select url from intermediate.int_page__collect_pages where property_key = %s", SICK)
    assert [page["url"] for page in pages] == ["https://site2.example/0"]


def test_its_days_are_tried_alone_and_the_others_do_not_wait(broken_night: tuple[Warehouse, Any, Any]) -> None:
    warehouse, *_ = broken_night
    _publish(warehouse, SOUND, 2)
    _publish(warehouse, SICK, 2)
    night = Building(warehouse)
    with builds.warehouse_lock(warehouse.connection):
        done = build_apart(warehouse.connection, night)
    assert _days(warehouse, SOUND) == [0, 1, 2]
    assert _days(warehouse, SICK) == [0]
    assert _aside(warehouse) == [(SICK, 2)]
    assert len(done.aside) == 1
    # The others' one day; what waits of the one alone; and what that left is made anew.
    assert len(night.claimed) == 3
    assert builds.count_unmodelled(warehouse.connection) == 0


def test_a_build_of_everything_is_not_ended_by_it_either(broken_night: tuple[Warehouse, Any, Any]) -> None:
    warehouse, *_ = broken_night
    warehouse.connection.execute("delete from ops.set_aside")
    _build(warehouse, full=True)
    assert _days(warehouse, SOUND) == [0, 1, 2]
    assert _days(warehouse, SICK) == [0]
    assert _aside(warehouse) == [(SICK, 2)]


def test_a_kill_while_it_is_found_and_set_aside_changes_nothing(broken_night: tuple[Warehouse, Any, Any]) -> None:
    warehouse, *_ = broken_night
    warehouse.connection.execute("delete from ops.set_aside")
    for key in (SOUND, LATE, SICK):
        _publish(warehouse, key, 3)
    with pytest.raises(KilledError):
        # The third: all have failed together, one has been built, and the other two have failed.
        _build(warehouse, killed_at=3)
    _build(warehouse)
    assert _days(warehouse, SOUND)[-1] == _days(warehouse, LATE)[-1] == 3
    assert _days(warehouse, SICK) == [0]
    assert _aside(warehouse) == [(SICK, 3)]


def test_a_process_killed_once_one_is_set_aside_and_before_it_is_made_anew_changes_nothing(
    broken_night: tuple[Warehouse, Any, Any], postgres: Postgres
) -> None:
    warehouse, *_ = broken_night
    warehouse.connection.execute("delete from ops.set_aside")
    # One of two: the last of the builds that look for it fails, so it is made anew once it is set aside.
    _publish(warehouse, SOUND, 4)
    building = multiprocessing.get_context("spawn").Process(
        target=_build_elsewhere, args=(postgres.dsn(DATABASE), warehouse.dbt.folder)
    )
    building.start()
    deadline = time.monotonic() + 600
    while not aside.aside_keys(warehouse.connection):
        assert building.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert building.pid is not None
    os.kill(building.pid, signal.SIGKILL)
    building.join()
    assert building.exitcode == -signal.SIGKILL
    # As every build does before it begins (dbt_commands.end_sessions_of_dead_builds).
    others = "select pg_terminate_backend(pid, 30000) from pg_stat_activity where usename = 'seo_transformer'"
    warehouse.connection.execute(f"{others} and datname = current_database()")
    half_made = warehouse.rows(
        "select 1 from ops.build where state in ('claimed', 'failed') and build_id = %s", _last(warehouse)
    )
    assert half_made
    _build(warehouse)
    assert _days(warehouse, SOUND)[-1] == 4
    assert _days(warehouse, SICK) == [0]
    assert _aside(warehouse) == [(SICK, 3)]
    assert warehouse.rows("select 1 from ops.build where state = 'claimed'") == []
    pages = warehouse.rows("select url from intermediate.int_page__collect_pages where property_key = %s", SICK)
    assert [page["url"] for page in pages] == ["https://site2.example/0"]


def test_what_was_mended_comes_back_whole(broken_night: tuple[Warehouse, Any, Any]) -> None:
    warehouse, *_ = broken_night
    _publish(warehouse, SICK, 1, 3.0)
    assert _build(warehouse).aside == ()
    assert _days(warehouse, SICK) == [0, 1, 2, 3]
    hidden = warehouse.rows("select polname from pg_policy where polname = %s", aside.POLICY)
    secured = warehouse.rows("select relname from pg_class where relrowsecurity and relnamespace = 'raw'::regnamespace")
    assert hidden == secured == []
    standing = {key: _rows(warehouse, key) for key in (SOUND, SICK, LATE)}
    warehouse.dbt(*MODELS, "--full-refresh")
    assert {key: _rows(warehouse, key) for key in (SOUND, SICK, LATE)} == standing


@pytest.fixture
def standing(broken_night: tuple[Warehouse, Any, Any]) -> dict[int, dict[str, list[dict[str, Any]]]]:
    """What the marts hold of each before days fail that were modelled."""
    warehouse, *_ = broken_night
    return {key: _rows(warehouse, key) for key in (SOUND, SICK, LATE)}


def _spoil(warehouse: Warehouse, position: float) -> None:
    """Give the first day of one, which is modelled, another position: stands for a model that is another now."""
    warehouse.connection.execute(
        "update raw.raw_search_console__page_total set position = %s where property_key = %s and day = %s",
        (position, SICK, FIRST),
    )


@pytest.mark.parametrize("is_full", [True, False])
def test_a_day_that_was_modelled_before_and_cannot_be_again_costs_its_property_alone(
    built: Warehouse, standing: dict[int, dict[str, list[dict[str, Any]]]], is_full: bool
) -> None:
    _spoil(built, BROKEN)
    if not is_full:
        # Made anew without its new day, it is made of the spoilt one.
        _publish(built, SICK, 3, BROKEN)
    done = _build(built, full=is_full)
    assert {key: _rows(built, key) for key in (SOUND, LATE)} == {key: standing[key] for key in (SOUND, LATE)}
    assert _days(built, SICK) == []
    assert _aside(built) == [(SICK, 4)]
    assert done.aside[0].startswith("property-2: 4 published days (2026-05-01 to 2026-05-04) cannot be modelled since ")
    _spoil(built, 2.0)
    _publish(built, SICK, 3)
    assert _build(built).aside == ()
    assert {key: _rows(built, key) for key in (SOUND, SICK, LATE)} == standing


def test_figures_that_allow_of_no_estimate_are_a_build_that_failed(
    warehouse: Warehouse, postgres: Postgres, tmp_path: Path
) -> None:
    """So that whose they are is found out as for a model."""
    (tmp_path / "secrets.json").write_text(json.dumps(PASSWORDS))
    home = {"SEO_WAREHOUSE_HOME": str(tmp_path), "SEO_WAREHOUSE_DSN": postgres.dsn(DATABASE)}
    wh = steps.Warehouse(Settings(home))
    warehouse.insert("intermediate.int_effect__estimate_effects", [asdict(replace(BASE, treated_count=0))])
    with pytest.raises(BuildError, match=r"^the effects of links cannot be estimated: ZeroDivisionError"):
        estimate_effects(wh)
    warehouse.connection.execute("truncate intermediate.int_effect__estimate_effects")
    assert estimate_effects(wh) == 0
