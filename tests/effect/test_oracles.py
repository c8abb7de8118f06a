"""The twin's estimates are those of published implementations, to the last digits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diff_diff
import numpy as np
import pandas as pd
import pyfixest
import pytest

from seo_warehouse.demo.knobs import PanelKnobs
from seo_warehouse.demo.panel import make_panel
from tests.effect.estimates import Estimate, estimate, followed_minus_nofollow
from tests.effect.twin import Prepared, Sample, draw_sample, prepare
from tests.effect.windows import Window, window, windows

# pyfixest's own use of pandas.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")

KNOBS = PanelKnobs(pages=400, keywords=2, edit_days=300.0, rise_selection=0.5, gain_rate=0.003, loss_rate=0.002)
LEVELS_COUNTED = pyfixest.ssc(k_adj=True, k_fixef="full", G_adj=True, G_df="conventional")
"""Every cell's effect counts as a parameter: said here, since libraries and versions differ in what they assume."""


@pytest.fixture(scope="module", params=[1, 2, 3])
def prepared(request: pytest.FixtureRequest) -> Prepared:
    return prepare(make_panel(request.param, KNOBS))


def regress(sample: Sample, outcome: str, weighting: str) -> Any:
    frame = pd.DataFrame(
        {"dy": sample.change[outcome], "d": sample.is_treated * 1.0, "cell": sample.cell, "page": sample.page}
    )
    share = frame.groupby("cell")["d"].transform("mean")
    frame["w"] = 1.0 if weighting == "variance" else 1 / (1 - share)
    return pyfixest.feols("dy ~ d | cell", frame, vcov={"CRV1": "page"}, weights="w", ssc=LEVELS_COUNTED)


def same(found: Estimate, effect: float, standard_error: float) -> None:
    assert found.effect == pytest.approx(effect, abs=1e-9, rel=0)
    assert found.standard_error == pytest.approx(standard_error, rel=1e-8)


@pytest.mark.parametrize("weighting", ["variance", "equal"])
@pytest.mark.parametrize("each", windows(), ids=lambda each: f"{each.name}-{each.horizon}")
def test_an_estimate_is_that_of_a_regression_with_an_effect_for_each_cell(
    prepared: Prepared, each: Window, weighting: str
) -> None:
    sample = draw_sample(prepared, each, "acquired_followed")
    assert sample.is_treated.sum() >= 10
    for outcome in ("log_position", "position"):
        fit = regress(sample, outcome, weighting)
        found = estimate(sample, outcome, weighting)
        same(found, fit.coef()["d"], fit.se()["d"])
        assert (found.row_count, found.cluster_count) == (fit._N, np.unique(sample.page).size)


@pytest.mark.parametrize("arm", ["acquired_nofollow", "lost_followed"])
def test_the_other_arms_are_estimated_alike(prepared: Prepared, arm: str) -> None:
    sample = draw_sample(prepared, window("headline"), arm)
    for weighting in ("variance", "equal"):
        fit = regress(sample, "log_position", weighting)
        same(estimate(sample, "log_position", weighting), fit.coef()["d"], fit.se()["d"])


def test_followed_minus_nofollow_is_the_difference_of_two_regressions_stacked(prepared: Prepared) -> None:
    arms = [draw_sample(prepared, window("headline"), f"acquired_{arm}") for arm in ("followed", "nofollow")]
    found = followed_minus_nofollow(arms[0], arms[1], "log_position")
    frame = pd.concat(
        pd.DataFrame(
            {"dy": arm.change["log_position"], "cell": arm.cell + 10_000 * number, "page": arm.page}
            | {f"d{other}": arm.is_treated * float(other == number) for other in (0, 1)}
        )
        for number, arm in enumerate(arms)
    )
    # Stacked, a shared control stands twice: same scores by page, another count of rows and cells.
    fit = pyfixest.feols(
        "dy ~ d0 + d1 | cell", frame, vcov={"CRV1": "page"}, ssc=pyfixest.ssc(k_adj=False, G_adj=False)
    )
    contrast = np.array([1.0, -1.0])
    meat = float(contrast @ fit._vcov @ contrast)
    clusters, rows = found.cluster_count, found.row_count
    factor = clusters / (clusters - 1) * (rows - 1) / (rows - 2 - found.cell_count)
    same(found, fit.coef()["d0"] - fit.coef()["d1"], float(np.sqrt(meat * factor)))
    controls = {(*key,) for arm in arms for key in zip(arm.day, arm.topic, arm.page, arm.is_treated, strict=True)}
    assert rows == len(controls)


def horizon_sample(panel: pd.DataFrame, horizon: int) -> Sample:
    """Clean LP-DiD rows of a yearly panel with absorbing treatment: y(t + h) - y(t - 1) in cells of t."""
    wide = panel.pivot(index="countyreal", columns="year", values="lemp")
    first = panel.groupby("countyreal")["first.treat"].first().replace(0, np.inf)
    rows = []
    for year in wide.columns[1:]:
        if year + horizon in wide:
            change = wide[year + horizon] - wide[year - 1]
            chosen = (first == year) | (first > year + horizon)
            if (first == year).any():
                place = {"year": year, "dy": change[chosen], "d": first[chosen] == year}
                rows.append(pd.DataFrame(place).reset_index())
    frame = pd.concat(rows)
    none = np.zeros(len(frame), dtype=np.int64)
    year = frame["year"].to_numpy()
    return Sample(
        window=Window("h", horizon, horizon, horizon),
        page=frame["countyreal"].to_numpy(),
        day=year,
        device=none,
        topic=none,
        is_treated=frame["d"].to_numpy(),
        cell=np.unique(year, return_inverse=True)[1],
        event=none,
        keyword_count=none + 1,
        base={},
        change={"lemp": frame["dy"].to_numpy()},
    )


@pytest.fixture(scope="module")
def mpdta(shared_data: Path) -> pd.DataFrame:
    return pd.read_csv(shared_data / "did/mpdta.csv")


@pytest.mark.external
@pytest.mark.parametrize("horizon", range(4))
def test_reweighted_effects_are_those_of_r_did_with_controls_not_yet_treated(
    shared_data: Path, mpdta: pd.DataFrame, horizon: int
) -> None:
    told = pd.read_csv(shared_data / "did/mpdta_R_did_reference_aggte.csv")
    row = told[(told["scenario"] == "mpdta_nyt_dr") & (told["type"] == "dynamic") & (told["egt"] == horizon)]
    found = estimate(horizon_sample(mpdta, horizon), "lemp", "equal")
    assert found.effect == pytest.approx(row["att_egt"].item(), abs=1e-8, rel=0)
    # R's error comes from influence functions, without the small-sample factor.
    assert found.standard_error == pytest.approx(row["se_egt"].item(), rel=0.05)


@pytest.mark.external
@pytest.mark.parametrize("weighting", ["variance", "equal"])
def test_effects_on_a_published_panel_are_those_of_diff_diff(mpdta: pd.DataFrame, weighting: str) -> None:
    panel = mpdta.assign(on=((mpdta["first.treat"] > 0) & (mpdta["year"] >= mpdta["first.treat"])).astype(int))
    fit = diff_diff.LPDiD(post_window=3, reweight=weighting == "equal").fit(
        panel, outcome="lemp", unit="countyreal", time="year", treatment="on", only_event=True
    )
    for horizon in range(4):
        row = fit.event_study[fit.event_study["horizon"] == horizon].iloc[0]
        found = estimate(horizon_sample(mpdta, horizon), "lemp", weighting)
        assert found.effect == pytest.approx(row["coefficient"], abs=1e-12, rel=0)
        if weighting == "equal":
            assert found.standard_error == pytest.approx(row["se"], rel=1e-12)
        else:
            # It also counts the rows and the effects of years in which nobody was treated.
            ours = (found.row_count - 1) / (found.row_count - 1 - found.cell_count)
            theirs = (row["n_obs"] - 1) / (row["n_obs"] - 1 - (4 - horizon))
            assert found.standard_error * np.sqrt(theirs / ours) == pytest.approx(row["se"], rel=1e-12)
