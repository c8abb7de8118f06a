"""Sessions that a thread keeps: whoever connects next has one, and nothing of what the last one held."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from dbt.adapters.postgres.connections import PostgresConnectionManager, PostgresCredentials
from dbt_common.exceptions import DbtDatabaseError
from psycopg.conninfo import conninfo_to_dict

from seo_warehouse.config import Settings
from seo_warehouse.errors import LoadError
from seo_warehouse.ledger.session import Connection
from seo_warehouse.ledger.turns import has_turn, try_turn
from seo_warehouse.steps.dbt_commands import sparingly
from seo_warehouse.steps.warehouse import Warehouse, keeping_sessions
from tests.conftest import PASSWORDS


@pytest.fixture
def wh(database: str, tmp_path: Path) -> Warehouse:
    (tmp_path / "secrets.json").write_text(json.dumps(PASSWORDS))
    return Warehouse(Settings({"SEO_WAREHOUSE_HOME": str(tmp_path), "SEO_WAREHOUSE_DSN": database}))


@contextmanager
def connected(wh: Warehouse) -> Iterator[tuple[Connection, int]]:
    with wh.connect("loader", autocommit=True) as connection:
        yield connection, connection.info.backend_pid


def test_one_that_ended_in_order_is_taken_up_without_its_turns_and_two_at_once_are_two(wh: Warehouse) -> None:
    with keeping_sessions():
        with connected(wh) as (first, pid):
            assert try_turn(first, "order shop")
            with connected(wh) as (second, other):
                assert other != pid
                assert not try_turn(second, "order shop")
        with connected(wh) as (again, pid_again):
            assert pid_again == pid
            assert not has_turn(again, "order shop")
            with connected(wh) as (second, other_again):
                assert other_again == other
                assert try_turn(second, "order shop")
        with ThreadPoolExecutor(1) as elsewhere:
            assert elsewhere.submit(lambda: _pid(wh)).result() not in (pid, other)
    assert first.closed
    assert second.closed


def test_one_that_ended_in_an_error_is_not_and_of_those_that_were_lost_nobody_hears(wh: Warehouse) -> None:
    with keeping_sessions():
        with connected(wh) as (first, _), connected(wh):
            pass
        with pytest.raises(LoadError), connected(wh):
            raise LoadError("refused")
        assert first.closed
        with connected(wh) as (lost, pid), connected(wh) as (lost_too, other):
            pass
        _end(wh, pid, other)
        with connected(wh) as (fresh, _):
            assert fresh.execute("select 1").fetchone() == (1,)
        assert lost.closed
        assert lost_too.closed
        with pytest.raises(psycopg.OperationalError), connected(wh) as (lost, pid):
            _lose(wh, lost, pid)
        assert _pid(wh) != pid


def test_whoever_wants_a_transaction_or_another_role_has_a_session_of_its_own(wh: Warehouse) -> None:
    with keeping_sessions():
        with connected(wh) as (_, pid):
            pass
        with wh.connect("loader") as own:
            assert own.info.backend_pid != pid
        assert own.closed
    with connected(wh) as (alone, _):
        pass
    assert alone.closed


def test_dbt_keeps_one_from_node_to_node_as_new_and_begins_another_where_it_was_lost(database: str) -> None:
    told: dict[str, Any] = conninfo_to_dict(database)
    known = {name: told[name] for name in ("host", "user", "password")}
    credentials = PostgresCredentials(**known, port=int(told["port"]), database=told["dbname"], schema="public")
    manager = PostgresConnectionManager(SimpleNamespace(credentials=credentials), get_context("spawn"))

    def ask(statement: str) -> Any:
        return manager.add_query(statement)[1].fetchone()[0]

    left = """
        select current_setting('search_path') || num_nonnulls(to_regclass('pg_temp.left_over'))
            || (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid())
    """
    with sparingly():
        manager.set_connection_name("new")
        pid, new = ask("select pg_backend_pid()"), ask(left)
        manager.add_query("create temp table left_over (); set search_path = ops")
        ask("select pg_advisory_lock(1)::text")
        manager.commit()
        assert ask(left) == "ops11"
        with pytest.raises(DbtDatabaseError):
            manager.add_query("select 1 / 0")
        manager.release()
        manager.set_connection_name("next")
        assert (ask("select pg_backend_pid()"), ask(left)) == (pid, new)
        with psycopg.connect(database, autocommit=True) as superuser:
            superuser.execute("select pg_terminate_backend(%s, 5000)", (pid,))
        manager.release()
        manager.set_connection_name("last")
        assert ask("select pg_backend_pid()") != pid
    manager.release()
    assert manager.get_thread_connection().state == "closed"


def _pid(wh: Warehouse) -> int:
    with connected(wh) as (_, pid):
        return pid


def _end(wh: Warehouse, *pids: int) -> None:
    with psycopg.connect(wh.dsn("owner"), autocommit=True) as superuser:
        superuser.execute("select pg_terminate_backend(pid, 5000) from unnest(%s) as pid", (list(pids),))


def _lose(wh: Warehouse, connection: Connection, pid: int) -> None:
    _end(wh, pid)
    connection.execute("select 1")
