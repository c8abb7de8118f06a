"""What a report reads, and what it makes of marts that lack something."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from seo_warehouse.config import Settings
from seo_warehouse.errors import ConfigError
from seo_warehouse.report.facts import Depth
from seo_warehouse.report.reading import read_facts
from seo_warehouse.report.timelines import DAYS_BEFORE, SHOWN_PAGES, SHOWN_SERIES, read_timelines
from seo_warehouse.steps.check import depth_faults
from seo_warehouse.steps.warehouse import SECRETS_FILE, Warehouse
from tests.conftest import PASSWORDS
from tests.report import site, world

Connection = psycopg.Connection[Any]


def test_a_warehouse_without_estimates_is_no_error(database: str, analyst: Connection) -> None:
    facts = read_facts(analyst, "alderwood", 1)
    assert not facts.is_built
    assert read_timelines(analyst, facts) == ()


def test_marts_without_rows_give_empty_facts(marts: Connection, analyst: Connection) -> None:
    facts = read_facts(analyst, "alderwood", 1)
    assert facts.is_built
    assert (facts.effects, facts.contributions, facts.unjudged_counts, facts.last_day) == ((), (), {}, None)
    assert read_timelines(analyst, facts) == ()


def test_marts_of_an_earlier_version_are_an_error_that_says_what_to_do(marts: Connection, analyst: Connection) -> None:
    marts.execute("alter table marts.rpt_link_effect drop column sample_low")
    with pytest.raises(ConfigError, match="`seo-warehouse build` makes them anew"):
        read_facts(analyst, "alderwood", 1)


def test_the_facts_of_a_property_are_its_own_and_those_of_all_together(marts: Connection, analyst: Connection) -> None:
    site.fill(marts)
    facts = read_facts(analyst, "alderwood", 1)
    assert (facts.panel, facts.outcome) == ("google", "log_position")
    headline, pooled = facts.find(), facts.find(pooled=True)
    assert headline is not None
    assert pooled is not None
    assert (headline.event_count, pooled.event_count) == (42, 260)
    assert headline.dropped_events == world.rich_effects()[0].dropped_events
    assert [week.begin_day for week in facts.weeks()] == [*range(-42, -13, 7), *range(0, 85, 7)]
    assert facts.cuts == ("authority", "relevance", "anchor_type", "device")
    assert [(row.panel, row.outcome) for row in facts.other_outcomes] == [
        ("google", "position"),
        ("search_console", "click_log"),
    ]
    assert len(facts.checks) == 5
    assert [link.source_title for link in facts.contributions] == ["Ten ideas for outdoor dinners"] * 3
    assert facts.contributions == tuple(sorted(facts.contributions, key=lambda link: link.shrunk_effect or 0))
    assert facts.unjudged_counts == {"not_ranking": 6, "onpage_change": 3, "other_link": 3}


def test_a_panel_or_outcome_that_is_not_there_is_refused_with_those_that_are(
    marts: Connection, analyst: Connection
) -> None:
    site.fill(marts, pages=1)
    assert read_facts(analyst, "alderwood", 1, outcome="position").outcome == "position"
    assert read_facts(analyst, "alderwood", 1, panel="search_console").outcome == "click_log"
    with pytest.raises(ConfigError, match="no outcome 'luck'; there are: click_log, log_position, position"):
        read_facts(analyst, "alderwood", 1, outcome="luck")
    with pytest.raises(ConfigError, match="no panel 'bing'; there are: google, search_console"):
        read_facts(analyst, "alderwood", 1, panel="bing")
    with pytest.raises(ConfigError, match="panel 'search_console' has no outcome 'position'"):
        read_facts(analyst, "alderwood", 1, panel="search_console", outcome="position")


def test_a_timeline_holds_checks_links_changes_and_updates(marts: Connection, analyst: Connection) -> None:
    site.fill(marts, pages=1)
    (timeline,) = read_timelines(analyst, read_facts(analyst, "alderwood", 1))
    assert timeline.url == "https://www.alderwood.example/tables/picnic-table-for-eight"
    assert timeline.title == "Picnic Table For Eight | Alderwood"
    assert len(timeline.series) == SHOWN_SERIES
    assert [change.what for change in timeline.changes] == ["title", "content"]
    assert [update.name for update in timeline.updates] == ["August 2026 spam update", "October 2026 core update"]
    assert sorted(mark.kind for mark in timeline.links) == [
        "gained, followed",
        "gained, nofollow",
        "gained, rel unknown",
        "lost, followed",
        "lost, nofollow",
    ]


def test_a_failed_check_is_a_gap_and_an_absence_is_one_to_the_depth(marts: Connection, analyst: Connection) -> None:
    site.fill(marts, pages=1)
    (timeline,) = read_timelines(analyst, read_facts(analyst, "alderwood", 1))
    absent = [line for line in timeline.series if line.absences]
    assert {line.keyword for line in absent} == {"best picnic table for eight for a small garden"}
    for line in timeline.series:
        runs = list(line.runs)
        assert len(runs) > 1
        assert sum(map(len, runs)) + len(line.absences) == len(line.points)
        for run in runs:
            assert {(b.day - a.day).days for a, b in itertools.pairwise(run)} <= {1}


def test_checks_of_the_last_week_are_counted_by_whether_they_reach_the_panels_depth(
    marts: Connection, analyst: Connection, database: str, tmp_path: Path
) -> None:
    site.fill(marts, pages=1)
    stated = {"key": 1, "name": "alderwood", "domain": "alderwood.example", "history_start": "2026-01-01"}
    (tmp_path / "properties.yml").write_text(json.dumps({"properties": [stated]}))
    wh = Warehouse(Settings({"SEO_WAREHOUSE_HOME": str(tmp_path), "SEO_WAREHOUSE_DSN": database}))
    assert depth_faults(wh) == []
    assert [path.name for path in tmp_path.iterdir()] == ["properties.yml"]
    (tmp_path / SECRETS_FILE).write_text(json.dumps(PASSWORDS))
    assert depth_faults(wh) == []
    there = read_facts(analyst, "alderwood", 1).depth
    assert there is not None
    assert there.shallow_count == 0 < there.check_count
    assert there.usual_depth == there.panel_depth
    marts.execute("update marts.fct_serp_position set depth = 10")
    assert read_facts(analyst, "alderwood", 1).depth == Depth(
        there.check_count, there.check_count, 10, there.panel_depth
    )
    (fault,) = depth_faults(wh)
    assert str(fault).startswith(f"alderwood: Of {there.check_count} checks of the last week {there.check_count} are")


def test_what_came_long_before_the_first_check_is_beside_no_position(marts: Connection, analyst: Connection) -> None:
    site.fill(marts, pages=1)
    (whole,) = read_timelines(analyst, read_facts(analyst, "alderwood", 1))
    first = min(point.day for line in whole.series for point in line.points)
    for event_type, days in (("acquired", DAYS_BEFORE), ("lost", DAYS_BEFORE + 1)):
        marts.execute(
            "update marts.fct_link_event set event_date = %s where event_key ="
            " (select min(event_key) from marts.fct_link_event where event_type = %s)",
            (first - timedelta(days=days), event_type),
        )
    (timeline,) = read_timelines(analyst, read_facts(analyst, "alderwood", 1))
    assert timeline.first_day == min(mark.day for mark in timeline.links) == first - timedelta(days=DAYS_BEFORE)
    assert len(timeline.links) == len(whole.links) - 1


def test_pages_are_bounded(marts: Connection, analyst: Connection) -> None:
    site.fill(marts, pages=SHOWN_PAGES + 2)
    assert len(read_timelines(analyst, read_facts(analyst, "alderwood", 1))) == SHOWN_PAGES
