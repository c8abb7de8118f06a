"""What docker/Dockerfile runs to install, in an empty virtual environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.production.compose import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_the_images_steps_install_what_is_locked_and_no_more(tmp_path: Path) -> None:
    text = (ROOT / "docker/Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    stage = text.partition("\nFROM ")[2].partition("\nFROM ")[0]
    empty, app = tmp_path / "python", tmp_path / "app"
    subprocess.run([sys.executable, "-m", "venv", empty], check=True)
    app.mkdir()
    stated = dict(re.findall(r"(UV_\w+)=(\S+)", "".join(re.findall(r"^ENV (.*)$", stage, re.MULTILINE))))
    # As the image, but from the cache and uncompiled: here only the outcome matters.
    cheap = {"UV_NO_CACHE": "false", "UV_COMPILE_BYTECODE": "0", "UV_LINK_MODE": "hardlink"}
    # What a machine needs to reach its registry stays; the environment of this test's own Python goes.
    place = {k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"} | {"PATH": f"{empty / 'bin'}:/usr/bin:/bin"}
    for instruction, arguments in re.findall(r"^(RUN|COPY) (.*)$", stage, re.MULTILINE):
        if instruction == "RUN":
            done = subprocess.run(
                ["sh", "-c", arguments], cwd=app, env=place | stated | cheap, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
            continue
        *sources, target = arguments.split()
        for source in sources:
            found = ROOT / source
            if found.is_dir():
                shutil.copytree(found, app / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(found, app / target)
    installed = {path.name.partition("-")[0] for path in (app / ".venv/lib").glob("python3*/site-packages/*.dist-info")}
    assert {"apache_airflow", "apache_airflow_providers_celery", "dbt_postgres", "seo_warehouse"} <= installed
    assert installed & {"pytest", "mypy", "ruff"} == set()
    # The workers' parts are nowhere else installed than here: they must at least fit together.
    fits = [app / ".venv/bin/python", "-c", "import airflow.providers.celery.executors.celery_executor"]
    subprocess.run(fits, cwd=tmp_path, env=place | {"AIRFLOW_HOME": str(tmp_path)}, check=True, capture_output=True)
    said = subprocess.run(
        [app / ".venv/bin/seo-warehouse", "--version"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert "0.1.0" in said.stdout
