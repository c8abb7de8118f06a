"""The fast twin's sample is the slow builder's, row by row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from seo_warehouse.demo.knobs import PanelKnobs
from seo_warehouse.demo.panel import Panel, make_panel
from tests.effect.builder import Built, Tables, build
from tests.effect.tables import (
    DEVICES,
    LOCALE,
    check_rows,
    date_of,
    edit_rows,
    keyword_rows,
    link_rows,
    look_dates,
    page_rows,
)
from tests.effect.twin import Sample, draw_sample, prepare
from tests.effect.windows import ARMS, CURVE, OUTCOMES, windows

SMALL = PanelKnobs(
    pages=72, keywords=2, days=200, topics=3, start_links=3.0, gain_rate=0.004, loss_rate=0.004, restore_rate=0.002
)
AWKWARD = replace(
    SMALL,
    devices=2,
    start_position=60.0,
    edit_days=300.0,
    discovery_days=6.0,
    unmeasured_share=0.2,
    failed_share=0.15,
    shallow_share=0.1,
    unconfigured_share=0.4,
    switch_share=0.2,
    repeat_share=0.4,
    uncertain_share=0.1,
    unknown_share=0.1,
    edit_share=0.2,
)
SPARSE = replace(AWKWARD, check_every=4, unmeasured_share=0.1, failed_share=0.05, start_position=20.0)
PANELS = [(1, SMALL), (2, SMALL), (3, AWKWARD), (4, AWKWARD), (5, SPARSE)]
KEY = ["arm", "window", "horizon", "event_date", "locale", "device", "page_key", "is_treated"]


def tables(panel: Panel) -> Tables:
    frames = {
        name: pd.DataFrame(list(rows(panel))).astype(object)
        for name, rows in {
            "checks": check_rows,
            "links": link_rows,
            "edits": edit_rows,
            "pages": page_rows,
            "keywords": keyword_rows,
        }.items()
    }
    return Tables(**frames, looks=tuple(look_dates(panel)))


def frame(sample: Sample, arm: str) -> pd.DataFrame:
    columns: dict[str, Any] = {
        "arm": arm,
        "window": sample.window.name,
        "horizon": sample.window.horizon,
        "event_date": [date_of(day) for day in sample.day],
        "locale": LOCALE,
        "device": [DEVICES[device] for device in sample.device],
        "page_key": sample.page + 1,
        "is_treated": sample.is_treated,
        "keyword_count": sample.keyword_count,
    }
    columns |= {f"base_{name}": values for name, values in sample.base.items()}
    return pd.DataFrame(columns | {f"dy_{name}": values for name, values in sample.change.items()})


def twin_rows(panel: Panel) -> pd.DataFrame:
    prepared = prepare(panel)
    drawn = [frame(draw_sample(prepared, window, arm), arm) for window in windows() for arm in ARMS]
    return pd.concat([each for each in drawn if len(each)])


@pytest.fixture(scope="module", params=PANELS, ids=["plain", "plain too", "awkward", "awkward too", "sparse"])
def pair(request: pytest.FixtureRequest) -> tuple[Built, pd.DataFrame]:
    panel = make_panel(*request.param)
    return build(tables(panel), windows(), curve=CURVE), twin_rows(panel)


def test_the_twin_draws_the_builders_rows_and_no_others(pair: tuple[Built, pd.DataFrame]) -> None:
    built, twin = pair
    assert built.rows["is_treated"].sum() > 20
    told = built.rows[[*KEY, "keyword_count"]].sort_values(KEY).reset_index(drop=True)
    drawn = twin[[*KEY, "keyword_count"]].sort_values(KEY).reset_index(drop=True)
    pd.testing.assert_frame_equal(told, drawn, check_dtype=False)


def test_the_twin_measures_what_the_builder_measures(pair: tuple[Built, pd.DataFrame]) -> None:
    built, twin = (rows.sort_values(KEY).reset_index(drop=True) for rows in (pair[0].rows, pair[1]))
    for name in OUTCOMES:
        for column in (f"base_{name}", f"dy_{name}"):
            assert twin[column].to_numpy() == pytest.approx(built[column].to_numpy(dtype=float), abs=1e-12, rel=0)


def test_every_event_is_in_the_sample_or_has_a_reason(pair: tuple[Built, pd.DataFrame]) -> None:
    built, twin = pair
    kept = built.reasons[built.reasons["reason"] == ""]
    assert len(kept) == twin["is_treated"].sum()
    headline = built.reasons[built.reasons["window"] == "headline"]
    assert not headline.duplicated(["event_key", "locale", "device"]).any()
