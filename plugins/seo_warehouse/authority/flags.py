"""Flags on the links of a property that count: what happened that chance would bring about once in a thousand.

None says harm: a week in which many new domains link may be a success. How often each is raised where links come as
they always did is in `FALSE_ALARM_RATES`, measured by benchmarks/link_flags.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, hypergeom, nbinom, poisson

LEVEL = 0.001
NETWORK_LEVEL = 0.01
"""Of a portfolio: over all of its windows and networks."""
RULE_VERSION = 1
WEEKS_BEFORE = 26
LEAST_KNOWN = 30
"""Domains whose words are known, below which nothing is said of their words."""
USUAL_EXACT_SHARE = 0.1
"""Domains that link with a keyword as it is; more of them are looked at."""
WINDOW_DAYS = 14
LEAST_OF_NETWORK = 4
VELOCITY, EXACT_ANCHORS, NETWORK_BURST = "velocity", "exact_anchor_share", "network_burst"
FALSE_ALARM_RATES = {VELOCITY: 0.005, EXACT_ANCHORS: 0.013, NETWORK_BURST: 0.01}
"""Of weeks, and of portfolios: the largest of portfolios of 60, 200 and 800 domains."""


@dataclass(frozen=True)
class Week:
    """The domains whose first link came in the week that begins on `day`; `link_keys` are some of these links."""

    day: date
    domain_count: int
    link_keys: tuple[int, ...] = ()


@dataclass(frozen=True)
class Arrival:
    """A domain whose first link came on `day`; `network`: where it stands, None where many stand, or nobody knows."""

    day: date
    network: str | None
    link_key: int = 0


@dataclass(frozen=True)
class Flag:
    """What was counted, what is usual, and how likely so many would be if all were as usual.

    `subject`: the network that it is of; empty of the whole portfolio.
    """

    name: str
    first_day: date
    last_day: date
    counted: int
    expected: float
    p_value: float
    link_keys: tuple[int, ...]
    subject: str = ""


def flag_weeks(weeks: Sequence[Week]) -> Iterator[Flag]:
    """Weeks, of which none is left out, with more new domains than the 26 before would have it."""
    for number in range(WEEKS_BEFORE, len(weeks)):
        week = weeks[number]
        before = [earlier.domain_count for earlier in weeks[number - WEEKS_BEFORE : number]]
        p = chance_of_week(week.domain_count, before)
        if p < LEVEL:
            last_day = week.day + timedelta(days=6)
            yield Flag(VELOCITY, week.day, last_day, week.domain_count, float(np.mean(before)), p, week.link_keys)


def flag_words(day: date, exact: int, known: int, link_keys: Sequence[int]) -> Iterator[Flag]:
    """Domains that link with a keyword as it is, where they are too many of those whose words are known."""
    p = chance_of_words(exact, known)
    if p < LEVEL:
        yield Flag(EXACT_ANCHORS, day, day, exact, USUAL_EXACT_SHARE * known, p, tuple(link_keys))


def flag_networks(arrivals: Sequence[Arrival]) -> Iterator[Flag]:
    """Networks of which so many domains came within 14 days as chance hardly brings together; of each its best windows.

    Windows are those that begin on a day on which any domain came, so that which of these are of a network is all that
    is drawn: hypergeometric, given the portfolio's own days. p is that of the window times all that were looked at.
    """
    days = np.sort([arrival.day.toordinal() for arrival in arrivals])
    members: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        if arrival.network is not None:
            members.setdefault(arrival.network, []).append(arrival)
    large = {name: those for name, those in sorted(members.items()) if len(those) >= LEAST_OF_NETWORK}
    starts = np.unique(days)
    came = _within(days, starts)
    for network, those in large.items():
        own = np.sort([arrival.day.toordinal() for arrival in those])
        counts = _within(own, starts)
        chances = hypergeom.sf(counts - 1, days.size, own.size, came) * starts.size * len(large)
        enough = (counts >= LEAST_OF_NETWORK) & (chances < NETWORK_LEVEL)
        taken: list[int] = []
        for at in sorted(np.flatnonzero(enough), key=lambda at: (chances[at], starts[at])):
            if all(abs(starts[at] - other) >= WINDOW_DAYS for other in taken):
                taken.append(starts[at])
                window = [one for one in those if 0 <= one.day.toordinal() - starts[at] < WINDOW_DAYS]
                first, last = min(one.day for one in window), max(one.day for one in window)
                expected = float(came[at]) * own.size / days.size
                keys = tuple(sorted(one.link_key for one in window))
                yield Flag(NETWORK_BURST, first, last, len(window), expected, float(chances[at]), keys, network)


def _within(days: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many of sorted days lie in the window that begins on each start."""
    return np.searchsorted(days, starts + WINDOW_DAYS) - np.searchsorted(days, starts)


def chance_of_week(count: int, before: Sequence[int]) -> float:
    """How likely a week has so many, or more, after weeks with so many: negative binomial, since weeks vary.

    The variance is that of a new week, whose mean is known from these weeks alone.
    """
    mean = float(np.mean(before))
    variance = float(np.var(before, ddof=1)) * (1 + 1 / len(before))
    if variance <= mean:
        return float(poisson.sf(count - 1, mean)) if count else 1.0
    p = mean / variance
    return float(nbinom.sf(count - 1, mean * p / (1 - p), p))


def chance_of_words(exact: int, known: int) -> float:
    """How likely so many of those known, or more, are exact where a tenth is usual; 1 where too few are known."""
    return float(binom.sf(exact - 1, known, USUAL_EXACT_SHARE)) if known >= LEAST_KNOWN else 1.0
