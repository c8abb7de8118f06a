"""Five vendors over one truth, told through raw tables: what the models say of them holds what is so."""

from __future__ import annotations

from typing import Any

import pytest

from seo_warehouse.authority.unseen import lower_bound
from seo_warehouse.steps.portfolio import SIGHTS
from tests.warehouse.vendors import MODELS, MONTHS, World, draw_world, judged, publish, things, truth
from tests.warehouse.world import Warehouse

WORLDS = range(1, 6)
"""`python -m benchmarks.link_witnesses` judges a hundred."""
LINKS, DOMAINS = 500, 80


@pytest.fixture(scope="module")
def worlds(warehouse: Warehouse) -> list[World]:
    """All worlds published, and modelled in one run."""
    found = [draw_world(key, links=LINKS, domains=DOMAINS) for key in WORLDS]
    for world in found:
        publish(warehouse, world)
    warehouse.refresh(*MODELS)
    return found


def test_what_is_said_of_a_vendor_holds_what_is_so(warehouse: Warehouse, worlds: list[World]) -> None:
    rows = warehouse.rows("select * from marts.rpt_witness where property_key > 0")
    held = judged(rows, truth(range(1_000, 1_060), links=LINKS, domains=DOMAINS))
    told: dict[str, list[bool]] = {}
    for (_, name, _), each in held.items():
        told.setdefault(name, []).extend(each)
    assert {"coverage", "precision", "false_loss", "lower_quartile"} <= told.keys()
    assert {name: sum(each) / len(each) for name, each in told.items() if sum(each) < 0.9 * len(each)} == {}


def test_spellings_of_one_link_are_one(warehouse: Warehouse, worlds: list[World]) -> None:
    rows = warehouse.rows(
        "select property_key, count(distinct link_group_key) as links, count(*) as spellings"
        " from intermediate.int_link__group_links group by 1"
    )
    told = {world.key: int((world.told < 99).any(axis=1).sum()) for world in worlds}
    assert {row["property_key"]: row["links"] for row in rows} == told
    assert all(row["spellings"] > 1.5 * row["links"] for row in rows)


@pytest.mark.parametrize("unit", ["domain", "link"])
def test_no_more_is_said_to_be_unseen_than_there_is(warehouse: Warehouse, worlds: list[World], unit: str) -> None:
    seen: dict[tuple[int, Any], dict[frozenset[str], int]] = {}
    for key, of, month, witnesses, count in warehouse.connection.execute(SIGHTS):
        if of == unit and month in MONTHS:
            seen.setdefault((key, month), {})[frozenset(witnesses)] = count
    assert len(seen) == len(worlds) * len(MONTHS)
    bounds = {where: lower_bound(each) for where, each in seen.items()}
    held = [
        (bound := bounds[world.key, month]) is None or bound.low <= things(world, unit, nights)
        for world in worlds
        for month, nights in MONTHS.items()
    ]
    assert sum(held) >= 0.9 * len(held)
