"""The ratio of crawlers' rates, its error and intervals are those that numpy makes of the same counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from math import exp, log
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tests.warehouse.links import day
from tests.warehouse.world import Warehouse

TOPICS = ("oak", "pine")
PAGES = 60
EVENTS = {"acquired_followed": 24, "acquired_nofollow": 9, "lost_followed": 2}
"""By arm and topic."""
POOL, UNPOOLED = (1, 2), 3
ALL = 0
Unit = dict[str, Any]


def draw_units(property_key: int) -> list[Unit]:
    """Counts of events and controls: pages are of both by turns, one cell has too few controls."""
    rng = np.random.default_rng(6 + property_key)
    units: list[Unit] = []
    event_key = 0
    for number, topic in enumerate(TOPICS):
        pages = np.arange(PAGES) + 1000 * number
        rates = rng.gamma(2, 2, PAGES)
        for arm, count in EVENTS.items():
            for _ in range(count):
                event_key += 1
                when = day(60 + int(rng.integers(300)))
                if any(u["topic"] == topic and u["event_date"] == when for u in units):
                    continue
                treated, *others = rng.choice(PAGES, 5 if event_key == 3 else 12, replace=False)
                change = rng.uniform(0.5, 2)
                for place, role, key in [(treated, arm, event_key), *((p, "control", None) for p in others)]:
                    ratio = change * (1.5 if key else 1)
                    counts = rng.poisson([4 * rates[place], 4 * rates[place], 4 * rates[place] * ratio])
                    units.append(
                        {"property_key": property_key, "bot": "Googlebot", "topic": topic, "event_date": when}
                        | {"page_key": int(pages[place]), "event_key": key, "arm": role}
                        | dict(zip(("earlier_count", "base_count", "window_count"), map(int, counts), strict=True))
                    )
    return [unit for unit in units if unit["base_count"] + unit["window_count"]]


@pytest.fixture(scope="module")
def units() -> list[Unit]:
    return [unit for key in (*POOL, UNPOOLED) for unit in draw_units(key)]


@pytest.fixture(scope="module")
def estimates(warehouse: Warehouse, units: list[Unit]) -> dict[tuple[int, str], dict[str, Any]]:
    """The mart's row of each property and arm."""
    for key in POOL:
        warehouse.add_property(key, f"{key}.example")
    warehouse.add_property(UNPOOLED, "gone.example", pool_state="leaving")
    warehouse.insert("intermediate.int_effect__count_visits", units)
    events = [
        {name: unit[name] for name in ("property_key", "topic", "event_date", "page_key", "event_key", "arm")}
        for unit in units
        if unit["event_key"]
    ]
    unread = events[0] | {"event_key": 998, "reason": "other_link"}
    unvisited = events[0] | {"event_key": 999}
    warehouse.insert("intermediate.int_effect__list_crawl_units", [*events, unread, unvisited])
    spent = {"property_key": 1, "day": day(0), "bot": "Googlebot", "operator": "google", "visit_kind": "good"}
    spent_by = [(1, "Googlebot"), (1, "GPTBot"), (1, "AhrefsBot"), (2, "Googlebot"), (UNPOOLED, "Googlebot")]
    warehouse.insert("marts.rpt_crawl_budget", [spent | {"property_key": key, "bot": bot} for key, bot in spent_by])
    warehouse.dbt("run", "--select", "int_effect__score_visits", "int_effect__sum_visits", "rpt_crawl_rate_effect")
    rows = warehouse.rows("select * from marts.rpt_crawl_rate_effect where bot = 'Googlebot'")
    return {(row["property_key"], row["arm"]): row for row in rows}


def by_cell(units: list[Unit]) -> dict[tuple[int, str, date], list[Unit]]:
    cells: dict[tuple[int, str, date], list[Unit]] = defaultdict(list)
    for unit in units:
        cells[unit["property_key"], unit["topic"], unit["event_date"]].append(unit)
    return {key: found for key, found in cells.items() if sum(u["arm"] == "control" for u in found) >= 5}


def page_of(unit: Unit) -> tuple[int, int]:
    return unit["property_key"], unit["page_key"]


def ratio_of(units: list[Unit], arm: str, before: str, after: str) -> tuple[float, float, int]:
    """The ratio, the standard error of its logarithm, and the pages of events."""
    found = expected = 0.0
    for cell in by_cell(units).values():
        controls = [u for u in cell if u["arm"] == "control"]
        change = sum(u[after] for u in controls) / sum(u[before] for u in controls)
        found += sum(u[after] for u in cell if u["arm"] == arm)
        expected += sum(change * u[before] for u in cell if u["arm"] == arm)
    ratio = found / expected
    scores: dict[tuple[int, int], float] = defaultdict(float)
    treated_pages = set()
    for cell in by_cell(units).values():
        controls = [u for u in cell if u["arm"] == "control"]
        treated = [u for u in cell if u["arm"] == arm]
        if not treated:
            continue
        a, b = (sum(u[name] for u in controls) for name in (after, before))
        for unit in treated:
            treated_pages.add(page_of(unit))
            scores[page_of(unit)] += unit[after] - ratio * a / b * unit[before]
        for unit in controls:
            moved = (unit[after] - a / b * unit[before]) / b
            scores[page_of(unit)] -= ratio * sum(u[before] for u in treated) * moved
    clusters = len(scores)
    variance = clusters / (clusters - 1) * np.square(list(scores.values())).sum()
    return ratio, float(np.sqrt(variance)) / found, len(treated_pages)


@pytest.mark.parametrize("property_key", [ALL, *POOL, UNPOOLED])
@pytest.mark.parametrize("arm", ["acquired_followed", "acquired_nofollow"])
def test_ratio_error_intervals_and_placebo_are_numpys(
    units: list[Unit], estimates: dict[tuple[int, str], dict[str, Any]], property_key: int, arm: str
) -> None:
    row = estimates[property_key, arm]
    chosen = [unit for unit in units if unit["property_key"] in (POOL if property_key == ALL else (property_key,))]
    ratio, error, pages = ratio_of(chosen, arm, "base_count", "window_count")
    placebo, placebo_error, _ = ratio_of(chosen, arm, "earlier_count", "base_count")
    p_value = 2 * float(stats.t.sf(abs(log(placebo)) / placebo_error, pages - 1))
    assert row["placebo_p_value"] == pytest.approx(p_value, rel=1e-9)
    half = float(stats.t.ppf(0.975, pages - 1)) * error
    assert row["treated_page_count"] == pages
    assert row["placebo_ratio"] == pytest.approx(placebo, rel=1e-9)
    assert row["interval_low"] == pytest.approx(exp(log(ratio) - half), rel=1e-5)
    assert row["honest_high"] == pytest.approx(exp(log(ratio) + half + abs(log(placebo))), rel=1e-5)
    detectable = error * float(stats.t.ppf(0.975, pages - 1) + stats.t.ppf(0.8, pages - 1))
    assert row["smallest_detectable_ratio"] == pytest.approx(exp(detectable), rel=1e-5)
    if pages < 30:
        assert (row["status"], row["rate_ratio"]) == ("exploratory", None)
    else:
        assert row["status"] == "estimate"
        assert row["rate_ratio"] == pytest.approx(ratio, rel=1e-9)
        assert row["standard_error"] == pytest.approx(error, rel=1e-9)


def test_both_kinds_of_answer_are_there(estimates: dict[tuple[int, str], dict[str, Any]]) -> None:
    assert {arm: row["status"] for (key, arm), row in estimates.items() if key == 1} == {
        "acquired_followed": "estimate",
        "acquired_nofollow": "exploratory",
        "lost_followed": "not_enough_data",
    }


def test_p_of_a_placebo_is_students_whatever_the_pages_and_the_distance(
    warehouse: Warehouse, estimates: dict[tuple[int, str], dict[str, Any]]
) -> None:
    assert estimates
    rng = np.random.default_rng(3)
    scored = [
        {
            "property_key": UNPOOLED,
            "bot": f"{pages} {rate}",
            "arm": "lost_followed",
            "page_key": page,
            "event_key": page,
        }
        | {"base_count": 1, "window_count": 1, "found": 1, "expected": 1}
        | {"placebo_found": rate + 0.1 * float(rng.uniform()), "placebo_expected": 1}
        for pages in (*range(2, 13), 400, 2001)
        for rate in (1, 1.06, 1.5, 30)
        for page in range(pages)
    ]
    warehouse.insert("intermediate.int_effect__score_visits", scored)
    warehouse.dbt("run", "--select", "int_effect__sum_visits")
    found = warehouse.rows("select * from intermediate.int_effect__sum_visits where bot not in ('Googlebot', 'GPTBot')")
    assert len(found) == 52
    for row in found:
        score = abs(log(row["placebo_ratio"])) / row["placebo_standard_error"]
        expected = 2 * float(stats.t.sf(score, row["treated_page_count"] - 1))
        assert row["placebo_p_value"] == pytest.approx(expected, rel=1e-9, abs=1e-13)


def test_below_the_thresholds_no_number_appears(estimates: dict[tuple[int, str], dict[str, Any]]) -> None:
    row = estimates[1, "lost_followed"]
    assert row["reason"] == "too_few_events"
    numbers = {name for name in row if "ratio" in name or name.startswith(("interval", "honest", "standard"))}
    numbers.add("placebo_p_value")
    assert len(numbers) == 9
    assert {row[name] for name in numbers} == {None}


def test_events_that_enter_nothing_are_counted_by_reason(estimates: dict[tuple[int, str], dict[str, Any]]) -> None:
    dropped = {key: row["dropped_events"] for key, row in estimates.items()}
    assert dropped[1, "acquired_followed"] == {"no_controls": 1, "not_visited": 1, "other_link": 1}
    assert dropped[1, "lost_followed"] == {}
    together = Counter(dropped[1, "acquired_followed"]) + Counter(dropped[2, "acquired_followed"])
    assert dropped[ALL, "acquired_followed"] == together


def test_a_crawler_that_never_came_to_these_pages_is_there_and_a_tool_is_not(
    warehouse: Warehouse, estimates: dict[tuple[int, str], dict[str, Any]]
) -> None:
    rows = warehouse.rows(
        "select bot, status, dropped_events from marts.rpt_crawl_rate_effect"
        " where property_key = 1 and arm = 'lost_followed'"
    )
    assert {row["bot"]: row["status"] for row in rows} == {"Googlebot": "not_enough_data", "GPTBot": "not_enough_data"}
    assert next(row["dropped_events"] for row in rows if row["bot"] == "GPTBot") == {"not_visited": 4}
    assert estimates
