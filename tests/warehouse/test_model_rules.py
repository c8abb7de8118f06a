"""Every model keeps to what a distributed PostgreSQL can run and to the house's structure.

Read from the compiled SQL and the manifest. What fails on Citus is not used: MERGE, GROUPING SETS, recursive CTEs,
joins of distributed tables without the distribution column. Nothing newer than PostgreSQL 15 is either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.warehouse.sql_joins import Join, cte_reads, joins, without_comments
from tests.warehouse.world import Dbt, Warehouse

FORBIDDEN = {
    "merge": r"\bmerge\s+into\b",
    "grouping sets": r"\bgrouping\s+sets\b|\b(rollup|cube)\s*\(",
    "recursive CTE": r"\bwith\s+recursive\b",
    # Each is newer than PostgreSQL 15.
    "PostgreSQL 16": r"\b(any_value|array_sample|array_shuffle|random_normal|date_add|date_subtract|system_user)\b"
    r"|\bis\s+json\b|\bjson_(array|object)(agg)?\s*\(|\b\d+_\d+\b|\b0[xob][0-9a-f]+\b",
    "PostgreSQL 17": r"\bjson_(table|exists|query|value|scalar|serialize)\b|\bto_(bin|oct)\b|\bunicode_assigned\b",
    "PostgreSQL 18": r"\b(uuidv7|uuidv4|casefold|array_sort|array_reverse|crc32c?|reverse_bytes)\s*\(|\bvirtual\b",
}
REFERENCE_TABLES = {
    "dim_date": "a calendar",
    "countries": "a seed",
    "dim_domain": "a domain's authority is the same for every property",
    "dim_google_update": "an update of Google's concerns every property",
    "google_updates": "a seed",
    "int_link__keep_updates": "a copy of dim_google_update",
    "link_windows": "a seed",
    "click_curve": "a seed",
    "int_effect__list_samples": "made of the seed of windows",
    "link_witness_cadences": "a seed",
}
"""Tables without property_key, copied to every node; joins with them need none."""
NOT_BY_THEIR_PROPERTY = {
    "dim_date": ("open", "a calendar, with Google's updates on it"),
    "dim_google_update": ("open", "what Google tells everybody"),
    "dim_domain": ("linked_domains", "a domain is of every property that it links to"),
}
"""Marts whose rows are kept from analysts otherwise than by their property_key: how, and why."""
PREFIXES = {
    "staging": r"stg_[a-z_]+?__[a-z_]+",
    "intermediate": r"int_[a-z]+__[a-z_]+",
    "marts": r"(dim|fct|rpt)_[a-z_]+",
}


@pytest.fixture(scope="module")
def compiled(warehouse: Warehouse) -> dict[str, str]:
    """Every model's SQL twice: as it makes a new table, and as it rebuilds the days of build 1."""
    made = warehouse.dbt.invoke("build", "--resource-type", "seed", "--resource-type", "model")
    assert made.success, [r.message for r in made.result.results if str(r.status) == "error"]
    results = [r for r in made.result.results if r.node.resource_type == "model"]
    texts = {f"{r.node.name} (new)": r.node.compiled_code for r in results}
    again = warehouse.dbt.invoke("compile", "--select", "config.materialized:incremental", build_id=1)
    assert again.success, again.exception
    return texts | {f"{r.node.name} (claimed)": r.node.compiled_code for r in again.result.results}


@pytest.fixture(scope="module")
def models(dbt: Dbt) -> dict[str, Any]:
    """Every model of the manifest."""
    found = {n.name: n for n in dbt.parsed().nodes.values() if n.resource_type == "model"}
    assert found
    return found


def _layer(model: Any) -> str:
    return str(model.fqn[1])


@pytest.mark.parametrize("rule", FORBIDDEN)
def test_no_model_uses_what_fails_elsewhere(compiled: dict[str, str], rule: str) -> None:
    broken = {
        name: match.group()
        for name, text in compiled.items()
        if (match := re.search(FORBIDDEN[rule], without_comments(text), re.IGNORECASE))
    }
    assert not broken


def test_every_join_of_facts_is_by_property(compiled: dict[str, str]) -> None:
    broken = [f"{name}: {join}" for name, text in compiled.items() for join in _joins_without_property(name, text)]
    assert not broken


def test_a_join_without_the_property_is_seen() -> None:
    sql = "with a as (select 1) select * from a left join b on b.property_key = a.property_key left join c on c.x = a.x"
    assert [join.table for join in joins(sql) if not join.has("property_key")] == ["c"]


def _joins_without_property(name: str, text: str) -> Iterator[Join]:
    if name.split()[0] in REFERENCE_TABLES:
        return
    for join in joins(text):
        if not (join.is_of_rows_at_hand or join.has("property_key") or _is_reference(text, join.table)):
            yield join


def _is_reference(text: str, table: str) -> bool:
    if table in REFERENCE_TABLES:
        return True
    read = cte_reads(text, table)
    return bool(read) and read <= REFERENCE_TABLES.keys()


def test_every_fact_has_the_property_first_in_its_key(models: dict[str, Any]) -> None:
    keys = {
        name: [column for c in model.constraints if c.type == "primary_key" for column in c.columns]
        for name, model in models.items()
        if _layer(model) == "marts"
    }
    assert [name for name, key in keys.items() if not key] == []
    assert {name for name, key in keys.items() if key[0] != "property_key"} == REFERENCE_TABLES.keys() & keys


def test_every_mart_is_contracted_and_described(models: dict[str, Any]) -> None:
    marts = [model for model in models.values() if _layer(model) == "marts"]
    assert [m.name for m in marts if not m.config.contract.enforced] == []
    assert [m.name for m in marts if not m.config.persist_docs.get("columns")] == []
    assert [f"{m.name}.{c.name}" for m in marts for c in m.columns.values() if not c.description] == []


def test_every_model_has_a_yml_of_its_own_with_a_description(models: dict[str, Any]) -> None:
    assert [n for n, m in models.items() if not re.match(r"(One|Each|No) row|One ", m.description)] == []
    beside = {n: m.original_file_path[:-3] + "yml" for n, m in models.items()}
    assert [n for n, m in models.items() if not m.patch_path or m.patch_path.split("://")[1] != beside[n]] == []


def test_every_column_is_described_and_no_other(
    warehouse: Warehouse, compiled: dict[str, str], models: dict[str, Any]
) -> None:
    assert compiled, "the models are there"
    actual: dict[str, set[str]] = {}
    for row in warehouse.rows(
        "select table_name, column_name from information_schema.columns"
        " where table_schema in ('staging', 'intermediate', 'marts')"
    ):
        actual.setdefault(row["table_name"], set()).add(row["column_name"])
    wrong = {n: actual[n] ^ set(m.columns) for n, m in models.items() if actual[n] != set(m.columns)}
    assert not wrong


def test_every_mart_keeps_the_rows_of_each_property_to_who_may_read_them(
    warehouse: Warehouse, compiled: dict[str, str], models: dict[str, Any]
) -> None:
    assert compiled, "the models are there"
    marts = {name for name, model in models.items() if _layer(model) == "marts"}
    _expect_policies(warehouse, marts)
    warehouse.dbt("run", "--select", "marts", "--full-refresh")
    _expect_policies(warehouse, marts)


def _expect_policies(warehouse: Warehouse, marts: set[str]) -> None:
    rows = warehouse.rows(
        """
        select c.relname, c.relkind::text, c.relrowsecurity, c.reloptions,
               array(
                   select p.polname || ' of ' || p.polcmd::text || ' to '
                          || array(select unnest(p.polroles)::regrole)::text
                   from pg_policy as p where p.polrelid = c.oid
               ) as policies,
               array(select a.grantee::regrole::text || ' ' || a.privilege_type
                     from aclexplode(c.relacl) as a where a.grantee <> c.relowner) as privileges
        from pg_class as c where c.relnamespace = 'marts'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
        """
    )
    assert {row["relname"] for row in rows} == marts
    for row in rows:
        assert row["privileges"] == ["seo_reader SELECT"], row
        if row["relkind"] == "v":
            assert "security_invoker=true" in (row["reloptions"] or []), row
        else:
            rule = NOT_BY_THEIR_PROPERTY.get(row["relname"], ("of_property", ""))[0]
            assert (row["relkind"], row["relrowsecurity"]) == ("r", True), row
            assert row["policies"] == [f"{rule} of r to {{seo_reader}}"], row


def test_names_follow_the_grammar(models: dict[str, Any]) -> None:
    assert [n for n, m in models.items() if not re.fullmatch(PREFIXES[_layer(m)], n)] == []
    assert [n for n, m in models.items() if m.schema != _layer(m)] == []


def test_staging_reads_one_source_table_and_nothing_else_reads_any(models: dict[str, Any]) -> None:
    claims = {("ops", "publication"), ("ops", "build_day")}
    for name, model in models.items():
        sources = {tuple(source) for source in model.sources}
        if _layer(model) == "staging":
            assert len(sources) == 1, name
            assert not model.refs, name
            assert not joins(model.raw_code), name
        else:
            assert sources <= claims, name


def test_every_incremental_model_appends_to_days_it_cleared(models: dict[str, Any]) -> None:
    for name, model in models.items():
        if model.config.materialized == "incremental":
            assert model.config.incremental_strategy == "append", name
            meta = model.config.meta
            clears_otherwise = any(re.search(r"\breplace_(?!claimed_days)", hook.sql) for hook in model.config.pre_hook)
            assert meta.get("claims") or meta.get("is_append_only") or clears_otherwise, name


def test_every_mart_is_shown_somewhere(dbt: Dbt, models: dict[str, Any]) -> None:
    shown = {node for exposure in dbt.parsed().exposures.values() for node in exposure.depends_on.nodes}
    assert [n for n, m in models.items() if _layer(m) == "marts" and m.unique_id not in shown] == []
