"""What the pages show, read from the ledgers as `seo_operator`, who may read these and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from threading import BoundedSemaphore

from psycopg.rows import class_row

from seo_warehouse.errors import TransientLoadError
from seo_warehouse.ledger.budgets import USUAL_NIGHTS
from seo_warehouse.ledger.session import Connection
from seo_warehouse.steps.warehouse import Warehouse

MOST_CONNECTIONS = 2
WAIT_SECONDS = 5.0
OPTIONS = "-c default_transaction_read_only=on -c statement_timeout=10s -c lock_timeout=2s -c timezone=UTC"
MOST_TROUBLES = 200
WEEK = 7
WIDE_SHARE = Decimal("0.2")
"""Where a week's nights differ by more than this share of their mean, a forecast is a range."""
STATES = ("failed", "quarantined", "never available", "absent", "provisional", "restated", "final")
"""States of a day, the worst first."""
_slots = BoundedSemaphore(MOST_CONNECTIONS)


@contextmanager
def connected(wh: Warehouse) -> Iterator[Connection]:
    """A connection that cannot write, one of two at most. Raises TransientLoadError where none is free in time."""
    if not _slots.acquire(timeout=WAIT_SECONDS):
        raise TransientLoadError("the pages are busy: try again in a moment")
    try:
        with wh.connect("operator", options=OPTIONS) as connection:
            yield connection
    finally:
        _slots.release()


@dataclass(frozen=True)
class SourceNight:
    """What became of a source's night over all properties: loads by state, rows, and US dollars spent."""

    source: str
    ended_at: datetime | None
    arrived: int
    working: int
    held: int
    deferred: int
    failed: int
    rows_read: int
    money: Decimal


@dataclass(frozen=True)
class Trouble:
    """A load of a night that is not in the warehouse."""

    load_id: int
    source: str
    table_name: str
    property_name: str
    first_day: date
    last_day: date
    state: str
    reason: str | None


@dataclass(frozen=True)
class Tonight:
    """The newest night. `closed_by` is None while it is open; `troubles` are the first of `trouble_count`."""

    night: date | None
    closed_by: str | None
    missing: list[str]
    sources: list[SourceNight]
    troubles: list[Trouble]
    trouble_count: int
    build: tuple[int, str, datetime, str | None] | None


_SOURCES = """
with summed as (
    select source, count(*) filter (where state in ('published', 'unchanged', 'superseded', 'rejected')) as arrived,
           count(*) filter (where state in ('started', 'written', 'passed')) as working,
           count(*) filter (where state = 'quarantined') as held,
           count(*) filter (where state = 'deferred') as deferred, count(*) filter (where state = 'failed') as failed,
           coalesce(sum(rows_read), 0)::bigint as rows_read
    from ops.newest_loads(%(night)s) group by source
),
paid as (
    select source, sum(money) as money
    from (select source, money from ops.load where night = %(night)s
          union all select source, money from ops.order_usage where night = %(night)s) as used
    group by source
)
select s.source, n.ended_at, s.arrived, s.working, s.held, s.deferred, s.failed, s.rows_read,
       coalesce(p.money, 0) as money
from summed as s
left join paid as p using (source)
left join ops.source_night as n on n.source = s.source and n.night = %(night)s
order by s.failed + s.held + s.deferred = 0, s.source
"""
_TROUBLES = """
select l.load_id, l.source, l.table_name, coalesce(p.property_name, 'all') as property_name, l.first_day, l.last_day,
       l.state, l.reason
from ops.newest_loads(%(night)s) as l left join ops.property as p using (property_key)
where l.state in ('failed', 'quarantined', 'deferred', 'started', 'written', 'passed')
order by l.state, l.source, l.table_name, property_name, l.first_day
"""


def read_tonight(conn: Connection) -> Tonight:
    """The newest night that any source has begun."""
    (night,) = conn.execute("select max(night) from ops.load").fetchone() or (None,)
    values = {"night": night}
    closed = conn.execute("select closed_by, missing_sources from ops.night where night = %(night)s", values).fetchone()
    sources = conn.cursor(row_factory=class_row(SourceNight)).execute(_SOURCES, values).fetchall()
    troubles = conn.cursor(row_factory=class_row(Trouble)).execute(_TROUBLES, values).fetchall()
    build = conn.execute(
        "select build_id, state, claimed_at, reason from ops.build order by build_id desc limit 1"
    ).fetchone()
    closed_by, missing = closed or (None, [])
    return Tonight(night, closed_by, list(missing), sources, troubles[:MOST_TROUBLES], len(troubles), build)


def read_properties(conn: Connection) -> list[str]:
    """The names of the properties that are read, and of what stands for all together."""
    rows = conn.execute("select property_name from ops.property where is_active order by 1").fetchall()
    return [name for (name,) in rows] + ["all"]


def read_calendar(conn: Connection, first: date, property_name: str | None) -> list[tuple[str, dict[date, str]]]:
    """The state of each day from `first` on: of a property by source and table, else each property's worst a day."""
    rows = conn.execute(
        """
        select label, array_agg(day order by day), array_agg((%(states)s::text[])[rank] order by day)
        from (
            select case when %(name)s::text is null then coalesce(p.property_name, 'all')
                        else c.source || '.' || c.table_name end as label,
                   c.day, min(array_position(%(states)s::text[], c.state)) as rank
            from ops.completeness_since(
                now(), %(first)s, case when %(name)s::text is not null then coalesce(
                    (select property_key from ops.property where property_name = %(name)s and is_active), 0
                ) end
            ) as c
            left join ops.property as p using (property_key)
            group by 1, 2
        ) as d
        group by 1 order by 1
        """,
        {"states": list(STATES), "first": first, "name": property_name},
    ).fetchall()
    return [(label, dict(zip(days, states, strict=True))) for label, days, states in rows]


@dataclass(frozen=True)
class Spent:
    """What a source cost for a property this month, and what it is going to by the month's end, in US dollars."""

    source: str
    property_name: str
    calls: int
    units: Decimal
    money: Decimal
    least: Decimal
    most: Decimal


def read_spend(conn: Connection) -> list[Spent]:
    """The running month (UTC) by source and property, the dearest first.

    The forecast is what is spent and, for each night that is left, the mean of the last 14; where a week's nights
    differ by more than a fifth, from their least to their most. Today's is left while it has cost nothing.
    """
    rows = conn.execute(
        """
        with clock as (
            select date_trunc('month', now() at time zone 'UTC')::date as first,
                   (now() at time zone 'UTC')::date as today
        ),
        daily as (
            select source, property_key, day, sum(calls) as calls, coalesce(sum(units), 0) as units,
                   coalesce(sum(money), 0) as money
            from ops.spend, clock where day >= least(first, today - %(usual)s) group by 1, 2, 3
        )
        select d.source, coalesce(max(p.property_name), 'all'),
               coalesce(sum(d.calls) filter (where d.day >= c.first), 0)::bigint,
               coalesce(sum(d.units) filter (where d.day >= c.first), 0),
               coalesce(sum(d.money) filter (where d.day >= c.first), 0),
               array_agg(d.day), array_agg(d.money), c.today,
               (c.first + interval '1 month')::date - c.today
               - (coalesce(sum(d.money) filter (where d.day = c.today), 0) > 0)::integer
        from daily as d cross join clock as c left join ops.property as p using (property_key)
        group by d.source, d.property_key, c.first, c.today
        """,
        {"usual": USUAL_NIGHTS},
    ).fetchall()
    spent = [_forecast(*row) for row in rows]
    return sorted(spent, key=lambda each: (-each.money, -each.calls, each.source, each.property_name))


def _forecast(
    source: str,
    name: str,
    calls: int,
    units: Decimal,
    money: Decimal,
    days: list[date],
    paid: list[Decimal],
    today: date,
    left: int,
) -> Spent:
    by_day = dict(zip(days, paid, strict=True))
    before = [today - timedelta(days=age) for age in range(1, USUAL_NIGHTS + 1)]
    nights = [by_day.get(day, Decimal()) for day in before if day >= min(days)]
    week = nights[:WEEK]
    mean = sum(nights, Decimal()) / max(1, len(nights))
    is_wide = len(week) > 1 and max(week) - min(week) > WIDE_SHARE * sum(week, Decimal()) / len(week)
    least, most = (min(week), max(week)) if is_wide else (mean, mean)
    return Spent(source, name, calls, units, money, money + least * left, money + most * left)


def one_property(value: str | None, names: list[str]) -> str | None:
    """A property that was asked for, if there is one of that name."""
    return value if value in names else None
