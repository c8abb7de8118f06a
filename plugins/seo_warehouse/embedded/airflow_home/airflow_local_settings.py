"""Read by every Airflow component at its start (the folder is on PYTHONPATH): imports once what tasks need, and says on
the dashboard what its lights mean here.

LocalExecutor forks its tasks from the scheduler, so an audit or a build finds Great Expectations and dbt already
imported: seven seconds less in each; and every task the steps and what properties.yml says, which it else spends more
time on than on its work. Of no use with Celery or Kubernetes, which fork from elsewhere. A changed package reaches
tasks when the scheduler starts.
"""

import logging
import sys
from contextlib import suppress
from importlib import import_module

TASKS_NEED = (
    "great_expectations.expectations",
    "dbt.cli.main",
    "seo_warehouse.steps.groups",
    "seo_warehouse.audit.gate",
    "seo_warehouse.orchestration.dag_parts",
    "airflow.dag_processing.dagbag",
)

if "scheduler" in sys.argv:
    # It tells hundreds of times at import which of its own functions it does not document.
    logging.getLogger("great_expectations._docs_decorators").setLevel(logging.WARNING)
    for name in TASKS_NEED:
        import_module(name)
    from seo_warehouse.config import Settings
    from seo_warehouse.errors import SeoWarehouseError

    # A thousand properties take a second to read. What has changed since is read by each task itself, and what is wrong
    # each task says: the scheduler starts all the same.
    with suppress(SeoWarehouseError, ValueError):
        _ = Settings().properties

if "api-server" in sys.argv:
    from airflow.api_fastapi.common.types import UIAlert

    # The dashboard has a light for each component that Airflow knows, and red for one that was never started.
    DASHBOARD_UIALERTS = [
        UIAlert(
            text="The light of the *Triggerer* is red because none is started: nothing here defers, so nothing waits "
            "for one. All is well while the other three are green.",
            category="info",
        )
    ]
