"""The checks of the method show no more than the headline that they check."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seo_warehouse.effect.checks import Effect
from seo_warehouse.effect.estimates import Published
from seo_warehouse.effect.inference import publish
from seo_warehouse.effect.judging import compared, weightings
from tests.effect.test_inference import BASE, PLACEBO

OTHER = Effect(estimate=-0.2, standard_error=0.05, degrees=37, treated_count=38)


def headline(events: int = 40, control_count: int = 400) -> Published:
    made = replace(BASE, event_count=events, treated_cluster_count=events, control_count=control_count)
    return next(row for row in publish([made, PLACEBO], {}, {}, {}, {}) if row.window_name == "headline")


def test_beside_an_estimate_a_check_shows_its_own() -> None:
    check = compared(headline(), "onpage_included", OTHER, "With all")
    assert (check.estimate, check.standard_error) == (-0.2, 0.05)
    assert check.honest_low == pytest.approx(check.interval_low - 0.03)


def test_while_exploratory_a_check_shows_its_interval_alone() -> None:
    check = compared(headline(12), "onpage_included", OTHER, "With all")
    assert (check.estimate, check.standard_error) == (None, None)
    assert check.interval_low is not None


@pytest.mark.parametrize("main", [headline(5), headline(40, control_count=10)], ids=["events", "controls"])
def test_with_too_little_data_a_check_shows_no_number(main: Published) -> None:
    check = compared(main, "onpage_included", OTHER, "With all")
    numbers = (check.estimate, check.standard_error, check.interval_low, check.interval_high, check.honest_low)
    assert numbers == (None,) * 5
    assert not any(character.isdigit() for character in check.sentence)


def test_weightings_more_than_a_standard_error_apart_are_a_warning() -> None:
    near, far = (replace(headline(), weighting="equal", estimate=value) for value in (-0.11, -0.13))
    assert [weightings(headline(), each).is_warning for each in (near, far)] == [False, True]
