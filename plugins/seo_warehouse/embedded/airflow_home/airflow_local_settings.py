"""Read by every Airflow component at its start (the folder is on PYTHONPATH): imports once what tasks need.

LocalExecutor forks its tasks from the scheduler, so an audit or a build finds Great Expectations and dbt already
imported: seven seconds less in each. Of no use with Celery or Kubernetes, which fork from elsewhere.
"""

import sys

if "scheduler" in sys.argv:
    import dbt.cli.main  # noqa: F401
    import great_expectations.expectations  # noqa: F401
