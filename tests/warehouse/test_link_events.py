"""Link events of hand-made nights, one property for each story; every expected date was worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.warehouse.links import MODELS, day, events, item, publish_night, publish_visits
from tests.warehouse.world import Warehouse

DATED, UNDATED, TWO_SNAPSHOTS, TRUNCATED, OUTAGE, CLAIMED, CHANGED = range(1, 8)
REJECTED, GROWN, TWO_ON_A_PAGE, RETARGETED, GLITCH, DOMAINS, REWORDED = range(8, 15)
DENIED, NEVER_TOLD, MISSED, GROWN_TOO, DARK = range(15, 20)
LINK = ("https://www.a.example/post", "https://shop.example/pans")
KEYS = ["property_key", "link_key", "linking_key", "page_key"]


@pytest.fixture(scope="module")
def told(warehouse: Warehouse) -> Warehouse:
    """All stories published, and modelled in one run."""
    for tell in STORIES:
        tell(warehouse)
    warehouse.dbt("run", "--select", *MODELS)
    return warehouse


def tell_dated(w: Warehouse) -> None:
    publish_night(w, DATED, 0, full=[item("old", first=-200, seen=-30), item("fresh", first=-3)])
    publish_night(w, DATED, 1, new=[item("next", first=1)])
    publish_night(w, DATED, 3, new=[item("late", first=1), item("gap", first=2)])
    publish_night(
        w,
        DATED,
        28,
        full=[item(n, first=f) for n, f in (("old", -200), ("fresh", -3), ("next", 1), ("late", 1), ("gap", 2))],
    )


def test_a_dated_link_has_the_witnesss_date_and_never_that_of_the_snapshot(told: Warehouse) -> None:
    assert events(told, DATED)[:2] == [
        # Nobody looked before: the cadence of 60 days.
        ("acquired", "old", -200, None, 60),
        ("acquired", "fresh", -3, None, 60),
    ]


def test_a_new_link_cannot_be_older_than_the_last_complete_look_without_it(told: Warehouse) -> None:
    assert events(told, DATED)[2:] == [
        # Told on night 3 of what it saw on day 1: the look of night 1 was without it, so nothing lies between.
        ("acquired", "late", 1, 1, 0),
        # Night 0 was the last look without it.
        ("acquired", "next", 1, 0, 1),
        # There was no night 2; night 1 was without it.
        ("acquired", "gap", 2, 1, 1),
    ]


def tell_undated(w: Warehouse) -> None:
    publish_night(w, UNDATED, 0, full=[item("start")])
    publish_night(w, UNDATED, 2, new=[item("next")])
    publish_night(w, UNDATED, 3, new=[item("cut")], unread=4)
    publish_night(w, UNDATED, 4, new=[item("after")])


def test_without_a_witnesss_date_what_the_first_snapshot_holds_has_no_date(told: Warehouse) -> None:
    assert events(told, UNDATED) == [
        ("present_at_start", "start", None, None, None),
        ("acquired", "next", 2, 0, 2),
        ("acquired", "cut", 3, 2, 1),
        # Night 3 was cut short and is no look: night 2 is the last.
        ("acquired", "after", 4, 2, 2),
    ]


def tell_two_snapshots(w: Warehouse) -> None:
    a, b = item("a", first=-40, seen=-2), item("b", first=-40)
    publish_night(w, TWO_SNAPSHOTS, 0, full=[a, b])
    publish_night(w, TWO_SNAPSHOTS, 1)
    publish_night(w, TWO_SNAPSHOTS, 28, full=[b])
    publish_night(w, TWO_SNAPSHOTS, 30)
    publish_night(w, TWO_SNAPSHOTS, 56, full=[b])


def test_absence_from_two_complete_snapshots_is_a_loss_dated_by_the_first(told: Warehouse) -> None:
    lost = [event for event in events(told, TWO_SNAPSHOTS) if event[0] == "lost"]
    # The vendor's last visit that saw it was on day -2.
    assert lost == [("lost", "a", 28, -2, 30)]
    row = told.rows(
        "select loss_basis, observed_date from marts.fct_link_event where event_type = 'lost' and property_key = %s",
        TWO_SNAPSHOTS,
    )
    assert row == [{"loss_basis": "absence", "observed_date": day(56)}]


def tell_truncated(w: Warehouse) -> None:
    a, b = item("a", first=-40), item("b", first=-40)
    publish_night(w, TRUNCATED, 0, full=[a, b])
    publish_night(w, TRUNCATED, 28, full=[b], unread=1)
    publish_night(w, TRUNCATED, 56, full=[b])
    publish_night(w, TRUNCATED, 57, full=[b], unread=7)


def test_a_truncated_pull_is_no_absence(told: Warehouse) -> None:
    assert {event[0] for event in events(told, TRUNCATED)} == {"acquired"}


def tell_outage(w: Warehouse) -> None:
    publish_night(w, OUTAGE, 0, full=[item("a", first=-40)])
    # 28 and 56 failed or are held by the gate: nothing is published.
    publish_night(w, OUTAGE, 84, full=[])
    publish_night(w, OUTAGE, 85)


def test_an_outage_is_no_absence(told: Warehouse) -> None:
    assert {event[0] for event in events(told, OUTAGE)} == {"acquired"}


def tell_rejected(w: Warehouse) -> None:
    b = item("b", first=-40)
    publish_night(w, REJECTED, 0, full=[item("a", first=-40), b])
    publish_night(w, REJECTED, 28, full=[b], rejected=1)
    publish_night(w, REJECTED, 56, full=[b], rejected=1)


def test_a_pull_that_lost_rows_to_the_gate_is_no_absence(told: Warehouse) -> None:
    assert {event[0] for event in events(told, REJECTED)} == {"acquired"}


def tell_claimed(w: Warehouse) -> None:
    publish_night(w, CLAIMED, 0, full=[item("a", first=-40, seen=-5)])
    publish_night(w, CLAIMED, 5, lost=[item("a", first=-40, before=-5, seen=4, lost=True)])
    publish_night(w, CLAIMED, 6, lost=[item("a", first=-40, before=-5, seen=4, lost=True)])
    publish_night(w, CLAIMED, 28, full=[item("a", first=-40, before=4, seen=20)])
    publish_night(w, CLAIMED, 29, lost=[item("a", first=-40, before=-5, seen=4, lost=True)])
    publish_night(w, CLAIMED, 40, lost=[item("a", first=-40, before=20, seen=39, lost=True)])


def test_the_vendors_claim_is_a_loss_on_its_own_date_told_once(told: Warehouse) -> None:
    assert events(told, CLAIMED) == [
        ("acquired", "a", -40, None, 60),
        # Seen on day -5, found gone on the next visit, day 4; told on nights 5, 6 and again 29.
        ("lost", "a", 4, -5, 9),
        # The visit of day 20 found it again; since the loss nobody had looked.
        ("restored", "a", 20, 4, 16),
        ("lost", "a", 39, 20, 19),
    ]


def tell_reworded(w: Warehouse) -> None:
    publish_night(w, REWORDED, 0, full=[])
    publish_night(w, REWORDED, 2, new=[item("a", first=2), item("b", first=2), item("b", first=2, anchor="more")])
    # The list of the night after overlaps, and tells the same links with other words.
    publish_night(
        w,
        REWORDED,
        3,
        new=[
            item("a", first=2, seen=3, anchor="other"),
            item("b", first=2, anchor="other"),
            item("b", first=2, anchor="more"),
        ],
    )
    lost = [item(name, first=2, before=3, seen=5, lost=True, anchor="other") for name in "ab"]
    publish_night(w, REWORDED, 5, lost=lost)
    publish_night(w, REWORDED, 9, lost=[item("b", first=2, before=3, seen=8, lost=True, anchor="more")])


def test_a_link_told_again_with_other_words_is_lost_when_it_is_claimed_lost(told: Warehouse) -> None:
    assert events(told, REWORDED) == [
        ("acquired", "a", 2, 0, 2),
        ("acquired", "b", 2, 0, 2),
        ("lost", "a", 5, 3, 2),
        # Two links of one page: with one gone it is there still.
        ("lost", "b", 8, 3, 5),
    ]


def tell_changed(w: Warehouse) -> None:
    publish_night(
        w, CHANGED, 0, full=[item("a", first=-40, seen=-2, rel=()), item("b", first=-40, rel=None, followed=None)]
    )
    publish_night(
        w,
        CHANGED,
        28,
        full=[
            item("a", first=-40, before=-2, seen=20, rel=("nofollow", "noopener"), anchor="other"),
            item("b", first=-40, rel=("ugc",)),
        ],
    )
    publish_night(
        w,
        CHANGED,
        56,
        full=[
            item("a", first=-40, seen=20, rel=("nofollow",), anchor="other"),
            item("b", first=-40, rel=None, followed=None),
        ],
    )


def test_changes_are_dated_by_the_visit_that_saw_them(told: Warehouse) -> None:
    assert [event for event in events(told, CHANGED) if event[0] != "acquired"] == [
        # From the visit of day -2 to that of day 20. noopener does not matter; an unknown rel is no change.
        ("anchor_changed", "a", 20, -2, 22),
        ("rel_changed", "a", 20, -2, 22),
    ]
    row = told.rows(
        "select rel, previous_rel, is_followed from marts.fct_link_event"
        " where event_type = 'rel_changed' and property_key = %s",
        CHANGED,
    )
    assert row == [{"rel": ["nofollow"], "previous_rel": [], "is_followed": False}]


def tell_grown(w: Warehouse) -> None:
    """One link a day from night 1 at two properties, but 9 at both on night 33, and 40 at the first alone on 36."""
    for key, counts in ((GROWN, {33: 9, 36: 40}), (GROWN_TOO, {33: 9})):
        publish_night(w, key, 0, full=[])
        for night in range(1, 40):
            new = [item(f"n{night}x{i}", first=night) for i in range(counts.get(night, 1))]
            publish_night(w, key, night, new=new)


def test_a_day_with_many_links_is_an_index_change_where_other_properties_have_one_too(told: Warehouse) -> None:
    marked = told.rows(
        "select property_key, event_date, count(*) as n, bool_and(is_uncertain_date) as is_uncertain"
        " from marts.fct_link_event where property_key = any(%s) and is_index_change group by 1, 2 order by 1",
        [GROWN, GROWN_TOO],
    )
    grown = {"event_date": day(33), "n": 9, "is_uncertain": True}
    assert marked == [{"property_key": key} | grown for key in (GROWN, GROWN_TOO)]
    others = told.rows(
        "select count(*) as n from marts.fct_link_event"
        " where property_key = %s and not is_index_change and (is_uncertain_date or is_possible_index_change)",
        GROWN,
    )
    assert others == [{"n": 0}]


def tell_two_on_a_page(w: Warehouse) -> None:
    image, words = item("a", first=-40, anchor="image", rel=("nofollow",)), item("a", first=-30, anchor="words", rel=())
    publish_night(w, TWO_ON_A_PAGE, 0, full=[image, words])
    publish_night(
        w, TWO_ON_A_PAGE, 5, lost=[{**words, **item("a", first=-30, anchor="words", seen=4, lost=True, rel=())}]
    )
    publish_night(
        w,
        TWO_ON_A_PAGE,
        9,
        lost=[item("a", first=-40, anchor="image", seen=8, before=-1, lost=True, rel=("nofollow",))],
    )


def test_a_page_with_two_links_to_the_target_loses_them_when_both_are_gone(told: Warehouse) -> None:
    assert events(told, TWO_ON_A_PAGE) == [("acquired", "a", -40, None, 60), ("lost", "a", 8, -1, 9)]
    row = told.rows(
        "select rel, anchor from marts.fct_link_event where event_type = 'acquired' and property_key = %s",
        TWO_ON_A_PAGE,
    )
    # Followed since one of the two is; the words are those of the first.
    assert row == [{"rel": [], "anchor": "image"}]


def tell_retargeted(w: Warehouse) -> None:
    old = item("a", first=-40, seen=-1)
    publish_night(w, RETARGETED, 0, full=[old])
    publish_night(
        w,
        RETARGETED,
        7,
        new=[item("a", first=6, target="https://shop.example/pots")],
        lost=[{**old, **item("a", first=-40, before=-1, seen=6, lost=True)}],
    )


def test_a_link_swapped_for_one_with_the_same_words_was_retargeted(told: Warehouse) -> None:
    assert ("target_changed", "a", 6, 0, 6) in events(told, RETARGETED)
    row = told.rows(
        "select link_key <> previous_link_key as is_other, literal_target_url from marts.fct_link_event"
        " where event_type = 'target_changed' and property_key = %s",
        RETARGETED,
    )
    assert row == [{"is_other": True, "literal_target_url": "https://shop.example/pots"}]


def tell_glitch(w: Warehouse) -> None:
    a = item("a", first=-40, seen=-5)
    for night, rows in ((0, [a]), (28, []), (56, []), (84, [a]), (112, []), (140, [item("a", first=-40, seen=130)])):
        publish_night(w, GLITCH, night, full=rows)


def test_a_link_back_after_two_absences_is_restored_and_one_absence_is_nothing(told: Warehouse) -> None:
    assert events(told, GLITCH) == [
        ("acquired", "a", -40, None, 60),
        ("lost", "a", 28, -5, 33),
        # Back on night 84 without a newer visit: the night dates it, snapshot 56 was without it.
        ("restored", "a", 84, 56, 28),
    ]


def tell_domains(w: Warehouse) -> None:
    publish_night(w, DOMAINS, 0, full=[])
    publish_night(
        w,
        DOMAINS,
        1,
        new=[item("a", first=1, page="https://x.a.example/1"), item("a", first=1, page="https://y.a.example/2")],
    )
    publish_night(
        w, DOMAINS, 2, new=[item("a", first=2, page="https://a.example/3", target="https://shop.example/pots")]
    )


def test_a_referring_domain_counts_once_however_many_links(told: Warehouse) -> None:
    rows = told.rows(
        "select event_date, count(*) as links, count(*) filter (where is_first_from_domain) as firsts,"
        " count(*) filter (where is_first_from_domain_to_page) as page_firsts"
        " from marts.fct_link_event where property_key = %s group by 1 order by 1",
        DOMAINS,
    )
    assert rows == [
        {"event_date": day(1), "links": 2, "firsts": 1, "page_firsts": 1},
        {"event_date": day(2), "links": 1, "firsts": 0, "page_firsts": 1},
    ]


def tell_denied(w: Warehouse) -> None:
    for key in (DENIED, NEVER_TOLD):
        claim = [item("a", first=-40, before=-5, seen=4, lost=True)] if key == DENIED else []
        publish_night(w, key, 0, full=[item("a", first=-40, seen=-5)])
        publish_night(w, key, 5, lost=claim)
        publish_visits(w, key, 7, {LINK: "blocked"})
        publish_visits(w, key, 9, {LINK: "live"})


def test_a_loss_that_a_visit_denies_is_told_and_changes_nothing(told: Warehouse) -> None:
    denied, never_told = (
        told.rows(
            "select event_type, evidence, event_date, refuted_date, event_key from marts.fct_link_event"
            " where property_key = %s order by event_date",
            key,
        )
        for key in (DENIED, NEVER_TOLD)
    )
    assert [tuple(row.values())[:4] for row in denied] == [
        ("acquired", "dated", day(-40), None),
        ("lost", "refuted", day(4), day(9)),
    ]
    assert [row["event_type"] for row in never_told] == ["acquired"]
    for table in ("marts.fct_link_lifespan", "intermediate.int_link__date_spans"):
        one, other = (
            told.rows(f"select to_jsonb(t) - %s::text[] as row from {table} as t where property_key = %s", KEYS, key)
            for key in (DENIED, NEVER_TOLD)
        )
        assert one == other != [], table


def tell_missed(w: Warehouse) -> None:
    publish_night(w, MISSED, 0, full=[item("a", first=-40, seen=-5)])
    for night, grade in ((2, "live"), (9, "gone"), (10, "blocked"), (11, "gone"), (16, "gone")):
        publish_visits(w, MISSED, night, {LINK: grade})


def test_three_misses_on_three_nights_are_a_loss_on_the_first(told: Warehouse) -> None:
    assert events(told, MISSED) == [("acquired", "a", -40, None, 60), ("lost", "a", 9, 2, 7)]
    rows = told.rows(
        "select evidence, loss_basis, observed_date from marts.fct_link_event"
        " where property_key = %s and event_type = 'lost'",
        MISSED,
    )
    assert rows == [{"evidence": "checked", "loss_basis": "visit", "observed_date": day(16)}]
    rows = told.rows(
        "select state, miss_count, last_check_grade from marts.fct_link_lifespan where property_key = %s", MISSED
    )
    assert rows == [{"state": "lost", "miss_count": 3, "last_check_grade": "gone"}]


def tell_dark(w: Warehouse) -> None:
    links = {name: (f"https://www.{name}.example/post", LINK[1]) for name in "abc"}
    publish_night(w, DARK, 0, full=[item(name, first=-40, seen=-5) for name in links])
    publish_visits(w, DARK, 2, dict.fromkeys(links.values(), "live"))
    for night in range(9, 16):
        grades = {links["a"]: "unreachable", links["b"]: "unreachable", links["c"]: "blocked"}
        publish_visits(w, DARK, night, grades)


def test_a_week_in_which_no_host_answers_loses_no_link(told: Warehouse) -> None:
    assert {event[0] for event in events(told, DARK)} == {"acquired"}
    rows = told.rows("select state, miss_count from marts.fct_link_lifespan where property_key = %s", DARK)
    assert [tuple(row.values()) for row in rows] == [("live", 0)] * 3


def test_a_lifespan_counts_the_days_between_beginnings_and_losses(told: Warehouse) -> None:
    row: dict[str, Any] = told.rows(
        "select state, lost_date, loss_count, days_alive, last_sight_date from marts.fct_link_lifespan"
        " where property_key = %s",
        CLAIMED,
    )[0]
    # -40 to 4 are 44 days, 20 to 39 are 19.
    assert row == {"state": "lost", "lost_date": day(39), "loss_count": 2, "days_alive": 63, "last_sight_date": day(28)}
    row = told.rows("select state, days_alive from marts.fct_link_lifespan where property_key = %s", GLITCH)[0]
    # -40 to 28 are 68 days, 84 to the last sight on 140 are 56.
    assert row == {"state": "live", "days_alive": 124}


def test_no_event_has_the_date_of_a_first_snapshot(told: Warehouse) -> None:
    assert told.rows("select 1 from marts.fct_link_event where event_date = %s", day(0)) == []


STORIES = [
    tell_dated,
    tell_undated,
    tell_two_snapshots,
    tell_truncated,
    tell_outage,
    tell_rejected,
    tell_claimed,
    tell_changed,
    tell_grown,
    tell_two_on_a_page,
    tell_retargeted,
    tell_glitch,
    tell_domains,
    tell_reworded,
    tell_denied,
    tell_missed,
    tell_dark,
]
