"""A home that was moved, and a source that is taken out of properties.yml while a load of it is under way."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path

import psycopg
import pytest

from seo_warehouse.errors import SeoWarehouseError
from seo_warehouse.steps import nightly, status
from seo_warehouse.steps.warehouse import Warehouse
from tests.chaos.state import check_ledger
from tests.sources.provider import Provider, said, serving
from tests.steps.dropping import NIGHT, PROPERTIES, Shop, open_shop, rankings

SOURCE, TABLE, EVERYBODY = "google_updates", "incident", "all"
INCIDENT = {
    "id": "a", "number": "1", "begin": "2026-05-01T00:00:00Z", "created": None, "end": None, "modified": None,
    "external_desc": "Core update", "updates": [], "most_recent_update": {}, "status_impact": None, "severity": "low",
    "service_key": "s", "service_name": "Ranking", "affected_products": [], "uri": "incidents/a",
}  # fmt: skip


@pytest.fixture
def shop(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    # A snapshot is read until its night's deadline.
    monkeypatch.setattr(Warehouse, "now", lambda _: datetime.combine(NIGHT, time(12), UTC))
    return open_shop(tmp_path / "home", database)


def test_a_home_that_was_moved_goes_on_where_it_was(shop: Shop, tmp_path: Path) -> None:
    shop.drop("rankings.csv", rankings([("2026-05-01", "a", 3)]))
    assert nightly.ingest(shop.wh, "exports", "shop", NIGHT) == ["published"]
    moved = Shop(tmp_path / "else" / "where", shop.dsn)
    moved.home.parent.mkdir()
    shutil.move(shop.home, moved.home)
    assert nightly.ingest(moved.wh, "exports", "shop", NIGHT) == []
    day = date(2026, 5, 1)
    assert nightly.replay(moved.wh, "exports", "shop", day, day) == ["unchanged"]
    moved.drop("more.csv", rankings([("2026-05-02", "a", 4)]))
    assert nightly.ingest(moved.wh, "exports", "shop", NIGHT) == ["published"]
    assert not shop.home.exists()


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as server:
        server.answer = lambda asked: said([INCIDENT])
        yield server


def state(shop: Shop, provider: Provider | None) -> None:
    """Write properties.yml, with the source or without it, as whoever edits it and runs again."""
    told = "" if provider is None else f"{SOURCE}: {{base_url: {provider.base_url}}}\n"
    (shop.home / "properties.yml").write_text(told + PROPERTIES)
    shop.wh.sync_properties()


@pytest.mark.parametrize("steps", [1, 2])
def test_a_source_that_was_removed_with_a_load_under_way_holds_no_night_and_goes_on_once_it_is_back(
    shop: Shop, provider: Provider, steps: int
) -> None:
    state(shop, provider)
    assert len(nightly.write(shop.wh, SOURCE, TABLE, EVERYBODY, NIGHT)) == 1
    if steps == 2:
        nightly.audit(shop.wh, SOURCE, TABLE, NIGHT)
    state(shop, None)
    with pytest.raises(SeoWarehouseError, match=SOURCE):
        nightly.publish(shop.wh, SOURCE, TABLE, EVERYBODY, NIGHT)
    nightly.audit(shop.wh, SOURCE, TABLE, NIGHT)
    nightly.announce(shop.wh, "exports", NIGHT)
    assert nightly.close_night(shop.wh, NIGHT)
    status.say_loads(shop.wh, shop.say)
    assert any(SOURCE in line and "passed" in line for line in shop.said)
    nightly.maintain(shop.wh)
    state(shop, provider)
    calls = len(provider.asked)
    assert nightly.ingest(shop.wh, SOURCE, EVERYBODY, NIGHT) == ["published"]
    assert len(provider.asked) == calls
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        check_ledger(connection)
