"""The step between the models and what is published of waits: curves, and what links do to them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np

from seo_warehouse.discovery import rows as tables
from seo_warehouse.discovery.curve import LEAST_PAGES, draw_curve
from seo_warehouse.discovery.published import publish_effects
from seo_warehouse.discovery.waits import Waits
from seo_warehouse.steps.estimating import estimating
from seo_warehouse.steps.warehouse import Warehouse

Topics = np.ndarray[Any, np.dtype[Any]]
"""Names, or numbers that stand for them."""

log = logging.getLogger(__name__)
MOST_TOPICS, TOPIC_DRAWS = 10, 50
"""Topics told of by themselves, and draws for the interval of each one's curve: an error known to a tenth, at a
quarter of the time."""


def estimate_discovery(wh: Warehouse) -> int:
    """Publish the newest build's curves and effects into `ops`, whole. Returns the number of rows.

    Reads what the models left as of one instant; the caller holds the warehouse lock. Raises BuildError where the
    figures that the models left allow of none.
    """
    with estimating("how long pages wait"):
        with wh.connect("transformer") as reader:
            reader.execute("set transaction isolation level repeatable read, read only")
            series = tables.read_series(reader)
            curves = [row for each in series for row in curves_of(reader, each)]
            effects = [row for each in series for row in effects_of(reader, each)]
        with wh.connect("loader", autocommit=True) as writer:
            tables.write(writer, curves, effects)
    log.info("%s rows of curves and %s effects on waits published", len(curves), len(effects))
    return len(curves) + len(effects)


def curves_of(conn: tables.Connection, series: tables.Series) -> Iterator[tables.CurveRow]:
    """The curve of all pages of a series, and of each topic with pages enough."""
    waits, topic = tables.read_waits(conn, series)
    if not topic.size:
        return
    yield from tables.curve_rows(series, tables.ALL, draw_curve(waits))
    for name in _largest(topic):
        chosen = topic == name
        own = Waits(*(getattr(waits, field.name)[chosen] for field in fields(Waits)))
        yield from tables.curve_rows(series, ("topic", str(name)), draw_curve(own, draws=TOPIC_DRAWS))


def effects_of(conn: tables.Connection, series: tables.Series) -> Iterator[tables.EffectRow]:
    """What links of each arm do to a series: to all pages, and to those of each topic with pages enough."""
    read = tables.read_gaps(conn, series)
    paths = tables.read_paths(conn, series, read.topics)
    for effect in publish_effects(read.gaps, paths):
        yield tables.effect_row(series, tables.ALL, effect, read.disturbed_page_topic.size)
    for number in _largest(read.page_topic):
        gaps = read.gaps.where(read.gaps.touched(read.gaps.topic == number))
        own = {arm: path.where(path.topic == number) for arm, path in paths.items()}
        disturbed_page_count = int((read.disturbed_page_topic == number).sum())
        for effect in publish_effects(gaps, own):
            yield tables.effect_row(series, ("topic", read.topics[number]), effect, disturbed_page_count)


def _largest(topic: Topics) -> Topics:
    """The topics with pages enough, the largest first, of those of each page."""
    topics, count = np.unique(topic, return_counts=True)
    largest = np.argsort(-count, kind="stable")[:MOST_TOPICS]
    return topics[largest][count[largest] >= LEAST_PAGES]
