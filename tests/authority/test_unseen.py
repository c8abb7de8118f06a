"""What nobody saw: by hand, and on simulated worlds whose truth is known."""

from __future__ import annotations

from collections import Counter
from math import exp, log, sqrt

import numpy as np
import pytest

from seo_warehouse.authority.unseen import lower_bound

NAMES = "abcde"
SEEN = np.array([0.62, 0.5, 0.4, 0.3, 0.22])


def told(looks: np.ndarray) -> Counter[frozenset[str]]:
    """How many things each set of witnesses saw, of a table of things by witness."""
    kinds = Counter(frozenset(name for name, saw in zip(NAMES, row, strict=False) if saw) for row in looks)
    del kinds[frozenset()]
    return kinds


def world(seed: int, spread: float = 0.0, count: int = 3_000) -> np.ndarray:
    """Things that five witnesses see; `spread`: standard deviation of how visible they are (logit)."""
    rng = np.random.default_rng(seed)
    level = np.log(SEEN / (1 - SEEN)) + spread * rng.standard_normal((count, 1))
    return rng.random((count, 5)) < 1 / (1 + np.exp(-level))


def test_the_bound_is_that_of_its_formula() -> None:
    seen = {frozenset("a"): 30, frozenset("b"): 20, frozenset("c"): 10, frozenset("ab"): 25, frozenset("bc"): 15,
            frozenset("abc"): 9}  # fmt: skip
    bound = lower_bound(seen)
    c = 1 - (30**2 + 20**2 + 10**2) / 60**2
    f0, r = c * 60**2 / (2 * 40), 60 / 40
    variance = 40 * (c * r**2 / 2 + c**2 * r**3 + c**2 * r**4 / 4)
    assert bound is not None
    assert (bound.seen, bound.witnesses, bound.left_out, bound.is_guarded) == (109, ("a", "b", "c"), (), False)
    assert bound.bound == pytest.approx(109 + f0)
    assert bound.low == pytest.approx(109 + f0 / exp(1.6448536269514722 * sqrt(log(1 + variance / f0**2))))


@pytest.mark.parametrize(
    "seen",
    [
        {},
        {frozenset("a"): 500},
        {frozenset("a"): 500, frozenset("b"): 400, frozenset("ab"): 300},
        {frozenset("a"): 5, frozenset("b"): 5, frozenset("c"): 5, frozenset("abc"): 900},
    ],
)
def test_too_few_witnesses_or_things_say_nothing(seen: dict[frozenset[str], int]) -> None:
    assert lower_bound(seen) is None


def test_what_nobody_saw_twice_still_has_a_bound() -> None:
    bound = lower_bound({frozenset("a"): 20, frozenset("b"): 20, frozenset("c"): 20, frozenset("abc"): 5})
    assert bound is not None
    assert bound.seen <= bound.low <= bound.bound


@pytest.mark.parametrize("spread", [0.0, 1.5, 2.5])
def test_the_low_end_holds_whatever_the_things_visibility(spread: float) -> None:
    bounds = [lower_bound(told(world(seed, spread))) for seed in range(60)]
    assert sum(bound is not None and bound.low <= 3_000 for bound in bounds) >= 54


def test_the_low_end_holds_where_one_copies_half_of_another() -> None:
    held = 0
    for seed in range(40):
        looks = world(seed)
        rng = np.random.default_rng(seed + 1_000)
        looks[:, 1] |= looks[:, 0] & (rng.random(len(looks)) < 0.5)
        bound = lower_bound(told(looks))
        held += bound is not None and bound.low <= 3_000
    assert held >= 36


def test_the_low_end_holds_where_a_fifth_is_visible_to_nobody() -> None:
    held = 0
    for seed in range(40):
        looks = world(seed, 1.5)
        looks[np.random.default_rng(seed + 1_000).random(len(looks)) < 0.2] = False
        bound = lower_bound(told(looks))
        held += bound is not None and bound.low <= 3_000
    assert held >= 36


def test_a_witness_that_looks_where_the_others_do_not_is_left_out() -> None:
    found = held = 0
    for seed in range(40):
        looks = world(seed, 1.5)
        rng = np.random.default_rng(seed + 1_000)
        # It sees two fifths of what nobody or one sees, and a tenth of what more do.
        share = np.where(looks[:, :4].sum(axis=1) <= 1, 0.4, 0.1)
        looks[:, 4] = rng.random(len(looks)) < share
        bound = lower_bound(told(looks))
        assert bound is not None
        found += bound.left_out == ("e",)
        held += bound.low <= 3_000
    assert (found >= 32, held >= 36) == (True, True)


def test_witnesses_that_see_alike_stay() -> None:
    left_out = [bound.left_out for seed in range(40) if (bound := lower_bound(told(world(seed, 1.5))))]
    assert left_out.count(()) >= 38
