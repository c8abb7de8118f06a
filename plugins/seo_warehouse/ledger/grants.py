"""Who reads which property's rows in the marts: `ops.grant`, and the login roles that it names.

Every function here works in the caller's transaction, as the warehouse's owner.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from seo_warehouse.errors import ConfigError
from seo_warehouse.ledger.guests import limit_login, own_login
from seo_warehouse.ledger.roles import CONTACT_READER, READER, ROLES, role_name, scrambled
from seo_warehouse.ledger.session import Connection

EVERY_NAME, EVERY_KEY = "all", 0
"""Stands for every property, those to come too."""
ANALYST = role_name("analyst")
LONGEST_NAME = 63
"""Bytes of a role's name: PostgreSQL cuts off the rest."""
OURS = [role_name(role) for role in ("owner", *ROLES)]

ROLE = """
select rolcanlogin, pg_has_role(r.oid, %(reader)s, 'member') as is_reader,
       rolsuper or rolbypassrls or rolcreaterole
       or exists (
           select from pg_roles as o
           where pg_has_role(r.oid, o.oid, 'member')
             and (o.rolname = current_user or (o.rolname = any (%(ours)s) and o.oid <> r.oid))
       ) as is_unbound
from pg_roles as r where rolname = %(name)s
"""
GRANTS = """
select g.analyst, coalesce(p.property_name, case g.property_key when 0 then 'all' else g.property_key::text end),
       g.granted_at, g.granted_by, r.oid is not null
from ops.grant as g
left join ops.property as p using (property_key)
left join pg_roles as r on r.rolname = g.analyst
where %(analyst)s::text is null or g.analyst = %(analyst)s
order by 1, g.property_key
"""


@dataclass(frozen=True)
class Grant:
    """A line of `ops.grant`; `has_role` is false where the login role has been dropped since."""

    analyst: str
    property_name: str
    granted_at: datetime
    granted_by: str
    has_role: bool


def read_grants(conn: Connection, analyst: str | None = None) -> list[Grant]:
    """What is granted to everybody, or to one analyst."""
    return [Grant(*row) for row in conn.execute(GRANTS, {"analyst": analyst}).fetchall()]


def hidden_keys(conn: Connection, analyst: str) -> set[int]:
    """Keys of the properties whose rows an analyst does not read; 0 among them where it does not read all together."""
    rows = conn.execute(
        """
        select property_key from (select property_key from ops.property union select 0) as p
        where property_key not in (select property_key from ops.analyst_property where analyst = %s)
        """,
        (analyst,),
    ).fetchall()
    return {key for (key,) in rows}


def property_key(conn: Connection, name: str) -> int:
    """Key of a property by name, an active one before one that was removed. Raises ConfigError with the names."""
    if name == EVERY_NAME:
        return EVERY_KEY
    rows = conn.execute(
        "select property_name, property_key from ops.property order by is_active, property_key desc"
    ).fetchall()
    keys = dict(rows)
    if name not in keys:
        raise ConfigError(f"no property {name!r}; there are: {', '.join(sorted(keys)) or 'none'}; or {EVERY_NAME}")
    return int(keys[name])


def has_login(conn: Connection, analyst: str) -> bool:
    """Whether the login role is there. Raises ConfigError for one that can be no analyst."""
    if (
        analyst in {*OURS, READER, CONTACT_READER} - {ANALYST}
        or analyst.startswith("pg_")
        or analyst in ("public", "none")
    ):
        raise ConfigError(f"{analyst} is no analyst: give the name of a login role")
    if not 0 < len(analyst.encode()) <= LONGEST_NAME or not analyst.isprintable():
        raise ConfigError(f"{analyst!r} cannot be a role: give 1 to {LONGEST_NAME} printable characters")
    row = conn.execute(ROLE, {"name": analyst, "reader": READER, "ours": OURS}).fetchone()
    if row is None:
        return False
    can_login, _, is_unbound = row
    if is_unbound:
        raise ConfigError(f"{analyst} reads every row whatever is granted: give a role of less power")
    if not can_login:
        raise ConfigError(f"{analyst} cannot log in, and what is granted to a group is not its members'")
    return True


def make_login(conn: Connection, analyst: str, password: str) -> None:
    """Create an analyst's login role."""
    conn.execute(
        sql.SQL("create role {} login password {}").format(
            sql.Identifier(analyst), sql.Literal(scrambled(conn, analyst, password))
        )
    )


def grant(conn: Connection, analyst: str, key: int, *, by: str) -> bool:
    """Let a login role read a property's rows. Returns whether that is new."""
    row = conn.execute(ROLE, {"name": analyst, "reader": READER, "ours": OURS}).fetchone()
    if row is None:
        raise ConfigError(f"there is no role {analyst}")
    if not row[1]:
        # What somebody of that name was granted before is not this one's.
        conn.execute("delete from ops.grant where analyst = %s", (analyst,))
        conn.execute(sql.SQL("grant {} to {}").format(sql.Identifier(READER), sql.Identifier(analyst)))
    own_login(conn, analyst)
    limit_login(conn, analyst)
    done = conn.execute(
        "insert into ops.grant (analyst, property_key, granted_by) values (%s, %s, %s) on conflict do nothing",
        (analyst, key, by),
    )
    return done.rowcount == 1


def open_contacts(conn: Connection, analyst: str) -> None:
    """Let a login role also read the people behind partners, of the properties that it is granted."""
    conn.execute(sql.SQL("grant {} to {}").format(sql.Identifier(CONTACT_READER), sql.Identifier(analyst)))


def revoke(conn: Connection, analyst: str, name: str) -> bool:
    """Take back what is granted of the properties of a name, removed ones too.

    Returns whether there was a grant. Raises ConfigError where another one covers it.
    """
    key = property_key(conn, name)
    held = {row[0] for row in conn.execute("select property_key from ops.grant where analyst = %s", (analyst,))}
    if key != EVERY_KEY and EVERY_KEY in held:
        raise ConfigError(
            f"{analyst} is granted all properties: grant those that it shall keep, then revoke `{EVERY_NAME}`"
        )
    if not held and not has_login(conn, analyst):
        raise ConfigError(f"there is no role {analyst}, and nothing is granted to one of that name")
    done = conn.execute(
        "delete from ops.grant where analyst = %s and (property_key = %s or property_key in"
        " (select property_key from ops.property where property_name = %s))",
        (analyst, key, name),
    )
    return done.rowcount > 0
