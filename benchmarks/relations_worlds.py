"""What a list of the twenty partners to ask next brings, and whether it keeps its promise, where the truth is known.

Of each kind of world as many as are asked for, on which nothing was chosen: the list by the 10 % quantile beside those
by raw rates, by the posterior mean and by chance, each as a share of what the truly best twenty bring. Beside it how
often the interval of what a day of a link costs (rpt_outreach_return) holds the truth, by the number of partners.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import click
import numpy as np
import pandas as pd
from scipy.stats import t

from benchmarks.measuring import Figure, keep
from seo_warehouse.relations.estimate import Floats, learn, weigh
from tests.relations.worlds import WORLDS, draw_world

BEST = 20
FIRST_SEED = 5_000
LEAST_PARTNERS = 10


def judge(seed: int, name: str) -> dict[str, float]:
    """What lists of one world bring and promise."""
    world = draw_world(seed, name)
    worth = weigh(world.partners, learn(world.partners), seed)
    whole = np.sort(world.truth)[-BEST:].sum()

    def best(by: Floats) -> Any:
        return np.argsort(-by, kind="stable")[:BEST]

    chance = np.random.default_rng(seed).random(world.truth.size)
    lists = {"chance": chance, "raw": world.raw, "mean": worth.value.mean, "careful": worth.careful_value}
    brought = {name: float(world.truth[best(by)].sum()) for name, by in lists.items()}
    cover = (worth.value.low <= world.truth) & (world.truth <= worth.value.high)
    return {name: value / whole for name, value in brought.items()} | {
        "promise": float(worth.value.mean[best(worth.careful_value)].sum()) / brought["careful"],
        "raw_promise": float(world.raw[best(world.raw)].sum()) / brought["raw"],
        "cover": float(cover.mean()),
    }


def cover_of_costs(partners: int, draws: int = 4_000) -> float:
    """How often the jackknife's interval holds the cost of a link-day, of partners who cost and last unequally.

    Of draws in which at least ten partners have a link, as where it is told.
    """
    rng = np.random.default_rng([FIRST_SEED, partners])
    size = (draws, partners)
    quality = rng.normal(size=size)
    tries = rng.geometric(0.3, size)
    kept = rng.binomial(tries, 1 / (1 + np.exp(1 - 0.8 * quality)))
    # A life each: the sum of as many exponentials is a gamma.
    days = np.where(kept > 0, rng.standard_gamma(np.maximum(kept, 1)), 0) * 200 * np.exp(0.5 * quality)
    money = 15 * tries + kept * 150 * np.exp(0.3 * quality + 0.4 * rng.normal(size=size))
    truth = money.sum() / days.sum()
    is_told = (kept > 0).sum(axis=1) >= LEAST_PARTNERS
    money, days = money[is_told], days[is_told]
    left = np.log((money.sum(axis=1, keepdims=True) - money) / (days.sum(axis=1, keepdims=True) - days))
    spread = np.sqrt(left.var(axis=1) * (partners - 1))
    off = np.abs(np.log(money.sum(axis=1) / days.sum(axis=1)) - np.log(truth))
    return float((off <= t.ppf(0.975, partners - 1) * spread).mean())


@click.command()
@click.option("--worlds", default=40, show_default=True, help="Worlds of a kind.")
@click.option("--write/--no-write", default=True, help="Whether results/relations_worlds.json is replaced.")
def main(worlds: int, write: bool) -> None:
    """Judge and print."""
    table = pd.DataFrame(
        [
            {"world": name, **pd.DataFrame([judge(FIRST_SEED + n, name) for n in range(worlds)]).mean().to_dict()}
            for name in WORLDS
        ]
    )
    sys.stdout.write(table.round(2).to_markdown(index=False) + "\n")
    costs = {str(partners): cover_of_costs(partners) for partners in (15, 20, 40, 100)}
    sys.stdout.write(f"cover of the interval of a link-day's cost by partners: {costs}\n")
    figures = [
        Figure("what the list brings, of raw rates', in the worst", float((table["careful"] / table["raw"]).min()),
               "at least", 0.95),
        Figure("its promise, of what it brings, in the worst", float(table["promise"].max()), limit=1.3),
        Figure("90 % intervals that hold, in the worst", float(table["cover"].min()), "at least", 0.85),
        Figure("95 % intervals of a link-day's cost that hold, in the worst", min(costs.values()), "at least", 0.90),
    ]  # fmt: skip
    found = {"worlds": worlds, "costs": costs, "kinds": json.loads(table.round(4).to_json(orient="records"))}
    keep("relations_worlds", figures, found, write=write)


if __name__ == "__main__":
    main()
