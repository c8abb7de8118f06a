"""What the product says of simulated worlds that reach it as files: lists of pages, links, edits, and searches.

Each world is a property that drops its files, is loaded, gated and modelled like any other, and is judged by what
`rpt_discovery_effect` says, beside a fit of the world's own gaps. Writes results/discovery_files.json.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from math import exp
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from benchmarks.measuring import Figure, keep, say, warehouse
from seo_warehouse.discovery.linked import HEADLINE, fit_links
from seo_warehouse.steps import drop
from seo_warehouse.steps.build import build_warehouse
from seo_warehouse.steps.warehouse import Warehouse
from tests.discovery.worlds import LINK_WORLDS, LinkKnobs, LinkWorld, make_links

DAY_0 = date(2026, 5, 4)
"""A fortnight begins with it, as one of the worlds does."""
RATIOS = (1.6, 1.0)
WHOLE_EVERY, LATE_CADENCE = 28, 7
DAILY = ("random", "popular_half", "popular_one", "late", "edits", "shown_first", "rare", "few")
"""Searches are told of every day, or of none: worlds with looks days apart, page by page, need inspections."""
LEAST_COVERAGE, MOST_ALARMS = 0.93, 0.07
HEADLINES = """
select property_key, hazard_ratio, honest_low, honest_high
from marts.rpt_discovery_effect
where milestone = 'shown' and arm = 'acquired_followed' and band = '1-28' and cut = 'all'
"""


@dataclass(frozen=True)
class Case:
    """A world of a kind, with its true ratio."""

    key: int
    kind: str
    ratio: float
    seed: int

    @property
    def name(self) -> str:
        """The property that it is."""
        return f"w{self.key}"

    @property
    def knobs(self) -> LinkKnobs:
        """Of the world, looked at every day."""
        return replace(LINK_WORLDS[self.kind], ratio=self.ratio, look_every=1)

    def world(self) -> LinkWorld:
        """The world itself."""
        return make_links(self.seed, self.knobs)


def judge(cases: list[Case]) -> list[dict[str, Any]]:
    """A row of truth, of what the product says and of a fit of the gaps themselves, for each case."""
    properties = [
        {
            "key": case.key,
            "name": case.name,
            "domain": f"{case.name}.example",
            "history_start": "2026-01-01",
            "sources": {"exports": {"backlinks": {"cadence_days": LATE_CADENCE if case.knobs.late else 1}}},
        }
        for case in cases
    ]
    with warehouse(json.dumps({"properties": properties})) as wh:
        wh.sync_properties()
        for case in cases:
            write_files(wh.settings.drop / case.name, case)
            drop.ingest(wh, "exports", case.name, datetime.now(UTC).date(), lambda _: None)
        build_warehouse(wh)
        told = read_headlines(wh)
    return [_judged(case, told.get(case.key)) for case in cases]


def read_headlines(wh: Warehouse) -> dict[int, tuple[Any, ...]]:
    """Of each property its headline: ratio and honest interval, as far as they are told."""
    with wh.connect("transformer") as connection:
        return {key: tuple(rest) for key, *rest in connection.execute(HEADLINES).fetchall()}


def _judged(case: Case, told: tuple[Any, ...] | None) -> dict[str, Any]:
    ratio, low, high = told or (None, None, None)
    fitted = fit_links(case.world().gaps, 0)
    direct = exp(fitted.ratios[HEADLINE].log_ratio) if fitted else None
    return {
        "world": case.kind,
        "true_ratio": case.ratio,
        "seed": case.seed,
        "ratio": ratio,
        "is_told": low is not None,
        "covers": None if low is None else low <= case.ratio <= high,
        "fires": low is not None and not low <= 1 <= high,
        "off_the_fit": abs(ratio / direct - 1) if ratio and direct else None,
    }


def write_files(folder: Path, case: Case) -> None:
    """The files that a property of this world drops."""
    folder.mkdir(parents=True, exist_ok=True)
    site, world, last = f"https://www.{case.name}.example", case.world(), case.knobs.days - 1
    urls = [f"{site}/page-{page}" for page in range(case.knobs.pages)]
    pages = ((url, f"t{world.topic[page]}", day(world.published[page])) for page, url in enumerate(urls))
    write(folder / f"pages-{day(last)}.csv", ("url", "topic", "published_on"), pages)
    edits = [(url, day(world.edited[page]), "content") for page, url in enumerate(urls) if world.edited[page] <= last]
    if edits:
        write(folder / f"page_changes-{day(last)}.csv", ("url", "changed_on", "kind"), edits)
    for number in range(-WHOLE_EVERY, last + WHOLE_EVERY, WHOLE_EVERY):
        write(
            folder / f"backlinks-whole-{day(number)}.csv",
            ("source_url", "target_url", "rel", "first_seen"),
            links(site, urls, world, min(number, last)),
        )
    searches = ("date", "page", "clicks", "impressions", "position")
    write(folder / f"performance-{day(last)}.csv", searches, shown(site, urls, world, last))


def links(site: str, urls: list[str], world: LinkWorld, until: int) -> Iterator[tuple[Any, ...]]:
    """Links that their vendor had seen by a day, one a page, and one to the start page that was always there."""
    yield "https://old.example/", f"{site}/", "followed", day(-200)
    for page in np.flatnonzero(world.seen <= until):
        yield f"https://blog-{page}.example/", urls[page], "followed", day(world.seen[page])


def shown(site: str, urls: list[str], world: LinkWorld, last: int) -> Iterator[tuple[Any, ...]]:
    """Each day the start page, and pages on the first day on which they are shown."""
    for number in range(-1, last + 1):
        yield day(number), f"{site}/", 10, 100, 3
        for page in np.flatnonzero(world.event == number):
            yield day(number), urls[page], 0, 1, 40


def day(number: int) -> date:
    """A day of the world."""
    return DAY_0 + timedelta(days=int(number))


def write(path: Path, headings: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    """A file that has been quiet for an hour."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(headings)
        writer.writerows(rows)
    hour_ago = time.time() - 3600
    os.utime(path, (hour_ago, hour_ago))


@click.command()
@click.option("--seeds", default=4, show_default=True, help="Worlds of a kind and ratio.")
@click.option("--first-seed", default=2_000, show_default=True, help="Tests and worlds of gaps use those below.")
@click.option("--write/--no-write", "is_kept", default=True, help="Whether results/discovery_files.json is replaced.")
def main(seeds: int, first_seed: int, is_kept: bool) -> None:
    """Judge and print."""
    rows: list[dict[str, Any]] = []
    for seed in range(first_seed, first_seed + seeds):
        asked = [(kind, ratio) for kind in DAILY for ratio in RATIOS]
        rows += judge([Case(key, kind, ratio, seed) for key, (kind, ratio) in enumerate(asked, start=1)])
        say(f"seed {seed} judged")
    found = pd.DataFrame(rows)
    means = found.drop(columns="seed").astype({"covers": float, "ratio": float, "off_the_fit": float})
    told = means.groupby(["world", "true_ratio"], sort=False).mean().reset_index()
    sys.stdout.write(told.round(3).to_markdown(index=False) + "\n")
    still = found[found.true_ratio == 1.0]
    dated = found.world != "late"
    figures = [
        Figure("honest interval covers", float(means.covers.mean()), "at least", LEAST_COVERAGE),
        Figure("false alarms", float(still.fires.mean()), limit=MOST_ALARMS),
        # A whole export bounds links that are found late more tightly than the cadence that the world knows of.
        Figure("ratio off a fit of the world's own gaps", float(means.off_the_fit[dated].max()), limit=1e-6),
    ]
    rows_kept = json.loads(told.round(6).to_json(orient="records"))
    keep("discovery_files", figures, {"seeds": seeds, "first_seed": first_seed, "worlds": rows_kept}, write=is_kept)


if __name__ == "__main__":
    main()
