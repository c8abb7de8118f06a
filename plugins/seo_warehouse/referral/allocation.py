"""Which of several links sent visits of which only the host is known: a posterior by sampling-importance-resampling.

Not Gibbs, whose chain mixes in about as many steps as there are visits; not EM, which has no interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seo_warehouse.referral.habits import Floats, Habits, Ints

DRAWS, KEPT = 1_500, 100
LEAST_EFFECTIVE = 60.0
"""The evidence is tempered until so many draws count: it may count for less than it is, never for more."""
TEMPER = 0.8
LEAST_VISITS = 5
"""Of a group in a span; below, nothing is said of its links."""
ENDS = (0.025, 0.975)
SPANS = ("days_28", "days_90", "life")
"""Each holds the one before."""


@dataclass(frozen=True)
class Group:
    """Visits of one host to one page of which several links could have sent each. P pieces of weeks, L links."""

    visits: Ints
    """(P,)"""
    span: Ints
    """(P,) the first of SPANS that the piece lies in."""
    exposure: Floats
    """(L, P) visits that come without the page's URL, of a link with a rate of 1."""
    mean: Floats
    """(L,) mean rate of links of its kind."""
    own_visits: Floats
    """(L,) visits that named its page: those of its host may be of a link that nobody knows, even while it is alone;"""
    own_exposure: Floats
    """(L,) and as many as a rate of 1 would have brought."""
    seed: int


@dataclass(frozen=True)
class Allocation:
    """Visits of each link, and last of all links that nobody knows, by span: (L + 1, spans) each.

    The values of a span add up to its visits. The interval is the union of three: few, some and many unknown links.
    """

    visits: Floats
    low: Floats
    high: Floats
    own_weight: Floats
    """(L,) how much of a link's prior rate is what it was counted to bring, 0 to 1."""


@dataclass(frozen=True)
class _Alike:
    """Pieces in which every link is as exposed, taken together, since they tell by their sums. U kinds of pieces."""

    exposure: Floats
    """(L, U)"""
    pieces: Floats
    """(U,) how many."""
    visits: Ints
    """(U, spans) of those that each span is the first to hold."""


def allocate(group: Group, habits: Habits) -> Allocation:
    """What each link of a group brought. The same group and habits give the same figures to the last digit."""
    missed, alike = habits.missed, _alike(group)
    middle, few, many = (
        _drawn(group, alike, habits, shape, share, np.random.default_rng([group.seed & (2**64 - 1), number]))
        for number, (shape, share) in enumerate(
            ((habits.shape, missed.mean), (habits.shape_low, missed.low), (habits.shape_low, missed.high))
        )
    )
    visits, prior = middle.mean(axis=0), habits.shape / group.mean
    ends = [np.quantile(draws, ENDS, axis=0) for draws in (middle, few, many)]
    # A value that few draws make may lie outside of what most of them say.
    return Allocation(
        visits=visits,
        low=np.floor(np.min([visits, *(low for low, _ in ends)], axis=0)),
        high=np.ceil(np.max([visits, *(high for _, high in ends)], axis=0)),
        own_weight=group.own_exposure / (group.own_exposure + prior),
    )


def _alike(group: Group) -> _Alike:
    """The pieces in which some link lived."""
    lived = group.exposure.any(axis=0)
    if group.visits[~lived].any():
        raise ValueError("visits on days on which no link of the group lived")
    exposure, kind = np.unique(group.exposure[:, lived], axis=1, return_inverse=True)
    visits = np.zeros((exposure.shape[1], len(SPANS)), np.int64)
    np.add.at(visits, (kind.ravel(), group.span[lived]), group.visits[lived])
    return _Alike(exposure, np.bincount(kind.ravel(), minlength=exposure.shape[1]).astype(np.float64), visits)


def _drawn(
    group: Group, alike: _Alike, habits: Habits, shape: float, missed: float, rng: np.random.Generator
) -> Floats:
    """(KEPT, L + 1, spans) visits, drawn from what is known of them."""
    odds = missed / (1 - missed)
    unknown = max(shape * odds * group.mean.size, 1e-3)
    shapes = np.append(shape + group.own_visits, unknown)
    rates = np.append(shape / group.mean + group.own_exposure, shape / group.mean.mean())
    exposure = np.vstack([alike.exposure, alike.exposure.mean(axis=0)])
    # Of a shape below 1 a draw may be 0 in floating point; of such a link nothing is expected.
    drawn = np.maximum(rng.standard_gamma(shapes, (DRAWS, shapes.size)), 1e-300) / rates
    kept = drawn[_chosen(_log_weights(alike, drawn @ exposure, shapes, drawn @ rates, habits.burst), rng)]
    share = kept[:, None, :] * exposure.T
    share /= share.sum(axis=2, keepdims=True)
    # Draws of pieces of one share add up to a draw of their sum.
    counts = rng.multinomial(alike.visits, share[:, :, None, :])
    made: Floats = counts.sum(axis=1).cumsum(axis=1).transpose(0, 2, 1).astype(np.float64)
    return made


def _log_weights(alike: _Alike, expected: Floats, shapes: Floats, scale: Floats, burst: float) -> Floats:
    """(DRAWS,) log likelihood of the visits; `expected` is (DRAWS, U), of a piece.

    Of the weeks, given their sum, times that of the sum: a negative binomial each.
    """
    total, visits = expected @ alike.pieces, alike.visits.sum(axis=1)
    count, size = int(visits.sum()), float(shapes.sum())
    by_week = np.maximum(count * expected / total[:, None], 1e-300)
    weeks = np.log(by_week) @ visits - np.log(burst + by_week) @ (visits + burst * alike.pieces)
    sums = total / scale
    return np.asarray(weeks + count * np.log(sums) - (count + size) * np.log1p(sums), np.float64)


def _chosen(log_weights: Floats, rng: np.random.Generator) -> Ints:
    """(KEPT,) numbers of draws, drawn by their weights, tempered until enough of them count."""
    power, centred = 1.0, log_weights - log_weights.max()
    weights = np.exp(centred)
    while weights.sum() ** 2 / (weights**2).sum() < LEAST_EFFECTIVE:
        power *= TEMPER
        weights = np.exp(power * centred)
    return rng.choice(DRAWS, KEPT, p=weights / weights.sum())
