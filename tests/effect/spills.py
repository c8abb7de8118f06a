"""What untouched pages did, on the links that came to others of their topic: int_effect__measure_spills in numpy."""

from __future__ import annotations

from datetime import date

import numpy as np

from seo_warehouse.effect.spill import Rows
from tests.effect.tables import FIRST_DAY, date_of
from tests.effect.twin import BASE, UNIT, Floats, Prepared, _span
from tests.effect.windows import CLEAN_DAYS_AFTER, CLEAN_DAYS_BEFORE, window

TELLING_DAYS = 21
"""Days that a link takes to tell."""
EPOCH = date(1970, 1, 1)


def spill_rows(prepared: Prepared) -> Rows:
    """A row for each topic and Thursday, by date and topic; of panels whose keywords all have a stated page."""
    panel = prepared.panel
    headline = window("headline")
    worth = _worth(prepared)
    rows = [row for day in _thursdays(panel.knobs.days) for row in _rows(prepared, day, worth)]
    topics, days, pages, exposures, changes = zip(*rows, strict=True)
    return Rows(
        np.array(topics),
        np.array([(date_of(day) - EPOCH).days for day in days]),
        np.array(pages),
        np.array(exposures),
        np.array([_meets(panel.updates, day + BASE[0], day + headline.end) for day in days]),
        {name: np.array([change[name] for change in changes]) for name in prepared.sums},
    )


def _thursdays(days: int) -> list[int]:
    offset = (FIRST_DAY - EPOCH).days
    known = range(CLEAN_DAYS_BEFORE, days - CLEAN_DAYS_AFTER)
    return [day for day in known if (day + offset) % 7 == 0]


def _meets(updates: np.ndarray, begin: int, end: int) -> bool:
    return bool(((updates[:, 0] <= end) & (updates[:, 1] >= begin)).any())


def _worth(prepared: Prepared) -> Floats:
    """(topics, T) worth of the followed links that came to a topic on a day."""
    panel, events = prepared.panel, prepared.events
    followed = events.arm == 0
    authority = panel.links.authority[events.row[followed]].astype(np.float64)
    worth = np.zeros((panel.knobs.topics, panel.knobs.days))
    np.add.at(worth, (panel.topic[events.page[followed]], events.day[followed]), authority / authority.mean())
    return worth


def _rows(prepared: Prepared, day: int, worth: Floats) -> list[tuple[int, int, int, float, dict[str, float]]]:
    panel, headline = prepared.panel, window("headline")
    every = np.arange(panel.series.page.size)
    at = np.full(every.size, day)
    spans = (BASE, (headline.begin, headline.end))
    valued = [_span(prepared.valued, every, at, *span) for span in spans]
    is_measured = np.all(
        [2 * count >= end - begin + 1 for count, (begin, end) in zip(valued, spans, strict=True)], axis=0
    )
    touched = prepared.changes[:, day + CLEAN_DAYS_AFTER + 1] > prepared.changes[:, day - CLEAN_DAYS_BEFORE]
    kept = is_measured & ~touched[panel.series.page]
    page = panel.series.page[kept]
    count = np.bincount(page, minlength=panel.knobs.pages)
    ranked = np.bincount(page, _span(prepared.ranked, every, at, *BASE)[kept], panel.knobs.pages)
    chosen = (count > 0) & (ranked > 0)
    means = {}
    for name, sums in prepared.sums.items():
        before, after = (
            _span(sums, every, at, *span)[kept] / UNIT / days[kept] for span, days in zip(spans, valued, strict=True)
        )
        means[name] = np.bincount(page, after - before, panel.knobs.pages)[chosen] / count[chosen]
    topic = panel.topic[chosen]
    told = [
        np.clip(np.arange(begin, end + 1)[:, None] + day - np.arange(worth.shape[1]), 0, TELLING_DAYS).mean(axis=0)
        for begin, end in spans
    ]
    exposure = worth @ (told[1] - told[0]) / TELLING_DAYS
    return [
        (
            int(each),
            day,
            int((topic == each).sum()),
            float(exposure[each]),
            {name: float(values[topic == each].mean()) for name, values in means.items()},
        )
        for each in np.unique(topic)
    ]
