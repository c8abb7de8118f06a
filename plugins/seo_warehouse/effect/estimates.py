"""The rows that inference starts from, and what is published of them."""

from __future__ import annotations

from dataclasses import dataclass

FOLLOWED, NOFOLLOW = "acquired_followed", "acquired_nofollow"
HEADLINE = "headline"
SAMPLE_EVENTS = 5
"""Isolated events, and pages that had one, below which nothing is told of an effect."""
LEAST_EVENTS = 10
"""So many before anything is told of what another link may do; and links alike, before anything is told of one.

The models know it as the variable `least_events`.
"""
ESTIMATE_EVENTS = 30
"""From so many on there is an estimate; before, its intervals alone."""
LEAST_CONTROLS = 5
"""Control rows a cell, on average, that either takes."""
ENGINES = ("google",)
"""Panels of rank checks, which are called by their engine. Any other holds searches."""


CHECK_OUTCOMES = ("log_position", "position", "expected_ctr", "top_10_share", "ranked_share")
"""Outcomes of panels of rank checks."""


def headline_outcome(panel: str) -> str:
    """The outcome that stands for a panel."""
    return "log_position" if panel in ENGINES else "click_log"


@dataclass(frozen=True)
class Estimate:
    """A row of int_effect__estimate_effects. `raw_estimate` is window minus base, of the placebo too."""

    property_key: int
    panel: str
    cut: str
    level: str
    arm: str
    outcome: str
    weighting: str
    sample_no: int
    window_name: str
    begin_day: int
    end_day: int
    horizon_day: int
    is_placebo: bool
    estimate: float
    raw_estimate: float
    standard_error: float | None
    sample_standard_error: float | None
    weight_sum: float
    score_square_sum: float
    score_leverage_sum: float
    leverage_square_sum: float
    base_sum: float
    position_base_sum: float | None
    treated_count: int
    control_count: int
    row_count: int
    cell_count: int
    event_count: int
    cluster_count: int
    treated_cluster_count: int
    onpage_unknown_count: int
    updated_count: int

    @property
    def series(self) -> tuple[int, str, str, str, str, str, str]:
        """What the windows of one course have in common."""
        return (self.property_key, self.panel, self.cut, self.level, self.arm, self.outcome, self.weighting)

    @property
    def correction(self) -> float:
        """For few clusters and for the cells' means; infinite where there are not more rows than parameters."""
        parameters = 1 + self.cell_count
        if self.cluster_count < 2 or self.row_count <= parameters:
            return float("inf")
        clusters = self.cluster_count / (self.cluster_count - 1)
        return clusters * (self.row_count - 1) / (self.row_count - parameters)

    @property
    def squared_scores(self) -> float:
        """Sum over pages of squared scores, over the squared sum of weights."""
        total = self.score_square_sum - 2 * self.raw_estimate * self.score_leverage_sum
        return (total + self.raw_estimate**2 * self.leverage_square_sum) / self.weight_sum**2


@dataclass(frozen=True)
class Cross:
    """What two estimates share: sums over the pages of both (int_effect__cross_arms, int_effect__cross_weeks)."""

    score_score_sum: float
    score_leverage_sum: float
    leverage_score_sum: float
    leverage_leverage_sum: float
    shared_cluster_count: int = 0
    shared_cell_count: int = 0
    shared_control_count: int = 0

    def product(self, one: Estimate, other: Estimate) -> float:
        """Sum over pages of the product of their scores, each over its sum of weights."""
        total = self.score_score_sum - other.raw_estimate * self.score_leverage_sum
        total += one.raw_estimate * (other.raw_estimate * self.leverage_leverage_sum - self.leverage_score_sum)
        return total / (one.weight_sum * other.weight_sum)


NOTHING_SHARED = Cross(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Published:
    """A row of marts.rpt_link_effect, column by column."""

    property_key: int
    panel: str
    cut: str
    level: str
    arm: str
    outcome: str
    window_name: str
    begin_day: int
    end_day: int
    weighting: str
    estimate: float | None
    standard_error: float | None
    interval_low: float | None
    interval_high: float | None
    honest_low: float | None
    honest_high: float | None
    sample_standard_error: float | None
    sample_low: float | None
    sample_high: float | None
    sample_honest_low: float | None
    sample_honest_high: float | None
    p_value: float | None
    holm_p_value: float | None
    placebo_estimate: float | None
    placebo_p_value: float | None
    pretrend_p_value: float | None
    lead_p_value: float | None
    is_found_late: bool | None
    nofollow_estimate: float | None
    nofollow_p_value: float | None
    followed_minus_nofollow: float | None
    followed_minus_nofollow_low: float | None
    followed_minus_nofollow_high: float | None
    spill_estimate: float | None
    spill_standard_error: float | None
    spill_p_value: float | None
    spill_row_count: int | None
    smallest_detectable_effect: float | None
    event_count: int
    treated_page_count: int
    control_count: int
    cluster_count: int
    cell_count: int
    base_mean: float
    base_position: float | None
    needed_event_count: int
    dropped_events: dict[str, int]
    onpage_unknown_count: int
    update_overlap_count: int
    status: str
    reason: str | None
