"""The demo's HubSpot as a provider of tests, and people as the ledger knows them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from seo_warehouse.demo.crm import Crm
from seo_warehouse.ledger.people import plain
from tests.sources.provider import Act, Asked, said


class Known:
    """People, in memory."""

    def __init__(self, *erased: str) -> None:
        self.ids: dict[tuple[str, str], str] = {}
        self.erased = set(erased)
        self.told: dict[str, dict[str, str]] = {}

    def find(self, named: Mapping[str, str], about: Mapping[str, str], others: Iterable[str] = ()) -> str | None:
        keys = [(kind, plain(kind, named[kind])) for kind in ("id", "email") if kind in named]
        keys += [("id", plain("id", other)) for other in others]
        if not keys or self.erased.intersection(named.values()):
            return None
        person = next((self.ids[key] for key in keys if key in self.ids), None)
        person = person or f"00000000-0000-4000-8000-{len(self.ids):012d}"
        self.ids |= dict.fromkeys(keys, person)
        self.told.setdefault(person, {}).update({**named, **about})
        return person


def answering(crm: Crm, token: str, now: Callable[[], datetime]) -> Callable[[Asked], Act]:
    """What answers as the account does, to whoever has the token."""

    def answer(asked: Asked) -> Act:
        if asked.headers.get("Authorization") != f"Bearer {token}":
            return said({"status": "error", "category": "INVALID_AUTHENTICATION", "message": "no token"}, status=401)
        parts = urlsplit(asked.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        status, document, headers = crm.answer(asked.method, parts.path, query, json.loads(asked.body or b"{}"), now())
        return said(document, status=status, headers=headers)

    return answer
