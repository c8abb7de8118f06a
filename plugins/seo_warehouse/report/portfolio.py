"""The portfolio of links: what a report says of it, read from the marts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import psycopg
from psycopg.rows import class_row

MOST_MONTHS = 60
TABLES = ("rpt_portfolio", "rpt_witness_bound", "rpt_link_survival")


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


@dataclass(frozen=True)
class Portfolio:
    """All that a report says of a portfolio, months in order. Empty where nothing is known."""

    months: tuple[Month, ...] = ()
    unseen: Unseen | None = None
    lives: tuple[Survival, ...] = ()

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
where property_key = %(key)s
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


def read_portfolio(connection: psycopg.Connection[Any], property_key: int) -> Portfolio:
    """What the marts say of a property; nothing where they hold no such tables yet."""
    there = connection.execute(
        "select count(*) from pg_tables where schemaname = 'marts' and tablename = any(%s)", (list(TABLES),)
    ).fetchone()
    if there is None or there[0] < len(TABLES):
        return Portfolio()
    which: dict[str, Any] = {"key": property_key}
    with connection.cursor(row_factory=class_row(Month)) as cursor:
        months = tuple(cursor.execute(MONTHS, which).fetchall())
    with connection.cursor(row_factory=class_row(Unseen)) as cursor:
        unseen = cursor.execute(UNSEEN, which).fetchone()
    with connection.cursor(row_factory=class_row(Survival)) as cursor:
        return Portfolio(months, unseen, tuple(cursor.execute(LIVES, which).fetchall()))
