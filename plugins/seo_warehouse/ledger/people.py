"""People: whom files name, and whom they may not name again. The one door to schema `personal`.

Elsewhere a person is a random id. What is erased is remembered as a keyed hash, so that a later file cannot bring it
back and nobody can find out whom it was.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from psycopg import Cursor
from psycopg.rows import TupleRow

from seo_warehouse.errors import MetElsewhereError
from seo_warehouse.ledger.session import Connection, transaction
from seo_warehouse.ledger.turns import hold_row

EVERY_PROPERTY = 0
IDENTITIES = ("id", "email")
"""By which a person is known again; two may share a telephone or a name."""
ERASABLE = (*IDENTITIES, "phone")
LONGEST = 1_000
"""Bytes of a value as it is compared, and letters of one as it is kept."""
_NO_LETTER = ("Cc", "Cf", "Cs", "Co", "Cn")
Erased = set[tuple[int, bytes]]


def plain(kind: str, value: str) -> str:
    """A value as it is compared: without what cannot be seen, in small letters; of a telephone its digits."""
    shown = "".join(c for c in unicodedata.normalize("NFKC", value) if unicodedata.category(c) not in _NO_LETTER)
    text = " ".join(shown.casefold().split()).encode()[:LONGEST].decode(errors="ignore")
    return re.sub(r"[^0-9]", "", text) if kind == "phone" else text


class People:
    """Those of one property. `find` gives each an id, `save` keeps whom it met.

    Two who were met apart and are then said to be one become the later told: the other's id is nobody's any more.
    """

    def __init__(self, conn: Connection, property_key: int) -> None:
        self._conn, self._property_key = conn, property_key
        rows = conn.execute(
            "select kind, known_as, person_id::text from personal.contact where property_key = %s and kind = any(%s)",
            (property_key, list(IDENTITIES)),
        )
        self._ids: dict[tuple[str, str], str] = {(kind, known): person for kind, known, person in rows}
        self._key = _key(conn)
        self._erased = read_erased(conn)
        self._met: dict[str, dict[str, str]] = {}
        self._values: defaultdict[str, dict[tuple[str, str], str]] = defaultdict(dict)
        self._joined: dict[str, str] = {}
        self._lately: list[str] = []

    def find(self, named: Mapping[str, str], about: Mapping[str, str], others: Iterable[str] = ()) -> str | None:
        """The id of whom these values name, by kind; None where none does, or one of them was erased.

        `others`: ids by which the same person was known, of records that were merged into theirs.
        """
        known = {kind: text for kind, value in named.items() if (text := plain(kind, value))}
        merged = {text: value for value in others if (text := plain("id", value))}
        identities = [(kind, known[kind]) for kind in IDENTITIES if kind in known]
        if not identities or self._is_erased(known) or any(self._is_erased({"id": text}) for text in merged):
            return None
        person = next((self._now(self._ids[key]) for key in identities if key in self._ids), None) or str(uuid4())
        for key in identities:
            self._ids.setdefault(key, person)
        self._met.setdefault(person, {}).update({name: text for name, text in about.items() if text})
        for kind, text in known.items():
            self._values[person][kind, text] = _storable(named[kind])
        for text, value in merged.items():
            before = self._now(self._ids.setdefault(("id", text), person))
            if before != person:
                self._join(before, person)
            self._values[person]["id", text] = _storable(value)
        return person

    def _join(self, before: str, person: str) -> None:
        """Whoever was `before` is `person` from now on."""
        self._joined[before] = person
        self._lately.append(before)
        self._met[person] = {**self._met.pop(before, {}), **self._met[person]}
        values = self._values[person]
        for key, value in self._values.pop(before, {}).items():
            values.setdefault(key, value)

    def _now(self, person: str) -> str:
        """Whoever that is now. The way there is shortened, so that a chain of thousands is walked once."""
        passed = []
        while person in self._joined:
            passed.append(person)
            person = self._joined[person]
        for before in passed:
            self._joined[before] = person
        return person

    def use(self, conn: Connection) -> None:
        """Keep them by another connection from now on."""
        self._conn = conn

    def save(self, file_sha256: str) -> None:
        """Keep whom `find` has met, but for those who were erased meanwhile.

        Raises MetElsewhereError, and keeps nobody, where another load has given one of them an id meanwhile.
        """
        with transaction(self._conn), self._conn.cursor() as cursor:
            # An erasure waits until these are kept, and finds them then.
            cursor.execute("lock table ops.erasure in share mode")
            hold_row(self._conn, f"people {self._property_key}")
            self._erased = read_erased(self._conn)
            gone = {person for person, kind, text, _ in self._told() if self._is_erased({kind: text})}
            stated = self._unite(cursor, gone) if self._lately else []
            cursor.executemany(
                """
                insert into personal.person (person_id, property_key, partner, role, basis, last_consented_on)
                values (%s, %s, %s, %s, %s, %s)
                on conflict (person_id) do update set
                    partner = coalesce(excluded.partner, person.partner), role = coalesce(excluded.role, person.role),
                    basis = coalesce(excluded.basis, person.basis),
                    last_consented_on = greatest(excluded.last_consented_on, person.last_consented_on)
                """,
                [
                    (person, self._property_key)
                    + tuple(_stated(about, name) for name in ("partner", "role", "basis", "last_consented_on"))
                    for person, about in self._met.items()
                    if person not in gone
                ],
            )
            cursor.executemany(
                """
                update personal.person set
                    partner = coalesce(partner, %s), role = coalesce(role, %s), basis = coalesce(basis, %s),
                    last_consented_on = greatest(last_consented_on, %s)
                where person_id = %s
                """,
                [row for row in stated if row[-1] not in gone],
            )
            cursor.executemany(
                """
                insert into personal.contact (person_id, property_key, kind, known_as, value, file_sha256)
                values (%s, %s, %s, %s, %s, %s) on conflict do nothing
                """,
                [
                    (person, self._property_key, kind, text, value, file_sha256)
                    for person, kind, text, value in self._told()
                    if person not in gone
                ],
            )
            self._refuse_taken(cursor, gone)
        self._met.clear()
        self._values.clear()
        self._lately.clear()

    def _told(self) -> Iterator[tuple[str, str, str, str]]:
        """Person, kind, value as it is compared and value of all that was met."""
        for person, values in self._values.items():
            for (kind, text), value in values.items():
                yield person, kind, text, value

    def _unite(self, cursor: Cursor[TupleRow], gone: set[str]) -> list[tuple[Any, ...]]:
        """Take what is kept of those who are others now, and forget them. Returns what was stated of each, last whose
        it is now.
        """
        known = cursor.execute(
            """
            delete from personal.contact where person_id = any(%s::uuid[])
            returning person_id::text, kind, known_as, value
            """,
            (self._lately,),
        ).fetchall()
        stated = cursor.execute(
            """
            delete from personal.person where person_id = any(%s::uuid[])
            returning person_id::text, partner, role, basis, last_consented_on
            """,
            (self._lately,),
        ).fetchall()
        places = {before: place for place, before in enumerate(self._lately)}
        for before, kind, text, value in sorted(known, key=lambda row: places[row[0]]):
            person = self._now(before)
            if self._is_erased({kind: text}):
                gone.add(person)
            self._values[person].setdefault((kind, text), value)
        return [(*about, self._now(before)) for before, *about in sorted(stated, key=lambda row: places[row[0]])]

    def _refuse_taken(self, cursor: Cursor[TupleRow], gone: set[str]) -> None:
        ours = [
            (kind, text, person)
            for person, kind, text, _ in self._told()
            if person not in gone and (kind, text) in self._ids and self._now(self._ids[kind, text]) == person
        ]
        taken = cursor.execute(
            """
            select exists (
                select from unnest(%s::text[], %s::text[], %s::uuid[]) as met (kind, known_as, person_id)
                join personal.contact as c using (kind, known_as)
                where c.property_key = %s and c.kind = any(%s) and c.person_id <> met.person_id
            )
            """,
            ([each[0] for each in ours], [each[1] for each in ours], [each[2] for each in ours])
            + (self._property_key, list(IDENTITIES)),
        ).fetchone()
        if taken == (True,):
            raise MetElsewhereError("another load has met the same people meanwhile: run it again")

    def _is_erased(self, known: Mapping[str, str]) -> bool:
        return any(
            (key, _hash(self._key, kind, known[kind])) in self._erased
            for kind in ERASABLE
            if kind in known and self._erased
            for key in (EVERY_PROPERTY, self._property_key)
        )


def living(conn: Connection, property_key: int) -> frozenset[str]:
    """The ids of a property's people."""
    rows = conn.execute("select person_id::text from personal.person where property_key = %s", (property_key,))
    return frozenset(person for (person,) in rows)


def read_erased(conn: Connection) -> Erased:
    """What no file may bring back: properties' keys and hashes."""
    return {(key, bytes(value)) for key, value in conn.execute("select property_key, value_hash from ops.erasure")}


@dataclass(frozen=True)
class Erasure:
    """What an erasure took away: how many people, and all values by which they were known."""

    person_count: int
    values: frozenset[str]


def erase(conn: Connection, sought: str, property_key: int, by: str) -> Erasure:
    """Forget whom an address, telephone or id names, in the caller's transaction; `property_key` 0: in every property.

    What was sought is refused from now on, whoever it named.
    """
    conn.execute("lock table ops.erasure in exclusive mode")
    known = {kind: text for kind in ERASABLE if (text := plain(kind, sought)) and _may_be(kind, sought)}
    found = conn.execute(
        """
        select person_id from personal.contact
        where (kind, known_as) in (select * from unnest(%s::text[], %s::text[])) and %s in (0, property_key)
        union
        select person_id from personal.person where person_id::text = %s and %s in (0, property_key)
        """,
        (list(known), list(known.values()), property_key, sought.strip().lower(), property_key),
    ).fetchall()
    people = [person for (person,) in found]
    rows = conn.execute(
        "select property_key, kind, known_as, value from personal.contact where person_id = any(%s)", (people,)
    ).fetchall()
    key = _key(conn)
    refused = {(property_key, _hash(key, kind, text)) for kind, text in known.items()}
    refused |= {(of, _hash(key, kind, text)) for of, kind, text, _ in rows if kind in ERASABLE}
    refuse(conn, refused, by)
    conn.execute("delete from personal.person where person_id = any(%s)", (people,))
    return Erasure(len(people), frozenset(value for *_, value in rows))


def refuse(conn: Connection, refused: Iterable[tuple[int, bytes]], by: str) -> None:
    """Note what no file may bring back."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into ops.erasure (property_key, value_hash, erased_by) values (%s, %s, %s) on conflict do nothing",
            [(key, value, by) for key, value in sorted(refused)],
        )


def erase_refused(conn: Connection) -> int:
    """Forget everybody whom `ops.erasure` names: after a restore they may be back. Returns how many there were."""
    conn.execute("lock table ops.erasure in exclusive mode")
    key, erased = _key(conn), read_erased(conn)
    if not erased:
        return 0
    rows = conn.execute(
        "select person_id, property_key, kind, known_as from personal.contact where kind = any(%s)", (list(ERASABLE),)
    )
    people = {
        person
        for person, of, kind, text in rows
        if any((at, _hash(key, kind, text)) in erased for at in (EVERY_PROPERTY, of))
    }
    conn.execute("delete from personal.person where person_id = any(%s)", (list(people),))
    return len(people)


def _key(conn: Connection) -> bytes:
    [(key,)] = conn.execute("select key from personal.erasure_key").fetchall()
    return bytes(key)


def _hash(key: bytes, kind: str, known_as: str) -> bytes:
    return hmac.digest(key, f"{kind}\x1f{known_as}".encode(), "sha256")


def _may_be(kind: str, value: str) -> bool:
    """An address is no telephone, though it has digits."""
    return kind != "phone" or not re.search(r"[^\W\d_]|@", value)


def _storable(value: str) -> str:
    return value.strip().replace("\0", "").encode("utf-8", "replace").decode()[:LONGEST]


def _stated(about: Mapping[str, str], name: str) -> Any:
    text = about.get(name)
    if text is None or name != "last_consented_on":
        return text and _storable(text)
    try:
        return datetime.fromisoformat(text.strip()).date()
    except ValueError:
        return None
