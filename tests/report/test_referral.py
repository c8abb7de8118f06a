"""What a report says of visitors: what is tied to a link, what is not, and nothing where nobody counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from seo_warehouse.report.drawing import NARROW, WIDE, to_svg
from seo_warehouse.report.facts import Facts
from seo_warehouse.report.page import compose, render_page
from seo_warehouse.report.referral import LinkVisits, Referral, Visits, read_referral
from seo_warehouse.report.referral_picture import referral_picture
from seo_warehouse.report.referral_words import referral_table, say_referral
from seo_warehouse.report.text import say_effect
from tests.report.test_page import text_of
from tests.report.world import insert

Connection = psycopg.Connection[Any]
LAST = date(2026, 11, 27)
VISITS = Visits(
    witness="logs", last_day=LAST, visit_count=5000, unknown_count=2000, site_count=1840, laid_count=1122,
    allocated_count=240.4, ambiguous_count=100.0, missed_count=45.6, page_count=3, other_count=329, odd_day_count=0,
)  # fmt: skip
LINK = LinkVisits(
    source_url="https://forum.example/<b>", target_url="https://shop.example/pans", state="live", status="allocated",
    visit_count=1020.4, visit_low=980, visit_high=1050, set_visit_count=340, candidate_count=3, key_event_count=None,
    money=None,
)  # fmt: skip
AMBIGUOUS = replace(
    LINK, source_url="javascript:alert(1)", state=None, status="ambiguous", visit_count=None, visit_low=1, visit_high=90
)
COUNTED = replace(
    LINK, status="counted", visit_count=7.0, visit_low=7, visit_high=7, set_visit_count=None, candidate_count=None
)
WHOLE = Referral(VISITS, (LINK, AMBIGUOUS, COUNTED), 3)
NOBODY: dict[str, Any] = dict.fromkeys(
    ("laid_count", "allocated_count", "ambiguous_count", "missed_count", "page_count", "other_count"), 0
)


def facts_of(referral: Referral) -> Facts:
    return Facts("alderwood", 1, "google", "log_position", True, referral=referral)


def test_every_visit_from_a_site_is_said_to_be_tied_or_not() -> None:
    assert say_referral(WHOLE) == [
        "In the 28 days to 2026-11-27 (server logs) 1,840 visits came from other sites: 61 % laid to a link, since they"
        " name its page or it alone could have sent them; 13 % shared out among links of a host, of each within an"
        " interval; 5 % of several links of a host, of which nobody can tell how many are whose; 2 % probably of links"
        " that nobody knows, or too few to be shared out; under 1 % from a page that links, to another page than its"
        " link leads to; 18 % from where no link to that page is known.",
        "Of all 5,000 visits 40 % told nothing of where they came from.",
        "3 live links let nothing through: what they bring cannot be seen, and is not nothing.",
    ]


@pytest.mark.parametrize(
    ("laid", "share"), [(0, None), (1, "under 1 %"), (500, "50 %"), (999, "over 99 %"), (1000, "100 %")]
)
def test_a_share_is_all_or_nothing_only_where_it_is(laid: int, share: str | None) -> None:
    few = replace(VISITS, **NOBODY | {"site_count": 1000, "laid_count": laid, "other_count": 1000 - laid})
    (said, *_) = say_referral(Referral(few))
    assert (f"{share} laid to a link" in said) is (share is not None)


def test_where_nobody_came_it_is_said() -> None:
    nobody = replace(VISITS, **NOBODY | {"site_count": 0, "unknown_count": 0})
    assert say_referral(Referral(nobody)) == [
        "In the 28 days to 2026-11-27 (server logs) nobody came from another site."
    ]


def test_a_referrer_is_a_link_only_where_it_is_one_of_the_web() -> None:
    first, second, third = referral_table(WHOLE).rows
    assert [str(cell) for cell in first] == [
        "https://forum.example/<b>",
        "https://shop.example/pans",
        "1,020 (980 to 1,050)",
        "partly shared out",
        "340 of 3 links",
        "live",
    ]
    assert [str(cell) for cell in second[2:]] == ["1 to 90", "anybody's of several", "340 of 3 links", "–"]
    assert [str(cell) for cell in third[2:]] == ["7", "counted", "–", "live"]
    assert second[0].url is None  # type: ignore[union-attr]
    page = render_page(compose(facts_of(WHOLE), ()))
    assert "https://forum.example/&lt;b&gt;" in page
    assert "<b>" not in page
    assert 'href="javascript' not in page


def test_days_half_told_and_what_came_of_visitors_are_told_where_they_are_known() -> None:
    said = say_referral(replace(WHOLE, visits=replace(VISITS, odd_day_count=2)))
    assert "Of 2 days the witness did not tell all: they count, and nothing was learned from them." in said
    earning = replace(LINK, key_event_count=12.4, money=1234.5)
    table = referral_table(replace(WHOLE, links=(earning, AMBIGUOUS)))
    assert table.headings[5:] == ("key events", "US dollars", "link is")
    assert [[str(cell) for cell in row[5:]] for row in table.rows] == [["12", "1,234", "live"], ["–", "–", "–"]]


def test_page_and_terminal_say_the_same_and_nothing_where_nobody_counts() -> None:
    page = text_of(render_page(compose(facts_of(WHOLE), ())))
    assert "Visitors who come through links" in page
    assert "Visitors who come through links" not in text_of(render_page(compose(facts_of(Referral()), ())))
    lines: list[str] = []
    say_effect(facts_of(WHOLE), lines.append)
    assert {f"* {said}" for said in say_referral(WHOLE)} <= set(lines)


def test_a_picture_shows_each_link_and_is_none_of_one() -> None:
    picture = referral_picture(WHOLE)
    assert picture is not None
    for width in (WIDE, NARROW):
        drawn = to_svg(picture, width)
        assert "1,020 (980 to 1,050)" in drawn
        assert "1 to 90" in drawn
        assert "forum.example/&lt;b&gt;" in drawn
        assert "46 probably of links that nobody knows" in drawn
    assert referral_picture(replace(WHOLE, links=(LINK,))) is None
    assert referral_picture(Referral()) is None


def test_the_newest_days_of_one_witness_are_read(marts: Connection, analyst: Connection) -> None:
    key = {"property_key": 1, "witness": "logs", "page_key": 5, "referrer_key": 1}
    rows = [
        key | {"day": LAST, "class": "link", "grade": "exact", "link_key": 7, "visit_count": 4},
        key | {"day": LAST - timedelta(27), "class": "link_host", "grade": "sole", "link_key": 7, "visit_count": 2},
        key | {"day": LAST - timedelta(28), "class": "link", "grade": "exact", "link_key": 7, "visit_count": 90},
        key | {"day": LAST, "class": "link_host", "grade": "ambiguous", "visit_count": 7},
        key | {"day": LAST, "class": "link", "grade": "exact_page", "visit_count": 1},
        key | {"day": LAST, "class": "other_site", "grade": "no_known_link", "visit_count": 5},
        key | {"day": LAST, "class": "none", "visit_count": 10},
        key | {"day": LAST, "class": "search", "visit_count": 20},
        key | {"day": LAST, "class": "link", "grade": "exact", "link_key": 7, "visit_count": 50, "witness": "ga4"},
        key | {"day": LAST, "class": "link", "grade": "exact", "link_key": 7, "visit_count": 50, "property_key": 2},
    ]
    insert(marts, "fct_referral_visit", rows)
    link = {"property_key": 1, "link_key": 7, "source_url": "https://a.example/", "target_url": "https://shop.example/"}
    insert(marts, "dim_link", [link | {"state": "live"}, link | {"link_key": 8, "state": "lost"}])
    check = {
        "property_key": 1,
        "presence": "present",
        "checked_at": "2026-11-20 00:00:00+00",
        "referrer_policy": "none",
    }
    insert(
        marts,
        "fct_link_check",
        [
            check | {"link_key": 7},
            check | {"link_key": 8},
            check | {"link_key": 7, "checked_at": "2026-11-01 00:00:00+00"},
        ],
    )
    of_span = {"property_key": 1, "witness": "logs", "span": "days_28"}
    kinds = {"exact": 4.0, "sole": 2.0, "exact_page": 1.0, "allocated": 2.5, "missed_links": 1.5, "refused": 3.0}
    balance = [
        of_span | {"kind": kind, "visit_count": count, "odd_day_count": 3}
        for kind, count in (kinds | {"no_known_link": 5.0}).items()
    ]
    insert(marts, "rpt_referral_balance", [*balance, balance[0] | {"span": "life"}, balance[0] | {"witness": "ga4"}])
    brought = of_span | {"link_key": 7, "status": "allocated", "visit_count": 8.5, "visit_low": 7, "visit_high": 10}
    brought |= {"set_visit_count": 4, "candidate_count": 2, "key_event_count": 2.5, "money": 30}
    nobody = {"status": "counted", "visit_count": 0, "visit_low": 0, "visit_high": 0}
    unseen = {"status": "unknown", "reason": "unmeasurable", "visit_count": None, "visit_low": None, "visit_high": None}
    rows = [brought, brought | {"link_key": 8} | nobody, brought | {"link_key": 9} | unseen, brought | {"span": "life"}]
    insert(marts, "rpt_referral_link", rows)
    assert read_referral(analyst, 1) == Referral(
        Visits(
            witness="logs", last_day=LAST, visit_count=49, unknown_count=10, site_count=19, laid_count=6,
            allocated_count=2.5, ambiguous_count=0, missed_count=4.5, page_count=1, other_count=5,
            odd_day_count=3,
        ),
        (
            LinkVisits(
                source_url="https://a.example/", target_url="https://shop.example/", state="live", status="allocated",
                visit_count=8.5, visit_low=7, visit_high=10, set_visit_count=4, candidate_count=2, key_event_count=2.5,
                money=30,
            ),
        ),
        1,
    )  # fmt: skip
    assert read_referral(analyst, 3) == Referral()
