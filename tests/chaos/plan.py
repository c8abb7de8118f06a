"""What a seed breaks, where and when: drawn before anything runs, so that a seed that failed can be read and run again.

Two nights and a back-fill of one property run at once, and beside them other sources' night of both properties. Faults
are the providers', blows are dealt to processes and disks. Every kind comes in turn as the seeds are counted, and more
of them by chance.

Left out is what rightly changes the rows. An order that was never carried out, and whose answer did not say so, is not
sent again: its checks are failed ones. A page of the site that fails twice is a page that failed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from seo_warehouse.demo.failures import Rule
from tests.chaos.state import NIGHT

HISTORY_START = NIGHT - timedelta(days=3)
STORM_NIGHT = NIGHT + timedelta(days=1)
PROPERTIES = ("alderwood", "teaharbour")
DATED = "search_console"
CRAWL = "site_crawl"
ORDERED = "dataforseo_serp"
BESIDE = ("dataforseo_backlinks", ORDERED, "exports", CRAWL)
PATHS = {
    DATED: "searchAnalytics",
    "dataforseo_backlinks": "^/v3/backlinks/",
    ORDERED: "^/v3/serp/",
    CRAWL: "^/(tables|benches)/",
}
TOKEN = "^/token"
FREE_OF_ORDERS = "^/v3/serp/.*(tasks_ready|task_get|id_list)"
FAULTS = (
    "error", "reset", "slow", "gzip_cut", "wrong_length", "throttled", "html", "expired", "lost", "truncated", "stall",
)  # fmt: skip
UNDONE = ("error", "reset", "html")
"""Nothing was done for whoever asked, and the answer does not say so."""
LATE = ("slow", "stall")
"""Whole answers after all."""
REPEATED_BY_THE_CRAWLER = ("error", "reset", "slow", "stall")
ON_DISKS = ("fill_archive", "fill_database")
BLOWS = ("kill", "fill_archive", "stop", "kill_backend", "fill_database", "stop_backend", "end_backend", "crash_server")
EVERY_BUILD = 25
"""Of so many seeds one builds the marts too, from all sources: that costs as much as five others."""


@dataclass(frozen=True)
class Job:
    """A command that a person or the scheduler would run."""

    name: str
    source: str = ""
    prop: str = ""
    first: date = STORM_NIGHT
    last: date = STORM_NIGHT

    @property
    def arguments(self) -> tuple[str, ...]:
        """The command line."""
        if self.name == "build":
            return ("build",)
        who = ("--source", self.source, "--property", self.prop)
        if self.name == "backfill":
            return ("backfill", *who, "--from", str(self.first), "--to", str(self.last))
        return ("ingest", *who, "--night", str(self.last))

    def __str__(self) -> str:
        return " ".join(self.arguments)


@dataclass(frozen=True)
class Fault:
    """How a source's provider fails."""

    source: str
    rule: Rule

    def __str__(self) -> str:
        default = Rule(match="", kind=self.rule.kind)
        told = {name: value for name, value in self.rule.to_dict().items() if value != getattr(default, name)}
        return " ".join([self.rule.kind, *(f"{name}={value}" for name, value in told.items())])


@dataclass(frozen=True)
class Blow:
    """One disturbance of a process or a disk.

    at       when, as a share of the time that the jobs take undisturbed
    pick     seed of the choice among the jobs, or the sessions, that are there then
    seconds  how long what was stopped or filled stays so
    left     bytes that a full disk has left
    """

    kind: str
    at: float
    pick: int
    seconds: float
    left: int

    def __str__(self) -> str:
        left = f" to {self.left} bytes" if self.kind in ON_DISKS else ""
        return f"{self.kind}{left} at {self.at:.2f} for {self.seconds:.1f} s"


@dataclass(frozen=True)
class Plan:
    """All that a seed does."""

    seed: int
    jobs: tuple[Job, ...]
    faults: tuple[Fault, ...]
    blows: tuple[Blow, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that are read."""
        return tuple(dict.fromkeys(job.source for job in self.jobs if job.source))

    @property
    def needs_disks(self) -> bool:
        """Whether a disk is filled."""
        return any(blow.kind in ON_DISKS for blow in self.blows)

    @property
    def is_built(self) -> bool:
        """Whether the marts are built too."""
        return any(job.name == "build" for job in self.jobs)

    def __str__(self) -> str:
        lines = [f"seed {self.seed}:"]
        lines += [f"  job {number}: {job}" for number, job in enumerate(self.jobs)]
        lines += [f"  fault: {fault}" for fault in self.faults]
        lines += [f"  blow: {blow}" for blow in self.blows]
        return "\n".join(lines)


def draw(seed: int) -> Plan:
    """The plan of a seed."""
    dice = random.Random(seed)
    is_built = seed % EVERY_BUILD == EVERY_BUILD - 1
    jobs = (*_dated(dice, is_built), *_beside(dice, seed, is_built), *([Job("build")] if is_built else []))
    sources = sorted({job.source for job in jobs} & PATHS.keys())
    kinds = [FAULTS[seed % len(FAULTS)], *dice.sample(FAULTS, dice.randint(1, 2))]
    faults = [_fault(dice, kind, sources) for kind in kinds]
    blows = [BLOWS[seed % len(BLOWS)], *dice.choices(BLOWS, k=dice.randint(0, 2))]
    return Plan(seed, jobs, tuple(_one_of_the_crawl(faults)), tuple(_blow(dice, kind) for kind in blows))


def every_job() -> tuple[Job, ...]:
    """Whatever any plan may run."""
    jobs = [job for prop in PROPERTIES for job in _of(prop)]
    jobs += [Job("ingest", source, prop) for source in BESIDE for prop in _read_for(source)]
    return tuple(jobs)


def _of(prop: str) -> list[Job]:
    """Two nights and a back-fill of a property's Search Console."""
    return [
        Job("ingest", DATED, prop, NIGHT, NIGHT),
        Job("ingest", DATED, prop),
        Job("backfill", DATED, prop, HISTORY_START, HISTORY_START + timedelta(days=1)),
    ]


def _dated(dice: random.Random, is_built: bool) -> list[Job]:
    first, second = dice.sample(PROPERTIES, 2)
    is_both = dice.random() < 0.5 or is_built
    return [*_of(first), *([Job("ingest", DATED, second)] if is_both else [])]


def _beside(dice: random.Random, seed: int, is_built: bool) -> list[Job]:
    drawn = dict.fromkeys((BESIDE[seed % len(BESIDE)], dice.choice(BESIDE)))
    return [Job("ingest", source, prop) for source in (BESIDE if is_built else drawn) for prop in _read_for(source)]


def _read_for(source: str) -> tuple[str, ...]:
    return PROPERTIES[:1] if source == CRAWL else PROPERTIES


def _fault(dice: random.Random, kind: str, sources: list[str]) -> Fault:
    able = [source for source in sources if source != CRAWL or kind in REPEATED_BY_THE_CRAWLER]
    source = dice.choice(able)
    path = FREE_OF_ORDERS if source == ORDERED and kind in UNDONE else PATHS[source]
    times = 1 if source == CRAWL else dice.randint(1, 3)
    rule: dict[str, Any] = {"match": path, "kind": kind, "times": times}
    rule["after"] = dice.randrange(12 if source in (DATED, ORDERED) else 2)
    match kind:
        case "error":
            # The crawler takes a 500 for the page's own.
            rule |= {"kind": "status", "status": dice.choice((502, 503, 504) if source == CRAWL else (500, 502, 503))}
        case "throttled":
            retry_after = dice.choice(("0", "1", "7200"))
            rule |= {"kind": "status", "status": 429, "times": 2 * times, "retry_after": retry_after}
        case "expired":
            rule |= {"kind": "status", "status": 401, "times": None}
            if source == DATED and dice.random() < 0.3:
                rule |= {"match": TOKEN, "after": 0}
        case "slow" | "stall":
            rule["seconds"] = dice.uniform(0.5, 2)
    return Fault(source, Rule(**rule))


def _blow(dice: random.Random, kind: str) -> Blow:
    # Not after 0.7: most jobs have ended then.
    at, pick, left = dice.uniform(0, 0.7), dice.randrange(100), dice.choice((0, 4096, 65_536))
    return Blow(kind, at, pick, dice.uniform(0.5, 2.5), left)


def _one_of_the_crawl(faults: list[Fault]) -> list[Fault]:
    """The crawler asks once more: two faults could meet in one page."""
    of_the_crawl = [fault for fault in faults if fault.source == CRAWL]
    return [fault for fault in faults if fault not in of_the_crawl[1:]]
