"""A crawl of a real site, against a count made otherwise; `python -m benchmarks.documentation` crawls larger ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.crawl.documentation import SQLITE, counted, crawled

pytestmark = [pytest.mark.external, pytest.mark.slow]


def test_a_crawl_finds_exactly_what_an_independent_count_finds(tmp_path: Path) -> None:
    if not SQLITE.is_installed:
        if os.environ.get("CI"):
            pytest.fail(f"{SQLITE.folder} is missing: CI installs {SQLITE.package}")
        pytest.skip(f"{SQLITE.folder} is missing: apt-get install {SQLITE.package}")
    expected, found = counted(SQLITE), crawled(SQLITE, tmp_path)
    assert found.statuses == expected.statuses
    assert found.links == expected.links
    assert found.external_hosts == expected.external_hosts
    assert {200, 404, None} <= set(found.statuses.values())
    assert len(found.statuses) > 200
