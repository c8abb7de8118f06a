"""python -m seo_warehouse.embedded.demo_history: `seo-warehouse onboard` for a property of the demo, snapshots too."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from seo_warehouse.demo import history
from seo_warehouse.errors import SeoWarehouseError
from seo_warehouse.orchestration.stores import open_warehouse
from seo_warehouse.steps.history import onboard


@click.command()
@click.option("--property", "property_name", required=True)
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The last night.")
def main(property_name: str, last: datetime) -> None:
    """Load the past of a property of the demo by month."""
    wh = open_warehouse()
    try:
        history.take_clock_back(wh, property_name)
        onboard(wh, property_name, None, last.date(), click.echo, history.load_snapshots)
    except SeoWarehouseError as error:
        click.echo(f"seo-warehouse: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
