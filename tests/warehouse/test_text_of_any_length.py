"""No text that others write ends a build, however long it is and whatever stands in it."""

from __future__ import annotations

import re
from collections import defaultdict
from re import _parser as parser  # type: ignore[attr-defined]

import pytest
from pydantic import ValidationError

from seo_warehouse.property import LONGEST_KEYWORD, Keyword
from seo_warehouse.sources import SOURCES
from tests.warehouse.hostile import HOST, TEXTS, publish_everything
from tests.warehouse.world import Warehouse

INDEX_ROW_BYTES = 2_704
"""What a row of a btree holds: https://www.postgresql.org/docs/current/btree.html"""
OUR_BYTES = 100
OURS = {
    "account": "a word of ours, of a source",
    "anchor_type": "a word of ours",
    "analyst": "a role's name, of which PostgreSQL takes 63 bytes",
    "arm": "a word of ours",
    "band": "a word of ours",
    "bot": "a name of our seed",
    "channel": "a channel's name, of at most 100 letters",
    "check_name": "a word of ours",
    "class": "a word of ours",
    "curve": "a word of ours",
    "cut": "a word of ours",
    "dimension": "one of the values that the gate lets in",
    "fingerprint": "a hash, which a check holds to 64 letters",
    "flag": "a word of ours",
    "key": "of an alert: a source's, a table's and a property's, or a number",
    "kind": "a word of ours",
    "measure": "a word of ours",
    "milestone": "a word of ours",
    "milestone_from": "a word of ours",
    "name": "a word of ours",
    "operator": "a word of our seed",
    "outcome": "a word of ours",
    "part": "vendor and form of an export, words of ours",
    "rule": "a word of ours, with a column's name in it",
    "scope": "a night, or days and a word of ours",
    "sha256": "refers to ops.export_file, where a check holds it to 64 letters",
    "source": "a source's name",
    "span": "a word of ours",
    "state": "a word of ours, which a check holds to",
    "stream": "a folder's name, of at most 60 letters",
    "table_name": "a table's name",
    "unit": "a word of ours",
    "unique_id": "dbt's name of a model of ours",
    "vendor": "a source's vendor",
    "verdict": "a word of ours",
    "visit_kind": "a word of ours",
    "weight": "a word of ours",
    "weighting": "a word of ours",
    "window_name": "a word of ours, in the seed link_windows",
    "witness": "a source's vendor, or vendor and form of an export",
}
"""Texts that nobody else writes."""
ELSEWHERE = {
    "topic": "marts.dim_page",
    "panel": "marts.fct_link_effect_page",
    "level": "marts.fct_link_effect_page",
    "engine": "marts.fct_page_milestone",
}
"""Texts whose bound is a check of the mart that they come through."""
STATED = {"keyword": LONGEST_KEYWORD, "file_name": 255 * 6, "domain": 253}
"""Bytes of what is bounded before it comes: by properties.yml; by a folder, whose names have 255, each shown as six; by
what a host's name may have."""
INDEXED = """
select n.nspname || '.' || t.relname as relation, i.relname as key_name, a.attname as column_name
from pg_index as x
join pg_class as i on i.oid = x.indexrelid
join pg_class as t on t.oid = x.indrelid
join pg_namespace as n on n.oid = t.relnamespace
join pg_attribute as a on a.attrelid = i.oid
join pg_type as y on y.oid = a.atttypid
where n.nspname not in ('pg_catalog', 'pg_toast', 'information_schema') and y.typlen = -1 and a.atttypmod = -1
union all
select n.nspname || '.' || t.relname, s.stxname, a.attname
from pg_statistic_ext as s
join pg_class as t on t.oid = s.stxrelid
join pg_namespace as n on n.oid = t.relnamespace
join pg_attribute as a on a.attrelid = t.oid and a.attnum = any(s.stxkeys)
join pg_type as y on y.oid = a.atttypid
where y.typlen = -1 and a.atttypmod = -1
"""
"""Columns without a bound of their own in any index, and in statistics of several columns."""
CHECKS = """
select conrelid::regclass::text as relation, pg_get_constraintdef(oid) as definition
from pg_constraint where contype = 'c'
"""


def test_no_index_of_any_schema_holds_an_unbounded_text(warehouse: Warehouse) -> None:
    bounds = _bounds(warehouse)
    keys = defaultdict[tuple[str, str], int](int)
    unbounded = []
    for row in warehouse.rows(INDEXED):
        relation, column = row["relation"], row["column_name"]
        bound = bounds.get((relation, column)) or bounds.get((ELSEWHERE.get(column, ""), column))
        bound = bound or STATED.get(column) or (OUR_BYTES if column in OURS else None)
        if bound is None:
            unbounded.append(f"{relation}.{column}")
        keys[relation, row["key_name"]] += bound or 0
    assert keys
    assert unbounded == []
    # Numbers and what stands around them take less than the rest.
    assert [key for key, size in keys.items() if size > INDEX_ROW_BYTES - 100] == []


def _bounds(warehouse: Warehouse) -> dict[tuple[str, str], int]:
    """Bytes by (relation, column) of the texts that a check holds."""
    return {
        (row["relation"], found[1]): int(found[2])
        for row in warehouse.rows(CHECKS)
        for found in re.finditer(r"octet_length\((\w+)\) <= (\d+)", row["definition"])
    }


def test_a_declared_pattern_bounds_its_text() -> None:
    patterns = {c.pattern for s in SOURCES for t in s.tables for c in t.columns if c.pattern is not None}
    assert patterns
    assert {p for p in patterns if parser.parse(p).getwidth()[1] > 100} == set()


def test_a_keyword_that_no_index_holds_is_refused() -> None:
    assert Keyword(keyword="a" * 700)
    with pytest.raises(ValidationError, match="more than 2600 bytes"):
        Keyword(keyword="\N{GRINNING FACE}" * 700)


def test_a_build_ends_whatever_stands_in_any_text_of_any_source(warehouse: Warehouse) -> None:
    warehouse.add_property(1, "shop.example")
    warehouse.add_keyword(1, "words", f"{HOST}pans")
    publish_everything(warehouse, 1)
    warehouse.dbt("build", "--exclude-resource-type", "unit_test", build_id=warehouse.claim())
    long, wide = TEXTS["long"], TEXTS["wide"]
    pages = warehouse.rows("select url, topic from marts.dim_page where octet_length(url) > 10000")
    topics = {page["url"].removeprefix(HOST): page["topic"] for page in pages}
    assert {f"{long}/backlink", f"{long}/page"} <= topics.keys()
    assert topics[f"{long}/backlink"].startswith(f"{long[:125]}...")
    # Of two first segments that are too long, in letters of one byte and of four, two topics.
    assert len({topic for url, topic in topics.items() if url.endswith("/backlink")}) == 2
    for column, query in {
        "value": "select value from marts.rpt_search_summary",
        "query": "select query from marts.fct_search_performance",
        "keyword": "select keyword from marts.dim_keyword",
        "title": "select title from marts.fct_serp_result",
    }.items():
        told = {row[column] for row in warehouse.rows(query)}
        # What PostgreSQL cannot hold is told as the character that stands for such.
        assert {long, wide, "a\N{REPLACEMENT CHARACTER}b"} <= told, column
