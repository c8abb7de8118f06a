"""Whatever a seed breaks, the warehouse ends as one that was left alone.

`make bench-chaos` runs two hundred seeds; `make bench-chaos ARGS="--seed 17"` runs one again.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import time as clock
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pytest

from seo_warehouse.demo.exports import write_exports
from seo_warehouse.demo.knobs import Knobs
from tests.chaos.conftest import Base, Case, founding, serving
from tests.chaos.plan import (
    DATED,
    HISTORY_START,
    ORDERED,
    PATHS,
    PROPERTIES,
    STORM_NIGHT,
    Job,
    Plan,
    draw,
    every_job,
)  # fmt: skip
from tests.chaos.state import (
    CALL,
    NIGHT,
    TWICE,
    Rows,
    Sizes,
    check_ledger,
    read_answers,
    read_bill,
    read_calls,
    read_marts,
    read_raw,
    read_sizes,
    watching,
)  # fmt: skip
from tests.chaos.storm import Disk, Storm, mounted, run, say
from tests.conftest import seeds

pytestmark = pytest.mark.slow

EARLIER = (DATED, "dataforseo_backlinks")
"""Sources whose night before matters: a day is read again, links are asked for since then."""
BILLED = ("dataforseo_backlinks", ORDERED)
KEYS = (1, 2)
SEEDS = 3
"""How many run each time, of the first hundred of `make bench-chaos`."""
Place = tuple[str, int]
"""A source and a property's key."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.parametrize("seed", seeds(metafunc.config, SEEDS, of=100))


@dataclass(frozen=True)
class World:
    """Two properties after a night that nobody disturbed, and the disks that their copies stand on."""

    base: Base
    archive: Disk
    database: Disk
    has_disks: bool

    @contextmanager
    def storm(self) -> Iterator[Storm]:
        """A copy to disturb."""
        with _night_begun(self.base, "disturbed") as case:
            kept = self.archive.path / "archive"
            shutil.move(case.home / "archive", kept)
            (case.home / "archive").symlink_to(kept)
            try:
                yield Storm(case, self.base.server, self.archive, self.database)
            finally:
                shutil.rmtree(kept)


@dataclass(frozen=True)
class Alone:
    """What all jobs leave behind where nobody disturbs them, and how long one of them takes."""

    raw: dict[Place, Rows]
    bills: dict[Place, tuple[Any, ...]]
    answers: dict[Place, set[str]]
    sizes: Sizes
    seconds: float


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    folder = Path(tempfile.mkdtemp(prefix="seo-warehouse-storm-"))
    archive, database = Disk(folder / "archive", 256 * 2**20), Disk(folder / "postgres", 4 * 2**30)
    knobs = Knobs(demand=0.3, start_links=40)
    try:
        with mounted(archive) as has_archive, mounted(database) as has_database, serving(folder) as server:
            with founding(folder, server, count=2, history_start=HISTORY_START, knobs=knobs) as case:
                write_exports(case.home / "drop", case.demo.world, NIGHT)
                case.demo.clock.set(datetime.combine(NIGHT, time(6), UTC))
                assert run(case, [Job("ingest", s, p, NIGHT, NIGHT) for s in EARLIER for p in PROPERTIES]) == {}
                with case.connect() as connection:
                    sizes = read_sizes(connection)
            base = Base(folder, server, int(case.demo.server_address[1]), sizes)
            yield World(base, archive, database, has_archive and has_database)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def alone(world: World) -> Alone:
    with _night_begun(world.base, "alone") as case:
        began = clock.monotonic()
        assert run(case, every_job()) == {}
        seconds = (clock.monotonic() - began) / len(every_job())
        world.base.keep("after", "alone")
        with case.connect() as connection:
            places = {(job.source, key) for job in every_job() for key in KEYS}
            return Alone(
                raw={place: read_raw(connection, *place) for place in places},
                bills={place: read_bill(connection, *place) for place in places},
                answers={place: read_answers(case.home, *place) for place in places},
                sizes=read_sizes(connection),
                seconds=seconds,
            )


@pytest.fixture(scope="session")
def modelled(world: World, alone: Alone) -> Rows:
    with world.base.copy("modelled", "after") as case:
        case.build().succeed()
        with case.connect() as connection:
            return read_marts(connection)


def test_a_storm_leaves_the_warehouse_of_a_calm_night(
    seed: int, world: World, alone: Alone, request: pytest.FixtureRequest
) -> None:
    plan = draw(seed)
    if plan.needs_disks and not world.has_disks:
        pytest.skip("no disk can be filled here: this user may not mount any")
    marts = request.getfixturevalue("modelled") if plan.is_built else None
    say(str(plan))
    with world.storm() as storm:
        with watching(storm.case.superuser_dsn, world.base.sizes, alone.sizes):
            failed = storm.rage(plan, alone.seconds * len(plan.jobs))
            storm.calm(failed)
        expect_all(storm, plan, alone)
        if marts is not None:
            # What was published after the storm's build, or all where it was killed.
            storm.calm([Job("build")])
            with storm.case.connect() as connection:
                assert read_marts(connection) == marts


def expect_all(storm: Storm, plan: Plan, alone: Alone) -> None:
    """Nothing is lost, nothing is there twice, and nothing was bought twice but what nobody could keep."""
    case = storm.case
    with case.connect() as connection:
        check_ledger(connection)
        assert connection.execute(TWICE).fetchall() == []
        for place in {(job.source, KEYS[PROPERTIES.index(job.prop)]) for job in plan.jobs if job.source}:
            assert read_raw(connection, *place) == alone.raw[place], place
            assert read_bill(connection, *place) == alone.bills[place], place
            expected = {a for a in alone.answers[place] if _is_asked(plan, place, a)}
            assert read_answers(case.home, *place) == expected, place
    assert case.demo.orders.repeated() == []
    for source in set(plan.sources) & {DATED, *BILLED}:
        whole = _calls(case, source) - storm.spoilt[source]
        kept = _archived(case, source)
        assert kept <= whole <= kept + storm.lost[source], source


@contextmanager
def _night_begun(base: Base, name: str) -> Iterator[Case]:
    with base.copy(name) as case:
        case.demo.clock.set(datetime.combine(STORM_NIGHT, time(6), UTC))
        yield case


def _is_asked(plan: Plan, place: Place, answer: str) -> bool:
    """Whether a job of the plan asks for an answer, or it was there before."""
    prop = PROPERTIES[place[1] - 1]
    is_filled = any(job.name == "backfill" and (job.source, job.prop) == (place[0], prop) for job in plan.jobs)
    return is_filled or not answer.startswith("backfill=")


def _calls(case: Case, source: str) -> int:
    path = re.compile(PATHS[source].removeprefix("^"))
    return sum(times for call, times in read_calls(case.demo).items() if path.search(call))


def _archived(case: Case, source: str) -> int:
    """Answers that the archive has got since the night began."""
    found = (case.home / "archive" / source).glob("*/*/*.zst")
    return sum(path.parent.name != f"night={NIGHT}" and CALL.fullmatch(path.name) is not None for path in found)
