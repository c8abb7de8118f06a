"""The demo's HubSpot, read by the product's own source: night by night it tells what one whole list tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from seo_warehouse.client.access import Connection, HeaderKey
from seo_warehouse.client.api import Api
from seo_warehouse.client.archive import open_archive
from seo_warehouse.config import Property, SourceSettings
from seo_warehouse.demo.catalogue import DEMO_PROPERTIES
from seo_warehouse.demo.crm import ASKED_BY, STAGES, TOKEN, Crm, account
from seo_warehouse.demo.world import World
from seo_warehouse.sources.hubspot import HUBSPOT, strip_people
from seo_warehouse.spec import Period, Row
from tests.sources.provider import QUICK, Act, Asked, Provider, said, serving
from tests.sources.test_hubspot import Known

FIRST = date(2026, 5, 4)
PROP = next(prop for prop in DEMO_PROPERTIES if prop.name == ASKED_BY)
WORLD = World(7, FIRST)


@pytest.fixture(scope="module")
def crm() -> Crm:
    return account(WORLD, PROP)


@pytest.fixture
def answering(crm: Crm) -> Iterator[Provider]:
    with serving() as provider:
        provider.crm_now = datetime.now(UTC)  # type: ignore[attr-defined]

        def answer(asked: Asked) -> Act:
            parts = urlsplit(asked.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            now = provider.crm_now  # type: ignore[attr-defined]
            body = json.loads(asked.body or b"{}")
            status, document, headers = crm.answer(asked.method, parts.path, query, body, now)
            return said(document, status=status, headers=headers)

        provider.answer = answer
        yield provider


def read(provider: Provider, folder: Path, table: str, night: date, since: date | None = None) -> list[Row]:
    """A table's rows of a night."""
    now = datetime.combine(night, time(6), UTC)
    provider.crm_now = now  # type: ignore[attr-defined]
    provider.date = f"{now:%a, %d %b %Y %H:%M:%S GMT}"
    sources = SourceSettings(hubspot={"stages": {**STAGES}})
    prop = Property(key=2, name=PROP.name, domain=PROP.domain, history_start=FIRST, sources=sources)
    with Api(
        base_url=provider.base_url,
        auth=HeaderKey.named("Authorization", "Bearer ")(Connection(password=TOKEN)),
        archive=open_archive(folder, source="hubspot", property_key=2, scope=f"night={night}"),
        may_call=True,
        explain=HUBSPOT.explain,
        strip_people=partial(strip_people, prop.settings_of(HUBSPOT), Known()),
        limits=QUICK,
        night=night,
    ) as api:
        return list(HUBSPOT.table(table).read(api, prop, Period(night, night, since)))


def test_nights_of_changes_tell_what_one_whole_list_does(answering: Provider, tmp_path: Path) -> None:
    last = FIRST + timedelta(days=120)
    known: dict[str, Row] = {}
    before: date | None = None
    for days in range(0, 121, 20):
        night = FIRST + timedelta(days=days)
        for row in read(answering, tmp_path / "nights", "deal", night, before):
            known[row["deal_id"]] = row
        before = night
    whole = read(answering, tmp_path / "whole", "deal", last)
    told = ("deal_id", "partner", "campaign", "state", "agreed_on", "placed_on", "price")
    assert [[known[row["deal_id"]][name] for name in told] for row in whole] == [
        [row[name] for name in told] for row in whole
    ]
    assert {row["state"] for row in whole} >= {"contacted", "declined", "agreed"}
    assert any(asked.path.endswith("/search") for asked in answering.asked)


def test_one_partner_is_put_away_and_one_contact_is_anothers(answering: Provider, tmp_path: Path) -> None:
    night = FIRST + timedelta(days=300)
    companies = read(answering, tmp_path, "company", night)
    assert len({row["partner"] for row in companies}) == len(companies) == 40
    assert sum(row["is_archived"] for row in companies) == 1
    people = [row["contact"] for row in read(answering, tmp_path, "contact", night)]
    assert len(people) == len(set(people)) + 1, "one was merged into another"
    mails = read(answering, tmp_path, "email", night)
    assert {row["direction"] for row in mails} == {"out", "in"}
    assert all(row["contact"] and row["campaign"] == "spring guides" for row in mails if row["partner"])
