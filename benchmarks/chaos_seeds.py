"""Two hundred broken nights: how many ended as if nothing had happened.

Runs tests/chaos/test_seeds.py on the seeds that are named and keeps what became of each in results/chaos_seeds.json, as
soon as it has ended: a run that is broken off has kept what it did, and another one adds to it.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest

from benchmarks.measuring import RESULTS, Figure, keep

SEEDS = 200
TESTS = "tests/chaos/test_seeds.py"
NAME = "chaos_seeds"
KEPT = RESULTS / f"{NAME}.json"


class Recorder:
    """Notes how each seed ended."""

    def __init__(self) -> None:
        """Begin with what earlier runs kept."""
        self.seeds: dict[str, dict[str, Any]] = json.loads(KEPT.read_text())["seeds"] if KEPT.exists() else {}
        self.commit = _commit()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A phase of a test has ended; one that fails before its call is a failure too."""
        found = re.search(r"\[(\d+)\]", report.nodeid)
        if found is None or (report.when != "call" and report.passed):
            return
        self.seeds[found[1]] = {"outcome": report.outcome, "seconds": round(report.duration), "commit": self.commit}
        self.write()

    def write(self) -> None:
        """Keep all that is known."""
        ended = [seed for seed in self.seeds.values() if seed["outcome"] != "skipped"]
        equal = sum(seed["outcome"] == "passed" for seed in ended)
        figures = [
            Figure("seeds that were run", len(ended), "at least", SEEDS),
            Figure("of these, equal to the undisturbed run", equal / max(len(ended), 1), "at least", 1),
        ]
        keep(NAME, figures, {"seeds": dict(sorted(self.seeds.items(), key=lambda item: int(item[0])))})


def _commit() -> str:
    asked = ["git", "-C", str(Path(__file__).parents[1]), "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


@click.command()
@click.option("--seed", default=f"0-{SEEDS - 1}", show_default=True, help="A seed, or the first and the last of them.")
def main(seed: str) -> None:
    """Break so many nights."""
    recorder = Recorder()
    raise SystemExit(pytest.main([TESTS, "-n", "0", "-q", "--seed", seed], plugins=[recorder]))


if __name__ == "__main__":
    main()
