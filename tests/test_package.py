"""The package as others install it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions, requires
from pathlib import Path

ROOT = Path(__file__).parents[1]
BROUGHT_BY = {
    "cryptography": "google-auth",
    "lxml": "scrapy",
    "markupsafe": "jinja2",
    "protego": "scrapy",
    "pyopenssl": "scrapy",
    "service-identity": "scrapy",
    "sqlalchemy": "great-expectations",
    "twisted": "scrapy",
    "typing-extensions": "pydantic",
    "urllib3": "requests",
    "zope-interface": "scrapy",
}
"""Distributions that are imported as part of the interface of a declared one, which requires them."""


def test_the_wheel_holds_the_package_and_nothing_else(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = ROOT / "plugins"
    tree = (path.relative_to(package) for path in (package / "seo_warehouse").rglob("*") if path.is_file())
    assert names == {path.as_posix() for path in tree if "__pycache__" not in path.parts}
    assert {"seo_warehouse/py.typed", "seo_warehouse/cli.py"} <= names
    assert "seo_warehouse/ledger/migrations/0001_ledgers.sql" in names


def test_every_import_is_declared_or_part_of_what_is() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {_plain(requirement) for requirement in project["dependencies"]}
    owners = packages_distributions()
    for module, places in _imports().items():
        distributions = {_plain(name) for name in owners.get(module, [])}
        assert distributions, f"{module}: {places}"
        if not distributions & (declared | _airflow(distributions)):
            brought = distributions & BROUGHT_BY.keys()
            assert brought, f"{module}: {places}"
            distribution = brought.pop()
            bringer = BROUGHT_BY[distribution]
            assert bringer in declared
            assert distribution in {_plain(requirement) for requirement in requires(bringer) or []}


def _imports() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in [*(ROOT / "plugins").rglob("*.py"), *(ROOT / "dags").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                found.setdefault(name.partition(".")[0], set()).add(path.name)
    ours = {*sys.stdlib_module_names, "seo_warehouse"}
    return {module: places for module, places in found.items() if module not in ours}


def _plain(requirement: str) -> str:
    return re.split(r"[^a-z0-9-]", requirement.lower().replace("_", "-").replace(".", "-"))[0]


def _airflow(distributions: set[str]) -> set[str]:
    """Airflow is one product in many distributions."""
    return {name for name in distributions if name.startswith("apache-airflow")}
