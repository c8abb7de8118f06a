"""What a report says of how soon pages are found: no more than may be shown, and nothing where nothing is known."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from datetime import date
from typing import Any

import psycopg
import pytest

from seo_warehouse.report.drawing import NARROW, WIDE, to_svg
from seo_warehouse.report.facts import Facts
from seo_warehouse.report.found import SHOWN_PAGES, Found, LinkRatio, WaitDay, WaitingPage, read_found
from seo_warehouse.report.found_picture import curve_picture, link_picture
from seo_warehouse.report.found_words import found_table, link_table, say_links, say_waits, waiting_table
from seo_warehouse.report.page import compose, render_page
from seo_warehouse.report.text import say_effect
from tests.report.test_page import text_of
from tests.report.world import insert

Connection = psycopg.Connection[Any]
DAY = WaitDay(
    milestone="shown", engine="google", day=0, share=0.0, share_low=None, share_high=None, at_risk_count=60.0,
    page_count=60, reached_page_count=40, gone_page_count=2, median_day=9, median_low_day=7, median_high_day=12,
    status="estimate", reason=None,
)  # fmt: skip
LINK = LinkRatio(
    milestone="shown", engine="google", arm="acquired_followed", hazard_ratio=1.5, interval_low=1.2, interval_high=1.9,
    honest_low=0.98, honest_high=2.3, placebo_ratio=1.2, share_with_14=0.6, share_without_14=0.5,
    exposed_event_count=40, status="estimate", reason=None,
)  # fmt: skip
PAGE = WaitingPage(
    url="https://shop.example/new", published_by=date(2026, 5, 1), waited_days=44, visited_by=None, linked_by=None,
    in_sitemap_by=date(2026, 5, 2), index_state="crawled",
)  # fmt: skip


def curve(days: int = 40, **other: Any) -> tuple[WaitDay, ...]:
    """A curve that rises by a fiftieth a day."""
    return tuple(
        replace(DAY, day=day, share=day / 50, share_low=day / 60 or None, share_high=(day + 5) / 60, **other)
        for day in range(days)
    )


def page_of(found: Found) -> str:
    return render_page(compose(Facts("alderwood", 1, "google", "log_position", True, found=found), ()))


def test_half_of_the_pages_are_found_within_days_that_have_an_interval() -> None:
    assert say_waits(Found(curve())) == ["Half of new pages are shown by Google within 9 days (7 to 12)."]


def test_where_the_half_is_not_sure_more_days_are_said_to_pass() -> None:
    unsure = curve(median_day=None, median_low_day=None, median_high_day=None)
    assert say_waits(Found(unsure)) == ["Half of new pages take more than 39 days until they are shown by Google."]


def test_a_refused_curve_says_counts_and_why_and_no_share() -> None:
    few = replace(
        DAY, share=None, page_count=12, reached_page_count=3, status="not_enough_data", reason="too_few_pages"
    )
    found = Found((few,))
    (said,) = say_waits(found)
    assert said == "Of 12 new pages 3 were shown by Google: no curve, since fewer than 20 new pages were watched."
    assert curve_picture(found) is None
    assert "%" not in text_of(page_of(found)).partition("How soon new pages are found")[2].partition("Bands are")[0]


def test_an_honest_interval_that_holds_1_tells_no_effect() -> None:
    (said,) = say_links(Found(links=(LINK,)))
    assert said == (
        "Pages that got a followed link while they waited were shown by Google 1.5 times as fast as others of their "
        "topic and age (honest: 0.98 to 2.3, so no effect can be told from none yet)."
    )
    (sure,) = say_links(Found(links=(replace(LINK, honest_low=1.1),)))
    assert "no effect" not in sure


def test_an_exploratory_ratio_is_an_interval_and_no_more() -> None:
    (said,) = say_links(Found(links=(replace(LINK, hazard_ratio=None, status="exploratory"),)))
    assert "1.2 to 1.9 times as fast" in said
    assert "1.5" not in said


@pytest.mark.parametrize(
    ("status", "reason"), [("not_enough_data", "too_few_events"), ("reverse", "linked_because_found")]
)
def test_a_refused_ratio_is_not_told(status: str, reason: str) -> None:
    refused = replace(
        LINK, hazard_ratio=None, interval_low=None, interval_high=None, honest_low=None, honest_high=None,
        status=status, reason=reason,
    )  # fmt: skip
    found = Found(links=(refused,))
    assert not any(character.isdigit() for said in say_links(found) for character in said)
    assert link_picture(found) is None
    assert link_table(found).rows[0][1:4] == ("–", "–", "–")


def test_tables_show_shares_with_intervals_and_the_pages_that_wait() -> None:
    (row,) = found_table(Found(curve())).rows
    assert row[:3] == ("Shown by Google", "14 % (12 to 20)", "28 % (23 to 32)")
    (page,) = waiting_table(Found(waiting=(PAGE,))).rows
    assert [str(each) for each in page] == [
        "https://shop.example/new",
        "2026-05-01",
        "44",
        "–",
        "–",
        "2026-05-02",
        "Crawled",
    ]


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_pictures_hold_their_words_at_any_width(width: int) -> None:
    found = Found(curve(), (LINK, replace(LINK, arm="internal", hazard_ratio=None, honest_low=math.nan)))
    for picture in (curve_picture(found), link_picture(found)):
        assert picture is not None
        drawn = to_svg(picture, width)
        assert drawn == to_svg(picture, width)
        assert "Shown by Google" in drawn


def test_a_property_of_which_nothing_is_known_has_no_such_section() -> None:
    page = page_of(Found())
    assert "How soon" not in text_of(page)
    assert "How soon new pages are found" in text_of(page_of(Found(curve(), (LINK,), (PAGE,))))


def test_the_terminal_says_the_same() -> None:
    lines: list[str] = []
    found = Found(curve(), (LINK,), (PAGE,))
    say_effect(Facts("alderwood", 1, "google", "log_position", True, found=found), lines.append)
    assert f"* {say_waits(found)[0]}" in lines
    assert f"* {say_links(found)[0]}" in lines


def test_the_longest_waiting_of_a_propertys_own_pages_are_read(marts: Connection, analyst: Connection) -> None:
    insert(
        marts,
        "rpt_discovery",
        [
            asdict(DAY) | {"property_key": key, "cut": "all", "level": "all", "milestone_from": "published"}
            for key in (1, 2)
        ],
    )
    insert(
        marts,
        "rpt_discovery_effect",
        [asdict(LINK) | {"property_key": 1, "cut": "all", "level": "all", "band": band} for band in ("1-28", "57+")],
    )
    pages = range(1, SHOWN_PAGES + 4)
    insert(
        marts,
        "dim_page",
        [{"property_key": 1, "page_key": page, "url": f"https://shop.example/{page}"} for page in pages],
    )
    told: list[tuple[int, str, date, str | None]] = [(page, "published", date(2026, 5, page), None) for page in pages]
    told += [(1, "shown", date(2026, 6, 1), None), (2, "gone", date(2026, 5, 20), None)]
    told += [(3, "visited", date(2026, 5, 4), None), (3, "linked_followed", date(2026, 5, 9), None)]
    insert(
        marts,
        "fct_page_milestone",
        [
            {
                "property_key": 1,
                "page_key": page,
                "engine": "google",
                "milestone": name,
                "by_date": day,
                "reason": reason,
                "is_implied": False,
            }
            for page, name, day, reason in told
        ],
    )
    state = {"property_key": 1, "page_key": 3, "engine": "google", "state": "excluded", "reason": "crawled"}
    insert(marts, "fct_index_state", [state, state | {"reason": "older", "to_date": date(2026, 5, 6)}])
    found = read_found(analyst, 1)
    assert (found.days, found.links) == ((DAY,), (LINK,))
    assert len(found.waiting) == SHOWN_PAGES
    assert found.waiting[0] == WaitingPage(
        url="https://shop.example/3", published_by=date(2026, 5, 3), waited_days=29, visited_by=date(2026, 5, 4),
        linked_by=date(2026, 5, 9), in_sitemap_by=None, index_state="crawled",
    )  # fmt: skip
    assert read_found(analyst, 3) == Found()
