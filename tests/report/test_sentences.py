"""What is said of an effect, by its status."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse.report.facts import Bursts, Depth, Effect, Facts
from seo_warehouse.report.sentences import (
    Shown,
    judge,
    judge_facts,
    say_bursts,
    say_depth,
    say_dropped,
    say_late,
    say_method,
    say_needed,
    say_short,
    say_surroundings,
    show,
)
from seo_warehouse.report.words import MEASURES, STATUSES
from tests.report.world import effect

FIGURES = st.one_of(st.none(), st.floats())
NAMES = (
    *("estimate", "standard_error", "interval_low", "interval_high", "honest_low", "honest_high", "p_value"),
    *("sample_standard_error", "sample_low", "sample_high", "sample_honest_low", "sample_honest_high"),
    *("followed_minus_nofollow", "followed_minus_nofollow_low", "followed_minus_nofollow_high", "nofollow_estimate"),
)


@st.composite
def effects(draw: Any) -> Effect:
    """Any row that a mart might hold, sensible or not."""
    count = st.integers(min_value=0, max_value=10_000)
    figures = {name: draw(FIGURES) for name in (*NAMES, "base_position", "smallest_detectable_effect")}
    return replace(
        effect(),
        **figures,
        status=draw(st.sampled_from([*STATUSES, "", "something else"])),
        outcome=draw(st.sampled_from([*MEASURES, "unknown_outcome"])),
        event_count=draw(count),
        treated_page_count=draw(count),
        control_count=draw(count),
        cell_count=draw(count),
        needed_event_count=draw(st.one_of(st.none(), count)),
        reason=draw(st.sampled_from([None, "too_few_events", "too_few_controls"])),
        placebo_estimate=draw(FIGURES),
        placebo_p_value=draw(FIGURES),
        pretrend_p_value=draw(FIGURES),
    )


def _all(row: Effect) -> str:
    verdict = judge(row)
    return " ".join([verdict.label, verdict.lead, *verdict.details, *say_method(row, row), say_short(row)])


def test_a_property_without_a_row_has_not_enough_data() -> None:
    assert judge(None).lead == "Not enough data: no link has been judged yet."


@pytest.mark.parametrize("facts", [Facts("a", 1, "google", "log_position", False), Facts("a", 1, "google", "x", True)])
def test_marts_without_estimates_are_said_to_be_so(facts: Facts) -> None:
    verdict = judge_facts(facts)
    assert verdict.lead == "Not enough data: no effects of links have been estimated for a yet."
    assert verdict.details


def test_too_few_links_are_counted_and_no_figure_is_given() -> None:
    row = effect(None, status="not_enough_data", event_count=4, treated_page_count=3, needed_event_count=2)
    verdict = judge(replace(row, smallest_detectable_effect=0.35))
    assert verdict.lead == (
        "Not enough data: 4 isolated links on 3 pages, 640 comparisons with pages of the same topic; "
        "it takes 2 more isolated links for a first interval."
    )
    assert verdict.details == (
        "The smallest effect that this many links can show (in four of five cases): 30 % nearer to the top.",
    )


def test_too_few_controls_are_named_as_the_reason() -> None:
    row = effect(None, status="not_enough_data", needed_event_count=0, control_count=100, cell_count=50)
    assert judge(row).lead.endswith("a link has 2.0 pages to be compared with, on average, and 5 are needed.")


def test_an_exploratory_row_shows_the_interval_only() -> None:
    verdict = judge(effect(-0.3, status="exploratory", event_count=17, treated_page_count=15))
    assert verdict.lead == (
        "Exploratory: in the fourth and fifth week after these new followed links, their pages' positions were "
        "between 18 and 33 % nearer to the top on average, compared with similar pages without one."
    )
    assert any("it takes 15 more isolated links for an estimate" in detail for detail in verdict.details)


def test_an_estimate_shows_figure_interval_and_honest_interval_in_per_cent_and_places() -> None:
    verdict = judge(effect(-0.3))
    assert verdict.lead.startswith("Estimate: ")
    assert "26 % nearer to the top on average, compared with" in verdict.lead
    assert verdict.details[:4] == (
        "Another such link: between 16 and 34 % nearer to the top.",
        "In places: 3.7 places nearer to the top, from position 14.2.",
        "Honest interval of these links: between 18 and 33 % nearer to the top "
        "(between 2.6 and 4.7 places nearer to the top, from position 14.2).",
        "Plain 95 % interval: between 20 and 32 % nearer to the top; it trusts the comparison fully.",
    )


@pytest.mark.parametrize("status", ["exploratory", "estimate"])
def test_an_honest_interval_that_holds_0_tells_nothing_apart(status: str) -> None:
    row = effect(-0.09, status=status)
    assert (row.sample_high or 0) < 0 < (row.sample_honest_high or 0)
    assert judge(row).lead == (
        f"{STATUSES[status]}: of these links no effect distinguishable; "
        "it lies between 17 % nearer to the top and 1.1 % further down."
    )
    assert say_short(row) == "no effect distinguishable"


def test_five_links_tell_of_themselves_and_not_of_another() -> None:
    few = effect(-0.3, status="exploratory", event_count=6, treated_page_count=5)
    known = replace(few, **dict.fromkeys(("interval_low", "interval_high", "honest_low", "honest_high", "p_value")))
    verdict = judge(known)
    assert "between 18 and 33 % nearer to the top on average" in verdict.lead
    assert verdict.details[0] == "What another such link may do cannot be said yet: it takes 5 more isolated links."


def test_another_link_is_no_surer_than_these() -> None:
    row = replace(effect(-0.3), honest_low=-0.25, honest_high=-0.2, sample_honest_low=-0.3, sample_honest_high=-0.1)
    assert show(row).another == show(row).honest == (-0.3, -0.1)
    wide = replace(row, honest_low=-0.4, honest_high=-0.2)
    assert (show(wide).another, show(wide).honest) == ((-0.4, -0.1), (-0.3, -0.1))


def test_what_another_link_may_do_stands_where_these_are_not_told_apart() -> None:
    names = ("sample_low", "sample_high", "sample_honest_low", "sample_honest_high")
    row = replace(effect(-0.3), **dict.fromkeys(names))
    assert show(row).honest == show(row).another == (row.honest_low, row.honest_high)


@pytest.mark.parametrize(
    ("events", "dropped", "said"),
    [
        (12, {"other_link": 30, "no_keyword": 8}, "Of 50 link events of this kind 12 can be judged; at this rate an "
         "estimate takes some 130 in all."),
        (2, {"other_link": 4}, "Of 6 link events of this kind 2 can be judged; as a rule one of three can be, so that "
         "an estimate takes some 90 in all."),
    ],
)  # fmt: skip
def test_how_far_it_is_to_an_estimate_is_said_by_what_could_be_judged(
    events: int, dropped: dict[str, int], said: str
) -> None:
    status = "exploratory" if events >= 5 else "not_enough_data"
    row = effect(status=status, event_count=events, treated_page_count=events, dropped_events=dropped)
    assert said in judge(row).details
    assert said not in judge(replace(row, status="estimate")).details
    assert not any("can be judged" in detail for detail in judge(replace(row, dropped_events={})).details)


def test_links_that_were_found_late_have_their_other_base_told() -> None:
    headline = effect(-0.02, is_found_late=True, lead_p_value=0.01)
    donut = effect(-0.3, window_name="donut", sample_honest_low=None, sample_honest_high=None)
    facts = Facts("a", 1, "google", "log_position", True, effects=(headline, donut))
    (said,) = say_late(facts)
    assert "(p = 0.01). Against days 28 to 22" in said
    assert "lies between 16 and 34 % nearer to the top: that tells more here." in said
    assert say_late(replace(facts, effects=(replace(headline, is_found_late=False), donut))) == ()
    assert say_late(replace(facts, effects=(headline,))) == ()


def test_bursts_have_a_sentence_of_their_own() -> None:
    row = effect(-0.3, arm="burst_followed", window_name="burst", begin_day=49, end_day=62, event_count=11)
    facts = Facts("a", 1, "google", "log_position", True, effects=(row,), bursts=Bursts(14, 2.64))
    (said,) = say_bursts(facts)
    assert "for eight: 14, of which 11 can be judged. In the eighth and ninth week after the first link of" in said
    assert "of bursts of 2.6 followed domains on average, their pages' positions were between" in said
    assert said.endswith("compared with similar pages without one (honest interval).")
    few = replace(row, status="not_enough_data", event_count=3, needed_event_count=2)
    (said,) = say_bursts(replace(facts, effects=(few,)))
    assert said.endswith("14, of which 3 can be judged. What bursts did cannot be said yet: it takes 2 more.")
    (said,) = say_bursts(replace(facts, effects=()))
    assert said.endswith("14, of which 0 can be judged. What bursts did cannot be said yet: it takes 5 more.")
    (said,) = say_bursts(replace(facts, effects=(replace(few, needed_event_count=0),)))
    assert said.endswith("cannot be said yet: too few pages to compare with.")
    unclear = replace(row, sample_honest_low=-0.1, sample_honest_high=0.1)
    assert "Of these no effect distinguishable; it lies" in say_bursts(replace(facts, effects=(unclear,)))[0]
    assert say_bursts(replace(facts, bursts=Bursts(0, None))) == ()


def test_bursts_without_a_placebo_have_no_honest_interval() -> None:
    row = effect(-0.3, arm="burst_followed", window_name="burst", placebo_estimate=None, placebo_p_value=None)
    ends = ("honest_low", "honest_high", "sample_honest_low", "sample_honest_high")
    row = replace(row, **dict.fromkeys(ends))
    (said,) = say_bursts(Facts("a", 1, "google", "log_position", True, effects=(row,), bursts=Bursts(14, 2.64)))
    assert said.endswith("without one (plain 95 % interval; it trusts the comparison fully).")
    assert "honest" not in said


def test_checks_that_are_mostly_too_shallow_are_said_to_be() -> None:
    (said,) = say_depth(Depth(1_400, 1_393, 10, 100))
    assert "Of 1,400 checks of the last week 1,393 are to less than the panel's depth of 100, mostly to 10" in said
    assert say_depth(Depth(1_400, 700, 10, 100)) == ()
    assert say_depth(None) == ()


def test_before_the_link_the_plain_interval_decides() -> None:
    assert say_short(effect(-0.11, begin_day=-14, end_day=-8)) == "10 % nearer to the top"


@given(effects())
def test_without_enough_data_no_figure_of_an_effect_is_given(row: Effect) -> None:
    refused = replace(row, status="not_enough_data")
    blank = replace(refused, **dict.fromkeys(NAMES))
    assert show(refused) == Shown()
    assert _all(refused) == _all(blank)


@given(effects())
def test_an_exploratory_row_says_the_same_whatever_its_estimate(row: Effect) -> None:
    known = replace(row, status="exploratory")
    blank = replace(
        known, **dict.fromkeys(("estimate", "standard_error", "sample_standard_error", "followed_minus_nofollow"))
    )
    assert _all(known) == _all(blank)


@given(effects())
def test_it_is_never_said_that_there_is_no_effect(row: Effect) -> None:
    for said in re.findall(r"no (?:effect|difference)\b[^.;]*", _all(row), re.IGNORECASE):
        assert re.match(r"no (effect|difference) distinguishable", said)


@given(effects())
def test_a_sentence_begins_with_its_status_and_holds_no_nan(row: Effect) -> None:
    verdict = judge(row)
    assert verdict.lead.startswith(f"{verdict.label}: ")
    assert not re.search(r"\bnan\b|\binf\b|None", _all(row))


@given(effects())
def test_what_is_distinguishable_leads_one_way(row: Effect) -> None:
    shown, lead = show(row), judge(row).lead
    if shown.widest and "distinguishable" not in lead:
        assert shown.widest[0] * shown.widest[1] > 0 or 0 < min(map(abs, shown.widest)) < 1e-150


def test_the_method_is_said_in_words() -> None:
    row = effect(
        followed_minus_nofollow=-0.1,
        followed_minus_nofollow_low=-0.3,
        followed_minus_nofollow_high=0.1,
        pretrend_p_value=0.01,
    )
    nofollow = effect(-0.02, arm="acquired_nofollow")
    said = say_method(row, nofollow)
    assert said[0] == (
        "Followed minus nofollow links: no difference distinguishable; "
        "it lies between 26 % nearer to the top and 11 % further down."
    )
    assert "2.1 % further down (p = 0.43)" in said[1]
    assert said[2].startswith("The weeks before the link drift apart already (p = 0.01)")
    assert "nofollow" not in " ".join(say_method(row, replace(nofollow, status="not_enough_data")))


def test_links_that_were_dropped_are_counted_by_reason() -> None:
    assert say_dropped({"other_link": 3, "no_keyword": 9, "new_code": 1, "unmeasured": 0}) == (
        (9, "no_keyword", "no tracked keyword leads to the page"),
        (3, "other_link", "another link to the page came or went around it"),
        (1, "new_code", "new code"),
    )
    assert say_dropped({}) == ()
    assert say_surroundings(effect(onpage_unknown_count=1, update_overlap_count=2)) == (
        "For 1 link no crawl says whether the page changed.",
        "2 links within reach of a Google update, like the pages compared with.",
    )


@pytest.mark.parametrize(
    ("status", "events", "pages", "needed", "said"),
    [
        ("not_enough_data", 4, 4, 1, "1 more isolated link for a first interval"),
        ("not_enough_data", 12, 3, None, "2 more isolated links for a first interval"),
        ("exploratory", 40, 29, 0, "1 more isolated link for an estimate"),
        ("estimate", 40, 39, 0, None),
    ],
)
def test_how_many_more_links_it_takes(status: str, events: int, pages: int, needed: int | None, said: str) -> None:
    row = replace(effect(), status=status, event_count=events, treated_page_count=pages, needed_event_count=needed)
    assert say_needed(row) == said
