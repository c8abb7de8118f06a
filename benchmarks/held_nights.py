"""Ten nights beside fifty held loads about which people are asked, with every channel of alerts dead.

Embedded Airflow and PostgreSQL, the demo's server as every vendor. One night before, without a held load, is what the
others are compared with. In the middle one of the ten the scheduler is killed, and started anew.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import yaml

from benchmarks.measuring import Figure, keep, say
from benchmarks.scheduler import Home, opened
from seo_warehouse.config import Settings
from seo_warehouse.demo.control import set_clock
from seo_warehouse.embedded import airflow as embedded_airflow
from seo_warehouse.embedded import processes
from seo_warehouse.embedded.run import run_night
from seo_warehouse.steps.stated import CONNECTIONS_FILE
from seo_warehouse.steps.warehouse import open_warehouse

PROPERTIES = 2
READ = ("search_console", "dataforseo_backlinks", "dataforseo_serp")
WAIT_SECONDS = 900
HELD = """
insert into ops.load (source, table_name, property_key, first_day, last_day, night, purpose, attempt, state, reason,
                      rows_read, read_at, audited_at)
select 'search_console', 'page_total', 1, day::date, day::date, %(night)s, 'night', 1, 'quarantined',
       'least_share: 0 rows, 90 are usual', 0, now(), now()
from generate_series(date '2020-01-01', date '2020-01-01' + %(count)s - 1, interval '1 day') as day
"""

Json = dict[str, Any]


@contextmanager
def dead_channels(home: Home) -> Iterator[Home]:
    """The home with channels that take nothing: nobody listens, or who listens never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
        closed.close()
        local = {"allowed_networks": ["127.0.0.0/8"]}
        stated = {
            "silent": {"host": f"http://127.0.0.1:{silent.getsockname()[1]}", "password": "x", "extra": local},
            "nobody": {"host": f"http://127.0.0.1:{port}", "password": "x", "extra": local},
            "post": {"host": "127.0.0.1", "port": port, "extra": {"from_email": "a@b.example", "disable_ssl": True}},
        }
        path = home.wh.settings.home / CONNECTIONS_FILE
        known = json.loads(path.read_text())
        types = {"post": "smtp"}
        for name, connection in stated.items():
            known[name] = json.dumps({"conn_type": types.get(name, "http"), **connection})
        path.write_text(json.dumps(known))
        document = yaml.safe_load(home.wh.settings.properties_path.read_text(encoding="utf-8"))
        document["alerts"] = [
            {"name": "silent", "to": "webhook", "connection": "silent"},
            {"name": "nobody", "to": "webhook", "connection": "nobody"},
            {"name": "post", "to": "mail", "connection": "post", "recipients": ["seo@b.example"]},
        ]
        for prop in document["properties"]:
            prop["sources"] = {name: prop["sources"][name] for name in READ}
        home.wh.settings.properties_path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        yield replace(home, wh=open_warehouse(Settings({"SEO_WAREHOUSE_HOME": str(home.wh.settings.home)})))


def bring(home: Home, night: date, *, kill: bool = False) -> Json:
    """A night as its ticks would begin it. How long it took, how late its tasks began, and what is red of it."""
    client = home.client
    set_clock(str(home.wh.properties.clock_url), datetime(night.year, night.month, night.day, 6, tzinfo=UTC))
    began = time.monotonic()
    runs = {f"ingest__{name}": client.trigger(f"ingest__{name}", night.isoformat()) for name in names(home)}
    if kill:
        time.sleep(5)
        scheduler = next(part for part in home.airflow.components if part.name == "airflow-scheduler")
        running = processes.find(scheduler)
        if running is None:
            raise SystemExit("there is no scheduler to kill")
        os.kill(running.pid, signal.SIGKILL)
        processes.stop([scheduler])
        embedded_airflow.start(home.airflow, say)
    states = {dag: client.wait(dag, run_id=run, timeout_seconds=WAIT_SECONDS)["state"] for dag, run in runs.items()}
    built = client.wait("warehouse", partition_key=night.isoformat(), timeout_seconds=WAIT_SECONDS)
    states["warehouse"] = built["state"]
    seconds = time.monotonic() - began
    tasks = [task for dag, run in runs.items() for task in client.tasks(dag, run)]
    waits = [
        (datetime.fromisoformat(task["start_date"]) - datetime.fromisoformat(task["scheduled_when"])).total_seconds()
        for task in tasks
        if task["start_date"] and task["scheduled_when"] and task["task_id"] != "order"
    ]
    slots = client.call("GET", "pools/default_pool")
    return {
        "night": str(night),
        "seconds": round(seconds, 1),
        "longest_wait": round(max(waits), 1),
        "red": sorted(dag for dag, state in states.items() if state != "success"),
        "open_requests": open_requests(home),
        "slots": slots["occupied_slots"],
    }


def names(home: Home) -> list[str]:
    """The sources that the nights read."""
    return [source.name for source in home.wh.sources]


def open_requests(home: Home) -> int:
    """Requests to people that nobody has answered."""
    params = {"response_received": False, "state": "awaiting_input", "limit": 100}
    return int(home.client.call("GET", "dags/~/dagRuns/~/hitlDetails", params=params)["total_entries"])


def hold(home: Home, night: date, count: int) -> float:
    """Hold so many loads, and wait until a person is asked about each. Returns the seconds from asking on."""
    with home.wh.connect("loader") as connection:
        connection.execute(HELD, {"night": night, "count": count})
    began = time.monotonic()
    home.client.trigger("maintenance")
    while open_requests(home) < count:
        if time.monotonic() - began > WAIT_SECONDS:
            raise SystemExit(f"{open_requests(home)} of {count} requests are open after {WAIT_SECONDS} s")
        time.sleep(1)
    return time.monotonic() - began


@click.command()
@click.option(
    "--nights", type=click.IntRange(min=2), default=10, show_default=True, help="Nights beside the held loads."
)
@click.option("--held", default=50, show_default=True, help="Held loads.")
@click.option("--write/--no-write", default=True, help="Whether results/held_nights.json is replaced.")
def main(nights: int, held: int, write: bool) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="seo-warehouse-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with opened(folder, PROPERTIES) as served, dead_channels(served) as home:
            first = home.wh.now().date()
            red = run_night(home.wh, home.client, first, say)
            if red:
                raise SystemExit(f"red: {', '.join(red)}")
            alone = bring(home, first + timedelta(days=1))
            say(f"alone: {alone}")
            asked = hold(home, first, held)
            say(f"{held} people are asked within {asked:.0f} s")
            found, killed = [], (nights + 1) // 2
            for number in range(1, nights + 1):
                found.append(bring(home, first + timedelta(days=1 + number), kill=number == killed))
                say(f"night {number}: {found[-1]}")
            with home.wh.connect("loader") as connection:
                sent = connection.execute("select channel, count(*), count(sent_at) from ops.alert_sent group by 1")
                told = {channel: [tried, taken] for channel, tried, taken in sent.fetchall()}
    undisturbed = [night["seconds"] for number, night in enumerate(found, start=1) if number != killed]
    figures = [
        Figure("green nights beside held loads", sum(not night["red"] for night in found) / nights, "at least", 1),
        Figure("requests still open after each night", min(n["open_requests"] for n in found) / held, "at least", 1),
        Figure("worker slots held by them after a night", float(max(night["slots"] for night in found)), limit=0),
        Figure("a night, of the one without held loads", statistics.median(undisturbed) / alone["seconds"]),
        Figure("channels that took anything", float(sum(taken for _, taken in told.values())), limit=0),
    ]
    keep(
        "held_nights",
        figures,
        {"held": held, "asked_seconds": asked, "alone": alone, "nights": found, "told": told},
        write=write,
    )


if __name__ == "__main__":
    main()
