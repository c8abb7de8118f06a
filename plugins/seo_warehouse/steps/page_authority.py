"""The step between the models and what is told of a property's pages: how authority spreads over them by its links."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from seo_warehouse.authority.graph import Floats, Graph, Nodes, graph_of, harmonic, pagerank
from seo_warehouse.steps.estimating import estimating
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)
ENTERING = 0.9
"""Of where one begins anew: by what enters from outside. The rest is anywhere, so that no page is nothing."""
# Until a crawl is published anew its pages and links are as they were; where URLs led that day may still become known.
GRAPHS = """
select g.property_key, g.day, g.published_at,
       md5(string_agg(v.url_key::text || '>' || v.page_key::text, ',' order by v.url_key))
from intermediate.int_page__list_graphs as g
left join intermediate.int_page__version_pages as v
    on v.property_key = g.property_key and g.day >= v.valid_from_date and g.day < v.valid_to_date
    and v.url_key <> v.page_key
group by g.property_key, g.day, g.published_at
order by g.property_key, g.day
"""
ENTRIES = """
select property_key, day, page_key, domain_count, authority, trusted_domain_count
from intermediate.int_page__weigh_entries
order by property_key, day, page_key
"""
# Keys as bytes, in which ten million edges are some hundred megabytes, and no objects.
NODES = """
select coalesce(string_agg(int8send(page_key), ''::bytea order by page_key), ''::bytea)
from intermediate.int_page__list_nodes
where property_key = %s and day = %s
"""
EDGES = """
select int8send(source_page_key), string_agg(int8send(target_page_key), ''::bytea)
from intermediate.int_page__trace_links
where property_key = %s and day = %s
group by source_page_key
"""
COPY = """
copy ops.page_authority (
    property_key, day, page_key, inlink_count, entering_domain_count, entering_authority, internal_share,
    entering_authority_share, trust_share, harmonic, is_approximate, is_converged
) from stdin
"""
Crawl = tuple[int, date]
"""Property and day."""


@dataclass(frozen=True)
class Entries:
    """Pages, by their keys, that links from outside lead to: from how many domains, with what, how many trusted."""

    page_keys: Nodes
    domain_counts: Nodes
    authorities: Floats
    trusted_counts: Floats


NOTHING = Entries(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0))


def rank_pages(wh: Warehouse) -> int:
    """Write into `ops` how authority spreads over the pages of each property, by the last crawl of each month.

    Returns the number of crawls. Of those whose links, and what enters by them, are as they were nothing is made again.
    The caller holds the warehouse lock. Raises BuildError where what the models left allows of none.
    """
    with (
        estimating("how authority spreads over pages"),
        wh.connect("transformer") as reader,
        wh.connect("loader", autocommit=True) as writer,
    ):
        reader.execute("set transaction isolation level repeatable read, read only")
        # As the models have it (plan_for_many_rows): a crawl is taken for one row, and would be joined by loops.
        reader.execute("set local enable_nestloop = off; set local enable_mergejoin = off")
        graphs = dict(_graphs(reader))
        with writer.transaction():
            known = _known(writer)
            told = {crawl: fingerprint for crawl, (fingerprint, _) in graphs.items()}
            for crawl, _ in known.items() - told.items():
                _forget(writer, crawl)
            anew = sorted(crawl for crawl, _ in told.items() - known.items())
            for crawl in anew:
                _rank(reader, writer, crawl, *graphs[crawl])
    log.info("authority of pages: %s crawls, %s of them anew", len(graphs), len(anew))
    return len(graphs)


def _graphs(reader: psycopg.Connection[Any]) -> Iterator[tuple[Crawl, tuple[str, Entries]]]:
    """Each crawl with the name of what its rows follow from, and what enters its pages."""
    entries = {crawl: _entries(rows) for crawl, rows in groupby(reader.execute(ENTRIES), key=lambda row: row[:2])}
    for property_key, day, *told in reader.execute(GRAPHS):
        entering = entries.get((property_key, day), NOTHING)
        digest = hashlib.sha256(repr(told).encode())
        for column in (entering.page_keys, entering.domain_counts, entering.authorities, entering.trusted_counts):
            digest.update(column.tobytes())
        yield (property_key, day), (digest.hexdigest()[:32], entering)


def _entries(rows: Iterable[tuple[Any, ...]]) -> Entries:
    page_keys, domain_counts, authorities, trusted_counts = zip(*(row[2:] for row in rows), strict=True)
    return Entries(
        np.array(page_keys, np.int64),
        np.array(domain_counts, np.int64),
        np.array(authorities, float),
        np.array(trusted_counts, float),
    )


def _known(writer: psycopg.Connection[Any]) -> dict[Crawl, str]:
    rows = writer.execute("select property_key, day, fingerprint from ops.page_graph")
    return {(property_key, day): fingerprint for property_key, day, fingerprint in rows}


def _forget(writer: psycopg.Connection[Any], crawl: Crawl) -> None:
    writer.execute("delete from ops.page_graph where property_key = %s and day = %s", crawl)
    writer.execute("delete from ops.page_authority where property_key = %s and day = %s", crawl)


def _rank(
    reader: psycopg.Connection[Any], writer: psycopg.Connection[Any], crawl: Crawl, fingerprint: str, entering: Entries
) -> None:
    page_keys, graph = _read(reader, crawl)
    places, kept = _places(page_keys, entering.page_keys)
    told = (entering.domain_counts, entering.authorities, entering.trusted_counts)
    domain_counts, authorities, trusted = (_placed(places, column[kept], page_keys.size) for column in told)
    anywhere, entered = np.full(page_keys.size, 1 / max(page_keys.size, 1)), _entered(authorities)
    mixed = None if entered is None else ENTERING * entered + (1 - ENTERING) * anywhere
    ranks = [None if begun is None else pagerank(graph, begun) for begun in (anywhere, mixed, _entered(trusted))]
    is_converged = all(rank is None or rank.is_converged for rank in ranks)
    shares = [[None] * page_keys.size if rank is None else rank.shares.tolist() for rank in ranks]
    central = harmonic(graph)
    columns = [column.tolist() for column in (page_keys, graph.in_degrees, domain_counts.astype(np.int64), authorities)]
    writer.execute("insert into ops.page_graph values (%s, %s, %s)", (*crawl, fingerprint))
    with writer.cursor() as cursor, cursor.copy(COPY) as copy:
        for row in zip(*columns, *shares, central.values.tolist(), strict=True):
            copy.write_row((*crawl, *row, central.is_approximate, is_converged))


def _placed(places: Nodes, values: Nodes | Floats, page_count: int) -> Floats:
    """A value for each page: 0 where nothing is told."""
    placed = np.zeros(page_count)
    placed[places] = values
    return placed


def _entered(weights: Floats) -> Floats | None:
    """What each page has of all that enters; None where nothing does."""
    total = weights.sum()
    return None if total == 0 else np.asarray(weights / total)


def _read(reader: psycopg.Connection[Any], crawl: Crawl) -> tuple[Nodes, Graph]:
    """The keys of a crawl's pages, in order, and the graph of their links."""
    with reader.cursor(binary=True) as cursor:
        (nodes,) = cursor.execute(NODES, crawl).fetchone() or (b"",)
        page_keys = _keys(nodes)
        sources, targets, counts = bytearray(), bytearray(), []
        for source, led in cursor.execute(EDGES, crawl):
            sources += source
            targets += led
            counts.append(len(led) // 8)
    from_places, are_sources = _places(page_keys, np.repeat(_keys(sources), counts))
    to_places, are_nodes = _places(page_keys, _keys(targets)[are_sources])
    return page_keys, graph_of(page_keys.size, from_places[are_nodes], to_places)


def _keys(told: bytes | bytearray) -> Nodes:
    return np.frombuffer(told, ">i8").astype(np.int64)


def _places(page_keys: Nodes, sought: Nodes) -> tuple[Nodes, NDArray[np.bool_]]:
    """Where those of the keys stand that are pages, and which these are."""
    places = np.searchsorted(page_keys, sought)
    are_pages = np.zeros(sought.size, bool)
    within = places < page_keys.size
    are_pages[within] = page_keys[places[within]] == sought[within]
    return places[are_pages], are_pages
