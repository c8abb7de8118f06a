"""The models of the effect on simulated panels: the slow builder's sample, and the estimates of regressions."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyfixest
import pytest
from scipy import stats

from seo_warehouse.demo.knobs import PanelKnobs
from seo_warehouse.demo.panel import Panel, make_panel
from seo_warehouse.report.reading import read_facts
from seo_warehouse.report.sentences import say_bursts
from tests.effect.builder import Built, build
from tests.effect.estimates import beyond_chance, estimate, followed_minus_nofollow, honest, per_link, sample_error
from tests.effect.simulation import SCENARIOS
from tests.effect.spills import spill_rows
from tests.effect.test_oracles import LEVELS_COUNTED
from tests.effect.test_twin import PANELS, tables
from tests.effect.twin import draw_sample, prepare
from tests.effect.windows import ARMS, BURST, BURST_WINDOW, CURVE, OUTCOMES, window, windows
from tests.warehouse.effects import build_effects, event_key, load, page_key, publish_effects
from tests.warehouse.world import Warehouse

SAMPLE = """
select
    units.property_key,
    case when units.role = 'control' then arms.arm else units.role end as arm,
    samples.window_name as window,
    samples.horizon_day as horizon,
    units.event_date,
    cells.locale,
    cells.device,
    units.page_key,
    units.role <> 'control' as is_treated,
    units.keyword_count,
    units.cell_key,
    units.base_log_position,
    units.base_position,
    case when samples.is_placebo then -1 else 1 end as sign,
    {changes}
from intermediate.int_effect__measure_units as units
join intermediate.int_effect__average_controls as cells using (property_key, cell_key, sample_no)
join intermediate.int_effect__list_samples as samples using (sample_no)
join (
    select distinct property_key, cell_key, sample_no, arm
    from marts.fct_link_effect_cell where cut = 'all'
) as arms using (property_key, cell_key, sample_no)
where not units.is_onpage_changed and (units.role = 'control' or units.role = arms.arm) and arms.arm <> 'burst_followed'
"""
KEY = ["arm", "window", "horizon", "event_date", "locale", "device", "page_key", "is_treated"]
SMALLER = {"pages": 160, "keywords": 2, "days": 200, "topics": 4}
SCENARIO_PANELS = {
    name: make_panel(number, replace(knobs, **SMALLER)) for number, (name, knobs) in enumerate(SCENARIOS.items(), 100)
}
"""A smaller panel of each scenario."""
BUSY, BUSY_KEY = make_panel(7, PanelKnobs(pages=300, keywords=1, edit_days=300.0, gain_rate=0.004)), 200
"""One with enough alike links to draw single ones towards."""


@pytest.fixture(scope="module")
def panels() -> dict[int, Panel]:
    """By property: the panels that the twin and the builder are compared on, then one of each scenario."""
    small = {key: make_panel(*arguments) for key, arguments in enumerate(PANELS, 1)}
    return small | dict(enumerate(SCENARIO_PANELS.values(), 100)) | {BUSY_KEY: BUSY}


@pytest.fixture(scope="module")
def modelled(warehouse: Warehouse, panels: dict[int, Panel]) -> Warehouse:
    """All panels in one warehouse, modelled in one run."""
    for key, panel in panels.items():
        load(warehouse, panel, key)
    build_effects(warehouse)
    return warehouse


@pytest.fixture(scope="module")
def sample(modelled: Warehouse) -> pd.DataFrame:
    """Every row of the sample of every arm of single links."""
    changes = ", ".join(f"units.{name}_change as dy_{name}" for name in OUTCOMES)
    drawn = pd.DataFrame(modelled.rows(SAMPLE.format(changes=changes)))
    for name in OUTCOMES:
        drawn[f"dy_{name}"] *= drawn["sign"]
    return drawn


def sql_estimates(w: Warehouse, key: int, cut: str = "all") -> dict[tuple[str, str, int, str, str], dict[str, Any]]:
    """By arm, window, horizon, outcome and weighting: the models' estimates of a property."""
    found = w.rows(
        "select * from intermediate.int_effect__estimate_effects where property_key = %s and cut = %s", key, cut
    )
    return {(r["arm"], r["window_name"], r["horizon_day"], r["outcome"], r["weighting"]): r for r in found}


@pytest.mark.parametrize("key", range(1, 1 + len(PANELS)))
def test_the_sample_is_exactly_that_of_an_independent_builder(
    sample: pd.DataFrame, panels: dict[int, Panel], key: int
) -> None:
    built: Built = build(tables(panels[key]), windows(), curve=CURVE)
    expected = built.rows.assign(page_key=[page_key(int(number)) for number in built.rows["page_key"]])
    expected = expected.sort_values(KEY).reset_index(drop=True)
    got = sample[sample["property_key"] == key].sort_values(KEY).reset_index(drop=True)
    assert expected["is_treated"].sum() > 20
    columns = [*KEY, "keyword_count"]
    pd.testing.assert_frame_equal(got[columns], expected[columns], check_dtype=False)
    for name in OUTCOMES:
        assert got[f"dy_{name}"].to_numpy(float) == pytest.approx(expected[f"dy_{name}"].to_numpy(float), abs=1e-11)
    for name in ("log_position", "position"):
        assert got[f"base_{name}"].to_numpy(float) == pytest.approx(expected[f"base_{name}"].to_numpy(float), abs=1e-9)


@pytest.mark.parametrize("key", [1, 2, 100])
@pytest.mark.parametrize("weighting", ["variance", "equal"])
def test_every_windows_estimate_is_that_of_a_regression_on_the_same_rows(
    modelled: Warehouse, sample: pd.DataFrame, key: int, weighting: str
) -> None:
    found = sql_estimates(modelled, key)
    drawn = sample[(sample["property_key"] == key) & (sample["arm"] == "acquired_followed")]
    assert drawn["is_treated"].any()
    for (name, horizon), each in drawn.groupby(["window", "horizon"]):
        for outcome in ("log_position", "position"):
            got = found["acquired_followed", name, horizon, outcome, weighting]
            fit = regress(each, outcome, weighting)
            assert got["estimate"] == pytest.approx(fit.coef()["d"], abs=1e-9, rel=0)
            if got["treated_cluster_count"] > 1:
                assert got["standard_error"] == pytest.approx(fit.se()["d"], rel=1e-8)
            assert (got["row_count"], got["cluster_count"]) == (fit._N, each["page_key"].nunique())


def test_all_properties_together_are_one_regression_whose_cells_and_pages_are_each_propertys_own(
    modelled: Warehouse, sample: pd.DataFrame
) -> None:
    found = sql_estimates(modelled, 0)
    drawn = sample[(sample["arm"] == "acquired_followed") & (sample["window"] == "headline")]
    own = drawn.assign(
        cell_key=drawn["property_key"].astype(str) + "/" + drawn["cell_key"].astype(str),
        page_key=drawn["property_key"].astype(str) + "/" + drawn["page_key"].astype(str),
    )
    for weighting in ("variance", "equal"):
        fit = regress(own, "log_position", weighting)
        got = found["acquired_followed", "headline", 34, "log_position", weighting]
        assert got["estimate"] == pytest.approx(fit.coef()["d"], abs=1e-9, rel=0)
        assert got["standard_error"] == pytest.approx(fit.se()["d"], rel=1e-8)


@pytest.mark.parametrize("name", SCENARIO_PANELS)
def test_the_models_say_of_each_scenario_what_the_twin_says(modelled: Warehouse, name: str) -> None:
    panel, key = SCENARIO_PANELS[name], 100 + list(SCENARIO_PANELS).index(name)
    found, prepared = sql_estimates(modelled, key), prepare(panel)
    placebos = {
        (arm, each.horizon): draw_sample(prepared, each, arm)
        for arm in ARMS
        for each in windows()
        if each.name == "placebo"
    }
    compared = 0
    for each in windows():
        for arm in ARMS:
            drawn = draw_sample(prepared, each, arm)
            if not len(drawn):
                assert (arm, each.name, each.horizon, "log_position", "variance") not in found
                continue
            for outcome in OUTCOMES:
                for weighting in ("variance", "equal"):
                    expected = estimate(drawn, outcome, weighting)
                    got = found[arm, each.name, each.horizon, outcome, weighting]
                    assert got["estimate"] == pytest.approx(expected.effect, abs=1e-9, rel=0)
                    assert (got["row_count"], got["cluster_count"]) == (expected.row_count, expected.cluster_count)
                    assert (got["cell_count"], got["event_count"]) == (expected.cell_count, expected.event_count)
                    if expected.degrees >= 1 and expected.row_count > 1 + expected.cell_count:
                        assert got["standard_error"] == pytest.approx(expected.standard_error, rel=1e-8, abs=1e-12)
                        own = sample_error(drawn, placebos[arm, each.horizon], outcome, weighting)
                        told = np.nan if got["sample_standard_error"] is None else got["sample_standard_error"]
                        assert told == pytest.approx(own, rel=1e-8, abs=1e-12, nan_ok=True)
                    compared += 1
    assert compared > 100


def test_the_models_say_of_bursts_what_the_twin_says(modelled: Warehouse, panels: dict[int, Panel]) -> None:
    compared = 0
    for key, panel in panels.items():
        found, prepared = sql_estimates(modelled, key), prepare(panel)
        drawn = [draw_sample(prepared, each, BURST) for each in (BURST_WINDOW, window("placebo", 62))]
        for each in drawn:
            if not len(each):
                assert (BURST, each.window.name, 62, "log_position", "variance") not in found
                continue
            for outcome in OUTCOMES:
                expected = estimate(each, outcome)
                got = found[BURST, each.window.name, 62, outcome, "variance"]
                assert got["estimate"] == pytest.approx(expected.effect, abs=1e-9, rel=0)
                assert (got["row_count"], got["cluster_count"]) == (expected.row_count, expected.cluster_count)
                if expected.degrees >= 1 and expected.row_count > 1 + expected.cell_count:
                    assert got["standard_error"] == pytest.approx(expected.standard_error, rel=1e-8, abs=1e-12)
                    told = np.nan if got["sample_standard_error"] is None else got["sample_standard_error"]
                    own = sample_error(each, drawn[1], outcome)
                    assert told == pytest.approx(own, rel=1e-8, abs=1e-12, nan_ok=True)
                    compared += each.window.name == "burst"
    assert compared >= 5


@pytest.fixture(scope="module")
def published(modelled: Warehouse) -> dict[tuple[int, str, str, str, str, str, str], dict[str, Any]]:
    """The mart's rows, written as a build writes them: by property, cut, level, arm, outcome, window and weighting."""
    made = publish_effects(modelled)
    modelled.dbt("build", "--select", "tag:after_estimates")
    found = modelled.rows("select * from marts.rpt_link_effect where panel = 'google'")
    assert len(found) == made
    names = ("property_key", "cut", "level", "arm", "outcome", "window_name", "weighting")
    return {tuple(row[name] for name in names): row for row in found}


def test_followed_minus_nofollow_is_that_of_the_twin(published: dict[Any, dict[str, Any]]) -> None:
    compared = 0
    for key, panel in enumerate(SCENARIO_PANELS.values(), 100):
        row = published[key, "all", "all", "acquired_followed", "log_position", "headline", "variance"]
        if row["followed_minus_nofollow"] is None:
            continue
        prepared = prepare(panel, ("log_position",))
        arms = [draw_sample(prepared, window("headline"), arm) for arm in ARMS[:2]]
        expected = followed_minus_nofollow(*arms, "log_position")
        assert row["followed_minus_nofollow"] == pytest.approx(expected.effect, abs=1e-9)
        assert row["followed_minus_nofollow_high"] == pytest.approx(expected.interval[1], rel=1e-8)
        compared += 1
    assert compared >= 3


def test_honest_intervals_are_those_of_the_twin(published: dict[Any, dict[str, Any]]) -> None:
    compared = 0
    for key, panel in enumerate(SCENARIO_PANELS.values(), 100):
        prepared = prepare(panel, ("log_position",))
        for name in ("headline", "week_3", "week_6"):
            row = published[key, "all", "all", "acquired_followed", "log_position", name, "variance"]
            if row["sample_honest_low"] is None:
                assert row["status"] == "not_enough_data"
                continue
            each = window(name)
            drawn = [draw_sample(prepared, at, "acquired_followed") for at in (each, window("placebo", each.horizon))]
            found, placebo = (estimate(sample, "log_position") for sample in drawn)
            low, high = honest(found, placebo, each.begin, each.end)
            error = sample_error(*drawn, "log_position")
            own = replace(found, standard_error=error)
            share = beyond_chance(placebo)
            own_low, own_high = honest(own, placebo, each.begin, each.end, share)
            assert row["sample_honest_low"] == pytest.approx(own_low, rel=1e-8)
            assert row["sample_honest_high"] == pytest.approx(own_high, rel=1e-8)
            if min(row["event_count"], row["treated_page_count"]) < 10:
                assert row["honest_low"] is row["placebo_estimate"] is None
                continue
            assert row["honest_low"] == pytest.approx(low, rel=1e-8)
            assert row["honest_high"] == pytest.approx(high, rel=1e-8)
            assert row["placebo_estimate"] == pytest.approx(placebo.effect, abs=1e-9)
            compared += 1
    assert compared >= 20


def test_the_weeks_before_are_tested_together_with_what_they_share(
    modelled: Warehouse, published: dict[Any, dict[str, Any]], sample: pd.DataFrame
) -> None:
    key = BUSY_KEY
    row = published[key, "all", "all", "acquired_followed", "log_position", "headline", "variance"]
    own = sample[(sample["property_key"] == key) & (sample["arm"] == "acquired_followed") & (sample["horizon"] == 34)]
    names = ("week_before_6", "week_before_5", "week_before_4", "week_before_3", "week_before_2")
    weeks = [own[own["window"] == name] for name in names]
    effects, scores, factors = zip(*map(_scores, weeks), strict=True)
    treated = [week.loc[week["is_treated"], "page_key"].nunique() for week in weeks]
    together = pd.concat(scores, axis=1).fillna(0.0).to_numpy()
    covariance = together.T @ together * np.sqrt(np.outer(factors, factors))
    statistic = np.array(effects) @ np.linalg.solve(covariance, np.array(effects)) / len(effects)
    expected = stats.f.sf(statistic, len(effects), min(treated) - 1)
    assert row["pretrend_p_value"] == pytest.approx(expected, rel=1e-6)


def test_the_donut_is_the_difference_of_two_windows_with_the_pages_that_they_share(
    published: dict[Any, dict[str, Any]], sample: pd.DataFrame
) -> None:
    own = sample[
        (sample["property_key"] == BUSY_KEY) & (sample["arm"] == "acquired_followed") & (sample["horizon"] == 34)
    ]
    headline, earlier = (_scores(own[own["window"] == name]) for name in ("headline", "week_before_4"))
    placebo = _scores(own[own["window"] == "placebo"])
    scores = pd.concat([headline[1], -earlier[1]], axis=1).fillna(0.0).to_numpy()
    covariance = scores.T @ scores * np.sqrt(np.outer(*[[headline[2], earlier[2]]] * 2))
    row = followed(published, "donut")
    assert row["estimate"] == pytest.approx(headline[0] - earlier[0], abs=1e-9)
    assert row["standard_error"] == pytest.approx(covariance.sum() ** 0.5, rel=1e-8)
    # Of the placebo the sample has the change as time goes.
    assert row["placebo_estimate"] == pytest.approx(earlier[0] + placebo[0], abs=1e-9)


@pytest.fixture(scope="module")
def documented(modelled: Warehouse, published: dict[Any, dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """What each query of the documentation finds of a property with enough links."""
    text = (Path(__file__).parents[2] / "docs/link-effect.md").read_text(encoding="utf-8")
    queries = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    assert len(queries) == 8
    return [
        modelled.rows(query.replace("%", "%%").replace("property_key = 1", f"property_key = {BUSY_KEY}"))
        for query in queries
    ]


def followed(published: dict[Any, dict[str, Any]], window_name: str) -> dict[str, Any]:
    """The row of the property's followed links, all together."""
    return published[BUSY_KEY, "all", "all", "acquired_followed", "log_position", window_name, "variance"]


def test_cells_and_pages_give_every_windows_estimate_and_its_error(
    documented: list[list[dict[str, Any]]], published: dict[Any, dict[str, Any]]
) -> None:
    assert len(documented[0]) == len(windows())
    placebos = {row["horizon_day"]: row["estimate"] for row in documented[0] if row["window_name"] == "placebo"}
    for row in documented[0]:
        if row["window_name"] == "placebo" and row["horizon_day"] > 34:
            continue
        told = followed(published, row["window_name"])
        assert row["estimate"] == pytest.approx(told["estimate"], abs=1e-12)
        assert row["standard_error"] == pytest.approx(told["standard_error"], rel=1e-9)
        assert placebos[row["horizon_day"]] == pytest.approx(told["placebo_estimate"], abs=1e-12)
        for name in ("cluster_count", "treated_page_count"):
            assert row[name] == told[name]


def test_the_size_of_the_placebo_makes_an_interval_honest(
    documented: list[list[dict[str, Any]]], published: dict[Any, dict[str, Any]]
) -> None:
    assert len(documented[1]) == sum(each.begin >= 0 for each in windows())
    for row in documented[1]:
        told = followed(published, row["window_name"])
        for name in ("honest_low", "honest_high", "sample_honest_low", "sample_honest_high"):
            assert row[name] == pytest.approx(told[name], abs=1e-12)


def test_the_controls_and_the_placebo_give_the_error_of_these_very_links(
    documented: list[list[dict[str, Any]]], published: dict[Any, dict[str, Any]]
) -> None:
    assert len(documented[2]) == sum(each.horizon == 34 for each in windows())
    for row in documented[2]:
        told = followed(published, row["window_name"])
        assert row["standard_error"] == pytest.approx(told["sample_standard_error"], rel=1e-9)


def test_the_scores_of_both_arms_give_the_error_of_their_difference(
    documented: list[list[dict[str, Any]]], published: dict[Any, dict[str, Any]]
) -> None:
    told = followed(published, "headline")
    [row] = documented[3]
    assert row["followed_minus_nofollow"] == pytest.approx(told["followed_minus_nofollow"], abs=1e-12)
    nofollow = published[BUSY_KEY, "all", "all", "acquired_nofollow", "log_position", "headline", "variance"]
    degrees = min(told["treated_page_count"], nofollow["treated_page_count"]) - 1
    half = (told["followed_minus_nofollow_high"] - told["followed_minus_nofollow_low"]) / 2
    # Where they clearly move other pages of their topics, what tells so adds its error.
    error = told["spill_standard_error"] if (told["spill_p_value"] or 1) < 0.05 else 0
    # Where links were found late it is wider by what the arms' placebos differ by.
    apart = abs(told["placebo_estimate"] - nofollow["placebo_estimate"]) if told["is_found_late"] else 0
    width = np.hypot(row["standard_error"], error) * stats.t.ppf(0.975, degrees)
    assert width + apart == pytest.approx(half, rel=1e-9)


def test_keywords_give_each_links_own_effect_and_links_alike_what_draws_it(
    documented: list[list[dict[str, Any]]], modelled: Warehouse
) -> None:
    told = {
        row["event_key"]: row
        for row in modelled.rows(
            "select * from marts.rpt_link_contribution where property_key = %s and panel = 'google' and reason is null",
            BUSY_KEY,
        )
    }
    own, alike = ({row["event_key"]: row for row in found} for found in documented[4:6])
    assert own.keys() == alike.keys() == told.keys()
    for event, row in told.items():
        assert own[event]["own_effect"] == pytest.approx(row["own_effect"], abs=1e-9)
        assert alike[event]["group_effect"] == pytest.approx(row["group_effect"], abs=1e-9)
        assert alike[event]["own_weight"] == pytest.approx(row["own_weight"], abs=1e-9)


def test_links_that_were_left_out_are_counted_by_reason(
    documented: list[list[dict[str, Any]]], published: dict[Any, dict[str, Any]]
) -> None:
    found = {row["reason"]: row["count"] for row in documented[6] if row["arm"] == "acquired_followed"}
    assert found == followed(published, "headline")["dropped_events"]


def test_bursts_are_told_with_their_dose(
    modelled: Warehouse, documented: list[list[dict[str, Any]]], published: dict[Any, dict[str, Any]]
) -> None:
    drawn = draw_sample(prepare(BUSY, ("log_position",)), BURST_WINDOW, BURST)
    [row] = documented[7]
    assert row["event_count"] == drawn.is_treated.sum() >= 5
    assert row["followed_domain_mean"] >= 2
    told = published[BUSY_KEY, "all", "all", BURST, "log_position", "burst", "variance"]
    assert (row["status"], row["sample_honest_low"]) == (told["status"], told["sample_honest_low"])
    assert told["sample_honest_low"] is not None
    facts = read_facts(modelled.connection, "shop", BUSY_KEY)
    assert facts.bursts.domain_mean == pytest.approx(float(row["followed_domain_mean"]))
    assert f"{facts.bursts.burst_count}, of which {row['event_count']} can be judged." in say_bursts(facts)[0]


def test_a_links_own_and_shrunk_values_are_those_of_the_twin(
    modelled: Warehouse, published: dict[Any, dict[str, Any]]
) -> None:
    key = BUSY_KEY
    drawn = draw_sample(prepare(BUSY, ("log_position",)), window("headline"), "acquired_followed")
    found = {
        row["event_key"]: row
        for row in modelled.rows(
            "select * from marts.rpt_link_contribution where property_key = %s and arm = 'acquired_followed'", key
        )
    }
    events = [event_key(key, int(event) + 1) for event in drawn.event[drawn.is_treated]]
    levels = sorted({found[event]["authority_level"] for event in events})
    group = np.array([levels.index(found[event]["authority_level"]) for event in events])
    expected = per_link(drawn, "log_position", group)
    whole = published[key, "all", "all", "acquired_followed", "log_position", "headline", "variance"]
    placebo = abs(whole["placebo_estimate"])
    compared = 0
    for number, event in enumerate(events):
        row = found[event]
        if row["reason"] == "too_few_events":
            assert row["group_event_count"] < 10
            assert row["shrunk_effect"] is None
            continue
        assert row["own_effect"] == pytest.approx(expected.own[number], abs=1e-9)
        assert row["own_standard_error"] == pytest.approx(expected.own_standard_error[number], rel=1e-8)
        assert row["own_weight"] == pytest.approx(expected.weight[number], abs=1e-9)
        assert row["shrunk_effect"] == pytest.approx(expected.shrunk[number], abs=1e-9)
        half = 1.959963984540054 * expected.standard_error[number] + placebo
        assert row["shrunk_high"] == pytest.approx(expected.shrunk[number] + half, abs=1e-9)
        compared += 1
    assert compared >= 10


def test_every_event_that_is_left_out_has_the_builders_reason(modelled: Warehouse, panels: dict[int, Panel]) -> None:
    for key in range(1, 1 + len(PANELS)):
        built = build(tables(panels[key]), [window("headline")], curve=CURVE).reasons
        best: dict[int, str] = {}
        for row in built.itertuples():
            event = event_key(key, int(row.event_key))
            best[event] = "" if "" in (row.reason, best.get(event)) else row.reason
        found = modelled.rows(
            "select * from marts.rpt_link_contribution where property_key = %s and arm is not null", key
        )
        told = {row["event_key"]: row["reason"] for row in found}
        single = {event for event in best if (built["event_key"] == event - key * 1_000_000).sum() == 1}
        wrong = {
            event: (best[event], told[event])
            for event in single
            if best[event] != (told[event] or "") and told[event] != "too_few_events"
        }
        assert not wrong


@pytest.mark.parametrize("key", [100, BUSY_KEY])
def test_what_untouched_pages_did_beside_the_links_of_others_is_that_of_the_twin(
    modelled: Warehouse, panels: dict[int, Panel], key: int
) -> None:
    expected = spill_rows(prepare(panels[key]))
    found = modelled.rows(
        "select * from intermediate.int_effect__measure_spills where property_key = %s order by event_date, topic", key
    )
    assert len(found) == expected.topic.size > 30
    for number, row in enumerate(found):
        assert row["topic"] == f"topic-{expected.topic[number]}"
        assert (row["event_date"] - date(1970, 1, 1)).days == expected.date[number]
        assert row["page_count"] == expected.pages[number]
        assert row["exposure"] == pytest.approx(expected.exposure[number], abs=1e-9)
        for name in OUTCOMES:
            assert row[f"{name}_change"] == pytest.approx(expected.change[name][number], abs=1e-9)


def test_cuts_are_of_their_levels_events_alone(modelled: Warehouse, published: dict[Any, dict[str, Any]]) -> None:
    key = 100 + list(SCENARIO_PANELS).index("authority")
    whole = published[key, "all", "all", "acquired_followed", "log_position", "headline", "variance"]
    levels = {
        row["level"]: row
        for (property_key, cut, _, arm, outcome, name, weighting), row in published.items()
        if (property_key, cut, arm, outcome, name, weighting)
        == (key, "authority", "acquired_followed", "log_position", "headline", "variance")
    }
    assert set(levels) == {"low", "middle", "high"}
    assert sum(row["event_count"] for row in levels.values()) == whole["event_count"]


def test_no_reader_of_the_report_finds_a_number_where_there_is_not_enough(published: dict[Any, dict[str, Any]]) -> None:
    few = [row for row in published.values() if row["status"] == "not_enough_data"]
    assert few
    for row in few:
        assert row["estimate"] is row["standard_error"] is row["interval_low"] is row["honest_low"] is None
        assert row["reason"] in {"too_few_events", "too_few_controls"}


def _scores(week: pd.DataFrame) -> tuple[float, pd.Series, float]:
    """Estimate of a window's rows, each page's score over the sum of weights, and the correction for few of both."""
    cell = week.groupby("cell_key")
    centred = week["is_treated"].astype(float) - cell["is_treated"].transform("mean")
    dy = week["dy_log_position"].astype(float)
    change = dy - dy.groupby(week["cell_key"]).transform("mean")
    weight = (centred**2).sum()
    effect = (centred * change).sum() / weight
    by_page = (centred * (change - effect * centred)).groupby(week["page_key"]).sum() / weight
    rows_, pages, parameters = len(week), len(by_page), 1 + cell.ngroups
    return effect, by_page, pages / (pages - 1) * (rows_ - 1) / (rows_ - parameters)


def regress(drawn: pd.DataFrame, outcome: str, weighting: str) -> Any:
    """A weighted regression with an effect for each cell, clustered by page."""
    frame = pd.DataFrame(
        {
            "dy": drawn[f"dy_{outcome}"].astype(float),
            "d": drawn["is_treated"] * 1.0,
            "cell": drawn["cell_key"],
            "page": drawn["page_key"],
        }
    )
    share = frame.groupby("cell")["d"].transform("mean")
    frame["w"] = 1.0 if weighting == "variance" else 1 / (1 - share)
    return pyfixest.feols("dy ~ d | cell", frame, vcov={"CRV1": "page"}, weights="w", ssc=LEVELS_COUNTED)
