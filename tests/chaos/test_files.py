"""`ingest` of dropped files killed by SIGKILL at random instants, then run again."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.chaos.child import Child, start_command
from tests.steps.dropping import Shop, open_shop, rankings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

KILLS = 3
DAYS = [f"2026-05-{day:02}" for day in range(1, 11)]
KEYWORDS = [f"k{number}" for number in range(150)]
RAW = "select day::text, keyword, device, position from raw.raw_exports__ranking where property_key = %s"


def drop_files(shop: Shop, name: str) -> dict[tuple[str, str, str], int]:
    """Three files that overlap, and what is right in the end: of each check the latest export's."""
    dice = random.Random(11)
    right: dict[tuple[str, str, str], int] = {}
    for number in range(3):
        device = ("desktop", "mobile")[number % 2]
        kept = [(d, k, dice.randint(1, 90)) for d in DAYS for k in KEYWORDS if dice.random() < 0.7]
        content = rankings(kept, device).replace("shop.example", f"{name}.example")
        shop.drop(f"rankings {number}.csv", content, f"2026-06-0{number + 1}T12:00:00+00:00", name)
        right |= {(d, k, device): position for d, k, position in kept}
    return right


def start(shop: Shop, name: str) -> Child:
    log = shop.home / f"ingest-{time.monotonic_ns()}.log"
    return start_command(shop.environment, log, "ingest", "--source", "exports", "--property", name)


def test_files_whose_loading_was_killed_end_as_if_it_had_not_been(database: str, tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "home", database)
    drop_files(shop, "blog")
    began = time.monotonic()
    start(shop, "blog").succeed()
    seconds = time.monotonic() - began
    right = drop_files(shop, "shop")
    dice = random.Random(12)
    for _ in range(KILLS):
        killed = start(shop, "shop")
        time.sleep(dice.uniform(0.2, seconds))
        killed.kill()
        # Whatever was published is whole: the merged days and the ledger agree.
        assert shop.fetch(DIFFERING) == []
    # The server may not have noticed the last death yet: its locks end within seconds.
    deadline = time.monotonic() + 30
    while (last := start(shop, "shop")).end() and time.monotonic() < deadline:
        assert "another" in last.said
    assert {row[:3]: row[3] for row in shop.fetch(RAW, (1,))} == right
    assert shop.fetch(DIFFERING) == []
    assert shop.fetch("select load_id, state from ops.load where state in ('started', 'written', 'passed')") == []
    assert shop.fetch("select tablename from pg_tables where schemaname = 'audit'") == []
    settled = (
        "select count(*) from ops.load where property_key = 1 and state in ('published', 'unchanged', 'superseded')"
    )
    assert shop.fetch(settled) == [(3,)]
    archived = [path for path in (shop.home / "archive" / "exports" / "p1").rglob("*") if path.is_file()]
    assert [path.name for path in archived] == ["file.zst"] * 3


DIFFERING = """
    select * from
        (select property_key, part, day, count(*) as row_count from raw.raw_exports__ranking group by 1, 2, 3) as held
    full join
        (select property_key, part, day, row_count from ops.publication where is_current and row_count > 0) as stated
    using (property_key, part, day, row_count)
    where held is null or stated is null
"""
