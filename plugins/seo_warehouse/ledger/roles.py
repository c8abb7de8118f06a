"""The database roles of the warehouse, and their passwords."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

ROLES = ("loader", "transformer", "analyst", "operator")
"""Roles that the owner makes; the owner itself is there before us."""
READER = "seo_reader"
"""What every analyst is a member of, and nobody logs in as.

Not `seo_analyst`: whoever is a member of a role may become it (`set role`), and then change its password.
"""
CONTACT_READER = "seo_contact_reader"
"""What an analyst is made a member of who may also read the people behind partners, of the properties granted."""


def role_name(role: str) -> str:
    """The database role of `owner`, `loader`, `transformer`, `analyst` or `operator`."""
    return f"seo_{role}"


def scrambled(connection: psycopg.Connection[Any], role: str, password: str) -> str:
    """A password as PostgreSQL stores it: statements are seen by whoever may read the server's log."""
    return connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()


def make_roles(connection: psycopg.Connection[Any], passwords: dict[str, str]) -> None:
    """Create or re-key the roles. `passwords`: role -> password."""
    for role in ROLES:
        name = role_name(role)
        exists = connection.execute("select 1 from pg_roles where rolname = %s", (name,)).fetchone()
        verb = sql.SQL("alter" if exists else "create")
        connection.execute(
            sql.SQL("{} role {} login password {}").format(
                verb, sql.Identifier(name), sql.Literal(scrambled(connection, name, passwords[role]))
            )
        )
    for group in (READER, CONTACT_READER):
        if not connection.execute("select 1 from pg_roles where rolname = %s", (group,)).fetchone():
            connection.execute(sql.SQL("create role {}").format(sql.Identifier(group)))
