"""From the manifest: what a build leaves as it is, and of each table that is read, when it changes."""

from __future__ import annotations

import re
from inspect import getmodule, getsource
from types import ModuleType
from typing import Any

import pytest

from seo_warehouse.discovery import rows as discovery_rows
from seo_warehouse.effect import rows as effect_rows
from seo_warehouse.steps.estimates import ESTIMATES, WRITTEN, Estimate
from seo_warehouse.steps.standing import AS_LAST_MADE, EACH_NIGHT, RESTS_WITHOUT, STATED, TABLES_OF, Graph, ops_table
from tests.warehouse.world import Dbt

ROWS = {"seo_warehouse.steps.effect": effect_rows, "seo_warehouse.steps.discovery": discovery_rows}
"""Modules that hold statements of a step beside its own."""
READ_WHOLE = {"dim_date", "rpt_completeness", "stg_ops__publication"}
"""Models that read a ledger of publications otherwise than by kinds."""
ALL = {"dim_link", "fct_serp_position", "rpt_link_effect", "fct_referral_visit", "rpt_partner", "rpt_completeness"}


@pytest.fixture(scope="module")
def graph(dbt: Dbt) -> Graph:
    """Of the project."""
    return Graph(dbt.parsed(), WRITTEN)


def _reached(graph: Graph, *tables: str, untold: tuple[str, ...] = ()) -> set[str]:
    told = {table for kind, tables in TABLES_OF.items() if kind not in untold for table in tables}
    found = graph.reached({f"source.seo_warehouse.{table}" for table in tables}, told)
    return {name.split(".")[2] for name in found if name.startswith("model.")}


def _nodes(graph: Graph) -> list[Any]:
    return [node for node in graph.manifest.nodes.values() if node.resource_type in ("model", "test")]


def test_of_each_table_of_ops_it_is_known_when_it_changes(graph: Graph) -> None:
    tables = {source.name for source in graph.manifest.sources.values() if source.source_name == "ops"}

    known = {*EACH_NIGHT, *STATED, *WRITTEN, *(name for name in tables if name.startswith(AS_LAST_MADE))}
    assert known == tables


def test_models_read_publications_by_kinds(graph: Graph) -> None:
    assert {node.name for node in _nodes(graph) if graph.reads_whole(node)} == READ_WHOLE


def test_no_model_asks_what_time_it_is(graph: Graph) -> None:
    clock = re.compile(
        r"\b(current_(date|time|timestamp)|(now|clock_timestamp|statement_timestamp)\(\))", re.IGNORECASE
    )

    assert [node.name for node in _nodes(graph) if clock.search(node.raw_code)] == []


@pytest.mark.parametrize("estimate", ESTIMATES, ids=lambda estimate: estimate.make.__name__)
def test_an_estimate_reads_what_it_is_said_to_read(estimate: Estimate) -> None:
    module = getmodule(estimate.make)
    assert module is not None
    modules: list[ModuleType] = [module, *([ROWS[module.__name__]] if module.__name__ in ROWS else [])]
    texts = [re.sub(r'"""A row of marts.*', "", getsource(each)) for each in modules]
    named = {name for text in texts for name in re.findall(r"\b(?:intermediate|marts|ops)\.([a-z_0-9]+)", text)}

    assert named - set(estimate.writes) - {"page_graph"} == set(estimate.reads)


def test_an_increment_that_rests_names_the_kinds_that_it_rests_without(graph: Graph) -> None:
    for node in _nodes(graph):
        meta = node.config.meta or {}
        if RESTS_WITHOUT in meta and node.config.materialized == "incremental":
            assert set(meta[RESTS_WITHOUT]) <= graph.kinds_of(node), node.name


def test_what_nobody_told_anything_for_is_not_made(graph: Graph) -> None:
    assert _reached(graph) == set()
    assert _reached(graph, "ops.load") == {"stg_ops__load", "rpt_spend", "rpt_witness", "metric_daily"}


def test_a_source_leads_to_all_that_is_made_of_it(graph: Graph) -> None:
    assert _reached(graph, "dataforseo_backlinks.backlink") >= ALL - {"fct_serp_position", "rpt_completeness"}
    assert "dim_link" not in _reached(graph, "dataforseo_serp.task")
    assert _reached(graph, "dataforseo_serp.task") >= {"fct_serp_position", "rpt_link_effect"}
    assert "rpt_completeness" in _reached(graph, "ops.publication")


def test_what_differs_is_told_to_whom_is_made(graph: Graph) -> None:
    found = _reached(graph, "dataforseo_serp.task")

    assert {"int_link__list_affected_cells", "int_effect__list_changed_days", "int_page__list_moved_days"} <= found
    assert "int_referral__list_changed_days" not in found


def test_models_rest_before_anything_is_told_for_them(graph: Graph) -> None:
    links = "dataforseo_backlinks.backlink"
    visits, outreach = ("visits", "landings"), ("partners", "campaigns", "touches", "placements")

    assert _reached(graph, links, untold=visits).isdisjoint({"fct_referral_visit", "rpt_referral_link"})
    assert "rpt_partner" in _reached(graph, links, untold=visits)
    assert _reached(graph, links, untold=outreach).isdisjoint({"fct_placement", "rpt_partner"})
    assert "int_referral__list_lives" in _reached(graph, "matomo.visit")
    assert ops_table("referral_estimate") in graph.reached({"source.seo_warehouse.matomo.visit"}, {("matomo", "visit")})
