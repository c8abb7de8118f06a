"""A release of Common Crawl's ranks in which the demo's sites stand among 20,000 domains, and their true places.

https://data.commoncrawl.org/projects/hyperlinkgraph/RELEASE/domain/RELEASE-domain-ranks.txt.gz

A place follows from the site's authority, but for chance: log10 of it falls with the square, so that few stand high. Of
five sites the release does not know one, as a crawl misses some; where that would stand is in the truth (ranks.jsonl).
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from seo_warehouse.demo.catalogue import ALL_PROPERTIES
from seo_warehouse.demo.chance import draw, generator
from seo_warehouse.demo.links import SECOND, VIRAL_SECOND, sites

RELEASE = "cc-main-2026-apr-may-jun"
PATH = f"/projects/hyperlinkgraph/{RELEASE}/domain/{RELEASE}-domain-ranks.txt.gz"
HEADER = ("#harmonicc_pos", "#harmonicc_val", "#pr_pos", "#pr_val", "#host_rev", "#n_hosts")
DOMAINS = 20_000
FALL = 0.75
"""The first place of all is about DOMAINS ** (1 - FALL)."""
NOISE = 0.1
"""Of log10 of a place: its standard deviation around what the authority says."""
MISSED_SHARE = 0.2


@dataclass(frozen=True)
class Rank:
    """Where a domain truly stands, from 1. `authority` is 0-1."""

    authority: float
    position: int
    is_in_release: bool


@cache
def true_ranks(seed: int) -> dict[str, Rank]:
    """The places of the sites that may link to a property, and of the properties' own, by domain."""
    authority = {prop.domain: draw(seed, "authority", prop.domain) for prop in ALL_PROPERTIES}
    for prop in ALL_PROPERTIES:
        authority |= {
            site.host.removeprefix("www."): site.authority for site in sites(seed, prop, (*SECOND, *VIRAL_SECOND))
        }
    rng = generator(seed, "ranks")
    due = np.array([*authority.values()])
    wished = DOMAINS ** (1 - FALL * due**2) * 10 ** rng.normal(0, NOISE, due.size)
    ranks: dict[str, Rank] = {}
    position = 0
    names = [*authority]
    for at in np.argsort(wished).tolist():
        # Two that would share a place stand one after the other.
        position = max(round(min(wished[at], DOMAINS - due.size)), position + 1)
        name = names[at]
        ranks[name] = Rank(authority[name], position, draw(seed, "missed", name) >= MISSED_SHARE)
    return ranks


@cache
def packed_release(seed: int) -> bytes:
    """The file, by harmonic centrality."""
    known = {rank.position: name for name, rank in true_ranks(seed).items() if rank.is_in_release}
    places = np.arange(1, DOMAINS + 1)
    rng = generator(seed, "pagerank")
    page_rank = np.empty(DOMAINS, np.int64)
    page_rank[np.argsort(np.log(places) + rng.normal(0, 0.2, DOMAINS))] = places
    shares = page_rank**-0.8 / (places**-0.8).sum()
    hosts = 1 + rng.poisson(20 / places**0.4)
    lines = ["\t".join(HEADER)]
    for place, value, rank, share, count in zip(
        places.tolist(),
        (DOMAINS * (0.5 - 0.03 * np.log(places))).tolist(),
        page_rank.tolist(),
        shares.tolist(),
        hosts.tolist(),
        strict=True,
    ):
        name = known.get(place, f"site-{place}.example")
        told = (place, _java(value), rank, _java(share), ".".join(reversed(name.split("."))), count)
        lines.append("\t".join(map(str, told)))
    return gzip.compress("".join(f"{line}\n" for line in lines).encode(), 1, mtime=0)


def rank_truth(seed: int) -> Iterator[dict[str, Any]]:
    """The truth of each domain."""
    for name, rank in true_ranks(seed).items():
        yield {
            "domain": name,
            "authority": rank.authority,
            "position": rank.position,
            "domain_count": DOMAINS,
            "is_in_release": rank.is_in_release,
        }


def _java(value: float) -> str:
    """A number as the files have it: 0.0163 or 2.5588693964282706E-5."""
    if value >= 1e-3:
        return repr(value)
    digits, exponent = f"{value:.16E}".split("E")
    return f"{float(digits)}E{int(exponent)}"
