"""Properties that share a task, over a small world whose providers are the demo's, and one that is not there."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse import demo
from seo_warehouse.demo.knobs import Knobs
from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.errors import (
    ConfigError,
    CredentialsError,
    SourceError,
    TerminalSourceError,
    ThrottledError,
    TransientSourceError,
    is_final,
)
from seo_warehouse.steps import groups, nightly
from seo_warehouse.steps.stated import CONNECTIONS_FILE
from tests.conftest import PASSWORDS
from tests.steps.world import DemoHome

FIRST = date(2026, 9, 7)
NIGHT = date(2026, 9, 12)
TABLE = ("dataforseo_backlinks", "backlink")
SERP = "dataforseo_serp"
GOOD, BAD = "alderwood", "teaharbour"
BOTH = [BAD, GOOD]
WRITE = """
import sys
from datetime import date
from seo_warehouse.config import Settings
from seo_warehouse.steps import groups, nightly
from seo_warehouse.steps.warehouse import Warehouse
wh, night = Warehouse(Settings()), date.fromisoformat(sys.argv[3])
groups.for_each(sys.argv[4:], lambda name: nightly.write(wh, sys.argv[1], sys.argv[2], name, night))
"""


def test_what_fails_and_what_hangs_holds_up_no_other_of_its_group() -> None:
    last_was_done = threading.Event()

    def do(name: str) -> str:
        if name == "broken":
            raise TransientSourceError("503")
        if name == "hours":
            assert last_was_done.wait(60)
        if name == "last":
            last_was_done.set()
        return name.upper()

    with pytest.raises(TransientSourceError, match="503") as raised:
        groups.for_each(["hours", "broken", *map(str, range(20)), "last"], do)
    assert raised.value.__notes__ == ["of broken"]
    assert last_was_done.is_set()
    assert groups.for_each(["hours", "x", "y"], do) == {"hours": "HOURS", "x": "X", "y": "Y"}


def test_however_many_take_hours_the_others_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "PATIENCE_SECONDS", 0.05)
    last_was_done = threading.Event()

    def do(name: str) -> str:
        if name == "last":
            last_was_done.set()
        else:
            assert last_was_done.wait(60)
        return name

    names = [*(f"hours {number}" for number in range(3 * groups.AT_ONCE)), "last"]
    assert groups.for_each(names, do) == {name: name for name in names}


ERRORS = st.sampled_from(
    [
        TransientSourceError("away"),
        ThrottledError("slow down", 60),
        ThrottledError("slow down", 1_800),
        ConnectionResetError("reset"),
        TerminalSourceError("refused"),
        ConfigError("no such setting"),
    ]
)


@given(st.dictionaries(st.text("abcdefghij", min_size=1, max_size=2), st.none() | ERRORS, min_size=1))
def test_what_may_work_later_is_raised_before_what_no_retry_helps_and_the_longest_pause_first(
    outcomes: dict[str, Exception | None],
) -> None:
    tried: list[str] = []

    def do(name: str) -> str:
        tried.append(name)
        error = outcomes[name]
        if error is not None:
            raise type(error)(*error.args, *([error.retry_after_seconds] if isinstance(error, ThrottledError) else []))
        return name

    failed = [error for error in outcomes.values() if error is not None]
    if not failed:
        assert groups.for_each([*outcomes], do) == {name: name for name in outcomes}
        return
    with pytest.raises((SourceError, ConfigError, ConnectionResetError)) as raised:
        groups.for_each([*outcomes], do)
    assert sorted(tried) == sorted(outcomes)
    assert is_final(raised.value) == all(map(is_final, failed))
    wishes = [getattr(error, "retry_after_seconds", None) or 0 for error in failed]
    assert (getattr(raised.value, "retry_after_seconds", None) or 0) == max(wishes)


class World(DemoHome):
    """A home with two properties; the second one's connection is `other`."""

    def connect_other(self, **changes: Any) -> None:
        """State the second property's connection: the demo's own, with these changes."""
        stated = demo.connections(int(self.demo.server_address[1]))
        other = json.loads(stated["AIRFLOW_CONN_DATAFORSEO"]) | changes
        (self.home / CONNECTIONS_FILE).write_text(json.dumps({**stated, "AIRFLOW_CONN_OTHER": json.dumps(other)}))
        self.demo.calls.reset()

    def loads(self, source: str, state: str) -> dict[str, list[int]]:
        """Ids of the loads in a state, by property."""
        with psycopg.connect(self.dsn) as connection:
            rows = connection.execute(
                """
                select p.property_name, array_agg(l.load_id order by l.load_id) from ops.load as l
                join ops.property as p using (property_key) where l.source = %s and l.state = %s group by 1
                """,
                (source, state),
            ).fetchall()
        return dict(rows)


@pytest.fixture
def world(postgres: Postgres, database: str, tmp_path: Path) -> Iterator[World]:
    (tmp_path / "secrets.json").write_text(
        json.dumps(PASSWORDS | dict.fromkeys(("postgres", "airflow", "airflow_admin"), "x"))
    )
    with demo.running(tmp_path / "demo", seed=20, first_day=FIRST, knobs=Knobs(serp_delay_seconds=6)) as server:
        path = tmp_path / "properties.yml"
        demo.write_properties(path, int(server.server_address[1]), FIRST)
        document = yaml.safe_load(path.read_text())
        document["properties"] = [prop for prop in document["properties"] if prop["name"] in BOTH]
        for prop in document["properties"]:
            prop["keywords"] = prop["keywords"][:2]
            prop["sources"] = {name: prop["sources"][name] for name in (TABLE[0], SERP)}
            if prop["name"] == BAD:
                for settings in prop["sources"].values():
                    settings["connection"] = "other"
        path.write_text(yaml.safe_dump(document))
        world = World(tmp_path, database, server)
        world.wh.sync_properties()
        server.clock.set(datetime(NIGHT.year, NIGHT.month, NIGHT.day, 6, tzinfo=UTC))
        yield world


@contextmanager
def silence() -> Iterator[int]:
    """The port of somebody who takes every call and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.slow
def test_a_kill_in_the_middle_of_a_group_leaves_what_was_finished_and_the_retry_does_the_rest(world: World) -> None:
    with silence() as port:
        world.connect_other(host=f"http://127.0.0.1:{port}")
        command = [sys.executable, "-c", WRITE, *TABLE, NIGHT.isoformat(), *BOTH]
        process = subprocess.Popen(command, env=world.environment)
        deadline = time.monotonic() + 120
        while world.loads(TABLE[0], "written").keys() != {GOOD} or BAD not in world.loads(TABLE[0], "started"):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.kill()
        process.wait()
    finished = world.loads(TABLE[0], "written")
    calls = world.demo.calls.report()
    assert sum(calls.values()) > 0
    world.connect_other()
    wh = world.wh
    again = groups.for_each(BOTH, lambda name: nightly.write(wh, *TABLE, name, NIGHT))
    assert again[GOOD] == finished[GOOD]
    assert world.demo.calls.report().keys() == calls.keys()
    written = world.loads(TABLE[0], "written")
    assert (written[GOOD], len(written[BAD])) == (finished[GOOD], 1)
    assert world.loads(TABLE[0], "failed").keys() == {BAD}, "the attempt that was killed"


@pytest.mark.slow
def test_who_cannot_order_is_not_bothered_again_while_others_wait_and_keeps_no_other_from_its_answers(
    world: World,
) -> None:
    world.connect_other(password="wrong")
    began = datetime.now(UTC)
    wh = world.wh
    refused: list[int] = []
    is_waiting = _waits(lambda: groups.order(wh, SERP, BOTH, NIGHT, None))
    while is_waiting:
        refused.append(_failures(world))
        time.sleep(0.2)
        is_waiting = _waits(lambda: groups.order(wh, SERP, BOTH, NIGHT, began))
    assert refused == [1] * len(refused)
    assert refused, "nobody had to wait"
    assert _failures(world) == 2, "and once more when nobody waited"
    assert nightly.order(wh, SERP, GOOD, NIGHT), "its answers are there"
    world.connect_other()
    while not groups.order(wh, SERP, BOTH, NIGHT, None):
        time.sleep(0.2)
    assert all(nightly.write(wh, SERP, "task", name, NIGHT) for name in BOTH)


def _waits(look: Callable[[], bool]) -> bool:
    """Whether a look found that somebody waits; else it ended in the refusal."""
    try:
        assert not look()
    except CredentialsError:
        return False
    return True


def _failures(world: World) -> int:
    with psycopg.connect(world.dsn) as connection:
        return int(connection.execute("select count(*) from ops.order_usage where is_failed").fetchall()[0][0])
