"""How long links live is what lifelines says of the same rows, and the interval holds where domains share a fate."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from math import exp, log
from typing import Any

import numpy as np
import pytest
from lifelines import KaplanMeierFitter
from scipy.stats import beta, weibull_min
from scipy.stats import t as student

from tests.warehouse.world import Warehouse

SHAPE, SCALE = 0.6, 900.0
"""Lives by Weibull: most that die do so early."""
WATCHED = 500
"""Days from the first birth to the last look."""
WORLDS = range(100, 150)
AGES = (90, 365)
Life = dict[str, Any]


@dataclass(frozen=True)
class Row:
    survival: float | None
    low: float | None
    high: float | None
    at_risk: int
    domains: int
    effective: float
    lost: int
    status: str


def draw_lives(key: int, domains: int, links: int, shared: float) -> list[Life]:
    """Links of domains of unequal size; of a share of them the domain alone decides when they go."""
    rng = np.random.default_rng(key)
    lives: list[Life] = []
    weights = rng.gamma(0.5, size=domains)
    fates = np.ceil(rng.weibull(SHAPE, domains) * SCALE).astype(int)
    own = np.ceil(rng.weibull(SHAPE, links) * SCALE).astype(int)
    for number, domain in enumerate(rng.choice(domains, links, p=weights / weights.sum())):
        # A domain that goes takes all that it has with it, at one age.
        lived = int(fates[domain] if rng.random() < shared else own[number])
        watched = int(rng.integers(WATCHED))
        entry = int(rng.gamma(2, 8))
        exit_days = min(lived, watched)
        if exit_days > entry:
            row = {"property_key": key, "link_key": number, "linking_key": int(domain), "dimension": "all", "class": ""}
            lives.append(row | {"entry_days": entry, "exit_days": exit_days, "is_lost": lived <= watched})
    return lives


LIVES = draw_lives(1, 60, 900, 0.5)
FEW = draw_lives(2, 4, 200, 0.0)
SOME = draw_lives(4, 120, 300, 0.0)
WHOLE = [life | {"property_key": 3, "is_lost": life["exit_days"] >= 200} for life in draw_lives(3, 40, 400, 0.0)]
GONE = [life | {"property_key": 5, "entry_days": 40, "is_lost": False} for life in WHOLE if life["exit_days"] > 40]
GONE.append(GONE[0] | {"entry_days": 0, "exit_days": 5, "is_lost": True})


@pytest.fixture(scope="module")
def survival(warehouse: Warehouse) -> dict[tuple[int, int], Row]:
    """The mart's row of each property and age."""
    worlds = [life for key in WORLDS for life in draw_lives(key, 80, 800, 0.5)]
    warehouse.insert("intermediate.int_portfolio__list_lives", [*LIVES, *FEW, *SOME, *WHOLE, *GONE, *worlds])
    warehouse.dbt("run", "--select", "int_portfolio__trace_survival", "rpt_link_survival")
    columns = (
        "survival, interval_low, interval_high, at_risk_count, domain_count, effective_domain_count, lost_count, status"
    )
    found = warehouse.connection.execute(f"select property_key, age_days, {columns} from marts.rpt_link_survival")
    return {(row[0], row[1]): Row(*row[2:]) for row in found.fetchall()}


def of_property(survival: dict[tuple[int, int], Row], key: int) -> dict[int, Row]:
    return {age: row for (property_key, age), row in survival.items() if property_key == key}


def fitted(lives: list[Life]) -> KaplanMeierFitter:
    columns = zip(*((life["exit_days"], life["is_lost"], life["entry_days"]) for life in lives), strict=True)
    durations, lost, entry = (np.array(column) for column in columns)
    return KaplanMeierFitter().fit(durations, lost, entry=entry)


def by_domain(lives: list[Life], age: int) -> tuple[float, float]:
    """The standard error of ln S, domain by domain and link by link, and how many equal domains these are."""
    losses = sorted({life["exit_days"] for life in lives if life["is_lost"] and life["exit_days"] <= age})
    risk = {t: sum(life["entry_days"] < t <= life["exit_days"] for life in lives) for t in losses}
    lost = {t: sum(life["is_lost"] and life["exit_days"] == t for life in lives) for t in losses}
    moved: dict[int, float] = defaultdict(float)
    expected: dict[int, float] = defaultdict(float)
    for life in lives:
        if life["entry_days"] >= age:
            continue
        end = life["exit_days"]
        due = sum(lost[t] / risk[t] ** 2 for t in losses if life["entry_days"] < t <= end)
        expected[life["linking_key"]] += due
        moved[life["linking_key"]] += (1 / risk[end] if life["is_lost"] and end <= age else 0) - due
    count = len(moved)
    variance = count / (count - 1) * sum(value**2 for value in moved.values())
    return variance**0.5, sum(expected.values()) ** 2 / sum(value**2 for value in expected.values())


def test_survival_is_that_of_lifelines_with_late_entry(survival: dict[tuple[int, int], Row]) -> None:
    said = {age: row for age, row in of_property(survival, 1).items() if row.survival is not None}
    assert set(AGES) <= set(said)
    assert {age: row.survival for age, row in said.items()} == pytest.approx(
        {age: float(fitted(LIVES).predict(age)) for age in said}, rel=1e-9
    )


def test_counts_are_those_of_the_rows(survival: dict[tuple[int, int], Row]) -> None:
    for age, row in of_property(survival, 1).items():
        beyond = [life for life in LIVES if life["entry_days"] < age < life["exit_days"]]
        assert row.at_risk == len(beyond)
        assert row.domains == len({life["linking_key"] for life in beyond})
        assert row.lost == sum(life["is_lost"] and life["exit_days"] <= age for life in LIVES)


@pytest.mark.parametrize("age", [60, 90, 365])
def test_the_interval_counts_domains(survival: dict[tuple[int, int], Row], age: int) -> None:
    row = survival[1, age]
    assert row.survival is not None
    error, domains = by_domain(LIVES, age)
    assert row.effective == pytest.approx(domains, rel=1e-9)
    half = student.ppf(0.975, domains / 2 - 1) * error / -log(row.survival)
    assert (row.low, row.high) == pytest.approx(
        (exp(log(row.survival) * exp(half)), exp(log(row.survival) * exp(-half))), rel=1e-4
    )


def test_nothing_is_said_of_fewer_than_ten_domains(survival: dict[tuple[int, int], Row]) -> None:
    rows = of_property(survival, 2).values()
    assert any(row.at_risk > 20 for row in rows)
    assert {(row.survival, row.low, row.high, row.status) for row in rows} == {(None, None, None, "not_enough_data")}


def test_what_is_said_stands_on_enough_links_and_domains(survival: dict[tuple[int, int], Row]) -> None:
    rows = of_property(survival, 4).values()
    assert {row.status for row in rows} == {"estimate", "not_enough_data"}
    for row in rows:
        is_enough = row.at_risk >= 20 and row.domains >= 10 and row.effective >= 8
        assert (row.status, row.survival is not None) == ("estimate" if is_enough else "not_enough_data", is_enough)


def test_nothing_is_said_of_ages_beyond_one_at_which_all_were_lost(survival: dict[tuple[int, int], Row]) -> None:
    row = survival[5, 180]
    assert row.at_risk > 20
    assert row.status == "not_enough_data"


def test_where_nothing_was_lost_the_interval_is_that_of_no_loss_among_domains(
    survival: dict[tuple[int, int], Row],
) -> None:
    row = survival[3, 150]
    watched = Counter(life["linking_key"] for life in WHOLE if life["entry_days"] < 150 < life["exit_days"])
    alike = watched.total() ** 2 / sum(count**2 for count in watched.values())
    assert row.lost == 0
    assert row.effective == pytest.approx(alike, rel=1e-9)
    # With none lost among n, Clopper and Pearson's lower end solves low ** n = .025.
    assert row.low == pytest.approx(beta.ppf(0.025, alike, 1), rel=1e-9)
    assert (row.survival, row.high, row.status) == (1, 1, "estimate")


@pytest.mark.parametrize(("age", "least"), [(90, 0.84), (365, 0.88)])
def test_the_interval_holds_the_truth_where_half_of_the_links_share_their_domains_fate(
    survival: dict[tuple[int, int], Row], age: int, least: float
) -> None:
    # Lives are rounded up to whole days.
    truth = weibull_min(SHAPE, scale=SCALE).sf(age)
    told = [row for key in WORLDS if (row := survival.get((key, age))) and row.low is not None and row.high is not None]
    assert len(told) > 25
    held = sum(row.low <= truth <= row.high for row in told) / len(told)
    assert held >= least
