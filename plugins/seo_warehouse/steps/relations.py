"""The step between the models and what is published of partners: whom to ask next, how long links take and stand."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import psycopg

from seo_warehouse.discovery.curve import Curve, draw_curve
from seo_warehouse.discovery.waits import Waits
from seo_warehouse.relations.estimate import Floats, Interval, Partners, learn, slower_replies, weigh
from seo_warehouse.steps.estimating import estimating, replace_rows
from seo_warehouse.steps.warehouse import Warehouse
from seo_warehouse.urls import key64

log = logging.getLogger(__name__)
AGES = (7, 14, 30, 60, 90, 120, 180, 270, 365)
"""Days of which curves are told."""
PARTNERS = """
select property_key, partner_key, try_count, verified_try_count, lost_link_count, link_days, work_per_try,
    price_dollars, reply_waits
from intermediate.int_relation__sum_partners
order by property_key, partner_key
"""
WAITS = """
select property_key, curve, kind, after_days, by_days, ending, wait_count
from intermediate.int_relation__list_waits
order by property_key, curve, kind, after_days, by_days, ending
"""
ESTIMATES = (
    *("property_key", "partner_key", "placed_share", "placed_share_low", "placed_share_high"),
    *("yearly_loss_share", "yearly_loss_share_low", "yearly_loss_share_high"),
    *("days_per_1000", "days_per_1000_low", "days_per_1000_high", "days_per_1000_careful"),
    *("own_weight", "faster_loss_chance", "latest_reply_days", "earlier_reply_days", "slower_p_value"),
)
CURVES = (
    *("property_key", "curve", "kind", "age_days", "share", "interval_low", "interval_high", "other_share"),
    *("at_risk_count", "begun_count", "event_count", "status", "reason"),
)
Row = tuple[Any, ...]


def weigh_partners(wh: Warehouse) -> int:
    """Write what the newest build's partners are worth, and its curves, into `ops`, whole. Returns the rows.

    The caller holds the warehouse lock. Raises BuildError where the figures that the models left allow of none.
    """
    with estimating("what partners are worth"), wh.connect("transformer") as reader:
        reader.execute("set transaction isolation level repeatable read, read only")
        partners, curves = list(_partner_rows(reader)), list(_curve_rows(reader))
        with wh.connect("loader", autocommit=True) as writer, writer.transaction():
            replace_rows(writer, "partner_estimate", ESTIMATES, partners)
            replace_rows(writer, "outreach_curve", CURVES, curves)
    log.info("%s partners weighed, %s rows of curves", len(partners), len(curves))
    return len(partners) + len(curves)


def _partner_rows(reader: psycopg.Connection[Any]) -> Iterator[Row]:
    for property_key, rows in groupby(reader.execute(PARTNERS).fetchall(), key=itemgetter(0)):
        members = list(rows)
        columns = np.array([[np.nan if v is None else v for v in row[2:8]] for row in members], np.float64).T
        partners = Partners(*columns)
        worth = weigh(partners, learn(partners), key64(property_key, "partners"))
        figures = (
            *_columns(worth.placed_share), *_columns(worth.yearly_loss_share), *_columns(worth.value),
            worth.careful_value, worth.own_weight, worth.slipping,
        )  # fmt: skip
        slower = slower_replies([np.array(row[8] or (), np.float64) for row in members])
        for place, row in enumerate(members):
            told = (*(_known(column[place]) for column in figures), *(slower[place] or (None,) * 3))
            yield (property_key, row[1], *told)


def _curve_rows(reader: psycopg.Connection[Any]) -> Iterator[Row]:
    drawn: dict[tuple[Row, ...], Curve] = {}
    for where, rows in groupby(reader.execute(WAITS).fetchall(), key=itemgetter(0, 1, 2)):
        waits = tuple(row[3:] for row in rows)
        # Where all links are of one kind, its curve is that of all.
        curve = drawn[waits] = drawn.get(waits) or _drawn(waits)
        counts = (curve.page_count, curve.page_event_count)
        shown = [age for age in AGES if age < curve.share.size]
        for age in shown:
            told = (curve.share, curve.lower, curve.upper, curve.gone_share, curve.at_risk)
            yield (*where, age, *(_known(each[age]) for each in told), *counts, curve.status, curve.reason)
        if not shown:
            yield (*where, AGES[0], *(None,) * 5, *counts, "not_enough_data", curve.reason or "too_few_at_risk")


def _drawn(waits: tuple[Row, ...]) -> Curve:
    *ends, count = np.array(waits, np.int64).T
    after, by, ending = (np.repeat(end, count) for end in ends)
    return draw_curve(Waits(np.full(after.size, -1), after, by, ending), last_day=AGES[-1])


def _columns(interval: Interval) -> tuple[Floats, Floats, Floats]:
    return interval.mean, interval.low, interval.high


def _known(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)
