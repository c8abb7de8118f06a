"""What the benchmarks share: figures beside their limits, kept and drawn; the machine; a warehouse to throw away."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal, TypeVar

import matplotlib.pyplot as plt
import psycopg

from seo_warehouse.config import Settings
from seo_warehouse.embedded.postgres import Postgres, free_port
from seo_warehouse.steps.warehouse import Warehouse, read_secrets

RESULTS = Path(__file__).parent / "results"
ENVIRONMENTS = Path(__file__).parent / ".envs"
PICTURES = Path(__file__).parents[1] / "docs/images"
FLAT = 1.2
"""Peak memory at ten times the rows, as a ratio: what counts as flat."""
T = TypeVar("T")

# Told to end, a benchmark stops what it started, as after an error.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


@dataclass(frozen=True)
class Figure:
    """A ratio, and what it must be where there is a limit."""

    label: str
    value: float
    must_be: Literal["at most", "at least"] = "at most"
    limit: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the limit is kept."""
        if self.limit is None:
            return True
        return self.value <= self.limit if self.must_be == "at most" else self.value >= self.limit

    def __str__(self) -> str:
        """The figure in a line."""
        limit = "" if self.limit is None else f" ({self.must_be} {self.limit:g}{'' if self.holds else ': MISSED'})"
        return f"{self.label}: {self.value:.3g}{limit}"


def keep(name: str, figures: Sequence[Figure], found: Mapping[str, Any], *, write: bool = True) -> None:
    """Print the figures; write them with all that was found to results/NAME.json and draw docs/images/NAME.svg."""
    for figure in figures:
        say(str(figure))
    if write:
        RESULTS.mkdir(exist_ok=True)
        document = {"machine": machine(), "figures": [asdict(f) | {"holds": f.holds} for f in figures], **found}
        path = RESULTS / f"{name}.json"
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        draw(PICTURES / f"{name.replace('_', '-')}.svg", figures)


def draw(path: Path, figures: Sequence[Figure]) -> None:
    """Each figure as a multiple of its limit, or as it is where it has none; what missed stands out."""
    with plt.rc_context({"svg.hashsalt": "seo-warehouse", "svg.fonttype": "none", "font.size": 9}):
        drawing, axes = plt.subplots(figsize=(8, 0.8 + 0.32 * len(figures)), layout="constrained")
        bars = axes.barh(
            [f.label if f.limit is None else f"{f.label}, {f.must_be} {f.limit:g}" for f in figures],
            [f.value / (f.limit or 1) for f in figures],
            color=["#4477aa" if f.holds else "#cc6633" for f in figures],
        )
        axes.bar_label(bars, [f"{f.value:.3g}" for f in figures], padding=3)
        axes.axvline(1, color="#888888", linewidth=1)
        axes.set_xlabel("of the limit; of the other where there is none")
        axes.invert_yaxis()
        axes.margins(x=0.1)
        axes.spines[["top", "right"]].set_visible(False)
        drawing.savefig(path, metadata={"Date": None})
        plt.close(drawing)
    path.write_text("\n".join(map(str.rstrip, path.read_text().splitlines())) + "\n")


def machine() -> dict[str, Any]:
    """Where and when it was measured."""
    memory = int(Path("/proc/meminfo").read_text().partition("MemTotal:")[2].split()[0])
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**20, 1),
        "python": sys.version.split()[0],
        "measured_on": datetime.now(UTC).date().isoformat(),
        "load_at_end": load_average(),
    }


def load_average() -> float:
    """Processes that ran or waited in the last minute."""
    return round(os.getloadavg()[0], 1)


@contextmanager
def repeatedly(take: Callable[[], None], seconds: float) -> Iterator[None]:
    """Call `take` every so many seconds, from a thread of its own, until the block is left."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(seconds):
            take()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def peak_mebibytes(process: int | str = "self") -> float:
    """Peak memory of a process. VmHWM, since getrusage may tell of the process that this one was started from."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def apart(function: Callable[..., T], *arguments: Any) -> T:
    """What a module's function returns in a fresh process of its own. Raises SystemExit where it fails."""
    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_answer, args=(there, function, *arguments))
    process.start()
    there.close()
    try:
        answer: T = here.recv()
    except EOFError:
        process.join()
        raise SystemExit(f"{function.__name__} failed with {process.exitcode}") from None
    except SystemExit:
        # Told to end; at an interrupt both of us are told.
        process.terminate()
        raise
    finally:
        process.join()
    return answer


def environment_of(name: str, packages: Sequence[str]) -> Path:
    """The folder of programs of a peer's environment, which is made at first."""
    folder = ENVIRONMENTS / f"{name}-{packages[0].rpartition('=')[2]}"
    programs, ready = folder / "bin", folder / ".ready"
    if not ready.exists():
        venv.create(folder, clear=True, with_pip=True)
        install: list[str | Path] = [
            programs / "python",
            "-m",
            "pip",
            "install",
            "-qq",
            "--disable-pip-version-check",
            *packages,
        ]
        subprocess.run(install, check=True)
        ready.touch()
    return programs


def _answer(pipe: Connection, function: Callable[..., Any], *arguments: Any) -> None:
    pipe.send(function(*arguments))


@contextmanager
def warehouse(properties: str) -> Iterator[Warehouse]:
    """A throw-away PostgreSQL with the warehouse's schemas, for the properties of this properties.yml."""
    with tempfile.TemporaryDirectory(prefix="seo-warehouse-bench-") as name:
        home = Path(name)
        home.chmod(0o755)
        (home / "properties.yml").write_text(properties)
        server = Postgres(home / "postgres", free_port(), read_secrets(home)["postgres"])
        server.initialise()
        server.start()
        try:
            owner = read_secrets(home)["owner"]
            with psycopg.connect(server.dsn(), autocommit=True) as connection:
                connection.execute(f"create role seo_owner login createrole password '{owner}'")
                connection.execute("create database seo_warehouse owner seo_owner")
            dsn = server.dsn("seo_warehouse", "seo_owner", owner)
            wh = Warehouse(Settings({"SEO_WAREHOUSE_HOME": name, "SEO_WAREHOUSE_DSN": dsn}))
            wh.migrate()
            yield wh
        finally:
            server.stop()
