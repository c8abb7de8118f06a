"""Sums of estimates of several windows, with what the windows share; and whether links were found late.

Where a link is found weeks after it came, the week before its date is not before it: what it did is in the base.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import copysign, isfinite, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from seo_warehouse.effect.estimates import HEADLINE, NOTHING_SHARED, Cross, Estimate

CLEAR_P = 0.05
DONUT = "donut"
EARLIER_BASE = "week_before_4"
"""Days -28 to -22: what the donut compares with, in place of the week before."""
LATER_WEEKS = ("week_before_3", "week_before_2")
"""With the week before itself, which every window is compared with, days -21 to -1."""


@dataclass(frozen=True)
class Contrast:
    """A sum of estimates, clustered by page; `treated_pages` of the window that has the fewest."""

    estimate: float
    standard_error: float
    treated_pages: int

    @property
    def p_value(self) -> float:
        """Of 0, two-sided."""
        return 2 * min(self.p_towards(1), self.p_towards(-1))

    def p_towards(self, sign: float) -> float:
        """Of 0, against a value of that sign."""
        return float(stats.t.sf(copysign(1, sign) * self.estimate / self.standard_error, self.treated_pages - 1))


@dataclass(frozen=True)
class Lateness:
    """The headline against days -28 to -22; what these differ by from the placebo's days; days -21 to -1 less these."""

    donut: Contrast
    placebo: Contrast
    lead: Contrast

    @property
    def is_found_late(self) -> bool:
        """Whether the last three weeks before the link went where it leads, and the weeks before those did not."""
        return self.lead_p_value < CLEAR_P <= self.placebo.p_towards(self.donut.estimate)

    @property
    def lead_p_value(self) -> float:
        """Of no move in the last three weeks, against one that leads where the links do."""
        return self.lead.p_towards(self.donut.estimate)


def covariance(windows: Sequence[Estimate], crosses: Mapping[tuple[int, int], Cross]) -> NDArray[np.float64] | None:
    """(W, W) of the estimates of W windows, in the order of their samples; None where one has no standard error."""
    if not windows or any(window.standard_error is None or not isfinite(window.correction) for window in windows):
        return None
    made = np.empty((len(windows), len(windows)))
    for i, one in enumerate(windows):
        for j, other in enumerate(windows):
            if i == j:
                made[i, i] = one.correction * one.squared_scores
            elif i < j:
                cross = crosses.get((one.sample_no, other.sample_no), NOTHING_SHARED)
                made[i, j] = made[j, i] = sqrt(one.correction * other.correction) * cross.product(one, other)
    return made


def lateness(course: Collection[Estimate], crosses: Mapping[tuple[int, int], Cross]) -> Lateness | None:
    """What the windows of a course up to the headline's end say; None where one of them says nothing."""
    horizon_day = min((each.horizon_day for each in course), default=0)
    named = {each.window_name: each for each in course if each.horizon_day == horizon_day}
    parts: tuple[dict[str, float], ...] = (
        {HEADLINE: 1.0, EARLIER_BASE: -1.0},
        {EARLIER_BASE: 1.0, "placebo": -1.0},
        dict.fromkeys(LATER_WEEKS, 1 / 3) | {EARLIER_BASE: -1.0},
    )
    if not set().union(*parts) <= named.keys():
        return None
    made = [_contrast({named[name]: weight for name, weight in part.items()}, crosses) for part in parts]
    known = [each for each in made if each is not None]
    return Lateness(*known) if len(known) == 3 else None


def _contrast(weights: Mapping[Estimate, float], crosses: Mapping[tuple[int, int], Cross]) -> Contrast | None:
    windows = sorted(weights, key=lambda each: each.sample_no)
    together = covariance(windows, crosses)
    treated = min(each.treated_cluster_count for each in windows)
    if together is None or treated < 2:
        return None
    weight = np.array([weights[each] for each in windows])
    variance = float(weight @ together @ weight)
    effect = float(weight @ np.array([each.raw_estimate for each in windows]))
    return Contrast(effect, sqrt(variance), treated) if variance > 0 else None
