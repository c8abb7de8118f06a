"""The links of a simulated panel: on which pages they fall, what happens to each, and what that does to the page.

What tells is a domain's link of a class to a page: a second one beside it changes nothing, nor does the loss of one of
two. Days are numbered from 0; P pages, T days, E events.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seo_warehouse.demo.chance import generator
from seo_warehouse.demo.knobs import PanelKnobs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

START, GAINED, LOST, RESTORED = range(4)
KINDS = ("present_at_start", "acquired", "lost", "restored")
FOLLOWED, NOFOLLOW, UNKNOWN = range(3)
CLASSES = ("followed", "nofollow", "unknown")

DOMAINS = 4_000
SPELL_DAYS = 7
SAME_CLASS_SHARE = 0.75
"""New links beside a domain's live one that are of its class."""


@dataclass(frozen=True)
class LinkEvents:
    """What happened to links, each (E,), in order of true day. `kind` indexes KINDS, `rel_class` CLASSES.

    A link of kind START was live since ever and has day 0. `earliest_day` is the last look before the change,
    `seen_day` the look that saw it (T or later: nobody in the panel's time). A link that went before anybody saw it
    come, or came back before anybody missed it, was not seen in either. `authority` 0-1000. `effect` is the shift of
    the page's log position, phased in from `true_day`.
    """

    link: Ints
    domain: Ints
    page: Ints
    kind: Ints
    rel_class: Ints
    authority: Ints
    true_day: Ints
    earliest_day: Ints
    seen_day: Ints
    effect: Floats


@dataclass(frozen=True)
class _Link:
    domain: int
    page: int
    rel_class: int


def pull(seed: int, knobs: PanelKnobs) -> Floats:
    """How much each page attracts links, (P, 1), in standard deviations."""
    return generator(seed, "pull").normal(0.0, 1.0, (knobs.pages, 1))


def attraction(seed: int, knobs: PanelKnobs, slope: Floats, page_walk: Floats) -> Floats:
    """Cumulative chances (P, T) of a day's new link to fall on a page or on one before it.

    slope       (P, T) daily change of the page's own trend; below 0 the page rises
    page_walk   (P, T) the page's distance from its usual place; below 0 it is in luck
    """
    rise = -slope / knobs.trend_sd if knobs.trend_sd else np.zeros_like(slope)
    summed = np.concatenate([np.zeros((knobs.pages, 1)), np.cumsum(page_walk, axis=1)], axis=1)
    last = np.arange(knobs.days)
    first = np.maximum(last - SPELL_DAYS, 0)
    usual = knobs.page_walk_sd / np.sqrt(1 - knobs.walk_memory**2)
    spell = -(summed[:, last] - summed[:, first]) / np.maximum(last - first, 1) / (usual or 1.0)
    chances = np.cumsum(
        np.exp(knobs.pull_spread * pull(seed, knobs) + knobs.rise_selection * rise + knobs.spell_selection * spell),
        axis=0,
    )
    return np.asarray(chances / chances[-1])


def make_links(seed: int, knobs: PanelKnobs, chances: Floats) -> LinkEvents:
    """The links of a panel; `chances` as `attraction` gives them."""
    web = _Web(seed, knobs, chances)
    web.begin()
    for day in range(knobs.days):
        web.live_day(day)
    link, domain, page, kind, rel_class, authority, true_day, earliest, seen = np.array(web.rows, dtype=np.int64).T
    effect = np.array(web.effects)
    return LinkEvents(link, domain, page, kind, rel_class, authority, true_day, earliest, seen, effect)


class _Web:
    """The links of a panel while they are being made."""

    def __init__(self, seed: int, knobs: PanelKnobs, chances: Floats) -> None:
        self.knobs, self.chances = knobs, chances
        self.rng = generator(seed, "links")
        self.authority = np.rint(1_000 * self.rng.random(DOMAINS) ** 1.4).astype(np.int64)
        spread = knobs.effect_spread
        self.strength = np.exp(generator(seed, "strength").normal(-spread * spread / 2, spread, DOMAINS))
        self.pr_days = generator(seed, "pr").choice(knobs.days, knobs.pr_days, replace=False).tolist()
        self.rows: list[tuple[int, ...]] = []
        self.last: dict[int, int] = {}  # row of a link's last change
        self.effects: list[float] = []
        self.links: list[_Link] = []
        self.live: list[int] = []
        self.gone: list[tuple[int, int]] = []  # link, day of its loss
        self.standing: Counter[_Link] = Counter()
        self.count: Counter[int] = Counter()
        self.bursts: dict[int, list[int]] = {}

    def worth(self, link: _Link) -> float:
        """Log-position shift of the link: more from authority, less where a page has many links already."""
        share = {FOLLOWED: 1.0, NOFOLLOW: self.knobs.nofollow_worth, UNKNOWN: 0.0}[link.rel_class]
        growth = 1 + self.knobs.authority_growth * (2 * int(self.authority[link.domain]) / 1_000 - 1)
        size = self.knobs.followed_effect * share * growth * float(self.strength[link.domain])
        return size * 4 / (4 + self.count[link.page])

    def note(self, number: int, kind: int, day: int, effect: float) -> None:
        """A row of a link's history."""
        link, late = self.links[number], 0
        if kind != START:
            late = int(np.rint(self.knobs.discovery_days * (0.5 + self.rng.random())))
        is_uncertain = self.rng.random() < self.knobs.uncertain_share
        doubt = int(self.rng.integers(21, 43) if is_uncertain else self.rng.integers(0, 2))
        seen, before = day + late, self.last.get(number)
        if before is not None and self.rows[before][-1] > day:
            self.rows[before] = (*self.rows[before][:-1], self.knobs.days)
            seen = self.knobs.days
        authority = int(self.authority[link.domain])
        self.last[number] = len(self.rows)
        self.rows.append((number, link.domain, link.page, kind, link.rel_class, authority, day, day - doubt, seen))
        self.effects.append(effect)

    def stand(self, number: int, kind: int, day: int) -> None:
        """A link becomes live."""
        link = self.links[number]
        is_first = self.standing[link] == 0
        self.note(number, kind, day, self.worth(link) if is_first and kind != START else 0.0)
        self.standing[link] += 1
        self.count[link.page] += is_first
        self.live.append(number)

    def fall(self, day: int) -> None:
        """A live link ends; nothing where none is."""
        if not self.live:
            return
        number = self.live.pop(int(self.rng.integers(len(self.live))))
        link = self.links[number]
        self.standing[link] -= 1
        is_last = self.standing[link] == 0
        self.count[link.page] -= is_last
        self.note(number, LOST, day, -self.worth(link) if is_last else 0.0)
        self.gone.append((number, day))

    def rise(self, day: int) -> None:
        """A lost link comes back; nothing where none was lost before today."""
        ready = [place for place, (_, lost) in enumerate(self.gone) if lost < day]
        if ready:
            number, _ = self.gone.pop(ready[int(self.rng.integers(len(ready)))])
            self.stand(number, RESTORED, day)

    def add(self, link: _Link, kind: int, day: int) -> None:
        """A link that was not there before."""
        self.links.append(link)
        self.stand(len(self.links) - 1, kind, day)

    def some_domain(self) -> int:
        """Any domain."""
        return int(self.rng.integers(DOMAINS))

    def some_class(self) -> int:
        """The class of a new link."""
        chance = self.rng.random()
        if chance > 1 - self.knobs.unknown_share:
            return UNKNOWN
        return NOFOLLOW if chance < self.knobs.nofollow_share else FOLLOWED

    def begin(self) -> None:
        """The links of the first day."""
        for page, count in enumerate(self.rng.poisson(self.knobs.start_links, self.knobs.pages)):
            for _ in range(int(count)):
                self.add(_Link(self.some_domain(), page, self.some_class()), START, 0)

    def gain(self, day: int, chance: float) -> None:
        """A new link: beside a live one of its domain, or on the page that the chance names and maybe not alone."""
        knobs = self.knobs
        if self.live and self.rng.random() < knobs.repeat_share:
            beside = self.links[self.live[int(self.rng.integers(len(self.live)))]]
            rel_class = beside.rel_class if self.rng.random() < SAME_CLASS_SHARE else self.some_class()
            self.add(_Link(beside.domain, beside.page, rel_class), GAINED, day)
            return
        page = int(np.searchsorted(self.chances[:, day], chance, side="right"))
        self.add(_Link(self.some_domain(), page, self.some_class()), GAINED, day)
        if self.rng.random() < knobs.burst_share:
            for _ in range(1 + int(self.rng.integers(2))):
                self.bursts.setdefault(day + 1 + int(self.rng.integers(28)), []).append(page)

    def live_day(self, day: int) -> None:
        """All that happens on a day."""
        knobs = self.knobs
        for page in self.bursts.pop(day, []):
            self.add(_Link(self.some_domain(), page, self.some_class()), GAINED, day)
        for chance in self.rng.random(self.rng.poisson(knobs.gain_rate * knobs.pages)):
            self.gain(day, float(chance))
        if day in self.pr_days:
            for chance in self.rng.random(knobs.pr_links):
                page = int(np.searchsorted(self.chances[:, day], chance, side="right"))
                self.add(_Link(self.some_domain(), page, self.some_class()), GAINED, day)
        for _ in range(self.rng.poisson(knobs.loss_rate * knobs.pages)):
            self.fall(day)
        for _ in range(self.rng.poisson(knobs.restore_rate * knobs.pages)):
            self.rise(day)
