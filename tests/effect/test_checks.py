"""The checks of the method, against the twin's estimator and on data whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from seo_warehouse.demo.knobs import PanelKnobs
from seo_warehouse.demo.panel import make_panel
from seo_warehouse.effect.checks import DRAWS, SEED, Rows, estimate, fake_dates
from tests.effect.estimates import estimate as twin_estimate
from tests.effect.twin import draw_sample, prepare
from tests.effect.windows import window

CELLS, PAGES = 60, 12


def untouched() -> Rows:
    """Cells of a dozen pages that only wander."""
    rng = np.random.default_rng(1)
    cell = np.repeat(np.arange(CELLS), PAGES)
    page = np.tile(np.arange(PAGES), CELLS) + PAGES * (cell % 10)
    return Rows(cell, page, np.zeros(cell.size, dtype=bool), rng.normal(size=cell.size))


def test_the_estimate_is_that_of_the_twin() -> None:
    panel = make_panel(1, PanelKnobs(pages=200, keywords=2, days=220))
    sample = draw_sample(prepare(panel), window("headline"), "acquired_followed")
    found = estimate(Rows(sample.cell, sample.page, sample.is_treated, sample.change["log_position"]))
    expected = twin_estimate(sample, "log_position")
    assert found is not None
    assert found.estimate == pytest.approx(expected.effect, abs=1e-12)
    assert found.standard_error == pytest.approx(expected.standard_error, rel=1e-9)
    assert found.degrees == expected.degrees


def test_rows_of_cells_without_both_are_left_out() -> None:
    rows = untouched()
    treated = rows.page % PAGES == 0
    whole = estimate(Rows(rows.cell, rows.page, treated, rows.change))
    alone = Rows(
        np.append(rows.cell, [900, 901, 901]),
        np.append(rows.page, [5, 6, 7]),
        np.append(treated, [True, False, False]),
        np.append(rows.change, [50.0, -70.0, 20.0]),
    )
    assert estimate(alone) == whole


def test_a_draw_of_fake_dates_is_the_estimate_with_those_rows_treated() -> None:
    rows = untouched()
    drawn = np.arange(0, rows.cell.size, PAGES) + (np.random.default_rng(SEED).random(CELLS) * PAGES).astype(np.int64)
    treated = np.zeros(rows.cell.size, dtype=bool)
    treated[drawn] = True
    found = estimate(Rows(rows.cell, rows.page, treated, rows.change))
    assert found is not None
    assert next(fake_dates(rows, draws=1)) == (abs(found.estimate) > found.half_width)


def test_fake_dates_seldom_show_an_effect_where_pages_only_wander() -> None:
    alarms = list(fake_dates(untouched()))
    assert len(alarms) == DRAWS
    assert sum(alarms) <= 0.15 * DRAWS


def test_the_same_data_give_the_same_share() -> None:
    assert list(fake_dates(untouched())) == list(fake_dates(untouched()))


def test_too_few_pages_give_no_share() -> None:
    rows = untouched()
    assert list(fake_dates(rows.where(rows.cell < 5))) == []
    nothing = rows.where(rows.cell < 0)
    assert list(fake_dates(nothing)) == []
    assert estimate(nothing) is None
