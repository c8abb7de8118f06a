"""A second witness that tells of links by page and without dates; plans of what is asked, and what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from seo_warehouse.client.plans import Ask, keep_plan
from seo_warehouse.config import Property, SourceSettings
from seo_warehouse.sources.site_crawl import order_crawl, read_pages
from seo_warehouse.spec import Period
from tests.conftest import PASSWORDS
from tests.crawl.site import api_over, archive_in, html, redirect, serve
from tests.warehouse.links import MODELS, day, events, item, publish_night
from tests.warehouse.world import DATABASE, Warehouse

PARTLY, WHOLE, OTHER, CRAWLED = 1, 2, 3, 4
PLANS = ("plan_linked_page", "plan_linking_domain", "plan_backlinked_page")
PANS, POTS = "https://shop.example/pans", "https://shop.example/pots"


def publish_look(
    w: Warehouse, key: int, number: int, links: Mapping[str, list[str]], *, is_whole: bool = False
) -> None:
    """A night that asked about these pages, each with the names of the domains that link to it."""
    at = datetime.combine(day(number), time(7), UTC)
    rows = [
        {
            "target_url": page, "item_no": place, "url": f"https://www.{name}.example/post", "anchor_text": "words",
            "observed_at": at,
        }
        for page, names in links.items()
        for place, name in enumerate(names, 1)
    ]  # fmt: skip
    w.publish("bing_webmaster", "link", key, day(number), rows, is_full=is_whole, is_complete=is_whole)


def publish_counts(w: Warehouse, key: int, number: int, counts: Mapping[str, int], *asked: str) -> None:
    """How many links each page has on a night, and which pages it asked about."""
    rows = [{"url": page, "count": count, "is_asked": page in asked} for page, count in counts.items()]
    w.publish("bing_webmaster", "link_count", key, day(number), rows)


@pytest.fixture(scope="module")
def told(warehouse: Warehouse) -> Warehouse:
    """All published, and modelled in one run."""
    for key, domain in ((PARTLY, "shop.example"), (WHOLE, "shop.example"), (OTHER, "other.example")):
        warehouse.add_property(key, domain)
    warehouse.add_property(CRAWLED, "shop.example")
    publish_night(
        warehouse,
        CRAWLED,
        0,
        full=[
            item("a", target="http://shop.example/"),
            item("b", target="http://www.shop.example/"),
            item("c", target="http://www.shop.example/dead"),
            item("d", target="http://www.shop.example/old"),
            item("e", target="http://www.shop.example/old"),
        ],
    )
    publish_night(warehouse, PARTLY, 0, full=[])
    publish_night(warehouse, PARTLY, 20, new=[item("a", first=19, target=PANS)])
    publish_look(warehouse, PARTLY, 10, {PANS: ["a"]})
    publish_look(warehouse, PARTLY, 25, {POTS: ["b"]})
    publish_look(warehouse, WHOLE, 0, {PANS: ["a", "b"]}, is_whole=True)
    publish_look(warehouse, WHOLE, 7, {PANS: ["a", "c"]}, is_whole=True)
    publish_look(warehouse, WHOLE, 14, {PANS: ["a", "c"]}, is_whole=True)
    publish_counts(warehouse, PARTLY, 10, {PANS: 1, POTS: 1}, PANS)
    publish_counts(warehouse, PARTLY, 25, {PANS: 1, POTS: 3})
    publish_counts(warehouse, OTHER, 25, {"https://other.example/": 4})
    warehouse.dbt("seed", "--select", "link_windows", "link_witness_cadences")
    warehouse.dbt("run", "--select", *MODELS, "+fct_link_lifespan", *(f"+{plan}" for plan in PLANS))
    return warehouse


def lifespans(w: Warehouse, key: int) -> dict[str, dict[str, Any]]:
    """By linking domain."""
    rows = w.rows(
        "select replace(source_domain, '.example', '') as name, state, witness_count, witness_sights"
        " from marts.dim_link join marts.fct_link_lifespan using (property_key, link_key, state)"
        " where property_key = %s",
        key,
    )
    return {row["name"]: row for row in rows}


def test_a_link_that_two_witnesses_saw_has_both_in_its_lifespan(told: Warehouse) -> None:
    found = lifespans(told, PARTLY)
    assert found.keys() == {"a", "b"}
    assert (found["a"]["witness_count"], found["b"]["witness_count"]) == (2, 1)
    assert found["a"]["witness_sights"] == {
        "bing_webmaster": {"first_sight_date": day(10).isoformat(), "last_sight_date": day(10).isoformat()},
        "dataforseo": {"first_sight_date": day(19).isoformat(), "last_sight_date": day(20).isoformat()},
    }


def test_a_page_that_was_not_asked_about_has_lost_no_link(told: Warehouse) -> None:
    assert lifespans(told, PARTLY)["a"]["state"] == "live"


def test_complete_looks_show_what_was_there_what_came_and_what_went(told: Warehouse) -> None:
    assert events(told, WHOLE) == [
        ("present_at_start", "a", None, None, None),
        ("present_at_start", "b", None, None, None),
        ("lost", "b", 7, 0, 7),
        ("acquired", "c", 7, 0, 7),
    ]


def plan(told: Warehouse, role: str, model: str) -> list[tuple[Any, ...]]:
    port = told.connection.info.port
    dsn = f"postgresql://seo_{role}:{PASSWORDS[role]}@127.0.0.1:{port}/{DATABASE}"
    with psycopg.connect(dsn) as connection:
        query = f"select property_key, place, ask, score, reason from plans.{model} order by 1, 2"
        return connection.execute(query).fetchall()  # type: ignore[arg-type]


def test_the_loader_reads_what_to_ask_of_every_property(told: Warehouse) -> None:
    assert plan(told, "loader", "plan_linked_page") == [
        (PARTLY, 1, POTS, 3.0, "never_asked"),
        (PARTLY, 2, PANS, 0.0, "longest_ago"),
        (OTHER, 1, "https://other.example/", 4.0, "never_asked"),
    ]
    assert [row[2:] for row in plan(told, "loader", "plan_linking_domain")] == [
        ("other.example", 0.0, "own"),
        ("shop.example", 0.0, "own"),
        ("a.example", 3.0, "links"),
        ("b.example", 3.0, "links"),
        ("c.example", 2.0, "links"),
        ("d.example", 1.0, "links"),
        ("e.example", 1.0, "links"),
    ]


def test_an_analyst_reads_why_pages_of_granted_properties_are_asked_about(told: Warehouse) -> None:
    told.connection.execute("delete from ops.grant where analyst = 'seo_analyst'")
    assert plan(told, "analyst", "plan_linked_page") == []
    told.insert("ops.grant", [{"analyst": "seo_analyst", "property_key": PARTLY, "granted_by": "a test"}])
    assert [row[2:] for row in plan(told, "analyst", "plan_linked_page")] == [
        (POTS, 3.0, "never_asked"),
        (PANS, 0.0, "longest_ago"),
    ]
    assert plan(told, "analyst", "plan_linking_domain") == []


@pytest.mark.slow
def test_a_link_is_of_the_page_that_its_old_address_leads_to(told: Warehouse, tmp_path: Path) -> None:
    asked = [row[2:] for row in plan(told, "loader", "plan_backlinked_page") if row[0] == CRAWLED]
    assert asked == [
        ("http://www.shop.example/old", 2.0, "never_visited"),
        ("http://shop.example/", 1.0, "never_visited"),
        ("http://www.shop.example/", 1.0, "never_visited"),
        ("http://www.shop.example/dead", 1.0, "never_visited"),
    ]
    pages = {
        "www.shop.example/": html("/new"),
        "/new": html(title="New"),
        "/old": redirect("http://www.shop.example/new"),
        "shop.example/": redirect("http://www.shop.example/"),
    }
    archive = archive_in(tmp_path)
    asks = [Ask(ask, score, reason) for ask, score, reason in asked]
    keep_plan(archive, "plans.plan_backlinked_page", asks, datetime(2026, 1, 12, tzinfo=UTC))
    with serve(pages) as site:
        shop = Property(
            key=CRAWLED,
            name="shop",
            domain="shop.example",
            history_start=day(0),
            sources=SourceSettings(site_crawl=site.settings("www.shop.example", "shop.example",
                                                            start_urls=("http://www.shop.example/",))),
        )  # fmt: skip
        order_crawl(api_over(archive), shop, Period(day(7), day(7)))
        told.publish("site_crawl", "page", CRAWLED, day(7), read_pages(api_over(archive), shop, Period(day(7), day(7))))
    told.dbt("run", "--select", "+dim_link", "+plan_backlinked_page")
    led = told.rows(
        "select literal_target_url, crawl.url, crawl.final_status_code from marts.dim_link"
        " join marts.fct_page_crawl as crawl using (property_key, page_key)"
        " where property_key = %s order by source_url",
        CRAWLED,
    )
    assert [tuple(row.values()) for row in led] == [
        ("http://shop.example/", "http://www.shop.example/", 200),
        ("http://www.shop.example/", "http://www.shop.example/", 200),
        ("http://www.shop.example/dead", "http://www.shop.example/dead", 404),
        ("http://www.shop.example/old", "http://www.shop.example/new", 200),
        ("http://www.shop.example/old", "http://www.shop.example/new", 200),
    ]
    # What the site leads to itself needs no plan any more; the others are visited again.
    assert [row[2:] for row in plan(told, "loader", "plan_backlinked_page") if row[0] == CRAWLED] == [
        ("http://www.shop.example/old", 2.0, "longest_ago"),
        ("http://shop.example/", 1.0, "longest_ago"),
        ("http://www.shop.example/dead", 1.0, "longest_ago"),
    ]
