"""A provider's answer whose shape moves is noticed; one that is as always is not."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from seo_warehouse.client.shapes import LONGEST_PATH, MOST_ITEMS, MOST_PATHS, Tally
from seo_warehouse.ledger.alerts import note_states, open_alerts
from seo_warehouse.ledger.cutting import cut_ledger
from seo_warehouse.ledger.shapes import accept, note_shapes, read_changes
from seo_warehouse.ledger.troubles import find_troubles
from tests.load.loading import fetch

FIRST = date(2026, 6, 1)
PATH = "/v3/links/0b5f33aa-1234/live"
Item = dict[str, Any]


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as opened:
        yield opened


def item(dice: random.Random) -> Item:
    """A link as a vendor may tell it: a field that is often null, one that is seldom there, an object, a list."""
    told: Item = {
        "id": dice.randrange(10**6),
        "url": "https://a.example/",
        "rank": dice.choice((1, 2.5)),
        "anchor": None if dice.random() < 0.1 else "oak",
        "page": {"title": "Oak", "status": 200},
        "tags": ["a", "b"],
    }
    return told | ({"lost_on": "2026-05-01"} if dice.random() < 0.03 else {})


def answer(dice: random.Random, change: Callable[[Item], Item] = lambda each: each) -> dict[str, Any]:
    items = [change(item(dice)) for _ in range(dice.randrange(60, 90))]
    return {"status": 200, "cost": 0.02, "tasks": [{"result": [{"total": len(items), "items": items}]}]}


def night(
    connection: psycopg.Connection[Any],
    number: int,
    dice: random.Random,
    change: Callable[[Item], Item] = lambda each: each,
    source: str = "links",
) -> None:
    """Two loads of a night, of one answer each; then the source has ended it."""
    day = FIRST + timedelta(days=number)
    for _ in range(2):
        tally = Tally()
        tally.see(PATH, answer(dice, change))
        note_shapes(connection, source, tally, day)
    connection.execute("insert into ops.source_night (source, night) values (%s, %s)", (source, day))


def without(*names: str) -> Callable[[Item], Item]:
    return lambda each: {name: value for name, value in each.items() if name not in names}


def changes(connection: psycopg.Connection[Any]) -> list[str]:
    return [str(change) for change in read_changes(connection, "links") if change.is_told]


def test_a_tally_counts_fields_and_types_of_a_sample_and_no_value() -> None:
    tally = Tally()
    tally.see(PATH, {"a": [{"x": 1}, {"x": None, "y": {"z": "s"}}], "b@c.example": True, "2026-05-01": 1})
    [(name, endpoint)] = tally.endpoints.items()
    assert name == "/v3/links/*/live"
    assert endpoint.objects == {"": 1, ".a[]": 2, ".a[].y": 1}
    told = {path: (each.present, each.filled, each.types) for path, each in endpoint.fields.items()}
    assert told == {
        ".a": (1, 1, {"array"}),
        ".*": (2, 2, {"boolean", "number"}),
        ".a[].x": (2, 1, {"number"}),
        ".a[].y": (1, 1, {"object"}),
        ".a[].y.z": (1, 1, {"string"}),
    }


def test_a_tally_is_bounded_whatever_comes() -> None:
    tally = Tally()
    tally.see("/many", {"items": [{"a": 1}] * 100_000})
    assert tally.endpoints["/many"].objects[".items[]"] == MOST_ITEMS
    tally.see("/later", {"items": [{"a": 1}]})
    assert "/later" not in tally.endpoints
    names = Tally()
    names.see("/names", {f"name_{chr(97 + n % 26)}_{n}": 1 for n in range(5_000)})
    assert len(names.endpoints["/names"].fields) == MOST_PATHS
    for name, most in (("n{}", MOST_PATHS), ("host-{}.example", MOST_ITEMS)):
        objects = Tally()
        objects.see("/objects", {"by_name": {name.format(n): {"x": 1} for n in range(5_000)}})
        assert sum(objects.endpoints["/objects"].objects.values()) <= 2 + most
    deep: Any = "end"
    for _ in range(50_000):
        deep = [deep]
    nested = Tally()
    nested.see("/deep", deep)
    nested.see("/" + "word/" * 100, {"a": 1})
    assert list(nested.endpoints) == ["/deep"]
    assert all(len(path) <= LONGEST_PATH for path in nested.endpoints["/deep"].fields)


def test_what_is_as_always_raises_nothing_in_a_hundred_seeds(connection: psycopg.Connection[Any]) -> None:
    for seed in range(100):
        dice = random.Random(seed)
        for number in range(6):
            tally = Tally()
            tally.see(PATH, answer(dice))
            note_shapes(connection, f"links_{seed}", tally, FIRST + timedelta(days=number))
    assert [change for change in read_changes(connection) if change.is_told] == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (without("url"), ["tasks[].result[].items[].url is gone"]),
        (without("page"), ["tasks[].result[].items[].page is gone"]),
        (lambda each: without("url")(each) | {"address": each["url"]}, ["tasks[].result[].items[].url is gone"]),
        (
            lambda each: each | {"rank": str(each["rank"])},
            ["tasks[].result[].items[].rank is string, and was number"],
        ),
        (lambda each: each | {"tags": {}}, ["tasks[].result[].items[].tags is object, and was array"]),
        (lambda each: each | {"more": 1}, []),
        (without("lost_on"), []),
    ],
)
def test_a_field_that_is_gone_renamed_or_retyped_is_told_until_it_is_back(
    connection: psycopg.Connection[Any], change: Callable[[Item], Item], told: list[str]
) -> None:
    dice = random.Random(7)
    for number in range(5):
        night(connection, number, dice)
    for number in (5, 6, 7):
        night(connection, number, dice, change)
        assert changes(connection) == told
    night(connection, 8, dice)
    assert changes(connection) == []


def test_a_field_that_is_empty_far_more_often_is_told_and_a_new_one_is_a_note(
    connection: psycopg.Connection[Any],
) -> None:
    dice = random.Random(8)
    for number in range(5):
        night(connection, number, dice)
    night(connection, 5, dice, lambda each: each | {"anchor": None, "more": True})
    [told] = changes(connection)
    assert told.startswith("tasks[].result[].items[].anchor is empty in 100%, where ")
    [note] = [str(change) for change in read_changes(connection) if not change.is_told]
    assert note == "tasks[].result[].items[].more is new (boolean)"


def test_people_are_told_once_and_no_more_once_somebody_takes_it_for_usual(
    connection: psycopg.Connection[Any],
) -> None:
    dice = random.Random(9)

    def told() -> list[str]:
        now = datetime.now(UTC)
        note_states(connection, find_troubles(connection, now), now)
        return [each.content for each in open_alerts(connection) if each.kind == "shape_changed"]

    for number in range(5):
        night(connection, number, dice)
    assert told() == []
    for number in (5, 6):
        night(connection, number, dice, without("url", "rank"))
        [content] = told()
        assert "/v3/links/*/live: tasks[].result[].items[].rank is gone; /v3/links/*/live: tasks[]" in content
    # Another night has begun, whose first answers are of one property.
    tally = Tally()
    tally.see(PATH, answer(dice))
    note_shapes(connection, "links", tally, FIRST + timedelta(days=7))
    assert told() == [content]
    assert fetch(connection, "select count(*) from ops.alert where kind = 'shape_changed'") == [(1,)]
    night(connection, 8, dice, without("url", "rank"))
    accept(connection, "links", who="ana", why="the vendor says so")
    assert told() == []
    night(connection, 9, dice, without("url", "rank"))
    assert told() == []
    assert fetch(connection, "select distinct accepted_by, why from ops.shape") == [("ana", "the vendor says so")]


def test_what_was_not_seen_for_as_long_as_the_ledger_is_kept_is_given_up(connection: psycopg.Connection[Any]) -> None:
    night(connection, 0, random.Random(1))
    night(connection, 3, random.Random(1), without("url"))
    cut_ledger(connection, FIRST + timedelta(days=2))
    assert fetch(connection, "select count(*), min(last_seen) from ops.shape where path like '%%.url'")[0][0] == 0
    assert fetch(connection, "select count(*) > 5, min(last_seen) from ops.shape") == [
        (True, FIRST + timedelta(days=3))
    ]
