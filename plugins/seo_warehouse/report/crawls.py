"""Who crawled a property's pages, and where that went: what a report says of it, read from the marts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg

from seo_warehouse.report.querying import has_tables, read_rows

TABLES = ("fct_bot_crawl", "fct_log_day", "dim_bot")
CRAWLERS = """
select bots.operator, bots.bot, bots.purpose, newest.day as last_day,
       coalesce(sum(c.hit_count) filter (where c.verdict = 'verified'), 0)::bigint as verified_count,
       coalesce(sum(c.hit_count) filter (where c.verdict = 'spoofed'), 0)::bigint as spoofed_count,
       coalesce(sum(c.hit_count) filter (where c.verdict = 'unverifiable'), 0)::bigint as unverifiable_count,
       coalesce(sum(c.hit_count) filter (where c.verdict = 'verified' and c.visit_kind = 'parameter'), 0)::bigint
           as parameter_count,
       coalesce(sum(c.hit_count) filter (where c.verdict = 'verified' and c.visit_kind = 'redirect'), 0)::bigint
           as redirect_count,
       coalesce(sum(c.hit_count) filter (
           where c.verdict = 'verified' and c.visit_kind in ('error', 'not_found', 'refused')), 0)::bigint
           as error_count,
       coalesce(sum(c.hit_count) filter (where c.verdict = 'verified' and c.visit_kind in (
           'robots_refused', 'non_canonical', 'noindex', 'orphan')), 0)::bigint as other_waste_count
from marts.fct_bot_crawl as c
join marts.dim_bot as bots on bots.bot = c.bot and bots.operator = c.operator
cross join (select max(day) as day from marts.fct_log_day where property_key = %(key)s) as newest
where c.property_key = %(key)s and c.day > newest.day - 28
  and (bots.is_index_crawler or left(bots.purpose, 3) = 'ai_')
group by bots.operator, bots.bot, bots.purpose, newest.day
order by bots.operator, bots.bot
limit 200
"""


@dataclass(frozen=True, kw_only=True)
class Crawler:
    """Visits of a bot, or of who says that he is it, in the 28 days up to the last of which there are logs.

    The counts of what they went to are of verified visits; what is in none of them reached a page, or a file of one.
    """

    operator: str
    bot: str
    purpose: str
    last_day: date
    verified_count: int
    spoofed_count: int
    unverifiable_count: int
    parameter_count: int
    redirect_count: int
    error_count: int
    other_waste_count: int

    @property
    def wasted_count(self) -> int:
        """Verified visits that did the site no good."""
        return self.parameter_count + self.redirect_count + self.error_count + self.other_waste_count


def read_crawlers(connection: psycopg.Connection[Any], property_key: int) -> tuple[Crawler, ...]:
    """Crawlers of search engines' indices and of AI; none where the marts hold no such tables yet."""
    if not has_tables(connection, *TABLES):
        return ()
    return read_rows(connection, Crawler, CRAWLERS, {"key": property_key})
