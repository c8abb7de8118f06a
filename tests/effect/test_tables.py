from __future__ import annotations

from collections import Counter

from seo_warehouse.demo.knobs import PanelKnobs
from seo_warehouse.demo.panel import make_panel
from tests.effect.tables import check_rows, edit_rows, keyword_rows, link_rows, page_rows, update_rows

KNOBS = PanelKnobs(pages=20, keywords=2, days=80, topics=2, devices=2, unconfigured_share=0.3, unmeasured_share=0.1)


def test_a_check_is_one_row_and_only_what_was_found_has_a_position() -> None:
    rows = list(check_rows(make_panel(1, KNOBS)))
    keys = Counter((row["day"], row["keyword_key"], row["locale"], row["device"]) for row in rows)
    assert set(keys.values()) == {1}
    assert len({row["day"] for row in rows}) < KNOBS.days
    assert {row["state"] == "found" for row in rows if row["position"] is not None} == {True}
    assert all(row["position"] <= row["depth"] for row in rows if row["position"] is not None)


def test_links_name_pages_that_are_there_and_dates_that_were_seen() -> None:
    panel = make_panel(1, KNOBS)
    pages = {row["page_key"] for row in page_rows(panel)}
    rows = list(link_rows(panel))
    assert {row["page_key"] for row in rows} <= pages
    assert {row["page_key"] for row in edit_rows(panel)} <= pages
    assert {row["event_type"] for row in rows} >= {"present_at_start", "acquired", "lost"}
    assert all((row["event_date"] is None) == (row["event_type"] == "present_at_start") for row in rows)


def test_keywords_and_updates_are_told_once() -> None:
    panel = make_panel(1, KNOBS)
    rows = list(keyword_rows(panel))
    assert len({row["keyword_key"] for row in rows}) == len(rows) == KNOBS.pages * KNOBS.keywords
    assert None in {row["page_key"] for row in rows}
    assert all(row["begin_date"] <= row["end_date"] for row in update_rows(panel))
