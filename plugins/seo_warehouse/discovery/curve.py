"""A curve of waits as it may be shown: share by day with its interval, where it stops, its median, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seo_warehouse.discovery.waits import EVENT, GONE, Floats, Hazards, Waits, estimate_hazards

LAST_DAY = 180
LEAST_PAGES = 20
LEAST_EVENTS = 5
LEAST_AT_RISK = 10
OPEN = 0.01
"""Pages that steps which have come close enough may still move."""
DRAWS = 200
SEED = 19_760_401
"""Fixed, so that the same waits give the same interval."""
Z = 1.959963984540054
DRAW_CLOSE_ENOUGH = 1e-5
"""A tenth of a thousandth of what draws differ by."""
DRAWN_TOGETHER = 1 << 22
"""Pages, counted once for each draw, of draws that are estimated at once."""


@dataclass(frozen=True)
class Median:
    """Day by which half of the pages had their event, and the days by which the interval's bounds reach a half."""

    day: int
    low: int
    high: int


@dataclass(frozen=True)
class Curve:
    """Waits by day from 0, each (D,), as far as enough pages are at risk; D is 0 where nothing may be shown.

    lower, upper   of 95 %; not a number where less than half a page is expected to have ended
    event_count    expected events by the day's end
    median         None where the curve or its lower bound stays below a half
    status         estimate, or not_enough_data with its reason
    """

    share: Floats
    lower: Floats
    upper: Floats
    at_risk: Floats
    event_count: Floats
    gone_share: Floats
    median: Median | None
    page_count: int
    page_event_count: int
    page_gone_count: int
    status: str
    reason: str | None


def draw_curve(waits: Waits, draws: int = DRAWS, seed: int = SEED, last_day: int = LAST_DAY) -> Curve:
    """The curve of these pages. `draws`: how often pages are drawn anew where the interval is not Greenwood's."""
    found = estimate_hazards(waits)
    days = _shown_days(found, last_day)
    events = int(np.sum(waits.ending == EVENT))
    reason = _refusal(waits.after.size, events, days)
    if reason is not None:
        days = 0
    error = _error(waits, found, days, draws, seed)
    share = found.share[:days]
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.log(-np.log1p(-share))
        bounds = [-np.expm1(-np.exp(middle + sign * Z * error)) for sign in (-1, 1)]
    is_inside = (share >= 0.5 / max(waits.after.size, 1)) & (share < 1)
    lower, upper = (np.where(is_inside, bound, np.nan) for bound in bounds)
    return Curve(
        share=share,
        lower=lower,
        upper=upper,
        at_risk=found.at_risk[:days],
        event_count=np.cumsum(found.events)[:days],
        gone_share=found.gone_share[:days],
        median=_median(share, lower, upper),
        page_count=int(waits.after.size),
        page_event_count=events,
        page_gone_count=int(np.sum(waits.ending == GONE)),
        status="estimate" if reason is None else "not_enough_data",
        reason=reason,
    )


def _refusal(pages: int, events: int, days: int) -> str | None:
    if pages < LEAST_PAGES:
        return "too_few_pages"
    if events < LEAST_EVENTS:
        return "too_few_events"
    return None if days else "too_few_at_risk"


def _shown_days(found: Hazards, last_day: int) -> int:
    """Days before the first on which too few are at risk."""
    is_few = np.append(found.at_risk[: last_day + 1] < LEAST_AT_RISK - OPEN, True)
    return int(np.argmax(is_few))


def _error(waits: Waits, found: Hazards, days: int, draws: int, seed: int) -> Floats:
    """Standard error of log(-log(1 - share)) by day."""
    if not days:
        return np.empty(0)
    if waits.is_exact and not np.any(waits.ending == GONE):
        return _greenwood(found, days)
    return _drawn_error(waits, found, days, draws, seed)


def _greenwood(found: Hazards, days: int) -> Floats:
    events, at_risk = found.events[:days], found.at_risk[:days]
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(np.cumsum(events / (at_risk * (at_risk - events)))) / -np.log(found.waiting[:days])
    return np.asarray(error, dtype=np.float64)


def _drawn_error(waits: Waits, found: Hazards, days: int, draws: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    pages = waits.after.size
    edge = 0.5 / pages
    values = []
    for first in range(0, draws, _together(pages)):
        count = min(_together(pages), draws - first)
        drawn = [np.bincount(rng.integers(pages, size=pages), minlength=pages) for _ in range(count)]
        weight = np.stack(drawn, axis=1, dtype=np.float64)
        share = estimate_hazards(waits, weight, start=found, close_enough=DRAW_CLOSE_ENOUGH).share[:days]
        # A draw without an event by a day has none of less than half a page.
        values.append(np.log(-np.log1p(-np.clip(share, edge, 1 - edge))))
    return np.asarray(np.concatenate(values, axis=1).std(axis=1, ddof=1), dtype=np.float64)


def _together(pages: int) -> int:
    """How many draws are estimated at once: as many as 32 MiB hold."""
    return max(DRAWN_TOGETHER // pages, 1)


def _median(share: Floats, lower: Floats, upper: Floats) -> Median | None:
    days = [_first(bound) for bound in (share, upper, lower)]
    if days[0] is None or days[1] is None or days[2] is None:
        return None
    return Median(day=days[0], low=days[1], high=days[2])


def _first(bound: Floats) -> int | None:
    """The first day on which a half is reached."""
    reached = np.flatnonzero(bound >= 0.5)
    return int(reached[0]) if reached.size else None
