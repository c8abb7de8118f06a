"""Who may see the pages and who may decide: whoever may read, and whoever may create, runs of the DAG `release`.

The one file that imports `airflow.api_fastapi.core_api.security`, which Airflow's own routes use and which it does not
promise to keep: a test calls every route without a session and as users of each role.
"""

from __future__ import annotations

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag

DAG_ID = "release"

may_see = requires_access_dag("GET", DagAccessEntity.RUN, DAG_ID)
"""Raises HTTPException 401 without a session, 403 for a user without the right."""


def may_decide(user: GetUserDep) -> bool:
    """Whether the user is shown buttons. What is posted is judged by Airflow itself."""
    return bool(
        get_auth_manager().is_authorized_dag(
            method="POST", access_entity=DagAccessEntity.RUN, details=DagDetails(id=DAG_ID), user=user
        )
    )
