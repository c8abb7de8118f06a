"""The windows and arms that tests of the effect speak of, as dbt_project/seeds/link_windows.csv has them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

SEED = Path(__file__).parents[2] / "dbt_project/seeds/link_windows.csv"
ARMS = ("acquired_followed", "acquired_nofollow", "lost_followed")
OUTCOMES = ("log_position", "position", "expected_ctr", "top_10_share", "ranked_share")
CLEAN_DAYS_BEFORE, CLEAN_DAYS_AFTER = 56, 34
BURST_DAYS = 28


def _curve() -> tuple[float, ...]:
    with (SEED.parent / "click_curve.csv").open(encoding="utf-8") as lines:
        return tuple(float(row["click_share"]) for row in csv.DictReader(lines))


CURVE = _curve()
"""Expected click rates by position; 0 beyond."""


@dataclass(frozen=True)
class Window:
    """Days `begin`..`end` after an event, both included; on units that are clean to `horizon` days after it."""

    name: str
    begin: int
    end: int
    horizon: int


def windows() -> tuple[Window, ...]:
    """All windows of single links, and the placebo once for each horizon; the base is none of them."""
    with SEED.open(encoding="utf-8") as lines:
        seeds = [(row["window_name"], int(row["begin_day"]), int(row["end_day"])) for row in csv.DictReader(lines)]
    found = [
        Window(name, begin, end, max(CLEAN_DAYS_AFTER, end))
        for name, begin, end in seeds
        if name not in {"base", "placebo", "burst"}
    ]
    (placebo,) = (seed for seed in seeds if seed[0] == "placebo")
    return (*found, *(Window(*placebo, horizon) for horizon in sorted({window.horizon for window in found})))


def window(name: str, horizon: int = CLEAN_DAYS_AFTER) -> Window:
    """The window of a name; the placebo of a horizon."""
    return next(each for each in windows() if each.name == name and (name != "placebo" or each.horizon == horizon))


BURST = "burst_followed"
BURST_WINDOW = Window("burst", 49, 62, 62)
"""Of a burst of links, whose placebo is `window("placebo", 62)`."""
