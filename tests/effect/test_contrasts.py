"""Differences between windows, and whether links were found late, of figures that were worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scipy import stats

from seo_warehouse.effect.contrasts import lateness
from seo_warehouse.effect.estimates import FOLLOWED, NOFOLLOW, Cross, Estimate
from seo_warehouse.effect.inference import publish
from tests.effect.test_inference import BASE

DAYS = {
    "placebo": (-56, -29),
    "week_before_6": (-42, -36),
    "week_before_5": (-35, -29),
    "week_before_4": (-28, -22),
    "week_before_3": (-21, -15),
    "week_before_2": (-14, -8),
    "headline": (21, 34),
}
VARIANCE = BASE.correction * BASE.squared_scores


def course(**values: float) -> list[Estimate]:
    """The windows up to the headline's end with these changes from the week before; 0 where none is given."""
    made = []
    for number, (name, (begin, end)) in enumerate(DAYS.items(), 1):
        value, is_placebo = values.get(name, 0.0), name == "placebo"
        made.append(
            replace(
                BASE, sample_no=number, window_name=name, begin_day=begin, end_day=end, is_placebo=is_placebo,
                raw_estimate=value, estimate=-value if is_placebo else value,
            )
        )  # fmt: skip
    return made


LATE = course(placebo=0.1, week_before_4=0.1, week_before_3=0.08, week_before_2=0.04)
"""What came with the links, 0.1 nearer to the top, was there a week before they were found."""


def test_windows_that_share_nothing_add_their_variances() -> None:
    found = lateness(
        course(placebo=0.07, week_before_4=0.05, week_before_3=0.02, week_before_2=0.01, headline=-0.1), {}
    )
    assert found is not None
    assert (found.donut.estimate, found.placebo.estimate) == pytest.approx((-0.15, -0.02))
    # The mean of 0.02, 0.01 and 0 lies 0.04 below 0.05.
    assert found.lead.estimate == pytest.approx(-0.04)
    assert found.donut.standard_error == pytest.approx((2 * VARIANCE) ** 0.5)
    assert found.lead.standard_error == pytest.approx((VARIANCE * (2 / 9 + 1)) ** 0.5)
    assert found.donut.p_value == pytest.approx(2 * stats.t.sf(0.15 / (2 * VARIANCE) ** 0.5, 37))


def test_what_windows_share_takes_from_the_variance_of_their_difference() -> None:
    shared = {(4, 7): Cross(0.1, 0.0, 0.0, 0.0)}
    found = lateness(course(), shared)
    assert found is not None
    # Scores of 0.4 each and 0.1 in common, over the squared weights.
    assert found.donut.standard_error == pytest.approx((2 * VARIANCE * (1 - 0.1 / 0.4)) ** 0.5)


def test_a_window_that_lacks_an_error_or_is_not_there_tells_nothing() -> None:
    windows = course()
    assert lateness(windows[:-1], {}) is None
    assert lateness([replace(windows[0], standard_error=None), *windows[1:]], {}) is None
    assert lateness([], {}) is None


def test_links_whose_weeks_before_move_where_the_links_do_were_found_late() -> None:
    found = lateness(LATE, {})
    assert found is not None
    assert found.donut.estimate == pytest.approx(-0.1)
    assert found.lead.estimate == pytest.approx(-0.06)
    assert found.lead_p_value == pytest.approx(stats.t.sf(0.06 / (VARIANCE * 11 / 9) ** 0.5, 37))
    assert found.is_found_late


@pytest.mark.parametrize(
    "windows",
    [
        # The same move, but it began two months before: pages that rise by themselves.
        course(placebo=0.2, week_before_4=0.1, week_before_3=0.08, week_before_2=0.04),
        # The other way round: a lucky spell before the link.
        course(placebo=0.1, week_before_4=0.1, week_before_3=0.08, week_before_2=0.04, headline=0.2),
        course(placebo=0.01, week_before_4=0.01, headline=-0.1),
    ],
    ids=["drift", "against", "still"],
)
def test_other_moves_before_a_link_are_not_taken_for_lateness(windows: list[Estimate]) -> None:
    found = lateness(windows, {})
    assert found is not None
    assert not found.is_found_late


def test_the_donut_stands_beside_the_headline_with_a_placebo_of_its_own() -> None:
    rows = {row.window_name: row for row in publish(LATE, {}, {}, {}, {})}
    donut, headline = rows["donut"], rows["headline"]
    assert headline.is_found_late
    assert headline.estimate == 0
    width = stats.t.ppf(0.975, 37) * (2 * VARIANCE) ** 0.5
    assert (donut.honest_low, donut.honest_high) == pytest.approx((-0.1 - width, -0.1 + width))
    assert (donut.begin_day, donut.end_day, donut.event_count) == (21, 34, headline.event_count)
    assert donut.sample_low is donut.followed_minus_nofollow is donut.pretrend_p_value is None
    few = [replace(each, event_count=9, treated_cluster_count=9) for each in LATE]
    assert "donut" not in {row.window_name for row in publish(few, {}, {}, {}, {})}


def test_followed_minus_nofollow_is_wider_by_what_their_placebos_differ_by_where_links_were_found_late() -> None:
    def told(windows: list[Estimate]) -> tuple[float, float]:
        others = [replace(each, arm=NOFOLLOW) for each in course(placebo=-0.03)]
        rows = publish([*windows, *others], {}, {}, {}, {})
        (row,) = [row for row in rows if row.arm == FOLLOWED and row.window_name == "headline"]
        assert row.followed_minus_nofollow_low is not None
        assert row.followed_minus_nofollow_high is not None
        return row.followed_minus_nofollow_low, row.followed_minus_nofollow_high

    on_time = told(course(placebo=0.1))
    late = told(LATE)
    # As time goes the placebos are -0.1 and 0.03.
    assert (on_time[0] - late[0], late[1] - on_time[1]) == pytest.approx((0.13, 0.13))
