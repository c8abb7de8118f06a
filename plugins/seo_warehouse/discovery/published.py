"""What is published of a link's effect on waits: ratio, intervals, placebo, shares, and whether any of it may be shown.

The honest interval is the plain one, wider on both sides by the size of the placebo, as in `effect/inference.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, expm1, isfinite, log, log1p

from scipy import stats

from seo_warehouse.discovery.linked import (
    ARMS,
    BEFORE,
    HEADLINE,
    LATE,
    LATER,
    MONTH,
    WEEK,
    Gaps,
    Model,
    Paths,
    Ratio,
    fit_links,
    fit_placebo,
    share_after,
)

BANDS = {HEADLINE: "1-28", WEEK: "1-7", MONTH: "8-28", LATE: "29-56", LATER: "57+"}
LEAST_EVENTS = 10
"""Events of pages with the link below which nothing is told of it."""
ESTIMATE_EVENTS = 30
"""From so many on there is an estimate; before, its interval alone."""
CONFIDENCE = 0.95
POWER = 0.8
REVERSE_RATIO, REVERSE_P_VALUE = 2.0, 0.01
"""A placebo that is larger, and surely no chance: pages are linked because they were found."""
LARGEST_ERROR = 3.0
"""Of a logarithm, beyond which the data tell nothing of a ratio, however many events there are."""


@dataclass(frozen=True)
class Interval:
    """A figure between its bounds; the middle is None while it is exploratory."""

    middle: float | None
    low: float
    high: float


@dataclass(frozen=True)
class Effect:
    """What may be told of a band of days after links of an arm. Ratios are of hazards, their error is of the logarithm.

    shares   of the headline alone, by (with the link, day): of pages like the linked ones the share with the event
    status   estimate, exploratory, not_enough_data, or reverse, with its reason
    """

    arm: str
    band: str
    ratio: Interval | None
    standard_error: float | None
    honest_low: float | None
    honest_high: float | None
    placebo_ratio: float | None
    placebo_p_value: float | None
    detectable_ratio: float | None
    shares: dict[tuple[bool, int], Interval]
    exposed_event_count: int
    exposed_page_count: int
    event_count: int
    page_count: int
    left_out_page_count: int
    status: str
    reason: str | None


def publish_effects(gaps: Gaps, paths: dict[str, Paths]) -> Iterator[Effect]:
    """A row for each arm and band that any page that waited was in. `paths`: by arm."""
    for number, arm in enumerate(ARMS):
        if not (gaps.state[:, number] >= WEEK).any():
            continue
        placebo_model = fit_placebo(gaps, number)
        placebo = placebo_model.ratios.get(BEFORE) if placebo_model else None
        pooled, apart = fit_links(gaps, number), fit_links(gaps, number, is_apart=True)
        for band, model in ((HEADLINE, pooled), *((each, apart) for each in BANDS if each != HEADLINE)):
            yield _effect(arm, band, model, placebo, paths.get(arm) if band == HEADLINE else None)


def _effect(arm: str, band: int, model: Model | None, placebo: Ratio | None, paths: Paths | None) -> Effect:
    ratio = model.ratios.get(band) if model else None
    status, reason = status_of(ratio, placebo)
    is_shown = status in ("estimate", "exploratory")
    width = half_width(ratio) if ratio and is_shown else None
    told = placebo if placebo and _is_told(placebo) and status != "not_enough_data" else None
    middle = ratio.log_ratio if ratio else 0.0
    wider = width + abs(told.log_ratio) if width is not None and told else None
    return Effect(
        arm=arm,
        band=BANDS[band],
        ratio=None if width is None else _interval(middle, width, status),
        standard_error=ratio.standard_error if ratio and status == "estimate" else None,
        honest_low=None if wider is None else exp(middle - wider),
        honest_high=None if wider is None else exp(middle + wider),
        placebo_ratio=exp(told.log_ratio) if told else None,
        placebo_p_value=p_value(told) if told else None,
        detectable_ratio=exp(smallest_detectable(ratio)) if ratio and is_shown else None,
        shares=_shares(model, paths, ratio, status) if model and paths and ratio and is_shown else {},
        exposed_event_count=ratio.event_count if ratio else 0,
        exposed_page_count=ratio.page_count if ratio else 0,
        event_count=model.event_count if model else 0,
        page_count=model.fitted.page_count if model else 0,
        left_out_page_count=model.left_out_count if model else 0,
        status=status,
        reason=reason,
    )


def status_of(ratio: Ratio | None, placebo: Ratio | None) -> tuple[str, str | None]:
    """(status, reason): what may be shown of a ratio."""
    if ratio is None or min(ratio.event_count, ratio.page_count) < LEAST_EVENTS:
        return "not_enough_data", "too_few_events"
    if not _is_told(ratio):
        return "not_enough_data", "not_identified"
    if placebo is None or not _is_told(placebo):
        return "exploratory", "no_placebo"
    if placebo.log_ratio > log(REVERSE_RATIO) and p_value(placebo) < REVERSE_P_VALUE:
        return "reverse", "linked_because_found"
    return ("exploratory" if ratio.event_count < ESTIMATE_EVENTS else "estimate"), None


def half_width(ratio: Ratio) -> float:
    """Half of the interval's width, of the logarithm."""
    return _quantile(ratio, 0.5 + CONFIDENCE / 2) * ratio.standard_error


def p_value(ratio: Ratio) -> float:
    """Of a ratio of 1, two-sided."""
    return float(2 * stats.t.sf(abs(ratio.log_ratio) / ratio.standard_error, ratio.page_count - 1))


def smallest_detectable(ratio: Ratio) -> float:
    """Logarithm of the ratio that would be told from 1 four times in five."""
    return (_quantile(ratio, 0.5 + CONFIDENCE / 2) + _quantile(ratio, POWER)) * ratio.standard_error


def _quantile(ratio: Ratio, share: float) -> float:
    return float(stats.t.ppf(share, ratio.page_count - 1))


def _is_told(ratio: Ratio) -> bool:
    return isfinite(ratio.standard_error) and 0 < ratio.standard_error < LARGEST_ERROR and ratio.page_count > 1


def _interval(middle: float, width: float, status: str) -> Interval:
    return Interval(exp(middle) if status == "estimate" else None, exp(middle - width), exp(middle + width))


def _shares(model: Model, paths: Paths, ratio: Ratio, status: str) -> dict[tuple[bool, int], Interval]:
    shares = {}
    for with_link in (True, False):
        for day in (14, 28):
            found = share_after(model, paths, with_link=with_link, is_early=day == 14)
            if found is None:
                continue
            middle, width = log(-log1p(-found.share)), _quantile(ratio, 0.5 + CONFIDENCE / 2) * found.error
            low, high = (-expm1(-exp(min(middle + sign * width, 700.0))) for sign in (-1, 1))
            shares[with_link, day] = Interval(found.share if status == "estimate" else None, low, high)
    return shares
