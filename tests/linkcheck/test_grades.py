from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse.linkcheck.grades import Beside, Expected, Grade, Presence, links_to, presence_of
from seo_warehouse.linkcheck.looks import look_at
from tests.linkcheck.pages import LINK, SOURCE, TARGET, WORDS, graded, page, visit

UNKNOWN, ABSENT = Presence.UNKNOWN, Presence.ABSENT
NOT_THERE = f"<title>Not here</title><p>Sorry, there is no such page. {WORDS}"


@pytest.mark.parametrize("status", [401, 403, 429, 451])
def test_a_refusal_is_no_observation(status: int) -> None:
    assert (graded(visit(status=status)).grade, presence_of(Grade.BLOCKED)) == ("blocked", UNKNOWN)


@pytest.mark.parametrize("error", ["robots", "robots_unreachable"])
def test_what_robots_txt_forbids_is_no_observation(error: str) -> None:
    assert graded(visit(status=None, error=error)).grade == "blocked"


@pytest.mark.parametrize("status", [500, 502, 503, 504, 304, 204, 202, 206, 400, 405, 418])
def test_a_status_without_a_page_is_no_observation(status: int) -> None:
    assert graded(visit("", status=status)).presence is UNKNOWN


@pytest.mark.parametrize("error", ["dns", "timeout", "tls", "cut_short", "too_large", "redirect_loop", "bad_encoding"])
def test_a_page_that_did_not_come_whole_is_no_observation(error: str) -> None:
    verdict = graded(visit(status=None, error=error))
    assert (verdict.grade, verdict.reason) == ("unreachable", error)
    assert graded(visit(status=200, error=error)).grade == "unreachable"


@pytest.mark.parametrize("status", [404, 410])
def test_a_missing_page_has_no_link_whatever_it_shows(status: int) -> None:
    verdict = graded(visit(LINK, status=status))
    assert (verdict.grade, verdict.presence, verdict.reason) == ("page_gone", ABSENT, f"http_{status}")


@pytest.mark.parametrize(
    ("body", "status", "headers"),
    [
        ("<title>Just a moment...</title>", 503, {}),
        ("<title>Just a moment...</title>", 200, {}),
        ("<title>Anything</title>", 200, {"cf-mitigated": "challenge"}),
        ("", 202, {"x-amzn-waf-action": "challenge"}),
        ("", 405, {"x-amzn-waf-action": "captcha"}),
        ("<iframe src='https://geo.captcha-delivery.com/captcha/'></iframe>", 200, {}),
        ("<script src='/_Incapsula_Resource?SWJIYLWA=1'></script>", 200, {}),
    ],
)
def test_a_challenge_is_no_observation(body: str, status: int, headers: dict[str, str]) -> None:
    assert graded(visit(body, status=status, headers=headers)).grade == "blocked"


def test_a_firewalls_script_on_a_page_that_has_something_to_say_is_no_challenge() -> None:
    body = f"<script src='/_Incapsula_Resource?x'></script>{LINK}<p>{WORDS * 4}"
    assert graded(body).grade == "live"
    assert graded(f"<title>Just a moment... and other stories</title>{LINK}").grade == "live"
    assert graded(visit("<script src='/_Incapsula_Resource?x'></script>Not found", status=404)).grade == "page_gone"


@pytest.mark.parametrize(
    ("final", "reason"),
    [("https://www.other.example/posts/shoes", "other_domain"), ("https://www.blog.example/", "home_page")],
)
def test_a_page_that_leads_away_has_no_link(final: str, reason: str) -> None:
    verdict = graded(visit(final=final))
    assert (verdict.grade, verdict.presence, verdict.reason) == ("redirected", ABSENT, reason)


def test_a_page_that_moved_within_its_domain_is_live_where_it_is() -> None:
    assert graded(visit(final="https://www.blog.example/2026/shoes")).grade == "live"
    assert graded(visit(url="https://blog.example/", final="https://www.blog.example/")).grade == "live"
    assert graded(visit("<p>nothing", final="https://www.blog.example/2026/shoes")).grade == "gone"


@pytest.mark.parametrize("kind", ["application/pdf", "application/rss+xml", "text/plain"])
def test_what_is_no_html_is_no_observation(kind: str) -> None:
    verdict = graded(visit(headers={"content-type": kind}))
    assert (verdict.grade, verdict.presence) == ("unsupported", UNKNOWN)


def test_a_page_of_more_links_than_are_read_is_no_observation() -> None:
    assert graded("<a href=/x>x</a>" * 6_000).grade == "unsupported"


@pytest.mark.parametrize(
    "hidden",
    [
        f"<!-- {LINK} -->",
        f"<noscript>{LINK}</noscript>",
        f"<template>{LINK}</template>",
        f'<script type="application/ld+json">{{"url": "{TARGET}"}}</script>',
        f"<textarea>{LINK}</textarea>",
        f'<img srcset="{TARGET} 2x"><link rel=alternate href="{TARGET}"><iframe src="{TARGET}"></iframe>',
        f'<svg><a xlink:href="{TARGET}"><text>red shoes</text></a></svg>',
        f"<p>{TARGET}",
    ],
)
def test_what_is_no_link_on_the_page_is_none(hidden: str) -> None:
    verdict = graded(f"<p>{WORDS}</p>{hidden}")
    assert (verdict.grade, verdict.presence, verdict.link_count) == ("gone", ABSENT, 0)


def test_a_link_is_known_by_its_identity() -> None:
    written = "HTTPS://WWW.Shop.Example:443/shoes?utm_source=blog#sizes"
    assert graded(f'<a href="{written}">red shoes</a>').grade == "live"
    assert graded('<base href="https://www.shop.example/"><a href=shoes>red shoes</a>').grade == "live"
    assert graded(f'<map><area href="{TARGET}" alt="red shoes"></map>').grade == "live"
    assert graded(f'<a href="{TARGET}/">red shoes</a>').grade == "target_changed"


def test_whatever_leads_to_the_target_page_is_the_link() -> None:
    expected = Expected(frozenset({TARGET, "http://shop.example/old"}), anchor="red shoes")
    assert graded('<a href="http://shop.example/old">red shoes</a>', expected).grade == "live"


def test_of_several_links_the_followed_one_counts_and_the_words_are_sought_in_all() -> None:
    body = (
        f'<nav><a rel="nofollow" href="{TARGET}">shop</a></nav>{LINK}<footer><a rel=ugc href="{TARGET}">x</a></footer>'
    )
    verdict = graded(body)
    assert (verdict.grade, verdict.link_count, verdict.rel, verdict.anchor, verdict.place) == (
        "live", 3, (), "red shoes", "main",
    )  # fmt: skip


def test_a_changed_rel_comes_before_changed_words_and_each_has_a_column() -> None:
    verdict = graded(f'<meta name=robots content=noindex><a rel="sponsored noopener" href="{TARGET}">blue</a>')
    assert (verdict.grade, verdict.rel) == ("rel_changed", ("sponsored",))
    assert (verdict.is_rel_changed, verdict.is_anchor_changed, verdict.is_noindex) == (True, True, True)


def test_a_page_that_follows_nothing_counts_as_rel() -> None:
    assert graded(f"<meta name=robots content=nofollow>{LINK}").rel == ("nofollow",)
    assert graded(visit(headers={"x-robots-tag": "googlebot: none"})).rel == ("nofollow",)
    assert graded(visit(headers={"x-robots-tag": "otherbot: none"})).grade == "live"


def test_words_are_compared_as_they_are_read() -> None:
    assert graded(f'<a href="{TARGET}"> Red\n <b>SHOES</b></a>').grade == "live"
    assert graded(f'<a href="{TARGET}">green shoes</a>').grade == "anchor_changed"


def test_what_nobody_knew_before_has_not_changed() -> None:
    verdict = graded(f'<a rel=nofollow href="{TARGET}">any</a>', Expected(frozenset({TARGET})))
    assert (verdict.grade, verdict.is_rel_changed, verdict.is_anchor_changed) == ("live", None, None)


def test_a_page_that_may_not_be_indexed_is_told() -> None:
    assert graded(f'<meta name="GoogleBot" content="noindex">{LINK}').grade == "noindex_source"
    assert graded(visit(headers={"x-robots-tag": "noindex"})).grade == "noindex_source"


def test_a_canonical_counts_where_the_page_that_it_names_has_not_the_link() -> None:
    body = f'<link rel=canonical href="https://blog.example/all">{LINK}'
    assert graded(body, beside=Beside(canonical=page("<p>no link"))).grade == "canonicalised"
    assert graded(body, beside=Beside(canonical=page(LINK))).grade == "live"
    assert (graded(body).grade, graded(body).is_canonicalised) == ("live", None)
    own = f'<link rel=canonical href="http://www.blog.example/posts/shoes/">{LINK}'
    assert graded(own, beside=Beside(canonical=page("<p>no link"))).is_canonicalised is False


def test_a_link_with_the_same_words_to_another_page_has_changed_its_target() -> None:
    body = '<p><a href="https://shop.example/boots">red shoes</a>'
    verdict = graded(body)
    assert (verdict.grade, verdict.found_url) == ("target_changed", "https://shop.example/boots")
    assert graded(body, others=frozenset({"https://shop.example/boots"})).grade == "gone"
    assert graded('<footer><a href="https://shop.example/boots">red shoes</a></footer>').grade == "gone"
    assert graded('<p><a href="https://notshop.example/boots">red shoes</a>').grade == "gone"


def test_a_counter_of_the_pages_own_that_names_the_target_is_the_link() -> None:
    out = "https://blog.example/out?id=7&url=https%3A%2F%2Fwww.shop.example%2Fshoes"
    verdict = graded(f'<a href="{out}">red shoes</a>')
    assert (verdict.grade, verdict.reason) == ("live", "redirected_link")
    assert graded(f'<a href="{out.replace("blog", "counter")}">red shoes</a>').grade == "gone"


def test_a_page_that_scripts_are_to_make_is_no_observation() -> None:
    shell = "<title>App</title><div id=root></div><script src=app.js></script>"
    assert graded(shell).grade == "js_only"
    assert graded(f"{shell}{LINK}").grade == "live"
    assert graded(f"{shell}<p>{WORDS}").grade == "gone"
    assert graded("<p>short").grade == "gone"


def test_a_page_like_the_answer_to_a_made_up_path_is_gone() -> None:
    missing, home = page(f"{NOT_THERE} You asked for /qwertyuiop"), page(f"<p>Welcome {WORDS[::-1]}")
    verdict = graded(f"{NOT_THERE} You asked for /posts/shoes", beside=Beside(made_up=missing, home=home))
    assert (verdict.grade, verdict.reason) == ("page_gone", "soft_404")
    assert graded(f"<p>{WORDS[::-1]}", beside=Beside(made_up=missing, home=home)).grade == "gone"
    assert graded(f"{NOT_THERE}{LINK}", beside=Beside(made_up=missing, home=home)).grade == "live"


def test_a_host_that_answers_every_path_alike_says_of_none_whether_it_is_there() -> None:
    alike = page(NOT_THERE)
    verdict = graded(NOT_THERE, beside=Beside(made_up=alike, home=alike))
    assert (verdict.grade, verdict.presence, verdict.reason) == ("unreachable", UNKNOWN, "answers_alike")


def test_a_parked_domain_has_no_page() -> None:
    parked = "<html data-adblockkey=abc><script>park()</script><p>Related searches"
    assert graded(parked).grade == "page_gone"
    assert graded(f"<p>{WORDS}", beside=Beside(is_repeated=True)).grade == "page_gone"
    assert graded(f"{parked}{LINK}").grade == "live"


def test_all_links_to_the_property_are_found_each_once() -> None:
    foreign = '<a href="https://shop.example.evil.example/">b</a><a href=/c>c</a>'
    body = f'{LINK}{LINK}<a href="http://shop.example/a">a</a>{foreign}'
    assert list(links_to(look_at(visit(body)), "shop.example")) == [TARGET, "http://shop.example/a"]
    assert list(links_to(look_at(visit(body, status=404)), "shop.example")) == []


CONDITIONS = st.fixed_dictionaries(
    {
        "has_link": st.booleans(),
        "is_nofollow": st.booleans(),
        "has_words": st.booleans(),
        "is_noindex": st.booleans(),
        "is_shell": st.booleans(),
        "status": st.sampled_from([200, 200, 200, 301, 403, 404, 410, 429, 500, 503]),
        "is_moved": st.booleans(),
    }
)


@given(CONDITIONS)
def test_the_first_condition_that_applies_is_the_grade(stated: dict[str, bool | int]) -> None:
    rel = ' rel="nofollow"' if stated["is_nofollow"] else ""
    words = "red shoes" if stated["has_words"] else "here"
    body = (
        ("<meta name=robots content=noindex>" if stated["is_noindex"] else "")
        + (f'<a href="{TARGET}"{rel}>{words}</a>' if stated["has_link"] else "")
        + ("<script></script>" if stated["is_shell"] else WORDS)
    )
    final = "https://other.example/" if stated["is_moved"] else SOURCE
    verdict = graded(visit(body, status=int(stated["status"]), final=final))
    rules = [
        (stated["status"] in (403, 429), "blocked"),
        (stated["status"] in (301, 500, 503), "unreachable"),
        (stated["status"] in (404, 410), "page_gone"),
        (stated["is_moved"], "redirected"),
        (not stated["has_link"] and stated["is_shell"], "js_only"),
        (not stated["has_link"], "gone"),
        (stated["is_nofollow"], "rel_changed"),
        (not stated["has_words"], "anchor_changed"),
        (stated["is_noindex"], "noindex_source"),
        (True, "live"),
    ]
    assert verdict.grade == next(grade for applies, grade in rules if applies)
    came = stated["status"] == 200 and not stated["is_moved"]
    assert (verdict.link_count is not None) is came or verdict.grade == "js_only"


@given(st.binary(max_size=400), st.sampled_from([200, 404, 503]), st.booleans())
def test_whatever_a_page_holds_is_graded(noise: bytes, status: int, is_before: bool) -> None:
    body = noise + LINK.encode() if is_before else LINK.encode() + noise
    verdict = graded(visit(body, status=status))
    assert verdict.presence in Presence
    if not is_before and status == 200:
        assert verdict.presence is Presence.PRESENT or verdict.grade in ("blocked", "unsupported")
