"""Curves and hazards are those of published implementations, to the last digits."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import statsmodels.api as sm
from lifelines import AalenJohansenFitter, KaplanMeierFitter
from scipy import optimize, sparse

from seo_warehouse.discovery.curve import draw_curve
from seo_warehouse.discovery.hazard import Fit, Pieces, fit
from seo_warehouse.discovery.waits import EVENT, GONE, WAITING, Waits, estimate_hazards
from tests.discovery.worlds import WaitKnobs, make_waits

SEEDS = range(2)


def exact_waits(seed: int, pages: int = 400) -> Waits:
    """Ends known to the day, late entry, half of them censored early."""
    rng = np.random.default_rng([seed, 3])
    entered = np.where(rng.random(pages) < 0.4, rng.integers(0, 15, pages), -1)
    after = entered + rng.geometric(0.08, pages)
    ending = np.where(rng.random(pages) < 0.6, EVENT, WAITING)
    return Waits(entered, after, after + 1, ending)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_curve_of_exact_days_with_late_entry_is_kaplan_meiers(seed: int) -> None:
    waits = exact_waits(seed)
    is_event = waits.ending == EVENT
    # Our day 0 ends at 1 of the library's, and a page that is entered on a day is at risk after it.
    last = np.where(is_event, waits.by, waits.after) + 1
    theirs = KaplanMeierFitter().fit(last, is_event, entry=waits.entered + 1)
    days = np.arange(waits.day_count)
    expected = 1 - theirs.survival_function_at_times(days + 1).to_numpy()
    assert estimate_hazards(waits).share == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_its_interval_is_greenwoods_on_the_log_log_scale(seed: int) -> None:
    waits = exact_waits(seed)
    is_event = waits.ending == EVENT
    last = np.where(is_event, waits.by, waits.after) + 1
    theirs = KaplanMeierFitter().fit(last, is_event, entry=waits.entered + 1).confidence_interval_
    found = draw_curve(waits)
    bounds = 1 - theirs.reindex(np.arange(found.share.size) + 1.0, method="ffill").to_numpy()
    assert not np.isnan(found.lower).all()
    shown = ~np.isnan(found.lower)
    assert found.upper[shown] == pytest.approx(bounds[shown, 0], abs=1e-9)
    assert found.lower[shown] == pytest.approx(bounds[shown, 1], abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_shares_of_competing_ends_without_ties_are_aalen_johansens(seed: int) -> None:
    rng = np.random.default_rng([seed, 4])
    by = rng.permutation(300)[:150]
    ending = rng.choice([WAITING, EVENT, GONE], by.size, p=[0.3, 0.4, 0.3])
    after = np.where(ending == WAITING, by, by - 1)
    found = estimate_hazards(Waits(np.full(by.size, -1), after, by, ending))
    for cause, share in ((EVENT, found.share), (GONE, found.gone_share)):
        theirs = AalenJohansenFitter(calculate_variance=False).fit(by + 1, ending, event_of_interest=cause)
        expected = theirs.cumulative_density_.reindex(np.arange(share.size) + 1.0, method="ffill")
        assert share == pytest.approx(expected.to_numpy()[:, 0], abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_curve_of_looks_days_apart_is_turnbulls_where_looks_tell_days_apart(seed: int) -> None:
    waits = make_waits(seed, WaitKnobs(pages=2_000, look_every=3, gone=1e-9))
    last = np.where(waits.ending == EVENT, waits.by * 1.0, np.inf)
    with warnings.catch_warnings():
        # The library's own use of pandas and numpy.
        warnings.simplefilter("ignore")
        theirs = KaplanMeierFitter().fit_interval_censoring(waits.after + 1.0, last, tol=1e-10).survival_function_
    # Their index is the day's beginning.
    expected = 1 - theirs.reindex(np.arange(31) + 1.0, method="ffill").to_numpy().mean(axis=1)
    assert estimate_hazards(waits).share[:31] == pytest.approx(expected, abs=1e-4)


def regression(pieces: Pieces) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and covariance of a GLM with complementary log-log and an offset; gaps of one piece only."""
    link = sm.families.links.CLogLog()
    model = sm.GLM(
        pieces.is_event.astype(float),
        pieces.design.toarray(),
        family=sm.families.Binomial(link),
        offset=np.log(pieces.days),
    )
    told = model.fit(
        tol=1e-14,
        tol_criterion="params",
        maxiter=200,
        cov_type="cluster",
        cov_kwds={"groups": pieces.page, "use_correction": False},
    )
    pages = np.unique(pieces.page).size
    return told.params, told.cov_params() * pages / (pages - 1)


def single_pieces(seed: int, gaps: int = 3_000) -> Pieces:
    rng = np.random.default_rng([seed, 5])
    design = np.column_stack([np.ones(gaps), rng.random((gaps, 3)) < 0.3]).astype(np.float64)
    days = rng.integers(1, 8, gaps).astype(np.float64)
    hazard = days * np.exp(design @ [-3.0, 0.5, -0.4, 0.2])
    is_event = rng.random(gaps) < -np.expm1(-hazard)
    return Pieces(np.arange(gaps), days, sparse.csr_array(design), is_event, rng.integers(0, 500, gaps))


@pytest.mark.parametrize("seed", SEEDS)
def test_hazards_of_gaps_of_one_piece_are_those_of_a_regression(seed: int) -> None:
    pieces = single_pieces(seed)
    found = fit(pieces, np.array([-3.0, 0.0, 0.0, 0.0]))
    assert isinstance(found, Fit)
    coefficients, covariance = regression(pieces)
    assert found.coefficients == pytest.approx(coefficients, abs=1e-8)
    assert found.covariance == pytest.approx(covariance, rel=1e-8, abs=1e-10)
    assert found.is_identified.all()


def test_hazards_of_gaps_in_several_pieces_are_what_makes_them_most_likely() -> None:
    rng = np.random.default_rng(6)
    gap = np.sort(rng.integers(0, 800, 2_000))
    design = np.column_stack([np.ones(gap.size), rng.random((gap.size, 2)) < 0.4]).astype(np.float64)
    days = rng.integers(1, 5, gap.size).astype(np.float64)
    hazard = np.bincount(gap, days * np.exp(design @ [-2.5, 0.7, -0.3]), 800)
    is_event = rng.random(800) < -np.expm1(-hazard)
    found = fit(Pieces(gap, days, sparse.csr_array(design), is_event, np.arange(800)), np.array([-2.0, 0.0, 0.0]))

    def unlikely(coefficients: np.ndarray) -> float:
        total = np.bincount(gap, days * np.exp(design @ coefficients), 800)
        return -float(np.log(-np.expm1(-total[is_event])).sum() - total[~is_event].sum())

    best = optimize.minimize(unlikely, np.zeros(3), method="BFGS", options={"gtol": 1e-7})
    assert found is not None
    assert found.coefficients == pytest.approx(best.x, abs=1e-5)
    assert -found.likelihood <= best.fun + 1e-9
