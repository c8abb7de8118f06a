"""Intervals, tests and statuses of estimates whose figures were worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from seo_warehouse.effect.estimates import (
    ESTIMATE_EVENTS,
    FOLLOWED,
    LEAST_CONTROLS,
    LEAST_EVENTS,
    NOFOLLOW,
    SAMPLE_EVENTS,
    Cross,
    Estimate,
)
from seo_warehouse.effect.inference import (
    beyond_chance,
    difference,
    half_width,
    holm,
    joint_p_value,
    placebo_share,
    publish,
    smallest_detectable,
    status_of,
)

ROOT = Path(__file__).parents[2]
BASE = Estimate(
    property_key=1,
    panel="google",
    cut="all",
    level="all",
    arm=FOLLOWED,
    outcome="log_position",
    weighting="variance",
    sample_no=12,
    window_name="headline",
    begin_day=21,
    end_day=34,
    horizon_day=34,
    is_placebo=False,
    estimate=-0.1,
    raw_estimate=-0.1,
    standard_error=0.02,
    sample_standard_error=0.015,
    weight_sum=40.0,
    # (G/(G-1)) (N-1)/(N-K) S / W^2 is nearly 0.02^2 with S = 0.4: see each test.
    score_square_sum=0.4,
    score_leverage_sum=0.0,
    leverage_square_sum=0.0,
    base_sum=80.0,
    position_base_sum=400.0,
    treated_count=40,
    control_count=400,
    row_count=440,
    cell_count=40,
    event_count=40,
    cluster_count=101,
    treated_cluster_count=38,
    onpage_unknown_count=3,
    updated_count=2,
)
PLACEBO = replace(
    BASE, sample_no=1, window_name="placebo", begin_day=-56, end_day=-29, is_placebo=True, estimate=0.03,
    raw_estimate=-0.03,
)  # fmt: skip


def test_an_interval_is_of_students_t_with_pages_less_one() -> None:
    assert half_width(0.02, 38) == pytest.approx(stats.t.ppf(0.975, 37) * 0.02)
    assert half_width(None, 38) is None


def test_the_smallest_detectable_effect_is_found_four_times_in_five() -> None:
    assert smallest_detectable(BASE) == pytest.approx((stats.t.ppf(0.975, 37) + stats.t.ppf(0.8, 37)) * 0.02)


@pytest.mark.parametrize(
    ("events", "pages", "controls", "expected"),
    [
        (4, 4, 900, ("not_enough_data", "too_few_events")),
        (40, 4, 900, ("not_enough_data", "too_few_events")),
        (5, 5, 200, ("exploratory", None)),
        (5, 5, 199, ("not_enough_data", "too_few_controls")),
        (10, 10, 199, ("not_enough_data", "too_few_controls")),
        (10, 10, 200, ("exploratory", None)),
        (29, 40, 200, ("exploratory", None)),
        (30, 30, 200, ("estimate", None)),
    ],
)
def test_a_status_asks_for_events_on_as_many_pages_and_for_controls(
    events: int, pages: int, controls: int, expected: tuple[str, str | None]
) -> None:
    made = replace(BASE, event_count=events, treated_cluster_count=pages, control_count=controls, cell_count=40)
    assert status_of(made) == expected


def test_one_link_asks_for_as_many_alike_as_an_interval_asks_for_events() -> None:
    project = yaml.safe_load((ROOT / "dbt_project/dbt_project.yml").read_text())
    (model,) = (ROOT / "dbt_project/models").rglob("rpt_link_contribution.sql")
    assert project["vars"]["least_events"] == LEAST_EVENTS
    assert "var('least_events')" in model.read_text()


def test_the_limits_are_those_that_the_pages_tell() -> None:
    method, reports = ((ROOT / "docs" / name).read_text() for name in ("link-effect.md", "reports.md"))
    events = f"Under {SAMPLE_EVENTS} isolated events (on {SAMPLE_EVENTS} pages)"
    assert f"{events}, or under {LEAST_CONTROLS} controls a cell: `not_enough_data`" in method
    assert f"With {SAMPLE_EVENTS} to\n{ESTIMATE_EVENTS - 1}: `exploratory`" in method
    assert f"under {LEAST_EVENTS} that of these links alone" in method
    assert f"From {ESTIMATE_EVENTS}: `estimate`" in method
    assert f"fewer than {LEAST_EVENTS} links of its arm and authority" in method
    assert f"fewer than {SAMPLE_EVENTS} of either, or fewer than {LEAST_CONTROLS} pages a comparison" in reports


def test_an_honest_interval_is_wider_by_the_placebo_on_both_sides() -> None:
    (shown,) = [row for row in publish([BASE, PLACEBO], {}, {}, {}, {}) if row.window_name == "headline"]
    assert shown.honest_low == pytest.approx(shown.interval_low - 0.03)
    assert shown.honest_high == pytest.approx(shown.interval_high + 0.03)
    width = stats.t.ppf(0.975, 37) * 0.015
    assert (shown.sample_low, shown.sample_high) == pytest.approx((-0.1 - width, -0.1 + width))
    width += 0.03 * (1 - shown.placebo_p_value) ** 2
    assert (shown.sample_honest_low, shown.sample_honest_high) == pytest.approx((-0.1 - width, -0.1 + width))
    assert shown.sample_standard_error == 0.015
    assert shown.placebo_estimate == 0.03
    assert (shown.base_mean, shown.base_position) == (2.0, 10.0)


def test_of_the_links_that_were_judged_a_placebo_counts_by_how_surely_it_is_no_chance() -> None:
    sizes = (0.0, 0.005, 0.02, 0.04, 0.2)
    shares = [beyond_chance(replace(PLACEBO, estimate=sign * size)) for size in sizes for sign in (-1, 1)]
    assert shares[0] == 0.0
    assert shares[::2] == shares[1::2] == sorted(shares[::2])
    assert shares[-1] == pytest.approx(1.0, abs=1e-6)
    assert beyond_chance(replace(PLACEBO, standard_error=None)) == 1.0


def test_beyond_the_headline_the_placebo_counts_by_distance() -> None:
    assert placebo_share(21, 34, 34) == 1
    # The middle of week 6 (35 to 41) is day 38, 42 days from the middle of the week before.
    assert placebo_share(35, 41, 34) == pytest.approx(42 / 38.5)


def test_a_window_before_the_event_has_no_honest_interval() -> None:
    before = replace(BASE, sample_no=5, window_name="week_before_2", begin_day=-14, end_day=-8)
    rows = {row.window_name: row for row in publish([BASE, PLACEBO, before], {}, {}, {}, {})}
    assert rows["week_before_2"].honest_low is None
    assert rows["placebo"].honest_low is None
    assert rows["week_before_2"].sample_honest_low is rows["placebo"].sample_honest_low is None
    assert rows["week_before_2"].interval_low is not None
    assert rows["week_before_2"].sample_low is not None


def test_four_events_give_counts_and_no_number() -> None:
    few = replace(BASE, event_count=4, treated_cluster_count=4)
    dropped = {(1, "google", FOLLOWED): {"other_link": 7}}
    (shown,) = publish([few], {}, {}, dropped, {})
    numbers = ("estimate", "standard_error", "interval_low", "interval_high", "honest_low", "honest_high", "p_value",
               "sample_standard_error", "sample_low", "sample_high", "sample_honest_low", "sample_honest_high",
               "placebo_estimate", "pretrend_p_value", "nofollow_estimate", "followed_minus_nofollow")  # fmt: skip
    assert [getattr(shown, name) for name in numbers] == [None] * len(numbers)
    assert (shown.status, shown.reason, shown.needed_event_count) == ("not_enough_data", "too_few_events", 1)
    assert shown.smallest_detectable_effect is not None
    assert shown.dropped_events == {"other_link": 7}


def test_five_events_tell_of_themselves_and_of_no_other() -> None:
    few, before = (replace(each, event_count=6, treated_cluster_count=5) for each in (BASE, PLACEBO))
    (shown,) = [row for row in publish([few, before], {}, {}, {}, {}) if row.window_name == "headline"]
    assert (shown.status, shown.needed_event_count) == ("exploratory", 0)
    width = stats.t.ppf(0.975, 4) * 0.015 + 0.03 * beyond_chance(before)
    assert (shown.sample_honest_low, shown.sample_honest_high) == pytest.approx((-0.1 - width, -0.1 + width))
    hidden = ("estimate", "standard_error", "interval_low", "interval_high", "honest_low", "honest_high", "p_value",
              "sample_standard_error", "placebo_estimate", "pretrend_p_value", "followed_minus_nofollow")  # fmt: skip
    assert [getattr(shown, name) for name in hidden] == [None] * len(hidden)


def test_nine_events_without_an_error_of_their_own_need_one_more() -> None:
    (shown,) = publish(
        [replace(BASE, event_count=9, treated_cluster_count=9, sample_standard_error=None)], {}, {}, {}, {}
    )
    assert (shown.status, shown.reason, shown.needed_event_count) == ("not_enough_data", "too_few_events", 1)


def test_a_dozen_events_give_an_interval_and_no_estimate() -> None:
    (shown,) = publish([replace(BASE, event_count=12, treated_cluster_count=12)], {}, {}, {}, {})
    assert (shown.status, shown.estimate, shown.standard_error) == ("exploratory", None, None)
    assert shown.interval_low is not None
    assert shown.sample_standard_error is None
    assert shown.sample_low is not None


def test_one_page_has_no_standard_error_and_nothing_that_follows_from_one() -> None:
    (shown,) = publish(
        [replace(BASE, treated_cluster_count=1, standard_error=None, sample_standard_error=None)], {}, {}, {}, {}
    )
    assert (shown.smallest_detectable_effect, shown.interval_low, shown.p_value) == (None, None, None)


def test_the_difference_of_two_arms_counts_a_shared_control_once() -> None:
    nofollow = replace(BASE, arm=NOFOLLOW, estimate=-0.02, raw_estimate=-0.02, treated_cluster_count=20)
    shared = Cross(0.1, 0.0, 0.0, 0.0, shared_cluster_count=50, shared_cell_count=10, shared_control_count=100)
    found = difference(BASE, nofollow, shared)
    assert found is not None
    # 152 pages, 780 rows, 70 cells; scores 0.4 + 0.4 - 2 x 0.1 over the squared weights.
    variance = 152 / 151 * 779 / (780 - 72) * 0.6 / 1600
    assert found[0] == pytest.approx(-0.08)
    assert found[2] - found[0] == pytest.approx(stats.t.ppf(0.975, 19) * variance**0.5)


def test_a_nofollow_arm_without_enough_events_is_not_compared() -> None:
    few = replace(BASE, arm=NOFOLLOW, event_count=9, treated_cluster_count=9)
    rows = {row.arm: row for row in publish([BASE, few], {}, {}, {}, {})}
    assert rows[FOLLOWED].nofollow_estimate is None
    assert rows[FOLLOWED].followed_minus_nofollow is None


def test_weeks_that_share_nothing_are_tested_by_the_mean_of_their_squared_t_values() -> None:
    weeks = [replace(BASE, sample_no=i, raw_estimate=effect) for i, effect in enumerate((0.01, -0.03, 0.02))]
    variance = [week.correction * week.squared_scores for week in weeks]
    statistic = sum(w.raw_estimate**2 / v for w, v in zip(weeks, variance, strict=True)) / 3
    assert joint_p_value(weeks, {}) == pytest.approx(stats.f.sf(statistic, 3, 37))


def test_weeks_that_go_together_entirely_cannot_be_tested_together() -> None:
    weeks = [replace(BASE, sample_no=i) for i in range(2)]
    assert joint_p_value(weeks, {(0, 1): Cross(0.4, 0.0, 0.0, 0.0)}) is None


def test_holm_multiplies_the_smallest_by_their_number() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


@given(st.lists(st.floats(0, 1), max_size=20))
def test_an_adjusted_p_value_is_never_smaller_and_keeps_the_order(values: list[float]) -> None:
    adjusted = holm(values)
    assert all(value <= new <= 1 for value, new in zip(values, adjusted, strict=True))
    order = sorted(range(len(values)), key=lambda i: values[i])
    assert [adjusted[i] for i in order] == sorted(adjusted)


def test_cuts_are_adjusted_together_and_the_whole_is_not() -> None:
    levels = [replace(BASE, cut="authority", level=level, estimate=effect) for level, effect in
              (("low", -0.01), ("middle", -0.04), ("high", -0.1))]  # fmt: skip
    rows = publish([BASE, *levels], {}, {}, {}, {})
    assert [row.holm_p_value is None for row in rows if row.cut == "all"] == [True]
    p_values = [row.p_value or 0.0 for row in rows if row.cut == "authority"]
    assert [row.holm_p_value for row in rows if row.cut == "authority"] == pytest.approx(holm(p_values))
