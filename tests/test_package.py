"""The package as others install it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "plugins" / "seo_warehouse"
BROUGHT_BY = {
    "cryptography": "google-auth",
    "dbt-common": "dbt-core",
    "markupsafe": "jinja2",
    "protego": "scrapy",
    "psycopg2-binary": "dbt-postgres",
    "pyopenssl": "scrapy",
    "service-identity": "scrapy",
    "sqlalchemy": "great-expectations",
    "typing-extensions": "pydantic",
    "zope-interface": "scrapy",
}
"""Distributions that are imported as part of the interface of a declared one, which requires them."""


WALLS = {
    "client": {"sources", "exports", "crawl", "ledger", "load", "audit", "steps", "orchestration", "embedded", "demo"},
    "sources": {"ledger", "load", "audit", "steps", "orchestration", "embedded", "demo"},
    "alerting": {"sources", "ledger", "load", "audit", "steps", "orchestration", "embedded", "demo"},
    "exports": {"client", "ledger", "load", "audit", "steps", "orchestration", "embedded", "demo"},
    "logs": {"client", "ledger", "load", "audit", "steps", "orchestration", "embedded", "demo"},
    "crawl": {"ledger", "load", "audit", "steps", "orchestration", "embedded", "demo"},
    "linkcheck": {"client", "sources", "ledger", "load", "audit", "steps", "orchestration", "embedded", "demo"},
    "ledger": {"load", "audit", "steps", "orchestration", "embedded", "demo"},
    "load": {"sources", "audit", "steps", "orchestration", "embedded", "demo"},
    "audit": {"sources", "steps", "orchestration", "embedded", "demo"},
    "discovery": {"sources", "effect", "steps", "orchestration", "embedded", "demo"},
    "referral": {"client", "sources", "ledger", "load", "audit", "steps", "orchestration", "embedded", "demo"},
    "relations": {"client", "sources", "ledger", "load", "audit", "steps", "orchestration", "embedded", "demo"},
    "authority": {"client", "sources", "ledger", "load", "audit", "steps", "orchestration", "embedded", "demo"},
    "effect": {"sources", "steps", "orchestration", "embedded", "demo"},
    "report": {"sources", "client", "steps", "orchestration", "embedded", "demo"},
    "steps": {"orchestration", "pages", "embedded", "demo"},
    "pages": {"client", "sources", "load", "audit", "orchestration", "embedded", "demo"},
    "orchestration": {"embedded", "demo"},
    "demo": {"load", "audit", "orchestration", "embedded"},
}
"""Rooms, and those that they never import from."""


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


@pytest.mark.parametrize("room", WALLS)
def test_a_room_imports_from_none_that_it_must_not_know(room: str) -> None:
    paths = list((PACKAGE / room).rglob("*.py"))
    assert len(paths) > 1
    imported = {name for path in paths for name in _imported(path) if name.startswith("seo_warehouse.")}
    assert {name for name in imported if name.split(".")[1] in WALLS[room]} == set()


def test_the_demo_is_known_to_its_own_room_to_make_run_and_to_the_command_that_serves_it_alone() -> None:
    told = [path for path in _elsewhere("demo", "embedded") if "demo" in path.read_text(encoding="utf-8").lower()]
    assert told == [PACKAGE / "cli.py"]


def test_airflow_is_not_imported_by_name_either() -> None:
    """The linter sees statements only."""
    by_name = [
        path
        for path in _elsewhere("orchestration", "embedded")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__"))
    ]
    assert by_name == []


def _elsewhere(*rooms: str) -> list[Path]:
    """The package's modules outside some rooms."""
    paths = [path for path in sorted(PACKAGE.rglob("*.py")) if path.relative_to(PACKAGE).parts[0] not in rooms]
    assert len(paths) > 50
    return paths


def _imports() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in [*(ROOT / "plugins").rglob("*.py"), *(ROOT / "dags").glob("*.py")]:
        for name in _imported(path):
            found.setdefault(name.partition(".")[0], set()).add(path.name)
    ours = {*sys.stdlib_module_names, "seo_warehouse"}
    return {module: places for module, places in found.items() if module not in ours}


def _imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, anywhere in it; of `from package import name` also `package.name`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _plain(requirement: str) -> str:
    return re.split(r"[^a-z0-9-]", requirement.lower().replace("_", "-").replace(".", "-"))[0]


def _airflow(distributions: set[str]) -> set[str]:
    """Airflow is one product in many distributions."""
    return {name for name in distributions if name.startswith("apache-airflow")}
