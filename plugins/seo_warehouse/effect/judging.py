"""The checks of the method, in rows and sentences."""

from __future__ import annotations

from dataclasses import dataclass

from seo_warehouse.effect.checks import Effect, Rows, fake_dates
from seo_warehouse.effect.estimates import Published


@dataclass(frozen=True)
class Check:
    """A row of marts.rpt_link_effect_check, column by column."""

    property_key: int
    panel: str
    check_name: str
    outcome: str
    estimate: float | None
    standard_error: float | None
    interval_low: float | None
    interval_high: float | None
    honest_low: float | None
    honest_high: float | None
    event_count: int | None
    run_count: int | None
    false_alarm_count: int | None
    is_warning: bool
    sentence: str


def compared(main: Published, name: str, effect: Effect | None, what: str) -> Check:
    """A check that estimates the headline's effect another way. `what`: how, as the sentence says it.

    It shows no more than the headline may: nothing with too little data, the interval alone while exploratory.
    """
    if effect is None or main.interval_low is None:
        return _check(main, name, None, f"{what}: too little is left to estimate anything.", warn=False)
    low, high = effect.estimate - effect.half_width, effect.estimate + effect.half_width
    return _check(main, name, effect, f"{what}: between {low:.3f} and {high:.3f}.", warn=False)


def weightings(variance: Published, equal: Published) -> Check:
    """Whether the two weightings lie more than a standard error apart."""
    if variance.estimate is None or equal.estimate is None or not equal.standard_error or not variance.standard_error:
        return _check(variance, "weightings", None, "The two weightings cannot be compared yet.", warn=False)
    gap = abs(variance.estimate - equal.estimate)
    is_far = gap > max(variance.standard_error, equal.standard_error)
    sentence = f"Weighted by precision {variance.estimate:.3f}, each event alike {equal.estimate:.3f}: " + (
        "more than a standard error apart, so the effect differs between events." if is_far else "in agreement."
    )
    return _check(variance, "weightings", None, sentence, warn=is_far)


def false_alarms(main: Published, controls: Rows) -> Check:
    """How often the method sees an effect of links that never were: pages without any, at the dates of the events."""
    alarms = list(fake_dates(controls))
    if not alarms:
        return _check(main, "fake_dates", None, "Too few pages without any link to try made-up dates on.", warn=False)
    share = 100 * sum(alarms) / len(alarms)
    sentence = (
        f"Of {len(alarms)} draws of made-up dates on pages that never got a link, {sum(alarms)} ({share:.1f} %) show "
        "an effect; 5 % would be due to chance. The draws share one set of pages, so the share itself is uncertain."
    )
    made = _check(main, "fake_dates", None, sentence, warn=False)
    return Check(**(vars(made) | {"run_count": len(alarms), "false_alarm_count": sum(alarms)}))


def _check(main: Published, name: str, effect: Effect | None, sentence: str, *, warn: bool) -> Check:
    width = effect.half_width if effect else None
    is_estimate = effect is not None and main.status == "estimate"
    wider = None if width is None or main.placebo_estimate is None else width + abs(main.placebo_estimate)
    return Check(
        property_key=main.property_key,
        panel=main.panel,
        check_name=name,
        outcome=main.outcome,
        estimate=effect.estimate if effect and is_estimate else None,
        standard_error=effect.standard_error if effect and is_estimate else None,
        interval_low=effect.estimate - width if effect and width is not None else None,
        interval_high=effect.estimate + width if effect and width is not None else None,
        honest_low=effect.estimate - wider if effect and wider is not None else None,
        honest_high=effect.estimate + wider if effect and wider is not None else None,
        event_count=effect.treated_count if effect else None,
        run_count=None,
        false_alarm_count=None,
        is_warning=warn,
        sentence=sentence,
    )
