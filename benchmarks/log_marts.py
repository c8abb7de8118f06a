"""What a night of visits costs the models that are made of logs, beside making them all anew.

A site of 100,000 pages, each visited by crawlers on seven days in ten of 280 days: 28 M visits in 20 M rows, in one
stream of logs. All of it is built once, then two nights after it. The seconds of the models of visits count, without
dbt's start and parse and without whatever reads no visit.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import click

from benchmarks.measuring import Figure, apart, keep, load_average, say, warehouse
from benchmarks.sites import NIGHT, OWN, Feed, noise, publish_feeds
from seo_warehouse.steps.build import build_warehouse
from seo_warehouse.steps.warehouse import Warehouse

DAYS, NIGHTS = 280, 2
PAGES = 100_000
LIMIT_NIGHT = 0.1
MODELS = ("fct_bot_crawl", "rpt_crawl_budget", "fct_log_day", "int_bot__sum_page_visits", "int_milestone__date_visits")
AT = "day + interval '1 hour'"
URL = f"'https://www.' || {OWN} || '/topic-' || mod(k, 60) || '/page-' || k"
FEEDS = (
    Feed(
        "server_logs",
        "bot_hit",
        f"""
        cross join generate_series(0, %(pages)s - 1) as page(k)
        cross join lateral (select {noise("k", "d", "1")} as dice) as dice
        where dice < 0.7
        """,
        {
            "exported_at": "day + interval '1 day'",
            "stream": "'web'",
            "bot": "case when mod(k, 3) = 0 then 'bingbot' else 'Googlebot' end",
            "operator": "case when mod(k, 3) = 0 then 'microsoft' else 'google' end",
            "verdict": "case when mod(k + d, 50) = 0 then 'spoofed' else 'verified' end",
            "url": URL,
            "url_domain": OWN,
            "method": "'GET'",
            "status_code": "(array[200, 200, 200, 304, 301, 404])[1 + floor(6 * dice / 0.7)::integer]",
            "is_range_later": "false",
            "is_overflow": "false",
            "hit_count": "1 + floor(2 * dice / 0.9)::integer",
            "byte_count": "40000",
            "first_at": AT,
            "last_at": AT,
            "timed_count": "0",
        },
        part="web/log/0",
    ),
    Feed(
        "server_logs",
        "segment",
        "cross join generate_series(0, 23) as hours(h)",
        {
            "exported_at": "day + interval '1 day'",
            "stream": "'web'",
            "hour": "h",
            "file_name": "'access.log'",
            "line_count": "1000",
            "malformed_count": "0",
            "bot_hit_count": "100",
            "first_at": "day + make_interval(hours => h)",
            "last_at": "day + make_interval(hours => h, mins => 59)",
        },
        part="web/log/0",
    ),
)
SECONDS = """
select split_part(unique_id, '.', 3), round(sum(seconds)::numeric, 2)::float8
from ops.dbt_node_result where build_id = %s and split_part(unique_id, '.', 3) = any(%s) group by 1
"""


def measure(share: float) -> dict[str, Any]:
    """Build the history, then the nights after it."""
    first = NIGHT - timedelta(days=DAYS)
    sources = {"server_logs": {"site": "https://www.shop1.example"}}
    shop = {"key": 1, "name": "shop1", "domain": "shop1.example", "history_start": first.isoformat()}
    # JSON is YAML.
    with warehouse(json.dumps({"bot_range": {}, "properties": [shop | {"sources": sources}]})) as wh:
        publish(wh, share, first, NIGHT - timedelta(days=1))
        found: dict[str, Any] = {"all": build(wh), "nights": []}
        with wh.connect("transformer") as connection:
            query = "select sum(hit_count)::bigint, count(*) from marts.fct_bot_crawl"
            found["visits"], found["rows"] = connection.execute(query).fetchall()[0]
        for number in range(NIGHTS):
            night = NIGHT + timedelta(days=number)
            publish(wh, share, night, night)
            found["nights"].append(build(wh))
    say(f"{found['visits']:,} visits in {found['rows']:,} rows: {found['all']}, nights {found['nights']}")
    return found


def publish(wh: Warehouse, share: float, first: date, last: date) -> None:
    """Publish these days of the logs."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    publish_feeds(wh, FEEDS, days, {"pages": round(PAGES * share)})


def build(wh: Warehouse) -> dict[str, float]:
    """Seconds by model."""
    build_id = build_warehouse(wh).build_id
    with wh.connect("loader") as connection:
        return dict(connection.execute(SECONDS, (build_id, list(MODELS))).fetchall())


@click.command()
@click.option("--share", default=1.0, show_default=True, help="Of the pages.")
@click.option("--write/--no-write", default=True, help="Whether results/log_marts.json is replaced.")
def main(share: float, write: bool) -> None:
    """Measure and print."""
    found = apart(measure, share)
    night = sum(sum(each.values()) for each in found["nights"]) / NIGHTS
    figures = [Figure("a night, of all made anew", night / sum(found["all"].values()), limit=LIMIT_NIGHT)]
    keep("log_marts", figures, {**found, "share": share, "load": load_average()}, write=write)


if __name__ == "__main__":
    main()
