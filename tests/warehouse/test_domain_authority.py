"""Scores are placed among all of the web by what the build knows of both, and stand in the mart with how sure it is."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import numpy as np
import pytest

from seo_warehouse.authority.calibration import calibrate, percentile
from seo_warehouse.config import Settings
from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.errors import BuildError
from seo_warehouse.steps import warehouse as steps
from seo_warehouse.steps.calibrating import calibrate_scores
from seo_warehouse.urls import key64
from tests.conftest import PASSWORDS
from tests.warehouse.world import DATABASE, Warehouse

PAIRS = [(number % 101, 10 ** (8 - number % 101 / 20) * (1 + number % 3)) for number in range(150)]
"""Scores, and places among 120 million."""


def pair(vendor: str, number: int, authority: int, place: float | None) -> dict[str, Any]:
    domain = f"{number}.{vendor}.example"
    row = {"domain_key": key64(domain), "domain": domain, "vendor": vendor, "measure": "domain_rating"}
    row |= {"scale_max": 100, "day": date(2026, 5, 1), "authority": authority}
    return row | {"rank_position": place and int(place), "domain_count": place and 120_000_000}


@pytest.fixture(scope="module")
def wh(warehouse: Warehouse, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> steps.Warehouse:
    """A warehouse that knows 150 places of domains that v scores, and 20 of those that w does."""
    home = tmp_path_factory.mktemp("home")
    (home / "secrets.json").write_text(json.dumps(PASSWORDS))
    known = [pair("v", number, score, place) for number, (score, place) in enumerate(PAIRS)]
    known += [pair("w", number, score, place) for number, (score, place) in enumerate(PAIRS[:20])]
    unknown = [pair("v", 900, 37, None), pair("w", 900, 37, None)]
    warehouse.insert("intermediate.int_domain__pair_scores", known + unknown)
    return steps.Warehouse(Settings({"SEO_WAREHOUSE_HOME": str(home), "SEO_WAREHOUSE_DSN": postgres.dsn(DATABASE)}))


def test_a_domain_without_a_place_has_that_of_its_score(warehouse: Warehouse, wh: steps.Warehouse) -> None:
    assert calibrate_scores(wh) == calibrate_scores(wh) == 1
    warehouse.dbt("run", "--select", "stg_ops__authority_calibration", "fct_domain_authority")
    told = {
        (row["vendor"], row["value"], row["basis"]): row
        for row in warehouse.rows("select * from marts.fct_domain_authority")
    }
    scores, places, keys = (np.array(column) for column in zip(
        *((score, int(place), key64(f"{number}.v.example")) for number, (score, place) in enumerate(PAIRS)), strict=True
    ))  # fmt: skip
    found = calibrate(scores.astype(float), np.log10(places), keys)
    assert found is not None
    middle, best, worst = (percentile(each, 120_000_000)[0] for each in found.place(np.array([37.0])))
    row = told["v", 37, "calibrated"]
    assert [row["percentile"], row["percentile_low"], row["percentile_high"]] == pytest.approx([middle, worst, best])
    assert told["w", 37, "none"]["percentile"] is None
    assert told["w", 5, "reference"]["percentile"] == pytest.approx(1 - (int(PAIRS[5][1]) - 0.5) / 120_000_000)


def test_places_that_cannot_be_are_a_build_that_failed_and_leave_what_stood(
    warehouse: Warehouse, wh: steps.Warehouse
) -> None:
    before = warehouse.rows("select * from ops.authority_calibration order by vendor, score")
    warehouse.connection.execute("update intermediate.int_domain__pair_scores set authority = null where vendor = 'v'")
    with pytest.raises(BuildError, match=r"^where scores place domains cannot be estimated: ValueError"):
        calibrate_scores(wh)
    assert warehouse.rows("select * from ops.authority_calibration order by vendor, score") == before != []
