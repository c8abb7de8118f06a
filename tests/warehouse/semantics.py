"""The metrics as semantic models, for MetricFlow to write its own SQL of them: a second opinion that no build pays for.

https://docs.getdbt.com/docs/build/semantic-models
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.postgres import PostgresSQLSqlPlanRenderer
from metricflow_semantic_interfaces.implementations.semantic_manifest import PydanticSemanticManifest
from metricflow_semantic_interfaces.transformations.semantic_manifest_transformer import (
    PydanticSemanticManifestTransformer,
)
from metricflow_semantic_interfaces.validations.semantic_manifest_validator import SemanticManifestValidator
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

from seo_warehouse.steps.metrics import Metric


class Postgres:
    """What MetricFlow asks of a client that only has its SQL explained."""

    sql_engine_type = SqlEngine.POSTGRES
    sql_plan_renderer = PostgresSQLSqlPlanRenderer()


def engine(metrics: Iterable[Metric]) -> MetricFlowEngine:
    """MetricFlow over metrics of one mart each. Raises AssertionError with what it finds wrong with their models."""
    manifest = PydanticSemanticManifestTransformer.transform(PydanticSemanticManifest.parse_obj(_manifest(metrics)))
    found = SemanticManifestValidator[PydanticSemanticManifest]().validate_semantic_manifest(manifest)
    assert not found.errors, [error.as_readable_str() for error in found.errors]
    return MetricFlowEngine(SemanticManifestLookup(manifest), Postgres())


def weekly(asked: MetricFlowEngine, name: str) -> str:
    """MetricFlow's SQL of a metric by property and week."""
    by = ["property", "metric_time__week"]
    return str(asked.explain(MetricFlowQueryRequest.create(metric_names=[name], group_by_names=by)).sql_statement.sql)


def _manifest(metrics: Iterable[Metric]) -> dict[str, Any]:
    models: dict[str, dict[str, Any]] = {}
    told: list[dict[str, Any]] = []
    for metric in metrics:
        model = models.setdefault(metric.mart, _model(metric))
        parts = {"numerator": metric.numerator, "denominator": metric.denominator}
        for part, expression in parts.items():
            if expression is not None:
                name = f"{metric.name}_{part}"
                model["measures"].append({"name": name, "agg": "sum", "expr": _addend(expression)})
                told.append({"name": name, "type": "simple", "type_params": {"measure": {"name": name}}})
        names = {part: {"name": f"{metric.name}_{part}"} for part in parts}
        simple = {"type": "simple", "type_params": {"measure": names["numerator"]}}
        told.append({"name": metric.name} | ({"type": "ratio", "type_params": names} if metric.denominator else simple))
    spine = {"node_relation": _relation("dim_date"), "primary_column": {"name": "day", "time_granularity": "day"}}
    settings = {"time_spine_table_configurations": [], "time_spines": [spine]}
    return {
        "semantic_models": list(models.values()),
        "metrics": told,
        "project_configuration": settings,
        "saved_queries": [],
    }


def _model(metric: Metric) -> dict[str, Any]:
    # Its names of spans of time, as `day`, are MetricFlow's own.
    date = {"name": "told_date", "type": "time", "expr": metric.time, "type_params": {"time_granularity": "day"}}
    return {
        "name": metric.mart,
        "node_relation": _relation(metric.mart),
        "primary_entity": f"row_of_{metric.mart}",
        "defaults": {"agg_time_dimension": "told_date"},
        "entities": [{"name": "property", "type": "foreign", "expr": "property_key"}],
        "dimensions": [date],
        "measures": [],
    }


def _relation(mart: str) -> dict[str, str]:
    return {"alias": mart, "schema_name": "marts", "relation_name": f"marts.{mart}"}


def _addend(expression: str) -> str:
    """What a sum, or a count, adds of each row."""
    what, _, condition = expression.partition(" filter (where ")
    kind, _, inner = what.removesuffix(")").partition("(")
    assert kind in ("sum", "count"), expression
    added = inner if kind == "sum" else f"case when {inner} is not null then 1 end"
    return f"case when {condition.removesuffix(')')} then {added} end" if condition else added
