"""What holds of every estimate of waits, and what a curve shows of it."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seo_warehouse.discovery.curve import draw_curve
from seo_warehouse.discovery.waits import EVENT, GONE, WAITING, Waits, estimate_hazards
from tests.discovery.worlds import WAIT_WORLDS, WaitKnobs, make_waits, true_share


@st.composite
def some_waits(draw: st.DrawFn) -> Waits:
    """Any pages at all."""
    pages = draw(
        st.lists(
            st.tuples(st.integers(-1, 20), st.integers(0, 25), st.integers(1, 12), st.sampled_from([0, 1, 2])),
            min_size=1,
            max_size=40,
        )
    )
    entered, watched, width, ending = (np.array(each) for each in zip(*pages, strict=True))
    return Waits(entered, entered + watched, entered + watched + width, ending)


def rows(waits: Waits, places: np.ndarray) -> Waits:
    return Waits(waits.entered[places], waits.after[places], waits.by[places], waits.ending[places])


@settings(deadline=None, max_examples=40)
@given(some_waits())
def test_every_day_each_share_lies_between_none_and_all_and_never_falls(waits: Waits) -> None:
    found = estimate_hazards(waits)
    for share in (found.share, found.gone_share, 1 - found.waiting):
        assert np.all(np.diff(share) >= -1e-9)
        assert np.all((share >= -1e-9) & (share <= 1 + 1e-9))
    assert found.share + found.gone_share + found.waiting == pytest.approx(np.ones(waits.day_count), abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(some_waits())
def test_every_page_that_is_watched_from_the_beginning_ends_once(waits: Waits) -> None:
    watched = replace(waits, entered=np.full(waits.after.size, -1))
    found = estimate_hazards(watched)
    assert found.events.sum() == pytest.approx(np.sum(waits.ending == EVENT))
    assert found.gone.sum() == pytest.approx(np.sum(waits.ending == GONE))
    assert np.all(found.at_risk >= -1e-6)


@settings(deadline=None, max_examples=30)
@given(some_waits(), st.randoms(use_true_random=False))
def test_neither_the_order_of_pages_nor_how_they_are_counted_matters(waits: Waits, random: Random) -> None:
    pages = waits.after.size
    places = np.random.default_rng(random.randrange(2**32)).integers(0, pages, pages)
    drawn = rows(waits, places)
    counted = estimate_hazards(waits, np.bincount(places, minlength=pages).astype(np.float64))
    alone = estimate_hazards(drawn)
    # To the last digit: where an end lies that may lie on several days, it decides where steps lead.
    for ours, theirs in ((counted.share, alone.share), (counted.gone_share, alone.gone_share)):
        np.testing.assert_array_equal(ours[: drawn.day_count], theirs)


@settings(deadline=None, max_examples=30)
@given(some_waits(), st.randoms(use_true_random=False))
def test_estimates_whose_steps_are_taken_together_are_what_each_is_alone(waits: Waits, random: Random) -> None:
    rng = np.random.default_rng(random.randrange(2**32))
    weights = rng.integers(0, 3, (waits.after.size, 5)).astype(np.float64)
    together = estimate_hazards(waits, weights)
    for number, weight in enumerate(weights.T):
        alone = estimate_hazards(waits, weight)
        for ours, theirs in (
            (together.share, alone.share),
            (together.gone_share, alone.gone_share),
            (together.at_risk, alone.at_risk),
        ):
            np.testing.assert_array_equal(ours[:, number], theirs)


@pytest.mark.parametrize("wait", [(5, 4, 6, EVENT), (-2, 4, 6, WAITING), (-1, 4, 4, EVENT), (-1, 4, 3, GONE)], ids=str)
def test_a_wait_that_ends_before_it_was_watched_or_nowhere_is_refused(wait: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="a wait ends after"):
        Waits(*(np.array([each]) for each in wait))


def test_pages_that_are_watched_after_all_others_may_have_ended_end_once() -> None:
    """Both that are at risk on day 1 may end that day; what is left is a millionth, and less with each such day."""
    found = estimate_hazards(Waits(*map(np.array, ([0, 0, 2, 3], [0, 0, 2, 4], [1, 2, 4, 6], [EVENT] * 4))))
    assert found.share == pytest.approx([0, 1, 1, 1, 1, 1, 1])
    assert np.add.reduceat(found.events, [0, 3, 5]) == pytest.approx([2, 1, 1])


def test_a_page_that_ended_before_it_could_be_watched_is_not_taken_for_one_that_lasted() -> None:
    """Ten of twenty pages end on day 1; ten are watched from day 1 on, and end on day 3."""
    late = np.repeat([False, True], 10)
    waits = Waits(
        entered=np.where(late, 1, -1), after=np.where(late, 2, 0), by=np.where(late, 3, 1), ending=np.full(20, EVENT)
    )
    assert estimate_hazards(waits).share == pytest.approx([0, 1, 1, 1])


@pytest.mark.parametrize("name", WAIT_WORLDS)
def test_a_curve_finds_the_share_of_a_world_however_rarely_it_is_looked_at(name: str) -> None:
    knobs = replace(WAIT_WORLDS[name], pages=1_000)
    curve = draw_curve(make_waits(7, knobs), draws=5)
    assert curve.share[14] == pytest.approx(true_share(knobs, 14), abs=0.06)
    assert curve.lower[14] < curve.share[14] < curve.upper[14]


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """`make bench-discovery` judges more worlds."""
    knobs = WaitKnobs(pages=100, days=60, look_every=3)
    truth = true_share(knobs, 10)
    curves = [draw_curve(make_waits(seed, knobs), draws=10) for seed in range(10)]
    assert sum(curve.lower[10] <= truth <= curve.upper[10] for curve in curves) >= 8


def waits_of(events: int, waiting: int, by: int = 3) -> Waits:
    pages = events + waiting
    ending = np.repeat([EVENT, WAITING], [events, waiting])
    return Waits(np.full(pages, -1), np.where(ending == EVENT, by - 1, 40), np.full(pages, by), ending)


@pytest.mark.parametrize(
    ("waits", "reason"),
    [
        (waits_of(10, 9), "too_few_pages"),
        (waits_of(4, 30), "too_few_events"),
        (replace(waits_of(20, 5), entered=np.full(25, 0)), "too_few_at_risk"),
    ],
    ids=["too_few_pages", "too_few_events", "too_few_at_risk"],
)
def test_too_little_is_counted_and_no_more(waits: Waits, reason: str) -> None:
    curve = draw_curve(waits)
    assert (curve.status, curve.reason) == ("not_enough_data", reason)
    assert (curve.page_event_count, curve.page_count) == (int(np.sum(waits.ending == EVENT)), waits.after.size)
    assert curve.share.size == curve.lower.size == curve.at_risk.size == 0
    assert curve.median is None


def test_a_curve_stops_before_the_day_on_which_fewer_than_ten_are_at_risk() -> None:
    curve = draw_curve(waits_of(30, 9))
    assert curve.status == "estimate"
    # Nine wait on after day 3.
    assert curve.share == pytest.approx([0, 0, 0, 30 / 39])
    assert curve.at_risk == pytest.approx([39, 39, 39, 39])
    assert curve.event_count == pytest.approx([0, 0, 0, 30])
    assert np.isnan(curve.lower[:3]).all()


def test_a_median_is_told_where_the_curve_and_its_lower_bound_reach_a_half() -> None:
    sure, unsure, less = (draw_curve(waits_of(events, 100 - events)) for events in (80, 52, 40))
    assert sure.median is not None
    assert (sure.median.low, sure.median.day, sure.median.high) == (3, 3, 3)
    assert unsure.share[-1] > 0.5
    assert unsure.median is None
    assert less.median is None


def test_a_day_by_which_no_page_is_expected_to_have_ended_has_no_interval() -> None:
    """What all intervals have in common is most likely; what the estimate leaves to days before is no knowledge."""
    after = np.repeat([3, 7, 40], [20, 10, 15])
    waits = Waits(np.full(45, -1), after, after + 7, np.where(after < 40, EVENT, WAITING))
    curve = draw_curve(waits, draws=10)
    assert curve.share[6] < 1e-3
    assert np.isnan(curve.lower[:7]).all()
    assert np.isnan(curve.upper[:7]).all()
    assert curve.lower[10] < curve.share[10] < curve.upper[10]


def test_the_same_waits_give_the_same_interval() -> None:
    waits = make_waits(1, WaitKnobs(pages=100, look_every=3))
    one, other = draw_curve(waits, draws=10), draw_curve(waits, draws=10)
    np.testing.assert_array_equal(one.lower, other.lower)
