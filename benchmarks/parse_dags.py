"""CPU time that reading the DAG files costs beyond `import airflow.sdk`, against the limit of one second.

Each of five processes imports airflow.sdk, then reads all files of dags/ for fifty properties; the median is printed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIMIT_SECONDS = 1.0
REPEATS = 5
PROPERTY_COUNT = 50
MEASURE = f"""
import runpy, time
from airflow.sdk import DAG
began = time.process_time()
for name in ("ingest", "warehouse", "maintenance"):
    runpy.run_path(f"{ROOT}/dags/{{name}}.py")
print(time.process_time() - began)
"""


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        properties = Path(folder) / "properties.yml"
        properties.write_text("properties:\n" + "".join(_property(key) for key in range(1, PROPERTY_COUNT + 1)))
        environment = os.environ | {"AIRFLOW_HOME": folder, "SEO_WAREHOUSE_PROPERTIES": str(properties)}
        seconds = statistics.median(_measure(environment) for _ in range(REPEATS))
    share = seconds / LIMIT_SECONDS
    sys.stdout.write(f"parse_dags: {seconds:.2f} s of CPU for {PROPERTY_COUNT} properties; {share:.2f} of the limit\n")


def _measure(environment: dict[str, str]) -> float:
    done = subprocess.run([sys.executable, "-c", MEASURE], env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def _property(key: int) -> str:
    return f"""
  - key: {key}
    name: property-{key}
    domain: site{key}.example
    history_start: 2026-05-01
    sources:
      search_console: {{site: "sc-domain:site{key}.example"}}
      dataforseo_backlinks: {{target: site{key}.example}}
      dataforseo_serp: {{}}
      site_crawl: {{start_urls: ["https://www.site{key}.example/"]}}
"""


if __name__ == "__main__":
    main()
