"""The real exports, from the file to the marts, against what plain csv and json count in them."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from urllib.parse import unquote

import pytest

from seo_warehouse.exports.forms import read, recognise
from tests.warehouse.world import Warehouse

pytestmark = pytest.mark.external
WRITTEN = datetime(2026, 11, 22, tzinfo=UTC)
LINKS, CRAWL, RANKINGS = 1, 2, 3
FILES = {
    LINKS: "rankings/gsc_latest_links_johnmurch_2020-07-15.csv",
    CRAWL: "crawl_exports/screaming_frog_internal_all_cilium_2025-08-10.csv",
    RANKINGS: "api_responses/dataforseo/labs_ranked_keywords_live_20220225.json",
}
MODELS = ("+dim_link", "+fct_link_event", "+fct_page_crawl", "+fct_serp_position", "+dim_keyword")


def drop(warehouse: Warehouse, key: int, path: Path) -> None:
    """Publish every row of a file."""
    for part in recognise(path.name, lambda: path.open("rb"), WRITTEN):
        rows = sorted(read(path.name, lambda: path.open("rb"), part), key=itemgetter("day"))
        for day, of_day in groupby(rows, key=itemgetter("day")):
            warehouse.publish("exports", part.table, key, day, list(of_day), part=part.part)


@pytest.fixture(scope="module")
def built(warehouse: Warehouse, shared_data: Path) -> Warehouse:
    """Each file the property's own, all built at once."""
    for key, domain in ((LINKS, "johnmurch.com"), (CRAWL, "cilium.io"), (RANKINGS, "afishingaddiction.com")):
        warehouse.add_property(key, domain)
        drop(warehouse, key, shared_data / FILES[key])
    warehouse.dbt("run", "--select", *MODELS)
    return warehouse


def lines(path: Path) -> Sequence[dict[str, str]]:
    """The file as plain csv."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_each_link_of_search_console_is_a_link_without_date_target_and_rel(built: Warehouse, shared_data: Path) -> None:
    rows = built.rows(
        "select e.source_url, e.event_type, e.event_date, e.is_followed, e.page_key, e.witness, l.state"
        " from marts.fct_link_event as e join marts.dim_link as l using (property_key, link_key)"
        " where e.property_key = %s",
        LINKS,
    )
    expected = {line["Linking page"] for line in lines(shared_data / FILES[LINKS])}
    assert {unquote(row["source_url"]).rstrip("/") for row in rows} == {url.rstrip("/") for url in expected}
    assert len(rows) == 18
    assert {tuple(row.values())[1:] for row in rows} == {
        ("present_at_start", None, None, None, "search_console", "live")
    }


def test_each_url_of_screaming_frog_is_a_crawled_page(built: Warehouse, shared_data: Path) -> None:
    rows = built.rows(
        "select url, status_code, day::text as day from marts.fct_page_crawl where property_key = %s", CRAWL
    )
    expected = lines(shared_data / FILES[CRAWL])
    assert Counter((row["day"], row["status_code"]) for row in rows) == Counter(
        (line["Crawl Timestamp"][:10], int(line["Status Code"]) or None) for line in expected
    )
    assert len(rows) == 215
    inlinks = built.rows("select sum(inlink_count) as n from marts.fct_page_crawl where property_key = %s", CRAWL)
    assert inlinks == [{"n": sum(int(line["Unique Inlinks"] or 0) for line in expected)}]


def test_each_organic_rank_of_labs_is_a_check_of_its_day(built: Warehouse, shared_data: Path) -> None:
    items = json.loads((shared_data / FILES[RANKINGS]).read_text("utf-8"))["tasks"][0]["result"][0]["items"]
    expected = {
        (
            item["keyword_data"]["keyword"],
            item["ranked_serp_element"]["last_updated_time"][:10],
            item["ranked_serp_element"]["serp_item"]["rank_group"],
        )
        for item in items
        if item["ranked_serp_element"]["serp_item"]["type"] == "organic"
    }
    rows = built.rows(
        "select keyword, day::text as day, position, locale, origin, state from marts.fct_serp_position"
        " join marts.dim_keyword using (property_key, keyword_key) where property_key = %s",
        RANKINGS,
    )
    assert {(row["keyword"], row["day"], row["position"]) for row in rows} == expected
    assert len(rows) == 96
    assert {(row["locale"], row["origin"], row["state"]) for row in rows} == {
        ("2840-en", "dataforseo_labs_ranked_keywords", "found")
    }
