"""The same work begun twice at once."""

from __future__ import annotations

import pytest

from tests.chaos.conftest import Base, Case, Undisturbed
from tests.chaos.state import expect_the_night, read_calls, watching

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("source", ["search_console", "dataforseo_serp", "site_crawl"])
def test_two_ingests_of_one_night_at_once_do_its_work_once(
    base: Base, undisturbed: Undisturbed, case: Case, source: str
) -> None:
    before = len(case.demo.orders)
    with watching(case.superuser_dsn, base.sizes, undisturbed.sizes):
        twins = [case.ingest(source), case.ingest(source)]
        statuses = [twin.end() for twin in twins]
        # Each may have been in the other's way; then it says so, and whoever comes next does what is left.
        for twin, status in zip(twins, statuses, strict=True):
            assert status == 0 or "\nseo-warehouse: " in f"\n{twin.said}", twin.said
        case.ingest(source).succeed()
    assert read_calls(case.demo) == undisturbed.calls[source]
    assert case.demo.orders.repeated() == []
    assert len(case.demo.orders) - before == (20 if source == "dataforseo_serp" else 0)
    expect_the_night(case, undisturbed, source)
