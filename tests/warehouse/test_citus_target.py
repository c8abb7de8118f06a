"""What the target `citus` asks of Citus, whose functions a stand-in plays: no Citus is to be had where tests run.

The stand-in notes what is distributed and refuses what Citus refuses then: a key without the property, and a policy
with a subquery.
"""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest

from seo_warehouse.load import schema
from seo_warehouse.sources import SOURCES
from tests.warehouse.world import Warehouse

STAND_IN = """
create table public.pg_dist_partition (logicalrelid regclass, column_name text, colocated_with text);
grant select, insert on public.pg_dist_partition to public;
create function public.distribute(relation regclass, column_name text, colocated_with text) returns void
language plpgsql as $$
begin
    if exists (select from public.pg_dist_partition where logicalrelid = relation) then
        raise 'table % is already distributed', relation;
    end if;
    if column_name is not null and exists (
        select from pg_index as i
        where i.indrelid = relation and i.indisunique
          and (select a.attnum from pg_attribute as a where a.attrelid = relation and a.attname = column_name)
              <> all (i.indkey)
    ) then
        raise 'cannot create constraint on %', relation;
    end if;
    if exists (select from pg_policy where polrelid = relation and polqual::text ~ '{SUBLINK') then
        raise 'cannot create policy: subqueries are not supported in policies on distributed tables';
    end if;
    insert into public.pg_dist_partition values (
        relation, column_name, case colocated_with when 'none' then 'none' else colocated_with::regclass::text end
    );
end $$;
create function public.create_distributed_table(relation regclass, column_name text, colocate_with text) returns void
language sql as 'select public.distribute(relation, column_name, colocate_with)';
create function public.create_reference_table(relation regclass) returns void
language sql as 'select public.distribute(relation, null, null)';
"""
FIRST = "raw.raw_site_crawl__page"
KEPT = {"marts.dim_domain", "marts.dim_domain_current", "marts.fct_domain_authority"}
"""What no policy without a subquery could keep stays on the coordinator."""


ALONE = r"(alter|create policy|grant)\b"
"""Commands that Citus sends on to the nodes, and takes only where each is a text of its own."""


@pytest.fixture(scope="module")
def statements() -> list[str]:
    """What dbt sends to make a cluster's tables, once `cluster` has been made."""
    return []


@pytest.fixture(scope="module")
def cluster(bare_warehouse: Warehouse, statements: list[str]) -> Warehouse:
    """A warehouse whose tables are distributed, as they are made."""
    bare_warehouse.connection.execute(STAND_IN)
    schema.distribute(bare_warehouse.connection, SOURCES)
    statements += _build(bare_warehouse)
    return bare_warehouse


def _build(warehouse: Warehouse) -> list[str]:
    sent: list[str] = []

    def on_event(event: Any) -> None:
        if event.info.name == "SQLQuery":
            sent.append(event.data.sql)

    kinds = ("--resource-type", "seed", "--resource-type", "model")
    done = warehouse.dbt.invoke("build", *kinds, "--target", "citus", on_event=on_event)
    assert done.success, [r.message for r in done.result.results if str(r.status) == "error"]
    return sent


def _commands(text: str) -> list[str]:
    """The commands of a text, without comments and without what stands in quotes."""
    text = re.sub(r"--[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)
    text = re.sub(r"\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'", "''", text, flags=re.DOTALL)
    return [command.strip() for command in text.split(";") if command.strip()]


def _distributed(warehouse: Warehouse) -> dict[str, tuple[str | None, str | None]]:
    rows = warehouse.rows(
        """
        select c.relnamespace::regnamespace || '.' || c.relname as name, p.column_name, p.colocated_with
        from public.pg_dist_partition as p join pg_class as c on c.oid = p.logicalrelid
        """
    )
    return {row["name"]: (row["column_name"], row["colocated_with"]) for row in rows}


def _tables(warehouse: Warehouse) -> dict[str, bool]:
    rows = warehouse.rows(
        """
        select c.relnamespace::regnamespace || '.' || c.relname as name, exists (
            select from pg_attribute as a where a.attrelid = c.oid and a.attname = 'property_key'
        ) as has_property
        from pg_class as c
        where c.relkind in ('r', 'p')
          and (c.relnamespace::regnamespace::text in ('raw', 'intermediate', 'marts', 'plans')
            or c.relnamespace = 'ops'::regnamespace and starts_with(c.relname, 'modelled_'))
        """
    )
    return {row["name"]: row["has_property"] for row in rows}


def test_each_table_is_distributed_by_the_property_beside_the_raw_tables_or_is_on_every_node(
    cluster: Warehouse,
) -> None:
    distributed, tables = _distributed(cluster), _tables(cluster)
    assert distributed.pop("ops.property") == distributed.pop("ops.grant") == (None, None)
    assert distributed.pop(FIRST) == ("property_key", "none")
    assert tables.keys() - distributed.keys() == {FIRST, *KEPT}
    assert {n for n, asked in distributed.items() if asked == ("property_key", FIRST)} == {
        name for name, has_property in tables.items() if has_property and name != FIRST
    }
    assert {asked for asked in distributed.values() if asked != ("property_key", FIRST)} == {(None, None)}


def test_policies_are_such_as_citus_takes_and_what_has_none_is_read_by_nobody(cluster: Warehouse) -> None:
    distributed = _distributed(cluster)
    rows = cluster.rows(
        """
        select c.relnamespace::regnamespace || '.' || c.relname as name,
               p.polqual::text ~ '{SUBLINK' as has_subquery,
               has_table_privilege('seo_reader', c.oid, 'select') as is_open
        from pg_class as c left join pg_policy as p on p.polrelid = c.oid
        where c.relnamespace = 'marts'::regnamespace and c.relkind = 'r'
        """
    )
    assert len(rows) > 15
    assert {row["name"]: (row["has_subquery"], row["is_open"]) for row in rows} == {
        row["name"]: (False, True) if row["name"] in distributed else (None, False) for row in rows
    }


def test_what_changes_a_table_is_sent_by_itself(cluster: Warehouse, statements: list[str]) -> None:
    assert len(_commands("/* a;b */ comment on table t is $x$ a;b $x$; select ';'")) == 2
    assert _commands("create policy p on t; grant select on t to r")[1].startswith("grant")
    texts = [commands for text in statements if len(commands := _commands(text)) > 1]
    assert [command for commands in texts for command in commands if re.match(ALONE, command)] == []
    assert any(command.startswith("create policy") for text in statements for command in _commands(text))


def test_a_night_distributes_what_it_makes_anew_and_nothing_twice(cluster: Warehouse) -> None:
    tables = set(_tables(cluster))
    schema.distribute(cluster.connection, SOURCES)
    _build(cluster)
    assert set(_tables(cluster)) == tables
    assert _distributed(cluster).keys() == (tables | {"ops.property", "ops.grant"}) - KEPT


def test_a_server_without_the_extension_is_no_cluster(database: str) -> None:
    with psycopg.connect(database) as connection:
        assert not schema.is_cluster(connection)
