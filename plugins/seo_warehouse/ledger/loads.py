"""The life of a load in `ops.load`."""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from psycopg import sql

from seo_warehouse.errors import LoadError, TransientLoadError
from seo_warehouse.ledger.budgets import Order, settle
from seo_warehouse.ledger.session import Connection, one, step, transaction
from seo_warehouse.ledger.text import mend
from seo_warehouse.ledger.turns import end_turn, try_turn, wait_for_turn

if TYPE_CHECKING:
    from seo_warehouse.client.api import Usage
    from seo_warehouse.spec import Reading

log = logging.getLogger(__name__)

TRANSITIONS: dict[str, frozenset[str]] = {
    "started": frozenset({"written", "failed", "deferred"}),
    "written": frozenset({"passed", "quarantined", "failed"}),
    "passed": frozenset({"published", "unchanged", "superseded", "failed"}),
    "quarantined": frozenset({"published", "unchanged", "rejected", "superseded"}),
    "published": frozenset({"superseded"}),
    "unchanged": frozenset(),
    "superseded": frozenset(),
    "rejected": frozenset(),
    "failed": frozenset(),
    "deferred": frozenset(),
}
"""The states a load may go to. `passed -> superseded`: every day of it had been published from a later reading.

From quarantine a load goes to `published` or `unchanged` where a person approved it. `deferred`: a month's budget did
not hold it, and nothing was bought."""
UNFINISHED = ("started", "written", "passed")
ABANDONED_AFTER = timedelta(days=1)
"""A written load that its own night or back-fill has not judged or published by then never will be."""
WRITER_WAIT = timedelta(minutes=1)
"""How long a writer waits for another night's at the same batch. Two nights walk over the same days: if neither waited,
each would find the other in its way on some day, and again when both are retried."""
REASON_CHARACTERS = 4_000
_FILE = "file="


class Batch(NamedTuple):
    """What one writer at a time writes. Two files are two batches, though they have the same table, part and days."""

    source: str
    table: str
    property_key: int
    part: str
    first_day: date
    last_day: date
    file: str

    @property
    def columns(self) -> tuple[str, str, int, str, date, date]:
        """What `ops.load` has a column for."""
        return self[:6]

    @property
    def turn(self) -> str:
        """Name of its writer's turn."""
        return " ".join(("batch", *map(str, self)))


def batch_of(reading: Reading) -> Batch:
    """The batch that a reading writes."""
    source, table, days = reading.source.name, reading.table.name, reading.period
    file = _file_of(reading.scope)
    return Batch(source, table, reading.property.key, reading.part, days.first_day, days.last_day, file)


def begin_load(conn: Connection, reading: Reading, *, wait: timedelta = WRITER_WAIT) -> int:
    """Begin an attempt at a reading's batch and return its load id; dead attempts at the batch are marked failed.

    A load of another night, or read for another purpose, that waits to be judged or published is not dead: of two
    readings of a day the later stays, whichever is published first.

    The session holds the batch until the load is written or failed, or the session ends. Whoever reads it for another
    night or purpose is waited for, `wait` at most. Raises TransientLoadError where another living session holds it
    longer, or does this same work.
    """
    batch = batch_of(reading)
    night, purpose, file = reading.night, reading.purpose, batch.file
    what = f"begin {batch.source}.{batch.table}, property {batch.property_key}, {batch.first_day}..{batch.last_day}"
    with step(conn, what):
        # An attempt that this very session left behind is dead too.
        if not try_turn(conn, batch.turn) and not _had_turn(conn, reading, wait):
            raise TransientLoadError(f"{what}: another writer is at the same batch")
        with transaction(conn):
            dead = conn.execute(
                """
                select load_id from ops.load
                where (source, table_name, property_key, part, first_day, last_day) = (%s, %s, %s, %s, %s, %s)
                  and state = any(%s) and (%s = '' or archive_scope = %s)
                  -- Who holds the batch may say so of one that was being written; another run's may only be waiting.
                  and (state = 'started' or (night, purpose) is not distinct from (%s::date, %s)
                       or started_at < clock_timestamp() - %s)
                order by load_id
                for update
                """,
                (*batch.columns, list(UNFINISHED), file, file, night, purpose, ABANDONED_AFTER),
            ).fetchall()
            for (load_id,) in dead:
                move(conn, load_id, "failed", reason="a dead attempt: the next one at this batch began")
                drop_audit_table(conn, load_id)
            return int(
                one(
                    conn,
                    """
                    insert into ops.load (source, table_name, property_key, part, first_day, last_day, night, purpose,
                                          archive_scope, attempt, state)
                    select b.*, %s, %s, %s, 1 + count(l.load_id), 'started'
                    from (values (%s, %s, %s::integer, %s, %s::date, %s::date))
                        as b (source, table_name, property_key, part, first_day, last_day)
                    left join ops.load as l
                        on (l.source, l.table_name, l.property_key, l.part, l.first_day, l.last_day)
                           = (b.source, b.table_name, b.property_key, b.part, b.first_day, b.last_day)
                       and (%s = '' or l.archive_scope = %s)
                    group by 1, 2, 3, 4, 5, 6
                    returning load_id
                    """,
                    (night, purpose, reading.scope, *batch.columns, file, file),
                )
            )


def _had_turn(conn: Connection, reading: Reading, wait: timedelta) -> bool:
    """Wait for whoever holds a batch to let it go, and take it; False where it does not, or does this same work."""
    batch = batch_of(reading)
    is_twin = one(
        conn,
        """
        select exists (
            select from ops.load
            where (source, table_name, property_key, part, first_day, last_day) = (%s, %s, %s, %s, %s, %s)
              and state = 'started' and (night, purpose) is not distinct from (%s::date, %s)
        )
        """,
        (*batch.columns, reading.night, reading.purpose),
    )
    if is_twin:
        return False
    return wait_for_turn(conn, batch.turn, wait)


def fail_load(
    conn: Connection, load_id: int, reason: str, usage: Usage | None = None, *, is_deferred: bool = False
) -> None:
    """Mark a load failed, or deferred; keep what it cost, let its batch go. Does nothing where it is so already."""
    state = "deferred" if is_deferred else "failed"
    with step(conn, f"{state} load {load_id}"):
        with transaction(conn):
            if load_state(conn, load_id)[0] != state:
                move(conn, load_id, state, reason=reason)
                drop_audit_table(conn, load_id)
                if usage is not None:
                    note_usage(conn, load_id, usage)
        _release_batch(conn, load_id)


def move(conn: Connection, load_id: int, state: str, reason: str | None = None) -> None:
    """Move a load to another state. Raises LoadError where its present one does not lead there."""
    allowed = [before for before, after in TRANSITIONS.items() if state in after]
    moved = conn.execute(
        """
        update ops.load set
            state = %(state)s,
            reason = coalesce(%(reason)s, reason),
            written_at = case when %(state)s = 'written' then clock_timestamp() else written_at end,
            audited_at = case when %(state)s in ('passed', 'quarantined') then clock_timestamp() else audited_at end,
            published_at = case when %(state)s = 'published' then clock_timestamp() else published_at end,
            ended_at = case when %(state)s in ('started', 'written', 'passed', 'quarantined') then null
                            else coalesce(ended_at, clock_timestamp()) end
        where load_id = %(load_id)s and state = any(%(allowed)s)
        returning source, table_name, property_key, first_day, last_day
        """,
        {
            "state": state,
            "reason": reason and mend(reason.replace("\0", " "))[:REASON_CHARACTERS],
            "load_id": load_id,
            "allowed": allowed,
        },
    ).fetchone()
    if moved is None:
        present, _ = load_state(conn, load_id)
        raise LoadError(f"load {load_id} is {present} and cannot become {state}")
    log.info("load %s of %s.%s, property %s, %s..%s: %s", load_id, *moved, state)


def load_state(conn: Connection, load_id: int) -> tuple[str, str | None]:
    """State of a load and its reason. Raises LoadError where there is no such load."""
    row = conn.execute("select state, reason from ops.load where load_id = %s", (load_id,)).fetchone()
    if row is None:
        raise LoadError(f"there is no load {load_id}")
    return row[0], row[1]


def table_of(conn: Connection, load_id: int) -> tuple[str, str]:
    """Source and table of a load. Raises LoadError where there is no such load."""
    row = conn.execute("select source, table_name from ops.load where load_id = %s", (load_id,)).fetchone()
    if row is None:
        raise LoadError(f"there is no load {load_id}")
    return row[0], row[1]


_OWED = """
select greatest(0, %(units)s - coalesce(sum(units), 0)), greatest(0, %(money)s - coalesce(sum(money), 0))
from (
    select units, money from ops.order_usage
    where source = %(source)s and property_key = %(property)s and night between %(first)s and %(last)s
    union all
    select units, money from ops.load
    where source = %(source)s and property_key = %(property)s and first_day <= %(last)s and last_day >= %(first)s
      and load_id is distinct from %(load_id)s and table_name = coalesce(%(table)s, table_name)
      and (%(scope)s::text is null or archive_scope = %(scope)s or 'nights' in (archive_scope, %(scope)s))
) as noted
"""
"""What the answers of a reading cost beyond what is noted of them already, by this reading or by others.

A process that is killed leaves what it bought in the archive and notes nothing; so whoever comes by next pays the bill,
once. Answers of many nights that are loaded at once lie in the archive by night, and the load's scope is `nights`.
"""


def note_usage(conn: Connection, load_id: int, usage: Usage, *, is_done: bool = False) -> None:
    """Keep what a reading used; of units and money what nothing has noted yet. `is_done`: it will buy no more."""
    row = conn.execute(
        "select source, property_key, first_day, last_day, table_name, archive_scope from ops.load where load_id = %s",
        (load_id,),
    ).fetchall()[0]
    batch = dict(zip(("source", "property", "first", "last", "table", "scope"), row, strict=True))
    owed = conn.execute(_OWED, {**batch, "load_id": load_id, "units": usage.units, "money": usage.money}).fetchall()[0]
    conn.execute(
        """
        update ops.load set bytes_read = %s, calls = %s, calls_reused = %s, calls_cut = %s, units = %s, money = %s
        where load_id = %s
        """,
        (usage.bytes, usage.calls, usage.reused, usage.cut, *owed, load_id),
    )
    order = Order(batch["source"], batch["property"], batch["scope"] or "")
    settle(conn, order, owed[1], is_done=is_done)


def note_order(
    conn: Connection,
    source: str,
    property_key: int,
    night: date,
    usage: Usage,
    *,
    is_done: bool = False,
    is_failed: bool = False,
) -> None:
    """Keep what one look at a night's orders used; of units and money what nothing has noted yet.

    `is_done`: nothing more is bought for the night. `is_failed`: the look ended in an error.
    """
    batch = {"source": source, "property": property_key, "first": night, "last": night}
    bill = {"units": usage.units, "money": usage.money, "load_id": None, "table": None, "scope": None}
    owed = conn.execute(_OWED, {**batch, **bill}).fetchall()[0]
    conn.execute(
        """
        insert into ops.order_usage
            (source, property_key, night, calls, calls_reused, calls_cut, bytes_read, units, money, is_failed)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (source, property_key, night, usage.calls, usage.reused, usage.cut, usage.bytes, *owed, is_failed),
    )
    settle(conn, Order(source, property_key, f"night={night}"), owed[1], is_done=is_done)


def failed_orders(conn: Connection, source: str, night: date, since: datetime) -> set[int]:
    """Keys of the properties of which a look at a night's orders failed, since an instant."""
    rows = conn.execute(
        """
        select distinct property_key from ops.order_usage
        where source = %s and night = %s and noted_at >= %s and is_failed
        """,
        (source, night, since),
    ).fetchall()
    return {key for (key,) in rows}


def note_lost(conn: Connection, order: Order, day: date, money: Decimal) -> None:
    """Keep money that a killed reading may have spent and nobody can tell of, beside all that is noted of the day."""
    conn.execute(
        """
        insert into ops.order_usage
            (source, property_key, night, calls, calls_reused, calls_cut, bytes_read, units, money)
        values (%s, %s, %s, 0, 0, 0, 0, 0, %s)
        """,
        (order.source, order.property_key, day, money),
    )


def file_scope(sha256: str) -> str:
    """Where in the archive a dropped file lies; its loads are known by it."""
    return f"{_FILE}{sha256}"


def _file_of(archive_scope: str) -> str:
    return archive_scope if archive_scope.startswith(_FILE) else ""


def publication_turn(source: str, table: str, property_key: int) -> str:
    """Name of the turn of a table's and property's publications."""
    return f"publication {source} {table} {property_key}"


def release_batch(conn: Connection, reading: Reading) -> None:
    """Let go of the batch that a reading writes, where this session holds it."""
    end_turn(conn, batch_of(reading).turn)


def _release_batch(conn: Connection, load_id: int) -> None:
    *columns, scope = conn.execute(
        "select source, table_name, property_key, part, first_day, last_day, archive_scope"
        " from ops.load where load_id = %s",
        (load_id,),
    ).fetchall()[0]
    end_turn(conn, Batch._make((*columns, _file_of(scope or ""))).turn)


BESIDE = ("property_key", "part", "load_id", "row_no", "unfit", "unfit_content")
"""Columns of a load's table in `audit` that are none of the provider's."""


def audit_table(load_id: int) -> sql.Identifier:
    """The table in `audit` that holds a load's rows until it is published."""
    return sql.Identifier("audit", f"load_{load_id}")


def drop_audit_table(conn: Connection, load_id: int) -> None:
    """Drop a load's rows in `audit`, if they are there."""
    conn.execute(sql.SQL("drop table if exists {}").format(audit_table(load_id)))
