"""dbt's commands as people type them: what they build is what the last build left."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.types.json import Jsonb

from seo_warehouse.cli import main
from seo_warehouse.config import Settings
from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.errors import BuildError
from seo_warehouse.ledger import builds
from seo_warehouse.steps.build import fingerprint, is_modelled_otherwise
from seo_warehouse.steps.by_hand import run_by_hand
from seo_warehouse.steps.warehouse import open_warehouse
from tests.conftest import PASSWORDS
from tests.warehouse.world import DATABASE, Warehouse

FIRST, SECOND, THIRD = (date(2026, 5, 1) + timedelta(number) for number in range(3))
MART = "fct_search_performance"
BUILD = ("run", "--select", MART)
VIEWS = "select schemaname || '.' || viewname as name from pg_views where viewowner = 'seo_transformer' order by 1"
PROPERTIES = """
properties:
  - key: 7
    name: shop
    domain: example.com
    history_start: 2026-05-01
    sources: {search_console: {site: "sc-domain:example.com"}}
"""


@pytest.fixture(scope="module")
def home(warehouse: Warehouse, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A home whose warehouse has two builds of a day each: the environment of its commands."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "properties.yml").write_text(PROPERTIES)
    secrets = PASSWORDS | dict.fromkeys(("postgres", "airflow", "airflow_admin"), "x")
    (folder / "secrets.json").write_text(json.dumps(secrets))
    warehouse.add_property(7, "example.com")
    for day in (FIRST, SECOND):
        publish(warehouse, day)
        warehouse.dbt("run", "--select", f"+{MART}", build_id=warehouse.claim())
    return {"SEO_WAREHOUSE_HOME": str(folder), "SEO_WAREHOUSE_DSN": postgres.dsn(DATABASE)}


def publish(warehouse: Warehouse, day: date) -> None:
    """A day of Search Console with one page."""
    row = {"page_url": "https://example.com/pans", "query": "pans", "country": "usa", "device": "MOBILE"}
    counts = {"clicks": 1, "impressions": 10, "position": 2.0}
    warehouse.publish("search_console", "performance", 7, day, [row | counts])


def by_hand(home: dict[str, str], arguments: Sequence[str]) -> bool:
    """What `seo-warehouse dbt` does."""
    return run_by_hand(open_warehouse(Settings(home)), arguments, print)


def days(warehouse: Warehouse) -> list[date]:
    """The days of the mart."""
    return [row["day"] for row in warehouse.rows(f"select day from marts.{MART} order by day")]


def test_the_days_of_the_last_build_are_made_again_and_no_other(home: dict[str, str], warehouse: Warehouse) -> None:
    before = warehouse.rows(f"select * from marts.{MART} order by day")
    assert [row["day"] for row in before] == [FIRST, SECOND]
    assert by_hand(home, BUILD)
    assert warehouse.rows(f"select * from marts.{MART} order by day") == before
    warehouse.connection.execute(f"delete from marts.{MART}")
    assert by_hand(home, BUILD)
    assert days(warehouse) == [SECOND]
    assert by_hand(home, [*BUILD, "--vars", "build_id: 0"])
    assert warehouse.rows(f"select * from marts.{MART} order by day") == before


def test_a_view_stands_when_what_it_reads_was_made_again(home: dict[str, str], warehouse: Warehouse) -> None:
    views = warehouse.rows(VIEWS)
    assert len(views) > 20
    assert by_hand(home, ["run", "--select", "path:models/staging/search_console"])
    assert by_hand(home, ["build", "--full-refresh", "--select", "link_windows", "int_page__version_pages"])
    assert warehouse.rows(VIEWS) == views


def test_the_next_build_makes_everything_anew_where_the_models_were_other_ones(
    home: dict[str, str], warehouse: Warehouse, project: Path, tmp_path: Path
) -> None:
    def modelled_with() -> str:
        return str(warehouse.rows("select value from ops.setting where name = 'modelled_with'")[0]["value"])

    seed = ["seed", "--select", "countries"]
    known = fingerprint(open_warehouse(Settings(home)))
    warehouse.connection.execute(
        "insert into ops.setting values ('modelled_with', %s) on conflict (name) do update set value = excluded.value",
        (Jsonb(known),),
    )
    warehouse.connection.execute("update ops.setting set value = %s where name = 'made_of'", (Jsonb({"some": "sum"}),))
    assert by_hand(home, seed)
    assert modelled_with() == known
    assert warehouse.rows("select value from ops.setting where name = 'made_of'") == [{"value": {}}], "all is made"
    assert not is_modelled_otherwise(open_warehouse(Settings(home)))
    edited = shutil.copytree(project, tmp_path / "edited", ignore=shutil.ignore_patterns("target", "logs"))
    (edited / "macros/keys.sql").open("a").write("{#- edited -#}")
    # A home of its own: else the next command, of the project as it is, would read all of it again.
    elsewhere = shutil.copytree(home["SEO_WAREHOUSE_HOME"], tmp_path / "home")
    there = {"SEO_WAREHOUSE_HOME": str(elsewhere), "SEO_WAREHOUSE_DBT_PROJECT": str(edited)}
    assert by_hand(home | there, seed)
    assert modelled_with() != known
    assert is_modelled_otherwise(open_warehouse(Settings(home)))


def test_what_writes_waits_for_who_holds_the_warehouse_and_what_reads_does_not(
    home: dict[str, str], postgres: Postgres
) -> None:
    with ThreadPoolExecutor(1) as pool, open_loader(postgres) as other:
        with builds.warehouse_lock(other):
            assert by_hand(home, ["ls", "--select", MART])
            writing = pool.submit(by_hand, home, ["seed", "--select", "countries"])
            wait_for_a_turn(other)
            assert not writing.done()
        assert writing.result(60)


def open_loader(postgres: Postgres) -> psycopg.Connection[tuple[int]]:
    """As a build holds the warehouse: nobody else's sessions are seen by who waits for it."""
    return psycopg.connect(postgres.dsn(DATABASE, "seo_loader", PASSWORDS["loader"]), autocommit=True)


def wait_for_a_turn(connection: psycopg.Connection[tuple[int]]) -> None:
    """Until somebody waits for a turn."""
    waiting = "select count(*) from pg_stat_activity where query ~ '^select pg_sleep.*waits for a turn'"
    for _ in range(600):
        if connection.execute(waiting).fetchone() != (0,):
            return
        connection.execute("select pg_sleep(0.1)")
    raise AssertionError("nobody waits for the warehouse")


def test_a_table_is_asked_as_the_transformer_and_settings_are_put_back(
    home: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    before = dict(os.environ)
    query = f"select current_user as who, count(*) as count from {{{{ ref('{MART}') }}}}"
    assert by_hand(home, ["show", "--quiet", "--output", "json", "--inline", query])
    assert '"who": "seo_transformer"' in capfd.readouterr().out
    assert os.environ == before
    assert (Path(home["SEO_WAREHOUSE_HOME"]) / "dbt/by-hand/manifest.json").is_file()


def test_the_command_line_ends_as_dbt_does(home: dict[str, str]) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["dbt", *arguments], env=home)
        return done.exit_code, done.stderr

    assert run("compile", "--quiet", "--select", MART)[0] == 0
    assert run("docs", "generate", "--quiet", "--no-compile")[0] == 0
    code, said = run("run", "--sellect", MART)
    assert (code, "No such option" in said) == (1, True)
    code, said = run("--quiet", "run", "--select", MART)
    assert (code, "dbt's command comes first" in said) == (1, True)


def test_what_writes_is_refused_while_published_days_wait_for_a_build(
    home: dict[str, str], warehouse: Warehouse
) -> None:
    publish(warehouse, THIRD)
    with pytest.raises(BuildError, match="1 published days are not modelled yet: `seo-warehouse build` first"):
        by_hand(home, BUILD)
    assert days(warehouse) == [FIRST, SECOND]
    assert by_hand(home, ["ls", "--select", MART])
