"""Flags are raised as often as is said of them, and by what they are named after."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from scipy.stats import hypergeom, nbinom

from seo_warehouse.authority.flags import (
    FALSE_ALARM_RATES,
    LEVEL,
    WEEKS_BEFORE,
    Arrival,
    Week,
    chance_of_week,
    chance_of_words,
    flag_networks,
    flag_weeks,
    flag_words,
)
from tests.authority.populations import Portfolio, draw_portfolio, network_arrivals

MONDAY = date(2026, 1, 5)
SIZES = (60, 200, 800)


@pytest.fixture(scope="module")
def benign() -> dict[int, list[Portfolio]]:
    """Portfolios that nobody meddled with, by size; `python -m benchmarks.link_flags` judges more."""
    return {size: [draw_portfolio(np.random.default_rng((size, seed)), size) for seed in range(40)] for size in SIZES}


def weeks_of(counts: list[int]) -> list[Week]:
    return [
        Week(MONDAY + timedelta(weeks=number), count, (number, 100 + number)) for number, count in enumerate(counts)
    ]


def test_weeks_are_flagged_no_more_than_twice_as_often_as_said(benign: dict[int, list[Portfolio]]) -> None:
    for portfolios in benign.values():
        tested = sum(len(drawn.weeks) - WEEKS_BEFORE for drawn in portfolios)
        flagged = sum(len(list(flag_weeks(weeks_of(drawn.weeks)))) for drawn in portfolios)
        assert flagged / tested <= 2 * FALSE_ALARM_RATES["velocity"]


def test_words_are_flagged_no_more_than_twice_as_often_as_said(benign: dict[int, list[Portfolio]]) -> None:
    drawn = [drawn for portfolios in benign.values() for drawn in portfolios]
    flagged = sum(len(list(flag_words(MONDAY, one.exact, one.size, ()))) for one in drawn)
    assert flagged / len(drawn) <= 2 * FALSE_ALARM_RATES["exact_anchor_share"]


def test_a_week_with_eight_times_as_many_domains_is_found(benign: dict[int, list[Portfolio]]) -> None:
    rng = np.random.default_rng(1)
    for size in (200, 800):
        surges = [int(rng.poisson(8 * np.mean(drawn.weeks[:WEEKS_BEFORE]))) for drawn in benign[size]]
        pairs = zip(surges, benign[size], strict=True)
        found = [chance_of_week(surge, drawn.weeks[:WEEKS_BEFORE]) < LEVEL for surge, drawn in pairs]
        assert sum(found) / len(found) >= 0.85


def test_words_of_which_a_quarter_was_rewritten_are_found(benign: dict[int, list[Portfolio]]) -> None:
    for size in (200, 800):
        assert all(chance_of_words(drawn.exact + drawn.size // 4, drawn.size) < LEVEL for drawn in benign[size])


def test_a_week_is_judged_by_the_mean_and_variance_of_those_before() -> None:
    before = [2, 4, 1, 9, 3, 5] * 4 + [2, 6]
    mean, variance = float(np.mean(before)), float(np.var(before, ddof=1)) * 27 / 26
    p = mean / variance
    chances = nbinom(mean**2 / (variance - mean), p)
    assert (chances.mean(), chances.var()) == pytest.approx((mean, variance))
    assert chance_of_week(14, before) == pytest.approx(1 - chances.cdf(13))


@pytest.mark.parametrize(
    ("count", "before", "chance"),
    [
        (0, [0] * 26, 1.0),
        # No two weeks differ: as of Poisson, one or more at a mean of 1.
        (1, [1] * 26, 1 - np.exp(-1)),
        (0, [1] * 26, 1.0),
    ],
)
def test_weeks_that_do_not_vary(count: int, before: list[int], chance: float) -> None:
    assert chance_of_week(count, before) == pytest.approx(chance)


def test_a_flag_says_what_was_counted_what_is_usual_and_of_which_links() -> None:
    (flag,) = flag_weeks(weeks_of([*([2, 3] * 13), 40, 2]))
    assert (flag.name, flag.first_day, flag.last_day) == ("velocity", date(2026, 7, 6), date(2026, 7, 12))
    assert (flag.counted, flag.expected, flag.link_keys) == (40, 2.5, (26, 126))
    assert flag.p_value < LEVEL
    (words,) = flag_words(MONDAY, 12, 40, [7])
    assert (words.first_day, words.counted, words.expected, words.link_keys) == (MONDAY, 12, 4.0, (7,))


def test_nothing_is_said_of_fewer_than_26_weeks_or_30_domains() -> None:
    assert list(flag_weeks(weeks_of([1] * 25 + [90]))) == []
    assert list(flag_words(MONDAY, 29, 29, ())) == []
    assert len(list(flag_words(MONDAY, 30, 30, ()))) == 1


def test_networks_are_flagged_no_more_than_twice_as_often_as_said(benign: dict[int, list[Portfolio]]) -> None:
    drawn = [drawn for portfolios in benign.values() for drawn in portfolios]
    flagged = sum(any(flag_networks(network_arrivals(one))) for one in drawn)
    assert flagged / len(drawn) <= 2 * FALSE_ALARM_RATES["network_burst"]


def test_six_domains_of_one_network_within_ten_days_are_found(benign: dict[int, list[Portfolio]]) -> None:
    for portfolios in benign.values():
        for drawn in portfolios[:10]:
            (flag,) = flag_networks(network_arrivals(drawn, [300, 301, 303, 304, 308, 309]))
            assert (flag.subject, flag.counted, len(flag.link_keys)) == ("planted", 6, 6)


def test_a_burst_is_judged_by_the_days_of_the_portfolio() -> None:
    # A domain a day for a hundred days; those of the 41st to the 46th are of one network, and one long after.
    came = [Arrival(MONDAY + timedelta(days=n), "n" if n in {*range(40, 46), 90} else None, n) for n in range(100)]
    (flag,) = flag_networks(came)
    assert (flag.name, flag.first_day, flag.last_day) == ("network_burst", came[40].day, came[45].day)
    assert flag.p_value == pytest.approx(hypergeom(100, 7, 14).sf(5) * 100)
    # Two of them less, and chance alone would do it in one portfolio of ten.
    assert hypergeom(98, 5, 14).sf(3) * 98 > 0.05
    assert list(flag_networks(came[:44] + came[46:])) == []


def test_three_of_a_network_are_too_few_and_unknown_ones_are_none() -> None:
    assert list(flag_networks([])) == []
    busy = [Arrival(MONDAY + timedelta(days=n), None) for n in range(400)]
    assert list(flag_networks(busy)) == []
    three = [Arrival(MONDAY + timedelta(days=200), "n", n) for n in range(3)]
    assert list(flag_networks([*busy, *three])) == []
    (flag,) = flag_networks([*busy, *three, Arrival(MONDAY + timedelta(days=201), "n", 3)])
    assert (flag.counted, flag.link_keys, flag.expected) == (4, (0, 1, 2, 3), pytest.approx(18 * 4 / 404))
    assert flag.p_value == pytest.approx(hypergeom(404, 4, 18).sf(3) * 400)
