"""The ledgers are made in one way, from nothing as from an older database."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.errors import MigrationError
from seo_warehouse.ledger import migrate
from seo_warehouse.ledger.migrate import Migration, only_one, read_migrations
from seo_warehouse.load.schema import create_raw, ensure_partition, prepare
from seo_warehouse.sources import SOURCES
from seo_warehouse.spec import Column, Type
from tests.conftest import PASSWORDS
from tests.load.loading import DAY, fetch, make_source, make_table

OLDER = Path(__file__).parent / "dumps" / "before_migrations.sql"
CATALOG = """
select 'column', c.oid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text,
       a.attidentity::text, pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
from pg_class as c
join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
where c.relnamespace = any('{ops,raw}'::regnamespace[]) and c.relkind in ('r', 'p', 'v') and not c.relispartition
union all
select 'relation', c.oid::regclass::text, c.relkind::text, obj_description(c.oid), pg_get_partkeydef(c.oid),
       (select string_agg(item::text, ' ' order by item::text) from unnest(c.relacl) as item), r.rolname,
       case c.relkind when 'v' then pg_get_viewdef(c.oid) when 'i' then pg_get_indexdef(c.oid)
                      when 'I' then pg_get_indexdef(c.oid) end
from pg_class as c join pg_roles as r on r.oid = c.relowner
where c.relnamespace = any('{ops,raw}'::regnamespace[]) and not c.relispartition
union all
select 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(pg_constraint.oid), null, null, null, null
from pg_constraint join pg_class as c on c.oid = conrelid
where connamespace = any('{ops,raw}'::regnamespace[]) and not c.relispartition
union all
select 'function', oid::regprocedure::text, prosrc, obj_description(oid), null, null, null, null
from pg_proc where pronamespace = 'ops'::regnamespace
order by 1, 2, 3, 4
"""


@pytest.fixture
def empty(postgres: Postgres) -> Iterator[str]:
    """Superuser DSN of a database with nothing in it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute(f"create database {name}")
    yield postgres.dsn(name)
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


def test_an_older_database_becomes_what_a_new_one_is_and_keeps_its_rows(database: str, empty: str) -> None:
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute(OLDER.read_bytes())
    with psycopg.connect(empty, autocommit=True) as old, psycopg.connect(database, autocommit=True) as new:
        # As it was before there were backfills, snapshots' calendars and releases by a person.
        old.execute(
            """
            alter table ops.load drop constraint load_purpose_check;
            alter table ops.load add constraint load_purpose_check check (purpose in ('night', 'history', 'replay'));
            drop view ops.completeness; drop function ops.completeness_at; drop view ops.restatement;
            alter table ops.source_table drop column kept_months;
            drop table ops.quality_decision;
            """
        )
        before = _rows(old)
        prepare(old, SOURCES, PASSWORDS)
        assert fetch(old, CATALOG) == fetch(new, CATALOG)
        applied = [(migration.number, migration.name, migration.checksum) for migration in read_migrations()]
        for connection in (old, new):
            assert fetch(connection, "select number, name, checksum from ops.migration order by 1") == applied
        assert _rows(old) == before
        assert fetch(old, "select state from ops.completeness_at('2026-11-06 12:00+00') where day = '2026-11-03'") == [
            ("provisional",)
        ]
        prepare(old, SOURCES, PASSWORDS)
        assert fetch(old, CATALOG) == fetch(new, CATALOG)


def _rows(connection: psycopg.Connection[tuple[object, ...]]) -> list[list[tuple[object, ...]]]:
    return [
        fetch(connection, f"select {columns} from {table} order by 1")
        for table, columns in (
            ("ops.load", "load_id, state, checksum, read_at"),
            ("ops.publication", "publication_id, day, row_count, totals, is_current"),
            ("ops.build_day", "build_id, publication_id, day"),
            ("ops.verdict", "load_id, rule, reason"),
            ("raw.raw_search_console__property_total", "day, clicks, load_id"),
        )
    ]


def test_migrations_are_numbered_without_a_gap() -> None:
    numbers = [migration.number for migration in read_migrations()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_of_two_migrations_at_once_one_waits_and_finds_it_done(empty: str) -> None:
    done: list[list[str]] = []
    slow = (Migration(1, "slow", "select pg_sleep(0.3); create table ops.made_once ()"),)

    def run() -> None:
        with psycopg.connect(empty, autocommit=True) as connection, only_one(connection):
            done.append([str(migration) for migration in migrate.migrate(connection, slow)])

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [[], ["0001_slow"]]


def test_a_migration_that_fails_leaves_nothing_and_the_ones_before_it(empty: str) -> None:
    good = Migration(1, "good", "create table ops.good ()")
    bad = Migration(2, "bad", "create table ops.half (); select 1 / 0")
    with psycopg.connect(empty, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.DivisionByZero), only_one(connection):
            migrate.migrate(connection, (good, bad))
        assert fetch(connection, "select name from ops.migration") == [("good",)]
        assert fetch(connection, "select to_regclass('ops.half')") == [(None,)]
        mended = replace(bad, text="create table ops.half ()")
        with only_one(connection):
            assert migrate.migrate(connection, (good, mended)) == [mended]


def test_a_database_of_a_newer_release_is_refused_untouched(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("insert into ops.migration (number, name, checksum) values (9000, 'from_the_future', 'x')")
        before = fetch(connection, CATALOG)
        with pytest.raises(MigrationError, match=r"9000_from_the_future.*install the release that made it"):
            prepare(connection, SOURCES, PASSWORDS)
        assert fetch(connection, CATALOG) == before


def test_a_file_that_was_applied_and_changed_is_refused(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("update ops.migration set checksum = 'other' where number = 1")
        with pytest.raises(MigrationError, match=r"0001_ledgers.*put back the file"):
            prepare(connection, SOURCES, PASSWORDS)


def test_the_loader_cannot_rewrite_what_was_applied(database: str) -> None:
    loader = database.replace("postgres:test-superuser@", "seo_loader:test-loader@")
    with psycopg.connect(loader) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("delete from ops.migration")


def test_a_raw_table_gains_the_column_that_its_spec_gained(database: str) -> None:
    table = make_table()
    wider = make_table(
        columns=(*table.columns, Column(name="seen_from", type=Type.URL, description="Where it was seen."))
    )
    with psycopg.connect(database, autocommit=True) as connection:
        create_raw(connection, (make_source(table),))
        ensure_partition(connection, "raw_made_up__hit", DAY)
        connection.execute(
            "insert into raw.raw_made_up__hit (property_key, day, url, device, load_id) values (1, %s, 'u', 'd', 1)",
            (DAY,),
        )
        create_raw(connection, (make_source(wider),))
        assert fetch(
            connection, "select url, seen_from, seen_from_normalised, seen_from_domain from raw.raw_made_up__hit"
        ) == [("u", None, None, None)]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("required", "lacks seen_from, which no row may be without"),
        ("lost", "has country, and this release has not"),
        ("type", "has visits as integer, and this release as bigint"),
        ("grain", "has one row for each .*, url, device, and for each .*, url in this release"),
    ],
)
def test_any_other_change_of_a_spec_is_refused_with_a_sentence(database: str, change: str, sentence: str) -> None:
    table = make_table()
    columns = {column.name: column for column in table.columns}
    changed = {
        "required": make_table(
            columns=(*table.columns, Column(name="seen_from", type=Type.TEXT, description="From.", required=True))
        ),
        "lost": make_table(columns=table.columns[:-1], row_rules=()),
        "type": make_table(
            columns=tuple((columns | {"visits": replace(columns["visits"], type=Type.BIGINT)}).values())
        ),
        "grain": make_table(grain=("day", "url")),
    }[change]
    with psycopg.connect(database, autocommit=True) as connection:
        create_raw(connection, (make_source(table),))
        with pytest.raises(MigrationError, match=rf"raw\.raw_made_up__hit {sentence}.*migration must make this change"):
            create_raw(connection, (make_source(changed),))
