"""Ranks of the nodes of a directed graph: PageRank with any teleport, and harmonic centrality.

Nodes are 0 .. count - 1. Edges are a set: one that repeats counts once, one from a node to itself not at all.

PageRank: Brin and Page 1998, with personalisation after Page et al. 1999. Harmonic centrality: Boldi and Vigna 2014,
DOI 10.1080/15427951.2013.865686. Its estimate by sampled sources: Eppstein and Wang 2004, DOI 10.7155/jgaa.00081.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Nodes = NDArray[np.int64]

DAMPING = 0.85
TOLERANCE = 1e-12
"""Sum of absolute changes at which steps end."""
MOST_STEPS = 500
"""170 suffice for any graph: .85 ** 170 < 1e-12."""
EXACT_NODES = 20_000
"""Beyond, distances are counted from SAMPLED sources alone."""
SAMPLED = 4_096
_BITS = 64


@dataclass(frozen=True)
class Ranks:
    """`shares` sum to 1, by node."""

    shares: Floats
    is_converged: bool


@dataclass(frozen=True)
class Centralities:
    """Sums of 1 / distance from all others that reach a node, by node."""

    values: Floats
    is_approximate: bool


def edge_set(sources: Nodes, targets: Nodes, count: int) -> tuple[Nodes, Nodes]:
    """The edges, each once and none from a node to itself, ordered by target. Raises ValueError for another node."""
    if sources.size and (min(sources.min(), targets.min()) < 0 or max(sources.max(), targets.max()) >= count):
        raise ValueError(f"an edge has an end that is none of the {count} nodes")
    kept = sources != targets
    codes = np.unique(targets[kept].astype(np.int64) * count + sources[kept])
    return codes % count if count else codes, codes // count if count else codes


def pagerank(sources: Nodes, targets: Nodes, count: int, teleport: Floats | None = None) -> Ranks:
    """PageRank; a node without edges out gives what it has to `teleport`, as does whoever tires of following.

    `teleport`: weights by node, at least one above 0; None: all alike. Raises ValueError for other weights.
    """
    if count == 0:
        return Ranks(np.zeros(0), True)
    v = np.full(count, 1 / count) if teleport is None else _weights(teleport, count)
    sources, targets = edge_set(sources, targets, count)
    out = np.bincount(sources, minlength=count).astype(np.float64)
    inflow = sparse.csr_array((1 / out[sources], (targets, sources)), shape=(count, count))
    x = v
    for _ in range(MOST_STEPS):
        y = DAMPING * (inflow @ x)
        # What did not flow along an edge: of nodes without any, and of who tired.
        y += (1 - y.sum()) * v
        change = float(np.abs(y - x).sum())
        x = y
        if change < TOLERANCE:
            return Ranks(x, True)
    return Ranks(x, False)


def harmonic(sources: Nodes, targets: Nodes, count: int, *, most: int = EXACT_NODES) -> Centralities:
    """Harmonic centrality towards each node: 0 of one that nobody reaches. Beyond `most` nodes from a sample of them.

    Sixty-four searches in breadth run at once, one in each bit of a word.
    """
    sources, targets = edge_set(sources, targets, count)
    values = np.zeros(count)
    is_approximate = count > most
    begins = np.arange(count)
    if is_approximate:
        begins = np.sort(np.random.default_rng(count).choice(count, SAMPLED, replace=False))
    if sources.size:
        heads, firsts = np.unique(targets, return_index=True)
        for block in range(0, begins.size, _BITS):
            _search(begins[block : block + _BITS], sources, heads, firsts, values)
    if is_approximate:
        values *= count / SAMPLED
    return Centralities(values, is_approximate)


def _search(begins: Nodes, sources: Nodes, heads: Nodes, firsts: Nodes, values: Floats) -> None:
    """Add 1 / distance from each of `begins` to what it reaches. `firsts`: where edges into each of `heads` start."""
    seen = np.zeros(values.size, np.uint64)
    seen[begins] = np.uint64(1) << np.arange(begins.size, dtype=np.uint64)
    frontier = seen.copy()
    distance = 0
    while True:
        distance += 1
        reached = np.bitwise_or.reduceat(frontier[sources], firsts) & ~seen[heads]
        if not reached.any():
            return
        values[heads] += np.bitwise_count(reached) / distance
        seen[heads] |= reached
        frontier[:] = 0
        frontier[heads] = reached


def _weights(weights: Floats, count: int) -> Floats:
    if weights.shape != (count,) or not np.isfinite(weights).all() or (weights < 0).any() or not weights.sum() > 0:
        raise ValueError("teleport needs a finite weight of 0 or more for each node, and one above 0")
    return np.asarray(weights / weights.sum(), np.float64)
