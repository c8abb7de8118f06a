"""What a report says of the last seven days: news beside its usual range, and nothing for what was not tested."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, replace
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse.report.facts import Facts, Week, WeeklyChange
from seo_warehouse.report.page import compose, render_page
from seo_warehouse.report.sparkline import HEIGHT, WIDTH, to_sparkline
from seo_warehouse.report.text import say_effect
from seo_warehouse.report.weekly import SHOWN_CHANGES, read_weeks
from seo_warehouse.report.weekly_sentences import (
    LEAST_WEEKS,
    group_lines,
    say_lead,
    say_properties,
    say_untested,
    weekly_tables,
)
from tests.report import world
from tests.report.test_page import Elements, text_of
from tests.report.world import insert, week

Connection = psycopg.Connection[Any]
LOST = week("links_lost", 19.0, state="above")
WON = week("links_won", 9.0)
VOICE = week("share_of_voice", 0.183, device="desktop", usual_low=0.189, usual_high=0.212, state="below")
NO_VOICE = week("share_of_voice", None, device="mobile")
FIGURES = st.one_of(st.floats(-1e12, 1e12), st.sampled_from([math.nan, math.inf, -math.inf]))
CHANGE = WeeklyChange(
    measure="links_lost", device="all", locale="all", item="https://a.example/x", authority=40, witness="w",
    previous_position=None, position=None, depth=100, indexability=None,
)  # fmt: skip


def facts_of(*weeks: Week, changes: tuple[WeeklyChange, ...] = (), key: int = 1) -> Facts:
    return Facts("alderwood", key, "google", "log_position", True, weekly=weeks, weekly_changes=changes)


def page_of(facts: Facts) -> str:
    return render_page(compose(facts, ()))


def test_the_lead_names_what_is_out_of_its_usual_range_and_nothing_else() -> None:
    assert say_lead((WON, NO_VOICE, VOICE, LOST)) == (
        "Out of the usual: links lost 19 (usually 0 to 12); share of voice on desktop 18.3 % (usually 18.9 to 21.2 %)."
    )
    assert say_lead((WON, NO_VOICE)) == "Nothing is out of the usual."


def test_an_older_week_is_no_news() -> None:
    assert say_lead((WON, replace(WON, week_no=1, state="above"))) == "Nothing is out of the usual."


def test_where_no_range_is_known_nothing_is_said_to_be_usual() -> None:
    early = week("clicks", 70.0, state="no_usual_range", usual_low=None, usual_high=None, usual_week_count=3)
    assert say_lead((early, NO_VOICE)) == "No usual range yet: it takes 8 tested weeks before, and there are 3."
    ((line,),) = (group.lines for group in group_lines((early,)))
    assert (line.value, line.said) == ("70", "no usual range yet (3 of 8 tested weeks before)")
    assert say_lead((NO_VOICE,)) == "Nothing was tested."
    assert say_lead(()) is None


def test_a_range_takes_as_many_weeks_as_the_model_says() -> None:
    model = (world.MODELS / "week/rpt_weekly.sql").read_text(encoding="utf-8")
    assert re.search(rf"set most, least, width = \d+, {LEAST_WEEKS}, \d+", model)


def test_desktop_and_mobile_stand_apart_and_what_was_not_tested_is_named() -> None:
    moved = week("positions_won", 0.0, device="desktop")
    groups = group_lines((NO_VOICE, LOST, moved, VOICE, week("clicks", 12_345.0, usual_high=20_000.0)))
    assert [group.title.partition(",")[0] for group in groups] == [
        "Links", "Positions on desktop", "Positions on mobile", "Searches",
    ]  # fmt: skip
    assert [(line.name, line.value) for group in groups for line in group.lines] == [
        ("links lost", "19"),
        ("share of voice", "18.3 %"),
        ("keywords nearer to the top", "0"),
        ("share of voice", "not tested"),
        ("clicks", "12,345"),
    ]
    assert groups[0].title == "Links, 16 to 22 November 2026"
    assert say_untested((NO_VOICE, LOST)) == "Not tested: share of voice on mobile."
    assert say_untested((LOST,)) is None


def test_seven_days_of_two_months_are_said_with_both() -> None:
    (group,) = group_lines((week("clicks", 1.0, week_no=3),))
    assert group.title == "Searches, 26 October to 1 November 2026"


def test_the_page_begins_with_the_week_and_each_line_has_its_last_value_and_a_sentence() -> None:
    facts = replace(facts_of(LOST, WON, VOICE, NO_VOICE), effects=(world.effect(),))
    page = page_of(facts)
    assert page.index("Out of the usual: links lost 19") < page.index("Estimate: in the fourth and fifth week")
    lines = re.findall(r'<li.*?class="value">([^<]+)<.*?class="said">([^<]+)<.*?(<svg class="spark")', page)
    assert [value.replace("\N{NO-BREAK SPACE}", " ") for value, _, _ in lines] == ["9", "19", "18.3 %", "not tested"]
    assert lines[1][1] == "more than usual (0 to 12, by 12 weeks before)"
    assert page.count('<li class="news">') == 2, "what is out of the usual, and nothing else"


def test_a_page_without_weeks_does_not_speak_of_any() -> None:
    assert "seven days" not in text_of(page_of(facts_of()))


def test_all_properties_together_say_of_each_what_its_own_report_says() -> None:
    other = replace(LOST, property_key=2, property_name="teaharbour", value=3.0, state="usual")
    together = facts_of(LOST, other, key=0)
    said_of = say_properties(together)
    assert [(name, lead) for name, lead, _ in said_of] == [
        ("alderwood", say_lead((LOST,))),
        ("teaharbour", "Nothing is out of the usual."),
    ]
    line = ("links lost", "19", "more than usual (0 to 12, by 12 weeks before)", "16 to 22 November 2026")
    assert said_of[0][2].rows == (line,)
    text = text_of(page_of(together))
    assert "alderwood : Out of the usual: links lost 19 (usually 0 to 12)." in text
    said: list[str] = []
    say_effect(together, said.append)
    assert "* teaharbour: Nothing is out of the usual." in said


def test_the_terminal_says_what_the_page_says() -> None:
    said: list[str] = []
    say_effect(facts_of(LOST, NO_VOICE), said.append)
    text = "\n".join(said)
    assert "Out of the usual: links lost 19 (usually 0 to 12)." in text
    assert re.search(r"links lost +19 +more than usual \(0 to 12, by 12 weeks before\)", text)
    assert re.search(r"share of voice +not tested +not tested in these seven days", text)


def test_what_is_counted_is_listed_with_authority_and_position() -> None:
    keyword = replace(CHANGE, measure="positions_lost", item="oak bench", device="mobile", locale="2840-en")
    changes = (
        CHANGE,
        replace(keyword, authority=None, witness=None, previous_position=7, position=101),
        replace(CHANGE, measure="pages_unindexable", item="https://b.example/", indexability="client_error"),
    )
    weeks = (LOST, week("positions_lost", 1.0, device="mobile"), week("pages_unindexable", 1.0))
    links, positions, pages = weekly_tables(facts_of(*weeks, changes=changes))
    assert links.title == "Links lost, the first of 19"
    assert [str(cell) for cell in links.rows[0]] == ["https://a.example/x", "40", "w"]
    assert positions.rows == (("oak bench", "mobile", "2840-en", "7", "not in 100"),)
    assert [str(cell) for cell in pages.rows[0]] == ["https://b.example/", "client error"]


def test_texts_from_elsewhere_stay_texts() -> None:
    hostile = "<script>alert(1)</script>"
    change = replace(CHANGE, item=hostile, witness=hostile)
    weeks = (replace(LOST, property_name=hostile), replace(VOICE, device=hostile), week(hostile, 1.0))
    for key in (0, 1):
        elements = Elements(page_of(facts_of(*weeks, changes=(change,), key=key)))
        assert "script" not in {tag for tag, _ in elements.found}
    urls = Elements(page_of(facts_of(LOST, changes=(replace(CHANGE, item="javascript:alert(1)"),)))).of("href")
    assert not [url for url in urls if url.startswith("javascript")]


def test_a_week_that_was_not_tested_is_a_gap() -> None:
    weeks = [week("links_won", value, week_no=4 - n) for n, value in enumerate((1.0, 2.0, None, 4.0, 3.0))]
    drawn = to_sparkline(weeks, "links won", is_news=False)
    assert drawn.count("<polyline") == 2
    assert drawn.count("<circle") == 1
    assert "<circle" not in to_sparkline([*weeks, week("links_won", None)], "links won", is_news=False)


@given(st.lists(st.one_of(st.none(), FIGURES), min_size=1, max_size=30), FIGURES, FIGURES)
def test_no_figure_leads_out_of_the_picture(values: list[float | None], low: float, high: float) -> None:
    weeks = [week("clicks", value, week_no=len(values) - n, usual_low=low, usual_high=high)
             for n, value in enumerate(values, 1)]  # fmt: skip
    drawn = to_sparkline(weeks, "clicks", is_news=True)
    spots = [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.einfa]+),(-?[\d.einfa]+)", drawn)]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in spots)
    assert "nan" not in drawn
    assert "inf" not in drawn


@pytest.fixture
def weeks(marts: Connection) -> None:
    """Three weeks of two properties; more links lost than are shown."""
    names = [{"property_key": 1, "property_name": "alderwood", "depth": 20},
             {"property_key": 2, "property_name": "teaharbour", "depth": 20},
             {"property_key": 3, "property_name": "gone", "depth": 20, "is_active": False}]  # fmt: skip
    insert(marts, "dim_property", names)
    rows = [asdict(week("links_lost", 30.0 - n, week_no=n, property_key=key)) for key in (1, 2, 3) for n in range(3)]
    insert(marts, "rpt_weekly", [{name: row[name] for name in row if name != "property_name"} for row in rows])
    of_link = {"property_key": 1, "measure": "links_lost", "device": "all", "locale": "all", "witness": "w"}
    lost = [of_link | {"item_key": n, "item": f"https://a.example/{n}", "authority": n or None} for n in range(30)]
    keyword = of_link | {"measure": "positions_lost", "device": "mobile"}
    moved = [
        keyword | {"item_key": n, "item": f"keyword {n}", "previous_position": before, "position": now}
        for n, (before, now) in enumerate([(9, 11), (1, 3), (15, 21)])
    ]
    insert(marts, "rpt_weekly_change", [*lost, *moved, lost[0] | {"property_key": 2, "item": "https://b.example/"}])


@pytest.mark.usefixtures("weeks")
def test_a_property_has_its_weeks_and_its_strongest_changes(analyst: Connection) -> None:
    read, changes = read_weeks(analyst, 1)
    assert [(row.property_name, row.week_no, row.value) for row in read] == [
        ("alderwood", 0, 30.0), ("alderwood", 1, 29.0), ("alderwood", 2, 28.0),
    ]  # fmt: skip
    links = [change.authority for change in changes if change.measure == "links_lost"]
    assert links == list(range(29, 29 - SHOWN_CHANGES, -1))
    moved = [(change.item, change.depth) for change in changes if change.measure == "positions_lost"]
    assert moved == [("keyword 1", 20), ("keyword 2", 20), ("keyword 0", 20)]


@pytest.mark.usefixtures("weeks")
def test_all_together_are_the_newest_week_of_each_that_is_still_stated(analyst: Connection) -> None:
    read, changes = read_weeks(analyst, 0)
    assert [(row.property_name, row.week_no) for row in read] == [("alderwood", 0), ("teaharbour", 0)]
    assert changes == ()


def test_marts_without_weeks_are_no_error(database: str, analyst: Connection) -> None:
    assert read_weeks(analyst, 1) == ((), ())
