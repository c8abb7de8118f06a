"""What the models say of fresh simulated panels, with an effect of links and without, beside the truth.

Panels of 300 pages (`_900`: of 900) x 2 keywords x 230 days, some 50 usable events each. A build holds two dozen of
them, each a property of its own, those of each seed in a year of their own, so that a panel costs a few seconds.
Verdicts are kept panel by panel in results/link_effect_worlds.csv, so that a run may be ended and gone on with; tables
and picture are of all of these. docs/link-effect-simulations.md tells what the scenarios are.
"""

from __future__ import annotations

import csv
import json
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import click
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from psycopg import sql

from benchmarks.effect_scale import make_models, open_warehouse
from benchmarks.measuring import PICTURES, RESULTS, say
from seo_warehouse.demo.chance import number
from seo_warehouse.demo.knobs import PanelKnobs
from seo_warehouse.demo.panel import Panel, make_panel, true_positions
from seo_warehouse.demo.panel_links import GAINED, RESTORED
from seo_warehouse.effect import rows
from seo_warehouse.effect.contrasts import DONUT
from seo_warehouse.effect.estimates import FOLLOWED, HEADLINE, LEAST_EVENTS, SAMPLE_EVENTS, Published
from seo_warehouse.effect.inference import publish
from seo_warehouse.effect.spill import Spill, measure
from tests.effect.estimates import beyond_chance, estimate, followed_minus_nofollow, sample_error
from tests.effect.simulation import MEASURED
from tests.effect.spills import spill_rows
from tests.effect.tables import FIRST_DAY, Row, update_rows
from tests.effect.twin import Prepared, Sample, draw_sample, prepare
from tests.effect.windows import BURST, BURST_DAYS, BURST_WINDOW, Window, window
from tests.warehouse.effects import LOADED, build_effects, event_key, load
from tests.warehouse.world import Warehouse

KEPT = RESULTS / "link_effect_worlds.csv"
MEANS = RESULTS / "link_effect_worlds.json"
PICTURE = PICTURES / "link-effect-worlds.svg"
PAGES_OF_A_BUILD = 7_200
APART = timedelta(weeks=52)
"""Between the panels of one seed and those of the next: a warehouse has its updates once, and each seed its own."""
FIRST_SEED = 10_000
"""No choice of the method was made on panels of this seed and later ones."""
COVERS, FIRES, WIDTH, POWER = 0.93, 0.07, {"log_position": 1.2, "position": 1.35}, 0.89
"""Limits: coverage at least, false alarms at most, median width of the honest interval at most so many times the plain
one's, power in `random` at least."""

BASE = PanelKnobs(pages=300, keywords=2, days=230, gain_rate=0.0047)
BIG = replace(BASE, pages=900)
OTHERS = BASE.pages // BASE.topics - 1
SCENARIOS = {
    "random": BASE,
    "random_900": BIG,
    "rising": replace(BASE, rise_selection=1.0),
    "lucky": replace(BASE, spell_selection=1.0),
    "edits": replace(BASE, edit_share=0.5),
    "lifted": replace(BASE, spill_share=0.25),
    "lifted_900": replace(BIG, spill_share=0.25),
    "pushed": replace(BASE, spill_share=-0.25),
    "pushed_900": replace(BIG, spill_share=-0.25),
    "zero_sum": replace(BASE, spill_share=-1 / OTHERS),
    "zero_sum_900": replace(BIG, spill_share=-1 / (3 * OTHERS + 2)),
    "core_update": replace(BASE, core_effect=-0.15, pull_spread=0.8),
    "season": replace(BASE, season_sd=0.2),
    "late_21": replace(BASE, discovery_days=21.0),
    "pr_days": replace(BASE, pr_days=4),
    "depth_10": replace(BASE, later_depth=10),
    "skipped": replace(BASE, skipped_share=0.4),
    "heavy_tails": replace(BASE, effect_spread=1.3),
    "delayed": replace(BASE, effect_delay_days=16, effect_ramp_days=30),
    "one_keyword": replace(BASE, keywords=1),
    "bursts": replace(BASE, burst_share=0.5, gain_rate=0.0035),
}
BURSTS = "_in_bursts"
SCENARIOS |= {
    f"{name}{BURSTS}": replace(SCENARIOS[name], burst_share=0.5)
    for name in ("random", "random_900", "rising", "lucky", "edits", "core_update", "late_21", "heavy_tails")
}
"""Half of the links bring more to the page within four weeks: judged by what these bursts did."""
SCENARIOS |= {
    f"none_{name}": replace(knobs, followed_effect=0.0)
    for name, knobs in SCENARIOS.items()
    # Where a link does nothing it does nothing to others either.
    if not knobs.spill_share
}
MARK = """
update {} as told set is_index_change = true
from intermediate.int_link__count_first_sights as sights
where told.event_type = 'acquired' and sights.property_key = told.property_key
  and sights.witness = told.witness and sights.day = told.event_date and sights.is_index_change
"""
Judged = dict[str, Any]


@dataclass(frozen=True)
class World:
    """A panel of a scenario, as a property."""

    scenario: str
    seed: int
    property_key: int
    panel: Panel


def make_world(scenario: str, seed: int, property_key: int) -> World:
    """The panel of a seed, whose scenarios share the days of updates and nothing else."""
    knobs = replace(SCENARIOS[scenario], calendar=number("calendar", seed))
    panel = make_panel(number("worlds", scenario, seed), knobs)
    if "late_21" in scenario:
        # Nobody knows how late the links were seen.
        links = panel.links
        panel = replace(panel, links=replace(links, earliest_day=np.maximum(links.seen_day - 1, links.earliest_day)))
    return World(scenario, seed, property_key, panel)


def asked(scenario: str) -> tuple[str, Window]:
    """The arm and window that a scenario is judged by."""
    return (BURST, BURST_WINDOW) if scenario.endswith(BURSTS) else (FOLLOWED, window(HEADLINE))


def judge(w: Warehouse, chosen: Sequence[tuple[str, int]]) -> Iterator[Judged]:
    """What a build says of panels that were chosen by scenario and seed, for each of MEASURED."""
    worlds = [make_world(scenario, seed, key) for key, (scenario, seed) in enumerate(chosen, 1)]
    panels = {world.seed: world.panel for world in worlds}
    first_days = {seed: FIRST_DAY - number * APART for number, seed in enumerate(panels)}
    clear(w)
    for world in worlds:
        load(w, world.panel, world.property_key, first_days[world.seed])
    mark_index_changes(w)
    add_updates(w, [row for seed, panel in panels.items() for row in update_rows(panel, first_days[seed])])
    build_effects(w)
    published = publish_all(w)
    for world in worlds:
        events = treated(w, world)
        for outcome in MEASURED:
            yield verdict(world, outcome, events, published)


def clear(w: Warehouse) -> None:
    """Take away the panels of the build before."""
    there = w.rows(
        "select n.nspname, c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'p') and (c.relname = any(%s) or n.nspname = 'ops' and c.relname in"
        " ('property', 'panel_depth', 'tracked_keyword', 'publication', 'load'))",
        [*LOADED, "int_link__find_spans", "int_effect__list_updates"],
    )
    names = [sql.Identifier(row["nspname"], row["relname"]) for row in there]
    w.connection.execute(sql.SQL("truncate {} cascade").format(sql.SQL(", ").join(names)))
    # Windows beyond the headline are no part of it.
    w.connection.execute("delete from intermediate.link_windows where end_day > 34 and window_name <> 'burst'")


def add_updates(w: Warehouse, updates: Iterable[Row]) -> None:
    """The engine's updates, which are those of every panel of the same year."""
    for key, row in enumerate(updates, 1):
        dates = {"google_update_key": key, "begins_on": row["begin_date"], "ends_on": row["end_date"]}
        told = {"update_name": row["update_name"], "kind": "core", "is_confounder": True, "source_url": "simulated"}
        w.insert("marts.dim_google_update", [dates | told])
        w.insert("intermediate.int_effect__list_updates", [dates])


def mark_index_changes(w: Warehouse) -> None:
    """Judge the days on which many links came as the warehouse does."""
    w.connection.execute(
        """
        insert into intermediate.int_link__find_spans (property_key, witness, link_key, span_no, first_sight_date)
        select property_key, witness, link_key, 1, event_date from marts.fct_link_event where event_type = 'acquired'
        """
    )
    w.dbt("run", "--full-refresh", "--select", "int_link__count_first_sights")
    for schema, table in (("marts", "fct_link_event"), ("intermediate", "int_link__place_events")):
        w.connection.execute(sql.SQL(MARK).format(sql.Identifier(schema, table)))


def publish_all(w: Warehouse) -> dict[tuple[int, str, str, str], Published]:
    """By property, arm, outcome and window: what is published of all links together, weighted by variance."""
    pool = rows.read_pool(w.connection)
    made = publish(
        rows.read_estimates(w.connection),
        rows.read_arms(w.connection, pool),
        rows.read_weeks(w.connection, pool),
        rows.read_dropped(w.connection, pool),
        rows.read_spills(w.connection, pool),
    )
    return {
        (row.property_key, row.arm, row.outcome, row.window_name): row
        for row in made
        if row.cut == "all" and row.weighting == "variance"
    }


def treated(w: Warehouse, world: World) -> list[int]:
    """The panel's numbers of the events that the judgement is of; of a burst its first."""
    arm, over = asked(world.scenario)
    found = w.rows(
        "select distinct event.key from marts.fct_link_effect_cell as cell"
        " cross join lateral unnest(cell.event_keys) as event(key)"
        " where cell.property_key = %s and cell.window_name = %s and cell.cut = 'all' and cell.arm = %s",
        world.property_key,
        over.name,
        arm,
    )
    return sorted(row["key"] - event_key(world.property_key, 1) for row in found)


def verdict(world: World, outcome: str, events: Sequence[int], published: dict[Any, Published]) -> Judged:
    """What is said of one outcome of a panel. NaN where nothing is."""
    arm, over = asked(world.scenario)
    told = published.get((world.property_key, arm, outcome, over.name))
    late = published.get((world.property_key, arm, outcome, DONUT))
    return {
        "by": "models",
        "scenario": world.scenario,
        "seed": world.seed,
        "outcome": outcome,
        "events": len(events),
        "truth": true_effect(world, events, outcome) if events else np.nan,
        **{name: _number(getattr(told, name, None)) for name in (*ENDS, *SPILL)},
        "donut_low": _number(getattr(late, "honest_low", None)),
        "donut_high": _number(getattr(late, "honest_high", None)),
        "found_late": _number(getattr(told, "is_found_late", None)),
    }


ENDS = [
    f"{name}_{end}"
    for name in ("interval", "honest", "sample_honest", "followed_minus_nofollow")
    for end in ("low", "high")
]
SPILL = ("spill_estimate", "spill_standard_error", "spill_row_count", "spill_p_value")


def judge_by_twin(scenario: str, seed: int) -> Iterator[Judged]:
    """What the numpy twin says of a panel, which is what the models say (tests/warehouse/test_effect.py), without them.

    Of a panel whose depth changes the twin knows nothing.
    """
    world = make_world(scenario, seed, 0)
    prepared = prepare(world.panel, MEASURED)
    arm, over = asked(scenario)
    followed, before, nofollow = (
        draw_sample(prepared, each, name)
        for each, name in ((over, arm), (window("placebo", over.horizon), arm), (over, "acquired_nofollow"))
    )
    events = followed.event[followed.is_treated].tolist()
    # What single links do is set beside nofollow ones, and to what they did to other pages; what bursts do is not.
    is_single = arm == FOLLOWED
    rows_of_topics, exposure = (spill_rows(prepared), _exposure(prepared, followed)) if is_single else (None, 0.0)
    for outcome in MEASURED:
        told = dict.fromkeys([*ENDS, *SPILL], np.nan)
        # A panel may have no burst that can be judged.
        found, placebo = (estimate(each, outcome) if each.page.size else None for each in (followed, before))
        spill = measure([rows_of_topics], outcome).of(exposure) if rows_of_topics else Spill(0)
        moved, error = (spill.estimate, spill.standard_error) if spill.is_clear else (0.0, 0.0)
        if found and placebo and found.degrees >= SAMPLE_EVENTS - 1:
            own, t = sample_error(followed, before, outcome), found.half_width / found.standard_error
            doubt = abs(placebo.effect)
            for name, middle, half in (
                ("sample_honest", found.effect + moved, t * np.hypot(own, error) + doubt * beyond_chance(placebo)),
                ("interval", found.effect, found.half_width),
                ("honest", found.effect + moved, np.hypot(found.half_width, t * error) + doubt),
            )[: 3 if found.degrees >= LEAST_EVENTS - 1 else 1]:
                told |= {f"{name}_low": middle - half, f"{name}_high": middle + half}
            other = followed_minus_nofollow(followed, nofollow, outcome) if is_single else None
            if other and other.degrees >= LEAST_EVENTS - 1:
                t = other.half_width / other.standard_error
                middle, half = other.effect + moved, np.hypot(other.half_width, t * error)
                told |= {"followed_minus_nofollow_low": middle - half, "followed_minus_nofollow_high": middle + half}
            told |= {f"spill_{name}": _number(getattr(spill, name)) for name in ("estimate", "p_value", "row_count")}
            told |= {"spill_standard_error": _number(spill.standard_error)}
        yield {
            "by": "twin",
            "scenario": scenario,
            "seed": seed,
            "outcome": outcome,
            "events": len(events),
            "truth": true_effect(world, events, outcome) if events else np.nan,
            **{name: _number(value) for name, value in told.items()},
        }


def _exposure(prepared: Prepared, sample: Sample) -> float:
    """What the events of a sample are worth, weighted as their effects are."""
    authority = prepared.panel.links.authority
    mean = authority[prepared.events.row[prepared.events.arm == 0]].mean()
    n1, n0 = (np.bincount(sample.cell[each]).astype(np.float64) for each in (sample.is_treated, ~sample.is_treated))
    worth = np.bincount(sample.cell[sample.is_treated], authority[sample.event[sample.is_treated]] / mean) / n1
    weight = n1 * n0 / (n1 + n0)
    return float(weight @ worth / weight.sum())


def true_effect(world: World, events: Sequence[int], outcome: str) -> float:
    """Mean over events of the effect on their page's keywords, at the least depth that holds before and after."""
    over, panel = asked(world.scenario)[1], world.panel
    knobs = panel.knobs
    scale = np.log if outcome == "log_position" else np.asarray
    made = []
    for event in events:
        is_later = knobs.later_depth and panel.links.seen_day[event] + over.end >= knobs.days // 2
        depth = knobs.later_depth if is_later else knobs.depth
        others = rest_of_burst(panel, event) if over is BURST_WINDOW else []
        there, absent = true_positions(panel, event, over.begin, over.end, depth, others)
        made.append(np.mean(scale(there) - scale(absent)))
    return float(np.mean(made))


def rest_of_burst(panel: Panel, first: int) -> list[int]:
    """What came to the page with a burst's first link and after it."""
    links = panel.links
    day = links.seen_day - links.seen_day[first]
    came = (
        (links.page == links.page[first]) & np.isin(links.kind, (GAINED, RESTORED)) & (day >= 0) & (day <= BURST_DAYS)
    )
    return [each for each in np.flatnonzero(came).tolist() if each != first]


COLUMNS = [
    *("by", "scenario", "seed", "outcome", "events", "truth", *ENDS, *SPILL),
    *("donut_low", "donut_high", "found_late"),
]


def _number(value: float | None) -> float:
    return float("nan") if value is None else round(float(value), 6)


def summed(verdicts: pd.DataFrame) -> pd.DataFrame:
    """By scenario and outcome: shares with their standard errors, and median widths."""
    told = verdicts.assign(is_told=verdicts["sample_honest_low"].notna())
    for name in ("interval", "honest", "sample_honest", "donut", "followed_minus_nofollow"):
        low, high = told[f"{name}_low"], told[f"{name}_high"]
        # What is not published neither covers nor fires.
        known = low.notna()
        told[f"{name}_covers"] = ((low <= told["truth"]) & (told["truth"] <= high)).astype(float).where(known)
        told[f"{name}_tells"] = ((low > 0) | (high < 0)).astype(float).where(known)
        told[f"{name}_width"] = (high - low) / (told["interval_high"] - told["interval_low"])
    told["spill_tells"] = (told["spill_p_value"] < 0.05).astype(float).where(told["spill_p_value"].notna())
    groups = told.groupby(["scenario", "outcome"], sort=False)
    shares = [name for name in told if name.endswith(("_covers", "_tells"))]
    means = groups[[*shares, "is_told", "events", "truth", "found_late"]].mean()
    errors = np.sqrt(means[shares] * (1 - means[shares]) / groups[shares].count()).add_suffix("_error")
    widths = groups[[name for name in told if name.endswith("_width")]].median()
    return pd.concat([groups.size().rename("panels"), means, errors, widths], axis=1)


def chosen_of(means: pd.DataFrame, *, is_none: bool, is_burst: bool) -> list[str]:
    """The scenarios of which something is known, with an effect or without, of single links or of bursts."""
    kinds = {name: (name.startswith("none_"), name.endswith(BURSTS)) for name in SCENARIOS}
    return [name for name, kind in kinds.items() if kind == (is_none, is_burst) and name in means.index.levels[0]]


def table(means: pd.DataFrame, chosen: Sequence[str], *, is_none: bool) -> pd.DataFrame:
    """A line for each scenario; figures are of log position / position."""
    lines = {}
    for name in chosen:
        both = [means.loc[name, outcome] for outcome in MEASURED]
        asked = {
            "plain": "interval_tells" if is_none else "interval_covers",
            "these links": "sample_honest_tells" if is_none else "sample_honest_covers",
            "another link": "honest_tells" if is_none else "honest_covers",
            "donut": "donut_tells" if is_none else "donut_covers",
            "followed minus nofollow": f"followed_minus_nofollow_{'tells' if is_none else 'covers'}",
        }
        if not is_none:
            asked |= {"told from 0": "sample_honest_tells"}
        lines[name] = {
            "panels": int(both[0]["panels"]),
            "events": round(float(both[0]["events"])),
            "with a number": f"{both[0]['is_told']:.2f}",
            **{label: _share(both, column) for label, column in asked.items()},
            "width": " / ".join(f"{row['sample_honest_width']:.2f}" for row in both),
            "spill seen": " / ".join(f"{row['spill_tells']:.2f}" for row in both),
        }
    return pd.DataFrame.from_dict(lines, orient="index")


def _share(both: Sequence[pd.Series], column: str) -> str:
    return " / ".join(f"{row[column]:.2f} ({row[f'{column}_error']:.2f})" for row in both)


def limits(means: pd.DataFrame) -> Iterator[str]:
    """What misses its limit, a line each; where the standard error is larger than what it misses by, that too."""
    for (name, outcome), row in means.iterrows():
        for label, column, limit, is_most in (
            ("coverage", "sample_honest_covers", COVERS, False),
            ("false alarms", "sample_honest_tells", FIRES, True),
            ("power", "sample_honest_tells", POWER, False),
        ):
            is_none = name.startswith("none_")
            if is_none is (label != "false alarms") or (label == "power" and name != "random"):
                continue
            gap = (row[column] - limit) * (1 if is_most else -1)
            if gap > 0:
                error = row[f"{column}_error"]
                doubt = "" if gap > 2 * error else f", which chance may do (standard error {error:.3f})"
                yield f"{name}, {outcome}: {label} {row[column]:.3f}, limit {limit}{doubt}"
    for outcome in MEASURED:
        width = means.xs(outcome, level="outcome")["sample_honest_width"].filter(regex=f"(?<!{BURSTS})$")
        if width.median() > WIDTH[outcome]:
            yield f"{outcome}: median width {width.median():.2f} of the plain one's, limit {WIDTH[outcome]}"


def draw(means: pd.DataFrame) -> None:
    """Coverage with an effect, and false alarms without, of each scenario, with two standard errors."""
    style: Any = {"svg.hashsalt": "seo-warehouse", "svg.fonttype": "none", "font.size": 9}
    with plt.rc_context(style):
        drawing, axes = plt.subplots(1, 2, figsize=(10, 7), layout="constrained")
        for place, (prefix, ending, limit, title) in enumerate(
            (("", "covers", COVERS, "holds the truth"), ("none_", "tells", FIRES, "sees an effect that is not there"))
        ):
            names = chosen_of(means, is_none=bool(prefix), is_burst=False)
            for outcome, shift, mark in (("log_position", -0.15, "o"), ("position", 0.15, "s")):
                for column, colour, label in (
                    ("sample_honest", "#0b4f82", "honest, these links"),
                    ("interval", "#cc6633", "plain"),
                ):
                    told = means.xs(outcome, level="outcome").reindex(names)
                    axes[place].errorbar(
                        told[f"{column}_{ending}"],
                        np.arange(len(names)) + shift,
                        xerr=2 * told[f"{column}_{ending}_error"],
                        fmt=mark,
                        color=colour,
                        markersize=4,
                        linewidth=0.8,
                        label=f"{label}, {outcome.replace('_', ' ')}",
                    )
            axes[place].axvline(limit, color="#888888", linewidth=1)
            axes[place].set_yticks(range(len(names)), [name.removeprefix("none_") for name in names])
            axes[place].invert_yaxis()
            axes[place].set_title(f"The interval {title} (limit {limit:g})")
            axes[place].spines[["top", "right"]].set_visible(False)
        axes[1].legend(frameon=False, loc="lower right")
        drawing.savefig(PICTURE, metadata={"Date": None})
        plt.close(drawing)
    PICTURE.write_text("\n".join(map(str.rstrip, PICTURE.read_text().splitlines())) + "\n")


def told_before(by: str) -> pd.DataFrame:
    """Verdicts of the models, or of the twin, that were kept, of scenarios that there still are."""
    if not KEPT.exists():
        return pd.DataFrame(columns=COLUMNS)
    told = pd.read_csv(KEPT)
    return told[told["scenario"].isin(list(SCENARIOS)) & (told["by"] == by)]


def keep(judged: Iterable[Judged]) -> int:
    """Add verdicts to those that are kept; how many panels."""
    made = list(judged)
    RESULTS.mkdir(exist_ok=True)
    is_new = not KEPT.exists()
    with KEPT.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if is_new:
            writer.writeheader()
        writer.writerows(made)
    return len(made) // len(MEASURED)


def builds(chosen: Sequence[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    """The panels by the builds that judge them."""
    size, taken = 0, list[tuple[str, int]]()
    for scenario, seed in chosen:
        if taken and size + SCENARIOS[scenario].pages > PAGES_OF_A_BUILD:
            yield taken
            size, taken = 0, []
        size += SCENARIOS[scenario].pages
        taken.append((scenario, seed))
    if taken:
        yield taken


def judge_by_models(chosen: Sequence[tuple[str, int]], seconds: float) -> None:
    """Judge and keep, a build at a time, and begin none after so long, the making of empty models not counted."""
    with tempfile.TemporaryDirectory(prefix="seo-warehouse-bench-") as name, open_warehouse(Path(name)) as opened:
        w, _ = opened
        make_models(w)
        until = time.monotonic() + seconds
        for each in builds(chosen):
            if time.monotonic() > until:
                break
            at = time.monotonic()
            count = keep(judge(w, each))
            say(f"{count} panels in {time.monotonic() - at:.0f} s")


@click.command()
@click.option(
    "--seeds", default=100, show_default=True, help="Panels a scenario, those that were judged before included."
)
@click.option("--scenario", "scenarios", multiple=True, type=click.Choice(list(SCENARIOS)), help="Default: all.")
@click.option("--by", type=click.Choice(["models", "twin"]), default="models", show_default=True, help="Who judges.")
@click.option("--minutes", default=0.0, help="Begin no build after so many; 0: go on to the end.")
@click.option("--anew", is_flag=True, help="Forget what was judged before.")
@click.option(
    "--write/--no-write", default=True, help="Whether results/link_effect_worlds.json and the picture are replaced."
)
def main(seeds: int, scenarios: tuple[str, ...], by: str, minutes: float, anew: bool, write: bool) -> None:
    """Judge what was not judged before, and print."""
    if anew:
        KEPT.unlink(missing_ok=True)
    done = set(told_before(by)[["scenario", "seed"]].itertuples(index=False, name=None))
    # A seed of every scenario before the next, so that what is there at any time says as much of each.
    chosen = [
        (scenario, seed)
        for seed in range(FIRST_SEED, FIRST_SEED + seeds)
        for scenario in scenarios or SCENARIOS
        if (scenario, seed) not in done and (by == "models" or not SCENARIOS[scenario].later_depth)
    ]
    seconds = 60 * minutes if minutes else float("inf")
    if by == "twin":
        until = time.monotonic() + seconds
        for scenario, seed in chosen:
            if time.monotonic() < until:
                keep(judge_by_twin(scenario, seed))
    elif chosen:
        judge_by_models(chosen, seconds)
    means = summed(told_before(by))
    for is_none, is_burst in product((False, True), repeat=2):
        if names := chosen_of(means, is_none=is_none, is_burst=is_burst):
            say(table(means, names, is_none=is_none).to_markdown())
            say("")
    missed = list(limits(means))
    for line in missed:
        say(line)
    say(f"{len(missed)} limits missed")
    if write:
        lines = json.loads(means.round(4).reset_index().to_json(orient="records"))
        MEANS.write_text(json.dumps({"by": by, "means": lines}, indent=1) + "\n", encoding="utf-8")
        draw(means)


if __name__ == "__main__":
    main()
