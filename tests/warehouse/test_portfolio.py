"""What the build measures of portfolios stands in the marts, is made once, and is nothing where nothing can be said."""

from __future__ import annotations

import json
import logging
from datetime import date, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import numpy as np
import pytest

from seo_warehouse.authority.diversity import hill
from seo_warehouse.authority.flags import FALSE_ALARM_RATES, LEVEL
from seo_warehouse.authority.portfolio import follow
from seo_warehouse.authority.risk import expect_losses
from seo_warehouse.authority.unseen import lower_bound
from seo_warehouse.config import Settings
from seo_warehouse.demo.catalogue import ALDERWOOD
from seo_warehouse.demo.hosting import address_of, burst_of
from seo_warehouse.demo.links import Link, is_followed
from seo_warehouse.demo.world import World
from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.errors import BuildError
from seo_warehouse.networks import CDNS
from seo_warehouse.steps import warehouse as steps
from seo_warehouse.steps.portfolio import measure_portfolios
from tests.authority.populations import draw_world
from tests.conftest import PASSWORDS
from tests.warehouse.world import DATABASE, Warehouse

MAY, JUNE, JULY = (date(2026, month, 1) for month in (5, 6, 7))
CLASSES = [(MAY, f"domain {number}", 1 + 40 // (number + 1)) for number in range(30)] + [(JULY, "domain 0", 80)]
ARRIVALS = [*([2, 3] * 13), 40]
SEEN = {("v",): 40, ("w",): 35, ("x",): 20, ("v", "w"): 25, ("v", "x"): 12, ("w", "x"): 10, ("v", "w", "x"): 9}
DEMO = 3
"""The property whose links are those of the demo's first."""
DEMO_FIRST, DEMO_WEEKS = date(2026, 5, 4), 32
"""A Monday, and as many weeks: the viral one is the last but one."""


@pytest.fixture(scope="module")
def demo_links() -> tuple[World, list[Link]]:
    """A demo world, and the links that came within its weeks, the first first."""
    world = World(2, DEMO_FIRST)
    came = (link for link in world.links[ALDERWOOD.key] if link.changes[0].at.date() < DEMO_FIRST + weeks(DEMO_WEEKS))
    return world, sorted(came, key=lambda link: link.changes[0].at)


def weeks(count: int) -> timedelta:
    return timedelta(weeks=count)


def tell_demo(warehouse: Warehouse, world: World, links: list[Link]) -> None:
    """What the models make of the demo's links: who came when, from where, and with which words."""
    planted, of = burst_of(world.links[ALDERWOOD.key]), {"property_key": DEMO}
    firsts: dict[str, Link] = {}
    for link in links:
        firsts.setdefault(link.site.host, link)
    came = [link for link in firsts.values() if link.changes[0].kind == "acquired"]
    arrivals: list[list[int]] = [[] for _ in range(DEMO_WEEKS)]
    for link in came:
        arrivals[(link.changes[0].at.date() - DEMO_FIRST).days // 7].append(link.link_id)
    warehouse.insert(
        "intermediate.int_portfolio__count_arrivals",
        [
            of | {"week": DEMO_FIRST + weeks(number), "domain_count": len(keys), "link_keys": keys}
            for number, keys in enumerate(arrivals)
        ],
    )
    warehouse.insert(
        "intermediate.int_portfolio__list_arrivals",
        [
            of
            | {"day": link.changes[0].at.date(), "link_key": link.link_id}
            | {"network": network_of(address_of(world.seed, link.site.host, planted))}
            for link in came
        ],
    )
    keywords = {tracked.keyword for tracked in ALDERWOOD.tracked}
    said: dict[str, list[bool]] = {}
    for link in links:
        if not link.is_image and is_followed(link.changes[0].rel):
            said.setdefault(link.site.host, []).append(link.changes[0].anchor in keywords)
    exact = sum(2 * sum(each) > len(each) for each in said.values())
    words = {"day": JULY, "known_domain_count": len(said), "exact_domain_count": exact, "link_keys": []}
    warehouse.insert("intermediate.int_portfolio__count_words", [of | words])


def network_of(address: str) -> str | None:
    """The /24 that an address stands in; None of a CDN."""
    is_shared = any(ip_address(address) in ip_network(each) for each in CDNS["Cloudflare"] if ":" not in each)
    return None if is_shared else str(ip_network(f"{address}/24", strict=False))


@pytest.fixture(scope="module")
def wh(
    warehouse: Warehouse,
    postgres: Postgres,
    tmp_path_factory: pytest.TempPathFactory,
    demo_links: tuple[World, list[Link]],
) -> steps.Warehouse:
    """A warehouse whose models say what portfolios hold."""
    tell_demo(warehouse, *demo_links)
    home = tmp_path_factory.mktemp("home")
    (home / "secrets.json").write_text(json.dumps(PASSWORDS))
    warehouse.insert(
        "intermediate.int_link__judge_looks", [{"property_key": 1, "day": day} for day in (MAY, JULY.replace(day=9))]
    )
    series = {"property_key": 1, "dimension": "domain", "weight": "link"}
    warehouse.insert(
        "intermediate.int_portfolio__count_classes",
        [series | {"month": month, "class": name, "class_count": count} for month, name, count in CLASSES],
    )
    sights = [(MAY, witnesses, count) for witnesses, count in SEEN.items()] + [(JUNE, ("v",), 3)]
    warehouse.insert(
        "intermediate.int_portfolio__count_sights",
        [
            {"property_key": 1, "unit": unit, "month": month, "witnesses": list(witnesses), "seen_count": times * count}
            for month, witnesses, count in sights
            for unit, times in (("domain", 1), ("link", 7))
        ],
    )
    scripted = {"property_key": 1, "month": MAY, "asked_count": 8, "scripted_count": 2}
    warehouse.insert("intermediate.int_portfolio__count_scripted", [scripted])
    warehouse.insert(
        "intermediate.int_portfolio__count_arrivals",
        [
            {
                "property_key": 1,
                "week": MAY + timedelta(weeks=number - 27),
                "domain_count": count,
                "link_keys": [number],
            }
            for number, count in enumerate(ARRIVALS)
        ],
    )
    words = {"property_key": 1, "day": JULY, "known_domain_count": 40, "exact_domain_count": 12, "link_keys": [7, 8]}
    warehouse.insert("intermediate.int_portfolio__count_words", [words])
    # Six domains of one network within a week, where one comes every other day.
    warehouse.insert(
        "intermediate.int_portfolio__list_arrivals",
        [
            {"property_key": 1, "day": MAY - timedelta(days=2 * number), "network": None, "link_key": number}
            for number in range(100)
        ]
        + [
            {"property_key": 1, "day": MAY - timedelta(days=day), "network": "192.0.2.0/24", "link_key": 200 + day}
            for day in range(40, 46)
        ],
    )
    hidden = {"property_key": 1, "flag": "hidden_link", "subject_kind": "publisher", "subject_key": 6, "counted": 2}
    hidden |= {"publisher": "dark.example", "first_day": MAY, "last_day": JUNE, "link_keys": [3, 4]}
    warehouse.insert("intermediate.int_portfolio__find_facts", [hidden])
    repeats = {"property_key": 1, "subject_key": 5, "publisher": "wide.example", "anchor": "pans", "first_day": MAY}
    repeats |= {"last_day": JULY, "link_count": 51, "link_keys": [9]}
    warehouse.insert("intermediate.int_portfolio__find_repeats", [repeats])
    lives, living, _ = draw_world(1, 40, 400, 0.5)
    sort = {"property_key": 1, "dimension": "all", "class": ""}
    columns = zip(lives.domain, lives.entry, lives.exit, lives.is_lost, strict=True)
    warehouse.insert(
        "intermediate.int_portfolio__list_lives",
        [
            sort
            | {"link_key": number, "linking_key": 900 + int(domain), "is_lost": bool(is_lost)}
            | {"entry_days": int(entry), "exit_days": int(left)}
            for number, (domain, entry, left, is_lost) in enumerate(columns)
        ],
    )
    links = [(int(domain), int(age)) for domain, age in zip(living.domain, living.age, strict=True)]
    told = [sort | {"linking_key": 900 + domain, "age_days": age} for domain, age in links]
    beyond = {"property_key": 1, "linking_key": 1, "age_days": 2_000}
    alone = [{"property_key": 2, "linking_key": 1, "age_days": 9} | {"dimension": "all", "class": ""}]
    warehouse.insert("intermediate.int_portfolio__weigh_risks", [*told, beyond, *alone])
    return steps.Warehouse(Settings({"SEO_WAREHOUSE_HOME": str(home), "SEO_WAREHOUSE_DSN": postgres.dsn(DATABASE)}))


@pytest.fixture(scope="module")
def measured(warehouse: Warehouse, wh: steps.Warehouse) -> Warehouse:
    assert measure_portfolios(wh) == 3
    warehouse.dbt("run", "--select", "tag:after_estimates", "--exclude", "marts.estimate")
    warehouse.dbt("run", "--select", "fct_link_flag")
    return warehouse


def rows(warehouse: Warehouse, table: str) -> list[dict[str, Any]]:
    return warehouse.rows(f"select * from {table} order by property_key, month")


def test_the_mart_says_of_each_month_what_follows_from_its_classes(measured: Warehouse) -> None:
    told = follow((1, "domain", "link"), [MAY, JUNE, JULY], sorted(CLASSES), {})
    names = ("month", "item_count", "class_count", "hill_1", "low_1", "common_1", "status")
    assert [[row[name] for name in names] for row in rows(measured, "marts.rpt_portfolio")] == [
        [getattr(breadth, name) for name in names] for breadth in told
    ]
    assert rows(measured, "marts.rpt_portfolio")[0]["status"] == "estimate"


def test_the_bound_is_that_of_the_sets_of_witnesses_of_a_month(measured: Warehouse) -> None:
    bound = lower_bound({frozenset(witnesses): count for witnesses, count in SEEN.items()})
    assert bound is not None
    may, june = measured.rows("select * from marts.rpt_witness_bound where unit = 'domain' order by month")
    links = measured.rows("select * from marts.rpt_witness_bound where unit = 'link' order by month")
    assert [row["seen_count"] for row in links] == [7 * may["seen_count"], 7 * june["seen_count"]]
    assert (may["seen_count"], may["witness_count"], may["status"]) == (sum(SEEN.values()), 3, "estimate")
    assert may["bound_count"] == round(bound.bound) > may["low_count"] >= may["seen_count"]
    assert (may["left_out"], may["is_guarded"]) == ([], False)
    assert (may["unseen_js_share"], june["unseen_js_share"]) == (0.25, None)
    assert (june["seen_count"], june["bound_count"], june["status"]) == (3, None, "not_enough_data")


def test_flags_are_told_with_their_evidence_and_how_often_they_err(measured: Warehouse) -> None:
    found = measured.rows("select * from marts.fct_link_flag where property_key = 1 order by flag")
    names = ("flag", "subject_kind", "publisher", "first_day", "last_day", "counted", "expected", "link_keys")
    last = MAY + timedelta(weeks=-1)
    burst = MAY - timedelta(days=45), MAY - timedelta(days=40), 6, 13 * 6 / 106, [*range(240, 246)]
    assert [tuple(row[name] for name in names) for row in found] == [
        ("exact_anchor_share", "property", None, JULY, JULY, 12, 4.0, [7, 8]),
        ("hidden_link", "publisher", "dark.example", MAY, JUNE, 2, None, [3, 4]),
        ("network_burst", "network", None, *burst),
        ("site_wide", "publisher", "wide.example", MAY, JULY, 51, None, [9]),
        ("velocity", "property", None, last, last + timedelta(days=6), 40, 2.5, [26]),
    ]
    assert [row["false_alarm_rate"] for row in found] == [*(FALSE_ALARM_RATES.get(row["flag"]) for row in found)]
    assert [row["p_value"] is None or row["p_value"] < LEVEL for row in found] == [True] * 5
    assert [row["subject"] for row in found] == [None, None, "192.0.2.0/24", None, None]


def test_a_viral_week_is_an_event_to_explain_and_no_sign_of_anybodys_hand(
    measured: Warehouse, demo_links: tuple[World, list[Link]]
) -> None:
    _, links = demo_links
    viral = [link for link in links if link.is_viral]
    monday = DEMO_FIRST + weeks(DEMO_WEEKS - 2)
    days = {link.changes[0].at.date() for link in viral}
    assert (len(viral), min(days), max(days)) == (24, monday, monday + timedelta(days=6))
    assert len({link.site.host for link in viral}) == 24
    found = measured.rows("select * from marts.fct_link_flag where property_key = %s order by flag", DEMO)
    # Words are as anybody's, and networks as the world has them: what is planted came long before.
    burst, velocity = found
    assert (burst["flag"], burst["subject"], burst["last_day"] < monday) == ("network_burst", "198.19.0.0/24", True)
    assert (velocity["flag"], velocity["first_day"], velocity["counted"] >= 24) == ("velocity", monday, True)
    assert {link.link_id for link in viral} <= set(velocity["link_keys"])


def test_the_losses_expected_are_those_of_the_links_lives(measured: Warehouse) -> None:
    lives, living, _ = draw_world(1, 40, 400, 0.5)
    known = expect_losses([(lives, living)], 40, 90, 1)
    assert known is not None
    one, other = measured.rows("select * from marts.rpt_expected_loss order by property_key")
    assert (one["link_count"], one["untold_link_count"], one["status"]) == (living.age.size, 1, "estimate")
    assert one["domain_count"] == np.unique(living.domain).size
    assert one["expected_loss_count"] == pytest.approx(known.expected, rel=1e-9)
    assert one["interval_low"] < one["expected_loss_count"] < one["interval_high"]
    assert (other["link_count"], other["expected_loss_count"], other["status"]) == (1, None, "not_enough_data")


def test_what_did_not_change_is_not_measured_again(
    measured: Warehouse, wh: steps.Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    before = rows(measured, "ops.portfolio"), rows(measured, "ops.witness_bound")
    with caplog.at_level(logging.INFO):
        measure_portfolios(wh)
    assert "portfolios: 3 months, 0 of them anew" in caplog.messages
    assert (rows(measured, "ops.portfolio"), rows(measured, "ops.witness_bound")) == before


def test_figures_that_cannot_be_are_a_build_that_failed_and_leave_what_stood(
    measured: Warehouse, wh: steps.Warehouse
) -> None:
    before = rows(measured, "ops.portfolio"), rows(measured, "ops.witness_bound")
    broken = {"property_key": 1, "unit": "link", "month": JULY, "witnesses": ["v"], "seen_count": None}
    measured.insert("intermediate.int_portfolio__count_sights", [broken])
    with pytest.raises(BuildError, match=r"^how broad portfolios of links are cannot be estimated: TypeError"):
        measure_portfolios(wh)
    assert (rows(measured, "ops.portfolio"), rows(measured, "ops.witness_bound")) == before
    measured.connection.execute("delete from intermediate.int_portfolio__count_sights where seen_count is null")


def test_without_a_publisher_the_portfolio_is_as_broad_as_the_others_are(warehouse: Warehouse, wh: object) -> None:
    # Of twelve publishers the eleventh links to pages that nobody else links to, the twelfth to those of all.
    counts = {number: 40 - 3 * number for number in range(1, 13)}
    link = {"property_key": 1, "state": "live", "is_followed": True}
    warehouse.insert(
        "marts.dim_link",
        [
            link
            | {"link_key": 100 * number + place, "source_domain_key": number, "source_domain": f"d{number}.example"}
            | {"page_key": 7 if number == 11 else 5 + place % 2}
            for number, count in counts.items()
            for place in range(count)
        ],
    )
    warehouse.dbt("run", "--select", "rpt_portfolio_stress")
    told = warehouse.rows("select * from marts.rpt_portfolio_stress order by publisher_key")
    assert [row["publisher"] for row in told] == [f"d{number}.example" for number in range(1, 12)]
    assert [row["orphaned_page_count"] for row in told] == [0] * 10 + [1]
    for row in told:
        left = [count for number, count in counts.items() if number != row["publisher_key"]]
        assert row["hill_1_after"] == pytest.approx(hill(np.array(left), 1), rel=1e-12)
        assert row["hill_1"] == pytest.approx(hill(np.array([*counts.values()]), 1), rel=1e-12)
        assert row["followed_share"] == counts[row["publisher_key"]] / sum(counts.values())
    assert {row["month"] for row in told} == {JULY}
    assert {row["expected_log_position_change"] for row in told} == {row["authority_share"] for row in told} == {None}
