from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from seo_warehouse.demo.catalogue import DEMO_PROPERTIES, FERNLIGHT, PANELS, QUILLMARK, DemoProperty
from seo_warehouse.demo.demand import Demand
from seo_warehouse.demo.knobs import Knobs
from seo_warehouse.demo.links import is_followed, make_links
from seo_warehouse.demo.truth import effects, link_events, positions
from seo_warehouse.demo.world import HISTORY_DAYS, World

FIRST_DAY = date(2026, 5, 4)
MID = date(2026, 8, 3)


@pytest.fixture(scope="module")
def world() -> World:
    return World(11, FIRST_DAY)


def test_the_same_seed_gives_the_same_world_whatever_is_asked_first(world: World) -> None:
    other = World(11, FIRST_DAY)
    later = Demand(other).on(1, MID + timedelta(days=9), MID + timedelta(days=90))
    assert later is not None
    first, second = Demand(other).on(1, MID, date(2027, 1, 1)), Demand(world).on(1, MID, date(2027, 1, 1))
    assert first is not None
    assert second is not None
    assert np.array_equal(first.clicks, second.clicks)
    assert list(link_events(world)) == list(link_events(other))
    assert list(positions(world, FIRST_DAY, MID)) == list(positions(other, FIRST_DAY, MID))


def test_another_seed_gives_another_world(world: World) -> None:
    assert list(positions(world, FIRST_DAY, MID)) != list(positions(World(13, FIRST_DAY), FIRST_DAY, MID))


def test_a_followed_link_moves_its_page_by_its_effect(world: World) -> None:
    calm = World(11, FIRST_DAY, Knobs(followed_effect=0.0))
    for prop in DEMO_PROPERTIES:
        for page in prop.pages:
            changes = [c for link in world.links[prop.key] if link.path == page.path for c in link.changes]
            day = date(2026, 10, 1)
            whole = sum(c.effect for c in changes if c.at.date() <= day - timedelta(days=30))
            partial = [c.effect for c in changes if day - timedelta(days=30) < c.at.date() <= day]
            moved = float((world.level(prop.key, page.path) - calm.level(prop.key, page.path))[world.index(day)])
            low, high = sum(e for e in partial if e < 0), sum(e for e in partial if e > 0)
            assert whole + low - 1e-9 <= moved <= whole + high + 1e-9


def test_every_kind_of_link_event_happens_within_26_weeks(world: World) -> None:
    last = datetime(2026, 11, 2, tzinfo=UTC)
    kinds = {c.kind for links in world.links.values() for link in links for c in link.changes if c.at <= last}
    assert kinds == {"present_at_start", "acquired", "lost", "restored", "rel_changed", "anchor_changed"}
    rels = {c.rel for links in world.links.values() for link in links for c in link.changes if c.at <= last}
    assert {(), ("nofollow",), ("sponsored",), ("ugc", "nofollow")} <= rels


def test_what_happens_to_a_link_is_in_order_and_alternates(world: World) -> None:
    for links in world.links.values():
        for link in links:
            instants = [change.at for change in link.changes]
            assert instants == sorted(set(instants))
            for before, after in zip(link.changes, link.changes[1:], strict=False):
                assert before.is_live or after.kind == "restored"


def test_links_present_at_the_start_are_older_than_the_first_day(world: World) -> None:
    for prop in DEMO_PROPERTIES:
        started = [link for link in world.links[prop.key] if link.changes[0].kind == "present_at_start"]
        assert len(started) == world.knobs.start_links
        assert all(link.changes[0].at.date() < FIRST_DAY for link in started)


@pytest.mark.parametrize("prop", PANELS, ids=lambda prop: prop.name)
def test_a_page_of_a_panel_gets_its_links_months_apart(world: World, prop: DemoProperty) -> None:
    for page in prop.pages:
        days = [link.changes[0].at.date() for link in world.links[prop.key] if link.path == page.path]
        assert days == sorted(days)
        assert all((later - day).days >= 95 for day, later in pairwise(days))
        assert bool(days) is (page.kind == "product")


@pytest.mark.parametrize(("prop", "least", "most"), [(QUILLMARK, 36, 72), (FERNLIGHT, 11, 28)])
def test_the_first_panel_suffices_for_an_estimate_and_the_second_for_an_interval_on_any_seed(
    prop: DemoProperty, least: int, most: int
) -> None:
    # Read whole for 56 days before, and until the end of their windows after.
    judged = FIRST_DAY + timedelta(days=56), FIRST_DAY + timedelta(days=HISTORY_DAYS - 35)
    for seed in range(60):
        links = make_links(seed, prop, Knobs(), FIRST_DAY, FIRST_DAY + timedelta(days=HISTORY_DAYS))
        days = [link.changes[0].at.date() for link in links if is_followed(link.changes[0].rel)]
        assert least <= sum(judged[0] <= day <= judged[1] for day in days) <= most


def test_the_truth_of_a_link_is_what_its_coming_does(world: World) -> None:
    truths = effects(world)
    assert {truths[link.property_key, link.url_from] for link in world.links[1][:80]} == {0.0}
    won = [link for link in world.links[QUILLMARK.key] if link.changes[0].kind == "acquired"]
    assert {is_followed(link.changes[0].rel): truths[link.property_key, link.url_from] < 0 for link in won} == {
        True: True,
        False: False,
    }


def test_without_delay_the_vendor_sees_each_beginning_and_end_at_its_instant(world: World) -> None:
    now = datetime(2026, 10, 5, tzinfo=UTC)
    sights = {s.link.link_id: s for s in world.sights(1, now)}
    begun = {link.link_id: link for link in world.links[1] if link.changes[0].at <= now}
    assert sights.keys() == begun.keys()
    for key, seen in sights.items():
        changes = [c for c in begun[key].changes if c.at <= now]
        assert seen.first_seen == changes[0].at
        assert seen.change == changes[-1]
        if not changes[-1].is_live:
            assert seen.last_seen == changes[-1].at


def test_with_delay_the_vendor_sees_new_links_late() -> None:
    world = World(11, FIRST_DAY, Knobs(disclosure_delay_days=6))
    late = [
        (s.first_seen - s.link.changes[0].at).total_seconds() / 86_400
        for s in world.sights(1, datetime(2026, 10, 5, tzinfo=UTC))
        if s.link.changes[0].kind == "acquired"
    ]
    assert min(late) >= 3
    assert 4.5 < sum(late) / len(late) < 7.5


def test_a_day_outside_the_simulated_time_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="outside the simulated time"):
        world.index(date(2035, 1, 1))


def test_an_unknown_knob_is_refused() -> None:
    with pytest.raises(ValueError, match="nofollow_efect"):
        Knobs.from_dict({"nofollow_efect": 1})
