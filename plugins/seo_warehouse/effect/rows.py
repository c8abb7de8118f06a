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
from seo_warehouse.effect.estimates import CHECK_OUTCOMES, ENGINES, Cross, Estimate, Published
from seo_warehouse.effect.inference import ArmsKey, Spills, WeeksKey
from seo_warehouse.effect.judging import Check
from seo_warehouse.effect.spill import Spill, by_property, measure_all

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
SPILLS = """
select property_key, topic, event_date - date '1970-01-01', page_count, exposure, has_update,
       array[log_position_change, position_change, expected_ctr_change, top_10_share_change, ranked_share_change]
from intermediate.int_effect__measure_spills
order by property_key, topic, event_date
"""
"""Changes in the order of CHECK_OUTCOMES."""
EXPOSURES = """
with cells as (
    select cell.property_key, cell.panel, cell.treated_count::float8 as n1, cell.control_count::float8 as n0,
           avg(gained.exposure) as exposure
    from marts.fct_link_effect_cell as cell
    cross join lateral unnest(cell.event_keys) as event(event_key)
    join intermediate.int_effect__weigh_exposures as gained
        on gained.property_key = cell.property_key and gained.event_key = event.event_key
    where cell.window_name = 'headline' and cell.cut = 'all' and cell.arm = 'acquired_followed'
    group by cell.property_key, cell.panel, cell.cell_key, cell.treated_count, cell.control_count
)
select property_key, panel, sum(n1 * n0 / (n1 + n0)), sum(n1 * n0 / (n1 + n0) * exposure), sum(n1), sum(n1 * exposure)
from cells
group by property_key, panel
"""
"""What the events of the headline's cells are worth, weighted as their effects are."""
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


def read_spills(conn: Connection, pool: frozenset[int]) -> Spills:
    """What the headline's links did to the pages beside theirs, by property, panel, outcome and weighting."""
    with conn.cursor() as cursor:
        read = by_property(cursor.stream(SPILLS), CHECK_OUTCOMES)
    worth: dict[tuple[int, str], list[float]] = defaultdict(lambda: [0.0] * 4)
    for key, panel, *sums in conn.execute(EXPOSURES):
        for property_key in _told(key, pool):
            there = worth[property_key, panel]
            worth[property_key, panel] = [a + b for a, b in zip(there, sums, strict=True)]
    found = measure_all(read, pool, CHECK_OUTCOMES)
    spills: dict[tuple[int, str, str, str], Spill] = {}
    for (key, panel), (weight, exposure, event_weight, event_exposure) in worth.items():
        for outcome in CHECK_OUTCOMES if panel in ENGINES else ():
            spill = found.get((key, outcome), Spill(0))
            spills[key, panel, outcome, "variance"] = spill.of(exposure / weight)
            spills[key, panel, outcome, "equal"] = spill.of(event_exposure / event_weight)
    return spills


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
