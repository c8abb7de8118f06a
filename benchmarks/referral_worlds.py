"""How well visits that several links could have sent are laid to each, where it is known who sent them.

Prints a table of errors and covers by scenario, of worlds on which nothing was chosen, beside what each must be.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click
import pandas as pd

from benchmarks.measuring import Figure, keep
from tests.referral.worlds import Scenario, draw_world, judge

LATE = "links found up to 21 days late"
"""Of which the range of what nobody knows need not hold."""
SCENARIOS = {
    "15 % of links unknown, 85 % of policies seen": Scenario(),
    "no policy seen": Scenario(policies_seen=0.0),
    "places unknown": Scenario(is_kind_known=False),
    "35 % of links unknown": Scenario(missed=0.35),
    "people come in bursts": Scenario(day_shape=0.35),
    LATE: Scenario(late_days=21),
    "nearly all links there from the start": Scenario(born_at_start=0.9),
    "policies differ within 60 % of hosts": Scenario(mixed_hosts=0.6),
}


@click.command()
@click.option("--worlds", default=20, show_default=True, help="Worlds of a scenario.")
@click.option("--write/--no-write", default=True, help="Whether results/referral_worlds.json is replaced.")
def main(worlds: int, write: bool) -> None:
    """Judge and print."""
    rows = []
    for name, scenario in SCENARIOS.items():
        scores = pd.DataFrame([asdict(judge(draw_world(seed, scenario))) for seed in range(100, 100 + worlds)])
        links, large = scores.pop("link_count"), scores.pop("large_count")
        means = scores.astype(float).mean()
        means["cover"] = (scores["cover"] * links).sum() / links.sum()
        means["large_cover"] = (scores["large_cover"].fillna(0) * large).sum() / large.sum()
        rows.append({"scenario": name, **means.to_dict(), "links": int(links.sum()), "large": int(large.sum())})
    table = pd.DataFrame(rows)
    sys.stdout.write(table.round(2).to_markdown(index=False) + "\n")
    ratio = table["error"] / table["equal_error"]
    figures = [
        Figure("error, of equal shares', in the worst scenario", float(ratio.max()), limit=0.85),
        Figure("error, of equal shares', in the mean of scenarios", float(ratio.mean()), limit=0.72),
        Figure("intervals that hold, of all links, in the worst", float(table["cover"].min()), "at least", 0.92),
        Figure("those of links with 10 or more", float(table["large_cover"].min()), "at least", 0.86),
        Figure(
            "ranges of unknown links' visits that hold, but for late links",
            float(table.loc[table["scenario"] != LATE, "is_missed_held"].min()),
            "at least",
            0.65,
        ),
    ]
    found = {"worlds": worlds, "scenarios": json.loads(table.round(4).to_json(orient="records"))}
    keep("referral_worlds", figures, found, write=write)


if __name__ == "__main__":
    main()
