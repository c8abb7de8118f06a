"""What is kept of a log, and the rows that are made of it: whatever stands in its lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seo_warehouse.logs import asof, rows
from seo_warehouse.logs.cells import LARGEST, Cells
from seo_warehouse.logs.keeping import keep, mask
from seo_warehouse.logs.resuming import find_start
from seo_warehouse.sources.server_logs import SERVER_LOGS
from tests.logs.files import BROWSER, GOOGLEBOT, combined_line

LOG = rows.Log(stream="web", name="access.log", site="https://www.shop.example", written_on=date(2021, 11, 23))
DAY = date(2021, 11, 22)
READINGS: asof.Readings = {"googlebot": {DAY: frozenset({"66.249.64.0/27"})}}
READERS = {
    "bot_hit": rows.read_bot_hits,
    "human_hit": rows.read_human_hits,
    "entry": rows.read_entries,
    "segment": rows.read_segments,
    "malformed_line": rows.read_malformed_lines,
}
ODD = [
    "\x00",
    "\r",
    "\x85",
    "é",
    "\u2028".encode().decode("latin-1"),
    '\\"',
    "=cmd|' /C calc'!A0",
    "a" * 300,
    "%00",
    "🤖".encode().decode("latin-1"),
]


def read(path: Path, readings: asof.Readings = READINGS) -> dict[str, list[dict[str, Any]]]:
    """The rows of a log, by table."""
    start = find_start(path, [])
    assert start is not None
    spool = BytesIO()
    keep(
        path,
        start,
        spool,
        asof.make_finder({name: set().union(*told.values()) for name, told in readings.items()}),
        domain="shop.example",
        takes_rest=True,
    )
    found = {}
    for table, reader in READERS.items():
        spool.seek(0)
        found[table] = list(reader(LOG, spool, asof.make_as_of(readings)))
    return found


def write(path: Path, lines: Sequence[str]) -> Path:
    path.write_bytes("".join(f"{line}\n" for line in lines).encode("latin-1"))
    return path


def lines_of(odd: str) -> st.SearchStrategy[str]:
    return st.builds(
        combined_line,
        address=st.sampled_from(["66.249.64.1", "192.0.2.7", "2001:db8::1%eth0", "::ffff:192.0.2.8", "a.example"]),
        time=st.sampled_from(
            [
                "22/Nov/2021:00:18:22 +0000",
                "22/Nov/2021:23:59:60 -1400",
                "01/Jan/0001:00:00:00 +1400",
                "31/Dec/9999:23:59:59 -1400",
            ]
        ),
        request=st.sampled_from(
            [f"GET /{odd} HTTP/1.1", "GET http://other.example/a?b HTTP/1.1", f"{odd}", "", "CONNECT a:443 HTTP/1.1"]
        ),
        status=st.sampled_from([200, 404, "099", "999"]),
        size=st.sampled_from(["-", "0", "9" * 18]),
        agent=st.sampled_from([GOOGLEBOT + odd, BROWSER, odd]),
        referrer=st.sampled_from(["-", odd, f"https://other.example/{odd}?t=1", f"https://www.shop.example/{odd}"]),
    )


@given(st.lists(st.one_of(st.sampled_from(ODD).flatmap(lines_of), st.sampled_from(ODD)), min_size=1, max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_line_is_counted_once_and_no_row_is_odd(tmp_path: Path, lines: list[str]) -> None:
    usual = [combined_line(), combined_line(agent=GOOGLEBOT)] * len(lines)
    found = read(write(tmp_path / "access.log", [*usual, *lines]))
    counted = sum(row["hit_count"] for table in ("bot_hit", "human_hit") for row in found[table])
    malformed = sum(row["malformed_count"] for row in found["segment"])
    assert counted + malformed == len(usual) + sum(bool(line.strip()) for line in lines), "but blank ones"
    assert sum(row["line_count"] for row in found["segment"]) == counted + malformed
    for table, made in found.items():
        columns = {column.name for column in SERVER_LOGS.table(table).columns} - {"exported_at"}
        grain = ("day", *SERVER_LOGS.table(table).grain)
        assert len({tuple(row[name] for name in grain) for row in made}) == len(made)
        for row in made:
            assert row.keys() == columns
            assert date(1990, 1, 1) <= row["day"] < date(2100, 1, 1)
            assert row.get("byte_count", 0) <= LARGEST
            row.get("line", "").encode()
            (row.get("url") or "").encode()


def test_a_url_of_another_host_stays_what_it_is_and_a_path_is_of_the_site(tmp_path: Path) -> None:
    requests = ["GET http://other.example/a HTTP/1.1", "GET /b HTTP/1.1", "OPTIONS * HTTP/1.1", "quit"]
    lines = [combined_line(address="66.249.64.1", request=request, agent=GOOGLEBOT) for request in requests]
    made = read(write(tmp_path / "access.log", lines))["bot_hit"]
    assert {(row["method"], row["url"]) for row in made} == {
        ("GET", "http://other.example/a"),
        ("GET", "https://www.shop.example/b"),
        ("OPTIONS", "*"),
        (None, None),
    }


def test_a_flood_of_liars_fills_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MOST_LIARS", 10)
    lines = [combined_line(address="192.0.2.7", request=f"GET /{n} HTTP/1.1", agent=GOOGLEBOT) for n in range(100)]
    lines += [combined_line(address="66.249.64.1", request=f"GET /{n} HTTP/1.1", agent=GOOGLEBOT) for n in range(50)]
    made = read(write(tmp_path / "access.log", lines))["bot_hit"]
    assert sum(row["verdict"] == "verified" for row in made) == 50
    (rest,) = [row for row in made if row["is_overflow"]]
    assert (rest["url"], rest["hit_count"]) == (None, 90)
    assert len(made) == 61


@pytest.mark.parametrize(
    ("days", "verdict", "is_later"),
    [
        (-8, "unverifiable", False),
        (-7, "verified", False),
        (0, "verified", False),
        (7, "verified", False),
        (8, "verified", True),
        (400, "verified", True),
    ],
)
def test_a_reading_holds_for_the_week_around_and_a_later_one_where_there_is_no_other(
    tmp_path: Path, days: int, verdict: str, is_later: bool
) -> None:
    path = write(tmp_path / "access.log", [combined_line(address="66.249.64.1", agent=GOOGLEBOT)])
    readings = {"googlebot": {DAY + timedelta(days): frozenset({"66.249.64.0/27"})}}
    (row,) = read(path, readings)["bot_hit"]
    assert (row["verdict"], row["is_range_later"]) == (verdict, is_later)


def test_a_later_reading_makes_no_liar_of_who_was_verified(tmp_path: Path) -> None:
    path = write(tmp_path / "access.log", [combined_line(address="66.249.64.1", agent=GOOGLEBOT)])
    readings = {
        "googlebot": {
            DAY - timedelta(3): frozenset({"66.249.64.0/27"}),
            **{DAY + timedelta(n): frozenset({"66.249.80.0/27"}) for n in range(1, 40)},
        }
    }
    (row,) = read(path, readings)["bot_hit"]
    assert row["verdict"] == "verified"


def test_what_is_an_operators_on_another_day_alone_is_a_visit_of_somebody(tmp_path: Path) -> None:
    path = write(tmp_path / "access.log", [combined_line(address="66.249.80.1")])
    readings = {"googlebot": {DAY: frozenset({"66.249.64.0/27"}), DAY + timedelta(60): frozenset({"66.249.80.0/27"})}}
    found = read(path, readings)
    assert found["bot_hit"] == []
    assert [(row["path"], row["hit_count"]) for row in found["human_hit"]] == [("/a", 1)]


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdef"),
            st.integers(0, 2**61),
            st.integers(-5, 5),
            st.integers(-5, 5),
            st.integers(0, 2**61),
            st.integers(0, 1),
        ),
        max_size=60,
    ),
    st.integers(1, 7),
)
def test_sums_in_little_memory_are_the_sums(added: list[tuple[str, int, int, int, int, int]], most: int) -> None:
    expected: dict[str, tuple[int, int, int, int, int, int]] = {}
    with Cells(most) as cells:
        for key, size, first, last, took, timed in added:
            cells.add((key, key), (1, size, first, last, took, timed))
            n, total, low, high, time, timed_count = expected.get(key, (0, 0, first, last, 0, 0))
            sums = (min(LARGEST, total + size), min(low, first), max(high, last), min(LARGEST, time + took))
            expected[key] = (n + 1, *sums, timed_count + timed)
        assert list(cells.items()) == [((key, key), expected[key]) for key in sorted(expected)]


@pytest.mark.parametrize(
    "line",
    [
        "203.0.113.9 - - broken",
        '{"ClientIP":"203.0.113.9","x": "2001:db8::9"',
        "host-203-0-113-9.isp.example - - [broken",
        'x "GET /a?mail=canary@example.com&ip=203.0.113.9 HTTP/1.1" canary@example.com',
        "\t203.0.113.9\t",
    ],
)
def test_a_malformed_line_shows_no_address_and_no_query(line: str) -> None:
    shown = mask(line)
    assert not [word for word in ("203.0.113", "203-0-113", "2001:db8", "example.com", "mail=") if word in shown], shown
