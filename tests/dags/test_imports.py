"""What reading the DAG files and the plugins folder brings into a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _modules_after(code: str, properties_file: Path, tmp_path: Path) -> dict[str, str]:
    report = "import json, sys; print(json.dumps({n: str(getattr(m, '__file__', '')) for n, m in sys.modules.items()}))"
    environment = os.environ | {
        "SEO_WAREHOUSE_PROPERTIES": str(properties_file),
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], env=environment, capture_output=True, text=True, check=True
    )
    modules: dict[str, str] = json.loads(done.stdout.strip().splitlines()[-1])
    return modules


def test_reading_the_dag_files_imports_nothing_heavy(properties_file: Path, tmp_path: Path) -> None:
    files = sorted(str(path) for path in (ROOT / "dags").glob("*.py"))
    assert files
    code = f"import runpy\nfor file in {files}: runpy.run_path(file)"
    modules = _modules_after(code, properties_file, tmp_path)
    assert "seo_warehouse.orchestration.dag_parts" in modules
    heavy = {
        "great_expectations",
        "dbt",
        "scrapy",
        "twisted.internet",
        "psycopg",
        "pandas",
        "matplotlib",
        "airflow.providers.standard.operators.trigger_dagrun",
        "seo_warehouse.steps.nightly",
    }
    assert heavy & modules.keys() == set()


def test_the_plugins_folder_leaves_no_module_of_ours_under_a_bare_name(properties_file: Path, tmp_path: Path) -> None:
    code = (
        "from airflow import plugins_manager\n"
        "errors = plugins_manager._get_plugins()[1]\n"
        "assert not errors, errors\n"
        "import seo_warehouse.errors"
    )
    modules = _modules_after(code, properties_file, tmp_path)
    ours = str(ROOT / "plugins" / "seo_warehouse")
    twins = {name for name, file in modules.items() if file.startswith(ours) and not name.startswith("seo_warehouse")}
    assert "seo_warehouse.errors" in modules
    assert not twins


def test_only_the_scheduler_imports_beforehand_what_tasks_need(properties_file: Path, tmp_path: Path) -> None:
    folder = ROOT / "plugins" / "seo_warehouse" / "embedded" / "airflow_home"
    code = f"import sys\nsys.path.insert(0, '{folder}')\nsys.argv = ['airflow', '{{}}']\nimport airflow_local_settings"
    needed = {"great_expectations.expectations", "dbt.cli.main", "psycopg"}
    assert needed <= _modules_after(code.format("scheduler"), properties_file, tmp_path).keys()
    assert not needed & _modules_after(code.format("api-server"), properties_file, tmp_path).keys()


def test_the_dashboard_says_why_the_light_of_the_triggerer_is_red(properties_file: Path, tmp_path: Path) -> None:
    folder = ROOT / "plugins" / "seo_warehouse" / "embedded" / "airflow_home"
    lines = (
        "import sys",
        f"sys.path.insert(0, '{folder}')",
        "sys.argv = ['airflow', 'api-server']",
        "import airflow.settings",
        "airflow.settings.initialize()",
        "from airflow.api_fastapi.core_api.routes.ui import config",
        "shown = [alert.text for alert in config.DASHBOARD_UIALERTS if isinstance(alert, config.UIAlert)]",
        "assert [text.split(' is red')[0] for text in shown] == ['The light of the *Triggerer*'], shown",
    )
    _modules_after("\n".join(lines), properties_file, tmp_path)
