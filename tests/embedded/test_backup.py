"""A backup of one server becomes the embedded server of a new home."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest

from seo_warehouse.config import Settings
from seo_warehouse.embedded import parts
from seo_warehouse.embedded.backup import back_up, restore
from seo_warehouse.errors import BackupError
from seo_warehouse.steps import grants
from seo_warehouse.steps.warehouse import Warehouse, read_ports
from tests.steps.dropping import open_shop

pytestmark = pytest.mark.slow


def test_a_new_home_starts_with_what_the_backup_holds(database: str, tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "old", database)
    kept, said = tmp_path / "warehouse.dump", list[str]()
    back_up(shop.wh, kept, said.append)
    # Not in pytest's folder, which every other run closes to other users than root.
    home = Path(tempfile.mkdtemp(prefix="seo-warehouse-restored-")) / "home"
    settings = Settings({"SEO_WAREHOUSE_HOME": str(home)})
    try:
        restore(settings, kept, said.append)
        with Warehouse(settings).connect("loader") as connection:
            assert connection.execute("select property_name from ops.property order by 1").fetchall() == [
                ("blog",),
                ("shop",),
            ]
        with pytest.raises(BackupError, match="is not empty"):
            restore(settings, kept, said.append)
    finally:
        parts.postgres(settings, read_ports(home)).stop()
        shutil.rmtree(home.parent, ignore_errors=True)
    assert said[-1].startswith("restored; the database is at migration")


def test_a_restored_mart_is_read_as_it_was_granted(database: str, tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "old", database)
    with shop.wh.connect("transformer") as connection:
        connection.execute(
            """
            create table marts.dim_mine as select property_key from ops.property;
            create table marts.dim_unsafe as select property_key from ops.property;
            alter table marts.dim_mine enable row level security;
            create policy mine on marts.dim_mine for select to seo_reader
                using (property_key = any (array(select property_key from ops.granted_property)))
            """
        )
        (keys,) = connection.execute("select array_agg(property_key) from ops.property").fetchall()[0]
    grants.revoke(shop.wh, "seo_analyst", "all", print)
    grants.grant(shop.wh, "seo_analyst", "blog", print, by="a test")
    kept = tmp_path / "warehouse.dump"
    back_up(shop.wh, kept, print)
    home = Path(tempfile.mkdtemp(prefix="seo-warehouse-restored-")) / "home"
    settings = Settings({"SEO_WAREHOUSE_HOME": str(home)})
    try:
        restore(settings, kept, print)
        with Warehouse(settings).connect("analyst", autocommit=True) as connection:
            rows = connection.execute("select property_key from marts.dim_mine").fetchall()
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("select property_key from marts.dim_unsafe")
    finally:
        parts.postgres(settings, read_ports(home)).stop()
        shutil.rmtree(home.parent, ignore_errors=True)
    assert (len(keys), len(rows)) == (2, 1)


def test_what_is_no_backup_leaves_nothing_behind(database: str, tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "home", database)
    with pytest.raises(BackupError, match="a backup never replaces another"):
        back_up(shop.wh, shop.home / "properties.yml", print)
    with pytest.raises(BackupError, match="no file"):
        restore(shop.wh.settings, tmp_path / "nothing.dump", print)
