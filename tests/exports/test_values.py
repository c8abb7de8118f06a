from __future__ import annotations

from collections import defaultdict
from datetime import date
from itertools import product

import pytest
from babel.dates import get_month_names
from hypothesis import given, settings
from hypothesis import strategies as st

from seo_warehouse.exports import dates, generic, places, values
from seo_warehouse.exports.habits import HabitSeeker
from seo_warehouse.exports.languages import LANGUAGES
from seo_warehouse.exports.values import CellError, Habits, HabitUnknownError
from seo_warehouse.urls import normalise

LATEST = date(2026, 3, 3)
COMMA, POINT, NEITHER = Habits(True, None, ","), Habits(True, None, "."), Habits(True)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("12", 12),
        (" 12 ", 12),
        ("\u00a012\u00a0", 12),
        ("1,234", 1234),
        ("1.234", 1234),
        ("1 234", 1234),
        ("1\u00a0234", 1234),
        ("1\u202f234\u202f567", 1234567),
        ("1'234", 1234),
        ("1\u2019234", 1234),
        ("1,234,567", 1234567),
        ("3.0", 3),
        ("3,00", 3),
        ("0", 0),
        ("007", 7),
        ('="12"', 12),
        ("", None),
        ("-", None),
        ("n/a", None),
        ("N/A", None),
        ("null", None),
        ("\u2014", None),
    ],
)
def test_whole_numbers_are_read_as_they_are_written(cell: str, expected: int | None) -> None:
    assert values.integer(cell) == expected


@pytest.mark.parametrize(
    "cell",
    ["3.5", "1,23", "12,34", "1.234,567", "1,2345", "12a", "-3", "1e3", "²", "٣", "1" * 16, "=1+1", "> 5", "1 23"],
)
def test_what_is_no_whole_number_is_refused(cell: str) -> None:
    with pytest.raises(CellError):
        values.integer(cell)


@pytest.mark.parametrize(
    ("cell", "habits", "expected"),
    [
        ("8.4", NEITHER, 8.4),
        ("8,4", NEITHER, 8.4),
        ("0.123", NEITHER, 0.123),
        ("0,123", NEITHER, 0.123),
        ("1234.567", NEITHER, 1234.567),
        ("1,234.5", NEITHER, 1234.5),
        ("1.234,5", NEITHER, 1234.5),
        ("1\u00a0234,5", NEITHER, 1234.5),
        ("1.234.567", NEITHER, 1234567.0),
        ("1,234,567", NEITHER, 1234567.0),
        ("1.127", NEITHER, 1.127),
        ("1.234", POINT, 1.234),
        ("1,234", POINT, 1234.0),
        ("1.234", COMMA, 1234.0),
        ("1,234", COMMA, 1.234),
        ("1e-3", NEITHER, 0.001),
        (".5", NEITHER, 0.5),
        ("<0.01", NEITHER, None),
        ("< 5", NEITHER, None),
        ("", NEITHER, None),
        ("NaN", NEITHER, None),
    ],
)
def test_numbers_are_read_by_the_habits_of_their_file(cell: str, habits: Habits, expected: float | None) -> None:
    assert values.number(habits)(cell) == expected


@pytest.mark.parametrize("cell", ["1,234", "1.234"])
def test_a_number_that_can_be_two_waits_for_the_habits(cell: str) -> None:
    with pytest.raises(HabitUnknownError):
        values.number(Habits())(cell)


def test_a_lone_comma_before_three_digits_is_refused_where_nothing_tells_what_it_means() -> None:
    with pytest.raises(CellError, match="comma"):
        values.number(NEITHER)("1,234")


@pytest.mark.parametrize(
    "cell", ["abc", "inf", "1.2.3", "1,23,4", "--5", "-1", "1e999", "=A1", "5%", ".", "e5", "1,234.5.6"]
)
def test_what_is_no_number_is_refused(cell: str) -> None:
    with pytest.raises(CellError):
        values.number(NEITHER)(cell)


@pytest.mark.parametrize(
    ("cell", "expected"), [("45%", 45.0), ("45 %", 45.0), ("4,5\u00a0%", 4.5), ("45", 45.0), ("%", None)]
)
def test_percent_signs_are_dropped_from_scales_of_a_hundred(cell: str, expected: float | None) -> None:
    assert values.percent(NEITHER)(cell) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2026-01-02", date(2026, 1, 2)),
        ("2026-01-02T23:30:00", date(2026, 1, 2)),
        ("2026-01-02 23:30:00", date(2026, 1, 2)),
        ("2026-01-02T23:30:00Z", date(2026, 1, 2)),
        ("2026-01-02T23:30:00-08:00", date(2026, 1, 3)),
        ("2026-01-02 00:30:00 +01:00", date(2026, 1, 1)),
        ("2026-01-02 23:30:00.123 UTC", date(2026, 1, 2)),
        ("2026/1/2", date(2026, 1, 2)),
        ("20260102", date(2026, 1, 2)),
        ("02.01.2026", date(2026, 1, 2)),
        ("2.1.2026 10:22", date(2026, 1, 2)),
        ("25/07/2025", date(2025, 7, 25)),
        ("07/25/2025", date(2025, 7, 25)),
        ("05/05/2025", date(2025, 5, 5)),
        ("7-25-2025", date(2025, 7, 25)),
        ("2 Jan 2026", date(2026, 1, 2)),
        ("2-Jan-2026", date(2026, 1, 2)),
        ("2nd January, 2026", date(2026, 1, 2)),
        ("Jan 2, 2026", date(2026, 1, 2)),
        ("January 2 2026", date(2026, 1, 2)),
        ("Sept 2, 2025", date(2025, 9, 2)),
        ("Jan 2, 2026 10:22 AM", date(2026, 1, 2)),
        ("2. Mai 2025", date(2025, 5, 2)),
        ("2 Mär 2025", date(2025, 3, 2)),
        ("1 août 2025", date(2025, 8, 1)),
        ("1 juil. 2025", date(2025, 7, 1)),
        ("2 de septiembre de 2025", date(2025, 9, 2)),
        ("2 października 2025", date(2025, 10, 2)),
        ("2 marraskuuta 2025", date(2025, 11, 2)),
        ("2 mars 2025", date(2025, 3, 2)),
        ("2 января 2026", date(2026, 1, 2)),
        ("2 Ιανουαρίου 2026", date(2026, 1, 2)),
        ("2026年1月2日", date(2026, 1, 2)),
        ("2026년 1월 2일 9:05", date(2026, 1, 2)),
        ("2025-06-11 6:20", date(2025, 6, 11)),
        ("2025-06-11 6:20 PM", date(2025, 6, 11)),
        ("2025-06-11 11:20 PM -0200", date(2025, 6, 12)),
        ("11.06.2025, 6:20", date(2025, 6, 11)),
        ("2025-6-1", date(2025, 6, 1)),
        ("", None),
        ("-", None),
    ],
)
def test_days_are_read_as_vendors_and_spreadsheets_write_them(cell: str, expected: date | None) -> None:
    assert dates.day(NEITHER, LATEST)(cell) == expected


@pytest.mark.parametrize(
    "cell",
    [
        "2026-02-30",
        "2026-13-01",
        "31.02.2026",
        "13/13/2025",
        "2026-03-04",
        "1989-12-31",
        "01/02/26",
        "Ju 2, 2025",
        "2 jui 2025",
        "2 Foo 2025",
        "\u0662 Jan 2025",
        "yesterday",
        "45999",
        "=TODAY()",
        "2026-01-02T25:00:00+00:00",
        "0000-00-00",
        "2026-01-02x",
        "2026/01/02 Change",
        "02.01.2026 URL",
        "2 Jan 2026 Dynamics",
        "Jan 2, 2026 (diff)",
        "20260102_landing",
        "202611",
        "2026-01-02 6",
    ],
)
def test_what_is_no_day_before_the_file_was_written_is_refused(cell: str) -> None:
    with pytest.raises(CellError):
        dates.day(NEITHER, LATEST)(cell)


def test_few_names_of_months_mean_two_of_them() -> None:
    meant: dict[str, set[int]] = defaultdict(set)
    for language, width, context in product(LANGUAGES, ("wide", "abbreviated"), ("format", "stand-alone")):
        for number, name in get_month_names(width, context, language).items():
            meant[name.lower().rstrip(".")].add(number)
    two = {name: numbers for name, numbers in meant.items() if len(numbers) > 1}
    assert two == {"listopad": {10, 11}, "listopada": {10, 11}, "lis": {10, 11}, "srp": {7, 8}, "lip": {6, 7}}


@pytest.mark.parametrize(
    ("cell", "others", "expected"),
    [
        ("5. listopada 2025", ["17. lipnja 2025"], date(2025, 10, 5)),
        ("5 listopada 2025", ["17 stycznia 2025", "1 listopada 2025"], date(2025, 11, 5)),
        ("2 lip 2025", ["3 sty 2025"], date(2025, 7, 2)),
        ("2 lip 2025", ["3 sij 2025"], date(2025, 6, 2)),
        ("2 lip 2025", [], None),
        ("1 jui 2025", ["1 août 2025"], None),
    ],
)
def test_a_month_whose_name_means_two_is_told_by_the_other_months_of_its_file(
    cell: str, others: list[str], expected: date | None
) -> None:
    seeker = HabitSeeker()
    for other in (cell, *others):
        seeker.see_day(other)
    with pytest.raises(HabitUnknownError):
        dates.day(Habits(), LATEST)(cell)
    if expected is None:
        with pytest.raises(CellError, match="write the day as"):
            dates.day(seeker.habits(","), LATEST)(cell)
    else:
        assert dates.day(seeker.habits(","), LATEST)(cell) == expected


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(LANGUAGES),
    st.dates(date(1990, 1, 1), date(2026, 3, 3)),
    st.sampled_from(
        ["{day} {month} {year}", "{day}. {month} {year}", "{month} {day}, {year}", "{day} de {month} de {year}"]
    ),
    st.sampled_from(["wide", "abbreviated"]),
    st.sampled_from(["", " 9:05", ", 09:05:12", " 9:05 PM", " 10:22 CET"]),
)
def test_a_day_with_the_name_of_its_month_is_read_in_every_language_or_refused(
    language: str, written: date, form: str, width: str, clock: str
) -> None:
    name = get_month_names(width, "format", language)[written.month]  # type: ignore[arg-type]
    cell = form.format(day=written.day, month=name, year=written.year) + clock
    try:
        found = dates.day(NEITHER, LATEST)(cell)
    except CellError:
        assert name[0].isdigit() or " " in name or len(name) < 3 or len(dates._meanings(name)) != 1
    else:
        assert found == written


def test_day_and_month_are_told_apart_by_the_habit_of_the_file() -> None:
    assert dates.day(Habits(True, day_first=True), LATEST)("03/04/2025") == date(2025, 4, 3)
    assert dates.day(Habits(True, day_first=False), LATEST)("03/04/2025") == date(2025, 3, 4)
    with pytest.raises(HabitUnknownError):
        dates.day(Habits(), LATEST)("03/04/2025")
    with pytest.raises(CellError, match="2026-11-22"):
        dates.day(NEITHER, LATEST)("03/04/2025")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["03/04/2025", "25/04/2025"], True),
        (["03/04/2025", "04/25/2025"], False),
        (["25/04/2025", "04/25/2025"], None),
        (["03/04/2025"], None),
        (["25.04.2025"], None),
    ],
)
def test_the_order_of_day_and_month_is_that_of_days_beyond_the_twelfth(cells: list[str], expected: bool | None) -> None:
    seeker = HabitSeeker()
    for cell in cells:
        seeker.see_day(cell)
    assert seeker.habits(",").day_first is expected


@pytest.mark.parametrize(
    ("cells", "delimiter", "expected"),
    [
        (["8,4"], ",", ","),
        (["8.4"], ",", "."),
        (["1.234,5"], ",", ","),
        (["1,234,567"], ",", "."),
        (["8.4", "8,4"], ";", None),
        (["1,234"], ",", None),
        (["1,234"], ";", ","),
        (["12 %", "8,4 %"], ",", ","),
    ],
)
def test_the_decimal_mark_is_that_of_numbers_that_can_be_read_in_one_way(
    cells: list[str], delimiter: str, expected: str | None
) -> None:
    seeker = HabitSeeker()
    for cell in cells:
        seeker.see_number(cell)
    assert seeker.habits(delimiter).decimal == expected


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        '=HYPERLINK("http://evil.example")',
        "=cmd|' /C calc'!A0",
        "@SUM(A1:A9)",
        "+SUM(A1)",
        "-2+3+cmd|' /C calc'!A0",
        "= A1",
        "=-1",
        '="a"&B1',
    ],
)
def test_formulas_are_refused(cell: str) -> None:
    with pytest.raises(CellError, match="formula"):
        values.text(cell)


@pytest.mark.parametrize(
    "cell", ["-50% off", "@handle", "+1", "=> next", "- a list", "+49 30 1234", "==", "a=b", "-Foo|Bar"]
)
def test_texts_that_begin_like_formulas_are_texts(cell: str) -> None:
    assert values.text(cell) == cell


def test_a_text_wrapped_as_a_formula_is_unwrapped() -> None:
    assert values.text('="00123"') == "00123"
    assert values.text('=""') is None


def test_nul_bytes_are_refused_in_every_kind_of_cell() -> None:
    for convert in (values.text, values.word, values.url, values.integer, values.boolean, values.rel, places.device):
        with pytest.raises(CellError):
            convert("a\0b")


@pytest.mark.parametrize(
    "cell", ["example.com/page", "/boots/", "ftp://example.com/", "https://", "https:///x", "//example.com"]
)
def test_what_is_no_absolute_url_is_refused(cell: str) -> None:
    with pytest.raises(CellError, match="https://"):
        values.url(cell)


def test_urls_are_kept_as_written() -> None:
    for cell in ("https://Example.com", "http://bücher.example/ü?q=a b#x".replace(" ", "+"), "HTTPS://example.com/"):
        assert values.url(f" {cell} ") == cell


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("https://a.example/oak bench", "https://a.example/oak%20bench"),
        ("https://a.example/bench?cid=cross \nclimate_%7Ce", "https://a.example/bench?cid=cross%20climate_%7Ce"),
        ("https://a.exa\r\nmple/x\ty", "https://a.example/xy"),
    ],
)
def test_urls_with_blanks_and_line_ends_are_those_that_a_browser_makes_of_them(cell: str, expected: str) -> None:
    assert normalise(values.url(cell) or "") == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("followed", ()),
        ("dofollow", ()),
        ("nofollow", ("nofollow",)),
        ("ugc nofollow", ("nofollow", "ugc")),
        ("sponsored, UGC", ("sponsored", "ugc")),
        ("nofollow;noopener", ("nofollow",)),
        ("noopener noreferrer", ()),
        ("", None),
    ],
)
def test_rel_is_a_set_and_an_empty_cell_is_unknown(cell: str, expected: tuple[str, ...] | None) -> None:
    assert values.rel(cell) == expected


@pytest.mark.parametrize("cell", ["follow nofollow", "maybe", "nofolow"])
def test_a_rel_that_means_nothing_is_refused(cell: str) -> None:
    with pytest.raises(CellError):
        values.rel(cell)


@pytest.mark.parametrize(("cell", "expected"), [("TRUE", True), ("no", False), ("1", True), ("0", False), ("", None)])
def test_booleans_are_read(cell: str, expected: bool | None) -> None:
    assert values.boolean(cell) is expected


@pytest.mark.parametrize(("cell", "expected"), [("", False), ("-", False), ("+", True), ("1", True), ("0", False)])
def test_an_empty_flag_says_no(cell: str, expected: bool) -> None:
    assert values.flag(cell) is expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("de", "DE"),
        ("DEU", "DE"),
        ("Germany", "DE"),
        ("Deutschland", "DE"),
        ("États-Unis", "US"),
        ("Estados Unidos", "US"),
        ("USA", "US"),
        ("UK", "GB"),
        ("Türkiye", "TR"),
        ("Turkey", "TR"),
        ("Congo - Kinshasa", "CD"),
        ("Kosovo", "XK"),
        ("na", "NA"),
        ("", None),
        ("zzz", None),
    ],
)
def test_countries_are_known_by_code_and_name(cell: str, expected: str | None) -> None:
    assert places.country(cell) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("usa", "usa"),
        ("United States", "usa"),
        ("Unknown Region", "zzz"),
        ("zzz", "zzz"),
        ("Royaume-Uni", "gbr"),
        ("", None),
    ],
)
def test_search_consoles_countries_get_the_codes_of_its_api(cell: str, expected: str | None) -> None:
    assert places.search_console_country(cell) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("EN", "en"), ("en_US", "en-US"), ("pt-br", "pt-BR"), ("German", "de"), ("zh-hant-tw", "zh-Hant-TW"), ("", None)],
)
def test_languages_are_known_by_code_and_name(cell: str, expected: str | None) -> None:
    assert places.language(cell) == expected


@pytest.mark.parametrize(
    ("convert", "cell"),
    [
        (places.country, "Atlantis"),
        (places.country, "XX"),
        (places.search_console_country, "Atlantis"),
        (places.language, "klingon language"),
        (places.language, "qq"),
        (places.device, "fridge"),
        (generic.rank, "0"),
        (generic.rank, "3.5"),
        (generic.rank, "1st"),
        (generic.state, "lost"),
    ],
)
def test_what_is_not_known_is_refused_by_what_it_says(convert: values.Convert, cell: str) -> None:
    with pytest.raises(CellError, match=cell.split(maxsplit=1)[0]):
        convert(cell)


def test_engines_are_known_by_name_and_host() -> None:
    assert [places.engine(cell) for cell in ("Google", "google.co.uk", "https://www.bing.com/", "")] == [
        "google",
        "google",
        "bing",
        None,
    ]


def test_a_country_is_known_by_its_number() -> None:
    assert [places.country_of_number(code) for code in (840, 276, 8, -1160, 1_021_191)] == [
        "US",
        "DE",
        "AL",
        None,
        None,
    ]


def test_a_position_beyond_is_not_found_to_a_depth() -> None:
    assert generic.rank(">100") == generic.rank("100+") == generic.Beyond(100)
    assert generic.rank("-") == generic.Beyond(None)
    assert generic.rank("7") == 7
    assert generic.rank("") is None
