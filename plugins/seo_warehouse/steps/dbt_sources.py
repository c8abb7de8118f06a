"""What dbt is told of the sources, generated from the Source specs, so that columns and kinds are listed once.

A `_sources.yml` for each source, and the macro `feeds`: which tables tell of what. steps/declared.py writes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from seo_warehouse.load.schema import stored_columns
from seo_warehouse.logs.bots import BOTS
from seo_warehouse.networks import CDNS, HOSTERS
from seo_warehouse.sources import SOURCES
from seo_warehouse.spec import Kind, Source, Table

HEADER = "# Generated from the Source spec {name} by seo_warehouse.steps.declared; do not edit.\n"
FEEDS = """\
{{#- Generated from the Source specs by seo_warehouse.steps.declared; do not edit. Read by kinds.sql. -#}}
{{% macro feeds() -%}}
    {{{{- return([
{rows}    ]) -}}}}
{{%- endmacro %}}
"""
LOADED_AT = "select max(published_at) from ops.publication where source = '{source}' and table_name = '{table}'"
GRACE_HOURS = 12
"""A night is read for some hours after its tick, and loads may wait for a person until the morning."""


def sources_document(source: Source) -> dict[str, Any]:
    """dbt's declaration of the raw tables of `source`."""
    return {
        "version": 2,
        "sources": [
            {
                "name": source.name,
                "description": source.description,
                "schema": "raw",
                "tables": [_table(source, table) for table in source.tables],
            }
        ],
    }


def rendered(source: Source) -> str:
    """The text of the source's file."""
    body = yaml.safe_dump(sources_document(source), sort_keys=False, allow_unicode=True, width=110)
    return HEADER.format(name=source.name) + body


def rendered_feeds(sources: Iterable[Source] = SOURCES) -> str:
    """The text of the macro that lists each table with its kind and with whose word it is: of exports their part's."""
    rows = "".join(
        f"        {{'kind': '{table.feeds.value}', 'source': '{source.name}', 'table': '{table.name}',"
        f" 'origin': '{source.vendor or source.name}', 'is_export': {str(source.kind is Kind.DROP).lower()}}},\n"
        for source in sources
        for table in source.tables
        if table.feeds is not None
    )
    return FEEDS.format(rows=rows)


def rendered_networks() -> str:
    """The text of the seed of networks behind which many sites stand, by kind."""
    kinds = {"cdn": CDNS, "shared": HOSTERS}
    rows = (
        f"{operator},{network},{kind}\n"
        for kind, operators in kinds.items()
        for operator, networks in operators.items()
        for network in networks
    )
    return "operator,network,kind\n" + "".join(rows)


def dbt_files(project: Path, sources: Iterable[Source] = SOURCES) -> dict[Path, str]:
    """The files of dbt's project that follow from the specs, with the text they should have."""
    sources = tuple(sources)
    staging = project / "models" / "staging"
    wanted = {staging / source.name / "_sources.yml": rendered(source) for source in sources}
    # One list: the bots that logs are looked through for are the ones that analysts read of.
    bots = BOTS.read_text("utf-8")
    return {
        **wanted,
        project / "macros" / "feeds.sql": rendered_feeds(sources),
        project / "seeds" / "known_bots.csv": bots,
        project / "seeds" / "known_networks.csv": rendered_networks(),
    }


def _table(source: Source, table: Table) -> dict[str, Any]:
    own = {column.name: column.description for column in table.columns}
    columns = [
        {"name": "property_key", "description": "Property, as properties.yml states it."},
        {"name": "part", "description": "Vendor and form of an export; empty for an API."},
        *({"name": name, "description": own.get(name) or _companion(name), "data_type": kind}
          for name, kind in stored_columns(table.columns)),
        {"name": "load_id", "description": "The load that published the row (ops.load)."},
    ]  # fmt: skip
    return {
        "name": table.name,
        "identifier": source.raw_name(table),
        "description": table.description,
        "loaded_at_query": LOADED_AT.format(source=source.name, table=table.name),
        "config": {"freshness": _freshness(source)},
        "columns": columns,
    }


def _companion(name: str) -> str:
    literal, _, kind = name.rpartition("_")
    meaning = {"normalised": "normalised (seo_warehouse.urls)", "domain": "as its registrable domain"}[kind]
    return f"{literal} {meaning}; NULL where it is no URL."


def _freshness(source: Source) -> dict[str, dict[str, Any]]:
    hours = 24 * source.interval_days
    return {
        "warn_after": {"count": hours + GRACE_HOURS, "period": "hour"},
        "error_after": {"count": 2 * hours + GRACE_HOURS, "period": "hour"},
    }
