"""What a link does to pages that wait: what is compared, what is told, and when nothing is."""

from __future__ import annotations

from dataclasses import fields, replace
from math import exp, log

import numpy as np
import pytest

from seo_warehouse.discovery.linked import (
    BEFORE,
    DONUT,
    HEADLINE,
    MONTH,
    NEVER,
    WEEK,
    Gaps,
    Paths,
    Ratio,
    fit_links,
    fit_placebo,
    share_after,
)
from seo_warehouse.discovery.published import Effect, publish_effects, smallest_detectable, status_of
from tests.discovery.worlds import LINK_WORLDS, LinkKnobs, make_links

STRONG = LinkKnobs(pages=800, ratio=3.0, pull=0.0)


def gaps_of(state: list[int], *, is_event: list[bool] | None = None, topic: list[int] | None = None) -> Gaps:
    """Gaps of one day, each of a page of its own, in these states to the first arm."""
    count = len(state)
    none = np.zeros(count, dtype=np.int64)
    return Gaps(
        page=np.arange(count),
        is_event=np.array(is_event or [True, False] * (count // 2)),
        gap=np.arange(count),
        days=np.ones(count),
        age=none,
        period=none,
        topic=np.array(topic) if topic else none,
        state=np.column_stack([state, none, none]),
    )


def headline(effects: list[Effect]) -> Effect:
    return next(effect for effect in effects if effect.band == "1-28")


@pytest.fixture(scope="module")
def strong() -> Gaps:
    return make_links(6, STRONG).gaps


def test_a_ratio_is_that_of_events_by_day_where_nothing_else_differs() -> None:
    """Hazards of -log(1 - 1/2) and -log(1 - 1/4)."""
    gaps = gaps_of([NEVER] * 40 + [WEEK] * 40, is_event=[True, False, False, False] * 10 + [True, False] * 20)
    model = fit_links(gaps, 0)
    assert model is not None
    assert exp(model.ratios[HEADLINE].log_ratio) == pytest.approx(log(2) / log(4 / 3))
    assert (model.ratios[HEADLINE].event_count, model.ratios[HEADLINE].page_count) == (20, 40)


def test_a_gap_that_touches_days_of_doubt_is_on_neither_side() -> None:
    sure = gaps_of([NEVER] * 40 + [WEEK] * 40)
    doubted = gaps_of([NEVER] * 40 + [WEEK] * 40 + [DONUT] * 40, is_event=[True, False] * 40 + [True] * 40)
    one, other = fit_links(sure, 0), fit_links(doubted, 0)
    assert one is not None
    assert other is not None
    assert other.ratios[HEADLINE] == one.ratios[HEADLINE]


def test_days_before_a_link_are_days_without_it_and_the_placebos_own() -> None:
    events = [True, False] * 20 + [True, True, True, False] * 10 + [True] * 40
    gaps = gaps_of([NEVER] * 40 + [BEFORE] * 40 + [MONTH] * 40, is_event=events)
    links, placebo = fit_links(gaps, 0), fit_placebo(gaps, 0)
    assert links is not None
    assert placebo is not None
    assert set(links.ratios) == {HEADLINE}
    assert exp(placebo.ratios[BEFORE].log_ratio) == pytest.approx(log(4) / log(2))


def test_a_topic_without_a_page_of_each_kind_is_counted_and_left_out() -> None:
    alone = gaps_of([NEVER] * 40 + [WEEK] * 40 + [NEVER] * 10, topic=[1] * 80 + [2] * 10)
    model = fit_links(alone, 0)
    assert model is not None
    assert model.left_out_count == 10
    assert model.ratios[HEADLINE] == fit_links(gaps_of([NEVER] * 40 + [WEEK] * 40), 0).ratios[HEADLINE]  # type: ignore[union-attr]


def test_links_of_another_arm_do_not_pass_for_those_of_the_first(strong: Gaps) -> None:
    """Every linked page also gets an internal link that day: neither can be told from the other."""
    twice = replace(strong, state=strong.state[:, [0, 1, 0]])
    effects = [effect for effect in publish_effects(twice, {}) if effect.band == "1-28"]
    assert [effect.arm for effect in effects] == ["acquired_followed", "internal"]
    assert {(effect.status, effect.reason) for effect in effects} == {("not_enough_data", "not_identified")}


def test_a_page_cut_into_more_pieces_tells_the_same(strong: Gaps) -> None:
    twice = Gaps(
        page=strong.page,
        is_event=strong.is_event,
        **{name: np.repeat(getattr(strong, name), 2, axis=0) for name in ("gap", "age", "period", "topic", "state")},
        days=np.repeat(strong.days / 2, 2),
    )
    one, other = fit_links(strong, 0), fit_links(twice, 0)
    assert one is not None
    assert other is not None
    assert other.ratios[HEADLINE].log_ratio == pytest.approx(one.ratios[HEADLINE].log_ratio, abs=1e-9)
    assert other.ratios[HEADLINE].standard_error == pytest.approx(one.ratios[HEADLINE].standard_error, rel=1e-9)


def test_a_strong_effect_is_found_and_told_with_its_uncertainty(strong: Gaps) -> None:
    effect = headline(list(publish_effects(strong, {})))
    assert effect.status == "estimate"
    assert effect.ratio is not None
    assert effect.ratio.middle is not None
    assert effect.ratio.low < 3.0 < effect.ratio.high
    assert effect.honest_low is not None
    assert effect.honest_high is not None
    assert effect.honest_low <= effect.ratio.low < effect.ratio.high <= effect.honest_high
    assert effect.placebo_ratio == pytest.approx(1, abs=0.4)


def test_shares_of_pages_like_these_follow_from_hazards() -> None:
    """A quarter of the days without a link end with the event, half of those with it."""
    gaps = gaps_of([NEVER] * 40 + [WEEK] * 40, is_event=[True, False, False, False] * 10 + [True, False] * 20)
    model = fit_links(gaps, 0)
    assert model is not None
    none = np.zeros(1, dtype=np.int64)
    paths = Paths(none, np.array([2.0]), np.array([3.0]), none, none, none)
    told = {
        (with_link, is_early): share_after(model, paths, with_link=with_link, is_early=is_early)
        for with_link in (True, False)
        for is_early in (True, False)
    }
    expected = {(True, True): 1 - 0.5**2, (True, False): 1 - 0.5**3, (False, True): 1 - 0.75**2}
    for key, share in expected.items():
        found = told[key]
        assert found is not None
        assert found.share == pytest.approx(share)
        assert found.error > 0


def test_shares_speak_of_topics_that_are_compared_and_of_days_to_come_as_of_the_last_known() -> None:
    gaps = gaps_of([NEVER] * 40 + [WEEK] * 40, is_event=[True, False, False, False] * 10 + [True, False] * 20)
    model = fit_links(gaps, 0)
    assert model is not None
    none, two = np.zeros(2, dtype=np.int64), np.array([2.0, 2.0])
    paths = Paths(np.array([0, 1]), two, two, none, np.array([0, 7]), np.array([0, 9]))
    later = Paths(np.array([0]), two[:1], two[:1], none[:1], np.array([7]), none[:1])
    for told in (paths, later):
        share = share_after(model, told, with_link=True, is_early=True)
        assert share is not None
        assert share.share == pytest.approx(1 - 0.5**2)


def test_links_that_come_because_a_page_was_found_are_refused() -> None:
    effect = headline(list(publish_effects(make_links(1, LINK_WORLDS["shown_first"]).gaps, {})))
    assert (effect.status, effect.reason) == ("reverse", "linked_because_found")
    assert effect.ratio is None
    assert effect.honest_low is None
    assert effect.placebo_ratio is not None
    assert effect.placebo_ratio > 2


def of(events: int, error: float = 0.3, log_ratio: float = 0.1) -> Ratio:
    return Ratio(log_ratio, error, events, 100)


@pytest.mark.parametrize(
    ("ratio", "placebo", "status"),
    [
        (None, of(50), ("not_enough_data", "too_few_events")),
        (of(9), of(50), ("not_enough_data", "too_few_events")),
        (of(10), of(50), ("exploratory", None)),
        (of(29), of(50), ("exploratory", None)),
        (of(30), of(50), ("estimate", None)),
        (of(30, error=float("nan")), of(50), ("not_enough_data", "not_identified")),
        (of(30), None, ("exploratory", "no_placebo")),
        (of(30), of(50, log_ratio=1.0, error=0.2), ("reverse", "linked_because_found")),
        (of(30), of(50, log_ratio=1.0, error=0.6), ("estimate", None)),
    ],
)
def test_how_much_may_be_shown_depends_on_events_and_placebo(
    ratio: Ratio | None, placebo: Ratio | None, status: tuple[str, str | None]
) -> None:
    assert status_of(ratio, placebo) == status


def test_below_ten_events_there_is_no_figure_but_counts() -> None:
    few = make_links(5, LinkKnobs(pages=120, link_rate=0.002)).gaps
    effects = list(publish_effects(few, {}))
    assert effects
    for effect in effects:
        assert effect.status == "not_enough_data"
        counts = {"exposed_event_count", "exposed_page_count", "event_count", "page_count", "left_out_page_count"}
        told = {field.name for field in fields(effect) if getattr(effect, field.name) not in (None, {})}
        assert told <= counts | {"arm", "band", "status", "reason"}


def test_the_detectable_ratio_shrinks_with_the_error() -> None:
    assert smallest_detectable(of(50, error=0.1)) < smallest_detectable(of(50, error=0.2))


def test_the_honest_interval_covers_and_seldom_fires() -> None:
    """Six worlds of a kind; `make bench-discovery` judges more."""
    for name in ("random", "popular_half"):
        knobs = replace(LINK_WORLDS[name], pages=700)
        for ratio in (1.0, 1.6):
            worlds = [make_links(seed, replace(knobs, ratio=ratio)) for seed in range(3)]
            effects = [headline(list(publish_effects(world.gaps, {}))) for world in worlds]
            bounds = [(effect.honest_low or 0.0, effect.honest_high or 0.0) for effect in effects]
            covered = [low <= ratio <= high for low, high in bounds]
            assert sum(covered) >= 2, (name, ratio)
