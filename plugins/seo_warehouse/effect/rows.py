"""Reading what the models left, and writing what is published of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import astuple, fields
from typing import Any

import numpy as np
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from seo_warehouse.effect.checks import Flags, Ints, Rows
from seo_warehouse.effect.estimates import Cross, Estimate, Published
from seo_warehouse.effect.inference import ArmsKey, WeeksKey
from seo_warehouse.effect.judging import Check

Connection = psycopg.Connection[Any]

ARMS = """
select property_key, panel, cut, level, outcome, weighting, sample_no,
       sum(score_score_sum), sum(score_leverage_sum), sum(leverage_score_sum), sum(leverage_leverage_sum),
       sum(shared_cluster_count), sum(shared_cell_count), sum(shared_control_count)
from intermediate.int_effect__cross_arms
group by property_key, panel, cut, level, outcome, weighting, sample_no
"""
WEEKS = """
select property_key, panel, arm, outcome, weighting, sample_no, other_sample_no,
       sum(score_score_sum), sum(score_leverage_sum), sum(leverage_score_sum), sum(leverage_leverage_sum)
from intermediate.int_effect__cross_weeks
group by property_key, panel, arm, outcome, weighting, sample_no, other_sample_no
"""
UNITS = """
select units.cell_key, units.page_key, units.role <> 'control' as is_treated, units.{change} as change,
       units.is_onpage_changed,
       exists (
           select 1 from marts.dim_google_update as u
           where u.is_confounder and u.begins_on <= units.event_date + samples.end_day
             and coalesce(u.ends_on, 'infinity') >= units.event_date + base.begin_day) as is_updated,
       exists (
           select 1 from marts.fct_link_event as e
           where e.property_key = units.property_key and e.event_key = units.event_key
             and e.is_possible_index_change) as is_doubtful
from intermediate.int_effect__measure_units as units
join intermediate.int_effect__list_samples as samples using (sample_no)
join intermediate.int_effect__average_controls as cells using (property_key, cell_key, sample_no)
cross join (select begin_day from intermediate.link_windows where window_name = 'base') as base
where units.property_key = %(property_key)s and cells.panel = %(panel)s
  and units.role in ('control', %(arm)s) and units.{change} is not null
  and samples.window_name = 'headline' and samples.horizon_day = %(horizon_day)s
"""
"""Units of the headline."""
SHIFTED = """
with units as (
    select units.cell_key, units.page_key, units.role, units.{change} as change, samples.window_name
    from intermediate.int_effect__measure_units as units
    join intermediate.int_effect__list_samples as samples using (sample_no)
    join intermediate.int_effect__average_controls as cells using (property_key, cell_key, sample_no)
    where units.property_key = %(property_key)s and cells.panel = %(panel)s
      and units.role in ('control', %(arm)s) and not units.is_onpage_changed
      and units.{change} is not null and samples.horizon_day = %(horizon_day)s
)
select cell_key, page_key, role <> 'control' as is_treated,
       (third.change + fourth.change) / 2 - before.change as change, false, false, false
from (select * from units where window_name = 'week_3') as third
join (select * from units where window_name = 'week_4') as fourth using (cell_key, page_key, role)
join (select * from units where window_name = 'week_before_2') as before using (cell_key, page_key, role)
"""
"""Units with days 14 to 27 against -14 to -8: the headline, had every link come a week before it was seen."""


def read_estimates(conn: Connection) -> Iterator[Estimate]:
    """Every estimate of the newest build."""
    names = [field.name for field in fields(Estimate)]
    query = sql.SQL("select {} from intermediate.int_effect__estimate_effects").format(
        sql.SQL(", ").join([sql.Identifier(name) for name in names])
    )
    with conn.cursor() as cursor:
        for row in cursor.execute(query):
            yield Estimate(*row)


def read_pool(conn: Connection) -> frozenset[int]:
    """The properties of which property 0 is the sum."""
    rows = conn.execute("select property_key from ops.property where pool_state = 'in'").fetchall()
    return frozenset(key for (key,) in rows)


def read_arms(conn: Connection, pool: frozenset[int]) -> dict[ArmsKey, Cross]:
    """What the followed and the nofollow arm share; property 0 is the sum over the pool."""
    crosses: dict[ArmsKey, Cross] = {}
    for row in conn.execute(ARMS):
        for property_key in _told(row[0], pool):
            key = (property_key, *row[1:7])
            crosses[key] = _added(crosses.get(key), Cross(*row[7:]))
    return crosses


def read_weeks(conn: Connection, pool: frozenset[int]) -> dict[WeeksKey, Cross]:
    """What two weeks before the event share; property 0 is the sum over the pool."""
    crosses: dict[WeeksKey, Cross] = {}
    for row in conn.execute(WEEKS):
        for property_key in _told(row[0], pool):
            key = (property_key, *row[1:7])
            crosses[key] = _added(crosses.get(key), Cross(*row[7:]))
    return crosses


def _told(property_key: int, pool: frozenset[int]) -> tuple[int, ...]:
    return (property_key, 0) if property_key in pool else (property_key,)


def read_dropped(conn: Connection, pool: frozenset[int]) -> dict[tuple[int, str, str], dict[str, int]]:
    """By property (0: the pool), panel and arm: events left out, by reason."""
    dropped: dict[tuple[int, str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for key, panel, arm, reason, count in conn.execute(
        "select property_key, panel, arm, reason, event_count from intermediate.int_effect__count_dropped"
    ):
        for property_key in _told(key, pool):
            dropped[property_key, panel, arm][reason] += count
    return {key: dict(sorted(reasons.items())) for key, reasons in dropped.items()}


def read_units(conn: Connection, main: Published, *, is_shifted: bool = False) -> tuple[Rows, Flags, Flags, Flags]:
    """(rows, changed, updated, doubtful): units behind a headline.

    Which of them met an on-page change, an update, and came on a day on which a vendor's index may have grown.

    `is_shifted`: as if every link had come a week before it was seen.
    """
    arguments = {
        "property_key": main.property_key,
        "panel": main.panel,
        "arm": main.arm,
        "horizon_day": main.end_day,
    }
    statement = sql.SQL(SHIFTED if is_shifted else UNITS).format(change=sql.Identifier(f"{main.outcome}_change"))
    with conn.cursor() as cursor:
        made = np.fromiter(
            cursor.stream(statement, arguments),
            dtype=[
                ("cell", "i8"),
                ("page", "i8"),
                ("d", "?"),
                ("dy", "f8"),
                ("changed", "?"),
                ("updated", "?"),
                ("doubtful", "?"),
            ],
        )
    return Rows(made["cell"], made["page"], made["d"], made["dy"]), made["changed"], made["updated"], made["doubtful"]


def read_linked_pages(conn: Connection, property_key: int) -> Ints:
    """Pages whose links ever changed, as far as is known."""
    with conn.cursor() as cursor:
        cursor.execute(
            "select distinct page_key from intermediate.int_link__place_changes where property_key = %s",
            (property_key,),
        )
        return np.fromiter((row[0] for row in cursor), dtype=np.int64)


def write(conn: Connection, published: Sequence[Published], checks: Sequence[Check]) -> None:
    """Replace what was published, in one transaction."""
    with conn.transaction():
        _replace(conn, "link_effect", Published, published)
        _replace(conn, "link_effect_check", Check, checks)


def _replace(
    conn: Connection, table: str, kind: type[Published] | type[Check], rows: Sequence[Published] | Sequence[Check]
) -> None:
    conn.execute(sql.SQL("delete from {}").format(sql.Identifier("ops", table)))
    names = [field.name for field in fields(kind)]
    statement = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier("ops", table), sql.SQL(", ").join([sql.Identifier(name) for name in names])
    )
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            values = [getattr(row, name) for name in names]
            copy.write_row([Jsonb(value) if isinstance(value, dict) else value for value in values])


def _added(one: Cross | None, other: Cross) -> Cross:
    if one is None:
        return other
    return Cross(*(a + b for a, b in zip(astuple(one), astuple(other), strict=True)))
