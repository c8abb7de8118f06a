"""Analysts are guests: whatever a session of theirs does or leaves undone, nobody else waits for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.errors import TransientLoadError
from seo_warehouse.ledger import builds, grants, migrate, nights, turns
from tests.conftest import PASSWORDS
from tests.load.loading import DAY, SOURCE, make_row, open_warehouse, passed, write

ANA, PASSWORD = "test_guest", "test-guest"
SOON = timedelta(milliseconds=50)


@pytest.fixture
def guest(database: str) -> Iterator[psycopg.Connection[Any]]:
    """A session of an analyst."""
    with psycopg.connect(database, autocommit=True) as owner:
        grants.make_login(owner, ANA, PASSWORD)
        grants.grant(owner, ANA, 0, by="a test")
        with psycopg.connect(make_conninfo(database, user=ANA, password=PASSWORD), autocommit=True) as session:
            yield session
        owner.execute(f"drop owned by {ANA}; drop role {ANA}")


def open_loader(database: str) -> psycopg.Connection[Any]:
    return psycopg.connect(make_conninfo(database, user="seo_loader", password=PASSWORDS["loader"]), autocommit=True)


def test_the_product_takes_no_lock_that_everybody_may_take(database: str) -> None:
    with open_warehouse(database) as connection:
        connection.execute("set lock_timeout = '1s'")
        seen: list[tuple[Any, ...]] = []

        def look() -> None:
            seen.extend(
                connection.execute("select classid, objid from pg_locks where locktype = 'advisory'").fetchall()
            )

        load_id = passed(connection, write(connection, [make_row()]))
        look()
        with builds.warehouse_lock(connection):
            look()
            assert builds.claim_build(connection) is None
        with migrate.only_one(connection):
            look()
        nights.end_source_night(connection, SOURCE.name, DAY)
        with connection.transaction():
            nights.close_night(connection, DAY, datetime.now(UTC), [SOURCE.name])
            turns.enter_warehouse(connection, SOON)
            turns.hold_row(connection, "a row")
            look()
        assert seen == []
        assert load_id


@pytest.mark.parametrize(
    "statement",
    [
        "lock table ops.warehouse_door in access share mode",
        "lock table ops.night in access share mode",
        "select * from ops.turn",
        "insert into ops.turn (name) values ('warehouse')",
        "select from ops.turn for update",
        "select from ops.turn for share",
    ],
)
def test_a_guest_takes_no_turn(guest: psycopg.Connection[Any], statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege), guest.transaction():
        guest.execute(statement)


def test_the_warehouse_is_held_by_one_session_and_entered_by_many(database: str) -> None:
    with open_loader(database) as one, open_loader(database) as other:
        assert turns.take_warehouse(one, SOON)
        assert turns.take_warehouse(one, SOON)
        assert not turns.take_warehouse(other, SOON)
        with one.transaction():
            turns.enter_warehouse(one, SOON)
        with pytest.raises(TransientLoadError), other.transaction():
            turns.enter_warehouse(other, SOON)
        turns.end_turn(other, turns.WAREHOUSE)
        assert turns.has_turn(one, turns.WAREHOUSE)
        turns.end_turn(one, turns.WAREHOUSE)
        with one.transaction(), other.transaction():
            turns.enter_warehouse(one, SOON)
            turns.enter_warehouse(other, SOON)
        with one.transaction():
            turns.enter_warehouse(one, SOON)
            assert not turns.take_warehouse(other, SOON)
            with other.transaction():
                assert not turns.empty_warehouse(other)
        with other.transaction():
            assert turns.empty_warehouse(other)


def test_a_turn_is_free_once_its_session_is_gone(database: str) -> None:
    with open_loader(database) as other:
        with open_loader(database) as one:
            assert turns.try_turn(one, "x")
            assert turns.try_turn(one, "x")
            assert not turns.try_turn(other, "x")
            assert not turns.wait_for_turn(other, "x", SOON)
            with psycopg.connect(database, autocommit=True) as owner:
                turns.forget_turns(owner)
            assert turns.has_turn(one, "x")
        assert turns.wait_for_turn(other, "x", timedelta(seconds=30))
        turns.end_turn(other, "x")
        assert turns.try_turn(other, "y")
    with psycopg.connect(database, autocommit=True) as owner:
        turns.forget_turns(owner)
        assert owner.execute("select count(*) from ops.turn where pid is not null").fetchone() == (0,)


def test_of_many_that_want_a_turn_one_has_it(database: str) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        with open_loader(database) as connection:
            for _ in range(5):
                with turns.turn(connection, "contended"):
                    inside.append(number)
                    most.append(len(inside))
                    connection.execute("select pg_sleep(0.002)")
                    inside.remove(number)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert (len(most), set(most)) == (30, {1})


def test_no_session_may_take_all_of_the_machines_memory(postgres: Postgres) -> None:
    with psycopg.connect(postgres.dsn()) as connection:
        limits = Path(f"/proc/{connection.info.backend_pid}/limits").read_text()
    (line,) = (line for line in limits.splitlines() if line.startswith("Max data size"))
    assert int(line.split()[3]) <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
