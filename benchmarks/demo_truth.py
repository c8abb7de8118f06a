"""Whether the truth of the demo lies in the honest interval that a first run prints, in worlds of other seeds too.

Each seed is a world of its own, served over HTTP: the histories of its two panels are loaded and modelled as `make run`
does it, and the estimate is read as its last lines are made. The interval promises 95 % (docs/link-effect.md): of two
panels in 20 worlds so many may miss that chance alone would give in one of a hundred honest measurements, no more.
"""

from __future__ import annotations

import json
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from scipy.stats import binom

from benchmarks.measuring import Figure, apart, keep, say, warehouse
from seo_warehouse import demo
from seo_warehouse.config import Property
from seo_warehouse.demo import history
from seo_warehouse.demo.catalogue import PANELS
from seo_warehouse.demo.serving import DEFAULT_SEED
from seo_warehouse.demo.world import World
from seo_warehouse.embedded.answer import true_effect
from seo_warehouse.report.sentences import judge_facts, show
from seo_warehouse.steps.build import build_warehouse
from seo_warehouse.steps.history import onboard
from seo_warehouse.steps.report import read_effect
from seo_warehouse.steps.stated import CONNECTIONS_FILE
from seo_warehouse.steps.warehouse import Warehouse

PROMISED, DOUBT = 0.95, 0.01


def judge(seed: int) -> list[dict[str, Any]]:
    """What a first run says of each panel of a world, and what is true."""
    with (
        tempfile.TemporaryDirectory(prefix="seo-warehouse-demo-") as name,
        demo.running(Path(name), seed=seed) as served,
    ):
        port = int(served.server_address[1])
        stated = Path(name) / "properties.yml"
        demo.write_properties(stated, port, served.world.first_day, PANELS)
        with warehouse(stated.read_text()) as wh:
            (wh.settings.home / CONNECTIONS_FILE).write_text(json.dumps(demo.connections(port)))
            for prop in wh.properties.properties:
                yesterday = wh.now().date() - timedelta(days=1)
                onboard(wh, prop.name, None, yesterday, lambda _: None, history.load_snapshots)
            build_warehouse(wh)
            return [_verdict(wh, prop, served.world) for prop in wh.properties.properties]


def _verdict(wh: Warehouse, prop: Property, world: World) -> dict[str, Any]:
    facts = read_effect(wh, prop.name, panel=None, outcome=None)
    shown, truth = show(facts.find()), true_effect(wh, prop, demo.effects(world))
    said = {"property": prop.name, "status": judge_facts(facts).status, "truth": truth, "estimate": shown.estimate}
    return said | {"honest": shown.honest}


def holds(verdict: dict[str, Any]) -> bool:
    """Whether the truth lies in the interval."""
    return bool(verdict["honest"][0] <= verdict["truth"] <= verdict["honest"][1])


@click.command()
@click.option("--seeds", default=20, show_default=True, help="Worlds.")
@click.option("--first-seed", default=1_000, show_default=True)
@click.option("--write/--no-write", default=True, help="Whether results/demo_truth.json is replaced.")
def main(seeds: int, first_seed: int, write: bool) -> None:
    """Judge worlds one after the other and print how often the truth lay in the interval."""
    told = []
    for seed in (DEFAULT_SEED, *range(first_seed, first_seed + seeds - 1)):
        for verdict in apart(judge, seed):
            told.append({"seed": seed, **verdict})
            say(" ".join(f"{name} {value}" for name, value in told[-1].items()))
    judged = [verdict for verdict in told if verdict["honest"] is not None]
    held = sum(map(holds, judged))
    # As few as honest intervals of that many worlds have with a chance of one in a hundred.
    least = float(binom.ppf(DOUBT, len(judged), PROMISED)) / len(judged)
    figures = [
        Figure("truth in the honest interval, of panels with one", held / len(judged), "at least", least),
        Figure("panels with an interval", len(judged) / len(told), "at least", 0.9),
        *(
            Figure(f"{prop.name}: worlds in which its status is {wanted}", _share(told, prop.name, wanted))
            for prop, wanted in zip(PANELS, ("estimate", "exploratory"), strict=True)
        ),
    ]
    keep("demo_truth", figures, {"worlds": told}, write=write)


def _share(told: list[dict[str, Any]], name: str, status: str) -> float:
    of = [verdict for verdict in told if verdict["property"] == name]
    return sum(verdict["status"] == status for verdict in of) / len(of)


if __name__ == "__main__":
    main()
