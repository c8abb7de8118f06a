"""The embedded PostgreSQL after it was killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import psycopg
import pytest

from seo_warehouse.embedded.postgres import Postgres, free_port
from seo_warehouse.embedded.processes import read_stat

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("server") / "postgres", free_port(), "test-superuser")
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
