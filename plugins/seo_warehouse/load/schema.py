"""Schemas, roles, ledgers and raw tables. Everything here may be run again at any time."""

from __future__ import annotations

from datetime import date, timedelta
from importlib.resources import files
from typing import Any

import psycopg
from psycopg import sql

from seo_warehouse.spec import Column, Source, Table, Type

SCHEMAS = ("audit", "raw", "ops", "staging", "intermediate", "marts")

GRANTS = """
grant usage on schema audit, raw, ops to seo_loader;
grant create on schema audit, raw to seo_loader;
grant select, insert, update, delete, truncate on all tables in schema raw, ops to seo_loader;
grant usage on all sequences in schema ops to seo_loader;
grant usage on schema raw, ops to seo_transformer;
grant select on all tables in schema raw, ops to seo_transformer;
grant create, usage on schema staging, intermediate, marts to seo_transformer;
grant seo_transformer, seo_loader to current_user;
revoke insert, update, delete, truncate on ops.grant from seo_loader;
grant usage on schema marts to seo_reader;
grant select on ops.granted_property to seo_reader;
grant seo_reader to seo_analyst;
alter default privileges for role seo_transformer in schema marts revoke select on tables from seo_analyst;
"""
GIVE_RAW_TO_LOADER = """
do $$
declare relation regclass;
begin
    for relation in
        select c.oid from pg_class as c
        where c.relnamespace = 'raw'::regnamespace and c.relkind in ('r', 'p') and c.relowner <> 'seo_loader'::regrole
    loop
        execute format('alter table %s owner to seo_loader', relation);
    end loop;
end $$
"""
"""Only its owner may add a partition to a table or vacuum it (before PostgreSQL 17)."""
ROLES = ("loader", "transformer", "analyst")
"""Roles that the owner makes; the owner itself is there before us."""
READER = "seo_reader"
"""What every analyst is a member of, and nobody logs in as.

Not `seo_analyst`: whoever is a member of a role may become it (`set role`), and then change its password.
"""


def role_name(role: str) -> str:
    """The database role of `owner`, `loader`, `transformer` or `analyst`."""
    return f"seo_{role}"


def stored_columns(columns: tuple[Column, ...]) -> list[tuple[str, str]]:
    """(name, PostgreSQL type) of each stored column; a URL is stored as three (see spec.Column)."""
    stored: list[tuple[str, str]] = []
    for column in columns:
        if column.type is Type.URL:
            stored += [(column.name, "text"), (f"{column.name}_normalised", "text"), (f"{column.name}_domain", "text")]
        else:
            stored.append((column.name, column.type.value))
    return stored


def grain_key(table: Table) -> sql.Composable:
    """What a unique index takes for the grain beyond `day`, each with a comma before it.

    All texts together are one hash: an index row holds 2,704 bytes, and a URL may be longer; and with five texts, an
    index over one hash is built in a quarter of the time, filled in half and a third as large as one over five.
    https://www.postgresql.org/docs/current/btree.html
    """
    kinds = dict(stored_columns(table.columns))
    texts = [name for name in table.grain if kinds[name] == "text"]
    keys: list[sql.Composable] = [sql.Identifier(name) for name in table.grain if name != "day" and name not in texts]
    if texts:
        # Quoted, so that NULL and any separator within a text mean what they are.
        quoted = (sql.SQL("quote_nullable({})").format(sql.Identifier(name)) for name in texts)
        keys.append(sql.SQL("(md5({})::uuid)").format(sql.SQL(" || ',' || ").join(quoted)))
    return sql.SQL("").join(sql.SQL(", {}").format(key) for key in keys)


def create_raw(connection: psycopg.Connection[Any], sources: tuple[Source, ...]) -> None:
    """Create the raw table of every table of `sources`, partitioned by month of `day`, with its comments."""
    for source in sources:
        for table in source.tables:
            _create_raw_table(connection, source, table)


def _create_raw_table(connection: psycopg.Connection[Any], source: Source, table: Table) -> None:
    name = sql.Identifier("raw", source.raw_name(table))
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind)) for column, kind in stored_columns(table.columns)
    )
    connection.execute(
        sql.SQL(
            "create table if not exists {} (property_key integer not null, part text not null default '', {},"
            " load_id bigint not null) partition by range (day)"
        ).format(name, columns)
    )
    connection.execute(
        sql.SQL("create unique index if not exists {} on {} (property_key, day, part{}) nulls not distinct").format(
            sql.Identifier(f"{source.raw_name(table)}_grain"), name, grain_key(table)
        )
    )
    connection.execute(sql.SQL("comment on table {} is {}").format(name, sql.Literal(table.description)))
    for column in table.columns:
        connection.execute(
            sql.SQL("comment on column {}.{} is {}").format(
                name, sql.Identifier(column.name), sql.Literal(column.description)
            )
        )


def ensure_partition(connection: psycopg.Connection[Any], relation: str, day: date) -> None:
    """Create the month's partition of `raw.<relation>` that holds `day`, unless it is there.

    Attached rather than created in place, which would wait for every reader of the table and hold up all that follow.
    """
    first = day.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    parent, name = sql.Identifier("raw", relation), f"{relation}_{first:%Y_%m}"
    partition = sql.Identifier("raw", name)
    if _has_table(connection, name):
        return
    with connection.transaction():
        connection.execute(
            "select pg_advisory_xact_lock(hashtextextended('seo_warehouse partition ' || %s, 0))", (name,)
        )
        if _has_table(connection, name):
            return
        connection.execute(sql.SQL("create table {} (like {} including defaults)").format(partition, parent))
        connection.execute(
            sql.SQL("alter table {} attach partition {} for values from ({}) to ({})").format(
                parent, partition, sql.Literal(first), sql.Literal(following)
            )
        )


def _has_table(connection: psycopg.Connection[Any], name: str) -> bool:
    found = connection.execute(
        "select 1 from pg_class where relnamespace = 'raw'::regnamespace and relname = %s", (name,)
    ).fetchone()
    return found is not None


def create_ledgers(connection: psycopg.Connection[Any]) -> None:
    """Create schemas, the tables of `ops` and what is computed from them."""
    for schema in SCHEMAS:
        connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
    for name in ("ops.sql", "ops_effect.sql", "ops_views.sql"):
        connection.execute(files("seo_warehouse.load").joinpath(name).read_text(encoding="utf-8"))


def create_roles(connection: psycopg.Connection[Any], passwords: dict[str, str]) -> None:
    """Create or re-key the roles and their grants. `passwords`: role -> password."""
    for role in ROLES:
        name = role_name(role)
        exists = connection.execute("select 1 from pg_roles where rolname = %s", (name,)).fetchone()
        verb = sql.SQL("alter" if exists else "create")
        connection.execute(
            sql.SQL("{} role {} login password {}").format(verb, sql.Identifier(name), sql.Literal(passwords[role]))
        )
    if not connection.execute("select 1 from pg_roles where rolname = %s", (READER,)).fetchone():
        connection.execute(sql.SQL("create role {}").format(sql.Identifier(READER)))
    connection.execute(GRANTS)
    connection.execute(GIVE_RAW_TO_LOADER)
    connection.execute("grant select on all tables in schema raw to seo_transformer")
    connection.execute(
        "alter default privileges for role seo_loader in schema raw grant select on tables to seo_transformer"
    )
