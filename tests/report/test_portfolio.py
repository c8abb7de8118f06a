"""What a report says of the portfolio of links: no more than may be said, and nothing where nothing is known."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date
from typing import Any

import psycopg
import pytest

from seo_warehouse.report.drawing import NARROW, WIDE, to_svg
from seo_warehouse.report.facts import Facts
from seo_warehouse.report.page import compose, render_page
from seo_warehouse.report.portfolio import (
    MOST_MONTHS,
    ExpectedLoss,
    LinkFlag,
    Month,
    Portfolio,
    Publisher,
    Survival,
    Unseen,
    read_portfolio,
)
from seo_warehouse.report.portfolio_picture import breadth_picture, lives_picture, loss_picture
from seo_warehouse.report.portfolio_words import (
    flag_table,
    portfolio_table,
    publisher_table,
    say_portfolio,
    survival_table,
)
from seo_warehouse.report.text import say_effect
from tests.report.test_page import text_of
from tests.report.world import insert

Connection = psycopg.Connection[Any]
MONTH = Month(
    month=date(2026, 11, 1), item_count=400, class_count=120, largest_share=0.185, hill_1=61.0, asymptotic_1=70.4,
    low_1=62.0, high_1=79.2, common_coverage=0.914, common_1=58.26, status="estimate",
)  # fmt: skip
MONTHS = tuple(replace(MONTH, month=date(2026, number, 1), common_1=50.0 + number) for number in range(6, 12))
UNSEEN = Unseen(
    month=date(2026, 11, 1), seen_count=150, witness_count=4, bound_count=201, low_count=180, left_out=[],
    is_guarded=True, status="estimate",
)  # fmt: skip
LIFE = Survival(
    dimension="all", class_name="", age_days=90, at_risk_count=310, domain_count=90, lost_count=31, survival=0.9,
    interval_low=0.841, interval_high=0.939, status="estimate",
)  # fmt: skip
LIVES = tuple(
    replace(LIFE, dimension=dimension, class_name=name, age_days=age, survival=share)
    for dimension, name in (("all", ""), ("rel_class", "followed"), ("rel_class", "nofollow"))
    for age, share in ((30, 0.95), (90, 0.9), (365, 0.7))
)
PUBLISHER = Publisher(
    publisher="big.example", link_count=74, followed_share=0.185, authority_share=0.25, orphaned_page_count=3,
    hill_1=61.0, hill_1_after=63.25, judged_count=14, unjudged_count=60, expected_log_position_change=0.1,
    interval_low=0.02, interval_high=0.18,
)  # fmt: skip
PUBLISHERS = (
    PUBLISHER,
    replace(PUBLISHER, publisher="<i>wide</i>.example", link_count=40, followed_share=0.1, orphaned_page_count=0),
    replace(PUBLISHER, publisher="small.example", link_count=4, followed_share=0.01, orphaned_page_count=1),
)
FLAG = LinkFlag(
    flag="velocity", publisher=None, subject=None, anchor=None, first_day=date(2026, 11, 2),
    last_day=date(2026, 11, 8), counted=40, expected=2.5, p_value=1e-5, false_alarm_rate=0.007,
)  # fmt: skip
EXACT = replace(FLAG, flag="exact_anchor_share", first_day=FLAG.last_day, counted=31, expected=12.0)
WIDE_FLAG = replace(
    FLAG, flag="site_wide", publisher="wide.example", anchor="<b>pans</b>", counted=4_100, expected=None, p_value=None,
    false_alarm_rate=None,
)  # fmt: skip
FLAGS = (FLAG, EXACT, WIDE_FLAG)
LOSS = ExpectedLoss(
    link_count=1_204, untold_link_count=0, expected_loss_count=61.3, interval_low=38.2, interval_high=84.4
)
WHOLE = Portfolio(MONTHS, UNSEEN, LIVES, PUBLISHERS, FLAGS, LOSS)


def page_of(portfolio: Portfolio) -> str:
    return render_page(compose(Facts("alderwood", 1, "google", "log_position", True, portfolio=portfolio), ()))


def test_what_hangs_on_one_domain_and_how_broad_it_is() -> None:
    assert say_portfolio(Portfolio((MONTH,))) == [
        "400 followed links of 120 domains live; the largest domain has 18 % of them.",
        "That is as broad as 70 domains with equally many links (62 to 79).",
    ]


def test_months_are_compared_at_the_coverage_that_they_share() -> None:
    assert say_portfolio(Portfolio(MONTHS))[2] == (
        "In June 2026 it was 56.0 where it is 61.0 now, both at a coverage of 91 %, that of the month that shows least."
    )


def test_nothing_is_compared_with_a_month_of_which_too_little_is_known() -> None:
    few = replace(MONTHS[0], common_1=None, common_coverage=None)
    assert len(say_portfolio(Portfolio((few, MONTHS[1])))) == 2
    assert len(say_portfolio(Portfolio((MONTHS[1], replace(few, month=date(2026, 12, 1)))))) == 2


def test_an_exploratory_breadth_has_no_interval_and_says_why() -> None:
    guess = replace(MONTH, low_1=None, high_1=None, status="exploratory")
    assert say_portfolio(Portfolio((guess,)))[1].endswith(
        "equally many links, a first guess: too little of it is seen."
    )


def test_of_fewer_than_thirty_links_only_counts_are_told() -> None:
    few = replace(
        MONTH, item_count=1, class_count=1, largest_share=None, hill_1=None, asymptotic_1=None, low_1=None, high_1=None
    )
    assert say_portfolio(Portfolio((few,))) == [
        "1 followed link of 1 domain lives.",
        "How broad that is cannot be told: it takes 30 links.",
    ]


def test_what_goes_with_the_largest_publisher() -> None:
    without, change = say_portfolio(Portfolio(publishers=PUBLISHERS))
    assert without == (
        "Without big.example 18 % of them would go, with 25 % of the authority that they bring, and 3 pages would have "
        "none left; the others are as broad as 63.2 domains with equally many links, where all together are as 61.0."
    )
    assert change == (
        "Without the 14 of its 74 links of which it is known what they did, their pages would stand between 2.0 and "
        "20 % further down."
    )


@pytest.mark.parametrize(
    ("publisher", "said"),
    [
        (replace(PUBLISHER, interval_low=-0.02), "What 14 of its 74 links did cannot be told from nothing"),
        (
            replace(PUBLISHER, judged_count=9, expected_log_position_change=None, interval_low=None),
            "cannot be told: what 9 of its 74 links did is known, and it takes 10.",
        ),
        (replace(PUBLISHER, orphaned_page_count=0, hill_1_after=None), "and no page would be left without any."),
        (replace(PUBLISHER, authority_share=None), "Without big.example 18 % of them would go, and 3 pages"),
    ],
)
def test_what_cannot_be_said_of_a_publisher_is_not_said(publisher: Publisher, said: str) -> None:
    assert said in " ".join(say_portfolio(Portfolio(publishers=(publisher,))))


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (LOSS, ["Of 1,204 living links 61 are expected to go within 90 days (38 to 84)."]),
        (
            replace(LOSS, untold_link_count=7),
            [
                "Of 1,204 living links 61 are expected to go within 90 days (38 to 84); 7 more are older than anything "
                "that was watched long enough."
            ],
        ),
        (replace(LOSS, expected_loss_count=None, interval_low=None, interval_high=None), []),
    ],
)
def test_what_is_expected_to_go_has_an_interval(loss: ExpectedLoss, said: list[str]) -> None:
    assert say_portfolio(Portfolio(loss=loss)) == said


def test_flags_are_facts_to_explain() -> None:
    assert say_portfolio(Portfolio(flags=(*FLAGS, FLAG))) == [
        "In the week of 2 November 2026 40 new domains linked, where 2.5 are usual: something to explain, good or bad.",
        "31 domains link with a keyword as it is, where 12.0 are usual.",
        "4,100 links of wide.example say “<b>pans</b>”, as menus and footers do.",
    ]
    assert [row[3:] for row in flag_table(Portfolio(flags=FLAGS)).rows] == [
        ("40", "2.5", "p < 0.001", "7 in 1,000"),
        ("31", "12.0", "p < 0.001", "7 in 1,000"),
        ("4,100", "–", "–", "a fact"),
    ]


@pytest.mark.parametrize(
    ("unseen", "said"),
    [
        (UNSEEN, "at least 201 link (surely more than 180)."),
        (replace(UNSEEN, low_count=150), "at least 201 link."),
        (
            replace(UNSEEN, left_out=["old_export"]),
            "old export looks where the others do not, and has no part in that.",
        ),
        (replace(UNSEEN, witness_count=3, is_guarded=False), "could not be told if one of them looks only where"),
        (replace(UNSEEN, bound_count=None, low_count=None), "too few of either to tell how many none of them saw."),
    ],
)
def test_what_nobody_saw_is_at_least_so_much(unseen: Unseen, said: str) -> None:
    (sentence,) = say_portfolio(Portfolio(unseen=unseen))
    assert sentence.startswith(f"{unseen.witness_count} witnesses saw links of 150 domains this month")
    assert said in sentence


def test_each_flag_says_what_was_counted_of_whom() -> None:
    fact = replace(WIDE_FLAG, anchor=None, counted=3)
    burst = replace(FLAG, flag="network_burst", subject="192.0.2.0/24", counted=6, expected=0.7)
    owner = replace(fact, flag="shared_owner", publisher=None, subject="5f3a")
    hidden, paid = replace(fact, flag="hidden_link"), replace(fact, flag="paid_without_rel", counted=1)
    said = [say_portfolio(Portfolio(flags=(flag,)))[-1] for flag in (burst, owner, hidden, paid)]
    assert said == [
        "6 domains of network 192.0.2.0/24 came from 2026-11-02 to 2026-11-08, where 0.7 are usual: something to"
        " explain, good or bad.",
        "3 domains carry one tag of analytics or ads (5f3a), a hint of one owner.",
        "wide.example hides 3 links from whoever reads its pages, by inline style.",
        "Paid for and followed: 1 link of wide.example. Google asks for sponsored or nofollow there.",
    ]
    assert [row[2] for row in flag_table(Portfolio(flags=(burst, owner, paid))).rows] == [
        *("192.0.2.0/24", "5f3a", "wide.example")
    ]


def test_shares_that_live_longer_have_intervals() -> None:
    assert say_portfolio(Portfolio(lives=(LIFE, replace(LIFE, age_days=365, survival=None)))) == [
        "Of all links 90 % (84 to 94) live longer than 90 days."
    ]
    assert say_portfolio(Portfolio(lives=(replace(LIFE, survival=None),))) == [
        "How long links live cannot be told yet."
    ]


def test_a_refused_share_is_in_no_table_and_no_picture() -> None:
    refused = replace(LIFE, survival=None, interval_low=None, interval_high=None, status="not_enough_data")
    assert lives_picture(Portfolio(lives=(refused,))) is None
    (row,) = survival_table(Portfolio(lives=(refused,))).rows
    assert row == ("All links, 90 days", "–", "310", "90", "31")


def test_the_table_of_publishers_says_how_many_links_are_judged() -> None:
    assert publisher_table(WHOLE).rows[0] == (
        *("big.example", "74", "18 %", "25 %", "3", "63.2"),
        *("2.0 to 20 % further down", "14 of 74"),
    )


def test_the_newest_month_comes_first_in_the_table() -> None:
    rows = portfolio_table(WHOLE).rows
    assert [row[0] for row in rows] == ["2026-11", "2026-10", "2026-09", "2026-08", "2026-07", "2026-06"]
    assert rows[0][3:] == ("18 %", "61.0", "70.4")


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_pictures_say_what_they_show_at_any_width(width: int) -> None:
    lives, breadth, losses = lives_picture(WHOLE), breadth_picture(WHOLE), loss_picture(WHOLE)
    assert lives is not None
    assert breadth is not None
    assert losses is not None
    drawn = to_svg(lives, width)
    assert drawn == to_svg(lives, width)
    assert "Followed links: 310 watched at 30 days, 310 at 365" in drawn
    assert to_svg(breadth, width) == to_svg(breadth, width)
    assert breadth_picture(Portfolio(MONTHS[:2])) is None
    shown = to_svg(losses, width)
    assert "18.5 % and 25.0 %, 3 pages" in shown
    assert "&lt;i&gt;wide" in shown
    assert loss_picture(Portfolio(publishers=PUBLISHERS[:2])) is None


def test_a_property_of_which_nothing_is_known_has_no_such_section() -> None:
    assert "The portfolio of links" not in text_of(page_of(Portfolio()))
    page = text_of(page_of(WHOLE))
    assert "The portfolio of links" in page
    assert "What all of them find hard to see".lower() in page.lower()


def test_the_terminal_says_the_same() -> None:
    lines: list[str] = []
    say_effect(Facts("alderwood", 1, "google", "log_position", True, portfolio=WHOLE), lines.append)
    assert {f"* {said}" for said in say_portfolio(WHOLE)} <= set(lines)


def test_a_propertys_own_newest_months_are_read(marts: Connection, analyst: Connection) -> None:
    months = [date(2020 + number // 12, number % 12 + 1, 1) for number in range(MOST_MONTHS + 3)]
    sorts = {"property_key": 1, "dimension": "domain", "weight": "link"}
    rows = [asdict(replace(MONTH, month=month)) | sorts for month in months]
    rows += [rows[-1] | {"dimension": "item_type"}, rows[-1] | {"property_key": 2}]
    insert(marts, "rpt_portfolio", rows)
    bound = asdict(UNSEEN) | {"property_key": 1, "unit": "domain"}
    insert(
        marts,
        "rpt_witness_bound",
        [bound, bound | {"month": date(2026, 10, 1), "seen_count": 3}, bound | {"unit": "link"}],
    )
    life = asdict(LIFE) | {"property_key": 1, "class": ""}
    del life["class_name"]
    insert(marts, "rpt_link_survival", [life, life | {"dimension": "witness", "class": "w"}])
    insert(marts, "fct_link_flag", [asdict(row) | {"property_key": 1, "subject_key": 1} for row in (EXACT, FLAG)])
    insert(marts, "rpt_expected_loss", [asdict(LOSS) | {"property_key": 1}])
    insert(
        marts,
        "rpt_portfolio_stress",
        [asdict(row) | {"property_key": 1, "publisher_key": number} for number, row in enumerate(PUBLISHERS[::-1])],
    )
    assert read_portfolio(analyst, 1) == Portfolio(
        tuple(replace(MONTH, month=month) for month in months[3:]), UNSEEN, (LIFE,), PUBLISHERS, (EXACT, FLAG), LOSS
    )
    assert read_portfolio(analyst, 3) == Portfolio()
