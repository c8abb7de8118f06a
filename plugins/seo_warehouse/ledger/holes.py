"""What a night reads of a dated source: its window, and the older days that are missing.

A missing day is read again on the next night. One that keeps failing by itself is read again after a pause that grows,
1, 2, 4, 8, 16 and then 28 days: some 17 readings in its first year. Only nights after the day's own window count, and
of those only where its load was held in quarantine or rejected, or failed while another load of the same table and
property was read: a provider that is away is no fault of the day, and once it is back the next night reads everything.
A day that was tried so is read alone from then on, so that one broken day holds no month back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple

from seo_warehouse.config import Property
from seo_warehouse.ledger.session import Connection
from seo_warehouse.spec import Period, Source

LONGEST_PAUSE_DAYS = 28


class Due(NamedTuple):
    """The loads that a dated source's night is made of.

    Each day of the `window` is one, and each older hole that was `tried` before; `untried` holes are loads of up to a
    month.
    """

    window: list[Period]
    untried: list[Period]
    tried: list[Period]


def due_loads(conn: Connection, source: Source, table: str, prop: Property, night: date) -> Due:
    """What a night reads of a dated source.

    No day lies before the property's history, before what the source still keeps, or after the night's horizon,
    `night - delay_days`.
    """
    horizon = night - timedelta(days=source.delay_days)
    first = max(prop.history_start, source.first_kept(night))
    if horizon < first:
        return Due([], [], [])
    window_start = max(first, horizon - timedelta(days=source.lookback_days))
    window = [Period(day, day) for day in Period(window_start, horizon).days()]
    holes = conn.execute(
        _HOLES,
        {
            "source": source.name,
            "table": table,
            "property": prop.key,
            "first": first,
            "last": window_start - timedelta(days=1),
            "night": night,
            "settled_days": source.delay_days + source.lookback_days,
        },
    ).fetchall()
    tried = [Period(day, day) for day, tries, last_try in holes if tries and _is_due(tries, (night - last_try).days)]
    return Due(window, list(month_periods(day for day, tries, _ in holes if not tries)), tried)


def month_periods(days: Iterable[date]) -> Iterator[Period]:
    """Runs of consecutive days, cut at the ends of months."""
    for _, run in groupby(enumerate(sorted(days)), key=lambda pair: (pair[1].toordinal() - pair[0], pair[1].month)):
        members = [day for _, day in run]
        yield Period(members[0], members[-1])


def _is_due(tries: int, days_since: int) -> bool:
    return days_since >= min(1 << (tries - 1), LONGEST_PAUSE_DAYS)


_HOLES = """
with missing as (
    select d.day::date as day
    from generate_series(%(first)s::timestamp, %(last)s::timestamp, interval '1 day') as d (day)
    where not exists (
        select from ops.publication as p
        where p.source = %(source)s and p.table_name = %(table)s and p.property_key = %(property)s
          and p.day = d.day::date and (p.is_current or p.dropped_at is not null)
    )
),
attempt as (
    select first_day, last_day, night, state, bool_or(state <> 'failed') over (partition by night) as is_source_there
    from ops.load
    where source = %(source)s and table_name = %(table)s and property_key = %(property)s
      and purpose = 'night' and night < %(night)s
)
select m.day, count(distinct a.night), max(a.night)
from missing as m
left join attempt as a
    on m.day between a.first_day and a.last_day
    and a.night > m.day + %(settled_days)s
    and (a.state in ('quarantined', 'rejected') or a.state = 'failed' and a.is_source_there)
group by m.day
order by m.day
"""
