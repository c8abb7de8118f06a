"""python -m seo_warehouse.demo: serve the demo in the foreground."""

from __future__ import annotations

import logging
import sys
from datetime import datetime
from pathlib import Path

import click

from seo_warehouse.demo.serving import serve
from seo_warehouse.errors import SeoWarehouseError


@click.command()
@click.option("--port", type=click.IntRange(1, 65_535), required=True, help="Port of 127.0.0.1.")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="State of the demo.")
@click.option("--first-day", type=click.DateTime(["%Y-%m-%d"]), help="First day of the world; default: 26 weeks ago.")
@click.option("--seed", type=int, help="Seed of the world.")
def main(port: int, folder: Path, first_day: datetime | None, seed: int | None) -> None:
    """Serve a simulated web behind vendor-shaped endpoints until stopped."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        serve(port, folder, seed, first_day.date() if first_day else None)
    except SeoWarehouseError as error:
        click.echo(str(error), err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
