"""The first load of a property's history, in this process, by month and resumable.

A dated source is asked for every day it can answer. A snapshot source answers for now only: its history begins tonight,
unless whoever calls knows of a way.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from seo_warehouse.config import Property
from seo_warehouse.errors import ConfigError, SeoWarehouseError, TransientLoadError, TransientSourceError
from seo_warehouse.ledger import known
from seo_warehouse.ledger.holes import month_periods
from seo_warehouse.spec import Kind, Period, Reading, Source, Table
from seo_warehouse.steps import reading
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)
Progress = Callable[[str], None]
LoadSnapshots = Callable[[Warehouse, Source, Property, date, date, Progress], Iterator[SeoWarehouseError]]
"""How nights of a snapshot source that are over are loaded; gives what kept a month out."""


def begin_tonight(
    wh: Warehouse, source: Source, prop: Property, first: date, last: date, progress: Progress
) -> Iterator[SeoWarehouseError]:
    """Nothing is loaded: who answers for now only has no past to tell of."""
    progress(f"{prop.name}: {source.name} answers for now only; its history begins tonight")
    yield from ()


def onboard(
    wh: Warehouse,
    property_name: str,
    first: date | None = None,
    last: date | None = None,
    progress: Progress = log.info,
    load_snapshots: LoadSnapshots = begin_tonight,
) -> None:
    """Load a property's nights `first` (its history_start) to `last` (yesterday), and raise what kept a month out.

    Where a retry may help, that is what is raised: TransientSourceError or TransientLoadError; else the first of
    SourceError, LoadError, AuditFailedError. Raises ConfigError for nights that lie ahead or end before they begin.
    """
    prop = wh.properties.named(property_name)
    first, last = span(wh, prop, first, last, progress)
    failures = load_history(wh, property_name, first, last, progress, load_snapshots)
    if failures:
        progress(f"{prop.name}: {len(failures)} months are not loaded; run it again to load them alone")
        transient = (f for f in failures if isinstance(f, TransientSourceError | TransientLoadError))
        raise next(transient, failures[0])
    progress(f"{prop.name}: history is whole; the night of {last + timedelta(days=1)} goes on from it")


def span(wh: Warehouse, prop: Property, first: date | None, last: date | None, progress: Progress) -> tuple[date, date]:
    """The first and the last night that are onboarded. Raises ConfigError where they lie ahead, or end too early."""
    today = wh.now().date()
    last = last or today - timedelta(days=1)
    if last > today:
        raise ConfigError(f"night {last} has not begun (today is {today}, UTC)")
    if first is not None and first > last:
        raise ConfigError(f"the nights end before they begin: {first}..{last}")
    start = prop.history_start
    if start > last:
        progress(f"{prop.name}: its history starts on {start} (history_start), after night {last}: nothing is loaded")
    if first is not None and first < start and wh.properties.clock_url is not None:
        progress(f"{prop.name}: its world has a clock of its own (clock_url), and no day before {start}")
        first = start
    return first or start, last


def load_history(
    wh: Warehouse,
    property_name: str,
    first: date,
    last: date,
    progress: Progress = log.info,
    load_snapshots: LoadSnapshots = begin_tonight,
) -> list[SeoWarehouseError]:
    """Load nights `first` to `last` of every source of a property; days that are published already are left.

    A month that cannot be read or is not fit stops no other: each is told to `progress` and returned, and a later call,
    or a night of a dated source, tries it again.
    """
    failures: list[SeoWarehouseError] = []
    prop = wh.properties.named(property_name)
    for source in wh.sources:
        if not prop.reads(source) or source.kind is Kind.DROP:
            continue
        load = _load_dated if source.kind is Kind.DATED else load_snapshots
        failures += load(wh, source, prop, first, last, progress)
    return failures


def _load_dated(
    wh: Warehouse, source: Source, prop: Property, first: date, last: date, progress: Progress
) -> Iterator[SeoWarehouseError]:
    days = days_to_ask(wh, source, prop, first, last, progress)
    for table in source.tables:
        yield from _load_table(wh, source, table, prop, days, progress)


def days_to_ask(
    wh: Warehouse, source: Source, prop: Property, first: date, last: date, progress: Progress
) -> list[date]:
    """The days of a dated source that an onboarding of nights `first` to `last` is about.

    Those that have settled: the night after the last reads the younger ones, and an archived answer never grows old.
    """
    newest = last - timedelta(days=source.delay_days + source.lookback_days)
    kept = source.first_kept(wh.now().date())
    if first < kept:
        progress(f"{prop.name}: {source.name} keeps {source.kept_months} months: nothing before {kept} can be had")
    return _days(max(first, kept), newest)


def _load_table(
    wh: Warehouse, source: Source, table: Table, prop: Property, days: list[date], progress: Progress
) -> Iterator[SeoWarehouseError]:
    what = f"{prop.name}: {source.name}.{table.name}"

    def wait() -> None:
        progress(f"{what}: waits for a night, or another onboarding, that is filling its holes")

    with wh.connect("loader", autocommit=True) as holder:
        reading.fills_alone(holder, source, table, prop, wait=wait)
        there = known.published_days(holder, source.name, table.name, prop.key)
        months = list(month_periods(day for day in days if day not in there))
        for number, period in enumerate(months, start=1):
            month = f"{what} {period.first_day:%Y-%m}, {number} of {len(months)}"
            scope = _scope(wh, source, table, prop, period)
            try:
                wanted = Reading(
                    source=source, table=table, property=prop, period=period, purpose="history", scope=scope
                )
                reading.load_now(wh, wanted, pauses=reading.patience(wh))
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


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
