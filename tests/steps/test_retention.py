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
