"""What is said of five vendors over one truth, a hundred worlds, by the models: how often intervals hold what is so.

The worlds are those of tests/warehouse/vendors.py, each a property; what is true is the mean of as many others. What
nobody saw is judged of these worlds too, and of such as docs/portfolio.md speaks of: a vendor that copies, things that
nobody can see, and one that looks only where the others do not.
"""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.effect_scale import open_warehouse
from benchmarks.measuring import Figure, apart, keep, say
from seo_warehouse.authority.unseen import lower_bound
from seo_warehouse.steps.portfolio import SIGHTS
from tests.authority.test_unseen import told, world
from tests.warehouse.links import day
from tests.warehouse.vendors import MODELS, MONTHS, SCALE_SHIFT, World, draw_world, judged, publish, things, truth
from tests.warehouse.world import Warehouse

LEAST_HELD, LEAST_FOUND = 0.9, 0.8
THINGS = 3_000
TRUE_WORLDS = 300
Looks = NDArray[np.bool_]


def judge(first: int, worlds: int) -> dict[str, Any]:
    """What the models say of so many worlds."""
    with tempfile.TemporaryDirectory(prefix="seo-warehouse-bench-") as name, open_warehouse(Path(name)) as (w, _):
        w.dbt("seed")
        drawn = [draw_world(key) for key in range(first, first + worlds)]
        for each in drawn:
            publish(w, each)
        w.connection.execute("analyze")
        say(f"  {worlds} worlds are published")
        w.dbt("run", "--select", *MODELS)
        rows = w.rows("select * from marts.rpt_witness where property_key > 0")
        true = truth(range(10_000, 10_000 + TRUE_WORLDS))
        held = judged(rows, true)
        shifts = Counter(
            (row["day"] == day(SCALE_SHIFT), row["verdict"])
            for row in w.rows("select day, verdict from marts.rpt_scale_shift where vendor = 'ahrefs'")
        )
        return {
            "held": {
                f"{witness} {name} {month:%B}": (sum(each), len(each)) for (witness, name, month), each in held.items()
            },
            "true": {f"{witness} {name} {month:%B}": round(value, 4) for (witness, name, month), value in true.items()},
            "said": _means(rows),
            "bounds": _bounds(w, drawn),
            "shifts": {f"{'the night' if is_it else 'others'} {verdict}": n for (is_it, verdict), n in shifts.items()},
        }


def _means(rows: list[dict[str, Any]]) -> dict[str, float]:
    """What is said on the mean of worlds."""
    said: defaultdict[str, list[float]] = defaultdict(list)
    for row in rows:
        for name in ("coverage_share", "precision_share", "false_loss_share", "delay_lower_quartile_days"):
            if row["month"] in MONTHS and row[name] is not None:
                said[f"{row['witness']} {name} {row['month']:%B}"].append(float(row[name]))
    return {name: round(float(np.mean(values)), 4) for name, values in sorted(said.items())}


def _bounds(w: Warehouse, drawn: list[World]) -> dict[str, tuple[int, int]]:
    """By unit, in how many months of worlds the low end was no more than there was, of how many."""
    seen: defaultdict[tuple[int, str, date], dict[frozenset[str], int]] = defaultdict(dict)
    for key, unit, month, witnesses, count in w.connection.execute(SIGHTS):
        seen[key, unit, month][frozenset(witnesses)] = count
    found: defaultdict[str, list[bool]] = defaultdict(list)
    for each in drawn:
        for month, nights in MONTHS.items():
            for unit in ("domain", "link"):
                bound = lower_bound(seen[each.key, unit, month])
                if bound is not None:
                    found[unit].append(bound.low <= things(each, unit, nights))
    return {unit: (sum(held), len(held)) for unit, held in found.items()}


def _copied(looks: Looks, rng: np.random.Generator) -> Looks:
    looks[:, 1] |= looks[:, 0] & (rng.random(len(looks)) < 0.5)
    return looks


def _hidden(looks: Looks, rng: np.random.Generator) -> Looks:
    looks[rng.random(len(looks)) < 0.2] = False
    return looks


def _avoiding(looks: Looks, rng: np.random.Generator) -> Looks:
    looks[:, 4] = rng.random(len(looks)) < np.where(looks[:, :4].sum(axis=1) <= 1, 0.4, 0.1)
    return looks


SPOILT: dict[str, tuple[float, Callable[[Looks, np.random.Generator], Looks]]] = {
    "independent": (0.0, lambda looks, _: looks),
    "of different visibility": (1.5, lambda looks, _: looks),
    "one copies half of another": (0.0, _copied),
    "a fifth visible to nobody": (1.5, _hidden),
    "one avoids the others": (1.5, _avoiding),
}


def bound_worlds(name: str, worlds: int) -> tuple[float, float]:
    """In how many worlds of so many things the low end held, and one was left out that should be."""
    spread, spoil = SPOILT[name]
    held = left_out = 0
    for seed in range(1_000, 1_000 + worlds):
        bound = lower_bound(told(spoil(world(seed, spread, THINGS), np.random.default_rng(seed + 1_000_000))))
        held += bound is not None and bound.low <= THINGS
        left_out += bound is not None and bound.left_out == ("e",)
    return held / worlds, left_out / worlds


@click.command()
@click.option("--worlds", default=100, show_default=True)
@click.option("--first", default=101, show_default=True, help="CI's tests use the worlds from 1 on.")
@click.option("--write/--no-write", default=True, help="Whether results/link_witnesses.json is replaced.")
def main(worlds: int, first: int, write: bool) -> None:
    """Judge and print."""
    found = apart(judge, first, worlds)
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for where, (held, of) in found["held"].items():
        sums[where.split()[1]][0] += held
        sums[where.split()[1]][1] += of
    figures = [
        Figure(f"{name}: intervals that hold the truth", held / of, "at least", LEAST_HELD)
        for name, (held, of) in sums.items()
    ]
    figures += [
        Figure(f"low end of {unit}s that nobody saw holds", held / of, "at least", LEAST_HELD)
        for unit, (held, of) in found["bounds"].items()
    ]
    for name in SPOILT:
        held, left_out = bound_worlds(name, worlds)
        figures.append(Figure(f"low end holds, {name}", held, "at least", LEAST_HELD))
        if name == "one avoids the others":
            figures.append(Figure(f"{name}: it is left out", left_out, "at least", LEAST_FOUND))
    moved = found["shifts"].get("the night shifted", 0) / worlds
    figures.append(Figure("nights of a moved scale that are told", moved, "at least", 1))
    keep("link_witnesses", figures, {"worlds": worlds, **found}, write=write)


if __name__ == "__main__":
    main()
