"""Writers killed by SIGKILL at random instants, then run again."""

from __future__ import annotations

import random
import time
from urllib.parse import urlsplit

import pytest

from seo_warehouse.client.archive import open_archive
from tests.chaos.conftest import Base, Case, Undisturbed
from tests.chaos.state import NIGHT, check_traffic, expect_the_night, read_traffic, watching

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("seed", "source"), [(1, "search_console"), (2, "search_console"), (3, "dataforseo_backlinks")]
)
def test_a_killed_writer_costs_no_answer_twice_and_leaves_the_same_rows(
    base: Base, undisturbed: Undisturbed, case: Case, seed: int, source: str
) -> None:
    dice = random.Random(seed)
    with watching(case.superuser_dsn, base.sizes, undisturbed.sizes):
        writer = case.ingest(source)
        time.sleep(dice.uniform(0, undisturbed.seconds[source]))
        writer.kill()
        at_kill = read_traffic(case.demo, case.home, source, NIGHT)
        case.ingest(source).succeed()
    at_end = read_traffic(case.demo, case.home, source, NIGHT)
    with case.connect() as connection:
        check_traffic(connection, source, NIGHT, at_kill, at_end)
    expect_the_night(case, undisturbed, source)


@pytest.mark.parametrize("seed", [4])
def test_a_killed_crawl_goes_on_where_it_was(base: Base, undisturbed: Undisturbed, case: Case, seed: int) -> None:
    dice = random.Random(seed)
    with watching(case.superuser_dsn, base.sizes, undisturbed.sizes):
        writer = case.ingest("site_crawl")
        time.sleep(dice.uniform(0, undisturbed.seconds["site_crawl"]))
        writer.kill()
        kept, asked = _archived_pages(case), case.demo.calls.report()
        case.ingest("site_crawl").succeed()
    again = {call for call, times in case.demo.calls.report().items() if times > asked.get(call, 0)}
    assert again & kept == set()
    expect_the_night(case, undisturbed, "site_crawl")


def _archived_pages(case: Case) -> set[str]:
    """The calls, as the demo counts them, whose answers the archive holds."""
    archive = open_archive(case.home / "archive", source="site_crawl", property_key=1, scope=f"night={NIGHT}")
    if not archive.folder.exists():
        return set()
    answers = (archive.get(path.name.removesuffix(".zst")) for path in archive.folder.glob("*.zst"))
    parts = (urlsplit(answer.url) for answer in answers if answer is not None)
    return {f"GET {part.hostname}{part.path}" for part in parts}
