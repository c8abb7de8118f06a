"""Batches on their way from `audit` into `raw`."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import psycopg
import pytest

from seo_warehouse.errors import LoadError, TransientLoadError
from seo_warehouse.ledger import known, loads, turns
from seo_warehouse.ledger.builds import warehouse_lock
from seo_warehouse.ledger.migrate import read_migrations
from seo_warehouse.load.publish import publish
from seo_warehouse.load.schema import ensure_partition
from tests.load.loading import (
    DAY,
    READ_AT,
    SOURCE,
    TABLE,
    business_rows,
    fetch,
    make_row,
    open_warehouse,
    passed,
    state,
    write,
)

HOUR = timedelta(hours=1)
RAW = f"raw.{SOURCE.raw_name(TABLE)}"


def put(connection, rows, **settings) -> tuple[int, str]:
    load_id = passed(connection, write(connection, rows, **settings))
    return load_id, publish(connection, SOURCE, TABLE, load_id)


def test_same_content_twice_ends_unchanged_and_raw_is_byte_equal(database: str) -> None:
    with open_warehouse(database) as connection:
        rows = [make_row(number=n) for n in range(50)]
        assert put(connection, rows)[1] == "published"
        before = business_rows(connection)
        assert len(before) == 50
        second, ended = put(connection, reversed(rows), read_at=READ_AT + HOUR)
        assert ended == state(connection, second) == "unchanged"
        assert business_rows(connection) == before
        assert fetch(connection, "select read_at, row_count, totals from ops.publication") == [
            (READ_AT + HOUR, 50, {"clicks": sum(3 + n for n in range(50))})
        ]
        assert fetch(connection, "select count(*) from pg_tables where schemaname = 'audit'") == [(0,)]


def test_rows_that_exchange_values_are_no_equal_content(database: str) -> None:
    with open_warehouse(database) as connection:
        put(connection, [make_row(number=1, clicks=5.0, country="deu"), make_row(number=2, clicks=9.0, country="fra")])
        rows = [make_row(number=1, clicks=9.0, country="deu"), make_row(number=2, clicks=5.0, country="fra")]
        assert put(connection, rows)[1] == "published"


def test_checksums_do_not_depend_on_the_session(database: str) -> None:
    with open_warehouse(database) as connection:
        put(connection, [make_row()])
        connection.execute("set timezone to 'Asia/Tokyo'; set datestyle to 'SQL, DMY'; set extra_float_digits to -5")
        assert put(connection, [make_row()])[1] == "unchanged"


def test_a_day_is_never_replaced_by_an_earlier_reading_of_it(database: str) -> None:
    with open_warehouse(database) as connection:
        late, _ = put(connection, [make_row(clicks=9.0)], read_at=READ_AT)
        early, ended = put(connection, [make_row(clicks=5.0)], read_at=READ_AT - HOUR)
        assert ended == state(connection, early) == "superseded"
        assert fetch(connection, f"select clicks, load_id from {RAW}") == [(9.0, late)]


def test_a_reading_of_the_same_instant_may_replace_so_replays_work(database: str) -> None:
    with open_warehouse(database) as connection:
        first, _ = put(connection, [make_row(clicks=9.0)])
        replay, ended = put(connection, [make_row(clicks=5.0)], purpose="replay")
        assert ended == "published"
        assert state(connection, first) == "superseded"
        assert fetch(connection, f"select clicks, load_id from {RAW}") == [(5.0, replay)]


def test_an_equal_reading_is_unchanged_however_early_it_was(database: str) -> None:
    with open_warehouse(database) as connection:
        put(connection, [make_row()], read_at=READ_AT)
        assert put(connection, [make_row()], read_at=READ_AT - HOUR, purpose="replay")[1] == "unchanged"
        assert fetch(connection, "select read_at from ops.publication") == [(READ_AT,)]


def test_an_equal_reading_moves_the_instant_forward(database: str) -> None:
    with open_warehouse(database) as connection:
        put(connection, [make_row(clicks=9.0)], read_at=READ_AT)
        put(connection, [make_row(clicks=9.0)], read_at=READ_AT + 2 * HOUR)
        assert put(connection, [make_row(clicks=5.0)], read_at=READ_AT + HOUR)[1] == "superseded"
        assert fetch(connection, f"select clicks from {RAW}") == [(9.0,)]


def test_days_of_one_load_are_compared_one_by_one(database: str) -> None:
    days = [DAY + timedelta(n) for n in range(4)]
    with open_warehouse(database) as connection:
        month = [make_row(day) for day in days[:3]]
        whole, _ = put(connection, month, days=days)
        assert fetch(connection, "select day, row_count from ops.publication order by day") == [
            *((day, 1) for day in days[:3]),
            (days[3], 0),
        ]
        put(connection, [make_row(days[1], clicks=70.0)], days=days[1:2], read_at=READ_AT + 2 * HOUR)
        again, ended = put(connection, [make_row(days[0], clicks=50.0), *month[1:]], days=days, read_at=READ_AT + HOUR)
        assert ended == "published"
        assert fetch(connection, f"select day, clicks, load_id = {again} from {RAW} order by day") == [
            (days[0], 50.0, True),
            (days[1], 70.0, False),
            (days[2], 4.0, False),
        ]
        assert state(connection, whole) == "published", "its third day is still current"
        assert "later reading" in str(loads.load_state(connection, again)[1])


def test_an_older_load_is_superseded_once_no_day_of_it_is_current(database: str) -> None:
    days = [DAY, DAY + timedelta(1)]
    with open_warehouse(database) as connection:
        both, _ = put(connection, [make_row(day) for day in days], days=days)
        put(connection, [make_row(days[0], clicks=7.0)], days=days[:1])
        assert state(connection, both) == "published"
        put(connection, [], days=days[1:])
        assert state(connection, both) == "superseded"
        assert fetch(connection, "select count(*) from ops.publication") == [(4,)]


def test_a_day_that_became_empty_is_emptied(database: str) -> None:
    with open_warehouse(database) as connection:
        put(connection, [make_row()])
        assert put(connection, [])[1] == "published"
        assert fetch(connection, f"select count(*) from {RAW}") == [(0,)]
        assert put(connection, [])[1] == "unchanged"


def test_a_load_without_rows_is_known_as_read(database: str) -> None:
    with open_warehouse(database) as connection:
        assert put(connection, [])[1] == "published"
        assert known.published_days(connection, SOURCE.name, TABLE.name, 1) == {DAY}


def test_a_publication_touches_only_its_own_part_property_and_days(database: str) -> None:
    other = DAY + timedelta(1)
    with open_warehouse(database) as connection:
        put(connection, [make_row(clicks=1.0)], part="vendor a")
        put(connection, [make_row(clicks=2.0)], part="vendor b")
        put(connection, [make_row(clicks=3.0)], property_key=2)
        put(connection, [make_row(other, clicks=4.0)], days=[other])
        put(connection, [make_row(clicks=5.0)], part="vendor b")
        assert fetch(connection, f"select property_key, part, day, clicks from {RAW} order by clicks") == [
            (1, "vendor a", DAY, 1.0),
            (2, "", DAY, 3.0),
            (1, "", other, 4.0),
            (1, "vendor b", DAY, 5.0),
        ]


def test_a_change_in_what_the_reader_noted_is_published(database: str) -> None:
    with open_warehouse(database) as connection:
        put(connection, [make_row()], facts={DAY: {"is_complete": False}})
        assert put(connection, [make_row()], facts={DAY: {"is_complete": True}})[1] == "published"
        assert fetch(connection, "select facts from ops.publication where is_current") == [({"is_complete": True},)]


def test_publishing_a_settled_load_again_returns_its_state(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id, _ = put(connection, [make_row()])
        assert publish(connection, SOURCE, TABLE, load_id) == "published"
        assert fetch(connection, "select count(*) from ops.publication") == [(1,)]


@pytest.mark.parametrize("stage", ["started", "written", "quarantined", "failed"])
def test_only_a_passed_load_is_published(database: str, stage: str) -> None:
    with open_warehouse(database) as connection:
        load_id = write(connection, [make_row()])
        connection.execute("update ops.load set state = %s where load_id = %s", (stage, load_id))
        with pytest.raises(LoadError, match=stage):
            publish(connection, SOURCE, TABLE, load_id)
        assert fetch(connection, f"select count(*) from {RAW}") == [(0,)]


def test_rows_that_vanished_from_audit_stop_the_publication(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id = passed(connection, write(connection, [make_row(number=n) for n in range(3)]))
        connection.execute(f"delete from audit.load_{load_id} where row_no = 2")
        with pytest.raises(LoadError, match="audit holds 2 rows of its days, the ledger says 3"):
            publish(connection, SOURCE, TABLE, load_id)
        assert state(connection, load_id) == "passed"
        assert fetch(connection, f"select count(*) from {RAW}") == [(0,)]


def test_a_step_refuses_a_connection_that_does_not_commit(database: str) -> None:
    with psycopg.connect(database) as connection, pytest.raises(LoadError, match="autocommit"):
        publish(connection, SOURCE, TABLE, 1)


def test_a_publication_waits_for_a_build_and_then_gives_up(database: str) -> None:
    with open_warehouse(database) as connection, psycopg.connect(database, autocommit=True) as builder:
        load_id = passed(connection, write(connection, [make_row()]))
        with warehouse_lock(builder):
            with pytest.raises(TransientLoadError, match="a build is at work"):
                publish(connection, SOURCE, TABLE, load_id, wait=timedelta(milliseconds=50))
            assert state(connection, load_id) == "passed"
            with ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(publish, connection, SOURCE, TABLE, load_id)
                with pytest.raises(TimeoutError):
                    waiting.result(timeout=0.3)
                turns.end_turn(builder, turns.WAREHOUSE)
                assert waiting.result(timeout=10) == "published"


def test_a_build_waits_for_a_publication_in_flight(database: str) -> None:
    with open_warehouse(database) as connection, psycopg.connect(database, autocommit=True) as publisher:
        with publisher.transaction():
            turns.enter_warehouse(publisher, timedelta(0))
            with pytest.raises(TransientLoadError), warehouse_lock(connection, wait=timedelta(milliseconds=50)):
                pass
        with warehouse_lock(connection, wait=timedelta(milliseconds=50)):
            pass


def test_no_reader_sees_half_a_day(database: str) -> None:
    stop = threading.Event()

    def read() -> list[tuple[int, int]]:
        seen = []
        with psycopg.connect(database, autocommit=True) as reader:
            while not stop.is_set():
                seen += fetch(reader, f"select count(*), count(distinct load_id), min(clicks), max(clicks) from {RAW}")
        return seen

    with open_warehouse(database) as connection, ThreadPoolExecutor(2) as pool:
        put(connection, [make_row(number=n, clicks=2.0) for n in range(300)])
        readers = [pool.submit(read) for _ in range(2)]
        for turn in range(3, 11):
            put(connection, [make_row(number=n, clicks=float(turn)) for n in range(300)])
        stop.set()
        seen = [row for reader in readers for row in reader.result(timeout=30)]
    assert len(seen) > 10
    assert {(count, loads, low == high) for count, loads, low, high in seen} == {(300, 1, True)}


def test_two_publishers_of_one_load_publish_it_once(database: str) -> None:
    with open_warehouse(database) as connection, psycopg.connect(database, autocommit=True) as other:
        load_id = passed(connection, write(connection, [make_row(number=n) for n in range(200)]))
        with ThreadPoolExecutor(2) as pool:
            ends = list(pool.map(lambda conn: publish(conn, SOURCE, TABLE, load_id), (connection, other)))
        assert ends == ["published", "published"]
        assert fetch(connection, "select count(*) from ops.publication") == [(1,)]
        assert fetch(connection, f"select count(*) from {RAW}") == [(200,)]


def test_of_two_publishers_at_once_the_later_reading_stays(database: str) -> None:
    days = [DAY, DAY + timedelta(1)]
    with open_warehouse(database) as connection, psycopg.connect(database, autocommit=True) as other:
        for turn in range(5):
            at = READ_AT + turn * HOUR
            early = passed(connection, write(connection, [make_row(clicks=turn + 10.0)], read_at=at))
            late = passed(other, write(other, [make_row(clicks=turn + 20.0)], days=days, read_at=at + HOUR / 2))
            with ThreadPoolExecutor(2) as pool:
                ends = pool.map(
                    lambda work: publish(work[0], SOURCE, TABLE, work[1]), [(connection, early), (other, late)]
                )
                assert set(ends) <= {"published", "superseded"}
            assert fetch(connection, f"select clicks, load_id from {RAW} where day = %s", (DAY,)) == [
                (turn + 20.0, late)
            ]
            assert fetch(connection, "select count(*) from ops.publication where is_current") == [(2,)]


def test_partitions_are_made_as_needed(database: str) -> None:
    days = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 2, 28)]
    with open_warehouse(database) as connection:
        put(connection, [make_row(day) for day in days], days=days)
        partitions = fetch(
            connection,
            f"select inhrelid::regclass::text from pg_inherits where inhparent = '{RAW}'::regclass order by 1",
        )
        assert [name.rpartition("__hit_")[2] for (name,) in partitions] == ["2025_12", "2026_01", "2026_02"]
        ensure_partition(connection, SOURCE.raw_name(TABLE), days[0])


def _oid(connection: psycopg.Connection, name: str) -> int | None:
    return fetch(connection, "select to_regclass(%s)::oid::bigint", (name,))[0][0]


MONTH = f"{RAW}_2026_05"


def test_the_first_load_of_a_month_becomes_it_and_the_next_ones_are_put_beside(database: str) -> None:
    with open_warehouse(database) as connection:
        first = passed(connection, write(connection, [make_row(number=n) for n in range(3)], part="vendor a"))
        batch = _oid(connection, f"audit.load_{first}")
        assert batch is not None
        assert publish(connection, SOURCE, TABLE, first) == "published"
        assert _oid(connection, MONTH) == batch
        put(connection, [make_row(clicks=7.0)], property_key=2)
        assert fetch(connection, f"select property_key, part, load_id, count(*) from {RAW} group by 1, 2, 3") == [
            (1, "vendor a", first, 3),
            (2, "", first + 1, 1),
        ]


def test_a_month_that_was_a_load_is_as_any_other(database: str) -> None:
    with open_warehouse(database) as connection:
        put(connection, [make_row()])
        ensure_partition(connection, SOURCE.raw_name(TABLE), date(2026, 6, 1))
        columns = (
            "select array_agg(row(attname, atttypid, attnotnull, pg_get_expr(adbin, adrelid)) order by attname)"
            " from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum"
            " where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped"
        )
        made = f"{RAW}_2026_06"
        assert fetch(connection, columns, (MONTH,)) == fetch(connection, columns, (made,))
        about = (
            "select relowner, (select array_agg(row(indisunique, indisvalid)) from pg_index where indrelid = c.oid)"
            " from pg_class as c where oid = to_regclass(%s)"
        )
        assert fetch(connection, about, (MONTH,)) == fetch(connection, about, (made,))
        assert fetch(connection, "select has_table_privilege('seo_transformer', %s, 'select')", (MONTH,)) == [(True,)]
        assert fetch(
            connection, "select count(*) from pg_inherits where inhparent = to_regclass(%s)", (f"{RAW}_grain",)
        ) == [(2,)]


def test_a_load_with_a_day_that_a_later_reading_has_does_not_become_the_month(database: str) -> None:
    other = DAY + timedelta(1)
    with open_warehouse(database) as connection:
        put(connection, [], days=[DAY], read_at=READ_AT + HOUR)
        rows = [make_row(), make_row(other)]
        _, ended = put(connection, rows, days=[DAY, other])
        assert ended == "published"
        assert fetch(connection, f"select day from {RAW}") == [(other,)]


def test_of_two_loads_that_could_become_a_month_both_are_there(database: str) -> None:
    keys = range(1, 5)
    with open_warehouse(database) as connection:
        waiting = [passed(connection, write(connection, [make_row()], property_key=key)) for key in keys]
        publishers = [psycopg.connect(database, autocommit=True) for _ in keys]
        with ThreadPoolExecutor(4) as pool:
            ended = list(
                pool.map(
                    lambda given: publish(given[0], SOURCE, TABLE, given[1]), zip(publishers, waiting, strict=True)
                )
            )
        for publisher in publishers:
            publisher.close()
        assert ended == ["published"] * 4
        assert fetch(connection, f"select property_key, load_id from {RAW} order by 1") == list(
            zip(keys, waiting, strict=True)
        )


def test_a_load_of_an_earlier_release_is_published_once_it_has_what_it_lacks(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id = passed(connection, write(connection, [make_row()], part="vendor a"))
        connection.execute(
            f"alter table audit.load_{load_id} drop column property_key, drop column part, drop column load_id"
        )
        connection.execute(next(m for m in read_migrations() if m.number == 43).text)
        assert publish(connection, SOURCE, TABLE, load_id) == "published"
        assert fetch(connection, f"select property_key, part, load_id from {RAW}") == [(1, "vendor a", load_id)]


def test_a_partition_is_made_once_by_many_at_a_time_and_holds_up_no_reader(database: str) -> None:
    def make(connection: psycopg.Connection) -> None:
        for month in range(1, 7):
            ensure_partition(connection, SOURCE.raw_name(TABLE), date(2024, month, 1))

    with open_warehouse(database) as connection, psycopg.connect(database) as reader:
        reader.execute(f"select count(*) from {RAW}")  # its transaction stays open
        makers = [psycopg.connect(database, autocommit=True) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(make, makers, timeout=30))
        for maker in makers:
            maker.close()
        assert fetch(connection, f"select count(*) from pg_inherits where inhparent = '{RAW}'::regclass") == [(6,)]


def test_a_key_longer_than_an_index_holds_is_published(database: str) -> None:
    letters = random.Random(4).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=30_000)
    with open_warehouse(database) as connection:
        assert put(connection, [make_row(url="https://example.com/" + "".join(letters))])[1] == "published"


def test_on_a_cluster_a_partition_is_attached_one_shard_at_a_time(database: str) -> None:
    with open_warehouse(database) as connection, connection.transaction():
        connection.execute("set local allow_system_table_mods to on")
        connection.execute(
            "insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)"
            " values (99999, 'citus', 10, 'public'::regnamespace, false, '0')"
        )
        ensure_partition(connection, SOURCE.raw_name(TABLE), DAY)
        assert fetch(connection, "show citus.multi_shard_modify_mode") == [("sequential",)]
