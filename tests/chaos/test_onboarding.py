"""A property's history, loaded by processes that get killed while nights run, against one that is left alone."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from seo_warehouse import demo
from seo_warehouse.demo.server import DemoServer
from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.steps.stated import CONNECTIONS_FILE
from tests.chaos.child import Child, start_command
from tests.chaos.state import Rows, read_calls, read_raw, until
from tests.conftest import PASSWORDS

pytestmark = pytest.mark.slow

SEED = 20
PROPERTY = "alderwood"
SOURCE = "search_console"
NIGHT = date(2026, 10, 12)
FIRST_DAY = NIGHT - timedelta(days=40)
ANSWER = re.compile(r"([0-9a-f]{32})\.zst")


@dataclass(frozen=True)
class Place:
    """A home, its database and its demo."""

    home: Path
    dsn: str
    server: DemoServer

    def onboard(self) -> Child:
        """Start `seo-warehouse onboard` of the nights before `NIGHT`."""
        return self._start("onboard", "--property", PROPERTY, "--to", str(NIGHT - timedelta(days=1)))

    def ingest(self, night: date) -> Child:
        """Start a night of Search Console, the demo's clock in it."""
        self.server.clock.set(datetime.combine(night, time(6), UTC))
        return self._start("ingest", "--source", SOURCE, "--property", PROPERTY, "--night", str(night))

    def _start(self, *arguments: str) -> Child:
        environment = {"SEO_WAREHOUSE_HOME": str(self.home), "SEO_WAREHOUSE_DSN": self.dsn}
        return start_command(environment, self.home / f"{arguments[0]}.log", *arguments)

    def calls(self) -> int:
        """Calls that Search Console got so far."""
        return sum(times for path, times in self.server.calls.report().items() if "searchAnalytics" in path)

    def answers(self) -> Counter[str]:
        """How often the archive holds each call's answer: once for each time it was bought."""
        folder = self.home / "archive" / SOURCE
        return Counter(found[1] for path in folder.rglob("*.zst") if (found := ANSWER.fullmatch(path.name)))

    def raw(self) -> Rows:
        """Business columns of what is published."""
        with psycopg.connect(self.dsn) as connection:
            return read_raw(connection, SOURCE)


@contextmanager
def opened(postgres: Postgres, folder: Path, name: str, port: int = 0) -> Iterator[Place]:
    """A place with nothing loaded. Search Console alone: it is the source with a past."""
    home = folder / name
    with (
        psycopg.connect(postgres.dsn(), autocommit=True) as connection,
        demo.running(home / "demo", port=port, seed=SEED, first_day=FIRST_DAY) as server,
    ):
        connection.execute(f"create database {name} template warehouse_template")
        _configure(home, int(server.server_address[1]))
        server.clock.set(datetime.combine(NIGHT, time(6), UTC))
        try:
            yield Place(home, postgres.dsn(name), server)
        finally:
            connection.execute(f"drop database {name} with (force)")


def _configure(home: Path, port: int) -> None:
    path = home / "properties.yml"
    demo.write_properties(path, port, FIRST_DAY)
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    document["properties"] = document["properties"][:1]
    document["properties"][0]["sources"] = {SOURCE: document["properties"][0]["sources"][SOURCE]}
    path.write_text(yaml.safe_dump(document))
    (home / "secrets.json").write_text(json.dumps(PASSWORDS))
    (home / CONNECTIONS_FILE).write_text(json.dumps(demo.connections(port)))


def test_an_onboarding_killed_anywhere_beside_nights_ends_as_one_left_alone_and_asks_for_nothing_twice(
    postgres: Postgres, tmp_path: Path
) -> None:
    with opened(postgres, tmp_path, "left_alone") as place:
        place.onboard().succeed()
        history_calls = place.calls()
        for night in (NIGHT, NIGHT + timedelta(days=1)):
            place.ingest(night).succeed()
        rows, answers, calls = place.raw(), place.answers(), place.calls()
    assert all(rows.values())
    assert sum(answers.values()) == calls

    draw = random.Random(20261122)
    first, second, third = sorted(draw.sample(range(5, history_calls - 5), 3))
    with opened(postgres, tmp_path, "disturbed") as place:
        _kill_at(place, place.onboard(), first)
        onboarding = place.onboard()
        until(lambda: place.calls() >= second)
        # Beside an onboarding at work, a night reads its window and leaves the holes.
        place.ingest(NIGHT).succeed()
        onboarding.kill()
        # Beside a dead one it fills them, from what that one had read and then by itself.
        _kill_at(place, place.ingest(NIGHT + timedelta(days=1)), place.calls() + max(1, third - second))
        place.onboard().succeed()
        place.ingest(NIGHT + timedelta(days=1)).succeed()
        place.onboard().succeed()
        assert place.raw() == rows
        assert place.answers() == answers
        # Each kill may have cut one call, which nobody knows the answer of.
        assert sum(read_calls(place.server).values()) <= calls + 3


def _kill_at(place: Place, child: Child, calls: int) -> None:
    until(lambda: place.calls() >= calls or not child.is_running)
    child.kill()
