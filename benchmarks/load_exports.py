"""How long a year of rankings takes from a dropped file into `raw`, and whether memory is flat.

A year of 2,000 keywords on 2 devices is 1.46 M rows; the limit is two minutes. Peak memory is that of the process that
reads, judges and publishes 200,000 and 2 M rows, each in a process of its own. Small files are then merged into a year.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from benchmarks.measuring import FLAT, apart, peak_mebibytes, say, warehouse
from seo_warehouse.config import Settings
from seo_warehouse.orchestration import drop
from seo_warehouse.orchestration.warehouse import Warehouse

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


def timed(wh: Warehouse) -> tuple[float, float]:
    """Seconds and peak MiB of an ingest in a process of its own."""
    environment = {"SEO_WAREHOUSE_HOME": str(wh.settings.home), "SEO_WAREHOUSE_DSN": wh.dsn("owner")}
    return apart(ingest, environment)


def peak_of(days: int, keywords: int) -> float:
    """Peak MiB of one file in a warehouse of its own."""
    with warehouse(PROPERTIES) as wh:
        rows = rankings(wh.settings.drop / "shop" / "rankings.csv", days, keywords)
        seconds, peak = timed(wh)
        say(f"  {rows:,} rows: {seconds:.1f} s, peak {peak:.0f} MiB")
        return peak


def main() -> None:
    """A year into an empty table, a small file into the full one; then memory at two sizes."""
    with warehouse(PROPERTIES) as wh:
        folder = wh.settings.drop / "shop"
        rows = rankings(folder / "rankings.csv", 365, 2_000)
        seconds, _ = timed(wh)
        say(f"a year, {rows:,} rows: {seconds:.1f} s = {seconds / LIMIT_SECONDS:.2f} of the limit")
        rows = rankings(folder / "rankings-2.csv", 365, 1, ("tablet",))
        seconds, _ = timed(wh)
        say(f"{rows:,} rows more, one for each of its days: {seconds:.1f} s")
        rows = rankings(folder / "rankings-3.csv", 1, 2_000, ("tablet",))
        seconds, _ = timed(wh)
        say(f"{rows:,} rows more, of one day: {seconds:.1f} s")
    small, large = peak_of(50, 2_000), peak_of(500, 2_000)
    say(f"memory: {large / small:.2f} from 200,000 to 2 M rows (limit {FLAT})")


if __name__ == "__main__":
    main()
