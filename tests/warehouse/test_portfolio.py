"""What the build measures of portfolios stands in the marts, is made once, and is nothing where nothing can be said."""

from __future__ import annotations

import json
import logging
from datetime import date
from typing import Any

import pytest

from seo_warehouse.authority.portfolio import follow
from seo_warehouse.authority.unseen import lower_bound
from seo_warehouse.config import Settings
from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.errors import BuildError
from seo_warehouse.steps import warehouse as steps
from seo_warehouse.steps.portfolio import measure_portfolios
from tests.conftest import PASSWORDS
from tests.warehouse.world import DATABASE, Warehouse

MAY, JUNE, JULY = (date(2026, month, 1) for month in (5, 6, 7))
CLASSES = [(MAY, f"domain {number}", 1 + 40 // (number + 1)) for number in range(30)] + [(JULY, "domain 0", 80)]
SEEN = {("v",): 40, ("w",): 35, ("x",): 20, ("v", "w"): 25, ("v", "x"): 12, ("w", "x"): 10, ("v", "w", "x"): 9}


@pytest.fixture(scope="module")
def wh(warehouse: Warehouse, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> steps.Warehouse:
    """A warehouse whose models say what portfolios hold."""
    home = tmp_path_factory.mktemp("home")
    (home / "secrets.json").write_text(json.dumps(PASSWORDS))
    warehouse.insert(
        "intermediate.int_link__judge_looks", [{"property_key": 1, "day": day} for day in (MAY, JULY.replace(day=9))]
    )
    series = {"property_key": 1, "dimension": "domain", "weight": "link"}
    warehouse.insert(
        "intermediate.int_portfolio__count_classes",
        [series | {"month": month, "class": name, "class_count": count} for month, name, count in CLASSES],
    )
    sights = [(MAY, witnesses, count) for witnesses, count in SEEN.items()] + [(JUNE, ("v",), 3)]
    warehouse.insert(
        "intermediate.int_portfolio__count_sights",
        [
            {"property_key": 1, "month": month, "witnesses": list(witnesses), "domain_count": count}
            for month, witnesses, count in sights
        ],
    )
    return steps.Warehouse(Settings({"SEO_WAREHOUSE_HOME": str(home), "SEO_WAREHOUSE_DSN": postgres.dsn(DATABASE)}))


@pytest.fixture(scope="module")
def measured(warehouse: Warehouse, wh: steps.Warehouse) -> Warehouse:
    assert measure_portfolios(wh) == 3
    marts = ("stg_ops__portfolio", "stg_ops__witness_bound", "rpt_portfolio", "rpt_witness_bound")
    warehouse.dbt("run", "--select", *marts)
    return warehouse


def rows(warehouse: Warehouse, table: str) -> list[dict[str, Any]]:
    return warehouse.rows(f"select * from {table} order by property_key, month")


def test_the_mart_says_of_each_month_what_follows_from_its_classes(measured: Warehouse) -> None:
    told = follow((1, "domain", "link"), [MAY, JUNE, JULY], sorted(CLASSES), {})
    names = ("month", "item_count", "class_count", "hill_1", "low_1", "common_1", "status")
    assert [[row[name] for name in names] for row in rows(measured, "marts.rpt_portfolio")] == [
        [getattr(breadth, name) for name in names] for breadth in told
    ]
    assert rows(measured, "marts.rpt_portfolio")[0]["status"] == "estimate"


def test_the_bound_is_that_of_the_sets_of_witnesses_of_a_month(measured: Warehouse) -> None:
    bound = lower_bound({frozenset(witnesses): count for witnesses, count in SEEN.items()})
    assert bound is not None
    may, june = rows(measured, "marts.rpt_witness_bound")
    assert (may["seen_count"], may["witness_count"], may["status"]) == (sum(SEEN.values()), 3, "estimate")
    assert may["bound_count"] == round(bound.bound) > may["low_count"] >= may["seen_count"]
    assert (may["left_out"], may["is_guarded"]) == ([], False)
    assert (june["seen_count"], june["bound_count"], june["status"]) == (3, None, "not_enough_data")


def test_what_did_not_change_is_not_measured_again(
    measured: Warehouse, wh: steps.Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    before = rows(measured, "ops.portfolio"), rows(measured, "ops.witness_bound")
    with caplog.at_level(logging.INFO):
        measure_portfolios(wh)
    assert "portfolios: 3 months, 0 of them anew" in caplog.messages
    assert (rows(measured, "ops.portfolio"), rows(measured, "ops.witness_bound")) == before


def test_figures_that_cannot_be_are_a_build_that_failed_and_leave_what_stood(
    measured: Warehouse, wh: steps.Warehouse
) -> None:
    before = rows(measured, "ops.portfolio"), rows(measured, "ops.witness_bound")
    broken = {"property_key": 1, "month": JULY, "witnesses": ["v"], "domain_count": None}
    measured.insert("intermediate.int_portfolio__count_sights", [broken])
    with pytest.raises(BuildError, match=r"^how broad portfolios of links are cannot be estimated: TypeError"):
        measure_portfolios(wh)
    assert (rows(measured, "ops.portfolio"), rows(measured, "ops.witness_bound")) == before
    measured.connection.execute("delete from intermediate.int_portfolio__count_sights where domain_count is null")
