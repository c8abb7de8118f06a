"""What curves of waits and the effect of links on them take: 20,000 pages drawn 200 times, and a million gaps.

Prints shares of the limits and writes them to results/discovery.json with the machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import click

from benchmarks.measuring import Figure, apart, keep, peak_mebibytes
from seo_warehouse.discovery.curve import draw_curve
from seo_warehouse.discovery.linked import fit_links
from tests.discovery.worlds import LINK_WORLDS, WAIT_WORLDS, make_links, make_waits

CURVE_SECONDS = 60
FIT_SECONDS = 30
PAGES = 20_000
LINK_PAGES = 24_000
GAPS = 1_000_000


def curve(every: int) -> tuple[float, float]:
    """(seconds, MiB) of the curve of pages looked at every so many days, drawn 200 times."""
    waits = make_waits(1, replace(WAIT_WORLDS["daily"], pages=PAGES, look_every=every))
    return _timed(lambda: draw_curve(waits))


def model() -> tuple[float, float]:
    """(seconds, MiB) of one model of a million gaps."""
    gaps = make_links(1, replace(LINK_WORLDS["random"], pages=LINK_PAGES, look_every=1, hazard=0.012)).gaps
    if gaps.page.size < GAPS:
        raise SystemExit(f"only {gaps.page.size} gaps")
    return _timed(lambda: fit_links(gaps, 0))


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    began = time.monotonic()
    work()
    return time.monotonic() - began, peak_mebibytes()


@click.command()
@click.option("--write/--no-write", default=True, help="Whether results/discovery.json is replaced.")
def main(write: bool) -> None:
    """Measure each in a process of its own."""
    found = {f"curve, looks every {every} days": apart(curve, every) for every in (3, 10)}
    fitted = apart(model)
    figures = [Figure(name, seconds / CURVE_SECONDS, limit=1) for name, (seconds, _) in found.items()]
    figures.append(Figure("model of a million gaps", fitted[0] / FIT_SECONDS, limit=1))
    keep("discovery", figures, {"seconds_and_mebibytes": {**found, "model": fitted}}, write=write)


if __name__ == "__main__":
    main()
