"""What properties.yml says of retention is carried out, and nothing else."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from seo_warehouse.client.archive import Folder, open_archive
from seo_warehouse.errors import ConfigError
from seo_warehouse.load.schema import ensure_partition
from seo_warehouse.orchestration.stores import open_root
from seo_warehouse.steps import retention
from seo_warehouse.steps.warehouse import Warehouse
from tests.client.test_archive import make_answer
from tests.load.loading import open_warehouse, write
from tests.steps.dropping import NIGHT, Shop, open_shop

SCOPES = ("night=2020-01-31", "history=2020-02", "backfill=2020-03-01", f"night={NIGHT}", "nights", "file=" + "0" * 64)


def keep(wh: Warehouse, *, archive: str, property_key: int = 1) -> Folder:
    root = open_root(archive)
    for scope in SCOPES:
        kept = open_archive(root, source="search_console", property_key=property_key, scope=scope)
        kept.put("key", make_answer(b"body"))
        kept.intend("key", {})
    return root


def left(root: Folder) -> list[str]:
    return sorted(scope.name for scope in (root / "search_console" / "p1").iterdir())


def with_retention(shop: Shop, words: str, archive: str) -> Warehouse:
    path = shop.home / "properties.yml"
    path.write_text(path.read_text() + words)
    wh = Warehouse(shop.wh.settings, open_root=open_root)
    wh.settings.archive = archive
    return wh


@pytest.mark.parametrize("archive", ["local", "memory://retention/archive"])
def test_old_answers_are_forgotten_once_no_load_has_used_them_for_as_long(
    database: str, tmp_path: Path, archive: str
) -> None:
    archive = str(tmp_path / "archive") if archive == "local" else archive
    shop = open_shop(tmp_path / "home", database)
    wh = with_retention(shop, "retention: {archive_months: 2}\n", archive)
    root = keep(wh, archive=archive)
    with open_warehouse(database) as connection:
        # Bought today, about a month of long ago: an onboarding that is cut must find it again.
        write(connection, [], days=[date(2020, 2, 1)])
        connection.execute(
            "update ops.load set source = 'search_console', archive_scope = 'history=2020-02', started_at = now()"
        )
    gone = retention.give_up_old(wh)
    assert sorted(gone) == ["search_console/p1/backfill=2020-03-01", "search_console/p1/night=2020-01-31"]
    assert left(root) == sorted(scope for scope in SCOPES if f"search_console/p1/{scope}" not in gone)
    assert retention.give_up_old(wh) == []


def test_old_months_of_raw_are_dropped_by_the_role_that_made_them(database: str, tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "home", database)
    wh = with_retention(shop, "retention: {raw_months: {search_console: 6, server_logs: 6}}\n", "x")
    given_up = ("raw_search_console__page_total", "raw_server_logs__bot_hit", "raw_server_logs__human_hit")
    for relation in (*given_up, "raw_dataforseo_serp__task", "raw_server_logs__entry", "raw_server_logs__segment"):
        with wh.connect("loader") as connection:
            ensure_partition(connection, relation, date(2020, 1, 31))
    assert retention.give_up_old(wh) == [f"{relation}_2020_01" for relation in given_up]


def test_without_a_setting_nothing_is_given_up(database: str, tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "home", database)
    root = keep(shop.wh, archive=shop.wh.settings.archive)
    assert retention.give_up_old(shop.wh) == []
    assert left(root) == sorted(SCOPES)


def test_sources_whose_history_is_modelled_as_a_whole_cannot_be_stated(database: str, tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "home", database)
    wh = with_retention(shop, "retention: {raw_months: {dataforseo_backlinks: 12}}\n", "x")
    with pytest.raises(
        ConfigError,
        match=r"raw_months\.dataforseo_backlinks.*'dataforseo_serp' or 'search_console' or 'server_logs' only",
    ):
        _ = wh.properties


def test_the_ledger_is_cut_by_the_role_that_writes_it_and_never_sooner_than_what_it_tells_of(
    database: str, tmp_path: Path
) -> None:
    shop = open_shop(tmp_path / "home", database)
    wh = with_retention(shop, "retention: {ledger_months: 6}\n", "x")
    with open_warehouse(database) as connection:
        for state in ("failed", "unchanged"):
            connection.execute(
                "insert into ops.load (source, table_name, property_key, first_day, last_day, purpose, attempt, state,"
                " started_at, ended_at) values ('search_console', 'page_total', 1, '2020-01-01', '2020-01-01', 'night',"
                " 1, %s, '2020-01-03', '2020-01-03')",
                (state,),
            )
        connection.execute(
            "insert into ops.publication (source, table_name, property_key, day, load_id, row_count, checksum, totals,"
            " facts, read_at, dropped_at) select source, table_name, 1, '2020-01-01', max(load_id), 0, '', '{}', '{}',"
            " '2020-01-03', now() from ops.load group by 1, 2"
        )
    [said] = retention.give_up_old(wh)
    assert said.startswith("1 loads that ended before ")
    assert shop.fetch("select state from ops.load") == [("unchanged",)]
    assert retention.give_up_old(wh) == []
    shop.wh.settings.properties_path.unlink()
    later = open_shop(tmp_path / "home", database)
    wh = with_retention(later, "retention: {ledger_months: 6, archive_months: 12}\n", "x")
    with pytest.raises(ConfigError, match="ledger_months is at least as long as what the ledger tells of is kept, 12"):
        _ = wh.properties
