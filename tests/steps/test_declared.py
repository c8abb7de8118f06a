"""What follows from the specs of the sources: dbt's files, settings, credentials."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from seo_warehouse.alerting.settings import Channel
from seo_warehouse.load.schema import stored_columns
from seo_warehouse.sources import SOURCES
from seo_warehouse.steps.dbt_sources import rendered, rendered_feeds
from seo_warehouse.steps.declared import main, stale_files

ROOT = Path(__file__).parents[2]
WRITTEN_BY_HAND_TOO = (
    *("docs/properties.md", "docs/metrics.md"),
    *("properties.example.yml", ".env.example", "docker-compose.yml"),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository in which nothing that follows from the specs was written yet."""
    for name in WRITTEN_BY_HAND_TOO:
        text = (ROOT / name).read_text("utf-8")
        emptied, count = re.subn(r"(declared: (?!end)\w.*\n)(?:.*\n)*?(.*declared: end)", r"\1\2", text)
        assert count
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(emptied, "utf-8")
    (tmp_path / "dbt_project").mkdir()
    (tmp_path / "dbt_project" / "metrics.yml").write_bytes((ROOT / "dbt_project" / "metrics.yml").read_bytes())
    return tmp_path


def test_the_files_of_the_project_are_those_of_the_specs() -> None:
    assert stale_files(ROOT) == {}


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


def test_check_names_stale_files_and_writes_nothing(root: Path) -> None:
    before = {path: path.read_text("utf-8") for path in root.rglob("*") if path.is_file()}
    result = CliRunner().invoke(main, ["--root", str(root), "--check"])
    assert result.exit_code == 1
    for name in ("site_crawl/_sources.yml", "macros/feeds.sql", *WRITTEN_BY_HAND_TOO):
        assert name in result.output
    assert {path: path.read_text("utf-8") for path in root.rglob("*") if path.is_file()} == before


def test_writing_makes_the_check_pass_and_leaves_what_people_wrote(root: Path) -> None:
    assert CliRunner().invoke(main, ["--root", str(root)]).exit_code == 0
    assert CliRunner().invoke(main, ["--root", str(root), "--check"]).exit_code == 0
    for name in WRITTEN_BY_HAND_TOO:
        assert (root / name).read_text("utf-8") == (ROOT / name).read_text("utf-8")


def test_docker_compose_hands_every_connection_to_what_runs_tasks_and_to_nothing_else() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    named = {source.connection for source in SOURCES if source.connection}
    assert named
    wanted = {f"AIRFLOW_CONN_{name.upper()}" for name in (*named, Channel.model_fields["connection"].default)}
    for name in ("scheduler", "worker", "init", "api-server", "dag-processor", "postgres"):
        given = {variable for variable in services[name]["environment"] if variable.startswith("AIRFLOW_CONN_")}
        assert given == (wanted if name in ("scheduler", "worker", "init") else set()), name
