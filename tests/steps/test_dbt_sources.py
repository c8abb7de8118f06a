from __future__ import annotations

from pathlib import Path

import yaml
from click.testing import CliRunner

from seo_warehouse.load.schema import stored_columns
from seo_warehouse.sources import SOURCES
from seo_warehouse.steps.dbt_sources import main, rendered, stale_files

STAGING = Path(__file__).parents[2] / "dbt_project" / "models" / "staging"


def test_the_source_files_of_the_project_are_those_of_the_specs() -> None:
    assert stale_files(STAGING) == {}


def test_every_stored_column_is_listed() -> None:
    for source in SOURCES:
        tables = yaml.safe_load(rendered(source))["sources"][0]["tables"]
        listed = {table["name"]: {c["name"] for c in table["columns"]} for table in tables}
        for table in source.tables:
            stored = {name for name, _ in stored_columns(table.columns)}
            assert listed[table.name] == stored | {"property_key", "part", "load_id"}


def test_check_names_stale_files_and_writes_nothing(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--staging", str(tmp_path), "--check"])
    assert result.exit_code == 1
    assert "site_crawl/_sources.yml" in result.output
    assert list(tmp_path.iterdir()) == []


def test_writing_makes_the_check_pass(tmp_path: Path) -> None:
    assert CliRunner().invoke(main, ["--staging", str(tmp_path)]).exit_code == 0
    assert CliRunner().invoke(main, ["--staging", str(tmp_path), "--check"]).exit_code == 0
