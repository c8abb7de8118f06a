"""People who were met apart and are told to be one."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest

from seo_warehouse.errors import MetElsewhereError
from seo_warehouse.ledger.people import People, erase


def test_who_was_merged_is_one_person_and_forgotten_as_one(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        apart = People(connection, 1)
        first = apart.find({"id": "crm:1", "email": "one@press.example"}, {"role": "editor"})
        second = apart.find({"id": "crm:2", "email": "two@press.example"}, {})
        stranger = apart.find({"id": "crm:9"}, {})
        apart.save("first")
        assert len({first, second, stranger}) == 3

        later = People(connection, 1)
        whole = later.find({"id": "crm:3", "email": "three@press.example"}, {}, ("crm:1", "crm:2", " "))
        assert later.find({"id": "crm:1"}, {}) == later.find({"email": "two@press.example"}, {}) == whole
        later.save("second")
        kept = connection.execute(
            "select person_id::text, array_agg(known_as order by known_as) from personal.contact group by 1 order by 2"
        ).fetchall()
        assert kept == [
            (whole, ["crm:1", "crm:2", "crm:3", "one@press.example", "three@press.example", "two@press.example"]),
            (stranger, ["crm:9"]),
        ]
        assert connection.execute("select count(*) from personal.person").fetchall() == [(2,)]

        with connection.transaction():
            assert erase(connection, "two@press.example", 1, "test").person_count == 1
        again = People(connection, 1)
        assert again.find({"id": "crm:3"}, {}) is None
        assert again.find({"id": "crm:4"}, {}, ("crm:2",)) is None


def test_who_is_joined_twice_in_one_reading_ends_as_one(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        people = People(connection, 1)
        for number in (1, 2, 3):
            people.find({"id": f"crm:{number}"}, {})
        people.find({"id": "crm:2"}, {}, ("crm:1",))
        last = people.find({"id": "crm:3"}, {}, ("crm:2",))
        people.save("file")
        rows = connection.execute("select distinct person_id::text from personal.contact").fetchall()
        assert rows == [(last,)]
        assert connection.execute("select count(*) from personal.contact").fetchall() == [(3,)]


def test_who_was_joined_before_they_were_kept_and_after_is_one_of_them_still(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        people = People(connection, 1)
        people.find({"id": "crm:0", "name": "Quill"}, {"role": "editor"})
        for number in range(1, 200):
            last = people.find({"id": f"crm:{number}"}, {"basis": "consent"}, (f"crm:{number - 1}",))
            if number % 40 == 0:
                people.save("answer")
        assert people.find({"id": "crm:0"}, {}) == people.find({"id": "crm:120"}, {}) == last
        people.save("answer")
        rows = connection.execute("select person_id::text, count(*) from personal.contact group by 1").fetchall()
        assert rows == [(last, 201)], "two hundred numbers and a name"
        assert connection.execute("select person_id::text, basis from personal.person").fetchall() == [
            (last, "consent")
        ]


def test_what_was_stated_of_who_was_merged_is_kept_where_nothing_is_of_the_survivor(database: str) -> None:
    told = ("partner", "role", "basis", "last_consented_on")
    with psycopg.connect(database, autocommit=True) as connection:
        before = People(connection, 1)
        before.find({"id": "crm:1"}, dict(zip(told, ("Press", "editor", "contract", "2026-05-02"), strict=True)))
        before.find({"id": "crm:2"}, {"basis": "consent", "last_consented_on": "2026-06-03"})
        before.find({"id": "crm:3"}, {"role": "owner", "last_consented_on": "2026-04-01"})
        before.save("file")
        later = People(connection, 1)
        survivor = later.find({"id": "crm:3"}, {}, ("crm:2", "crm:1"))
        later.save("answer")
        rows = connection.execute(
            "select person_id::text, partner, role, basis, last_consented_on from personal.person"
        ).fetchall()
        assert rows == [(survivor, "Press", "owner", "consent", date(2026, 6, 3))]


def test_of_two_loads_that_meet_a_person_at_once_the_later_keeps_nobody_until_it_knows(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        one, other = People(connection, 1), People(connection, 1)
        known = one.find({"id": "crm:1", "email": "one@press.example"}, {})
        other.find({"email": "two@press.example"}, {})
        other.find({"id": "crm:1"}, {"role": "editor"})
        one.save("contact")
        with pytest.raises(MetElsewhereError):
            other.save("email")
        assert connection.execute("select person_id::text from personal.person").fetchall() == [(known,)]
        again = People(connection, 1)
        assert again.find({"id": "crm:1"}, {}) == known
        again.save("email")
