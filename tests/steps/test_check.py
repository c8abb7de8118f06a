"""Trying what nights will ask for: side by side, within a time, each fault once."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from seo_warehouse.config import Settings
from seo_warehouse.sources.bing_webmaster import BING_WEBMASTER
from seo_warehouse.sources.dataforseo_serp import DATAFORSEO_SERP
from seo_warehouse.steps.check import (
    LIMITS,
    Fault,
    Job,
    channel_faults,
    price_faults,
    run_side_by_side,
    together,
    trials,
)
from seo_warehouse.steps.connections import probe
from seo_warehouse.steps.stated import CONNECTIONS_FILE
from seo_warehouse.steps.warehouse import Warehouse
from tests.sources.provider import PASSWORD, Asked, said, serving

TODAY = datetime.now(UTC).date()


def site(key: int, name: str, sources: dict[str, Any]) -> dict[str, Any]:
    keywords = [{"keyword": "teapot"}]
    return {"key": key, "name": name, "domain": f"{name}.example", "history_start": "2026-05-01", "keywords": keywords,
            "sources": sources}  # fmt: skip


def home(folder: Path, *sites: dict[str, Any], **connections: dict[str, Any]) -> Warehouse:
    """A home with properties and connections, and with no database."""
    folder.mkdir(exist_ok=True)
    (folder / "properties.yml").write_text(json.dumps({"properties": sites}))
    stated = {f"AIRFLOW_CONN_{name.upper()}": json.dumps(connection) for name, connection in connections.items()}
    (folder / CONNECTIONS_FILE).write_text(json.dumps(stated))
    return Warehouse(Settings({"SEO_WAREHOUSE_HOME": str(folder)}))


def faults(wh: Warehouse) -> list[str]:
    return [str(fault) for fault in together(run_side_by_side(trials(wh)))]


def test_a_channel_whose_connection_lacks_something_is_named_and_nobody_is_told_anything(tmp_path: Path) -> None:
    with serving() as provider:
        wh = home(tmp_path / "home", site(1, "shop", {}), unsigned={"host": provider.base_url})
        stated = json.loads(wh.settings.properties_path.read_text())
        stated["alerts"] = [
            {"name": "pager", "to": "webhook", "connection": "unsigned"},
            {"name": "team", "to": "slack", "connection": "nowhere"},
        ]
        wh.settings.properties_path.write_text(json.dumps(stated))
        unsigned, missing = map(str, channel_faults(wh))
    assert unsigned.startswith("channel pager: the connection 'unsigned' needs a password")
    assert missing.startswith("channel team: ")
    assert "has no connection 'nowhere'" in missing
    assert provider.asked == []


def test_everything_wrong_is_found_in_one_go_and_a_secret_is_in_none_of_it(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Any:
        if asked.path.startswith("/v3/"):
            return said({"status_code": 40100, "status_message": "You are not Authorized.", "tasks": None}, status=401)
        return said({"ErrorCode": 3, "Message": f"ERROR!!! InvalidApiKey {PASSWORD}"}, status=400)

    with serving() as provider:
        provider.answer = answer
        login = {"host": provider.base_url, "login": "me@example.com", "password": PASSWORD}
        bing, start = {"site": "https://shop.example/"}, f"{provider.base_url}/shop/"
        wh = home(
            tmp_path / "home",
            site(1, "shop", {"dataforseo_serp": {}, "bing_webmaster": bing, "search_console": {"site": "shop"}}),
            site(2, "blog", {"dataforseo_serp": {}, "dataforseo_backlinks": {"target": "blog.example"}}),
            site(3, "wiki", {"site_crawl": {"start_urls": [start]}}),
            dataforseo=login,
            bing_webmaster=login,
        )
        found = faults(wh)
    assert not any(PASSWORD in sentence for sentence in found)
    whose = {sentence.partition(": ")[0]: sentence for sentence in found}
    assert len(found) == len(whose) == 4
    of_account = whose["dataforseo_serp of shop, dataforseo_serp of blog, dataforseo_backlinks of blog"]
    assert "not Authorized" in of_account
    assert "mend the connection 'dataforseo', in AIRFLOW_CONN_DATAFORSEO" in of_account
    assert "InvalidApiKey [removed]" in whose["bing_webmaster of shop"]
    assert "mend the connection 'bing_webmaster', in AIRFLOW_CONN_BING_WEBMASTER" in whose["bing_webmaster of shop"]
    assert "has no connection 'google_search_console'" in whose["search_console of shop"]
    assert "an address that not everyone reaches" in whose["site_crawl of wiki"]


def test_a_provider_that_is_not_there_may_be_there_later(tmp_path: Path) -> None:
    login = {"host": "http://127.0.0.1:9", "login": "me@example.com", "password": PASSWORD}
    wh = home(tmp_path, site(1, "shop", {"dataforseo_serp": {}}), dataforseo=login)
    (fault,) = run_side_by_side(trials(wh))
    assert not fault.is_lasting
    assert "look whether this machine reaches it" in str(fault)


def test_what_never_answers_is_left_behind_and_the_others_are_told() -> None:
    never = threading.Event()

    def wait() -> list[Fault]:
        never.wait()
        return []

    jobs = [Job("slow", wait), *(Job(f"quick {n}", lambda: [Fault("wrong")]) for n in range(40))]
    found = run_side_by_side(jobs, seconds=1)
    never.set()
    assert [str(fault) for fault in found] == ["slow: no answer within 1 s: check again later", *["wrong"] * 40]


def test_a_sentence_names_a_few_of_those_it_is_said_of() -> None:
    told = together([Fault("wrong password", of=(f"source of {n}",)) for n in range(8)])
    assert [str(fault) for fault in told] == [
        "source of 0, source of 1, source of 2, source of 3, source of 4 and 3 more: wrong password"
    ]


def test_nothing_of_a_trial_is_kept(tmp_path: Path) -> None:
    with serving() as provider:
        provider.answer = lambda asked: said({"d": {"CrawlRate": []}})
        wh = home(
            tmp_path,
            site(1, "shop", {"bing_webmaster": {"site": "https://shop.example/"}}),
            bing_webmaster={"host": provider.base_url, "password": PASSWORD},
        )
        assert faults(wh) == []
        assert len(provider.asked) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [CONNECTIONS_FILE, "properties.yml"]


def test_a_source_that_says_nothing_of_it_is_tried_by_its_first_row(tmp_path: Path) -> None:
    with serving() as provider:
        rows = [{"Url": f"https://shop.example/{n}", "Count": 1} for n in range(3)]
        provider.answer = lambda asked: said({"d": {"Links": rows, "TotalPages": 900}})
        wh = home(
            tmp_path,
            site(1, "shop", {"bing_webmaster": {"site": "https://shop.example/"}}),
            bing_webmaster={"host": provider.base_url, "password": PASSWORD},
        )
        silent = replace(BING_WEBMASTER, probe=None)
        probe(wh, silent, wh.properties.named("shop"), LIMITS, TODAY)
        assert [asked.path.partition("?")[0].rpartition("/")[2] for asked in provider.asked] == ["GetLinkCounts"]


def test_a_source_that_costs_money_says_how_it_is_tried_for_nothing() -> None:
    with pytest.raises(ValueError, match="without paying"):
        replace(DATAFORSEO_SERP, probe=None)


def test_a_night_that_may_not_cost_what_it_costs_is_a_fault(tmp_path: Path) -> None:
    dear, cheap = {"money_per_night": 0.001}, {"money_per_night": 1}
    wh = home(
        tmp_path,
        site(1, "shop", {"dataforseo_serp": dear}),
        site(2, "blog", {"dataforseo_serp": cheap}),
        site(3, "wiki", {"dataforseo_serp": dear | {"answer": "advanced"}}),
    )
    shop, wiki = map(str, price_faults(wh))
    assert shop.startswith("dataforseo_serp of shop: a night costs 0.0093 US dollars by the price list")
    # Of each of its two devices an AI overview is waited for.
    assert wiki.startswith("dataforseo_serp of wiki: a night costs 0.0105 US dollars by the price list")


def test_the_demo_answers_what_is_tried(tmp_path: Path) -> None:
    from seo_warehouse import demo

    first_day = datetime(2026, 5, 4, tzinfo=UTC).date()
    with demo.running(tmp_path / "demo", first_day=first_day) as server:
        port = server.server_address[1]
        settings = Settings({"SEO_WAREHOUSE_HOME": str(tmp_path)})
        demo.write_properties(settings.properties_path, port, first_day)
        (tmp_path / CONNECTIONS_FILE).write_text(json.dumps(demo.connections(port)))
        wh = Warehouse(settings)
        assert len(trials(wh)) > 6
        assert faults(wh) == []
