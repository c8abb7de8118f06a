"""What a report says of relationships: how many paid links stand, whom to ask next, and nothing that is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import psycopg
import pytest

from seo_warehouse.report.drawing import NARROW, WIDE, to_svg
from seo_warehouse.report.facts import Facts
from seo_warehouse.report.page import compose, render_page
from seo_warehouse.report.relations import Life, Paid, Partner, Relations, Return, Unqualified, read_relations
from seo_warehouse.report.relations_picture import relations_picture
from seo_warehouse.report.relations_words import (
    life_table,
    next_table,
    risk_table,
    say_relations,
    say_risks,
    unqualified_table,
)
from seo_warehouse.report.text import say_effect
from tests.report.test_page import text_of
from tests.report.world import insert

Connection = psycopg.Connection[Any]
DAY = date(2026, 11, 27)
ASKED = Return(
    tried_count=412, replied_count=131, agreed_count=74, placed_count=66, verified_count=58, lost_count=17,
    reply_share_low=0.28, reply_share_high=0.36, placed_share_low=0.13, placed_share_high=0.2, money=12_345.6,
    money_per_live_day=1.31, money_per_live_day_low=0.92, money_per_live_day_high=1.86,
    unpriced_count=1, lacks_rate=True, status="ok",
)  # fmt: skip
REFUSED: dict[str, Any] = {"status": "too_few_partners"} | dict.fromkeys(
    ("money_per_live_day", "money_per_live_day_low", "money_per_live_day_high")
)
PAID = Paid(paid_count=66, seen_count=58, standing_count=41, unqualified_count=3, lost_median_days=203.0)
PARTNER = Partner(
    partner_name="The Timber <b>Blog", place=1, days_per_1000=1600, days_per_1000_low=940, days_per_1000_high=3000,
    is_mostly_average=False, try_count=9, replied_try_count=8, verified_try_count=6, standing_count=5,
    price_dollars=250.0, risks=[], faster_loss_chance=0.2, recent_loss_count=0, latest_reply_days=None,
    earlier_reply_days=None, turned_nofollow_count=0, fallen_site_count=0, ending_count=0,
)  # fmt: skip
SLIPPING = replace(
    PARTNER, partner_name="Craft Weekly", place=2, days_per_1000=690, days_per_1000_low=0, days_per_1000_high=1100,
    risks=["loses_faster", "lost_several", "replies_slower", "turned_nofollow", "site_fell", "ends_soon"],
    faster_loss_chance=0.94, recent_loss_count=2, latest_reply_days=11.0, earlier_reply_days=4.0,
    turned_nofollow_count=1, fallen_site_count=1, ending_count=2,
)  # fmt: skip
SELDOM = replace(PARTNER, partner_name="Local News", place=3, is_mostly_average=True, price_dollars=None)
LIFE = Life(
    partner_name="The Timber Blog", source_url="https://timber.example/oak", target_url="https://shop.example/oak",
    money=250.0, placed_date=date(2026, 5, 1), seen_date=date(2026, 5, 3), live_days=208,
    crawled_date=date(2026, 5, 6), index_state="indexed", indexed_date=date(2026, 4, 1),
    position_before=12.25, position_after=9.5, outcome="log_position",
    effect=-0.14, effect_low=-0.24, effect_high=-0.03, effect_reason=None,
    visit_count=41.0, visit_low=38.0, visit_high=45.0, visit_reason="allocated", loss_probability=0.04, lost_date=None,
)  # fmt: skip
NOTHING: dict[str, Any] = dict.fromkeys(
    (
        *("placed_date", "crawled_date", "index_state", "indexed_date", "position_before", "position_after"),
        *("effect", "effect_low", "effect_high", "visit_count"),
    )
)
UNKNOWN = replace(
    LIFE, source_url="javascript:alert(1)", money=None, effect_reason="other_link", visit_low=None, visit_high=None,
    visit_reason="unmeasurable", lost_date=DAY, **NOTHING,
)  # fmt: skip
WHOLE = Relations(
    ASKED, PAID, (PARTNER, SLIPPING, SELDOM), (SLIPPING,),
    (Unqualified(partner_name="Craft Weekly", source_url="https://craft.example/", target_url=None),), (LIFE, UNKNOWN),
)  # fmt: skip


def facts_of(relations: Relations) -> Facts:
    return Facts("alderwood", 1, "google", "log_position", True, relations=relations)


def test_what_stands_and_what_a_day_costs_is_said_first() -> None:
    assert say_relations(WHOLE) == [
        "41 of 66 paid links stand and were seen; 3 paid links lack rel=sponsored or nofollow.",
        "8 paid for were never seen; 17 lost, the middle one after 203 days.",
        "A day of a link that was seen costs 1.31 (0.92 to 1.86) dollars (a year's asking, 95 % interval).",
        "Minutes of work are not counted: properties.yml states no hourly_rate.",
        "1 placement without a price: their money is not counted.",
        "Partners are ranked by what one may count on, the 10 % quantile; by the mean the best are those who were"
        " seldom asked.",
    ]


@pytest.mark.parametrize("status", ["too_few_partners", "no_live_link", "one_partner_is_all"])
def test_no_ratio_is_said_drawn_or_printed_where_it_is_refused(status: str) -> None:
    refused = Relations(replace(ASKED, **REFUSED | {"status": status}), PAID)
    assert "cannot be told: " in say_relations(refused)[2]
    assert "_" not in say_relations(refused)[2]
    picture = relations_picture(refused)
    assert picture is not None
    lines: list[str] = []
    say_effect(facts_of(refused), lines.append)
    for told in (text_of(render_page(compose(facts_of(refused), ()))), "\n".join(lines), to_svg(picture, WIDE)):
        assert "link-day costs 1" not in told
        assert "1.31" not in told
        assert "if asked once more" not in told


def test_a_high_end_that_nobody_knows_is_none() -> None:
    endless = Relations(replace(ASKED, money_per_live_day_high=None))
    assert say_relations(endless)[0].startswith("A day of a link that was seen costs 1.31 (0.92 or more) dollars")


def test_risks_have_their_numbers() -> None:
    assert say_risks(SLIPPING) == (
        "its links are lost faster than the average (94 % sure); 2 links lost in 90 days; replies slower: 4 to 11 days;"
        " 1 link promised followed and nofollow; authority fell by half: 1 site; 2 links promised for at most 30 days"
        " more"
    )
    assert [row[:2] for row in risk_table(WHOLE).rows] == [("Craft Weekly", "5")]


def test_whom_to_ask_next_has_its_reasons() -> None:
    first, _, third = next_table(WHOLE).rows
    assert first == ("The Timber <b>Blog", "1,600 (940 to 3,000)", "6 of 9", "8", "5", "250", "–")
    assert third[5:] == ("–", "mostly the average of all")


def test_a_life_is_followed_through_all_themes_and_gaps_are_said() -> None:
    followed, unknown = ([str(cell) for cell in row] for row in life_table(WHOLE).rows)
    assert followed == [
        "The Timber Blog: timber.example/oak", "250", "2026-05-01", "2026-05-03, 208 days", "2026-05-06",
        "indexed since 2026-04-01", "12.2, then 9.5", "13 % nearer to the top (3.0 to 21 % nearer to the top)",
        "41 (38 to 45)", "stands; 4 % likely to go within 90 days",
    ]  # fmt: skip
    assert unknown[1:] == [
        "–", "–", "2026-05-03, 208 days", "–", "–", "–", "another link to the page came or went around it",
        "the page lets nothing through", "2026-11-27",
    ]  # fmt: skip


def test_page_and_terminal_say_the_same_and_nothing_where_nobody_was_asked() -> None:
    html = render_page(compose(facts_of(WHOLE), ()))
    page = text_of(html)
    assert "Relationships that earn links" in page
    assert "The Timber &lt;b&gt;Blog" in html
    assert "<b>Blog" not in html
    assert 'href="javascript' not in html
    assert "Relationships that earn links" not in text_of(render_page(compose(facts_of(Relations()), ())))
    lines: list[str] = []
    say_effect(facts_of(WHOLE), lines.append)
    assert {f"* {said}" for said in say_relations(WHOLE)} <= set(lines)
    assert len(unqualified_table(WHOLE).rows) == 1


def test_a_picture_shows_how_far_it_came_and_each_partner() -> None:
    picture = relations_picture(WHOLE)
    assert picture is not None
    for width in (WIDE, NARROW):
        drawn = to_svg(picture, width)
        assert "131, 32 % (28 to 36 %)" in drawn
        assert "Timber &lt;b&gt;Blog" in drawn
        assert "6 of 9" in drawn
        assert "stand today" in drawn
    assert "at risk: its links" in to_svg(picture, WIDE)
    assert relations_picture(Relations(None, PAID)) is None


def test_the_marts_are_read_of_one_property(marts: Connection, analyst: Connection) -> None:
    asked = {name: getattr(ASKED, name) for name in ASKED.__dataclass_fields__}
    rows = [{"property_key": 1, "cut": "all", "span": span} | asked for span in ("365", "90")]
    insert(marts, "rpt_outreach_return", [*rows, rows[0] | {"cut": "kind"}, rows[0] | {"property_key": 2}])
    paid = {"property_key": 1, "is_paid": True, "is_unqualified_paid": False, "partner_key": 4, "money": 250.0}
    seen: dict[str, Any] = {
        "verified_date": LIFE.seen_date,
        "placed_date": LIFE.placed_date,
        "live_days": 208,
        "link_key": 7,
    }
    gone: dict[str, Any] = {"verified_date": LIFE.seen_date, "live_days": 9, "lost_date": DAY, "link_key": 8}
    gone["is_unqualified_paid"] = True
    placements = [paid | seen | {"is_unqualified_paid": True}, paid, paid | gone, paid | {"is_paid": False}]
    insert(marts, "fct_placement", [*placements, paid | seen | {"property_key": 2}])
    insert(marts, "dim_partner", [{"property_key": 1, "partner_key": 4, "partner_name": "Timber"}])
    link = {"property_key": 1, "source_url": LIFE.source_url, "target_url": LIFE.target_url, "page_key": 5}
    insert(marts, "dim_link", [link | {"link_key": 7}, link | {"link_key": 8, "page_key": 6}])
    visit = {"property_key": 1, "page_key": 5, "verdict": "verified"}
    days = [date(2026, 5, 1), date(2026, 5, 6), date(2026, 5, 9)]
    visits = [visit | {"day": day} for day in days]
    insert(marts, "fct_bot_crawl", [*visits, visit | {"day": LIFE.seen_date, "verdict": "spoofed"}])
    state = {"property_key": 1, "page_key": 5, "engine": "google", "state": "indexed"}
    insert(marts, "fct_index_state", [state | {"valid_from_date": LIFE.indexed_date}])
    moved = {"property_key": 1, "link_key": 7, "panel": "google", "outcome": "log_position", "event_date": DAY}
    figures = {"shrunk_effect": -0.14, "shrunk_low": -0.24, "shrunk_high": -0.03}
    insert(marts, "rpt_link_contribution", [moved | {"reason": "no_arm"}, moved | figures])
    stood: dict[str, Any] = {"property_key": 1, "link_key": 7, "engine": "google", "window_name": "headline"}
    stood |= {"event_type": "acquired", "base_position": 12.25, "window_position": 9.5}
    others = ({"engine": "bing"}, {"window_name": "short"}, {"event_type": "restored"}, {"window_position": None})
    insert(marts, "fct_link_rank_change", [stood, *(stood | {"base_position": 50.0} | other for other in others)])
    brought = {"property_key": 1, "link_key": 7, "witness": "logs", "span": "life", "status": "allocated"}
    brought |= {"visit_count": 41.0, "visit_low": 38.0, "visit_high": 45.0}
    insert(marts, "rpt_referral_link", [brought, brought | {"span": "days_28"}])
    insert(marts, "rpt_link_risk", [{"property_key": 1, "link_key": 7, "loss_probability_90": 0.04}])
    partners = [{name: getattr(each, name) for name in PARTNER.__dataclass_fields__} for each in WHOLE.partners]
    insert(marts, "rpt_partner", [{"property_key": 1} | row for row in partners])
    insert(marts, "rpt_partner", [{"property_key": 1} | partners[0] | {"place": None, "partner_name": "suppressed"}])
    read = read_relations(analyst, 1, "google")
    assert read.all == ASKED
    assert read.paid == Paid(paid_count=3, seen_count=2, standing_count=1, unqualified_count=1, lost_median_days=9.0)
    assert read.partners == WHOLE.partners
    assert read.at_risk == (SLIPPING,)
    assert read.unqualified == (
        Unqualified(partner_name="Timber", source_url=LIFE.source_url, target_url=LIFE.target_url),
    )
    followed, other = read.lives
    assert followed == replace(LIFE, partner_name="Timber")
    assert (other.lost_date, other.crawled_date, other.effect, other.visit_count) == (DAY, None, None, None)
    assert read_relations(analyst, 3, "google") == Relations()
