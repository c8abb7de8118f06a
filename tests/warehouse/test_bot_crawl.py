"""Visits of bots: what a night brings late or anew makes of the marts what a full refresh would."""

from __future__ import annotations

import random
from datetime import UTC, datetime, time
from typing import Any

import pytest

from tests.warehouse.links import day
from tests.warehouse.world import Warehouse

SITE = "https://shop.example"
PATHS = ("/a", "/b", "/b?c=1", "/picture.jpg", "/orphan", "/refused", "/copy", "/noindex")
BOTS = (("Googlebot", "google", "verified"), ("Googlebot", "google", "spoofed"), ("GPTBot", "openai", "verified"))
TABLES = {
    "marts.fct_bot_crawl": "day, bot, operator, verdict, url_key, status_code",
    "marts.rpt_crawl_budget": "day, bot, visit_kind",
    "marts.fct_log_day": "stream, day",
}


def at(number: int, hour: int = 1) -> datetime:
    return datetime.combine(day(number), time(hour), UTC)


def publish_hits(w: Warehouse, number: int, seed: int, stream: str = "web") -> None:
    rng = random.Random(seed)
    rows = [
        {"stream": stream, "bot": bot, "operator": operator, "verdict": verdict, "url": f"{SITE}{path}"}
        | {"method": "GET", "status_code": status, "is_range_later": False, "is_overflow": False}
        | {
            "hit_count": rng.randint(1, 9),
            "byte_count": rng.randint(0, 99),
            "timed_count": (timed_count := rng.randint(0, 3)),
            "duration_us": rng.randint(0, 10**7) if timed_count else None,
            "first_at": at(number),
            "last_at": at(number),
        }
        for bot, operator, verdict in BOTS
        for path in PATHS
        for status in rng.sample((200, 304, 301, 404, 403, 500), 2)
    ]
    rows.append(rows[0] | {"url": None, "method": None, "status_code": 400})
    w.publish("server_logs", "bot_hit", 1, day(number), rows, part=f"{stream}/log/{number}")
    hours = [
        {"stream": stream, "hour": hour, "file_name": "access.log", "line_count": 25, "malformed_count": 0}
        | {"bot_hit_count": 1, "first_at": at(number, hour), "last_at": at(number, hour)}
        for hour in range(24)
        if number != 20 or hour != 7
    ]
    broken = hours[0] | {"hour": None, "malformed_count": 3, "line_count": 3, "first_at": None, "last_at": None}
    w.publish("server_logs", "segment", 1, day(number), [*hours, broken], part=f"{stream}/log/{number}")


def publish_crawl(w: Warehouse, number: int, copy_of: str = "/a") -> None:
    flags: dict[str, Any] = {"depth": 1, "is_in_sitemap": True, "is_robots_allowed": True, "redirect_urls": []}
    facts: dict[str, dict[str, Any]] = {
        "/refused": {"is_robots_allowed": False},
        "/copy": {"canonical_url": f"{SITE}{copy_of}"},
        "/noindex": {"meta_robots": ["noindex"]},
    }
    pages = [
        {"url": f"{SITE}{path}", "status_code": 200, "final_status_code": 200, "observed_at": at(number)}
        | {"title": path, "content_hash": path, "meta_robots": []}
        | flags
        | facts.get(path, {})
        for path in ("/a", "/b", "/refused", "/copy", "/noindex")
    ]
    w.publish("site_crawl", "page", 1, day(number), pages)


@pytest.fixture(scope="module")
def world(warehouse: Warehouse) -> Warehouse:
    """Forty days of visits and three crawls, built in the order in which they came, one day late and one read anew."""
    warehouse.add_property(1, "shop.example", history_start=day(0))
    for number in range(40):
        if number != 25:
            publish_hits(warehouse, number, number)
        if number in (3, 10):
            publish_crawl(warehouse, number)
        if number == 15:
            warehouse.build(*MODELS)
    warehouse.build(*MODELS)
    publish_hits(warehouse, 25, 25)
    publish_hits(warehouse, 5, 77)
    publish_hits(warehouse, 39, 39, stream="edge")
    warehouse.build(*MODELS)
    publish_crawl(warehouse, 17, copy_of="/b")
    warehouse.build(*MODELS)
    return warehouse


MODELS = ("+rpt_crawl_budget", "+fct_log_day")


def contents(w: Warehouse) -> dict[str, list[dict[str, Any]]]:
    return {table: w.rows(f"select * from {table} order by property_key, {key}") for table, key in TABLES.items()}


def test_increments_are_what_a_full_refresh_makes(world: Warehouse) -> None:
    built = contents(world)
    world.refresh(*MODELS)
    fresh = contents(world)
    for table, rows in built.items():
        assert rows == fresh[table], table
        assert rows


def test_kinds_add_up_to_all_verified_visits_of_every_window(world: Warehouse) -> None:
    wrong = world.rows(
        """
        with summed as (
            select day, bot, sum(hit_count) as hit_count, sum(hit_share) as hit_share
            from marts.rpt_crawl_budget group by day, bot
        )
        select s.day, s.bot from summed as s
        where abs(s.hit_share - 1) > 1e-9 or s.hit_count <> (
            select sum(c.hit_count) from marts.fct_bot_crawl as c
            where c.bot = s.bot and c.verdict = 'verified' and c.day between s.day - 27 and s.day
        )
        """
    )
    assert wrong == []
    assert world.rows("select count(*) as n from marts.rpt_crawl_budget")[0]["n"] > 100


def test_a_visit_is_of_the_first_kind_that_holds(world: Warehouse) -> None:
    rows = world.rows(
        """
        select distinct coalesce(replace(url, %s, ''), '') as path, visit_kind from marts.fct_bot_crawl
        where day between %s and %s and status_code in (200, 400) order by 1, 2
        """,
        SITE,
        day(4),
        day(9),
    )
    assert [tuple(row.values()) for row in rows] == [
        ("", "error"),
        ("/a", "good"),
        ("/b", "good"),
        ("/b?c=1", "parameter"),
        ("/copy", "non_canonical"),
        ("/noindex", "noindex"),
        ("/orphan", "orphan"),
        ("/picture.jpg", "static"),
        ("/refused", "robots_refused"),
    ]
    statuses = world.rows(
        "select distinct status_code, visit_kind from marts.fct_bot_crawl where status_code not in (200, 304, 400)"
        " order by 1"
    )
    assert [tuple(row.values()) for row in statuses] == [
        (301, "redirect"),
        (403, "refused"),
        (404, "not_found"),
        (500, "error"),
    ]


def test_the_mean_duration_is_that_of_the_visits_that_say_theirs(world: Warehouse) -> None:
    wrong = world.rows(
        """
        select day from marts.fct_bot_crawl as c
        join (
            select day, bot, verdict, url, status_code, sum(duration_us) / 1000.0 / nullif(sum(timed_count), 0) as mean
            from raw.raw_server_logs__bot_hit where stream = 'web' group by 1, 2, 3, 4, 5
        ) as hit using (day, bot, verdict, url, status_code)
        where day < %s
            and (abs(c.mean_duration_ms - hit.mean) > 1e-6 or (c.mean_duration_ms is null) <> (hit.mean is null))
        """,
        day(39),
    )
    assert wrong == []
    (told,) = world.rows("select count(*) as n from marts.fct_bot_crawl where mean_duration_ms is not null")
    assert told["n"] > 100


def test_without_a_crawl_nothing_is_said_that_needs_one(world: Warehouse) -> None:
    rows = world.rows("select distinct is_in_crawl, is_in_sitemap from marts.fct_bot_crawl where day < %s", day(3))
    assert [tuple(row.values()) for row in rows] == [(None, None)]


def test_a_day_is_whole_where_nothing_is_missing_and_the_log_goes_on(world: Warehouse) -> None:
    rows = world.rows(
        "select stream, day, outage_hour_count, malformed_count from marts.fct_log_day where not is_whole"
    )
    assert sorted(tuple(row.values()) for row in rows) == [
        ("edge", day(39), 0, 3),
        ("web", day(20), 1, 3),
        ("web", day(39), 0, 3),
    ]


def test_days_that_raw_has_given_up_stay_as_they_were_built_until_they_are_there_again(world: Warehouse) -> None:
    models = ("fct_bot_crawl", "fct_log_day")
    built = contents(world)
    world.connection.execute("delete from raw.raw_server_logs__bot_hit where day < %s", (day(10),))
    world.connection.execute(
        "update ops.publication set is_current = false, dropped_at = now()"
        " where table_name = 'bot_hit' and is_current and day < %s",
        (day(10),),
    )
    publish_hits(world, 5, 1, stream="late")
    world.build(*models)
    assert contents(world)["marts.fct_bot_crawl"] == built["marts.fct_bot_crawl"]
    world.refresh(*models)
    made = contents(world)
    kept = [row for row in built["marts.fct_bot_crawl"] if row["day"] >= day(10)]
    assert made["marts.fct_bot_crawl"] == kept
    assert {row["day"] for row in made["marts.fct_log_day"] if row["is_whole"]} == {
        day(number) for number in range(10, 39) if number != 20
    }
    for number in range(10):
        publish_hits(world, number, 77 if number == 5 else number)
    world.build(*models)
    lasting = [row for row in contents(world)["marts.fct_bot_crawl"] if row["day"] != day(5)]
    assert lasting == [row for row in built["marts.fct_bot_crawl"] if row["day"] != day(5)]


def test_an_hour_that_is_usually_quiet_is_no_outage(warehouse: Warehouse) -> None:
    """Four weeks of a stream with nothing between 2 and 5 o'clock."""
    for number in range(36):
        hours = [
            {"stream": "night", "hour": hour, "file_name": "a", "line_count": 25, "malformed_count": 0}
            | {"bot_hit_count": 0, "first_at": at(number, hour), "last_at": at(number, hour)}
            for hour in range(24)
            if not 2 <= hour < 5 and (number, hour) != (33, 12)
        ]
        warehouse.publish("server_logs", "segment", 2, day(number), hours, part=f"night/log/{number}")
    warehouse.dbt("run", "--select", "+fct_log_day")
    rows = warehouse.rows(
        "select day, outage_hour_count from marts.fct_log_day where stream = 'night' and day >= %s and not is_whole",
        day(28),
    )
    assert sorted(tuple(row.values()) for row in rows) == [(day(33), 1), (day(35), 0)]


def test_a_day_without_a_line_is_not_whole_where_days_have_lines_and_hours_few(warehouse: Warehouse) -> None:
    for stream, hours, outage in (("quiet", 24, 5), ("silent", 2, 5)):
        for number in range(10):
            rows = [
                {"stream": stream, "hour": hour, "file_name": "a", "line_count": 1, "malformed_count": 0}
                | {"bot_hit_count": 0, "first_at": at(number, hour), "last_at": at(number, hour)}
                for hour in range(hours)
            ]
            if number != outage:
                warehouse.publish("server_logs", "segment", 3, day(number), rows, part=f"{stream}/log/{number}")
    warehouse.dbt("run", "--select", "+fct_log_day")
    rows = warehouse.rows("select stream, day from marts.fct_log_day where property_key = 3 and not is_whole")
    assert sorted(tuple(row.values()) for row in rows) == [
        ("quiet", day(5)),
        ("quiet", day(9)),
        ("silent", day(9)),
    ]
