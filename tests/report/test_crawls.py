"""What a report says of who crawled: what is proven, what went to waste, and nothing where no log tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import psycopg

from seo_warehouse.report.crawls import Crawler, read_crawlers
from seo_warehouse.report.crawls_words import crawl_table, say_crawls
from seo_warehouse.report.facts import Facts
from seo_warehouse.report.page import compose, render_page
from seo_warehouse.report.text import say_effect
from tests.report.test_page import text_of
from tests.report.world import insert

LAST = date(2026, 5, 28)
GOOGLEBOT = Crawler(
    operator="google", bot="Googlebot", purpose="search_index", last_day=LAST, verified_count=200, spoofed_count=7,
    unverifiable_count=0, parameter_count=40, redirect_count=22, error_count=10, other_waste_count=0,
)  # fmt: skip
GPTBOT = replace(
    GOOGLEBOT, operator="openai", bot="GPTBot", purpose="ai_training", verified_count=30, spoofed_count=10,
    parameter_count=0, redirect_count=0, error_count=3,
)  # fmt: skip
ASKED = replace(GPTBOT, bot="ChatGPT-User", purpose="ai_user", verified_count=5, spoofed_count=0, unverifiable_count=5)


def facts_of(*crawlers: Crawler) -> Facts:
    return Facts("alderwood", 1, "google", "log_position", True, crawlers=crawlers)


def test_each_engine_has_a_sentence_and_ai_has_one() -> None:
    more = replace(
        GOOGLEBOT, bot="Googlebot-Image", verified_count=0, parameter_count=0, redirect_count=0, error_count=0
    )
    assert say_crawls((ASKED, GOOGLEBOT, more, GPTBOT)) == [
        "Google's crawlers came 200 times in the four weeks to 2026-05-28; 36 % of that was waste: 20 % to parameters, "
        "11 % to redirects, 5 % to errors.",
        "AI crawlers came 35 times (GPTBot 30, ChatGPT-User 5), 5 of these for people who asked one; 20 % of who "
        "said so lied.",
    ]


def test_who_only_claimed_to_come_did_not() -> None:
    spoofed = replace(GOOGLEBOT, verified_count=0, parameter_count=0, redirect_count=0, error_count=0)
    assert say_crawls((spoofed,)) == []
    assert crawl_table((spoofed,)).rows == (("Googlebot", "Google", "a search engine's index", "0", "–", "7", "0"),)
    assert say_crawls((replace(GPTBOT, verified_count=0, error_count=0),)) == [
        "AI crawlers came 0 times; 100 % of who said so lied."
    ]


def test_page_and_terminal_say_the_same_and_without_logs_nothing() -> None:
    lines: list[str] = []
    facts = facts_of(GOOGLEBOT, GPTBOT)
    say_effect(facts, lines.append)
    page = text_of(render_page(compose(facts, ())))
    for said in say_crawls(facts.crawlers):
        assert f"* {said}" in lines
        assert said in page
    assert "Who crawls" not in text_of(render_page(compose(facts_of(), ())))


def test_visits_of_four_weeks_are_read_of_crawlers_alone(
    marts: psycopg.Connection[Any], analyst: psycopg.Connection[Any]
) -> None:
    insert(
        marts,
        "dim_bot",
        [
            {"bot": bot, "operator": operator, "purpose": purpose, "is_index_crawler": purpose == "search_index"}
            for bot, operator, purpose in (
                ("Googlebot", "google", "search_index"),
                ("GPTBot", "openai", "ai_training"),
                ("AhrefsBot", "ahrefs", "seo_tool"),
            )
        ],
    )
    insert(marts, "fct_log_day", [{"property_key": key, "day": day} for key, day in ((1, LAST), (2, date(2027, 1, 1)))])
    visits = [
        ("Googlebot", "google", "verified", "good", 128, LAST),
        ("Googlebot", "google", "verified", "parameter", 40, date(2026, 5, 1)),
        ("Googlebot", "google", "verified", "redirect", 22, LAST),
        ("Googlebot", "google", "verified", "not_found", 10, LAST),
        ("Googlebot", "google", "verified", "good", 1000, date(2026, 4, 30)),
        ("Googlebot", "google", "spoofed", "good", 7, LAST),
        ("AhrefsBot", "ahrefs", "verified", "good", 500, LAST),
        ("GPTBot", "openai", "verified", "good", 27, LAST),
        ("GPTBot", "openai", "verified", "error", 3, LAST),
        ("GPTBot", "openai", "spoofed", "good", 10, LAST),
    ]
    names = ("bot", "operator", "verdict", "visit_kind", "hit_count", "day")
    insert(marts, "fct_bot_crawl", [{"property_key": 1, **dict(zip(names, row, strict=True))} for row in visits])
    assert read_crawlers(analyst, 1) == (GOOGLEBOT, GPTBOT)
    assert read_crawlers(analyst, 3) == ()
