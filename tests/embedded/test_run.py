"""What `make run` does again, where all of it runs already."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from seo_warehouse import demo
from seo_warehouse.config import Settings
from seo_warehouse.demo import accounts
from seo_warehouse.demo.clock import real_now
from seo_warehouse.embedded import parts, processes
from seo_warehouse.embedded.postgres import free_port
from seo_warehouse.embedded.run import KEEPERS, airflow_command, run_night, take_properties
from seo_warehouse.errors import ConfigError
from seo_warehouse.steps.warehouse import Warehouse
from tests.steps.dropping import NIGHT, Shop, open_shop

LOGGED = """
bot_range: {}
properties:
  - key: 1
    name: shop
    domain: shop.example
    history_start: 2026-05-01
    sources: {server_logs: {site: "https://www.shop.example"}}
"""


@dataclass
class Airflow:
    """An Airflow that notes what is asked of it; `ran` are the DAGs that have run before."""

    ran: tuple[str, ...] = ()
    unpaused: list[str] = field(default_factory=list)
    read_again: list[datetime] = field(default_factory=list)
    waited: list[tuple[list[str], datetime | None]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def read_files_again(self, before: datetime) -> None:
        self.read_again.append(before)

    def wait_for_dags(self, wanted: Iterable[str], read_since: datetime | None = None) -> None:
        self.waited.append((list(wanted), read_since))

    def runs(self, dag_id: str, partition_key: str | None = None) -> list[Any]:
        return [dag_id] if dag_id in self.ran else []

    def unpause(self, dag_id: str) -> None:
        self.unpaused.append(dag_id)
        if dag_id == "ingest__server_logs":
            assert "ingest__bot_range" in self.ended

    def next_tick(self, dag_id: str) -> None:
        """None is due."""

    def trigger(self, dag_id: str, partition_key: str | None = None) -> str:
        return dag_id

    def wait(self, dag_id: str, **how: Any) -> dict[str, str]:
        self.ended.append(dag_id)
        return {"state": "success"}


@pytest.fixture
def shop(database: str, tmp_path: Path) -> Shop:
    """A home whose newest night is built."""
    shop = open_shop(tmp_path / "home", database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("insert into ops.build (state, nights) values ('finished', array[%s::date])", (NIGHT,))
    return shop


@pytest.mark.parametrize(("ran", "unpaused"), [((), ["ingest__exports"]), (("ingest__exports",), [])])
def test_a_source_that_came_into_properties_yml_is_read_and_unpaused_and_one_that_was_paused_stays_so(
    shop: Shop, ran: tuple[str, ...], unpaused: list[str]
) -> None:
    written = datetime.now(UTC) - timedelta(days=3)
    os.utime(shop.home / "properties.yml", (written.timestamp(), written.timestamp()))
    airflow = Airflow(ran)
    assert run_night(shop.wh, airflow, NIGHT, shop.said.append) == []  # type: ignore[arg-type]
    (changed_at,) = airflow.read_again
    assert abs(changed_at - written) < timedelta(milliseconds=1)
    assert airflow.waited == [(["warehouse", "ingest__exports", *KEEPERS], changed_at)]
    assert airflow.unpaused == [*unpaused, *KEEPERS]


def test_the_addresses_of_bots_are_read_before_the_visits_that_are_judged_by_them(
    database: str, tmp_path: Path
) -> None:
    shop = open_shop(tmp_path / "home", database, LOGGED)
    airflow = Airflow()
    assert run_night(shop.wh, airflow, NIGHT, shop.said.append) == []  # type: ignore[arg-type]
    assert set(airflow.ended) == {"ingest__bot_range", "ingest__server_logs", "warehouse"}


def test_a_date_ahead_of_our_clock_is_not_waited_for(shop: Shop) -> None:
    ahead = (datetime.now(UTC) + timedelta(days=3)).timestamp()
    os.utime(shop.home / "properties.yml", (ahead, ahead))
    airflow = Airflow()
    run_night(shop.wh, airflow, NIGHT, shop.said.append)  # type: ignore[arg-type]
    assert airflow.read_again[0] <= datetime.now(UTC)


def test_the_link_to_the_same_properties_yml_is_not_made_anew(tmp_path: Path) -> None:
    """When it was made tells when the settings changed."""
    own, other, home = tmp_path / "own.yml", tmp_path / "other.yml", tmp_path / "home"
    home.mkdir()
    for path in (own, other):
        path.write_text("properties: [{key: 1, name: shop, domain: shop.example, history_start: 2026-05-01}]")
    settings = Settings({"SEO_WAREHOUSE_HOME": str(home)})
    kept = home / "properties.yml"
    take_properties(settings, own)
    made = kept.lstat()
    take_properties(settings, own)
    assert kept.lstat() == made
    take_properties(settings, other)
    assert (kept.resolve(), kept.lstat() == made) == (other, False)


def test_every_process_is_told_whole_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = ("HOME", "ARCHIVE", "DROP", "DBT_PROJECT")
    told = parts.variables(Settings({f"SEO_WAREHOUSE_{name}": name.lower() for name in names}))
    assert {name: told[f"SEO_WAREHOUSE_{name}"] for name in names} == {
        name: str(tmp_path.resolve() / name.lower()) for name in names
    }


def test_airflows_own_commands_need_an_airflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEO_WAREHOUSE_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="nothing was ever started"):
        airflow_command(["version"])


@pytest.mark.slow
def test_a_demo_of_the_release_before_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_DATAFORSEO", '{"login": "paid for", "password": "secret"}')
    settings = Settings({"SEO_WAREHOUSE_HOME": str(tmp_path)})
    port = free_port()
    demo.write_properties(settings.properties_path, port, datetime.now(UTC).date() - timedelta(weeks=26))
    written = settings.properties_path.read_text()
    settings.properties_path.write_text(written.replace("clock_url:", "demo_control_url:").replace("/clock\n", "\n"))
    (tmp_path / "demo_connections.json").write_text("{}")
    with pytest.raises(ConfigError, match="demo_control_url"):
        _ = settings.properties
    try:
        parts.start_demo(settings, {"demo": port}, lambda _: None)
        wh = Warehouse(settings)
        assert abs(wh.now() - real_now()) < timedelta(minutes=1)
        assert wh.connection("dataforseo").login == accounts.login("demo")
        assert not (tmp_path / "demo_connections.json").exists()
    finally:
        processes.stop([parts.demo_component(tmp_path)])
