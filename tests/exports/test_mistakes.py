from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import pytest

from seo_warehouse.errors import ExportError
from seo_warehouse.exports.forms import read, recognise
from seo_warehouse.exports.parts import Refusal
from tests.exports.files import WRITTEN, opener, part_of, rows_of

HEADINGS = "checked_on,keyword,engine,country,language,device,state,position,url,depth"
GOOD = "2026-02-{:02d},keyword {},google,US,en,desktop,found,{},https://shop.example/,100"

REPAIRED = (
    (
        '2026-02-01,"1,234 boots",Google,usa,EN,Desktop,Found,"1,0",https://shop.example/a,"1,000"',
        ("1,234 boots", 1, 1000),
    ),
    (
        "2026-02-01T23:00:00Z,büro,google.de,Deutschland,de_DE,SMARTPHONE,found,12.0,https://shop.example/b,100",
        ("büro", 12, 100),
    ),
    ("01.02.2026,  spaced  ,GOOGLE,de,German,mobile,not found,-,,100", ("spaced", None, 100)),
    ("20260201,sizes,google,DE,de,mobile,,>50,,", ("sizes", None, 50)),
    ("2026/02/01,plus,google,DE,de,mobile,not-found,30+,,", ("plus", None, 30)),
    ("1 Feb 2026,words,google,DE,de,tablet,,7,,n/a", ("words", 7, None)),
    ('2026-02-01,="007",google,DE,de,tablet,,7,,', ("007", 7, None)),
    ("2026-02-01,nbsp,google,DE,de,desktop,found,\u00a03\u00a0,,100", ("nbsp", 3, 100)),
    ("2026-02-01,unknowns,,,,,,4,,", ("unknowns", 4, None)),
    ("2026-02-01,dashes,-,-,-,-,-,4,-,-", ("dashes", 4, None)),
    ("2026-02-01,failed,google,DE,de,desktop,FAILED,,,", ("failed", None, None)),
    ("2026-02-01,truncated,google,DE,de,desktop,truncated,,,40", ("truncated", None, 40)),
    ('2026-02-01,"two\nlines",google,DE,de,desktop,found,9,,100', ("two\nlines", 9, 100)),
)
REFUSED = (
    ("2026-02-30,k,google,DE,de,desktop,found,3,,100", "day", "no day"),
    ("2026-12-30,k,google,DE,de,desktop,found,3,,100", "day", "2026-12-30"),
    (",k,google,DE,de,desktop,found,3,,100", "day", "empty"),
    ("2026-02-01,,google,DE,de,desktop,found,3,,100", "keyword", "empty"),
    ("2026-02-01,k,google,Atlantis,de,desktop,found,3,,100", "country", "Atlantis"),
    ("2026-02-01,k,google,DE,tlh!,desktop,found,3,,100", "language", "tlh!"),
    ("2026-02-01,k,google,DE,de,fridge,found,3,,100", "device", "fridge"),
    ("2026-02-01,k,google,DE,de,desktop,lost,3,,100", "state", "lost"),
    ("2026-02-01,k,google,DE,de,desktop,found,,,100", "position", "though the state is found"),
    ("2026-02-01,k,google,DE,de,desktop,not_found,3,,100", "position", "though the state is not_found"),
    ("2026-02-01,k,google,DE,de,desktop,failed,>100,,100", "position", "failed"),
    ("2026-02-01,k,google,DE,de,desktop,not_found,,,", "depth", "how many"),
    ("2026-02-01,k,google,DE,de,desktop,,,,100", "position", "no state"),
    ("2026-02-01,k,google,DE,de,desktop,found,0,,100", "position", "count from 1"),
    ("2026-02-01,k,google,DE,de,desktop,found,3.5,,100", "position", "3.5"),
    ("2026-02-01,k,google,DE,de,desktop,found,-3,,100", "position", "-3"),
    ("2026-02-01,k,google,DE,de,desktop,found,7.125,,", "position", "a mean is none"),
    ('2026-02-01,k,google,DE,de,desktop,found,"7,125",,', "position", "a mean is none"),
    ("0001-01-01 00:00+14:00,k,google,DE,de,desktop,found,3,,100", "day", "no day of the calendar"),
    ("9999-12-31T23:00-12:00,k,google,DE,de,desktop,found,3,,100", "day", "no day of the calendar"),
    ("2026-02-01,k,google,DE,de,desktop,found,101,,100", "position", "beyond"),
    ("2026-02-01,k,google,DE,de,desktop,found,12%,,100", "position", "12%"),
    ("2026-02-01,k,google,DE,de,desktop,found,3,shop.example/a,100", "url", "https://"),
    ("2026-02-01,k,google,DE,de,desktop,found,3,/a,100", "url", "https://"),
    ('2026-02-01,"=HYPERLINK(""http://evil.example"")",google,DE,de,desktop,found,3,,100', "keyword", "formula"),
    ("2026-02-01,@SUM(A1:A9),google,DE,de,desktop,found,3,,100", "keyword", "formula"),
    ("2026-02-01,k,google,DE,de,desktop,found,=1+2,,100", "position", "formula"),
    ("2026-02-01,k\0k,google,DE,de,desktop,found,3,,100", "keyword", "NUL"),
    ("2026-02-01,k,google,DE,de,desktop,found,3", None, "cut"),
    ("2026-02-01,boots, leather,google,DE,de,desktop,found,3,,100", None, "quote"),
    ('2026-02-01,"k"k,google,DE,de,desktop,found,3,,100', None, "split into cells"),
    ("03/04/2025,k,google,DE,de,desktop,found,3,,100", "day", "day from month"),
)


def _file(middle: list[str], count: int = 4_000) -> str:
    lines = [GOOD.format(i % 28 + 1, i // 28, i % 100 + 1) for i in range(count)]
    return "\n".join([HEADINGS, *middle, *lines]) + "\n"


def test_each_mistake_that_can_be_repaired_is_and_each_other_is_refused_by_its_line() -> None:
    repaired = [line for line, expected in REPAIRED if expected]
    content = _file([*repaired, *(line for line, _, _ in REFUSED)])
    part = part_of("rankings.csv", content)
    found = {row["keyword"]: row for row in read("rankings.csv", opener(content.encode()), part)}
    for expected in filter(None, (expected for _, expected in REPAIRED)):
        keyword, position, depth = expected
        assert (found[keyword]["position"], found[keyword]["depth"]) == (position, depth)
        assert found[keyword]["day"] == date(2026, 2, 1)
    # One of the repaired lines has a line break in its keyword.
    line = 1 + len(repaired) + 1
    assert part.refused_count == len(part.refused) == len(REFUSED)
    for number, (refusal, (text, column, reason)) in enumerate(zip(part.refused, REFUSED, strict=True), start=line + 1):
        assert refusal.line == number, text
        assert refusal.column == column, text
        assert reason in refusal.reason, text
    assert part.row_count == 4_000 + len(repaired)


def test_repairs_mean_what_they_say() -> None:
    content = _file([line for line, expected in REPAIRED if expected], count=0)
    rows = {row["keyword"]: row for row in rows_of("rankings.csv", content)}
    assert {k: rows["büro"][k] for k in ("engine", "country", "language", "device", "state")} == {
        "engine": "google",
        "country": "DE",
        "language": "de-DE",
        "device": "mobile",
        "state": "found",
    }
    assert rows["sizes"]["state"] == rows["plus"]["state"] == rows["spaced"]["state"] == "not_found"
    assert rows["unknowns"]["engine"] is rows["dashes"]["country"] is None


def test_a_refusal_says_where_and_what_stands_there() -> None:
    part = part_of("rankings.csv", _file([REFUSED[4][0]]))
    assert part.refused == (
        Refusal(
            line=2,
            column="country",
            reason="is 'Atlantis', no country's code or name that is known: write its ISO code, as in DE",
            content="2026-02-01,k,google,Atlantis,de,desktop,found,3,,100",
        ),
    )
    assert str(part.refused[0]).startswith("line 2: country is 'Atlantis'")


@pytest.mark.parametrize(("bad", "is_refused"), [(10, False), (11, True), (30, True)])
def test_more_than_ten_bad_rows_that_are_more_than_one_in_a_hundred_refuse_the_file(bad: int, is_refused: bool) -> None:
    content = _file([REFUSED[0][0]] * bad, count=1_000)
    if is_refused:
        with pytest.raises(ExportError, match=rf"rankings.csv, line 2: day .*; {bad} of {1_000 + bad:,} rows"):
            part_of("rankings.csv", content)
    else:
        assert part_of("rankings.csv", content).row_count == 1_000


def test_ten_bad_rows_alone_refuse_the_file() -> None:
    with pytest.raises(ExportError, match="10 of 10 rows"):
        part_of("rankings.csv", _file([REFUSED[0][0]] * 10, count=0))


@pytest.mark.parametrize(
    ("name", "headings", "message"),
    [
        ("rankings.csv", "checked_on,keyword,positon", "'positon' is not known; did you mean 'position'"),
        ("rankings.csv", "checkd_on,keyword,position", "'checkd_on' is not known; did you mean 'checked_on'"),
        ("rankings.csv", "checked_on,keyword,position,volume", "'volume' is not known in rankings"),
        ("rankings.csv", "checked_on,keyword", "needs a column 'position'"),
        ("rankings.csv", "checked_on,keyword,position,keyword", "'keyword' appears twice"),
        ("export.csv", "checked_on,keyword,positon", "did you mean 'position'"),
        ("backlinks.csv", "source_url,taget_url", "did you mean 'target_url'"),
        ("backlinks.csv", "von,nach", "headings 'von', 'nach' are not known in backlinks"),
        ("pages.csv", "url,thema", "'thema' is not known in pages"),
        (
            "pages.csv",
            "url,thema,autor",
            "'thema', 'autor' are not known in pages.*, which has url, topic, published_on: keep",
        ),
        ("page-changes.csv", "url,changed_on", "needs a column 'kind'"),
        ("keywords.csv", "keyword,brnad", "did you mean 'brand'"),
        ("export.csv", "a,b,c", "of no form that is known"),
        ("export.csv", "just some text", "of no form that is known"),
    ],
)
def test_wrong_headings_are_refused_with_the_one_that_was_meant(name: str, headings: str, message: str) -> None:
    with pytest.raises(ExportError, match=message):
        part_of(name, f"{headings}\n1,2,3,4\n")


@pytest.mark.parametrize(
    "headings",
    [
        "CHECKED_ON,Keyword,POSITION",
        " checked_on , keyword ,  position ",
        "Checked on,keyword,position",
        '"checked_on","keyword","position"',
        "checked__on,keyword,position\u00a0",
    ],
)
def test_case_blanks_and_underscores_of_headings_do_not_matter(headings: str) -> None:
    assert len(rows_of("rankings.csv", f"{headings}\n2026-02-01,boots,1\n")) == 1


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_dialect_and_encoding_gives_the_same_rows(mark: str, encoding: str, end: str) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=mark, lineterminator=end)
    writer.writerow(["source_url", "target_url", "anchor", "authority"])
    anchors = ['Zürich, "Größe"; a|b', "café\tnoir", "plain", "schöne Schuhe für Mädchen"]
    for number, anchor in enumerate(anchors):
        writer.writerow([f"https://a.example/{number}", "https://shop.example/", anchor, 1.5])
    rows = rows_of("backlinks.csv", buffer.getvalue().encode(encoding))
    assert [row["anchor"] for row in rows] == anchors
    assert {row["authority"] for row in rows} == {1.5}


def test_excels_line_about_its_separator_is_obeyed() -> None:
    assert len(rows_of("pages.csv", "sep=;\r\nurl;topic\r\nhttps://s.example/;a,b\r\n")) == 1


def test_blank_lines_are_passed_over_and_lines_counted_with_them() -> None:
    content = "\n\nurl,topic\n\nhttps://s.example/,a\n,,\n\nnowhere,b\n" + "".join(
        f"https://s.example/{i},a\n" for i in range(200)
    )
    part = part_of("pages.csv", content)
    assert (part.row_count, [refusal.line for refusal in part.refused]) == (201, [8])


@pytest.mark.parametrize("bad", [[0], [1_500], [2_999], [7, 8, 9], [10, 2_000], list(range(0, 3_000, 120))])
def test_a_quote_that_is_never_closed_costs_its_own_line(bad: list[int]) -> None:
    rows = [f"https://s.example/{i},{'a' * 100}" for i in range(3_000)]
    for number in bad:
        rows[number] = f'"https://s.example/never-closed-{number},a'
    rows[20] = '"https://s.example/quoted","a, b"'
    content = "url,topic\n" + "\n".join(rows) + "\n"
    part = part_of("pages.csv", content)
    assert [refusal.line for refusal in part.refused] == [number + 2 for number in bad]
    assert all("split into cells" in refusal.reason for refusal in part.refused)
    assert [refusal.content for refusal in part.refused] == [rows[number] for number in bad]
    found = [row["url"].rpartition("/")[2] for row in read("pages.csv", opener(content.encode(), 999), part)]
    assert found == ["quoted" if number == 20 else str(number) for number in range(3_000) if number not in bad]


def test_quotes_that_are_never_closed_everywhere_refuse_the_file_soon() -> None:
    with pytest.raises(ExportError, match="quotes are not closed"):
        part_of("pages.csv", "url,topic\n" + '"https://s.example/,a\n' * 20_000)


def test_equal_rows_are_one_and_of_contradicting_ones_the_later_stands() -> None:
    content = (
        "url,topic\nhttps://s.example/a,boots\nhttps://s.example/b,hats\nhttps://s.example/a,boots\n"
        "https://s.example/b,caps\nhttps://s.example/c,\nhttps://s.example/b,hats\n"
    )
    part = part_of("pages.csv", content)
    assert (part.row_count, part.equal_count, part.contradicted_count) == (3, 2 - 1, 2)
    assert [(row["url"][-1], row["topic"]) for row in rows_of("pages.csv", content)] == [
        ("a", "boots"),
        ("c", None),
        ("b", "hats"),
    ]


def test_rows_of_a_stated_day_and_of_the_exports_day_are_the_same_link_on_the_same_day() -> None:
    content = "observed_on,source_url,target_url\n2026-03-02,https://a.example/,https://s.example/\n,https://a.example/,https://s.example/\n"
    assert len(rows_of("backlinks.csv", content)) == 1


def test_a_link_is_observed_no_earlier_than_it_was_lost() -> None:
    content = "observed_on,source_url,target_url,lost_on\n2026-01-02,https://a.example/,https://s.example/,2026-02-03\n"
    (row,) = rows_of("backlinks.csv", content)
    assert (row["day"], row["is_lost"]) == (date(2026, 2, 3), True)


def test_days_and_decimals_are_read_by_the_habit_of_the_whole_file() -> None:
    content = (
        "observed_on;source_url;target_url;authority\n"
        "03/02/2026;https://a.example/1;https://s.example/;1.234\n"
        "25/02/2026;https://a.example/2;https://s.example/;8,5\n"
    )
    rows = rows_of("backlinks.csv", content)
    assert [(row["day"], row["authority"]) for row in rows] == [(date(2026, 2, 3), 1234.0), (date(2026, 2, 25), 8.5)]


def test_a_file_whose_days_can_all_be_read_in_two_ways_is_refused() -> None:
    with pytest.raises(ExportError, match=r"line 2: day is '03/02/2026'.*day from month"):
        part_of("rankings.csv", "checked_on,keyword,position\n03/02/2026,boots,1\n04/02/2026,boots,1\n")


@pytest.mark.parametrize("content", ["", "\n\n\n", " \r\n", "\ufeff"])
def test_an_empty_file_is_refused(content: str) -> None:
    with pytest.raises(ExportError, match=r"empty|no line of headings"):
        part_of("rankings.csv", content)


def test_headings_without_rows_are_refused() -> None:
    with pytest.raises(ExportError, match="no rows"):
        part_of("rankings.csv", HEADINGS + "\n")


def test_recognising_depends_on_bytes_name_and_time_alone() -> None:
    content = _file([REFUSED[0][0]]).encode()
    first = recognise("rankings-2026-03-01.csv", opener(content), WRITTEN)
    again = recognise("rankings-2026-03-01.csv", opener(content, 11), WRITTEN)
    assert first == again
    assert first[0].exported_at == datetime(2026, 3, 1, tzinfo=UTC)
