"""Recorded answers, from the reader to the raw table, and by every rule that a row is judged by."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from seo_warehouse.client.api import Api, Noted
from seo_warehouse.config import Property
from seo_warehouse.ledger import loads
from seo_warehouse.load.batch import write_batch
from seo_warehouse.load.publish import publish
from seo_warehouse.sources.dataforseo_backlinks import DATAFORSEO_BACKLINKS
from seo_warehouse.sources.dataforseo_serp import DATAFORSEO_SERP, order_night
from seo_warehouse.spec import Period, Reading, Source, Table
from tests.sources.properties import make_property
from tests.sources.provider import Act, Asked, Provider, open_api, said

pytestmark = pytest.mark.external


def load(dsn: str, source: Source, table: Table, api: Api, prop: Property, night: date) -> list[dict[str, Any]]:
    """Read, write, judge by row, publish; returns the raw table's rows."""
    period = Period(night, night)
    with psycopg.connect(dsn, autocommit=True, row_factory=psycopg.rows.dict_row) as reading:
        with psycopg.connect(dsn, autocommit=True) as connection:
            wanted = Reading(
                source=source, table=table, property=prop, period=period, night=night, purpose="night",
                scope=api.archive.scope,
            )  # fmt: skip
            load_id = loads.begin_load(connection, wanted)
            noted = Noted(days={night}, facts=api.facts, usage=api.usage)
            write_batch(connection, load_id, wanted, table.read(api, prop, period), noted)
            for rule in table.row_rules:
                query = sql.SQL("select count(*) from {} where not ({})").format(
                    sql.Identifier("audit", f"load_{load_id}"),
                    sql.SQL(rule.sql),  # type: ignore[arg-type]
                )
                assert connection.execute(query).fetchall() == [(0,)], rule.name
            loads.move(connection, load_id, "passed")
            assert publish(connection, source, table, load_id) == "published"
        query = sql.SQL("select * from {}").format(sql.Identifier("raw", source.raw_name(table)))
        return reading.execute(query).fetchall()


def test_a_hundred_recorded_backlinks_reach_the_raw_table(
    provider: Provider, tmp_path: Path, database: str, shared_data: Path
) -> None:
    body = (shared_data / "api_responses/dataforseo/backlinks_live.json").read_bytes()
    provider.date = "Sat, 30 Mar 2024 20:45:00 GMT"
    nothing = json.loads(body)
    nothing["tasks"][0]["result"][0] |= {"total_count": 0, "items_count": 0, "items": [], "search_after_token": None}

    def answer(asked: Asked) -> Act:
        return said(nothing) if asked.json[0]["backlinks_status_type"] == "lost" else Act(body)

    provider.answer = answer
    api = open_api(provider, tmp_path, DATAFORSEO_BACKLINKS, scope="night=2024-03-30")
    table = DATAFORSEO_BACKLINKS.tables[0]
    rows = load(database, DATAFORSEO_BACKLINKS, table, api, make_property(), date(2024, 3, 30))
    items = json.loads(body)["tasks"][0]["result"][0]["items"]
    assert sorted((r["item_no"], r["url_from"], r["url_to"], r["anchor"]) for r in rows) == [
        (number, item["url_from"], item["url_to"], item["anchor"]) for number, item in enumerate(items, start=1)
    ]
    assert {row["url_to_domain"] for row in rows} == {"forbes.com"}


def test_a_recorded_serp_reaches_the_raw_tables(
    provider: Provider, tmp_path: Path, database: str, shared_data: Path
) -> None:
    path = shared_data / "api_responses/dataforseo/serp_google_organic_task_get_regular.json"
    recorded = json.loads(path.read_text(encoding="utf-8"))
    task = recorded["tasks"][0]

    def answer(asked: Asked) -> Act:
        ready = {**task, "result": [{"id": task["id"], "tag": None}]}
        created = {**task, "status_code": 20100, "result": None, "cost": 0.0006}
        ends = {"task_post": created, "tasks_ready": ready, task["id"]: task}
        return said({**recorded, "tasks": [ends[asked.path.rsplit("/", 1)[1]]]})

    provider.date = "Mon, 15 Jan 2024 20:40:00 GMT"
    provider.answer = answer
    prop, night = make_property("pots and pans", devices=("desktop",), location_code=2208), date(2024, 1, 15)
    api = open_api(provider, tmp_path, DATAFORSEO_SERP, scope="night=2024-01-15")
    assert order_night(api, prop, Period(night, night)) is True
    replay = open_api(provider, tmp_path, DATAFORSEO_SERP, scope="night=2024-01-15", may_call=False)
    [check] = load(database, DATAFORSEO_SERP, DATAFORSEO_SERP.table("task"), replay, prop, night)
    assert (check["status_code"], check["items_count"], check["se_results_count"]) == (20000, 98, 1_100_000_000)
    results = load(database, DATAFORSEO_SERP, DATAFORSEO_SERP.table("result"), replay, prop, night)
    assert sorted((r["item_no"], r["rank_group"], r["rank_absolute"], r["url"]) for r in results) == [
        (number, item["rank_group"], item["rank_absolute"], item["url"])
        for number, item in enumerate(task["result"][0]["items"], start=1)
    ]
