"""A person's decision about a quarantined load, started by hand."""

from __future__ import annotations

from airflow.sdk import DAG

from seo_warehouse.orchestration.dag_parts import release_dag
from seo_warehouse.orchestration.tasks import release

with DAG(**release_dag()):
    release()
