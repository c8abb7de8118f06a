"""How long the operators' pages take on a hundred properties, ten tables and four hundred days.

Prints the longest of some answers of each page, and writes them to results/operator_pages.json.
"""

from __future__ import annotations

import time

import click
import yaml
from fastapi.testclient import TestClient

from benchmarks.measuring import Figure, keep, say, warehouse
from seo_warehouse.pages.access import may_decide, may_see
from seo_warehouse.pages.app import app, find_warehouse

FILL = """
insert into ops.source_table
select 's' || t / 2, 't' || t, p, case t %% 5 when 4 then 'snapshot' else 'dated' end, current_date - %(days)s, 2, 3,
       case t %% 5 when 4 then 7 else 1 end, '23:00', true, null
from generate_series(1, %(properties)s) as p, generate_series(0, %(tables)s - 1) as t;
insert into ops.load (source, table_name, property_key, first_day, last_day, night, purpose, attempt, state, reason,
                      read_at, rows_read, calls, units, money, started_at)
select t.source, t.table_name, t.property_key, d::date, d::date, d::date + 2, 'night', 1,
       case when random() < 0.001 then 'quarantined' when random() < 0.005 then 'failed' else 'published' end,
       'least_share: 31 rows, 940 are usual', d + interval '2 days', 1000, 3, 1, 0.02, d + interval '2 days'
from ops.source_table as t, generate_series(current_date - %(days)s, current_date - 2, '1 day') as d
where t.kind = 'dated' or extract(day from d)::integer %% 7 = 0;
insert into ops.publication
    (source, table_name, property_key, day, load_id, row_count, checksum, totals, facts, read_at)
select source, table_name, property_key, first_day, load_id, 1000, 'x', '{}', '{}', read_at
from ops.load where state = 'published'
"""


@click.command()
@click.option("--properties", default=100, show_default=True)
@click.option("--tables", default=10, show_default=True)
@click.option("--days", default=400, show_default=True)
@click.option("--answers", default=5, show_default=True, help="Answers of each page, after a first one.")
@click.option("--write/--no-write", default=True, help="Whether the results are replaced.")
def main(properties: int, tables: int, days: int, answers: int, write: bool) -> None:
    """Fill a ledger, ask, and print."""
    stated = [
        {"key": key, "name": f"p{key}", "domain": f"p{key}.example", "history_start": "2025-01-01"}
        for key in range(1, properties + 1)
    ]
    with warehouse(yaml.safe_dump({"properties": stated})) as wh:
        with wh.connect("loader", autocommit=True) as connection:
            for statement in FILL.split(";\n"):
                connection.execute(statement, {"properties": properties, "tables": tables, "days": days})
            (loads,) = connection.execute("select count(*) from ops.load").fetchone() or (0,)
            (held,) = connection.execute(
                "select min(load_id) from ops.load where state = 'quarantined'"
            ).fetchone() or (0,)
        with wh.connect("owner", autocommit=True) as connection:
            connection.execute("analyze")
        app.dependency_overrides = {may_see: lambda: None, may_decide: lambda: True, find_warehouse: lambda: wh}
        client = TestClient(app)
        pages = {
            "tonight": "/tonight",
            "completeness, all, 60 days": "/completeness",
            "completeness, one, 60 days": "/completeness?property=p7",
            "completeness, one, 400 days": "/completeness?property=p7&days=400",
            "held": "/held",
            "held, one": f"/held?load={held}",
            "spend": "/spend",
        }
        say(f"{loads} loads")
        seconds = {name: _longest(client, path, answers) for name, path in pages.items()}
    figures = [
        Figure(f"{name}: seconds, the longest of {answers}", took, "at most", 1) for name, took in seconds.items()
    ]
    keep("operator_pages", figures, {"loads": loads, "seconds": seconds}, write=write)


def _longest(client: TestClient, path: str, answers: int) -> float:
    took: list[float] = []
    for _ in range(answers + 1):
        began = time.perf_counter()
        answer = client.get(path)
        took.append(time.perf_counter() - began)
        if answer.status_code != 200:
            raise click.ClickException(f"{path}: {answer.status_code}")
    return max(took[1:])


if __name__ == "__main__":
    main()
