"""Grants: an administrator lets an analyst read a property, or no longer."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg

from seo_warehouse.errors import ConfigError
from seo_warehouse.ledger import grants, guests, migrate
from seo_warehouse.ledger.session import Connection
from seo_warehouse.steps.warehouse import Warehouse
from seo_warehouse.terminal import say_table

Say = Callable[[str], None]
PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*")


def say_grants(wh: Warehouse, say: Say, analyst: str | None = None) -> None:
    """Say who reads which property: everybody, or one analyst."""
    with wh.connect("owner") as connection:
        found = grants.read_grants(connection, analyst)
    rows = [
        (
            g.analyst,
            g.property_name,
            f"{g.granted_at:%Y-%m-%d}",
            g.granted_by + ("" if g.has_role else "; no such role"),
        )
        for g in found
    ]
    say_table(("analyst", "property", "since", "granted by"), rows, say)


def grant(
    wh: Warehouse,
    analyst: str,
    property_name: str,
    say: Say,
    *,
    by: str,
    password: str | None = None,
    may_be_odd: bool = False,
    with_contacts: bool = False,
) -> None:
    """Let an analyst read a property's rows; make the login role where there is none.

    `with_contacts`: and the people behind partners, of all that it is granted.
    Without a `password` one is made up and said, once. `may_be_odd`: the name is meant, although SQL has to quote it.
    Raises ConfigError.
    """
    with _changing(wh) as connection:
        key = grants.property_key(connection, property_name)
        is_new = not grants.has_login(connection, analyst)
        chosen = password or secrets.token_urlsafe(18)
        if is_new and not may_be_odd and not PLAIN_NAME.fullmatch(analyst):
            raise ConfigError(
                f"there is no login role {analyst!r}, and as a new name it is odd: SQL has to quote it everywhere. Give"
                " one of small letters, digits and _, or say --odd-name where it is meant"
            )
        if is_new:
            grants.make_login(connection, analyst, chosen)
        elif password:
            raise ConfigError(f"{analyst} is there already: its password is changed with `\\password` in psql")
        is_granted = grants.grant(connection, analyst, key, by=by)
        if with_contacts:
            grants.open_contacts(connection, analyst)
    if is_new:
        say(f"made the login role {analyst}" + ("" if password else "; shown this once:"))
        if not password:
            say(_address(wh, analyst, chosen))
    say(f"{analyst} reads {property_name}" + ("" if is_granted else " already"))
    if with_contacts:
        say(f"{analyst} reads the people of what it is granted")


def revoke(wh: Warehouse, analyst: str, property_name: str, say: Say) -> None:
    """Let an analyst no longer read a property's rows; its sessions end, its login stays. Raises ConfigError."""
    with _changing(wh) as connection:
        was_granted = grants.revoke(connection, analyst, property_name)
    say(f"{analyst} " + ("no longer reads " if was_granted else "was not granted ") + property_name)
    if was_granted:
        # After the commit: a session that is begun anew finds the grant gone.
        with wh.connect("owner", autocommit=True) as connection:
            left = guests.end_sessions(connection, [analyst], f"{property_name} was revoked")
        if left:
            say("its open sessions are not ours to end: what a transaction of theirs has begun to read it reads on")


def end_overlong_sessions(wh: Warehouse) -> int:
    """End the sessions of analysts that are over their limits or in the way. Returns how many there were."""
    with wh.connect("owner", autocommit=True) as connection:
        return guests.end_overlong(connection)


@contextmanager
def _changing(wh: Warehouse) -> Iterator[Connection]:
    try:
        with (
            wh.connect("owner", autocommit=True) as connection,
            migrate.only_one(connection),
            connection.transaction(),
        ):
            yield connection
    except psycopg.errors.InsufficientPrivilege as error:
        raise ConfigError(f"the warehouse's owner may not do that: {error.diag.message_primary}") from None


def _address(wh: Warehouse, analyst: str, password: str) -> str:
    parts = urlsplit(wh.dsn("analyst"))
    login = f"{quote(analyst, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc.rpartition('@')[2]}"))
