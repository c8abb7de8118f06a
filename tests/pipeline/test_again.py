"""What was read once is read again: the same night, and four weeks from the archive."""

from __future__ import annotations

from datetime import timedelta

import pytest

from seo_warehouse.spec import Kind
from seo_warehouse.steps import nightly
from tests.pipeline.conftest import Running
from tests.pipeline.raw import digests


def test_the_same_night_again_is_unchanged_byte_by_byte_and_asks_nobody(running: Running) -> None:
    before = digests(running)
    running.control("calls", {})
    for source in running.wh.sources:
        for prop in running.wh.properties.with_source(source):
            states = nightly.ingest(running.wh, source.name, prop.name, running.night)
            # A file that is known is not even read again.
            expected = set() if source.kind is Kind.DROP else {"unchanged"}
            assert (source.name, prop.name, set(states)) == (source.name, prop.name, expected)
            assert not expected or len(states) >= len(source.tables)
    assert running.provider_calls() == {}
    assert running.control("calls")["orders"]["repeated"] == []
    assert digests(running) == before
    reused, asked = running.rows(
        "select sum(calls_reused), sum(calls) from ops.load where night = %s and state = 'unchanged' and attempt > 1",
        running.night,
    )[0]
    assert (asked, reused > 0) == (0, True)


@pytest.mark.parametrize("source_name", ["site_crawl", "dataforseo_serp", "dataforseo_backlinks", "search_console"])
def test_four_weeks_are_replayed_from_the_archive_to_the_same_rows_without_a_request(
    running: Running, source_name: str
) -> None:
    source = next(source for source in running.wh.sources if source.name == source_name)
    first = running.night - timedelta(days=27)
    newest = running.night - timedelta(days=source.delay_days)
    before = digests(running, source_name)
    last_load = running.one("select max(load_id) from ops.load")
    running.control("calls", {})
    for prop in running.wh.properties.with_source(source):
        assert set(nightly.replay(running.wh, source.name, prop.name, first, running.night)) == {"unchanged"}
    assert running.provider_calls() == {}
    assert digests(running, source_name) == before
    days = running.rows(
        """
        select distinct l.property_key, l.table_name, d.day
        from ops.load as l join ops.load_day as d using (load_id)
        where l.load_id > %s and l.purpose = 'replay' and d.day between %s and %s
        """,
        last_load,
        first,
        newest,
    )
    published = running.rows(
        """
        select property_key, table_name, day from ops.publication
        where is_current and source = %s and day between %s and %s
        """,
        source.name,
        first,
        newest,
    )
    assert sorted(days) == sorted(published)
    assert len({day for _, _, day in days}) == len(range(0, (newest - first).days + 1, source.interval_days))
