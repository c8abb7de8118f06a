from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from seo_warehouse.demo.knobs import PanelKnobs
from seo_warehouse.demo.panel import FOUND, NOT_FOUND, Panel, make_panel, true_positions
from seo_warehouse.demo.panel_links import FOLLOWED, GAINED, LOST, NOFOLLOW, UNKNOWN

SMALL = PanelKnobs(pages=60, keywords=2, days=150, topics=3)
BARE = replace(
    SMALL, trend_sd=0.0, page_walk_sd=0.0, walk_sd=0.0, noise_sd=0.0, update_sd=0.0, edit_effect=0.0, start_spread=0.0
)
"""Nothing moves but by links and the topics' own walk."""


def _arrays(panel: Panel) -> dict[str, Any]:
    parts = (panel.series, panel.checks, panel.links, panel.edits)
    found = {f"{type(p).__name__}.{f.name}": getattr(p, f.name) for p in parts for f in fields(p)}
    return found | {"latent": panel.latent, "topic": panel.topic, "updates": panel.updates}


def test_a_seed_gives_one_panel_and_another_seed_another() -> None:
    first, again, other = (_arrays(make_panel(seed, SMALL)) for seed in (1, 1, 2))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["latent"], other["latent"])


def test_a_followed_link_moves_its_page_by_its_effect_after_delay_and_ramp() -> None:
    panel, still = make_panel(3, BARE), make_panel(3, replace(BARE, followed_effect=0.0))
    links = panel.links
    moved = panel.latent - still.latent
    alone = [
        event
        for event in np.flatnonzero((links.kind == GAINED) & (links.effect != 0) & (links.true_day < 100))
        if np.count_nonzero((links.page == links.page[event]) & (links.effect != 0)) == 1
    ]
    assert alone
    for event in alone:
        day, effect = links.true_day[event], links.effect[event]
        rows = moved[panel.series.page == links.page[event]]
        assert rows[:, : day + 3] == pytest.approx(0.0, abs=1e-12)
        assert rows[:, day + 10] == pytest.approx(effect / 2)
        assert rows[:, day + 18 :] == pytest.approx(effect)


def test_only_followed_links_tell_unless_nofollow_has_a_worth() -> None:
    links = make_panel(1, replace(SMALL, repeat_share=0.0, pages=300)).links
    new = links.kind == GAINED
    assert np.all(links.effect[new & (links.rel_class == FOLLOWED)] < 0)
    assert np.all(links.effect[new & (links.rel_class != FOLLOWED)] == 0)
    worth = make_panel(1, replace(SMALL, repeat_share=0.0, pages=300, nofollow_worth=0.25)).links
    assert np.all(worth.effect[new & (worth.rel_class == NOFOLLOW)] < 0)
    assert np.all(worth.effect[new & (worth.rel_class == UNKNOWN)] == 0)
    assert np.all(worth.effect[worth.kind == LOST] >= 0)


def test_effects_rise_with_authority_where_they_are_told_to() -> None:
    knobs = replace(SMALL, start_links=0.0, pages=400, repeat_share=0.0, burst_share=0.0)
    links = make_panel(1, replace(knobs, authority_growth=1.0)).links
    first = np.flatnonzero((links.kind == GAINED) & (links.rel_class == FOLLOWED))
    first = first[[np.flatnonzero(links.page == links.page[event])[0] == event for event in first]]
    assert links.effect[first] == pytest.approx(knobs.followed_effect * 2 * links.authority[first] / 1_000)
    links = make_panel(1, replace(knobs, authority_growth=0.0)).links
    assert links.effect[first] == pytest.approx(knobs.followed_effect)


@pytest.mark.parametrize("knob", ["rise_selection", "spell_selection"])
def test_links_follow_what_they_are_told_to_follow(knob: str) -> None:
    def before(strength: float) -> float:
        panel = make_panel(5, replace(BARE, pages=400, followed_effect=0.0, trend_sd=0.004, page_walk_sd=0.03))
        chosen = make_panel(5, replace(panel.knobs, **{knob: strength}))
        new = np.flatnonzero((chosen.links.kind == GAINED) & (chosen.links.true_day > 56))
        page, day = chosen.links.page[new], chosen.links.true_day[new]
        rows = chosen.latent[:: SMALL.keywords]
        return float(np.mean(rows[page, day - 1] - rows[page, day - 40]))

    assert before(1.0) < before(0.0) - 0.02


def test_new_links_come_with_edits_where_they_are_told_to() -> None:
    def share(edit_share: float, unseen: float = 0.0) -> float:
        knobs = replace(SMALL, edit_share=edit_share, unseen_edit_share=unseen, edit_days=1_000.0, burst_share=0.0)
        panel = make_panel(2, knobs)
        new = np.flatnonzero(panel.links.kind == GAINED)
        near = [
            np.any(np.abs(panel.edits.day[panel.edits.page == panel.links.page[e]] - panel.links.true_day[e]) < 21)
            for e in new
        ]
        return float(np.mean(near))

    assert share(1.0) > 0.95
    assert share(0.0) < 0.2
    assert share(1.0, unseen=1.0) == share(0.0)


def test_links_are_seen_late_by_half_to_one_and_a_half_of_the_mean() -> None:
    links = make_panel(1, replace(SMALL, discovery_days=7.0)).links
    late = (links.seen_day - links.true_day)[links.kind == GAINED]
    assert late.min() >= 3
    assert late.max() <= 11
    assert np.mean(late) == pytest.approx(7.0, abs=0.7)


def test_checks_say_what_is_true_or_that_they_do_not_know() -> None:
    panel = make_panel(1, replace(SMALL, start_position=60.0, failed_share=0.1, truncated_share=0.1, shallow_share=0.2))
    checks = panel.checks
    place = np.rint(np.exp(np.clip(panel.latent, 0, np.log(400))))
    found = checks.state == FOUND
    assert np.array_equal(checks.position[found], place[found])
    assert np.all(place[checks.state == NOT_FOUND] > checks.depth[checks.state == NOT_FOUND])
    assert {int(state) for state in np.unique(checks.state)} == {1, 2, 3, 4}


def test_the_truth_is_what_an_event_does_to_the_counted_positions() -> None:
    panel = make_panel(3, BARE)
    links = panel.links
    event = int(np.flatnonzero((links.kind == GAINED) & (links.effect < -0.1) & (links.seen_day < 110))[0])
    with_it, without = true_positions(panel, event, 21, 34)
    assert with_it.shape == without.shape == (SMALL.keywords, 14)
    assert np.all(with_it <= without)
    assert np.any(with_it < without)
    assert np.array_equal(*true_positions(panel, event, -7, -1))
