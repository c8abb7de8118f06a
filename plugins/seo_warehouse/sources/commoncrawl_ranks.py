"""Common Crawl's ranks: harmonic centrality and PageRank of every domain of the web, some 120 million lines a release.

https://data.commoncrawl.org/projects/hyperlinkgraph/RELEASE/domain/RELEASE-domain-ranks.txt.gz, sorted by the first.

Kept are the lines of the plan's domains, and of positions that lie evenly on a logarithmic scale, by which a value is
told its percentile. What was not planned was not sought: it may be in the file. Names are reversed (com.example).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from pydantic import Field

from seo_warehouse.client.api import Api, Items
from seo_warehouse.property import Property, Strict
from seo_warehouse.sources.fields import Shape, decimal, whole
from seo_warehouse.spec import DAY, OBSERVED_AT, Column, Feed, Kind, Period, Plan, Row, Source, Table, Type

GRID = frozenset(round(1.01**step) for step in range(2_000))
"""Positions, up to 400 million; each is at most 1 % from a domain's own."""
RANK = Shape(
    Column("host_rev", Type.TEXT, "Domain, its labels reversed.", required=True),
    Column("harmonicc_pos", Type.BIGINT, "Position by harmonic centrality, from 1.", required=True, minimum=1),
    Column("harmonicc_val", Type.FLOAT, "Harmonic centrality.", required=True, minimum=0),
    Column("pr_pos", Type.BIGINT, "Position by PageRank, from 1.", required=True, minimum=1),
    Column("pr_val", Type.FLOAT, "PageRank.", required=True, minimum=0),
    Column("n_hosts", Type.BIGINT, "Hosts of the domain.", required=True, minimum=1),
    names="#{}".format,
    takes={Type.BIGINT: whole, Type.FLOAT: decimal},
)
RELEASE = Column("release", Type.TEXT, "Release of the web graph.", required=True)


class CommoncrawlRanksSettings(Strict):
    """A release of Common Crawl's web graph. It needs no credentials, so its address is stated here."""

    base_url: str = Field(
        "https://data.commoncrawl.org", pattern=r"^https?://[^/]+$", description="Where its files are."
    )
    release: str = Field(pattern=r"^[a-z0-9-]+$", description="Its name.", examples=["cc-main-2026-apr-may-jun"])
    interval_days: int = Field(28, ge=1, description="Days between two reads of a file of some 4 GB.")
    domains: int = Field(200_000, ge=1, description="Domains that are sought in it.")


def read_ranks(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """The domains of the plan that the release knows."""
    sought = _sought(api)
    yield from (row for row in _rows(api, property, period) if row["host_rev"] in sought)


def read_quantiles(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """The domains at the positions of the grid, and the last."""
    rows = list(_rows(api, property, period))
    yield from (row for row in rows if row["harmonicc_pos"] in GRID or row is rows[-1])


def _rows(api: Api, property: Property, period: Period) -> Iterator[Row]:
    release, sought = property.settings_of(COMMONCRAWL_RANKS).release, {name.encode() for name in _sought(api)}
    path = f"/projects/hyperlinkgraph/{release}/domain/{release}-domain-ranks.txt.gz"
    for row in api.rows(api.sift(path, period.last_day, partial(kept_lines, sought), decode=_ranks), period.last_day):
        yield {"release": release, **row}


def _sought(api: Api) -> set[str]:
    return {".".join(reversed(ask.ask.split("."))) for ask in api.plan()}


def kept_lines(sought: set[bytes], lines: Iterator[bytes]) -> Iterator[bytes]:
    """Of a file's lines the heading, those of domains that are sought, those of the grid, and the last."""
    kept = line = b""
    for number, line in enumerate(lines):
        if number in GRID or number == 0 or line.split(b"\t", 5)[4] in sought:
            yield (kept := line)
    if line is not kept:
        yield line


def _ranks(lines: list[str]) -> Items:
    names, *values = (line.split("\t") for line in lines)
    return RANK.items([dict(zip(names, each, strict=True)) for each in values], "ranks")


COMMONCRAWL_RANKS = Source(
    name="commoncrawl_ranks",
    description="Common Crawl's ranks of domains.",
    kind=Kind.SNAPSHOT,
    cron="0 8 * * *",
    settings=CommoncrawlRanksSettings,
    is_shared=True,
    plan=Plan("plan_linking_domain", limit="domains", is_all=True),
    tables=(
        Table(
            "domain_rank",
            "Domains that were sought.",
            read_ranks,
            RANK,
            columns=(DAY, RELEASE, *RANK.columns, OBSERVED_AT),
            grain=("host_rev",),
            feeds=Feed.DOMAIN_RANKS,
        ),
        Table(
            "rank_quantile",
            "Domains by position.",
            read_quantiles,
            RANK,
            columns=(DAY, RELEASE, *RANK.columns, OBSERVED_AT),
            grain=("harmonicc_pos",),
            feeds=Feed.RANK_QUANTILES,
        ),
    ),
)
