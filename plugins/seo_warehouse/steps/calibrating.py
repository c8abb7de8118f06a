"""The step between the models and what is told of domains: where a vendor's score places one among all of the web."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import numpy as np

from seo_warehouse.authority.calibration import calibrate, percentile
from seo_warehouse.steps.estimating import estimating
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)
PAIRS = """
select vendor, measure, scale_max, domain_count, domain_key, authority, rank_position
from intermediate.int_domain__pair_scores
where rank_position is not null
order by vendor, measure, scale_max, domain_count, domain_key
"""


def calibrate_scores(wh: Warehouse) -> int:
    """Write into `ops`, whole, which share of the web stands behind domains of each score of each vendor.

    Returns the number of vendors of which that can be said. The caller holds the warehouse lock. Raises BuildError
    where what the models left allows of none.
    """
    with estimating("where scores place domains"):
        with wh.connect("transformer") as reader:
            scales = groupby(reader.execute(PAIRS), key=lambda row: row[:4])
            rows = [(*scale[:2], *row) for scale, told in scales for row in _calibrated(scale[2], scale[3], told)]
        with wh.connect("loader", autocommit=True) as writer, writer.transaction(), writer.cursor() as cursor:
            cursor.execute("delete from ops.authority_calibration")
            cursor.executemany("insert into ops.authority_calibration values (%s, %s, %s, %s, %s, %s, %s)", rows)
    vendors = len({row[:2] for row in rows})
    log.info("scores of %s vendors are placed among all domains", vendors)
    return vendors


def _calibrated(scale_max: int, domain_count: int, told: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Each score with its share of the web, the ends of that, and by how many domains it is known."""
    keys, scores, places = (np.array(column) for column in zip(*(row[4:] for row in told), strict=True))
    found = calibrate(scores.astype(float), np.log10(places.astype(float)), keys.astype(np.int64))
    if found is None:
        return
    each = np.arange(scale_max + 1.0)
    middle, best, worst = (percentile(log_places, domain_count).tolist() for log_places in found.place(each))
    for score, (share, low, high) in enumerate(zip(middle, worst, best, strict=True)):
        yield score, share, low, high, found.pair_count
