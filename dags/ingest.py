"""One DAG for each source that properties.yml asks for.

A night's answers are ordered where the source works so; each table is written, audited and published, property by
property; then the source's night is announced and, once every source has ended it, closed, which wakes `warehouse`.
"""

from __future__ import annotations

from airflow.sdk import DAG

from seo_warehouse.orchestration.dag_parts import configured_sources, ingest_dag, load_all, order
from seo_warehouse.orchestration.tasks import announce, close_night, verdict

for source, groups in configured_sources():
    with DAG(**ingest_dag(source)):
        published = load_all(source, groups, after=order(source, groups))
        announced = announce(source.name)
        published >> announced >> [close_night(source.name), verdict(source.name)]
