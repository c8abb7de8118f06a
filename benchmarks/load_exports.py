"""How long a year of rankings takes from a dropped file into `raw`, and whether memory is flat.

A year of 2,000 keywords on 2 devices is 1.46 M rows; the limit is two minutes. Peak memory is that of the process that
reads, judges and publishes 200,000 and 2 M rows, each in a process of its own. Small files are then merged into a year.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from benchmarks.measuring import FLAT, Figure, apart, keep, load_average, peak_mebibytes, say, warehouse
from seo_warehouse.config import Settings
from seo_warehouse.steps import drop
from seo_warehouse.steps.warehouse import Warehouse

LIMIT_SECONDS = 120
FIRST = date(2025, 1, 1)
PROPERTIES = (
    "properties: [{key: 1, name: shop, domain: shop.example, history_start: 2025-01-01, sources: {exports: {}}}]"
)


def rankings(path: Path, days: int, keywords: int, devices: tuple[str, ...] = ("desktop", "mobile")) -> int:
    """Write a generic rankings file; returns its rows. Every keyword has its page, positions wander."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        file.write("checked_on,keyword,engine,country,language,device,state,position,url,depth\n")
        for number in range(days):
            day = FIRST + timedelta(number)
            for keyword in range(keywords):
                for device in devices:
                    position = 1 + (keyword * 7 + number * (keyword % 5)) % 100
                    page = f"https://www.shop.example/category-{keyword % 40}/product-{keyword}/"
                    file.write(f"{day},best shoes {keyword},google,US,en,{device},found,{position},{page},100\n")
    hour_ago = time.time() - 3600
    os.utime(path, (hour_ago, hour_ago))
    return days * keywords * len(devices)


def ingest(environment: dict[str, str]) -> tuple[float, float]:
    """Ingest in this process: seconds, and the peak of its memory in MiB."""
    wh = Warehouse(Settings(environment))
    began = time.monotonic()
    drop.ingest(wh, "exports", "shop", datetime.now(UTC).date(), lambda line: say(f"    {line}"))
    seconds = time.monotonic() - began
    return seconds, peak_mebibytes()


def timed(wh: Warehouse, rows: int) -> dict[str, Any]:
    """An ingest of a file of so many rows in a process of its own."""
    environment = {"SEO_WAREHOUSE_HOME": str(wh.settings.home), "SEO_WAREHOUSE_DSN": wh.dsn("owner")}
    seconds, peak = apart(ingest, environment)
    say(f"  {rows:,} rows: {seconds:.1f} s, peak {peak:.0f} MiB")
    return {"rows": rows, "seconds": round(seconds, 2), "peak_mib": round(peak), "load": load_average()}


def alone(days: int, keywords: int) -> dict[str, Any]:
    """One file in a warehouse of its own."""
    with warehouse(PROPERTIES) as wh:
        return timed(wh, rankings(wh.settings.drop / "shop" / "rankings.csv", days, keywords))


@click.command()
@click.option("--share", default=1.0, show_default=True, help="Of the keywords.")
@click.option("--write/--no-write", default=True, help="Whether results/load_exports.json is replaced.")
def main(share: float, write: bool) -> None:
    """A year into an empty table, small files into the full one; then memory at two sizes."""
    keywords = max(1, round(share * 2_000))
    with warehouse(PROPERTIES) as wh:
        folder = wh.settings.drop / "shop"
        year = timed(wh, rankings(folder / "rankings.csv", 365, keywords))
        row_a_day = timed(wh, rankings(folder / "rankings-2.csv", 365, 1, ("tablet",)))
        one_day = timed(wh, rankings(folder / "rankings-3.csv", 1, keywords, ("tablet",)))
    small, large = alone(50, keywords), alone(500, keywords)
    figures = [
        Figure("a year of rankings, of 120 s", year["seconds"] / LIMIT_SECONDS, limit=1),
        Figure("a row more for each of its days, of the year's time", row_a_day["seconds"] / year["seconds"]),
        Figure("a day more, of the year's time", one_day["seconds"] / year["seconds"]),
        Figure("memory, 2 M rows of 200,000", large["peak_mib"] / small["peak_mib"], limit=FLAT),
    ]
    found = {"year": year, "row_a_day": row_a_day, "one_day": one_day, "memory": [small, large]}
    keep("load_exports", figures, found, write=write)


if __name__ == "__main__":
    main()
