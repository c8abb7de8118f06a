"""A database whose disk is full, with room for a little more at each try, until a publication comes through."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from seo_warehouse.embedded.postgres import Postgres, _server_user
from seo_warehouse.errors import SeoWarehouseError
from seo_warehouse.steps import nightly
from tests.chaos.state import check_ledger
from tests.chaos.storm import Disk, mounted
from tests.chaos.test_files import DIFFERING
from tests.steps.dropping import NIGHT, Shop, open_shop, rankings

pytestmark = pytest.mark.slow

ROOM = 2**27
STEP = 2**16
"""Tables grow by pages of 8 kB, and by several at once."""
DAYS = [f"2026-05-{day:02}" for day in range(1, 6)]
KEYWORDS = [f"k{number}" for number in range(400)]
RAW = "select day::text, keyword, position from raw.raw_exports__ranking order by 1, 2"


@dataclass(frozen=True)
class Narrow:
    """A shop whose database lies on a small disk."""

    shop: Shop
    disk: Disk


@contextmanager
def on_a_small_disk(postgres: Postgres, name: str, template: str) -> Iterator[Disk]:
    """A copy of a database whose tables lie on a disk of their own; who may mount none skips the test."""
    folder = Path(tempfile.mkdtemp(prefix="seo-warehouse-narrow-"))
    folder.chmod(0o711)
    disk = Disk(folder / "disk", ROOM)
    try:
        with mounted(disk) as is_mounted:
            if not is_mounted:
                pytest.skip("only root may mount a small disk")
            owner = _server_user()
            (disk.path / "tables").mkdir()
            if owner is not None:
                os.chown(disk.path / "tables", owner.pw_uid, owner.pw_gid)
            with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
                space = f"space_of_{name}"
                connection.execute(f"create tablespace {space} location '{disk.path}/tables'")
                connection.execute(f"create database {name} template {template} strategy file_copy tablespace {space}")
                try:
                    yield disk
                finally:
                    disk.free()
                    connection.execute(f"drop database {name} with (force)")
                    connection.execute(f"drop tablespace {space}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def narrow(postgres: Postgres, tmp_path: Path) -> Iterator[Narrow]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    with on_a_small_disk(postgres, name, "warehouse_template") as disk:
        yield Narrow(open_shop(tmp_path / "home", postgres.dsn(name)), disk)


def test_a_disk_that_is_full_at_any_step_of_a_publication_leaves_each_day_as_it_was(narrow: Narrow) -> None:
    shop = narrow.shop
    before = [(day, keyword, 5) for day in DAYS for keyword in KEYWORDS[:200]]
    after = [(day, keyword, 7) for day in DAYS for keyword in KEYWORDS]
    shop.drop("rankings.csv", rankings(before))
    assert nightly.ingest(shop.wh, "exports", "shop", NIGHT) == ["published"]
    assert shop.fetch(RAW) == sorted(before)
    shop.drop("later.csv", rankings(after), "2026-06-02T12:00:00+00:00")
    reached: set[str] = set()
    why: list[str] = []
    for number in range(40):
        narrow.disk.fill(number * STEP)
        try:
            nightly.ingest(shop.wh, "exports", "shop", NIGHT)
        except (SeoWarehouseError, psycopg.OperationalError) as error:
            why.append(str(error))
        narrow.disk.free()
        assert shop.fetch(DIFFERING) == []
        rows = shop.fetch(RAW)
        reached |= {state for (state,) in shop.fetch("select state from ops.load order by load_id desc limit 1")}
        if rows == sorted(after):
            break
        assert rows == sorted(before)
    # The last had room for all; of those before it some ended while they wrote, and some once they had written.
    assert shop.fetch(RAW) == sorted(after)
    assert {"failed", "published"} < reached
    assert [reason for reason in why if "No space left" not in reason] == []
    nightly.ingest(shop.wh, "exports", "shop", NIGHT)
    with psycopg.connect(shop.dsn, autocommit=True) as connection:
        check_ledger(connection)
