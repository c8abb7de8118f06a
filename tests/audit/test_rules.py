"""A table's rules as SQL and as expectations."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from psycopg import sql

from seo_warehouse.audit.rules import row_rules
from seo_warehouse.audit.suite import RESULT_FORMAT, broken_counts, suite_for
from seo_warehouse.sources import SOURCES
from tests.load.loading import DAY, TABLE, fetch, make_row, open_warehouse, write

ODD: dict[str, list[Any]] = {
    "day": [None, DAY + timedelta(1), "x"],
    "url": [None, 5],
    "device": [None, "X", "mobile", ""],
    "clicks": [None, -0.001, 0.0, 1e308],
    "visits": [None, -1, 0, 1_000_000, 1_000_001, 2**40],
    "country": [None, "deu\n", "DEU", "de", "deut", ""],
}


def odd_rows(count: int) -> list[dict[str, Any]]:
    dice = random.Random(7)
    rows = []
    for number in range(count):
        changes = {name: dice.choice(values) for name, values in ODD.items() if dice.random() < 0.3}
        rows.append(make_row(number=number) | changes)
    return rows


def test_each_expectation_counts_what_its_sql_counts(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id = write(connection, odd_rows(400))
        counted = broken_counts(database, load_id, suite_for(TABLE, [DAY], connection))
        rules = row_rules(TABLE, [DAY])
        for rule in rules:
            query = sql.SQL("select count(*) from {} where not ({})").format(
                sql.Identifier("audit", f"load_{load_id}"), rule.condition
            )
            assert fetch(connection, query) == [(counted[rule.name],)], rule.name
        assert counted.keys() == {rule.name for rule in rules}
        assert all(counted[rule.name] for rule in rules)


def test_rows_without_any_value_are_counted_too(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id = write(connection, [dict.fromkeys(make_row()) | {"visits": "x"} for _ in range(5)])
        counted = broken_counts(database, load_id, suite_for(TABLE, [DAY], connection))
        assert {rule: count for rule, count in counted.items() if count} == {
            "day_required": 5, "url_required": 5, "device_required": 5, "storable": 5
        }  # fmt: skip


def test_counts_come_without_samples() -> None:
    assert RESULT_FORMAT == {"result_format": "BASIC", "partial_unexpected_count": 0}


def test_every_source_has_a_suite_and_no_rule_twice() -> None:
    tables = [table for source in SOURCES for table in source.tables]
    assert tables
    for table in tables:
        names = [rule.name for rule in row_rules(table, [DAY])]
        assert len(set(names)) == len(names)
        suite = suite_for(table, [DAY])
        assert [expectation.meta["rule"] for expectation in suite.expectations] == names
