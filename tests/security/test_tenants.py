"""What happens to properties.yml shows no analyst more than was granted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from click.testing import CliRunner, Result
from psycopg.conninfo import make_conninfo

from seo_warehouse.cli import main
from seo_warehouse.config import Settings
from seo_warehouse.errors import ConfigError
from seo_warehouse.ledger import grants, pool
from seo_warehouse.steps.warehouse import Warehouse, open_warehouse
from tests.conftest import PASSWORDS

ANA, PASSWORD = "test_ana", "test-ana"
ALDERWOOD = {"key": 1, "name": "alderwood", "domain": "alderwood.example"}
TEAHARBOUR = {"key": 2, "name": "teaharbour", "domain": "teaharbour.example"}
SAWMILL = {"key": 3, "name": "sawmill", "domain": "sawmill.example"}
MART = """
create table marts.of_tenants (property_key integer);
insert into marts.of_tenants values (0), (1), (2), (3);
alter table marts.of_tenants enable row level security;
create policy of_property on marts.of_tenants for select to seo_reader
    using (property_key = any (array(select property_key from ops.granted_property)));
create table marts.of_domains (domain_key bigint);
insert into marts.of_domains values (7);
alter table marts.of_domains enable row level security;
create policy linked_domains on marts.of_domains for select to seo_reader
    using (exists (select from ops.granted_everything));
grant select on marts.of_tenants, marts.of_domains to seo_reader
"""
"""Marts with the policies that restrict_rows gives (tests/warehouse/test_rows.py)."""
Command = Callable[..., Result]


class Tenants:
    """A warehouse whose properties.yml is written anew, and `ana`."""

    def __init__(self, home: Path, database: str) -> None:
        self.home, self.database = home, database
        self.variables = {"SEO_WAREHOUSE_HOME": str(home), "SEO_WAREHOUSE_DSN": database}

    @property
    def wh(self) -> Warehouse:
        """As a process sees it that starts now."""
        return open_warehouse(Settings(self.variables))

    def state(self, *properties: dict[str, Any]) -> None:
        """Write properties.yml."""
        stated = [{"history_start": "2026-05-01", "sources": {}} | prop for prop in properties]
        (self.home / "properties.yml").write_text(yaml.safe_dump({"properties": stated}))

    def sync(self, *properties: dict[str, Any]) -> None:
        """What every build begins with."""
        self.state(*properties)
        self.wh.sync_properties()

    def build(self) -> None:
        """What a build tells of the pool."""
        with self.wh.connect("loader", autocommit=True) as connection:
            pool.begin_pool(connection)
            pool.end_pool(connection)

    def grant(self, *keys: int) -> None:
        """Let ana read properties."""
        with self.wh.connect("owner") as connection:
            if not grants.has_login(connection, ANA):
                grants.make_login(connection, ANA, PASSWORD)
            for key in keys:
                grants.grant(connection, ANA, key, by="a test")

    def ana(self) -> psycopg.Connection[Any]:
        """A session of hers."""
        return psycopg.connect(make_conninfo(self.database, user=ANA, password=PASSWORD), autocommit=True)

    def keys(self) -> list[int]:
        """The properties whose rows ana reads; 0 are all together."""
        with self.ana() as connection:
            rows = connection.execute("select property_key from marts.of_tenants order by 1").fetchall()
        return [key for (key,) in rows]

    def run(self, *arguments: str) -> Result:
        """A command."""
        return CliRunner().invoke(main, arguments, env=self.variables)


@pytest.fixture
def tenants(database: str, tmp_path: Path) -> Iterator[Tenants]:
    """Two properties, both in the pool."""
    secrets = PASSWORDS | dict.fromkeys(("postgres", "airflow", "airflow_admin"), "x")
    (tmp_path / "secrets.json").write_text(json.dumps(secrets))
    tenants = Tenants(tmp_path, database)
    tenants.sync(ALDERWOOD, TEAHARBOUR)
    tenants.build()
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(MART)
    yield tenants
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"drop role if exists {ANA}")


def test_a_property_taken_out_opens_nothing_to_the_analysts_of_the_others(tenants: Tenants) -> None:
    tenants.grant(1)
    assert tenants.keys() == [1]
    tenants.sync(ALDERWOOD)
    # What is there of all together is still made of both: less her own it is the other's.
    assert tenants.keys() == [1]
    tenants.build()
    assert tenants.keys() == [0, 1]
    with tenants.ana() as ana:
        assert ana.execute("select count(*) from marts.of_domains").fetchone() == (0,)
    tenants.grant(2)
    with tenants.ana() as ana:
        assert ana.execute("select count(*) from marts.of_domains").fetchone() == (1,)


def test_a_build_that_fails_opens_nothing(tenants: Tenants) -> None:
    tenants.grant(1)
    tenants.sync(ALDERWOOD)
    with tenants.wh.connect("loader", autocommit=True) as connection:
        pool.begin_pool(connection)
        assert tenants.keys() == [1]
        pool.begin_pool(connection)
        assert tenants.keys() == [1]
        assert pool.count_pool(connection) == 2


def test_a_property_that_is_added_closes_what_is_said_of_all_together(tenants: Tenants) -> None:
    tenants.grant(1, 2)
    assert tenants.keys() == [0, 1, 2]
    tenants.sync(ALDERWOOD, TEAHARBOUR, SAWMILL)
    assert tenants.keys() == [1, 2]
    tenants.build()
    tenants.sync(ALDERWOOD, TEAHARBOUR)
    assert tenants.keys() == [1, 2]
    tenants.build()
    assert tenants.keys() == [0, 1, 2]


MOVED = ALDERWOOD | {"domain": "alderwood-pans.example"}
EXCHANGED = (TEAHARBOUR | {"key": 1}, ALDERWOOD | {"key": 2})


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ((MOVED, TEAHARBOUR), r"key 1 stood for alderwood\.example \(alderwood\), and .* alderwood-pans\.example"),
        (EXCHANGED, r"key 1 stood for alderwood\.example.*key 2 stood for teaharbour\.example.*--rekey 1 --rekey 2"),
        # The list numbered anew once the first customer had left.
        ((TEAHARBOUR | {"key": 1},), r"key 1 stood for alderwood\.example"),
    ],
)
def test_a_key_that_is_given_to_another_site_is_refused(
    tenants: Tenants, stated: tuple[dict[str, Any], ...], told: str
) -> None:
    tenants.state(*stated)
    with pytest.raises(ConfigError, match=told):
        tenants.wh.sync_properties()
    done = tenants.run("migrate")
    assert (done.exit_code, "needs a key of its own" in done.output) == (1, True)
    with psycopg.connect(tenants.database) as connection:
        names = connection.execute("select property_name from ops.property where is_active order by 1").fetchall()
    assert names == [("alderwood",), ("teaharbour",)]


def test_nothing_is_read_or_kept_under_a_key_that_is_given_to_another_site(tenants: Tenants) -> None:
    drop = tenants.home / "drop" / "teaharbour"
    drop.mkdir(parents=True)
    (drop / "a.csv").write_text("x")
    stated = [
        prop | {"sources": {"site_crawl": {"start_urls": ["https://x.example"]}, "exports": {}}} for prop in EXCHANGED
    ]
    tenants.state(*stated)
    for source in ("site_crawl", "exports"):
        done = tenants.run("ingest", "--source", source, "--property", "teaharbour")
        assert (done.exit_code, "needs a key of its own" in done.output) == (1, True), done.output
    assert [path for path in (tenants.home / "archive").rglob("*") if path.is_file()] == []


def test_a_key_of_a_property_that_was_removed_is_given_to_no_other(tenants: Tenants) -> None:
    tenants.sync(ALDERWOOD)
    tenants.state(ALDERWOOD, SAWMILL | {"key": 2})
    with pytest.raises(ConfigError, match=r"key 2 stood for teaharbour\.example"):
        tenants.wh.sync_properties()
    tenants.sync(ALDERWOOD, TEAHARBOUR)


def test_a_site_that_moved_keeps_its_key_and_loses_its_grants_and_the_reason_is_kept(tenants: Tenants) -> None:
    tenants.grant(1, 2)
    tenants.state(MOVED, TEAHARBOUR)
    for arguments in (("--rekey", "1"), ("--why", "moved"), ("--rekey", "1", "--why", " ")):
        assert tenants.run("migrate", *arguments).exit_code == 2
    unknown = tenants.run("migrate", "--rekey", "9", "--why", "moved")
    assert (unknown.exit_code, "states no key 9" in unknown.output) == (1, True)
    with tenants.ana() as session:
        done = tenants.run("migrate", "--rekey", "1", "--why", "the shop has a new domain")
        assert done.exit_code == 0, done.output
        with pytest.raises(psycopg.OperationalError):
            session.execute("select")
    assert tenants.keys() == [2]
    with psycopg.connect(tenants.database) as connection:
        kept = connection.execute("select property_key, old_domain, new_domain, why, ended_grants from ops.rekey")
        assert kept.fetchall() == [
            (1, "alderwood.example", "alderwood-pans.example", "the shop has a new domain", [ANA])
        ]
        ended = connection.execute("select analyst, why from ops.ended_session").fetchall()
    assert ended == [(ANA, "a property that it was granted has another site")]
    assert tenants.run("migrate", "--rekey", "1", "--why", "again").exit_code == 0
    assert tenants.keys() == [2]


def test_a_rename_shows_the_same_rows_to_the_same_analysts(tenants: Tenants) -> None:
    tenants.grant(1)
    tenants.sync(ALDERWOOD | {"name": "pans"}, TEAHARBOUR | {"name": "alderwood"})
    assert tenants.keys() == [1]


def test_a_revoke_takes_every_property_of_the_name(tenants: Tenants) -> None:
    tenants.grant(1, 2)
    tenants.sync(TEAHARBOUR, SAWMILL | {"name": "alderwood"})
    assert tenants.run("grant", ANA, "--property", "alderwood").exit_code == 0
    assert tenants.keys() == [0, 1, 2, 3]
    assert "no longer reads alderwood" in tenants.run("grant", ANA, "--property", "alderwood", "--revoke").output
    assert tenants.keys() == [2]


@pytest.mark.parametrize("role", ["loader", "analyst", "transformer"])
def test_a_rekey_is_written_by_the_owner_alone(tenants: Tenants, role: Any) -> None:
    with tenants.wh.connect(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("insert into ops.rekey (property_key) values (1)")
