"""Giving up what is older than `retention` of properties.yml keeps."""

from __future__ import annotations

import logging
from datetime import date

from seo_warehouse.client.archive import forget
from seo_warehouse.ledger import nights
from seo_warehouse.ledger.cutting import cut_ledger
from seo_warehouse.load import retention
from seo_warehouse.sources import SOURCES
from seo_warehouse.steps import people
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)


def give_up_old(wh: Warehouse) -> list[str]:
    """Give up raw months, archived answers, rows of the ledger and people as is stated. Returns what was given up.

    Nothing, while the clock may be days ahead: what is given up cannot be had back.
    """
    now = wh.now()
    with wh.connect("loader") as connection:
        overdue = nights.overdue_nights(connection, now)
    if len(overdue) > 1:
        log.warning("%s nights are overdue, so the clock may be ahead: nothing is given up", len(overdue))
        return []
    kept, today = wh.properties.retention, now.date()
    months = {str(source): count for source, count in kept.raw_months.items()}
    gone: list[str] = []
    with wh.connect("loader", autocommit=True) as connection:
        for source in SOURCES:
            if source.name in months:
                before = retention.months_before(today, months[source.name])
                for table in source.tables:
                    if table.is_droppable:
                        gone += retention.drop_old_months(connection, source, table, before)
            if kept.archive_months is not None:
                before = retention.months_before(today, kept.archive_months)
                gone += _forget_answers(wh, source.name, before, retention.last_uses(connection, source.name))
        if kept.ledger_months is not None:
            before = retention.months_before(today, kept.ledger_months)
            if count := cut_ledger(connection, before):
                gone.append(f"{count} loads that ended before {before}")
    people.give_up_people(wh)
    return gone


def _forget_answers(wh: Warehouse, source: str, before: date, uses: retention.Uses) -> list[str]:
    def is_old(property_key: int, scope: str) -> bool:
        day = retention.day_of(scope)
        return day is not None and max(day, uses.get((property_key, scope), day)) < before

    gone = forget(wh.archive, source, is_old)
    if gone:
        log.info("%s: %s scopes of the archive were older than %s", source, len(gone), before)
    return gone
