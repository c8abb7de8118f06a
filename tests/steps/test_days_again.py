"""Ranges read again and loads released, over a small world whose providers are the demo's."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from typing import Any

import psycopg
import pytest
import yaml

from seo_warehouse import demo
from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.errors import ConfigError, LoadError, NightOverError
from seo_warehouse.ledger import builds, loads
from seo_warehouse.ledger.holes import month_periods
from seo_warehouse.load import decisions
from seo_warehouse.sources.search_console import SEARCH_CONSOLE
from seo_warehouse.steps import decide, nightly
from seo_warehouse.steps.backfill import backfill
from seo_warehouse.steps.history import onboard
from seo_warehouse.steps.reading import history_scope
from seo_warehouse.steps.release import carry_out_decisions
from seo_warehouse.steps.stated import CONNECTIONS_FILE
from tests.conftest import PASSWORDS
from tests.load.loading import state, write
from tests.steps.world import DemoHome

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FIRST = date(2026, 9, 7)
NIGHT = date(2026, 9, 12)
PROPERTY = "alderwood"
KEPT = ("search_console", "dataforseo_backlinks")


class World(DemoHome):
    """A home whose night NIGHT was brought."""

    def set_clock(self, day: date) -> None:
        self.demo.clock.set(datetime.combine(day, clock_time(6), UTC))
        self.demo.calls.reset()

    def calls(self) -> int:
        """Calls that the providers got since the clock was set."""
        return sum(self.demo.calls.report().values())

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.dsn, autocommit=True)


@pytest.fixture(scope="module")
def world(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("again")
    (home / "secrets.json").write_text(
        json.dumps(PASSWORDS | dict.fromkeys(("postgres", "airflow", "airflow_admin"), "x"))
    )
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute("create database again template warehouse_template")
    with demo.running(home / "demo", seed=20, first_day=FIRST) as server:
        port = int(server.server_address[1])
        demo.write_properties(home / "properties.yml", port, FIRST)
        document = yaml.safe_load((home / "properties.yml").read_text())
        del document["properties"][1:]
        (prop,) = document["properties"]
        prop["sources"] = {name: prop["sources"][name] for name in KEPT}
        (home / "properties.yml").write_text(yaml.safe_dump(document))
        (home / CONNECTIONS_FILE).write_text(json.dumps(demo.connections(port)))
        world = World(home, postgres.dsn("again"), server)
        world.wh.sync_properties()
        world.set_clock(NIGHT)
        for source in KEPT:
            nightly.ingest(world.wh, source, PROPERTY, NIGHT)
        yield world
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute("drop database again with (force)")


def test_a_dated_range_is_asked_for_again_once_a_day(world: World) -> None:
    world.set_clock(NIGHT)
    first, last = FIRST, FIRST + timedelta(days=3)
    assert set(backfill(world.wh, "search_console", PROPERTY, first, last)) == {"unchanged"}
    assert world.calls() > 0
    world.set_clock(NIGHT)
    assert set(backfill(world.wh, "search_console", PROPERTY, first, last)) == {"unchanged"}
    assert world.calls() == 0, "what the archive holds of this day's back-fill is not asked for again"
    with world.connect() as connection:
        purposes = connection.execute(
            "select distinct purpose, archive_scope, night from ops.load where purpose <> 'night'"
        )
        assert purposes.fetchall() == [("backfill", f"backfill={NIGHT}", None)]


def test_what_has_changed_since_is_published(world: World) -> None:
    newest = NIGHT - timedelta(days=2)
    world.set_clock(NIGHT + timedelta(days=6))
    assert "published" in backfill(world.wh, "search_console", PROPERTY, newest, newest)
    with world.connect() as connection:
        states = connection.execute(
            "select distinct state from ops.completeness_at(%s) where day = %s and source = 'search_console'",
            (datetime.combine(NIGHT + timedelta(days=6), clock_time(6), UTC), newest),
        ).fetchall()
        assert states == [("final",)]


def test_of_a_snapshot_what_the_archive_holds_is_read_and_nothing_is_asked(world: World) -> None:
    world.set_clock(NIGHT + timedelta(days=6))
    assert backfill(world.wh, "dataforseo_backlinks", PROPERTY, FIRST, NIGHT + timedelta(days=5)) == ["unchanged"]
    assert world.calls() == 0


def test_a_snapshot_that_was_never_archived_is_refused_with_a_sentence(world: World) -> None:
    world.set_clock(NIGHT + timedelta(days=6))
    with pytest.raises(NightOverError, match="answers for now only, and the archive holds none of alderwood's nights"):
        backfill(world.wh, "dataforseo_backlinks", PROPERTY, FIRST, NIGHT - timedelta(days=1))
    assert world.calls() == 0


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [
        (FIRST - timedelta(days=1), NIGHT, "begins on 2026-09-07"),
        (FIRST, NIGHT - timedelta(days=1), "tells of days up to 2026-09-10 today, not of 2026-09-11"),
        (NIGHT, FIRST, "ends before it begins"),
    ],
)
def test_a_range_that_cannot_be_read_is_refused_with_a_sentence(
    world: World, first: date, last: date, sentence: str
) -> None:
    world.set_clock(NIGHT)
    with pytest.raises(ConfigError, match=sentence):
        backfill(world.wh, "search_console", PROPERTY, first, last)
    assert world.calls() == 0


def test_a_month_whose_load_a_person_rejected_is_onboarded_from_new_answers(world: World) -> None:
    """Else the archive would give the answers that nobody wants for ever."""
    today = NIGHT + timedelta(days=20)
    (month,) = month_periods([NIGHT + timedelta(days=n) for n in range(8, 10)])
    with world.connect() as connection:
        for table in SEARCH_CONSOLE.tables:
            connection.execute(
                """
                insert into ops.load (source, table_name, property_key, first_day, last_day, purpose, attempt, state,
                                      archive_scope)
                values ('search_console', %s, 1, %s, %s, 'history', 1, 'rejected', %s)
                """,
                (table.name, month.first_day, month.last_day, history_scope(month)),
            )
    for asked in (True, False):
        world.set_clock(today)
        onboard(world.wh, PROPERTY, month.first_day, month.last_day + timedelta(days=5))
        assert (world.calls() > 0) is asked
    with world.connect() as connection:
        scopes = connection.execute(
            "select distinct archive_scope, state from ops.load"
            " where source = 'search_console' and purpose = 'history' and state <> 'rejected'"
        )
        assert scopes.fetchall() == [(f"backfill={today}", "published")]


def hold(connection: psycopg.Connection[Any], day: date) -> int:
    load_id = write(connection, [], source=SEARCH_CONSOLE, days=[day])
    loads.move(connection, load_id, "quarantined", reason="least_share: 0 rows, 90 are usual")
    return load_id


def test_a_held_load_is_read_again_and_what_comes_is_judged(world: World) -> None:
    world.set_clock(NIGHT + timedelta(days=7))
    with world.wh.connect("loader", autocommit=True) as connection:
        load_id = hold(connection, NIGHT + timedelta(days=3))
    said = decide.carry_out(world.wh, load_id, "read again", who="ana (Airflow)", why="")
    assert said.endswith(f"for {PROPERTY} was read again: published")
    assert world.calls() > 0
    with world.connect() as connection:
        assert state(connection, load_id) == "superseded"


def start_release(world: World, load_id: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "seo_warehouse.cli", "release", str(load_id), "--approve", "--why", "a quiet day"]
    return subprocess.Popen(command, env=world.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def until_decided(connection: psycopg.Connection[Any], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not decisions.undone(connection):
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_kill_between_decision_and_publication_loses_no_decision(world: World) -> None:
    """A build holds the warehouse, so that the release waits with its decision taken and nothing published."""
    # Builds are of the loader too: it sees the sessions of no other role, and would not wait for them.
    with (
        world.wh.connect("loader", autocommit=True) as connection,
        world.wh.connect("loader", autocommit=True) as builder,
    ):
        again, later = hold(connection, NIGHT + timedelta(days=1)), hold(connection, NIGHT + timedelta(days=2))
        for load_id in (again, later):
            with builds.warehouse_lock(builder):
                process = start_release(world, load_id)
                until_decided(connection, process)
                process.kill()
                process.wait()
            assert state(connection, load_id) == "quarantined"
            assert decisions.undone(connection) == [load_id]
            if load_id == again:
                process = start_release(world, load_id)
                said, _ = process.communicate(timeout=120)
                assert said == f"load {load_id} is published; the next build models it\n"
            else:
                assert carry_out_decisions(world.wh) == [f"load {load_id} is published; the next build models it"]
            assert state(connection, load_id) == "published"
            assert decisions.undone(connection) == []
        decided = connection.execute(
            "select count(*), min(why) from ops.quality_decision where load_id >= %s", (again,)
        )
        assert decided.fetchall() == [(2, "a quiet day")]
        with pytest.raises(LoadError, match="that stands"):
            decisions.decide(connection, later, "reject", who="bob", why="no")
