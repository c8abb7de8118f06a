"""What losses that did not happen do to the effect of lost links, and what leaving them out is worth.

Panels of docs/link-effect-simulations.md (`random`), of whose told losses of followed links a quarter did not happen: a
link was called lost that lives on. Judged are log positions, by the interval of these very links, once by all losses
that were told, and once without those that our visits deny.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace
from multiprocessing import get_context
from typing import Any

import click
import numpy as np

from benchmarks.measuring import Figure, keep
from seo_warehouse.demo.chance import generator, number
from seo_warehouse.demo.panel import Panel, make_panel
from seo_warehouse.demo.panel_links import FOLLOWED, LOST, LinkEvents
from tests.effect.estimates import estimate, honest, sample_error
from tests.effect.simulation import BASE, true_effects
from tests.effect.twin import Sample, draw_sample, prepare
from tests.effect.windows import window

OUTCOME, ARM = "log_position", "lost_followed"
FALSE_SHARE = 0.25
"""Of the losses of followed links that are told."""


def judge(seed: int) -> dict[str, Any]:
    """Of a panel: the true effect of its lost links, and what is said of it with false losses and without them."""
    panel = make_panel(number("denied losses", seed), BASE)
    told: dict[str, Any] = {"seed": seed}
    for name, each in (("denied", panel), ("believed", with_false_losses(panel))):
        prepared = prepare(each, (OUTCOME,))
        main, placebo = (draw_sample(prepared, window(at), ARM) for at in ("headline", "placebo"))
        if name == "denied":
            told["truth"] = float(true_effects(each, main.event, main.window)[OUTCOME].mean())
        told[name], told[f"{name}_interval"] = interval_of(main, placebo)
    return told


def with_false_losses(panel: Panel) -> Panel:
    """The panel as its vendor tells of it: links that never went are called lost on some day of their lives."""
    links = panel.links
    lost = set(links.link[links.kind == LOST].tolist())
    is_told = (links.rel_class == FOLLOWED) & (links.true_day < panel.knobs.days - 1)
    stays = [row for row in np.flatnonzero(is_told) if int(links.link[row]) not in lost]
    true_count = int(((links.kind == LOST) & (links.rel_class == FOLLOWED)).sum())
    rng = generator(panel.seed, "false losses")
    rows = rng.permutation(stays)[: round(true_count * FALSE_SHARE / (1 - FALSE_SHARE))]
    days = rng.integers(links.true_day[rows] + 1, panel.knobs.days)
    false = {field.name: getattr(links, field.name)[rows] for field in fields(LinkEvents)}
    false |= {"kind": np.full(rows.size, LOST), "effect": np.zeros(rows.size)}
    false |= {"true_day": days, "seen_day": days, "earliest_day": days - 1}
    order = np.argsort(np.concatenate([links.true_day, days]), kind="stable")
    all_of_it = {name: np.concatenate([getattr(links, name), values])[order] for name, values in false.items()}
    return replace(panel, links=LinkEvents(**all_of_it))


def interval_of(main: Sample, placebo: Sample) -> tuple[float, tuple[float, float]]:
    """The estimate, and the honest interval of these very links."""
    plain, other = (estimate(sample, OUTCOME) for sample in (main, placebo))
    spare = replace(plain, standard_error=sample_error(main, placebo, OUTCOME))
    return plain.effect, honest(spare, other, main.window.begin, main.window.end)


@click.command()
@click.option("--seeds", default=100, show_default=True, help="Panels.")
@click.option("--write/--no-write", default=True, help="Whether results/denied_losses.json is replaced.")
def main(seeds: int, write: bool) -> None:
    """Judge and print."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        told = list(pool.map(judge, range(seeds), chunksize=5))
    truth = np.array([each["truth"] for each in told])
    figures = [Figure("true effect of lost links on log position", float(truth.mean()))]
    for name, limit in (("believed", None), ("denied", 0.93)):
        low, high = np.array([each[f"{name}_interval"] for each in told]).T
        held = float(np.mean((low <= truth) & (truth <= high)))
        figures += [
            Figure(f"estimate, false losses {name}", float(np.mean([each[name] for each in told]))),
            Figure(f"intervals that hold it, false losses {name}", held, "at least", limit),
        ]
    keep("denied_losses", figures, {"panels": told}, write=write)


if __name__ == "__main__":
    main()
