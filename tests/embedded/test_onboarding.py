"""Histories loaded side by side by processes of their own."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from seo_warehouse.embedded import processes
from seo_warehouse.embedded.onboarding import components, load_side_by_side
from seo_warehouse.embedded.processes import Stat

pytestmark = pytest.mark.slow

LAST = date(2026, 11, 21)
PROPERTIES = "properties: [{key: 1, name: alpha, domain: alpha.example, history_start: 2026-05-01}]"
NOWHERE = "postgresql://nobody@127.0.0.1:1/nowhere"


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """A home with one property and a PostgreSQL that is not there."""
    (tmp_path / "properties.yml").write_text(PROPERTIES)
    return {
        "SEO_WAREHOUSE_HOME": str(tmp_path),
        "SEO_WAREHOUSE_PROPERTIES": str(tmp_path / "properties.yml"),
        "SEO_WAREHOUSE_DSN": NOWHERE,
    }


def test_what_each_says_is_told_and_who_failed_is_named(tmp_path: Path, variables: dict[str, str]) -> None:
    said: list[str] = []
    # Without a source there is nothing to load; the other one is no property at all.
    assert load_side_by_side(tmp_path, ["alpha", "beta"], LAST, variables, said.append) == ["beta"]
    assert sorted(said) == [
        "alpha: history is whole; the night of 2026-11-22 goes on from it",
        "seo-warehouse: no property 'beta'; there are: alpha",
    ]
    assert components(tmp_path) == []


def test_an_interrupt_ends_every_one_of_them(tmp_path: Path, variables: dict[str, str]) -> None:
    seen: list[Stat] = []

    def interrupt(line: str) -> None:
        seen.extend(stat for component in components(tmp_path) for stat in processes.members(component))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_side_by_side(tmp_path, ["beta", "alpha", "alpha2"], LAST, variables, interrupt)
    assert components(tmp_path) == []
    assert [stat for stat in seen if (now := processes.read_stat(stat.pid)) and now.is_alive] == []
