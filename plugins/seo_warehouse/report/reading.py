"""Reads a report's facts from the marts.

Every query is bounded, so that a report takes the same memory whatever the warehouse holds.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from typing import Any

import psycopg
from psycopg.rows import dict_row

from seo_warehouse.errors import ConfigError
from seo_warehouse.report.facts import Bursts, Check, Contribution, Depth, Effect, Facts
from seo_warehouse.report.querying import has_tables, read_rows
from seo_warehouse.report.words import PANELS

FIRST_CHOICE = ("log_position", "click_log")
"""Outcomes that a report speaks of unless told otherwise: of rank checks, of searches."""
MOST_ROWS = 5_000
SHOWN_CONTRIBUTIONS = 40
SHOWN_UNJUDGED = 20

COLUMNS = ", ".join(column.name for column in fields(Effect))
EFFECTS = f"""
select {COLUMNS} from marts.rpt_link_effect
where property_key in (0, %(key)s) and panel = %(panel)s and outcome = %(outcome)s
  and (cut = 'all' or (window_name = 'headline' and weighting = 'variance' and property_key = %(key)s))
order by property_key desc, cut, level, arm, weighting, begin_day, window_name
limit {MOST_ROWS}
"""  # noqa: S608
OTHERS = f"""
select {COLUMNS} from marts.rpt_link_effect
where property_key = %(key)s and cut = 'all' and window_name = 'headline' and weighting = 'variance'
  and arm = 'acquired_followed' and (panel, outcome) <> (%(panel)s, %(outcome)s)
order by panel, outcome
limit 100
"""  # noqa: S608
CHOICES = """
select panel, outcome, max(event_count) as event_count from marts.rpt_link_effect
where property_key = %(key)s and cut = 'all' and window_name = 'headline'
group by panel, outcome
"""
CHECKS = """
select check_name, outcome, estimate, standard_error, honest_low, honest_high, event_count, run_count,
       false_alarm_count, is_warning, sentence
from marts.rpt_link_effect_check
where property_key = %(key)s and panel = %(panel)s and outcome = %(outcome)s
order by check_name limit 50
"""
CONTRIBUTIONS = """
select c.event_key, c.event_date, c.arm, c.outcome, c.reason, c.base_mean, c.window_mean, c.control_change,
       c.own_effect, c.group_event_count, c.group_effect, c.shrunk_effect, c.shrunk_low, c.shrunk_high, c.own_weight,
       left(p.url, 2000) as page_url, left(e.source_url, 2000) as source_url,
       left(l.source_title, 500) as source_title, left(e.source_domain, 300) as source_domain,
       left(e.anchor, 500) as anchor, e.authority
from (
    select * from marts.rpt_link_contribution
    where property_key = %(key)s and panel = %(panel)s and (reason is null) = %(judged)s
    order by case when %(judged)s then abs(shrunk_effect) end desc nulls last, event_date desc nulls last, event_key
    limit %(limit)s
) as c
left join marts.dim_page as p on p.property_key = %(key)s and p.page_key = c.page_key
left join marts.fct_link_event as e on e.property_key = %(key)s and e.event_key = c.event_key
left join marts.dim_link as l on l.property_key = %(key)s and l.link_key = c.link_key
order by case when c.reason is null then c.shrunk_effect end, c.event_date desc nulls last, c.event_key
"""
UNJUDGED = """
select reason, count(*) as n from marts.rpt_link_contribution
where property_key = %(key)s and panel = %(panel)s and reason is not null
group by reason order by n desc, reason limit 50
"""
DEPTH = """
select count(*) as check_count, count(*) filter (where c.depth < p.depth) as shallow_count,
       mode() within group (order by c.depth) as usual_depth, p.depth as panel_depth
from marts.fct_serp_position as c
join marts.dim_property as p using (property_key)
where property_key = %(key)s and c.day > %(last)s - 7 and c.state in ('found', 'not_found') and c.depth is not null
group by p.depth
"""
BURSTS = """
select count(*) as burst_count,
       avg(b.followed_domain_count) filter (where judged.event_key is not null)::float8 as domain_mean
from marts.fct_link_burst as b
left join (
    select distinct event.event_key
    from marts.fct_link_effect_cell as c cross join lateral unnest(c.event_keys) as event(event_key)
    where c.property_key = %(key)s and c.panel = %(panel)s and c.window_name = 'burst' and c.cut = 'all'
) as judged using (event_key)
where b.property_key = %(key)s
"""
LAST_DAY = "select max(day) from marts.fct_serp_position where property_key = %(key)s"


def read_facts(
    connection: psycopg.Connection[Any],
    property_name: str,
    property_key: int,
    *,
    panel: str | None = None,
    outcome: str | None = None,
) -> Facts:
    """The facts of a property (key 0: of all together). Raises ConfigError for a panel or outcome that is not there.

    Where the marts hold no estimates, `is_built` is false.
    """
    if not has_tables(connection, "rpt_link_effect"):
        chosen = panel or "google", outcome or FIRST_CHOICE[0]
        return Facts(property_name, property_key, *chosen, is_built=False)
    panel, outcome = _choose(connection, property_key, panel, outcome)
    which: dict[str, Any] = {"key": property_key, "panel": panel, "outcome": outcome}
    judged, unjudged, counts = _contributions(connection, which)
    return Facts(
        property_name,
        property_key,
        panel,
        outcome,
        is_built=True,
        effects=read_rows(connection, Effect, EFFECTS, which),
        other_outcomes=read_rows(connection, Effect, OTHERS, which),
        checks=read_rows(connection, Check, CHECKS, which) if has_tables(connection, "rpt_link_effect_check") else (),
        contributions=judged,
        unjudged=unjudged,
        unjudged_counts=counts,
        last_day=_last_day(connection, property_key),
        depth=read_depth(connection, property_key),
        bursts=read_rows(connection, Bursts, BURSTS, which)[0]
        if has_tables(connection, "fct_link_burst")
        else Bursts(0, None),
    )


def read_depth(connection: psycopg.Connection[Any], property_key: int) -> Depth | None:
    """How deep a property's checks of the last week are; None where there are none."""
    last = _last_day(connection, property_key)
    if last is None or not has_tables(connection, "dim_property"):
        return None
    found = read_rows(connection, Depth, DEPTH, {"key": property_key, "last": last})
    return found[0] if found else None


def _choose(connection: psycopg.Connection[Any], key: int, panel: str | None, outcome: str | None) -> tuple[str, str]:
    """The panel and outcome asked for, else rank checks' before searches', and of these the fullest panel."""
    with connection.cursor(row_factory=dict_row) as cursor:
        known = cursor.execute(CHOICES, {"key": key}).fetchall()
    for name, asked in (("panel", panel), ("outcome", outcome)):
        there = sorted({row[name] for row in known})
        if asked and known and asked not in there:
            raise ConfigError(f"no {name} {asked!r}; there are: {', '.join(there)}")
    fitting = [r for r in known if panel in (None, r["panel"]) and outcome in (None, r["outcome"])]
    if known and not fitting:
        raise ConfigError(f"panel {panel!r} has no outcome {outcome!r}")
    if not fitting:
        return panel or "google", outcome or FIRST_CHOICE[0]

    def rank(row: dict[str, Any]) -> tuple[Any, ...]:
        return (
            row["outcome"] not in FIRST_CHOICE,
            row["panel"] not in PANELS,
            -(row["event_count"] or 0),
            row["panel"],
        )

    best = min(fitting, key=lambda row: (*rank(row), row["outcome"]))
    return best["panel"], best["outcome"]


def _contributions(
    connection: psycopg.Connection[Any], which: dict[str, Any]
) -> tuple[tuple[Contribution, ...], tuple[Contribution, ...], dict[str, int]]:
    if not has_tables(connection, "rpt_link_contribution"):
        return (), (), {}
    judged = read_rows(connection, Contribution, CONTRIBUTIONS, which | {"judged": True, "limit": SHOWN_CONTRIBUTIONS})
    unjudged = read_rows(connection, Contribution, CONTRIBUTIONS, which | {"judged": False, "limit": SHOWN_UNJUDGED})
    return judged, unjudged, dict(connection.execute(UNJUDGED, which).fetchall())


def _last_day(connection: psycopg.Connection[Any], key: int) -> date | None:
    there = has_tables(connection, "fct_serp_position")
    row = connection.execute(LAST_DAY, {"key": key}).fetchone() if there else None
    return row[0] if row else None
