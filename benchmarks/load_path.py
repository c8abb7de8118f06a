"""The load path, from HTTP to published, with archive and gate, beside dlt and plain COPY.

A process of its own answers on loopback (vendors.py). A million rows of Search Console are loaded by the project; by
COPY then CREATE UNIQUE INDEX, of what is then in `raw`; and by dlt from the same address (dlt_load.py, in an
environment of its own), by whichever of its formats and numbers of workers was best on a tenth of the rows. sling and
ingestr, which read no such address, are given the same rows as a CSV file. Backlinks are loaded by the project. The
gate's share is of the wall time of the same loads. Peak memory is that of the process that reads, judges and publishes
200,000 and 2 M rows, each in a process and a warehouse of its own.
Not to be run within the last hour of a UTC day: a night of backlinks is over then.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from psycopg import sql

from benchmarks.measuring import (
    FLAT,
    Figure,
    apart,
    environment_of,
    keep,
    load_average,
    peak_mebibytes,
    say,
    warehouse,
)
from benchmarks.vendors import vendors
from seo_warehouse.config import Settings
from seo_warehouse.demo.accounts import service_account
from seo_warehouse.ledger.holes import month_periods
from seo_warehouse.load.schema import grain_key
from seo_warehouse.sources import source_named
from seo_warehouse.spec import Period, Reading
from seo_warehouse.steps.warehouse import Warehouse

LEAST_OF_DLT = 1.5
LEAST_OF_COPY = 0.3
LEAST_LINKS = 8_000
"""Rows a second."""
MOST_GATE = 0.2
DAYS = 20
SMALL_DAYS = 4
"""Of 50,000 rows; the large load of the comparison of memory has ten times as many."""
LINKS = 150_000
FIRST = (datetime.now(UTC).date().replace(day=1) - timedelta(days=32)).replace(day=1)
"""The first day of Search Console: 40 days from it on have settled, and half of them are of one month."""
PROPERTIES = """
properties: [{key: 1, name: shop, domain: shop.example, history_start: 2025-01-01,
              sources: {search_console: {site: "sc-domain:shop.example"},
                        dataforseo_backlinks: {target: shop.example, money_per_night: 1000}}}]
"""
DLT = ("dlt[postgres]==1.31.0", "pyarrow==26.0.1", "adbc-driver-postgresql==1.13.0")
SLING = ("sling-linux-amd64==1.4.11",)
INGESTR = ("ingestr==0.15.9",)
"""The last one that needs nothing but its package."""
CONFIGURATIONS = [(form, workers) for form in ("insert_values", "csv", "parquet") for workers in (1, 2)]
ARROW = ("arrow", 1)
"""Rows given to dlt as Arrow tables, which it does not look into."""
BLOCK_BYTES = 1 << 18


def load(environment: dict[str, str], source_name: str, periods: Sequence[Period]) -> dict[str, float]:
    """Read, judge and publish in this process: the seconds of each step, and the peak of its memory in MiB."""
    os.environ.update(environment)
    began = time.monotonic()
    import_module("seo_warehouse.audit.gate")  # brings Great Expectations, which tasks inherit from the scheduler
    from seo_warehouse.steps import reading

    found = {"import": time.monotonic() - began, "write": 0.0, "audit": 0.0, "publish": 0.0}
    wh = Warehouse(Settings())
    source, prop = reading.configured(wh, source_name, "shop")
    table = source.tables[0]
    for period in periods:
        began = time.monotonic()
        wanted = Reading(
            source=source,
            table=table,
            property=prop,
            period=period,
            night=period.last_day,
            purpose="history",
            scope=reading.night_scope(period.last_day),
        )
        with wh.connect("loader", autocommit=True) as connection:
            load_id = reading.write_period(wh, connection, wanted)
        written = time.monotonic()
        reading.audit_loads(wh, source, table, [load_id])
        judged = time.monotonic()
        reading.settle(wh, source, table, [load_id])
        found["write"] += written - began
        found["audit"] += judged - written
        found["publish"] += time.monotonic() - judged
    return found | {"peak_mib": peak_mebibytes()}


def measure(wh: Warehouse, address: str, source_name: str, days: Sequence[date]) -> dict[str, Any]:
    """A load of some days in a process of its own, with its rows in all and a second."""
    home = wh.settings.home
    here = {"allowed_networks": ["127.0.0.0/8"]}
    google = {"host": address, "extra": {"keyfile_dict": service_account(home, address), **here}}
    dataforseo = {"host": address, "login": "bench", "password": "opens nothing", "extra": here}
    environment = {
        "SEO_WAREHOUSE_HOME": str(home),
        "SEO_WAREHOUSE_DSN": wh.dsn("owner"),
        "AIRFLOW_CONN_GOOGLE_SEARCH_CONSOLE": json.dumps(google),
        "AIRFLOW_CONN_DATAFORSEO": json.dumps(dataforseo),
    }
    found = apart(load, environment, source_name, list(month_periods(days)))
    source = source_named(source_name)
    with wh.connect("loader") as connection:
        query = sql.SQL("select count(*) from {}").format(sql.Identifier("raw", source.raw_name(source.tables[0])))
        rows = connection.execute(query).fetchall()[0][0]
    seconds = found["write"] + found["audit"] + found["publish"]
    say(f"  {source_name}: {rows:,} rows in {seconds:.1f} s, {rows / seconds:,.0f} a second")
    told = {name: round(value, 2) for name, value in found.items()}
    return {**told, "rows": rows, "seconds": round(seconds, 2), "rows_per_second": round(rows / seconds)}


def copy_plainly(wh: Warehouse) -> dict[str, Any]:
    """COPY of what is in raw into a table like it, then its unique index, in one transaction: PostgreSQL's best.

    https://www.postgresql.org/docs/current/populate.html
    """
    source = source_named("search_console")
    table = source.tables[0]
    raw = sql.Identifier("raw", source.raw_name(table))
    path = wh.settings.home / "rows"
    reading = sql.SQL("copy (select * from {}) to stdout").format(raw)
    with wh.connect("loader") as connection, connection.cursor().copy(reading) as out, path.open("wb") as file:
        file.writelines(out)
    with wh.connect("loader", autocommit=True) as connection, path.open("rb") as file:
        began = time.monotonic()
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(sql.SQL("create table audit.copied (like {} including defaults)").format(raw))
            with cursor.copy("copy audit.copied from stdin") as copy:
                while block := file.read(BLOCK_BYTES):
                    copy.write(block)
            rows = cursor.rowcount
            index = "create unique index on audit.copied (property_key, day, part{}) nulls not distinct"
            cursor.execute(sql.SQL(index).format(grain_key(table)))
        seconds = time.monotonic() - began
        connection.execute("drop table audit.copied")
    path.unlink()
    say(f"  COPY, then the index: {rows:,} rows in {seconds:.1f} s, {rows / seconds:,.0f} a second")
    return {"rows": rows, "seconds": round(seconds, 2), "rows_per_second": round(rows / seconds)}


def load_with_dlt(wh: Warehouse, address: str, days: int, form: str, workers: int) -> dict[str, Any]:
    """dlt's load of the first days."""
    script = Path(__file__).with_name("dlt_load.py")
    command: list[str | Path] = [
        environment_of("dlt", DLT) / "python",
        script,
        address,
        wh.dsn("owner"),
        str(FIRST),
        str(days),
        form,
        str(workers),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    rate = round(found["rows"] / found["seconds"])
    say(f"  dlt, {form}, {workers} workers: {found['rows']:,} rows in {found['seconds']} s, {rate:,} a second")
    return {"format": form, "workers": workers, **found, "rows_per_second": rate}


def compare_with_dlt(wh: Warehouse, address: str, days: int) -> dict[str, Any]:
    """Its configurations on a tenth of the days, then the best, and Arrow's, on all."""
    trials = [load_with_dlt(wh, address, max(1, days // 10), *each) for each in CONFIGURATIONS]
    best = max(trials, key=lambda trial: trial["rows_per_second"])
    return {
        "trials": trials,
        "best": load_with_dlt(wh, address, days, best["format"], best["workers"]),
        "arrow": load_with_dlt(wh, address, days, *ARROW),
    }


def load_from_file(wh: Warehouse) -> dict[str, dict[str, Any]]:
    """sling's and ingestr's loads of what is in raw, from a CSV file, start of the program included."""
    path, dsn = wh.settings.home / "rows.csv", wh.dsn("owner")
    source = source_named("search_console")
    raw = sql.Identifier("raw", source.raw_name(source.tables[0]))
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in source.tables[0].columns)
    reading = sql.SQL("copy (select {} from {}) to stdout (format csv, header)").format(names, raw)
    with wh.connect("loader") as connection, connection.cursor().copy(reading) as out, path.open("wb") as file:
        file.writelines(out)
    (sling,) = environment_of("sling", SLING).parent.glob("lib/*/site-packages/sling_linux_amd64/bin/sling-linux-amd64")
    sling.chmod(0o755)
    ingestr = environment_of("ingestr", INGESTR) / "ingestr"
    commands: dict[str, list[str | Path]] = {
        "sling": [sling, "run", "--src-stream", f"file://{path}",
                  "--tgt-conn", f"{dsn}?sslmode=disable", "--tgt-object", "sling.performance"],
        "ingestr": [ingestr, "ingest", "--yes", "--source-uri", f"csv://{path}", "--source-table", "rows",
                    "--dest-uri", dsn, "--dest-table", "ingestr.performance"],
    }  # fmt: skip
    silent = {"SLING_DISABLE_TELEMETRY": "true", "INGESTR_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1"}
    found = {}
    for name, command in commands.items():
        began = time.monotonic()
        subprocess.run(command, env={**os.environ, **silent}, stdout=subprocess.DEVNULL, check=True)
        seconds = time.monotonic() - began
        with wh.connect("owner") as connection:
            counting = sql.SQL("select count(*) from {}").format(sql.Identifier(name, "performance"))
            rows = connection.execute(counting).fetchall()[0][0]
        found[name] = {"rows": rows, "seconds": round(seconds, 2), "rows_per_second": round(rows / seconds)}
        say(f"  {name}, from a file: {rows:,} rows in {seconds:.1f} s, {rows / seconds:,.0f} a second")
    path.unlink()
    return found


def days_from_first(count: int) -> list[date]:
    """So many days of Search Console."""
    return [FIRST + timedelta(days=number) for number in range(count)]


def memory(address: str, days: int) -> dict[str, Any]:
    """A load into a warehouse of its own."""
    with warehouse(PROPERTIES) as wh:
        return measure(wh, address, "search_console", days_from_first(days))


@click.command()
@click.option("--share", default=1.0, show_default=True, help="Of the days and links.")
@click.option("--write/--no-write", default=True, help="Whether results/load_path.json is replaced.")
def main(share: float, write: bool) -> None:
    """Measure and print."""
    days, small, links = (max(1, round(share * number)) for number in (DAYS, SMALL_DAYS, LINKS))
    found: dict[str, Any] = {"share": share, "load_at_begin": load_average()}
    with vendors(FIRST, max(days, 10 * small), links) as address:
        with warehouse(PROPERTIES) as wh:
            ours = found["search_console"] = measure(wh, address, "search_console", days_from_first(days))
            copied = found["copy_then_index"] = copy_plainly(wh)
            files = found["from_file"] = load_from_file(wh)
            backlinks = found["dataforseo_backlinks"] = measure(
                wh, address, "dataforseo_backlinks", [datetime.now(UTC).date()]
            )
            dlt = found["dlt"] = compare_with_dlt(wh, address, days)
        found["memory"] = [memory(address, small), memory(address, 10 * small)]
    rate = ours["rows_per_second"]
    figures = [
        Figure("Search Console, of dlt's best", rate / dlt["best"]["rows_per_second"], "at least", LEAST_OF_DLT),
        Figure("Search Console, of dlt with Arrow tables", rate / dlt["arrow"]["rows_per_second"]),
        *(
            Figure(f"Search Console, of {name} from a file", rate / load["rows_per_second"])
            for name, load in files.items()
        ),
        Figure("Search Console, of COPY and index", rate / copied["rows_per_second"], "at least", LEAST_OF_COPY),
        Figure("backlinks, of 8,000 rows/s", backlinks["rows_per_second"] / LEAST_LINKS, "at least", 1),
        *gate_figures("Search Console", ours),
        *gate_figures("backlinks", backlinks),
        Figure(
            "memory, 2 M rows of 200,000", found["memory"][1]["peak_mib"] / found["memory"][0]["peak_mib"], limit=FLAT
        ),
    ]
    keep("load_path", figures, found, write=write)


def gate_figures(what: str, load: dict[str, Any]) -> list[Figure]:
    """The gate's share of a load's wall time, without and with the import of what it needs, once a process."""
    with_import = (load["audit"] + load["import"]) / (load["seconds"] + load["import"])
    return [
        Figure(f"{what}, gate of all", load["audit"] / load["seconds"], limit=MOST_GATE),
        Figure(f"{what}, gate of all with its import", with_import),
    ]


if __name__ == "__main__":
    main()
