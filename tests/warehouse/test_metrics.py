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

from seo_warehouse.steps.metrics import FILE, Metric, documented, read_metrics, rendered_macro
from tests.warehouse.world import Warehouse

ROOT = Path(__file__).parents[2]
METRICS = read_metrics(ROOT)
FIRST = date(2026, 5, 1)
PLAIN = {
    "clicks": "select sum(clicks) from marts.fct_search_total where {it}",
    "impressions": "select sum(impressions) from marts.fct_search_total where {it}",
    "ctr": "select 1.0 * sum(clicks) / sum(impressions) from marts.fct_search_total where {it}",
    "search_position": "select sum(position_sum) / sum(impressions) from marts.fct_search_total where {it}",
    "anonymised_click_share": "select 1 - sum(query_clicks) / sum(page_clicks) from marts.fct_search_total"
    " where {it} and is_capped = false and query_clicks > -1",
    "brand_click_share": "select sum(case when q.is_brand then clicks else 0 end) / sum(clicks)"
    " from marts.fct_search_performance as f join marts.dim_query as q on q.property_key = f.property_key"
    " and q.query_key = f.query_key where f.{it}",
    "valid_checks": "select sum(valid_check_count) from marts.rpt_serp_visibility where {it}",
    "found_share": "select 1.0 * sum(found_count) / sum(valid_check_count) from marts.rpt_serp_visibility where {it}",
    "share_of_top3": "select 1.0 * sum(top3_count) / sum(valid_check_count) from marts.rpt_serp_visibility where {it}",
    "share_of_top10": "select 1.0 * sum(top10_count) / sum(valid_check_count) from marts.rpt_serp_visibility"
    " where {it}",
    "check_position": "select 1.0 * sum(position_sum) / sum(found_count) from marts.rpt_serp_visibility where {it}",
    "click_share": "select sum(click_share_sum) / sum(valid_check_count) from marts.rpt_serp_visibility where {it}",
    "links_gained": "select sum(gained_link_count) from marts.rpt_link_profile where {it}",
    "links_lost": "select sum(lost_link_count) from marts.rpt_link_profile where {it}",
    "domains_gained": "select sum(gained_referring_domain_count) from marts.rpt_link_profile where {it}",
    "domains_lost": "select sum(lost_referring_domain_count) from marts.rpt_link_profile where {it}",
    "link_days": "select sum(link_count) from marts.rpt_link_profile where {it}",
    "follow_share": "select 1.0 * sum(followed_link_count) / sum(link_count) from marts.rpt_link_profile where {it}",
    "crawler_visits": "select sum(hit_count) from marts.fct_bot_crawl where {it} and verdict = 'verified'",
    "spend": "select sum(money) from marts.rpt_spend where {it}",
}
GROUPINGS = {
    "one day": "property_key = 1 and {day} = date '2026-05-03'",
    "a week of two properties": "property_key in (1, 2) and {day} between '2026-05-04' and '2026-05-10'",
    "odd days": "property_key = 2 and extract(day from {day})::integer % 2 = 1",
    "everything": "property_key > 0",
}


@pytest.fixture(scope="module")
def filled(warehouse: Warehouse) -> Warehouse:
    """Three weeks of two properties, with numbers of chance in every mart that is measured."""
    rng = random.Random(11)
    for key in (1, 2):
        warehouse.insert(
            "marts.dim_query",
            [{"property_key": key, "query_key": q, "query": f"q{q}", "is_brand": q == 1} for q in (1, 2)],
        )
        for number in range(21):
            for table, row in _rows(key, FIRST + timedelta(days=number), rng):
                warehouse.insert(f"marts.{table}", [row])
    return warehouse


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
    hit = {"bot": "b", "operator": "o", "url_key": 1, "status_code": 200, "hit_count": n(1, 9)}
    spent = {"calls": 1, "calls_reused": 0, "calls_cut": 0, "units": 0, "bytes_read": 0, "money": n(1, 99) / 8}
    performed = {"page_key": 1, "country": "usa", "device": "mobile", "query": "q", "origin": "search_console"}
    return [
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
    join = f"join marts.{metric.join.mart} using ({', '.join(metric.join.using)})" if metric.join else ""
    asked = {
        "view": "select sum(numerator) / coalesce(sum(denominator), 1) from marts.metric_daily"
        f" where metric = '{metric.name}' and {GROUPINGS[grouping].format(day='day')}",
        "expression": f"select {metric.expression} from marts.{metric.mart} {join} where {where}",
        "plain": PLAIN[metric.name].format(it=where),
    }
    found = {way: filled.rows(query.replace("%", "%%"))[0] for way, query in asked.items()}
    told = [next(iter(row.values())) for row in found.values()]
    values = [float(value) for value in told if value is not None]
    assert values == pytest.approx(values[:1] * len(values), rel=1e-12), found
    # Of the days on which Google's limit was reached nothing is known.
    assert len(values) == 3 or (values, metric.name, grouping) == ([], "anonymised_click_share", "one day")


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
