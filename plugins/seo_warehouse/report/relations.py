"""Relationships that earn links: what a report says of them, read from the marts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import psycopg

from seo_warehouse.report.querying import has_tables, read_rows

SPAN = "365"
"""Days back from the newest that is told of, in which what is summed was begun."""
MOST_PARTNERS, MOST_LINKS = 10, 10
TABLES = (
    *("rpt_outreach_return", "rpt_partner", "fct_placement", "dim_partner", "dim_link", "rpt_link_contribution"),
    *("fct_link_rank_change", "fct_bot_crawl", "fct_index_state", "rpt_link_risk", "rpt_referral_link"),
)


@dataclass(frozen=True, kw_only=True)
class Return:
    """A year of asking: the row of all of rpt_outreach_return. Money in dollars, shares 0 to 1 with 95 % intervals."""

    tried_count: int
    replied_count: int
    agreed_count: int
    placed_count: int
    verified_count: int
    lost_count: int
    reply_share_low: float | None
    reply_share_high: float | None
    placed_share_low: float | None
    placed_share_high: float | None
    money: float
    money_per_live_day: float | None
    money_per_live_day_low: float | None
    money_per_live_day_high: float | None
    unpriced_count: int
    lacks_rate: bool
    status: str


@dataclass(frozen=True, kw_only=True)
class Paid:
    """Links that were paid for, of all times."""

    paid_count: int
    seen_count: int
    standing_count: int
    unqualified_count: int
    lost_median_days: float | None


@dataclass(frozen=True, kw_only=True)
class Partner:
    """A row of rpt_partner. Link-days in a year for 1,000 dollars, with their 90 % interval."""

    partner_name: str
    place: int | None
    days_per_1000: float | None
    days_per_1000_low: float | None
    days_per_1000_high: float | None
    is_mostly_average: bool
    try_count: int
    replied_try_count: int
    verified_try_count: int
    standing_count: int
    price_dollars: float | None
    risks: tuple[str, ...] | list[str]
    faster_loss_chance: float
    recent_loss_count: int
    latest_reply_days: float | None
    earlier_reply_days: float | None
    turned_nofollow_count: int
    fallen_site_count: int
    ending_count: int


@dataclass(frozen=True, kw_only=True)
class Unqualified:
    """A paid link that nothing says is paid."""

    partner_name: str
    source_url: str
    target_url: str | None


@dataclass(frozen=True, kw_only=True)
class Life:
    """What became of a link that was paid for, from the money to its end."""

    partner_name: str
    source_url: str
    target_url: str | None
    money: float | None
    placed_date: date | None
    seen_date: date
    live_days: int
    crawled_date: date | None
    index_state: str | None
    indexed_date: date | None
    position_before: float | None
    """Mean of the target's keywords in the week before the link, and on days 21 to 34 after it."""
    position_after: float | None
    outcome: str | None
    effect: float | None
    effect_low: float | None
    effect_high: float | None
    effect_reason: str | None
    visit_count: float | None
    visit_low: float | None
    visit_high: float | None
    visit_reason: str | None
    loss_probability: float | None
    lost_date: date | None


@dataclass(frozen=True)
class Relations:
    """All that a report says of relationships. Empty where nobody keeps any."""

    all: Return | None = None
    paid: Paid | None = None
    partners: tuple[Partner, ...] = ()
    """Whom to ask next, best first."""
    at_risk: tuple[Partner, ...] = ()
    unqualified: tuple[Unqualified, ...] = ()
    lives: tuple[Life, ...] = ()


RETURN = f"""
select tried_count, replied_count, agreed_count, placed_count, verified_count, lost_count, reply_share_low,
    reply_share_high, placed_share_low, placed_share_high, money, money_per_live_day, money_per_live_day_low,
    money_per_live_day_high, unpriced_count, lacks_rate, status
from marts.rpt_outreach_return
where property_key = %(key)s and cut = 'all' and span = '{SPAN}'
"""  # noqa: S608
PAID = """
select count(*) as paid_count, count(verified_date) as seen_count,
    count(*) filter (where verified_date is not null and lost_date is null) as standing_count,
    count(*) filter (where is_unqualified_paid and lost_date is null) as unqualified_count,
    percentile_cont(0.5) within group (order by live_days) filter (where lost_date is not null) as lost_median_days
from marts.fct_placement
where property_key = %(key)s and is_paid
"""
PARTNER = """
select left(partner_name, 200) as partner_name, place, days_per_1000, days_per_1000_low, days_per_1000_high,
    is_mostly_average, try_count, replied_try_count, verified_try_count, standing_count, price_dollars, risks,
    faster_loss_chance, recent_loss_count, latest_reply_days, earlier_reply_days, turned_nofollow_count,
    fallen_site_count, ending_count
from marts.rpt_partner
where property_key = %(key)s
"""
NEXT = f"{PARTNER} and place <= {MOST_PARTNERS} order by place"
AT_RISK = f"""
{PARTNER} and cardinality(risks) > 0 and (standing_count > 0 or recent_loss_count > 0)
order by cardinality(risks) desc, standing_count desc, partner_name limit {MOST_PARTNERS}
"""
PARTNER_NAMES = """
join marts.dim_partner as m on m.property_key = %(key)s and m.partner_key = p.partner_key
    and m.valid_to_date is null
left join marts.dim_link as l on l.property_key = %(key)s and l.link_key = p.link_key
"""
UNQUALIFIED = f"""
select left(m.partner_name, 200) as partner_name, left(coalesce(l.source_url, p.promised_url), 2000) as source_url,
    left(coalesce(l.target_url, p.target_url), 2000) as target_url
from marts.fct_placement as p {PARTNER_NAMES}
where p.property_key = %(key)s and p.is_unqualified_paid and p.lost_date is null
order by p.money desc nulls last, source_url
limit {MOST_LINKS}
"""  # noqa: S608
LIVES = f"""
with paid as (
    select p.property_key, p.link_key, coalesce(l.page_key, p.page_key) as page_key,
        left(m.partner_name, 200) as partner_name, left(coalesce(l.source_url, p.promised_url), 2000) as source_url,
        left(coalesce(l.target_url, p.target_url), 2000) as target_url, p.money,
        p.placed_date, p.verified_date as seen_date, p.live_days, p.lost_date
    from marts.fct_placement as p {PARTNER_NAMES}
    where p.property_key = %(key)s and p.is_paid and p.verified_date is not null
),
crawled as (
    select paid.link_key, min(b.day) as crawled_date from paid
    join marts.fct_bot_crawl as b on b.property_key = %(key)s and b.page_key = paid.page_key
        and b.day >= paid.seen_date and b.verdict = 'verified'
    group by paid.link_key
),
stood as (
    select paid.link_key, avg(r.base_position) as position_before, avg(r.window_position) as position_after
    from paid
    join marts.fct_link_rank_change as r on r.property_key = %(key)s and r.link_key = paid.link_key
        and r.engine = %(panel)s and r.window_name = 'headline' and r.event_type = 'acquired'
    where r.window_position - r.base_position is not null
    group by paid.link_key
),
ranked as (
    select distinct on (c.link_key) c.link_key, c.outcome, c.shrunk_effect, c.shrunk_low, c.shrunk_high, c.reason
    from paid
    join marts.rpt_link_contribution as c on c.property_key = %(key)s and c.link_key = paid.link_key
        and c.panel = %(panel)s and coalesce(c.arm, '') not like 'lost%%'
    order by c.link_key, c.reason is not null, c.event_date desc
)
select paid.partner_name, paid.source_url, paid.target_url, paid.money, paid.placed_date, paid.seen_date,
    paid.live_days, crawled.crawled_date, i.state as index_state, i.valid_from_date as indexed_date,
    stood.position_before, stood.position_after, ranked.outcome,
    ranked.shrunk_effect as effect, ranked.shrunk_low as effect_low, ranked.shrunk_high as effect_high,
    ranked.reason as effect_reason, v.visit_count, v.visit_low, v.visit_high, coalesce(v.reason, v.status)
    as visit_reason, r.loss_probability_90 as loss_probability, paid.lost_date
from paid
left join crawled on crawled.link_key = paid.link_key
left join stood on stood.link_key = paid.link_key
left join ranked on ranked.link_key = paid.link_key
left join marts.fct_index_state as i on i.property_key = %(key)s and i.page_key = paid.page_key
    and i.engine = 'google' and i.to_date is null
left join marts.rpt_referral_link as v on v.property_key = %(key)s and v.link_key = paid.link_key
    and v.witness = 'logs' and v.span = 'life'
left join marts.rpt_link_risk as r on r.property_key = %(key)s and r.link_key = paid.link_key
order by num_nonnulls(crawled.crawled_date, i.state, stood.position_after, ranked.shrunk_effect, v.visit_count) desc,
    v.visit_count desc nulls last, paid.money desc nulls last, paid.source_url
limit {MOST_LINKS}
"""  # noqa: S608


def read_relations(connection: psycopg.Connection[object], property_key: int, panel: str) -> Relations:
    """What the marts say of a property; nothing where they hold no such tables yet, or nobody asked for links."""
    if not has_tables(connection, *TABLES):
        return Relations()
    which = {"key": property_key, "panel": panel}
    all_of_it = next(iter(read_rows(connection, Return, RETURN, which)), None)
    paid = next(iter(read_rows(connection, Paid, PAID, which)), None)
    if all_of_it is None and not (paid and paid.paid_count):
        return Relations()
    return Relations(
        all_of_it,
        paid if paid and paid.paid_count else None,
        read_rows(connection, Partner, NEXT, which),
        read_rows(connection, Partner, AT_RISK, which),
        read_rows(connection, Unqualified, UNQUALIFIED, which),
        read_rows(connection, Life, LIVES, which),
    )
