"""The embedded PostgreSQL: where it lies, and after it was killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from seo_warehouse.embedded.postgres import Postgres, free_port, open_to_all
from seo_warehouse.embedded.processes import read_stat

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    home = tmp_path_factory.mktemp("server")
    home.parent.chmod(0o700)
    home.chmod(0o700)
    server = Postgres(home / "postgres", free_port(), "test-superuser")
    server.initialise()
    server.start()
    yield server
    server.stop()


def test_a_killed_server_starts_again_though_its_number_is_a_strangers_and_a_backend_of_it_lives(
    server: Postgres,
) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("create table kept as select 1 as number")
        backend = connection.info.backend_pid
        postmaster = server.pid()
        assert postmaster is not None
        # Stopped, it cannot notice that its postmaster is gone, as one in a long computation would not.
        os.kill(backend, signal.SIGSTOP)
        os.kill(postmaster, signal.SIGKILL)
        record = server.data / "postmaster.pid"
        record.write_text(record.read_text().replace(str(postmaster), str(os.getpid()), 1))
        assert not server.is_running()
        server.start()
        assert server.pid() not in (None, postmaster, os.getpid())
        left = read_stat(backend)
        assert left is None or not left.is_alive
    with psycopg.connect(server.dsn()) as connection:
        assert connection.execute("select number from kept").fetchone() == (1,)


def test_a_start_that_finds_an_empty_record_clears_it(server: Postgres) -> None:
    server.stop()
    (server.data / "postmaster.pid").touch()
    server.start()
    assert server.is_running()


def test_the_server_lives_in_a_home_that_is_closed_to_others(server: Postgres) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("create table much as select n, md5(n::text) as text from generate_series(1, 300000) as n")
        connection.execute("set work_mem = '64kB'; set parallel_setup_cost = 0; set min_parallel_table_scan_size = 0")
        assert connection.execute("select count(distinct text) from much").fetchone() == (300_000,)
        connection.execute("vacuum analyze much")
        connection.execute("checkpoint")
        with (server.data / "postgresql.auto.conf").open("a") as file:
            file.write("log_min_duration_statement = 4711\n")
        connection.execute("select pg_reload_conf()")
        connection.execute("select pg_sleep(1)")
        assert connection.execute("show log_min_duration_statement").fetchone() == ("4711ms",)
    server.stop()
    assert not server.is_running()
    server.start()
    with psycopg.connect(server.dsn()) as connection:
        assert connection.execute("select count(*) from much").fetchone() == (300_000,)
    for closed in (server.folder.parent, server.folder.parent.parent):
        assert closed.stat().st_mode & 0o777 == 0o700, closed
    open_ones = [path for path in server.folder.rglob("*") if path.stat().st_mode & 0o077]
    assert open_ones == []


def test_a_server_that_cannot_start_says_why(server: Postgres) -> None:
    server.stop()
    other = Postgres(server.folder, free_port(), server.password)
    (server.data / "pg_hba.conf").write_text("nonsense\n")
    with pytest.raises(Exception, match=r"does not get ready: .*pg_hba.conf"):
        other.start()


def test_programs_that_lie_behind_a_closed_folder_are_copied_and_it_stays_closed(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    program = closed / "pg" / "bin" / "say"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho said\n")
    program.chmod(0o700)  # as of whoever installs with a umask of 077
    (program.parent / "link").symlink_to("say")
    closed.chmod(0o700)
    copies = Path("/tmp") / f"copies-{os.getpid()}"
    try:
        for _ in range(2):
            found = open_to_all(closed / "pg", copies / "pg-1")
            assert found == copies / "pg-1"
        said = subprocess.run(
            [found / "bin" / "link"], stdout=subprocess.PIPE, user=65534 if os.geteuid() == 0 else None
        )
        assert said.stdout == b"said\n"
        assert closed.stat().st_mode & 0o777 == 0o700
        assert open_to_all(found, tmp_path / "another") == found
    finally:
        subprocess.run(["rm", "-rf", copies], check=True)
