"""Which exports of links may be looks at all of them, and what is said of each."""

from __future__ import annotations

from datetime import date

import pytest

from seo_warehouse.exports.looks import facts_of, is_named_whole, say_look
from tests.exports.files import part_of

DAY = date(2026, 3, 1)
WHOLE = "backlinks-whole-2026-03-01.csv"
SOME = "example.com-backlinks_2026-03-01.csv"
LIST = "source_url,target_url,lost_on,observed_on\n"
LIVE = "https://a.example/1,https://shop.example/,,\n"
LOST = "https://a.example/2,https://shop.example/,2026-02-11,2026-02-11\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (WHOLE, True),
        ("Backlinks_Whole_20260301.CSV", True),
        ("backlinks-whole.csv", True),
        ("backlinks-wholesale-2026-03-01.csv", False),
        ("my-backlinks-whole-2026-03-01.csv", False),
        (SOME, False),
    ],
)
def test_a_whole_export_begins_its_name_with_that(name: str, expected: bool) -> None:
    assert is_named_whole(name) is expected


def test_a_list_of_one_day_may_be_whole_whatever_it_says_of_lost_links() -> None:
    part = part_of(SOME, LIST + LIVE + LOST)
    assert (part.first_day, part.look_day, part.no_look) == (date(2026, 2, 11), DAY, None)
    assert facts_of(part, SOME) == {DAY: {"may_be_whole": True}}
    assert facts_of(part, WHOLE) == {DAY: {"may_be_whole": True, "is_complete": True, "is_full": True}}


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (LIVE + "https://a.example/3,https://shop.example/,,2026-02-20\n", "its links are of several days"),
        (LOST, "it has no link that is not lost"),
    ],
)
def test_what_cannot_be_whole_says_why(rows: str, why: str) -> None:
    part = part_of(WHOLE, LIST + rows)
    assert facts_of(part, WHOLE) == {}
    assert say_look(part, WHOLE, None) == f"is no whole export, since {why}: a link that it lacks may be there"


def test_a_form_without_targets_is_never_whole() -> None:
    part = part_of("latest.csv", "Linking page,Last crawled\nhttps://a.example/1,2026-02-02\n")
    assert say_look(part, "latest.csv", DAY) == (
        "is no whole export, since it has links without a target: a link that it lacks may be there"
    )


def test_ingest_says_what_an_export_is_taken_for() -> None:
    part = part_of(SOME, LIST + LIVE)
    assert say_look(part, SOME, DAY) == "is whole: a link that it lacks was not there on 2026-03-01"
    assert say_look(part, SOME, date(2026, 3, 2)).startswith("is not known to be whole")
    assert "exports.backlinks.whole_since" in say_look(part, SOME, None)
    assert say_look(part, WHOLE, None).startswith("is whole")
