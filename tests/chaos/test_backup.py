"""A warehouse that was lost and restored goes on as if nothing had been."""

from __future__ import annotations

import stat
from dataclasses import replace

import psycopg
import pytest
from click.testing import CliRunner, Result

from seo_warehouse.cli import main
from seo_warehouse.steps import nightly
from seo_warehouse.steps.build import build_warehouse
from tests.chaos.conftest import PROPERTY, SOURCES, WAREHOUSE, Base, Case, Undisturbed
from tests.chaos.state import NIGHT, check_ledger, read_marts, read_raw

pytestmark = pytest.mark.slow


def test_the_night_after_a_restored_backup_ends_as_if_the_database_had_never_been_lost(
    base: Base, undisturbed: Undisturbed, case: Case
) -> None:
    kept = case.home / "warehouse.dump"
    done = _run(case, "backup", "--to", str(kept))
    assert done.exit_code == 0, done.output
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "there already" in _run(case, "backup", "--to", str(kept)).output
    assert "is not empty, it has a schema audit" in _run(case, "restore", str(kept)).output
    _lose(base)
    half = case.home / "half.dump"
    half.write_bytes(kept.read_bytes()[:-1000])
    assert _run(case, "restore", str(half)).exit_code == 1
    # Not the half of it: the database is as empty as before.
    done = _run(case, "restore", str(kept))
    assert done.exit_code == 0, done.output
    for source in SOURCES:
        nightly.ingest(case.wh, source, PROPERTY, NIGHT)
    build_warehouse(case.wh)
    with case.connect() as connection:
        check_ledger(connection)
        assert read_raw(connection) == undisturbed.raw
        assert read_marts(connection) == undisturbed.marts
    for role in ("analyst", "transformer"):
        with case.wh.connect(role) as connection:  # type: ignore[arg-type]
            assert connection.execute("select count(*) > 0 from marts.fct_link_event").fetchone() == (True,)
    with case.wh.connect("analyst") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select from ops.load")


def test_a_server_that_is_away_is_said_so_without_the_password(case: Case) -> None:
    away = replace(case, dsn="postgresql://seo_owner:pass-word-of-it@127.0.0.1:1/nowhere")
    done = _run(away, "backup", "--to", str(case.home / "x.dump"))
    assert done.exit_code == 1
    assert "pg_dump failed" in done.output
    assert "pass-word-of-it" not in done.output
    assert not list(case.home.glob("*x.dump*"))


def _run(case: Case, *arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), env=case.environment)


def _lose(base: Base) -> None:
    with psycopg.connect(base.server.dsn(), autocommit=True) as connection:
        connection.execute(f"drop database {WAREHOUSE} with (force)")
        connection.execute(f"create database {WAREHOUSE} owner seo_owner")
