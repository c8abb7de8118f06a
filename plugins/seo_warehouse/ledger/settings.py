"""What properties.yml says, where SQL sees it."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import psycopg

from seo_warehouse.config import Properties, Property
from seo_warehouse.errors import ConfigError
from seo_warehouse.ledger.budgets import EVERYBODY, Budget, sync_budgets
from seo_warehouse.ledger.session import Connection
from seo_warehouse.ledger.sites import expect_same_sites
from seo_warehouse.sources import SOURCES
from seo_warehouse.sources.exports import EXPORTS
from seo_warehouse.sources.outreach import OUTREACH
from seo_warehouse.urls import normalise, registrable_domain

PATTERN_SECONDS = 2
"""How long a pattern may work on a handful of long paths; usual ones take milliseconds."""
LONG_PATH = 200


def sync_properties(conn: Connection, properties: Properties) -> None:
    """Write properties.yml's properties, keywords, topic rules, patterns of brands and budgets where SQL reads them.

    Properties that are gone become inactive. Raises ConfigError where a key stands for another site than it did.
    """
    with conn.transaction(), conn.cursor() as cursor:
        cursor.execute("lock table ops.property in share row exclusive mode")
        expect_same_sites(conn, properties)
        keys = [prop.key for prop in properties.properties]
        cursor.execute("update ops.property set is_active = false where is_active and property_key <> all(%s)", (keys,))
        cursor.executemany(
            """
            insert into ops.property (property_key, property_name, domain, history_start, engine, location_code,
                                      language_code, depth, links_whole_since, link_cadence_days, hourly_rate,
                                      is_active)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, true)
            on conflict (property_key) do update set
                property_name = excluded.property_name, domain = excluded.domain,
                history_start = excluded.history_start, engine = excluded.engine,
                location_code = excluded.location_code, language_code = excluded.language_code,
                depth = excluded.depth, links_whole_since = excluded.links_whole_since,
                link_cadence_days = excluded.link_cadence_days, hourly_rate = excluded.hourly_rate,
                is_active = true
            """,
            [
                (p.key, p.name, p.domain, p.history_start)
                + (p.panel.engine, p.panel.location_code, p.panel.language_code, p.panel.depth_on(date.max))
                + _stated_of_exports(p)
                + (p.settings_of(OUTREACH).hourly_rate if p.reads(OUTREACH) else None,)
                for p in properties.properties
            ],
        )
        cursor.execute("delete from ops.panel_depth where property_key = any(%s)", (keys,))
        cursor.executemany(
            "insert into ops.panel_depth (property_key, from_date, depth) values (%s, %s::date, %s)",
            [
                (p.key, str(since or "-infinity"), depth)
                for p in properties.properties
                for since, depth in p.panel.depths
            ],
        )
        cursor.execute("delete from ops.tracked_keyword where property_key = any(%s)", (keys,))
        cursor.executemany(
            "insert into ops.tracked_keyword values (%s, %s, %s, %s, %s)",
            [
                (p.key, k.keyword, k.page, normalise(k.page) if k.page else None, k.is_brand)
                for p in properties.properties
                for k in p.keywords
            ],
        )
        for prop in properties.properties:
            for rule in prop.topics:
                _expect_pattern(cursor, prop.name, "topic", rule.pattern)
            for pattern in prop.brand:
                _expect_pattern(cursor, prop.name, "brand", pattern)
        cursor.execute("delete from ops.topic_rule where property_key = any(%s)", (keys,))
        cursor.executemany(
            "insert into ops.topic_rule values (%s, %s, %s, %s)",
            [
                (p.key, number, rule.pattern, rule.topic)
                for p in properties.properties
                for number, rule in enumerate(p.topics, start=1)
            ],
        )
        cursor.execute("delete from ops.brand_pattern where property_key = any(%s)", (keys,))
        cursor.executemany(
            "insert into ops.brand_pattern values (%s, %s, %s)",
            [(p.key, number, text) for p in properties.properties for number, text in enumerate(p.brand, start=1)],
        )
        cursor.execute("delete from ops.trusted_domain where property_key = any(%s)", (keys,))
        cursor.executemany(
            "insert into ops.trusted_domain values (%s, %s)",
            sorted({(p.key, registrable_domain(host)) for p in properties.properties for host in p.trusted}),
        )
        cursor.execute("delete from ops.referrer_class where property_key = any(%s)", (keys,))
        cursor.executemany(
            "insert into ops.referrer_class values (%s, %s, %s)",
            [(p.key, host, named) for p in properties.properties for host, named in p.referrers.items()],
        )
        cursor.execute(
            """
            update ops.tracked_keyword as k set is_brand = true
            from ops.brand_pattern as b
            where b.property_key = k.property_key and not k.is_brand and lower(k.keyword) ~ b.pattern
              and k.property_key = any(%s)
            """,
            (keys,),
        )
        sync_budgets(conn, budgets_of(properties))


def budgets_of(properties: Properties) -> list[Budget]:
    """The budgets that properties.yml states."""
    found = [
        Budget(name, prop.key, (name,), stated.money, stated.warn_at)
        for prop in properties.properties
        for name, stated in prop.budgets.items()
    ]
    for account, limit in properties.limits.items():
        if limit.money_a_month is None:
            continue
        sources = tuple(source.name for source in SOURCES if source.account == account)
        found.append(Budget(account, EVERYBODY, sources, limit.money_a_month, limit.warn_at))
    return found


def _stated_of_exports(prop: Property) -> tuple[date | None, int | None]:
    """Since when a property's exports of links are whole, and within how many days their vendor finds a link."""
    if not prop.reads(EXPORTS):
        return None, None
    stated = prop.settings_of(EXPORTS).backlinks
    return stated.whole_since, stated.cadence_days


def _expect_pattern(cursor: psycopg.Cursor[Any], property_name: str, kind: str, pattern: str) -> None:
    """Patterns are applied by PostgreSQL, whose regular expressions are not quite Python's, to any path or query."""
    letters = list(dict.fromkeys(re.findall(r"\w", pattern))) or ["a"]
    begin = "/" if kind == "topic" else ""
    texts = [f"{begin}{letter * LONG_PATH}{end}" for letter in letters[:5] for end in ("", "!", letters[-1])]
    try:
        cursor.execute("select set_config('statement_timeout', %s, true)", (f"{PATTERN_SECONDS}s",))
        cursor.execute("select bool_or(text ~ %s) from unnest(%s::text[]) as text", (pattern, texts))
        cursor.execute("set local statement_timeout to default")
    except psycopg.errors.QueryCanceled:
        reason = f"it takes more than {PATTERN_SECONDS} seconds to find that a text does not match"
    except (psycopg.errors.InvalidRegularExpression, psycopg.errors.ProgramLimitExceeded) as error:
        reason = str(error.diag.message_primary)
    else:
        return
    raise ConfigError(f"property {property_name}: PostgreSQL cannot use the {kind} pattern {pattern!r}: {reason}")
