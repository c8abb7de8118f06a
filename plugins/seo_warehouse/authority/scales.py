"""Vendors' scores of domains: placed on the reference of the web, and watched for a scale that moved."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log10
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.stats import binom

Floats = NDArray[np.float64]
Keys = NDArray[np.int64]

LEAST_DOMAINS = 60
COVERED = 0.9
LEAST_A_FIFTH = 20
CONFIDENCE = 0.999
TOLERATED_SHARE = 0.02
"""Of the scale's length: 2 of 100, 20 of 1,000."""
RE_RANKED_FACTOR = 2.0
EARLIER_READS = 3


def percentile(position: float, domain_count: int) -> float:
    """Where a position from 1 stands among so many: near 1 at the top."""
    return 1 - (position - 0.5) / domain_count


@dataclass(frozen=True)
class Calibration:
    """What positions domains with each score have: steps of log10 position by score, and how far off they are.

    Of `width` each way about the step 90 in 100 domains are, whatever their score (split-conformal).
    """

    scores: Floats
    levels: Floats
    width: float
    domain_count: int

    def percentiles(self, score: float) -> tuple[float, float, float]:
        """The percentile of a domain with that score, and its interval: low, high."""
        level = float(np.interp(score, self.scores, self.levels))
        ends = (level, level + self.width, level - self.width)
        places = (10 ** min(max(end, 0.0), log10(self.domain_count)) for end in ends)
        middle, low, high = (percentile(place, self.domain_count) for place in places)
        return middle, low, high


def calibrate(scores: Floats, positions: Floats, keys: Keys, domain_count: int) -> Calibration | None:
    """Fit the positions of domains that both know on their scores; None of fewer than 60.

    `keys` say which half a domain is in, of fitting or of measuring, the same each time. Isotonic regression (Barlow et
    al. 1972) of log10 position, falling with the score; interval after Papadopoulos et al. 2002.
    """
    if scores.size < LEAST_DOMAINS:
        return None
    order = np.lexsort((keys, scores))
    is_fit = np.zeros(scores.size, bool)
    # By turns along the scale, so that both halves are spread over it.
    is_fit[order[::2]] = True
    x, y = scores[is_fit], np.log10(positions[is_fit])
    at, inverse = np.unique(x, return_inverse=True)
    weights = np.bincount(inverse).astype(np.float64)
    means = np.bincount(inverse, y) / weights
    levels = isotonic_regression(means, weights=weights, increasing=False).x
    off = np.abs(np.log10(positions[~is_fit]) - np.interp(scores[~is_fit], at, levels))
    rank = min(ceil((off.size + 1) * COVERED), off.size)
    return Calibration(at, levels, float(np.sort(off)[rank - 1]), domain_count)


Verdict = Literal["none", "shifted", "re_ranked", "too_few"]


@dataclass(frozen=True)
class Shift:
    """What became of a scale between two reads, by the fifth of old scores that moved most."""

    domain_count: int
    verdict: Verdict
    fifth: int | None = None
    median_change: float | None = None
    low: float | None = None
    high: float | None = None
    tolerance: float | None = None
    quartile_of_change: float | None = None
    """Upper quartile of absolute changes, which later reads compare themselves with."""


def shift(old: Floats, new: Floats, scale: tuple[float, float], earlier: tuple[float, ...]) -> Shift:
    """Whether a vendor's scale moved for the same domains between two reads.

    By fifths of the old score, the 99.9 % interval of the median change by order statistics: `shifted` where one lies
    beyond the tolerance. `re_ranked` where changes are over twice as large as in the last three pairs of reads
    (`earlier`, the quartiles that they had). Fewer than 20 domains a fifth: `too_few`.
    """
    tolerance = TOLERATED_SHARE * (scale[1] - scale[0])
    if old.size < 5 * LEAST_A_FIFTH:
        return Shift(int(old.size), "too_few", tolerance=tolerance)
    changes = (new - old)[np.argsort(old, kind="stable")]
    quartile = float(np.quantile(np.abs(changes), 0.75))
    fifths = [(number, *_median_interval(np.sort(part))) for number, part in enumerate(np.array_split(changes, 5), 1)]
    number, median, low, high = max(fifths, key=lambda fifth: abs(fifth[1]))
    verdict: Verdict = "none"
    if any(low > tolerance or high < -tolerance for _, _, low, high in fifths):
        number, median, low, high = max(fifths, key=lambda fifth: max(fifth[2], -fifth[3]))
        verdict = "shifted"
    elif len(earlier) >= EARLIER_READS and quartile > RE_RANKED_FACTOR * max(earlier[-EARLIER_READS:]):
        verdict = "re_ranked"
    return Shift(int(old.size), verdict, number, median, low, high, tolerance, quartile)


def _median_interval(ordered: Floats) -> tuple[float, float, float]:
    """Median and the interval between order statistics that holds it with `CONFIDENCE`."""
    n = ordered.size
    cut = int(binom.ppf((1 - CONFIDENCE) / 2, n, 0.5))
    # The interval from the cut-th smallest to the cut-th largest value misses with twice P(B < cut).
    cut = max(cut, 1)
    return float(np.median(ordered)), float(ordered[cut - 1]), float(ordered[n - cut])
