"""The plain sentences of a report: what may be said of an effect, by its status, and nothing more."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from seo_warehouse.effect.estimates import ESTIMATE_EVENTS, LEAST_CONTROLS, LEAST_EVENTS, SAMPLE_EVENTS
from seo_warehouse.report.facts import Depth, Effect, Facts
from seo_warehouse.report.words import (
    STATUSES,
    THESE_ARMS,
    Measure,
    capital,
    count_of,
    measure_of,
    plain,
    say_p,
    say_panel,
    say_reason,
)

CLEAR_P = 0.05
USUAL_SHARE = 1 / 3
"""Of new followed links, those that can be judged, as a rule (docs/link-effect.md)."""
Interval = tuple[float, float]


@dataclass(frozen=True)
class Shown:
    """The figures of a row that its status lets be seen.

    interval, honest   what these very links did on average; where that is not told apart, what another may do
    another            what another link may do; the honest interval, before the link the plain one; never narrower
    """

    estimate: float | None = None
    interval: Interval | None = None
    honest: Interval | None = None
    another: Interval | None = None

    @property
    def widest(self) -> Interval | None:
        """The interval that a verdict rests on: the honest one; before the link there is the plain one only."""
        return self.honest or self.interval


@dataclass(frozen=True)
class Verdict:
    """A sentence that begins with the status, and what belongs to it."""

    status: str
    lead: str
    details: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The status in words."""
        return STATUSES[self.status]


def status_of(effect: Effect | None) -> str:
    """The status of a row; whatever is not known to be more is not enough data."""
    return effect.status if effect and effect.status in STATUSES else "not_enough_data"


def show(effect: Effect | None) -> Shown:
    """What may be seen of a row: nothing, the intervals, or the estimate too."""
    if effect is None or status_of(effect) == "not_enough_data":
        return Shown()
    plain, another = (
        interval_of(effect.interval_low, effect.interval_high),
        interval_of(effect.honest_low, effect.honest_high),
    )
    interval = interval_of(effect.sample_low, effect.sample_high) or plain
    honest = interval_of(effect.sample_honest_low, effect.sample_honest_high) or another
    estimate = finite(effect.estimate) if status_of(effect) == "estimate" else None
    return Shown(estimate, interval, honest, _holding(another or plain, honest or interval))


def _holding(another: Interval | None, these: Interval | None) -> Interval | None:
    """What another link may do is no surer than the mean of these: by chance its interval may come out narrower."""
    if another is None or these is None:
        return another
    return min(another[0], these[0]), max(another[1], these[1])


def judge(effect: Effect | None) -> Verdict:
    """The verdict on a headline row."""
    if effect is None:
        return Verdict("not_enough_data", "Not enough data: no link has been judged yet.")
    shown = show(effect)
    if shown.widest is None:
        return Verdict("not_enough_data", *_refuse(effect))
    lead = f"{STATUSES[effect.status]}: {_say_lead(effect, shown)}"
    return Verdict(
        effect.status,
        lead,
        (
            _say_another(effect, shown),
            *_say_figures(effect, shown),
            *(_say_counts(effect), *_say_way(effect), *_say_detectable(effect)),
        ),
    )


def say_missing(facts: Facts) -> Verdict:
    """The verdict where the marts hold no estimates at all."""
    return Verdict(
        "not_enough_data",
        f"Not enough data: no effects of links have been estimated for {facts.property_name} yet.",
        ("They are made after a build, every night, once link events and positions are there.",),
    )


def judge_facts(facts: Facts, *, arm: str = "acquired_followed", pooled: bool = False) -> Verdict:
    """The verdict that a report begins with."""
    if facts.is_built and not facts.effects and (number := sum(facts.unjudged_counts.values())):
        return Verdict("not_enough_data", f"Not enough data: of {count_of(number, 'link')} none can be judged.")
    if not facts.is_built or not facts.effects:
        return say_missing(facts)
    return judge(facts.find(arm=arm, pooled=pooled))


def say_source(facts: Facts) -> str:
    """Where the figures come from, and what they measure."""
    return f"{capital(say_panel(facts.panel))}, measured by {measure_of(facts.outcome).title}"


def say_distinguishable(measure: Measure, interval: Interval) -> str:
    """An interval that holds 0 tells nothing apart; it does not tell that there is nothing."""
    return f"no effect distinguishable; it lies {measure.say_between(*interval)}"


def interval_of(low: float | None, high: float | None) -> Interval | None:
    """An interval whose ends are both known."""
    low, high = finite(low), finite(high)
    return None if low is None or high is None else (min(low, high), max(low, high))


def finite(value: float | None) -> float | None:
    """A figure, or nothing: a database can hold NaN and infinity."""
    return float(value) if value is not None and math.isfinite(value) else None


def holds_zero(interval: Interval) -> bool:
    """Whether an interval contains 0."""
    return interval[0] <= 0 <= interval[1]


def say_at_baseline(effect: Effect, values: Interval) -> str | None:
    """What relative values mean in places, from where these pages usually stood; None where it cannot be told."""
    base = finite(effect.base_position)
    if effect.outcome != "log_position" or base is None or base < 1:
        return None
    low, high = (base * measure_of(effect.outcome).shown(value) / 100 for value in values)
    places = measure_of("position")
    said = places.say(low) if values[0] == values[1] else places.say_between(low, high)
    return f"{said}, from position {base:.1f}"


def say_method(effect: Effect | None, nofollow: Effect | None = None) -> tuple[str, ...]:
    """What the comparison was tried against: nofollow links, a placebo, the weeks before."""
    if effect is None or show(effect).widest is None:
        return ()
    measure = measure_of(effect.outcome)
    said = []
    if status_of(nofollow) != "not_enough_data":
        said += _say_difference(effect, measure)
    if (placebo := finite(effect.placebo_estimate)) is not None:
        p = finite(effect.placebo_p_value)
        said.append(
            f"Placebo: between two spans before the link, where the truth is 0, the same comparison gives "
            f"{measure.say(placebo)}{f' ({say_p(p)})' if p is not None else ''}; "
            "honest intervals are wider on both sides, of another link by all of that, of these by what "
            "chance does not explain of it."
        )
    if (p := finite(effect.pretrend_p_value)) is not None:
        said.append(
            f"The weeks before the link drift apart already ({say_p(p)}): read the intervals with care."
            if p < CLEAR_P
            else f"The weeks before the link show no clear drift ({say_p(p)}); that is no proof that there was none."
        )
    return (*said, *_say_spill(effect, measure))


def _say_spill(effect: Effect, measure: Measure) -> list[str]:
    """Whether links move the pages that theirs are compared with; of rows that it is asked of."""
    if effect.spill_row_count is None:
        return []
    spill, p = finite(effect.spill_estimate), finite(effect.spill_p_value)
    if spill is None or p is None:
        return ["Whether links move other pages of their topic too (interference) cannot be told from here."]
    if p >= CLEAR_P:
        return [f"Other pages of the topics show no sign that links move them too ({say_p(p)})."]
    return [
        f"Such links move the other pages of their topic too: {measure.say(spill)} ({say_p(p)}). "
        "As these are what is compared with, honest intervals, and that of followed minus nofollow, are moved by that, "
        "and wider by its error."
    ]


def say_late(facts: Facts) -> tuple[str, ...]:
    """What to read in place of the headline where links seem to have been found weeks after they came."""
    effect, donut = facts.find(), facts.donut
    if effect is None or donut is None or not effect.is_found_late or (interval := show(donut).another) is None:
        return ()
    p = finite(effect.lead_p_value)
    return (
        "These links seem to have come weeks before they were found: in the three weeks before, their pages move the "
        f"same way already{f' ({say_p(p)})' if p is not None else ''}. Against days 28 to 22 before they were found, "
        f"another such link lies {measure_of(effect.outcome).say_between(*interval)}: that tells more here.",
    )


def say_bursts(facts: Facts) -> tuple[str, ...]:
    """What links that come to a page together did, where there were any."""
    found, effect = facts.bursts, facts.burst
    if not found.burst_count:
        return ()
    judged = effect.event_count if effect else 0
    said = (
        f"Bursts of links, two domains or more within four weeks on a page whose links had not changed for eight: "
        f"{found.burst_count:,}, of which {judged:,} can be judged."
    )
    shown = show(effect)
    if effect is None or shown.widest is None:
        needed = effect.needed_event_count if effect and effect.needed_event_count is not None else SAMPLE_EVENTS
        why = f"it takes {needed:,} more" if needed else say_reason("too_few_controls")
        return (f"{said} What bursts did cannot be said yet: {why}.",)
    measure, interval = measure_of(effect.outcome), shown.widest
    if holds_zero(interval):
        return (f"{said} Of these {say_distinguishable(measure, interval)}.",)
    subject = "positions" if measure.is_less_better else measure.title
    dose = f" of {found.domain_mean:.1f} followed domains on average" if found.domain_mean else ""
    # Where no placebo was measured on these pages there is no honest one.
    which = "honest interval" if shown.honest else "plain 95 % interval; it trusts the comparison fully"
    return (
        f"{said} In the eighth and ninth week after the first link of bursts{dose}, their pages' {subject} were "
        f"{measure.say_between(*interval)}, compared with similar pages without one ({which}).",
    )


def say_depth(found: Depth | None) -> tuple[str, ...]:
    """That most checks are to less than the panel's depth, and so measure nothing."""
    if found is None or 2 * found.shallow_count <= found.check_count:
        return ()
    return (
        f"Of {count_of(found.check_count, 'check')} of the last week {found.shallow_count:,} are to less than the "
        f"panel's depth of {found.panel_depth}, mostly to {found.usual_depth}: they measure no effect of links. State "
        "panel.depth in properties.yml as it is, or as a list of what it was from which day on.",
    )


def say_dropped(dropped: Mapping[str, int]) -> tuple[tuple[int, str, str], ...]:
    """Links that were not judged, by reason: number, code and reason in words, the most frequent first."""
    rows = ((int(number), code, say_reason(code)) for code, number in dropped.items() if number)
    return tuple(sorted(rows, key=lambda row: (-row[0], row[1])))


def say_surroundings(effect: Effect | None) -> tuple[str, ...]:
    """What else happened to the links that were judged."""
    said = []
    if effect and effect.onpage_unknown_count:
        said.append(f"For {count_of(effect.onpage_unknown_count, 'link')} no crawl says whether the page changed.")
    if effect and effect.update_overlap_count:
        said.append(
            f"{count_of(effect.update_overlap_count, 'link')} within reach of a Google update, like the pages"
            " compared with."
        )
    return tuple(said)


def say_short(effect: Effect | None) -> str:
    """A row in a few words, for tables."""
    shown, measure = show(effect), measure_of(effect.outcome if effect else "")
    if shown.widest is None:
        return "not enough data"
    if holds_zero(shown.widest):
        return "no effect distinguishable"
    return measure.say(shown.estimate) if shown.estimate is not None else measure.say_between(*shown.widest)


def say_interval(effect: Effect, interval: Interval | None) -> str:
    """An interval for a table; a dash where there is none."""
    return measure_of(effect.outcome).say_range(*interval) if interval else "–"


def say_needed(effect: Effect) -> str | None:
    """How many more isolated links it takes to the next status; None where it is not about links."""
    have = min(effect.event_count, effect.treated_page_count)
    if effect.status == "exploratory":
        return f"{count_of(max(1, ESTIMATE_EVENTS - have), 'more isolated link')} for an estimate"
    needed = effect.needed_event_count if effect.needed_event_count is not None else SAMPLE_EVENTS - have
    return f"{count_of(needed, 'more isolated link')} for a first interval" if needed > 0 else None


def _refuse(effect: Effect) -> tuple[str, tuple[str, ...]]:
    lead = f"Not enough data: {_say_counts(effect).rstrip('.')}"
    needed = say_needed(effect)
    details = []
    if needed:
        lead += f"; it takes {needed}."
    elif effect.control_count < LEAST_CONTROLS * effect.cell_count or effect.reason == "too_few_controls":
        mean = effect.control_count / effect.cell_count if effect.cell_count else 0
        lead += f"; a link has {mean:.1f} pages to be compared with, on average, and {LEAST_CONTROLS} are needed."
    else:
        lead += f"; {say_reason(effect.reason or 'unmeasured')}."
    details += [*_say_way(effect), *_say_detectable(effect)]
    return lead, tuple(details)


def _say_lead(effect: Effect, shown: Shown) -> str:
    measure, interval = measure_of(effect.outcome), shown.widest or (0.0, 0.0)
    if holds_zero(interval):
        return f"of these links {say_distinguishable(measure, interval)}."
    subject = "positions" if measure.is_less_better else measure.title
    figure = measure.say(shown.estimate) if shown.estimate is not None else measure.say_between(*interval)
    arm = THESE_ARMS.get(effect.arm) or plain(effect.arm)
    what = f"{arm}, their pages' {subject} were {figure} on average"
    return f"{_say_when(effect)} {what}, compared with similar pages without one."


def _say_another(effect: Effect, shown: Shown) -> str:
    """Links differ, so that the next one is less certain than the mean of those that were judged."""
    if shown.another is None:
        needed = max(1, LEAST_EVENTS - min(effect.event_count, effect.treated_page_count))
        return f"What another such link may do cannot be said yet: it takes {count_of(needed, 'more isolated link')}."
    return f"Another such link: {measure_of(effect.outcome).say_between(*shown.another)}."


def _say_when(effect: Effect) -> str:
    if effect.window_name == "headline":
        return "in the fourth and fifth week after"
    return f"{effect.begin_day} to {effect.end_day} days after"


def _say_figures(effect: Effect, shown: Shown) -> list[str]:
    measure, said = measure_of(effect.outcome), []
    if shown.estimate is not None:
        point = (shown.estimate, shown.estimate)
        if shown.widest and holds_zero(shown.widest):
            said.append(f"Best single figure: {_with_places(effect, measure.say(shown.estimate), point)}.")
        elif places := say_at_baseline(effect, point):
            said.append(f"In places: {places}.")
    if shown.honest:
        said.append(
            f"Honest interval of these links: {_with_places(effect, measure.say_between(*shown.honest), shown.honest)}."
        )
    if shown.interval:
        said.append(f"Plain 95 % interval: {measure.say_between(*shown.interval)}; it trusts the comparison fully.")
    return said


def _with_places(effect: Effect, said: str, values: Interval) -> str:
    places = say_at_baseline(effect, values)
    return f"{said} ({places})" if places else said


def _say_counts(effect: Effect) -> str:
    links = count_of(effect.event_count, "isolated link")
    pages = count_of(effect.treated_page_count, "page")
    controls = count_of(effect.control_count, "comparison")
    needed = f"; it takes {say_needed(effect)}" if effect.status == "exploratory" else ""
    return f"{links} on {pages}, {controls} with pages of the same topic{needed}."


def _say_way(effect: Effect) -> list[str]:
    """How far a property is on the way to an estimate: links that can be judged, of those that there were."""
    found = effect.event_count + sum((effect.dropped_events or {}).values())
    if effect.status == "estimate" or found == effect.event_count:
        return []
    has_own = effect.event_count >= SAMPLE_EVENTS
    share = effect.event_count / found if has_own else USUAL_SHARE
    needed = 10 * math.ceil(ESTIMATE_EVENTS / share / 10)
    rule = "at this rate" if has_own else "as a rule one of three can be, so that"
    return [
        f"Of {count_of(found, 'link event')} of this kind {effect.event_count:,} can be judged; "
        f"{rule} an estimate takes some {needed:,} in all."
    ]


def _say_detectable(effect: Effect) -> list[str]:
    size, measure = finite(effect.smallest_detectable_effect), measure_of(effect.outcome)
    if size is None:
        return []
    said = measure.say(-abs(size) if measure.is_less_better else abs(size))
    return [f"The smallest effect that this many links can show (in four of five cases): {said}."]


def _say_difference(effect: Effect, measure: Measure) -> list[str]:
    interval = interval_of(effect.followed_minus_nofollow_low, effect.followed_minus_nofollow_high)
    if interval is None:
        return []
    said = measure.say_between(*interval)
    if holds_zero(interval):
        return [f"Followed minus nofollow links: no difference distinguishable; it lies {said}."]
    value = finite(effect.followed_minus_nofollow)
    if value is None or effect.status != "estimate":
        return [f"Followed minus nofollow links: {said}."]
    return [f"Followed minus nofollow links: {measure.say(value)}; it lies {said}."]
