"""Reading what the models left, and writing what is published of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, fields
from typing import Any

import numpy as np
import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from seo_warehouse.effect.checks import Rows
from seo_warehouse.effect.estimates import HEADLINE, Cross, Estimate, Published
from seo_warehouse.effect.inference import ArmsKey, WeeksKey
from seo_warehouse.effect.judging import Check

Connection = psycopg.Connection[Any]

CROSS = "score_score_sum, score_leverage_sum, leverage_score_sum, leverage_leverage_sum"
UNITS = """
select units.cell_key, units.page_key, units.role <> 'control' as is_treated, units.{change} as change,
       units.is_onpage_changed,
       exists (
           select 1 from marts.dim_google_update as u
           where u.is_confounder and u.begins_on <= units.event_date + samples.end_day
             and coalesce(u.ends_on, 'infinity') >= units.event_date + {base_begin_day}) as is_updated
from intermediate.int_effect__measure_units as units
join intermediate.int_effect__list_samples as samples using (sample_no)
join intermediate.int_effect__average_controls as cells using (property_key, cell_key, sample_no)
where units.property_key = %(property_key)s and cells.panel = %(panel)s and units.role in ('control', %(arm)s) and units.{change} is not null
  and samples.window_name = %(window_name)s and samples.horizon_day = %(horizon_day)s
"""
"""Units of one window."""


def read_estimates(conn: Connection) -> Iterator[Estimate]:
    """Every estimate of the newest build."""
    names = [field.name for field in fields(Estimate)]
    query = sql.SQL("select {} from intermediate.int_effect__estimate_effects").format(
        sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with conn.cursor() as cursor:
        for row in cursor.execute(query):
            yield Estimate(*row)


def read_arms(conn: Connection) -> dict[ArmsKey, Cross]:
    """What the followed and the nofollow arm share; property 0 is the sum over all."""
    crosses: dict[ArmsKey, Cross] = {}
    query = f"""
        select property_key, panel, cut, level, outcome, weighting, sample_no, {CROSS},
               shared_cluster_count, shared_cell_count, shared_control_count
        from intermediate.int_effect__cross_arms
        """  # noqa: S608 - constants of ours
    for row in conn.execute(query):
        for key in ((*row[:7],), (0, *row[1:7])):
            crosses[key] = _added(crosses.get(key), Cross(*row[7:]))
    return crosses


def read_weeks(conn: Connection) -> dict[WeeksKey, Cross]:
    """What two weeks before the event share; property 0 is the sum over all."""
    crosses: dict[WeeksKey, Cross] = {}
    query = f"""
        select property_key, panel, arm, outcome, weighting, sample_no, other_sample_no, {CROSS}
        from intermediate.int_effect__cross_weeks
        """  # noqa: S608 - constants of ours
    for row in conn.execute(query):
        for key in ((*row[:7],), (0, *row[1:7])):
            crosses[key] = _added(crosses.get(key), Cross(*row[7:]))
    return crosses


def read_dropped(conn: Connection) -> dict[tuple[int, str, str], dict[str, int]]:
    """By property (0: all), panel and arm: events left out, by reason."""
    dropped: dict[tuple[int, str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for key, panel, arm, reason, count in conn.execute(
        "select property_key, panel, arm, reason, event_count from intermediate.int_effect__count_dropped"
    ):
        for property_key in (key, 0):
            dropped[property_key, panel, arm][reason] += count
    return {key: dict(sorted(reasons.items())) for key, reasons in dropped.items()}


def read_units(
    conn: Connection, property_key: int, panel: str, arm: str, outcome: str, horizon_day: int, window: str = HEADLINE
) -> tuple[Rows, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """(rows, changed, updated): units of a window, and which of them met an on-page change or an update of Google's."""
    base = conn.execute("select begin_day from intermediate.link_windows where window_name = 'base'").fetchone()
    query = sql.SQL(UNITS).format(
        change=sql.Identifier(f"{outcome}_change"), base_begin_day=sql.Literal(base[0] if base else 0)
    )
    arguments = {
        "property_key": property_key, "panel": panel, "arm": arm, "window_name": window, "horizon_day": horizon_day
    }  # fmt: skip
    with conn.cursor() as cursor:
        made = np.fromiter(
            cursor.stream(query, arguments),
            dtype=[("cell", "i8"), ("page", "i8"), ("d", "?"), ("dy", "f8"), ("changed", "?"), ("updated", "?")],
        )
    return Rows(made["cell"], made["page"], made["d"], made["dy"]), made["changed"], made["updated"]


def read_linked_pages(conn: Connection, property_key: int) -> np.ndarray[Any, Any]:
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
        for table, rows in (("link_effect", published), ("link_effect_check", checks)):
            conn.execute(sql.SQL("delete from {}").format(sql.Identifier("ops", table)))
            _copy(conn, table, rows)


def _copy(conn: Connection, table: str, rows: Iterable[Published] | Iterable[Check]) -> None:
    made = list(rows)
    if not made:
        return
    names = sql.SQL(", ").join(sql.Identifier(field.name) for field in fields(made[0]))
    statement = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier("ops", table), names)
    with conn.cursor(row_factory=dict_row) as cursor, cursor.copy(statement) as copy:
        for row in made:
            copy.write_row([Jsonb(value) if isinstance(value, dict) else value for value in astuple(row)])


def _added(one: Cross | None, other: Cross) -> Cross:
    if one is None:
        return other
    return Cross(*(a + b for a, b in zip(astuple(one), astuple(other), strict=True)))
