"""The step between the models and what is published of links that bring visitors: which of several sent them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import psycopg

from seo_warehouse.referral.allocation import LEAST_VISITS, SPANS, Allocation, Group, allocate
from seo_warehouse.referral.habits import Floats, Habits, learn, miss
from seo_warehouse.referral.links import Link, evidence_of
from seo_warehouse.steps.estimating import estimating
from seo_warehouse.steps.warehouse import Warehouse
from seo_warehouse.urls import key64

log = logging.getLogger(__name__)
MOST_READ, AGES = 20_000, 6
"""Links of a property that habits are learned from, chosen by their keys, which are hashes; and classes of age."""
WITNESSES = f"""
select property_key, witness,
    coalesce(sum(visit_count) / nullif(sum(day_count), 0), 1)::float8
from (
    select property_key, witness, week, span_no, source_host_key, page_key, min(visit_count) as visit_count,
        sum({" + ".join(f"day_counts[{age}]" for age in range(1, AGES + 1))}) as day_count
    from intermediate.int_referral__count_exposures
    group by property_key, witness, week, span_no, source_host_key, page_key
) as groups
group by property_key, witness
order by property_key, witness
"""  # noqa: S608
PAGES = """
select count(*) filter (where is_unknown), count(*)
from (
    select bool_and(v.grade = 'no_known_link') as is_unknown
    from marts.fct_referral_visit as v
    left join intermediate.int_referral__list_odd_days as o
        on o.property_key = v.property_key and o.witness = v.witness and o.day = v.day
    where v.property_key = %s and v.witness = %s and v.class in ('link', 'link_host')
        and v.referrer_url_key is not null and o.day is null
    group by v.referrer_url_key
) as pages
"""
LINK = "m.place, m.referrer_policy, m.day_counts, m.alone_day_counts, m.exact_counts, m.sole_counts, m.week_pair_count"
LINKS = f"""
select {LINK}
from intermediate.int_referral__measure_links as m
where m.property_key = %s and m.witness = %s and coalesce(m.referrer_policy, '') <> 'none'
order by m.link_key
limit {MOST_READ}
"""  # noqa: S608
GROUPS = f"""
select e.source_host_key, e.page_key, e.link_key, e.pieces, e.day_counts, e.visit_counts, {LINK}
from (
    select property_key, witness, source_host_key, page_key, link_key,
        array_agg((week - date '2000-01-03') / 7 * {len(SPANS)} + {len(SPANS) - 1} - span_no) as pieces,
        array_agg(day_counts) as day_counts, array_agg(visit_count) as visit_counts
    from intermediate.int_referral__count_exposures
    where property_key = %(key)s and witness = %(witness)s
    group by property_key, witness, source_host_key, page_key, link_key
) as e
join intermediate.int_referral__measure_links as m
    on m.property_key = e.property_key and m.witness = e.witness and m.link_key = e.link_key
order by e.source_host_key, e.page_key, e.link_key
"""  # noqa: S608
COPY = """
copy ops.referral_estimate (
    property_key, witness, source_host_key, page_key, link_key, span,
    visit_count, visit_low, visit_high, set_visit_count, candidate_count, own_weight, is_pooled_prior
) from stdin
"""
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Read:
    """A group as the models left it: its links in the order of their keys, and how many lived in each span."""

    keys: tuple[int, ...]
    group: Group
    candidates: tuple[int, ...]


def lay_visits(wh: Warehouse) -> int:
    """Write which links brought the newest build's visits that several could have sent, into `ops`, whole.

    Returns the number of rows. The caller holds the warehouse lock. Raises BuildError where the figures that the
    models left allow of none.
    """
    with estimating("which links brought visits"), wh.connect("transformer") as reader:
        reader.execute("set transaction isolation level repeatable read, read only")
        with wh.connect("loader", autocommit=True) as writer, writer.transaction():
            writer.execute("delete from ops.referral_estimate")
            count = 0
            with writer.cursor() as cursor, cursor.copy(COPY) as copy:
                for row in _rows(reader):
                    copy.write_row(row)
                    count += 1
    log.info("visitors: %s rows of links that could have sent them", count)
    return count


def _rows(reader: psycopg.Connection[Any]) -> Iterator[Row]:
    for property_key, witness, mean in reader.execute(WITNESSES).fetchall():
        where = {"key": property_key, "witness": witness}
        places: dict[str | None, int] = {}
        habits = _habits(reader, property_key, witness, mean, places)
        with reader.cursor(name="referral_groups") as cursor:
            rows: Iterable[Row] = cursor.execute(GROUPS, where, binary=True)
            for (host, page), members in groupby(rows, key=lambda row: row[:2]):
                read = _read(list(members), habits, places, key64(property_key, host, page, "referral"))
                if read.group.visits.sum() >= LEAST_VISITS:
                    made = allocate(read.group, habits)
                    yield from _told((property_key, witness, host, page), read, made, is_pooled=habits.is_pooled)


def _habits(
    reader: psycopg.Connection[Any], property_key: int, witness: str, mean: float, places: dict[str | None, int]
) -> Habits:
    """What links of a property bring; numbers each place that is met in `places`."""
    with reader.cursor(name="referral_links") as cursor:
        links = [_link(row, places) for row in cursor.execute(LINKS, (property_key, witness))]
    (pages,) = reader.execute(PAGES, (property_key, witness)).fetchall()
    return learn(evidence_of(links, AGES), len(places), miss(*pages), mean=mean)


def _link(row: Row, places: dict[str | None, int]) -> Link:
    place, policy, *arrays, pairs = row
    days, alone, exact, sole = (np.array(each, np.float64) for each in arrays)
    return Link(places.setdefault(place, len(places)), policy, days, alone, exact, sole, float(pairs))


def _read(members: list[Row], habits: Habits, places: dict[str | None, int], seed: int) -> Read:
    own = [_link(row[6:], places) for row in members]
    pieces = np.unique(np.concatenate([row[3] for row in members]))
    visits, exposure = np.zeros(pieces.size, np.int64), np.zeros((len(own), pieces.size))
    for number, (link, (_, _, _, lived, days, counts, *_)) in enumerate(zip(own, members, strict=True)):
        place = np.searchsorted(pieces, lived)
        visits[place] = counts
        # Not as a product of matrices, whose sums may differ by a bit from row to row.
        exposure[number, place] = link.host_share * (np.array(days) * habits.decay).sum(axis=1)
    span = len(SPANS) - 1 - pieces % len(SPANS)
    group = Group(
        visits=visits,
        span=span,
        exposure=exposure,
        mean=_means(habits, [link.kind for link in own]),
        own_visits=np.array([link.exact.sum() for link in own]),
        own_exposure=np.array([link.page_days @ habits.decay for link in own]),
        seed=seed,
    )
    candidates = tuple(int(exposure[:, span <= number].any(axis=1).sum()) for number in range(len(SPANS)))
    return Read(tuple(row[2] for row in members), group, candidates)


def _means(habits: Habits, kinds: list[int]) -> Floats:
    """Of links of a place that no readable one is in, the mean of all places."""
    return np.array([habits.means[kind] if kind < habits.means.size else habits.means.mean() for kind in kinds])


def _told(where: Row, read: Read, made: Allocation, *, is_pooled: bool) -> Iterator[Row]:
    """Rows of ops.referral_estimate: of each span with visits enough, its links and last those that nobody knows."""
    for number, span in enumerate(SPANS):
        is_of_span = np.asarray(read.group.span <= number)
        visits = int(read.group.visits[is_of_span].sum())
        if visits < LEAST_VISITS:
            continue
        lived = np.asarray(read.group.exposure[:, is_of_span].sum(axis=1) > 0)
        for place, key in enumerate((*read.keys, 0)):
            if key and not lived[place]:
                continue
            told = (float(part[place, number]) for part in (made.visits, made.low, made.high))
            weight = float(made.own_weight[place]) if key else None
            yield (*where, key, span, *told, visits, read.candidates[number], weight, is_pooled)
