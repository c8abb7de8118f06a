"""Scores placed among all of the web: intervals hold what they say, whatever the scale; refusals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse.authority.calibration import calibrate, percentile

N = 120_000_000
SCALES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "of 100": lambda strength: np.round(np.clip(100 * strength, 0, 100)),
    "heap at 0": lambda strength: np.round(np.clip(160 * (strength - 0.4), 0, 100)),
    "of 1000": lambda strength: np.round(np.clip(1_000 * strength**2, 0, 1_000)),
}


def drawn(rng: np.random.Generator, count: int, scale: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, log places and keys of domains whose score says what they are with a noise of half a deviation."""
    log_places = rng.uniform(1, np.log10(N), count)
    strength = 1 - log_places / np.log10(N) + 0.12 * rng.normal(size=count)
    return SCALES[scale](strength), log_places, rng.integers(-(2**63), 2**63, count)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("count", [60, 200, 1_000])
def test_nine_of_ten_domains_are_where_they_are_said_to_be(scale: str, count: int) -> None:
    rng = np.random.default_rng(5)
    held = []
    for _ in range(60):
        told = calibrate(*drawn(rng, count, scale))
        assert told is not None
        scores, log_places, _ = drawn(rng, 400, scale)
        _, low, high = told.place(scores)
        held.append(np.mean((low <= log_places) & (log_places <= high)))
    assert 0.87 <= np.mean(held) <= 0.93


@given(st.integers(0, 2**32))
def test_a_higher_score_never_places_a_domain_lower(seed: int) -> None:
    told = calibrate(*drawn(np.random.default_rng(seed), 80, "of 100"))
    assert told is not None
    middle, low, high = told.place(np.arange(0.0, 101))
    assert (np.diff(middle) <= 0).all()
    assert (low <= middle).all()
    assert (middle <= high).all()


def test_scores_that_say_all_leave_nothing_open() -> None:
    scores = np.arange(100.0)
    told = calibrate(scores, 8 - scores / 20, np.arange(100))
    assert told is not None
    # Half of them were fitted; those between are on the line between their neighbours, the last has none above.
    assert told.half_width == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(told.place(np.array([10.0, 11.0]))[0], [7.5, 7.45])


@pytest.mark.parametrize("count", [0, 1, 59])
def test_of_few_domains_nothing_is_said(count: int) -> None:
    assert calibrate(*drawn(np.random.default_rng(1), count, "of 100")) is None


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_what_is_no_number_is_refused(broken: float) -> None:
    scores, log_places, keys = drawn(np.random.default_rng(1), 80, "of 100")
    for one, other in ((np.append(scores[1:], broken), log_places), (scores, np.append(log_places[1:], broken))):
        with pytest.raises(ValueError, match="is no number"):
            calibrate(one, other, keys)


def test_a_heap_of_one_score_has_one_place() -> None:
    log_places = np.tile([2.0, 8.0], 40)
    told = calibrate(np.zeros(80), log_places, np.repeat(np.arange(40), 2))
    assert told is not None
    assert [float(each[0]) for each in told.place(np.array([50.0]))] == [5, 2, 8]


def test_percentiles_lie_between_the_first_and_the_last() -> None:
    shares = percentile(np.array([-3.0, 0.0, np.log10(500), 4.0]), 1_000)
    np.testing.assert_allclose(shares, [0.9995, 0.9995, 0.5005, 0.0005])
