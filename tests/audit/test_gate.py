"""Loads before the gate."""

from __future__ import annotations

from seo_warehouse.audit.gate import audit_load
from tests.load.loading import SOURCE, TABLE, fetch, make_row, open_warehouse, state, write


def test_a_good_load_passes_and_each_rule_has_its_verdict(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id = write(connection, [make_row(number=n) for n in range(20)])
        assert audit_load(connection, database, SOURCE, TABLE, load_id) == "passed"
        assert state(connection, load_id) == "passed"
        rules = dict(fetch(connection, "select rule, is_met from ops.verdict where load_id = %s", (load_id,)))
        assert all(rules.values())
        assert {"day_required", "clicks_range", "device_values", "country_pattern", "visits_have_clicks"} <= set(rules)


def test_a_bad_row_holds_a_load_whose_table_tolerates_none(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id = write(connection, [make_row(number=1), make_row(number=2, clicks=-1.0), make_row(number=3, device="X")])
        assert audit_load(connection, database, SOURCE, TABLE, load_id) == "quarantined"
        broken = fetch(connection, "select rule, broken_count, reason from ops.verdict where not is_met order by 1")
        assert [row[:2] for row in broken] == [("clicks_range", 1), ("device_values", 1), ("visits_have_clicks", 1)]
