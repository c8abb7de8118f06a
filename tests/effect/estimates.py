"""LP-DiD estimates from a sample, with what is published beside them.

N rows, C cells, G clusters (pages); all sums over arrays of (N,). Dube, Girardi, Jorda & Taylor 2025
(doi 10.1002/jae.70000); variance as Liang & Zeger 1986 with the small-sample factor of fixest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from tests.effect.twin import Sample

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WEIGHTINGS = ("variance", "equal")
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """An effect with its uncertainty; standard error and what follows from it is NaN below two treated clusters."""

    effect: float
    standard_error: float
    degrees: int
    row_count: int
    cluster_count: int
    cell_count: int
    event_count: int

    @property
    def half_width(self) -> float:
        """Half of the 95 % interval's width."""
        return quantile(0.5 + LEVEL / 2, self.degrees) * self.standard_error

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval."""
        return self.effect - self.half_width, self.effect + self.half_width

    @property
    def p_value(self) -> float:
        """Of no effect, two-sided."""
        return float(2 * stdtr(self.degrees, -abs(self.effect) / self.standard_error))

    @property
    def smallest_detectable(self) -> float:
        """Effect found with a power of 80 %."""
        return (quantile(0.5 + LEVEL / 2, self.degrees) + quantile(0.8, self.degrees)) * self.standard_error


@dataclass(frozen=True)
class Scores:
    """What an estimate is made of: effect, sum of the cells' weights, and each row's score."""

    effect: float
    weight: float
    scores: Floats


@dataclass(frozen=True)
class PerLink:
    """Effects of single links, each (treated rows,); `standard_error` is that of `shrunk`.

    before_after    window less base
    own             less the cell's controls
    weight          share of the shrunk value that is the link's own
    """

    event: Ints
    before_after: Floats
    own: Floats
    own_standard_error: Floats
    weight: Floats
    shrunk: Floats
    standard_error: Floats


def quantile(share: float, degrees: int) -> float:
    """Of Student's t; NaN without a degree of freedom."""
    return float(stdtrit(degrees, share)) if degrees >= 1 else math.nan


def estimate(sample: Sample, outcome: str, weighting: str = "variance") -> Estimate:
    """The effect on an outcome."""
    found = _scores(sample, outcome, weighting)
    cells = int(sample.cell.max()) + 1
    treated = np.unique(sample.page[sample.is_treated]).size
    return _estimate(found.effect, sample.page, found.scores / found.weight, cells, 1 + cells, treated, sample)


def followed_minus_nofollow(followed: Sample, nofollow: Sample, outcome: str, weighting: str = "variance") -> Estimate:
    """The difference of two arms that share controls, by page."""
    arms = [_scores(sample, outcome, weighting) for sample in (followed, nofollow)]
    rows = [_row_key(sample) for sample in (followed, nofollow)]
    # A control of both arms is one row of the union, with the difference of its scores.
    keys, place = np.unique(np.concatenate(rows), axis=0, return_inverse=True)
    signed = np.concatenate([arms[0].scores / arms[0].weight, -arms[1].scores / arms[1].weight])
    scores = np.bincount(place.ravel(), signed, keys.shape[0])
    cells = np.unique(keys[:, :3], axis=0).shape[0]
    treated = min(np.unique(sample.page[sample.is_treated]).size for sample in (followed, nofollow))
    effect = arms[0].effect - arms[1].effect
    return _estimate(effect, keys[:, 3], scores, cells, 2 + cells, treated, followed)


def sample_error(sample: Sample, placebo: Sample, outcome: str, weighting: str = "variance") -> float:
    """Standard error of the mean effect of the very links of a sample, whatever others do; NaN where it has none."""
    before = estimate(placebo, outcome, weighting)
    _, squares, n0 = _controls(sample, outcome)
    _, squares_before, n0_before = _controls(placebo, outcome)
    if not squares_before.sum() > 0 or n0.max() < 2:
        return math.nan
    pooled, pooled_before = squares.sum() / (n0 - 1).sum(), squares_before.sum() / (n0_before - 1).sum()
    own = np.where(n0 > 1, squares / np.maximum(n0 - 1, 1), pooled)
    n1 = np.bincount(sample.cell[sample.is_treated])
    weight = n1 * n0 / (n1 + n0) if weighting == "variance" else n1
    alone = math.sqrt(float((weight**2 * own * (1 / n1 + 1 / n0)).sum())) / float(weight.sum())
    return float(np.maximum(before.standard_error * math.sqrt(pooled / pooled_before), alone))


def contrast(parts: Sequence[tuple[float, Sample]], outcome: str) -> Estimate:
    """A sum of estimates of windows, with what their pages share; counts are those of the first window."""
    made = [
        (weight, estimate(sample, outcome), _scores(sample, outcome, "variance"), sample) for weight, sample in parts
    ]
    first = made[0][1]
    pages = np.unique(np.concatenate([sample.page for *_, sample in made]))
    total = np.zeros(pages.size)
    for weight, found, scores, sample in made:
        squares = (
            np.bincount(np.unique(sample.page, return_inverse=True)[1], scores.scores / scores.weight) ** 2
        ).sum()
        root = found.standard_error / math.sqrt(float(squares))
        np.add.at(total, np.searchsorted(pages, sample.page), weight * root * scores.scores / scores.weight)
    return replace(
        first,
        effect=sum(weight * found.effect for weight, found, *_ in made),
        standard_error=math.sqrt(float((total**2).sum())),
        degrees=min(found.degrees for _, found, *_ in made),
    )


def honest(found: Estimate, placebo: Estimate, begin: int, end: int, share: float = 1.0) -> tuple[float, float]:
    """The 95 % interval widened by a share of the placebo's size, more beyond day 34."""
    more = share * abs(placebo.effect) * (1.0 if end <= 34 else ((begin + end) / 2 + 4) / 38.5)
    return found.interval[0] - more, found.interval[1] + more


def beyond_chance(placebo: Estimate) -> float:
    """How much of the placebo's size counts for the very links of a sample: the square of 1 - p."""
    return float((2 * stdtr(placebo.degrees, abs(placebo.effect) / placebo.standard_error) - 1) ** 2)


def before_after(sample: Sample, outcome: str) -> Estimate:
    """The mean difference of treated rows without any control, clustered by page."""
    treated = sample.is_treated
    change, page = sample.change[outcome][treated], sample.page[treated]
    effect = float(change.mean())
    return _estimate(effect, page, (change - effect) / change.size, 1, 1, np.unique(page).size, sample)


def per_link(sample: Sample, outcome: str, group: Ints) -> PerLink:
    """Each link's own effect and its shrunk one; `group` (treated rows,) of those alike, 0..

    The standard error is that of weight x own + (1 - weight) x group's mean, where the spread between links is one
    standard error larger than estimated: it is often estimated as 0, and is not known to be.
    """
    own, variance = _own_effects(sample, outcome)
    count = np.bincount(group)
    centre = np.bincount(group, own) / count
    total = np.bincount(group, (own - centre[group]) ** 2) / np.maximum(count - 1, 1)
    between = np.maximum(0.0, total - np.bincount(group, variance) / count)
    weight = between[group] / (between[group] + variance)
    # The variance of a sample variance of normal values is 2 total^2 / (count - 1).
    wide = between + total * np.sqrt(2 / np.maximum(count - 1, 1)) + total / count
    return PerLink(
        event=sample.event[sample.is_treated],
        before_after=sample.change[outcome][sample.is_treated],
        own=own,
        own_standard_error=np.sqrt(variance),
        weight=weight,
        shrunk=weight * own + (1 - weight) * centre[group],
        standard_error=np.sqrt(weight**2 * variance + (1 - weight) ** 2 * wide[group]),
    )


def _controls(sample: Sample, outcome: str) -> tuple[Floats, Floats, Ints]:
    """Of the controls by cell, (C,): mean change, sum of squared deviations from it, number."""
    cell, change = sample.cell[~sample.is_treated], sample.change[outcome][~sample.is_treated]
    count = np.bincount(cell)
    means = np.bincount(cell, change) / count
    squares: Floats = np.bincount(cell, (change - means[cell]) ** 2).astype(np.float64)
    return means, squares, count.astype(np.int64)


def _own_effects(sample: Sample, outcome: str) -> tuple[Floats, Floats]:
    """Difference of each treated row to its cell's controls, and the variance of that, (treated rows,)."""
    treated, cell = sample.is_treated, sample.cell
    means, squares, controls = _controls(sample, outcome)
    # One control has no variance: that of all the arm's controls about their cells' means stands in.
    pooled = squares.sum() / max(int((controls - 1).sum()), 1)
    spread = np.where(controls > 1, squares / np.maximum(controls - 1, 1), pooled)
    own = sample.change[outcome][treated] - means[cell[treated]]
    return own, (spread * (1 + 1 / controls))[cell[treated]]


def _scores(sample: Sample, outcome: str, weighting: str) -> Scores:
    dy, d, cell = sample.change[outcome], sample.is_treated.astype(np.float64), sample.cell
    n, n1 = np.bincount(cell).astype(np.float64), np.bincount(cell, d)
    n0 = n - n1
    if weighting not in WEIGHTINGS:
        raise ValueError(f"no such weighting: {weighting}")
    weight, row_weight = (n1 * n0 / n, np.ones_like(n)) if weighting == "variance" else (n1, n / n0)
    difference = np.bincount(cell, dy * d) / n1 - np.bincount(cell, dy * (1 - d)) / n0
    effect = float((weight * difference).sum() / weight.sum())
    centred = d - (n1 / n)[cell]
    scores = row_weight[cell] * centred * (dy - (np.bincount(cell, dy) / n)[cell] - effect * centred)
    return Scores(effect, float(weight.sum()), scores)


def _row_key(sample: Sample) -> Ints:
    """What a row is across arms, (N, 5): its cell (day, topic, device), its page, whether treated."""
    return np.stack([sample.day, sample.topic, sample.device, sample.page, sample.is_treated], axis=1)


def _estimate(
    effect: float, page: Ints, scores: Floats, cells: int, parameters: int, treated: int, sample: Sample
) -> Estimate:
    """Scores are by row, already over the sum of weights."""
    clusters, place = np.unique(page, return_inverse=True)
    rows, count = page.size, clusters.size
    squares = float((np.bincount(place, scores) ** 2).sum())
    is_known = treated >= 2 and rows > parameters
    factor = count / (count - 1) * (rows - 1) / (rows - parameters) if is_known else math.nan
    return Estimate(
        effect=effect,
        standard_error=math.sqrt(factor * squares),
        degrees=treated - 1,
        row_count=rows,
        cluster_count=count,
        cell_count=cells,
        event_count=int(sample.is_treated.sum()),
    )
