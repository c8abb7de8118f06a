"""Dropped files on their way into the warehouse."""

from __future__ import annotations

import os
import random
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest

from seo_warehouse.config import Settings
from seo_warehouse.errors import AuditFailedError, ConfigError, NotArchivedError, TransientLoadError
from seo_warehouse.ledger.completeness import read_waiting
from seo_warehouse.steps import drop
from seo_warehouse.steps.status import acknowledge_failures, say_loads
from seo_warehouse.steps.warehouse import Warehouse
from tests.conftest import PASSWORDS
from tests.steps.dropping import NIGHT, Shop, open_shop, rankings

MAY = "2026-05-01"
YESTERDAY = NIGHT - timedelta(1)
LATER = "2026-06-02T12:00:00+00:00"
HELD = "select day::text, keyword, position from raw.raw_exports__ranking where property_key = 1 order by 1, 2"


@pytest.fixture
def shop(database: str, tmp_path: Path) -> Shop:
    return open_shop(tmp_path / "home", database)


def ingest(shop: Shop, night: date = NIGHT) -> list[str]:
    shop.said.clear()
    return drop.ingest(shop.wh, "exports", "shop", night, shop.say)


def load_states(shop: Shop) -> list[str]:
    return [state for (state,) in shop.fetch("select state from ops.load order by load_id")]


@contextmanager
def full_disk(most_bytes: int) -> Iterator[None]:
    """No file of this process may grow beyond some bytes: what a full disk says, another error number apart."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_a_file_is_loaded_once_whatever_its_name(shop: Shop) -> None:
    shop.drop("rankings.csv", rankings([(MAY, "a", 3), (MAY, "b", 4)]))
    assert ingest(shop) == ["published"]
    assert shop.fetch(HELD) == [(MAY, "a", 3), (MAY, "b", 4)]
    assert ingest(shop) == []
    shop.drop("rankings (1).csv", rankings([(MAY, "a", 3), (MAY, "b", 4)]), LATER)
    assert ingest(shop) == ["published"]
    assert shop.said[0] == "rankings (1).csv: unchanged: its bytes are those of rankings.csv"
    assert load_states(shop) == ["published"]
    assert shop.fetch("select file_name from ops.export_sighting order by 1") == [
        ("rankings (1).csv",),
        ("rankings.csv",),
    ]
    assert shop.fetch("select count(*) from ops.export_file") == [(1,)]


def test_a_night_takes_the_same_way_in_three_steps(shop: Shop) -> None:
    shop.drop("rankings.csv", rankings([(MAY, "a", 3)]))
    shop.drop("more rankings.csv", rankings([(MAY, "a", 5), (MAY, "c", 6)]), LATER)
    assert len(drop.write(shop.wh, "exports", "shop", NIGHT)) == 2
    assert drop.write(shop.wh, "exports", "blog", NIGHT) == []
    drop.audit(shop.wh, "exports", NIGHT)
    assert drop.publish(shop.wh, "exports", "shop", NIGHT) == ["published", "published"]
    assert drop.publish(shop.wh, "exports", "blog", NIGHT) == []
    drop.verdict(shop.wh, "exports", NIGHT)
    assert shop.fetch(HELD) == [(MAY, "a", 5), (MAY, "c", 6)]
    assert shop.fetch("select distinct night, purpose from ops.load") == [(NIGHT, "night")]


def test_refused_files_are_named_and_left_until_they_change_and_the_rest_is_loaded(shop: Shop) -> None:
    shop.drop("rankings.csv", rankings([(MAY, "a", 3)]))
    nonsense = shop.drop("nonsense.csv", "what,is\n1,2\n")
    (shop.folder / "link.csv").symlink_to("/etc/passwd")
    with pytest.raises(AuditFailedError, match=r"refused: link\.csv: it is a link.* refused: nonsense\.csv, line 1: "):
        ingest(shop, YESTERDAY)
    assert load_states(shop) == ["published"]
    with pytest.raises(AuditFailedError, match=r"2 files.* shop: refused: link\.csv.* shop: refused: nonsense\.csv"):
        drop.verdict(shop.wh, "exports", YESTERDAY)
    # The next night has nothing to say about what was told already.
    assert drop.write(shop.wh, "exports", "shop", NIGHT) == []
    drop.verdict(shop.wh, "exports", NIGHT)
    shop.drop("nonsense.csv", rankings([(MAY, "n", 9)]), LATER)
    (shop.folder / "link.csv").unlink()
    assert ingest(shop) == ["published"]
    assert shop.fetch(HELD) == [(MAY, "a", 3), (MAY, "n", 9)]
    assert nonsense.exists()


def test_a_refused_file_gets_another_try_under_another_name(shop: Shop) -> None:
    path = shop.drop("x.csv", "what,is\n1,2\n")
    with pytest.raises(AuditFailedError):
        ingest(shop)
    path.rename(shop.folder / "y.csv")
    with pytest.raises(AuditFailedError, match=r"refused: y\.csv, line 1"):
        ingest(shop)
    assert shop.fetch("select file_name, state from ops.export_file") == [("y.csv", "refused")]


def test_lines_that_cannot_be_understood_are_kept_with_their_reasons(shop: Shop) -> None:
    rows = [(MAY, f"k{n}", 1 + n) for n in range(50)]
    shop.drop("rankings.csv", rankings(rows) + f"{MAY},broken,google,US,en,desktop,found,many,,100\n")
    assert ingest(shop) == ["published"]
    (told,) = shop.fetch("select line_no, column_name, content from ops.export_refusal")
    assert told[:2] == (52, "position")
    assert shop.fetch("select row_count, refused_count from ops.export_part") == [(50, 1)]
    assert any("line 52" in line for line in shop.said)


def test_a_quarantined_file_waits_for_a_person_and_is_not_read_again(shop: Shop) -> None:
    # Most of its URLs are of another domain: dropped into the wrong folder.
    shop.drop(
        "rankings.csv", rankings([(MAY, f"k{n}", 1 + n) for n in range(30)]).replace("shop.example", "else.example")
    )
    with pytest.raises(AuditFailedError, match=r"rankings\.csv, generic_rankings, ranking: load 1 quarantined"):
        ingest(shop)
    with pytest.raises(AuditFailedError, match="quarantined"):
        drop.verdict(shop.wh, "exports", NIGHT)
    drop.write(shop.wh, "exports", "shop", NIGHT)
    assert load_states(shop) == ["quarantined"]
    assert shop.fetch(HELD) == []


def test_each_file_that_is_held_waits_under_its_own_name(shop: Shop) -> None:
    """Two of the same form and day: they are two batches, and a person decides about each."""
    for device in ("desktop", "mobile"):
        content = rankings([(MAY, f"k{n}", 1 + n) for n in range(30)], device).replace("shop.example", "else.example")
        shop.drop(f"rankings {device}.csv", content)
    with pytest.raises(AuditFailedError):
        ingest(shop)
    with shop.wh.connect("loader") as connection:
        waiting = sorted((load.load_id, load.file) for load in read_waiting(connection))
    assert waiting == [(1, "rankings desktop.csv"), (2, "rankings mobile.csv")]


def test_a_file_for_a_property_that_no_build_has_seen_is_judged_by_its_domain(shop: Shop) -> None:
    shop.fetch("with gone as (delete from ops.property returning 1) select count(*) from gone")
    content = rankings([(MAY, f"k{n}", 1 + n) for n in range(30)])
    shop.drop("rankings.csv", content.replace("shop.example", "else.example"))
    with pytest.raises(AuditFailedError, match="quarantined"):
        ingest(shop)


def test_a_full_archive_keeps_nothing_half_and_the_file_is_read_when_there_is_room(shop: Shop) -> None:
    noise = random.Random(1)
    rows = [(MAY, f"{noise.getrandbits(256):x}", 1 + n % 90) for n in range(3_000)]
    shop.drop("large rankings.csv", rankings(rows))
    shop.drop("small rankings.csv", rankings([(MAY, "a", 1)], "mobile"))
    with full_disk(30_000), pytest.raises(OSError, match="too large"):
        ingest(shop)
    # The small one found its room; of the large one nothing is left.
    assert shop.fetch("select count(*) from raw.raw_exports__ranking") == [(1,)]
    assert [path.name for path in (shop.home / "archive").rglob("*") if path.is_file()] == ["file.zst"]
    assert ingest(shop) == ["published"]
    assert shop.fetch("select count(*) from raw.raw_exports__ranking") == [(3_001,)]


def test_a_step_that_was_cut_is_taken_up_from_the_archive(shop: Shop) -> None:
    path = shop.drop("rankings.csv", rankings([(MAY, "a", 3)]))
    drop.write(shop.wh, "exports", "shop", NIGHT)
    path.unlink()
    with pytest.raises(AuditFailedError, match=r"rankings\.csv, generic_rankings, ranking: load 1 written: its task"):
        drop.verdict(shop.wh, "exports", NIGHT)
    assert ingest(shop) == ["published"]
    assert load_states(shop) == ["failed", "published"]
    assert shop.fetch("select count(*) from ops.export_sighting") == [(0,)]


def test_two_runs_never_read_one_folder_at_once(shop: Shop) -> None:
    shop.drop("rankings.csv", rankings([(MAY, "a", 3)]))
    with drop._running(shop.wh, "exports", "shop", NIGHT, shop.say):
        with pytest.raises(TransientLoadError, match="another process is reading them"):
            ingest(shop)
        assert drop.write(shop.wh, "exports", "blog", NIGHT) == []
    assert ingest(shop) == ["published"]


def test_files_are_replayed_from_the_archive_alone(shop: Shop) -> None:
    shop.drop("rankings.csv", rankings([(MAY, "a", 3), (MAY, "b", 4)]))
    shop.drop("later rankings.csv", rankings([(MAY, "a", 5)]), LATER)
    ingest(shop)
    before = shop.fetch("select * from raw.raw_exports__ranking order by keyword")
    for path in shop.folder.iterdir():
        path.unlink()
    # As if a reader had been wrong when the file was loaded.
    with_error = "update raw.raw_exports__ranking set position = 99 where keyword = 'b' returning 1"
    assert shop.fetch(with_error) == [(1,)]
    day = date.fromisoformat(MAY)
    assert sorted(drop.replay(shop.wh, "exports", "shop", day, day)) == ["published", "unchanged"]
    assert [row[:-1] for row in shop.fetch("select * from raw.raw_exports__ranking order by keyword")] == [
        row[:-1] for row in before
    ]
    assert drop.replay(shop.wh, "exports", "shop", day + timedelta(1), day + timedelta(1)) == []
    for path in (shop.home / "archive").rglob("*.zst"):
        os.truncate(path, 60)
    with pytest.raises(NotArchivedError, match="damaged"):
        drop.replay(shop.wh, "exports", "shop", day, day)


def test_status_shows_the_newest_failure_first_until_a_person_knows_of_it(shop: Shop) -> None:
    def said() -> list[str]:
        shop.said.clear()
        say_loads(shop.wh, shop.say)
        return [line for line in shop.said if " failed " in line or "acknowledged" in line]

    failed = """
        insert into ops.load (source, table_name, property_key, first_day, last_day, purpose, attempt, state, read_at,
                              reason)
        values ('exports', %s, 1, '2026-05-01', '2026-05-01', 'night', 1, 'failed', now(), %s) returning load_id
    """
    for table, reason in (("page", "zz of long ago"), ("ranking", "an old one"), ("page", "the newest of it")):
        shop.fetch(failed, (table, reason))
    first, second = said()
    assert "page" in first
    assert first.endswith("the newest of it")
    assert second.endswith("an old one")
    acknowledge_failures(shop.wh, "ann")
    (line,) = said()
    assert line.startswith("3 failed loads are not shown: ann acknowledged them on ")
    shop.fetch(failed, ("page", "one more"))
    assert next(line for line in said() if "failed  " in line).endswith("one more")


def test_a_password_that_postgresql_does_not_accept_is_told_with_what_to_mend(shop: Shop) -> None:
    secrets = shop.home / "secrets.json"
    secrets.write_text(secrets.read_text().replace(PASSWORDS["loader"], "another"))
    with pytest.raises(ConfigError, match=rf"the password of seo_loader in {secrets}: .*migrate"):
        shop.wh.sync_properties()
    owner = Warehouse(Settings(shop.environment | {"SEO_WAREHOUSE_DSN": shop.dsn.replace("test-superuser", "wrong")}))
    with pytest.raises(ConfigError, match="mend it in SEO_WAREHOUSE_DSN"), owner.connect("owner"):
        pass


def test_two_vendors_exports_of_the_same_day_keep_each_others_rows(shop: Shop) -> None:
    headings = "observed_on,source_url,target_url,anchor,rel,first_seen,last_seen,lost_on,authority\n"
    link = "https://blog.example/post,https://www.shop.example/,boots"
    shop.drop("backlinks.csv", headings + f"{MAY},{link},followed,2026-04-01,2026-05-01,,12\n")
    ingest(shop)
    shop.drop("rankings.csv", rankings([(MAY, "a", 3)]), LATER)
    assert ingest(shop) == ["published"]
    assert shop.fetch("select table_name, part, property_key, day::text from ops.publication order by 1") == [
        ("backlink", "generic_backlinks", 1, MAY),
        ("ranking", "generic_rankings", 1, MAY),
    ]


def test_every_row_of_every_file_is_accounted_for(shop: Shop) -> None:
    dice = random.Random(5)
    for number in range(4):
        rows = [
            (f"2026-05-{day:02}", keyword, dice.randint(1, 90))
            for day in range(1, 6)
            for keyword in "abcdef"
            if dice.random() < 0.6
        ]
        shop.drop(f"rankings {number}.csv", rankings(rows), f"2026-06-0{dice.randint(1, 9)}T12:00:00+00:00")
        ingest(shop)
    unbalanced = """
        select l.load_id from ops.load as l join ops.merge as m using (load_id)
        join ops.export_part as p on l.archive_scope = 'file=' || p.sha256
        where l.rows_read <> p.row_count
           or l.rows_read <> l.rows_rejected + m.rows_put + m.rows_equal + m.rows_outdated
    """
    assert shop.fetch("select count(*) from ops.merge") == [(4,)]
    assert shop.fetch(unbalanced) == []
    published = (
        "select count(*), (select sum(row_count) from ops.publication where is_current) from raw.raw_exports__ranking"
    )
    ((held, stated),) = shop.fetch(published)
    assert held == stated > 0


def test_a_whole_export_says_so_of_its_day_though_another_brought_its_rows(shop: Shop) -> None:
    told = "select is_current, facts from ops.publication where table_name = 'backlink' order by publication_id"
    rows = "source_url,target_url\nhttps://a.example/1,https://shop.example/\n"
    shop.drop("backlinks-2026-05-01.csv", rows)
    assert ingest(shop) == ["published"]
    assert any("is not known to be whole" in line for line in shop.said)
    assert shop.fetch(told) == [(True, {"may_be_whole": True})]
    shop.drop("backlinks-whole-2026-05-01.csv", rows + "\n")
    assert ingest(shop) == ["published"]
    assert any("is whole: a link that it lacks was not there on 2026-05-01" in line for line in shop.said)
    whole = {"may_be_whole": True, "is_complete": True, "is_full": True}
    assert shop.fetch(told) == [(False, {"may_be_whole": True}), (True, whole)]
    # What is known already changes nothing.
    shop.drop("again backlinks-2026-05-01.csv", rows + "\n\n")
    assert ingest(shop) == ["unchanged"]
    assert len(shop.fetch(told)) == 2


def test_a_file_that_is_renamed_to_a_whole_one_is_whole(shop: Shop) -> None:
    told = "select day::text, row_count, facts ? 'is_full' from ops.publication where is_current order by day"
    rows = "source_url,target_url\nhttps://a.example/1,https://shop.example/\n"
    path = shop.drop("links.csv", rows)
    assert ingest(shop) == ["published"]
    assert shop.fetch(told) == [("2026-06-01", 1, False)]
    path.rename(shop.folder / "backlinks-whole-2026-05-31.csv")
    assert ingest(shop) == ["published"]
    # What it said of another day it does not say any more.
    assert shop.fetch(told) == [("2026-05-31", 1, True), ("2026-06-01", 0, False)]
    assert ingest(shop) == []


def test_what_the_settings_say_of_exports_is_where_models_see_it(shop: Shop) -> None:
    stated = "select links_whole_since::text, link_cadence_days from ops.property order by property_key"
    assert shop.fetch(stated) == [(None, None), (None, None)]
    path = shop.home / "properties.yml"
    backlinks = "exports: {backlinks: {whole_since: 2026-05-01, cadence_days: 7}}"
    path.write_text(path.read_text().replace("exports: {}", backlinks, 1))
    shop.wh.sync_properties()
    assert shop.fetch(stated) == [("2026-05-01", 7), (None, None)]
