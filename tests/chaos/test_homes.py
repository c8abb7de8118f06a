"""Homes that are moved, run twice or beside another, and a source that is taken out while a load of it is under way."""

from __future__ import annotations

import fcntl
import shutil
import socket
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path

import psycopg
import pytest

from seo_warehouse.config import Settings
from seo_warehouse.embedded.ports import choose_ports
from seo_warehouse.errors import SeoWarehouseError
from seo_warehouse.steps import nightly, status
from seo_warehouse.steps.warehouse import Warehouse, read_secrets
from tests.chaos.child import start_command
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
    assert nightly.close_night(shop.wh, "exports", NIGHT)
    status.say_loads(shop.wh, shop.say)
    assert any(SOURCE in line and "passed" in line for line in shop.said)
    nightly.maintain(shop.wh)
    state(shop, provider)
    calls = len(provider.asked)
    assert nightly.ingest(shop.wh, SOURCE, EVERYBODY, NIGHT) == ["published"]
    assert len(provider.asked) == calls
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        check_ledger(connection)


@pytest.mark.parametrize("command", ["run", "stop"])
def test_of_two_in_one_home_the_second_says_so_and_starts_nothing(tmp_path: Path, command: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with (home / "run.lock").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        second = start_command({"SEO_WAREHOUSE_HOME": str(home)}, home / "second.log", command)
        assert second.end() == 1
    assert second.said.strip() == f"seo-warehouse: another `seo-warehouse run` or `stop` is at work in {home}"
    assert {path.name for path in home.iterdir()} <= {"run.lock", "second.log", "connections"}


def test_two_homes_have_ports_and_passwords_of_their_own(tmp_path: Path) -> None:
    homes = [Settings({"SEO_WAREHOUSE_HOME": str(tmp_path / name)}) for name in ("one", "other")]
    for settings in homes:
        settings.home.mkdir()
    ports = [choose_ports(settings, is_demo=True) for settings in homes]
    assert {"airflow", "postgres", "demo"} == ports[0].keys() == ports[1].keys()
    assert len({port for chosen in ports for port in chosen.values()}) == 6
    secrets = [set(read_secrets(settings.home).values()) for settings in homes]
    assert secrets[0].isdisjoint(secrets[1])
    # A port that was kept and that another one's server has now is given up.
    with socket.create_server(("127.0.0.1", ports[0]["airflow"])):
        again = choose_ports(homes[0], is_demo=True)
    assert again["airflow"] != ports[0]["airflow"]
    assert {**again, "airflow": 0} == {**ports[0], "airflow": 0}
