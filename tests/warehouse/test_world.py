"""dbt as tests run it does what it does to whoever types it."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from dbt.adapters.base import BaseAdapter
from dbt.compilation import Linker
from dbt.contracts.graph.manifest import Manifest
from dbt.graph import NodeSelector, parse_difference
from dbt_common.events.contextvars import task_contextvars

from seo_warehouse.steps.build import STANDING
from seo_warehouse.steps.dbt_commands import FLAGS_SOURCE
from tests.warehouse.world import PROJECT, Dbt, Warehouse

WITH_EPHEMERAL_PARENTS = "rpt_link_contribution"


def selected(manifest: Manifest, select: Sequence[str], exclude: Sequence[str]) -> set[str]:
    """What dbt selects of a manifest, tests too."""
    with task_contextvars(project_root=str(PROJECT)):
        return NodeSelector(Linker().get_graph(manifest), manifest).get_selected(parse_difference(select, exclude))


@pytest.mark.parametrize(
    ("select", "exclude"),
    [
        (["fct_search_page"], []),
        (["fct_search_page", "dim_page"], STANDING),
        (["+fct_link_event", "1+dim_domain"], ["path:models/staging"]),
        (["int_page__version_pages+1"], ["tag:after_estimates"]),
        (["stg_ops__discovery_curve+"], []),
        (["@int_serp__judge_checks"], STANDING),
        (["tag:after_estimates"], ["marts.estimate"]),
        (["config.materialized:incremental"], []),
        (["marts,config.materialized:table"], []),
        (["test_type:unit"], []),
    ],
)
def test_of_the_part_that_a_command_is_given_it_selects_what_it_would_of_the_whole(
    dbt: Dbt, select: list[str], exclude: Sequence[str]
) -> None:
    part = dbt.parsed_for("build", "--select", *select, *(["--exclude", *exclude] if exclude else []))
    wanted = selected(dbt.parsed(), select, exclude)
    assert wanted
    assert selected(part, select, exclude) == wanted


def test_a_command_leaves_the_manifest_as_it_was(warehouse: Warehouse) -> None:
    def compiled() -> dict[str, str]:
        done = warehouse.dbt.invoke("compile", "--quiet", "--select", WITH_EPHEMERAL_PARENTS)
        return {result.node.name: result.node.compiled_code for result in done.result.results}

    nodes = warehouse.dbt.parsed().nodes
    before = {name: node.to_dict() for name, node in nodes.items()}
    first = compiled()
    assert "__dbt__cte__" in first[WITH_EPHEMERAL_PARENTS]
    assert compiled() == first
    assert {name: node.to_dict() for name, node in nodes.items()} == before


def test_flags_of_dbts_behaviour_come_from_where_it_would_find_that_they_do() -> None:
    adapter = SimpleNamespace(_behavior_flags=[], config=SimpleNamespace(flags={}))
    BaseAdapter.behavior.fset(adapter, [{"name": "a_flag", "default": False, "description": "a flag"}])
    (flag,) = adapter._behavior._flags
    assert flag._behavior_change_event.flag_source == FLAGS_SOURCE
