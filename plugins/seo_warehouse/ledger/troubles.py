"""What is wrong just now, as the ledgers tell it: a state each, one for as long as it lasts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from seo_warehouse.ledger import nights
from seo_warehouse.ledger.alerts import State
from seo_warehouse.ledger.aside import read_aside
from seo_warehouse.ledger.budgets import read_standings
from seo_warehouse.ledger.session import Connection
from seo_warehouse.ledger.shapes import read_changes

SPIKE = 3
"""So many times what is usual is too much."""
USUAL_NIGHTS = 28
FEWEST_NIGHTS = 7
"""Below so many earlier nights nothing is usual."""
LEAST_MONEY, LEAST_ROWS = 1, 1_000
"""US dollars and rows of a night below which no multiple is worth a word."""

_HELD = """
select l.load_id, l.source, l.table_name, l.property_key, coalesce(p.property_name, 'all'), l.first_day, l.last_day,
       coalesce(l.reason, 'see ops.verdict')
from ops.load as l left join ops.property as p using (property_key)
where l.state = 'quarantined'
order by 1
"""
# A night's load has failed for good once its source has ended the night: before that a retry may come.
_FAILED = """
select f.source, f.table_name, f.property_key, coalesce(max(p.property_name), 'all'), min(f.first_day),
       max(f.last_day), (array_agg(f.reason order by f.load_id desc))[1]
from ops.load as f left join ops.property as p using (property_key)
where f.state = 'failed' and f.purpose = 'night'
    and f.load_id > coalesce(
        (select (value ->> 'load_id')::bigint from ops.setting where name = 'acknowledged_failures'), 0
    )
    and exists (select from ops.source_night as n where n.source = f.source and n.night = f.night)
    and not exists (
        select from ops.load as l
        where l.source = f.source and l.table_name = f.table_name and l.property_key = f.property_key
            and l.part = f.part and l.load_id > f.load_id
            and l.state not in ('started', 'written', 'passed', 'failed', 'deferred')
            and (l.night > f.night or l.first_day <= f.first_day and l.last_day >= f.last_day)
    )
group by 1, 2, 3
order by 1, 2, 3
"""
_BUILD = "select state, reason from ops.build order by build_id desc limit 1"
_LATE = "select night, missing_sources from ops.night order by night desc limit 1"
_STALE = "select value -> 'tables' from ops.setting where name = 'stale_tables'"
_RESTATED = """
select c.source, c.table_name, c.property_key, coalesce(max(p.property_name), 'all'), min(c.day), max(c.day), count(*)
from ops.publication as c
join ops.source_table as t using (source, table_name, property_key)
left join ops.property as p using (property_key)
where c.is_current and t.kind = 'dated' and c.read_at > %(now)s - interval '1 day'
    and (c.read_at at time zone 'UTC')::date - c.day > t.delay_days + t.lookback_days
    and exists (
        select from ops.publication as b
        where b.source = c.source and b.table_name = c.table_name and b.property_key = c.property_key
            and b.part = c.part and b.day = c.day and not b.is_current and b.publication_id < c.publication_id
            and (b.read_at at time zone 'UTC')::date - b.day >= t.delay_days + t.lookback_days
    )
group by 1, 2, 3
order by 1, 2, 3
"""
_SPIKES = """
with used as (
    select source, property_key, night, rows_read as row_count, money
    from ops.load
    where purpose = 'night' and night between %(night)s - %(usual)s and %(night)s
    union all
    select source, property_key, night, 0, money
    from ops.order_usage where night between %(night)s - %(usual)s and %(night)s
),
summed as (
    select source, property_key, night, sum(row_count)::float8 as row_count, coalesce(sum(money), 0)::float8 as money
    from used group by 1, 2, 3
),
usual as (
    select source, property_key, percentile_cont(0.5) within group (order by row_count) as row_count,
           percentile_cont(0.5) within group (order by money) as money
    from summed where night < %(night)s group by 1, 2 having count(*) >= %(fewest)s
)
select s.source, s.property_key, coalesce(p.property_name, 'all'), v.what, v.found, v.usual
from summed as s
join usual as u using (source, property_key)
left join ops.property as p using (property_key)
cross join lateral (
    values ('rows', s.row_count, u.row_count, %(rows)s), ('US dollars', s.money, u.money, %(money)s)
) as v (what, found, usual, least)
where s.night = %(night)s and v.found >= v.least and v.found > %(spike)s * v.usual
order by 1, 2, 4
"""
MOST_CHANGES = 5
_MISSHAPEN = """
select l.source, l.table_name, count(distinct l.load_id), min(v.rule || ': ' || v.reason)
from ops.load as l join ops.verdict as v using (load_id)
where l.state = 'quarantined' and v.rule in ('unknown_fields', 'missing_fields') and not v.is_met
group by 1, 2 order by 1, 2
"""
# While a source is being read its answers are of some properties alone: what was told before still holds.
_READING = """
select s.source, a.content
from (select source, max(last_seen) as day from ops.shape group by 1) as s
left join ops.alert as a on a.kind = 'shape_changed' and a.key = s.source and a.ended_at is null
where not exists (select from ops.source_night as n where n.source = s.source and n.night = s.day)
"""


def find_troubles(conn: Connection, now: datetime) -> list[State]:
    """Every state that the ledgers tell of, at an instant with a time zone."""
    return [
        *_held(conn),
        *_failed(conn),
        *_of_builds(conn),
        *_of_nights(conn, now),
        *_stale(conn),
        *_restated(conn, now),
        *_spikes(conn),
        *_budgets(conn, now),
        *_shapes(conn),
    ]


def _held(conn: Connection) -> Iterator[State]:
    for load, source, table, key, name, first, last, reason in conn.execute(_HELD).fetchall():
        yield State(
            "held",
            str(load),
            f"load {load} of {source}.{table} for {name}, {first} to {last}, is held: {reason}. Look at it, then"
            f" `seo-warehouse release {load} --approve --why ...`, or --reject",
            source,
            key,
        )


def _failed(conn: Connection) -> Iterator[State]:
    for source, table, key, name, first, last, reason in conn.execute(_FAILED).fetchall():
        yield State(
            "failed",
            f"{source}.{table}/{key}",
            f"{source}.{table} for {name}, {first} to {last}, was not read: {reason or 'its task did not end'}",
            source,
            key,
        )


def _of_builds(conn: Connection) -> Iterator[State]:
    for state, reason in conn.execute(_BUILD).fetchall():
        if state == "failed":
            yield State("build_failed", "build", f"the last build failed, and the marts stay as they were: {reason}")
    for each in read_aside(conn):
        yield State("set_aside", str(each.property_key), str(each), property_key=each.property_key or None)


def _of_nights(conn: Connection, now: datetime) -> Iterator[State]:
    overdue = nights.overdue_nights(conn, now)
    # One is closed by the next tick of the clock.
    if len(overdue) > 1:
        yield State("clock", "clock", nights.explain_overdue(now, overdue))
    for night, missing in conn.execute(_LATE).fetchall():
        if missing:
            yield State("night_late", "night", f"night {night} was closed at its deadline without {', '.join(missing)}")


def _stale(conn: Connection) -> Iterator[State]:
    for (tables,) in conn.execute(_STALE).fetchall():
        for sentence in tables:
            table = sentence.partition(":")[0]
            yield State("stale", table, f"older than its source allows: {sentence}", table.partition(".")[0])


def _restated(conn: Connection, now: datetime) -> Iterator[State]:
    for source, table, key, name, first, last, count in conn.execute(_RESTATED, {"now": now}).fetchall():
        days = (
            f"{first} changed after it was"
            if count == 1
            else f"{count} days, {first} to {last}, changed after they were"
        )
        yield State(
            "restated_late", f"{source}.{table}/{key}", f"{source}.{table} for {name}: {days} final", source, key
        )


def _budgets(conn: Connection, now: datetime) -> Iterator[State]:
    for each in read_standings(conn, now.astimezone(UTC).date()):
        is_over = each.reason is not None or each.share >= 1
        if is_over or each.share >= each.warn_at:
            key = each.property_key
            kind = "budget_100" if is_over else "budget_80"
            yield State(kind, f"{each.name}/{key}", str(each), each.name if key else None, key or None)


def _shapes(conn: Connection) -> Iterator[State]:
    """One for each source, whatever of it has moved: where all answers changed, each of its fields would be another."""
    told: dict[str, list[str]] = {}
    for source, table, loads, reason in conn.execute(_MISSHAPEN).fetchall():
        told.setdefault(source, []).append(f"{loads} loads of {table} are held ({reason})")
    reading = dict(conn.execute(_READING).fetchall())
    for change in read_changes(conn):
        if change.is_told and change.source not in reading:
            told.setdefault(change.source, []).append(f"{change.endpoint}: {change}")
    for source, content in reading.items():
        if content is not None and source not in told:
            yield State("shape_changed", source, content, source)
    for source, found in told.items():
        more = f"; and {len(found) - MOST_CHANGES} more" if len(found) > MOST_CHANGES else ""
        sentence = f"answers of {source} are not as usual: {'; '.join(found[:MOST_CHANGES])}{more}"
        yield State("shape_changed", source, f"{sentence}. `seo-warehouse shapes` shows all", source)


def _spikes(conn: Connection) -> Iterator[State]:
    for night, _ in conn.execute(_LATE).fetchall():
        asked = {"night": night, "usual": USUAL_NIGHTS, "fewest": FEWEST_NIGHTS, "spike": SPIKE}
        asked |= {"rows": LEAST_ROWS, "money": LEAST_MONEY}
        for source, key, name, what, found, usual in conn.execute(_SPIKES, asked).fetchall():
            yield State(
                "spike",
                f"{source}/{key}/{what}",
                f"{source} for {name}: {found:,.6g} {what} in night {night}, where {usual:,.6g} are usual",
                source,
                key,
            )
