"""What a build left, beside what a full refresh makes of the same days."""

from __future__ import annotations

from math import isclose

from tests.warehouse.world import Warehouse

MODELS = (
    *("+dim_link", "+dim_keyword", "+fct_search_total", "+fct_page_change"),
    *("+rpt_search_summary", "+rpt_referral_source", "+int_referral__sum_hosts"),
    *("+rpt_link_contribution", "+fct_link_effect_page", "+int_effect__cross_arms", "+int_effect__cross_weeks"),
)
"""What builds are compared on."""
TABLES = {
    "marts.fct_link_check": "day, link_key",
    "marts.fct_link_event": "event_key",
    "marts.fct_link_lifespan": "link_key",
    "intermediate.int_link__find_bursts": "event_key",
    "marts.dim_link": "link_key",
    "marts.dim_page": "page_key",
    "marts.dim_keyword": "keyword_key",
    "marts.fct_serp_position": "day, keyword_key, locale, device",
    "marts.fct_page_crawl": "day, page_key",
    "marts.fct_page_change": "day, page_key, kind",
    "marts.fct_search_performance": "day, page_key, query_key",
    "marts.fct_search_page": "day, page_key",
    "marts.fct_search_total": "day",
    "marts.rpt_search_summary": "day, dimension, value",
    "marts.rpt_referral_source": "witness, month, class, host_key",
    "intermediate.int_referral__sum_hosts": "witness, day, class, host_key",
    "intermediate.int_link__sum_positions": "series_key, depth, day",
    "intermediate.int_link__mark_ranked_days": "series_key, block, page_key",
    "intermediate.int_effect__sum_searches": "page_key, day",
}
MEASURES = {
    "marts.fct_referral_visit": "witness, day, referrer_key, page_key",
    "marts.fct_link_rank_change": "event_key, keyword_key, locale, device, window_name",
    "marts.rpt_link_contribution": "panel, event_key",
    "intermediate.int_effect__measure_units": "cell_key, page_key, sample_no, role",
    "intermediate.int_effect__average_controls": "cell_key, sample_no",
    "marts.fct_link_effect_cell": "cell_key, sample_no, arm, cut, level",
    "marts.fct_link_effect_page": "panel, cut, level, arm, sample_no, page_key",
    "intermediate.int_effect__estimate_effects": "panel, cut, level, arm, sample_no, outcome, weighting",
}
"""Tables of means and of shares, which are equal but for the order of summation."""
Row = tuple[object, ...]


def contents(w: Warehouse, *property_keys: int) -> dict[str, list[Row]]:
    """Every row of the compared tables that is of these properties."""
    return {
        table: [
            tuple(row.values())
            for row in w.rows(
                f"select * from {table} where property_key = any(%s) order by property_key, {key}", list(property_keys)
            )
        ]
        for table, key in (TABLES | MEASURES).items()
    }


def differences(built: dict[str, list[Row]], fresh: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Of each table that is not the same in both the first rows that stand in one alone."""
    found = {table: _unequal(built[table], fresh[table], table in MEASURES) for table in built}
    return {table: rows for table, rows in found.items() if rows}


def _unequal(one: list[Row], other: list[Row], are_means: bool) -> list[Row]:
    if one == other:
        return []
    if are_means and len(one) == len(other):
        pairs = zip(one, other, strict=True)
        return [row for pair in pairs if not all(map(is_same, *pair)) for row in pair][:6]
    return [row for row in one if row not in other][:3] + [row for row in other if row not in one][:3]


def is_same(one: object, other: object) -> bool:
    """Equal, a mean to 1e-9."""
    if isinstance(one, float) and isinstance(other, float):
        return isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return one == other
