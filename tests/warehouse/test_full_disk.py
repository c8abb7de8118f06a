"""A build whose disk is full at one of its steps fails with a sentence, shows nobody half of it, and is made good."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.errors import BuildError, SeoWarehouseError
from seo_warehouse.ledger import aside, builds
from seo_warehouse.steps.apart import BuildSummary, build_apart
from seo_warehouse.steps.build import MADE_FROM
from tests.chaos.storm import Disk
from tests.chaos.test_full_disk import on_a_small_disk
from tests.warehouse.conftest import MODELLED
from tests.warehouse.test_set_aside import MODELS
from tests.warehouse.world import DATABASE, Dbt, Template, Warehouse

FIRST = date(2026, 5, 1)
PROPERTIES = (1, 2)
DAYS = 100
"""So many that the claim alone takes several pages of the ledger."""
PAGES = 40
MARTS = {
    "marts.fct_search_page": len(PROPERTIES) * PAGES * DAYS,
    "marts.dim_page": len(PROPERTIES) * PAGES * DAYS,
}
"""Rows of each mart once all is built."""


@dataclass
class Narrow:
    """A warehouse on a small disk, and the builds of it, before one of whose steps the disk fills."""

    warehouse: Warehouse
    disk: Disk
    full_at: str = ""
    room: int = 0

    def build(self) -> None:
        with builds.warehouse_lock(self.warehouse.connection):
            build_apart(self.warehouse.connection, self)

    def counts(self) -> dict[str, int]:
        return {mart: self.warehouse.rows(f"select count(*) as n from {mart}")[0]["n"] for mart in MARTS}

    def __call__(self, left_out: Collection[int], **wanted: Any) -> BuildSummary:
        connection = self.warehouse.connection
        self._step("claim")
        build = builds.claim_build(connection, left_out=left_out, **wanted)
        assert build is not None
        self._step("model")
        done = self.warehouse.dbt.invoke(*MODELS, build_id=build.build_id)
        if not done.success:
            failed = "; ".join(str(r.message) for r in done.result.results if str(r.status) == "error")
            builds.fail_build(connection, build.build_id, failed)
            raise BuildError(failed)
        self._step("close")
        builds.finish_build(connection, build.build_id, MADE_FROM)
        return BuildSummary(build.build_id, build.day_count)

    def _step(self, name: str) -> None:
        if name == self.full_at:
            self.disk.fill(self.room)


@pytest.fixture(scope="module")
def narrow(postgres: Postgres, dbt: Dbt, template: Template) -> Iterator[Narrow]:
    """Two properties, nothing of them built yet."""
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute(f"drop database if exists {DATABASE} with (force)")
    with (
        on_a_small_disk(postgres, DATABASE, MODELLED) as disk,
        psycopg.connect(postgres.dsn(DATABASE), autocommit=True) as connection,
    ):
        warehouse = Warehouse(connection, dbt)
        for key in PROPERTIES:
            warehouse.add_property(key, f"site{key}.example")
            for number in range(DAYS):
                day = FIRST + timedelta(days=number)
                warehouse.publish("search_console", "page_total", key, day, list(_pages(key, number)))
        yield Narrow(warehouse, disk)


def _pages(key: int, number: int) -> Iterator[dict[str, object]]:
    for page in range(PAGES):
        url = f"https://site{key}.example/{number}/{page}"
        figures = {"clicks": 1.0, "impressions": 10.0, "position": 2.0}
        yield {"page_url": url, "country": "deu", "device": "MOBILE"} | figures


@pytest.mark.parametrize(
    ("full_at", "room"),
    [("claim", 0), ("model", 0), ("model", 2**16), ("model", 2**19), ("model", 2**20), ("close", 0)],
)
def test_a_build_whose_disk_is_full_says_so_and_blames_nobody(narrow: Narrow, full_at: str, room: int) -> None:
    before = narrow.counts()
    narrow.full_at, narrow.room = full_at, room
    try:
        with pytest.raises((SeoWarehouseError, psycopg.OperationalError), match="No space left"):
            narrow.build()
    finally:
        narrow.disk.free()
    assert aside.aside_keys(narrow.warehouse.connection) == set()
    assert builds.last_build(narrow.warehouse.connection) == 0
    for mart, count in narrow.counts().items():
        assert count in (before[mart], MARTS[mart]), mart


def test_the_next_build_with_room_makes_it_good(narrow: Narrow) -> None:
    narrow.full_at = ""
    narrow.build()
    assert narrow.counts() == MARTS
    assert builds.count_unmodelled(narrow.warehouse.connection) == 0
    assert builds.last_build(narrow.warehouse.connection) > 0
