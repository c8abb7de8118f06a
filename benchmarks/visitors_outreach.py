"""What visitors and outreach cost at size: loads, models and estimates, beside pandas scripts that come to the same.

A site with four links on each of 1,500 hosts, which lead to one page; in a year a million rows of visitors, 100,000
touches and 20,000 placements of 2,000 partners. It is built with a month of that and with a year; then two nights.
Outreach comes as files and goes through the gate. A script of pandas makes the table of visits once more, another one
gets what it needs of outreach in memory and writes nothing; what they come to is compared. Visits that several links
could have sent are shared out of 10,000 made-up groups.
"""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from benchmarks.measuring import Figure, apart, keep, load_average, say, warehouse
from benchmarks.sites import FEEDS, NIGHT, OWN, Feed, Site, noise, publish_feeds
from benchmarks.visitors_pandas import visits_by_pandas
from seo_warehouse.referral.allocation import Group, allocate
from seo_warehouse.referral.habits import Habits, Missed
from seo_warehouse.steps import drop
from seo_warehouse.steps.build import build_warehouse
from seo_warehouse.steps.referral import lay_visits
from seo_warehouse.steps.relations import weigh_partners
from seo_warehouse.steps.warehouse import Warehouse

MONTH, YEAR, NIGHTS = 30, 360, 2
ENTRIES = 4_200
"""Visitors a day, in some 2,700 rows: a million in a year."""
TOUCHES, PLACEMENTS = 100_000, 20_000
"""In a year."""
SAID = (("out", "none"), ("out", "none"), ("in", "replied"), ("in", "declined"), ("in", "agreed"))
PARTNERS, CAMPAIGNS, LINKS_OF_HOST = 2_000, 8, 4
GROUPS, WEEKS = 10_000, 26
LIMIT_HISTORY, LIMIT_OUTREACH_SECONDS, LIMIT_PANDAS = 1.5, 60, 3
LIMIT_GROUPS_SECONDS, LIMIT_PARTNERS_SECONDS = 300, 10
SITE = Site()
PAGE = f"mod(k / {LINKS_OF_HOST} * 7919::bigint, %(pages)s)"
TARGET = f"'https://www.' || {OWN} || '/page-' || {PAGE}"
HOST = f"'https://site' || k / {LINKS_OF_HOST} || '.example/'"
BACKLINKS = next(feed for feed in FEEDS if feed.source == "dataforseo_backlinks")
FROM = f"""
    case
        when dice < 0.1 then {HOST} || 'post-' || k when dice < 0.7 then {HOST}
        when dice < 0.85 then 'https://www.google.com/' else 'https://elsewhere' || mod(n, 500) || '.example/'
    end
"""
VISITORS = Feed(
    "server_logs",
    "entry",
    f"""
    cross join lateral (
        select {FROM} as came_from, dice < 0.1 as is_page, {TARGET} as came_to, count(*) as visits
        from generate_series(0, %(entries)s - 1) as entry(n)
        cross join lateral (
            select {noise("n", "d", "1")} as dice, floor(%(links)s * {noise("n", "d", "2")})::integer as k
        ) as chance
        group by came_from, is_page, came_to
    ) as came
    """,  # noqa: S608
    {
        "exported_at": "day + interval '1 day'",
        "stream": "'web'",
        "referrer_state": "'known'",
        "referrer": "came_from",
        "referrer_key": "case when is_page then ('x' || substr(md5(came_from), 1, 16))::bit(64)::bigint end",
        "landing": "came_to",
        "entry_count": "visits",
    },
    part="web/log/0",
)
LINKS = replace(BACKLINKS, columns=BACKLINKS.columns | {"url_from": f"{HOST} || 'post-' || k", "url_to": TARGET})
VISIT_NODES = ("int_referral__%", "fct_referral_visit", "rpt_referral_%")
OUTREACH_NODES = (
    *("int_relation__%", "dim_partner%", "dim_campaign", "fct_outreach", "fct_placement", "rpt_outreach_%"),
    "rpt_partner",
)
SECONDS = """
select split_part(unique_id, '.', 3), round(sum(seconds)::numeric, 2)::float8
from ops.dbt_node_result where build_id = %s and split_part(unique_id, '.', 1) = 'model'
    and split_part(unique_id, '.', 3) like any(%s) group by 1
"""


def measure(days: int) -> dict[str, Any]:
    """Load and build a history of so many days, compare with pandas, then load and build the nights after it."""
    first = NIGHT - timedelta(days=days)
    shop = {
        "key": 1,
        "name": "shop1",
        "domain": "shop1.example",
        "history_start": first.isoformat(),
        "sources": {
            "dataforseo_backlinks": {"target": "shop1.example"},
            "server_logs": {"site": "https://www.shop1.example"},
            "outreach": {"hourly_rate": 60},
        },
    }
    # JSON is YAML.
    with warehouse(json.dumps({"bot_range": {}, "properties": [shop]})) as wh:
        publish(wh, first, NIGHT - timedelta(days=1), first)
        found: dict[str, Any] = {"load_outreach": load_outreach(wh, days, 0), "all": build(wh)}
        found["rows"] = count(wh, "raw.raw_server_logs__entry")
        found["estimates"] = {
            "lay_visits": timed(lambda: lay_visits(wh)),
            "weigh_partners": timed(lambda: weigh_partners(wh)),
        }
        found["pandas"] = {"visits": asdict(visits_by_pandas(wh)), "outreach": outreach_by_pandas(wh)}
        found["nights"] = []
        for number in range(NIGHTS):
            night = NIGHT + timedelta(days=number)
            publish(wh, night, night, first)
            found["nights"].append({"load_outreach": load_outreach(wh, 1, 1 + number), **build(wh)})
    say(f"{days} days, {found['rows']:,} rows of visitors: {json.dumps(found)}")
    return found


def publish(wh: Warehouse, begin: date, end: date, first: date) -> None:
    """Publish these days of links and visitors."""
    days = [begin + timedelta(days=number) for number in range((end - begin).days + 1)]
    numbers = asdict(SITE) | {"epoch": (NIGHT - date(2025, 1, 1)).days - 366, "first": first, "entries": ENTRIES}
    publish_feeds(wh, (LINKS, VISITORS), days, numbers)


def load_outreach(wh: Warehouse, days: int, number: int) -> float:
    """Drop files of so many days to the eve of the night, and bring them through the gate. Seconds."""
    rng = np.random.default_rng(number)
    folder = wh.settings.home / "drop/shop1/outreach"
    folder.mkdir(parents=True, exist_ok=True)
    last = NIGHT + timedelta(days=number - 1)

    def some_day() -> str:
        return (last - timedelta(days=int(rng.integers(days)))).isoformat()

    partners = ([f"site{n}", f"https://site{n}.example/", "USD", "120"] for n in range(PARTNERS))
    touches = (
        [f"site{rng.integers(PARTNERS)}", f"campaign {rng.integers(CAMPAIGNS)}", some_day(), "email"]
        + [*SAID[rng.integers(len(SAID))], "15", f"{number}-{n}"]
        for n in range(TOUCHES * days // YEAR)
    )
    placements = (promise(rng, some_day(), f"{number}-{n}") for n in range(PLACEMENTS * days // YEAR))
    write(folder / f"partners-{number}.csv", ["partner", "site", "currency", "price"], partners)
    said = ["partner", "campaign", "at", "kind", "direction", "outcome", "minutes", "touch_id"]
    write(folder / f"touches-{number}.csv", said, touches)
    promised = ["partner", "campaign", "agreed_on", "source_url", "target_url", "placed_on", "price", "payment"]
    write(folder / f"placements-{number}.csv", [*promised, "placement_id"], placements)
    return timed(lambda: drop.ingest(wh, "outreach", "shop1", datetime.now(UTC).date(), say))


def promise(rng: np.random.Generator, agreed: str, name: str) -> list[str]:
    """A row of placements: of a link that there is, or of none."""
    link = int(rng.integers(SITE.links * 2))
    host = link // LINKS_OF_HOST
    return [
        f"site{host % PARTNERS}",
        f"campaign {rng.integers(CAMPAIGNS)}",
        agreed,
        f"https://site{host}.example/post-{link}",
        f"https://www.shop1.example/page-{host * 7919 % SITE.pages}",
        agreed if rng.random() < 0.9 else "",
        str(rng.integers(40, 400)),
        "monthly" if rng.random() < 0.3 else "once",
        name,
    ]


def write(path: Path, headings: list[str], rows: Iterable[list[str]]) -> None:
    """A file that was written a while ago."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([headings, *rows])
    at = time.time() - 3600
    os.utime(path, (at, at))


def build(wh: Warehouse) -> dict[str, Any]:
    """Seconds of a build, and of its models of visitors and of outreach."""
    load, began = load_average(), time.monotonic()
    build_id = build_warehouse(wh).build_id
    seconds = round(time.monotonic() - began, 1)
    with wh.connect("loader") as connection:
        visits, outreach = (
            dict(connection.execute(SECONDS, (build_id, list(nodes))).fetchall())
            for nodes in (VISIT_NODES, OUTREACH_NODES)
        )
    return {"seconds": seconds, "load": [load, load_average()], "visits": visits, "outreach": outreach}


def timed(work: Callable[[], Any]) -> float:
    """Seconds on the wall."""
    began = time.monotonic()
    work()
    return round(time.monotonic() - began, 2)


def count(wh: Warehouse, table: str) -> int:
    """Rows of a table."""
    return int(frame(wh, f"select count(*) as rows from {table}")["rows"][0])  # noqa: S608


def frame(wh: Warehouse, query: str) -> pd.DataFrame:
    """What a query returns."""
    with wh.connect("transformer") as connection:
        found = connection.execute(query)
        return pd.DataFrame(found.fetchall(), columns=[column.name for column in found.description or ()])


def outreach_by_pandas(wh: Warehouse) -> float:
    """Seconds of a script that comes to the spans of fct_outreach, pair by pair, in memory."""
    touches = frame(
        wh,
        "select partner_key, campaign_key, day, direction, outcome from intermediate.int_relation__read_touches",
    )
    promised = frame(
        wh,
        """
        select partner_key, campaign_key, min(agreed_date) as agreed, min(placed_date) as placed,
            min(verified_date) as verified,
            case when count(verified_date) = count(lost_date) then max(lost_date) end as lost
        from marts.fct_placement group by 1, 2
        """,
    )
    spans = frame(wh, "select partner_key, campaign_key, state, from_date, to_date from marts.fct_outreach")
    today = frame(wh, "select max(as_of_date) as day from intermediate.int_relation__date_properties")["day"][0]
    began = time.monotonic()
    promises = {(row.partner_key, row.campaign_key): row for row in promised.itertuples()}
    found = set()
    words_of = dict(list(touches.groupby(["partner_key", "campaign_key"])))
    for pair in words_of.keys() | promises.keys():
        found |= {(*pair, *span) for span in _spans_of(words_of.get(pair), promises.get(pair), today)}
    seconds = time.monotonic() - began
    ours = {tuple(None if pd.isna(value) else value for value in row) for row in spans.itertuples(index=False)}
    if ours != found:
        raise SystemExit(f"pandas came to others: {list(ours - found)[:3]} {list(found - ours)[:3]}")
    return round(seconds, 2)


def _spans_of(words: pd.DataFrame | None, promise: Any, today: date) -> list[tuple[str, date, date | None]]:
    evidence: dict[str, date | None] = {}
    if words is not None:
        out, back = words[words["direction"] == "out"], words[words["direction"] == "in"]
        evidence["contacted"] = out["day"].min() if len(out) else None
        replies = back[back["outcome"] != "bounced"]
        evidence["replied"] = replies["day"].min() if len(replies) else None
        agreed = words[words["outcome"] == "agreed"]
        evidence["agreed"] = agreed["day"].min() if len(agreed) else None
        declined = words[words["outcome"].isin(["declined", "unsubscribed"])]
        evidence["declined"] = declined["day"].max() if len(declined) else None
        if len(out) and not (words["outcome"] == "bounced").any():
            last = out["day"].max()
            is_last = not len(back) or back["day"].max() < last
            is_open = evidence["declined"] is None or evidence["declined"] < last
            if is_last and is_open and last + timedelta(days=60) <= today:
                evidence["silent"] = last + timedelta(days=60)
    if promise is not None:
        evidence["agreed"] = min(filter(None, [evidence.get("agreed"), promise.agreed]))
        evidence |= {name: getattr(promise, name) for name in ("placed", "verified", "lost")}
    chain = ("contacted", "replied", "agreed", "placed", "verified", "lost")
    numbers = {state: number for number, state in enumerate(chain, 1)} | {"silent": 10, "declined": 11}
    needs = {"declined": 4, "silent": 3}
    reached, kept = 0, dict[date, str]()
    for day, number, state in sorted(
        (day, numbers[state], state) for state, day in evidence.items() if day and day == day
    ):
        if (reached < needs[state]) if number >= 10 else number > reached:
            kept[day] = state
        reached = max(reached, number) if number < 10 else reached
    days = [*kept, None]
    return [(state, day, days[place + 1]) for place, (day, state) in enumerate(kept.items())]


def measure_groups() -> dict[str, float]:
    """Seconds of processor time to share the visits of many groups out."""
    rng = np.random.default_rng(1)
    habits = Habits(np.ones(6), np.array([0.1]), 0.5, 0.4, 10.0, Missed(0.1, 0.15, 0.2), is_pooled=False)
    span = np.array([2] * (WEEKS - 13) + [1] * 9 + [0] * 4)
    seconds, links = 0.0, 0
    for number in range(GROUPS):
        size = int(rng.integers(2, 15))
        exposure = np.where(rng.random((size, WEEKS)) < 0.8, 7 * 0.94, 0.0)
        exposure[0] = 7 * 0.94
        visits = rng.poisson(rng.gamma(0.5, 0.2, size) @ exposure + 0.5)
        nothing = np.zeros(size)
        group = Group(visits, span, exposure, np.full(size, 0.1), nothing, nothing, number)
        began = time.process_time()
        allocate(group, habits)
        seconds += time.process_time() - began
        links += size
    return {"seconds": round(seconds, 1), "links": links}


def of(found: Mapping[str, Any], what: str) -> float:
    """Seconds of the models of a build."""
    return float(sum(found[what].values()))


@click.command()
@click.option(
    "--write/--no-write", "is_written", default=True, help="Whether results/visitors_outreach.json is replaced."
)
def main(is_written: bool) -> None:
    """Measure and print."""
    groups = apart(measure_groups)
    month, year = apart(measure, MONTH), apart(measure, YEAR)

    def of_nights(found: Mapping[str, Any], what: str) -> float:
        return sum(night[what] if what == "seconds" else of(night, what) for night in found["nights"])

    outreach = year["load_outreach"] + of(year["all"], "outreach") + year["estimates"]["weigh_partners"]
    figures = [
        Figure("a night on a year, of one on a month", of_nights(year, "seconds") / of_nights(month, "seconds"),
               limit=LIMIT_HISTORY),
        Figure("its models of visitors alone", of_nights(year, "visits") / of_nights(month, "visits")),
        Figure("its models of outreach alone", of_nights(year, "outreach") / of_nights(month, "outreach")),
        Figure("seconds for 10,000 groups", groups["seconds"], limit=LIMIT_GROUPS_SECONDS),
        Figure("pandas' seconds for the table of a million visitors, of the model's",
               year["pandas"]["visits"]["table"] / year["all"]["visits"]["fct_referral_visit"], "at least",
               LIMIT_PANDAS),
        Figure("of these, those in memory, of the model's",
               year["pandas"]["visits"]["in_memory"] / year["all"]["visits"]["fct_referral_visit"], "at least"),
        Figure("seconds for 100,000 touches and 20,000 placements", outreach, limit=LIMIT_OUTREACH_SECONDS),
        Figure("pandas' seconds for states, of the model's",
               year["pandas"]["outreach"] / year["all"]["outreach"]["fct_outreach"], "at least", LIMIT_PANDAS),
        Figure("seconds for estimates of 2,000 partners", year["estimates"]["weigh_partners"],
               limit=LIMIT_PARTNERS_SECONDS),
    ]  # fmt: skip
    keep("visitors_outreach", figures, {"groups": groups, "month": month, "year": year}, write=is_written)


if __name__ == "__main__":
    main()
