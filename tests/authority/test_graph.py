"""Ranks on graphs: by hand, by what must hold of any graph, and on a web that others have ranked."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from seo_warehouse.authority.graph import harmonic, pagerank

COUNT = 12
EDGES = st.lists(st.tuples(st.integers(0, COUNT - 1), st.integers(0, COUNT - 1)), max_size=60)
Edges = list[tuple[int, int]]


def ends(edges: Edges) -> tuple[np.ndarray, np.ndarray]:
    array = np.array(edges, np.int64).reshape(-1, 2)
    return array[:, 0], array[:, 1]


def dense_pagerank(edges: Edges, teleport: np.ndarray) -> np.ndarray:
    """The equation solved as it stands, without steps."""
    flow = np.zeros((COUNT, COUNT))
    for source, target in set(edges):
        if source != target:
            flow[target, source] = 1
    for source in range(COUNT):
        flow[:, source] = flow[:, source] / flow[:, source].sum() if flow[:, source].any() else teleport
    return np.linalg.solve(np.eye(COUNT) - 0.85 * flow, 0.15 * teleport)


def dense_harmonic(edges: Edges) -> np.ndarray:
    distance = np.full((COUNT, COUNT), np.inf)
    np.fill_diagonal(distance, 0)
    for source, target in edges:
        if source != target:
            distance[source, target] = 1
    for middle in range(COUNT):
        distance = np.minimum(distance, distance[:, [middle]] + distance[[middle], :])
    np.fill_diagonal(distance, np.inf)
    return (1 / distance).sum(axis=0)


@given(EDGES, st.lists(st.floats(0, 9), min_size=COUNT, max_size=COUNT).filter(lambda weights: sum(weights) > 0.1))
def test_pagerank_solves_its_equation_whatever_repeats_loops_or_ends(edges: Edges, weights: list[float]) -> None:
    teleport = np.array(weights)
    ranks = pagerank(*ends(edges), COUNT, teleport)
    assert ranks.is_converged
    np.testing.assert_allclose(ranks.shares, dense_pagerank(edges, teleport / teleport.sum()), atol=1e-11)
    assert abs(ranks.shares.sum() - 1) < 1e-12


@given(EDGES, st.permutations(range(COUNT)))
def test_naming_nodes_otherwise_moves_no_rank(edges: Edges, names: list[int]) -> None:
    renamed = [(names[source], names[target]) for source, target in edges]
    for rank in (lambda e: pagerank(*ends(e), COUNT).shares, lambda e: harmonic(*ends(e), COUNT).values):
        np.testing.assert_allclose(rank(renamed)[names], rank(edges), atol=1e-12)


@given(EDGES)
def test_harmonic_centrality_is_the_sum_over_all_shortest_ways(edges: Edges) -> None:
    np.testing.assert_allclose(harmonic(*ends(edges), COUNT).values, dense_harmonic(edges), atol=1e-12)


def test_without_edges_everybody_has_what_is_given() -> None:
    none = np.zeros(0, np.int64)
    np.testing.assert_allclose(pagerank(none, none, 2, np.array([1.0, 3.0])).shares, [0.25, 0.75])
    assert pagerank(none, none, 1).shares.tolist() == [1.0]
    assert pagerank(none, none, 0).shares.tolist() == []
    assert harmonic(none, none, 2).values.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("weights", [[np.nan, 1.0], [-1.0, 2.0], [0.0, 0.0], [np.inf, 1.0], [1.0]])
def test_weights_that_are_none_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="finite weight"):
        pagerank(np.array([0]), np.array([1]), 2, np.array(weights))


def test_an_edge_to_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match="none of the 2 nodes"):
        pagerank(np.array([0]), np.array([2]), 2)


def test_from_a_sample_of_pages_their_order_is_nearly_that_of_all() -> None:
    rng = np.random.default_rng(7)
    pages = np.arange(6_000)
    # Each page links to the home page, its section, the page above it, and four that are linked by many.
    above = np.array([rng.integers(0, max(1, page)) for page in pages])
    linked = [(rng.zipf(1.3, pages.size) - 1) % pages.size for _ in range(4)]
    targets = np.concatenate([np.zeros_like(pages), rng.integers(1, 40, pages.size), above, pages, *linked])
    sources = np.concatenate([pages, pages, pages, above, *[pages] * 4])
    exact, sampled = (harmonic(sources, targets, pages.size, most=most) for most in (6_000, 5_999))
    assert (exact.is_approximate, sampled.is_approximate) == (False, True)
    assert spearmanr(exact.values, sampled.values).statistic > 0.999
    assert np.std(sampled.values / exact.values) < 0.01


@pytest.mark.external
def test_on_a_web_of_weblogs_the_ranks_are_those_of_others(shared_data: Path) -> None:
    told = (shared_data / "webgraph/polblogs.gml").read_text()
    places = {name: place for place, name in enumerate(re.findall(r"\bid (\d+)", told))}
    labels = re.findall(r'label "([^"]+)"', told)
    sources = np.array([places[name] for name in re.findall(r"source (\d+)", told)])
    targets = np.array([places[name] for name in re.findall(r"target (\d+)", told)])
    assert (len(labels), sources.size) == (1_490, 19_090)
    shares = dict(zip(labels, pagerank(sources, targets, len(labels)).shares, strict=True))
    assert abs(shares["dailykos.com"] - 0.017938340063) < 1e-12
    assert abs(shares["atrios.blogspot.com"] - 0.015224027382) < 1e-12
    assert abs(shares["instapundit.com"] - 0.012620231011) < 1e-12
    reached = dict(zip(labels, harmonic(sources, targets, len(labels)).values, strict=True))
    assert abs(reached["dailykos.com"] - 647.333333) < 1e-6
    assert abs(reached["instapundit.com"] - 613.95) < 1e-9
