"""Reads what changed in seven days from the marts."""

from __future__ import annotations

from typing import Any

import psycopg

from seo_warehouse.report.facts import Week, WeeklyChange
from seo_warehouse.report.querying import has_tables, read_rows

SHOWN_CHANGES = 20
"""Links, domains, keywords or pages of one measure."""
WEEKS = """
select w.property_key, p.property_name, w.measure, w.device, w.week_no, w.first_day, w.last_day, w.value,
       w.usual_low, w.usual_high, w.usual_week_count, w.state
from marts.rpt_weekly as w
join marts.dim_property as p on p.property_key = w.property_key
where w.property_key = %(key)s or (%(key)s = 0 and w.week_no = 0 and p.is_active is not false)
order by p.property_name, w.property_key, w.measure, w.device, w.week_no
limit 5000
"""
CHANGES = """
select c.measure, c.device, c.locale, left(c.item, 2000) as item, c.authority, c.witness, c.previous_position,
       c.position, p.depth, c.indexability
from (
    select *, row_number() over (
        partition by measure
        order by authority desc nulls last, abs(ln(previous_position) - ln(position)) desc nulls last,
                 item, device, locale, item_key
    ) as place
    from marts.rpt_weekly_change
    where property_key = %(key)s
) as c
join marts.dim_property as p on p.property_key = %(key)s
where c.place <= %(shown)s
order by c.measure, c.place
"""


def read_weeks(
    connection: psycopg.Connection[Any], property_key: int
) -> tuple[tuple[Week, ...], tuple[WeeklyChange, ...]]:
    """The weeks of a property and what its newest is made of; of all together (key 0) the newest week of each.

    Nothing where the marts hold no such tables yet.
    """
    if not has_tables(connection, "rpt_weekly", "rpt_weekly_change"):
        return (), ()
    which = {"key": property_key, "shown": SHOWN_CHANGES}
    return read_rows(connection, Week, WEEKS, which), read_rows(connection, WeeklyChange, CHANGES, which)
