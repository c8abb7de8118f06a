"""A range of days read again because a person asks for it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from seo_warehouse.config import Property
from seo_warehouse.errors import ConfigError, NightOverError, SeoWarehouseError
from seo_warehouse.ledger import known
from seo_warehouse.ledger.holes import month_periods
from seo_warehouse.spec import Kind, Period, Reading, Source, Table
from seo_warehouse.steps import reading
from seo_warehouse.steps.connections import has_answers
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)
Progress = Callable[[str], None]


def backfill(
    wh: Warehouse, source_name: str, property_name: str, first: date, last: date, progress: Progress = log.info
) -> list[str]:
    """Read the days `first` to `last` of a property again, also those that are published. Returns the loads' states.

    A dated source is asked anew, a load a month; run again on the same UTC day, it goes on from what the archive holds.
    Of a snapshot source the nights that the archive holds are read from there. A load that fails or is held stops no
    other; the first such error is raised once all were tried. Raises ConfigError for days that the source cannot tell
    of, NightOverError where the archive holds no night of a snapshot source.
    """
    source, prop = reading.configured(wh, source_name, property_name)
    if source.kind is Kind.DROP:
        raise ConfigError(f"{source.name} are files: put the file into {wh.settings.drop / prop.name} to have it read")
    _expect_days(wh, source, prop, first, last)
    find = _dated if source.kind is Kind.DATED else _archived
    states: list[str] = []
    failures: list[SeoWarehouseError] = []
    for table, period, scope, may_ask in find(wh, source, prop, first, last):
        what = f"{prop.name}: {source.name}.{table.name} {period.first_day}..{period.last_day}"
        try:
            again = Reading(source=source, table=table, property=prop, period=period, purpose="backfill", scope=scope)
            found = reading.load_now(wh, again, is_replay=not may_ask)
        except SeoWarehouseError as error:
            progress(f"{what} FAILED: {error}")
            failures.append(error)
        else:
            progress(f"{what}: {', '.join(found)}")
            states += found
    if failures:
        raise failures[0]
    return states


_Loads = Iterator[tuple[Table, Period, str, bool]]


def _expect_days(wh: Warehouse, source: Source, prop: Property, first: date, last: date) -> None:
    newest = wh.now().date() - timedelta(days=source.delay_days)
    if last < first:
        raise ConfigError(f"the range ends before it begins: {first}..{last}")
    if first < prop.history_start:
        raise ConfigError(f"the history of {prop.name} begins on {prop.history_start} (history_start), after {first}")
    if first < (kept := source.first_kept(wh.now().date())):
        raise ConfigError(f"{source.name} keeps {source.kept_months} months: it tells of days from {kept} today")
    if last > newest:
        raise ConfigError(f"{source.name} tells of days up to {newest} today, not of {last}")


def _dated(wh: Warehouse, source: Source, prop: Property, first: date, last: date) -> _Loads:
    scope = reading.again_scope(wh.now().date())
    for table in source.tables:
        for period in month_periods(Period(first, last).days()):
            yield table, period, scope, True


def _archived(wh: Warehouse, source: Source, prop: Property, first: date, last: date) -> _Loads:
    nights = [
        night for night in Period(first, last).days() if has_answers(wh, source, prop, scope=reading.night_scope(night))
    ]
    if not nights:
        raise NightOverError(
            f"{source.name} answers for now only, and the archive holds none of {prop.name}'s nights "
            f"from {first} to {last}: they cannot be read any more"
        )
    for night in nights:
        with wh.connect("loader") as connection:
            is_known, since = known.read_since(connection, source, prop.key, night)
            since = since if is_known else reading.since(connection, source, prop, night)
        period = Period(night, night, since)
        for table in source.tables:
            yield table, period, reading.night_scope(night), False
