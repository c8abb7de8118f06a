"""A held load asks for a person: what there is to see is written down, somebody answers, and that is done."""

from __future__ import annotations

from airflow.sdk import DAG

from seo_warehouse.orchestration.dag_parts import ask_person, decide_dag
from seo_warehouse.orchestration.tasks import carry_out, describe

with DAG(**decide_dag()):
    asked = ask_person()
    describe() >> asked
    carry_out(asked.output)
