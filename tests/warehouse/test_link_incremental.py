"""Whatever order days are published, restated and built in, the link models equal a full refresh."""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import isclose
from typing import Any

import pytest

from tests.warehouse.exports import exported_link, publish_export
from tests.warehouse.links import day as day_of
from tests.warehouse.links import item, publish_night
from tests.warehouse.ranks import HOST, Outcome, publish_checks, publish_crawl
from tests.warehouse.world import Warehouse

MODELS = (
    *("+dim_link", "+dim_keyword", "+fct_search_total", "+fct_page_change"),
    "+rpt_search_summary",
    "+rpt_link_contribution",
)
LAST = 260
PATHS = ("/pans/a", "/pans/b", "/pans/c", "/pots/a", "/pots/b", "/")
CALM_PATHS = tuple(f"/calm/{name}" for name in "abcdefgh")
CALM_NIGHTS = {70: "/calm/a", 90: "/calm/b", 110: "/calm/c", 112: "/calm/d", 150: "/calm/e", 152: "/calm/a"}
"""Links of the third property, so few that some can be judged: the page that gets one, by night."""
TABLES = {
    "marts.fct_link_event": "event_key",
    "marts.fct_link_lifespan": "link_key",
    "marts.dim_link": "link_key",
    "marts.dim_page": "page_key",
    "marts.dim_keyword": "keyword_key",
    "marts.fct_serp_position": "day, keyword_key, locale, device",
    "marts.fct_page_crawl": "day, page_key",
    "marts.fct_page_change": "day, page_key, kind",
    "marts.fct_search_performance": "day, page_key, query_key",
    "marts.fct_search_page": "day, page_key",
    "marts.fct_search_total": "day",
    "marts.rpt_search_summary": "day, dimension, value",
    "intermediate.int_link__sum_positions": "series_key, day",
    "intermediate.int_link__mark_ranked_days": "series_key, block, page_key",
    "intermediate.int_effect__sum_searches": "page_key, day",
}
MEASURES = {
    "marts.fct_link_rank_change": "event_key, keyword_key, locale, device, window_name",
    "marts.rpt_link_contribution": "panel, event_key",
    "intermediate.int_effect__measure_units": "cell_key, page_key, sample_no, role",
    "intermediate.int_effect__average_controls": "cell_key, sample_no",
    "marts.fct_link_effect_cell": "cell_key, sample_no, arm, cut, level",
    "marts.fct_link_effect_page": "panel, cut, level, arm, sample_no, page_key",
    "intermediate.int_effect__estimate_effects": "panel, cut, level, arm, sample_no, outcome, weighting",
}
"""Tables of means, which are equal but for the order of summation."""
Day = tuple[str, int, int]


def days_of_all_sources() -> list[Day]:
    """(source, property, night) of each night there is."""
    calm = (("links", 2), ("checks", 4), ("crawl", 14), ("searches", 1))
    return [(source, 3, night) for source, distance in calm for night in range(0, LAST, distance)] + [
        (source, key, night)
        for key in (1, 2)
        for source, distance in (("links", 2), ("checks", 4), ("crawl", 14), ("files", 11), ("searches", 31))
        for night in range(key % 2, LAST, distance)
    ]


def publish(w: Warehouse, day: Day, rng: random.Random) -> None:
    """Publish a night with chance content; once more is a restatement."""
    source, key, night = day
    if source == "links" and key == 3:
        link = [item(f"calm{night}", first=night, target=HOST + CALM_NIGHTS[night])] if night in CALM_NIGHTS else []
        publish_night(w, key, night, full=link if night == 0 else None, new=link)
    elif source == "links":
        publish_links(w, key, night, rng)
    elif source == "checks":
        publish_checks(w, key, night, {f"k{i}": (path, outcome(rng)) for i, path in enumerate(paths(key))})
    elif source == "files":
        publish_files(w, key, night, rng)
    elif source == "searches":
        for table in ("performance", "page_total", "property_total"):
            w.publish("search_console", table, key, day_of(night), [search_row(table, key, rng)])
    elif key == 3:
        publish_crawl(w, key, night, {path: str(path == "/calm/f" and night > 120) for path in CALM_PATHS})
    else:
        publish_crawl(w, key, night, {path: str(rng.random() < 0.1) for path in PATHS if rng.random() < 0.9})


def paths(key: int) -> tuple[str, ...]:
    """The pages of a property."""
    return CALM_PATHS if key == 3 else PATHS


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


def publish_files(w: Warehouse, key: int, night: int, rng: random.Random) -> None:
    """Publish files of every kind, as two vendors and the team leave them."""
    links = [
        exported_link(
            f"n{number}",
            first=night - rng.randrange(90) if rng.random() < 0.7 else None,
            seen=night - rng.randrange(9),
            lost=night - 1 if rng.random() < 0.2 else None,
            rel=rng.choice([(), ("ugc",), None]),
            target=HOST + PATHS[number % len(PATHS)] if number % 5 else None,
            page=f"https://s{number % 11}.example/{number}",
        )
        for number in rng.sample(range(30), 4)
    ]
    for part in ("ahrefs_backlinks", "generic_backlinks"):
        publish_export(w, "backlink", key, night, rng.sample(links, 3), part=part)
    page = HOST + rng.choice(PATHS)
    check = {"engine": "google", "country": "US", "language": "en", "device": "desktop", "depth": 10}
    found = [
        check | {"keyword": f"k{number}", "state": "found", "position": rng.randint(1, 10), "url": page}
        for number in rng.sample(range(7), 4)
    ]
    for part in ("generic_rankings", "rank_tracker_wide"):
        publish_export(w, "ranking", key, night, rng.sample(found, 3), part=part, exported=night + rng.randrange(2))
    crawled = {"url": page, "status_code": 200, "title": rng.choice("ab"), "content_hash": rng.choice("xy")}
    publish_export(w, "crawl_page", key, night, [crawled])
    publish_export(w, "page_change", key, night, [{"url": page, "kind": "title"}])
    publish_export(w, "page", key, night, [{"url": page, "topic": rng.choice(["pans", None])}])
    publish_export(w, "keyword", key, night, [{"keyword": f"k{rng.randrange(7)}", "page_url": page}])
    searched: dict[str, Any] = {"clicks": 1, "impressions": rng.randint(1, 9), "position": 2}
    for table, rows in {
        "performance": [searched | {"page_url": page, "query": q} for q in ("k0", None)] + [searched | {"query": "k1"}],
        "search_total": [searched],
        "search_summary": [searched | {"last_day": day_of(night), "dimension": "device", "value": "MOBILE"}],
    }.items():
        publish_export(w, table, key, night, rows)


def search_row(table: str, key: int, rng: random.Random) -> dict[str, Any]:
    """A row of the Search Console API."""
    row: dict[str, Any] = {"clicks": 1, "impressions": rng.randint(1, 9), "position": 2}
    if table != "property_total":
        row |= {"page_url": HOST + rng.choice(paths(key)), "country": "usa", "device": "MOBILE"}
    return row | {"query": "k0"} if table == "performance" else row


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


def contents(w: Warehouse) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the compared tables."""
    return {
        table: [tuple(row.values()) for row in w.rows(f"select * from {table} order by property_key, {key}")]
        for table, key in (TABLES | MEASURES).items()
    }


def is_same(one: object, other: object) -> bool:
    """Equal, a mean to 1e-9."""
    if isinstance(one, float) and isinstance(other, float):
        return isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return one == other


def differences(one: Sequence[object], other: Sequence[object]) -> list[object]:
    """Rows that stand in one of two tables only."""
    return [row for row in one if row not in other][:3] + [row for row in other if row not in one][:3]


def affected_share(w: Warehouse) -> float:
    """Share of the cells with link events, and their samples, that the last build made anew."""
    (row,) = w.rows(
        """
        select
            (select sum(cardinality(sample_nos)) from intermediate.int_link__list_affected_cells)::float8
            / (count(*) * (select count(*) from intermediate.int_effect__list_samples)) as share
        from (
            select distinct property_key, topic, event_date
            from intermediate.int_link__judge_events where topic is not null
        ) as cells
        """
    )
    return float(row["share"])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_builds_of_any_order_equal_a_full_refresh(warehouse: Warehouse, seed: int) -> None:
    rng = random.Random(seed)
    for key in (1, 2, 3):
        warehouse.add_property(key, "shop.example", depth=10)
        for number, path in enumerate(paths(key)):
            warehouse.add_keyword(key, f"k{number}", HOST + path if number % 2 else None)
    shares = []
    for batch in batches(rng):
        for day in batch:
            publish(warehouse, day, rng)
        warehouse.build(*MODELS)
        shares.append(affected_share(warehouse))
    assert min(shares) < 0.5, "no build left cells as they were"
    built = contents(warehouse)
    warehouse.dbt("run", "--full-refresh", "--select", *MODELS)
    fresh = contents(warehouse)
    for table in TABLES:
        assert differences(built[table], fresh[table]) == [], table
    for table in MEASURES:
        pairs = list(zip(built[table], fresh[table], strict=True))
        assert [pair for pair in pairs if not all(map(is_same, *pair))][:3] == [], table
    assert all(built.values())
