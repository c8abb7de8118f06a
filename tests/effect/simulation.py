"""Panels with a known effect, scenario by scenario: what the method says of each, beside the truth.

docs/link-effect-simulations.md tells what each scenario is and what came out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, t

from seo_warehouse.demo.chance import generator, number
from seo_warehouse.demo.knobs import PanelKnobs
from seo_warehouse.demo.panel import Panel, make_panel, true_positions
from tests.effect.estimates import (
    PerLink,
    before_after,
    beyond_chance,
    contrast,
    estimate,
    followed_minus_nofollow,
    honest,
    per_link,
    sample_error,
)
from tests.effect.twin import Events, Prepared, Sample, draw_sample, prepare
from tests.effect.windows import CLEAN_DAYS_AFTER, CLEAN_DAYS_BEFORE, Window, window

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MEASURED = ("log_position", "position")
Z = 1.959963984540054
REFUTED = 0.01
FAKE_COUNT = 240
"""Fake dates drawn for a placebo; about two thirds of them survive edits near by."""

HONEST_COVERS, HONEST_FIRES, DIFFERENCE_COVERS, FAKE_FIRES = 0.93, 0.07, 0.91, (0.02, 0.08)
"""Limits: of coverage, at least; of false alarms, at most; of fake dates that seem to tell, between."""

BASE = PanelKnobs()
SCENARIOS: dict[str, PanelKnobs] = {
    "random": BASE,
    "rising_half": replace(BASE, rise_selection=0.5),
    "rising_one": replace(BASE, rise_selection=1.0),
    "lucky": replace(BASE, spell_selection=1.0),
    "edits": replace(BASE, edit_share=0.5),
    "late": replace(BASE, discovery_days=7.0),
    "censored": replace(BASE, start_position=60.0),
    "nofollow_quarter": replace(BASE, nofollow_worth=0.25),
    "bursts": replace(BASE, burst_share=0.5, gain_rate=0.0027),
    "updates": replace(BASE, update_sd=0.3, update_days=20.0),
    "unmeasured": replace(BASE, unmeasured_share=0.3, failed_share=0.1, truncated_share=0.05),
    "authority": replace(BASE, authority_growth=1.0),
}
SCENARIOS |= {
    f"none_{name}": replace(SCENARIOS[name], followed_effect=0.0)
    for name in ("random", "rising_half", "rising_one", "lucky")
}
BREAKING = {
    "late_12": replace(BASE, discovery_days=12.0),
    "unseen_edits": replace(BASE, edit_share=0.5, unseen_edit_share=1.0),
    "none_unseen_edits": replace(BASE, edit_share=0.5, unseen_edit_share=1.0, followed_effect=0.0),
}
"""Beyond what the method claims, to show how it breaks."""
FOUND_LATE = {
    **{
        name: SCENARIOS[name]
        for name in ("random", "rising_one", "lucky", "none_random", "none_rising_one", "none_lucky")
    },
    "late_21": replace(BASE, discovery_days=21.0),
}
"""What the donut is tried on. Of `late_21` nobody knows that the dates are wrong."""


@dataclass(frozen=True)
class Verdict:
    """What was said of one outcome of one panel.

    truth, difference_truth   mean true effect on the treated over the headline window; followed less nofollow
    sample_*                  of the honest interval of these very links; honest_* that of another link
    *_covers, *_fires         whether an interval holds the truth; whether it leaves out 0
    naive                     before/after over all events, others' links and edits included
    fake_fires                the plain interval of one draw of fake dates leaves out 0
    rises                     effects of the authority's terciles are in order
    rmse_converted            of the shrunk log effect at the page's own base, in the outcome's unit
    shrunk_covers             share of links whose effect the shrunk value's interval holds
    """

    scenario: str
    seed: int
    outcome: str
    events: int
    controls_per_cell: float
    truth: float
    plain: float
    placebo: float
    plain_error: float
    half_width: float
    before_after_covers: bool
    before_after_fires: bool
    naive_covers: bool
    naive_fires: bool
    plain_covers: bool
    plain_fires: bool
    honest_covers: bool
    honest_fires: bool
    sample_covers: bool
    sample_fires: bool
    sample_half_width: float
    equal_covers: bool
    difference_truth: float
    difference: float
    difference_covers: bool
    difference_covers_followed: bool
    difference_fires: bool
    placebo_fires: bool
    fake_fires: bool
    rises: bool
    rmse_before_after: float
    rmse_own: float
    rmse_shrunk: float
    rmse_converted: float
    own_weight: float
    shrunk_covers: float

    def to_dict(self) -> dict[str, Any]:
        """All figures by name."""
        return asdict(self)


def judge(scenario: str, seed: int, knobs: PanelKnobs | None = None) -> list[Verdict]:
    """What the method says of the panel of a seed, for each of MEASURED."""
    # Scenarios share no chance, so that what is said of all of them together is of independent panels.
    panel = make_panel(number(scenario, seed), knobs or (SCENARIOS | BREAKING)[scenario])
    prepared = prepare(panel, MEASURED)
    headline, placebo = window("headline"), window("placebo")
    samples = {
        (arm, each.name): draw_sample(prepared, each, f"acquired_{arm}")
        for arm, each in (("followed", headline), ("followed", placebo), ("nofollow", headline))
    }
    naive = draw_sample(_unsifted(prepared), headline, "acquired_followed")
    fake = draw_sample(fake_dates(prepared, generator(panel.seed, "fake dates")), headline, "acquired_followed")
    truths = {arm: true_effects(panel, samples[arm, "headline"].event, headline) for arm in ("followed", "nofollow")}
    truths["naive"] = true_effects(panel, naive.event, headline)
    return [_verdict(scenario, seed, panel, outcome, samples, naive, fake, truths) for outcome in MEASURED]


def judge_late(scenario: str, seed: int) -> dict[str, Any]:
    """What headline, donut and the test of lateness say of log position of a panel of FOUND_LATE."""
    panel = make_panel(number(scenario, seed), FOUND_LATE[scenario])
    prepared = prepare(panel, MEASURED[:1])
    if scenario == "late_21":
        prepared = replace(prepared, events=replace(prepared.events, doubt=np.zeros_like(prepared.events.doubt)))
    names = ("headline", "placebo", "week_before_4", "week_before_3", "week_before_2")
    samples = {name: draw_sample(prepared, window(name), "acquired_followed") for name in names}
    main, before, earlier = (samples[name] for name in names[:3])
    truth = float(true_effects(panel, main.event, window("headline"))[MEASURED[0]].mean())
    plain, placebo = estimate(main, MEASURED[0]), estimate(before, MEASURED[0])
    donut = contrast([(1, main), (-1, earlier)], MEASURED[0])
    # Of the placebo a sample has the change as time goes.
    donut_placebo = contrast([(1, earlier), (1, before)], MEASURED[0])
    lead = contrast([(1 / 3, samples[name]) for name in names[3:]] + [(-1, earlier)], MEASURED[0])
    sign = np.sign(donut.effect)
    is_late = (
        _tail(sign * lead.effect / lead.standard_error, lead.degrees)
        < 0.05
        <= _tail(sign * donut_placebo.effect / donut_placebo.standard_error, donut_placebo.degrees)
    )
    told: dict[str, Any] = {"scenario": scenario, "events": plain.event_count, "found_late": bool(is_late)}
    for name, found, other in (("headline", plain, placebo), ("donut", donut, donut_placebo)):
        interval = honest(found, other, main.window.begin, main.window.end)
        told |= {f"{name}_covers": _covers(interval, truth), f"{name}_tells": not _covers(interval, 0.0)}
        told |= {f"{name}_width": interval[1] - interval[0]}
    return told


def _tail(ratio: float, degrees: int) -> float:
    return float(t.sf(ratio, degrees))


def true_effects(panel: Panel, events: Ints, over: Window) -> dict[str, Floats]:
    """Outcome -> true effect of each treated row's event, mean over its page's series and the window's days.

    `events` (N,) as a sample has them; -1, a control, has none.
    """
    pairs = [true_positions(panel, int(event), over.begin, over.end) for event in events[events >= 0]]
    scales: dict[str, Callable[[Any], Any]] = {"log_position": np.log, "position": np.asarray}
    return {
        name: np.array([np.mean(scale(there) - scale(absent)) for there, absent in pairs])
        for name, scale in scales.items()
    }


def fake_dates(prepared: Prepared, rng: np.random.Generator, count: int = FAKE_COUNT) -> Prepared:
    """The panel with events that never were: random dates on pages that never saw a link come or go."""
    quiet = np.flatnonzero(prepared.changes[:, -1] == 0)
    page = rng.permutation(quiet)[:count]
    day = rng.integers(CLEAN_DAYS_BEFORE, prepared.panel.knobs.days - CLEAN_DAYS_AFTER, page.size)
    changes = prepared.changes.copy()
    for each, begun in zip(page, day, strict=True):
        changes[each, begun + 1 :] += 1
    none = np.zeros(page.size, dtype=np.int64)
    return replace(prepared, changes=changes, events=Events(none, none, page, day, none, none + 1))


def judge_all(scenarios: Sequence[str], seeds: range, processes: int = 2) -> list[Verdict]:
    """What the method says of the seeds of each scenario."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        chosen = [(scenario, seed) for scenario in scenarios for seed in seeds]
        told = pool.map(judge, *zip(*chosen, strict=True), chunksize=5)
        return [verdict for verdicts in told for verdict in verdicts]


def is_refuted_below(count: int, of: int, share: float) -> bool:
    """Whether `count` of `of` is too few, at 1 %, for a share as large as that."""
    return bool(binom.cdf(count, of, share) < REFUTED)


def is_refuted_above(count: int, of: int, share: float) -> bool:
    """Whether `count` of `of` is too many, at 1 %, for a share as small as that."""
    return bool(binom.sf(count - 1, of, share) < REFUTED)


def terciles(authority: Ints) -> Ints:
    """Group 0, 1 or 2 of each, by rank; of equals the earlier is lower."""
    rank = np.empty(authority.size, dtype=np.int64)
    rank[np.argsort(authority, kind="stable")] = np.arange(authority.size)
    return rank * 3 // max(authority.size, 1)


def _unsifted(prepared: Prepared) -> Prepared:
    """The panel as it looks to one who minds neither other links nor edits."""
    nothing = np.zeros_like(prepared.changes)
    seen = prepared.events
    return replace(prepared, changes=nothing, edits=nothing, events=replace(seen, own=np.zeros_like(seen.own)))


def _covers(interval: tuple[float, float], truth: float) -> bool:
    return interval[0] <= truth <= interval[1]


def _verdict(
    scenario: str,
    seed: int,
    panel: Panel,
    outcome: str,
    samples: dict[tuple[str, str], Sample],
    naive: Sample,
    fake: Sample,
    truths: dict[str, dict[str, Floats]],
) -> Verdict:
    sample = samples["followed", "headline"]
    effects = truths["followed"][outcome]
    truth, difference_truth = float(effects.mean()), float(effects.mean() - truths["nofollow"][outcome].mean())
    plain, placebo = estimate(sample, outcome), estimate(samples["followed", "placebo"], outcome)
    wide = honest(plain, placebo, sample.window.begin, sample.window.end)
    spare = replace(plain, standard_error=sample_error(sample, samples["followed", "placebo"], outcome))
    own = honest(spare, placebo, sample.window.begin, sample.window.end, beyond_chance(placebo))
    simple, simplest = before_after(sample, outcome), before_after(naive, outcome)
    difference = followed_minus_nofollow(sample, samples["nofollow", "headline"], outcome)
    group = terciles(panel.links.authority[sample.event[sample.is_treated]])
    links = per_link(sample, outcome, group)
    level = [estimate(_only(sample, group == each), outcome).effect for each in range(3)]
    margin = Z * links.standard_error + abs(placebo.effect)
    converted = per_link(sample, "log_position", group).shrunk
    if outcome == "position":
        converted = sample.base["position"][sample.is_treated] * np.expm1(converted)
    return Verdict(
        scenario=scenario,
        seed=seed,
        outcome=outcome,
        events=plain.event_count,
        controls_per_cell=(plain.row_count - plain.event_count) / plain.cell_count,
        truth=truth,
        plain=plain.effect,
        placebo=placebo.effect,
        plain_error=plain.standard_error,
        half_width=(wide[1] - wide[0]) / 2,
        before_after_covers=_covers(simple.interval, truth),
        before_after_fires=not _covers(simple.interval, 0.0),
        naive_covers=_covers(simplest.interval, float(truths["naive"][outcome].mean())),
        naive_fires=not _covers(simplest.interval, 0.0),
        plain_covers=_covers(plain.interval, truth),
        plain_fires=not _covers(plain.interval, 0.0),
        honest_covers=_covers(wide, truth),
        honest_fires=not _covers(wide, 0.0),
        sample_covers=_covers(own, truth),
        sample_fires=not _covers(own, 0.0),
        sample_half_width=(own[1] - own[0]) / 2,
        equal_covers=_covers(estimate(sample, outcome, "equal").interval, truth),
        difference_truth=difference_truth,
        difference=difference.effect,
        difference_covers=_covers(difference.interval, difference_truth),
        difference_covers_followed=_covers(difference.interval, truth),
        difference_fires=not _covers(difference.interval, 0.0),
        placebo_fires=not _covers(placebo.interval, 0.0),
        fake_fires=not _covers(estimate(fake, outcome).interval, 0.0),
        rises=level[0] > level[1] > level[2],
        rmse_before_after=_rmse(links.before_after, effects),
        rmse_own=_rmse(links.own, effects),
        rmse_shrunk=_rmse(links.shrunk, effects),
        rmse_converted=_rmse(converted, effects),
        own_weight=float(links.weight.mean()),
        shrunk_covers=_share(links, effects, margin),
    )


def _rmse(told: Floats, truth: Floats) -> float:
    return float(np.sqrt(np.mean((told - truth) ** 2)))


def _share(links: PerLink, truth: Floats, margin: Floats) -> float:
    return float(np.mean(np.abs(links.shrunk - truth) <= margin))


def _only(sample: Sample, chosen: NDArray[np.bool_]) -> Sample:
    """The sample with the treated rows that `chosen` (treated rows,) names, and the controls of their cells."""
    treated = np.flatnonzero(sample.is_treated)[chosen]
    keep = ~sample.is_treated & np.isin(sample.cell, sample.cell[treated])
    keep[treated] = True
    return replace(
        sample,
        page=sample.page[keep],
        day=sample.day[keep],
        device=sample.device[keep],
        topic=sample.topic[keep],
        is_treated=sample.is_treated[keep],
        cell=np.unique(sample.cell[keep], return_inverse=True)[1],
        event=sample.event[keep],
        keyword_count=sample.keyword_count[keep],
        base={name: values[keep] for name, values in sample.base.items()},
        change={name: values[keep] for name, values in sample.change.items()},
    )
