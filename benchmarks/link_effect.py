"""What the method says of simulated panels with a known effect, a hundred a scenario, against its limits.

Prints coverage and false alarms of 95 % intervals for log position / position, and errors of single links; writes all
means to results/link_effect.json. Each panel has 800 pages x 3 keywords x 270 days and chance of its own.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click
import pandas as pd

from tests.effect.simulation import (
    BREAKING,
    DIFFERENCE_COVERS,
    FAKE_FIRES,
    FOUND_LATE,
    HONEST_COVERS,
    HONEST_FIRES,
    MEASURED,
    SCENARIOS,
    is_refuted_above,
    is_refuted_below,
    judge_all,
    judge_late,
)

RESULTS = Path(__file__).parent / "results/link_effect.json"
COLUMNS = ("before_after", "naive", "plain", "sample", "honest", "difference")


@click.command()
@click.option("--seeds", default=100, show_default=True, help="Panels a scenario.")
@click.option("--first-seed", default=1_000, show_default=True, help="CI's tests use the seeds from 0 on.")
@click.option(
    "--scenario", "scenarios", multiple=True, type=click.Choice(list(SCENARIOS | BREAKING)), help="Default: all."
)
@click.option("--write/--no-write", default=True, help="Whether results/link_effect.json is replaced.")
def main(seeds: int, first_seed: int, scenarios: tuple[str, ...], write: bool) -> None:
    """Judge and print."""
    began = time.monotonic()
    told = judge_all(scenarios or list(SCENARIOS | BREAKING), range(first_seed, first_seed + seeds))
    seconds = time.monotonic() - began
    verdicts = pd.DataFrame([verdict.to_dict() for verdict in told])
    means = verdicts.drop(columns="seed").groupby(["scenario", "outcome"], sort=False).mean()
    _say(f"link_effect: {seeds} panels a scenario, {seconds:.0f} s\n")
    late = pd.DataFrame(judge_late(name, seed) for name in FOUND_LATE for seed in range(first_seed, first_seed + seeds))
    tables = (_coverage(means), _effects(means), _links(means), late.groupby("scenario", sort=False).mean().round(3))
    for table in tables:
        _say(table.to_markdown())
        _say("")
    for line in _limits(verdicts):
        _say(line)
    if write:
        rows = json.loads(means.round(5).reset_index().to_json(orient="records"))
        RESULTS.parent.mkdir(exist_ok=True)
        document = {"seeds": seeds, "first_seed": first_seed, "means": rows}
        RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _pair(means: pd.DataFrame, column: str, digits: int = 2) -> pd.Series:
    """A figure of both outcomes, by scenario."""
    both = [means.xs(outcome, level="outcome")[column].map(f"{{:.{digits}f}}".format) for outcome in MEASURED]
    return both[0].str.cat(both[1], sep=" / ")


def _coverage(means: pd.DataFrame) -> pd.DataFrame:
    """Coverage where there is an effect, false alarms where there is none."""
    rows = {name: _pair(means, f"{name}_covers") for name in COLUMNS} | {"fake dates fire": _pair(means, "fake_fires")}
    return pd.DataFrame(rows | {"placebo fires": _pair(means, "placebo_fires")})


def _effects(means: pd.DataFrame) -> pd.DataFrame:
    columns = (
        "truth",
        "plain",
        "placebo",
        "plain_error",
        "sample_half_width",
        "half_width",
        "difference_truth",
        "difference",
    )
    events = means.xs(MEASURED[0], level="outcome")["events"].map("{:.0f}".format)
    return pd.DataFrame({"events": events} | {name: _pair(means, name, 3) for name in columns})


def _links(means: pd.DataFrame) -> pd.DataFrame:
    columns = ("rmse_before_after", "rmse_own", "rmse_shrunk", "rmse_converted", "own_weight", "shrunk_covers", "rises")
    return pd.DataFrame({name: _pair(means, name, 3 if "rmse" in name else 2) for name in columns})


def _limits(verdicts: pd.DataFrame) -> list[str]:
    """A line for every limit that an exact binomial test rejects at 1 %, and a last one with their number."""
    found = []
    for (scenario, outcome), rows in verdicts.groupby(["scenario", "outcome"], sort=False):
        count = len(rows)
        none = bool((rows["truth"] == 0).all())
        checks = {
            "these links' interval covers": is_refuted_below(rows["sample_covers"].sum(), count, HONEST_COVERS),
            "these links' interval's false alarms": none
            and is_refuted_above(rows["sample_fires"].sum(), count, HONEST_FIRES),
            "honest interval covers": is_refuted_below(rows["honest_covers"].sum(), count, HONEST_COVERS),
            "honest interval's false alarms": none
            and is_refuted_above(rows["honest_fires"].sum(), count, HONEST_FIRES),
            "followed minus nofollow covers": is_refuted_below(
                rows["difference_covers"].sum(), count, DIFFERENCE_COVERS
            ),
            "fake dates fire too rarely": is_refuted_below(rows["fake_fires"].sum(), count, FAKE_FIRES[0]),
            "fake dates fire too often": is_refuted_above(rows["fake_fires"].sum(), count, FAKE_FIRES[1]),
        }
        found += [f"refuted at 1 %: {scenario}, {outcome}: {name}" for name, holds in checks.items() if holds]
    return [*found, f"{len(found)} limits refuted"]


if __name__ == "__main__":
    main()
