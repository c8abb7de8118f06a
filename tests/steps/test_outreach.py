"""Files of outreach, from the drop folder into `raw`, and the people in them nowhere but in `personal`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import make_conninfo

from seo_warehouse.cli import main
from seo_warehouse.errors import AuditFailedError
from seo_warehouse.sources.outreach import OUTREACH
from seo_warehouse.steps import drop, people
from tests.conftest import PASSWORDS
from tests.steps.dropping import NIGHT, Shop, open_shop

PROPERTIES = """
properties:
  - key: 1
    name: shop
    domain: shop.example
    history_start: 2026-05-01
    sources: {exports: {}, outreach: {hourly_rate: 60}}
  - {key: 2, name: blog, domain: blog.example, history_start: 2026-05-01, sources: {outreach: {}}}
"""
CANARIES = ("Canary Quill", "canary.quill@press.example", "+49 30 5550199", "crm-canary-7", "bird@press.example")
CONTACTS = (
    "partner,contact,name,email,phone,role,basis,last_consented_on\n"
    "press,crm-canary-7,Canary Quill,canary.quill@press.example,+49 30 5550199,editor,legitimate interest,2026-04-01\n"
    "press,crm-8,Other Body,other@press.example,,editor,,\n"
)
TOUCHES = (
    "partner,campaign,at,kind,direction,outcome,contact,minutes,cost,currency\n"
    "press,spring,2026-05-02,email,out,none,crm-canary-7,15,,\n"
    "press,spring,2026-05-02,email,out,none,crm-8,15,,\n"
    "press,spring,2026-05-04T23:30:00-02:00,email,in,agreed,canary.quill@press.example,,,\n"
    "=press(bird@press.example),spring,2026-05-05,call,out,,,30,20,eur\n"
)
PLACEMENTS = (
    "partner,campaign,agreed_on,kind,source_url,target_url,rel,placed_on,until,price,currency,payment\n"
    "press,spring,2026-05-05,guest post,https://press.example/post,https://www.shop.example/bench,followed,2026-05-09,"
    "2027-05-09,250,EUR,once\n"
)
PARTNERS = "partner,site,kind,price,currency\npress,press.example,Guest  Post,250,EUR\n'); drop table,x.example,,,\n"
TOUCHED = (
    "select day::text, partner, direction, contact, touch_id, minutes, cost from raw.raw_outreach__touch order by 1, 5"
)


@pytest.fixture
def shop(database: str, tmp_path: Path) -> Shop:
    return open_shop(tmp_path / "home", database, PROPERTIES)


def put(shop: Shop, name: str, content: str, written_at: str = "2026-06-01T12:00:00+00:00") -> None:
    shop.drop(name, content, written_at, prop="shop/outreach")


def ingest(shop: Shop) -> list[str]:
    shop.said.clear()
    return drop.ingest(shop.wh, "outreach", "shop", NIGHT, shop.say)


def all_files(shop: Shop) -> None:
    for name, content in (
        ("contacts.csv", CONTACTS),
        ("touches.csv", TOUCHES),
        ("placements.csv", PLACEMENTS),
        ("partners.csv", PARTNERS),
    ):
        put(shop, name, content)


def kept(shop: Shop) -> list[str]:
    """The places where a canary is found, the user's own files left out."""
    own = str(shop.home / "drop")
    with psycopg.connect(shop.dsn) as connection:
        found = [*people._in_tables(connection, set(CANARIES)), *people._in_files(shop.wh, set(CANARIES))]
    return [place for place in found if not place.startswith(own)]


def test_people_of_every_file_stand_in_their_schema_and_nowhere_else(shop: Shop) -> None:
    all_files(shop)
    assert sorted(ingest(shop)) == ["published", "published", "published", "recognised"]
    assert {place.split(",")[0] for place in kept(shop)} == {"personal.contact"}
    [(canary,)] = shop.fetch("select person_id::text from personal.contact where known_as = 'crm-canary-7'")
    [(other,)] = shop.fetch("select person_id::text from personal.contact where known_as = 'crm-8'")
    [(bird,)] = shop.fetch("select person_id::text from personal.contact where known_as = 'bird@press.example'")
    assert shop.fetch(TOUCHED) == [
        ("2026-05-02", "press", "out", canary, "#1", 15.0, None),
        ("2026-05-02", "press", "out", other, "#2", 15.0, None),
        ("2026-05-05", "press", "in", canary, "#1", None, None),
        ("2026-05-05", f"=press({bird})", "out", None, "#1", 30.0, 20.0),
    ]
    assert shop.fetch("select partner, role, basis, last_consented_on::text from personal.person where role is not null"
                      " order by basis nulls last") == [
        ("press", "editor", "legitimate interest", "2026-04-01"),
        ("press", "editor", None, None),
    ]  # fmt: skip
    assert shop.fetch("select partner, site_domain, kind from raw.raw_outreach__partner order by 1") == [
        ("'); drop table", "x.example", None),
        ("press", "press.example", "guest post"),
    ]
    assert shop.fetch("select day::text, placed_on::text, until::text, rel, price, currency from"
                      " raw.raw_outreach__placement") == [
        ("2026-05-05", "2026-05-09", "2027-05-09", [], 250.0, "EUR")
    ]  # fmt: skip
    assert shop.fetch("select hourly_rate from ops.property order by property_key") == [(60.0,), (None,)]
    assert ingest(shop) == []


def test_the_order_in_which_files_come_changes_nothing(database: str, tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "home", database, PROPERTIES.replace("blog.example", "shop.example"))
    told = "partner,campaign,at,kind,direction,outcome,minutes,touch_id"
    asked = "press,spring,2026-05-02,email,out,none,15,t1"
    files = [
        ("partners.csv", PARTNERS, "2026-06-01T12:00:00+00:00"),
        ("touches.csv", f"{told}\n{asked}\n", "2026-06-02T12:00:00+00:00"),
        ("placements.csv", PLACEMENTS, "2026-06-03T12:00:00+00:00"),
        # What was stated before, otherwise, and what was not.
        ("partners-2.csv", PARTNERS.replace("250", "300"), "2026-06-04T12:00:00+00:00"),
        (
            "touches-2.csv",
            f"{told}\n{asked.replace('15', '20')}\n{asked.replace('t1', 't2')}\n",
            "2026-06-05T12:00:00+00:00",
        ),
        ("placements-2.csv", PLACEMENTS.replace("250", "275"), "2026-06-06T12:00:00+00:00"),
    ]
    for prop, in_order in (("shop", files), ("blog", files[::-1])):
        for name, content, written_at in in_order:
            shop.drop(name, content, written_at, prop=f"{prop}/outreach")
            drop.ingest(shop.wh, "outreach", prop, NIGHT, shop.say)
    for table in ("partner", "touch", "placement"):
        # All that models read; which load a row is of, and its number there, they do not.
        columns = ", ".join(column.name for column in OUTREACH.table(table).columns)
        rows = [
            shop.fetch(f"select {columns} from raw.raw_outreach__{table} where property_key = {key} order by {columns}")
            for key in (1, 2)
        ]
        assert rows[0] == rows[1] != [], table
    prices = shop.fetch("select price from raw.raw_outreach__partner where partner = 'press' order by day")
    assert prices == [(250.0,), (250.0,), (300.0,), (300.0,)]
    assert shop.fetch("select minutes from raw.raw_outreach__touch where touch_id = 't1'") == [(20.0,)] * 2


def test_who_is_erased_is_nowhere_and_comes_back_by_no_file_while_counts_and_sums_stay(shop: Shop) -> None:
    all_files(shop)
    ingest(shop)
    sums = "select day, count(*), sum(minutes), sum(cost), count(*) filter (where direction = 'in') from"
    before = shop.fetch(f"{sums} raw.raw_outreach__touch group by 1 order by 1")
    environment = {**shop.environment, "PGAPPNAME": "test"}
    done = CliRunner().invoke(main, ["erase", "--contact", "Canary.Quill@PRESS.example"], env=environment)
    assert done.exit_code == 0, done.output
    said = done.output.splitlines()
    assert said[0] == "1 person forgotten; the id is gone from 2 rows"
    assert [line.rpartition("/")[2] for line in said[2:]] == ["contacts.csv", "touches.csv"], said
    assert all(str(shop.home / "drop") in line for line in said[2:])
    assert {place.split(",")[0] for place in kept(shop)} == {"personal.contact"}, "the bird is another person"
    assert shop.fetch("select value from personal.contact where kind = 'name'") == [("Other Body",)]
    assert [row[3] is None for row in shop.fetch(TOUCHED)] == [True, False, True, True]
    assert shop.fetch(f"{sums} raw.raw_outreach__touch group by 1 order by 1") == before
    # The ledger's checksums are those of what stands there: reading again finds nothing new.
    assert drop.replay(shop.wh, "outreach", "shop", NIGHT.replace(2026, 5, 1), NIGHT) == ["unchanged"] * 3
    # Erased by an address, refused by the id and the telephone that went with it.
    put(shop, "contacts.csv", CONTACTS.replace("canary.quill@", "new.address@"), "2026-06-03T12:00:00+00:00")
    put(shop, "touches.csv", TOUCHES.replace("15", "16"), "2026-06-03T12:00:00+00:00")
    ingest(shop)
    assert [row[3] is None for row in shop.fetch(TOUCHED)] == [True, False, True, True]
    assert shop.fetch("select count(*) from personal.person") == [(2,)]
    shop.said.clear()
    assert people.erase(shop.wh, "canary.quill@press.example", shop.say, property_name="shop", by="test") != []
    assert shop.said[0] == "0 people forgotten; the id is gone from 0 rows"


def test_a_restored_backup_forgets_again_whom_it_brought_back(shop: Shop) -> None:
    all_files(shop)
    ingest(shop)
    tables = ("personal.person", "personal.contact")
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        for table in tables:
            connection.execute(f"create table public.{table.partition('.')[2]} as select * from {table}")
    people.erase(shop.wh, "crm-canary-7", shop.say, property_name="shop", by="test")
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        connection.execute("truncate ops.erasure")
        for table in tables:
            connection.execute(
                f"insert into {table} select * from public.{table.partition('.')[2]} on conflict do nothing"
            )
    assert people.give_up_people(shop.wh) == 1
    assert shop.fetch("select count(*) from personal.person") == [(2,)]
    assert shop.fetch("select count(*) > 3 from ops.erasure") == [(True,)]
    assert people.give_up_people(shop.wh) == 0


def test_people_are_kept_for_as_long_as_the_property_says_after_their_last_touch(shop: Shop) -> None:
    all_files(shop)
    ingest(shop)
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        connection.execute("update personal.person set seen_at = '2020-01-01'")
    assert people.give_up_people(shop.wh) == 1, "the bird, whom no touch names as a contact"
    assert [row[3] is None for row in shop.fetch(TOUCHED)] == [False, False, False, True]
    properties = shop.home / "properties.yml"
    properties.write_text(PROPERTIES.replace("hourly_rate: 60", "contact_months: 1"))
    assert people.give_up_people(shop.wh) == (2 if NIGHT.isoformat() > "2026-06-06" else 0)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("list.csv", "Canary Quill,canary.quill@press.example\n", "line 1: partners*.csv needs a column 'partner'"),
        (
            "touches.csv",
            TOUCHES.replace("outcome", "remarks of Canary Quill"),
            "1 of its headings touches*.csv has not",
        ),
        (
            "touches.csv",
            TOUCHES.replace("direction,", "").replace("out,", ""),
            "touches*.csv needs a column 'direction'",
        ),
        ("contacts.xlsx", "PK\x03\x04 crm-canary-7", "is a zip or a workbook"),
        ("contacts.csv", "", "is empty"),
    ],
)
def test_a_file_of_no_form_is_kept_nowhere_and_named_without_what_it_says(
    shop: Shop, name: str, content: str, said: str
) -> None:
    put(shop, name, content)
    with pytest.raises(AuditFailedError) as error:
        ingest(shop)
    assert said in str(error.value)
    assert kept(shop) == []
    assert "anary" not in str(error.value) + "".join(shop.said)
    assert ingest_quietly(shop) == [], "it is not read again until it changes"


def ingest_quietly(shop: Shop) -> list[str]:
    shop.said.clear()
    drop.write(shop.wh, "outreach", "shop", NIGHT, shop.say)
    return shop.said


def test_a_file_with_people_in_the_folder_of_exports_is_kept_nowhere(shop: Shop) -> None:
    shop.drop("contacts.csv", CONTACTS)
    with pytest.raises(AuditFailedError, match="put it into the folder outreach/"):
        drop.ingest(shop.wh, "exports", "shop", NIGHT, shop.say)
    assert kept(shop) == []


def test_a_reader_of_contacts_reads_the_people_of_what_is_granted_and_an_analyst_none(shop: Shop) -> None:
    all_files(shop)
    ingest(shop)
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        connection.execute("insert into personal.person (person_id, property_key) values (gen_random_uuid(), 2)")
    names = ("outreach_reader", "outreach_analyst")
    try:
        for name, options in zip(names, (["--contacts"], []), strict=True):
            done = CliRunner().invoke(
                main,
                ["grant", name, "--property", "shop", "--password-stdin", *options],
                env=shop.environment,
                input="secret\n",
            )
            assert done.exit_code == 0, done.output
        with psycopg.connect(make_conninfo(shop.dsn, user=names[0], password="secret"), autocommit=True) as reader:
            assert reader.execute("select distinct property_key from personal.person").fetchall() == [(1,)]
            assert ("crm-canary-7",) in reader.execute("select value from personal.contact").fetchall()
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute("delete from personal.contact")
        with psycopg.connect(make_conninfo(shop.dsn, user=names[1], password="secret"), autocommit=True) as analyst:
            for table in ("personal.person", "personal.contact", "ops.erasure", "personal.erasure_key"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    analyst.execute(f"select from {table}")
        with (
            psycopg.connect(
                make_conninfo(shop.dsn, user="seo_transformer", password=PASSWORDS["transformer"]), autocommit=True
            ) as transformer,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            transformer.execute("select from personal.person")
    finally:
        with psycopg.connect(shop.dsn, autocommit=True) as connection:
            for name in names:
                connection.execute(f"drop owned by {name}")
                connection.execute(f"drop role {name}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("250,EUR,once", "250,XAU,once"), "there are rates of EUR, GBP, USD alone"),
        (lambda text: text.replace("2026-05-09,2027", "2026-05-01,2027"), "agreed_before_placed"),
        (lambda text: text.replace("www.shop.example", "www.else.example"), "target_url_is_of_this_property"),
    ],
)
def test_placements_that_cannot_be_right_are_held(shop: Shop, change: Callable[[str], str], said: str) -> None:
    put(shop, "placements.csv", change(PLACEMENTS))
    with pytest.raises(AuditFailedError, match=said):
        ingest(shop)


def test_a_touch_that_is_to_come_holds_its_file(shop: Shop) -> None:
    put(shop, "touches.csv", TOUCHES.replace("2026-05-05,call", "2027-05-05,call"))
    with pytest.raises(AuditFailedError, match="no_touch_is_ahead"):
        ingest(shop)
