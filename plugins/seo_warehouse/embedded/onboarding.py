"""Loading history during `make run`: every property in a process of its own, side by side.

Each is `seo-warehouse onboard`, or what does the same for the demo, recorded as every part is: ended with the run that
started it, and by `stop` or the next `run` where that one was killed. What it had read is in the archive.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TextIO

from seo_warehouse.embedded import processes
from seo_warehouse.embedded.processes import Component

Progress = Callable[[str], None]
ONBOARD = ("seo_warehouse.cli", "onboard")
ONBOARD_DEMO = ("seo_warehouse.embedded.demo_history",)
PREFIX = "onboard-"
POLL_SECONDS = 0.2


@dataclass
class _Child:
    component: Component
    pid: int
    said: TextIO
    rest: str = field(default="")

    def lines(self) -> list[str]:
        """The lines it has printed since the last look."""
        *whole, self.rest = (self.rest + self.said.read()).split("\n")
        return whole


def components(home: Path) -> list[Component]:
    """Those that run in a home, or did when their `run` was killed."""
    folder = home / "processes"
    return [Component(record.stem, folder) for record in sorted(folder.glob(f"{PREFIX}*.process"))]


def load_side_by_side(
    home: Path,
    names: Sequence[str],
    last: date,
    variables: dict[str, str],
    progress: Progress,
    module: Sequence[str] = ONBOARD,
) -> list[str]:
    """Load the history of each property up to night `last`, telling what each one says. Returns those that failed.

    However it ends, none of its processes is left.
    """
    processes.stop(components(home))
    children: list[_Child] = []
    try:
        for name in names:
            component = Component(f"{PREFIX}{name}", home / "processes")
            command = [sys.executable, "-m", *module, "--property", name, "--to", str(last)]
            pid = processes.start(component, command, environment={**os.environ, **variables}, folder=home)
            children.append(_Child(component, pid, component.log.open(errors="replace")))
        is_running = True
        while is_running:
            time.sleep(POLL_SECONDS)
            # Asked before what they said is read, so that their last words are heard.
            is_running = any(processes.find(child.component) for child in children)
            for child in children:
                for line in child.lines():
                    progress(line)
        return [name for name, child in zip(names, children, strict=True) if processes.exit_status(child.pid) != 0]
    finally:
        for child in children:
            child.said.close()
        processes.stop(components(home))
