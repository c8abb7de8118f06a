"""The breadth of a portfolio month by month: what each class had, and what may be said of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from seo_warehouse.authority.diversity import (
    ENOUGH_ITEMS,
    Counts,
    Diversity,
    at_coverage,
    coverage_at,
    describe,
)

UNKNOWN = ""
"""The class of what has none: left out, and its share stated."""

Series = tuple[int, str, str]
"""Property, dimension and weight."""
Change = tuple[date, str, int]
"""Month, class, and how many it has from then on."""


@dataclass(frozen=True)
class Breadth:
    """A row of `ops.portfolio`. None where too little is there to say; `fingerprint` names what a row follows from."""

    property_key: int
    dimension: str
    weight: str
    month: date
    item_count: int
    class_count: int
    unknown_share: float | None
    largest_share: float | None
    gini: float | None
    coverage: float | None
    hill_1: float | None
    hill_2: float | None
    asymptotic_0: float | None
    asymptotic_1: float | None
    asymptotic_2: float | None
    low_1: float | None
    high_1: float | None
    low_2: float | None
    high_2: float | None
    common_coverage: float | None
    common_0: float | None
    common_1: float | None
    common_2: float | None
    status: str
    fingerprint: str


def follow(
    series: Series, months: Iterable[date], changes: Iterable[Change], known: Mapping[str, Breadth]
) -> Iterator[Breadth]:
    """Each month of a series, of which only changes are told, in order of month.

    `known`: rows of an earlier time by fingerprint, which are not made again.
    """
    counted = list(_counted(months, changes))
    whole = [counts for _, counts, _ in counted if counts.sum() >= ENOUGH_ITEMS]
    common = min((coverage_at(counts, 2 * int(counts.sum())) for counts in whole), default=None)
    for month, counts, unknown in counted:
        name = _fingerprint(series, month, counts, unknown, common)
        yield known.get(name) or _breadth(series, month, counts, unknown, common, name)


def _counted(months: Iterable[date], changes: Iterable[Change]) -> Iterator[tuple[date, Counts, int]]:
    """Each month with the counts of its classes, largest first, and how many have none."""
    held: dict[str, int] = {}
    waiting = iter(changes)
    change = next(waiting, None)
    for month in months:
        while change is not None and change[0] <= month:
            held[change[1]] = change[2]
            change = next(waiting, None)
        counts = np.array([count for name, count in held.items() if name != UNKNOWN and count > 0], np.int64)
        yield month, np.sort(counts)[::-1], held.get(UNKNOWN, 0)


def _breadth(
    series: Series, month: date, counts: Counts, unknown: int, common: float | None, fingerprint: str
) -> Breadth:
    found = describe(counts, _seed(fingerprint))
    items = int(counts.sum())
    is_enough = found is not None and items >= ENOUGH_ITEMS
    shown: Diversity | None = found if is_enough else None
    alike = at_coverage(counts, common)[1] if is_enough and common is not None else (None, None, None)
    return Breadth(
        *series,
        month=month,
        item_count=items,
        class_count=counts.size,
        unknown_share=unknown / (items + unknown) if items + unknown else None,
        largest_share=found.largest_share if found else None,
        gini=shown.gini if shown else None,
        coverage=shown.coverage if shown else None,
        hill_1=shown.observed[1] if shown else None,
        hill_2=shown.observed[2] if shown else None,
        asymptotic_0=shown.asymptotic[0] if shown else None,
        asymptotic_1=shown.asymptotic[1] if shown else None,
        asymptotic_2=_finite(shown.asymptotic[2]) if shown else None,
        low_1=shown.low[1] if shown else None,
        high_1=shown.high[1] if shown else None,
        low_2=shown.low[2] if shown else None,
        high_2=shown.high[2] if shown else None,
        common_coverage=common if is_enough else None,
        common_0=alike[0],
        common_1=alike[1],
        common_2=alike[2],
        status=found.status if found else "not_enough_data",
        fingerprint=fingerprint,
    )


def _finite(value: float) -> float | None:
    """A value that a number can say: where no class has two, nobody knows how many there are."""
    return value if np.isfinite(value) else None


def _fingerprint(series: Series, month: date, counts: Counts, unknown: int, common: float | None) -> str:
    told = repr((series, month.isoformat(), counts.tolist(), unknown, common))
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _seed(fingerprint: str) -> int:
    return int(fingerprint[:12], 16)
