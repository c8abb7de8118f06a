"""Scores on the reference of the web, and the alarm for a scale that moved."""

from __future__ import annotations

import numpy as np
import pytest

from seo_warehouse.authority.scales import calibrate, percentile, shift

WEB = 120_000_000
SCALES = {"of 100": (0.0, 100.0), "of 1,000": (0.0, 1_000.0)}


def domains(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of domains, and a score of 100 that knows them with noise, and a heap at 0."""
    level = rng.uniform(2, 8, count)
    score = np.clip(np.round(20 * (8 - level) + 15 * rng.standard_normal(count)), 0, 100)
    return 10**level, score


def test_percentiles_are_of_the_middle_of_a_place() -> None:
    assert percentile(1, 100) == 0.995
    assert percentile(100, 100) == pytest.approx(0.005)


def test_an_interval_holds_nine_domains_of_ten_which_it_never_saw() -> None:
    rng = np.random.default_rng(5)
    held, count = 0, 0
    for _ in range(40):
        positions, scores = domains(rng, 200)
        fitted = calibrate(scores, positions, np.arange(200), WEB)
        assert fitted is not None
        for position, score in zip(*domains(rng, 50), strict=True):
            middle, low, high = fitted.percentiles(score)
            assert 0 <= low <= middle <= high <= 1
            held += low <= percentile(position, WEB) <= high
            count += 1
    assert 0.87 <= held / count <= 0.93


def test_a_higher_score_is_never_placed_lower() -> None:
    positions, scores = domains(np.random.default_rng(1), 500)
    fitted = calibrate(scores, positions, np.arange(500), WEB)
    assert fitted is not None
    placed = [fitted.percentiles(score)[0] for score in np.linspace(-5, 105, 200)]
    assert placed == sorted(placed)


def test_few_domains_place_nobody_and_the_same_twice_is_the_same() -> None:
    positions, scores = domains(np.random.default_rng(1), 59)
    assert calibrate(scores, positions, np.arange(59), WEB) is None
    positions, scores = domains(np.random.default_rng(1), 60)
    mixed = np.random.default_rng(2).permutation(60)
    one = calibrate(scores, positions, np.arange(60), WEB)
    two = calibrate(scores[mixed], positions[mixed], np.arange(60)[mixed], WEB)
    assert one is not None
    assert two is not None
    assert one.percentiles(40) == two.percentiles(40)


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
@pytest.mark.parametrize("count", [150, 1_000])
def test_a_quiet_scale_raises_no_alarm_and_one_that_moved_always(scale: tuple[float, float], count: int) -> None:
    rng = np.random.default_rng(9)
    length = scale[1]
    verdicts = []
    for move in (0.0, 0.01, 0.04):
        for _ in range(50):
            old = rng.uniform(0.05, 0.9, count) * length
            new = np.clip(old + 0.01 * length * rng.standard_normal(count) + move * length, *scale)
            verdicts.append((move, shift(np.round(old), np.round(new), scale, (0.02 * length,) * 3).verdict))
    assert {verdict for move, verdict in verdicts if move < 0.04} == {"none"}
    assert {verdict for move, verdict in verdicts if move == 0.04} == {"shifted"}


def test_scores_that_are_drawn_anew_are_ranked_anew() -> None:
    rng = np.random.default_rng(3)
    old = rng.uniform(0, 100, 400)
    new = np.where(rng.random(400) < 0.5, rng.permutation(old), old)
    told = shift(old, new, (0, 100), (1.0, 1.5, 1.2))
    assert told.verdict == "re_ranked"
    assert shift(old, new, (0, 100), (1.0, 1.5)).verdict == "none"


def test_fewer_than_twenty_a_fifth_have_no_verdict() -> None:
    told = shift(np.arange(99.0), np.arange(99.0) + 50, (0, 100), ())
    assert (told.verdict, told.domain_count, told.fifth) == ("too_few", 99, None)


def test_the_worst_fifth_is_named() -> None:
    old = np.linspace(0, 100, 200)
    new = np.where(old > 80, old - 7, old)
    told = shift(old, new, (0, 100), ())
    assert (told.verdict, told.fifth, told.median_change, told.tolerance) == ("shifted", 5, pytest.approx(-7), 2.0)
