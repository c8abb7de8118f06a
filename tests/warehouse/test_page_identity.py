"""Old URLs follow their page: links, rankings and searches are of the page that a URL led to on their day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from seo_warehouse.urls import key64
from tests.warehouse.links import day, instant, item, publish_night
from tests.warehouse.ranks import HOST, publish_checks
from tests.warehouse.world import Warehouse

BUILT = (
    "+fct_link_event",
    "+fct_link_rank_change",
    "+fct_search_performance",
    "+fct_serp_position",
    "+dim_page",
    "+dim_page_url",
    "+dim_link",
    "+dim_keyword",
)
TABLES = {
    "marts.dim_page": "page_key",
    "marts.dim_page_url": "url_key, valid_from_date",
    "marts.fct_link_event": "event_key",
    "marts.fct_link_rank_change": "event_key, keyword_key, device, window_name",
    "marts.fct_search_performance": "day, page_key, query_key",
    "marts.fct_serp_position": "day, keyword_key",
}
OLD, NEW, NEWER, COPY = "/old", "/new", "/newer", "/new?sort=up"


def publish_site(w: Warehouse, number: int, pages: Mapping[str, str | int]) -> None:
    """Publish a crawl: by path the path that the URL redirects to, `canonical <path>`, or the status of its answer."""
    rows: list[dict[str, Any]] = []
    for path, answer in pages.items():
        row = {"url": HOST + path, "redirect_urls": [], "is_in_sitemap": False, "is_robots_allowed": True}
        row |= {"observed_at": "2026-01-05T02:00:00Z", "content_hash": path}
        if isinstance(answer, int):
            row |= {"status_code": answer, "final_status_code": answer, "final_url": HOST + path}
        elif answer.startswith("canonical "):
            row |= {"status_code": 200, "final_status_code": 200, "final_url": HOST + path}
            row |= {"canonical_url": HOST + answer.removeprefix("canonical ")}
        elif answer.startswith("/"):
            row |= {"status_code": 301, "final_status_code": 200, "final_url": HOST + answer}
        else:
            row |= {"status_code": 301, "error": "external_redirect", "redirect_urls": [answer]}
        rows.append(row)
    w.publish("site_crawl", "page", 1, day(number), rows)


def publish_searches(w: Warehouse, number: int, *paths: str) -> None:
    """Publish a day of Search Console: ten impressions for each page."""
    row = {"query": "pans", "country": "usa", "device": "MOBILE", "clicks": 1, "impressions": 10, "position": 2.0}
    w.publish("search_console", "performance", 1, day(number), [row | {"page_url": HOST + path} for path in paths])


def build(w: Warehouse) -> None:
    """Build what was published since the last build."""
    w.build(*BUILT)


def contents(w: Warehouse) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the compared tables."""
    return {
        table: [tuple(row.values()) for row in w.rows(f"select * from {table} order by property_key, {key}")]
        for table, key in TABLES.items()
    }


def pages_of_links(w: Warehouse) -> list[tuple[str, str]]:
    """(linking domain, page) of each acquired link."""
    rows = w.rows(
        "select e.source_domain, p.url from marts.fct_link_event as e"
        " join marts.dim_page as p using (property_key, page_key) where event_type = 'acquired' order by 1"
    )
    return [(row["source_domain"].partition(".")[0], row["url"].removeprefix(HOST)) for row in rows]


def windows_with_update(w: Warehouse) -> list[Any]:
    """Dates of the events whose headline window an update of Google's touched."""
    rows = w.rows(
        "select distinct event_date from marts.fct_link_rank_change"
        " where window_name = 'headline' and has_update_in_window order by 1"
    )
    return [row["event_date"] for row in rows]


@pytest.fixture(scope="module")
def moved(warehouse: Warehouse) -> Warehouse:
    """A site whose page moves twice, on nights 40 and 60; a link and a check each few nights."""
    w = warehouse
    w.add_property(1, "shop.example", depth=10)
    w.add_keyword(1, "k0")
    w.add_keyword(1, "k1", HOST + OLD)
    publish_night(w, 1, 0, full=[item("start", seen=0, target=HOST + OLD)])
    publish_site(w, 0, {OLD: 200, "/": 200, COPY: f"canonical {NEW}", "/a": "canonical /b", "/b": "canonical /a"})
    for number in range(1, 70):
        target = HOST + (OLD if number < 50 else NEW)
        new = [item(f"n{number}", first=number, target=target)] if number % 10 == 5 else []
        publish_night(w, 1, number, new=new)
        ranking = OLD if number < 40 else NEW if number < 60 else NEWER
        publish_checks(w, 1, number, {"k0": (ranking, 3), "k1": (ranking, 4)})
        publish_searches(w, number, OLD, COPY, *([NEW] if number > 35 else []))
        if number == 39:
            build(w)
    publish_site(w, 40, {OLD: NEW, NEW: 200, "/": 503})
    publish_site(w, 60, {OLD: NEW, NEW: NEWER, NEWER: 200, "/": 200, "/sold": "https://other.example/"})
    build(w)
    return w


def test_a_link_is_of_the_page_that_its_target_led_to_on_its_date(moved: Warehouse) -> None:
    assert pages_of_links(moved) == [
        ("n15", OLD),
        ("n25", OLD),
        ("n35", OLD),
        ("n45", NEW),
        ("n5", OLD),
        ("n55", NEW),
        ("n65", NEWER),
    ]
    literal = moved.rows(
        "select distinct literal_target_url as url from marts.fct_link_event where event_date < %s", day(50)
    )
    assert literal == [{"url": HOST + OLD}]
    assert moved.rows("select distinct page_key from marts.dim_link") == [{"page_key": key64(HOST + NEWER)}]


def test_rankings_and_searches_are_of_the_page_of_their_day(moved: Warehouse) -> None:
    searches = moved.rows(
        "select p.url, s.impressions from marts.fct_search_performance as s"
        " join marts.dim_page as p using (property_key, page_key) where day = %s order by 1",
        day(45),
    )
    assert [(row["url"], row["impressions"]) for row in searches] == [(HOST + NEW, 30)]
    switched = moved.rows("select count(*) as n from marts.fct_serp_position where is_url_switched")
    assert switched == [{"n": 0}]
    usual = moved.rows("select distinct usual_page_key as page from marts.fct_serp_position where day = %s", day(60))
    assert usual == [{"page": key64(HOST + NEWER)}]


def test_the_history_of_a_url_is_kept(moved: Warehouse) -> None:
    rows = moved.rows(
        "select url, page_url, valid_from_date, valid_to_date, reason, is_current from marts.dim_page_url order by 1, 3"
    )
    told = [(r["url"].removeprefix(HOST), r["page_url"].removeprefix(HOST), *list(r.values())[2:]) for r in rows]
    assert told == [
        ("/a", "/a", day(0), None, "itself", True),
        ("/b", "/b", day(0), None, "itself", True),
        (NEW, NEW, day(40), day(60), "itself", False),
        (NEW, NEWER, day(60), None, "redirect", True),
        (COPY, NEW, day(0), day(60), "canonical", False),
        (COPY, NEWER, day(60), None, "canonical", True),
        (OLD, OLD, day(0), day(40), "itself", False),
        (OLD, NEW, day(40), day(60), "redirect", False),
        (OLD, NEWER, day(60), None, "redirect", True),
    ]
    current = moved.rows(
        "select url, is_current from marts.dim_page where url in (%s, %s) order by 1", HOST + NEWER, HOST + OLD
    )
    assert [row["is_current"] for row in current] == [True, False]


def test_links_of_a_page_are_counted_together_however_it_has_moved(moved: Warehouse) -> None:
    # Around night 65 lie the events of nights 15, 25, 35 and 45 on the old URL and 55 on the one after it.
    rows = moved.rows(
        "select distinct other_link_count as n from marts.fct_link_rank_change where event_date = %s"
        " and window_name = 'headline'",
        day(65),
    )
    assert rows == [{"n": 5}]


def test_a_late_crawl_moves_what_was_built(moved: Warehouse) -> None:
    # In the same build Google tells of an update of nights 25 to 27, in the headline window of the event of night 5.
    known = windows_with_update(moved)
    assert day(5) not in known
    told = {"external_desc": "January 2026 spam update", "begin_at": instant(25), "end_at": instant(27)}
    incident = told | {"id": "a", "service_name": "Ranking", "uri": "incidents/a", "observed_at": instant(70)}
    moved.publish("google_updates", "incident", 0, day(70), [incident])
    publish_site(moved, 20, {OLD: "/interim", "/interim": 200})
    build(moved)
    assert windows_with_update(moved) == sorted([day(5), *known])
    assert dict(pages_of_links(moved)) == {
        "n5": OLD, "n15": OLD, "n25": "/interim", "n35": "/interim", "n45": NEW, "n55": NEW, "n65": NEWER
    }  # fmt: skip
    # The crawl of night 40 is taken back: the page moves on night 60 only.
    moved.publish("site_crawl", "page", 1, day(40), [])
    build(moved)
    assert dict(pages_of_links(moved))["n45"] == "/interim"
    assert dict(pages_of_links(moved))["n55"] == NEW
    built = contents(moved)
    moved.refresh(*BUILT)
    fresh = contents(moved)
    assert {table: [r for r in rows if r not in fresh[table]] for table, rows in built.items()} == {
        t: [] for t in TABLES
    }
    assert {table: len(rows) for table, rows in built.items()} == {table: len(rows) for table, rows in fresh.items()}


def test_a_build_without_moves_touches_no_other_day(moved: Warehouse) -> None:
    build(moved)
    others = "select xmin::text, * from marts.fct_search_performance where day < %s order by day, page_key"
    before = moved.rows(others, day(70))
    publish_searches(moved, 70, OLD)
    publish_checks(moved, 1, 70, {"k0": (NEWER, 3)})
    publish_site(moved, 70, {OLD: "/last", "/last": 200})
    build(moved)
    assert moved.rows(others, day(70)) == before
    assert moved.rows("select distinct page_key from marts.fct_search_performance where day = %s", day(70)) == [
        {"page_key": key64(HOST + "/last")}
    ]
