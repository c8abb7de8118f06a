"""Pictures: what they show, that they come out the same again, and that nothing foreign gets in."""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from datetime import date, timedelta
from xml.etree import ElementTree

import pytest

from seo_warehouse.report.drawing import DARK, LIGHT, NARROW, SENTINELS, WIDE, Picture, to_png, to_svg, to_svg_file
from seo_warehouse.report.facts import Effect, Facts
from seo_warehouse.report.pictures import arm_lines, comparison, cut_lines, event_study
from seo_warehouse.report.sections import say_weeks
from seo_warehouse.report.timeline_picture import say_timeline, timeline_picture
from seo_warehouse.report.timelines import Change, LinkMark, Point, Series, Timeline, Update, usual_gap
from tests.report.world import effect, rich_effects

SVG = "{http://www.w3.org/2000/svg}"
DAY = date(2026, 6, 1)
HOSTILE = "<script>alert(1)</script> $\\frac{1}{2}$ \"'&\u202e\u0000 中文 https://x.example"


def facts_of(rows: list[Effect]) -> Facts:
    return Facts("alderwood", 1, "google", "log_position", True, tuple(r for r in rows if r.outcome == "log_position"))


def timeline_of(*positions: int | None, keyword: str = "oak table", url: str = "https://a.example/oak") -> Timeline:
    points = tuple(Point(DAY + timedelta(days=day), position) for day, position in enumerate(positions))
    links = (LinkMark(DAY, "acquired", True, "b.example", "https://b.example/", HOSTILE),)
    last = DAY + timedelta(days=max(1, len(positions)))
    return Timeline(
        5, url, None, DAY, last, 100, 1, (Series(keyword, "desktop", "2840-en", points),), links,
        (Change(DAY, "title"),), (Update("June 2026 core update", DAY, last),),
    )  # fmt: skip


def pictures() -> list[Picture]:
    facts = facts_of(rich_effects())
    found = [
        event_study(facts),
        comparison("kinds", "Kinds", cut_lines(facts), facts.outcome),
        comparison("arms", "Arms", arm_lines(facts), facts.outcome),
        timeline_picture(timeline_of(4, 5, None, 7), 1),
    ]
    return [picture for picture in found if picture]


ALL = pytest.mark.parametrize("picture", pictures(), ids=lambda picture: picture.name)


def test_a_timeline_says_where_its_lines_end() -> None:
    assert say_timeline(timeline_of(4, 5, 7)).endswith(" Last positions: oak table, desktop 7 on 2026-06-03.")
    absent = replace(timeline_of(4, None), last_day=DAY + timedelta(days=1))
    assert say_timeline(absent).endswith(" Last positions: oak table, desktop not in 100.")
    assert "Last" not in say_timeline(replace(absent, series=()))


@ALL
def test_the_same_data_give_the_same_bytes(picture: Picture) -> None:
    assert to_svg_file(picture) == to_svg_file(picture)
    assert to_png(picture) == to_png(picture)
    assert not re.search(r"\b20\d\d-\d\d-\d\dT|matplotlib", to_svg_file(picture))


@ALL
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_picture_is_drawn_for_its_width_with_readable_text(picture: Picture, width: int) -> None:
    root = ElementTree.fromstring(to_svg(picture, width))  # noqa: S314
    left, top, right, bottom = map(float, root.attrib["viewBox"].split())
    assert (left, top, right) == (0, 0, width)
    sizes = [
        float(size)
        for size in re.findall(r"font-size: ([\d.]+)px|font: [\w ]*?([\d.]+)px", ElementTree.tostring(root, "unicode"))
        for size in size
        if size
    ]
    assert sizes
    assert min(sizes) >= 11
    for text in root.iter(f"{SVG}text"):
        assert 0 <= float(text.attrib["x"]) <= right
        assert 0 <= float(text.attrib["y"]) <= bottom


@ALL
def test_colours_are_roles_that_follow_light_and_dark(picture: Picture) -> None:
    drawn = to_svg(picture, WIDE)
    assert not re.findall(r"#[0-9a-f]{6}", drawn)
    assert set(re.findall(r"var\(--(\w+)\)", drawn)) <= LIGHT.keys()
    assert "prefers-color-scheme:dark" in to_svg_file(picture)
    assert LIGHT.keys() == DARK.keys() == SENTINELS.keys()


@ALL
def test_a_picture_says_what_it_shows_to_who_cannot_see_it(picture: Picture) -> None:
    root = ElementTree.fromstring(to_svg(picture, WIDE))  # noqa: S314
    assert root.attrib["role"] == "img"
    named = {element.attrib["id"]: element.text for element in root if element.tag in (f"{SVG}title", f"{SVG}desc")}
    assert list(named) == root.attrib["aria-labelledby"].split()
    assert all(named.values())


def test_pictures_of_one_page_share_no_identifier() -> None:
    ids = [
        name
        for picture in pictures()
        for width in (WIDE, NARROW)
        for name in re.findall(r' id="([^"]*)"', to_svg(picture, width))
    ]
    assert len(ids) == len(set(ids))


@ALL
def test_a_png_is_twice_as_wide_and_holds_no_date(picture: Picture) -> None:
    content = to_png(picture)
    assert struct.unpack(">I", content[16:20])[0] == 2 * WIDE
    assert b"tEXt" not in content
    assert b"tIME" not in content


def test_without_enough_data_there_is_no_picture() -> None:
    rows = [replace(row, status="not_enough_data") for row in rich_effects()]
    assert event_study(facts_of(rows)) is None
    assert comparison("kinds", "Kinds", cut_lines(facts_of(rows)), "log_position") is None
    assert event_study(facts_of([])) is None


def test_a_week_without_enough_data_is_left_empty() -> None:
    rows = rich_effects()
    study, sparse = (event_study(facts_of(r)) for r in (rows, [_refuse(row, "week_9") for row in rows]))
    assert study is not None
    assert sparse is not None
    assert to_svg(study, WIDE).count("var(--plain)") == to_svg(sparse, WIDE).count("var(--plain)") + 1
    assert "days 56 to 62: not enough data" in sparse.description


def test_the_weeks_are_drawn_from_the_first_to_the_last_of_which_something_is_known() -> None:
    rows = [_refuse(row, "week_before_6", "week_12", "week_13") for row in rich_effects()]
    study, whole = event_study(facts_of(rows)), event_study(facts_of(rich_effects()))
    assert study is not None
    assert whole is not None
    assert [day in to_svg(whole, WIDE) for day in (">−42<", ">+70<", ">+84<")] == [True, True, True]
    assert [day in to_svg(study, WIDE) for day in (">−42<", ">+70<", ">+84<")] == [False, True, False]
    assert str(say_weeks(facts_of(rows).weeks())).endswith(
        " Not drawn: days −42 to −36 (too few pages to compare with) and +77 to +90 (too few pages to compare with)."
    )


def test_the_picture_of_weeks_has_its_last_value_in_words() -> None:
    whole = say_weeks(facts_of(rich_effects()).weeks())
    assert whole == "The last block, days +84 to +90: between 1.1 and 25 % nearer to the top."
    assert say_weeks(facts_of([_refuse(row, row.window_name) for row in rich_effects()]).weeks()) is None


def _refuse(row: Effect, *windows: str) -> Effect:
    refused = replace(row, status="not_enough_data", reason="too_few_controls")
    return refused if row.window_name in windows else row


def test_an_exploratory_row_is_drawn_without_a_point() -> None:
    facts = facts_of([effect(-0.1, cut="device", level="mobile", status="exploratory")])
    point = replace(facts.effects[0], status="estimate", estimate=-0.1)
    one, two = (
        comparison("c", "C", cut_lines(replace(facts, effects=(row,))), "log_position")
        for row in (facts.effects[0], point)
    )
    assert one is not None
    assert two is not None
    assert to_svg(two, WIDE).count("var(--mark)") > to_svg(one, WIDE).count("var(--mark)")


def test_an_extreme_interval_does_not_hide_the_others() -> None:
    facts = facts_of([effect(-0.1, spread, cut="device", level=str(spread)) for spread in (0.05, 9.0, 400.0)])
    picture = comparison("c", "C", cut_lines(facts), "log_position")
    assert picture is not None
    assert to_svg(picture, NARROW)


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_hostile_texts_stay_texts(width: int) -> None:
    timeline = replace(
        timeline_of(3, 4, keyword=HOSTILE, url=f"https://a.example/{HOSTILE}"), updates=(Update(HOSTILE, DAY, DAY),)
    )
    drawn = to_svg(timeline_picture(timeline, 1), width)
    root = ElementTree.fromstring(drawn)  # noqa: S314
    assert not list(root.iter(f"{SVG}script"))
    assert "<script" not in drawn
    assert "\u202e" not in drawn
    assert "$\\frac" in "".join(root.itertext())
    assert to_png(timeline_picture(timeline, 1))


@pytest.mark.parametrize("positions", [(), (None, None), (1,), (1, 1, 1), (250, None)])
def test_a_page_with_hardly_any_position_is_drawn(positions: tuple[int | None, ...]) -> None:
    assert to_svg(timeline_picture(timeline_of(*positions), 1), NARROW)


def test_a_missing_check_ends_a_line_and_a_weekly_one_does_not() -> None:
    weekly = [Point(DAY + timedelta(days=7 * week), 5) for week in (0, 1, 2, 5, 6)]
    assert usual_gap(weekly) == 7
    line = Series("k", "desktop", "l", tuple(weekly), usual_gap(weekly))
    assert [len(run) for run in line.runs] == [3, 2]
    absent = Series(
        "k", "desktop", "l", (Point(DAY, 3), Point(DAY + timedelta(days=1), None), Point(DAY + timedelta(days=2), 4))
    )
    assert [[point.position for point in run] for run in absent.runs] == [[3], [4]]
    assert absent.absences == [DAY + timedelta(days=1)]
