"""The first load of a property's history, in this process, by month and resumable.

A dated source is asked for every day it can answer. A snapshot source answers for now only, so its past
can be loaded only where the clock of the answers can be set: in the demo world, by property.
"""

from __future__ import annotations

import logging
import time as clock
from collections.abc import Callable, Generator, Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from seo_warehouse.client.api import Api, Usage
from seo_warehouse.config import Property
from seo_warehouse.errors import ConfigError, SeoWarehouseError, TransientLoadError, TransientSourceError
from seo_warehouse.ledger import known
from seo_warehouse.ledger.holes import month_periods
from seo_warehouse.spec import Kind, Period, Row, Source, Table
from seo_warehouse.steps import reading
from seo_warehouse.steps.connections import open_api
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)
Progress = Callable[[str], None]
DEMO_READING_TIME = time(6, 0)
"""Time of day, UTC, at which the demo's history is read each night."""


def onboard(
    wh: Warehouse,
    property_name: str,
    first: date | None = None,
    last: date | None = None,
    progress: Progress = log.info,
) -> None:
    """Load a property's nights `first` (its history_start) to `last` (yesterday), and raise what kept a month out.

    Where a retry may help, that is what is raised: TransientSourceError or TransientLoadError; else the first of
    SourceError, LoadError, AuditFailedError. Raises ConfigError for nights that lie ahead or end before they begin.
    """
    prop = wh.properties.named(property_name)
    today = wh.now().date()
    last = last or today - timedelta(days=1)
    if last > today:
        raise ConfigError(f"night {last} has not begun (today is {today}, UTC)")
    if first is not None and first > last:
        raise ConfigError(f"the nights end before they begin: {first}..{last}")
    failures = load_history(wh, property_name, first or prop.history_start, last, progress)
    if failures:
        progress(f"{prop.name}: {len(failures)} months are not loaded; run it again to load them alone")
        transient = (f for f in failures if isinstance(f, TransientSourceError | TransientLoadError))
        raise next(transient, failures[0])
    progress(f"{prop.name}: history is whole; the night of {last + timedelta(days=1)} goes on from it")


def load_history(
    wh: Warehouse, property_name: str, first: date, last: date, progress: Progress = log.info
) -> list[SeoWarehouseError]:
    """Load nights `first` to `last` of every source of a property; days that are published already are left.

    A month that cannot be read or is not fit stops no other: each is told to `progress` and returned, and a later call,
    or a night of a dated source, tries it again.
    """
    failures: list[SeoWarehouseError] = []
    prop = wh.properties.named(property_name)
    is_demo = wh.properties.demo_control_url is not None
    try:
        for source in wh.sources:
            if not prop.reads(source) or source.kind is Kind.DROP:
                continue
            if source.kind is Kind.DATED:
                failures += _load_dated(wh, source, prop, first, last, progress)
            elif is_demo:
                failures += _load_snapshots(wh, source, prop, first, last, progress)
            else:
                progress(f"{prop.name}: {source.name} answers for now only; its history begins tonight")
    finally:
        if is_demo:
            wh.set_demo_clock(None, prop.name)
    return failures


def _load_dated(
    wh: Warehouse, source: Source, prop: Property, first: date, last: date, progress: Progress
) -> Iterator[SeoWarehouseError]:
    # Days that have settled: the night after the last reads the younger ones, and an archived answer never grows old.
    newest = last - timedelta(days=source.delay_days + source.lookback_days)
    kept = source.first_kept(wh.now().date())
    if first < kept:
        progress(f"{prop.name}: {source.name} keeps {source.kept_months} months: nothing before {kept} can be had")
    for table in source.tables:
        yield from _load_table(wh, source, table, prop, _days(max(first, kept), newest), progress)


def _load_table(
    wh: Warehouse, source: Source, table: Table, prop: Property, days: list[date], progress: Progress
) -> Iterator[SeoWarehouseError]:
    what = f"{prop.name}: {source.name}.{table.name}"

    def wait() -> None:
        progress(f"{what}: waits for a night, or another onboarding, that is filling its holes")

    with reading.filling_alone(wh, source, table, prop, wait=wait):
        with wh.connect("loader") as connection:
            there = known.published_days(connection, source.name, table.name, prop.key)
        months = list(month_periods(day for day in days if day not in there))
        for number, period in enumerate(months, start=1):
            month = f"{what} {period.first_day:%Y-%m}, {number} of {len(months)}"
            scope = _scope(wh, source, table, prop, period)
            try:
                load_id = reading.write_period(
                    wh, source, table, prop, period, night=None, purpose="history", scope=scope
                )
                reading.settle(wh, source, table, [load_id])
            except SeoWarehouseError as error:
                progress(f"{month} FAILED: {error}")
                yield error
            else:
                progress(month)


def _scope(wh: Warehouse, source: Source, table: Table, prop: Property, period: Period) -> str:
    """Where a month's answers lie in the archive; they are asked for anew, once a day, where a person rejected them."""
    scope = reading.history_scope(period)
    with wh.connect("loader") as connection:
        is_rejected = known.has_rejected(connection, source.name, table.name, prop.key, scope)
    return reading.again_scope(wh.now().date()) if is_rejected else scope


def _load_snapshots(
    wh: Warehouse, source: Source, prop: Property, first: date, last: date, progress: Progress
) -> Iterator[SeoWarehouseError]:
    interval = reading.interval_days(source, prop)
    with wh.connect("loader") as connection:
        there = [known.published_days(connection, source.name, table.name, prop.key) for table in source.tables]
    # In step with what is there, whatever day it is resumed on; else so that the night after the last is due again.
    step = min(set().union(*there), default=last + timedelta(days=1))
    due = [night for night in _days(first, last) if (night - step).days % interval == 0]
    missing = [night for night in due if not all(night in days for days in there)]
    for members in _by_month(missing):
        month = f"{prop.name}: {source.name} {members[0]:%Y-%m}, {len(members)} nights"
        since = _Since(wh, source, prop, members[0])
        try:
            for number, table in enumerate(source.tables):
                load_id = _write_nights(wh, source, table, prop, members, since, is_ordering=number == 0)
                reading.settle(wh, source, table, [load_id])
        except SeoWarehouseError as error:
            progress(f"{month} FAILED: {error}")
            yield error
        else:
            progress(month)


def _write_nights(
    wh: Warehouse,
    source: Source,
    table: Table,
    prop: Property,
    members: list[date],
    since: _Since,
    *,
    is_ordering: bool,
) -> int:
    """One load of several nights, each read with the clock set to it, so that its instants are its own."""
    apis: list[Api] = []

    def rows() -> Generator[Row, None, None]:
        for night in members:
            wh.set_demo_clock(_reading_instant(night), prop.name)
            period = Period(night, night, since.of(night))
            while is_ordering and not reading.place_order(wh, source, prop, period):
                clock.sleep(0.05)
            scope = reading.night_scope(night)
            with open_api(wh, source, prop, scope=scope, may_call=source.order is None, night=night) as api:
                apis.append(api)
                yield from table.read(api, prop, period)
            since.learn(night, api.facts.get(night, {}))

    return reading.write_load(
        wh,
        source,
        table,
        prop,
        Period(members[0], members[-1]),
        rows(),
        days=members,
        facts=lambda: {day: facts for api in apis for day, facts in api.facts.items()},
        usage=lambda: _sum_usage([api.usage for api in apis]),
        night=None,
        purpose="history",
        scope="nights",
    )


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


def _sum_usage(usages: list[Usage]) -> Usage:
    """The use of several readings as one; the instants are the first and the last."""
    total = Usage()
    for usage in usages:
        sums = {
            field.name: getattr(total, field.name) + getattr(usage, field.name)
            for field in fields(Usage)
            if not field.name.endswith("_at")
        }
        firsts = [u.first_answer_at for u in (total, usage) if u.first_answer_at]
        lasts = [u.last_answer_at for u in (total, usage) if u.last_answer_at]
        total = replace(
            total, **sums, first_answer_at=min(firsts, default=None), last_answer_at=max(lasts, default=None)
        )
    return total


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _by_month(days: list[date]) -> list[list[date]]:
    months: dict[tuple[int, int], list[date]] = {}
    for day in days:
        months.setdefault((day.year, day.month), []).append(day)
    return list(months.values())


def _reading_instant(night: date) -> datetime:
    return datetime.combine(night, DEMO_READING_TIME, UTC)
