"""Scores are placed among all of the web by what the build knows of both, and stand in the mart with how sure it is."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seo_warehouse.authority.calibration import calibrate, percentile
from seo_warehouse.config import Settings
from seo_warehouse.demo.backlinks import Backlinks
from seo_warehouse.demo.catalogue import ALL_PROPERTIES
from seo_warehouse.demo.ranks import DOMAINS, NOISE, packed_release, true_ranks
from seo_warehouse.demo.world import World
from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.errors import BuildError
from seo_warehouse.sources.dataforseo_backlinks import LINK
from seo_warehouse.steps import warehouse as steps
from seo_warehouse.steps.calibrating import calibrate_scores
from seo_warehouse.urls import key64
from tests.conftest import PASSWORDS
from tests.sources.properties import NIGHT
from tests.sources.provider import serving
from tests.sources.test_commoncrawl_ranks import read
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


def tell_of_the_demo(warehouse: Warehouse, world: World, folder: Path) -> None:
    """Publish what the demo's vendor says on a night of the links of all properties, and the release of ranks."""
    now, vendor = datetime.combine(NIGHT, time(6), UTC), Backlinks(world)
    linking: set[str] = set()
    for prop in ALL_PROPERTIES:
        warehouse.add_property(prop.key, prop.domain)
        items = [vendor.item(sight) for sight in world.sights(prop.key, now)]
        linking |= {item["domain_from"].removeprefix("www.") for item in items}
        rows = [
            {name: item[name] for name in LINK.needed} | {"pull": "full", "item_no": number, "observed_at": now}
            for number, item in enumerate(items, 1)
        ]
        stated = {"rows": len(rows), "stated": len(rows)}
        warehouse.publish(
            "dataforseo_backlinks", "backlink", prop.key, NIGHT, rows, is_full=True, pulls={"full": stated}
        )
    with serving() as provider:
        for table in ("domain_rank", "rank_quantile"):
            rows, _ = read(provider, folder, packed_release(world.seed), table, *sorted(linking))
            warehouse.publish("commoncrawl_ranks", table, 0, NIGHT, rows)


# The last of the module: what it builds takes the place of what the others put in place.
def test_of_the_demos_domains_is_told_where_they_truly_stand(
    warehouse: Warehouse, wh: steps.Warehouse, tmp_path: Path
) -> None:
    world = World(20, NIGHT - timedelta(days=170))
    tell_of_the_demo(warehouse, world, tmp_path)
    warehouse.refresh("+int_domain__pair_scores")
    assert calibrate_scores(wh) == 1
    warehouse.dbt("run", "--select", "stg_ops__authority_calibration", "fct_domain_authority")
    truth = true_ranks(world.seed)
    share = {name: 1 - (rank.position - 0.5) / DOMAINS for name, rank in truth.items()}
    places = warehouse.rows("select domain, value from marts.dim_domain where measure = 'harmonic'")
    assert len(places) > 200
    assert {row["domain"]: row["value"] for row in places} == {
        row["domain"]: truth[row["domain"]].position for row in places
    }
    told = warehouse.rows("select * from marts.fct_domain_authority where measure = 'domain_rank'")
    known = [row for row in told if row["basis"] == "reference"]
    placed = [row for row in told if row["basis"] == "calibrated"]
    assert len(known) + len(placed) == len(told)
    assert {row["domain"] for row in known} == {row["domain"] for row in places}
    assert [row["percentile"] for row in known] == pytest.approx([share[row["domain"]] for row in known], abs=1e-12)
    # One in five is not in the release. Nine of ten intervals are to hold the truth: fewer than eight are no chance.
    assert len(placed) > 50
    assert not any(truth[row["domain"]].is_in_release for row in placed)
    held = [row["percentile_low"] <= share[row["domain"]] <= row["percentile_high"] for row in placed]
    assert np.mean(held) > 0.8
    # So far off are nine of ten of the demo's places, and no interval claims less, or much more.
    off = 1.645 * NOISE
    width = [
        np.log10((1 - row["percentile_low"]) * DOMAINS + 0.5) - np.log10((1 - row["percentile_high"]) * DOMAINS + 0.5)
        for row in placed
        if row["percentile_low"] > 0.5 / DOMAINS
    ]
    assert 0.8 * off < np.median(width) / 2 < 1.6 * off
