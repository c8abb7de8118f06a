"""How much slower analysts read while a night is published and built, and whether they ever see half of one.

Two sites with two months of history. Eight analysts, each a process with a connection of its own, read the marts of the
one site that they are granted, a query every half second or so: first with nothing else at work, then while two nights
are published and built. Compared is the 95th percentile of what their queries take.

Now and then each sums up a whole mart by day, in one statement. What it finds must be what the mart said after one of
the builds, and never an earlier one than before: a day is seen whole or not at all.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import secrets
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import Any, LiteralString

import click
import psycopg

from benchmarks.measuring import Figure, keep, load_average, say, warehouse
from benchmarks.sites import NIGHT, Site, load_history, properties_yml, publish_night
from seo_warehouse.steps.build import build_warehouse
from seo_warehouse.steps.grants import grant
from seo_warehouse.steps.warehouse import Warehouse

READERS = 8
DAYS, PROPERTIES, NIGHTS = 60, 2, 2
IDLE_SECONDS = 45
PAUSE_SECONDS = (0.2, 0.8)
CHECK_EVERY = 5
"""Queries from one look at a whole mart to the next."""

QUERIES: dict[str, LiteralString] = {
    "positions of a day": """
        select k.keyword, p.device, p.state, p.position, p.ranking_url
        from marts.fct_serp_position as p join marts.dim_keyword as k using (property_key, keyword_key)
        where p.day = %(day)s order by p.position nulls last limit 200
        """,
    "positions of a keyword": """
        select day, device, state, position from marts.fct_serp_position
        where keyword_key = %(keyword)s order by day, device
        """,
    "link events of a page": """
        select e.event_date, e.event_type, e.source_url, e.is_followed, l.state
        from marts.fct_link_event as e join marts.dim_link as l using (property_key, link_key)
        where e.page_key = %(page)s order by e.event_date desc nulls last
        """,
    "effect of links": """
        select panel, arm, outcome, window_name, weighting, estimate, honest_low, honest_high, status
        from marts.rpt_link_effect where cut = 'all' order by 1, 2, 3, 4, 5
        """,
    "what links of a page probably did": """
        select event_date, arm, outcome, shrunk_effect, shrunk_low, shrunk_high, reason
        from marts.rpt_link_contribution where page_key = %(page)s order by event_date
        """,
    "searches by month": """
        select d.month_start_date, sum(t.clicks), sum(t.impressions)
        from marts.fct_search_total as t join marts.dim_date as d using (day) group by 1 order by 1
        """,
    "searches of a topic by month": """
        select d.month_start_date, sum(s.clicks), sum(s.position_sum) / nullif(sum(s.impressions), 0)
        from marts.fct_search_page as s
        join marts.dim_page as p using (property_key, page_key)
        join marts.dim_date as d using (day)
        where p.topic = %(topic)s group by 1 order by 1
        """,
    "linking domains": """
        select l.source_domain, count(*), max(a.authority)
        from marts.dim_link as l
        join marts.dim_domain as a on a.domain_key = l.source_domain_key and a.vendor = l.authority_witness
            and a.valid_to_date is null
        where l.state = 'live' group by 1 order by 3 desc nulls last limit 50
        """,
}
BY_DAY = {
    "fct_serp_position": ("day", "sum(position)"),
    "fct_serp_result": ("day", "sum(absolute_position)"),
    "fct_search_performance": ("day", "sum(clicks)"),
    "fct_search_page": ("day", "sum(impressions)"),
    "fct_search_total": ("day", "sum(impressions)"),
    "fct_page_crawl": ("day", "sum(word_count)"),
    "fct_page_change": ("day", "count(distinct page_key)"),
    "fct_link_event": ("event_date", "sum(link_key::numeric)"),
    "dim_link": ("state", "sum(authority)"),
    "fct_link_rank_change": ("event_date", "count(reason)"),
    "rpt_link_effect": ("window_name", "sum(estimate::numeric)"),
    "rpt_link_contribution": ("event_date", "sum(own_effect::numeric)"),
}
"""Marts, each with what its rows are summed by, and a sum."""


@dataclass(frozen=True)
class Look:
    """One statement of a reader; `found` is what a whole mart said."""

    reader: int
    what: str
    began: float
    seconds: float
    found: str | None = None


def read(pipe: Connection, dsn: str, number: int) -> None:
    """Be an analyst until told to end; then send what was looked at."""
    chance = random.Random(number)  # noqa: S311
    looks: list[Look] = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        known = _known(connection)
        pipe.send("ready")
        while not pipe.poll(chance.uniform(*PAUSE_SECONDS)):
            what = chance.choice(list(QUERIES))
            began = time.monotonic()
            connection.execute(
                QUERIES[what], {name: chance.choice(values) for name, values in known.items()}
            ).fetchall()
            looks.append(Look(number, what, began, time.monotonic() - began))
            if len(looks) % CHECK_EVERY == 0:
                mart = chance.choice(list(BY_DAY))
                began = time.monotonic()
                found = whole(connection, mart)
                looks.append(Look(number, mart, began, time.monotonic() - began, found))
    pipe.send(looks)


def _known(connection: psycopg.Connection[Any]) -> dict[str, list[Any]]:
    """What an analyst may ask for."""
    queries: dict[str, LiteralString] = {
        "day": "select distinct day from marts.fct_serp_position",
        "keyword": "select keyword_key from marts.dim_keyword",
        "page": "select distinct page_key from marts.fct_link_event where page_key is not null",
        "topic": "select distinct topic from marts.dim_page",
    }
    return {name: [row[0] for row in connection.execute(query)] for name, query in queries.items()}


def whole(connection: psycopg.Connection[Any], mart: str) -> str:
    """A mart by day, in one statement."""
    by, total = BY_DAY[mart]
    query = f"""
        select md5(string_agg(concat_ws(' ', part, row_count, total), ',' order by part))
        from (select {by} as part, count(*) as row_count, {total} as total from marts.{mart} group by 1) as parts
        """  # noqa: S608
    return str(connection.execute(query.encode()).fetchall()[0][0])


@contextmanager
def reading(dsn: str) -> Iterator[list[Look]]:
    """Eight analysts at work; what they looked at stands in the list once they have ended."""
    looks: list[Look] = []
    context = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    for number in range(READERS):
        here, there = context.Pipe()
        process = context.Process(target=read, args=(there, dsn, number))
        process.start()
        there.close()
        pipes.append(here)
        processes.append(process)
    try:
        for pipe in pipes:
            pipe.recv()
        yield looks
        for pipe in pipes:
            pipe.send("end")
        for pipe in pipes:
            looks += pipe.recv()
    except EOFError:
        raise SystemExit("an analyst could not read: see above") from None
    finally:
        for process in processes:
            process.join()


def expect_whole(looks: Iterable[Look], states: dict[str, list[str]]) -> int:
    """The number of marts seen whole. Raises SystemExit where one was seen as no build left it, or as it was before."""
    count = 0
    last: dict[tuple[int, str], int] = defaultdict(int)
    for look in sorted((look for look in looks if look.found is not None), key=lambda look: look.began):
        later = states[look.what][last[look.reader, look.what] :]
        if look.found not in later:
            raise SystemExit(f"analyst {look.reader} saw {look.what} as no build left it, or as it was before")
        last[look.reader, look.what] += later.index(look.found)
        count += 1
    return count


def p95(looks: Sequence[Look]) -> float:
    """Seconds within which 95 of 100 queries were answered."""
    return statistics.quantiles([look.seconds for look in looks], n=20)[-1]


def summary(looks: Sequence[Look]) -> dict[str, Any]:
    """Queries in numbers."""
    queries = [look for look in looks if look.found is None]
    by_query = {what: [look for look in queries if look.what == what] for what in QUERIES}
    longest = sorted(queries, key=lambda look: look.seconds, reverse=True)[:5]
    return {
        "queries": len(queries),
        "p50_ms": round(1000 * statistics.median(look.seconds for look in queries), 1),
        "p95_ms": round(1000 * p95(queries), 1),
        "longest": [{"query": look.what, "ms": round(1000 * look.seconds)} for look in longest],
        "p95_ms_by_query": {what: round(1000 * p95(own), 1) for what, own in by_query.items() if len(own) > 1},
    }


def nights(wh: Warehouse, site: Site, dsn: str, states: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Publish and build the nights; note what each mart says after each."""
    found = []
    for number in range(NIGHTS):
        began = time.monotonic()
        publish_night(wh, site, NIGHT + timedelta(days=number), NIGHT - timedelta(days=DAYS))
        published = time.monotonic()
        build_warehouse(wh)
        found.append({"publish_seconds": published - began, "build_seconds": time.monotonic() - published})
        note(dsn, states)
    return [{name: round(seconds, 1) for name, seconds in night.items()} for night in found]


def note(dsn: str, states: dict[str, list[str]]) -> None:
    """Add what each mart says now."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for mart in BY_DAY:
            states[mart].append(whole(connection, mart))


@click.command()
@click.option("--share", default=1.0, show_default=True, help="Of pages, keywords, searches and links.")
@click.option("--write/--no-write", default=True, help="Whether results/readers.json is replaced.")
def main(share: float, write: bool) -> None:
    """Measure and print."""
    site, first = Site().scaled(share), NIGHT - timedelta(days=DAYS)
    states: dict[str, list[str]] = {mart: [] for mart in BY_DAY}
    with warehouse(properties_yml(site, PROPERTIES, first)) as wh:
        load_history(wh, site, first)
        build_warehouse(wh)
        password = secrets.token_urlsafe(18)
        grant(wh, "reader", "shop1", say, by="benchmark", password=password)
        dsn = psycopg.conninfo.make_conninfo(wh.dsn("analyst"), user="reader", password=password)
        note(dsn, states)
        before = load_average()
        with reading(dsn) as idle:
            time.sleep(IDLE_SECONDS)
        with reading(dsn) as busy:
            built = nights(wh, site, dsn, states)
    wholes = expect_whole([*idle, *busy], states)
    changed = sum(len(set(seen)) > 1 for seen in states.values())
    say(
        f"{wholes} times a whole mart was seen, always as a build had left it; {changed} of {len(states)} marts changed"
    )
    quiet, loud = summary(idle), summary(busy)
    found = {"idle": quiet, "busy": loud, "nights": built, "whole_marts_seen": wholes}
    say(json.dumps(found, indent=1))
    figures = [
        Figure("p95 while nights are built, of p95 on idle", loud["p95_ms"] / quiet["p95_ms"]),
        Figure("median while nights are built, of the median on idle", loud["p50_ms"] / quiet["p50_ms"]),
        Figure(
            "longest while nights are built, of the longest on idle",
            loud["longest"][0]["ms"] / quiet["longest"][0]["ms"],
        ),
    ]
    keep("readers", figures, {**found, "load": [before, load_average()]}, write=write)


if __name__ == "__main__":
    main()
