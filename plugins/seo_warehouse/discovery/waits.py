"""How long pages wait, from ends that are known to lie between two looks: hazards by day, by EM.

Turnbull 1976 (JRSS B 38) for ends in an interval, with delayed entry; cause-specific hazards for what ends a wait
otherwise (Aalen & Johansen 1978). Where every end is known to the day it is Kaplan and Meier's estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

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
    """By day from 0, each (D,): expected pages at risk, events and other ends among them. Of B estimates (D, B)."""

    at_risk: Floats
    events: Floats
    gone: Floats

    @property
    def waiting(self) -> Floats:
        """Share that waits still at each day's end."""
        return np.cumprod(1 - _ratio(self.events + self.gone, self.at_risk), axis=0, dtype=np.float64)

    @property
    def share(self) -> Floats:
        """Share whose event came by each day's end."""
        return self._ended(self.events)

    @property
    def gone_share(self) -> Floats:
        """Share whose wait ended otherwise by each day's end."""
        return self._ended(self.gone)

    def _ended(self, ends: Floats) -> Floats:
        return np.cumsum(_before(self.waiting) * _ratio(ends, self.at_risk), axis=0, dtype=np.float64)


def estimate_hazards(
    waits: Waits, weight: Floats | None = None, start: Hazards | None = None, close_enough: float = CLOSE_ENOUGH
) -> Hazards:
    """Hazards that make what was seen most likely. `weight` (N,): how often each page counts; `start`: where to begin.

    Each step costs as much as there are distinct intervals and days, however many pages have them. Every third step is
    extrapolated from the two before (Varadhan & Roland 2008, scheme SqS3), where that makes what was seen more likely.
    Weights (N, B) give B estimates, each as it would be alone: their steps are taken together.
    """
    counts = np.ones(waits.after.size) if weight is None else weight
    problem = _problem(waits, counts[:, None] if counts.ndim == 1 else counts)
    ends = [cause.spread_alike() for cause in problem.causes]
    if start is not None:
        # What the start holds for impossible must stay possible.
        begun = {EVENT: start.events, GONE: start.gone}
        ends = [0.9 * begun[cause.kind][:, None] + 0.1 * end for cause, end in zip(problem.causes, ends, strict=True)]
    if any(cause.after.size for cause in problem.causes):
        ends = list(_likeliest(problem, np.stack(ends), close_enough))
    told = dict.fromkeys((EVENT, GONE), np.zeros_like(problem.present))
    told |= {cause.kind: end for cause, end in zip(problem.causes, ends, strict=True)}
    found = (problem.at_risk(sum(ends, np.zeros_like(problem.present))), told[EVENT], told[GONE])
    return Hazards(*(each if counts.ndim > 1 else each[:, 0] for each in found))


def _likeliest(problem: _Problem, ends: Floats, close_enough: float) -> Floats:
    """The expected ends (C, D, B) to which steps lead from others. An estimate that has settled takes no more."""
    found = np.array(ends)
    places = np.arange(ends.shape[2])
    here = problem.chances(ends)
    for _ in range(MOST_STEPS):
        once = problem.spread(here)
        on_way = problem.chances(once)
        twice = problem.spread(on_way)
        there = problem.chances(twice)
        found[:, :, places] = twice
        is_open = problem.apart(there, on_way) >= close_enough
        if not is_open.any():
            break
        best = problem.likelihood(there)
        if not is_open.all():
            problem, places, best = problem.only(is_open), places[is_open], best[is_open]
            ends, once, twice = (each[:, :, is_open] for each in (ends, once, twice))
        ends = problem.spread(problem.chances(_further(ends, once, twice)))
        here = problem.chances(ends)
        is_worse = problem.likelihood(here) < best
        if is_worse.any():
            ends = np.where(is_worse, twice, ends)
            here = problem.chances(ends)
    return found


def _further(ends: Floats, once: Floats, twice: Floats) -> Floats:
    """Where a step and the next one seem to lead."""
    step = once - ends
    bend = twice - once - step
    sizes, bends = (np.sqrt(_total((each**2).reshape(-1, each.shape[-1]))) for each in (step, bend))
    length = np.maximum(np.divide(sizes, bends, out=np.ones_like(bends), where=bends > 0), 1.0)
    guess = ends + 2 * length * step + length**2 * bend
    return np.where(guess > 0, guess, twice)


@dataclass(frozen=True)
class _Chances:
    """How likely what was seen is. Of each cause its ends by day (D, B), those from each day on (D + 1, B), and in each
    of its wider intervals (I, B); and waiting still at each day's end (D, B).
    """

    daily: Sequence[Floats]
    since: Sequence[Floats]
    intervals: Sequence[Floats]
    waiting: Floats


@dataclass(frozen=True)
class _Ends:
    """Ends of one cause: known to the day, (D, B); and distinct wider intervals, (I,), with their weights, (I, B).

    covers   (D, I) 1 on the first day of an interval, -1 on the first after it
    """

    kind: int
    known: Floats
    after: Ints
    by: Ints
    weight: Floats
    covers: sparse.csr_array

    @property
    def is_any(self) -> Flags:
        """Whether any page ended so, (B,)."""
        return np.asarray(self.known.any(axis=0) | self.weight.any(axis=0))

    def only(self, chosen: Flags) -> _Ends:
        """Those of some of the problems."""
        return replace(self, known=self.known[:, chosen], weight=self.weight[:, chosen])

    def chances(self, daily: Floats) -> tuple[Floats, Floats]:
        """How likely an end from each day on is, (D + 1, B), and one in each wider interval, (I, B).

        Summed from the last day: where nearly all ended before, what is left is small beside what went.
        """
        since = np.zeros((daily.shape[0] + 1, daily.shape[1]))
        np.cumsum(daily[::-1], axis=0, out=since[-2::-1])
        return since, np.maximum(since[self.after + 1] - since[self.by + 1], LEAST_LIKELY)

    def spread_alike(self) -> Floats:
        """Expected ends by day (D, B) where each day of an interval is as likely, and no day that is in none."""
        each = (np.cumsum(self.covers @ np.sign(self.weight), axis=0) > 0).astype(np.float64)
        return self.spread(each, self.chances(each)[1])

    def spread(self, daily: Floats, likely: Floats) -> Floats:
        """Expected ends by day (D, B)."""
        cover = np.cumsum(self.covers @ (self.weight / likely), axis=0)
        return np.asarray(self.known + daily * cover, dtype=np.float64)

    def likelihood(self, daily: Floats, likely: Floats) -> Floats:
        """Logarithm of how likely these ends are, (B,)."""
        days = np.flatnonzero(self.known.any(axis=1))
        known = self.known[days] * np.log(np.maximum(daily[days], np.finfo(np.float64).tiny))
        return _total(known) + _total(self.weight * np.log(likely))


@dataclass(frozen=True)
class _Problem:
    """What was seen, counted by day, B times over.

    present   (D, B) pages at risk on a day had none ended
    causes    ends of the C causes that there are, events first
    entered, waiting   (D, B) pages that were entered after a day's end; that were last seen waiting at it
    """

    present: Floats
    causes: tuple[_Ends, ...]
    entered: Floats
    waiting: Floats

    def only(self, chosen: Flags) -> _Problem:
        """Some of the B."""
        present, entered, waiting = (each[:, chosen] for each in (self.present, self.entered, self.waiting))
        return _Problem(present, tuple(cause.only(chosen) for cause in self.causes), entered, waiting)

    def at_risk(self, every: Floats) -> Floats:
        """Pages at risk on each day (D, B) of expected ends of all causes."""
        return self.present - (np.cumsum(every, axis=0) - every)

    def spread(self, chances: _Chances) -> Floats:
        """Expected ends (C, D, B) where this is how likely they are: one step of the EM."""
        each = zip(self.causes, chances.daily, chances.intervals, strict=True)
        return np.stack([cause.spread(daily, likely) for cause, daily, likely in each])

    def apart(self, one: _Chances, other: _Chances) -> Floats:
        """How far shares whose event came lie apart at most, (B,); where none came, shares that ended otherwise."""
        apart = [np.abs(ours - theirs).max(axis=0) for ours, theirs in zip(one.since, other.since, strict=True)]
        # Events come first.
        return np.asarray(np.where(self.causes[0].is_any, apart[0], apart[-1]), dtype=np.float64)

    def likelihood(self, chances: _Chances) -> Floats:
        """Logarithm of how likely what was seen is, but for a constant, (B,)."""
        each = zip(self.causes, chances.daily, chances.intervals, strict=True)
        ended = sum(cause.likelihood(daily, likely) for cause, daily, likely in each)
        waited = _total((self.waiting - self.entered) * np.log(chances.waiting))
        return np.asarray(ended + waited, dtype=np.float64)

    def chances(self, ends: Floats) -> _Chances:
        """How likely everything is where these ends (C, D, B) are expected."""
        at_risk = self.at_risk(ends.sum(axis=0))
        hazards = [_ratio(each, at_risk) for each in ends]
        survival = np.cumprod(np.maximum(1 - np.sum(hazards, axis=0), LEAST_SURVIVAL), axis=0, dtype=np.float64)
        survival = np.maximum(survival, np.finfo(np.float64).tiny)
        before = _before(survival)
        daily = [hazard * before for hazard in hazards]
        told = [cause.chances(each) for cause, each in zip(self.causes, daily, strict=True)]
        return _Chances(daily, [since for since, _ in told], [likely for _, likely in told], survival)


def _problem(waits: Waits, counts: Floats) -> _Problem:
    """`counts` (N, B): how often each page counts in each of B problems."""
    days = waits.day_count
    is_waiting = waits.ending == WAITING
    # Index 0 is the day before the first.
    entered = sum_groups(waits.entered + 1, days + 1) @ counts
    leaves = sum_groups(waits.after[is_waiting] + 1, days + 1) @ counts[is_waiting]
    return _Problem(
        present=np.cumsum(entered - leaves, axis=0)[:days],
        causes=tuple(_ends(waits, kind, counts, days) for kind in (EVENT, GONE) if np.any(waits.ending == kind)),
        entered=entered[1:],
        waiting=leaves[1:],
    )


def _ends(waits: Waits, kind: int, counts: Floats, days: int) -> _Ends:
    chosen = waits.ending == kind
    after, by, weight = waits.after[chosen], waits.by[chosen], counts[chosen]
    is_known = by == after + 1
    intervals, place = np.unique(after[~is_known] * (days + 1) + by[~is_known], return_inverse=True)
    first, last = intervals // (days + 1), intervals % (days + 1)
    return _Ends(
        kind=kind,
        known=sum_groups(by[is_known], days) @ weight[is_known],
        after=first,
        by=last,
        weight=sum_groups(place, intervals.size) @ weight[~is_known],
        covers=(sum_groups(first + 1, days + 1) - sum_groups(last + 1, days + 1))[:days],
    )


def sum_groups(group: Ints, count: int) -> sparse.csr_array:
    """What sums rows by their group: (count, N)."""
    return sparse.csr_array((np.ones(group.size), (group, np.arange(group.size))), shape=(count, group.size))


def _total(values: Floats) -> Floats:
    """The sum of each column, one by one from the top: numpy sums a column that is alone in another order.

    Where what was seen leaves open on which of several days an end lies, the last digit decides where steps lead.
    """
    if not len(values):
        return np.zeros(values.shape[1])
    return np.asarray(np.cumsum(values, axis=0)[-1], dtype=np.float64)


def _before(shares: Floats) -> Floats:
    """Shares at each day's end as they are at its beginning."""
    return np.concatenate([np.ones_like(shares[:1]), shares[:-1]])


def _ratio(ends: Floats, at_risk: Floats) -> Floats:
    """Ends among those at risk, at most 1."""
    ratio = np.divide(ends, at_risk, out=np.zeros_like(ends), where=at_risk > 1e-9)
    return np.minimum(ratio, 1.0)
