"""The questions of docs/questions.md, asked by an analyst of a world whose answers are known.

Two weeks of the property `alderwood`, and the same reads of another property beside it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.ledger import guests
from seo_warehouse.urls import key64
from tests.conftest import PASSWORDS
from tests.warehouse.exports import publish_export
from tests.warehouse.links import day, item, publish_night
from tests.warehouse.world import DATABASE, Dbt, Warehouse

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/questions.md").read_text(encoding="utf-8")
QUERIES = {
    int(number): query
    for number, query in re.findall(r"^### (\d+)\. .*?\n```sql\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
}
CURVE = {
    int(row["position"]): float(row["click_share"])
    for row in csv.DictReader((ROOT / "dbt_project/seeds/click_curve.csv").open())
}
NIGHTS = range(14)
LAST = day(13)
SITE = "https://shop.example"
KEYWORDS = {"copper pans": f"{SITE}/pans", "pots": f"{SITE}/pots", "alder shop": f"{SITE}/"}
DEVICES = ("desktop", "mobile")
OVERVIEWS = {
    ("pots", "desktop", 13): (1, ("https://www.rival.example/shop", "https://www.fan.example/pots")),
    ("alder shop", "desktop", 13): (1, ("https://www.rival.example/shop", f"{SITE}/")),
    ("copper pans", "mobile", 13): (5, ("https://www.rival.example/shop",)),
}
"""Where an AI overview stands among all of a page, and whom it cites; the last one stands below the property."""
CHECK = {"location_code": 2840, "language_code": "en"}
COST = {"calls": 2, "money": Decimal("0.5")}
"""Of each load of rank checks; the other sources ask nothing for theirs."""
MODELS = (
    *("+dim_date", "+dim_page", "+dim_keyword", "+dim_domain_current", "+rpt_completeness", "+rpt_spend"),
    *("+fct_page_crawl", "+dim_query", "+fct_search_page", "+fct_search_total"),
    *("+fct_serp_result", "+rpt_serp_visibility", "+dim_link", "+fct_link_event", "+rpt_anchor", "+fct_link_check"),
    *("+dim_bot", "+fct_log_day", "+rpt_crawl_budget"),
    *("+rpt_link_profile", "+rpt_weekly", "+rpt_weekly_change", "+fct_index_state", "+fct_page_milestone"),
    *("+fct_disavowal", "+rpt_link_survival", "rpt_portfolio_stress", "int_portfolio__weigh_risks", "rpt_link_risk"),
    *("fct_page_link_profile", "+rpt_referral_source", "+rpt_referral_witness", "+fct_placement"),
    "+dim_partner",
)


def position(keyword: str, device: str, number: int) -> int | None:
    """Where the property stood in a night; None: not among the first 20."""
    if keyword == "alder shop":
        return 1
    if keyword == "copper pans":
        return 5 if device == "desktop" else 8 if number < 7 else 3
    return 11 if device == "desktop" else 12 if number < 10 else None


def ranking_url(keyword: str, device: str, number: int) -> str:
    """The page that ranked: in the last night the wrong one for pots on desktop."""
    return f"{SITE}/pans" if (keyword, device, number) == ("pots", "desktop", 13) else KEYWORDS[keyword]


@pytest.fixture(scope="module")
def world(warehouse: Warehouse) -> Warehouse:
    """The world, modelled."""
    warehouse.add_property(1, "shop.example", property_name="alderwood", depth=20, history_start=day(0))
    warehouse.add_property(2, "other.example", property_name="teaharbour", depth=20, history_start=day(0))
    for keyword, page in KEYWORDS.items():
        warehouse.add_keyword(1, keyword, page, is_brand=keyword == "alder shop")
    warehouse.insert("ops.brand_pattern", [{"property_key": 1, "pattern_no": 1, "pattern": "alder ?wood"}])
    for number in NIGHTS:
        _publish_checks(warehouse, number)
        _publish_links(warehouse, number)
        _publish_searches(warehouse, number)
        _publish_logs(warehouse, number)
        if number in (0, 7, 13):
            _publish_crawl(warehouse, number)
    _publish_entries(warehouse)
    _publish_inspections(warehouse)
    _publish_disavowals(warehouse)
    _publish_visits(warehouse)
    _publish_outreach(warehouse)
    _note_loads(warehouse)
    warehouse.copy_published(of=1, key=2)
    warehouse.dbt("run", "--select", *MODELS, build_id=warehouse.claim())
    effect = {"property_key": 1, "panel": "google", "cut": "all", "level": "all", "arm": "acquired_followed"}
    effect |= {"outcome": "log_position", "window_name": "headline", "weighting": "variance"}
    effect |= {"status": "not_enough_data", "reason": "too_few_events", "event_count": 1, "needed_event_count": 4}
    warehouse.insert("marts.rpt_link_effect", [effect, effect | {"arm": "lost_followed"}])
    rate = {"property_key": 1, "bot": "Googlebot", "arm": "acquired_followed"}
    rate |= {"status": "not_enough_data", "reason": "too_few_events", "event_count": 1}
    warehouse.insert("marts.rpt_crawl_rate_effect", [rate, rate | {"arm": "lost_followed"}])
    _publish_pages(warehouse)
    _publish_waits(warehouse)
    breadth = {"property_key": 1, "weight": "link", "month": day(0).replace(day=1), "status": "not_enough_data"}
    breadth |= {"item_count": 4, "class_count": 4, "unknown_share": 0, "largest_share": 0.25}
    warehouse.insert("marts.rpt_portfolio", [breadth | {"dimension": name} for name in ("domain", "item_type")])
    spread = {"property_key": 1, "entering_authority": 1, "harmonic": 1, "is_approximate": False, "is_converged": True}
    for path, number, domains, entering, internal in SPREAD:
        where = {"page_key": key64(f"{SITE}{path}"), "day": day(number), "inlink_count": 1}
        shares = {"entering_domain_count": domains, "entering_authority_share": entering, "internal_share": internal}
        warehouse.insert("marts.fct_page_authority", [spread | where | shares])
    _publish_words(warehouse)
    _publish_relations(warehouse)
    bound = {"property_key": 1, "unit": "domain", "month": day(0).replace(day=1), "seen_count": 4, "witness_count": 1}
    warehouse.insert(
        "marts.rpt_witness_bound", [bound | {"left_out": [], "is_guarded": False, "status": "not_enough_data"}]
    )
    week = {"property_key": 1, "flag": "velocity", "subject_kind": "property", "subject_key": 0, "rule_version": 1}
    week |= {"first_day": day(7), "last_day": day(13), "counted": 40, "expected": 2.5, "p_value": 0.00001}
    ((key,),) = warehouse.connection.execute(
        "select link_key from marts.dim_link where property_key = 1 and source_domain = 'new.example'"
    )
    warehouse.insert("marts.fct_link_flag", [week | {"link_keys": [key], "false_alarm_rate": 0.007}])
    loss = {"property_key": 1, "link_count": 9, "untold_link_count": 0, "domain_count": 4, "status": "estimate"}
    loss |= {"expected_loss_count": 2.5, "interval_low": 0.0, "interval_high": 4.0}
    warehouse.insert("marts.rpt_expected_loss", [loss])
    brought = {"property_key": 1, "witness": "logs", "link_key": key, "span": "days_28", "status": "counted"}
    brought |= {"visit_count": 8, "visit_low": 8, "visit_high": 8, "exact_count": 5, "sole_count": 3}
    warehouse.insert("marts.rpt_referral_link", [brought, brought | {"span": "life", "visit_count": 9}])
    left = {"property_key": 1, "witness": "logs", "span": "days_28", "visit_count": 1, "visit_low": 1, "visit_high": 1}
    seen = {"property_key": 1, "witness": "matomo", "month": day(0).replace(day=1), "day_count": 20}
    few = {"class": "none", "host_key": 0, "visit_count": 3, "shared_count": 3, "log_count": 5}
    host = {"class": "site", "host_key": 1, "host": "www.new.example", "visit_count": 33, "shared_count": 30}
    host |= {"log_count": 40, "ratio": 0.75, "ratio_low": 0.5, "ratio_high": 1.1, "is_unusual": False}
    warehouse.insert("marts.rpt_referral_witness", [seen | host])
    warehouse.insert("marts.rpt_referral_witness", [seen | few | {"reason": "too_few_visits"}])
    kinds = ("exact", "host_only", "no_known_link")
    warehouse.insert("marts.rpt_referral_balance", [left | {"kind": kind} for kind in kinds])
    return warehouse


def _publish_checks(warehouse: Warehouse, number: int) -> None:
    tasks: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for keyword in KEYWORDS:
        for device in DEVICES:
            check = CHECK | {"keyword": keyword, "device": device, "observed_at": _at(number, 3)}
            ours = position(keyword, device, number)
            found = [(ours, ranking_url(keyword, device, number))] if ours else []
            found.append(((ours or 0) + 1, "https://www.rival.example/shop"))
            place, cited = OVERVIEWS.get((keyword, device, number), (None, ()))
            tasks.append(
                check
                | {"tag": "t", "depth": 20, "status_code": 20000, "status_message": "Ok."}
                | {"se_results_count": len(found), "items_count": len(found) + bool(place)}
                | {"answer": "advanced" if place else "regular"}
            )
            items = [
                {
                    "type": "organic",
                    "rank_group": rank,
                    "rank_absolute": rank + bool(place and place <= rank),
                    "url": url,
                }
                for rank, url in found
            ]
            if place:
                overview = {"element_no": len(items) + 1, "element_type": "ai_overview"}
                items.append({"type": "ai_overview", "rank_group": 1, "rank_absolute": place})
                items += [overview | {"type": "ai_overview_reference", "url": url} for url in cited]
            results += [check | {"item_no": item_no, "title": "Shown"} | each for item_no, each in enumerate(items, 1)]
    warehouse.publish("dataforseo_serp", "task", 1, day(number), tasks)
    warehouse.publish("dataforseo_serp", "result", 1, day(number), results)


def _publish_links(warehouse: Warehouse, number: int) -> None:
    second = item(
        "fan", first=-25, seen=0, target=f"{SITE}/pots", page="https://www.fan.example/e", anchor="pans, cheap"
    )
    if number == 0:
        full = [
            item(
                "fan", first=-30, seen=0, target=f"{SITE}/pans", page="https://blog.fan.example/a", anchor="copper pans"
            ),
            item("news", first=-20, seen=0, rel=["nofollow"], target=f"{SITE}/", anchor="Alder Shop")
            | {"domain_from_rank": 500},
            item("old", first=-40, seen=0, target=f"{SITE}/old", anchor=f"{SITE}/old") | {"domain_from_rank": 100},
            second,
        ]
        publish_night(warehouse, 1, 0, full=full)
        return
    new = (
        [item("new", first=7, target=f"{SITE}/pots", anchor="here") | {"domain_from_rank": 200}] if number == 7 else []
    )
    lost = [second | {"is_lost": True, "last_seen": _at(9, 1), "prev_seen": _at(5, 1)}] if number == 9 else []
    publish_night(warehouse, 1, number, new=new, lost=lost)


def _publish_searches(warehouse: Warehouse, number: int) -> None:
    pans = 3 if number < 7 else 6
    clicked = {"copper pans": (pans, 30, 2.0), "alder shop": (5, 10, 1.0), "pots": (0, 100, 11.0)}
    where = {"country": "usa", "device": "MOBILE"}
    rows = [
        where | {"page_url": KEYWORDS[query], "query": query} | _counts(*counts) for query, counts in clicked.items()
    ]
    # Nobody tracks this one, and the pattern knows it.
    rows.append(where | {"page_url": KEYWORDS["alder shop"], "query": "Alderwood"} | _counts(1, 1, 1.0))
    warehouse.publish("search_console", "performance", 1, day(number), rows)
    # Two clicks on the pans, of ten impressions, are of queries that nobody shows.
    shown = clicked | {"copper pans": (pans + 2, 40, 2.0), "alder shop": (6, 11, 1.0)}
    pages = [where | {"page_url": KEYWORDS[query]} | _counts(*counts) for query, counts in shown.items()]
    warehouse.publish("search_console", "page_total", 1, day(number), pages)
    warehouse.publish("search_console", "property_total", 1, day(number), [_counts(pans + 8, 150, 4.0)])


def _counts(clicks: int, impressions: int, where: float) -> dict[str, Any]:
    return {"clicks": clicks, "impressions": impressions, "ctr": None, "position": where}


def _publish_crawl(warehouse: Warehouse, number: int) -> None:
    def page(path: str, status: int = 200, **values: Any) -> dict[str, Any]:
        row = {"url": f"{SITE}{path}", "status_code": status, "final_status_code": status, "redirect_urls": []}
        flags = {"depth": 1, "is_in_sitemap": True, "is_robots_allowed": True, "observed_at": _at(number, 2)}
        return row | flags | {"title": path, "content_hash": path, "meta_robots": []} | values

    pages = [
        page("/"),
        page("/pans", title="Pans" if number < 7 else "Copper pans", content_hash="a" if number < 7 else "b"),
        page("/pots", meta_robots=["noindex"] if number == 13 else []),
        page("/old", 404, title=None, content_hash=None),
    ]
    if number >= 7:
        pages.append(page("/kettles"))
    warehouse.publish("site_crawl", "page", 1, day(number), pages, is_complete=True)


def _publish_logs(warehouse: Warehouse, number: int) -> None:
    """Of each night; in one of them nothing was written down for three hours."""

    def visits(bot: str, operator: str, verdict: str, path: str, count: int, status: int = 200) -> dict[str, Any]:
        who = {"stream": "web", "bot": bot, "operator": operator, "verdict": verdict, "url": f"{SITE}{path}"}
        what = {"method": "GET", "status_code": status, "is_range_later": False, "is_overflow": False}
        return who | what | {"hit_count": count, "byte_count": 9, "first_at": _at(number, 1), "last_at": _at(number, 2)}

    hits = [
        visits("Googlebot", "google", "verified", "/pans", 3),
        visits("Googlebot", "google", "verified", "/pans?ref=1", 1),
        visits("Googlebot", "google", "verified", "/old", 1, status=404),
        visits("Googlebot", "google", "spoofed", "/pans", 9),
        visits("GPTBot", "openai", "verified", "/pots", 2),
        visits("GPTBot", "openai", "spoofed", "/pots", 1),
    ]
    hours = [
        {"stream": "web", "hour": hour, "file_name": "access.log", "line_count": 30, "malformed_count": 0}
        | {"bot_hit_count": 1, "first_at": _at(number, hour), "last_at": _at(number, hour)}
        for hour in range(24)
        if (number, hour // 3) != (9, 3)
    ]
    warehouse.publish("server_logs", "bot_hit", 1, day(number), hits, part=f"web/a/{number}")
    warehouse.publish("server_logs", "segment", 1, day(number), hours, part=f"web/a/{number}")


def _publish_entries(warehouse: Warehouse) -> None:
    """People come by the post of day 7, from its host, from hosts that are none of a link's, and from a search."""

    def entry(referrer: str, path: str, count: int, *, is_page: bool = False) -> dict[str, Any]:
        told = {"stream": "web", "referrer_state": "known", "referrer": referrer, "landing": f"{SITE}{path}"}
        return told | {"referrer_key": key64(referrer) if is_page else None, "landing_tag": None, "entry_count": count}

    entries = [
        entry("https://www.new.example/post", "/pots", 5, is_page=True),
        entry("https://www.new.example/", "/pots", 3),
        entry("https://www.new.example/", "/pans", 1),
        entry("https://www.elsewhere.example/", "/pans", 1),
        entry("https://www.google.com/", "/pans", 40),
    ]
    warehouse.publish("server_logs", "entry", 1, day(8), entries, part="web/a/8")


def _publish_inspections(warehouse: Warehouse) -> None:
    """The pans are in the index, as their impressions prove; the old page was, and is not since some day."""
    old = {"url": f"{SITE}/old", "last_crawl_time": _at(2, 4)}
    indexed = {"verdict": "PASS", "coverage_state": "Submitted and indexed"}
    crawled = {"verdict": "NEUTRAL", "coverage_state": "Crawled - currently not indexed"}
    answers = {3: [old | indexed], 9: [old | crawled | {"last_crawl_time": _at(8, 4)}]}
    answers[9].append({"url": f"{SITE}/pans", "last_crawl_time": _at(7, 4)} | indexed)
    for number, rows in answers.items():
        seen = {"observed_at": _at(number, 9)}
        warehouse.publish("url_inspection", "result", 1, day(number), [row | seen for row in rows])


def _publish_waits(warehouse: Warehouse) -> None:
    """What builds make of more pages than this world has."""
    curve = {"property_key": 1, "cut": "all", "level": "all", "milestone_from": "published", "milestone": "shown"}
    curve |= {"engine": "google", "page_count": 25, "reached_page_count": 15, "gone_page_count": 1}
    curve |= {"status": "estimate", "median_day": 9, "median_low_day": 6, "median_high_day": 13}
    shares = {number: number / 20 for number in range(18)}
    few = curve | {"milestone": "top10", "status": "not_enough_data", "reason": "too_few_events", "day": 0}
    few |= {"reached_page_count": 2, "median_day": None, "median_low_day": None, "median_high_day": None}
    whole = [curve | {"day": number, "share": share} for number, share in shares.items()]
    warehouse.insert("marts.rpt_discovery", [row | {"share": None} | row for row in (few, *whole)])
    effect = {"property_key": 1, "cut": "all", "level": "all", "milestone": "shown", "engine": "google"}
    effect |= {"event_count": 15, "page_count": 25, "exposed_page_count": 4, "exposed_event_count": 3}
    effect |= {"left_out_page_count": 0, "disturbed_page_count": 0}
    effect |= {"status": "not_enough_data", "reason": "too_few_events", "arm": "acquired_followed", "band": "1-28"}
    warehouse.insert("marts.rpt_discovery_effect", [effect, effect | {"band": "1-7"}, effect | {"arm": "internal"}])


def _publish_words(warehouse: Warehouse) -> None:
    """What is said of a vendor, of more domains than this world has."""
    scale = {"property_key": 1, "vendor": "dataforseo", "measure": "domain_rank", "domain_count": 120, "tolerance": 20}
    scale |= {"worst_fifth": 5, "previous_day": day(0), "scatter": 9}
    still = {"day": day(2), "median_change": 0, "interval_low": -2, "interval_high": 2, "verdict": "none"}
    moved = {"day": day(9), "median_change": 41, "interval_low": 38, "interval_high": 44, "verdict": "shifted"}
    warehouse.insert("marts.rpt_scale_shift", [scale | still, scale | moved])
    word = {"property_key": 1, "witness": "dataforseo", "month": day(0).replace(day=1), "coverage_share": 0.62}
    word |= {"coverage_interval_low": 0.55, "coverage_interval_high": 0.69, "false_loss_share": 0.23}
    strong = {"domain": "news.example", "domain_key": key64("news.example"), "value": 500, "day": day(0)}
    place = strong | {"vendor": "commoncrawl_ranks", "measure": "harmonic", "value": 3.5, "basis": "reference"}
    like = strong | {"domain": "fan.example", "domain_key": key64("fan.example"), "basis": "calibrated"}
    like |= {"vendor": "dataforseo", "measure": "domain_rank", "percentile_low": 0.5, "percentile_high": 0.97}
    warehouse.insert("marts.fct_domain_authority", [place | {"percentile": 0.9}, like | {"percentile": 0.8}])
    warehouse.insert("marts.rpt_witness", [word | {"false_loss_link_count": 31, "delay_median_days": 4}])


def _publish_relations(warehouse: Warehouse) -> None:
    """What the link that was paid for did, whom to ask next, and how soon links come."""
    ((link,),) = warehouse.connection.execute(
        "select link_key from marts.fct_placement where property_key = 1 and verified_date is not null"
    )
    moved = {"property_key": 1, "link_key": link, "panel": "google", "event_key": 9, "arm": "acquired_nofollow"}
    moved |= {"outcome": "log_position", "event_date": day(0), "shrunk_effect": -0.05}
    warehouse.insert("marts.rpt_link_contribution", [moved | {"shrunk_low": -0.2, "shrunk_high": 0.1}])
    stood = {"property_key": 1, "link_key": link, "engine": "google", "locale": "us", "window_name": "headline"}
    stood |= {"event_key": 9, "event_type": "acquired", "event_date": day(0), "control_count": 0, "keyword_key": 1}
    places = (("desktop", 8, 6), ("mobile", 10, 7), ("tablet", None, 3))
    warehouse.insert(
        "marts.fct_link_rank_change",
        [stood | {"device": name, "base_position": then, "window_position": later} for name, then, later in places],
    )
    brought = {"property_key": 1, "witness": "logs", "link_key": link, "span": "life", "status": "ambiguous"}
    brought |= {"first_day": day(0), "last_day": LAST, "exact_count": 0, "sole_count": 0}
    warehouse.insert("marts.rpt_referral_link", [brought | {"visit_low": 1, "visit_high": 9}])
    names = (
        *("replied_try_count", "standing_count", "lost_link_count", "link_days", "recent_loss_count", "ending_count"),
        *("turned_nofollow_count", "fallen_site_count", "unqualified_paid_count"),
    )
    partner: dict[str, Any] = {
        "property_key": 1,
        "verified_try_count": 1,
        "try_count": 2,
        "own_weight": 0.4,
        "is_mostly_average": True,
    }
    partner |= dict.fromkeys(names, 1) | {"faster_loss_chance": 0.5, "risks": []}
    best = {"partner_key": 1, "partner_name": "news", "place": 1, "days_per_1000": 900, "status": "ok"}
    best |= {"days_per_1000_low": 300, "days_per_1000_high": 2000, "risks": ["ends_soon"]}
    warehouse.insert(
        "marts.rpt_partner",
        [partner | best, partner | {"partner_key": 2, "partner_name": "Ghost", "status": "suppressed"}],
    )
    curve = {"property_key": 1, "kind": "all", "age_days": 30, "begun_count": 40, "event_count": 9}
    curve |= {"share": 0.2, "interval_low": 0.1, "interval_high": 0.31, "status": "estimate"}
    few = {"age_days": 7, "event_count": 1, "status": "not_enough_data"} | dict.fromkeys(
        ("share", "interval_low", "interval_high")
    )
    warehouse.insert(
        "marts.rpt_outreach_curve", [curve | {"curve": "placed"}, curve | few | {"curve": "lost", "begun_count": 3}]
    )


def _publish_pages(warehouse: Warehouse) -> None:
    """What builds make of more days than this world has."""
    page = {"property_key": 1, "page_key": 1, "url": PANS, "last_visit_day": day(-40), "recent_visit_count": 0}
    page |= {"is_in_sitemap": True, "inlink_count": 3, "linking_domain_count": 1, "followed_domain_count": 1}
    page |= {"state": "indexed", "is_uncrawled_important": True, "is_orphan": False}
    nowhere = dict.fromkeys(("is_in_sitemap", "inlink_count", "state")) | {"url": GONE, "page_key": 2}
    nowhere |= {"last_visit_day": day(9), "linking_domain_count": 0, "followed_domain_count": 0}
    fine = {"page_key": 3, "is_uncrawled_important": False}
    warehouse.insert(
        "marts.rpt_crawl_page",
        [page, page | nowhere | {"is_uncrawled_important": False, "is_orphan": True}, page | fine],
    )
    period = {"property_key": 1, "target_url_key": 1, "target_url": PANS, "is_origin": False, "form_factor": "phone"}
    period |= {"metric": "largest_contentful_paint", "is_independent": True}
    told = [(day(-30), 2100, True), (day(-2), 1900, True), (day(-9), 5000, False)]
    warehouse.insert(
        "marts.fct_page_vitals",
        [period | {"last_date": last, "p75": p75, "is_independent": alone} for last, p75, alone in told],
    )


def _publish_disavowals(warehouse: Warehouse) -> None:
    """A domain stands in both files, another in the first alone, a page in the second."""
    old, gone = ({"host": host, "source_domain": host} for host in ("old.example", "gone.example"))
    page = {"url": "https://www.news.example/post", "source_domain": "news.example"}
    for number, entries in {3: [old, gone], 10: [old, page]}.items():
        rows = [{"statement": str(number)} | entry for entry in [{}, *entries]]
        publish_export(warehouse, "disavowal", 1, number, rows)


def _publish_visits(warehouse: Warehouse) -> None:
    """A visit that met a link, and one, the night after, that was turned away."""
    for number, outcome in ((12, "came"), (13, "blocked")):
        is_there = outcome == "came"
        page = {"url": NEWS, "due_reason": "new", "is_asked": True, "outcome": outcome}
        page |= {"reason": None if is_there else "http_403", "status_code": 200 if is_there else 403}
        page |= {"redirect_urls": [], "robots_state": "allowed", "observed_at": _at(number, 3)}
        link = {"source_url": page["url"], "target_url": f"{SITE}/", "is_expected": True, "observed_at": _at(number, 3)}
        link |= {"presence": "unknown", "grade": "blocked", "reason": "http_403"}
        if is_there:
            link |= {"presence": "present", "grade": "noindex_source", "reason": None, "link_count": 1}
            link |= {"rel": ["nofollow"], "anchor": "Alder Shop", "is_noindex": True, "is_canonicalised": False}
        warehouse.publish("link_check", "page", 1, day(number), [page])
        warehouse.publish("link_check", "link", 1, day(number), [link])


def _publish_outreach(warehouse: Warehouse) -> None:
    """Two links that were paid for: one that stands, and one that nobody ever saw."""
    told = {"campaign": "spring", "placed_on": day(0), "currency": "USD", "exported_at": _at(13, 8)}
    rows = [
        told | {"partner": "news", "source_url": NEWS, "target_url": f"{SITE}/", "price": 100.0},
        told | {"partner": "Ghost", "source_url": "https://ghost.example/", "target_url": f"{SITE}/", "price": 50.0},
    ]
    warehouse.publish("outreach", "placement", 1, day(0), rows, part="outreach_placements")


def _at(number: int, hour: int) -> datetime:
    return datetime.combine(day(number), time(hour), UTC)


def _note_loads(warehouse: Warehouse) -> None:
    """What was to be read, what it cost, and that the last night has closed."""
    wanted = [
        ("search_console", "property_total", "dated", 0, 1),
        ("site_crawl", "page", "snapshot", 0, 7),
        # Nothing came of these: two nights of one were missed and the last is held, two days of the other are late.
        ("bing_webmaster", "link_count", "snapshot", 11, 1),
        ("bing_webmaster", "crawl_stat", "dated", 12, 1),
    ]
    rules = {"delay_days": 0, "lookback_days": 0, "night_ends": time(23)}
    warehouse.insert(
        "ops.source_table",
        [
            {"source": source, "table_name": table, "property_key": key, "kind": kind, "first_day": day(first)}
            | {"interval_days": interval}
            | rules
            for source, table, kind, first, interval in wanted
            for key in (1, 2)
        ],
    )
    held = {"source": "bing_webmaster", "table_name": "link_count", "property_key": 1, "first_day": LAST}
    held |= {"last_day": LAST, "night": LAST, "purpose": "night", "attempt": 1, "state": "quarantined"}
    warehouse.insert("ops.load", [held])
    warehouse.insert("ops.night", [{"night": LAST, "closed_by": "sources"}])
    warehouse.connection.execute("update ops.load set started_at = %s", (_at(13, 5),))
    warehouse.connection.execute(
        "update ops.load set calls = %(calls)s, money = %(money)s"
        " where source = 'dataforseo_serp' and table_name = 'task'",
        COST,
    )


@pytest.fixture(scope="module")
def analyst(world: Warehouse, postgres: Postgres) -> Iterator[psycopg.Connection[Any]]:
    """An analyst, as `grant`, `migrate` and `run` leave its login."""
    guests.limit_login(world.connection, "seo_analyst")
    with psycopg.connect(postgres.dsn(DATABASE, "seo_analyst", PASSWORDS["analyst"]), autocommit=True) as connection:
        yield connection


def _voice() -> list[tuple[str, bool, Decimal]]:
    """Shares of the last week's clicks by the curve: who stands below the 20th position gets none."""
    ours = [position(k, d, n) for k in KEYWORDS for d in DEVICES for n in NIGHTS if n >= 7]
    mine = sum(CURVE[p] for p in ours if p)
    theirs = sum(CURVE[(p or 0) + 1] for p in ours)
    shares = [("shop.example", True, mine), ("rival.example", False, theirs)]
    return sorted(
        (
            (who, is_us, Decimal(round(share / (mine + theirs), 3)).quantize(Decimal("0.001")))
            for who, is_us, share in shares
        ),
        key=lambda row: -row[2],
    )


def _visibility() -> Iterator[tuple[Any, ...]]:
    for week in (0, 7):
        for device in DEVICES:
            all_of_it = [position(k, device, n) for k in KEYWORDS for n in range(week, week + 7)]
            found = [p for p in all_of_it if p]
            visible = sum(CURVE[p] for p in found) / len(all_of_it)
            top = sum(p <= 10 for p in found) / len(all_of_it)
            yield day(week), device, round(visible, 4), round(len(found) / len(all_of_it), 3), round(top, 3)


SPREAD = (("/pans", 7, 1, 0.9, 0.6), ("/pans", 13, 1, 0.5, 0.25), ("/", 13, 1, 0.3, 0.5), ("/pots", 13, 0, None, 0.25))
"""Path, night, domains that link there, and the shares of what enters and of the site itself."""
PANS, POTS, HOME, GONE, NEW = (f"{SITE}/{path}" for path in ("pans", "pots", "", "old", "kettles"))
NEWS = "https://www.news.example/post"
TRUTH: Mapping[int, list[tuple[Any, ...]]] = {
    1: [
        ("bing_webmaster", "crawl_stat", None, 0, 2, 0, 0),
        ("bing_webmaster", "link_count", None, 0, 0, 1, 2),
        ("search_console", "property_total", LAST, 14, 0, 0, 0),
        ("site_crawl", "page", LAST, 3, 0, 0, 0),
    ],
    2: [
        ("bing_webmaster", day(0).replace(day=1), 0, 0),
        ("dataforseo_backlinks", day(0).replace(day=1), 0, 0),
        ("dataforseo_serp", day(0).replace(day=1), 28, 7),
        ("exports", day(0).replace(day=1), 0, 0),
        ("link_check", day(0).replace(day=1), 0, 0),
        ("outreach", day(0).replace(day=1), 0, 0),
        ("search_console", day(0).replace(day=1), 0, 0),
        ("server_logs", day(0).replace(day=1), 0, 0),
        ("site_crawl", day(0).replace(day=1), 0, 0),
        ("url_inspection", day(0).replace(day=1), 0, 0),
    ],
    3: [(LAST, 3, 4, 3, 1)],
    4: [(day(7), "new.example", "https://www.new.example/post", True, 200)],
    5: [(day(9), "https://www.fan.example/e", POTS, 300, "vendor_claim")],
    6: [(kind, 1, Decimal("0.250")) for kind in ("brand", "exact", "other", "url")],
    7: [(url, 1, 1) for url in (GONE, PANS, POTS)],
    8: [("https://www.old.example/post", GONE, 404, 100)],
    9: list(_visibility()),
    10: [("copper pans", "mobile", 8, 3, "found"), ("pots", "mobile", 12, None, "not_found")],
    11: [("pots", "desktop", 11, PANS)],
    12: [("pots", "desktop", LAST, PANS, POTS)],
    13: _voice(),
    14: [(0, day(7), 98, 1050, 4), (1, day(0), 77, 1050, 4)],
    15: [("anonymised", 28), ("brand", 84), ("not brand", 63)],
    16: [(PANS, 91, 560, 2), (HOME, 84, 154, 1), (POTS, 0, 1400, 11)],
    17: [("pots", 1400, 0, 11, 7), ("copper pans", 420, 63, 2, 66)],
    18: [(LAST, POTS, "noindex", 200, day(7))],
    19: [(day(7), PANS, True, True, False, 1), (LAST, POTS, False, False, False, 1)],
    20: [("not_enough_data", 1, None, None, None, None, None, 4, 0)],
    21: [
        ("alder shop", "desktop", 1, 2, 1, True, "rival.example, shop.example"),
        ("pots", "desktop", 11, 12, 1, False, "fan.example, rival.example"),
    ],
    22: [
        ("Googlebot", "good", 42, Decimal("0.600"), PANS),
        ("Googlebot", "not_found", 14, Decimal("0.200"), GONE),
        ("Googlebot", "parameter", 14, Decimal("0.200"), f"{PANS}?ref=1"),
    ],
    23: [("openai", "GPTBot", "ai_training", 28, 14, 0, LAST)],
    24: [("web", day(9), 3, 21 * 30), ("web", LAST, 0, 24 * 30)],
    25: [(GONE, "excluded", "crawled", day(8), day(9))],
    26: [(GONE, "google", day(4), day(9), "excluded", "crawled")],
    27: [("Googlebot", "not_enough_data", 1, None, None, None)],
    28: [
        ("shown", "google", "estimate", 25, 15, 0.7, 9, 6, 13),
        ("top10", "google", "not_enough_data", 25, 2, None, None, None, None),
    ],
    29: [("shown", "google", "not_enough_data", 3, None, None, None, None, None)],
    30: [(NEW, day(7), 6, None, None, day(7))],
    31: [("https://www.news.example/post", day(10), 1, 0), ("old.example", day(3), 1, 1)],
    32: [(day(0).replace(day=1), 4, 4, 25, None, None, None, None, "not_enough_data")],
    # Fan's second page linked 25 days before the first night, and was seen again; nobody watched a younger one.
    33: [
        (rel, age, None, None, None, count, "not_enough_data")
        for rel, age, count in (("followed", 7, 0), ("followed", 30, 1))
    ],
    34: [(day(0).replace(day=1), "domain", 4, 1, None, None, [], "not_enough_data")],
    35: [
        (NEWS, HOME, "present", "noindex_source", False, False, "Alder Shop", day(12), day(-20), "dataforseo"),
    ],
    36: [(LAST, f"{SITE}{path}", *told, 1) for path, number, *told in SPREAD if day(number) == LAST],
    37: [("dataforseo", "domain_rank", day(9), 120, "shifted", 5, 41, 38, 44)],
    38: [(day(0).replace(day=1), "dataforseo", 62, 55, 69, None, 23, 31, 4)],
    39: [(f"{name}.example", 1, 33, None, 1, None, None, None, None, None, 0, 1) for name in ("fan", "new", "old")],
    40: [("velocity", None, None, day(7), day(13), 40, 2.5, 0.00001, 0.007, "https://www.new.example/post")],
    41: [
        (f"https://{page}", age, None, 1, None, None, 2.5, 0.0, 4.0)
        for page, age in (("blog.fan.example/a", 43), ("www.new.example/post", 6), ("www.old.example/post", 53))
    ],
    42: [(GONE, day(0), 1, 1, 1, 100, 1), (PANS, day(0), 1, 1, 1, 100, 1), (POTS, day(9), 1, 1, 1, 100, 1)],
    43: [
        ("news.example", "commoncrawl_ranks", "harmonic", 3.5, 90, None, None, "reference"),
        ("fan.example", "dataforseo", "domain_rank", 500, 80, 50, 97, "calibrated"),
    ],
    44: [
        (PANS, day(-40), True, False, True, 3, 1, "indexed"),
        (GONE, day(9), False, True, None, None, 0, None),
    ],
    45: [
        (PANS, "phone", "largest_contentful_paint", day(-30), 2100, None),
        (PANS, "phone", "largest_contentful_paint", day(-2), 1900, -200),
    ],
    46: [
        ("exact", "https://www.new.example/post", None, 5, Decimal("0.500")),
        ("sole", "https://www.new.example/post", None, 3, Decimal("0.300")),
        ("no_known_link", None, "www.elsewhere.example", 1, Decimal("0.100")),
        ("host_only", None, "www.new.example", 1, Decimal("0.100")),
    ],
    47: [
        ("counted", "", "https://www.new.example/post", 8, 8, 8, None, None),
        ("left", "", "host_only", 1, 1, 1, None, None),
        ("left", "", "no_known_link", 1, 1, 1, None, None),
    ],
    48: [
        (day(8).replace(day=1), "search", "Google", 40, 0, 0, 0),
        (day(8).replace(day=1), "link", "www.new.example", 5, 5, 0, 1),
        (day(8).replace(day=1), "link_host", "www.new.example", 4, 3, 0, 1),
        (day(8).replace(day=1), "other_site", "www.elsewhere.example", 1, 0, 0, 0),
    ],
    49: [("news", 1, 1, 1, 0, 100), ("Ghost", 1, 0, 0, 0, 50)],
    50: [
        ("news", NEWS, 100, day(0), day(0), 12, None, "indexed", day(0))
        + (9.0, 6.5, -0.05, -0.2, 0.1, None, None, 1, 9, "ambiguous", None, None)
    ],
    51: [
        (1, "news", "ok", 900, 300, 2000, 1, 2, True, ["ends_soon"]),
        (None, "Ghost", "suppressed", None, None, None, 1, 2, True, []),
    ],
    52: [
        ("placed", "all", 30, 20, 10, 31, 40, 9, "estimate"),
        ("lost", "all", 7, None, None, None, 3, 1, "not_enough_data"),
    ],
    53: [
        (day(0).replace(day=1), "matomo", "site", "www.new.example", 30, 40, 0.75, 0.5, 1.1, False, None),
        (day(0).replace(day=1), "matomo", "none", None, 3, 5, None, None, None, None, "too_few_visits"),
    ],
}


def test_every_question_is_numbered_and_has_an_answer() -> None:
    assert list(QUERIES) == list(range(1, 54)) == list(TRUTH)


def test_the_models_documentation_names_the_marts_that_are_asked(dbt: Dbt) -> None:
    exposure = dbt.parsed().exposures["exposure.seo_warehouse.questions"]
    asked = re.findall(r"\b(?:from|join) ((?:dim|fct|rpt)_\w+)", "".join(QUERIES.values()))
    assert {node.rpartition(".")[2] for node in exposure.depends_on.nodes} == set(asked)


@pytest.mark.parametrize("number", TRUTH)
def test_the_answer_is_what_is_true_of_the_world(analyst: psycopg.Connection[Any], number: int) -> None:
    answer = [tuple(_rounded(value) for value in row) for row in analyst.execute(QUERIES[number].encode()).fetchall()]
    assert answer == [tuple(_rounded(value) for value in row) for row in TRUTH[number]]


def test_the_last_week_is_what_happened_in_it_and_each_that_counts_is_named(analyst: psycopg.Connection[Any]) -> None:
    last = {(measure, device): value for measure, device, value in analyst.execute(
        "select measure, device, value from rpt_weekly where property_key = 1 and week_no = 0"
    )}  # fmt: skip
    voices = {
        device: sum(CURVE[p] for k in KEYWORDS for n in range(7, 14) if (p := position(k, device, n)))
        for device in DEVICES
    }
    assert {key: _rounded(value) for key, value in last.items()} == {
        ("links_won", "all"): 1,
        ("links_lost", "all"): 1,
        ("domains_won", "all"): 1,
        ("domains_lost", "all"): 0,
        # Pots fell out of the first twenty on the fourth of seven days.
        **{(f"positions_{what}", device): device == "mobile" for what in ("won", "lost") for device in DEVICES},
        **{("share_of_voice", device): round(voices[device] / 21 / sum(CURVE.values()), 6) for device in DEVICES},
        ("clicks", "all"): 98,
        ("pages_indexable", "all"): 0,
        ("pages_unindexable", "all"): 1,
    }
    named = analyst.execute(
        "select measure, device, item from rpt_weekly_change where property_key = 1 order by 1, 2, 3"
    )
    assert named.fetchall() == [
        ("domains_won", "all", "new.example"),
        ("links_lost", "all", "https://www.fan.example/e"),
        ("links_won", "all", "https://www.new.example/post"),
        ("pages_unindexable", "all", POTS),
        ("positions_lost", "mobile", "pots"),
        ("positions_won", "mobile", "copper pans"),
    ]
    before = analyst.execute("select distinct state from rpt_weekly where week_no = 1 and measure like 'links%'")
    assert before.fetchall() == [("not_tested",)], "nobody knows what stood before the first look"


def _rounded(value: object) -> object:
    """Numbers of any kind as they compare."""
    return round(float(value), 6) if isinstance(value, (Decimal, float)) else value


def test_a_key_read_as_text_is_whole_and_as_a_number_of_javascript_is_not(analyst: psycopg.Connection[Any]) -> None:
    rows = analyst.execute("select url, page_key::text from dim_page where property_key = 1").fetchall()
    assert {url: int(key) for url, key in rows} == {url: key64(url) for url, _ in rows}
    assert any(int(float(key)) != int(key) for _, key in rows)
