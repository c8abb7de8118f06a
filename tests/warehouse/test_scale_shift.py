"""A vendor's scale that moved is found, and one that stands still is not said to have moved: histories by chance."""

from __future__ import annotations

import pytest

from tests.warehouse.world import Warehouse

HISTORIES = 100
# Five reads, a week apart. A domain has a score of its own, about which each read of it wanders. On the last night all
# scores move up or down by so many tolerances, or each wanders ten times as far.
HISTORY = """
insert into intermediate.int_domain__read_authority (
    property_key, day, vendor, domain_key, domain, authority, observed_at
)
select
    property_key, date '2026-05-01' + 7 * read, vendor, domain_key, domain_key::text,
    greatest(0, least(scale_max, round(
        own + case when read = 4 then moved * tolerance * (1 - 2 * (property_key %% 2)) else 0 end
        + tolerance * case when read = 4 and is_re_ranked then 3 else 0.3 end
        * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())
    ))), date '2026-05-01' + 7 * read
from (
    select
        cases.*, scales.*, history + %(histories)s * case_no as property_key, domain_key,
        -- Of a third of the domains nobody knows anything: a heap at 0.
        scale_max * (1.3 * random() ^ 2 - 0.15) as own
    from (values (0, 0.0, false), (1, 0.5, false), (2, 2.0, false), (3, 0.0, true))
        as cases (case_no, moved, is_re_ranked)
    cross join intermediate.authority_scales as scales
    cross join generate_series(1, %(histories)s) as history
    cross join generate_series(1, 150) as domain_key
    where vendor in ('ahrefs', 'dataforseo')
) as domains
cross join generate_series(0, 4) as read
"""


@pytest.fixture(scope="module")
def verdicts(warehouse: Warehouse) -> dict[tuple[int, str], dict[str, int]]:
    """How often each verdict was given, by case and vendor; of the nights before the last by case -1."""
    warehouse.connection.execute("select setseed(0.4)")
    warehouse.connection.execute(HISTORY % {"histories": HISTORIES})
    warehouse.dbt("run", "--select", "rpt_scale_shift")
    found: dict[tuple[int, str], dict[str, int]] = {}
    for row in warehouse.rows(
        "select case when day = '2026-05-29' then (property_key - 1) / %s else -1 end as case_no, vendor, verdict,"
        " count(*) from marts.rpt_scale_shift group by 1, 2, 3",
        HISTORIES,
    ):
        found.setdefault((row["case_no"], row["vendor"]), {})[row["verdict"]] = row["count"]
    return found


@pytest.mark.parametrize("vendor", ["ahrefs", "dataforseo"])
def test_no_scale_that_stands_still_has_moved_and_each_that_moved_has(
    verdicts: dict[tuple[int, str], dict[str, int]], vendor: str
) -> None:
    assert verdicts[-1, vendor] == {"none": 3 * 4 * HISTORIES}, "nights before anything happened"
    assert verdicts[0, vendor] == {"none": HISTORIES}
    assert verdicts[1, vendor] == {"none": HISTORIES}, "the web drifts by half of what is tolerated"
    assert verdicts[2, vendor] == {"shifted": HISTORIES}
    assert verdicts[3, vendor] == {"re_ranked": HISTORIES}
