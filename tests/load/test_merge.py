"""Files merged into `raw`, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seo_warehouse.errors import LoadError
from seo_warehouse.ledger import loads
from seo_warehouse.load.batch import write_batch
from seo_warehouse.load.publish import publish
from seo_warehouse.spec import Column, Kind, Row, Source, Table, Type
from tests.load.loading import SOURCE, MadeUp, fetch, make_noted, make_reading, open_warehouse, state

DAY = date(2026, 5, 4)
NEXT = DAY + timedelta(1)
AT = datetime(2026, 5, 10, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
CHECK = Table(
    name="check",
    description="Made up.",
    grain=("day", "keyword", "device"),
    totals=("clicks",),
    columns=(
        Column(name="day", type=Type.DATE, description="Day.", required=True),
        Column(name="exported_at", type=Type.INSTANT, description="Export.", required=True),
        Column(name="keyword", type=Type.TEXT, description="Keyword.", required=True),
        Column(name="device", type=Type.TEXT, description="Device; NULL unknown."),
        Column(name="clicks", type=Type.INTEGER, description="Clicks."),
    ),
)
DROP = Source(
    name="made_up_files", description="Made up.", kind=Kind.DROP, cron="0 5 * * *", tables=(CHECK,),
    settings=MadeUp,
)  # fmt: skip
RAW = "raw.raw_made_up_files__check"


def row(keyword: str, clicks: int | None, day: date = DAY, device: str | None = None, at: datetime = AT) -> Row:
    return {"day": day, "exported_at": at, "keyword": keyword, "device": device, "clicks": clicks}


def load(
    connection: psycopg.Connection[Any],
    file: str,
    rows: Iterable[Row],
    *,
    part: str = "a_form",
    purpose: str = "night",
) -> int:
    """One file through begin, write and a verdict that passes it."""
    kept = list(rows)
    days = sorted({r["day"] for r in kept}) or [DAY]
    at = max((r["exported_at"] for r in kept), default=AT)
    reading = make_reading(DROP, days=days, part=part, purpose=purpose, scope=loads.file_scope(file))
    load_id = loads.begin_load(connection, reading)
    write_batch(connection, load_id, reading, iter(kept), make_noted(days, read_at=at))
    loads.move(connection, load_id, "passed")
    return load_id


def put(connection: psycopg.Connection[Any], file: str, rows: Iterable[Row], **settings: Any) -> tuple[int, str]:
    load_id = load(connection, file, rows, **settings)
    return load_id, publish(connection, DROP, CHECK, load_id)


def held(connection: psycopg.Connection[Any], part: str = "a_form") -> list[tuple[Any, ...]]:
    return fetch(
        connection,
        f"select day, keyword, device, clicks, load_id from {RAW} where part = %s order by 1, 2, 3 nulls first",
        (part,),
    )


def balance(connection: psycopg.Connection[Any], load_id: int) -> tuple[int, ...]:
    """Rows put, equal, outdated."""
    return fetch(
        connection, "select rows_put, rows_equal, rows_outdated from ops.merge where load_id = %s", (load_id,)
    )[0]


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    with open_warehouse(database, DROP) as opened:
        yield opened


def test_a_later_export_wins_row_by_row_and_what_it_does_not_name_stays(connection: psycopg.Connection[Any]) -> None:
    first, _ = put(connection, "1", [row("a", 1), row("b", 2), row("a", 3, NEXT)])
    later = AT + HOUR
    second, ended = put(connection, "2", [row("b", 20, at=later), row("c", 30, at=later)])
    assert ended == "published"
    assert state(connection, first) == "published"
    assert held(connection) == [
        (DAY, "a", None, 1, first),
        (DAY, "b", None, 20, second),
        (DAY, "c", None, 30, second),
        (NEXT, "a", None, 3, first),
    ]
    assert balance(connection, second) == (2, 0, 0)
    current = "select day, load_id, row_count, totals, read_at from ops.publication where is_current order by day"
    assert fetch(connection, current) == [
        (DAY, second, 3, {"clicks": 51}, later),
        (NEXT, first, 1, {"clicks": 3}, AT),
    ]


def test_an_older_export_never_replaces_a_newer_one_but_adds_what_that_does_not_name(
    connection: psycopg.Connection[Any],
) -> None:
    newer, _ = put(connection, "new", [row("a", 1)])
    older, ended = put(connection, "old", [row("a", 9, at=AT - HOUR), row("b", 2, at=AT - HOUR)])
    assert ended == "published"
    assert held(connection) == [(DAY, "a", None, 1, newer), (DAY, "b", None, 2, older)]
    assert balance(connection, older) == (1, 0, 1)
    oldest, ended = put(connection, "oldest", [row("a", 8, at=AT - 2 * HOUR)])
    assert ended == state(connection, oldest) == "superseded"
    assert balance(connection, oldest) == (0, 0, 1)
    assert fetch(connection, "select reason from ops.load where load_id = %s", (oldest,)) == [
        ("1 rows are there from later exports",)
    ]


def test_an_unknown_dimension_is_a_value_of_its_own_and_equal_to_itself(connection: psycopg.Connection[Any]) -> None:
    put(connection, "1", [row("a", 1), row("a", 2, device="mobile"), row("a", 3, device="NULL"), row("a','NULL", 4)])
    second, _ = put(connection, "2", [row("a", 5, at=AT + HOUR)])
    assert [r[1:4] for r in held(connection)] == [
        ("a", None, 5),
        ("a", "NULL", 3),
        ("a", "mobile", 2),
        ("a','NULL", None, 4),
    ]
    assert balance(connection, second) == (1, 0, 0)


def test_equal_content_ends_unchanged_and_is_no_new_publication(connection: psycopg.Connection[Any]) -> None:
    rows = [row("a", 1), row("b", None, NEXT)]
    first, _ = put(connection, "1", rows)
    before = held(connection)
    again, ended = put(connection, "same rows in other bytes", reversed(rows))
    assert ended == state(connection, again) == "unchanged"
    assert balance(connection, again) == (0, 2, 0)
    assert held(connection) == before
    assert fetch(connection, "select count(*), min(load_id) from ops.publication") == [(2, first)]
    assert fetch(connection, "select count(*) from pg_tables where schemaname = 'audit'") == [(0,)]


def test_only_days_that_change_are_published_again(connection: psycopg.Connection[Any]) -> None:
    put(connection, "1", [row("a", 1), row("a", 1, NEXT)])
    second, _ = put(connection, "2", [row("a", 1), row("a", 2, NEXT, at=AT + HOUR)])
    assert fetch(connection, "select day from ops.publication where load_id = %s", (second,)) == [(NEXT,)]
    assert balance(connection, second) == (1, 1, 0)


def test_vendors_never_touch_each_others_rows(connection: psycopg.Connection[Any]) -> None:
    first, _ = put(connection, "1", [row("a", 1)], part="ahrefs_form")
    second, _ = put(connection, "2", [row("a", 2, at=AT + HOUR)], part="semrush_form")
    assert held(connection, "ahrefs_form") == [(DAY, "a", None, 1, first)]
    assert held(connection, "semrush_form") == [(DAY, "a", None, 2, second)]


def test_a_load_with_no_row_left_is_superseded(connection: psycopg.Connection[Any]) -> None:
    first, _ = put(connection, "1", [row("a", 1), row("b", 1)])
    put(connection, "2", [row("a", 2, at=AT + HOUR)])
    assert state(connection, first) == "published"
    put(connection, "3", [row("b", 2, at=AT + HOUR)])
    assert state(connection, first) == "superseded"


def test_checksums_of_merged_days_are_those_of_the_same_rows_loaded_at_once(
    connection: psycopg.Connection[Any],
) -> None:
    put(connection, "1", [row("a", 1), row("b", 2), row("x", 7, NEXT)])
    put(connection, "2", [row("b", 3, at=AT + HOUR), row("c", 4, at=AT + HOUR)])
    put(
        connection,
        "whole",
        [row("a", 1), row("b", 3, at=AT + HOUR), row("c", 4, at=AT + HOUR), row("x", 7, NEXT)],
        part="whole",
    )
    sums = "select day, row_count, checksum, totals from ops.publication where is_current and part = %s order by day"
    assert fetch(connection, sums, ("a_form",)) == fetch(connection, sums, ("whole",))


def test_two_files_of_the_same_days_are_written_before_either_is_published(
    connection: psycopg.Connection[Any],
) -> None:
    first, second = load(connection, "1", [row("a", 1)]), load(connection, "2", [row("a", 2, at=AT + HOUR)])
    assert (state(connection, first), state(connection, second)) == ("passed", "passed")
    assert publish(connection, DROP, CHECK, second) == "published"
    assert publish(connection, DROP, CHECK, first) == "superseded"
    assert [r[3] for r in held(connection)] == [2]
    assert fetch(connection, "select distinct attempt from ops.load") == [(1,)]


def test_a_dead_attempt_at_a_file_fails_when_the_next_one_begins(connection: psycopg.Connection[Any]) -> None:
    dead = load(connection, "1", [row("a", 1)])
    load(connection, "1", [row("a", 1)])
    assert state(connection, dead) == "failed"


def test_a_replayed_file_takes_back_what_it_does_not_name_any_more(connection: psycopg.Connection[Any]) -> None:
    put(connection, "other", [row("z", 1), row("y", 1, at=AT + HOUR)])
    wrong, _ = put(connection, "1", [row("Ã¼", 1), row("b", 2), row("c", 3, NEXT)])
    mended, ended = put(connection, "1", [row("ü", 1), row("b", 2)], purpose="replay")
    assert ended == "published"
    assert [(r[0], r[1], r[4]) for r in held(connection)[1:3]] == [(DAY, "y", 1), (DAY, "z", 1)]
    assert {(r[0], r[1], r[4]) for r in held(connection)} == {
        (DAY, "b", wrong), (DAY, "y", 1), (DAY, "z", 1), (DAY, "ü", mended),
    }  # fmt: skip
    assert fetch(connection, "select row_count from ops.publication where is_current and day = %s", (NEXT,)) == [(0,)]


def test_a_replayed_file_brings_back_days_that_raw_had_given_up(connection: psycopg.Connection[Any]) -> None:
    put(connection, "1", [row("a", 1)])
    connection.execute(f"truncate {RAW}")
    connection.execute("update ops.publication set is_current = false, dropped_at = now()")
    _, ended = put(connection, "1", [row("a", 1)], purpose="replay")
    assert ended == "published"
    assert fetch(connection, "select is_current, dropped_at, row_count from ops.publication order by 1") == [
        (False, None, 1),
        (True, None, 1),
    ]


def test_of_two_exports_of_the_same_instant_a_replay_keeps_the_one_that_was_read_later(
    connection: psycopg.Connection[Any],
) -> None:
    put(connection, "1", [row("a", 1)])
    put(connection, "2", [row("a", 2)])
    assert [r[3] for r in held(connection)] == [2]
    assert put(connection, "1", [row("a", 1)], purpose="replay")[1] == "superseded"
    assert put(connection, "2", [row("a", 2)], purpose="replay")[1] == "unchanged"
    assert [r[3] for r in held(connection)] == [2]


def test_a_batch_that_lost_rows_is_not_published(connection: psycopg.Connection[Any]) -> None:
    load_id = load(connection, "1", [row("a", 1), row("b", 1)])
    connection.execute(f"delete from audit.load_{load_id} where keyword = 'b'")
    with pytest.raises(LoadError, match="are not its 2"):
        publish(connection, DROP, CHECK, load_id)
    assert held(connection) == []
    assert state(connection, load_id) == "passed"


def test_a_table_of_files_without_the_instant_of_its_export_is_refused() -> None:
    columns = tuple(c for c in CHECK.columns if c.name != "exported_at")
    with pytest.raises(ValueError, match=r"made_up_files\.check: a table of files needs exported_at"):
        replace(DROP, tables=(replace(CHECK, columns=columns),))
    assert SOURCE.tables[0].name == "hit"


KEYWORDS, DAYS = "abc", [DAY + timedelta(n) for n in range(3)]
export = st.dictionaries(
    st.tuples(st.sampled_from(DAYS), st.sampled_from(KEYWORDS), st.sampled_from([None, "mobile"])),
    st.integers(0, 3),
    min_size=1,
)


@given(exports=st.lists(export, min_size=1, max_size=4), data=st.data())
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_exports_in_any_order_end_as_each_grains_latest(
    connection: psycopg.Connection[Any], exports: list[dict[tuple[date, str, str | None], int]], data: st.DataObject
) -> None:
    connection.execute(f"truncate {RAW}, ops.load cascade")
    latest = {grain: clicks for said in exports for grain, clicks in said.items()}
    for number in data.draw(st.permutations(range(len(exports)))):
        rows = [row(k, c, day, dev, AT + number * HOUR) for (day, k, dev), c in exports[number].items()]
        load_id, _ = put(connection, str(number), rows)
        assert sum(balance(connection, load_id)) == len(rows)
    assert {(r[0], r[1], r[2]): r[3] for r in held(connection)} == latest
    differing = f"""
        select * from (select day, count(*) as row_count, sum(clicks) as clicks from {RAW} group by day) as r
        full join (select day, row_count, (totals ->> 'clicks')::bigint as clicks from ops.publication where is_current)
            as p using (day, row_count, clicks)
        where r is null or p is null
    """
    assert fetch(connection, differing) == []
    rowless = f"select load_id from ops.load where state = 'published' except select load_id from {RAW}"
    assert fetch(connection, rowless) == []
