"""The step between the models and the published estimates: inference and the checks of the method."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np

from seo_warehouse.effect import rows as tables
from seo_warehouse.effect.checks import estimate
from seo_warehouse.effect.estimates import FOLLOWED, HEADLINE, Published, headline_outcome
from seo_warehouse.effect.inference import publish
from seo_warehouse.effect.judging import Check, compared, false_alarms, weightings
from seo_warehouse.steps.estimating import estimating
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)


def estimate_effects(wh: Warehouse) -> int:
    """Publish the newest build's estimates into `ops`, whole. Returns the number of rows.

    Reads what the models left as of one instant; the caller holds the warehouse lock. Raises BuildError where the
    figures that the models left allow of none.
    """
    with estimating("the effects of links"):
        published, checks = _estimated(wh)
        with wh.connect("loader", autocommit=True) as writer:
            tables.write(writer, published, checks)
    log.info("%s estimates and %s checks of the method published", len(published), len(checks))
    return len(published)


def _estimated(wh: Warehouse) -> tuple[list[Published], list[Check]]:
    with wh.connect("transformer") as reader:
        reader.execute("set transaction isolation level repeatable read, read only")
        pool = tables.read_pool(reader)
        published = publish(
            tables.read_estimates(reader),
            tables.read_arms(reader, pool),
            tables.read_weeks(reader, pool),
            tables.read_dropped(reader, pool),
            tables.read_spills(reader, pool),
        )
        return published, [check for main in _mains(published) for check in _checks(reader, main, published)]


def _mains(published: list[Published]) -> Iterator[Published]:
    """The headline of each property and panel."""
    for row in published:
        is_headline = row.window_name == HEADLINE and row.cut == "all" and row.arm == FOLLOWED
        if (
            is_headline
            and row.property_key
            and row.weighting == "variance"
            and row.outcome == headline_outcome(row.panel)
        ):
            yield row


def _checks(conn: tables.Connection, main: Published, published: list[Published]) -> Iterator[Check]:
    rows, changed, updated, doubtful = tables.read_units(conn, main)
    linked = tables.read_linked_pages(conn, main.property_key)
    shifted, *_ = tables.read_units(conn, main, is_shifted=True)
    untouched = ~rows.is_treated & ~changed & ~np.isin(rows.page, linked)
    yield false_alarms(main, rows.where(untouched))
    for name, kept, what in (
        ("onpage_included", rows, "With pages that were changed meanwhile"),
        ("updates_excluded", rows.where(~changed & ~updated), "Without dates that meet an update of Google's"),
        (
            "linked_controls",
            rows.where(~changed & (rows.is_treated | np.isin(rows.page, linked))),
            "Beside pages alone that got or lost links at other times",
        ),
        (
            "possible_index_changes_excluded",
            rows.where(~changed & ~doubtful),
            "Without links of days on which their vendor's index may have grown",
        ),
        ("shifted_7_days", shifted, "Had every link come 7 days before it was seen"),
    ):
        yield compared(main, name, estimate(kept), what)
    yield from (weightings(main, row) for row in published if _is_twin(main, row))


def _is_twin(main: Published, row: Published) -> bool:
    """Whether a row is the headline with each event alike."""
    names = ("property_key", "panel", "cut", "arm", "outcome", "window_name")
    return row.weighting == "equal" and all(getattr(row, name) == getattr(main, name) for name in names)
