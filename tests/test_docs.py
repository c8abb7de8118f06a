"""The documentation speaks of what there is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from seo_warehouse.cli import main

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, part = target.partition("#")
        found = page.parent / name if name else page
        assert found.exists(), target
        if part:
            headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert part in {heading.lower().replace(" ", "-") for heading in headings}, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_files_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= targets
    assert set(re.findall(r"`seo-warehouse ([a-z-]+)", text)) <= set(main.commands)
    for name in re.findall(r"`((?:plugins|dbt_project|docs|dags|tests)/[\w/.-]+)`", text):
        assert (ROOT / name).exists(), name


def test_every_command_is_documented() -> None:
    named = re.findall(
        r"^\| `seo-warehouse ([a-z-]+)` \|", (ROOT / "docs/operating.md").read_text("utf-8"), re.MULTILINE
    )
    assert sorted(named) == sorted(main.commands)


def test_every_dependency_has_a_decision() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    decisions = (ROOT / "docs/decisions.md").read_text(encoding="utf-8").lower().replace(" ", "-")
    names = [re.split(r"[\[<>=]", dependency)[0] for dependency in project["dependencies"]]
    assert [name for name in names if name not in decisions] == []


def test_every_mart_is_documented() -> None:
    named = re.findall(
        r"^\| `((?:dim|fct|rpt|metric)_\w+)` \|", (ROOT / "docs/architecture.md").read_text("utf-8"), re.MULTILINE
    )
    assert sorted(named) == sorted(path.stem for path in (ROOT / "dbt_project/models/marts").rglob("*.sql"))
