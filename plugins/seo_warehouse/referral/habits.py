"""What links of a property bring, learned from those whose visits are counted one by one.

Rates are visits a day in the last class of age. L links, A classes of age; visits of a link are Poisson, its rate is
drawn from Gamma(shape, shape / mean), and a week takes it times a gamma of mean 1 and shape `burst`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import gammaln

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_LINKS = 30
"""Links whose visits can be read, below which the shapes are those of POOLED."""
POOLED_SHAPE, POOLED_BURST = 0.45, 10.0
LIKE_LINKS = 5.0
"""As many links of the overall mean are added to each class of links."""
LIKE_VISITS = 10.0
"""As many visits of no decay are added to each class of age."""
ROUNDS = 50
SHAPES = np.geomspace(0.05, 20.0, 121)
HALF_CHI2_95 = 1.92
"""Log likelihood below its best, to which an interval of 95 % goes."""
BURSTS = (0.3, 100.0)


@dataclass(frozen=True)
class Evidence:
    """Links whose visits can be read. Exposures are days times the share of visits that can be read.

    `pairs`, `old_visits`, `old_weeks`: of the ages without decay, the sum over weeks of x (x - 1), the visits, and the
    weeks watched.
    """

    kind: Ints
    """(L,) class of link, from 0."""
    exposure: Floats
    """(L, A)"""
    visits: Floats
    """(L, A)"""
    pairs: Floats
    """(L,)"""
    old_visits: Floats
    """(L,)"""
    old_weeks: Floats
    """(L,)"""


@dataclass(frozen=True)
class Missed:
    """Share of the pages that link which nobody knows, with both ends of its 95 % interval."""

    low: float
    mean: float
    high: float


@dataclass(frozen=True)
class Habits:
    """What links of a property bring, as one witness counts."""

    decay: Floats
    """(A,) rate by age; 1 in the last class."""
    means: Floats
    """By kind of link, mean rate."""
    shape: float
    shape_low: float
    """Lower end of the 95 % interval of the shape."""
    burst: float
    missed: Missed
    is_pooled: bool
    """Shapes are those of other sites, since too few links can be read."""


def miss(unknown: int, pages: int) -> Missed:
    """Of pages that were named by visitors from hosts with links, the share that no witness of links knows."""
    share = stats.beta(unknown + 0.5, pages - unknown + 0.5)
    low, high = share.interval(0.95)
    return Missed(float(low), float(share.mean()), float(high))


def learn(evidence: Evidence, kinds: int, missed: Missed, *, mean: float) -> Habits:
    """Habits of `kinds` kinds of links; `mean`: the rate that is taken where no link can be read."""
    is_pooled = evidence.kind.size < LEAST_LINKS or not evidence.visits.sum()
    decay = _decay(evidence)
    exposure = evidence.exposure @ decay
    means = _means(evidence, exposure, kinds, mean)
    if is_pooled:
        return Habits(decay, means, POOLED_SHAPE, POOLED_SHAPE, POOLED_BURST, missed, is_pooled)
    shape, low = _shape(evidence.visits.sum(axis=1), means[evidence.kind] * exposure)
    return Habits(decay, means, shape, low, _burst(evidence), missed, is_pooled)


def _decay(evidence: Evidence) -> Floats:
    """Poisson fit of link times age, by turns."""
    decay = np.ones(evidence.exposure.shape[1])
    total, by_age = evidence.visits.sum(axis=1), evidence.visits.sum(axis=0)
    if not total.sum():
        return decay
    for _ in range(ROUNDS):
        weight = evidence.exposure @ decay
        rate = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
        decay = (by_age + LIKE_VISITS) / (rate @ evidence.exposure + LIKE_VISITS)
        decay /= decay[-1]
    return decay


def _means(evidence: Evidence, exposure: Floats, kinds: int, mean: float) -> Floats:
    visits = evidence.visits.sum(axis=1)
    if not visits.sum() or not exposure.sum():
        return np.full(kinds, mean)
    overall = float(visits.sum() / exposure.sum())
    count = np.bincount(evidence.kind, minlength=kinds)
    of_kind = np.bincount(evidence.kind, exposure, kinds)
    own = np.divide(np.bincount(evidence.kind, visits, kinds), of_kind, out=np.zeros(kinds), where=of_kind > 0)
    return np.asarray((count * own + LIKE_LINKS * overall) / (count + LIKE_LINKS), np.float64)


def _shape(visits: Floats, expected: Floats) -> tuple[float, float]:
    """The likeliest shape of rates, and the lower end of its interval."""
    visits, expected = visits[expected > 0], expected[expected > 0]
    chances = np.array([_negative_binomial(visits, shape, expected).sum() for shape in SHAPES])
    near = SHAPES[chances >= chances.max() - HALF_CHI2_95]
    return float(SHAPES[chances.argmax()]), float(near[0])


def _negative_binomial(count: Floats, shape: float, mean: Floats) -> Floats:
    """Log probability of each count, of a Poisson whose mean is drawn from Gamma(shape, shape / mean)."""
    made = gammaln(count + shape) - gammaln(shape) - gammaln(count + 1)
    return np.asarray(made + shape * np.log(shape / (shape + mean)) + count * np.log(mean / (shape + mean)), np.float64)


def _burst(evidence: Evidence) -> float:
    """Shape of the weeks, by moments: of links in W weeks, the pairs of visits that fell into one week, of all pairs.

    E sum x (x - 1) = (1 + v) M^2 / W and E X (X - 1) = (1 + v / W) M^2 with v = 1 / burst.
    """
    kept = evidence.old_weeks > 1
    pairs = evidence.old_visits[kept] * (evidence.old_visits[kept] - 1)
    if not pairs.sum():
        return POOLED_BURST
    weeks = float(pairs.sum() / (pairs / evidence.old_weeks[kept]).sum())
    ratio = float(evidence.pairs[kept].sum() / (pairs / evidence.old_weeks[kept]).sum())
    spread = (ratio - 1) / (1 - ratio / weeks) if ratio < weeks else 1 / BURSTS[0]
    return float(np.clip(1 / spread if spread > 0 else BURSTS[1], *BURSTS))
