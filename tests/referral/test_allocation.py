"""Which links sent visits is told better than by halves, with intervals that hold, and the same each time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seo_warehouse.referral.allocation import SPANS, Group, allocate
from seo_warehouse.referral.habits import POOLED_BURST, POOLED_SHAPE, Evidence, Habits, Missed, learn, miss
from tests.referral.worlds import DECAY, Scenario, World, draw_world, judge

SEEDS = (3, 4)
SCENARIOS = {
    "as the demo": Scenario(hosts=60),
    "no kind known": Scenario(hosts=60, is_kind_known=False),
    "bursts": Scenario(hosts=60, day_shape=0.35),
}
HABITS = Habits(np.ones(6), np.array([1.0]), 0.5, 0.4, 10.0, Missed(0.1, 0.15, 0.2), False)


def group_of(visits: list[int], exposure: list[list[float]], *, own: tuple[float, float] = (0, 0)) -> Group:
    """Links of one mean; `own` is what the first of them was counted to bring, and in how many days."""
    links = len(exposure)
    numbers = np.zeros(links), np.zeros(links)
    numbers[0][0], numbers[1][0] = own
    span = np.array([len(visits) - 1 - place for place in range(len(visits))]).clip(0, 2)
    return Group(np.array(visits), span, np.array(exposure), np.ones(links), *numbers, 7)


@pytest.fixture(scope="module")
def worlds() -> dict[str, list[World]]:
    return {name: [draw_world(seed, scenario) for seed in SEEDS] for name, scenario in SCENARIOS.items()}


@pytest.mark.parametrize("name", SCENARIOS)
def test_known_truths_are_met_better_than_by_halves_and_held(worlds: dict[str, list[World]], name: str) -> None:
    scores = [judge(world) for world in worlds[name]]
    assert max(score.error / score.equal_error for score in scores) <= 0.85
    assert np.average([score.cover for score in scores], weights=[score.link_count for score in scores]) >= 0.92
    large = [score.large_count for score in scores]
    assert np.average([score.large_cover for score in scores], weights=large) >= 0.86


def test_visits_add_up_and_are_the_same_twice(worlds: dict[str, list[World]]) -> None:
    world = worlds["as the demo"][0]
    for group in world.groups:
        made, again = allocate(group, world.habits), allocate(group, world.habits)
        assert made.visits.sum(axis=0) == pytest.approx([0, 0, group.visits.sum()], abs=1e-9)
        assert (made.low <= made.visits + 1e-9).all()
        assert (made.visits <= made.high + 1e-9).all()
        for one, other in zip(vars(made).values(), vars(again).values(), strict=True):
            assert np.array_equal(one, other)


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_weeks_in_another_order_are_laid_alike_to_the_last_digit(data: st.DataObject) -> None:
    weeks = data.draw(st.integers(2, 12))
    lived = st.lists(st.sampled_from([0.0, 3.3, 6.58]), min_size=weeks, max_size=weeks)
    exposure = np.array([[6.58] * weeks, *data.draw(st.lists(lived, min_size=1, max_size=4))])
    visits = np.array(data.draw(st.lists(st.integers(0, 30), min_size=weeks, max_size=weeks)))
    group = replace(group_of(list(visits), exposure.tolist()), span=np.sort(np.arange(weeks) % 3)[::-1])
    order = np.array(data.draw(st.permutations(range(weeks))))
    other = replace(group, visits=visits[order], span=group.span[order], exposure=exposure[:, order])
    made, again = allocate(group, HABITS), allocate(other, HABITS)
    assert made.visits.sum(axis=0) == pytest.approx([visits[group.span <= number].sum() for number in range(3)])
    for one, two in zip(vars(made).values(), vars(again).values(), strict=True):
        assert np.array_equal(one, two)


def test_each_span_holds_the_one_before() -> None:
    made = allocate(group_of([40, 30, 20], [[7, 7, 7], [7, 7, 7]]), HABITS)
    assert made.visits.sum(axis=0) == pytest.approx([20, 50, 90])
    assert made.visits.shape == (3, len(SPANS))
    assert (np.diff(made.visits, axis=1) >= 0).all()


def test_a_link_that_came_later_gets_what_came_later() -> None:
    made = allocate(group_of([0, 0, 0, 0, 60, 60, 60, 60], [[7.0] * 8, [0.0] * 4 + [7.0] * 4]), HABITS)
    assert made.visits[1, 2] > 4 * made.visits[0, 2]


def test_what_a_link_was_counted_to_bring_weighs_more_the_longer_it_was_counted() -> None:
    visits, exposure = [20] * 8, [[7.0] * 8, [7.0] * 8]
    much = allocate(group_of(visits, exposure, own=(200, 56)), HABITS)
    none = allocate(group_of(visits, exposure, own=(0, 56)), HABITS)
    assert none.visits[0, 2] < 10 < 60 < much.visits[0, 2]
    assert much.own_weight == pytest.approx([56 / (56 + 0.5), 0])


def test_unknown_links_get_the_more_the_more_pages_nobody_knows() -> None:
    group = group_of([20] * 8, [[7.0] * 8, [7.0] * 8])
    few = allocate(group, replace(HABITS, missed=Missed(0.01, 0.02, 0.03)))
    many = allocate(group, replace(HABITS, missed=Missed(0.4, 0.5, 0.6)))
    assert few.visits[-1, 2] < many.visits[-1, 2]
    assert few.high[-1, 2] <= many.high[-1, 2]


def test_evidence_that_no_draw_meets_is_tempered_and_not_a_failure() -> None:
    made = allocate(group_of([0, 5000, 0, 1], [[7, 7, 7, 7], [0, 1e-9, 0, 7]]), HABITS)
    assert made.visits.sum(axis=0)[2] == pytest.approx(5001)
    assert np.isfinite(made.high).all()


def test_visits_without_a_living_link_are_an_error_of_the_sums() -> None:
    with pytest.raises(ValueError, match="no link of the group lived"):
        allocate(group_of([3, 3], [[0, 7], [0, 7]]), HABITS)


def test_decay_shape_and_bursts_are_learned_from_links_that_can_be_read() -> None:
    rng = np.random.default_rng(1)
    links, days = 3_000, np.array([7, 7, 14, 28, 56, 112.0])
    rate = 0.3 * rng.gamma(0.6, 1 / 0.6, links)
    visits = rng.poisson(rate[:, None] * days * DECAY).astype(np.float64)
    weeks = rng.poisson(rate[:, None] * 7 * rng.gamma(4.0, 1 / 4.0, (links, 24))).astype(np.float64)
    pairs, sums = (weeks * (weeks - 1)).sum(axis=1), weeks.sum(axis=1)
    evidence = Evidence(np.zeros(links, np.int64), np.tile(days, (links, 1)), visits, pairs, sums, np.full(links, 24.0))
    habits = learn(evidence, 2, miss(5, 50), mean=1.0)
    assert habits.decay == pytest.approx(DECAY, rel=0.1)
    assert habits.means == pytest.approx([0.3, 0.3], rel=0.1)
    assert habits.shape_low < 0.6 == pytest.approx(habits.shape, rel=0.1)
    assert habits.burst == pytest.approx(4, rel=0.25)
    assert not habits.is_pooled


def test_too_few_links_take_the_shapes_of_others_and_say_so() -> None:
    nothing = Evidence(np.zeros(0, np.int64), np.zeros((0, 6)), np.zeros((0, 6)), *(np.zeros(0) for _ in range(3)))
    habits = learn(nothing, 2, miss(0, 0), mean=0.4)
    assert (habits.shape, habits.burst, habits.is_pooled) == (POOLED_SHAPE, POOLED_BURST, True)
    assert list(habits.means) == [0.4, 0.4]
    assert 0 < habits.missed.low < habits.missed.mean == 0.5
