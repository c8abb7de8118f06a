"""Further files of the kinds that vendors write: whatever is drawn, it is read or refused, and never changed."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from babel import Locale
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from seo_warehouse.errors import ExportError
from seo_warehouse.exports import places
from seo_warehouse.exports.forms import read
from seo_warehouse.exports.languages import LANGUAGES
from seo_warehouse.exports.refusals import is_too_much
from seo_warehouse.urls import normalise
from tests.exports.files import opener, part_of, parts_of, rows_of, zipped

FEW = settings(max_examples=30, deadline=None)
FIRST = date(2026, 1, 1)
DAYS = st.lists(st.dates(FIRST, date(2026, 2, 28)), min_size=1, max_size=4, unique=True)
WAYS = st.sampled_from(["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%Y%m%d", "%d %b %Y", "%b %d, %Y"])
BESIDE = st.sampled_from(
    ["{} Change", "{} URL", "{} (diff)", "{}_landing", "{} +/-", "Change {}", "{} vs 7 days", "Δ {}"]
)
POSITIONS = st.integers(1, 100)
METRICS = "Clicks,Impressions,CTR,Position"


@FEW
@given(DAYS, WAYS, BESIDE, st.data())
def test_columns_beside_a_day_are_never_positions(days: list[date], way: str, beside: str, data: st.DataObject) -> None:
    positions = [data.draw(POSITIONS) for _ in days]
    headings, cells = ["Keyword"], ["bench"]
    for day, position in zip(days, positions, strict=True):
        headings += [f"{day:{way}}", beside.format(f"{day:{way}}")]
        cells += [str(position), str(data.draw(POSITIONS))]
    content = "\n".join(";".join(row) for row in (headings, cells))
    assert [(row["day"], row["position"]) for row in rows_of("t.csv", content)] == list(
        zip(days, positions, strict=True)
    )


CITIES = st.sampled_from(["Berlin,Germany", "Munich,Bavaria,Germany", "Vienna,Austria", "Germany", "Atlanta, Georgia"])


@FEW
@given(st.lists(st.tuples(st.sampled_from("ab"), CITIES, st.integers(1, 3)), min_size=1, max_size=6))
def test_a_tracked_place_is_its_countrys_or_refuses_the_file(lines: list[tuple[str, str, int]]) -> None:
    content = "Keyword;Location;2026-02-01\n" + "\n".join(f"{k};{city};{rank}" for k, city, rank in lines)
    meant: dict[tuple[str, str | None], set[int]] = {}
    for keyword, city, rank in lines:
        meant.setdefault((keyword, places.country_of_location(city)), set()).add(rank)
    try:
        found = rows_of("t.csv", content)
    except ExportError:
        assert any(len(ranks) > 1 for ranks in meant.values())
    else:
        assert {(row["keyword"], row["country"]): {row["position"]} for row in found}.keys() == meant.keys()
        for row in found:
            assert row["position"] in meant[row["keyword"], row["country"]]


@FEW
@given(st.integers(1, 400), st.integers(0, 400), st.integers(0, 30))
def test_rows_that_contradict_each_other_are_counted_and_many_refuse_the_file(
    count: int, doubled: int, repeated: int
) -> None:
    doubled, repeated = min(doubled, count), min(repeated, count)
    lines = [f"https://s.example/{n},topic" for n in range(count)]
    content = ["url,topic", *lines, *lines[:repeated], *(f"{line} other" for line in lines[:doubled])]
    total = count + repeated + doubled
    if is_too_much(doubled, total):
        with pytest.raises(ExportError, match=rf"{doubled:,} of {total:,} rows say otherwise"):
            part_of("pages.csv", "\n".join(content))
    else:
        part = part_of("pages.csv", "\n".join(content))
        assert (part.row_count, part.equal_count, part.contradicted_count) == (count, repeated, doubled)
        assert [note for note in part.notes if "say otherwise" in note] == list(part.notes)
        assert len(part.notes) == min(1, doubled)


NAMES = st.text(st.characters(categories=("L", "Zs"), exclude_characters="\u3000"), min_size=4, max_size=20).map(
    str.strip
)


@FEW
@given(
    st.sampled_from(LANGUAGES),
    st.lists(st.sampled_from(["DE", "FR", "HK", "MK", "CI", "US"]), unique=True),
    st.sets(NAMES),
)
def test_a_country_is_known_in_every_language_and_no_unknown_name_costs_more_than_its_row(
    language: str, codes: list[str], unknown: set[str]
) -> None:
    assume(all(name and places._found_country(name) is None for name in unknown))
    assume(
        not any(name.casefold() in places._unknown_regions() or name.lower() in ("none", "null") for name in unknown)
    )
    names = [str(Locale.parse(language).territories[code]) for code in codes]
    sheet = "\n".join([f"Country,{METRICS}", *(f'"{name}",1,2,50%,3' for name in (*names, *sorted(unknown)))])
    chart = "\n".join([f"Date,{METRICS}", *(f"{FIRST + timedelta(days=n)},1,2,50%,3" for n in range(14))])
    content = zipped({"Chart.csv": chart, "Countries.csv": sheet})
    totals, *lists = parts_of("x.zip", content)
    assert totals.row_count == 14
    found = {row["value"] for part in lists for row in read("x.zip", opener(content), part)}
    assert found == {places._three_letters()[code] for code in codes}
    assert sum(part.refused_count for part in lists) == (len(unknown) if codes else 0)


@FEW
@given(
    st.text(st.characters(codec="ascii", categories=("L", "N", "Zs")), max_size=20),
    st.sampled_from([" ", "\n", "\r\n", " \n", "\t"]),
    st.text(st.characters(codec="ascii", categories=("L", "N", "Zs")), max_size=20),
)
def test_a_url_has_the_identity_that_a_browser_gives_to_it(before: str, between: str, after: str) -> None:
    url = f"https://shop.example/{before}{between}{after}"
    (row,) = rows_of("latest.csv", f'Linking page,Last crawled\n"{url}",2026-02-01\n')
    assert normalise(row["source_url"]) == normalise(url) is not None


@FEW
@given(
    st.lists(st.lists(st.sampled_from(["-----", "ID: 1", "Period: x", "a, b"]), max_size=6), min_size=1, max_size=1),
    DAYS,
    st.sampled_from([",", ";", "\t"]),
    st.booleans(),
)
def test_lines_above_the_headings_change_nothing(
    before: list[list[str]], days: list[date], mark: str, is_spaced: bool
) -> None:
    headings = mark.join(["Keyword", *map(str, days)])
    table = f"{headings}\n{mark.join(['bench', *('7' for _ in days)])}\n"
    quoted = [f'"{line}"' for line in before[0]]
    above = "\n".join([*quoted, *([""] if is_spaced else [])])
    assert rows_of("t.csv", f"{above}\n{table}") == rows_of("t.csv", table)


VOLUMES = st.lists(st.tuples(st.sampled_from(["--", "", "https://s.example/"]), st.integers(0, 3)), max_size=9)


@FEW
@given(VOLUMES)
def test_names_of_groups_have_the_volume_of_what_is_below_them(lines: list[tuple[str, int]]) -> None:
    """Whatever the lines are, put below a name with their volume they are read as without it."""
    title = '"Google Germany, interface language: German"\nKeyword,URL,Search vol.,2026-02-01,Dynamics\n'
    own = [f"keyword {n},{'' if url == '--' else url},{volume},5,0" for n, (url, volume) in enumerate(lines)]
    total = sum(volume for _, volume in lines)
    assume(total)
    plainly = title + "\n".join([*own, "alone,--,7,8,0"])
    grouped = title + "\n".join([f"keyword 0,--,{total},99,0", *own, "alone,--,7,8,0"])
    assert rows_of("t.csv", grouped) == rows_of("t.csv", plainly)
    assert part_of("t.csv", grouped).notes == ("1 lines with the names of groups of keywords are left aside",)


def test_no_two_languages_call_two_countries_by_one_name() -> None:
    """Of the names that do, none is known: each would be a guess."""
    meant: dict[str, set[str]] = {}
    for language in LANGUAGES:
        for code, name in Locale.parse(language).territories.items():
            if code in places._three_letters():
                meant.setdefault(name.casefold(), set()).add(code)
    assert {name for name, codes in meant.items() if len(codes) > 1} == {"kongo"}
    assert places._found_country("Kongo") is None
    assert all(before < after for before, after in pairwise(sorted(places._OTHER_NAMES)))
