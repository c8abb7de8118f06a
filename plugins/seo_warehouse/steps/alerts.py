"""Telling people: which states there are is noted, then each channel is told what it was not told yet.

Rows come first, so that nothing is lost by a channel that is down or a process that is killed: what was not taken is
sent again by the next tick of the clock. Sending never raises: a night does not fail because nobody could be told.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from seo_warehouse.alerting.channels import send
from seo_warehouse.alerting.messages import Message, plain
from seo_warehouse.alerting.settings import AT_ONCE, KINDS, SUMMARY, Channel
from seo_warehouse.errors import ConfigError, SeoWarehouseError
from seo_warehouse.ledger import alerts
from seo_warehouse.ledger.alerts import Alert, State
from seo_warehouse.ledger.session import Connection
from seo_warehouse.ledger.troubles import find_troubles
from seo_warehouse.ledger.turns import try_turn
from seo_warehouse.steps.morning import read_morning
from seo_warehouse.steps.warehouse import Warehouse
from seo_warehouse.terminal import say_table

log = logging.getLogger(__name__)
Pause = Callable[[float], None]
LATE = timedelta(hours=1)
"""What was tried and is sent so much later says so."""
FREE_SHARE = 0.1
"""A disk of which less is free is nearly full."""


def alert(wh: Warehouse, *, is_morning: bool = False, pause: Pause = time.sleep) -> None:
    """Note which states there are, and send what cannot wait; after the build (`is_morning`) the rest too.

    Raises nothing: the log says what went wrong.
    """
    try:
        now = wh.now()
        with wh.connect("loader", autocommit=True) as connection:
            alerts.note_states(connection, [*find_troubles(connection, now), *_disk(wh)], now)
            night = _last_night(connection)
            if is_morning and night:
                alerts.note_night(connection, night, now)
        for channel in wh.properties.alerts:
            _tell(wh, channel, now, is_morning=is_morning, pause=pause)
    except Exception:
        log.exception("nobody could be told how things are; the next tick tries again")


def _disk(wh: Warehouse) -> list[State]:
    disk = shutil.disk_usage(wh.settings.home)
    if disk.free >= FREE_SHARE * disk.total:
        return []
    free = f"{disk.free / 2**30:,.1f} of {disk.total / 2**30:,.1f} GiB are free where {wh.settings.home} lies"
    return [State("disk", "home", free)]


def _last_night(connection: Connection) -> date | None:
    row = connection.execute("select max(night) from ops.night").fetchone()
    return row[0] if row else None


def _tell(wh: Warehouse, channel: Channel, now: datetime, *, is_morning: bool, pause: Pause) -> None:
    """Send a channel what it waits for, as one message; nothing in its quiet hours, or while another does it."""
    if channel.is_quiet(now):
        return
    with wh.connect("loader", autocommit=True) as connection:
        if not try_turn(connection, f"alerts to {channel.name}"):
            return
        unsent = alerts.read_unsent(connection, channel.name, now)
        waiting = _wanted(wh, channel, unsent, is_morning=is_morning)
        # A channel that does not take the morning's message still waits for the morning.
        unasked = [each for each in unsent if each.kind == SUMMARY and SUMMARY not in channel.kinds]
        answer, is_taken = "not asked for", True
        if waiting:
            try:
                message = _message(wh, channel, waiting, now)
                answer = send(channel, wh.connection(channel.connection), message, pause)
            # One channel must keep no other from being told.
            except Exception as error:
                is_ours = isinstance(error, SeoWarehouseError | psycopg.Error)
                answer, is_taken = plain(str(error)) if is_ours else type(error).__name__, False
                told = (channel.name, len(waiting), answer)
                log.warning("channel %s was not told of %s alerts: %s", *told, exc_info=not is_ours)
        alerts.note_sent(connection, [*waiting, *unasked], channel.name, answer, now, is_taken=is_taken)


def _wanted(wh: Warehouse, channel: Channel, unsent: Sequence[Alert], *, is_morning: bool) -> list[Alert]:
    """What of the alerts is for a channel now. One that has properties is told of these alone."""
    keys = {wh.properties.named(name).key for name in channel.properties}
    concerned = [
        each
        for each in unsent
        if each.kind in channel.kinds and (not keys or each.kind == SUMMARY or each.property_key in keys)
    ]
    takes_all = is_morning or any(each.kind == SUMMARY for each in unsent)
    return [each for each in concerned if takes_all or each.kind in AT_ONCE or each.is_tried]


def _message(wh: Warehouse, channel: Channel, waiting: Sequence[Alert], now: datetime) -> Message:
    told = [each for each in waiting if each.kind != SUMMARY]
    lines = [f"{each.kind}: {plain(each.content)}{_since(each, now)}" for each in told]
    newest = max(each.alert_id for each in waiting)
    summaries = [each for each in waiting if each.kind == SUMMARY]
    if summaries:
        title = f"SEO warehouse: night {summaries[-1].key}, {_counted(told)}"
        lines += read_morning(wh, date.fromisoformat(summaries[-1].key), channel.properties)
    else:
        title = f"SEO warehouse: {_counted(told)}"
    kind = SUMMARY if summaries else "alerts"
    return Message(f"{kind}-{newest}", kind, title, tuple(lines), tuple(map(_as_object, told)))


def _counted(told: Sequence[Alert]) -> str:
    counts = {kind: sum(each.kind == kind for each in told) for kind in KINDS}
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "nothing to do"


def _since(each: Alert, now: datetime) -> str:
    """What is to be said of when: that it is over, and that this comes late."""
    over = " (it has ended since)" if each.ended_at else ""
    hours = (now - each.first_seen) / timedelta(hours=1)
    return over + (f" (told {hours:,.0f} h late)" if each.is_tried and now - each.first_seen > LATE else "")


def _as_object(each: Alert) -> dict[str, Any]:
    return {
        "id": each.alert_id,
        "kind": each.kind,
        "key": plain(each.key),
        "source": each.source,
        "property_key": each.property_key,
        "text": plain(each.content),
        "first_seen": each.first_seen.isoformat(),
        "ended_at": each.ended_at.isoformat() if each.ended_at else None,
    }


def send_test(wh: Warehouse, say: Callable[[str], None], pause: Pause = time.sleep) -> bool:
    """Send a message that says that it is a test over each channel; whether each was taken. Raises ConfigError."""
    if not wh.properties.alerts:
        raise ConfigError(f"{wh.settings.properties_path} states no channel: see `alerts` in docs/properties.md")
    now = wh.now()
    done: list[tuple[str, str, str]] = []
    for channel in wh.properties.alerts:
        message = Message(
            f"test-{now:%Y%m%dT%H%M%S}-{channel.name}",
            "test",
            "SEO warehouse: a test",
            (f"Channel {channel.name} works. It is told of: {', '.join(channel.kinds)}.",),
        )
        try:
            done.append((channel.name, "yes", send(channel, wh.connection(channel.connection), message, pause)))
        except SeoWarehouseError as error:
            done.append((channel.name, "no", plain(str(error))))
    say_table(("channel", "taken", "answer"), done, say)
    return all(taken == "yes" for _, taken, _ in done)


def say_alerts(wh: Warehouse, say: Callable[[str], None]) -> None:
    """What lasts, and what nobody is told of."""
    now = wh.now()
    with wh.connect("loader", autocommit=True) as connection:
        found = alerts.open_alerts(connection)
        muted = alerts.read_muted(connection, now)
    rows = [(each.alert_id, each.kind, f"{each.first_seen:%Y-%m-%d %H:%M}", plain(each.content)) for each in found]
    say_table(("alert", "kind", "since (UTC)", "what"), rows, say)
    for kind, until, who, why in muted:
        say(f"muted until {until}: {kind}, by {who}: {why}")


def mute(wh: Warehouse, kind: str, until: date, *, who: str, why: str) -> str:
    """Have nobody told of a kind until the end of a day. Returns what is said of it. Raises ConfigError."""
    if kind not in (*KINDS, SUMMARY):
        raise ConfigError(f"there is no kind {kind!r}; there are {', '.join((*KINDS, SUMMARY))}")
    if until < wh.now().date():
        raise ConfigError(f"{until} has passed already")
    with wh.connect("loader", autocommit=True) as connection:
        alerts.mute(connection, kind, until, who=who, why=why)
    return f"nobody is told of {kind} until the end of {until} (UTC); what still lasts then is told"
