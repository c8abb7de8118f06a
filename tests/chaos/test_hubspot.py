"""A reading of HubSpot whose process is killed while an answer is under way, and while those in it are being kept."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest

from seo_warehouse.demo.crm import Record
from seo_warehouse.sources.hubspot import HUBSPOT
from seo_warehouse.steps.stated import CONNECTIONS_FILE
from tests.chaos.child import start_step
from tests.chaos.state import until
from tests.sources.crm import answering
from tests.sources.provider import Act, Asked, said, serving
from tests.steps.dropping import LAST_INSTANT, NIGHT, Shop, open_shop
from tests.steps.test_hubspot import LATELY, make_crm, read_night

pytestmark = pytest.mark.slow

PROPERTIES = """
clock_url: {clock}
properties:
  - {{key: 1, name: shop, domain: shop.example, history_start: 2026-05-01, sources: {{hubspot: {settings}}}}}
  - {{key: 2, name: calm, domain: shop.example, history_start: 2026-05-01, sources: {{hubspot: {settings}}}}}
"""
SETTINGS = "{stages: {written: contacted, live: placed}}"
STALLED = ("&after=", "/associations/emails/contacts/")
"""A later page, and whom mails are of: the first call of either is held back until whoever waits for it is killed."""
ROWS = """
select to_jsonb(r) - array['property_key', 'load_id', 'observed_at', 'contact'],
    to_jsonb(r) ->> 'contact' is not null
from raw.raw_hubspot__{table} as r where property_key = %s order by 1
"""


class Account:
    """HubSpot and the clock on one host; what is asked of HubSpot is counted."""

    def __init__(self) -> None:
        crm = make_crm()
        mail = crm.records["emails"][0].properties
        ties = {"companies": (11,), "contacts": (7_000_000_701,)}
        crm.records["emails"] += [Record(number, (LATELY,), mail, ties=ties) for number in range(100, 330)]
        self._answer = answering(crm, "pat", lambda: datetime.now(UTC))
        self.asked: Counter[tuple[str, bytes]] = Counter()
        self.stalls: list[str] = []
        self.is_stalled, self.goes_on = Event(), Event()

    def answer(self, asked: Asked) -> Act:
        if asked.path == "/clock":
            return said({"now": min(datetime.now(UTC), LAST_INSTANT).isoformat()})
        self.asked[asked.path, asked.body] += 1
        if self.stalls and self.stalls[0] in asked.path:
            self.stalls.pop(0)
            self.is_stalled.set()
            self.goes_on.wait(120)
        return self._answer(asked)


def held(shop: Shop, key: int) -> dict[str, list[Any]]:
    found = {table.name: shop.fetch(ROWS.format(table=table.name), (key,)) for table in HUBSPOT.tables}
    people = "select kind, known_as, value from personal.contact where property_key = %s order by 1, 2"
    partners = "select partner, role from personal.person where property_key = %s order by 1"
    return found | {"people": shop.fetch(people, (key,)), "partners": shop.fetch(partners, (key,))}


def test_a_killed_reading_asks_for_no_answer_twice_and_leaves_the_same_rows(database: str, tmp_path: Path) -> None:
    account = Account()
    with serving() as provider:
        provider.answer = account.answer
        shop = open_shop(
            tmp_path / "home", database, PROPERTIES.format(clock=f"{provider.base_url}/clock", settings=SETTINGS)
        )
        connection = {"host": provider.base_url, "password": "pat", "extra": {"allowed_networks": ["127.0.0.0/8"]}}
        (shop.home / CONNECTIONS_FILE).write_text(json.dumps({"AIRFLOW_CONN_HUBSPOT": json.dumps(connection)}))
        read_night(shop, "calm")
        left_alone, wanted = account.asked.copy(), held(shop, 2)
        account.asked.clear()
        for number, path in enumerate(STALLED):
            account.stalls.append(path)
            child = start_step(
                shop.environment, tmp_path / f"{number}.log", "steps.nightly.write", "hubspot", "email", "shop", NIGHT
            )
            until(account.is_stalled.is_set)
            child.kill()
            account.goes_on.set()
            account.is_stalled.clear()
            account.goes_on.clear()
        # Whom an answer names are kept before it is: this one has come, and is in no archive yet.
        with psycopg.connect(database) as obstacle, psycopg.connect(database, autocommit=True) as looking:
            obstacle.execute("lock table ops.erasure in exclusive mode")
            child = start_step(
                shop.environment, tmp_path / "kept.log", "steps.nightly.write", "hubspot", "contact", "shop", NIGHT
            )
            until(lambda: _waits(looking))
            child.kill()
        read_night(shop)
    assert held(shop, 1) == wanted
    again = account.asked - left_alone
    assert left_alone - account.asked == Counter()
    assert set(again.values()) == {1}
    assert len(again) == len(STALLED) + 1
    cut = "select table_name, calls_cut from ops.load where property_key = 1 and state = 'published' and calls_cut > 0"
    assert shop.fetch(f"{cut} order by 1") == [("contact", 1), ("email", 1)]


def _waits(connection: psycopg.Connection[Any]) -> bool:
    waiting = "select exists (select from pg_locks where relation = 'ops.erasure'::regclass and not granted)"
    return connection.execute(waiting).fetchone() == (True,)
