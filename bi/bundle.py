"""What Superset is given, made of `dashboards.py` and of the metrics: one bundle of files for each login.

Files refer to each other by identifiers that follow from names, so that an import replaces and never doubles. A
bundle's database is that of one login, so that row-level security holds in it, whatever anybody asks in Superset.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid5

import psycopg
import yaml

from bi.dashboards import DASHBOARDS, DATASETS, DECIMAL, SHARE, WHOLE, Chart, Dashboard, Dataset
from seo_warehouse.steps.metrics import Metric, read_metrics

ROOT = Path(__file__).parents[1]
NAMESPACE = UUID("5d0d5f1e-8f3a-4f0c-9a53-0c9a3b8a7c11")
MOST_POINTS, MOST_ROWS = 10_000, 200
QUERY_SECONDS = 60
CHARTS = tuple(chart for dashboard in DASHBOARDS for chart in dashboard.charts)
KINDS = {"line": "echarts_timeseries_line", "bar": "echarts_timeseries_bar", "table": "table"}
TELLS_WHAT_IS_FINAL = {
    "fct_search_total": "",
    "fct_search_performance": " left join marts.fct_search_total using (property_key, day)",
}
"""Marts of days that may still change, and what they are joined to for it to be said."""
Types = Mapping[str, Mapping[str, str]]
"""By dataset the PostgreSQL type of each of its columns."""


@cache
def metrics() -> Mapping[str, Metric]:
    """The metrics by name."""
    return {metric.name: metric for metric in read_metrics(ROOT)}


def dataset_named(name: str) -> Dataset:
    """A dataset of `dashboards.py`."""
    return next(dataset for dataset in DATASETS if dataset.name == name)


def metrics_of(dataset: Dataset) -> list[Metric]:
    """The metrics that are asked of a dataset: those of its mart."""
    return [metric for metric in metrics().values() if metric.mart == dataset.name]


def rows_of(dataset: Dataset) -> str:
    """A dataset's SQL."""
    return dataset.sql or _rows_of_mart(metrics_of(dataset))


def _rows_of_mart(asked: list[Metric]) -> str:
    """A mart's rows with the property's name, the month, and the week where all of its days are told of and final."""
    mart, time = asked[0].mart, asked[0].time
    joins = [metric.join for metric in asked if metric.join]
    joined = "".join(f" join marts.{join.mart} as j using ({', '.join(join.using)})" for join in joins)
    more = "".join(f", j.{name}" for join in joins for name in join.columns)
    week = f"date_trunc('week', m.{time})"
    final = " filter (where is_provisional is not true)" if mart in TELLS_WHAT_IS_FINAL else ""
    return (
        f"with spans as (select property_key, min({time}) as first_day, max({time}){final} as last_day"
        f" from marts.{mart}{TELLS_WHAT_IS_FINAL.get(mart, '')} group by property_key)"
        f" select m.*{more}, coalesce(p.property_name, 'all properties') as property,"
        f" date_trunc('month', m.{time})::date as month,"
        f" case when {week} >= s.first_day and {week}::date + 6 <= s.last_day then {week}::date end as week"
        f" from marts.{mart} as m join spans as s using (property_key){joined}"
        " left join marts.dim_property as p using (property_key)"
    )


def figures_of(dataset: Dataset) -> dict[str, str]:
    """What a chart may take of a dataset's rows together, in SQL: its metrics and measures."""
    return {metric.name: metric.expression for metric in metrics_of(dataset)} | dict(dataset.measures)


def columns_of(dataset: Dataset, types: Mapping[str, str]) -> list[str]:
    """The columns that Superset offers: what one may cut by or count, and no fraction, which somebody might sum.

    Of a mart of metrics none but those by which these may be cut.
    """
    if dataset.sql:
        return [name for name, kind in types.items() if kind != "float8"]
    asked = metrics_of(dataset)
    cuts = [name for metric in asked for name in (metric.time, *metric.dimensions)]
    return ["property", "week", "month", *dict.fromkeys(cuts)]


def statement(chart: Chart, condition: str = "") -> str:
    """A chart's query, as Superset asks it; `condition` is one more, as a filter of a dashboard is."""
    dataset = dataset_named(chart.dataset)
    cuts = cuts_of(chart)
    names = [*cuts, *chart.figures]
    figures = [f"{figures_of(dataset)[name]} as {name}" for name in chart.figures]
    conditions = [f"({told})" for told in (chart.where, condition) if told]
    order = [(chart.order[0], "asc" if chart.order[1] else "desc")] if chart.order else []
    parts = [
        f"select {', '.join([*map(_quoted, cuts), *figures])} from ({rows_of(dataset)}) as d",
        f"where {' and '.join(conditions)}" if conditions else "",
        f"group by {', '.join(str(n + 1) for n in range(len(cuts)))}" if chart.figures else "",
        f"order by {', '.join(f'{_quoted(name)} {way}' for name, way in [*order, *((name, 'asc') for name in names)])}",
        f"limit {_most(chart)}",
    ]
    return " ".join(part for part in parts if part)


def cuts_of(chart: Chart) -> list[str]:
    """The columns that a chart shows beside its figures."""
    return list(chart.rows) or [*([chart.along] if chart.along else []), *chart.by]


def _quoted(name: str) -> str:
    return f'"{name}"'


def asked_of_superset(chart: Chart) -> dict[str, Any]:
    """A chart's query, as Superset's `POST /api/v1/chart/data` takes it."""
    return {
        "columns": cuts_of(chart),
        "metrics": list(chart.figures) if chart.figures else None,
        "orderby": [list(chart.order)] if chart.order else [],
        "extras": {"where": f"({chart.where})"} if chart.where else {},
        "row_limit": _most(chart),
    }


def _most(chart: Chart) -> int:
    return MOST_ROWS if chart.kind == "table" else MOST_POINTS


def read_types(connection: psycopg.Connection[Any]) -> Types:
    """The columns of each dataset, as the database describes them."""
    return {dataset.name: dict(_described(connection, rows_of(dataset))) for dataset in DATASETS}


def _described(connection: psycopg.Connection[Any], query: str) -> Iterator[tuple[str, str]]:
    found = connection.execute(f"select * from ({query}) as d limit 0".encode()).description or []
    for column in found:
        known = connection.adapters.types.get(column.type_code)
        yield column.name, known.name if known else "text"


def bundle_files(dsn: str, types: Types) -> dict[str, str]:
    """The files of a login's bundle, by path. `dsn` is the login's libpq URI; its password is in none of them."""
    return {path: yaml.safe_dump(content, sort_keys=False, allow_unicode=True) for path, content in _files(dsn, types)}


def bundle(dsn: str, types: Types) -> bytes:
    """The bundle as a zip file, for Superset's `POST /api/v1/assets/import/`."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for path, text in bundle_files(dsn, types).items():
            packed.writestr(f"bundle/{path}", text)
    return file.getvalue()


def login_of(dsn: str) -> str:
    """The login of a libpq URI."""
    return urlsplit(dsn).username or ""


def database_name(login: str) -> str:
    """What Superset calls the warehouse as a login sees it."""
    return f"SEO warehouse ({login})"


def database_file(login: str) -> str:
    """The file of a bundle to which the login's password belongs."""
    return f"databases/{login}.yaml"


def identifier(login: str, what: str, name: str) -> str:
    """The identifier of a thing in a login's bundle."""
    return str(uuid5(NAMESPACE, f"{login}/{what}/{name}"))


def _files(dsn: str, types: Types) -> Iterator[tuple[str, Any]]:
    login = login_of(dsn)
    # A fixed instant: Superset refuses a file without one, and uses it for nothing.
    yield "metadata.yaml", {"version": "1.0.0", "type": "assets", "timestamp": "2026-01-01T00:00:00+00:00"}
    yield database_file(login), _database(dsn)
    for dataset in DATASETS:
        yield f"datasets/{login}/{dataset.name}.yaml", _dataset(login, dataset, types[dataset.name])
    for chart in CHARTS:
        yield f"charts/{identifier(login, 'chart', chart.title)}.yaml", _chart(login, chart)
    for dashboard in DASHBOARDS:
        yield f"dashboards/{login}-{dashboard.slug}.yaml", _dashboard(login, dashboard)


def _database(dsn: str) -> dict[str, Any]:
    login, parts = login_of(dsn), urlsplit(dsn)
    server = parts.netloc.rpartition("@")[2]
    options = f"-c search_path=marts -c statement_timeout={QUERY_SECONDS}s -c default_transaction_read_only=on"
    return {
        "database_name": database_name(login),
        # Superset takes X for a password that it is told apart, or has already.
        "sqlalchemy_uri": urlunsplit(
            parts._replace(scheme="postgresql+psycopg2", netloc=f"{parts.netloc.split(':')[0]}:XXXXXXXXXX@{server}")
        ),
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_csv_upload": False,
        "extra": {"engine_params": {"connect_args": {"options": options}}, "allows_virtual_table_explore": True},
        "uuid": identifier(login, "database", ""),
        "version": "1.0.0",
    }


def _dataset(login: str, dataset: Dataset, types: Mapping[str, str]) -> dict[str, Any]:
    columns = columns_of(dataset, types)
    labels = {metric.name: (metric.label, metric.notes) for metric in metrics_of(dataset)}
    dates = [name for name in columns if types[name] in ("date", "timestamptz")]
    return {
        # Superset's own database, if it is SQLite, takes a name once for all logins.
        "table_name": f"{dataset.name} ({login})",
        "main_dttm_col": dates[0] if dates else None,
        "schema": "marts",
        "sql": rows_of(dataset),
        "uuid": identifier(login, "dataset", dataset.name),
        "database_uuid": identifier(login, "database", ""),
        # Else the SQL is rewritten from no known dialect.
        "source_db_engine": "postgresql",
        "metrics": [
            {
                "metric_name": name,
                "verbose_name": labels.get(name, (name.replace("_", " "), ""))[0],
                "description": labels.get(name, ("", ""))[1],
                "expression": expression,
            }
            for name, expression in figures_of(dataset).items()
        ],
        "columns": [
            {
                "column_name": name,
                "verbose_name": name.replace("_", " "),
                "type": types[name].upper(),
                "is_dttm": name in dates,
                "groupby": True,
                "filterable": True,
            }
            for name in columns
        ],
        "version": "1.0.0",
    }


def _chart(login: str, chart: Chart) -> dict[str, Any]:
    return {
        "slice_name": chart.title,
        "description": chart.note,
        "viz_type": KINDS[chart.kind],
        "params": _form(chart),
        "uuid": identifier(login, "chart", chart.title),
        "dataset_uuid": identifier(login, "dataset", chart.dataset),
        "version": "1.0.0",
    }


def _form(chart: Chart) -> dict[str, Any]:
    """How Superset's own editor would keep the chart."""
    filters = [{"expressionType": "SQL", "clause": "WHERE", "sqlExpression": chart.where}] if chart.where else []
    form = {"viz_type": KINDS[chart.kind], "adhoc_filters": filters, "row_limit": _most(chart)}
    if chart.rows:
        order = [json.dumps(list(chart.order))] if chart.order else []
        return form | {
            "query_mode": "raw",
            "all_columns": list(chart.rows),
            "order_by_cols": order,
            **_TABLE,
        }
    shown = {"metrics": list(chart.figures), "groupby": list(chart.by)}
    if chart.kind == "table":
        forms = {name: {"d3NumberFormat": _form_of(name, chart)} for name in chart.figures}
        return form | shown | {"query_mode": "aggregate", "column_config": forms, **_TABLE}
    return (
        form
        | shown
        | {
            "x_axis": chart.along,
            "time_grain_sqla": None,
            "y_axis_format": chart.form,
            "x_axis_time_format": "%Y-%m-%d",
            "tooltipTimeFormat": "%Y-%m-%d",
            "show_legend": True,
            "legendType": "scroll",
            "legendOrientation": "top",
            "rich_tooltip": True,
            "truncate_metric": len(chart.figures) == 1,
            "truncateYAxis": chart.is_upside_down,
            "y_axis_bounds": [1 if chart.is_upside_down else None, None],
            "stack": "Stack" if chart.kind == "bar" else None,
            "markerEnabled": chart.along != "day",
            "markerSize": 5,
        }
        | ({"echart_options": "{ yAxis: { inverse: true } }"} if chart.is_upside_down else {})
    )


_TABLE = {"table_timestamp_format": "%Y-%m-%d", "page_length": 10, "show_cell_bars": False}


def _form_of(figure: str, chart: Chart) -> str:
    """How a table writes a figure: the chart's form is that of ratios, a sum is a whole number."""
    metric = metrics().get(figure)
    if metric is None or metric.denominator is None:
        return WHOLE
    return chart.form if chart.form != WHOLE else SHARE if figure.endswith("share") else DECIMAL


def _dashboard(login: str, dashboard: Dashboard) -> dict[str, Any]:
    return {
        "dashboard_title": f"{dashboard.title} ({login})",
        "description": dashboard.note,
        "slug": f"{login}-{dashboard.slug}",
        "published": True,
        "uuid": identifier(login, "dashboard", dashboard.slug),
        "position": _position(login, dashboard),
        "metadata": {
            "color_scheme": "supersetColors",
            "cross_filters_enabled": True,
            "native_filter_configuration": [
                {
                    "id": "NATIVE_FILTER-property",
                    "name": "Property",
                    "filterType": "filter_select",
                    "type": "NATIVE_FILTER",
                    "targets": [
                        {"column": {"name": "property"}, "datasetUuid": identifier(login, "dataset", "properties")}
                    ],
                    "controlValues": {"multiSelect": True, "enableEmptyFilter": False, "searchAllOptions": False},
                    "defaultDataMask": {"filterState": {}, "extraFormData": {}},
                    "cascadeParentIds": [],
                    "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
                }
            ],
        },
        "version": "1.0.0",
    }


def _position(login: str, dashboard: Dashboard) -> dict[str, Any]:
    """Where each chart stands: Superset's grid has twelve columns."""
    rows = list(_rows(dashboard.charts))
    place: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]},
        "GRID_ID": {
            "id": "GRID_ID",
            "type": "GRID",
            "parents": ["ROOT_ID"],
            "children": [f"ROW-{number}" for number in range(len(rows))],
        },
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": f"{dashboard.title} ({login})"}},
    }
    for number, charts in enumerate(rows):
        row = f"ROW-{number}"
        uuids = [identifier(login, "chart", chart.title) for chart in charts]
        place[row] = {
            "id": row,
            "type": "ROW",
            "parents": ["ROOT_ID", "GRID_ID"],
            "children": [f"CHART-{uuid}" for uuid in uuids],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        for chart, uuid in zip(charts, uuids, strict=True):
            place[f"CHART-{uuid}"] = {
                "id": f"CHART-{uuid}",
                "type": "CHART",
                "parents": ["ROOT_ID", "GRID_ID", row],
                "children": [],
                # The number is Superset's to give; without one an import fails.
                "meta": {"chartId": 0, "uuid": uuid, "sliceName": chart.title, "height": 50}
                | {"width": 12 // len(charts)},
            }
    return place


def _rows(charts: Iterable[Chart]) -> Iterator[list[Chart]]:
    waiting: list[Chart] = []
    for chart in charts:
        if chart.is_wide and waiting:
            yield waiting
            waiting = []
        waiting.append(chart)
        if chart.is_wide or len(waiting) == 2:
            yield waiting
            waiting = []
    if waiting:
        yield waiting
