"""The steps of a night, as Airflow's tasks and the command line call them.

Each may be run again at any time: what is archived is not asked for twice, what is equal is not published twice.
"""

from __future__ import annotations

import logging
import time as clock
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, time, timedelta
from itertools import groupby
from typing import Any

import psycopg
from psycopg import sql

from seo_warehouse.audit.gate import audit_load
from seo_warehouse.config import Property
from seo_warehouse.errors import (
    AuditFailedError,
    ConfigError,
    LoadError,
    NightOverError,
    NotArchivedError,
    SeoWarehouseError,
    TransientLoadError,
)
from seo_warehouse.load import ledger, nights
from seo_warehouse.load.batch import write_batch
from seo_warehouse.load.publish import publish as publish_load
from seo_warehouse.load.schema import ensure_partition
from seo_warehouse.orchestration.connections import open_api
from seo_warehouse.orchestration.warehouse import Warehouse
from seo_warehouse.sources import SOURCES, source_named
from seo_warehouse.spec import Kind, Period, Source, Table
from seo_warehouse.urls import key64

log = logging.getLogger(__name__)
ORDER_POLL_SECONDS = 5.0
ARRIVED = frozenset({"published", "unchanged", "superseded"})
"""States of a load whose days are in the warehouse, from it or from a later reading."""
ORDER_DEADLINE = time(22, 0)
"""UTC time of day after which a night goes on with what has come: an hour is left to load and judge it."""


def order(wh: Warehouse, source_name: str, property_name: str, night: date) -> bool:
    """Bring a night's answers into the archive where the source works so; True once all that will come are there.

    Raises SourceError, and NightOverError for a night that has ended without an order.
    """
    source, prop = _configured(wh, source_name, property_name)
    if source.order is None or not _is_due(wh, source, prop, night):
        return True
    if not wh.is_open(night):
        log.warning("%s %s: night %s is over; what the archive holds is all there is", source.name, prop.name, night)
        return True
    is_whole = place_order(wh, source, prop, Period(night, night, _since(wh, source, prop, night)))
    # An answer that is late must not keep the others from this night's build.
    return is_whole or wh.now().time() >= ORDER_DEADLINE


def place_order(wh: Warehouse, source: Source, prop: Property, period: Period) -> bool:
    """One look at a night's orders, its use noted whatever came of it. True once all is there, or none is needed."""
    if source.order is None:
        return True
    night = period.first_day
    with (
        _ordering_alone(wh, source, prop, night),
        open_api(wh, source, prop, scope=night_scope(night), may_call=True) as api,
    ):
        try:
            return source.order(api, prop, period)
        finally:
            with wh.connect("loader") as connection:
                ledger.note_order(connection, source.name, prop.key, night, api.usage)


@contextmanager
def _ordering_alone(wh: Warehouse, source: Source, prop: Property, night: date) -> Iterator[None]:
    """Two that order at once would each find nothing ordered yet. Raises TransientLoadError for the second."""
    lock = key64("seo_warehouse", "order", source.name, prop.key, night)
    with wh.connect("loader", autocommit=True) as connection:
        # The session holds it: a killed process lets it go.
        taken = connection.execute("select pg_try_advisory_lock(%s)", (lock,)).fetchone()
        if taken != (True,):
            raise TransientLoadError(f"order {source.name}, {prop.name}, {night}: another process is ordering it")
        yield


def write(wh: Warehouse, source_name: str, table_name: str, property_name: str, night: date) -> list[int]:
    """Read a night's due days of one property into `audit`, a load a day (older holes: a load a month).

    Returns the loads written. A day that cannot be read keeps no other from being read; the first such error is raised
    once all were tried: SourceError or LoadError.
    """
    source, prop = _configured(wh, source_name, property_name)
    table = source.table(table_name)
    if night > wh.now().date():
        raise ConfigError(f"night {night} has not begun (it is {wh.now():%Y-%m-%d %H:%M} UTC)")
    periods = _due_periods_if_any(wh, source, table, prop, night)
    if not periods:
        log.info("%s.%s %s: nothing is due in night %s", source.name, table.name, prop.name, night)
    load_ids: list[int] = []
    failures: list[SeoWarehouseError] = []
    for period in periods:
        try:
            load_ids.append(write_period(wh, source, table, prop, period, night=night, purpose="night"))
        except SeoWarehouseError as error:
            log.error(
                "%s.%s %s %s..%s: %s", source_name, table_name, prop.name, period.first_day, period.last_day, error
            )
            failures.append(error)
    if failures:
        raise failures[0]
    return load_ids


def write_period(
    wh: Warehouse,
    source: Source,
    table: Table,
    prop: Property,
    period: Period,
    *,
    night: date | None,
    purpose: str,
    scope: str | None = None,
    is_replay: bool = False,
) -> int:
    """One load: begin it, read it, copy it. Returns its id.

    Raises SourceError or LoadError, once noted; NightOverError for a snapshot of a night that ended unread.
    """
    scope = scope or night_scope(night or period.last_day)
    with wh.connect("loader", autocommit=True) as connection:
        load_id = ledger.begin_load(
            connection,
            source=source.name,
            table=table.name,
            property_key=prop.key,
            part="",
            first_day=period.first_day,
            last_day=period.last_day,
            night=night,
            purpose=purpose,
            archive_scope=scope,
        )
        try:
            may_call = (
                not is_replay and source.order is None and (source.kind is Kind.DATED or wh.is_open(period.last_day))
            )
            with open_api(wh, source, prop, scope=scope, may_call=may_call) as api:
                rows = write_batch(
                    connection,
                    source,
                    table,
                    load_id,
                    prop.key,
                    "",
                    table.read(api, prop, period),
                    days=period.days(),
                    facts=lambda: api.facts,
                    usage=lambda: api.usage,
                )
        except NotArchivedError as error:
            is_over = not is_replay and source.kind is Kind.SNAPSHOT and not wh.is_open(period.last_day)
            failure = _night_over(source, prop, period.last_day, error) if is_over else error
            note_failure(connection, load_id, failure)
            raise failure from None
        except Exception as error:
            note_failure(connection, load_id, error)
            raise
    log.info(
        "%s.%s %s %s..%s: %s rows written", source.name, table.name, prop.name, period.first_day, period.last_day, rows
    )
    return load_id


def _night_over(source: Source, prop: Property, night: date, error: NotArchivedError) -> NightOverError:
    return NightOverError(
        f"{source.name} answers for now only, and night {night} of {prop.name} is over: "
        f"it cannot be read any more, since the archive lacks it ({error})"
    )


def audit(wh: Warehouse, source_name: str, table_name: str, night: date) -> None:
    """Judge every written load of a table's night, property by property; one's failure stops no other.

    Raises the last unexpected error once all were tried. A quarantine is a verdict, not an error.
    """
    source = source_named(source_name)
    with wh.connect("loader", autocommit=True) as connection:
        waiting = _loads(connection, source, source.table(table_name), night=night, state="written")
    _audit_all(wh, source, source.table(table_name), waiting)


def _audit_all(wh: Warehouse, source: Source, table: Table, load_ids: Iterable[int]) -> None:
    failure: Exception | None = None
    with wh.connect("loader", autocommit=True) as connection:
        for load_id in load_ids:
            try:
                verdict = audit_load(connection, wh.dsn("loader"), source, table, load_id)
            except (SeoWarehouseError, psycopg.Error) as error:
                log.exception("load %s of %s.%s could not be judged", load_id, source.name, table.name)
                failure = error
            else:
                log.info("load %s of %s.%s: %s", load_id, source.name, table.name, verdict)
    if failure is not None:
        raise failure


def publish(wh: Warehouse, source_name: str, table_name: str, property_name: str, night: date) -> list[str]:
    """Swap a property's passed loads of a night into `raw`. Returns what became of each."""
    source, prop = _configured(wh, source_name, property_name)
    table = source.table(table_name)
    with wh.connect("loader", autocommit=True) as connection:
        ready = _loads(connection, source, table, night=night, state="passed", property_key=prop.key)
        return [publish_load(connection, source, table, load_id) for load_id in ready]


def announce(wh: Warehouse, source_name: str, night: date) -> None:
    """Note that a source has ended a night, whatever came of its loads."""
    with wh.connect("loader") as connection:
        nights.end_source_night(connection, source_name, night)


def close_night(wh: Warehouse, night: date) -> bool:
    """Close a night once every configured source has ended it; True until a finished build carries it."""
    with wh.connect("loader") as connection:
        return nights.close_night(connection, night, tuple(s.name for s in wh.sources))


def close_overdue(wh: Warehouse) -> list[date]:
    """Close each night whose deadline has passed, naming the sources that had not ended."""
    with wh.connect("loader") as connection:
        return nights.close_overdue(connection, wh.now(), tuple(s.name for s in wh.sources))


def verdict(wh: Warehouse, source_name: str, night: date) -> None:
    """Raise AuditFailedError naming each load of a source's night that is not in the warehouse, or was never begun."""
    source = source_named(source_name)
    properties = {prop.key: prop for prop in wh.properties.with_source(source.settings)}
    with wh.connect("loader") as connection:
        loads = nights.loads_of(connection, source_name, night)
    lines = [
        f"load {load.load_id} of {load.table} for {properties[load.property_key].name}, "
        f"{load.first_day}..{load.last_day}: {load.state}: {load.reason or 'its task did not end'}"
        for load in loads
        if load.property_key in properties and load.state not in ARRIVED
    ]
    begun = {(load.table, load.property_key) for load in loads}
    lines += [
        f"{table.name} for {prop.name} was never begun"
        for table in source.tables
        for prop in properties.values()
        if (table.name, prop.key) not in begun and _due_periods_if_any(wh, source, table, prop, night)
    ]
    if lines:
        raise AuditFailedError(f"{len(lines)} loads stayed out of the warehouse. " + " | ".join(lines))


_VACUUM = sql.SQL("vacuum (analyze) {}")


def maintain(wh: Warehouse) -> None:
    """Make next month's partitions and vacuum what the nights churn."""
    ahead = wh.now().date().replace(day=1) + timedelta(days=32)
    with wh.connect("loader") as connection:
        for source in SOURCES:
            for table in source.tables:
                ensure_partition(connection, source.raw_name(table), ahead)
    with wh.connect("loader", autocommit=True) as connection:
        for source in SOURCES:
            for table in source.tables:
                connection.execute(_VACUUM.format(sql.Identifier("raw", source.raw_name(table))))
    with wh.connect("owner", autocommit=True) as connection:
        for (relation,) in connection.execute(
            "select relname from pg_class where relnamespace = 'ops'::regnamespace and relkind = 'r'"
        ).fetchall():
            connection.execute(_VACUUM.format(sql.Identifier("ops", relation)))


def ingest(wh: Warehouse, source_name: str, property_name: str, night: date) -> list[str]:
    """All of a source's night for one property, here and now: order, write, audit, publish.

    Returns the states of the loads. Raises SourceError, LoadError; AuditFailedError where a load is in quarantine.
    """
    source, _ = _configured(wh, source_name, property_name)
    while not order(wh, source_name, property_name, night):
        clock.sleep(ORDER_POLL_SECONDS)
    states: list[str] = []
    for table in source.tables:
        load_ids = write(wh, source_name, table.name, property_name, night)
        states += settle(wh, source, table, load_ids)
    return states


def replay(wh: Warehouse, source_name: str, property_name: str, first: date, last: date) -> list[str]:
    """Read again from the archive, making no request, every reading that covered the days from first to last.

    Returns the states of the loads. Raises NotArchivedError where the archive lacks an answer.
    """
    source, prop = _configured(wh, source_name, property_name)
    states: list[str] = []
    for table in source.tables:
        for period, night, scope in _readings(wh, source, table, prop, first, last):
            load_id = write_period(
                wh, source, table, prop, period, night=night, purpose="replay", scope=scope, is_replay=True
            )
            states += settle(wh, source, table, [load_id])
    return states


def settle(wh: Warehouse, source: Source, table: Table, load_ids: list[int]) -> list[str]:
    """Audit and publish loads here and now. Returns their states. Raises AuditFailedError naming a quarantined one."""
    _audit_all(wh, source, table, load_ids)
    states: list[str] = []
    with wh.connect("loader", autocommit=True) as connection:
        for load_id in load_ids:
            state, reason = ledger.load_state(connection, load_id)
            if state == "quarantined":
                raise AuditFailedError(f"load {load_id} of {source.name}.{table.name} is in quarantine: {reason}")
            states.append(publish_load(connection, source, table, load_id) if state == "passed" else state)
    return states


def night_scope(night: date) -> str:
    """Where in the archive a night's answers lie."""
    return f"night={night}"


def month_periods(days: Iterable[date]) -> Iterator[Period]:
    """Runs of consecutive days, cut at the ends of months."""
    for _, run in groupby(enumerate(sorted(days)), key=lambda pair: (pair[1].toordinal() - pair[0], pair[1].month)):
        members = [day for _, day in run]
        yield Period(members[0], members[-1])


def _configured(wh: Warehouse, source_name: str, property_name: str) -> tuple[Source, Property]:
    try:
        source = source_named(source_name)
    except KeyError as error:
        raise ConfigError(str(error.args[0])) from None
    prop = wh.properties.named(property_name)
    if getattr(prop.sources, source.settings) is None:
        raise ConfigError(f"{source.name} is not configured for {prop.name} in {wh.settings.properties_path}")
    return source, prop


def setting(source: Source, prop: Property, name: str, default: Any) -> Any:
    """A property's own setting of a source, or `default` where the source has none of that name."""
    return getattr(getattr(prop.sources, source.settings), name, default)


def interval_days(source: Source, prop: Property) -> int:
    """Least distance in days of two nights that read a snapshot source for a property."""
    return int(setting(source, prop, "interval_days", source.interval_days))


def _is_due(wh: Warehouse, source: Source, prop: Property, night: date) -> bool:
    """A snapshot with an interval of its own is due when its last earlier night is that long ago."""
    if source.kind is Kind.DATED:
        return True
    with wh.connect("loader") as connection:
        last = ledger.last_published(connection, source.name, source.tables[0].name, prop.key, before=night)
    return last is None or (night - last).days >= interval_days(source, prop)


def _since(wh: Warehouse, source: Source, prop: Property, night: date) -> date | None:
    """Date of the last complete read, or None when a full pull is due."""
    full_interval = setting(source, prop, "full_interval_days", None)
    if full_interval is None:
        return None
    table = source.tables[0].name
    with wh.connect("loader") as connection:
        full = ledger.last_full(connection, source.name, table, prop.key, before=night)
        if full is None or (night - full).days >= full_interval:
            return None
        return ledger.last_complete(connection, source.name, table, prop.key, before=night)


def _due_periods(wh: Warehouse, source: Source, table: Table, prop: Property, night: date) -> list[Period]:
    if source.kind is Kind.SNAPSHOT:
        return [Period(night, night, _since(wh, source, prop, night))]
    with wh.connect("loader") as connection:
        days = ledger.due_days(connection, source, table.name, prop, night)
    window_start = night - timedelta(days=source.delay_days + source.lookback_days)
    window = [Period(day, day) for day in days if day >= window_start]
    return [*window, *month_periods(day for day in days if day < window_start)]


def _due_periods_if_any(wh: Warehouse, source: Source, table: Table, prop: Property, night: date) -> list[Period]:
    return _due_periods(wh, source, table, prop, night) if _is_due(wh, source, prop, night) else []


def _loads(
    connection: psycopg.Connection[Any],
    source: Source,
    table: Table,
    *,
    night: date,
    state: str,
    property_key: int | None = None,
) -> list[int]:
    rows = connection.execute(
        """
        select load_id from ops.load
        where source = %s and table_name = %s and night = %s and state = %s and purpose = 'night'
          and (%s::integer is null or property_key = %s)
        order by load_id
        """,
        (source.name, table.name, night, state, property_key, property_key),
    ).fetchall()
    return [load_id for (load_id,) in rows]


def _readings(
    wh: Warehouse, source: Source, table: Table, prop: Property, first: date, last: date
) -> list[tuple[Period, date | None, str | None]]:
    """The readings that once succeeded and whose days overlap first..last, each with its place in the archive."""
    with wh.connect("loader") as connection:
        return ledger.readings(connection, source, table, prop.key, first, last)


def note_failure(connection: psycopg.Connection[Any], load_id: int, error: Exception) -> None:
    """Keep the reason with the load; the error itself goes on to whoever decides about retrying."""
    try:
        ledger.fail_load(connection, load_id, f"{type(error).__name__}: {error}")
    except (psycopg.Error, LoadError):
        log.exception("load %s failed and the ledger could not be told; the next attempt will note it", load_id)
