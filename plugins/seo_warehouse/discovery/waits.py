"""How long pages wait, from ends that are known to lie between two looks: hazards by day, by EM.

Turnbull 1976 (JRSS B 38) for ends in an interval, with delayed entry; cause-specific hazards for what ends a wait
otherwise (Aalen & Johansen 1978). Where every end is known to the day it is Kaplan and Meier's estimate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WAITING, EVENT, GONE = 0, 1, 2
"""How a wait ended: not yet, by what was waited for, or otherwise."""
CLOSE_ENOUGH = 1e-9
MOST_STEPS = 2_000
LEAST_LIKELY = 1e-200
LEAST_SURVIVAL = 1e-6
"""Of a day on which all at risk end; without it nothing later could be spread over days."""


@dataclass(frozen=True)
class Waits:
    """Pages and their waits in days since the clock began, each (N,); day 0 is the clock's own.

    entered     a page is at risk from the day after; -1: from the beginning. Never later than `after`
    after, by   the end lies in (after, by]; who waits still was last seen waiting on `after`, and `by` says nothing
    ending      WAITING, EVENT or GONE
    """

    entered: Ints
    after: Ints
    by: Ints
    ending: Ints

    def __post_init__(self) -> None:
        """Refuse waits that end before they are watched, or nowhere."""
        ended = self.ending != WAITING
        if np.any(self.entered < -1) or np.any(self.entered > self.after) or np.any((self.by <= self.after) & ended):
            raise ValueError("a wait ends after it was last seen, and is seen after it was entered, on day -1 or later")

    @property
    def is_exact(self) -> bool:
        """Whether every end is known to the day."""
        ended = self.ending != WAITING
        return bool(np.all(self.by[ended] == self.after[ended] + 1))

    @property
    def day_count(self) -> int:
        """Days from 0 to the last of which anything is known."""
        last = np.where(self.ending == WAITING, self.after, self.by)
        return int(last.max(initial=-1)) + 1


@dataclass(frozen=True)
class Hazards:
    """By day from 0, each (D,): expected pages at risk, events and other ends among them."""

    at_risk: Floats
    events: Floats
    gone: Floats

    @property
    def waiting(self) -> Floats:
        """Share that waits still at each day's end."""
        return np.cumprod(1 - _ratio(self.events + self.gone, self.at_risk), dtype=np.float64)

    @property
    def share(self) -> Floats:
        """Share whose event came by each day's end."""
        return self._ended(self.events)

    @property
    def gone_share(self) -> Floats:
        """Share whose wait ended otherwise by each day's end."""
        return self._ended(self.gone)

    def _ended(self, ends: Floats) -> Floats:
        waiting_before = np.concatenate([[1.0], self.waiting])[:-1]
        return np.cumsum(waiting_before * _ratio(ends, self.at_risk), dtype=np.float64)


@dataclass(frozen=True)
class _Ends:
    """Ends of one cause: known to the day, (D,); and distinct wider intervals with their weights, each (I,)."""

    known: Floats
    after: Ints
    by: Ints
    weight: Floats

    def spread(self, daily: Floats) -> Floats:
        """Expected ends by day (D,), where `daily` is how likely each day is."""
        if not self.after.size:
            return self.known
        days = daily.size
        density = self.weight / self._likely(daily)
        cover = np.bincount(self.after + 1, density, days + 1) - np.bincount(self.by + 1, density, days + 1)
        return np.asarray(self.known + daily * np.cumsum(cover)[:days], dtype=np.float64)

    def likelihood(self, daily: Floats) -> float:
        """Logarithm of how likely these ends are."""
        tiny = np.finfo(np.float64).tiny
        return float(self.known @ np.log(np.maximum(daily, tiny)) + self.weight @ np.log(self._likely(daily)))

    def _likely(self, daily: Floats) -> Floats:
        until = np.concatenate([[0.0], np.cumsum(daily)])
        likely: Floats = np.maximum(until[self.by + 1] - until[self.after + 1], LEAST_LIKELY)
        return likely


def estimate_hazards(
    waits: Waits, weight: Floats | None = None, start: Hazards | None = None, close_enough: float = CLOSE_ENOUGH
) -> Hazards:
    """Hazards that make what was seen most likely. `weight` (N,): how often each page counts; `start`: where to begin.

    Each step costs as much as there are distinct intervals and days, however many pages have them. Every third step is
    extrapolated from the two before (Varadhan & Roland 2008, scheme SqS3), where that makes what was seen more likely.
    """
    problem = _problem(waits, np.ones(waits.after.size) if weight is None else weight)
    ends = problem.spread(np.full((2, problem.days), 1 / max(problem.days, 1)))
    if start is not None:
        # What the start holds for impossible must stay possible.
        ends = 0.9 * np.stack([start.events, start.gone]) + 0.1 * ends
    if not any(cause.after.size for cause in problem.causes):
        return problem.hazards(ends)
    for _ in range(MOST_STEPS):
        once = problem.step(ends)
        twice = problem.step(once)
        if np.abs(problem.hazards(twice).share - problem.hazards(once).share).max(initial=0.0) < close_enough:
            break
        ends = problem.step(_further(ends, once, twice))
        if problem.likelihood(ends) < problem.likelihood(twice):
            ends = twice
    return problem.hazards(twice)


def _further(ends: Floats, once: Floats, twice: Floats) -> Floats:
    """Where a step and the next one seem to lead."""
    step = once - ends
    bend = twice - once - step
    size = float(np.linalg.norm(bend))
    if not size:
        return twice
    length = max(float(np.linalg.norm(step)) / size, 1.0)
    guess = ends + 2 * length * step + length**2 * bend
    return np.where(guess > 0, guess, twice)


@dataclass(frozen=True)
class _Problem:
    """What was seen, counted by day.

    present   (D,) pages at risk on a day had none ended
    causes    ends of both causes
    entered, waiting   (D,) pages that were entered after a day's end; that were last seen waiting at it
    """

    present: Floats
    causes: tuple[_Ends, _Ends]
    entered: Floats
    waiting: Floats

    @property
    def days(self) -> int:
        return self.present.size

    def hazards(self, ends: Floats) -> Hazards:
        """Of expected ends (2, D)."""
        every = ends.sum(axis=0)
        return Hazards(self.present - (np.cumsum(every) - every), ends[0], ends[1])

    def spread(self, daily: Floats) -> Floats:
        """Expected ends (2, D) where `daily` is how likely each is."""
        return np.stack([cause.spread(likely) for cause, likely in zip(self.causes, daily, strict=True)])

    def step(self, ends: Floats) -> Floats:
        """One step of the EM."""
        return self.spread(self._daily(ends)[0])

    def likelihood(self, ends: Floats) -> float:
        """Logarithm of how likely what was seen is, but for a constant."""
        daily, survival = self._daily(ends)
        ended = sum(cause.likelihood(likely) for cause, likely in zip(self.causes, daily, strict=True))
        return ended + float((self.waiting - self.entered) @ np.log(survival))

    def _daily(self, ends: Floats) -> tuple[Floats, Floats]:
        """How likely each end (2, D) is, and waiting still at each day's end (D,)."""
        found = self.hazards(ends)
        hazards = np.stack([_ratio(each, found.at_risk) for each in (found.events, found.gone)])
        survival = np.cumprod(np.maximum(1 - hazards.sum(axis=0), LEAST_SURVIVAL))
        survival = np.maximum(survival, np.finfo(np.float64).tiny)
        return hazards * np.concatenate([[1.0], survival[:-1]]), survival


def _problem(waits: Waits, counts: Floats) -> _Problem:
    days = waits.day_count
    waiting = waits.ending == WAITING
    # Index 0 is the day before the first.
    entered = np.bincount(waits.entered + 1, counts, days + 1).astype(np.float64)
    leaves = np.bincount(waits.after[waiting] + 1, counts[waiting], days + 1).astype(np.float64)
    return _Problem(
        present=np.cumsum(entered - leaves)[:days],
        causes=(_ends(waits, EVENT, counts, days), _ends(waits, GONE, counts, days)),
        entered=entered[1:],
        waiting=leaves[1:],
    )


def _ends(waits: Waits, cause: int, counts: Floats, days: int) -> _Ends:
    chosen = (waits.ending == cause) & (counts > 0)
    after, by, weight = waits.after[chosen], waits.by[chosen], counts[chosen]
    is_known = by == after + 1
    intervals, place = np.unique(after[~is_known] * (days + 1) + by[~is_known], return_inverse=True)
    return _Ends(
        known=np.bincount(by[is_known], weight[is_known], days).astype(np.float64),
        after=intervals // (days + 1),
        by=intervals % (days + 1),
        weight=np.bincount(place, weight[~is_known], intervals.size).astype(np.float64),
    )


def _ratio(ends: Floats, at_risk: Floats) -> Floats:
    """Ends among those at risk, at most 1."""
    ratio = np.divide(ends, at_risk, out=np.zeros_like(ends), where=at_risk > 1e-9)
    return np.minimum(ratio, 1.0)
