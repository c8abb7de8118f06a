"""The gate's rules of the exports' tables, asked of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.load.schema import stored_columns
from seo_warehouse.sources.exports import EXPORTS
from seo_warehouse.urls import identity

Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def connection(postgres: Postgres) -> Iterator[Connection]:
    with psycopg.connect(postgres.dsn(), autocommit=True) as admin:
        admin.execute("create database test_export_rules template warehouse_template")
        with psycopg.connect(postgres.dsn("test_export_rules"), autocommit=True) as opened:
            yield opened
        admin.execute("drop database test_export_rules with (force)")


def holds(connection: Connection, table: str, rule: str, row: dict[str, Any]) -> bool | None:
    found = EXPORTS.table(table)
    condition = next(r.sql for r in found.row_rules if r.name == rule)
    columns = sql.SQL(", ").join(
        sql.SQL("{}::{} as {}").format(sql.Literal(row.get(name)), sql.SQL(kind), sql.Identifier(name))
        for name, kind in stored_columns(found.columns)
    )
    query = sql.SQL("select {} from (select {}) r").format(sql.SQL(condition), columns)  # type: ignore[arg-type]
    [(verdict,)] = connection.execute(query).fetchall()
    return verdict  # type: ignore[no-any-return]


def test_no_row_rule_is_null_where_columns_are(connection: Connection) -> None:
    for table in EXPORTS.tables:
        for rule in table.row_rules:
            assert holds(connection, table.name, rule.name, {}) is True, (table.name, rule.name)


@pytest.mark.parametrize(
    ("table", "rule", "row", "is_good"),
    [
        ("page", "day_is_not_ahead", {"day": "2026-03-03", "exported_at": "2026-03-02 23:00+00"}, True),
        ("page", "day_is_not_ahead", {"day": "2026-03-04", "exported_at": "2026-03-02 23:00+00"}, False),
        ("page", "url_is_one", {"url": "https://s.example/", "url_normalised": "https://s.example/"}, True),
        ("page", "url_is_one", {"url": "https://%zz/"}, False),
        ("backlink", "seen_in_order", {"first_seen": "2026-01-01", "last_seen": "2026-01-01"}, True),
        ("backlink", "seen_in_order", {"first_seen": "2026-01-02", "last_seen": "2026-01-01"}, False),
        ("backlink", "seen_in_order", {"first_seen": "2026-01-02", "lost_on": "2026-01-01"}, False),
        ("backlink", "lost_is_lost", {"lost_on": "2026-01-01", "is_lost": True}, True),
        ("backlink", "lost_is_lost", {"lost_on": "2026-01-01", "is_lost": False}, False),
        ("ranking", "position_if_found", {"state": "found", "position": 3}, True),
        ("ranking", "position_if_found", {"state": "found"}, False),
        ("ranking", "position_if_found", {"state": "failed", "position": 3}, False),
        ("ranking", "not_found_to_a_depth", {"state": "not_found"}, False),
        ("ranking", "not_found_to_a_depth", {"state": "not_found", "depth": 100}, True),
        ("ranking", "position_within_depth", {"position": 101, "depth": 100}, False),
        ("performance", "clicks_within_impressions", {"clicks": 2, "impressions": 1}, False),
        ("search_total", "position_counts_from_one", {"impressions": 3, "position": 0}, False),
        ("search_total", "position_counts_from_one", {"impressions": 0, "position": 0}, True),
        ("disavowal", "domain_or_url", {"host": "s.example"}, True),
        ("disavowal", "domain_or_url", {"host": "s.example", "url": "https://s.example/"}, False),
        ("search_summary", "range_in_order", {"day": "2026-01-02", "last_day": "2026-01-01"}, False),
    ],
)
def test_each_rule_holds_for_good_rows_only(
    connection: Connection, table: str, rule: str, row: dict[str, Any], is_good: bool
) -> None:
    assert holds(connection, table, rule, row) is is_good


@pytest.mark.parametrize(
    ("domain", "own", "foreign", "is_good"),
    [
        ("shop.example", "https://www.shop.example/{}", "https://other.example/{}", True),
        ("shop.co.uk", "https://shop.co.uk/{}", "https://notshop.co.uk/{}", True),
        ("blog.shop.example", "https://blog.shop.example:8443/{}", "https://other.example/{}", True),
        ("shop.example", "https://notshop.example/{}", "https://shop.example.other.example/{}", False),
    ],
)
def test_a_file_of_another_site_is_held(
    connection: Connection, domain: str, own: str, foreign: str, is_good: bool
) -> None:
    def broken(own_count: int, foreign_count: int) -> int:
        urls = [own.format(i) for i in range(own_count)] + [foreign.format(i) for i in range(foreign_count)]
        batch = [(url, found.url, found.domain) for url in urls if (found := identity(url))]
        connection.execute(
            "create temp table batch (target_url text, target_url_normalised text, target_url_domain text)"
        )
        with connection.cursor() as cursor:
            cursor.executemany("insert into batch values (%s, %s, %s)", batch)
        query = sql.SQL(rule.sql).format(batch=sql.Identifier("batch"), property_key=sql.Literal(7))  # type: ignore[arg-type]
        found = connection.execute(query).fetchall()
        connection.execute("drop table batch")
        return len(found)

    (rule,) = EXPORTS.table("backlink").batch_rules
    connection.execute(
        "insert into ops.property values (7, 'p', %s, '2026-01-01', 'google', 2840, 'en', 100)"
        " on conflict (property_key) do update set domain = excluded.domain",
        (domain,),
    )
    assert broken(11, 10) == (0 if is_good else 1)
    assert broken(10, 12) == 1
    assert broken(0, 1) == 1
    assert broken(1, 1) == (0 if is_good else 1)
