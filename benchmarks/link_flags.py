"""How often links are flagged where nobody meddled with them, and where somebody did.

Prints a table of rates, and writes it to results/link_flags.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
import numpy as np
import pandas as pd

from seo_warehouse.authority.flags import LEVEL, WEEKS_BEFORE, chance_of_week, chance_of_words, flag_networks
from tests.authority.populations import WEEKS, draw_portfolio, network_arrivals

RESULTS = Path(__file__).parent / "results/link_flags.json"
SIZES = (20, 60, 200, 800)
SURGE = 8
REWRITTEN = 0.25
BURST, BURST_DAYS = 6, 10


def judge(domains: int, seed: int) -> dict[str, float]:
    """One portfolio: the share of its weeks that are flagged, its words, and both once somebody meddled."""
    rng = np.random.default_rng((domains, seed))
    drawn = draw_portfolio(rng, domains)
    tested = range(WEEKS_BEFORE, WEEKS)
    flagged = [chance_of_week(drawn.weeks[at], drawn.weeks[at - WEEKS_BEFORE : at]) < LEVEL for at in tested]
    at = int(rng.integers(WEEKS_BEFORE, WEEKS))
    surge = int(rng.poisson(SURGE * domains / WEEKS))
    rewritten = drawn.exact + int(rng.binomial(drawn.size - drawn.exact, REWRITTEN))
    share = float(np.mean(flagged))
    burst = network_arrivals(drawn, [int(day) for day in 7 * at + rng.integers(BURST_DAYS, size=BURST)])
    return {
        "domains": domains,
        "weeks_flagged": share,
        "weeks_flagged_without_viral": np.nan if drawn.is_viral else share,
        "surge_found": chance_of_week(surge, drawn.weeks[at - WEEKS_BEFORE : at]) < LEVEL,
        "words_flagged": chance_of_words(drawn.exact, drawn.size) < LEVEL,
        "networks_flagged": any(flag_networks(network_arrivals(drawn))),
        "burst_found": any(flag.subject == "planted" for flag in flag_networks(burst)),
        "rewritten_found": chance_of_words(rewritten, drawn.size) < LEVEL,
    }


@click.command()
@click.option("--portfolios", default=400, show_default=True, help="Portfolios of a size.")
@click.option("--write/--no-write", default=True, help="Whether results/link_flags.json is replaced.")
def main(portfolios: int, write: bool) -> None:
    """Judge and print."""
    rows = [judge(domains, seed) for domains in SIZES for seed in range(1_000, 1_000 + portfolios)]
    rates = pd.DataFrame(rows).astype(float).groupby("domains").mean().reset_index()
    sys.stdout.write(rates.round(4).to_markdown(index=False) + "\n")
    if write:
        document = {"portfolios": portfolios, "rates": json.loads(rates.round(5).to_json(orient="records"))}
        RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
