"""The metrics of `dbt_project/metrics.yml`: what follows from them, and how each is asked in SQL.

A metric is a sum, or a ratio of two sums: parts add up over days, pages and properties, and the division comes last.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import Field, TypeAdapter

from seo_warehouse.property import Strict

FILE = Path("dbt_project") / "metrics.yml"
_NAME = r"^[a-z][a-z0-9_]*$"
_MACRO = """\
{{#- Generated from metrics.yml by seo_warehouse.steps.declared; do not edit. Read by metric_daily. -#}}
{{% macro metrics() -%}}
    {{{{- return([
{rows}    ]) -}}}}
{{%- endmacro %}}
"""


class Join(Strict):
    """A mart that a metric's rows are joined to, and the columns that are taken of it."""

    mart: str = Field(pattern=_NAME)
    using: tuple[str, ...] = Field(min_length=1)
    columns: tuple[str, ...] = Field(min_length=1)


class Metric(Strict):
    """One metric, as metrics.yml has it."""

    name: str = Field(pattern=_NAME)
    label: str
    mart: str = Field(pattern=_NAME)
    time: str = Field(pattern=_NAME)
    numerator: str
    notes: str
    denominator: str | None = None
    dimensions: tuple[str, ...] = ()
    join: Join | None = None

    @property
    def expression(self) -> str:
        """The metric in SQL over the mart's rows, as a BI tool takes it; NULL where there is nothing to divide by."""
        if self.denominator is None:
            return self.numerator
        return f"({self.numerator})::double precision / nullif({self.denominator}, 0)"


def read_metrics(root: Path) -> tuple[Metric, ...]:
    """The metrics of a project's root. Raises pydantic's ValidationError where one is not in its form."""
    found = yaml.safe_load((root / FILE).read_text(encoding="utf-8"))
    metrics = TypeAdapter(tuple[Metric, ...]).validate_python(found)
    names = [metric.name for metric in metrics]
    if len(set(names)) < len(names):
        raise ValueError(f"{FILE}: two metrics share a name")
    return metrics


def rendered_macro(metrics: tuple[Metric, ...]) -> str:
    """The text of the macro `metrics`."""
    return _MACRO.format(rows="".join(f"        {_as_jinja(metric)},\n" for metric in metrics))


def _as_jinja(metric: Metric) -> str:
    """A metric as a literal of Jinja; what is not stated is left out."""
    told = metric.model_dump(
        mode="json", exclude_none=True, include={"name", "mart", "time", "numerator", "denominator", "join"}
    )
    return json.dumps(told)


def documented(metrics: tuple[Metric, ...]) -> Iterator[str]:
    """The rows of docs/metrics.md."""
    yield from ("", "| metric | what | of | in SQL | may be cut by | note |", "|---|---|---|---|---|---|")
    for metric in metrics:
        of = metric.mart if metric.join is None else f"{metric.mart}, {metric.join.mart}"
        cut = ", ".join(f"`{name}`" for name in metric.dimensions) or "property alone"
        yield f"| `{metric.name}` | {metric.label} | `{of}` | `{metric.expression}` | {cut} | {metric.notes} |"
    yield ""
