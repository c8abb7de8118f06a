"""Twenty worlds of promises whose truth is known: grades, days, money and states are the truth's, and add up."""

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any

import pytest

from seo_warehouse.config import Settings
from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.steps import warehouse as steps
from seo_warehouse.steps.relations import weigh_partners
from seo_warehouse.urls import key64
from tests.conftest import PASSWORDS
from tests.warehouse.world import DATABASE, Warehouse

SEEDS, PROMISES, ASKED_BESIDE = range(1, 21), 40, 12
FIRST, LAST = date(2025, 7, 1), date(2026, 6, 30)
LOOK_DAYS = 7
TARGET, OTHER_TARGET = 900, 901
MONTH = 365.25 / 12
CAMPAIGNS, KINDS = ("spring", "autumn", "press"), ("guest post", "pr", None)
GRADES = ("exact", "exact", "visited", "same_page", "probable", "contradicted", "unverified", "twin")
BEFORE = (
    *("int_link__judge_misses", "int_link__sum_checks", "int_relation__list_links", "int_relation__extend_spans"),
    *("int_relation__match_placements", "fct_placement", "fct_outreach", "dim_partner", "dim_campaign"),
    *("dim_partner_site", "int_relation__sum_pairs", "int_relation__sum_partners", "int_relation__list_waits"),
    "rpt_outreach_return",
)
State = tuple[str, date, date | None]


@dataclass(frozen=True)
class Promise:
    """What was promised and what became of it. `seen`: first look that met the link; `went`: when it truly went."""

    key: int
    partner: str
    campaign: str
    kind: str | None
    grade: str
    page: int
    contacted: date
    replied: date
    agreed: date
    placed: date | None
    payment: str
    price: float
    seen: date | None
    went: date | None
    is_of_visits: bool
    """Nobody but our own visits has met it."""

    @property
    def link_key(self) -> int | None:
        return self.key if self.seen else None

    @property
    def verified(self) -> date | None:
        return self.seen if self.grade in ("exact", "same_page") else None

    @property
    def met_last(self) -> date:
        """The last look that met the link."""
        end = self.went - timedelta(1) if self.went else LAST
        return end - timedelta((end - FIRST).days % LOOK_DAYS)

    @property
    def missed(self) -> date | None:
        """The first look that missed it; None: no look did yet."""
        after = self.met_last + timedelta(LOOK_DAYS)
        return after if self.went and after <= LAST else None

    @property
    def lost(self) -> date | None:
        """Where the models of links lay the loss."""
        missed = self.missed
        if missed is not None and self.is_of_visits:
            # Three visits have to miss it, and it is laid half way.
            return self.met_last + timedelta(4) if missed + timedelta(2 * LOOK_DAYS) <= LAST else None
        return self.met_last + timedelta(3) if missed else None

    def money(self) -> float:
        """Dollars to the last day, counted term by term and day by day."""
        begin = self.placed or self.agreed
        if self.payment == "barter":
            return 0
        if self.payment == "once":
            return self.price
        if self.verified and self.lost:
            spent, day = 0.0, 0.0
            while day < (self.lost - begin).days:
                spent, day = spent + self.price, day + MONTH
            return spent
        return sum(self.price / MONTH for _ in range((LAST - begin).days + 1))

    def states(self) -> list[State]:
        """Spans from the first word on."""
        begun = {"contacted": self.contacted, "replied": self.replied, "agreed": self.agreed}
        begun |= {"placed": self.placed} if self.placed else {}
        begun |= {"verified": self.verified} if self.verified else {}
        begun |= {"lost": self.lost} if self.verified and self.lost else {}
        last_of_day = {day: state for state, day in begun.items()}
        return spans_of([(state, day) for day, state in sorted(last_of_day.items())])


def spans_of(begun: list[tuple[str, date]]) -> list[State]:
    ends = [*(day for _, day in begun[1:]), None]
    return [(state, day, end) for (state, day), end in zip(begun, ends, strict=True)]


def look_at_or_after(day: date) -> date:
    return day + timedelta(-(day - FIRST).days % LOOK_DAYS)


def promises_of(seed: int) -> list[Promise]:
    rng, made = random.Random(seed), list[Promise]()
    for number in range(1, PROMISES + 1):
        grade = rng.choice(GRADES)
        contacted = FIRST + timedelta(30 + rng.randrange(250))
        replied = contacted + timedelta(1 + rng.randrange(9))
        agreed = replied + timedelta(1 + rng.randrange(9))
        placed: date | None = agreed + timedelta(1 + rng.randrange(9))
        seen = look_at_or_after(placed) if placed and grade in ("exact", "visited", "same_page", "probable") else None
        went = seen + timedelta(1 + rng.randrange(120)) if seen and rng.random() < 0.4 else None
        page = number
        twin = made[-1] if made and made[-1].grade == "exact" and not made[-1].is_of_visits else None
        if grade == "twin" and twin is not None and twin.seen is not None:
            # The same page and target, promised long before the one link there came: that is the other's.
            page, agreed = twin.page, twin.agreed - timedelta(60)
            replied, contacted, placed = agreed - timedelta(2), agreed - timedelta(5), None
        if grade in ("twin", "unverified", "contradicted") and rng.random() < 0.5:
            placed = None
        made.append(
            Promise(
                key=number,
                partner=f"p{number}",
                campaign=rng.choice(CAMPAIGNS),
                kind=rng.choice(KINDS),
                grade={"twin": "unverified", "visited": "exact"}.get(grade, grade),
                is_of_visits=grade == "visited",
                page=page,
                contacted=contacted,
                replied=replied,
                agreed=agreed,
                placed=placed,
                payment=rng.choice(("once", "monthly", "barter")),
                price=float(rng.randrange(20, 400)),
                seen=seen,
                went=went if went and went <= LAST else None,
            )
        )
    return made


def asked_beside(seed: int) -> dict[str, tuple[list[dict[str, Any]], list[State]]]:
    """Partners of whom no link came: what was said, and the states that follow."""
    rng, made = random.Random(-seed), {}
    for number in range(ASKED_BESIDE):
        day = FIRST + timedelta(rng.randrange(365))
        name, later = f"q{number}", day + timedelta(1 + rng.randrange(30))
        said = [{"day": day, "direction": "out", "outcome": "none"}]
        begun = [("contacted", day)]
        outcome = rng.choice(("declined", "bounced", "replied", None))
        if outcome is None:
            if day + timedelta(60) <= LAST:
                begun.append(("silent", day + timedelta(60)))
        elif later <= LAST:
            said.append({"day": later, "direction": "in", "outcome": outcome})
            begun.append((outcome, later))
        made[name] = (said, spans_of(begun))
    return made


def publish(warehouse: Warehouse, key: int, promises: list[Promise]) -> None:
    """The world as the models before these would have left it."""
    of = {"property_key": key}
    touch = {"campaign": "beside", "kind": "email", "minutes": 30.0, "touch_id": "#1"}
    touch |= {"exported_at": datetime(2026, 6, 1, tzinfo=UTC)}
    said: list[dict[str, Any]] = [
        touch | {"partner": name} | each for name, (words, _) in asked_beside(key).items() for each in words
    ]
    for p in promises:
        pair = touch | {"partner": p.partner, "campaign": p.campaign}
        said.append(pair | {"day": p.contacted, "direction": "out", "outcome": "none"})
        said.append(pair | {"day": p.replied, "direction": "in", "outcome": "replied"})
    for day, rows in groupby(sorted(said, key=lambda row: (row["day"], row["partner"])), key=lambda row: row["day"]):
        warehouse.publish("outreach", "touch", key, day, list(rows), part="outreach_touches")
    warehouse.insert("intermediate.int_link__judge_looks", [of | {"witness": "w", "day": LAST}])
    warehouse.insert(
        "intermediate.int_relation__list_placements",
        [
            of | {
                "placement_key": p.key, "partner_key": key64(p.partner), "campaign_key": key64(p.campaign),
                "kind": p.kind, "agreed_date": p.agreed, "placed_date": p.placed, "source_page_key": p.page,
                "source_domain_key": p.page, "page_key": TARGET, "price": p.price, "price_dollars": p.price,
                "payment": p.payment, "as_of_date": LAST,
            }
            for p in promises
        ],
    )  # fmt: skip
    links = [p for p in promises if p.seen and not p.is_of_visits]
    warehouse.insert(
        "marts.dim_link",
        [
            of | {
                "link_key": p.key, "source_page_key": p.page + (10_000 if p.grade == "probable" else 0),
                "source_domain_key": p.page, "page_key": OTHER_TARGET if p.grade == "same_page" else TARGET, "rel": [],
            }
            for p in links
        ],
    )  # fmt: skip
    life = {"state": "live", "is_intermittent": False, "miss_count": 0}
    warehouse.insert(
        "marts.fct_link_lifespan",
        [
            of | life | {"link_key": p.key, "first_sight_date": p.seen, "last_sight_date": p.met_last}
            | {"lost_date": p.lost, "state": "lost" if p.lost else "live"}
            for p in links
        ],
    )  # fmt: skip
    warehouse.insert(
        "intermediate.int_link__date_spans",
        [
            of | {"link_key": p.key, "witness": "w", "span_no": 1, "start_date": p.seen, "begin_day": p.seen}
            | {"last_live_day": p.met_last, "lost_date": p.lost, "lost_observed_date": p.missed}
            for p in links
        ],
    )  # fmt: skip
    look: dict[str, Any] = of | {"target_page_key": TARGET, "due_reason": "promised", "is_expected": True}
    look |= {"is_asked": True, "presence": "absent", "grade": "gone", "source_url": "", "target_url": "", "link_key": 0}
    visits = [
        look
        | {"source_page_key": p.page, "source_domain_key": p.page, "link_key": p.key, "rel": [], "day": day}
        | {"presence": "present" if day <= p.met_last else "absent", "checked_at": datetime(2026, 6, 30, tzinfo=UTC)}
        for p in promises
        if p.is_of_visits and p.seen
        for day in (p.seen + timedelta(days) for days in range(0, (LAST - p.seen).days + 1, LOOK_DAYS))
    ]
    warehouse.insert("marts.fct_link_check", visits)
    warehouse.insert(
        "marts.fct_link_check",
        [
            look | {"source_page_key": p.page, "day": LAST, "checked_at": datetime(2026, 6, 30, tzinfo=UTC)}
            for p in promises
            if p.grade == "contradicted"
        ],
    )


@pytest.fixture(scope="module")
def truths(warehouse: Warehouse) -> dict[int, list[Promise]]:
    """Promises by property, modelled."""
    made = {seed: promises_of(seed) for seed in SEEDS}
    with warehouse.connection.transaction():
        for key, promises in made.items():
            warehouse.add_property(key, "shop.example", hourly_rate=60)
            publish(warehouse, key, promises)
    warehouse.dbt("run", "--select", *BEFORE)
    return made


def test_grades_days_and_money_are_the_truth_s(warehouse: Warehouse, truths: dict[int, list[Promise]]) -> None:
    rows = warehouse.rows("select * from marts.fct_placement")
    found = {(row["property_key"], row["placement_key"]): row for row in rows}
    assert len(found) == len(SEEDS) * PROMISES
    for key, promises in truths.items():
        for p in promises:
            row = found[key, p.key]
            told = (row["match_grade"], row["link_key"], row["verified_date"], row["lost_date"])
            assert told == (p.grade, p.link_key, p.verified, p.lost if p.verified else None), (key, p)
            assert row["money"] == pytest.approx(p.money(), abs=1e-6), (key, p)
            if p.verified:
                stood = ((p.went if p.lost and p.went else p.met_last) - p.verified).days
                assert row["live_days_low"] <= stood <= row["live_days_high"], (key, p)
                assert row["live_days_low"] <= row["live_days"] <= row["live_days_high"]
    assert {p.grade for promises in truths.values() for p in promises} == {*GRADES} - {"twin", "visited"}


def test_no_link_serves_two(warehouse: Warehouse, truths: dict[int, list[Promise]]) -> None:
    query = "select 1 from marts.fct_placement where link_key is not null group by property_key, link_key"
    assert warehouse.rows(f"{query} having count(*) > 1") == []


def test_states_are_the_truth_s_without_holes(warehouse: Warehouse, truths: dict[int, list[Promise]]) -> None:
    rows = warehouse.rows(
        "select * from marts.fct_outreach order by property_key, partner_key, campaign_key, from_date"
    )
    found = {
        pair: [(row["state"], row["from_date"], row["to_date"]) for row in spans]
        for pair, spans in groupby(rows, key=lambda row: (row["property_key"], row["partner_key"]))
    }
    expected: dict[tuple[int, int], list[State]] = {}
    for key, promises in truths.items():
        expected |= {(key, key64(p.partner)): p.states() for p in promises}
        expected |= {(key, key64(name)): states for name, (_, states) in asked_beside(key).items()}
    assert found == expected


def test_money_of_partners_campaigns_and_kinds_adds_up(warehouse: Warehouse, truths: dict[int, list[Promise]]) -> None:
    rows = warehouse.rows(
        "select property_key, cut, sum(money) as money, sum(tried_count) as tries from marts.rpt_outreach_return"
        " where span = 'all' group by property_key, cut"
    )
    sums = {(row["property_key"], row["cut"]): (row["money"], row["tries"]) for row in rows}
    for key, promises in truths.items():
        beside = sum(len(words) for words, _ in asked_beside(key).values())
        # Half an hour a touch, at 60 dollars.
        money = sum(p.money() for p in promises) + 30 * (2 * PROMISES + beside)
        for cut in ("all", "kind", "campaign", "partner"):
            assert sums[key, cut] == (pytest.approx(money), PROMISES + ASKED_BESIDE)


def test_partners_are_weighed_alike_each_time_and_ranked(
    warehouse: Warehouse, truths: dict[int, list[Promise]], postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / "secrets.json").write_text(json.dumps(PASSWORDS))
    wh = steps.Warehouse(Settings({"SEO_WAREHOUSE_HOME": str(home), "SEO_WAREHOUSE_DSN": postgres.dsn(DATABASE)}))
    query = "select * from ops.partner_estimate order by property_key, partner_key"
    count = weigh_partners(wh)
    before = warehouse.rows(query)
    warehouse.connection.execute(
        "create table shuffled as select * from intermediate.int_relation__sum_partners order by random();"
        " truncate intermediate.int_relation__sum_partners;"
        " insert into intermediate.int_relation__sum_partners select * from shuffled"
    )
    assert weigh_partners(wh) == count
    assert warehouse.rows(query) == before
    assert len(before) == len(SEEDS) * (PROMISES + ASKED_BESIDE)
    warehouse.dbt("run", "--select", "stg_ops__partner_estimate", "stg_ops__outreach_curve", "rpt_partner",
                  "rpt_outreach_curve")  # fmt: skip
    for rows in (
        list(group)
        for _, group in groupby(
            warehouse.rows("select * from marts.rpt_partner order by property_key, place nulls last"),
            key=lambda row: row["property_key"],
        )
    ):
        ranked = [row for row in rows if row["status"] == "ok"]
        careful = [row["days_per_1000_careful"] for row in ranked]
        assert [row["place"] for row in ranked] == list(range(1, len(ranked) + 1))
        assert careful == sorted(careful, reverse=True)
        for row in rows:
            assert (row["status"] == "ok") == (row["days_per_1000"] is not None)
            if row["status"] == "ok":
                assert row["days_per_1000_low"] < row["days_per_1000_careful"] < row["days_per_1000_high"]
    curves = warehouse.rows("select * from marts.rpt_outreach_curve where kind = 'all' and status = 'estimate'")
    assert {row["curve"] for row in curves} == {"placed", "lost"}
    assert all(0 <= row["share"] <= 1 and not math.isnan(row["share"]) for row in curves)


ORDERS, EXPORTS = (101, 102, 103), 3
"""Properties that are told the same, each in an order of its own."""
TOLD_TABLES = {
    "marts.dim_partner": "partner_key, valid_from_date",
    "marts.dim_partner_site": "partner_key, site_page_key",
    "marts.dim_campaign": "campaign_key",
    "marts.fct_placement": "placement_key",
    "marts.fct_outreach": "partner_key, campaign_key, from_date",
    "marts.rpt_outreach_return": "cut, level_key, span",
    "intermediate.int_relation__sum_partners": "partner_key",
}
Told = tuple[str, date, dict[str, Any]]
"""A table of `raw`, a day of it and a row."""


def exports_of(seed: int) -> list[Told]:
    """Exports with names typed in many ways, and promises, sites and campaigns that contradict each other."""
    rng, rows = random.Random(seed), list[Told]()

    def typed(word: str, number: int) -> str:
        name = f"{word} {number}"
        return rng.choice([name, name.upper(), f" {name.title()}", f"{word}  {number}"])

    for number in range(EXPORTS):
        day = date(2026, 6, 1) + timedelta(30 * number)
        at = {"exported_at": datetime(day.year, day.month, day.day, 8, tzinfo=UTC)}
        for _ in range(40):
            partner, campaign = rng.randrange(12), typed("camp", rng.randrange(3))
            name, said = typed("partner", partner), date(2026, 2, 1) + timedelta(rng.randrange(100))
            money: dict[str, Any] = {
                "price": round(rng.uniform(10, 300), 2),
                "currency": rng.choice(["USD", "EUR", "GBP"]),
            }
            site: dict[str, Any] = {"site": f"https://p{partner}.example/{rng.choice(('', '#a', '?utm_source=b'))}"}
            site |= {"partner": name, "owner_since": rng.choice([None, date(2026, 1, 1), date(2026, 3, 1)])}
            rows.append(("partner", day, at | money | site))
            budget = {"campaign": campaign, "budget": float(rng.randrange(9)), "kind": rng.choice(KINDS)}
            rows.append(("campaign", day, at | budget))
            touch: dict[str, Any] = {
                "partner": name,
                "campaign": campaign,
                "kind": "email",
                "direction": rng.choice(["in", "out"]),
            }
            touch |= {"outcome": rng.choice(["none", "replied", "declined"]), "minutes": rng.uniform(1, 60)}
            rows.append(("touch", said, at | touch | {"touch_id": f"#{rng.randrange(9)}"}))
            promise: dict[str, Any] = {
                "partner": name,
                "campaign": campaign,
                "source_url": f"https://p{partner}.example/post",
            }
            promise |= {"placement_id": f"i{rng.randrange(15)}", "payment": rng.choice(("once", "monthly", "barter"))}
            promise |= {"target_url": "https://shop.example/", "placed_on": rng.choice([None, said]), "rel": []}
            rows.append(("placement", said, at | money | promise | {"kind": rng.choice(KINDS)}))
    # Of what is one for the loads the later export stays.
    grain = ("partner", "campaign", "site", "direction", "touch_id", "placement_id")
    merged = {(table, day, *map(row.get, grain)): (table, day, row) for table, day, row in rows}
    return list(merged.values())


def publish_exports(warehouse: Warehouse, key: int, told: list[Told]) -> None:
    """The days of exports as their files come, and a link that one of the promises may be of."""
    by_day: dict[tuple[str, date], list[dict[str, Any]]] = {}
    for table, day, row in told:
        by_day.setdefault((table, day), []).append(row)
    for (table, day), rows in by_day.items():
        warehouse.publish("outreach", table, key, day, rows, part=f"outreach_{table}s")
    link: dict[str, Any] = {"property_key": key, "link_key": 1}
    page = {"source_page_key": key64("https://p1.example/post"), "source_domain_key": key64("p1.example")}
    warehouse.insert("marts.dim_link", [link | page | {"page_key": key64("https://shop.example/"), "rel": []}])
    life = {"state": "live", "is_intermittent": False, "miss_count": 0, "first_sight_date": date(2026, 5, 1)}
    warehouse.insert("marts.fct_link_lifespan", [link | life | {"last_sight_date": date(2026, 8, 1)}])


def test_marts_are_the_same_whatever_the_order_of_files(warehouse: Warehouse, truths: dict[int, list[Promise]]) -> None:
    told = exports_of(7)
    with warehouse.connection.transaction():
        for key in ORDERS:
            warehouse.add_property(key, "shop.example", hourly_rate=60)
            publish_exports(warehouse, key, random.Random(key).sample(told, len(told)))
    warehouse.dbt("run", "--select", "int_relation__list_placements", *BEFORE)
    for table, order in TOLD_TABLES.items():
        columns = f"select to_jsonb(t) - 'property_key' as row from {table} as t where property_key = %s"
        first, *others = (warehouse.rows(f"{columns} order by {order}", key) for key in ORDERS)
        assert first, table
        assert others == [first, first], table
    kept = warehouse.rows("select from marts.fct_placement where property_key = %s", ORDERS[0])
    assert 0 < len(kept) < sum(table == "placement" for table, *_ in told), "no two exports speak of one promise"
