"""A simulated panel in the warehouse, as if its sources had been read and modelled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from psycopg import sql

from seo_warehouse.demo.panel import STATES, Panel
from seo_warehouse.effect import rows
from seo_warehouse.effect.inference import publish
from seo_warehouse.urls import identity, key64
from tests.effect import tables
from tests.warehouse.world import Warehouse

HOST = "https://shop.example"
LOADED = (
    *("fct_serp_position", "fct_link_event", "fct_page_change", "fct_page_crawl", "fct_search_page"),
    *("dim_page", "dim_google_update", "int_link__judge_looks", "int_domain__read_authority"),
    *("int_page__version_pages", "int_page__list_moved_days", "int_link__describe_links", "int_link__date_spans"),
    *("int_link__find_changes", "int_link__place_events", "int_serp__judge_checks"),
)
"""Models whose rows are put in place, or stay empty."""
EFFECT = (
    *("int_link__list_series+", "int_link__merge_stays+", "int_effect__list_samples+", "int_effect__sum_searches+"),
    *("int_effect__describe_events+", "dim_property"),
)
"""What is built of them."""


def page_url(page_key: int) -> str:
    """The URL of a page of a panel."""
    return f"{HOST}/p/{page_key}"


def page_key(number: int) -> int:
    """The key in the warehouse of a page that has this key in the panel's tables."""
    found = identity(page_url(number))
    if found is None:
        raise AssertionError("a page of a panel has no URL")
    return key64(found.url)


def event_key(property_key: int, number: int) -> int:
    """The key in the warehouse of an event that has this key in the panel's tables."""
    return property_key * 1_000_000 + number


def load(warehouse: Warehouse, panel: Panel, property_key: int = 1, first_day: date = tables.FIRST_DAY) -> None:
    """Put a panel into an empty warehouse whose models exist, beside others of other properties."""
    with warehouse.connection.transaction():
        knobs = panel.knobs
        later = {tables.date_of(knobs.days // 2, first_day): knobs.later_depth} if knobs.later_depth else None
        warehouse.add_property(property_key, "shop.example", depth=knobs.depth, later_depths=later)
        for row in tables.keyword_rows(panel, property_key):
            url = page_url(row["page_key"]) if row["page_key"] else None
            warehouse.add_keyword(property_key, row["keyword"], url)
        _copy(warehouse, "marts.dim_page", (_page(row) for row in tables.page_rows(panel, property_key)))
        _copy_checks(warehouse, panel, property_key, first_day)
        spread_checks(warehouse, property_key)
        links = tables.link_rows(panel, property_key, first_day)
        _copy(warehouse, "marts.fct_link_event", (_link(row) for row in links))
        spread_link_events(warehouse)
        _copy(
            warehouse,
            "marts.fct_page_change",
            (
                {"property_key": property_key, "day": row["change_date"], "page_key": page_key(row["page_key"])}
                | {"kind": "text", "origin": "generic_page_changes"}
                for row in tables.edit_rows(panel, property_key, first_day)
            ),
        )
        looks = [
            {"property_key": property_key, "witness": tables.WITNESS, "day": day, "is_complete_look": True}
            | {"is_snapshot": False, "is_watching": False}
            for day in tables.look_dates(panel, first_day)
        ]
        _copy(warehouse, "intermediate.int_link__judge_looks", looks)
        publish_checked_days(warehouse, property_key)


def spread_checks(warehouse: Warehouse, property_key: int = 1) -> None:
    """Put in place what positions are made of, from what is there of `fct_serp_position`, but for days that have it."""
    warehouse.connection.execute(
        """
        insert into intermediate.int_serp__judge_checks
            (property_key, day, keyword_key, engine, locale, device, origin, state, depth, position)
        select property_key, day, keyword_key, engine, locale, device, origin, state, depth, position
        from marts.fct_serp_position as told
        -- Not joined: fresh tables have no statistics, and a nested loop would not end. Distinct: with them,
        -- too many days to be hashed would be looked through for each row.
        where told.property_key = %(key)s and told.day not in (
            select distinct there.day
            from intermediate.int_serp__judge_checks as there where there.property_key = %(key)s
        )
        """,
        {"key": property_key},
    )


def spread_link_events(warehouse: Warehouse) -> None:
    """Put in place what events of links are made of, from what is there of `fct_link_event`."""
    warehouse.connection.execute(
        """
        truncate intermediate.int_link__describe_links, intermediate.int_link__date_spans,
            intermediate.int_link__find_changes, intermediate.int_link__place_events;

        insert into intermediate.int_link__describe_links
            (property_key, link_key, source_page_key, source_domain, source_domain_key, page_key)
        select distinct on (property_key, link_key)
            property_key, link_key, source_page_key, source_domain, source_domain_key, target_url_key
        from marts.fct_link_event
        order by property_key, link_key, event_key;

        insert into intermediate.int_link__date_spans (
            property_key, witness, link_key, span_no, begin_day, start_date, lost_date, is_return, is_beginning,
            is_ending, begin_rel_set
        )
        select
            property_key, witness, link_key, row_number() over (partition by property_key, link_key order by event_key),
            observed_date, case when event_type <> 'lost' then event_date end,
            case when event_type = 'lost' then event_date end,
            event_type = 'restored', event_type <> 'lost', event_type = 'lost', array_to_string(rel, ' ')
        from marts.fct_link_event
        where event_type in ('present_at_start', 'acquired', 'restored', 'lost');

        insert into intermediate.int_link__find_changes
            (property_key, witness, link_key, event_type, event_date, rel_set)
        select property_key, witness, link_key, event_type, event_date, array_to_string(rel, ' ')
        from marts.fct_link_event
        where event_type = 'rel_changed';

        insert into intermediate.int_link__place_events (
            property_key, event_key, link_key, event_type, event_date, observed_date, witness, rel_set, is_date_wide,
            is_index_change, source_page_key, linking_key, page_key
        )
        select
            property_key, event_key, link_key, event_type, event_date, observed_date, witness,
            array_to_string(rel, ' '), is_uncertain_date, false, source_page_key,
            coalesce(source_domain_key, source_page_key), page_key
        from marts.fct_link_event;
        """
    )


def publish_checked_days(warehouse: Warehouse, property_key: int) -> None:
    """Note every day with a check as published."""
    warehouse.connection.execute(
        """
        with loads as (
            insert into ops.load
                (source, table_name, property_key, first_day, last_day, night, purpose, attempt, state)
            select 'dataforseo_serp', 'task', %(key)s, day, day, day, 'night', 1, 'published'
            from (select distinct day from marts.fct_serp_position where property_key = %(key)s) as checked
            returning load_id, first_day
        )
        insert into ops.publication
            (source, table_name, property_key, part, day, load_id, row_count, checksum, totals, facts, read_at)
        select 'dataforseo_serp', 'task', %(key)s, '', first_day, load_id, 0, load_id::text, '{}', '{}', now()
        from loads
        """,
        {"key": property_key},
    )


def build_effects(warehouse: Warehouse) -> None:
    """Run the models of the effect over everything."""
    warehouse.dbt(
        *("run", "--full-refresh", "--select", *EFFECT),
        *("--exclude", *LOADED, "tag:after_estimates"),
    )


def publish_effects(warehouse: Warehouse) -> int:
    """Estimate what the models left, as a build does, and write it. The number of estimates."""
    pool = rows.read_pool(warehouse.connection)
    made = publish(
        rows.read_estimates(warehouse.connection),
        rows.read_arms(warehouse.connection, pool),
        rows.read_weeks(warehouse.connection, pool),
        rows.read_dropped(warehouse.connection, pool),
        rows.read_spills(warehouse.connection, pool),
    )
    rows.write(warehouse.connection, made, [])
    return len(made)


def _page(row: Mapping[str, Any]) -> dict[str, Any]:
    url = page_url(row["page_key"])
    key = page_key(row["page_key"])
    return {
        "property_key": row["property_key"],
        "page_key": key,
        "url": url,
        "host": "shop.example",
        "path": url.removeprefix(HOST),
        "topic": row["topic"],
        "topic_source": "rule",
        "current_page_key": key,
        "is_current": True,
    }


def _copy_checks(warehouse: Warehouse, panel: Panel, property_key: int, first_day: date) -> None:
    """Rank checks, a series at a time: there are too many to tell each by itself."""
    warehouse.connection.execute(
        "create temp table told (keyword_key bigint, device text, states smallint[], depths smallint[],"
        " positions smallint[], pages integer[]) on commit drop"
    )
    warehouse.connection.execute("create temp table told_page (page integer, page_key bigint) on commit drop")
    checks, series = panel.checks, panel.series
    keys = {row["keyword_key"]: key64(row["keyword"]) for row in tables.keyword_rows(panel, property_key)}
    _copy(
        warehouse,
        "told",
        (
            {
                "keyword_key": keys[int(series.keyword[each]) + 1],
                "device": tables.DEVICES[int(series.device[each])],
                "states": checks.state[each].tolist(),
                "depths": checks.depth[each].tolist(),
                "positions": checks.position[each].tolist(),
                "pages": checks.ranking_page[each].tolist(),
            }
            for each in range(series.keyword.size)
        ),
    )
    _copy(warehouse, "told_page", ({"page": n, "page_key": page_key(n + 1)} for n in range(panel.knobs.pages)))
    warehouse.connection.execute(
        """
        insert into marts.fct_serp_position
            (property_key, day, keyword_key, engine, locale, device, origin, state, depth, position, ranking_page_key)
        select
            %(key)s, %(first)s::date + found.number::integer - 1, told.keyword_key, %(engine)s, %(locale)s, told.device,
            'dataforseo', (%(states)s::text[])[found.state + 1], found.depth, nullif(found.position, 0),
            told_page.page_key
        from told
        cross join lateral unnest(told.states, told.depths, told.positions, told.pages)
            with ordinality as found(state, depth, position, page, number)
        left join told_page on told_page.page = found.page
        where found.state > 0
        """,
        {
            "key": property_key,
            "first": first_day,
            "engine": tables.ENGINE,
            "locale": tables.LOCALE,
            "states": list(STATES),
        },
    )


def _link(row: Mapping[str, Any]) -> dict[str, Any]:
    key = page_key(row["page_key"])
    return {
        **row,
        "event_key": event_key(row["property_key"], row["event_key"]),
        "page_key": key,
        "target_url_key": key,
        "is_index_change": False,
        "is_possible_index_change": False,
        "is_first_from_domain": False,
        "is_first_from_domain_to_page": False,
        "source_page_key": row["link_key"],
    }


def _copy(warehouse: Warehouse, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    iterator: Iterator[Mapping[str, Any]] = iter(rows)
    first = next(iterator, None)
    if first is None:
        return
    names = list(first)
    statement = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier(*table.split(".")), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with warehouse.connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write_row([first[name] for name in names])
        for row in iterator:
            copy.write_row([row[name] for name in names])


def last_day(panel: Panel) -> date:
    """The panel's last day."""
    return tables.date_of(panel.knobs.days - 1)
