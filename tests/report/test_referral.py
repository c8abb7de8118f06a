"""What a report says of visitors: what is tied to a link, what is not, and nothing where nobody counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from seo_warehouse.report.facts import Facts
from seo_warehouse.report.page import compose, render_page
from seo_warehouse.report.referral import LinkVisits, Referral, Visits, read_referral
from seo_warehouse.report.referral_words import referral_table, say_referral
from seo_warehouse.report.text import say_effect
from tests.report.test_page import text_of
from tests.report.world import insert

Connection = psycopg.Connection[Any]
LAST = date(2026, 11, 27)
VISITS = Visits(
    witness="logs", last_day=LAST, visit_count=5000, unknown_count=2000, site_count=1840, laid_count=1122,
    several_count=386, page_count=3, other_count=329,
)  # fmt: skip
LINK = LinkVisits(
    source_url="https://forum.example/<b>", target_url="https://shop.example/pans", state="live", exact_count=1000,
    sole_count=20,
)  # fmt: skip
WHOLE = Referral(VISITS, (LINK, replace(LINK, source_url="javascript:alert(1)", state=None)), 3)


def facts_of(referral: Referral) -> Facts:
    return Facts("alderwood", 1, "google", "log_position", True, referral=referral)


def test_every_visit_from_a_site_is_said_to_be_tied_or_not() -> None:
    assert say_referral(WHOLE) == [
        "In the 28 days to 2026-11-27 (server logs) 1,840 visits came from other sites: 61 % laid to a link, since they"
        " name its page or it alone could have sent them; 21 % from a host of which several links could have sent them;"
        " under 1 % from a page that links, to another page than its link leads to; 18 % from where no link to that"
        " page is known.",
        "Of all 5,000 visits 40 % told nothing of where they came from.",
        "3 live links let nothing through: what they bring cannot be seen, and is not nothing.",
    ]


@pytest.mark.parametrize(
    ("laid", "share"), [(0, None), (1, "under 1 %"), (500, "50 %"), (999, "over 99 %"), (1000, "100 %")]
)
def test_a_share_is_all_or_nothing_only_where_it_is(laid: int, share: str | None) -> None:
    few = replace(VISITS, site_count=1000, laid_count=laid, several_count=1000 - laid, page_count=0, other_count=0)
    (said, *_) = say_referral(Referral(few))
    assert (f"{share} laid to a link" in said) is (share is not None)


def test_where_nobody_came_it_is_said() -> None:
    nobody = replace(VISITS, site_count=0, laid_count=0, several_count=0, page_count=0, other_count=0, unknown_count=0)
    assert say_referral(Referral(nobody)) == [
        "In the 28 days to 2026-11-27 (server logs) nobody came from another site."
    ]


def test_a_referrer_is_a_link_only_where_it_is_one_of_the_web() -> None:
    first, second = referral_table(WHOLE).rows
    assert [str(cell) for cell in first] == [
        "https://forum.example/<b>",
        "https://shop.example/pans",
        "1,000",
        "20",
        "live",
    ]
    assert second[0].url is None  # type: ignore[union-attr]
    page = render_page(compose(facts_of(WHOLE), ()))
    assert "https://forum.example/&lt;b&gt;" in page
    assert "<b>" not in page
    assert 'href="javascript' not in page


def test_page_and_terminal_say_the_same_and_nothing_where_nobody_counts() -> None:
    page = text_of(render_page(compose(facts_of(WHOLE), ())))
    assert "Visitors who come through links" in page
    assert "Visitors who come through links" not in text_of(render_page(compose(facts_of(Referral()), ())))
    lines: list[str] = []
    say_effect(facts_of(WHOLE), lines.append)
    assert {f"* {said}" for said in say_referral(WHOLE)} <= set(lines)


def test_the_newest_days_of_one_witness_are_read(marts: Connection, analyst: Connection) -> None:
    key = {"property_key": 1, "witness": "logs", "page_key": 5, "referrer_key": 1}
    rows = [
        key | {"day": LAST, "class": "link", "grade": "exact", "link_key": 7, "visit_count": 4},
        key | {"day": LAST - timedelta(27), "class": "link_host", "grade": "sole", "link_key": 7, "visit_count": 2},
        key | {"day": LAST - timedelta(28), "class": "link", "grade": "exact", "link_key": 7, "visit_count": 90},
        key | {"day": LAST, "class": "link_host", "grade": "ambiguous", "visit_count": 3},
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
    assert read_referral(analyst, 1) == Referral(
        Visits(
            witness="logs", last_day=LAST, visit_count=45, unknown_count=10, site_count=15, laid_count=6,
            several_count=3, page_count=1, other_count=5,
        ),
        (
            LinkVisits(
                source_url="https://a.example/", target_url="https://shop.example/", state="live", exact_count=4,
                sole_count=2,
            ),
        ),
        1,
    )  # fmt: skip
    assert read_referral(analyst, 3) == Referral()
