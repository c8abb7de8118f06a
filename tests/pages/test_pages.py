"""What the pages show and to whom, over a real warehouse; signing in is tried with a real Airflow in tests/pipeline."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import psycopg
import pytest
import uvicorn
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from seo_warehouse.pages.access import may_decide, may_see
from seo_warehouse.pages.app import FOLDER, app, find_warehouse
from seo_warehouse.pages.reading import STATES, connected, read_calendar
from tests.pipeline.browser import chromium
from tests.steps.dropping import Shop, open_shop

HOSTILE = "<script>alert(1)</script> \"quoted\" 'too' \u202eevil {{ 7 * 7 }}"
TODAY = datetime.now(UTC).date()
PROPERTIES = """
properties:
  - {key: 1, name: shop, domain: shop.example, history_start: 2026-05-01, sources: {exports: {}}}
  - {key: 2, name: blog, domain: blog.example, history_start: 2026-05-01, sources: {exports: {}}}
"""
LOAD = """
insert into ops.load (source, table_name, property_key, first_day, last_day, night, purpose, attempt, state, reason,
                      rows_read, calls, units, money)
values ('serp', 'task', %s, %s, %s, %s, 'night', 1, %s, %s, 1234, 5, 6, 0.5) returning load_id
"""


class Page(HTMLParser):
    """The text that a browser would show, and the elements by name with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.shown: list[str] = []
        self.found: dict[str, list[dict[str, str | None]]] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.setdefault(tag, []).append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.shown.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.shown).split())


@pytest.fixture
def shop(tmp_path: Path, database: str) -> Shop:
    return open_shop(tmp_path, database, PROPERTIES)


@pytest.fixture
def visitor(shop: Shop) -> Iterator[TestClient]:
    """Somebody who may decide."""
    app.dependency_overrides = {may_see: lambda: None, may_decide: lambda: True, find_warehouse: lambda: shop.wh}
    yield TestClient(app)
    app.dependency_overrides = {}


def load(shop: Shop, state: str, *, key: int = 1, ago: int = 0, reason: str | None = None) -> int:
    day = TODAY - timedelta(ago)
    ((load_id,),) = shop.fetch(LOAD, (key, day, day, day, state, reason))
    return int(load_id)


def hold(shop: Shop) -> int:
    """A held load with everything that can be hostile in it."""
    load(shop, "published", ago=1)
    held = load(shop, "quarantined", reason=HOSTILE)
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        connection.execute(
            "insert into ops.verdict values (%s, 'least_share', 'fail', false, 7, %s),"
            " (%s, 'fine', 'fail', true, 0, '')",
            (held, HOSTILE, held),
        )
        connection.execute(f"create table audit.load_{held} (row_no bigint, query text, unfit text[])")
        connection.execute(f"insert into audit.load_{held} values (1, 'good', null), (2, %s, '{{clicks}}')", (HOSTILE,))
    return held


def opened(visitor: TestClient, path: str) -> Page:
    answer = visitor.get(path)
    assert answer.status_code == 200, answer.text[:2000]
    return Page(answer.text)


def paths() -> list[str]:
    return [route.path.replace("{name}", "pages.js") for route in app.routes if isinstance(route, APIRoute)]


def test_every_route_is_guarded_reads_only_and_tells_nobody_without_a_session_anything() -> None:
    assert len(paths()) == len(app.routes) >= 6, "what is no route of ours is guarded by nothing"
    for route in app.routes:
        assert isinstance(route, APIRoute)
        assert route.methods == {"GET"}
        assert may_see in [needed.call for needed in route.dependant.dependencies], route.path
    stranger = TestClient(app)
    for path in [*paths(), "/docs", "/openapi.json", "/static/../app.py"]:
        answer = stranger.get(path)
        assert answer.status_code in ((401,) if path in paths() else (401, 404)), path
        assert "SEO" not in answer.text


def test_airflows_own_security_is_imported_in_one_file_only() -> None:
    root = FOLDER.parents[1]
    named = [path for path in root.rglob("*.py") if "core_api.security" in path.read_text(encoding="utf-8")]
    assert named == [FOLDER / "access.py"]


def test_a_page_takes_nothing_from_outside_and_is_kept_by_nobody(visitor: TestClient) -> None:
    for path in paths():
        answer = visitor.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        page = Page(answer.text)
        assert not [tag for tag in page.found.get("script", []) if tag.get("src") != "static/pages.js"]
        assert not page.found.get("style")
        assert not [name for tags in page.found.values() for tag in tags for name in tag if name.startswith("on")]
        assert not [name for tags in page.found.values() for tag in tags for name in tag if name == "style"]


def test_words_of_providers_show_as_text_and_who_may_decide_gets_buttons(shop: Shop, visitor: TestClient) -> None:
    held = hold(shop)
    shown = HOSTILE.replace("\u202e", "\\u202e")
    for path in (f"/held?load={held}", "/held", "/tonight"):
        page = opened(visitor, path)
        assert shown in page.text, path
        assert len(page.found["script"]) == 1
    page = opened(visitor, f"/held?load={held}")
    assert page.text.count(shown) == 4, "reason, rule, row, list"
    assert "7" in page.text
    assert "1,234 rows" in page.text
    assert "clicks" in page.text
    assert "fine" not in page.text, "a rule that it kept"
    assert [tag.get("value") for tag in page.found["button"]] == ["approve", "reject"]
    assert "required" in page.found["textarea"][0]
    app.dependency_overrides[may_decide] = lambda: False
    assert "button" not in opened(visitor, f"/held?load={held}").found
    shop.fetch("update ops.load set state = 'rejected' where load_id = %s returning 1", (held,))
    assert f"Load {held} does not wait for a person" in opened(visitor, f"/held?load={held}").text


def test_the_night_is_told_by_source_with_what_is_not_in_the_warehouse(shop: Shop, visitor: TestClient) -> None:
    assert "No night has begun yet" in opened(visitor, "/tonight").text
    load(shop, "failed", reason="HTTP 503")
    load(shop, "published")
    load(shop, "failed", key=2, reason="HTTP 500")
    text = opened(visitor, "/tonight").text
    assert "serp not yet 1 0 0 0 1 2,468 1.50" in text
    assert "HTTP 500" in text
    assert "HTTP 503" not in text, "a later attempt has arrived"


def test_the_calendar_tells_what_the_ledger_tells_of_its_days(shop: Shop, visitor: TestClient) -> None:
    for key in (1, 2):
        shop.fetch(
            "insert into ops.source_table values ('gsc', 'page', %s, 'dated', %s, 2, 3, 1, '23:00', true, null),"
            " ('vitals', 'week', %s, 'snapshot', %s, 0, 0, 7, '23:00', true, null) returning 1",
            (key, TODAY - timedelta(90), key, TODAY - timedelta(90)),
        )
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        for ago in (*range(3, 80, 4), 0):
            table = ("vitals", "week") if ago % 8 == 3 else ("gsc", "page")
            day, read = TODAY - timedelta(ago), datetime.now(UTC) - timedelta(max(0, ago - 2))
            connection.execute(
                "with l as (insert into ops.load (source, table_name, property_key, first_day, last_day, purpose,"
                " attempt, state) values (%s, %s, 1, %s, %s, 'night', 1, 'published') returning *)"
                " insert into ops.publication (source, table_name, property_key, day, load_id, row_count, checksum,"
                " totals, facts, read_at)"
                " select source, table_name, 1, first_day, load_id, 1, 'x', '{}', '{}', %s from l",
                (*table, day, day, read),
            )
    load(shop, "quarantined", ago=5)
    whole = shop.fetch("select property_key, source || '.' || table_name, day, state from ops.completeness_at(now())")
    for days in (1, 5, 9, 30, 89):
        first = TODAY - timedelta(days)
        wanted = {(label, day): state for key, label, day, state in whole if key == 1 and day >= first}
        with connected(shop.wh) as connection:
            one = read_calendar(connection, first, "shop")
            each = read_calendar(connection, first, None)
        assert {(label, day): state for label, known in one for day, state in known.items()} == wanted
        worst = {
            (name, day): min((s for k, _, d, s in whole if (k, d) == (key, day)), key=STATES.index)
            for key, name in ((1, "shop"), (2, "blog"))
            for k, _, day, _ in whole
            if k == key and day >= first
        }
        assert {(name, day): state for name, known in each for day, state in known.items()} == worst
    page = opened(visitor, "/completeness?property=shop&days=30")
    titles = [tag["title"] for tag in page.found["td"] if "title" in tag]
    assert f"gsc.page, {TODAY - timedelta(3):%A} {(TODAY - timedelta(3)).day}" in " ".join(map(str, titles))
    assert len(titles) == len([None for key, _, day, _ in whole if key == 1 and day > TODAY - timedelta(30)])
    assert "blog" in opened(visitor, "/completeness").text
    for odd in ("days=0", "days=401", "days=x"):
        assert visitor.get(f"/completeness?{odd}").status_code == 422
    assert opened(visitor, "/completeness?property=nobody").found["table"]


def test_spend_is_the_months_and_a_forecast_is_a_range_where_nights_differ(shop: Shop, visitor: TestClient) -> None:
    assert "No provider was called this month" in opened(visitor, "/spend").text
    load(shop, "published")
    shop.fetch(
        "insert into ops.order_usage (source, property_key, night, calls, calls_reused, calls_cut, bytes_read,"
        " units, money) values ('serp', 1, %s, 3, 0, 0, 1, 0, 1.25) returning 1",
        (TODAY,),
    )
    shop.fetch(
        "insert into ops.budget (name, property_key, sources, money, warn_at) values ('serp', 1, '{serp}', 2, 0.8)"
        " returning 1"
    )
    page = opened(visitor, "/spend")
    text = page.text
    assert "1.75 of 2.00 US dollars spent (88%)" in text
    assert {"class": "held"} in page.found["li"]
    assert "US$ 1.75 this month" in text
    assert "serp shop 8 6 1.75" in text
    for source, dear in (("flat", 1), ("wide", 3)):
        for ago in range(1, 9):
            shop.fetch(
                "insert into ops.order_usage (source, property_key, night, calls, calls_reused, calls_cut, bytes_read,"
                " units, money, noted_at) values (%s, 1, %s, 0, 0, 0, 0, 0, %s, now() - make_interval(days => %s))"
                " returning 1",
                (source, TODAY, dear if ago == 2 else 1, ago),
            )
    text = opened(visitor, "/spend").text
    # Tonight has cost nothing of either yet.
    left = ((TODAY.replace(day=1) + timedelta(days=32)).replace(day=1) - TODAY).days
    flat = min(8, TODAY.day - 1)
    wide = flat + (2 if TODAY.day > 2 else 0)
    for told in (f"flat shop 0 0 {flat:.2f} {flat + left:.2f}", f"wide shop 0 0 {wide:.2f} {wide + left:.2f} to "):
        assert told in text
    assert f" to {wide + 3 * left:.2f}" in text


def test_who_reads_for_the_pages_can_write_nothing_and_read_nothing_but_the_ledgers(shop: Shop) -> None:
    statements = (
        "update ops.load set state = 'rejected'",
        "set default_transaction_read_only = off; set transaction_read_only = off; delete from ops.load",
        "select from raw.raw_google_updates__update",
        "select from marts.dim_property",
        "create temporary table t ()",
        "select ops.end_readers('ops.load')",
    )
    for statement in statements:
        refused = (
            psycopg.errors.InsufficientPrivilege,
            psycopg.errors.ReadOnlySqlTransaction,
            psycopg.errors.UndefinedTable,
        )
        with connected(shop.wh) as connection, pytest.raises(refused):
            connection.execute(statement)


def test_two_connections_are_the_most_and_who_waits_too_long_is_told(
    shop: Shop, visitor: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seo_warehouse.pages.reading.WAIT_SECONDS", 0.01)
    with connected(shop.wh), connected(shop.wh):
        answer = visitor.get("/tonight")
        assert (answer.status_code, "try again in a moment" in answer.text) == (503, True)
    assert visitor.get("/tonight").status_code == 200


def test_a_held_load_has_at_most_twenty_rows_on_the_page(shop: Shop, visitor: TestClient) -> None:
    held = hold(shop)
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        connection.execute(
            f"insert into audit.load_{held} select n, %s, null from generate_series(3, 99) n",
            (json.dumps("x" * 5_000),),
        )
    page = visitor.get(f"/held?load={held}")
    assert page.text.count("xxx...") == 18
    assert len(page.text) < 20_000


def test_the_plugin_names_the_pages_and_imports_nothing_of_them() -> None:
    import seo_warehouse_pages

    (served,) = seo_warehouse_pages.SeoWarehousePages.fastapi_apps
    (view,) = seo_warehouse_pages.SeoWarehousePages.external_views
    assert view["href"].startswith(str(served["url_prefix"]))
    assert view["href"].rpartition("/")[2] in {path.strip("/") for path in paths()}


@contextmanager
def served() -> Iterator[str]:
    """The address of the pages, served without Airflow."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.mark.slow
def test_no_page_is_wider_than_its_window_and_the_newest_days_are_in_sight(
    shop: Shop, visitor: TestClient, tmp_path: Path
) -> None:
    """At a desk, and on a telephone beside Airflow's own bar."""
    if shutil.which("chromedriver") is None and not os.environ.get("CI"):
        pytest.skip("chromedriver is missing: apt-get install chromium-driver")
    held = hold(shop)
    shop.fetch(
        "insert into ops.source_table values ('gsc', 'page', 1, 'dated', %s, 2, 3, 1, '23:00', true, null) returning 1",
        (TODAY - timedelta(90),),
    )
    with served() as url, chromium(tmp_path / "chromium") as window:
        for width in (280, 1440):
            size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
            window.command("Emulation.setDeviceMetricsOverride", **size)
            for path in ("tonight", "completeness?property=shop", f"held?load={held}", "spend"):
                window.open(f"{url}/{path}")
                assert window.run("return document.documentElement.scrollWidth") <= width, path
                assert window.log("browser") == [], path
            window.open(f"{url}/completeness?property=shop")
            hidden = (
                "const c = document.querySelector('.calendar'); return c.scrollWidth - c.clientWidth - c.scrollLeft"
            )
            assert window.run(hidden) <= 1
