"""Each service of docker-compose.yml as a process of this machine, with the environment that the file gives it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import requests

from seo_warehouse.embedded.postgres import Postgres, binaries, free_port
from tests.production.compose import ROOT, WATCH, Native, Service, make_secrets, secrets, services

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STAY = ("api-server", "scheduler", "dag-processor")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """PostgreSQL as its image starts it: empty, and then what the mounted script makes."""
    # Not in pytest's folder, which every other run closes to other users than root.
    folder = Path(tempfile.mkdtemp(prefix="seo-warehouse-production-"))
    server = Postgres(folder / "postgres", free_port(), secrets()["POSTGRES_PASSWORD"])
    server.initialise()
    server.start()
    place = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGPASSWORD": server.password}
    place["PUBLIC_SQL"] = str(ROOT / "plugins/seo_warehouse/ledger/public.sql")
    subprocess.run(
        [ROOT / "docker/databases.sh"],
        env=place | secrets() | {"PATH": f"{binaries()}:{os.environ['PATH']}"},
        check=True,
    )
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def stated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Service]:
    env_file = tmp_path_factory.mktemp("compose") / ".env"
    env_file.write_text(make_secrets())
    return services(env_file)


@pytest.fixture(scope="module")
def native(server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Native:
    folder = tmp_path_factory.mktemp("native")
    for name in ("airflow", "home", "drop"):
        (folder / name).mkdir()
    shutil.copy(ROOT / "properties.example.yml", folder / "properties.yml")
    api, health = free_port(), free_port()
    return Native(
        folder,
        {
            "/opt/seo-warehouse": str(ROOT),
            "/opt/airflow": str(folder / "airflow"),
            "/var/lib/seo-warehouse": str(folder / "home"),
            "/etc/seo-warehouse": str(folder),
            "/srv/drop": str(folder / "drop"),
            "postgres:5432": f"127.0.0.1:{server.port}",
            "api-server:8080": f"127.0.0.1:{api}",
            "127.0.0.1:8080": f"127.0.0.1:{api}",
            "8080": str(api),
            "8974": str(health),
            "0.0.0.0": "127.0.0.1",  # noqa: S104
        },
    )


@pytest.fixture(scope="module")
def running(native: Native, stated: dict[str, Service]) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """The services that stay, after the one that ends."""
    done = native.run(stated["init"], stated["init"]["command"])
    assert done.returncode == 0, done.stdout + done.stderr
    started = {name: native.start(stated[name], native.folder / f"{name}.log") for name in STAY}
    yield started
    for process in started.values():
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_every_service_becomes_healthy_as_its_health_check_says(
    native: Native, stated: dict[str, Service], running: dict[str, subprocess.Popen[bytes]]
) -> None:
    waiting, deadline = list(STAY), time.monotonic() + 240
    while waiting:
        name = waiting[0]
        assert running[name].poll() is None, (native.folder / f"{name}.log").read_text()[-3000:]
        assert time.monotonic() < deadline, (name, (native.folder / f"{name}.log").read_text()[-3000:])
        if native.run(stated[name], stated[name]["healthcheck"]["test"]).returncode == 0:
            waiting.remove(name)
        else:
            time.sleep(1)


def test_the_administrators_password_is_the_one_that_was_stated(
    native: Native, running: dict[str, subprocess.Popen[bytes]]
) -> None:
    url = f"http://127.0.0.1:{native.places['8080']}/auth/token"
    right = {"username": "admin", "password": secrets()["AIRFLOW_ADMIN_PASSWORD"]}
    assert requests.post(url, json=right, timeout=30).status_code == 201
    assert requests.post(url, json=right | {"password": "admin"}, timeout=30).status_code == 401
    assert (native.folder / "airflow" / "passwords.json").stat().st_mode & 0o077 == 0


def test_the_warehouse_is_there_and_each_role_reaches_what_is_its_own(
    server: Postgres, native: Native, stated: dict[str, Service], running: object
) -> None:
    done = native.run(stated["scheduler"], ["seo-warehouse", "status"])
    assert done.returncode == 0, done.stderr
    owner = server.dsn("seo_warehouse", "seo_owner", secrets()["SEO_WAREHOUSE_OWNER_PASSWORD"])
    with psycopg.connect(owner) as connection:
        assert connection.execute("select count(*) > 0 from ops.migration").fetchone() == (True,)
    airflow = server.dsn("seo_warehouse_airflow", "seo_warehouse_airflow", secrets()["AIRFLOW_DATABASE_PASSWORD"])
    with psycopg.connect(airflow) as connection:
        assert connection.execute("select count(*) > 0 from dag").fetchone() == (True,)
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(owner.replace("/seo_warehouse", "/seo_warehouse_airflow"))


def test_the_pages_read_by_a_password_of_their_own_and_need_no_home(
    native: Native, stated: dict[str, Service], running: object
) -> None:
    elsewhere = native.folder / "no-home"
    words = ["env", f"SEO_WAREHOUSE_HOME={elsewhere}", "seo-warehouse", "dsn", "--role", "operator"]
    done = native.run(stated["api-server"], words)
    assert done.returncode == 0, done.stderr
    assert secrets()["SEO_WAREHOUSE_OPERATOR_PASSWORD"] in done.stdout
    assert not elsewhere.exists()
    with psycopg.connect(done.stdout.strip()) as connection:
        assert connection.execute("select current_user, count(*) from ops.load").fetchone() == ("seo_operator", 0)


def test_every_service_ends_in_order_when_it_is_told_to(running: dict[str, subprocess.Popen[bytes]]) -> None:
    # As a container is stopped: its first process gets the signal.
    for process in running.values():
        process.send_signal(signal.SIGTERM)
    for name, process in running.items():
        assert process.wait(timeout=60) in (0, -signal.SIGTERM, 143), name


def test_no_service_has_tried_to_leave_this_machine(native: Native, stated: dict[str, Service]) -> None:
    for name in ("init", *STAY):
        watch = native.run(stated[name], ["python", "-c", "import sitecustomize as watch; print(watch.__file__)"])
        assert Path(watch.stdout.strip()).parent == WATCH, watch.stderr
    assert not native.connections.exists(), native.connections.read_text()
