"""Whom to ask next is told as well as by raw rates, and promised more truly; curves are those worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from seo_warehouse.discovery.curve import draw_curve
from seo_warehouse.discovery.waits import EVENT, GONE, WAITING, Waits, estimate_hazards
from seo_warehouse.relations.estimate import Partners, Priors, learn, slower_replies, weigh
from tests.relations.worlds import WORLDS, draw_world

SEEDS, BEST = range(101, 107), 20
PLACED, DECLINED, OPEN = EVENT, GONE, WAITING
TIMES = (3, 5, 8, 8, 12, 20, 21, 30, 30, 45, 60, 60)
ENDS = (PLACED, DECLINED, PLACED, OPEN, PLACED, DECLINED, OPEN, PLACED, OPEN, DECLINED, PLACED, OPEN)


def waits_of(times: tuple[int, ...], ends: tuple[int, ...]) -> Waits:
    by, ending = np.array(times), np.array(ends)
    return Waits(np.full(by.size, -1), np.where(ending == WAITING, by, by - 1), by, ending)


def partners_of(**columns: list[float]) -> Partners:
    return Partners(**{name: np.array(values, np.float64) for name, values in columns.items()})


@pytest.mark.parametrize("name", WORLDS)
def test_the_list_brings_what_raw_rates_would_and_keeps_its_promise(name: str) -> None:
    scores = []
    for seed in SEEDS:
        world = draw_world(seed, name)
        worth = weigh(world.partners, learn(world.partners), seed)
        ours, raws = (np.argsort(-each, kind="stable")[:BEST] for each in (worth.careful_value, world.raw))
        cover = (worth.value.low <= world.truth) & (world.truth <= worth.value.high)
        promise = worth.value.mean[ours].sum() / world.truth[ours].sum()
        scores.append((world.truth[ours].sum(), world.truth[raws].sum(), promise, cover.mean()))
    brought, by_raw, promise, cover = np.mean(scores, axis=0)
    assert brought >= 0.95 * by_raw
    assert promise <= 1.3
    assert cover >= 0.85


def test_a_posterior_is_the_prior_and_what_was_seen() -> None:
    seen = partners_of(
        attempts=[0, 20], placed=[0, 15], losses=[0, 4], link_days=[0, 4000], work=[10, 10], price=[90, 90]
    )
    worth = weigh(seen, Priors(2, 6, 3, 1500), 7)
    assert worth.placed_share.mean == pytest.approx([2 / 8, 17 / 28], abs=0.02)
    assert worth.own_weight == pytest.approx([0, 20 / 28])
    # Of a rate drawn from Gamma(k, t) a link stands a year with probability (t / (t + 365)) ** k.
    assert worth.yearly_loss_share.mean == pytest.approx([1 - (1500 / 1865) ** 3, 1 - (5500 / 5865) ** 7], abs=0.02)
    assert (worth.value.low < worth.careful_value).all()
    assert (worth.careful_value < worth.value.mean).all()
    assert (worth.value.mean < worth.value.high).all()


def test_partners_alike_have_the_rate_of_all_and_nobody_s_links_are_for_ever() -> None:
    seen = partners_of(
        attempts=[10] * 40, placed=[4] * 40, losses=[0] * 40, link_days=[1000] * 40, work=[1] * 40, price=[1] * 40
    )
    priors = learn(seen)
    assert priors.placed / (priors.placed + priors.failed) == pytest.approx(0.4, abs=0.01)
    assert priors.placed + priors.failed > 100, "they do not differ, so that none is believed to"
    assert 0 < priors.shape / priors.rate < 0.5 / 40_000


def test_what_is_not_known_is_not_a_number_and_hurts_nobody_else() -> None:
    seen = partners_of(
        attempts=[3, 3, 0], placed=[1, 1, 0], losses=[0, 1, 0], link_days=[90, 30, 0], work=[5, 0, 5],
        price=[100, 0, np.nan],
    )  # fmt: skip
    worth = weigh(seen, learn(seen), 1)
    assert np.isnan(worth.value.mean).tolist() == [False, True, True]
    assert np.isfinite(worth.placed_share.mean).all()
    alone = weigh(seen, learn(seen), 1)
    assert np.array_equal(alone.value.mean, worth.value.mean, equal_nan=True)
    nobody = replace(seen, placed=np.zeros(3), losses=np.zeros(3), link_days=np.zeros(3))
    assert np.isfinite(weigh(nobody, learn(nobody), 1).placed_share.mean).all()


def test_replies_are_slower_by_ranks() -> None:
    rising, tied = np.arange(1.0, 11), np.repeat([1.0, 2], 5)
    slower, few, equal, alike = slower_replies([rising, rising[:-1], np.ones(10), tied])
    assert slower == pytest.approx((8, 3, 1 / 252))
    assert few is None
    assert equal == pytest.approx((1, 1, 1))
    # Told together with others it is told as alone: by the normal distribution, since there are ties.
    assert alike == pytest.approx((2, 1, mannwhitneyu([2] * 5, [1] * 5, alternative="greater").pvalue))


def test_who_declined_is_not_waited_for_any_more() -> None:
    found = estimate_hazards(waits_of(TIMES, ENDS))
    assert found.share[30] == pytest.approx(1 / 12 + 1 / 12 + 0.09375 + 0.1125, abs=1e-9)
    assert found.share[60] == pytest.approx(1 / 6 + 0.09375 + 0.1125 + 0.15, abs=1e-9)
    without = estimate_hazards(waits_of(TIMES, tuple(OPEN if end == DECLINED else end for end in ENDS)))
    assert without.share[[30, 60]] == pytest.approx([0.4225, 0.71125], abs=1e-9), "Kaplan and Meier's, which is wrong"


def test_a_year_of_links_is_drawn_and_of_few_none() -> None:
    curve = draw_curve(waits_of((100,) * 10 + (400,) * 20, (EVENT,) * 10 + (WAITING,) * 20), last_day=365)
    assert curve.share[[99, 100, 365]] == pytest.approx([0, 1 / 3, 1 / 3])
    assert draw_curve(waits_of(TIMES, ENDS)).reason == "too_few_pages"
