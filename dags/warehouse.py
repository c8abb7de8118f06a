"""The build: runs when a night has closed, on what was published since the last one; then the reports.

Beside it people are asked about what is held.
"""

from __future__ import annotations

from airflow.sdk import DAG

from seo_warehouse.orchestration.dag_parts import warehouse_dag
from seo_warehouse.orchestration.tasks import ask, build, judge_build, report

with DAG(**warehouse_dag()):
    built = build()
    report(built)
    built >> judge_build()
    ask()
