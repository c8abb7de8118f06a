"""A load from its first call to its verdict: what nights, history, replays and back-fills have in common."""

from __future__ import annotations

import logging
import time as clock
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import date
from typing import Any

import psycopg

from seo_warehouse.client.api import Api, Noted
from seo_warehouse.client.shapes import Tally
from seo_warehouse.config import RETRIES, Property
from seo_warehouse.errors import (
    AuditFailedError,
    ConfigError,
    DeferredError,
    NightOverError,
    NotArchivedError,
    SeoWarehouseError,
    TerminalSourceError,
    TransientLoadError,
)
from seo_warehouse.ledger import budgets, known, loads
from seo_warehouse.ledger.budgets import Order
from seo_warehouse.ledger.session import Connection
from seo_warehouse.ledger.shapes import note_shapes
from seo_warehouse.ledger.turns import try_turn, wait_for_turn
from seo_warehouse.load.batch import write_batch
from seo_warehouse.load.publish import publish
from seo_warehouse.sources import source_named
from seo_warehouse.spec import Kind, Period, Reading, Row, Source, Table
from seo_warehouse.steps.connections import open_api
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)


def configured(wh: Warehouse, source_name: str, property_name: str) -> tuple[Source, Property]:
    """A source and a property by name. Raises ConfigError where one is unknown or not configured for the other."""
    try:
        source = source_named(source_name)
    except KeyError as error:
        raise ConfigError(str(error.args[0])) from None
    prop = wh.properties.named(property_name)
    prop.settings_of(source)
    return source, prop


def setting(source: Source, prop: Property, name: str, default: Any) -> Any:
    """A property's own setting of a source, or `default` where the source has none of that name."""
    return getattr(prop.settings_of(source), name, default)


def interval_days(source: Source, prop: Property) -> int:
    """Least distance in days of two nights that read a snapshot source for a property."""
    return int(setting(source, prop, "interval_days", source.interval_days))


def since(connection: Connection, source: Source, prop: Property, night: date) -> date | None:
    """What a night's reader gets as `since`: the last complete read before it, or None when a full pull is due.

    Of several tables the one that was left behind decides: what the others read twice is told twice, nothing is lost.
    """
    full_interval = setting(source, prop, "full_interval_days", None)
    if full_interval is None:
        return None
    complete: list[date] = []
    for table in source.tables:
        full = known.last_full(connection, source.name, table.name, prop.key, before=night)
        last = known.last_complete(connection, source.name, table.name, prop.key, before=night)
        if full is None or last is None or (night - full).days >= full_interval:
            return None
        complete.append(last)
    return min(complete)


def night_scope(night: date) -> str:
    """Where in the archive a night's answers lie."""
    return f"night={night}"


def history_scope(period: Period) -> str:
    """Where in the archive the answers about final days of a month lie, whoever asked for them."""
    return f"history={period.first_day:%Y-%m}"


def again_scope(today: date) -> str:
    """Where the answers lie that were asked for again on a UTC date because a person wished so."""
    return f"backfill={today}"


def fills_alone(
    connection: Connection, source: Source, table: Table, prop: Property, *, wait: Callable[[], None] | None = None
) -> bool:
    """Whether this session is the one that fills the holes of a table and property, until it ends or is given back.

    An onboarding that runs beside a night would ask for the same days. A killed process lets go. `wait` is called
    where another one is at it, which then is waited for.
    """
    turn = f"fill {source.name} {table.name} {prop.key}"
    is_alone = try_turn(connection, turn)
    if not is_alone and wait is not None:
        wait()
        is_alone = wait_for_turn(connection, turn)
    return is_alone


def place_order(wh: Warehouse, source: Source, prop: Property, period: Period) -> bool:
    """One look at a night's orders, its use noted whatever came of it. True once all is there, or none is needed.

    Two that order at once would each find nothing ordered yet: raises TransientLoadError for the second.
    """
    if source.order is None:
        return True
    night = period.first_day
    with wh.connect("loader", autocommit=True) as holder:
        # The session holds it: a killed process lets it go.
        if not try_turn(holder, f"order {source.name} {prop.key} {night}"):
            raise TransientLoadError(f"order {source.name}, {prop.name}, {night}: another process is ordering it")
        with open_api(wh, source, prop, scope=night_scope(night), may_call=True) as api:
            is_whole, is_failed = False, True
            try:
                is_whole = source.order(api, prop, period)
                is_failed = False
            finally:
                with wh.connect("loader", autocommit=True) as connection:
                    with connection.transaction():
                        loads.note_order(
                            connection, source.name, prop.key, night, api.usage, is_done=is_whole, is_failed=is_failed
                        )
                    _note_shapes(wh, connection, source, api.shapes)
            return is_whole


def write_load(connection: Connection, reading: Reading, rows: Generator[Row, None, None], noted: Noted) -> int:
    """Begin a load and copy `rows`, which has begun nothing yet, into `audit`. Returns its id.

    `connection` is in autocommit mode, and of no use to who makes the rows. `noted` is whole after the last row. What
    is raised is noted with the load.
    """
    with closing(rows):
        load_id = loads.begin_load(connection, reading)
        write_batch(connection, load_id, reading, rows, noted)
    return load_id


def write_period(wh: Warehouse, connection: Connection, reading: Reading, *, is_replay: bool = False) -> int:
    """One load of what a source answers about a period. Returns its id.

    `connection` is in autocommit mode; one for many loads spares each a session that PostgreSQL has to begin.
    `is_replay`: no request is made. Raises SourceError or LoadError, once noted; NightOverError for a snapshot of a
    night that ended unread.
    """
    noted, shapes = Noted(days=set(reading.period.days())), Tally()
    try:
        return write_load(connection, reading, _answers(wh, reading, noted, shapes, is_replay=is_replay), noted)
    finally:
        _note_shapes(wh, connection, reading.source, shapes)


def load_now(wh: Warehouse, reading: Reading, *, is_replay: bool = False, pauses: Sequence[float] = ()) -> list[str]:
    """Write, judge and publish one load here and now (write_period, settle). Returns its state."""
    with wh.connect("loader", autocommit=True) as connection:
        load_id = write_period(wh, connection, reading, is_replay=is_replay)
    return settle(wh, reading.source, reading.table, [load_id], pauses=pauses)


def _answers(
    wh: Warehouse, reading: Reading, noted: Noted, shapes: Tally, *, is_replay: bool
) -> Generator[Row, None, None]:
    source, prop, night = reading.source, reading.property, reading.period.last_day
    may_call = not is_replay and source.order is None and (source.kind is Kind.DATED or wh.is_open(night))
    speaks_of = night if source.kind is Kind.SNAPSHOT else None
    with open_api(wh, source, prop, scope=reading.scope, may_call=may_call, night=speaks_of) as api:
        try:
            yield from read_rows(api, reading)
        except NotArchivedError as error:
            with wh.connect("loader", autocommit=True) as connection:
                deferred = budgets.why_deferred(connection, Order(source.name, prop.key, reading.scope))
            if deferred and not is_replay:
                raise DeferredError(deferred) from None
            if is_replay or source.kind is not Kind.SNAPSHOT or wh.is_open(night):
                raise
            raise night_over(source, prop, night, error) from None
        finally:
            noted.take(api)
            # Noted once the load is written: the connection is busy with its rows, and another would be one more.
            shapes.endpoints |= api.shapes.endpoints


def _note_shapes(wh: Warehouse, connection: Connection, source: Source, seen: Tally) -> None:
    """Note which fields the answers had that were bought. No load fails because that cannot be noted."""
    if not seen.endpoints:
        return
    try:
        note_shapes(connection, source.name, seen, wh.now().date())
    except (psycopg.Error, SeoWarehouseError):
        log.exception("%s: the shape of its answers could not be noted", source.name)


def read_rows(api: Api, reading: Reading) -> Iterator[Row]:
    """The rows of a table's reader. Raises TerminalSourceError where it noted no shape of what it read."""
    table = reading.table
    is_shaped = table.shape is None
    for row in table.read(api, reading.property, reading.period):
        is_shaped = is_shaped or api.has_noted_shape
        if not is_shaped:
            raise TerminalSourceError(
                f"{reading.source.name}.{table.name} is read without Api.note_shape: no gate would see a new field"
            )
        yield row


def night_over(source: Source, prop: Property, night: date, error: NotArchivedError) -> NightOverError:
    """Why a snapshot's night cannot be read any more."""
    return NightOverError(
        f"{source.name} answers for now only, and night {night} of {prop.name} is over: "
        f"it cannot be read any more, since the archive lacks it ({error})"
    )


def audit_loads(wh: Warehouse, source: Source, table: Table, load_ids: Iterable[int]) -> None:
    """Judge written loads; one's failure stops no other. Raises the last unexpected error once all were tried."""
    waiting = list(load_ids)
    if not waiting:
        return
    # Late: Great Expectations takes seconds of CPU to import, and of a night that is known there is nothing to judge.
    from seo_warehouse.audit.gate import audit_load

    failure: Exception | None = None
    with wh.connect("loader", autocommit=True) as connection:
        for load_id in waiting:
            try:
                audit_load(connection, wh.dsn("loader"), source, table, load_id)
            except (SeoWarehouseError, psycopg.Error) as error:
                log.exception("load %s of %s.%s could not be judged", load_id, source.name, table.name)
                failure = error
    if failure is not None:
        raise failure


def settle(
    wh: Warehouse, source: Source, table: Table, load_ids: list[int], *, pauses: Sequence[float] = ()
) -> list[str]:
    """Audit and publish loads here and now. Returns their states. Raises AuditFailedError naming a quarantined one.

    A publication that meets a transient error is tried again after each of `pauses`, in seconds.
    """
    audit_loads(wh, source, table, load_ids)
    states: list[str] = []
    for load_id in load_ids:
        with wh.connect("loader", autocommit=True) as connection:
            state, reason = loads.load_state(connection, load_id)
        if state == "quarantined":
            raise AuditFailedError(f"load {load_id} of {source.name}.{table.name} is in quarantine: {reason}")
        states.append(_publish(wh, source, table, load_id, pauses) if state == "passed" else state)
    return states


def patience(wh: Warehouse) -> tuple[float, ...]:
    """The pauses of whoever loads history, which no task tries again: those that Airflow makes between tries."""
    return tuple(wh.settings.retry_seconds * 2**number for number in range(RETRIES))


def _publish(wh: Warehouse, source: Source, table: Table, load_id: int, pauses: Sequence[float]) -> str:
    for pause in pauses:
        try:
            # Each try with a connection of its own: the last one's may be what was lost.
            with wh.connect("loader", autocommit=True) as connection:
                return publish(connection, source, table, load_id)
        except TransientLoadError as error:
            log.warning("%s; tried again in %.0f s", error, pause)
            clock.sleep(pause)
    with wh.connect("loader", autocommit=True) as connection:
        return publish(connection, source, table, load_id)
