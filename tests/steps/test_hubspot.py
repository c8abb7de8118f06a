"""A night of HubSpot, from its answers into `raw`, and the people in them nowhere but in `personal`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import psycopg
import pytest

from seo_warehouse.client.api import Api
from seo_warehouse.config import Settings
from seo_warehouse.demo.crm import Crm, Record
from seo_warehouse.errors import CredentialsError
from seo_warehouse.ledger import known
from seo_warehouse.sources.hubspot import HUBSPOT
from seo_warehouse.spec import Period
from seo_warehouse.steps import nightly, people, reading
from seo_warehouse.steps.connections import open_api, probe
from seo_warehouse.steps.stated import CONNECTIONS_FILE
from seo_warehouse.steps.warehouse import Warehouse
from tests.sources.crm import answering
from tests.sources.provider import QUICK, serving
from tests.steps.dropping import NIGHT, Shop, open_shop

PROPERTIES = """
properties:
  - key: 1
    name: shop
    domain: shop.example
    history_start: 2026-05-01
    sources: {hubspot: {stages: {written: contacted, live: placed}}}
"""
CANARIES = ("Canary Quill", "canary.quill@press.example", "+49 30 5550199", "7000000701", "bird@press.example")
LATELY = datetime.combine(NIGHT, time(), UTC) - timedelta(hours=2)


def make_crm() -> Crm:
    person = {
        "email": CANARIES[1],
        "firstname": "Canary",
        "lastname": "Quill",
        "phone": CANARIES[2],
        "company": "press.example",
        "jobtitle": "editor",
        "hs_merged_object_ids": None,
    }
    mail = {"hs_timestamp": f"{LATELY:%Y-%m-%dT%H:%M:%SZ}", "hs_email_direction": "EMAIL", "hs_email_status": "SENT"}
    # The bird stands where a page belongs.
    promised = {
        "amount": "250",
        "pipeline": "guides",
        "hs_merged_object_ids": None,
        "page": "press.example/bird@press.example",
    }
    ties = {"companies": (11,), "contacts": (7_000_000_701,), "deals": (21,)}
    return Crm(
        {
            "companies": [Record(11, (LATELY,), {"domain": "press.example", "hs_merged_object_ids": None})],
            "deals": [
                Record(21, (LATELY,), promised, ((LATELY, "written"), (LATELY, "live")), {"companies": (11,)}),
                Record(22, (LATELY,), promised, ((LATELY, "elsewhere"),)),
            ],
            "emails": [Record(31, (LATELY,), mail, ties=ties), Record(32, (LATELY,), mail, ties={"companies": (11,)})],
            "contacts": [Record(7_000_000_701, (LATELY,), person)],
        },
        [
            {
                "id": "guides",
                "label": "guides",
                "archived": False,
                "stages": [{"id": "live", "label": "Live", "archived": False}],
            }
        ],
    )


@pytest.fixture
def crm() -> Crm:
    return make_crm()


@pytest.fixture
def shop(database: str, tmp_path: Path, crm: Crm) -> Iterator[Shop]:
    with serving() as provider:
        provider.answer = answering(crm, "pat", lambda: datetime.now(UTC))
        home = tmp_path / "home"
        shop = open_shop(home, database, PROPERTIES.replace("stages:", "deal_properties: {source_url: page}, stages:"))
        connection = {"host": provider.base_url, "password": "pat", "extra": {"allowed_networks": ["127.0.0.0/8"]}}
        (home / CONNECTIONS_FILE).write_text(json.dumps({"AIRFLOW_CONN_HUBSPOT": json.dumps(connection)}))
        yield shop


def test_an_account_is_tried_without_a_database_and_nobody_of_it_is_kept(tmp_path: Path, crm: Crm) -> None:
    with serving() as provider:
        provider.answer = answering(crm, "pat", lambda: datetime.now(UTC))
        connection = {"host": provider.base_url, "password": "pat", "extra": {"allowed_networks": ["127.0.0.0/8"]}}
        home = tmp_path / "home"
        home.mkdir()
        (home / "properties.yml").write_text(PROPERTIES.replace("{written: contacted, live: placed}", "{live: placed}"))
        (home / CONNECTIONS_FILE).write_text(json.dumps({"AIRFLOW_CONN_HUBSPOT": json.dumps(connection)}))
        wh = Warehouse(Settings({"SEO_WAREHOUSE_HOME": str(home)}))
        prop = wh.properties.named("shop")
        probe(wh, HUBSPOT, prop, QUICK, NIGHT)
        assert [asked.path.split("?")[0] for asked in provider.asked][-1] == "/crm/v3/pipelines/deals"
        crm.lacks_scope = "emails"
        with pytest.raises(CredentialsError, match=r"emails need the scope .*sales-email-read"):
            probe(wh, HUBSPOT, prop, QUICK, NIGHT)
    assert {path.name for path in home.rglob("*") if path.is_file()} == {"properties.yml", CONNECTIONS_FILE}


def read_night(shop: Shop, prop: str = "shop") -> None:
    for table in HUBSPOT.tables:
        loads = nightly.write(shop.wh, "hubspot", table.name, prop, NIGHT)
        assert reading.settle(shop.wh, HUBSPOT, table, loads) == ["published"], table.name


def kept(shop: Shop) -> set[str]:
    """The places where a canary is found."""
    with psycopg.connect(shop.dsn) as connection:
        found = [*people._in_tables(connection, set(CANARIES)), *people._in_files(shop.wh, set(CANARIES))]
    return {place.split(",")[0] for place in found}


def test_people_stand_in_their_schema_and_nowhere_else_and_whom_one_erases_does_not_come_back(shop: Shop) -> None:
    read_night(shop)
    assert kept(shop) == {"personal.contact"}
    [(canary,)] = shop.fetch("select person_id::text from personal.contact where kind = 'name'")
    assert shop.fetch("select partner, role from personal.person where role is not null") == [
        ("press.example", "editor")
    ]
    assert shop.fetch("select contact from raw.raw_hubspot__contact") == [(canary,)]
    mails = "select email_id, partner, campaign, direction, contact is not null from raw.raw_hubspot__email order by 1"
    assert shop.fetch(mails) == [
        ("31", "press.example", "guides", "out", True),
        ("32", "press.example", "no deal", "out", False),
    ]
    assert shop.fetch("select deal_id, state, partner, price, currency from raw.raw_hubspot__deal order by 1") == [
        ("21", "placed", "press.example", 250.0, "USD"),
        ("22", "unknown_state", None, 250.0, "USD"),
    ]
    people.erase(shop.wh, CANARIES[1].upper(), shop.say, property_name="shop", by="test")
    assert shop.said[0] == "1 person forgotten; the id is gone from 2 rows"
    assert kept(shop) == {"personal.contact"}, "the bird is another person"
    assert shop.fetch("select contact from raw.raw_hubspot__contact") == [(None,)]
    # HubSpot still has them.
    prop = shop.wh.properties.named("shop")
    for name in ("contact", "email"):
        with open_api(shop.wh, HUBSPOT, prop, scope=reading.again_scope(NIGHT), may_call=True) as api:
            rows = list(HUBSPOT.table(name).read(api, prop, Period(NIGHT, NIGHT)))
        assert {row["contact"] for row in rows} == {None}
    assert shop.fetch("select count(*) from personal.contact where kind <> 'email'") == [(0,)]
    assert kept(shop) == {"personal.contact"}


def test_a_table_that_was_left_behind_is_read_from_where_it_was_left(shop: Shop) -> None:
    read_night(shop)
    prop = shop.wh.properties.named("shop")
    tomorrow = NIGHT + timedelta(days=1)
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        assert reading.since(connection, HUBSPOT, prop, tomorrow) == NIGHT
        assert reading.since(connection, HUBSPOT, prop, NIGHT + timedelta(days=7)) is None
        connection.execute("update ops.publication set is_current = false where table_name = 'email'")
        assert known.last_full(connection, "hubspot", "company", 1, before=tomorrow) == NIGHT
        assert reading.since(connection, HUBSPOT, prop, tomorrow) is None


def test_whoever_was_not_spoken_to_for_long_goes(shop: Shop) -> None:
    read_night(shop)
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        connection.execute("update personal.person set seen_at = '2020-01-01'")
    assert people.give_up_people(shop.wh) == 1, "the bird, whom no mail names"
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        connection.execute("update raw.raw_hubspot__email set said_on = '2020-01-01'")
    assert people.give_up_people(shop.wh) == 1
    assert shop.fetch("select contact from raw.raw_hubspot__email where contact is not null") == []


def test_tables_that_are_read_at_once_give_a_person_one_id(shop: Shop) -> None:
    prop = shop.wh.properties.named("shop")

    def contacts_of(api: Api, name: str) -> set[str | None]:
        return {row.get("contact") for row in HUBSPOT.table(name).read(api, prop, Period(NIGHT, NIGHT))}

    scope = reading.night_scope(NIGHT)
    with (
        open_api(shop.wh, HUBSPOT, prop, scope=scope, may_call=True) as one,
        open_api(shop.wh, HUBSPOT, prop, scope=scope, may_call=True) as other,
    ):
        # It knows whom the database had before the other met anybody.
        contacts_of(one, "deal")
        people = contacts_of(other, "contact")
        assert contacts_of(one, "email") == {*people, None}
    assert shop.fetch("select count(*) from personal.person") == [(2,)], "the bird is the other"
