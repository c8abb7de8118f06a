"""People are told of each state once, over each channel, whatever fails meanwhile."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from seo_warehouse.alerting.settings import KINDS
from seo_warehouse.config import Settings
from seo_warehouse.errors import ConfigError
from seo_warehouse.orchestration.tasks import judge_build
from seo_warehouse.steps import alerts
from seo_warehouse.steps.warehouse import Warehouse
from tests.alerting.receiving import MailServer, taking_mail
from tests.sources.provider import Act, Provider, serving
from tests.steps.dropping import Shop, open_shop

NOW = datetime(2026, 6, 10, 9, tzinfo=UTC)
NIGHT = NOW.date()
PROPERTIES = """
properties:
  - {key: 1, name: shop, domain: shop.example, history_start: 2026-05-01}
  - {key: 2, name: blog, domain: blog.example, history_start: 2026-05-01}
"""
HOOK = "{name: hook, to: webhook, connection: hook}"
MAIL = "{name: team, to: mail, connection: team, recipients: [seo@example.com]}"
LOAD = """
insert into ops.load (source, table_name, property_key, first_day, last_day, night, purpose, attempt, state, reason,
                      rows_read, money)
values (%s, 'task', %s, %s, %s, %s, 'night', 1, %s, %s, %s, %s) returning load_id
"""


def no_pause(seconds: float) -> None:
    """Tries follow one another at once."""


class Installation:
    """A warehouse with channels, a clock that tests set, and what its ledgers are given."""

    def __init__(self, shop: Shop, channels: str) -> None:
        self.shop, self.now = shop, NOW
        (shop.home / "properties.yml").write_text(f"{PROPERTIES}alerts: [{channels}]\n")

    @property
    def wh(self) -> Warehouse:
        return Warehouse(Settings(self.shop.environment), clock=lambda settings: self.now)

    def alert(self, *, hours: float = 0, is_morning: bool = False) -> None:
        self.now += timedelta(hours=hours)
        alerts.alert(self.wh, is_morning=is_morning, pause=no_pause)

    def run(self, query: str, *values: Any) -> None:
        with psycopg.connect(self.shop.dsn, autocommit=True) as connection:
            connection.execute(query, values)  # type: ignore[arg-type]

    def load(
        self, state: str, *, key: int = 1, night: int = 0, reason: str | None = None, rows: int = 10, money: float = 0
    ) -> int:
        """A load of so many nights ago, whose source has ended the night."""
        at = NIGHT - timedelta(days=night)
        self.run("insert into ops.source_night values ('serp', %s) on conflict do nothing", at)
        ((load,),) = self.shop.fetch(LOAD, ("serp", key, at, at, at, state, reason, rows, money))
        return int(load)

    def open(self) -> list[tuple[Any, ...]]:
        return self.shop.fetch("select kind, key from ops.alert where ended_at is null order by 1, 2")


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as server:
        yield server


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with taking_mail() as server:
        yield server


@pytest.fixture
def open_with(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: Provider, mail: MailServer
) -> Callable[[str], Installation]:
    """An installation with these channels, whose connections lead to the tests' own servers."""
    hook = f'{{"host": "{provider.base_url}", "password": "key"}}'
    extra = '{"from_email": "w@example.com", "disable_ssl": true, "disable_tls": true}'
    monkeypatch.setenv("AIRFLOW_CONN_HOOK", hook)
    monkeypatch.setenv("AIRFLOW_CONN_TEAM", f'{{"host": "127.0.0.1", "port": {mail.port}, "extra": {extra}}}')
    shop = open_shop(tmp_path / "home", database, PROPERTIES)
    return lambda channels: Installation(shop, channels)


def kinds(provider: Provider) -> list[list[str]]:
    """Of each message that a webhook got the kinds of alerts in it."""
    return [[each["kind"] for each in asked.json["alerts"]] for asked in provider.asked]


def test_a_state_is_told_once_over_each_channel_for_as_long_as_it_lasts(
    open_with: Callable[[str], Installation], provider: Provider, mail: MailServer
) -> None:
    there = open_with(f"{HOOK}, {MAIL}")
    load = there.load("quarantined", reason="half of the rows are missing")
    for _ in range(3):
        there.alert(hours=1)
    assert kinds(provider) == [["held"]]
    ((recipients, message),) = mail.mails
    assert recipients == ["seo@example.com"]
    assert f"load {load} of serp.task for shop" in message.get_content()
    assert f"seo-warehouse release {load} --approve" in message.get_content()
    assert there.shop.fetch("select kind, seen_count from ops.alert") == [("held", 3)]
    there.run("update ops.load set state = 'rejected'")
    there.alert(hours=1)
    assert there.open() == []
    there.run("update ops.load set state = 'quarantined'")
    there.alert(hours=1)
    assert kinds(provider) == [["held"], ["held"]]


def test_a_failed_load_is_told_once_its_source_has_ended_the_night_until_a_later_night_arrives(
    open_with: Callable[[str], Installation], provider: Provider
) -> None:
    there = open_with(HOOK)
    there.load("failed", reason="HTTP 503")
    there.run("delete from ops.source_night")
    there.alert()
    assert kinds(provider) == [], "a retry may come"
    there.load("failed", night=1)
    there.load("failed", reason="HTTP 503 of https://api.example/?key=secret")
    there.alert()
    assert there.open() == [("failed", "serp.task/1")]
    assert kinds(provider) == [["failed"]]
    assert b"secret" not in provider.asked[0].body
    there.load("published")
    there.alert()
    assert there.open() == []


def test_what_can_wait_comes_with_the_mornings_message(
    open_with: Callable[[str], Installation], provider: Provider
) -> None:
    there = open_with(HOOK)
    there.load("published", rows=7, money=0.25)
    there.load("published", key=2)
    there.run("insert into ops.night values (%s, now(), 'deadline', '{gsc}')", NIGHT)
    there.alert()
    assert kinds(provider) == []
    there.alert(is_morning=True)
    there.alert(is_morning=True)
    assert kinds(provider) == [["night_late"]]
    said = provider.asked[0].json
    assert (said["kind"], said["title"]) == ("summary", f"SEO warehouse: night {NIGHT}, 1 night_late")
    assert f"night_late: night {NIGHT} was closed at its deadline without gsc" in said["text"]
    assert "shop: 1 published; US$ 0.25 spent" in said["text"]
    assert "blog: 1 published" in said["text"]


def test_of_a_night_that_brought_nothing_to_build_people_hear_in_the_morning_too(
    open_with: Callable[[str], Installation], provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = open_with("{name: hook, to: webhook, connection: hook, kinds: [night_late, summary]}")
    there.load("published")
    there.run("insert into ops.night values (%s, now(), 'deadline', '{gsc}')", NIGHT)
    for name, value in there.shop.environment.items():
        monkeypatch.setenv(name, value)
    judge_build.function(7)
    assert provider.asked == [], "the report follows, and the message with it"
    judge_build.function(None)
    judge_build.function(None)
    assert kinds(provider) == [["night_late"]]
    assert provider.asked[0].json["kind"] == "summary"


def test_each_kind_that_the_ledgers_can_tell_is_told_and_ends(open_with: Callable[[str], Installation]) -> None:
    there = open_with("")
    for night in range(8, 0, -1):
        there.load("published", night=night, rows=1_000, money=0.5)
    there.load("published", rows=9_000, money=5)
    there.load("quarantined", key=2)
    there.load("failed", key=2, night=0)
    there.run("insert into ops.night values (%s, now(), 'deadline', '{gsc}')", NIGHT)
    there.run("insert into ops.build (state, reason) values ('failed', 'a test failed')")
    there.run("insert into ops.set_aside (property_key, reason) values (2, 'overflow')")
    there.run(
        "insert into ops.budget (name, property_key, sources, money, warn_at)"
        " values ('serp', 1, '{serp}', 10, 0.8), ('vendor', 0, '{serp}', 5, 0.8)"
    )
    there.run(
        "insert into ops.verdict select load_id, 'missing_fields', 'fail', false, 1, 'rank' from ops.load"
        " where state = 'quarantined'"
    )
    there.run("""insert into ops.setting values ('stale_tables', '{"tables": ["serp.task: never"]}')""")
    there.run(
        "insert into ops.source_table values ('serp', 'task', 1, 'dated', '2026-01-01', 2, 3, 1, '23:00', true, null)"
    )
    for is_current, read in ((False, "2026-06-07"), (True, "2026-06-10")):
        there.run(
            "insert into ops.publication (source, table_name, property_key, day, load_id, row_count, checksum, totals,"
            " facts, is_current, read_at) select 'serp', 'task', 1, '2026-06-02', min(load_id), 1, 'x', '{}', '{}',"
            " %s, %s::timestamptz from ops.load",
            *(is_current, f"{read} 08:00Z"),
        )
    there.alert()
    found = {kind for kind, _ in there.open()}
    wanted = set(KINDS) - {"disk"}
    assert found - {"disk"} == wanted
    there.run("update ops.load set state = 'published' where state in ('quarantined', 'failed')")
    there.run("update ops.build set state = 'finished'")
    there.run("update ops.budget set money = 100")
    there.run("delete from ops.set_aside; delete from ops.setting where name = 'stale_tables'")
    there.run(
        "insert into ops.night select n, now(), 'sources' from generate_series(%s::date - 8, %s::date - 1, '1 day') n",
        NIGHT,
        NIGHT,
    )
    there.run("insert into ops.night values (%s, now(), 'sources', '{}')", NIGHT + timedelta(days=1))
    there.alert(hours=30)
    assert {kind for kind, _ in there.open()} - {"disk"} == set()


def test_a_nearly_full_disk_is_told(open_with: Callable[[str], Installation], monkeypatch: pytest.MonkeyPatch) -> None:
    there = open_with("")
    monkeypatch.setattr(alerts, "FREE_SHARE", 2.0)
    there.alert()
    assert there.open() == [("disk", "home")]


def test_a_dead_channel_keeps_no_other_waiting_and_is_told_late_by_a_later_tick(
    open_with: Callable[[str], Installation], provider: Provider, mail: MailServer
) -> None:
    there = open_with(f"{HOOK}, {MAIL}")
    provider.answer = lambda asked: Act(status=500)
    there.load("quarantined")
    there.alert()
    assert len(mail.mails) == 1
    assert len(provider.asked) == 5
    there.run("update ops.load set state = 'rejected'")
    provider.answer = lambda asked: Act()
    there.alert(hours=3)
    there.alert(hours=1)
    assert len(provider.asked) == 6
    assert "(it has ended since) (told 3 h late)" in provider.asked[5].json["text"]
    assert len(mail.mails) == 1


def test_a_channel_whose_connection_is_missing_does_not_raise_and_is_noted(
    open_with: Callable[[str], Installation],
) -> None:
    there = open_with("{name: hook, to: webhook, connection: nowhere}")
    there.load("quarantined")
    there.alert()
    ((answer, sent_at),) = there.shop.fetch("select answer, sent_at from ops.alert_sent")
    assert "nowhere" in answer
    assert sent_at is None


def test_whatever_breaks_in_one_channel_keeps_no_other_waiting_and_is_not_raised(
    open_with: Callable[[str], Installation], mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = open_with(f"{HOOK}, {MAIL}")
    monkeypatch.setenv("AIRFLOW_CONN_HOOK", '{"host": "https://[::1/hook", "password": "key"}')
    there.load("quarantined")
    there.alert()
    assert len(mail.mails) == 1
    told = there.shop.fetch("select channel, sent_at is not null from ops.alert_sent order by 1")
    assert told == [("hook", False), ("team", True)]
    monkeypatch.setattr(alerts, "_disk", lambda wh: 1 / 0)
    there.alert()


def test_without_a_database_nobody_is_told_and_nothing_is_raised(
    open_with: Callable[[str], Installation], caplog: pytest.LogCaptureFixture
) -> None:
    there = open_with(HOOK)
    there.shop.dsn = "postgresql://nobody@127.0.0.1:1/nothing"
    there.alert()
    assert "nobody could be told" in caplog.text


def test_a_channel_of_a_property_hears_of_that_property_alone(
    open_with: Callable[[str], Installation], provider: Provider
) -> None:
    there = open_with("{name: hook, to: webhook, connection: hook, properties: [blog]}")
    there.load("quarantined", key=1)
    there.load("quarantined", key=2)
    there.load("published", key=1)
    there.run("insert into ops.build (state, reason) values ('failed', 'of shop')")
    there.run("insert into ops.night values (%s, now(), 'sources', '{}')", NIGHT)
    there.alert(is_morning=True)
    (asked,) = provider.asked
    assert [each["property_key"] for each in asked.json["alerts"]] == [2]
    assert "shop" not in asked.json["text"]


def test_what_comes_in_quiet_hours_is_told_after_them(
    open_with: Callable[[str], Installation], provider: Provider
) -> None:
    there = open_with("{name: hook, to: webhook, connection: hook, quiet_hours: 08:30-11:30}")
    there.load("quarantined")
    there.alert()
    assert provider.asked == []
    there.alert(hours=3)
    assert kinds(provider) == [["held"]]


def test_who_takes_no_morning_message_and_is_quiet_at_the_builds_end_is_told_afterwards_and_not_before_a_morning(
    open_with: Callable[[str], Installation], provider: Provider
) -> None:
    there = open_with("{name: hook, to: webhook, connection: hook, kinds: [night_late], quiet_hours: 08:30-11:30}")
    there.load("published")
    there.run("insert into ops.night values (%s, now(), 'deadline', '{gsc}')", NIGHT)
    there.alert(is_morning=True)
    assert provider.asked == []
    there.alert(hours=3)
    there.alert(hours=1)
    assert kinds(provider) == [["night_late"]]
    assert provider.asked[0].json["kind"] == "alerts"
    there.run("insert into ops.night values (%s, now(), 'sources', '{}')", NIGHT + timedelta(days=1))
    there.alert(hours=1)
    there.run("insert into ops.night values (%s, now(), 'deadline', '{gsc}')", NIGHT + timedelta(days=2))
    there.alert(hours=1)
    assert len(provider.asked) == 1, "the morning has not come"


def test_a_muted_kind_is_noted_and_told_once_the_mute_is_over(
    open_with: Callable[[str], Installation], provider: Provider
) -> None:
    there = open_with(HOOK)
    alerts.mute(there.wh, "held", NIGHT, who="me", why="known")
    there.load("quarantined")
    there.alert()
    assert (provider.asked, there.open()) == ([], [("held", "1")])
    said: list[str] = []
    alerts.say_alerts(there.wh, said.append)
    assert said[-1] == f"muted until {NIGHT}: held, by me: known"
    there.alert(hours=24)
    assert kinds(provider) == [["held"]]
    with pytest.raises(ConfigError, match="there is no kind 'hold'"):
        alerts.mute(there.wh, "hold", NIGHT, who="me", why="known")
    with pytest.raises(ConfigError, match="has passed already"):
        alerts.mute(there.wh, "held", NIGHT, who="me", why="known")


def test_a_test_says_of_each_channel_whether_it_was_taken(
    open_with: Callable[[str], Installation], provider: Provider, mail: MailServer
) -> None:
    there = open_with(f"{HOOK}, {MAIL}")
    provider.answer = lambda asked: Act(status=403)
    said: list[str] = []
    assert not alerts.send_test(there.wh, said.append, no_pause)
    assert [line.split()[:2] for line in said[1:]] == [["hook", "no"], ["team", "yes"]]
    assert len(mail.mails) == 1
    with pytest.raises(ConfigError, match="states no channel"):
        alerts.send_test(open_with("").wh, said.append)


def _alert_in_a_process(environment: dict[str, str]) -> None:
    alerts.alert(Warehouse(Settings(environment), clock=lambda settings: NOW), pause=no_pause)


@pytest.mark.slow
def test_who_is_killed_while_telling_has_the_next_tick_tell_again_and_two_at_once_tell_once(
    open_with: Callable[[str], Installation], provider: Provider
) -> None:
    there = open_with(HOOK)
    there.load("quarantined")
    spawn = multiprocessing.get_context("spawn")

    def kill(asked: Any) -> Act:
        there.alert()  # Another tells meanwhile: it finds the turn taken.
        os.kill(int(child.pid or 0), signal.SIGKILL)
        return Act()

    provider.answer = kill
    child = spawn.Process(target=_alert_in_a_process, args=(there.shop.environment,))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert len(provider.asked) == 1
    provider.answer = lambda asked: Act()
    there.alert()
    there.alert()
    assert len(provider.asked) == 2
    assert provider.asked[0].json == provider.asked[1].json


def test_usual_nights_are_no_spike(open_with: Callable[[str], Installation]) -> None:
    there = open_with("")
    for night in range(8, -1, -1):
        there.load("published", night=night, rows=1_000 + 200 * night, money=1 + night / 10)
    there.run("insert into ops.night values (%s, now(), 'sources', '{}')", NIGHT)
    there.alert()
    assert "spike" not in {kind for kind, _ in there.open()}
