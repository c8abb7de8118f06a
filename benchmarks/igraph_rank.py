"""PageRank by igraph; run by link_authority.py with igraph's own Python: `python igraph_rank.py NODES`.

Prints CPU seconds, from edges as arrays to ranks, and peak memory in MiB as JSON.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

EDGES_A_NODE = 10
DAMPING = 0.85


def edges_of(nodes: int) -> "tuple[np.typing.NDArray[np.int64], np.typing.NDArray[np.int64]]":
    """Ten edges a node, from and to; some nodes are linked to far more than others."""
    rng = np.random.default_rng(nodes)
    targets = (nodes * rng.random(EDGES_A_NODE * nodes) ** 3).astype(np.int64)
    return rng.integers(nodes, size=EDGES_A_NODE * nodes), targets


if __name__ == "__main__":
    import igraph

    nodes = int(sys.argv[1])
    edges = np.column_stack(edges_of(nodes))
    before = time.process_time()
    igraph.Graph(nodes, edges, directed=True).simplify().pagerank(damping=DAMPING)
    seconds = time.process_time() - before
    peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024
    sys.stdout.write(json.dumps([seconds, peak]))
