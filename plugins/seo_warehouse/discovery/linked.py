"""What a link does to pages that wait: what is compared, ratios of hazards, shares of pages like the linked ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log1p, sqrt

import numpy as np
from scipy import sparse

from seo_warehouse.discovery.hazard import Fit, Pieces, fit
from seo_warehouse.discovery.waits import Flags, Floats, Ints

ARMS = ("acquired_followed", "acquired_nofollow", "internal")

NEVER, BEFORE, DONUT, WEEK, MONTH, LATE, LATER = range(7)
"""Where a day stands to a page's first link of an arm: no link near by; in the 14 days before; between a witness's last
look without the link and its first sight; 1-7, 8-28, 29-56 or more days after."""
HEADLINE = 7
"""Days 1 to 28 as one band."""
POOLED = np.array([NEVER, NEVER, NEVER, HEADLINE, HEADLINE, LATE, LATER])
APART = np.array([NEVER, NEVER, NEVER, WEEK, MONTH, LATE, LATER])
ONLY_BEFORE = np.array([NEVER, BEFORE, NEVER, NEVER, NEVER, NEVER, NEVER])
"""From state to band; NEVER has no column."""

MOST_PERIODS = 20
MOST_TOPICS = 20
"""With seven age bands and ten bands of links no more than sixty columns."""
ABSENT, UNMET = -1, -2
REST = -1
"""Stands for the topics with fewer gaps than those that have a column of their own."""

Column = tuple[str, int]
"""A factor and its level."""


@dataclass(frozen=True)
class Gaps:
    """G gaps of pages that wait, in S pieces within which nothing changes.

    page, is_event        (G,)
    gap, days             (S,) which gap a piece is of, from 0, and its length
    age, period, topic    (S,) age band, fortnight and topic, by number
    state                 (S, 3) NEVER to LATER, for each of ARMS
    """

    page: Ints
    is_event: Flags
    gap: Ints
    days: Floats
    age: Ints
    period: Ints
    topic: Ints
    state: Ints

    def where(self, kept: Flags) -> Gaps:
        """Some of the gaps, by flags (G,)."""
        chosen = kept[self.gap]
        number = np.cumsum(kept) - 1
        return Gaps(
            page=self.page[kept],
            is_event=self.is_event[kept],
            gap=number[self.gap[chosen]],
            days=self.days[chosen],
            age=self.age[chosen],
            period=self.period[chosen],
            topic=self.topic[chosen],
            state=self.state[chosen],
        )

    def touched(self, pieces: Flags) -> Flags:
        """Which gaps (G,) have one of these pieces (S,)."""
        return np.bincount(self.gap, pieces, self.page.size) > 0


@dataclass(frozen=True)
class Paths:
    """The 28 days after their link of pages that waited on its day, in N pieces, each (N,).

    early, all_days       how many of a piece's days are among the first 14, and among the 28
    """

    page: Ints
    early: Floats
    all_days: Floats
    age: Ints
    period: Ints
    topic: Ints

    def where(self, kept: Flags) -> Paths:
        """Some of the pieces, by flags (N,)."""
        return Paths(
            page=self.page[kept],
            early=self.early[kept],
            all_days=self.all_days[kept],
            age=self.age[kept],
            period=self.period[kept],
            topic=self.topic[kept],
        )


@dataclass(frozen=True)
class Ratio:
    """Logarithm of the hazard in a band of days, as a multiple of that without a link; events and pages of the band."""

    log_ratio: float
    standard_error: float
    event_count: int
    page_count: int


@dataclass(frozen=True)
class Share:
    """A share with the standard error of log(-log(1 - share))."""

    share: float
    error: float


@dataclass(frozen=True)
class Model:
    """A fit with the meaning of its columns; what no event met has no column, and no hazard.

    ratios              by band
    period_width        fortnights that were taken together
    topics, own_topics  topics that are compared, and those of them with a column of their own
    left_out_count      pages of topics without a linked or without an unlinked page that waits
    """

    arm: str
    places: Mapping[Column, int]
    period_width: int
    topics: Ints
    own_topics: Ints
    ratios: Mapping[int, Ratio]
    fitted: Fit
    event_count: int
    left_out_count: int


def fit_links(gaps: Gaps, arm: int, *, is_apart: bool = False) -> Model | None:
    """The model of one of ARMS by number, the others as covariates. `is_apart`: days 1-7 apart from 8-28."""
    unsure = gaps.touched((gaps.state == DONUT).any(axis=1))
    return _fitted(gaps.where(~unsure), arm, APART if is_apart else POOLED)


def fit_placebo(gaps: Gaps, arm: int) -> Model | None:
    """The same for the 14 days before the link, time after it dropped: its ratio should be 1."""
    dropped = gaps.touched((gaps.state == DONUT).any(axis=1) | (gaps.state[:, arm] > DONUT))
    return _fitted(gaps.where(~dropped), arm, ONLY_BEFORE)


def share_after(model: Model, paths: Paths, *, with_link: bool, is_early: bool) -> Share | None:
    """Of linked pages, the share with the event 14 (`is_early`) or 28 days after, had they the link or not.

    None where no share can be told.
    """
    paths = paths.where(np.isin(paths.topic, model.topics))
    period = _nearest(paths.period // model.period_width, model.places)
    factors = _factors(paths.age, period, paths.topic, model.own_topics)
    if with_link:
        factors.append((model.arm, np.full(paths.page.size, HEADLINE)))
    columns = np.stack([_placed(model.places, name, levels) for name, levels in factors])
    is_met = (columns != UNMET).all(axis=0)
    design = _matrix(columns[:, is_met], len(model.places))
    days = (paths.early if is_early else paths.all_days)[is_met]
    hazard = days * np.exp(design @ model.fitted.coefficients)
    pages, page = np.unique(paths.page, return_inverse=True)
    waiting = np.exp(-np.bincount(page[is_met], hazard, pages.size))
    share = 1 - float(waiting.mean()) if pages.size else 0.0
    if not 0 < share < 1:
        return None
    gradient = design.T @ (hazard * waiting[page[is_met]]) / pages.size
    variance = float(gradient @ model.fitted.covariance @ gradient)
    return Share(share, sqrt(max(variance, 0.0)) / -((1 - share) * log1p(-share)))


def _fitted(gaps: Gaps, arm: int, band_of: Ints) -> Model | None:
    exposed = np.isin(gaps.state[:, arm], [BEFORE, WEEK, MONTH]) & (band_of[gaps.state[:, arm]] != NEVER)
    gaps, left_out_count = _comparable(gaps, exposed)
    if not gaps.is_event.any():
        return None
    width = _period_width(gaps.period)
    own_topics = _largest(gaps.topic)
    factors = _factors(gaps.age, gaps.period // width, gaps.topic, own_topics)
    for number, name in enumerate(ARMS):
        factors.append((name, (band_of if number == arm else POOLED)[gaps.state[:, number]]))
    places = _places(factors, gaps.is_event[gaps.gap])
    columns = np.stack([_placed(places, name, levels) for name, levels in factors])
    is_met = (columns != UNMET).all(axis=0)
    design = _matrix(columns[:, is_met], len(places))
    pieces = Pieces(gaps.gap[is_met], gaps.days[is_met], design, gaps.is_event, gaps.page)
    start = np.zeros(len(places))
    ages = [place for (name, _), place in places.items() if name == "age"]
    start[ages] = np.log(gaps.is_event.sum() / pieces.days.sum())
    found = fit(pieces, start)
    if found is None:
        return None
    own = factors[len(factors) - len(ARMS) + arm][1]
    bands = {level: place for (name, level), place in places.items() if name == ARMS[arm]}
    return Model(
        arm=ARMS[arm],
        places=places,
        period_width=width,
        topics=np.unique(gaps.topic),
        own_topics=own_topics,
        ratios={band: _ratio(gaps, own == band, found, place) for band, place in bands.items()},
        fitted=found,
        event_count=int(gaps.is_event.sum()),
        left_out_count=left_out_count,
    )


def _comparable(gaps: Gaps, exposed: Flags) -> tuple[Gaps, int]:
    """The gaps of topics that have pages with and without the link, and the number of the others' pages."""
    both = np.intersect1d(gaps.topic[exposed], gaps.topic[~exposed])
    kept = gaps.touched(np.isin(gaps.topic, both))
    return gaps.where(kept), int(np.unique(gaps.page[~kept]).size)


def _factors(age: Ints, period: Ints, topic: Ints, own_topics: Ints) -> list[tuple[str, Ints]]:
    return [("age", age), ("period", period), ("topic", np.where(np.isin(topic, own_topics), topic, REST))]


def _period_width(period: Ints) -> int:
    """Fortnights to take together, so that no more than MOST_PERIODS are left."""
    return -(-(int(period.max()) - int(period.min()) + 2) // MOST_PERIODS)


def _nearest(period: Ints, places: Mapping[Column, int]) -> Ints:
    """Of each period the nearest one that an event met: of days to come nothing is known yet."""
    met = np.array(sorted(level for name, level in places if name == "period"), dtype=np.int64)
    after = np.clip(np.searchsorted(met, period), 0, met.size - 1)
    before = np.maximum(after - 1, 0)
    is_before = np.abs(period - met[before]) <= np.abs(met[after] - period)
    return np.where(is_before, met[before], met[after])


def _largest(topic: Ints) -> Ints:
    """The topics with the most pieces."""
    topics, count = np.unique(topic, return_counts=True)
    return topics[np.argsort(-count, kind="stable")[:MOST_TOPICS]]


def _places(factors: Sequence[tuple[str, Ints]], is_event: Flags) -> dict[Column, int]:
    """A column for each level that an event met."""
    met = [
        (name, int(level))
        for name, levels in factors
        for level in np.unique(levels[is_event])
        if name not in ARMS or level != NEVER
    ]
    return {column: place for place, column in enumerate(met)}


def _placed(places: Mapping[Column, int], name: str, levels: Ints) -> Ints:
    """The columns of levels; ABSENT where it needs none, UNMET where it has none."""
    values, place = np.unique(levels, return_inverse=True)
    found = [ABSENT if name in ARMS and level == NEVER else places.get((name, int(level)), UNMET) for level in values]
    return np.asarray(found, dtype=np.int64)[place] if found else np.empty(0, dtype=np.int64)


def _matrix(columns: Ints, count: int) -> sparse.csr_array:
    """Rows (S, count) with a 1 in each of their columns (F, S)."""
    factor, row = np.nonzero(columns >= 0)
    return sparse.csr_array((np.ones(row.size), (row, columns[factor, row])), shape=(columns.shape[1], count))


def _ratio(gaps: Gaps, exposed: Flags, found: Fit, place: int) -> Ratio:
    days = np.bincount(gaps.gap, gaps.days, gaps.page.size)
    inside = np.bincount(gaps.gap, gaps.days * exposed, gaps.page.size)
    is_inside = (inside > 0) & (inside >= days / 2)
    variance = float(found.covariance[place, place]) if found.is_identified[place] else np.nan
    return Ratio(
        log_ratio=float(found.coefficients[place]),
        standard_error=sqrt(variance) if variance >= 0 else np.nan,
        event_count=int((is_inside & gaps.is_event).sum()),
        page_count=int(np.unique(gaps.page[inside > 0]).size),
    )
