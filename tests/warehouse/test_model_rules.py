"""Every model keeps to what a distributed PostgreSQL can run and to the house's structure.

Read from the statements that dbt runs, from the catalogue and from the manifest. What fails on Citus (citus.py) is not
used, but for exceptions that are named here. Nothing newer than PostgreSQL 15 is either.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from seo_warehouse.sources import SOURCES
from seo_warehouse.steps.build import MADE_FROM
from tests.warehouse.citus import GATHERED, REFUSED, Relations, breaches
from tests.warehouse.world import Dbt, Template, Warehouse

NEWER = {
    "PostgreSQL 16": r"\b(any_value|array_sample|array_shuffle|random_normal|date_add|date_subtract|system_user)\b"
    r"|\bis\s+json\b|\bjson_(array|object)(agg)?\s*\(|\b\d+_\d+\b|\b0[xob][0-9a-f]+\b",
    "PostgreSQL 17": r"\bjson_(table|exists|query|value|scalar|serialize)\b|\bto_(bin|oct)\b|\bunicode_assigned\b",
    "PostgreSQL 18": r"\b(uuidv7|uuidv4|casefold|array_sort|array_reverse|crc32c?|reverse_bytes)\s*\(|\bvirtual\b",
}
REFERENCE_TABLES = {
    "dim_date": "a calendar",
    "countries": "a seed",
    "dim_bot": "of a seed",
    "known_bots": "a seed",
    "known_networks": "a seed",
    "dim_click_curve": "of a seed",
    "dim_domain": "a domain's authority is the same for every property",
    "dim_domain_current": "of dim_domain",
    "fct_domain_authority": "of both",
    "int_domain__pair_scores": "of dim_domain_current and places of domains",
    "int_domain__place_domains": "a domain's place among all of the web is the same for every property",
    "authority_scales": "a seed",
    "dim_google_update": "an update of Google's concerns every property",
    "known_updates": "a seed",
    "int_effect__list_updates": "of dim_google_update",
    "modelled_update": "a copy of it",
    "link_windows": "a seed",
    "click_curve": "a seed",
    "int_effect__list_reaches": "made of the seed of windows",
    "int_effect__list_samples": "made of the seed of windows",
    "link_witness_cadences": "a seed",
    "index_reasons": "a seed",
    "index_strata": "a seed",
    "link_hazards": "a seed",
    "referral_hosts": "a seed",
    "exchange_rates": "a seed",
    "shared_hosts": "a seed",
    "t_quantiles": "a seed",
}
"""Tables without property_key, copied to every node; joins with them need none."""
GATHERED_BY_CITUS = {
    ("dim_domain", "window"): "a domain's authority is told by links of every property: a row a domain and change",
    ("plan_linking_domain", "window"): "an order of all domains that link to any property: a row a domain",
    ("int_link__count_first_sights", "window"): "a vendor's index grows for all at once: a row a property and day",
    ("fct_search_total", "outer join"): "days that have no row too: sums of a day and property meet them",
}
"""Where rows are sent to the coordinator: why, and that they are few."""
NOT_BY_THEIR_PROPERTY = {
    "dim_date": ("open", "a calendar, with Google's updates on it"),
    "dim_google_update": ("open", "what Google tells everybody"),
    "dim_click_curve": ("open", "a convention"),
    "dim_bot": ("open", "what agents are looked through for, the same for every property"),
    "dim_domain": ("linked_domains", "a domain is of every property that it links to"),
    "dim_domain_current": ("linked_domains", "of dim_domain"),
    "fct_domain_authority": ("linked_domains", "as dim_domain"),
}
"""Marts whose rows are kept from analysts otherwise than by their property_key: how, and why."""
PREFIXES = {
    "staging": r"stg_[a-z][a-z0-9_]+?__[a-z_]+",
    "intermediate": r"int_[a-z]+__[a-z_]+",
    "marts": r"(dim|fct|rpt|metric)_[a-z_]+",
    "plans": r"plan_[a-z_]+",
}

MART_ORDER = (
    "core",
    "crawl",
    "bot",
    "search",
    "serp",
    "link",
    "portfolio",
    "referral",
    "relation",
    "discovery",
    "effect",
    "estimate",
    "week",
    "metric",
)
"""Folders of marts. An intermediate that reads a mart of one feeds only marts of later ones: docs/architecture.md."""
DEEPEST = {"fct_link_rank_change": 12}
"""Models on the longest way to a mart from a source, itself included. May only shrink."""
LONGEST = 200
"""Lines of a model or a file of macros: what is read in one sitting."""
LONGER: set[str] = set()
"""Those that are longer still. May only shrink."""
NAMES_OF_STEPS_MADE: set[str] = set()
"""Models in which Jinja makes the name of a step still. May only shrink."""


@pytest.fixture(scope="module")
def compiled(template: Template) -> Mapping[str, str]:
    """Every model's SQL as it makes a new table."""
    return template.compiled


@pytest.fixture(scope="module")
def claimed(warehouse: Warehouse, compiled: Mapping[str, str]) -> dict[str, list[str]]:
    """The statements that read or change rows where each incremental model rebuilds the days of build 1."""
    assert compiled, "the models are there"
    # Of an event that is no more: what is compared is rebuilt in part only where something was compared before.
    warehouse.insert("ops.modelled_event", [{"property_key": 1, "event_key": 1}])
    statements: dict[str, list[str]] = defaultdict(list)

    def on_event(event: Any) -> None:
        text = _without_comments(event.data.sql).strip() if event.info.name == "SQLQuery" else ""
        if re.match(r"(create temporary table|insert|delete|select|with)\b", text, re.IGNORECASE):
            statements[event.data.node_info.node_name].append(text.rstrip(";"))

    again = warehouse.dbt.invoke("run", "--select", "config.materialized:incremental", build_id=1, on_event=on_event)
    assert again.success, again.exception
    return statements


@pytest.fixture(scope="module")
def models(dbt: Dbt) -> dict[str, Any]:
    """Every model of the manifest."""
    found = {n.name: n for n in dbt.parsed().nodes.values() if n.resource_type == "model"}
    assert found
    return found


def _layer(model: Any) -> str:
    return str(model.fqn[1])


def _without_comments(text: str) -> str:
    """The text without comments and without what stands in quotes."""
    return re.sub(r"--[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)


@pytest.mark.parametrize("version", NEWER)
def test_no_model_uses_what_is_newer_than_postgresql_15(
    compiled: Mapping[str, str], claimed: dict[str, list[str]], version: str
) -> None:
    texts = [(n, text) for n, found in (claimed | {n: [t] for n, t in compiled.items()}).items() for text in found]
    quoted = re.compile(r"'(?:[^']|'')*'")
    broken = {
        name: match.group()
        for name, text in texts
        if (match := re.search(NEWER[version], quoted.sub("''", _without_comments(text)), re.IGNORECASE))
    }
    assert not broken


def test_no_model_asks_for_what_citus_refuses_and_few_for_what_it_gathers(
    warehouse: Warehouse, compiled: Mapping[str, str], claimed: dict[str, list[str]], models: dict[str, Any]
) -> None:
    relations = _relations(warehouse, compiled, models)
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, texts in [*((name, [text]) for name, text in compiled.items()), *claimed.items()]:
        for text in texts:
            for breach in breaches(text, relations):
                found[name, breach.rule].append(breach.where)
    refused = {place: where for place, where in found.items() if place[1] in REFUSED}
    gathered = {place: where for place, where in found.items() if place[1] in GATHERED}
    assert refused == {}
    assert gathered.keys() == GATHERED_BY_CITUS.keys(), gathered


def _relations(warehouse: Warehouse, compiled: Mapping[str, str], models: dict[str, Any]) -> Relations:
    immutable = warehouse.rows("select proname::text from pg_proc group by 1 having bool_and(provolatile = 'i')")
    return Relations(
        spread=frozenset(table.partition(".")[2] for table, has_property in _tables(warehouse).items() if has_property),
        views={name: compiled[name] for name, model in models.items() if model.config.materialized == "view"},
        immutable=frozenset(row["proname"] for row in immutable),
    )


def _tables(warehouse: Warehouse) -> dict[str, bool]:
    """The tables that Citus would distribute, partitions with their table: whether they have the property."""
    rows = warehouse.rows(
        """
        select n.nspname || '.' || c.relname as name, exists (
            select from pg_attribute as a where a.attrelid = c.oid and a.attname = 'property_key' and not a.attisdropped
        ) as has_property
        from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
        where (n.nspname in ('raw', 'intermediate', 'marts') or n.nspname || '.' || c.relname = any (%s))
            and c.relkind in ('r', 'p') and not c.relispartition
        """,
        [f"ops.{name}" for name in MADE_FROM],
    )
    return {row["name"]: row["has_property"] for row in rows}


def test_every_table_has_the_property_but_those_that_every_node_has(
    warehouse: Warehouse, compiled: Mapping[str, str], models: dict[str, Any]
) -> None:
    tables = _tables(warehouse)
    without = {name.partition(".")[2] for name, has_property in tables.items() if not has_property}
    views = {name for name, model in models.items() if model.config.materialized == "view"}
    assert without == REFERENCE_TABLES.keys() - views
    assert [name for name, has_property in tables.items() if name.startswith("raw.") and not has_property] == []


def test_no_key_of_a_distributed_table_lacks_the_property(warehouse: Warehouse, compiled: Mapping[str, str]) -> None:
    """A node can only see to what is unique within the properties that it has."""
    distributed = {name for name, has_property in _tables(warehouse).items() if has_property}
    rows = warehouse.rows(
        """
        select i.indrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition, exists (
            select from pg_attribute as a
            where a.attrelid = i.indrelid and a.attnum = any (i.indkey) and a.attname = 'property_key'
        ) as has_property
        from pg_index as i where i.indisunique or i.indisexclusion
        """
    )
    keys = [row for row in rows if row["name"] in distributed]
    assert len(keys) > 40
    assert [row["definition"] for row in keys if not row["has_property"]] == []
    raw = {name for name in distributed if name.startswith("raw.")}
    assert raw == {row["name"] for row in keys if row["name"].startswith("raw.")}


def test_no_table_is_indexed_twice_by_the_same_columns(warehouse: Warehouse, compiled: Mapping[str, str]) -> None:
    twice = warehouse.rows(
        """
        select indrelid::regclass::text as name, array_agg(indexrelid::regclass::text) as indexes
        from pg_index join pg_class as c on c.oid = indexrelid
        where indrelid >= 16384 -- what is not PostgreSQL's own
        group by indrelid, c.relam, indkey::text, indclass::text, indoption::text,
            pg_get_expr(indexprs, indrelid), pg_get_expr(indpred, indrelid)
        having count(*) > 1
        """
    )
    assert twice == []


def test_no_distributed_table_counts_by_itself_or_leans_on_another(
    warehouse: Warehouse, compiled: Mapping[str, str]
) -> None:
    found = warehouse.rows(
        """
        select c.oid::regclass::text as name, 'a number of its own' as what
        from pg_class as c join pg_attribute as a on a.attrelid = c.oid
        left join pg_attrdef as d on (d.adrelid, d.adnum) = (c.oid, a.attnum)
        where a.attidentity <> '' or pg_get_expr(d.adbin, d.adrelid)  ~ '^nextval'
        union all
        select conrelid::regclass::text, 'a foreign key' from pg_constraint where contype = 'f'
        union all
        select tgrelid::regclass::text, 'a trigger' from pg_trigger where not tgisinternal
        union all
        select ev_class::regclass::text, 'a rule' from pg_rewrite where rulename <> '_RETURN'
        """
    )
    assert any(row["name"] == "ops.load" for row in found), "the ledgers, of the coordinator, have them"
    assert [row for row in found if row["name"] in _tables(warehouse)] == []


def test_every_fact_has_the_property_first_in_its_key(models: dict[str, Any]) -> None:
    keys = {
        name: [column for c in model.constraints if c.type == "primary_key" for column in c.columns]
        for name, model in models.items()
        if _layer(model) in ("marts", "plans")
    }
    # A view can state none; tests/warehouse/test_metrics.py holds its rows to one.
    assert [name for name, key in keys.items() if not key] == ["metric_daily"]
    stated = {name: key for name, key in keys.items() if key}
    assert {name for name, key in stated.items() if key[0] != "property_key"} == REFERENCE_TABLES.keys() & stated


def test_what_a_column_of_a_mart_may_hold_is_a_constraint(dbt: Dbt, models: dict[str, Any]) -> None:
    """A test is a node of each night; only what is unique among all properties no constraint can say on Citus."""
    held = {model.unique_id for model in models.values() if _layer(model) in ("marts", "plans")}
    tests = [node for node in dbt.parsed().nodes.values() if getattr(node, "attached_node", None) in held]
    assert {node.test_metadata.name for node in tests} == {"unique"}


def test_every_mart_is_contracted_and_described(models: dict[str, Any]) -> None:
    marts = [model for model in models.values() if _layer(model) in ("marts", "plans")]
    assert [m.name for m in marts if not m.config.contract.enforced] == []
    assert [m.name for m in marts if not m.config.persist_docs.get("columns")] == []
    assert [f"{m.name}.{c.name}" for m in marts for c in m.columns.values() if not c.description] == []


def test_every_model_has_a_yml_of_its_own_with_a_description(models: dict[str, Any]) -> None:
    assert [n for n, m in models.items() if not re.match(r"(One|Each|No) row|One ", m.description)] == []
    beside = {n: m.original_file_path[:-3] + "yml" for n, m in models.items()}
    assert [n for n, m in models.items() if not m.patch_path or m.patch_path.split("://")[1] != beside[n]] == []


def test_every_column_is_described_and_no_other(
    warehouse: Warehouse, compiled: Mapping[str, str], models: dict[str, Any]
) -> None:
    assert compiled, "the models are there"
    actual: dict[str, set[str]] = {}
    for row in warehouse.rows(
        "select table_name, column_name from information_schema.columns"
        " where table_schema in ('staging', 'intermediate', 'marts', 'plans')"
    ):
        actual.setdefault(row["table_name"], set()).add(row["column_name"])
    parts = warehouse.dbt.invoke("compile", "--select", "config.materialized:ephemeral").result.results
    assert parts, "models that are part of a query are there"
    for part in parts:
        columns = warehouse.connection.execute(f"select * from ({part.node.compiled_code}) as part limit 0").description
        actual[part.node.name] = {column.name for column in columns or []}
    wrong = {n: actual[n] ^ set(m.columns) for n, m in models.items() if actual[n] != set(m.columns)}
    assert not wrong


def test_every_mart_keeps_the_rows_of_each_property_to_who_may_read_them(
    warehouse: Warehouse, compiled: Mapping[str, str], models: dict[str, Any]
) -> None:
    assert compiled, "the models are there"
    marts = {name for name, model in models.items() if _layer(model) == "marts"}
    _expect_policies(warehouse, marts)
    warehouse.dbt("run", "--select", "marts", "--full-refresh")
    _expect_policies(warehouse, marts)


def test_every_plan_is_read_by_the_loader_whole_and_by_analysts_as_marts_are(
    warehouse: Warehouse, compiled: dict[str, str], models: dict[str, Any]
) -> None:
    assert compiled, "the models are there"
    plans = {name: model for name, model in models.items() if _layer(model) == "plans"}
    columns = {"property_key": "integer", "place": "integer", "ask": "text", "score": "double precision"}
    for name, model in plans.items():
        assert {c.name: c.data_type for c in model.columns.values()} == {**columns, "reason": "text"}, name
    rows = warehouse.rows(
        """
        select c.relname, c.relrowsecurity,
               array(select p.polname || ' to ' || array(select unnest(p.polroles)::regrole)::text
                     from pg_policy as p where p.polrelid = c.oid order by 1) as policies,
               array(select a.grantee::regrole::text || ' ' || a.privilege_type
                     from aclexplode(c.relacl) as a where a.grantee <> c.relowner order by 1) as privileges
        from pg_class as c where c.relnamespace = 'plans'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
        """
    )
    assert {row["relname"] for row in rows} == plans.keys()
    assert plans
    for row in rows:
        assert row["relrowsecurity"], row
        assert row["policies"] == ["of_loader to {seo_loader}", "of_property to {seo_reader}"], row
        assert row["privileges"] == ["seo_loader SELECT", "seo_reader SELECT"], row


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


def test_staging_reads_one_source_table_and_nothing_else_reads_any(
    models: dict[str, Any], compiled: Mapping[str, str]
) -> None:
    claims = {("ops", name) for name in ("publication", "build_day", *MADE_FROM)}
    for name, model in models.items():
        sources = {tuple(source) for source in model.sources}
        if _layer(model) == "staging":
            assert len(sources) == 1, name
            assert not model.refs, name
            assert not sqlglot.parse_one(compiled[name], dialect="postgres").find(exp.Join), name
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


def test_marts_that_intermediates_read_come_before_those_that_they_feed(models: dict[str, Any]) -> None:
    # So no mart is made of itself by way of intermediates, and the folders tell what comes first.
    folders = {name: model.fqn[2] for name, model in models.items() if _layer(model) == "marts"}
    assert set(folders.values()) == set(MART_ORDER)
    place = {name: MART_ORDER.index(folder) for name, folder in folders.items()}
    read = {name: _parents(models, name) & place.keys() for name, m in models.items() if _layer(m) == "intermediate"}
    assert sum(map(bool, read.values())) > 5
    broken = {
        name
        for name, marts in read.items()
        if any(place[mart] >= place[fed] for mart in marts for fed in place if name in _ancestors(models, fed))
    }
    assert broken == set()


def test_no_way_to_a_mart_is_longer_than_it_was(models: dict[str, Any]) -> None:
    depths: dict[str, int] = {}
    for name in sorted(models, key=lambda name: len(_ancestors(models, name))):
        depths[name] = 1 + max((depths[parent] for parent in _parents(models, name)), default=0)
    assert {name: depths[name] for name in DEEPEST} == DEEPEST


def test_no_model_and_no_file_of_macros_is_longer_than_can_be_read(project: Path) -> None:
    lines = {path.stem: len(path.read_text().splitlines()) for path in _sql_files(project)}
    assert {name for name, count in lines.items() if count > LONGEST} == LONGER


def test_no_step_of_a_model_has_a_name_that_jinja_makes(project: Path) -> None:
    made = re.compile(r"^\s*\w*\{\{[^}]*\}\}\w* as (materialized ?)?\(", re.MULTILINE)
    assert made.search("    steps_{{ count }} as (")
    assert {path.stem for path in _sql_files(project) if made.search(path.read_text())} == NAMES_OF_STEPS_MADE


def test_no_sql_but_staging_names_a_provider(project: Path) -> None:
    # What a model knows of providers is in the list that the specs write.
    cadences = (project / "seeds" / "link_witness_cadences.csv").read_text().splitlines()[1:]
    names = {line.partition(",")[0] for line in cadences} - {"generic"}
    names |= {name for source in SOURCES for name in (source.name, source.vendor) if name} - {"exports"}
    named = re.compile(rf"\b({'|'.join(sorted(names))})\b|'exports'", re.IGNORECASE)
    assert named.search("where witness = 'ahrefs'")
    assert named.search("select * from {{ source('exports', 'page') }}")
    files = [path for path in _sql_files(project) if "staging" not in path.parts and path.stem != "feeds"]
    files += (project / "tests").rglob("*.sql")
    assert {path.stem: found.group() for path in files if (found := named.search(path.read_text()))} == {}


def test_staging_gives_a_column_of_a_kind_the_same_type_wherever_it_stands(
    warehouse: Warehouse, compiled: Mapping[str, str], models: dict[str, Any]
) -> None:
    # Else PostgreSQL does not look through the union of them, and no day is found by index.
    types: dict[str, dict[str, str]] = defaultdict(dict)
    for row in warehouse.rows(
        "select c.relname, a.attname, format_type(a.atttypid, a.atttypmod) as type from pg_attribute as a"
        " join pg_class as c on c.oid = a.attrelid where c.relnamespace = 'staging'::regnamespace and a.attnum > 0"
    ):
        types[row["relname"]][row["attname"]] = row["type"]
    readers = {name: _parents(models, name) for name in models if re.match(r"int_[a-z]+__read_", name)}
    united = {name: staged for name, staged in readers.items() if staged and staged <= types.keys()}
    assert len([name for name, staged in united.items() if len(staged) > 1]) > 3
    for name, staged in united.items():
        for column in models[name].columns.keys() & set.intersection(*(set(types[model]) for model in staged)):
            assert len({types[model][column] for model in staged}) == 1, f"{name}.{column}"


def test_no_comment_is_broken_before_its_line_is_full(project: Path) -> None:
    # sqlfmt breaks a comment that is too long for it, and does not fill the next line with what is left.
    broken = re.compile(r"^( *-- .*[^.:;,\n])(?=\n *-- (\w\S*))", re.MULTILINE)
    assert broken.search("    -- of\n    -- rel")
    short = {
        f"{path.stem}: {match[1].strip()}"
        for path in _sql_files(project)
        for match in broken.finditer(path.read_text())
        if len(match[1]) + 1 + len(match[2]) <= 88 and "depends_on" not in match[1]
    }
    assert short == set()


def _sql_files(project: Path) -> list[Path]:
    """The files of models and macros."""
    found = [path for folder in ("models", "macros") for path in (project / folder).rglob("*.sql")]
    assert len(found) > 100
    return found


def _parents(models: dict[str, Any], name: str) -> set[str]:
    """The models that a model reads."""
    found = (node.rpartition(".")[2] for node in models[name].depends_on.nodes if node.startswith("model."))
    return set(found)


def _ancestors(models: dict[str, Any], name: str) -> set[str]:
    """All models that a model is made of."""
    found: set[str] = set()
    left = _parents(models, name)
    while left:
        found |= left
        left = set().union(*(_parents(models, parent) for parent in left)) - found
    return found
