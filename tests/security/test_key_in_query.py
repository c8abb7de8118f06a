"""A key in the query, a provider that says it back in every form, and `ingest`: what is then found of it, and where."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_plus

import psycopg
import pytest
import zstandard
from click.testing import CliRunner
from psycopg import sql

from seo_warehouse.cli import main
from tests.client.test_redaction import FORMS, HARD_KEY, PLAIN_KEY, ZSTD, shown
from tests.sources.properties import DATE, NIGHT
from tests.sources.provider import Act, Asked, Provider, said, serving
from tests.steps.dropping import open_shop

SITE = "https://shop.example/"
PROPERTIES = f"""
properties:
  - key: 1
    name: shop
    domain: shop.example
    history_start: 2026-05-01
    sources: {{bing_webmaster: {{site: "{SITE}"}}}}
"""


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as server:
        server.date = DATE
        yield server


def echo(asked: Asked, act: str, key: str) -> Act:
    """The key in headers and body: in values, in names of fields, in an address to go to, on an error page.

    The night's noon for whoever asks for anything but counts.
    """
    if "GetLinkCounts" not in asked.path:
        return said({"now": f"{NIGHT}T12:00:00+00:00"})
    forms = [form(key) for form in FORMS.values()]
    headers = {f"X-Echo-{number}": form.encode().decode("latin-1") for number, form in enumerate(forms)}
    page = f"<p>{asked.path}</p><p>{'</p><p>'.join(forms)}</p>".encode()
    links = [{"Url": f"{SITE}?{number}={form}", "Count": 1} for number, form in enumerate(forms)]
    return {
        "rows": said({"d": {"Links": links, "TotalPages": 1}}, headers=headers),
        "names": said({"d": {"Links": [{**links[0], **dict.fromkeys(forms, 1)}], "TotalPages": 1}}, headers=headers),
        "redirect": Act(page, status=302, headers={**headers, "Location": f"{SITE}{asked.path}"}),
        "error page": Act(page, status=403, headers={**headers, "Content-Type": "text/html"}),
    }[act]


@pytest.mark.parametrize(
    ("act", "key", "state"),
    [
        ("rows", HARD_KEY, "published"),
        ("rows", PLAIN_KEY, "published"),
        ("names", HARD_KEY, "quarantined"),
        ("redirect", HARD_KEY, "failed"),
        ("error page", PLAIN_KEY, "failed"),
    ],
)
def test_a_key_that_a_provider_says_back_is_in_no_store_and_not_on_the_terminal(
    provider: Provider,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    act: str,
    key: str,
    state: str,
) -> None:
    shop = open_shop(tmp_path / "home", database)
    provider.answer = lambda asked: echo(asked, act, key)
    # By this clock the night is not over.
    (shop.home / "properties.yml").write_text(f"clock_url: {provider.base_url}\n{PROPERTIES}")
    shop.wh.sync_properties()
    monkeypatch.setenv("AIRFLOW_CONN_BING_WEBMASTER", json.dumps({"host": provider.base_url, "password": key}))
    night = ["--source", "bing_webmaster", "--property", "shop", "--night", NIGHT.isoformat()]
    done = CliRunner().invoke(main, ["-v", "ingest", *night], env=shop.environment)
    assert [found for (found,) in shop.fetch("select state from ops.load where table_name = 'link_count'")] == [state]
    assert any(f"apikey={quote_plus(key)}" in asked.path for asked in provider.asked)
    places = {
        "terminal": f"{done.output} {done.exc_info}",
        "files": "\n".join(kept(shop.home)),
        "database": "\n".join(rows(database)),
    }
    assert "GetLinkCounts" in places["files"]
    assert "link_count" in places["terminal"]
    assert {place: shown(key, text) for place, text in places.items() if shown(key, text)} == {}


def kept(folder: Path) -> Iterator[str]:
    """Each file of the home by its name and content, unpacked where it is packed."""
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            if content.startswith(ZSTD):
                content = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(content)).read()
            yield f"{path} {content.decode('utf-8', 'replace')}"


def rows(dsn: str) -> Iterator[str]:
    """Every row of every table of ours, as text."""
    with psycopg.connect(dsn) as connection:
        tables = connection.execute(
            "select relnamespace::regnamespace::text, relname from pg_class"
            " where relkind = 'r' and relnamespace::regnamespace::text in ('ops', 'raw', 'audit', 'plans')"
        ).fetchall()
        for schema, name in tables:
            query = sql.SQL("select t::text from {} as t").format(sql.Identifier(schema, name))
            yield from (row for (row,) in connection.execute(query))
