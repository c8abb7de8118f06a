"""PageRank and harmonic centrality: by hand, of the blogs of 2004, and of graphs that are hardly any."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse.authority import graph as module
from seo_warehouse.authority.graph import Graph, graph_of, harmonic, pagerank

GRAPHS = st.integers(1, 12).flatmap(
    lambda n: st.tuples(st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=40))
)


def graph(node_count: int, *edges: tuple[int, int]) -> Graph:
    """A graph with edges from, to."""
    ends = np.array(edges, np.int64).reshape(-1, 2)
    return graph_of(node_count, ends[:, 0], ends[:, 1])


def solved(told: Graph, preference: np.ndarray) -> np.ndarray:
    """PageRank as the solution of its equations."""
    n = told.node_count
    follow = np.zeros((n, n))
    for target in range(n):
        follow[target, told.sources[told.starts[target] : told.starts[target + 1]]] = 1
    out = follow.sum(axis=0)
    follow = np.where(out > 0, follow / np.maximum(out, 1), preference[:, None])
    return np.asarray(np.linalg.solve(np.eye(n) - 0.85 * follow, 0.15 * preference))


def test_a_page_that_two_lead_to_and_that_leads_nowhere() -> None:
    # x2 = .85 (x0 + x1) + b, x0 = x1 = b with b = .05 + .85 x2 / 3; and their sum is 1.
    beginning = 1 / (3 + 2 * 0.85)
    expected = [beginning, beginning, 1 - 2 * beginning]
    np.testing.assert_allclose(pagerank(graph(3, (0, 2), (1, 2))).shares, expected, atol=1e-12)


def test_one_who_begins_at_one_page_never_comes_where_it_does_not_lead() -> None:
    told = graph(4, (0, 1), (1, 0), (2, 3), (3, 2))
    shares = pagerank(told, np.array([5.0, 0, 0, 0])).shares
    np.testing.assert_allclose(shares, [1 / 1.85, 0.85 / 1.85, 0, 0], atol=1e-12)


def test_distances_count_by_their_inverse_and_along_the_edges() -> None:
    told = graph(5, (0, 1), (1, 2), (2, 3), (0, 3))
    np.testing.assert_array_equal(harmonic(told).values, [0, 1, 1.5, 1 + 1 + 0.5, 0])


@given(GRAPHS, st.data())
def test_shares_solve_the_equations_and_sum_to_one(
    drawn: tuple[int, list[tuple[int, int]]], data: st.DataObject
) -> None:
    n, edges = drawn
    weights = st.lists(st.sampled_from([0.0, 0.1, 1.0, 700.0]), min_size=n, max_size=n).filter(any)
    preference = np.array(data.draw(weights))
    told = graph(n, *edges)
    ranks = pagerank(told, preference)
    assert ranks.is_converged
    assert abs(ranks.shares.sum() - 1) < 1e-12
    np.testing.assert_allclose(ranks.shares, solved(told, preference / preference.sum()), atol=1e-11)


@given(GRAPHS, st.data())
def test_nodes_in_another_order_have_what_they_had(
    drawn: tuple[int, list[tuple[int, int]]], data: st.DataObject
) -> None:
    n, edges = drawn
    order = np.array(data.draw(st.permutations(range(n))))
    told, moved = graph(n, *edges), graph(n, *((order[source], order[target]) for source, target in edges))
    np.testing.assert_allclose(pagerank(moved).shares[order], pagerank(told).shares, atol=1e-12)
    np.testing.assert_allclose(harmonic(moved).values[order], harmonic(told).values, atol=1e-12)


@given(GRAPHS)
def test_a_graph_made_twice_has_the_same_bytes(drawn: tuple[int, list[tuple[int, int]]]) -> None:
    n, edges = drawn
    one, other = graph(n, *edges), graph(n, *edges)
    assert pagerank(one).shares.tobytes() == pagerank(other).shares.tobytes()
    assert harmonic(one).values.tobytes() == harmonic(other).values.tobytes()


@given(GRAPHS)
def test_an_edge_told_twice_is_one(drawn: tuple[int, list[tuple[int, int]]]) -> None:
    n, edges = drawn
    np.testing.assert_array_equal(pagerank(graph(n, *edges, *edges)).shares, pagerank(graph(n, *edges)).shares)


def test_graphs_that_are_hardly_any() -> None:
    preference = np.array([1.0, 0, 3.0])
    np.testing.assert_array_equal(pagerank(graph(3), preference).shares, preference / 4)
    np.testing.assert_allclose(pagerank(graph(3)).shares, [1 / 3] * 3, atol=1e-15)
    np.testing.assert_array_equal(harmonic(graph(3)).values, [0, 0, 0])
    assert pagerank(graph(1)).shares.tolist() == [1.0]
    assert pagerank(graph(1, (0, 0))).shares.tolist() == [1.0]
    assert pagerank(graph(0)).shares.size == harmonic(graph(0)).values.size == 0


@pytest.mark.parametrize("preference", [[0, 0], [np.nan, 1], [np.inf, 1], [-1, 2], [1], [[1, 1]]])
def test_a_preference_that_is_none_is_refused(preference: list[float]) -> None:
    with pytest.raises(ValueError, match="a weight for each of 2 nodes"):
        pagerank(graph(2, (0, 1)), np.array(preference, float))


@pytest.mark.parametrize("edge", [(0, 2), (-1, 0)])
def test_an_edge_of_no_node_is_refused(edge: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="outside 0 to 1"):
        graph(2, edge)


def test_figures_that_do_not_hold_still_are_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_STEPS", 3)
    ranks = pagerank(graph(3, (0, 1), (1, 2)))
    assert not ranks.is_converged
    assert abs(ranks.shares.sum() - 1) < 1e-12


def test_a_sample_of_sources_keeps_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(7)
    # Pages link to where others do: most of them lead to a few.
    targets = (1_500 * rng.random(9_000) ** 3).astype(int)
    told = graph_of(1_500, rng.integers(0, 1_500, 9_000), targets)
    exact = harmonic(told)
    monkeypatch.setattr(module, "MOST_SOURCES", 500)
    monkeypatch.setattr(module, "_EDGES_AT_ONCE", 100)
    sampled = harmonic(told)
    assert (exact.is_approximate, sampled.is_approximate) == (False, True)
    places = [np.argsort(np.argsort(found.values)) for found in (exact, sampled)]
    assert np.corrcoef(*places)[0, 1] > 0.99
    reached = exact.values > 0
    assert abs(np.median(sampled.values[reached] / exact.values[reached]) - 1) < 0.02


@pytest.fixture(scope="module")
def blogs(shared_data: Path) -> tuple[list[str], np.ndarray]:
    """Blogs on politics of 2004 (Adamic and Glance 2005), and who links to whom, told twice where it is told twice."""
    text = (shared_data / "webgraph" / "polblogs.gml").read_text()
    names = re.findall(r'label "([^"]+)"', text)
    return names, np.array(re.findall(r"source (\d+)\s+target (\d+)", text), np.int64) - 1


@pytest.mark.external
def test_blogs_rank_as_independent_programs_rank_them(blogs: tuple[list[str], np.ndarray]) -> None:
    names, edges = blogs
    told = graph_of(len(names), edges[:, 0], edges[:, 1])
    between = edges[edges[:, 0] != edges[:, 1]]
    assert (len(names), len(edges), told.sources.size, len(edges) - len(between)) == (1_490, 19_090, 19_025, 3)
    assert int((told.out_degrees == 0).sum()) == 425
    first = [names.index(name) for name in ("dailykos.com", "atrios.blogspot.com", "instapundit.com")]
    expected = [0.017897780665, 0.015189461349, 0.012592038072]
    np.testing.assert_allclose(pagerank(told).shares[first], expected, atol=1e-12)
    without_loops = graph_of(len(names), between[:, 0], between[:, 1])
    expected = [0.017938340063, 0.015224027382, 0.012620231011]
    np.testing.assert_allclose(pagerank(without_loops).shares[first], expected, atol=1e-12)
    trusted = np.zeros(len(names))
    trusted[np.argsort(-told.in_degrees, kind="stable")[:10]] = 1
    shares = pagerank(told, trusted).shares
    np.testing.assert_allclose(shares[first[:2]], [0.037378987219, 0.037729247675], atol=1e-12)
    np.testing.assert_allclose(harmonic(told).values[[first[0], first[2]]], [647 + 1 / 3, 613.95], rtol=1e-12)
