"""Google's updates: what the release knows, united with what the dashboard said."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from tests.warehouse.world import Warehouse


@pytest.mark.external
def test_every_update_that_others_have_collected_is_known_with_its_first_day(
    warehouse: Warehouse, shared_data: Path
) -> None:
    collected = json.loads((shared_data / "rankings/google_updates_claude-seo_2024-2026.json").read_text("utf-8"))
    warehouse.dbt("build", "--select", "known_updates", "+dim_google_update", "--exclude-resource-type", "unit_test")
    rows = warehouse.rows("select kind, begins_on, source_url from marts.dim_google_update")
    known = {(row["kind"], row["begins_on"]) for row in rows}
    wanted = {(k, date.fromisoformat(u["date"])) for u in collected["updates"] for k in u["kind"].split("+")}
    assert len(collected["updates"]) == 32
    assert wanted - known == set()
    announced = {
        u["source"] for u in collected["updates"] if u["kind"] not in ("core", "spam", "core+spam", "discover")
    }
    assert announced <= {row["source_url"] for row in rows}


def test_what_the_dashboard_says_goes_before_what_the_release_knows(warehouse: Warehouse) -> None:
    incident = {
        "id": "wdAXJk6LRRihEjpzEeWE",
        "external_desc": "May 2026 core update",
        "service_name": "Ranking",
        "uri": "incidents/wdAXJk6LRRihEjpzEeWE",
    }
    for night, end in ((date(2026, 5, 22), None), (date(2026, 6, 5), "2026-06-04T12:40:00Z")):
        row = incident | {"begin_at": "2026-05-22T15:40:00Z", "end_at": end, "observed_at": f"{night}T01:00:00Z"}
        warehouse.publish("google_updates", "incident", 0, night, [row])
    warehouse.add_property(1, "example.com")
    warehouse.dbt("build", "--select", "known_updates", "+dim_date", "--exclude-resource-type", "unit_test")
    rows = warehouse.rows(
        "select kind, begins_on, ends_on, source_url from marts.dim_google_update"
        " where lower(update_name) = 'may 2026 core update'"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("core", date(2026, 5, 22), date(2026, 6, 4), "https://status.search.google.com/incidents/wdAXJk6LRRihEjpzEeWE")
    ]
    days = warehouse.rows(
        "select google_update_names as names from marts.dim_date where day between %s and %s order by day",
        *(date(2026, 5, 21), date(2026, 6, 5)),
    )
    # An announcement of 22 May moves no ranking.
    assert [row["names"] for row in days] == [[], *[["May 2026 core update"]] * 14, []]
