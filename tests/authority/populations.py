"""Portfolios of links that nobody meddled with, and what is done to them; visits to links that live for ever."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from numpy.random import Generator

from seo_warehouse.authority.flags import Arrival
from seo_warehouse.authority.risk import Lives, Living

WEEKS = 104
VIRAL_SHARE = 0.3
"""Of portfolios that have a week in which several times as many domains link as usual, for a good reason."""
ANCHORS = ("brand", "url", "generic", "partial", "exact")
USUAL_MIX = np.array([0.42, 0.25, 0.2, 0.08, 0.05])
SHAPE, SCALE = 0.6, 900.0
"""Lives by Weibull, in days: most that die do so early."""
DAYS_WATCHED, DAYS_AHEAD = 500, 90
OLDEST = 400
"""Days beyond which too few are watched."""
NOISE, OUTAGES_A_YEAR, OUTAGE_DAYS = 0.005, 0.6, (2.5, 15.0)
"""Of visits to links that live: how many see nothing, how often a site is away, and how long, one in ten the longer."""
ROTATING_SHARE, SHOWN_SHARE = 0.03, 0.7
CONFIRMING, OF_ROTATING = (2, 5), (1, 3, 7, 7, 14)
"""Days from each miss to the next visit, as plan_link_check has them."""


@dataclass(frozen=True)
class Portfolio:
    """New domains week by week, whether one of the weeks was viral, how many link with a keyword as it is, and on
    which day and in which network each domain came.
    """

    weeks: list[int]
    is_viral: bool
    exact: int
    days: list[int]
    networks: list[int]

    @property
    def size(self) -> int:
        return sum(self.weeks)


def draw_portfolio(rng: Generator, domains: int) -> Portfolio:
    """About so many domains in two years: weeks vary by a factor, and portfolios by the mix of their anchors."""
    rates = domains / WEEKS * rng.gamma(4.0, 1 / 4.0, WEEKS)
    is_viral = bool(rng.random() < VIRAL_SHARE)
    if is_viral:
        rates[rng.integers(WEEKS)] *= rng.uniform(3, 8)
    weeks = [int(count) for count in rng.poisson(rates)]
    mix = rng.dirichlet(60 * USUAL_MIX)
    exact = int(rng.binomial(sum(weeks), mix[ANCHORS.index("exact")]))
    days = [7 * week + int(day) for week, count in enumerate(weeks) for day in rng.integers(7, size=count)]
    # Hosting is concentrated as words are: the second network has half as many as the first.
    sizes = 1 / np.arange(1, domains + 1)
    networks = rng.choice(domains, len(days), p=sizes / sizes.sum())
    return Portfolio(weeks, is_viral, exact, days, networks.tolist())


def network_arrivals(portfolio: Portfolio, planted: Sequence[int] = ()) -> list[Arrival]:
    """The domains of a portfolio as they came, beside those of one network on days of somebody's choice."""
    came = [(day, str(name)) for day, name in zip(portfolio.days, portfolio.networks, strict=True)]
    came += [(day, "planted") for day in planted]
    return [Arrival(date(2024, 1, 1) + timedelta(days=day), name, number) for number, (day, name) in enumerate(came)]


def draw_world(key: int, domains: int, links: int, shared: float) -> tuple[Lives, Living, int]:
    """Links of domains of unequal size, and how many go within 90 days; a share of them goes when its domain does."""
    rng = np.random.default_rng(key)
    weights = rng.gamma(0.5, size=domains)
    domain = rng.choice(domains, links, p=weights / weights.sum())
    born = rng.integers(DAYS_WATCHED, size=links)
    ends = np.ceil(rng.exponential(1_200, domains)).astype(np.int64)[domain]
    own = np.ceil(rng.weibull(SHAPE, links) * SCALE).astype(np.int64)
    is_shared = rng.random(links) < shared
    lived = np.where(is_shared, ends - born, own)
    watched, entry = DAYS_WATCHED - born, rng.gamma(2, 8, links).astype(np.int64)
    left = np.minimum(lived, watched)
    known = left > entry
    living = known & (lived > watched) & (watched + DAYS_AHEAD <= OLDEST)
    lives = Lives(domain[known], entry[known], left[known], (lived <= watched)[known])
    return lives, Living(domain[living], watched[living]), int((lived[living] <= watched[living] + DAYS_AHEAD).sum())


def draw_visits(rng: Generator, days: int, every: int) -> Iterator[tuple[int, bool]]:
    """Days on which a link that lives for ever is looked for, and whether it was met, until its loss is confirmed.

    It is visited every so many days, and after a miss as a plan has it.
    """
    begins = rng.uniform(0, days, rng.poisson(OUTAGES_A_YEAR * days / 365))
    means = np.where(rng.random(begins.size) < 0.1, OUTAGE_DAYS[1], OUTAGE_DAYS[0])
    ends = begins + rng.exponential(means)
    is_rotating = rng.random() < ROTATING_SHARE
    misses, day = 0, int(rng.integers(every))
    returns: list[int] = []
    while day < days:
        is_away = bool(((begins <= day) & (day < ends)).any())
        is_met = not (is_away or rng.random() < NOISE or (is_rotating and rng.random() >= SHOWN_SHARE))
        yield day, is_met
        if is_met:
            returns += [day] if misses else []
            misses, day = 0, day + every
            continue
        gaps = OF_ROTATING if any(b - a <= 180 for a, b in pairwise(returns)) else CONFIRMING
        if misses == len(gaps):
            return
        day += gaps[misses]
        misses += 1
