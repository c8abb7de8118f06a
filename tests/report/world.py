"""Made-up marts: tables with the stated columns, and rows for them. No figure in here was ever measured."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg import sql
from psycopg.types.json import Jsonb

from seo_warehouse.report.facts import Effect

MODELS = Path(__file__).parents[2] / "dbt_project/models/marts"
NUMBERS = "double precision"
EFFECT = (
    dict.fromkeys(("property_key", "begin_day", "end_day", "event_count", "treated_page_count"), "integer")
    | dict.fromkeys(("control_count", "cluster_count", "cell_count", "needed_event_count"), "integer")
    | dict.fromkeys(("onpage_unknown_count", "update_overlap_count"), "integer")
    | dict.fromkeys(("panel", "cut", "level", "arm", "outcome", "window_name", "weighting", "status", "reason"), "text")
    | {"dropped_events": "jsonb"}
)
STATED: dict[str, dict[str, str]] = {
    "rpt_link_effect": {name: EFFECT.get(name, NUMBERS) for name in Effect.__dataclass_fields__},
    "rpt_link_effect_check": {
        "property_key": "integer", "panel": "text", "check_name": "text", "outcome": "text", "estimate": NUMBERS,
        "standard_error": NUMBERS, "honest_low": NUMBERS, "honest_high": NUMBERS, "event_count": "integer",
        "run_count": "integer", "false_alarm_count": "integer", "is_warning": "boolean", "sentence": "text",
    },
    "rpt_link_contribution": {
        "property_key": "integer", "panel": "text", "event_key": "bigint", "link_key": "bigint", "page_key": "bigint",
        "event_date": "date", "arm": "text", "authority_level": "text", "outcome": "text", "window_name": "text",
        "base_mean": NUMBERS, "window_mean": NUMBERS, "control_change": NUMBERS, "own_effect": NUMBERS,
        "own_standard_error": NUMBERS, "group_event_count": "integer", "group_effect": NUMBERS,
        "shrunk_effect": NUMBERS, "shrunk_low": NUMBERS, "shrunk_high": NUMBERS, "own_weight": NUMBERS,
        "reason": "text",
    },
}  # fmt: skip
CONTRACTED = (
    *("dim_property", "dim_page", "dim_keyword", "dim_link", "dim_google_update"),
    *("fct_link_event", "fct_page_crawl", "fct_page_change", "fct_serp_position"),
)
ARMS = {
    ("acquired", True): "acquired_followed",
    ("acquired", False): "acquired_nofollow",
    ("lost", True): "lost_followed",
}
LAST_DAY = date(2026, 11, 22)
WINDOWS = (
    {"headline": (21, 34), "placebo": (-56, -29)}
    | {f"week_before_{n}": (-7 * n, -7 * n + 6) for n in range(6, 1, -1)}
    | {f"week_{n}": (7 * n - 7, 7 * n - 1) for n in range(1, 14)}
)


def create_marts(connection: psycopg.Connection[Any], *, with_effects: bool = True) -> None:
    """The tables that a report reads, empty; those that dbt makes today with the columns of their contracts."""
    tables = {name: _contract(name) for name in CONTRACTED} | (STATED if with_effects else {})
    for name, columns in tables.items():
        body = sql.SQL(", ").join(
            sql.SQL("{} " + kind).format(sql.Identifier(column)) for column, kind in columns.items()
        )
        connection.execute(sql.SQL("create table marts.{} ({})").format(sql.Identifier(name), body))
    connection.execute("grant select on all tables in schema marts to seo_analyst")


def insert(connection: psycopg.Connection[Any], table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Put rows into a mart; columns that a row leaves out are NULL."""
    groups: dict[tuple[str, ...], list[list[Any]]] = {}
    for row in rows:
        values = [Jsonb(value) if isinstance(value, dict) else value for value in row.values()]
        groups.setdefault(tuple(row), []).append(values)
    for names, lines in groups.items():
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        marks = sql.SQL(", ").join([sql.Placeholder()] * len(names))
        query = sql.SQL("insert into marts.{} ({}) values ({})").format(sql.Identifier(table), columns, marks)
        with connection.cursor() as cursor:
            cursor.executemany(query, lines)


def effect(value: float | None = -0.14, spread: float = 0.05, **other: Any) -> Effect:
    """A row of the report: `estimate` unless told otherwise."""
    stated: dict[str, Any] = {
        "property_key": 1, "panel": "google", "cut": "all", "level": "all", "arm": "acquired_followed",
        "outcome": "log_position", "window_name": "headline", "begin_day": 21, "end_day": 34, "weighting": "variance",
        "status": "estimate", "event_count": 42, "treated_page_count": 38, "control_count": 640, "cluster_count": 120,
        "cell_count": 61, "base_position": 14.2, "smallest_detectable_effect": 2.9 * spread,
        "placebo_estimate": 0.021, "placebo_p_value": 0.43, "needed_event_count": 0,
    }  # fmt: skip
    if value is not None:
        low, high = value - 2 * spread, value + 2 * spread
        stated |= {
            "estimate": value, "standard_error": spread, "interval_low": low, "interval_high": high,
            "honest_low": low - 0.021, "honest_high": high + 0.021, "p_value": 0.004,
        }  # fmt: skip
    row = stated | other
    if row["end_day"] <= 0:
        row |= {"honest_low": None, "honest_high": None}
    if row["status"] != "estimate":
        row["estimate"] = row["standard_error"] = None
    if row["status"] == "not_enough_data":
        row |= dict.fromkeys(("interval_low", "interval_high", "honest_low", "honest_high", "p_value"))
    return Effect(**row)


def rich_effects() -> list[Effect]:
    """A property that has enough of everything, with weeks, cuts, arms, weightings and another outcome."""
    dropped = {"other_link": 214, "onpage_change": 61, "future_incomplete": 33, "no_keyword": 120, "short_history": 12}
    rows = []
    for arm, size, count in (
        ("acquired_followed", -0.15, 42),
        ("acquired_nofollow", -0.02, 31),
        ("lost_followed", 0.09, 18),
    ):
        status = "estimate" if count >= 30 else "exploratory"
        for name, (begin, end) in WINDOWS.items():
            grown = size * min(1.0, max(0.0, (begin + 7) / 30)) if begin >= 0 else 0.012 * math.sin(begin)
            events = count if end <= 34 else max(4, count - (end - 34) // 2)
            known = "not_enough_data" if events < 10 else "exploratory" if events < 30 else status
            more: dict[str, Any] = {"dropped_events": dropped} if name == "headline" else {}
            if arm == "acquired_followed" and name == "headline":
                more |= {
                    "nofollow_estimate": -0.02, "nofollow_p_value": 0.61, "followed_minus_nofollow": -0.13,
                    "followed_minus_nofollow_low": -0.24, "followed_minus_nofollow_high": -0.02,
                    "pretrend_p_value": 0.36, "onpage_unknown_count": 7, "update_overlap_count": 12,
                }  # fmt: skip
            rows.append(effect(
                grown, 0.04 + 0.0004 * abs(begin), arm=arm, window_name=name, begin_day=begin, end_day=end,
                event_count=events, treated_page_count=events - 2, status=known, **more,
            ))  # fmt: skip
    for cut, level, value, count in (
        ("authority", "low", -0.05, 14), ("authority", "middle", -0.13, 15), ("authority", "high", -0.24, 13),
        ("authority", "unknown", None, 2), ("relevance", "yes", -0.19, 31), ("relevance", "no", -0.06, 11),
        ("anchor_type", "exact", None, 6), ("anchor_type", "brand", -0.11, 22), ("anchor_type", "other", -0.14, 14),
        ("device", "desktop", -0.15, 42), ("device", "mobile", -0.14, 41),
    ):  # fmt: skip
        status = "estimate" if count >= 30 else "exploratory" if count >= 10 else "not_enough_data"
        rows.append(effect(value, 0.35 / math.sqrt(count), cut=cut, level=level, status=status, event_count=count,
                           treated_page_count=count, holm_p_value=None if value is None else 0.21))  # fmt: skip
    rows.append(effect(-0.145, 0.055, weighting="equal"))
    rows.append(effect(-0.12, 0.02, property_key=0, event_count=260, treated_page_count=220, base_position=18.0))
    rows.append(effect(-1.7, 0.7, outcome="position", base_position=14.2))
    rows.append(effect(0.9, 0.4, outcome="click_log", panel="search_console", event_count=39, base_position=None))
    return rows


def fill(connection: psycopg.Connection[Any], *, pages: int = 3, seed: int = 7) -> None:
    """One property with everything, as its marts might hold it."""
    insert(connection, "rpt_link_effect", map(asdict, rich_effects()))
    insert(connection, "dim_property", [{"property_key": 1, "property_name": "alderwood", "depth": 100}])
    insert(
        connection,
        "dim_google_update",
        [
            {
                "google_update_key": 1,
                "update_name": "August 2026 spam update",
                "kind": "spam",
                "begins_on": date(2026, 8, 4),
                "ends_on": date(2026, 8, 12),
                "is_confounder": True,
                "source_url": "https://status.search.google.com/",
            },
            {
                "google_update_key": 2,
                "update_name": "October 2026 core update",
                "kind": "core",
                "begins_on": date(2026, 10, 2),
                "ends_on": date(2026, 10, 17),
                "is_confounder": True,
                "source_url": "https://status.search.google.com/",
            },
        ],
    )
    insert(connection, "rpt_link_effect_check", _checks())
    random_ = random.Random(seed)
    slugs = (
        "tables/picnic-table-for-eight",
        "benches/oak-garden-bench",
        "swings/porch-swing",
        "tables/oak",
        "chairs/adirondack",
    )
    for number in range(pages):
        _fill_page(
            connection,
            random_,
            100 + number,
            slugs[number % len(slugs)] + (f"-{number}" if number >= len(slugs) else ""),
        )


def _checks() -> list[dict[str, Any]]:
    common = {"property_key": 1, "panel": "google", "outcome": "log_position", "event_count": 42, "is_warning": False}
    return [
        common
        | {
            "check_name": "fake_dates",
            "run_count": 200,
            "false_alarm_count": 9,
            "sentence": "9 of 200 draws of made-up dates were taken for an effect.",
        },
        common
        | {
            "check_name": "onpage_included",
            "estimate": -0.17,
            "honest_low": -0.28,
            "honest_high": -0.05,
            "event_count": 61,
        },
        common
        | {
            "check_name": "updates_excluded",
            "estimate": -0.13,
            "honest_low": -0.27,
            "honest_high": 0.02,
            "event_count": 30,
        },
        common | {"check_name": "shifted_7_days", "estimate": -0.12, "honest_low": -0.24, "honest_high": 0.01},
        common
        | {
            "check_name": "weightings",
            "is_warning": True,
            "estimate": 0.06,
            "sentence": "The two weightings lie more than one standard error apart.",
        },
    ]


def _fill_page(connection: psycopg.Connection[Any], random_: random.Random, page_key: int, slug: str) -> None:
    url = f"https://www.alderwood.example/{slug}"
    name = slug.rpartition("/")[2].replace("-", " ")
    insert(
        connection, "dim_page", [{"property_key": 1, "page_key": page_key, "url": url, "topic": slug.partition("/")[0]}]
    )
    first = LAST_DAY - timedelta(days=182)
    base = random_.uniform(6, 25)
    gain = first + timedelta(days=random_.randrange(60, 120))
    for number, keyword in enumerate((name, f"{name} buy", f"best {name} for a small garden")):
        keyword_key = page_key * 10 + number
        insert(connection, "dim_keyword", [{"property_key": 1, "keyword_key": keyword_key, "keyword": keyword}])
        for device in ("desktop", "mobile"):
            level, rows = math.log(base * (1 + 0.5 * number)) + random_.gauss(0, 0.1), []
            wander = 0.0
            for offset in range(183):
                day = first + timedelta(days=offset)
                wander = 0.9 * wander + random_.gauss(0, 0.05)
                effect_ = -0.2 * min(1.0, max(0, (day - gain).days) / 28)
                position = max(1, round(math.exp(level + wander + effect_ + 0.06 * random_.gauss(0, 1))))
                state = "failed" if 70 <= offset < 80 or random_.random() < 0.01 else "found"
                if number == 2 and 20 <= offset < 32:
                    state = "not_found"
                rows.append(
                    {
                        "property_key": 1,
                        "day": day,
                        "keyword_key": keyword_key,
                        "engine": "google",
                        "locale": "2840-en",
                        "device": device,
                        "state": state,
                        "depth": 100,
                        "position": position if state == "found" else None,
                        "usual_page_key": page_key,
                        "origin": "dataforseo",
                    }
                )
            insert(connection, "fct_serp_position", rows)
    _fill_links(connection, random_, page_key, gain)
    insert(
        connection,
        "fct_page_crawl",
        [
            {
                "property_key": 1,
                "day": first + timedelta(days=40),
                "page_key": page_key,
                "url": url,
                "origin": "site_crawl",
                "indexability": "indexable",
                "title": f"{name.title()} | Alderwood",
                "is_onpage_changed": True,
                "is_title_changed": True,
            },
        ],
    )
    insert(
        connection,
        "fct_page_change",
        [
            {
                "property_key": 1,
                "day": first + timedelta(days=150),
                "page_key": page_key,
                "kind": "content",
                "origin": "exports",
            }
        ],
    )


def _fill_links(connection: psycopg.Connection[Any], random_: random.Random, page_key: int, gain: date) -> None:
    kinds = (
        ("acquired", True, 0),
        ("acquired", False, -25),
        ("lost", True, 40),
        ("lost", False, 61),
        ("acquired", None, 47),
    )
    for number, (event_type, followed, shift) in enumerate(kinds):
        key, domain = (
            page_key * 100 + number,
            random_.choice(("gardenweekly", "homeandlawn", "woodcraft", "thepatioblog")),
        )
        source = f"https://{domain}.example/2026/{number}/ten-ideas-for-outdoor-dinners"
        insert(
            connection,
            "fct_link_event",
            [
                {
                    "property_key": 1,
                    "event_key": key,
                    "link_key": key,
                    "event_type": event_type,
                    "event_date": gain + timedelta(days=shift),
                    "is_uncertain_date": False,
                    "is_index_change": False,
                    "is_followed": followed,
                    "source_domain": f"{domain}.example",
                    "source_url": source,
                    "anchor": "solid oak furniture",
                    "page_key": page_key,
                    "authority": random_.randrange(900),
                }
            ],
        )
        insert(
            connection,
            "dim_link",
            [
                {
                    "property_key": 1,
                    "link_key": key,
                    "source_url": source,
                    "source_title": "Ten ideas for outdoor dinners",
                }
            ],
        )
        shrunk = random_.gauss(-0.13, 0.05)
        judged: dict[str, Any] = {
            "own_effect": random_.gauss(-0.2, 0.3),
            "group_effect": -0.13,
            "group_event_count": 13,
            "shrunk_effect": shrunk,
            "shrunk_low": shrunk - 0.15,
            "shrunk_high": shrunk + 0.15,
            "own_weight": 0.18,
            "base_mean": 2.6,
            "window_mean": 2.4,
        }
        insert(
            connection,
            "rpt_link_contribution",
            [
                {
                    "property_key": 1,
                    "panel": "google",
                    "event_key": key,
                    "link_key": key,
                    "page_key": page_key,
                    "event_date": gain + timedelta(days=shift),
                    "outcome": "log_position",
                    "window_name": "headline",
                    "arm": ARMS.get((event_type, followed)),
                }
                | (judged if number == 0 else {"reason": ("other_link", "not_ranking", "onpage_change")[number % 3]})
            ],
        )


def _contract(name: str) -> dict[str, str]:
    (path,) = MODELS.rglob(f"{name}.yml")
    (model,) = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    return {column["name"]: column["data_type"] for column in model["columns"]}


HOSTILE = (
    "<script>document.title='hacked'</script>",
    '"><img src=x onerror="document.title=\'hacked\'"><style>*{display:none}</style>',
    "\u202eevil\u2066 rtl \u200f</td></table></title></svg><iframe src=https://evil.example></iframe>",
    "{{ 7 * 7 }} {% raw %} ${alert(1)} $\\alpha$ &lt;b&gt; ' onclick='alert(1)",
    "W" * 10_000,
)


def poison(connection: psycopg.Connection[Any]) -> None:
    """Put hostile texts wherever a crawled page, a vendor or an export can put one."""
    for number, text in enumerate(HOSTILE):
        pick = f"hashtext(t.ctid::text) %% {len(HOSTILE)} in ({number}, {-number})"
        for table, column in (
            *(("dim_page", "topic"), ("dim_keyword", "keyword"), ("dim_link", "source_title")),
            *(("fct_link_event", "anchor"), ("fct_link_event", "source_domain"), ("fct_page_crawl", "title")),
            *(("fct_page_change", "kind"), ("dim_google_update", "update_name"), ("rpt_link_effect_check", "sentence")),
        ):
            connection.execute(f"update marts.{table} as t set {column} = %s where {pick}", (text,))
        connection.execute(
            f"update marts.dim_page as t set url = 'https://www.alderwood.example/' || %s where {pick}", (text,)
        )
    urls = ("javascript:document.title='hacked'", "data:text/html,<script>alert(1)</script>", " javascript:alert(1)")
    for number, url in enumerate(urls):
        connection.execute(
            f"update marts.fct_link_event set source_url = %s where event_key %% {len(urls)} = {number}", (url,)
        )
    connection.execute(
        "update marts.rpt_link_effect set level = %s where cut = 'anchor_type' and level = 'brand'", HOSTILE[:1]
    )
    connection.execute("update marts.rpt_link_contribution set reason = %s where reason = 'not_ranking'", HOSTILE[1:2])
