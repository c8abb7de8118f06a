"""DAGs for the tests of the embedded Airflow: one that ends at once, one that runs until a file appears."""

from __future__ import annotations

import os
import time
from pathlib import Path

from airflow.sdk import DAG, PartitionedAtRuntime, task

with DAG("quick", schedule=PartitionedAtRuntime()):

    @task
    def tell(partition_key: str | None = None) -> str | None:
        return partition_key

    tell()

with DAG("waiting", schedule=None):

    @task(retries=3, retry_delay=1)
    def wait_for_file() -> None:
        folder = Path(os.environ["SMALL_FOLDER"])
        (folder / "began").touch()
        deadline = time.monotonic() + 300
        while not (folder / "go on").exists() and time.monotonic() < deadline:
            time.sleep(0.2)

    wait_for_file()
