"""The past of sources that answer for now only, which the demo alone can tell: its clock is set to each night."""

from __future__ import annotations

import logging
import time as clock
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson

from seo_warehouse.client.api import Noted
from seo_warehouse.client.plans import Ask, has_plan, keep_plan
from seo_warehouse.config import Property
from seo_warehouse.demo import control
from seo_warehouse.demo.control import set_clock
from seo_warehouse.errors import ConfigError, SeoWarehouseError
from seo_warehouse.ledger import known
from seo_warehouse.sources.link_check import LINK_CHECK
from seo_warehouse.spec import Period, Reading, Row, Source, Table
from seo_warehouse.steps import history, reading
from seo_warehouse.steps.connections import open_api
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)
Progress = Callable[[str], None]
READING_TIME = time(6, 0)
"""Time of day, UTC, at which each night is read."""
VISITED_DAYS = (118, 146, 173, 175, 180)
"""Nights, by the days since a property's history began, in which pages that link to it were visited: few, since each
starts a crawler. By the last three, two and seven days after the first, a loss is confirmed."""


def load_history(
    wh: Warehouse, property_name: str, first: date, last: date, progress: Progress = log.info
) -> list[SeoWarehouseError]:
    """Load nights `first` to `last` of every source of a demo's property; see `steps.history.load_history`."""
    take_clock_back(wh, property_name)
    return history.load_history(wh, property_name, first, last, progress, load_snapshots)


def take_clock_back(wh: Warehouse, property_name: str) -> None:
    """Have a property live in the demo's common time again, where a process that was killed has left it in the past."""
    set_clock(_clock_of(wh), None, property_name)


def load_snapshots(
    wh: Warehouse, source: Source, prop: Property, first: date, last: date, progress: Progress
) -> Iterator[SeoWarehouseError]:
    """Load the nights of a source that `raw` lacks, a load a month and table. Gives what kept a month out.

    The property lives in common time again afterwards: whatever is read next is told of all days.
    """
    try:
        yield from _load_months(wh, source, prop, first, last, progress)
    finally:
        take_clock_back(wh, prop.name)


def _load_months(
    wh: Warehouse, source: Source, prop: Property, first: date, last: date, progress: Progress
) -> Iterator[SeoWarehouseError]:
    interval = reading.interval_days(source, prop)
    with wh.connect("loader") as connection:
        there = [known.published_days(connection, source.name, table.name, prop.key) for table in source.tables]
    # In step with what is there, whatever day it is resumed on; else so that the night after the last is due again.
    step = min(set().union(*there), default=last + timedelta(days=1))
    due = [night for night in _days(first, last) if (night - step).days % interval == 0]
    if source is LINK_CHECK:
        due = [night for night in due if (night - prop.history_start).days in VISITED_DAYS]
    missing = [night for night in due if not all(night in days for days in there)]
    for members in _by_month(missing):
        month = f"{prop.name}: {source.name} {members[0]:%Y-%m}, {len(members)} nights"
        since = _Since(wh, source, prop, members[0])
        try:
            for table in source.tables:
                load_id = _write_nights(wh, source, table, prop, members, since)
                reading.settle(wh, source, table, [load_id], pauses=reading.patience(wh))
        except SeoWarehouseError as error:
            progress(f"{month} FAILED: {error}")
            yield error
        else:
            progress(month)


def _write_nights(
    wh: Warehouse, source: Source, table: Table, prop: Property, members: list[date], since: _Since
) -> int:
    """One load of several nights, each read with the clock set to it, so that its instants are its own."""
    wanted = Reading(
        source=source,
        table=table,
        property=prop,
        period=Period(members[0], members[-1]),
        purpose="history",
        scope="nights",
    )
    noted = Noted(days=set(members))
    with wh.connect("loader", autocommit=True) as connection:
        return reading.write_load(connection, wanted, _answers(wh, wanted, noted, since), noted)


def _answers(wh: Warehouse, wanted: Reading, noted: Noted, since: _Since) -> Generator[Row, None, None]:
    source, prop = wanted.source, wanted.property
    # The first table's turn to order is every table's.
    is_ordering = wanted.table is source.tables[0]
    for night in sorted(noted.days):
        set_clock(_clock_of(wh), datetime.combine(night, READING_TIME, UTC), prop.name)
        period = Period(night, night, since.of(night))
        if is_ordering and source is LINK_CHECK:
            _plan_visits(wh, prop, night)
        while is_ordering and not reading.place_order(wh, source, prop, period):
            clock.sleep(0.05)
        scope = reading.night_scope(night)
        with open_api(wh, source, prop, scope=scope, may_call=source.order is None, night=night) as api:
            try:
                yield from reading.read_rows(api, replace(wanted, period=period))
            finally:
                noted.take(api)
        since.learn(night, noted.facts.get(night, {}))


def _plan_visits(wh: Warehouse, prop: Property, night: date) -> None:
    """Keep which pages a night is to visit: no build has told of nights that are over."""
    with open_api(wh, LINK_CHECK, prop, scope=reading.night_scope(night), may_call=False) as api:
        if not has_plan(api.archive):
            url = _clock_of(wh)
            told = control.plan(url, prop.name)[: prop.settings_of(LINK_CHECK).max_pages]
            asks = [Ask(orjson.dumps(one["ask"]).decode(), one["score"], one["reason"]) for one in told]
            keep_plan(api.archive, url, asks, wh.now())


class _Since:
    """The date of the last complete read as nights go by from `first`, before any of them is published."""

    def __init__(self, wh: Warehouse, source: Source, prop: Property, first: date) -> None:
        self.full_interval = reading.setting(source, prop, "full_interval_days", None)
        self.known: dict[date, date | None] = {}
        self.full: date | None = None
        self.complete: date | None = None
        if self.full_interval is not None:
            with wh.connect("loader") as connection:
                table = source.tables[0].name
                self.full = known.last_full(connection, source.name, table, prop.key, before=first)
                self.complete = known.last_complete(connection, source.name, table, prop.key, before=first)

    def of(self, night: date) -> date | None:
        """What a reader of that night gets as `since`; the same for each table of the source."""
        if night not in self.known:
            is_full_due = self.full is None or (night - self.full).days >= (self.full_interval or 0)
            self.known[night] = None if self.full_interval is None or is_full_due else self.complete
        return self.known[night]

    def learn(self, night: date, facts: dict[str, Any]) -> None:
        """Take over what a reading noted about its completeness."""
        if facts.get("is_complete"):
            self.complete = night
            if facts.get("is_full"):
                self.full = night


def _clock_of(wh: Warehouse) -> str:
    url = wh.properties.clock_url
    if url is None:
        raise ConfigError(f"{wh.settings.properties_path} names no clock_url: it leads to no demo")
    return url


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _by_month(days: list[date]) -> list[list[date]]:
    months: dict[tuple[int, int], list[date]] = {}
    for day in days:
        months.setdefault((day.year, day.month), []).append(day)
    return list(months.values())
