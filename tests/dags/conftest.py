"""The DAGs as Airflow reads them, for two properties of which one is crawled."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Before anything imports Airflow: it makes a folder where it is told its home is.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="seo-warehouse-airflow-home-"))

ROOT = Path(__file__).parents[2]
PROPERTIES = """
google_updates: {}
properties:
  - key: 1
    name: alpha
    domain: alpha.example
    history_start: 2026-05-01
    sources:
      search_console: {site: "sc-domain:alpha.example"}
      dataforseo_backlinks: {target: alpha.example}
      dataforseo_serp: {}
      site_crawl: {start_urls: ["https://www.alpha.example/"]}
      exports: {}
  - key: 2
    name: beta
    domain: beta.example
    history_start: 2026-05-01
    sources:
      search_console: {site: "sc-domain:beta.example"}
      dataforseo_backlinks: {target: beta.example}
      dataforseo_serp: {}
      exports: {}
"""


@pytest.fixture(scope="session")
def properties_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("properties") / "properties.yml"
    path.write_text(PROPERTIES)
    return path


@pytest.fixture(scope="session")
def dag_bag(properties_file: Path) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEO_WAREHOUSE_PROPERTIES", str(properties_file))
        patch.setenv("SEO_WAREHOUSE_RETRY_SECONDS", "90")
        from airflow.dag_processing.dagbag import DagBag

        yield DagBag(dag_folder=str(ROOT / "dags"))


@pytest.fixture(scope="session")
def dags(dag_bag: Any) -> dict[str, Any]:
    assert dag_bag.import_errors == {}
    assert dag_bag.dags, "no DAG at all: a wrong folder would pass every test"
    return dict(dag_bag.dags)
