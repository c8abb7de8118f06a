"""Whatever order days are published, restated and built in, the link models equal a full refresh.

`make bench-chaos` runs fifty seeds; `pytest tests/warehouse/test_link_incremental.py --seed 17` runs one again.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest

from seo_warehouse.urls import key64
from tests.conftest import seeds
from tests.warehouse.comparing import MODELS, Row, contents, differences
from tests.warehouse.exports import exported_link, publish_export
from tests.warehouse.links import day as day_of
from tests.warehouse.links import item, publish_night, publish_visits
from tests.warehouse.ranks import HOST, Outcome, publish_checks, publish_crawl
from tests.warehouse.world import Warehouse

SEEDS, OF = 2, 50
"""How many run each time, and of how many: those of `make bench-chaos`."""
LAST = 260
PATHS = ("/pans/a", "/pans/b", "/pans/c", "/pots/a", "/pots/b", "/")
CALM_PATHS = tuple(f"/calm/{name}" for name in "abcdefgh")
CALM_NIGHTS = dict(zip((70, 90, 110, 112, 150, 152, 160), map("/calm/{}".format, "abcdeae"), strict=True))
"""Links of the third property, so few that some can be judged, and one burst: the page that gets one, by night."""
SEARCHES = ("performance", "page_total", "property_total")
FILES: dict[str, tuple[str | None, ...]] = {
    "backlink": ("ahrefs_backlinks", "generic_backlinks"),
    "ranking": ("generic_rankings", "rank_tracker_wide"),
    **dict.fromkeys(("crawl_page", "page_change", "page", "keyword"), (None,)),
    **dict.fromkeys(("performance", "search_total", "search_summary"), (None,)),
}
"""What files tell, and the forms of each."""
LATER_DEPTHS = {day_of(130): 5}
"""What two of the three properties state of their panel: their checks still go to 10."""
ORDER = ("crawl", "checks", "links", "files", "searches")
"""In which sources come late."""
VISITED_EVERY = 9
"""Nights from one night of visits to the next."""
Day = tuple[str, int, int]
"""A source, a property and a night."""


@dataclass(frozen=True)
class World:
    """Three properties of a seed: two of chance, and a calm one."""

    seed: int
    rng: random.Random
    keys: tuple[int, int, int]
    visiting: random.Random
    """Chance of our visits alone, so that all other nights of a seed are what they are without visits."""


def kind(key: int) -> int:
    """Which of its world's three a property is, 1 to 3."""
    return (key - 1) % 3 + 1


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Two seeds by the commit, or those that are asked for."""
    metafunc.parametrize("seed", seeds(metafunc.config, SEEDS, of=OF))


def days_of_all_sources(world: World) -> list[Day]:
    """Every night that there is, but for our visits."""
    *keys, calm_key = world.keys
    calm = (("links", 2), ("checks", 4), ("crawl", 14), ("searches", 1))
    chance = (("links", 2), ("checks", 4), ("crawl", 14), ("files", 11), ("searches", 31))
    return [(source, calm_key, night) for source, distance in calm for night in range(0, LAST, distance)] + [
        (source, key, night)
        for key in keys
        for source, distance in chance
        for night in range(kind(key) % 2, LAST, distance)
    ]


def publish(w: Warehouse, day: Day, rng: random.Random) -> None:
    """Publish a night with chance content; once more is a restatement."""
    source, key, night = day
    if source == "links" and kind(key) == 3:
        link = [item(f"calm{night}", first=night, target=HOST + CALM_NIGHTS[night])] if night in CALM_NIGHTS else []
        publish_night(w, key, night, full=link if night == 0 else None, new=link)
    elif source == "links":
        publish_links(w, key, night, rng)
    elif source == "checks":
        ranks = {f"k{i}": (path, outcome(rng)) for i, path in enumerate(paths(key)) if rng.random() < 0.98}
        publish_checks(w, key, night, ranks)
    elif source == "files":
        publish_files(w, key, night, rng)
    elif source == "searches":
        for table in SEARCHES:
            w.publish("search_console", table, key, day_of(night), [search_row(table, key, rng)])
    else:
        publish_pages(w, key, night, rng)


def publish_pages(w: Warehouse, key: int, night: int, rng: random.Random) -> None:
    """A crawl: pages change, and now and then a URL leads to another page."""
    if kind(key) == 3:
        contents = {path: str(path == "/calm/f" and night > 120) for path in CALM_PATHS}
        publish_crawl(w, key, night, contents, moved={"/calm/g": "/calm/h"} if rng.random() < 0.05 else {})
        return
    contents = {path: str(rng.random() < 0.1) for path in PATHS if rng.random() < 0.9}
    moved = {path: rng.choice(PATHS) for path in contents if rng.random() < 0.03}
    publish_crawl(w, key, night, contents, moved={path: led for path, led in moved.items() if led != path})


def empty(w: Warehouse, day: Day) -> None:
    """Take back what a night told, as when a source is left out or a file is removed."""
    source, key, night = day
    if source == "links":
        publish_night(w, key, night)
    elif source == "visits":
        publish_visits(w, key, night, {})
        w.publish("server_logs", "entry", key, day_of(night), [], part="web/a/0")
        for table in ("referrer", "landing"):
            w.publish("ga4", table, key, day_of(night), [])
    elif source == "checks":
        publish_checks(w, key, night, {})
    elif source == "crawl":
        publish_crawl(w, key, night, {})
    elif source == "searches":
        for table in SEARCHES:
            w.publish("search_console", table, key, day_of(night), [])
    else:
        for table, parts in FILES.items():
            for part in parts:
                publish_export(w, table, key, night, [], part=part)


def paths(key: int) -> tuple[str, ...]:
    """The pages of a property."""
    return CALM_PATHS if kind(key) == 3 else PATHS


def publish_entries(w: Warehouse, key: int, night: int, rng: random.Random) -> None:
    """People come from pages with a link, from their hosts, and from others."""
    pages = [f"https://www.n{number}.example/{rng.choice(('', 'post', 'other'))}" for number in range(0, 40, 2)]
    entries = [
        {"stream": "web", "referrer_state": "known", "referrer": page, "landing": f"{HOST}{rng.choice(PATHS)}"}
        | {"referrer_key": None if page.endswith("/") else key64(page), "landing_tag": None, "entry_count": 1}
        for page in pages
    ]
    w.publish("server_logs", "entry", key, day_of(night), entries, part="web/a/0")


def publish_analytics(w: Warehouse, key: int, night: int, rng: random.Random) -> None:
    """Google counts who came, and tells of the night before what came of it; told again, it is something else."""
    hosts = [f"n{number}.example" for number in range(0, 40, 2)]
    at = {"row_key": 0, "host_name": "www.shop.example", "landing": ""}
    came: list[dict[str, Any]] = [
        at | {"row_key": number, "landing": f"{HOST}{path}"} for number, path in enumerate(rng.choices(PATHS, k=12))
    ]
    seen = {"referrer_state": "known", "is_cut": False, "landing_tag": None}
    pages = [f"https://www.{rng.choice(hosts)}/{rng.choice(('', 'post'))}" for _ in came]
    referrers = [
        row | seen | {"referrer": page, "referrer_key": None if page.endswith("/") else key64(page)}
        | {"event_count": rng.randint(1, 4)}
        for row, page in zip(came, pages, strict=True)
    ]  # fmt: skip
    w.publish("ga4", "referrer", key, day_of(night), referrers)
    session = {"session_medium": "referral", "channel_group": "Referral", "engaged_sessions": 1, "currency": "USD"}
    landings = [
        row | session | {"session_source": rng.choice(hosts), "sessions": rng.randint(1, 5)}
        | {"key_events": rng.randint(0, 3), "total_revenue": rng.randint(0, 9)}
        for row in came
    ]  # fmt: skip
    w.publish("ga4", "landing", key, day_of(night - VISITED_EVERY), landings)


def publish_links(w: Warehouse, key: int, night: int, rng: random.Random) -> None:
    """A full pull now and then, else what is new and lost; sometimes truncated or with rejected rows."""
    if rng.random() < 0.05:
        return
    unread, rejected = int(rng.random() < 0.1), int(rng.random() < 0.05)
    # The second property has so few links that some can be judged.
    names = [f"n{number}" for number in range(0, 30, (1, 4)[kind(key) - 1]) if int(number * LAST / 30) - 40 <= night]
    if night % 28 < 2:
        full = [chance_item(name, night, rng, lost=False) for name in names if rng.random() < 0.7]
        publish_night(w, key, night, full=full, unread=unread, rejected=rejected)
        return
    new = [chance_item(name, night, rng, lost=False) for name in names if rng.random() < 0.03]
    lost = [chance_item(name, night, rng, lost=True) for name in names if rng.random() < 0.01]
    publish_night(w, key, night, new=new, lost=lost, unread=unread, rejected=rejected)


def publish_looks(w: Warehouse, key: int, night: int, rng: random.Random) -> None:
    """Our visits: some links are met, some missed night after night, and some pages turn us away."""
    found = {}
    for number in range(0, 12, 3):
        chances = (0.05, 0.9, 0.05) if number % 2 else (0.8, 0.1, 0.1)
        link = (f"https://s{number % 11}.example/{number}", HOST + PATHS[number % len(PATHS)])
        (found[link],) = rng.choices(("live", "gone", "blocked"), chances)
    publish_visits(w, key, night, found)


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
    for part in FILES["backlink"]:
        publish_export(w, "backlink", key, night, rng.sample(links, 3), part=part)
    page = HOST + rng.choice(PATHS)
    check = {"engine": "google", "country": "US", "language": "en", "depth": 10, "state": "found", "url": page}
    devices = ("desktop", "desktop", "mobile", "tablet")
    found = [
        check | {"keyword": f"k{number}", "device": rng.choice(devices), "position": rng.randint(1, 10)}
        for number in rng.sample(range(7), 4)
    ]
    for part in FILES["ranking"]:
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


@dataclass(frozen=True)
class Batch:
    """What one build comes to know: nights that are published, nights that are taken back, and visits.

    On nights of ours people come too.
    """

    told: list[Day]
    emptied: list[Day]
    visited: list[tuple[int, int]]
    """Properties and nights of our visits."""


def batches(world: World) -> list[Batch]:
    """Days as builds come to know them: history, a long stretch, single nights, what is taken back, and what is late.

    What is late comes source by source, each with a build of its own, which leaves what nothing of it reaches.

    A source of each property that is read every night is missing for a stretch of nights until the last, as if it was
    added again; another's nights are taken back by a build of their own, and half of them told again.
    """
    rng, days = world.rng, days_of_all_sources(world)
    absent = _stretches(world, days)
    late = set(rng.sample(days, 12)).union(absent)
    emptied = [day for day in _stretches(world, days) if day not in late and day[2] < 200]
    kept = [day for day in days if day not in late]
    newest = max(day[2] for day in kept)
    old = [("files", key, rng.randrange(200)) for key in world.keys[:2]]
    visited = [(key, night) for key in world.keys[:2] for night in range(0, LAST, VISITED_EVERY)]
    *visited_late, visited_again, unsaid = world.visiting.sample(visited, 4)
    in_time = [visit for visit in visited if visit not in visited_late]
    spans = ((0, 200), (200, newest - 4), (newest - 4, LAST))
    first, long, single = (
        Batch([day for day in kept if since <= day[2] < end], [], [v for v in in_time if since <= v[1] < end])
        for since, end in spans
    )
    told_late = sorted(late) + rng.sample(kept, 4) + old + emptied[::2]
    return [
        first,
        long,
        single,
        Batch([], emptied, []),
        *(Batch([day for day in told_late if day[0] == source], [], []) for source in ORDER),
        Batch([], [("visits", *unsaid)], [*visited_late, visited_again]),
    ]


def _stretches(world: World, days: list[Day]) -> list[Day]:
    """For each property some nights on end of a source."""
    chosen = {
        key: (world.rng.choice(("links", "checks", "crawl", "searches")), world.rng.randrange(LAST))
        for key in world.keys
    }
    return [
        (source, key, night)
        for source, key, night in days
        if source == chosen[key][0] and chosen[key][1] <= night < chosen[key][1] + 40
    ]


def affected_share(w: Warehouse) -> float:
    """Share of the cells with link events, and their samples, that the last build made anew."""
    (row,) = w.rows(
        """
        select
            (select coalesce(sum(cardinality(sample_nos)), 0) from intermediate.int_link__list_affected_cells)::float8
            / (count(*) * (select count(*) from intermediate.int_effect__list_samples)) as share
        from (
            select distinct property_key, topic, event_date
            from intermediate.int_link__judge_events where topic is not null
        ) as cells
        """
    )
    return float(row["share"])


@pytest.fixture(scope="module")
def found(warehouse: Warehouse, request: pytest.FixtureRequest) -> dict[int, dict[str, list[Row]]]:
    """By seed what builds left otherwise than a full refresh: all worlds are built together, batch by batch."""
    w = warehouse
    drawn = enumerate(seeds(request.config, SEEDS, of=OF))
    worlds = [
        World(seed, random.Random(seed), (3 * no + 1, 3 * no + 2, 3 * no + 3), random.Random(f"visits of {seed}"))
        for no, seed in drawn
    ]
    for world in worlds:
        for key in world.keys:
            w.add_property(key, "shop.example", depth=10, later_depths=LATER_DEPTHS if kind(key) != 1 else None)
            for number, path in enumerate(paths(key)):
                w.add_keyword(key, f"k{number}", HOST + path if number % 2 else None)
    shares = []
    for number, together in enumerate(zip(*map(batches, worlds), strict=True)):
        with w.connection.transaction():
            for world, batch in zip(worlds, together, strict=True):
                for day in batch.told:
                    publish(w, day, world.rng)
                for day in batch.emptied:
                    empty(w, day)
                for key, night in batch.visited:
                    publish_looks(w, key, night, world.visiting)
                    publish_entries(w, key, night, random.Random(f"{world.seed} {key} {night}"))
                    publish_analytics(w, key, night, random.Random(f"{world.seed} {key} {night} {number}"))
        w.build(*MODELS)
        shares.append(affected_share(w))
    assert 0 < min(filter(None, shares)) < 0.5, "no build left some cells as they were"
    built = {world.seed: contents(w, *world.keys) for world in worlds}
    w.refresh(*MODELS)
    assert all(all(tables.values()) for tables in built.values())
    return {world.seed: differences(built[world.seed], contents(w, *world.keys)) for world in worlds}


@pytest.mark.slow
def test_builds_of_any_order_equal_a_full_refresh(found: dict[int, dict[str, list[Row]]], seed: int) -> None:
    assert found[seed] == {}
