"""A build reads the days it claimed: what it leaves equals a rebuild of everything, and nothing else is touched."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.warehouse.world import Warehouse

FIRST = date(2026, 5, 1)
INCREMENTAL = ("run", "--select", "int_serp__judge_checks", "fct_serp_position", "fct_serp_result")
POSITIONS = "select * from marts.fct_serp_position order by property_key, day, keyword_key, device"
RESULTS = "select * from marts.fct_serp_result order by property_key, day, keyword_key, device, item_no"


def _day(number: int) -> date:
    return FIRST + timedelta(days=number)


def _check(keyword: str, **values: Any) -> dict[str, Any]:
    return {
        "keyword": keyword,
        "location_code": 2840,
        "language_code": "en",
        "device": "mobile",
        "tag": keyword,
        "depth": 10,
        "status_code": 20000,
        "status_message": "Ok.",
        "items_count": 2,
        "se_results_count": 900,
        "observed_at": "2026-05-01T03:00:00Z",
    } | values


def _results(keyword: str, *urls: str) -> list[dict[str, Any]]:
    return [
        {
            "keyword": keyword,
            "location_code": 2840,
            "language_code": "en",
            "device": "mobile",
            "item_no": number,
            "type": "organic",
            "rank_group": number,
            "rank_absolute": number + 1,
            "url": url,
            "title": f"{keyword} {number}",
            "observed_at": "2026-05-01T03:00:00Z",
        }
        for number, url in enumerate(urls, 1)
    ]


def _publish(warehouse: Warehouse, property_key: int, number: int, *urls: str) -> None:
    day = _day(number)
    warehouse.publish("dataforseo_serp", "task", property_key, day, [_check("pans")])
    warehouse.publish("dataforseo_serp", "result", property_key, day, _results("pans", *urls))


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Warehouse:
    """Two properties with three nights each, built."""
    warehouse.add_property(1, "example.com", depth=10)
    warehouse.add_property(2, "example.org", depth=10)
    for number in (0, 1, 40):
        _publish(warehouse, 1, number, "https://rival.net/", "https://example.com/pans")
        _publish(warehouse, 2, number, "https://example.org/pans", "https://rival.net/")
    warehouse.dbt("run", "--select", "+fct_serp_position", "+fct_serp_result", build_id=warehouse.claim())
    return warehouse


def test_a_claimed_day_is_rebuilt_with_the_days_that_look_back_on_it(built: Warehouse) -> None:
    others = "select xmin::text, * from marts.fct_serp_position where property_key = 2 or day = %s order by 2, 3"
    untouched = built.rows(others, _day(40))
    _publish(built, 1, 0, "https://example.com/other", "https://rival.net/")
    built.dbt(*INCREMENTAL, build_id=built.claim())
    assert built.rows(others, _day(40)) == untouched
    rows = built.rows(
        "select day, position, is_url_switched from marts.fct_serp_position where property_key = 1 order by 1"
    )
    assert [(r["day"], r["position"], r["is_url_switched"]) for r in rows] == [
        (_day(0), 1, None),
        (_day(1), 2, True),
        (_day(40), 2, None),
    ]


def test_a_day_that_became_empty_loses_its_rows(built: Warehouse) -> None:
    built.publish("dataforseo_serp", "task", 1, _day(40), [])
    built.publish("dataforseo_serp", "result", 1, _day(40), [])
    built.dbt(*INCREMENTAL, build_id=built.claim())
    query = "select count(*) as n from marts.{} where property_key = 1 and day = %s"
    assert built.rows(query.format("fct_serp_position"), _day(40)) == [{"n": 0}]
    assert built.rows(query.format("fct_serp_result"), _day(40)) == [{"n": 0}]


def test_a_failed_append_leaves_the_day_as_it_was(built: Warehouse) -> None:
    before = built.rows(RESULTS)
    built.connection.execute("alter table marts.fct_serp_result add constraint no_boom check (item_no < 3)")
    _publish(built, 2, 1, "https://a.net/", "https://b.net/", "https://c.net/")
    build_id = built.claim()
    failed = built.dbt.invoke("run", "--select", "fct_serp_result", build_id=build_id)
    assert not failed.success
    assert built.rows(RESULTS) == before
    built.connection.execute("alter table marts.fct_serp_result drop constraint no_boom")
    built.dbt(*INCREMENTAL, build_id=build_id)
    assert len(built.rows(RESULTS)) == len(before) + 1


def test_an_increment_of_other_columns_than_the_tables_is_refused(built: Warehouse) -> None:
    built.connection.execute("alter table marts.fct_serp_result add column more integer")
    refused = built.dbt.invoke("run", "--select", "fct_serp_result", build_id=built.claim())
    built.connection.execute("alter table marts.fct_serp_result drop column more")
    (message,) = [result.message for result in refused.result.results]
    assert "has [more integer]" in message
    assert "--full-refresh" in message


def test_a_comment_is_written_where_another_stands_and_nowhere_else(built: Warehouse) -> None:
    described = """
        select d.objsubid, d.description, d.xmin::text as written_by
        from pg_description as d where d.objoid = 'marts.fct_serp_result'::regclass order by d.objsubid
    """
    before = built.rows(described)
    built.connection.execute("comment on column marts.fct_serp_result.property_key is 'something else'")
    built.dbt("run", "--select", "fct_serp_result", build_id=built.claim())
    after = built.rows(described)
    assert [(row["objsubid"], row["description"]) for row in after] == [
        (row["objsubid"], row["description"]) for row in before
    ]
    assert len([row for row in after if row not in before]) == 1


def test_the_same_build_twice_changes_nothing(built: Warehouse) -> None:
    build_id = built.rows("select max(build_id) as id from ops.build")[0]["id"]
    before = built.rows(POSITIONS), built.rows(RESULTS)
    built.dbt(*INCREMENTAL, build_id=build_id)
    assert (built.rows(POSITIONS), built.rows(RESULTS)) == before


def test_what_builds_leave_equals_a_rebuild_of_everything(built: Warehouse) -> None:
    before = built.rows(POSITIONS), built.rows(RESULTS)
    built.dbt(*INCREMENTAL, "--full-refresh")
    assert (built.rows(POSITIONS), built.rows(RESULTS)) == before


def test_a_table_that_nights_add_to_is_analyzed_again_once_it_has_grown(built: Warehouse) -> None:
    query = "select reltuples::bigint as known, (select count(*) from marts.fct_serp_result) as there"
    query += " from pg_class where oid = 'marts.fct_serp_result'::regclass"
    (made,) = built.rows(query)
    assert made["known"] == made["there"]
    statistics = "select from pg_stats where schemaname = 'marts' and tablename = 'fct_serp_result'"
    assert len(built.rows(statistics)) > 5
    _publish(built, 2, 50, "https://rival.net/")
    built.dbt(*INCREMENTAL, build_id=built.claim())
    assert built.rows(query) == [{"known": made["known"], "there": made["there"] + 1}]
    _publish(built, 2, 51, *(f"https://rival.net/{number}" for number in range(300)))
    built.dbt(*INCREMENTAL, build_id=built.claim())
    (grown,) = built.rows(query)
    assert grown["known"] == grown["there"] == made["there"] + 301
