"""fct_link_rank_change over hand-made nights; every expected figure was worked out by hand.

Nights 0 to 110, panel depth 10, one check a night. Links are read in full on night 0 and then nightly.
"""

from __future__ import annotations

import re
from collections import Counter
from math import log
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.effects import publish_effects
from tests.warehouse.links import item, publish_night, publish_visits
from tests.warehouse.ranks import HOST, Outcome, publish_checks, publish_crawl
from tests.warehouse.world import Warehouse

LAST = 110
EVENT = 70
MODELS = (
    *("+rpt_link_contribution", "+int_effect__cross_arms", "+int_effect__cross_weeks", "+int_effect__count_dropped"),
    *("+int_effect__measure_spills", "+int_effect__weigh_exposures"),
)
"""What estimates are made of, and what is made of single links."""
MADE_OF_EVENTS = (
    *("marts.fct_link_rank_change", "marts.rpt_link_contribution", "marts.fct_link_effect_cell"),
    *("marts.fct_link_effect_page", "marts.rpt_link_effect"),
)
PAGES = {
    # Links of night 70 lead to /pans/a and /pans/e; b and d are controls, c has a link of its own on night 100.
    "a": "/pans/a",
    "e": "/pans/e",
    "b": "/pans/b",
    "b2": "/pans/b",
    "c": "/pans/c",
    "d": "/pans/d",
    "edited": "/pans/edited",
    "uncertain": "/uncertain/p",
    "short": "/short/p",
    "future": "/future/p",
    "unmeasured": "/unmeasured/p",
    "absent": "/absent/p",
    "other": "/other/p",
    "onpage": "/onpage/p",
    "alone": "/alone/p",
    # The link of night 72 to /solo/p is judged against /solo/q.
    "solo": "/solo/p",
    "solo2": "/solo/q",
}


def outcome(keyword: str, night: int) -> Outcome:
    """What the check of a keyword says on a night."""
    is_after = night >= EVENT
    match keyword:
        case "a":
            # Two checks of the week before measure nothing; of the five others each says 8.
            return {65: "failed", 66: "cut"}.get(night, 4 if is_after else 8)
        case "b":
            return 5 if is_after else 6
        case "b2":
            # Beyond the depth of 10: counted as 11.
            return "absent" if is_after else 10
        case "d":
            return 2 if is_after else 3
        case "unmeasured":
            # Nights 92 to 105 are the headline window; 8 of 14 checks are too shallow.
            return "shallow" if 92 <= night <= 99 else 7
        case "absent":
            return "absent"
        case "solo":
            # Nights 65 to 71 are the week before: 7. Nights 93 to 106 are the window: 4 x 2 and 10 x 4 make 48 / 14.
            return 7 if night < 72 else 2 if night < 97 else 4
        case "solo2":
            return 8 if night < 72 else 6
        case _:
            return 9


def tell(w: Warehouse) -> None:
    """Publish everything."""
    w.add_property(1, "shop.example", depth=10)
    for keyword, path in PAGES.items():
        w.add_keyword(1, keyword, HOST + path)
    for night in range(LAST + 1):
        publish_checks(w, 1, night, {k: (path, outcome(k, night)) for k, path in PAGES.items()})
        tell_links(w, night)
    for night in range(0, LAST + 1, 7):
        contents = {
            path: str(night >= EVENT) if path in ("/onpage/p", "/pans/edited") else "same" for path in PAGES.values()
        }
        publish_crawl(w, 1, night, contents)
    publish_crawl(w, 1, LAST, {path: "same" for path in PAGES.values() if path != "/onpage/p"})
    publish_visits(w, 1, EVENT + 16, {("https://www.five.example/post", f"{HOST}/pans/e"): "live"})


def tell_links(w: Warehouse, night: int) -> None:
    """The links of a night."""

    def to(name: str, path: str, page: str | None = None, **values: Any) -> dict[str, Any]:
        return item(name, target=HOST + path, first=values.pop("first", night), page=page, **values)

    if night == 0:
        publish_night(w, 1, 0, full=[to("u", "/uncertain/p", first=-100, seen=-1)])
        return
    # No night brings more than five first sights: that would be an index change.
    new = {
        EVENT: [
            to("one", "/pans/a"),
            to("five", "/pans/e"),
            to("two", "/pans/a", page="https://two.example/1", rel=("nofollow",)),
            to("two", "/pans/a", page="https://two.example/2"),
        ],
        71: [to("g", "/absent/p"), to("h", "/unmeasured/p"), to("k", "/onpage/p"), to("l", "/alone/p")],
        72: [to("i", "/other/p"), to("s", "/solo/p"), to("w", "/wordless/p")],
        75: [to("s", "/solo/p", page="https://s.example/2")],
        30: [to("e", "/short/p")],
        80: [to("f", "/future/p")],
        90: [to("j", "/other/p")],
        100: [to("c", "/pans/c")],
    }.get(night, [])
    lost = [to("u", "/uncertain/p", first=-100, before=50, seen=EVENT, lost=True)] if night == EVENT else []
    publish_night(w, 1, night, new=new, lost=lost)


@pytest.fixture(scope="module")
def told(warehouse: Warehouse) -> Warehouse:
    """The story, modelled in one run."""
    tell(warehouse)
    warehouse.dbt("run", "--select", *MODELS)
    return warehouse


def row(w: Warehouse, keyword: str, window: str, domain: str) -> dict[str, Any]:
    """One row of the fact."""
    found = w.rows(
        """
        select fact.*
        from marts.fct_link_rank_change as fact
        inner join marts.fct_link_event as link_event
            on link_event.property_key = fact.property_key and link_event.event_key = fact.event_key
        inner join staging.stg_ops__tracked_keyword as keyword
            on keyword.property_key = fact.property_key and keyword.keyword_key = fact.keyword_key
        where keyword.keyword = %s and fact.window_name = %s and link_event.source_domain = %s || '.example'
        order by link_event.source_url
        """,
        *(keyword, window, domain),
    )
    assert len(found) == (2 if domain in {"two", "s"} else 1)
    return found[-1]


def test_before_and_after_are_means_over_what_was_measured(told: Warehouse) -> None:
    got = row(told, "a", "headline", "one")
    # Before: 5 of 7 checks, each 8. Nights 91 to 104: 14 checks, each 4.
    assert (got["base_position"], got["window_position"], got["position_change"]) == (8, 4, -4)
    assert (got["base_expected_count"], got["base_check_count"], got["base_measured_count"]) == (7, 7, 5)
    assert (got["window_expected_count"], got["window_check_count"], got["window_measured_count"]) == (14, 14, 14)
    assert got["base_found_share"] == pytest.approx(5 / 7)
    assert got["base_failed_share"] == pytest.approx(1 / 7)
    assert got["base_truncated_share"] == pytest.approx(1 / 7)
    assert got["window_found_share"] == 1
    assert got["log_position_change"] == pytest.approx(-log(2))


def test_controls_are_clean_pages_of_the_topic_each_the_mean_of_its_keywords(told: Warehouse) -> None:
    got = row(told, "e", "headline", "five")
    # a has links of that night, c has a link on night 100, edited changed around night 70. b: (6 + 10) / 2 = 8 to
    # (5 + 11) / 2 = 8; d: 3 to 2.
    assert got["control_count"] == 2
    assert (got["control_base_position"], got["control_window_position"]) == (5.5, 5)
    assert got["control_position_change"] == -0.5
    expected = ((log(5 / 6) + log(11 / 10)) / 2 + log(2 / 3)) / 2
    assert got["control_log_position_change"] == pytest.approx(expected)
    # Of 3 keywords x 14 checks those of b2 find nothing.
    assert got["control_window_not_found_share"] == pytest.approx(1 / 3)
    # e stayed where it was.
    assert got["log_position_difference"] == pytest.approx(-expected)


def test_links_of_one_domain_and_date_are_one_event_and_the_followed_one_stands_for_it(told: Warehouse) -> None:
    found = told.rows(
        """
        select fact.reason, link_event.is_followed, fact.other_link_count
        from marts.fct_link_rank_change as fact
        inner join marts.fct_link_event as link_event on link_event.event_key = fact.event_key
        where link_event.source_domain = 'two.example' and fact.window_name = 'headline'
        order by link_event.is_followed
        """
    )
    # Two domains link to /pans/a on night 70: one's link is other to the two of the other.
    assert found == [
        {"reason": "same_event", "is_followed": False, "other_link_count": 1},
        {"reason": "other_link", "is_followed": True, "other_link_count": 1},
    ]
    assert row(told, "a", "headline", "one")["other_link_count"] == 2


@pytest.mark.parametrize(
    ("keyword", "domain", "window", "reason"),
    [
        ("uncertain", "u", "headline", "uncertain_date"),
        ("short", "e", "headline", "short_history"),
        ("future", "f", "headline", "future_incomplete"),
        ("unmeasured", "h", "headline", "unmeasured"),
        ("absent", "g", "headline", "not_ranking"),
        ("other", "i", "headline", "other_link"),
        ("onpage", "k", "headline", "onpage_change"),
        ("alone", "l", "headline", "no_controls"),
        # Isolation is asked for until night 34 after the event, or the window's end: here night 112.
        ("alone", "l", "week_5", "no_controls"),
        ("alone", "l", "week_6", "future_incomplete"),
    ],
)
def test_what_cannot_be_judged_has_a_reason_and_no_difference(
    told: Warehouse, keyword: str, domain: str, window: str, reason: str
) -> None:
    got = row(told, keyword, window, domain)
    assert (got["reason"], got["position_difference"], got["log_position_difference"]) == (reason, None, None)


def test_a_window_without_half_of_its_checks_has_no_mean(told: Warehouse) -> None:
    got = row(told, "unmeasured", "headline", "h")
    assert (got["base_position"], got["window_position"], got["window_measured_count"]) == (7, None, 6)
    # Nights 99 to 105 are one shallow check and six that measure.
    assert row(told, "unmeasured", "week_5", "h")["window_position"] == 7


def test_a_crawl_with_a_gap_leaves_on_page_change_unknown(told: Warehouse) -> None:
    assert row(told, "alone", "headline", "l")["is_onpage_unknown"] is False
    # Day 90 + 34 lies beyond the last crawl.
    assert row(told, "other", "headline", "j")["is_onpage_unknown"] is True
    got = row(told, "onpage", "headline", "k")
    assert (got["is_onpage_changed"], got["is_onpage_unknown"]) == (True, False)


def test_what_can_be_judged_is_the_difference_of_the_differences(told: Warehouse) -> None:
    got = row(told, "solo", "headline", "s")
    assert (got["reason"], got["control_count"], got["other_link_count"]) == (None, 1, 0)
    assert got["position_change"] == pytest.approx(48 / 14 - 7)
    # The control went from 8 to 6.
    assert got["position_difference"] == pytest.approx(48 / 14 - 7 + 2)
    assert got["log_position_difference"] == pytest.approx((4 * log(2) + 10 * log(4)) / 14 - log(7) - log(6 / 8))


@pytest.mark.parametrize(
    ("domain", "reasons"),
    [
        ("w", ["no_keyword"]),
        ("s", ["same_event", "too_few_events"]),
        # Its beginning lies before the first check.
        ("u", ["no_keyword", "uncertain_date"]),
        ("e", ["short_history"]),
        ("f", ["future_incomplete"]),
        ("h", ["unmeasured"]),
        ("g", ["not_ranking"]),
        ("i", ["other_link"]),
        ("k", ["onpage_change"]),
        ("l", ["no_controls"]),
    ],
)
def test_a_link_that_cannot_be_judged_has_a_reason_and_no_number(
    told: Warehouse, domain: str, reasons: list[str]
) -> None:
    found = told.rows(
        """
        select contribution.*
        from marts.rpt_link_contribution as contribution
        inner join marts.fct_link_event as link_event using (property_key, event_key)
        where link_event.source_domain = %s || '.example' and contribution.panel = 'google'
        order by contribution.reason
        """,
        domain,
    )
    assert [row["reason"] for row in found] == reasons
    for row in found:
        numbers = ("own_effect", "own_standard_error", "group_effect", "shrunk_effect", "shrunk_low", "own_weight")
        assert [row[name] for name in numbers] == [None] * len(numbers)


def told_of(w: Warehouse, keyword: str, domain: str) -> list[list[dict[str, Any]]]:
    """What the four queries of docs/modelling.md say of a row of the headline window."""
    known = row(w, keyword, "headline", domain)
    page = (Path(__file__).parents[2] / "docs/modelling.md").read_text(encoding="utf-8")
    queries = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    assert len(queries) == 4
    # As psql fills in its variables.
    return [
        w.rows(
            re.sub(
                r"(?<!:):('?)(\w+)\1", lambda name: f"'{known[name[2]]}'" if name[1] else str(known[name[2]]), query
            ).replace("%", "%%")
        )
        for query in queries
    ]


def test_four_queries_tell_why_a_row_has_its_reason(told: Warehouse) -> None:
    [[itself], links, _, _] = told_of(told, "other", "i")
    assert (itself["reason"], itself["other_link_count"]) == ("other_link", 1)
    assert [(link["source_domain"], link["is_this"], link["is_event"]) for link in links] == [
        ("i.example", True, True),
        ("j.example", False, True),
    ]
    [[itself], [link, *_], _, _] = told_of(told, "uncertain", "u")
    assert (itself["reason"], link["is_this"], link["is_uncertain_date"]) == ("uncertain_date", True, True)
    [[itself], _, checks, _] = told_of(told, "unmeasured", "h")
    found = {(each["span"], each["state"]): each["checks"] for each in checks}
    assert (itself["reason"], found) == (
        "unmeasured",
        {("base", "found"): 7, ("window", "found"): 6, ("window", "not_found"): 8},
    )
    [[itself], _, _, pages] = told_of(told, "onpage", "k")
    assert (itself["reason"], pages[0]["is_its_own"]) == ("onpage_change", True)
    assert pages[0]["change_date"] is not None
    # Pages that are not its own and were left alone are the controls.
    [[itself], _, _, pages] = told_of(told, "e", "five")
    alone = [page["url"] for page in pages if page["link_date"] is None and page["change_date"] is None]
    assert (itself["control_count"], alone) == (2, [f"{HOST}/pans/b", f"{HOST}/pans/d"])


def made_of_events(w: Warehouse) -> dict[str, Counter[str]]:
    """The rows of what is made of events."""
    publish_effects(w)
    w.dbt("run", "--select", "rpt_link_effect")
    return {
        table: Counter(row["told"] for row in w.rows(f"select to_jsonb(made)::text as told from {table} as made"))
        for table in MADE_OF_EVENTS
    }


# The last of the module, since it tells more.
def test_a_loss_that_a_visit_denies_leaves_what_is_made_of_events_as_it_was(told: Warehouse) -> None:
    before = made_of_events(told)
    claim = item("five", target=f"{HOST}/pans/e", first=EVENT, before=EVENT + 5, seen=EVENT + 13, lost=True)
    publish_night(told, 1, EVENT + 14, lost=[claim])
    told.refresh(*MODELS)
    refuted = told.rows("select source_domain from marts.fct_link_event where evidence = 'refuted'")
    assert refuted == [{"source_domain": "five.example"}]
    assert all(before.values())
    assert made_of_events(told) == before
