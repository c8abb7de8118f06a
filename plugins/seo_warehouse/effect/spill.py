"""Whether a topic's other pages move with its links, and by how much that misleads the comparison with them.

A link that moves its topic's other pages moves those that its own page is compared with. The changes of pages that got
no link (int_effect__measure_spills), on the links that came to others of their topic meanwhile, tell how far: with
effects of topics and of dates, which go with the engine's updates, by topic clustered. N rows of topic and date.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Line = tuple[int, str, int, int, float, bool, Sequence[float]]
"""Property, topic, date, pages, exposure, whether an update was met, changes."""

LEAST_TOPICS = 8
LEAST_EXPOSED = 30
"""Topics, and rows of a topic and date on which other pages got links, below which nothing is told of interference."""
CLEAR_P = 0.05


@dataclass(frozen=True)
class Rows:
    """What untouched pages of one property did, each (N,): topic and date by any numbers, pages, exposure, change.

    `is_updated`: the windows meet an update of Google's.
    """

    topic: Ints
    date: Ints
    pages: Ints
    exposure: Floats
    is_updated: NDArray[np.bool_]
    change: Mapping[str, Floats]

    def calm(self) -> Rows:
        """Those that meet no update."""
        kept = ~self.is_updated
        changes = {outcome: change[kept] for outcome, change in self.change.items()}
        none = self.is_updated[kept]
        return Rows(self.topic[kept], self.date[kept], self.pages[kept], self.exposure[kept], none, changes)


@dataclass(frozen=True)
class Spill:
    """By how much one link of average authority moves the other pages of its topic; None where that cannot be told."""

    row_count: int
    estimate: float | None = None
    standard_error: float | None = None
    p_value: float | None = None

    @property
    def is_clear(self) -> bool:
        """Whether it is told from nothing."""
        return self.p_value is not None and self.p_value < CLEAR_P

    def of(self, exposure: float) -> Spill:
        """Of so many links."""
        if self.estimate is None or self.standard_error is None:
            return self
        return Spill(self.row_count, self.estimate * exposure, self.standard_error * exposure, self.p_value)


def measure(properties: Sequence[Rows], outcome: str) -> Spill:
    """The spill over these properties together; neither topics nor dates are common to two of them.

    Where there are too few without them, rows that meet an update count too: it moves topics, but not by their links.
    """
    calm = [rows.calm() for rows in properties]
    for chosen in (calm, properties):
        topics = sum(np.unique(rows.topic).size for rows in chosen)
        exposed = sum(int(np.count_nonzero(rows.exposure > 0)) for rows in chosen)
        if topics >= LEAST_TOPICS and exposed >= LEAST_EXPOSED:
            return _regress(chosen, outcome, topics)
    return Spill(sum(rows.topic.size for rows in calm))


def _regress(properties: Sequence[Rows], outcome: str, topics: int) -> Spill:
    count, parameters = sum(rows.topic.size for rows in properties), 1
    parts: list[tuple[Floats, Floats, Ints]] = []
    for rows in properties:
        centred, own = _centred(rows, np.stack([rows.exposure, rows.change[outcome]], axis=1))
        parameters += own
        parts.append((centred[:, 0] * rows.pages, centred, np.unique(rows.topic, return_inverse=True)[1]))
    leverage = sum(float(weighted @ centred[:, 0]) for weighted, centred, _ in parts)
    if leverage <= 1e-9 or count <= parameters:
        return Spill(count)
    effect = sum(float(weighted @ centred[:, 1]) for weighted, centred, _ in parts) / leverage
    squares = sum(
        float((np.bincount(topic, weighted * (centred[:, 1] - effect * centred[:, 0])) ** 2).sum())
        for weighted, centred, topic in parts
    )
    error = sqrt(topics / (topics - 1) * (count - 1) / (count - parameters) * squares) / leverage
    if not error > 0:
        return Spill(count)
    return Spill(count, effect, error, float(2 * stats.t.sf(abs(effect) / error, topics - 1)))


def measure_all(read: Mapping[int, Rows], pool: Iterable[int], outcomes: Iterable[str]) -> dict[tuple[int, str], Spill]:
    """By property and outcome; property 0 is those of the pool together."""
    together = {key: [rows] for key, rows in read.items()} | {0: [read[key] for key in sorted(pool) if key in read]}
    return {(key, outcome): measure(rows, outcome) for outcome in outcomes for key, rows in together.items()}


def by_property(lines: Iterable[Line], outcomes: Sequence[str]) -> dict[int, Rows]:
    """Rows by property; a line's changes are of the outcomes in their order."""
    found: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        found[line[0]].append(line)
    made = {}
    for key, rows in found.items():
        _, topics, dates, pages, exposures, updated, changes = zip(*rows, strict=True)
        values = np.array(changes, dtype=np.float64)
        made[key] = Rows(
            np.unique(topics, return_inverse=True)[1].astype(np.int64),
            np.array(dates, dtype=np.int64),
            np.array(pages, dtype=np.int64),
            np.array(exposures, dtype=np.float64),
            np.array(updated, dtype=np.bool_),
            {outcome: values[:, place] for place, outcome in enumerate(outcomes)},
        )
    return made


def _centred(rows: Rows, values: Floats) -> tuple[Floats, int]:
    """(values less what goes with their topic and with their date, weighted by pages; parameters: a mean, and dates).

    `values` (N, V). Topics are eliminated, so that no more than a matrix of dates is solved. They lie within clusters,
    so that their effects are no parameters of the error's correction.
    """
    topics, topic = np.unique(rows.topic, return_inverse=True)
    dates, date = np.unique(rows.date, return_inverse=True)
    pages = rows.pages.astype(np.float64)
    cross = np.zeros((topics.size, dates.size))
    np.add.at(cross, (topic, date), pages)
    of_topic, of_date = (np.zeros((size.size, values.shape[1])) for size in (topics, dates))
    np.add.at(of_topic, topic, pages[:, None] * values)
    np.add.at(of_date, date, pages[:, None] * values)
    share = cross / cross.sum(axis=1, keepdims=True)
    left = np.diag(cross.sum(axis=0)) - cross.T @ share
    by_date = np.linalg.lstsq(left, of_date - share.T @ of_topic, rcond=None)[0]
    by_topic = of_topic / cross.sum(axis=1, keepdims=True) - share @ by_date
    return values - by_topic[topic] - by_date[date], 1 + int(np.linalg.matrix_rank(left, hermitian=True))
