"""The warehouse on a cluster of Citus beside the same on one server: the road there, history, a night, who reads what.

Run where SEO_CITUS_DSN is what SEO_WAREHOUSE_DSN would be: the URI of an empty database of a cluster's coordinator, of
a superuser. What is made there is removed again.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from time import sleep

import psycopg
import pytest

from seo_warehouse.load.schema import SCHEMAS
from tests.chaos.conftest import SOURCES, Case, founding, serving
from tests.chaos.state import FIRST_DAY, NIGHT, check_ledger, read_raw
from tests.production.marts import are_equal, marts_of, rows_of
from tests.production.nodes import nodes_of
from tests.warehouse.test_citus_target import KEPT

CLUSTER = os.environ.get("SEO_CITUS_DSN")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(CLUSTER is None, reason="SEO_CITUS_DSN names no database of a cluster"),
]

PROPERTIES = ("alderwood", "teaharbour")
READ = "alderwood"
MADE_BEFORE = 60
"""Models of a build before a server is killed."""


@pytest.fixture(scope="module")
def one() -> Iterator[Case]:
    """One server that has the first property's history, modelled, and a backup of it."""
    folder = Path(tempfile.mkdtemp(prefix="seo-warehouse-cluster-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        server = stack.enter_context(serving(folder))
        case = stack.enter_context(founding(folder, server, count=len(PROPERTIES), history_start=FIRST_DAY))
        case.demo.clock.set(datetime.combine(NIGHT, time(6), UTC))
        _load_history(case, PROPERTIES[0])
        case.build().succeed()
        case.command("backup", "--to", str(folder / "backup")).succeed()
        _live(case, is_full=False)
        yield case


@pytest.fixture(scope="module")
def cluster(one: Case) -> Iterator[Case]:
    """The cluster that the backup was restored into, and that lived on as the one server did."""
    assert CLUSTER is not None
    home = one.home.parent / "cluster"
    shutil.copytree(one.home, home, ignore=shutil.ignore_patterns("demo", "archive", "dbt"))
    case = replace(one, home=home, dsn=CLUSTER, superuser_dsn=CLUSTER)
    try:
        case.command("restore", str(one.home.parent / "backup")).succeed()
        _live(case, is_full=True)
        yield case
    finally:
        with case.connect() as connection:
            for schema in SCHEMAS:
                connection.execute(f"drop schema if exists {schema} cascade")


def _live(case: Case, *, is_full: bool) -> None:
    """The second property's history, then a night of both."""
    _load_history(case, PROPERTIES[1])
    case.command("-v", "build", *(["--full"] if is_full else [])).succeed()
    for name in PROPERTIES:
        for source in SOURCES if name == PROPERTIES[0] else SOURCES[:3]:
            case.command("ingest", "--source", source, "--property", name, "--night", NIGHT.isoformat()).succeed()
    case.build().succeed()
    case.command("grant", "somebody", "--property", READ).succeed()


def _load_history(case: Case, name: str) -> None:
    case.step("demo.history.load_history", name, FIRST_DAY, NIGHT - timedelta(days=1)).succeed()


def test_rows_are_on_the_nodes_of_their_property(cluster: Case) -> None:
    with cluster.connect() as connection:
        spread = connection.execute(
            "select distinct colocation_id from citus_tables where citus_table_type = 'distributed'"
        ).fetchall()
        here = connection.execute(
            "select schemaname || '.' || tablename from pg_tables"
            " where schemaname in ('raw', 'intermediate', 'marts', 'plans')"
            " except select table_name::text from citus_tables"
        ).fetchall()
        nodes = connection.execute("select count(distinct nodename || nodeport) from pg_dist_placement"
                                   " join pg_dist_node using (groupid) where shouldhaveshards").fetchall()  # fmt: skip
    assert len(spread) == 1
    assert {name for (name,) in here} == KEPT
    assert nodes[0][0] >= 2


def test_history_and_the_night_are_those_of_one_server(one: Case, cluster: Case) -> None:
    with one.connect() as server, cluster.connect() as coordinator:
        check_ledger(coordinator)
        assert read_raw(coordinator) == read_raw(server)


def test_every_mart_is_that_of_one_server(one: Case, cluster: Case) -> None:
    with one.connect() as server, cluster.connect() as coordinator:
        marts = marts_of(server)
        assert len(marts) > 60
        assert [mart for mart in marts if not are_equal(rows_of(server, mart), rows_of(coordinator, mart))] == []


def test_an_analyst_reads_the_granted_property_alone(one: Case, cluster: Case) -> None:
    kept = [name.partition(".")[2] for name in KEPT]
    with one.connect() as server, cluster.connect() as coordinator:
        marts = [mart for mart in marts_of(server) if mart not in kept]
        # A cluster's policies go by whose the session is.
        server.execute("set session authorization somebody")
        coordinator.execute("set session authorization somebody")
        assert [mart for mart in marts if not are_equal(rows_of(server, mart), rows_of(coordinator, mart))] == []
        assert coordinator.execute("select property_name from marts.dim_property").fetchall() == [(READ,)]
        for mart in kept:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                coordinator.execute(f"select from marts.{mart}")


def test_reports_are_written_as_on_one_server(one: Case, cluster: Case) -> None:
    for case in (one, cluster):
        case.command("report").succeed()
    pages = [sorted(path.relative_to(case.home) for path in case.home.glob("reports/**/*")) for case in (one, cluster)]
    assert len(pages[0]) > len(PROPERTIES)
    assert pages[0] == pages[1]


@pytest.mark.parametrize("is_coordinator", [False, True], ids=["worker", "coordinator"])
def test_a_build_that_loses_a_server_is_done_by_the_next_one(one: Case, cluster: Case, is_coordinator: bool) -> None:
    """Of a cluster on this machine, whose servers are killed and started again as they were."""
    with cluster.connect() as coordinator:
        node = next(node for node in nodes_of(coordinator) if (node.group == 0) is is_coordinator)
        (last,) = coordinator.execute("select max(build_id) from ops.build").fetchall()[0]
        building = cluster.command("-v", "build", "--full")
        made = "select count(*) from ops.dbt_node_result where build_id > %s and unique_id like 'model.%%'"
        while coordinator.execute(made, [last]).fetchall()[0][0] < MADE_BEFORE:
            assert building.is_running, building.said
            sleep(0.5)
    node.kill()
    assert building.end() != 0
    cluster.build().succeed()
    with one.connect() as server, cluster.connect() as coordinator:
        check_ledger(coordinator)
        marts = marts_of(server)
        assert [mart for mart in marts if not are_equal(rows_of(server, mart), rows_of(coordinator, mart))] == []
