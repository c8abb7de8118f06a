"""How far a changed day reaches: for each kind of change, a build that rebuilds its dates alone equals a full refresh.

Each case is a property of its own. All have the same past, and then one thing is told: late, anew or next.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.warehouse.comparing import MODELS, Row, contents, differences
from tests.warehouse.exports import publish_export
from tests.warehouse.links import day, item, publish_night
from tests.warehouse.ranks import HOST, publish_checks, publish_crawl
from tests.warehouse.world import Warehouse

PATHS = tuple(f"/calm/{name}" for name in "abcdefghi")
LINKS = dict(zip((72, 92, 112, 116, 132, 140, 152, 208), map("/calm/{}".format, "abcdiief"), strict=True))
"""Page that gets its only link, or one of its burst, by night."""
FIRST_SEEN = {208: 206, 140: None}
"""Since when the vendor has a link, where that is not the night: the headline of the last one ends on night 240."""
CHECK = {"engine": "google", "country": "US", "language": "en", "depth": 10, "state": "found", "position": 3}
COMPARED = ("marts.fct_link_rank_change", "intermediate.int_effect__measure_units")


def links(night: int) -> list[dict[str, Any]]:
    """The new links that a night tells of."""
    if night not in LINKS:
        return []
    return [item(f"calm{night}", first=FIRST_SEEN.get(night, night), seen=night, target=HOST + LINKS[night])]


def checks(seed: int) -> dict[str, tuple[str, int]]:
    """A night of checks."""
    rng = random.Random(seed)
    return {f"k{number}": (path, rng.randint(1, 9)) for number, path in enumerate(PATHS)}


def searches(seed: int) -> list[dict[str, Any]]:
    """A day of Search Console."""
    rng = random.Random(seed)
    row = {"country": "usa", "device": "MOBILE", "clicks": 1, "position": 2.0}
    return [row | {"page_url": HOST + path, "impressions": rng.randint(1, 9)} for path in PATHS]


def publish_past(w: Warehouse, key: int, last_look: int = 236) -> None:
    """What every case has: a night of checks and a day of searches are missing; some files were dropped."""
    for number, path in enumerate(PATHS):
        w.add_keyword(key, f"k{number}", HOST + path if number % 2 else None)
    for night in range(0, 237, 4):
        if night <= last_look:
            publish_night(w, key, night, full=[] if night == 0 else None, new=links(night))
        if night != 104:
            publish_checks(w, key, night, checks(night))
    for night in range(0, 239, 14):
        publish_crawl(w, key, night, text(night))
    for night in range(235):
        if night != 118:
            w.publish("search_console", "page_total", key, day(night), searches(night))
    publish_export(w, "ranking", key, 30, [tablet("k3", "/calm/d")])
    publish_export(w, "ranking", key, 100, [tablet("k1", "/calm/b")])
    publish_export(w, "page_change", key, 130, [{"url": HOST + "/calm/h", "kind": "title"}])


def text(night: int) -> dict[str, str]:
    """What a crawl of a night finds on each page: one has changed."""
    return dict.fromkeys(PATHS, "text") | ({"/calm/g": "other"} if night >= 126 else {})


def tablet(keyword: str, path: str) -> dict[str, Any]:
    """A check on a tablet."""
    return CHECK | {"keyword": keyword, "device": "tablet", "url": HOST + path}


def mobile(w: Warehouse, key: int, night: int, keyword: str, path: str) -> None:
    """A check on mobile, told on the last night."""
    row = CHECK | {"keyword": keyword, "device": "mobile", "url": HOST + path}
    publish_export(w, "ranking", key, night, [row], part="rank_tracker_wide", exported=240)


Act = Callable[[Warehouse, int], object]
NEXT_LOOK = "the next look for links"
LATE_MEMBER = "looks before the second link of a burst, found incomplete"
LATER_LINK = "a link, 96 days after another to its page"
LONG_BEFORE = 72
CASES: dict[str, Act] = {
    "a check of a series that nobody had checked": lambda w, key: mobile(w, key, 21, "k1", "/calm/b"),
    "the only check of a series, taken back": lambda w, key: publish_export(w, "ranking", key, 30, []),
    "the first check of a series, told late": lambda w, key: publish_export(
        w, "ranking", key, 80, [tablet("k1", "/calm/b")], exported=240
    ),
    "a night of checks, told late": lambda w, key: publish_checks(w, key, 104, checks(104)),
    "a night of checks, told anew": lambda w, key: publish_checks(w, key, 100, checks(1)),
    "a night of checks, emptied": lambda w, key: publish_checks(w, key, 108, {}),
    "the next night of checks": lambda w, key: publish_checks(w, key, 240, checks(240)),
    NEXT_LOOK: lambda w, key: publish_night(w, key, 236),
    "the last look for links, found incomplete": lambda w, key: publish_night(w, key, 236, unread=1),
    LATE_MEMBER: lambda w, key: [publish_night(w, key, night, new=links(night), unread=1) for night in (128, 132, 136)],
    "a link, told late": lambda w, key: publish_night(
        w, key, 102, new=[item("late", first=102, target=HOST + "/calm/g")]
    ),
    "a link, taken back": lambda w, key: publish_night(w, key, 112),
    LATER_LINK: lambda w, key: publish_night(
        w, key, 168, new=[item("later", first=168, target=HOST + LINKS[LONG_BEFORE])]
    ),
    "the next crawl": lambda w, key: publish_crawl(w, key, 240, text(240)),
    "the next crawl, of a changed page": lambda w, key: publish_crawl(w, key, 240, text(240) | {"/calm/f": "other"}),
    "a crawl, told late": lambda w, key: publish_crawl(w, key, 105, text(105) | {PATHS[2]: "other"}),
    "a crawl, told anew": lambda w, key: publish_crawl(w, key, 98, dict.fromkeys(PATHS[2:], "other")),
    "a crawl, emptied": lambda w, key: publish_crawl(w, key, 126, {}),
    "a page change, told late": lambda w, key: publish_export(
        w, "page_change", key, 145, [{"url": HOST + "/calm/e", "kind": "title"}]
    ),
    "a page change, taken back": lambda w, key: publish_export(w, "page_change", key, 130, []),
    "a day of searches, told late": lambda w, key: w.publish(
        "search_console", "page_total", key, day(118), searches(118)
    ),
    "a day of searches, told anew": lambda w, key: w.publish(
        "search_console", "page_total", key, day(110), searches(1)
    ),
    "the next days of searches": lambda w, key: [
        w.publish("search_console", "page_total", key, day(night), searches(night)) for night in (235, 236)
    ],
    "a page that had moved for a time": lambda w, key: publish_crawl(
        w, key, 126, text(126), moved={"/calm/h": "/calm/g"}
    ),
    "the page of a keyword": lambda w, key: publish_export(
        w, "keyword", key, 240, [{"keyword": "k2", "page_url": HOST + "/calm/a"}]
    ),
    "the topic of a page": lambda w, key: publish_export(
        w, "page", key, 240, [{"url": HOST + "/calm/h", "topic": "wild"}]
    ),
}
AT_EVERY_DATE = {
    *("the page of a keyword", "the topic of a page"),
    *("a check of a series that nobody had checked", "the only check of a series, taken back"),
}


@dataclass(frozen=True)
class Told:
    """A property before it was told something, after the build of it, and after a full refresh."""

    before: dict[str, list[Row]]
    built: dict[str, list[Row]]
    fresh: dict[str, list[Row]]
    rebuilt_share: float


@pytest.fixture(scope="module")
def told(warehouse: Warehouse) -> dict[str, Told]:
    """Every case. There is one more window than the seed has: no reach is written for its last one."""
    w = warehouse
    keys = {name: number for number, name in enumerate(CASES, 2)}
    for key in (1, *keys.values()):
        w.add_property(key, "shop.example", depth=10)
    with w.connection.transaction():
        publish_past(w, 1)
        for name, key in keys.items():
            if name == NEXT_LOOK:
                publish_past(w, key, last_look=232)
            else:
                w.copy_published(1, key)
    w.insert("intermediate.link_windows", [{"window_name": "week_14", "begin_day": 91, "end_day": 97}])
    w.build(*MODELS)
    before = {name: contents(w, key) for name, key in keys.items()}
    for name, act in CASES.items():
        act(w, keys[name])
    w.build(*MODELS)
    built = {name: contents(w, key) for name, key in keys.items()}
    shares = {name: _rebuilt_share(w, key) for name, key in keys.items()}
    w.refresh(*MODELS)
    return {name: Told(before[name], built[name], contents(w, key), shares[name]) for name, key in keys.items()}


def _rebuilt_share(w: Warehouse, key: int) -> float:
    (row,) = w.rows(
        """
        select sum(cardinality(cells.sample_nos))::float8
            / (count(distinct (events.topic, events.event_date))
               * (select count(*) from intermediate.int_effect__list_samples)) as share
        from intermediate.int_link__judge_events as events
        left join intermediate.int_link__list_affected_cells as cells using (property_key, topic, event_date)
        where events.property_key = %s and events.is_event
        """,
        key,
    )
    return float(row["share"] or 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_what_is_told_late_anew_or_next_is_built_as_by_a_full_refresh(told: dict[str, Told], name: str) -> None:
    case = told[name]
    assert differences(case.built, case.fresh) == {}
    assert any(case.before[table] != case.built[table] for table in COMPARED), "it changed nothing that is compared"


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_no_more_is_rebuilt_than_can_have_changed(told: dict[str, Told], name: str) -> None:
    assert (told[name].rebuilt_share == 1) == (name in AT_EVERY_DATE), told[name].rebuilt_share


@pytest.mark.slow
def test_a_link_on_a_day_of_the_last_window_disturbs_that_window_alone(
    told: dict[str, Told], warehouse: Warehouse
) -> None:
    rows = warehouse.rows(
        """
        select window_name, min(other_link_count) as least, max(other_link_count) as most
        from marts.fct_link_rank_change
        where property_key = %s and event_date = %s
        group by window_name
        """,
        2 + list(CASES).index(LATER_LINK),
        day(LONG_BEFORE),
    )
    counted = {row["window_name"]: (row["least"], row["most"]) for row in rows}
    assert counted.pop("week_14") == (1, 1)
    assert set(counted.values()) == {(0, 0)}


@pytest.mark.slow
def test_a_burst_is_made_anew_where_a_link_of_it_becomes_uncertain(told: dict[str, Told]) -> None:
    before, built = (
        [row for row in each["marts.fct_link_effect_cell"] if "burst_followed" in row]
        for each in (told[LATE_MEMBER].before, told[LATE_MEMBER].built)
    )
    assert before
    assert not built
