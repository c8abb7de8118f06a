"""The step between the models and the reports on portfolios: how broad each was, what nobody saw, what stands out."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import date
from itertools import chain, groupby
from math import floor
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from seo_warehouse.authority.flags import (
    FALSE_ALARM_RATES,
    RULE_VERSION,
    Arrival,
    Flag,
    Week,
    flag_networks,
    flag_weeks,
    flag_words,
)
from seo_warehouse.authority.portfolio import Breadth, Series, follow
from seo_warehouse.authority.risk import Lives, Living, expect_losses
from seo_warehouse.authority.unseen import lower_bound
from seo_warehouse.steps.estimating import columns_of, estimating, replace_rows
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)
NAMES = [field.name for field in fields(Breadth)]
BOUNDS = (
    *("property_key", "unit", "month", "seen_count", "witness_count", "bound_count", "low_count"),
    *("left_out", "is_guarded", "status", "unseen_js_share"),
)
FLAGS = (
    *("property_key", "flag", "first_day", "last_day", "counted", "expected", "p_value", "link_keys"),
    *("subject", "rule_version", "false_alarm_rate"),
)
MOST_NAMED = 100
"""Links that a flag names, as the variable flagged_links of the models."""
LOSSES = (
    *("property_key", "link_count", "untold_link_count", "domain_count", "expected_loss_count"),
    *("interval_low", "interval_high", "status"),
)
DAYS_AHEAD = 90
"""As int_portfolio__weigh_risks has it."""
LEAST_DOMAINS = 10
CHANGES = """
select property_key, dimension, weight, month, class, class_count
from intermediate.int_portfolio__count_classes
order by property_key, dimension, weight, month, class
"""
MONTHS = """
select property_key, date_trunc('month', generate_series(date_trunc('month', first_day), last_day, '1 month'))::date
from (
    select property_key, min(day) as first_day, max(day) as last_day
    from intermediate.int_link__judge_looks
    group by property_key
) as looked
order by 1, 2
"""
SIGHTS = """
select property_key, unit, month, witnesses, seen_count
from intermediate.int_portfolio__count_sights
order by property_key, unit, month
"""
SCRIPTED = """
select property_key, month, scripted_count / asked_count::double precision
from intermediate.int_portfolio__count_scripted
"""
ARRIVALS = """
select property_key, week, domain_count, link_keys
from intermediate.int_portfolio__count_arrivals
order by property_key, week
"""
NETWORKS = """
select property_key, day, network, link_key
from intermediate.int_portfolio__list_arrivals
order by property_key, day, link_key
"""
WORDS = """
select property_key, day, exact_domain_count, known_domain_count, link_keys
from intermediate.int_portfolio__count_words
"""
# Whole orders: what is drawn goes by the places of rows, and is to be the same wherever these lie.
LIVING = """
select property_key, dimension, class, linking_key, age_days
from intermediate.int_portfolio__weigh_risks
order by property_key, dimension, class, linking_key, age_days
"""
LIVES = """
select dimension, class, linking_key, entry_days, exit_days, is_lost
from intermediate.int_portfolio__list_lives
where property_key = %s and dimension in ('all', 'rel_class')
order by dimension, class, linking_key, entry_days, exit_days, is_lost
"""


def measure_portfolios(wh: Warehouse) -> int:
    """Write how broad the newest build's portfolios are, what nobody saw, stands out and may go, into `ops`.

    Returns the number of months of portfolios. Those whose links are as they were are not measured again. The caller
    holds the warehouse lock. Raises BuildError where the figures that the models left allow of none.
    """
    with estimating("how broad portfolios of links are"):
        with wh.connect("transformer") as reader:
            reader.execute("set transaction isolation level repeatable read, read only")
            known = {row.fingerprint: row for row in _known(reader)}
            measured = list(_measured(reader, known))
            bounds = list(_bounds(reader))
            flags = list(_flags(reader))
            losses = list(_losses(reader))
        with wh.connect("loader", autocommit=True) as writer, writer.transaction():
            replace_rows(writer, "portfolio", NAMES, ([getattr(row, name) for name in NAMES] for row in measured))
            replace_rows(writer, "witness_bound", BOUNDS, bounds)
            replace_rows(writer, "link_flag", FLAGS, flags)
            replace_rows(writer, "expected_loss", LOSSES, losses)
    log.info("portfolios: %s months, %s of them anew", len(measured), sum(r.fingerprint not in known for r in measured))
    return len(measured)


def _known(reader: psycopg.Connection[Any]) -> Iterator[Breadth]:
    with reader.cursor() as cursor:
        for row in cursor.execute(sql.SQL("select {} from ops.portfolio").format(columns_of(NAMES))):
            yield Breadth(*row)


def _measured(reader: psycopg.Connection[Any], known: dict[str, Breadth]) -> Iterator[Breadth]:
    months: dict[int, list[date]] = {}
    for property_key, month in reader.execute(MONTHS):
        months.setdefault(property_key, []).append(month)
    with reader.cursor(name="portfolio_changes") as cursor:
        for series, changes in groupby(cursor.execute(CHANGES), key=_series):
            yield from follow(series, months.get(series[0], []), (row[3:] for row in changes), known)


def _series(row: tuple[Any, ...]) -> Series:
    return row[0], row[1], row[2]


def _bounds(reader: psycopg.Connection[Any]) -> Iterator[tuple[Any, ...]]:
    """Rows of ops.witness_bound."""
    scripted = {(property_key, month): share for property_key, month, share in reader.execute(SCRIPTED)}
    for bounded, sights in groupby(reader.execute(SIGHTS), key=lambda row: row[:3]):
        seen = {frozenset(witnesses): count for *_, witnesses, count in sights}
        witnesses = frozenset().union(*seen)
        found = lower_bound(seen)
        yield (
            *bounded,
            sum(seen.values()),
            len(witnesses),
            round(found.bound) if found else None,
            floor(found.low) if found else None,
            list(found.left_out) if found else [],
            found.is_guarded if found else False,
            "estimate" if found else "not_enough_data",
            scripted.get((bounded[0], bounded[2])),
        )


def _flags(reader: psycopg.Connection[Any]) -> Iterator[tuple[Any, ...]]:
    """Rows of ops.link_flag."""
    for property_key, weeks in groupby(reader.execute(ARRIVALS), key=lambda row: row[0]):
        found = flag_weeks([Week(day, count, tuple(keys)) for _, day, count, keys in weeks])
        yield from (_flag_row(property_key, flag) for flag in found)
    for property_key, arrivals in groupby(reader.execute(NETWORKS), key=lambda row: row[0]):
        bursts = flag_networks([Arrival(*arrival) for _, *arrival in arrivals])
        yield from (_flag_row(property_key, flag) for flag in bursts)
    for property_key, *words in reader.execute(WORDS):
        yield from (_flag_row(property_key, flag) for flag in flag_words(*words))


def _flag_row(property_key: int, flag: Flag) -> tuple[Any, ...]:
    counted = (flag.name, flag.first_day, flag.last_day, flag.counted, flag.expected, flag.p_value)
    told = (list(flag.link_keys[:MOST_NAMED]), flag.subject, RULE_VERSION, FALSE_ALARM_RATES[flag.name])
    return (property_key, *counted, *told)


def _losses(reader: psycopg.Connection[Any]) -> Iterator[tuple[Any, ...]]:
    """Rows of ops.expected_loss. Of one property at a time a few numbers a link are held."""
    with reader.cursor(name="portfolio_living") as cursor:
        for property_key, links in groupby(cursor.execute(LIVING), key=lambda row: row[0]):
            yield (property_key, *_loss_of(reader, property_key, links))


def _loss_of(
    reader: psycopg.Connection[Any], property_key: int, links: Iterable[tuple[Any, ...]]
) -> tuple[int | float | str | None, ...]:
    places: dict[int, int] = {}
    living: dict[tuple[str, str], Living] = {}
    untold = 0
    for sort, rows in groupby(links, key=lambda row: row[1:3]):
        if sort[0] is None:
            untold = sum(1 for _ in rows)
        else:
            domain, age = _numbers(((places.setdefault(key, len(places)), age) for *_, key, age in rows), 2)
            living[sort] = Living(domain, age)
    counts = sum(each.age.size for each in living.values()), untold, len(places)
    sorts = []
    with reader.cursor(name="portfolio_lives") as cursor:
        for sort, rows in groupby(cursor.execute(LIVES, (property_key,)), key=lambda row: row[:2]):
            if sort in living and counts[-1] >= LEAST_DOMAINS:
                domain, entry, left, lost = _numbers(
                    ((places.setdefault(key, len(places)), *ages) for _, _, key, *ages in rows), 4
                )
                sorts.append((Lives(domain, entry, left, lost == 1), living[sort]))
    found = expect_losses(sorts, len(places), DAYS_AHEAD, property_key)
    if found is None:
        return (*counts, None, None, None, "not_enough_data")
    return (*counts, found.expected, found.low, found.high, "estimate")


def _numbers(rows: Iterable[Sequence[int]], width: int) -> NDArray[np.int64]:
    """The columns of rows."""
    return np.fromiter(chain.from_iterable(rows), np.int64).reshape(-1, width).T
