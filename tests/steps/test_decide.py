"""A person is asked about each held load once, and what is answered is done once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest

from seo_warehouse.errors import ConfigError, LoadError, NightOverError, SeoWarehouseError
from seo_warehouse.ledger import loads
from seo_warehouse.sources import source_named
from seo_warehouse.sources.search_console import SEARCH_CONSOLE
from seo_warehouse.steps import decide
from seo_warehouse.steps.release import carry_out_decisions, release
from tests.load.loading import state, write
from tests.steps.dropping import Shop, open_shop

DAY = date(2026, 6, 1)
PROPERTIES = """
open_pagerank: {}
properties:
  - key: 1
    name: shop
    domain: shop.example
    history_start: 2026-05-01
    sources: {exports: {}, search_console: {site: "sc-domain:shop.example"}}
"""
HOSTILE = "![x](https://evil.example/?k=1)\n# <script>alert(1)</script> \u202e``` [click](javascript:x)"


@pytest.fixture
def shop(tmp_path: Path, database: str) -> Shop:
    return open_shop(tmp_path, database, PROPERTIES)


def hold(shop: Shop, *, days: int = 0, reason: str = "least_share: 0 rows, 90 are usual", **changes: Any) -> int:
    """A held load of so many days later."""
    with shop.wh.connect("loader", autocommit=True) as connection:
        day = DAY + timedelta(days)
        load_id = write(connection, [], **{"source": SEARCH_CONSOLE, "days": [day], **changes})
        loads.move(connection, load_id, "quarantined", reason=reason)
    return load_id


def now_is(shop: Shop, load_id: int) -> str:
    with psycopg.connect(shop.dsn) as connection:
        return state(connection, load_id)


def lose_hours(shop: Shop, hours: int) -> None:
    shop.fetch("update ops.decision_request set asked_at = asked_at - make_interval(hours => %s) returning 1", (hours,))


def ended(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.fetch("select load_id, ended_at is not null, answer from ops.decision_request order by 1")


def test_each_held_load_is_asked_about_once_and_again_where_the_event_or_airflow_was_lost(shop: Shop) -> None:
    first, second = hold(shop), hold(shop, days=1)
    assert decide.ask(shop.wh) == [first, second]
    assert decide.ask(shop.wh) == []
    assert decide.describe(shop.wh, first, "run 1") is not None
    lose_hours(shop, 1)
    assert decide.ask(shop.wh) == [second], "no run took it up"
    lose_hours(shop, 15 * 24)
    assert decide.ask(shop.wh) == [first, second], "the run that took it up is gone"


def test_of_two_readings_of_the_same_days_the_newer_one_is_asked_about_and_of_two_runs_one_asks(shop: Shop) -> None:
    older = hold(shop)
    assert decide.ask(shop.wh) == [older]
    assert decide.describe(shop.wh, older, "run 1") is not None
    assert decide.describe(shop.wh, older, "run 2") is None
    assert decide.describe(shop.wh, older, "run 1") is not None, "a cleared task asks again"
    assert decide.overtaken(shop.wh) == []
    newer = hold(shop)
    assert decide.ask(shop.wh) == [newer]
    assert decide.overtaken(shop.wh) == ["run 1"]
    assert decide.describe(shop.wh, older, "run 1") is None
    assert decide.overtaken(shop.wh) == []


@pytest.mark.parametrize(("option", "outcome"), [("approve", "published"), ("reject", "rejected")])
def test_an_answer_is_carried_out_as_the_command_would_and_kept_with_who_and_why(
    shop: Shop, option: str, outcome: str
) -> None:
    load = hold(shop)
    decide.ask(shop.wh)
    decide.describe(shop.wh, load, "run 1")
    said = decide.carry_out(shop.wh, load, option, who="ana (Airflow)", why=" a quiet day ")
    assert said.startswith(f"load {load} is {outcome}")
    assert now_is(shop, load) == outcome
    kept = shop.fetch("select decision, decided_by, why from ops.quality_decision")
    assert kept == [(option, "ana (Airflow)", "a quiet day")]
    assert ended(shop) == [(load, True, f"{option}, by ana (Airflow)")]
    assert decide.ask(shop.wh) == []
    assert decide.overtaken(shop.wh) == []
    # A task that was killed after it had done all is run once more.
    assert decide.carry_out(shop.wh, load, option, who="ana (Airflow)", why="a quiet day") == said


@pytest.mark.parametrize(
    ("option", "who", "why", "error", "told"),
    [
        ("approve", "ana (Airflow)", " ", LoadError, "say why"),
        ("reject", "ana (Airflow)", "", LoadError, "say why"),
        ("approve", None, "it was time", LoadError, "nobody's answer"),
        ("burn it", "ana (Airflow)", "x", LoadError, "is no answer"),
    ],
)
def test_what_cannot_be_carried_out_decides_nothing_and_is_asked_anew(
    shop: Shop, option: str, who: str | None, why: str, error: type[Exception], told: str
) -> None:
    load = hold(shop)
    decide.ask(shop.wh)
    decide.describe(shop.wh, load, "run 1")
    with pytest.raises(error, match=told):
        decide.carry_out(shop.wh, load, option, who=who, why=why)
    assert now_is(shop, load) == "quarantined"
    assert shop.fetch("select from ops.quality_decision") == []
    assert decide.ask(shop.wh) == [load]
    assert decide.describe(shop.wh, load, "run 2") is not None


def carry_out_approval(shop: Shop, load: int) -> None:
    decide.carry_out(shop.wh, load, "approve", who="ana (Airflow)", why="a quiet day")


@pytest.mark.parametrize("obstacle", ["ops.quality_decision", "ops.publication"])
@pytest.mark.parametrize("is_tried_again", [True, False])
def test_who_is_killed_between_answer_and_decision_loses_neither(
    shop: Shop, obstacle: str, is_tried_again: bool
) -> None:
    load = hold(shop)
    decide.ask(shop.wh)
    decide.describe(shop.wh, load, "run 1")
    task = multiprocessing.get_context("fork").Process(target=carry_out_approval, args=(shop, load))
    with psycopg.connect(shop.dsn) as holding, psycopg.connect(shop.dsn, autocommit=True) as watching:
        holding.execute(f"lock table {obstacle} in share row exclusive mode")
        task.start()
        waiting = "select count(*) from pg_locks where relation = %s::regclass and not granted"
        while watching.execute(waiting, (obstacle,)).fetchone() == (0,):
            assert task.is_alive()
            time.sleep(0.01)
        assert task.pid is not None
        os.kill(task.pid, signal.SIGKILL)
        task.join()
    is_decided = obstacle == "ops.publication"
    assert shop.fetch("select count(*) from ops.quality_decision") == [(int(is_decided),)]
    assert now_is(shop, load) == "quarantined"
    if is_tried_again:
        carry_out_approval(shop, load)
    elif is_decided:
        assert carry_out_decisions(shop.wh) == [f"load {load} is published; the next build models it"]
    else:
        # Airflow may try the task again; once it has not for so long, somebody is asked once more.
        assert decide.ask(shop.wh) == []
        shop.fetch("update ops.decision_request set ended_at = ended_at - interval '4 hours' returning 1")
        assert decide.ask(shop.wh) == [load]
        assert decide.describe(shop.wh, load, "run 2") is not None
        carry_out_approval(shop, load)
    assert now_is(shop, load) == "published"
    assert shop.fetch("select decision, decided_by, why from ops.quality_decision") == [
        ("approve", "ana (Airflow)", "a quiet day")
    ]
    assert shop.fetch("select count(*) from ops.publication where is_current") == [(1,)]
    assert decide.ask(shop.wh) == []


def test_no_answer_decides_nothing_and_nobody_is_asked_once_more(shop: Shop) -> None:
    load = hold(shop)
    decide.ask(shop.wh)
    decide.describe(shop.wh, load, "run 1")
    assert "is left in quarantine" in decide.carry_out(shop.wh, load, "leave it", who=None, why="")
    lose_hours(shop, 1_000)
    assert decide.ask(shop.wh) == []
    assert now_is(shop, load) == "quarantined"


def test_an_answer_that_comes_too_late_says_what_stands(shop: Shop) -> None:
    load = hold(shop)
    decide.ask(shop.wh)
    decide.describe(shop.wh, load, "run 1")
    release(shop.wh, load, "reject", who="bob", why="cut short")
    assert decide.overtaken(shop.wh) == ["run 1"]
    with pytest.raises(LoadError, match=r"bob said reject at .* UTC \(cut short\), and that stands"):
        decide.carry_out(shop.wh, load, "approve", who="ana (Airflow)", why="fine")
    assert decide.describe(shop.wh, load, "run 1") is None
    assert decide.ask(shop.wh) == []


def test_words_of_providers_mean_nothing_in_a_request(shop: Shop) -> None:
    with shop.wh.connect("loader", autocommit=True) as connection:
        row = dict.fromkeys(column.name for column in SEARCH_CONSOLE.tables[0].columns)
        row |= {"day": DAY, "query": HOSTILE, "clicks": "many"}
        load = write(connection, [row], source=SEARCH_CONSOLE, days=[DAY])
        connection.execute(
            "insert into ops.verdict (load_id, rule, severity, is_met, broken_count, reason)"
            " values (%s, 'least_share', 'fail', false, 7, %s), (%s, 'fine', 'fail', true, 0, null),"
            " (%s, 'unbalanced', 'warn', false, null, 'clicks')",
            (load, HOSTILE, load, load),
        )
        loads.move(connection, load, "quarantined", reason=HOSTILE)
    request = decide.describe(shop.wh, load, "run 1")
    assert request is not None
    assert request.subject == f"load {load}: search_console.{SEARCH_CONSOLE.tables[0].name} of shop, {DAY}..{DAY}"
    assert "least_share (fail, 7 rows)" in request.body
    rules = request.body.partition("Rules that it broke:")[2].partition("It has")[0].split()
    assert (rules.index("(1)"), rules.index("(2)") < rules.index("unbalanced")) == (0, True), "a block is one line"
    assert "many" in request.body, "the value that its column cannot hold"
    told = [line for line in request.body.splitlines() if "evil" in line or "script" in line]
    assert len(told) == 3
    for line in told:
        # Four blanks after an empty line, or after another such line, begin a block of code, and no mark ends it.
        assert line.startswith("    ")
        assert "\u202e" not in line
    before = ["", *request.body.splitlines()]
    beginnings = [last for last, line in pairwise(before) if line.startswith("    ")]
    assert beginnings == [""] * 4, "reason, two rules and a row"


@pytest.mark.parametrize(
    ("source", "error", "told"),
    [("exports", ConfigError, "drop a corrected file"), ("open_pagerank", NightOverError, "it cannot be had")],
)
def test_what_cannot_be_read_again_is_refused_with_the_reason(
    shop: Shop, source: str, error: type[SeoWarehouseError], told: str
) -> None:
    key = 0 if source == "open_pagerank" else 1
    load = hold(shop, source=source_named(source), property_key=key)
    with pytest.raises(error, match=told):
        decide.carry_out(shop.wh, load, "read again", who="ana (Airflow)", why="")
    assert now_is(shop, load) == "quarantined"
