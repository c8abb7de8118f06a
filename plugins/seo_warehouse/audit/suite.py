"""A table's expectations, and Great Expectations' answer to them.

A suite costs some 15 ms for each expectation of a column, however few the rows. So the first question is one query:
which rows do not meet all rules? Only where there are such is the suite asked, rule by rule, in one scan.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from threading import Lock
from typing import Any
from urllib.parse import quote, urlencode

from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import quoted_name
from sqlalchemy.exc import SQLAlchemyError

from seo_warehouse.audit.rules import ExpectNothingFound, Rule, row_rules
from seo_warehouse.errors import LoadError, TransientLoadError
from seo_warehouse.ledger.session import Connection
from seo_warehouse.spec import Table

import great_expectations  # isort: skip  (after rules.py, which turns its analytics off)
from great_expectations.data_context.types.base import ProgressBarsConfig  # isort: skip
from great_expectations.datasource.fluent.interfaces import TestConnectionError  # isort: skip
from great_expectations.exceptions import GreatExpectationsError  # isort: skip

RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}
"""Counts without samples: any other format scans the batch again for each rule."""
_one_at_a_time = Lock()
"""Every load is asked through the same asset."""
# It sets itself to INFO, to tell of a folder for pages that are never written.
logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.NOTSET)


@dataclass(frozen=True)
class BatchQuery:
    """A query that must find nothing."""

    name: str
    sql: str


def suite_for(table: Table, days: Sequence[date], conn: Connection | None = None) -> Any:
    """The suite of every row rule of a table, for a load of `days`."""
    return _suite(table.name, [expectation(rule, conn) for rule in row_rules(table, list(days))])


def expectation(rule: Rule, conn: Connection | None = None) -> Any:
    """The expectation that asks one rule."""
    made = rule.expectation(rule.condition.as_string(conn))
    made.meta = {"rule": rule.name}
    return made


def quick_suite(table: Table, queries: Sequence[BatchQuery]) -> Any:
    """One expectation for each query: all row rules together are one, and each batch rule is."""
    return _suite(table.name, [ExpectNothingFound(sql=query.sql, meta={"rule": query.name}) for query in queries])


def broken_counts(dsn: str, load_id: int, suite: Any) -> dict[str, int]:
    """Broken rows by rule, as Great Expectations counts them in a load's audit table.

    Raises LoadError where a rule could not be asked, TransientLoadError where the connection was lost.
    """
    try:
        with _one_at_a_time:
            asset, batch_definition = _asset(dsn)
            asset.table_name = quoted_name(f"load_{load_id}", quote=True)
            results = batch_definition.get_batch().validate(suite, result_format=RESULT_FORMAT).results
    except (SQLAlchemyError, GreatExpectationsError, TestConnectionError) as error:
        raise TransientLoadError(
            f"load {load_id} could not be judged: {' '.join(str(error).split())[:1000]}"
        ) from error
    counts: dict[str, int] = {}
    for result in results:
        name = result.expectation_config.meta["rule"]
        count = result.result.get("unexpected_count")
        if count is None and result.result.get("element_count") == 0:
            count = 0  # PostgreSQL's sum over no row is NULL
        if count is None:
            _raise_unasked(name, load_id, result.exception_info)
        counts[name] = int(count)
    return counts


def _suite(name: str, expectations: Sequence[Any]) -> Any:
    return great_expectations.ExpectationSuite(name=name, expectations=list(expectations))


@lru_cache(maxsize=4)
def _asset(dsn: str) -> tuple[Any, Any]:
    """One table asset for each database, pointed at each load in turn: making one costs more than asking it."""
    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    source = context.data_sources.add_postgres("warehouse", connection_string=_address(dsn), kwargs={"pool_size": 1})
    # An asset's table must be there when it is made, and it is made before any load.
    asset = source.add_table_asset("load", table_name="pg_class")
    asset.schema_name = "audit"
    return asset, asset.add_batch_definition_whole_table("load")


def _address(dsn: str) -> str:
    """The DSN as SQLAlchemy wants it, for psycopg 3."""
    parts = {name: str(value) for name, value in conninfo_to_dict(dsn).items() if value is not None}
    user, password = parts.pop("user", ""), parts.pop("password", "")
    host, port, name = parts.pop("host", ""), parts.pop("port", ""), parts.pop("dbname", "")
    login = f"{quote(user, safe='')}{':' + quote(password, safe='') if password else ''}@" if user else ""
    address = f"postgresql+psycopg://{login}{host}{':' + port if port else ''}/{quote(name, safe='')}"
    return f"{address}?{urlencode(parts | {'application_name': 'seo-warehouse gate'})}"


def _raise_unasked(rule: str, load_id: int, exception_info: dict[str, Any]) -> None:
    text = str(exception_info)
    lost = "OperationalError" in text or "AdminShutdown" in text
    message = _message(exception_info) or "no answer"
    raise (TransientLoadError if lost else LoadError)(f"rule {rule} of load {load_id} could not be asked: {message}")


def _message(exception_info: dict[str, Any]) -> str:
    """Great Expectations keeps one message, or one for each metric."""
    if "exception_message" in exception_info:
        return " ".join(str(exception_info["exception_message"] or "").split())[:1000]
    return "; ".join(filter(None, (_message(info) for info in exception_info.values() if isinstance(info, dict))))
