"""The simulated world: link events, edits and daily positions of its properties, from a seed and a first day.

Positions live on a log scale. A page's level is the sum of its links' effects (each phased in), its
edits' effects and its topic's updates; a keyword adds its own start, its walk, its device and the
day's noise. Everything is made at once for `HORIZON_DAYS`, so that any day can be asked in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seo_warehouse.demo.catalogue import ALL_PROPERTIES, DEMO_PROPERTIES, DEVICES, DemoProperty
from seo_warehouse.demo.chance import draw, generator
from seo_warehouse.demo.knobs import Knobs
from seo_warehouse.demo.links import Link, Sight, Visit, make_links, sight, visits

Floats = NDArray[np.float64]

HISTORY_DAYS = 26 * 7
HORIZON_DAYS = 3 * 365
WARM_UP_DAYS = 90
EDIT_KINDS = ("title", "text", "sections")


@dataclass(frozen=True)
class Edit:
    """An on-page edit, visible on the crawlable site from `day` on."""

    property_key: int
    path: str
    day: date
    version: int
    kind: str
    effect: float


@dataclass(frozen=True)
class Position:
    """Where a property truly stands for a keyword on a day: position (from 1) and ranking page."""

    position: int
    path: str


class World:
    """All that is true, from a seed. Raises ValueError where a day lies outside the simulated time."""

    def __init__(self, seed: int, first_day: date, knobs: Knobs | None = None) -> None:
        self.seed = seed
        self.first_day = first_day
        self.knobs = knobs or Knobs()
        self.origin = first_day - timedelta(days=WARM_UP_DAYS)
        self.last_day = first_day + timedelta(days=HORIZON_DAYS)
        self.end = datetime.combine(self.last_day, time(23, 59, 59), UTC)
        self.size = (self.last_day - self.origin).days + 1
        self.links: dict[int, tuple[Link, ...]] = {
            p.key: make_links(seed, p, self.knobs, first_day, self.last_day) for p in ALL_PROPERTIES
        }
        # Nobody edits a panel's pages.
        self.edits: dict[int, tuple[Edit, ...]] = {p.key: tuple(self._make_edits(p)) for p in DEMO_PROPERTIES}

    @property
    def properties(self) -> tuple[DemoProperty, ...]:
        """The demo's properties."""
        return ALL_PROPERTIES

    def index(self, day: date) -> int:
        """Place of a day in the arrays."""
        index = (day - self.origin).days
        if not 0 <= index < self.size:
            raise ValueError(f"{day} lies outside the simulated time {self.origin}..{self.last_day}")
        return index

    def _make_edits(self, prop: DemoProperty) -> list[Edit]:
        edits = []
        for page in prop.pages:
            rng = generator(self.seed, "edits", prop.key, page.path)
            day, version = self.first_day, 1
            while True:
                day += timedelta(days=5 + int(rng.exponential(self.knobs.edit_days)))
                if day > self.last_day:
                    break
                version += 1
                kind = EDIT_KINDS[int(rng.integers(len(EDIT_KINDS)))]
                effect = float(self.knobs.edit_effect * rng.exponential(1.0)) if kind != "title" else 0.0
                edits.append(Edit(prop.key, page.path, day, version, kind, effect / (1 + 0.4 * version)))
        return edits

    def _ramp(self, day: date, delay: int, days: int) -> Floats:
        since = np.arange(self.size, dtype=np.float64) - (day - self.origin).days - delay
        return np.clip(since / max(days, 1), 0.0, 1.0)

    @cached_property
    def _topics(self) -> dict[tuple[int, str], Floats]:
        shocks = {}
        for prop in ALL_PROPERTIES:
            for topic in {page.topic for page in prop.pages}:
                rng = generator(self.seed, "topic", prop.key, topic)
                level = np.cumsum(rng.normal(0.0, 0.006, self.size))
                day = self.origin
                while day <= self.last_day:
                    day += timedelta(days=10 + int(rng.exponential(self.knobs.update_days)))
                    if day <= self.last_day:
                        level = level + rng.normal(0.0, self.knobs.update_sd) * self._ramp(day, 0, 6)
                shocks[prop.key, topic] = level - level[WARM_UP_DAYS]
        return shocks

    @cached_property
    def _levels(self) -> dict[tuple[int, str], Floats]:
        levels = {
            (p.key, page.path): self._topics[p.key, page.topic].copy() for p in ALL_PROPERTIES for page in p.pages
        }
        for links in self.links.values():
            for link in links:
                for change in link.changes:
                    if change.effect:
                        ramp = self._ramp(change.at.date(), self.knobs.effect_delay_days, self.knobs.effect_ramp_days)
                        levels[link.property_key, link.path] += change.effect * ramp
        for edits in self.edits.values():
            for edit in edits:
                if edit.effect:
                    levels[edit.property_key, edit.path] += edit.effect * self._ramp(edit.day, 1, 10)
        return levels

    def level(self, property_key: int, path: str) -> Floats:
        """A page's log-position level by day: links, edits and updates; 0 is the first day's."""
        return self._levels[property_key, path]

    @cached_property
    def _positions(self) -> dict[tuple[int, str, str], Floats]:
        series = {}
        for prop in ALL_PROPERTIES:
            for tracked in prop.tracked:
                walk = generator(self.seed, "walk", prop.key, tracked.keyword).normal(0, self.knobs.walk_sd, self.size)
                # A slow pull to the start keeps a keyword near its place over years.
                kernel = 0.99 ** np.arange(400)
                drift = np.convolve(walk, kernel)[: self.size]
                for device in DEVICES:
                    rng = generator(self.seed, "noise", prop.key, tracked.keyword, device)
                    offset = 0.0 if device == "desktop" else float(rng.normal(0.05, 0.06))
                    log = np.log(tracked.position) + offset + drift + self.level(prop.key, tracked.path)
                    if not tracked.is_brand:
                        log = log + rng.normal(0, self.knobs.noise_sd, self.size)
                    series[prop.key, tracked.keyword, device] = np.clip(np.exp(log), 1.0, 400.0)
        return series

    def latent(self, property_key: int, keyword: str, device: str) -> Floats:
        """Unrounded true positions of a tracked keyword by day."""
        return self._positions[property_key, keyword, device]

    def position(self, prop: DemoProperty, keyword: str, device: str, day: date) -> Position | None:
        """True position on a day; None for a keyword that the property does not rank for."""
        tracked = next((t for t in prop.tracked if t.keyword == keyword), None)
        if tracked is None:
            return None
        place = int(np.rint(self.latent(prop.key, keyword, device)[self.index(day)]))
        hub = f"/{tracked.path.split('/')[1]}/"
        is_switched = not tracked.is_brand and draw(self.seed, "switch", prop.key, keyword, day) < 0.02
        return Position(place, hub if is_switched else tracked.path)

    def version(self, property_key: int, path: str, day: date) -> tuple[int, tuple[str, ...]]:
        """A page's version on a day and the kinds of the edits made so far."""
        made = [edit for edit in self.edits[property_key] if edit.path == path and edit.day <= day]
        return len(made) + 1, tuple(edit.kind for edit in made)

    @cached_property
    def _visits(self) -> dict[int, list[tuple[Link, tuple[Visit, ...]]]]:
        delay = self.knobs.disclosure_delay_days
        return {
            key: [(link, visits(self.seed, link, delay, self.end)) for link in links]
            for key, links in self.links.items()
        }

    def sights(self, property_key: int, now: datetime) -> list[Sight]:
        """Every link that the backlink vendor has seen by `now`, in the order of its making."""
        seen = (sight(link, made, now) for link, made in self._visits[property_key] if link.changes[0].at <= now)
        return [each for each in seen if each is not None]
