"""The likelihood of events between two looks: complementary log-log over gaps, fitted by Newton, scores by page.

A gap is the time between two looks of a page that waited at the first. Its event is in it with probability
1 - exp(-H), where H sums exp(eta) over the gap's days (Prentice & Gloeckler 1978). A gap whose columns change within it
is several pieces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from seo_warehouse.discovery.waits import Flags, Floats, Ints, sum_groups

MOST_STEPS = 50
SMALL_ENOUGH = 1e-16
"""Of the squared distance to the top, in standard errors."""
RANK = 1e-10
"""Eigenvalues that are smaller, as shares of the largest, are taken for 0."""
LARGEST = 30.0
"""Logarithm beyond which no hazard of a day is told from certainty."""


@dataclass(frozen=True)
class Pieces:
    """Gaps and what they are made of: S pieces, G gaps, K columns.

    gap        (S,) which gap a piece is of, from 0
    days       (S,) its length
    design     (S, K) its columns, sparse
    is_event   (G,) whether what was waited for came in the gap
    page       (G,) whose gap it is, by any number
    """

    gap: Ints
    days: Floats
    design: sparse.csr_array
    is_event: Flags
    page: Ints


@dataclass(frozen=True)
class Fit:
    """Coefficients (K,) of log hazard a day, their covariance clustered by page, and which the data can tell."""

    coefficients: Floats
    covariance: Floats
    is_identified: Flags
    page_count: int
    likelihood: float


def fit(pieces: Pieces, start: Floats) -> Fit | None:
    """What makes the gaps most likely. None where the steps do not end."""
    by_gap = sum_groups(pieces.gap, pieces.is_event.size)
    coefficients = start
    likelihood, gradient, information = _derivatives(pieces, by_gap, coefficients)
    for _ in range(MOST_STEPS):
        step = np.linalg.pinv(information, rcond=RANK, hermitian=True) @ gradient
        if float(step @ gradient) < SMALL_ENOUGH * max(1.0, abs(likelihood)):
            return _told(pieces, by_gap, coefficients, information, likelihood)
        for _ in range(MOST_STEPS):
            trial = _derivatives(pieces, by_gap, coefficients + step)
            if trial[0] >= likelihood - 1e-9 * abs(likelihood):
                break
            step = step / 2
        else:
            return None
        coefficients = coefficients + step
        likelihood, gradient, information = trial
    return None


def _derivatives(pieces: Pieces, by_gap: sparse.csr_array, coefficients: Floats) -> tuple[float, Floats, Floats]:
    """(log likelihood, gradient (K,), information (K, K)): as observed; as expected where the observed one bends up."""
    hazard = _hazard(pieces, coefficients)
    total = by_gap @ hazard
    event = pieces.is_event
    weight = 1 / np.expm1(np.clip(total[event], 1e-300, 700))
    likelihood = float(np.log(-np.expm1(-total[event])).sum() - total[~event].sum())
    share = np.full(event.size, -1.0)
    share[event] = weight
    scored = sparse.diags_array(hazard) @ pieces.design
    gradient = scored.T @ share[pieces.gap]
    slope = (by_gap @ scored)[np.flatnonzero(event)]
    information = slope.T @ sparse.diags_array(weight * (1 + weight)) @ slope
    bends = sparse.diags_array(-share[pieces.gap]) @ scored
    observed = (information + pieces.design.T @ bends).toarray()
    if np.linalg.eigvalsh(observed)[0] >= -RANK * np.abs(observed).max():
        return likelihood, gradient, observed
    every = by_gap @ scored
    odds = 1 / np.expm1(np.clip(total, 1e-300, 700))
    return likelihood, gradient, (every.T @ sparse.diags_array(odds) @ every).toarray()


def _told(
    pieces: Pieces, by_gap: sparse.csr_array, coefficients: Floats, information: Floats, likelihood: float
) -> Fit:
    bread = np.linalg.pinv(information, rcond=RANK, hermitian=True)
    hazard = _hazard(pieces, coefficients)
    share = np.full(pieces.is_event.size, -1.0)
    # 1 / (exp(h) - 1), without its overflow where an event was sure.
    waited = (by_gap @ hazard)[pieces.is_event]
    share[pieces.is_event] = np.exp(-waited) / -np.expm1(-waited)
    pages, page = np.unique(pieces.page, return_inverse=True)
    scores = sum_groups(page[pieces.gap], pages.size) @ (sparse.diags_array(hazard * share[pieces.gap]) @ pieces.design)
    meat = (scores.T @ scores).toarray() * (pages.size / (pages.size - 1) if pages.size > 1 else np.nan)
    return Fit(
        coefficients=coefficients,
        covariance=bread @ meat @ bread,
        is_identified=np.abs(bread @ information - np.eye(coefficients.size)).max(axis=0) < 1e-6,
        page_count=int(pages.size),
        likelihood=likelihood,
    )


def _hazard(pieces: Pieces, coefficients: Floats) -> Floats:
    hazard: Floats = pieces.days * np.exp(np.minimum(pieces.design @ coefficients, LARGEST))
    return hazard
