"""The rules of a table: what each asks, as SQL and as an expectation.

Great Expectations has one expectation of ours for a condition across the columns of a row, and one for a query that
must find nothing. Both put the SQL into the statement verbatim: `%` and `:` in it mean themselves.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when it is imported: nobody else is told of a user's data

import sqlalchemy
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations import (
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToMatchRegex,
    ExpectColumnValuesToNotBeNull,
)
from great_expectations.expectations.expectation import BatchExpectation, ColumnMapExpectation, Expectation
from great_expectations.expectations.metrics import ColumnMapMetricProvider, column_condition_partial
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from psycopg import sql

from seo_warehouse.load.rejects import STORABLE
from seo_warehouse.spec import Column, Table, Type

Severity = Literal["fail", "warn"]
EVERY_ROW_RULE = "every_row_rule"


class RowRuleMetric(ColumnMapMetricProvider):
    """Whether a row meets a condition; NULL counts as met."""

    condition_metric_name = "column_values.row_rule"
    condition_value_keys = ("sql",)
    filter_column_isnull = False

    @column_condition_partial(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(cls: Any, column: Any, sql: str, **_: Any) -> Any:
        return sqlalchemy.literal_column(f"({sql})", sqlalchemy.Boolean)


class ExpectRowRule(ColumnMapExpectation):
    """Expect a condition across the columns of each row to hold; it joins the one scan of all column rules."""

    sql: str
    map_metric: ClassVar[str] = "column_values.row_rule"
    success_keys: ClassVar[tuple[str, ...]] = ("sql", "mostly")
    domain_keys: ClassVar[tuple[str, ...]] = ("column",)
    library_metadata: ClassVar[dict[str, Any]] = {}


class BrokenRowCount(TableMetricProvider):
    """Number of rows a query finds. The query names its tables itself."""

    metric_name = "table.batch_rule.broken_count"
    value_keys = ("sql",)

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(
        cls: Any,
        execution_engine: Any,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> int:
        # In text() a colon begins a parameter, unless it is escaped.
        escaped = metric_value_kwargs["sql"].replace(":", r"\:")
        found = sqlalchemy.text(f"({escaped}) as found")
        query = sqlalchemy.select(sqlalchemy.func.count()).select_from(found)
        return int(execution_engine.execute_query(query).scalar())


class ExpectNothingFound(BatchExpectation):
    """Expect a query to find no row."""

    sql: str
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.batch_rule.broken_count",)
    success_keys: ClassVar[tuple[str, ...]] = ("sql",)
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)
    library_metadata: ClassVar[dict[str, Any]] = {}

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        count = metrics["table.batch_rule.broken_count"]
        return {"success": count == 0, "result": {"unexpected_count": count}}


@dataclass(frozen=True)
class Rule:
    """A rule over each row. `condition` holds for a good row; NULL counts as good."""

    name: str
    condition: sql.Composable
    reason: str
    severity: Severity
    expectation: Callable[[str], Expectation]
    """Makes the expectation from the condition as text."""


def row_rules(table: Table, days: list[Any]) -> list[Rule]:
    """Every rule that a row of the table must meet in a load of `days`."""
    rules = [rule for column in table.columns for rule in _column_rules(column)]
    rules.append(_own_rule(STORABLE, sql.SQL("unfit is null"), "a column cannot hold its value", "fail"))
    in_load = sql.SQL("day = any({}::date[])").format(sql.Literal([str(day) for day in days]))
    rules.append(_own_rule("day_in_load", in_load, "the day was not asked for", "fail"))
    rules += [_own_rule(rule.name, sql.SQL(rule.sql), rule.reason, rule.severity) for rule in table.row_rules]
    return rules


def _column_rules(column: Column) -> list[Rule]:
    name, rules = column.name, []
    identifier = sql.Identifier(name)
    if column.required:
        rules.append(
            Rule(
                f"{name}_required",
                sql.SQL("{} is not null").format(identifier),
                f"{name} is missing",
                "fail",
                lambda _: ExpectColumnValuesToNotBeNull(column=name),
            )
        )
    if column.minimum is not None or column.maximum is not None:
        low, high = column.minimum, column.maximum
        bounds = [
            sql.SQL("{} {} {}").format(identifier, sql.SQL(sign), sql.Literal(bound))
            for sign, bound in ((">=", low), ("<=", high))
            if bound is not None
        ]
        rules.append(
            Rule(
                f"{name}_range",
                sql.SQL(" and ").join(bounds),
                f"{name} lies outside {'' if low is None else f'{low:g}'}..{'' if high is None else f'{high:g}'}",
                "fail",
                lambda _: ExpectColumnValuesToBeBetween(column=name, min_value=low, max_value=high),
            )
        )
    if column.values is not None:
        values = list(column.values)
        if column.type is Type.TEXTS:
            condition = sql.SQL("{} <@ {}::text[]").format(identifier, sql.Literal(values))
            rules.append(_own_rule(f"{name}_values", condition, f"{name} is none of {', '.join(values)}", "fail"))
        else:
            rules.append(
                Rule(
                    f"{name}_values",
                    sql.SQL("{} = any({}::text[])").format(identifier, sql.Literal(values)),
                    f"{name} is none of {', '.join(values)}",
                    "fail",
                    lambda _: ExpectColumnValuesToBeInSet(column=name, value_set=values),
                )
            )
    if column.pattern is not None:
        pattern = column.pattern
        rules.append(
            Rule(
                f"{name}_pattern",
                sql.SQL("{} ~ {}").format(identifier, sql.Literal(pattern)),
                f"{name} does not match {pattern}",
                "fail",
                lambda _: ExpectColumnValuesToMatchRegex(column=name, regex=pattern),
            )
        )
    return rules


def _own_rule(name: str, condition: sql.Composable, reason: str, severity: Severity) -> Rule:
    # Counts are checked against the values that are there of the column, so it must be one that is never NULL.
    return Rule(name, condition, reason, severity, lambda text: ExpectRowRule(column="row_no", sql=text))
