"""What `make` installs: for a user what runs, for a developer the tools of tests and linters beside it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UV = """#!/bin/sh
echo "$@" >> asked
mkdir -p .venv/bin
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A fresh tree, and a uv that notes what it is asked for."""
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, tmp_path)
    uv = tmp_path / "uv"
    uv.write_text(UV)
    uv.chmod(0o755)
    return tmp_path


def asked(tree: Path, target: str) -> list[str]:
    """What making a target has asked of uv so far, but for the interpreter."""
    done = subprocess.run(["make", "UV=./uv", target], cwd=tree, capture_output=True, text=True, check=False)
    assert "installing" in done.stdout or "up to date" in done.stdout, done.stderr
    return [line.partition(" --python ")[0] + line.endswith("--no-dev") * " --no-dev" for line in _lines(tree)]


def _lines(tree: Path) -> list[str]:
    return (tree / "asked").read_text().splitlines()


def prerequisite(target: str) -> str:
    """The stamp that a target needs."""
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    [line] = [line for line in lines if line.startswith(f"{target}: ")]
    return line.partition("##")[0].partition(": ")[2].strip()


def test_who_runs_gets_no_tools_of_tests_and_who_tests_gets_all(tree: Path) -> None:
    assert asked(tree, ".venv/.ready") == ["sync --locked --no-dev"]
    assert asked(tree, ".venv/.developing") == ["sync --locked --no-dev", "sync --locked"]
    # Both stamps are fresh now.
    assert len(asked(tree, ".venv/.ready")) == 2


def test_who_has_the_tools_of_tests_keeps_them_when_the_lock_changes(tree: Path) -> None:
    (tree / ".venv/bin").mkdir(parents=True)
    (tree / ".venv/bin/pytest").touch()
    assert asked(tree, ".venv/.ready") == ["sync --locked"]


def test_dashboards_have_an_environment_of_their_own_of_locked_files(tree: Path) -> None:
    (tree / "bi/.venv").mkdir(parents=True)
    shutil.copy(ROOT / "bi/requirements.lock", tree / "bi")
    assert asked(tree, "bi/.venv/.ready") == [
        "venv --quiet --clear",
        "pip sync --quiet --compile-bytecode --require-hashes",
    ]
    assert len(asked(tree, "bi/.venv/.ready")) == 2
    lock = (ROOT / "bi/requirements.lock").read_text(encoding="utf-8")
    pins = [line for line in lock.splitlines() if line and line[0] not in "# "]
    assert all("==" in pin for pin in pins)
    assert len(pins) > 100
    wanted = (ROOT / "bi/requirements.in").read_text(encoding="utf-8").splitlines()
    assert [want for want in wanted if "#" not in want and want not in lock] == []


def test_what_is_installed_is_removed_where_half_of_it_is_gone_already(tree: Path) -> None:
    (tree / "bi/.venv/bin").mkdir(parents=True)
    (tree / "bi/.venv/bin/python").symlink_to("/bin/false")
    subprocess.run(["make", "UV=./uv", "clean"], cwd=tree, capture_output=True, check=True)
    assert not (tree / "bi/.venv").exists()


@pytest.mark.parametrize("target", ["run", "stop", "status"])
def test_what_serves_needs_no_tools_of_tests(target: str) -> None:
    assert prerequisite(target) == "$(READY)"


@pytest.mark.parametrize("target", ["test", "bench", "bench-chaos", "lint-python", "lint-types", "lint-sql", "format"])
def test_what_tests_and_measures_needs_them(target: str) -> None:
    assert prerequisite(target) == "$(DEVELOPING)"
