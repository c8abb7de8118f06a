"""How many links go within 90 days is told with an interval that holds where links of one domain go together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lifelines import KaplanMeierFitter

from seo_warehouse.authority.risk import Living, chance_of_loss, expect_losses
from tests.authority.populations import DAYS_AHEAD, draw_world


@pytest.mark.parametrize("shared", [0.5, 1.0])
def test_the_interval_holds_what_is_lost_where_domains_take_their_links_along(shared: float) -> None:
    held = []
    for key in range(60):
        lives, living, lost = draw_world(key, 40, 400, shared)
        told = expect_losses([(lives, living)], 40, DAYS_AHEAD, key)
        assert told is not None
        held.append(told.low <= lost <= told.high)
    assert sum(held) / len(held) >= 0.88


def test_a_chance_is_that_of_the_curve_with_late_entry() -> None:
    lives, living, _ = draw_world(1, 40, 600, 0.5)
    curve = KaplanMeierFitter().fit(lives.exit, lives.is_lost, entry=lives.entry)
    ages = np.unique(living.age)
    wanted = [1 - float(curve.predict(age + DAYS_AHEAD)) / float(curve.predict(age)) for age in ages]
    assert chance_of_loss(lives, ages, DAYS_AHEAD, np.ones(40)) == pytest.approx(wanted, rel=1e-9)


def test_the_same_links_give_the_same_interval() -> None:
    lives, living, _ = draw_world(2, 40, 400, 0.5)
    assert expect_losses([(lives, living)], 40, DAYS_AHEAD, 7) == expect_losses([(lives, living)], 40, DAYS_AHEAD, 7)


def test_links_of_two_sorts_add_up() -> None:
    lives, living, _ = draw_world(3, 40, 400, 0.5)
    middle = living.age.size // 2
    halves = [Living(living.domain[part], living.age[part]) for part in (slice(middle), slice(middle, None))]
    one = expect_losses([(lives, living)], 40, DAYS_AHEAD, 7)
    two = expect_losses([(lives, half) for half in halves], 40, DAYS_AHEAD, 7)
    assert one is not None
    assert two is not None
    assert (two.expected, two.low, two.high) == pytest.approx((one.expected, one.low, one.high))


def test_where_nothing_was_lost_yet_nothing_is_told() -> None:
    lives, living, _ = draw_world(4, 40, 400, 0.5)
    assert expect_losses([(replace(lives, is_lost=np.zeros(lives.exit.size, bool)), living)], 40, DAYS_AHEAD, 7) is None
    assert expect_losses([], 0, DAYS_AHEAD, 7) is None


def test_no_end_is_beyond_the_links() -> None:
    lives, _, _ = draw_world(4, 40, 400, 0.5)
    told = expect_losses([(lives, Living(np.zeros(30, np.int64), np.full(30, 20)))], 40, DAYS_AHEAD, 7)
    assert told is not None
    assert 0 == told.low < told.expected < told.high <= 30
