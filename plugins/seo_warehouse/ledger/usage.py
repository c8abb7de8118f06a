"""What is usual: how much the nights and days of a source took, as the ledger knows it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import LiteralString

from seo_warehouse.ledger.session import Connection

LAST_NIGHTS = 30
"""Of so many nights the mean is what a night costs."""

_NIGHT = """
with used as (
    select property_key, night, calls, money, rows_read from ops.load
    where source = %(source)s and purpose = 'night' and state in ('published', 'unchanged', 'superseded')
    union all
    select property_key, night, calls, money, 0 from ops.order_usage where source = %(source)s
),
nights as (
    select property_key, night, coalesce(sum(calls), 0) as calls, coalesce(sum(money), 0) as money,
           coalesce(sum(rows_read), 0) as rows_read
    from used where %(property_key)s::integer is null or property_key = %(property_key)s
    group by 1, 2 order by night desc limit %(most)s
)
select count(*), avg(calls), avg(money), avg(rows_read) from nights
"""
_DAY = """
select count(*), sum(calls) / sum(days), sum(money) / sum(days), sum(rows_read) / sum(days)
from (
    select calls, money, rows_read, (last_day - first_day + 1)::numeric as days from ops.load
    where source = %(source)s and table_name = %(table)s and read_at is not null and calls > 0
      and state in ('published', 'unchanged', 'superseded')
      and (%(property_key)s::integer is null or property_key = %(property_key)s)
    order by load_id desc limit %(most)s
) as lately
"""


@dataclass(frozen=True)
class Usual:
    """Means of so many `count` nights, or loads: calls, US dollars and rows of a night, or a day.

    `is_own`: of the property itself; else of the other ones.
    """

    count: int
    calls: Decimal
    money: Decimal
    rows: Decimal
    is_own: bool


def usual_night(conn: Connection, source: str, property_key: int) -> Usual | None:
    """A night of a source; None while none was read."""
    return _usual(conn, _NIGHT, {"source": source}, property_key)


def usual_day(conn: Connection, source: str, table: str, property_key: int) -> Usual | None:
    """A day of a table that was asked for; None while none was."""
    return _usual(conn, _DAY, {"source": source, "table": table}, property_key)


def _usual(conn: Connection, query: LiteralString, of: dict[str, str], property_key: int) -> Usual | None:
    for key in (property_key, None):
        asked = {**of, "property_key": key, "most": LAST_NIGHTS}
        count, calls, money, rows = conn.execute(query, asked).fetchall()[0]
        if count:
            return Usual(count, calls, money or Decimal(0), rows or Decimal(0), key is not None)
    return None
