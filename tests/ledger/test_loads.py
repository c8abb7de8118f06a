"""The life of a load, and what the ledger knows of days already read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from seo_warehouse.client.api import Usage
from seo_warehouse.config import Properties
from seo_warehouse.errors import LoadError, TransientLoadError
from seo_warehouse.ledger import known, loads
from seo_warehouse.ledger.settings import sync_properties
from seo_warehouse.load.publish import publish
from seo_warehouse.spec import Kind, Period
from tests.load.loading import (
    DAY,
    READ_AT,
    SOURCE,
    TABLE,
    fetch,
    make_row,
    open_warehouse,
    passed,
    state,
    write,
)
from tests.load.test_batch import begin

STATES = tuple(loads.TRANSITIONS)
PROPERTY = {
    "key": 1, "name": "shop", "domain": "example.com", "history_start": date(2026, 4, 1),
    "keywords": [{"keyword": "shoes", "page": "HTTP://example.com:80/a/../shoes?utm_source=x"}, {"keyword": "boots"}],
    "topics": [{"pattern": "^/blog", "topic": "blog"}, {"pattern": "^/b", "topic": "b"}],
}  # fmt: skip


def test_a_load_moves_only_as_its_life_allows(database: str) -> None:
    with open_warehouse(database) as connection:
        for before, after in product(STATES, STATES):
            load_id = begin(connection)
            connection.execute("update ops.load set state = %s where load_id = %s", (before, load_id))
            if after in loads.TRANSITIONS[before]:
                loads.move(connection, load_id, after)
                assert state(connection, load_id) == after
            else:
                with pytest.raises(LoadError, match=f"is {before} and cannot become {after}"):
                    loads.move(connection, load_id, after)
                assert state(connection, load_id) == before
            connection.execute("update ops.load set state = 'failed' where load_id = %s", (load_id,))


def test_the_ledger_allows_exactly_these_states(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id = begin(connection)
        for name in STATES:
            connection.execute("update ops.load set state = %s where load_id = %s", (name, load_id))
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("update ops.load set state = 'lost'")


def test_each_step_has_its_instant(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id = passed(connection, write(connection, [make_row()]))
        publish(connection, SOURCE, TABLE, load_id)
        (instants,) = fetch(connection, "select started_at, written_at, audited_at, published_at from ops.load")
        assert all(earlier <= later for earlier, later in pairwise(instants))
        assert fetch(connection, "select ended_at >= published_at from ops.load") == [(True,)]


def test_a_load_that_is_not_there_is_named(database: str) -> None:
    with open_warehouse(database) as connection, pytest.raises(LoadError, match="no load 77"):
        loads.move(connection, 77, "failed")


def test_a_dead_attempt_is_failed_by_the_next_and_its_rows_go(database: str) -> None:
    with open_warehouse(database) as connection:
        dead = passed(connection, write(connection, [make_row()]))
        assert begin(connection) > dead
        assert state(connection, dead) == "failed"
        assert fetch(connection, "select count(*) from pg_tables where schemaname = 'audit'") == [(0,)]
        assert fetch(connection, "select attempt from ops.load order by load_id") == [(1,), (2,)]


def test_a_reading_of_the_same_day_by_another_night_is_no_dead_attempt_until_a_day_has_passed(database: str) -> None:
    nights = [DAY + timedelta(3), DAY + timedelta(2)]
    with open_warehouse(database) as connection:
        first, second = (
            passed(connection, write(connection, [make_row()], night=night, read_at=READ_AT + timedelta(hours=hour)))
            for hour, night in enumerate(nights)
        )
        third = write(connection, [make_row()], purpose="backfill")
        assert [state(connection, load_id) for load_id in (first, second, third)] == ["passed", "passed", "written"]
        assert publish(connection, SOURCE, TABLE, second) == "published"
        assert publish(connection, SOURCE, TABLE, first) == "unchanged"
        connection.execute("update ops.load set started_at = now() - interval '25 hours' where load_id = %s", (third,))
        begin(connection, night=nights[0])
        assert state(connection, third) == "failed"


def test_an_attempt_that_its_own_session_left_is_dead(database: str) -> None:
    with open_warehouse(database) as connection, psycopg.connect(database, autocommit=True) as other:
        first = begin(connection)
        second = begin(connection)
        assert state(connection, first) == "failed"
        loads.fail_load(connection, second, "enough")
        begin(other)


def test_two_writers_of_one_batch_never_work_at_once(database: str) -> None:
    with open_warehouse(database) as connection, psycopg.connect(database, autocommit=True) as other:
        load_id = begin(connection)
        with pytest.raises(TransientLoadError, match="another writer"):
            begin(other)
        assert fetch(connection, "select count(*), min(state) from ops.load") == [(1, "started")]
        begin(other, part="x")
        begin(other, property_key=2)
        begin(other, days=[DAY, DAY + timedelta(1)])
        loads.fail_load(connection, load_id, "stopped")
        begin(other)


def test_two_nights_writers_of_one_batch_take_turns(database: str) -> None:
    with open_warehouse(database) as connection, psycopg.connect(database, autocommit=True) as other:
        first = begin(connection, night=DAY)
        with pytest.raises(TransientLoadError, match="another writer"):
            begin(other, night=DAY + timedelta(1), wait=timedelta(milliseconds=50))
        with ThreadPoolExecutor() as threads:
            second = threads.submit(begin, other, night=DAY + timedelta(1))
            waiting = "select count(*) from pg_stat_activity where query ~ '^select pg_sleep.*waits for a turn'"
            while fetch(connection, waiting) == [(0,)]:
                assert not second.done()
            loads.fail_load(connection, first, "stopped")
            assert state(connection, second.result()) == "started"
        with pytest.raises(TransientLoadError, match="another writer"):
            begin(connection, night=DAY, wait=timedelta(milliseconds=50))


def test_another_batch_of_the_same_days_is_no_dead_attempt(database: str) -> None:
    with open_warehouse(database) as connection:
        day = write(connection, [make_row()])
        month = write(connection, [make_row()], days=[DAY, DAY + timedelta(1)])
        assert (state(connection, day), state(connection, month)) == ("written", "written")


def test_failing_twice_is_failing_once(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id = begin(connection)
        loads.fail_load(connection, load_id, "first\0reason")
        loads.fail_load(connection, load_id, "second")
        assert loads.load_state(connection, load_id) == ("failed", "first reason")


def test_the_last_complete_and_the_last_full_reading_are_found(database: str) -> None:
    noted = [{"is_full": True, "is_complete": True}, {"is_complete": True}, {"is_full": True, "is_complete": False}, {}]
    days = [DAY + timedelta(number) for number in range(len(noted))]
    with open_warehouse(database) as connection:
        load_id = passed(connection, write(connection, [], days=days, facts=dict(zip(days, noted, strict=True))))
        key = (SOURCE.name, TABLE.name, 1)
        assert known.last_published(connection, *key, before=date.max) is None
        publish(connection, SOURCE, TABLE, load_id)
        assert known.last_published(connection, *key, before=date.max) == days[3]
        assert known.last_complete(connection, *key, before=date.max) == days[1]
        assert known.last_full(connection, *key, before=date.max) == days[0]
        assert known.last_complete(connection, *key, before=days[1]) == days[0]
        assert known.last_full(connection, *key, before=days[0]) is None


def test_readings_that_passed_are_found_by_their_days(database: str) -> None:
    with open_warehouse(database) as connection:
        days = [DAY, DAY + timedelta(1)]
        publish(connection, SOURCE, TABLE, passed(connection, write(connection, [], days=days, night=DAY)))
        publish(connection, SOURCE, TABLE, passed(connection, write(connection, [], days=days, night=DAY)))
        write(connection, [], days=[DAY])
        found = known.readings(connection, SOURCE, TABLE, 1, days[1], days[1] + timedelta(5))
        assert found == [(Period(days[0], days[1]), DAY, "night=2026-05-06")]
        assert known.readings(connection, SOURCE, TABLE, 1, days[1] + timedelta(1), date.max) == []


def test_a_snapshots_readings_are_its_nights_each_with_what_it_was_read_since(database: str) -> None:
    source = replace(SOURCE, kind=Kind.SNAPSHOT)
    nights = [DAY + timedelta(n) for n in range(3)]
    facts = {night: {"since": str(night - timedelta(1)) if night > DAY else None} for night in nights}
    with open_warehouse(database, source) as connection:
        month = write(connection, [], source=source, days=nights, facts=facts, purpose="history")
        publish(connection, source, TABLE, passed(connection, month))
        second = {nights[1]: facts[nights[1]]}
        again = write(connection, [], source=source, days=nights[1:2], facts=second, night=nights[1])
        publish(connection, source, TABLE, passed(connection, again))
        write(connection, [], source=source, days=nights[2:], facts={nights[2]: {"since": str(DAY)}})
        assert known.readings(connection, source, TABLE, 1, nights[1], date.max) == [
            (Period(night, night, night - timedelta(1)), None, None) for night in nights[1:]
        ]


def test_properties_are_taken_over_and_stay_when_they_are_gone(database: str, tmp_path: Path) -> None:
    other = {"key": 2, "name": "blog", "domain": "example.org", "history_start": DAY, "keywords": [{"keyword": "x"}]}
    with open_warehouse(database) as connection:
        for _ in range(2):
            sync_properties(connection, Properties.model_validate({"properties": [PROPERTY, other]}))
        assert fetch(connection, "select property_key, is_active, depth from ops.property order by 1") == [
            (1, True, 100),
            (2, True, 100),
        ]
        assert fetch(connection, "select * from ops.tracked_keyword where property_key = 1 order by keyword") == [
            (1, "boots", None, None, False),
            (1, "shoes", PROPERTY["keywords"][0]["page"], "http://example.com/shoes", False),  # type: ignore[index]
        ]
        assert fetch(connection, "select rule_no, topic from ops.topic_rule order by 1") == [(1, "blog"), (2, "b")]
        depth = [{"from": "2026-01-01", "depth": 100}, {"from": "2026-04-10", "depth": 10}]
        periods = "select from_date::text, depth from ops.panel_depth where property_key = 1 order by from_date"
        for stated, found in ((depth, [("-infinity", 100), ("2026-04-10", 10)]), (10, [("-infinity", 10)])):
            document = {"properties": [{**PROPERTY, "panel": {"depth": stated}}, other]}
            sync_properties(connection, Properties.model_validate(document))
            assert fetch(connection, periods) == found
            assert fetch(connection, "select depth from ops.property where property_key = 1") == [(10,)]
        branded = {
            **PROPERTY,
            "brand": ["^boo", "shoe ?shop"],
            "trusted": ["News.example.org", "example.org", "b.test"],
            "referrers": {"pay.example.net": "own", "example.net": "site"},
        }
        sync_properties(connection, Properties.model_validate({"properties": [branded, other]}))
        assert fetch(connection, "select pattern_no, pattern from ops.brand_pattern order by 1") == [
            (1, "^boo"),
            (2, "shoe ?shop"),
        ]
        assert fetch(connection, "select keyword from ops.tracked_keyword where is_brand") == [("boots",)]
        assert fetch(connection, "select * from ops.trusted_domain order by 2") == [(1, "b.test"), (1, "example.org")]
        assert fetch(connection, "select * from ops.referrer_class order by 2") == [
            (1, "example.net", "site"),
            (1, "pay.example.net", "own"),
        ]
        fewer = yaml.safe_load("{key: 1, name: shop2, domain: example.com, history_start: 2026-01-01}")
        sync_properties(connection, Properties.model_validate({"properties": [fewer]}))
        assert fetch(connection, "select property_key, property_name, is_active from ops.property order by 1") == [
            (1, "shop2", True),
            (2, "blog", False),
        ]
        assert fetch(connection, "select property_key from ops.tracked_keyword") == [(2,)]
        assert fetch(connection, "select count(*) from ops.topic_rule") == [(0,)]


def test_a_reading_instant_defaults_to_the_moment_of_writing(database: str) -> None:
    with open_warehouse(database) as connection:
        write(connection, [], read_at=None)
        assert fetch(
            connection, "select now() - read_at < interval '1 minute' and read_at > %s from ops.load", (READ_AT,)
        )


def bill(connection: psycopg.Connection[Any], money: str, scope: str, first: date = DAY, last: date = DAY) -> Decimal:
    """What a load is billed that saw answers of so much money."""
    load_id = begin(connection, days=[first, last], scope=scope)
    loads.fail_load(connection, load_id, "only its bill matters", Usage(money=Decimal(money), units=Decimal(money)))
    [(billed, units)] = fetch(connection, "select money, units from ops.load where load_id = %s", (load_id,))
    assert units == billed
    return Decimal(billed)


def test_what_a_killed_process_bought_is_billed_once_by_whoever_comes_by_next(database: str) -> None:
    with open_warehouse(database) as connection:
        tomorrow = DAY + timedelta(days=1)
        # A look saw 0.12 spent, the next was killed after it bought 0.03 more, a third saw both; then one failed early.
        for money, night in (("0.12", DAY), ("0.15", DAY), ("0", DAY), ("0.4", tomorrow)):
            loads.note_order(connection, SOURCE.name, 1, night, Usage(money=Decimal(money), units=Decimal(money)))
        # After a last look that was killed, with 0.01 unbilled, only the read is left; what comes later owes nothing.
        assert bill(connection, "0.16", f"night={DAY}") == Decimal("0.01")
        assert bill(connection, "0.16", f"night={DAY}") == 0
        loads.note_order(connection, SOURCE.name, 1, DAY, Usage(money=Decimal("0.16")))
        assert bill(connection, "0.56", "nights", DAY, tomorrow) == 0
        assert fetch(connection, "select money from ops.order_usage order by order_usage_id") == [
            (Decimal(money),) for money in ("0.12", "0.03", "0", "0.4", "0")
        ]


def test_days_read_anew_in_a_later_night_are_paid_anew(database: str) -> None:
    with open_warehouse(database) as connection:
        assert bill(connection, "0.2", "night=2026-05-06") == Decimal("0.2")
        assert bill(connection, "0.2", "night=2026-05-07") == Decimal("0.2")
        assert bill(connection, "0.3", "night=2026-05-07") == Decimal("0.1")
