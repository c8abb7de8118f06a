"""A property's history: a person starts a run, which takes the property and the first day."""

from __future__ import annotations

from airflow.sdk import DAG

from seo_warehouse.orchestration.dag_parts import onboarding_dag
from seo_warehouse.orchestration.tasks import load_history

with DAG(**onboarding_dag()):
    load_history()
