"""How soon pages are found: what a report says of it, read from the marts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg

from seo_warehouse.report.querying import has_tables, read_rows

SHOWN_PAGES = 10
DAYS = """
select milestone, engine, day, share, share_low, share_high, at_risk_count, page_count, reached_page_count,
       gone_page_count, median_day, median_low_day, median_high_day, status, reason
from marts.rpt_discovery
where property_key = %(key)s and cut = 'all' and milestone_from = 'published'
order by milestone, engine, day
limit 5000
"""
LINKS = """
select milestone, engine, arm, hazard_ratio, interval_low, interval_high, honest_low, honest_high, placebo_ratio,
       share_with_14, share_without_14, exposed_event_count, status, reason
from marts.rpt_discovery_effect
where property_key = %(key)s and cut = 'all' and band = '1-28'
order by milestone, engine, arm
limit 200
"""
WAITING = """
select left(page.url, 2000) as url, published.by_date as published_by, last_day - published.by_date as waited_days,
       max(other.by_date) filter (where other.milestone = 'visited' and not other.is_implied) as visited_by,
       max(other.by_date) filter (where other.milestone = 'linked_followed') as linked_by,
       max(other.by_date) filter (where other.milestone = 'in_sitemap') as in_sitemap_by,
       max(coalesce(left(state.reason, 100), state.state)) as index_state
from (
    select p.*, newest.last_day
    from marts.fct_page_milestone as p
    cross join (
        select max(by_date) as last_day from marts.fct_page_milestone
        where property_key = %(key)s and milestone = 'shown'
    ) as newest
    where p.property_key = %(key)s and p.milestone = 'published' and p.reason is null
      and p.by_date < newest.last_day
      and not exists (
          select from marts.fct_page_milestone as o
          where o.property_key = %(key)s and o.page_key = p.page_key and o.milestone in ('shown', 'gone'))
    order by p.by_date, p.page_key
    limit %(shown)s
) as published
join marts.dim_page as page on page.property_key = %(key)s and page.page_key = published.page_key
left join marts.fct_page_milestone as other
    on other.property_key = %(key)s and other.page_key = published.page_key
left join marts.fct_index_state as state
    on state.property_key = %(key)s and state.page_key = published.page_key
    and state.engine = 'google' and state.to_date is null
group by page.url, published.by_date, published.page_key, last_day
order by published.by_date, published.page_key
"""
TABLES = ("rpt_discovery", "rpt_discovery_effect", "fct_page_milestone", "fct_index_state")


@dataclass(frozen=True, kw_only=True)
class WaitDay:
    """A row of marts.rpt_discovery."""

    milestone: str
    engine: str
    day: int
    share: float | None
    share_low: float | None
    share_high: float | None
    at_risk_count: float | None
    page_count: int
    reached_page_count: int
    gone_page_count: int
    median_day: int | None
    median_low_day: int | None
    median_high_day: int | None
    status: str
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class LinkRatio:
    """A row of marts.rpt_discovery_effect, days 1 to 28 after the link."""

    milestone: str
    engine: str
    arm: str
    hazard_ratio: float | None
    interval_low: float | None
    interval_high: float | None
    honest_low: float | None
    honest_high: float | None
    placebo_ratio: float | None
    share_with_14: float | None
    share_without_14: float | None
    exposed_event_count: int
    status: str
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class WaitingPage:
    """A new page that is not shown yet, and what is known of it; `index_state`: why Google's index lacks it."""

    url: str | None
    published_by: date
    waited_days: int
    visited_by: date | None
    linked_by: date | None
    in_sitemap_by: date | None
    index_state: str | None


@dataclass(frozen=True)
class Found:
    """All that a report says of how soon pages are found. Empty where nothing is known."""

    days: tuple[WaitDay, ...] = ()
    links: tuple[LinkRatio, ...] = ()
    waiting: tuple[WaitingPage, ...] = ()

    @property
    def curves(self) -> tuple[tuple[WaitDay, ...], ...]:
        """The days of each milestone and engine."""
        keys = dict.fromkeys((day.milestone, day.engine) for day in self.days)
        return tuple(tuple(day for day in self.days if (day.milestone, day.engine) == key) for key in keys)


def read_found(connection: psycopg.Connection[Any], property_key: int) -> Found:
    """What the marts say of a property; nothing where they hold no such tables yet."""
    if not has_tables(connection, *TABLES):
        return Found()
    which = {"key": property_key, "shown": SHOWN_PAGES}
    return Found(
        read_rows(connection, WaitDay, DAYS, which),
        read_rows(connection, LinkRatio, LINKS, which),
        read_rows(connection, WaitingPage, WAITING, which),
    )
