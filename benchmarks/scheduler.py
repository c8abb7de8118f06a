"""What the scheduler costs: reading the DAG files, a task that does nothing, and a night of 50 properties.

The night is one of `make run`: embedded Airflow and PostgreSQL, the demo's server as every vendor, the gate, the build.
Five sources (and Google's updates) are read for 50 properties that all lead to the demo's one crawled shop. Only what
the vendors hold is thin: six days of history, three keywords, a crawl of ten pages, a file of twenty lines.
"""

from __future__ import annotations

import copy
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import yaml

from benchmarks.measuring import Figure, keep, load_average, repeatedly, say
from seo_warehouse.config import Settings
from seo_warehouse.demo.settings import write_properties
from seo_warehouse.embedded import airflow as embedded_airflow
from seo_warehouse.embedded import parts, processes
from seo_warehouse.embedded.airflow import ADMIN, ROOT, Airflow
from seo_warehouse.embedded.ports import choose_ports
from seo_warehouse.embedded.rest import Client
from seo_warehouse.embedded.run import run_night
from seo_warehouse.steps.warehouse import Warehouse, open_warehouse

PROPERTIES = 50
NIGHT_LIMIT_SECONDS = 200.0
MANY = 500
MANY_LIMIT_SECONDS = 1_800.0
PARSED = 1_000
READ = ("search_console", "dataforseo_backlinks", "dataforseo_serp", "site_crawl", "exports")
DAYS = 6
KEYWORDS = 3
PAGES = 10
PARSE_LIMIT_SECONDS = 1.0
PARSE_REPEATS = 5
STARTS = 10
TASK_SECONDS = 0.4
"""What the design reckons with for a task that does nothing."""
CHAIN = 20
SAMPLE_SECONDS = 2.0
PARSE = """
import runpy, sys, time
from airflow.sdk import DAG
began = time.process_time()
for path in sys.argv[1:]:
    runpy.run_path(path)
print(time.process_time() - began)
"""
ENDS = """
select source, count(*) filter (where has_ended), min(at), max(at)
from (
    select source, property_key, max(ended_at) as at,
           bool_and(state in ('published', 'unchanged', 'superseded')) as has_ended
    from ops.newest_loads(%(night)s) where purpose = 'night' and property_key > 0 group by 1, 2
) as pair
group by 1
"""
"""By source: how many properties had each table's load arrive, and when the first and the last of all had ended."""
TRIVIAL = f"""
from airflow.sdk import DAG, chain, task

with DAG("trivial", schedule=None, is_paused_upon_creation=False):

    @task
    def do_nothing() -> None: ...

    chain(*[do_nothing.override(task_id=f"nothing_{{n}}")() for n in range({CHAIN})])
"""

Json = dict[str, Any]


def memory_of(airflow: Airflow, postgres: parts.Postgres) -> float:
    """MiB of all processes of Airflow and PostgreSQL, each shared page counted once."""
    stats = [stat for part in airflow.components for stat in processes.members(part)]
    return sum(share_of(stat.pid) for stat in (*stats, *postgres.processes()))


def share_of(pid: int) -> float:
    """A process's proportional share of memory, in MiB; 0 of one that has ended."""
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return int(told.partition("\nPss:")[2].split()[0]) / 1024


@dataclass(frozen=True)
class Home:
    """A warehouse with its scheduler."""

    wh: Warehouse
    airflow: Airflow
    postgres: parts.Postgres

    @property
    def client(self) -> Client:
        """Airflow's REST API."""
        return Client(self.airflow.url, ADMIN, self.airflow.admin_password)


@contextmanager
def opened(folder: Path, count: int) -> Iterator[Home]:
    """What `make run` starts, with the demo as the vendors of so many properties; stopped at the end."""
    settings = Settings({"SEO_WAREHOUSE_HOME": str(folder)})
    ports = choose_ports(settings, is_demo=True)
    postgres = parts.postgres(settings, ports)
    try:
        parts.start_postgres(settings, ports, say)
        parts.start_demo(settings, ports, say)
        multiply(settings.properties_path, settings.drop, count)
        wh = open_warehouse(settings)
        wh.migrate()
        dags = folder / "dags"
        shutil.copytree(ROOT / "dags", dags)
        (dags / "trivial.py").write_text(TRIVIAL)
        airflow = replace(parts.airflow(settings, ports), dags=dags)
        embedded_airflow.prepare(airflow, say)
        embedded_airflow.start(airflow, say)
        yield Home(wh, airflow, postgres)
    finally:
        embedded_airflow.stop(folder, say)
        processes.stop([parts.demo_component(folder)])
        postgres.stop()


def multiply(path: Path, drop: Path, count: int) -> None:
    """Make of the demo's crawled property so many, with less to read, and give each a file."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    model = next(prop for prop in document["properties"] if "site_crawl" in prop["sources"])
    first = datetime.now().astimezone().date() - timedelta(days=DAYS)
    document["properties"] = [_copied(model, key, first) for key in range(1, count + 1)]
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    for prop in document["properties"]:
        folder = drop / prop["name"]
        folder.mkdir(parents=True)
        file = folder / "rankings.csv"
        site = f"https://{prop['domain']}"
        lines = [f"{first},kettle {n},google,US,en,mobile,found,{n},{site}/{n},100" for n in range(1, 21)]
        file.write_text(
            "checked_on,keyword,engine,country,language,device,state,position,url,depth\n" + "\n".join(lines)
        )
        # One that was written just now may still grow, and waits for the next night.
        os.utime(file, (time.time() - 3_600,) * 2)


def _copied(model: Json, key: int, first: date) -> Json:
    prop = copy.deepcopy(model) | {"key": key, "name": f"shop-{key}", "history_start": first}
    prop["keywords"] = prop["keywords"][:KEYWORDS]
    prop["sources"] = {source: prop["sources"][source] for source in READ}
    for name in ("dataforseo_backlinks", "dataforseo_serp"):
        prop["sources"][name]["connection"] = "dataforseo"
    prop["sources"]["site_crawl"]["max_pages"] = PAGES
    return prop


def parse_seconds(properties: Path) -> float:
    """CPU seconds of reading every DAG file, beyond `import airflow.sdk`: the median of a few processes."""
    files = [str(path) for path in sorted((ROOT / "dags").glob("*.py"))]
    with tempfile.TemporaryDirectory() as home:
        told = os.environ | {"AIRFLOW_HOME": home, "SEO_WAREHOUSE_PROPERTIES": str(properties)}
        command = [sys.executable, "-c", PARSE, *files]
        done = [
            subprocess.run(command, env=told, capture_output=True, text=True, check=True) for _ in range(PARSE_REPEATS)
        ]
    return statistics.median(float(each.stdout.splitlines()[-1]) for each in done)


def start_seconds() -> float:
    """Seconds that a process takes which does nothing."""
    taken = []
    for _ in range(STARTS):
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        taken.append(time.monotonic() - began)
    return statistics.median(taken)


def task_seconds(client: Client) -> float:
    """Seconds a task of a chain of them takes, of the second run: the first one meets cold imports."""
    client.wait_for_dags(["trivial"])
    for _ in range(2):
        run = client.wait("trivial", run_id=client.trigger("trivial"))
    if run["state"] != "success":
        raise SystemExit(f"the chain of trivial tasks is {run['state']}")
    return (_instant(run["end_date"]) - _instant(run["start_date"])).total_seconds() / CHAIN


def measure_night(home: Home) -> Json:
    """Bring the night through, and tell how it went."""
    night = home.wh.now().date()
    before = load_average()
    memory = [memory_of(home.airflow, home.postgres)]
    with repeatedly(lambda: memory.append(memory_of(home.airflow, home.postgres)), SAMPLE_SECONDS):
        red = run_night(home.wh, home.client, night, say)
    if red:
        raise SystemExit(f"red: {', '.join(red)}")
    client = home.client
    runs = {
        dag_id: client.runs(dag_id)[-1] for dag_id in (*(f"ingest__{s.name}" for s in home.wh.sources), "warehouse")
    }
    tasks = [task for dag_id, run in runs.items() for task in client.tasks(dag_id, run["dag_run_id"])]
    ingest = {name: run for name, run in runs.items() if name != "warehouse"}
    began = min(_instant(run["start_date"]) for run in ingest.values())
    ended = max(_instant(run["end_date"]) for run in ingest.values())
    whole = (ended - began).total_seconds()
    pairs = read_ends(home.wh, night)
    waits = [wait for task in tasks if (wait := _wait(task)) is not None]
    return {
        "tasks": len(tasks),
        "seconds": round(whole, 1),
        # Each source that finds the night closed and not built yet starts one; those after the first find nothing.
        "build_seconds": round(max(map(_seconds, client.runs("warehouse"))), 1),
        "idle_mib": round(memory[0]),
        "peak_mib": round(max(memory)),
        "load": [before, load_average()],
        "warehouse_runs": len(client.runs("warehouse")),
        "ended": sum(count for _, count, _, _ in pairs),
        "ends": {name: round((_instant(run["end_date"]) - began).total_seconds(), 1) for name, run in ingest.items()},
        "property_ends": {
            source: [round((at - began).total_seconds(), 1) for at in ends] for source, _, *ends in pairs
        },
        "longest_pause": {name: _longest_pause(tasks, name) for name in ingest},
        "wait_seconds": {"median": round(statistics.median(waits), 1), "longest": round(max(waits), 1)},
        "task_seconds": _by_task(tasks),
    }


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _seconds(timed: Json) -> float:
    return (_instant(timed["end_date"]) - _instant(timed["start_date"])).total_seconds()


def _wait(task: Json) -> float | None:
    """Seconds from when a task could have run until it did."""
    if not task["start_date"] or not task["scheduled_when"] or task["task_id"] == "order":
        return None  # what looks again later has waited for the vendor
    return (_instant(task["start_date"]) - _instant(task["scheduled_when"])).total_seconds()


def read_ends(wh: Warehouse, night: date) -> list[tuple[str, int, datetime, datetime]]:
    """Rows of ENDS; what all properties share is none of them."""
    with wh.connect("loader") as connection:
        return connection.execute(ENDS, {"night": night}).fetchall()


def _longest_pause(tasks: Iterable[Json], dag_id: str) -> float:
    """The longest time in seconds in which a source's run saw no task start or end."""
    moments = [
        _instant(task[name])
        for task in tasks
        for name in ("start_date", "end_date")
        if task["dag_id"] == dag_id and task[name]
    ]
    return round(max((b - a).total_seconds() for a, b in pairwise(sorted(moments))), 1)


def _by_task(tasks: Iterable[Json]) -> dict[str, list[float]]:
    """Tasks by name without table: how many, their median and their summed seconds."""
    taken: dict[str, list[float]] = defaultdict(list)
    for task in tasks:
        if task["duration"] is not None:
            taken[f"{task['dag_id']} {task['task_id'].rpartition('.')[2]}"].append(task["duration"])
    most = sorted(taken.items(), key=lambda pair: -sum(pair[1]))
    return {name: [len(each), round(statistics.median(each), 2), round(sum(each), 1)] for name, each in most}


def measure(count: int) -> Json:
    """A night of so many properties, with what reading their DAGs and a task that does nothing cost."""
    with tempfile.TemporaryDirectory(prefix="seo-warehouse-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with opened(folder, count) as home:
            told = {
                "properties": count,
                "parse_cpu_seconds": parse_seconds(home.wh.settings.properties_path),
                "task_seconds": task_seconds(home.client),
                "start_seconds": start_seconds(),
                "night": measure_night(home),
            }
            return told | {"pairs": count * len([s for s in home.wh.sources if not s.is_shared])}


def parse_many(count: int) -> float:
    """CPU seconds of reading the DAG files of so many properties."""
    with tempfile.TemporaryDirectory(prefix="seo-warehouse-bench-") as name:
        settings = Settings({"SEO_WAREHOUSE_HOME": name})
        write_properties(settings.properties_path, 1, date(2026, 5, 1))
        multiply(settings.properties_path, settings.drop, count)
        return parse_seconds(settings.properties_path)


@click.command()
@click.option("--share", default=1.0, show_default=True, help="Of the properties.")
@click.option("--write/--no-write", default=True, help="Whether results/scheduler.json is replaced.")
def main(share: float, write: bool) -> None:
    """Measure and print."""
    parse = parse_many(PARSED)
    found = measure(max(2, round(PROPERTIES * share)))
    # What ten times as many take may be more than somebody waits for.
    _keep(found, None, parse, write=write)
    many = measure(max(2, round(MANY * share)))
    _keep(found, many, parse, write=write)


def _keep(found: Json, many: Json | None, parse: float, *, write: bool) -> None:
    night, task = found["night"], found["task_seconds"]
    figures = [
        Figure(f"reading the DAG files of {PARSED} properties, of 1 s of CPU", parse / PARSE_LIMIT_SECONDS, limit=1),
        Figure("a trivial task, of 0.4 s", task / TASK_SECONDS),
        Figure("a trivial task, of a bare Python process", task / found["start_seconds"]),
        Figure("a night, of 200 s", night["seconds"] / NIGHT_LIMIT_SECONDS, limit=1),
        Figure("a night's second per task, of a trivial task", night["seconds"] / night["tasks"] / task),
        Figure("runs of the warehouse that night", night["warehouse_runs"], limit=1),
        *(
            Figure(
                f"sources ended for {each['properties']} properties",
                each["night"]["ended"] / each["pairs"],
                "at least",
                1,
            )
            for each in (found, many)
            if each
        ),
        Figure("longest pause of a source, of the night", max(night["longest_pause"].values()) / night["seconds"]),
        Figure("peak memory, of the idle scheduler's", night["peak_mib"] / night["idle_mib"]),
    ]
    if many:
        seconds, peak = many["night"]["seconds"], many["night"]["peak_mib"]
        figures += [
            Figure("a night of ten times as many, of 30 minutes", seconds / MANY_LIMIT_SECONDS, limit=1),
            Figure("peak memory of ten times as many, of that", peak / night["peak_mib"]),
        ]
    keep("scheduler", figures, {**found, "many": many, "parse_many_cpu_seconds": parse}, write=write)


if __name__ == "__main__":
    main()
