"""Visitors who come through links: what a report says of them, read from the marts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg

from seo_warehouse.report.querying import has_tables, read_rows

DAYS = 28
MOST_LINKS = 20
TABLES = ("fct_referral_visit", "fct_link_check", "dim_link")


@dataclass(frozen=True, kw_only=True)
class Visits:
    """Visits of one witness in the days to its newest. `site_count` is the sum of the four that follow it."""

    witness: str
    last_day: date
    visit_count: int
    unknown_count: int
    site_count: int
    laid_count: int
    """Laid to a link: exact, or sole."""
    several_count: int
    """Of a host of which several links could have sent them."""
    page_count: int
    """Of a page that links, by another link than is known."""
    other_count: int
    """Of hosts and pages without a known link to the landing page, or landing pages that are not known."""


@dataclass(frozen=True, kw_only=True)
class LinkVisits:
    """What one link brought in these days."""

    source_url: str | None
    target_url: str | None
    state: str | None
    exact_count: int
    sole_count: int


@dataclass(frozen=True)
class Referral:
    """All that a report says of visitors. Empty where no witness counts."""

    visits: Visits | None = None
    links: tuple[LinkVisits, ...] = ()
    silent_count: int = 0
    """Live links of which our newest visit says that they let nothing through."""


VISITS = f"""
with newest as (
    select witness, max(day) as last_day from marts.fct_referral_visit where property_key = %(key)s
    group by witness
    order by witness <> 'logs', witness
    limit 1
)
select n.witness, n.last_day,
    sum(v.visit_count)::bigint as visit_count,
    coalesce(sum(v.visit_count) filter (where v.class = 'none'), 0)::bigint as unknown_count,
    coalesce(sum(v.visit_count) filter (where v.grade is not null), 0)::bigint as site_count,
    coalesce(sum(v.visit_count) filter (where v.grade in ('exact', 'sole')), 0)::bigint as laid_count,
    coalesce(sum(v.visit_count) filter (where v.grade = 'ambiguous'), 0)::bigint as several_count,
    coalesce(sum(v.visit_count) filter (where v.grade = 'exact_page'), 0)::bigint as page_count,
    coalesce(sum(v.visit_count) filter (where v.grade in ('host_only', 'no_landing', 'no_known_link')), 0)::bigint
        as other_count
from newest as n
join marts.fct_referral_visit as v on v.property_key = %(key)s and v.witness = n.witness
    and v.day > n.last_day - {DAYS}
group by n.witness, n.last_day
"""  # noqa: S608
LINKS = f"""
select left(l.source_url, 2000) as source_url, left(l.target_url, 2000) as target_url, l.state,
    counted.exact_count, counted.sole_count
from (
    select link_key,
        coalesce(sum(visit_count) filter (where grade = 'exact'), 0)::bigint as exact_count,
        coalesce(sum(visit_count) filter (where grade = 'sole'), 0)::bigint as sole_count
    from marts.fct_referral_visit
    where property_key = %(key)s and witness = %(witness)s and link_key is not null
      and day > %(last_day)s::date - {DAYS}
    group by link_key
    order by sum(visit_count) desc, link_key
    limit {MOST_LINKS}
) as counted
left join marts.dim_link as l on l.property_key = %(key)s and l.link_key = counted.link_key
order by counted.exact_count + counted.sole_count desc, l.source_url, l.target_url
"""  # noqa: S608
SILENT = """
select count(*) from (
    select distinct on (c.link_key) c.link_key, c.referrer_policy from marts.fct_link_check as c
    where c.property_key = %(key)s and c.presence = 'present'
    order by c.link_key, c.checked_at desc
) as newest
join marts.dim_link as l on l.property_key = %(key)s and l.link_key = newest.link_key
where newest.referrer_policy = 'none' and l.state = 'live'
"""


def read_referral(connection: psycopg.Connection[Any], property_key: int) -> Referral:
    """What the marts say of a property; nothing where they hold no such tables yet."""
    if not has_tables(connection, *TABLES):
        return Referral()
    which: dict[str, Any] = {"key": property_key}
    visits = next(iter(read_rows(connection, Visits, VISITS, which)), None)
    if visits is None:
        return Referral()
    which |= {"witness": visits.witness, "last_day": visits.last_day}
    silent = connection.execute(SILENT, which).fetchone()
    return Referral(visits, read_rows(connection, LinkVisits, LINKS, which), silent[0] if silent else 0)
