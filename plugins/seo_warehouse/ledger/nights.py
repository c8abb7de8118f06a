"""How nights end: a night closes when every configured source has ended it, or at its deadline.

Clocks go wrong, and what time it is cannot be known here. So a tick closes one overdue night at most: where more are
overdue, the machine was off for days or the clock is ahead. And what the clock of a later tick shows to lie in the
future was closed by a clock that was ahead: it is taken back, so that the night closes when it ends.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from seo_warehouse.ledger.loads import ABANDONED_AFTER
from seo_warehouse.ledger.session import Connection, one
from seo_warehouse.spec import NIGHT_DEADLINE

log = logging.getLogger(__name__)

KNOWN_DAYS = timedelta(days=30)
"""A clock by which the ledger has known no night for longer says nothing of the nights that it knows."""

UNHEARD = timedelta(minutes=30)
"""So long after a night closed some build has begun, or whoever was to tell of it is dead."""
TOLD_AGAIN = timedelta(days=2)
"""Until then; what a night brought is with the next one's build after it."""

ONE_AT_A_TIME = "lock table ops.night in share row exclusive mode"


def end_source_night(conn: Connection, source: str, night: date) -> None:
    """Note that a source has ended a night, whatever came of its loads."""
    with conn.transaction():
        conn.execute(
            "insert into ops.source_night (source, night) values (%s, %s) on conflict do nothing", (source, night)
        )


@dataclass(frozen=True)
class NightLoad:
    """The newest attempt at one batch of a night."""

    load_id: int
    table: str
    property_key: int
    first_day: date
    last_day: date
    state: str
    reason: str | None


def loads_of(conn: Connection, source: str, night: date) -> list[NightLoad]:
    """The newest attempt at each batch of a source's night."""
    rows = conn.execute(
        """
        select distinct on (table_name, property_key, part, first_day)
               load_id, table_name, property_key, first_day, last_day, state, reason
        from ops.load
        where source = %s and night = %s and purpose = 'night'
        order by table_name, property_key, part, first_day, load_id desc
        """,
        (source, night),
    ).fetchall()
    return [NightLoad(*row) for row in rows]


def loads_in(
    conn: Connection, state: str, source: str, table: str, night: date, property_key: int | None = None
) -> list[int]:
    """The loads of a table's night that are in a state, of one property or of all, oldest first."""
    rows = conn.execute(
        """
        select load_id from ops.load
        where state = %s and source = %s and table_name = %s and night = %s and purpose = 'night'
          and (%s::integer is null or property_key = %s)
        order by load_id
        """,
        (state, source, table, night, property_key, property_key),
    ).fetchall()
    return [load_id for (load_id,) in rows]


def waiting_loads(
    conn: Connection, source: str, table: str, night: date, property_key: int
) -> dict[tuple[date, date], int]:
    """The loads of a property's night that are written and not judged yet, by first and last day.

    Not those that are abandoned: a release may have changed what is read since.
    """
    rows = conn.execute(
        """
        select first_day, last_day, max(load_id) from ops.load
        where state = 'written' and source = %s and table_name = %s and night = %s and purpose = 'night'
          and property_key = %s and written_at > clock_timestamp() - %s
        group by 1, 2
        """,
        (source, table, night, property_key, ABANDONED_AFTER),
    ).fetchall()
    return {(first, last): load_id for first, last, load_id in rows}


def close_night(conn: Connection, night: date, now: datetime, configured_sources: Iterable[str]) -> bool:
    """Close a night once every configured source has ended it; whether it waits for a build.

    True again when called again, until a finished build carries the night: what follows may have been killed. `now` has
    a time zone.
    """
    with conn.transaction():
        conn.execute(ONE_AT_A_TIME)
        _take_back(conn, now)
        first = _first_night(conn)
        if first is None or night < first:
            log.info("night %s lies before the first scheduled one: the next build finds what it brought", night)
            return False
        missing = _missing(conn, night, configured_sources)
        if missing or is_carried(conn, night):
            log.info("night %s stays as it is: %s", night, f"{', '.join(missing)} not ended" if missing else "built")
            return False
        conn.execute("insert into ops.night (night, closed_by) values (%s, 'sources') on conflict do nothing", (night,))
    return True


def is_teller(conn: Connection, source: str, night: date) -> bool:
    """Whether the run of this source is the one that tells of a closed night: the first to ask, and it alone again."""
    told_by = one(
        conn, "update ops.night set told_by = coalesce(told_by, %s) where night = %s returning told_by", (source, night)
    )
    return bool(told_by == source)


def close_overdue(conn: Connection, now: datetime, configured_sources: Iterable[str]) -> list[date]:
    """Close the oldest night whose deadline has passed, naming the sources that had not ended it.

    Returns the nights closed so, now or earlier, that wait for a build, oldest first; with those that sources closed
    and of which nobody has told. Nights before the first scheduled one are neither closed nor overdue. `now` has a time
    zone.
    """
    with conn.transaction():
        conn.execute(ONE_AT_A_TIME)
        _take_back(conn, now)
        for night in overdue_nights(conn, now)[:1]:
            missing = _missing(conn, night, configured_sources)
            conn.execute(
                "insert into ops.night (night, closed_by, missing_sources) values (%s, 'deadline', %s)",
                (night, missing),
            )
            log.warning("night %s closed at its deadline without %s", night, ", ".join(missing) or "nothing missing")
        # One that closed earlier and waits for a build is told again: its first teller may have been killed.
        waiting = conn.execute(
            """
            select night from ops.night as n
            where closed_by = 'deadline' or (
                closed_at between now() - %(recent)s and now() - %(patience)s
                and not exists (select from ops.build as b where b.claimed_at >= n.closed_at)
            )
            order by 1
            """,
            {"recent": TOLD_AGAIN, "patience": UNHEARD},
        ).fetchall()
        return [night for (night,) in waiting if not is_carried(conn, night)]


def overdue_nights(conn: Connection, now: datetime) -> list[date]:
    """The nights whose deadline has passed by this clock and that have not closed, oldest first."""
    rows = conn.execute(
        """
        select day::date
        from generate_series(%s::timestamp, %s::timestamp, interval '1 day') as day
        where not exists (select from ops.night as n where n.night = day::date)
        order by 1
        """,
        (_first_night(conn), _last_overdue(now)),
    ).fetchall()
    return [night for (night,) in rows]


def explain_overdue(now: datetime, overdue: list[date]) -> str:
    """What it may mean that more nights are overdue than a tick closes, and what is to be done."""
    return (
        f"the clock tells {now:%Y-%m-%d %H:%M} UTC, and {len(overdue)} nights from {overdue[0]} to {overdue[-1]}"
        " have not closed: if the machine was off, one of them closes each hour and nothing is to be done;"
        " if the clock is ahead, set it right, and what it closed is taken back"
    )


def _last_overdue(now: datetime) -> date:
    """The newest night whose deadline has passed."""
    moment = now.astimezone(UTC)
    return moment.date() if moment.time() >= NIGHT_DEADLINE else moment.date() - timedelta(days=1)


def _take_back(conn: Connection, now: datetime) -> None:
    """Forget what was closed, ended and carried in nights that by this clock are yet to come.

    Of tomorrow only what its deadline closed: a clock that is a day behind shall not take back what sources ended. Nor
    shall one that is further behind: where no source ended a night of the last weeks, or one ended the day after
    tomorrow, this clock is doubted and not the ledger.
    """
    today = now.astimezone(UTC).date()
    ahead = today + timedelta(days=1)
    is_doubted = one(
        conn,
        """
        select not exists (select from ops.source_night where night between %(since)s and %(ahead)s)
            or exists (select from ops.source_night where night = %(after)s)
        """,
        {"since": today - KNOWN_DAYS, "ahead": ahead, "after": ahead + timedelta(days=1)},
    )
    if is_doubted:
        return
    conn.execute("delete from ops.source_night where night > %s", (ahead,))
    taken = [
        night
        for (night,) in conn.execute(
            "delete from ops.night where night > %s or closed_by = 'deadline' and night > %s returning night",
            (ahead, _last_overdue(now)),
        ).fetchall()
    ]
    if not taken:
        return
    conn.execute(
        """
        update ops.build set nights = array(select night from unnest(nights) as night where night <> all(%(taken)s))
        where nights && %(taken)s
        """,
        {"taken": taken},
    )
    log.warning("taken back, since a clock that was ahead closed them: %s nights up to %s", len(taken), max(taken))


def _first_night(conn: Connection) -> date | None:
    """The night that a source ended first of all: by instant, since one back-filled later may be older."""
    row = conn.execute("select night from ops.source_night order by ended_at, night limit 1").fetchone()
    return row[0] if row else None


def _missing(conn: Connection, night: date, configured_sources: Iterable[str]) -> list[str]:
    ended = {
        source
        for (source,) in conn.execute("select source from ops.source_night where night = %s", (night,)).fetchall()
    }
    return sorted(set(configured_sources) - ended)


def is_closed(conn: Connection, night: date) -> bool:
    """Whether a night has closed."""
    return conn.execute("select from ops.night where night = %s", (night,)).fetchone() is not None


def is_carried(conn: Connection, night: date) -> bool:
    """Whether a finished build carries a night."""
    return bool(
        one(conn, "select exists (select from ops.build where state = 'finished' and %s = any(nights))", (night,))
    )
