"""Rows on their way from a reader into `audit`."""

from __future__ import annotations

import json
import math
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from seo_warehouse.client.api import Usage
from seo_warehouse.errors import LoadError, ThrottledError, TransientLoadError
from seo_warehouse.ledger import loads
from seo_warehouse.ledger.text import mend
from seo_warehouse.load.batch import write_batch
from seo_warehouse.load.lines import RowEncoder
from seo_warehouse.spec import Column, Row, Type
from tests.load.loading import (
    DAY,
    TABLE,
    fetch,
    make_noted,
    make_reading,
    make_row,
    make_source,
    make_table,
    open_warehouse,
    state,
    write,
)

HOSTILE = "'); drop table ops.load; -- \" \\ % %s {} :x $1 \t\n\r \\N \\. ü 漢 \U0001f600"


def written(connection: psycopg.Connection[Any], load_id: int) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return cursor.execute(f"select * from audit.load_{load_id} order by row_no").fetchall()


def test_every_type_comes_back_as_it_was(database: str) -> None:
    row = make_row(device=HOSTILE, tags=[HOSTILE, ""], extra={HOSTILE: [HOSTILE, 1.5, -7, True, None]})
    with open_warehouse(database) as connection:
        (kept,) = written(connection, write(connection, [row]))
    assert {name: kept[name] for name in row} == row
    assert (kept["url_normalised"], kept["url_domain"]) == ("https://www.example.com/page/1", "example.com")
    assert (kept["row_no"], kept["unfit"], kept["unfit_content"]) == (1, None, None)


def test_nothing_is_a_value_too(database: str) -> None:
    row = dict.fromkeys(make_row()) | {"day": DAY, "tags": [], "extra": {}, "device": ""}
    with open_warehouse(database) as connection:
        (kept,) = written(connection, write(connection, [row]))
    assert {name: kept[name] for name in row} == row


def test_what_is_no_url_is_kept_without_an_identity(database: str) -> None:
    with open_warehouse(database) as connection:
        (kept,) = written(connection, write(connection, [make_row(url="mailto:a@b.c")]))
    assert (kept["url"], kept["url_normalised"], kept["url_domain"]) == ("mailto:a@b.c", None, None)


@pytest.mark.parametrize("bad", ["\0", "\ud800", "a\0b\udfff\U0001f600"])
def test_characters_that_postgresql_cannot_hold_are_replaced_and_noted(database: str, bad: str) -> None:
    row = make_row(device=bad, url=f"https://example.com/{bad}", tags=["x", bad], extra={bad: [bad, {"k": bad}]})
    with open_warehouse(database) as connection:
        load_id = write(connection, [make_row(number=2), row])
        kept = written(connection, load_id)[1]
        facts = fetch(connection, "select facts from ops.load_day where load_id = %s", (load_id,))
    good = mend(bad)
    assert "\ufffd" in good
    assert (kept["device"], kept["tags"], kept["extra"]) == (good, ["x", good], {good: [good, {"k": good}]})
    assert kept["unfit"] is None
    assert facts == [({"mended_text_rows": 1},)]


def test_a_backslash_before_u0000_in_json_is_not_a_nul(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id = write(connection, [make_row(extra={"a": "\\u0000"})])
        assert written(connection, load_id)[0]["extra"] == {"a": "\\u0000"}
        assert fetch(connection, "select facts from ops.load_day") == [({},)]


UNFIT: list[tuple[str, Any]] = [
    ("day", "2026-05-04"),
    ("day", datetime(2026, 5, 4, tzinfo=UTC)),
    ("url", 5),
    ("device", b"MOBILE"),
    ("clicks", math.nan),
    ("clicks", -math.inf),
    ("clicks", 10**400),
    ("clicks", "3"),
    ("clicks", True),
    ("visits", 2**31),
    ("visits", 2.5),
    ("visits", math.inf),
    ("bytes", -(2**63) - 1),
    ("bytes", False),
    ("money", Decimal("NaN")),
    ("money", Decimal("1e200000")),
    ("money", 10**5000),
    ("money", math.nan),
    ("is_new", 1),
    ("seen_at", datetime(2026, 5, 4)),  # noqa: DTZ001
    ("seen_at", "2026-05-04T00:00:00Z"),
    ("extra", {"a": {1, 2}}),
    ("extra", b"x"),
    ("tags", "nofollow"),
    ("tags", ["nofollow", None]),
    ("tags", {"nofollow": 1}),
]


def test_a_value_that_its_column_cannot_hold_makes_the_row_unfit_and_keeps_it(database: str) -> None:
    rows = [make_row(number=number) | {column: value} for number, (column, value) in enumerate(UNFIT)]
    with open_warehouse(database) as connection:
        good, *bad = written(connection, write(connection, [make_row(), *rows]))
    assert good["unfit"] is None
    for (column, _), kept in zip(UNFIT, bad, strict=True):
        assert kept["unfit"] == [f"unstorable_{column}"]
        assert kept[column] is None
        assert kept["unfit_content"].keys() == make_row().keys()
        assert kept["unfit_content"]["country"] == "deu"


def test_numbers_of_another_but_exact_kind_are_taken(database: str) -> None:
    row = make_row(visits=2.0, clicks=7, money=0.25, bytes=1e15)
    with open_warehouse(database) as connection:
        (kept,) = written(connection, write(connection, [row]))
    assert (kept["visits"], kept["clicks"], kept["money"], kept["bytes"]) == (2, 7.0, Decimal("0.25"), 10**15)


def test_instants_are_kept_in_any_time_zone(database: str) -> None:
    moment = datetime(2026, 5, 4, 1, tzinfo=timezone(timedelta(hours=9)))
    with open_warehouse(database) as connection:
        assert written(connection, write(connection, [make_row(seen_at=moment)]))[0]["seen_at"] == moment


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth else "x"


def test_json_of_any_depth_that_can_be_decoded_is_kept_or_judged(database: str) -> None:
    rows = [make_row(extra=nested(depth)) for depth in (100, 300, 800)]
    with open_warehouse(database) as connection:
        kept = written(connection, write(connection, rows))
    assert [row["unfit"] for row in kept] == [None, ["unstorable_extra"], ["unstorable_extra"]]


def test_missing_and_unknown_columns_are_both_named(database: str) -> None:
    row = make_row()
    del row["visits"], row["clicks"]
    with open_warehouse(database) as connection:
        with pytest.raises(LoadError, match=r"row 2 lacks clicks, visits and has unknown '1; drop', 'x'"):
            write(connection, [make_row(), row | {"x": 1, "1; drop": 2}])
        ((load_state, reason),) = fetch(connection, "select state, reason from ops.load")
        assert load_state == "failed"
        assert "lacks clicks, visits" in reason
        assert fetch(connection, "select tablename from pg_tables where schemaname = 'audit'") == []


def test_a_reader_that_fails_leaves_no_row_and_a_failed_load_with_its_cost(database: str) -> None:
    def rows() -> Iterator[Row]:
        yield make_row()
        raise ThrottledError("come back later", 30)

    with open_warehouse(database) as connection:
        with pytest.raises(ThrottledError):
            write(connection, rows())  # type: ignore[arg-type]
        ((load_id, *noted),) = fetch(connection, "select load_id, state, reason, money, rows_read from ops.load")
        assert noted == ["failed", "ThrottledError: come back later", Decimal("0.02"), None]
        assert fetch(connection, "select to_regclass('audit.load_' || %s)", (load_id,)) == [(None,)]
        assert fetch(connection, "select * from ops.load_day") == []
        loads.fail_load(connection, load_id, "told again")
        assert state(connection, write(connection, [make_row()])) == "written", "the batch was let go"


def test_facts_and_usage_are_read_after_the_last_row(database: str) -> None:
    noted = make_noted(calls=0)

    def rows() -> Iterator[Row]:
        yield make_row()
        noted.facts[DAY] = {"stated_count": 1, "since": DAY, "unknown_fields": ["a"]}
        noted.usage.add(Usage(calls=7))

    with open_warehouse(database) as connection:
        load_id = begin(connection)
        assert write_batch(connection, load_id, make_reading(), rows(), noted) == 1
        assert fetch(connection, "select facts from ops.load_day") == [
            ({"stated_count": 1, "since": "2026-05-04", "unknown_fields": ["a"]},)
        ]
        assert fetch(connection, "select calls, rows_read, state from ops.load") == [(7, 1, "written")]


def begin(connection: psycopg.Connection[Any], wait: timedelta = loads.WRITER_WAIT, **changes: Any) -> int:
    return loads.begin_load(connection, make_reading(**changes), wait=wait)


def test_facts_of_a_day_that_was_not_asked_for_stop_the_load(database: str) -> None:
    with open_warehouse(database) as connection, pytest.raises(LoadError, match="2026-05-05"):
        write(connection, [], facts={DAY + timedelta(1): {"is_full": True}})


def test_a_load_is_written_once_and_only_as_what_it_was_begun(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id = write(connection, [make_row()])
        for property_key, message in ((1, "is written and cannot become written"), (2, "not of")):
            with pytest.raises(LoadError, match=message):
                write_batch(connection, load_id, make_reading(property_key=property_key), iter([]), make_noted())
        assert state(connection, load_id) == "written"


def test_identifiers_are_quoted_everywhere(database: str) -> None:
    name = 'sel"ect; --'
    columns = (*TABLE.columns, Column(name=name, type=Type.URL, description="It's odd."))
    source = make_source(make_table(columns=columns, grain=("day", name), totals=("clicks",)))
    with open_warehouse(database, source) as connection:
        load_id = write(connection, [make_row() | {name: "https://example.org/"}], source=source)
        assert written(connection, load_id)[0][f"{name}_domain"] == "example.org"


def test_a_lost_connection_is_transient_and_the_next_attempt_finds_the_load_dead(database: str) -> None:
    with open_warehouse(database) as connection, psycopg.connect(database, autocommit=True) as other:
        pid = connection.info.backend_pid

        def rows() -> Iterator[Row]:
            yield make_row()
            other.execute("select pg_terminate_backend(%s, 5000)", (pid,))
            for number in range(50_000):
                yield make_row(number=number)

        with pytest.raises(TransientLoadError):
            write(connection, rows())  # type: ignore[arg-type]
        assert fetch(other, "select state from ops.load") == [("started",)]
        write(other, [make_row()])
        assert fetch(other, "select state, attempt from ops.load order by load_id") == [("failed", 1), ("written", 2)]


def test_memory_stays_flat(database: str) -> None:
    def rows(count: int) -> Iterator[Row]:
        return (make_row(number=number % 50, device=str(number)) for number in range(count))

    with open_warehouse(database) as connection:
        write(connection, rows(1_000))  # type: ignore[arg-type]
        tracemalloc.start()
        write(connection, rows(40_000), property_key=2)  # type: ignore[arg-type]
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 3_000_000, "40,000 rows are some 20 MB"


@pytest.mark.parametrize(
    "odd",
    [
        {"device": None, "clicks": None, "visits": None, "is_new": None, "url": None},
        {"device": HOSTILE},
        {"device": "DESK\0TOP"},
        {"device": ["DESKTOP"]},
        {"clicks": 7, "visits": 7.0},
        {"clicks": math.nan},
        {"clicks": True},
        {"visits": True},
        {"visits": 2**31},
        {"bytes": -(2**63) - 1},
        {"is_new": 1},
        {"url": ["https://www.example.com/"]},
    ],
    ids=repr,
)
def test_a_row_is_written_among_others_as_it_is_alone(odd: dict[str, Any]) -> None:
    rows = [make_row(), make_row(**odd), make_row(url="https://www.example.com/page/2")]
    alone = RowEncoder(TABLE, "alone")
    assert RowEncoder(TABLE, "together").lines(rows) == "".join(alone.lines([row]) for row in rows)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_of_a_column_are_written_as_what_they_are(numbers: list[float]) -> None:
    lines = RowEncoder(TABLE, "numbers").lines([make_row(clicks=number) for number in numbers])
    place = RowEncoder(TABLE, "numbers").columns.index("clicks")
    assert [float(line.split("\t")[place]).hex() for line in lines.splitlines()] == [n.hex() for n in numbers]


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**30, max_value=10**40)
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.decimals()
    | st.dates()
    | st.datetimes(timezones=st.just(UTC))
    | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(
    max_examples=60,
    deadline=None,
    phases=set(Phase) - {Phase.shrink, Phase.explain},  # with a database beneath, shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(st.fixed_dictionaries({column.name: ANY for column in TABLE.columns}), max_size=5))
def test_any_values_are_kept_as_they_are_or_apart(connection: psycopg.Connection[Any], rows: list[Row]) -> None:
    kept = written(connection, write(connection, rows))
    assert len(kept) == len(rows)
    for row, stored_row in zip(rows, kept, strict=True):
        unfit = {name.removeprefix("unstorable_") for name in stored_row["unfit"] or []}
        for name, value in row.items():
            if name in unfit:
                assert stored_row[name] is None
            elif name == "extra":
                assert (stored_row[name] is None) == (value is None)
            elif type(value) in (int, float):
                assert float(stored_row[name]) == float(value)
            else:
                assert stored_row[name] == mend(value)
        if unfit:
            assert json.dumps(stored_row["unfit_content"])


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    with open_warehouse(database) as opened:
        yield opened
