"""Waits and gaps as the models cut them are those of a simulated world, and what is made of them ends in the marts."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from seo_warehouse.discovery import rows
from seo_warehouse.discovery.linked import BEFORE, HEADLINE, Model, fit_links, fit_placebo
from seo_warehouse.discovery.published import publish_effects
from seo_warehouse.discovery.waits import EVENT, estimate_hazards
from seo_warehouse.steps.discovery import curves_of, effects_of
from tests.discovery.worlds import FAR, LinkKnobs, LinkWorld, make_links
from tests.warehouse.world import Warehouse

ROOT = Path(__file__).parents[2]
DAY_0 = date(2026, 5, 4)
"""A fortnight begins with it, as one of the world does."""
KNOBS = LinkKnobs(pages=300, topics=3, look_every=1, ratio=2.0, link_rate=0.03)
SERIES = rows.Series(1, "google", "shown")
MODELS = (
    *("int_milestone__list_watches", "int_discovery__place_waits"),
    *("int_discovery__cut_gaps", "int_discovery__follow_links"),
)


def day(number: int) -> date:
    return DAY_0 + timedelta(days=int(number))


@pytest.fixture(scope="module")
def world() -> LinkWorld:
    return make_links(11, KNOBS)


@pytest.fixture(scope="module")
def modelled(warehouse: Warehouse, world: LinkWorld) -> Warehouse:
    """The world's pages with their milestones; searches are known from the day before the first on."""
    warehouse.add_property(1, "shop.example")
    for number in (-1, KNOBS.days - 1):
        warehouse.publish("search_console", "page_total", 1, day(number), [])
    pages, milestones = [], []
    for page in range(KNOBS.pages):
        url = f"https://shop.example/{page}"
        pages.append(
            {"property_key": 1, "page_key": page, "url": url, "host": "shop.example", "path": f"/{page}"}
            | {"topic": f"t{world.topic[page]}", "topic_source": "rule", "current_page_key": page, "is_current": True}
        )
        for name, engine, reached in (
            ("published", "any", world.published[page]),
            ("linked_followed", "any", world.linked[page]),
            ("shown", "google", world.event[page]),
        ):
            if reached < FAR:
                milestones.append(
                    {"property_key": 1, "page_key": page, "engine": engine, "milestone": name}
                    | {"after_date": day(reached - 1), "by_date": day(reached), "witness": "crawl"}
                    | {"is_exact": True, "is_implied": False}
                )
    warehouse.insert("marts.dim_page", pages)
    warehouse.insert("marts.fct_page_milestone", milestones)
    warehouse.dbt("run", "--select", *MODELS)
    return warehouse


def same(one: Model | None, other: Model | None, band: int) -> None:
    assert one is not None
    assert other is not None
    assert one.ratios[band].log_ratio == pytest.approx(other.ratios[band].log_ratio, abs=1e-7)
    assert one.ratios[band].standard_error == pytest.approx(other.ratios[band].standard_error, rel=1e-6)
    assert one.ratios[band].event_count == other.ratios[band].event_count


def test_gaps_of_quiet_days_taken_together_tell_what_looks_every_day_tell(
    modelled: Warehouse, world: LinkWorld
) -> None:
    read = rows.read_gaps(modelled.connection, SERIES)
    assert read.disturbed_page_topic.size == 0
    assert read.gaps.is_event.sum() == world.gaps.is_event.sum() > 100
    assert read.gaps.days.sum() == world.gaps.days.sum()
    assert read.gaps.gap.size < world.gaps.gap.size / 2
    same(fit_links(read.gaps, 0), fit_links(world.gaps, 0), HEADLINE)
    same(fit_placebo(read.gaps, 0), fit_placebo(world.gaps, 0), BEFORE)


def test_waits_since_publication_are_the_worlds(modelled: Warehouse, world: LinkWorld) -> None:
    waits, topic = rows.read_waits(modelled.connection, SERIES)
    happened = world.event < KNOBS.days
    assert waits.is_exact
    assert sorted(waits.by[waits.ending == EVENT]) == sorted((world.event - world.published)[happened])
    assert sorted(set(topic)) == ["t0", "t1", "t2"]
    # Without censoring before it, the share by day 7 is a plain one.
    early = world.published < KNOBS.days - 8
    plain = np.mean((world.event - world.published)[early] <= 7)
    assert estimate_hazards(waits).share[7] == pytest.approx(plain, abs=0.02)


@pytest.fixture(scope="module")
def published(modelled: Warehouse) -> Warehouse:
    """The marts, written twice as two builds write them."""
    for _ in range(2):
        curves = list(curves_of(modelled.connection, SERIES))
        effects = list(effects_of(modelled.connection, SERIES))
        rows.write(modelled.connection, curves, effects)
    modelled.dbt("build", "--select", "stg_ops__discovery_curve+", "stg_ops__discovery_effect+")
    return modelled


def test_a_curve_rises_within_its_interval(published: Warehouse) -> None:
    found = published.rows("select * from marts.rpt_discovery where cut = 'all' order by day")
    assert {row["status"] for row in found} == {"estimate"}
    assert [row["day"] for row in found] == list(range(len(found)))
    assert [row["share"] for row in found] == sorted(row["share"] for row in found)
    bounded = [row for row in found if row["share_low"] is not None]
    assert len(bounded) > 20
    assert all(row["share_low"] < row["share"] < row["share_high"] for row in bounded)
    assert published.rows("select distinct level from marts.rpt_discovery where cut = 'topic' order by level") == [
        {"level": "t0"}, {"level": "t1"}, {"level": "t2"}
    ]  # fmt: skip


def test_an_effect_is_told_with_its_shares(published: Warehouse) -> None:
    (headline,) = published.rows("select * from marts.rpt_discovery_effect where cut = 'all' and band = '1-28'")
    told = next(publish_effects(rows.read_gaps(published.connection, SERIES).gaps, {}))
    assert told.ratio is not None
    assert headline["hazard_ratio"] == told.ratio.middle
    assert headline["status"] == "estimate"
    assert headline["honest_low"] < headline["interval_low"] < headline["hazard_ratio"] < headline["honest_high"]
    assert headline["share_without_14"] < headline["share_with_14"] < headline["share_with_28"]


def test_the_effect_on_a_topic_is_that_on_a_world_of_its_pages_alone(published: Warehouse, world: LinkWorld) -> None:
    found = published.rows(
        "select * from marts.rpt_discovery_effect where cut = 'topic' and band = '1-28' order by level"
    )
    assert [row["level"] for row in found] == ["t0", "t1", "t2"]
    for number, row in enumerate(found):
        alone = next(publish_effects(world.gaps.where(world.gaps.touched(world.gaps.topic == number)), {}))
        assert row["page_count"] == alone.page_count == (world.topic[np.unique(world.gaps.page)] == number).sum()
        assert (row["status"], row["exposed_event_count"]) == (alone.status, alone.exposed_event_count)
        assert alone.ratio is not None
        assert row["interval_high"] == pytest.approx(alone.ratio.high, rel=1e-6)
    assert {row["status"] for row in found} <= {"exploratory", "estimate"}


def test_the_documented_query_gives_the_curve_to_the_last_digits(published: Warehouse) -> None:
    page = (ROOT / "docs/discovery.md").read_text(encoding="utf-8")
    (query,) = (found for found in re.findall(r"```sql\n(.*?)```", page, re.DOTALL) if "place_waits" in found)
    ours = published.rows("select day, share from marts.rpt_discovery where cut = 'all' order by day")
    theirs = {row["day"]: row["share"] for row in published.rows(query)}
    assert [theirs[row["day"]] for row in ours] == pytest.approx([row["share"] for row in ours], abs=1e-12)


def test_the_documented_list_of_waiting_pages_can_be_asked(published: Warehouse, world: LinkWorld) -> None:
    page = (ROOT / "docs/discovery.md").read_text(encoding="utf-8")
    (query,) = (found for found in re.findall(r"```sql\n(.*?)```", page, re.DOTALL) if "days_waited" in found)
    waiting = world.published[world.event >= KNOBS.days]
    asked = published.rows(query)
    assert len(asked) == min(10, waiting.size)
    longest = published.rows("select current_date - %s as days", day(waiting.min()))
    assert asked[0]["days_waited"] == longest[0]["days"]
