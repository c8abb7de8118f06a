"""The demo's HubSpot, read by the product's own source: night by night it tells what one whole list tells."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path

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
from tests.sources.crm import Known, answering
from tests.sources.provider import QUICK, Provider, serving

FIRST = date(2026, 5, 4)
PROP = next(prop for prop in DEMO_PROPERTIES if prop.name == ASKED_BY)
WORLD = World(7, FIRST)


@pytest.fixture(scope="module")
def crm() -> Crm:
    return account(WORLD, PROP)


@pytest.fixture
def hubspot(crm: Crm) -> Iterator[Provider]:
    with serving() as provider:
        provider.answer = answering(crm, TOKEN, lambda: parsedate_to_datetime(str(provider.date)))
        yield provider


def read(provider: Provider, folder: Path, table: str, night: date, since: date | None = None) -> list[Row]:
    """A table's rows of a night."""
    now = datetime.combine(night, time(6), UTC)
    provider.date = f"{now:%a, %d %b %Y %H:%M:%S GMT}"
    sources = SourceSettings(hubspot={"stages": {**STAGES}})
    prop = Property(key=2, name=PROP.name, domain=PROP.domain, history_start=FIRST, sources=sources)
    with Api(
        base_url=provider.base_url,
        auth=HeaderKey.named("Authorization", "Bearer ")(Connection(password=TOKEN)),
        archive=open_archive(folder, source="hubspot", property_key=2, scope=f"night={night}"),
        may_call=True,
        explain=HUBSPOT.explain,
        strip=partial(strip_people, prop.settings_of(HUBSPOT), Known()),
        limits=QUICK,
        night=night,
    ) as api:
        return list(HUBSPOT.table(table).read(api, prop, Period(night, night, since)))


def test_nights_of_changes_tell_what_one_whole_list_does(hubspot: Provider, tmp_path: Path) -> None:
    last = FIRST + timedelta(days=120)
    known: dict[str, Row] = {}
    before: date | None = None
    for days in range(0, 121, 20):
        night = FIRST + timedelta(days=days)
        for row in read(hubspot, tmp_path / "nights", "deal", night, before):
            known[row["deal_id"]] = row
        before = night
    whole = read(hubspot, tmp_path / "whole", "deal", last)
    told = ("deal_id", "partner", "campaign", "state", "agreed_on", "placed_on", "price")
    assert [[known[row["deal_id"]][name] for name in told] for row in whole] == [
        [row[name] for name in told] for row in whole
    ]
    assert {row["state"] for row in whole} >= {"contacted", "declined", "agreed"}
    assert any(asked.path.endswith("/search") for asked in hubspot.asked)


def test_one_partner_is_put_away_and_one_contact_is_anothers(hubspot: Provider, tmp_path: Path) -> None:
    night = FIRST + timedelta(days=300)
    companies = read(hubspot, tmp_path, "company", night)
    assert len({row["partner"] for row in companies}) == len(companies) == 40
    assert sum(row["is_archived"] for row in companies) == 1
    people = [row["contact"] for row in read(hubspot, tmp_path, "contact", night)]
    assert len(people) == len(set(people)) + 1, "one was merged into another"
    mails = read(hubspot, tmp_path, "email", night)
    assert {row["direction"] for row in mails} == {"out", "in"}
    assert all(row["contact"] and row["campaign"] == "spring guides" for row in mails if row["partner"])
