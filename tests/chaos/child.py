"""Steps in processes of their own, to be killed.

They are forked from a process that has imported the heavy libraries already, as Airflow's tasks are: each begins at
once, so that an instant drawn at random falls into its work and not into its imports.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
from dataclasses import dataclass, field
from datetime import date
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from multiprocessing.process import BaseProcess
from pathlib import Path

from seo_warehouse.embedded.processes import read_stat

WATCH = Path(__file__).parents[1] / "security" / "watch"
CONNECTIONS = "connections"
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["dbt.cli.main", "seo_warehouse.audit.gate", "seo_warehouse.cli", "seo_warehouse.steps.build"]
)


@dataclass
class Child:
    """One running step; `log` holds what it prints."""

    process: BaseProcess
    log: Path
    _children: set[int] = field(default_factory=set)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.process.is_alive()

    def kill(self) -> None:
        """SIGKILL, to the step alone; what it had started itself must end by itself."""
        pid = self.process.pid
        if pid is not None and self.is_running:
            children = Path(f"/proc/{pid}/task/{pid}/children")
            self._children |= {int(child) for child in children.read_text().split()} if children.exists() else set()
            os.kill(pid, signal.SIGKILL)
        self.process.join()
        deadline = time.monotonic() + 120
        while any((stat := read_stat(child)) and stat.is_alive for child in self._children):
            assert time.monotonic() < deadline, f"processes that {pid} had started outlive it: {self._children}"
            time.sleep(0.02)

    def end(self, seconds: float = 600) -> int:
        """Exit status, once it has ended by itself."""
        self.process.join(seconds)
        assert not self.is_running, f"not ended within {seconds} s: {self.said}"
        status = self.process.exitcode
        assert status is not None
        return status

    def succeed(self) -> None:
        """Wait for its end; it must be a good one."""
        assert self.end() == 0, self.said

    @property
    def said(self) -> str:
        """What it printed."""
        return self.log.read_text() if self.log.exists() else ""


def start_command(environment: dict[str, str], log: Path, *arguments: str) -> Child:
    """`seo-warehouse <arguments>`."""
    return _started(Child(FORKS.Process(target=_command, args=(environment, log, arguments)), log))


def start_step(environment: dict[str, str], log: Path, name: str, *arguments: str | date) -> Child:
    """A function of steps/, `<module>.<name>`, with the warehouse as its first argument."""
    return _started(Child(FORKS.Process(target=_step, args=(environment, log, name, arguments)), log))


def _started(child: Child) -> Child:
    child.process.start()
    return child


def _prepare(environment: dict[str, str], log: Path) -> None:
    os.environ.update(environment)
    # Readers, gate, crawler and dbt: none of them leaves this machine, on whatever errand of its own.
    os.environ |= {"PYTHONPATH": str(WATCH), "WATCHED_CONNECTIONS": str(log.with_name(CONNECTIONS))}
    spec = spec_from_file_location("watch", WATCH / "sitecustomize.py")
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(module_from_spec(spec))
    with log.open("ab") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)


def _command(environment: dict[str, str], log: Path, arguments: tuple[str, ...]) -> None:
    from seo_warehouse.cli import main

    _prepare(environment, log)
    main.main(list(arguments), prog_name="seo-warehouse")


def _step(environment: dict[str, str], log: Path, name: str, arguments: tuple[str | date, ...]) -> None:
    from seo_warehouse.steps.warehouse import open_warehouse

    _prepare(environment, log)
    logging.basicConfig(level=logging.INFO, force=True)
    module, _, function = name.rpartition(".")
    getattr(import_module(f"seo_warehouse.{module}"), function)(open_warehouse(), *arguments)
