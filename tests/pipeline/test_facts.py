"""The facts are what the demo disclosed; and, since its vendor sees each change at once, what truly happened."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seo_warehouse.demo import ALL_PROPERTIES, DEMO_PROPERTIES, PANEL_DEPTH, disclosed, stored_world
from seo_warehouse.demo.catalogue import DEVICES, DemoProperty
from seo_warehouse.demo.elements import CITED
from seo_warehouse.demo.history import READING_TIME
from seo_warehouse.demo.linking import LinkingSites, manner_of
from seo_warehouse.demo.links import Link
from seo_warehouse.demo.outreach import promises
from seo_warehouse.demo.records import read_lines
from seo_warehouse.demo.referring import passed, state_of
from seo_warehouse.demo.settings import PAGES_A_NIGHT
from seo_warehouse.demo.world import World
from tests.demo.test_linking import true_grade
from tests.pipeline.conftest import Running
from tests.pipeline.truth import Event, Read, followed_rel, link_events, reads

Json = dict[str, Any]
QUESTIONS = Path(__file__).parents[2] / "docs/questions.md"


@pytest.fixture(scope="module")
def world(running: Running) -> World:
    return world_of(running)


def world_of(running: Running) -> World:
    """The demo's world, as its folder holds it."""
    found = stored_world(running.home / "demo")
    assert found is not None
    assert found.knobs.disclosure_delay_days == 0
    return found


@pytest.fixture
def made(running: Running) -> list[Read]:
    return reads_made(running)


def reads_made(running: Running) -> list[Read]:
    """The reads of the backlink vendor, as the rules of nights ask for them, at the instants they were made."""
    own = dict(
        running.rows(
            """
            select night, max(read_at) from ops.load
            where source = 'dataforseo_backlinks' and purpose = 'night' and state in ('published', 'unchanged')
            group by night
            """
        )
    )
    nights = running.rows("select distinct day from ops.publication where source = 'dataforseo_backlinks'")
    return reads({night: own.get(night) or datetime.combine(night, READING_TIME, UTC) for (night,) in nights})


def visited(running: Running) -> set[tuple[Any, ...]]:
    """(property, page) of links that two see: the vendor, and our own visits."""
    looks = running.rows("select property_key, source_url, day from marts.fct_link_check")
    found = {tuple(look[:2]) for look in looks}
    assert 10 < len(found) <= PAGES_A_NIGHT * len({day for *_, day in looks})
    return found


def test_every_disclosed_sighting_of_a_link_is_known_and_no_other(running: Running) -> None:
    shown: Counter[tuple[Any, ...]] = Counter()
    for line in disclosed(running.home / "demo", "backlinks"):
        seen_date = _instant(line["last_seen"]).date()
        shown[
            line["property_key"],
            _instant(line["at"]).date(),
            line["url_from"],
            line["url_to"],
            not line["is_lost"],
            _instant(line["first_seen"]).date(),
            None if line["is_lost"] else seen_date,
            seen_date if line["is_lost"] else None,
            followed_rel(line["attributes"] or ()),
            line["anchor"] or line["alt"],
        ] += 1
    known = running.rows(
        """
        select property_key, day, source_url, literal_target_url, is_live, first_seen_date, visit_date, lost_date,
               rel_set, anchor
        from intermediate.int_link__fold_sightings
        where witness = 'dataforseo'
        """
    )
    assert _difference(shown, known) == ([], [])
    assert len(shown) > 1_000


def test_a_links_lifespan_begins_with_its_first_sight_and_ends_with_its_last(running: Running) -> None:
    nights: defaultdict[tuple[Any, ...], list[date]] = defaultdict(list)
    for line in disclosed(running.home / "demo", "backlinks"):
        link = (line["property_key"], line["url_from"], line["url_to"], _instant(line["first_seen"]).date())
        nights[link] += [] if line["is_lost"] else [_instant(line["at"]).date()]
    known = {
        (key, url_from, url_to, first): last
        for key, url_from, url_to, first, last in running.rows(
            """
            select property_key, source_url, literal_target_url, first_sight_date, last_sight_date
            from marts.fct_link_lifespan join marts.dim_link using (property_key, link_key)
            """
        )
    }
    both = visited(running)
    nights = defaultdict(list, {link: seen for link, seen in nights.items() if link[:2] not in both})
    known = {link: last for link, last in known.items() if link[:2] not in both}
    # Where a link came and went between two reads no night saw it alive.
    assert known.keys() == nights.keys()
    assert {link: known[link] for link, seen in nights.items() if seen} == {
        link: max(seen) for link, seen in nights.items() if seen
    }


def test_every_link_that_came_is_acquired_on_its_true_date_and_no_other(
    running: Running, world: World, made: list[Read]
) -> None:
    def last_look_before(instant: datetime) -> date | None:
        return max((read.night for read in made if read.at < instant), default=None)

    truth = Counter(
        (link.property_key, link.url_from, link.url_to, begun.date(), last_look_before(begun))
        for links in world.links.values()
        for link in links
        if (begun := link.changes[0].at) <= made[-1].at
    )
    known = running.rows(
        """
        select property_key, source_url, literal_target_url, event_date, earliest_date
        from marts.fct_link_event where event_type = 'acquired'
        """
    )
    assert _difference(truth, known) == ([], [])
    assert len(truth) > 200


def test_every_loss_return_and_change_that_a_read_can_show_is_an_event_and_no_other(
    running: Running, world: World, made: list[Read]
) -> None:
    both = visited(running)
    told = Counter(
        event
        for prop in ALL_PROPERTIES
        for event in link_events(world, prop.key, made)
        if (event.property_key, event.url_from) not in both
    )
    known = Counter(
        Event(*row)
        for row in running.rows(
            """
            select property_key, source_url, literal_target_url, event_type, event_date, observed_date, loss_basis,
                   case event_type when 'rel_changed' then array_to_string(previous_rel, ' ')
                                   when 'anchor_changed' then previous_anchor end,
                   case event_type when 'rel_changed' then array_to_string(rel, ' ')
                                   when 'anchor_changed' then anchor end
            from marts.fct_link_event
            """
        )
        if tuple(row[:2]) not in both
    )
    assert (sorted(map(str, told - known)), sorted(map(str, known - told))) == ([], [])
    counts = Counter(event.event_type for event in known.elements())
    assert min(counts[kind] for kind in ("acquired", "lost", "restored", "rel_changed", "anchor_changed")) > 0


def test_each_visit_found_what_its_page_showed(running: Running, world: World) -> None:
    web = LinkingSites(world)
    links = {link.url_from: link for prop in DEMO_PROPERTIES if prop.is_visited for link in world.links[prop.key]}
    looks = running.rows("select source_url, grade, checked_at from marts.fct_link_check where day < %s", running.night)
    wrong = [
        (source_url, grade, truth)
        for source_url, grade, at in looks
        if grade != (truth := true_grade(web, links[source_url], at))
        # The vendor says nothing of a page whose robots meta keeps all its links from being followed.
        and not (grade == "rel_changed" and manner_of(world.seed, links[source_url]) == "page_nofollow")
    ]
    assert wrong == []
    assert {"live", "gone", "blocked", "noindex_source", "canonicalised"} <= {grade for _, grade, _ in looks}


def test_no_loss_is_told_that_did_not_happen_on_its_date(running: Running, world: World) -> None:
    truth = {
        (link.property_key, link.url_from, change.at.date())
        for links in world.links.values()
        for link in links
        for change in link.changes
        if not change.is_live
    }
    claimed = running.rows(
        """
        select property_key, source_url, event_date from marts.fct_link_event
        where event_type = 'lost' and loss_basis = 'vendor_claim'
        """
    )
    assert [loss for loss in claimed if loss not in truth] == []


def test_nothing_gets_the_first_snapshots_date_as_its_event_date(running: Running, world: World) -> None:
    dates = running.rows(
        """
        select event_date, event_type, is_uncertain_date, earliest_date from marts.fct_link_event
        where event_date <= %(first)s or observed_date = %(first)s
        """,
        first=world.first_day,
    )
    there_before = sum(link.changes[0].at.date() < world.first_day for links in world.links.values() for link in links)
    assert len(dates) == there_before > 0
    # The vendor dates each; before its first look nothing is known, so that no date is certain.
    assert {kind for _, kind, _, _ in dates} == {"acquired"}
    assert max(event_date for event_date, _, _, _ in dates) < world.first_day
    assert all(is_uncertain and earliest is None for _, _, is_uncertain, earliest in dates)


def test_every_rank_check_has_the_disclosed_state_position_page_and_depth(running: Running) -> None:
    shown = {
        (int(line["tag"].split(":")[0]), date.fromisoformat(line["day"]), line["keyword"], line["device"]): (
            line["state"],
            line["position"],
            line["url"],
            line["depth"],
            line["items"],
        )
        for line in disclosed(running.home / "demo", "serp")
    }
    known = {
        tuple(row[:4]): tuple(row[4:])
        for row in running.rows(
            """
            select f.property_key, f.day, k.keyword, f.device, f.state, f.position, f.ranking_url, f.depth,
                   coalesce(r.result_count, 0)
            from marts.fct_serp_position as f
            join marts.dim_keyword as k using (property_key, keyword_key)
            left join (
                select property_key, day, keyword_key, engine, locale, device, count(*) as result_count
                from marts.fct_serp_result where element_no is null group by 1, 2, 3, 4, 5, 6
            ) as r using (property_key, day, keyword_key, engine, locale, device)
            where f.origin = 'dataforseo'
            """
        )
    }
    assert {check: (shown.get(check), found) for check, found in known.items() if shown.get(check) != found} == {}
    assert known.keys() == shown.keys()
    assert {state for state, *_ in shown.values()} == {"found", "not_found", "truncated", "failed"}


def test_an_ai_overview_cites_who_ranks_first_and_pages_not_read_whole_say_nothing_of_it(
    running: Running,
) -> None:
    overviews = running.rows(
        """
        select s.position, r.absolute_position, s.absolute_position, r.link_count, r.own_link_count, r.has_own,
               'ai_overview' = any (s.item_types), s.own_element_types
        from marts.fct_serp_result as r
        join marts.fct_serp_position as s using (property_key, day, keyword_key, engine, locale, device)
        where r.item_type = 'ai_overview' and s.state = 'found'
        """
    )
    assert len(overviews) > 100
    for position, where, ours, link_count, own_count, is_shown, is_named, shown_in in overviews:
        assert where != ours
        assert (link_count, own_count, is_shown, is_named) == (CITED, int(position <= CITED), position <= CITED, True)
        assert ("ai_overview" in shown_in, "organic" in shown_in) == (position <= CITED, True)
    assert {is_shown for *_, is_shown, _, _ in overviews} == {True, False}
    told = running.rows(
        """
        select p.property_name, s.own_element_types is not null
        from marts.fct_serp_position as s
        join marts.dim_property as p using (property_key)
        where s.origin = 'dataforseo' and s.state in ('found', 'not_found')
        group by 1, 2
        """
    )
    assert {name for name, is_told in told if is_told} == {prop.name for prop in ALL_PROPERTIES if prop.is_read_whole}
    assert len(told) == len(ALL_PROPERTIES)


def test_a_found_position_is_the_true_one_and_an_absent_one_lies_beyond_what_was_shown(running: Running) -> None:
    truth = {
        (line["property_key"], date.fromisoformat(line["day"]), line["keyword"], line["device"]): line["position"]
        for line in read_lines(running.home / "demo" / "truth" / "positions.jsonl")
    }
    checks = running.rows(
        """
        select f.property_key, f.day, k.keyword, f.device, f.state, f.position, r.organic_count
        from marts.fct_serp_position as f
        join marts.dim_keyword as k using (property_key, keyword_key)
        left join (
            select property_key, day, keyword_key, device, count(*) as organic_count
            from marts.fct_serp_result where item_type = 'organic' group by 1, 2, 3, 4
        ) as r using (property_key, day, keyword_key, device)
        """
    )
    checks = [check for check in checks if tuple(check[:4]) in truth]
    wrong = [
        check
        for check in checks
        if (check[4] == "found" and check[5] != truth[tuple(check[:4])])
        or (check[4] in ("not_found", "truncated") and truth[tuple(check[:4])] <= check[6])
    ]
    assert wrong == []
    assert len(checks) > 7_000


def test_the_sample_files_end_in_the_facts_as_what_truly_was(running: Running, world: World) -> None:
    days = [world.first_day - timedelta(days=age) for age in range(28, 0, -1)]
    noted = {
        (prop.key, day, tracked.keyword, device): position.position if position.position <= PANEL_DEPTH else None
        for prop in DEMO_PROPERTIES
        for tracked in prop.tracked
        for device in ("desktop", "mobile")
        for day in days
        if (position := world.position(prop, tracked.keyword, device, day))
    }
    known = running.rows(
        """
        select f.property_key, f.day, k.keyword, f.device, f.position, f.state, f.locale, f.depth
        from marts.fct_serp_position as f join marts.dim_keyword as k using (property_key, keyword_key)
        where f.origin = 'rank_tracker_wide'
        """
    )
    assert {tuple(row[:4]): row[4] for row in known} == noted
    assert {row[5:] for row in known if row[4]} == {("found", "2840-en", PANEL_DEPTH)}
    assert {row[5] for row in known if not row[4]} == {"not_found"}
    # Of the day on which the home was made, and so of all days before it.
    made = (
        (edit.property_key, edit.day, prop.url(edit.path), edit.kind)
        for prop in DEMO_PROPERTIES
        for edit in world.edits[prop.key]
        if edit.day < running.night
    )
    changes = running.rows(
        """
        select c.property_key, c.day, p.url, c.kind
        from marts.fct_page_change as c join marts.dim_page as p using (property_key, page_key)
        """
    )
    assert _difference(Counter(made), changes) == ([], [])


def test_search_totals_are_those_of_the_last_reading(running: Running) -> None:
    readings: defaultdict[tuple[int, date, int], dict[tuple[str, int], Json]] = defaultdict(dict)
    for line in disclosed(running.home / "demo", "search_console"):
        figure = (line["property_key"], date.fromisoformat(line["day"]), len(line["dimensions"]))
        readings[figure][line["at"], line["start_row"]] = line
    shown: dict[tuple[int, date], dict[int, tuple[float, float]]] = {}
    for (key, day, dimensions), pages in readings.items():
        last = max(at for at, _ in pages)
        kept = [page for (at, _), page in pages.items() if at == last]
        sums = (sum(page["clicks"] for page in kept), sum(page["impressions"] for page in kept))
        shown.setdefault((key, day), {})[dimensions] = sums
    known = {
        (row[0], row[1]): {1: row[2:4], 4: row[4:6], 5: row[6:8]}
        for row in running.rows(
            """
            select property_key, day, clicks, impressions, page_clicks, page_impressions, query_clicks,
                   query_impressions
            from marts.fct_search_total
            """
        )
    }
    assert known == shown


def test_search_totals_balance_and_are_the_true_ones_once_they_are_final(running: Running) -> None:
    truth = {
        (line["property_key"], date.fromisoformat(line["day"])): line
        for line in read_lines(running.home / "demo" / "truth" / "demand.jsonl")
    }
    totals = running.rows(
        """
        select t.property_key, t.day, t.is_provisional, t.clicks, t.page_clicks, t.page_impressions,
               t.page_clicks - sum(p.clicks), t.page_impressions - sum(p.impressions),
               t.query_clicks - sum(p.clicks), t.query_impressions - sum(p.impressions)
        from marts.fct_search_total as t
        join marts.fct_search_performance as p using (property_key, day)
        group by t.property_key, t.day
        """
    )
    # What has no row of its own is what Google hides: the queries of few people.
    final = {(row[0], row[1]): tuple(row[3:8]) for row in totals if not row[2] and (row[0], row[1]) in truth}
    assert final == {
        day: (
            truth[day]["clicks"],
            truth[day]["clicks"],
            truth[day]["impressions"],
            truth[day]["anonymised_clicks"],
            truth[day]["anonymised_impressions"],
        )
        for day in final
    }
    assert {tuple(row[8:]) for row in totals} == {(0, 0)}
    assert len(final) > 300
    provisional = {row[1] for row in totals if row[2]}
    assert provisional == {running.night - timedelta(days=age) for age in (2, 3)}


def test_every_page_that_the_site_served_to_the_crawl_is_known_with_its_status(running: Running) -> None:
    served = {
        (_instant(line["at"]).date(), line["url"], line["status"])
        for line in disclosed(running.home / "demo", "site")
        if not line["url"].endswith((".txt", ".xml"))
    }
    known = running.rows("select day, url, status_code, is_robots_allowed from marts.fct_page_crawl")
    assert {(day, url, status) for day, url, status, _ in known if status is not None} == served
    # What robots.txt forbids is known from the links to it, and was not asked for.
    assert {is_allowed for _, _, status, is_allowed in known if status is None} == {False}


def test_each_milestone_of_a_new_page_lies_between_its_two_days(running: Running) -> None:
    truth = {
        (line["property_key"], line["url"], line["milestone"]): date.fromisoformat(line["day"])
        for line in read_lines(running.home / "demo" / "truth" / "milestones.jsonl")
        if line["milestone"] != "visited"
    }
    # A visit whose line was cut short nobody knows of; one of a day without a log makes the days more.
    for visit in read_lines(running.home / "demo" / "truth" / "visits.jsonl"):
        place = (visit["property_key"], visit["url"], "visited")
        if visit["bot"] == "Googlebot" and not visit["is_spoiled"] and (*place[:2], "published") in truth:
            truth.setdefault(place, _instant(visit["at"]).date())
    known = {
        tuple(row[:3]): tuple(row[3:])
        for row in running.rows(
            """
            select m.property_key, p.url, m.milestone, m.after_date, m.by_date
            from marts.fct_page_milestone as m
            join marts.dim_page as p using (property_key, page_key)
            where m.engine in ('any', 'google')
            """
        )
    }
    assert {place: (day, known.get(place)) for place, day in truth.items() if place not in known} == {}
    assert {
        place: (day, known[place]) for place, day in truth.items() if not known[place][0] < day <= known[place][1]
    } == {}
    assert len(truth) == 150


def test_the_curve_of_new_pages_holds_how_long_they_truly_waited(running: Running) -> None:
    lines = read_lines(running.home / "demo" / "truth" / "milestones.jsonl")
    days = {(line["url"], line["milestone"]): date.fromisoformat(line["day"]) for line in lines}
    waits = [
        (days[url, "shown"] - day).days if (url, "shown") in days else None
        for (url, name), day in days.items()
        if name == "published"
    ]
    curve = running.rows(
        """
        select day, share_low, share_high, page_count, reached_page_count from marts.rpt_discovery
        where milestone = 'shown' and engine = 'google' and cut = 'all' and status = 'estimate'
        """
    )
    bounds = {row[0]: row[1:3] for row in curve}
    for day in (14, 18):
        low, high = bounds[day]
        assert low <= sum(wait is not None and wait <= day for wait in waits) / len(waits) <= high, day
    assert {row[3:] for row in curve} == {(len(waits), sum(wait is not None for wait in waits))}


def test_a_link_that_was_paid_for_is_followed_from_its_price_to_its_visitors(running: Running, world: World) -> None:
    (asked,) = re.findall(r"^### 50\. .*?\n```sql\n(.*?);\n```", QUESTIONS.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    prop = next(prop for prop in DEMO_PROPERTIES if prop.name == "alderwood")
    came = {link.url_from: link.changes[0].at.date() for link in world.links[prop.key]}
    lives = running.rows(f"select source_url, placed, seen, lost from ({asked}) as lives", role="analyst")
    assert lives
    for source_url, placed, seen, lost in lives:
        assert came[source_url] == placed <= seen
        assert lost is None or lost > seen
    # Of those that stand the one after which its page rose most: each theme tells of it what is true.
    before, after, price, link = min(_rises(world, prop, running.night), key=lambda found: found[1] - found[0])
    columns = "money, lost, crawled, index_state, position_before, position_after, effect, low, high, not_judged"
    query = f"select {columns}, visit_low, visit_high from ({asked}) as lives where source_url = %s"
    (life,) = running.rows(query, link.url_from, role="analyst")
    money, lost, crawled, state, stood, stands, *effect, low, high = life
    assert (money, lost, state) == (price, None, "indexed")
    assert crawled >= came[link.url_from]
    assert (stood, stands) == (pytest.approx(before, abs=0.3), pytest.approx(after, abs=0.3))
    assert stands < stood - 1
    # Told with its interval, or refused and not told at all.
    assert [value is None for value in effect] in ([False] * 3 + [True], [True] * 3 + [False])
    told = read_lines(running.home / "demo" / "truth" / "visits.jsonl")
    brought = sum(
        visit["link_id"] == link.link_id and visit["is_written"] and not visit["is_spoiled"] for visit in told
    )
    assert low <= brought > 0
    assert high >= 0.9 * brought, "a few came within half an hour of somebody at the same address"
    page = (running.home / "reports" / prop.name / "index.html").read_text("utf-8")
    (row,) = (each for each in page.split("<tr") if link.url_from in each and "then" in each)
    assert f"{stood:.1f}, then {stands:.1f}" in row


def test_no_visit_is_laid_to_another_link_than_it_came_by(running: Running, world: World) -> None:
    pages = {(link.property_key, link.link_id): link.url_from for links in world.links.values() for link in links}
    truth: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for visit in read_lines(running.home / "demo" / "truth" / "visits.jsonl"):
        if visit["link_id"] is not None and visit["referrer"]:
            page = pages[visit["property_key"], visit["link_id"]]
            truth[visit["at"][:10], visit["referrer"], visit["url"]].add(page)
    laid = running.rows(
        """
        select v.day::text, v.referrer_url, v.landing_url, l.source_url, v.grade
        from marts.fct_referral_visit as v
        join marts.dim_link as l using (property_key, link_key)
        where v.witness = 'logs' and v.grade in ('exact', 'sole')
        """
    )
    assert {grade for *_, grade in laid} == {"exact", "sole"}
    wrong = [row for row in laid if truth[row[0], row[1], row[2]] != {row[3]}]
    assert wrong == []


def _rises(world: World, prop: DemoProperty, night: date) -> Iterator[tuple[float, float, int, Link]]:
    """Links that were paid for once and stand, with the price, and where their page truly stood before and after."""
    for promise in promises(world, prop, night):
        link = promise.link
        names = [tracked.keyword for tracked in prop.tracked if link and tracked.path == link.path]
        if link is None or promise.payment != "once" or not names:
            continue
        came = link.changes[0].at.date()
        state = state_of(link, datetime.combine(night, READING_TIME, UTC))
        is_seen = state is not None and state.is_live and passed(world.seed, link, state.rel) != "none"
        if is_seen and came + timedelta(days=35) < night:
            days = [np.arange(begin, end) + world.index(came) for begin, end in ((-7, 0), (21, 35))]
            series = [world.latent(prop.key, name, device).round() for name in names for device in DEVICES]
            before, after = (float(np.mean([each[of] for each in series])) for of in days)
            yield before, after, promise.price, link


def _instant(text: str) -> datetime:
    """An instant in ISO form or in DataForSEO's."""
    return datetime.fromisoformat(text.replace(" +00:00", "+00:00"))


def _difference(wanted: Counter[tuple[Any, ...]], known: list[tuple[Any, ...]]) -> tuple[list[str], list[str]]:
    """What is missing, and what there is beyond what is wanted."""
    found = Counter(known)
    return sorted(map(str, wanted - found)), sorted(map(str, found - wanted))
