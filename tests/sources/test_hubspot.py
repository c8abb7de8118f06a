"""HubSpot: lists and searches by the demo's account, people stripped, and answers as nobody should send them."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from seo_warehouse.client.access import Connection, HeaderKey
from seo_warehouse.client.api import Api, Limits
from seo_warehouse.client.archive import open_archive
from seo_warehouse.config import Property, SourceSettings
from seo_warehouse.demo.crm import Crm, Record
from seo_warehouse.errors import CredentialsError, SourceError, TerminalSourceError, ThrottledError
from seo_warehouse.sources.hubspot import HUBSPOT, UNKNOWN, HubspotSettings, probe_account, strip_people
from seo_warehouse.spec import PERSON_ID, Period, Row
from tests.sources.crm import Known, answering
from tests.sources.fuzzing import JSON, mutated, places
from tests.sources.properties import AT, DATE, NIGHT, check_columns
from tests.sources.provider import QUICK, Act, Asked, Provider, archived, said

ONCE = replace(QUICK, attempts=1)
TOKEN = "pat-eu1-correct-horse"
BEGUN = datetime(2026, 11, 1, 9, tzinfo=UTC)
LATELY = datetime(2026, 11, 21, 12, tzinfo=UTC)
FULL = Period(NIGHT, NIGHT)
CHANGED = Period(NIGHT, NIGHT, date(2026, 11, 21))
STAGES = {"written": "contacted", "met": "replied", "agreed": "agreed", "live": "placed", "no": "declined"}
PERSONAL = ("jane@press.example", "Jane", "Quill", "+49 30 5550199", "7701", "7702")


def make_property(**stated: Any) -> Property:
    return Property(
        key=7,
        name="shop",
        domain="example.com",
        history_start=date(2026, 1, 1),
        sources=SourceSettings(hubspot={"stages": STAGES, **stated}),
    )


def serve(provider: Provider, crm: Crm) -> None:
    """Have the provider be the account."""
    provider.date = DATE
    provider.answer = answering(crm, TOKEN, lambda: AT)


def open_crm(
    provider: Provider,
    folder: Path,
    prop: Property | None = None,
    known: Known | None = None,
    token: str = TOKEN,
    limits: Limits = QUICK,
) -> Api:
    stated = (prop or make_property()).settings_of(HUBSPOT)
    return Api(
        base_url=provider.base_url,
        auth=HeaderKey.named("Authorization", "Bearer ")(Connection(password=token)),
        archive=open_archive(folder, source="hubspot", property_key=7, scope=f"night={NIGHT}"),
        may_call=True,
        explain=HUBSPOT.explain,
        strip=partial(strip_people, stated, known or Known()),
        limits=limits,
        night=NIGHT,
    )


def read(api: Api, table: str, period: Period = FULL, prop: Property | None = None) -> list[Row]:
    rows = list(HUBSPOT.table(table).read(api, prop or make_property(), period))
    check_columns(HUBSPOT, table, rows)
    return rows


def company(number: int, domain: str | None = "press.example", **more: Any) -> Record:
    return Record(number, (BEGUN,), {"domain": domain, "hs_merged_object_ids": None}, **more)


def deal(number: int, *stages: tuple[datetime, str], of: tuple[int, ...] = (11,), **values: str | None) -> Record:
    properties = {"amount": "250", "pipeline": "guides", "hs_merged_object_ids": None, **values}
    return Record(number, tuple(at for at, _ in stages) or (BEGUN,), properties, stages, {"companies": of})


def mail(number: int, direction: str = "EMAIL", at: datetime = LATELY, **ties: tuple[int, ...]) -> Record:
    values = {"hs_timestamp": f"{at:%Y-%m-%dT%H:%M:%SZ}", "hs_email_direction": direction, "hs_email_status": "SENT"}
    return Record(number, (at,), values, ties={"companies": (11,), **ties})


def contact(number: int, email: str | None = "jane@press.example", merged: str | None = None) -> Record:
    return Record(
        number,
        (LATELY,),
        {
            "email": email,
            "firstname": "Jane",
            "lastname": "Quill",
            "phone": "+49 30 5550199",
            "company": "Press",
            "jobtitle": "editor",
            "hs_merged_object_ids": merged,
        },
    )


PIPELINES = [
    {
        "id": "guides",
        "label": "Spring guides",
        "displayOrder": 0,
        "archived": False,
        "stages": [
            {"id": each, "label": each, "displayOrder": 0, "archived": False, "metadata": {}} for each in STAGES
        ],
    }
]


def make_crm(**more: Any) -> Crm:
    stages = ((BEGUN, "written"), (BEGUN + timedelta(days=3), "agreed"), (BEGUN + timedelta(days=8), "live"))
    records: dict[str, list[Record]] = {
        "companies": [company(11), company(12, "blog.example", archived_at=LATELY), company(13, None)],
        "deals": [deal(21, *stages), deal(22, (BEGUN, "elsewhere")), deal(23, of=())],
        "emails": [mail(31, contacts=(7701,), deals=(21,)), mail(32, "INCOMING_EMAIL"), mail(33, companies=())],
        "contacts": [contact(7701, merged="7702"), contact(7702, None)],
    }
    return Crm(records, PIPELINES, **more)


def test_a_whole_list_has_what_was_put_away_too(provider: Provider, tmp_path: Path) -> None:
    serve(provider, make_crm())
    api = open_crm(provider, tmp_path)
    rows = read(api, "company")
    assert [(row["company_id"], row["partner"], row["site"], row["is_archived"]) for row in rows] == [
        ("11", "press.example", "https://press.example/", False),
        ("13", "13", None, False),
        ("12", "blog.example", "https://blog.example/", True),
    ]
    facts = api.facts[NIGHT]
    assert (facts["is_full"], facts["is_complete"], facts["listed_count"]) == (True, True, 3)
    assert read(open_crm(provider, tmp_path), "company") == rows
    assert len(provider.asked) == 3


def test_a_deal_tells_when_it_was_agreed_and_placed_and_a_stage_of_no_meaning_is_counted(
    provider: Provider, tmp_path: Path
) -> None:
    serve(provider, make_crm())
    api = open_crm(provider, tmp_path)
    first, second, third = read(api, "deal")
    assert {name: first[name] for name in ("partner", "campaign", "state", "price", "currency")} == {
        "partner": "press.example", "campaign": "Spring guides", "state": "placed", "price": 250.0, "currency": "USD"
    }  # fmt: skip
    assert (first["agreed_on"], first["placed_on"]) == (date(2026, 11, 4), date(2026, 11, 9))
    assert (second["state"], second["agreed_on"]) == (UNKNOWN, None)
    assert (third["state"], third["partner"], third["company_id"]) == (UNKNOWN, None, None)
    assert (api.facts[NIGHT]["unknown_state_count"], api.facts[NIGHT]["unknown_partner_count"]) == (2, 1)
    calls = len(provider.asked)
    entries = read(open_crm(provider, tmp_path), "stage_entry")
    assert [(row["deal_id"], row["entry_no"], row["state"], row["said_on"]) for row in entries] == [
        ("21", 1, "contacted", date(2026, 11, 1)),
        ("21", 2, "agreed", date(2026, 11, 4)),
        ("21", 3, "placed", date(2026, 11, 9)),
        ("22", 1, UNKNOWN, date(2026, 11, 1)),
    ]
    assert len(provider.asked) == calls


def test_values_that_a_property_of_ones_own_tells_are_taken_by_what_they_mean(
    provider: Provider, tmp_path: Path
) -> None:
    own = {"source_url": "link_page", "target_url": "target", "placed_on": "set_on", "price": "fee", "payment": "terms"}
    prop = make_property(deal_properties={**own, "campaign": "round"}, currency="EUR")
    values = {"link_page": "press.example/post", "target": "https://example.com/pans", "set_on": "1794009600000"}
    told = deal(21, (BEGUN, "live"), fee="12.5", terms="Monthly", round="makers", **values)
    serve(provider, Crm({"deals": [told, deal(22, fee="much")], "companies": [company(11)]}, PIPELINES))
    first, second = read(open_crm(provider, tmp_path, prop), "deal", FULL, prop)
    assert (first["source_url"], first["target_url"]) == ("https://press.example/post", "https://example.com/pans")
    assert (first["campaign"], first["payment"]) == ("makers", "monthly")
    assert (first["price"], first["currency"]) == (12.5, "EUR")
    assert first["placed_on"] == first["agreed_on"] == date(2026, 11, 7)
    assert (second["price"], second["currency"]) == (None, None)


@pytest.mark.parametrize(
    ("of", "labels", "found"),
    [((11,), (), "11"), ((), (), None), ((11, 13), (11,), "11"), ((11, 13), (), None), ((11, 13), (11, 13), None)],
)
def test_a_deal_of_several_companies_is_that_of_its_main_one(
    provider: Provider, tmp_path: Path, of: tuple[int, ...], labels: tuple[int, ...], found: str | None
) -> None:
    crm = make_crm()
    serve(provider, crm)
    usual = provider.answer
    main = [{"category": "HUBSPOT_DEFINED", "typeId": 5, "label": "Primary"}]
    tied = [{"toObjectId": one, "associationTypes": main if one in labels else []} for one in of]

    def answer(asked: Asked) -> Act:
        if "/associations/deals/" in asked.path:
            return said({"results": [{"from": {"id": "21"}, "to": tied}]}, status=207)
        return usual(asked)

    provider.answer = answer
    assert read(open_crm(provider, tmp_path), "deal")[0]["company_id"] == found


def test_a_company_that_is_no_partner_is_none_and_its_deals_and_mails_are_of_nobody(
    provider: Provider, tmp_path: Path
) -> None:
    prop = make_property(partners_where={"type": "PARTNER"})
    crm = make_crm()
    crm.records["companies"] = [
        replace(company(11), properties={**company(11).properties, "type": "PARTNER"}),
        replace(company(13, "buyer.example"), properties={**company(13).properties, "type": "CUSTOMER"}),
    ]
    crm.records["deals"].append(deal(24, (BEGUN, "elsewhere"), of=(13,)))
    crm.records["emails"] = [mail(31, companies=(11, 13))]
    serve(provider, crm)
    api = open_crm(provider, tmp_path, prop)
    assert [row["company_id"] for row in read(api, "company", FULL, prop)] == ["11"]
    assert [row["partner"] for row in read(api, "email", FULL, prop)] == ["press.example", None]
    counting = open_crm(provider, tmp_path, prop)
    assert [row["partner"] for row in read(counting, "deal", FULL, prop)] == ["press.example"] * 2 + [None] * 2
    # Of 24 is known whose it is; it is none of ours.
    assert (counting.facts[NIGHT]["unknown_state_count"], counting.facts[NIGHT]["unknown_partner_count"]) == (2, 1)


def test_a_mail_is_one_touch_of_each_company_and_names_a_random_id(provider: Provider, tmp_path: Path) -> None:
    crm = make_crm()
    crm.records["emails"].append(mail(34, companies=(11, 13), at=BEGUN))
    serve(provider, crm)
    rows = read(open_crm(provider, tmp_path), "email")
    assert [(row["email_id"], row["partner"], row["campaign"], row["direction"]) for row in rows] == [
        ("31", "press.example", "Spring guides", "out"),
        ("32", "press.example", "no deal", "in"),
        ("33", None, "no deal", "out"),
        ("34", "press.example", "no deal", "out"),
        ("34", "13", "no deal", "out"),
    ]
    assert [row["contact"] is not None for row in rows] == [True, False, False, False, False]


def test_a_mail_that_is_yet_to_be_sent_is_of_no_day(provider: Provider, tmp_path: Path) -> None:
    planned = mail(31, at=LATELY + timedelta(days=9))
    planned = replace(planned, changed=(BEGUN,), properties={**planned.properties, "hs_email_status": "SCHEDULED"})
    serve(provider, Crm({"emails": [planned], "companies": [company(11)]}, PIPELINES))
    [row] = read(open_crm(provider, tmp_path), "email")
    assert (row["said_on"], row["status"], row["sent_at"].date()) == (None, "SCHEDULED", date(2026, 11, 30))


def test_people_of_mails_long_past_are_not_asked_for(provider: Provider, tmp_path: Path) -> None:
    prop = make_property(contact_months=1)
    old = datetime(2026, 10, 1, tzinfo=UTC)
    serve(provider, Crm({"emails": [mail(31, at=old, contacts=(7701,))], "companies": [company(11)]}, PIPELINES))
    assert [row["contact"] for row in read(open_crm(provider, tmp_path, prop), "email", FULL, prop)] == [None]
    assert not [asked.path for asked in provider.asked if "emails/contacts" in asked.path]


def test_nothing_of_a_person_is_kept_but_a_random_id(provider: Provider, tmp_path: Path) -> None:
    crm = make_crm()
    crm.records["companies"].append(company(14, "press.example jane@press.example"))
    serve(provider, crm)
    known = Known()
    api = open_crm(provider, tmp_path, known=known)
    people = [row["contact"] for row in read(api, "contact")]
    for table in ("company", "deal", "stage_entry", "email", "stage"):
        read(api, table)
    # The second was merged into the first.
    assert len(people) == 2
    assert len(set(people)) == 1
    assert known.told[people[0]]["role"] == "editor"
    found = archived(tmp_path)
    assert not [word for word in (*PERSONAL, TOKEN) if word in found]
    assert people[0] in found
    calls = len(provider.asked)
    assert [row["contact"] for row in read(open_crm(provider, tmp_path, known=Known()), "contact")] == people
    assert len(provider.asked) == calls


def test_whoever_was_erased_comes_without_an_id(provider: Provider, tmp_path: Path) -> None:
    serve(provider, Crm({"contacts": [contact(7701)]}))
    rows = read(open_crm(provider, tmp_path, known=Known("jane@press.example")), "contact")
    assert [row["contact"] for row in rows] == [None]
    assert "jane" not in archived(tmp_path).lower()


@pytest.mark.parametrize("count", [0, 1, 100, 101, 205])
def test_what_changed_is_read_beyond_the_limit_of_a_search(provider: Provider, tmp_path: Path, count: int) -> None:
    records = [company(number) for number in range(1, 4)]
    records += [replace(company(1_000 + number), changed=(BEGUN, LATELY)) for number in range(count)]
    serve(provider, Crm({"companies": records}, search_rows=100))
    api = open_crm(provider, tmp_path)
    rows = read(api, "company", CHANGED)
    assert [row["company_id"] for row in rows] == [str(1_000 + number) for number in range(count)]
    assert (api.facts[NIGHT]["since"], api.facts[NIGHT]["is_full"]) == ("2026-11-21", False)


def test_people_who_changed_are_read_by_spans_and_no_request_has_a_number_of_theirs(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seo_warehouse.sources.hubspot.SEARCH_ROWS", 200)
    day = datetime(2026, 11, 20, 1, tzinfo=UTC)
    records = [
        replace(contact(70_000 + number, f"p{number}@press.example"), changed=(day + timedelta(minutes=number),))
        for number in range(450)
    ]
    serve(provider, Crm({"contacts": records}, search_rows=200))
    rows = read(open_crm(provider, tmp_path), "contact")
    assert len({row["contact"] for row in rows}) == len(rows) == 450
    searches = [asked.json for asked in provider.asked if asked.method == "POST"]
    filters = {each["propertyName"] for body in searches for each in body["filterGroups"][0]["filters"]}
    assert filters == {"lastmodifieddate"}
    assert {body["after"] for body in searches} == {"0", "100"}


def test_a_record_that_is_merged_between_two_pages_is_neither_lost_nor_told_twice(
    provider: Provider, tmp_path: Path
) -> None:
    crm = Crm({"companies": [replace(company(number), changed=(BEGUN, LATELY)) for number in range(1, 251)]})
    serve(provider, crm)
    rows: list[Row] = []
    reading = HUBSPOT.table("company").read(open_crm(provider, tmp_path), make_property(), CHANGED)
    for row in reading:
        rows.append(row)
        if len(rows) == 50:
            crm.records["companies"] = [one for one in crm.records["companies"] if one.number not in (20, 200)]
    assert [row["company_id"] for row in rows] == [str(number) for number in range(1, 251) if number != 200]


def test_a_call_too_many_waits_and_a_days_last_ends_the_load(provider: Provider, tmp_path: Path) -> None:
    crm = Crm({"companies": [company(number) for number in range(1, 501)]}, busy_every=3)
    serve(provider, crm)
    assert len(read(open_crm(provider, tmp_path), "company")) == 500
    provider.answer = lambda asked: said({"message": "daily limit", "policyName": "DAILY"}, status=429)
    asked = len(provider.asked)
    with pytest.raises(ThrottledError, match="DAILY") as raised:
        read(open_crm(provider, tmp_path / "later"), "company")
    assert raised.value.retry_after_seconds == 3600
    assert len(provider.asked) == asked + 1


def test_a_token_without_a_scope_is_told_which_one(provider: Provider, tmp_path: Path) -> None:
    serve(provider, make_crm(lacks_scope="deals"))
    with pytest.raises(CredentialsError, match=r"grant crm\.objects\.deals\.read"):
        read(open_crm(provider, tmp_path), "deal")
    with pytest.raises(CredentialsError, match=r"deals need the scope crm\.objects\.deals\.read"):
        probe_account(open_crm(provider, tmp_path / "probe"), make_property())
    with pytest.raises(CredentialsError, match="INVALID_AUTHENTICATION"):
        read(open_crm(provider, tmp_path, token="another"), "deal")


def test_an_account_is_tried_for_the_properties_and_stages_that_are_stated(provider: Provider, tmp_path: Path) -> None:
    crm = make_crm()
    serve(provider, crm)
    probe_account(open_crm(provider, tmp_path / "good"), make_property())
    lacking = make_property(deal_properties={"anchor": "link_anchor"})
    with pytest.raises(TerminalSourceError, match="deals have no property link_anchor"):
        probe_account(open_crm(provider, tmp_path / "property", lacking), lacking)
    unknown = make_property(stages={"never": "placed"})
    with pytest.raises(TerminalSourceError, match=r"has the stage never: there are written \(written\)"):
        probe_account(open_crm(provider, tmp_path / "stage", unknown), unknown)


def test_a_property_that_vanished_is_noted_and_the_rest_is_read(provider: Provider, tmp_path: Path) -> None:
    prop = make_property(company_properties={"price": "link_price"})
    serve(provider, make_crm())
    api = open_crm(provider, tmp_path, prop)
    assert [row["price"] for row in read(api, "company", FULL, prop)] == [None] * 3
    assert api.facts[NIGHT]["missing_properties"] == ["companies.link_price"]


def test_a_dated_version_has_its_own_addresses(provider: Provider, tmp_path: Path) -> None:
    prop = make_property(version="2026-03")
    serve(provider, make_crm())
    read(open_crm(provider, tmp_path, prop), "email", FULL, prop)
    assert {urlsplit(asked.path).path for asked in provider.asked} == {
        "/crm/properties/2026-03/emails",
        "/crm/objects/2026-03/emails",
        "/crm/associations/2026-03/emails/companies/batch/read",
        "/crm/objects/2026-03/companies/batch/read",
        "/crm/associations/2026-03/emails/deals/batch/read",
        "/crm/objects/2026-03/deals/batch/read",
        "/crm/pipelines/2026-03/deals",
        "/crm/associations/2026-03/emails/contacts/batch/read",
    }


def test_a_list_that_tells_a_page_again_ends(provider: Provider, tmp_path: Path) -> None:
    serve(provider, make_crm())
    usual = provider.answer

    def answer(asked: Asked) -> Act:
        if asked.path.startswith("/crm/v3/objects/companies?"):
            return said({"results": [], "paging": {"next": {"after": "5"}}})
        return usual(asked)

    provider.answer = answer
    with pytest.raises(TerminalSourceError, match="same page again"):
        read(open_crm(provider, tmp_path), "company")


@pytest.mark.parametrize(
    "stated",
    [
        {"stages": {"x": "won"}},
        {"company_properties": {"colour": "colour"}},
        {"deal_properties": {"anchor": "email"}},
        {"partners_where": {"email": "jane@press.example"}},
        {"version": "v2"},
        {"currency": "XXX"},
    ],
)
def test_settings_that_mean_nothing_or_are_of_people_are_refused(stated: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HubspotSettings(**stated)


def test_a_stage_may_be_a_number() -> None:
    stated = make_property(stages={81123: "placed"}).settings_of(HUBSPOT)
    assert stated.stages == {"81123": "placed"}


ANSWER: dict[str, Any] = {
    "results": [
        {
            "id": "7701",
            "properties": {"email": "jane@press.example", "hs_merged_object_ids": "7702", "domain": "press.example"},
            "propertiesWithHistory": {"dealstage": [{"value": "live", "timestamp": "2026-11-21T12:00:00Z"}]},
            "createdAt": "2026-11-01T09:00:00Z",
            "updatedAt": "2026-11-21T12:00:00Z",
            "archived": False,
            "from": {"id": "31"},
            "to": [{"toObjectId": 7701, "associationTypes": [{"label": "Primary"}]}],
            "name": "domain",
            "label": "Guides",
            "stages": [{"id": "live", "label": "Live", "archived": False}],
        }
    ],
    "total": 1,
    "paging": {"next": {"after": "100"}},
}
PATHS = (
    "/crm/v3/objects/contacts/search",
    "/crm/v3/objects/companies",
    "/crm/v3/objects/deals/batch/read",
    "/crm/v4/associations/emails/contacts/batch/read",
    "/crm/v3/pipelines/deals",
    "/crm/v3/properties/deals",
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PATHS), st.sampled_from(list(places(ANSWER))), JSON)
def test_what_was_stripped_is_stripped_again_to_the_same(path: str, place: tuple[Any, ...], value: Any) -> None:
    known, stated = Known(), HubspotSettings()
    once = strip_people(stated, known, path, mutated(ANSWER, place, value))
    assert strip_people(stated, known, path, once) == once
    if path.endswith("contacts/search") and isinstance(once, dict):
        numbers = [entry["id"] for entry in once.get("results", []) if entry is not None]
        assert not [number for number in numbers if number is not None and not re.fullmatch(PERSON_ID, number)]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([table.name for table in HUBSPOT.tables]), st.sampled_from(list(places(ANSWER))), JSON)
def test_a_broken_answer_is_a_named_error(
    provider: Provider, tmp_path_factory: pytest.TempPathFactory, table: str, place: tuple[Any, ...], value: Any
) -> None:
    broken = mutated(ANSWER, place, value)
    if isinstance(broken, dict) and place[:1] != ("paging",):
        broken.pop("paging", None)
    provider.date = DATE
    provider.answer = lambda asked: said(broken)
    with suppress(SourceError):
        read(open_crm(provider, tmp_path_factory.mktemp("broken"), limits=ONCE), table)


@dataclass(frozen=True)
class Seed(Record):
    """A record of a table of Fivetran's, whose account tells all that it has of it."""

    def told(self, now: datetime, names: Sequence[str], what: str) -> dict[str, Any]:
        told = super().told(now, names, what)
        return {**told, "properties": {**self.properties, **told["properties"]}}


def seeds(folder: Path, table: str) -> list[dict[str, str]]:
    path = folder / "crm" / "fivetran_hubspot_seeds" / f"{table}_data.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def seed(row: dict[str, str], id: str, made: str, **more: str) -> Seed:
    """A row as a record: its columns `property_x` are properties x."""
    ours = {name: value or None for name, value in row.items() if name.startswith("property_")}
    named = {name.removeprefix("property_"): value for name, value in ours.items()}
    # Hours have one digit or two.
    at = datetime.strptime(made.partition(".")[0], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return Seed(int(id), (at,), {**named, **more})


def seed_account(folder: Path) -> Crm:
    """The seeds as an account; of the events of mails those that were sent are mails."""
    sent = [row for row in seeds(folder, "email_event") if row["type"] == "SENT"]
    mails = [
        seed(row, str(number), row["created"], hs_timestamp=f"{row['created']}Z", hs_email_direction="EMAIL")
        for number, row in enumerate(sent, start=1)
    ]
    [logged] = seeds(folder, "engagement_email")
    mails.append(seed(logged, logged["engagement_id"], logged["property_hs_createdate"]))
    stages: dict[str, list[dict[str, Any]]] = {row["pipeline_id"]: [] for row in seeds(folder, "deal_pipeline")}
    assert len(stages) == 6
    for row in seeds(folder, "deal_pipeline_stage"):
        stages.setdefault(row["pipeline_id"], []).append(
            {"id": row["stage_id"], "label": row["label"], "archived": row["active"] == "FALSE"}
        )
    return Crm(
        {
            "companies": [seed(row, row["id"], row["property_createdate"]) for row in seeds(folder, "company")],
            "contacts": [seed(row, row["id"], row["property_createdate"]) for row in seeds(folder, "contact")],
            "deals": [seed(row, row["deal_id"], row["property_createdate"]) for row in seeds(folder, "deal")],
            "emails": mails,
        },
        [{"id": id, "label": id, "archived": False, "stages": found} for id, found in stages.items()],
    )


@pytest.mark.external
def test_what_others_publish_of_an_account_counts_as_it_does_by_hand(
    provider: Provider, tmp_path: Path, shared_data: Path
) -> None:
    serve(provider, seed_account(shared_data))
    prop = make_property(contact_months=1_200)
    api = open_crm(provider, tmp_path, prop)
    companies, deals = read(api, "company", FULL, prop), read(api, "deal", FULL, prop)
    assert len(companies) == 24
    funky = "companies.hs_all-funky-a9384-syntax"
    assert funky in api.facts[NIGHT]["odd_fields"]
    assert "unknown_fields" not in api.facts[NIGHT]
    assert [(row["state"], row["price"], row["currency"]) for row in deals] == [(UNKNOWN, None, None)] * 44
    assert api.facts[NIGHT]["unknown_state_count"] == 44
    # The fourteen entries that are published belong to no deal of the file, and come with none.
    assert len({row["deal_id"] for row in seeds(shared_data, "deal_stage")} - {row["deal_id"] for row in deals}) == 14
    assert read(api, "stage_entry", FULL, prop) == []
    people = [row["contact"] for row in read(api, "contact", FULL, prop)]
    assert (len(people), len(set(people))) == (22, 19)
    stages = read(api, "stage", FULL, prop)
    assert (len(stages), {row["state"] for row in stages}) == (71, {UNKNOWN})
    mails = read(api, "email", FULL, prop)
    assert Counter(row["direction"] for row in mails) == {"out": 4, None: 1}
    assert {(row["partner"], row["contact"]) for row in mails} == {(None, None)}
    found = archived(tmp_path)
    for row in seeds(shared_data, "contact"):
        assert not [row[name] for name in ("property_email", "property_lastname", "id") if row[name] in found]
    assert "This is the body" not in found
    assert "This is the subject" not in found
