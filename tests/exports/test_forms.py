from __future__ import annotations

import json
import pickle
from datetime import UTC, date, datetime, timedelta

import pytest

from seo_warehouse.errors import ExportError
from seo_warehouse.exports import generic, values, vendors
from seo_warehouse.exports.forms import read, recognise
from seo_warehouse.exports.layout import Field, Form
from seo_warehouse.exports.search_console import LATEST_LINKS
from seo_warehouse.sources.exports import EXPORTS
from tests.exports.files import WRITTEN, opener, part_of, parts_of, rows_of, zipped

AHREFS = (
    "Referring page title\tReferring page URL\tLanguage\tPlatform\tReferring page HTTP code\tDomain rating\tUR\t"
    "Domain traffic\tExternal links\tTarget URL\tLeft context\tAnchor\tRight context\tType\tContent\tNofollow\tUGC\t"
    "Sponsored\tRendered\tRaw\tLost status\tDrop reason\tDiscovered status\tFirst seen\tLast seen\tLost\n"
    "Über Stiefel\thttps://blog.example/a\tde\twordpress\t200\t71.5\t12.0\t1,200\t33\thttps://shop.example/\t\tStiefel"
    "\t\ttext\ttrue\ttrue\tfalse\tfalse\ttrue\tfalse\t\t\t\t2025-11-02 10:00:00\t2026-02-01 09:00:00\t\n"
    "B\thttps://blog.example/b\tde\t\t404\t8\t0\t0\t1\thttps://shop.example/x\t\t\t\timage\ttrue\ttrue\tfalse\ttrue"
    "\ttrue\tfalse\t\t\t\t2025-11-02 10:00:00\t2026-02-01 09:00:00\t2026-02-20 00:00:00\n"
)


def test_every_row_has_the_columns_of_its_table_and_nothing_else() -> None:
    for name, content in FILES.items():
        content = content if isinstance(content, bytes) else content.encode()
        for part in recognise(name, opener(content), WRITTEN):
            columns = {column.name for column in EXPORTS.table(part.table).columns}
            rows = list(read(name, opener(content, 7), part))
            assert rows
            assert len(rows) == part.row_count
            for row in rows:
                assert row.keys() == columns
                assert row["exported_at"] == part.exported_at
                assert part.first_day <= row["day"] <= part.last_day


def test_required_columns_have_values_and_stated_values_are_kept() -> None:
    for name, content in FILES.items():
        content = content if isinstance(content, bytes) else content.encode()
        for part in recognise(name, opener(content), WRITTEN):
            for row in read(name, opener(content), part):
                for column in EXPORTS.table(part.table).columns:
                    value = row[column.name]
                    assert value is not None or not column.required
                    if column.values and value is not None:
                        assert set(value if isinstance(value, tuple) else (value,)) <= set(column.values)


def test_a_part_can_be_taken_to_another_process() -> None:
    content = FILES["rankings.csv"].encode()
    part = pickle.loads(pickle.dumps(part_of("rankings.csv", content)))  # noqa: S301
    assert len(list(read("rankings.csv", opener(content), part))) == part.row_count


def test_generic_backlinks_with_every_column() -> None:
    assert rows_of(
        "backlinks-own.csv",
        "observed_on,source_url,target_url,anchor,rel,first_seen,last_seen,lost_on,authority,http_status\n"
        "2026-02-01,https://a.example/x,https://shop.example/,Boots,nofollow ugc,2025-01-02,2026-01-31,2026-02-01,"
        "12.5,200\n"
        ",https://b.example/,https://shop.example/,,,,,,,\n",
    ) == [
        _link(
            day=date(2026, 2, 1),
            source_url="https://a.example/x",
            anchor="Boots",
            rel=("nofollow", "ugc"),
            first_seen=date(2025, 1, 2),
            last_seen=date(2026, 1, 31),
            lost_on=date(2026, 2, 1),
            is_lost=True,
            authority=12.5,
            http_status=200,
        ),
        _link(day=date(2026, 3, 2), source_url="https://b.example/"),
    ]


def test_followed_is_the_empty_set_and_an_empty_rel_is_unknown() -> None:
    found = rows_of(
        "backlinks.csv",
        "source_url,target_url,rel\nhttps://a.example/,https://s.example/,followed\n"
        "https://b.example/,https://s.example/,\n",
    )
    assert [row["rel"] for row in found] == [(), None]


def test_ahrefs_in_utf_16_with_tabs() -> None:
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-8"):
        content = AHREFS.replace("\n", "\r\n").encode(encoding)
        assert part_of("x.csv", content).part == "ahrefs_backlinks"
        first, second = rows_of("example.com-backlinks-subdomains_2026-03-01_10-00-00.csv", content)
        assert first == _link(
            day=date(2026, 3, 1),
            exported_at=datetime(2026, 3, 1, tzinfo=UTC),
            source_url="https://blog.example/a",
            target_url="https://shop.example/",
            anchor="Stiefel",
            rel=("nofollow",),
            first_seen=date(2025, 11, 2),
            last_seen=date(2026, 2, 1),
            authority=12.0,
            domain_authority=71.5,
            link_type="text",
            page_title="Über Stiefel",
            http_status=200,
            external_links=33,
        )
        assert (second["rel"], second["lost_on"], second["is_lost"]) == (
            ("nofollow", "sponsored"),
            date(2026, 2, 20),
            True,
        )


def test_ahrefs_in_its_old_layout() -> None:
    (row,) = rows_of(
        "links.csv",
        "#,Domain Rating,URL Rating,Referring Domains,Referring Page URL,Referring Page Title,Internal Links Count,"
        "External Links Count,Last HTTP Code,Link URL,TextPre,Link Anchor,TextPost,Type,"
        "Backlink Status,Found,Language\n"
        '1,55,10,3,https://a.example/,T,4,5,200,https://shop.example/,x,Boots,y,"Dofollow, Image",Live,2020-05-06,en\n',
    )
    assert (row["rel"], row["link_type"], row["first_seen"], row["domain_authority"], row["authority"]) == (
        (),
        "image",
        date(2020, 5, 6),
        55.0,
        10.0,
    )


def test_semrush() -> None:
    part = part_of("shop.example-backlinks.csv", FILES["semrush.csv"])
    assert (part.table, part.part) == ("backlink", "semrush_backlinks")
    first, second = rows_of("shop.example-backlinks.csv", FILES["semrush.csv"])
    assert (first["authority"], first["rel"], first["link_type"], first["is_lost"], first["external_links"]) == (
        17.0,
        (),
        "text",
        False,
        1204,
    )
    assert (second["rel"], second["link_type"], second["is_lost"], second["lost_on"]) == (
        ("nofollow", "ugc"),
        "image",
        True,
        None,
    )


def test_moz_with_lines_above_its_headings() -> None:
    content = (
        "Moz Link Explorer\nInbound Links, shop.example, 1 Feb, 2026\n\n"
        "URL,Title,Anchor Text,Spam Score,Page Authority,Domain Authority,Number of Domains Linking to this Page,Number"
        " of Domains Linking to Domain,Origin,Target URL,Link Equity,No Link Equity,Only rel=nofollow,Only follow,301\n"
        "https://a.example/,A,bench,3,34,51,2,80,external,https://shop.example/,Yes,No,No,Yes,No\n"
        "https://b.example/,B,,3,1,2,2,80,external,https://shop.example/,No,Yes,Yes,No,Yes\n"
        "https://c.example/,C,,3,1,2,2,80,external,https://shop.example/,No,Yes,No,No,No\n"
    )
    rows = rows_of("inbound.csv", content)
    assert [(row["authority"], row["domain_authority"], row["rel"], row["link_type"]) for row in rows] == [
        (34, 51, (), None),
        (1, 2, ("nofollow",), "redirect"),
        (1, 2, None, None),
    ]
    assert part_of("inbound.csv", content).part == "moz_inbound_links"


def test_a_keyword_named_keyword_does_not_make_a_line_of_checks_headings() -> None:
    content = "checked_on,keyword,positon\n2026-02-01,keyword,3\n2026-02-02,keyword,4\n"
    with pytest.raises(ExportError, match="did you mean 'position'"):
        part_of("rankings.csv", content)


def test_majestic() -> None:
    first, second, third = rows_of("majestic.csv", FILES["majestic.csv"])
    assert (first["rel"], first["first_seen"], first["last_seen"], first["authority"], first["link_type"]) == (
        (),
        date(2024, 5, 1),
        date(2026, 1, 9),
        21.0,
        None,
    )
    assert (second["rel"], second["link_type"]) == (("nofollow",), "image")
    assert third["link_type"] == "mention"


LINKS = (generic.BACKLINKS, vendors.AHREFS, vendors.OLD_AHREFS, vendors.SEMRUSH, vendors.MAJESTIC, LATEST_LINKS)
DATED_LINKS = [
    pytest.param(form, field, id=f"{form.label}: {field.label}")
    for form in LINKS
    for field in form.fields
    if field.kind == "day"
]


@pytest.mark.parametrize(("form", "dated"), DATED_LINKS)
def test_a_link_dated_to_the_year_1_or_2106_is_refused_by_its_line(form: Form, dated: Field) -> None:
    needed = [field for field in form.fields if field.is_needed and field is not dated]
    lines = [
        ",".join(["https://a.example/" if field.kind is values.url else "5" for field in needed] + [day])
        for day in ("2026-02-01", "0001-01-01", "2106-02-07", "9999-12-31")
    ]
    headings = ",".join(field.label for field in (*needed, dated))
    part = part_of("backlinks.csv", "\n".join([headings, *lines]) + "\n")
    assert part.part == form.part
    assert (part.row_count, [refusal.line for refusal in part.refused]) == (1, [3, 4, 5])
    assert {refusal.column for refusal in part.refused} == {dated.name}
    assert all("expected a day between 1990 and 2026-03-" in refusal.reason for refusal in part.refused)


def test_latest_links_name_no_target() -> None:
    part = part_of("shop.example-Latest links-2026-02-14.csv", FILES["latest.csv"])
    assert (part.part, part.exported_at) == ("search_console_latest_links", datetime(2026, 2, 14, tzinfo=UTC))
    (row, _) = rows_of("shop.example-Latest links-2026-02-14.csv", FILES["latest.csv"])
    assert row == _link(
        day=date(2026, 2, 14),
        exported_at=datetime(2026, 2, 14, tzinfo=UTC),
        source_url="https://a.example/",
        target_url=None,
        last_seen=date(2026, 2, 10),
    )


@pytest.mark.parametrize(
    "headings",
    [
        "Date,Query,Page,Country,Device,Clicks,Impressions,CTR,Position",
        "date,query,page,country,device,clicks,impressions,ctr,position",
        "Datum;Suchanfrage;Seite;Land;Gerät;Klicks;Impressionen;CTR;Position",
        "Date;Requêtes les plus fréquentes;Pages les plus populaires;Pays;Appareil;Clics;Impressions;CTR;Position",
        "Fecha;Consultas principales;Páginas principales;País;Dispositivo;Clics;Impresiones;CTR;Posición",
        "Data;Query più frequenti;Pagine principali;Paese;Dispositivo;Clic;Impressioni;CTR;Posizione",
        "Datum;Populairste zoekopdrachten;Populairste pagina's;Land;Apparaat;Klikken;Vertoningen;CTR;Positie",
        "Data;Principais consultas;Páginas principais;País;Dispositivo;Cliques;Impressões;CTR;Posição",
    ],
)
def test_performance_is_read_in_seven_languages(headings: str) -> None:
    mark = ";" if ";" in headings else ","
    cells = ["2026-02-01", "boots", "https://shop.example/", "usa", "MOBILE", "1.234", "45.678", "2,70%", "4,5"]
    if mark == ",":
        cells = [*cells[:5], '"1,234"', '"45,678"', "2.70%", "4.5"]
    part = part_of("export.csv", f"{headings}\n{mark.join(cells)}\n")
    assert part.part == "search_console_performance"
    (row,) = rows_of("export.csv", f"{headings}\n{mark.join(cells)}\n")
    assert row == {
        "day": date(2026, 2, 1),
        "exported_at": WRITTEN,
        "page_url": "https://shop.example/",
        "query": "boots",
        "country": "usa",
        "device": "MOBILE",
        "clicks": 1234,
        "impressions": 45678,
        "position": 4.5,
    }


def test_performance_without_a_dimension_says_nothing_of_it() -> None:
    (row,) = rows_of("p.csv", "date,page,clicks,impressions\n2026-02-01,https://s.example/,1,2\n")
    assert (row["query"], row["country"], row["device"], row["position"]) == (None, None, None, None)


def test_the_uis_zip_is_totals_by_day_and_lists_for_the_range() -> None:
    totals, summary = parts_of("shop.example-Performance-on-Search-2026-03-01.zip", FILES["gsc.zip"])
    assert (totals.table, totals.part, totals.row_count) == ("search_total", "search_console_zip", 2)
    assert (totals.first_day, totals.last_day) == (date(2026, 2, 1), date(2026, 2, 2))
    assert totals.exported_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert totals.notes == ("Search appearance.csv is left aside",)
    assert (summary.table, summary.row_count) == ("search_summary", 6)
    rows = list(read("x.zip", opener(FILES["gsc.zip"]), summary))  # type: ignore[arg-type]
    assert {(row["dimension"], row["value"], row["clicks"]) for row in rows} == {
        ("query", "boots", 30),
        ("query", "trail, boots", 12),
        ("page", "https://shop.example/", 42),
        ("country", "usa", 40),
        ("country", "hkg", 2),
        ("device", "MOBILE", 42),
    }
    assert {(row["day"], row["last_day"]) for row in rows} == {(date(2026, 2, 1), date(2026, 2, 2))}


def test_a_french_zip_is_read_by_its_headings() -> None:
    content = zipped(
        {
            "Dates.csv": 'Date,Clics,Impressions,CTR,Position\n2026-02-01,1,2,50 %,"3,5"\n',
            "Requêtes.csv": "Requêtes les plus fréquentes,Clics,Impressions,CTR,Position\nbottes,1,2,50 %,3\n",
            "Pays.csv": "Pays,Clics,Impressions,CTR,Position\nÉtats-Unis,1,2,50 %,3\n",
            "Filtres.csv": "Filtre,Valeur\nType de recherche,Web\nDate,3 derniers mois\n",
        }
    )
    totals, summary = parts_of("x.zip", content)
    assert [row["position"] for row in read("x.zip", opener(content), totals)] == [3.5]
    assert {row["value"] for row in read("x.zip", opener(content), summary)} == {"bottes", "usa"}


@pytest.mark.parametrize(
    ("filters", "reason"),
    [
        ("Filter,Value\nSearch type,Web\nDate,Last 3 months\nPage,+/blog/\n", "without filters"),
        ("Filter,Value\nSearch type,Image\nDate,Last 3 months\n", "Image"),
        ("Filtre,Valeur\nType de recherche,Web\nDate,x\nPays,France\n", "France"),
    ],
)
def test_a_filtered_report_is_refused(filters: str, reason: str) -> None:
    with pytest.raises(ExportError, match=reason):
        parts_of("x.zip", zipped({"Chart.csv": CHART, "Filters.csv": filters}))


def test_a_comparison_of_two_ranges_is_refused() -> None:
    headings = "Last 3 months Clicks,Previous 3 months Clicks,Last 3 months Impressions,Previous 3 months Impressions"
    with pytest.raises(ExportError, match="compares two ranges"):
        parts_of("x.zip", zipped({"Queries.csv": f"Top queries,{headings}\nboots,1,2,3,4\n"}))
    with pytest.raises(ExportError, match="compares two ranges"):
        parts_of("Queries.csv", f"Top queries,{headings}\nboots,1,2,3,4\n")


@pytest.mark.parametrize("headings", ["Top queries", "Date", "Pays", "Gerät"])
def test_a_sheet_without_its_zip_is_refused(headings: str) -> None:
    with pytest.raises(ExportError, match="drop the whole zip"):
        parts_of("Queries.csv", f"{headings},Clicks,Impressions,CTR,Position\nx,1,2,3%,4\n")


def test_lists_without_rows_are_no_part_of_a_zip() -> None:
    entries = {"Chart.csv": CHART, "Queries.csv": "Top queries,Clicks,Impressions,CTR,Position\n"}
    assert [part.table for part in parts_of("x.zip", zipped(entries))] == ["search_total"]


def test_a_canonical_that_is_no_url_costs_no_page() -> None:
    content = str(FILES["internal_all.csv"]).replace('"https://shop.example/","366582"', '"http:///boots","366582"')
    assert [row["canonical_url"] for row in rows_of("internal_all.csv", content)] == ["http:///boots", None]


def test_a_zip_without_days_is_refused() -> None:
    with pytest.raises(ExportError, match="in English"):
        parts_of("x.zip", zipped({"Queries.csv": "Top queries,Clicks,Impressions\nx,1,2\n"}))


def test_screaming_frogs_days_are_those_of_its_crawl() -> None:
    (row, missing) = rows_of("internal_all.csv", FILES["internal_all.csv"])
    assert (row["day"], row["status_code"], row["response_seconds"], row["inlinks"], row["canonical_url"]) == (
        date(2026, 2, 27),
        200,
        1.127,
        1572,
        "https://shop.example/",
    )
    assert (missing["status_code"], missing["day"]) == (0, date(2026, 3, 2))


def test_a_wide_layout_is_a_row_for_each_day_that_was_checked() -> None:
    part = part_of("tracker.csv", FILES["tracker.csv"])
    assert (part.part, part.first_day, part.last_day, part.row_count) == (
        "rank_tracker_wide",
        date(2026, 2, 1),
        date(2026, 2, 3),
        5,
    )
    found = [
        (row["keyword"], row["day"].day, row["state"], row["position"], row["depth"])
        for row in rows_of("tracker.csv", FILES["tracker.csv"])
    ]
    assert found == [
        ("boots", 1, "found", 3, 50),
        ("boots", 2, "not_found", None, 100),
        ("boots", 3, "not_found", None, 50),
        ("shoes", 1, "found", 12, 50),
        ("shoes", 3, "found", 11, 50),
    ]


def test_the_order_of_day_and_month_in_wide_headings_is_that_of_all_of_them() -> None:
    rows = rows_of("t.csv", "Keyword,02/01/2026,02/02/2026,02/13/2026\nboots,1,2,3\n")
    assert [row["day"] for row in rows] == [date(2026, 2, 1), date(2026, 2, 2), date(2026, 2, 13)]


def test_a_cell_of_a_wide_layout_is_refused_alone() -> None:
    content = "Keyword,2026-02-01,2026-02-02,2026-02-03\nboots,1,2 (+1),3\nshoes,4,5,6\n"
    assert [(row["keyword"], row["position"]) for row in rows_of("t.csv", content)] == [
        ("boots", 1), ("boots", 3), ("shoes", 4), ("shoes", 5), ("shoes", 6),
    ]  # fmt: skip
    (refused,) = part_of("t.csv", content).refused
    assert str(refused) == "line 2: 2026-02-02 position is '2 (+1)', expected a whole number"


def test_a_line_of_a_wide_layout_weighs_as_much_as_the_days_that_it_has() -> None:
    """Half of the keywords are many rows lost, although their lines are few beside the rows of the other half."""
    days = [date(2025, 1, 1) + timedelta(days=n) for n in range(300)]
    positions = ",5" * len(days)
    lines = [f"{'' if n % 2 else f'keyword {n}'}{positions}" for n in range(100)]
    with pytest.raises(ExportError, match=r"line 3: keyword is empty; 15,000 of 30,000 rows cannot be read"):
        part_of("t.csv", "\n".join([f"Keyword,{','.join(map(str, days))}", *lines]))
    few = [line for n, line in enumerate(lines) if n < 21 or n % 2 == 0]
    assert part_of("t.csv", "\n".join([f"Keyword,{','.join(map(str, days))}", *few])).refused_count == 10


def test_a_dash_without_a_depth_is_refused() -> None:
    with pytest.raises(ExportError, match="depth is empty"):
        part_of("t.csv", "Keyword,2026-02-01\nboots,-\n")


@pytest.mark.parametrize(
    ("lines", "depths"),
    [
        # Its tool looks 50 deep, and once 100: what lies beyond 50 was surely found by the deeper look.
        (["a,7,", "b,>50,", "c,60,", "d,>100,"], [50, 50, None, 100]),
        # Said of some, it is not guessed of the others.
        (["a,7,20", "b,>50,", "c,8,"], [20, 50, None]),
        # Nothing tells.
        (["a,7,", "b,8,"], [None, None]),
    ],
)
def test_a_depth_that_a_file_states_of_what_it_did_not_find_is_that_of_what_it_found(
    lines: list[str], depths: list[int | None]
) -> None:
    content = "\n".join(["checked_on,keyword,position,depth", *(f"2026-02-01,{line}" for line in lines)])
    assert [row["depth"] for row in rows_of("rankings.csv", content)] == depths
    notes = part_of("rankings.csv", content).notes
    assert notes == (
        ("what was found is taken to be found among 50, as the rest of the file",) if len(lines) > 3 else ()
    )


def test_a_wide_layout_without_depth_says_how_deep_it_looked_with_what_it_did_not_find() -> None:
    content = "Keyword,2026-02-01,2026-02-02\nboots,7,>100\nshoes,3,4\n"
    assert {row["depth"] for row in rows_of("t.csv", content)} == {100}
    # Of two lines for the same check the later one stands, with the same depth.
    twice = f"{content}boots,8,9\n"
    assert [(row["position"], row["depth"]) for row in rows_of("t.csv", twice)][-2:] == [(8, 100), (9, 100)]


@pytest.mark.parametrize("beside", ["Tags", "URL", "Search volume", "Visibility"])
def test_a_keyword_that_is_tracked_twice_is_said_where_nothing_tells_the_two_apart(beside: str) -> None:
    cells = ("1.5", "2.5") if beside == "Visibility" else ("a", "b")
    part = part_of("t.csv", f"Keyword,{beside},2026-02-01\nboots,{cells[0]},3\nboots,{cells[1]},4\n")
    assert (part.row_count, part.contradicted_count) == (1, 1)
    assert part.notes[0] == (
        "1 of 2 rows say otherwise than a later row of the same day, keyword, engine, country, language, device,"
        " the first in lines 2 and 3; the later row stands"
    )


def test_labs_answers_are_organic_positions() -> None:
    part = part_of("labs_20260301.json", FILES["labs.json"])
    assert (part.part, part.row_count, part.exported_at) == (
        "dataforseo_labs_ranked_keywords",
        1,
        datetime(2026, 3, 1, tzinfo=UTC),
    )
    assert part.refused_count == 1
    assert "rank_group" in part.refused[0].reason
    (row,) = rows_of("labs_20260301.json", FILES["labs.json"])
    assert row == {
        "day": date(2026, 2, 7),
        "exported_at": datetime(2026, 3, 1, tzinfo=UTC),
        "keyword": "boots",
        "engine": "google",
        "country": "US",
        "language": "en",
        "device": None,
        "state": "found",
        "position": 7,
        "url": "https://shop.example/boots",
        "depth": 100,
    }


@pytest.mark.parametrize(
    "content",
    [
        "{}x",
        "[1]",
        '{"tasks": [{"data": {"function": "keyword_ideas"}}]}',
        '{"tasks": [1]}',
        '{"tasks": []}',
        "[" * 100_000,
    ],
)
def test_json_that_is_no_such_answer_is_refused(content: str) -> None:
    with pytest.raises(ExportError):
        parts_of("x.json", content)


def test_the_day_in_a_files_name_is_that_of_the_export() -> None:
    rows = "url,topic\nhttps://s.example/,boots\n"
    for name, expected in (
        ("pages.csv", WRITTEN),
        ("pages-2026-02-28.csv", datetime(2026, 2, 28, tzinfo=UTC)),
        ("pages_20260228.csv", datetime(2026, 2, 28, tzinfo=UTC)),
        ("pages_2026_02_28.csv", datetime(2026, 2, 28, tzinfo=UTC)),
        ("pages_2026-01-01_2026-02-28.csv", datetime(2026, 2, 28, tzinfo=UTC)),
        ("pages-2026-03-02.csv", WRITTEN),
        ("pages-2026-12-31.csv", WRITTEN),
        ("pages-2026-02-30.csv", WRITTEN),
        ("pages-120260228.csv", WRITTEN),
    ):
        part = part_of(name, rows)
        assert part.exported_at == expected, name
        assert part.first_day == expected.date()


def test_a_name_with_a_day_before_those_of_its_rows_is_no_day_of_export() -> None:
    content = "checked_on,keyword,position\n2026-02-20,boots,1\n"
    assert part_of("rankings-2026-01-01.csv", content).exported_at == WRITTEN
    assert part_of("rankings-2026-02-19.csv", content).exported_at == datetime(2026, 2, 19, tzinfo=UTC)


def test_a_list_of_pages_states_when_they_were_published() -> None:
    rows = rows_of("pages.csv", "url,topic,published_on\nhttps://s.example/,,2026-01-05\nhttps://s.example/b,boots,\n")
    assert [(row["topic"], row["published_on"]) for row in rows] == [(None, date(2026, 1, 5)), ("boots", None)]


def test_vendors_are_told_apart_by_headings_whatever_the_file_is_called() -> None:
    for name in ("backlinks.csv", "rankings.csv", "x", "pages-2026.txt"):
        assert part_of(name, FILES["semrush.csv"]).part == "semrush_backlinks"
        assert part_of(name, FILES["majestic.csv"]).part == "majestic_backlinks"


def test_generic_files_are_known_by_headings_alone() -> None:
    for name, part in (
        ("rankings.csv", "generic_rankings"),
        ("pages.csv", "generic_pages"),
        ("page_changes.csv", "generic_page_changes"),
        ("keywords.csv", "generic_keywords"),
    ):
        assert part_of("export.csv", FILES[name]).part == part


def test_a_vendors_new_column_is_noted_and_left_aside() -> None:
    lines = str(FILES["semrush.csv"]).splitlines()
    part = part_of("x.csv", "\n".join([lines[0] + ",Toxicity", *(line + ",1" for line in lines[1:])]))
    assert part.notes == ("column 'Toxicity' is left aside",)


def _link(**values: object) -> dict[str, object]:
    columns = dict.fromkeys(column.name for column in EXPORTS.table("backlink").columns)
    return {**columns, "exported_at": WRITTEN, "target_url": "https://shop.example/", **values}


CHART = "Date,Clicks,Impressions,CTR,Position\n2026-02-01,20,200,10%,8.1\n2026-02-02,22,210,10.48%,8\n"
LABS = {
    "tasks": [
        {
            "data": {"function": "ranked_keywords"},
            "result": [
                {
                    "location_code": 2840,
                    "language_code": "en",
                    "items": [
                        {
                            "keyword_data": {"keyword": "boots"},
                            "ranked_serp_element": {
                                "serp_item": {"type": kind, "rank_group": rank, "url": "https://shop.example/boots"},
                                "check_url": "https://www.google.com/search?q=boots&num=100&hl=en",
                                "last_updated_time": "2026-02-07 02:06:36 +00:00",
                            },
                        }
                        for kind, rank in (("organic", 7), ("featured_snippet", 1), ("organic", "x"))
                    ],
                }
            ],
        }
    ]
}
FILES: dict[str, str | bytes] = {
    "backlinks.csv": "source_url,target_url\nhttps://a.example/,https://shop.example/\n",
    "rankings.csv": "checked_on,keyword,engine,country,language,device,state,position,url,depth\n"
    "2026-02-01,boots,google,US,en,desktop,found,3,https://shop.example/boots,100\n"
    "2026-02-01,shoes,google.com,USA,en-us,Mobile,not found,,,100\n"
    "2026-02-02,shoes,google,us,en,mobile,truncated,,,40\n"
    "2026-02-03,shoes,google,us,en,mobile,failed,,,\n"
    "2026-02-04,shoes,google,us,en,mobile,,>50,,\n",
    "pages.csv": "url,topic\nhttps://shop.example/a,boots\nhttps://shop.example/b,\n",
    "page_changes.csv": "url,changed_on,kind\nhttps://shop.example/a,2026-02-01,Title\n",
    "keywords.csv": "keyword,page_url,topic,brand\nboots,https://shop.example/boots,footwear,no\nshop,,,yes\n",
    "ahrefs.csv": AHREFS.encode("utf-16"),
    "semrush.csv": "Page ascore,Source title,Source url,Target url,Anchor,External links,Internal links,Nofollow,"
    "Sponsored,Ugc,Text,Frame,Form,Image,Sitewide,First seen,Last seen,New link,Lost link\n"
    '17,"A, title",https://a.example/,https://shop.example/,Boots,"1,204",5,false,false,false,true,false,false,false,'
    "false,2025-01-01,2026-02-01,false,false\n"
    "3,B,https://b.example/,https://shop.example/,,1,5,true,false,true,false,false,false,true,false,2025-01-01,"
    "2026-02-01,false,true\n",
    "majestic.csv": "Target URL,Source URL,Anchor Text,Source Crawl Date,Source First Found Date,FlagNoFollow,"
    "FlagImageLink,FlagRedirect,FlagFrame,FlagOldCrawl,FlagAltText,FlagMention,SourceCitationFlow,SourceTrustFlow,"
    "TargetCitationFlow,TargetTrustFlow,SourceTopicalTrustFlow_Topic_0,SourceTopicalTrustFlow_Value_0,"
    "RefDomainTopicalTrustFlow_Topic_0,RefDomainTopicalTrustFlow_Value_0\n"
    "https://shop.example/,https://a.example/,Boots,2026-01-09,2024-05-01,,,,,,,,30,21,40,33,Shopping,20,Shopping,21\n"
    "https://shop.example/,https://b.example/,,2026-01-09,2024-05-01,+,+,,,,,,30,21,40,33,,,,\n"
    "https://shop.example/,https://c.example/,,2026-01-09,2024-05-01,,,,,,,1,30,21,40,33,,,,\n",
    "latest.csv": "Linking page,Last crawled\nhttps://a.example/,2026-02-10\nhttps://b.example/,2026-02-09",
    "performance.csv": "date,page,query,country,device,clicks,impressions,ctr,position\n"
    "2026-02-01,https://shop.example/,boots,deu,MOBILE,1,10,0.1,3.5\n",
    "gsc.zip": zipped(
        {
            "Chart.csv": CHART,
            "Queries.csv": "Top queries,Clicks,Impressions,CTR,Position\nboots,30,300,10%,7\n"
            '"trail, boots",12,100,12%,9\n',
            "Pages.csv": "Top pages,Clicks,Impressions,CTR,Position\nhttps://shop.example/,42,410,10.24%,8.05\n",
            "Countries.csv": "Country,Clicks,Impressions,CTR,Position\nUnited States,40,400,10%,8\n"
            "Hong Kong,2,10,20%,9\n",
            "Devices.csv": "Device,Clicks,Impressions,CTR,Position\nMobile,42,410,10.24%,8.05\n",
            "Search appearance.csv": "Search Appearance,Clicks,Impressions,CTR,Position\n",
            "Filters.csv": "Filter,Value\nSearch type,Web\nDate,Last 3 months\n",
        }
    ),
    "internal_all.csv": '\ufeff"Address","Content Type","Status Code","Status","Indexability","Indexability Status",'
    '"Title 1","H1-1","Meta Robots 1","X-Robots-Tag 1","Canonical Link Element 1","Size (bytes)","Word Count",'
    '"Crawl Depth","Inlinks","Unique Inlinks","Outlinks","External Outlinks","Hash","Response Time","Last Modified",'
    '"Redirect URL","Crawl Timestamp"\n'
    '"https://shop.example/","text/html; charset=UTF-8","200","OK","Indexable","","Boots","Boots","","",'
    '"https://shop.example/","366582","669","0","1,572","63","88","39","cfa2","1.127","","","2026-02-27 15:38:35"\n'
    '"https://shop.example/gone","","0","DNS lookup failed","Non-Indexable","No Response","","","","","","0","0","3",'
    '"1","1","0","0","","0","","",""\n',
    "tracker.csv": "Keyword,Country,Device,Search volume,Depth,2026-02-01,2026-02-02,2026-02-03\n"
    "boots,US,desktop,900,50,3,>100,-\n"
    "shoes,US,desktop,100,50,12,,11\n",
    "labs.json": json.dumps(LABS),
}
