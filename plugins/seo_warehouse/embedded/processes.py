"""Processes that outlive the command that started them: each in a session of its own, known by a record on disk.

A record holds the kernel's boot id and the process's line of /proc/<pid>/stat, so that a process id that was
given to somebody else since (or before a reboot) is never taken for ours. The process writes it itself before it
becomes the program, so a starter killed in between leaves no process that nobody knows. Linux only (proc(5)).
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from seo_warehouse.errors import EmbeddedError

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
RECORD_AND_RUN = f'{{ cat {BOOT_ID} /proc/$$/stat; }} > "$0.new" && mv "$0.new" "$0" && exec "$@"'
RECORD_SECONDS = 10.0
POLL_SECONDS = 0.1

_children: list[subprocess.Popen[bytes]] = []
"""Started by this very process: kept so that Python neither warns about nor forgets to reap them."""


@dataclass(frozen=True)
class Stat:
    """One process as /proc/<pid>/stat tells it. `started` is in clock ticks since boot."""

    pid: int
    state: str
    group: int
    session: int
    started: int

    @property
    def is_alive(self) -> bool:
        """Whether it still runs: a zombie only waits to be reaped."""
        return self.state not in "ZX"


@dataclass(frozen=True)
class Component:
    """A program of `make run`. `folder` keeps its record and its log."""

    name: str
    folder: Path

    @property
    def record(self) -> Path:
        """Who it is, while and after it runs."""
        return self.folder / f"{self.name}.process"

    @property
    def log(self) -> Path:
        """What the running one prints; the one before it is beside it as `<name>.previous.log`."""
        return self.folder / f"{self.name}.log"


def start(component: Component, command: Sequence[str], *, environment: Mapping[str, str], folder: Path) -> int:
    """Start `command` in a session of its own, unless it runs; what a dead one left behind is killed first.

    Returns the process id. Raises EmbeddedError when the process could not be started or recorded.
    """
    running = find(component)
    if running:
        return running.pid
    stop([component])
    try:
        component.folder.mkdir(parents=True, exist_ok=True)
        if component.log.exists():
            component.log.rename(component.log.with_suffix(".previous.log"))
        with component.log.open("wb") as log:
            child = subprocess.Popen(
                ["/bin/sh", "-c", RECORD_AND_RUN, str(component.record), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=folder,
                start_new_session=True,
                umask=0o077,
            )
    except OSError as error:
        raise EmbeddedError(f"{component.name} could not be started: {error}") from None
    _children.append(child)
    deadline = time.monotonic() + RECORD_SECONDS
    while not component.record.exists():
        if child.poll() is not None or time.monotonic() > deadline:
            child.kill()
            raise EmbeddedError(f"{component.name} could not be started: {last_words(component) or 'no record of it'}")
        time.sleep(POLL_SECONDS / 10)
    return child.pid


def exit_status(pid: int) -> int | None:
    """Exit status of a process that `start` began in this very process; None while it runs, or where it is unknown."""
    return next((child.poll() for child in _children if child.pid == pid), None)


def find(component: Component) -> Stat | None:
    """The running process of a component, or None: a record alone is no proof of life."""
    recorded = _read_record(component)
    now = read_stat(recorded.pid) if recorded else None
    is_same = recorded is not None and now is not None and now.started == recorded.started and now.is_alive
    return now if is_same else None


def members(component: Component) -> list[Stat]:
    """Every living process of a component's session, also when the one that led it is gone.

    The kernel gives a number to no new process while a session bears it, so a leader with another start time
    means that nothing of ours is left.
    """
    recorded = _read_record(component)
    if recorded is None:
        return []
    leader = read_stat(recorded.pid)
    if leader is not None and leader.started != recorded.started:
        return []
    return [stat for stat in _all_processes() if stat.session == recorded.pid and stat.is_alive]


def stop(components: Iterable[Component], patience_seconds: float = 20.0) -> None:
    """End the components: SIGTERM to each one's group, a wait, then SIGKILL to every process that is left.

    Raises EmbeddedError naming a component that would not end.
    """
    known = [component for component in components if component.record.exists()]
    for component in known:
        leader = find(component)
        if leader:
            with suppress(ProcessLookupError):
                os.killpg(leader.pid, signal.SIGTERM)
    # A session without its leader is a remnant of a kill: nobody is left to end it in order.
    _wait_until_gone([c for c in known if find(c)], patience_seconds)
    for component in known:
        _kill_all(component)
        component.record.unlink(missing_ok=True)


def last_words(component: Component, most: int = 300) -> str:
    """The last line that a component printed, cut to `most` characters; empty when it printed none."""
    if not component.log.exists():
        return ""
    with component.log.open("rb") as file:
        file.seek(max(0, component.log.stat().st_size - 8_192))
        lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip()[:most] if lines else ""


def read_stat(pid: int) -> Stat | None:
    """What /proc says of a process, or None when there is none."""
    try:
        return _parse_stat(Path(f"/proc/{pid}/stat").read_text(errors="replace"))
    except (FileNotFoundError, ProcessLookupError):
        return None


def signal_process(stat: Stat, number: signal.Signals) -> None:
    """Send a signal to that very process; nothing happens when it is gone, whoever has its number now."""
    try:
        handle = os.pidfd_open(stat.pid)
    except ProcessLookupError:
        return
    try:
        now = read_stat(stat.pid)
        if now is not None and now.started == stat.started:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, number)
    finally:
        os.close(handle)


def _kill_all(component: Component) -> None:
    deadline = time.monotonic() + RECORD_SECONDS
    # Again until none is left: a process may have forked while the list was read.
    while left := members(component):
        for stat in left:
            signal_process(stat, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise EmbeddedError(f"{component.name} does not end: process {left[0].pid} survives SIGKILL")
        time.sleep(POLL_SECONDS)


def _wait_until_gone(components: Iterable[Component], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(members(component) for component in components) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def _read_record(component: Component) -> Stat | None:
    try:
        boot_id, line = component.record.read_text(errors="replace").split("\n", 1)
    except FileNotFoundError:
        return None
    return _parse_stat(line) if boot_id == BOOT_ID.read_text().strip() else None


def _parse_stat(line: str) -> Stat:
    # The program's name stands in brackets and may itself hold blanks and brackets: proc_pid_stat(5).
    pid = int(line.split(" ", 1)[0])
    fields = line.rpartition(")")[2].split()
    return Stat(pid, fields[0], int(fields[2]), int(fields[3]), int(fields[19]))


def _all_processes() -> Iterator[Stat]:
    for folder in Path("/proc").iterdir():
        stat = read_stat(int(folder.name)) if folder.name.isdigit() else None
        if stat:
            yield stat
