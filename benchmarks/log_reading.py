"""How fast a log is read, beside a bare pattern that keeps nothing and, where installed, GoAccess and advertools.

The log is made from a seed: some 240 bytes a line, 3 malformed lines in 10,000, 3 % bots, 4,000 or 66,000 addresses.
The whole way is measured: recognising, reading, who may be a bot, sums of people, what is kept, and its rows with
verdicts. All take their turns, three times, in processes of their own; of CPU time the median counts. advertools, which
is far slower, gets the first twentieth of the log.
"""

from __future__ import annotations

import gzip
import random
import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import date
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile

import click
import zstandard

from benchmarks.measuring import FLAT, Figure, apart, keep, load_average, peak_mebibytes, say
from seo_warehouse.logs import asof, keeping, rows
from seo_warehouse.logs.resuming import find_start

TURNS = 3
ADVERTOOLS, SHORTER = "advertools", 20
"""Its log is so many times shorter."""
READINGS: asof.Readings = {
    "googlebot": {date(2025, 11, 1): frozenset({"66.249.64.0/19"})},
    "bingbot": {date(2025, 11, 1): frozenset({"40.77.167.0/24"})},
}
AGENTS = [f"Mozilla/5.0 (X11; Linux x86_64; rv:{n}.0) Gecko/20100101 Firefox/{n}.0" for n in range(60, 140)]
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
BARE = re.compile(r'(\S+) \S+ \S+ \[([^\]]+)\] "([^"\\]*(?:\\.[^"\\]*)*)" (\d{3}) (\S+) "([^"]*)" "([^"]*)"')


def write_log(path: Path, lines: int, addresses: int) -> None:
    """Write a log of so many lines, of so many addresses."""
    rng = random.Random(lines)  # noqa: S311
    with path.open("w", encoding="latin-1") as file:
        for number in range(lines):
            if rng.random() < 0.0003:
                file.write("broken\n")
                continue
            is_bot = rng.random() < 0.03
            who = rng.randrange(addresses)
            address = f"66.249.64.{who % 250}" if is_bot else f"11.{who >> 16}.{who >> 8 & 255}.{who & 255}"
            second = number // 20
            clock = f"{second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}"
            page = f"/category-{int(rng.paretovariate(1)) % 40}/product-{int(rng.paretovariate(0.8)) % 5000}/"
            agent = GOOGLEBOT if is_bot else rng.choice(AGENTS)
            file.write(
                f'{address} - - [{1 + second // 86_400 % 28:02}/Nov/2025:{clock} +0000] "GET {page} HTTP/1.1" 200'
                f' {rng.randrange(60_000)} "https://www.shop.example{page}" "{agent}"\n'
            )


def read_whole(path: Path) -> tuple[float, float]:
    """The whole way of a log: CPU seconds and peak memory in MiB."""
    began = time.process_time()
    start = find_start(path, [])
    if start is None:
        raise SystemExit("the log holds nothing")
    log = rows.Log(stream="web", name=path.name, site="https://www.shop.example", written_on=date(2025, 11, 28))
    with TemporaryFile() as kept:
        keeping.keep(
            path,
            start,
            kept,
            asof.make_finder({name: set().union(*told.values()) for name, told in READINGS.items()}),
            domain="shop.example",
            takes_rest=True,
        )
        for reader in (rows.read_bot_hits, rows.read_human_hits, rows.read_entries, rows.read_segments):
            kept.seek(0)
            for _ in reader(log, kept, asof.make_as_of(READINGS)):
                pass
    return time.process_time() - began, peak_mebibytes()


def read_bare(path: Path) -> tuple[float, float]:
    """A pattern for each line, nothing kept."""
    began = time.process_time()
    match = BARE.match
    with path.open(encoding="latin-1") as file:
        for line in file:
            found = match(line)
            if found is not None:
                found.groups()
    return time.process_time() - began, peak_mebibytes()


def read_goaccess(path: Path) -> tuple[float, float]:
    """GoAccess's own reading of the same file."""
    command = ["goaccess", str(path), "--log-format=COMBINED", "-o", str(path.with_suffix(".json")), "--no-progress"]
    subprocess.run(command, check=True, capture_output=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def read_advertools(path: Path) -> tuple[float, float]:
    """advertools' data frame of the same lines."""
    read = import_module("advertools").logs_to_df
    began = time.process_time()
    with tempfile.TemporaryDirectory() as name:
        read(str(path), f"{name}/rows.parquet", f"{name}/errors.txt", "combined")
    return time.process_time() - began, peak_mebibytes()


def in_turn(ways: Mapping[str, tuple[Callable[[Path], tuple[float, float]], Path]], lines: int) -> dict[str, float]:
    """Lines a second of CPU time, by way: the median of each one's turns."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, (read, path) in ways.items():
            seconds[name].append(apart(read, path)[0])
    rates = {name: lines / median(found) for name, found in seconds.items()}
    if ADVERTOOLS in rates:
        rates[ADVERTOOLS] /= SHORTER
    for name, rate in rates.items():
        say(f"  {name}: {rate:,.0f} lines/s of CPU time")
    return rates


@click.command()
@click.option("--lines", default=1_000_000, show_default=True, help="Of the log that is timed.")
@click.option("--write/--no-write", default=True, help="Whether results/log_reading.json is replaced.")
def main(lines: int, write: bool) -> None:
    """Time the ways to read a log, then look at memory at two sizes."""
    with tempfile.TemporaryDirectory(prefix="seo-warehouse-logs-") as name:
        folder = Path(name)
        plain, many = folder / "few.log", folder / "many.log"
        write_log(plain, lines, 4_000)
        write_log(many, lines, 66_000)
        packed, squeezed = folder / "few.log.gz", folder / "few.log.zst"
        packed.write_bytes(gzip.compress(plain.read_bytes(), 6))
        squeezed.write_bytes(zstandard.compress(plain.read_bytes()))
        ways = {
            "whole way": (read_whole, plain),
            "bare pattern": (read_bare, plain),
            "66,000 addresses": (read_whole, many),
            "gz": (read_whole, packed),
            "zst": (read_whole, squeezed),
        }
        if shutil.which("goaccess"):
            ways["GoAccess"] = (read_goaccess, plain)
        else:
            say("  GoAccess is not installed (Debian's package goaccess): the log is read without it")
        if find_spec("advertools"):
            write_log(short := folder / "short.log", lines // SHORTER, 4_000)
            ways[ADVERTOOLS] = (read_advertools, short)
        else:
            say("  advertools is not installed (pip install advertools): the log is read without it")
        rates = in_turn(ways, lines)
        small = apart(read_whole, plain)[1]
        long = folder / "long.log"
        write_log(long, 5 * lines, 66_000)
        large = apart(read_whole, long)[1]
    whole = rates["whole way"]
    figures = [
        Figure("whole way, of a bare pattern", whole / rates["bare pattern"], "at least", 0.5),
        Figure("lines a second, of 150,000", whole / 150_000, "at least", 1),
        Figure("66,000 addresses, of 4,000", rates["66,000 addresses"] / whole),
        Figure("gz, of plain", rates["gz"] / whole, "at least", 0.8),
        Figure("zst, of plain", rates["zst"] / whole, "at least", 0.8),
        Figure("memory, five times the lines", large / small, limit=FLAT),
        Figure("peak memory, of 150 MiB", large / 150, limit=1),
    ]
    if "GoAccess" in rates:
        figures.append(Figure("times GoAccess", whole / rates["GoAccess"], "at least", 5))
    if ADVERTOOLS in rates:
        figures.append(Figure("times advertools", whole / rates[ADVERTOOLS], "at least", 10))
    found = {"rates": rates, "lines": lines, "peak_mib": [small, large], "load": load_average()}
    keep("log_reading", figures, found, write=write)


if __name__ == "__main__":
    main()
