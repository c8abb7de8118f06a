"""Checks of the method on a property's own data: would it see an effect where there is none, and do its choices matter?

Each reads the rows of the headline once: cells, pages, changes. N rows, C cells, G pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from seo_warehouse.effect.estimates import LEAST_EVENTS
from seo_warehouse.effect.inference import CONFIDENCE, quantile

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

DRAWS = 200
SEED = 20_070_401
"""Fixed, so that the same data give the same share."""


@dataclass(frozen=True)
class Rows:
    """Units of one comparison, each (N,): cell and page by any numbers, whether treated, change of the outcome."""

    cell: Ints
    page: Ints
    is_treated: Flags
    change: Floats

    def where(self, kept: Flags) -> Rows:
        """Some of the rows."""
        return Rows(self.cell[kept], self.page[kept], self.is_treated[kept], self.change[kept])


@dataclass(frozen=True)
class Effect:
    """An estimate, variance-weighted, with its standard error, clustered by page; degrees of freedom of its t."""

    estimate: float
    standard_error: float
    degrees: int
    treated_count: int

    @property
    def half_width(self) -> float:
        """Half of the 95 % interval's width."""
        return quantile(0.5 + CONFIDENCE / 2, self.degrees) * self.standard_error


def comparable(rows: Rows) -> Rows:
    """The rows of cells that have both a treated and a control row, with cells and pages numbered from 0."""
    _, cell = np.unique(rows.cell, return_inverse=True)
    treated = np.bincount(cell, rows.is_treated)
    kept = (treated[cell] > 0) & (treated[cell] < np.bincount(cell)[cell])
    _, cell = np.unique(rows.cell[kept], return_inverse=True)
    _, page = np.unique(rows.page[kept], return_inverse=True)
    return Rows(cell.astype(np.int64), page.astype(np.int64), rows.is_treated[kept], rows.change[kept])


def estimate(rows: Rows) -> Effect | None:
    """The same estimate as int_effect__estimate_effects makes; None with too little to compare."""
    rows = comparable(rows)
    d = rows.is_treated.astype(np.float64)
    treated_pages = np.unique(rows.page[rows.is_treated]).size
    cells = int(rows.cell.max()) + 1 if rows.cell.size else 0
    if treated_pages < LEAST_EVENTS or rows.cell.size <= 1 + cells:
        return None
    count = np.bincount(rows.cell)
    centred = d - (np.bincount(rows.cell, d) / count)[rows.cell]
    change = rows.change - (np.bincount(rows.cell, rows.change) / count)[rows.cell]
    weight = float(centred @ centred)
    effect = float(centred @ change) / weight
    scores: Floats = np.bincount(rows.page, centred * (change - effect * centred)).astype(np.float64)
    return _effect(effect, scores, weight, rows.cell.size, cells, treated_pages, int(d.sum()))


def fake_dates(controls: Rows, draws: int = DRAWS, seed: int = SEED) -> Iterator[bool]:
    """Whether the method sees an effect where one page of each cell of untouched pages is called treated, by draw.

    Nothing where too few cells have two such pages.
    """
    _, cell, count = np.unique(controls.cell, return_inverse=True, return_counts=True)
    kept = count[cell] > 1
    _, cell = np.unique(controls.cell[kept], return_inverse=True)
    _, page = np.unique(controls.page[kept], return_inverse=True)
    if not cell.size or np.unique(page).size < LEAST_EVENTS or int(cell.max()) + 1 < LEAST_EVENTS:
        return
    order = np.argsort(cell, kind="stable")
    cell, page, change = cell[order], page[order], controls.change[kept][order]
    count = np.bincount(cell)
    begin = np.concatenate([[0], np.cumsum(count)[:-1]])
    share = 1.0 / count
    change = change - (np.bincount(cell, change) / count)[cell]
    # Of all rows as controls; a drawn row has the rest of a treated one on top.
    score_of_page = np.bincount(page, -share[cell] * change)
    leverage_of_page = np.bincount(page, share[cell] ** 2)
    pages, cells = score_of_page.size, count.size
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        drawn = begin + (rng.random(cells) * count).astype(np.int64)
        treated_pages = np.unique(page[drawn]).size
        if treated_pages < LEAST_EVENTS or cell.size <= 1 + cells:
            return
        scores = score_of_page + np.bincount(page[drawn], change[drawn], pages)
        leverages = leverage_of_page + np.bincount(page[drawn], 1 - 2 * share, pages)
        weight = float((1 - share).sum())
        effect = float(change[drawn].sum()) / weight
        found = _effect(
            effect,
            np.asarray(scores - effect * leverages, dtype=np.float64),
            weight,
            cell.size,
            cells,
            treated_pages,
            cells,
        )
        yield abs(found.estimate) > found.half_width


def _effect(
    effect: float, scores: Floats, weight: float, rows: int, cells: int, treated_pages: int, treated: int
) -> Effect:
    clusters = int(scores.size)
    factor = clusters / (clusters - 1) * (rows - 1) / (rows - 1 - cells)
    return Effect(effect, sqrt(factor * float(scores @ scores)) / weight, treated_pages - 1, treated)
