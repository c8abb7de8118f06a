"""Ten properties' full refresh and nights on one server, and on a cluster of Citus on the same machine.

SEO_CITUS_DSN is the URI of an empty database of a coordinator, of a superuser; its nodes run on this machine. One
server gets a month of history, and the cluster its backup, which is the road there (docs/growing.md). Both are built
anew, then live two nights; every mart must have the same rows. Beside the wall time stands the processor time of each
server: what a node does is what a machine of its own would take over, and what the coordinator does is not.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import psycopg

from benchmarks.measuring import Figure, apart, keep, load_average, say, warehouse
from benchmarks.night_build import MONTH, NIGHTS, build
from benchmarks.sites import NIGHT, Site, load_history, properties_yml, publish_night
from seo_warehouse.config import Settings
from seo_warehouse.embedded.backup import back_up, restore
from seo_warehouse.load.schema import SCHEMAS
from seo_warehouse.steps.warehouse import Warehouse
from tests.production.marts import are_equal, marts_of, rows_of

PROPERTIES = 10
TICKS = os.sysconf("SC_CLK_TCK")
POSTMASTERS = """
select node.nodeport, node.groupid = 0, split_part(ran.result, chr(10), 1)::integer
from pg_dist_node as node
join run_command_on_all_nodes($$select pg_read_file('postmaster.pid')$$) as ran using (nodeid)
"""
Servers = dict[str, int]
"""Process of each server, by what it is."""


@contextmanager
def clustered(one: Warehouse, dsn: str) -> Iterator[Warehouse]:
    """The cluster that a backup of one server was restored into; it is emptied at the end."""
    with tempfile.TemporaryDirectory(prefix="seo-warehouse-bench-") as name:
        home = Path(name)
        shutil.copy(one.settings.properties_path, home)
        settings = Settings({"SEO_WAREHOUSE_HOME": name, "SEO_WAREHOUSE_DSN": dsn})
        back_up(one, home / "backup", say)
        try:
            restore(settings, home / "backup", say)
            yield Warehouse(settings)
        finally:
            with psycopg.connect(dsn, autocommit=True) as connection:
                for schema in SCHEMAS:
                    connection.execute(f"drop schema if exists {schema} cascade")


def nodes(dsn: str) -> Servers:
    """The servers of a cluster. Raises SystemExit where one is not of this machine."""
    with psycopg.connect(dsn) as connection:
        found = connection.execute(POSTMASTERS).fetchall()
    servers = {"coordinator" if is_coordinator else f"worker at {port}": pid for port, is_coordinator, pid in found}
    for name, pid in servers.items():
        if "postgres" not in Path(f"/proc/{pid}/cmdline").read_text():
            raise SystemExit(f"the {name} is no process of this machine: its processor time cannot be told")
    return servers


def processor_seconds(servers: Servers) -> dict[str, float]:
    """What each server and its processes, living and gone, have used."""
    used = dict.fromkeys(servers.values(), 0)
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        parent, own, gone = int(fields[1]), sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
        pid = int(path.parent.name)
        if pid in used:
            used[pid] += own + gone
        elif parent in used:
            used[parent] += own
    return {name: used[pid] / TICKS for name, pid in servers.items()}


def timed(home: str, dsn: str) -> dict[str, Any]:
    """A build, in a process of its own."""
    return build(Warehouse(Settings({"SEO_WAREHOUSE_HOME": home, "SEO_WAREHOUSE_DSN": dsn})))


def measure(wh: Warehouse, servers: Servers, site: Site, first: Any) -> dict[str, Any]:
    """A build of all, and one of each night: seconds, and the processor time of each server."""
    found: dict[str, Any] = {}
    for step in ("refresh", *(f"night {number}" for number in range(1, NIGHTS + 1))):
        if step != "refresh":
            publish_night(wh, site, NIGHT + timedelta(days=int(step.partition(" ")[2]) - 1), first)
        before = processor_seconds(servers)
        built = apart(timed, str(wh.settings.home), wh.dsn("owner"))
        used = {name: round(after - before[name], 1) for name, after in processor_seconds(servers).items()}
        found[step] = built | {"processor_seconds": used}
        say(f"  {step}: {built['seconds']} s, processor {used}")
    return found


def compare(one: Warehouse, cluster: Warehouse) -> int:
    """How many marts have the same rows. Raises SystemExit naming those that have not."""
    with one.connect("owner") as server, cluster.connect("owner") as coordinator:
        marts = marts_of(server)
        other = [mart for mart in marts if not are_equal(rows_of(server, mart), rows_of(coordinator, mart))]
    if other:
        raise SystemExit(f"{len(other)} of {len(marts)} marts differ: {', '.join(other)}")
    return len(marts)


@click.command()
@click.option("--share", default=1.0, show_default=True, help="Of pages, keywords, searches and links.")
@click.option("--write/--no-write", default=True, help="Whether results/cluster.json is replaced.")
def main(share: float, write: bool) -> None:
    """Measure and print."""
    dsn = os.environ.get("SEO_CITUS_DSN")
    if dsn is None:
        raise click.ClickException("SEO_CITUS_DSN names no database of a cluster: nothing is measured")
    site, first = Site().scaled(share), NIGHT - timedelta(days=MONTH)
    load = load_average()
    with warehouse(properties_yml(site, PROPERTIES, first)) as one:
        load_history(one, site, first)
        with clustered(one, dsn) as cluster:
            say("one server:")
            with one.connect("owner") as connection:
                (pid,) = connection.execute("select pid from pg_stat_activity where pid = pg_backend_pid()").fetchall()[
                    0
                ]
            postmaster = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            alone = measure(one, {"server": postmaster}, site, first)
            say("cluster:")
            spread = measure(cluster, nodes(dsn), site, first)
            marts = compare(one, cluster)
    nights = [f"night {number}" for number in range(1, NIGHTS + 1)]
    workers = [name for name in spread["refresh"]["processor_seconds"] if name != "coordinator"]

    def on_workers(steps: list[str]) -> float:
        used = [spread[step]["processor_seconds"] for step in steps]
        return float(sum(each[name] for each in used for name in workers) / sum(sum(each.values()) for each in used))

    def times_as_long(steps: list[str]) -> float:
        return float(sum(spread[step]["seconds"] for step in steps) / sum(alone[step]["seconds"] for step in steps))

    figures = [
        Figure("a full refresh on the cluster, of one server's", times_as_long(["refresh"])),
        Figure("nights on the cluster, of one server's", times_as_long(nights)),
        Figure("processor time of a full refresh that is the workers'", on_workers(["refresh"])),
        Figure("processor time of nights that is the workers'", on_workers(nights)),
    ]
    keep("cluster", figures, {"load": load, "marts": marts, "one_server": alone, "cluster": spread}, write=write)


if __name__ == "__main__":
    main()
