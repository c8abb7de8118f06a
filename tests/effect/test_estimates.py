from __future__ import annotations

import math

import numpy as np
import pytest

from tests.effect.estimates import before_after, estimate, honest, per_link
from tests.effect.twin import Sample
from tests.effect.windows import Window


def sample(rows: list[tuple[int, int, bool, float]]) -> Sample:
    """Rows of cell, page, is treated, difference."""
    cell, page, treated, change = (np.array(column) for column in zip(*rows, strict=True))
    none = np.zeros_like(cell)
    return Sample(
        window=Window("headline", 21, 34, 34),
        page=page,
        day=cell,
        device=none,
        topic=none,
        is_treated=treated,
        cell=cell,
        event=np.where(treated, page, -1),
        keyword_count=none + 1,
        base={},
        change={"y": change.astype(float)},
    )


TWO_CELLS = sample(
    [(0, 1, True, -4), (0, 2, False, 0), (0, 3, False, 2), (0, 4, False, -2)]
    + [(1, 5, True, -1), (1, 6, True, -3), (1, 2, False, 1)]
)
"""Differences to controls: -4 of one treated row beside three controls, -3 of two beside one."""


def test_a_cell_weighs_what_its_smaller_side_can_tell_or_what_its_links_count() -> None:
    # Weights 1 x 3 / 4 and 2 x 1 / 3; equal weighting 1 and 2.
    assert estimate(TWO_CELLS, "y").effect == pytest.approx((0.75 * -4 + 2 / 3 * -3) / (0.75 + 2 / 3))
    assert estimate(TWO_CELLS, "y", "equal").effect == pytest.approx((-4 + 2 * -3) / 3)


def test_before_and_after_has_no_controls() -> None:
    found = before_after(TWO_CELLS, "y")
    assert found.effect == pytest.approx(-8 / 3)
    assert found.standard_error == pytest.approx(np.std([-4, -1, -3], ddof=1) / math.sqrt(3))


def test_one_treated_page_has_an_effect_and_no_error() -> None:
    found = estimate(sample([(0, 1, True, -4), (0, 2, False, 0), (0, 3, False, 2)]), "y")
    assert found.effect == -5
    assert math.isnan(found.standard_error)
    assert math.isnan(found.half_width)


def test_an_honest_interval_is_wider_by_the_placebo_and_further_beyond_day_34() -> None:
    found = estimate(TWO_CELLS, "y")
    low, high = found.interval
    more = abs(found.effect)
    assert honest(found, found, 21, 34) == pytest.approx((low - more, high + more))
    assert honest(found, found, 84, 90) == pytest.approx((low - more * 91 / 38.5, high + more * 91 / 38.5))


def test_a_link_is_compared_with_its_cell_and_drawn_to_its_group() -> None:
    found = per_link(TWO_CELLS, "y", np.zeros(3, dtype=np.int64))
    assert found.event.tolist() == [1, 5, 6]
    assert found.own.tolist() == [-4, -2, -4]
    # Controls 0, 2, -2 have variance 4; the second cell's single control borrows it: 4 (1 + 1/3), 4 (1 + 1), 4 (1 + 1).
    assert found.own_standard_error**2 == pytest.approx([16 / 3, 8, 8])
    # Own effects vary by 4/3, less than noise would: nothing is a link's own.
    assert found.weight.tolist() == [0, 0, 0]
    assert found.shrunk == pytest.approx([-10 / 3] * 3)
    # The spread may be one standard error larger than 0: 4/3, and the mean of three has a third of 4/3.
    assert found.standard_error**2 == pytest.approx([4 / 3 + 4 / 9] * 3)


def test_links_that_differ_by_more_than_noise_keep_their_own() -> None:
    rows = [(0, page, True, float(change)) for page, change in enumerate([-9, -1, -5], 1)]
    found = per_link(sample([*rows, (0, 4, False, 1), (0, 5, False, -1)]), "y", np.zeros(3, dtype=np.int64))
    # Own effects vary by 16; each has noise 2 (1 + 1/2) = 3; 13 of 16 is between links.
    assert found.weight == pytest.approx([13 / 16] * 3)
    assert found.shrunk == pytest.approx([13 / 16 * own + 3 / 16 * -5 for own in (-9, -1, -5)])
