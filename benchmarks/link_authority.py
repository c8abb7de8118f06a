"""PageRank beside a bare loop of scipy and igraph (igraph_rank.py); ranks of the web beside `zcat | wc -l`.

Graph and file are made from a seed. Each side runs in processes of its own, in turns; of CPU time the median counts.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

import click
import numpy as np
from scipy.sparse import csr_array

from benchmarks import igraph_rank
from benchmarks.igraph_rank import edges_of
from benchmarks.measuring import Figure, apart, environment_of, keep, peak_mebibytes
from seo_warehouse.authority.graph import DAMPING, ENOUGH, MOST_STEPS, Nodes, graph_of, pagerank
from seo_warehouse.client.sieve import sift
from seo_warehouse.sources.commoncrawl_ranks import kept_lines

TURNS = 3
IGRAPH = ("igraph==1.0.0", "numpy>=2.2")
SOUGHT = 100_000
CHUNK_BYTES = 1 << 16
HEADING = b"#harmonicc_pos\t#harmonicc_val\t#pr_pos\t#pr_val\t#host_rev\t#n_hosts\n"
TIMES = 10
"""By how much the longer file is longer."""


def rank_ours(nodes: int) -> tuple[float, float]:
    """CPU seconds and MiB of our PageRank, its graph made from edges."""
    return _measured(lambda sources, targets: pagerank(graph_of(nodes, sources, targets)), nodes)


def rank_bare(nodes: int) -> tuple[float, float]:
    """The same of what one would write who trusts every edge and every step."""

    def rank(sources: Nodes, targets: Nodes) -> None:
        followed = csr_array((np.ones(sources.size), (targets, sources)), shape=(nodes, nodes))
        followed.data[:] = 1
        shares = np.full(nodes, 1 / nodes)
        per_edge = DAMPING / np.maximum(np.bincount(followed.indices, minlength=nodes), 1)
        for _ in range(MOST_STEPS):
            following = followed @ (shares * per_edge)
            following += (1 - following.sum()) / nodes
            change = np.abs(following - shares).sum()
            shares = following
            if change < ENOUGH:
                return

    return _measured(rank, nodes)


def rank_igraph(nodes: int) -> tuple[float, float]:
    """The same of igraph, in an environment of its own."""
    command = [str(environment_of("igraph", IGRAPH) / "python"), igraph_rank.__file__, str(nodes)]
    seconds, peak = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return seconds, peak


def _measured(rank: Callable[[Nodes, Nodes], object], nodes: int) -> tuple[float, float]:
    edges = edges_of(nodes)
    before = time.process_time()
    rank(*edges)
    return time.process_time() - before, peak_mebibytes()


def write_ranks(path: Path, lines: int) -> None:
    """A file of ranks of so many domains."""
    with gzip.open(path, "wb", compresslevel=6) as file:
        file.write(HEADING)
        for number in range(1, lines + 1):
            file.write(
                b"%d\t%.7g\t%d\t%.7g\tcom.domain-%d\t%d\n" % (number, 3e7 / number, number, 1 / number, number, 3)
            )


def sieve_ours(path: Path, count: int, lines: int) -> tuple[float, float]:
    """CPU seconds and MiB of reading a file of ranks for so many domains."""
    sought = {b"com.domain-%d" % number for number in range(1, lines, lines // count)}
    before = time.process_time()
    sift(_chunks(path), partial(kept_lines, sought))
    return time.process_time() - before, peak_mebibytes()


def count_lines(path: Path) -> float:
    """CPU seconds of `zcat | wc -l`."""
    ran = subprocess.run(
        ["/bin/bash", "-c", 'times; zcat "$1" | wc -l >/dev/null; times', "bash", str(path)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    before, after = (_seconds(ran.stdout.splitlines()[at]) for at in (1, 3))
    return after - before


def _seconds(line: str) -> float:
    """Of a line of bash's `times`: user and system, as 0m1.234s."""
    return sum(
        60 * float(minutes) + float(seconds) for minutes, _, seconds in (t[:-1].partition("m") for t in line.split())
    )


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


@click.command()
@click.option("--nodes", default=1_000_000, show_default=True, help="Nodes of the graph, ten edges each.")
@click.option("--lines", default=1_000_000, show_default=True, help="Lines of the shorter file.")
@click.option("--write/--no-write", default=True, help="Whether results and picture are replaced.")
def main(nodes: int, lines: int, write: bool) -> None:
    """Measure, print and write."""
    sides = {"ours": rank_ours, "scipy": rank_bare, "igraph": rank_igraph}
    turns = [{name: apart(side, nodes) for name, side in sides.items()} for _ in range(TURNS)]
    cpu = {name: median(turn[name][0] for turn in turns) for name in sides}
    memory = {name: max(turn[name][1] for turn in turns) for name in sides}
    figures = [
        Figure("PageRank: CPU time, of a bare loop of scipy", cpu["ours"] / cpu["scipy"], "at most", 1.1),
        Figure("PageRank: CPU time, of igraph", cpu["ours"] / cpu["igraph"], "at most", 0.5),
        Figure("PageRank: memory, of igraph", memory["ours"] / memory["igraph"], "at most", 0.8),
    ]
    with tempfile.TemporaryDirectory(prefix="seo-warehouse-bench-") as folder:
        short, long = Path(folder) / "short.gz", Path(folder) / "long.gz"
        write_ranks(short, lines)
        write_ranks(long, TIMES * lines)
        count = min(SOUGHT, lines // TIMES)
        sieved = [apart(sieve_ours, long, count, TIMES * lines) for _ in range(TURNS)]
        counted = [count_lines(long) for _ in range(TURNS)]
        shorter = apart(sieve_ours, short, count, lines)
    figures += [
        Figure("ranks: CPU time, of zcat | wc -l", median(s for s, _ in sieved) / median(counted), "at most", 4),
        Figure(f"ranks: memory at {TIMES} times the lines", max(m for _, m in sieved) / shorter[1], "at most", 1.1),
    ]
    found = {"nodes": nodes, "lines": TIMES * lines, "cpu_seconds": cpu, "memory_mib": memory}
    sieving = {"sieve_seconds": median(s for s, _ in sieved), "count_seconds": median(counted)}
    keep("link_authority", figures, found | sieving, write=write)


if __name__ == "__main__":
    main()
