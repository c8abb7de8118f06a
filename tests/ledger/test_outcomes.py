"""What the events of assets tell of a night and of a build."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg

from seo_warehouse.ledger.outcomes import read_loads, read_models, read_orders

NIGHT = date(2026, 6, 3)


def load(
    connection: psycopg.Connection[Any], table: str, day: int, state: str, money: str = "0", tries: int = 1
) -> None:
    for attempt in range(1, tries + 1):
        (load_id,) = connection.execute(
            """
            insert into ops.load (source, table_name, property_key, first_day, last_day, night, purpose, attempt, state,
                                  rows_read, rows_rejected, money)
            values ('paid', %s, 1, %s, %s, %s, 'night', %s, %s, 10, 1, %s) returning load_id
            """,
            (table, date(2026, 6, day), date(2026, 6, day), NIGHT, attempt, state, money),
        ).fetchall()[0]
        connection.execute(
            "insert into ops.load_day (load_id, day, row_count, checksum) values (%s, %s, 9, '')",
            (load_id, date(2026, 6, day)),
        )


def test_a_night_is_told_by_table_the_last_attempt_at_each_load_alone(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        load(connection, "links", 1, "published", "0.25", tries=2)
        load(connection, "links", 2, "unchanged", "0.5")
        load(connection, "links", 3, "quarantined", "0.125")
        load(connection, "pages", 3, "failed")
        connection.execute(
            "insert into ops.order_usage values (default, 'paid', 1, %s, 1, 0, 0, 10, 0, 0.75, now())", (NIGHT,)
        )
        assert read_loads(connection, "paid", [1, 2], NIGHT) == {
            1: {
                "links": {
                    "states": {"published": 1, "quarantined": 1, "unchanged": 1},
                    "rows": 18,
                    "days": 2,
                    "money": 0.875,
                },
                "pages": {"states": {"failed": 1}, "rows": 0, "days": 0, "money": 0.0},
            },
            2: {},
        }
        assert read_orders(connection, "paid", [1, 2], NIGHT) == {1: 0.75}


def test_a_build_is_told_by_model_as_its_last_attempt_left_it(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("insert into ops.build (build_id, state) overriding system value values (7, 'finished')")
        connection.cursor().executemany(
            "insert into ops.dbt_node_result values (7, %s, %s, %s, %s, '', now(), %s)",
            [
                (1, "model.seo_warehouse.fct_a", "error", 0.5, None),
                (2, "model.seo_warehouse.fct_a", "success", 1.5, 12),
                (2, "model.seo_warehouse.dim_b", "success", 0.25, None),
                (2, "test.seo_warehouse.unique_a", "pass", 0.25, None),
            ],
        )
        assert read_models(connection, 7) == {
            "fct_a": {"build": 7, "state": "success", "rows": 12, "days": 0, "seconds": 1.5},
            "dim_b": {"build": 7, "state": "success", "rows": None, "days": 0, "seconds": 0.25},
        }
