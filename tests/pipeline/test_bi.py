"""The dashboards of `bi/`, asked of the demo's warehouse by who reads all of it, and by who reads one property."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
import pytest
import yaml

from bi import bundle
from bi.dashboards import DASHBOARDS, DATASETS, Chart
from tests.pipeline.conftest import ROOT, Running

LOGIN, PROPERTY = "bi_reader", "alderwood"


@pytest.fixture(scope="module")
def analyst(running: Running) -> Iterator[psycopg.Connection[Any]]:
    """Who reads every property."""
    with running.wh.connect("analyst", autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def dsn(running: Running) -> Iterator[str]:
    """The address of a login that reads one property."""
    made = running.command("grant", LOGIN, "--property", PROPERTY)
    assert made.returncode == 0, made.stderr
    [address] = re.findall(r"postgresql://\S+", made.stdout)
    yield address
    assert running.command("grant", LOGIN, "--property", PROPERTY, "--revoke").returncode == 0


@pytest.fixture(scope="module")
def reader(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """Who reads one property."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def types(analyst: psycopg.Connection[Any]) -> bundle.Types:
    """The columns of each dataset."""
    return bundle.read_types(analyst)


@pytest.mark.parametrize("chart", bundle.CHARTS, ids=lambda chart: chart.title)
def test_a_chart_holds_something_and_of_one_property_what_that_has(analyst: Any, reader: Any, chart: Chart) -> None:
    shown = analyst.execute(bundle.statement(chart).encode()).fetchall()
    figures = len(chart.figures) or len(chart.rows) - 1
    assert any(value is not None for row in shown for value in row[-figures:])
    told = reader.execute(bundle.statement(chart).encode()).fetchall()
    of_one = analyst.execute(bundle.statement(chart, f"property = '{PROPERTY}'").encode()).fetchall()
    assert _rounded(told) == _rounded(of_one)
    assert _properties(chart, told) <= {PROPERTY}


def test_most_charts_have_rows_of_others_which_one_of_one_property_lacks(analyst: Any, reader: Any) -> None:
    shown = {
        chart.title: [_properties(chart, who.execute(bundle.statement(chart).encode())) for who in (analyst, reader)]
        for chart in bundle.CHARTS
    }
    assert len([title for title, (of_all, of_one) in shown.items() if of_all > of_one == {PROPERTY}]) > 15


def _rounded(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows as they compare: two plans add fractions up in two orders."""
    return [tuple(round(value, 9) if isinstance(value, float) else value for value in row) for row in rows]


def _properties(chart: Chart, rows: Iterable[tuple[Any, ...]]) -> set[str]:
    names = bundle.cuts_of(chart)
    return {row[names.index("property")] for row in rows} if "property" in names else set()


def test_a_chart_is_of_its_dataset_and_stands_once(types: bundle.Types) -> None:
    titles = [chart.title for chart in bundle.CHARTS]
    assert len(set(titles)) == len(titles) > 30
    for chart in bundle.CHARTS:
        dataset = bundle.dataset_named(chart.dataset)
        offered = {*bundle.columns_of(dataset, types[dataset.name])}
        assert {*bundle.cuts_of(chart)} <= offered
        assert bool(chart.figures) != bool(chart.rows)
    # What filters are made of is no chart's.
    assert {dataset.name for dataset in DATASETS} - {chart.dataset for chart in bundle.CHARTS} == {"properties"}


def test_no_fraction_is_offered_that_somebody_might_sum(types: bundle.Types) -> None:
    """Effects, shares and positions are text with their interval, or metrics that divide last."""
    for dataset in DATASETS:
        numbers = {
            name for name in bundle.columns_of(dataset, types[dataset.name]) if _is_fraction(types, dataset, name)
        }
        assert numbers <= {"dollars"}, dataset.name


def _is_fraction(types: bundle.Types, dataset: Any, name: str) -> bool:
    return types[dataset.name][name] in ("float4", "float8", "numeric")


def test_the_effect_of_links_cannot_be_summed(analyst: Any) -> None:
    rows = bundle.rows_of(bundle.dataset_named("link_effects"))
    for column in ("effect", "of_these_links", "of_another_link"):
        with pytest.raises(psycopg.errors.UndefinedFunction):
            analyst.execute(f"select sum({column}) from ({rows}) as d")


def test_what_is_no_sum_is_of_one_row(analyst: Any) -> None:
    """A largest value is that of a property's day or month, and never of several."""
    asked = 0
    for chart in bundle.CHARTS:
        dataset = bundle.dataset_named(chart.dataset)
        if any(dataset.measures.get(name, "").startswith("max(") for name in chart.figures):
            cuts = ", ".join([chart.along, *chart.by])
            query = f"select 1 from ({bundle.rows_of(dataset)}) as d group by {cuts} having count(*) > 1"
            assert analyst.execute(query).fetchall() == [], chart.title
            asked += 1
    assert asked


def test_every_metric_is_superset_s_as_the_view_has_it(analyst: Any) -> None:
    """Expressions are asked of datasets as Superset asks them, and of the view."""
    for dataset in DATASETS:
        for metric in bundle.metrics_of(dataset):
            query = f"select ({metric.expression})::double precision from ({bundle.rows_of(dataset)}) as d"
            view = "select sum(numerator) / nullif(coalesce(sum(denominator), 1), 0) from marts.metric_daily"
            [(given,)] = analyst.execute(query).fetchall()
            [(viewed,)] = analyst.execute(f"{view} where metric = %s", (metric.name,)).fetchall()
            assert given is not None
            assert given == pytest.approx(viewed, rel=1e-12), metric.name
    asked = {metric.name for dataset in DATASETS for metric in bundle.metrics_of(dataset)}
    assert asked == bundle.metrics().keys()


def test_the_view_of_metrics_holds_the_same_rows_for_who_reads_one_property(analyst: Any, reader: Any) -> None:
    query = "select metric, day, numerator, denominator from marts.metric_daily {} order by 1, 2"
    [(key,)] = reader.execute("select property_key from marts.dim_property").fetchall()
    told = reader.execute(query.format("")).fetchall()
    assert _rounded(told) == _rounded(analyst.execute(query.format(f"where property_key = {key}")).fetchall())
    assert len({metric for metric, *_ in told}) > 20


def test_an_hour_with_the_notebook_ends_in_a_figure_of_one_s_own(running: Running, analyst: Any) -> None:
    done = subprocess.run(
        [ROOT / ".venv/bin/python", ROOT / "bi/notebook.py", PROPERTY],
        env=running.environment,
        text=True,
        capture_output=True,
        check=False,
    )
    revoked = running.command("grant", "an_hour", "--property", PROPERTY, "--revoke")
    assert done.returncode == 0, done.stderr
    assert revoked.returncode == 0
    [(rate,)] = analyst.execute(
        "select sum(numerator) / sum(denominator) from metric_daily as m join dim_property as p using (property_key)"
        " where metric = 'ctr' and property_name = %s and day <= (select max(day) from fct_search_total as t"
        " where t.property_key = m.property_key and is_provisional is not true)",
        (PROPERTY,),
    ).fetchall()
    assert f"click-through rate: {rate:.4f}" in done.stdout
    assert PROPERTY in (running.home / "hour.svg").read_text(encoding="utf-8")


def test_a_bundle_is_one_login_s_replaces_itself_and_holds_no_password(types: bundle.Types) -> None:
    files = {login: bundle.bundle_files(f"postgresql://{login}:geheim@h:5432/d", types) for login in ("a", "b")}
    assert files["a"] == bundle.bundle_files("postgresql://a:other@h:5432/d", types)
    assert "geheim" not in str(files)
    uuids = {
        login: set(re.findall(r"^uuid: (\S+)", "\n".join(told.values()), re.MULTILINE)) for login, told in files.items()
    }
    assert len(uuids["a"]) == 1 + len(DATASETS) + len(bundle.CHARTS) + len(DASHBOARDS)
    assert uuids["a"] & uuids["b"] == set()
    told = [yaml.safe_load(text) for text in files["a"].values()]
    referred = {str(each[key]) for each in told for key in ("database_uuid", "dataset_uuid") if key in each}
    placed = {place["meta"]["uuid"] for each in told for place in each.get("position", {}).values() if _is_chart(place)}
    assert referred | placed < uuids["a"]
    assert len(placed) == len(bundle.CHARTS)
    [database] = [each for each in told if "sqlalchemy_uri" in each]
    assert database["sqlalchemy_uri"] == "postgresql+psycopg2://a:XXXXXXXXXX@h:5432/d"
    assert not any(database[f"allow_{what}"] for what in ("dml", "ctas", "cvas", "csv_upload"))
    assert all(each["source_db_engine"] == "postgresql" for each in told if "sql" in each)


def _is_chart(place: Any) -> bool:
    return isinstance(place, dict) and place["type"] == "CHART"


def test_the_models_documentation_names_the_marts_that_are_shown() -> None:
    told = yaml.safe_load((ROOT / "dbt_project/models/marts/exposures.yml").read_text(encoding="utf-8"))["exposures"]
    [dashboards] = [exposure for exposure in told if exposure["name"] == "dashboards"]
    shown = {mart for dataset in DATASETS for mart in re.findall(r"\bmarts\.(\w+)", bundle.rows_of(dataset))}
    assert dashboards["depends_on"] == [f"ref('{mart}')" for mart in sorted(shown)]


def test_no_query_holds_what_a_driver_would_take_for_a_place() -> None:
    assert [dataset.name for dataset in DATASETS if "%" in bundle.rows_of(dataset)] == []


def test_what_runs_nightly_knows_of_no_dashboard() -> None:
    """`make run`, `make test` and the wheel need none of it."""
    for path in [*(ROOT / "plugins").rglob("*.py"), *(ROOT / "dags").glob("*.py")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\bimport bi\b|\bfrom bi\b|superset_config", text), path
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    needing = [line.partition(":")[0] for line in lines if re.match(r"[a-z-]+: .*\$\(BI\)", line)]
    assert needing == ["bi"]
    assert "superset" not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
