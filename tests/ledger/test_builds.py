"""How builds begin and end."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from psycopg.conninfo import make_conninfo

from seo_warehouse.errors import LoadError, TransientLoadError
from seo_warehouse.ledger import builds, turns
from seo_warehouse.load.publish import publish
from tests.conftest import PASSWORDS
from tests.load.loading import DAY, READ_AT, SOURCE, TABLE, fetch, make_row, open_warehouse, passed, write

NEXT = timedelta(1)


def put(connection: psycopg.Connection[Any], clicks: float, day: date = DAY, **changes: Any) -> None:
    read_at = READ_AT + timedelta(seconds=clicks)
    rows = [make_row(day, clicks=clicks)]
    load_id = passed(connection, write(connection, rows, days=[day], read_at=read_at, **changes))
    assert publish(connection, SOURCE, TABLE, load_id) == "published"


def claimed(connection: psycopg.Connection[Any], build: builds.Build) -> set[int]:
    rows = fetch(connection, "select publication_id from ops.build_day where build_id = %s", (build.build_id,))
    assert len(rows) == build.day_count
    return {publication for (publication,) in rows}


def current(connection: psycopg.Connection[Any]) -> set[int]:
    return {
        publication
        for (publication,) in fetch(connection, "select publication_id from ops.publication where is_current")
    }


def claim(connection: psycopg.Connection[Any], **settings: Any) -> builds.Build:
    build = builds.claim_build(connection, **settings)
    assert build is not None
    return build


def test_a_build_claims_what_no_finished_build_has_claimed(database: str) -> None:
    with open_warehouse(database) as connection, builds.warehouse_lock(connection):
        assert builds.claim_build(connection) is None
        put(connection, 1.0)
        put(connection, 2.0, DAY + NEXT)
        first = claim(connection)
        assert claimed(connection, first) == current(connection)
        builds.finish_build(connection, first.build_id)
        assert builds.claim_build(connection) is None
        put(connection, 3.0)
        second = claim(connection)
        assert (second.build_id > first.build_id, second.day_count, second.is_full) == (True, 1, False)
        builds.finish_build(connection, second.build_id)
        assert claim(connection, full=True).day_count == 2


def test_the_planner_is_told_of_tables_that_grew_by_a_tenth_and_else_of_the_claimed_months_alone(database: str) -> None:
    def known(connection: psycopg.Connection[Any]) -> dict[str, float]:
        rows = fetch(
            connection,
            "select relname, reltuples from pg_class where relnamespace = 'raw'::regnamespace"
            " and relkind in ('r', 'p')",
        )
        return {name.removeprefix("raw_").removeprefix(f"{SOURCE.name}__"): count for name, count in rows}

    def build(connection: psycopg.Connection[Any], *days: date) -> dict[str, float]:
        for number, day in enumerate(days):
            put(connection, float(number), day)
        claimed = claim(connection)
        builds.analyze_claimed(connection, claimed.build_id)
        builds.finish_build(connection, claimed.build_id)
        return known(connection)

    may, june, july = DAY.replace(day=1), DAY.replace(month=6, day=1), DAY.replace(month=7, day=1)
    with open_warehouse(database) as connection, builds.warehouse_lock(connection):
        first = build(connection, *(may + number * NEXT for number in range(20)))
        assert (first["hit"], first["hit_2026_05"]) == (20, 20)
        second = build(connection, may + 20 * NEXT, june)
        assert (second["hit"], second["hit_2026_05"], second["hit_2026_06"]) == (20, 21, 1), "a tenth more"
        third = build(connection, july)
        assert (third["hit"], third["hit_2026_05"], third["hit_2026_07"]) == (23, 21, 1)


def test_a_failed_or_dead_build_is_tried_again_on_the_same_set(database: str) -> None:
    with open_warehouse(database) as connection, builds.warehouse_lock(connection):
        put(connection, 1.0)
        first = claim(connection)
        builds.fail_build(connection, first.build_id, "a node failed")
        second = claim(connection)
        assert (second.build_id, second.attempt) == (first.build_id, 2)
        third = claim(connection)
        assert (third.build_id, third.attempt) == (first.build_id, 3), "the second never ended: it is dead"


def test_a_build_after_a_failed_one_takes_the_union(database: str) -> None:
    with open_warehouse(database) as connection, builds.warehouse_lock(connection):
        put(connection, 1.0)
        put(connection, 2.0, DAY + NEXT)
        first = claim(connection)
        builds.fail_build(connection, first.build_id, "a node failed")
        put(connection, 3.0, DAY + NEXT)
        put(connection, 4.0, DAY + 2 * NEXT)
        second = claim(connection)
        assert second.build_id > first.build_id
        days = fetch(connection, "select day from ops.build_day where build_id = %s order by 1", (second.build_id,))
        assert days == [(DAY,), (DAY + NEXT,), (DAY + 2 * NEXT,)]
        assert claimed(connection, second) == current(connection)


def test_nothing_may_be_left_as_it_is_by_a_build_after_one_that_failed_or_that_hides_days(database: str) -> None:
    with open_warehouse(database) as connection, builds.warehouse_lock(connection):
        put(connection, 1.0)
        first = claim(connection)
        assert not builds.is_right_after(connection, first, 0), "there was none"
        builds.finish_build(connection, first.build_id)
        put(connection, 2.0)
        second = claim(connection)
        assert builds.is_right_after(connection, second, first.build_id)
        assert not builds.is_right_after(connection, second, first.build_id - 1), "another one came between"
        builds.fail_build(connection, second.build_id, "a node failed")
        assert not builds.is_right_after(connection, claim(connection), first.build_id), "the same set again"
        put(connection, 3.0, DAY + NEXT)
        third = claim(connection)
        assert (third.attempt, third.build_id > second.build_id) == (1, True)
        assert not builds.is_right_after(connection, third, second.build_id), "the union"
        builds.finish_build(connection, third.build_id)
        put(connection, 4.0, DAY + 2 * NEXT)
        keys = {key for (key,) in fetch(connection, "select property_key from ops.publication")}
        hiding = claim(connection, left_out=keys, even_empty=True)
        assert hiding.day_count == 2, "of three days one is hidden"
        assert not builds.is_right_after(connection, hiding, third.build_id)


def test_a_full_build_that_failed_is_followed_by_a_full_one(database: str) -> None:
    with open_warehouse(database) as connection, builds.warehouse_lock(connection):
        put(connection, 1.0)
        builds.finish_build(connection, claim(connection).build_id)
        full = claim(connection, full=True)
        builds.fail_build(connection, full.build_id, "a node failed")
        put(connection, 2.0, DAY + NEXT)
        again = claim(connection)
        assert (again.is_full, again.day_count) == (True, 2)
        builds.finish_build(connection, again.build_id)
        assert builds.claim_build(connection) is None


def test_only_who_holds_the_warehouse_claims_and_finishes(database: str) -> None:
    with open_warehouse(database) as connection, psycopg.connect(database, autocommit=True) as other:
        put(connection, 1.0)
        with pytest.raises(LoadError, match="does not hold the warehouse"):
            builds.claim_build(connection)
        with builds.warehouse_lock(connection):
            build = claim(connection)
            with pytest.raises(TransientLoadError), builds.warehouse_lock(other, wait=timedelta(milliseconds=30)):
                pass
            with pytest.raises(LoadError, match="does not hold the warehouse"):
                builds.finish_build(other, build.build_id)
        with pytest.raises(LoadError, match="does not hold the warehouse"):
            builds.finish_build(connection, build.build_id)
        builds.fail_build(connection, build.build_id, "lost")
        with pytest.raises(LoadError, match="not claimed"):
            builds.fail_build(connection, build.build_id, "lost")


MADE_FROM = {"modelled_update": "int_updates"}


def model_updates(connection: psycopg.Connection[Any], *keys: int) -> None:
    """Make a model of updates, as dbt would, with a column more than is kept."""
    connection.execute("set role seo_transformer")
    connection.execute("drop table if exists intermediate.int_updates")
    connection.execute(
        "create table intermediate.int_updates as"
        " select null as note, key as google_update_key, null::date as begins_on, null::date as ends_on"
        " from unnest(%s::bigint[]) as key",
        (list(keys),),
    )
    connection.execute("reset role")


def kept_updates(connection: psycopg.Connection[Any]) -> list[int]:
    return [key for (key,) in fetch(connection, "select google_update_key from ops.modelled_update order by 1")]


def test_what_the_next_build_compares_with_is_what_the_last_finished_one_was_made_from(database: str) -> None:
    loader = make_conninfo(database, user="seo_loader", password=PASSWORDS["loader"])
    with open_warehouse(database) as connection, psycopg.connect(loader, autocommit=True) as builder:
        put(connection, 1.0)
        model_updates(connection, 1, 2)
        with builds.warehouse_lock(builder):
            builds.finish_build(builder, claim(builder).build_id, MADE_FROM)
        assert kept_updates(connection) == [1, 2]
        put(connection, 2.0)
        model_updates(connection, 2, 3)
        with builds.warehouse_lock(builder):
            builds.fail_build(builder, claim(builder).build_id, "a node failed")
            assert kept_updates(connection) == [1, 2]
            builds.finish_build(builder, claim(builder).build_id, MADE_FROM)
        assert kept_updates(connection) == [2, 3]


def test_a_build_that_cannot_keep_what_it_was_made_from_has_not_ended(database: str) -> None:
    with open_warehouse(database) as connection, builds.warehouse_lock(connection):
        put(connection, 1.0)
        first = claim(connection)
        with pytest.raises(LoadError, match="int_updates"):
            builds.finish_build(connection, first.build_id, MADE_FROM)
        assert fetch(connection, "select state from ops.build") == [("claimed",)]


def test_builders_at_once_claim_nothing_twice(database: str) -> None:
    def build(_: int) -> int:
        with psycopg.connect(database, autocommit=True) as connection, builds.warehouse_lock(connection):
            found = builds.claim_build(connection)
            if found is None:
                return 0
            builds.finish_build(connection, found.build_id)
            return found.day_count

    with open_warehouse(database) as connection, ThreadPoolExecutor(4) as pool:
        for number in range(5):
            put(connection, 1.0, DAY + number * NEXT)
        assert sorted(pool.map(build, range(4))) == [0, 0, 0, 5]


class Builds(RuleBasedStateMachine):
    """Publications and builds in any order: what a finished build read, and what is left, always add up."""

    connection: psycopg.Connection[Any]
    property_key = 0

    def __init__(self) -> None:
        super().__init__()
        self.connection.execute("truncate ops.load, ops.build restart identity cascade")
        turns.end_turn(self.connection, turns.WAREHOUSE)
        self.clicks = 0
        self.build: builds.Build | None = None
        self.modelled: dict[date, int] = {}
        self.published: dict[date, int] = {}
        self.seen: dict[date, int] = {}
        self.is_full_owed = False

    @rule(days=st.sets(st.integers(0, 3), min_size=1))
    @precondition(lambda self: self.build is None)
    def publish(self, days: set[int]) -> None:
        self.clicks += 1
        for offset in sorted(days):
            put(self.connection, float(self.clicks + 2), DAY + offset * NEXT)
            self.published[DAY + offset * NEXT] = self.clicks

    @rule(full=st.booleans())
    @precondition(lambda self: self.build is None)
    def claim(self, full: bool) -> None:
        assert turns.take_warehouse(self.connection, NEXT)
        self.build = builds.claim_build(self.connection, full=full)
        expected = {
            day
            for day, clicks in self.published.items()
            if full or self.is_full_owed or self.modelled.get(day) != clicks
        }
        if self.build is None:
            assert not expected
            turns.end_turn(self.connection, turns.WAREHOUSE)
            return
        self.is_full_owed = self.build.is_full
        rows = fetch(
            self.connection,
            f"""
            select d.day, raw.clicks - 2 from ops.build_day as d
            join ops.publication as p using (publication_id)
            join raw.{SOURCE.raw_name(TABLE)} as raw on raw.day = d.day and raw.load_id = p.load_id
            where d.build_id = %s
            """,
            (self.build.build_id,),
        )
        self.seen = dict(rows)
        assert len(rows) == self.build.day_count
        assert self.seen == {day: self.published[day] for day in expected}

    @rule(end=st.sampled_from(["finished", "failed", "died"]))
    @precondition(lambda self: self.build is not None)
    def end(self, end: str) -> None:
        assert self.build is not None
        if end == "finished":
            builds.finish_build(self.connection, self.build.build_id)
            self.modelled |= self.seen
            self.is_full_owed = False
        elif end == "failed":
            builds.fail_build(self.connection, self.build.build_id, "a node failed")
        self.build = None
        turns.end_turn(self.connection, turns.WAREHOUSE)

    @invariant()
    def what_finished_builds_claimed_was_published(self) -> None:
        assert all(clicks <= self.published[day] for day, clicks in self.modelled.items())


def test_in_any_order_every_publication_is_modelled_once(
    connection: psycopg.Connection[Any],
) -> None:
    Builds.connection = connection
    run_state_machine_as_test(
        Builds,
        settings=settings(
            max_examples=8, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    with open_warehouse(database) as opened:
        yield opened
