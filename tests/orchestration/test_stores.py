"""What Airflow's stores give the steps."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import fsspec
import pytest
from airflow.sdk.io import attach

from seo_warehouse.client.access import Connection
from seo_warehouse.client.archive import open_archive
from seo_warehouse.config import Settings
from seo_warehouse.errors import ConfigError
from seo_warehouse.orchestration.stores import find_connection, open_root
from seo_warehouse.steps import log_objects
from seo_warehouse.steps.stated import CONNECTIONS_FILE
from tests.client.test_archive import make_answer


def test_a_root_on_this_machine_is_a_path() -> None:
    assert open_root("file:///var/lib/some%20where") == Path("/var/lib/some where")
    assert open_root("relative/place") == Path("relative/place")


def test_a_root_of_an_unknown_kind_is_a_setting_to_mend() -> None:
    with pytest.raises(ConfigError, match="nosuchstore://bucket"):
        open_root("nosuchstore://user:secret@bucket/path")


def test_an_object_store_keeps_answers_too() -> None:
    archive = open_archive(open_root("memory://bucket/archive"), source="any", property_key=7, scope="night=2026-11-22")
    assert not archive.has_intent("key")
    archive.intend("key", {})
    assert archive.has_intent("key")
    assert not archive.has("key")
    archive.put("key", make_answer(b"body"))
    assert archive.get("key") == make_answer(b"body")
    archive.withdraw("key")
    assert not archive.has_intent("key")


def test_what_is_stated_stands_before_airflows_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings({"SEO_WAREHOUSE_HOME": str(tmp_path)})
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"login": "of the environment"}))
    assert find_connection(settings, "shop") == Connection(login="of the environment")
    (tmp_path / CONNECTIONS_FILE).write_text(json.dumps({"AIRFLOW_CONN_SHOP": json.dumps({"login": "of the home"})}))
    assert find_connection(settings, "shop") == Connection(login="of the home")


def test_a_command_on_an_archive_of_this_machine_does_not_wait_for_airflow(tmp_path: Path) -> None:
    code = f"""
import sys
from seo_warehouse.orchestration.stores import open_warehouse
assert str(open_warehouse().archive) == {str(tmp_path / "archive")!r}
assert not [name for name in sys.modules if name.partition(".")[0] == "airflow"]
"""
    subprocess.run([sys.executable, "-c", code], env={"SEO_WAREHOUSE_HOME": str(tmp_path)}, check=True)


def test_logs_in_an_object_store_are_found_and_fetched_as_they_stand() -> None:
    attach("memory", fs=fsspec.filesystem("memory"))
    root = open_root("memory://bucket/logs")
    for name in ("bc.log", "a.log"):
        (root / "2026-11-22").mkdir(parents=True, exist_ok=True)
        (root / "2026-11-22" / name).write_bytes(name.encode())
    found = log_objects.look(root)
    assert [(each.name, each.size) for each in found] == [("2026-11-22/a.log", 5), ("2026-11-22/bc.log", 6)]
    with found[1].fetch() as copied:
        path = copied.path
        assert path.read_bytes() == b"bc.log"
    assert not path.exists()
