"""The page on modelling speaks of the models that there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from tests.warehouse.world import Dbt

PAGE = Path(__file__).parents[2] / "docs/modelling.md"
MODEL = r"\b(?:int|fct|dim|rpt)_\w+"


def arrows(drawing: str) -> Iterator[tuple[set[str], set[str]]]:
    """The models of the boxes at both ends of each arrow."""
    names = {box: set(re.findall(MODEL, label)) for box, label in re.findall(r"(\w+)\[(.*?)\]", drawing)}
    for line in drawing.splitlines():
        boxes = [re.split(r"\W", part.strip())[0] for part in line.split("-->")]
        for one, other in pairwise(boxes):
            yield names[one], names[other]


def test_every_arrow_of_the_drawing_is_a_way_in_the_project(dbt: Dbt) -> None:
    manifest = dbt.parsed()
    names = {key: node.name for key, node in manifest.nodes.items() if node.resource_type == "model"}

    def upstream(key: str) -> set[str]:
        parents = [parent for parent in manifest.parent_map[key] if parent in names]
        return {names[parent] for parent in parents}.union(*map(upstream, parents))

    keys = {name: key for key, name in names.items()}
    [drawing] = re.findall(r"```mermaid\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    found = list(arrows(drawing))
    assert len(found) > 15
    for before, after in found:
        assert before
        for name in after:
            assert before <= upstream(keys[name]), (before, name)


def test_every_model_that_the_page_names_exists(dbt: Dbt) -> None:
    named = set(re.findall(MODEL, PAGE.read_text(encoding="utf-8")))
    assert len(named) > 15
    assert named <= {node.name for node in dbt.parsed().nodes.values() if node.resource_type == "model"}
