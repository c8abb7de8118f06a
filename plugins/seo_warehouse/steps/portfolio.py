"""The step between the models and the reports on portfolios: how broad each was, and what of it nobody saw."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import date
from itertools import groupby
from math import floor
from typing import Any

import psycopg
from psycopg import sql

from seo_warehouse.authority.portfolio import Breadth, Series, follow
from seo_warehouse.authority.unseen import lower_bound
from seo_warehouse.steps.estimating import estimating
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)
NAMES = [field.name for field in fields(Breadth)]
BOUNDS = (
    *("property_key", "month", "seen_count", "witness_count", "bound_count", "low_count"),
    *("left_out", "is_guarded", "status"),
)
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
select property_key, month, witnesses, domain_count
from intermediate.int_portfolio__count_sights
order by property_key, month
"""


def measure_portfolios(wh: Warehouse) -> int:
    """Write how broad the newest build's portfolios are, and what of them nobody saw, into `ops`, whole.

    Returns the number of months of portfolios. Those whose links are as they were are not measured again. The caller
    holds the warehouse lock. Raises BuildError where the figures that the models left allow of none.
    """
    with estimating("how broad portfolios of links are"):
        with wh.connect("transformer") as reader:
            reader.execute("set transaction isolation level repeatable read, read only")
            known = {row.fingerprint: row for row in _known(reader)}
            measured = list(_measured(reader, known))
            bounds = list(_bounds(reader))
        with wh.connect("loader", autocommit=True) as writer, writer.transaction():
            _replace(writer, "portfolio", NAMES, ([getattr(row, name) for name in NAMES] for row in measured))
            _replace(writer, "witness_bound", BOUNDS, bounds)
    log.info("portfolios: %s months, %s of them anew", len(measured), sum(r.fingerprint not in known for r in measured))
    return len(measured)


def _replace(writer: psycopg.Connection[Any], table: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    writer.execute(sql.SQL("delete from ops.{}").format(sql.Identifier(table)))
    statement = sql.SQL("copy ops.{} ({}) from stdin").format(sql.Identifier(table), _columns(names))
    with writer.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _columns(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join([sql.Identifier(name) for name in names])


def _known(reader: psycopg.Connection[Any]) -> Iterator[Breadth]:
    with reader.cursor() as cursor:
        for row in cursor.execute(sql.SQL("select {} from ops.portfolio").format(_columns(NAMES))):
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
    for (property_key, month), sights in groupby(reader.execute(SIGHTS), key=lambda row: row[:2]):
        seen = {frozenset(witnesses): count for _, _, witnesses, count in sights}
        witnesses = frozenset().union(*seen)
        found = lower_bound(seen)
        yield (
            property_key,
            month,
            sum(seen.values()),
            len(witnesses),
            round(found.bound) if found else None,
            floor(found.low) if found else None,
            list(found.left_out) if found else [],
            found.is_guarded if found else False,
            "estimate" if found else "not_enough_data",
        )
