"""How many things nobody saw, at the least: Chao's lower bound over several witnesses.

Chao 1987 (DOI 10.2307/2531532) for witnesses that are not equally good: of the things that one witness alone saw, those
of each are weighed by its own share, since the usual factor (t - 1) / t is right only where all are alike. It is a
bound for any mixture of things that are easy and hard to see; there is no upper end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from math import exp, log, sqrt

LOW_95 = 1.6448536269514722
LEAST_ONCE_OR_TWICE = 20
"""Things that one or two witnesses saw: below, nothing is said."""
LEAST_WITNESSES = 3
AVOIDS = -2.326347874040841
"""z from which a witness sees fewer of what another sees than chance alone would have it (one in a hundred)."""

Seen = Mapping[frozenset[str], int]
"""How many things were seen by exactly these witnesses."""


@dataclass(frozen=True)
class Bound:
    """`seen` things by all witnesses; at least `bound`, and with 95 % confidence at least `low`.

    `left_out` looked only where the others do not, and have no part in the estimate, which is never below `seen`.
    `is_guarded`: there were enough witnesses to find such.
    """

    seen: int
    bound: float
    low: float
    witnesses: tuple[str, ...]
    left_out: tuple[str, ...]
    is_guarded: bool


def lower_bound(seen: Seen) -> Bound | None:
    """The bound; None of fewer than three witnesses, or where too few things were seen once or twice."""
    total = sum(seen.values())
    witnesses = frozenset(name for names in seen for name in names)
    left_out: list[str] = []
    is_guarded = len(witnesses) > LEAST_WITNESSES
    while len(witnesses) > LEAST_WITNESSES and (worst := _avoiding(seen, witnesses)):
        left_out.append(worst)
        witnesses -= {worst}
    if len(witnesses) < LEAST_WITNESSES:
        return None
    kept = _restricted(seen, witnesses)
    alone = {name: kept.get(frozenset({name}), 0) for name in witnesses}
    f1 = sum(alone.values())
    f2 = sum(count for names, count in kept.items() if len(names) == 2)
    if f1 + f2 < LEAST_ONCE_OR_TWICE:
        return None
    added, low = _added(f1, f2, 1 - sum((count / f1) ** 2 for count in alone.values()) if f1 else 0.0)
    # Added is what the others did not see: what the one that was left out alone saw is among it.
    known = sum(kept.values())
    bound, least = max(float(total), known + added), max(float(total), known + low)
    return Bound(total, bound, least, tuple(sorted(witnesses)), tuple(left_out), is_guarded)


def _added(f1: int, f2: int, c: float) -> tuple[float, float]:
    """How many were not seen at least, and the low end of that."""
    if f2 == 0:
        f0 = c * f1 * (f1 - 1) / 2
        variance = c * f1 * (f1 - 1) / 2 + c**2 * f1 * (2 * f1 - 1) ** 2 / 4 - (f0**2 / f1 if f1 else 0.0)
    else:
        r = f1 / f2
        f0 = c * f1**2 / (2 * f2)
        variance = f2 * (c * r**2 / 2 + c**2 * r**3 + c**2 * r**4 / 4)
    if f0 <= 0:
        return 0.0, 0.0
    return f0, f0 / exp(LOW_95 * sqrt(log(1 + max(variance, 0.0) / f0**2)))


def _avoiding(seen: Seen, witnesses: frozenset[str]) -> str | None:
    """The witness that avoids most what others see; None where none does."""
    scores: dict[str, list[float]] = {name: [] for name in witnesses}
    for pair in combinations(sorted(witnesses), 2):
        z = _association(seen, *pair, witnesses)
        for name in pair:
            scores[name].append(z)
    suspects = [name for name in witnesses if min(scores[name]) < AVOIDS]
    return min(suspects, key=lambda name: (sum(scores[name]), name), default=None)


def _association(seen: Seen, one: str, other: str, witnesses: frozenset[str]) -> float:
    """How far two witnesses agree on what a third one saw: standard scores of the hypergeometric distribution."""
    thirds = witnesses - {one, other}
    known = {names: count for names, count in seen.items() if names & thirds}
    n = sum(known.values())
    a = sum(count for names, count in known.items() if one in names)
    b = sum(count for names, count in known.items() if other in names)
    both = sum(count for names, count in known.items() if {one, other} <= names)
    variance = a * b * (n - a) * (n - b) / (n**2 * (n - 1)) if n > 1 else 0.0
    return (both - a * b / n) / sqrt(variance) if variance else 0.0


def _restricted(seen: Seen, witnesses: frozenset[str]) -> dict[frozenset[str], int]:
    kept: dict[frozenset[str], int] = {}
    for names, count in seen.items():
        kept[names & witnesses] = kept.get(names & witnesses, 0) + count
    kept.pop(frozenset(), None)
    return kept
