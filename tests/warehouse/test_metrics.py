"""A metric is the same by the view, by the expression that a BI tool is given, and by SQL written for it."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from bi.bundle import dataset_named, rows_of
from seo_warehouse.steps.metrics import FILE, Metric, documented, read_metrics, rendered_macro
from tests.warehouse.world import Warehouse

ROOT = Path(__file__).parents[2]
METRICS = read_metrics(ROOT)
FIRST = date(2026, 5, 1)
MARTS = ROOT / "dbt_project/models/marts"
PLAIN = {
    "clicks": "sum(clicks) from marts.fct_search_total where {it}",
    "impressions": "sum(impressions) from marts.fct_search_total where {it}",
    "ctr": "1.0 * sum(clicks) / nullif(sum(impressions), 0) from marts.fct_search_total where {it}",
    "search_position": "sum(position_sum) / nullif(sum(impressions), 0) from marts.fct_search_total"
    " where {it} and position_sum >= 0",
    "anonymised_click_share": "1 - sum(query_clicks) / nullif(sum(page_clicks), 0) from marts.fct_search_total"
    " where {it} and is_capped = false and query_clicks > -1",
    "brand_click_share": "sum(case when q.is_brand then clicks else 0 end) / nullif(sum(clicks), 0)"
    " from marts.fct_search_performance as f join marts.dim_query as q on q.property_key = f.property_key"
    " and q.query_key = f.query_key where f.{it}",
    "valid_checks": "sum(valid_check_count) from marts.rpt_serp_visibility where {it}",
    "found_share": "1.0 * sum(found_count) / nullif(sum(valid_check_count), 0)"
    " from marts.rpt_serp_visibility where {it}",
    "share_of_top3": "1.0 * sum(top3_count) / nullif(sum(valid_check_count), 0)"
    " from marts.rpt_serp_visibility where {it}",
    "share_of_top10": "1.0 * sum(top10_count) / nullif(sum(valid_check_count), 0)"
    " from marts.rpt_serp_visibility where {it}",
    "check_position": "1.0 * sum(position_sum) / nullif(sum(found_count), 0) from marts.rpt_serp_visibility where {it}",
    "click_share": "sum(click_share_sum) / nullif(sum(valid_check_count), 0) from marts.rpt_serp_visibility where {it}",
    "share_of_voice": "sum(case when is_own then s else 0 end) / nullif(sum(s), 0) from (select r.*, c.click_share as s"
    " from marts.fct_serp_result as r join marts.dim_click_curve as c on c.position = r.position"
    " where r.item_type = 'organic') as x where {it}",
    "links_gained": "sum(gained_link_count) from marts.rpt_link_profile where {it}",
    "links_lost": "sum(lost_link_count) from marts.rpt_link_profile where {it}",
    "domains_gained": "sum(gained_referring_domain_count) from marts.rpt_link_profile where {it}",
    "domains_lost": "sum(lost_referring_domain_count) from marts.rpt_link_profile where {it}",
    "link_days": "sum(link_count) from marts.rpt_link_profile where {it}",
    "follow_share": "1.0 * sum(followed_link_count) / nullif(sum(link_count), 0)"
    " from marts.rpt_link_profile where {it}",
    "placements": "nullif(count(placement_key), 0) from marts.fct_placement where {it}",
    "placements_seen": "sum(case when verified_date > '2000-01-01' then 1 else 0 end)"
    " from marts.fct_placement where {it}",
    "placement_spend": "sum(money) from marts.fct_placement where {it} and money > -1",
    "referral_visits": "sum(case when class = 'mail' then 0 else visit_count end) from marts.fct_referral_visit"
    " where {it} and witness = 'logs'",
    "tied_visit_share": "sum(case when grade = 'exact' then visit_count else 0 end) / nullif(sum(visit_count), 0)"
    " from marts.fct_referral_visit where {it} and witness = 'logs' and class <> 'mail'",
    "crawled_pages": "nullif(count(page_key), 0) from marts.fct_page_crawl where {it}",
    "indexable_share": "avg(case is_indexable when true then 1.0 when false then 0 end)"
    " from marts.fct_page_crawl where {it}",
    "crawler_visits": "sum(case when verdict = 'verified' then hit_count else 0 end)"
    " from marts.fct_bot_crawl where {it}",
    "spend": "sum(money) from marts.rpt_spend where {it}",
    "wanted_days": "nullif(count(day), 0) from marts.rpt_completeness where {it}",
    "there_share": "avg(case when state = 'final' then 1.0 else 0 end) from marts.rpt_completeness where {it}",
}
"""Each metric as one would write it who never saw metrics.yml, for the rows below."""
ZERO, UNKNOWN, ALONE, CHANGING, NOBODY = 3, 4, 5, 6, 99
"""Of a day of zeros, of a day of which nothing is known, of one row a mart, of days that may still change, of none."""
GROUPINGS = {
    "one day": "property_key = 1 and {day} = date '2026-05-03'",
    "a week of two properties": "property_key in (1, 2) and {day} between '2026-05-04' and '2026-05-10'",
    "odd days": "property_key = 2 and extract(day from {day})::integer % 2 = 1",
    "everything": "property_key > 0",
    "no row": f"property_key = {NOBODY}",
    "one row": f"property_key = {ALONE}",
    "zeros": f"property_key = {ZERO}",
    "unknown": f"property_key = {UNKNOWN}",
    "zeros and unknown beside what is known": f"property_key in (1, {ZERO}, {UNKNOWN})",
}
UNKNOWABLE = {
    "clicks", "impressions", "position_sum", "page_clicks", "query_clicks", "is_capped", "check_count",
    "valid_check_count", "found_count", "top3_count", "top10_count", "click_share_sum", "link_count",
    "followed_link_count", "gained_link_count", "lost_link_count", "gained_referring_domain_count",
    "lost_referring_domain_count", "hit_count", "visit_kind", "indexability",
    "money", "kind", "payment", "verified_date",
    "grade", "referrer_host", "depth", "status_code", "is_indexable",
}  # fmt: skip
"""Columns that hold NULL of UNKNOWN, where the mart lets them."""


@pytest.fixture(scope="module")
def filled(warehouse: Warehouse) -> Warehouse:
    """Three weeks of two properties, with numbers of chance in every mart that is measured, and the odd ones."""
    rng = random.Random(11)
    for key in (1, 2, ZERO, UNKNOWN, ALONE):
        warehouse.insert(
            "marts.dim_query",
            [{"property_key": key, "query_key": q, "query": f"q{q}", "is_brand": q == 1} for q in (1, 2)],
        )
        for number in range(21 if key < ZERO else 1):
            for table, row in _rows(key, FIRST + timedelta(days=number), rng):
                warehouse.insert(f"marts.{table}", [_odd(warehouse, table, row, key)])
    return warehouse


def _odd(warehouse: Warehouse, table: str, row: Mapping[str, Any], key: int) -> Mapping[str, Any]:
    """A row as it is of one of the odd properties."""
    if key == ZERO:
        measured = {*UNKNOWABLE, "visit_count"} - {"status_code", "depth"}
        return {name: 0 if name in measured and type(value) in (int, float) else value for name, value in row.items()}
    if key != UNKNOWN:
        return row
    found = warehouse.rows(
        "select attname from pg_attribute where attrelid = %s::regclass and not attnotnull", f"marts.{table}"
    )
    blank = UNKNOWABLE & {each["attname"] for each in found}
    return {name: None if name in blank else value for name, value in row.items()}


def _rows(key: int, day: date, rng: random.Random) -> list[tuple[str, Mapping[str, Any]]]:
    """A row of each mart, and of performance one for each query."""
    n = rng.randint
    at = {"property_key": key, "day": day}
    capped = rng.choice([True, False, False, None])
    shown = None if capped else n(0, 5)
    searched = {"clicks": n(0, 9), "impressions": n(10, 99), "position_sum": n(100, 900), "page_clicks": n(5, 9)}
    checked = {"engine": "google", "locale": "us", "device": "mobile", "check_count": 9, "valid_check_count": n(5, 9)}
    checked |= {"found_count": n(3, 5), "top3_count": n(0, 1), "top10_count": n(1, 3), "position_sum": n(9, 99)}
    linked = {"link_count": n(5, 9), "referring_domain_count": 3, "followed_link_count": n(1, 5)}
    linked |= {"followed_domain_count": 1, "gained_link_count": n(0, 2), "lost_link_count": n(0, 2)}
    linked |= {"gained_referring_domain_count": n(0, 2), "lost_referring_domain_count": n(0, 2)}
    hit = {"visit_kind": "good", "bot": "b", "operator": "o", "url_key": 1, "status_code": 200, "hit_count": n(1, 9)}
    spent = {"calls": 1, "calls_reused": 0, "calls_cut": 0, "units": 0, "bytes_read": 0, "money": n(1, 99) / 8}
    performed = {"page_key": 1, "country": "usa", "device": "mobile", "query": "q", "origin": "search_console"}
    placed = {
        "placement_key": day.toordinal(),
        "partner_key": 1,
        "campaign_key": 1,
        "agreed_date": day,
        "is_paid": True,
    }
    placed |= {
        "match_grade": "exact",
        "money": n(10, 90),
        "kind": "guest",
        "payment": "once",
        "is_unqualified_paid": False,
    }
    placed |= dict.fromkeys(("live_days_low", "live_days", "live_days_high", "unknown_days"), 0) | {"property_key": key}
    visit = {"referrer_state": "known", "referrer_host": "a.example", "referrer_key": 1, "class": "link"}
    visits = [
        visit | {"witness": witness, "page_key": page, "grade": grade, "visit_count": n(1, 9)} | more
        for witness in ("logs", "ga4")
        for page, grade, more in ((1, "exact", {}), (2, "exact_page", {}), (3, None, {"class": "mail"}))
    ]
    crawled = {"origin": "site_crawl", "url": "u", "status_code": 200, "depth": 1, "indexability": "indexable"}
    wanted = {"source": "s", "property_key": key, "day": day}
    listed = {"keyword_key": 1, "engine": "google", "locale": "us", "device": "mobile"}
    results = [(1, "organic", False), (n(2, 9), "organic", True), (n(10, 20), "organic", False), (None, "paid", True)]
    return [
        *(
            ("fct_serp_result", at | listed | {"item_no": no, "position": place, "item_type": kind, "is_own": own})
            for no, (place, kind, own) in enumerate(results)
        ),
        ("fct_placement", placed | {"verified_date": rng.choice([day, day, None])}),
        *(("fct_referral_visit", at | each) for each in visits),
        *(("fct_page_crawl", at | crawled | {"page_key": p, "is_indexable": n(0, 2) > 0}) for p in (1, 2)),
        *(("rpt_completeness", wanted | {"table_name": s, "state": s}) for s in ("final", "absent")),
        ("fct_search_total", at | searched | {"query_clicks": shown, "is_capped": capped}),
        ("rpt_serp_visibility", at | checked | {"click_share_sum": rng.random()}),
        ("rpt_link_profile", at | linked),
        *(("fct_bot_crawl", at | hit | {"verdict": verdict}) for verdict in ("verified", "spoofed")),
        ("rpt_spend", {"property_key": key, "source": "s", "call_date": day} | spent),
        *(
            ("fct_search_performance", at | performed | {"query_key": q, "clicks": n(1, 9), "impressions": 10})
            for q in (1, 2)
        ),
    ]


def test_every_metric_is_asked_here() -> None:
    assert [metric.name for metric in METRICS] == list(PLAIN)


@pytest.mark.parametrize("grouping", GROUPINGS)
@pytest.mark.parametrize("metric", METRICS, ids=[metric.name for metric in METRICS])
def test_a_metric_is_the_same_asked_three_ways(filled: Warehouse, metric: Metric, grouping: str) -> None:
    where = GROUPINGS[grouping].format(day=metric.time)
    values = [
        _one(filled, _of_view(metric.name, GROUPINGS[grouping].format(day="day"))),
        _one(filled, f"select {metric.expression} from {_joined(metric)} where {where}"),
        _one(filled, f"select {PLAIN[metric.name].format(it=where)}"),
    ]
    known = [value for value in values if value is not None]
    assert known == pytest.approx(known[:1] * 3, rel=1e-12), values
    assert {"no row": not known, "everything": bool(known)}.get(grouping, True)


def test_a_ratio_of_zeros_is_unknown_and_a_sum_of_them_is_nothing(filled: Warehouse) -> None:
    found = {name: _one(filled, _of_view(name, f"property_key = {ZERO}")) for name in PLAIN}
    ratios = {"ctr", "search_position", "brand_click_share", "found_share", "check_position", "follow_share"}
    assert {found[name] for name in ratios} == {None}
    assert {found[name] for name in ("clicks", "links_gained", "crawler_visits", "referral_visits", "spend")} == {0}


@pytest.mark.parametrize(
    ("metric", "dimension"),
    [(metric, name) for metric in METRICS for name in metric.dimensions],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_a_metric_is_cut_by_each_of_its_dimensions_unknown_ones_too(
    filled: Warehouse, metric: Metric, dimension: str
) -> None:
    where = "property_key > 0"
    groups = filled.rows(
        f"select {dimension} as level, {metric.expression} as value from {_joined(metric)} where {where} group by 1"
    )
    for group in groups:
        it = f"property_key > 0 and {dimension} is not distinct from '{group['level']}'"
        it = it.replace("'None'", "null")
        plain = _one(filled, f"select {PLAIN[metric.name].format(it=it)}")
        assert (group["value"] is None) == (plain is None)
        assert plain is None or float(group["value"]) == pytest.approx(plain)
    levels = {group["level"] for group in groups}
    nullable = "select not attnotnull from pg_attribute where attrelid = 'marts.{}'::regclass and attname = '{}'"
    is_unknown_of_one = dimension in UNKNOWABLE and _one(filled, nullable.format(metric.mart, dimension)) == 1
    assert (None in levels) == is_unknown_of_one


def test_where_a_part_is_known_what_it_is_divided_by_is_too(filled: Warehouse) -> None:
    ratios = [metric.name for metric in METRICS if metric.denominator is not None]
    query = "select * from marts.metric_daily where metric = any(%s) and numerator is not null and denominator is null"
    assert filled.rows(query, ratios) == []


def test_metricflow_comes_to_the_same_by_week_and_property(filled: Warehouse) -> None:
    # Importing it takes seconds, which only this test needs.
    from tests.warehouse import semantics

    asked = [metric for metric in METRICS if metric.join is None]
    assert [metric.name for metric in METRICS if metric not in asked] == ["brand_click_share", "share_of_voice"]
    flow = semantics.engine(asked)
    for metric in asked:
        ours = (
            f"select property_key as property, date_trunc('week', {metric.time}) as metric_time__week,"
            f" {metric.expression} as {metric.name} from {_joined(metric)} group by 1, 2"
        )
        told = [
            {
                (row["property"], row["metric_time__week"].date()): _number(row[metric.name])
                for row in filled.rows(query)
            }
            for query in (ours, semantics.weekly(flow, metric.name))
        ]
        assert told[0].keys() == told[1].keys()
        for at, value in told[0].items():
            assert value == pytest.approx(told[1][at], rel=1e-12) if value is not None else told[1][at] is None, at


def test_no_metric_is_of_a_mart_of_estimates() -> None:
    """Estimates do not add up: what has an interval is no part of a sum."""
    estimates = {path.stem for path in MARTS.rglob("*.yml") if path.parent.name in ("effect", "estimate")}
    for path in MARTS.rglob("*.yml"):
        for model in yaml.load(path.read_text("utf-8"), yaml.CSafeLoader).get("models", []):
            if any(re.search(r"(^|_)low(_|$)", c["name"]) for c in model["columns"] if "double" in c["data_type"]):
                estimates.add(model["name"])
    assert {"rpt_link_effect", "rpt_link_contribution", "rpt_expected_loss", "fct_link_effect_page"} < estimates
    assert {metric.mart for metric in METRICS} & estimates == set()


def _of_view(name: str, where: str) -> str:
    total = "sum(numerator) / nullif(coalesce(sum(denominator), 1), 0)"
    return f"select {total} from marts.metric_daily where metric = '{name}' and {where}"


def _joined(metric: Metric) -> str:
    join = f" join marts.{metric.join.mart} using ({', '.join(metric.join.using)})" if metric.join else ""
    return f"marts.{metric.mart}{join}"


def _one(warehouse: Warehouse, query: str) -> float | None:
    [row] = warehouse.rows(query.replace("%", "%%"))
    return _number(next(iter(row.values())))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def test_the_value_of_a_day_is_the_quotient_and_of_nothing_unknown(filled: Warehouse) -> None:
    sums = [metric.name for metric in METRICS if metric.denominator is None]
    wrong = filled.rows(
        "select * from marts.metric_daily where value is distinct from"
        " case when metric = any(%s) then numerator else numerator / nullif(denominator, 0) end",
        sums,
    )
    assert wrong == []
    unknown = filled.rows("select from marts.metric_daily where metric = 'anonymised_click_share' and value is null")
    assert unknown


def test_the_query_of_the_documentation_gives_each_week(filled: Warehouse) -> None:
    (query,) = re.findall(r"```sql\n(.*?)```", (ROOT / "docs/metrics.md").read_text("utf-8"), re.DOTALL)
    found = filled.rows(query)
    assert {(row["metric"], row["week"]) for row in found} == {
        (metric, date(2026, 4, 27) + timedelta(weeks=week))
        for metric in ("clicks", "ctr", "search_position", "links_gained")
        for week in range(4)
    }


def test_the_last_week_of_searches_ends_where_days_are_final(filled: Warehouse) -> None:
    """Of what each query brought too, whose rows do not say whether they may change."""
    rng = random.Random(5)
    asked = [{"property_key": CHANGING, "query_key": q, "query": f"q{q}", "is_brand": q == 1} for q in (1, 2)]
    filled.insert("marts.dim_query", asked)
    for number in range(17):
        for table, row in _rows(CHANGING, date(2026, 4, 27) + timedelta(days=number), rng):
            if table.startswith("fct_search_"):
                more = {"is_provisional": number > 12} if table == "fct_search_total" else {}
                filled.insert(f"marts.{table}", [row | more])
    for name in ("fct_search_total", "fct_search_performance"):
        query = f"select distinct week from ({rows_of(dataset_named(name))}) as d where property_key = {CHANGING}"
        assert {row["week"] for row in filled.rows(query)} == {date(2026, 4, 27), None}, name


def test_a_metric_has_one_row_for_each_property_and_day(filled: Warehouse) -> None:
    (row,) = filled.rows(
        "select count(*) as n, count(distinct (property_key, day, metric)) as keys from marts.metric_daily"
    )
    assert row["n"] == row["keys"] > 20


def test_a_metric_reads_its_own_mart_alone(filled: Warehouse) -> None:
    plan = filled.rows("explain select * from marts.metric_daily where metric = 'spend' and property_key = 1")
    read = {word for row in plan for word in re.findall(r" on (\w+)", row["QUERY PLAN"])}
    assert read == {"rpt_spend"}


def test_dimensions_are_columns_of_the_mart(filled: Warehouse) -> None:
    for metric in METRICS:
        found = filled.rows("select attname from pg_attribute where attrelid = %s::regclass", f"marts.{metric.mart}")
        assert {*metric.dimensions, metric.time} <= {row["attname"] for row in found}, metric.name


@pytest.mark.parametrize(
    "changes", [{"name": "Clicks"}, {"mart": "a b"}, {"numerator": None}, {"nmerator": "1"}, {"join": {"mart": "m"}}]
)
def test_a_metric_that_is_not_in_its_form_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    stated = {"name": "a", "label": "A", "mart": "m", "time": "day", "numerator": "sum(x)", "notes": "n"} | changes
    _write(tmp_path, [stated])
    with pytest.raises(ValidationError):
        read_metrics(tmp_path)


def test_two_metrics_of_a_name_are_refused_and_quotes_are_kept(tmp_path: Path) -> None:
    stated = {"name": "a", "label": "A", "mart": "m", "time": "day", "numerator": "sum(x) filter (where y = 'z')"}
    stated |= {"notes": "n"}
    _write(tmp_path, [stated, stated])
    with pytest.raises(ValueError, match="share a name"):
        read_metrics(tmp_path)
    _write(tmp_path, [stated])
    (metric,) = read_metrics(tmp_path)
    assert '"numerator": "sum(x) filter (where y = \'z\')"' in rendered_macro((metric,))
    assert "| `a` | A | `m` | `sum(x) filter (where y = 'z')` | property alone | n |" in documented((metric,))


def _write(folder: Path, metrics: list[dict[str, Any]]) -> None:
    (folder / FILE).parent.mkdir(exist_ok=True)
    (folder / FILE).write_text(yaml.safe_dump(metrics))
