"""Search demand of the demo's properties: impressions and clicks by day, page, query, country and device.

Clicks follow from positions, so that what moves a page also moves its traffic. Queries asked by few
people are anonymised: Search Console counts them in totals and leaves them out of rows by query.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from seo_warehouse.demo.arrivals import Arrival, arrivals
from seo_warehouse.demo.catalogue import DEMO_PROPERTIES, DemoProperty
from seo_warehouse.demo.chance import draw, generator
from seo_warehouse.demo.world import World

Floats = NDArray[np.float64]

COUNTRIES = (("usa", 0.55), ("gbr", 0.22), ("deu", 0.08), ("can", 0.09), ("zzz", 0.01))
DEVICES = (("MOBILE", 0.55), ("DESKTOP", 0.39), ("TABLET", 0.06))
FIRST_WHERE = ("usa", "MOBILE")
"""Where pages that were published lately are shown."""
PATTERNS = ("{}", "buy {}", "best {}", "{} uk", "{} reviews", "{} near me")
FINAL_AGE_DAYS = 4
SHARE_BY_AGE = {2: 0.90, 3: 0.97}
"""Share of the final figures that a day shows at this age in days; younger days have none, older ones are final."""


@dataclass(frozen=True)
class Cell:
    """One page, query, country and device that may show results.

    `is_second`: another page of the property stands higher in the same results.
    """

    path: str
    query: str
    country: str
    device: str
    is_anonymous: bool
    is_second: bool
    searches: float
    offset: float


@dataclass(frozen=True)
class DayCells:
    """One day's figures by cell: whole impressions and clicks, position from 1."""

    impressions: NDArray[np.int64]
    clicks: NDArray[np.int64]
    positions: Floats


def _cells(seed: int, prop: DemoProperty, demand: float) -> list[Cell]:
    tracked = {t.path: t for t in prop.tracked}
    found = []
    for page in prop.pages:
        if page.kind == "archive":
            continue
        known = tracked.get(page.path)
        base = np.log(known.position) if known else np.log(9 + 25 * draw(seed, "base", prop.key, page.path))
        size = known.searches if known else 20 + 140 * draw(seed, "size", prop.key, page.path)
        queries = [(pattern.format(page.subject), size * 0.45 / (1 + n), False) for n, pattern in enumerate(PATTERNS)]
        queries += [
            (f"{page.subject} {word} {number}", size * 0.05, True)
            for number, word in enumerate(("my", "for", "with", "in", "without", "like", "or", "next", "old", "small"))
        ]
        if known:
            queries.insert(0, (known.keyword, size, False))
        seen: set[str] = set()
        for query, searches, is_anonymous in queries:
            if query in seen:
                continue
            seen.add(query)
            offset = float(base + 0.35 * draw(seed, "offset", prop.key, page.path, query))
            is_doubled = draw(seed, "double", prop.key, page.path, query) < 0.08 and page.kind == "product"
            for country, country_share in COUNTRIES:
                for device, device_share in DEVICES:
                    daily = searches * country_share * device_share * demand
                    if daily < 0.6 and not is_anonymous:
                        continue
                    found.append(Cell(page.path, query, country, device, is_anonymous, False, daily, offset))
                    if is_doubled:
                        hub = f"/{page.topic}/"
                        found.append(Cell(hub, query, country, device, is_anonymous, True, daily * 0.5, offset + 0.5))
    return found


def _cell(new: Arrival) -> Cell:
    return Cell(new.page.path, new.page.subject, *FIRST_WHERE, False, False, 0, 0)


class Demand:
    """Figures by cell for any day, always the same for the same world and day."""

    def __init__(self, world: World) -> None:
        self.world = world
        of_old = {p.key: _cells(world.seed, p, world.knobs.demand) for p in DEMO_PROPERTIES}
        self._arrivals = {p.key: arrivals(world.seed, p, world.first_day) for p in DEMO_PROPERTIES}
        self.cells = {key: of_old[key] + [_cell(new) for new in arrived] for key, arrived in self._arrivals.items()}
        self._searches = {key: np.array([c.searches for c in cells]) for key, cells in of_old.items()}
        self._offsets = {key: np.array([c.offset for c in cells]) for key, cells in of_old.items()}
        self._paths = {key: sorted({c.path for c in cells}) for key, cells in of_old.items()}
        self._path_no = {
            key: np.array([self._paths[key].index(c.path) for c in cells]) for key, cells in of_old.items()
        }
        self._full = lru_cache(maxsize=64)(self._make)

    def _make(self, property_key: int, day: date) -> tuple[DayCells, Floats]:
        index = self.world.index(day)
        rng = generator(self.world.seed, "demand", property_key, day)
        levels = np.array([self.world.level(property_key, path)[index] for path in self._paths[property_key]])
        offsets = self._offsets[property_key]
        noise = rng.normal(0, 0.08, offsets.size)
        positions = np.clip(np.exp(offsets + levels[self._path_no[property_key]] + noise), 1.0, 95.0)
        season = 1 + 0.25 * np.sin(2 * np.pi * (day.timetuple().tm_yday - 60) / 365)
        week = 0.85 if day.weekday() >= 5 else 1.05
        # The first page of results is seen by all, each further one by far fewer.
        seen = np.exp(-0.9 * np.floor((positions - 1) / 10))
        impressions = rng.poisson(self._searches[property_key] * season * week * seen)
        clicks = rng.binomial(impressions, np.clip(0.3 * positions**-1.1, 0.0005, 0.35))
        luck = rng.random(offsets.size)
        new = self._make_new(property_key, day)
        return DayCells(
            np.concatenate([impressions, new.impressions]),
            np.concatenate([clicks, new.clicks]),
            np.concatenate([np.round(positions, 2), new.positions]),
        ), np.concatenate([luck, np.ones(new.clicks.size)])

    def _make_new(self, property_key: int, day: date) -> DayCells:
        """Figures of pages that were published lately: shown each day from their first one on, and rarely clicked."""
        shown = np.array(
            [new.shown is not None and new.shown <= day for new in self._arrivals[property_key]], dtype=bool
        )
        rng = generator(self.world.seed, "demand of new pages", property_key, day)
        impressions = shown * (1 + rng.poisson(4, shown.size))
        clicks = rng.binomial(impressions, 0.02)
        return DayCells(impressions, clicks, np.round(14 + 5 * rng.random(shown.size), 2))

    def on(self, property_key: int, day: date, today: date) -> DayCells | None:
        """The day's figures as shown on `today`; None where there are none yet. The last days show a share only."""
        age = (today - day).days
        if age < min(SHARE_BY_AGE) or day < self.world.origin:
            return None
        full, luck = self._full(property_key, day)
        share = SHARE_BY_AGE.get(age)
        if share is None:
            return full
        impressions = np.floor(full.impressions * share + luck).astype(np.int64).clip(max=full.impressions)
        clicks = np.minimum(np.floor(full.clicks * share + luck / 2).astype(np.int64), impressions)
        return DayCells(impressions, clicks, full.positions)
