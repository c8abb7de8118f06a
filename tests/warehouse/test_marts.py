"""From raw rows to marts: what was worked out by hand comes out, described, keyed and readable by the analyst."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from seo_warehouse.config import Settings
from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.steps.build import note_stale_tables
from seo_warehouse.steps.warehouse import open_warehouse
from seo_warehouse.urls import key64
from tests.conftest import PASSWORDS
from tests.warehouse.world import DATABASE, Warehouse

MAY_1, MAY_2 = date(2026, 5, 1), date(2026, 5, 2)
CHECK = {"location_code": 2840, "language_code": "en", "device": "desktop", "observed_at": "2026-05-01T03:00:00Z"}
TASK = CHECK | {"tag": "t", "depth": 10, "status_code": 20000, "status_message": "Ok.", "se_results_count": 5_000}


def _result(keyword: str, number: int, url: str | None, kind: str = "organic") -> dict[str, Any]:
    ranks = {"item_no": number, "rank_group": number, "rank_absolute": number}
    return CHECK | ranks | {"keyword": keyword, "type": kind, "url": url, "title": "Shown"}


def _cited(keyword: str, number: int, url: str) -> dict[str, Any]:
    """A source of the AI overview that is the page's second item."""
    held = {"item_no": number, "element_no": 2, "element_type": "ai_overview"}
    return CHECK | held | {"keyword": keyword, "type": "ai_overview_reference", "url": url}


def _page(url: str, **values: Any) -> dict[str, Any]:
    row = {"url": url, "status_code": 200, "final_status_code": 200, "redirect_urls": [], "depth": 1}
    flags = {"is_in_sitemap": False, "is_robots_allowed": True, "observed_at": "2026-05-01T02:00:00Z"}
    return row | flags | values


def _link(source: str, number: int, target: str, rel: list[str]) -> dict[str, Any]:
    row = {"source_url": source, "link_no": number, "target_url": target, "anchor": "a", "rel": rel, "place": "main"}
    return row | {"is_internal": True, "observed_at": "2026-05-01T02:00:00Z"}


def _backlink(number: int, url_from: str, rank: int | None) -> dict[str, Any]:
    row = {"pull": "full", "item_no": number, "url_from": url_from, "url_to": "https://example.com/pans#buy"}
    seen = {"first_seen": "2026-04-01T00:00:00Z", "observed_at": "2026-05-01T04:00:00Z"}
    return row | seen | {"domain_from_rank": rank, "dofollow": True, "item_type": "anchor"}


def _search(page: str, query: str, clicks: int, impressions: int, position: float) -> dict[str, Any]:
    row = {"page_url": page, "query": query, "country": "usa", "device": "MOBILE"}
    return row | {"clicks": clicks, "impressions": impressions, "ctr": None, "position": position}


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Warehouse:
    """One property with a day of every source."""
    warehouse.add_property(7, "example.com", depth=10)
    warehouse.add_keyword(7, "copper pans", "https://EXAMPLE.com/pans?utm_source=x")
    warehouse.add_keyword(7, "pots")
    warehouse.add_topic(7, 1, "^/pan", "cookware")
    publish = warehouse.publish
    tasks = [TASK | {"keyword": "copper pans", "items_count": 2}]
    tasks += [TASK | {"keyword": "pots", "items_count": 2, "answer": "advanced", "item_types": ["ai_overview", "paid"]}]
    publish("dataforseo_serp", "task", 7, MAY_1, tasks)
    results = [
        _result("copper pans", 1, "https://example.com.evil.net/pans"),
        _result("copper pans", 2, "https://shop.example.com/pans"),
        _result("pots", 1, "https://example.com/pots", "paid"),
        _result("pots", 2, None, "ai_overview"),
        _cited("pots", 3, "https://shop.example.com/pots"),
        _cited("pots", 4, "https://example.com/care"),
        _cited("pots", 5, "https://blog.rival.net/pots"),
    ]
    publish("dataforseo_serp", "result", 7, MAY_1, results)
    pages = [
        _page("https://example.com/", content_hash="a", title="Home"),
        _page("https://example.com/pans", content_hash="b", canonical_url="https://example.com/pans#top"),
        _page("https://example.com/pans?utm_source=mail", status_code=301),
        _page("https://example.com/old", status_code=404, final_status_code=404),
    ]
    publish("site_crawl", "page", 7, MAY_1, pages)
    links = [
        _link("https://example.com/", 1, "https://example.com/pans", []),
        _link("https://example.com/", 2, "https://example.com/old", ["nofollow"]),
    ]
    publish("site_crawl", "link", 7, MAY_1, links)
    publish("dataforseo_backlinks", "backlink", 7, MAY_1, [_backlink(1, "https://blog.a.co.uk/x", 300)], is_full=True)
    publish("dataforseo_backlinks", "backlink", 7, MAY_2, [_backlink(1, "https://www.a.co.uk/y", 310)])
    rows = [
        _search("https://example.com/pans", "copper pans", 3, 30, 2.0),
        _search("https://example.com/pans#reviews", "copper pans", 1, 10, 6.0),
    ]
    publish("search_console", "performance", 7, MAY_1, rows)
    total = {"clicks": 5, "impressions": 45, "ctr": 5 / 45, "position": 2.5}
    publish("search_console", "property_total", 7, MAY_1, [total], is_provisional=True)
    by_page = {"page_url": "https://example.com/pans", "country": "usa", "device": "MOBILE"}
    publish("search_console", "page_total", 7, MAY_1, [by_page | total | {"impressions": 50}])
    warehouse.dbt("build", "--exclude-resource-type", "unit_test", build_id=warehouse.claim())
    return warehouse


def test_a_position_is_that_of_the_propertys_own_host_among_organic_results(built: Warehouse) -> None:
    rows = built.rows(
        "select keyword, state, position, ranking_url, is_url_switched from marts.fct_serp_position"
        " join marts.dim_keyword using (property_key, keyword_key) order by keyword"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("copper pans", "found", 2, "https://shop.example.com/pans", True),
        ("pots", "not_found", None, None, None),
    ]


def test_an_item_shows_the_property_once_however_many_links_it_has_to_it(built: Warehouse) -> None:
    rows = built.rows(
        "select element_type, item_type, absolute_position, is_own, link_count, own_link_count, has_own"
        " from marts.fct_serp_result join marts.dim_keyword using (property_key, keyword_key)"
        " where keyword = 'pots' order by item_no"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("paid", "paid", 1, True, 0, 0, True),
        ("ai_overview", "ai_overview", 2, False, 3, 2, True),
        ("ai_overview", "ai_overview_reference", None, True, None, None, None),
        ("ai_overview", "ai_overview_reference", None, True, None, None, None),
        ("ai_overview", "ai_overview_reference", None, False, None, None, None),
    ]
    shown = built.rows(
        "select keyword, item_types, own_element_types from marts.fct_serp_position"
        " join marts.dim_keyword using (property_key, keyword_key) order by keyword"
    )
    assert [tuple(row.values()) for row in shown] == [
        ("copper pans", None, None),
        ("pots", ["ai_overview", "paid"], ["ai_overview", "paid"]),
    ]


def test_the_page_on_result_pages_asks_what_it_says(built: Warehouse) -> None:
    page = (Path(__file__).parents[2] / "docs/result-pages.md").read_text(encoding="utf-8")
    cited, unseen = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    rows = built.rows(cited.replace("alderwood", "property-7"))
    assert [tuple(row.values()) for row in rows] == [("example.com", True, 1), ("rival.net", False, 1)]
    assert built.rows(unseen.replace("alderwood", "property-7")) == []
    other = unseen.replace("alderwood", "property-7").replace("'ai_overview' <> all", "'organic' <> all")
    assert [row["keyword"] for row in built.rows(other)] == ["pots"]


def test_keys_are_those_of_the_package(built: Warehouse) -> None:
    pages = {row["url"]: row["page_key"] for row in built.rows("select url, page_key from marts.dim_page")}
    assert pages == {url: key64(url) for url in pages}
    keyword = built.rows("select keyword_key from marts.dim_keyword where keyword = 'pots'")
    assert keyword == [{"keyword_key": key64("pots")}]


def test_a_page_is_one_however_it_is_written(built: Warehouse) -> None:
    pages = built.rows("select url, topic from marts.dim_page order by url")
    assert [(row["url"], row["topic"]) for row in pages] == [
        ("https://example.com/", "home"),
        ("https://example.com/old", "old"),
        ("https://example.com/pans", "cookware"),
        ("https://shop.example.com/pans", "cookware"),
    ]


def test_a_crawl_judges_each_page_once(built: Warehouse) -> None:
    rows = built.rows(
        "select url, indexability, inlink_count, followed_inlink_count from marts.fct_page_crawl order by url"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("https://example.com/", "indexable", 0, 0),
        ("https://example.com/old", "client_error", 1, 0),
        ("https://example.com/pans", "indexable", 1, 1),
    ]


def test_search_console_is_weighted_by_impressions_and_balances(built: Warehouse) -> None:
    performance = built.rows("select clicks, impressions, position_sum, position from marts.fct_search_performance")
    assert performance == [{"clicks": 4, "impressions": 40, "position_sum": 120, "position": 3.0}]
    total = built.rows("select * from marts.fct_search_total")[0]
    assert (total["clicks"], total["query_clicks"], total["anonymised_click_share"]) == (5, 4, pytest.approx(0.2))
    assert (total["page_impressions"], total["anonymised_impression_share"]) == (50, pytest.approx(0.2))
    assert total["is_provisional"]
    assert not total["is_capped"]


def test_a_domains_authority_has_a_history(built: Warehouse) -> None:
    rows = built.rows(
        "select domain, vendor, valid_from_date, valid_to_date, authority from marts.dim_domain order by 3"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("a.co.uk", "dataforseo", MAY_1, MAY_2, 300),
        ("a.co.uk", "dataforseo", MAY_2, None, 310),
    ]


def test_the_calendar_covers_history_and_the_coming_year(built: Warehouse) -> None:
    assert built.rows("select min(day) as first, max(day) as last from marts.dim_date") == [
        {"first": date(2026, 1, 1), "last": date(2027, 12, 31)}
    ]


def test_the_analyst_reads_marts_with_their_comments(built: Warehouse, postgres: Postgres) -> None:
    dsn = postgres.dsn(DATABASE, "seo_analyst", PASSWORDS["analyst"])
    with psycopg.connect(dsn) as connection:
        assert connection.execute("select count(*) from marts.fct_serp_position").fetchone() == (2,)
    bare = built.rows(
        "select c.relname, a.attname from pg_class as c join pg_attribute as a on a.attrelid = c.oid"
        " where c.relnamespace = 'marts'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped"
        " and col_description(c.oid, a.attnum) is null"
    )
    assert bare == []


PROPERTIES = """
properties:
  - key: 7
    name: shop
    domain: example.com
    history_start: 2026-05-01
    sources: {search_console: {site: "sc-domain:example.com"}, dataforseo_serp: {}}
"""


def test_tables_that_are_older_than_their_sources_allow_are_told(
    built: Warehouse, postgres: Postgres, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "properties.yml").write_text(PROPERTIES)
    (tmp_path / "secrets.json").write_text(
        json.dumps(PASSWORDS | dict.fromkeys(("postgres", "airflow", "airflow_admin"), "x"))
    )
    settings = Settings({"SEO_WAREHOUSE_HOME": str(tmp_path), "SEO_WAREHOUSE_DSN": postgres.dsn(DATABASE)})
    # Just published, all but one table; what the property does not ask for (the crawl, backlinks) is nobody's loss.
    built.connection.execute(
        "update ops.publication set published_at = '2026-05-02 03:04:05+00' where table_name = 'task'"
    )
    sentence = "dataforseo_serp.task: last published 2026-05-02 03:04 UTC"
    assert note_stale_tables(open_warehouse(settings)) == [sentence]
    assert caplog.messages[-1] == f"stale: {sentence}"
    [kept] = built.rows("select value from ops.setting where name = 'stale_tables'")
    assert kept["value"]["tables"] == [sentence]


def test_unit_tests_of_the_models_pass(built: Warehouse) -> None:
    statuses = built.dbt("test", "--select", "test_type:unit")
    assert len(statuses) >= 7
    assert set(statuses.values()) == {"pass"}


def test_the_documentation_is_generated(built: Warehouse) -> None:
    done = built.dbt.invoke("docs", "generate", "--static", "--no-compile")
    assert done.success, done.exception
    assert (built.dbt.folder / "target" / "static_index.html").stat().st_size > 100_000
