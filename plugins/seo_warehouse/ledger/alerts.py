"""Alerts as rows: `ops.alert`, what became of telling each channel, and what is muted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from seo_warehouse.alerting.settings import SUMMARY
from seo_warehouse.ledger.session import Connection
from seo_warehouse.ledger.text import mend


@dataclass(frozen=True)
class State:
    """Something that people are told of for as long as it lasts: one of its kind by `key`."""

    kind: str
    key: str
    content: str
    source: str | None = None
    property_key: int | None = None


@dataclass(frozen=True)
class Alert:
    """A row of ops.alert. `is_tried`: a channel was to be told of it, and did not take it."""

    alert_id: int
    kind: str
    key: str
    content: str
    source: str | None
    property_key: int | None
    first_seen: datetime
    ended_at: datetime | None
    is_tried: bool = False


_ALERTS = "select a.alert_id, a.kind, a.key, a.content, a.source, a.property_key, a.first_seen, a.ended_at"
_OPEN = _ALERTS + " from ops.alert as a where a.ended_at is null and a.kind <> %s order by 1"
_UNSENT = (
    _ALERTS
    + """, s.alert_id is not null
    from ops.alert as a
    left join ops.alert_sent as s on s.alert_id = a.alert_id and s.channel = %(channel)s
    where s.sent_at is null
        and (a.ended_at is null or s.alert_id is not null and a.kind <> %(summary)s)
        and not exists (select from ops.alert_mute as m where m.kind = a.kind and m.until >= %(today)s)
    order by 1
    """
)


def note_states(conn: Connection, states: Iterable[State], now: datetime) -> None:
    """Take down which states there are: new ones begin an alert, those that last are counted, those that are gone end.

    Two at once do it one after the other.
    """
    found = {(state.kind, state.key): state for state in states}
    with conn.transaction():
        conn.execute("lock table ops.alert in share row exclusive mode")
        conn.execute(
            """
            update ops.alert as a set ended_at = %(now)s
            where a.ended_at is null and a.kind <> %(summary)s and not exists (
                select from unnest(%(kinds)s::text[], %(keys)s::text[]) as f (kind, key)
                where f.kind = a.kind and f.key = a.key
            )
            """,
            {
                "now": now,
                "summary": SUMMARY,
                "kinds": [kind for kind, _ in found],
                "keys": [mend(key) for _, key in found],
            },
        )
        for state in found.values():
            _note(conn, state, now)


def note_night(conn: Connection, night: date, now: datetime) -> None:
    """Have the morning's message of a night sent, once; what was not sent of earlier nights is not sent any more."""
    with conn.transaction():
        conn.execute("lock table ops.alert in share row exclusive mode")
        conn.execute(
            "update ops.alert set ended_at = %s where kind = %s and ended_at is null and key <> %s",
            (now, SUMMARY, str(night)),
        )
        if not conn.execute("select from ops.alert where kind = %s and key = %s", (SUMMARY, str(night))).fetchone():
            _note(conn, State(SUMMARY, str(night), f"night {night}"), now)


def _note(conn: Connection, state: State, now: datetime) -> None:
    conn.execute(
        """
        insert into ops.alert (kind, key, content, source, property_key, first_seen, last_seen)
        values (%(kind)s, %(key)s, %(content)s, %(source)s, %(property_key)s, %(now)s, %(now)s)
        on conflict (kind, key) where ended_at is null do update
        set content = excluded.content, last_seen = excluded.last_seen, seen_count = ops.alert.seen_count + 1
        """,
        vars(state) | {"key": mend(state.key), "content": mend(state.content), "now": now},
    )


def open_alerts(conn: Connection) -> list[Alert]:
    """Whatever lasts, oldest first; the morning's message is none of it."""
    rows = conn.execute(_OPEN, (SUMMARY,)).fetchall()
    return [Alert(*row) for row in rows]


def read_unsent(conn: Connection, channel: str, now: datetime) -> list[Alert]:
    """What a channel was not told yet, oldest first: what lasts, and what it did not take before it ended."""
    asked = {"channel": channel, "summary": SUMMARY, "today": now.astimezone(UTC).date()}
    rows = conn.execute(_UNSENT, asked).fetchall()
    return [Alert(*row) for row in rows]


def note_sent(
    conn: Connection, alerts: Iterable[Alert], channel: str, answer: str, now: datetime, *, is_taken: bool
) -> None:
    """Take down what became of telling a channel of alerts."""
    with conn.cursor() as cursor:
        cursor.executemany(
            """
            insert into ops.alert_sent (alert_id, channel, try_count, tried_at, sent_at, answer)
            values (%s, %s, 1, %s, %s, %s)
            on conflict (alert_id, channel) do update
            set try_count = ops.alert_sent.try_count + 1, tried_at = excluded.tried_at, sent_at = excluded.sent_at,
                answer = excluded.answer
            """,
            [(alert.alert_id, channel, now, now if is_taken else None, mend(answer)) for alert in alerts],
        )


def mute(conn: Connection, kind: str, until: date, *, who: str, why: str) -> None:
    """Tell nobody of a kind until the end of a day (UTC)."""
    conn.execute(
        "insert into ops.alert_mute (kind, until, muted_by, why) values (%s, %s, %s, %s)", (kind, until, who, why)
    )


def read_muted(conn: Connection, now: datetime) -> list[tuple[str, date, str, str]]:
    """The kinds that nobody is told of now: kind, last day, by whom, why."""
    return conn.execute(
        "select kind, max(until), max(muted_by), max(why) from ops.alert_mute where until >= %s group by 1 order by 1",
        (now.astimezone(UTC).date(),),
    ).fetchall()
