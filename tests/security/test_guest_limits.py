"""What an analyst's session cannot do, on each PostgreSQL that is supported, under an owner that is no superuser."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import make_conninfo

from seo_warehouse.cli import main
from seo_warehouse.config import Settings
from seo_warehouse.embedded.backup import back_up
from seo_warehouse.embedded.postgres import _as_server_user, free_port
from seo_warehouse.ledger import grants, guests
from seo_warehouse.load import schema
from seo_warehouse.sources import SOURCES
from seo_warehouse.steps.warehouse import Warehouse, open_warehouse
from tests.conftest import PASSWORDS, PROGRAMS

ANA, PASSWORD = "test_ana", "test-ana"
PROPERTIES = """
properties:
  - {key: 1, name: alderwood, domain: alderwood.example, history_start: 2026-05-01, sources: {}}
  - {key: 2, name: teaharbour, domain: teaharbour.example, history_start: 2026-05-01, sources: {}}
"""


class Place:
    """A warehouse on a server of its own, owned by a role that may make roles and nothing else."""

    def __init__(self, home: Path, port: int, version: int) -> None:
        self.version = version
        self.superuser = f"postgresql://postgres@127.0.0.1:{port}/seo_warehouse"
        self.owner = f"postgresql://seo_owner@127.0.0.1:{port}/seo_warehouse"
        self.variables = {"SEO_WAREHOUSE_HOME": str(home), "SEO_WAREHOUSE_DSN": self.owner}

    @property
    def wh(self) -> Warehouse:
        return open_warehouse(Settings(self.variables))

    def ana(self, **settings: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(make_conninfo(self.superuser, user=ANA, password=PASSWORD), **settings)

    def ended(self) -> list[tuple[str, str]]:
        with psycopg.connect(self.owner) as owner:
            rows = owner.execute("delete from ops.ended_session returning analyst, why").fetchall()
        return [(analyst, why) for analyst, why in rows]

    def run(self, *arguments: str) -> str:
        done = CliRunner().invoke(main, arguments, env=self.variables)
        assert done.exit_code == 0, done.output
        return done.output


@pytest.fixture(scope="module", params=PROGRAMS)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """One for each release that this machine has."""
    programs = PROGRAMS[request.param]
    if not (programs / "initdb").exists():
        pytest.skip(f"PostgreSQL {request.param} is not on this machine")
    folder, port = Path(tempfile.mkdtemp(prefix="seo-warehouse-guests-")), free_port()
    folder.chmod(0o777)
    quiet = _as_server_user(folder) | {"stdout": subprocess.DEVNULL, "check": True}
    data = str(folder / "data")
    subprocess.run([programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync"], **quiet)
    options = f"-c port={port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    subprocess.run([programs / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", options, "start"], **quiet)
    try:
        home = folder / "home"
        home.mkdir()
        (home / "properties.yml").write_text(PROPERTIES)
        secrets = PASSWORDS | dict.fromkeys(("postgres", "airflow", "airflow_admin"), "x")
        (home / "secrets.json").write_text(json.dumps(secrets))
        place = Place(home, port, request.param)
        with psycopg.connect(make_conninfo(place.superuser, dbname="postgres"), autocommit=True) as superuser:
            superuser.execute("create role seo_owner login createrole")
            superuser.execute("create database seo_warehouse owner seo_owner")
        with psycopg.connect(place.superuser, autocommit=True) as superuser:
            superuser.execute(files("seo_warehouse.ledger").joinpath("public.sql").read_bytes())
        place.wh.migrate()
        with psycopg.connect(place.owner) as owner:
            grants.make_login(owner, ANA, PASSWORD)
            grants.grant(owner, ANA, 1, by="a test")
            grants.grant(owner, ANA, 2, by="a test")
        with place.wh.connect("transformer") as transformer:
            transformer.execute("create table marts.mart (n integer); grant select on marts.mart to seo_reader")
        yield place
    finally:
        subprocess.run([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **quiet)
        shutil.rmtree(folder, ignore_errors=True)


def _until(condition: str, connection: psycopg.Connection[Any]) -> None:
    for _ in range(400):
        if connection.execute(f"select exists ({condition})").fetchone() == (True,):
            return
        time.sleep(0.05)
    raise AssertionError(condition)


WAITS = "select from pg_locks where not granted and locktype = 'relation'"


def test_a_login_has_limits_and_cannot_lift_those_that_the_server_keeps(place: Place) -> None:
    with ExitStack() as stack:
        for _ in range(guests.MOST_SESSIONS):
            stack.enter_context(place.ana())
        with pytest.raises(psycopg.OperationalError, match="too many connections"):
            place.ana()
    with place.ana(autocommit=True) as ana:
        for setting, value in {
            "temp_file_limit": "10GB", "statement_timeout": "15min", "idle_in_transaction_session_timeout": "5min"
        }.items():  # fmt: skip
            assert ana.execute(f"show {setting}").fetchone() == (value,)
        for statement in (
            "set temp_file_limit = -1",
            f"alter role {ANA} set temp_file_limit = -1",
            f"alter role {ANA} reset temp_file_limit",
            f"alter role {ANA} connection limit -1",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                ana.execute(statement)
        ana.execute(f"alter role {ANA} reset all")
    with place.ana() as ana:
        assert ana.execute("select count(*) from mart").fetchone() == (0,)
        assert ana.execute("show temp_file_limit").fetchone() == ("10GB",)
    place.wh.migrate()
    with place.ana() as ana:
        assert ana.execute("show statement_timeout").fetchone() == ("15min",)


@pytest.mark.parametrize(
    "statement",
    [
        "select lo_create(0)",
        "select lo_creat(-1)",
        "select lo_from_bytea(0, 'x')",
        "select pg_advisory_lock(1)",
        "select pg_try_advisory_lock(1)",
        "select pg_advisory_xact_lock_shared(1, 2)",
        "select pg_logical_emit_message(false, 'x', 'x')",
        "create temporary table mine (n integer)",
        "create function pg_temp.mine() returns integer language sql as 'select 1'",
        "create table public.mine (n integer)",
        "create schema mine",
        "select ops.end_readers('marts.mart')",
        "lock table marts.mart in row share mode; lock table marts.mart in share mode",
    ],
)
def test_a_guest_makes_nothing_and_holds_nothing(place: Place, statement: str) -> None:
    with place.ana() as ana, pytest.raises(psycopg.errors.InsufficientPrivilege):
        ana.execute(statement)


def test_limits_that_a_guest_lifted_are_held_by_ending_its_session(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guests, "STATEMENT", timedelta(seconds=1))
    monkeypatch.setattr(guests, "IDLE_IN_TRANSACTION", timedelta(seconds=1))
    with place.ana() as sleeping, place.ana() as idle, place.ana(autocommit=True) as resting:
        told: list[str] = []

        def sleep() -> None:
            try:
                sleeping.execute("set statement_timeout = 0; select pg_sleep(120)")
            except psycopg.OperationalError as error:
                told.append(str(error))

        idle.execute("set idle_in_transaction_session_timeout = 0; select")
        resting.execute("select")
        thread = threading.Thread(target=sleep)
        thread.start()
        with psycopg.connect(place.owner, autocommit=True) as owner:
            _until("select from pg_stat_activity where query ~ 'pg_sleep.120' and pid <> pg_backend_pid()"
                   " and query_start < clock_timestamp() - interval '1100 ms'", owner)  # fmt: skip
            assert guests.end_overlong(owner) == 2
            thread.join()
            assert guests.end_overlong(owner) == 0
        assert len(told) == 1
        resting.execute("select")
        with pytest.raises(psycopg.OperationalError):
            idle.execute("select")
    assert {analyst for analyst, _ in place.ended()} == {ANA}


def test_who_waits_for_a_guest_waits_no_longer(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "IN_THE_WAY", timedelta(0))
    with place.ana() as ana, place.wh.connect("transformer") as transformer:
        ana.execute("select * from marts.mart")
        thread = threading.Thread(target=transformer.execute, args=("lock table marts.mart in access exclusive mode",))
        thread.start()
        with psycopg.connect(place.owner, autocommit=True) as owner:
            _until(WAITS, owner)
            assert guests.end_overlong(owner) == 1
        thread.join()
        with pytest.raises(psycopg.OperationalError):
            ana.execute("select")
    assert place.ended() == [(ANA, "somebody waited for it")]


def test_a_reader_that_holds_a_mart_delays_its_swap_for_itself_alone(place: Place) -> None:
    swap = "select ops.rename_between_readers('marts.mart', 'gone', patience => 2)"
    with place.ana() as ana, place.ana(autocommit=True) as other, place.wh.connect("transformer") as transformer:
        ana.execute("select * from marts.mart")
        thread = threading.Thread(target=transformer.execute, args=(swap,))
        thread.start()
        other.execute("set statement_timeout = '20s'")
        for _ in range(5):
            other.execute("select * from marts.mart")
        thread.join()
        assert transformer.execute("select to_regclass('marts.gone') is not null").fetchone() == (True,)
        with pytest.raises(psycopg.OperationalError):
            ana.execute("select")
        transformer.execute("alter table marts.gone rename to mart")
    assert place.ended() == [(ANA, "it kept marts.mart from being replaced")]


def test_a_migration_passes_a_guest_in_a_transaction(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "GUESTS_PATIENCE", "100ms")
    with place.ana() as ana:
        with psycopg.connect(place.owner, autocommit=True) as owner:
            owner.execute("grant usage on schema ops to seo_reader")
            ana.execute("select * from ops.granted_property")
            owner.execute("revoke usage on schema ops from seo_reader")
            assert schema.prepare(owner, SOURCES, PASSWORDS) == []
        with pytest.raises(psycopg.OperationalError):
            ana.execute("select")
    assert place.ended() == [(ANA, "a migration waited for it")]


def test_a_revoke_ends_the_sessions_that_read(place: Place) -> None:
    with place.ana() as ana, place.wh.connect("analyst") as other:
        ana.execute("select * from marts.mart")
        other.execute("select")
        said = place.run("grant", ANA, "--property", "teaharbour", "--revoke")
        assert f"{ANA} no longer reads teaharbour\n" in said
        with pytest.raises(psycopg.OperationalError):
            ana.execute("select")
        other.execute("select")
    assert place.ended() == [(ANA, "teaharbour was revoked")]
    place.run("grant", ANA, "--property", "teaharbour")


def test_a_backup_takes_no_notice_of_what_is_not_the_warehouses(place: Place, tmp_path: Path) -> None:
    with psycopg.connect(place.superuser, autocommit=True) as superuser:
        superuser.execute("select lo_from_bytea(4242, 'x'); create table public.foreign_to_us (n integer)")
    back_up(place.wh, tmp_path / "a", lambda line: None)
    listed = subprocess.run(
        [PROGRAMS[18] / "pg_restore", "--list", tmp_path / "a"], check=True, capture_output=True, text=True
    ).stdout
    assert "TABLE ops grant" in listed
    assert "BLOB" not in listed
    assert "foreign_to_us" not in listed
