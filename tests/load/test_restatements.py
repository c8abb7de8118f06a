"""Days that are read again: late, restated, back-filled, held and released, in any order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import psycopg
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from seo_warehouse.ledger.completeness import read_days
from seo_warehouse.ledger.loads import move
from seo_warehouse.load import decisions
from seo_warehouse.load.publish import publish
from seo_warehouse.spec import Row
from tests.load.loading import SOURCE, TABLE, fetch, make_row, open_warehouse, passed, state, write

FIRST = date(2026, 5, 1)
DAYS = 4
LAST_HOUR = 12 * 24
FINAL_AGE = SOURCE.delay_days + SOURCE.lookback_days
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Reading:
    """What the provider said of some days at an instant, in hours since FIRST, and what becomes of the load."""

    first: int
    last: int
    hour: int
    purpose: str
    fate: str

    @property
    def days(self) -> list[date]:
        return [FIRST + timedelta(days=n) for n in range(self.first, self.last + 1)]

    @property
    def read_at(self) -> datetime:
        return datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(hours=self.hour)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[list[int]], list[Reading], list[int]]:
    """The hours at which the provider restates each day, readings, and an order of their writes and settlements."""
    changes = [draw(st.lists(st.integers(0, LAST_HOUR), max_size=3)) for _ in range(DAYS)]
    hours = draw(st.lists(st.integers(0, LAST_HOUR), min_size=1, max_size=6, unique=True))
    readings = []
    for hour in hours:
        first = draw(st.integers(0, DAYS - 1))
        last = draw(st.integers(first, DAYS - 1))
        purpose = draw(st.sampled_from(("night", "history", "backfill")))
        fate = draw(st.sampled_from(("published", "published", "released", "rejected", "held")))
        readings.append(Reading(first, last, hour, purpose, fate))
    # Each number twice: first it is written, then settled, with whatever happens in between.
    return changes, readings, draw(st.permutations([*range(len(readings))] * 2))


def value_of(changes: list[list[int]], day: date, hour: int) -> int:
    """What the provider says of a day at an hour: how often it has changed its mind."""
    return sum(changed <= hour for changed in changes[(day - FIRST).days])


def rows_of(changes: list[list[int]], days: list[date], hour: int) -> Iterator[Row]:
    for day in days:
        value = value_of(changes, day, hour)
        yield from (make_row(day, number, clicks=10.0 + value) for number in range(value % 3))


def settle(connection: psycopg.Connection[Any], reading: Reading, load_id: int) -> bool:
    """Publish, release or reject a load that still waits for it; whether it counts from now on."""
    if state(connection, load_id) not in ("passed", "quarantined") or reading.fate == "held":
        return False
    if reading.fate == "published":
        publish(connection, SOURCE, TABLE, load_id)
        return True
    verb: decisions.Verb = "approve" if reading.fate == "released" else "reject"
    decisions.decide(connection, load_id, verb, who="ada", why="looked at it")
    decisions.carry_out(connection, SOURCE, TABLE, load_id)
    return verb == "approve"


def apply(
    connection: psycopg.Connection[Any], key: int, changes: list[list[int]], readings: list[Reading], order: list[int]
) -> list[Reading]:
    """Write and settle the readings in an order. Returns those that counted, in the order in which they did."""
    loads: dict[int, int] = {}
    counted = []
    for number in order:
        reading = readings[number]
        if number not in loads:
            rows = rows_of(changes, reading.days, reading.hour)
            loads[number] = write(
                connection, rows, days=reading.days, property_key=key, read_at=reading.read_at, purpose=reading.purpose
            )
            if reading.fate == "published":
                passed(connection, loads[number])
            else:
                move(connection, loads[number], "quarantined", reason="held")
        elif settle(connection, reading, loads[number]):
            counted.append(reading)
    return counted


def held(connection: psycopg.Connection[Any], key: int) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """What raw and the ledger hold of a property, without the ids of loads."""
    columns = "day, url, device, clicks, visits, extra::text, tags"
    raw = f"select {columns} from raw.{SOURCE.raw_name(TABLE)} where property_key = %s order by day, url"
    ledger = """
        select day, row_count, checksum, totals, facts, read_at from ops.publication
        where property_key = %s and is_current order by day
    """
    return fetch(connection, raw, (key,)), fetch(connection, ledger, (key,))


def expected_states(changes: list[list[int]], counted: list[Reading]) -> dict[date, str]:
    """The states of the days that were published, worked out reading by reading."""
    found: dict[date, list[tuple[int, int]]] = {}
    for reading in counted:
        for day in reading.days:
            versions = found.setdefault(day, [])
            value = value_of(changes, day, reading.hour)
            if versions and versions[-1][1] == value:
                versions[-1] = (max(versions[-1][0], reading.hour), value)
            elif not versions or versions[-1][0] < reading.hour:
                versions.append((reading.hour, value))

    def is_final(day: date, hour: int) -> bool:
        return hour // 24 - (day - FIRST).days >= FINAL_AGE

    states = {}
    for day, (*before, (hour, value)) in found.items():
        is_restated = any(is_final(day, earlier) and other != value for earlier, other in before)
        states[day] = "provisional" if not is_final(day, hour) else "restated" if is_restated else "final"
    return states


def test_days_read_again_in_any_order_end_as_a_full_refresh_would(database: str) -> None:
    keys = count(1, 2)
    with open_warehouse(database) as connection:

        @settings(max_examples=40, suppress_health_check=list(HealthCheck))
        @given(histories())
        @example(
            (
                [[200], [], [], []],
                [Reading(0, 0, 150, "night", "published"), Reading(0, 0, 250, "backfill", "released")],
                [0, 0, 1, 1],
            )
        )
        def check(history: tuple[list[list[int]], list[Reading], list[int]]) -> None:
            changes, readings, order = history
            key = next(keys)
            connection.execute(
                """
                insert into ops.property values (%s, %s, 'example.com', %s, 'google', 1, 'en', 10, true);
                """,
                (key, f"shop{key}", FIRST),
            )
            connection.execute(
                "insert into ops.source_table values (%s, %s, %s, 'dated', %s, %s, %s, 1, '23:00')",
                (SOURCE.name, TABLE.name, key, FIRST, SOURCE.delay_days, SOURCE.lookback_days),
            )
            counted = apply(connection, key, changes, readings, order)
            latest = {day: r for r in sorted(counted, key=lambda r: r.hour) for day in r.days}
            for day, reading in latest.items():
                once = write(
                    connection, rows_of(changes, [day], reading.hour), days=[day], property_key=key + 1,
                    read_at=reading.read_at,
                )  # fmt: skip
                publish(connection, SOURCE, TABLE, passed(connection, once))
            assert held(connection, key) == held(connection, key + 1)
            (told,) = read_days(connection, NOW, key)
            kept = {day: name for day, name in told.states.items() if name not in ("absent", "quarantined", "failed")}
            assert kept.items() <= expected_states(changes, counted).items()
            assert set(latest) - kept.keys() <= {
                day for day, name in told.states.items() if name in ("quarantined", "failed")
            }

        check()


def test_what_was_known_of_a_day_at_each_age_is_told_with_its_share_of_the_final_value(database: str) -> None:
    """Read at ages 2 to 5 and, restated, at 30; found equal at 3; held at 4 for good."""
    with open_warehouse(database) as connection:
        connection.execute(
            "insert into ops.source_table values (%s, %s, 1, 'dated', %s, 2, 3, 1, '23:00')",
            (SOURCE.name, TABLE.name, FIRST),
        )
        for age, clicks in ((2, 50.0), (3, 50.0), (4, 75.0), (5, 100.0), (30, 120.0)):
            rows = [make_row(FIRST, clicks=clicks)]
            read_at = datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(days=age, hours=6)
            load_id = write(connection, rows, days=[FIRST], read_at=read_at)
            if age == 4:
                move(connection, load_id, "quarantined", reason="held")
            else:
                publish(connection, SOURCE, TABLE, passed(connection, load_id))
        told = """
            select age_days, value::float, share_of_final::float, is_final from ops.restatement
            where total = 'clicks' order by age_days
        """
        assert fetch(connection, told) == [
            (2, 50.0, 0.5, False),
            (3, 50.0, 0.5, False),
            (5, 100.0, 1.0, True),
            (30, 120.0, 1.2, True),
        ]


def test_before_a_day_is_final_there_is_no_share(database: str) -> None:
    with open_warehouse(database) as connection:
        connection.execute(
            "insert into ops.source_table values (%s, %s, 1, 'dated', %s, 2, 3, 1, '23:00')",
            (SOURCE.name, TABLE.name, FIRST),
        )
        read_at = datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(days=2)
        publish(connection, SOURCE, TABLE, passed(connection, write(connection, [], days=[FIRST], read_at=read_at)))
        assert fetch(connection, "select value, final_value, share_of_final from ops.restatement") == [(0, None, None)]
