"""A property that goes over to whole result pages, and back, beside a twin that does not: one series of positions."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from seo_warehouse.demo.catalogue import ALDERWOOD as SHOP
from seo_warehouse.demo.catalogue import DEVICES, PANEL_DEPTH
from seo_warehouse.demo.envelope import OK, SE_ERROR
from seo_warehouse.demo.serp import Order, Serps, task_answer
from seo_warehouse.demo.world import World
from seo_warehouse.sources.serp_answers import Form, decode_serp
from tests.warehouse.world import Warehouse

FIRST = date(2026, 5, 4)
FORMS: dict[int, tuple[Form, ...]] = {1: ("regular", "regular", "regular"), 2: ("regular", "advanced", "regular")}
"""Of each property, the forms of its nights."""
POSITIONS = """
    select day, keyword_key, device, state, position, absolute_position, ranking_url, ranking_page_key, depth
    from intermediate.int_serp__judge_checks where property_key = %s order by 1, 2, 3
"""


@pytest.fixture(scope="module")
def changed(warehouse: Warehouse) -> list[dict[str, Any]]:
    """The first night's rows, as they were built before there was another."""
    serps = Serps(World(11, FIRST))
    for key in FORMS:
        warehouse.add_property(key, SHOP.domain, depth=PANEL_DEPTH)
        for tracked in SHOP.tracked:
            warehouse.add_keyword(key, tracked.keyword)
        _publish(warehouse, serps, key, 0)
    warehouse.dbt("run", "--select", "+int_serp__judge_checks", "+fct_serp_result", build_id=warehouse.claim())
    first = _first_night(warehouse)
    for key in FORMS:
        _publish(warehouse, serps, key, 1)
        _publish(warehouse, serps, key, 2)
    warehouse.dbt("run", "--select", "int_serp__judge_checks", "fct_serp_result", build_id=warehouse.claim())
    return first


def _publish(warehouse: Warehouse, serps: Serps, key: int, number: int) -> None:
    night, form = FIRST + timedelta(days=number), FORMS[key][number]
    at = datetime.combine(night, time(6), UTC)
    tasks: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for tracked in SHOP.tracked:
        for device in DEVICES:
            panel = {"keyword": tracked.keyword, "location_code": 2840, "language_code": "en", "device": device}
            order = Order(
                id="id", os="", depth=PANEL_DEPTH, priority=1, tag="t", cost=0, posted_at=at.isoformat(), ready_at=0,
                account="shop", load_async_ai_overview=form == "advanced", **panel,
            )  # fmt: skip
            shown = serps.check(order, night, at, form)
            status = SE_ERROR if shown.state == "failed" else OK
            told = decode_serp(json.loads(task_answer(order, "", status, shown.result)), form)
            check = panel | {"observed_at": at}
            task = {"tag": "t", "depth": PANEL_DEPTH, "answer": form, "status_code": told.status_code}
            done = {name: value for name, value in (told.result or {}).items() if name != "datetime"}
            tasks.append(check | task | {"status_message": told.status_message} | done)
            results += [check | row | {"item_no": place} for place, row in enumerate(told.rows, 1)]
    warehouse.publish("dataforseo_serp", "task", key, night, tasks)
    warehouse.publish("dataforseo_serp", "result", key, night, results)


def _first_night(warehouse: Warehouse) -> list[dict[str, Any]]:
    return [
        row
        for model in ("intermediate.int_serp__judge_checks", "marts.fct_serp_result")
        for row in warehouse.rows(f"select xmin::text, * from {model} as m where day = %s order by m", FIRST)
    ]


def test_a_change_of_form_leaves_what_was_there(warehouse: Warehouse, changed: list[dict[str, Any]]) -> None:
    assert len(changed) > 1_000
    assert _first_night(warehouse) == changed


def test_positions_are_one_series_whatever_form_they_were_read_in(warehouse: Warehouse, changed: object) -> None:
    twin, moved = (warehouse.rows(POSITIONS, key) for key in FORMS)
    assert len(twin) == len(SHOP.tracked) * len(DEVICES) * 3
    assert moved == twin
    assert {"found", "not_found"} <= {row["state"] for row in twin}
    assert any(row["position"] != row["absolute_position"] for row in twin)


def test_what_shows_the_property_is_known_of_the_nights_that_were_read_whole(
    warehouse: Warehouse, changed: object
) -> None:
    of_the_night = [(2, FIRST + timedelta(days=1))]
    for rows in (
        "intermediate.int_serp__judge_checks where own_element_types is not null",
        "marts.fct_serp_result where element_type = 'ai_overview'",
        "marts.fct_serp_result where element_no is not null",
    ):
        found = warehouse.rows(f"select distinct property_key, day from {rows}")
        assert [tuple(row.values()) for row in found] == of_the_night
