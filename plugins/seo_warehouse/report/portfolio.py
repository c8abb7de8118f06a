"""The portfolio of links: what a report says of it, read from the marts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import psycopg

from seo_warehouse.report.querying import has_tables, read_rows

MOST_MONTHS = 60
TABLES = (
    "rpt_portfolio",
    "rpt_witness_bound",
    "rpt_link_survival",
    "rpt_portfolio_stress",
    "fct_link_flag",
    "rpt_expected_loss",
)


@dataclass(frozen=True, kw_only=True)
class Month:
    """A row of marts.rpt_portfolio by domains: links sorted by who links."""

    month: date
    item_count: int
    class_count: int
    largest_share: float | None
    hill_1: float | None
    asymptotic_1: float | None
    low_1: float | None
    high_1: float | None
    common_coverage: float | None
    common_1: float | None
    status: str


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """The newest row of marts.rpt_witness_bound."""

    month: date
    seen_count: int
    witness_count: int
    bound_count: int | None
    low_count: int | None
    left_out: list[str]
    is_guarded: bool
    status: str


@dataclass(frozen=True, kw_only=True)
class Survival:
    """A row of marts.rpt_link_survival, of all links or by rel."""

    dimension: str
    class_name: str
    age_days: int
    at_risk_count: int
    domain_count: int
    lost_count: int
    survival: float | None
    interval_low: float | None
    interval_high: float | None
    status: str


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """A row of marts.rpt_portfolio_stress: what would go with one who links."""

    publisher: str
    link_count: int
    followed_share: float
    authority_share: float | None
    orphaned_page_count: int
    hill_1: float | None
    hill_1_after: float | None
    judged_count: int
    unjudged_count: int
    expected_log_position_change: float | None
    interval_low: float | None
    interval_high: float | None


@dataclass(frozen=True, kw_only=True)
class LinkFlag:
    """A row of marts.fct_link_flag."""

    flag: str
    publisher: str | None
    subject: str | None
    anchor: str | None
    first_day: date
    last_day: date
    counted: int
    expected: float | None
    p_value: float | None
    false_alarm_rate: float | None


@dataclass(frozen=True, kw_only=True)
class ExpectedLoss:
    """The row of marts.rpt_expected_loss."""

    link_count: int
    untold_link_count: int
    expected_loss_count: float | None
    interval_low: float | None
    interval_high: float | None


@dataclass(frozen=True)
class Portfolio:
    """All that a report says of a portfolio, months in order and publishers by size. Empty where nothing is known."""

    months: tuple[Month, ...] = ()
    unseen: Unseen | None = None
    lives: tuple[Survival, ...] = ()
    publishers: tuple[Publisher, ...] = ()
    flags: tuple[LinkFlag, ...] = ()
    loss: ExpectedLoss | None = None

    @property
    def curves(self) -> tuple[tuple[Survival, ...], ...]:
        """The ages of each sort of links, as far as something may be said of them."""
        told = [row for row in self.lives if row.survival is not None]
        sorts = dict.fromkeys((row.dimension, row.class_name) for row in told)
        return tuple(tuple(row for row in told if (row.dimension, row.class_name) == sort) for sort in sorts)


MONTHS = f"""
select {", ".join(column.name for column in fields(Month))}
from (
    select * from marts.rpt_portfolio
    where property_key = %(key)s and dimension = 'domain' and weight = 'link'
    order by month desc limit {MOST_MONTHS}
) as newest
order by month
"""  # noqa: S608
UNSEEN = f"""
select {", ".join(column.name for column in fields(Unseen))}
from marts.rpt_witness_bound
where property_key = %(key)s and unit = 'domain'
order by month desc limit 1
"""  # noqa: S608
LIVES = """
select dimension, class as class_name, age_days, at_risk_count, domain_count, lost_count, survival, interval_low,
       interval_high, status
from marts.rpt_link_survival
where property_key = %(key)s and dimension in ('all', 'rel_class')
order by dimension, class, age_days
limit 200
"""
PUBLISHERS = """
select left(publisher, 300) as publisher, link_count, followed_share, authority_share, orphaned_page_count, hill_1,
       hill_1_after, judged_count, unjudged_count, expected_log_position_change, interval_low, interval_high
from marts.rpt_portfolio_stress
where property_key = %(key)s
order by link_count desc, orphaned_page_count desc, publisher_key
limit 20
"""
FLAGS = """
select flag, left(publisher, 300) as publisher, subject, left(anchor, 300) as anchor, first_day, last_day, counted,
       expected, p_value, false_alarm_rate
from marts.fct_link_flag
where property_key = %(key)s
order by last_day desc, flag, counted desc, subject_key, first_day
limit 20
"""
LOSS = f"""
select {", ".join(column.name for column in fields(ExpectedLoss))}
from marts.rpt_expected_loss
where property_key = %(key)s
"""  # noqa: S608


def read_portfolio(connection: psycopg.Connection[Any], property_key: int) -> Portfolio:
    """What the marts say of a property; nothing where they hold no such tables yet."""
    if not has_tables(connection, *TABLES):
        return Portfolio()
    which = {"key": property_key}
    return Portfolio(
        read_rows(connection, Month, MONTHS, which),
        next(iter(read_rows(connection, Unseen, UNSEEN, which)), None),
        read_rows(connection, Survival, LIVES, which),
        read_rows(connection, Publisher, PUBLISHERS, which),
        read_rows(connection, LinkFlag, FLAGS, which),
        next(iter(read_rows(connection, ExpectedLoss, LOSS, which)), None),
    )
