"""What concerns all properties is read once a night, like a property of its own."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from seo_warehouse.config import Settings
from seo_warehouse.demo import running
from seo_warehouse.demo.clock import real_now
from seo_warehouse.demo.settings import write_properties
from seo_warehouse.errors import NightOverError
from seo_warehouse.steps import nightly
from seo_warehouse.steps.warehouse import Warehouse
from tests.conftest import PASSWORDS


def test_the_dashboard_passes_the_gate_into_raw_once_for_all_properties(database: str, tmp_path: Path) -> None:
    night = real_now().date() - timedelta(days=1)
    with running(tmp_path / "demo", seed=3, first_day=night - timedelta(days=60)) as demo:
        home = tmp_path / "home"
        write_properties(home / "properties.yml", demo.server_address[1], date(2026, 5, 1))
        (home / "secrets.json").write_text(json.dumps(PASSWORDS))
        wh = Warehouse(Settings({"SEO_WAREHOUSE_HOME": str(home), "SEO_WAREHOUSE_DSN": database}))
        demo.clock.set(datetime(night.year, night.month, night.day, 0, 30, tzinfo=UTC))
        assert nightly.ingest(wh, "google_updates", "all", night) == ["published"]
        assert nightly.ingest(wh, "google_updates", "all", night) == ["unchanged"]
        calls = demo.calls.report()
        demo.clock.set(None)
        with pytest.raises(NightOverError):
            nightly.ingest(wh, "google_updates", "all", night - timedelta(days=1))
    assert {call: count for call, count in calls.items() if "incidents" in call} == {"GET /incidents.json": 1}
    with psycopg.connect(database) as connection:
        [(count, newest)] = connection.execute(
            "select count(*), (array_agg(external_desc order by begin_at desc))[1]"
            " from raw.raw_google_updates__incident where property_key = 0 and day = %s",
            (night,),
        ).fetchall()
    assert (count, newest) == (10, "September 2026 spam update")
