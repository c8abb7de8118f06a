"""The build: runs when a night has closed, on what was published since the last one; then the reports.

Beside it people are asked about what is held.
"""

from __future__ import annotations

from airflow.sdk import DAG

from seo_warehouse.orchestration.dag_parts import build_marts, warehouse_dag
from seo_warehouse.orchestration.tasks import ask, judge_build, report

with DAG(**warehouse_dag()):
    built = build_marts()
    built >> report()
    judge_build(built)
    ask()
