"""The steps of a night, as Airflow's tasks and the command line call them.

Each may be run again at any time: what is archived is not asked for twice, what is equal is not published twice.
"""

from __future__ import annotations

import logging
import time as clock
from collections.abc import Callable, Iterable
from datetime import date, time, timedelta
from typing import Any

from seo_warehouse.config import Property
from seo_warehouse.errors import AuditFailedError, ClockError, ConfigError, DeferredError, SeoWarehouseError
from seo_warehouse.ledger import budgets, known, nights, outcomes
from seo_warehouse.ledger.holes import Due, due_loads
from seo_warehouse.ledger.session import Connection
from seo_warehouse.ledger.settings import budgets_of
from seo_warehouse.load import upkeep
from seo_warehouse.load.publish import publish as publish_load
from seo_warehouse.sources import SOURCES, source_named
from seo_warehouse.spec import Kind, Period, Reading, Source, Table
from seo_warehouse.steps import drop, reading, retention
from seo_warehouse.steps.connections import has_asks
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)
ORDER_POLL_SECONDS = 5.0
ORDER_DEADLINE = time(22, 0)
"""UTC time of day after which a night goes on with what has come: an hour is left to load and judge it."""


def order(wh: Warehouse, source_name: str, property_name: str, night: date) -> bool:
    """Bring a night's answers into the archive where the source works so; True once all that will come are there.

    Raises SourceError, and NightOverError for a night that has ended without an order.
    """
    source, prop = reading.configured(wh, source_name, property_name)
    if source.order is None:
        return True
    with wh.connect("loader", autocommit=True) as connection:
        if not _is_due(wh, connection, source, prop, night):
            return True
        period = Period(night, night, reading.since(connection, source, prop, night))
    if not wh.is_open(night):
        log.warning("%s %s: night %s is over; what the archive holds is all there is", source.name, prop.name, night)
        return True
    try:
        is_whole = reading.place_order(wh, source, prop, period)
    except DeferredError as error:
        # What the night's write finds not to be there, it notes as deferred.
        log.warning("%s %s: %s", source.name, prop.name, error)
        return True
    # An answer that is late must not keep the others from this night's build.
    return is_whole or wh.now().time() >= ORDER_DEADLINE


def write(wh: Warehouse, source_name: str, table_name: str, property_name: str, night: date) -> list[int]:
    """Read a night's due days of one property into `audit`, a load a day (older holes: a load a month).

    Returns the loads that wait to be judged. What an earlier try of the same night has written is not read again. A day
    that cannot be read keeps no other from being read; the first such error is raised once all were tried: SourceError
    or LoadError.
    """
    source, prop = reading.configured(wh, source_name, property_name)
    table = source.table(table_name)
    if night > wh.now().date():
        raise ConfigError(f"night {night} has not begun (it is {wh.now():%Y-%m-%d %H:%M} UTC)")
    # One session for all of it: to begin one costs PostgreSQL and us more than some loads do.
    with wh.connect("loader", autocommit=True) as connection:
        is_filling = reading.fills_alone(connection, source, table, prop)
        due = _due_loads(wh, connection, source, table, prop, night)
        if not is_filling and (due.untried or due.tried):
            log.info("%s.%s %s: the holes are left to the onboarding that runs", source.name, table.name, prop.name)
        scopes = _scopes(due if is_filling else Due(due.window, [], []), night)
        waiting = nights.waiting_loads(connection, source.name, table.name, night, prop.key)
        if not scopes:
            log.info("%s.%s %s: nothing is due in night %s", source.name, table.name, prop.name, night)
        readings = [
            Reading(source=source, table=table, property=prop, period=period, night=night, purpose="night", scope=scope)
            for period, scope in scopes.items()
            if (period.first_day, period.last_day) not in waiting
        ]
        return [*waiting.values(), *_write_each(wh, connection, readings)]


def _scopes(due: Due, night: date) -> dict[Period, str]:
    """Where in the archive the answers about each due period lie, in the order in which the periods are read.

    What an onboarding had read before it was cut is not asked for again; what was held before is.
    """
    asked_now = dict.fromkeys((*due.window, *due.tried), reading.night_scope(night))
    untried = {period: reading.history_scope(period) for period in due.untried}
    return {period: (asked_now | untried)[period] for period in (*due.window, *due.untried, *due.tried)}


def _write_each(wh: Warehouse, connection: Connection, readings: list[Reading]) -> list[int]:
    """The loads written. What cannot be read keeps nothing else from it: the first error is raised at the end."""
    load_ids: list[int] = []
    failures: list[SeoWarehouseError] = []
    for each in readings:
        try:
            load_ids.append(reading.write_period(wh, connection, each))
        except DeferredError as error:
            log.warning("%s.%s %s: %s", each.source.name, each.table.name, each.property.name, error)
        except SeoWarehouseError as error:
            what = (each.source.name, each.table.name, each.property.name, each.period.first_day, each.period.last_day)
            log.error("%s.%s %s %s..%s: %s", *what, error)
            failures.append(error)
    if failures:
        raise failures[0]
    return load_ids


def audit(wh: Warehouse, source_name: str, table_name: str, night: date) -> None:
    """Judge every written load of a table's night, property by property; one's failure stops no other.

    Raises the last unexpected error once all were tried. A quarantine is a verdict, not an error.
    """
    source = source_named(source_name)
    with wh.connect("loader", autocommit=True) as connection:
        waiting = nights.loads_in(connection, "written", source_name, table_name, night)
    reading.audit_loads(wh, source, source.table(table_name), waiting)


def publish(wh: Warehouse, source_name: str, table_name: str, property_name: str, night: date) -> list[str]:
    """Swap a property's passed loads of a night into `raw`. Returns what became of each."""
    source, prop = reading.configured(wh, source_name, property_name)
    table = source.table(table_name)
    with wh.connect("loader", autocommit=True) as connection:
        ready = nights.loads_in(connection, "passed", source_name, table_name, night, prop.key)
        return [publish_load(connection, source, table, load_id) for load_id in ready]


def raw_outcomes(
    wh: Warehouse, source_name: str, property_names: Iterable[str], night: date
) -> dict[str, dict[str, dict[str, Any]]]:
    """What a night brought of properties, by name and table (outcomes.read_loads).

    What an order cost, which brings the answers of every table, is counted with the first one.
    """
    source = source_named(source_name)
    names = {wh.properties.named(name).key: name for name in property_names}
    with wh.connect("loader") as connection:
        told = outcomes.read_loads(connection, source.name, list(names), night)
        ordered = outcomes.read_orders(connection, source.name, list(names), night)
    for key, money in ordered.items():
        first = told[key].get(source.tables[0].name)
        if first is not None:
            first["money"] += money
    return {name: told[key] for key, name in names.items()}


def announce(wh: Warehouse, source_name: str, night: date) -> None:
    """Note that a source has ended a night, whatever came of its loads."""
    with wh.connect("loader") as connection:
        nights.end_source_night(connection, source_name, night)


def close_night(wh: Warehouse, source_name: str, night: date) -> bool:
    """Close a night once every configured source has ended it.

    True until a finished build carries it, for the run of one source: one is enough to wake the build.
    """
    with wh.connect("loader") as connection:
        is_waiting = nights.close_night(connection, night, wh.now(), tuple(s.name for s in wh.sources))
        return is_waiting and nights.is_teller(connection, source_name, night)


def close_overdue(wh: Warehouse) -> list[date]:
    """Close the oldest night whose deadline has passed, naming the sources that had not ended."""
    with wh.connect("loader") as connection:
        return nights.close_overdue(connection, wh.now(), tuple(s.name for s in wh.sources))


def check_clock(wh: Warehouse) -> None:
    """Raise ClockError where nights are overdue although the oldest was just closed."""
    now = wh.now()
    with wh.connect("loader") as connection:
        overdue = nights.overdue_nights(connection, now)
    if overdue:
        raise ClockError(nights.explain_overdue(now, overdue))


def verdict(wh: Warehouse, source_name: str, night: date) -> None:
    """Raise AuditFailedError naming each load of a source's night that is not in the warehouse, or was never begun."""
    source = source_named(source_name)
    if source.kind is Kind.DROP:
        drop.verdict(wh, source_name, night)
        return
    properties = {prop.key: prop for prop in wh.properties.with_source(source)}
    with wh.connect("loader", autocommit=True) as connection:
        loads = nights.loads_of(connection, source_name, night)
        begun = {(load.table, load.property_key) for load in loads}
        unbegun = [
            f"{table.name} for {prop.name} was never begun"
            for table in source.tables
            for prop in properties.values()
            if (table.name, prop.key) not in begun and any(_due_loads(wh, connection, source, table, prop, night))
        ]
    lines = [
        f"load {load.load_id} of {load.table} for {properties[load.property_key].name}, "
        f"{load.first_day}..{load.last_day}: {load.state}: {load.reason or 'its task did not end'}"
        for load in loads
        if load.property_key in properties and load.state not in {*outcomes.ARRIVED, "deferred"}
    ]
    lines += unbegun
    if lines:
        raise AuditFailedError(f"{len(lines)} loads stayed out of the warehouse. " + " | ".join(lines))


def note_run(wh: Warehouse, source_name: str, night: date, run_id: str) -> None:
    """Note the run of a source's night with what a budget kept from being bought in it."""
    with wh.connect("loader") as connection:
        budgets.note_run(connection, source_name, reading.night_scope(night), run_id)


def find_deferred(wh: Warehouse) -> list[tuple[str, str]]:
    """(source, run) of each run of tonight that a budget kept from buying something, and that fits by now."""
    tonight = wh.now().date()
    if not wh.is_open(tonight):
        return []
    with wh.connect("loader") as connection:
        return budgets.find_deferred(connection, reading.night_scope(tonight), budgets_of(wh.properties))


def note_anew(wh: Warehouse, source_name: str, run_id: str) -> None:
    """Note that a run of tonight is run anew, so that nobody else does it too."""
    with wh.connect("loader") as connection:
        budgets.note_anew(connection, source_name, reading.night_scope(wh.now().date()), run_id)


def maintain(wh: Warehouse) -> None:
    """Make next month's partitions, give up what is old enough, and vacuum what the nights churn."""
    ahead = wh.now().date().replace(day=1) + timedelta(days=32)
    with wh.connect("loader") as connection:
        upkeep.make_partitions(connection, SOURCES, ahead)
    retention.give_up_old(wh)
    with wh.connect("loader", autocommit=True) as connection:
        upkeep.vacuum_raw(connection, SOURCES)
    with wh.connect("owner", autocommit=True) as connection:
        upkeep.vacuum_ledgers(connection)


def ingest(
    wh: Warehouse, source_name: str, property_name: str, night: date, say: Callable[[str], None] = log.info
) -> list[str]:
    """All of a source's night for one property, here and now: order, write, audit, publish.

    Returns the states of the loads; how far files are is told to `say`. Raises SourceError, LoadError; AuditFailedError
    where a load is in quarantine or a file was refused.
    """
    source, _ = reading.configured(wh, source_name, property_name)
    if source.kind is Kind.DROP:
        return drop.ingest(wh, source_name, property_name, night, say)
    while not order(wh, source_name, property_name, night):
        clock.sleep(ORDER_POLL_SECONDS)
    states: list[str] = []
    for table in source.tables:
        load_ids = write(wh, source_name, table.name, property_name, night)
        states += reading.settle(wh, source, table, load_ids)
    return states


def replay(wh: Warehouse, source_name: str, property_name: str, first: date, last: date) -> list[str]:
    """Read again from the archive, making no request, every reading that covered the days from first to last.

    Returns the states of the loads. Raises NotArchivedError where the archive lacks an answer.
    """
    source, prop = reading.configured(wh, source_name, property_name)
    if source.kind is Kind.DROP:
        return drop.replay(wh, source_name, property_name, first, last)
    states: list[str] = []
    for table in source.tables:
        with wh.connect("loader") as connection:
            readings = known.readings(connection, source, table, prop.key, first, last)
        for period, night, scope in readings:
            again = Reading(
                source=source,
                table=table,
                property=prop,
                period=period,
                night=night,
                purpose="replay",
                scope=scope or reading.night_scope(period.last_day),
            )
            states += reading.load_now(wh, again, is_replay=True)
    return states


def _is_due(wh: Warehouse, connection: Connection, source: Source, prop: Property, night: date) -> bool:
    """A snapshot with an interval of its own is due when its last earlier night is that long ago."""
    if source.kind is Kind.DATED:
        return True
    last = known.last_published(connection, source.name, source.tables[0].name, prop.key, before=night)
    if last is not None and (night - last).days < reading.interval_days(source, prop):
        return False
    if source.plan is None or not source.plan.is_all:
        return True
    return has_asks(wh, source, prop, scope=reading.night_scope(night), may_plan=wh.is_open(night))


def _due_loads(wh: Warehouse, connection: Connection, source: Source, table: Table, prop: Property, night: date) -> Due:
    """The loads of a table's night; none where an interval of more than a night has not passed."""
    if not _is_due(wh, connection, source, prop, night):
        return Due([], [], [])
    if source.kind is Kind.SNAPSHOT:
        return Due([Period(night, night, reading.since(connection, source, prop, night))], [], [])
    return due_loads(connection, source, table.name, prop, night)
