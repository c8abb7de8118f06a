"""How long `make run` takes: in a fresh clone with nothing there yet, after `make stop`, and while it serves.

The clone's .venv is made before, since that is a matter of the network. Each run's own lines say what took how long.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from benchmarks.measuring import Figure, keep, load_average, say

ROOT = Path(__file__).parents[1]
COLD_SECONDS, RESTART_SECONDS = 360, 90
OURS = ("SEO_WAREHOUSE", "AIRFLOW", "PYTHON", "MAKE", "MFLAGS", "VIRTUAL_ENV")


def make(target: str, clone: Path) -> dict[str, Any]:
    """`make <target>` in the clone: seconds, and the second at which each step began."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    kept["SEO_WAREHOUSE_HOME"] = str(clone.parent / "state")
    began = time.monotonic()
    done = subprocess.run(["make", target], cwd=clone, env=kept, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    if done.returncode:
        raise SystemExit(f"make {target} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    say(f"  make {target}: {seconds:.1f} s")
    steps = re.findall(r"^\[ *(\d+) s\] (.*)$", done.stdout, re.MULTILINE)
    return {
        "seconds": round(seconds, 1),
        "load": load_average(),
        # A line a month of history says little of where the time went.
        "steps": [f"{at} s: {what}" for at, what in steps if ": 20" not in what][:60],
    }


@click.command()
@click.option("--write/--no-write", default=True, help="Whether results/make_run.json is replaced.")
def main(write: bool) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="seo-warehouse-bench-") as name:
        folder = Path(name)
        # PostgreSQL's user, where there is one, has to pass.
        folder.chmod(0o755)
        clone = folder / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        make(".venv/.ready", clone)
        try:
            runs = {"cold": make("run", clone), "again": make("run", clone)}
            make("stop", clone)
            runs["warm"] = make("run", clone)
        finally:
            make("stop", clone)
    seconds = {name: run["seconds"] for name, run in runs.items()}
    figures = [
        Figure("a cold `make run`, of 360 s", seconds["cold"] / COLD_SECONDS, limit=1),
        Figure("after `make stop`, of 90 s", seconds["warm"] / RESTART_SECONDS, limit=1),
        Figure("after `make stop`, of a cold one", seconds["warm"] / seconds["cold"]),
        Figure("while it serves, of a cold one", seconds["again"] / seconds["cold"]),
    ]
    keep("make_run", figures, runs, write=write)


if __name__ == "__main__":
    main()
