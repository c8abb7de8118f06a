"""What a report says where no link, or too few, can be judged."""

from __future__ import annotations

from dataclasses import replace

from seo_warehouse.report.facts import Facts
from seo_warehouse.report.page import compose, render_page
from seo_warehouse.report.remedies import REMEDIES, say_remedies
from seo_warehouse.report.text import say_effect
from seo_warehouse.report.words import REASONS
from tests.report import world
from tests.report.test_page import text_of

NONE_JUDGED = replace(
    Facts("alderwood", 1, "google", "log_position", True),
    unjudged_counts={"uncertain_date": 350, "other_link": 2, "short_history": 9},
)


def test_where_no_link_is_judged_reasons_are_counted_and_what_would_make_them_count_is_said() -> None:
    said: list[str] = []
    say_effect(NONE_JUDGED, said.append)
    for text in ("\n".join(said), text_of(render_page(compose(NONE_JUDGED, ())))):
        assert "Not enough data: of 361 links none can be judged." in text
        assert "What would make them count:" in text
        first, second = text.index("350 links (found so late"), text.index("9 links (no complete look")
        assert first < second
        assert "exports.backlinks.cadence_days" in text
        assert "2 links (another link" not in text


def test_too_few_links_are_told_what_would_add_to_them() -> None:
    row = world.effect(None, status="not_enough_data", event_count=6, dropped_events={"future_incomplete": 1})
    facts = Facts("alderwood", 1, "google", "log_position", True, (row,))
    (remedy,) = say_remedies(facts)
    assert remedy.startswith("1 link (the weeks after it are not over yet): wait until")


def test_an_effect_that_is_shown_needs_no_remedy() -> None:
    row = world.effect(-0.1, dropped_events={"future_incomplete": 1})
    assert say_remedies(Facts("alderwood", 1, "google", "log_position", True, (row,))) == ()


def test_only_reasons_that_there_are_have_remedies() -> None:
    assert REMEDIES.keys() <= REASONS.keys()
