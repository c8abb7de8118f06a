"""From estimates and sums to what is published: intervals, tests, statuses.

Student's t with as many degrees of freedom as pages with an event, less one (Dube, Girardi, Jordà & Taylor 2025, doi
10.1002/jae.70000); Holm 1979 over cuts; the honest interval is the plain one widened on both sides by the size of the
placebo, after Rambachan & Roth 2023 (doi 10.1093/restud/rdad018): what came before is taken for how wrong what came
after may be. Of the links that were judged there is less to doubt than of another one: the sample's interval leaves out
how much links differ, and is wider by as much of the placebo as chance does not explain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import hypot, sqrt

import numpy as np
from scipy import stats

from seo_warehouse.effect.contrasts import DONUT, Lateness, covariance, lateness
from seo_warehouse.effect.estimates import (
    ESTIMATE_EVENTS,
    FOLLOWED,
    HEADLINE,
    LEAST_CONTROLS,
    LEAST_EVENTS,
    NOFOLLOW,
    NOTHING_SHARED,
    SAMPLE_EVENTS,
    Cross,
    Estimate,
    Published,
)
from seo_warehouse.effect.spill import Spill

CONFIDENCE = 0.95
POWER = 0.8
PLACEBO_REACH_DAYS = 38.5
"""From the middle of the placebo to the middle of the week before the event."""
BASE_MIDDLE_DAY = -4

Series = tuple[int, str, str, str, str, str, str]
"""Estimate.series."""
ArmsKey = tuple[int, str, str, str, str, str, int]
"""property_key, panel, cut, level, outcome, weighting, sample_no."""
WeeksKey = tuple[int, str, str, str, str, int, int]
"""property_key, panel, arm, outcome, weighting, the two sample numbers in order."""

Spills = Mapping[tuple[int, str, str, str], Spill]
"""By property, panel, outcome and weighting: at the exposure of the headline's events."""


def quantile(share: float, degrees: int) -> float:
    """Of Student's t. Raises ValueError below one degree of freedom."""
    if degrees < 1:
        raise ValueError(f"no t distribution with {degrees} degrees of freedom")
    return float(stats.t.ppf(share, degrees))


def half_width(standard_error: float | None, treated_pages: int) -> float | None:
    """Half of the interval's width; None without a standard error."""
    return None if standard_error is None else quantile(0.5 + CONFIDENCE / 2, treated_pages - 1) * standard_error


def p_value(estimate: Estimate) -> float | None:
    """Of no effect, two-sided; None without a standard error."""
    if not estimate.standard_error:
        return None
    ratio = abs(estimate.estimate) / estimate.standard_error
    return float(2 * stats.t.sf(ratio, estimate.treated_cluster_count - 1))


def smallest_detectable(estimate: Estimate) -> float | None:
    """Size of an effect that would be told from 0 four times in five; None without a standard error."""
    return _detectable(estimate.standard_error, estimate.treated_cluster_count)


def _detectable(standard_error: float | None, treated_pages: int) -> float | None:
    if standard_error is None:
        return None
    degrees = treated_pages - 1
    return (quantile(0.5 + CONFIDENCE / 2, degrees) + quantile(POWER, degrees)) * standard_error


def status_of(estimate: Estimate) -> tuple[str, str | None]:
    """(status, reason): what may be shown of an estimate."""
    if needed_events(estimate):
        return "not_enough_data", "too_few_events"
    if estimate.control_count < LEAST_CONTROLS * estimate.cell_count:
        return "not_enough_data", "too_few_controls"
    return ("exploratory" if isolated(estimate) < ESTIMATE_EVENTS else "estimate"), None


def isolated(estimate: Estimate) -> int:
    """Isolated events, or the pages that had one where these are fewer."""
    return min(estimate.event_count, estimate.treated_cluster_count)


def needed_events(estimate: Estimate) -> int:
    """How many more isolated events, on as many pages, until something can be said."""
    events = isolated(estimate)
    if events >= SAMPLE_EVENTS and estimate.sample_standard_error is None:
        return max(0, LEAST_EVENTS - events)
    return max(0, SAMPLE_EVENTS - events)


def tells_of_another(estimate: Estimate) -> bool:
    """Whether enough links were judged to tell what another one may do."""
    return status_of(estimate)[0] != "not_enough_data" and isolated(estimate) >= LEAST_EVENTS


def placebo_share(begin_day: int, end_day: int, last_day: int) -> float:
    """How much of the placebo widens a window's interval: all up to the headline's last day, in proportion beyond."""
    # The course of bursts ends with their one window, so that their placebo counts whole, as simulations judged it.
    if end_day <= last_day:
        return 1.0
    return ((begin_day + end_day) / 2 - BASE_MIDDLE_DAY) / PLACEBO_REACH_DAYS


def beyond_chance(placebo: Estimate) -> float:
    """How much of a placebo's size counts for the links that were judged, from 0 to 1: nearly all where it is clear.

    The square of 1 - p was chosen among thirty such shares on simulated panels: docs/link-effect-simulations.md.
    """
    return (1.0 - (p_value(placebo) or 0.0)) ** 2


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number, in the order given (Holm 1979, Scand. J. Statist. 6)."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def difference(one: Estimate, other: Estimate, shared: Cross) -> tuple[float, float, float] | None:
    """(difference, low, high) of two arms that share controls; None where it has no standard error."""
    rows = one.row_count + other.row_count - shared.shared_control_count
    cells = one.cell_count + other.cell_count - shared.shared_cell_count
    clusters = one.cluster_count + other.cluster_count - shared.shared_cluster_count
    degrees = min(one.treated_cluster_count, other.treated_cluster_count) - 1
    if degrees < 1 or rows <= 2 + cells or clusters < 2:
        return None
    squares = one.squared_scores + other.squared_scores - 2 * shared.product(one, other)
    variance = clusters / (clusters - 1) * (rows - 1) / (rows - 2 - cells) * max(squares, 0.0)
    effect = one.raw_estimate - other.raw_estimate
    width = quantile(0.5 + CONFIDENCE / 2, degrees) * sqrt(variance)
    return effect, effect - width, effect + width


def joint_p_value(weeks: Sequence[Estimate], crosses: Mapping[tuple[int, int], Cross]) -> float | None:
    """Of no difference in any of these weeks (Wald test, F); None where the weeks cannot be tested together."""
    together = covariance(weeks, crosses)
    degrees = min((week.treated_cluster_count for week in weeks), default=0) - 1
    if together is None or degrees < len(weeks):
        return None
    effects = np.array([week.raw_estimate for week in weeks])
    if np.linalg.matrix_rank(together, hermitian=True) < len(weeks):
        return None
    statistic = float(effects @ np.linalg.solve(together, effects)) / len(weeks)
    return float(stats.f.sf(statistic, len(weeks), degrees))


def publish(
    estimates: Iterable[Estimate],
    arms: Mapping[ArmsKey, Cross],
    weeks: Mapping[WeeksKey, Cross],
    dropped: Mapping[tuple[int, str, str], dict[str, int]],
    spills: Spills,
) -> list[Published]:
    """Every published row, in a fixed order. `dropped`: by property, panel and arm the events left out by reason."""
    series: dict[Series, dict[int, Estimate]] = defaultdict(dict)
    for each in estimates:
        series[each.series][each.sample_no] = each
    pretrends: dict[Series, float | None] = {}
    late: dict[Series, Lateness] = {}
    for key, course in series.items():
        if key[2] == "all":
            crosses = _crosses(course, weeks)
            pretrends[key] = _pretrend(course, crosses)
            if found := lateness(course.values(), crosses):
                late[key] = found
    rows = [
        _published(each, series, arms, pretrends.get(key), late.get(key), dropped, _spill_of(each, spills))
        for key, course in series.items()
        for each in course.values()
        # The placebo of a later window's sample stands beside that window only.
        if not (each.is_placebo and each.horizon_day != min(e.horizon_day for e in course.values()))
    ]
    rows += [_donut(row, late[key], _spill_of(row, spills)) for key, row in _headlines(rows) if key in late]
    return sorted(_with_holm(rows), key=lambda row: (*_family(row), row.cut, row.level, row.begin_day, row.end_day))


def _published(
    each: Estimate,
    series: Mapping[Series, Mapping[int, Estimate]],
    arms: Mapping[ArmsKey, Cross],
    pretrend: float | None,
    late: Lateness | None,
    dropped: Mapping[tuple[int, str, str], dict[str, int]],
    spill: Spill | None,
) -> Published:
    course = series[each.series]
    status, reason = status_of(each)
    is_shown = tells_of_another(each)
    pages = each.treated_cluster_count
    width = half_width(each.standard_error, pages) if is_shown else None
    own_width = half_width(each.sample_standard_error, pages) if status != "not_enough_data" else None
    placebo = _placebo_of(each, series)
    last_day = min(e.horizon_day for e in course.values())
    doubt = None
    if placebo is not None and each.begin_day >= 0:
        doubt = placebo_share(each.begin_day, each.end_day, last_day) * abs(placebo.estimate)
    own_doubt = None if doubt is None or placebo is None else doubt * beyond_chance(placebo)
    low, high = _interval(each.estimate, width)
    honest_low, honest_high = _moved(each.estimate, width, doubt, spill, pages)
    sample_low, sample_high = _interval(each.estimate, own_width)
    sample_honest_low, sample_honest_high = _moved(each.estimate, own_width, own_doubt, spill, pages)
    nofollow = _nofollow(each, series) if is_shown else None
    gap = difference(each, nofollow, arms.get(_arms_key(each), NOTHING_SHARED)) if nofollow else None
    if gap and nofollow:
        shift, error = _misled(spill, min(pages, nofollow.treated_cluster_count))
        middle, wide = gap[0] + shift, hypot(gap[2] - gap[0], error)
        gap = (gap[0], middle - wide, middle + wide)
    if gap and placebo and nofollow and late and late.is_found_late and each.begin_day >= 0:
        other = _placebo_of(nofollow, series)
        apart = abs(placebo.estimate - (other.estimate if other else 0.0)) * placebo_share(
            each.begin_day, each.end_day, last_day
        )
        gap = (gap[0], gap[1] - apart, gap[2] + apart)
    return Published(
        property_key=each.property_key,
        panel=each.panel,
        cut=each.cut,
        level=each.level,
        arm=each.arm,
        outcome=each.outcome,
        window_name=each.window_name,
        begin_day=each.begin_day,
        end_day=each.end_day,
        weighting=each.weighting,
        estimate=each.estimate if status == "estimate" else None,
        standard_error=each.standard_error if status == "estimate" else None,
        interval_low=low,
        interval_high=high,
        honest_low=honest_low,
        honest_high=honest_high,
        sample_standard_error=each.sample_standard_error if status == "estimate" else None,
        sample_low=sample_low,
        sample_high=sample_high,
        sample_honest_low=sample_honest_low,
        sample_honest_high=sample_honest_high,
        p_value=p_value(each) if is_shown else None,
        holm_p_value=None,
        placebo_estimate=placebo.estimate if placebo and is_shown else None,
        placebo_p_value=p_value(placebo) if placebo and is_shown else None,
        pretrend_p_value=pretrend if is_shown else None,
        lead_p_value=late.lead_p_value if late and is_shown else None,
        is_found_late=late.is_found_late if late and is_shown else None,
        nofollow_estimate=nofollow.estimate if nofollow else None,
        nofollow_p_value=p_value(nofollow) if nofollow else None,
        followed_minus_nofollow=gap[0] if gap else None,
        followed_minus_nofollow_low=gap[1] if gap else None,
        followed_minus_nofollow_high=gap[2] if gap else None,
        spill_estimate=spill.estimate if spill and own_width else None,
        spill_standard_error=spill.standard_error if spill and own_width else None,
        spill_p_value=spill.p_value if spill and own_width else None,
        spill_row_count=spill.row_count if spill else None,
        smallest_detectable_effect=smallest_detectable(each),
        event_count=each.event_count,
        treated_page_count=each.treated_cluster_count,
        control_count=each.control_count,
        cluster_count=each.cluster_count,
        cell_count=each.cell_count,
        base_mean=each.base_sum / each.treated_count,
        base_position=None if each.position_base_sum is None else each.position_base_sum / each.treated_count,
        needed_event_count=needed_events(each),
        dropped_events=dropped.get((each.property_key, each.panel, each.arm), {}),
        onpage_unknown_count=each.onpage_unknown_count,
        update_overlap_count=each.updated_count,
        status=status,
        reason=reason,
    )


def _interval(middle: float, width: float | None, doubt: float | None = 0.0) -> tuple[float | None, float | None]:
    """From so far below the middle to so far above; (None, None) where either is not known."""
    if width is None or doubt is None:
        return None, None
    return middle - width - doubt, middle + width + doubt


def _moved(
    middle: float, width: float | None, doubt: float | None, spill: Spill | None, pages: int
) -> tuple[float | None, float | None]:
    """The honest interval: by what the links did to the pages that theirs are compared with it is moved, and wider."""
    shift, error = _misled(spill, pages)
    return _interval(middle + shift, None if width is None else hypot(width, error), doubt)


def _misled(spill: Spill | None, pages: int) -> tuple[float, float]:
    """By how much the links moved the pages that theirs are compared with, if clearly, and half of its interval."""
    if spill is None or not spill.is_clear or spill.estimate is None:
        return 0.0, 0.0
    return spill.estimate, half_width(spill.standard_error, pages) or 0.0


def _spill_of(each: Estimate | Published, spills: Spills) -> Spill | None:
    """Of the headline of followed links, all together."""
    if each.arm != FOLLOWED or each.cut != "all" or each.window_name != HEADLINE:
        return None
    return spills.get((each.property_key, each.panel, each.outcome, each.weighting))


def _placebo_of(each: Estimate, series: Mapping[Series, Mapping[int, Estimate]]) -> Estimate | None:
    """The placebo on the same units."""
    course = series[each.series].values()
    return next((e for e in course if e.is_placebo and e.horizon_day == each.horizon_day), None)


def _headlines(rows: Iterable[Published]) -> Iterator[tuple[Series, Published]]:
    """The headlines from which what another link may do is told, each with its series."""
    for row in rows:
        if row.window_name == HEADLINE and row.interval_low is not None:
            yield (row.property_key, row.panel, row.cut, row.level, row.arm, row.outcome, row.weighting), row


def _donut(headline: Published, late: Lateness, spill: Spill | None) -> Published:
    """The headline against days -28 to -22: a row beside it, for links that were found late."""
    donut, placebo, is_estimate = late.donut, late.placebo, headline.status == "estimate"
    width = half_width(donut.standard_error, donut.treated_pages)
    low, high = _interval(donut.estimate, width)
    honest_low, honest_high = _moved(donut.estimate, width, abs(placebo.estimate), spill, donut.treated_pages)
    return replace(
        headline,
        window_name=DONUT,
        estimate=donut.estimate if is_estimate else None,
        standard_error=donut.standard_error if is_estimate else None,
        interval_low=low,
        interval_high=high,
        honest_low=honest_low,
        honest_high=honest_high,
        sample_standard_error=None,
        sample_low=None,
        sample_high=None,
        sample_honest_low=None,
        sample_honest_high=None,
        p_value=donut.p_value,
        placebo_estimate=placebo.estimate,
        placebo_p_value=placebo.p_value,
        pretrend_p_value=None,
        nofollow_estimate=None,
        nofollow_p_value=None,
        followed_minus_nofollow=None,
        followed_minus_nofollow_low=None,
        followed_minus_nofollow_high=None,
        smallest_detectable_effect=_detectable(donut.standard_error, donut.treated_pages),
    )


def _nofollow(each: Estimate, series: Mapping[Series, Mapping[int, Estimate]]) -> Estimate | None:
    """The nofollow arm's estimate beside one of the followed arm, where it may be shown."""
    if each.arm != FOLLOWED or each.is_placebo:
        return None
    key = (each.property_key, each.panel, each.cut, each.level, NOFOLLOW, each.outcome, each.weighting)
    found = series.get(key, {}).get(each.sample_no)
    return found if found is not None and tells_of_another(found) else None


def _arms_key(each: Estimate) -> ArmsKey:
    return (each.property_key, each.panel, each.cut, each.level, each.outcome, each.weighting, each.sample_no)


def _crosses(course: Mapping[int, Estimate], weeks: Mapping[WeeksKey, Cross]) -> dict[tuple[int, int], Cross]:
    """What pairs of windows of a course share, by their samples in order."""
    crosses = {}
    for number, one in course.items():
        for other in course:
            key = (one.property_key, one.panel, one.arm, one.outcome, one.weighting, number, other)
            if key in weeks:
                crosses[number, other] = weeks[key]
    return crosses


def _pretrend(course: Mapping[int, Estimate], crosses: Mapping[tuple[int, int], Cross]) -> float | None:
    before = sorted((e for e in course.values() if e.end_day < -7 and not e.is_placebo), key=lambda e: e.sample_no)
    return joint_p_value(before, crosses)


def _family(row: Published) -> tuple[int, str, str, str, str, str]:
    return (row.property_key, row.panel, row.arm, row.outcome, row.weighting, row.window_name)


def _with_holm(rows: list[Published]) -> list[Published]:
    """Adjust the p-values of all levels of all cuts of one outcome, window, arm and weighting."""
    families: dict[tuple[int, str, str, str, str, str], list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        if row.cut != "all" and row.p_value is not None:
            families[_family(row)].append(place)
    adjusted = list(rows)
    for places in families.values():
        values = holm([p for place in places if (p := rows[place].p_value) is not None])
        for place, value in zip(places, values, strict=True):
            adjusted[place] = replace(rows[place], holm_p_value=value)
    return adjusted
