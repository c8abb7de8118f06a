"""The link events of busy demo worlds: what a read of the vendor can tell is an event, and nothing else is."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from seo_warehouse.demo import DEMO_PROPERTIES, Knobs
from seo_warehouse.demo.backlinks import Backlinks
from seo_warehouse.demo.world import World
from seo_warehouse.sources.dataforseo_backlinks import LINK
from tests.pipeline.truth import Event, Read, link_events, reads
from tests.warehouse.links import MODELS
from tests.warehouse.world import Warehouse

FIRST = date(2026, 1, 5)
NIGHTS = 120
WORLDS = 2
LATER_NIGHT = 100


@pytest.fixture(scope="module")
def told(warehouse: Warehouse) -> Counter[Event]:
    """What the reads tell, published as their answers and built in two parts; one of the worlds misses nights."""
    told: Counter[Event] = Counter()
    nights: list[tuple[Backlinks, World, int, int, Read]] = []
    for number in range(WORLDS):
        world = World(number, FIRST, Knobs(start_links=30, events_per_week=16.0))
        missed = set() if number == 0 else {n for n in range(1, NIGHTS - 1) if (n * 7 + number) % 11 == 0}
        instants = {
            night: datetime.combine(night, time(6), UTC)
            for night in (FIRST + timedelta(days=n) for n in range(NIGHTS) if n not in missed)
        }
        made = reads(instants)
        for prop in DEMO_PROPERTIES:
            key = 10 * number + prop.key
            warehouse.add_property(key, prop.domain)
            told.update(replace(event, property_key=key) for event in link_events(world, prop.key, made))
            nights += [(Backlinks(world), world, prop.key, key, read) for read in made]
    for is_later in (False, True):
        for vendor, world, demo_key, key, read in nights:
            if ((read.night - FIRST).days >= LATER_NIGHT) == is_later:
                _publish(warehouse, vendor, world, demo_key, key, read)
        warehouse.dbt("run", "--select", *MODELS, build_id=warehouse.claim())
    return told


def test_link_events_are_those_that_the_reads_tell(warehouse: Warehouse, told: Counter[Event]) -> None:
    known = Counter(
        Event(*row.values())
        for row in warehouse.rows(
            """
            select property_key, source_url, literal_target_url, event_type, event_date, observed_date, loss_basis,
                   case event_type when 'rel_changed' then array_to_string(previous_rel, ' ')
                                   when 'anchor_changed' then previous_anchor end,
                   case event_type when 'rel_changed' then array_to_string(rel, ' ')
                                   when 'anchor_changed' then anchor end as value
            from marts.fct_link_event
            """
        )
    )
    assert (sorted(map(str, told - known)), sorted(map(str, known - told))) == ([], [])
    assert {(event.event_type, event.loss_basis) for event in known} == {
        ("acquired", None),
        ("lost", "vendor_claim"),
        ("restored", None),
        ("rel_changed", None),
        ("anchor_changed", None),
    }


def _publish(warehouse: Warehouse, vendor: Backlinks, world: World, demo_key: int, key: int, read: Read) -> None:
    pulls: dict[str, list[dict[str, Any]]] = {"full" if read.since is None else "new": [], "lost": []}
    for sight in world.sights(demo_key, read.at):
        if read.returns(sight):
            pull = "lost" if not sight.change.is_live else "full" if read.since is None else "new"
            item = vendor.item(sight)
            pulls[pull].append({name: item[name] for name in LINK.needed})
    rows = [
        {**row, "pull": pull, "item_no": number, "observed_at": read.at}
        for pull, items in pulls.items()
        for number, row in enumerate(items, 1)
    ]
    warehouse.publish(
        "dataforseo_backlinks",
        "backlink",
        key,
        read.night,
        rows,
        is_full=read.since is None,
        is_complete=True,
        stated_count=len(rows),
        pulls={pull: {"rows": len(items), "stated": len(items)} for pull, items in pulls.items()},
    )
