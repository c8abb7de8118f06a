"""The demo's logs, read by the product's own parts: every verdict and count is the truth's."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from seo_warehouse.demo.catalogue import DEMO_PROPERTIES
from seo_warehouse.demo.logs import truth, write_logs
from seo_warehouse.demo.visits import LISTED_AFTER_DAYS, MOVED_AFTER_DAYS, OUTAGE_AFTER_DAYS, lists_on
from seo_warehouse.demo.world import World
from seo_warehouse.logs import asof, rows
from seo_warehouse.logs.keeping import keep
from seo_warehouse.logs.resuming import find_start

FIRST = date(2026, 5, 4)
LAST = FIRST + timedelta(days=112)
PROP = DEMO_PROPERTIES[0]
SITE = PROP.url("/").rstrip("/")


@pytest.fixture(scope="module")
def world() -> World:
    return World(7, FIRST)


@pytest.fixture(scope="module")
def readings(world: World) -> asof.Readings:
    """The lists as nights read them, one night in which nothing was read."""
    days = [FIRST + timedelta(days=n) for n in range(113) if n != MOVED_AFTER_DAYS]
    return {name: {day: frozenset(lists_on(world, day)[name]) for day in days} for name in lists_on(world, FIRST)}


@pytest.fixture(scope="module")
def read(world: World, readings: asof.Readings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """The rows of all logs, by table."""
    folder = tmp_path_factory.mktemp("logs")
    write_logs(folder, world, PROP, LAST)
    found: dict[str, list[Any]] = {"bot_hit": [], "human_hit": [], "entry": [], "segment": []}
    for path in sorted(folder.rglob("access*")):
        spool = BytesIO()
        start = find_start(path, [])
        assert start is not None
        keep(
            path,
            start,
            spool,
            asof.make_finder({name: set().union(*told.values()) for name, told in readings.items()}),
            domain=PROP.domain,
            takes_rest=True,
        )
        log = rows.Log(stream=path.parent.name, name=path.name, site=SITE, written_on=LAST)
        for table, reader in (
            ("bot_hit", rows.read_bot_hits),
            ("human_hit", rows.read_human_hits),
            ("entry", rows.read_entries),
            ("segment", rows.read_segments),
        ):
            spool.seek(0)
            found[table] += reader(log, spool, asof.make_as_of(readings))
    return found


@pytest.fixture(scope="module")
def true(world: World) -> list[dict[str, Any]]:
    return list(truth(world, PROP, LAST))


def test_every_verdict_and_count_is_the_truths(read: dict[str, list[Any]], true: list[dict[str, Any]]) -> None:
    told: Counter[tuple[Any, ...]] = Counter()
    for row in read["bot_hit"]:
        key = (row["stream"], row["day"], row["bot"], row["operator"], row["verdict"], row["url"], row["status_code"])
        told[key] += row["hit_count"]
    expected = Counter(
        (
            visit["stream"],
            datetime.fromisoformat(visit["at"]).date(),
            *(visit[name] for name in ("bot", "operator", "verdict", "url", "status")),
        )
        for visit in true
        if visit["bot"] and visit["is_written"] and not visit["is_spoiled"]
    )
    assert told == expected
    assert not any(row["is_range_later"] or row["is_overflow"] for row in read["bot_hit"])


def test_entries_are_those_who_came_from_elsewhere(read: dict[str, list[Any]], true: list[dict[str, Any]]) -> None:
    told: Counter[tuple[Any, ...]] = Counter()
    for row in read["entry"]:
        if row["referrer_state"] == "known":
            told[row["stream"], row["day"], row["referrer"], row["landing"]] += row["entry_count"]
    expected = Counter(
        (visit["stream"], datetime.fromisoformat(visit["at"]).date(), visit["referrer"], visit["url"])
        for visit in true
        if visit["referrer"] and visit["is_written"] and not visit["is_spoiled"]
    )
    # Two people of one address and agent within half an hour are taken for one.
    assert told - expected == Counter()
    assert 0.97 * expected.total() < told.total() <= expected.total()
    by_page = sum(count for (_, _, referrer, _), count in told.items() if not referrer.endswith("/"))
    assert by_page > 100
    assert any(visit["link_id"] and not visit["referrer"] for visit in true)


def test_people_and_malformed_lines_are_counted_exactly(read: dict[str, list[Any]], true: list[dict[str, Any]]) -> None:
    people = sum(not visit["bot"] and visit["is_written"] and not visit["is_spoiled"] for visit in true)
    assert sum(row["hit_count"] for row in read["human_hit"]) == people
    malformed = sum(row["malformed_count"] for row in read["segment"])
    assert malformed == sum(visit["is_spoiled"] for visit in true) > 0
    assert sum(row["line_count"] for row in read["segment"]) == sum(visit["is_written"] for visit in true)


def test_the_outage_has_no_line_and_its_visits_were_true(
    read: dict[str, list[Any]], true: list[dict[str, Any]]
) -> None:
    day = FIRST + timedelta(days=OUTAGE_AFTER_DAYS)
    assert {row["stream"] for row in read["segment"] if row["day"] == day} == {"web"}
    assert any(not visit["is_written"] for visit in true)


def test_a_list_that_is_published_late_holds_for_the_week_before(
    read: dict[str, list[Any]], true: list[dict[str, Any]]
) -> None:
    moved = FIRST + timedelta(days=MOVED_AFTER_DAYS)
    before = [visit for visit in true if visit["guest"] == "googlebot_moved"]
    assert min(datetime.fromisoformat(visit["at"]).date() for visit in before) == moved
    assert MOVED_AFTER_DAYS < LISTED_AFTER_DAYS
    liars = {"liar", "named_liar"}
    spoofed = sum(row["hit_count"] for row in read["bot_hit"] if row["verdict"] == "spoofed")
    assert spoofed == sum(v["guest"] in liars and v["is_written"] and not v["is_spoiled"] for v in true)


def test_lists_that_nobody_reads_make_no_liars(world: World, tmp_path: Path) -> None:
    write_logs(tmp_path, world, PROP, FIRST + timedelta(days=2))
    (path,) = (tmp_path / "web").iterdir()
    spool = BytesIO()
    start = find_start(path, [])
    assert start is not None
    keep(path, start, spool, lambda address: None, domain=PROP.domain, takes_rest=True)
    spool.seek(0)
    log = rows.Log(stream="web", name=path.name, site=SITE, written_on=LAST)
    verdicts = {row["verdict"] for row in rows.read_bot_hits(log, spool, asof.make_as_of({}))}
    assert verdicts == {"unverifiable"}
