"""What the clock asks for: nights are closed at their deadline every hour, the tables are kept once a day."""

from __future__ import annotations

from airflow.sdk import DAG

from seo_warehouse.orchestration.dag_parts import maintenance_dag
from seo_warehouse.orchestration.tasks import (
    carry_out_decisions,
    check_clock,
    check_freshness,
    close_overdue,
    keep_tables,
    write_docs,
)

with DAG(**maintenance_dag("maintenance", "Close the nights whose deadline has passed.", "5 * * * *")):
    close_overdue() >> check_clock()
    carry_out_decisions()

with DAG(**maintenance_dag("maintenance__daily", "Partitions ahead, vacuum, stale tables, dbt docs.", "35 23 * * *")):
    keep_tables() >> check_freshness() >> write_docs()
