"""Where a vendor's score places a domain among all of the web, and how sure: by domains that both know.

The place falls as the score rises, however it does so (isotonic regression of its logarithm); half of the domains fit
that, the other half say how far it is off (split conformal, Lei et al. 2018, DOI 10.1080/01621459.2017.1307116). What
holds a domain with a chance of .9 is one width for all scores. A heap of domains without a score is one score.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

Floats = NDArray[np.float64]
Keys = NDArray[np.int64]

LEAST_PAIRS = 60
HELD = 0.9


@dataclass(frozen=True)
class Calibration:
    """log10 of the place: `log_places` at `scores`, straight between, level beyond; give or take `half_width`."""

    scores: Floats
    log_places: Floats
    half_width: float
    pair_count: int

    def place(self, scores: Floats) -> tuple[Floats, Floats, Floats]:
        """log10 of the place of domains with these scores, of the best that it may be, and of the worst."""
        middle = np.interp(scores, self.scores, self.log_places)
        return middle, middle - self.half_width, middle + self.half_width


def calibrate(scores: Floats, log_places: Floats, keys: Keys) -> Calibration | None:
    """The calibration by domains whose score and place are known; None of fewer than 60.

    Which of them fit and which judge, their `keys` say: hashes, so that it is by chance and the same each time. Raises
    ValueError for scores and places that are no numbers.
    """
    if not (np.isfinite(scores).all() and np.isfinite(log_places).all()):
        raise ValueError("a score or a place is no number")
    if scores.size < LEAST_PAIRS:
        return None
    is_fitting = keys % 2 == 0
    fitted = _fit(scores[is_fitting], log_places[is_fitting])
    if fitted is None or is_fitting.all():
        return None
    known, middles = fitted
    misses = np.sort(np.abs(log_places[~is_fitting] - np.interp(scores[~is_fitting], known, middles)))
    rank = min(ceil((misses.size + 1) * HELD), misses.size)
    return Calibration(known, middles, float(misses[rank - 1]), scores.size)


def percentile(log_places: Floats, domain_count: int) -> Floats:
    """Share of all domains that stand behind these places, which lie between the first and the last."""
    places = np.clip(10.0**log_places, 1, domain_count)
    return np.asarray(1 - (places - 0.5) / domain_count)


def _fit(scores: Floats, log_places: Floats) -> tuple[Floats, Floats] | None:
    known, which = np.unique(scores, return_inverse=True)
    if known.size == 0:
        return None
    often = np.bincount(which)
    means = np.bincount(which, log_places) / often
    return known, np.asarray(isotonic_regression(means, weights=often, increasing=False).x)
