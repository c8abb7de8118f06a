"""How many classes a portfolio has, if all were equally large: Hill numbers of order 0, 1 and 2, and how sure.

Observed, asymptotic, and at a common coverage, after Chao and Jost 2015 (DOI 10.1111/2041-210X.12349), Chao, Wang and
Jost 2013 (entropy, DOI 10.1111/2041-210X.12108), Chao and Jost 2012 (coverage, DOI 10.1890/11-1952.1) and Chao et al.
2014 (rarefaction and bootstrap, DOI 10.1890/13-0133.1).

A class is a domain, a network, a country ...; its count is how many links, or how many domains, it has. What was read
of the links is no random draw, so asymptotic values are lower bounds too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, exp1, gammaln, hyperu

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

ORDERS = (0, 1, 2)
DRAWS = 200
NORMAL_95 = 1.959963984540054
ENOUGH_COVERAGE = 0.8
"""Below, an interval around the asymptotic value of order 1 covers .65 to .70."""
ENOUGH_ITEMS = 30
_NEGLIGIBLE = 1e-18
_SUMMED, _LARGE = 1_000, 500
"""Terms that are added one by one; where exp overflows, though exp times the exponential integral does not."""
_AT_ONCE = 4_096


@dataclass(frozen=True)
class Diversity:
    """Hill numbers of one set of counts, by order 0, 1, 2. `status` is that of order 1; that of 0 is "at least"."""

    item_count: int
    class_count: int
    coverage: float
    observed: tuple[float, ...]
    asymptotic: tuple[float, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    gini: float
    largest_share: float
    status: str


def describe(counts: Counts, seed: int) -> Diversity | None:
    """What is to be said of classes with these counts; None of nothing. `seed` makes the draws the same each time."""
    x = np.sort(counts[counts > 0])[::-1]
    n = int(x.sum())
    if n == 0:
        return None
    c = coverage(x)
    asymptotic = tuple(asymptote(x, q) for q in ORDERS)
    low: list[float | None] = [None, None, None]
    high: list[float | None] = [None, None, None]
    is_sure = {1: c >= ENOUGH_COVERAGE and n >= ENOUGH_ITEMS, 2: n >= ENOUGH_ITEMS and bool(np.isfinite(asymptotic[2]))}
    if any(is_sure.values()):
        spread = _spread(x, seed)
        for q in (1, 2):
            if is_sure[q]:
                low[q] = max(1.0, asymptotic[q] - NORMAL_95 * float(spread[q]))
                high[q] = asymptotic[q] + NORMAL_95 * float(spread[q])
    status = "estimate" if is_sure[1] else "exploratory" if n >= ENOUGH_ITEMS else "not_enough_data"
    observed = tuple(hill(x, q) for q in ORDERS)
    return Diversity(n, x.size, c, observed, asymptotic, tuple(low), tuple(high), gini(x), float(x[0]) / n, status)


def hill(x: Counts, q: int) -> float:
    """The Hill number of order 0, 1 or 2 as observed."""
    p = x / x.sum()
    if q == 0:
        return float(x.size)
    if q == 1:
        return float(np.exp(-(p * np.log(p)).sum()))
    return float(1 / (p**2).sum())


def coverage(x: Counts) -> float:
    """The share of the whole that is of classes which were seen, estimated."""
    n, f1 = int(x.sum()), int((x == 1).sum())
    return 1 - f1 / n * (1 - _unseen_rate(x)) if f1 else 1.0


def asymptote(x: Counts, q: int) -> float:
    """The Hill number of the whole, estimated: of order 0 a lower bound."""
    n = int(x.sum())
    if q == 0:
        return x.size + unseen_classes(x)
    if q == 1:
        return float(np.exp(_entropy(x)))
    pairs = float((x * (x - 1.0)).sum())
    return n * (n - 1) / pairs if pairs else float("inf")


def unseen_classes(x: Counts) -> float:
    """How many classes were not seen at least (Chao 1984)."""
    n, f1, f2 = int(x.sum()), int((x == 1).sum()), int((x == 2).sum())
    if f2:
        return (n - 1) / n * f1**2 / (2 * f2)
    return (n - 1) / n * f1 * (f1 - 1) / 2


def at_size(x: Counts, m: int, q: int) -> float:
    """The Hill number that `m` items would show: fewer than there are, by every way to leave some out, or more."""
    n = int(x.sum())
    if m >= n:
        return _extrapolated(x, m - n, q)
    if q == 0:
        return float(x.size - np.exp(_log_choose(n - x, m) - _log_choose(np.array([n]), m)).sum())
    if q == 2:
        return 1 / (1 / m + (m - 1) / m * float((x * (x - 1.0)).sum()) / (n * (n - 1)))
    # Portfolios of a hundred thousand classes have some hundred different counts.
    sizes, often = np.unique(x, return_counts=True)
    entropy = 0.0
    for begin in range(1, m + 1, _AT_ONCE):
        k = np.arange(begin, min(begin + _AT_ONCE, m + 1))
        ways = _log_choose(sizes[:, None], k) + _log_choose(n - sizes[:, None], m - k) - _log_choose(np.array([n]), m)
        entropy -= float((k / m * np.log(k / m) * (often[:, None] * np.exp(ways)).sum(axis=0)).sum())
    return float(np.exp(entropy))


def coverage_at(x: Counts, m: int) -> float:
    """The coverage that `m` items would have."""
    n, f1 = int(x.sum()), int((x == 1).sum())
    if m < n:
        left = np.exp(_log_choose(n - x, m) - _log_choose(np.array([n - 1]), m))
        return float(1 - (x / n * left).sum())
    return 1 - f1 / n * (1 - _unseen_rate(x)) ** (m - n + 1) if f1 else 1.0


def at_coverage(x: Counts, wanted: float) -> tuple[int, tuple[float, ...]]:
    """The least size, at most twice what there is, with that coverage; and the Hill numbers there."""
    low, high = 1, 2 * int(x.sum())
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if coverage_at(x, middle) >= wanted else (middle + 1, high)
    return low, tuple(at_size(x, low, q) for q in ORDERS)


def gini(x: Counts) -> float:
    """0 where all classes are alike, towards 1 where one has all."""
    ordered = np.sort(x)
    places = np.arange(1, x.size + 1)
    return float(2 * (places * ordered).sum() / (x.size * ordered.sum()) - (x.size + 1) / x.size)


def _unseen_rate(x: Counts) -> float:
    """How likely an item of a class that has one is the second of it: A of Chao and Jost."""
    n, f1, f2 = int(x.sum()), int((x == 1).sum()), int((x == 2).sum())
    if f2:
        return 2 * f2 / ((n - 1) * f1 + 2 * f2)
    return 2 / ((n - 1) * (f1 - 1) + 2) if f1 else 1.0


def _entropy(x: Counts) -> float:
    n, f1 = int(x.sum()), int((x == 1).sum())
    seen = float((x / n * (digamma(n) - digamma(x))).sum())
    a = _unseen_rate(x)
    if not f1 or a == 1:
        return seen
    # (1-a)^(1-n) (-log a - sum of (1-a)^r / r for r < n), as the sum from n on: the difference would lose all digits.
    return seen + f1 / n * _tail(n, -float(np.log1p(-a)))


def _tail(n: int, decay: float) -> float:
    """Sum of exp(-decay k) / (n - 1 + k) for k from 1 on.

    Where nearly all classes have one item it goes on for billions of terms: from the thousandth on it is the integral,
    which is an exponential one, with the two corrections of Euler and Maclaurin that are not below rounding.
    """
    last = min(int(-np.log(_NEGLIGIBLE) / decay) + 1, _SUMMED)
    places = np.arange(1, last + 1)
    summed = float((np.exp(-decay * places) / (n - 1 + places)).sum())
    if last < _SUMMED:
        return summed
    left, at = np.exp(-decay * last), n - 1 + last
    y = decay * at
    integral = left * (np.exp(y) * exp1(y) if y < _LARGE else hyperu(1, 1, y))
    return float(summed + integral - left / at / 2 + left / at * (decay + 1 / at) / 12)


def _extrapolated(x: Counts, more: int, q: int) -> float:
    n = int(x.sum())
    f1 = int((x == 1).sum())
    if q == 2:
        m = n + more
        pairs = float((x * (x - 1.0)).sum()) / (n * (n - 1)) if n > 1 else 0.0
        return 1 / (1 / m + (m - 1) / m * pairs)
    observed = hill(x, q)
    if q == 0:
        f0 = unseen_classes(x)
        return observed + f0 * (1 - (1 - f1 / (n * f0 + f1)) ** more) if f0 else observed
    whole = asymptote(x, q)
    before = at_size(x, n - 1, q) if n > 1 else 1.0
    if whole <= before:
        return observed
    return observed + (whole - observed) * (1 - (1 - (observed - before) / (whole - before)) ** more)


def _spread(x: Counts, seed: int) -> Floats:
    """Standard deviations of the asymptotic values of order 0, 1, 2, by draws from the whole as it is estimated."""
    n = int(x.sum())
    p, unseen = x / n, int(np.ceil(unseen_classes(x)))
    left = p * (1 - p) ** n
    missing = 1 - coverage(x) if unseen and left.sum() > 0 else 0.0
    if missing:
        p = p - missing * left / left.sum()
    rng = np.random.default_rng(seed)
    values = np.array([[asymptote(draw, q) for q in ORDERS] for draw in _draws(rng, n, p, missing, unseen)])
    values[~np.isfinite(values)] = np.nan
    return np.asarray(np.nanstd(values, axis=0, ddof=1))


def _draws(rng: np.random.Generator, n: int, p: Floats, missing: float, unseen: int) -> Iterator[Counts]:
    """Counts of n items from classes that were seen, of shares p, and from as many unseen ones, which share the rest.

    Of a hundred thousand classes with one item each there are billions unseen: only those that are drawn are made.
    """
    shares = np.append(p, missing)
    shares /= shares.sum()
    for _ in range(DRAWS):
        draw = rng.multinomial(n, shares)
        seen = draw[:-1]
        if missing:
            new = np.unique(rng.integers(0, unseen, draw[-1]), return_counts=True)[1]
            seen = np.concatenate([seen, new])
        yield seen[seen > 0]


def _log_choose(n: NDArray[np.int64], k: NDArray[np.int64] | int) -> Floats:
    """log of n over k; -inf where there is no way."""
    n, k = np.broadcast_arrays(n, k)
    with np.errstate(invalid="ignore"):
        ways = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    return np.where((k < 0) | (k > n), -np.inf, ways)
