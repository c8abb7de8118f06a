"""Files of the kinds that vendors and spreadsheets write, from the drop folder through the gate into `raw`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.steps.status import say_loads
from tests.exports.files import zipped
from tests.steps.dropping import Shop, folders, ingest_all, open_shop

DAYS = "\n".join(f"2026-05-{day:02},1,{day + 20},2%,{day}.5" for day in range(1, 15))
METRICS = "Clicks,Impressions,CTR,Position"
AHREFS = "Referring page title,Referring page URL,Domain rating,Target URL,Anchor,First seen,Last seen,Lost"
RANKINGS = "checked_on,keyword,position,country,url"
SHOP, ELSE = "https://www.shop.example", "https://www.else.example"


def performance(*, site: str = SHOP, countries: str = "", devices: str = "", filters: str = "Search type,Web") -> bytes:
    """A zip as Search Console writes it."""
    return zipped(
        {
            "Chart.csv": f"Date,{METRICS}\n{DAYS}\n",
            "Queries.csv": f"Top queries,{METRICS}\noak bench,6,149,4.03%,6.09\n",
            "Pages.csv": f"Top pages,{METRICS}\n{site}/bench,6,160,3.75%,6.2\n",
            "Countries.csv": f"Country,{METRICS}\n{countries}",
            "Devices.csv": f"Device,{METRICS}\n{devices}",
            "Filters.csv": f"Filter,Value\n{filters}\nDate,Last 3 months\n",
        }
    )


def many_rankings(count: int, doubled: int) -> str:
    """`count` checks, and of the first of them a second one that found another position."""
    lines = [f"2026-05-01,keyword {n},{n % 90 + 1},US,{SHOP}/{n}" for n in range(count)]
    return "\n".join(
        [RANKINGS, *lines, *(line.replace(f",{n % 90 + 1},", ",97,") for n, line in enumerate(lines[:doubled]))]
    )


FILES: dict[str, dict[str, str | bytes]] = {
    "change_columns": {
        "tracker.csv": "Keyword;05.04.2026;05.04.2026 +/-;12.04.2026 9:30;12.04.2026 SERP\nbench;15;-3;12;maps\n"
    },
    "two_markets": {"tracker.csv": "Keyword,Market,2026-05-01\nbench,Berlin,3\nbench,Munich,18\nchair,Berlin,4\n"},
    "two_countries": {
        "tracker.csv": "Keyword,Location,2026-05-01\nbench,Germany,3\nbench,Austria,18\nbench,Zurich Switzerland,5\n"
    },
    "bing_in_se_ranking": {
        "shop_positions_detailed_2026-05-03.csv": '\ufeff"Bing United States (Austin, Texas, United States), interface'
        ' language: English"\nKeyword,URL,Depth,2026-05-01,Dynamics,Map,2026-05-02,Dynamics,Map\n'
        "bench,--,50,4,0,,-,-46,\n"
    },
    "two_engines_in_se_ranking": {
        "detailed.csv": '"Google Germany, interface language: German"\nKeyword,2026-05-01,Dynamics\nbench,4,0\n'
        '"Google Austria, interface language: German"\nKeyword,2026-05-01,Dynamics\nbench,9,0\n'
    },
    "semrush_tracking": {
        "1_2_position_tracking_rankings_overview_20260503.csv": "-----\nID: 1_2\nReport type: x\nPeriod: y\n-----\n\n"
        "Keyword,shop.example_20260502,shop.example_20260502_type,shop.example_20260502_landing,shop.example_difference\n"
        f"bench,3,organic,{SHOP}/bench,1\nchair,1,local pack,{SHOP}/chair,0\nstool,-,,,0\n"
    },
    "semrush_tracking_of_two": {
        "overview.csv": "Keyword;*.shop.example/*_20260502;*.rival.example/*_20260502\nbench;3;4\n"
    },
    "hours": {
        "backlinks-2026-05-10.csv": f"{AHREFS}\n"
        f"A,https://a.example/,50,{SHOP}/,bench,2026-04-01 6:20,2026-05-01 9:05 PM,\n"
    },
    "unknown_names": {
        "shop.example-Performance-on-Search-2026-05-16.zip": performance(
            countries="Germany,7,150,4.67%,6.5\nAtlantis,1,2,50%,3\n"
            + "".join(f"Land {n},1,2,50%,3\n" for n in range(20)),
            devices="Mobile,5,100,5%,6\nFridge,1,2,50%,4\n",
        )
    },
    "no_name_is_known": {
        "performance.zip": zipped(
            {
                "Chart.csv": f"Date,{METRICS}\n{DAYS}\n",
                "Countries.csv": f"Country,{METRICS}\nAtlantis,1,2,50%,3\n",
                "Filters.csv": "Filter,Value\nSearch type,Web\nDate,x\n",
            }
        )
    },
    "japanese": {
        "performance.zip": zipped(
            {
                "chart.csv": f"日付,クリック数,表示回数,CTR,掲載順位\n{DAYS}\n",
                "queries.csv": "上位のクエリ,クリック数,表示回数,CTR,掲載順位\n木のベンチ,6,149,4.03%,6.09\n",
                "countries.csv": "国,クリック数,表示回数,CTR,掲載順位\n日本,6,149,4.03%,6\nドイツ,1,2,50%,3\n",
                "devices.csv": "デバイス,クリック数,表示回数,CTR,掲載順位\nモバイル,5,100,5%,6\n"
                "PC,2,60,3%,8\nタブレット,0,1,0%,9\n",
                "filters.csv": "フィルタ,値\n検索タイプ,ウェブ\n期間,過去 3 か月間\n",
            }
        )
    },
    "blanks_in_urls": {
        "backlinks.csv": f'source_url,target_url\nhttps://a.example/oak bench,"{SHOP}/garden \r\nbenches"\n',
    },
    "contradicts_itself": {"rankings.csv": many_rankings(1_000, 30)},
    "contradicts_itself_in_few": {"rankings.csv": many_rankings(1_000, 10)},
    "few_of_another_site": {
        "backlinks.csv": f"source_url,target_url\nhttps://a.example/,{ELSE}/\n",
        "rankings.csv": f"{RANKINGS}\n2026-05-01,bench,3,US,{ELSE}/bench\n",
        "performance.zip": performance(site=ELSE),
    },
    "few_of_this_site": {
        "backlinks.csv": f"source_url,target_url\nhttps://a.example/,{SHOP}/\nhttps://b.example/,{ELSE}/\n",
        "performance.zip": performance(site="https://shop.example:8443"),
    },
    "without_columns": {
        "semrush.csv": "Source title,Source url,Target url,Anchor,External links,Nofollow,Sponsored,Ugc\n"
        f"A,https://a.example/,{SHOP}/,bench,3,false,false,false\n",
        "links.csv": f"Source Url,Target Url,Anchor Text\nhttps://a.example/,{SHOP}/,bench\n",
        "vitals.zip": zipped(
            {"Chart.csv": "Date,Poor,Good\n2026-05-01,1,2\n", "Metadata.csv": "Property,Value\na,b\n"}
        ),
        "image.zip": performance(filters="Search type,Image"),
    },
}
RANKS = """
    select keyword, day::text, state, position, country from raw.raw_exports__ranking where property_key = %s
    order by 1, 2, 5
"""
LISTED = "select dimension, value from raw.raw_exports__search_summary where property_key = %s order by 1, 2"
TOTALS = "select count(*) from raw.raw_exports__search_total where property_key = %s"


@dataclass(frozen=True)
class Ingested:
    """A shop with all the files ingested, and what was refused of each folder."""

    shop: Shop
    refused: dict[str, str]

    def rows(self, query: str, folder: str) -> list[tuple[Any, ...]]:
        return self.shop.fetch(query, (list(FILES).index(folder) + 1,))


@pytest.fixture(scope="module")
def ingested(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingested]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute(f"create database {name} template warehouse_template")
    shop = open_shop(tmp_path_factory.mktemp("home"), postgres.dsn(name), folders(*FILES))
    for folder, files in FILES.items():
        for file, content in files.items():
            shop.drop(file, content, "2026-05-20T12:00:00+00:00", folder)
    yield Ingested(shop, ingest_all(shop, *FILES))
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


def test_a_heading_is_a_day_where_nothing_but_a_time_stands_behind_it(ingested: Ingested) -> None:
    assert ingested.rows(RANKS, "change_columns") == [
        ("bench", "2026-04-05", "found", 15, None),
        ("bench", "2026-04-12", "found", 12, None),
    ]


def test_a_column_that_is_not_kept_and_tells_checks_apart_refuses_the_file(ingested: Ingested) -> None:
    assert "the first in lines 2 and 3. Column 'Market' tells them apart" in ingested.refused["two_markets"]
    assert ingested.rows(RANKS, "two_markets") == []


def test_places_in_two_countries_are_two_series(ingested: Ingested) -> None:
    assert [row[3:] for row in ingested.rows(RANKS, "two_countries")] == [(18, "AT"), (3, "DE"), (5, None)]


def test_the_title_line_names_engine_country_and_language(ingested: Ingested) -> None:
    query = """
        select engine, country, language, state, position, depth from raw.raw_exports__ranking
        where property_key = %s order by day
    """
    assert ingested.rows(query, "bing_in_se_ranking") == [
        ("bing", "US", "en", "found", 4, 50),
        ("bing", "US", "en", "not_found", None, 50),
    ]


def test_two_search_engines_in_one_file_refuse_it(ingested: Ingested) -> None:
    assert "line 4: another search engine begins here" in ingested.refused["two_engines_in_se_ranking"]


def test_semrush_says_per_day_of_what_kind_a_position_is(ingested: Ingested) -> None:
    assert [row[:4] for row in ingested.rows(RANKS, "semrush_tracking")] == [
        ("bench", "2026-05-02", "found", 3),
        ("stool", "2026-05-02", "not_found", None),
    ]
    (reason,) = ingested.rows("select reason from ops.export_refusal where property_key = %s", "semrush_tracking")
    assert "local pack" in reason[0]
    assert "positions of 2 sites" in ingested.refused["semrush_tracking_of_two"]


def test_hours_are_written_with_and_without_a_zero(ingested: Ingested) -> None:
    query = "select first_seen::text, last_seen::text from raw.raw_exports__backlink where property_key = %s"
    assert ingested.rows(query, "hours") == [("2026-04-01", "2026-05-01")]


def test_an_unknown_name_costs_its_own_row_and_is_said(ingested: Ingested) -> None:
    assert ingested.rows(TOTALS, "unknown_names") == ingested.rows(TOTALS, "no_name_is_known") == [(14,)]
    assert ingested.rows(LISTED, "unknown_names") == [
        ("country", "deu"), ("device", "MOBILE"), ("page", f"{SHOP}/bench"), ("query", "oak bench"),
    ]  # fmt: skip
    said = "\n".join(ingested.shop.said)
    assert "22 rows are left out, and the rest stands: Countries.csv, line 3: value is 'Atlantis'" in said
    assert "line 2: value is 'Atlantis', no country's code or name that is known; no row can be kept" in said


def test_a_japanese_zip_is_read(ingested: Ingested) -> None:
    assert ingested.rows(TOTALS, "japanese") == [(14,)]
    assert ingested.rows(LISTED, "japanese") == [
        ("country", "deu"), ("country", "jpn"), ("device", "DESKTOP"), ("device", "MOBILE"), ("device", "TABLET"),
        ("query", "木のベンチ"),
    ]  # fmt: skip


def test_a_url_with_a_blank_is_a_page(ingested: Ingested) -> None:
    query = "select source_url_normalised, target_url_normalised from raw.raw_exports__backlink where property_key = %s"
    assert ingested.rows(query, "blanks_in_urls") == [("https://a.example/oak%20bench", f"{SHOP}/garden%20benches")]


def test_rows_that_contradict_each_other_are_said_and_beyond_a_limit_refuse_the_file(ingested: Ingested) -> None:
    assert (
        "30 of 1,030 rows say otherwise than a later row of the same day, keyword"
        in ingested.refused["contradicts_itself"]
    )
    assert len(ingested.rows(RANKS, "contradicts_itself_in_few")) == 1_000
    said = "\n".join(ingested.shop.said)
    assert "10 of 1,010 rows say otherwise than a later row of the same day, keyword" in said
    ingested.shop.said.clear()
    say_loads(ingested.shop.wh, ingested.shop.say)
    (line,) = [line for line in ingested.shop.said if "contradicts_itself_in_few" in line and "rankings.csv" in line]
    assert line.split()[-2:] == ["1000", "10"]


def test_a_small_file_of_another_site_is_held_like_a_large_one(ingested: Ingested) -> None:
    query = "select table_name, state from ops.load where property_key = %s order by 1"
    assert ingested.rows(query, "few_of_another_site") == [
        ("backlink", "quarantined"),
        ("ranking", "quarantined"),
        ("search_summary", "quarantined"),
        ("search_total", "published"),
    ]
    assert {state for _, state in ingested.rows(query, "few_of_this_site")} == {"published"}


@pytest.mark.parametrize(
    "sentence",
    [
        "semrush.csv looks like Semrush, Backlinks, without 'Page ascore': export it again with all of its columns",
        "links.csv is Bing Webmaster Tools' Backlinks, as far as its headings tell: rename 'Anchor Text' to 'anchor'",
        "vitals.zip holds Chart.csv, Metadata.csv, and no sheet of days with clicks and impressions",
        "image.zip/Filters.csv says 'Search type: Image; Date: Last 3 months': export the report of web search",
    ],
)
def test_refusals_name_the_file_and_what_to_do(ingested: Ingested, sentence: str) -> None:
    assert sentence in ingested.refused["without_columns"]
