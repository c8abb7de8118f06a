"""What a warehouse holds, and what must be true of it whatever was killed."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import zstandard
from psycopg import sql

from seo_warehouse.demo.server import DemoServer
from seo_warehouse.sources import SOURCES
from seo_warehouse.spec import Kind, Source

if TYPE_CHECKING:
    from tests.chaos.conftest import Case, Undisturbed

Connection = psycopg.Connection[Any]
Rows = dict[str, list[str]]
"""Each table's rows as text, in order."""
Sizes = dict[tuple[str, int, date], int]
"""Rows of each table, property and day of `raw`, of the days that the night may touch; of files none."""

FIRST_DAY = date(2026, 10, 12)
NIGHT = FIRST_DAY + timedelta(days=14)

PERSONS = {column.name for source in SOURCES for table in source.tables for column in table.columns if column.personal}
MEASURED = {"load_id", "task_id", "response_ms"} | PERSONS
"""Columns that no two runs share: our numbers, those of orders, how long an answer took, random ids of persons."""
TWICE = "select load_id, day from ops.publication where source <> 'exports' group by 1, 2 having count(*) > 1"
"""Loads of which a day was published twice."""
CALL = re.compile(r"([0-9a-f]{32}(?:\.\d{6})?)\.(zst|sent)")


def read_raw(connection: Connection, source: str | None = None, property_key: int | None = None) -> Rows:
    """Business columns of each table in `raw`, of one source or all, of one property or all."""
    tables = [table for s in SOURCES if source in (None, s.name) for table in _raw_tables(s)]
    return {table: _rows(connection, "raw", table, property_key) for table in tables}


def read_marts(connection: Connection) -> Rows:
    """Each mart, but for what a night cost and met on its way: one that was broken asks again."""
    tables = connection.execute(
        "select table_name from information_schema.tables"
        " where table_schema = 'marts' and table_name not in ('rpt_completeness', 'rpt_spend') order by 1"
    ).fetchall()
    assert tables
    return {table: _rows(connection, "marts", table) for (table,) in tables}


def _raw_tables(source: Source) -> list[str]:
    return [source.raw_name(table) for table in source.tables]


def _rows(connection: Connection, schema: str, table: str, property_key: int | None = None) -> list[str]:
    names = connection.execute(
        "select column_name from information_schema.columns where table_schema = %s and table_name = %s order by 1",
        (schema, table),
    ).fetchall()
    columns = sql.SQL(", ").join(sql.Identifier(name) for (name,) in names if name not in MEASURED)
    whose = sql.SQL("" if property_key is None else "where property_key = {}").format(sql.Literal(property_key))
    query = sql.SQL("select row({})::text from {} {} order by 1").format(columns, sql.Identifier(schema, table), whose)
    return [row for (row,) in connection.execute(query).fetchall()]


def read_bill(connection: Connection, source: str, property_key: int) -> tuple[Any, ...]:
    """(money, units) that the ledger has noted of a source and property."""
    query = """
        select coalesce(sum(money), 0), coalesce(sum(units), 0) from (
            select source, property_key, money, units from ops.load
            union all select source, property_key, money, units from ops.order_usage
        ) as noted where (source, property_key) = (%s, %s)
    """
    return connection.execute(query, (source, property_key)).fetchall()[0]


def read_answers(home: Path, source: str, property_key: int) -> set[str]:
    """What the archive holds of a source and property. Not of rank checks, whose numbers are new each time."""
    found = set()
    for path in (home / "archive" / source / f"p{property_key}").glob("*/*.zst"):
        if source != "dataforseo_serp":
            found.add(f"{path.parent.name}/{path.name}")
        # With its checksum: a damaged answer raises.
        with zstandard.open(path) as file:
            assert file.read()
    return found


def read_nodes(connection: Connection) -> int:
    """How many of dbt's nodes the newest build's newest attempt has ended."""
    found = connection.execute(
        """
        select count(*) from ops.dbt_node_result
        where (build_id, attempt) = (select build_id, attempt from ops.build order by build_id desc limit 1)
        """
    ).fetchone()
    return int(found[0]) if found else 0


_SIZES = sql.SQL(" union all ").join(
    sql.SQL(
        "select {}, property_key, day, count(*), count(distinct load_id) from {} where day >= {} group by 2, 3"
    ).format(sql.Literal(table), sql.Identifier("raw", table), sql.Literal(NIGHT - timedelta(days=7)))
    for source in SOURCES
    if source.kind is not Kind.DROP
    for table in _raw_tables(source)
)


def read_sizes(connection: Connection) -> Sizes:
    """What `Sizes` says. Each day must be of one load."""
    found = connection.execute(_SIZES).fetchall()
    assert {loads for *_, loads in found} <= {1}, found
    return {(table, key, day): count for table, key, day, count, _ in found}


class Reader(threading.Thread):
    """An analyst who looks at the days of `raw` all the time, and remembers what is neither as before nor as after."""

    def __init__(self, dsn: str, before: Sizes, after: Sizes) -> None:
        super().__init__(daemon=True)
        self.dsn = dsn
        self.before, self.after = before, after
        self.looks = 0
        self.wrong: list[object] = []
        self._done = threading.Event()

    def run(self) -> None:
        """Look until told to end; a server that is away is asked again."""
        while not self._done.is_set():
            try:
                with psycopg.connect(self.dsn, autocommit=True) as connection:
                    while not self._done.wait(0.05):
                        self._look(connection)
            except psycopg.OperationalError:
                self._done.wait(0.05)

    def _look(self, connection: Connection) -> None:
        try:
            seen = read_sizes(connection)
        except AssertionError as error:
            self.wrong.append(error)
            return
        self.looks += 1
        for place in self.before.keys() | self.after.keys() | seen.keys():
            allowed = {self.before.get(place, 0), self.after.get(place, 0)}
            if seen.get(place, 0) not in allowed:
                self.wrong.append((place, seen.get(place, 0), allowed))

    def end(self) -> None:
        """Stop looking."""
        self._done.set()
        self.join()


@contextmanager
def watching(dsn: str, before: Sizes, after: Sizes) -> Iterator[None]:
    """A reader looks on meanwhile; it must never see a day that is neither as before nor as after."""
    reader = Reader(dsn, before, after)
    reader.start()
    try:
        yield
    finally:
        reader.end()
    assert reader.looks
    assert reader.wrong == []


@dataclass(frozen=True)
class Traffic:
    """Calls that the provider got, and what the archive of the night keeps of them, by key."""

    calls: int
    answers: frozenset[str]
    cut: frozenset[str]


def read_calls(demo: DemoServer) -> dict[str, int]:
    """How often each path was called; tokens are no calls of ours."""
    called: dict[str, int] | None = None
    # A request that a killed process had sent may still be on its way through the demo.
    while called != (now := demo.calls.report()):
        called = now
        time.sleep(0.2)
    return {path: times for path, times in now.items() if not path.endswith("/token")}


def read_traffic(demo: DemoServer, home: Path, source: str, night: date) -> Traffic:
    """The traffic of a source that is called through the client."""
    called = sum(read_calls(demo).values())
    names = _names(home, source, night)
    answered = frozenset(key for key, kind in names if kind == "zst")
    return Traffic(called, answered, frozenset(key for key, _ in names) - answered)


def _names(home: Path, source: str, night: date) -> set[tuple[str, str]]:
    folder = home / "archive" / source / "p1" / f"night={night}"
    found = (CALL.fullmatch(path.name) for path in folder.iterdir()) if folder.exists() else ()
    return {(match[1], match[2]) for match in found if match}


def check_traffic(
    connection: Connection,
    source: str,
    night: date,
    at_kill: Traffic,
    at_end: Traffic,
    *,
    tasks_live_on: bool = False,
) -> None:
    """No answer that was archived was asked for again, and every call that the kill cut was counted.

    `tasks_live_on`: what was killed is not who calls, so that a call on its way may still be answered and archived.
    """
    assert len(at_kill.answers) <= at_kill.calls <= len(at_kill.answers) + len(at_kill.cut)
    assert at_kill.answers <= at_end.answers
    outlived = len(at_end.answers - at_kill.answers) - (at_end.calls - at_kill.calls)
    assert 0 <= outlived <= (len(at_kill.cut & at_end.answers) if tasks_live_on else 0)
    counted = connection.execute(
        """
        select (select coalesce(sum(calls_cut), 0) from ops.load where source = %(source)s and night = %(night)s)
             + (select coalesce(sum(calls_cut), 0) from ops.order_usage
                where source = %(source)s and night = %(night)s)
        """,
        {"source": source, "night": night},
    ).fetchone()
    assert counted == (len(at_kill.cut) - outlived,)


def check_ledger(connection: Connection) -> None:
    """Every row read is accounted for, every published day is there once, and nothing is left half done."""
    assert _all(connection, "select load_id, state from ops.load where state in ('started', 'written', 'passed')") == []
    lost = """
        select l.load_id, l.state, l.rows_read, l.rows_rejected,
               (select count(*) from ops.rejected_row as r where r.load_id = l.load_id) as rejected,
               (select sum(d.row_count) from ops.load_day as d where d.load_id = l.load_id) as kept
        from ops.load as l where l.state <> 'failed'
    """
    for load_id, state, read, stated, rejected, kept in _all(connection, lost):
        assert (read, stated) == (kept + rejected, rejected), (load_id, state)
    held = _all(connection, "select load_id from ops.load where state = 'quarantined'")
    assert held == _all(connection, "select substr(tablename, 6)::bigint from pg_tables where schemaname = 'audit'")
    for source in SOURCES:
        for table in source.tables:
            raw = sql.Identifier("raw", source.raw_name(table))
            differing = sql.SQL(
                """
                select * from
                    (select property_key, part, day, load_id, count(*) as row_count from {} group by 1, 2, 3, 4) as held
                full join
                    (select property_key, part, day, load_id, row_count from ops.publication
                     where source = %s and table_name = %s and is_current and row_count > 0) as stated
                using (property_key, part, day, load_id, row_count)
                where held is null or stated is null
                """
            ).format(raw)
            assert connection.execute(differing, (source.name, table.name)).fetchall() == []


def _all(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def expect_the_night(case: Case, undisturbed: Undisturbed, source: str, *tables: str) -> None:
    """The source's `tables`, or all, are those of the night left alone, and the ledger accounts for every row."""
    wanted = {f"raw_{source}__{table}" for table in tables}
    with case.connect() as connection:
        found = read_raw(connection, source)
        check_ledger(connection)
    for table in wanted or found:
        assert found[table] == undisturbed.raw[table], table


def until(is_so: Callable[[], bool], seconds: float = 300) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)
