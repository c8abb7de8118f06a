from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.load.schema import stored_columns
from seo_warehouse.sources.crux import CRUX
from seo_warehouse.sources.dataforseo_backlinks import DATAFORSEO_BACKLINKS
from seo_warehouse.sources.dataforseo_serp import DATAFORSEO_SERP
from seo_warehouse.sources.ga4 import GA4
from seo_warehouse.sources.hubspot import HUBSPOT
from seo_warehouse.sources.matomo import MATOMO
from seo_warehouse.sources.search_console import SEARCH_CONSOLE
from seo_warehouse.sources.url_inspection import URL_INSPECTION
from seo_warehouse.spec import BatchRule, RowRule, Source, Table

SOURCES = (SEARCH_CONSOLE, DATAFORSEO_BACKLINKS, DATAFORSEO_SERP, URL_INSPECTION, CRUX)
DAY = date(2026, 11, 20)
READ_AT = datetime(2026, 11, 22, 6, tzinfo=UTC)
Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def shared_dsn(postgres: Postgres) -> Iterator[str]:
    """A warehouse database of this module's own."""
    with psycopg.connect(postgres.dsn(), autocommit=True) as admin:
        admin.execute("create database test_rules template warehouse_template")
        yield postgres.dsn("test_rules")
        admin.execute("drop database test_rules with (force)")


@pytest.fixture
def connection(shared_dsn: str) -> Iterator[Connection]:
    """A transaction that nothing remains of."""
    with psycopg.connect(shared_dsn) as opened:
        yield opened
        opened.rollback()


def row_rules() -> list[tuple[Table, RowRule]]:
    return [(table, rule) for source in SOURCES for table in source.tables for rule in table.row_rules]


def rule(source: Source, table: str, name: str) -> Any:
    found = source.table(table)
    return next(r for r in (*found.row_rules, *found.batch_rules) if r.name == name)


def holds(connection: Connection, table: Table, condition: str, row: dict[str, Any]) -> bool | None:
    """A row rule's verdict of one row; columns not given are NULL."""
    columns = sql.SQL(", ").join(
        sql.SQL("{}::{} as {}").format(sql.Literal(row.get(name)), sql.SQL(kind), sql.Identifier(name))
        for name, kind in stored_columns(table.columns)
    )
    query = sql.SQL("select {} from (select {}) r").format(sql.SQL(condition), columns)
    [(verdict,)] = connection.execute(query).fetchall()
    return verdict


def test_no_row_rule_is_null_where_columns_are(connection: Connection) -> None:
    rules = row_rules()
    assert rules
    for table, checked in rules:
        assert holds(connection, table, checked.sql, {}) is True, (table.name, checked.name)


@pytest.mark.parametrize(
    ("name", "row", "is_good"),
    [
        ("clicks_within_impressions", {"clicks": 3, "impressions": 3}, True),
        ("clicks_within_impressions", {"clicks": 4, "impressions": 3}, False),
        ("ctr_is_clicks_over_impressions", {"clicks": 1, "impressions": 3, "ctr": 1 / 3}, True),
        ("ctr_is_clicks_over_impressions", {"clicks": 1, "impressions": 3, "ctr": 0.333}, True),
        ("ctr_is_clicks_over_impressions", {"clicks": 1, "impressions": 3, "ctr": 0.33}, False),
        ("ctr_is_clicks_over_impressions", {"clicks": 0, "impressions": 0, "ctr": 0}, True),
        ("position_is_zero_only_without_impressions", {"impressions": 2, "position": 1.5}, True),
        ("position_is_zero_only_without_impressions", {"impressions": 2, "position": 0}, False),
        ("position_is_zero_only_without_impressions", {"impressions": 0, "position": 0}, True),
        ("position_is_zero_only_without_impressions", {"impressions": 0, "position": 4}, False),
    ],
)
def test_metrics_of_search_console_fit_together(
    connection: Connection, name: str, row: dict[str, Any], is_good: bool
) -> None:
    for table in SEARCH_CONSOLE.tables:
        assert holds(connection, table, rule(SEARCH_CONSOLE, table.name, name).sql, row) is is_good


@pytest.mark.parametrize(
    ("name", "row", "is_good"),
    [
        ("seen_in_order", {"first_seen": "2026-01-01", "last_seen": "2026-01-02", "observed_at": "2026-01-03"}, True),
        ("seen_in_order", {"first_seen": "2026-01-02", "last_seen": "2026-01-01", "observed_at": "2026-01-03"}, False),
        ("seen_in_order", {"first_seen": "2026-01-04", "observed_at": "2026-01-03"}, False),
        ("lost_is_lost", {"pull": "lost", "is_lost": True}, True),
        ("lost_is_lost", {"pull": "full", "is_lost": False}, True),
        ("lost_is_lost", {"pull": "new", "is_lost": True}, False),
        ("lost_is_lost", {"pull": "lost", "is_lost": False}, False),
    ],
)
def test_sights_of_a_link_fit_together(connection: Connection, name: str, row: dict[str, Any], is_good: bool) -> None:
    table = DATAFORSEO_BACKLINKS.tables[0]
    assert holds(connection, table, rule(DATAFORSEO_BACKLINKS, "backlink", name).sql, row) is is_good


@pytest.mark.parametrize(
    ("name", "row", "severity", "is_good"),
    [
        ("verdict_is_documented", {"verdict": "PASS"}, "warn", True),
        ("verdict_is_documented", {"verdict": "SOMEWHAT"}, "warn", False),
        ("crawled_as_is_documented", {"crawled_as": "WATCH"}, "warn", False),
        ("verdict_or_refusal", {"verdict": "PASS"}, "fail", True),
        ("verdict_or_refusal", {"refusal": "Inspected URL is not valid."}, "fail", True),
        ("verdict_or_refusal", {"verdict": "PASS", "refusal": "Inspected URL is not valid."}, "fail", False),
    ],
)
def test_what_google_does_not_document_is_told_of_and_passes(
    connection: Connection, name: str, row: dict[str, Any], severity: str, is_good: bool
) -> None:
    checked = rule(URL_INSPECTION, "result", name)
    assert checked.severity == severity
    assert holds(connection, URL_INSPECTION.table("result"), checked.sql, row) is is_good


@pytest.mark.parametrize(("told", "refused", "is_good"), [(0, 0, True), (0, 9, True), (0, 10, False), (1, 99, True)])
def test_a_night_in_which_every_url_is_refused_is_held(
    connection: Connection, told: int, refused: int, is_good: bool
) -> None:
    load_id = add_load(connection, URL_INSPECTION, "result")
    connection.execute(
        sql.SQL("create table {} as select verdict from unnest(%s::text[]) as t (verdict)").format(
            sql.Identifier("audit", f"load_{load_id}")
        ),
        (["PASS"] * told + [None] * refused,),
    )
    checked = rule(URL_INSPECTION, "result", "some_url_is_told_of")
    assert broken(connection, URL_INSPECTION, "result", checked, load_id) == (not is_good)


@pytest.mark.parametrize(("poor", "is_good"), [(0.1, True), (0.115, True), (0.2, False), (None, True)])
def test_shares_of_loads_make_a_whole(connection: Connection, poor: float | None, is_good: bool) -> None:
    row = {"good_share": 0.7, "needs_improvement_share": 0.2, "poor_share": poor}
    checked = rule(CRUX, "record", "shares_make_a_whole")
    assert holds(connection, CRUX.table("record"), checked.sql, row) is is_good


PLACED = {"type": "organic", "rank_group": 2, "rank_absolute": 3, "url": "https://a.example/"}


@pytest.mark.parametrize(
    ("table", "name", "row", "is_good"),
    [
        ("result", "organic_has_place_and_address", PLACED, True),
        ("result", "organic_has_place_and_address", {**PLACED, "url": None}, False),
        ("result", "organic_has_place_and_address", {**PLACED, "rank_group": None}, False),
        ("result", "organic_has_place_and_address", {"type": "paid"}, True),
        ("result", "place_within_all_places", PLACED, True),
        ("result", "place_within_all_places", {**PLACED, "rank_group": 4}, False),
        ("task", "answered_check_has_its_serp", {"status_code": 20000, "items_count": 0}, True),
        ("task", "answered_check_has_its_serp", {"status_code": 20000}, False),
        ("task", "answered_check_has_its_serp", {"status_code": 40102}, True),
    ],
)
def test_places_of_a_serp_fit_together(
    connection: Connection, table: str, name: str, row: dict[str, Any], is_good: bool
) -> None:
    found = DATAFORSEO_SERP.table(table)
    assert holds(connection, found, rule(DATAFORSEO_SERP, table, name).sql, row) is is_good


def add_load(
    connection: Connection,
    source: Source,
    table: str,
    *,
    day: date = DAY,
    count: int = 1,
    totals: dict[str, float] | None = None,
    facts: dict[str, Any] | None = None,
    state: str = "written",
    read_at: datetime = READ_AT,
    property_key: int = 7,
) -> int:
    [(load_id,)] = connection.execute(
        "insert into ops.load (source, table_name, property_key, first_day, last_day, purpose, attempt, state, read_at)"
        " values (%s, %s, %s, %s, %s, 'night', 1, %s, %s) returning load_id",
        (source.name, table, property_key, day, day, state, read_at),
    ).fetchall()
    connection.execute(
        "insert into ops.load_day (load_id, day, row_count, checksum, totals, facts) values (%s, %s, %s, '', %s, %s)",
        (load_id, day, count, Jsonb(totals or {}), Jsonb(facts or {})),
    )
    return int(load_id)


def add_publication(
    connection: Connection,
    source: Source,
    table: str,
    day: date,
    totals: dict[str, float],
    *,
    count: int = 1,
    facts: dict[str, Any] | None = None,
) -> None:
    connection.execute(
        "insert into ops.publication (source, table_name, property_key, day, load_id, row_count, checksum, totals,"
        " facts, read_at) values (%s, %s, 7, %s, %s, %s, '', %s, %s, %s)",
        (
            *(source.name, table, day, add_load(connection, source, table, state="published"), count),
            *(Jsonb(totals), Jsonb(facts or {}), READ_AT),
        ),
    )


def broken(connection: Connection, source: Source, table: str, checked: BatchRule, load_id: int) -> int:
    """How many rows a batch rule finds."""
    query = sql.SQL(checked.sql).format(  # type: ignore[arg-type]
        batch=sql.Identifier("audit", f"load_{load_id}"),
        raw=sql.Identifier("raw", source.raw_name(source.table(table))),
        load_id=sql.Literal(load_id),
        property_key=sql.Literal(7),
        first_day=sql.Literal(DAY),
        last_day=sql.Literal(DAY),
    )
    return len(connection.execute(query).fetchall())


def totals(clicks: float, impressions: float) -> dict[str, float]:
    return {"clicks": clicks, "impressions": impressions}


@pytest.mark.parametrize(
    ("part", "whole", "is_good"),
    [
        (totals(100, 1_000), totals(100, 1_000), True),
        (totals(10, 100), totals(100, 1_000), True),
        (totals(0, 0), totals(0, 0), True),
        (totals(112, 1_000), totals(100, 1_000), True),
        (totals(113, 1_000), totals(100, 1_000), False),
        (totals(100, 1_030), totals(100, 1_000), True),
        (totals(100, 1_031), totals(100, 1_000), False),
        (totals(100, 1_000), totals(0, 0), False),
    ],
)
def test_rows_by_query_sum_to_no_more_than_rows_by_page(
    connection: Connection, part: dict[str, float], whole: dict[str, float], is_good: bool
) -> None:
    performance = add_load(connection, SEARCH_CONSOLE, "performance", totals=part)
    pages = add_load(connection, SEARCH_CONSOLE, "page_total", totals=whole)
    within = rule(SEARCH_CONSOLE, "performance", "within_page_total")
    holding = rule(SEARCH_CONSOLE, "page_total", "holds_performance")
    assert broken(connection, SEARCH_CONSOLE, "performance", within, performance) == (not is_good)
    assert broken(connection, SEARCH_CONSOLE, "page_total", holding, pages) == (not is_good)


def test_a_click_counts_once_for_page_and_property_and_impressions_more_often(connection: Connection) -> None:
    pages = add_load(connection, SEARCH_CONSOLE, "page_total", totals=totals(100, 5_000))
    whole = add_load(connection, SEARCH_CONSOLE, "property_total", totals=totals(100, 1_000))
    within = rule(SEARCH_CONSOLE, "page_total", "within_property_total")
    holding = rule(SEARCH_CONSOLE, "property_total", "holds_page_total")
    assert broken(connection, SEARCH_CONSOLE, "page_total", within, pages) == 0
    assert broken(connection, SEARCH_CONSOLE, "property_total", holding, whole) == 0
    doubled = add_load(connection, SEARCH_CONSOLE, "page_total", totals=totals(200, 5_000))
    assert broken(connection, SEARCH_CONSOLE, "page_total", within, doubled) == 1
    assert broken(connection, SEARCH_CONSOLE, "property_total", holding, whole) == 1


@pytest.mark.parametrize(("count", "is_full", "is_good"), [(80, True, True), (79, True, False), (0, False, True)])
def test_a_list_with_less_than_four_fifths_of_the_last_whole_one_is_held(
    connection: Connection, count: int, is_full: bool, is_good: bool
) -> None:
    for days, listed, was_full in ((14, 400, True), (7, 100, True), (1, 900, False)):
        facts = {"is_full": was_full, "listed_count": listed}
        add_publication(connection, HUBSPOT, "company", DAY - timedelta(days=days), {}, facts=facts)
    load_id = add_load(connection, HUBSPOT, "company", facts={"is_full": is_full, "listed_count": count})
    whole = rule(HUBSPOT, "company", "list_is_whole")
    assert broken(connection, HUBSPOT, "company", whole, load_id) == (not is_good)


@pytest.mark.parametrize(
    "other",
    [
        {"day": DAY - timedelta(days=1)},
        {"read_at": READ_AT - timedelta(days=1)},
        {"property_key": 8},
        {"state": "failed"},
        {"state": "quarantined"},
    ],
    ids=str,
)
def test_another_reading_is_no_measure(connection: Connection, other: dict[str, Any]) -> None:
    performance = add_load(connection, SEARCH_CONSOLE, "performance", totals=totals(100, 1_000))
    within = rule(SEARCH_CONSOLE, "performance", "within_page_total")
    assert broken(connection, SEARCH_CONSOLE, "performance", within, performance) == 0
    add_load(connection, SEARCH_CONSOLE, "page_total", totals=totals(0, 0), **other)
    assert broken(connection, SEARCH_CONSOLE, "performance", within, performance) == 0


@pytest.mark.parametrize(
    ("count", "is_full", "is_good"), [(50, True, True), (49, True, False), (0, True, False), (0, False, True)]
)
def test_a_full_pull_of_half_its_earlier_size_is_held(
    connection: Connection, count: int, is_full: bool, is_good: bool
) -> None:
    def facts_of(is_full: bool, rows: int) -> dict[str, Any]:
        tally = {"rows": rows, "stated": rows}
        # What was lost comes with a full pull too, and says nothing of its size.
        return {"is_full": is_full, "pulls": {"full": tally, "lost": tally} if is_full else {"new": tally}}

    for days, is_whole, rows in ((56, True, 1_000), (28, True, 100), (1, False, 3)):
        day, facts = DAY - timedelta(days=days), facts_of(is_whole, rows)
        add_publication(connection, DATAFORSEO_BACKLINKS, "backlink", day, {}, count=rows, facts=facts)
    load_id = add_load(connection, DATAFORSEO_BACKLINKS, "backlink", count=90, facts=facts_of(is_full, count))
    checked = rule(DATAFORSEO_BACKLINKS, "backlink", "full_pull_keeps_its_size")
    assert broken(connection, DATAFORSEO_BACKLINKS, "backlink", checked, load_id) == (not is_good)


def test_the_first_full_pull_has_no_measure(connection: Connection) -> None:
    load_id = add_load(connection, DATAFORSEO_BACKLINKS, "backlink", count=1, facts={"is_full": True})
    checked = rule(DATAFORSEO_BACKLINKS, "backlink", "full_pull_keeps_its_size")
    assert broken(connection, DATAFORSEO_BACKLINKS, "backlink", checked, load_id) == 0


@pytest.mark.parametrize(
    ("good", "failed", "severity"),
    [(100, 0, None), (95, 5, None), (94, 6, "warn"), (80, 20, "warn"), (79, 21, "fail"), (0, 0, None), (0, 1, "fail")],
)
def test_a_night_of_failed_checks_is_held(connection: Connection, good: int, failed: int, severity: str | None) -> None:
    load_id = add_load(connection, DATAFORSEO_SERP, "task")
    connection.execute(
        sql.SQL("create table {} as select status_code from unnest(%s::int[]) as t (status_code)").format(
            sql.Identifier("audit", f"load_{load_id}")
        ),
        ([20000, 40102] * (good // 2) + [20000] * (good % 2) + ([40101, None] * failed)[:failed],),
    )
    rules = {r.severity: r for r in DATAFORSEO_SERP.table("task").batch_rules}
    assert broken(connection, DATAFORSEO_SERP, "task", rules["fail"], load_id) == (severity == "fail")
    assert broken(connection, DATAFORSEO_SERP, "task", rules["warn"], load_id) == (severity in ("warn", "fail"))


@pytest.mark.parametrize(
    ("landing", "total", "facts", "is_good"),
    [
        (1000, 1000, {}, True),
        (990, 1000, {}, True),
        (987, 1000, {}, False),
        (1013, 1000, {}, False),
        (2, 0, {}, True),
        (500, 1000, {"is_thresholded": True}, True),
        (500, 1000, {"is_other": True}, True),
        (500, 1000, {"sample_share": 0.5}, True),
        (500, 1000, {"sample_share": 1.0, "is_other": False}, False),
    ],
)
def test_sessions_by_landing_page_sum_to_all_sessions(
    connection: Connection, landing: int, total: int, facts: dict[str, Any], is_good: bool
) -> None:
    own = add_load(connection, GA4, "landing", totals={"sessions": landing}, facts=facts)
    assert broken(connection, GA4, "landing", rule(GA4, "landing", "sums_to_the_total"), own) == 0
    whole = add_load(connection, GA4, "total", totals={"sessions": total}, facts=facts)
    for table, load_id in (("landing", own), ("total", whole)):
        assert broken(connection, GA4, table, rule(GA4, table, "sums_to_the_total"), load_id) == (not is_good)
        is_flagged = facts not in ({}, {"sample_share": 1.0, "is_other": False})
        assert broken(connection, GA4, table, rule(GA4, table, "day_is_whole"), load_id) == is_flagged


def test_all_sessions_are_not_held_where_rows_by_landing_page_are_withheld(connection: Connection) -> None:
    add_load(connection, GA4, "landing", totals={"sessions": 500}, facts={"is_thresholded": True})
    whole = add_load(connection, GA4, "total", totals={"sessions": 1000}, facts={})
    assert broken(connection, GA4, "total", rule(GA4, "total", "sums_to_the_total"), whole) == 0


@pytest.mark.parametrize(
    ("read", "own", "stated", "is_log", "is_good"),
    [(1000, 0, 1000, True, True), (985, 3, 1000, True, True), (984, 3, 1000, True, False), (2000, 0, 1000, True, True)]
    + [(0, 0, 2, True, True), (0, 0, 1000, False, True)],
)
def test_visits_that_a_log_lacks_are_lost(
    connection: Connection, read: int, own: int, stated: int, is_log: bool, is_good: bool
) -> None:
    facts = {"visit_count": stated, "own_count": own, "is_log": is_log}
    load_id = add_load(connection, MATOMO, "visit", totals={"visits": read}, facts=facts)
    assert broken(connection, MATOMO, "visit", rule(MATOMO, "visit", "all_visits_came"), load_id) == (not is_good)


def test_another_time_zone_or_currency_is_told_of(connection: Connection) -> None:
    told = {"time_zone": "Europe/Berlin", "currency": "EUR"}
    same = rule(GA4, "total", "zone_and_currency_are_the_same")
    for day, facts, count in (
        (1, told, 0),
        (2, told, 0),
        (3, told | {"currency": "USD"}, 1),
        (4, told | {"currency": "USD"}, 0),
        (5, {}, 0),
        (6, told | {"currency": "USD", "time_zone": "UTC"}, 1),
    ):
        load_id = add_load(connection, GA4, "total", day=DAY + timedelta(day), facts=facts)
        assert broken(connection, GA4, "total", same, load_id) == count, day


def test_days_unlike_their_weekdays_are_told_of(connection: Connection) -> None:
    for weeks in (1, 2, 3):
        add_publication(connection, GA4, "total", DAY - timedelta(7 * weeks), {"sessions": 100 * weeks})
    usual = rule(GA4, "total", "as_many_as_on_such_weekdays")
    assert usual.severity == "warn"
    for sessions, is_good in ((200, True), (60, True), (59, False), (600, True), (601, False)):
        load_id = add_load(connection, GA4, "total", totals={"sessions": sessions})
        assert broken(connection, GA4, "total", usual, load_id) == (not is_good), sessions
    load_id = add_load(connection, GA4, "total", day=DAY + timedelta(1), totals={"sessions": 1})
    assert broken(connection, GA4, "total", usual, load_id) == 0


def test_sessions_without_a_landing_page_are_told_of(connection: Connection) -> None:
    connection.execute("create temporary table unnamed (day date, landing text, sessions bigint)")
    named = rule(GA4, "landing", "most_sessions_have_a_landing_page")
    query = sql.SQL(named.sql).format(batch=sql.Identifier("unnamed"))
    for landing, sessions, is_good in (("https://shop.example/", 95, True), (None, 5, True), (None, 1, False)):
        connection.execute("insert into unnamed values ('2026-11-20', %s, %s)", (landing, sessions))
        assert (connection.execute(query).fetchall() == []) is is_good, sessions


def test_sessions_of_other_hosts_are_ghosts(connection: Connection) -> None:
    connection.execute(
        "insert into ops.property"
        " (property_key, property_name, domain, history_start, engine, location_code, language_code, depth, is_active)"
        " values (7, 'shop', 'shop.example', '2026-01-01', 'google', 1, 'en', 10, true)"
    )
    connection.execute("create temporary table ghosts (host_name text, sessions bigint)")
    checked = rule(GA4, "landing", "most_are_of_the_propertys_hosts")
    query = sql.SQL(checked.sql).format(batch=sql.Identifier("ghosts"), property_key=sql.Literal(7))
    for host, sessions, is_good in (
        ("www.shop.example", 10, True),
        ("shop.example", 1, True),
        ("notshop.example", 11, True),
        ("(not set)", 1, False),
    ):
        connection.execute("insert into ghosts values (%s, %s)", (host, sessions))
        assert (connection.execute(query).fetchall() == []) is is_good, host
