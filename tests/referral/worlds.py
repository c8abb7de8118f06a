"""Worlds of links whose visits are known one by one, and what a witness sees of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seo_warehouse.referral.allocation import LEAST_VISITS, SPANS, Group, allocate
from seo_warehouse.referral.habits import Floats, Habits, learn, miss
from seo_warehouse.referral.links import PAST_DECAY, Link, evidence_of

DAYS = 180
PIECE_DAYS = 7
PIECES = np.arange(DAYS) // PIECE_DAYS
KINDS = 9
AGES = (7, 14, 28, 56, 112)
"""Days at which a class of age ends."""
DECAY = np.array([6.0, 3.0, 2.0, 1.4, 1.1, 1.0])


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """How a world is drawn."""

    hosts: int = 150
    missed: float = 0.15
    policies_seen: float = 0.85
    is_kind_known: bool = True
    day_shape: float | None = None
    born_at_start: float = 0.3
    mixed_hosts: float = 0.0
    late_days: int = 0
    """Up to so many days after it came a link is found."""


@dataclass(frozen=True)
class World:
    """Groups with what each link, and last the links that nobody knows, truly sent; and habits learned from it."""

    groups: tuple[Group, ...]
    truths: tuple[NDArray[np.int64], ...]
    habits: Habits


@dataclass(frozen=True)
class Score:
    """Errors are misallocated visits over visits; covers are shares of links."""

    error: float
    equal_error: float
    cover: float
    large_cover: float
    link_count: int
    large_count: int
    missed_share: float
    told_missed_share: float
    is_missed_held: bool


def draw_world(seed: int, scenario: Scenario) -> World:
    """Hosts of one to many links to a page each, visited for half a year."""
    rng = np.random.default_rng([seed, 7])
    hosts = [_host(rng, scenario) for _ in range(scenario.hosts)]
    named = [link for host in hosts for link in host if link.sent_full.sum()]
    missed = miss(sum(not link.is_known for link in named), len(named))
    habits = learn(evidence_of([link for host in hosts for link in _told(host)], len(DECAY)), KINDS, missed, mean=0.1)
    made = [_group(number + 1000 * seed, host, habits) for number, host in enumerate(hosts)]
    kept = [(group, truth) for group, truth in made if group.visits.sum() >= LEAST_VISITS]
    return World(tuple(group for group, _ in kept), tuple(truth for _, truth in kept), habits)


def judge(world: World) -> Score:
    """How well the visits of each group are laid to its links, over the whole time."""
    wrong = equal = visits = told_missed = low_missed = high_missed = missed = 0.0
    held: list[bool] = []
    is_large: list[bool] = []
    for group, truth in zip(world.groups, world.truths, strict=True):
        made, last, known = allocate(group, world.habits), len(SPANS) - 1, truth.size - 1
        value, low, high = (part[:, last] for part in (made.visits, made.low, made.high))
        wrong += np.abs(value - truth).sum()
        equal += np.abs(np.append(np.full(known, group.visits.sum() / known), 0) - truth).sum()
        visits += truth.sum()
        held += list((low <= truth)[:-1] & (truth <= high)[:-1])
        is_large += list(value[:-1] >= 10)
        missed, told_missed = missed + truth[-1], told_missed + value[-1]
        low_missed, high_missed = low_missed + low[-1], high_missed + high[-1]
    large = np.array(held)[np.array(is_large)]
    return Score(
        error=float(wrong / visits),
        equal_error=float(equal / visits),
        cover=float(np.mean(held)),
        large_cover=float(large.mean()) if large.size else float("nan"),
        link_count=len(held),
        large_count=large.size,
        missed_share=float(missed / visits),
        told_missed_share=float(told_missed / visits),
        is_missed_held=bool(low_missed <= missed <= high_missed),
    )


@dataclass(frozen=True)
class _Link:
    kind: int
    born: int
    gone: int
    is_known: bool
    seen_policy: str
    sent_full: NDArray[np.int64]
    sent_origin: NDArray[np.int64]

    def ages(self) -> NDArray[np.int64]:
        """(DAYS,) class of age; -1 where it did not live."""
        day = np.arange(DAYS)
        return np.where((day >= self.born) & (day < self.gone), np.searchsorted(AGES, day - self.born, "right"), -1)


def _host(rng: np.random.Generator, scenario: Scenario) -> list[_Link]:
    policy = rng.choice(["origin", "full", "none"], p=[0.76, 0.15, 0.09])
    is_mixed = rng.random() < scenario.mixed_hosts
    number = 1 + int(rng.geometric(0.28)) if rng.random() < 0.8 else 1
    links = []
    for _ in range(number):
        kind, rate = int(rng.integers(KINDS)), 0.12 * rng.gamma(0.5, 2.0)
        rate *= (0.2, 1.0, 3.0)[kind % 3] * (0.5, 1.0, 2.0)[kind // 3]
        own = rng.choice(["origin", "full", "none"], p=[0.7, 0.15, 0.15]) if is_mixed else policy
        born = -200 if rng.random() < scenario.born_at_start else int(rng.integers(-60, DAYS - 20))
        gone = born + int(rng.exponential(400)) + 20
        day = np.arange(DAYS)
        lives = (day >= born) & (day < gone)
        expected = np.where(lives, rate * DECAY[np.searchsorted(AGES, np.maximum(day - born, 0), "right")], 0.0)
        if scenario.day_shape:
            expected = expected * rng.gamma(scenario.day_shape, 1 / scenario.day_shape, DAYS)
        share = {"origin": (0.0, 0.94), "full": (0.95, 0.05), "none": (0.0, 0.0)}[own]
        sent = [rng.poisson(expected * part).astype(np.int64) for part in share]
        seen = own if rng.random() < scenario.policies_seen else "unknown"
        is_known = bool(rng.random() >= scenario.missed)
        found = born + (int(rng.integers(scenario.late_days)) if scenario.late_days else 0)
        links.append(_Link(kind if scenario.is_kind_known else 0, found, gone, is_known, str(seen), *sent))
    return links


def _candidates(host: list[_Link]) -> list[_Link]:
    return [link for link in host if link.is_known and link.seen_policy != "none"]


def _living(links: list[_Link]) -> NDArray[np.int64]:
    """(DAYS,) how many of the links lived."""
    living: NDArray[np.int64] = np.sum([np.zeros(DAYS, np.int64), *(link.ages() >= 0 for link in links)], axis=0)
    return living


def _told(host: list[_Link]) -> list[Link]:
    """The candidates of a host as the models tell of them."""
    candidates = _candidates(host)
    living, sent = _living(candidates), np.sum([link.sent_origin for link in host], axis=0)
    told = []
    for link in candidates:
        ages = link.ages()
        is_alone = (living == 1) & (ages >= 0)
        sole = np.where(is_alone, sent, 0)
        by_week = np.bincount(PIECES, np.where(ages >= PAST_DECAY, sole + link.sent_full, 0))
        policy = None if link.seen_policy == "unknown" else link.seen_policy
        days = (_by_age(ages, ages >= 0), _by_age(ages, is_alone))
        counts = (_by_age(ages, link.sent_full), _by_age(ages, sole))
        told.append(Link(link.kind, policy, *days, *counts, float((by_week * (by_week - 1)).sum())))
    return told


def _by_age(ages: NDArray[np.int64], what: NDArray[np.int64] | NDArray[np.bool_]) -> Floats:
    """(A,) sums of what is of a day."""
    return np.bincount(ages[ages >= 0], what[ages >= 0], len(DECAY)).astype(np.float64)


def _group(seed: int, host: list[_Link], habits: Habits) -> tuple[Group, NDArray[np.int64]]:
    """Days on which two or more candidates lived; and what each of them, and all others together, then sent."""
    links, told, number = _candidates(host), _told(host), int(PIECES[-1]) + 1
    is_shared = _living(links) > 1
    exposure = np.zeros((len(links), number))
    for place, (link, known) in enumerate(zip(links, told, strict=True)):
        rate = np.where(link.ages() >= 0, habits.decay[np.maximum(link.ages(), 0)], 0.0)
        exposure[place] = np.bincount(PIECES, known.host_share * is_shared * rate, number)
    sent = np.sum([link.sent_origin for link in host], axis=0) * is_shared
    own = [int((link.sent_origin * is_shared).sum()) for link in links]
    group = Group(
        visits=np.bincount(PIECES, sent, number).astype(np.int64),
        span=np.full(number, len(SPANS) - 1),
        exposure=exposure,
        mean=np.array([habits.means[link.kind] for link in links]),
        own_visits=np.array([known.exact.sum() for known in told]),
        own_exposure=np.array([float(known.page_days @ habits.decay) for known in told]),
        seed=seed,
    )
    return group, np.array([*own, int(sent.sum()) - sum(own)])
