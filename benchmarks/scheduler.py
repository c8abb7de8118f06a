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
from seo_warehouse.embedded import airflow as embedded_airflow
from seo_warehouse.embedded import parts, processes
from seo_warehouse.embedded.airflow import ADMIN, ROOT, Airflow
from seo_warehouse.embedded.ports import choose_ports
from seo_warehouse.embedded.rest import Client
from seo_warehouse.embedded.run import run_night
from seo_warehouse.steps.warehouse import Warehouse, open_warehouse

PROPERTIES = 50
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
        lines = [f"{first},kettle {n},google,US,en,mobile,found,{n},https://shop.example/{n},100" for n in range(1, 21)]
        file.write_text(
            "checked_on,keyword,engine,country,language,device,state,position,url,depth\n" + "\n".join(lines)
        )
        # One that was written just now may still grow, and waits for the next night.
        os.utime(file, (time.time() - 3_600,) * 2)


def _copied(model: Json, key: int, first: date) -> Json:
    prop = copy.deepcopy(model) | {"key": key, "name": f"shop-{key}", "history_start": first}
    prop["keywords"] = prop["keywords"][:KEYWORDS]
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
    waits = [wait for task in tasks if (wait := _wait(task)) is not None]
    return {
        "tasks": len(tasks),
        "seconds": round(whole, 1),
        # Each source that finds the night closed and not built yet starts one; those after the first find nothing.
        "build_seconds": round(max(map(_seconds, client.runs("warehouse"))), 1),
        "idle_mib": round(memory[0]),
        "peak_mib": round(max(memory)),
        "load": [before, load_average()],
        "ended": sorted(_ended_pairs(tasks)),
        "ends": {name: round((_instant(run["end_date"]) - began).total_seconds(), 1) for name, run in ingest.items()},
        "property_ends": {name: _property_ends(tasks, name, began) for name in ingest},
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


def _publishing(tasks: Iterable[Json]) -> Iterator[Json]:
    """The last task of each property and table."""
    return (task for task in tasks if task["task_id"].endswith(".publish") and task["map_index"] >= 0)


def _ended_pairs(tasks: Iterable[Json]) -> set[str]:
    """Source and property where each table's last task has ended well."""
    good, all_of = defaultdict(int), defaultdict(int)
    for task in _publishing(tasks):
        pair = f"{task['dag_id'].removeprefix('ingest__')} {task['rendered_map_index']}"
        all_of[pair] += 1
        good[pair] += task["state"] == "success"
    return {pair for pair, count in all_of.items() if good[pair] == count}


def _property_ends(tasks: Iterable[Json], dag_id: str, began: datetime) -> list[float]:
    """When the first and the last property of a source had ended, in seconds of the night."""
    ends: dict[str, float] = {}
    for task in _publishing(tasks):
        if task["dag_id"] == dag_id and task["end_date"]:
            at = (_instant(task["end_date"]) - began).total_seconds()
            ends[task["rendered_map_index"]] = max(at, ends.get(task["rendered_map_index"], 0.0))
    return [round(min(ends.values()), 1), round(max(ends.values()), 1)]


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


@click.command()
@click.option("--share", default=1.0, show_default=True, help="Of the properties.")
@click.option("--write/--no-write", default=True, help="Whether results/scheduler.json is replaced.")
def main(share: float, write: bool) -> None:
    """Measure and print."""
    count = max(2, round(PROPERTIES * share))
    with tempfile.TemporaryDirectory(prefix="seo-warehouse-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with opened(folder, count) as home:
            parse = parse_seconds(home.wh.settings.properties_path)
            task, start = task_seconds(home.client), start_seconds()
            night = measure_night(home)
            sources = [source for source in home.wh.sources if source.name != "google_updates"]
    pairs = [pair for pair in night.pop("ended") if not pair.startswith("google_updates ")]
    figures = [
        Figure("reading the DAG files, of 1 s of CPU", parse / PARSE_LIMIT_SECONDS, limit=1),
        Figure("a trivial task, of 0.4 s", task / TASK_SECONDS),
        Figure("a trivial task, of a bare Python process", task / start),
        Figure("a night's second per task, of a trivial task", night["seconds"] / night["tasks"] / task),
        Figure("properties and sources ended that night", len(pairs) / (count * len(sources)), "at least", 1),
        Figure("longest pause of a source, of the night", max(night["longest_pause"].values()) / night["seconds"]),
        Figure("peak memory, of the idle scheduler's", night["peak_mib"] / night["idle_mib"]),
    ]
    found = {"properties": count, "parse_cpu_seconds": parse, "task_seconds": task, "start_seconds": start}
    keep("scheduler", figures, {**found, "night": night}, write=write)


if __name__ == "__main__":
    main()
