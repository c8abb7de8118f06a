"""What is said of a witness holds as often as it says, where links of one domain are seen together."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student

from tests.warehouse.world import Warehouse

WORLDS = 100
# Forty domains with 1 to 9 links each. Witness w sees nine of ten links of a domain, or three, as chance has it; v sees
# seven of ten of all.
LINKS = f"""
insert into intermediate.int_link__list_beliefs
    (property_key, witness, link_group_key, linking_key, begin_day, end_day)
select property_key, witness, 10 * domain + link, domain, '2026-05-02', 'infinity'
from (
    select property_key, domain, 1 + floor(9 * random())::integer as links, random() < 0.5 as is_seen_well
    from generate_series(1, {WORLDS}) as property_key
    cross join generate_series(1, 40) as domain
) as domains
cross join generate_series(1, links) as link
cross join (values ('v', 0.7, 0.7), ('w', 0.9, 0.3)) as witnesses (witness, well_share, ill_share)
where random() + 0 * link < case when is_seen_well then well_share else ill_share end
"""


def wilson(found: np.ndarray, asked: np.ndarray) -> tuple[float, float]:
    """Of as many links, each by itself, as would say a share as surely as these domains do."""
    count, total = len(asked), asked.sum()
    share = found.sum() / total
    variance = count / (count - 1) * ((found - share * asked) ** 2).sum() / total**2
    size = share * (1 - share) / variance
    t = student.ppf(0.975, total**2 / (asked**2).sum() - 1)
    middle, half = share + t**2 / (2 * size), t * np.sqrt(share * (1 - share) / size + (t / (2 * size)) ** 2)
    return (middle - half) / (1 + t**2 / size), (middle + half) / (1 + t**2 / size)


def test_the_interval_of_coverage_holds_the_truth(warehouse: Warehouse) -> None:
    looks = [{"property_key": key, "day": day} for key in range(1, WORLDS + 1) for day in ("2026-05-02", "2026-05-30")]
    warehouse.insert("intermediate.int_link__judge_looks", looks)
    warehouse.connection.execute("select setseed(0.3)")
    warehouse.connection.execute(LINKS)
    warehouse.dbt(
        "run", "--select", "int_link__count_finds", "int_link__watch_delays", "int_link__measure_delays", "rpt_witness"
    )
    rows = warehouse.rows("select * from marts.rpt_witness")
    assert len(rows) == 2 * WORLDS
    for witness, truth in (("v", 0.7), ("w", 0.6)):
        told = [row for row in rows if row["witness"] == witness]
        assert all(20 < row["coverage_domain_count"] <= 40 for row in told)
        held = sum(row["coverage_interval_low"] <= truth <= row["coverage_interval_high"] for row in told)
        assert held >= 0.9 * WORLDS
    finds = warehouse.rows(
        "select found_count, asked_count from intermediate.int_link__count_finds"
        " where property_key = 1 and witness = 'w' and month = '2026-05-01' and measure = 'coverage'"
    )
    first = next(row for row in rows if (row["property_key"], row["witness"]) == (1, "w"))
    interval = (first["coverage_interval_low"], first["coverage_interval_high"])
    assert interval == pytest.approx(wilson(*np.array([[*row.values()] for row in finds], float).T), rel=1e-4)
    assert all(row["precision_share"] is None and row["precision_link_count"] == 0 for row in rows)
