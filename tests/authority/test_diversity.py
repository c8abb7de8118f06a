"""Hill numbers: those of the literature, what draws would show, and refusals."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse.authority.diversity import (
    _tail,
    asymptote,
    at_coverage,
    at_size,
    coverage,
    coverage_at,
    describe,
    gini,
    hill,
)
from seo_warehouse.urls import identity

GIRDLED = np.array([46, 22, 17, 15, 15, 9, 8, 6, 6, 4, *[2] * 4, *[1] * 12])
LOGGED = np.array([88, 22, 16, 15, 13, 10, 8, 8, 7, 7, 7, 5, 4, 4, 4, *[3] * 4, *[2] * 4, *[1] * 14])
COUNTS = st.lists(st.integers(1, 40), min_size=1, max_size=30).map(lambda counts: np.array(counts))


@pytest.mark.parametrize(
    ("counts", "observed", "asymptotic", "covered"),
    [
        (GIRDLED, [26, 12.0597, 7.8400], [43.8929, 13.8263, 8.1748], 0.9289),
        (LOGGED, [37, 14.4210, 6.7615], [61.4028, 16.3371, 6.9204], 0.9446),
    ],
)
def test_spiders_of_two_woods_are_counted_as_in_the_literature(
    counts: np.ndarray, observed: list[float], asymptotic: list[float], covered: float
) -> None:
    np.testing.assert_allclose([hill(counts, q) for q in range(3)], observed, atol=5e-5)
    np.testing.assert_allclose([asymptote(counts, q) for q in range(3)], asymptotic, atol=5e-5)
    assert abs(coverage(counts) - covered) < 5e-5


@pytest.mark.parametrize("size", [1, 10, 60, 167])
def test_a_smaller_size_shows_what_draws_of_it_show_on_average(size: int) -> None:
    rng = np.random.default_rng(3)
    items = np.repeat(np.arange(GIRDLED.size), GIRDLED)
    draws = [np.bincount(rng.choice(items, size, replace=False)) for _ in range(4_000)]
    entropies = [np.log(hill(draw[draw > 0], 1)) for draw in draws]
    classes = [float((draw > 0).sum()) for draw in draws]
    for values, expected in ((classes, at_size(GIRDLED, size, 0)), (entropies, np.log(at_size(GIRDLED, size, 1)))):
        error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(set(values)) > 1 else 1e-9
        assert abs(np.mean(values) - expected) <= 3.5 * error


@given(COUNTS)
def test_sizes_join_where_what_there_is_ends(counts: np.ndarray) -> None:
    n = int(counts.sum())
    for q in range(3):
        assert at_size(counts, n, q) == pytest.approx(hill(counts, q))
        assert at_size(counts, 2 * n, q) >= at_size(counts, n, q) - 1e-9
        if n > 1:
            assert at_size(counts, n - 1, q) <= at_size(counts, n, q) + 1e-9
    assert coverage_at(counts, n) == pytest.approx(coverage(counts))


@given(COUNTS)
def test_orders_fall_and_the_whole_is_no_smaller_than_what_was_seen(counts: np.ndarray) -> None:
    observed = [hill(counts, q) for q in range(3)]
    assert observed[0] + 1e-9 >= observed[1] >= observed[2] - 1e-9 >= 1 - 1e-6
    assert asymptote(counts, 0) >= observed[0]
    assert 0 <= coverage(counts) <= 1
    assert 0 <= gini(counts) < 1


@given(COUNTS, st.floats(0.05, 1))
def test_the_size_of_a_coverage_is_the_least_that_has_it(counts: np.ndarray, wanted: float) -> None:
    size, _ = at_coverage(counts, wanted)
    assert coverage_at(counts, size) >= wanted or size == 2 * counts.sum()
    assert size == 1 or coverage_at(counts, size - 1) < wanted


def test_too_little_is_counted_and_not_judged() -> None:
    few = describe(np.array([5, 3, 2, 1]), seed=1)
    assert few is not None
    assert (few.status, few.low, few.high) == ("not_enough_data", (None, None, None), (None, None, None))
    thin = describe(np.ones(40, np.int64), seed=1)
    assert thin is not None
    assert (thin.status, thin.low[1]) == ("exploratory", None)
    assert describe(np.zeros(3, np.int64), seed=1) is None


def test_one_class_with_all_is_one() -> None:
    whole = describe(np.array([50]), seed=1)
    assert whole is not None
    assert (whole.observed, whole.asymptotic, whole.largest_share, whole.gini) == ((1, 1, 1), (1, 1, 1), 1.0, 0.0)
    assert (whole.status, whole.coverage) == ("estimate", 1.0)


def test_what_is_described_twice_is_the_same_and_its_interval_holds_the_value() -> None:
    once, twice = describe(LOGGED, seed=5), describe(LOGGED[::-1], seed=5)
    assert once == twice
    assert once is not None
    for q in (1, 2):
        low, high = once.low[q], once.high[q]
        assert low is not None
        assert high is not None
        assert low < once.asymptotic[q] < high
    assert (once.low[0], once.high[0]) == (None, None)


def test_a_great_many_classes_of_one_item_each_take_no_more_than_their_count() -> None:
    """By the counts there are billions of classes that were not seen."""
    alike, nearly = describe(np.ones(20_000, np.int64), 1), describe(np.append(np.ones(20_000, np.int64), [2, 2]), 1)
    assert alike is not None
    assert nearly is not None
    assert alike.asymptotic[0] == pytest.approx(20_000**2 / 2, rel=1e-3)
    assert (alike.low, alike.asymptotic[2]) == ((None, None, None), np.inf)
    assert nearly.low[1] is None
    assert nearly.low[2] is not None


@given(n=st.integers(2, 50_000), log_decay=st.floats(-9, 1))
def test_a_long_tail_is_its_sum(n: int, log_decay: float) -> None:
    decay = float(np.exp(log_decay))
    places = np.arange(1, int(45 / decay) + 2)
    assert _tail(n, decay) == pytest.approx(float((np.exp(-decay * places) / (n - 1 + places)).sum()), rel=1e-10)


def test_intervals_cover_the_truth_where_they_are_given() -> None:
    rng = np.random.default_rng(11)
    truth = 1 / np.arange(1, 201)
    truth /= truth.sum()
    true = [float(np.exp(-(truth * np.log(truth)).sum())), float(1 / (truth**2).sum())]
    held = np.zeros(2)
    for seed in range(60):
        told = describe(rng.multinomial(1_000, truth), seed)
        assert told is not None
        assert told.status == "estimate"
        held += [told.low[q] <= true[q - 1] <= told.high[q] for q in (1, 2)]  # type: ignore[operator]
    assert (held / 60 >= 0.85).all()


@pytest.mark.external
def test_links_of_a_recorded_answer_are_few_of_many(shared_data: Path) -> None:
    [path] = (shared_data / "api_responses/dataforseo").rglob("*backlinks_live.json")
    items = json.loads(path.read_text())["tasks"][0]["result"][0]["items"]
    domains = Counter(found.domain for item in items if (found := identity(item["url_from"])))
    told = describe(np.array(list(domains.values())), seed=1)
    assert told is not None
    assert (told.item_count, told.class_count, told.status) == (100, 77, "exploratory")
    np.testing.assert_allclose(told.observed, [77, 60.651295, 36.764706], atol=5e-7)
    assert abs(told.asymptotic[2] - 57.5581) < 5e-5
    assert abs(told.coverage - 0.310807) < 5e-7


@pytest.mark.external
def test_networks_of_a_recorded_answer_are_fewer_than_its_domains(shared_data: Path) -> None:
    [path] = (shared_data / "api_responses/dataforseo").rglob("*backlinks_live.json")
    items = json.loads(path.read_text())["tasks"][0]["result"][0]["items"]
    networks = Counter(item["domain_from_ip"].rpartition(".")[0] for item in items)
    told = describe(np.array(list(networks.values())), seed=1)
    assert told is not None
    np.testing.assert_allclose(told.observed, [63, 44.620425, 25.773196], atol=5e-7)
