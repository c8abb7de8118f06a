"""Loads before the gate."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from seo_warehouse.audit.gate import audit_load
from seo_warehouse.errors import LoadError, TransientLoadError
from seo_warehouse.ledger import loads
from seo_warehouse.ledger.held import read_evidence
from seo_warehouse.load.publish import publish
from seo_warehouse.load.schema import create_roles, stored_columns
from seo_warehouse.spec import BatchRule, Row, RowRule, Source
from tests.conftest import PASSWORDS
from tests.load.loading import (
    DAY,
    READ_AT,
    SOURCE,
    TABLE,
    fetch,
    make_row,
    make_source,
    make_table,
    open_warehouse,
    state,
    write,
)

RAW = f"raw.{SOURCE.raw_name(TABLE)}"
TOLERANT = make_source(make_table(tolerance=0.5))


def judge(connection: psycopg.Connection[Any], dsn: str, load_id: int, source: Source = SOURCE) -> str:
    return audit_load(connection, dsn, source, source.tables[0], load_id)


def broken(connection: psycopg.Connection[Any], load_id: int) -> dict[str, int]:
    return dict(
        fetch(
            connection,
            "select rule, broken_count from ops.verdict where not is_met and load_id = %s order by rule",
            (load_id,),
        )
    )


def test_a_good_load_passes_and_each_rule_has_its_verdict(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id = write(connection, [make_row(number=n) for n in range(20)])
        assert judge(connection, database, load_id) == state(connection, load_id) == "passed"
        verdicts = fetch(connection, "select rule, is_met, broken_count, reason from ops.verdict")
        assert all(row[1:] == (True, 0, None) for row in verdicts)
        assert {row[0] for row in verdicts} == {
            "day_required", "url_required", "device_required", "device_values", "clicks_range", "visits_range",
            "country_pattern", "visits_have_clicks", "storable", "day_in_load", "duplicate_grain", "unknown_fields",
            "missing_fields", "odd_fields", "stated_count", "least_share", "is_capped",
        }  # fmt: skip
        assert publish(connection, SOURCE, TABLE, load_id) == "published"


def test_a_load_without_rows_passes(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id = write(connection, [])
        assert judge(connection, database, load_id) == "passed"
        assert publish(connection, SOURCE, TABLE, load_id) == "published"


def test_a_bad_row_holds_a_load_whose_table_tolerates_none(database: str) -> None:
    with open_warehouse(database) as connection:
        rows = [make_row(number=1), make_row(number=2, clicks=-1.0), make_row(number=3, device="X")]
        load_id = write(connection, rows)
        assert judge(connection, database, load_id) == "quarantined"
        assert broken(connection, load_id) == {"clicks_range": 1, "device_values": 1, "visits_have_clicks": 1}
        assert fetch(connection, f"select count(*) from audit.load_{load_id}") == [(3,)]
        assert fetch(connection, "select * from ops.rejected_row") == []
        reason = loads.load_state(connection, load_id)[1]
        assert reason is not None
        assert "device_values: device is none of DESKTOP, MOBILE (1 of 3 rows)" in reason
        with pytest.raises(LoadError, match="quarantined"):
            publish(connection, SOURCE, TABLE, load_id)


def test_below_the_tolerance_bad_rows_are_kept_apart_with_their_rules(database: str) -> None:
    bad = [
        make_row(number=2, clicks=-1.0),
        make_row(number=3, device=None, country="Deutschland"),
        make_row(number=4, visits="many"),
        make_row(number=5) | {"day": DAY + timedelta(9)},
        make_row(number=1, clicks=99.0),
    ]
    with open_warehouse(database) as connection:
        load_id = write(connection, [make_row(number=1), *bad, *(make_row(number=n) for n in range(10, 16))])
        before = fetch(connection, "select row_count, checksum, totals from ops.load_day")
        assert judge(connection, database, load_id, TOLERANT) == "passed"
        assert fetch(connection, "select row_no, rules from ops.rejected_row order by row_no") == [
            (2, ["clicks_range", "visits_have_clicks"]),
            (3, ["device_required", "country_pattern"]),
            (4, ["unstorable_visits"]),
            (5, ["day_in_load"]),
            (6, ["duplicate_grain"]),
        ]
        contents = fetch(connection, "select row_content from ops.rejected_row order by row_no")
        assert all(content.keys() >= make_row().keys() for (content,) in contents)
        assert contents[0][0]["clicks"] == -1.0
        assert contents[2][0]["visits"] == "many"
        assert fetch(connection, "select rows_read, rows_rejected from ops.load") == [(12, 5)]
        after = fetch(connection, "select row_count, checksum, totals from ops.load_day")
        assert (after[0][0], after[0][2]) == (7, {"clicks": 4.0 + sum(3 + n for n in range(10, 16))})
        assert after[0][1] != before[0][1]
        assert broken(connection, load_id)["duplicate_grain"] == 1
        assert publish(connection, TOLERANT, TOLERANT.tables[0], load_id) == "published"
        assert fetch(connection, f"select count(*), max(clicks) from {RAW}") == [(7, 18.0)]


def test_bad_rows_count_together_against_the_tolerance(database: str) -> None:
    rows = [make_row(number=1), make_row(number=2, clicks=-1.0), make_row(number=3, country="X"), make_row(number=1)]
    with open_warehouse(database) as connection:
        load_id = write(connection, rows)
        assert judge(connection, database, load_id, TOLERANT) == "quarantined", "three of four, though one of each"
        assert fetch(connection, "select * from ops.rejected_row") == []
        assert fetch(connection, f"select count(*) from audit.load_{load_id}") == [(4,)]
        shown = read_evidence(connection, load_id, 1).rows[0]
        assert shown.keys() == {name for name, _ in stored_columns(TABLE.columns)} | {"unfit"}


def test_of_a_bad_and_a_good_row_of_one_grain_the_good_one_stays(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id = write(connection, [make_row(clicks=-5.0), make_row(clicks=8.0)])
        assert judge(connection, database, load_id, TOLERANT) == "passed"
        assert fetch(connection, f"select clicks from audit.load_{load_id}") == [(8.0,)]


def test_a_warning_rejects_nothing(database: str) -> None:
    rule = RowRule(name="is_new", sql="is_new", reason="Old ones are odd.", severity="warn")
    source = make_source(make_table(row_rules=(rule,)))
    with open_warehouse(database) as connection:
        load_id = write(connection, [make_row(number=1, is_new=False), make_row(number=2)])
        assert judge(connection, database, load_id, source) == "passed"
        assert broken(connection, load_id) == {"is_new": 1}
        assert loads.load_state(connection, load_id)[1] is None
        assert fetch(connection, "select count(*) from ops.rejected_row") == [(0,)]


def test_sql_with_percent_colon_brace_and_quote_means_itself(database: str) -> None:
    text = "country not like 'x%' and country <> ':country' and country <> '%s %(a)s {b} \\' and '50%'::text <> country"
    rules = (RowRule(name='odd "it\'s" {name} 100%:x', sql=text, reason="Signs, 100% of :them {}."),)
    source = make_source(make_table(row_rules=rules, tolerance=0.5))
    with open_warehouse(database) as connection:
        load_id = write(connection, [make_row(number=n, country=c) for n, c in enumerate(["deu", "xyz", "fra"])])
        assert judge(connection, database, load_id, source) == "passed"
        assert broken(connection, load_id) == {rules[0].name: 1}
        assert fetch(connection, "select row_no, rules from ops.rejected_row") == [(2, [rules[0].name])]


def test_hostile_patterns_and_values_mean_themselves(database: str) -> None:
    values = ("MOBILE", "'; drop table ops.load; --", "100%:a", "{b}")
    changes: dict[str, dict[str, Any]] = {"device": {"values": values}, "country": {"pattern": "^(?:de[u%]|':{1})"}}
    columns = tuple(replace(column, **changes.get(column.name, {})) for column in TABLE.columns)
    source = make_source(make_table(columns=columns))
    with open_warehouse(database) as connection:
        load_id = write(connection, [make_row(number=n, device=value) for n, value in enumerate(values)])
        assert judge(connection, database, load_id, source) == "passed"
        load_id = write(connection, [make_row(device="X"), make_row(country="fra", number=2), make_row(number=3)])
        assert judge(connection, database, load_id, source) == "quarantined"
        assert broken(connection, load_id) == {"country_pattern": 1, "device_values": 1}


def test_a_batch_rule_names_batch_raw_and_period(database: str) -> None:
    rule = BatchRule(
        name="not_less_than_published",
        sql="""
            select 'a%b:c {{x}}' as odd from {raw} as r
            where r.property_key = {property_key} and r.day between {first_day} and {last_day}
              and (select count(*) from {batch}) < (select count(*) from {raw} where property_key = {property_key})
              and exists (select from ops.load_day where load_id = {load_id})
        """,
        reason="A day does not shrink.",
    )
    source = make_source(make_table(batch_rules=(rule,)))
    with open_warehouse(database) as connection:
        load_id = write(connection, [make_row(number=n) for n in range(3)])
        assert judge(connection, database, load_id, source) == "passed"
        publish(connection, SOURCE, TABLE, load_id)
        load_id = write(connection, [make_row()])
        assert judge(connection, database, load_id, source) == "quarantined"
        assert broken(connection, load_id) == {"not_less_than_published": 3}
        assert loads.load_state(connection, load_id)[1] == "not_less_than_published: A day does not shrink. (3 found)"


def test_a_rule_that_cannot_be_asked_is_no_verdict(database: str) -> None:
    source = make_source(make_table(row_rules=(RowRule(name="odd", sql="no_column > 3", reason="Odd."),)))
    with open_warehouse(database) as connection:
        load_id = write(connection, [make_row()])
        with pytest.raises(LoadError, match="no_column"):
            judge(connection, database, load_id, source)
        assert state(connection, load_id) == "written"
        assert judge(connection, database, load_id) == "passed", "the gate still works"


def test_a_server_that_went_away_is_transient(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id = write(connection, [make_row()])
        with pytest.raises(TransientLoadError):
            judge(connection, "postgresql://nobody:x@127.0.0.1:1/none", load_id)
        assert state(connection, load_id) == "written"


def test_a_connection_that_was_lost_costs_one_try_at_most(database: str) -> None:
    with open_warehouse(database) as connection:
        load_id = write(connection, [make_row()])
        assert judge(connection, database, load_id) == "passed"
        load_id = write(connection, [make_row()])
        ended = fetch(
            connection,
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where application_name = 'seo-warehouse gate' and datname = current_database()",
        )
        assert set(ended) == {(True,)}
        with suppress(TransientLoadError):
            judge(connection, database, load_id)
        assert judge(connection, database, load_id) == "passed"


@pytest.mark.parametrize("rows", [0, 3])
def test_what_the_reader_noted_is_judged(database: str, rows: int) -> None:
    noted = {"unknown_fields": ["a", "b%"], "missing_fields": ["c"], "stated_count": 4, "is_capped": True}
    noted["odd_fields"] = ["d"]
    noted["caps"] = ["max_pages", "foreign_sitemaps"]
    with open_warehouse(database) as connection:
        load_id = write(connection, [make_row(number=n) for n in range(rows)], facts={DAY: noted})
        assert judge(connection, database, load_id) == "quarantined"
        assert broken(connection, load_id) == {
            "is_capped": 1, "missing_fields": 1, "odd_fields": 1, "stated_count": 1, "unknown_fields": 1
        }  # fmt: skip
        told = connection.execute(
            "select reason from ops.verdict where load_id = %s and rule = 'is_capped'", (load_id,)
        )
        assert told.fetchall() == [(f"{DAY}: capped (max_pages, foreign_sitemaps)",)]
        reason = loads.load_state(connection, load_id)[1]
        assert reason == (
            f"unknown_fields: {DAY}: a, b%; missing_fields: {DAY}: c; stated_count: {DAY}: {rows} rows read, 4 stated"
        )


def test_a_stated_count_is_of_the_rows_read_not_of_those_kept(database: str) -> None:
    with open_warehouse(database) as connection:
        rows = [make_row(number=1), make_row(number=2, visits="many"), make_row(number=3, clicks=-1.0)]
        load_id = write(connection, rows, facts={DAY: {"stated_count": 3, "unknown_fields": [], "is_capped": False}})
        assert judge(connection, database, load_id, make_source(make_table(tolerance=0.7))) == "passed"


def test_far_fewer_rows_than_usual_hold_the_load(database: str) -> None:
    source = make_source(make_table(least_share=0.5))
    days = [DAY + timedelta(number) for number in range(7)]
    with open_warehouse(database) as connection:
        load_id = write(connection, [make_row(day, n) for day in days[:6] for n in range(10)], days=days[:6])
        assert judge(connection, database, load_id, source) == "passed", "nothing is usual yet"
        publish(connection, SOURCE, TABLE, load_id)
        load_id = write(connection, [make_row(days[6], n) for n in range(4)], days=[days[6]])
        assert judge(connection, database, load_id, source) == "passed", "six days are no week"
        publish(connection, SOURCE, TABLE, load_id)
        tomorrow = DAY + timedelta(7)
        load_id = write(connection, [make_row(tomorrow, n) for n in range(4)], days=[tomorrow])
        assert judge(connection, database, load_id, source) == "quarantined"
        assert loads.load_state(connection, load_id)[1] == f"least_share: {tomorrow}: 4 rows, 10 are usual"
        load_id = write(connection, [make_row(tomorrow, n) for n in range(5)], days=[tomorrow])
        assert judge(connection, database, load_id, source) == "passed"
        other = write(connection, [make_row(tomorrow)], days=[tomorrow], property_key=2)
        assert judge(connection, database, other, source) == "passed", "another property has its own usual"


def test_judging_again_returns_the_first_verdict(database: str) -> None:
    with open_warehouse(database) as connection:
        good, bad = write(connection, [make_row()]), write(connection, [make_row(clicks=-1.0)], property_key=2)
        for _ in range(2):
            assert judge(connection, database, good) == "passed"
            assert judge(connection, database, bad) == "quarantined"
        begun = fetch(connection, "select count(*) from ops.verdict where load_id = %s", (good,))
        assert begun == [(17,)]
        loads.fail_load(connection, good, "stopped")
        with pytest.raises(LoadError, match="failed"):
            judge(connection, database, good)


def test_a_later_reading_that_passes_supersedes_a_quarantined_one(database: str) -> None:
    with open_warehouse(database) as connection:
        held = write(connection, [make_row(clicks=-1.0)])
        assert judge(connection, database, held) == "quarantined"
        load_id = write(connection, [make_row()], read_at=READ_AT + timedelta(hours=1))
        assert state(connection, held) == "quarantined", "a new attempt leaves it to its judge"
        assert judge(connection, database, load_id) == "passed"
        publish(connection, SOURCE, TABLE, load_id)
        assert state(connection, held) == "superseded"


def test_a_key_longer_than_an_index_holds_is_judged(database: str) -> None:
    letters = "".join(random.Random(4).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=30_000))
    with open_warehouse(database) as connection:
        rows = [make_row(url=f"https://example.com/{letters}") for _ in range(2)]
        load_id = write(connection, rows)
        assert judge(connection, database, load_id, TOLERANT) == "passed"
        assert fetch(connection, "select row_no, rules from ops.rejected_row") == [(2, ["duplicate_grain"])]


def test_the_loader_role_is_enough_for_the_whole_life(database: str) -> None:
    loader = database.replace("postgres:test-superuser@", "seo_loader:test-loader@")
    with open_warehouse(database) as owner:
        create_roles(owner, PASSWORDS)
    with psycopg.connect(loader, autocommit=True) as connection:
        held = write(connection, [make_row(device="X")])
        assert judge(connection, loader, held, SOURCE) == "quarantined"
        rows = [make_row(), make_row(clicks=-1.0, number=2)]
        for ended in ("published", "unchanged"):
            load_id = write(connection, rows)
            assert judge(connection, loader, load_id, TOLERANT) == "passed"
            assert publish(connection, SOURCE, TABLE, load_id) == ended
        notices: list[str] = []
        connection.add_notice_handler(lambda notice: notices.append(str(notice.message_primary)))
        connection.execute(f"vacuum (analyze) {RAW}")
        assert notices == []


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    with open_warehouse(database) as opened:
        yield opened


ROW = st.builds(
    lambda number, changes: make_row(number=number) | changes,
    st.integers(1, 6),
    st.fixed_dictionaries(
        {},
        optional={
            "clicks": st.sampled_from([-1.0, 0.0, 5.0, float("nan"), None]),
            "visits": st.sampled_from([2, 10**7, 10**12, "x"]),
            "device": st.sampled_from(["DESKTOP", "MOBILE", "X", None, "\0"]),
            "country": st.sampled_from(["deu", "D", None]),
            "day": st.sampled_from([DAY, DAY + timedelta(1), DAY + timedelta(5), None]),
        },
    ),
)


@settings(
    max_examples=12,
    deadline=None,
    phases=set(Phase) - {Phase.shrink, Phase.explain},  # with a database beneath, shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    batches=st.lists(st.lists(ROW, max_size=8), min_size=1, max_size=3),
    tolerance=st.sampled_from([0.0, 0.3, 1.0]),
    readings=st.lists(st.integers(0, 3), min_size=3, max_size=3),
)
def test_rows_read_are_published_or_unchanged_or_rejected_or_held(
    connection: psycopg.Connection[Any], database: str, batches: list[list[Row]], tolerance: float, readings: list[int]
) -> None:
    source = make_source(make_table(tolerance=tolerance))
    connection.execute(f"truncate ops.load, {RAW} restart identity cascade")
    for (name,) in fetch(connection, "select tablename from pg_tables where schemaname = 'audit'"):
        connection.execute(f"drop table audit.{name}")
    for rows, reading in zip(batches, readings, strict=False):
        load_id = write(connection, rows, days=[DAY, DAY + timedelta(1)], read_at=READ_AT + timedelta(hours=reading))
        before = dict(fetch(connection, "select load_id, state from ops.load"))
        if judge(connection, database, load_id, source) == "passed":
            publish(connection, source, source.tables[0], load_id)
        ((ended, read, rejected),) = fetch(
            connection, "select state, rows_read, rows_rejected from ops.load where load_id = %s", (load_id,)
        )
        assert read == len(rows)
        kept = fetch(connection, "select coalesce(sum(row_count), 0) from ops.load_day where load_id = %s", (load_id,))
        listed = fetch(connection, "select count(*) from ops.rejected_row where load_id = %s", (load_id,))
        assert listed == [(rejected,)]
        if ended == "quarantined":
            assert rejected == 0
            assert fetch(connection, f"select count(*) from audit.load_{load_id}") == [(read,)]
        else:
            assert ended in ("published", "unchanged", "superseded")
            assert read == kept[0][0] + rejected
        if ended == "published":
            ((there,),) = fetch(connection, f"select count(*) from {RAW} where load_id = %s", (load_id,))
            ((swapped,),) = fetch(
                connection, "select sum(row_count) from ops.publication where load_id = %s and is_current", (load_id,)
            )
            assert there == swapped
        assert before[load_id] == "written"
    current = fetch(connection, "select coalesce(sum(row_count), 0) from ops.publication where is_current")
    assert fetch(connection, f"select count(*) from {RAW}") == current
