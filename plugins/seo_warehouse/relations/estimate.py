"""What one more attempt at each partner is worth: posteriors of whether a link comes of it, and how long that stands.

P partners. Of each, attempts are binomial with a rate drawn from Beta, losses Poisson over link-days with a rate drawn
from Gamma; both priors are the likeliest over all partners.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, gammaln
from scipy.stats import mannwhitneyu

Floats = NDArray[np.float64]

DAYS = 365
"""What is worth something: link-days in so many days from the placing."""
DRAWS = 1_000
PER_MONEY = 1_000.0
ENDS = (0.025, 0.975)
"""Of an interval that is published as one of 90 %: simulated, as often it held."""
CAREFUL = 0.1
"""The quantile that ranks: of worlds in which the priors are right and wrong it is nowhere worse than raw rates."""
MEANS = np.linspace(0.005, 0.995, 199)
STRENGTHS = np.geomspace(0.5, 500, 61)
"""Attempts that a prior of a rate may count for; likewise losses, below."""
SHAPES = np.geomspace(0.2, 100, 55)
TIMES_MEAN = np.geomspace(0.2, 5, 65)
LATEST, LEAST_REPLIES = 5, 5
"""Replies that are set against the ones before, and how many of these there must be."""


@dataclass(frozen=True)
class Partners:
    """What is known of each, (P,) each. Money in dollars; not a number where it is not known."""

    attempts: Floats
    placed: Floats
    """Attempts of which a link was seen."""
    losses: Floats
    link_days: Floats
    work: Floats
    """What an attempt costs, whatever comes of it."""
    price: Floats
    """What a link costs beside."""


@dataclass(frozen=True)
class Priors:
    """Of the rate of placement Beta(placed, failed); of losses a day Gamma with a shape and a rate."""

    placed: float
    failed: float
    shape: float
    rate: float


@dataclass(frozen=True)
class Interval:
    """Means with both ends of an interval, (P,) each."""

    mean: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Worth:
    """Posteriors by partner, (P,) each. Where price or work is not known the values are not numbers."""

    placed_share: Interval
    yearly_loss_share: Interval
    """How likely a link is lost within a year."""
    value: Interval
    """Link-days in a year that 1,000 dollars spent on attempts bring."""
    careful_value: Floats
    """Its 10 % quantile."""
    own_weight: Floats
    """How much of the rate of placement is the partner's own, 0 to 1; the rest is the average of all."""
    slipping: Floats
    """How likely its links are lost faster than the average partner's."""


def learn(partners: Partners) -> Priors:
    """The priors under which what is known of all partners is likeliest."""
    (attempts, placed), count = _alike(partners.attempts, partners.placed)
    a = MEANS[:, None, None] * STRENGTHS[None, :, None]
    b = STRENGTHS[None, :, None] - a
    made = gammaln(a + placed) + gammaln(b + attempts - placed) - gammaln(a + b + attempts) - betaln(a, b)
    chance = (made * count).sum(axis=2)
    mean, strength = np.unravel_index(chance.argmax(), chance.shape)
    ends = float(a[mean, strength, 0]), float(b[mean, strength, 0])
    watched = partners.link_days > 0
    days, losses = partners.link_days[watched], partners.losses[watched]
    if not days.size:
        return Priors(*ends, 0.5, 0.5 * DAYS)
    # Half a loss, so that nobody's links are for ever.
    means = (losses.sum() + 0.5) / days.sum() * TIMES_MEAN
    shape = SHAPES[:, None]
    made = (gammaln(losses + shape) - gammaln(shape)).sum(axis=1)
    chances = np.array([made + _negative_binomial(losses, shape, mean * days).sum(axis=1) for mean in means])
    best_mean, best_shape = np.unravel_index(chances.argmax(), chances.shape)
    found = float(SHAPES[best_shape])
    return Priors(*ends, found, found / float(means[best_mean]))


def weigh(partners: Partners, priors: Priors, seed: int) -> Worth:
    """What each partner is worth. The same partners, priors and seed give the same figures to the last digit."""
    rng = np.random.default_rng(seed & (2**64 - 1))
    size = (DRAWS, partners.attempts.size)
    share = rng.beta(priors.placed + partners.placed, priors.failed + partners.attempts - partners.placed, size)
    loss = rng.standard_gamma(priors.shape + partners.losses, size) / (priors.rate + partners.link_days)
    loss = np.maximum(loss, 1e-12)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = PER_MONEY * share * -np.expm1(-loss * DAYS) / loss / (partners.work + share * partners.price)
    value = np.where(np.isfinite(value), value, np.nan)
    return Worth(
        placed_share=_interval(share),
        yearly_loss_share=_interval(-np.expm1(-loss * DAYS)),
        value=_interval(value),
        careful_value=np.asarray(np.quantile(value, CAREFUL, axis=0), np.float64),
        own_weight=partners.attempts / (partners.attempts + priors.placed + priors.failed),
        slipping=np.asarray((loss > priors.shape / priors.rate).mean(axis=0), np.float64),
    )


def slower_replies(waits: Sequence[Floats]) -> list[tuple[float, float, float] | None]:
    """Of each partner's waits, in the order of the replies, the medians of the latest and of those before, with the
    p-value of Mann and Whitney (one-sided); None of too few.
    """
    found: list[tuple[float, float, float] | None] = [None] * len(waits)
    alike = defaultdict(list)
    for place, each in enumerate(waits):
        if each.size >= LATEST + LEAST_REPLIES:
            # Tested together they are told by one distribution, which with ties is another one.
            alike[each.size, np.unique(each).size == each.size].append(place)
    for places in alike.values():
        together = np.stack([waits[place] for place in places])
        before, latest = together[:, :-LATEST], together[:, -LATEST:]
        p_values = mannwhitneyu(latest, before, alternative="greater", axis=1).pvalue
        told = zip(np.median(latest, axis=1), np.median(before, axis=1), p_values, strict=True)
        for place, (late, early, p_value) in zip(places, told, strict=True):
            found[place] = float(late), float(early), float(p_value)
    return found


def _alike(*columns: Floats) -> tuple[Floats, Floats]:
    """Rows that differ, with how often each is there."""
    rows, count = np.unique(np.stack(columns), axis=1, return_counts=True)
    return rows, count.astype(np.float64)


def _negative_binomial(count: Floats, shape: Floats, mean: Floats) -> Floats:
    """Log probability of each count, but for what no mean changes, where its own is drawn from Gamma."""
    both = np.log(shape + mean)
    return np.asarray(shape * (np.log(shape) - both) + count * (np.log(mean) - both), np.float64)


def _interval(draws: Floats) -> Interval:
    low, high = np.quantile(draws, ENDS, axis=0)
    return Interval(draws.mean(axis=0), low, high)
