"""What is said of a witness holds as often as it says, where links of one domain are seen together."""

from __future__ import annotations

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
    assert all(row["precision_share"] is None and row["precision_link_count"] == 0 for row in rows)
