"""A plan carried out: jobs as processes, faults by the demo's server, blows to processes and disks, then a calm."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import psycopg

from seo_warehouse.embedded.postgres import Postgres
from tests.chaos.child import Child
from tests.chaos.conftest import Case
from tests.chaos.plan import LATE, ORDERED, STORM_NIGHT, TOKEN, Blow, Job, Plan
from tests.chaos.state import until
from tests.chaos.test_postgres import crash

ROUNDS = 3
"""Times that a job is run in the calm: whoever was killed may hold a lock for two seconds yet."""
CHECKS = 20
"""Rank checks of a property in a night: ten keywords on two devices."""


def say(line: str) -> None:
    """What pytest shows of a seed that failed."""
    sys.stdout.write(f"{line}\n")


@dataclass(frozen=True)
class Disk:
    """A file system of its own in memory, whose size can be changed while it is used."""

    path: Path
    bytes: int

    def fill(self, left: int) -> None:
        """Leave room for so many bytes more. Whoever uses it meanwhile may take of them first."""
        until(lambda: self._resize(self._used() + left), seconds=10)

    def free(self) -> None:
        """Make it as large as it was."""
        assert self._resize(self.bytes)

    def _used(self) -> int:
        found = os.statvfs(self.path)
        return (found.f_blocks - found.f_bfree) * found.f_frsize

    def _resize(self, size: int) -> bool:
        command = ["mount", "-o", f"remount,size={size}", str(self.path)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0


@contextmanager
def mounted(disk: Disk) -> Iterator[bool]:
    """The disk in its place, or a plain folder where this user may mount nothing; which of them it is."""
    disk.path.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={disk.bytes},mode=755", "tmpfs", str(disk.path)]
    is_mounted = os.geteuid() == 0 and subprocess.run(command, check=False, capture_output=True).returncode == 0
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", str(disk.path)], check=True)


def run(case: Case, jobs: Sequence[Job]) -> dict[Job, str]:
    """Each property's jobs one after another, beside the other property's. What those that failed said."""
    failed = {}
    lanes = [[job for job in jobs if job.prop == prop] for prop in {job.prop: None for job in jobs}]
    for step in zip_longest(*lanes):
        children = [(job, case.command(*job.arguments)) for job in step if job is not None]
        failed |= {job: child.said for job, child in children if child.end()}
    return failed


def _status(job: Job, child: Child) -> int:
    """The status of a job that has ended or will. Whatever was not killed says in a sentence why it failed."""
    status = child.end()
    say(f"{job}: ended with {status}: {child.said.strip()[-300:]}")
    assert status in (0, -signal.SIGKILL) or "\nseo-warehouse: " in f"\n{child.said}", child.said
    return status


@dataclass
class Storm:
    """A case, what it stands on, and what was lost so far."""

    case: Case
    server: Postgres
    archive: Disk
    database: Disk
    lost: Counter[str] = field(default_factory=Counter)
    """Answers of each source that may have come to somebody who could not keep them: one for each process."""
    spoilt: Counter[str] = field(default_factory=Counter)
    """Answers of each source that were no use to anybody."""

    def rage(self, plan: Plan, seconds: float) -> list[Job]:
        """Run the jobs all at once, disturbed as planned. Returns those that did not succeed."""
        self.case.demo.failures.set([fault.rule for fault in plan.faults])
        began = time.monotonic()
        running = {job: self.case.command(*job.arguments) for job in plan.jobs}
        try:
            for blow in sorted(plan.blows, key=lambda blow: blow.at):
                time.sleep(max(0.0, began + blow.at * seconds - time.monotonic()))
                # As the scheduler does: else an early blow would leave nothing to those that follow.
                again = [job for job, child in running.items() if not child.is_running and _status(job, child)]
                running |= {job: self.case.command(*job.arguments) for job in again}
                self._strike(blow, {job: child for job, child in running.items() if child.is_running})
            failed = [job for job, child in running.items() if _status(job, child)]
        finally:
            for child in running.values():
                child.kill()
        self._count_faults(plan)
        self.server.start()
        return failed

    def calm(self, jobs: list[Job]) -> None:
        """Run the jobs again until each has succeeded."""
        for _ in range(ROUNDS):
            failed = run(self.case, jobs)
            for job in jobs:
                say(f"in the calm: {job}: {'failed' if job in failed else 'succeeded'}")
            jobs = list(failed)
            if not jobs:
                return
        raise AssertionError("\n".join(failed.values()))

    def _count_faults(self, plan: Plan) -> None:
        for fault, report in zip(plan.faults, self.case.demo.failures.report(), strict=True):
            say(f"{fault}: {report['failed']} answers")
            if fault.rule.kind not in LATE and fault.rule.match != TOKEN:
                self.spoilt[fault.source] += report["failed"]
        self.case.demo.failures.set([])

    def _strike(self, blow: Blow, running: dict[Job, Child]) -> None:
        say(f"{blow}: {len(running)} jobs were running")
        if not running:
            return
        dice = random.Random(blow.pick)
        job = dice.choice(list(running))
        match blow.kind:
            case "kill":
                say(f"killed: {job}")
                self._kill(job, running[job])
            case "stop":
                say(f"stopped: {job}")
                _pause(running[job].process.pid, blow.seconds)
            case "fill_archive" | "fill_database":
                disk = self.archive if blow.kind == "fill_archive" else self.database
                self.lost.update(job.source for job in running if disk is self.archive)
                disk.fill(blow.left)
                time.sleep(blow.seconds)
                disk.free()
                self.server.start()
            case "crash_server":
                crash(self.server, with_backends=dice.random() < 0.5)
                time.sleep(blow.seconds)
                self.server.start()
            case _:
                self._strike_backend(blow, dice)

    def _kill(self, job: Job, child: Child) -> None:
        if job.source == ORDERED:
            # Between its intent and the sending of it an order is lost for good: nobody knows whether it was placed.
            until(lambda: not child.is_running or self._is_ordered(job.prop))
        self.lost[job.source] += 1
        child.kill()

    def _is_ordered(self, account: str) -> bool:
        orders = self.case.demo.orders.all()
        placed = [o for o in orders if o.account == account and o.posted_at[:10] == str(STORM_NIGHT)]
        return len(placed) >= CHECKS

    def _strike_backend(self, blow: Blow, dice: random.Random) -> None:
        try:
            with self.case.connect() as connection:
                found = connection.execute(
                    "select pid from pg_stat_activity"
                    " where datname = current_database() and application_name like 'seo-warehouse%' order by 1"
                ).fetchall()
        except psycopg.OperationalError:
            return
        if not found:
            return
        backend = dice.choice(found)[0]
        if blow.kind == "stop_backend":
            _pause(backend, blow.seconds)
        else:
            _send(backend, signal.SIGKILL if blow.kind == "kill_backend" else signal.SIGTERM)


def _pause(pid: int | None, seconds: float) -> None:
    if pid is not None:
        _send(pid, signal.SIGSTOP)
        time.sleep(seconds)
        _send(pid, signal.SIGCONT)


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        # It has ended meanwhile.
        return
