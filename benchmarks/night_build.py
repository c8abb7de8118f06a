"""How a night's build grows with history and with properties.

Three warehouses: a site with a month of history, the same with a year (2.1 M rank checks), and ten such sites with a
month. Each is built once; then two nights are published and built, one with a crawl and one without. A build is
`build_warehouse`: dbt's parse, models and tests, the estimates and what is made of them. The wall time of both nights
counts. Beside it stands the time in which a model or a test was at work, that is without dbt's start and parse.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import click

from benchmarks.measuring import Figure, apart, keep, load_average, say, warehouse
from benchmarks.sites import NIGHT, Site, load_history, properties_yml, publish_night
from seo_warehouse.steps.build import build_warehouse
from seo_warehouse.steps.warehouse import Warehouse

MONTH, YEAR = 30, 366
"""As far from the last full pull of backlinks, the one as the other."""
NIGHTS = 2
PROPERTIES = 10
LIMIT_HISTORY, LIMIT_PROPERTIES, LIMIT_WITH = 1.5, 12, 1.3
AT_WORK = """
select extract(epoch from sum(upper(span) - lower(span)))
from (
    select unnest(range_agg(tstzrange(recorded_at - make_interval(secs => seconds), recorded_at))) as span
    from ops.dbt_node_result where build_id = %s
) as spans
"""
SLOWEST = """
select split_part(unique_id, '.', 3), round(seconds::numeric, 2)::float8
from ops.dbt_node_result where build_id = %s order by seconds desc limit 12
"""
OF_PORTFOLIOS = (
    *("int_link__group_links", "int_link__list_beliefs", "int_link__count_finds", "int_link__watch_delays"),
    *("int_link__measure_delays", "rpt_witness", "rpt_witness_bound", "rpt_portfolio", "rpt_portfolio_stress"),
    *("rpt_link_survival", "rpt_link_risk", "rpt_expected_loss", "fct_link_flag", "rpt_scale_shift"),
    *("fct_page_authority", "fct_domain_authority", "int_domain__pair_scores", "int_domain__place_domains"),
)
"""Models of portfolios, witnesses and authority, beside those that are called int_portfolio__."""
NODES = """
select sum(seconds), sum(seconds) filter (where name = any(%s) or starts_with(name, 'int_portfolio__'))
from (select seconds, split_part(unique_id, '.', 3) as name from ops.dbt_node_result where build_id = %s) as nodes
"""
POSITIONS = "select count(*) from marts.fct_serp_position"


def measure(share: float, days: int, properties: int) -> dict[str, Any]:
    """Build a history of so many days, then the nights after it."""
    site, first = Site().scaled(share), NIGHT - timedelta(days=days)
    with warehouse(properties_yml(site, properties, first)) as wh:
        began = time.monotonic()
        load_history(wh, site, first)
        loaded = time.monotonic()
        build_warehouse(wh)
        history = {"load_seconds": round(loaded - began, 1), "build_seconds": round(time.monotonic() - loaded, 1)}
        with wh.connect("transformer") as connection:
            positions = connection.execute(POSITIONS).fetchall()[0][0]
        nights = []
        for number in range(NIGHTS):
            publish_night(wh, site, NIGHT + timedelta(days=number), first)
            nights.append(build(wh))
    say(f"{properties} properties, {days} days: {positions:,} positions, nights {[n['seconds'] for n in nights]} s")
    return {"properties": properties, "days": days, "positions": positions, "history": history, "nights": nights}


def build(wh: Warehouse) -> dict[str, Any]:
    """A night's build: seconds in all, seconds in which a node was at work, the slowest nodes, and the load."""
    load = load_average()
    began = time.monotonic()
    build_id = build_warehouse(wh).build_id
    seconds = time.monotonic() - began
    with wh.connect("loader") as connection:
        at_work = float(connection.execute(AT_WORK, (build_id,)).fetchall()[0][0])
        slowest = dict(connection.execute(SLOWEST, (build_id,)).fetchall())
        [(nodes, of_portfolios)] = connection.execute(NODES, (list(OF_PORTFOLIOS), build_id)).fetchall()
    return {
        "seconds": round(seconds, 1),
        "at_work_seconds": round(at_work, 1),
        "node_seconds": float(nodes),
        "portfolio_node_seconds": float(of_portfolios),
        "load": [load, load_average()],
        "slowest_nodes": slowest,
    }


def with_portfolios(measured: dict[str, Any]) -> float:
    """The models of both nights, of those that have nothing to do with portfolios, witnesses and authority."""
    every, of_them = (sum(n[of] for n in measured["nights"]) for of in ("node_seconds", "portfolio_node_seconds"))
    return float(every / (every - of_them))


def ratio(large: dict[str, Any], small: dict[str, Any], of: str = "seconds") -> float:
    """Of all nights of two warehouses."""
    return float(sum(night[of] for night in large["nights"]) / sum(night[of] for night in small["nights"]))


@click.command()
@click.option("--share", default=1.0, show_default=True, help="Of pages, keywords, searches and links.")
@click.option("--write/--no-write", default=True, help="Whether results/night_build.json is replaced.")
def main(share: float, write: bool) -> None:
    """Measure and print."""
    # Each in a fresh process: dbt keeps what it has parsed, and a night is a process of its own.
    month = apart(measure, share, MONTH, 1)
    year = apart(measure, share, YEAR, 1)
    ten = apart(measure, share, MONTH, PROPERTIES)
    figures = [
        Figure("a night on a year, of one on a month", ratio(year, month), limit=LIMIT_HISTORY),
        Figure("a night of ten properties, of one", ratio(ten, month), limit=LIMIT_PROPERTIES),
        Figure("on a year, without dbt's start and parse", ratio(year, month, "at_work_seconds")),
        Figure("of ten, without dbt's start and parse", ratio(ten, month, "at_work_seconds")),
        Figure(
            "portfolios and witnesses, on a year", ratio(year, month, "portfolio_node_seconds"), limit=LIMIT_HISTORY
        ),
        Figure("models with portfolios, of those without", with_portfolios(year), limit=LIMIT_WITH),
    ]
    keep("night_build", figures, {"month": month, "year": year, "ten_properties": ten}, write=write)


if __name__ == "__main__":
    main()
