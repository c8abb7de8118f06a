"""How many of the links that live now will be lost within some days, and how sure that is.

Each link's chance follows from how long links of its sort lived (Kaplan and Meier, with late entry). Links of one
domain go together, so that they are one thing that goes or stays, and the curves are drawn again by domain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]

DRAWS = 200
NORMAL_95 = 1.959963984540054


@dataclass(frozen=True)
class Lives:
    """Links of one sort and the ages between which they were watched; all arrays alike. Domains count from 0."""

    domain: Numbers
    entry: Numbers
    exit: Numbers
    is_lost: NDArray[np.bool_]


@dataclass(frozen=True)
class Living:
    """Links of one sort that live, with their ages."""

    domain: Numbers
    age: Numbers


@dataclass(frozen=True)
class Loss:
    """How many of the links are expected to be lost, with a 95 % interval."""

    expected: float
    low: float
    high: float


def expect_losses(sorts: list[tuple[Lives, Living]], domain_count: int, days: int, seed: int) -> Loss | None:
    """The losses within so many days of links of several sorts, whose domains are the same; `seed` repeats the draws.

    None where nothing was lost yet, so that nobody knows how soon the first goes.
    """
    if not any(lives.is_lost.any() for lives, _ in sorts):
        return None
    even = np.ones(domain_count)
    chances = [chance_of_loss(lives, living.age, days, even) for lives, living in sorts]
    domain = np.concatenate([living.domain for _, living in sorts])
    by_domain = np.bincount(domain, np.concatenate(chances), domain_count)
    sizes = np.maximum(np.bincount(domain, minlength=domain_count), 1)
    expected = float(by_domain.sum())
    # A domain's links go together with their mean chance: n^2 p (1 - p).
    together = float((by_domain * (sizes - by_domain)).sum())
    rng = np.random.default_rng(seed)
    known = np.unique(np.concatenate([lives.domain for lives, _ in sorts]))
    drawn = np.empty(DRAWS)
    for number in range(DRAWS):
        weights = np.zeros(domain_count)
        weights[known] = rng.multinomial(known.size, np.full(known.size, 1 / known.size))
        drawn[number] = sum(chance_of_loss(lives, living.age, days, weights).sum() for lives, living in sorts)
    half_width = NORMAL_95 * float(np.sqrt(together + drawn.var(ddof=1)))
    return Loss(expected, max(0.0, expected - half_width), min(float(domain.size), expected + half_width))


def chance_of_loss(lives: Lives, ages: Numbers, days: int, weights: Floats) -> Floats:
    """How likely links of these ages are lost within so many days: 1 - S(age + days) / S(age); `weights` of domains."""
    last = int(max(lives.exit.max(initial=0), ages.max(initial=0) + days)) + 2
    weight = weights[lives.domain]
    at_risk = np.cumsum(np.bincount(lives.entry + 1, weight, last) - np.bincount(lives.exit + 1, weight, last))
    lost = np.bincount(lives.exit[lives.is_lost], weight[lives.is_lost], last)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Where all that a draw watches are lost nothing says how it goes on: as in SQL it is passed over.
        steps = np.where((lost > 0) & (lost < at_risk), np.log1p(-lost / at_risk), 0.0)
    log_survival = np.cumsum(steps)
    return np.asarray(-np.expm1(log_survival[ages + days] - log_survival[ages]))
