"""What became of tables, as the events of Airflow's assets tell it."""

from __future__ import annotations

from datetime import date
from typing import Any

from seo_warehouse.ledger.session import Connection, one

ARRIVED = ("published", "unchanged", "superseded")
"""States of a load whose days are in the warehouse, from it or from a later reading."""
_LOADS = """
select l.property_key, l.table_name, l.state, count(*),
       coalesce(sum(l.rows_read - coalesce(l.rows_rejected, 0)), 0),
       coalesce(sum(d.days), 0), coalesce(sum(l.money), 0)
from ops.newest_loads(%(night)s) as l
cross join lateral (select count(*) as days from ops.load_day as d where d.load_id = l.load_id) as d
where l.source = %(source)s and l.property_key = any(%(keys)s) and l.purpose = 'night'
group by 1, 2, 3
order by 1, 2, 3
"""
_ORDERED = """
select property_key, sum(money) from ops.order_usage
where source = %(source)s and property_key = any(%(keys)s) and night = %(night)s
group by 1
"""
_NODES = """
select distinct on (unique_id) split_part(unique_id, '.', 3), status, row_count, seconds
from ops.dbt_node_result where build_id = %s and unique_id like 'model.%%'
order by unique_id, attempt desc
"""
_DAYS = "select count(distinct (property_key, day)) from ops.build_day where build_id = %s"


def read_loads(conn: Connection, source: str, keys: list[int], night: date) -> dict[int, dict[str, dict[str, Any]]]:
    """What a night brought of properties, by key and table: `states` (how many loads are in which), `rows` and `days`
    of the loads that arrived, and `money` (US dollars) of the loads themselves.
    """
    asked = {"source": source, "keys": keys, "night": night}
    told: dict[int, dict[str, dict[str, Any]]] = {key: {} for key in keys}
    for key, table, state, loads, rows, days, money in conn.execute(_LOADS, asked).fetchall():
        found = told[key].setdefault(table, {"states": {}, "rows": 0, "days": 0, "money": 0.0})
        found["states"][state] = loads
        found["money"] += float(money)
        if state in ARRIVED:
            found["rows"] += int(rows)
            found["days"] += int(days)
    return told


def read_orders(conn: Connection, source: str, keys: list[int], night: date) -> dict[int, float]:
    """US dollars that a night's orders of properties cost, which bring the answers of all of a source's tables."""
    found = conn.execute(_ORDERED, {"source": source, "keys": keys, "night": night}).fetchall()
    return {key: float(money) for key, money in found}


def read_models(conn: Connection, build_id: int) -> dict[str, dict[str, Any]]:
    """What became of each model in a build: `state`, `rows` that it wrote (None: it does not tell), `days` of
    properties that the build claimed, and `seconds` that the model took.
    """
    days = one(conn, _DAYS, (build_id,))
    return {
        model: {"build": build_id, "state": status, "rows": rows, "days": days, "seconds": seconds}
        for model, status, rows, seconds in conn.execute(_NODES, (build_id,)).fetchall()
    }
