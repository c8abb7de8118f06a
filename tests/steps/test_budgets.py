"""What a budget does not hold is not bought, is no failure, and is read once it fits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from seo_warehouse.errors import ConfigError, TransientLoadError
from seo_warehouse.sources import source_named
from seo_warehouse.steps import nightly, pacing
from seo_warehouse.steps.pacing import pace_of
from seo_warehouse.steps.settling import settle_dead
from seo_warehouse.steps.warehouse import Warehouse
from tests.sources.provider import PASSWORD, Provider, serving
from tests.sources.test_dataforseo_backlinks import answering
from tests.steps.dropping import NIGHT, Shop, open_shop

SOURCES = {"dataforseo_backlinks": "backlink", "dataforseo_serp": "task"}
PROPERTIES = """
properties:
  - key: 1
    name: shop
    domain: shop.example
    history_start: 2026-05-01
    keywords: [{keyword: oak}]
    sources: {dataforseo_backlinks: {target: shop.example}, dataforseo_serp: {}}
    budgets: {dataforseo_backlinks: {money: %s}, dataforseo_serp: {money: %s}}
limits: {dataforseo: {money_a_month: 100, calls_a_minute: 60000}}
"""


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    with serving() as server:
        server.date = f"{NIGHT:%a, %d %b %Y} 12:00:00 GMT"
        server.answer = answering(3)
        extra = {"allowed_networks": ["127.0.0.0/8"]}
        stated = {"host": server.base_url, "login": "someone", "password": PASSWORD, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_DATAFORSEO", json.dumps(stated))
        yield server


@pytest.fixture
def shop(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(Warehouse, "now", lambda _: datetime.combine(NIGHT, time(12), UTC))
    return open_shop(tmp_path / "home", database, PROPERTIES % (0.001, 0.0001))


@pytest.mark.parametrize(("source", "table"), SOURCES.items())
def test_what_does_not_fit_is_deferred_and_costs_nothing(
    shop: Shop, provider: Provider, source: str, table: str
) -> None:
    assert nightly.order(shop.wh, source, "shop", NIGHT)
    assert nightly.write(shop.wh, source, table, "shop", NIGHT) == []
    assert provider.asked == []
    [(state, reason)] = shop.fetch("select state, reason from ops.load")
    assert state == "deferred"
    assert f"would pass the month's budget of 0.00 US dollars for {source}" in reason


def test_it_is_read_once_it_fits(shop: Shop, provider: Provider) -> None:
    source = "dataforseo_backlinks"
    assert nightly.write(shop.wh, source, "backlink", "shop", NIGHT) == []
    (shop.home / "properties.yml").write_text(PROPERTIES % (10, 10))
    [load] = nightly.write(shop.wh, source, "backlink", "shop", NIGHT)
    assert provider.asked
    assert shop.fetch("select state, rows_read, money > 0 from ops.load where load_id = %s", (load,)) == [
        ("written", 3, True)
    ]
    assert shop.fetch("select (select count(*) from ops.reservation), (select count(*) from ops.deferral)") == [(0, 0)]
    assert shop.fetch("select account, slow_until from ops.call_pace") == [("dataforseo", None)]
    seen = "select types, last_types, last_count from ops.shape where path like '%%items[].anchor'"
    assert shop.fetch(seen) == [([], ["string"], 3)]
    shop.wh.sync_properties()
    assert shop.fetch("select count(*) from ops.budget where money >= 10") == [(3,)]


def test_what_a_killed_reading_had_bought_is_spent_a_day_later(shop: Shop, provider: Provider) -> None:
    source = "dataforseo_backlinks"
    (shop.home / "properties.yml").write_text(PROPERTIES % (10, 10))
    nightly.write(shop.wh, source, "backlink", "shop", NIGHT)
    [(paid,)] = shop.fetch("select money from ops.load")
    calls = len(provider.asked)
    with shop.wh.connect("owner") as connection:
        # Nothing of it was noted: as a kill leaves it, with the last page about to be asked for.
        connection.execute("truncate ops.load cascade")
        for scope, money, hours in (
            (f"night={NIGHT}", paid + 1, 0),
            ("backfill=2026-05-02", Decimal("0.5"), 0),
            (f"night={NIGHT - timedelta(1)}", Decimal(3), 2),
        ):
            connection.execute(
                "insert into ops.reservation values (%s, 1, %s, %s, now() + %s * interval '1 hour')",
                (source, scope, money, hours),
            )
        # The night of the same date was read and noted, and another reading of it is at work.
        connection.execute(
            "insert into ops.order_usage values (default, %s, 1, '2026-05-02', 1, 0, 0, 9, 0, 0.75, now())", (source,)
        )
        connection.execute(
            "insert into ops.reservation values (%s, 1, 'night=2026-05-02', 4, now() + interval '1 hour')", (source,)
        )
    settle_dead(shop.wh)
    assert len(provider.asked) == calls
    assert shop.fetch("select night, money from ops.order_usage order by 1, 2") == [
        (date(2026, 5, 2), Decimal("0.5")),
        (date(2026, 5, 2), Decimal("0.75")),
        (NIGHT, paid),
    ]
    # Whoever is at it keeps what is set aside.
    assert shop.fetch("select money from ops.reservation order by 1") == [(3,), (4,)]
    # And what it had bought is not billed once more.
    [load] = nightly.write(shop.wh, source, "backlink", "shop", NIGHT)
    assert shop.fetch("select rows_read, money from ops.load where load_id = %s", (load,)) == [(3, 0)]


def test_a_deferred_night_is_run_anew_once_its_budget_holds_it_and_while_it_lasts(
    shop: Shop, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for source, table in SOURCES.items():
        nightly.order(shop.wh, source, "shop", NIGHT)
        nightly.write(shop.wh, source, table, "shop", NIGHT)
    assert nightly.find_deferred(shop.wh) == [], "its run is at work"
    for source in SOURCES:
        nightly.note_run(shop.wh, source, NIGHT, f"run of {source}")
    assert nightly.find_deferred(shop.wh) == [], "it does not fit"
    (shop.home / "properties.yml").write_text(PROPERTIES % (10, 0.0001))
    monkeypatch.setattr(Warehouse, "now", lambda _: datetime.combine(NIGHT, time(23, 30), UTC))
    assert nightly.find_deferred(shop.wh) == [], "the night is over"
    monkeypatch.setattr(Warehouse, "now", lambda _: datetime.combine(NIGHT, time(12), UTC))
    source = "dataforseo_backlinks"
    for _ in range(2):
        assert nightly.find_deferred(shop.wh) == [(source, f"run of {source}")], "who found it may have been killed"
    nightly.note_anew(shop.wh, source, f"run of {source}")
    assert nightly.find_deferred(shop.wh) == [], "it is run anew once"
    nightly.write(shop.wh, source, SOURCES[source], "shop", NIGHT)
    nightly.note_run(shop.wh, source, NIGHT, f"run of {source}")
    assert nightly.find_deferred(shop.wh) == [], "it is bought"


def test_loads_that_call_at_once_are_as_many_as_the_account_allows(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shop.home / "properties.yml"
    path.write_text(path.read_text().replace("calls_a_minute: 60000", "at_once: 2"))
    source = source_named("dataforseo_backlinks")
    paces = [pace for _ in range(3) if (pace := pace_of(shop.wh, source))]
    with ThreadPoolExecutor(3) as pool, ExitStack() as opened:
        for pace in paces:
            opened.callback(pace.close)
        for pace in paces[:2]:
            pool.submit(pace.wait).result(30)
        with monkeypatch.context() as hurried:
            hurried.setattr(pacing, "LONGEST_WAIT", timedelta(0))
            for _ in range(2):
                with pytest.raises(TransientLoadError, match="by 2 other loads, as many as at_once allows"):
                    paces[2].wait()
        waiting = pool.submit(paces[2].wait)
        with pytest.raises(TimeoutError):
            waiting.result(1)
        # Who has a place calls on.
        pool.submit(paces[1].wait).result(30)
        paces[0].close()
        waiting.result(30)
    assert pace_of(shop.wh, source_named("search_console")) is None


def test_a_deferred_night_is_no_failure(shop: Shop, provider: Provider) -> None:
    nightly.write(shop.wh, "dataforseo_backlinks", "backlink", "shop", NIGHT)
    nightly.verdict(shop.wh, "dataforseo_backlinks", NIGHT)


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        ("dataforseo_serp: {money: 1}", "site_crawl: {money: 1}", "money is spent on"),
        ("dataforseo_serp: {money: 1}", "dataforseo_serp: {money: 0}", "greater than 0"),
        ("dataforseo: {money_a_month: 100,", "search_console: {money_a_month: 1,", "money is spent on dataforseo only"),
        ("dataforseo: {money_a_month: 100,", "dataforce: {", "not of dataforce"),
    ],
)
def test_a_budget_of_what_costs_nothing_is_refused(shop: Shop, right: str, wrong: str, reason: str) -> None:
    (shop.home / "properties.yml").write_text((PROPERTIES % (1, 1)).replace(right, wrong))
    with pytest.raises(ConfigError, match=reason):
        _ = shop.wh.properties
