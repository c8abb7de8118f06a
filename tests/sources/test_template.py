"""docs/adding-a-source.md followed to the letter in a tree of its own: its source goes into its kind's marts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import yaml
from psycopg.conninfo import conninfo_to_dict

from tests.conftest import PASSWORDS
from tests.sources.provider import Act, Asked, Provider, said
from tests.steps.dropping import open_shop

ROOT = Path(__file__).parents[2]
GENERATED = ("docs/properties.md", "docs/metrics.md", "properties.example.yml", ".env.example", "docker-compose.yml")
NIGHT = "2026-11-22"
KEY = "not-even-the-key"
PROPERTIES = """
clock_url: {url}/clock
properties:
  - key: 1
    name: shop
    domain: example.com
    history_start: 2026-05-01
    sources: {{acme_links: {{site: "https://www.example.com/"}}}}
"""


def blocks() -> dict[str, str]:
    """The page's blocks of code, by their language."""
    text = (ROOT / "docs" / "adding-a-source.md").read_text("utf-8")
    return dict(re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository with the source of the page, added by hand at three places, and what the command made of it."""
    tree = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "plugins", tree / "plugins", ignore=shutil.ignore_patterns("__pycache__"))
    # What dbt leaves; a room of the package has the name of one of these.
    shutil.copytree(ROOT / "dbt_project", tree / "dbt_project", ignore=shutil.ignore_patterns("target", "logs"))
    for name in GENERATED:
        (tree / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tree / name)
    code = blocks()
    sources = tree / "plugins" / "seo_warehouse" / "sources"
    (sources / "acme_links.py").write_text(code["python"], "utf-8")
    listed = (sources / "__init__.py").read_text("utf-8")
    listed = listed.replace("\nSOURCES", "\nfrom seo_warehouse.sources.acme_links import ACME_LINKS\n\nSOURCES", 1)
    listed = re.sub(r"(SOURCES: .* = \(\n)", r"\1    ACME_LINKS,\n", listed)
    (sources / "__init__.py").write_text(listed, "utf-8")
    staging = tree / "dbt_project" / "models" / "staging" / "acme_links"
    staging.mkdir()
    (staging / "stg_acme_links__link.sql").write_text(code["sql"], "utf-8")
    (staging / "stg_acme_links__link.yml").write_text(code["yaml"], "utf-8")
    python(tree, "-m", "seo_warehouse.steps.declared")
    return tree


def python(tree: Path, *arguments: str, **environment: str) -> str:
    """What a program of the tree says; its package is the one that is imported."""
    process = subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree / "plugins"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def test_the_source_of_the_page_is_short_enough_and_as_the_linter_wants_it(tree: Path) -> None:
    path = tree / "plugins" / "seo_warehouse" / "sources" / "acme_links.py"
    assert len(path.read_text("utf-8").splitlines()) <= 60
    for command in (["check"], ["format", "--check"]):
        subprocess.run(["ruff", *command, "--config", ROOT / "pyproject.toml", path], check=True, env=_with_tools())
    assert (path.parent / "__init__.py").read_text("utf-8").count("ACME_LINKS") == 2


def test_settings_and_credentials_follow_from_it(tree: Path) -> None:
    documented = (tree / "docs" / "properties.md").read_text("utf-8")
    assert (
        "| `properties[].sources.acme_links.site` | required | Address of the site, as Acme knows it. |" in documented
    )
    assert "| `AIRFLOW_CONN_ACME` | none |" in documented
    example = yaml.safe_load((tree / "properties.example.yml").read_text("utf-8"))
    [prop] = example["properties"]
    assert prop["sources"]["acme_links"] == {"connection": "acme", "site": "https://www.example.com/"}
    [line] = re.findall(r"^AIRFLOW_CONN_ACME='(.*)'$", (tree / ".env.example").read_text("utf-8"), re.MULTILINE)
    stated = {"conn_type": "http", "host": "https://api.acme.example", "password": "not-a-key"}
    assert json.loads(line) == stated
    compose = yaml.safe_load((tree / "docker-compose.yml").read_text("utf-8"))
    assert compose["services"]["scheduler"]["environment"]["AIRFLOW_CONN_ACME"] == "${AIRFLOW_CONN_ACME:-}"
    python(tree, "-m", "seo_warehouse.steps.declared", "--check")


def test_its_rows_pass_the_gate_into_raw_and_the_marts_of_their_kind(
    tree: Path, provider: Provider, database: str, tmp_path: Path
) -> None:
    links = [{"from": f"https://a.example/{n}", "to": "https://www.example.com/", "score": n} for n in range(101)]
    provider.date = "Sun, 22 Nov 2026 04:00:00 GMT"
    provider.answer = lambda asked: answer(asked, links)
    shop = open_shop(tmp_path / "home", database)
    (shop.home / "properties.yml").write_text(PROPERTIES.format(url=provider.base_url))
    environment = {
        **shop.environment,
        "AIRFLOW_CONN_ACME": json.dumps({"host": provider.base_url, "password": KEY}),
        "SEO_WAREHOUSE_DBT_PROJECT": str(tree / "dbt_project"),
    }
    command = ("-m", "seo_warehouse.cli", "ingest", "--source", "acme_links", "--property", "shop", "--night", NIGHT)
    moved = ("--rekey", "1", "--why", "the shop of other tests has the key")
    python(tree, "-m", "seo_warehouse.cli", "migrate", *moved, **environment)
    assert "published" in python(tree, *command, **environment)
    assert [asked.path.partition("?")[0] for asked in provider.asked].count("/v1/links") == 2
    assert "unchanged" in python(tree, *command, **environment)
    with psycopg.connect(database) as connection:
        build_lifespans(tree, database)
        found = connection.execute("select count(*), min(source_url), max(day)::text from staging.stg_acme_links__link")
        assert found.fetchall() == [(101, "https://a.example/0", NIGHT)]
        found = connection.execute(
            "select count(*), min(state), max(last_sight_date)::text from marts.fct_link_lifespan"
            " where witness_sights ? 'acme_links'"
        )
        assert found.fetchall() == [(101, "live", NIGHT)]
    kept = [path.read_bytes() for path in (shop.home / "archive").rglob("*.zst")]
    assert kept
    assert not [content for content in kept if KEY.encode() in content]


def answer(asked: Asked, links: list[dict[str, Any]]) -> Act:
    """Two pages of Acme's, for whoever has the key; and the time, which the warehouse takes from here."""
    path, query = urlsplit(asked.path).path, parse_qs(urlsplit(asked.path).query)
    if path == "/clock":
        return said({"now": f"{NIGHT}T04:00:00+00:00"})
    if query["key"] != [KEY]:
        return said({"error": "no such key"}, status=403)
    first = 100 * int(query["page"][0])
    return said({"links": links[first : first + 100]})


def build_lifespans(tree: Path, database: str) -> None:
    """Have dbt build what tells how long links lived, and all that is below it."""
    dsn = {name: str(value) for name, value in conninfo_to_dict(database).items()}
    project = str(tree / "dbt_project")
    python(
        tree,
        *("-m", "dbt.cli.main", "build", "--select", "+fct_link_lifespan", "--vars", "build_id: 0"),
        *("--resource-type", "seed", "--resource-type", "model"),
        *("--project-dir", project, "--profiles-dir", project, "--no-send-anonymous-usage-stats"),
        SEO_DBT_HOST=dsn["host"],
        SEO_DBT_PORT=dsn["port"],
        SEO_DBT_USER="seo_transformer",
        SEO_DBT_PASSWORD=PASSWORDS["transformer"],
        SEO_DBT_DATABASE=dsn["dbname"],
    )


def _with_tools() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
