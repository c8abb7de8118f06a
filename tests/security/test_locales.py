"""Hosts and databases that write letters otherwise."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from seo_warehouse.embedded.postgres import _as_server_user, free_port
from seo_warehouse.errors import MigrationError
from seo_warehouse.load.schema import prepare
from seo_warehouse.sources import SOURCES
from tests.conftest import PASSWORDS
from tests.steps.dropping import NIGHT, Shop, open_shop, rankings

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""A host that knows no letter but those of ASCII, Python's own way around it taken away."""


DEBIAN = [Path(f"/usr/lib/postgresql/{version}/bin") for version in (15, 17)]
"""The embedded server is built without ICU, and so has the languages of its machine only."""


@pytest.fixture(scope="module")
def turkish() -> Iterator[str]:
    """Superuser DSN of an empty database in which `I` is small without a dot."""
    programs = next((folder for folder in DEBIAN if (folder / "initdb").exists()), None)
    if programs is None:
        pytest.skip("no PostgreSQL with ICU is on this machine: apt-get install postgresql")
    folder, port = Path(tempfile.mkdtemp(prefix="seo-warehouse-turkish-")), free_port()
    folder.chmod(0o777)
    quiet = _as_server_user(folder) | {"stdout": subprocess.DEVNULL, "check": True}
    data = str(folder / "data")
    subprocess.run([programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync"], **quiet)
    options = f"-c port={port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    subprocess.run([programs / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", options, "start"], **quiet)
    dsn = f"postgresql://postgres@127.0.0.1:{port}"
    try:
        with psycopg.connect(f"{dsn}/postgres", autocommit=True) as connection:
            connection.execute("create database turkish template template0 locale_provider icu icu_locale 'tr-TR'")
        yield f"{dsn}/turkish"
    finally:
        subprocess.run([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **quiet)
        shutil.rmtree(folder, ignore_errors=True)


def test_a_database_that_makes_other_small_letters_is_refused_untouched(turkish: str) -> None:
    with psycopg.connect(turkish, autocommit=True) as connection:
        with pytest.raises(MigrationError, match="other small letters than English"):
            prepare(connection, SOURCES, PASSWORDS)
        made = "select count(*) from pg_namespace where nspname in ('ops', 'raw', 'audit')"
        assert connection.execute(made).fetchall() == [(0,)]


def command(shop: Shop, host: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[bytes]:
    environment = {"PATH": os.environ["PATH"], **host, **shop.environment}
    called = [sys.executable, "-m", "seo_warehouse.cli", "-v", *arguments]
    return subprocess.run(called, env=environment, capture_output=True, timeout=300, check=False)


def test_a_host_of_ascii_reads_and_says_every_letter(database: str, tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "home", database)
    shop.drop("Küchen-Pfannen.csv", rankings([("2026-05-01", "köşe kılıfı", 3)]))
    shop.drop("Töpfe.csv", "köşe\nİ")
    done = command(shop, ASCII, "ingest", "--source", "exports", "--property", "shop", "--night", NIGHT.isoformat())
    told = (done.stdout + done.stderr).decode()
    assert (done.returncode, "Traceback" in told) == (1, False), told
    assert "T\\xf6pfe.csv" in told or "Töpfe.csv" in told
    assert shop.fetch("select keyword from raw.raw_exports__ranking") == [("köşe kılıfı",)]


@pytest.fixture
def turkish_host(tmp_path: Path) -> dict[str, str]:
    """A host on which C's functions make a small `ı` of `I`."""
    name = "tr_TR.UTF-8"
    making = ["localedef", "-i", "tr_TR", "-f", "UTF-8", str(tmp_path / name)]
    if shutil.which("localedef") is None or subprocess.run(making, check=False, capture_output=True).returncode:
        pytest.skip("no Turkish can be made on this machine: apt-get install locales")
    host = {"LOCPATH": str(tmp_path), "LC_ALL": name, "LANG": name}
    saying = [sys.executable, "-c", "import locale; print(locale.setlocale(locale.LC_ALL, ''))"]
    assert subprocess.run(saying, env=host, capture_output=True, text=True, check=True).stdout.strip() == name
    return host


def test_a_turkish_host_reads_and_says_the_same(database: str, tmp_path: Path, turkish_host: dict[str, str]) -> None:
    shop = open_shop(tmp_path / "home", database)
    shop.drop("RANKINGS.CSV", rankings([("2026-05-01", "IĞDIR iğdır TITLE", 3)]))
    ingesting = ("ingest", "--source", "exports", "--property", "shop", "--night", NIGHT.isoformat())
    for arguments, said in ((ingesting, "published"), (("status",), "ranking")):
        done = command(shop, turkish_host, *arguments)
        told = (done.stdout + done.stderr).decode()
        assert ("Traceback" in told, said in told) == (False, True), told
    assert shop.fetch("select keyword, device from raw.raw_exports__ranking") == [("IĞDIR iğdır TITLE", "desktop")]
