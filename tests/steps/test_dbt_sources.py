from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import yaml
from click.testing import CliRunner

from seo_warehouse.load.schema import stored_columns
from seo_warehouse.sources import SOURCES
from seo_warehouse.steps.dbt_sources import main, rendered, rendered_feeds, stale_files

PROJECT = Path(__file__).parents[2] / "dbt_project"


def test_the_source_files_of_the_project_are_those_of_the_specs() -> None:
    assert stale_files(PROJECT) == {}


def test_every_stored_column_is_listed() -> None:
    for source in SOURCES:
        tables = yaml.safe_load(rendered(source))["sources"][0]["tables"]
        listed = {table["name"]: {c["name"] for c in table["columns"]} for table in tables}
        for table in source.tables:
            stored = {name for name, _ in stored_columns(table.columns)}
            assert listed[table.name] == stored | {"property_key", "part", "load_id"}


def test_every_table_that_feeds_a_kind_is_listed_with_it() -> None:
    written = rendered_feeds()
    for source in SOURCES:
        for table in source.tables:
            if table.feeds is not None:
                assert f"'{table.feeds}', 'source': '{source.name}', 'table': '{table.name}'" in written


def test_a_table_that_feeds_nothing_is_not_listed() -> None:
    source = SOURCES[0]
    silent = replace(source, tables=tuple(replace(table, feeds=None) for table in source.tables))
    assert source.name in rendered_feeds([source])
    assert source.name not in rendered_feeds([silent])


def test_check_names_stale_files_and_writes_nothing(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--project", str(tmp_path), "--check"])
    assert result.exit_code == 1
    assert "site_crawl/_sources.yml" in result.output
    assert "macros/feeds.sql" in result.output
    assert list(tmp_path.iterdir()) == []


def test_writing_makes_the_check_pass(tmp_path: Path) -> None:
    assert CliRunner().invoke(main, ["--project", str(tmp_path)]).exit_code == 0
    assert CliRunner().invoke(main, ["--project", str(tmp_path), "--check"]).exit_code == 0
