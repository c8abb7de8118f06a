"""Files made after public reports and real exports, from the drop folder through the gate into `raw`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.urls import normalise
from tests.steps.dropping import Shop, folders, ingest_all, open_shop

pytestmark = pytest.mark.external
FOLDERS = (
    "tracker-dated-change-columns",
    "tracker-two-locations",
    "tracker-title-line",
    "ahrefs-hour-without-zero",
    "search-console-dutch",
    "search-console-mobile-word",
    "urls-with-blanks",
    "search-console-french-countries",
    "refusals-that-mislead",
)
NAMES = tuple(folder.replace("-", "_") for folder in FOLDERS)
WRITTEN = "2026-11-22T12:00:00+00:00"


@dataclass(frozen=True)
class Ingested:
    """A shop with all the folders ingested, and what was refused of each."""

    shop: Shop
    refused: dict[str, str]

    def rows(self, query: str, folder: str) -> list[tuple[Any, ...]]:
        return self.shop.fetch(query, (FOLDERS.index(folder) + 1,))


@pytest.fixture(scope="module")
def ingested(postgres: Postgres, shared_cases: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingested]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute(f"create database {name} template warehouse_template")
    shop = open_shop(tmp_path_factory.mktemp("home"), postgres.dsn(name), folders(*NAMES))
    for folder, prop in zip(FOLDERS, NAMES, strict=True):
        for path in sorted((shared_cases / folder).iterdir()):
            shop.drop(path.name, path.read_bytes(), WRITTEN, prop)
    yield Ingested(shop, ingest_all(shop, *NAMES))
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


RANKS = """
    select keyword, day::text, position from raw.raw_exports__ranking where property_key = %s order by 1, 2
"""
LISTED = """
    select dimension, count(*), count(distinct value) from raw.raw_exports__search_summary where property_key = %s
    group by 1 order by 1
"""
TOTALS = "select count(*) from raw.raw_exports__search_total where property_key = %s"


def test_what_stands_behind_a_day_makes_a_heading_something_else(ingested: Ingested) -> None:
    assert ingested.rows(RANKS, "tracker-dated-change-columns") == [
        ("oak bench", "2026-10-20", 15),
        ("oak bench", "2026-10-27", 12),
        ("tea table", "2026-10-20", 9),
        ("tea table", "2026-10-27", 4),
    ]


def test_two_cities_in_one_file_refuse_it_by_the_column_that_tells_them_apart(ingested: Ingested) -> None:
    assert "Column 'Location' tells them apart" in ingested.refused["tracker_two_locations"]
    assert ingested.rows(RANKS, "tracker-two-locations") == []


def test_trackers_with_lines_above_their_headings_are_read(ingested: Ingested) -> None:
    found = ingested.rows(
        """
        select part, keyword, day::text, state, position, depth, country, url from raw.raw_exports__ranking
        where property_key = %s order by 1, 2, 3
        """,
        "tracker-title-line",
    )
    bench, table = "https://www.shop.example/oak-bench", "https://www.shop.example/tea-table"
    se, semrush = "se_ranking_positions", "semrush_position_tracking"
    assert found == [
        (se, "oak bench", "2026-02-01", "found", 22, None, "DE", None),
        (se, "oak bench", "2026-02-02", "found", 18, None, "DE", None),
        (se, "tea table", "2026-02-03", "found", 40, None, "DE", None),
        (semrush, "oak bench", "2026-01-27", "found", 15, 100, None, bench),
        (semrush, "oak bench", "2026-02-03", "found", 12, 100, None, bench),
        (semrush, "tea table", "2026-01-27", "not_found", None, 100, None, None),
        (semrush, "tea table", "2026-02-03", "found", 44, 100, None, table),
    ]
    reasons = ingested.rows(
        "select reason from ops.export_refusal where property_key = %s order by line_no", "tracker-title-line"
    )
    assert len(reasons) == 2
    assert all("Add a column Depth" in reason for (reason,) in reasons)


def test_an_hour_without_its_zero_is_an_hour(ingested: Ingested) -> None:
    found = ingested.rows(
        """
        select first_seen::text, lost_on::text from raw.raw_exports__backlink where property_key = %s order by 1
        """,
        "ahrefs-hour-without-zero",
    )
    assert found == [("2025-03-08", "2026-05-05"), ("2025-06-11", None)]


@pytest.mark.parametrize(
    ("folder", "listed"),
    [
        ("search-console-dutch", [("country", 3, 3), ("device", 3, 3), ("page", 1, 1), ("query", 2, 2)]),
        (
            "search-console-french-countries",
            [("country", 241, 241), ("device", 3, 3), ("page", 1, 1), ("query", 25, 25)],
        ),
        # Of two zips; both have a row for MOBILE, DESKTOP and the same page.
        ("search-console-mobile-word", [("country", 5, 5), ("device", 3, 3), ("page", 1, 1), ("query", 2, 2)]),
    ],
)
def test_a_zip_of_search_console_is_read_whole_in_its_language(
    ingested: Ingested, folder: str, listed: list[tuple[str, int, int]]
) -> None:
    assert ingested.rows(TOTALS, folder) == [(14,)]
    assert ingested.rows(LISTED, folder) == listed
    assert ingested.rows("select count(*) from ops.export_refusal where property_key = %s", folder) == [(0,)]


def test_dutch_names_of_countries_have_the_codes_of_the_api(ingested: Ingested) -> None:
    query = (
        "select value from raw.raw_exports__search_summary where property_key = %s and dimension = 'country' order by 1"
    )
    assert ingested.rows(query, "search-console-dutch") == [("cuw",), ("nld",), ("sau",)]


def test_urls_with_blanks_and_line_ends_are_those_of_a_browser(ingested: Ingested) -> None:
    links = "select source_url, source_url_normalised from raw.raw_exports__backlink where property_key = %s"
    pages = "select page_url, page_url_normalised from raw.raw_exports__performance where property_key = %s"
    found = ingested.rows(links, "urls-with-blanks") + ingested.rows(pages, "urls-with-blanks")
    assert len(found) == 3 + 2
    assert all(normalised == normalise(url) is not None for url, normalised in found)


@pytest.mark.parametrize(
    ("file", "what", "instead"),
    [
        ("ahrefs-best-by-links.csv", "Ahrefs' Best by links", "export Backlinks"),
        ("ahrefs-without-domain-rating.csv", "Ahrefs, Backlinks, without 'Domain rating'", "all of its columns"),
        ("bing-backlinks.csv", "Bing Webmaster Tools", "rename 'Anchor Text' to 'anchor'"),
        ("not-dataforseo.json", "is JSON", "export it as CSV"),
        ("search-console-coverage.zip", "page indexing report (coverage)", "performance report"),
        ("semrush-backlink-audit.csv", "Semrush's Backlink Audit", "Backlink Analytics"),
        ("semrush-organic-positions.csv", "Semrush's Organic Research", "rankings.csv"),
        ("shop.example-Performance-on-Search-2026-09-15.xlsx", "Excel workbook", "drop the whole zip"),
    ],
)
def test_a_refusal_says_what_the_file_is_and_what_to_do(ingested: Ingested, file: str, what: str, instead: str) -> None:
    sentences = ingested.refused["refusals_that_mislead"].split(" | ")
    (sentence,) = (s for s in sentences if s.startswith(f"refused: {file}"))
    assert what in sentence
    assert instead in sentence
    for misleading in ("take the column out", "did you mean", "no rows", "without filters"):
        assert misleading not in sentence


def test_nothing_but_what_is_right_to_refuse_was_refused(ingested: Ingested) -> None:
    assert ingested.refused.keys() == {"tracker_two_locations", "refusals_that_mislead"}
    assert ingested.rows("select count(*) from ops.load where property_key = %s", "refusals-that-mislead") == [(0,)]
