"""Made-up marts: tables with the stated columns, and rows for them. No figure in here was ever measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg import sql
from psycopg.types.json import Jsonb

from seo_warehouse.report.facts import Effect, Week

MODELS = Path(__file__).parents[2] / "dbt_project/models/marts"
EFFECTS = ("rpt_link_effect", "rpt_link_effect_check", "rpt_link_contribution")
CONTRACTED = (
    *("dim_property", "dim_page", "dim_keyword", "dim_link", "dim_google_update"),
    *("fct_link_event", "fct_page_crawl", "fct_page_change", "fct_serp_position"),
    *("rpt_weekly", "rpt_weekly_change", "rpt_discovery", "rpt_discovery_effect", "fct_page_milestone"),
    *("rpt_portfolio", "rpt_witness_bound", "rpt_link_survival", "fct_referral_visit", "fct_link_check"),
    *("rpt_referral_link", "rpt_referral_balance"),
    *("rpt_outreach_return", "rpt_partner", "fct_placement", "dim_partner", "rpt_link_risk"),
    "fct_link_rank_change",
    *("rpt_portfolio_stress", "fct_link_flag", "rpt_expected_loss"),
    *("dim_bot", "fct_bot_crawl", "fct_log_day", "fct_index_state"),
)
WINDOWS = (
    {"headline": (21, 34), "placebo": (-56, -29)}
    | {f"week_before_{n}": (-7 * n, -7 * n + 6) for n in range(6, 1, -1)}
    | {f"week_{n}": (7 * n - 7, 7 * n - 1) for n in range(1, 14)}
)


def create_marts(connection: psycopg.Connection[Any], *, with_effects: bool = True) -> None:
    """The tables that a report reads, empty, with the columns of their contracts."""
    tables = {name: _contract(name) for name in (*CONTRACTED, *(EFFECTS if with_effects else ()))}
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
        own_low, own_high = value - 1.6 * spread, value + 1.6 * spread
        stated |= {
            "sample_standard_error": 0.8 * spread, "sample_low": own_low, "sample_high": own_high,
            "sample_honest_low": own_low - 0.021, "sample_honest_high": own_high + 0.021,
        }  # fmt: skip
        stated |= {
            "estimate": value, "standard_error": spread, "interval_low": low, "interval_high": high,
            "honest_low": low - 0.021, "honest_high": high + 0.021, "p_value": 0.004,
        }  # fmt: skip
    row = stated | other
    if row["end_day"] <= 0:
        row |= dict.fromkeys(("honest_low", "honest_high", "sample_honest_low", "sample_honest_high"))
    if row["status"] != "estimate":
        row |= dict.fromkeys(("estimate", "standard_error", "sample_standard_error"))
    if row["status"] == "not_enough_data":
        row |= dict.fromkeys(("interval_low", "interval_high", "honest_low", "honest_high", "p_value"))
        row |= dict.fromkeys(("sample_low", "sample_high", "sample_honest_low", "sample_honest_high"))
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


SUNDAY = date(2026, 11, 22)


def week(measure: str, value: float | None, **other: Any) -> Week:
    """A week of a measure, the newest and usual unless told otherwise; what has no value was not tested."""
    number = other.get("week_no", 0)
    stated: dict[str, Any] = {
        "property_key": 1, "property_name": "alderwood", "device": "all", "week_no": number,
        "first_day": SUNDAY - timedelta(7 * number + 6), "last_day": SUNDAY - timedelta(7 * number),
        "usual_low": 0.0, "usual_high": 12.0, "usual_week_count": 12, "state": "usual",
    }  # fmt: skip
    if value is None:
        stated |= {"usual_low": None, "usual_high": None, "usual_week_count": 0, "state": "not_tested"}
    return Week(measure=measure, value=value, **(stated | other))


def _contract(name: str) -> dict[str, str]:
    (path,) = MODELS.rglob(f"{name}.yml")
    (model,) = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    return {column["name"]: column["data_type"] for column in model["columns"]}
