"""A thousand days of chance: what links brought and what is left add up, and follow from the days alone."""

from __future__ import annotations

import json
import math
import random
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from scipy.stats import t

from seo_warehouse.config import Settings
from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.steps import warehouse as steps
from seo_warehouse.steps.referral import lay_visits
from seo_warehouse.urls import key64
from tests.conftest import PASSWORDS
from tests.warehouse.links import day as day_of
from tests.warehouse.world import DATABASE, Warehouse

PROPERTIES, DAYS = (1, 2, 3, 4), 250
SITE = "https://shop.example"
PAGES = ("/a", "/b", "/c")
HOSTS = tuple(f"host{number}.example" for number in range(6))
BEFORE = (
    *("fct_referral_visit", "int_referral__list_candidates", "int_referral__list_weeks", "int_referral__list_spans"),
    *("int_referral__list_odd_days", "int_referral__count_exposures", "int_referral__measure_links"),
)
AFTER = ("int_referral__sum_refused", "int_referral__sum_outcomes", "rpt_referral_link", "rpt_referral_balance")
CROWD = 350
"""Links of one host to a page, too many for anything to be said."""


def lives_of(key: int, rng: random.Random) -> list[dict[str, Any]]:
    """Links of all hosts to all pages, which live for a while."""
    lives: list[dict[str, Any]] = []
    for number in range(60):
        host, first = rng.choice(HOSTS), day_of(rng.randrange(DAYS))
        begin = rng.choice(["-infinity", str(first), str(first)])
        end = rng.choice([str(first + timedelta(rng.randrange(1, 120))), "infinity"])
        life: dict[str, Any] = {"property_key": key, "link_key": number + 1, "live_days": f"{{[{begin},{end})}}"}
        life |= {"source_page_key": key64(f"https://{host}/{number}"), "source_host_key": key64(host)}
        life |= {"target_url_key": key64(f"{SITE}{rng.choice(PAGES)}")}
        lives.append(life | {"referrer_policy": rng.choice([None, "full", "origin", "origin", "none"])})
    crowd: dict[str, Any] = {
        "property_key": key,
        "source_host_key": key64("crowd.example"),
        "live_days": "{[-infinity,infinity)}",
    }
    crowd |= {"target_url_key": key64(f"{SITE}/a"), "referrer_policy": None}
    return lives + [crowd | dict.fromkeys(("link_key", "source_page_key"), 1000 + n) for n in range(CROWD)]


def entries_of(rng: random.Random) -> list[dict[str, Any]]:
    """Visits from the hosts, with a page or without, and from others."""
    entries = {}
    for _ in range(rng.randrange(1, 9)):
        host = rng.choice([*HOSTS, "crowd.example", "other.example", "www.google.com"])
        path = rng.choice(["", "", f"{rng.randrange(60)}"])
        entry: dict[str, Any] = {"stream": "web", "referrer_state": "known", "referrer": f"https://{host}/{path}"}
        entry |= {"landing": f"{SITE}{rng.choice(PAGES)}", "entry_count": rng.randrange(1, 12)}
        entry |= {"referrer_key": key64(f"https://{host}/{path}") if path else None, "landing_tag": None}
        entries[entry["referrer"], entry["landing"]] = entry
    return list(entries.values())


@pytest.fixture(scope="module")
def wh(warehouse: Warehouse, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> steps.Warehouse:
    """A warehouse with the days, modelled, and what of them was laid to links."""
    home = tmp_path_factory.mktemp("home")
    (home / "secrets.json").write_text(json.dumps(PASSWORDS))
    rng = random.Random(5)
    with warehouse.connection.transaction():
        for key in PROPERTIES:
            warehouse.add_property(key, "shop.example")
            warehouse.insert("intermediate.int_referral__list_lives", lives_of(key, rng))
            for number in range(DAYS):
                warehouse.publish("server_logs", "entry", key, day_of(number), entries_of(rng), part="web/a/0")
    # A property with links, to which nobody comes from another site.
    warehouse.add_property(9, "shop.example")
    warehouse.insert("intermediate.int_referral__list_lives", lives_of(9, rng))
    search = {"stream": "web", "referrer_state": "known", "referrer": "https://www.google.com/", "landing": SITE}
    warehouse.publish("server_logs", "entry", 9, day_of(0), [search | {"entry_count": 1}], part="web/a/0")
    warehouse.dbt("run", "--select", *BEFORE)
    made = steps.Warehouse(Settings({"SEO_WAREHOUSE_HOME": str(home), "SEO_WAREHOUSE_DSN": postgres.dsn(DATABASE)}))
    assert lay_visits(made) > 0
    warehouse.dbt("run", "--select", *AFTER)
    return made


def test_a_thousand_days_balance(warehouse: Warehouse, wh: steps.Warehouse) -> None:
    assert warehouse.dbt("test", "--select", "assert_visits_of_links_balance") == {
        "test.seo_warehouse.assert_visits_of_links_balance": "pass"
    }
    kinds = {row["kind"] for row in warehouse.rows("select distinct kind from marts.rpt_referral_balance")}
    assert {"exact", "sole", "allocated", "ambiguous", "missed_links", "refused", "host_only", "no_known_link"} <= kinds
    told = warehouse.rows("select distinct status, reason from marts.rpt_referral_link")
    assert {(row["status"], row["reason"]) for row in told} >= {
        ("counted", None), ("allocated", None), ("ambiguous", None), ("ambiguous", "too_many_links"),
        ("unknown", "unmeasurable"),
    }  # fmt: skip


def test_what_cannot_be_seen_is_never_told_to_be_nothing(warehouse: Warehouse, wh: steps.Warehouse) -> None:
    rows = warehouse.rows("select * from marts.rpt_referral_link where referrer_policy = 'none' and exact_count = 0")
    assert {(row["reason"], row["visit_count"], row["visit_high"]) for row in rows} == {("unmeasurable", None, None)}


def test_an_interval_holds_its_value_and_no_more_than_the_set(warehouse: Warehouse, wh: steps.Warehouse) -> None:
    assert (
        warehouse.rows(
            """
            select * from marts.rpt_referral_link
            where not visit_count between visit_low and visit_high
                or visit_high > exact_count + sole_count + coalesce(set_visit_count, 0)
                or (visit_count is null) <> (status in ('ambiguous', 'unknown'))
            """
        )
        == []
    )


def test_the_same_days_are_laid_alike_to_the_last_digit(warehouse: Warehouse, wh: steps.Warehouse) -> None:
    query = "select * from ops.referral_estimate order by property_key, source_host_key, page_key, link_key, span"
    before = warehouse.rows(query)
    # In another order of the rows, which no figure may follow.
    table = "intermediate.int_referral__count_exposures"
    warehouse.connection.execute(f"create table shuffled as select * from {table} order by random()")
    warehouse.connection.execute(f"truncate {table}")
    warehouse.connection.execute(f"insert into {table} select * from shuffled")
    lay_visits(wh)
    assert warehouse.rows(query) == before


def test_of_no_visits_nothing_is_written(warehouse: Warehouse, wh: steps.Warehouse) -> None:
    warehouse.connection.execute("truncate intermediate.int_referral__count_exposures")
    assert lay_visits(wh) == 0


def test_a_link_that_does_nothing_is_seldom_told_to_do_something(warehouse: Warehouse, wh: steps.Warehouse) -> None:
    # Hosts of one link each, visited alike before it came and after, by one a day, five and thirty; people come in
    # bursts, by day and by week.
    rng, links, came = np.random.default_rng(3), 300, day_of(100)
    shares = np.repeat(rng.gamma(10, 1 / 10, (links, 9)), 7, axis=1)[:, :57] * rng.gamma(4, 1 / 4, (links, 57))
    counts = rng.poisson(np.repeat([1, 5, 30], links // 3)[:, None] * shares)
    for table in ("marts.fct_referral_visit", "intermediate.int_referral__list_candidates", "marts.fct_link_event"):
        warehouse.connection.execute(f"truncate {table}")
    event = {"property_key": 1, "event_type": "acquired", "event_date": came, "evidence": "dated"}
    event |= dict.fromkeys(("is_uncertain_date", "is_index_change", "is_possible_index_change"), False)
    warehouse.insert("marts.fct_link_event", [event | {"event_key": n, "link_key": n} for n in range(links)])
    life = {"property_key": 1, "page_key": 5, "days": "{[2026-01-01,infinity)}"}
    warehouse.insert(
        "intermediate.int_referral__list_candidates",
        [life | {"link_key": n, "source_host_key": key64(f"h{n}.example")} for n in range(links)],
    )
    visit = {"property_key": 1, "witness": "logs", "class": "link_host", "page_key": 5, "referrer_state": "known"}
    warehouse.insert(
        "marts.fct_referral_visit",
        [
            visit
            | {"day": came + timedelta(number - 28), "referrer_host": f"h{n}.example", "referrer_key": n}
            | {"visit_count": int(count)}
            for n, days in enumerate(counts)
            for number, count in enumerate(days)
        ],
    )
    warehouse.dbt("run", "--select", "int_referral__list_spans", "rpt_referral_effect")
    rows = warehouse.rows("select * from marts.rpt_referral_effect order by link_key")
    assert len(rows) == links
    alarms = [row for row in rows if not row["ratio_low"] <= 1 <= row["ratio_high"]]
    assert len(alarms) / links <= 0.07
    for row, days in zip(rows[:20], counts, strict=False):
        weeks = days[:56].reshape(2, 4, 7).sum(axis=2)
        before, after = weeks.sum(axis=1)
        excess = ((weeks - weeks.mean(axis=1, keepdims=True)) ** 2 / weeks.mean(axis=1, keepdims=True)).sum() / 6
        width = t.ppf(0.975, 6) * math.sqrt(max(excess, 1) * (1 / (after + 0.5) + 1 / (before + 0.5)))
        assert row["ratio"] == pytest.approx((after + 0.5) / (before + 0.5))
        assert row["ratio_high"] == pytest.approx(row["ratio"] * math.exp(width))
        assert row["ratio_low"] == pytest.approx(row["ratio"] * math.exp(-width))
