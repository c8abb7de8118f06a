"""Disavow files that come in any order leave what a rebuild of all of them makes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.warehouse.exports import publish_export
from tests.warehouse.links import day
from tests.warehouse.world import Warehouse

STAYS = "select entry, day, to_date, last_statement_date from marts.fct_disavowal where property_key = 1 order by 1, 2"
ROWS = "select * from marts.fct_disavowal order by property_key, entry, day"


def _publish(warehouse: Warehouse, number: int, *hosts: str, key: int = 1, earlier: str | None = None) -> None:
    """A file of a night, and a host that an earlier file of that night listed."""
    told: list[dict[str, Any]] = [{"host": host, "source_domain": host, "statement": f"of {number}"} for host in hosts]
    if earlier:
        told.append({"host": earlier, "source_domain": earlier, "statement": "before"})
    publish_export(warehouse, "disavowal", key, number, [{"statement": f"of {number}"}, *told])


def _build(warehouse: Warehouse, build_id: int) -> list[dict[str, Any]]:
    warehouse.dbt("run", "--select", "fct_disavowal", build_id=build_id)
    return warehouse.rows(ROWS)


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Warehouse:
    """Two properties with a file each, modelled."""
    _publish(warehouse, 1, "a.example", "b.example")
    _publish(warehouse, 1, "a.example", key=2)
    warehouse.dbt("run", "--select", "+fct_disavowal", build_id=warehouse.claim())
    return warehouse


def test_a_file_says_what_is_no_longer_disavowed_whenever_it_comes(built: Warehouse) -> None:
    other = built.rows("select xmin::text, * from marts.fct_disavowal where property_key = 2")
    _publish(built, 9, "a.example", "b.example")
    _build(built, built.claim())
    # Dropped late, it parts the days of b; a host of an earlier file of its day was never disavowed.
    _publish(built, 5, "a.example", earlier="c.example")
    after = _build(built, built.claim())
    assert [tuple(row.values()) for row in built.rows(STAYS)] == [
        ("a.example", day(1), None, day(9)),
        ("b.example", day(1), day(5), day(1)),
        ("b.example", day(9), None, day(9)),
    ]
    assert built.rows("select xmin::text, * from marts.fct_disavowal where property_key = 2") == other
    # The first file is taken back, and an empty one is the last.
    publish_export(built, "disavowal", 1, 1, [])
    _publish(built, 12)
    after = _build(built, built.claim())
    assert [tuple(row.values()) for row in built.rows(STAYS)] == [
        ("a.example", day(5), day(12), day(9)),
        ("b.example", day(9), day(12), day(9)),
    ]
    assert after == _build(built, 0)
