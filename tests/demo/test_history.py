"""The demo's past, loaded with the clock of a property set to each night."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import psycopg
import pytest
import yaml

from seo_warehouse import demo
from seo_warehouse.config import Settings
from seo_warehouse.demo.history import load_history, take_clock_back
from seo_warehouse.demo.server import DemoServer
from seo_warehouse.errors import ConfigError
from seo_warehouse.steps.stated import CONNECTIONS_FILE
from seo_warehouse.steps.warehouse import Warehouse
from tests.conftest import PASSWORDS

PROPERTY = "alderwood"
KEPT = ("search_console", "dataforseo_backlinks")
FIRST = date(2026, 8, 24)
LATER = date(2026, 9, 1)
NIGHT = date(2026, 9, 12)
LAST = NIGHT - timedelta(days=1)
SETTLED = LAST - timedelta(days=5)


@dataclass(frozen=True)
class World:
    wh: Warehouse
    dsn: str
    demo: DemoServer

    def rows(self, source: str) -> dict[date, int]:
        """Published rows of a source's first table by day."""
        with psycopg.connect(self.dsn) as connection:
            found = connection.execute(
                """
                select day, row_count from ops.publication
                where source = %s and is_current and table_name in ('performance', 'backlink') order by 1
                """,
                (source,),
            )
            return dict(found.fetchall())


@pytest.fixture
def world(database: str, tmp_path: Path) -> Iterator[World]:
    """One property of the demo, nothing loaded, its common clock in NIGHT."""
    home = tmp_path / "home"
    with demo.running(tmp_path / "demo", seed=20, first_day=FIRST) as server:
        port = int(server.server_address[1])
        demo.write_properties(home / "properties.yml", port, FIRST)
        document = yaml.safe_load((home / "properties.yml").read_text())
        (prop,) = document["properties"] = document["properties"][:1]
        prop["sources"] = {name: prop["sources"][name] for name in KEPT}
        (home / "properties.yml").write_text(yaml.safe_dump(document))
        (home / "secrets.json").write_text(json.dumps(PASSWORDS))
        (home / CONNECTIONS_FILE).write_text(json.dumps(demo.connections(port)))
        server.clock.set(datetime.combine(NIGHT, time(6), UTC))
        wh = Warehouse(Settings({"SEO_WAREHOUSE_HOME": str(home), "SEO_WAREHOUSE_DSN": database}))
        wh.sync_properties()
        yield World(wh, database, server)


def test_an_older_month_that_is_loaded_later_leaves_no_source_in_the_past(world: World) -> None:
    assert load_history(world.wh, PROPERTY, LATER, LAST) == []
    assert load_history(world.wh, PROPERTY, FIRST, LAST) == []
    days = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    read = world.rows("search_console")
    assert list(read) == [day for day in days if day <= SETTLED]
    assert all(read.values()), read
    assert list(world.rows("dataforseo_backlinks")) == days
    assert not world.demo.clock.is_set(PROPERTY)


def test_a_clock_that_a_killed_process_left_in_the_past_is_taken_back_first(world: World) -> None:
    world.demo.clock.set(datetime.combine(FIRST, time(6), UTC), PROPERTY)
    assert load_history(world.wh, PROPERTY, LATER, LAST) == []
    assert all(world.rows("search_console").values())


def test_a_home_that_leads_to_no_demo_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "properties.yml").write_text(
        "properties: [{key: 1, name: shop, domain: shop.example, history_start: 2026-05-01}]"
    )
    with pytest.raises(ConfigError, match="leads to no demo"):
        take_clock_back(Warehouse(Settings({"SEO_WAREHOUSE_HOME": str(tmp_path)})), "shop")
