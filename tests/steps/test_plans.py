"""What a source is told to ask: taken from the last build, kept first of a night, and seen alike by all who read it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import Field

from seo_warehouse.client.api import Api
from seo_warehouse.client.plans import Ask
from seo_warehouse.demo.ranks import RELEASE, packed_release
from seo_warehouse.errors import NotArchivedError
from seo_warehouse.property import Strict
from seo_warehouse.sources.fields import Shape
from seo_warehouse.spec import DAY, OBSERVED_AT, Column, Kind, Period, Plan, Row, Source, Table, Type
from seo_warehouse.steps import connections, nightly, reading
from seo_warehouse.steps.warehouse import Warehouse
from tests.sources.properties import check_columns
from tests.sources.provider import Act, Provider, said, serving
from tests.steps.dropping import NIGHT, PROPERTIES, Shop, open_shop

PAGE = Shape(Column("url", Type.URL, "Its URL.", required=True))


class Settings(Strict):
    base_url: str = Field("http://127.0.0.1", description="Address.")
    asks_per_night: int = Field(2, description="Pages.")


def read_pages(api: Api, property: Any, period: Period) -> Iterator[Row]:
    for ask in api.plan():
        yield from api.rows(api.get("/page", {"url": ask.ask}, decode=PAGE.items), period.last_day)


ASKED = Source(
    name="asked",
    description="Made up.",
    kind=Kind.SNAPSHOT,
    cron="0 1 * * *",
    settings=Settings,
    plan=Plan("plan_asked_page", limit="asks_per_night"),
    tables=(
        Table(
            name="page", description="Pages.", read=read_pages, shape=PAGE, columns=(DAY, *PAGE.columns, OBSERVED_AT),
            grain=("url",),
        ),
    ),
)  # fmt: skip


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as server:
        server.answer = lambda asked: said([{"url": asked.path}])
        yield server


@pytest.fixture
def shop(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    # A snapshot is read until its night's deadline.
    monkeypatch.setattr(Warehouse, "now", lambda _: datetime.combine(NIGHT, time(12), UTC))
    return open_shop(tmp_path / "home", database)


def plan(shop: Shop, *urls: str, key: int = 1) -> None:
    """Leave a plan as a build does."""
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        connection.execute("set role seo_transformer")
        connection.execute(
            "create table if not exists plans.plan_asked_page"
            " (property_key integer, place integer, ask text, score double precision, reason text)"
        )
        connection.execute("grant select on plans.plan_asked_page to seo_loader")
        connection.execute("delete from plans.plan_asked_page where property_key = %s", (key,))
        for place, url in enumerate(urls, start=1):
            row = (key, place, url, 1 / place, "it was worth asking")
            connection.execute("insert into plans.plan_asked_page values (%s, %s, %s, %s, %s)", row)


def open_api(shop: Shop, provider: Provider, *, may_call: bool = True, most: int = 2) -> Api:
    wh = shop.wh
    prop = wh.properties.named("shop")
    settings = Settings(base_url=provider.base_url, asks_per_night=most)
    stated = prop.model_copy(update={"sources": prop.sources.model_copy(update={"asked": settings})})
    return connections.open_api(wh, ASKED, stated, scope=reading.night_scope(NIGHT), may_call=may_call)


def asked(shop: Shop, provider: Provider, **settings: Any) -> list[str]:
    """What a reading of the night yields."""
    with open_api(shop, provider, **settings) as api:
        rows = list(read_pages(api, None, Period(NIGHT, NIGHT)))
    check_columns(ASKED, "page", rows)
    return [row["url"] for row in rows]


def test_the_first_in_the_plan_are_asked_as_many_as_a_night_may(shop: Shop, provider: Provider) -> None:
    plan(shop, "/b", "/a", "/c")
    plan(shop, "/of-another", key=2)
    assert asked(shop, provider) == ["/page?url=%2Fb", "/page?url=%2Fa"]
    with open_api(shop, provider) as api:
        assert api.plan()[0] == Ask("/b", 1.0, "it was worth asking")
        assert (api.usage.calls, api.usage.reused) == (0, 0)


def test_a_build_in_the_night_changes_nothing_of_its_plan(shop: Shop, provider: Provider) -> None:
    plan(shop, "/a", "/b")
    first = asked(shop, provider)
    plan(shop, "/later")
    assert asked(shop, provider, most=9) == first
    assert len(provider.asked) == 2


def test_a_replay_sees_the_plan_and_asks_nobody(shop: Shop, provider: Provider) -> None:
    plan(shop, "/a")
    first = asked(shop, provider)
    plan(shop)
    assert asked(shop, provider, may_call=False) == first
    assert len(provider.asked) == 1


def test_a_replay_of_a_night_that_never_began_makes_no_plan(shop: Shop, provider: Provider) -> None:
    plan(shop, "/a")
    with pytest.raises(NotArchivedError, match="no plan"):
        asked(shop, provider, may_call=False)


def test_a_night_before_the_first_build_asks_nothing_and_says_why(
    shop: Shop, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert asked(shop, provider) == []
    assert "plans.plan_asked_page is not there: no build has made it yet" in caplog.text
    plan(shop, "/a")
    assert asked(shop, provider) == []


def test_what_is_read_at_long_intervals_waits_until_there_is_something_to_ask(
    shop: Shop, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop.home / "properties.yml").write_text(
        f"{PROPERTIES}commoncrawl_ranks: {{release: {RELEASE}, base_url: '{provider.base_url}'}}\n"
    )
    provider.answer = lambda asked: Act(packed_release(20))

    def write() -> list[int]:
        return nightly.write(shop.wh, "commoncrawl_ranks", "domain_rank", "all", shop.wh.now().date())

    assert write() == []
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        connection.execute("set role seo_transformer")
        connection.execute(
            "create table plans.plan_linking_domain as"
            " select 0 as property_key, 1 as place, 'alderwood.example' as ask, 1.0 as score, 'own' as reason"
        )
        connection.execute("grant select on plans.plan_linking_domain to seo_loader")
    # The night has had its plan, and lacks nothing.
    assert write() == []
    nightly.verdict(shop.wh, "commoncrawl_ranks", NIGHT)
    assert provider.asked == []
    later = datetime.combine(NIGHT + timedelta(days=1), time(12), UTC)
    monkeypatch.setattr(Warehouse, "now", lambda _: later)
    provider.date = format_datetime(later, usegmt=True)
    assert len(write()) == 1
    assert len(provider.asked) == 1


def test_of_two_at_once_both_see_the_plan_of_the_first(shop: Shop, provider: Provider) -> None:
    plan(shop, *(f"/{number}" for number in range(50)))
    seen: list[tuple[Ask, ...]] = []

    def look() -> None:
        with open_api(shop, provider, most=50) as api:
            seen.append(api.plan())

    others = [threading.Thread(target=look) for _ in range(6)]
    for number, other in enumerate(others):
        plan(shop, *(f"/{number}-{place}" for place in range(50)))
        other.start()
    for other in others:
        other.join()
    assert len(seen) == 6
    assert len(set(seen)) == 1


def test_a_table_that_is_no_plan_is_named(shop: Shop, provider: Provider) -> None:
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        connection.execute("create table plans.plan_asked_page (property_key integer)")
        connection.execute("grant select on plans.plan_asked_page to seo_loader")
    with pytest.raises(Exception, match=r"plans\.plan_asked_page is no plan: column \"ask\" does not exist"):
        open_api(shop, provider)


@pytest.mark.parametrize("changes", [{"kind": Kind.DATED}, {"plan": Plan("plan_asked_page", limit="asks_a_week")}])
def test_a_plan_is_for_snapshots_with_a_setting_for_its_length(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a plan is for snapshots"):
        replace(ASKED, **changes)


def test_the_loader_reads_plans_and_writes_none(shop: Shop) -> None:
    plan(shop, "/a")
    with shop.wh.connect("loader") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("delete from plans.plan_asked_page")
