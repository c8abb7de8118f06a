"""The DAGs as Airflow reads them, for two properties of which one is crawled."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

import tests.airflow_home  # noqa: F401
from seo_warehouse.sources import SOURCES
from seo_warehouse.sources.site_crawl import SITE_CRAWL
from seo_warehouse.spec import Source

ROOT = Path(__file__).parents[2]


def _stated(key: int, name: str, sources: Iterable[Source]) -> dict[str, Any]:
    site = {"key": key, "name": name, "domain": f"{name}.example", "history_start": "2026-05-01"}
    return {**site, "sources": {source.name: source.example() for source in sources if not source.is_shared}}


def properties() -> dict[str, Any]:
    """Two properties that read every source, but that the second is not crawled; and what concerns both."""
    shared = {source.name: source.example() for source in SOURCES if source.is_shared}
    rest = [source for source in SOURCES if source is not SITE_CRAWL]
    return {**shared, "properties": [_stated(1, "alpha", SOURCES), _stated(2, "beta", rest)]}


@pytest.fixture(scope="session")
def properties_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("properties") / "properties.yml"
    path.write_text(yaml.safe_dump(properties()))
    return path


@pytest.fixture(scope="session")
def dag_bag(properties_file: Path) -> Any:
    """The DAGs, read under settings that end with the reading: tests of other folders run in this process later."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEO_WAREHOUSE_PROPERTIES", str(properties_file))
        patch.setenv("SEO_WAREHOUSE_RETRY_SECONDS", "90")
        from airflow.dag_processing.dagbag import DagBag

        return DagBag(dag_folder=str(ROOT / "dags"))


@pytest.fixture(scope="session")
def dags(dag_bag: Any) -> dict[str, Any]:
    assert dag_bag.import_errors == {}
    assert dag_bag.dags, "no DAG at all: a wrong folder would pass every test"
    return dict(dag_bag.dags)
