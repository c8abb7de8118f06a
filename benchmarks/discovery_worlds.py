"""What curves and the link model say of simulated worlds whose truth is known.

Prints tables of estimates, coverage and false alarms, and writes all means to results/discovery_worlds.json.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from math import log
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from scipy import sparse

from seo_warehouse.discovery.curve import draw_curve
from seo_warehouse.discovery.hazard import Pieces, fit
from seo_warehouse.discovery.linked import BEFORE, HEADLINE, Gaps, fit_links, fit_placebo
from seo_warehouse.discovery.published import half_width, status_of
from seo_warehouse.discovery.waits import WAITING
from tests.discovery.worlds import LINK_WORLDS, WAIT_WORLDS, make_links, make_waits, true_share

RESULTS = Path(__file__).parent / "results/discovery_worlds.json"
DAY = 14
RATIOS = (1.6, 1.0)
Z = 1.959963984540054


def judge_curve(name: str, seed: int) -> dict[str, Any]:
    """The share by day 14, and that of whoever takes the look's day for the event's."""
    knobs = WAIT_WORLDS[name]
    truth, waits = true_share(knobs, DAY), make_waits(seed, knobs)
    ended = waits.ending != WAITING
    at_look = replace(waits, after=np.where(ended, waits.by - 1, waits.after))
    found: dict[str, Any] = {"world": name, "seed": seed, "truth": truth}
    for kind, each in (("interval", waits), ("look", at_look)):
        curve = draw_curve(each, draws=40)
        low, high = curve.lower[DAY], curve.upper[DAY]
        found |= {kind: curve.share[DAY], f"{kind}_covers": low <= truth <= high, f"{kind}_width": high - low}
    return found


def judge_links(name: str, ratio: float, seed: int) -> dict[str, Any]:
    """The ratio of the headline with its intervals, and that of pages ever linked to pages never linked."""
    world = make_links(seed, replace(LINK_WORLDS[name], ratio=ratio))
    model, placebo_model = fit_links(world.gaps, 0), fit_placebo(world.gaps, 0)
    naive, naive_error = _ever_linked(world.gaps, world.ever_linked)
    if model is None or placebo_model is None:
        raise SystemExit(f"{name}, seed {seed}: nothing could be fitted")
    own, placebo = model.ratios[HEADLINE], placebo_model.ratios[BEFORE]
    width, truth = half_width(own), log(ratio)
    wider = width + abs(placebo.log_ratio)
    status, _ = status_of(own, placebo)
    is_told = status in ("estimate", "exploratory")
    return {
        "world": name,
        "true_ratio": ratio,
        "seed": seed,
        "events": own.event_count,
        "log_ratio": own.log_ratio,
        "placebo": placebo.log_ratio,
        "naive": naive,
        "naive_covers": abs(naive - truth) <= Z * naive_error,
        "plain_covers": abs(own.log_ratio - truth) <= width,
        "plain_fires": abs(own.log_ratio) > width,
        "honest_covers": abs(own.log_ratio - truth) <= wider,
        "honest_fires": is_told and abs(own.log_ratio) > wider,
        "is_reverse": status == "reverse",
        "width_ratio": wider / width,
    }


def _ever_linked(gaps: Gaps, ever: Any) -> tuple[float, float]:
    """(logarithm of the ratio, its error) with no more than a column for pages that were linked at any time."""
    design = sparse.csr_array(np.column_stack([np.ones(gaps.gap.size), ever[gaps.page[gaps.gap]]]).astype(np.float64))
    pieces = Pieces(gaps.gap, gaps.days, design, gaps.is_event, gaps.page)
    found = fit(pieces, np.array([-3.0, 0.0]))
    if found is None:
        raise SystemExit("the naive ratio could not be fitted")
    return float(found.coefficients[1]), float(np.sqrt(found.covariance[1, 1]))


@click.command()
@click.option("--seeds", default=40, show_default=True, help="Worlds of a kind.")
@click.option("--first-seed", default=1_000, show_default=True, help="Tests use the seeds from 0 on.")
@click.option("--write/--no-write", default=True, help="Whether results/discovery_worlds.json is replaced.")
def main(seeds: int, first_seed: int, write: bool) -> None:
    """Judge and print."""
    numbers = range(first_seed, first_seed + seeds)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        asked = [(name, seed) for name in WAIT_WORLDS for seed in numbers]
        curves = pd.DataFrame(list(pool.map(judge_curve, *zip(*asked, strict=True), chunksize=5)))
        linked = [(name, ratio, seed) for name in LINK_WORLDS for ratio in RATIOS for seed in numbers]
        links = pd.DataFrame(list(pool.map(judge_links, *zip(*linked, strict=True), chunksize=5)))
    means = {
        "curves": curves.drop(columns="seed").groupby("world", sort=False).mean().reset_index(),
        "links": links.drop(columns="seed").groupby(["world", "true_ratio"], sort=False).mean().reset_index(),
    }
    for told in means.values():
        sys.stdout.write(told.round(3).to_markdown(index=False) + "\n\n")
    if write:
        rows = {name: json.loads(told.round(5).to_json(orient="records")) for name, told in means.items()}
        document = {"seeds": seeds, "first_seed": first_seed, **rows}
        RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
