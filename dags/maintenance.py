"""What the clock asks for: nights close at their deadline, guests keep to their limits, tables are kept daily."""

from __future__ import annotations

from airflow.sdk import DAG

from seo_warehouse.orchestration.dag_parts import maintenance_dag
from seo_warehouse.orchestration.tasks import (
    ask,
    carry_out_decisions,
    check_clock,
    check_freshness,
    close_overdue,
    end_overlong_sessions,
    end_request,
    find_deferred,
    find_overtaken,
    keep_tables,
    read_deferred,
    tell_people,
    write_docs,
)

with DAG(**maintenance_dag("maintenance", "Close the nights whose deadline has passed.", "5 * * * *")):
    close_overdue() >> [check_clock(), tell_people()]
    carry_out_decisions() >> ask()
    end_request.expand(overtaken_run=find_overtaken())
    read_deferred.expand(deferred=find_deferred())

with DAG(
    **maintenance_dag("maintenance__guests", "End analysts' sessions that are over their limits.", "*/10 * * * *")
):
    end_overlong_sessions()

with DAG(**maintenance_dag("maintenance__daily", "Partitions ahead, vacuum, stale tables, dbt docs.", "35 23 * * *")):
    keep_tables() >> check_freshness() >> write_docs()
