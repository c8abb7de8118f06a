"""Visitors who come through links: what a report says of them, read from the marts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg

from seo_warehouse.report.querying import has_tables, read_rows

DAYS = 28
MOST_LINKS = 20
SPAN = "days_28"
TABLES = ("fct_referral_visit", "rpt_referral_link", "rpt_referral_balance", "fct_link_check", "dim_link")


@dataclass(frozen=True, kw_only=True)
class Visits:
    """Visits of one witness in the days to its newest. `site_count` is the sum of those that follow it."""

    witness: str
    last_day: date
    visit_count: int
    unknown_count: int
    site_count: int
    laid_count: int
    """Laid to a link: exact, or sole."""
    allocated_count: float
    """Laid to one of several links of a host, within an interval."""
    ambiguous_count: float
    """Laid to several, of none of which the interval is narrow enough for a figure."""
    missed_count: float
    """Of links that nobody knows, as is estimated; and too few, or of too many links, to say anything."""
    page_count: int
    """Of a page that links, by another link than is known."""
    odd_day_count: int
    """Days of which the witness did not tell all: they count, and nothing was learned from them."""
    other_count: int
    """Of hosts and pages without a known link to the landing page, or landing pages that are not known."""


@dataclass(frozen=True, kw_only=True)
class LinkVisits:
    """What one link brought in these days: a row of rpt_referral_link that has figures."""

    source_url: str | None
    target_url: str | None
    state: str | None
    status: str
    visit_count: float | None
    visit_low: float
    visit_high: float
    set_visit_count: int | None
    candidate_count: int | None
    key_event_count: float | None
    money: float | None

    @property
    def middle(self) -> float:
        """Where it stands among links: its visits, else the middle of its interval."""
        return (self.visit_low + self.visit_high) / 2 if self.visit_count is None else self.visit_count


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
    order by witness <> 'logs', sum(visit_count) desc, witness
    limit 1
),
visits as (
    select v.* from newest as n
    join marts.fct_referral_visit as v on v.property_key = %(key)s and v.witness = n.witness
        and v.day > n.last_day - {DAYS}
),
told as (
    select b.kind, b.visit_count, b.odd_day_count from newest as n
    join marts.rpt_referral_balance as b on b.property_key = %(key)s and b.witness = n.witness and b.span = '{SPAN}'
),
kinds as (
    select
        coalesce(sum(visit_count) filter (where kind in ('exact', 'sole')), 0)::bigint as laid_count,
        coalesce(sum(visit_count) filter (where kind = 'allocated'), 0) as allocated_count,
        coalesce(sum(visit_count) filter (where kind = 'ambiguous'), 0) as ambiguous_count,
        coalesce(sum(visit_count) filter (where kind in ('missed_links', 'refused')), 0) as missed_count,
        coalesce(sum(visit_count) filter (where kind = 'exact_page'), 0)::bigint as page_count,
        coalesce(sum(visit_count) filter (where kind in ('host_only', 'no_landing', 'no_known_link')), 0)::bigint
            as other_count,
        coalesce(max(odd_day_count), 0) as odd_day_count
    from told
),
sums as (
    select
        sum(visit_count)::bigint as visit_count,
        coalesce(sum(visit_count) filter (where class = 'none'), 0)::bigint as unknown_count,
        coalesce(sum(visit_count) filter (where grade is not null), 0)::bigint as site_count
    from visits
)
select n.witness, n.last_day, s.visit_count, s.unknown_count, s.site_count, k.laid_count, k.allocated_count,
    k.ambiguous_count, k.missed_count, k.page_count, k.other_count, k.odd_day_count
from newest as n
cross join sums as s
cross join kinds as k
"""  # noqa: S608
LINKS = f"""
select left(l.source_url, 2000) as source_url, left(l.target_url, 2000) as target_url, l.state,
    r.status, r.visit_count, r.visit_low, r.visit_high, r.set_visit_count, r.candidate_count,
    r.key_event_count, r.money
from marts.rpt_referral_link as r
left join marts.dim_link as l on l.property_key = %(key)s and l.link_key = r.link_key
where r.property_key = %(key)s and r.witness = %(witness)s and r.span = '{SPAN}' and r.visit_high > 0
order by coalesce(r.visit_count, (r.visit_low + r.visit_high) / 2) desc, l.source_url, l.target_url
limit {MOST_LINKS}
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
    which |= {"witness": visits.witness}
    silent = connection.execute(SILENT, which).fetchone()
    return Referral(visits, read_rows(connection, LinkVisits, LINKS, which), silent[0] if silent else 0)
