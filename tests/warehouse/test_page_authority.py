"""How authority spreads over pages stands in the mart, is made once for each crawl, and goes when its crawl does."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest

from seo_warehouse.authority.graph import graph_of, pagerank
from seo_warehouse.config import Settings
from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.errors import BuildError
from seo_warehouse.steps import warehouse as steps
from seo_warehouse.steps.page_authority import rank_pages
from seo_warehouse.urls import identity, key64
from tests.conftest import PASSWORDS
from tests.warehouse.world import DATABASE, Warehouse

HOST = "https://shop.example"
MAY, JUNE = date(2026, 5, 29), date(2026, 6, 26)
SITE = {"/": ["/a", "/b", "/gone"], "/a": ["/", "/a"], "/b": [], "/alone": ["/b", "/b"]}
"""Which pages each page links to."""
AT = datetime(2026, 5, 29, 3, tzinfo=UTC)


def page_key(path: str) -> int:
    found = identity(HOST + path)
    assert found is not None
    return key64(found.url)


def publish_site(warehouse: Warehouse, property_key: int, day: date, site: Mapping[str, Sequence[str]]) -> None:
    """Publish a crawl of a site as SITE is, and list it."""
    pages = [{"url": HOST + path, "status_code": 404 if path == "/gone" else 200} for path in (*site, "/gone")]
    links = [
        {"source_url": HOST + path, "link_no": number, "target_url": HOST + target, "rel": [], "is_internal": True}
        for path, targets in site.items()
        for number, target in enumerate(targets, 1)
    ]
    told = {"is_robots_allowed": True, "is_in_sitemap": False, "meta_robots": [], "x_robots_tag": [], "observed_at": AT}
    warehouse.publish("site_crawl", "page", property_key, day, [told | page for page in pages])
    more = {"anchor": "a", "place": "main", "observed_at": AT}
    warehouse.publish("site_crawl", "link", property_key, day, [more | link for link in links])
    listed = {"property_key": property_key, "day": day, "published_at": AT}
    warehouse.insert("intermediate.int_page__list_graphs", [listed])


@pytest.fixture(scope="module")
def wh(warehouse: Warehouse, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> steps.Warehouse:
    """A warehouse with three crawls: two of a site, to which domains link in the second, and one of a single page."""
    home = tmp_path_factory.mktemp("home")
    (home / "secrets.json").write_text(json.dumps(PASSWORDS))
    publish_site(warehouse, 1, MAY, SITE)
    publish_site(warehouse, 1, JUNE, SITE)
    publish_site(warehouse, 2, MAY, {"/": []})
    entry = {"property_key": 1, "day": JUNE, "domain_count": 2, "known_domain_count": 1, "authority": 5.0}
    entry |= {"trusted_domain_count": 1}
    warehouse.insert(
        "intermediate.int_page__weigh_entries", [entry | {"page_key": page_key(path)} for path in ("/a", "/gone")]
    )
    return steps.Warehouse(Settings({"SEO_WAREHOUSE_HOME": str(home), "SEO_WAREHOUSE_DSN": postgres.dsn(DATABASE)}))


@pytest.fixture(scope="module")
def ranked(warehouse: Warehouse, wh: steps.Warehouse) -> Warehouse:
    assert rank_pages(wh) == 3
    warehouse.dbt("run", "--select", "stg_ops__page_authority", "fct_page_authority")
    return warehouse


def pages(warehouse: Warehouse, table: str, property_key: int, day: date) -> dict[int, dict[str, Any]]:
    query = f"select * from {table} where property_key = %s and day = %s"
    return {row["page_key"]: row for row in warehouse.rows(query, property_key, day)}


def everything(warehouse: Warehouse) -> list[dict[str, Any]]:
    return warehouse.rows("select * from ops.page_authority order by property_key, day, page_key")


def test_the_mart_has_what_follows_from_the_links_between_pages(ranked: Warehouse) -> None:
    paths = ["/", "/a", "/alone", "/b"]
    edges = [(0, 1), (0, 3), (1, 0), (2, 3)]
    told = graph_of(4, np.array([s for s, _ in edges]), np.array([t for _, t in edges]))
    for day, entering in ((MAY, None), (JUNE, np.array([0.025, 0.925, 0.025, 0.025]))):
        found = pages(ranked, "marts.fct_page_authority", 1, day)
        assert found.keys() == {page_key(path) for path in paths}
        rows = [found[page_key(path)] for path in paths]
        np.testing.assert_allclose([row["internal_share"] for row in rows], pagerank(told).shares, atol=1e-12)
        assert [row["inlink_count"] for row in rows] == [1, 1, 0, 2]
        assert [row["harmonic"] for row in rows] == [1, 1, 0, 2.5]
        assert [(row["is_approximate"], row["is_converged"]) for row in rows] == [(False, True)] * 4
        shares = [row["entering_authority_share"] for row in rows]
        if entering is None:
            assert shares == [row["trust_share"] for row in rows] == [None] * 4
        else:
            np.testing.assert_allclose(shares, pagerank(told, entering).shares, atol=1e-12)
            trusted = [row["trust_share"] for row in rows]
            np.testing.assert_allclose(trusted, pagerank(told, np.array([0.0, 1, 0, 0])).shares, atol=1e-12)
    assert [(row["entering_domain_count"], row["entering_authority"]) for row in rows] == [
        (0, 0),
        (2, 5),
        (0, 0),
        (0, 0),
    ]


def test_a_site_of_one_page_has_all_there(ranked: Warehouse) -> None:
    (only,) = pages(ranked, "marts.fct_page_authority", 2, MAY).values()
    assert (only["internal_share"], only["harmonic"], only["inlink_count"]) == (1, 0, 0)


def test_what_did_not_change_is_not_ranked_again(
    ranked: Warehouse, wh: steps.Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    before = everything(ranked)
    with caplog.at_level(logging.INFO):
        rank_pages(wh)
        ranked.connection.execute("delete from ops.page_graph; delete from ops.page_authority")
        rank_pages(wh)
    assert caplog.messages[-2:] == [
        "authority of pages: 3 crawls, 0 of them anew", "authority of pages: 3 crawls, 3 of them anew",
    ]  # fmt: skip
    assert everything(ranked) == before


def test_a_change_ranks_its_crawl_anew_and_a_crawl_that_is_no_more_goes(
    ranked: Warehouse, wh: steps.Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    before = everything(ranked)
    ranked.connection.execute("update intermediate.int_page__weigh_entries set authority = authority + 1")
    ranked.connection.execute("delete from intermediate.int_page__list_graphs where property_key = 2")
    with caplog.at_level(logging.INFO):
        rank_pages(wh)
    assert caplog.messages[-1] == "authority of pages: 2 crawls, 1 of them anew"
    after = everything(ranked)
    assert [row for row in after if row["day"] == MAY] == [row for row in before if row["property_key"] == 1][:4]
    assert pages(ranked, "ops.page_authority", 1, JUNE)[page_key("/a")]["entering_authority"] == 6
    moved = {"property_key": 1, "url_key": page_key("/b"), "page_key": page_key("/"), "reason": "canonical"}
    moved |= {"valid_from_date": JUNE, "valid_to_date": date(2026, 6, 27)}
    ranked.insert("intermediate.int_page__version_pages", [moved])
    with caplog.at_level(logging.INFO):
        rank_pages(wh)
    assert caplog.messages[-1] == "authority of pages: 2 crawls, 1 of them anew"
    assert pages(ranked, "ops.page_authority", 1, JUNE).keys() == {page_key(path) for path in ("/", "/a", "/alone")}


def test_figures_that_cannot_be_are_a_build_that_failed_and_leave_what_stood(
    ranked: Warehouse, wh: steps.Warehouse
) -> None:
    before = everything(ranked)
    ranked.connection.execute("update intermediate.int_page__weigh_entries set authority = 'nan'")
    with pytest.raises(BuildError, match=r"^how authority spreads over pages cannot be estimated: ValueError"):
        rank_pages(wh)
    assert everything(ranked) == before
