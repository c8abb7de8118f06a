"""Witnesses beside the nightly one: each export's vendor tells what it saw; expectations were worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.warehouse.exports import exported_link, publish_export
from tests.warehouse.links import MODELS, day, events, item, publish_night
from tests.warehouse.world import Warehouse

EARLIER, TWO_VENDORS, UNKNOWN_REL, CLAIMED, STALE, DENIED, UNNAMED = range(1, 8)
AHREFS, SEMRUSH, GENERIC = "ahrefs_backlinks", "semrush_backlinks", "generic_backlinks"


@pytest.fixture(scope="module")
def told(warehouse: Warehouse) -> Warehouse:
    """All stories published, and modelled in one run."""
    for tell in STORIES:
        tell(warehouse)
    warehouse.dbt("run", "--select", *MODELS, "+dim_domain")
    return warehouse


def link(w: Warehouse, key: int) -> dict[str, Any]:
    """The property's one link."""
    rows = w.rows(
        "select is_followed, authority, authority_witness, state, witness_sights, page_key is not null as has_page"
        " from marts.dim_link join marts.fct_link_lifespan using (property_key, link_key, state)"
        " where property_key = %s",
        key,
    )
    assert len(rows) == 1
    return rows[0]


def sights(*pairs: tuple[str, int, int]) -> dict[str, dict[str, str]]:
    """witness_sights of (witness, first, last) as nights."""
    return {
        w: {"first_sight_date": day(first).isoformat(), "last_sight_date": day(last).isoformat()}
        for w, first, last in pairs
    }


def tell_earlier(w: Warehouse) -> None:
    publish_night(w, EARLIER, 0, full=[])
    publish_night(w, EARLIER, 20, new=[item("a", first=19)])
    publish_export(
        w, "backlink", EARLIER, 25, [exported_link("a", first=12, rel=("nofollow",), authority=41.4)], part=AHREFS
    )


def test_a_link_begins_with_the_earliest_first_sight_and_its_witnesss_own_uncertainty(told: Warehouse) -> None:
    # Ahrefs saw it on day 12 and never looks at the whole: its cadence is 60 days. DataForSEO said day 19.
    assert events(told, EARLIER) == [("acquired", "a", 12, None, 60)]
    found = link(told, EARLIER)
    assert found["witness_sights"] == sights(("ahrefs", 12, 25), ("dataforseo", 19, 20))
    assert (found["authority"], found["authority_witness"]) == (41, "ahrefs")
    ranks = told.rows("select vendor, authority from marts.dim_domain where domain = 'a.example' order by 1")
    assert [tuple(row.values()) for row in ranks] == [("ahrefs", 41), ("dataforseo", 300)]


def tell_two_vendors(w: Warehouse) -> None:
    publish_export(
        w, "backlink", TWO_VENDORS, 5, [exported_link("a", first=1), exported_link("b", first=3)], part=AHREFS
    )
    publish_export(
        w, "backlink", TWO_VENDORS, 5, [exported_link("a", first=2), exported_link("c", first=4)], part=SEMRUSH
    )


def test_two_vendors_exports_of_one_day_keep_each_others_rows(told: Warehouse) -> None:
    rows = told.rows(
        "select replace(source_domain, '.example', '') as name, witness_sights from marts.fct_link_lifespan"
        " join marts.dim_link using (property_key, link_key) where property_key = %s order by 1",
        TWO_VENDORS,
    )
    assert [tuple(row.values()) for row in rows] == [
        ("a", sights(("ahrefs", 1, 5), ("semrush", 2, 5))),
        ("b", sights(("ahrefs", 3, 5))),
        ("c", sights(("semrush", 4, 5))),
    ]
    assert [event[:3] for event in events(told, TWO_VENDORS)] == [
        ("acquired", "a", 1),
        ("acquired", "b", 3),
        ("acquired", "c", 4),
    ]


def tell_unknown_rel(w: Warehouse) -> None:
    publish_export(w, "backlink", UNKNOWN_REL, 0, [exported_link("a", first=-9)], part=GENERIC)
    publish_export(w, "backlink", UNKNOWN_REL, 9, [exported_link("a", first=-9, rel=("ugc",))], part=GENERIC)
    publish_export(w, "backlink", UNKNOWN_REL, 18, [exported_link("a", first=-9)], part=GENERIC)
    publish_export(w, "backlink", UNKNOWN_REL, 20, [exported_link("b", first=-9)], part=GENERIC)


def test_an_unknown_rel_is_no_change_and_not_followed(told: Warehouse) -> None:
    assert {event[0] for event in events(told, UNKNOWN_REL)} == {"acquired"}
    rows = told.rows(
        "select replace(source_domain, '.example', '') as name, rel, is_followed, is_uncertain_date"
        " from marts.fct_link_event where property_key = %s order by 1",
        UNKNOWN_REL,
    )
    # What became known later of a's rel was so for all anybody knows; of b's nothing is known.
    assert [tuple(row.values()) for row in rows] == [("a", ["ugc"], False, True), ("b", None, None, True)]


def tell_claimed(w: Warehouse) -> None:
    publish_export(w, "backlink", CLAIMED, 0, [exported_link("a", first=-40, seen=-2)], part=AHREFS)
    publish_export(w, "backlink", CLAIMED, 30, [exported_link("a", first=-40, seen=8, lost=14)], part=AHREFS)
    publish_export(w, "backlink", CLAIMED, 60, [], part=AHREFS)


def test_a_vendors_day_of_loss_is_a_claim_and_absence_from_an_export_is_nothing(told: Warehouse) -> None:
    # Last seen on day 8: it went between 8 and 14.
    assert events(told, CLAIMED) == [("acquired", "a", -40, None, 60), ("lost", "a", 14, 8, 6)]
    row = told.rows(
        "select loss_basis, witness from marts.fct_link_event where event_type = 'lost' and property_key = %s", CLAIMED
    )
    assert row == [{"loss_basis": "vendor_claim", "witness": "ahrefs"}]


def tell_stale(w: Warehouse) -> None:
    publish_night(w, STALE, 0, full=[item("a", first=-40, seen=-1)])
    publish_export(w, "backlink", STALE, 2, [exported_link("a", first=-30, seen=1)], part=SEMRUSH)
    publish_night(w, STALE, 30, lost=[item("a", first=-40, before=20, seen=29, lost=True)])


def test_an_old_export_does_not_keep_a_lost_link_alive(told: Warehouse) -> None:
    assert events(told, STALE) == [("acquired", "a", -40, None, 60), ("lost", "a", 29, 20, 9)]
    assert link(told, STALE)["state"] == "lost"


def tell_denied(w: Warehouse) -> None:
    publish_night(w, DENIED, 0, full=[item("a", first=-40, seen=-1)])
    publish_night(w, DENIED, 30, lost=[item("a", first=-40, before=20, seen=29, lost=True)])
    publish_export(w, "backlink", DENIED, 40, [exported_link("a", first=-30, seen=35)], part=SEMRUSH)


def test_a_later_sight_of_another_witness_denies_a_loss(told: Warehouse) -> None:
    assert events(told, DENIED) == [("acquired", "a", -40, None, 60)]
    assert link(told, DENIED)["state"] == "live"


def tell_unnamed(w: Warehouse) -> None:
    publish_export(
        w, "backlink", UNNAMED, 3, [exported_link("a", target=None, anchor=None)], part="search_console_latest_links"
    )


def test_a_link_without_a_target_has_no_page_and_an_undated_one_no_date(told: Warehouse) -> None:
    assert events(told, UNNAMED) == [("present_at_start", "a", None, None, None)]
    found = link(told, UNNAMED)
    assert (found["has_page"], found["is_followed"]) == (False, None)
    assert list(found["witness_sights"]) == ["search_console"]


STORIES = [tell_earlier, tell_two_vendors, tell_unknown_rel, tell_claimed, tell_stale, tell_denied, tell_unnamed]
