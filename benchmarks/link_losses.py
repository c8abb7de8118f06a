"""How late losses of links are found, and how often one is told that did not happen, by the models' own rules.

Late: twenty properties of a thousand links each, which die as the seed link_hazards assumes (Weibull of shape .6), up
to ten times as fast by part of the page and rel, and are followed by new ones. `plan_link_check` says each night whom
to visit, by what `int_link__weigh_hazards` has learnt; beside it as many visits go to whoever waits longest. Both look
for a link again once it was missed. False: a hundred portfolios of links that live for ever, looked for as the plan has
it (tests/authority/populations.py), judged by `int_link__judge_misses`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from benchmarks.effect_scale import copy, open_warehouse
from benchmarks.measuring import Figure, apart, keep, say
from tests.authority.populations import draw_visits
from tests.warehouse.world import Warehouse

SEEDS, LINKS, BUDGET = 20, 1_000, 33
FIRST_DAY = date(2026, 1, 1)
NIGHTS, MEASURED = 300, range(90, 200)
"""A link that died in these nights counts, by the first visit without it, or as found on the last night."""
LEARNT_EVERY = 7
SHAPE, SCALE, OLDEST = 0.6, 900.0, 1_460
HAZARDS = {("main", ""): 1.0, ("main", "ugc"): 2.0, ("aside", ""): 3.0, ("footer", ""): 5.0, ("nav", "nofollow"): 10.0}
"""How many times as fast a kind dies as the first."""
LIMIT_LATE, LIMIT_FALSE = 0.85, 5.0
PORTFOLIOS, OF_PORTFOLIO, YEAR = 100, 200, 365
Numbers = NDArray[np.int64]


@dataclass
class Links:
    """Links of one property by number: when each is born and dies, its kind and worth, its last visit and misses since.

    `seen_dead`: night of the first visit without it; -1 while there was none.
    """

    rng: np.random.Generator
    born: Numbers = field(init=False)
    died: Numbers = field(init=False)
    kind: Numbers = field(init=False)
    weight: NDArray[np.float64] = field(init=False)
    visited: Numbers = field(init=False)
    misses: Numbers = field(init=False)
    seen_dead: Numbers = field(init=False)

    def __post_init__(self) -> None:
        """Draw those that are there at the start, of which each was visited in the last month."""
        for name in ("born", "died", "kind", "visited", "misses", "seen_dead"):
            setattr(self, name, np.zeros(0, np.int64))
        self.weight = np.zeros(0)
        while int((self.died > 0).sum()) < LINKS:
            self.add(-self.rng.integers(1, OLDEST, LINKS))
            living = np.flatnonzero(self.died > 0)[:LINKS]
            for name in ("born", "died", "kind", "weight", "visited", "misses", "seen_dead"):
                setattr(self, name, getattr(self, name)[living])
        self.visited = -self.rng.integers(1, 31, LINKS)

    def add(self, born: Numbers) -> None:
        """New links; nobody has visited them."""
        count = born.size
        kind = self.rng.integers(len(HAZARDS), size=count)
        scale = SCALE * np.array([*HAZARDS.values()])[kind] ** (-1 / SHAPE)
        lived = np.ceil(self.rng.weibull(SHAPE, count) * scale).astype(np.int64)
        self.born, self.died = np.append(self.born, born), np.append(self.died, born + lived)
        self.kind, self.weight = np.append(self.kind, kind), np.append(self.weight, self.rng.uniform(1, 10, count))
        self.visited = np.append(self.visited, np.full(count, -10_000))
        self.misses = np.append(self.misses, np.zeros(count, np.int64))
        self.seen_dead = np.append(self.seen_dead, np.full(count, -1))

    def visit(self, links: Numbers, night: int) -> None:
        """Look for some."""
        is_gone = self.died[links] <= night
        self.visited[links] = night
        self.misses[links] = np.where(is_gone, self.misses[links] + 1, 0)
        first = is_gone & (self.seen_dead[links] < 0)
        self.seen_dead[links[first]] = night

    def waiting(self, night: int) -> Numbers:
        """Whom one visits who goes by time alone: what is due again, then who waits longest."""
        due = np.array([10**6, 2, 5, 10**6])[np.minimum(self.misses, 3)]
        is_due = (self.misses > 0) & (night - self.visited >= due)
        score = np.where(is_due, 10**6, np.where(self.misses > 0, -1, night - self.visited))
        return np.argsort(-score, kind="stable")[:BUDGET]

    def lateness(self) -> tuple[float, float]:
        """Mean days from a death to the first visit without it: of links, and of what they are worth."""
        counted = (self.died >= MEASURED[0]) & (self.died <= MEASURED[-1]) & (self.born < self.died)
        found = np.where(self.seen_dead < 0, NIGHTS, self.seen_dead)[counted] - self.died[counted]
        return float(found.mean()), float(np.average(found, weights=self.weight[counted]))


def worlds() -> list[Links]:
    """The same for both ways."""
    return [Links(np.random.default_rng((81, seed))) for seed in range(SEEDS)]


def follow(links: Links, night: int) -> Numbers:
    """New links of a night, as many as died: their numbers."""
    count = int((links.died == night).sum())
    begin = links.born.size
    links.add(np.full(count, night, np.int64))
    return np.arange(begin, begin + count)


def late() -> dict[str, list[tuple[float, float]]]:
    """(Mean days, weighted) of each property, by the plan and by turns."""
    by_turns = worlds()
    for links in by_turns:
        for night in range(NIGHTS):
            follow(links, night)
            links.visit(links.waiting(night), night)
    planned = worlds()
    with tempfile.TemporaryDirectory(prefix="seo-warehouse-bench-") as name, open_warehouse(Path(name)) as (w, _):
        w.dbt("seed")
        done = w.dbt.invoke("run", "--select", "+plan_link_check")
        (plan,) = (each.node.compiled_code for each in done.result.results if each.node.name == "plan_link_check")
        for key, links in enumerate(planned, 1):
            w.publish("link_check", "page", key, FIRST_DAY - timedelta(1), [])
            tell(w, key, links, np.arange(links.born.size))
        for night in range(NIGHTS):
            for key, links in enumerate(planned, 1):
                tell(w, key, links, follow(links, night))
            visit_night(w, planned, night, plan)
    return {"plan": [links.lateness() for links in planned], "turns": [links.lateness() for links in by_turns]}


def tell(w: Warehouse, key: int, links: Links, numbers: Numbers) -> None:
    """Put links in place as the models would have them."""
    kinds = [*HAZARDS]
    rows = [(number, *kinds[links.kind[number]], int(links.born[number])) for number in numbers.tolist()]
    urls = {number: f"https://w{key}x{number}.example/" for number in numbers.tolist()}
    copy(
        w, "marts.dim_link",
        ("property_key", "link_key", "source_url", "source_domain", "target_url", "page_key", "rel", "place", "anchor"),
        [(key, n, urls[n], urls[n], "https://s.example/", 1, [rel] if rel else [], place, "w")
         for n, place, rel, _ in rows],
    )  # fmt: skip
    copy(
        w, "marts.fct_link_lifespan",
        ("property_key", "link_key", "first_sight_date", "last_sight_date", "state", "is_intermittent", "miss_count"),
        [(key, n, day_of(born), FIRST_DAY, "live", False, 0) for n, _, _, born in rows],
    )  # fmt: skip
    weights = ((key, n, float(links.weight[n])) for n in numbers.tolist())
    copy(w, "intermediate.int_link__value_links", ("property_key", "link_key", "weight"), weights)
    note(w, key, links, numbers[links.visited[numbers] > -10_000])


def note(w: Warehouse, key: int, links: Links, numbers: Numbers) -> None:
    """What is known of visits to some links."""
    w.connection.execute(
        "delete from intermediate.int_link__sum_checks where property_key = %s and link_key = any(%s)",
        (key, numbers.tolist()),
    )
    copy(
        w, "intermediate.int_link__sum_checks",
        ("property_key", "link_key", "last_visit_day", "miss_count", "last_miss_day", "needed_count",
         "is_intermittent"),
        [(key, n, day_of(int(links.visited[n])), int(links.misses[n]),
          day_of(int(links.visited[n])) if links.misses[n] else None, 3, False) for n in numbers.tolist()],
    )  # fmt: skip


def visit_night(w: Warehouse, planned: list[Links], night: int, plan: str) -> None:
    """Visit whom the plan names, and keep what came of it."""
    today = day_of(night)
    w.connection.execute("update ops.publication set day = %s", (today - timedelta(1),))
    if night % LEARNT_EVERY == 0:
        w.connection.execute("update marts.fct_link_lifespan set last_sight_date = %s where state = 'live'", (today,))
        w.connection.execute(
            "vacuum analyze marts.fct_link_lifespan, marts.dim_link, intermediate.int_link__sum_checks"
        )
        say(f"  night {night}")
    asked: dict[int, list[int]] = {}
    query = sql.SQL("select property_key, ask::jsonb ->> 'url' from ({}) as plan where place <= {}")
    for key, url in w.connection.execute(query.format(sql.SQL(plan), BUDGET)):
        asked.setdefault(key, []).append(int(url.partition("x")[2].partition(".")[0]))
    for key, links in enumerate(planned, 1):
        numbers = np.array(asked[key])
        links.visit(numbers, night)
        note(w, key, links, numbers)
        lost = numbers[links.misses[numbers] == 3]
        for number in lost.tolist():
            w.connection.execute(
                "update marts.fct_link_lifespan set state = 'lost', lost_date = %s"
                " where property_key = %s and link_key = %s",
                (day_of(int(links.seen_dead[number])), key, number),
            )


def day_of(night: int) -> date:
    """The day of a night."""
    return FIRST_DAY + timedelta(int(night))


def false_losses(every: int) -> tuple[float, list[float]]:
    """Losses told of a hundred links in a year where each is visited every so many days: of all, and by portfolio."""
    with tempfile.TemporaryDirectory(prefix="seo-warehouse-bench-") as name, open_warehouse(Path(name)) as (w, _):
        w.dbt("seed")
        w.dbt("run", "--select", "+int_link__judge_misses")
        looks = list(draw_looks(every))
        copy_looks(w, looks)
        w.dbt("run", "--select", "int_link__judge_misses")
        lost = dict(
            w.connection.execute(
                "select property_key, count(*) from intermediate.int_link__judge_misses"
                " where confirmed_day is not null group by 1"
            ).fetchall()
        )
    days: dict[tuple[int, int], int] = {}
    for key, link, day, _ in looks:
        days[key, link] = day
    years = dict.fromkeys(range(1, PORTFOLIOS + 1), 0.0)
    for (key, _), last in days.items():
        years[key] += last / YEAR
    each = [100 * lost.get(key, 0) / year for key, year in years.items()]
    return 100 * sum(lost.values()) / sum(years.values()), each


def draw_looks(every: int) -> Iterator[tuple[int, int, int, bool]]:
    """(Portfolio, link, day, whether it was met) of each visit."""
    for key in range(1, PORTFOLIOS + 1):
        rng = np.random.default_rng((82, key))
        for link in range(OF_PORTFOLIO):
            for day, is_met in draw_visits(rng, YEAR, every):
                yield key, link, day, is_met


def copy_looks(w: Warehouse, looks: list[tuple[int, int, int, bool]]) -> None:
    """Put visits in place."""
    names = (
        *("property_key", "source_page_key", "target_page_key", "checked_at", "day", "link_key", "due_reason"),
        *("is_expected", "is_asked", "presence", "grade", "source_url", "target_url"),
    )
    lines: Iterator[tuple[Any, ...]] = (
        (key, link, 1, day_of(day), day_of(day), link, "schedule", True, True,
         *(("present", "live") if is_met else ("absent", "gone")), f"https://w{link}.example/", "https://s.example/")
        for key, link, day, is_met in looks
    )  # fmt: skip
    copy(w, "marts.fct_link_check", names, lines)


@click.command()
@click.option("--write/--no-write", default=True, help="Whether results/link_losses.json is replaced.")
def main(write: bool) -> None:
    """Judge and print."""
    found = apart(late)
    plan, turns = (np.array(found[way]) for way in ("plan", "turns"))
    figures = [
        Figure(
            "days until a loss is found, by worth, of visits by turns", ratio(plan, turns, 1), "at most", LIMIT_LATE
        ),
        Figure("the same, each link alike", ratio(plan, turns, 0)),
    ]
    told = {}
    for every, limit in ((7, LIMIT_FALSE), (30, None)):
        mean, each = apart(false_losses, every)
        figures.append(Figure(f"false losses of 100 links a year, every {every} days", mean, "at most", limit))
        told[f"every {every} days"] = [round(value, 2) for value in each]
    keep("link_losses", figures, {"lateness_days": found, "false_losses": told}, write=write)


def ratio(plan: NDArray[np.float64], turns: NDArray[np.float64], which: int) -> float:
    """Of the means over properties."""
    return float(plan[:, which].mean() / turns[:, which].mean())


if __name__ == "__main__":
    main()
