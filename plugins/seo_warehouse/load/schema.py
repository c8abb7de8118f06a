"""Schemas, roles, ledgers and raw tables. Everything here may be run again at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

import psycopg
from psycopg import sql

from seo_warehouse.errors import MigrationError
from seo_warehouse.ledger import guests, migrate
from seo_warehouse.ledger.roles import make_roles
from seo_warehouse.ledger.session import step
from seo_warehouse.spec import Column, Source, Table, Type, partition_name

GUESTS_PATIENCE = "2s"
"""How long a migration waits for a reader before analysts are ended."""
MOST_TRIES = 5
SCHEMAS = ("audit", "raw", "ops", "staging", "intermediate", "marts", "plans", "personal")

GRANTS = """
grant seo_transformer, seo_loader to current_user;
grant usage on schema audit, raw, ops to seo_loader;
grant create on schema audit, raw to seo_loader;
grant select, insert, update, delete, truncate on all tables in schema raw, ops to seo_loader;
revoke insert, update, delete, truncate on ops.migration, ops.grant, ops.rekey, ops.ended_session, ops.disavow_decision
    from seo_loader;
grant usage on all sequences in schema ops to seo_loader;
grant usage on schema raw, ops to seo_transformer;
grant select on all tables in schema raw, ops to seo_transformer;
grant create, usage on schema staging, intermediate, marts, plans to seo_transformer;
grant usage on schema intermediate to seo_loader;
grant select on all tables in schema intermediate to seo_loader;
alter default privileges for role seo_transformer in schema intermediate grant select on tables to seo_loader;
grant usage on schema plans to seo_loader;
grant usage on schema marts, plans to seo_reader;
grant select on ops.granted_property, ops.granted_everything to seo_reader;
grant execute on function ops.end_readers to seo_transformer;
grant usage on schema personal to seo_loader, seo_contact_reader;
grant select, insert, update, delete on personal.person, personal.contact to seo_loader;
grant select on personal.erasure_key to seo_loader;
grant select on personal.person, personal.contact to seo_contact_reader;
grant select on ops.granted_property to seo_contact_reader;
grant execute on function ops.held_rows to seo_loader, seo_operator;
grant usage on schema ops to seo_operator;
grant select on all tables in schema ops to seo_operator;
grant seo_reader to seo_analyst;
alter default privileges for role seo_transformer in schema marts revoke select on tables from seo_analyst;
"""
PERSONAL = """
drop policy if exists of_loader on personal.person;
create policy of_loader on personal.person to seo_loader using (true);
drop policy if exists of_property on personal.person;
create policy of_property on personal.person for select to seo_contact_reader
    using (property_key = any (array(select property_key from ops.granted_property)));
drop policy if exists of_loader on personal.contact;
create policy of_loader on personal.contact to seo_loader using (true);
drop policy if exists of_property on personal.contact;
create policy of_property on personal.contact for select to seo_contact_reader
    using (property_key = any (array(select property_key from ops.granted_property)));
"""
"""Who reads people: the loader all, a reader of contacts those of the properties that are granted."""
CLOSE_TO_PUBLIC = """
do $$
begin
    if (select pg_has_role(datdba, 'usage') from pg_database where datname = current_database()) then
        execute format('revoke create, temporary on database %I from public', current_database());
        execute format('grant temporary on database %I to seo_loader, seo_transformer', current_database());
    end if;
    if (select pg_has_role(nspowner, 'usage') from pg_namespace where nspname = 'public') then
        revoke create on schema public from public;
    end if;
end $$
"""
"""As far as the owner may: nothing is made in this database by who may only read.

What else PostgreSQL gives to everybody its superuser takes back (public.sql)."""
GIVE_TO_OWNERS = """
do $$
declare relation record;
begin
    for relation in
        select c.oid::regclass as name, o.owner, c.relkind
        from pg_class as c
        join (values ('audit', 'seo_loader'), ('raw', 'seo_loader'), ('staging', 'seo_transformer'),
                     ('intermediate', 'seo_transformer'), ('marts', 'seo_transformer'),
                     ('plans', 'seo_transformer')) as o (schema, owner)
            on o.schema::regnamespace = c.relnamespace
        where c.relkind in ('r', 'p', 'v', 'm') and c.relowner = current_user::regrole
    loop
        execute format(
            'alter %s %s owner to %s',
            case relation.relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end,
            relation.name, relation.owner
        );
    end loop;
end $$
"""
"""Who writes a schema owns what we made in it: only an owner may add a partition, vacuum or replace."""
OPEN_MARTS = """
do $$
declare mart regclass;
begin
    for mart in
        select oid from pg_class
        where relnamespace in ('marts'::regnamespace, 'plans'::regnamespace) and relkind = 'r' and relrowsecurity
    loop
        execute format('grant select on %s to seo_reader', mart);
    end loop;
end $$;
grant select on all tables in schema plans to seo_loader;
"""
"""What dbt does for each mart and plan that it makes: a backup keeps its policies, but no grants."""


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


def grain_index(table: Table, on: sql.Composable, name: str = "") -> sql.Composed:
    """The statement that makes the unique index of a table's grain, the same on a load in `audit` as in `raw`."""
    named = sql.SQL("if not exists {} ").format(sql.Identifier(name)) if name else sql.SQL("")
    return sql.SQL("create unique index {}on {} (property_key, day, part{}) nulls not distinct").format(
        named, on, grain_key(table)
    )


def prepare(
    connection: psycopg.Connection[Any], sources: tuple[Source, ...], passwords: dict[str, str]
) -> list[migrate.Migration]:
    """Bring a database, empty or of an earlier release, to this one: schemas, ledgers, raw tables, roles and grants.

    The one way in which any of it is made. `connection` is the owner's, in autocommit mode; of two at once one waits.
    Returns the migrations that were applied. Raises MigrationError where the database does not fit this release.
    """
    _check_letters(connection)
    with step(connection, "prepare the warehouse"), migrate.only_one(connection):
        for schema in SCHEMAS:
            connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
        applied: list[migrate.Migration] = []
        _past_guests(connection, lambda: applied.extend(migrate.migrate(connection, migrate.read_migrations())))
        _past_guests(connection, lambda: _complete_all(connection, sources, passwords))
    return applied


def _check_letters(connection: psycopg.Connection[Any]) -> None:
    """Raise MigrationError where small letters are not those that providers and the models mean: MOBILE, NOINDEX."""
    if connection.execute("select lower('I') = 'i'").fetchone() != (True,):
        raise MigrationError(
            "this database's locale has other small letters than English (of I), by which devices and directives would"
            " not be known again: make it with `create database ... template template0 locale 'C.UTF-8'`"
        )


def _complete_all(connection: psycopg.Connection[Any], sources: tuple[Source, ...], passwords: dict[str, str]) -> None:
    with connection.transaction():
        if is_cluster(connection):
            # One connection to a node: what makes a function there goes on in the one that made the tables.
            connection.execute("set local citus.multi_shard_modify_mode to 'sequential'")
        create_raw(connection, sources)
        if is_cluster(connection):
            distribute(connection, sources)
        # After what they read: on Citus the nodes get those of them that they can work out, for the marts' policies.
        connection.execute(files("seo_warehouse.ledger").joinpath("ops_views.sql").read_bytes())
        create_roles(connection, passwords)
        if is_cluster(connection):
            # Policies ask what every node has: each looks into its own.
            connection.execute(
                "alter function ops.granted_properties() set citus.allow_nested_distributed_execution to on"
            )
            # What a model tells the planner is told those of the nodes, which do the planning.
            connection.execute(
                sql.SQL("alter role seo_transformer in database {} set citus.propagate_set_commands = 'local'").format(
                    sql.Identifier(connection.info.dbname)
                )
            )


def _past_guests(connection: psycopg.Connection[Any], change: Callable[[], None]) -> None:
    """Make a change that waits for whoever reads: analysts in a transaction are ended, all others are waited for."""
    for _ in range(MOST_TRIES):
        try:
            with _lock_timeout(connection):
                return change()
        except psycopg.errors.LockNotAvailable:
            guests.end_transactions(connection, "a migration waited for it")
    return change()


@contextmanager
def _lock_timeout(connection: psycopg.Connection[Any]) -> Iterator[None]:
    connection.execute(sql.SQL("set lock_timeout = {}").format(sql.Literal(GUESTS_PATIENCE)))
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("set lock_timeout to default")


def is_cluster(connection: psycopg.Connection[Any]) -> bool:
    """Whether the database is one of Citus, which spreads tables over servers."""
    return connection.execute("select from pg_extension where extname = 'citus'").fetchone() is not None


def distribute(connection: psycopg.Connection[Any], sources: tuple[Source, ...]) -> None:
    """On Citus: a property's rows of every raw table go to one node, and what policies ask for goes to every node.

    The ledgers stay where the loader is, on the coordinator, but for those that builds compare models with. dbt
    distributes what it makes (macros/citus.sql).
    """
    first, *others = (f"raw.{source.raw_name(table)}" for source in sources for table in source.tables)
    compared = connection.execute(_COMPARED).fetchall()
    others += (name for name, is_of_property in compared if is_of_property)
    shared = ["ops.property", "ops.grant", *(name for name, is_of_property in compared if not is_of_property)]
    spread = sql.SQL("select create_distributed_table({}, 'property_key', colocate_with => {})")
    # Beside a table and not by Citus's default, which another number of shards would move.
    calls = {first: spread.format(sql.Literal(first), sql.Literal("none"))}
    calls |= {name: spread.format(sql.Literal(name), sql.Literal(first)) for name in others}
    for name in shared:
        calls[name] = sql.SQL("select create_reference_table({})").format(sql.Literal(name))
    done = {
        name
        for (name,) in connection.execute(
            "select c.relnamespace::regnamespace || '.' || c.relname"
            " from pg_dist_partition as p join pg_class as c on c.oid = p.logicalrelid"
        )
    }
    for name, call in calls.items():
        if name not in done:
            connection.execute(call)


_COMPARED = """
select 'ops.' || c.relname, exists (
    select from pg_attribute as a where a.attrelid = c.oid and a.attname = 'property_key' and not a.attisdropped
)
from pg_class as c
where c.relnamespace = 'ops'::regnamespace and c.relkind = 'r' and starts_with(c.relname, 'modelled_')
"""
"""Ledgers that models compare with their own rows, and whether they are of properties."""


def create_raw(connection: psycopg.Connection[Any], sources: tuple[Source, ...]) -> None:
    """Create the raw table of every table of `sources`, partitioned by month of `day`, with its comments.

    One that is there gets the columns that its spec has gained, if NULL says of older rows that they have none.
    Raises MigrationError for any other difference.
    """
    for source in sources:
        for table in source.tables:
            _create_raw_table(connection, source, table)


def _create_raw_table(connection: psycopg.Connection[Any], source: Source, table: Table) -> None:
    relation = source.raw_name(table)
    name, index = sql.Identifier("raw", relation), sql.Identifier("raw", f"{relation}_grain")
    if _has_table(connection, relation):
        _complete(connection, relation, table)
    connection.execute(
        sql.SQL(
            "create table if not exists {} (property_key integer not null, part text not null default '', {},"
            " load_id bigint not null) partition by range (day)"
        ).format(name, sql.SQL(", ").join(_declared(*column) for column in stored_columns(table.columns)))
    )
    connection.execute(grain_index(table, name, f"{relation}_grain"))
    connection.execute(sql.SQL("comment on index {} is {}").format(index, sql.Literal(_grain(table))))
    connection.execute(sql.SQL("comment on table {} is {}").format(name, sql.Literal(table.description)))
    for column in table.columns:
        connection.execute(
            sql.SQL("comment on column {}.{} is {}").format(
                name, sql.Identifier(column.name), sql.Literal(column.description)
            )
        )


def _declared(name: str, kind: str) -> sql.Composable:
    return sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))


def _grain(table: Table) -> str:
    return ", ".join(("property_key", "part", *table.grain))


def _complete(connection: psycopg.Connection[Any], relation: str, table: Table) -> None:
    """Add the columns that a spec has gained to its table."""
    rows = connection.execute(
        """
        select a.attname, a.atttypid::regtype::text
        from pg_attribute as a
        join pg_class as c on c.oid = a.attrelid
        where c.relnamespace = 'raw'::regnamespace and c.relname = %s and a.attnum > 0 and not a.attisdropped
        """,
        (relation,),
    ).fetchall()
    there = dict(rows)
    grain = connection.execute(
        """
        select obj_description(oid, 'pg_class') from pg_class
        where relnamespace = 'raw'::regnamespace and relname = %s
        """,
        (f"{relation}_grain",),
    ).fetchone()
    if grain and grain[0] not in (None, _grain(table)):
        raise _misfit(relation, f"has one row for each {grain[0]}, and for each {_grain(table)} in this release")
    required = {column.name for column in table.columns if column.required}
    stored = dict(stored_columns(table.columns))
    if lost := sorted(there.keys() - stored.keys() - {"property_key", "part", "load_id"}):
        raise _misfit(relation, f"has {', '.join(lost)}, and this release has not")
    for column, kind in stored.items():
        wanted = _TYPE_NAMES.get(kind, kind)
        if column not in there and column in required:
            raise _misfit(relation, f"lacks {column}, which no row may be without")
        if column in there and there[column] != wanted:
            raise _misfit(relation, f"has {column} as {there[column]}, and this release as {wanted}")
        if column not in there:
            connection.execute(
                sql.SQL("alter table {} add column {}").format(sql.Identifier("raw", relation), _declared(column, kind))
            )


_TYPE_NAMES = {Type.INSTANT.value: "timestamp with time zone"}
"""Types that PostgreSQL calls otherwise than the specs do."""


def _misfit(relation: str, difference: str) -> MigrationError:
    return MigrationError(
        f"raw.{relation} {difference}: only a column that may be empty is added by itself;"
        " a migration must make this change (docs/operating.md#migrations)"
    )


def ensure_partition(connection: psycopg.Connection[Any], relation: str, day: date) -> None:
    """Create the month's partition of `raw.<relation>` that holds `day`, unless it is there.

    Attached rather than created in place, which would wait for every reader of the table and hold up all that follow.
    """
    if has_partition(connection, relation, day):
        return
    with connection.transaction():
        if not _may_attach(connection, relation, day):
            return
        if is_cluster(connection):
            # Else two that attach partitions of tables that lie together wait for each other's shards.
            connection.execute("set local citus.multi_shard_modify_mode to 'sequential'")
        partition = sql.Identifier("raw", partition_name(relation, day))
        connection.execute(
            sql.SQL("create table {} (like {} including defaults)").format(partition, sql.Identifier("raw", relation))
        )
        _attach(connection, relation, day)


def has_partition(connection: psycopg.Connection[Any], relation: str, day: date) -> bool:
    """Whether `raw.<relation>` has the month's partition that holds `day`."""
    return _has_table(connection, partition_name(relation, day))


def attach_load(
    connection: psycopg.Connection[Any], source: Source, table: Table, loaded: sql.Identifier, day: date
) -> bool:
    """Make a load's table in `audit`, its grain's index on it, the partition that holds the month of `day`, all of it.

    False, and nothing is done, where that month is there already or the database is a cluster: rows of a property lie
    on its node. In the caller's transaction; readers of the table are not held up.
    """
    relation = source.raw_name(table)
    # Asked in this order since nearly every load finds its month there.
    if has_partition(connection, relation, day) or is_cluster(connection) or not _may_attach(connection, relation, day):
        return False
    name = partition_name(relation, day)
    connection.execute(
        sql.SQL(
            "alter table {} drop column row_no, drop column unfit, drop column unfit_content,"
            " alter property_key drop default, alter part set default '', alter load_id drop default"
        ).format(loaded)
    )
    connection.execute(sql.SQL("alter table {} rename to {}").format(loaded, sql.Identifier(name)))
    connection.execute(sql.SQL("alter table {} set schema raw").format(sql.Identifier("audit", name)))
    connection.execute(sql.SQL("grant select on {} to seo_transformer").format(sql.Identifier("raw", name)))
    _attach(connection, relation, day)
    return True


def _may_attach(connection: psycopg.Connection[Any], relation: str, day: date) -> bool:
    """Whether the month is not there yet; who hears so is the only one to make it until the transaction ends."""
    if has_partition(connection, relation, day):
        return False
    # What attaching takes anyway: one at a time, beside whoever reads and writes.
    connection.execute(sql.SQL("lock table {} in share update exclusive mode").format(sql.Identifier("raw", relation)))
    return not has_partition(connection, relation, day)


def _attach(connection: psycopg.Connection[Any], relation: str, day: date) -> None:
    first = day.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    connection.execute(
        sql.SQL("alter table {} attach partition {} for values from ({}) to ({})").format(
            sql.Identifier("raw", relation),
            sql.Identifier("raw", partition_name(relation, day)),
            sql.Literal(first),
            sql.Literal(following),
        )
    )


def _has_table(connection: psycopg.Connection[Any], name: str) -> bool:
    found = connection.execute(
        "select 1 from pg_class where relnamespace = 'raw'::regnamespace and relname = %s", (name,)
    ).fetchone()
    return found is not None


def create_roles(connection: psycopg.Connection[Any], passwords: dict[str, str]) -> None:
    """Create or re-key the roles, and give them what is theirs and what they may use."""
    make_roles(connection, passwords)
    connection.execute(GRANTS)
    connection.execute(PERSONAL)
    connection.execute(CLOSE_TO_PUBLIC)
    for (analyst,) in connection.execute("select analyst from ops.guest").fetchall():
        guests.own_login(connection, analyst)
        guests.limit_login(connection, analyst)
    connection.execute(GIVE_TO_OWNERS)
    connection.execute(OPEN_MARTS)
    connection.execute("grant select on all tables in schema raw to seo_transformer")
    connection.execute(
        "alter default privileges for role seo_loader in schema raw grant select on tables to seo_transformer"
    )
