"""Whatever order days are published, restated and built in, the link models equal a full refresh."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from tests.warehouse.links import item, publish_night
from tests.warehouse.ranks import HOST, Outcome, publish_checks, publish_crawl
from tests.warehouse.world import Warehouse

MODELS = ("+int_link__keep_events", "+dim_link")
LAST = 260
PATHS = ("/pans/a", "/pans/b", "/pans/c", "/pots/a", "/pots/b", "/")
TABLES = {
    "marts.fct_link_event": "event_key",
    "marts.fct_link_lifespan": "link_key",
    "marts.dim_link": "link_key",
    "marts.fct_link_rank_change": "event_key, keyword_key, device, window_name",
    "intermediate.int_link__sum_positions": "property_key, keyword_key, day",
}
Day = tuple[str, int, int]


def days_of_all_sources() -> list[Day]:
    """(source, property, night) of each night there is."""
    return [
        (source, key, night)
        for key in (1, 2)
        for source, distance in (("links", 2), ("checks", 4), ("crawl", 14))
        for night in range(key % 2, LAST, distance)
    ]


def publish(w: Warehouse, day: Day, rng: random.Random) -> None:
    """Publish a night with chance content; once more is a restatement."""
    source, key, night = day
    if source == "links":
        publish_links(w, key, night, rng)
    elif source == "checks":
        publish_checks(w, key, night, {f"k{i}": (path, outcome(rng)) for i, path in enumerate(PATHS)})
    else:
        publish_crawl(w, key, night, {path: str(rng.random() < 0.1) for path in PATHS if rng.random() < 0.9})


def publish_links(w: Warehouse, key: int, night: int, rng: random.Random) -> None:
    """A full pull now and then, else what is new and lost; sometimes truncated or with rejected rows."""
    if rng.random() < 0.05:
        return
    unread, rejected = int(rng.random() < 0.1), int(rng.random() < 0.05)
    # The second property has so few links that some can be judged.
    names = [f"n{number}" for number in range(0, 30, (1, 1, 4)[key]) if int(number * LAST / 30) - 40 <= night]
    if night % 28 < 2:
        full = [chance_item(name, night, rng, lost=False) for name in names if rng.random() < 0.7]
        publish_night(w, key, night, full=full, unread=unread, rejected=rejected)
        return
    new = [chance_item(name, night, rng, lost=False) for name in names if rng.random() < 0.03]
    lost = [chance_item(name, night, rng, lost=True) for name in names if rng.random() < 0.01]
    publish_night(w, key, night, new=new, lost=lost, unread=unread, rejected=rejected)


def chance_item(name: str, night: int, rng: random.Random, *, lost: bool) -> dict[str, object]:
    """A link whose target is fixed by its name, and little else."""
    number = int(name[1:])
    seen = night - rng.randrange(12)
    return item(
        name,
        first=min(seen, int(number * LAST / 30) - 40 + rng.randrange(2)) if number % 7 else None,
        seen=seen,
        before=seen - rng.randrange(20),
        lost=lost,
        rel=rng.choice([(), (), ("nofollow",), None]),
        anchor=rng.choice(["words", "words", "others"]),
        target=HOST + PATHS[number % len(PATHS)],
        page=f"https://s{number % 11}.example/{number}",
    )


def outcome(rng: random.Random) -> Outcome:
    """What a check says."""
    chance = rng.random()
    return "failed" if chance < 0.05 else "cut" if chance < 0.1 else "absent" if chance < 0.2 else rng.randint(1, 10)


def batches(rng: random.Random) -> list[list[Day]]:
    """Days as builds come to know them: history, a long stretch, single nights, then late and restated ones."""
    days = days_of_all_sources()
    late = set(rng.sample(days, 12))
    kept = [day for day in days if day not in late]
    newest = max(day[2] for day in kept)
    return [
        [day for day in kept if day[2] < 200],
        [day for day in kept if 200 <= day[2] < newest - 4],
        [day for day in kept if newest - 4 <= day[2]],
        sorted(late) + rng.sample(kept, 4),
    ]


def contents(w: Warehouse) -> dict[str, list[object]]:
    """Every row of the compared tables."""
    return {
        table: [tuple(row.values()) for row in w.rows(f"select * from {table} order by property_key, {key}")]
        for table, key in TABLES.items()
    }


def differences(one: Sequence[object], other: Sequence[object]) -> list[object]:
    """Rows that stand in one of two tables only."""
    return [row for row in one if row not in other][:3] + [row for row in other if row not in one][:3]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_builds_of_any_order_equal_a_full_refresh(warehouse: Warehouse, seed: int) -> None:
    rng = random.Random(seed)
    for key in (1, 2):
        warehouse.add_property(key, "shop.example", depth=10)
        for number, path in enumerate(PATHS):
            warehouse.add_keyword(key, f"k{number}", HOST + path if number % 2 else None)
    warehouse.dbt("seed")
    for batch in batches(rng):
        for day in batch:
            publish(warehouse, day, rng)
        warehouse.dbt("run", "--select", *MODELS, build_id=warehouse.claim())
    built = contents(warehouse)
    warehouse.dbt("run", "--full-refresh", "--select", *MODELS)
    fresh = contents(warehouse)
    for table, rows in built.items():
        assert differences(rows, fresh[table]) == [], table
    assert all(built.values())
