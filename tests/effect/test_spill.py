"""Interference: a regression with effects of topics and dates, clustered by topic."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyfixest
import pytest
from scipy import stats

from seo_warehouse.effect.estimates import FOLLOWED, NOFOLLOW, Published
from seo_warehouse.effect.inference import beyond_chance, publish
from seo_warehouse.effect.spill import Rows, Spill, measure, measure_all
from tests.effect.test_contrasts import LATE
from tests.effect.test_inference import BASE, PLACEBO

NESTED = pyfixest.ssc(k_adj=True, k_fixef="nonnested", G_adj=True, G_df="conventional")
"""Effects of topics lie within clusters of topics."""


def drawn(seed: int, spill: float, topics: int = 9, dates: int = 12) -> Rows:
    """Rows of which some are missing, whose topics and dates move besides."""
    rng = np.random.default_rng(seed)
    topic, date = (each.ravel() for each in np.meshgrid(np.arange(topics), np.arange(dates), indexing="ij"))
    kept = rng.random(topic.size) < 0.9
    topic, date = topic[kept], date[kept]
    exposure = rng.poisson(2, topic.size) * 1.0
    level = rng.normal(0, 0.1, topics)[topic] + rng.normal(0, 0.1, dates)[date]
    change = spill * exposure + level + rng.normal(0, 0.02, topic.size)
    calm = np.zeros(topic.size, dtype=np.bool_)
    return Rows(topic, date, rng.integers(5, 60, topic.size), exposure, calm, {"log_position": change})


def test_the_spill_is_that_of_a_regression_with_effects_of_topics_and_dates() -> None:
    rows = drawn(1, -0.03)
    frame = pd.DataFrame({"topic": rows.topic, "date": rows.date, "pages": rows.pages, "e": rows.exposure})
    frame["dy"] = rows.change["log_position"]
    fit = pyfixest.feols(
        "dy ~ e | topic + date", frame, vcov={"CRV1": "topic"}, weights="pages", ssc=NESTED, fixef_tol=1e-12
    )
    found = measure([rows], "log_position")
    assert found.estimate == pytest.approx(fit.coef()["e"], abs=1e-10)
    assert found.standard_error == pytest.approx(fit.se()["e"], rel=1e-8)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(fit.coef()["e"] / fit.se()["e"]), 8), rel=1e-6)
    assert found.row_count == rows.topic.size


def test_properties_together_have_topics_and_dates_of_their_own() -> None:
    rows = {1: drawn(1, -0.03, topics=5), 2: drawn(2, -0.03, topics=4)}
    frames = [
        pd.DataFrame({"topic": r.topic + 100 * key, "date": r.date + 100 * key, "pages": r.pages, "e": r.exposure})
        .assign(dy=r.change["log_position"])
        for key, r in rows.items()
    ]  # fmt: skip
    dummies = "dy ~ e | topic + date"
    fit = pyfixest.feols(dummies, pd.concat(frames), vcov={"CRV1": "topic"}, weights="pages")
    found = measure_all(rows, [1, 2, 3], ["log_position"])
    assert found[0, "log_position"].estimate == pytest.approx(fit.coef()["e"], abs=1e-10)
    # Either has too few topics by itself.
    assert found[1, "log_position"] == Spill(rows[1].topic.size)
    assert found[2, "log_position"].estimate is None


def test_with_few_topics_or_few_links_of_others_nothing_is_told() -> None:
    rows = drawn(3, -0.03)
    quiet = replace(rows, exposure=np.where(np.arange(rows.topic.size) < 29, 1.0, 0.0))
    assert measure([quiet], "log_position").estimate is None
    assert measure([replace(rows, exposure=np.ones_like(rows.exposure))], "log_position").estimate is None
    assert measure([], "log_position") == Spill(0)


def test_dates_that_meet_an_update_count_where_there_are_too_few_without() -> None:
    rows = drawn(4, -0.03)
    late = replace(rows, is_updated=rows.date > 5)
    assert measure([late], "log_position") == measure([late.calm()], "log_position")
    assert measure([replace(rows, is_updated=rows.date > 1)], "log_position") == measure([rows], "log_position")


def test_a_spill_that_is_clear_moves_the_honest_interval_and_widens_it() -> None:
    key = (BASE.property_key, BASE.panel, BASE.outcome, BASE.weighting)
    told = {}
    for p in (0.01, 0.2):
        rows = publish([BASE, PLACEBO], {}, {}, {}, {key: Spill(90, -0.03, 0.01, p)})
        (told[p],) = [row for row in rows if row.window_name == "headline"]
    clear, unclear = told[0.01], told[0.2]
    assert (clear.spill_estimate, clear.spill_row_count) == (-0.03, 90)
    assert clear.estimate == unclear.estimate
    assert clear.sample_low == unclear.sample_low
    t = stats.t.ppf(0.975, BASE.treated_cluster_count - 1)
    assert unclear.sample_honest_low is not None
    for low, high, se, share in (
        (clear.sample_honest_low, clear.sample_honest_high, BASE.sample_standard_error, beyond_chance(PLACEBO)),
        (clear.honest_low, clear.honest_high, BASE.standard_error, 1),
    ):
        assert None not in (low, high, se)
        assert (low + high) / 2 == pytest.approx(BASE.estimate - 0.03)
        assert (high - low) / 2 == pytest.approx(t * (se**2 + 0.01**2) ** 0.5 + share * abs(PLACEBO.estimate))


def test_what_else_is_compared_with_these_pages_is_moved_as_the_headline_is() -> None:
    nofollow = [replace(each, arm=NOFOLLOW, treated_cluster_count=20) for each in LATE]
    key = (LATE[0].property_key, LATE[0].panel, LATE[0].outcome, LATE[0].weighting)

    def told(p: float) -> tuple[Published, Published]:
        rows = publish([*LATE, *nofollow], {}, {}, {}, {key: Spill(90, -0.03, 0.01, p)})
        donut, headline = sorted(
            (r for r in rows if r.arm == FOLLOWED and r.begin_day == 21), key=lambda r: r.window_name
        )
        return donut, headline

    moved, unmoved = told(0.01), told(0.2)
    ends = [
        (
            donut.honest_low,
            donut.honest_high,
            headline.followed_minus_nofollow_low,
            headline.followed_minus_nofollow_high,
        )
        for donut, headline in (moved, unmoved)
    ]
    assert moved[0].spill_estimate == -0.03
    assert moved[1].followed_minus_nofollow == unmoved[1].followed_minus_nofollow
    for place, pages in ((0, 38), (2, 20)):
        (low, high), (low_before, high_before) = (each[place : place + 2] for each in ends)
        assert None not in (low, high, low_before, high_before)
        assert (low + high) / 2 == pytest.approx((low_before + high_before) / 2 - 0.03)
        half, before = (high - low) / 2, (high_before - low_before) / 2
        assert half**2 - before**2 == pytest.approx((stats.t.ppf(0.975, pages - 1) * 0.01) ** 2)


def test_only_the_headline_and_the_donut_of_all_followed_links_are_moved() -> None:
    key = (BASE.property_key, BASE.panel, BASE.outcome, BASE.weighting)
    lost = [replace(each, arm="lost_followed") for each in LATE]
    rows = publish([*LATE, *lost], {}, {}, {}, {key: Spill(90, -0.03, 0.01, 0.01)})
    told = {(row.arm, row.window_name) for row in rows if row.spill_estimate is not None}
    assert told == {(FOLLOWED, "headline"), (FOLLOWED, "donut")}
