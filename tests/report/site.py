"""A made-up property with everything, and one whose texts are hostile."""

from __future__ import annotations

import math
import random
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import psycopg

from tests.report.world import insert, rich_effects, week

ARMS = {
    ("acquired", True): "acquired_followed",
    ("acquired", False): "acquired_nofollow",
    ("lost", True): "lost_followed",
}
LAST_DAY = date(2026, 11, 22)


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
                    "evidence": "dated",
                    "is_index_change": False,
                    "is_possible_index_change": False,
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


def fill_weeks(connection: psycopg.Connection[Any], *, seed: int = 7) -> None:
    """Half a year of weeks: news, weeks as usual, and mobile, which was not tested. Beside `fill`."""
    random_ = random.Random(seed)
    newest = {"links_lost": 19.0, "share_of_voice": 0.183}
    rows = []
    for measure, device, usual, spread in (
        *(("links_won", "all", 9.0, 3.0), ("links_lost", "all", 4.0, 2.0), ("domains_won", "all", 3.0, 2.0)),
        *(("domains_lost", "all", 1.0, 1.0), ("share_of_voice", "desktop", 0.2, 0.003), ("clicks", "all", 12e3, 400.0)),
        *(("positions_won", "desktop", 12.0, 4.0), ("positions_lost", "desktop", 13.0, 4.0)),
        *(("pages_indexable", "all", 1.0, 1.0), ("pages_unindexable", "all", 1.0, 1.0)),
    ):
        for number in range(26):
            value = max(0.0, random_.gauss(usual, spread))
            known = value if measure == "share_of_voice" else float(round(value))
            known = newest.get(measure, known) if number == 0 else known
            low, high = max(0.0, usual - 4 * spread), usual + 4 * spread
            state = "usual" if low <= known <= high else "above" if known > high else "below"
            rows.append(
                week(measure, known, device=device, week_no=number, usual_low=low, usual_high=high, state=state)
            )
    rows += [week(measure, None, device="mobile") for measure in ("share_of_voice", "positions_won", "positions_lost")]
    columns = [name for name in asdict(rows[0]) if name != "property_name"]
    insert(connection, "rpt_weekly", [{name: getattr(row, name) for name in columns} for row in rows])
    of_link = {"property_key": 1, "device": "all", "locale": "all", "item_key": 1, "authority": 412, "witness": "v"}
    keyword = {"property_key": 1, "device": "desktop", "locale": "2840-en", "item_key": 1, "item": "oak garden bench"}
    insert(
        connection,
        "rpt_weekly_change",
        [
            of_link | {"measure": "links_lost", "item": "https://gardenweekly.example/2026/1/ten-ideas"},
            of_link | {"measure": "domains_won", "item": "gardenweekly.example"},
            keyword | {"measure": "positions_lost", "previous_position": 7, "position": 101},
            of_link
            | {"measure": "pages_unindexable", "item": "https://www.alderwood.example/a", "indexability": "noindex"},
        ],
    )


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
            *(("rpt_weekly", "device"), ("rpt_weekly_change", "item"), ("rpt_weekly_change", "witness")),
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
