"""A reader killed between the keeping of its plan and the last use of it, while a build says something else to ask."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from tests.chaos.child import Child, start_command
from tests.chaos.state import until
from tests.sources.properties import DATE, NIGHT
from tests.sources.provider import Act, Asked, Provider, said, serving
from tests.steps.dropping import Shop, open_shop

pytestmark = pytest.mark.slow

SITE = "https://shop.example/"
PLANNED = [f"{SITE}{name}" for name in ("pans", "pots", "lids")]
PROPERTIES = f"""
properties:
  - key: 1
    name: shop
    domain: shop.example
    history_start: 2026-05-01
    sources: {{bing_webmaster: {{site: "{SITE}"}}}}
"""
CALLS = ["GetLinkCounts", *PLANNED, "GetCrawlStats"]


class Bing:
    """A link to each page. The answer of one call is held back until it is let go; else the time: the night's noon."""

    def __init__(self, held: str) -> None:
        self.held = held
        self.asked: list[str] = []
        self.is_let_go = threading.Event()

    def __call__(self, asked: Asked) -> Act:
        url = urlsplit(asked.path)
        call = parse_qs(url.query).get("link", [url.path.rpartition("/")[2]])[0]
        if call not in CALLS:
            return said({"now": f"{NIGHT}T12:00:00+00:00"})
        self.asked.append(call)
        if call == self.held:
            self.is_let_go.wait(300)
        if call == "GetCrawlStats":
            return said({"d": []})
        rows = {"Links": [{"Url": url, "Count": 1} for url in PLANNED]}
        return said({"d": {"TotalPages": 1, **(rows if call == "GetLinkCounts" else {"Details": [_link(call)]})}})


def _link(page: str) -> dict[str, str]:
    return {"Url": f"https://a.example/of?{page}", "AnchorText": "words"}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as server:
        server.date = DATE
        yield server


def plan(shop: Shop, *pages: str) -> None:
    """Leave a plan as a build does."""
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        connection.execute("set role seo_transformer")
        connection.execute("drop table if exists plans.plan_linked_page")
        connection.execute(
            "create table plans.plan_linked_page as"
            " select 1 as property_key, place, ask, 1.0 as score, 'never_asked' as reason"
            " from unnest(%s::text[]) with ordinality as asks(ask, place)",
            (list(pages),),
        )
        connection.execute("grant select on plans.plan_linked_page to seo_loader")


def start(shop: Shop, provider: Provider, command: str, *days: str) -> Child:
    """A command in a process of its own, which has what it is given and not this one's environment."""
    stated = json.dumps({"host": provider.base_url, "password": "key-of-nobody"})
    environment = shop.environment | {"AIRFLOW_CONN_BING_WEBMASTER": stated}
    log = shop.home / f"{command}.log"
    return start_command(environment, log, command, "--source", "bing_webmaster", "--property", "shop", *days)


@pytest.mark.parametrize("held", [CALLS[0], CALLS[2]])
def test_a_reader_that_was_killed_goes_on_by_the_plan_it_had_and_nothing_is_asked_twice(
    provider: Provider, database: str, tmp_path: Path, held: str
) -> None:
    shop = open_shop(tmp_path / "home", database)
    (shop.home / "properties.yml").write_text(f"clock_url: {provider.base_url}\n{PROPERTIES}")
    shop.wh.sync_properties()
    plan(shop, *PLANNED)
    bing = provider.answer = Bing(held)
    reader = start(shop, provider, "ingest", "--night", str(NIGHT))
    until(lambda: held in bing.asked or not reader.is_running)
    reader.kill()
    bing.is_let_go.set()
    plan(shop, *(f"{SITE}later/{number}" for number in range(9)))
    start(shop, provider, "ingest", "--night", str(NIGHT)).succeed()
    # The call that was under way is all that anybody was asked twice.
    assert bing.asked == [*CALLS[: CALLS.index(held) + 1], *CALLS[CALLS.index(held) :]]
    read = "select target_url, url from raw.raw_bing_webmaster__link order by item_no, target_url"
    assert shop.fetch(read) == sorted((page, _link(page)["Url"]) for page in PLANNED)
    assert shop.fetch("select sum(calls_cut) from ops.load") == [(1,)]
    before = list(bing.asked)
    start(shop, provider, "replay", "--from", str(NIGHT), "--to", str(NIGHT)).succeed()
    assert bing.asked == before
