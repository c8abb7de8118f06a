"""Open PageRank: the rank of domains, by PageRank of Common Crawl's graph.

GET https://openpagerank.com/api/v1.0/getPageRank?domains[]=..., with the key in a header, at most 100 domains a call:
as public programs ask, and as the answers are that they kept. A domain that it does not know has the status 404 within
an answer of 200; ranks are written as text.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from seo_warehouse.client.access import Access, HeaderKey
from seo_warehouse.client.api import Api
from seo_warehouse.property import Property, Strict
from seo_warehouse.sources.fields import Shape, whole
from seo_warehouse.spec import Column, Feed, Kind, Period, Plan, Row, Source, Table, Type

PATH = "/api/v1.0/getPageRank"
CALL_DOMAINS = 100
RANK = Shape(
    Column("domain", Type.TEXT, "Domain asked about.", required=True),
    Column("status_code", Type.INTEGER, "200, or 404 where it is not known.", required=True),
    Column("page_rank_decimal", Type.FLOAT, "Open PageRank, 0 to 10, in two decimals.", minimum=0, maximum=10),
    Column("rank", Type.BIGINT, "Place among all domains, from 1; NULL where it is not known.", minimum=1),
    takes={"rank": whole},
    unused=["page_rank_integer", "error"],
    optional=["rank"],
)
DECODE = RANK.under("response")


class OpenPagerankSettings(Strict):
    """Ranks of the domains that link to any property."""

    connection: str = Field("open_pagerank", description="Airflow connection whose password is the API's key.")
    interval_days: int = Field(7, ge=1, description="Days between two nights that ask.")
    domains: int = Field(10_000, ge=1, description="Domains that are asked about, a call for each hundred.")


def probe_key(api: Api, property: Property) -> None:
    """The key is accepted."""
    api.get(PATH, {"domains[]": ["example.com"]}, decode=DECODE)


def read_ranks(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """The domains of the plan, those that it does not know too."""
    domains = [ask.ask for ask in api.plan()]
    for begin in range(0, len(domains), CALL_DOMAINS):
        reply = api.get(PATH, {"domains[]": domains[begin : begin + CALL_DOMAINS]}, decode=DECODE)
        yield from api.rows(reply, period.last_day)


OPEN_PAGERANK = Source(
    name="open_pagerank",
    description="Open PageRank: ranks of the domains that link to the properties.",
    kind=Kind.SNAPSHOT,
    cron="10 8 * * *",
    settings=OpenPagerankSettings,
    is_shared=True,
    access=Access(host="https://openpagerank.com", auth=HeaderKey.named("API-OPR"), example={"password": "not-a-key"}),
    probe=probe_key,
    plan=Plan("plan_linking_domain", limit="domains", is_all=True),
    tables=(
        Table(
            "domain_rank",
            "Domains that were asked about.",
            read_ranks,
            RANK,
            grain=("domain",),
            feeds=Feed.DOMAIN_RANKS,
        ),
    ),
)
