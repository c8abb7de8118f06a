"""The step between the models and the reports on portfolios: how broad each was, month by month."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from itertools import groupby
from typing import Any

import psycopg
from psycopg import sql

from seo_warehouse.authority.portfolio import Breadth, Series, follow
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)
NAMES = [field.name for field in fields(Breadth)]
COLUMNS = sql.SQL(", ").join([sql.Identifier(name) for name in NAMES])
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


def measure_portfolios(wh: Warehouse) -> int:
    """Write how broad the newest build's portfolios are into `ops`, whole. Returns the number of rows.

    Months whose links are as they were are not measured again. The caller holds the warehouse lock.
    """
    with wh.connect("transformer") as reader:
        reader.execute("set transaction isolation level repeatable read, read only")
        known = {row.fingerprint: row for row in _known(reader)}
        measured = list(_measured(reader, known))
    with wh.connect("loader", autocommit=True) as writer, writer.transaction():
        writer.execute("delete from ops.portfolio")
        statement = sql.SQL("copy ops.portfolio ({}) from stdin").format(COLUMNS)
        with writer.cursor() as cursor, cursor.copy(statement) as copy:
            for row in measured:
                copy.write_row([getattr(row, name) for name in NAMES])
    log.info("portfolios: %s months, %s of them anew", len(measured), sum(r.fingerprint not in known for r in measured))
    return len(measured)


def _known(reader: psycopg.Connection[Any]) -> Iterator[Breadth]:
    with reader.cursor() as cursor:
        for row in cursor.execute(sql.SQL("select {} from ops.portfolio").format(COLUMNS)):
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
